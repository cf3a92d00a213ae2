//! Positions in a zone's log.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an entry stands in its zone's log, from 0, without gaps. It is the entry's identity: nothing
/// else names an entry, in the journal, in a receipt or on a page.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct LogIndex(pub i64);

impl fmt::Display for LogIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
