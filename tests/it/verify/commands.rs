//! `verify` as its user meets it.

use std::fs;

use subsidy_ledger::cli::verify::{VerifyArgs, verify_a_bundle, verify_the_database};
use subsidy_ledger::db::Role as DbRole;

use super::Played;
use crate::kit::TestDb;

#[tokio::test]
async fn the_command_line_says_what_was_verified() {
    let played = Played::new().await;
    let folder = played.export().await;
    let args = VerifyArgs {
        bundle: None,
        vkey: None,
        pinned: Vec::new(),
    };
    let auditor = played.db.connect(DbRole::Auditor).await;
    let mut out = Vec::new();
    let is_well = verify_the_database(&args, &auditor, &played.keys(), None, false, &mut out)
        .await
        .unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(
        is_well && text.starts_with("SH: verified: 1400 entries, 2096 transfers"),
        "{text}"
    );
    assert!(
        text.contains("money (资金) CNY: debits 10,069,800.00 = credits 10,069,800.00"),
        "{text}"
    );

    // A zone whose log was signed here is gone.
    fs::write(played.keys().join("GONE.vkey"), "").unwrap();
    let mut out = Vec::new();
    let is_well = verify_the_database(&args, &auditor, &played.keys(), None, false, &mut out)
        .await
        .unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(
        !is_well && text.starts_with("GONE: WRONG: the database has no such zone"),
        "{text}"
    );

    fs::remove_file(folder.join("tile/0/003")).unwrap();
    let mut out = Vec::new();
    assert!(!verify_a_bundle(&args, &folder, true, &mut out).unwrap());
    let answer: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(answer["ok"], false);
    let finding = answer["logs"][0]["finding"].as_str().unwrap();
    assert!(finding.ends_with("tile/0/003 is missing"), "{finding}");
}

#[tokio::test]
async fn a_database_without_a_zone_is_not_verified() {
    let db = TestDb::new().await;
    let keys = tempfile::tempdir().unwrap();
    let auditor = db.connect(DbRole::Auditor).await;
    let args = VerifyArgs::default();
    let mut out = Vec::new();
    let verified = verify_the_database(&args, &auditor, keys.path(), None, false, &mut out).await;
    let error = verified.unwrap_err().to_string();
    assert_eq!(error, "nothing was verified: the database has no zone");
}
