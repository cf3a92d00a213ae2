//! A private Postgres with the service's own settings, and databases on it.

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, ConnectOptions};
use subsidy_ledger::db::private::{PrivatePostgres, PrivatePostgresError, PrivateSettings};

/// A new and empty database of this name.
#[expect(
    clippy::disallowed_methods,
    reason = "names of databases can't be bound; these are made here"
)]
pub(crate) async fn recreate_database(server: &PrivatePostgres, name: &str) {
    let mut conn = server
        .superuser_options()
        .database("postgres")
        .connect()
        .await
        .unwrap();
    for sql in [
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        format!("CREATE DATABASE {name} OWNER subsidy_ledger_owner"),
    ] {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut conn)
            .await
            .unwrap();
    }
}

/// As the service's own.
pub(crate) fn settings() -> PrivateSettings {
    PrivateSettings {
        binaries: std::env::var_os("SUBSIDY_LEDGER_PG_BIN").map(PathBuf::from),
        guard: Some(PathBuf::from(env!("CARGO_BIN_EXE_subsidy-ledger"))),
    }
}

/// Under `target/`, unless that is where the server's account can't enter.
pub(crate) async fn open_server() -> PrivatePostgres {
    let settings = settings();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-postgres");
    match PrivatePostgres::open(&folder, &settings).await {
        Err(PrivatePostgresError::NotTraversable { .. }) => {
            let folder = Path::new("/tmp/subsidy-ledger-bench-postgres");
            PrivatePostgres::open(folder, &settings).await.unwrap()
        }
        result => result.unwrap(),
    }
}
