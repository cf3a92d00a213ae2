//! `payment …`: payables, batches, bank statements.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::session::{Session, with_session};
use super::{Global, output};
use crate::identity::Caller;
use crate::payment::{
    self, ApprovalOutcome, Batch, BatchLine, HeldOut, Lock, PayableFilter, PayableState,
    STATEMENT_FIELDS, StatementReport,
};
use crate::tabular::{Mapping, Table, safe_cell};
use crate::types::{BatchId, Currency, LogIndex, Named, PartyId, PayableId, Zone};

/// How many payables one command works on at most.
const LIMIT: i64 = 100_000;

/// Payments.
#[derive(Debug, Subcommand)]
pub(super) enum PaymentCommand {
    /// List payables
    #[command(after_help = "Example:\n  subsidy-ledger payment list --state approved")]
    List(ListArgs),
    /// Approve what is owed (finance)
    #[command(
        after_help = "Examples:\n  subsidy-ledger payment approve --all --as finance\n  \
        subsidy-ledger payment approve D41 D58 --as finance"
    )]
    Approve(ApproveArgs),
    /// Send approved payables to the bank as a batch (cashier)
    #[command(
        after_help = "Example:\n  subsidy-ledger payment send --output batch.csv --as cashier"
    )]
    Send(SendArgs),
    /// Lines of a batch and what the bank said of them
    #[command(after_help = "Example:\n  subsidy-ledger payment batch P44\n\n\
        Each line with its end-to-end id, amount, payee and where it stands: sent, paid or rejected. Anybody\n\
        may look. `payment statement` takes in what the bank says next; a rejected line's payable goes into\n\
        the next batch. With --json it has what the file of `payment send --output` has.")]
    Batch {
        /// The batch: P and its number, or its id
        batch: Named<BatchId>,
    },
    /// Confirm or reject lines from a statement of the bank (cashier)
    #[command(
        after_help = "Example:\n  subsidy-ledger payment statement march.csv --as cashier\n\n\
        Columns: end_to_end_id, amount, booked_on (YYYY-MM-DD), status (paid or rejected),\n\
        bank_reference (for paid), reason (for rejected). Other names: --column amount=Betrag"
    )]
    Statement(StatementArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Owed,
    Approved,
    Sent,
    Paid,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Where they are on their way; those that are owed wait for approval
    #[arg(long, value_enum, default_value = "owed")]
    state: State,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=LIMIT))]
    limit: i64,
}

#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    /// Payables: D and the number of the entry that made each owed, or ids
    #[arg(
        value_name = "PAYABLE",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    payables: Vec<Named<PayableId>>,
    /// All that are owed
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// Write the instructions for the bank to this CSV file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// At most so many lines
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(1..=LIMIT))]
    limit: i64,
}

#[derive(Debug, Args)]
pub(super) struct StatementArgs {
    /// Statement: CSV, XLSX or JSON
    file: PathBuf,
    /// Column of a field, as field=Column
    #[arg(long = "column", value_name = "FIELD=COLUMN")]
    columns: Vec<String>,
}

pub(super) async fn run(global: &Global, command: PaymentCommand) -> anyhow::Result<ExitCode> {
    match command {
        PaymentCommand::List(args) => list(global, args).await,
        PaymentCommand::Approve(args) => approve(global, args).await,
        PaymentCommand::Send(args) => send(global, args).await,
        PaymentCommand::Batch { batch: named } => batch(global, named).await,
        PaymentCommand::Statement(args) => statement(global, args).await,
    }
}

#[derive(Serialize)]
struct PayableLine {
    amount: String,
    id: PayableId,
    number: Named<PayableId>,
    payee: PartyId,
    programme: String,
    state: PayableState,
    year: i16,
}

async fn list(global: &Global, args: ListArgs) -> anyhow::Result<ExitCode> {
    let state = match args.state {
        State::Owed => PayableState::Owed,
        State::Approved => PayableState::Approved,
        State::Sent => PayableState::Sent,
        State::Paid => PayableState::Paid,
    };
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let filter = PayableFilter::State(state, args.limit);
        let input = (zone.id, zone.currency, filter);
        let payables = session
            .database
            .read(zone.id, input, |conn, (zone, currency, filter)| {
                Box::pin(payment::payables(conn, *zone, *currency, filter, Lock::No))
            })
            .await?;
        let lines: Vec<PayableLine> = payables
            .into_iter()
            .map(|payable| PayableLine {
                amount: payable.amount.money().to_text(zone.currency),
                id: payable.id,
                number: Named::Entry(payable.owed_index),
                payee: payable.payee,
                programme: payable.line.programme.to_string(),
                state: payable.state,
                year: payable.line.year.0,
            })
            .collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line(none_is(state))?;
        } else {
            output::line(&format!(
                "{:<8}\t{:36}\t{:>16}\tprogramme\tyear\tpayee",
                "number", "payable", "amount"
            ))?;
            for line in &lines {
                output::line(&format!(
                    "{:<8}\t{}\t{:>16}\t{}\t{}\t{}",
                    line.number.to_string(),
                    line.id,
                    line.amount,
                    line.programme,
                    line.year,
                    line.payee
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// That no payable is in a state, and where those are that are not there.
const fn none_is(state: PayableState) -> &'static str {
    match state {
        PayableState::Owed => {
            "No payable waits for approval; with --state approved, sent or paid the others are listed."
        }
        PayableState::Approved => {
            "No payable is approved and not yet sent; with --state owed, sent or paid the others are listed."
        }
        PayableState::Sent => {
            "No payable waits for the bank's answer; with --state owed, approved or paid the others are listed."
        }
        PayableState::Paid => {
            "No payable is paid; with --state owed, approved or sent the others are listed."
        }
    }
}

async fn payable_ids(
    session: &Session,
    zone: &Zone,
    payables: &[Named<PayableId>],
) -> anyhow::Result<Vec<PayableId>> {
    let mut ids = Vec::with_capacity(payables.len());
    for named in payables {
        let found = session
            .database
            .read(zone.id, (zone.id, *named), |conn, (zone, named)| {
                Box::pin(payment::find_payable(conn, *zone, *named))
            })
            .await?;
        let unknown = || {
            format!(
                "no payable {named} in zone {}: `payment list` shows those that wait for approval, --state others",
                zone.code
            )
        };
        ids.push(found.with_context(unknown)?);
    }
    Ok(ids)
}

async fn approve(global: &Global, args: ApproveArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let filter = if args.all {
            PayableFilter::State(PayableState::Owed, LIMIT)
        } else {
            PayableFilter::Ids(payable_ids(session, &caller.zone, &args.payables).await?)
        };
        let approvals = session
            .command(&caller, filter, |conn, command, filter| {
                Box::pin(async move { payment::approve(conn, &command, filter).await })
            })
            .await?;
        let done = approvals
            .iter()
            .filter(|one| one.outcome == ApprovalOutcome::Approved)
            .count();
        if global.json {
            output::json(&approvals)?;
        } else {
            output::line(&format!(
                "{done} approved, {} refused.",
                approvals.len() - done
            ))?;
            for refused in approvals
                .iter()
                .filter(|one| one.outcome != ApprovalOutcome::Approved)
            {
                let why = match refused.outcome {
                    ApprovalOutcome::RefusedSegregation => "whoever redeemed it can't approve it",
                    ApprovalOutcome::RefusedState | ApprovalOutcome::Approved => {
                        "it was approved before"
                    }
                };
                output::line(&format!(
                    "  D{} ({}): {why}; the refusal is entry {}",
                    refused.owed_by_entry, refused.payable, refused.index
                ))?;
            }
        }
        Ok(if done == approvals.len() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
    .await
}

/// Sends, and writes the file for the bank. A repeat under the same key is answered first: what the file there has to
/// do with it shows only beside the batch.
async fn send(global: &Global, args: SendArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let output = args.output.as_deref();
        let before = session
            .database
            .read(
                caller.zone.id,
                (caller.clone(), args.limit),
                |conn, (caller, limit)| {
                    Box::pin(
                        async move { payment::sent_before(conn, &caller.command(), *limit).await },
                    )
                },
            )
            .await?;
        let batch = match before {
            Some(batch) => {
                if let Some(path) = output {
                    write_again(session, &caller.zone, &batch, path).await?;
                }
                batch
            }
            None => send_first(session, &caller, args.limit, output).await?,
        };
        if global.json {
            output::json(&SentBatch::of(&batch, caller.zone.currency))?;
        } else {
            output::line(&format!(
                "Batch P{} ({}) sent: {}, {} {}.",
                batch.index,
                batch.id,
                output::counted(batch.lines.len(), "line", "lines"),
                batch.total.to_grouped_text(caller.zone.currency),
                caller.zone.currency
            ))?;
            print_held_out(&batch.held_out)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// The file is made before anything is sent: money must not be on its way without a file for the bank.
async fn send_first(
    session: &Session,
    caller: &Caller,
    limit: i64,
    output: Option<&Path>,
) -> anyhow::Result<Batch> {
    let file = match output {
        Some(path) => Some(File::create_new(path).with_context(|| {
            format!(
                "this command did nothing: {} can't be made. If an earlier one made it, `payment list --state sent` \
                 shows what was sent; else name a new file",
                path.display()
            )
        })?),
        None => None,
    };
    let sent = async {
        let batch = session
            .command(caller, limit, |conn, command, limit| {
                Box::pin(async move { payment::send(conn, &command, *limit).await })
            })
            .await?;
        if let Some(mut file) = file {
            let instructions = instructions(session, &caller.zone, &batch).await?;
            file.write_all(&instructions)
                .with_context(|| not_written(&batch))?;
        }
        Ok(batch)
    }
    .await;
    if let (Err(_), Some(path)) = (&sent, output)
        && std::fs::metadata(path).is_ok_and(|file| file.len() == 0)
    {
        drop(std::fs::remove_file(path));
    }
    sent
}

/// Writes the file of a batch that was sent before, unless it is there. Another file under the name stays as it is:
/// it may be what the bank was given.
async fn write_again(
    session: &Session,
    zone: &Zone,
    batch: &Batch,
    path: &Path,
) -> anyhow::Result<()> {
    let instructions = instructions(session, zone, batch).await?;
    match File::create_new(path) {
        Ok(mut file) => file
            .write_all(&instructions)
            .with_context(|| not_written(batch)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let shown = path.display();
            let there = std::fs::read(path).with_context(|| format!("can't read {shown}"))?;
            if there != instructions {
                bail!(
                    "this key has sent batch P{} before, and {shown} is not its file: nothing was sent or written \
                     now; name a new file to have it written again",
                    batch.index
                );
            }
            Ok(())
        }
        Err(error) => Err(error).with_context(|| not_written(batch)),
    }
}

fn not_written(batch: &Batch) -> String {
    format!(
        "batch P{0} was sent, its file was not written: `payment batch P{0} --json`",
        batch.index
    )
}

fn print_held_out(held_out: &HeldOut) -> io::Result<()> {
    if held_out.total == 0 {
        return Ok(());
    }
    output::line(&format!(
        "{} held out, since this cashier submitted or approved them; another one has to send them:",
        held_out.total
    ))?;
    for payable in &held_out.oldest {
        output::line(&format!("  {payable}"))?;
    }
    if usize::try_from(held_out.total).is_ok_and(|total| total > held_out.oldest.len()) {
        output::line("  and more: `payment list --state approved`")?;
    }
    Ok(())
}

/// A batch as a program reads it: amounts as text, as everywhere.
#[derive(Serialize)]
struct SentBatch<'a> {
    id: BatchId,
    index: LogIndex,
    total: String,
    currency: &'static str,
    lines: Vec<SentLine<'a>>,
    held_out: &'a HeldOut,
}

#[derive(Serialize)]
struct SentLine<'a> {
    end_to_end_id: &'a str,
    payable: PayableId,
    payee: PartyId,
    amount: String,
}

impl<'a> SentBatch<'a> {
    fn of(batch: &'a Batch, currency: Currency) -> Self {
        let line = |line: &'a BatchLine| SentLine {
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

#[derive(Serialize)]
struct Instruction {
    end_to_end_id: String,
    payee: String,
    amount: String,
    currency: &'static str,
    state: String,
}

async fn batch_lines(
    session: &Session,
    zone: &Zone,
    batch: BatchId,
) -> anyhow::Result<Vec<Instruction>> {
    let lines = session
        .database
        .read(zone.id, (zone.id, batch), |conn, (zone, batch)| {
            Box::pin(payment::lines_of_batch(conn, *zone, *batch))
        })
        .await?;
    let instruction = |(end_to_end_id, payee, amount, state): (_, _, crate::types::Money, _)| {
        let (amount, currency) = (amount.to_text(zone.currency), zone.currency.code());
        Instruction {
            end_to_end_id,
            payee,
            amount,
            currency,
            state,
        }
    };
    Ok(lines.into_iter().map(instruction).collect())
}

/// What the bank is given, as CSV.
async fn instructions(session: &Session, zone: &Zone, batch: &Batch) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["end_to_end_id", "payee", "amount", "currency"])?;
    for line in batch_lines(session, zone, batch.id).await? {
        writer.write_record([
            line.end_to_end_id.as_str(),
            safe_cell(&line.payee).as_ref(),
            line.amount.as_str(),
            line.currency,
        ])?;
    }
    Ok(writer.into_inner()?)
}

async fn batch(global: &Global, named: Named<BatchId>) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let unknown = || format!("no batch {named} in zone {}", zone.code);
        let found = session
            .database
            .read(zone.id, (zone.id, named), |conn, (zone, named)| {
                Box::pin(payment::find_batch(conn, *zone, *named))
            })
            .await?;
        let lines = batch_lines(session, &zone, found.with_context(unknown)?).await?;
        if lines.is_empty() {
            bail!(unknown());
        }
        if global.json {
            output::json(&lines)?;
        } else {
            for line in &lines {
                output::line(&format!(
                    "{}\t{:>16} {}\t{}\t{}",
                    line.end_to_end_id, line.amount, line.currency, line.state, line.payee
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn statement(global: &Global, args: StatementArgs) -> anyhow::Result<ExitCode> {
    let bytes =
        std::fs::read(&args.file).with_context(|| format!("can't read {}", args.file.display()))?;
    let mut mapping = Mapping::default();
    for column in &args.columns {
        mapping.map_column(column)?;
    }
    let table = Table::open(&args.file, &mapping.read_options())?;
    let bound = mapping.bind(&table, STATEMENT_FIELDS)?;
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let read = payment::read_statement(&bytes, &bound, caller.zone.currency);
        let statement = read.map_err(payment::PaymentError::Rows)?;
        let report = session
            .command(&caller, statement, |conn, command, statement| {
                Box::pin(async move { payment::import_statement(conn, &command, statement).await })
            })
            .await?;
        if global.json {
            output::json(&report)?;
        } else {
            let StatementReport {
                paid,
                paid_total,
                rejected,
                rejected_total,
                known,
            } = report;
            let text = |money: crate::types::Money| money.to_grouped_text(caller.zone.currency);
            output::line(&format!(
                "{} paid, {} {}",
                output::counted(paid, "line", "lines"),
                text(paid_total),
                caller.zone.currency
            ))?;
            output::line(&format!(
                "{} rejected, {} {}: approved again",
                output::counted(rejected, "line", "lines"),
                text(rejected_total),
                caller.zone.currency
            ))?;
            output::line(&format!(
                "{} known from an earlier import",
                output::counted(known, "line", "lines")
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
