//! What every table of every migration, past and future, is held to.

use sqlx::PgConnection;
use subsidy_ledger::journal::{AccountCode, Book, Side};

use crate::kit::TestDb;

/// The rows of a question whose answer must be empty.
async fn offenders(conn: &mut PgConnection, question: &'static str) -> Vec<String> {
    sqlx::query_scalar(question).fetch_all(conn).await.unwrap()
}

/// Each rule, and who breaks it. Tables of no zone are `zone`, the list of them, and `chart`, the same for all.
const RULES: [(&str, &str); 9] = [
    (
        "every table, view and column has a comment",
        "SELECT coalesce(c.relname || '.' || a.attname, c.relname)::text
         FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT attisdropped
         WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
           AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL)",
    ),
    (
        "zone_id leads every primary and unique key and every index",
        "SELECT i.indexrelid::regclass::text FROM pg_index i
         JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'ledger'::regnamespace
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
         WHERE c.relname NOT IN ('zone', 'chart') AND a.attname IS DISTINCT FROM 'zone_id'",
    ),
    (
        "every table has a primary key",
        "SELECT c.relname::text FROM pg_class c
         WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p')
           AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'p')",
    ),
    (
        "zone_id leads every foreign key",
        "SELECT k.conname::text FROM pg_constraint k
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
         WHERE k.connamespace = 'ledger'::regnamespace AND k.contype = 'f' AND a.attname <> 'zone_id'
           AND k.confrelid <> 'ledger.chart'::regclass",
    ),
    (
        "row-level security is enabled and forced, by zone",
        "SELECT c.relname::text FROM pg_class c
         WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p')
           AND c.relname NOT IN ('zone', 'chart')
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
               SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'by_zone'
                 AND p.polcmd = '*' AND p.polpermissive
                 AND pg_get_expr(p.polqual, c.oid) LIKE '(zone_id = %current_zone()%'
                 AND pg_get_expr(p.polwithcheck, c.oid) LIKE '(zone_id = %current_zone()%')
               AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) = 1)",
    ),
    (
        "constraints have names of their own",
        // Not what Postgres makes up: table_check, table_column_check, table_zone_id_column_fkey. A
        // key may well be called table_column_key.
        "SELECT k.conname::text FROM pg_constraint k
         JOIN pg_class c ON c.oid = k.conrelid
         LEFT JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
         WHERE k.connamespace = 'ledger'::regnamespace AND k.contype IN ('c', 'f', 'u', 'x')
           AND (k.conname NOT LIKE c.relname || '\\_%' OR k.conname ~ ('^' || c.relname || '_check[0-9]*$')
             OR k.conname ~ ('^' || c.relname || '_' || coalesce(a.attname, '') || '_check[0-9]*$')
             OR k.conname ~ '(_id_fkey|_fkey[0-9]+|_key[0-9]+)$')",
    ),
    (
        "guards are on in every mode of replication",
        "SELECT t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
         WHERE c.relnamespace = 'ledger'::regnamespace AND NOT t.tgisinternal AND t.tgenabled <> 'A'",
    ),
    (
        "the app deletes and truncates nothing, and updates named columns only",
        "SELECT c.relname::text FROM pg_class c
         WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND (
             has_table_privilege('subsidy_ledger_app', c.oid, 'DELETE, TRUNCATE, UPDATE, TRIGGER, REFERENCES')
             OR has_any_column_privilege('subsidy_ledger_auditor', c.oid, 'INSERT, UPDATE')
             OR has_table_privilege('subsidy_ledger_auditor', c.oid, 'DELETE, TRUNCATE')
             OR NOT has_table_privilege('subsidy_ledger_auditor', c.oid, 'SELECT'))",
    ),
    (
        "money is whole minor units: no floating point, and no numeric but in views",
        "SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0
           AND a.atttypid IN ('float4'::regtype, 'float8'::regtype, 'numeric'::regtype, 'money'::regtype)",
    ),
];

#[tokio::test]
async fn every_table_keeps_the_rules() {
    let db = TestDb::new().await;
    let mut conn = db.superuser().await;
    let mut broken = Vec::new();
    for (rule, question) in RULES {
        let offenders = offenders(&mut conn, question).await;
        if !offenders.is_empty() {
            broken.push(format!("{rule}: not {}", offenders.join(", ")));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test]
async fn the_chart_in_the_database_is_the_chart_in_the_code() {
    let db = TestDb::new().await;
    let mut conn = db.superuser().await;
    let mut kept: Vec<(String, String, String, bool)> =
        sqlx::query_as("SELECT code, book, normal_side::text, guarded FROM ledger.chart")
            .fetch_all(&mut conn)
            .await
            .unwrap();
    kept.sort();
    let mut ours: Vec<(String, String, String, bool)> = AccountCode::ALL
        .iter()
        .map(|code| {
            let side = match code.normal_side() {
                Side::Debit => "D",
                Side::Credit => "C",
            };
            (
                code.as_str().to_owned(),
                code.book().letter().to_string(),
                side.to_owned(),
                code.is_guarded(),
            )
        })
        .collect();
    ours.sort();
    assert_eq!(kept, ours);
    for book in Book::ALL {
        assert!(AccountCode::ALL.iter().any(|code| code.book() == book));
    }
}
