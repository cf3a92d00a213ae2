//! How fast the journal records, against a plain double-entry transfer on the same server.
//!
//! ```text
//! cargo bench --bench record                      record_bulk, record_bulk_hot: two minutes
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

use books::{Books, Hot, TRANSFERS};
use yardstick::{Reference, median, open_server, report};

/// Entries in a transaction, as of a long import. Larger ones update each account less often.
const BATCH: usize = 4_000;
/// Writers at the same time, as many as the machine has processors: a zone has one writer at a time.
const ZONES: usize = 2;
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
    let mut benches = Vec::new();
    for (name, hot, zones) in [
        ("record_bulk", Hot::No, ZONES),
        ("record_bulk_hot", Hot::Yes, ZONES),
        ("record_bulk_one_zone", Hot::No, 1),
        ("record_bulk_hot_one_zone", Hot::Yes, 1),
    ] {
        let books = Books::open(server, &format!("bench_{name}"), hot, zones).await;
        benches.push((name, books, Vec::new()));
    }
    let mut plain = vec![reference.run(ROUND).await];
    for _ in 0..ROUNDS {
        for (_, books, figures) in &mut benches {
            figures.push(books.record_for(ROUND, batch).await);
        }
        plain.push(reference.run(ROUND).await);
    }
    println!("transfers/s, batches of {batch} entries with {TRANSFERS} transfers each, in order:");
    println!("  {:24} {plain:?}", "reference");
    for (name, _, figures) in &benches {
        println!("  {name:24} {figures:?}");
    }
    let plain = median(plain);
    for (name, books, figures) in benches {
        report(name, median(figures), plain, "transfers/s");
        books.close().await;
    }
}
