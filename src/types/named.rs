//! Short names: a letter and the log index of the entry that made the thing, such as `V39`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::{
    AccountId, BatchId, ClaimId, ContractId, DeferralId, HoldId, LeaseId, LogIndex, NoticeId,
    PayableId, RecoveryId, RunId, VoucherId, WaiverId, excerpt,
};

/// Things that people call by a short name.
pub trait ShortNamed: FromStr {
    /// What the name begins with.
    const LETTER: char;
    /// What it is called in a sentence.
    const WHAT: &'static str;
}

impl ShortNamed for VoucherId {
    const LETTER: char = 'V';
    const WHAT: &'static str = "voucher";
}

impl ShortNamed for HoldId {
    const LETTER: char = 'H';
    const WHAT: &'static str = "hold";
}

impl ShortNamed for PayableId {
    /// What is due.
    const LETTER: char = 'D';
    const WHAT: &'static str = "payable";
}

impl ShortNamed for BatchId {
    const LETTER: char = 'P';
    const WHAT: &'static str = "batch";
}

impl ShortNamed for AccountId {
    const LETTER: char = 'B';
    const WHAT: &'static str = "bank account";
}

impl ShortNamed for ClaimId {
    const LETTER: char = 'C';
    const WHAT: &'static str = "claim";
}

impl ShortNamed for NoticeId {
    const LETTER: char = 'N';
    const WHAT: &'static str = "notice";
}

impl ShortNamed for RunId {
    const LETTER: char = 'R';
    const WHAT: &'static str = "award run";
}

impl ShortNamed for LeaseId {
    const LETTER: char = 'L';
    const WHAT: &'static str = "lease";
}

impl ShortNamed for WaiverId {
    const LETTER: char = 'W';
    const WHAT: &'static str = "waiver";
}

impl ShortNamed for DeferralId {
    /// A schedule of instalments; D is what is due.
    const LETTER: char = 'S';
    const WHAT: &'static str = "deferral";
}

impl ShortNamed for ContractId {
    /// As it sounds; C is a claim.
    const LETTER: char = 'K';
    const WHAT: &'static str = "contract";
}

impl ShortNamed for RecoveryId {
    /// 追回; R is an award run.
    const LETTER: char = 'Z';
    const WHAT: &'static str = "recovery";
}

/// A thing as people name it, still to be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<Id> {
    /// By its id.
    Id(Id),
    /// By the entry that made it.
    Entry(LogIndex),
}

/// A text that is neither a short name nor an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no {what}: write {letter} and the number of its entry, or its id")]
pub struct NotNamed {
    text: String,
    what: &'static str,
    letter: char,
}

impl<Id: ShortNamed> FromStr for Named<Id> {
    type Err = NotNamed;

    fn from_str(text: &str) -> Result<Self, NotNamed> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        text.strip_prefix([Id::LETTER, Id::LETTER.to_ascii_lowercase()])
            .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|number| number.parse().ok())
            .map(|index| Self::Entry(LogIndex(index)))
            .ok_or_else(|| NotNamed {
                text: excerpt(text),
                what: Id::WHAT,
                letter: Id::LETTER,
            })
    }
}

impl<Id: ShortNamed + fmt::Display> fmt::Display for Named<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Entry(index) => write!(f, "{}{index}", Id::LETTER),
        }
    }
}

/// As people write it.
impl<Id: ShortNamed + fmt::Display> Serialize for Named<Id> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_letter_and_an_entry_or_an_id() {
        let id = VoucherId::generate();
        assert_eq!(id.to_string().parse(), Ok(Named::Id(id)));
        assert_eq!("V39".parse(), Ok(Named::<VoucherId>::Entry(LogIndex(39))));
        assert_eq!("h0".parse(), Ok(Named::<HoldId>::Entry(LogIndex(0))));
        assert_eq!("D41".parse(), Ok(Named::<PayableId>::Entry(LogIndex(41))));
        assert_eq!("P44".parse::<Named<BatchId>>().unwrap().to_string(), "P44");
        let beyond = format!("V{}0", i64::MAX);
        for bad in ["", "V", "V-1", "V+1", "V 1", "H39", "39", "VV1", &beyond] {
            let refusal = bad.parse::<Named<VoucherId>>().unwrap_err();
            let remedy = "names no voucher: write V and the number of its entry, or its id";
            assert!(refusal.to_string().ends_with(remedy), "{refusal}");
        }
    }
}
