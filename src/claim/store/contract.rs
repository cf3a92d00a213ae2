//! Contracts whose milestones claims name, as rows.

use sqlx::PgConnection;

use super::uuids;
use crate::types::{ClaimId, ContractId, ZoneId};

/// The contracts that claims name in their last version.
pub(in crate::claim) async fn contracts_named(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[ClaimId],
) -> Result<Vec<ContractId>, sqlx::Error> {
    let contracts = sqlx::query_scalar!(
        r#"SELECT DISTINCT contract_id AS "contract_id!" FROM ledger.claim
           WHERE zone_id = $1 AND claim_id = ANY($2) AND contract_id IS NOT NULL"#,
        zone.0,
        &uuids(claims),
    )
    .fetch_all(conn)
    .await?;
    Ok(contracts.into_iter().map(ContractId).collect())
}
