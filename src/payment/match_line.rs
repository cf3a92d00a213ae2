//! A person says what a line of the bank is that fitted nothing, or two things.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::bank::{BankLineId, BankLineRow, MatchedBy};
use super::bank_statement::Match;
use super::iso20022::Direction;
use super::settle::{Settlement, settle};
use super::store::{self, MatchedLine, SentLine};
use super::{BankVerdict, PaymentError};
use crate::identity::{Command, Role};
use crate::journal::{self, Entry, RecordError};
use crate::log;
use crate::types::{LogIndex, Money, Reason};

/// What a line of the bank is.
#[derive(Clone, Debug, Serialize)]
pub enum MatchWith {
    /// A payment: the instruction with this end-to-end id.
    Instruction(String),
    /// A receipt: the entry of the books that has it, such as an appropriation.
    Receipt(LogIndex),
}

/// Says what a line is, with a reason. A payment in transit is paid by that; a payment that was known, and a receipt, are
/// linked only. Amounts must be equal to the fen. The entry is `payment.confirmed` or `bank_line.matched`.
pub async fn match_line(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (line, with, reason): (BankLineId, &MatchWith, &Reason),
) -> Result<LogIndex, PaymentError> {
    #[derive(Deserialize)]
    struct Told {}
    command.actor.require(&[Role::Cashier])?;
    let zone = command.zone;
    let key = command.idempotency("payment.match_line", &(line, with, reason));
    // Instructions before lines of the bank, as an import locks them.
    let instruction = match with {
        MatchWith::Instruction(id) => store::lock_lines(conn, zone.id, zone.currency, &[id])
            .await?
            .pop(),
        MatchWith::Receipt(_) => None,
    };
    let found = store::lock_bank_line(conn, zone.id, line).await?;
    let first = journal::first_answer(conn, zone.id, command.actor.person, key.as_ref()).await?;
    if let Some((recorded, Told {})) = first {
        return Ok(recorded.index);
    }
    let found = found.ok_or(PaymentError::UnknownBankLine(line))?;
    if found.is_matched {
        return Err(refused(
            line,
            "it is matched already: `payment unmatched` lists those that are not",
        ));
    }
    let index = match with {
        MatchWith::Instruction(id) => {
            let unknown = || {
                refused(
                    line,
                    &format!("no batch that was released has the instruction {id:?}"),
                )
            };
            let instruction = instruction.ok_or_else(unknown)?;
            check_instruction(conn, command, &found, &instruction).await?;
            if instruction.state == "sent" {
                return pay(conn, command, &found, &instruction, (reason, key)).await;
            }
            let id = Some(instruction.end_to_end_id.as_str());
            link(conn, command, (&found, id, None), (reason, key)).await?
        }
        MatchWith::Receipt(index) => {
            // Of two lines that are said to be one receipt at the same moment, one sees the other.
            log::lock_head(conn, zone.id)
                .await
                .map_err(RecordError::from)?;
            check_receipt(conn, command, &found, *index).await?;
            link(conn, command, (&found, None, Some(*index)), (reason, key)).await?
        }
    };
    Ok(index)
}

fn refused(line: BankLineId, problem: &str) -> PaymentError {
    PaymentError::NoMatch {
        line,
        problem: problem.to_owned(),
    }
}

async fn check_instruction(
    conn: &mut PgConnection,
    command: &Command<'_>,
    line: &BankLineRow,
    instruction: &SentLine,
) -> Result<(), PaymentError> {
    let (zone, id) = (command.zone, &instruction.end_to_end_id);
    let amount = instruction.amount.money();
    if line.direction != Direction::Debit || line.is_return {
        return Err(refused(
            line.line,
            "money came with it: it pays no instruction",
        ));
    }
    if line.amount != amount {
        let text = |money: Money| money.to_text(zone.currency);
        let problem = format!(
            "it is over {}, {id} is over {}",
            text(line.amount),
            text(amount)
        );
        return Err(refused(line.line, &problem));
    }
    if instruction.state == "rejected" {
        let problem = format!("the bank rejected {id}: its payable goes into another batch");
        return Err(refused(line.line, &problem));
    }
    if line.booked_on < instruction.sent_on {
        let problem = format!("it was booked on {}, before {id} was sent", line.booked_on);
        return Err(refused(line.line, &problem));
    }
    if let Some(other) = store::line_of(conn, zone.id, Some(id), None).await? {
        return Err(refused(line.line, &format!("{id} is {other} already")));
    }
    Ok(())
}

async fn check_receipt(
    conn: &mut PgConnection,
    command: &Command<'_>,
    line: &BankLineRow,
    entry: LogIndex,
) -> Result<(), PaymentError> {
    let zone = command.zone;
    if line.direction != Direction::Credit {
        return Err(refused(line.line, "money went with it: it is no receipt"));
    }
    let moved = Money::from_minor(store::moved_at_bank(conn, zone.id, entry).await?);
    if moved == Money::ZERO {
        let problem = format!(
            "no entry {entry} moved money of the bank account: the statement of F1010 shows those that did"
        );
        return Err(refused(line.line, &problem));
    }
    if moved != line.amount {
        let text = |money: Money| money.to_text(zone.currency);
        let problem = format!(
            "it is over {}, entry {entry} brought {} into the bank account (F1010)",
            text(line.amount),
            text(moved)
        );
        return Err(refused(line.line, &problem));
    }
    if let Some(other) = store::line_of(conn, zone.id, None, Some(entry)).await? {
        return Err(refused(
            line.line,
            &format!("entry {entry} is {other} already"),
        ));
    }
    Ok(())
}

type ReasonAndKey<'a> = (&'a Reason, Option<journal::Idempotency>);

async fn pay(
    conn: &mut PgConnection,
    command: &Command<'_>,
    line: &BankLineRow,
    instruction: &SentLine,
    (reason, key): ReasonAndKey<'_>,
) -> Result<LogIndex, PaymentError> {
    let zone = command.zone.id;
    let sha256 = store::file_sha256(conn, zone, line.line.file).await?;
    let sha256 = sha256.and_then(|bytes| bytes.try_into().ok());
    let sha256: [u8; 32] = sha256.ok_or(PaymentError::UnknownBankLine(line.line))?;
    let verdict = BankVerdict::Paid(line.line.to_string());
    let settlement = Settlement {
        instruction,
        booked_on: line.booked_on,
        verdict: &verdict,
        line: Some((line.line, MatchedBy::Hand)),
        reason: Some(reason),
    };
    let indices = settle(conn, command, &sha256, &[settlement], key).await?;
    let index = *indices
        .first()
        .expect("BUG: one settlement makes one entry");
    let matched = MatchedLine {
        line: line.line,
        instruction: Some(&instruction.end_to_end_id),
        receipt: None,
        index,
    };
    store::mark_matched(conn, zone, MatchedBy::Hand, &[matched]).await?;
    Ok(index)
}

async fn link(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (line, instruction, receipt): (&BankLineRow, Option<&str>, Option<LogIndex>),
    (reason, idempotency): ReasonAndKey<'_>,
) -> Result<LogIndex, PaymentError> {
    let details = Match {
        bank_line: line.line,
        end_to_end_id: instruction,
        matched_by: MatchedBy::Hand,
        reason: Some(reason),
        receipt_index: receipt,
    };
    let entry = Entry {
        idempotency,
        ..command.entry("bank_line.matched", &details)?
    };
    let index = journal::record_one(conn, command.zone, command.now, entry)
        .await?
        .index;
    let matched = MatchedLine {
        line: line.line,
        instruction,
        receipt,
        index,
    };
    store::mark_matched(conn, command.zone.id, MatchedBy::Hand, &[matched]).await?;
    Ok(index)
}
