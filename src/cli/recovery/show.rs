//! Reading recoveries.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::desk::{not_there, party_id};
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::journal::AccountCode;
use crate::recovery::fine::{self, Percent};
use crate::recovery::model::Recovery;
use crate::recovery::store::{
    self, RecoveryFilter, RecoveryRow, RecoveryTotals, SettlementRow, WriteOffRow,
};
use crate::recovery::{self, Basis, Cause, RecoveryState};
use crate::types::{
    Code, Currency, DueOn, FiscalYear, LogIndex, Money, Named, PayableId, RecoveryId, Zone,
};

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Proposed,
    Rejected,
    Open,
    Recovered,
    Offset,
    WrittenOff,
    Void,
}

impl From<State> for RecoveryState {
    fn from(state: State) -> Self {
        match state {
            State::Proposed => Self::Proposed,
            State::Rejected => Self::Rejected,
            State::Open => Self::Open,
            State::Recovered => Self::Recovered,
            State::Offset => Self::Offset,
            State::WrittenOff => Self::WrittenOff,
            State::Void => Self::Void,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Only of this party: unified social credit code, or id
    #[arg(long)]
    party: Option<String>,
    /// Only of what this programme paid
    #[arg(long)]
    programme: Option<Code>,
    /// Only in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only those after this one: the number of the last of the page before, without Z
    #[arg(long, value_name = "NUMBER")]
    after: Option<LogIndex>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

fn today(global: &Global, zone: &Zone) -> NaiveDate {
    zone.time.day(global.clock().now())
}

/// The recovery that somebody names.
pub(super) async fn recovery_id(
    session: &Session,
    zone: &Zone,
    named: Named<RecoveryId>,
) -> anyhow::Result<RecoveryId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(recovery::find_recovery(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| not_there(&named, zone))
}

/// A recovery in a list.
#[derive(Serialize)]
struct RecoveryLine {
    amount: String,
    cause: Cause,
    due: Option<NaiveDate>,
    id: RecoveryId,
    open: String,
    overdue: String,
    overdue_days: i64,
    party: String,
    payable: Named<PayableId>,
    programme: Code,
    recovery: Named<RecoveryId>,
    state: RecoveryState,
    year: FiscalYear,
}

impl RecoveryLine {
    fn of(row: &RecoveryRow, today: NaiveDate) -> Self {
        let RecoveryRow {
            recovery,
            party_name,
            owed_index,
        } = row;
        let text = |money: Money| money.to_text(recovery.line.currency);
        let late = recovery.overdue(today);
        Self {
            amount: text(recovery.amount.money()),
            cause: recovery.cause,
            due: recovery.next_due(),
            id: recovery.id,
            open: text(recovery.open()),
            overdue: text(late.amount),
            overdue_days: late.days,
            party: party_name.clone(),
            payable: Named::Entry(*owed_index),
            programme: recovery.line.programme.clone(),
            recovery: Named::Entry(recovery.proposed.index),
            state: recovery.state(),
            year: recovery.line.year,
        }
    }

    fn print(&self) -> std::io::Result<()> {
        let due = self.due.map(|day| format!(", due {day}"));
        let late = (self.overdue_days > 0).then(|| {
            format!(
                ", {} late since {}",
                output::grouped(&self.overdue),
                output::counted(self.overdue_days, "day", "days")
            )
        });
        output::line(&format!(
            "{:<8} {:<8} {:>16} {:>16} open  {}{}{}  {}",
            self.recovery.to_string(),
            self.payable.to_string(),
            output::grouped(&self.amount),
            output::grouped(&self.open),
            self.state.as_str(),
            due.unwrap_or_default(),
            late.unwrap_or_default(),
            self.party,
        ))
    }
}

pub(in crate::cli) async fn list(global: &Global, args: ListArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let party = match &args.party {
            None => None,
            Some(party) => Some(party_id(session, &zone, party).await?),
        };
        let filter = RecoveryFilter {
            party,
            programme: args.programme,
            state: args.state.map(RecoveryState::from),
            after: args.after,
        };
        let today = today(global, &zone);
        let input = (zone.clone(), filter, args.limit);
        let rows = session
            .database
            .read(zone.id, input, |conn, (zone, filter, limit)| {
                Box::pin(store::recoveries(conn, zone, filter, *limit))
            })
            .await?;
        output::at_limit(rows.len(), args.limit);
        let lines: Vec<RecoveryLine> = rows
            .iter()
            .map(|row| RecoveryLine::of(row, today))
            .collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("No such recoveries: `recovery propose` begins one.")?;
        } else {
            for line in &lines {
                line.print()?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// A recovery with all that is known of it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    line: RecoveryLine,
    basis: Basis,
    fine: Option<ShownFine>,
    instalments: Vec<ShownInstalment>,
    reason: String,
    settlements: Vec<ShownSettlement>,
    write_offs: Vec<ShownWriteOff>,
}

/// The range of a fine, for the authority that decides on it.
#[derive(Serialize)]
struct ShownFine {
    least: String,
    most: String,
    percent: Percent,
    persons_least: String,
    persons_most: String,
    source: &'static str,
}

#[derive(Serialize)]
struct ShownInstalment {
    #[serde(flatten)]
    due: DueOn,
    open: String,
}

#[derive(Serialize)]
struct ShownSettlement {
    amount: String,
    bank_line: Option<String>,
    day: NaiveDate,
    entry: LogIndex,
    payable: Option<PayableId>,
    payable_number: Option<Named<PayableId>>,
    returned_to: Option<&'static str>,
    way: String,
}

#[derive(Serialize)]
struct ShownWriteOff {
    amount: String,
    decided: Option<LogIndex>,
    outcome: Option<String>,
    proposal: LogIndex,
    reason: String,
}

pub(in crate::cli) async fn show(
    global: &Global,
    named: Named<RecoveryId>,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let id = recovery_id(session, &zone, named).await?;
        let (row, settlements, write_offs) = session
            .database
            .read(zone.id, (zone.clone(), id), |conn, (zone, id)| {
                Box::pin(async move {
                    let row = store::recovery(conn, zone, *id).await?;
                    let settlements = store::settlements(conn, zone.id, *id).await?;
                    let write_offs = store::write_offs(conn, zone.id, *id).await?;
                    Ok::<_, sqlx::Error>((row, settlements, write_offs))
                })
            })
            .await?;
        let row = row.with_context(|| not_there(&named, &zone))?;
        let shown = Shown::of(&row, settlements, write_offs, today(global, &zone));
        if global.json {
            output::json(&shown)?;
        } else {
            shown.print()?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

impl Shown {
    fn of(
        row: &RecoveryRow,
        settlements: Vec<SettlementRow>,
        write_offs: Vec<WriteOffRow>,
        today: NaiveDate,
    ) -> Self {
        let recovery = &row.recovery;
        let currency = recovery.line.currency;
        let text = |money: Money| money.to_text(currency);
        let instalment = |one: recovery::model::Instalment| ShownInstalment {
            due: DueOn {
                amount: text(one.due.amount.money()),
                due: one.due.due,
            },
            open: text(one.open),
        };
        let settlement = |one: SettlementRow| ShownSettlement {
            amount: text(one.amount),
            bank_line: one.bank_line.map(|line| line.to_string()),
            day: one.day,
            entry: one.index,
            payable: one.payable.map(|(id, _)| id),
            payable_number: one.payable.map(|(_, index)| Named::Entry(index)),
            returned_to: one.returned_to.map(AccountCode::as_str),
            way: one.way,
        };
        let write_off = |one: WriteOffRow| ShownWriteOff {
            amount: text(one.amount),
            decided: one.decided_index,
            outcome: one.outcome,
            proposal: one.proposed_index,
            reason: one.reason,
        };
        Self {
            line: RecoveryLine::of(row, today),
            basis: recovery.basis,
            fine: ShownFine::of(recovery, currency),
            instalments: recovery.instalments().into_iter().map(instalment).collect(),
            reason: recovery.reason.to_string(),
            settlements: settlements.into_iter().map(settlement).collect(),
            write_offs: write_offs.into_iter().map(write_off).collect(),
        }
    }

    fn print(&self) -> std::io::Result<()> {
        self.line.print()?;
        output::line(&format!(
            "{}, {}: {}",
            self.line.cause.as_str(),
            match self.basis {
                Basis::Corrected => "by the rules that decided, on corrected facts",
                Basis::Whole => "all that was paid",
            },
            self.reason
        ))?;
        for one in &self.instalments {
            output::line(&format!(
                "  due {}  {:>16}  {:>16} open",
                one.due.due,
                output::grouped(&one.due.amount),
                output::grouped(&one.open)
            ))?;
        }
        for one in &self.settlements {
            let what = one
                .bank_line
                .clone()
                .or(one.payable_number.map(|number| number.to_string()));
            let to = one.returned_to.map(|code| format!(", authority to {code}"));
            output::line(&format!(
                "  {}  {:>16}  {}{}{}, entry {}",
                one.day,
                output::grouped(&one.amount),
                one.way.replace('_', "-"),
                what.map_or_else(String::new, |what| format!(" {what}")),
                to.unwrap_or_default(),
                one.entry
            ))?;
        }
        for one in &self.write_offs {
            output::line(&format!(
                "  write-off of {} proposed by entry {}, {}: {}",
                output::grouped(&one.amount),
                one.proposal,
                one.outcome.as_deref().unwrap_or("waits for a manager"),
                one.reason
            ))?;
        }
        if let Some(fine) = &self.fine {
            fine.print()?;
        }
        Ok(())
    }
}

impl ShownFine {
    fn of(recovery: &Recovery, currency: Currency) -> Option<Self> {
        let fines = fine::fines(recovery.cause, recovery.amount.money(), currency)?;
        let text = |money: Money| money.to_text(currency);
        Some(Self {
            least: text(fines.party.least),
            most: text(fines.party.most),
            percent: fines.percent,
            persons_least: text(fines.persons.least),
            persons_most: text(fines.persons.most),
            source: fine::SOURCE,
        })
    }

    fn print(&self) -> std::io::Result<()> {
        output::line(&format!(
            "Information for the authority that decides, not posted: a fine of {} to {} % is {} to {}; on persons directly \
             responsible {} to {}. {}",
            self.percent.least,
            self.percent.most,
            output::grouped(&self.least),
            output::grouped(&self.most),
            output::grouped(&self.persons_least),
            output::grouped(&self.persons_most),
            self.source
        ))
    }
}

/// Totals of a budget line.
#[derive(Serialize)]
struct TotalsLine {
    number: i64,
    offset: String,
    open: String,
    ordered: String,
    programme: Code,
    received: String,
    written_off: String,
    year: FiscalYear,
}

pub(in crate::cli) async fn totals(global: &Global) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let rows = session
            .database
            .read(zone.id, zone.id, |conn, zone| {
                Box::pin(store::totals(conn, *zone))
            })
            .await?;
        let text = |money: Money| money.to_text(zone.currency);
        let line = |one: RecoveryTotals| TotalsLine {
            number: one.number,
            offset: text(one.set_off),
            open: text(one.open),
            ordered: text(one.ordered),
            programme: one.programme,
            received: text(one.received),
            written_off: text(one.written_off),
            year: one.year,
        };
        let lines: Vec<TotalsLine> = rows.into_iter().map(line).collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("No recovery is ordered.")?;
        } else {
            for line in &lines {
                output::line(&format!(
                    "{:<20} {}  {} ordered, {} received, {} offset, {} written off, {} open  ({})",
                    line.programme.as_str(),
                    line.year,
                    output::grouped(&line.ordered),
                    output::grouped(&line.received),
                    output::grouped(&line.offset),
                    output::grouped(&line.written_off),
                    output::grouped(&line.open),
                    output::counted(line.number, "recovery", "recoveries"),
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
