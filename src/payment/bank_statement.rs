//! Takes in statements of the bank (`camt.053`): keeps their balances and lines, and matches lines with instructions.
//!
//! A line is an instruction when it names it and is over the same amount; or when it names none of ours, and amount and
//! other side fit exactly one that is in transit. What fits nothing, or two, waits for a person (`payment match`) and is
//! an item of the bank reconciliation till then.

use std::collections::{BTreeMap, HashMap};

use chrono::Datelike as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::bank::{BankLineId, MatchedBy};
use super::iso20022::{BankLine, Statement};
use super::settle::{Settlement, settle};
use super::store::{self, FoundLine, KeptStatement, NewBankLine, SentLine};
use super::vault::Vault;
use super::{AccountNumber, BankVerdict, PaymentError};
use crate::identity::{Command, Role};
use crate::journal::{self, Entry, RecallError};
use crate::types::{LogIndex, Money, Reason, hex};

/// Between the fields of a line where its digest is made: XML can't have it, so no field does.
const BETWEEN: char = '\u{1F}';

/// A file with statements.
#[derive(Clone, Debug)]
pub struct StatementFile {
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// In the order of the file.
    pub statements: Vec<Statement>,
}

impl StatementFile {
    /// Statements with the bytes that they were read from.
    pub fn new(bytes: &[u8], statements: Vec<Statement>) -> Self {
        Self {
            sha256: Sha256::digest(bytes).into(),
            statements,
        }
    }
}

/// What statements changed. Amounts are in the zone's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatementsAnswer {
    /// The entry that took the file in: its lines are called S, this number, a hyphen and their number.
    pub file: LogIndex,
    /// How many statements the file has that were new.
    pub statements: usize,
    /// Instructions that are paid now, by their id or by amount and other side.
    pub paid: i64,
    /// Sum of these.
    pub paid_total: String,
    /// Lines whose instruction an earlier file had said to be paid.
    pub known: i64,
    /// Lines of receipts that are nothing of the books yet.
    pub unmatched_credits: i64,
    /// Sum of these.
    pub unmatched_credits_total: String,
    /// Lines of payments that are nothing of the books yet.
    pub unmatched_debits: i64,
    /// Sum of these.
    pub unmatched_debits_total: String,
    /// Entries that are not booked yet, which are left out.
    pub unbooked: usize,
    /// The balance after the last statement of the file.
    pub closing: String,
}

/// What the entry of a file says. Its statements' lines are in rows, which their digests hold.
#[derive(Serialize, Deserialize)]
struct Imported {
    message: String,
    sha256: String,
    statements: Vec<Told>,
    unbooked: usize,
}

/// A statement in the entry of its file.
#[derive(Serialize, Deserialize)]
struct Told {
    closing: i64,
    closing_on: chrono::NaiveDate,
    lines: i32,
    lines_sha256: String,
    opening: i64,
    opening_on: chrono::NaiveDate,
    position: i32,
    statement_id: String,
}

/// Takes in the statements of a file, all of them or nothing. The same file again changes nothing and has the same
/// answer; so has a copy (a duplicate) of statements that were taken in from another file.
pub async fn import_statements(
    conn: &mut PgConnection,
    command: &Command<'_>,
    vault: &Vault,
    file: &StatementFile,
) -> Result<StatementsAnswer, PaymentError> {
    command.actor.require(&[Role::Cashier])?;
    let zone = command.zone;
    // One file after the other: each statement begins where the one before ended.
    if store::lock_own_account(conn, zone.id).await?.is_none() {
        return Err(PaymentError::NoOwnAccount);
    }
    if let Some(index) = store::bank_file(conn, zone.id, &file.sha256).await? {
        return answer(conn, command, index).await;
    }
    let own = store::own_accounts(conn, zone.id).await?;
    check_account(vault, &own, &file.statements)?;
    let kept = store::statements(conn, zone.id).await?;
    let (new, known) = split(vault, &file.statements, &kept)?;
    if let (true, Some(known)) = (new.is_empty(), known) {
        return answer(conn, command, known).await;
    }
    follow(command, &new, kept.last())?;
    let index = record_file(conn, command, file, &new).await?;
    let found = match_lines(conn, command, (index, &file.sha256), &new).await?;
    keep(conn, command, (index, &new), &found).await?;
    answer(conn, command, index).await
}

/// A statement that is new, ready to be kept.
struct New<'a> {
    statement: &'a Statement,
    position: i32,
    lines: Vec<NewBankLine>,
    lines_sha256: [u8; 32],
}

impl New<'_> {
    fn kept(&self, file: LogIndex) -> KeptStatement {
        let Statement {
            id,
            opening,
            closing,
            ..
        } = self.statement;
        KeptStatement {
            file,
            position: self.position,
            id: id.clone(),
            opening: opening.amount,
            opening_on: opening.day,
            closing: closing.amount,
            closing_on: closing.day,
            lines: i32::try_from(self.lines.len()).unwrap_or(i32::MAX),
            lines_sha256: self.lines_sha256.to_vec(),
        }
    }
}

fn check_account(
    vault: &Vault,
    own: &[(Vec<u8>, String)],
    statements: &[Statement],
) -> Result<(), PaymentError> {
    for statement in statements {
        let mark = vault.mark_number(&statement.account);
        if !own.iter().any(|(known, _)| *known == mark) {
            let masked = statement.account.parse::<AccountNumber>();
            let masked = masked.map_or_else(|_| "another".to_owned(), |number| number.masked());
            let own: Vec<&str> = own.iter().map(|(_, masked)| masked.as_str()).collect();
            return Err(PaymentError::OtherAccount {
                statement: statement.id.chars().take(60).collect(),
                masked,
                own: own.join(", "),
            });
        }
    }
    Ok(())
}

/// Pure: what is new of a file, and the file that had what is not. A statement under a known id must be that statement; banks
/// number theirs anew each year, so an id is one of the year in which its statement closes.
fn split<'a>(
    vault: &Vault,
    statements: &'a [Statement],
    kept: &[KeptStatement],
) -> Result<(Vec<New<'a>>, Option<LogIndex>), PaymentError> {
    let by_id: HashMap<(&str, i32), &KeptStatement> = kept
        .iter()
        .map(|one| ((one.id.as_str(), one.closing_on.year()), one))
        .collect();
    let name = |statement: &'a Statement| (statement.id.as_str(), statement.closing.day.year());
    let (mut new, mut known): (Vec<New<'a>>, _) = (Vec::new(), None);
    let mut number = 0;
    for (statement, position) in statements.iter().zip(1_i32..) {
        let lines: Vec<NewBankLine> = statement
            .lines
            .iter()
            .map(|line| {
                number += 1;
                bank_line(vault, line, number)
            })
            .collect();
        let one = New {
            statement,
            position,
            lines_sha256: digest(&lines),
            lines,
        };
        let is_twice = new
            .iter()
            .any(|other| name(other.statement) == name(statement));
        match by_id.get(&name(statement)) {
            None if !is_twice => new.push(one),
            Some(earlier) if is_copy(&one, earlier) => known = Some(earlier.file),
            None | Some(_) => {
                let id = statement.id.chars().take(60).collect();
                let year = statement.closing.day.year();
                return Err(PaymentError::OtherStatement { id, year });
            }
        }
    }
    Ok((new, known))
}

/// Whether a statement is one that is kept, wherever it stands in its file.
fn is_copy(new: &New<'_>, kept: &KeptStatement) -> bool {
    KeptStatement {
        position: kept.position,
        ..new.kept(kept.file)
    } == *kept
}

/// Pure: each statement begins where the one before ended, and none is of a day to come.
fn follow(
    command: &Command<'_>,
    new: &[New<'_>],
    last: Option<&KeptStatement>,
) -> Result<(), PaymentError> {
    let today = command.today();
    let mut before = last.map(|last| (last.id.clone(), last.closing, last.closing_on));
    for New { statement, .. } in new {
        let Statement {
            id,
            opening,
            closing,
            ..
        } = statement;
        let last_day = statement
            .lines
            .iter()
            .map(|line| line.booked_on)
            .chain([closing.day])
            .max();
        if let Some(day) = last_day.filter(|day| *day > today) {
            let id = id.chars().take(60).collect();
            return Err(PaymentError::StatementAhead { id, day, today });
        }
        if let Some((earlier, balance, day)) = before
            && (balance != opening.amount || day > closing.day)
        {
            let text = |money: Money| money.to_text(command.zone.currency);
            return Err(PaymentError::StatementGap {
                id: id.chars().take(60).collect(),
                opening: text(opening.amount),
                earlier,
                closing: text(balance),
                day,
            });
        }
        before = Some((id.clone(), closing.amount, closing.day));
    }
    Ok(())
}

fn bank_line(vault: &Vault, line: &BankLine, number: i32) -> NewBankLine {
    let masked = line
        .account
        .as_ref()
        .and_then(|account| account.parse::<AccountNumber>().ok());
    NewBankLine {
        number,
        direction: line.direction,
        amount: line.amount,
        booked_on: line.booked_on,
        is_return: line.is_return,
        end_to_end_id: line.end_to_end_id.clone(),
        reference: line.reference.clone(),
        number_mark: line
            .account
            .as_ref()
            .map(|account| vault.mark_number(account)),
        holder_mark: line.party.as_ref().map(|party| vault.mark_holder(party)),
        masked: masked.map(|number| number.masked()),
        code: line.code.clone(),
    }
}

/// SHA-256 of a statement's lines as they are kept; `verify` makes it from the rows.
fn digest(lines: &[NewBankLine]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (line, place) in lines.iter().zip(1_i32..) {
        let mark = |mark: Option<[u8; 32]>| mark.map_or_else(String::new, |mark| hex(&mark));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let fields = [
            place.to_string(),
            line.direction.as_str().to_owned(),
            line.amount.minor().to_string(),
            line.booked_on.to_string(),
            line.is_return.to_string(),
            text(&line.end_to_end_id),
            text(&line.reference),
            mark(line.number_mark),
            mark(line.holder_mark),
            text(&line.masked),
            text(&line.code),
        ];
        hash.update(fields.join(&BETWEEN.to_string()));
        hash.update("\n");
    }
    hash.finalize().into()
}

async fn record_file(
    conn: &mut PgConnection,
    command: &Command<'_>,
    file: &StatementFile,
    new: &[New<'_>],
) -> Result<LogIndex, PaymentError> {
    let told = new.iter().map(|one| {
        let kept = one.kept(LogIndex(0));
        Told {
            closing: kept.closing.minor(),
            closing_on: kept.closing_on,
            lines: kept.lines,
            lines_sha256: hex(&one.lines_sha256),
            opening: kept.opening.minor(),
            opening_on: kept.opening_on,
            position: kept.position,
            statement_id: kept.id,
        }
    });
    let details = Imported {
        message: "camt.053".to_owned(),
        sha256: hex(&file.sha256),
        statements: told.collect(),
        unbooked: file.statements.iter().map(|one| one.unbooked).sum(),
    };
    let entry = command.entry("bank_file.statement", &details)?;
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    let sha256 = (&file.sha256, "camt.053");
    store::insert_file(conn, command.zone.id, sha256, recorded.index).await?;
    Ok(recorded.index)
}

async fn keep(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (file, new): (LogIndex, &[New<'_>]),
    found: &HashMap<i32, FoundLine>,
) -> Result<(), PaymentError> {
    let zone = command.zone.id;
    for one in new {
        store::insert_statement(conn, zone, &one.kept(file)).await?;
        store::insert_bank_lines(conn, zone, (file, one.position), &one.lines, found).await?;
    }
    Ok(())
}

/// Matches the lines of a file, by id first: what is left in transit then may fit a line that names none of ours. They are
/// written afterwards, with what they are: a row that is inserted and then updated costs twice as much.
async fn match_lines(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (file, sha256): (LogIndex, &[u8; 32]),
    new: &[New<'_>],
) -> Result<HashMap<i32, FoundLine>, PaymentError> {
    let payments: BTreeMap<i32, &NewBankLine> = new
        .iter()
        .flat_map(|one| &one.lines)
        .filter(|line| line.is_payment())
        .map(|line| (line.number, line))
        .collect();
    let matching = Matching {
        file,
        sha256,
        payments: &payments,
    };
    let zone = command.zone.id;
    let named: Vec<&NewBankLine> = payments.values().copied().collect();
    let by_id = store::matches_by_id(conn, zone, &named).await?;
    let mut found = apply(conn, command, &matching, (MatchedBy::Id, &by_id)).await?;
    let left = payments.values().copied();
    let left: Vec<&NewBankLine> = left
        .filter(|line| !found.contains_key(&line.number))
        .collect();
    let by_party = store::matches_by_party(conn, zone, &left).await?;
    found.extend(apply(conn, command, &matching, (MatchedBy::Party, &by_party)).await?);
    Ok(found)
}

/// The lines of a file that may be instructions, by number.
struct Matching<'a> {
    file: LogIndex,
    sha256: &'a [u8; 32],
    payments: &'a BTreeMap<i32, &'a NewBankLine>,
}

/// Records that lines are instructions: paid now, or known to be paid.
async fn apply(
    conn: &mut PgConnection,
    command: &Command<'_>,
    matching: &Matching<'_>,
    (by, fits): (MatchedBy, &BTreeMap<String, i32>),
) -> Result<HashMap<i32, FoundLine>, PaymentError> {
    let zone = command.zone;
    let ids: Vec<&str> = fits.keys().map(String::as_str).collect();
    let instructions = store::lock_lines(conn, zone.id, zone.currency, &ids).await?;
    let mut verdicts = Vec::new();
    let mut known = Vec::new();
    for instruction in &instructions {
        let Some(line) = fits
            .get(&instruction.end_to_end_id)
            .and_then(|number| matching.payments.get(number))
        else {
            continue;
        };
        let id = BankLineId {
            file: matching.file,
            number: line.number,
        };
        match instruction.state.as_str() {
            "paid" => known.push((id, instruction)),
            // A booking of before it was sent is not this instruction's, whatever it names.
            "sent" if line.booked_on >= instruction.sent_on => {
                let verdict = BankVerdict::Paid(id.to_string());
                verdicts.push((id, instruction, line.booked_on, verdict));
            }
            _ => {}
        }
    }
    let settlements: Vec<Settlement<'_>> = verdicts
        .iter()
        .map(|(id, instruction, booked_on, verdict)| Settlement {
            instruction,
            booked_on: *booked_on,
            verdict,
            line: Some((*id, by)),
            reason: None,
        })
        .collect();
    let indices = settle(conn, command, matching.sha256, &settlements, None).await?;
    let paid = verdicts.iter().zip(indices);
    let mut found: HashMap<i32, FoundLine> = paid
        .map(|((id, instruction, ..), index)| (id.number, found_line(instruction, by, index)))
        .collect();
    let linked = link(conn, command, &known).await?;
    found.extend(known.iter().zip(linked).map(|((id, instruction), index)| {
        let line = found_line(instruction, MatchedBy::Known, index);
        (id.number, line)
    }));
    Ok(found)
}

fn found_line(instruction: &SentLine, by: MatchedBy, index: LogIndex) -> FoundLine {
    FoundLine {
        instruction: instruction.end_to_end_id.clone(),
        by,
        index,
    }
}

/// Records that lines are instructions which were known to be paid: nothing moves.
async fn link(
    conn: &mut PgConnection,
    command: &Command<'_>,
    known: &[(BankLineId, &SentLine)],
) -> Result<Vec<LogIndex>, PaymentError> {
    let mut entries = Vec::with_capacity(known.len());
    for (line, instruction) in known {
        let details = Match {
            bank_line: *line,
            end_to_end_id: Some(&instruction.end_to_end_id),
            matched_by: MatchedBy::Known,
            reason: None,
            receipt_index: None,
        };
        entries.push(Entry {
            subject: Some(instruction.payable.0),
            ..command.entry("bank_line.matched", &details)?
        });
    }
    let outcomes = journal::record(conn, command.zone, command.now, &entries).await?;
    let recorded = outcomes.into_iter().map(|outcome| Ok(outcome?.index));
    recorded.collect()
}

/// What the entry of a match says that moves nothing.
#[derive(Serialize)]
pub(super) struct Match<'a> {
    pub(super) bank_line: BankLineId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_to_end_id: Option<&'a str>,
    pub(super) matched_by: MatchedBy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) receipt_index: Option<LogIndex>,
}

/// The answer of a file, from what is kept of it: so it is the same each time.
async fn answer(
    conn: &mut PgConnection,
    command: &Command<'_>,
    file: LogIndex,
) -> Result<StatementsAnswer, PaymentError> {
    let zone = command.zone;
    let body = journal::entry_body(conn, zone.id, file).await?;
    let unreadable = |reason: String| RecallError::Unreadable {
        index: file,
        reason,
    };
    let body = body.unwrap_or_default();
    let body: journal::Body<'_> =
        serde_json::from_slice(&body).map_err(|error| unreadable(error.to_string()))?;
    if body.kind != "bank_file.statement" {
        return Err(PaymentError::OtherMessage(file));
    }
    let told: Imported =
        serde_json::from_value(body.details).map_err(|error| unreadable(error.to_string()))?;
    let closing = told.statements.last().map_or(0, |last| last.closing);
    let text = |minor: i64| Money::from_minor(minor).to_text(zone.currency);
    let totals = store::file_totals(conn, zone.id, file).await?;
    Ok(StatementsAnswer {
        file,
        statements: told.statements.len(),
        paid: totals.paid.0,
        paid_total: text(totals.paid.1),
        known: totals.known,
        unmatched_credits: totals.unmatched_credits.0,
        unmatched_credits_total: text(totals.unmatched_credits.1),
        unmatched_debits: totals.unmatched_debits.0,
        unmatched_debits_total: text(totals.unmatched_debits.1),
        unbooked: told.unbooked,
        closing: text(closing),
    })
}
