//! The three roles that the database knows us by.

use sqlx::postgres::PgConnection;

/// Who we are to Postgres. None is a superuser or bypasses row-level security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Owns the schema; runs migrations and nothing else.
    Owner,
    /// The service: adds to the journal, changes only what may change.
    App,
    /// Reads everything of a zone, writes nothing.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Owner, Self::App, Self::Auditor];

    /// The group role that holds the rights (`NOLOGIN`).
    pub fn group(self) -> &'static str {
        match self {
            Self::Owner => "subsidy_ledger_owner",
            Self::App => "subsidy_ledger_app",
            Self::Auditor => "subsidy_ledger_auditor",
        }
    }

    /// The login of a private Postgres that is a member of the group and nothing else.
    pub fn login(self) -> &'static str {
        match self {
            Self::Owner => "subsidy_ledger_login_owner",
            Self::App => "subsidy_ledger_login_app",
            Self::Auditor => "subsidy_ledger_login_auditor",
        }
    }

    /// Limits of a session: `(statement_timeout, lock_timeout,
    /// idle_in_transaction_session_timeout)`.
    ///
    /// The service waits for a hot row, never for long, and never idles in a transaction: a stuck
    /// one would stop a whole zone. An audit may read for as long as it takes. A migration gives up
    /// on a lock before the service's own statements pile up behind it.
    fn limits(self) -> [&'static str; 3] {
        match self {
            Self::Owner => ["0", "2s", "5s"],
            Self::App => ["60s", "10s", "5s"],
            Self::Auditor => ["0", "10s", "60s"],
        }
    }
}

/// Makes a session act as the role, with its limits. Statements look up few rows where the planner expects many, and compiling one
/// (JIT) then takes far longer than it does.
pub(super) async fn assume(conn: &mut PgConnection, role: Role) -> Result<(), sqlx::Error> {
    let [statement, lock, idle] = role.limits();
    sqlx::query(
        "SELECT set_config('role', $1, false), set_config('statement_timeout', $2, false),
                set_config('lock_timeout', $3, false),
                set_config('idle_in_transaction_session_timeout', $4, false), set_config('jit', 'off', false)",
    )
    .bind(role.group())
    .bind(statement)
    .bind(lock)
    .bind(idle)
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes the group roles that are missing.
pub(super) async fn create_groups(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(include_str!("prepare_roles.sql"))
        .execute(conn)
        .await?;
    Ok(())
}

/// Lets the owner role build its schema in this database.
pub(super) async fn open_database_to_owner(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(include_str!("prepare_database.sql"))
        .execute(conn)
        .await?;
    Ok(())
}
