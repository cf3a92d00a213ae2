//! How fast the journal records, against a plain double-entry transfer on the same server.
//!
//! ```text
//! cargo bench --bench record                      record_bulk, record_bulk_hot: a minute and a half
//! cargo bench --bench record -- --long            record_at_10m, balance_as_of: ten million transfers
//! cargo bench --bench record -- --long 1000000    the same with fewer
//! cargo bench --bench record -- --batch 1000      another number of entries in a transaction
//! ```
//!
//! One private Postgres with the service's own settings (`fsync` and `synchronous_commit` on) serves
//! both. The two are interleaved, since a shared machine is never equally fast twice; figures are
//! medians, and what counts is their ratio.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails where it stands, and prints"
)]

#[path = "../yardstick/mod.rs"]
mod yardstick;

mod books;
mod long;

use std::time::Duration;

use subsidy_ledger::db::private::PrivatePostgres;

use books::{Books, Hot};
use yardstick::{Reference, median, open_server, report};

/// Entries in a transaction, as of a long import. Larger ones update each account less often.
const BATCH: usize = 4_000;
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
