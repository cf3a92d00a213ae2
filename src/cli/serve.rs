//! `serve`: the HTTP service and the signers of the logs, until it is told to stop.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{self, Path};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::session::{private_settings, target};
use super::{Global, output};
use crate::clock::Clock;
use crate::config::DatabaseTarget;
use crate::db::private::{self, ServiceLock};
use crate::db::{self, Database, Role, Server};
use crate::http::{self, App, Limits, Settings, ZoneSigner};
use crate::identity;
use crate::log::signer::{self, Signer, SignerStatus};
use crate::telemetry::{self, LogFormat};
use crate::types::{Zone, ZoneId};

/// How often a log that has grown is signed: receipts are asked for within two seconds.
const SIGNING_INTERVAL: Duration = Duration::from_millis(500);

/// Sessions that the service opens at most.
const CONNECTIONS: u32 = 16;

/// Where to serve.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  subsidy-ledger serve --listen 127.0.0.1:8080")]
pub struct ServeArgs {
    /// Address and port; loopback only until there is sign-in
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)))]
    pub listen: SocketAddr,
    /// How log lines are written, on standard error
    #[arg(long, value_enum, default_value_t = LogLines::Text)]
    pub log_format: LogLines,
}

/// As telemetry knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLines {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// Serves the database that the options choose, after bringing it to this version's schema.
pub(super) async fn run(global: &Global, args: ServeArgs) -> anyhow::Result<ExitCode> {
    let (data, target) = target(global)?;
    // Two services on one folder would sign for the same zones.
    let lock = ServiceLock::take(&data)?;
    let is_new = matches!(&target, DatabaseTarget::Private { data } if !private::has_cluster(data));
    let server = Server::open(&target, &private_settings()).await?;
    let result = async {
        server.migrate().await?;
        if is_new {
            say_new(&data);
        }
        let database = server.connect(Role::App, CONNECTIONS).await?;
        let ended = serve_on(&server, &database, &data.join("keys"), &args).await;
        database.close().await;
        ended
    }
    .await;
    server.close().await?;
    drop(lock);
    result.map(|()| ExitCode::SUCCESS)
}

/// Serves, and has a private Postgres started again that is killed meanwhile.
pub(super) async fn serve_on(
    server: &Server,
    database: &Database,
    keys: &Path,
    args: &ServeArgs,
) -> anyhow::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let work = async {
        let ended = serve(database.clone(), keys, args, say_where).await;
        stop.send_replace(true);
        ended
    };
    // Whoever closes the server afterwards must not meet somebody who is still starting it.
    let (ended, ()) = tokio::join!(work, server.keep_running(stopping));
    ended
}

/// Tells the person at the terminal that there was no ledger: first use, or a mistyped `--data`, which must not pass
/// for a ledger that has lost everything.
fn say_new(data: &Path) {
    let data = path::absolute(data).unwrap_or_else(|_| data.to_path_buf());
    let data = data.display();
    output::note(&format!(
        "note: there was no ledger in {data}: a new one was made there, and it is empty.\n  \
         Not meant? End this with Ctrl-C and name the ledger's folder with --data DIR (or SUBSIDY_LEDGER_DATA); \
         nothing is kept in {data}/postgres yet.\n  \
         Meant? End this too, set up a zone with `subsidy-ledger zone create`, and serve again."
    ));
}

/// Tells the person at the terminal what to open.
fn say_where(address: SocketAddr) {
    output::note(&format!(
        "Serving on http://{address}/ until Ctrl-C, to this machine only: there is no sign-in yet.\n  \
         http://{address}/?lang=zh and ?lang=en   budget execution and the log's health\n  \
         http://{address}/healthz /readyz /metrics"
    ));
}

/// Serves the database until Ctrl-C or SIGTERM. `keys` is the folder of the signing keys; `listening`
/// is told where once requests are answered.
///
/// # Errors
/// The port is in use or not of loopback; a zone's signing key can't be opened.
pub async fn serve(
    database: Database,
    keys: &Path,
    args: &ServeArgs,
    listening: impl FnOnce(SocketAddr),
) -> anyhow::Result<()> {
    telemetry::start_logging(match args.log_format {
        LogLines::Text => LogFormat::Text,
        LogLines::Json => LogFormat::Json,
    });
    // Before anything else is done: whoever serves there already has the same keys, perhaps.
    let listener = http::listen(args.listen)
        .await
        .context("choose another address with --listen 127.0.0.1:PORT")?;
    let (stop, stopping) = watch::channel(false);
    let mut signing = JoinSet::new();
    let signers = start_signers(&database, keys, &stopping, &mut signing).await?;
    let app = App::new(Settings {
        database,
        clock: Clock::System,
        signers,
        metrics: telemetry::start_metrics(),
        limits: Limits::default(),
    });
    listening(listener.local_addr().unwrap_or(args.listen));
    let served = http::serve(app, listener, stop_signal()?).await;
    // The signers last: most of what was recorded while stopping is signed at once too.
    stop.send_replace(true);
    while signing.join_next().await.is_some() {}
    Ok(served?)
}

/// A future that is ready when the process is asked to end.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// One signer for each zone that there is now.
async fn start_signers(
    database: &Database,
    keys: &Path,
    stopping: &watch::Receiver<bool>,
    signing: &mut JoinSet<()>,
) -> anyhow::Result<HashMap<ZoneId, ZoneSigner>> {
    let zones = database
        .read(None, (), |conn, ()| Box::pin(identity::store::zones(conn)))
        .await?;
    let mut signers = HashMap::new();
    for zone in zones {
        let signer = open_signer(database, &zone, keys)
            .await
            .with_context(|| format!("the log of zone {} can't be signed", zone.code))?;
        let (status, seen) = watch::channel(SignerStatus::Starting);
        let key = signer.verifier();
        signers.insert(zone.id, ZoneSigner { key, status: seen });
        signing.spawn(signer::run(
            signer,
            database.pool().clone(),
            Clock::System,
            SIGNING_INTERVAL,
            status,
            stopping.clone(),
        ));
    }
    Ok(signers)
}

async fn open_signer(database: &Database, zone: &Zone, keys: &Path) -> anyhow::Result<Signer> {
    let mut tx = database.pool().begin().await?;
    db::enter_zone(&mut tx, zone.id).await?;
    let signer = Signer::open(&mut tx, zone.id, keys).await?;
    tx.commit().await?;
    Ok(signer)
}
