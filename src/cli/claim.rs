//! `claim …`: from a draft to what is owed.

mod notice;
mod rank;
mod show;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::Global;
use super::contract::contract_id;
use super::desk::{Desk, Sentences};
use super::rent::named_waiver;
use super::session::with_session;
use super::voucher::facts;
use crate::claim::{
    self, Approve, Content, Decline, Document, Draft, Line, Objection, ReliefAsked, Review, Revise,
    Revoke, Submit, Turn, Verdict, Withdraw,
};
use crate::contract::{MilestoneId, MilestoneName};
use crate::policy::{Fact, Facts, Source, Stated};
use crate::types::{ClaimId, Code, Day, LogIndex, Named, NoticeId, Reason, WaiverId, excerpt};

/// Claims.
#[derive(Debug, Subcommand)]
pub(super) enum ClaimCommand {
    #[command(flatten)]
    Act(Action),
    /// Public notices of recommended claims
    #[command(subcommand)]
    Notice(notice::NoticeCommand),
    /// Close the year's round of a programme that ranks claims or shares its budget (a manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger claim rank SHENZHEN-RENT --as manager\n\n\
        Every recommended claim takes part, after its notice, and none may be with a reviewer any more. Nothing is\n\
        approved by it: `claim approve` goes on one by one, and gives no more than the round did."
    )]
    Rank {
        /// Programme
        programme: Code,
    },
    /// List claims, oldest first
    #[command(
        after_help = "Example:\n  subsidy-ledger claim list --programme SHAANXI-RENT --state recommended"
    )]
    List(show::ListArgs),
    /// Show a claim: what is claimed, its reviews and approvals, its payment
    #[command(after_help = "Example:\n  subsidy-ledger claim show C35")]
    Show {
        /// The claim: C and the number of its first entry, or its id
        claim: Named<ClaimId>,
    },
}

/// What changes something.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Begin a claim (a firm, provider or carrier)
    #[command(
        after_help = "Example:\n  subsidy-ledger claim draft SHAANXI-RENT --party 91000000MA0000277Y \\\n    \
        --fact relief_kind=waiver --fact waiver_from=2020-02-01 --fact waiver_until=2020-07-31 \\\n    \
        --line waived_amount=38000.00@lease-12 --line waived_amount=21000.00@lease-17 \\\n    \
        --document 1=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 --as clerk\n\n\
        A carrier that keeps its leases here names waivers (or days, of which all of it counts), and the rent book\n\
        says what was waived:\n  subsidy-ledger claim draft SHAANXI-RENT --party 91350100M000100Y43 --waiver W14 --waiver W31 \\\n    \
        --document 1=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 --as carrier\n\n\
        Lines add up to the fact that they name. Documents are named by the SHA-256 of the file, with their number\n\
        in the policy's list (`policy show`); one without a number is a further one. Nobody but the claimant sees to\n\
        a draft before `claim submit`."
    )]
    Draft(DraftArgs),
    /// Correct a draft, or a claim that was returned
    #[command(
        after_help = "Example:\n  subsidy-ledger claim revise C35 --fact relief_kind=waiver \\\n    \
        --line waived_amount=38000.00@lease-12 --as clerk\n\n\
        Everything is given anew: what is not named is no longer claimed."
    )]
    Revise(ReviseArgs),
    /// Submit a claim, under the policy in force today
    #[command(
        after_help = "Example:\n  subsidy-ledger claim submit C35 --as clerk\n\n\
        Every document that the policy lists must be there. The answer says what the policy makes of the claim\n\
        today; a reviewer decides next: `claim review`."
    )]
    Submit {
        /// The claim: C and the number of its first entry, or its id
        claim: Named<ClaimId>,
    },
    /// Take a claim back
    #[command(
        after_help = "Example:\n  subsidy-ledger claim withdraw C35 --reason 'claimed twice' --as clerk"
    )]
    Withdraw(ReasonArgs),
    /// Recommend, return or reject a claim (a reviewer)
    #[command(
        after_help = "Examples:\n  subsidy-ledger claim review C35 --version 1 --verdict recommend --as reviewer\n  \
        subsidy-ledger claim review C35 --version 1 --verdict recommend --fact waived_amount=52000.00 \\\n    \
        --fact waiver_reviewed=true --as reviewer\n  \
        subsidy-ledger claim review C35 --version 1 --verdict return --reason 'no lease 17' --as reviewer\n\n\
        Facts given here are verified: they count in place of the claimant's. What is recommended, the policy\n\
        says; if it asks for a notice, `claim notice publish` comes next, else `claim approve`."
    )]
    Review(ReviewArgs),
    /// Take down an objection during the notice (a reviewer, manager or auditor)
    #[command(
        after_help = "Example:\n  subsidy-ledger claim object C35 --reason 'lease 17 ended in March' --as reviewer\n\n\
        The claim is reviewed again before anything is approved. Don't name who objected: entries can't be erased."
    )]
    Object(ReasonArgs),
    /// Approve a claim at the next level (a manager or finance)
    #[command(
        after_help = "Examples:\n  subsidy-ledger claim approve C35 --review 41 --as manager\n  \
        subsidy-ledger claim approve --notice N44 --as manager\n\n\
        --review is the entry of the review that you looked at (`claim show`): if the claim was reviewed again since,\n\
        nothing is approved. --notice approves what a notice showed and nobody objected to; with --key each claim has\n\
        a key of its own, so that a repeat goes on where the first left off. How many levels approve,\n\
        `approval levels` says. The last makes the amount owed; then finance approves the payment."
    )]
    Approve(ApproveArgs),
    /// Turn a recommended claim down, or back to the claimant (whoever would approve next)
    #[command(
        after_help = "Examples:\n  subsidy-ledger claim decline C35 --review 41 --reason 'forged lease' --as manager\n  \
        subsidy-ledger claim decline C35 --review 41 --back --reason 'lease 17 is missing' --as manager"
    )]
    Decline(DeclineArgs),
    /// Take an approval back before it is paid (a manager or finance, who had no hand in the case)
    #[command(
        after_help = "Example:\n  subsidy-ledger claim revoke C35 --reason 'the lease was forged' --as finance2\n\n\
        What was owed is owed no more, its authority and the limits that it used are free again, and another claim may\n\
        rest on the same waivers or milestone. A payable in a batch is given back first (`payment discard`); what was\n\
        paid is asked back (`recovery propose`)."
    )]
    Revoke(ReasonArgs),
}

/// What is claimed.
#[derive(Debug, Args)]
pub(super) struct ContentArgs {
    /// A fact, as name=value; docs/facts.md lists them
    #[arg(long = "fact", value_name = "NAME=VALUE")]
    facts: Vec<String>,
    /// A part of a fact, as name=value@reference: an invoice, a lease, a head
    #[arg(long = "line", value_name = "NAME=VALUE@REFERENCE")]
    lines: Vec<String>,
    /// SHA-256 of a document, with its number in the policy's list
    #[arg(long = "document", value_name = "[NUMBER=]SHA256")]
    documents: Vec<String>,
    /// The milestone of a contract that was delivered: K, the number of the contract's entry, a hyphen and its number
    #[arg(long, value_name = "MILESTONE")]
    milestone: Option<MilestoneName>,
    /// A waiver in the rent book that the claim rests on: W and its number, or its id
    #[arg(long = "waiver", value_name = "WAIVER")]
    waivers: Vec<Named<WaiverId>>,
    /// First day of the relief that counts; with --relief-until and without --waiver all of these days
    #[arg(long, value_name = "DAY")]
    relief_from: Option<Day>,
    /// Last day of the relief that counts
    #[arg(long, value_name = "DAY")]
    relief_until: Option<Day>,
}

#[derive(Debug, Args)]
pub(super) struct DraftArgs {
    /// Programme
    programme: Code,
    /// Who claims: unified social credit code, or id
    #[arg(long)]
    party: String,
    #[command(flatten)]
    content: ContentArgs,
}

#[derive(Debug, Args)]
pub(super) struct ReviseArgs {
    /// The claim: C and the number of its first entry, or its id
    claim: Named<ClaimId>,
    #[command(flatten)]
    content: ContentArgs,
}

#[derive(Debug, Args)]
pub(super) struct ReasonArgs {
    /// The claim: C and the number of its first entry, or its id
    claim: Named<ClaimId>,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum VerdictArg {
    Recommend,
    Return,
    Reject,
}

#[derive(Debug, Args)]
pub(super) struct ReviewArgs {
    /// The claim: C and the number of its first entry, or its id
    claim: Named<ClaimId>,
    /// The version that you looked at
    #[arg(long)]
    version: i32,
    /// What you think of it
    #[arg(long, value_enum)]
    verdict: VerdictArg,
    /// A fact that you verified, as name=value
    #[arg(long = "fact", value_name = "NAME=VALUE")]
    facts: Vec<String>,
    /// Why
    #[arg(long)]
    reason: Option<Reason>,
}

#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    /// The claim: C and the number of its first entry, or its id
    #[arg(required_unless_present = "notice", conflicts_with = "notice")]
    claim: Option<Named<ClaimId>>,
    /// The entry of the review that you looked at
    #[arg(long, value_name = "ENTRY", required_unless_present = "notice")]
    review: Option<LogIndex>,
    /// Everything that this notice showed and that still stands
    #[arg(long, conflicts_with = "review")]
    notice: Option<Named<NoticeId>>,
}

#[derive(Debug, Args)]
pub(super) struct DeclineArgs {
    /// The claim: C and the number of its first entry, or its id
    claim: Named<ClaimId>,
    /// The entry of the review that you looked at
    #[arg(long, value_name = "ENTRY")]
    review: LogIndex,
    /// Back to the claimant to be corrected, and not turned down
    #[arg(long)]
    back: bool,
    /// Why
    #[arg(long)]
    reason: Reason,
}

pub(super) async fn run(global: &Global, command: ClaimCommand) -> anyhow::Result<ExitCode> {
    match command {
        ClaimCommand::Notice(command) => notice::run(global, command).await,
        ClaimCommand::Rank { programme } => rank::run(global, programme).await,
        ClaimCommand::List(args) => show::list(global, args).await,
        ClaimCommand::Show { claim } => show::show(global, claim).await,
        ClaimCommand::Act(action) => {
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
        Action::Draft(args) => {
            let input = Draft {
                content: content(desk, &args.content).await?,
                party: desk.party(&args.party).await?,
                programme: args.programme,
                relief: relief(desk, &args.content).await?,
            };
            desk.one(input, |conn, requests| {
                Box::pin(claim::draft(conn, requests))
            })
            .await
        }
        Action::Revise(args) => {
            let input = Revise {
                claim: claim_id(desk, args.claim).await?,
                content: content(desk, &args.content).await?,
                relief: relief(desk, &args.content).await?,
            };
            desk.one(input, |conn, requests| {
                Box::pin(claim::revise(conn, requests))
            })
            .await
        }
        Action::Submit { claim } => {
            let claim = claim_id(desk, claim).await?;
            desk.one(Submit { claim }, |conn, requests| {
                Box::pin(claim::submit(conn, requests))
            })
            .await
        }
        Action::Withdraw(ReasonArgs { claim, reason }) => {
            let claim = claim_id(desk, claim).await?;
            desk.one(Withdraw { claim, reason }, |conn, requests| {
                Box::pin(claim::withdraw(conn, requests))
            })
            .await
        }
        Action::Review(args) => review(desk, args).await,
        Action::Object(ReasonArgs { claim, reason }) => {
            let claim = claim_id(desk, claim).await?;
            desk.one(Objection { claim, reason }, |conn, requests| {
                Box::pin(claim::object(conn, requests))
            })
            .await
        }
        Action::Approve(args) => approve(desk, args).await,
        Action::Revoke(ReasonArgs { claim, reason }) => {
            let claim = claim_id(desk, claim).await?;
            desk.one(Revoke { claim, reason }, |conn, requests| {
                Box::pin(claim::revoke(conn, requests))
            })
            .await
        }
        Action::Decline(args) => {
            let input = Decline {
                claim: claim_id(desk, args.claim).await?,
                reason: args.reason,
                review: args.review,
                turn: if args.back { Turn::Back } else { Turn::Down },
            };
            desk.one(input, |conn, requests| {
                Box::pin(claim::decline(conn, requests))
            })
            .await
        }
    }
}

async fn approve(desk: &Desk<'_>, args: ApproveArgs) -> anyhow::Result<ExitCode> {
    let (Some(claim), Some(review)) = (args.claim, args.review) else {
        let notice = args.notice.context("name a claim, or a notice")?;
        return notice::approve(desk, notice).await;
    };
    let claim = claim_id(desk, claim).await?;
    desk.one(Approve { claim, review }, |conn, requests| {
        Box::pin(claim::approve(conn, requests))
    })
    .await
}

async fn review(desk: &Desk<'_>, args: ReviewArgs) -> anyhow::Result<ExitCode> {
    let stated = stated(desk, &args.facts)?;
    let mut verified = Facts::new(stated.currency());
    for (fact, stated) in stated.iter() {
        let stated = Stated {
            source: Source::Verified,
            ..stated.clone()
        };
        verified.insert(fact, stated);
    }
    let input = Review {
        claim: claim_id(desk, args.claim).await?,
        facts: verified.iter().next().is_some().then_some(verified.clone()),
        reason: args.reason,
        verdict: match args.verdict {
            VerdictArg::Recommend => Verdict::Recommend,
            VerdictArg::Return => Verdict::Return,
            VerdictArg::Reject => Verdict::Reject,
        },
        version: args.version,
    };
    desk.one(input, |conn, requests| {
        Box::pin(claim::review(conn, requests))
    })
    .await
}

fn stated(desk: &Desk<'_>, options: &[String]) -> anyhow::Result<Facts> {
    facts(
        options,
        desk.caller.zone.currency,
        desk.caller.command().today(),
    )
}

async fn content(desk: &Desk<'_>, args: &ContentArgs) -> anyhow::Result<Content> {
    let lines: anyhow::Result<Vec<Line>> = args.lines.iter().map(|text| line(text)).collect();
    let documents: anyhow::Result<Vec<Document>> =
        args.documents.iter().map(|text| document(text)).collect();
    let milestone = match args.milestone {
        None => None,
        Some(name) => {
            let look_up = contract_id(desk.session, &desk.caller.zone, name.contract);
            Some(MilestoneId {
                contract: desk.find(name.contract, look_up).await?,
                number: name.number,
            })
        }
    };
    Ok(Content {
        documents: documents?,
        facts: stated(desk, &args.facts)?,
        lines: lines?,
        milestone,
    })
}

/// The relief that the claim rests on, if any is named.
async fn relief(desk: &Desk<'_>, args: &ContentArgs) -> anyhow::Result<Option<ReliefAsked>> {
    let (from, until) = (
        args.relief_from.map(Day::date),
        args.relief_until.map(Day::date),
    );
    let mut waivers = Vec::with_capacity(args.waivers.len());
    for named in &args.waivers {
        waivers.push(named_waiver(desk, *named).await?);
    }
    Ok(match (waivers.is_empty(), from, until) {
        (false, from, until) => Some(ReliefAsked::Named {
            from,
            until,
            waivers,
        }),
        (true, Some(from), Some(until)) => Some(ReliefAsked::All { from, until }),
        (true, None, None) => None,
        (true, _, _) => anyhow::bail!(
            "--relief-from and --relief-until go together, or beside --waiver: name both days"
        ),
    })
}

/// `name=value@reference`.
fn line(text: &str) -> anyhow::Result<Line> {
    let form = || format!("line {:?}: write name=value@reference", excerpt(text));
    let (name, rest) = text.split_once('=').with_context(form)?;
    let (value, reference) = rest.split_once('@').with_context(form)?;
    let fact = Fact::named(name)
        .with_context(|| format!("unknown fact {}: {}", excerpt(name), Fact::advice(name)))?;
    Ok(Line {
        fact,
        reference: reference
            .parse()
            .with_context(|| format!("line {:?}: the reference", excerpt(text)))?,
        value: value.to_owned(),
    })
}

/// `number=sha256`, or the SHA-256 alone.
fn document(text: &str) -> anyhow::Result<Document> {
    let (number, sha256) = match text.split_once('=') {
        None => (None, text),
        Some((number, sha256)) => {
            let shown = excerpt(text);
            let form = || format!("document {shown:?}: write NUMBER=SHA256, the number from 1");
            let number: u16 = number.parse().with_context(form)?;
            anyhow::ensure!(number > 0, form());
            (Some(number), sha256)
        }
    };
    Ok(Document {
        number,
        sha256: sha256.parse()?,
    })
}

/// The id of a claim, as somebody names it.
async fn claim_id(desk: &Desk<'_>, named: Named<ClaimId>) -> anyhow::Result<ClaimId> {
    let look_up = show::claim_id(desk.session, &desk.caller.zone, named);
    desk.find(named, look_up).await
}

/// What a refusal tells a person.
fn sentences(code: Value) -> Option<Sentences> {
    let refusal = serde_json::from_value::<claim::ClaimRefusal>(code).ok()?;
    Some(refusal.sentences())
}
