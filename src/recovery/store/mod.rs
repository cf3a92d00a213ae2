//! Recoveries, and what settled them, as rows.

mod listing;

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::{Basis, Cause, Parts, Plan, Recovery, Said, Stage, WriteOff};
use crate::journal::AccountCode;
use crate::payment::{BankLineId, StillOpen};
use crate::programme::BudgetLine;
use crate::types::{
    Amount, Due, FiscalYear, LogIndex, Money, NotPositive, PartyId, PayableId, PersonId,
    RecoveryId, Zone, ZoneId,
};

pub use listing::{
    RecoveryFilter, RecoveryRow, RecoveryTotals, SettlementRow, WriteOffRow, recoveries, recovery,
    settlements, totals, write_offs,
};

/// How a part of a recovery was settled, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// By a line of the bank.
    Cash(BankLineId),
    /// By a payable.
    Offset(PayableId),
    /// It was given up.
    WriteOff,
}

/// A part of a recovery that was settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settlement {
    pub(super) recovery: RecoveryId,
    pub(super) amount: Amount,
    pub(super) by: PersonId,
    pub(super) returned_to: Option<AccountCode>,
    pub(super) way: Settled,
}

/// What became of a proposed write-off.
#[derive(Clone, Copy, Debug)]
pub(super) struct DecidedWriteOff {
    pub(super) proposed: LogIndex,
    pub(super) outcome: &'static str,
    pub(super) by: PersonId,
}

/// A recovery as its row has it, with its payable's payee and budget line and the write-off that waits.
struct Row {
    recovery_id: Uuid,
    proposed_index: i64,
    payable_id: Uuid,
    payee_id: Uuid,
    programme: String,
    fiscal_year: i16,
    cause: String,
    reason: String,
    basis: String,
    amount: i64,
    hands: Vec<Uuid>,
    proposed_by: Uuid,
    decided_by: Option<Uuid>,
    decided_index: Option<i64>,
    due_on: Option<NaiveDate>,
    open: i64,
    received: i64,
    set_off: i64,
    written_off: i64,
    planned_index: Option<i64>,
    voided_by: Option<Uuid>,
    voided_index: Option<i64>,
    write_off_index: Option<i64>,
    write_off_by: Option<Uuid>,
    write_off_reason: Option<String>,
    write_off_amount: Option<i64>,
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn positive(minor: i64) -> Result<Amount, sqlx::Error> {
    Amount::new(Money::from_minor(minor)).map_err(|error: NotPositive| decode(error))
}

/// A word that its own type does not accept: the row was written past the service.
fn unknown(word: &str) -> sqlx::Error {
    sqlx::Error::Decode(format!("unknown word of a recovery {word:?}").into())
}

fn said(by: Option<Uuid>, index: Option<i64>) -> Option<Said> {
    by.zip(index).map(|(by, index)| Said {
        by: PersonId(by),
        index: LogIndex(index),
    })
}

impl Row {
    fn stage(&self, plans: &HashMap<LogIndex, Vec<Due>>) -> Stage {
        let decided = said(self.decided_by, self.decided_index);
        let money = Money::from_minor;
        match (decided, self.due_on) {
            (None, _) => Stage::Proposed,
            (Some(said), None) => Stage::Rejected(said),
            (Some(ordered), Some(due_on)) => match said(self.voided_by, self.voided_index) {
                Some(voided) => Stage::Void {
                    said: ordered,
                    due_on,
                    planned: self.planned_index.map(LogIndex),
                    voided,
                },
                None => Stage::Ordered {
                    said: ordered,
                    due_on,
                    parts: Parts {
                        open: money(self.open),
                        received: money(self.received),
                        set_off: money(self.set_off),
                        written_off: money(self.written_off),
                    },
                    plan: self.planned_index.map(|index| Plan {
                        index: LogIndex(index),
                        instalments: plans.get(&LogIndex(index)).cloned().unwrap_or_default(),
                    }),
                },
            },
        }
    }

    fn write_off(&self) -> Result<Option<WriteOff>, sqlx::Error> {
        let proposed = said(self.write_off_by, self.write_off_index);
        let text = self.write_off_reason.as_ref().zip(self.write_off_amount);
        proposed
            .zip(text)
            .map(|(proposed, (reason, amount))| {
                Ok(WriteOff {
                    proposed,
                    reason: reason.parse().map_err(decode)?,
                    amount: positive(amount)?,
                })
            })
            .transpose()
    }

    fn recovery(
        self,
        zone: &Zone,
        plans: &HashMap<LogIndex, Vec<Due>>,
    ) -> Result<Recovery, sqlx::Error> {
        Ok(Recovery {
            id: RecoveryId(self.recovery_id),
            payable: PayableId(self.payable_id),
            party: PartyId(self.payee_id),
            line: BudgetLine {
                programme: self.programme.parse().map_err(decode)?,
                year: FiscalYear(self.fiscal_year),
                currency: zone.currency,
            },
            cause: Cause::named(&self.cause).ok_or_else(|| unknown(&self.cause))?,
            reason: self.reason.parse().map_err(decode)?,
            basis: Basis::named(&self.basis).ok_or_else(|| unknown(&self.basis))?,
            amount: positive(self.amount)?,
            hands: self.hands.iter().copied().map(PersonId).collect(),
            proposed: Said {
                by: PersonId(self.proposed_by),
                index: LogIndex(self.proposed_index),
            },
            stage: self.stage(plans),
            write_off: self.write_off()?,
        })
    }
}

/// Locks recoveries, in the order of their ids; unknown ones are missing.
pub(super) async fn lock(
    conn: &mut PgConnection,
    zone: &Zone,
    ids: &[RecoveryId],
) -> Result<HashMap<RecoveryId, Recovery>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    // Locking must not depend on the plan: ids first, in their order, then the rows.
    let ids = sqlx::query_scalar!(
        "SELECT recovery_id FROM ledger.recovery WHERE zone_id = $1 AND recovery_id = ANY($2)
         ORDER BY recovery_id FOR UPDATE",
        zone.id.0,
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let found = by_ids(conn, zone, &ids).await?;
    Ok(found.into_iter().map(|one| (one.id, one)).collect())
}

/// Of the recoveries of what an instruction paid, those that are open and partly settled, locked in the order of their ids.
pub(super) async fn lock_partly_settled(
    conn: &mut PgConnection,
    zone: ZoneId,
    instruction: &str,
) -> Result<Vec<StillOpen>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT r.recovery_id, r.open FROM ledger.recovery r
         WHERE r.zone_id = $1 AND r.open > 0 AND r.received + r.set_off > 0
             AND r.payable_id = (SELECT l.payable_id FROM ledger.payment_line l
                 WHERE l.zone_id = $1 AND l.end_to_end_id = $2)
         ORDER BY r.recovery_id FOR UPDATE",
        zone.0,
        instruction,
    )
    .fetch_all(conn)
    .await?;
    let open = rows.into_iter().map(|row| StillOpen {
        recovery: RecoveryId(row.recovery_id),
        open: Money::from_minor(row.open),
    });
    Ok(open.collect())
}

/// Recoveries with their plans in force, in the order in which they were proposed.
async fn by_ids(
    conn: &mut PgConnection,
    zone: &Zone,
    ids: &[Uuid],
) -> Result<Vec<Recovery>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT r.recovery_id, r.proposed_index, r.payable_id, p.payee_id, p.programme, p.fiscal_year, r.cause,
               r.reason, r.basis, r.amount, r.hands, r.proposed_by, r.decided_by, r.decided_index, r.due_on, r.open,
               r.received, r.set_off, r.written_off, r.planned_index, r.voided_by, r.voided_index,
               w.proposed_index AS "write_off_index?", w.proposed_by AS "write_off_by?",
               w.reason AS "write_off_reason?", w.amount AS "write_off_amount?"
           FROM ledger.recovery r
           JOIN ledger.payable p ON p.zone_id = r.zone_id AND p.payable_id = r.payable_id
           LEFT JOIN ledger.recovery_write_off w ON w.zone_id = r.zone_id AND w.recovery_id = r.recovery_id
               AND w.outcome IS NULL
           WHERE r.zone_id = $1 AND r.recovery_id = ANY($2) ORDER BY r.proposed_index"#,
        zone.id.0,
        ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let planned: Vec<i64> = rows.iter().filter_map(|row| row.planned_index).collect();
    let plans = plans(conn, zone.id, &planned).await?;
    let recovery = rows.into_iter().map(|row| row.recovery(zone, &plans));
    recovery.collect()
}

async fn plans(
    conn: &mut PgConnection,
    zone: ZoneId,
    planned: &[i64],
) -> Result<HashMap<LogIndex, Vec<Due>>, sqlx::Error> {
    let mut plans: HashMap<LogIndex, Vec<Due>> = HashMap::new();
    if planned.is_empty() {
        return Ok(plans);
    }
    let rows = sqlx::query!(
        "SELECT planned_index, due, amount FROM ledger.recovery_instalment
         WHERE zone_id = $1 AND planned_index = ANY($2) ORDER BY planned_index, number",
        zone.0,
        planned,
    )
    .fetch_all(conn)
    .await?;
    for row in rows {
        let amount = positive(row.amount)?;
        let plan = plans.entry(LogIndex(row.planned_index)).or_default();
        plan.push(Due {
            due: row.due,
            amount,
        });
    }
    Ok(plans)
}

/// What is asked back of payables already, without what was rejected or voided; nothing is missing.
pub(super) async fn asked_back(
    conn: &mut PgConnection,
    zone: ZoneId,
    payables: &[PayableId],
) -> Result<HashMap<PayableId, Money>, sqlx::Error> {
    let ids: Vec<Uuid> = payables.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT payable_id, sum(amount)::bigint AS "asked!" FROM ledger.recovery
           WHERE zone_id = $1 AND payable_id = ANY($2) AND state NOT IN ('rejected', 'void') GROUP BY payable_id"#,
        zone.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let asked = rows
        .into_iter()
        .map(|row| (PayableId(row.payable_id), Money::from_minor(row.asked)));
    Ok(asked.collect())
}

/// Inserts proposed recoveries.
pub(super) async fn insert(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[Recovery],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = new.iter().map(|one| one.id.0).collect();
    let indices: Vec<i64> = new.iter().map(|one| one.proposed.index.0).collect();
    let payables: Vec<Uuid> = new.iter().map(|one| one.payable.0).collect();
    let causes: Vec<&str> = new.iter().map(|one| one.cause.as_str()).collect();
    let reasons: Vec<&str> = new.iter().map(|one| one.reason.as_str()).collect();
    let bases: Vec<&str> = new.iter().map(|one| one.basis.as_str()).collect();
    let amounts: Vec<i64> = new.iter().map(|one| one.amount.minor()).collect();
    // Postgres has no arrays of different lengths: each row's persons in one text.
    let hands: Vec<String> = new
        .iter()
        .map(|one| {
            let persons: Vec<String> = one.hands.iter().map(ToString::to_string).collect();
            persons.join(" ")
        })
        .collect();
    let proposers: Vec<Uuid> = new.iter().map(|one| one.proposed.by.0).collect();
    sqlx::query!(
        "INSERT INTO ledger.recovery (zone_id, recovery_id, proposed_index, payable_id, cause, reason, basis, amount,
             hands, proposed_by)
         SELECT $1, new.recovery_id, new.proposed_index, new.payable_id, new.cause, new.reason, new.basis, new.amount,
             string_to_array(new.hands, ' ')::uuid[], new.proposed_by
         FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[],
             $9::text[], $10::uuid[]) AS new (recovery_id, proposed_index, payable_id, cause, reason, basis, amount,
                 hands, proposed_by)",
        zone.0,
        &ids,
        &indices,
        &payables,
        &causes as _,
        &reasons as _,
        &bases as _,
        &amounts,
        &hands,
        &proposers,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How far a recovery has come, as its row has it.
#[derive(Default)]
struct Columns {
    outcome: Option<&'static str>,
    decided: Option<Said>,
    due_on: Option<NaiveDate>,
    parts: Option<Parts>,
    planned: Option<i64>,
    voided: Option<Said>,
}

impl Columns {
    fn of(recovery: &Recovery) -> Self {
        match &recovery.stage {
            Stage::Proposed => Self::default(),
            Stage::Rejected(said) => Self {
                outcome: Some("rejected"),
                decided: Some(*said),
                ..Self::default()
            },
            Stage::Ordered {
                said,
                due_on,
                parts,
                plan,
            } => Self {
                outcome: Some("ordered"),
                decided: Some(*said),
                due_on: Some(*due_on),
                parts: Some(*parts),
                planned: plan.as_ref().map(|plan| plan.index.0),
                voided: None,
            },
            Stage::Void {
                said,
                due_on,
                planned,
                voided,
            } => Self {
                outcome: Some("ordered"),
                decided: Some(*said),
                due_on: Some(*due_on),
                parts: None,
                planned: planned.map(|index| index.0),
                voided: Some(*voided),
            },
        }
    }
}

/// Brings rows to where their recoveries stand.
pub(super) async fn update(
    conn: &mut PgConnection,
    zone: ZoneId,
    changed: &[&Recovery],
) -> Result<(), sqlx::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = changed.iter().map(|one| one.id.0).collect();
    let columns: Vec<Columns> = changed.iter().map(|one| Columns::of(one)).collect();
    let outcomes: Vec<Option<&str>> = columns.iter().map(|one| one.outcome).collect();
    let by = |said: Option<Said>| said.map(|said| said.by.0);
    let at = |said: Option<Said>| said.map(|said| said.index.0);
    let deciders: Vec<Option<Uuid>> = columns.iter().map(|one| by(one.decided)).collect();
    let decided: Vec<Option<i64>> = columns.iter().map(|one| at(one.decided)).collect();
    let due: Vec<Option<NaiveDate>> = columns.iter().map(|one| one.due_on).collect();
    let part = |part: fn(Parts) -> Money| -> Vec<i64> {
        let parts = columns.iter().map(|one| one.parts.map(part));
        parts.map(|part| part.unwrap_or_default().minor()).collect()
    };
    let (open, received) = (part(|parts| parts.open), part(|parts| parts.received));
    let (set_off, given_up) = (part(|parts| parts.set_off), part(|parts| parts.written_off));
    let planned: Vec<Option<i64>> = columns.iter().map(|one| one.planned).collect();
    let voiders: Vec<Option<Uuid>> = columns.iter().map(|one| by(one.voided)).collect();
    let voided: Vec<Option<i64>> = columns.iter().map(|one| at(one.voided)).collect();
    sqlx::query!(
        "UPDATE ledger.recovery r SET outcome = new.outcome, decided_by = new.decided_by,
             decided_index = new.decided_index, due_on = new.due_on, open = new.open, received = new.received,
             set_off = new.set_off, written_off = new.written_off, planned_index = new.planned_index,
             voided_by = new.voided_by, voided_index = new.voided_index
         FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::date[], $7::bigint[], $8::bigint[],
             $9::bigint[], $10::bigint[], $11::bigint[], $12::uuid[], $13::bigint[])
             AS new (recovery_id, outcome, decided_by, decided_index, due_on, open, received, set_off, written_off,
                 planned_index, voided_by, voided_index)
         WHERE r.zone_id = $1 AND r.recovery_id = new.recovery_id",
        zone.0,
        &ids,
        &outcomes as _,
        &deciders as _,
        &decided as _,
        &due as _,
        &open,
        &received,
        &set_off,
        &given_up,
        &planned as _,
        &voiders as _,
        &voided as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what was settled, each by its entry.
pub(super) async fn insert_settlements(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[(Settlement, LogIndex)],
) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let way = |one: &Settlement| match one.way {
        Settled::Cash(line) => ("cash", Some(line), None),
        Settled::Offset(payable) => ("offset", None, Some(payable.0)),
        Settled::WriteOff => ("write_off", None, None),
    };
    let indices: Vec<i64> = new.iter().map(|(_, index)| index.0).collect();
    let ids: Vec<Uuid> = new.iter().map(|(one, _)| one.recovery.0).collect();
    let ways: Vec<&str> = new.iter().map(|(one, _)| way(one).0).collect();
    let amounts: Vec<i64> = new.iter().map(|(one, _)| one.amount.minor()).collect();
    let returned = new.iter().map(|(one, _)| one.returned_to);
    let returned: Vec<Option<&str>> = returned.map(|code| code.map(AccountCode::as_str)).collect();
    let persons: Vec<Uuid> = new.iter().map(|(one, _)| one.by.0).collect();
    let lines = || new.iter().map(|(one, _)| way(one).1);
    let files: Vec<Option<i64>> = lines().map(|line| line.map(|line| line.file.0)).collect();
    let numbers: Vec<Option<i32>> = lines().map(|line| line.map(|line| line.number)).collect();
    let payables: Vec<Option<Uuid>> = new.iter().map(|(one, _)| way(one).2).collect();
    sqlx::query!(
        "INSERT INTO ledger.recovery_settlement (zone_id, log_index, recovery_id, way, amount, returned_to, settled_by,
             file_index, line_number, payable_id)
         SELECT $1, new.* FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::bigint[], $6::text[], $7::uuid[],
             $8::bigint[], $9::integer[], $10::uuid[]) AS new",
        zone.0,
        &indices,
        &ids,
        &ways as _,
        &amounts,
        &returned as _,
        &persons,
        &files as _,
        &numbers as _,
        &payables as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps the instalments of plans.
pub(super) async fn insert_plans(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[(RecoveryId, Plan)],
) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let (mut ids, mut indices, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut days, mut amounts) = (Vec::new(), Vec::new());
    for (recovery, plan) in new {
        for (number, part) in (1_i16..).zip(&plan.instalments) {
            ids.push(recovery.0);
            indices.push(plan.index.0);
            numbers.push(number);
            days.push(part.due);
            amounts.push(part.amount.minor());
        }
    }
    sqlx::query!(
        "INSERT INTO ledger.recovery_instalment (zone_id, planned_index, number, recovery_id, due, amount)
         SELECT $1, new.* FROM unnest($2::bigint[], $3::smallint[], $4::uuid[], $5::date[], $6::bigint[]) AS new",
        zone.0,
        &indices,
        &numbers,
        &ids,
        &days,
        &amounts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts the write-offs that recoveries wait with.
pub(super) async fn insert_write_offs(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[(RecoveryId, WriteOff)],
) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let indices: Vec<i64> = new.iter().map(|(_, one)| one.proposed.index.0).collect();
    let ids: Vec<Uuid> = new.iter().map(|(id, _)| id.0).collect();
    let amounts: Vec<i64> = new.iter().map(|(_, one)| one.amount.minor()).collect();
    let reasons: Vec<&str> = new.iter().map(|(_, one)| one.reason.as_str()).collect();
    let persons: Vec<Uuid> = new.iter().map(|(_, one)| one.proposed.by.0).collect();
    sqlx::query!(
        "INSERT INTO ledger.recovery_write_off (zone_id, proposed_index, recovery_id, amount, reason, proposed_by)
         SELECT $1, new.* FROM unnest($2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::uuid[]) AS new",
        zone.0,
        &indices,
        &ids,
        &amounts,
        &reasons as _,
        &persons,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what became of write-offs.
pub(super) async fn decide_write_offs(
    conn: &mut PgConnection,
    zone: ZoneId,
    decided: &[(DecidedWriteOff, LogIndex)],
) -> Result<(), sqlx::Error> {
    if decided.is_empty() {
        return Ok(());
    }
    let proposed: Vec<i64> = decided.iter().map(|(one, _)| one.proposed.0).collect();
    let outcomes: Vec<&str> = decided.iter().map(|(one, _)| one.outcome).collect();
    let persons: Vec<Uuid> = decided.iter().map(|(one, _)| one.by.0).collect();
    let indices: Vec<i64> = decided.iter().map(|(_, index)| index.0).collect();
    sqlx::query!(
        "UPDATE ledger.recovery_write_off w SET outcome = new.outcome, decided_by = new.decided_by,
             decided_index = new.decided_index
         FROM unnest($2::bigint[], $3::text[], $4::uuid[], $5::bigint[])
             AS new (proposed_index, outcome, decided_by, decided_index)
         WHERE w.zone_id = $1 AND w.proposed_index = new.proposed_index",
        zone.0,
        &proposed,
        &outcomes as _,
        &persons,
        &indices,
    )
    .execute(conn)
    .await?;
    Ok(())
}
