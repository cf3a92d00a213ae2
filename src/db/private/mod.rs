//! The private Postgres of a data folder, used when no server is named.
//!
//! Many processes may use one data folder at once. Each holds a shared lock on `users.lock`;
//! whoever finds no server running starts it, under `start.lock`; the last to close it stops it.
//! After a `kill -9` of every user the [`guard()`] stops the server, or the next user adopts it.
//! After a `kill -9` of the server the next user starts it again and Postgres recovers.

mod account;
mod binaries;
mod bootstrap;
mod error;
mod guard;
mod initdb;
mod install;
mod layout;
mod lifecycle;
mod locks;
mod passwords;
mod process;

use std::fs::File;
use std::io;
use std::path::{self, Path, PathBuf};
use std::time::Duration;

use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::watch;

pub use binaries::{Binaries, find_psql};
pub use error::PrivatePostgresError;
pub use guard::{GUARD_SUBCOMMAND, guard};
pub use install::{fetch_binaries, install_binaries};
pub use locks::{ServiceLock, ServiceLockError};

use super::Role;
use account::{Account, server_account};
use error::OnPath;
use layout::Layout;
use passwords::{Passwords, SUPERUSER};
use process::State;

const BOOTSTRAP_RETRIES: u32 = 10;

/// How often a service looks whether its server still runs.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How to run a private Postgres.
#[derive(Clone, Debug, Default)]
pub struct PrivateSettings {
    /// Folder of `initdb` and `postgres` (`SUBSIDY_LEDGER_PG_BIN`); looked for when absent.
    pub binaries: Option<PathBuf>,
    /// Executable that runs [`guard()`] for [`GUARD_SUBCOMMAND`]: our own, when it is the main
    /// binary.
    pub guard: Option<PathBuf>,
}

/// A running private Postgres, and our use of it. Dropping it ends the use but leaves the server to
/// its other users, to the guard or to the next start; [`close`](Self::close) stops it if we were
/// the last.
#[derive(Debug)]
pub struct PrivatePostgres {
    layout: Layout,
    passwords: Passwords,
    starter: Starter,
    users_lock: File,
}

impl PrivatePostgres {
    /// Adopts the running server of the data folder, or makes and starts it; then makes the logins
    /// and the database `subsidy_ledger`, if they are missing.
    pub async fn open(
        data: &Path,
        settings: &PrivateSettings,
    ) -> Result<Self, PrivatePostgresError> {
        let data = path::absolute(data).on("find", data)?;
        let settings = settings.clone();
        let (layout, starter, users_lock) = unblock(move || {
            let account = server_account()?;
            let layout = Layout::prepare(&data, account.as_ref())?;
            let users_path = layout.users_lock();
            let users_lock = locks::open(&users_path)?;
            // Only whoever is stopping the server has it exclusively, and the start lock with it.
            let start_lock = layout.lock_start()?;
            users_lock.lock_shared().on("lock", &users_path)?;
            drop(start_lock);
            let starter = Starter {
                data,
                settings,
                account,
            };
            Ok((layout, starter, users_lock))
        })
        .await?;
        let passwords = starter.start(&layout).await?;
        Ok(Self {
            layout,
            passwords,
            starter,
            users_lock,
        })
    }

    /// Starts the server again if it has ended under us, as when it was killed.
    pub async fn revive(&self) -> Result<(), PrivatePostgresError> {
        self.starter.start(&self.layout).await.map(drop)
    }

    /// Starts the server again whenever it has ended under us, until `stopping` is true. For a service:
    /// a command that finds no server just fails.
    ///
    /// Between two starts it waits twice as long each time, up to a minute, until the server is found
    /// running: one that dies at every start must not take the whole machine.
    pub async fn keep_running(&self, mut stopping: watch::Receiver<bool>) {
        let mut pause = WATCH_INTERVAL;
        loop {
            // Only the wait is cut short: half a start would go on without its lock.
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
            match self.has_ended().await {
                Ok(false) => {
                    pause = WATCH_INTERVAL;
                    continue;
                }
                Ok(true) => tracing::error!("the private Postgres has ended: starting it again"),
                Err(error) => tracing::error!(%error, "the private Postgres can't be watched"),
            }
            match self.revive().await {
                Ok(()) => tracing::warn!("the private Postgres runs again"),
                Err(error) => tracing::error!(%error, "the private Postgres did not start"),
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Whether no process of the server is left that could serve. One that starts, stops or is slow to
    /// answer has not ended.
    async fn has_ended(&self) -> Result<bool, PrivatePostgresError> {
        let layout = self.layout.clone();
        let state = unblock(move || process::observe(&layout)).await?;
        Ok(match state {
            State::Stopped | State::Dying => true,
            State::Ready(_) | State::Changing(_) | State::Silent(_) => false,
        })
    }

    /// Logs in as the login of a role, into the database `subsidy_ledger`.
    pub fn connect_options(&self, role: Role) -> PgConnectOptions {
        bootstrap::connect_options(&self.layout, &self.passwords, role.login())
    }

    /// Logs in as the superuser `postgres`, for repairs and to show that tampering is noticed.
    pub fn superuser_options(&self) -> PgConnectOptions {
        bootstrap::connect_options(&self.layout, &self.passwords, SUPERUSER)
    }

    /// For `psql --host`.
    pub fn socket_folder(&self) -> &Path {
        self.layout.socket_folder()
    }

    /// For `PGPASSFILE`: holds the passwords of all logins.
    pub fn password_file(&self) -> PathBuf {
        self.layout.passwords()
    }

    /// Ends our use, and stops the server if nobody else uses it. Close connections first: those
    /// still open are cut.
    pub async fn close(self) -> Result<(), PrivatePostgresError> {
        unblock(move || {
            let _start_lock = self.layout.lock_start()?;
            drop(self.users_lock);
            let users_path = self.layout.users_lock();
            let users_lock = locks::open(&users_path)?;
            if locks::try_lock(&users_lock).on("lock", &users_path)? {
                lifecycle::stop(&self.layout)?;
            }
            Ok(())
        })
        .await
    }
}

/// What it takes to start the server.
#[derive(Clone, Debug)]
struct Starter {
    data: PathBuf,
    settings: PrivateSettings,
    account: Option<Account>,
}

impl Starter {
    /// Makes sure that the server runs and has its logins and database.
    async fn start(&self, layout: &Layout) -> Result<Passwords, PrivatePostgresError> {
        let own_layout = layout.clone();
        let start_lock = unblock(move || own_layout.lock_start()).await?;
        let mut attempts = 0;
        let passwords = loop {
            let (starter, own_layout) = (self.clone(), layout.clone());
            let passwords = unblock(move || starter.start_once(&own_layout)).await?;
            match bootstrap::bootstrap(layout, &passwords).await {
                // It looked well, but was just being killed or stopped.
                Err(error) if attempts < BOOTSTRAP_RETRIES && is_gone(&error) => {
                    attempts += 1;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                result => break result.map(|()| passwords)?,
            }
        };
        drop(start_lock);
        Ok(passwords)
    }

    fn start_once(&self, layout: &Layout) -> Result<Passwords, PrivatePostgresError> {
        let binaries = self.settings.binaries.as_deref();
        lifecycle::ensure_running(layout, binaries, self.account.as_ref())?;
        if let Some(executable) = &self.settings.guard {
            guard::ensure_guarded(layout, &self.data, executable);
        }
        Passwords::read(layout)
    }
}

/// Whether the server ended: the connection broke, or it said that it is shutting down (57P01),
/// crashed (57P02) or not yet up (57P03).
fn is_gone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    matches!(error, sqlx::Error::Io(_))
        || matches!(code.as_deref(), Some("57P01" | "57P02" | "57P03"))
}

/// Whether a private Postgres was ever made in this data folder. Makes nothing. A folder that can't be
/// looked into may have one: whoever opens it says what is wrong.
pub fn has_cluster(data: &Path) -> bool {
    layout::cluster_of(data).try_exists().unwrap_or(true)
}

/// Makes the data folder as a private Postgres would, whichever database is used.
fn make_data_folder(data: &Path) -> Result<(), PrivatePostgresError> {
    layout::make_data_folder(data, server_account()?.as_ref())
}

/// Runs waiting work away from the async threads.
async fn unblock<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PrivatePostgresError> + Send + 'static,
) -> Result<T, PrivatePostgresError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        Err(ended) => Err(sqlx::Error::Io(io::Error::other(ended)).into()),
    }
}
