//! Overrides of codes as rows.

use std::collections::HashSet;

use sqlx::PgConnection;

use crate::party::{ContestedUscc, ProposedOverride};
use crate::types::{LogIndex, PersonId, ZoneId};

/// Those of these codes whose overrides are in force.
pub(in crate::party) async fn confirmed_overrides(
    conn: &mut PgConnection,
    zone: ZoneId,
    codes: &[&ContestedUscc],
) -> Result<HashSet<String>, sqlx::Error> {
    if codes.is_empty() {
        return Ok(HashSet::new());
    }
    let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let confirmed = sqlx::query_scalar!(
        "SELECT code FROM ledger.uscc_override WHERE zone_id = $1 AND confirmed AND code = ANY($2)",
        zone.0,
        &codes as _,
    )
    .fetch_all(conn)
    .await?;
    Ok(confirmed.into_iter().collect())
}

/// A proposal as it stands.
pub(in crate::party) struct Override {
    pub(in crate::party) proposed_by: PersonId,
    pub(in crate::party) proposed_index: LogIndex,
    pub(in crate::party) confirmed: bool,
}

/// Locks the override of a code, if there is one.
pub(in crate::party) async fn lock_override(
    conn: &mut PgConnection,
    zone: ZoneId,
    code: &ContestedUscc,
) -> Result<Option<Override>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT proposed_by, proposed_index, confirmed AS "confirmed!" FROM ledger.uscc_override
           WHERE zone_id = $1 AND code = $2 FOR UPDATE"#,
        zone.0,
        code.as_str()
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Override {
        proposed_by: PersonId(row.proposed_by),
        proposed_index: LogIndex(row.proposed_index),
        confirmed: row.confirmed,
    }))
}

pub(in crate::party) async fn insert_override(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposed: &ProposedOverride,
    by: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.uscc_override
             (zone_id, code, evidence_sha256, reason, proposed_by, proposed_index)
         VALUES ($1, $2, $3, $4, $5, $6)",
        zone.0,
        proposed.code.as_str(),
        proposed.evidence_sha256.as_slice(),
        proposed.reason.as_str(),
        by.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(in crate::party) async fn confirm_override(
    conn: &mut PgConnection,
    zone: ZoneId,
    code: &ContestedUscc,
    by: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    let confirmed = sqlx::query!(
        "UPDATE ledger.uscc_override SET confirmed_by = $3, confirmed_index = $4
         WHERE zone_id = $1 AND code = $2 AND NOT confirmed",
        zone.0,
        code.as_str(),
        by.0,
        index.0,
    )
    .execute(conn)
    .await?;
    if confirmed.rows_affected() == 1 {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}
