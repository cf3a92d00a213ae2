//! What ten million transfers change: nothing that a user would notice.

use std::time::{Duration, Instant};

use rand::RngExt;
use subsidy_ledger::db::private::PrivatePostgres;
use subsidy_ledger::journal::{AsOf, account_balance, size_at};

use crate::books::{Books, Hot, TRANSFERS, ZoneBooks, per_second};
use crate::yardstick::{median, report};

const FEW: u64 = 100_000;
/// What the names `record_at_10m` and `balance_as_of` promise.
pub(crate) const MANY: u64 = 10_000_000;
/// A shared machine stalls now and then, so speed is the median of several windows.
const WINDOWS: usize = 7;
const WINDOW: Duration = Duration::from_secs(5);
/// Transfers from one line of progress to the next.
const STEP: u64 = 1_000_000;
const QUESTIONS: usize = 2_000;

/// Speed at a hundred thousand and at ten million transfers; then balances of old days.
pub(crate) async fn run(server: &PrivatePostgres, batch: usize, transfers: u64) {
    let all = Books::open(server, "bench_long", Hot::No, 1).await;
    let books = all.first();
    let mut recorded = books.record_while(batch, |done| done < FEW).await;
    let at_few = measure(books, batch, &mut recorded).await;
    while recorded < transfers {
        let step = (transfers - recorded).min(STEP);
        let begin = Instant::now();
        let done = books.record_while(batch, |done| done < step).await;
        recorded += done;
        println!(
            "{recorded} transfers: {} a second",
            per_second(done, begin.elapsed())
        );
    }
    let at_many = measure(books, batch, &mut recorded).await;
    println!("{recorded} transfers recorded, {TRANSFERS} in an entry");
    report("record_at_10m", at_many, at_few, "transfers/s");
    let median_us = old_balances(books).await;
    report("balance_as_of", median_us, 1_000, "µs");
    all.close().await;
}

async fn measure(books: &ZoneBooks, batch: usize, recorded: &mut u64) -> u64 {
    let mut speeds = Vec::with_capacity(WINDOWS);
    for _ in 0..WINDOWS {
        let begin = Instant::now();
        let transfers = books
            .record_while(batch, |_| begin.elapsed() < WINDOW)
            .await;
        *recorded += transfers;
        speeds.push(per_second(transfers, begin.elapsed()));
    }
    println!("after {recorded} transfers: {speeds:?} transfers/s");
    median(speeds)
}

/// Median time of a random account's balance at a random old index, in microseconds: one call, in a
/// session that has a transaction open.
async fn old_balances(books: &ZoneBooks) -> u64 {
    let mut conn = books.app().pool().begin().await.unwrap();
    let zone = books.zone().id;
    subsidy_ledger::db::enter_zone(&mut conn, zone)
        .await
        .unwrap();
    let size = size_at(&mut conn, zone, AsOf::Now).await.unwrap();
    let mut times = Vec::with_capacity(QUESTIONS);
    for _ in 0..QUESTIONS {
        let account = rand::rng().random_range(0..books.accounts().len());
        let address = books.accounts().get(account).unwrap();
        let as_of = AsOf::Size(rand::rng().random_range(0..size));
        let begin = Instant::now();
        account_balance(&mut conn, zone, address, as_of)
            .await
            .unwrap();
        times.push(u64::try_from(begin.elapsed().as_micros()).unwrap());
    }
    median(times)
}
