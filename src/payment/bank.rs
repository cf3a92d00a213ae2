//! Lines of the bank's statements, and what of the books they are.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize, Serializer};

use super::iso20022::Direction;
use crate::types::{LogIndex, Money};

/// A line of a statement: the entry that took its file in, and its number in the file. People write `S120-3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BankLineId {
    /// The entry.
    pub file: LogIndex,
    /// From 1.
    pub number: i32,
}

/// A text that names no line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no line of a statement: write it as `payment unmatched` does, such as S120-3")]
pub struct NotABankLine(pub String);

impl fmt::Display for BankLineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S{}-{}", self.file, self.number)
    }
}

impl FromStr for BankLineId {
    type Err = NotABankLine;

    fn from_str(text: &str) -> Result<Self, NotABankLine> {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let parts = text
            .strip_prefix(['S', 's'])
            .and_then(|rest| rest.split_once('-'));
        let read = parts.filter(|(file, number)| digits(file) && digits(number));
        let read = read.and_then(|(file, number)| {
            let file = LogIndex(file.parse().ok()?);
            let number = number.parse().ok()?;
            Some(Self { file, number })
        });
        read.ok_or_else(|| NotABankLine(text.chars().take(40).collect()))
    }
}

/// As people write it.
impl Serialize for BankLineId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How it was found what a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// The line has the end-to-end id of an instruction over the same amount.
    Id,
    /// Amount and other side fit exactly one instruction in transit, and no other line fits it.
    Party,
    /// An earlier file had said that the instruction was paid.
    Known,
    /// A person said so, with a reason.
    Hand,
}

impl MatchedBy {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Party => "party",
            Self::Known => "known",
            Self::Hand => "hand",
        }
    }
}

/// A line of a statement as it is kept.
#[derive(Clone, Debug)]
pub struct BankLineRow {
    /// Its name.
    pub line: BankLineId,
    /// Whether money came or went.
    pub direction: Direction,
    /// Minor units.
    pub amount: Money,
    /// The bank's booking day.
    pub booked_on: NaiveDate,
    /// Whether it takes back a booking or returns a payment.
    pub is_return: bool,
    /// End-to-end id, if the bank gives one.
    pub end_to_end_id: Option<String>,
    /// The bank's own reference.
    pub reference: Option<String>,
    /// The last four characters of the other side's account number.
    pub masked: Option<String>,
    /// What kind of movement the bank says it is.
    pub code: Option<String>,
    /// Whether it is known what of the books it is.
    pub is_matched: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_name() {
        let line = BankLineId {
            file: LogIndex(120),
            number: 3,
        };
        assert_eq!(
            (line.to_string().as_str(), "s120-3".parse()),
            ("S120-3", Ok(line))
        );
        for bad in [
            "",
            "S",
            "S1",
            "S1-",
            "S-1",
            "P1-1",
            "S+1-1",
            "S1-99999999999",
            "S1-1-1",
        ] {
            assert!(bad.parse::<BankLineId>().is_err(), "{bad}");
        }
    }
}
