//! `period …`: closing days, opening them again, and the end of a budget year.

mod year_end;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::session::with_session;
use super::{Global, output};
use crate::accounting::{
    self, ClosePeriod, Closing, Confirmed, Proposal, ProposalOutcome, Subject,
};
use crate::report::{Align, Table};
use crate::types::{Day, FiscalYear, LogIndex, Period, Reason};

/// Periods of the books.
#[derive(Debug, Subcommand)]
pub(super) enum PeriodCommand {
    /// Close a period that is over: it takes adjusting entries only (finance)
    #[command(
        after_help = "Example:\n  subsidy-ledger period close 2025-01-01 2026-01-01 \
        --reason '年度结账' --as finance"
    )]
    Close(CloseArgs),
    /// Show what the end of a budget year would do: what lapses, what is carried over, what stands in the way
    #[command(after_help = "Example:\n  subsidy-ledger period year-end 2025 --json")]
    YearEnd {
        /// Budget year
        #[arg(value_parser = clap::value_parser!(i16).range(1900..=9997))]
        year: i16,
    },
    /// Set what becomes of a programme's authority at the end of a budget year (finance or a manager)
    ///
    /// A programme without a rule lets lapse what is free, and keeps its vouchers until their last day. What was carried
    /// over once and is still unused a year later lapses under every rule.
    #[command(
        after_help = "Example:\n  subsidy-ledger period year-end-rule SH-VOUCHER --free carry --vouchers keep \
        --reason '结转资金管理办法第五条' --as finance"
    )]
    YearEndRule(year_end::RuleArgs),
    /// Propose to close a budget year that is over, with the plan that `period year-end` shows (finance)
    ///
    /// Nothing moves until another person confirms it; and what has changed by then is refused.
    #[command(
        after_help = "Example:\n  subsidy-ledger period close-year 2025 --reason '年度结账' --as finance"
    )]
    CloseYear(year_end::CloseYearArgs),
    /// Propose to open again what an entry closed (finance)
    ///
    /// Days that several entries closed are open when all of these are opened again.
    #[command(
        after_help = "Example:\n  subsidy-ledger period reopen 812 --reason '补记十二月单据' --as finance"
    )]
    Reopen(ReopenArgs),
    /// Confirm a proposal and carry it out (finance or a manager, another person)
    #[command(after_help = "Example:\n  subsidy-ledger period confirm 815 --as manager")]
    Confirm {
        /// Entry of the proposal
        #[arg(value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(0..))]
        entry: i64,
    },
    /// Reject a proposal, or take it back (finance or a manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger period reject 815 --reason '数字有误' --as manager"
    )]
    Reject(EntryArgs),
    /// List what is closed, and proposals with what became of them
    #[command(after_help = "Example:\n  subsidy-ledger period list --json")]
    List,
}

#[derive(Debug, Args)]
pub(super) struct CloseArgs {
    /// First day of the period
    from: Day,
    /// First day after the period, which stays open
    until: Day,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(super) struct ReopenArgs {
    /// Entry that closed them: `period list` shows it
    #[arg(value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(0..))]
    entry: i64,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(super) struct EntryArgs {
    /// Entry of the proposal
    #[arg(value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(0..))]
    entry: i64,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Reason,
}

pub(super) async fn run(global: &Global, command: PeriodCommand) -> anyhow::Result<ExitCode> {
    match command {
        PeriodCommand::Close(args) => close(global, args).await,
        PeriodCommand::YearEnd { year } => year_end::show(global, FiscalYear(year)).await,
        PeriodCommand::YearEndRule(args) => year_end::set_rule(global, args).await,
        PeriodCommand::CloseYear(args) => year_end::propose(global, args).await,
        PeriodCommand::Reopen(args) => reopen(global, args).await,
        PeriodCommand::Confirm { entry } => confirm(global, LogIndex(entry)).await,
        PeriodCommand::Reject(args) => reject(global, args).await,
        PeriodCommand::List => list(global).await,
    }
}

async fn close(global: &Global, args: CloseArgs) -> anyhow::Result<ExitCode> {
    let (from, until) = (args.from.date(), args.until.date());
    let input = ClosePeriod {
        period: Period::new(from, Some(until))?,
        reason: args.reason,
    };
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let recorded = session
            .command(&caller, input, |conn, command, input| {
                Box::pin(async move { accounting::close_period(conn, &command, input).await })
            })
            .await?;
        let last = until.pred_opt().unwrap_or(until);
        let what = format!("The days from {from} to {last} are closed");
        output::recorded(global.json, &what, recorded)
    })
    .await
}

async fn reopen(global: &Global, args: ReopenArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let what = format!(
            "It is proposed to open again what entry {} closed; another person confirms it with `period confirm`",
            args.entry
        );
        let input = (LogIndex(args.entry), args.reason);
        let recorded = session
            .command(&caller, input, |conn, command, (closing, reason)| {
                Box::pin(async move {
                    accounting::propose_reopening(conn, &command, (*closing, reason)).await
                })
            })
            .await?;
        output::recorded(global.json, &what, recorded)
    })
    .await
}

async fn confirm(global: &Global, proposed: LogIndex) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let (recorded, Confirmed { refused }) = session
            .command(&caller, proposed, |conn, command, proposed| {
                Box::pin(async move { accounting::confirm(conn, &command, *proposed).await })
            })
            .await?;
        if global.json {
            output::json(&json!({ "entry": recorded.index, "refused": refused }))?;
        } else if let Some(refused) = refused {
            let why = refused.sentence();
            output::line(&format!(
                "Not carried out, entry {}: {why}.",
                recorded.index
            ))?;
        } else {
            output::line(&format!("Carried out, entry {}.", recorded.index))?;
        }
        Ok(if refused.is_some() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    })
    .await
}

async fn reject(global: &Global, args: EntryArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let what = format!("The proposal of entry {} is rejected", args.entry);
        let input = (LogIndex(args.entry), args.reason);
        let recorded = session
            .command(&caller, input, |conn, command, (proposed, reason)| {
                Box::pin(
                    async move { accounting::reject(conn, &command, (*proposed, reason)).await },
                )
            })
            .await?;
        output::recorded(global.json, &what, recorded)
    })
    .await
}

async fn list(global: &Global) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let (closings, proposals) = session
            .database
            .read(zone.id, zone.id, |conn, zone| {
                Box::pin(async move {
                    let closings = accounting::store::closings(conn, *zone).await?;
                    let proposals = accounting::store::proposals(conn, *zone).await?;
                    Ok::<_, sqlx::Error>((closings, proposals))
                })
            })
            .await?;
        if global.json {
            let proposals: Vec<_> = proposals.iter().map(proposal_json).collect();
            output::json(&json!({ "closings": closings, "proposals": proposals }))?;
            return Ok(ExitCode::SUCCESS);
        }
        output::line(closings_table(&closings).to_string().trim_end())?;
        if !proposals.is_empty() {
            output::line("")?;
            output::line(proposals_table(&proposals).to_string().trim_end())?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn closings_table(closings: &[Closing]) -> Table {
    let mut table = Table::new([
        ("entry", Align::Right),
        ("first closed day", Align::Left),
        ("last", Align::Left),
        ("", Align::Left),
    ]);
    for one in closings {
        table.row([
            one.closed_index.to_string(),
            one.from.to_string(),
            one.until.pred_opt().unwrap_or(one.until).to_string(),
            one.reopened_index.map_or_else(
                || "closed".to_owned(),
                |entry| format!("opened again, entry {entry}"),
            ),
        ]);
    }
    table
}

fn proposals_table(proposals: &[Proposal]) -> Table {
    let mut table = Table::new([
        ("entry", Align::Right),
        ("proposal", Align::Left),
        ("", Align::Left),
        ("reason", Align::Left),
    ]);
    for one in proposals {
        let subject = match &one.subject {
            Subject::CloseYear { year, .. } => format!("close {year}"),
            Subject::Reopen { closing } => format!("open what entry {closing} closed"),
        };
        let outcome = match one.decided {
            Some((ProposalOutcome::Confirmed, _, entry)) => format!("confirmed, entry {entry}"),
            Some((ProposalOutcome::Rejected, _, entry)) => format!("rejected, entry {entry}"),
            None => "waits".to_owned(),
        };
        table.row([
            one.proposed_index.to_string(),
            subject,
            outcome,
            one.reason.to_string(),
        ]);
    }
    table
}

fn proposal_json(one: &Proposal) -> serde_json::Value {
    let (year, plan, closing) = match &one.subject {
        Subject::CloseYear { year, plan } => (Some(*year), serde_json::from_str(plan).ok(), None),
        Subject::Reopen { closing } => (None, None::<serde_json::Value>, Some(*closing)),
    };
    json!({
        "proposed_index": one.proposed_index,
        "year": year,
        "plan": plan,
        "closing_index": closing,
        "reason": one.reason,
        "proposed_by": one.proposed_by,
        "outcome": one.decided.map(|(outcome, ..)| outcome),
        "decided_by": one.decided.map(|(_, by, _)| by),
        "decided_index": one.decided.map(|(.., index)| index),
    })
}
