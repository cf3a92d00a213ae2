//! The private Postgres of a data folder, used when no server is named.
//!
//! Many processes may use one data folder at once. Each holds a shared lock on `users.lock`; whoever
//! finds no server running starts it, under `start.lock`; the last to close it stops it. After a
//! `kill -9` of every user the [`guard()`] stops the server, or the next user adopts it. After a
//! `kill -9` of the server the next user starts it again and Postgres recovers.

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
use std::path::{Path, PathBuf};

use sqlx::postgres::PgConnectOptions;

pub use binaries::{Binaries, find_psql};
pub use error::PrivatePostgresError;
pub use guard::{GUARD_SUBCOMMAND, guard};
pub use install::install_binaries;
pub use locks::{ServiceLock, ServiceLockError};

use super::Role;
use account::server_account;
use error::OnPath;
use layout::Layout;
use passwords::{Passwords, SUPERUSER};

/// How to run a private Postgres.
#[derive(Clone, Debug, Default)]
pub struct PrivateSettings {
    /// Folder of `initdb` and `postgres` (`SUBSIDY_LEDGER_PG_BIN`); looked for when absent.
    pub binaries: Option<PathBuf>,
    /// Executable that runs [`guard()`] for [`GUARD_SUBCOMMAND`]: our own, when it is the main binary.
    pub guard: Option<PathBuf>,
}

/// A running private Postgres, and our use of it. Dropping it ends the use but leaves the server to
/// its other users, to the guard or to the next start; [`close`](Self::close) stops it if we were
/// the last.
#[derive(Debug)]
pub struct PrivatePostgres {
    layout: Layout,
    passwords: Passwords,
    users_lock: File,
}

impl PrivatePostgres {
    /// Adopts the running server of the data folder, or makes and starts it; then makes the logins and
    /// the database `subsidy_ledger`, if they are missing.
    pub async fn open(
        data: &Path,
        settings: &PrivateSettings,
    ) -> Result<Self, PrivatePostgresError> {
        let (data, settings) = (data.to_path_buf(), settings.clone());
        let (server, start_lock) = unblock(move || Self::start(&data, &settings)).await?;
        bootstrap::bootstrap(&server.layout, &server.passwords).await?;
        drop(start_lock);
        Ok(server)
    }

    fn start(
        data: &Path,
        settings: &PrivateSettings,
    ) -> Result<(Self, File), PrivatePostgresError> {
        let account = server_account()?;
        let layout = Layout::prepare(data, account.as_ref())?;
        let start_lock = layout.lock_start()?;
        let users_path = layout.users_lock();
        let users_lock = locks::open(&users_path)?;
        // Nobody has it exclusively: that needs the start lock.
        users_lock.lock_shared().on("lock", &users_path)?;
        lifecycle::ensure_running(&layout, settings.binaries.as_deref(), account.as_ref())?;
        if let Some(executable) = &settings.guard {
            guard::ensure_guarded(&layout, data, executable);
        }
        let server = Self {
            passwords: Passwords::read(&layout)?,
            layout,
            users_lock,
        };
        Ok((server, start_lock))
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

    /// Ends our use, and stops the server if nobody else uses it. Close connections first: those still
    /// open are cut.
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
