//! Waivers that claims rest on, as rows.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::uuids;
use crate::claim::model::Claim;
use crate::types::{ClaimId, WaiverId, ZoneId};

/// Writes which waivers versions of claims name.
pub(super) async fn insert_waivers(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: &[(ClaimId, i32, WaiverId)],
) -> Result<(), sqlx::Error> {
    if named.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO ledger.claim_waiver (zone_id, claim_id, version, waiver_id)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::integer[], $4::uuid[]) AS new",
        zone.0,
        &named.iter().map(|(claim, ..)| claim.0).collect::<Vec<_>>(),
        &named
            .iter()
            .map(|(_, version, _)| *version)
            .collect::<Vec<_>>(),
        &named
            .iter()
            .map(|(.., waiver)| waiver.0)
            .collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The waivers that claims name in their last version.
pub(in crate::claim) async fn waivers_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[ClaimId],
) -> Result<Vec<WaiverId>, sqlx::Error> {
    let waivers = sqlx::query_scalar!(
        "SELECT DISTINCT w.waiver_id FROM ledger.claim c
         JOIN ledger.claim_waiver w ON w.zone_id = c.zone_id AND w.claim_id = c.claim_id AND w.version = c.version
         WHERE c.zone_id = $1 AND c.claim_id = ANY($2)",
        zone.0,
        &uuids(claims),
    )
    .fetch_all(conn)
    .await?;
    Ok(waivers.into_iter().map(WaiverId).collect())
}

/// Which claims keep these waivers from others.
pub(in crate::claim) async fn taken(
    conn: &mut PgConnection,
    zone: ZoneId,
    waivers: &[WaiverId],
) -> Result<HashMap<WaiverId, ClaimId>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT waiver_id, claim_id FROM ledger.claim_waiver WHERE zone_id = $1 AND waiver_id = ANY($2) AND taken",
        zone.0,
        &waivers.iter().map(|waiver| waiver.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    let taken = rows.into_iter();
    Ok(taken
        .map(|row| (WaiverId(row.waiver_id), ClaimId(row.claim_id)))
        .collect())
}

/// What claims keep from others, in the order of the waivers.
pub(in crate::claim) async fn taken_by(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[ClaimId],
) -> Result<Vec<(ClaimId, WaiverId)>, sqlx::Error> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        "SELECT claim_id, waiver_id FROM ledger.claim_waiver WHERE zone_id = $1 AND claim_id = ANY($2) AND taken
         ORDER BY waiver_id",
        zone.0,
        &uuids(claims),
    )
    .fetch_all(conn)
    .await?;
    let taken = rows.into_iter();
    Ok(taken
        .map(|row| (ClaimId(row.claim_id), WaiverId(row.waiver_id)))
        .collect())
}

/// Submitted claims take what their last version names, and nothing else any more. The caller has locked the leases.
pub(in crate::claim) async fn take_waivers(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[Claim],
) -> Result<(), sqlx::Error> {
    let ids: Vec<ClaimId> = claims.iter().map(|claim| claim.id).collect();
    // First, since the index looks at each row as it is written.
    free_waivers(conn, zone, &ids).await?;
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE ledger.claim_waiver w SET taken = true FROM ledger.claim c
         WHERE c.zone_id = $1 AND c.claim_id = ANY($2) AND w.zone_id = c.zone_id AND w.claim_id = c.claim_id
             AND w.version = c.version",
        zone.0,
        &uuids(&ids),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Others may rest on what these claims took.
pub(super) async fn free_waivers(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[ClaimId],
) -> Result<(), sqlx::Error> {
    if claims.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE ledger.claim_waiver SET taken = false WHERE zone_id = $1 AND claim_id = ANY($2) AND taken",
        zone.0,
        &uuids(claims),
    )
    .execute(conn)
    .await?;
    Ok(())
}
