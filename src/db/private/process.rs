//! What the server is doing, from its pid file, its socket and the process table.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::error::{OnPath, PrivatePostgresError};
use super::layout::Layout;

/// The state of the server of a data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// None runs, and nothing stands in the way of starting one.
    Stopped,
    /// It takes connections.
    Ready(i32),
    /// It runs, and is starting or stopping.
    Changing(i32),
    /// It runs, but does not answer on its socket.
    Silent(i32),
    /// It was killed, and some of its processes have not noticed yet.
    Dying,
}

/// Looks at the server. A pid file left by a killed server whose number went to another process is
/// removed: Postgres would refuse to start for ever.
pub(super) fn observe(layout: &Layout) -> Result<State, PrivatePostgresError> {
    let path = layout.pid_file();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Stopped),
        Err(error) => return Err(error).on("read", &path),
    };
    let Some(PidFile { pid, status }) = PidFile::parse(&text) else {
        return Ok(State::Stopped); // half written: Postgres judges it at the start
    };
    if UnixStream::connect(layout.socket()).is_ok() {
        return Ok(match status {
            Status::Ready => State::Ready(pid),
            Status::Changing => State::Changing(pid),
        });
    }
    match servers_processes(&layout.cluster()) {
        Some(pids) if pids.contains(&pid) => Ok(State::Silent(pid)),
        Some(pids) if !pids.is_empty() => Ok(State::Dying),
        Some(_) => {
            if exists(pid) {
                remove_stale(layout)?;
            }
            Ok(State::Stopped)
        }
        None if exists(pid) => Ok(State::Silent(pid)),
        None => Ok(State::Stopped),
    }
}

/// Asks the server for a fast shutdown: transactions are rolled back, data is written out.
pub(super) fn ask_to_stop(pid: i32) {
    if let Some(pid) = Pid::from_raw(pid) {
        // It may have ended by itself since we looked.
        let _ = kill_process(pid, Signal::INT);
    }
}

fn exists(pid: i32) -> bool {
    Pid::from_raw(pid).is_some_and(|pid| {
        // No right to signal it (EPERM) also means that it exists, but then it isn't our server.
        test_kill_process(pid).is_ok()
    })
}

/// Processes that have the cluster as their working folder, which is what all of Postgres's have.
/// `None` where the system doesn't tell: no `/proc`, or root in a container without
/// `CAP_SYS_PTRACE`.
fn servers_processes(cluster: &Path) -> Option<Vec<i32>> {
    let owner = fs::metadata(cluster).ok()?.uid();
    fs::metadata("/proc/self/cwd").ok()?;
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        if entry.metadata().is_ok_and(|process| process.uid() != owner) {
            continue;
        }
        match fs::read_link(entry.path().join("cwd")) {
            Ok(folder) if folder == cluster => pids.push(pid),
            Err(error)
                if error.kind() == io::ErrorKind::PermissionDenied && !is_zombie(&entry.path()) =>
            {
                return None;
            }
            _ => {}
        }
    }
    Some(pids)
}

/// Whether a process has ended and only waits for its parent to notice. It holds nothing.
fn is_zombie(process: &Path) -> bool {
    fs::read_to_string(process.join("stat")).is_ok_and(|stat| {
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.starts_with(" Z"))
    })
}

fn remove_stale(layout: &Layout) -> Result<(), PrivatePostgresError> {
    let socket_lock = layout.socket().with_added_extension("lock");
    for path in [layout.pid_file(), socket_lock] {
        tracing::warn!(file = %path.display(), "removing the stale lock file of a killed server");
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result.on("remove", &path)?,
        }
    }
    Ok(())
}

/// What `postmaster.pid` says: the process on line 1, its status on line 8 (PostgreSQL 10 and
/// later).
#[derive(Debug, PartialEq, Eq)]
struct PidFile {
    pid: i32,
    status: Status,
}

#[derive(Debug, PartialEq, Eq)]
enum Status {
    Ready,
    Changing,
}

impl PidFile {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim);
        let pid = lines.next()?.parse().ok()?;
        let status = match lines.nth(6) {
            Some("ready") => Status::Ready,
            _ => Status::Changing,
        };
        Some(Self { pid, status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_tells_process_and_status() {
        let text = "4711\n/data\n1700000000\n5432\n/data/socket\n\n  5432 0\nready   \n";
        let ready = PidFile {
            pid: 4711,
            status: Status::Ready,
        };
        assert_eq!(PidFile::parse(text), Some(ready));
        let starting = PidFile {
            pid: 4711,
            status: Status::Changing,
        };
        assert_eq!(
            PidFile::parse(&text.replace("ready", "starting")),
            Some(starting)
        );
        assert_eq!(PidFile::parse(""), None);
    }
}
