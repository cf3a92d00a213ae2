//! Finance approves what is owed.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::store::{self, Lock, Payable, PayableFilter};
use super::{PayableState, PaymentError};
use crate::identity::{Command, Role};
use crate::journal::{self, Entry};
use crate::types::{LogIndex, PayableId};

/// What became of the approval of one payable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalOutcome {
    /// It can be sent.
    Approved,
    /// Whoever redeemed or claimed can't approve (DESIGN §5, invariant 9).
    RefusedSegregation,
    /// It was approved before.
    RefusedState,
}

/// The approval of one payable, as recorded.
#[derive(Clone, Debug, Serialize)]
pub struct Approval {
    /// The payable.
    pub payable: PayableId,
    /// The entry.
    pub index: LogIndex,
    /// Approved or refused.
    pub outcome: ApprovalOutcome,
}

/// Approves payables, each by an entry of its own; a refusal is an entry too.
pub async fn approve(
    conn: &mut PgConnection,
    command: &Command<'_>,
    filter: &PayableFilter,
) -> Result<Vec<Approval>, PaymentError> {
    command.actor.require(&[Role::Finance])?;
    let zone = command.zone;
    let found = store::payables(conn, zone.id, zone.currency, filter, Lock::ForUpdate).await?;
    if let PayableFilter::Ids(ids) = filter
        && let Some(unknown) = ids
            .iter()
            .find(|id| !found.iter().any(|payable| payable.id == **id))
    {
        return Err(PaymentError::Unknown(*unknown));
    }
    if found.is_empty() {
        return Err(PaymentError::NothingToDo(
            "nothing is owed that waits for approval",
        ));
    }
    let outcomes: Vec<ApprovalOutcome> = found
        .iter()
        .map(|payable| decide(payable, command))
        .collect();
    let mut entries = Vec::with_capacity(found.len());
    for (payable, outcome) in found.iter().zip(&outcomes) {
        entries.push(entry(payable, *outcome, command)?);
    }
    let mut approvals = Vec::with_capacity(found.len());
    let recorded = journal::record(conn, zone, command.now, &entries).await?;
    for ((payable, outcome), recorded) in found.iter().zip(outcomes).zip(recorded) {
        approvals.push(Approval {
            payable: payable.id,
            index: recorded?.index,
            outcome,
        });
    }
    let approved: Vec<(PayableId, LogIndex)> = approvals
        .iter()
        .filter(|approval| approval.outcome == ApprovalOutcome::Approved)
        .map(|approval| (approval.payable, approval.index))
        .collect();
    store::mark_approved(conn, zone.id, command.actor.person, &approved).await?;
    Ok(approvals)
}

fn decide(payable: &Payable, command: &Command<'_>) -> ApprovalOutcome {
    if payable.state != PayableState::Owed {
        ApprovalOutcome::RefusedState
    } else if payable.submitted_by == command.actor.person {
        ApprovalOutcome::RefusedSegregation
    } else {
        ApprovalOutcome::Approved
    }
}

fn entry(
    payable: &Payable,
    outcome: ApprovalOutcome,
    command: &Command<'_>,
) -> Result<Entry, PaymentError> {
    #[derive(Serialize)]
    struct Approved {
        amount: String,
        outcome: ApprovalOutcome,
        owed_by_entry: LogIndex,
    }
    let kind = match outcome {
        ApprovalOutcome::Approved => "payable.approved",
        ApprovalOutcome::RefusedSegregation | ApprovalOutcome::RefusedState => {
            "payable.approval_refused"
        }
    };
    let details = Approved {
        amount: payable.amount.money().to_text(payable.line.currency),
        outcome,
        owed_by_entry: payable.owed_index,
    };
    Ok(Entry {
        subject: Some(payable.id.0),
        ..command.entry(kind, &details)?
    })
}
