//! A zone of a million vouchers, 200,000 claims and 50,000 leases: how long single commands, reports, a statement of the bank
//! and the end of a year take in it.
//!
//! ```text
//! cargo bench --bench zone                        fills the zone (half an hour or more), then measures a copy of it
//! cargo bench --bench zone -- --scale 10          a hundredth of it: the number is thousandths
//! cargo bench --bench zone -- --data /tmp/zone    keeps the filled zone there, and measures it again without filling
//! cargo bench --bench zone -- --each 500          so many commands of each kind
//! cargo bench --bench zone -- --plans benches/zone/plans   also writes down how Postgres carries out what they ask
//! cargo bench --bench zone -- --fill              fills and stops
//! ```
//!
//! Everything is there by the service's own commands, many in a transaction. What is measured is a copy of the filled
//! database, so that every run begins with the same zone. The reference of each figure is a hand-written transfer on the
//! same server in the same run, one at a time.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails where it stands, and prints"
)]

#[path = "../yardstick/server.rs"]
mod server;

mod cases;
mod fill;
mod flows;
mod measure;
mod money;
mod office;
mod plans;
mod reads;
mod year;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, ConnectOptions};
use subsidy_ledger::db::private::PrivatePostgres;

use fill::Size;
use measure::Bench;
use office::Office;
use plans::Plans;
use server::{open_server, recreate_database, settings};

/// The filled zone, and the copy that is measured.
const DATABASE: &str = "bench_zone";
const COPY: &str = "bench_zone_copy";
/// What a statement of a hundred thousand lines, and the end of a year, may take.
const STATEMENT: Duration = Duration::from_secs(20);
const YEAR_END: Duration = Duration::from_mins(1);
/// Commands of each kind.
const EACH: usize = 300;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let position_of = |flag: &str| arguments.iter().position(|argument| argument == flag);
    let after = |flag: &str| arguments.get(position_of(flag)? + 1).cloned();
    let number = |flag: &str, otherwise: usize| {
        after(flag).map_or(otherwise, |number| number.parse().unwrap())
    };
    let size = Size::per_mille(number("--scale", 1_000));
    let data = after("--data").map(PathBuf::from);
    let server = match &data {
        Some(data) => PrivatePostgres::open(data, &settings()).await.unwrap(),
        None => open_server().await,
    };
    if data.is_none() || !exists(&server, DATABASE).await {
        recreate_database(&server, DATABASE).await;
    }
    fill_all(&server, size).await;
    if position_of("--fill").is_none() {
        copy(&server).await;
        let office = Office::open(&server, COPY).await;
        let plans = match after("--plans").map(PathBuf::from) {
            Some(folder) => Some(Plans::new(&server, COPY, office.clone(), &folder).await),
            None => None,
        };
        let bench = Bench::new(&server, office, plans, number("--each", EACH)).await;
        measure_all(&server, bench, size).await;
    }
    server.close().await.unwrap();
}

/// Fills what is missing.
async fn fill_all(server: &PrivatePostgres, size: Size) {
    let office = Office::open(server, DATABASE).await;
    let mut look = office::look(server, DATABASE).await;
    let before = entries(&mut look).await;
    let begun = Instant::now();
    fill::fill(&office, &mut look, size).await;
    cases::fill(&office, &mut look, size).await;
    let after = entries(&mut look).await;
    if after != before {
        // As autovacuum would in a moment: plans that were made for empty tables are made again.
        sqlx::query("VACUUM ANALYZE")
            .execute(&mut look)
            .await
            .unwrap();
        println!(
            "filled with {} entries in {:.0?}",
            after - before,
            begun.elapsed()
        );
    }
    office.database.close().await;
}

async fn entries(look: &mut sqlx::PgConnection) -> usize {
    fill::count(look, "entry").await
}

/// Copies the filled database, so that it can be measured again.
#[expect(
    clippy::disallowed_methods,
    reason = "names of databases can't be bound; these are made here"
)]
async fn copy(server: &PrivatePostgres) {
    let begun = Instant::now();
    let options = server.superuser_options().database("postgres");
    let mut conn = options.connect().await.unwrap();
    for sql in [
        format!("DROP DATABASE IF EXISTS {COPY} WITH (FORCE)"),
        format!(
            "CREATE DATABASE {COPY} TEMPLATE {DATABASE} OWNER subsidy_ledger_owner STRATEGY FILE_COPY"
        ),
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut conn)
            .await
            .unwrap();
    }
    let size: String = sqlx::query_scalar("SELECT pg_size_pretty(pg_database_size($1))")
        .bind(COPY)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    println!("copied {size} in {:.0?}", begun.elapsed());
}

async fn measure_all(server: &PrivatePostgres, mut bench: Bench, size: Size) {
    let mut look = office::look(server, COPY).await;
    flows::register(&mut bench).await;
    flows::vouchers(&mut bench, &mut look).await;
    flows::claims(&mut bench, &mut look, size).await;
    flows::rent(&mut bench, &mut look).await;
    money::payments(&mut bench, &mut look, size).await;
    reads::reports(&mut bench, &mut look).await;
    reads::audits(&mut bench).await;
    let file = money::statement(&mut bench, &mut look, (size, STATEMENT)).await;
    reads::reconciliation(&mut bench).await;
    money::recoveries(&mut bench, &mut look, file).await;
    year::close(&mut bench, size, YEAR_END).await;
    bench.office.database.close().await;
    bench.report();
}

async fn exists(server: &PrivatePostgres, database: &str) -> bool {
    let options = server.superuser_options().database("postgres");
    let mut conn = options.connect().await.unwrap();
    let known = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)");
    known.bind(database).fetch_one(&mut conn).await.unwrap()
}
