//! What an auditor works with: samples that anybody can draw again, lists of cases that raise a question, and everything on
//! one case.
//!
//! It reads what the other features recorded and writes nothing but the entry of a draw. An item of a list is a question,
//! not a finding: docs/users/auditor.md says what each list means.

mod case;
mod draw;
mod exception;
mod sample;
mod split;
mod store;

pub use case::{
    CaseFile, CaseName, DecisionOf, DocumentOf, EntryOf, NotACase, PaymentOf, TransferOf, case,
};
pub use draw::{Draw, DrawSample, Drawn, Picked, Plan, draw, draws, sample};
pub use exception::{Case, Exception, ExceptionKind, Page, Settings, exceptions};
pub use sample::{
    Bounds, BoundsError, Extent, Item, MOST_BOUNDS, Pick, Population, Share, ShareError, Stratum,
    TooFew, sha256_of,
};

use crate::identity::{Forbidden, Role};
use crate::journal::{BodyError, RecallError, RecordError};
use crate::log::LogError;
use crate::types::{Code, FiscalYear, LogIndex};

/// Who draws samples.
pub const DRAWN_BY: &[Role] = &[Role::Auditor];

/// Why no sample was drawn or shown.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is no such programme.
    #[error("no programme {0} in this zone: `programme list` shows them")]
    Programme(Code),
    /// Nothing to draw from.
    #[error(
        "nothing was owed of budget year {year} in the first {size} entries of the log: name another --year or --programme"
    )]
    Empty {
        /// The budget year.
        year: FiscalYear,
        /// The log's size that was asked.
        size: i64,
    },
    /// The log is shorter.
    #[error("--size {asked} is beyond the log, which has {size} entries")]
    Beyond {
        /// The size asked for.
        asked: i64,
        /// The size there is.
        size: i64,
    },
    /// One of each stratum is more than was asked for.
    #[error(transparent)]
    TooFew(#[from] TooFew),
    /// The entry is another.
    #[error("entry {0} drew no sample: `audit samples` lists the draws")]
    NoDraw(LogIndex),
    /// A stored draw can't be read.
    #[error("entry {0} can't be read: {1}; run `subsidy-ledger verify`")]
    Unreadable(LogIndex, String),
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The first answer of a command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The entry was not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// A stored policy can't be read.
    #[error(transparent)]
    Policy(#[from] crate::policy::store::StoreError),
    /// The log's root can't be had.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}
