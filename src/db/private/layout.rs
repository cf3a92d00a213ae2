//! The folders and files of a private Postgres.
//!
//! ```text
//! <data>/
//!   serve.lock            held by the one `serve` or `demo`
//!   postgres/             ours; 0700, or 0711 for root, so that the server can get at its folder
//!     data/               the cluster; the server's account's
//!     socket/             0700, the server's account's (or a short folder under /tmp)
//!     installed/          programs from PyPI or npm, if any
//!     passwords           0600, in the form of libpq's password file
//!     settings.conf        what this project sets; included by data/postgresql.conf
//!     postgres.log
//!     start.lock users.lock guard.lock
//! ```

use std::fs::{self, DirBuilder, File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{self, Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::account::{Account, blocked_at, give};
use super::error::{OnPath, PrivatePostgresError};
use super::locks;

/// Names the socket file; there is no TCP port.
pub(super) const PORT: u16 = 5432;

/// `sun_path` of `sockaddr_un` holds 108 bytes on Linux, with the final NUL.
const LONGEST_SOCKET_PATH: usize = 107;

/// Crash recovery of a large log may hold the start lock for minutes.
const START_LOCK_PATIENCE: Duration = Duration::from_mins(10);

/// Paths, all under folders that exist.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    root: PathBuf,
    socket_folder: PathBuf,
}

/// Where installed programs are, for those who have no [`Layout`].
pub(super) fn installed_folder(data: &Path) -> PathBuf {
    data.join("postgres/installed")
}

/// Where the cluster is, for those who only look.
pub(super) fn cluster_of(data: &Path) -> PathBuf {
    data.join("postgres/data")
}

impl Layout {
    /// Makes the folders that are missing. As root, first checks that the server's account will be
    /// able to enter them.
    pub(super) fn prepare(
        data: &Path,
        account: Option<&Account>,
    ) -> Result<Self, PrivatePostgresError> {
        let data = path::absolute(data).on("find", data)?;
        make_data_folder(&data, account)?;
        let root = data.join("postgres");
        make_folder(&root, folder_mode(account))?;
        let root = fs::canonicalize(&root).on("find", &root)?;
        check_traversable(&root, account)?;
        let socket_folder = socket_folder(&root);
        let layout = Self {
            root,
            socket_folder,
        };
        layout.make_socket_folder(account)?;
        Ok(layout)
    }

    pub(super) fn cluster(&self) -> PathBuf {
        self.root.join("data")
    }

    pub(super) fn unfinished_cluster(&self) -> PathBuf {
        self.root.join("data.new")
    }

    pub(super) fn installed(&self) -> PathBuf {
        self.root.join("installed")
    }

    pub(super) fn unfinished_install(&self) -> PathBuf {
        self.root.join("installed.new")
    }

    pub(super) fn passwords(&self) -> PathBuf {
        self.root.join("passwords")
    }

    pub(super) fn superuser_password(&self) -> PathBuf {
        self.root.join("superuser-password.new")
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.root.join("settings.conf")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.root.join("postgres.log")
    }

    pub(super) fn old_log(&self) -> PathBuf {
        self.root.join("postgres.log.old")
    }

    pub(super) fn pid_file(&self) -> PathBuf {
        self.cluster().join("postmaster.pid")
    }

    pub(super) fn users_lock(&self) -> PathBuf {
        self.root.join("users.lock")
    }

    pub(super) fn start_lock(&self) -> PathBuf {
        self.root.join("start.lock")
    }

    pub(super) fn guard_lock(&self) -> PathBuf {
        self.root.join("guard.lock")
    }

    pub(super) fn socket_folder(&self) -> &Path {
        &self.socket_folder
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.socket_folder.join(socket_name())
    }

    /// Keeps everybody else from starting and stopping the server, until dropped.
    pub(super) fn lock_start(&self) -> Result<File, PrivatePostgresError> {
        let path = self.start_lock();
        let file = locks::open(&path)?;
        if locks::lock_within(&file, START_LOCK_PATIENCE).on("lock", &path)? {
            Ok(file)
        } else {
            Err(PrivatePostgresError::Busy { lock: path })
        }
    }

    fn make_socket_folder(&self, account: Option<&Account>) -> Result<(), PrivatePostgresError> {
        let folder = &self.socket_folder;
        let owner = account.map_or_else(|| rustix::process::geteuid().as_raw(), |a| a.uid);
        if DirBuilder::new().mode(0o700).create(folder).is_ok() {
            give(folder, account)?;
        }
        let metadata = fs::symlink_metadata(folder).on("create", folder)?;
        let refuse = |reason| {
            Err(PrivatePostgresError::SocketFolder {
                path: folder.clone(),
                reason,
            })
        };
        // Under /tmp anybody may have made it before us.
        if !metadata.is_dir() {
            return refuse("it is not a folder");
        }
        if account.is_some() && metadata.uid() == 0 {
            give(folder, account)?; // made by a process that was killed before it gave it away
        } else if metadata.uid() != owner {
            return refuse(
                "it belongs to another user: run as that user, or choose another --data",
            );
        }
        if metadata.mode() & 0o077 != 0 {
            return refuse("others may enter it (its mode is not 0700)");
        }
        Ok(())
    }
}

/// Makes the data folder, after checking that the server's account will be able to enter it.
pub(super) fn make_data_folder(
    data: &Path,
    account: Option<&Account>,
) -> Result<(), PrivatePostgresError> {
    check_traversable(data, account)?;
    make_folder(data, folder_mode(account))
}

/// As root, others may pass through on their way to what is theirs, but not look around.
fn folder_mode(account: Option<&Account>) -> u32 {
    if account.is_some() { 0o711 } else { 0o700 }
}

fn socket_name() -> String {
    format!(".s.PGSQL.{PORT}")
}

/// Inside the data folder if its path is short enough, otherwise a folder that depends on that path
/// only. Not under `$TMPDIR`: two users of one data folder must agree.
fn socket_folder(root: &Path) -> PathBuf {
    let folder = root.join("socket");
    if folder.join(socket_name()).as_os_str().len() <= LONGEST_SOCKET_PATH {
        return folder;
    }
    let name = Sha256::digest(root.as_os_str().as_bytes())
        .iter()
        .take(8)
        .fold(0_u64, |name, byte| (name << 8) | u64::from(*byte));
    Path::new("/tmp").join(format!("subsidy-ledger-{name:016x}"))
}

fn check_traversable(path: &Path, account: Option<&Account>) -> Result<(), PrivatePostgresError> {
    let Some(account) = account else {
        return Ok(());
    };
    match blocked_at(path, account) {
        None => Ok(()),
        Some(blocked_at) => Err(PrivatePostgresError::NotTraversable {
            blocked_at,
            user: account.name.clone(),
        }),
    }
}

fn make_folder(path: &Path, mode: u32) -> Result<(), PrivatePostgresError> {
    if fs::metadata(path).as_ref().is_ok_and(Metadata::is_dir) {
        return Ok(());
    }
    match DirBuilder::new().recursive(true).mode(mode).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(PrivatePostgresError::NotAFolder {
                path: path.to_path_buf(),
            })
        }
        result => result.on("create", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_socket_folder_of_its_own() {
        let short = Path::new("/data/postgres");
        assert_eq!(socket_folder(short), Path::new("/data/postgres/socket"));
        let long = Path::new("/data").join("x".repeat(90)).join("postgres");
        let other = Path::new("/data").join("y".repeat(90)).join("postgres");
        assert!(socket_folder(&long).starts_with("/tmp"));
        assert_eq!(socket_folder(&long), socket_folder(&long));
        assert_ne!(socket_folder(&long), socket_folder(&other));
    }
}
