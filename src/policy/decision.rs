//! What a decision says. It is embedded in an entry of the log, so it holds codes and values; the
//! sentences are made from it and the pack by [`super::explain`].

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::measure::{ClassSeen, ScoreSeen};
use super::usage::UsageSeen;
use super::{Fact, Moment, Outcome, Payee, ReasonCode, Seen, Sha256, Step, Sum};
use crate::types::{Code, Currency, LogIndex, Money};

/// Outcome, amount and trace of one policy over one snapshot of facts.
///
/// The fields are in alphabetical order, so that `serde_json::to_vec` gives canonical JSON
/// (RFC 8785): the same inputs give the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What is given: a voucher's face value, or what is paid of a price. Zero unless it passes.
    pub amount: Sum,
    /// The classes that the pack's tables put the facts in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassSeen>,
    /// Each condition that was looked at, in the order of the pack.
    pub criteria: Vec<CriterionOutcome>,
    /// Currency of every amount in it.
    pub currency: Currency,
    /// The ledger's entries that stated or determined facts that it saw.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entries: BTreeMap<Fact, LogIndex>,
    /// The facts that it saw.
    pub facts: Seen,
    /// SHA-256 of the whole snapshot that it was given ([`super::Facts::sha256`]).
    pub facts_sha256: Sha256,
    /// How the amount is borne; exactly the amount together.
    pub funding: Vec<FunderShare>,
    /// At a redemption, the last day on which the voucher can be used; at a recognition, the last on which it
    /// holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<NaiveDate>,
    /// Facts to bring before it can be decided.
    pub missing: Vec<Fact>,
    /// What was decided.
    pub moment: Moment,
    /// The day for which it was decided.
    pub on: NaiveDate,
    /// How it came out.
    pub outcome: Outcome,
    /// What the firm pays of the price, where the award is part of a price and passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_share: Option<Sum>,
    /// Who is paid; nobody at a recognition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payee: Option<Payee>,
    /// By which rules.
    pub policy: PolicyRef,
    /// Why: what failed or is open, or which caps reduced the amount.
    pub reasons: Vec<ReasonCode>,
    /// Points of the pack's scores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoreSeen>,
    /// From the base to the amount; empty if it did not come to that.
    pub steps: Vec<Step>,
    /// What had been used before.
    pub usage: UsageSeen,
}

/// How one condition came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CriterionOutcome {
    /// Its reason code.
    pub code: ReasonCode,
    /// Met, not met, or open.
    pub outcome: Outcome,
    /// The fast track that waived it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived_by: Option<ReasonCode>,
}

/// The part of an amount that a funder bears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FunderShare {
    /// How much.
    pub amount: Sum,
    /// Who.
    pub funder: Code,
}

/// The exact rules that a decision rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRef {
    /// The programme.
    pub code: Code,
    /// SHA-256 of the pack's bytes.
    pub sha256: Sha256,
    /// The version.
    pub version: Code,
}

impl Decision {
    /// The lowest limit of the caps with this reason code that were applied, whether they bound or not.
    pub fn limit(&self, cap: &ReasonCode) -> Option<Money> {
        let limits = self.steps.iter().filter_map(|step| match step {
            Step::Cap { code, limit, .. } if code == cap => Some(limit.money()),
            Step::Base { .. }
            | Step::Basis { .. }
            | Step::Flat { .. }
            | Step::Rate { .. }
            | Step::Cap { .. }
            | Step::Count { .. }
            | Step::Proportion { .. }
            | Step::Rounding { .. } => None,
        });
        limits.min()
    }

    /// The same of caps on the number of awards.
    pub fn number(&self, cap: &ReasonCode) -> Option<u32> {
        let limits = self.steps.iter().filter_map(|step| match step {
            Step::Count { code, limit, .. } if code == cap => Some(*limit),
            Step::Base { .. }
            | Step::Basis { .. }
            | Step::Flat { .. }
            | Step::Rate { .. }
            | Step::Cap { .. }
            | Step::Count { .. }
            | Step::Proportion { .. }
            | Step::Rounding { .. } => None,
        });
        limits.min()
    }

    /// The canonical bytes (RFC 8785).
    pub fn to_canonical_json(&self) -> Vec<u8> {
        serde_json::to_vec(self)
            .expect("BUG: a decision has only text keys and serialises to memory")
    }
}
