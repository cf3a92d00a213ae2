//! `job …`: work that is done at times, its runs, and reminders.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use serde_json::json;

use super::session::{Session, with_session};
use super::{Global, output};
use crate::clock::Clock;
use crate::identity::Caller;
use crate::job::store::ReminderFilter;
use crate::job::{self, Begun, Job, Reminder, ReminderKind, Run, RunOutcome};
use crate::report::{Align, Table};
use crate::types::{RunId, Zone};

/// Work that is done at times rather than by somebody.
#[derive(Debug, Subcommand)]
pub(super) enum JobCommand {
    /// Run a job, or all of them (the zone's system, or a manager)
    ///
    /// Let cron or a systemd timer run it once a day, after midnight in the zone's time. Safe to run twice, on two machines,
    /// late, and to be killed: what was done stays done, and the next run goes on. A run that nothing was heard of for a
    /// minute is written down as interrupted. Where another run of a job goes on, the exit status is 1. A --key has no effect:
    /// each run does what is there to be done.
    #[command(
        after_help = "Examples:\n  subsidy-ledger job run --as system\n  subsidy-ledger job run reminders --as system --json"
    )]
    Run {
        /// Which; all, if none is named
        #[arg(value_enum)]
        job: Option<JobArg>,
    },
    /// List runs, the newest first: when, by whom, what they did and how they ended
    #[command(after_help = "Example:\n  subsidy-ledger job runs --limit 5")]
    Runs(RunsArgs),
    /// List reminders, the newest first
    #[command(
        after_help = "Example:\n  subsidy-ledger job reminders --kind instalment-overdue --limit 20"
    )]
    Reminders(RemindersArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum JobArg {
    /// Lapses what is free on vouchers whose last day has passed
    VoucherExpiry,
    /// Reminds of what is due
    Reminders,
}

impl JobArg {
    const fn job(self) -> Job {
        match self {
            Self::VoucherExpiry => Job::VoucherExpiry,
            Self::Reminders => Job::Reminders,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct RunsArgs {
    /// Of this job
    #[arg(value_enum)]
    job: Option<JobArg>,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1_000))]
    limit: i64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArg {
    /// Vouchers with something free whose last day is near
    VoucherExpires,
    /// Claims whose public notice is over
    NoticeOver,
    /// Instalments of deferred rent that are due soon
    InstalmentDue,
    /// Instalments of deferred rent that were not paid
    InstalmentOverdue,
    /// Money to be paid back that is due soon
    RecoveryDue,
    /// Money to be paid back that did not come
    RecoveryOverdue,
}

impl KindArg {
    const fn kind(self) -> ReminderKind {
        match self {
            Self::VoucherExpires => ReminderKind::VoucherExpires,
            Self::NoticeOver => ReminderKind::NoticeOver,
            Self::InstalmentDue => ReminderKind::InstalmentDue,
            Self::InstalmentOverdue => ReminderKind::InstalmentOverdue,
            Self::RecoveryDue => ReminderKind::RecoveryDue,
            Self::RecoveryOverdue => ReminderKind::RecoveryOverdue,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct RemindersArgs {
    /// Of this kind
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    /// That concern this party: unified social credit code, or id
    #[arg(long)]
    party: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

pub(super) async fn run(global: &Global, command: JobCommand) -> anyhow::Result<ExitCode> {
    match command {
        JobCommand::Run { job } => run_jobs(global, job).await,
        JobCommand::Runs(args) => runs(global, args).await,
        JobCommand::Reminders(args) => reminders(global, args).await,
    }
}

async fn run_jobs(global: &Global, job: Option<JobArg>) -> anyhow::Result<ExitCode> {
    let jobs = job.map_or_else(|| Job::ALL.to_vec(), |job| vec![job.job()]);
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let mut all = Vec::new();
        for job in jobs {
            let done = run_one(session, (global.clock(), &caller), job).await?;
            if !global.json {
                output::line(&match done {
                    Some(done) => format!("{}: {done} done.", job.as_str()),
                    None => format!(
                        "{}: a run goes on already; `job runs` shows it.",
                        job.as_str()
                    ),
                })?;
            }
            all.push(json!({ "job": job, "done": done }));
        }
        if global.json {
            output::json(&all)?;
        }
        // Nothing was done where another run goes on, and whoever waits for it has to know.
        let is_whole = all.iter().all(|one| !one["done"].is_null());
        Ok(if is_whole {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
    .await
}

/// Runs a job to its end, and says how many things it did; nothing if another run of it goes on.
async fn run_one(
    session: &Session,
    (clock, caller): (Clock, &Caller),
    job: Job,
) -> anyhow::Result<Option<usize>> {
    let begun = session
        .command(caller, job, |conn, command, job| {
            Box::pin(async move { job::begin(conn, &command, *job).await })
        })
        .await?;
    let Begun::Run(run) = begun else {
        return Ok(None);
    };
    let bar = output::spinner(job.as_str());
    let taken = steps(session, (clock, caller), (run, job), &bar).await;
    bar.finish_and_clear();
    let failure = taken.as_ref().err().map(|error| format!("{error:#}"));
    session
        .command(
            &now(clock, caller),
            (run, failure),
            |conn, command, (run, failure)| {
                Box::pin(async move { job::end(conn, &command, *run, failure.as_deref()).await })
            },
        )
        .await?;
    taken
        .map(Some)
        .with_context(|| format!("{} failed", job.as_str()))
}

async fn steps(
    session: &Session,
    (clock, caller): (Clock, &Caller),
    of: (RunId, Job),
    bar: &ProgressBar,
) -> anyhow::Result<usize> {
    let mut all = 0;
    loop {
        let done = session
            .command(&now(clock, caller), of, |conn, command, of| {
                Box::pin(async move { job::step(conn, &command, *of).await })
            })
            .await?;
        if done == 0 {
            return Ok(all);
        }
        all += done;
        bar.inc(u64::try_from(done).unwrap_or(u64::MAX));
    }
}

/// The caller at this moment: a run may take long, and whoever looks at it sees when it last did something.
fn now(clock: Clock, caller: &Caller) -> Caller {
    Caller {
        now: clock.now(),
        ..caller.clone()
    }
}

async fn runs(global: &Global, args: RunsArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let input = (zone.id, args.job.map(JobArg::job), args.limit);
        let runs = session
            .database
            .read(zone.id, input, |conn, (zone, job, limit)| {
                Box::pin(job::store::runs(conn, *zone, *job, *limit))
            })
            .await?;
        output::at_limit(runs.len(), args.limit);
        if global.json {
            output::json(&runs)?;
            return Ok(ExitCode::SUCCESS);
        }
        if runs.is_empty() {
            output::line("No job was run yet: `job run --as system` runs all.")?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new([
            ("job", Align::Left),
            ("began", Align::Left),
            ("done", Align::Right),
            ("", Align::Left),
        ]);
        for run in &runs {
            table.row([
                run.job.as_str().to_owned(),
                when(&zone, run.started_at),
                run.done.to_string(),
                outcome(&zone, run),
            ]);
        }
        output::line(table.to_string().trim_end())?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// In the zone's time, to the second.
fn when(zone: &Zone, at: DateTime<Utc>) -> String {
    zone.time.local(at).format("%Y-%m-%d %H:%M:%S").to_string()
}

fn outcome(zone: &Zone, run: &Run) -> String {
    match (run.outcome, run.ended_at, &run.failure) {
        (Some(RunOutcome::Failed), _, Some(failure)) => format!("failed: {failure}"),
        (Some(outcome), Some(at), _) => format!("{} {}", outcome.as_str(), when(zone, at)),
        (Some(outcome), None, _) => outcome.as_str().to_owned(),
        (None, ..) => format!("goes on, last seen {}", when(zone, run.seen_at)),
    }
}

async fn reminders(global: &Global, args: RemindersArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let party = match &args.party {
            Some(text) => Some(super::desk::party_id(session, &zone, text).await?),
            None => None,
        };
        let filter = ReminderFilter {
            kind: args.kind.map(KindArg::kind),
            party,
        };
        let reminders = session
            .database
            .read(
                zone.id,
                (zone.id, filter, args.limit),
                |conn, (zone, filter, limit)| {
                    Box::pin(job::store::reminders(conn, *zone, *filter, *limit))
                },
            )
            .await?;
        output::at_limit(reminders.len(), args.limit);
        if global.json {
            output::json(&reminders)?;
        } else if reminders.is_empty() {
            output::line("There are no reminders: `job run reminders --as system` makes them.")?;
        } else {
            output::line(table(&reminders).to_string().trim_end())?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn table(reminders: &[Reminder]) -> Table {
    let mut table = Table::new([
        ("made", Align::Left),
        ("due", Align::Left),
        ("case", Align::Left),
        ("", Align::Left),
    ]);
    for one in reminders {
        let number = one
            .number
            .map_or_else(String::new, |number| format!(", number {number}"));
        table.row([
            one.made_on.to_string(),
            one.due.to_string(),
            one.case.clone(),
            format!("{}{number}", one.kind.sentence()),
        ]);
    }
    table
}
