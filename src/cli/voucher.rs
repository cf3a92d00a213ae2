//! `voucher …`: from application to redemption, expiry or cancellation.

mod show;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use futures::future::BoxFuture;
use serde::Serialize;
use sqlx::PgConnection;

use super::session::{Session, with_session};
use super::{Global, output};
use crate::identity::{Caller, Command};
use crate::party;
use crate::policy::{Fact, Facts, Raw, Source};
use crate::types::{Code, HoldId, LogIndex, PartyId, Reason, VoucherId};
use crate::voucher::{
    self, Answers, Apply, Cancel, Expire, Freeze, Issue, PlaceHold, Redeem, Release, Review,
    VoucherError,
};

/// Vouchers.
#[derive(Debug, Subcommand)]
pub(super) enum VoucherCommand {
    /// Apply for a voucher
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher apply SH-VOUCHER --party 91000000MA0000277Y \
        --fact applicant_kind=enterprise --fact service_price=300000.00 --as clerk"
    )]
    Apply(ApplyArgs),
    /// Recommend or reject an application by the policy (a reviewer)
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher review 0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11 --as reviewer"
    )]
    Review {
        /// The application
        application: VoucherId,
    },
    /// Issue the voucher of a recommended application (a manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher issue 0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11 --as manager"
    )]
    Issue {
        /// The application
        application: VoucherId,
    },
    /// Reserve value for an order
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher hold V12 --provider 91000000MA00000900 \
        --price 300000.00 --as clerk"
    )]
    Hold(HoldArgs),
    /// Redeem a hold, up to what is reserved
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher redeem 0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11 \
        --price 298000.00 --key invoice-4711 --as provider1"
    )]
    Redeem(RedeemArgs),
    /// Give a hold back without using it
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher release 0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11 \
        --reason 'order cancelled' --as clerk"
    )]
    Release {
        /// The hold
        hold: HoldId,
        /// Why
        #[arg(long)]
        reason: Reason,
    },
    /// Suspend a voucher
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher freeze V12 --reason 'evidence in doubt' --as reviewer"
    )]
    Freeze(ReasonArgs),
    /// End the suspension of a voucher
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher thaw V12 --reason 'evidence confirmed' --as reviewer"
    )]
    Thaw(ReasonArgs),
    /// Take back what is free on a voucher (a manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher cancel V12 --reason 'firm dissolved' --as manager"
    )]
    Cancel(ReasonArgs),
    /// Lapse what is free on vouchers whose last day has passed
    #[command(
        after_help = "Examples:\n  subsidy-ledger voucher expire --all --as system\n  \
        subsidy-ledger voucher expire V12 --as manager"
    )]
    Expire(ExpireArgs),
    /// List vouchers
    #[command(after_help = "Example:\n  subsidy-ledger voucher list --programme SH-VOUCHER --json")]
    List(show::ListArgs),
    /// Show a voucher with its holds
    #[command(after_help = "Example:\n  subsidy-ledger voucher show V12")]
    Show {
        /// The voucher: V and its number, or its id
        voucher: String,
    },
    /// List applications that wait for a step
    #[command(after_help = "Example:\n  subsidy-ledger voucher applications --state recommended")]
    Applications(show::ApplicationsArgs),
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Programme
    programme: Code,
    /// Who applies: unified social credit code, or id
    #[arg(long)]
    party: String,
    /// A fact, as name=value; `policy check` names those that a policy asks
    #[arg(long = "fact", value_name = "NAME=VALUE")]
    facts: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct HoldArgs {
    /// The voucher: V and its number, or its id
    voucher: String,
    /// The provider: unified social credit code, or id
    #[arg(long)]
    provider: String,
    /// Price of the service
    #[arg(long)]
    price: String,
    /// A fact about this order, as name=value
    #[arg(long = "fact", value_name = "NAME=VALUE")]
    facts: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct RedeemArgs {
    /// The hold
    hold: HoldId,
    /// What was invoiced
    #[arg(long)]
    price: String,
    /// SHA-256 of a document: invoice, bank proof, report
    #[arg(long, value_name = "SHA256")]
    evidence: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ReasonArgs {
    /// The voucher: V and its number, or its id
    voucher: String,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(super) struct ExpireArgs {
    /// The voucher: V and its number, or its id
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    voucher: Option<String>,
    /// Every voucher whose last day has passed
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(global: &Global, command: VoucherCommand) -> anyhow::Result<ExitCode> {
    match command {
        VoucherCommand::List(args) => return show::list(global, args).await,
        VoucherCommand::Show { voucher } => return show::show(global, &voucher).await,
        VoucherCommand::Applications(args) => return show::applications(global, args).await,
        _ => {}
    }
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        act(global, session, &caller, command).await
    })
    .await
}

/// Runs one command that changes something, and prints its answer.
async fn act(
    global: &Global,
    session: &Session,
    caller: &Caller,
    command: VoucherCommand,
) -> anyhow::Result<ExitCode> {
    match command {
        VoucherCommand::Apply(args) => {
            let input = Apply {
                facts: facts(&args.facts, caller)?,
                party: party_id(session, caller, &args.party).await?,
                programme: args.programme,
            };
            one(global, session, caller, input, |conn, requests| {
                Box::pin(voucher::apply(conn, requests))
            })
            .await
        }
        VoucherCommand::Review { application } => {
            let input = Review { application };
            one(global, session, caller, input, |conn, requests| {
                Box::pin(voucher::review(conn, requests))
            })
            .await
        }
        VoucherCommand::Issue { application } => {
            let input = Issue { application };
            one(global, session, caller, input, |conn, requests| {
                Box::pin(voucher::issue(conn, requests))
            })
            .await
        }
        VoucherCommand::Hold(args) => {
            let input = PlaceHold {
                facts: facts(&args.facts, caller)?,
                price: args.price,
                provider: party_id(session, caller, &args.provider).await?,
                voucher: show::voucher_id(session, &caller.zone, &args.voucher).await?,
            };
            one(global, session, caller, input, |conn, requests| {
                Box::pin(voucher::hold(conn, requests))
            })
            .await
        }
        VoucherCommand::Redeem(args) => {
            let input = Redeem {
                evidence: args.evidence,
                hold: args.hold,
                price: args.price,
            };
            one(global, session, caller, input, |conn, requests| {
                Box::pin(voucher::redeem(conn, requests))
            })
            .await
        }
        VoucherCommand::Release { hold, reason } => {
            let input = Release { hold, reason };
            one(global, session, caller, input, |conn, requests| {
                Box::pin(voucher::release(conn, requests))
            })
            .await
        }
        VoucherCommand::Freeze(args) => freeze(global, session, caller, args, true).await,
        VoucherCommand::Thaw(args) => freeze(global, session, caller, args, false).await,
        VoucherCommand::Cancel(args) => {
            let voucher = show::voucher_id(session, &caller.zone, &args.voucher).await?;
            let input = Cancel {
                reason: args.reason,
                voucher,
            };
            one(global, session, caller, input, |conn, requests| {
                Box::pin(voucher::cancel(conn, requests))
            })
            .await
        }
        VoucherCommand::Expire(ExpireArgs {
            voucher: Some(voucher),
            ..
        }) => {
            let input = Expire {
                voucher: show::voucher_id(session, &caller.zone, &voucher).await?,
            };
            one(global, session, caller, input, |conn, requests| {
                Box::pin(voucher::expire(conn, requests))
            })
            .await
        }
        VoucherCommand::Expire(ExpireArgs { voucher: None, .. }) => {
            expire_all(global, session, caller).await
        }
        VoucherCommand::List(_) | VoucherCommand::Show { .. } | VoucherCommand::Applications(_) => {
            bail!("BUG: reading commands are run before")
        }
    }
}

async fn freeze(
    global: &Global,
    session: &Session,
    caller: &Caller,
    args: ReasonArgs,
    frozen: bool,
) -> anyhow::Result<ExitCode> {
    let voucher = show::voucher_id(session, &caller.zone, &args.voucher).await?;
    let input = Freeze {
        frozen,
        reason: args.reason,
        voucher,
    };
    one(global, session, caller, input, |conn, requests| {
        Box::pin(voucher::freeze(conn, requests))
    })
    .await
}

/// Runs one request of a batch command, and prints its answer. A refusal was recorded, and is a failure.
async fn one<I, A, F>(
    global: &Global,
    session: &Session,
    caller: &Caller,
    input: I,
    run: F,
) -> anyhow::Result<ExitCode>
where
    I: Clone + Send + Sync + 'static,
    A: Serialize + Send + 'static,
    F: for<'c> Fn(
            &'c mut PgConnection,
            &'c [(Command<'c>, I)],
        ) -> BoxFuture<'c, Result<Answers<A>, VoucherError>>
        + Send
        + Sync
        + Copy
        + 'static,
{
    let mut answers = session
        .command(caller, input, move |conn, command, input: &I| {
            let requests = [(command, input.clone())];
            Box::pin(async move { run(conn, &requests).await })
        })
        .await?;
    let answer = answers.pop().context("BUG: one request has one answer")??;
    let value = serde_json::to_value(&answer)?;
    let refused = value.get("outcome").and_then(serde_json::Value::as_str) == Some("refused");
    if global.json {
        output::json(&answer)?;
    } else {
        print_answer(&value);
    }
    Ok(if refused {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// An answer as lines of field and value; a refusal with its sentence.
fn print_answer(value: &serde_json::Value) {
    let Some(fields) = value.as_object() else {
        return;
    };
    for (name, value) in fields {
        let text = match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(items) if items.is_empty() => continue,
            other => other.to_string(),
        };
        println!("{name:>12}: {text}");
    }
    let code = fields.get("code").cloned();
    let refusal =
        code.and_then(|code| serde_json::from_value::<voucher::VoucherRefusal>(code).ok());
    if let Some(refusal) = refusal {
        let (english, chinese) = refusal.sentences();
        println!("{english} {chinese}");
    }
}

async fn expire_all(
    global: &Global,
    session: &Session,
    caller: &Caller,
) -> anyhow::Result<ExitCode> {
    let mut lapsed = 0;
    loop {
        let done = session
            .command(caller, (), |conn, command, ()| {
                Box::pin(async move { voucher::expire_due(conn, &command, 1_000).await })
            })
            .await?;
        lapsed += done;
        if done == 0 {
            break;
        }
    }
    if global.json {
        output::json(&serde_json::json!({ "lapsed": lapsed }))?;
    } else {
        println!("{lapsed} vouchers lapsed.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Facts from `name=value` options, declared today.
fn facts(options: &[String], caller: &Caller) -> anyhow::Result<Facts> {
    let today = caller.command().today();
    let mut facts = Facts::new(caller.zone.currency);
    for option in options {
        let (name, value) = option
            .split_once('=')
            .with_context(|| format!("{option:?} is no fact: write name=value"))?;
        let fact = Fact::named(name).with_context(|| {
            let known = Fact::ALL
                .iter()
                .map(|fact| fact.name())
                .collect::<Vec<_>>()
                .join(", ");
            format!("unknown fact {name}: there are {known}")
        })?;
        facts.state(fact, Raw::typed(fact, value), Source::Declared, today)?;
    }
    Ok(facts)
}

/// A party by its unified social credit code or its id.
async fn party_id(session: &Session, caller: &Caller, text: &str) -> anyhow::Result<PartyId> {
    if let Ok(id) = text.parse::<PartyId>() {
        return Ok(id);
    }
    let zone = &caller.zone;
    let found = session
        .database
        .read(zone.id, (zone.id, text.to_owned()), |conn, (zone, code)| {
            Box::pin(party::store::party_by_uscc(conn, *zone, code))
        })
        .await?;
    found
        .map(|party| party.id)
        .with_context(|| format!("no party {text} in zone {}", zone.code))
}

/// The number in a voucher's short name.
fn number(text: &str) -> Option<LogIndex> {
    text.strip_prefix(['V', 'v'])?.parse().ok().map(LogIndex)
}
