//! A cashier prepares a batch of approved payables; nothing moves before another cashier releases it.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::store::{self, Candidate, NewLine};
use super::{PayableState, PaymentError};
use crate::identity::{Command, Role};
use crate::journal::{self, Entry, Idempotency};
use crate::types::{AccountId, Amount, BatchId, LogIndex, Money, PartyId, PayableId};

/// How many payables that are held out are listed: they stand in the entry of the batch.
const LISTED: usize = 100;

/// The fewest and the most payables that are locked at a time, so that a small batch does not lock everything that waits.
const PAGES: (i64, i64) = (100, 5_000);

/// What goes into a batch.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Selection {
    /// At most so many lines.
    pub limit: i64,
    /// Payables above this are held out; `None` is no limit.
    pub line_limit: Option<i64>,
    /// Only what was approved by the end of this day.
    pub cut_off: Option<NaiveDate>,
}

/// A batch, as it was prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Identity.
    pub id: BatchId,
    /// The entry of the preparation; `P` and this number is its short name.
    pub index: LogIndex,
    /// Control sum, minor units.
    pub total: Money,
    /// One instruction for each payable.
    pub lines: Vec<BatchLine>,
    /// Approved payables that are not in it.
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

/// Why an approved payable is not in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBecause {
    /// The cashier submitted or approved it, or stays out of the payee's cases: another one has to prepare it (invariant 9).
    OwnCase,
    /// It is above the limit of a line.
    OverLimit,
    /// Its payee has no confirmed bank account.
    NoAccount,
    /// The payee's account is another one than when the batch was prepared.
    AccountChanged,
}

impl std::fmt::Display for HeldBecause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OwnCase => {
                "submitted or approved by this cashier, or of a party whose cases the cashier stays out of: another one has to prepare them"
            }
            Self::OverLimit => "above the limit of a line",
            Self::NoAccount => "without a confirmed bank account of their payee",
            Self::AccountChanged => "whose payee has another bank account by now",
        })
    }
}

/// Approved payables that were looked at and stay for another batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOut {
    /// The oldest hundred of them, and why.
    pub oldest: Vec<(PayableId, HeldBecause)>,
    /// How many there are, by reason.
    pub counts: BTreeMap<HeldBecause, usize>,
}

impl HeldOut {
    /// One more, in the order of their age.
    pub(super) fn add(&mut self, payable: PayableId, because: HeldBecause) {
        *self.counts.entry(because).or_default() += 1;
        if self.oldest.len() < LISTED {
            self.oldest.push((payable, because));
        }
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }
}

/// What the entry of a batch says.
#[derive(Serialize, Deserialize)]
struct Prepared {
    batch: BatchId,
    cut_off: Option<NaiveDate>,
    held_out: HeldOut,
    lines: usize,
    line_limit: Option<String>,
    total: String,
}

/// Prepares a batch of approved payables, oldest first: each goes to the bank account that its payee has now. What can't
/// go is held out, with the reason, and does not count towards the limit; the oldest hundred are looked at, or more until
/// the batch is full. A repeat under the same key has the first answer.
pub async fn prepare(
    conn: &mut PgConnection,
    command: &Command<'_>,
    selection: &Selection,
) -> Result<Batch, PaymentError> {
    command.actor.require(&[Role::Cashier])?;
    let zone = command.zone;
    let key = idempotency(command, selection);
    let person = command.actor.person;
    let mut chosen = Chosen::default();
    let page = selection.limit.clamp(PAGES.0, PAGES.1);
    loop {
        let after = (chosen.last, page);
        let candidates = store::lock_approved(conn, zone, person, selection, after).await?;
        let is_last = i64::try_from(candidates.len()).unwrap_or(i64::MAX) < page;
        chosen.take(candidates, selection);
        if is_last || chosen.is_full(selection) {
            break;
        }
    }
    // After locking: whoever gave the same command at the same moment has let go of the rows by now.
    if let Some(batch) = prepared_before(conn, command, selection).await? {
        return Ok(batch);
    }
    let Chosen {
        ready, held_out, ..
    } = chosen;
    if ready.is_empty() {
        return Err(PaymentError::NothingReady(held_out.counts));
    }
    let id = BatchId::generate();
    let total: Money = ready.iter().map(|(one, _)| one.amount.money()).sum();
    let details = Prepared {
        batch: id,
        cut_off: selection.cut_off,
        held_out,
        lines: ready.len(),
        line_limit: selection
            .line_limit
            .map(|limit| Money::from_minor(limit).to_text(zone.currency)),
        total: total.to_text(zone.currency),
    };
    let head = Entry {
        subject: Some(id.0),
        idempotency: key,
        ..command.entry("batch.prepared", &details)?
    };
    let index = journal::record_one(conn, zone, command.now, head)
        .await?
        .index;
    let lines = numbered(ready, index);
    record_lines(conn, command, id, &lines).await?;
    store::insert_batch(conn, command, (id, index), total, &lines).await?;
    let ids: Vec<PayableId> = lines.iter().map(|line| line.payable.id).collect();
    store::set_state(conn, zone.id, &ids, PayableState::Prepared).await?;
    let lines = lines.into_iter().map(BatchLine::from).collect();
    let held_out = details.held_out;
    Ok(Batch {
        id,
        index,
        total,
        lines,
        held_out,
    })
}

fn idempotency(command: &Command<'_>, selection: &Selection) -> Option<Idempotency> {
    command.idempotency("payment.prepare", selection)
}

/// The batch that the same command prepared before, under the same key. Changes nothing.
async fn prepared_before(
    conn: &mut PgConnection,
    command: &Command<'_>,
    selection: &Selection,
) -> Result<Option<Batch>, PaymentError> {
    let (zone, person) = (command.zone, command.actor.person);
    let key = idempotency(command, selection);
    let first = journal::first_answer(conn, zone.id, person, key.as_ref()).await?;
    let Some((recorded, told)) = first else {
        return Ok(None);
    };
    let Prepared {
        batch, held_out, ..
    } = told;
    let lines = store::batch_lines(conn, zone.id, batch).await?;
    Ok(Some(Batch {
        id: batch,
        index: recorded.index,
        total: lines.iter().map(|line| line.amount).sum(),
        lines,
        held_out,
    }))
}

/// What goes into the batch, and to which account; what is held out, and why. Pure.
#[derive(Default)]
struct Chosen {
    ready: Vec<(Candidate, AccountId)>,
    held_out: HeldOut,
    /// The last one that was looked at.
    last: Option<PayableId>,
}

impl Chosen {
    fn is_full(&self, selection: &Selection) -> bool {
        self.ready.len() >= usize::try_from(selection.limit).unwrap_or(0)
    }

    /// Looks at further candidates. What could go when the batch is full waits for another one.
    fn take(&mut self, candidates: Vec<Candidate>, selection: &Selection) {
        for candidate in candidates {
            self.last = Some(candidate.id);
            let over = |limit: i64| candidate.amount.minor() > limit;
            if candidate.is_own {
                self.held_out.add(candidate.id, HeldBecause::OwnCase);
            } else if selection.line_limit.is_some_and(over) {
                self.held_out.add(candidate.id, HeldBecause::OverLimit);
            } else if let Some(account) = candidate.account {
                if !self.is_full(selection) {
                    self.ready.push((candidate, account));
                }
            } else {
                self.held_out.add(candidate.id, HeldBecause::NoAccount);
            }
        }
    }
}

/// Gives each payable its end-to-end id: the batch's short name and the line's number.
fn numbered(ready: Vec<(Candidate, AccountId)>, batch: LogIndex) -> Vec<NewLine> {
    ready
        .into_iter()
        .zip(1_u32..)
        .map(|((payable, account), number)| NewLine {
            end_to_end_id: format!("P{batch}-{number}"),
            payable,
            account,
        })
        .collect()
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

fn line_entry(
    line: &NewLine,
    batch: BatchId,
    command: &Command<'_>,
) -> Result<Entry, PaymentError> {
    #[derive(Serialize)]
    struct Instructed<'a> {
        account: AccountId,
        amount: String,
        batch: BatchId,
        end_to_end_id: &'a str,
        payee: PartyId,
    }
    let payable = &line.payable;
    let amount: Amount = payable.amount;
    let details = Instructed {
        account: line.account,
        amount: amount.money().to_text(command.zone.currency),
        batch,
        end_to_end_id: &line.end_to_end_id,
        payee: payable.payee,
    };
    Ok(Entry {
        subject: Some(payable.id.0),
        ..command.entry("payment.prepared", &details)?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(yuan: i64, is_own: bool, account: Option<AccountId>) -> Candidate {
        Candidate {
            id: PayableId::generate(),
            payee: PartyId::generate(),
            amount: Amount::new(Money::from_minor(yuan * 100)).unwrap(),
            submitted_by: crate::types::PersonId::generate(),
            approved_by: crate::types::PersonId::generate(),
            is_own,
            account,
        }
    }

    #[test]
    fn what_is_held_out_says_why_and_does_not_use_up_the_limit() {
        let account = Some(AccountId::generate());
        let candidates = vec![
            candidate(10, true, account),
            candidate(5_000, false, None),
            candidate(5_001, false, account),
            candidate(5_000, false, account),
            candidate(1, false, account),
            candidate(2, false, account),
        ];
        let ids: Vec<PayableId> = candidates.iter().map(|one| one.id).collect();
        let selection = Selection {
            limit: 2,
            line_limit: Some(5_000_00),
            cut_off: None,
        };
        let mut chosen = Chosen::default();
        let mut pages = candidates.into_iter();
        chosen.take(pages.by_ref().take(2).collect(), &selection);
        assert!(!chosen.is_full(&selection) && chosen.last == Some(ids[1]));
        chosen.take(pages.collect(), &selection);
        let Chosen {
            ready, held_out, ..
        } = chosen;
        let ready: Vec<PayableId> = ready.iter().map(|(one, _)| one.id).collect();
        assert_eq!(ready, ids[3..5]);
        let because = [
            HeldBecause::OwnCase,
            HeldBecause::NoAccount,
            HeldBecause::OverLimit,
        ];
        let expected: Vec<_> = ids.iter().copied().zip(because).collect();
        assert_eq!((held_out.oldest.clone(), held_out.total()), (expected, 3));
    }
}
