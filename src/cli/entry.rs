//! `entry reverse`.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::session::with_session;
use super::{Global, output};
use crate::accounting::{self, Reverse};
use crate::types::{LogIndex, Reason};

/// Entries of the log.
#[derive(Debug, Subcommand)]
pub(super) enum EntryCommand {
    /// Undo an appropriation or allocation by an entry the other way (finance)
    #[command(
        after_help = "Example:\n  subsidy-ledger entry reverse 29 --reason 'allocated to the wrong \
        programme' --as finance\n\nBoth entries stay, and an entry is reversed once. Other kinds of entries \
        are undone by commands\nof their own; the refusal names them."
    )]
    Reverse(ReverseArgs),
}

#[derive(Debug, Args)]
pub(super) struct ReverseArgs {
    /// Number of the entry
    #[arg(value_parser = clap::value_parser!(i64).range(0..))]
    index: i64,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: Reason,
}

pub(super) async fn run(global: &Global, command: EntryCommand) -> anyhow::Result<ExitCode> {
    match command {
        EntryCommand::Reverse(args) => reverse(global, args).await,
    }
}

async fn reverse(global: &Global, args: ReverseArgs) -> anyhow::Result<ExitCode> {
    let input = Reverse {
        index: LogIndex(args.index),
        reason: args.reason,
    };
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let recorded = session
            .command(&caller, input, |conn, command, input| {
                Box::pin(async move { accounting::reverse(conn, &command, input).await })
            })
            .await?;
        let what = format!("Entry {} is reversed", args.index);
        output::recorded(global.json, &what, recorded)
    })
    .await
}
