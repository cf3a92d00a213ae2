//! `lease …`: who has which premises of a carrier, for which rent.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::desk::{Desk, not_there, party_id};
use super::rent::{names_of, sentences};
use super::session::{Session, with_session};
use super::{Global, output};
use crate::rent::store::{self, LeaseFilter};
use crate::rent::{self, AddLease, Area, Charges, EndLease, Lease};
use crate::types::{Code, Day, LeaseId, LogIndex, Money, Named, PartyId, Reason, Zone};

/// Leases.
#[derive(Debug, Subcommand)]
pub(super) enum LeaseCommand {
    /// Enter a lease (a person who acts for the carrier)
    #[command(
        after_help = "Example:\n  subsidy-ledger lease add --tenant 91000000MA00000900 --premises A-301 --area 120.00 \
        --rent 38000.00 \\\n      --property-fee 7000.00 --parking 5000.00 --from 2020-01-01 --until 2020-12-31 --as incubator\n\n\
        Rent and other charges are those of a whole month. Compensation rests on rent alone, so the others are kept\n\
        apart. No unit of a carrier is let twice on one day. `rent bill` bills it next."
    )]
    Add(AddArgs),
    /// End a lease before its time (the carrier)
    #[command(
        after_help = "Example:\n  subsidy-ledger lease end L12 --last-day 2020-06-30 --reason 'the firm moves' --as incubator\n\n\
        Days that are billed stay in the lease."
    )]
    End {
        /// The lease: L and its number, or its id
        lease: Named<LeaseId>,
        /// The last day of the tenancy
        #[arg(long, value_name = "DAY")]
        last_day: Day,
        /// Why
        #[arg(long)]
        reason: Reason,
    },
    /// List leases
    #[command(after_help = "Example:\n  subsidy-ledger lease list --on 2020-03-01 --json")]
    List(ListArgs),
    /// Show a lease
    #[command(
        after_help = "Example:\n  subsidy-ledger lease show L12\n\nWhat was billed, paid, waived and deferred: `rent statement L12`."
    )]
    Show {
        /// The lease: L and its number, or its id
        lease: Named<LeaseId>,
    },
}

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Who rents: unified social credit code, or id
    #[arg(long)]
    tenant: String,
    /// The carrier's own code of the unit
    #[arg(long, value_name = "CODE")]
    premises: Code,
    /// Floor area in square metres, with two decimals
    #[arg(long)]
    area: Area,
    /// Rent of a whole month, without other charges
    #[arg(long)]
    rent: String,
    /// Property fee of a whole month
    #[arg(long)]
    property_fee: Option<String>,
    /// Parking fee of a whole month
    #[arg(long)]
    parking: Option<String>,
    /// Water, power and heating of a whole month, as agreed
    #[arg(long)]
    utilities: Option<String>,
    /// Other charges of a whole month
    #[arg(long)]
    other: Option<String>,
    /// First day
    #[arg(long, value_name = "DAY")]
    from: Day,
    /// Last day
    #[arg(long, value_name = "DAY")]
    until: Day,
    /// The carrier itself rents the premises from a landlord
    #[arg(long)]
    sublet: bool,
    /// Who lets, by code or id [default: whom --as acts for]
    #[arg(long)]
    carrier: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only of this carrier: unified social credit code, or id
    #[arg(long)]
    carrier: Option<String>,
    /// Only of this tenant: unified social credit code, or id
    #[arg(long)]
    tenant: Option<String>,
    /// Only with this day in their term
    #[arg(long, value_name = "DAY")]
    on: Option<Day>,
    /// Only those after this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

/// A lease as it is shown.
#[derive(Serialize)]
struct LeaseLine {
    area: Area,
    carrier: PartyId,
    charges: Charges<String>,
    ended: Option<LogIndex>,
    first_day: chrono::NaiveDate,
    id: LeaseId,
    last_day: chrono::NaiveDate,
    monthly_rent: String,
    number: Named<LeaseId>,
    premises: Code,
    rent_until: chrono::NaiveDate,
    sublet: bool,
    tenant: PartyId,
    tenant_name: String,
}

impl LeaseLine {
    fn of(lease: &Lease, tenant_name: String, zone: &Zone) -> Self {
        let text = |money: Money| money.to_text(zone.currency);
        Self {
            area: lease.area,
            carrier: lease.carrier,
            charges: lease.charges.map(|charge| text(*charge)),
            ended: lease.ended_index,
            first_day: lease.first_day,
            id: lease.id,
            last_day: lease.last_day,
            monthly_rent: text(lease.monthly_rent.money()),
            number: Named::Entry(lease.added_index),
            premises: lease.premises.clone(),
            rent_until: lease.rent_until,
            sublet: lease.sublet,
            tenant: lease.tenant,
            tenant_name,
        }
    }
}

pub(super) async fn run(global: &Global, command: LeaseCommand) -> anyhow::Result<ExitCode> {
    match command {
        LeaseCommand::Add(args) => {
            with_session(global, async |session| add(global, session, args).await).await
        }
        LeaseCommand::End {
            lease,
            last_day,
            reason,
        } => {
            with_session(global, async |session| {
                let caller = session.caller(global).await?;
                let desk = Desk::new(global, session, caller, sentences);
                let look_up = lease_id(session, &desk.caller.zone, lease);
                let input = EndLease {
                    last_day: last_day.date(),
                    lease: desk.find(lease, look_up).await?,
                    reason,
                };
                desk.one(input, |conn, requests| {
                    Box::pin(rent::end_lease(conn, requests))
                })
                .await
            })
            .await
        }
        LeaseCommand::List(args) => list(global, args).await,
        LeaseCommand::Show { lease } => show(global, lease).await,
    }
}

async fn add(global: &Global, session: &Session, args: AddArgs) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let desk = Desk::new(global, session, caller, sentences);
    let zone = &desk.caller.zone;
    let carrier = match (&args.carrier, desk.caller.actor.party) {
        (Some(text), _) => desk.party(text).await?,
        (None, Some(party)) => party,
        (None, None) => anyhow::bail!(
            "say who lets: --carrier CODE, since {} acts for no party",
            desk.caller.actor.login
        ),
    };
    let charge = |text: Option<String>| text.unwrap_or_else(|| Money::ZERO.to_text(zone.currency));
    let input = AddLease {
        area: args.area,
        carrier,
        charges: Charges {
            other: charge(args.other),
            parking: charge(args.parking),
            property_fee: charge(args.property_fee),
            utilities: charge(args.utilities),
        },
        first_day: args.from.date(),
        last_day: args.until.date(),
        monthly_rent: args.rent,
        premises: args.premises,
        sublet: args.sublet,
        tenant: desk.party(&args.tenant).await?,
    };
    desk.one(input, |conn, requests| {
        Box::pin(rent::add_lease(conn, requests))
    })
    .await
}

/// The id of a lease, as somebody names it.
pub(super) async fn lease_id(
    session: &Session,
    zone: &Zone,
    named: Named<LeaseId>,
) -> anyhow::Result<LeaseId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(rent::find_lease(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| not_there(&named, zone))
}

/// Leases by a filter.
pub(super) async fn find(
    session: &Session,
    zone: &Zone,
    filter: LeaseFilter,
    limit: i64,
) -> anyhow::Result<Vec<Lease>> {
    let input = (zone.id, filter, limit);
    Ok(session
        .database
        .read(zone.id, input, |conn, (zone, filter, limit)| {
            Box::pin(store::leases(conn, *zone, filter, *limit))
        })
        .await?)
}

/// A lease by its name.
pub(super) async fn named(
    session: &Session,
    zone: &Zone,
    named: Named<LeaseId>,
) -> anyhow::Result<Lease> {
    let id = lease_id(session, zone, named).await?;
    let filter = LeaseFilter {
        id: Some(id),
        ..LeaseFilter::default()
    };
    let found = find(session, zone, filter, 1).await?.pop();
    found.with_context(|| not_there(&named, zone))
}

/// The party that an option names, if it is given.
pub(super) async fn optional_party(
    session: &Session,
    zone: &Zone,
    text: Option<&str>,
) -> anyhow::Result<Option<PartyId>> {
    match text {
        Some(text) => Ok(Some(party_id(session, zone, text).await?)),
        None => Ok(None),
    }
}

async fn list(global: &Global, args: ListArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let filter = LeaseFilter {
            carrier: optional_party(session, &zone, args.carrier.as_deref()).await?,
            tenant: optional_party(session, &zone, args.tenant.as_deref()).await?,
            id: None,
            on: args.on.map(Day::date),
            after: args.after.map(LogIndex),
        };
        let leases = find(session, &zone, filter, args.limit).await?;
        output::at_limit(leases.len(), args.limit);
        let tenants: Vec<PartyId> = leases.iter().map(|lease| lease.tenant).collect();
        let names = names_of(session, &zone, &tenants).await?;
        let name = |lease: &Lease| names.get(&lease.tenant).cloned().unwrap_or_default();
        let lines: Vec<_> = leases
            .iter()
            .map(|lease| LeaseLine::of(lease, name(lease), &zone))
            .collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("No lease.")?;
        } else {
            output::line(&format!(
                "{:<8} {:<12} {:>10} {:>14}  first day   last day    tenant",
                "number", "premises", "m²", "rent a month"
            ))?;
            for line in &lines {
                output::line(&format!(
                    "{:<8} {:<12} {:>10} {:>14}  {}  {}  {}",
                    line.number.to_string(),
                    line.premises,
                    line.area.to_string(),
                    output::grouped(&line.monthly_rent),
                    line.first_day,
                    line.last_day,
                    line.tenant_name
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn show(global: &Global, lease: Named<LeaseId>) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let lease = named(session, &zone, lease).await?;
        let mut names = names_of(session, &zone, &[lease.tenant]).await?;
        let line = LeaseLine::of(
            &lease,
            names.remove(&lease.tenant).unwrap_or_default(),
            &zone,
        );
        if global.json {
            output::json(&line)?;
        } else {
            super::desk::print_answer(&serde_json::to_value(&line)?, sentences)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
