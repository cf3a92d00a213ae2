//! The decision itself: a pure function of policy, moment, facts, usage and day.

use chrono::NaiveDate;

use super::award::Assessment;
use super::decision::{CriterionOutcome, Decision, FunderShare, PolicyRef, UsageSeen};
use super::{Fact, Facts, Moment, Outcome, Policy, ReasonCode, Seen, Sum, Usage};
use crate::types::Money;

/// Decides by the rules of `policy`, on the facts and the usage, for the day `on`.
///
/// Facts stated for a later day are not seen, nor is what only the office can determine and what
/// was merely declared. Every condition is looked at, so that all reasons are given at once.
pub fn decide(
    policy: &Policy,
    moment: Moment,
    facts: &Facts,
    usage: &Usage,
    on: NaiveDate,
) -> Decision {
    let seen = facts.seen(policy.wanted(moment), on);
    let mut review = Review::default();
    review.built_in(ReasonCode::NOT_IN_FORCE, policy.in_force.contains(on));
    if facts.currency() != policy.currency {
        review.built_in(ReasonCode::CURRENCY, false);
    }
    let last_day = match moment {
        Moment::Grant => None,
        Moment::Redemption => review.validity(policy, &seen),
    };
    review.criteria(policy, moment, &seen);
    let Review {
        criteria,
        outcome,
        mut reasons,
        mut missing,
    } = review;
    let assessment = (outcome != Outcome::Fail).then(|| {
        policy
            .award(moment)
            .assess(moment, &seen, usage, on, policy.currency)
    });
    let mut decided = Decided::nothing(outcome);
    if let Some(assessment) = assessment {
        decided = Decided::combine(outcome, assessment, &mut reasons, &mut missing);
    }
    if decided.outcome != Outcome::NeedsReview {
        missing.clear(); // what was open no longer matters
    }
    missing.sort_unstable();
    missing.dedup();
    dedup(&mut reasons);
    let sum = |money| Sum::new(money, policy.currency);
    let funding = policy.funders.iter().zip(policy.split(decided.amount));
    Decision {
        amount: sum(decided.amount),
        criteria,
        currency: policy.currency,
        facts: seen,
        facts_sha256: facts.sha256(),
        funding: funding
            .map(|(funder, part)| FunderShare {
                amount: sum(part),
                funder: funder.code.clone(),
            })
            .collect(),
        last_day,
        missing,
        moment,
        on,
        outcome: decided.outcome,
        own_share: decided.own_share.map(sum),
        payee: policy.payee,
        policy: PolicyRef {
            code: policy.code.clone(),
            sha256: policy.sha256,
            version: policy.version.clone(),
        },
        reasons,
        steps: decided.steps,
        usage: UsageSeen {
            held_now: sum(usage.held_now),
            used_this_year: sum(usage.used_this_year),
        },
    }
}

/// Reasons in the order in which they were found, each once.
fn dedup(reasons: &mut Vec<ReasonCode>) {
    let mut kept: Vec<ReasonCode> = Vec::with_capacity(reasons.len());
    for reason in reasons.drain(..) {
        if !kept.contains(&reason) {
            kept.push(reason);
        }
    }
    *reasons = kept;
}

/// Eligibility, as far as it has been looked at.
struct Review {
    criteria: Vec<CriterionOutcome>,
    outcome: Outcome,
    reasons: Vec<ReasonCode>,
    missing: Vec<Fact>,
}

impl Default for Review {
    fn default() -> Self {
        Self {
            criteria: Vec::new(),
            outcome: Outcome::Pass,
            reasons: Vec::new(),
            missing: Vec::new(),
        }
    }
}

impl Review {
    fn built_in(&mut self, code: ReasonCode, met: bool) {
        let outcome = if met { Outcome::Pass } else { Outcome::Fail };
        self.add(code.clone(), outcome, code);
    }

    /// Reasons of what is not met outweigh those of what is open.
    fn add(&mut self, code: ReasonCode, outcome: Outcome, reason: ReasonCode) {
        let before = self.outcome;
        self.outcome = before.and(outcome);
        if self.outcome != before {
            self.reasons.clear();
        }
        if outcome != Outcome::Pass && outcome == self.outcome {
            self.reasons.push(reason);
        }
        self.criteria.push(CriterionOutcome { code, outcome });
    }

    /// A voucher pays for orders from its day of issue to its last day (worked case V7).
    fn validity(&mut self, policy: &Policy, seen: &Seen) -> Option<NaiveDate> {
        let issued_on = seen.date(Fact::IssuedOn);
        let ordered_on = seen.date(Fact::OrderDate);
        let last_day = issued_on.map(|day| policy.validity.last_day(day));
        if let (Some(issued_on), Some(ordered_on), Some(last_day)) =
            (issued_on, ordered_on, last_day)
        {
            self.built_in(
                ReasonCode::EXPIRED,
                (issued_on..=last_day).contains(&ordered_on),
            );
        } else {
            let unknown = [(Fact::IssuedOn, issued_on), (Fact::OrderDate, ordered_on)];
            self.missing.extend(
                unknown
                    .iter()
                    .filter(|(_, day)| day.is_none())
                    .map(|(fact, _)| fact),
            );
            self.add(
                ReasonCode::EXPIRED,
                Outcome::NeedsReview,
                ReasonCode::MISSING_FACT,
            );
        }
        last_day
    }

    fn criteria(&mut self, policy: &Policy, moment: Moment, seen: &Seen) {
        for criterion in policy
            .criteria
            .iter()
            .filter(|criterion| criterion.at.contains(&moment))
        {
            let outcome = criterion.evaluate(seen);
            let reason = match outcome {
                Outcome::Pass => criterion.code.clone(),
                Outcome::Fail => criterion
                    .test
                    .uscc_reason(seen)
                    .unwrap_or_else(|| criterion.code.clone()),
                Outcome::NeedsReview => {
                    criterion.test.missing(seen, &mut self.missing);
                    criterion
                        .test
                        .uscc_reason(seen)
                        .unwrap_or(ReasonCode::MISSING_FACT)
                }
            };
            self.add(criterion.code.clone(), outcome, reason);
        }
    }
}

/// What it comes to once eligibility and award are both known.
struct Decided {
    outcome: Outcome,
    amount: Money,
    own_share: Option<Money>,
    steps: Vec<super::Step>,
}

impl Decided {
    const fn nothing(outcome: Outcome) -> Self {
        Self {
            outcome,
            amount: Money::ZERO,
            own_share: None,
            steps: Vec::new(),
        }
    }

    /// While eligibility is open no amount is named: only what the award is missing, too.
    fn combine(
        eligibility: Outcome,
        award: Assessment,
        reasons: &mut Vec<ReasonCode>,
        missing: &mut Vec<Fact>,
    ) -> Self {
        let outcome = eligibility.and(award.outcome);
        if outcome == Outcome::Fail {
            reasons.clear();
        }
        if award.outcome == outcome {
            reasons.extend(award.reasons);
            missing.extend(award.missing);
        }
        if outcome == Outcome::NeedsReview {
            return Self::nothing(outcome);
        }
        Self {
            outcome,
            amount: award.amount,
            own_share: award.own_share,
            steps: award.steps,
        }
    }
}
