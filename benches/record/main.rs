//! How fast the journal records, against a plain double-entry transfer on the same server.
//!
//! ```text
//! cargo bench --bench record                      record_bulk, record_bulk_hot: a minute and a half
//! cargo bench --bench record -- --long            record_at_10m, balance_as_of: ten million transfers
//! cargo bench --bench record -- --long 1000000    the same with fewer
//! cargo bench --bench record -- --batch 5000      another number of entries in a transaction
//! ```
//!
//! One private Postgres with the service's own settings (fsync and synchronous_commit on) serves
//! both. The two are interleaved, since a shared machine is never equally fast twice; figures are
//! medians, and what counts is their ratio.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails where it stands, and prints"
)]

mod books;
mod long;
mod reference;

use std::path::{Path, PathBuf};
use std::time::Duration;

use subsidy_ledger::db::private::{PrivatePostgres, PrivatePostgresError, PrivateSettings};

use books::{Books, Hot};
use reference::Reference;

/// Entries in a transaction: a long import or a day's bulk run records so many at once.
const BATCH: usize = 1_000;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let position = |flag: &str| arguments.iter().position(|argument| argument == flag);
    let number_after = |flag: &str| arguments.get(position(flag)? + 1)?.parse::<u64>().ok();
    let batch = number_after("--batch").map_or(BATCH, |batch| usize::try_from(batch).unwrap());
    let server = open_server().await;
    if position("--long").is_some() {
        let transfers = number_after("--long").unwrap_or(long::MANY);
        long::run(&server, batch, transfers).await;
    } else {
        short(&server, batch).await;
    }
    server.close().await.unwrap();
}

async fn short(server: &PrivatePostgres, batch: usize) {
    let reference = Reference::prepare(server).await;
    let random = Books::open(server, "bench_random", Hot::No).await;
    let hot = Books::open(server, "bench_hot", Hot::Yes).await;
    let (mut plain, mut bulk, mut bulk_hot) = (Vec::new(), Vec::new(), Vec::new());
    plain.push(reference.run(ROUND).await);
    for _ in 0..ROUNDS {
        bulk.push(random.record_for(ROUND, batch).await);
        bulk_hot.push(hot.record_for(ROUND, batch).await);
        plain.push(reference.run(ROUND).await);
    }
    println!("transfers/s, batches of {batch} entries with 3 transfers each, in order:");
    println!("  reference       {plain:?}");
    println!("  record_bulk     {bulk:?}");
    println!("  record_bulk_hot {bulk_hot:?}");
    let plain = median(plain);
    report("record_bulk", median(bulk), plain, "transfers/s");
    report("record_bulk_hot", median(bulk_hot), plain, "transfers/s");
    random.close().await;
    hot.close().await;
}

/// The line that ends a benchmark.
fn report(name: &str, ours: u64, reference: u64, unit: &str) {
    let hundredths = ours * 100 / reference.max(1);
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    println!("{name} ours={ours} reference={reference} ratio={whole}.{rest:02} unit={unit}");
}

fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}

/// Under `target/`, unless that is where the server's account can't enter.
async fn open_server() -> PrivatePostgres {
    let settings = PrivateSettings {
        binaries: std::env::var_os("SUBSIDY_LEDGER_PG_BIN").map(PathBuf::from),
        guard: Some(PathBuf::from(env!("CARGO_BIN_EXE_subsidy-ledger"))),
    };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-postgres");
    match PrivatePostgres::open(&folder, &settings).await {
        Err(PrivatePostgresError::NotTraversable { .. }) => {
            let folder = Path::new("/tmp/subsidy-ledger-bench-postgres");
            PrivatePostgres::open(folder, &settings).await.unwrap()
        }
        result => result.unwrap(),
    }
}
