//! Published versions in a database: which one decides on a day, and what is refused.

use std::path::Path;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use subsidy_ledger::db::enter_zone;
use subsidy_ledger::policy::Policy;
use subsidy_ledger::policy::store::{self, StoreError};
use subsidy_ledger::types::{PolicyId, ZoneId};

use crate::kit::{TestDb, run};

/// The Yuhuan pack as another version with another window.
fn version(version: &str, window: &str) -> Policy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/policies/yuhuan-2023.toml");
    let body = std::fs::read_to_string(path).unwrap();
    let body = body
        .replacen("\"2023-1\"", &format!("\"{version}\""), 1)
        .replacen("from = 2023-01-01", window, 1);
    Policy::parse(&body).unwrap_or_else(|report| panic!("{}", report.render("pack")))
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

async fn publish(conn: &mut PgConnection, policy: &Policy) -> Result<PolicyId, StoreError> {
    let id = PolicyId::generate();
    let now: DateTime<Utc> = "2022-12-01T04:00:00Z".parse().unwrap();
    // A refusal aborts the transaction, so each is tried in one of its own.
    let mut tx = conn.begin().await?;
    store::insert(&mut tx, ZoneId(1), id, policy, now, 7).await?;
    tx.commit().await?;
    Ok(id)
}

#[tokio::test]
async fn the_newest_version_in_force_decides_and_none_is_changed() {
    let db = TestDb::new().await;
    let mut admin = db.superuser().await;
    run(
        &mut admin,
        "INSERT INTO ledger.zone (code, name_zh, name_en, currency, time_zone, origin, created_at)
         VALUES ('YH', '玉环', 'Yuhuan', 'CNY', 'Asia/Shanghai', 'log.example/yh', now())",
    )
    .await;
    let mut conn = db.app().pool().acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    enter_zone(&mut tx, ZoneId(1)).await.unwrap();

    let first = version("2023-1", "from = 2023-01-01");
    let old = publish(&mut tx, &first).await.unwrap();
    let bounded = version("2024-1", "from = 2024-01-01\nuntil = 2025-01-01");
    let new = publish(&mut tx, &bounded).await.unwrap();

    let code = first.code();
    for (on, expected) in [
        ("2022-12-31", None),
        ("2023-01-01", Some(old)),
        ("2023-12-31", Some(old)),
        ("2024-01-01", Some(new)),
        ("2024-12-31", Some(new)),
        ("2025-01-01", None),
    ] {
        let found = store::in_force_on(&mut tx, ZoneId(1), code, day(on))
            .await
            .unwrap();
        assert_eq!(found.map(|found| found.id), expected, "{on}");
    }
    let kept = store::get(&mut tx, ZoneId(1), old).await.unwrap().unwrap();
    assert_eq!((kept.policy.body(), kept.entry_index), (first.body(), 7));
    let listed = store::list(&mut tx, ZoneId(1)).await.unwrap();
    assert_eq!(
        listed.iter().map(|listed| listed.id).collect::<Vec<_>>(),
        [old, new]
    );
    assert_eq!(listed[0].sha256, first.sha256());

    let again = publish(&mut tx, &version("2023-1", "from = 2023-02-01")).await;
    assert!(
        matches!(again, Err(StoreError::VersionExists { .. })),
        "{again:?}"
    );
    let same_day = publish(&mut tx, &version("2023-2", "from = 2023-01-01")).await;
    assert!(
        matches!(same_day, Err(StoreError::SameDay { .. })),
        "{same_day:?}"
    );
    tx.commit().await.unwrap();

    for change in [
        "UPDATE ledger.policy SET version = 'X'",
        "DELETE FROM ledger.policy",
    ] {
        let refused = sqlx::raw_sql(change).execute(&mut admin).await.unwrap_err();
        let constraint = refused
            .as_database_error()
            .and_then(|error| error.constraint());
        assert_eq!(constraint, Some("policy_append_only"), "{change}");
    }
}
