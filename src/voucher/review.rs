//! A reviewer recommends or rejects applications by the policy.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::earlier::Known;
use super::issue::{earlier_of, ledger_of, usages_of};
use super::model::VoucherRefusal;
use super::rules;
use super::store::{self, Application, ApplicationState, ApplicationStep};
use crate::approval::Hands;
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::caps::{Asked, Usages};
use crate::fact;
use crate::fact::InLedger;
use crate::identity::{Command, Role};
use crate::policy::store::Policies;
use crate::policy::{Facts, Outcome};
use crate::types::VoucherId;

/// Reviews an application: checks its documents, and lets the policy decide.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Review {
    /// The application.
    pub application: VoucherId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ReviewAnswer {
    /// An approver can issue it.
    Recommended {
        /// Decimal text.
        amount: String,
    },
    /// The policy excludes it.
    Rejected {
        /// Reason codes.
        reasons: Vec<String>,
    },
    /// It waits for these facts.
    NeedsReview {
        /// Facts to be brought.
        missing: Vec<String>,
        /// Reason codes.
        reasons: Vec<String>,
    },
    /// Nothing changed.
    Refused(Refused),
}

const NAME: &str = "voucher.review";

/// Reviews applications. A reviewer is another person than the submitter.
pub async fn review(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Review)],
) -> Result<Answers<ReviewAnswer>, BatchError> {
    batch::answer(conn, NAME, requests, |conn, round| {
        Box::pin(review_round(conn, round))
    })
    .await
}

async fn review_round(
    conn: &mut PgConnection,
    round: &Round<'_, Review>,
) -> Result<Answers<ReviewAnswer>, BatchError> {
    let (zone, today, new) = (round.zone, round.today, &round.requests);
    let ids: Vec<VoucherId> = new.iter().map(|(_, input)| input.application).collect();
    let applications = store::lock_applications(conn, zone.id, &ids).await?;
    let policies = Policies::of(conn, zone.id, applications.values().map(|one| one.policy)).await?;
    batch::lock_head(conn, round).await?;
    let mut desk = Desk {
        usages: usages_of(conn, zone, today, &applications, &policies).await?,
        earlier: earlier_of(conn, zone, today, &applications, &policies).await?,
        ledger: ledger_of(conn, zone, today, &applications, &policies).await?,
        hands: Hands::of_round(conn, round).await?,
        applications,
        policies,
        kept: Vec::new(),
    };

    let mut decided = Vec::with_capacity(new.len());
    for (command, input) in new {
        decided.push(desk.decide(command, input)?);
    }
    fact::store::keep_snapshots(conn, zone.id, &desk.kept.iter().collect::<Vec<_>>()).await?;
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let mut by_reviewer: HashMap<_, Vec<ApplicationStep>> = HashMap::new();
    for (effect, index) in effects {
        if let Some((id, state, reviewer)) = effect {
            by_reviewer
                .entry(reviewer)
                .or_default()
                .push(ApplicationStep { id, state, index });
        }
    }
    for (reviewer, steps) in by_reviewer {
        store::review_applications(conn, zone.id, reviewer, &steps).await?;
    }
    Ok(answers)
}

type Effect = Option<(VoucherId, ApplicationState, crate::types::PersonId)>;

/// Everything that decisions of one batch read.
struct Desk {
    applications: HashMap<VoucherId, Application>,
    policies: Policies,
    usages: Usages,
    earlier: Known,
    ledger: InLedger,
    hands: Hands,
    /// Facts that were decided on and that no application keeps.
    kept: Vec<Facts>,
}

impl Desk {
    fn decide(
        &mut self,
        command: &Command<'_>,
        input: &Review,
    ) -> Result<Decided<Review, ReviewAnswer, Effect>, BatchError> {
        let found = command
            .actor
            .require(&[Role::Reviewer])
            .map_err(Rejected::from)
            .and_then(|()| batch::find(&mut self.applications, "application", &input.application));
        let application = match found {
            Ok(found) => found,
            Err(rejected) => return Ok(Err(rejected)),
        };
        let refused = |code: VoucherRefusal| {
            let answer = ReviewAnswer::Refused(code.into());
            let step = Step::new("review.refused", input.application, input, answer);
            Ok(Ok((step, None)))
        };
        if application.state != ApplicationState::Applied {
            return refused(VoucherRefusal::WrongState);
        }
        if application.applied_by == command.actor.person {
            return refused(VoucherRefusal::Segregation);
        }
        if self.hands.stays_out(command.actor, application.party) {
            return refused(VoucherRefusal::Recused);
        }
        let policy = self.policies.get(application.policy)?;
        let (facts, is_new) =
            rules::current_facts(application, &policy, &self.earlier, &self.ledger)?;
        let usage = self.usages.of(Asked::grant(&policy, application.party));
        let decision = rules::grant(&policy, &facts, &usage, command.today());
        self.kept.extend(is_new.then_some(facts));
        let reasons = rules::reasons(&decision);
        let (kind, answer, state) = match decision.outcome {
            Outcome::Pass => {
                let amount = decision.amount.money().to_text(command.zone.currency);
                (
                    "voucher.recommended",
                    ReviewAnswer::Recommended { amount },
                    Some(ApplicationState::Recommended),
                )
            }
            Outcome::Fail => (
                "voucher.rejected",
                ReviewAnswer::Rejected { reasons },
                Some(ApplicationState::Rejected),
            ),
            Outcome::NeedsReview => {
                let missing = rules::missing(&decision);
                (
                    "voucher.review_needed",
                    ReviewAnswer::NeedsReview { missing, reasons },
                    None,
                )
            }
        };
        if let Some(state) = state {
            application.state = state;
        }
        let effect = state.map(|state| (application.id, state, command.actor.person));
        let step = Step::new(kind, application.id, input, answer).decided(decision);
        Ok(Ok((step, effect)))
    }
}
