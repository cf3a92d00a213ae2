//! What every benchmark needs: a private Postgres with the service's own settings, the reference on it
//! (pgbench doing a plain double-entry transfer, 32 clients, prepared statements), and the closing line.

#[path = "server.rs"]
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::ConnectOptions;
use subsidy_ledger::db::private::{PrivatePostgres, find_psql};
use tokio::process::Command;

pub(crate) use server::{open_server, recreate_database};

const DATABASE: &str = "bench_reference";
const CLIENTS: &str = "32";
const THREADS: &str = "2";

pub(crate) struct Reference {
    pgbench: PathBuf,
    socket_folder: PathBuf,
    password_file: PathBuf,
    user: String,
    port: u16,
}

impl Reference {
    /// Makes its tables, and warms them.
    pub(crate) async fn prepare(server: &PrivatePostgres) -> Self {
        recreate_database(server, DATABASE).await;
        let options = server.superuser_options().database(DATABASE);
        let mut conn = options.connect().await.unwrap();
        sqlx::raw_sql(include_str!("schema.sql"))
            .execute(&mut conn)
            .await
            .unwrap();
        let reference = Self {
            pgbench: find_pgbench(),
            socket_folder: server.socket_folder().to_owned(),
            password_file: server.password_file(),
            user: options.get_username().to_owned(),
            port: options.get_port(),
        };
        reference.run(Duration::from_secs(2)).await;
        reference
    }

    /// Transfers per second.
    #[expect(clippy::panic, reason = "a benchmark fails where it stands")]
    pub(crate) async fn run(&self, time: Duration) -> u64 {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/yardstick/transfer.sql");
        let output = Command::new(&self.pgbench)
            .args(["--no-vacuum", "--protocol", "prepared"])
            .args(["--client", CLIENTS, "--jobs", THREADS])
            .args(["--time", &time.as_secs().to_string()])
            .arg("--file")
            .arg(script)
            .arg("--host")
            .arg(&self.socket_folder)
            .args(["--port", &self.port.to_string()])
            .args(["--username", &self.user])
            .arg(DATABASE)
            .env("PGPASSFILE", &self.password_file)
            .output()
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split('.').next()?.parse().ok());
        rate.unwrap_or_else(|| {
            let errors = String::from_utf8_lossy(&output.stderr);
            panic!("pgbench failed: {text}{errors}")
        })
    }
}

/// Beside `psql`.
fn find_pgbench() -> PathBuf {
    let configured = std::env::var_os("SUBSIDY_LEDGER_PG_BIN").map(PathBuf::from);
    let nowhere = Path::new("/nonexistent");
    find_psql(configured.as_deref(), nowhere)
        .map(|psql| psql.with_file_name("pgbench"))
        .filter(|pgbench| pgbench.is_file())
        .expect("pgbench, the reference, is missing: install PostgreSQL's client programs")
}

/// The line that ends a benchmark.
pub(crate) fn report(name: &str, ours: u64, reference: u64, unit: &str) {
    let hundredths = ours * 100 / reference.max(1);
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    println!("{name} ours={ours} reference={reference} ratio={whole}.{rest:02} unit={unit}");
}

pub(crate) fn median(mut figures: Vec<u64>) -> u64 {
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}
