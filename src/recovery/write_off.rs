//! What can't be got back is given up (核销): proposed by finance, approved by a manager.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::cases::{self, Cases, Done, Effect, may_act};
use super::model::{Recovery, RecoveryState, Said, Way, WriteOff};
use super::postings;
use super::refused::{RecoveryRefusal, Refused};
use super::store::{DecidedWriteOff, Settled, Settlement};
use crate::batch::{Answers, BatchError, Decided, Step};
use crate::identity::{Command, Role};
use crate::types::{Amount, LogIndex, Reason, RecoveryId};

/// That what is open be written off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposeWriteOff {
    /// Why.
    pub reason: Reason,
    /// The recovery.
    pub recovery: RecoveryId,
}

/// An approval of a write-off, as it was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApproveWriteOff {
    /// The entry of the proposal that was looked at.
    pub proposed_index: LogIndex,
    /// The recovery.
    pub recovery: RecoveryId,
}

/// A write-off that is not approved, or that whoever proposed it takes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectWriteOff {
    /// The entry of the proposal.
    pub proposed_index: LogIndex,
    /// Why.
    pub reason: Reason,
    /// The recovery.
    pub recovery: RecoveryId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum WriteOffAnswer {
    /// A manager has to approve it; this entry names it.
    Proposed {
        /// What is open, decimal text.
        amount: String,
    },
    /// It is given up.
    WrittenOff {
        /// How much, decimal text.
        amount: String,
    },
    /// It stays open.
    Rejected,
    /// Nothing changed.
    Refused(Refused),
}

fn refused<I: Clone>(
    id: RecoveryId,
    input: &I,
    code: RecoveryRefusal,
) -> (Step<I, WriteOffAnswer>, Effect) {
    let answer = WriteOffAnswer::Refused(code.into());
    (Step::new("recovery.refused", id, input, answer), None)
}

/// Proposes that what is open be written off. One proposal waits at a time.
pub async fn propose_write_off(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ProposeWriteOff)],
) -> Result<Answers<WriteOffAnswer>, BatchError> {
    let of = |input: &ProposeWriteOff| input.recovery;
    cases::answer(
        conn,
        "recovery.propose_write_off",
        requests,
        of,
        |command, input, cases| Ok(propose(command, input, cases)),
    )
    .await
}

fn propose(
    command: &Command<'_>,
    input: &ProposeWriteOff,
    cases: &mut Cases,
) -> Decided<ProposeWriteOff, WriteOffAnswer, Effect> {
    let id = input.recovery;
    let (recovery, hands) = cases.find(command, &[Role::Finance], id)?;
    let open = may_act(hands, command, recovery.party, &recovery.hands).and_then(|()| {
        let waits = recovery.write_off.is_some();
        let open = Amount::new(recovery.open()).ok().filter(|_| !waits);
        open.ok_or(RecoveryRefusal::WrongState)
    });
    let amount = match open {
        Ok(open) => open,
        Err(code) => return Ok(refused(id, input, code)),
    };
    recovery.write_off = Some(WriteOff {
        proposed: Said {
            by: command.actor.person,
            index: LogIndex(0),
        },
        reason: input.reason.clone(),
        amount,
    });
    let answer = WriteOffAnswer::Proposed {
        amount: amount.money().to_text(command.zone.currency),
    };
    let step = Step::new("recovery.write_off_proposed", id, input, answer);
    Ok((step, Some(Done::write_off_proposed(id))))
}

/// The write-off that waits, if it is the one that was looked at, and the person may decide on it.
fn waiting(recovery: &Recovery, seen: LogIndex) -> Result<WriteOff, RecoveryRefusal> {
    let waits = recovery.write_off.as_ref();
    let waits = waits.filter(|write_off| write_off.proposed.index == seen);
    waits.cloned().ok_or(RecoveryRefusal::Stale)
}

/// Approves write-offs: a manager who did not propose them, nor had a hand in what was paid. What is written off is what
/// was proposed: if something was settled since, finance proposes it again.
pub async fn approve_write_off(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ApproveWriteOff)],
) -> Result<Answers<WriteOffAnswer>, BatchError> {
    let of = |input: &ApproveWriteOff| input.recovery;
    cases::answer(conn, "recovery.approve_write_off", requests, of, approve).await
}

fn approve(
    command: &Command<'_>,
    input: &ApproveWriteOff,
    cases: &mut Cases,
) -> Result<Decided<ApproveWriteOff, WriteOffAnswer, Effect>, BatchError> {
    let id = input.recovery;
    let (recovery, hands) = match cases.find(command, &[Role::Manager], id) {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let approved = waiting(recovery, input.proposed_index).and_then(|write_off| {
        let mut before = recovery.hands.clone();
        before.push(write_off.proposed.by);
        may_act(hands, command, recovery.party, &before)?;
        if recovery.state() != RecoveryState::Open {
            return Err(RecoveryRefusal::WrongState);
        }
        if recovery.open() != write_off.amount.money() {
            return Err(RecoveryRefusal::Stale);
        }
        recovery.settle(Way::WriteOff, write_off.amount)?;
        Ok(write_off)
    });
    let write_off = match approved {
        Ok(write_off) => write_off,
        Err(code) => return Ok(Ok(refused(id, input, code))),
    };
    recovery.write_off = None;
    let by = command.actor.person;
    let decided = DecidedWriteOff {
        proposed: write_off.proposed.index,
        outcome: "approved",
        by,
    };
    let settlement = Settlement {
        recovery: id,
        amount: write_off.amount,
        by,
        returned_to: None,
        way: Settled::WriteOff,
    };
    let answer = WriteOffAnswer::WrittenOff {
        amount: write_off.amount.money().to_text(command.zone.currency),
    };
    let transfers = postings::give_up(recovery, write_off.amount)?;
    let step = Step::new("recovery.written_off", id, input, answer).moving(transfers);
    let done = Done::write_off_decided(id, decided, Some(settlement));
    Ok(Ok((step, Some(done))))
}

/// Rejects write-offs, or takes them back.
pub async fn reject_write_off(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, RejectWriteOff)],
) -> Result<Answers<WriteOffAnswer>, BatchError> {
    let of = |input: &RejectWriteOff| input.recovery;
    cases::answer(
        conn,
        "recovery.reject_write_off",
        requests,
        of,
        |command, input, cases| Ok(reject(command, input, cases)),
    )
    .await
}

fn reject(
    command: &Command<'_>,
    input: &RejectWriteOff,
    cases: &mut Cases,
) -> Decided<RejectWriteOff, WriteOffAnswer, Effect> {
    let id = input.recovery;
    let (recovery, hands) = cases.find(command, &[Role::Manager, Role::Finance], id)?;
    let rejected = may_act(hands, command, recovery.party, &[])
        .and_then(|()| waiting(recovery, input.proposed_index));
    let write_off = match rejected {
        Ok(write_off) => write_off,
        Err(code) => return Ok(refused(id, input, code)),
    };
    recovery.write_off = None;
    let decided = DecidedWriteOff {
        proposed: write_off.proposed.index,
        outcome: "rejected",
        by: command.actor.person,
    };
    let answer = WriteOffAnswer::Rejected;
    let step = Step::new("recovery.write_off_rejected", id, input, answer);
    let done = Done::write_off_decided(id, decided, None);
    Ok((step, Some(done)))
}
