//! The program itself, run on a data folder of a test's own.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use subsidy_ledger::clock::Clock;
use subsidy_ledger::types::ZoneTime;
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

/// A statement of the bank that follows the last one, with one line: `CRDT` or `DBIT`, fen, and what the bank tells of it.
pub(crate) fn bank_statement(data: &Path, (direction, fen): (&str, i64), details: &str) -> String {
    // The bank's day is the zone's: what it booked the day before it had an instruction is not that.
    let today = ZoneTime::default().day(Clock::System.now());
    let last = json(data, &["payment", "reconcile"]);
    let opening: i64 = last["closing"]
        .as_str()
        .unwrap()
        .replace('.', "")
        .parse()
        .unwrap();
    let closing = if direction == "CRDT" {
        opening + fen
    } else {
        opening - fen
    };
    let amount = |direction: &str, fen: i64| {
        let yuan = format!("{}.{:02}", fen / 100, fen % 100);
        format!("<Amt Ccy=\"CNY\">{yuan}</Amt><CdtDbtInd>{direction}</CdtDbtInd>")
    };
    let balance = |code: &str, fen: i64| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{}<Dt><Dt>{today}</Dt></Dt></Bal>",
            amount("CRDT", fen)
        )
    };
    let id = format!("after-{}", last["statement"].as_str().unwrap());
    let camt = format!(
        "<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr><MsgId>{id}</MsgId></GrpHdr>\
        <Stmt><Id>{id}</Id><Acct><Id><Othr><Id>31050161360000001234</Id></Othr></Id></Acct>{}{}\
        <Ntry>{}<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{today}</Dt></BookgDt><NtryDtls><TxDtls>{details}</TxDtls></NtryDtls>\
        </Ntry></Stmt></BkToCstmrStmt></Document>",
        balance("OPBD", opening),
        balance("CLBD", closing),
        amount(direction, fen),
    );
    let file = data.join(format!("{id}.xml"));
    fs::write(&file, camt).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Kills the private Postgres of a data folder with SIGKILL.
pub(crate) fn kill_server(data: &Path) {
    let pid = fs::read_to_string(data.join("postgres/data/postmaster.pid")).unwrap();
    let pid = Pid::from_raw(pid.lines().next().unwrap().parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}
