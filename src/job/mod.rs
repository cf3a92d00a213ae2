//! Work that is done at times rather than by somebody: what lapses by itself, and reminders of what is due.
//!
//! A job is safe to run twice, on two machines, or late: each step is a transaction of its own that finds only what is
//! still to be done, and says in the same transaction how much of it is done. What it changes are commands of the
//! features, by the zone's own system or a manager, and stand in the log. Runs and reminders are rows beside it, to be seen.

mod reminder;
mod run;
pub mod store;

use serde::Serialize;

pub use reminder::{Reminder, ReminderKind};
pub use run::{Begun, JobError, Run, RunOutcome, begin, end, step};

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// Lapses what is free on vouchers whose last day has passed.
    VoucherExpiry,
    /// Reminds of vouchers that expire, notices that are over, instalments that are due or overdue.
    Reminders,
}

impl Job {
    /// Every job, in the order in which they run.
    pub const ALL: [Self; 2] = [Self::VoucherExpiry, Self::Reminders];

    /// As the database and the command line write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VoucherExpiry => "voucher-expiry",
            Self::Reminders => "reminders",
        }
    }

    /// The job with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|job| job.as_str() == word)
    }
}
