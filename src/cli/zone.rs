//! `zone create`, `zone list`.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::session::with_session;
use super::{Global, output};
use crate::clock::Clock;
use crate::identity::store::{self, NewZone};
use crate::log::signer::sign_now;
use crate::types::{Code, Currency, Name, ZoneTime};
use crate::zone;

/// Zones.
#[derive(Debug, Subcommand)]
pub(super) enum ZoneCommand {
    /// Set up a zone with empty books, an empty log and a signing key
    #[command(
        after_help = "Example:\n  subsidy-ledger zone create HZ --name-zh 示范高新区 \
        --name-en 'Demonstration Zone'"
    )]
    Create(CreateArgs),
    /// List the zones
    #[command(after_help = "Example:\n  subsidy-ledger zone list --json")]
    List,
}

/// A new zone.
#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Short code: capitals, digits and hyphens
    code: Code,
    /// Name in Chinese
    #[arg(long, value_name = "NAME")]
    name_zh: Name,
    /// Name in English
    #[arg(long, value_name = "NAME")]
    name_en: Name,
    /// Currency of the budget
    #[arg(long, default_value = "CNY")]
    currency: Currency,
    /// Time zone in which its days begin and end
    #[arg(long, default_value = "Asia/Shanghai", value_name = "IANA")]
    time_zone: String,
    /// Origin line of the log's checkpoints [default: subsidy-ledger.invalid/<code>]
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
}

#[derive(Serialize)]
struct ZoneLine<'a> {
    code: &'a str,
    currency: &'a str,
    name_en: &'a str,
    name_zh: &'a str,
    origin: &'a str,
    time_zone: &'a str,
}

pub(super) async fn run(global: &Global, command: ZoneCommand) -> anyhow::Result<ExitCode> {
    match command {
        ZoneCommand::Create(args) => create(global, args).await,
        ZoneCommand::List => list(global).await,
    }
}

async fn create(global: &Global, args: CreateArgs) -> anyhow::Result<ExitCode> {
    let time: chrono_tz::Tz = args.time_zone.parse().ok().with_context(|| {
        format!(
            "{:?} is no IANA time zone, such as Asia/Shanghai",
            args.time_zone
        )
    })?;
    let origin = args.origin.unwrap_or_else(|| {
        format!(
            "subsidy-ledger.invalid/{}",
            args.code.as_str().to_lowercase()
        )
    });
    let new = NewZone {
        code: args.code,
        name_zh: args.name_zh,
        name_en: args.name_en,
        currency: args.currency,
        time: ZoneTime(time),
        origin,
    };
    with_session(global, async |session| {
        let now = Clock::System.now();
        let (zone, _) = session
            .database
            .write(None, (now, new), |conn, (now, new)| {
                Box::pin(zone::found(conn, *now, new.clone()))
            })
            .await?;
        sign_now(&session.database, zone.id, &session.keys(), now).await?;
        if global.json {
            output::json(&line(&zone))?;
        } else {
            output::line(&format!(
                "Zone {} is set up. Its key is in {}; keep a copy elsewhere. Enrol people next: \
                 `subsidy-ledger person add LOGIN --name NAME --role ROLE --as system`.",
                zone.code,
                session.keys().display()
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn line(zone: &crate::types::Zone) -> ZoneLine<'_> {
    ZoneLine {
        code: zone.code.as_str(),
        currency: zone.currency.code(),
        name_en: zone.name_en.as_str(),
        name_zh: zone.name_zh.as_str(),
        origin: &zone.origin,
        time_zone: zone.time.0.name(),
    }
}

async fn list(global: &Global) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zones = session
            .database
            .read(None, (), |conn, ()| Box::pin(store::zones(conn)))
            .await?;
        if global.json {
            output::json(&zones.iter().map(line).collect::<Vec<_>>())?;
        } else if zones.is_empty() {
            output::line("No zone yet. Create one with `subsidy-ledger zone create`.")?;
        }
        for zone in zones.iter().filter(|_| !global.json) {
            output::line(&format!(
                "{}\t{}\t{}\t{}",
                zone.code, zone.currency, zone.name_zh, zone.name_en
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
