//! A run of a job, step by step. Whoever runs it begins, takes steps until one does nothing, and ends; each is a transaction.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use super::reminder::{Horizon, ReminderKind};
use super::{Job, store};
use crate::batch::BatchError;
use crate::identity::{Command, Forbidden, Role};
use crate::types::{PersonId, RunId};
use crate::voucher;

/// How many things one step does: what a transaction takes some tenths of a second for.
const STEP: i64 = 1_000;

/// A run that was not seen for so long is taken for dead: a step takes much less.
const DEAD_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Why a run did not go on.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Another one was taken for dead, or ended it.
    #[error("the run was ended by somebody else: it was not seen for a minute; run the job again")]
    Ended,
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A command of the job was undone.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Nothing was left to do.
    Finished,
    /// A step failed; what was done before it stays done.
    Failed,
    /// It was not heard of any more: its program was killed.
    Interrupted,
}

impl RunOutcome {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// A run as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Identity.
    pub run: RunId,
    /// Which job.
    pub job: Job,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// Who began it.
    pub started_by: PersonId,
    /// When it last did something.
    pub seen_at: DateTime<Utc>,
    /// How many things it did.
    pub done: i64,
    /// How it ended; `None` while it goes on.
    pub outcome: Option<RunOutcome>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// What came of beginning a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It goes on.
    Run(RunId),
    /// Another one of the same job goes on.
    GoesOn(Run),
}

/// Begins a run (the zone's system, or a manager), unless another one of the same job goes on. One that was not seen for a
/// minute is written down as interrupted.
pub async fn begin(
    conn: &mut PgConnection,
    command: &Command<'_>,
    job: Job,
) -> Result<Begun, JobError> {
    command.actor.require(&[Role::System, Role::Manager])?;
    let (zone, now) = (command.zone.id, command.now);
    // Of two that begin at once, one sees the other.
    store::lock(conn, zone, job).await?;
    if let Some(run) = store::going_on(conn, zone, job).await? {
        if now.signed_duration_since(run.seen_at) < DEAD_AFTER {
            return Ok(Begun::GoesOn(run));
        }
        let at = now.max(run.seen_at);
        store::end(conn, zone, run.run, (RunOutcome::Interrupted, None), at).await?;
    }
    let run = RunId::generate();
    store::insert(conn, zone, (run, job), command.actor.person, now).await?;
    Ok(Begun::Run(run))
}

/// Does some of what is to be done, and says how many things that were; none, when nothing is left.
pub async fn step(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (run, job): (RunId, Job),
) -> Result<usize, JobError> {
    command.actor.require(&[Role::System, Role::Manager])?;
    let done = match job {
        Job::VoucherExpiry => voucher::expire_due(conn, command, STEP).await?,
        Job::Reminders => {
            let horizon = Horizon::of(command.today());
            let mut made = 0;
            for kind in ReminderKind::ALL {
                made += store::remind(conn, command.zone.id, (run, kind), horizon, STEP).await?;
            }
            made
        }
    };
    // After the work, so that a run which was taken for dead leaves nothing that is not counted.
    if store::note_done(conn, command.zone.id, run, done, command.now).await? {
        Ok(done)
    } else {
        Err(JobError::Ended)
    }
}

/// Ends a run: with the reason, if a step failed.
pub async fn end(
    conn: &mut PgConnection,
    command: &Command<'_>,
    run: RunId,
    failure: Option<&str>,
) -> Result<(), JobError> {
    let outcome = if failure.is_some() {
        RunOutcome::Failed
    } else {
        RunOutcome::Finished
    };
    let failure: Option<String> = failure.map(|text| text.chars().take(1_000).collect());
    let ended = (outcome, failure.as_deref());
    store::end(conn, command.zone.id, run, ended, command.now).await?;
    Ok(())
}
