//! What claims rest on besides their own words: the rent book, and contracts of purchased services.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::Refused;
use super::content::Claimed;
use super::milestone::Contracts;
use super::model::Claim;
use super::relief::Relied;
use crate::contract::Contract;
use crate::policy::Policy;
use crate::types::{ClaimId, ContractId, Money, Zone, ZoneId};

/// What was locked for claims, before the claims themselves.
pub(super) struct Locked(HashMap<ContractId, Contract>);

/// What the claims of a batch rest on, as earlier ones of it have left it.
pub(super) struct Grounds {
    relied: Relied,
    pub(super) contracts: Contracts,
}

impl Grounds {
    /// Locks the leases of the waivers that claims rest on, then the contracts whose milestones they name.
    pub(super) async fn lock(
        conn: &mut PgConnection,
        zone: ZoneId,
        claims: &[ClaimId],
    ) -> Result<Locked, sqlx::Error> {
        Relied::lock(conn, zone, claims).await?;
        Ok(Locked(Contracts::lock(conn, zone, claims).await?))
    }

    /// Reads what claims rest on, once they are locked too.
    pub(super) async fn of(
        conn: &mut PgConnection,
        zone: &Zone,
        claims: &HashMap<ClaimId, Claim>,
        locked: Locked,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            relied: Relied::read(conn, zone, claims).await?,
            contracts: Contracts::read(conn, zone.id, claims, Some(locked.0)).await?,
        })
    }

    /// Reads what claims rest on, without a lock: the last approval looks at it again.
    pub(super) async fn glance(
        conn: &mut PgConnection,
        zone: &Zone,
        claims: &HashMap<ClaimId, Claim>,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            relied: Relied::read(conn, zone, claims).await?,
            contracts: Contracts::read(conn, zone.id, claims, None).await?,
        })
    }

    /// Whether the claim may rest on what it names, and the most that can be given of a milestone.
    pub(super) fn check(
        &self,
        claim: &Claim,
        claimed: &Claimed,
        policy: &Policy,
    ) -> Result<Option<Money>, Refused> {
        self.relied.check(claim, claimed, policy)?;
        self.contracts.check(claim)
    }

    /// Later claims of the batch see what this one takes.
    pub(super) fn take(&mut self, claim: &Claim, claimed: &Claimed) {
        self.relied.take(claim.id, claimed);
        self.contracts.take(claim);
    }
}

/// An amount, at most that of the milestone; and whether that limited it.
pub(super) fn within(amount: Money, most: Option<Money>) -> (Money, bool) {
    let limited = most.is_some_and(|most| most < amount);
    (most.map_or(amount, |most| amount.min(most)), limited)
}
