//! Reading waivers and deferrals.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{deferral_id, sentences, waiver_id};
use crate::cli::desk::{not_there, print_answer};
use crate::cli::lease::{lease_id, optional_party};
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::rent::deferral::{DeferralState, InstalmentState};
use crate::rent::store::{self, DeferralFilter, WaiverFilter};
use crate::rent::waiver::{Method, Said};
use crate::rent::{Deferral, Month, Waiver, WaiverState, Way};
use crate::types::{Day, DeferralId, LeaseId, LogIndex, Money, Named, WaiverId, Zone, excerpt};

#[derive(Debug, Args)]
pub(in crate::cli) struct WaiversArgs {
    /// Only of this lease: L and its number, or its id
    #[arg(long)]
    lease: Option<Named<LeaseId>>,
    /// Only of this carrier: unified social credit code, or id
    #[arg(long)]
    carrier: Option<String>,
    /// Only those that stand there, of the ones that are read
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only those after this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// Read at most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum State {
    Declared,
    Mismatched,
    Confirmed,
    Compensable,
    NonCompensable,
    Claimed,
    Voided,
}

impl State {
    const fn state(self) -> WaiverState {
        match self {
            Self::Declared => WaiverState::Declared,
            Self::Mismatched => WaiverState::Mismatched,
            Self::Confirmed => WaiverState::Confirmed,
            Self::Compensable => WaiverState::Compensable,
            Self::NonCompensable => WaiverState::NonCompensable,
            Self::Claimed => WaiverState::Claimed,
            Self::Voided => WaiverState::Voided,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DeferralsArgs {
    /// Only of this lease: L and its number, or its id
    #[arg(long)]
    lease: Option<Named<LeaseId>>,
    /// Only of this carrier: unified social credit code, or id
    #[arg(long)]
    carrier: Option<String>,
    /// Only those after this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OverdueArgs {
    /// Only of this carrier: unified social credit code, or id
    #[arg(long)]
    carrier: Option<String>,
    /// Seen on this day [default: today]
    #[arg(long, value_name = "DAY")]
    on: Option<Day>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

/// A waiver as it is shown.
#[derive(Serialize)]
struct WaiverLine {
    amount: String,
    audited: Option<String>,
    confirmed: Option<String>,
    declared_on: NaiveDate,
    deferral: Option<DeferralId>,
    from_day: NaiveDate,
    id: WaiverId,
    landlord_relief: String,
    lease: LeaseId,
    method: &'static str,
    number: Named<WaiverId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<String>,
    state: WaiverState,
    stated: Option<String>,
    until_day: NaiveDate,
    way: Way,
}

impl WaiverLine {
    fn of(waiver: &Waiver, zone: &Zone) -> Self {
        let text = |money: Money| money.to_text(zone.currency);
        let said = |said: Option<Said>| said.map(|said| text(said.amount));
        let share = match waiver.method {
            Method::Share(hundredths) => {
                Some(format!("{}.{:02}%", hundredths / 100, hundredths % 100))
            }
            Method::Full | Method::Half | Method::Amount | Method::Months | Method::Converted => {
                None
            }
        };
        Self {
            amount: text(waiver.amount.money()),
            audited: said(waiver.audited),
            confirmed: waiver.confirmed().map(text),
            declared_on: waiver.declared_on,
            deferral: waiver.deferral,
            from_day: waiver.from_day,
            id: waiver.id,
            landlord_relief: text(waiver.landlord_relief),
            lease: waiver.lease,
            method: waiver.method.as_str(),
            number: Named::Entry(waiver.declared_index),
            share,
            state: waiver.state(),
            stated: said(waiver.stated),
            until_day: waiver.until_day,
            way: waiver.way,
        }
    }
}

/// An instalment as it is shown.
#[derive(Serialize)]
struct InstalmentLine {
    amount: String,
    due: NaiveDate,
    number: i16,
    paid: String,
    state: InstalmentState,
}

/// A deferral as it is shown.
#[derive(Serialize)]
struct DeferralLine {
    amount: String,
    converted: String,
    defaulted: String,
    from: Month,
    id: DeferralId,
    instalments: Vec<InstalmentLine>,
    lease: LeaseId,
    number: Named<DeferralId>,
    open: String,
    overdue: String,
    paid: String,
    state: DeferralState,
    until: Month,
}

impl DeferralLine {
    fn of(deferral: &Deferral, zone: &Zone, today: NaiveDate) -> Self {
        let text = |money: Money| money.to_text(zone.currency);
        let instalments = deferral.instalments.iter().map(|one| InstalmentLine {
            amount: text(one.amount.money()),
            due: one.due,
            number: one.number,
            paid: text(one.paid),
            state: deferral.state_of(one, today),
        });
        Self {
            amount: text(deferral.amount()),
            converted: text(deferral.converted),
            defaulted: text(deferral.defaulted),
            from: deferral.from_month,
            id: deferral.id,
            instalments: instalments.collect(),
            lease: deferral.lease,
            number: Named::Entry(deferral.agreed_index),
            open: text(deferral.open),
            overdue: text(deferral.overdue(today)),
            paid: text(deferral.paid),
            state: deferral.state(today),
            until: deferral.until_month,
        }
    }
}

/// A word as JSON writes it.
fn word(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn today(global: &Global, zone: &Zone) -> NaiveDate {
    zone.time.day(global.clock().now())
}

async fn optional_lease(
    session: &Session,
    zone: &Zone,
    named: Option<Named<LeaseId>>,
) -> anyhow::Result<Option<LeaseId>> {
    match named {
        Some(named) => Ok(Some(lease_id(session, zone, named).await?)),
        None => Ok(None),
    }
}

async fn find_waivers(
    session: &Session,
    zone: &Zone,
    filter: WaiverFilter,
    limit: i64,
) -> anyhow::Result<Vec<Waiver>> {
    let input = (zone.id, filter, limit);
    Ok(session
        .database
        .read(zone.id, input, |conn, (zone, filter, limit)| {
            Box::pin(store::waivers_of(conn, *zone, filter, *limit))
        })
        .await?)
}

async fn find_deferrals(
    session: &Session,
    zone: &Zone,
    filter: DeferralFilter,
    limit: i64,
) -> anyhow::Result<Vec<Deferral>> {
    let input = (zone.id, filter, limit);
    Ok(session
        .database
        .read(zone.id, input, |conn, (zone, filter, limit)| {
            Box::pin(store::deferrals_of(conn, *zone, filter, *limit))
        })
        .await?)
}

pub(in crate::cli) async fn waivers(
    global: &Global,
    args: WaiversArgs,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let filter = WaiverFilter {
            lease: optional_lease(session, &zone, args.lease).await?,
            carrier: optional_party(session, &zone, args.carrier.as_deref()).await?,
            id: None,
            after: args.after.map(LogIndex),
        };
        let mut waivers = find_waivers(session, &zone, filter, args.limit).await?;
        output::at_limit(waivers.len(), args.limit);
        if let Some(state) = args.state {
            waivers.retain(|waiver| waiver.state() == state.state());
        }
        let lines: Vec<_> = waivers
            .iter()
            .map(|waiver| WaiverLine::of(waiver, &zone))
            .collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("No waiver.")?;
        } else {
            output::line(&format!(
                "{:<8} {:<16} {:<10} {:>14} {:>14} {:>14}  from        until",
                "number", "state", "way", "declared", "confirmed", "audited"
            ))?;
            for line in &lines {
                let sum = |text: &Option<String>| {
                    text.as_deref()
                        .map_or_else(|| "-".to_owned(), output::grouped)
                };
                output::line(&format!(
                    "{:<8} {:<16} {:<10} {:>14} {:>14} {:>14}  {}  {}",
                    line.number.to_string(),
                    line.state.as_str(),
                    line.way.as_str(),
                    output::grouped(&line.amount),
                    sum(&line.confirmed),
                    sum(&line.audited),
                    line.from_day,
                    line.until_day
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

pub(in crate::cli) async fn deferrals(
    global: &Global,
    args: DeferralsArgs,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let filter = DeferralFilter {
            lease: optional_lease(session, &zone, args.lease).await?,
            carrier: optional_party(session, &zone, args.carrier.as_deref()).await?,
            id: None,
            after: args.after.map(LogIndex),
        };
        let found = find_deferrals(session, &zone, filter, args.limit).await?;
        output::at_limit(found.len(), args.limit);
        let today = today(global, &zone);
        let lines = found
            .iter()
            .map(|deferral| DeferralLine::of(deferral, &zone, today));
        let lines: Vec<_> = lines.collect();
        print_deferrals(global, &lines, ("overdue parts", "No deferral."))
    })
    .await
}

pub(in crate::cli) async fn overdue(
    global: &Global,
    args: OverdueArgs,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let on = args.on.map_or_else(|| today(global, &zone), Day::date);
        let carrier = optional_party(session, &zone, args.carrier.as_deref()).await?;
        let input = (zone.id, carrier, on, args.limit);
        let found = session
            .database
            .read(zone.id, input, |conn, (zone, carrier, on, limit)| {
                Box::pin(store::overdue(conn, *zone, *carrier, *on, *limit))
            })
            .await?;
        output::at_limit(found.len(), args.limit);
        let lines = found.iter().map(|late| DeferralLine {
            overdue: late.amount(on).to_text(zone.currency),
            ..DeferralLine::of(&late.deferral, &zone, on)
        });
        let lines: Vec<_> = lines.collect();
        print_deferrals(global, &lines, ("overdue", "Nothing is overdue."))
    })
    .await
}

/// What is overdue: of a list of deferrals parts of theirs, of what is overdue also what became due at once.
fn print_deferrals(
    global: &Global,
    lines: &[DeferralLine],
    (overdue, none): (&str, &str),
) -> anyhow::Result<ExitCode> {
    if global.json {
        output::json(&lines)?;
    } else if lines.is_empty() {
        output::line(none)?;
    } else {
        output::line(&format!(
            "{:<8} {:<10} {:>14} {:>14} {:>14} {:>14}  months",
            "number", "state", "deferred", "paid", "open", overdue
        ))?;
        for line in lines {
            output::line(&format!(
                "{:<8} {:<10} {:>14} {:>14} {:>14} {:>14}  {} to {}",
                line.number.to_string(),
                word(line.state),
                output::grouped(&line.amount),
                output::grouped(&line.paid),
                output::grouped(&line.open),
                output::grouped(&line.overdue),
                line.from,
                line.until
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(in crate::cli) async fn show(global: &Global, name: &str) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        match (
            name.parse::<Named<WaiverId>>(),
            name.parse::<Named<DeferralId>>(),
        ) {
            (Ok(named @ Named::Entry(_)), _) => show_waiver(global, session, &zone, named).await,
            (_, Ok(named @ Named::Entry(_))) => show_deferral(global, session, &zone, named).await,
            (_, _) => anyhow::bail!(
                "{:?} names no waiver and no deferral: write W34 or S56",
                excerpt(name)
            ),
        }
    })
    .await
}

async fn show_waiver(
    global: &Global,
    session: &Session,
    zone: &Zone,
    named: Named<WaiverId>,
) -> anyhow::Result<ExitCode> {
    let id = waiver_id(session, zone, named).await?;
    let filter = WaiverFilter {
        id: Some(id),
        ..WaiverFilter::default()
    };
    let found = find_waivers(session, zone, filter, 1).await?;
    let waiver = found.first().with_context(|| not_there(&named, zone))?;
    let line = WaiverLine::of(waiver, zone);
    if global.json {
        output::json(&line)?;
    } else {
        print_answer(&serde_json::to_value(&line)?, sentences)?;
        output::line(&format!("It goes on with {}.", line.state.goes_on()))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn show_deferral(
    global: &Global,
    session: &Session,
    zone: &Zone,
    named: Named<DeferralId>,
) -> anyhow::Result<ExitCode> {
    let id = deferral_id(session, zone, named).await?;
    let filter = DeferralFilter {
        id: Some(id),
        ..DeferralFilter::default()
    };
    let found = find_deferrals(session, zone, filter, 1).await?;
    let deferral = found.first().with_context(|| not_there(&named, zone))?;
    let line = DeferralLine::of(deferral, zone, today(global, zone));
    if global.json {
        output::json(&line)?;
    } else {
        print_answer(&serde_json::to_value(&line)?, sentences)?;
        output::line(&format!("It goes on with {}.", line.state.goes_on()))?;
    }
    Ok(ExitCode::SUCCESS)
}
