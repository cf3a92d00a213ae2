//! A contract and its life, without IO.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::refused::ContractRefusal;
use crate::programme::BudgetLine;
use crate::types::{
    Amount, ClaimId, Code, ContractId, Currency, FiscalYear, LogIndex, Money, Name, PartyId,
    PersonId, Reason,
};

/// Where a contract stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractState {
    /// Another person has to confirm it.
    Proposed,
    /// It was not confirmed, and will not be.
    Rejected,
    /// Something is reserved for it.
    InForce,
    /// Every milestone was accepted.
    Completed,
    /// It was ended early.
    Ended,
}

impl ContractState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Proposed,
        Self::Rejected,
        Self::InForce,
        Self::Completed,
        Self::Ended,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Rejected => "rejected",
            Self::InForce => "in_force",
            Self::Completed => "completed",
            Self::Ended => "ended",
        }
    }

    /// The state with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Who said something, and the entry of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who.
    pub by: PersonId,
    /// The entry.
    pub index: LogIndex,
}

/// A part of a contract that is delivered, claimed and paid by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Milestone {
    /// From 1.
    pub number: i16,
    /// The last day on which it is delivered in time.
    pub due: NaiveDate,
    /// By the contract, minor units.
    pub amount: Amount,
    /// What is reserved for it now, minor units.
    pub reserved: Money,
    /// What a claim was given of it, and which.
    pub accepted: Option<(Amount, ClaimId)>,
}

/// How far a contract has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits for a second person.
    Proposed,
    /// It was not confirmed.
    Rejected(Said),
    /// It was confirmed.
    Confirmed {
        /// By whom.
        said: Said,
        /// The budget year that it is reserved in, and that pays.
        year: FiscalYear,
        /// The entry that ended it early.
        ended: Option<LogIndex>,
    },
}

/// That a contract should be ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Who proposed it, and the entry, which names it.
    pub proposed: Said,
    /// Why.
    pub reason: Reason,
}

/// A contract of purchased services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Identity; the item of its account B50.
    pub id: ContractId,
    /// The programme that pays.
    pub programme: Code,
    /// Who delivers, claims and is paid.
    pub provider: PartyId,
    /// What is bought.
    pub service: Reason,
    /// Its number, once in a programme.
    pub reference: Name,
    /// The day on which it was signed.
    pub signed_on: NaiveDate,
    /// How much, minor units: the sum of its milestones.
    pub amount: Amount,
    /// Its milestones, in the order of their numbers.
    pub milestones: Vec<Milestone>,
    /// Who proposed it.
    pub proposed: Said,
    /// How far it has come.
    pub stage: Stage,
    /// An ending that waits for a second person.
    pub ending: Option<Ending>,
}

type Outcome<T> = Result<T, ContractRefusal>;

impl Contract {
    /// Where it stands.
    pub fn state(&self) -> ContractState {
        match self.stage {
            Stage::Proposed => ContractState::Proposed,
            Stage::Rejected(_) => ContractState::Rejected,
            Stage::Confirmed { ended: Some(_), .. } => ContractState::Ended,
            Stage::Confirmed { ended: None, .. } => {
                if self.reserved() > Money::ZERO {
                    ContractState::InForce
                } else {
                    ContractState::Completed
                }
            }
        }
    }

    /// What is reserved for it, minor units.
    pub fn reserved(&self) -> Money {
        self.milestones.iter().map(|one| one.reserved).sum()
    }

    /// What was accepted of it, minor units.
    pub fn accepted(&self) -> Money {
        let accepted = self.milestones.iter().filter_map(|one| one.accepted);
        accepted.map(|(amount, _)| amount.money()).sum()
    }

    /// The budget line that it is reserved in; none before it is confirmed.
    pub fn line(&self, currency: Currency) -> Option<BudgetLine> {
        match self.stage {
            Stage::Confirmed { year, .. } => Some(BudgetLine {
                programme: self.programme.clone(),
                year,
                currency,
            }),
            Stage::Proposed | Stage::Rejected(_) => None,
        }
    }

    /// A milestone.
    pub fn milestone(&self, number: i16) -> Option<&Milestone> {
        self.milestones.iter().find(|one| one.number == number)
    }

    fn milestone_mut(&mut self, number: i16) -> Option<&mut Milestone> {
        self.milestones.iter_mut().find(|one| one.number == number)
    }

    /// Confirms it: all of it is reserved, in a budget year.
    pub fn confirm(&mut self, said: Said, year: FiscalYear) -> Outcome<()> {
        self.expect(ContractState::Proposed)?;
        self.stage = Stage::Confirmed {
            said,
            year,
            ended: None,
        };
        for milestone in &mut self.milestones {
            milestone.reserved = milestone.amount.money();
        }
        Ok(())
    }

    /// Rejects it, or takes it back.
    pub fn reject(&mut self, said: Said) -> Outcome<()> {
        self.expect(ContractState::Proposed)?;
        self.stage = Stage::Rejected(said);
        Ok(())
    }

    /// Proposes to end it early.
    pub fn propose_end(&mut self, proposed: Said, reason: Reason) -> Outcome<()> {
        self.expect(ContractState::InForce)?;
        if self.ending.is_some() {
            return Err(ContractRefusal::EndWaits);
        }
        self.ending = Some(Ending { proposed, reason });
        Ok(())
    }

    /// The ending that waits, if it is the one that was seen.
    pub fn waiting(&self, seen: LogIndex) -> Outcome<&Ending> {
        let waiting = self.ending.as_ref();
        let waiting = waiting.filter(|ending| ending.proposed.index == seen);
        waiting.ok_or(ContractRefusal::Stale)
    }

    /// Ends it early. Gives what was reserved: it goes back.
    pub fn end(&mut self, seen: LogIndex) -> Outcome<Amount> {
        self.waiting(seen)?;
        self.expect(ContractState::InForce)?;
        let back = Amount::new(self.reserved()).map_err(|_| ContractRefusal::WrongState)?;
        if let Stage::Confirmed { ended, .. } = &mut self.stage {
            *ended = Some(LogIndex(0));
        }
        for milestone in &mut self.milestones {
            milestone.reserved = Money::ZERO;
        }
        self.ending = None;
        Ok(back)
    }

    /// It goes on: whoever proposed to end it thinks again, or another person says so.
    pub fn keep(&mut self, seen: LogIndex) -> Outcome<()> {
        self.waiting(seen)?;
        self.ending = None;
        Ok(())
    }

    /// A claim was approved for so much of a milestone, at most what is reserved. Gives what is reserved beyond that, and
    /// goes back.
    pub fn accept(&mut self, number: i16, claim: ClaimId, amount: Amount) -> Option<Money> {
        let milestone = self.milestone_mut(number)?;
        let rest = milestone.reserved.checked_sub(amount.money());
        let rest = rest.filter(|rest| *rest >= Money::ZERO)?;
        milestone.reserved = Money::ZERO;
        milestone.accepted = Some((amount, claim));
        Some(rest)
    }

    /// The approval of a milestone's claim was revoked. Whether what was owed is reserved again: not of a contract that was
    /// ended meanwhile. `None` if the claim was not approved for it.
    pub fn reopen(&mut self, number: i16, claim: ClaimId) -> Option<bool> {
        let stands = self.state() != ContractState::Ended;
        let milestone = self.milestone_mut(number)?;
        let (amount, _) = milestone.accepted.filter(|(_, by)| *by == claim)?;
        milestone.accepted = None;
        if stands {
            milestone.reserved = amount.money();
        }
        Some(stands)
    }

    /// Enters the entry that brought it where it stands.
    pub fn stamp(&mut self, at: LogIndex) {
        let enter = |index: &mut LogIndex| {
            if *index == LogIndex(0) {
                *index = at;
            }
        };
        enter(&mut self.proposed.index);
        match &mut self.stage {
            Stage::Proposed => {}
            Stage::Rejected(said) => enter(&mut said.index),
            Stage::Confirmed { said, ended, .. } => {
                enter(&mut said.index);
                if let Some(ended) = ended {
                    enter(ended);
                }
            }
        }
        if let Some(ending) = &mut self.ending {
            enter(&mut ending.proposed.index);
        }
    }

    fn expect(&self, state: ContractState) -> Outcome<()> {
        if self.state() == state {
            Ok(())
        } else {
            Err(ContractRefusal::WrongState)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: Said = Said {
        by: PersonId(uuid::Uuid::nil()),
        index: LogIndex(0),
    };

    fn yuan(yuan: i64) -> Amount {
        Amount::new(Money::from_minor(yuan * 100)).unwrap()
    }

    fn contract(parts: &[i64]) -> Contract {
        let milestone = |(number, part): (i16, &i64)| Milestone {
            number,
            due: "2020-06-30".parse().unwrap(),
            amount: yuan(*part),
            reserved: Money::ZERO,
            accepted: None,
        };
        Contract {
            id: ContractId::generate(),
            programme: "BUY".parse().unwrap(),
            provider: PartyId::generate(),
            service: "training".parse().unwrap(),
            reference: "2020-1".parse().unwrap(),
            signed_on: "2020-05-01".parse().unwrap(),
            amount: yuan(parts.iter().sum()),
            milestones: (1..).zip(parts).map(milestone).collect(),
            proposed: SAID,
            stage: Stage::Proposed,
            ending: None,
        }
    }

    /// Proposals that are stamped, as the batch does it.
    fn end(contract: &mut Contract, at: i64) -> Outcome<Amount> {
        contract.propose_end(SAID, "reason".parse().unwrap())?;
        contract.stamp(LogIndex(at));
        contract.end(LogIndex(at))
    }

    #[test]
    fn what_is_reserved_is_accepted_or_goes_back() {
        let mut contract = contract(&[100, 200, 300]);
        assert_eq!(contract.state(), ContractState::Proposed);
        let wrong = Err(ContractRefusal::WrongState);
        assert_eq!(contract.propose_end(SAID, "r".parse().unwrap()), wrong);
        contract.confirm(SAID, FiscalYear(2020)).unwrap();
        contract.stamp(LogIndex(7));
        assert_eq!(contract.confirm(SAID, FiscalYear(2020)), wrong);
        assert_eq!(contract.reject(SAID), wrong);
        assert_eq!(contract.reserved(), yuan(600).money());

        let (first, second) = (ClaimId::generate(), ClaimId::generate());
        assert_eq!(contract.accept(4, first, yuan(1)), None);
        assert_eq!(contract.accept(1, first, yuan(101)), None);
        assert_eq!(contract.accept(1, first, yuan(100)), Some(Money::ZERO));
        assert_eq!(contract.accept(1, second, yuan(1)), None);
        assert_eq!(
            contract.accept(2, second, yuan(150)),
            Some(yuan(50).money())
        );
        assert_eq!(
            (contract.reserved(), contract.accepted()),
            (yuan(300).money(), yuan(250).money())
        );
        // Revoked, only what was accepted is reserved again.
        assert_eq!(contract.reopen(2, first), None);
        assert_eq!(contract.reopen(2, second), Some(true));
        assert_eq!(contract.reserved(), yuan(450).money());

        assert_eq!(contract.end(LogIndex(9)), Err(ContractRefusal::Stale));
        contract.propose_end(SAID, "r".parse().unwrap()).unwrap();
        contract.stamp(LogIndex(8));
        let again = contract.propose_end(SAID, "r".parse().unwrap());
        assert_eq!(again, Err(ContractRefusal::EndWaits));
        contract.keep(LogIndex(8)).unwrap();
        assert_eq!(end(&mut contract, 10), Ok(yuan(450)));
        assert_eq!(contract.state(), ContractState::Ended);
        assert_eq!(contract.reopen(1, first), Some(false));
        assert_eq!(contract.reserved(), Money::ZERO);
    }

    #[test]
    fn a_contract_is_completed_by_its_last_milestone() {
        let mut contract = contract(&[100, 200]);
        contract.confirm(SAID, FiscalYear(2020)).unwrap();
        contract.stamp(LogIndex(7));
        let claim = ClaimId::generate();
        contract.accept(2, claim, yuan(200)).unwrap();
        assert_eq!(contract.state(), ContractState::InForce);
        contract.accept(1, ClaimId::generate(), yuan(1)).unwrap();
        assert_eq!(contract.state(), ContractState::Completed);
        assert_eq!(end(&mut contract, 9), Err(ContractRefusal::WrongState));
        assert_eq!(contract.reopen(2, claim), Some(true));
        assert_eq!(contract.state(), ContractState::InForce);
    }
}
