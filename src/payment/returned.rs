//! The bank returns a payment that it had booked (退汇): the payable is owed again.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::bank::{BankLineId, BankLineRow, MatchedBy};
use super::iso20022::Direction;
use super::store::{self, AskedBack, MatchedLine, SentLine};
use super::{PayableState, PaymentError};
use crate::identity::{Command, Role};
use crate::journal::{self, AccountCode, Address, Entry, RecordError, Refusal, Transfer};
use crate::log;
use crate::types::{Currency, LogIndex, Money, PayableId, Reason, RecoveryId, ZoneId};

/// A payment that came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReturnedPayment {
    /// How much, decimal text.
    pub amount: String,
    /// What recoveries of it had open, and is owed no more: each ends by an entry after that of the return.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<EndedRecovery>,
    /// The entry.
    pub index: LogIndex,
    /// What is owed again.
    pub payable: PayableId,
}

/// What a recovery had open when the payment came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedRecovery {
    /// How much of it ends, decimal text.
    pub amount: String,
    /// Which.
    pub recovery: RecoveryId,
}

/// A recovery of what comes back that is partly settled, and locked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StillOpen {
    /// Which.
    pub(crate) recovery: RecoveryId,
    /// What it has open, minor units.
    pub(crate) open: Money,
}

/// A payment that came back, by this command or by one that was given before under its key.
pub(crate) enum Returning {
    /// Before: all of it is recorded.
    Before(ReturnedPayment),
    /// Now: what its recoveries have open has to end.
    Now(ReturnedPayment),
}

/// What the entry of a return says.
#[derive(Serialize, Deserialize)]
struct Told {
    amount: String,
    bank_line: String,
    end_to_end_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ended: Vec<EndedRecovery>,
    matched_by: MatchedBy,
    payable: PayableId,
    reason: Reason,
}

/// Says that a line of the bank brings back what an instruction had paid, all of it. The books are put back by an entry of
/// its own: the bank has the money and the payee is owed it (F1010/F2010), and the authority is obligated again (B70/B60).
/// The payable keeps its approval, and goes into the next batch. It counts for the bank's booking day, or for today if that
/// day is closed. What the recoveries `open` have open ends with it, as far as it is owed again; the caller offsets it in the
/// same transaction. Refused while another recovery asks it back.
pub(crate) async fn return_payment(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (line, instruction, reason): (BankLineId, &str, &Reason),
    open: &[StillOpen],
) -> Result<Returning, PaymentError> {
    command.actor.require(&[Role::Cashier])?;
    let zone = command.zone;
    let key = command.idempotency("payment.return", &(line, instruction, reason));
    // Instructions and payables before lines of the bank, as an import locks them.
    let sent = store::lock_lines(conn, zone.id, zone.currency, &[instruction]).await?;
    let found = store::lock_bank_line(conn, zone.id, line).await?;
    let first = journal::first_answer(conn, zone.id, command.actor.person, key.as_ref()).await?;
    if let Some((recorded, told)) = first {
        return Ok(Returning::Before(answer(told, recorded.index)));
    }
    let found = found.ok_or(PaymentError::UnknownBankLine(line))?;
    let refused = |problem: String| PaymentError::NoMatch { line, problem };
    let paid = sent.into_iter().next().ok_or_else(|| {
        refused(format!(
            "no batch that was released has the instruction {instruction:?}"
        ))
    })?;
    in_the_way(command, &found, &paid).map_err(refused)?;
    let locked: Vec<RecoveryId> = open.iter().map(|one| one.recovery).collect();
    if let Some((recovery, why)) = store::asked_back(conn, zone.id, paid.payable, &locked).await? {
        return Err(refused(asked_back(recovery, why)));
    }
    log::lock_head(conn, zone.id)
        .await
        .map_err(RecordError::from)?;
    let is_closed = journal::is_closed(conn, zone.id, found.booked_on).await?;
    let told = Told {
        amount: paid.amount.money().to_text(zone.currency),
        bank_line: line.to_string(),
        end_to_end_id: paid.end_to_end_id.clone(),
        ended: ended(open, paid.amount.money(), zone.currency),
        matched_by: MatchedBy::Hand,
        payable: paid.payable,
        reason: reason.clone(),
    };
    let on = if is_closed {
        command.today()
    } else {
        found.booked_on
    };
    let entry = Entry {
        effective: on,
        subject: Some(paid.payable.0),
        transfers: transfers(&paid)?,
        idempotency: key,
        ..command.entry("payment.returned", &told)?
    };
    let recorded = journal::record_one(conn, zone, command.now, entry).await;
    let index = recorded.map_err(|error| too_little(line, error))?.index;
    write(conn, zone.id, (line, &paid), index).await?;
    Ok(Returning::Now(answer(told, index)))
}

fn answer(told: Told, index: LogIndex) -> ReturnedPayment {
    ReturnedPayment {
        amount: told.amount,
        ended: told.ended,
        index,
        payable: told.payable,
    }
}

/// Pure: what of the recoveries ends, one after another, as far as what comes back is owed again.
fn ended(open: &[StillOpen], returned: Money, currency: Currency) -> Vec<EndedRecovery> {
    let mut left = returned;
    let mut ended = Vec::new();
    for one in open {
        let amount = one.open.min(left);
        left = left.saturating_sub(amount);
        if amount > Money::ZERO {
            ended.push(EndedRecovery {
                amount: amount.to_text(currency),
                recovery: one.recovery,
            });
        }
    }
    ended
}

/// Pure: what a recovery that is in the way asks for.
fn asked_back(recovery: LogIndex, why: AskedBack) -> String {
    let (stands, remedy) = match why {
        AskedBack::Proposed => (
            "which waits to be ordered",
            "reject that first (`recovery reject`)",
        ),
        AskedBack::Ordered => (
            "of which nothing is settled",
            "void that first (`recovery void`), or let the line pay it (`recovery receive`)",
        ),
        AskedBack::WrittenOff => (
            "of which something was written off",
            "that can't be undone, so the line stays an item of the bank reconciliation",
        ),
        AskedBack::Since => ("which was partly settled at the same moment", "repeat"),
    };
    format!("the payment is asked back by Z{recovery}, {stands}: {remedy}")
}

/// Says what it means that too little stands as spent: what the payee paid back is free again, or returned, since then.
fn too_little(line: BankLineId, error: RecordError) -> PaymentError {
    if let RecordError::Refused(Refusal::Insufficient { address, short, .. }) = &error
        && address.code == AccountCode::B70
    {
        let short = short.to_grouped_text(address.currency);
        let problem = format!(
            "what the payee paid back is not spent any more, so {address} is {short} short of this payment: take the line \
             when the bank has booked other payments of that programme and year; until then it is an item of the bank \
             reconciliation"
        );
        return PaymentError::NoMatch { line, problem };
    }
    error.into()
}

/// Brings the rows to what the entry says.
async fn write(
    conn: &mut PgConnection,
    zone: ZoneId,
    (line, paid): (BankLineId, &SentLine),
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    store::return_line(conn, zone, &paid.end_to_end_id, index).await?;
    store::set_state(conn, zone, &[paid.payable], PayableState::Approved).await?;
    let matched = MatchedLine {
        line,
        instruction: None,
        receipt: Some(index),
        index,
    };
    store::mark_matched(conn, zone, MatchedBy::Hand, &[matched]).await
}

/// Pure: the confirmation of the payment, put back.
fn transfers(paid: &SentLine) -> Result<Vec<Transfer>, PaymentError> {
    let budget = &paid.line;
    let bank = Address::new(AccountCode::F1010, budget.currency);
    Ok(vec![
        Transfer::new(bank, budget.payable(paid.payee), paid.amount)?,
        budget.transfer(AccountCode::B70, AccountCode::B60, paid.amount)?,
    ])
}

/// Pure: why a line does not bring back what an instruction paid.
fn in_the_way(command: &Command<'_>, line: &BankLineRow, paid: &SentLine) -> Result<(), String> {
    let id = &paid.end_to_end_id;
    if line.is_matched {
        let why = "it is matched already: `payment unmatched` lists those that are not";
        return Err(why.to_owned());
    }
    match paid.state.as_str() {
        "paid" => {}
        "returned" => return Err(format!("{id} was returned before, by another line")),
        state => return Err(format!("{id} was not paid: it is {state}")),
    }
    if line.direction != Direction::Credit {
        return Err("money went with it: it returns nothing".to_owned());
    }
    if line.amount != paid.amount.money() {
        let text = |money: Money| money.to_text(command.zone.currency);
        return Err(format!(
            "it is over {}, {id} was paid with {}: a payment comes back whole, so {} is expected",
            text(line.amount),
            text(paid.amount.money()),
            text(paid.amount.money())
        ));
    }
    if line.booked_on < paid.sent_on {
        return Err(format!(
            "it was booked on {}, before {id} was sent",
            line.booked_on
        ));
    }
    Ok(())
}
