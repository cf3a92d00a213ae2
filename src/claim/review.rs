//! A reviewer recommends, returns or rejects a claim.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::content::Claimed;
use super::desk::{Desk, missing, reasons};
use super::grounds::{Grounds, within};
use super::model::{Claim, ClaimRefusal, ClaimState, Reviewed};
use super::relief;
use super::store;
use crate::approval::Hands;
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::identity::{Command, Role};
use crate::policy::{Facts, Outcome, StatedBy};
use crate::types::{Amount, ClaimId, LogIndex, Reason};

/// That a milestone of a contract limited what is recommended, beside the reason codes of policies.
const MILESTONE: &str = "MILESTONE";

/// What a reviewer thinks of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It should get what the policy gives.
    Recommend,
    /// The claimant has to correct it.
    Return,
    /// It gets nothing.
    Reject,
}

/// A review of a claim that was submitted or objected to.
#[derive(Clone, Debug, Serialize)]
pub struct Review {
    /// The claim.
    pub claim: ClaimId,
    /// Facts that the reviewer has verified, or that only the office says, in place of the claimant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// Why; a claim is not returned or rejected, nor an objection dismissed, without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What the reviewer thinks.
    pub verdict: Verdict,
    /// The version that was looked at.
    pub version: i32,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ReviewAnswer {
    /// The public notice, or the approval, comes next.
    Recommended {
        /// Decimal text.
        amount: String,
        /// Reason codes of what limited the amount.
        reasons: Vec<String>,
    },
    /// The claimant has it again.
    Returned,
    /// It is over: by the reviewer, or because the policy excludes it.
    Rejected {
        /// Reason codes, if the policy excludes it.
        reasons: Vec<String>,
    },
    /// It waits for these facts, and stays where it is.
    NeedsReview {
        /// Facts to be stated, verified or determined.
        missing: Vec<String>,
        /// Reason codes.
        reasons: Vec<String>,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Reviews claims. A reviewer is another person than the claimant's, and not related to the party.
pub async fn review(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Review)],
) -> Result<Answers<ReviewAnswer>, BatchError> {
    batch::answer(conn, "claim.review", requests, |conn, round| {
        Box::pin(review_round(conn, round))
    })
    .await
}

async fn review_round(
    conn: &mut PgConnection,
    round: &Round<'_, Review>,
) -> Result<Answers<ReviewAnswer>, BatchError> {
    let (zone, today, requests) = (round.zone, round.today, &round.requests);
    let ids: Vec<ClaimId> = requests.iter().map(|(_, input)| input.claim).collect();
    let mut claims = store::lock(conn, zone, &ids).await?;
    batch::lock_head(conn, round).await?;
    let hands = Hands::of_round(conn, round).await?;
    let mut desk = Desk::read(conn, zone, today, &claims).await?;
    let grounds = Grounds::glance(conn, zone, &claims).await?;
    let mut decided = Vec::with_capacity(requests.len());
    for (command, input) in requests {
        decided.push(match find(&mut claims, command, input) {
            Err(rejected) => Err(rejected),
            Ok(claim) => match in_the_way(&hands, command, claim, input)
                .map(Refused::from)
                .or_else(|| excluded(&desk, claim, input))
            {
                Some(reason) => Ok(refused(input, reason)),
                None => review_one(&mut desk, &grounds, command, input, claim)?,
            },
        });
    }
    desk.keep(conn, zone).await?;
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let reviewed: Vec<Claim> = effects
        .into_iter()
        .filter_map(|(claim, index)| {
            let claim: Claim = claim?;
            let review = claim.review.clone();
            let review = review.map(|review| Reviewed { index, ..review });
            Some(Claim { review, ..claim })
        })
        .collect();
    store::update(conn, zone.id, &reviewed).await?;
    Ok(answers)
}

/// The claim, if the review says what a review has to say.
fn find<'c>(
    claims: &'c mut HashMap<ClaimId, Claim>,
    command: &Command<'_>,
    input: &Review,
) -> Result<&'c mut Claim, Rejected> {
    command.actor.require(&[Role::Reviewer])?;
    let claim = batch::find(claims, "claim", &input.claim)?;
    let needs_reason = input.verdict != Verdict::Recommend || claim.state == ClaimState::Objected;
    if needs_reason && input.reason.is_none() {
        let message =
            "reason: say why it is returned, rejected, or recommended despite an objection";
        return Err(Rejected::Facts(message.to_owned()));
    }
    if let Some(facts) = &input.facts {
        let claimed = Claimed::read(&claim.content).map_err(Rejected::Facts)?;
        if claimed.relief.is_some() {
            relief::expect_unstated(facts.iter().map(|(fact, _)| fact))?;
        }
        let ledgers = |fact: &crate::policy::Fact| fact.spec().stated_by == StatedBy::Ledger;
        if let Some(fact) = facts.iter().map(|(fact, _)| fact).find(ledgers) {
            let message = format!("{fact}: the ledger itself knows it; leave it out");
            return Err(Rejected::Facts(message));
        }
        let value = |fact| facts.get(fact).map(|stated| &stated.value);
        let wrong = crate::fact::impossible(value, command.today());
        if let Some(wrong) = wrong.into_iter().next() {
            return Err(Rejected::Facts(wrong.to_string()));
        }
    }
    Ok(claim)
}

/// What forbids this review, by its state and by whose hands were in it.
fn in_the_way(
    hands: &Hands,
    command: &Command<'_>,
    claim: &Claim,
    input: &Review,
) -> Option<ClaimRefusal> {
    if !claim.state.is_under_review() {
        return Some(ClaimRefusal::WrongState);
    }
    if claim.version != input.version {
        return Some(ClaimRefusal::Stale);
    }
    let person = command.actor.person;
    let submitted = claim.submission.map(|submission| submission.by);
    if [Some(claim.drafted_by), submitted].contains(&Some(person)) {
        return Some(ClaimRefusal::Segregation);
    }
    let stays_out = hands.stays_out(command.actor, claim.party);
    stays_out.then_some(ClaimRefusal::Recused)
}

type Decision = Decided<Review, ReviewAnswer, Option<Claim>>;

/// Nothing is recommended of a party that is excluded; its claims are returned and rejected as others are.
fn excluded(desk: &Desk, claim: &Claim, input: &Review) -> Option<Refused> {
    let recommends = input.verdict == Verdict::Recommend;
    recommends.then(|| desk.excluded(claim)).flatten()
}

fn refused(input: &Review, refused: Refused) -> (Step<Review, ReviewAnswer>, Option<Claim>) {
    let answer = ReviewAnswer::Refused(refused);
    let step = Step::new("claim.review_refused", input.claim, input, answer);
    (step, None)
}

fn review_one(
    desk: &mut Desk,
    grounds: &Grounds,
    command: &Command<'_>,
    input: &Review,
    claim: &mut Claim,
) -> Result<Decision, BatchError> {
    let reviewed = Reviewed {
        by: command.actor.person,
        index: LogIndex(0),
        verified: input.facts.clone(),
    };
    let moved = |state| Claim {
        state,
        review: Some(reviewed.clone()),
        recommended: None,
        notice: None,
        ..claim.clone()
    };
    let ended = |kind, answer, next: Claim| {
        let step = Step::new(kind, input.claim, input, answer);
        (step, next)
    };
    let (step, next) = match input.verdict {
        Verdict::Return => {
            let next = moved(ClaimState::Returned);
            ended("claim.returned", ReviewAnswer::Returned, next)
        }
        Verdict::Reject => {
            let reasons = Vec::new();
            let next = moved(ClaimState::Rejected);
            ended("claim.rejected", ReviewAnswer::Rejected { reasons }, next)
        }
        Verdict::Recommend => {
            let ruled = desk.ruled(claim, input.facts.as_ref())?;
            let most = match grounds.check(claim, &ruled.claimed, &ruled.policy) {
                Ok(most) => most,
                Err(why) => return Ok(Ok(refused(input, why))),
            };
            let decision = desk.decide(claim, &ruled);
            let (amount, limited) = within(decision.amount.money(), most);
            let mut reasons = reasons(&decision);
            reasons.extend(limited.then(|| MILESTONE.to_owned()));
            let amount = Amount::new(amount);
            let (kind, answer, next) = match (decision.outcome, amount) {
                (Outcome::Pass, Ok(amount)) => {
                    let text = amount.money().to_text(command.zone.currency);
                    let next = Claim {
                        recommended: Some(amount),
                        ..moved(ClaimState::Recommended)
                    };
                    let answer = ReviewAnswer::Recommended {
                        amount: text,
                        reasons,
                    };
                    ("claim.recommended", answer, Some(next))
                }
                (Outcome::Fail | Outcome::Pass, _) => {
                    let answer = ReviewAnswer::Rejected { reasons };
                    ("claim.rejected", answer, Some(moved(ClaimState::Rejected)))
                }
                (Outcome::NeedsReview, _) => {
                    let missing = missing(&decision);
                    let answer = ReviewAnswer::NeedsReview { missing, reasons };
                    ("claim.review_needed", answer, None)
                }
            };
            let step = Step::new(kind, input.claim, input, answer).decided(decision);
            if let Some(next) = &next {
                *claim = next.clone();
            }
            return Ok(Ok((step, next)));
        }
    };
    *claim = next.clone();
    Ok(Ok((step, Some(next))))
}
