//! `person add`, `person list`.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::session::with_session;
use super::{Global, output};
use crate::identity::{Actor, Login, Role, store};
use crate::types::{Name, PartyId};
use crate::zone::{self, NewPerson};

/// Persons who act in a zone.
#[derive(Debug, Subcommand)]
pub(super) enum PersonCommand {
    /// Enrol a person with roles
    #[command(
        after_help = "Example:\n  subsidy-ledger person add wang --name 王芳 --role finance --as system"
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
    /// Party that the person acts for, by id
    #[arg(long, value_name = "ID")]
    party: Option<uuid::Uuid>,
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
        party: args.party.map(PartyId),
        roles: args.roles.into_iter().collect(),
    };
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let (person, recorded) = session
            .command(&caller, new, |conn, command, new| {
                Box::pin(async move { zone::enrol(conn, &command, new.clone()).await })
            })
            .await?;
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
