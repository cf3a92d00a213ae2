//! `person add`, `person list`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use sqlx::PgConnection;

use super::session::with_session;
use super::{Global, output};
use crate::identity::{Actor, Command, Login, Role, store};
use crate::types::{Name, PartyId};
use crate::zone::{self, NewPerson, ZoneError};
use crate::{fact, party};

/// Persons who act in a zone.
#[derive(Debug, Subcommand)]
pub(super) enum PersonCommand {
    /// Enrol a person with roles
    #[command(
        after_help = "Examples:\n  subsidy-ledger person add wang --name 王芳 --role finance --as system\n  \
        subsidy-ledger person add zhou --name 周强 --role sme --party 91000000MA0000277Y --as system"
    )]
    Add(AddArgs),
    /// List persons and their roles
    #[command(after_help = "Example:\n  subsidy-ledger person list")]
    List,
}

/// A new person.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// What --as will name: a-z, 0-9, full stop, hyphen, underscore
    login: Login,
    /// Name for pages; it never enters the log
    #[arg(long)]
    name: Name,
    #[arg(
        long = "role",
        required = true,
        value_name = "ROLE",
        help = "Duty: sme, provider, incubator, reviewer, manager, finance, cashier, auditor, rule_admin"
    )]
    roles: Vec<Role>,
    /// Party that the person acts for: code, office number or id; without it, every party of the zone
    #[arg(long)]
    party: Option<String>,
}

pub(super) async fn run(global: &Global, command: PersonCommand) -> anyhow::Result<ExitCode> {
    match command {
        PersonCommand::Add(args) => add(global, args).await,
        PersonCommand::List => list(global).await,
    }
}

async fn add(global: &Global, args: AddArgs) -> anyhow::Result<ExitCode> {
    let new = NewPerson {
        login: args.login,
        name: args.name,
        party: None,
        roles: args.roles.into_iter().collect(),
    };
    let input = (new, args.party);
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let (person, recorded) = session
            .command(&caller, input, |conn, command, (new, party)| {
                Box::pin(async move {
                    let mut new = new.clone();
                    if let Some(named) = party {
                        new.party = Some(find(conn, &command, named).await?);
                    }
                    Ok::<_, NotEnrolled>(zone::enrol(conn, &command, new).await?)
                })
            })
            .await?;
        note_reach(&person);
        if global.json {
            output::json(&person)?;
        } else {
            output::line(&format!(
                "{} is enrolled, entry {}.",
                person.login, recorded.index
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Why nobody was enrolled.
#[derive(Debug, thiserror::Error)]
enum NotEnrolled {
    #[error("there is no party {0} in this zone: `party list --search` finds parties by name")]
    UnknownParty(String),
    #[error(transparent)]
    Zone(#[from] ZoneError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The party that a person names.
async fn find(
    conn: &mut PgConnection,
    command: &Command<'_>,
    named: &str,
) -> Result<PartyId, NotEnrolled> {
    let found = match named.parse() {
        Ok(id) => party::store::party(conn, command.zone.id, id)
            .await?
            .map(|party| party.id),
        Err(_) => fact::party_named(conn, command, named).await?,
    };
    found.ok_or_else(|| NotEnrolled::UnknownParty(named.to_owned()))
}

/// Says of a person with a duty of parties, enrolled for none of them, that they act for all.
fn note_reach(person: &Actor) {
    let of_parties = [Role::Sme, Role::Provider, Role::Incubator];
    let has_such = of_parties.iter().any(|role| person.roles.contains(role));
    if has_such && person.party.is_none() {
        output::note(&format!(
            "note: {} acts for every party of the zone; for one alone, enrol a person with --party CODE, an office \
             number or an id",
            person.login
        ));
    }
}

#[derive(Serialize)]
struct PersonLine<'a> {
    #[serde(flatten)]
    actor: &'a Actor,
    name: &'a Name,
}

async fn list(global: &Global) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let persons = session
            .database
            .read(zone.id, zone.id, |conn, zone| {
                Box::pin(store::persons(conn, *zone))
            })
            .await?;
        if global.json {
            let lines: Vec<_> = persons
                .iter()
                .map(|(actor, name)| PersonLine { actor, name })
                .collect();
            output::json(&lines)?;
            return Ok(ExitCode::SUCCESS);
        }
        for (actor, name) in &persons {
            let roles = actor
                .roles
                .iter()
                .map(|role| role.as_str())
                .collect::<Vec<_>>()
                .join(", ");
            output::line(&format!("{}\t{name}\t{roles}", actor.login))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
