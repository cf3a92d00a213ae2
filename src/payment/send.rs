//! The cashier sends approved payables to the bank.

use serde::Serialize;
use sqlx::PgConnection;

use super::store::{self, Lock, NewLine, Payable, PayableFilter};
use super::{PayableState, PaymentError};
use crate::identity::{Command, Role};
use crate::journal::{self, AccountCode, Address, Entry, Transfer};
use crate::types::{BatchId, Currency, LogIndex, Money, PartyId, PayableId};

/// A batch that went to the bank.
#[derive(Clone, Debug, Serialize)]
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
    pub held_out: Vec<HeldOut>,
}

/// One instruction.
#[derive(Clone, Debug, Serialize)]
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

/// An approved payable that stays for another cashier.
#[derive(Clone, Debug, Serialize)]
pub struct HeldOut {
    /// The payable.
    pub payable: PayableId,
    /// Why.
    pub reason: &'static str,
}

/// Money that has left the books of payables and not yet the bank.
pub(super) fn in_transit(currency: Currency) -> Address {
    Address::new(AccountCode::F1020, currency)
}

/// Sends approved payables, oldest first, at most `limit`. Submitter, approver and payer of a payable
/// are three persons (DESIGN §5, invariant 9); what this cashier submitted or approved is held out.
pub async fn send(
    conn: &mut PgConnection,
    command: &Command<'_>,
    limit: i64,
) -> Result<Batch, PaymentError> {
    #[derive(Serialize)]
    struct Sent {
        batch: BatchId,
        lines: usize,
        total: String,
    }
    command.actor.require(&[Role::Cashier])?;
    let zone = command.zone;
    let filter = PayableFilter::State(PayableState::Approved, limit);
    let approved = store::payables(conn, zone.id, zone.currency, &filter, Lock::ForUpdate).await?;
    let (mine, ready): (Vec<Payable>, Vec<Payable>) = approved.into_iter().partition(|payable| {
        let payer = command.actor.person;
        payable.submitted_by == payer || payable.approved_by == Some(payer)
    });
    if ready.is_empty() {
        return Err(PaymentError::NothingToDo(
            "no approved payable that this cashier may send",
        ));
    }
    let id = BatchId::generate();
    let total: Money = ready.iter().map(|payable| payable.amount.money()).sum();
    let details = Sent {
        batch: id,
        lines: ready.len(),
        total: total.to_text(zone.currency),
    };
    let head = Entry {
        subject: Some(id.0),
        ..command.entry("batch.sent", &details)?
    };
    let index = journal::record_one(conn, zone, command.now, head)
        .await?
        .index;
    let lines = numbered(ready, index);
    let entries: Result<Vec<Entry>, PaymentError> = lines
        .iter()
        .map(|line| line_entry(line, id, command))
        .collect();
    for outcome in journal::record(conn, zone, command.now, &entries?).await? {
        outcome?;
    }
    store::insert_batch(conn, command, id, index, total, &lines).await?;
    let ids: Vec<PayableId> = lines.iter().map(|line| line.payable.id).collect();
    store::set_state(conn, zone.id, &ids, PayableState::Sent).await?;
    Ok(Batch {
        id,
        index,
        total,
        lines: lines
            .into_iter()
            .map(|line| BatchLine {
                end_to_end_id: line.end_to_end_id,
                payable: line.payable.id,
                payee: line.payable.payee,
                amount: line.payable.amount.money(),
            })
            .collect(),
        held_out: mine
            .into_iter()
            .map(|payable| HeldOut {
                payable: payable.id,
                reason: "submitted or approved by this cashier: another one has to send it",
            })
            .collect(),
    })
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
