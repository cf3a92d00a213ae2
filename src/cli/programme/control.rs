//! `programme transfer…`, `freeze` and `thaw`: budget control.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::amount;
use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::programme::{self, Approved, Freeze, ProposeTransfer, TransferOutcome};
use crate::report::{Align, Table};
use crate::types::{Code, FiscalYear, LogIndex, Reason};

#[derive(Debug, Args)]
pub(in crate::cli) struct TransferArgs {
    /// Programme that gives
    from: Code,
    /// Programme that gets
    to: Code,
    /// Budget year of both
    #[arg(value_parser = clap::value_parser!(i16).range(1900..=9998))]
    year: i16,
    /// Amount in the zone's currency, such as 200000.00
    amount: String,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RejectArgs {
    /// Entry of the proposal
    #[arg(value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(0..))]
    entry: i64,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct FreezeArgs {
    /// Programme
    code: Code,
    /// Budget year
    #[arg(value_parser = clap::value_parser!(i16).range(1900..=9998))]
    year: i16,
    /// Why
    #[arg(long)]
    reason: Reason,
}

pub(super) async fn propose(global: &Global, args: TransferArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let currency = caller.zone.currency;
        let what = format!(
            "{} {currency} of {} are proposed for {}; another person approves with `programme transfer-approve`",
            output::grouped(&args.amount),
            args.from,
            args.to
        );
        let input = ProposeTransfer {
            amount: amount(&args.amount, currency)?,
            from: args.from,
            reason: args.reason,
            to: args.to,
            year: FiscalYear(args.year),
        };
        let recorded = session
            .command(&caller, input, |conn, command, input| {
                Box::pin(async move { programme::propose_transfer(conn, &command, input).await })
            })
            .await?;
        output::recorded(global.json, &what, recorded)
    })
    .await
}

pub(super) async fn approve(global: &Global, entry: i64) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let (recorded, Approved { refused }) = session
            .command(&caller, LogIndex(entry), |conn, command, entry| {
                Box::pin(async move { programme::approve_transfer(conn, &command, *entry).await })
            })
            .await?;
        if global.json {
            output::json(&json!({ "entry": recorded.index, "refused": refused }))?;
        } else if let Some(refused) = refused {
            let why = refused.sentence();
            output::line(&format!("Not moved, entry {}: {why}.", recorded.index))?;
        } else {
            output::line(&format!("Moved, entry {}.", recorded.index))?;
        }
        Ok(if refused.is_some() {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    })
    .await
}

pub(super) async fn reject(global: &Global, args: RejectArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let what = format!("The transfer of entry {} is rejected", args.entry);
        let input = (LogIndex(args.entry), args.reason);
        let recorded = session
            .command(&caller, input, |conn, command, (entry, reason)| {
                Box::pin(
                    async move { programme::reject_transfer(conn, &command, *entry, reason).await },
                )
            })
            .await?;
        output::recorded(global.json, &what, recorded)
    })
    .await
}

pub(super) async fn list(global: &Global) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let transfers = session
            .database
            .read(zone.id, zone.id, |conn, zone| {
                Box::pin(programme::store::transfers(conn, *zone))
            })
            .await?;
        let text = |amount: crate::types::Amount| amount.money().to_text(zone.currency);
        if global.json {
            let mut all = Vec::with_capacity(transfers.len());
            for transfer in &transfers {
                let mut value = serde_json::to_value(transfer)?;
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("amount".to_owned(), text(transfer.amount).into());
                    fields.insert("currency".to_owned(), zone.currency.code().into());
                }
                all.push(value);
            }
            output::json(&all)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new([
            ("entry", Align::Right),
            ("year", Align::Left),
            ("from", Align::Left),
            ("to", Align::Left),
            ("amount", Align::Right),
            ("", Align::Left),
            ("reason", Align::Left),
        ]);
        for one in &transfers {
            let outcome = match (one.outcome, one.decided_index) {
                (Some(TransferOutcome::Approved), Some(entry)) => {
                    format!("approved, entry {entry}")
                }
                (Some(TransferOutcome::Rejected), Some(entry)) => {
                    format!("rejected, entry {entry}")
                }
                (Some(_) | None, _) => "waits".to_owned(),
            };
            table.row([
                one.proposed_index.to_string(),
                one.year.to_string(),
                one.from.to_string(),
                one.to.to_string(),
                output::grouped(&text(one.amount)),
                outcome,
                one.reason.to_string(),
            ]);
        }
        output::line(table.to_string().trim_end())?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

pub(super) async fn freeze(global: &Global, args: FreezeArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let what = format!("The budget of {} for {} is frozen", args.code, args.year);
        let recorded = session
            .command(&caller, input(args), |conn, command, input| {
                Box::pin(async move { programme::freeze(conn, &command, input).await })
            })
            .await?;
        output::recorded(global.json, &what, recorded)
    })
    .await
}

pub(super) async fn thaw(global: &Global, args: FreezeArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let what = format!("The budget of {} for {} is thawed", args.code, args.year);
        let recorded = session
            .command(&caller, input(args), |conn, command, input| {
                Box::pin(async move { programme::thaw(conn, &command, input).await })
            })
            .await?;
        output::recorded(global.json, &what, recorded)
    })
    .await
}

fn input(args: FreezeArgs) -> Freeze {
    Freeze {
        programme: args.code,
        reason: args.reason,
        year: FiscalYear(args.year),
    }
}
