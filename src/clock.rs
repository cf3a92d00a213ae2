//! The one place that reads the time.

use chrono::{DateTime, SubsecRound, Utc};

/// The time as commands see it: given to them, never read by them.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A fixed instant, for demonstrations and tests.
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// The instant, to the microsecond that Postgres keeps.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one reader of the machine's clock"
    )]
    pub fn now(self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Fixed(instant) => instant,
        }
    }
}
