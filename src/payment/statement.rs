//! What the bank says in a table of its own form: each row confirms or rejects an instruction.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::PaymentError;
use super::settle::{Settlement, settle};
use super::store::{self, SentLine};
use crate::identity::{Command, Role};
use crate::tabular::{Bound, Field, Record, RowError, RowErrors};
use crate::types::{Currency, Day, Money};

/// What the bank did with an instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BankVerdict {
    /// Paid; the bank's own reference of the booking.
    Paid(String),
    /// Rejected; the bank's reason.
    Rejected(String),
}

/// One line of a bank statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// Row in the file, as a person counts.
    pub row: u64,
    /// The instruction.
    pub end_to_end_id: String,
    /// Minor units.
    pub amount: Money,
    /// The bank's booking day.
    pub booked_on: NaiveDate,
    /// Paid or rejected.
    pub verdict: BankVerdict,
}

/// A bank statement file.
#[derive(Clone, Debug)]
pub struct BankStatement {
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Its lines.
    pub lines: Vec<StatementLine>,
}

/// What a statement changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StatementReport {
    /// Lines that are paid now.
    pub paid: usize,
    /// Sum of these, minor units.
    pub paid_total: Money,
    /// Lines that the bank rejected: approved again, ready for another batch.
    pub rejected: usize,
    /// Sum of these, minor units.
    pub rejected_total: Money,
    /// Lines that an earlier import had told already.
    pub known: usize,
}

/// The columns of a statement.
pub const STATEMENT_FIELDS: &[Field] = &[
    Field {
        name: "end_to_end_id",
        headers: &["end_to_end_id", "EndToEndId"],
        required: true,
    },
    Field {
        name: "amount",
        headers: &["amount", "金额"],
        required: true,
    },
    Field {
        name: "booked_on",
        headers: &["booked_on", "记账日期"],
        required: true,
    },
    Field {
        name: "status",
        headers: &["status", "状态"],
        required: true,
    },
    Field {
        name: "bank_reference",
        headers: &["bank_reference", "流水号"],
        required: false,
    },
    Field {
        name: "reason",
        headers: &["reason", "退回原因"],
        required: false,
    },
];

/// Reads a statement whose columns are known: `booked_on` as YYYY-MM-DD, `status` as `paid` or
/// `rejected`, `bank_reference` for what is paid, `reason` for what is rejected.
pub fn read_statement(
    bytes: &[u8],
    table: &Bound<'_>,
    currency: Currency,
) -> Result<BankStatement, RowErrors> {
    let mut errors = RowErrors::default();
    let mut lines = Vec::new();
    let mut seen = HashMap::new();
    let mut references = HashMap::new();
    for record in table.records() {
        let Some(line) = errors.take(read_line(&record, currency)) else {
            continue;
        };
        if let Some(first) = seen.insert(line.end_to_end_id.clone(), line.row) {
            errors.push(record.error(
                format!("{} stands in row {first} too", line.end_to_end_id),
                "keep one line for each instruction",
            ));
        }
        if let BankVerdict::Paid(reference) = &line.verdict
            && let Some(first) = references.insert(reference.clone(), line.row)
        {
            let problem = format!("stands in row {first} too");
            errors.push(reference_error(line.row, reference, problem));
        }
        lines.push(line);
    }
    errors.check()?;
    Ok(BankStatement {
        sha256: Sha256::digest(bytes).into(),
        lines,
    })
}

/// A reference of the bank that confirms another instruction already.
fn reference_error(row: u64, reference: &str, problem: String) -> RowError {
    let remedy = "a booking confirms one instruction: ask the bank for the booking of each";
    RowError::of_cell(row, "bank_reference", reference, problem, remedy)
}

fn read_line(record: &Record<'_, '_>, currency: Currency) -> Result<StatementLine, RowError> {
    let cell = record.require("amount")?;
    let amount = Money::parse(cell.text, currency).map_err(|error| cell.error(error, ""))?;
    let cell = record.require("booked_on")?;
    let booked_on: Day = cell.parse()?;
    let cell = record.require("status")?;
    let verdict = match cell.text {
        "paid" => BankVerdict::Paid(record.require("bank_reference")?.text.to_owned()),
        "rejected" => BankVerdict::Rejected(record.require("reason")?.text.to_owned()),
        _ => return Err(cell.error("is no status", "write paid or rejected")),
    };
    Ok(StatementLine {
        row: record.number(),
        end_to_end_id: record.require("end_to_end_id")?.text.to_owned(),
        amount,
        booked_on: booked_on.date(),
        verdict,
    })
}

/// Confirms or rejects the lines that a statement names, all or nothing. A file that was imported before
/// changes nothing.
pub async fn import_statement(
    conn: &mut PgConnection,
    command: &Command<'_>,
    statement: &BankStatement,
) -> Result<StatementReport, PaymentError> {
    command.actor.require(&[Role::Cashier])?;
    let zone = command.zone;
    let ids: Vec<&str> = statement
        .lines
        .iter()
        .map(|line| line.end_to_end_id.as_str())
        .collect();
    let sent: HashMap<String, SentLine> = store::lock_lines(conn, zone.id, zone.currency, &ids)
        .await?
        .into_iter()
        .map(|line| (line.end_to_end_id.clone(), line))
        .collect();
    let references: Vec<&str> = statement
        .lines
        .iter()
        .filter_map(|line| match &line.verdict {
            BankVerdict::Paid(reference) => Some(reference.as_str()),
            BankVerdict::Rejected(_) => None,
        })
        .collect();
    let used = store::used_references(conn, zone.id, &references).await?;
    let (matched, report) =
        match_lines(statement, &sent, &used, command.today()).map_err(PaymentError::Rows)?;
    let settlements: Vec<Settlement<'_>> = matched
        .iter()
        .map(|(line, instruction)| Settlement {
            instruction,
            booked_on: line.booked_on,
            verdict: &line.verdict,
            line: None,
            reason: None,
        })
        .collect();
    settle(conn, command, &statement.sha256, &settlements, None).await?;
    Ok(report)
}

/// A statement line with the instruction that it closes.
type Matched<'a> = (&'a StatementLine, &'a SentLine);

/// Pure: what each line does, or every line that fits nothing. `used` has the references of the bank that
/// confirmed instructions before.
fn match_lines<'a>(
    statement: &'a BankStatement,
    sent: &'a HashMap<String, SentLine>,
    used: &HashMap<String, Vec<String>>,
    today: NaiveDate,
) -> Result<(Vec<Matched<'a>>, StatementReport), RowErrors> {
    let mut errors = RowErrors::default();
    let mut matched = Vec::new();
    let mut report = StatementReport::default();
    for line in &statement.lines {
        if let Some(error) = used_for_another(line, used) {
            errors.push(error);
            continue;
        }
        let instruction = sent.get(&line.end_to_end_id);
        let problem = |column: &str, value: String, problem: String, remedy: &str| {
            RowError::of_cell(line.row, column, &value, problem, remedy)
        };
        let id = || line.end_to_end_id.clone();
        match instruction {
            None => errors.push(problem(
                "end_to_end_id",
                id(),
                "no batch has this instruction".to_owned(),
                "check the id; payments that this office did not send are not imported here",
            )),
            Some(instruction) if instruction.amount.money() != line.amount => errors.push(problem(
                "amount",
                line.amount.to_text(instruction.line.currency),
                format!(
                    "the instruction is over {}",
                    instruction
                        .amount
                        .money()
                        .to_text(instruction.line.currency)
                ),
                "ask the bank: an instruction is paid whole or not at all",
            )),
            Some(instruction) if line.booked_on > today || line.booked_on < instruction.sent_on => {
                errors.push(problem(
                    "booked_on",
                    line.booked_on.to_string(),
                    format!(
                        "is not between the day of sending {} and today {today}",
                        instruction.sent_on
                    ),
                    "correct the day",
                ));
            }
            Some(instruction) if is_known(line, instruction) => report.known += 1,
            Some(instruction) if instruction.state != "sent" => errors.push(problem(
                "status",
                id(),
                format!("an earlier statement said {}", instruction.state),
                "a line is told once: find out which statement is right",
            )),
            Some(instruction) => {
                let (count, total) = match line.verdict {
                    BankVerdict::Paid(_) => (&mut report.paid, &mut report.paid_total),
                    BankVerdict::Rejected(_) => (&mut report.rejected, &mut report.rejected_total),
                };
                *count += 1;
                *total = [*total, line.amount].into_iter().sum();
                matched.push((line, instruction));
            }
        }
    }
    errors.check()?;
    Ok((matched, report))
}

/// What is wrong with a line whose reference an earlier statement used for another instruction.
///
/// References are compared as they are, `r1` beside `R1` too: ISO 20022 has them as plain text of at most 35
/// characters (`Max35Text`, for instance `AcctSvcrRef`), in which letters of both cases differ, and banks number with
/// them. Folding would refuse a booking that the bank has made. What it could catch, one booking typed in two ways,
/// needs another instruction over the same amount, and shows when the bank account is reconciled.
fn used_for_another(line: &StatementLine, used: &HashMap<String, Vec<String>>) -> Option<RowError> {
    let BankVerdict::Paid(reference) = &line.verdict else {
        return None;
    };
    let confirmed = used.get(reference)?;
    if confirmed.contains(&line.end_to_end_id) {
        return None;
    }
    let problem = format!(
        "an earlier statement confirmed {} by it",
        confirmed.first()?
    );
    Some(reference_error(line.row, reference, problem))
}

/// Whether an earlier import has told the same.
fn is_known(line: &StatementLine, instruction: &SentLine) -> bool {
    match &line.verdict {
        BankVerdict::Paid(reference) => {
            instruction.state == "paid" && instruction.bank_reference.as_ref() == Some(reference)
        }
        BankVerdict::Rejected(_) => instruction.state == "rejected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programme::BudgetLine;
    use crate::types::{Amount, FiscalYear, PartyId, PayableId};

    fn instruction(id: &str, bank_reference: Option<&str>) -> SentLine {
        SentLine {
            end_to_end_id: id.to_owned(),
            payable: PayableId::generate(),
            payee: PartyId::generate(),
            amount: Amount::new(Money::from_minor(100)).unwrap(),
            line: BudgetLine {
                programme: "SH".parse().unwrap(),
                year: FiscalYear(2020),
                currency: Currency::Cny,
            },
            state: if bank_reference.is_some() {
                "paid"
            } else {
                "sent"
            }
            .to_owned(),
            bank_reference: bank_reference.map(str::to_owned),
            sent_on: "2020-05-07".parse().unwrap(),
        }
    }

    fn line(id: &str, verdict: BankVerdict) -> StatementLine {
        StatementLine {
            row: 2,
            end_to_end_id: id.to_owned(),
            amount: Money::from_minor(100),
            booked_on: "2020-05-08".parse().unwrap(),
            verdict,
        }
    }

    /// P1-1 was paid by the booking R1; P1-2 waits for the bank's word.
    #[test]
    fn a_booking_confirms_one_instruction() {
        let lines = [instruction("P1-1", Some("R1")), instruction("P1-2", None)];
        let sent = HashMap::from(lines.map(|line| (line.end_to_end_id.clone(), line)));
        let used = HashMap::from([("R1".to_owned(), vec!["P1-1".to_owned()])]);
        let today = "2020-05-09".parse().unwrap();
        let paid = |reference: &str| BankVerdict::Paid(reference.to_owned());
        let twice = "row 2, bank_reference \"R1\": an earlier statement confirmed P1-1 by it; ";
        for (id, verdict, told) in [
            ("P1-1", paid("R1"), Ok((0, 0, 1))),
            ("P1-2", paid("R1"), Err(twice)),
            ("P1-2", paid("R2"), Ok((1, 0, 0))),
            // Another booking, by what banks do.
            ("P1-2", paid("r1"), Ok((1, 0, 0))),
            (
                "P1-2",
                BankVerdict::Rejected("R1".to_owned()),
                Ok((0, 1, 0)),
            ),
            ("P1-1", paid("R2"), Err("an earlier statement said paid")),
        ] {
            let statement = BankStatement {
                sha256: [0; 32],
                lines: vec![line(id, verdict)],
            };
            let matched = match_lines(&statement, &sent, &used, today);
            match (matched, told) {
                (Ok((_, report)), Ok(told)) => {
                    assert_eq!((report.paid, report.rejected, report.known), told, "{id}");
                }
                (Err(errors), Err(why)) => {
                    assert!(errors.to_string().contains(why), "{id}: {errors}");
                }
                (matched, told) => panic!("{id}: {matched:?}, not {told:?}"),
            }
        }
    }
}
