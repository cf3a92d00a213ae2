//! What was right to pay, by the rules that decided, on the facts as they were.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::refused::{RecoveryRefusal, Refused};
use crate::batch::BatchError;
use crate::payment::Payable;
use crate::policy::{self, Decision, Facts, Outcome, Source, Stated, Usage};
use crate::types::{LogIndex, Money, Zone};
use crate::verify::{self, DecidedBy};

/// What decided on payables: their recorded decisions, with the rules and facts that they were made on.
pub(super) struct Grounds(HashMap<LogIndex, DecidedBy>);

/// A decision made again on corrected facts.
pub(super) struct Redecided {
    pub(super) decision: Decision,
    pub(super) facts: Facts,
}

impl Grounds {
    /// Reads the decisions of the entries that made payables owed.
    pub(super) async fn read(
        conn: &mut PgConnection,
        zone: &Zone,
        owed: &[LogIndex],
    ) -> Result<Self, BatchError> {
        Ok(Self(verify::decided_by(conn, zone, owed).await?))
    }

    /// Decides again as then: the same version of the rules, moment, day and usage of caps. Corrected facts take the place
    /// of those that the decision saw, or are added, as of its day.
    pub(super) fn redecide(
        &self,
        owed: LogIndex,
        corrected: &Facts,
    ) -> Result<Redecided, BatchError> {
        let lost = |why: &str| BatchError::Unreadable(owed, why.to_owned());
        let grounds = self
            .0
            .get(&owed)
            .ok_or_else(|| lost("it has no decision"))?;
        let policy = grounds.policy.as_ref().map_err(|why| lost(why))?;
        let recorded = &grounds.recorded;
        let mut facts = recorded.facts.clone().map_err(|why| lost(&why))?;
        for (fact, stated) in corrected.iter() {
            // What the ledger or a register said is known in the same way as before; the office has checked the rest.
            let before = facts.get(fact).map(|before| before.source);
            let stated = Stated {
                as_of: recorded.decision.on,
                entry: None,
                source: before
                    .filter(|source| *source == Source::Imported)
                    .unwrap_or(Source::Verified),
                value: stated.value.clone(),
            };
            facts.insert(fact, stated);
        }
        let old = &recorded.decision;
        let usage = Usage::from(&old.usage);
        let decision = policy::decide(policy, old.moment, &facts, &usage, old.on);
        Ok(Redecided { decision, facts })
    }
}

impl Redecided {
    /// What was right to pay: at most what was paid, nothing if the rules give nothing.
    ///
    /// # Errors
    /// The rules can't decide on these facts.
    pub(super) fn rightful(&self, payable: &Payable) -> Result<Money, Refused> {
        match self.decision.outcome {
            Outcome::Pass => Ok(self.decision.amount.money().min(payable.amount.money())),
            Outcome::Fail => Ok(Money::ZERO),
            Outcome::NeedsReview => {
                let missing = self.decision.missing.iter().map(ToString::to_string);
                Err(Refused {
                    code: RecoveryRefusal::Policy,
                    reasons: self.reasons().into_iter().chain(missing).collect(),
                })
            }
        }
    }

    /// Reason codes, as text.
    pub(super) fn reasons(&self) -> Vec<String> {
        self.decision
            .reasons
            .iter()
            .map(ToString::to_string)
            .collect()
    }
}
