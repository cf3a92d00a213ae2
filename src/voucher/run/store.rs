//! Award runs as rows.

use sqlx::PgConnection;
use uuid::Uuid;

use super::award::AwardResult;
use super::{Candidate, Progress, Run};
use crate::policy::Sha256;
use crate::types::{
    Amount, LogIndex, Money, PartyId, PersonId, PolicyId, RunId, VoucherId, Zone, ZoneId,
};

/// Candidates in one statement.
const ROWS: usize = 20_000;

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn amount(minor: i64) -> Result<Amount, sqlx::Error> {
    Amount::new(Money::from_minor(minor)).map_err(decode)
}

fn number(stored: i32) -> Result<u32, sqlx::Error> {
    u32::try_from(stored).map_err(decode)
}

/// As Postgres counts; no list is longer.
fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

struct RunRow {
    run_id: Uuid,
    programme: String,
    policy_id: Uuid,
    day: chrono::NaiveDate,
    requested: Option<i64>,
    candidates: i32,
    total: i64,
    list_sha256: Vec<u8>,
    proposed_by: Uuid,
    proposed_index: i64,
    approved_by: Option<Uuid>,
    decided: i32,
    awarded: i32,
    given: i64,
}

impl RunRow {
    fn read(self) -> Result<Run, sqlx::Error> {
        let digest: [u8; 32] = self.list_sha256.try_into().unwrap_or_default();
        let candidates = number(self.candidates)?;
        Ok(Run {
            id: RunId(self.run_id),
            programme: self.programme.parse().map_err(decode)?,
            policy: PolicyId(self.policy_id),
            day: self.day,
            requested: self.requested.map(amount).transpose()?,
            candidates,
            total: Money::from_minor(self.total),
            list_sha256: Sha256::from_bytes(digest),
            proposed_by: PersonId(self.proposed_by),
            proposed_index: LogIndex(self.proposed_index),
            approved_by: self.approved_by.map(PersonId),
            progress: Progress {
                decided: number(self.decided)?,
                awarded: number(self.awarded)?,
                given: Money::from_minor(self.given),
                candidates,
            },
        })
    }
}

/// A run, locked.
pub(super) async fn lock_run(
    conn: &mut PgConnection,
    zone: &Zone,
    id: RunId,
) -> Result<Option<Run>, sqlx::Error> {
    let row = sqlx::query_as!(
        RunRow,
        "SELECT run_id, programme, policy_id, day, requested, candidates, total, list_sha256, proposed_by,
             proposed_index, approved_by, decided, awarded, given
         FROM ledger.award_run WHERE zone_id = $1 AND run_id = $2 FOR UPDATE",
        zone.id.0,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(RunRow::read).transpose()
}

/// A run.
pub async fn run(
    conn: &mut PgConnection,
    zone: &Zone,
    id: RunId,
) -> Result<Option<Run>, sqlx::Error> {
    let row = sqlx::query_as!(
        RunRow,
        "SELECT run_id, programme, policy_id, day, requested, candidates, total, list_sha256, proposed_by,
             proposed_index, approved_by, decided, awarded, given
         FROM ledger.award_run WHERE zone_id = $1 AND run_id = $2",
        zone.id.0,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(RunRow::read).transpose()
}

/// One page of runs, the newest first; those before the one that an entry proposed, if it is given.
pub async fn runs(
    conn: &mut PgConnection,
    zone: &Zone,
    before: Option<LogIndex>,
    limit: u16,
) -> Result<Vec<Run>, sqlx::Error> {
    let rows = sqlx::query_as!(
        RunRow,
        "SELECT run_id, programme, policy_id, day, requested, candidates, total, list_sha256, proposed_by,
             proposed_index, approved_by, decided, awarded, given
         FROM ledger.award_run WHERE zone_id = $1 AND proposed_index < $2
         ORDER BY proposed_index DESC LIMIT $3",
        zone.id.0,
        before.map_or(i64::MAX, |before| before.0),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(RunRow::read).collect()
}

pub(super) async fn insert_run(
    conn: &mut PgConnection,
    zone: ZoneId,
    run: &Run,
    list: &[Candidate],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.award_run (zone_id, run_id, programme, policy_id, day, requested, candidates, total,
             list_sha256, proposed_by, proposed_index)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        zone.0,
        run.id.0,
        run.programme.as_str(),
        run.policy.0,
        run.day,
        run.requested.map(Amount::minor),
        count(run.candidates),
        run.total.minor(),
        run.list_sha256.as_bytes(),
        run.proposed_by.0,
        run.proposed_index.0,
    )
    .execute(&mut *conn)
    .await?;
    let mut first = 1_i32;
    for rows in list.chunks(ROWS) {
        let positions: Vec<i32> = (first..).take(rows.len()).collect();
        first = first.saturating_add(i32::try_from(rows.len()).unwrap_or(i32::MAX));
        sqlx::query!(
            "INSERT INTO ledger.award_candidate (zone_id, run_id, position, party_id, amount)
             SELECT $1, $2, new.* FROM unnest($3::integer[], $4::uuid[], $5::bigint[]) AS new",
            zone.0,
            run.id.0,
            &positions,
            &rows.iter().map(|one| one.party.0).collect::<Vec<_>>(),
            &rows
                .iter()
                .map(|one| one.amount.minor())
                .collect::<Vec<_>>(),
        )
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

pub(super) async fn approve_run(
    conn: &mut PgConnection,
    zone: ZoneId,
    run: RunId,
    approver: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.award_run SET approved_by = $3, approved_index = $4
         WHERE zone_id = $1 AND run_id = $2 AND approved_by IS NULL",
        zone.0,
        run.0,
        approver.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The parties of a list after the first `after`, in order.
pub async fn candidates(
    conn: &mut PgConnection,
    zone: ZoneId,
    run: RunId,
    after: u32,
    limit: u32,
) -> Result<Vec<Candidate>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT party_id, amount FROM ledger.award_candidate
         WHERE zone_id = $1 AND run_id = $2 AND position > $3 ORDER BY position LIMIT $4",
        zone.0,
        run.0,
        count(after),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Candidate {
                party: PartyId(row.party_id),
                amount: amount(row.amount)?,
            })
        })
        .collect()
}

pub(super) async fn insert_results(
    conn: &mut PgConnection,
    zone: ZoneId,
    run: RunId,
    results: &[AwardResult],
) -> Result<(), sqlx::Error> {
    let digests: Vec<&[u8]> = results
        .iter()
        .map(|one| one.facts_sha256.as_bytes().as_slice())
        .collect();
    let vouchers: Vec<Option<Uuid>> = results
        .iter()
        .map(|one| one.voucher.as_ref().map(|voucher| voucher.id.0))
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.award_result (zone_id, run_id, party_id, log_index, facts_sha256, voucher_id)
         SELECT $1, $2, new.* FROM unnest($3::uuid[], $4::bigint[], $5::bytea[], $6::uuid[]) AS new",
        zone.0,
        run.0,
        &results.iter().map(|one| one.party.0).collect::<Vec<_>>(),
        &results.iter().map(|one| one.index.0).collect::<Vec<_>>(),
        &digests as _,
        &vouchers as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn advance_run(
    conn: &mut PgConnection,
    zone: ZoneId,
    run: RunId,
    progress: &Progress,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE ledger.award_run SET decided = $3, awarded = $4, given = $5
         WHERE zone_id = $1 AND run_id = $2",
        zone.0,
        run.0,
        count(progress.decided),
        count(progress.awarded),
        progress.given.minor(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The snapshots of facts that vouchers were awarded on; those that were applied for are left out.
pub(in crate::voucher) async fn facts_of_awards(
    conn: &mut PgConnection,
    zone: ZoneId,
    vouchers: &[VoucherId],
) -> Result<Vec<(VoucherId, Sha256)>, sqlx::Error> {
    let ids: Vec<Uuid> = vouchers.iter().map(|voucher| voucher.0).collect();
    let rows = sqlx::query!(
        r#"SELECT voucher_id AS "voucher_id!", facts_sha256 FROM ledger.award_result
           WHERE zone_id = $1 AND voucher_id = ANY($2)"#,
        zone.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let digest = |bytes: Vec<u8>| Sha256::from_bytes(bytes.try_into().unwrap_or_default());
    Ok(rows
        .into_iter()
        .map(|row| (VoucherId(row.voucher_id), digest(row.facts_sha256)))
        .collect())
}
