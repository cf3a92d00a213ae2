//! What Postgres refuses whoever asks, and by which name.

use sqlx::{AssertSqlSafe, PgConnection};
use subsidy_ledger::db::{Role, violated_constraint};
use subsidy_ledger::journal::AccountCode;
use subsidy_ledger::types::PersonId;

use super::{Office, account, appropriate, noon};
use crate::kit::{TestDb, run};

/// Tables that are never changed once written, and how each can be touched.
const APPEND_ONLY: [&str; 5] = [
    "entry",
    "transfer",
    "closed_period",
    "log_tile",
    "log_checkpoint",
];
/// Tables whose counters only grow: what is refused, by which name.
const COUNTERS: [(&str, &str, &str); 3] = [
    (
        "account",
        "credits = credits - 1 WHERE code = 'B20'",
        "account_only_grows",
    ),
    (
        "control_total",
        "credits = credits - 1 WHERE code = 'B20'",
        "account_only_grows",
    ),
    ("log_head", "size = 0, frontier = ''", "log_head_only_grows"),
];
const PERMISSION_DENIED: &str = "42501";

/// Runs one statement in a savepoint of its own, and answers its SQLSTATE and constraint.
#[expect(clippy::disallowed_methods, reason = "the statements are made here")]
async fn refusal(conn: &mut PgConnection, sql: &str) -> Option<(String, Option<String>)> {
    run(conn, "SAVEPOINT attempt").await;
    let error = sqlx::query(AssertSqlSafe(sql))
        .execute(&mut *conn)
        .await
        .err();
    run(conn, "ROLLBACK TO SAVEPOINT attempt").await;
    run(conn, "RELEASE SAVEPOINT attempt").await;
    error.map(|error| {
        let code = error
            .as_database_error()
            .unwrap()
            .code()
            .unwrap()
            .into_owned();
        (code, violated_constraint(&error).map(str::to_owned))
    })
}

/// A row in every table: 300 entries fill a tile.
async fn populated(db: &TestDb) -> Office {
    let office = Office::new(db.app(), "GUARD").await;
    let entries = (0..300)
        .map(|_| office.entry(vec![appropriate(1)]))
        .collect();
    office.accept(entries).await;
    let mut admin = db.superuser().await;
    let zone = office.zone.id;
    run(
        &mut admin,
        &format!(
            "INSERT INTO ledger.closed_period VALUES ({zone}, '2019-01-01', '2020-01-01', 1);
             INSERT INTO ledger.log_checkpoint VALUES ({zone}, 1, sha256(''), 'note', now())"
        ),
    )
    .await;
    office
}

fn attempts() -> Vec<(String, String)> {
    let mut attempts = Vec::new();
    for table in APPEND_ONLY {
        let name = format!("{table}_append_only");
        attempts.push((
            format!("UPDATE ledger.{table} SET zone_id = zone_id"),
            name.clone(),
        ));
        attempts.push((format!("DELETE FROM ledger.{table}"), name.clone()));
        attempts.push((format!("TRUNCATE ledger.{table} CASCADE"), name));
    }
    for (table, shrink, name) in COUNTERS {
        attempts.push((
            format!("UPDATE ledger.{table} SET {shrink}"),
            name.to_owned(),
        ));
        let refuse_delete = match table {
            "log_head" => name.to_owned(),
            _ => format!("{table}_append_only"),
        };
        attempts.push((format!("DELETE FROM ledger.{table}"), refuse_delete));
        attempts.push((format!("TRUNCATE ledger.{table} CASCADE"), String::new()));
    }
    attempts
}

#[tokio::test]
async fn nobody_changes_what_is_recorded() {
    let db = TestDb::new().await;
    let office = populated(&db).await;
    let zone = office.zone.id.0;
    for role in [Role::App, Role::Auditor, Role::Owner] {
        let pool = db.connect(role).await;
        let mut tx = pool.pool().begin().await.unwrap();
        subsidy_ledger::db::enter_zone(&mut tx, office.zone.id)
            .await
            .unwrap();
        for (sql, name) in attempts() {
            let refused = refusal(&mut tx, &sql).await;
            let (code, constraint) = refused.unwrap_or_else(|| panic!("{role:?}: {sql}"));
            // The app may move counters, so there it is the guard that says no.
            let may_update =
                role == Role::App && name.ends_with("_only_grows") && sql.starts_with("UPDATE");
            if role == Role::Owner || may_update {
                let constraint = constraint.unwrap_or_else(|| panic!("{role:?} {sql}: {code}"));
                assert!(
                    name.is_empty() || constraint == name,
                    "{role:?} {sql}: {constraint}"
                );
            } else {
                assert_eq!(code, PERMISSION_DENIED, "{role:?}: {sql}");
            }
        }
        drop(tx);
        pool.close().await;
    }
    let mut admin = db.superuser().await;
    for mode in ["origin", "replica"] {
        run(&mut admin, "BEGIN").await;
        run(
            &mut admin,
            &format!("SET LOCAL session_replication_role = {mode}"),
        )
        .await;
        for (sql, name) in attempts() {
            let (code, constraint) = refusal(&mut admin, &sql)
                .await
                .unwrap_or_else(|| panic!("superuser, {mode}: {sql}"));
            assert_eq!(code, "23001", "{mode}: {sql}");
            assert!(
                name.is_empty() || constraint.as_deref() == Some(&*name),
                "{mode}: {sql}"
            );
        }
        run(&mut admin, "ROLLBACK").await;
    }
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger.entry WHERE zone_id = $1")
        .bind(zone)
        .fetch_one(&mut admin)
        .await
        .unwrap();
    assert_eq!(entries, 301);
}

const TABLES: [&str; 9] = [
    "entry",
    "transfer",
    "account",
    "control_total",
    "closed_period",
    "log_head",
    "log_tile",
    "log_checkpoint",
    "person",
];

#[expect(clippy::disallowed_methods, reason = "the statements are made here")]
async fn visible(conn: &mut PgConnection, table: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT count(*) FROM ledger.{table}"
    )))
    .fetch_one(conn)
    .await
    .unwrap()
}

#[tokio::test]
async fn a_zone_sees_itself_and_no_zone_sees_nothing() {
    let db = TestDb::new().await;
    let office = populated(&db).await;
    let other = Office::new(db.app(), "OTHER").await;
    for role in [Role::App, Role::Auditor, Role::Owner] {
        let pool = db.connect(role).await;
        for (zone, sees) in [
            (None, false),
            (Some(other.zone.id), false),
            (Some(office.zone.id), true),
        ] {
            let mut tx = pool.pool().begin().await.unwrap();
            if let Some(zone) = zone {
                subsidy_ledger::db::enter_zone(&mut tx, zone).await.unwrap();
            }
            for table in TABLES {
                let rows = visible(&mut tx, table).await;
                let own =
                    zone == Some(other.zone.id) && matches!(table, "entry" | "log_head" | "person");
                assert_eq!(
                    rows,
                    if sees { rows.max(1) } else { i64::from(own) },
                    "{role:?} {table}"
                );
            }
        }
        pool.close().await;
    }
    // Without a zone, or for another one, nothing can be inserted either.
    for zone in [None, Some(other.zone.id)] {
        let mut tx = db.app().pool().begin().await.unwrap();
        if let Some(zone) = zone {
            subsidy_ledger::db::enter_zone(&mut tx, zone).await.unwrap();
        }
        let sql = entry(&office, 301, "leaf");
        let (code, _) = refusal(&mut tx, &sql).await.unwrap();
        assert_eq!(code, PERMISSION_DENIED);
    }
}

/// An INSERT of one entry at an index; `leaf` is right, anything else is a wrong leaf hash.
fn entry(office: &Office, index: i64, leaf: &str) -> String {
    let prefix = if leaf == "leaf" { "\\x00" } else { "\\x01" };
    format!(
        "INSERT INTO ledger.entry (zone_id, log_index, recorded_at, actor_id, effective, adjusting,
             kind, leaf_hash, body)
         VALUES ({}, {index}, '{}', '{}', '2020-06-01', false, 'test.entry',
             sha256('{prefix}'::bytea || '{{}}'::bytea), '{{}}')",
        office.zone.id,
        noon().to_rfc3339(),
        office.actor
    )
}

fn a_transfer(office: &Office, index: i64, debit: i64, credit: i64) -> String {
    format!(
        "INSERT INTO ledger.transfer (zone_id, log_index, position, debit_account_id,
             credit_account_id, amount, debits_after, credits_after)
         VALUES ({}, {index}, 999, {debit}, {credit}, 1, 301, 301)",
        office.zone.id
    )
}

async fn account_id(conn: &mut PgConnection, office: &Office, code: AccountCode) -> i64 {
    sqlx::query_scalar("SELECT account_id FROM ledger.account WHERE zone_id = $1 AND address = $2")
        .bind(office.zone.id.0)
        .bind(account(code).to_string())
        .fetch_one(conn)
        .await
        .unwrap()
}

/// Moves the log's head to a size, with a frontier that may belong to it.
fn head_at(office: &Office, size: i64) -> String {
    format!(
        "UPDATE ledger.log_head SET size = {size}, frontier = (SELECT string_agg(sha256('x'), '')
             FROM regexp_matches({size}::bit(64)::text, '1', 'g')) WHERE zone_id = {}",
        office.zone.id
    )
}

/// What is wrong with an entry after 302 others, and the constraint that says so.
fn wrong_entries(office: &Office, stranger: PersonId) -> Vec<(String, &'static str)> {
    let next = entry(office, 302, "leaf");
    let with_head = |size: i64, index: i64| {
        let entry = entry(office, index, "leaf");
        format!("WITH h AS ({}) {entry}", head_at(office, size))
    };
    let kind = |kind: &str| next.replace("'test.entry'", &format!("'{kind}'"));
    vec![
        (entry(office, 302, "wrong"), "entry_leaf_hash_of_body"),
        (entry(office, 303, "leaf"), "entry_extends_log"),
        (with_head(304, 302), "entry_extends_log"),
        (with_head(304, 303), "entry_extends_log"),
        (entry(office, 301, "leaf"), "entry_pkey"),
        (
            next.replace(&office.actor.to_string(), &stranger.to_string()),
            "entry_actor_known",
        ),
        (
            next.replace("2020-06-01'", "2019-12-31'"),
            "entry_period_open",
        ),
        (kind("Test.entry"), "entry_kind_form"),
        (kind("test"), "entry_kind_form"),
        (kind("test."), "entry_kind_form"),
        (kind(".entry"), "entry_kind_form"),
        (kind("a.test.entry"), "entry_kind_form"),
    ]
}

#[tokio::test]
async fn postgres_itself_refuses_what_breaks_the_books() {
    let db = TestDb::new().await;
    let office = populated(&db).await;
    let other = Office::new(db.app(), "OTHER").await;
    other.accept(vec![other.entry(vec![appropriate(1)])]).await;
    let limit = super::transfer(&account(AccountCode::Q10), &account(AccountCode::Q20), 1);
    office.accept(vec![office.entry(vec![limit])]).await;

    let mut admin = db.superuser().await;
    let b10 = account_id(&mut admin, &office, AccountCode::B10).await;
    let b20 = account_id(&mut admin, &office, AccountCode::B20).await;
    let q20 = account_id(&mut admin, &office, AccountCode::Q20).await;
    let foreign = account_id(&mut admin, &other, AccountCode::B20).await;
    let zone = office.zone.id;
    let next = entry(&office, 302, "leaf");
    let transfers = [
        (a_transfer(&office, 301, b10, b20), "transfer_of_entry"),
        (a_transfer(&office, 302, b10, b20), "transfer_of_entry"),
        (
            format!(
                "WITH h AS ({}), e AS ({next}) {}",
                head_at(&office, 303),
                a_transfer(&office, 303, b10, b20)
            ),
            "transfer_of_entry",
        ),
        (a_transfer(&office, 302, b10, q20), "transfer_within_book"),
        (
            a_transfer(&office, 302, b10, foreign),
            "transfer_within_book",
        ),
        (
            a_transfer(&office, 302, foreign, foreign + 1),
            "transfer_within_book",
        ),
        (a_transfer(&office, 302, b10, b10), "transfer_between_two"),
        (
            a_transfer(&office, 302, b10, b20).replace("999, ", "-1, "),
            "transfer_position_not_negative",
        ),
        (
            format!(
                "UPDATE ledger.account SET debits = 302 WHERE zone_id = {zone} AND account_id = {b20}"
            ),
            "account_balance_not_negative",
        ),
        (
            format!(
                "INSERT INTO ledger.account (zone_id, code, currency, normal_side, guarded)
                     VALUES ({zone}, 'B30', 'CNY', 'C', false)"
            ),
            "account_chart_fkey",
        ),
    ];
    // As a superuser, whom neither grants nor policies stop.
    run(&mut admin, "BEGIN").await;
    for (sql, name) in wrong_entries(&office, other.actor)
        .into_iter()
        .chain(transfers)
    {
        let refused = refusal(&mut admin, &sql).await;
        let (_, constraint) = refused.unwrap_or_else(|| panic!("{sql}"));
        assert_eq!(constraint.as_deref(), Some(name), "{sql}");
    }
    // The same with nothing wrong is accepted, so it is not the statement that is refused.
    run(
        &mut admin,
        &format!("WITH h AS ({}) {next}", head_at(&office, 303)),
    )
    .await;
    run(&mut admin, &a_transfer(&office, 302, b10, b20)).await;
    run(&mut admin, "ROLLBACK").await;
}
