//! The decision itself: a pure function of policy, moment, facts, usage and day.

use chrono::NaiveDate;

use super::assess::{Assessment, Terms, counts};
use super::decision::{CriterionOutcome, Decision, FunderShare, PolicyRef};
use super::pack::{Criterion, split};
use super::predicate::Sight;
use super::usage::{Usage, UsageSeen};
use super::{Exhaustion, Fact, Facts, Moment, Outcome, Policy, ReasonCode, Seen, Sum};
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
    let seen = facts.seen(policy.wanted(moment), &policy.accept, on);
    let measures = policy.measures(&seen);
    let sight = Sight {
        seen: &seen,
        measures: &measures,
    };
    let mut review = Review::default();
    let last_day = review.built_ins(policy, moment, facts, &seen, usage, on);
    review.criteria(policy, moment, sight);
    let Review {
        criteria,
        outcome,
        mut reasons,
        mut missing,
    } = review;
    let assessment = policy
        .award(moment)
        .filter(|_| outcome != Outcome::Fail)
        .map(|award| {
            award.assess(Terms {
                moment,
                sight,
                usage,
                on,
                currency: policy.currency,
                rounding: policy.rounding,
                exhaustion: &policy.exhaustion,
            })
        });
    let mut decided = Decided::nothing(outcome);
    if let Some(assessment) = assessment {
        decided = Decided::combine(outcome, assessment, &mut reasons, &mut missing);
    }
    let funding = decided.fund(policy, sight, &mut reasons, &mut missing);
    if decided.outcome != Outcome::NeedsReview {
        missing.clear(); // what was open no longer matters
    }
    missing.sort_unstable();
    missing.dedup();
    dedup(&mut reasons);
    let sum = |money| Sum::new(money, policy.currency);
    let award = policy.award(moment);
    Decision {
        amount: sum(decided.amount),
        classes: measures.classes_seen(&policy.classes),
        criteria,
        currency: policy.currency,
        entries: facts.entries(&seen),
        facts_sha256: facts.sha256(),
        funding,
        last_day: last_day
            .filter(|_| moment != Moment::Recognition || decided.outcome == Outcome::Pass),
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
        scores: measures.scores_seen(&policy.scores),
        steps: decided.steps,
        usage: UsageSeen::new(usage, |scope| counts(award, scope), policy.currency),
        facts: seen,
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
    /// The conditions that this program adds to every pack; the last day, where there is one.
    fn built_ins(
        &mut self,
        policy: &Policy,
        moment: Moment,
        facts: &Facts,
        seen: &Seen,
        usage: &Usage,
        on: NaiveDate,
    ) -> Option<NaiveDate> {
        self.built_in(ReasonCode::NOT_IN_FORCE, policy.in_force.contains(on));
        if facts.currency() != policy.currency {
            self.built_in(ReasonCode::CURRENCY, false);
        }
        if !policy.moments().contains(&moment) {
            self.built_in(ReasonCode::MOMENT, false);
        }
        if let (Exhaustion::Top { number, .. }, Some(rank)) = (&policy.exhaustion, usage.rank) {
            self.built_in(ReasonCode::RANK, rank <= *number);
        }
        match moment {
            Moment::Grant | Moment::Claim => None,
            Moment::Redemption => self.validity(policy, seen),
            Moment::Recognition => policy.validity.map(|validity| validity.last_day(on)),
        }
    }

    fn built_in(&mut self, code: ReasonCode, met: bool) {
        let outcome = if met { Outcome::Pass } else { Outcome::Fail };
        let reasons = vec![code.clone()];
        self.add(
            CriterionOutcome {
                code,
                outcome,
                waived_by: None,
            },
            reasons,
        );
    }

    /// Reasons of what is not met outweigh those of what is open.
    fn add(&mut self, criterion: CriterionOutcome, reasons: Vec<ReasonCode>) {
        let outcome = criterion.outcome;
        let before = self.outcome;
        self.outcome = before.and(outcome);
        if self.outcome != before {
            self.reasons.clear();
        }
        if outcome != Outcome::Pass && outcome == self.outcome {
            self.reasons.extend(reasons);
        }
        self.criteria.push(criterion);
    }

    /// A voucher pays for orders from its day of issue to its last day (worked case V7).
    fn validity(&mut self, policy: &Policy, seen: &Seen) -> Option<NaiveDate> {
        let issued_on = seen.date(Fact::IssuedOn);
        let ordered_on = seen.date(Fact::OrderDate);
        let last_day = issued_on.map(|day| policy.last_day(day));
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
            let open = CriterionOutcome {
                code: ReasonCode::EXPIRED,
                outcome: Outcome::NeedsReview,
                waived_by: None,
            };
            self.add(open, vec![ReasonCode::MISSING_FACT]);
        }
        last_day
    }

    fn criteria(&mut self, policy: &Policy, moment: Moment, sight: Sight<'_>) {
        let at_moment = |criterion: &&Criterion| criterion.at.contains(&moment);
        for criterion in policy.criteria.iter().filter(at_moment) {
            let (outcome, waived_by) = self.waived(policy, criterion, sight);
            let reasons = self.reasons_of(criterion, outcome, sight);
            let code = criterion.code.clone();
            self.add(
                CriterionOutcome {
                    code,
                    outcome,
                    waived_by,
                },
                reasons,
            );
        }
    }

    /// How a criterion comes out once the fast tracks that waive it are looked at.
    fn waived(
        &mut self,
        policy: &Policy,
        criterion: &Criterion,
        sight: Sight<'_>,
    ) -> (Outcome, Option<ReasonCode>) {
        let own = criterion.evaluate(sight);
        if own == Outcome::Pass {
            return (own, None);
        }
        let waives = |track: &&super::FastTrack| track.waives.contains(&criterion.code);
        let tracks = || policy.fast_tracks.iter().filter(waives);
        if let Some(track) = tracks().find(|track| track.test.evaluate(sight) == Outcome::Pass) {
            return (Outcome::Pass, Some(track.code.clone()));
        }
        let mut outcome = own;
        for track in tracks() {
            if track.test.evaluate(sight) == Outcome::NeedsReview {
                outcome = Outcome::NeedsReview;
                track.test.missing(sight, &mut self.missing);
            }
        }
        (outcome, None)
    }

    fn reasons_of(
        &mut self,
        criterion: &Criterion,
        outcome: Outcome,
        sight: Sight<'_>,
    ) -> Vec<ReasonCode> {
        let test = &criterion.test;
        match outcome {
            Outcome::Pass => Vec::new(),
            Outcome::Fail => {
                let uscc = test.uscc_reason(sight.seen);
                vec![uscc.unwrap_or_else(|| criterion.code.clone())]
            }
            Outcome::NeedsReview => {
                let before = self.missing.len();
                test.missing(sight, &mut self.missing);
                let mut reasons = Vec::new();
                if test.divides_by_zero(sight) {
                    reasons.push(ReasonCode::ZERO_DENOMINATOR);
                }
                match test.uscc_reason(sight.seen) {
                    Some(uscc) => reasons.push(uscc),
                    None if self.missing.len() > before || reasons.is_empty() => {
                        reasons.push(ReasonCode::MISSING_FACT);
                    }
                    None => {}
                }
                reasons
            }
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

    /// How the amount is borne. While it is open who bears it, so is the whole.
    fn fund(
        &mut self,
        policy: &Policy,
        sight: Sight<'_>,
        reasons: &mut Vec<ReasonCode>,
        missing: &mut Vec<Fact>,
    ) -> Vec<FunderShare> {
        let Some(funders) = policy.funders(sight) else {
            if self.outcome == Outcome::Pass {
                *self = Self::nothing(Outcome::NeedsReview);
                reasons.clear();
                reasons.push(ReasonCode::MISSING_FACT);
                let conditions = policy.funding.iter().filter_map(|one| one.when.as_ref());
                conditions.for_each(|when| when.missing(sight, missing));
            }
            return Vec::new();
        };
        let shares = funders.iter().zip(split(funders, self.amount));
        shares
            .map(|(funder, part)| FunderShare {
                amount: Sum::new(part, policy.currency),
                funder: funder.code.clone(),
            })
            .collect()
    }
}
