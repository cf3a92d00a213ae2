//! The outcome of a verification.

use serde::Serialize;

use super::database::RowFault;
use super::pins::PinFault;
use super::replay::{BooksFault, EntryFault, Totals, by_book};
use crate::journal::Book;
use crate::log::LogError;
use crate::log::bundle::{BundleError, Fault};
use crate::types::{Currency, Money};

/// What was verified, all of it in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Code of the zone; `None` for an empty bundle, which does not say.
    pub zone: Option<String>,
    /// Entries.
    pub size: u64,
    /// RFC 6962 root over them, base64.
    pub root: String,
    /// Transfers.
    pub transfers: u64,
    /// Guarded accounts whose balance is not zero.
    pub accounts: u64,
    /// Debits and credits, which are equal in each.
    pub books: Vec<BookTotal>,
    /// Signed checkpoints that the log was found to extend.
    pub checkpoints: u64,
    /// How often the entries were replayed: more than once when the accounts did not fit the memory.
    pub passes: u32,
    /// What was not checked, and why.
    pub warnings: Vec<String>,
}

/// A book in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BookTotal {
    /// The book.
    pub book: Book,
    /// Currency.
    pub currency: Currency,
    /// All debits, minor units.
    pub debits: Money,
    /// All credits, minor units.
    pub credits: Money,
}

impl BookTotal {
    pub(super) fn of(totals: &Totals) -> Vec<Self> {
        by_book(totals)
            .into_iter()
            .map(|((book, currency), totals)| Self {
                book,
                currency,
                debits: totals.debits,
                credits: totals.credits,
            })
            .collect()
    }
}

/// The first thing that is wrong, or why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A zone whose log was signed on this machine is gone.
    #[error(
        "the database has no such zone, though its log was signed here: the whole zone was deleted, or this is another database"
    )]
    ZoneGone,
    /// A file of the bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// An entry.
    #[error(transparent)]
    Entry(#[from] EntryFault),
    /// The books as a whole.
    #[error(transparent)]
    Books(#[from] BooksFault),
    /// A checkpoint that was kept elsewhere.
    #[error(transparent)]
    Pin(#[from] PinFault),
    /// A row of the database.
    #[error(transparent)]
    Row(Box<RowFault>),
    /// The log in the database.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The database failed.
    #[error("the database failed while it was verified")]
    Database(#[from] sqlx::Error),
}

impl From<Fault> for VerifyError {
    fn from(fault: Fault) -> Self {
        Self::Bundle(fault.into())
    }
}

impl From<RowFault> for VerifyError {
    fn from(fault: RowFault) -> Self {
        Self::Row(Box::new(fault))
    }
}
