//! A budget year is closed: proposed with its plan, then carried out as it was seen.

use serde::Serialize;
use sqlx::PgConnection;

use super::plan::{Blocked, Line, Plan};
use crate::accounting::proposal::PeriodError;
use crate::identity::Command;
use crate::journal::{self, AccountCode, Address, Effect, Entry, RecordError, Recorded, Transfer};
use crate::programme::BudgetLine;
use crate::types::{Amount, Code, FiscalYear, LogIndex, Money};

/// What a confirmed closing is recorded with.
#[derive(Clone, Copy, Debug)]
pub(in crate::accounting) struct CloseYear {
    pub(in crate::accounting) year: FiscalYear,
    pub(in crate::accounting) proposed: LogIndex,
}

/// The plan of a year that can be closed: it is over, the next one is open, and no programme stands in the way. The head of
/// the log is locked.
pub(in crate::accounting) async fn propose(
    conn: &mut PgConnection,
    command: &Command<'_>,
    year: FiscalYear,
) -> Result<Plan, PeriodError> {
    let zone = command.zone;
    let end = year.period().until();
    if end.is_none_or(|end| command.today() < end) {
        return Err(PeriodError::YearNotOver(year));
    }
    let plan = Plan::read(conn, zone, year).await?;
    if plan.carries() > Money::ZERO
        && let Some(closing) = journal::year_closed_by(conn, zone.id, year.next()).await?
    {
        return Err(PeriodError::NextYearClosed {
            year,
            next: year.next(),
            closing,
        });
    }
    if let Some(closing) = journal::year_closed_by(conn, zone.id, year).await?
        && plan.is_empty()
    {
        return Err(PeriodError::YearClosed { year, closing });
    }
    for line in &plan.lines {
        let programme = line.programme.clone();
        match line.blocked() {
            Some(Blocked::Frozen) => return Err(PeriodError::Frozen { programme, year }),
            Some(Blocked::Vouchers) => {
                return Err(PeriodError::VouchersLeft {
                    programme,
                    year,
                    outstanding: line.outstanding.to_text(plan.currency),
                    reserved: line.reserved.to_text(plan.currency),
                });
            }
            None => {}
        }
    }
    Ok(plan)
}

/// Records what the plan says, an entry for each line, so that an entry stays within its size however many programmes a
/// zone has; and then `last`, which closes the year.
pub(in crate::accounting) async fn close(
    conn: &mut PgConnection,
    command: &Command<'_>,
    plan: &Plan,
    close: CloseYear,
    last: Entry,
) -> Result<Recorded, PeriodError> {
    let zone = command.zone;
    let mut entries = Vec::new();
    for line in &plan.lines {
        entries.extend(line_entry(command, plan, line, close)?);
    }
    if let Ok(amount) = Amount::new(plan.unallocated) {
        let of_year = |code| Address::new(code, plan.currency).year(plan.year);
        let transfer = Transfer::new(of_year(AccountCode::B20), of_year(AccountCode::B80), amount)?;
        let said = Said::new(plan, close, None, (plan.unallocated, Money::ZERO));
        entries.push(adjusting(command, &said, vec![transfer])?);
    }
    entries.push(last);
    let outcomes = journal::record(conn, zone, command.now, &entries).await?;
    let recorded: Vec<Recorded> = outcomes
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(RecordError::from)?;
    let closing = *recorded.last().expect("BUG: an entry was recorded");
    let period = plan.year.period();
    let until = period.until().ok_or(PeriodError::YearNotOver(plan.year))?;
    journal::note_closing(conn, zone.id, period.from(), until, closing.index).await?;
    Ok(closing)
}

/// What an entry says of one line.
#[derive(Serialize)]
struct Said<'a> {
    carried: String,
    lapsed: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    programme: Option<&'a Code>,
    proposed_index: LogIndex,
    year: FiscalYear,
}

impl<'a> Said<'a> {
    fn new(
        plan: &Plan,
        close: CloseYear,
        programme: Option<&'a Code>,
        (lapsed, carried): (Money, Money),
    ) -> Self {
        Self {
            carried: carried.to_text(plan.currency),
            lapsed: lapsed.to_text(plan.currency),
            programme,
            proposed_index: close.proposed,
            year: close.year,
        }
    }
}

fn adjusting(
    command: &Command<'_>,
    said: &Said<'_>,
    transfers: Vec<Transfer>,
) -> Result<Entry, PeriodError> {
    Ok(Entry {
        transfers,
        effect: Effect::Adjusting,
        ..command.entry("budget.year_ended", said)?
    })
}

/// B30/B80 for what lapses; B30/B90 for what is carried over, and in the next year B10/B20 and B20/B30 of the same
/// programme. Nothing, if nothing is free.
fn line_entry(
    command: &Command<'_>,
    plan: &Plan,
    line: &Line,
    close: CloseYear,
) -> Result<Option<Entry>, PeriodError> {
    let of = |year| BudgetLine {
        programme: line.programme.clone(),
        year,
        currency: plan.currency,
    };
    let (this, next) = (of(plan.year), of(plan.year.next()));
    let moved = (line.lapses(), line.carries());
    let mut transfers = Vec::new();
    if moved.0 > Money::ZERO {
        transfers.push(this.transfer(AccountCode::B30, AccountCode::B80, Amount::new(moved.0)?)?);
    }
    if moved.1 > Money::ZERO {
        let amount = Amount::new(moved.1)?;
        let own = |code| Address::new(code, plan.currency).year(next.year);
        let programme = next.account(AccountCode::B30);
        transfers.push(this.transfer(AccountCode::B30, AccountCode::B90, amount)?);
        transfers.push(Transfer::new(
            own(AccountCode::B10),
            own(AccountCode::B20),
            amount,
        )?);
        transfers.push(Transfer::new(own(AccountCode::B20), programme, amount)?);
    }
    if transfers.is_empty() {
        return Ok(None);
    }
    let said = Said::new(plan, close, Some(&line.programme), moved);
    adjusting(command, &said, transfers).map(Some)
}
