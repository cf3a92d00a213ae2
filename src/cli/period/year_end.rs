//! `period year-end`, `year-end-rule` and `close-year`.

use std::io;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::accounting::{self, FreeAtEnd, Line, NewRule, Plan, Rule, VouchersAtEnd};
use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::report::{Align, Table};
use crate::types::{Code, FiscalYear, Money, Reason};

#[derive(Debug, Args)]
pub(in crate::cli) struct RuleArgs {
    /// Programme
    code: Code,
    /// What becomes of what nothing uses
    #[arg(long, value_enum)]
    free: FreeArg,
    /// What becomes of vouchers of the year, and of contracts that something is reserved for
    #[arg(long, value_enum, default_value_t = VouchersArg::Keep)]
    vouchers: VouchersArg,
    /// The regulation or decision that it follows
    #[arg(long, value_name = "TEXT")]
    reason: Reason,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FreeArg {
    /// It lapses
    Lapse,
    /// It is carried over to the same programme of the next year
    Carry,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum VouchersArg {
    /// They can be used until their last day
    Keep,
    /// They end with the year: `voucher wind-up` takes them back
    End,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CloseYearArgs {
    /// Budget year
    #[arg(value_parser = clap::value_parser!(i16).range(1900..=9997))]
    year: i16,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Reason,
}

pub(super) async fn set_rule(global: &Global, args: RuleArgs) -> anyhow::Result<ExitCode> {
    let rule = Rule {
        free: match args.free {
            FreeArg::Lapse => FreeAtEnd::Lapse,
            FreeArg::Carry => FreeAtEnd::Carry,
        },
        vouchers: match args.vouchers {
            VouchersArg::Keep => VouchersAtEnd::Keep,
            VouchersArg::End => VouchersAtEnd::End,
        },
    };
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let (free, vouchers) = words(rule);
        let what = format!("{}: at the end of a year {free}; {vouchers}", args.code);
        let input = NewRule {
            programme: args.code,
            reason: args.reason,
            rule,
        };
        let recorded = session
            .command(&caller, input, |conn, command, input| {
                Box::pin(async move { accounting::set_rule(conn, &command, input).await })
            })
            .await?;
        output::recorded(global.json, &what, recorded)
    })
    .await
}

pub(super) async fn propose(global: &Global, args: CloseYearArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let input = (FiscalYear(args.year), args.reason);
        let (recorded, plan) = session
            .command(&caller, input, |conn, command, (year, reason)| {
                Box::pin(async move {
                    accounting::propose_year_end(conn, &command, (*year, reason)).await
                })
            })
            .await?;
        if !global.json {
            print(&plan)?;
            output::line("")?;
        }
        let what = format!(
            "It is proposed to close {}; another person confirms it with `period confirm`",
            plan.year
        );
        output::recorded(global.json, &what, recorded)
    })
    .await
}

pub(super) async fn show(global: &Global, year: FiscalYear) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let plan = session
            .database
            .read(zone.id, (zone, year), |conn, (zone, year)| {
                Box::pin(Plan::read(conn, zone, *year))
            })
            .await?;
        if global.json {
            output::json(&plan_json(&plan))?;
        } else {
            print(&plan)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// In words: of what is free, of vouchers and contracts.
const fn words(rule: Rule) -> (&'static str, &'static str) {
    let free = match rule.free {
        FreeAtEnd::Lapse => "what is free lapses",
        FreeAtEnd::Carry => "what is free is carried over",
    };
    let vouchers = match rule.vouchers {
        VouchersAtEnd::Keep => "vouchers and contracts are kept",
        VouchersAtEnd::End => "vouchers and contracts end",
    };
    (free, vouchers)
}

fn print(plan: &Plan) -> io::Result<()> {
    if plan.lines.is_empty() && plan.unallocated == Money::ZERO {
        return output::line(&format!("Nothing was appropriated for {}.", plan.year));
    }
    let mut table = Table::new([
        ("programme", Align::Left),
        ("free", Align::Right),
        ("lapses", Align::Right),
        ("carried over", Align::Right),
        ("on vouchers", Align::Right),
        ("reserved", Align::Right),
        ("owed", Align::Right),
        ("paid", Align::Right),
        ("rule", Align::Left),
        ("", Align::Left),
    ]);
    let text = |amount: Money| output::grouped(&amount.to_text(plan.currency));
    for line in &plan.lines {
        let (free, vouchers) = words(line.rule);
        table.row([
            line.programme.to_string(),
            text(line.free),
            text(line.lapses()),
            text(line.carries()),
            text(line.outstanding),
            text(line.reserved),
            text(line.obligated),
            text(line.paid),
            format!("{free}; {vouchers}"),
            in_the_way(line).to_owned(),
        ]);
    }
    output::line(table.to_string().trim_end())?;
    if plan.unallocated > Money::ZERO {
        let amount = text(plan.unallocated);
        output::line(&format!("Given to no programme: {amount}, which lapses."))?;
    }
    output::line(&format!(
        "In all {} {currency} lapse and {} {currency} are carried over. What is on vouchers, held, reserved for contracts or owed stays with {}.",
        text(plan.lapses()),
        text(plan.carries()),
        plan.year,
        currency = plan.currency,
    ))
}

fn in_the_way(line: &Line) -> &'static str {
    match line.blocked() {
        None => "",
        Some(accounting::Blocked::Frozen) => "frozen: thaw it first",
        Some(accounting::Blocked::Vouchers) => "wind its vouchers up and end its contracts first",
    }
}

fn plan_json(plan: &Plan) -> serde_json::Value {
    let text = |amount: Money| amount.to_text(plan.currency);
    let lines: Vec<_> = plan
        .lines
        .iter()
        .map(|line| {
            json!({
                "programme": line.programme,
                "rule": line.rule,
                "brought_forward": text(line.brought_forward),
                "free": text(line.free),
                "lapses": text(line.lapses()),
                "carries": text(line.carries()),
                "outstanding": text(line.outstanding),
                "reserved": text(line.reserved),
                "obligated": text(line.obligated),
                "paid": text(line.paid),
                "in_the_way": Some(in_the_way(line)).filter(|said| !said.is_empty()),
            })
        })
        .collect();
    json!({
        "year": plan.year,
        "currency": plan.currency,
        "unallocated": text(plan.unallocated),
        "lapses": text(plan.lapses()),
        "carries": text(plan.carries()),
        "lines": lines,
    })
}
