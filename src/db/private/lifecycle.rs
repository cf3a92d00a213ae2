//! Starting, adopting and stopping the server. Callers hold the start lock.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::account::{Account, command_as};
use super::binaries::{self, Binaries};
use super::error::{OnPath, PrivatePostgresError};
use super::initdb;
use super::layout::{Layout, PORT};
use super::process::{State, ask_to_stop, observe};

const POLL: Duration = Duration::from_millis(10);
/// Recovery after a crash replays up to `max_wal_size` of log.
const START_PATIENCE: Duration = Duration::from_mins(10);
/// A server opens its socket before it recovers.
const SOCKET_PATIENCE: Duration = Duration::from_secs(5);
/// A killed server's processes notice its death, and its parent its end.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(10);
/// A fast shutdown writes out at most the shared buffers.
const STOP_PATIENCE: Duration = Duration::from_mins(2);
const LARGE_LOG_BYTES: u64 = 10 * 1024 * 1024;

/// Makes sure that the server runs: adopts one that does (somebody else's, or left over from a
/// killed user), otherwise makes the cluster if there is none, and starts it.
pub(super) fn ensure_running(
    layout: &Layout,
    configured: Option<&Path>,
    account: Option<&Account>,
) -> Result<(), PrivatePostgresError> {
    let begun = Instant::now();
    let mut refused_since = None;
    loop {
        match observe(layout)? {
            State::Ready(_) => return Ok(()),
            State::Silent(pid) if begun.elapsed() > SOCKET_PATIENCE => {
                return Err(PrivatePostgresError::SocketMissing {
                    socket: layout.socket(),
                    pid,
                });
            }
            State::Changing(_) | State::Silent(_) | State::Dying => {}
            State::Stopped => {
                let binaries = prepare_cluster(layout, configured, account)?;
                match start(layout, &binaries, account)? {
                    Outcome::Ready => return Ok(()),
                    Outcome::LockFileInTheWay { status, tail } => {
                        let since = *refused_since.get_or_insert_with(Instant::now);
                        if since.elapsed() > REFUSAL_PATIENCE {
                            return Err(PrivatePostgresError::Start {
                                status,
                                log: layout.log(),
                                tail,
                            });
                        }
                        thread::sleep(Duration::from_millis(200));
                    }
                }
            }
        }
        if begun.elapsed() > START_PATIENCE {
            return Err(slow("start", layout));
        }
        thread::sleep(POLL);
    }
}

fn prepare_cluster(
    layout: &Layout,
    configured: Option<&Path>,
    account: Option<&Account>,
) -> Result<Binaries, PrivatePostgresError> {
    let cluster = layout.cluster();
    let made_by = initdb::made_by(layout)?.map(|major| (cluster.as_path(), major));
    let binaries = binaries::find(configured, &layout.installed(), made_by, account)?;
    if made_by.is_none() {
        tracing::info!(major = binaries.major(), cluster = %cluster.display(), "making the private Postgres");
        initdb::make_cluster(layout, &binaries, account)?;
    }
    Ok(binaries)
}

enum Outcome {
    Ready,
    /// The lock file of a server that has just been killed: worth another try.
    LockFileInTheWay {
        status: ExitStatus,
        tail: String,
    },
}

fn start(
    layout: &Layout,
    binaries: &Binaries,
    account: Option<&Account>,
) -> Result<Outcome, PrivatePostgresError> {
    initdb::write_settings(layout)?;
    let log_path = layout.log();
    if fs::metadata(&log_path).is_ok_and(|log| log.len() > LARGE_LOG_BYTES) {
        fs::rename(&log_path, layout.old_log()).on("rename", &log_path)?;
    }
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&log_path)
        .on("open", &log_path)?;
    let old_length = log.metadata().on("read", &log_path)?.len();
    let child = command_as(account, &binaries.program("postgres"))
        .arg("-D")
        .arg(layout.cluster())
        .arg("-k")
        .arg(layout.socket_folder())
        .args(["-p", &PORT.to_string(), "-c", "listen_addresses="])
        // In a group of its own, so that Ctrl-C reaches the service alone, which then stops it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone().on("open", &log_path)?)
        .stderr(log)
        .spawn()
        .on("run postgres for", &layout.cluster())?;
    wait_until_ready(layout, child, old_length)
}

fn wait_until_ready(
    layout: &Layout,
    mut child: Child,
    old_log_length: u64,
) -> Result<Outcome, PrivatePostgresError> {
    let begun = Instant::now();
    loop {
        let ended = child
            .try_wait()
            .on("wait for postgres of", &layout.cluster())?;
        if let Some(status) = ended {
            let tail = log_after(layout, old_log_length);
            let in_the_way = (tail.contains("lock file") && tail.contains("already exists"))
                || tail.contains("pre-existing shared memory block");
            return if in_the_way {
                Ok(Outcome::LockFileInTheWay { status, tail })
            } else {
                Err(PrivatePostgresError::Start {
                    status,
                    log: layout.log(),
                    tail,
                })
            };
        }
        if matches!(observe(layout)?, State::Ready(pid) if u32::try_from(pid) == Ok(child.id())) {
            reap_when_it_ends(child);
            return Ok(Outcome::Ready);
        }
        if begun.elapsed() > START_PATIENCE {
            reap_when_it_ends(child);
            return Err(slow("start", layout));
        }
        thread::sleep(POLL);
    }
}

/// Until its parent has waited for it, a dead server counts as living, and a new one won't start.
pub(super) fn reap_when_it_ends(mut child: Child) {
    thread::spawn(move || child.wait());
}

/// What was logged since the log was `old_length` bytes long: its last lines.
fn log_after(layout: &Layout, old_length: u64) -> String {
    let bytes = fs::read(layout.log()).unwrap_or_default();
    let start = usize::try_from(old_length).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes.get(start..).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let skipped = lines.len().saturating_sub(20);
    lines
        .into_iter()
        .skip(skipped)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Stops the server, if it runs, and waits until it has ended.
pub(super) fn stop(layout: &Layout) -> Result<(), PrivatePostgresError> {
    let begun = Instant::now();
    let mut asked = None;
    loop {
        match observe(layout)? {
            State::Stopped => return Ok(()),
            State::Dying => {}
            State::Ready(pid) | State::Changing(pid) | State::Silent(pid) => {
                // Once is enough, but while starting it may not listen to signals yet.
                if asked.is_none_or(|at: Instant| at.elapsed() > Duration::from_secs(5)) {
                    ask_to_stop(pid);
                    asked = Some(Instant::now());
                }
            }
        }
        if begun.elapsed() > STOP_PATIENCE {
            return Err(slow("stop", layout));
        }
        thread::sleep(POLL);
    }
}

fn slow(doing: &'static str, layout: &Layout) -> PrivatePostgresError {
    PrivatePostgresError::Slow {
        doing,
        log: layout.log(),
    }
}
