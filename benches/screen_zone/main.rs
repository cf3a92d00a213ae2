//! How fast a whole zone is screened by the tech-SME rule (国科发政〔2017〕115号), from Postgres to who qualifies.
//!
//! ```text
//! cargo bench --bench screen_zone                      a million parties
//! cargo bench --bench screen_zone -- --parties 100000  another number
//! ```
//!
//! Beside it, as the reference, `COPY` of the same rows out of the same server to a client that only counts their bytes:
//! what any program would need that reads what a screening reads.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails where it stands, and prints"
)]

#[path = "../yardstick/server.rs"]
mod server;

use std::fs;
use std::time::{Duration, Instant};

use futures::StreamExt;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use subsidy_ledger::db::private::PrivatePostgres;
use subsidy_ledger::db::{self, Database, Role};
use subsidy_ledger::identity::store::NewZone;
use subsidy_ledger::policy::{Facts, Moment, Outcome, Policy};
use subsidy_ledger::screening::{self, Screened, ScreeningError, Wanted};
use subsidy_ledger::types::{Currency, Zone, ZoneTime};
use subsidy_ledger::zone::{self, ZoneError};

use server::{open_server, recreate_database};

const DATABASE: &str = "bench_screen_zone";
const ROUNDS: usize = 3;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--parties");
    let parties: u64 = arguments
        .nth(1)
        .map_or(1_000_000, |number| number.parse().unwrap());
    let server = open_server().await;
    let (database, zone) = prepare(&server, parties).await;
    let mut admin = server
        .superuser_options()
        .database(DATABASE)
        .connect()
        .await
        .unwrap();
    let (mut ours, mut reference) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let screened = screen(&database, &zone).await;
        ours = ours.min(begun.elapsed());
        println!(
            "{} parties: {} pass, {} fail, {} need review, in {:.2} s",
            screened.parties.len(),
            screened.screening.count(Outcome::Pass),
            screened.screening.count(Outcome::Fail),
            screened.screening.count(Outcome::NeedsReview),
            begun.elapsed().as_secs_f64(),
        );
        reference = reference.min(copy_out(&mut admin).await);
    }
    println!(
        "most memory of this process: {} MiB",
        most_memory_kib() / 1024
    );
    println!(
        "screen_zone ours={:.2} reference={:.2} ratio={:.2} unit=s",
        ours.as_secs_f64(),
        reference.as_secs_f64(),
        ratio(reference, ours)
    );
    database.close().await;
    server.close().await.unwrap();
}

#[expect(clippy::float_arithmetic, reason = "a ratio of two times")]
fn ratio(reference: Duration, ours: Duration) -> f64 {
    reference.as_secs_f64() / ours.as_secs_f64()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the numbers that stand in the file's text are made here"
)]
async fn prepare(server: &PrivatePostgres, parties: u64) -> (Database, Zone) {
    recreate_database(server, DATABASE).await;
    db::migrate(server.superuser_options().database(DATABASE))
        .await
        .unwrap();
    let options = server.connect_options(Role::App).database(DATABASE);
    let database = Database::connect(options, Role::App, 2).await.unwrap();
    let new = NewZone {
        code: "BENCH".parse().unwrap(),
        name_zh: "区".parse().unwrap(),
        name_en: "Zone".parse().unwrap(),
        currency: Currency::Cny,
        time: ZoneTime::default(),
        origin: "bench.invalid/zone".to_owned(),
    };
    let (zone, _) = database
        .write(None, new, |tx, new| {
            Box::pin(async move {
                let now = "2020-01-01T01:00:00Z".parse().unwrap();
                let founded: Result<_, ZoneError> = zone::found(tx, now, new.clone()).await;
                founded
            })
        })
        .await
        .unwrap();
    let mut admin = server
        .superuser_options()
        .database(DATABASE)
        .connect()
        .await
        .unwrap();
    let sql = include_str!("zone.sql")
        .replace(":zone", &zone.id.to_string())
        .replace(":parties", &parties.to_string());
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut admin)
        .await
        .unwrap();
    (database, zone)
}

async fn screen(database: &Database, zone: &Zone) -> Screened {
    let root = env!("CARGO_MANIFEST_DIR");
    let pack = fs::read_to_string(format!("{root}/assets/policies/tech-sme-2017.toml")).unwrap();
    database
        .read(zone.id, (zone.clone(), pack), |conn, (zone, pack)| {
            Box::pin(async move {
                let policy = Policy::parse(pack).unwrap();
                let on = "2020-03-02".parse().unwrap();
                let mut assumed = Facts::new(Currency::Cny);
                for (fact, text) in [("filing_due_on", "2020-09-30"), ("filed_on", "2020-03-01")] {
                    let fact = subsidy_ledger::policy::Fact::named(fact).unwrap();
                    let raw = subsidy_ledger::policy::Raw::Text(text);
                    let source = subsidy_ledger::policy::Source::Verified;
                    assumed.state(fact, raw, source, on).unwrap();
                }
                let wanted = Wanted::new(&policy, Moment::Recognition);
                let found: Result<_, ScreeningError> =
                    screening::screen(conn, zone, wanted, on, &assumed, &|_, _| {}).await;
                found
            })
        })
        .await
        .unwrap()
}

/// Reads the rows of both tables as text, and lets go of them.
async fn copy_out(admin: &mut PgConnection) -> Duration {
    let begun = Instant::now();
    for table in [
        "COPY (SELECT party_id, scheme, identifier FROM ledger.party) TO STDOUT",
        "COPY (SELECT * FROM ledger.fact_statement) TO STDOUT",
    ] {
        let mut rows = admin.copy_out_raw(table).await.unwrap();
        let mut bytes = 0;
        while let Some(chunk) = rows.next().await {
            bytes += chunk.unwrap().len();
        }
        assert_ne!(bytes, 0);
    }
    begun.elapsed()
}

/// The high-water mark of resident memory, as Linux keeps it.
fn most_memory_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
