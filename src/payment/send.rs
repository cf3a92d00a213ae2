//! The cashier sends approved payables to the bank.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::store::{self, Lock, NewLine, Payable, PayableFilter};
use super::{PayableState, PaymentError};
use crate::identity::{Command, Role};
use crate::journal::{self, AccountCode, Address, Entry, Idempotency, Transfer};
use crate::types::{BatchId, Currency, LogIndex, Money, PartyId, PayableId};

/// How many payables that are held out are listed: they stand in the entry of the batch.
const LISTED: i64 = 100;

/// A batch that went to the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Identity.
    pub id: BatchId,
    /// The entry of the batch; `P` and this number is its short name.
    pub index: LogIndex,
    /// Control sum, minor units.
    pub total: Money,
    /// One instruction for each payable.
    pub lines: Vec<BatchLine>,
    /// Approved payables that this cashier may not send.
    pub held_out: HeldOut,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchLine {
    /// The bank returns it on its statement.
    pub end_to_end_id: String,
    /// What it pays.
    pub payable: PayableId,
    /// To whom.
    pub payee: PartyId,
    /// Minor units.
    pub amount: Money,
}

/// Approved payables that a cashier submitted or approved: they stay for another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOut {
    /// The oldest hundred of them.
    pub oldest: Vec<PayableId>,
    /// How many there are.
    pub total: i64,
}

/// What the entry of a batch says.
#[derive(Serialize, Deserialize)]
struct Sent {
    batch: BatchId,
    /// Entries of older batches don't say it.
    #[serde(default)]
    held_out: HeldOut,
    lines: usize,
    total: String,
}

impl Batch {
    fn new(id: BatchId, index: LogIndex, lines: Vec<BatchLine>, held_out: HeldOut) -> Self {
        Self {
            id,
            index,
            total: lines.iter().map(|line| line.amount).sum(),
            lines,
            held_out,
        }
    }
}

/// Money that has left the books of payables and not yet the bank.
pub(super) fn in_transit(currency: Currency) -> Address {
    Address::new(AccountCode::F1020, currency)
}

/// Sends approved payables, oldest first, at most `limit`. Submitter, approver and payer of a payable
/// are three persons (invariant 9); what this cashier submitted or approved is held out, and does
/// not count towards the limit. A repeat under the same key has the first answer.
pub async fn send(
    conn: &mut PgConnection,
    command: &Command<'_>,
    limit: i64,
) -> Result<Batch, PaymentError> {
    command.actor.require(&[Role::Cashier])?;
    let zone = command.zone;
    let payer = command.actor.person;
    let key = idempotency(command, limit);
    let ready = store::lock_sendable(conn, zone.id, payer, limit).await?;
    // After locking: whoever gave the same command at the same moment has let go of the rows by now.
    if let Some(batch) = sent_before(conn, command, limit).await? {
        return Ok(batch);
    }
    if ready.is_empty() {
        return Err(PaymentError::NothingToDo(
            "no approved payable that this cashier may send",
        ));
    }
    let held_out = store::held_out(conn, zone.id, payer, LISTED).await?;
    let filter = PayableFilter::Ids(ready);
    let ready = store::payables(conn, zone.id, zone.currency, &filter, Lock::No).await?;
    let id = BatchId::generate();
    let total: Money = ready.iter().map(|payable| payable.amount.money()).sum();
    let details = Sent {
        batch: id,
        held_out,
        lines: ready.len(),
        total: total.to_text(zone.currency),
    };
    let head = Entry {
        subject: Some(id.0),
        idempotency: key,
        ..command.entry("batch.sent", &details)?
    };
    let index = journal::record_one(conn, zone, command.now, head)
        .await?
        .index;
    let lines = numbered(ready, index);
    record_lines(conn, command, id, &lines).await?;
    store::insert_batch(conn, command, id, index, total, &lines).await?;
    let ids: Vec<PayableId> = lines.iter().map(|line| line.payable.id).collect();
    store::set_state(conn, zone.id, &ids, PayableState::Sent).await?;
    let lines = lines.into_iter().map(BatchLine::from).collect();
    Ok(Batch::new(id, index, lines, details.held_out))
}

fn idempotency(command: &Command<'_>, limit: i64) -> Option<Idempotency> {
    command.idempotency("payment.send", &limit)
}

/// The batch that the same command made before, under the same key. Changes nothing.
pub async fn sent_before(
    conn: &mut PgConnection,
    command: &Command<'_>,
    limit: i64,
) -> Result<Option<Batch>, PaymentError> {
    let (zone, payer) = (command.zone.id, command.actor.person);
    let key = idempotency(command, limit);
    let first = journal::first_answer(conn, zone, payer, key.as_ref()).await?;
    let Some((recorded, sent)) = first else {
        return Ok(None);
    };
    let Sent {
        batch, held_out, ..
    } = sent;
    let lines = store::sent_lines(conn, zone, batch).await?;
    Ok(Some(Batch::new(batch, recorded.index, lines, held_out)))
}

impl From<NewLine> for BatchLine {
    fn from(line: NewLine) -> Self {
        Self {
            end_to_end_id: line.end_to_end_id,
            payable: line.payable.id,
            payee: line.payable.payee,
            amount: line.payable.amount.money(),
        }
    }
}

async fn record_lines(
    conn: &mut PgConnection,
    command: &Command<'_>,
    batch: BatchId,
    lines: &[NewLine],
) -> Result<(), PaymentError> {
    let entries: Result<Vec<Entry>, PaymentError> = lines
        .iter()
        .map(|line| line_entry(line, batch, command))
        .collect();
    for outcome in journal::record(conn, command.zone, command.now, &entries?).await? {
        outcome?;
    }
    Ok(())
}

/// Gives each payable its end-to-end id: the batch's short name and the line's number.
fn numbered(ready: Vec<Payable>, batch: LogIndex) -> Vec<NewLine> {
    ready
        .into_iter()
        .zip(1_u32..)
        .filter_map(|(payable, number)| {
            let approved_by = payable.approved_by?;
            Some(NewLine {
                end_to_end_id: format!("P{batch}-{number}"),
                payable,
                approved_by,
            })
        })
        .collect()
}

fn line_entry(
    line: &NewLine,
    batch: BatchId,
    command: &Command<'_>,
) -> Result<Entry, PaymentError> {
    #[derive(Serialize)]
    struct Instructed<'a> {
        batch: BatchId,
        end_to_end_id: &'a str,
        payee: PartyId,
    }
    let payable = &line.payable;
    let transfer = Transfer::new(
        payable.line.payable(payable.payee),
        in_transit(payable.line.currency),
        payable.amount,
    )?;
    let details = Instructed {
        batch,
        end_to_end_id: &line.end_to_end_id,
        payee: payable.payee,
    };
    Ok(Entry {
        subject: Some(payable.id.0),
        transfers: vec![transfer],
        ..command.entry("payment.sent", &details)?
    })
}
