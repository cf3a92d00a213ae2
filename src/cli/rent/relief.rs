//! `rent relief`: what a claim of a carrier may rest on.

use std::process::ExitCode;

use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

use crate::cli::desk::party_id;
use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::rent::{self, WaiverState, Way};
use crate::types::{Day, LeaseId, Money, Named, Period, WaiverId};

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
