//! Contracts in lists, and one with the claims on its milestones.

use sqlx::PgConnection;

use super::{Claimed, claimed, read};
use crate::contract::model::{Contract, ContractState};
use crate::types::{ClaimId, Code, ContractId, LogIndex, PartyId, ZoneId};

/// Which contracts are asked for; all, if nothing is said.
#[derive(Clone, Debug, Default)]
pub struct ContractFilter {
    /// Of this provider.
    pub provider: Option<PartyId>,
    /// Of this programme.
    pub programme: Option<Code>,
    /// In this state.
    pub state: Option<ContractState>,
    /// Those proposed after this entry.
    pub after: Option<LogIndex>,
}

/// A contract with the name of its provider, and the claims that keep its milestones.
#[derive(Clone, Debug)]
pub struct ContractRow {
    /// The contract.
    pub contract: Contract,
    /// The provider's name.
    pub provider_name: String,
    claims: Vec<Claimed>,
}

impl ContractRow {
    /// The claim that keeps a milestone, and the entry that began it.
    pub fn claim(&self, number: i16) -> Option<(ClaimId, LogIndex)> {
        let claim = self.claims.iter();
        let mut claim = claim.filter(|one| one.milestone.number == number);
        claim.next().map(|one| (one.claim, one.drafted_index))
    }
}

/// Contracts in the order in which they were proposed, at most so many.
pub async fn contracts(
    conn: &mut PgConnection,
    zone: ZoneId,
    filter: &ContractFilter,
    limit: i64,
) -> Result<Vec<ContractRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.contract_id, p.name
           FROM ledger.contract c
           JOIN ledger.party p ON p.zone_id = c.zone_id AND p.party_id = c.provider_id
           WHERE c.zone_id = $1 AND ($2::uuid IS NULL OR c.provider_id = $2) AND ($3::text IS NULL OR c.programme = $3)
               AND ($4::text IS NULL OR $4 = CASE WHEN c.outcome IS NULL THEN 'proposed'
                   WHEN c.outcome = 'rejected' THEN 'rejected' WHEN c.ended_index IS NOT NULL THEN 'ended'
                   WHEN EXISTS (SELECT FROM ledger.contract_milestone m WHERE m.zone_id = c.zone_id
                       AND m.contract_id = c.contract_id AND m.reserved > 0) THEN 'in_force' ELSE 'completed' END)
               AND ($5::bigint IS NULL OR c.proposed_index > $5)
           ORDER BY c.proposed_index LIMIT $6"#,
        zone.0,
        filter.provider.map(|provider| provider.0),
        filter.programme.as_ref().map(Code::as_str),
        filter.state.map(ContractState::as_str),
        filter.after.map(|index| index.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let names = rows.into_iter();
    let names = names.map(|row| (ContractId(row.contract_id), row.name));
    with_claims(conn, zone, names.collect()).await
}

/// One contract.
pub async fn contract(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: ContractId,
) -> Result<Option<ContractRow>, sqlx::Error> {
    let name = sqlx::query_scalar!(
        "SELECT p.name FROM ledger.contract c
         JOIN ledger.party p ON p.zone_id = c.zone_id AND p.party_id = c.provider_id
         WHERE c.zone_id = $1 AND c.contract_id = $2",
        zone.0,
        id.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let named = name.map(|name| (id, name));
    Ok(with_claims(conn, zone, named.into_iter().collect())
        .await?
        .pop())
}

async fn with_claims(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Vec<(ContractId, String)>,
) -> Result<Vec<ContractRow>, sqlx::Error> {
    let ids: Vec<ContractId> = named.iter().map(|(id, _)| *id).collect();
    let mut found = read(conn, zone, &ids).await?;
    let claims = claimed(conn, zone, &ids).await?;
    let row = named.into_iter().filter_map(|(id, provider_name)| {
        let of_it = claims.iter().filter(|one| one.milestone.contract == id);
        Some(ContractRow {
            contract: found.remove(&id)?,
            provider_name,
            claims: of_it.copied().collect(),
        })
    });
    Ok(row.collect())
}
