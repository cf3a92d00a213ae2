//! A pool of sessions in one role, and the transactions that everything runs in.

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::error::DatabaseError;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgDatabaseError, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Postgres, Transaction};
use tokio::task::JoinError;

use super::roles::{self, Role};
use crate::types::ZoneId;

/// How often a transaction that lost a deadlock or a serialization race is begun again.
const RETRIES: u32 = 5;

/// How long a session may have been idle and still be taken for alive.
const FRESH: Duration = Duration::from_secs(1);

/// How long a command waits for a free session before it fails, so that overload shows.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// A pool of sessions that act as one role. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    pool: PgPool,
}

impl Database {
    /// Opens a pool, and one session of it to see that it works.
    pub async fn connect(
        options: PgConnectOptions,
        role: Role,
        max_connections: u32,
    ) -> Result<Self, sqlx::Error> {
        // The pool would try again until it times out, and say only that.
        let mut first = options.connect().await?;
        roles::assume(&mut first, role).await?;
        first.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // Whether the server is still there is asked of sessions that were idle, not before every
            // transaction of busy ones.
            .test_before_acquire(false)
            .before_acquire(|conn, session| {
                Box::pin(async move {
                    if session.idle_for > FRESH {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_connect(move |conn, _| Box::pin(roles::assume(conn, role)))
            .connect_with(options)
            .await?;
        Ok(Self { pool })
    }

    /// The sessions themselves, for what is no transaction: health checks, COPY, LISTEN.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Waits for the sessions in use and closes them all.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Runs `body` in one transaction of a zone: commits if it succeeds, rolls back if it refuses,
    /// and begins again, up to five times, after a deadlock or a serialization failure (SQLSTATE
    /// 40P01, 40001), or when it was [`Overtaken`]. So `body` may run more than once, and must do nothing but use the connection.
    ///
    /// The body runs in a task of its own: a caller that is dropped (axum drops a handler when its
    /// client goes away) can't leave a session inside a transaction, and a command that has begun
    /// comes to its end. `input` is handed to the body by reference, since the task outlives the
    /// caller.
    ///
    /// ```ignore
    /// let receipt = database
    ///     .write(zone, (actor, now, order), |tx, (actor, now, order)| {
    ///         Box::pin(voucher::redeem(tx, actor, *now, order))
    ///     })
    ///     .await?;
    /// ```
    ///
    /// With no zone (`None`) row-level security shows no rows but the list of zones; [`enter_zone`]
    /// can choose one later.
    pub async fn write<I, T, E, F>(
        &self,
        zone: impl Into<Option<ZoneId>>,
        input: I,
        body: F,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: Error + From<sqlx::Error> + Send + 'static,
        F: for<'c> Fn(&'c mut PgConnection, &'c I) -> BoxFuture<'c, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        self.transact(Mode::Write, zone.into(), input, body).await
    }

    /// Like [`write`](Self::write), in a read-only transaction that sees one snapshot (REPEATABLE
    /// READ), so that figures read by several statements agree. Never decide on money by it.
    pub async fn read<I, T, E, F>(
        &self,
        zone: impl Into<Option<ZoneId>>,
        input: I,
        body: F,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: Error + From<sqlx::Error> + Send + 'static,
        F: for<'c> Fn(&'c mut PgConnection, &'c I) -> BoxFuture<'c, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        self.transact(Mode::Read, zone.into(), input, body).await
    }

    async fn transact<I, T, E, F>(
        &self,
        mode: Mode,
        zone: Option<ZoneId>,
        input: I,
        body: F,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: Error + From<sqlx::Error> + Send + 'static,
        F: for<'c> Fn(&'c mut PgConnection, &'c I) -> BoxFuture<'c, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        let pool = self.pool.clone();
        let task = tokio::spawn(async move {
            let mut conn = pool.acquire().await?;
            let mut retries = 0;
            loop {
                match attempt(&mut conn, mode, zone, &input, &body).await {
                    Err(error) if retries < RETRIES && lost_a_race(&error) => {
                        tracing::debug!(%error, retries, "transaction begins again");
                        tokio::time::sleep(pause(retries)).await;
                        retries += 1;
                    }
                    result => return result,
                }
            }
        });
        task.await.unwrap_or_else(|ended| Err(aborted(ended)))
    }
}

#[derive(Clone, Copy)]
enum Mode {
    Write,
    Read,
}

impl Mode {
    fn begin(self) -> &'static str {
        match self {
            // Commands look up rows by their keys: one plan is right for every call, and need not be made
            // again for each.
            Self::Write => "BEGIN READ WRITE; SET LOCAL plan_cache_mode = force_generic_plan",
            Self::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// Begins, and sets the zone on the same way to the server.
    #[expect(
        clippy::disallowed_methods,
        reason = "what begins a transaction can't be bound; a zone's number is digits"
    )]
    fn begin_in(self, zone: Option<ZoneId>) -> AssertSqlSafe<String> {
        let begin = self.begin();
        AssertSqlSafe(match zone {
            Some(zone) => format!("{begin}; SET LOCAL app.zone = '{zone}'"),
            None => begin.to_owned(),
        })
    }
}

async fn attempt<I, T, E, F>(
    conn: &mut PoolConnection<Postgres>,
    mode: Mode,
    zone: Option<ZoneId>,
    input: &I,
    body: &F,
) -> Result<T, E>
where
    I: Sync,
    T: Send,
    E: From<sqlx::Error> + Send,
    F: for<'c> Fn(&'c mut PgConnection, &'c I) -> BoxFuture<'c, Result<T, E>> + Sync,
{
    let mut tx: Transaction<'_, Postgres> =
        Connection::begin_with(&mut **conn, mode.begin_in(zone)).await?;
    match body(&mut tx, input).await {
        Ok(value) => {
            tx.commit().await?;
            Ok(value)
        }
        Err(refusal) => {
            // The refusal is what the caller must see; a session that can't roll back is discarded.
            if let Err(error) = tx.rollback().await {
                tracing::warn!(%error, "rollback failed");
            }
            Err(refusal)
        }
    }
}

/// From here to the end of the transaction every statement is planned for the tables as they are. A command that fills a
/// table by the hundred thousand, in one transaction or in many, asks for this: a plan that was made while it was empty
/// looks through all of it for each batch.
pub async fn plan_each_time(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SET LOCAL plan_cache_mode = force_custom_plan")
        .execute(tx)
        .await?;
    Ok(())
}

/// Sets the zone that row-level security admits, until the transaction ends.
pub async fn enter_zone(tx: &mut PgConnection, zone: ZoneId) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('app.zone', $1, true)")
        .bind(zone.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// Another transaction did first what this one was about to do; begun again, this one sees that. A
/// feature's error that has it as a source makes [`Database::write`] begin again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another transaction did the same at the same moment")]
pub struct Overtaken;

/// Whether the same transaction may succeed when begun again. Looks through a feature's own errors.
fn lost_a_race(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause.is::<Overtaken>() || matches!(sqlstate(cause).as_deref(), Some("40001" | "40P01"))
    })
}

/// Whether a transaction waited too long for one that holds what it needs: nothing is wrong with the command, and nothing
/// of it was done. Looks through a feature's own errors.
pub fn is_busy(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| sqlstate(cause).as_deref() == Some("55P03"))
}

/// Whether a session ended under a command, so that nobody knows whether its last transaction was committed. Looks
/// through a feature's own errors.
pub fn is_lost(error: &(dyn Error + 'static)) -> bool {
    // What the server says as it stops (57P01), or after another of its processes crashed (57P02).
    let is_stopping = |cause| matches!(sqlstate(cause).as_deref(), Some("57P01" | "57P02"));
    causes(error).any(is_stopping) || is_cut(error)
}

/// Whether a stream of the database's ended. An error that is "transparent" over sqlx's names the stream's as its cause,
/// and speaks in sqlx's words.
fn is_cut(error: &(dyn Error + 'static)) -> bool {
    let is_sqlx = causes(error).any(|cause| {
        cause
            .to_string()
            .starts_with("error communicating with database")
    });
    let is_end = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::UnexpectedEof
        )
    };
    is_sqlx && causes(error).any(|cause| cause.downcast_ref().is_some_and(is_end))
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The server's own code, if the error is its.
fn sqlstate<'a>(error: &'a (dyn Error + 'static)) -> Option<Cow<'a, str>> {
    if let Some(error) = error.downcast_ref::<sqlx::Error>() {
        return error.as_database_error().and_then(DatabaseError::code);
    }
    // An error that is "transparent" over sqlx's names the server's as its cause.
    if let Some(error) = error.downcast_ref::<Box<dyn DatabaseError>>() {
        return error.code();
    }
    let error = error.downcast_ref::<PgDatabaseError>()?;
    Some(error.code().into())
}

/// Up to 10 ms, then up to 20, 40, 80 and 160: random, so that the losers don't meet again.
fn pause(retries: u32) -> Duration {
    let most_ms = 10_u64 << retries;
    Duration::from_millis(rand::random_range(1..=most_ms))
}

fn aborted<E: From<sqlx::Error>>(ended: JoinError) -> E {
    if ended.is_panic() {
        std::panic::resume_unwind(ended.into_panic());
    }
    E::from(sqlx::Error::WorkerCrashed) // the runtime is being shut down
}
