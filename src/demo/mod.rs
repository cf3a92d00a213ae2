//! A demonstration zone: plausible parties and a year of vouchers, played through the real commands.
//!
//! Every command has a key that follows from the day and its place, so the year can be played again over
//! a part of itself: what was recorded gives its first answer, and only the rest happens. That is how a
//! demonstration that was killed goes on.

mod applicants;
mod bank;
mod stage;
mod year;

use chrono::NaiveDate;

pub use stage::{DemoError, Stage};

/// The budget year that is played.
pub const YEAR: i16 = 2023;
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

/// Sets up the zone if it is missing, and plays the year, or the rest of it. Says whether there was
/// anything to play.
pub async fn play(stage: &mut Stage, size: Size, tell: Tell<'_>) -> Result<bool, DemoError> {
    if stage.is_played().await? {
        return Ok(false);
    }
    year::play(stage, size, tell).await?;
    Ok(true)
}
