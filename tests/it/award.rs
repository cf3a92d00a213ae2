//! Awards of the past: the city of Amsterdam's list of 2016, and what happens when a list changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use subsidy_ledger::award::{
    self, AwardFile, AwardMap, BadRows, Corrections, ImportError, ImportReport, Reconciliation,
};
use subsidy_ledger::cli;
use subsidy_ledger::cli::award::{AwardCliError, ImportAwardsArgs, ListArgs, ReconcileArgs};
use subsidy_ledger::identity::{Actor, Command};
use subsidy_ledger::journal::RecallError;
use subsidy_ledger::types::{Currency, Zone};

use crate::books::{found, instant};
use crate::kit::TestDb;

fn now() -> DateTime<Utc> {
    instant("2026-05-04T10:00:00Z")
}

const MAP: &str = "ignore = ['note']\n[columns]\nrecipient = 'who'\nprogramme = 'scheme'\n\
    requested = 'asked'\ngranted = 'amount'\nyear = 'year'\nid = 'id'\n[options]\n\
    source = 'LIST'\ncurrency = 'EUR'\nanonymous = ['(person)']\n";

fn read(csv: &str, map: &AwardMap) -> AwardFile {
    AwardFile::read("list.csv", csv.as_bytes(), map).unwrap()
}

async fn import(
    db: &TestDb,
    office: &(Zone, Actor),
    map: &AwardMap,
    file: &AwardFile,
    options: (Corrections, BadRows),
) -> Result<ImportReport, ImportError> {
    import_under(None, db, office, map, file, options).await
}

async fn import_under(
    key: Option<&'static str>,
    db: &TestDb,
    (zone, actor): &(Zone, Actor),
    map: &AwardMap,
    file: &AwardFile,
    options: (Corrections, BadRows),
) -> Result<ImportReport, ImportError> {
    let input = (
        zone.clone(),
        actor.clone(),
        map.clone(),
        file.clone(),
        options,
    );
    db.app()
        .write(
            zone.id,
            input,
            move |tx, (zone, actor, map, file, options)| {
                Box::pin(async move {
                    let command = Command {
                        zone,
                        actor,
                        now: now(),
                        key,
                    };
                    award::import(tx, &command, map, file, options.0, options.1, &|_| ()).await
                })
            },
        )
        .await
}

const STRICT: (Corrections, BadRows) = (Corrections::Refuse, BadRows::Refuse);
const CORRECT: (Corrections, BadRows) = (Corrections::Apply, BadRows::Refuse);

async fn reconcile(db: &TestDb, zone: &Zone, map: &AwardMap, file: &AwardFile) -> Reconciliation {
    let input = (zone.clone(), map.clone(), file.clone());
    let compared: Result<_, sqlx::Error> = db
        .app()
        .read(zone.id, input, |tx, (zone, map, file)| {
            Box::pin(award::reconcile(tx, zone, map, file))
        })
        .await;
    compared.unwrap()
}

/// Balances in minor units that are not zero, by address; the ids of parties and awards are left out.
async fn balances(db: &TestDb, zone: &Zone) -> BTreeMap<String, i64> {
    let rows: Result<Vec<(String, i64)>, sqlx::Error> = db
        .app()
        .read(zone.id, (), |tx: &mut PgConnection, ()| {
            Box::pin(async move {
                sqlx::query_as(
                    "SELECT regexp_replace(address, '[0-9a-f-]{36}', 'ID'),
                       sum(CASE normal_side WHEN 'D' THEN debits - credits ELSE credits - debits END)::bigint
                     FROM ledger.account GROUP BY 1 ORDER BY 1",
                )
                .fetch_all(tx)
                .await
            })
        })
        .await;
    rows.unwrap()
        .into_iter()
        .filter(|(_, balance)| *balance != 0)
        .collect()
}

async fn count(db: &TestDb, zone: &Zone, sql: &'static str) -> i64 {
    let count: Result<i64, sqlx::Error> = db
        .app()
        .read(zone.id, sql, |tx, sql| {
            Box::pin(async move { sqlx::query_scalar(*sql).fetch_one(tx).await })
        })
        .await;
    count.unwrap()
}

async fn entries(db: &TestDb, zone: &Zone) -> i64 {
    count(db, zone, "SELECT count(*) FROM ledger.entry").await
}

const FIRST: &str = "id,who,scheme,asked,amount,year,note\n1,A,S,20,10,2016,\n2,B,S,5,0,2016,\n\
    3,(person),T,7,7,2015,\n";

fn expected(pairs: &[(&str, i64)]) -> BTreeMap<String, i64> {
    let owned = |(address, balance): &(&str, i64)| ((*address).to_owned(), *balance);
    pairs.iter().map(owned).collect()
}

#[tokio::test]
async fn an_award_is_owed_and_not_paid_and_the_same_list_again_changes_nothing() {
    let db = TestDb::new().await;
    let office = found(&db, "AMS", Currency::Eur).await;
    let zone = &office.0;
    let map: AwardMap = MAP.parse().unwrap();
    let first = read(FIRST, &map);
    let report = import(&db, &office, &map, &first, STRICT).await.unwrap();
    assert_eq!((report.recorded, report.refused, report.parties), (2, 1, 2));
    assert_eq!(
        balances(&db, zone).await,
        expected(&[
            ("B10:EUR::2015", 700),
            ("B10:EUR::2016", 1_000),
            ("B60:EUR:S:2016", 1_000),
            ("B60:EUR:T:2015", 700),
            ("F2010:EUR:::ID", 1_000),
            ("F2010:EUR::::ID", 700),
            ("F5040:EUR:S:2016", 1_000),
            ("F5040:EUR:T:2015", 700),
        ])
    );
    assert!(reconcile(&db, zone, &map, &first).await.agrees());

    // Rows may move, and columns that the map ignores may change.
    let before = entries(&db, zone).await;
    let same = read(
        "id,note,who,scheme,asked,amount,year\n3,x,(person),T,7,7,2015\n1,,A,S,20,10,2016\n\
         2,,B,S,5,0,2016\n",
        &map,
    );
    let report = import(&db, &office, &map, &same, STRICT).await.unwrap();
    assert_eq!((report.unchanged, report.entry), (3, None));
    assert_eq!(entries(&db, zone).await, before);
}

#[tokio::test]
async fn a_corrected_list_reverses_and_records_anew_when_asked_to() {
    let db = TestDb::new().await;
    let office = found(&db, "AMS", Currency::Eur).await;
    let zone = &office.0;
    let map: AwardMap = MAP.parse().unwrap();
    let first = read(FIRST, &map);
    import(&db, &office, &map, &first, STRICT).await.unwrap();

    // Less for one, a refusal that becomes an award, and one that is gone.
    let second = read(
        "id,who,scheme,asked,amount,year,note\n1,A,S,20,4,2016,\n2,B,S,5,5,2016,\n",
        &map,
    );
    let compared = reconcile(&db, zone, &map, &second).await;
    assert!(!compared.agrees());
    assert_eq!((compared.unrecorded, compared.not_in_file), (2, 3));
    let before = entries(&db, zone).await;
    let refused = import(&db, &office, &map, &second, STRICT).await;
    assert!(matches!(
        refused,
        Err(ImportError::WouldReverse {
            corrected: 2,
            withdrawn: 1
        })
    ));
    assert_eq!(entries(&db, zone).await, before);

    let report = import(&db, &office, &map, &second, CORRECT).await.unwrap();
    assert_eq!(
        (report.recorded, report.corrected, report.withdrawn),
        (2, 2, 1)
    );
    assert_eq!(
        balances(&db, zone).await,
        expected(&[
            ("B10:EUR::2016", 900),
            ("B60:EUR:S:2016", 900),
            ("F2010:EUR:::ID", 900),
            ("F5040:EUR:S:2016", 900),
        ])
    );
    assert!(reconcile(&db, zone, &map, &second).await.agrees());
    assert!(!reconcile(&db, zone, &map, &first).await.agrees());

    // And back again: what was withdrawn is a new award with the old identity.
    let report = import(&db, &office, &map, &first, CORRECT).await.unwrap();
    assert_eq!(
        (report.recorded, report.refused, report.corrected),
        (2, 1, 2)
    );
    assert!(reconcile(&db, zone, &map, &first).await.agrees());
}

#[tokio::test]
async fn a_repeated_import_gives_its_first_report() {
    let db = TestDb::new().await;
    let office = found(&db, "AMS", Currency::Eur).await;
    let map: AwardMap = MAP.parse().unwrap();
    let first = read(FIRST, &map);
    let second = read(
        "id,who,scheme,asked,amount,year,note\n1,A,S,20,4,2016,\n2,B,S,5,5,2016,\n",
        &map,
    );
    let told = import_under(Some("k1"), &db, &office, &map, &first, STRICT).await;
    let told = told.unwrap();
    import_under(Some("k2"), &db, &office, &map, &second, CORRECT)
        .await
        .unwrap();

    // Without the key this would reverse what the second list has otherwise.
    let before = entries(&db, &office.0).await;
    let again = import_under(Some("k1"), &db, &office, &map, &first, CORRECT).await;
    assert_eq!(again.unwrap(), told);
    let conflict = import_under(Some("k1"), &db, &office, &map, &second, CORRECT).await;
    assert!(
        matches!(
            conflict,
            Err(ImportError::Recall(RecallError::KeyConflict(_)))
        ),
        "{conflict:?}"
    );
    assert_eq!(entries(&db, &office.0).await, before);
}

#[tokio::test]
async fn a_bad_row_refuses_the_file_or_is_left_out_and_named() {
    let db = TestDb::new().await;
    let office = found(&db, "AMS", Currency::Eur).await;
    let zone = &office.0;
    let map: AwardMap = MAP.parse().unwrap();
    let csv = "id,who,scheme,asked,amount,year,note\n1,A,S,20,10,2016,\n2,B,S,5,ten,2016,\n";
    let file = read(csv, &map);
    let before = entries(&db, zone).await;
    let refused = import(&db, &office, &map, &file, STRICT).await;
    assert!(matches!(refused, Err(ImportError::Rows(errors)) if errors.total() == 1));
    assert_eq!(entries(&db, zone).await, before);

    let skip = (Corrections::Refuse, BadRows::Skip);
    let report = import(&db, &office, &map, &file, skip).await.unwrap();
    assert_eq!(
        (report.rows, report.recorded, report.unrecorded.total()),
        (2, 1, 1)
    );
    assert_eq!(report.unrecorded.kept()[0].row, 3);
    let compared = reconcile(&db, zone, &map, &file).await;
    assert!(!compared.agrees() && compared.unreadable == 1 && compared.unrecorded == 0);

    // A recorded award whose row can't be read any more is not taken for one that is gone.
    let broken = read(
        "id,who,scheme,asked,amount,year,note\n1,A,S,20,1O,2016,\n2,B,S,5,5,2016,\n",
        &map,
    );
    let unclear = import(
        &db,
        &office,
        &map,
        &broken,
        (Corrections::Apply, BadRows::Skip),
    )
    .await;
    assert!(matches!(
        unclear,
        Err(ImportError::Unclear {
            unreadable: 1,
            withdrawn: 1
        })
    ));
}

#[tokio::test]
async fn a_list_keeps_to_its_zone_currency_and_codes() {
    let db = TestDb::new().await;
    let yuan = found(&db, "SH", Currency::Cny).await;
    let euro = found(&db, "AMS", Currency::Eur).await;
    let map: AwardMap = MAP.parse().unwrap();
    let csv = "id,who,scheme,asked,amount,year,note\n1,A,C,20,10,2016,\n";
    let file = read(csv, &map);
    let refused = import(&db, &yuan, &map, &file, STRICT).await;
    assert!(matches!(refused, Err(ImportError::Currency { .. })));

    import(&db, &euro, &map, &file, STRICT).await.unwrap();
    let other: AwardMap = MAP.replace("'LIST'", "'OTHER'").parse().unwrap();
    let file = read(&csv.replace(",C,", ",C++,"), &other);
    let refused = import(&db, &euro, &other, &file, STRICT).await;
    assert!(matches!(refused, Err(ImportError::ProgrammeTaken { .. })));
    assert_eq!(
        count(&db, &yuan.0, "SELECT count(*) FROM ledger.imported_award").await,
        0
    );
}

/// The file as text, summed up without any of the code under test.
struct Amsterdam {
    text: String,
    rows: Vec<BTreeMap<String, String>>,
}

impl Amsterdam {
    fn path() -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        root.join("tests/data/amsterdam-subsidies-2016.json")
    }

    /// Every object stands on a line of its own, `{"Naam":"…",…,"Verleend":10358.00},`.
    fn read() -> Self {
        let text = std::fs::read_to_string(Self::path()).unwrap();
        let value = |line: &str, field: &str| {
            let (_, rest) = line.split_once(&format!("\"{field}\":")).unwrap();
            // Texts of this file have no escaped quotes.
            let (text, end) = match rest.strip_prefix('"') {
                Some(text) => (text, text.find('"')),
                None => (rest, rest.find([',', '}'])),
            };
            text[..end.unwrap()].to_owned()
        };
        let lines = text.lines().filter(|line| line.contains("\"Naam\""));
        let rows = lines.map(|line| {
            let field = |name: &str| (name.to_owned(), value(line, name));
            ["Regeling", "Aangevraagd", "Verleend"].map(field).into()
        });
        let rows = rows.collect();
        Self { text, rows }
    }

    fn cents(row: &BTreeMap<String, String>, field: &str) -> i64 {
        let digits: String = row[field].chars().filter(char::is_ascii_digit).collect();
        let hundredfold = if field == "Verleend" { 1 } else { 100 }; // 10358.00, but € 15.000
        digits.parse::<i64>().unwrap() * hundredfold
    }

    fn total(&self, field: &str) -> i64 {
        self.rows.iter().map(|row| Self::cents(row, field)).sum()
    }
}

#[tokio::test]
async fn amsterdam_2016_is_in_the_ledger_to_the_cent() {
    let db = TestDb::new().await;
    let office = found(&db, "AMS", Currency::Eur).await;
    let zone = &office.0;
    let amsterdam = Amsterdam::read();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = std::fs::read_to_string(root.join("assets/maps/amsterdam-2016.toml")).unwrap();
    let map: AwardMap = map.parse().unwrap();
    let file = AwardFile::read("amsterdam.json", amsterdam.text.as_bytes(), &map).unwrap();
    assert_eq!((file.row_count, file.errors.total()), (2_691, 0));

    let report = import(&db, &office, &map, &file, STRICT).await.unwrap();
    let refused = amsterdam
        .rows
        .iter()
        .filter(|row| row["Verleend"] == "0.00")
        .count();
    assert_eq!(amsterdam.rows.len(), 2_691);
    assert_eq!(
        (report.recorded, report.refused),
        (2_691 - refused, refused)
    );

    // Obligated and owed, expensed and authorised; nothing paid, since no bank line says so.
    let granted = amsterdam.total("Verleend");
    let balances = balances(&db, zone).await;
    let total = |code: &str| -> i64 {
        let of_code = balances
            .iter()
            .filter(|(address, _)| address.starts_with(code));
        of_code.map(|(_, balance)| balance).sum()
    };
    for code in ["B10", "B60", "F5040", "F2010"] {
        assert_eq!(total(code), granted, "{code}");
    }
    for code in ["B20", "B30", "B70", "F10"] {
        assert_eq!(total(code), 0, "{code}");
    }

    // Programme by programme, by name.
    let mut by_name: BTreeMap<String, i64> = BTreeMap::new();
    for row in &amsterdam.rows {
        *by_name
            .entry(row["Regeling"].trim().to_owned())
            .or_default() += Amsterdam::cents(row, "Verleend");
    }
    let recorded: Result<Vec<(String, i64)>, sqlx::Error> = db
        .app()
        .read(zone.id, (), |tx: &mut PgConnection, ()| {
            Box::pin(async move {
                sqlx::query_as(
                    "SELECT p.name, coalesce((b.obligated * 100)::bigint, 0)
                     FROM ledger.imported_programme p
                     LEFT JOIN ledger.budget_execution b ON b.programme = p.code",
                )
                .fetch_all(tx)
                .await
            })
        })
        .await;
    assert_eq!(
        recorded.unwrap().into_iter().collect::<BTreeMap<_, _>>(),
        by_name
    );

    let requested = count(
        &db,
        zone,
        "SELECT sum(requested)::bigint FROM ledger.imported_award WHERE reversed_by IS NULL",
    );
    assert_eq!(requested.await, amsterdam.total("Aangevraagd"));
    let compared = reconcile(&db, zone, &map, &file).await;
    assert!(compared.agrees(), "{compared:?}");
    assert_eq!(compared.ledger.granted.minor(), granted);

    let again = import(&db, &office, &map, &file, STRICT).await.unwrap();
    assert_eq!((again.unchanged, again.entry), (2_691, None));
}

#[tokio::test]
async fn private_persons_are_not_one_party_and_rows_are_not_in_the_log() {
    let db = TestDb::new().await;
    let office = found(&db, "AMS", Currency::Eur).await;
    let zone = &office.0;
    let map: AwardMap = MAP.parse().unwrap();
    let file = read(
        "id,who,scheme,asked,amount,year,note\n1,(person),S,2,1,2016,\n2,(person),S,2,1,2016,\n",
        &map,
    );
    let report = import(&db, &office, &map, &file, STRICT).await.unwrap();
    assert_eq!((report.recorded, report.parties), (2, 0));
    let payables =
        "SELECT count(*) FROM ledger.account WHERE code = 'F2010' AND item_id IS NOT NULL";
    assert_eq!(count(&db, zone, payables).await, 2);
    let named =
        "SELECT count(*) FROM ledger.entry WHERE convert_from(body, 'UTF8') LIKE '%(person)%'";
    assert_eq!(count(&db, zone, named).await, 0);
}

#[tokio::test]
async fn the_command_line_imports_and_reconciles() {
    let db = TestDb::new().await;
    let (zone, actor) = found(&db, "AMS", Currency::Eur).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = ListArgs {
        file: Amsterdam::path(),
        map: root.join("assets/maps/amsterdam-2016.toml"),
    };
    let before = entries(&db, &zone).await;
    let mut said = BTreeSet::new();
    for dry_run in [true, false] {
        let args = ImportAwardsArgs {
            list: list.clone(),
            skip_bad_rows: false,
            correct: false,
            dry_run,
        };
        if dry_run {
            let reconciled = ReconcileArgs { list: list.clone() };
            let mut out = Vec::new();
            let differs = cli::award::reconcile(db.app(), &zone, &reconciled, true, &mut out).await;
            assert!(matches!(differs, Err(AwardCliError::Differs)));
        }
        let mut out = Vec::new();
        cli::award::import(db.app(), &zone, &actor, now(), args, false, &mut out)
            .await
            .unwrap();
        said.insert(String::from_utf8(out).unwrap());
        assert_eq!(entries(&db, &zone).await == before, dry_run);
    }
    insta::assert_snapshot!("import", said.into_iter().collect::<String>());
    let mut out = Vec::new();
    let reconciled = ReconcileArgs { list };
    cli::award::reconcile(db.app(), &zone, &reconciled, false, &mut out)
        .await
        .unwrap();
    insta::assert_snapshot!("reconcile", String::from_utf8(out).unwrap());
}

#[tokio::test]
#[ignore = "needs hledger and beancount (scripts/install-test-tools); the test script runs it"]
async fn independent_bookkeepers_agree_on_amsterdam() {
    let db = TestDb::new().await;
    let office = found(&db, "AMS", Currency::Eur).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let map = std::fs::read_to_string(root.join("assets/maps/amsterdam-2016.toml")).unwrap();
    let map: AwardMap = map.parse().unwrap();
    let bytes = std::fs::read(Amsterdam::path()).unwrap();
    let file = AwardFile::read("amsterdam.json", &bytes, &map).unwrap();
    import(&db, &office, &map, &file, STRICT).await.unwrap();
    crate::report::check_books(&db, &office.0).await;
}
