//! The server in use, private or configured: opened once per process.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio::sync::watch;

use super::check::{UnfitServer, check_server};
use super::database::Database;
use super::private::{PrivatePostgres, PrivatePostgresError, PrivateSettings};
use super::roles::{self, Role};
use crate::config::DatabaseTarget;

/// Advisory lock of whoever prepares a database: "subsidy" as a number.
const PREPARING: i64 = 0x0073_7562_7369_6479;

/// The schema's history.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The server in use, checked to be fit.
#[derive(Debug)]
pub enum Server {
    /// Ours, which runs at least as long as this.
    Private(PrivatePostgres),
    /// Somebody else's. The login must be a superuser, or a member of the three roles.
    Configured(Box<PgConnectOptions>),
}

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The private Postgres does not run.
    #[error(transparent)]
    Private(#[from] PrivatePostgresError),
    /// The server's settings are dangerous, or its version is too old.
    #[error(transparent)]
    Unfit(#[from] UnfitServer),
    /// The server can't be reached.
    #[error("can't connect to the database server")]
    Connect(#[source] sqlx::Error),
    /// The roles or their rights are missing and this login may not make them.
    #[error(
        "the login may not prepare the roles subsidy_ledger_owner, _app and _auditor; have a superuser \
         create them, grant them to this login, and make subsidy_ledger_owner the database's owner"
    )]
    Roles(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the schema could not be migrated")]
    Migrate(#[from] MigrateError),
}

impl Server {
    /// Reaches the server, starting it if it is the private one, and checks that it is fit.
    pub async fn open(
        target: &DatabaseTarget,
        settings: &PrivateSettings,
    ) -> Result<Self, ServerError> {
        let server = match target {
            DatabaseTarget::Private { data } => {
                Self::Private(PrivatePostgres::open(data, settings).await?)
            }
            DatabaseTarget::Server { url } => Self::Configured(Box::new(url.options().clone())),
        };
        match server.check().await {
            Ok(()) => Ok(server),
            Err(refusal) => {
                server.close().await?;
                Err(refusal)
            }
        }
    }

    async fn check(&self) -> Result<(), ServerError> {
        let options = self.connect_options(Role::App);
        let mut conn = options.connect().await.map_err(ServerError::Connect)?;
        check_server(&mut conn).await?;
        conn.close().await.map_err(ServerError::Connect)
    }

    /// How to log in for a role. On a configured server the role is assumed after that.
    pub fn connect_options(&self, role: Role) -> PgConnectOptions {
        match self {
            Self::Private(postgres) => postgres.connect_options(role),
            Self::Configured(options) => PgConnectOptions::clone(options),
        }
    }

    /// Brings the schema up to date, as the owner role. Several may do so at once: sqlx takes an
    /// advisory lock.
    pub async fn migrate(&self) -> Result<(), ServerError> {
        let admin = match self {
            Self::Private(postgres) => postgres.superuser_options(),
            Self::Configured(options) => PgConnectOptions::clone(options),
        };
        migrate(admin).await
    }

    /// A pool of at most `max_connections` sessions that act as `role`.
    pub async fn connect(&self, role: Role, max_connections: u32) -> Result<Database, ServerError> {
        Database::connect(self.connect_options(role), role, max_connections)
            .await
            .map_err(ServerError::Connect)
    }

    /// Starts the private Postgres again whenever it was killed, until `stopping` is true. Somebody
    /// else's server is theirs to start.
    pub async fn keep_running(&self, stopping: watch::Receiver<bool>) {
        match self {
            Self::Private(postgres) => postgres.keep_running(stopping).await,
            Self::Configured(_) => {}
        }
    }

    /// Ends our use; stops the private Postgres if nobody else uses it.
    pub async fn close(self) -> Result<(), ServerError> {
        match self {
            Self::Private(postgres) => Ok(postgres.close().await?),
            Self::Configured(_) => Ok(()),
        }
    }
}

/// Prepares the roles as the login `admin`, and applies the migrations as the owner role. For a
/// server that is opened otherwise, such as the tests' databases.
pub async fn migrate(admin: PgConnectOptions) -> Result<(), ServerError> {
    let mut conn = admin.connect().await.map_err(ServerError::Connect)?;
    // Two that grant the same right at once would fail; the lock ends with the session.
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(PREPARING)
        .execute(&mut conn)
        .await
        .map_err(ServerError::Connect)?;
    roles::create_groups(&mut conn)
        .await
        .map_err(ServerError::Roles)?;
    roles::open_database_to_owner(&mut conn)
        .await
        .map_err(ServerError::Roles)?;
    roles::assume(&mut conn, Role::Owner)
        .await
        .map_err(ServerError::Roles)?;
    MIGRATIONS.run(&mut conn).await?;
    sqlx::query(
        "GRANT SELECT ON public._sqlx_migrations TO subsidy_ledger_app, subsidy_ledger_auditor",
    )
    .execute(&mut conn)
    .await
    .map_err(ServerError::Connect)?;
    conn.close().await.map_err(ServerError::Connect)
}

/// Whether the database has exactly this version's schema.
pub async fn is_current(pool: &sqlx::PgPool) -> Result<bool, sqlx::Error> {
    let applied: Result<Vec<(i64, Vec<u8>)>, sqlx::Error> = sqlx::query_as(
        "SELECT version, checksum FROM public._sqlx_migrations WHERE success ORDER BY version",
    )
    .fetch_all(pool)
    .await;
    match applied {
        Ok(applied) => Ok(applied.into_iter().eq(MIGRATIONS
            .iter()
            .map(|migration| (migration.version, migration.checksum.to_vec())))),
        // undefined_table, or insufficient_privilege before the grant: never migrated.
        Err(sqlx::Error::Database(error))
            if matches!(error.code().as_deref(), Some("42P01" | "42501")) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
