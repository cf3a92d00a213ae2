//! What a superuser does to the rows of a table, and what `verify` must say of it: every column of a row is
//! changed, the first and the last row are deleted, and a row is forged.

use sqlx::{Connection, PgConnection};
use subsidy_ledger::db::Role as DbRole;
use subsidy_ledger::verify::{DatabaseOptions, verify_database};

use super::verify_in;
use crate::kit::run;
use crate::kit::scenario::World;

/// A table, and how its rows are attacked.
#[derive(Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Columns that name a row, which are not changed themselves.
    pub(super) key: &'static [&'static str],
    /// What a finding calls a row, in SQL.
    pub(super) named: &'static str,
    /// A value of the last column of the key that no row has; the last word of a forged row's name.
    pub(super) forged: &'static str,
    pub(super) rows: usize,
    /// Columns of which no entry says anything: a change is not found.
    pub(super) unstated: &'static [&'static str],
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
         WHERE indrelid = $1::regclass AND indisunique AND (indpred IS NOT NULL OR indexprs IS NOT NULL)",
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
async fn changes(conn: &mut PgConnection, table: &Table) -> Vec<(String, String)> {
    sqlx::query_as(
        "SELECT column_name::text, format(CASE data_type
             WHEN 'uuid' THEN 'gen_random_uuid()'
             WHEN 'text' THEN $$coalesce(%1$I, '') || 'X'$$
             WHEN 'bytea' THEN $$sha256('another')$$
             WHEN 'ARRAY' THEN CASE udt_name WHEN '_uuid' THEN '%1$I || gen_random_uuid()'
                 ELSE $$%1$I || 'X'::text$$ END
             WHEN 'boolean' THEN 'NOT %1$I'
             WHEN 'date' THEN $$coalesce(%1$I, '2020-01-01') + 1$$
             WHEN 'timestamp with time zone' THEN $$%1$I + interval '1 second'$$
             WHEN 'jsonb' THEN $$'{\"another\": \"fact\"}'$$
             ELSE 'coalesce(%1$I, 0) + 1' END, column_name)
         FROM information_schema.columns
         WHERE table_schema = 'ledger' AND table_name = $1 AND column_name::text <> ALL (array_append($2, 'zone_id'))
             AND is_generated = 'NEVER'
         ORDER BY ordinal_position",
    )
    .bind(table.name)
    .bind(table.key)
    .fetch_all(conn)
    .await
    .unwrap()
}

/// What findings call the rows.
#[expect(clippy::disallowed_methods, reason = "the statements are made here")]
async fn names(conn: &mut PgConnection, table: &Table) -> Vec<String> {
    let Table { name, named, .. } = table;
    let query = format!("SELECT {named} FROM ledger.{name} ORDER BY 1");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .fetch_all(conn)
        .await
        .unwrap()
}

/// What is found when a superuser has done something to a table.
async fn found(
    world: &World,
    conn: &mut PgConnection,
    table: &str,
    sql: &str,
) -> Result<(), String> {
    let mut tx = conn.begin().await.unwrap();
    disarm(&mut tx, table).await;
    run(&mut tx, sql).await;
    let found = verify_in(&mut tx, &world.zone, &DatabaseOptions::default()).await;
    tx.rollback().await.unwrap();
    found.map(|_| ())
}

/// Verification must fail after the attack, and say this.
pub(super) async fn attack(
    world: &World,
    conn: &mut PgConnection,
    table: &str,
    sql: &str,
    finding: &str,
) {
    let message = found(world, conn, table, sql).await.expect_err(sql);
    assert!(
        message.contains(finding),
        "{sql}\nfound: {message}\nnot: {finding}"
    );
}

/// Verification can't find this, since no entry says otherwise.
pub(super) async fn not_found(world: &World, conn: &mut PgConnection, table: &str, sql: &str) {
    assert_eq!(found(world, conn, table, sql).await, Ok(()), "{sql}");
}

/// Attacks every table; the zone verifies before and after.
pub(super) async fn attack_all(world: &World, tables: &[Table]) {
    let auditor = world.db.connect(DbRole::Auditor).await;
    let options = DatabaseOptions::default;
    verify_database(&auditor, &world.zone, options(), |_, _| ())
        .await
        .unwrap();
    let mut conn = world.db.superuser().await;
    for table in tables {
        attack_rows(world, &mut conn, table).await;
        forge(world, &mut conn, table).await;
    }
    let mut tx = conn.begin().await.unwrap();
    verify_in(&mut tx, &world.zone, &options()).await.unwrap();
}

async fn attack_rows(world: &World, conn: &mut PgConnection, table: &Table) {
    let Table { name, named, .. } = table;
    let rows = names(conn, table).await;
    assert_eq!(rows.len(), table.rows, "{name}");
    let (unstated, stated): (Vec<_>, Vec<_>) = changes(conn, table)
        .await
        .into_iter()
        .partition(|(column, _)| table.unstated.contains(&column.as_str()));
    for (at, row) in rows.iter().enumerate() {
        let its = format!("WHERE {named} = '{row}'");
        // What is compared is the same for every row: the last one shows that no order hides one.
        let (first, last) = (at == 0, at + 1 == rows.len());
        if !first && !last {
            continue;
        }
        for (column, other) in stated.iter().filter(|_| first) {
            let sql = format!("UPDATE ledger.{name} SET {column} = {other} {its}");
            let finding = format!("ledger.{name}, {row}: {column} is ");
            attack(world, conn, name, &sql, &finding).await;
        }
        let sql = format!("DELETE FROM ledger.{name} {its}");
        let finding = format!("ledger.{name}, {row}: the row is missing, but one follows");
        attack(world, conn, name, &sql, &finding).await;
    }
    for (column, other) in &unstated {
        let its = format!("WHERE {named} = '{}'", rows[0]);
        let sql = format!("UPDATE ledger.{name} SET {column} = {other} {its}");
        not_found(world, conn, name, &sql).await;
    }
}

async fn forge(world: &World, conn: &mut PgConnection, table: &Table) {
    let Table { name, named, .. } = table;
    let like = &names(conn, table).await[0];
    let (last, first) = table.key.split_last().unwrap();
    let mut copied = vec!["zone_id".to_owned()];
    copied.extend(first.iter().map(|&column| column.to_owned()));
    let changes = changes(conn, table).await;
    copied.extend(changes.into_iter().map(|(column, _)| column));
    let copied = copied.join(", ");
    let forged = table.forged;
    let sql = format!(
        "INSERT INTO ledger.{name} ({copied}, {last})
         SELECT {copied}, '{forged}' FROM ledger.{name} WHERE {named} = '{like}'"
    );
    let begin = like.rsplit_once(' ').unwrap().0;
    let forged = forged.trim_start_matches("\\x");
    let finding =
        format!("ledger.{name}, {begin} {forged}: the row is there, but none follows from the log");
    attack(world, conn, name, &sql, &finding).await;
}
