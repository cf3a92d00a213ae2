//! Finance approves what is owed.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::store::{self, Lock, Payable, PayableFilter};
use super::{PayableState, PaymentError};
use crate::approval::Hands;
use crate::identity::{Command, Role};
use crate::journal::{self, Body, Entry, RecallError, RecordError};
use crate::log;
use crate::types::{LogIndex, PayableId};

/// How many recorded approvals are read at a time.
const PAGE: u16 = 1_000;

/// What became of the approval of one payable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalOutcome {
    /// It can be sent.
    Approved,
    /// Whoever redeemed or claimed, reviewed or approved the case can't approve its payment (invariant 9).
    RefusedSegregation,
    /// The person stays out of the payee's cases.
    RefusedRecused,
    /// It was approved before.
    RefusedState,
}

/// The approval of one payable, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Approval {
    /// The payable.
    pub payable: PayableId,
    /// The entry that made it owed; `D` and this number is its short name.
    pub owed_by_entry: LogIndex,
    /// The entry of the approval, or of its refusal.
    pub index: LogIndex,
    /// Approved or refused.
    pub outcome: ApprovalOutcome,
}

/// Approves payables, each by an entry of its own; a refusal is an entry too. A repeat under the same key
/// has the first answer.
pub async fn approve(
    conn: &mut PgConnection,
    command: &Command<'_>,
    filter: &PayableFilter,
) -> Result<Vec<Approval>, PaymentError> {
    command.actor.require(&[Role::Finance])?;
    let zone = command.zone;
    let key = command.idempotency("payment.approve", filter);
    let found = store::payables(conn, zone.id, zone.currency, filter, Lock::ForUpdate).await?;
    // After locking: whoever gave the same command at the same moment has let go of the rows by now.
    let first = journal::first_answer(conn, zone.id, command.actor.person, key.as_ref()).await?;
    if let Some((recorded, Approved { approvals, .. })) = first {
        return recall(conn, command, recorded.index, approvals.unwrap_or(1)).await;
    }
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
    // What is known of persons holds from its entry on.
    log::lock_head(conn, zone.id)
        .await
        .map_err(RecordError::from)?;
    let today = command.today();
    let hands = Hands::read(conn, zone.id, today, &[command.actor.person]).await?;
    let outcomes: Vec<ApprovalOutcome> = found
        .iter()
        .map(|payable| decide(payable, command, &hands))
        .collect();
    let mut entries = Vec::with_capacity(found.len());
    for (payable, outcome) in found.iter().zip(&outcomes) {
        let approvals = (key.is_some() && entries.is_empty()).then_some(found.len());
        entries.push(entry(payable, *outcome, approvals, command)?);
    }
    if let Some(first) = entries.first_mut() {
        first.idempotency = key;
    }
    let mut approvals = Vec::with_capacity(found.len());
    let recorded = journal::record(conn, zone, command.now, &entries).await?;
    for ((payable, outcome), recorded) in found.iter().zip(outcomes).zip(recorded) {
        approvals.push(Approval {
            payable: payable.id,
            owed_by_entry: payable.owed_index,
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

fn decide(payable: &Payable, command: &Command<'_>, hands: &Hands) -> ApprovalOutcome {
    if payable.state != PayableState::Owed {
        ApprovalOutcome::RefusedState
    } else if payable.submitted_by == command.actor.person
        || payable.handled_by.contains(&command.actor.person)
    {
        ApprovalOutcome::RefusedSegregation
    } else if hands.stays_out(command.actor, payable.payee) {
        ApprovalOutcome::RefusedRecused
    } else {
        ApprovalOutcome::Approved
    }
}

/// What the entry of an approval says.
#[derive(Serialize, Deserialize)]
struct Approved {
    amount: String,
    /// In the entry with the command's key: how many entries, from this one on, the command recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approvals: Option<usize>,
    outcome: ApprovalOutcome,
    owed_by_entry: LogIndex,
}

/// The answer of a command that was given before: its `count` entries follow one another in the log, since
/// they were recorded together.
async fn recall(
    conn: &mut PgConnection,
    command: &Command<'_>,
    first: LogIndex,
    count: usize,
) -> Result<Vec<Approval>, PaymentError> {
    let mut approvals = Vec::new();
    let mut next = first;
    while approvals.len() < count {
        let page = journal::entry_page(conn, command.zone.id, next, PAGE).await?;
        let missing = count - approvals.len();
        if page.is_empty() {
            let reason = format!("{missing} entries from here on are missing");
            return Err(RecallError::Unreadable {
                index: next,
                reason,
            }
            .into());
        }
        for (index, body) in page.into_iter().take(missing) {
            approvals.push(read_approval(index, &body)?);
            next = LogIndex(index.0 + 1);
        }
    }
    Ok(approvals)
}

fn read_approval(index: LogIndex, body: &[u8]) -> Result<Approval, RecallError> {
    let unreadable = |reason: String| RecallError::Unreadable { index, reason };
    let body: Body<'_, Approved> =
        serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
    let payable = body
        .subject
        .ok_or_else(|| unreadable("it names no payable".to_owned()))?;
    Ok(Approval {
        payable: PayableId(payable),
        owed_by_entry: body.details.owed_by_entry,
        index,
        outcome: body.details.outcome,
    })
}

fn entry(
    payable: &Payable,
    outcome: ApprovalOutcome,
    approvals: Option<usize>,
    command: &Command<'_>,
) -> Result<Entry, PaymentError> {
    let kind = match outcome {
        ApprovalOutcome::Approved => "payable.approved",
        ApprovalOutcome::RefusedSegregation
        | ApprovalOutcome::RefusedRecused
        | ApprovalOutcome::RefusedState => "payable.approval_refused",
    };
    let details = Approved {
        amount: payable.amount.money().to_text(payable.line.currency),
        approvals,
        outcome,
        owed_by_entry: payable.owed_index,
    };
    Ok(Entry {
        subject: Some(payable.id.0),
        ..command.entry(kind, &details)?
    })
}
