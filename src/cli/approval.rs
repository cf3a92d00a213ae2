//! `approval …`: who approves which amounts, who stays out, who acts for whom.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::desk::party_id;
use super::session::{Session, with_session};
use super::{Global, output};
use crate::approval::{self, Delegate, Levels, Recuse};
use crate::identity::{Login, Role};
use crate::types::{LogIndex, Reason, Zone};

/// Approvals.
#[derive(Debug, Subcommand)]
pub(super) enum ApprovalCommand {
    /// Show which duties approve claims of which amounts, and what was proposed
    #[command(after_help = "Example:\n  subsidy-ledger approval levels")]
    Levels,
    /// Propose which duties approve claims of which amounts (a rule administrator or manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger approval propose --level 0.00=manager \\\n    \
        --level 300000.00=manager,finance --as rules\n\n\
        Each level begins with its amount. The duties approve in their order, each another person. Another person\n\
        puts it in force: `approval confirm`."
    )]
    Propose {
        /// An amount from which on, and the duties that approve, as 300000.00=manager,finance
        #[arg(long = "level", value_name = "AMOUNT=DUTIES", required = true)]
        levels: Vec<String>,
    },
    /// Put proposed levels in force (a manager; another person than the proposer)
    #[command(after_help = "Example:\n  subsidy-ledger approval confirm 41 --as manager")]
    Confirm {
        /// The entry that proposed them
        entry: LogIndex,
    },
    /// Stay out of a party's cases, or, as a manager, have another stay out
    #[command(
        after_help = "Example:\n  subsidy-ledger approval recuse --party 91000000MA0000277Y --reason 'a relative works there' \\\n    \
        --as reviewer"
    )]
    Recuse(RecuseArgs),
    /// Lift a recusal (a manager; not one's own)
    #[command(
        after_help = "Example:\n  subsidy-ledger approval lift 52 --reason 'moved away' --as manager"
    )]
    Lift {
        /// The entry that declared it
        entry: LogIndex,
        /// Why
        #[arg(long)]
        reason: Reason,
    },
    /// List recusals that hold
    #[command(after_help = "Example:\n  subsidy-ledger approval recusals")]
    Recusals,
    /// Have another do one's duty for some days
    #[command(
        after_help = "Example:\n  subsidy-ledger approval delegate --role manager --to manager2 --from 2020-08-01 \\\n    \
        --until 2020-08-14 --as manager\n\n\
        Whoever acts for another counts as both: neither has had a hand in the case before."
    )]
    Delegate(DelegateArgs),
    /// End a delegation early (whoever gave it, or a manager)
    #[command(after_help = "Example:\n  subsidy-ledger approval revoke 60 --as manager")]
    Revoke {
        /// The entry that gave it
        entry: LogIndex,
    },
    /// List delegations that have not ended
    #[command(after_help = "Example:\n  subsidy-ledger approval delegations")]
    Delegations,
}

#[derive(Debug, Args)]
pub(super) struct RecuseArgs {
    /// Of whose cases: unified social credit code, or id
    #[arg(long)]
    party: String,
    /// Who stays out, if not whoever acts
    #[arg(long)]
    person: Option<Login>,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Duty {
    Manager,
    Finance,
}

#[derive(Debug, Args)]
pub(super) struct DelegateArgs {
    /// The duty
    #[arg(long, value_enum)]
    role: Duty,
    /// Who does it meanwhile
    #[arg(long)]
    to: Login,
    /// First day
    #[arg(long)]
    from: NaiveDate,
    /// Last day
    #[arg(long)]
    until: NaiveDate,
}

pub(super) async fn run(global: &Global, command: ApprovalCommand) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| match command {
        ApprovalCommand::Levels => levels(global, session).await,
        ApprovalCommand::Propose { levels } => propose(global, session, &levels).await,
        ApprovalCommand::Confirm { entry } => confirm(global, session, entry).await,
        ApprovalCommand::Recuse(args) => recuse(global, session, args).await,
        ApprovalCommand::Lift { entry, reason } => lift(global, session, entry, reason).await,
        ApprovalCommand::Recusals => recusals(global, session).await,
        ApprovalCommand::Delegate(args) => delegate(global, session, args).await,
        ApprovalCommand::Revoke { entry } => revoke(global, session, entry).await,
        ApprovalCommand::Delegations => delegations(global, session).await,
    })
    .await
}

/// A set of levels as it is shown.
#[derive(Serialize)]
struct LevelsLine {
    confirmed_by_entry: Option<LogIndex>,
    in_force: bool,
    levels: Vec<String>,
    proposed_by_entry: Option<LogIndex>,
}

async fn levels(global: &Global, session: &Session) -> anyhow::Result<ExitCode> {
    let zone = session.zone(global).await?;
    let input = (zone.id, zone.currency);
    let sets = session
        .database
        .read(zone.id, input, |conn, (zone, currency)| {
            Box::pin(approval::levels_sets(conn, *zone, *currency))
        })
        .await?;
    let in_force = sets.iter().filter_map(|set| set.confirmed_index).max();
    let text = |levels: &Levels| levels.to_string().lines().map(str::to_owned).collect();
    let mut lines: Vec<LevelsLine> = sets
        .iter()
        .map(|set| LevelsLine {
            confirmed_by_entry: set.confirmed_index,
            in_force: set.confirmed_index.is_some() && set.confirmed_index == in_force,
            levels: text(&set.levels),
            proposed_by_entry: Some(set.proposed_index),
        })
        .collect();
    if in_force.is_none() {
        lines.push(LevelsLine {
            confirmed_by_entry: None,
            in_force: true,
            levels: text(&Levels::one_manager(zone.currency)),
            proposed_by_entry: None,
        });
    }
    if global.json {
        output::json(&lines)?;
        return Ok(ExitCode::SUCCESS);
    }
    for line in lines {
        let origin = match (line.proposed_by_entry, line.confirmed_by_entry) {
            (Some(proposed), Some(confirmed)) => {
                format!("proposed by entry {proposed}, confirmed by entry {confirmed}")
            }
            (Some(proposed), None) => {
                format!("proposed by entry {proposed}, waits for `approval confirm {proposed}`")
            }
            (None, _) => "as long as none were confirmed".to_owned(),
        };
        let now = if line.in_force { "in force, " } else { "" };
        output::line(&format!("{now}{origin}:"))?;
        for level in line.levels {
            let (from, duties) = level.split_once('=').unwrap_or((level.as_str(), ""));
            let duties = duties.replace(',', ", then ");
            output::line(&format!("  from {:>16}: {duties}", output::grouped(from)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn propose(
    global: &Global,
    session: &Session,
    levels: &[String],
) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let levels = Levels::parse(levels, caller.zone.currency)?;
    let proposed = session.command(&caller, levels, |conn, command, levels| {
        Box::pin(async move { approval::propose_levels(conn, &command, levels).await })
    });
    output::recorded(global.json, "Levels proposed", proposed.await?)
}

async fn confirm(global: &Global, session: &Session, entry: LogIndex) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let confirmed = session.command(&caller, entry, |conn, command, entry| {
        Box::pin(async move { approval::confirm_levels(conn, &command, *entry).await })
    });
    output::recorded(global.json, "Levels in force", confirmed.await?)
}

async fn recuse(global: &Global, session: &Session, args: RecuseArgs) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let person = match args.person {
        None => caller.actor.person,
        Some(login) => session.actor(&caller.zone, login).await?.person,
    };
    let input = Recuse {
        party: party_id(session, &caller.zone, &args.party).await?,
        person,
        reason: args.reason,
    };
    let recused = session.command(&caller, input, |conn, command, input| {
        Box::pin(async move { approval::recuse(conn, &command, input).await })
    });
    output::recorded(global.json, "Recused", recused.await?)
}

async fn lift(
    global: &Global,
    session: &Session,
    entry: LogIndex,
    reason: Reason,
) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let input = (entry, reason);
    let lifted = session.command(&caller, input, |conn, command, (entry, reason)| {
        Box::pin(async move { approval::lift(conn, &command, *entry, reason).await })
    });
    output::recorded(global.json, "Recusal lifted", lifted.await?)
}

async fn recusals(global: &Global, session: &Session) -> anyhow::Result<ExitCode> {
    let zone = session.zone(global).await?;
    let found = session
        .database
        .read(zone.id, zone.id, |conn, zone| {
            Box::pin(approval::recusals(conn, *zone))
        })
        .await?;
    if global.json {
        output::json(&found)?;
    } else if found.is_empty() {
        output::line("Nobody is recused.")?;
    } else {
        for one in found {
            output::line(&format!(
                "entry {:<8} {} stays out of cases of {}",
                one.index, one.person, one.party_name
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn delegate(
    global: &Global,
    session: &Session,
    args: DelegateArgs,
) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let to = session.actor(&caller.zone, args.to).await?;
    let input = Delegate {
        delegate: to.person,
        first_day: args.from,
        last_day: args.until,
        role: match args.role {
            Duty::Manager => Role::Manager,
            Duty::Finance => Role::Finance,
        },
    };
    let given = session.command(&caller, (to, input), |conn, command, (to, input)| {
        Box::pin(async move { approval::delegate(conn, &command, to, input).await })
    });
    output::recorded(global.json, "Delegated", given.await?)
}

async fn revoke(global: &Global, session: &Session, entry: LogIndex) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let revoked = session.command(&caller, entry, |conn, command, entry| {
        Box::pin(async move { approval::revoke(conn, &command, *entry).await })
    });
    output::recorded(global.json, "Delegation revoked", revoked.await?)
}

async fn delegations(global: &Global, session: &Session) -> anyhow::Result<ExitCode> {
    let zone: Zone = session.zone(global).await?;
    let today = zone.time.day(global.clock().now());
    let found = session
        .database
        .read(zone.id, (zone.id, today), |conn, (zone, today)| {
            Box::pin(approval::delegations(conn, *zone, *today))
        })
        .await
        .context("delegations")?;
    if global.json {
        output::json(&found)?;
    } else if found.is_empty() {
        output::line("No duty is delegated.")?;
    } else {
        for one in found {
            output::line(&format!(
                "entry {:<8} {} acts as {} for {}, {} to {}",
                one.index, one.delegate, one.role, one.principal, one.first_day, one.last_day
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
