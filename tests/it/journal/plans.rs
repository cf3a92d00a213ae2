//! Reading and recording stay O(log n), whatever the planner believes about the tables.

use subsidy_ledger::journal::{
    AccountCode, Address, AsOf, Entry, Idempotency, account_balance, earlier, size_at, statement,
};
use subsidy_ledger::types::{Currency, LogIndex, PartyId};

use super::{Office, account, appropriate, noon, record_new, transfer};
use crate::kit::{TestDb, run};

/// Rows that one question may read: a page of ten lines, and a few for each step of a search.
const FEW: i64 = 100;

/// Rows of the journal's big tables that the transaction has read so far, and scans of a whole one.
async fn read_so_far(conn: &mut sqlx::PgConnection) -> (i64, i64) {
    sqlx::query_as(
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint, sum(seq_scan)::bigint
         FROM pg_stat_xact_user_tables WHERE relname IN ('entry', 'transfer')",
    )
    .fetch_one(conn)
    .await
    .unwrap()
}

/// One account moves at the log's beginning and end only, and two others all the time between, which
/// is when a search for its last transfer would best not walk back through the log.
async fn grown(db: &TestDb) -> Office {
    let office = Office::new(db.app(), "PLANS").await;
    let (b20, b30) = (account(AccountCode::B20), account(AccountCode::B30));
    let rare = || office.entry(vec![transfer(&b20, &b30, 1)]);
    let common = || {
        let mut entry = office.entry(vec![appropriate(1); 6]);
        let key = uuid::Uuid::now_v7().to_string();
        entry.idempotency = Some(Idempotency::new(key, "test", &()));
        entry
    };
    // The session plans its checks for the first, small batch, and keeps the plans.
    office
        .accept(vec![office.entry(vec![appropriate(9)]), rare()])
        .await;
    for _ in 0..2 {
        office.accept((0..1_000).map(|_| common()).collect()).await;
    }
    office.accept(vec![rare()]).await;
    let mut admin = db.superuser().await;
    run(
        &mut admin,
        "ANALYZE ledger.entry, ledger.transfer, ledger.account",
    )
    .await;
    office
}

#[tokio::test]
async fn questions_about_the_past_read_few_rows() {
    let db = TestDb::new().await;
    let office = grown(&db).await;
    let zone = office.zone.id;
    let mut tx = office.reader().await;
    let size = size_at(&mut tx, zone, AsOf::Now).await.unwrap();
    // After five times a session may keep a general plan, so each is asked more often than that.
    for _ in 0..8 {
        for code in [AccountCode::B10, AccountCode::B20, AccountCode::B30] {
            let address = account(code);
            for as_of in [
                AsOf::Size(size - 1),
                AsOf::Size(2),
                AsOf::Recorded(noon()),
                AsOf::Now,
            ] {
                let (before, _) = read_so_far(&mut tx).await;
                account_balance(&mut tx, zone, &address, as_of)
                    .await
                    .unwrap();
                let (after, scans) = read_so_far(&mut tx).await;
                assert!(
                    after - before <= FEW,
                    "{address} {as_of:?}: {} rows",
                    after - before
                );
                assert_eq!(scans, 0, "{address} {as_of:?}");
            }
            for from in [0, size / 2, size - 1] {
                let (before, _) = read_so_far(&mut tx).await;
                statement(&mut tx, zone, &address, LogIndex(from), 10)
                    .await
                    .unwrap();
                let (after, scans) = read_so_far(&mut tx).await;
                assert!(
                    after - before <= FEW,
                    "{address} from {from}: {} rows",
                    after - before
                );
                assert_eq!(scans, 0, "{address} from {from}");
            }
        }
        let command = Idempotency::new("never used", "test", &());
        let (before, _) = read_so_far(&mut tx).await;
        earlier(&mut tx, zone, &[(office.actor, Some(&command))])
            .await
            .unwrap();
        let (after, scans) = read_so_far(&mut tx).await;
        assert!(
            after - before <= FEW && scans == 0,
            "the key of a command is looked up"
        );
    }
}

#[tokio::test]
async fn recording_one_entry_reads_few_rows() {
    let db = TestDb::new().await;
    let office = grown(&db).await;
    for _ in 0..8 {
        let mut tx = office.reader().await;
        let (before, _) = read_so_far(&mut tx).await;
        let mut entry = office.entry(vec![appropriate(1); 3]);
        let key = uuid::Uuid::now_v7().to_string();
        entry.idempotency = Some(Idempotency::new(key, "test", &()));
        subsidy_ledger::journal::record_one(&mut tx, &office.zone, noon(), entry)
            .await
            .unwrap();
        let (after, scans) = read_so_far(&mut tx).await;
        tx.commit().await.unwrap();
        assert!(after - before <= FEW, "{} rows", after - before);
        assert_eq!(scans, 0);
    }
}

/// An entry that owes something to somebody who was owed nothing before.
fn owe(office: &Office) -> Entry {
    let code = |code| Address::new(code, Currency::Cny);
    let payee = code(AccountCode::F2010).party(PartyId::generate());
    office.entry(vec![transfer(&code(AccountCode::F5010), &payee, 1)])
}

/// A session that made its plans when the zone had few accounts keeps them until somebody analyses the table.
#[tokio::test]
async fn accounts_are_looked_up_one_by_one_however_few_there_were_at_first() {
    let db = TestDb::new().await;
    let office = Office::new(db.app(), "FEW").await;
    let mut tx = office.reader().await;
    let known = account(AccountCode::B10).to_string();
    for accounts in [1, 3_000] {
        let owed: Vec<Entry> = (0..accounts).map(|_| owe(&office)).collect();
        record_new(&mut tx, &office.zone, noon(), &owed)
            .await
            .unwrap();
        let before = accounts_read(&mut tx).await;
        sqlx::query("SELECT ledger.lock_books($1, ARRAY[$2, 'unknown'])")
            .bind(office.zone.id.0)
            .bind(&known)
            .execute(&mut *tx)
            .await
            .unwrap();
        let read = accounts_read(&mut tx).await - before;
        assert!(read <= FEW, "{read} of {accounts} accounts were read");
    }
}

async fn accounts_read(conn: &mut sqlx::PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint
         FROM pg_stat_xact_user_tables WHERE relname = 'account'",
    )
    .fetch_one(conn)
    .await
    .unwrap()
}
