//! A round: the recommended claims of a programme are ranked, or share its budget.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::desk::{Among, Desk, Ruled, reasons};
use super::merit::{self, Merit, Place};
use super::model::{Claim, ClaimState};
use super::store::{self, Placed, Round};
use crate::batch::{BatchError, Step};
use crate::identity::{Command, Forbidden, Role};
use crate::journal::{self, AccountCode, BodyError, Entry, RecallError, RecordError};
use crate::log;
use crate::policy::{self, Decision, Exhaustion, Outcome, Policy};
use crate::programme::BudgetLine;
use crate::types::{
    Amount, ClaimId, Code, FiscalYear, LogIndex, Money, NoticeId, PolicyId, RoundId,
};

/// The most claims of one round.
const MOST: i64 = 2_000;

/// A round that was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    /// What there was to share, decimal text, where the policy shares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// How many claims took part.
    pub claims: usize,
    /// What they asked for together, decimal text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demand: Option<String>,
    /// SHA-256 of the policy that all of them were submitted under.
    pub policy_sha256: policy::Sha256,
    /// The programme.
    pub programme: Code,
    /// Identity.
    pub round: RoundId,
    /// What it gives in all, decimal text; caps and the budget decide once more at each approval.
    pub total: String,
}

/// What a round says to one claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceAnswer {
    /// The most that can be approved, decimal text.
    pub amount: String,
    /// Among which claims it is ranked; empty where all are together.
    pub class: String,
    /// From 1; none if it does not qualify by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<u32>,
    /// Reason codes: `RANK`, or what limited the amount.
    pub reasons: Vec<String>,
    /// The entry of the review that the round rests on.
    pub review: LogIndex,
}

/// What the entry of one claim rests on.
#[derive(Clone, Copy, Debug, Serialize)]
struct Placing {
    claim: ClaimId,
    round: RoundId,
}

/// Why no round was closed.
#[derive(Debug, thiserror::Error)]
pub enum RankError {
    /// The policy has nothing to rank.
    #[error(
        "{0} pays claims first come, first served: there is nothing to rank, so approve them (`claim approve`)"
    )]
    FirstCome(Code),
    /// No claim is there.
    #[error(
        "no recommended claim of {0} waits for a round: `claim list --programme {0}` shows where its claims stand"
    )]
    NothingToRank(Code),
    /// A rank among some is none among all.
    #[error(
        "claims of {programme} are still with a reviewer or in a notice ({waiting}): all are ranked together, so wait for \
         them"
    )]
    NotYet {
        /// The programme.
        programme: Code,
        /// How many.
        waiting: usize,
    },
    /// A programme's claims under one policy are ranked once a year.
    #[error(
        "entry {0} closed the year's round of this policy: later claims wait for the next year's"
    )]
    Closed(LogIndex),
    /// More than one round takes.
    #[error("more than {MOST} claims wait: a round takes no more")]
    TooMany,
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A case can't be decided or recorded.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The first answer of a command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The entries were not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Closes the year's round of a programme: every recommended claim under the policy of the oldest is decided with its
/// rank, or with what there is and what all ask for. One entry for the round, and one with the decision for each claim;
/// approvals go on one by one, bound to it. Nothing in it is left to chance.
pub async fn rank(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
) -> Result<(LogIndex, Ranked), RankError> {
    const KIND: &str = "claim_round.closed";
    command.actor.require(&[Role::Manager])?;
    let (zone, person) = (command.zone, command.actor.person);
    let key = command.idempotency(KIND, programme);
    let claims = store::lock_of_programme(conn, zone, programme, MOST + 1).await?;
    // After locking: whoever gave the same command at the same moment has let go of the rows by now.
    let first = journal::first_answer(conn, zone.id, person, key.as_ref()).await?;
    if let Some((recorded, ranked)) = first {
        return Ok((recorded.index, ranked));
    }
    log::lock_head(conn, zone.id)
        .await
        .map_err(RecordError::from)?;
    let (policy, claims) = of_one_policy(programme, claims)?;
    let year = FiscalYear::of(command.today());
    if let Some(index) = store::round_of(conn, zone.id, policy, year).await? {
        return Err(RankError::Closed(index));
    }
    let round = RoundId::generate();
    let by_id: HashMap<ClaimId, Claim> = claims.iter().map(|one| (one.id, one.clone())).collect();
    let desk = Desk::read(conn, zone, command.today(), &by_id).await?;
    let notices = store::notices_of(conn, zone.id, &claims).await?;
    let left = left(conn, command, programme, year).await?;
    let mut board = Board::of(desk, &claims, left)?;
    board.expect_all_there(programme, command, &notices)?;
    let placings = board.decide();
    board.desk.keep(conn, zone).await?;
    let ranked = board.ranked(command, programme, round, &placings);
    let head = Entry {
        subject: Some(round.0),
        idempotency: key,
        ..command.entry(KIND, &ranked)?
    };
    let recorded = journal::record_one(conn, zone, command.now, head).await?;
    let row = Round {
        id: round,
        programme: programme.clone(),
        policy,
        year,
        closed_by: person,
        closed_index: recorded.index,
        shared: board.shared,
    };
    store::insert_round(conn, zone.id, &row).await?;
    record(conn, command, round, placings).await?;
    Ok((recorded.index, ranked))
}

/// What the programme has left this year.
async fn left(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    year: FiscalYear,
) -> Result<Money, sqlx::Error> {
    let line = BudgetLine {
        programme: programme.clone(),
        year,
        currency: command.zone.currency,
    };
    let free = [line.account(AccountCode::B30)];
    let left = journal::balances(conn, command.zone.id, &free).await?;
    Ok(left.into_iter().sum())
}

/// The claims that were submitted under the policy of the oldest that is recommended.
fn of_one_policy(
    programme: &Code,
    mut claims: Vec<Claim>,
) -> Result<(PolicyId, Vec<Claim>), RankError> {
    if i64::try_from(claims.len()).is_ok_and(|count| count > MOST) {
        return Err(RankError::TooMany);
    }
    claims.sort_by_key(|claim| claim.drafted_index);
    let submitted_under = |claim: &Claim| claim.submission.map(|made| made.policy);
    let oldest = claims
        .iter()
        .find(|claim| !claim.state.is_under_review())
        .and_then(submitted_under);
    let policy = oldest.ok_or_else(|| RankError::NothingToRank(programme.clone()))?;
    claims.retain(|claim| submitted_under(claim) == Some(policy));
    Ok((policy, claims))
}

/// The claims of a round, as they are decided on.
struct Board<'a> {
    desk: Desk,
    claims: Vec<(&'a Claim, Ruled)>,
    policy: Arc<Policy>,
    /// What the programme has left.
    left: Money,
    /// Budget and demand, where the policy shares.
    shared: Option<(Money, Money)>,
}

/// A claim with its place, and what the round gives it.
struct Decided {
    claim: ClaimId,
    place: Option<Place>,
    review: LogIndex,
    amount: Money,
    decision: Decision,
}

impl<'a> Board<'a> {
    fn of(desk: Desk, claims: &'a [Claim], left: Money) -> Result<Self, BatchError> {
        let mut ruled = Vec::with_capacity(claims.len());
        for claim in claims {
            let verified = claim.review.as_ref();
            let verified = verified.and_then(|review| review.verified.as_ref());
            ruled.push((claim, desk.ruled(claim, verified)?));
        }
        let policy = ruled.first().map(|(_, ruled)| ruled.policy.clone());
        let policy = policy.ok_or(BatchError::Database(sqlx::Error::RowNotFound))?;
        Ok(Self {
            desk,
            claims: ruled,
            policy,
            left,
            shared: None,
        })
    }

    /// Whether the policy ranks at all, and nobody is still on the way.
    fn expect_all_there(
        &self,
        programme: &Code,
        command: &Command<'_>,
        notices: &HashMap<NoticeId, store::Notice>,
    ) -> Result<(), RankError> {
        if *self.policy.exhaustion() == Exhaustion::FirstCome {
            return Err(RankError::FirstCome(programme.clone()));
        }
        let is_over = |claim: &Claim| {
            let notice = claim.notice.and_then(|id| notices.get(&id));
            notice.is_some_and(|notice| notice.last_day < command.today())
        };
        let is_there = |claim: &Claim| match claim.state {
            ClaimState::Recommended => self.policy.notice_days() == 0,
            ClaimState::Noticed => is_over(claim),
            ClaimState::Draft
            | ClaimState::Submitted
            | ClaimState::Returned
            | ClaimState::Objected
            | ClaimState::Approved
            | ClaimState::Revoked
            | ClaimState::Rejected
            | ClaimState::Withdrawn => false,
        };
        let waiting = self.claims.iter().filter(|(claim, _)| !is_there(claim));
        match waiting.count() {
            0 => Ok(()),
            waiting => Err(RankError::NotYet {
                programme: programme.clone(),
                waiting,
            }),
        }
    }

    /// First each by itself, which says who qualifies and what all ask for, and then each among all.
    fn decide(&mut self) -> Vec<Decided> {
        let exhaustion = self.policy.exhaustion().clone();
        let (mut merits, mut demand) = (Vec::with_capacity(self.claims.len()), Money::ZERO);
        for (claim, ruled) in &self.claims {
            let alone = self.desk.preview(claim, ruled, Among::default());
            let qualifies = alone.outcome == Outcome::Pass;
            if qualifies {
                demand = [demand, demanded(&exhaustion, &alone)].into_iter().sum();
            }
            let merit = Merit::of(&exhaustion, &ruled.facts, claim.drafted_index);
            merits.push(qualifies.then_some(merit));
        }
        let shares = !matches!(exhaustion, Exhaustion::Top { .. });
        self.shared = shares.then_some((self.left, demand));
        let places = merit::places(&merits);
        let mut decided = Vec::with_capacity(self.claims.len());
        for ((claim, ruled), place) in self.claims.iter().zip(places) {
            let among = Among {
                rank: place.as_ref().filter(|_| !shares).map(|place| place.number),
                shared: self.shared,
            };
            let decision = self.desk.decide_among(claim, ruled, among);
            let most = claim.recommended.map_or(Money::ZERO, Amount::money);
            let passes = decision.outcome == Outcome::Pass;
            let amount = decision.amount.money().min(most);
            decided.push(Decided {
                claim: claim.id,
                place,
                review: claim
                    .review
                    .as_ref()
                    .map_or(LogIndex(0), |review| review.index),
                amount: if passes { amount } else { Money::ZERO },
                decision,
            });
        }
        if shares {
            let mut amounts: Vec<Money> = decided.iter().map(|one| one.amount).collect();
            merit::keep_within(&mut amounts, self.left, self.policy.rounding().unit);
            for (one, amount) in decided.iter_mut().zip(amounts) {
                one.amount = amount;
            }
        }
        decided
    }

    fn ranked(
        &self,
        command: &Command<'_>,
        programme: &Code,
        round: RoundId,
        placings: &[Decided],
    ) -> Ranked {
        let text = |money: Money| money.to_text(command.zone.currency);
        Ranked {
            budget: self.shared.map(|(budget, _)| text(budget)),
            claims: placings.len(),
            demand: self.shared.map(|(_, demand)| text(demand)),
            policy_sha256: self.policy.sha256(),
            programme: programme.clone(),
            round,
            total: text(placings.iter().map(|one| one.amount).sum()),
        }
    }
}

/// What a claim counts for in the demand: where the rate itself follows from it, what it starts from; else what it would
/// get of an unlimited budget.
fn demanded(exhaustion: &Exhaustion, alone: &Decision) -> Money {
    let base = alone.steps.iter().find_map(|step| match step {
        policy::Step::Base { value, .. } => Some(value.money()),
        policy::Step::Basis { value, .. } => Some(value.whole().money()),
        policy::Step::Flat { .. }
        | policy::Step::Rate { .. }
        | policy::Step::Cap { .. }
        | policy::Step::Count { .. }
        | policy::Step::Proportion { .. }
        | policy::Step::Rounding { .. } => None,
    });
    let by_base = *exhaustion == Exhaustion::RatioFromDemand;
    let amount = alone.amount.money();
    base.filter(|_| by_base).unwrap_or(amount)
}

/// An entry and a row for each claim.
async fn record(
    conn: &mut PgConnection,
    command: &Command<'_>,
    round: RoundId,
    decided: Vec<Decided>,
) -> Result<(), RankError> {
    let zone = command.zone;
    let unkeyed = Command {
        key: None,
        ..*command
    };
    let mut entries = Vec::with_capacity(decided.len());
    for one in &decided {
        let input = Placing {
            claim: one.claim,
            round,
        };
        let answer = PlaceAnswer {
            amount: one.amount.to_text(zone.currency),
            class: one
                .place
                .as_ref()
                .map_or("", |place| &place.class)
                .to_owned(),
            place: one.place.as_ref().map(|place| place.number),
            reasons: reasons(&one.decision),
            review: one.review,
        };
        let step = Step::new("claim.ranked", one.claim, &input, answer);
        let step = step.decided(one.decision.clone());
        entries.push(step.entry("claim.rank", &unkeyed)?);
    }
    let outcomes = journal::record(conn, zone, command.now, &entries).await?;
    let mut rows = Vec::with_capacity(decided.len());
    for (one, outcome) in decided.into_iter().zip(outcomes) {
        rows.push(Placed {
            round,
            claim: one.claim,
            review: one.review,
            class: one.place.as_ref().map(|place| place.class.clone()),
            place: one.place.map(|place| place.number),
            amount: one.amount,
            index: outcome.map_err(RecordError::from)?.index,
        });
    }
    store::insert_places(conn, zone.id, &rows).await?;
    Ok(())
}
