//! The guard: a small process beside the server that stops it once its last user has ended, however
//! that user ended. Without it a server whose users were all killed runs on until adopted.
//!
//! It is our own binary called with a hidden subcommand. It only looks at locks, so it may itself
//! be killed: the next user starts another.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::account::server_account;
use super::error::{OnPath, PrivatePostgresError};
use super::layout::Layout;
use super::lifecycle::{reap_when_it_ends, stop};
use super::locks;

/// The hidden subcommand, whose one argument is the data folder.
pub const GUARD_SUBCOMMAND: &str = "guard-private-postgres";

const POLL: Duration = Duration::from_secs(1);

/// What the hidden subcommand does: waits until nobody uses the server of the data folder, stops it
/// and returns. Returns at once if there is a guard already. Blocks its thread.
pub fn guard(data: &Path) -> Result<(), PrivatePostgresError> {
    let layout = Layout::prepare(data, server_account()?.as_ref())?;
    let (guard_path, start_path, users_path) = (
        layout.guard_lock(),
        layout.start_lock(),
        layout.users_lock(),
    );
    let guard_lock = locks::open(&guard_path)?;
    if !locks::try_lock(&guard_lock).on("lock", &guard_path)? {
        return Ok(());
    }
    loop {
        thread::sleep(POLL);
        // In the order in which users take them.
        let Some(start_lock) = locks::open_existing(&start_path)? else {
            return Ok(()); // the folder is gone, and the server with it
        };
        if !locks::try_lock(&start_lock).on("lock", &start_path)? {
            continue;
        }
        let Some(users_lock) = locks::open_existing(&users_path)? else {
            return Ok(());
        };
        if !locks::try_lock(&users_lock).on("lock", &users_path)? {
            continue;
        }
        stop(&layout)?;
        // First, so that whoever starts the server next sees that it needs a guard.
        drop(guard_lock);
        return Ok(());
    }
}

/// Starts a guard unless there is one. The caller holds the start lock.
pub(super) fn ensure_guarded(layout: &Layout, data: &Path, executable: &Path) {
    let guarded = locks::open(&layout.guard_lock())
        .and_then(|lock| locks::try_lock(&lock).on("lock", &layout.guard_lock()))
        .is_ok_and(|free| !free);
    if guarded {
        return;
    }
    let spawned = Command::new(executable)
        .arg(GUARD_SUBCOMMAND)
        .arg(data)
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match spawned {
        Ok(child) => reap_when_it_ends(child),
        Err(error) => tracing::warn!(
            executable = %executable.display(), %error,
            "no guard: a killed service will leave Postgres running until the next start"
        ),
    }
}
