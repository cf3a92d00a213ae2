//! Rows of features, compared with the log: every column of every row is changed, every row is deleted, and
//! rows are forged.

use sqlx::{Connection, PgConnection};
use subsidy_ledger::db::Role as DbRole;
use subsidy_ledger::payment::PayableFilter;
use subsidy_ledger::types::PayableId;
use subsidy_ledger::verify::{DatabaseOptions, verify_database};

use super::verify_in;
use crate::kit::run;
use crate::kit::scenario::World;
use crate::kit::table::Play;
use crate::payment::{approve, hear, paid, send};

/// Tables, with the column that names a row, and how many rows there are.
const TABLES: &[(&str, &str, usize)] = &[
    ("voucher", "voucher_id", 3),
    ("hold", "hold_id", 6),
    ("payable", "payable_id", 4),
    ("payment_batch", "batch_id", 2),
    ("payment_line", "end_to_end_id", 4),
];

/// A voucher in use, one that is suspended, one that was taken back; holds that are open, captured and
/// released; payables that are owed, rejected and sent again, sent, paid.
async fn everything() -> World {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command    | outcome
        2020-05-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-01 | clerk    | apply b SH g applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-01 | clerk    | apply c SH g applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-02 | reviewer | review a   | recommended 100000.00
        2020-05-02 | reviewer | review b   | recommended 100000.00
        2020-05-02 | reviewer | review c   | recommended 100000.00
        2020-05-03 | manager  | issue a    | issued 100000.00 last_day=2020-12-31
        2020-05-03 | manager  | issue b    | issued 100000.00 last_day=2020-12-31
        2020-05-03 | manager  | issue c    | issued 100000.00 last_day=2020-12-31
        2020-05-04 | f        | hold h a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-04 | f        | hold i a p 40000.00 | held 20000.00 own_share=20000.00
        2020-05-04 | f        | hold j a p 30000.00 | held 15000.00 own_share=15000.00
        2020-05-04 | f        | hold k a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-04 | f        | hold l a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-04 | g        | hold m b p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-05 | p        | redeem h 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00
        2020-05-05 | p        | redeem i 30000.00 | redeemed 15000.00 own_share=15000.00 payee=p returned=5000.00
        2020-05-05 | p        | redeem j 30000.00 | redeemed 15000.00 own_share=15000.00 payee=p returned=0.00
        2020-05-05 | p        | redeem m 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00
        2020-05-05 | f        | release k  | released 10000.00
        2020-05-05 | reviewer | freeze a   | frozen
        2020-05-05 | reviewer | thaw a     | thawed
        2020-05-05 | reviewer | freeze b   | frozen
        2020-05-05 | manager  | cancel c   | cancelled 100000.00",
    )
    .await;
    let ids = ["h", "i", "j"].map(|name| PayableId(play.hold(name).0));
    let three = PayableFilter::Ids(ids.to_vec());
    approve(&play.world, "finance", three).await.unwrap();
    let first = send(&play.world, "cashier", "2020-05-07").await.unwrap();
    let rejected = format!(
        "{},15000.00,2020-05-08,rejected,,AC04 account closed",
        first.lines[1].end_to_end_id
    );
    let rows = [paid(&first, 0, "2020-05-08"), rejected];
    hear(&play.world, "cashier", "2020-05-09", &rows)
        .await
        .unwrap();
    send(&play.world, "cashier2", "2020-05-10").await.unwrap();
    play.check(
        "day       | who      | command    | outcome
        2021-01-01 | system   | expire a   | lapsed 50000.00",
    )
    .await;
    play.world
}

/// Takes every guard of a table away, as only a superuser can.
async fn disarm(conn: &mut PgConnection, table: &str) {
    run(
        conn,
        &format!("ALTER TABLE ledger.{table} DISABLE TRIGGER ALL"),
    )
    .await;
    let guards: Vec<String> = sqlx::query_scalar(
        "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname)
         FROM pg_constraint WHERE conrelid = $1::regclass AND contype IN ('c', 'f', 'u')
         UNION ALL SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index
         WHERE indrelid = $1::regclass AND indisunique AND indpred IS NOT NULL",
    )
    .bind(format!("ledger.{table}"))
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    for guard in guards {
        run(conn, &guard).await;
    }
}

/// Each column but zone and key, with another value for it.
async fn changes(conn: &mut PgConnection, table: &str, key: &str) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT column_name::text, format(CASE data_type
             WHEN 'uuid' THEN 'gen_random_uuid()'
             WHEN 'text' THEN $$coalesce(%1$I, '') || 'X'$$
             WHEN 'bytea' THEN $$sha256('another')$$
             WHEN 'boolean' THEN 'NOT %1$I'
             WHEN 'date' THEN '%1$I + 1'
             ELSE 'coalesce(%1$I, 0) + 1' END, column_name)
         FROM information_schema.columns
         WHERE table_schema = 'ledger' AND table_name = $1 AND column_name NOT IN ('zone_id', $2)
             AND is_generated = 'NEVER'
         ORDER BY ordinal_position",
    )
    .bind(table)
    .bind(key)
    .fetch_all(conn)
    .await
    .unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the statements are made here")]
async fn keys(conn: &mut PgConnection, table: &str, key: &str) -> Vec<String> {
    let query = format!("SELECT {key}::text FROM ledger.{table} ORDER BY 1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .fetch_all(conn)
        .await
        .unwrap()
}

/// Verification must fail after the attack, and name what is said.
async fn attack(world: &World, conn: &mut PgConnection, table: &str, sql: &str, finding: &str) {
    let mut tx = conn.begin().await.unwrap();
    disarm(&mut tx, table).await;
    run(&mut tx, sql).await;
    let found = verify_in(&mut tx, &world.zone, &DatabaseOptions::default()).await;
    let message = found.expect_err(sql);
    assert!(
        message.contains(finding),
        "{sql}\nfound: {message}\nnot: {finding}"
    );
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn every_change_of_a_feature_s_row_is_found_and_named() {
    let world = everything().await;
    let auditor = world.db.connect(DbRole::Auditor).await;
    let options = DatabaseOptions::default;
    verify_database(&auditor, &world.zone, options(), |_, _| ())
        .await
        .unwrap();
    let mut conn = world.db.superuser().await;
    for &(table, key, count) in TABLES {
        let rows = keys(&mut conn, table, key).await;
        assert_eq!(rows.len(), count, "{table}");
        let changes = changes(&mut conn, table, key).await;
        for row in &rows {
            let named = format!("ledger.{table}, {key} {row}: ");
            let its = format!("WHERE {key}::text = '{row}'");
            for (column, other) in &changes {
                let sql = format!("UPDATE ledger.{table} SET {column} = {other} {its}");
                let finding = format!("{named}{column} is ");
                attack(&world, &mut conn, table, &sql, &finding).await;
            }
            let sql = format!("DELETE FROM ledger.{table} {its}");
            let finding = format!("{named}the row is missing");
            attack(&world, &mut conn, table, &sql, &finding).await;
        }
        let forged = if key == "end_to_end_id" {
            "P9-9".to_owned()
        } else {
            PayableId::generate().to_string()
        };
        let others: Vec<&str> = changes.iter().map(|(column, _)| column.as_str()).collect();
        let others = others.join(", ");
        let sql = format!(
            "INSERT INTO ledger.{table} (zone_id, {key}, {others})
             SELECT zone_id, '{forged}', {others} FROM ledger.{table} WHERE {key}::text = '{}'",
            rows[0]
        );
        let finding = format!("ledger.{table}, {key} {forged}: the row is there, but none follows");
        attack(&world, &mut conn, table, &sql, &finding).await;
    }
    let mut tx = conn.begin().await.unwrap();
    verify_in(&mut tx, &world.zone, &options()).await.unwrap();
}
