//! A policy over all parties of a zone at once: who qualifies and for how much, what a draft would change, and for one
//! party every programme that it qualifies for. Reads, and writes nothing.
//!
//! Facts come from Postgres into columns ([`load`]), and `policy::screen` decides for whole columns. What one party is
//! told is a decision like any other, with its trace. [`Rerun`] makes decisions that were recorded again by a draft.

mod answer;
mod earlier;
mod exhaustion;
mod history;
mod load;
mod one;
mod simulate;
mod whole;

pub use answer::{Eligibility, Listing, Row, Unmet};
pub use history::{CaseChange, Count, History, OfMoment, OfYear, Rerun, Span};
pub use load::{Among, Progress, Roll, Wanted, load};
pub use one::{Qualified, for_party};
pub use simulate::{Change, Side, Simulation, simulate};
pub use whole::{Screened, ScreeningError, find_policy, screen};
