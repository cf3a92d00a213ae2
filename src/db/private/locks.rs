//! File locks. The system drops them when their holder ends, however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::error::{OnPath, PrivatePostgresError};

const POLL: Duration = Duration::from_millis(20);

pub(super) fn open(path: &Path) -> Result<File, PrivatePostgresError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .on("open", path)
}

/// Opens a lock file that exists; `None` if the data folder was removed.
pub(super) fn open_existing(path: &Path) -> Result<Option<File>, PrivatePostgresError> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.on("open", path).map(Some),
    }
}

/// Whether an exclusive lock could be had at once.
pub(super) fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Whether an exclusive lock could be had within `patience`.
pub(super) fn lock_within(file: &File, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    loop {
        if try_lock(file)? {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        thread::sleep(POLL);
    }
}

/// The right to be the one `serve` or `demo` of a data folder, until dropped.
#[derive(Debug)]
pub struct ServiceLock {
    _file: File,
}

/// Why the service may not start on a data folder.
#[derive(Debug, thiserror::Error)]
pub enum ServiceLockError {
    /// Another one runs there.
    #[error(
        "another subsidy-ledger ({holder}) already serves the data folder {data}; \
         stop it, or name another folder with --data DIR"
    )]
    Taken {
        /// The data folder.
        data: PathBuf,
        /// The other process, as far as it is known.
        holder: String,
    },
    /// The lock file can't be used.
    #[error(transparent)]
    File(#[from] PrivatePostgresError),
}

impl ServiceLock {
    /// Takes the lock `<data>/serve.lock`, or fails at once and names who has it. Makes the folder
    /// if it is missing, whichever database is used.
    pub fn take(data: &Path) -> Result<Self, ServiceLockError> {
        if !data.is_dir() {
            super::make_data_folder(data)?;
        }
        let path = data.join("serve.lock");
        let mut file = open(&path)?;
        if !try_lock(&file).on("lock", &path)? {
            let holder = fs::read_to_string(&path).unwrap_or_default();
            let holder = holder.trim();
            return Err(ServiceLockError::Taken {
                data: data.to_path_buf(),
                holder: if holder.is_empty() {
                    "which is just starting".to_owned()
                } else {
                    format!("process {holder}")
                },
            });
        }
        file.set_len(0).on("write", &path)?;
        writeln!(file, "{}", std::process::id()).on("write", &path)?;
        Ok(Self { _file: file })
    }
}
