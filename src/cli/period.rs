//! `period close`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::session::with_session;
use super::{Global, output};
use crate::accounting::{self, ClosePeriod};
use crate::types::{Day, Period, Reason};

/// Periods of the books.
#[derive(Debug, Subcommand)]
pub(super) enum PeriodCommand {
    /// Close a period that is over: it takes adjusting entries only, and stays closed (finance)
    #[command(
        after_help = "Example:\n  subsidy-ledger period close 2025-01-01 2026-01-01 \
        --reason '年度结账' --as finance"
    )]
    Close(CloseArgs),
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

pub(super) async fn run(global: &Global, command: PeriodCommand) -> anyhow::Result<ExitCode> {
    match command {
        PeriodCommand::Close(args) => close(global, args).await,
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
