//! Many writers at once.

use std::collections::BTreeSet;

use subsidy_ledger::db::Database;
use subsidy_ledger::journal::{AccountCode, AsOf, Refusal, account_balance};

use super::{Office, account, appropriate, noon, transfer};
use crate::kit::TestDb;

const WRITERS: i64 = 12;
const COMMANDS: i64 = 20;

/// Each writer records batches of its own; answers the indices, and how many commands were refused.
async fn write_at_once(office: &Office) -> (BTreeSet<i64>, i64) {
    let writers = (0..WRITERS).map(|writer| {
        let office = office.clone();
        tokio::spawn(async move {
            let (b20, b30) = (account(AccountCode::B20), account(AccountCode::B30));
            let mut indices = Vec::new();
            let mut refused = 0;
            for command in 0..COMMANDS {
                let spend = office.entry(vec![transfer(&b20, &b30, 3)]);
                let entries = if (writer + command) % 3 == 0 {
                    vec![spend.clone(), office.entry(vec![appropriate(2)]), spend]
                } else {
                    vec![spend]
                };
                for outcome in office.record(noon(), entries).await.unwrap() {
                    match outcome {
                        Ok(recorded) => indices.push(recorded.index.0),
                        Err(Refusal::Insufficient { .. }) => refused += 1,
                        Err(other) => panic!("{other}"),
                    }
                }
            }
            (indices, refused)
        })
    });
    let mut all = BTreeSet::new();
    let mut all_refused = 0;
    for writer in writers.collect::<Vec<_>>() {
        let (indices, refused) = writer.await.unwrap();
        for index in indices {
            assert!(all.insert(index), "index {index} was given twice");
        }
        all_refused += refused;
    }
    (all, all_refused)
}

/// Totals of every account as its transfers say, and as the account says.
async fn replayed_and_kept(office: &Office) -> Vec<(String, i64, i64, i64, i64)> {
    let mut tx = office.reader().await;
    sqlx::query_as(
        "SELECT a.address, a.debits, a.credits,
             coalesce((SELECT sum(amount) FROM ledger.transfer WHERE debit_account_id = a.account_id), 0)::bigint,
             coalesce((SELECT sum(amount) FROM ledger.transfer WHERE credit_account_id = a.account_id), 0)::bigint
         FROM ledger.account a ORDER BY a.address",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap()
}

async fn check(office: &Office, indices: &BTreeSet<i64>, refused: i64) {
    // Index 0 founded the zone.
    let expected: BTreeSet<i64> = (1..).take(indices.len()).collect();
    assert_eq!(*indices, expected);
    let rows = replayed_and_kept(office).await;
    assert_eq!(rows.len(), 3);
    for (address, debits, credits, replayed_debits, replayed_credits) in rows {
        assert_eq!(
            (debits, credits),
            (replayed_debits, replayed_credits),
            "{address}"
        );
    }
    let mut tx = office.reader().await;
    let b20 = account(AccountCode::B20);
    let left = account_balance(&mut tx, office.zone.id, &b20, AsOf::Now)
        .await
        .unwrap();
    let appropriations = left.credits.minor() / 2;
    let spendings = left.debits.minor() / 3;
    assert_eq!(
        appropriations + spendings,
        i64::try_from(indices.len()).unwrap()
    );
    assert!(refused > 0, "the test is meant to exhaust the account");
    assert!(left.balance.minor() >= 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_one_zone_and_of_two_neither_lose_nor_double_nor_deadlock() {
    let db = TestDb::new().await;
    let app: &Database = db.app();
    let (a, b) = (Office::new(app, "A").await, Office::new(app, "B").await);
    let (in_a, in_b) = tokio::join!(write_at_once(&a), write_at_once(&b));
    check(&a, &in_a.0, in_a.1).await;
    check(&b, &in_b.0, in_b.1).await;
    let deadlocks: i64 = sqlx::query_scalar(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_one(app.pool())
    .await
    .unwrap();
    assert_eq!(deadlocks, 0);
}
