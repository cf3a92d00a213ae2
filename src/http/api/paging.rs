//! Pages of lists.

use serde::Deserialize;

use crate::types::LogIndex;

/// How many items a page has at most: 1 to 500, 50 if not said.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u16")]
pub(super) struct Limit(u16);

impl Limit {
    const MOST: u16 = 500;

    pub(super) const fn get(self) -> u16 {
        self.0
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u16> for Limit {
    type Error = String;

    fn try_from(limit: u16) -> Result<Self, String> {
        if (1..=Self::MOST).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(format!("must be 1 to {}", Self::MOST))
        }
    }
}

/// A place in the log, from 0.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "u64")]
pub(in crate::http) struct Place(pub(super) LogIndex);

impl TryFrom<u64> for Place {
    type Error = &'static str;

    fn try_from(index: u64) -> Result<Self, &'static str> {
        // One less than the largest, since "with this entry" is a size, which is one more.
        i64::try_from(index)
            .ok()
            .filter(|index| *index < i64::MAX)
            .map(|index| Self(LogIndex(index)))
            .ok_or("is beyond what a log can have")
    }
}

/// The cursor of the next page, if this one is full and there may be one.
pub(super) fn next<T, C>(items: &[T], limit: Limit, cursor: impl Fn(&T) -> C) -> Option<C> {
    if items.len() < usize::from(limit.get()) {
        None
    } else {
        items.last().map(cursor)
    }
}
