//! A demonstration zone: many parties with a year of vouchers and their payment, played through the real commands. All
//! else that happens in the year stands in a script of command lines (`assets/demo`), which the command line plays between.
//!
//! Every command has a moment that follows from its day and place, and vouchers a key too, so the year can be played
//! again over a part of itself: what was recorded stays as it is, and only the rest happens. That is how a demonstration
//! that was killed goes on.

mod applicants;
mod bank;
mod stage;
mod year;

use chrono::NaiveDate;

pub use bank::Bank;
pub use stage::{DemoError, Stage};

/// The budget year that is played.
pub const YEAR: i16 = 2020;
/// The code of the demonstration zone.
pub const ZONE: &str = "DEMO";

/// How large a demonstration is, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// How many parties.
    pub parties: usize,
    /// The same seed gives the same parties and the same year.
    pub seed: u64,
}

/// What the demonstration is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// One of so many steps begins.
    Step {
        /// Which, from 1.
        number: u64,
        /// Of how many.
        of: u64,
        /// The day that is played.
        day: NaiveDate,
        /// What happens.
        what: String,
    },
    /// More of the step's commands are recorded.
    Commands(u64),
}

/// Where progress is told.
pub type Tell<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Plays the year of vouchers and their payment, or the rest of it. `between` is told each day on which something
/// happens, before it does, and plays what else happens up to then.
pub async fn play(
    stage: &Stage,
    size: Size,
    tell: Tell<'_>,
    between: impl AsyncFnMut(&Stage, &mut Bank, NaiveDate) -> Result<(), DemoError>,
) -> Result<(), DemoError> {
    year::play(stage, size, tell, between).await
}
