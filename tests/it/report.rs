//! Reports and exports of a zone whose books are known.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use sqlx::PgConnection;
use subsidy_ledger::cli::report::{ExportArgs, ReportCommand, ReportError, run};
use subsidy_ledger::db::Role;
use subsidy_ledger::report::{self, BudgetLine, Format};
use subsidy_ledger::types::{Code, Currency, Money, Zone};

use crate::books::{found, play_year};
use crate::kit::TestDb;

async fn zone_with_a_year(db: &TestDb) -> Zone {
    let (zone, actor) = found(db, "DEMO", Currency::Cny).await;
    play_year(db, &zone, &actor).await;
    zone
}

async fn command(db: &TestDb, zone: &Zone, command: ReportCommand, json: bool) -> String {
    let mut out = Vec::new();
    run(db.app(), zone, command, json, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn budget_execution_says_what_became_of_the_budget() {
    let db = TestDb::new().await;
    let zone = zone_with_a_year(&db).await;
    let lines: Result<Vec<BudgetLine>, sqlx::Error> = db
        .app()
        .read(zone.id, zone.id, |tx, zone| {
            Box::pin(report::budget_execution(tx, *zone))
        })
        .await;
    let lines = lines.unwrap();
    let figures = |programme: Option<&str>| -> BTreeMap<&str, String> {
        let line = lines
            .iter()
            .find(|line| line.programme.as_ref().map(Code::as_str) == programme)
            .unwrap();
        let named = line.figures.named().into_iter();
        named
            .filter(|(_, amount)| *amount != Money::ZERO)
            .map(|(name, amount)| (name, amount.to_text(Currency::Cny)))
            .collect()
    };
    let expected = |pairs: &[(&'static str, &str)]| -> BTreeMap<&str, String> {
        pairs
            .iter()
            .map(|(name, amount)| (*name, (*amount).to_owned()))
            .collect()
    };
    assert_eq!(
        figures(None),
        expected(&[("appropriated", "1000000.00"), ("unallocated", "400000.00")])
    );
    // 150,000.00 were issued: 80,000.01 redeemed and paid, the rest expired and is free or lapsed.
    assert_eq!(
        figures(Some("SH-2020")),
        expected(&[
            ("allocated", "600000.00"),
            ("issued", "150000.00"),
            ("used", "80000.01"),
            ("redeemed", "80000.01"),
            ("paid", "80000.01"),
            ("lapsed", "500000.00"),
            ("free", "19999.99"),
        ])
    );
}

#[tokio::test]
async fn every_book_balances_in_the_trial_balance_and_in_sql() {
    let db = TestDb::new().await;
    let zone = zone_with_a_year(&db).await;
    let text = command(&db, &zone, ReportCommand::TrialBalance, false).await;
    assert_eq!(text.matches("balances").count(), 4, "{text}");
    assert!(!text.contains("DOES NOT"), "{text}");

    let auditor = db.connect(Role::Auditor).await;
    let sums: Result<Vec<(String, bool)>, sqlx::Error> = auditor
        .read(zone.id, (), |tx, ()| {
            Box::pin(async move {
                sqlx::query_as(
                    "SELECT book, sum(debits) = sum(credits) FROM ledger.trial_balance
                     GROUP BY book, currency ORDER BY book",
                )
                .fetch_all(tx)
                .await
            })
        })
        .await;
    let books: Vec<(String, bool)> = ["B", "F", "M", "Q"]
        .map(|book| (book.to_owned(), true))
        .into();
    assert_eq!(sums.unwrap(), books);
}

/// The views add up the same from transfers, from accounts and from control totals.
#[tokio::test]
async fn views_agree_with_each_other_and_hide_other_zones() {
    let db = TestDb::new().await;
    let zone = zone_with_a_year(&db).await;
    let (other, _) = found(&db, "OTHER", Currency::Cny).await;
    let differences = |zone: &Zone| {
        db.app().read(zone.id, (), |tx: &mut PgConnection, ()| {
            Box::pin(async move {
                sqlx::query_as::<_, (i64, i64)>(
                    "WITH journal AS (
                       SELECT account, sum(debit) AS debits, sum(credit) AS credits FROM (
                         SELECT debit_account AS account, amount AS debit, 0 AS credit
                         FROM ledger.journal_line
                         UNION ALL SELECT credit_account, 0, amount FROM ledger.journal_line) line
                       GROUP BY account)
                     SELECT count(a.address), count(*) FILTER (WHERE a.debits IS DISTINCT FROM j.debits
                       OR a.credits IS DISTINCT FROM j.credits)
                     FROM journal j FULL JOIN ledger.account_balance a ON a.address = j.account",
                )
                .fetch_one(tx)
                .await
            })
        })
    };
    let (accounts, differing) = differences(&zone).await.unwrap();
    assert!(accounts > 10);
    assert_eq!(differing, 0);
    let (accounts, _) = differences(&other).await.unwrap();
    assert_eq!(accounts, 0, "accounts of another zone show");
}

#[tokio::test]
async fn statements_and_balances_read_as_text_and_as_json() {
    let db = TestDb::new().await;
    let zone = zone_with_a_year(&db).await;
    let parse = |arguments: &[&str]| {
        use clap::Parser;
        #[derive(Parser)]
        struct Cli {
            #[command(subcommand)]
            command: ReportCommand,
        }
        Cli::try_parse_from(std::iter::once(&"test").chain(arguments))
            .unwrap()
            .command
    };
    let statement = command(&db, &zone, parse(&["statement", "F1020:CNY"]), false).await;
    insta::assert_snapshot!("statement", statement);
    let balance = command(
        &db,
        &zone,
        parse(&["balance", "F1020:CNY", "--at", "9"]),
        true,
    )
    .await;
    insta::assert_snapshot!("balance_json", balance);
    let size: i64 = serde_json::from_str::<serde_json::Value>(
        &command(&db, &zone, parse(&["balance", "F1020:CNY"]), true).await,
    )
    .unwrap()["log_size"]
        .as_i64()
        .unwrap();
    let last = (size - 1).to_string();
    command(
        &db,
        &zone,
        parse(&["balance", "F1020:CNY", "--at", &last]),
        false,
    )
    .await;
    for beyond in [size, i64::MAX] {
        let asked = parse(&["balance", "F1020:CNY", "--at", &beyond.to_string()]);
        let refused = run(db.app(), &zone, asked, false, &mut Vec::new()).await;
        let said = format!(
            "--at {beyond} is beyond the log, which has {size} entries (0 to {last}): without --at the balance is \
             the newest"
        );
        assert_eq!(refused.unwrap_err().to_string(), said);
    }
    let budget = command(&db, &zone, ReportCommand::Budget, false).await;
    insta::assert_snapshot!("budget", budget);
    let trial_balance = command(&db, &zone, ReportCommand::TrialBalance, false).await;
    insta::assert_snapshot!("trial_balance", trial_balance);
    let json = command(&db, &zone, ReportCommand::Budget, true).await;
    insta::assert_snapshot!("budget_json", json);
}

fn arguments(format: Format, output: PathBuf, force: bool) -> ReportCommand {
    ReportCommand::Export(ExportArgs {
        format,
        output,
        force,
    })
}

#[tokio::test]
async fn exports_are_whole_files_that_replace_nothing_unasked() {
    let db = TestDb::new().await;
    let zone = zone_with_a_year(&db).await;
    let folder = tempfile::tempdir().unwrap();
    for format in Format::ALL {
        let output = folder.path().join(format.as_str());
        command(&db, &zone, arguments(format, output.clone(), false), false).await;
        let text = std::fs::read_to_string(&output).unwrap();
        insta::assert_snapshot!(format!("export_{format}"), without_ids(&text));

        std::fs::write(&output, "mine").unwrap();
        let again = arguments(format, output.clone(), false);
        let refused = run(db.app(), &zone, again, false, &mut Vec::new()).await;
        assert!(matches!(refused, Err(ReportError::Exists(_))));
        assert_eq!(std::fs::read_to_string(&output).unwrap(), "mine");
        command(&db, &zone, arguments(format, output.clone(), true), false).await;
        assert_eq!(std::fs::read_to_string(&output).unwrap(), text);
    }
    let missing = arguments(Format::Csv, folder.path().join("no/such/file"), false);
    let refused = run(db.app(), &zone, missing, false, &mut Vec::new()).await;
    assert!(matches!(refused, Err(ReportError::Output { .. })));
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, Format::ALL.len(), "half-written files are left");
}

/// Actors have new ids in each run, and so the log has another root; parties and vouchers have not.
fn without_ids(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if let Some((before, _)) = line.split_once("Root of the log: ") {
            return format!("{before}Root of the log: [root]");
        }
        let cells: Vec<&str> = line.split(',').collect();
        match cells.as_slice() {
            [
                before @ ..,
                _,
                subject,
                book,
                debit,
                credit,
                currency,
                amount,
            ] if before.len() == 7 => {
                let tail = ["[actor]", subject, book, debit, credit, currency, amount];
                [before, &tail].concat().join(",")
            }
            _ => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Exports a zone in every format and has hledger and beancount check it.
pub(crate) async fn check_books(db: &TestDb, zone: &Zone) {
    let folder = tempfile::tempdir().unwrap();
    for format in Format::ALL {
        let output = folder.path().join(format.as_str());
        command(db, zone, arguments(format, output, false), false).await;
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let checked = Command::new(root.join("tests/thirdparty/check-books"))
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{said}");
}

#[tokio::test]
#[ignore = "needs hledger and beancount (scripts/install-test-tools); the test script runs it"]
async fn independent_bookkeepers_agree() {
    let db = TestDb::new().await;
    let zone = zone_with_a_year(&db).await;
    check_books(&db, &zone).await;
}
