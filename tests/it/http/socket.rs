//! The service on a real socket: broken framing, and a stop under load.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use subsidy_ledger::http::{ServeError, listen, serve};
use subsidy_ledger::journal::AccountCode::{B10, B20};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::service::{Line, Service};

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), ServeError>>,
}

async fn start(service: &Service) -> Running {
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let app = Arc::clone(&service.app);
    let ended = tokio::spawn(serve(app, listener, async { stopped.await.unwrap_or(()) }));
    Running {
        address,
        stop,
        ended,
    }
}

/// Sends bytes and reads until the service closes.
async fn exchange(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn broken_framing_is_refused_and_the_connection_closed() {
    let service = Service::new().await;
    let running = start(&service).await;
    for (request, status) in [
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "400",
        ),
        (
            "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
            "400",
        ),
        ("nonsense\r\n\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", "421"),
        // hyper goes by Transfer-Encoding and closes the connection, as RFC 9112
        // §6.3 allows, so what follows is not taken for another request.
        (
            "POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n\
             0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "405",
        ),
    ] {
        let answer = exchange(running.address, request).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request}: {answer}"
        );
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    running.stop.send(()).unwrap();
    running.ended.await.unwrap().unwrap();
}

/// A stop under load: every answer that has begun arrives whole, and the port is free again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_cuts_no_answer_off() {
    let service = Service::new().await;
    for _ in 0..300 {
        service.record(&[(B10, B20, 1)], Line::default()).await;
    }
    let running = start(&service).await;
    let address = running.address;
    let clients: Vec<_> = (0..16)
        .map(|_| tokio::spawn(ask_until_refused(address)))
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(10), running.ended)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let mut answers = 0;
    for client in clients {
        answers += client.await.unwrap();
    }
    assert!(answers > 16, "{answers} answers before the stop");
    assert!(TcpStream::connect(address).await.is_err());
}

/// Counts whole answers until the service accepts no more.
async fn ask_until_refused(address: SocketAddr) -> u32 {
    let request = "GET /v1/zones/SH/entries?limit=300 HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut answers = 0;
    'connect: while let Ok(mut stream) = TcpStream::connect(address).await {
        loop {
            let mut bytes = Vec::new();
            let Ok(()) = stream.write_all(request.as_bytes()).await else {
                continue 'connect;
            };
            loop {
                match is_whole(&bytes) {
                    Some(true) => break,
                    _ if stream.read_buf(&mut bytes).await.unwrap_or(0) > 0 => {}
                    _ if bytes.is_empty() => continue 'connect, // closed between two requests
                    _ => panic!("cut off after {} bytes", bytes.len()),
                }
            }
            answers += 1;
        }
    }
    answers
}

fn is_whole(bytes: &[u8]) -> Option<bool> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    Some(body.len() == length.parse::<usize>().unwrap())
}
