//! What the bank says of an instruction, into the books: paid, or rejected and owed again.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use super::bank::{BankLineId, MatchedBy};
use super::store::{self, ClosedLine, SentLine};
use super::{BankVerdict, PayableState, PaymentError, in_transit};
use crate::identity::Command;
use crate::journal::{self, AccountCode, Address, Entry, Idempotency, Transfer};
use crate::types::{LogIndex, PayableId, Reason, hex};

/// How many lines are recorded together.
const CHUNK: usize = 1_000;

/// One instruction that the bank has decided on.
pub(super) struct Settlement<'a> {
    pub(super) instruction: &'a SentLine,
    pub(super) booked_on: NaiveDate,
    pub(super) verdict: &'a BankVerdict,
    /// The line of a statement that says so, and how that was found, where statements are kept line by line.
    pub(super) line: Option<(BankLineId, MatchedBy)>,
    /// Why a person says so.
    pub(super) reason: Option<&'a Reason>,
}

/// Records what the bank has decided, each by an entry, and moves money and rows. `sha256` is of the file that says so;
/// the first entry has the command's key, if there is one.
pub(super) async fn settle(
    conn: &mut PgConnection,
    command: &Command<'_>,
    sha256: &[u8; 32],
    settlements: &[Settlement<'_>],
    mut key: Option<Idempotency>,
) -> Result<Vec<LogIndex>, PaymentError> {
    let mut indices = Vec::with_capacity(settlements.len());
    for chunk in settlements.chunks(CHUNK) {
        let entries = chunk.iter().map(|one| entry(one, sha256, command));
        let mut entries: Vec<Entry> = entries.collect::<Result<_, PaymentError>>()?;
        if let Some(first) = entries.first_mut() {
            first.idempotency = key.take();
        }
        let outcomes = journal::record(conn, command.zone, command.now, &entries).await?;
        let recorded: Vec<LogIndex> = outcomes
            .into_iter()
            .map(|outcome| outcome.map(|recorded| recorded.index))
            .collect::<Result<_, _>>()?;
        close(conn, command, sha256, chunk, &recorded).await?;
        indices.extend(recorded);
    }
    Ok(indices)
}

/// Brings the rows to what their entries say.
async fn close(
    conn: &mut PgConnection,
    command: &Command<'_>,
    sha256: &[u8; 32],
    chunk: &[Settlement<'_>],
    indices: &[LogIndex],
) -> Result<(), PaymentError> {
    let mut closed = Vec::with_capacity(chunk.len());
    let (mut paid, mut again): (Vec<PayableId>, Vec<PayableId>) = (Vec::new(), Vec::new());
    for (one, index) in chunk.iter().zip(indices) {
        let (state, bank_reference) = match one.verdict {
            BankVerdict::Paid(reference) => {
                paid.push(one.instruction.payable);
                ("paid", Some(reference.as_str()))
            }
            BankVerdict::Rejected(_) => {
                again.push(one.instruction.payable);
                ("rejected", None)
            }
        };
        closed.push(ClosedLine {
            end_to_end_id: &one.instruction.end_to_end_id,
            state,
            bank_reference,
            index: *index,
        });
    }
    let zone = command.zone.id;
    store::close_lines(conn, zone, sha256, &closed).await?;
    store::set_state(conn, zone, &paid, PayableState::Paid).await?;
    store::set_state(conn, zone, &again, PayableState::Approved).await?;
    Ok(())
}

fn entry(
    one: &Settlement<'_>,
    sha256: &[u8; 32],
    command: &Command<'_>,
) -> Result<Entry, PaymentError> {
    #[derive(Serialize)]
    struct Told<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        bank_line: Option<BankLineId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        bank_reference: Option<&'a str>,
        end_to_end_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        matched_by: Option<MatchedBy>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
        statement_sha256: String,
    }
    let SentLine {
        line: budget,
        amount,
        payee,
        ..
    } = one.instruction;
    let transit = in_transit(budget.currency);
    let by_hand = one.reason.map(Reason::as_str);
    let (kind, bank_reference, reason, transfers) = match one.verdict {
        BankVerdict::Paid(reference) => {
            let bank = Address::new(AccountCode::F1010, budget.currency);
            let spent = budget.transfer(AccountCode::B60, AccountCode::B70, *amount)?;
            let paid = vec![Transfer::new(transit, bank, *amount)?, spent];
            ("payment.confirmed", Some(reference.as_str()), by_hand, paid)
        }
        BankVerdict::Rejected(reason) => {
            let back = vec![Transfer::new(transit, budget.payable(*payee), *amount)?];
            ("payment.rejected", None, Some(reason.as_str()), back)
        }
    };
    let details = Told {
        bank_line: one.line.map(|(line, _)| line),
        bank_reference,
        end_to_end_id: &one.instruction.end_to_end_id,
        matched_by: one.line.map(|(_, by)| by),
        reason,
        statement_sha256: hex(sha256),
    };
    Ok(Entry {
        effective: one.booked_on,
        subject: Some(one.instruction.payable.0),
        transfers,
        ..command.entry(kind, &details)?
    })
}
