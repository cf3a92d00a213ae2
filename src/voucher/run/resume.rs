//! Carrying a run out to its end, from wherever it stands.

use sqlx::PgConnection;

use super::award::{self, Part};
use super::{Progress, Run, store};
use crate::batch::{BatchError, Rejected};
use crate::db::Database;
use crate::identity::Caller;
use crate::types::{RunId, Zone};

/// Why a run did not go on. What was awarded before stays awarded.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It may not go on, or not by this person.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// A part was undone as a whole.
    #[error(transparent)]
    Voucher(#[from] BatchError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Carries a run out, `size` parties in a transaction, and tells `progress` after each. It can be stopped at any moment,
/// and given again: it goes on where it was. While one part is recorded, the next one is looked up.
pub async fn resume(
    database: &Database,
    caller: &Caller,
    run: RunId,
    size: u32,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<Progress, ResumeError> {
    let run = find(database, &caller.zone, run).await?;
    let size = size.max(1);
    let mut done = run.progress;
    let mut part = look_up(database, &caller.zone, &run, done.decided, size).await?;
    loop {
        let next = look_up(database, &caller.zone, &run, part.end(), size);
        let (now, next) = tokio::join!(carry_out(database, caller, part), next);
        done = now?;
        progress(done);
        if done.is_done() {
            return Ok(done);
        }
        part = next?;
        if part.begins_after() != done.decided {
            // Somebody else carries it out too.
            part = look_up(database, &caller.zone, &run, done.decided, size).await?;
        }
    }
}

async fn find(database: &Database, zone: &Zone, id: RunId) -> Result<Run, ResumeError> {
    let found = database
        .read(zone.id, (zone.clone(), id), |conn, (zone, id)| {
            Box::pin(store::run(conn, zone, *id))
        })
        .await?;
    found.ok_or_else(|| {
        let (what, id) = ("award run", id.to_string());
        Rejected::Unknown { what, id }.into()
    })
}

async fn look_up(
    database: &Database,
    zone: &Zone,
    run: &Run,
    after: u32,
    size: u32,
) -> Result<Part, BatchError> {
    let input = (zone.clone(), run.clone(), after, size);
    database
        .read(zone.id, input, |conn: &mut PgConnection, input| {
            let (zone, run, after, size) = input;
            Box::pin(award::prepare(conn, zone, run, *after, *size))
        })
        .await
}

async fn carry_out(
    database: &Database,
    caller: &Caller,
    part: Part,
) -> Result<Progress, ResumeError> {
    let input = (caller.clone(), part);
    let awarded = database
        .write(caller.zone.id, input, |conn, (caller, part)| {
            Box::pin(async move { award::award(conn, &caller.command(), part).await })
        })
        .await?;
    Ok(awarded?)
}
