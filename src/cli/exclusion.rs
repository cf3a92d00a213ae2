//! `exclusion …`: parties that get nothing new for some days.

use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::Value;

use super::desk::{Desk, Sentences, party_id};
use super::session::with_session;
use super::{Global, output};
use crate::exclusion::{
    self, ConfirmExclusion, Exclude, ExclusionFilter, ExclusionRefusal, ExclusionRow,
    LiftExclusion, RejectExclusion,
};
use crate::types::{Day, LogIndex, PartyId, Reason};

/// Exclusions.
#[derive(Debug, Subcommand)]
pub(super) enum ExclusionCommand {
    #[command(flatten)]
    Act(Action),
    /// List exclusions, oldest first
    #[command(after_help = "Examples:\n  subsidy-ledger exclusion list\n  \
        subsidy-ledger exclusion list --party 91000000MA0000277Y")]
    List(ListArgs),
}

/// What changes something.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Propose to exclude a party from programmes (a reviewer, manager or finance)
    #[command(
        after_help = "Example:\n  subsidy-ledger exclusion propose 91000000MA0000277Y --from 2026-04-01 --until 2029-03-31 \\\n    \
        --reason 'defrauded, recovery Z57' --as reviewer\n\n\
        Once another person confirms it, claims of the party are not submitted, recommended or approved on these days,\n\
        and vouchers not issued or ordered with. What was granted is redeemed and paid."
    )]
    Propose(ProposeArgs),
    /// Confirm a proposed exclusion (a manager or finance, who did not propose it)
    #[command(after_help = "Example:\n  subsidy-ledger exclusion confirm 71 --as manager")]
    Confirm {
        /// The entry of the proposal
        proposal: LogIndex,
    },
    /// Reject a proposed exclusion, or take it back
    #[command(
        after_help = "Example:\n  subsidy-ledger exclusion reject 71 --reason 'another party' --as manager"
    )]
    Reject(ReasonArgs),
    /// End an exclusion before its last day (another person than who confirmed it)
    #[command(
        after_help = "Example:\n  subsidy-ledger exclusion lift 71 --reason 'the court decided otherwise' --as manager2"
    )]
    Lift(ReasonArgs),
}

#[derive(Debug, Args)]
pub(super) struct ProposeArgs {
    /// The party: unified social credit code, or id
    party: String,
    /// First day
    #[arg(long, value_name = "DAY")]
    from: Day,
    /// Last day
    #[arg(long, value_name = "DAY")]
    until: Day,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(super) struct ReasonArgs {
    /// The entry of the proposal
    proposal: LogIndex,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only of this party: unified social credit code, or id
    #[arg(long)]
    party: Option<String>,
    /// Only those after this one: the number of the last of the page before
    #[arg(long, value_name = "NUMBER")]
    after: Option<LogIndex>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

pub(super) async fn run(global: &Global, command: ExclusionCommand) -> anyhow::Result<ExitCode> {
    match command {
        ExclusionCommand::List(args) => list(global, args).await,
        ExclusionCommand::Act(action) => {
            with_session(global, async |session| {
                let caller = session.caller(global).await?;
                let desk = Desk::new(global, session, caller, sentences);
                act(&desk, action).await
            })
            .await
        }
    }
}

async fn act(desk: &Desk<'_>, action: Action) -> anyhow::Result<ExitCode> {
    match action {
        Action::Propose(args) => {
            let input = Exclude {
                first_day: args.from.date(),
                last_day: args.until.date(),
                party: desk.party(&args.party).await?,
                reason: args.reason,
            };
            desk.one(input, |conn, requests| {
                Box::pin(exclusion::exclude(conn, requests))
            })
            .await
        }
        Action::Confirm { proposal } => {
            let input = ConfirmExclusion {
                proposed_index: proposal,
            };
            desk.one(input, |conn, requests| {
                Box::pin(exclusion::confirm(conn, requests))
            })
            .await
        }
        Action::Reject(ReasonArgs { proposal, reason }) => {
            let input = RejectExclusion {
                proposed_index: proposal,
                reason,
            };
            desk.one(input, |conn, requests| {
                Box::pin(exclusion::reject(conn, requests))
            })
            .await
        }
        Action::Lift(ReasonArgs { proposal, reason }) => {
            let input = LiftExclusion {
                proposed_index: proposal,
                reason,
            };
            desk.one(input, |conn, requests| {
                Box::pin(exclusion::lift(conn, requests))
            })
            .await
        }
    }
}

/// An exclusion in a list.
#[derive(Serialize)]
struct ExclusionLine {
    first_day: NaiveDate,
    last_day: NaiveDate,
    lifted: Option<LogIndex>,
    outcome: Option<String>,
    party: PartyId,
    party_name: String,
    proposal: LogIndex,
    reason: String,
}

impl From<ExclusionRow> for ExclusionLine {
    fn from(row: ExclusionRow) -> Self {
        Self {
            first_day: row.first_day,
            last_day: row.last_day,
            lifted: row.lifted_index,
            outcome: row.outcome,
            party: row.party,
            party_name: row.party_name,
            proposal: row.proposed_index,
            reason: row.reason,
        }
    }
}

impl ExclusionLine {
    fn print(&self) -> std::io::Result<()> {
        let state = match (&self.lifted, self.outcome.as_deref()) {
            (Some(entry), _) => format!("lifted, entry {entry}"),
            (None, Some(outcome)) => outcome.to_owned(),
            (None, None) => "waits for another person".to_owned(),
        };
        output::line(&format!(
            "{:<8} {} to {}  {state}  {}  {}",
            self.proposal, self.first_day, self.last_day, self.party_name, self.reason
        ))
    }
}

async fn list(global: &Global, args: ListArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let party = match &args.party {
            None => None,
            Some(party) => Some(party_id(session, &zone, party).await?),
        };
        let filter = ExclusionFilter {
            party,
            after: args.after,
        };
        let input = (zone.id, filter, args.limit);
        let rows = session
            .database
            .read(zone.id, input, |conn, (zone, filter, limit)| {
                Box::pin(exclusion::exclusions(conn, *zone, filter, *limit))
            })
            .await?;
        output::at_limit(rows.len(), args.limit);
        let lines: Vec<ExclusionLine> = rows.into_iter().map(ExclusionLine::from).collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("No party is excluded.")?;
        } else {
            for line in &lines {
                line.print()?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// What a refusal tells a person.
fn sentences(code: Value) -> Option<Sentences> {
    let refusal = serde_json::from_value::<ExclusionRefusal>(code).ok()?;
    Some(refusal.sentences())
}
