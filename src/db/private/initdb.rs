//! Making a cluster, and its settings.

use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use super::account::{Account, command_as, give};
use super::binaries::Binaries;
use super::error::{OnPath, PrivatePostgresError};
use super::install::remove_folder;
use super::layout::Layout;
use super::passwords::{Passwords, SUPERUSER, sync_parent, write_secret};

/// From the cluster's folder. The file is outside, so that root writes nothing in a folder that
/// isn't its own.
const SETTINGS_INCLUDE: &str = "include_if_exists = '../settings.conf'";

/// The major version that made the cluster, or `None` if there is no cluster yet.
pub(super) fn made_by(layout: &Layout) -> Result<Option<u32>, PrivatePostgresError> {
    let cluster = layout.cluster();
    if !cluster.exists() {
        return Ok(None);
    }
    fs::read_to_string(cluster.join("PG_VERSION"))
        .ok()
        .and_then(|version| version.trim().parse().ok())
        .map(Some)
        .ok_or(PrivatePostgresError::NotACluster { cluster })
}

/// Makes the cluster. It gets its name only when it is complete, so a half-made one is made anew.
pub(super) fn make_cluster(
    layout: &Layout,
    binaries: &Binaries,
    account: Option<&Account>,
) -> Result<(), PrivatePostgresError> {
    let passwords = Passwords::generate();
    passwords.write(layout)?;
    let password_file = layout.superuser_password();
    write_secret(&password_file, passwords.of(SUPERUSER))?;
    give(&password_file, account)?;
    let made = run_initdb(layout, binaries, account);
    fs::remove_file(&password_file).on("remove", &password_file)?;
    made?;

    let unfinished = layout.unfinished_cluster();
    let main_settings = unfinished.join("postgresql.conf");
    let defaults = fs::read_to_string(&main_settings).on("read", &main_settings)?;
    let include = format!("{defaults}\n{SETTINGS_INCLUDE}\n");
    fs::write(&main_settings, include).on("write", &main_settings)?;
    let cluster = layout.cluster();
    fs::rename(&unfinished, &cluster).on("create", &cluster)?;
    sync_parent(&cluster)
}

fn run_initdb(
    layout: &Layout,
    binaries: &Binaries,
    account: Option<&Account>,
) -> Result<(), PrivatePostgresError> {
    let unfinished = layout.unfinished_cluster();
    let mut complaint = String::new();
    for locale in locales(binaries.major()) {
        remove_folder(&unfinished)?;
        DirBuilder::new()
            .mode(0o700)
            .create(&unfinished)
            .on("create", &unfinished)?;
        give(&unfinished, account)?;
        let output = command_as(account, &binaries.program("initdb"))
            .arg("--pgdata")
            .arg(&unfinished)
            .arg("--pwfile")
            .arg(layout.superuser_password())
            .arg(format!("--username={SUPERUSER}"))
            .args([
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--data-checksums",
            ])
            .args(["--no-instructions", "--text-search-config=simple"])
            .args(*locale)
            .output()
            .on("run initdb for", &unfinished)?;
        if output.status.success() {
            return Ok(());
        }
        complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        if !complaint.contains("invalid locale") {
            break;
        }
    }
    remove_folder(&unfinished)?;
    Err(PrivatePostgresError::Initdb {
        cluster: layout.cluster(),
        output: complaint.trim().to_owned(),
    })
}

/// Code-point order and UTF-8 everywhere. PostgreSQL 17 brings that itself; before, the C library
/// may have it as C.UTF-8, and C differs only in what counts as a letter.
fn locales(major: u32) -> &'static [&'static [&'static str]] {
    let all: &[&[&str]] = &[
        &[
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
        ],
        &["--locale=C.UTF-8"],
        &["--locale=C"],
    ];
    if major >= 17 {
        all
    } else {
        all.split_first().map_or(all, |(_, older)| older)
    }
}

/// Writes the settings that this project chooses, before each start.
pub(super) fn write_settings(layout: &Layout) -> Result<(), PrivatePostgresError> {
    let path = layout.settings();
    fs::write(&path, settings(total_memory_mb())).on("write", &path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o644)).on("open", &path)
}

/// For a machine shared with the service itself. Durability is stated, though it is the default:
/// these three are what a ledger rests on.
fn settings(memory_mb: u64) -> String {
    // Recording ten million transfers between ten thousand accounts keeps twenty thousand index pages busy;
    // in 256 MB they were written out and read back all the time (docs/benchmarks.md).
    let shared_buffers_mb = (memory_mb / 8).clamp(32, 2048);
    let cache_mb = (memory_mb / 2).max(128);
    format!(
        "# Written by subsidy-ledger before each start; ALTER SYSTEM overrides it.
fsync = on
full_page_writes = on
synchronous_commit = on
password_encryption = 'scram-sha-256'
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = {shared_buffers_mb}MB
effective_cache_size = {cache_mb}MB
work_mem = 16MB
maintenance_work_mem = 128MB
max_wal_size = 4GB
checkpoint_timeout = 15min
# Sessions keep a plan until its tables are analysed anew; those of a first day grow fast.
autovacuum_naptime = 10s
random_page_cost = 1.1
jit = off
idle_in_transaction_session_timeout = 60s
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u '
# The service logs the errors of its statements itself; without them this log grows by a few lines an
# hour, and it is put aside at a start when it has grown large.
log_min_messages = log
"
    )
}

/// Of the machine, in MiB; a small one where the system doesn't say.
fn total_memory_mb() -> u64 {
    const SMALL_MACHINE_MB: u64 = 2048;
    let text = fs::read_to_string(Path::new("/proc/meminfo")).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or(SMALL_MACHINE_MB, |kib| kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_stay_modest() {
        assert!(settings(256).contains("shared_buffers = 32MB"));
        assert!(settings(1024).contains("shared_buffers = 128MB"));
        assert!(settings(64 * 1024).contains("shared_buffers = 2048MB"));
    }
}
