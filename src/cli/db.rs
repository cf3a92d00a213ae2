//! `migrate`, and `db psql`.

use std::process::{Command as Process, ExitCode};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::session::{choose_zone, open_server, private_settings, target};
use super::{Global, output};
use crate::db::private::{self, PrivatePostgres};
use crate::db::{Role, Server};
use crate::identity;
use crate::types::{Zone, ZoneId};

/// The database itself.
#[derive(Debug, Subcommand)]
pub(super) enum DbCommand {
    /// Open psql on the database in use, starting the private Postgres for as long as needed
    #[command(after_help = "Examples:\n  subsidy-ledger db psql --role auditor\n  \
        subsidy-ledger db psql --role auditor -- -c 'SELECT * FROM ledger.zone'\n\n\
        Row-level security shows the rows of --zone, or of the only zone; those of another after: SET app.zone = '2'")]
    Psql(PsqlArgs),
}

/// How psql is opened.
#[derive(Debug, Args)]
pub(super) struct PsqlArgs {
    /// Whose rights the session has
    #[arg(long, value_enum, default_value = "auditor")]
    role: PsqlRole,
    /// Further arguments of psql, after --
    #[arg(last = true, value_name = "ARGS")]
    args: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PsqlRole {
    /// Owns the schema
    Owner,
    /// The service's own rights
    App,
    /// Reads everything, changes nothing
    Auditor,
    /// The private server's superuser, whom nothing stops: for drills of what `verify` catches
    Superuser,
}

pub(super) async fn run(global: &Global, command: DbCommand) -> anyhow::Result<ExitCode> {
    let DbCommand::Psql(args) = command;
    let (_, target) = target(global)?;
    let server = open_server(&target).await?;
    let status = psql(global, &server, args).await;
    server.close().await?;
    status
}

async fn psql(global: &Global, server: &Server, args: PsqlArgs) -> anyhow::Result<ExitCode> {
    let settings = private_settings();
    let (data, _) = target(global)?;
    let psql = private::find_psql(settings.binaries.as_deref(), &data)
        .context("psql was not found: install it (Debian: apt install postgresql-client)")?;
    let mut process = Process::new(psql);
    let role = match args.role {
        PsqlRole::Owner => Some(Role::Owner),
        PsqlRole::App => Some(Role::App),
        PsqlRole::Auditor => Some(Role::Auditor),
        PsqlRole::Superuser => None,
    };
    let role_option = role.map(|role| format!("-c role={}", role.group()));
    let zone = zone_of_session(global, server).await?;
    let zone_option = zone.map(|zone| format!("-c app.zone={zone}"));
    let options: Vec<String> = role_option.into_iter().chain(zone_option).collect();
    process.env("PGOPTIONS", options.join(" "));
    match server {
        Server::Private(postgres) => private_env(&mut process, postgres, role),
        Server::Configured(_) => {
            let url = global
                .database
                .as_ref()
                .context("BUG: a configured server has a URL")?;
            if role.is_none() {
                bail!(
                    "only a private Postgres has a superuser of ours: connect with your own rights"
                );
            }
            configured_env(&mut process, url.options());
        }
    }
    let status = tokio::task::spawn_blocking(move || process.args(args.args).status())
        .await?
        .context("psql did not start")?;
    Ok(u8::try_from(status.code().unwrap_or(1)).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The zone whose rows a session sees from its beginning: the one that is named, or the only one.
async fn zone_of_session(global: &Global, server: &Server) -> anyhow::Result<Option<ZoneId>> {
    let database = server.connect(Role::Auditor, 1).await?;
    let zones = database.read(None, (), |conn, ()| Box::pin(identity::store::zones(conn)));
    let zones = zones.await;
    database.close().await;
    match (zones, &global.zone) {
        (Ok(zones), None) if zones.len() > 1 => {
            let of_zone = |zone: &Zone| format!("SET app.zone = '{}' for {}", zone.id, zone.code);
            let ways: Vec<String> = zones.iter().map(of_zone).collect();
            output::note(&format!("No zone's rows are shown: {}", ways.join(", ")));
            Ok(None)
        }
        (Ok(zones), None) => Ok(zones.first().map(|zone| zone.id)),
        (Ok(zones), Some(code)) => Ok(Some(choose_zone(zones, Some(code))?.id)),
        // A database that has no schema yet can be looked at too.
        (Err(_), None) => Ok(None),
        (Err(error), Some(_)) => Err(error.into()),
    }
}

fn private_env(process: &mut Process, postgres: &PrivatePostgres, role: Option<Role>) {
    process
        .env("PGHOST", postgres.socket_folder())
        .env("PGUSER", role.map_or("postgres", Role::login))
        .env("PGPASSFILE", postgres.password_file())
        .env("PGDATABASE", "subsidy_ledger");
}

/// In the environment, since a password on a command line shows in the list of processes.
fn configured_env(process: &mut Process, options: &PgConnectOptions) {
    let url = options.to_url_lossy();
    let host = options.get_socket().map_or_else(
        || options.get_host().to_owned(),
        |socket| socket.display().to_string(),
    );
    process
        .env("PGHOST", host)
        .env("PGPORT", options.get_port().to_string())
        .env("PGUSER", options.get_username())
        .env("PGDATABASE", options.get_database().unwrap_or_default());
    if let Some(password) = url.password() {
        let password = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
        process.env("PGPASSWORD", password.as_ref());
    }
}

/// Brings the database to this version's schema.
pub(super) async fn migrate(global: &Global) -> anyhow::Result<ExitCode> {
    let (_, target) = target(global)?;
    let server = Server::open(&target, &private_settings()).await?;
    let result = server.migrate().await;
    server.close().await?;
    result?;
    if global.json {
        output::json(&serde_json::json!({ "migrated": true }))?;
    } else {
        output::line("The database has this version's schema.")?;
    }
    Ok(ExitCode::SUCCESS)
}
