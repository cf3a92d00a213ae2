//! The socket: loopback only, headers within a time, a stop that cuts no answer off.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::state::App;

/// Why the service does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Others could reach it.
    #[error(
        "{0} can be reached from other machines, and there is no sign-in yet: \
         listen on 127.0.0.1 or [::1], and let others in through something that knows them, such as ssh -L"
    )]
    NotLoopback(SocketAddr),
    /// Somebody listens there.
    #[error(
        "port {port} of {ip} is in use: another program, or another subsidy-ledger, listens there; \
         stop it, or listen on another port",
        port = .0.port(), ip = .0.ip()
    )]
    PortInUse(SocketAddr),
    /// The system refused.
    #[error("can't listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Takes a port of a loopback address; port 0 means any free one.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    require_loopback(address)?;
    TcpListener::bind(address).await.map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            ServeError::PortInUse(address)
        } else {
            ServeError::Listen { address, source }
        }
    })
}

fn require_loopback(address: SocketAddr) -> Result<(), ServeError> {
    if address.ip().is_loopback() {
        Ok(())
    } else {
        Err(ServeError::NotLoopback(address))
    }
}

/// Answers requests until `shutdown` is ready. Then it accepts no more connections, finishes the
/// requests that have begun, within the limit, and carries out the commands that wait.
pub async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    if let Ok(address) = listener.local_addr() {
        require_loopback(address)?;
    }
    let service = TowerToHyperService::new(super::router(Arc::clone(&app)));
    let places = Arc::new(Semaphore::new(app.limits.connections));
    let connections = GracefulShutdown::new();
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(app.limits.arrival)
        .half_close(true);
    tokio::pin!(shutdown);
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = async { (place.await, listener.accept().await) } => accepted,
        };
        let (place, stream) = match accepted {
            (place, Ok((stream, _))) => (place, stream),
            (_, Err(error)) => {
                // Out of file descriptors, as a rule: some will be closed.
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        answer_at_once(&stream);
        let connection = protocol.serve_connection(TokioIo::new(stream), service.clone());
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            // A client that goes away or breaks the protocol is its own affair.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(app.limits.stop, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("stopped with requests unfinished");
    }
    app.stop().await;
    Ok(())
}

/// An answer is written in one piece: waiting for more to send would only delay it.
fn answer_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_loopback_and_only_free_ports() {
        for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
            let refusal = listen(open.parse().unwrap()).await.unwrap_err();
            assert!(refusal.to_string().contains("no sign-in yet"), "{refusal}");
        }
        let taken = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = taken.local_addr().unwrap();
        let refusal = listen(address).await.unwrap_err().to_string();
        let port = format!("port {} of 127.0.0.1 is in use", address.port());
        assert!(refusal.starts_with(&port), "{refusal}");
    }
}
