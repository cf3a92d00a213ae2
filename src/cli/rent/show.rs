//! Reading waivers, deferrals, statements of leases, and what a claim may rest on.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{deferral_id, sentences, waiver_id};
use crate::cli::desk::{not_there, party_id, print_answer};
use crate::cli::lease::{lease_id, named, optional_party};
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::rent::bill::{Bill, Part};
use crate::rent::deferral::{DeferralState, InstalmentState};
use crate::rent::store::{self, DeferralFilter, MoveLine, WaiverFilter};
use crate::rent::waiver::{Method, Said};
use crate::rent::{self, Charges, Deferral, Month, Waiver, WaiverState, Way};
use crate::types::{
    Day, DeferralId, LeaseId, LogIndex, Money, Named, Period, WaiverId, Zone, excerpt,
};

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

#[derive(Debug, Args)]
pub(in crate::cli) struct ReliefArgs {
    /// The carrier: unified social credit code, or id
    #[arg(long)]
    carrier: String,
    /// First day of the programme's window
    #[arg(long, value_name = "DAY")]
    from: Day,
    /// Last day of it
    #[arg(long, value_name = "DAY")]
    until: Day,
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
        let today = today(global, &zone);
        let lines = found
            .iter()
            .map(|deferral| DeferralLine::of(deferral, &zone, today));
        print_deferrals(global, &lines.collect::<Vec<_>>(), "No deferral.")
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
        let lines = found.iter().map(|late| DeferralLine {
            overdue: late.amount(on).to_text(zone.currency),
            ..DeferralLine::of(&late.deferral, &zone, on)
        });
        print_deferrals(global, &lines.collect::<Vec<_>>(), "Nothing is overdue.")
    })
    .await
}

fn print_deferrals(
    global: &Global,
    lines: &[DeferralLine],
    none: &str,
) -> anyhow::Result<ExitCode> {
    if global.json {
        output::json(&lines)?;
    } else if lines.is_empty() {
        output::line(none)?;
    } else {
        output::line(&format!(
            "{:<8} {:<10} {:>14} {:>14} {:>14} {:>14}  months",
            "number", "state", "deferred", "paid", "open", "overdue"
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

/// A month of a statement.
#[derive(Serialize)]
struct BillLine {
    charges: Charges<String>,
    days: i64,
    deferred: String,
    entry: LogIndex,
    month: Month,
    open: String,
    paid: String,
    rent: String,
    waived: String,
}

impl BillLine {
    fn of(bill: &Bill, zone: &Zone) -> Self {
        let text = |money: Money| money.to_text(zone.currency);
        let part = |part| text(bill.parts.of(part));
        Self {
            charges: bill.charges.map(|charge| text(*charge)),
            days: bill.days,
            deferred: part(Part::Deferred),
            entry: bill.index,
            month: bill.month,
            open: part(Part::Open),
            paid: part(Part::Paid),
            rent: text(bill.parts.rent()),
            waived: part(Part::Waived),
        }
    }
}

/// What moved in a statement.
#[derive(Serialize)]
struct StepLine {
    amount: String,
    entry: LogIndex,
    from: Part,
    month: Month,
    to: Part,
}

pub(in crate::cli) async fn statement(
    global: &Global,
    lease: Named<LeaseId>,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let lease = named(session, &zone, lease).await?;
        let input = (zone.id, lease.id);
        let read = session
            .database
            .read(zone.id, input, |conn, (zone, lease)| {
                Box::pin(async move {
                    let mut bills = store::bills_of(conn, *zone, &[*lease]).await?;
                    let moves = store::moves_of_lease(conn, *zone, *lease).await?;
                    Ok::<_, sqlx::Error>((bills.remove(lease).unwrap_or_default(), moves))
                })
            });
        let (bills, moves) = read.await?;
        let lines: Vec<_> = bills
            .by_month
            .values()
            .map(|bill| BillLine::of(bill, &zone))
            .collect();
        let step = |step: &MoveLine| StepLine {
            amount: step.amount.to_text(zone.currency),
            entry: step.entry,
            from: step.from,
            month: step.month,
            to: step.to,
        };
        let steps: Vec<_> = moves.iter().map(step).collect();
        if global.json {
            output::json(
                &serde_json::json!({ "bills": lines, "lease": lease.id, "moves": steps }),
            )?;
        } else if lines.is_empty() {
            output::line("No month is billed.")?;
        } else {
            print_statement(&lines, &steps)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_statement(lines: &[BillLine], steps: &[StepLine]) -> std::io::Result<()> {
    output::line(&format!(
        "{:<8} {:>14} {:>14} {:>14} {:>14} {:>14}  entry",
        "month", "rent", "open", "deferred", "paid", "waived"
    ))?;
    for line in lines {
        output::line(&format!(
            "{:<8} {:>14} {:>14} {:>14} {:>14} {:>14}  {}",
            line.month.to_string(),
            output::grouped(&line.rent),
            output::grouped(&line.open),
            output::grouped(&line.deferred),
            output::grouped(&line.paid),
            output::grouped(&line.waived),
            line.entry
        ))?;
    }
    for step in steps {
        output::line(&format!(
            "entry {}: {} of {} from {} to {}",
            step.entry,
            output::grouped(&step.amount),
            step.month,
            step.from.as_str(),
            step.to.as_str()
        ))?;
    }
    Ok(())
}

/// Relief as it is shown.
#[derive(Serialize)]
struct ReliefLine {
    audited: String,
    base: String,
    declared: String,
    from_day: NaiveDate,
    landlord_relief: String,
    lease: LeaseId,
    number: Named<WaiverId>,
    settled: bool,
    stated: String,
    until_day: NaiveDate,
    way: Way,
}

/// A waiver that a claim has to wait for.
#[derive(Serialize)]
struct WaitingLine {
    number: Named<WaiverId>,
    state: WaiverState,
}

pub(in crate::cli) async fn relief(global: &Global, args: ReliefArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let carrier = party_id(session, &zone, &args.carrier).await?;
        let window = Period::new(args.from.date(), args.until.date().succ_opt())?;
        let input = (zone.id, carrier, window);
        let found = session
            .database
            .read(zone.id, input, |conn, (zone, carrier, window)| {
                Box::pin(rent::relief_for_claim(conn, *zone, *carrier, window))
            })
            .await?;
        let text = |money: Money| money.to_text(zone.currency);
        let lines: Vec<_> = found
            .reliefs
            .iter()
            .map(|relief| ReliefLine {
                audited: text(relief.audited),
                base: text(relief.base()),
                declared: text(relief.declared),
                from_day: relief.from_day,
                landlord_relief: text(relief.landlord_relief),
                lease: relief.lease,
                number: Named::Entry(relief.number),
                settled: relief.is_settled,
                stated: text(relief.stated),
                until_day: relief.until_day,
                way: relief.way,
            })
            .collect();
        let waiting = found.waiting.iter().map(|waiting| WaitingLine {
            number: Named::Entry(waiting.number),
            state: waiting.state,
        });
        let waiting: Vec<_> = waiting.collect();
        let base = text(found.base());
        if global.json {
            output::json(
                &serde_json::json!({ "base": base, "reliefs": lines, "waiting": waiting }),
            )?;
        } else {
            print_relief(&lines, &waiting, &base)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_relief(lines: &[ReliefLine], waiting: &[WaitingLine], base: &str) -> std::io::Result<()> {
    if lines.is_empty() {
        output::line("No relief that a claim may rest on.")?;
    } else {
        output::line(&format!(
            "{:<8} {:<10} {:>14} {:>14} {:>14}  from        until",
            "number", "way", "audited", "landlord's", "base"
        ))?;
        for line in lines {
            output::line(&format!(
                "{:<8} {:<10} {:>14} {:>14} {:>14}  {}  {}",
                line.number.to_string(),
                line.way.as_str(),
                output::grouped(&line.audited),
                output::grouped(&line.landlord_relief),
                output::grouped(&line.base),
                line.from_day,
                line.until_day
            ))?;
        }
        output::line(&format!(
            "{:<8} {:<10} {:>14} {:>14} {:>14}",
            "all",
            "",
            "",
            "",
            output::grouped(base)
        ))?;
    }
    for waiting in waiting {
        output::line(&format!(
            "{} waits: {}",
            waiting.number,
            waiting.state.as_str()
        ))?;
    }
    Ok(())
}
