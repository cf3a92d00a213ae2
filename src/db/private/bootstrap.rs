//! The logins and the database of a private Postgres. Repeatable: it adds what is missing.

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::layout::{Layout, PORT};
use super::passwords::{Passwords, SUPERUSER};
use crate::db::Role;
use crate::db::roles;

/// The database of a private Postgres.
pub(super) const DATABASE: &str = "subsidy_ledger";

pub(super) fn connect_options(
    layout: &Layout,
    passwords: &Passwords,
    login: &str,
) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(layout.socket_folder())
        .port(PORT)
        .username(login)
        .password(passwords.of(login))
        .database(DATABASE)
        .ssl_mode(PgSslMode::Disable)
        .application_name("subsidy-ledger")
}

pub(super) async fn bootstrap(layout: &Layout, passwords: &Passwords) -> Result<(), sqlx::Error> {
    let superuser = connect_options(layout, passwords, SUPERUSER);
    let mut conn = superuser.clone().database("postgres").connect().await?;
    roles::create_groups(&mut conn).await?;
    for role in Role::ALL {
        create_login(&mut conn, role, passwords.of(role.login())).await?;
    }
    create_database(&mut conn).await?;
    conn.close().await
}

/// A login that is a member of its group role and nothing else.
async fn create_login(
    conn: &mut PgConnection,
    role: Role,
    password: &str,
) -> Result<(), sqlx::Error> {
    let mut tx = conn.begin().await?;
    sqlx::query(
        "SELECT set_config('subsidy_ledger.login', $1, true),
                set_config('subsidy_ledger.group', $2, true),
                set_config('subsidy_ledger.password', $3, true)",
    )
    .bind(role.login())
    .bind(role.group())
    .bind(password)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "DO $$
        DECLARE
            login text := current_setting('subsidy_ledger.login');
            password text := current_setting('subsidy_ledger.password');
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
                EXECUTE format('CREATE ROLE %I LOGIN PASSWORD %L IN ROLE %I', login, password,
                    current_setting('subsidy_ledger.group'));
            END IF;
        END
        $$",
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

async fn create_database(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut *conn)
            .await?;
    if !exists {
        sqlx::query("CREATE DATABASE subsidy_ledger OWNER subsidy_ledger_owner")
            .execute(conn)
            .await?;
    }
    Ok(())
}
