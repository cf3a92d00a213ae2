//! The books: accounts, transfers and entries, and the only writer of their tables.
//!
//! [`record`] takes one entry or thousands and costs the same few statements for either. Every
//! decision on them is made by the pure fold in `fold`; the rest of the room reads and writes rows.

mod address;
mod body;
pub mod canonical;
mod chart;
mod entry;
mod fold;
mod idempotency;
mod period;
mod read;
mod record;
mod reverse;
mod rows;
mod several;

pub use address::{Address, AddressError};
pub use body::{Body, BodyError, BodyTransfer, Details};
pub use chart::{AccountCode, Book, Side};
pub use entry::{Effect, Entry, EntryKind, Idempotency, Transfer, TransferError};
pub use fold::{AccountTotals, Books, PostedTransfer, Refusal};
pub use idempotency::{Earlier, RecallError, earlier, first_answer};
pub use period::{
    ClosePeriodError, close_period, is_closed, note_closing, open_throughout, year_closed_by,
};
pub use read::{
    AsOf, Balance, ControlTotal, Statement, StatementLine, TrialBalanceLine, account_balance,
    balances, balances_by_party, control_totals, entry_bodies, entry_body, entry_case, entry_kind,
    entry_page, opened_after, size_at, statement, trial_balance,
};
pub use record::{Outcome, RecordError, Recorded, record, record_one};
pub use reverse::{ReverseError, posted, reverse};
pub use several::{Movement, Movements, movements, totals_at};
