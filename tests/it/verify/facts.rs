//! Rows of stated and determined facts, compared with the log.

use subsidy_ledger::policy::{Facts, Source};
use subsidy_ledger::types::Currency;
use subsidy_ledger::{fact, types::LogIndex};

use super::attack::{Table, attack, attack_all};
use crate::fact::two_persons::propose;
use crate::fact::{declared, import, options, state};
use crate::kit::scenario::World;

const TABLES: &[Table] = &[
    Table {
        name: "fact_statement",
        key: &["log_index"],
        named: "concat('log_index ', log_index)",
        forged: "0",
        rows: 6,
        unstated: &[],
    },
    Table {
        name: "determination",
        key: &["proposed_index"],
        named: "concat('proposed_index ', proposed_index)",
        forged: "0",
        rows: 2,
        unstated: &[],
    },
];

async fn everything() -> World {
    let world = World::new(&[]).await;
    let party = world.parties["f"];
    let year = fact::When::Year(2019);
    let sales = declared(party, year, r#"{"annual_sales":"1200.00","staff":9}"#);
    state(&world, "f", sales).await.unwrap();
    let csv = "party,登记编号,from\n91000000MA00000900,\"2019 \"\"7\"\"\",2019-06-10\n";
    let tech = options(Source::Imported, Some("tech_sme"));
    import(&world, csv, tech).await.unwrap();
    let whole = crate::fact::complete::whole("integrity", "2020-06-01");
    crate::fact::complete::import(&world, crate::fact::complete::NOBODY, whole).await;
    let proposed: LogIndex = propose(&world, "reviewer", None, "filing_due_on", "2020-06-30")
        .await
        .unwrap();
    let caller = world.caller("manager", "2020-06-11", None);
    let confirmed = world.one(caller, proposed, |conn, command, proposed| {
        Box::pin(async move { fact::confirm(conn, &command, *proposed).await })
    });
    confirmed.await.unwrap();
    propose(&world, "manager", Some(party), "rating", "good")
        .await
        .unwrap();
    let industry = crate::fact::days("2020-01-01", "2021-01-01");
    let industry = declared(party, industry, r#"{"industry":"retail"}"#);
    state(&world, "clerk", industry).await.unwrap();
    let caller = world.caller("reviewer", "2020-06-11", None);
    let kept = world.one(caller, Facts::new(Currency::Cny), |conn, command, facts| {
        Box::pin(async move { fact::store::keep_snapshots(conn, command.zone.id, &[facts]).await })
    });
    let kept: Result<_, sqlx::Error> = kept.await;
    kept.unwrap();
    world
}

#[tokio::test]
async fn every_change_of_a_fact_is_found_and_named() {
    let world = everything().await;
    attack_all(&world, TABLES).await;
    let mut conn = world.db.superuser().await;
    for sql in [
        "UPDATE ledger.fact_snapshot SET body = body || ' '",
        "UPDATE ledger.fact_snapshot SET sha256 = sha256('another')",
    ] {
        attack(&world, &mut conn, "fact_snapshot", sql, ": body is ").await;
    }
}

const REGISTERED: &[Table] = &[
    Table {
        name: "determination",
        key: &["proposed_index"],
        named: "concat('proposed_index ', proposed_index)",
        forged: "0",
        rows: 4,
        unstated: &[],
    },
    Table {
        name: "recognition",
        key: &["log_index"],
        named: "concat('log_index ', log_index)",
        forged: "0",
        rows: 3,
        unstated: &[],
    },
];

/// A registration, its revocation, a decision that does not pass and one that waits.
#[tokio::test]
async fn every_change_of_a_recognition_is_found_and_named() {
    use crate::fact::recognition::{confirm, recognise, register, revoke, tech_zone};
    let world = tech_zone().await;
    let party = world.parties["f"];
    let first = recognise(&world, party, "2020-06-01").await;
    register(&world, "2020-06-15", first.entry).await;
    let revoked = revoke(&world, party, "2020-08-20").await;
    confirm(&world, "manager", revoked).await.unwrap();
    recognise(&world, party, "2020-10-15").await;
    recognise(&world, party, "2021-02-01").await;
    attack_all(&world, REGISTERED).await;
}
