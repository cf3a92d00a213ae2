//! What keeps a budget line from being used: a freeze. And why commands of budget control change nothing.

use serde::Serialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use super::budget::lock_head;
use super::{BudgetLine, ProgrammeError, first_answer, record, store};
use crate::identity::{Command, Role};
use crate::journal::Recorded;
use crate::types::{Code, FiscalYear, LogIndex, Money, Reason};

/// Why a command of budget control changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// As with every command of a programme.
    #[error(transparent)]
    Programme(#[from] ProgrammeError),
    /// Both programmes are one.
    #[error("{0} can't give to itself: name another programme")]
    OneProgramme(Code),
    /// More than is free.
    #[error("{programme} has {free} free in {year}, less than {amount}: transfer at most that")]
    MoreThanFree {
        /// The programme that gives.
        programme: Code,
        /// The budget year.
        year: FiscalYear,
        /// What it has free, decimal text.
        free: String,
        /// What was asked, decimal text.
        amount: String,
    },
    /// No such proposal, or it is decided.
    #[error(
        "entry {0} proposed no transfer that waits: `programme transfers` lists the proposals and what became of them"
    )]
    NotWaiting(LogIndex),
    /// Frozen already.
    #[error("{programme} is frozen in {year} already, by entry {entry}")]
    Frozen {
        /// The programme.
        programme: Code,
        /// The budget year.
        year: FiscalYear,
        /// The entry that froze it.
        entry: LogIndex,
    },
    /// Not frozen.
    #[error("{programme} is not frozen in {year}: `report execution` shows what is")]
    NotFrozen {
        /// The programme.
        programme: Code,
        /// The budget year.
        year: FiscalYear,
    },
}

impl From<sqlx::Error> for ControlError {
    fn from(error: sqlx::Error) -> Self {
        Self::Programme(error.into())
    }
}

/// A budget line to be frozen or thawed, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Freeze {
    /// The programme.
    pub programme: Code,
    /// Why.
    pub reason: Reason,
    /// The budget year.
    pub year: FiscalYear,
}

impl Freeze {
    fn line(&self, command: &Command<'_>) -> BudgetLine {
        BudgetLine {
            programme: self.programme.clone(),
            year: self.year,
            currency: command.zone.currency,
        }
    }
}

/// Freezes a budget line: from this entry on nothing is issued, awarded, claimed or moved out of it. What was issued can be
/// ordered with, redeemed and paid as before.
pub async fn freeze(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &Freeze,
) -> Result<Recorded, ControlError> {
    const KIND: &str = "budget.frozen";
    command
        .actor
        .require(&[Role::Finance, Role::Manager])
        .map_err(ProgrammeError::from)?;
    let first = first_answer::<_, IgnoredAny>(conn, command, KIND, input).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    let zone = command.zone.id;
    if !store::exists(conn, zone, &input.programme).await? {
        return Err(ProgrammeError::Unknown(input.programme.clone()).into());
    }
    // Whoever posts from the line has done so, or sees that it is frozen.
    lock_head(conn, command).await?;
    let line = input.line(command);
    if let Some(frozen) = store::frozen(conn, zone, std::slice::from_ref(&line))
        .await?
        .pop()
    {
        return Err(ControlError::Frozen {
            programme: line.programme,
            year: line.year,
            entry: frozen.frozen_index,
        });
    }
    let recorded = record(conn, command, (KIND, input), input, Vec::new()).await?;
    store::insert_freeze(conn, zone, input, command.actor.person, recorded.index).await?;
    Ok(recorded)
}

/// Ends a freeze.
pub async fn thaw(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &Freeze,
) -> Result<Recorded, ControlError> {
    #[derive(Serialize)]
    struct Thawed<'a> {
        frozen_index: LogIndex,
        #[serde(flatten)]
        input: &'a Freeze,
    }
    const KIND: &str = "budget.thawed";
    command
        .actor
        .require(&[Role::Finance, Role::Manager])
        .map_err(ProgrammeError::from)?;
    let first = first_answer::<_, IgnoredAny>(conn, command, KIND, input).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    lock_head(conn, command).await?;
    let line = input.line(command);
    let frozen = store::frozen(conn, command.zone.id, &[line]).await?.pop();
    let frozen_index = frozen
        .ok_or_else(|| ControlError::NotFrozen {
            programme: input.programme.clone(),
            year: input.year,
        })?
        .frozen_index;
    let details = Thawed {
        frozen_index,
        input,
    };
    let recorded = record(conn, command, (KIND, input), &details, Vec::new()).await?;
    let person = command.actor.person;
    store::end_freeze(conn, command.zone.id, frozen_index, person, recorded.index).await?;
    Ok(recorded)
}

/// What a line has free, once the head of the log is locked.
pub(super) async fn free(
    conn: &mut PgConnection,
    command: &Command<'_>,
    line: &BudgetLine,
) -> Result<Money, sqlx::Error> {
    let account = line.account(crate::journal::AccountCode::B30);
    let free = crate::journal::balances(conn, command.zone.id, &[account]).await?;
    Ok(free.into_iter().sum())
}
