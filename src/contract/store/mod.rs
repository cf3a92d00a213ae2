//! Contracts, their milestones and endings, as rows.

mod listing;

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::milestone::MilestoneId;
use super::model::{Contract, Ending, Milestone, Said, Stage};
use crate::types::{
    Alike, Amount, ClaimId, Code, ContractId, FiscalYear, LogIndex, Money, Name, NotPositive,
    PartyId, PersonId, ZoneId,
};

pub use listing::{ContractFilter, ContractRow, contract, contracts};

/// What became of a proposal to end a contract.
#[derive(Clone, Copy, Debug)]
pub(super) struct DecidedEnding {
    proposed: LogIndex,
    outcome: &'static str,
    by: PersonId,
}

impl DecidedEnding {
    /// As a person decided.
    pub(super) const fn new(proposed: LogIndex, outcome: &'static str, by: PersonId) -> Self {
        Self {
            proposed,
            outcome,
            by,
        }
    }
}

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn positive(minor: i64) -> Result<Amount, sqlx::Error> {
    Amount::new(Money::from_minor(minor)).map_err(|error: NotPositive| decode(error))
}

fn said(by: Option<Uuid>, index: Option<i64>) -> Option<Said> {
    by.zip(index).map(|(by, index)| Said {
        by: PersonId(by),
        index: LogIndex(index),
    })
}

/// A contract as its row has it, with the ending that waits.
struct Row {
    contract_id: Uuid,
    proposed_index: i64,
    programme: String,
    provider_id: Uuid,
    service: String,
    reference: String,
    signed_on: NaiveDate,
    amount: i64,
    proposed_by: Uuid,
    decided_by: Option<Uuid>,
    decided_index: Option<i64>,
    fiscal_year: Option<i16>,
    ended_index: Option<i64>,
    end_index: Option<i64>,
    end_by: Option<Uuid>,
    end_reason: Option<String>,
}

impl Row {
    fn contract(self, milestones: Vec<Milestone>) -> Result<Contract, sqlx::Error> {
        let decided = said(self.decided_by, self.decided_index);
        let stage = match (decided, self.fiscal_year) {
            (None, _) => Stage::Proposed,
            (Some(said), None) => Stage::Rejected(said),
            (Some(said), Some(year)) => Stage::Confirmed {
                said,
                year: FiscalYear(year),
                ended: self.ended_index.map(LogIndex),
            },
        };
        let ending = said(self.end_by, self.end_index).zip(self.end_reason);
        let ending = ending.map(|(proposed, reason)| {
            let reason = reason.parse().map_err(decode)?;
            Ok::<_, sqlx::Error>(Ending { proposed, reason })
        });
        Ok(Contract {
            id: ContractId(self.contract_id),
            programme: self.programme.parse().map_err(decode)?,
            provider: PartyId(self.provider_id),
            service: self.service.parse().map_err(decode)?,
            reference: self.reference.parse().map_err(decode)?,
            signed_on: self.signed_on,
            amount: positive(self.amount)?,
            milestones,
            proposed: Said {
                by: PersonId(self.proposed_by),
                index: LogIndex(self.proposed_index),
            },
            stage,
            ending: ending.transpose()?,
        })
    }
}

/// Locks contracts, in the order of their ids; unknown ones are missing.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[ContractId],
) -> Result<HashMap<ContractId, Contract>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    // Locking must not depend on the plan: ids first, in their order, then the rows.
    let ids = sqlx::query_scalar!(
        "SELECT contract_id FROM ledger.contract WHERE zone_id = $1 AND contract_id = ANY($2)
         ORDER BY contract_id FOR UPDATE",
        zone.0,
        &ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    by_ids(conn, zone, &ids).await
}

/// Contracts as they are; unknown ones are missing. Takes no locks.
pub(crate) async fn read(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[ContractId],
) -> Result<HashMap<ContractId, Contract>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    by_ids(conn, zone, &ids).await
}

async fn by_ids(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[Uuid],
) -> Result<HashMap<ContractId, Contract>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT c.contract_id, c.proposed_index, c.programme, c.provider_id, c.service, c.reference, c.signed_on,
               c.amount, c.proposed_by, c.decided_by, c.decided_index, c.fiscal_year, c.ended_index,
               e.proposed_index AS "end_index?", e.proposed_by AS "end_by?", e.reason AS "end_reason?"
           FROM ledger.contract c
           LEFT JOIN ledger.contract_ending e ON e.zone_id = c.zone_id AND e.contract_id = c.contract_id
               AND e.outcome IS NULL
           WHERE c.zone_id = $1 AND c.contract_id = ANY($2)"#,
        zone.0,
        ids,
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut milestones = milestones(conn, zone, ids).await?;
    rows.into_iter()
        .map(|row| {
            let parts = milestones.remove(&row.contract_id).unwrap_or_default();
            let contract = row.contract(parts)?;
            Ok((contract.id, contract))
        })
        .collect()
}

async fn milestones(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Milestone>>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT contract_id, number, due, amount, reserved, accepted, claim_id FROM ledger.contract_milestone
         WHERE zone_id = $1 AND contract_id = ANY($2) ORDER BY contract_id, number",
        zone.0,
        ids,
    )
    .fetch_all(conn)
    .await?;
    let mut found: HashMap<Uuid, Vec<Milestone>> = HashMap::new();
    for row in rows {
        let accepted = row.claim_id.map(|claim| {
            let amount = positive(row.accepted)?;
            Ok::<_, sqlx::Error>((amount, ClaimId(claim)))
        });
        let milestone = Milestone {
            number: row.number,
            due: row.due,
            amount: positive(row.amount)?,
            reserved: Money::from_minor(row.reserved),
            accepted: accepted.transpose()?,
        };
        found.entry(row.contract_id).or_default().push(milestone);
    }
    Ok(found)
}

/// The numbers under which contracts of programmes stand, with the entries that proposed them; of two that stand under one
/// since before numbers were compared by what people read, the first.
pub(super) async fn references(
    conn: &mut PgConnection,
    zone: ZoneId,
    programmes: &[&Code],
) -> Result<HashMap<(Code, Alike), LogIndex>, sqlx::Error> {
    let programmes: Vec<&str> = programmes.iter().map(|code| code.as_str()).collect();
    let rows = sqlx::query!(
        "SELECT programme, reference, proposed_index FROM ledger.contract
         WHERE zone_id = $1 AND programme = ANY($2) AND outcome IS DISTINCT FROM 'rejected'
         ORDER BY proposed_index DESC",
        zone.0,
        &programmes as _,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let programme = row.programme.parse().map_err(decode)?;
            let reference: Name = row.reference.parse().map_err(decode)?;
            Ok(((programme, reference.alike()), LogIndex(row.proposed_index)))
        })
        .collect()
}

/// A claim that keeps a milestone from other claims: it was submitted, and neither given back nor ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) milestone: MilestoneId,
    pub(crate) claim: ClaimId,
    /// The entry that began it; `C` and this number is its short name.
    pub(crate) drafted_index: LogIndex,
    pub(crate) is_approved: bool,
}

/// The claims on milestones of contracts, in the order in which they were begun. What is submitted meanwhile is not seen
/// unless the contracts are locked.
pub(crate) async fn claimed(
    conn: &mut PgConnection,
    zone: ZoneId,
    ids: &[ContractId],
) -> Result<Vec<Claimed>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT contract_id AS "contract_id!", milestone AS "milestone!", claim_id, drafted_index,
               state = 'approved' AS "is_approved!"
           FROM ledger.claim
           WHERE zone_id = $1 AND contract_id = ANY($2)
               AND state IN ('submitted', 'recommended', 'noticed', 'objected', 'approved')
           ORDER BY drafted_index"#,
        zone.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let claimed = rows.into_iter().map(|row| Claimed {
        milestone: MilestoneId {
            contract: ContractId(row.contract_id),
            number: row.milestone,
        },
        claim: ClaimId(row.claim_id),
        drafted_index: LogIndex(row.drafted_index),
        is_approved: row.is_approved,
    });
    Ok(claimed.collect())
}

/// Of providers and programmes together, those that have a contract with something reserved.
pub(crate) async fn in_force(
    conn: &mut PgConnection,
    zone: ZoneId,
    providers: &[PartyId],
) -> Result<Vec<(PartyId, Code)>, sqlx::Error> {
    let ids: Vec<Uuid> = providers.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "SELECT DISTINCT c.provider_id, c.programme FROM ledger.contract c
         JOIN ledger.contract_milestone m ON m.zone_id = c.zone_id AND m.contract_id = c.contract_id
         WHERE c.zone_id = $1 AND c.provider_id = ANY($2) AND m.reserved > 0",
        zone.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok((
                PartyId(row.provider_id),
                row.programme.parse().map_err(decode)?,
            ))
        })
        .collect()
}

/// Inserts proposed contracts with their milestones.
pub(super) async fn insert(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[Contract],
) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = new.iter().map(|one| one.id.0).collect();
    let indices: Vec<i64> = new.iter().map(|one| one.proposed.index.0).collect();
    let programmes: Vec<&str> = new.iter().map(|one| one.programme.as_str()).collect();
    let providers: Vec<Uuid> = new.iter().map(|one| one.provider.0).collect();
    let services: Vec<&str> = new.iter().map(|one| one.service.as_str()).collect();
    let references: Vec<&str> = new.iter().map(|one| one.reference.as_str()).collect();
    let signed: Vec<NaiveDate> = new.iter().map(|one| one.signed_on).collect();
    let amounts: Vec<i64> = new.iter().map(|one| one.amount.minor()).collect();
    let proposers: Vec<Uuid> = new.iter().map(|one| one.proposed.by.0).collect();
    sqlx::query!(
        "INSERT INTO ledger.contract (zone_id, contract_id, proposed_index, programme, provider_id, service, reference,
             signed_on, amount, proposed_by)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::text[],
             $8::date[], $9::bigint[], $10::uuid[]) AS new",
        zone.0,
        &ids,
        &indices,
        &programmes as _,
        &providers,
        &services as _,
        &references as _,
        &signed,
        &amounts,
        &proposers,
    )
    .execute(&mut *conn)
    .await?;
    let (mut ids, mut numbers) = (Vec::new(), Vec::new());
    let (mut due, mut amounts) = (Vec::new(), Vec::new());
    for contract in new {
        for milestone in &contract.milestones {
            ids.push(contract.id.0);
            numbers.push(milestone.number);
            due.push(milestone.due);
            amounts.push(milestone.amount.minor());
        }
    }
    sqlx::query!(
        "INSERT INTO ledger.contract_milestone (zone_id, contract_id, number, due, amount)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::smallint[], $4::date[], $5::bigint[]) AS new",
        zone.0,
        &ids,
        &numbers,
        &due,
        &amounts,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Brings rows to where their contracts stand.
pub(super) async fn update(
    conn: &mut PgConnection,
    zone: ZoneId,
    changed: &[&Contract],
) -> Result<(), sqlx::Error> {
    struct Decided {
        contract: ContractId,
        outcome: &'static str,
        said: Said,
        year: Option<FiscalYear>,
        ended: Option<LogIndex>,
    }
    let decided = |contract: &&Contract| {
        let (outcome, said, year, ended) = match contract.stage {
            Stage::Proposed => return None,
            Stage::Rejected(said) => ("rejected", said, None, None),
            Stage::Confirmed { said, year, ended } => ("confirmed", said, Some(year), ended),
        };
        Some(Decided {
            contract: contract.id,
            outcome,
            said,
            year,
            ended,
        })
    };
    let decided: Vec<Decided> = changed.iter().filter_map(decided).collect();
    if decided.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = decided.iter().map(|one| one.contract.0).collect();
    let outcomes: Vec<&str> = decided.iter().map(|one| one.outcome).collect();
    let persons: Vec<Uuid> = decided.iter().map(|one| one.said.by.0).collect();
    let indices: Vec<i64> = decided.iter().map(|one| one.said.index.0).collect();
    let years: Vec<Option<i16>> = decided
        .iter()
        .map(|one| one.year.map(|year| year.0))
        .collect();
    let ended: Vec<Option<i64>> = decided
        .iter()
        .map(|one| one.ended.map(|index| index.0))
        .collect();
    sqlx::query!(
        "UPDATE ledger.contract c SET outcome = new.outcome, decided_by = new.decided_by,
             decided_index = new.decided_index, fiscal_year = new.fiscal_year, ended_index = new.ended_index
         FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::smallint[], $7::bigint[])
             AS new (contract_id, outcome, decided_by, decided_index, fiscal_year, ended_index)
         WHERE c.zone_id = $1 AND c.contract_id = new.contract_id",
        zone.0,
        &ids,
        &outcomes as _,
        &persons,
        &indices,
        &years as _,
        &ended as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Brings milestones to where they stand.
pub(super) async fn update_milestones(
    conn: &mut PgConnection,
    zone: ZoneId,
    changed: &[&Contract],
) -> Result<(), sqlx::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let (mut ids, mut numbers, mut reserved) = (Vec::new(), Vec::new(), Vec::new());
    let (mut accepted, mut claims) = (Vec::new(), Vec::new());
    for contract in changed {
        for milestone in &contract.milestones {
            ids.push(contract.id.0);
            numbers.push(milestone.number);
            reserved.push(milestone.reserved.minor());
            accepted.push(milestone.accepted.map_or(0, |(amount, _)| amount.minor()));
            claims.push(milestone.accepted.map(|(_, claim)| claim.0));
        }
    }
    sqlx::query!(
        "UPDATE ledger.contract_milestone m SET reserved = new.reserved, accepted = new.accepted, claim_id = new.claim_id
         FROM unnest($2::uuid[], $3::smallint[], $4::bigint[], $5::bigint[], $6::uuid[])
             AS new (contract_id, number, reserved, accepted, claim_id)
         WHERE m.zone_id = $1 AND m.contract_id = new.contract_id AND m.number = new.number
             AND (m.reserved, m.accepted, m.claim_id) IS DISTINCT FROM (new.reserved, new.accepted, new.claim_id)",
        zone.0,
        &ids,
        &numbers,
        &reserved,
        &accepted,
        &claims as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts proposals to end contracts.
pub(super) async fn insert_endings(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[(ContractId, Ending)],
) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let indices: Vec<i64> = new.iter().map(|(_, one)| one.proposed.index.0).collect();
    let ids: Vec<Uuid> = new.iter().map(|(id, _)| id.0).collect();
    let reasons: Vec<&str> = new.iter().map(|(_, one)| one.reason.as_str()).collect();
    let persons: Vec<Uuid> = new.iter().map(|(_, one)| one.proposed.by.0).collect();
    sqlx::query!(
        "INSERT INTO ledger.contract_ending (zone_id, proposed_index, contract_id, reason, proposed_by)
         SELECT $1, new.* FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::uuid[]) AS new",
        zone.0,
        &indices,
        &ids,
        &reasons as _,
        &persons,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what became of proposals to end contracts.
pub(super) async fn decide_endings(
    conn: &mut PgConnection,
    zone: ZoneId,
    decided: &[(DecidedEnding, LogIndex)],
) -> Result<(), sqlx::Error> {
    if decided.is_empty() {
        return Ok(());
    }
    let proposed: Vec<i64> = decided.iter().map(|(one, _)| one.proposed.0).collect();
    let outcomes: Vec<&str> = decided.iter().map(|(one, _)| one.outcome).collect();
    let persons: Vec<Uuid> = decided.iter().map(|(one, _)| one.by.0).collect();
    let indices: Vec<i64> = decided.iter().map(|(_, index)| index.0).collect();
    sqlx::query!(
        "UPDATE ledger.contract_ending e SET outcome = new.outcome, decided_by = new.decided_by,
             decided_index = new.decided_index
         FROM unnest($2::bigint[], $3::text[], $4::uuid[], $5::bigint[])
             AS new (proposed_index, outcome, decided_by, decided_index)
         WHERE e.zone_id = $1 AND e.proposed_index = new.proposed_index",
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
