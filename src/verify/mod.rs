//! Proof without trust: rebuilds the tree and replays every transfer, from a bundle or a database.
//!
//! What it proves, and what it doesn't: all entries are those that the newest checkpoint was signed over,
//! each balance follows from them, and the log extends every older checkpoint that is given. Whoever has the
//! signing key and the database can rewrite both; only a checkpoint kept elsewhere, newer than what was
//! rewritten, shows it. Whether an entry tells the truth is not for a log to say.

pub mod account;

pub mod entry;

mod written;

pub mod replay;

pub mod pins;

mod report;

mod bundle;

pub mod decisions;

pub mod database;

pub use bundle::{BundleOptions, verify_bundle};
pub use database::{DatabaseOptions, Outside, RowFault, verify_database, verify_snapshot};
pub use decisions::{DecidedBy, decided_by};
pub use report::{BookTotal, Report, VerifyError};
