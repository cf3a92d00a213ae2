//! `payment batch`, `release`, `discard`, `export`, `show`.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{LIMIT, batch_id, vault};
use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::payment::{
    self, Batch, BatchLine, ExportFormat, HeldOut, NotByThisPerson, Release, Selection,
};
use crate::types::{BatchId, Currency, Day, LogIndex, Money, Named, PartyId, PayableId, Reason};

#[derive(Debug, Args)]
pub(in crate::cli) struct BatchArgs {
    /// At most so many lines
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(1..=LIMIT))]
    limit: i64,
    /// Hold payables above this out, such as 500000.00
    #[arg(long, value_name = "AMOUNT")]
    line_limit: Option<String>,
    /// Only what was approved by the end of this day
    #[arg(long, value_name = "DAY")]
    cut_off: Option<Day>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    #[value(name = "pain.001")]
    Pain001,
    Csv,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// The batch: P and its number, or its id
    batch: Named<BatchId>,
    /// Form of the file
    #[arg(long, value_enum, default_value = "pain.001")]
    format: Format,
    /// Write it to this file, which must be new or have the same bytes
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

/// A batch as a program reads it: amounts as text, as everywhere.
#[derive(Serialize)]
struct PreparedBatch<'a> {
    id: BatchId,
    index: LogIndex,
    total: String,
    currency: &'static str,
    lines: Vec<PreparedLine<'a>>,
    held_out: &'a HeldOut,
}

#[derive(Serialize)]
struct PreparedLine<'a> {
    end_to_end_id: &'a str,
    payable: PayableId,
    payee: PartyId,
    amount: String,
}

impl<'a> PreparedBatch<'a> {
    fn of(batch: &'a Batch, currency: Currency) -> Self {
        let line = |line: &'a BatchLine| PreparedLine {
            end_to_end_id: &line.end_to_end_id,
            payable: line.payable,
            payee: line.payee,
            amount: line.amount.to_text(currency),
        };
        Self {
            id: batch.id,
            index: batch.index,
            total: batch.total.to_text(currency),
            currency: currency.code(),
            lines: batch.lines.iter().map(line).collect(),
            held_out: &batch.held_out,
        }
    }
}

pub(super) async fn prepare(global: &Global, args: BatchArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let currency = caller.zone.currency;
        let line_limit = args.line_limit.as_deref();
        let line_limit = line_limit.map(|text| Money::parse(text, currency)).transpose();
        let selection = Selection {
            limit: args.limit,
            line_limit: line_limit.context("--line-limit")?.map(Money::minor),
            cut_off: args.cut_off.map(Day::date),
        };
        let batch = session
            .command(&caller, selection, |conn, command, selection| {
                Box::pin(async move { payment::prepare(conn, &command, selection).await })
            })
            .await?;
        if global.json {
            output::json(&PreparedBatch::of(&batch, currency))?;
        } else {
            output::line(&format!(
                "Batch P{} ({}) prepared: {}, {} {currency}. Another cashier releases it: `payment release P{0}`.",
                batch.index,
                batch.id,
                output::counted(batch.lines.len(), "line", "lines"),
                batch.total.to_grouped_text(currency),
            ))?;
            print_held_out(&batch.held_out)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_held_out(held_out: &HeldOut) -> io::Result<()> {
    for (because, number) in &held_out.counts {
        output::line(&format!("{number} held out: {because}"))?;
        for (payable, _) in held_out.oldest.iter().filter(|(_, one)| one == because) {
            output::line(&format!("  {payable}"))?;
        }
    }
    if held_out.total() > held_out.oldest.len() {
        output::line("  and more: `payment list --state approved`")?;
    }
    Ok(())
}

pub(super) async fn release(global: &Global, named: Named<BatchId>) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let batch = batch_id(session, &caller.zone, named).await?;
        let outcome = session
            .command(&caller, batch, |conn, command, batch| {
                Box::pin(async move { payment::release(conn, &command, *batch).await })
            })
            .await?;
        if global.json {
            output::json(&told(batch, &outcome, caller.zone.currency))?;
        } else {
            print_release(named, &outcome, caller.zone.currency)?;
        }
        Ok(match outcome {
            Release::Released(_) => ExitCode::SUCCESS,
            Release::Refused { .. } => ExitCode::FAILURE,
        })
    })
    .await
}

/// A release as a program reads it.
#[derive(Serialize)]
struct ReleaseTold<'a> {
    batch: BatchId,
    entry: LogIndex,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<NotByThisPerson>,
    lines: usize,
    total: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    held_out: Option<&'a HeldOut>,
}

fn told(batch: BatchId, outcome: &Release, currency: Currency) -> ReleaseTold<'_> {
    match outcome {
        Release::Released(released) => ReleaseTold {
            batch,
            entry: released.index,
            refused: None,
            lines: released.lines,
            total: released.total.to_text(currency),
            held_out: Some(&released.held_out),
        },
        Release::Refused { index, because } => ReleaseTold {
            batch,
            entry: *index,
            refused: Some(*because),
            lines: 0,
            total: Money::ZERO.to_text(currency),
            held_out: None,
        },
    }
}

fn print_release(named: Named<BatchId>, outcome: &Release, currency: Currency) -> io::Result<()> {
    match outcome {
        Release::Released(released) => {
            output::line(&format!(
                "Batch {named} released: {}, {} {currency}, entry {}. `payment export {named}` writes the file for the bank.",
                output::counted(released.lines, "line", "lines"),
                released.total.to_grouped_text(currency),
                released.index,
            ))?;
            print_held_out(&released.held_out)
        }
        Release::Refused { index, because } => {
            let why = match because {
                NotByThisPerson::Prepared => "whoever prepared it can't release it",
                NotByThisPerson::OwnCase => {
                    "whoever submitted or approved one of its payables, or is recused from a payee's cases, can't release it"
                }
            };
            output::line(&format!(
                "Batch {named} not released: {why}; the refusal is entry {index}."
            ))
        }
    }
}

pub(super) async fn discard(
    global: &Global,
    named: Named<BatchId>,
    reason: Reason,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let batch = batch_id(session, &caller.zone, named).await?;
        let index = session
            .command(
                &caller,
                (batch, reason),
                |conn, command, (batch, reason)| {
                    Box::pin(
                        async move { payment::discard(conn, &command, (*batch, reason)).await },
                    )
                },
            )
            .await?;
        if global.json {
            output::json(&serde_json::json!({ "entry": index }))?;
        } else {
            output::line(&format!(
                "Batch {named} discarded, entry {index}: its payables are approved again."
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// What is there is not written over: it may be what the bank was given.
pub(super) async fn export(global: &Global, args: ExportArgs) -> anyhow::Result<ExitCode> {
    let format = match args.format {
        Format::Pain001 => ExportFormat::Pain001,
        Format::Csv => ExportFormat::Csv,
    };
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let batch = batch_id(session, &caller.zone, args.batch).await?;
        let vault = vault(session, &caller.zone).await?;
        let input = (vault, batch, format);
        let export = session
            .command(&caller, input, |conn, command, (vault, batch, format)| {
                Box::pin(async move {
                    payment::export_batch(conn, &command, vault, (*batch, *format)).await
                })
            })
            .await?;
        let shown = args.output.display();
        match File::create_new(&args.output) {
            Ok(mut file) => file
                .write_all(&export.bytes)
                .with_context(|| format!("can't write {shown}: repeat with another file"))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if super::read(&args.output)? != export.bytes {
                    bail!("{shown} is there, and is not this batch's file: name a new file");
                }
            }
            Err(error) => return Err(error).with_context(|| format!("can't make {shown}")),
        }
        if global.json {
            output::json(&serde_json::json!({ "entry": export.index, "lines": export.lines }))?;
        } else {
            let lines = output::counted(export.lines, "line", "lines");
            output::line(&format!(
                "{lines} of batch {} in {shown}, entry {}.",
                args.batch, export.index
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

#[derive(Serialize)]
struct ShownBatch {
    batch: Named<BatchId>,
    id: BatchId,
    state: String,
    lines: i32,
    total: String,
    sent_on: Option<chrono::NaiveDate>,
}

pub(super) async fn list(global: &Global) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let batches = session
            .database
            .read(zone.id, zone.id, |conn, zone| {
                Box::pin(payment::batches(conn, *zone, LIMIT))
            })
            .await?;
        let batches: Vec<ShownBatch> = batches
            .into_iter()
            .map(|batch| ShownBatch {
                batch: Named::Entry(batch.index),
                id: batch.id,
                state: batch.state,
                lines: batch.lines,
                total: batch.total.to_text(zone.currency),
                sent_on: batch.sent_on,
            })
            .collect();
        if global.json {
            output::json(&batches)?;
        } else if batches.is_empty() {
            output::line("No batch; `payment batch` prepares one.")?;
        } else {
            for one in &batches {
                output::line(&format!(
                    "{:<8}\t{:<10}\t{:>8}\t{:>16} {}",
                    one.batch.to_string(),
                    one.state,
                    output::counted(one.lines, "line", "lines"),
                    output::grouped(&one.total),
                    zone.currency
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

#[derive(Serialize)]
struct ShownLine {
    end_to_end_id: String,
    payee: String,
    amount: String,
    currency: &'static str,
    state: String,
    account: Option<String>,
}

pub(super) async fn show(global: &Global, named: Named<BatchId>) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let batch = batch_id(session, &zone, named).await?;
        let lines = session
            .database
            .read(zone.id, (zone.id, batch), |conn, (zone, batch)| {
                Box::pin(payment::lines_of_batch(conn, *zone, *batch))
            })
            .await?;
        if lines.is_empty() {
            bail!(
                "no batch {named} in zone {}: `payment show` lists them",
                zone.code
            );
        }
        let lines: Vec<ShownLine> = lines
            .into_iter()
            .map(|line| ShownLine {
                end_to_end_id: line.end_to_end_id,
                payee: line.payee,
                amount: line.amount.money().to_text(zone.currency),
                currency: zone.currency.code(),
                state: line.state,
                account: line.masked,
            })
            .collect();
        if global.json {
            output::json(&lines)?;
        } else {
            for line in &lines {
                let account = line.account.as_deref().unwrap_or("-");
                output::line(&format!(
                    "{}\t{:>16} {}\t{}\t{account}\t{}",
                    line.end_to_end_id,
                    output::grouped(&line.amount),
                    line.currency,
                    line.state,
                    line.payee
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
