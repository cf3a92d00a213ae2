//! Programmes and proposals as rows.

mod control;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use super::NewProgramme;
use super::create::ProgrammeKind;
use crate::journal::Recorded;
use crate::policy::{Policy, Sha256};
use crate::types::{Code, LogIndex, PersonId, Reason, ZoneId};

pub use control::{Frozen, all_frozen, frozen, transfers};
pub(super) use control::{
    decide_transfer, end_freeze, insert_freeze, insert_transfer, lock_transfer,
};

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Whether a zone has the programme.
pub async fn exists(
    conn: &mut PgConnection,
    zone: ZoneId,
    code: &Code,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM ledger.programme WHERE zone_id = $1 AND code = $2) AS "exists!""#,
        zone.0,
        code.as_str(),
    )
    .fetch_one(conn)
    .await
}

/// The kind of a programme, if the zone has it.
pub async fn kind(
    conn: &mut PgConnection,
    zone: ZoneId,
    code: &Code,
) -> Result<Option<ProgrammeKind>, sqlx::Error> {
    let programmes = programmes(conn, zone).await?;
    let found = programmes.into_iter().find(|one| one.code == *code);
    Ok(found.map(|one| one.kind))
}

/// Inserts a programme whose entry is in the log; `false` if the code is taken.
pub async fn insert(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &NewProgramme,
    index: LogIndex,
) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query!(
        "INSERT INTO ledger.programme (zone_id, code, kind, name_zh, name_en, log_index)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ON CONSTRAINT programme_pkey DO NOTHING",
        zone.0,
        new.code.as_str(),
        new.kind.as_str(),
        new.name_zh.as_str(),
        new.name_en.as_str(),
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The programmes of a zone, in the order of their codes.
pub async fn programmes(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<NewProgramme>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT code, kind, name_zh, name_en FROM ledger.programme WHERE zone_id = $1 ORDER BY code",
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(NewProgramme {
                code: row.code.parse().map_err(decode)?,
                kind: ProgrammeKind::named(&row.kind).ok_or_else(|| {
                    sqlx::Error::Decode(format!("unknown kind of programme {:?}", row.kind).into())
                })?,
                name_en: row.name_en.parse().map_err(decode)?,
                name_zh: row.name_zh.parse().map_err(decode)?,
            })
        })
        .collect()
}

/// Inserts a proposal; the first proposer of the same bytes stays the proposer.
pub(super) async fn insert_proposal(
    conn: &mut PgConnection,
    zone: ZoneId,
    policy: &Policy,
    proposer: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    let sha256 = policy.sha256();
    sqlx::query!(
        "INSERT INTO ledger.policy_proposal (zone_id, programme, sha256, body, proposed_by, log_index)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT ON CONSTRAINT policy_proposal_pkey DO NOTHING",
        zone.0,
        policy.code().as_str(),
        sha256.as_bytes(),
        policy.body(),
        proposer.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Who proposed these bytes.
pub(super) async fn proposer(
    conn: &mut PgConnection,
    zone: ZoneId,
    policy: &Policy,
) -> Result<Option<PersonId>, sqlx::Error> {
    let sha256 = policy.sha256();
    let row = sqlx::query_scalar!(
        "SELECT proposed_by FROM ledger.policy_proposal
         WHERE zone_id = $1 AND programme = $2 AND sha256 = $3",
        zone.0,
        policy.code().as_str(),
        sha256.as_bytes(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(PersonId))
}

/// The entry that proposed these bytes first.
pub(super) async fn proposed(
    conn: &mut PgConnection,
    zone: ZoneId,
    policy: &Policy,
) -> Result<Option<Recorded>, sqlx::Error> {
    let sha256 = policy.sha256();
    let row = sqlx::query!(
        "SELECT p.log_index, e.recorded_at FROM ledger.policy_proposal p
         JOIN ledger.entry e ON e.zone_id = p.zone_id AND e.log_index = p.log_index
         WHERE p.zone_id = $1 AND p.programme = $2 AND p.sha256 = $3",
        zone.0,
        policy.code().as_str(),
        sha256.as_bytes(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Recorded {
        index: LogIndex(row.log_index),
        at: row.recorded_at,
    }))
}

/// A proposal as its row has it.
pub(super) struct Unpublished {
    pub(super) entry: LogIndex,
    pub(super) at: DateTime<Utc>,
    pub(super) proposed_by: PersonId,
    pub(super) login: String,
    pub(super) programme: String,
    pub(super) pack: String,
}

/// Proposals whose bytes were neither published nor withdrawn, in the order of the log.
pub(super) async fn unpublished(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<Unpublished>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT p.log_index, e.recorded_at, p.proposed_by, who.login, p.programme, p.body
         FROM ledger.policy_proposal p
         JOIN ledger.entry e ON e.zone_id = p.zone_id AND e.log_index = p.log_index
         JOIN ledger.person who ON who.zone_id = p.zone_id AND who.person_id = p.proposed_by
         WHERE p.zone_id = $1 AND NOT EXISTS (SELECT FROM ledger.policy published
             WHERE published.zone_id = $1 AND published.code = p.programme AND published.sha256 = p.sha256)
             AND NOT EXISTS (SELECT FROM ledger.policy_withdrawal w
                 WHERE w.zone_id = $1 AND w.programme = p.programme AND w.sha256 = p.sha256)
         ORDER BY p.log_index",
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    let unpublished = rows.into_iter().map(|row| Unpublished {
        entry: LogIndex(row.log_index),
        at: row.recorded_at,
        proposed_by: PersonId(row.proposed_by),
        login: row.login,
        programme: row.programme,
        pack: row.body,
    });
    Ok(unpublished.collect())
}

/// The entry that withdrew the proposal of these bytes.
pub(super) async fn withdrawn(
    conn: &mut PgConnection,
    zone: ZoneId,
    programme: &Code,
    sha256: Sha256,
) -> Result<Option<LogIndex>, sqlx::Error> {
    let index = sqlx::query_scalar!(
        "SELECT log_index FROM ledger.policy_withdrawal WHERE zone_id = $1 AND programme = $2 AND sha256 = $3",
        zone.0,
        programme.as_str(),
        sha256.as_bytes(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(index.map(LogIndex))
}

pub(super) async fn insert_withdrawal(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposal: &Unpublished,
    reason: &Reason,
    person: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.policy_withdrawal (zone_id, programme, sha256, reason, withdrawn_by, log_index)
         SELECT zone_id, programme, sha256, $3, $4, $5 FROM ledger.policy_proposal
         WHERE zone_id = $1 AND log_index = $2",
        zone.0,
        proposal.entry.0,
        reason.as_str(),
        person.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// How many applications were taken in, awards decided and recognitions decided for a programme since a day, which begins
/// at `since`.
pub(super) async fn decided_since(
    conn: &mut PgConnection,
    zone: ZoneId,
    programme: &Code,
    day: NaiveDate,
    since: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT (SELECT count(*) FROM ledger.voucher_application
                WHERE zone_id = $1 AND programme = $2
                    AND applied_index >= ledger.log_size_at($1, $4::timestamptz - interval '1 microsecond'))
            + (SELECT count(*) FROM ledger.award_result r
                JOIN ledger.award_run u ON u.zone_id = r.zone_id AND u.run_id = r.run_id
                WHERE r.zone_id = $1 AND u.programme = $2 AND u.day >= $3)
            + (SELECT count(*) FROM ledger.recognition
                WHERE zone_id = $1 AND programme = $2 AND decided_on >= $3) AS "decisions!""#,
        zone.0,
        programme.as_str(),
        day,
        since,
    )
    .fetch_one(conn)
    .await
}
