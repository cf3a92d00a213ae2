//! A manager approves a run, list and all.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{outdated, store};
use crate::batch::{self, Answers, BatchError, Rejected, Round, Step};
use crate::identity::{Command, Role};
use crate::types::RunId;
use crate::voucher::Refused;
use crate::voucher::model::VoucherRefusal;

/// A run to be approved.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Approve {
    /// The run.
    pub run: RunId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ApproveAnswer {
    /// It can be carried out.
    Approved {
        /// How many are on the list.
        candidates: u32,
        /// SHA-256 of the list.
        list_sha256: String,
        /// What the list comes to, decimal text.
        total: String,
    },
    /// Nothing changed.
    Refused(Refused),
}

const NAME: &str = "award_run.approve";

/// Approves runs. An approver is another person than the proposer.
pub async fn approve(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Approve)],
) -> Result<Answers<ApproveAnswer>, BatchError> {
    batch::answer(conn, NAME, requests, |conn, round| {
        Box::pin(approve_round(conn, round))
    })
    .await
}

async fn approve_round(
    conn: &mut PgConnection,
    round: &Round<'_, Approve>,
) -> Result<Answers<ApproveAnswer>, BatchError> {
    let mut decided = Vec::with_capacity(round.requests.len());
    let mut approved = Vec::new();
    for (command, input) in &round.requests {
        if let Err(forbidden) = command.actor.require(&[Role::Manager]) {
            decided.push(Err(forbidden.into()));
            continue;
        }
        let Some(run) = store::lock_run(conn, round.zone, input.run).await? else {
            decided.push(Err(Rejected::Unknown {
                what: "award run",
                id: input.run.to_string(),
            }));
            continue;
        };
        let refusal = if run.approved_by.is_some() || approved.contains(&run.id) {
            Some(VoucherRefusal::WrongState)
        } else if run.proposed_by == command.actor.person {
            Some(VoucherRefusal::Segregation)
        } else {
            None
        };
        if refusal.is_none()
            && let Some(why) = outdated(conn, round.zone.id, &run).await?
        {
            decided.push(Err(why));
            continue;
        }
        let (kind, answer) = match refusal {
            Some(code) => ("award_run.refused", ApproveAnswer::Refused(code.into())),
            None => (
                "award_run.approved",
                ApproveAnswer::Approved {
                    candidates: run.candidates,
                    list_sha256: run.list_sha256.to_string(),
                    total: run.total.to_text(round.zone.currency),
                },
            ),
        };
        let effect = refusal.is_none().then_some((run.id, command.actor.person));
        approved.extend(effect.map(|(id, _)| id));
        decided.push(Ok((Step::new(kind, run.id.0, input, answer), effect)));
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    for (effect, index) in effects {
        if let Some((run, approver)) = effect {
            store::approve_run(conn, round.zone.id, run, approver, index).await?;
        }
    }
    Ok(answers)
}
