//! What the party is owed pays what it owes.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::cases::{Cases, Done, Effect, Locked, amount, may_act};
use super::decide::ordered_by;
use super::model::{Recovery, Way};
use super::postings;
use super::refused::{RecoveryRefusal, Refused};
use super::store::{Settled, Settlement};
use crate::batch::{self, Answers, BatchError, Decided, Round, Step};
use crate::identity::{Command, Role};
use crate::journal::AccountCode;
use crate::payment::{self, Lock, Payable, PayableFilter, PayableState};
use crate::types::{Amount, Money, PayableId, PersonId, RecoveryId};

/// An offset against a payable of the same party.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetRecovery {
    /// How much, decimal text; left out for as much as both have left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// The payable: approved for payment, and in no batch.
    pub payable: PayableId,
    /// The recovery.
    pub recovery: RecoveryId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum OffsetAnswer {
    /// That much is offset.
    Offset {
        /// How much, decimal text.
        amount: String,
        /// What is still open of the recovery, decimal text.
        open: String,
        /// What is left to pay of the payable, decimal text.
        rest: String,
        /// The account that the recovery's spent authority went back to.
        returned_to: AccountCode,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Offsets recoveries against payables. An offset pays, so it takes what finance approved for payment, and is made by a
/// person who had no hand in the payable and did not order the recovery.
pub async fn offset(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, OffsetRecovery)],
) -> Result<Answers<OffsetAnswer>, BatchError> {
    batch::answer(conn, "recovery.offset", requests, |conn, round| {
        Box::pin(offset_round(conn, round))
    })
    .await
}

async fn offset_round(
    conn: &mut PgConnection,
    round: &Round<'_, OffsetRecovery>,
) -> Result<Answers<OffsetAnswer>, BatchError> {
    let zone = round.zone;
    let locked = Locked::of(conn, round, |input| input.recovery).await?;
    let ids = round.requests.iter().map(|(_, input)| input.payable);
    let filter = PayableFilter::Ids(ids.collect());
    let found = payment::payables(conn, zone.id, zone.currency, &filter, Lock::ForUpdate).await?;
    let mut payables: HashMap<PayableId, Payable> =
        found.into_iter().map(|one| (one.id, one)).collect();
    let mut cases = locked.with_persons(conn, round).await?;
    let mut decided = Vec::with_capacity(round.requests.len());
    for (command, input) in &round.requests {
        decided.push(decide(command, input, &mut cases, &mut payables)?);
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    cases.write(conn, zone.id, effects).await?;
    let touched: Vec<&Payable> = payables
        .values()
        .filter(|payable| payable.set_off > Money::ZERO)
        .collect();
    payment::write_set_off(conn, zone.id, &touched).await?;
    Ok(answers)
}

type Decision = Decided<OffsetRecovery, OffsetAnswer, Effect>;

fn decide(
    command: &Command<'_>,
    input: &OffsetRecovery,
    cases: &mut Cases,
    payables: &mut HashMap<PayableId, Payable>,
) -> Result<Decision, BatchError> {
    let (id, currency) = (input.recovery, command.zone.currency);
    let found = cases
        .find(command, &[Role::Finance, Role::Cashier], id)
        .and_then(|found| {
            let payable = batch::find(payables, "payable", &input.payable)?;
            let asked = input.amount.as_deref();
            let asked = asked.map(|text| amount("amount", text, currency));
            Ok((found, payable, asked.transpose()?))
        });
    let ((recovery, hands), payable, asked) = match found {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let mut before: Vec<PersonId> = payable.hands();
    before.extend(ordered_by(recovery));
    let outcome = may_act(hands, command, recovery.party, &before)
        .and_then(|()| take(recovery, payable, asked));
    let taken = match outcome {
        Ok(taken) => taken,
        Err(code) => {
            let answer = OffsetAnswer::Refused(code.into());
            return Ok(Ok((Step::new("recovery.refused", id, input, answer), None)));
        }
    };
    let returned_to = postings::returned_to(recovery.line.year, command.today());
    let answer = OffsetAnswer::Offset {
        amount: taken.money().to_text(currency),
        open: recovery.open().to_text(currency),
        rest: payable.rest().to_text(currency),
        returned_to,
    };
    let settlement = Settlement {
        recovery: id,
        amount: taken,
        by: command.actor.person,
        returned_to: Some(returned_to),
        way: Settled::Offset(payable.id),
    };
    let transfers = postings::offset(recovery, payable, taken, returned_to)?;
    let step = Step::new("recovery.offset", id, input, answer).moving(transfers);
    Ok(Ok((step, Some(Done::settled(id, settlement)))))
}

/// Takes the amount from both, or as much as both have left; or neither.
fn take(
    recovery: &mut Recovery,
    payable: &mut Payable,
    asked: Option<Amount>,
) -> Result<Amount, RecoveryRefusal> {
    if payable.payee != recovery.party {
        return Err(RecoveryRefusal::OtherParty);
    }
    if payable.state != PayableState::Approved {
        return Err(RecoveryRefusal::NotReady);
    }
    let rest = payable.rest();
    let both = Amount::new(recovery.open().min(rest));
    let amount = match asked {
        Some(asked) => asked,
        None => both.map_err(|_| RecoveryRefusal::WrongState)?,
    };
    if amount.money() > rest {
        return Err(RecoveryRefusal::MoreThanOwed);
    }
    recovery.settle(Way::Offset, amount)?;
    payable.set_off = [payable.set_off, amount.money()].into_iter().sum();
    if payable.rest() == Money::ZERO {
        payable.state = PayableState::Offset;
    }
    Ok(amount)
}
