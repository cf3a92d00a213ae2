//! Awards that another office made in the past, taken into a zone as its history.
//!
//! A list of awards is a *source*; a file of it is the whole list at some time. An import brings the
//! zone in line with one file: new rows are recorded, changed rows reversed and recorded anew, and the
//! same file again changes nothing. Reading, identity and the plan are pure; [`import`] carries it out.
//!
//! What is posted, and what is not: the list proves that an award was granted, not that it was paid,
//! and paid means that a bank line says so (invariant 10). So a grant becomes an obligation
//! (`B30/B60`) owed to the recipient (`F5040/F2010`), under authority of the same amount (`B10/B20`,
//! `B20/B30`), and nothing is spent. A refusal is an entry without transfers.

mod amount;
mod file;
mod import;
mod map;
mod plan;
mod postings;
mod reconcile;
mod report;
mod store;

pub use amount::{AmountError, AmountFormat};
pub use file::{AwardFile, AwardRow, FileError, Programme, Recipient};
pub use import::{BadRows, Corrections, ImportError, Stage, import};
pub use map::{AwardMap, FIELDS, MapError};
pub use reconcile::{ProgrammeDifference, Reconciliation, Totals, reconcile};
pub use report::ImportReport;
