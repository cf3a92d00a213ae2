//! `contract …`: contracts of purchased services.

mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::Global;
use super::desk::{Desk, Sentences};
use super::rent::due_on;
use super::session::with_session;
use crate::contract::{
    self, ConfirmContract, ConfirmEnd, ContractRefusal, EndContract, ProposeContract,
    RejectContract, RejectEnd,
};
use crate::policy::Sha256;
use crate::types::{Code, ContractId, Day, DueOn, LogIndex, Name, Named, Reason};

pub(super) use self::show::contract_id;

/// Contracts.
#[derive(Debug, Subcommand)]
pub(super) enum ContractCommand {
    #[command(flatten)]
    Act(Action),
    /// List contracts, oldest first: what is reserved, and what was accepted
    #[command(
        after_help = "Examples:\n  subsidy-ledger contract list --state in-force\n  \
        subsidy-ledger contract list --provider 914403001922038216"
    )]
    List(show::ListArgs),
    /// Show a contract: its milestones, and the claims that have them
    #[command(after_help = "Example:\n  subsidy-ledger contract show K57")]
    Show {
        /// The contract: K and the number of its proposal, or its id
        contract: Named<ContractId>,
    },
}

/// What changes something.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Record a contract that was signed (a manager or finance); another person confirms it
    #[command(
        after_help = "Example:\n  subsidy-ledger contract propose BUY-2026 --provider 914403001922038216 \\\n    \
        --service 'training of 12 incubators' --reference ZB-2026-014 --signed-on 2026-03-02 --amount 300000.00 \\\n    \
        --milestone 2026-06-30=120000.00 --milestone 2026-11-30=180000.00 \\\n    \
        --document e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 --as manager\n\n\
        The programme is one of kind purchase. Milestones add up to the amount. Nothing is reserved before\n\
        `contract confirm` by another person."
    )]
    Propose(ProposeArgs),
    /// Confirm a contract, and reserve its amount (another manager or finance)
    #[command(
        after_help = "Example:\n  subsidy-ledger contract confirm K57 --as finance\n\n\
        The amount is reserved out of what the programme has free this year, and refused if that is less. The\n\
        provider then claims milestone by milestone: `claim draft BUY-2026 --milestone K57-1`."
    )]
    Confirm {
        /// The contract: K and the number of its proposal, or its id
        contract: Named<ContractId>,
    },
    /// Reject a contract that waits, or take it back
    #[command(
        after_help = "Example:\n  subsidy-ledger contract reject K57 --reason 'recorded twice' --as finance"
    )]
    Reject(ReasonArgs),
    /// Propose to end a contract early (a manager or finance)
    #[command(
        after_help = "Example:\n  subsidy-ledger contract end K57 --reason 'the provider gave up' --as manager\n\n\
        The entry of the proposal is what `contract confirm-end` names."
    )]
    End(ReasonArgs),
    /// Confirm that a contract ends (another manager or finance): what is reserved goes back
    #[command(
        after_help = "Example:\n  subsidy-ledger contract confirm-end K57 --proposal 71 --as finance\n\n\
        --proposal is the entry that you looked at (`contract show`). While a milestone is claimed, the claim is decided\n\
        on first."
    )]
    ConfirmEnd(ConfirmEndArgs),
    /// Reject a proposal to end a contract, or take it back
    #[command(
        after_help = "Example:\n  subsidy-ledger contract reject-end K57 --proposal 71 --reason 'it goes on' --as finance"
    )]
    RejectEnd(RejectEndArgs),
}

#[derive(Debug, Args)]
pub(super) struct ProposeArgs {
    /// The programme that pays, of kind purchase
    programme: Code,
    /// Who delivers: unified social credit code, or id
    #[arg(long)]
    provider: String,
    /// What is bought
    #[arg(long)]
    service: Reason,
    /// The contract's number
    #[arg(long)]
    reference: Name,
    /// The day on which it was signed
    #[arg(long, value_name = "DAY")]
    signed_on: Day,
    /// How much
    #[arg(long)]
    amount: String,
    /// A milestone: the day by which it is due, and its part of the amount; in the order of their days
    #[arg(long = "milestone", value_name = "DAY=AMOUNT", value_parser = due_on, required = true)]
    milestones: Vec<DueOn>,
    /// SHA-256 of a document, such as the contract itself
    #[arg(long = "document", value_name = "SHA256")]
    documents: Vec<Sha256>,
}

#[derive(Debug, Args)]
pub(super) struct ReasonArgs {
    /// The contract: K and the number of its proposal, or its id
    contract: Named<ContractId>,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(super) struct ConfirmEndArgs {
    /// The contract: K and the number of its proposal, or its id
    contract: Named<ContractId>,
    /// The entry of the proposal that you looked at
    #[arg(long, value_name = "ENTRY")]
    proposal: LogIndex,
}

#[derive(Debug, Args)]
pub(super) struct RejectEndArgs {
    /// The contract: K and the number of its proposal, or its id
    contract: Named<ContractId>,
    /// The entry of the proposal
    #[arg(long, value_name = "ENTRY")]
    proposal: LogIndex,
    /// Why
    #[arg(long)]
    reason: Reason,
}

pub(super) async fn run(global: &Global, command: ContractCommand) -> anyhow::Result<ExitCode> {
    match command {
        ContractCommand::List(args) => show::list(global, args).await,
        ContractCommand::Show { contract } => show::show(global, contract).await,
        ContractCommand::Act(action) => {
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
        Action::Confirm { contract } => {
            let contract = named(desk, contract).await?;
            desk.one(ConfirmContract { contract }, |conn, requests| {
                Box::pin(contract::confirm(conn, requests))
            })
            .await
        }
        Action::Reject(ReasonArgs { contract, reason }) => {
            let contract = named(desk, contract).await?;
            desk.one(RejectContract { contract, reason }, |conn, requests| {
                Box::pin(contract::reject(conn, requests))
            })
            .await
        }
        Action::End(ReasonArgs { contract, reason }) => {
            let contract = named(desk, contract).await?;
            desk.one(EndContract { contract, reason }, |conn, requests| {
                Box::pin(contract::end(conn, requests))
            })
            .await
        }
        Action::ConfirmEnd(args) => {
            let input = ConfirmEnd {
                contract: named(desk, args.contract).await?,
                proposed_index: args.proposal,
            };
            desk.one(input, |conn, requests| {
                Box::pin(contract::confirm_end(conn, requests))
            })
            .await
        }
        Action::RejectEnd(args) => {
            let input = RejectEnd {
                contract: named(desk, args.contract).await?,
                proposed_index: args.proposal,
                reason: args.reason,
            };
            desk.one(input, |conn, requests| {
                Box::pin(contract::reject_end(conn, requests))
            })
            .await
        }
    }
}

async fn propose(desk: &Desk<'_>, args: ProposeArgs) -> anyhow::Result<ExitCode> {
    let input = ProposeContract {
        amount: args.amount,
        documents: args.documents,
        milestones: args.milestones,
        programme: args.programme,
        provider: desk.party(&args.provider).await?,
        reference: args.reference,
        service: args.service,
        signed_on: args.signed_on.date(),
    };
    desk.one(input, |conn, requests| {
        Box::pin(contract::propose(conn, requests))
    })
    .await
}

/// The id of a contract, as somebody names it.
async fn named(desk: &Desk<'_>, named: Named<ContractId>) -> anyhow::Result<ContractId> {
    let look_up = contract_id(desk.session, &desk.caller.zone, named);
    desk.find(named, look_up).await
}

/// What a refusal tells a person.
fn sentences(code: Value) -> Option<Sentences> {
    let refusal = serde_json::from_value::<ContractRefusal>(code).ok()?;
    Some(refusal.sentences())
}
