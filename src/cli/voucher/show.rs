//! Reading vouchers and applications.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::desk::not_there;
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::clock::Clock;
use crate::types::{Code, HoldId, LogIndex, Named, PartyId, VoucherId, Zone};
use crate::voucher::store::{
    self, ApplicationFilter, ApplicationRow, ApplicationState, VoucherFilter,
};
use crate::voucher::{self, Hold, Voucher, VoucherState};

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Only of this programme
    #[arg(long)]
    programme: Option<Code>,
    /// Only of this holder, by id
    #[arg(long)]
    holder: Option<PartyId>,
    /// Only those after this number
    #[arg(long, value_name = "NUMBER")]
    after: Option<i64>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Applied,
    Recommended,
    Issued,
    Rejected,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ApplicationsArgs {
    /// Where they stand
    #[arg(long, value_enum, default_value = "applied")]
    state: State,
    /// Only of this programme
    #[arg(long)]
    programme: Option<Code>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

/// A voucher as it is shown.
#[derive(Serialize)]
struct VoucherLine {
    cancelled: String,
    expired: String,
    face: String,
    free: String,
    frozen: Option<String>,
    held: String,
    holder: PartyId,
    id: VoucherId,
    issued_on: chrono::NaiveDate,
    last_day: chrono::NaiveDate,
    number: String,
    programme: String,
    redeemed: String,
    state: VoucherState,
}

impl VoucherLine {
    fn of(voucher: &Voucher, zone: &Zone, clock: Clock) -> Self {
        let text = |money: crate::types::Money| money.to_text(zone.currency);
        let parts = voucher.parts;
        Self {
            cancelled: text(parts.cancelled),
            expired: text(parts.expired),
            face: text(parts.face()),
            free: text(parts.free),
            frozen: voucher.frozen.as_ref().map(ToString::to_string),
            held: text(parts.held),
            holder: voucher.holder,
            id: voucher.id,
            issued_on: voucher.issued_on,
            last_day: voucher.last_day,
            number: format!("V{}", voucher.issued_index),
            programme: voucher.line.programme.to_string(),
            redeemed: text(parts.redeemed),
            state: voucher.state(zone.time.day(clock.now())),
        }
    }
}

/// A hold as it is shown.
#[derive(Serialize)]
struct HoldLine {
    amount: String,
    id: HoldId,
    number: Named<HoldId>,
    price: String,
    provider: PartyId,
    redeemed: String,
    state: &'static str,
}

impl HoldLine {
    fn of(hold: &Hold, index: LogIndex, zone: &Zone) -> Self {
        let text = |money: crate::types::Money| money.to_text(zone.currency);
        Self {
            amount: text(hold.amount.money()),
            id: hold.id,
            number: Named::Entry(index),
            price: text(hold.price.money()),
            provider: hold.provider,
            redeemed: text(hold.redeemed),
            state: hold.state.as_str(),
        }
    }
}

/// An application as it is shown.
#[derive(Serialize)]
struct ApplicationLine {
    id: VoucherId,
    number: Named<VoucherId>,
    party: String,
    programme: String,
    state: ApplicationState,
}

impl From<ApplicationRow> for ApplicationLine {
    fn from(row: ApplicationRow) -> Self {
        Self {
            id: row.id,
            number: Named::Entry(row.applied_index),
            party: row.party_name,
            programme: row.programme,
            state: row.state,
        }
    }
}

/// The id of a voucher or an application, as somebody names it.
pub(in crate::cli) async fn voucher_id(
    session: &Session,
    zone: &Zone,
    named: Named<VoucherId>,
) -> anyhow::Result<VoucherId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(voucher::find_voucher(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| not_there(&named, zone))
}

async fn find(
    session: &Session,
    zone: &Zone,
    filter: VoucherFilter,
    limit: i64,
) -> anyhow::Result<Vec<Voucher>> {
    let input = (zone.clone(), filter, limit);
    Ok(session
        .database
        .read(zone.id, input, |conn, (zone, filter, limit)| {
            Box::pin(store::vouchers(conn, zone, filter, *limit))
        })
        .await?)
}

pub(in crate::cli) async fn list(global: &Global, args: ListArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let filter = VoucherFilter {
            programme: args.programme,
            holder: args.holder,
            after: args.after.map(LogIndex),
            ..VoucherFilter::default()
        };
        let vouchers = find(session, &zone, filter, args.limit).await?;
        output::at_limit(vouchers.len(), args.limit);
        let lines: Vec<_> = vouchers
            .iter()
            .map(|voucher| VoucherLine::of(voucher, &zone, global.clock()))
            .collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("No voucher.")?;
        } else {
            output::line(&format!(
                "{:<8} {:<16} {:>14} {:>14} {:>14} {:>14}  last day    holder",
                "number", "programme", "face", "free", "held", "redeemed"
            ))?;
            for line in &lines {
                output::line(&format!(
                    "{:<8} {:<16} {:>14} {:>14} {:>14} {:>14}  {}  {}",
                    line.number,
                    line.programme,
                    output::grouped(&line.face),
                    output::grouped(&line.free),
                    output::grouped(&line.held),
                    output::grouped(&line.redeemed),
                    line.last_day,
                    line.holder
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

pub(in crate::cli) async fn show(
    global: &Global,
    named: Named<VoucherId>,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let id = voucher_id(session, &zone, named).await?;
        let filter = VoucherFilter {
            id: Some(id),
            ..VoucherFilter::default()
        };
        let found = find(session, &zone, filter, 1).await?;
        let Some(voucher) = found.first() else {
            return show_application(global, session, &zone, (named, id)).await;
        };
        let holds = session
            .database
            .read(zone.id, (zone.id, id), |conn, (zone, id)| {
                Box::pin(store::holds_of(conn, *zone, *id))
            })
            .await?;
        let line = VoucherLine::of(voucher, &zone, global.clock());
        let holds: Vec<_> = holds
            .iter()
            .map(|(hold, index)| HoldLine::of(hold, *index, &zone))
            .collect();
        if global.json {
            output::json(&serde_json::json!({ "voucher": line, "holds": holds }))?;
            return Ok(ExitCode::SUCCESS);
        }
        super::print_answer(&serde_json::to_value(&line)?)?;
        for hold in &holds {
            output::line(&format!(
                "hold {} ({}): {} for a price of {}, {}, redeemed {}, provider {}",
                hold.number,
                hold.id,
                output::grouped(&hold.amount),
                output::grouped(&hold.price),
                hold.state,
                output::grouped(&hold.redeemed),
                hold.provider
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

pub(in crate::cli) async fn applications(
    global: &Global,
    args: ApplicationsArgs,
) -> anyhow::Result<ExitCode> {
    let state = match args.state {
        State::Applied => ApplicationState::Applied,
        State::Recommended => ApplicationState::Recommended,
        State::Issued => ApplicationState::Issued,
        State::Rejected => ApplicationState::Rejected,
    };
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let filter = ApplicationFilter {
            programme: args.programme,
            state: Some(state),
            id: None,
        };
        let lines = find_applications(session, &zone, filter, args.limit).await?;
        output::at_limit(lines.len(), args.limit);
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line(&format!("No application is {}.", state.as_str()))?;
        } else {
            for line in &lines {
                output::line(&format!(
                    "{:<8} {:<16} {}  {}",
                    line.number.to_string(),
                    line.programme,
                    line.id,
                    line.party
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn find_applications(
    session: &Session,
    zone: &Zone,
    filter: ApplicationFilter,
    limit: i64,
) -> anyhow::Result<Vec<ApplicationLine>> {
    let input = (zone.id, filter, limit);
    let rows = session
        .database
        .read(zone.id, input, |conn, (zone, filter, limit)| {
            Box::pin(store::applications_in(conn, *zone, filter, *limit))
        })
        .await?;
    Ok(rows.into_iter().map(ApplicationLine::from).collect())
}

/// An application that is no voucher yet, or was turned down.
async fn show_application(
    global: &Global,
    session: &Session,
    zone: &Zone,
    (named, id): (Named<VoucherId>, VoucherId),
) -> anyhow::Result<ExitCode> {
    let filter = ApplicationFilter {
        id: Some(id),
        ..ApplicationFilter::default()
    };
    let mut found = find_applications(session, zone, filter, 1).await?;
    let line = found.pop().with_context(|| not_there(&named, zone))?;
    if global.json {
        output::json(&serde_json::json!({ "application": line }))?;
    } else {
        super::print_answer(&serde_json::to_value(&line)?)?;
        output::line(&format!("It goes on with {}.", line.state.goes_on()))?;
    }
    Ok(ExitCode::SUCCESS)
}
