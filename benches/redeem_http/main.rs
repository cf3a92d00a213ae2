//! Single redemptions over HTTP: keep-alive, 64 connections, one programme, against the same plain
//! double-entry transfer as the other benchmarks, on the same server in the same run.
//!
//! ```text
//! cargo bench --bench redeem_http
//! ```
//!
//! Client, service and Postgres share the machine. What counts is the ratio.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark fails where it stands, and prints"
)]

#[path = "../yardstick/mod.rs"]
mod yardstick;

mod client;
mod stock;

use std::time::{Duration, Instant};

use subsidy_ledger::clock::Clock;
use subsidy_ledger::http::{self, App, Limits, Settings};
use subsidy_ledger::telemetry;
use tokio::sync::oneshot;

use stock::Stock;
use yardstick::{Reference, median, open_server, report};

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 5;
/// Redemptions in a round.
const ROUND: usize = 10_000;
/// Redemptions by one client alone.
const ALONE: usize = 1_000;
const REFERENCE_TIME: Duration = Duration::from_secs(4);

#[tokio::main]
async fn main() {
    let server = open_server().await;
    let reference = Reference::prepare(&server).await;
    let stock = Stock::prepare(&server, ROUNDS * ROUND + ALONE).await;
    let listener = http::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = App::new(Settings {
        database: stock.database.clone(),
        clock: Clock::Fixed(stock.now),
        signers: std::collections::HashMap::new(),
        metrics: telemetry::start_metrics(),
        limits: Limits::default(),
    });
    let (stop, stopped) = oneshot::channel::<()>();
    let service = tokio::spawn(http::serve(app, listener, async move {
        drop(stopped.await);
    }));

    let (mut plain, mut ours, mut latencies) = (Vec::new(), Vec::new(), Vec::new());
    let mut requests = stock.requests(address).into_iter();
    let alone: Vec<Vec<u8>> = requests.by_ref().take(ALONE).collect();
    let single = client::run(address, vec![alone]).await;
    for _ in 0..ROUNDS {
        plain.push(reference.run(REFERENCE_TIME).await);
        let mut shares = vec![Vec::new(); CONNECTIONS];
        for (number, request) in requests.by_ref().take(ROUND).enumerate() {
            shares.get_mut(number % CONNECTIONS).unwrap().push(request);
        }
        let begun = Instant::now();
        latencies.extend(client::run(address, shares).await);
        ours.push(per_second(ROUND, begun.elapsed()));
    }
    println!("reference transfers/s {plain:?}");
    println!("redemptions/s         {ours:?}");
    println!(
        "latency with {CONNECTIONS} connections: {}",
        quantiles(latencies)
    );
    println!("latency of one client alone: {}", quantiles(single));
    report("redeem_http", median(ours), median(plain), "redemptions/s");
    stop.send(()).unwrap();
    service.await.unwrap().unwrap();
    stock.database.close().await;
    server.close().await.unwrap();
}

fn per_second(count: usize, time: Duration) -> u64 {
    let micros = time.as_micros().max(1);
    u64::try_from(u128::try_from(count).unwrap() * 1_000_000 / micros).unwrap()
}

fn quantiles(mut latencies: Vec<Duration>) -> String {
    latencies.sort_unstable();
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).unwrap();
    format!("p50 {:?}, p99 {:?}", at(50), at(99))
}
