//! Vouchers without application for a whole zone, from the approved run to the last one awarded.
//!
//! ```text
//! cargo bench --bench award                       100,000 vouchers: some minutes, most of them set-up
//! cargo bench --bench award -- --firms 10000      fewer
//! cargo bench --bench award -- --part 2000        another number of awards in a transaction
//! ```
//!
//! Each award is an entry of its own with its decision and trace, its transfers, its snapshot of facts and its voucher.
//! The reference is the plain double-entry transfer of the other benchmarks, before and after, on the same server.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails where it stands, and prints"
)]

#[path = "../yardstick/mod.rs"]
mod yardstick;

mod office;

use std::time::{Duration, Instant};

use subsidy_ledger::voucher::run;

use office::Office;
use yardstick::{Reference, median, open_server, report};

const FIRMS: u64 = 100_000;
const PART: u64 = 1_000;
const REFERENCE_TIME: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number_after = |flag: &str, otherwise: u64| {
        let position = arguments.iter().position(|argument| argument == flag);
        let given = position.and_then(|at| arguments.get(at + 1)?.parse().ok());
        given.unwrap_or(otherwise)
    };
    let firms = number_after("--firms", FIRMS);
    let part = u32::try_from(number_after("--part", PART)).unwrap();
    let server = open_server().await;
    let reference = Reference::prepare(&server).await;
    let begin = Instant::now();
    let office = Office::open(&server, usize::try_from(firms).unwrap()).await;
    println!("set up in {:.1?}", begin.elapsed());

    let mut plain = vec![reference.run(REFERENCE_TIME).await];
    let begin = Instant::now();
    let (run, candidates) = office.propose().await;
    println!(
        "proposed with {candidates} on the list in {:.1?}",
        begin.elapsed()
    );
    office.approve(run).await;
    let begin = Instant::now();
    let manager = office.caller("manager");
    let mut step = Instant::now();
    let tell = |progress: run::Progress| {
        if progress.decided.is_multiple_of(10_000) {
            println!(
                "{} decided, the last 10,000 in {:.1?}",
                progress.decided,
                step.elapsed()
            );
            step = Instant::now();
        }
    };
    let done = run::resume(&office.database, &manager, run, part, tell)
        .await
        .unwrap();
    let took = begin.elapsed();
    plain.push(reference.run(REFERENCE_TIME).await);
    plain.push(reference.run(REFERENCE_TIME).await);

    assert_eq!((u64::from(done.awarded), done.decided), (firms, candidates));
    let per_second = u128::from(firms) * 1_000 / took.as_millis().max(1);
    println!("awarded {firms} vouchers in {took:.1?}; reference {plain:?} transfers/s");
    report(
        "award_100k",
        u64::try_from(per_second).unwrap(),
        median(plain),
        "awards/s",
    );
    office.database.close().await;
    server.close().await.unwrap();
}
