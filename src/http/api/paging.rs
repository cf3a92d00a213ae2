//! Pages of lists.

use std::str::FromStr;

use serde::Deserialize;

use crate::types::LogIndex;

/// Digits only: the standard library's parser takes a sign, and says what is wrong in words of its own.
fn number<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// How many items a page has at most: 1 to 500, 50 if not said.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
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

impl TryFrom<String> for Limit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        number(&text)
            .filter(|limit| (1..=Self::MOST).contains(limit))
            .map(Self)
            .ok_or_else(|| format!("must be a whole number from 1 to {}", Self::MOST))
    }
}

/// A place in the log, from 0.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(in crate::http) struct Place(pub(super) LogIndex);

impl TryFrom<String> for Place {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        // One less than the largest, since "with this entry" is a size, which is one more.
        number(&text)
            .filter(|index| *index < i64::MAX)
            .map(|index| Self(LogIndex(index)))
            .ok_or("must be the number of an entry: a whole number from 0, such as 41")
    }
}

/// An id in a query. In a path, what is no id does not exist, and needs no words.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String", bound = "T: FromStr")]
pub(super) struct Id<T>(pub(super) T);

impl<T: FromStr> TryFrom<String> for Id<T> {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let wrong = "must be an id, such as 0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11";
        text.parse().map(Self).map_err(|_| wrong)
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
