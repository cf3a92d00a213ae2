//! Positions in a zone's log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::excerpt;

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

/// A text that is no position in a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no number of an entry: write digits only")]
pub struct NotAnIndex(pub String);

impl FromStr for LogIndex {
    type Err = NotAnIndex;

    fn from_str(text: &str) -> Result<Self, NotAnIndex> {
        let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let index = digits.and_then(|digits| digits.parse().ok());
        index.map(Self).ok_or_else(|| NotAnIndex(excerpt(text)))
    }
}
