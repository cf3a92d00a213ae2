//! What a claim takes of a contract of purchased services: a milestone, once, and what is reserved for it.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::PgConnection;

use super::Refused;
use super::content::Content;
use super::model::{Claim, ClaimRefusal};
use super::store;
use crate::batch::{BatchError, Rejected};
use crate::contract::{self, Contract, MilestoneId};
use crate::journal::{AccountCode, Transfer};
use crate::programme::{BudgetLine, OpenYears};
use crate::types::{
    Amount, ClaimId, Code, ContractId, Currency, FiscalYear, LogIndex, Money, PartyId, ZoneId,
};

/// Contracts that contents name.
pub(super) struct Named(HashMap<ContractId, Contract>);

impl Named {
    pub(super) async fn read<'c>(
        conn: &mut PgConnection,
        zone: ZoneId,
        contents: impl Iterator<Item = &'c Content>,
    ) -> Result<Self, sqlx::Error> {
        let named = contents.filter_map(|content| Some(content.milestone?.contract));
        let named: Vec<ContractId> = named.collect();
        Ok(Self(contract::store::read(conn, zone, &named).await?))
    }

    /// Whether a claim of the party and programme can name what it names. Where the contract stands is looked at when the
    /// claim is submitted.
    pub(super) fn check(
        &self,
        content: &Content,
        party: PartyId,
        programme: &Code,
    ) -> Result<(), Rejected> {
        let Some(milestone) = content.milestone else {
            return Ok(());
        };
        let unknown = || Rejected::Unknown {
            what: "contract",
            id: milestone.contract.to_string(),
        };
        // Another provider's contract is none of this one's business.
        let found = self.0.get(&milestone.contract);
        let found = found.filter(|contract| contract.provider == party);
        let contract = found.ok_or_else(unknown)?;
        let wrong = |why: String| Err(Rejected::Input(format!("milestone: {why}")));
        if contract.programme != *programme {
            return wrong(format!(
                "the contract is of programme {}: claim it there",
                contract.programme
            ));
        }
        if contract.milestone(milestone.number).is_none() {
            let most = contract.milestones.len();
            return wrong(format!("the contract has milestones 1 to {most}"));
        }
        Ok(())
    }
}

/// The contracts of a batch of claims, and which claims have their milestones.
pub(super) struct Contracts {
    found: HashMap<ContractId, Contract>,
    claimed: HashMap<MilestoneId, (ClaimId, LogIndex)>,
    /// Providers, with the programmes that have something reserved for a contract with them.
    in_force: HashSet<(PartyId, Code)>,
    /// Contracts that the batch changed.
    changed: BTreeSet<ContractId>,
}

impl Contracts {
    /// Locks the contracts that claims name: before the claims themselves.
    pub(super) async fn lock(
        conn: &mut PgConnection,
        zone: ZoneId,
        claims: &[ClaimId],
    ) -> Result<HashMap<ContractId, Contract>, sqlx::Error> {
        let named = store::contracts_named(conn, zone, claims).await?;
        contract::store::lock(conn, zone, &named).await
    }

    /// With contracts that were locked, or with those that claims name, as they are.
    pub(super) async fn read(
        conn: &mut PgConnection,
        zone: ZoneId,
        claims: &HashMap<ClaimId, Claim>,
        locked: Option<HashMap<ContractId, Contract>>,
    ) -> Result<Self, sqlx::Error> {
        let found = if let Some(locked) = locked {
            locked
        } else {
            let named = claims.values().filter_map(|claim| claim.milestone);
            let named: Vec<ContractId> = named.map(|one| one.contract).collect();
            contract::store::read(conn, zone, &named).await?
        };
        let ids: Vec<ContractId> = found.keys().copied().collect();
        let claimed = contract::store::claimed(conn, zone, &ids).await?;
        let parties: Vec<PartyId> = claims.values().map(|claim| claim.party).collect();
        let in_force = contract::store::in_force(conn, zone, &parties).await?;
        Ok(Self {
            found,
            claimed: claimed
                .into_iter()
                .map(|one| (one.milestone, (one.claim, one.drafted_index)))
                .collect(),
            in_force: in_force.into_iter().collect(),
            changed: BTreeSet::new(),
        })
    }

    /// The budget years that the contracts are reserved in.
    pub(super) fn years(&self, currency: Currency) -> impl Iterator<Item = FiscalYear> {
        let line = move |contract: &Contract| contract.line(currency);
        self.found.values().filter_map(line).map(|line| line.year)
    }

    /// What is reserved for the milestone that a claim names, and no other claim has. A provider with a contract in force
    /// names one.
    pub(super) fn check(&self, claim: &Claim) -> Result<Option<Money>, Refused> {
        let Some(milestone) = claim.milestone else {
            let key = (claim.party, claim.programme.clone());
            return if self.in_force.contains(&key) {
                Err(ClaimRefusal::MilestoneNotNamed.into())
            } else {
                Ok(None)
            };
        };
        if let Some((other, number)) = self.claimed.get(&milestone)
            && *other != claim.id
        {
            return Err(Refused {
                code: ClaimRefusal::MilestoneClaimed,
                reasons: vec![format!("C{number}")],
            });
        }
        // The claim was revised after the contract was locked: it is looked at again.
        let contract = self.found.get(&milestone.contract);
        let contract = contract.ok_or(ClaimRefusal::Stale)?;
        let found = contract.milestone(milestone.number);
        let reserved = found.map_or(Money::ZERO, |found| found.reserved);
        if reserved > Money::ZERO {
            Ok(Some(reserved))
        } else {
            Err(ClaimRefusal::ContractNotInForce.into())
        }
    }

    /// Later claims of the batch see what this one takes.
    pub(super) fn take(&mut self, claim: &Claim) {
        let milestone = claim.milestone;
        let of_claim = (claim.id, claim.drafted_index);
        self.claimed.extend(milestone.map(|one| (one, of_claim)));
    }

    /// An approved claim is given so much of its milestone, at most what is reserved. Gives the budget line, and what moves:
    /// what is reserved becomes an obligation, and the rest goes back.
    pub(super) fn accept(
        &mut self,
        claim: &Claim,
        milestone: MilestoneId,
        amount: Amount,
        (currency, years): (Currency, &OpenYears),
    ) -> Result<(BudgetLine, Vec<Transfer>), BatchError> {
        let lost = || BatchError::Database(sqlx::Error::RowNotFound);
        let found = self.found.get_mut(&milestone.contract).ok_or_else(lost)?;
        let rest = found.accept(milestone.number, claim.id, amount);
        let rest = rest.ok_or_else(lost)?;
        let line = found.line(currency).ok_or_else(lost)?;
        self.changed.insert(found.id);
        let transfers = contract::accepted(&line, found.id, (amount, rest), years)?;
        Ok((line, transfers))
    }

    /// The approval of a milestone's claim was revoked. What moves, if what was owed is reserved again; not of a contract
    /// that was ended meanwhile.
    pub(super) fn reopen(
        &mut self,
        claim: &Claim,
        milestone: MilestoneId,
        (line, amount): (&BudgetLine, Amount),
    ) -> Result<Option<Transfer>, BatchError> {
        let lost = || BatchError::Database(sqlx::Error::RowNotFound);
        let found = self.found.get_mut(&milestone.contract).ok_or_else(lost)?;
        let stands = found.reopen(milestone.number, claim.id);
        let stands = stands.ok_or_else(lost)?;
        self.changed.insert(found.id);
        self.claimed.remove(&milestone);
        let reserved = stands.then(|| contract::reopened(line, found.id, amount));
        Ok(reserved.transpose()?)
    }

    /// Keeps what the batch did to contracts.
    pub(super) async fn write(
        &self,
        conn: &mut PgConnection,
        zone: ZoneId,
    ) -> Result<(), sqlx::Error> {
        let changed = self.changed.iter().filter_map(|id| self.found.get(id));
        let changed: Vec<&Contract> = changed.collect();
        contract::write_milestones(conn, zone, &changed).await
    }
}

/// As answers say where authority went that is not owed any more.
pub(super) fn returned_to(transfer: &Transfer) -> AccountCode {
    transfer.credit().code
}
