//! The program itself, run on a data folder of a test's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// A folder that the server's account can enter, also when the tests run as root.
pub(crate) fn temporary_folder() -> TempDir {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
    folder
}

pub(crate) fn ledger(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_subsidy-ledger"));
    command.arg("--data").arg(data).args(arguments);
    command
        .env_remove("SUBSIDY_LEDGER_DATABASE_URL")
        .env_remove("SUBSIDY_LEDGER_DATA");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// What a command that succeeds prints.
pub(crate) fn text(data: &Path, arguments: &[&str]) -> String {
    let output = ledger(data, arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command prints as JSON.
pub(crate) fn json(data: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&text(data, &[arguments, &["--json"]].concat())).unwrap()
}

/// What a command that fails says, with its exit status.
pub(crate) fn refusal(data: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = ledger(data, arguments).output().unwrap();
    assert!(!output.status.success(), "{arguments:?} succeeded");
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

/// Kills the private Postgres of a data folder with SIGKILL.
pub(crate) fn kill_server(data: &Path) {
    let pid = fs::read_to_string(data.join("postgres/data/postmaster.pid")).unwrap();
    let pid = Pid::from_raw(pid.lines().next().unwrap().parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}
