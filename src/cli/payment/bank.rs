//! `payment status`, `statement`, `unmatched`, `match`, `return`, `reconcile`: what the bank says.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::vault;
use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::payment::iso20022::{Direction, Message, read_statements, read_status_report, sniff};
use crate::payment::{
    self, BankLineId, BookItem, MatchWith, PaymentError, Reconciliation, STATEMENT_FIELDS,
    StatementFile, StatementReport, StatementsAnswer, StatusFile,
};
use crate::recovery;
use crate::tabular::{Mapping, Table};
use crate::types::{Currency, LogIndex, Money, Reason};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    #[value(name = "camt.053")]
    Camt053,
    Table,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct StatementArgs {
    /// Statement: camt.053, or a table as CSV, XLSX or JSON
    file: PathBuf,
    /// What it is [default: what it looks like]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Column of a field of a table, as field=Column
    #[arg(long = "column", value_name = "FIELD=COLUMN")]
    columns: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct MatchArgs {
    /// The line, such as S120-3
    line: BankLineId,
    /// It is this instruction, by its end-to-end id
    #[arg(long = "line", value_name = "END_TO_END_ID", conflicts_with = "entry")]
    instruction: Option<String>,
    /// It is what this entry brought into the bank account
    #[arg(long, value_name = "INDEX", required_unless_present = "instruction")]
    entry: Option<i64>,
    /// Why; it stands in the entry
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ReturnArgs {
    /// The line of the statement that brings it back, such as S120-4
    line: BankLineId,
    /// The instruction that was paid, by its end-to-end id
    #[arg(long = "line", value_name = "END_TO_END_ID")]
    instruction: String,
    /// Why; it stands in the entry
    #[arg(long)]
    reason: Reason,
}

pub(super) async fn status(global: &Global, path: &Path) -> anyhow::Result<ExitCode> {
    let bytes = super::from_bank(path)?;
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let currency = caller.zone.currency;
        let report = read_status_report(&bytes, currency).map_err(PaymentError::from)?;
        let file = StatusFile::new(&bytes, report);
        let answer = session
            .command(&caller, file, |conn, command, file| {
                Box::pin(async move { payment::import_status(conn, &command, file).await })
            })
            .await?;
        if global.json {
            output::json(&answer)?;
        } else {
            output::line(&format!(
                "Batch P{}: {} rejected, {} {currency}: approved again",
                answer.batch_index,
                output::counted(answer.rejected, "line", "lines"),
                output::grouped(&answer.rejected_total),
            ))?;
            let known = output::counted(answer.known, "line", "lines");
            output::line(&format!(
                "{known} known to be rejected from an earlier file"
            ))?;
            let waiting = output::counted(answer.in_transit, "line", "lines");
            output::line(&format!(
                "{waiting} in transit: a statement says when they are paid"
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

pub(super) async fn statement(global: &Global, args: StatementArgs) -> anyhow::Result<ExitCode> {
    let bytes = super::from_bank(&args.file)?;
    let is_message = match args.format {
        Some(format) => format == Format::Camt053,
        None => match sniff(&bytes) {
            Some(Message::Pain002) => {
                bail!("this is a status report: `payment status` takes it in")
            }
            Some(Message::Camt053) => true,
            // Whatever is in it, it should have been a message.
            None => ending(&args.file).eq_ignore_ascii_case("xml"),
        },
    };
    if is_message {
        statements(global, &bytes).await
    } else {
        table(global, &args, &bytes).await
    }
}

fn ending(file: &Path) -> &str {
    let ending = file.extension().and_then(OsStr::to_str);
    ending.unwrap_or_default()
}

async fn statements(global: &Global, bytes: &[u8]) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let currency = caller.zone.currency;
        let read = read_statements(bytes, currency).map_err(PaymentError::from)?;
        let vault = vault(session, &caller.zone).await?;
        let input = (vault, StatementFile::new(bytes, read));
        let answer = session
            .command(&caller, input, |conn, command, (vault, file)| {
                Box::pin(
                    async move { payment::import_statements(conn, &command, vault, file).await },
                )
            })
            .await?;
        if global.json {
            output::json(&answer)?;
        } else {
            print_answer(&answer, currency)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_answer(answer: &StatementsAnswer, currency: Currency) -> std::io::Result<()> {
    let lines = |number: i64| output::counted(number, "line", "lines");
    let statements = output::counted(answer.statements, "statement", "statements");
    let closing = output::grouped(&answer.closing);
    output::line(&format!(
        "{statements}, entry {}; closing balance {closing} {currency}",
        answer.file
    ))?;
    let total = output::grouped(&answer.paid_total);
    output::line(&format!("{} paid, {total} {currency}", lines(answer.paid)))?;
    output::line(&format!(
        "{} known from an earlier file",
        lines(answer.known)
    ))?;
    let (credits, debits) = (
        output::grouped(&answer.unmatched_credits_total),
        output::grouped(&answer.unmatched_debits_total),
    );
    output::line(&format!(
        "{} received and not matched, {credits} {currency}",
        lines(answer.unmatched_credits)
    ))?;
    output::line(&format!(
        "{} spent and not matched, {debits} {currency}",
        lines(answer.unmatched_debits)
    ))?;
    if answer.unmatched_credits + answer.unmatched_debits > 0 {
        output::line(
            "`payment unmatched` lists what waits, and why; `payment match` says what it is.",
        )?;
    }
    if answer.unbooked > 0 {
        let entries = output::counted(answer.unbooked, "entry", "entries");
        output::line(&format!("{entries} not booked yet, left out"))?;
    }
    Ok(())
}

async fn table(global: &Global, args: &StatementArgs, bytes: &[u8]) -> anyhow::Result<ExitCode> {
    let mut mapping = Mapping::default();
    for column in &args.columns {
        mapping.map_column(column)?;
    }
    let table = Table::open(&args.file, &mapping.read_options())?;
    let bound = mapping.bind(&table, STATEMENT_FIELDS)?;
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let read = payment::read_statement(bytes, &bound, caller.zone.currency);
        let statement = read.map_err(PaymentError::Rows)?;
        let report = session
            .command(&caller, statement, |conn, command, statement| {
                Box::pin(async move { payment::import_statement(conn, &command, statement).await })
            })
            .await?;
        if global.json {
            output::json(&report)?;
        } else {
            print_report(&report, caller.zone.currency)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_report(report: &StatementReport, currency: Currency) -> std::io::Result<()> {
    let text = |money: Money| money.to_grouped_text(currency);
    let lines = |number: usize| output::counted(number, "line", "lines");
    let StatementReport {
        paid,
        paid_total,
        rejected,
        rejected_total,
        known,
    } = report;
    output::line(&format!(
        "{} paid, {} {currency}",
        lines(*paid),
        text(*paid_total)
    ))?;
    output::line(&format!(
        "{} rejected, {} {currency}: approved again",
        lines(*rejected),
        text(*rejected_total)
    ))?;
    output::line(&format!("{} known from an earlier import", lines(*known)))
}

#[derive(Serialize)]
struct Waiting {
    line: BankLineId,
    direction: &'static str,
    amount: String,
    booked_on: chrono::NaiveDate,
    is_return: bool,
    end_to_end_id: Option<String>,
    reference: Option<String>,
    account: Option<String>,
    code: Option<String>,
    why: Option<String>,
}

pub(super) async fn unmatched(global: &Global, limit: i64) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let found = session
            .database
            .read(zone.id, (zone.id, limit), |conn, (zone, limit)| {
                Box::pin(async move {
                    let lines = payment::unmatched_lines(conn, *zone, *limit).await?;
                    let why = payment::why_unmatched(conn, *zone, &lines).await?;
                    Ok::<_, sqlx::Error>((lines, why))
                })
            })
            .await?;
        let (lines, why) = found;
        output::at_limit(lines.len(), limit);
        let lines: Vec<Waiting> = lines
            .into_iter()
            .map(|line| Waiting {
                why: why.get(&line.line).map(|why| why.text(zone.currency)),
                line: line.line,
                direction: line.direction.as_str(),
                amount: line.amount.to_text(zone.currency),
                booked_on: line.booked_on,
                is_return: line.is_return,
                end_to_end_id: line.end_to_end_id,
                reference: line.reference,
                account: line.masked,
                code: line.code,
            })
            .collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("Every line of the statements is something of the books.")?;
        } else {
            for line in &lines {
                let sign = if line.direction == Direction::Debit.as_str() {
                    "-"
                } else {
                    "+"
                };
                let or_none =
                    |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
                output::line(&format!(
                    "{:<10}\t{}\t{:>16}\t{}\t{}\t{}\t{}{}{}",
                    line.line.to_string(),
                    line.booked_on,
                    format!("{sign}{}", output::grouped(&line.amount)),
                    or_none(&line.end_to_end_id),
                    or_none(&line.account),
                    or_none(&line.code),
                    or_none(&line.reference),
                    if line.is_return { "\treturned" } else { "" },
                    line.why
                        .as_deref()
                        .map_or_else(String::new, |why| format!("\t{why}")),
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

pub(super) async fn match_line(global: &Global, args: MatchArgs) -> anyhow::Result<ExitCode> {
    let with = match (args.instruction, args.entry) {
        (Some(id), _) => MatchWith::Instruction(id),
        (None, Some(index)) => MatchWith::Receipt(LogIndex(index)),
        (None, None) => bail!("say what the line is: --line END_TO_END_ID or --entry INDEX"),
    };
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let input = (args.line, with, args.reason);
        let index = session
            .command(&caller, input, |conn, command, (line, with, reason)| {
                Box::pin(
                    async move { payment::match_line(conn, &command, (*line, with, reason)).await },
                )
            })
            .await?;
        if global.json {
            output::json(&serde_json::json!({ "entry": index }))?;
        } else {
            output::line(&format!("Line {} matched, entry {index}.", args.line))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

pub(super) async fn return_payment(global: &Global, args: ReturnArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let currency = caller.zone.currency;
        let input = (args.line, args.instruction.clone(), args.reason);
        let returned = session
            .command(&caller, input, |conn, command, (line, id, reason)| {
                Box::pin(async move {
                    recovery::return_payment(conn, &command, (*line, id, reason)).await
                })
            })
            .await?;
        if global.json {
            output::json(&returned)?;
        } else {
            output::line(&format!(
                "{} {currency} came back with line {}, entry {}: what {} had paid is owed again.",
                output::grouped(&returned.amount),
                args.line,
                returned.index,
                args.instruction
            ))?;
            for ended in &returned.ended {
                let amount = output::grouped(&ended.amount);
                output::line(&format!(
                    "Recovery {} ends: {amount} {currency} that it had open are offset against that.",
                    ended.recovery
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

#[derive(Serialize)]
struct Reconciled<'a> {
    statement: &'a str,
    closing_on: chrono::NaiveDate,
    closing: String,
    books: String,
    opening: String,
    unmatched_credits: (i64, String),
    unmatched_debits: (i64, String),
    book_only: (i64, String),
    book_items: Vec<(&'a BookItem, String)>,
    in_transit: (i64, String),
    difference: String,
    agrees: bool,
}

pub(super) async fn reconcile(global: &Global) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let found = session
            .database
            .read(zone.id, zone.clone(), |conn, zone| {
                Box::pin(payment::reconcile(conn, zone))
            })
            .await?;
        if global.json {
            let text = |money: Money| money.to_text(zone.currency);
            let sum = |(number, money): (i64, Money)| (number, text(money));
            output::json(&Reconciled {
                statement: &found.statement,
                closing_on: found.closing_on,
                closing: text(found.closing),
                books: text(found.books),
                opening: text(found.opening.0),
                unmatched_credits: sum(found.unmatched_credits),
                unmatched_debits: sum(found.unmatched_debits),
                book_only: sum(found.book_only_total),
                book_items: found
                    .book_only
                    .iter()
                    .map(|item| (item, text(item.amount)))
                    .collect(),
                in_transit: sum(found.in_transit),
                difference: text(found.difference()),
                agrees: found.agrees(),
            })?;
        } else {
            print_reconciliation(&found, zone.currency)?;
        }
        Ok(if found.agrees() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
    .await
}

fn print_reconciliation(found: &Reconciliation, currency: Currency) -> std::io::Result<()> {
    let row = |what: &str, money: Money| {
        output::line(&format!(
            "{:>20} {currency}  {what}",
            money.to_grouped_text(currency)
        ))
    };
    let less = |money: Money| Money::from_minor(-money.minor());
    row("balance of the books (F1010)", found.books)?;
    let (opening, day) = found.opening;
    row(&format!("before the first statement, {day}"), opening)?;
    let lines = |number: i64| output::counted(number, "line", "lines");
    let (number, total) = found.unmatched_credits;
    row(
        &format!("received by the bank, not in the books: {}", lines(number)),
        total,
    )?;
    let (number, total) = found.unmatched_debits;
    row(
        &format!("spent by the bank, not in the books: {}", lines(number)),
        less(total),
    )?;
    let (number, total) = found.book_only_total;
    let entries = output::counted(number, "entry", "entries");
    row(
        &format!("in the books, on no statement: {entries}"),
        less(total),
    )?;
    for item in &found.book_only {
        let amount = item.amount.to_grouped_text(currency);
        output::line(&format!(
            "{:>24}    entry {} {} {amount}",
            "", item.index, item.kind
        ))?;
    }
    row("makes", found.expected())?;
    row(
        &format!(
            "closing balance of statement {}, {}",
            found.statement, found.closing_on
        ),
        found.closing,
    )?;
    row("difference", found.difference())?;
    let (number, total) = found.in_transit;
    let (total, account) = (
        total.to_grouped_text(currency),
        found.in_transit_account.to_grouped_text(currency),
    );
    output::line(&format!(
        "In transit, not booked by the bank yet: {}, {total} {currency}; F1020 has {account}.",
        lines(number)
    ))?;
    output::line(if found.agrees() {
        "Books and bank agree."
    } else {
        "Books and bank DIFFER: run `subsidy-ledger verify`."
    })
}
