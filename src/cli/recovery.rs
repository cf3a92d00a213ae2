//! `recovery …`: money back.

mod show;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::Global;
use super::desk::{Desk, Sentences};
use super::payment::payable_ids;
use super::rent::due_on;
use super::session::with_session;
use super::voucher::facts;
use crate::payment::BankLineId;
use crate::recovery::{
    self, ApproveWriteOff, Cause, DUE_DAYS, MOST_DUE_DAYS, OffsetRecovery, OrderRecovery,
    PlanRecovery, ProposeRecovery, ProposeWriteOff, ReceiveRecovery, RecoveryRefusal,
    RejectRecovery, RejectWriteOff, VoidRecovery,
};
use crate::types::{Day, DueOn, LogIndex, Named, PayableId, Reason, RecoveryId, Schedule};

/// Recoveries.
#[derive(Debug, Subcommand)]
pub(super) enum RecoveryCommand {
    #[command(flatten)]
    Act(Action),
    /// List recoveries, oldest first: what is open, when it is due, what is late
    #[command(
        after_help = "Examples:\n  subsidy-ledger recovery list --state open\n  \
        subsidy-ledger recovery list --party 91000000MA0000277Y"
    )]
    List(show::ListArgs),
    /// Show a recovery: its amount, plan and settlements
    #[command(after_help = "Example:\n  subsidy-ledger recovery show Z57\n\n\
        Of what was defrauded or misused, the range of the fine that the law provides is shown as information for the\n\
        authority that decides on it. It is never posted.")]
    Show {
        /// The recovery: Z and the number of its proposal, or its id
        recovery: Named<RecoveryId>,
    },
    /// What was ordered, received, offset, written off and is open, by the programme and year that paid
    #[command(after_help = "Example:\n  subsidy-ledger recovery totals")]
    Totals,
}

/// What changes something.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Propose to ask back what was paid (a reviewer, manager or finance)
    #[command(
        after_help = "Examples:\n  subsidy-ledger recovery propose D41 --cause overpaid --fact service_price=180000.00 \\\n    \
        --reason 'the bill was corrected' --as reviewer\n  \
        subsidy-ledger recovery propose D41 --cause defrauded --whole --reason 'no service was delivered' --as reviewer\n\n\
        With facts, the very rules that decided are asked again: what is right by them stays with the payee. Another\n\
        person orders it: `recovery order`."
    )]
    Propose(ProposeArgs),
    /// Order a proposed recovery (a manager or finance, who did not propose it nor had a hand in what was paid)
    #[command(
        after_help = "Example:\n  subsidy-ledger recovery order Z57 --due-days 30 --as manager"
    )]
    Order(OrderArgs),
    /// Reject a proposed recovery, or take it back
    #[command(
        after_help = "Example:\n  subsidy-ledger recovery reject Z57 --reason 'the bill is right' --as manager"
    )]
    Reject(ReasonArgs),
    /// Take an order back of which nothing came in yet (another person than who ordered)
    #[command(
        after_help = "Example:\n  subsidy-ledger recovery void Z57 --reason 'wrong payee' --as manager2"
    )]
    Void(ReasonArgs),
    /// Say that a line of the bank's statement pays a recovery back (cashier)
    #[command(
        after_help = "Example:\n  subsidy-ledger recovery receive Z57 --line S120-3 --as cashier\n\n\
        `payment unmatched` lists lines that are nothing of the books yet. A line is one receipt, so all of it has to\n\
        be open; it may be a part of what is."
    )]
    Receive(ReceiveArgs),
    /// Offset a recovery against what the same party is owed (finance or cashier)
    #[command(
        after_help = "Examples:\n  subsidy-ledger recovery offset Z57 --against D61 --as finance2\n  \
        subsidy-ledger recovery offset Z57 --against D61 --amount 5000.00 --as finance2\n\n\
        The payable has to be approved for payment and in no batch. Whoever had a hand in it, or ordered the\n\
        recovery, can't offset them. The bank pays what is left of the payable."
    )]
    Offset(OffsetArgs),
    /// Plan the instalments by which a recovery is paid (finance)
    #[command(
        after_help = "Examples:\n  subsidy-ledger recovery plan Z57 --instalments 6 --first 2026-04-30 --as finance\n  \
        subsidy-ledger recovery plan Z57 --due 2026-04-30=20000.00 --due 2026-09-30=18000.00 --as finance\n\n\
        They add up to what is open, and take the place of a plan before."
    )]
    Plan(PlanArgs),
    /// Propose to write off what is open (finance)
    #[command(
        after_help = "Example:\n  subsidy-ledger recovery write-off Z57 --reason 'dissolved, court order 2026-118' --as finance\n\n\
        The entry of the proposal is what `recovery approve-write-off` names."
    )]
    WriteOff(ReasonArgs),
    /// Approve a proposed write-off (a manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger recovery approve-write-off Z57 --proposal 71 --as manager\n\n\
        --proposal is the entry that you looked at (`recovery show`): if something came in since, nothing is written off."
    )]
    ApproveWriteOff(ApproveWriteOffArgs),
    /// Reject a proposed write-off, or take it back
    #[command(
        after_help = "Example:\n  subsidy-ledger recovery reject-write-off Z57 --proposal 71 --reason 'it has assets' --as manager"
    )]
    RejectWriteOff(RejectWriteOffArgs),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum CauseArg {
    /// More was paid than is right
    Overpaid,
    /// The payee was not eligible
    Ineligible,
    /// It was used for something else
    Misused,
    /// It was got by deceit
    Defrauded,
    /// Something else, which the reason says
    Other,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("right").required(true).args(["facts", "whole"])))]
pub(super) struct ProposeArgs {
    /// What was paid: D and the number of the entry that made it owed, or its id
    payable: Named<PayableId>,
    /// Why, as a kind
    #[arg(long, value_enum)]
    cause: CauseArg,
    /// A fact as it was, as name=value; docs/facts.md lists them
    #[arg(long = "fact", value_name = "NAME=VALUE")]
    facts: Vec<String>,
    /// All that was paid
    #[arg(long)]
    whole: bool,
    /// Why, in words
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(super) struct OrderArgs {
    /// The recovery: Z and the number of its proposal, or its id
    recovery: Named<RecoveryId>,
    /// Calendar days to pay
    #[arg(long, default_value_t = DUE_DAYS, value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_DUE_DAYS)))]
    due_days: u16,
}

#[derive(Debug, Args)]
pub(super) struct ReasonArgs {
    /// The recovery: Z and the number of its proposal, or its id
    recovery: Named<RecoveryId>,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(super) struct ReceiveArgs {
    /// The recovery: Z and the number of its proposal, or its id
    recovery: Named<RecoveryId>,
    /// The line, as `payment unmatched` writes it
    #[arg(long)]
    line: BankLineId,
}

#[derive(Debug, Args)]
pub(super) struct OffsetArgs {
    /// The recovery: Z and the number of its proposal, or its id
    recovery: Named<RecoveryId>,
    /// What the party is owed: D and the number of the entry that made it owed, or its id
    #[arg(long, value_name = "PAYABLE")]
    against: Named<PayableId>,
    /// How much [default: as much as both have left]
    #[arg(long)]
    amount: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The recovery: Z and the number of its proposal, or its id
    recovery: Named<RecoveryId>,
    /// How many equal instalments, month by month
    #[arg(long, value_name = "NUMBER", requires = "first", required_unless_present = "due",
        value_parser = clap::value_parser!(u8).range(1..=120))]
    instalments: Option<u8>,
    /// Day of the first of them
    #[arg(long, value_name = "DAY", requires = "instalments")]
    first: Option<Day>,
    /// An instalment as agreed; several in the order of their days
    #[arg(long, value_name = "DAY=AMOUNT", value_parser = due_on, conflicts_with = "instalments")]
    due: Vec<DueOn>,
}

#[derive(Debug, Args)]
pub(super) struct ApproveWriteOffArgs {
    /// The recovery: Z and the number of its proposal, or its id
    recovery: Named<RecoveryId>,
    /// The entry of the proposal that you looked at
    #[arg(long, value_name = "ENTRY")]
    proposal: LogIndex,
}

#[derive(Debug, Args)]
pub(super) struct RejectWriteOffArgs {
    /// The recovery: Z and the number of its proposal, or its id
    recovery: Named<RecoveryId>,
    /// The entry of the proposal
    #[arg(long, value_name = "ENTRY")]
    proposal: LogIndex,
    /// Why
    #[arg(long)]
    reason: Reason,
}

pub(super) async fn run(global: &Global, command: RecoveryCommand) -> anyhow::Result<ExitCode> {
    match command {
        RecoveryCommand::List(args) => show::list(global, args).await,
        RecoveryCommand::Show { recovery } => show::show(global, recovery).await,
        RecoveryCommand::Totals => show::totals(global).await,
        RecoveryCommand::Act(action) => {
            with_session(global, async |session| {
                let caller = session.caller(global).await?;
                let desk = Desk::new(global, session, caller, sentences);
                act(&desk, action).await
            })
            .await
        }
    }
}

/// Runs one action, and prints its answer.
async fn act(desk: &Desk<'_>, action: Action) -> anyhow::Result<ExitCode> {
    match action {
        Action::Propose(args) => propose(desk, args).await,
        Action::Order(OrderArgs { recovery, due_days }) => {
            let recovery = recovery_id(desk, recovery).await?;
            let input = OrderRecovery { due_days, recovery };
            desk.one(input, |conn, requests| {
                Box::pin(recovery::order(conn, requests))
            })
            .await
        }
        Action::Reject(ReasonArgs { recovery, reason }) => {
            let recovery = recovery_id(desk, recovery).await?;
            desk.one(RejectRecovery { reason, recovery }, |conn, requests| {
                Box::pin(recovery::reject(conn, requests))
            })
            .await
        }
        Action::Void(ReasonArgs { recovery, reason }) => {
            let recovery = recovery_id(desk, recovery).await?;
            desk.one(VoidRecovery { reason, recovery }, |conn, requests| {
                Box::pin(recovery::void(conn, requests))
            })
            .await
        }
        Action::Receive(ReceiveArgs { recovery, line }) => {
            let input = ReceiveRecovery {
                bank_line: line,
                recovery: recovery_id(desk, recovery).await?,
            };
            desk.one(input, |conn, requests| {
                Box::pin(recovery::receive(conn, requests))
            })
            .await
        }
        Action::Offset(args) => offset(desk, args).await,
        Action::Plan(args) => plan(desk, args).await,
        Action::WriteOff(ReasonArgs { recovery, reason }) => {
            let recovery = recovery_id(desk, recovery).await?;
            desk.one(ProposeWriteOff { reason, recovery }, |conn, requests| {
                Box::pin(recovery::propose_write_off(conn, requests))
            })
            .await
        }
        Action::ApproveWriteOff(args) => approve_write_off(desk, args).await,
        Action::RejectWriteOff(args) => reject_write_off(desk, args).await,
    }
}

async fn propose(desk: &Desk<'_>, args: ProposeArgs) -> anyhow::Result<ExitCode> {
    let stated = facts(
        &args.facts,
        desk.caller.zone.currency,
        desk.caller.command().today(),
    )?;
    let input = ProposeRecovery {
        cause: match args.cause {
            CauseArg::Overpaid => Cause::Overpaid,
            CauseArg::Ineligible => Cause::Ineligible,
            CauseArg::Misused => Cause::Misused,
            CauseArg::Defrauded => Cause::Defrauded,
            CauseArg::Other => Cause::Other,
        },
        facts: (!args.whole).then_some(stated),
        payable: payable_id(desk, args.payable).await?,
        reason: args.reason,
    };
    desk.one(input, |conn, requests| {
        Box::pin(recovery::propose(conn, requests))
    })
    .await
}

async fn offset(desk: &Desk<'_>, args: OffsetArgs) -> anyhow::Result<ExitCode> {
    let input = OffsetRecovery {
        amount: args.amount,
        payable: payable_id(desk, args.against).await?,
        recovery: recovery_id(desk, args.recovery).await?,
    };
    desk.one(input, |conn, requests| {
        Box::pin(recovery::offset(conn, requests))
    })
    .await
}

async fn plan(desk: &Desk<'_>, args: PlanArgs) -> anyhow::Result<ExitCode> {
    let schedule = match (args.instalments, args.first) {
        (Some(count), Some(first)) => Schedule::Months {
            count,
            first: first.date(),
        },
        (_, _) => Schedule::Days {
            instalments: args.due,
        },
    };
    let input = PlanRecovery {
        recovery: recovery_id(desk, args.recovery).await?,
        schedule,
    };
    desk.one(input, |conn, requests| {
        Box::pin(recovery::plan(conn, requests))
    })
    .await
}

async fn approve_write_off(desk: &Desk<'_>, args: ApproveWriteOffArgs) -> anyhow::Result<ExitCode> {
    let input = ApproveWriteOff {
        proposed_index: args.proposal,
        recovery: recovery_id(desk, args.recovery).await?,
    };
    desk.one(input, |conn, requests| {
        Box::pin(recovery::approve_write_off(conn, requests))
    })
    .await
}

async fn reject_write_off(desk: &Desk<'_>, args: RejectWriteOffArgs) -> anyhow::Result<ExitCode> {
    let input = RejectWriteOff {
        proposed_index: args.proposal,
        reason: args.reason,
        recovery: recovery_id(desk, args.recovery).await?,
    };
    desk.one(input, |conn, requests| {
        Box::pin(recovery::reject_write_off(conn, requests))
    })
    .await
}

/// The id of a payable, as somebody names it.
async fn payable_id(desk: &Desk<'_>, named: Named<PayableId>) -> anyhow::Result<PayableId> {
    let ids = payable_ids(desk.session, &desk.caller.zone, &[named]).await?;
    let id = ids
        .first()
        .copied()
        .context("BUG: one payable has one id")?;
    desk.find(named, async { Ok(id) }).await
}

/// The id of a recovery, as somebody names it.
async fn recovery_id(desk: &Desk<'_>, named: Named<RecoveryId>) -> anyhow::Result<RecoveryId> {
    let look_up = show::recovery_id(desk.session, &desk.caller.zone, named);
    desk.find(named, look_up).await
}

/// What a refusal tells a person.
fn sentences(code: Value) -> Option<Sentences> {
    let refusal = serde_json::from_value::<RecoveryRefusal>(code).ok()?;
    Some(refusal.sentences())
}
