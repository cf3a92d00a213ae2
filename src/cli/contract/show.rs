//! Reading contracts.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::desk::{not_there, party_id};
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::contract::model::Stage;
use crate::contract::store::{self, ContractFilter, ContractRow};
use crate::contract::{self, ContractState, Milestone};
use crate::types::{
    ClaimId, Code, ContractId, Currency, FiscalYear, LogIndex, Money, Name, Named, Reason, Zone,
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Proposed,
    Rejected,
    InForce,
    Completed,
    Ended,
}

impl From<State> for ContractState {
    fn from(state: State) -> Self {
        match state {
            State::Proposed => Self::Proposed,
            State::Rejected => Self::Rejected,
            State::InForce => Self::InForce,
            State::Completed => Self::Completed,
            State::Ended => Self::Ended,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Only of this provider: unified social credit code, or id
    #[arg(long)]
    provider: Option<String>,
    /// Only of this programme
    #[arg(long)]
    programme: Option<Code>,
    /// Only in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only those after this one: the number of the last of the page before, without K
    #[arg(long, value_name = "NUMBER")]
    after: Option<LogIndex>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

/// The contract that somebody names.
pub(in crate::cli) async fn contract_id(
    session: &Session,
    zone: &Zone,
    named: Named<ContractId>,
) -> anyhow::Result<ContractId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(contract::find_contract(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| not_there(&named, zone))
}

/// A contract in a list.
#[derive(Serialize)]
struct ContractLine {
    accepted: String,
    amount: String,
    contract: Named<ContractId>,
    id: ContractId,
    programme: Code,
    provider: String,
    reference: Name,
    reserved: String,
    state: ContractState,
    year: Option<FiscalYear>,
}

impl ContractLine {
    fn of(row: &ContractRow, currency: Currency) -> Self {
        let contract = &row.contract;
        let text = |money: Money| money.to_text(currency);
        Self {
            accepted: text(contract.accepted()),
            amount: text(contract.amount.money()),
            contract: Named::Entry(contract.proposed.index),
            id: contract.id,
            programme: contract.programme.clone(),
            provider: row.provider_name.clone(),
            reference: contract.reference.clone(),
            reserved: text(contract.reserved()),
            state: contract.state(),
            year: contract.line(currency).map(|line| line.year),
        }
    }

    fn print(&self) -> std::io::Result<()> {
        output::line(&format!(
            "{:<8} {:<20} {:>16} {:>16} reserved {:>16} accepted  {}  {}  {}",
            self.contract.to_string(),
            self.programme.as_str(),
            output::grouped(&self.amount),
            output::grouped(&self.reserved),
            output::grouped(&self.accepted),
            self.state.as_str(),
            self.reference,
            self.provider,
        ))
    }
}

pub(in crate::cli) async fn list(global: &Global, args: ListArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let provider = match &args.provider {
            None => None,
            Some(party) => Some(party_id(session, &zone, party).await?),
        };
        let filter = ContractFilter {
            provider,
            programme: args.programme,
            state: args.state.map(ContractState::from),
            after: args.after,
        };
        let input = (zone.id, filter, args.limit);
        let rows = session
            .database
            .read(zone.id, input, |conn, (zone, filter, limit)| {
                Box::pin(store::contracts(conn, *zone, filter, *limit))
            })
            .await?;
        output::at_limit(rows.len(), args.limit);
        let lines: Vec<ContractLine> = rows
            .iter()
            .map(|row| ContractLine::of(row, zone.currency))
            .collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("No such contracts: `contract propose` records one.")?;
        } else {
            for line in &lines {
                line.print()?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// A milestone, and the claim that has it.
#[derive(Serialize)]
struct ShownMilestone {
    accepted: String,
    amount: String,
    claim: Option<Named<ClaimId>>,
    due: NaiveDate,
    milestone: String,
    reserved: String,
}

impl ShownMilestone {
    fn of(row: &ContractRow, milestone: &Milestone, currency: Currency) -> Self {
        let text = |money: Money| money.to_text(currency);
        let accepted = milestone.accepted.map(|(amount, _)| amount.money());
        let claim = row.claim(milestone.number);
        let contract = Named::<ContractId>::Entry(row.contract.proposed.index);
        Self {
            accepted: text(accepted.unwrap_or_default()),
            amount: text(milestone.amount.money()),
            claim: claim.map(|(_, index)| Named::Entry(index)),
            due: milestone.due,
            milestone: format!("{contract}-{}", milestone.number),
            reserved: text(milestone.reserved),
        }
    }
}

/// A contract with all that is known of it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    line: ContractLine,
    /// The entry that confirmed it.
    confirmed: Option<LogIndex>,
    /// The entry that ended it early.
    ended: Option<LogIndex>,
    /// The entry that proposed to end it, which waits.
    ending: Option<LogIndex>,
    ending_reason: Option<Reason>,
    milestones: Vec<ShownMilestone>,
    service: Reason,
    signed_on: NaiveDate,
}

impl Shown {
    fn of(row: &ContractRow, currency: Currency) -> Self {
        let contract = &row.contract;
        let (confirmed, ended) = match contract.stage {
            Stage::Proposed | Stage::Rejected(_) => (None, None),
            Stage::Confirmed { said, ended, .. } => (Some(said.index), ended),
        };
        let milestones = contract.milestones.iter();
        let ending = contract.ending.as_ref();
        Self {
            line: ContractLine::of(row, currency),
            confirmed,
            ended,
            ending: ending.map(|ending| ending.proposed.index),
            ending_reason: ending.map(|ending| ending.reason.clone()),
            milestones: milestones
                .map(|one| ShownMilestone::of(row, one, currency))
                .collect(),
            service: contract.service.clone(),
            signed_on: contract.signed_on,
        }
    }

    fn print(&self) -> std::io::Result<()> {
        let field = |name: &str, value: &str| output::line(&format!("{name:>14}: {value}"));
        let line = &self.line;
        field("contract", &format!("{} ({})", line.contract, line.id))?;
        field("programme", line.programme.as_str())?;
        field("provider", &line.provider)?;
        field("reference", line.reference.as_str())?;
        field("service", self.service.as_str())?;
        field("signed on", &self.signed_on.to_string())?;
        field("state", line.state.as_str())?;
        field("amount", &output::grouped(&line.amount))?;
        if let (Some(entry), Some(year)) = (self.confirmed, line.year) {
            let reserved = output::grouped(&line.reserved);
            let text = format!("{reserved} of {year}, entry {entry}");
            field("reserved", &text)?;
            field("accepted", &output::grouped(&line.accepted))?;
        }
        for one in &self.milestones {
            let claim = one.claim.map(|claim| format!(", claim {claim}"));
            let text = format!(
                "{} due {}, {}: {} reserved, {} accepted{}",
                one.milestone,
                one.due,
                output::grouped(&one.amount),
                output::grouped(&one.reserved),
                output::grouped(&one.accepted),
                claim.unwrap_or_default(),
            );
            field("milestone", &text)?;
        }
        if let (Some(entry), Some(reason)) = (self.ending, &self.ending_reason) {
            let text = format!("proposed by entry {entry}, waits for another person: {reason}");
            field("ending", &text)?;
        }
        if let Some(entry) = self.ended {
            field("ended", &format!("entry {entry}"))?;
        }
        Ok(())
    }
}

pub(in crate::cli) async fn show(
    global: &Global,
    named: Named<ContractId>,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let id = contract_id(session, &zone, named).await?;
        let found = session
            .database
            .read(zone.id, (zone.id, id), |conn, (zone, id)| {
                Box::pin(store::contract(conn, *zone, *id))
            })
            .await?;
        let row = found.with_context(|| not_there(&named, &zone))?;
        let shown = Shown::of(&row, zone.currency);
        if global.json {
            output::json(&shown)?;
        } else {
            shown.print()?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
