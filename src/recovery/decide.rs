//! A second person orders what was proposed, or rejects it; an order is taken back.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::cases::{self, Cases, Done, Effect, may_act};
use super::model::{Recovery, Said, Stage};
use super::postings;
use super::refused::{RecoveryRefusal, Refused};
use crate::batch::{Answers, BatchError, Decided, Rejected, Step};
use crate::identity::{Command, Role};
use crate::types::{LogIndex, PersonId, Reason, RecoveryId};

/// Days to pay, if the order names no other number.
pub const DUE_DAYS: u16 = 30;

/// The longest time to pay that an order may give: ten years.
pub const MOST_DUE_DAYS: u16 = 3_650;

/// An order to pay back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecovery {
    /// Calendar days to pay, from today.
    pub due_days: u16,
    /// The recovery.
    pub recovery: RecoveryId,
}

/// A proposal that is not ordered, or that whoever proposed takes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectRecovery {
    /// Why.
    pub reason: Reason,
    /// The recovery.
    pub recovery: RecoveryId,
}

/// An order that was wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoidRecovery {
    /// Why.
    pub reason: Reason,
    /// The recovery.
    pub recovery: RecoveryId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DecideAnswer {
    /// The party owes it.
    Ordered {
        /// How much, decimal text.
        amount: String,
        /// The last day on which it is paid in time.
        due_on: NaiveDate,
    },
    /// Nothing is asked back.
    Rejected,
    /// The order is taken back.
    Voided {
        /// How much, decimal text.
        amount: String,
    },
    /// Nothing changed.
    Refused(Refused),
}

type Decision<I> = Result<Decided<I, DecideAnswer, Effect>, BatchError>;

fn refused<I: Clone>(
    id: RecoveryId,
    input: &I,
    code: RecoveryRefusal,
) -> (Step<I, DecideAnswer>, Effect) {
    let answer = DecideAnswer::Refused(code.into());
    (Step::new("recovery.refused", id, input, answer), None)
}

fn said(command: &Command<'_>) -> Said {
    Said {
        by: command.actor.person,
        index: LogIndex(0),
    }
}

/// Orders recoveries: who proposed one, or had a hand in what was paid, does not order it.
pub async fn order(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, OrderRecovery)],
) -> Result<Answers<DecideAnswer>, BatchError> {
    let of = |input: &OrderRecovery| input.recovery;
    cases::answer(conn, "recovery.order", requests, of, decide_order).await
}

fn decide_order(
    command: &Command<'_>,
    input: &OrderRecovery,
    cases: &mut Cases,
) -> Decision<OrderRecovery> {
    let (id, currency) = (input.recovery, command.zone.currency);
    let found = cases
        .find(command, &[Role::Manager, Role::Finance], id)
        .and_then(|found| Ok((found, due_on(command, input.due_days)?)));
    let ((recovery, hands), due_on) = match found {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let mut before: Vec<PersonId> = recovery.hands.clone();
    before.push(recovery.proposed.by);
    let ordered = may_act(hands, command, recovery.party, &before)
        .and_then(|()| recovery.order(said(command), due_on));
    if let Err(code) = ordered {
        return Ok(Ok(refused(id, input, code)));
    }
    let answer = DecideAnswer::Ordered {
        amount: recovery.amount.money().to_text(currency),
        due_on,
    };
    let transfers = postings::order(recovery)?;
    let step = Step::new("recovery.ordered", id, input, answer).moving(transfers);
    Ok(Ok((step, Some(Done::changed(id)))))
}

fn due_on(command: &Command<'_>, days: u16) -> Result<NaiveDate, Rejected> {
    let wrong = || Rejected::Input(format!("due days: name 1 to {MOST_DUE_DAYS}"));
    let within = (1..=MOST_DUE_DAYS).contains(&days).then_some(days);
    let days = Days::new(u64::from(within.ok_or_else(wrong)?));
    command.today().checked_add_days(days).ok_or_else(wrong)
}

/// Rejects proposals, or takes them back.
pub async fn reject(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, RejectRecovery)],
) -> Result<Answers<DecideAnswer>, BatchError> {
    let of = |input: &RejectRecovery| input.recovery;
    cases::answer(
        conn,
        "recovery.reject",
        requests,
        of,
        |command, input, cases| Ok(decide_reject(command, input, cases)),
    )
    .await
}

fn decide_reject(
    command: &Command<'_>,
    input: &RejectRecovery,
    cases: &mut Cases,
) -> Decided<RejectRecovery, DecideAnswer, Effect> {
    let id = input.recovery;
    let duties = [Role::Reviewer, Role::Manager, Role::Finance];
    let (recovery, hands) = cases.find(command, &duties, id)?;
    // Whoever had a hand in what was paid does not stop its recovery; whoever proposed it may think again.
    let proposer = recovery.proposed.by == command.actor.person;
    let before: &[PersonId] = if proposer { &[] } else { &recovery.hands };
    let rejected = may_act(hands, command, recovery.party, before)
        .and_then(|()| recovery.reject(said(command)));
    if let Err(code) = rejected {
        return Ok(refused(id, input, code));
    }
    let step = Step::new("recovery.rejected", id, input, DecideAnswer::Rejected);
    Ok((step, Some(Done::changed(id))))
}

/// Takes orders back of which nothing was settled: another person than who ordered.
pub async fn void(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, VoidRecovery)],
) -> Result<Answers<DecideAnswer>, BatchError> {
    let of = |input: &VoidRecovery| input.recovery;
    cases::answer(conn, "recovery.void", requests, of, decide_void).await
}

fn decide_void(
    command: &Command<'_>,
    input: &VoidRecovery,
    cases: &mut Cases,
) -> Decision<VoidRecovery> {
    let (id, currency) = (input.recovery, command.zone.currency);
    let (recovery, hands) = match cases.find(command, &[Role::Manager, Role::Finance], id) {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let mut before: Vec<PersonId> = recovery.hands.clone();
    before.extend(ordered_by(recovery));
    let voided = may_act(hands, command, recovery.party, &before)
        .and_then(|()| recovery.void(said(command)));
    if let Err(code) = voided {
        return Ok(Ok(refused(id, input, code)));
    }
    let answer = DecideAnswer::Voided {
        amount: recovery.amount.money().to_text(currency),
    };
    let transfers = postings::give_up(recovery, recovery.amount)?;
    let step = Step::new("recovery.voided", id, input, answer).moving(transfers);
    Ok(Ok((step, Some(Done::changed(id)))))
}

/// Who ordered a recovery; nobody, if it is not ordered.
pub(super) fn ordered_by(recovery: &Recovery) -> Option<PersonId> {
    match &recovery.stage {
        Stage::Ordered { said, .. } | Stage::Void { said, .. } => Some(said.by),
        Stage::Proposed | Stage::Rejected(_) => None,
    }
}
