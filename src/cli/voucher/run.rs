//! `voucher award-run …`: vouchers for everybody who qualifies, without application.

use std::process::ExitCode;
use std::sync::Mutex;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::print_answer;
use crate::batch::{Answered, BatchError, Rejected};
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::identity::Caller;
use crate::types::{Code, Day, LogIndex, Named, RunId, Zone};
use crate::voucher;
use crate::voucher::run::{self, Approve, Progress, Propose, Proposed, Run};

/// Awards without application.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RunCommand {
    /// List who qualifies, and propose vouchers for all of them (a reviewer)
    #[command(
        after_help = "Examples:\n  subsidy-ledger voucher award-run propose YH-VOUCHER --amount 5000.00 --dry-run --as reviewer\n  \
        subsidy-ledger voucher award-run propose SH-VOUCHER --on 2023-06-01 --as reviewer\n\n\
        The policy in force on the day decides on every enterprise, by the facts that the ledger has of it then.\n\
        Those that pass are the list, in the order of their registration; the list's SHA-256 stands in the entry.\n\
        The total counts each by itself: what firms share (a group's limit, the budget) is known when it is\n\
        carried out. A manager approves next: `voucher award-run approve`.\n\n\
        A second run of the programme gives a second voucher to whoever still qualifies: a run awards nobody twice,\n\
        two runs do, as far as the policy's limits on what is held, given and counted leave room."
    )]
    Propose(ProposeArgs),
    /// Approve a run with its list (a manager; another person than proposed it)
    #[command(after_help = "Example:\n  subsidy-ledger voucher award-run approve R35 --as manager")]
    Approve {
        /// The run: R and the number of its entry, or its id
        run: Named<RunId>,
    },
    /// Carry an approved run out, or go on with it (a manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher award-run resume R35 --as manager\n\n\
        Each party of the list is decided on again, by what has been used of limits and budget by then, and gets an\n\
        entry with its decision: a voucher, or why not. It can be stopped at any moment and given again; it goes on\n\
        where it was, and awards nobody twice."
    )]
    Resume(ResumeArgs),
    /// List runs, the newest first
    #[command(after_help = "Example:\n  subsidy-ledger voucher award-run list --json")]
    List {
        /// Only those before this run's number
        #[arg(long, value_name = "NUMBER")]
        before: Option<i64>,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u16,
    },
    /// Show a run and how far it has come
    #[command(after_help = "Example:\n  subsidy-ledger voucher award-run show R35")]
    Show {
        /// The run: R and the number of its entry, or its id
        run: Named<RunId>,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ProposeArgs {
    /// Programme
    programme: Code,
    /// What each party gets at most, where the policy starts from a requested amount
    #[arg(long)]
    amount: Option<String>,
    /// The day for which it is decided who qualifies; today if left out
    #[arg(long, value_name = "DAY")]
    on: Option<Day>,
    /// Say what the list would be, and record nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ResumeArgs {
    /// The run: R and the number of its entry, or its id
    run: Named<RunId>,
    /// Parties in one transaction
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    part: u32,
}

/// A run as it is shown.
#[derive(Serialize)]
struct RunLine {
    approved: bool,
    awarded: u32,
    candidates: u32,
    day: NaiveDate,
    decided: u32,
    given: String,
    id: RunId,
    list_sha256: String,
    number: Named<RunId>,
    programme: Code,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<String>,
    total: String,
}

impl RunLine {
    fn of(run: &Run, zone: &Zone) -> Self {
        let text = |money: crate::types::Money| money.to_text(zone.currency);
        Self {
            approved: run.approved_by.is_some(),
            awarded: run.progress.awarded,
            candidates: run.candidates,
            day: run.day,
            decided: run.progress.decided,
            given: text(run.progress.given),
            id: run.id,
            list_sha256: run.list_sha256.to_string(),
            number: Named::Entry(run.proposed_index),
            programme: run.programme.clone(),
            requested: run.requested.map(|amount| text(amount.money())),
            total: text(run.total),
        }
    }

    const fn state(&self) -> &'static str {
        if !self.approved {
            "proposed"
        } else if self.decided == self.candidates {
            "done"
        } else if self.decided == 0 {
            "approved"
        } else {
            "under way"
        }
    }
}

pub(in crate::cli) async fn run(global: &Global, command: RunCommand) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| match command {
        RunCommand::Propose(args) => propose(global, session, args).await,
        RunCommand::Approve { run } => approve(global, session, run).await,
        RunCommand::Resume(args) => resume(global, session, args).await,
        RunCommand::List { before, limit } => list(global, session, before, limit).await,
        RunCommand::Show { run } => show(global, session, run).await,
    })
    .await
}

/// How a proposal's transaction ends without a commit.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    /// A dry run went well.
    #[error("dry run")]
    DryRun(Box<Proposed>),
    #[error(transparent)]
    Rejected(#[from] Rejected),
    #[error(transparent)]
    Failed(#[from] BatchError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

async fn propose(
    global: &Global,
    session: &Session,
    args: ProposeArgs,
) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let input = Propose {
        amount: args.amount,
        day: args.on.map_or_else(|| caller.command().today(), Day::date),
        programme: args.programme,
    };
    let kept = propose_or_not(session, &caller, input, args.dry_run).await;
    let (index, proposed) = match kept {
        Ok(Answered { index, answer }) => (Some(index), answer),
        Err(NotKept::DryRun(answer)) => (None, *answer),
        Err(error) => return Err(error.into()),
    };
    if index.is_some() {
        session.sign(&caller.zone, caller.now).await;
    }
    let number = index.map(Named::<RunId>::Entry);
    if global.json {
        let dry_run = number.is_none();
        let answer = serde_json::json!({ "dry_run": dry_run, "number": number, "run": proposed });
        output::json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let enterprises = output::counted(proposed.looked_at, "enterprise", "enterprises");
    output::line(&format!(
        "{} of {enterprises} qualify, for {} in all; the programme has {} left.",
        proposed.candidates,
        output::grouped(&proposed.total),
        output::grouped(&proposed.budget_left)
    ))?;
    output::line(&match number {
        Some(number) => format!(
            "Proposed as {number}; list {}. Next: `voucher award-run approve {number}`",
            proposed.list_sha256
        ),
        None => format!("List {}; nothing was recorded.", proposed.list_sha256),
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn propose_or_not(
    session: &Session,
    caller: &Caller,
    input: Propose,
    dry_run: bool,
) -> Result<Answered<Proposed>, NotKept> {
    let input = (caller.clone(), input, dry_run);
    session
        .database
        .write(caller.zone.id, input, |conn, (caller, input, dry_run)| {
            Box::pin(async move {
                let requests = [(caller.command(), input.clone())];
                let answers = run::propose(conn, &requests).await?;
                let missing = || sqlx::Error::RowNotFound;
                let answer = answers.into_iter().next().ok_or_else(missing)??;
                if *dry_run {
                    Err(NotKept::DryRun(Box::new(answer.answer)))
                } else {
                    Ok(answer)
                }
            })
        })
        .await
}

async fn approve(
    global: &Global,
    session: &Session,
    named: Named<RunId>,
) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let run = run_id(session, &caller.zone, named).await?;
    let mut answers = session
        .command(&caller, Approve { run }, |conn, command, input| {
            let requests = [(command, input.clone())];
            Box::pin(async move { run::approve(conn, &requests).await })
        })
        .await?;
    let answer = answers.pop().context("BUG: one request has one answer")??;
    let refused = matches!(answer.answer, run::ApproveAnswer::Refused(_));
    if global.json {
        output::json(&answer)?;
    } else {
        print_answer(&serde_json::to_value(&answer)?)?;
    }
    Ok(if refused {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn resume(global: &Global, session: &Session, args: ResumeArgs) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let id = run_id(session, &caller.zone, args.run).await?;
    let bar = output::progress(0).with_message("awarding");
    let last: Mutex<Option<Progress>> = Mutex::new(None);
    let tell = |progress: Progress| {
        bar.set_length(progress.candidates.into());
        bar.set_position(progress.decided.into());
        if let Ok(mut last) = last.lock() {
            *last = Some(progress);
        }
    };
    let done = run::resume(&session.database, &caller, id, args.part, tell).await;
    bar.finish_and_clear();
    if last.lock().is_ok_and(|last| last.is_some()) {
        session.sign(&caller.zone, caller.now).await;
    }
    let done = done?;
    if global.json {
        let given = done.given.to_text(caller.zone.currency);
        let answer = serde_json::json!({ "given": given, "run": id, "progress": done });
        output::json(&answer)?;
    } else {
        let vouchers = output::counted(done.awarded, "voucher", "vouchers");
        output::line(&format!(
            "All {} of the list are decided: {vouchers} over {}, {} refused.",
            done.candidates,
            done.given.to_grouped_text(caller.zone.currency),
            done.decided.saturating_sub(done.awarded)
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(
    global: &Global,
    session: &Session,
    before: Option<i64>,
    limit: u16,
) -> anyhow::Result<ExitCode> {
    let zone = session.zone(global).await?;
    let input = (zone.clone(), before.map(LogIndex), limit);
    let runs = session
        .database
        .read(zone.id, input, |conn, (zone, before, limit)| {
            Box::pin(run::store::runs(conn, zone, *before, *limit))
        })
        .await?;
    let lines: Vec<RunLine> = runs.iter().map(|run| RunLine::of(run, &zone)).collect();
    if global.json {
        output::json(&lines)?;
    } else if lines.is_empty() {
        output::line("No award run.")?;
    } else {
        output::line(&format!(
            "{:<8} {:<16} {:<10} {:<9} {:>10} {:>10} {:>10} {:>18}",
            "number", "programme", "day", "state", "listed", "decided", "awarded", "given"
        ))?;
        for line in &lines {
            output::line(&format!(
                "{:<8} {:<16} {:<10} {:<9} {:>10} {:>10} {:>10} {:>18}",
                line.number.to_string(),
                line.programme,
                line.day,
                line.state(),
                line.candidates,
                line.decided,
                line.awarded,
                output::grouped(&line.given)
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(global: &Global, session: &Session, named: Named<RunId>) -> anyhow::Result<ExitCode> {
    let zone = session.zone(global).await?;
    let id = run_id(session, &zone, named).await?;
    let found = session
        .database
        .read(zone.id, (zone.clone(), id), |conn, (zone, id)| {
            Box::pin(run::store::run(conn, zone, *id))
        })
        .await?;
    let found = found.with_context(|| format!("no award run {named} in zone {}", zone.code))?;
    let line = RunLine::of(&found, &zone);
    if global.json {
        output::json(&line)?;
    } else {
        output::line(&format!("{:>12}: {}", "state", line.state()))?;
        print_answer(&serde_json::to_value(&line)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_id(session: &Session, zone: &Zone, named: Named<RunId>) -> anyhow::Result<RunId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(voucher::find_run(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| format!("no award run {named} in zone {}", zone.code))
}
