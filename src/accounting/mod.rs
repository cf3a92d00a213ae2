//! What finance does to the books as such: undoing an entry that moved accounts only, closing a period and opening it
//! again, and the end of a budget year.

mod proposal;
pub mod store;
mod undo;
mod year_end;

use sqlx::PgConnection;

pub use proposal::{
    Closing, ConfirmRefusal, Confirmed, PeriodError, Proposal, ProposalOutcome, Subject, confirm,
    propose_reopening, propose_year_end, reject,
};
pub use undo::{Undo, undo};
pub use year_end::{Blocked, FreeAtEnd, Line, NewRule, Plan, Rule, VouchersAtEnd, set_rule};

use crate::identity::{Command, Forbidden, Role};
use crate::journal::{self, ClosePeriodError, Recorded, ReverseError};
use crate::types::{LogIndex, Period, Reason};

/// Why nothing was reversed or closed.
#[derive(Debug, thiserror::Error)]
pub enum AccountingError {
    /// More than accounts follows the entry.
    #[error("entry {index} is {kind}, which a reversing entry does not undo: {remedy}")]
    NotByReversal {
        /// The entry.
        index: LogIndex,
        /// What it records.
        kind: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The entry was not reversed.
    #[error(transparent)]
    Reverse(#[from] ReverseError),
    /// The period was not closed.
    #[error(transparent)]
    Close(#[from] ClosePeriodError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// An entry to be undone.
#[derive(Clone, Debug)]
pub struct Reverse {
    /// The entry.
    pub index: LogIndex,
    /// Why.
    pub reason: Reason,
}

/// Undoes an entry by one with every transfer the other way, if accounts are all that it moved. What is
/// no longer there to be put back, such as authority that was used since, is refused.
pub async fn reverse(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &Reverse,
) -> Result<Recorded, AccountingError> {
    command.actor.require(&[Role::Finance])?;
    let zone = command.zone;
    let index = input.index;
    let kind = journal::entry_kind(conn, zone.id, index)
        .await?
        .ok_or(ReverseError::Unknown(index))?;
    if let Undo::Otherwise(remedy) = undo(&kind) {
        return Err(AccountingError::NotByReversal {
            index,
            kind,
            remedy,
        });
    }
    let (now, actor) = (command.now, command.actor.person);
    let reason = &input.reason;
    Ok(journal::reverse(conn, zone, now, actor, index, reason, command.key).await?)
}

/// A period to be closed.
#[derive(Clone, Debug)]
pub struct ClosePeriod {
    /// Its days.
    pub period: Period,
    /// Why.
    pub reason: Reason,
}

/// Closes a period that is over: from then on it takes adjusting entries only.
pub async fn close_period(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &ClosePeriod,
) -> Result<Recorded, AccountingError> {
    command.actor.require(&[Role::Finance])?;
    let (zone, now, actor) = (command.zone, command.now, command.actor.person);
    let ClosePeriod { period, reason } = input;
    Ok(journal::close_period(conn, zone, now, actor, *period, reason, command.key).await?)
}
