//! `payment …`: payables, accounts, batches, what the bank says.

mod account;
mod bank;
mod batch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use self::account::{AccountCommand, OwnAccountArgs};
use self::bank::{MatchArgs, ReturnArgs, StatementArgs};
use self::batch::{BatchArgs, ExportArgs};
use super::desk::not_there;
use super::session::{Session, with_session};
use super::{Global, output};
use crate::payment::{self, ApprovalOutcome, Lock, PayableFilter, PayableState, Vault};
use crate::types::{BatchId, Named, PartyId, PayableId, Reason, Zone};

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
    /// Bank accounts of payees: propose, confirm, list, show
    #[command(subcommand)]
    Account(AccountCommand),
    /// Propose the bank account that the zone pays from (finance)
    #[command(
        after_help = "Example:\n  subsidy-ledger payment own-account account.csv --as finance\n\n\
        The file has one row with the columns holder, number, bank and, if you like, bank_name. Another person\n\
        confirms it with `payment account confirm`. It is encrypted with a key in the data folder."
    )]
    OwnAccount(OwnAccountArgs),
    /// Prepare a batch of approved payables (cashier); another cashier releases it
    #[command(
        after_help = "Examples:\n  subsidy-ledger payment batch --as cashier\n  \
        subsidy-ledger payment batch --cut-off 2026-03-31 --limit 500 --line-limit 500000 --as cashier\n\n\
        Each line goes to the bank account that its payee has now. Held out, and named: what this cashier submitted\n\
        or approved, what is above the line limit, and what has no confirmed bank account. Nothing moves before\n\
        `payment release` by another cashier."
    )]
    Batch(BatchArgs),
    /// Release a prepared batch to the bank (another cashier)
    #[command(
        after_help = "Example:\n  subsidy-ledger payment release P44 --as cashier2\n\n\
        Whoever prepared it, or submitted or approved one of its payables, can't; a refusal is an entry. A line whose\n\
        payee has another bank account by now is given back. `payment export` then writes the file for the bank."
    )]
    Release {
        /// The batch: P and its number, or its id
        batch: Named<BatchId>,
    },
    /// Give the payables of a prepared batch back (cashier)
    #[command(
        after_help = "Example:\n  subsidy-ledger payment discard P44 --reason \"wrong cut-off\" --as cashier"
    )]
    Discard {
        /// The batch: P and its number, or its id
        batch: Named<BatchId>,
        /// Why
        #[arg(long)]
        reason: Reason,
    },
    /// Write the file of a released batch for the bank (cashier, finance)
    #[command(
        after_help = "Examples:\n  subsidy-ledger payment export P44 --output P44.xml --as cashier\n  \
        subsidy-ledger payment export P44 --format csv --output P44.csv --as cashier\n\n\
        pain.001 is ISO 20022's pain.001.001.09. The file has account numbers in the clear, so that it was written\n\
        is an entry. The same batch gives the same bytes."
    )]
    Export(ExportArgs),
    /// Batches, or the lines of one and where they stand
    #[command(
        after_help = "Examples:\n  subsidy-ledger payment show\n  subsidy-ledger payment show P44\n\n\
        Each line with its end-to-end id, amount, state, account (last four characters) and payee. The state is\n\
        prepared, withdrawn, sent, paid, returned or rejected; what is withdrawn, returned or rejected goes into another batch."
    )]
    Show {
        /// The batch: P and its number, or its id; all without it
        batch: Option<Named<BatchId>>,
    },
    /// Take in a status report of the bank, pain.002 (cashier)
    #[command(
        after_help = "Example:\n  subsidy-ledger payment status report.xml --as cashier\n\n\
        What the bank rejects is approved again at once, and goes into the next batch. What it accepts stays in\n\
        transit: paid is only what a statement says. The same file again changes nothing."
    )]
    Status {
        /// The file: pain.002.001.03 to .14
        file: PathBuf,
    },
    /// Take in a statement of the bank: camt.053, or a table (cashier)
    #[command(
        after_help = "Examples:\n  subsidy-ledger payment statement day.xml --as cashier\n  \
        subsidy-ledger payment statement march.csv --as cashier\n\n\
        camt.053.001.02 to .14: each statement begins where the one before ended. Lines are matched by end-to-end id,\n\
        then by amount and other side; the rest waits for `payment match`.\n\n\
        Columns of a table: end_to_end_id, amount, booked_on (YYYY-MM-DD), status (paid or rejected),\n\
        bank_reference (for paid), reason (for rejected). Other names: --column amount=Betrag"
    )]
    Statement(StatementArgs),
    /// Lines of statements that are nothing of the books yet
    #[command(after_help = "Example:\n  subsidy-ledger payment unmatched")]
    Unmatched {
        /// At most so many
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(i64).range(1..=LIMIT))]
        limit: i64,
    },
    /// Say by hand what a line of a statement is (cashier)
    #[command(
        after_help = "Examples:\n  subsidy-ledger payment match S120-3 --line P44-2 --reason \"the bank left the id out\" --as cashier\n  \
        subsidy-ledger payment match S120-1 --entry 5 --reason \"appropriation received\" --as cashier\n\n\
        Amounts must be equal to the fen. A payment in transit is paid by that; the reason stands in the entry."
    )]
    Match(MatchArgs),
    /// Say that a line of a statement brings back what was paid (cashier)
    #[command(
        after_help = "Example:\n  subsidy-ledger payment return S120-4 --line P44-2 --reason \"the account was closed\" --as cashier\n\n\
        The line has to be over all that the instruction paid. The payable is owed again, approved as it was, and goes\n\
        into the next batch; another bank account of the payee is confirmed before (`payment account`)."
    )]
    Return(ReturnArgs),
    /// The bank reconciliation: balance of the bank, of the books, and what stands between them
    #[command(after_help = "Example:\n  subsidy-ledger payment reconcile\n\n\
        Exit status 1 if they differ by more than the items that are listed.")]
    Reconcile,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Owed,
    Approved,
    Prepared,
    Sent,
    Paid,
    Offset,
    Revoked,
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

pub(super) async fn run(global: &Global, command: PaymentCommand) -> anyhow::Result<ExitCode> {
    match command {
        PaymentCommand::List(args) => list(global, args).await,
        PaymentCommand::Approve(args) => approve(global, args).await,
        PaymentCommand::Account(command) => account::run(global, command).await,
        PaymentCommand::OwnAccount(args) => account::propose_own(global, args).await,
        PaymentCommand::Batch(args) => batch::prepare(global, args).await,
        PaymentCommand::Release { batch } => batch::release(global, batch).await,
        PaymentCommand::Discard { batch, reason } => batch::discard(global, batch, reason).await,
        PaymentCommand::Export(args) => batch::export(global, args).await,
        PaymentCommand::Show { batch: Some(batch) } => batch::show(global, batch).await,
        PaymentCommand::Show { batch: None } => batch::list(global).await,
        PaymentCommand::Status { file } => bank::status(global, &file).await,
        PaymentCommand::Statement(args) => bank::statement(global, args).await,
        PaymentCommand::Unmatched { limit } => bank::unmatched(global, limit).await,
        PaymentCommand::Match(args) => bank::match_line(global, args).await,
        PaymentCommand::Return(args) => bank::return_payment(global, args).await,
        PaymentCommand::Reconcile => bank::reconcile(global).await,
    }
}

#[derive(Serialize)]
struct PayableLine {
    /// What the bank pays: less what was offset.
    amount: String,
    id: PayableId,
    number: Named<PayableId>,
    payee: PartyId,
    programme: String,
    /// What was offset against recoveries.
    set_off: String,
    state: PayableState,
    year: i16,
}

async fn list(global: &Global, args: ListArgs) -> anyhow::Result<ExitCode> {
    let state = match args.state {
        State::Owed => PayableState::Owed,
        State::Approved => PayableState::Approved,
        State::Prepared => PayableState::Prepared,
        State::Sent => PayableState::Sent,
        State::Paid => PayableState::Paid,
        State::Offset => PayableState::Offset,
        State::Revoked => PayableState::Revoked,
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
        output::at_limit(payables.len(), args.limit);
        let lines: Vec<PayableLine> = payables
            .into_iter()
            .map(|payable| PayableLine {
                amount: payable.rest().to_text(zone.currency),
                id: payable.id,
                number: Named::Entry(payable.owed_index),
                payee: payable.payee,
                programme: payable.line.programme.to_string(),
                set_off: payable.set_off.to_text(zone.currency),
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
                let offset = if line.set_off.chars().any(|c| ('1'..='9').contains(&c)) {
                    format!("\t{} offset", output::grouped(&line.set_off))
                } else {
                    String::new()
                };
                output::line(&format!(
                    "{:<8}\t{}\t{:>16}\t{}\t{}\t{}{offset}",
                    line.number.to_string(),
                    line.id,
                    output::grouped(&line.amount),
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
            "No payable waits for approval; with --state approved, prepared, sent or paid the others are listed."
        }
        PayableState::Approved => {
            "No payable is approved and in no batch; with --state owed, prepared, sent or paid the others are listed."
        }
        PayableState::Prepared => {
            "No payable is in a batch that waits for its release; with --state owed, approved, sent or paid the others \
             are listed."
        }
        PayableState::Sent => {
            "No payable waits for the bank's answer; with --state owed, approved, prepared or paid the others are listed."
        }
        PayableState::Paid => {
            "No payable is paid; with --state owed, approved, prepared or sent the others are listed."
        }
        PayableState::Offset => {
            "No payable is offset as a whole; with --state owed, approved, prepared, sent or paid the others are listed."
        }
        PayableState::Revoked => {
            "No payable is revoked; with --state owed, approved, prepared, sent or paid the others are listed."
        }
    }
}

pub(super) async fn payable_ids(
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
        ids.push(found.with_context(|| not_there(named, zone))?);
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
                    ApprovalOutcome::RefusedSegregation => {
                        "whoever redeemed or claimed, reviewed or approved it can't approve its payment"
                    }
                    ApprovalOutcome::RefusedRecused => {
                        "whoever is recused from the payee's cases, or acts for it, stays out of them"
                    }
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

/// The batch that somebody names.
async fn batch_id(
    session: &Session,
    zone: &Zone,
    named: Named<BatchId>,
) -> anyhow::Result<BatchId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(payment::find_batch(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| {
        format!(
            "no batch {named} in zone {}: `payment show` lists them",
            zone.code
        )
    })
}

/// The key of the zone's bank accounts, in the data folder.
async fn vault(session: &Session, zone: &Zone) -> anyhow::Result<Vault> {
    let input = (zone.clone(), session.keys());
    let opened = session.database.read(zone.id, input, |conn, (zone, keys)| {
        Box::pin(Vault::open(conn, zone, keys))
    });
    Ok(opened.await?)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("can't read {}", path.display()))
}

/// A file of the bank.
fn from_bank(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = read(path)?;
    ensure!(
        !bytes.trim_ascii().is_empty(),
        "{} is empty: nothing was changed; fetch the file from the bank again",
        path.display()
    );
    Ok(bytes)
}
