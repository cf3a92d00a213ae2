//! A second cashier releases a prepared batch to the bank, or a cashier gives its payables back.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::prepare::{HeldBecause, HeldOut};
use super::store::{self, PreparedBatch, PreparedLine};
use super::{PayableState, PaymentError, in_transit};
use crate::approval::Hands;
use crate::identity::{Command, Role};
use crate::journal::{self, Entry, RecordError, Transfer};
use crate::log;
use crate::types::{BatchId, LogIndex, Money, PartyId, PayableId, Reason};

/// What became of a batch that somebody wanted to release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Release {
    /// It went to the bank.
    Released(Released),
    /// Whoever prepared it, submitted or approved one of its payables, or stays out of a payee's cases can't release it; the
    /// entry says so.
    Refused {
        /// The entry of the refusal.
        index: LogIndex,
        /// Why.
        because: NotByThisPerson,
    },
}

/// A batch that went to the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    /// Identity.
    pub id: BatchId,
    /// The entry of the release.
    pub index: LogIndex,
    /// How many lines were sent.
    pub lines: usize,
    /// Control sum of these, minor units.
    pub total: Money,
    /// Payables that were given back, since the account of their payee has changed.
    pub held_out: HeldOut,
}

/// Why a person can't release a batch (invariant 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotByThisPerson {
    /// The person prepared it.
    Prepared,
    /// The person submitted or approved one of its payables, or stays out of its payee's cases.
    OwnCase,
}

/// What the entry of a release, or of its refusal, says.
#[derive(Serialize, Deserialize)]
struct Told {
    batch: BatchId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    because: Option<NotByThisPerson>,
    held_out: HeldOut,
    lines: usize,
    prepared_index: LogIndex,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    total: Option<String>,
}

/// Releases a prepared batch: its money goes from what is owed to what is in transit. A line whose payee has another
/// confirmed account by now is given back instead. A repeat under the same key has the first answer.
pub async fn release(
    conn: &mut PgConnection,
    command: &Command<'_>,
    batch: BatchId,
) -> Result<Release, PaymentError> {
    command.actor.require(&[Role::Cashier])?;
    let zone = command.zone;
    let key = command.idempotency("payment.release", &batch);
    let found = store::lock_batch(conn, zone.id, batch).await?;
    // After locking: whoever gave the same command at the same moment has let go of the row by now.
    let first = journal::first_answer(conn, zone.id, command.actor.person, key.as_ref()).await?;
    if let Some((recorded, told)) = first {
        return again(recorded.index, told, command);
    }
    let found = prepared(found, batch)?;
    let lines = store::lock_prepared(conn, zone, command.actor.person, batch).await?;
    // What is known of persons holds from its entry on.
    log::lock_head(conn, zone.id)
        .await
        .map_err(RecordError::from)?;
    let hands = Hands::read(conn, zone.id, command.today(), &[command.actor.person]).await?;
    if let Some(because) = not_by(command, &found, &lines, &hands) {
        let told = Told {
            batch,
            because: Some(because),
            held_out: HeldOut::default(),
            lines: 0,
            prepared_index: found.index,
            total: None,
        };
        let index =
            record_head(conn, command, ("batch.release_refused", batch), &told, key).await?;
        return Ok(Release::Refused { index, because });
    }
    let mut held_out = HeldOut::default();
    let (ready, changed): (Vec<PreparedLine>, Vec<PreparedLine>) =
        lines.into_iter().partition(|line| line.account_in_force);
    for line in &changed {
        held_out.add(line.payable, HeldBecause::AccountChanged);
    }
    if ready.is_empty() {
        return Err(PaymentError::AllChanged(found.index));
    }
    let total: Money = ready.iter().map(|line| line.amount.money()).sum();
    let told = Told {
        batch,
        because: None,
        held_out,
        lines: ready.len(),
        prepared_index: found.index,
        total: Some(total.to_text(zone.currency)),
    };
    let index = record_head(conn, command, ("batch.released", batch), &told, key).await?;
    send(conn, command, batch, &ready).await?;
    let because = HeldBecause::AccountChanged;
    withdraw(conn, command, batch, &changed, &Why::Held { because }).await?;
    store::release_batch(conn, command, (batch, index), (ready.len(), total)).await?;
    Ok(Release::Released(Released {
        id: batch,
        index,
        lines: told.lines,
        total,
        held_out: told.held_out,
    }))
}

/// The first answer.
fn again(index: LogIndex, told: Told, command: &Command<'_>) -> Result<Release, PaymentError> {
    if let Some(because) = told.because {
        return Ok(Release::Refused { index, because });
    }
    let total = Money::parse(&told.total.unwrap_or_default(), command.zone.currency);
    let unreadable = |reason: String| journal::RecallError::Unreadable { index, reason };
    Ok(Release::Released(Released {
        id: told.batch,
        index,
        lines: told.lines,
        total: total.map_err(|error| unreadable(error.to_string()))?,
        held_out: told.held_out,
    }))
}

fn prepared(found: Option<PreparedBatch>, batch: BatchId) -> Result<PreparedBatch, PaymentError> {
    let found = found.ok_or(PaymentError::UnknownBatch(batch))?;
    if found.is_prepared {
        Ok(found)
    } else {
        Err(PaymentError::BatchDecided(found.index))
    }
}

fn not_by(
    command: &Command<'_>,
    batch: &PreparedBatch,
    lines: &[PreparedLine],
    hands: &Hands,
) -> Option<NotByThisPerson> {
    if batch.prepared_by == command.actor.person {
        return Some(NotByThisPerson::Prepared);
    }
    let stays_out = |line: &PreparedLine| hands.stays_out(command.actor, line.payee);
    let own = lines.iter().any(|line| line.is_own || stays_out(line));
    own.then_some(NotByThisPerson::OwnCase)
}

async fn record_head(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (kind, batch): (&'static str, BatchId),
    details: &(impl Serialize + Sync),
    idempotency: Option<journal::Idempotency>,
) -> Result<LogIndex, PaymentError> {
    let entry = Entry {
        subject: Some(batch.0),
        idempotency,
        ..command.entry(kind, details)?
    };
    Ok(journal::record_one(conn, command.zone, command.now, entry)
        .await?
        .index)
}

/// Records each line as sent, with what it moves.
async fn send(
    conn: &mut PgConnection,
    command: &Command<'_>,
    batch: BatchId,
    lines: &[PreparedLine],
) -> Result<(), PaymentError> {
    #[derive(Serialize)]
    struct Sent<'a> {
        batch: BatchId,
        end_to_end_id: &'a str,
        payee: PartyId,
    }
    let mut entries = Vec::with_capacity(lines.len());
    for line in lines {
        let transfer = Transfer::new(
            line.line.payable(line.payee),
            in_transit(line.line.currency),
            line.amount,
        )?;
        let details = Sent {
            batch,
            end_to_end_id: &line.end_to_end_id,
            payee: line.payee,
        };
        entries.push(Entry {
            subject: Some(line.payable.0),
            transfers: vec![transfer],
            ..command.entry("payment.sent", &details)?
        });
    }
    for outcome in journal::record(conn, command.zone, command.now, &entries).await? {
        outcome?;
    }
    let ids: Vec<&str> = lines
        .iter()
        .map(|line| line.end_to_end_id.as_str())
        .collect();
    store::mark_sent(conn, command, &ids).await?;
    let payables: Vec<PayableId> = lines.iter().map(|line| line.payable).collect();
    store::set_state(conn, command.zone.id, &payables, PayableState::Sent).await?;
    Ok(())
}

/// Why lines are given back.
#[derive(Serialize)]
#[serde(untagged)]
enum Why<'a> {
    /// They can't be sent.
    Held { because: HeldBecause },
    /// Somebody gave the whole batch back.
    Discarded { reason: &'a Reason },
}

/// Gives payables of a prepared batch back: they are approved again.
async fn withdraw(
    conn: &mut PgConnection,
    command: &Command<'_>,
    batch: BatchId,
    lines: &[PreparedLine],
    why: &Why<'_>,
) -> Result<(), PaymentError> {
    #[derive(Serialize)]
    struct Withdrawn<'a> {
        batch: BatchId,
        end_to_end_id: &'a str,
        #[serde(flatten)]
        why: &'a Why<'a>,
    }
    let mut entries = Vec::with_capacity(lines.len());
    for line in lines {
        let end_to_end_id = &line.end_to_end_id;
        let details = Withdrawn {
            batch,
            end_to_end_id,
            why,
        };
        entries.push(Entry {
            subject: Some(line.payable.0),
            ..command.entry("payment.withdrawn", &details)?
        });
    }
    let mut closed = Vec::with_capacity(lines.len());
    let outcomes = journal::record(conn, command.zone, command.now, &entries).await?;
    for (line, outcome) in lines.iter().zip(outcomes) {
        closed.push((line.end_to_end_id.as_str(), outcome?.index));
    }
    store::mark_withdrawn(conn, command.zone.id, &closed).await?;
    let payables: Vec<PayableId> = lines.iter().map(|line| line.payable).collect();
    store::set_state(conn, command.zone.id, &payables, PayableState::Approved).await?;
    Ok(())
}

/// Gives all payables of a prepared batch back, with a reason: nothing of it goes to the bank. Every cashier may.
pub async fn discard(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (batch, reason): (BatchId, &Reason),
) -> Result<LogIndex, PaymentError> {
    #[derive(Serialize, Deserialize)]
    struct Discarded {
        batch: BatchId,
        prepared_index: LogIndex,
        reason: Reason,
    }
    command.actor.require(&[Role::Cashier])?;
    let zone = command.zone;
    let key = command.idempotency("payment.discard", &(batch, reason));
    let found = store::lock_batch(conn, zone.id, batch).await?;
    let first = journal::first_answer(conn, zone.id, command.actor.person, key.as_ref()).await?;
    if let Some((recorded, Discarded { .. })) = first {
        return Ok(recorded.index);
    }
    let found = prepared(found, batch)?;
    let lines = store::lock_prepared(conn, zone, command.actor.person, batch).await?;
    let details = Discarded {
        batch,
        prepared_index: found.index,
        reason: reason.clone(),
    };
    let index = record_head(conn, command, ("batch.discarded", batch), &details, key).await?;
    withdraw(conn, command, batch, &lines, &Why::Discarded { reason }).await?;
    store::discard_batch(conn, zone.id, batch, index).await?;
    Ok(index)
}
