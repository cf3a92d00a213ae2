//! One private Postgres for all tests, kept between runs, and a database for each test.
//!
//! The cluster is under `target/` and is shared by whatever test processes run at once; it keeps
//! its real durability. A template holds the migrated schema; each test clones it, and drops its
//! clone when it succeeds.

pub(crate) mod command;
pub(crate) mod invariants;
pub(crate) mod scenario;
pub(crate) mod table;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, test_kill_process};
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use subsidy_ledger::db::private::{PrivatePostgres, PrivatePostgresError, PrivateSettings};
use subsidy_ledger::db::{self, Database, MIGRATIONS, Role};
use tokio::sync::OnceCell;

/// Never dropped, since it is a static: the guard stops the server after the last test process.
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

struct Cluster {
    postgres: PrivatePostgres,
    template: String,
}

/// How the tests run a private Postgres.
pub(crate) fn settings() -> PrivateSettings {
    PrivateSettings {
        binaries: std::env::var_os("SUBSIDY_LEDGER_PG_BIN").map(PathBuf::from),
        guard: Some(PathBuf::from(env!("CARGO_BIN_EXE_subsidy-ledger"))),
    }
}

async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let postgres = open_cluster().await;
            let admin = postgres.superuser_options().database("postgres");
            let mut conn = admin.connect().await.unwrap();
            let template = template_name();
            // One test process at a time.
            run(&mut conn, "SELECT pg_advisory_lock(1)").await;
            drop_leftovers(&mut conn, &template).await;
            make_template(&mut conn, &postgres, &template).await;
            conn.close().await.unwrap();
            Cluster { postgres, template }
        })
        .await
}

/// Under `target/`, unless the tests run as root in a place that the server's account can't enter.
async fn open_cluster() -> PrivatePostgres {
    // One for each choice of programs, since a major version can't read another's data.
    let choice = settings().binaries.unwrap_or_default();
    let programs = hash(choice.as_os_str().as_encoded_bytes());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("postgres-{programs}"));
    match PrivatePostgres::open(&folder, &settings()).await {
        Err(PrivatePostgresError::NotTraversable { .. }) => {
            let name = hash(folder.as_os_str().as_encoded_bytes());
            let folder = Path::new("/tmp").join(format!("subsidy-ledger-test-{name}"));
            PrivatePostgres::open(&folder, &settings()).await.unwrap()
        }
        result => result.unwrap(),
    }
}

/// Changes with the migrations.
fn template_name() -> String {
    let checksums: Vec<u8> = MIGRATIONS
        .iter()
        .flat_map(|migration| migration.checksum.iter().copied())
        .collect();
    format!("template_{}", hash(&checksums))
}

fn hash(bytes: &[u8]) -> String {
    let number = Sha256::digest(bytes)
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{number:016x}")
}

/// Drops the templates of other migrations, and the databases of test processes that have ended.
async fn drop_leftovers(conn: &mut PgConnection, template: &str) {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database WHERE datname ~ '^(template|test)_'",
    )
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    for name in names {
        let in_use = match name
            .strip_prefix("test_")
            .and_then(|rest| rest.split_once('_'))
        {
            Some((pid, _)) => is_running(pid),
            None => name == template,
        };
        if !in_use {
            run(
                conn,
                &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            )
            .await;
        }
    }
}

fn is_running(pid: &str) -> bool {
    let pid = pid.parse().ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// Gets its name only when it is complete.
async fn make_template(conn: &mut PgConnection, postgres: &PrivatePostgres, template: &str) {
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(template)
            .fetch_one(&mut *conn)
            .await
            .unwrap();
    if exists {
        return;
    }
    run(conn, "DROP DATABASE IF EXISTS template_new WITH (FORCE)").await;
    run(
        conn,
        "CREATE DATABASE template_new OWNER subsidy_ledger_owner",
    )
    .await;
    let admin = postgres.superuser_options().database("template_new");
    db::migrate(admin).await.unwrap();
    run(
        conn,
        &format!("ALTER DATABASE template_new RENAME TO {template}"),
    )
    .await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "names of databases can't be bound; these are made here"
)]
pub(crate) async fn run(conn: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(conn)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// A migrated database of a test's own.
pub(crate) struct TestDb {
    name: String,
    app: Database,
}

impl TestDb {
    /// Clones the template, and opens a pool of it as the app.
    pub(crate) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let cluster = cluster().await;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        let mut conn = Self::admin(cluster).connect().await.unwrap();
        let template = &cluster.template;
        // Copying files is faster than logging the copy, though it makes a checkpoint.
        let clone = format!(
            "CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy \
             OWNER subsidy_ledger_owner"
        );
        run(&mut conn, &clone).await;
        conn.close().await.unwrap();
        let options = cluster.postgres.connect_options(Role::App).database(&name);
        let app = Database::connect(options, Role::App, 16).await.unwrap();
        Self { name, app }
    }

    /// A pool as the app.
    pub(crate) fn app(&self) -> &Database {
        &self.app
    }

    /// A pool in another role.
    pub(crate) async fn connect(&self, role: Role) -> Database {
        let options = cluster().await.postgres.connect_options(role);
        Database::connect(options.database(&self.name), role, 4)
            .await
            .unwrap()
    }

    /// A session of the superuser, whom no policy or grant stops.
    pub(crate) async fn superuser(&self) -> PgConnection {
        let options = cluster().await.postgres.superuser_options();
        options.database(&self.name).connect().await.unwrap()
    }

    /// A pool of the superuser's sessions, for tests that write rows past every guard.
    pub(crate) async fn superuser_pool(&self) -> PgPool {
        let options = cluster().await.postgres.superuser_options();
        PgPoolOptions::new()
            .connect_with(options.database(&self.name))
            .await
            .unwrap()
    }

    fn admin(cluster: &Cluster) -> PgConnectOptions {
        cluster.postgres.superuser_options().database("postgres")
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let Some(cluster) = CLUSTER.get().filter(|_| !std::thread::panicking()) else {
            eprintln!("kept database {}", self.name);
            return;
        };
        let drop_it = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let admin = Self::admin(cluster);
        // On a thread of its own, since the test's runtime can't be waited for here; and nobody waits for it, since to drop a
        // database makes a checkpoint. What is not dropped when the tests end, the next run drops.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let mut conn = admin.connect().await.unwrap();
                run(&mut conn, &drop_it).await;
            });
        });
    }
}
