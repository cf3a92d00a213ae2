//! A load generator that costs as little as possible: requests are made before, answers are only
//! counted, since it shares the processors with what it measures.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::task::JoinSet;

/// Sends each share over a connection of its own, one request at a time; gives every latency. In a thread of
/// its own, as clients have machines of their own: it must not wait for the service's tasks, nor they for it.
pub(crate) async fn run(address: SocketAddr, shares: Vec<Vec<Vec<u8>>>) -> Vec<Duration> {
    let clients = move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let mut connections = JoinSet::new();
            for share in shares {
                connections.spawn(connection(address, share));
            }
            connections.join_all().await.into_iter().flatten().collect()
        })
    };
    tokio::task::spawn_blocking(clients).await.unwrap()
}

async fn connection(address: SocketAddr, requests: Vec<Vec<u8>>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut latencies = Vec::with_capacity(requests.len());
    let mut answer = vec![0; 16 * 1024];
    for request in requests {
        let begun = Instant::now();
        stream.write_all(&request).await.unwrap();
        read_answer(&mut stream, &mut answer).await;
        latencies.push(begun.elapsed());
    }
    latencies
}

/// Reads one answer, which must be a success.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) {
    let mut length = 0;
    loop {
        length += stream
            .read(buffer.get_mut(length..).unwrap())
            .await
            .unwrap();
        let text = std::str::from_utf8(buffer.get(..length).unwrap()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let announced = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())
            .unwrap();
        if body.len() >= announced {
            assert!(
                head.starts_with("HTTP/1.1 20") && body.contains("redeemed"),
                "{text}"
            );
            return;
        }
    }
}
