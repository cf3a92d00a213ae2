//! Words in two languages, and the codes that stand for reasons.

use std::borrow::Cow;
use std::fmt;
use std::ops::BitOrAssign;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::types::excerpt;

/// A language that people read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Locale {
    /// 简体中文.
    Zh,
    /// English.
    En,
}

/// One text in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bilingual {
    /// 中文.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Bilingual {
    /// The text in one language.
    pub fn get(&self, locale: Locale) -> &str {
        match locale {
            Locale::Zh => &self.zh,
            Locale::En => &self.en,
        }
    }
}

/// A stable code for why a decision is what it is, such as `RELATED_PARTY` or `CAP_FIRM_YEAR`:
/// 1 to 40 of `A-Z`, `0-9` and `_`, beginning with a letter. Programs and letters quote it, so a
/// later version of a pack keeps the codes of the earlier one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ReasonCode(Cow<'static, str>);

/// A text that is no reason code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a reason code: use 1 to 40 capital letters, digits and underscores, beginning \
     with a letter, such as RELATED_PARTY"
)]
pub struct NotAReasonCode(String);

impl ReasonCode {
    /// The policy is not in force on the day of the decision.
    pub const NOT_IN_FORCE: Self = Self(Cow::Borrowed("NOT_IN_FORCE"));
    /// The facts are in another currency than the policy.
    pub const CURRENCY: Self = Self(Cow::Borrowed("CURRENCY"));
    /// The order comes after the last day of the voucher, or before it was issued.
    pub const EXPIRED: Self = Self(Cow::Borrowed("EXPIRED"));
    /// A fact that the decision needs was not stated.
    pub const MISSING_FACT: Self = Self(Cow::Borrowed("MISSING_FACT"));
    /// The rate gives nothing.
    pub const NOTHING_TO_FUND: Self = Self(Cow::Borrowed("NOTHING_TO_FUND"));
    /// The limit for one application was reached.
    pub const CAP_APPLICATION: Self = Self(Cow::Borrowed("CAP_APPLICATION"));
    /// The limit for what one applicant holds at a time was reached.
    pub const CAP_HOLDING: Self = Self(Cow::Borrowed("CAP_HOLDING"));
    /// The limit per applicant and year was reached.
    pub const CAP_FIRM_YEAR: Self = Self(Cow::Borrowed("CAP_FIRM_YEAR"));
    /// No more can be redeemed than is held.
    pub const CAP_HOLDING_BALANCE: Self = Self(Cow::Borrowed("CAP_HOLDING_BALANCE"));
    /// The limit for each head or thing was reached.
    pub const CAP_UNIT: Self = Self(Cow::Borrowed("CAP_UNIT"));
    /// The limit of all firms under one controller was reached.
    pub const CAP_GROUP_YEAR: Self = Self(Cow::Borrowed("CAP_GROUP_YEAR"));
    /// The limit per provider and year was reached.
    pub const CAP_PROVIDER_YEAR: Self = Self(Cow::Borrowed("CAP_PROVIDER_YEAR"));
    /// The limit of all years was reached.
    pub const CAP_LIFETIME: Self = Self(Cow::Borrowed("CAP_LIFETIME"));
    /// As many awards as a year allows were given.
    pub const CAP_YEAR_COUNT: Self = Self(Cow::Borrowed("CAP_YEAR_COUNT"));
    /// As many awards as are ever allowed were given.
    pub const CAP_LIFETIME_COUNT: Self = Self(Cow::Borrowed("CAP_LIFETIME_COUNT"));
    /// The ceiling of de minimis aid was reached.
    pub const CAP_DE_MINIMIS: Self = Self(Cow::Borrowed("CAP_DE_MINIMIS"));
    /// The limit of the programme was reached.
    pub const CAP_PROGRAMME: Self = Self(Cow::Borrowed("CAP_PROGRAMME"));
    /// The budget is shared in proportion, and is not enough for all.
    pub const BUDGET_SHARE: Self = Self(Cow::Borrowed("BUDGET_SHARE"));
    /// The case ranks below those that are awarded.
    pub const RANK: Self = Self(Cow::Borrowed("RANK"));
    /// No rate of the policy is for this case.
    pub const NO_RATE: Self = Self(Cow::Borrowed("NO_RATE"));
    /// A ratio has zero below the line.
    pub const ZERO_DENOMINATOR: Self = Self(Cow::Borrowed("ZERO_DENOMINATOR"));
    /// An amount beyond what can be written.
    pub const OUT_OF_RANGE: Self = Self(Cow::Borrowed("OUT_OF_RANGE"));
    /// The policy does not decide at this moment.
    pub const MOMENT: Self = Self(Cow::Borrowed("MOMENT"));
    /// A unified social credit code whose check character is wrong.
    pub const USCC_BAD_CHECK: Self = Self(Cow::Borrowed("USCC_BAD_CHECK"));
    /// A unified social credit code with a character outside the standard's alphabet.
    pub const USCC_BAD_ALPHABET: Self = Self(Cow::Borrowed("USCC_BAD_ALPHABET"));
    /// A unified social credit code that has not 18 characters.
    pub const USCC_BAD_LENGTH: Self = Self(Cow::Borrowed("USCC_BAD_LENGTH"));
    /// A unified social credit code in small letters.
    pub const USCC_LOWER_CASE: Self = Self(Cow::Borrowed("USCC_LOWER_CASE"));

    /// The codes that this program gives by itself; a pack can't use them for its criteria.
    pub const BUILT_IN: [Self; 27] = [
        Self::NOT_IN_FORCE,
        Self::CURRENCY,
        Self::EXPIRED,
        Self::MISSING_FACT,
        Self::NOTHING_TO_FUND,
        Self::CAP_APPLICATION,
        Self::CAP_HOLDING,
        Self::CAP_FIRM_YEAR,
        Self::CAP_HOLDING_BALANCE,
        Self::CAP_UNIT,
        Self::CAP_GROUP_YEAR,
        Self::CAP_PROVIDER_YEAR,
        Self::CAP_LIFETIME,
        Self::CAP_YEAR_COUNT,
        Self::CAP_LIFETIME_COUNT,
        Self::CAP_DE_MINIMIS,
        Self::CAP_PROGRAMME,
        Self::BUDGET_SHARE,
        Self::RANK,
        Self::NO_RATE,
        Self::ZERO_DENOMINATOR,
        Self::OUT_OF_RANGE,
        Self::MOMENT,
        Self::USCC_BAD_CHECK,
        Self::USCC_BAD_ALPHABET,
        Self::USCC_BAD_LENGTH,
        Self::USCC_LOWER_CASE,
    ];

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Some of [`ReasonCode::BUILT_IN`], small enough to be kept for each of a million parties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuiltIns(u32);

const _: () = assert!(ReasonCode::BUILT_IN.len() <= 32);

impl BuiltIns {
    /// Adds a code; one of a pack's own is none of these.
    pub fn insert(&mut self, code: &ReasonCode) {
        let mut built_in = ReasonCode::BUILT_IN.iter();
        if let Some(place) = built_in.position(|known| known == code) {
            self.0 |= 1 << place;
        }
    }

    /// The codes, in the order of [`ReasonCode::BUILT_IN`].
    pub fn iter(self) -> impl Iterator<Item = ReasonCode> {
        let places = ReasonCode::BUILT_IN.into_iter().enumerate();
        places
            .filter(move |(place, _)| self.0 >> place & 1 == 1)
            .map(|(_, code)| code)
    }
}

impl<'c> Extend<&'c ReasonCode> for BuiltIns {
    fn extend<I: IntoIterator<Item = &'c ReasonCode>>(&mut self, codes: I) {
        codes.into_iter().for_each(|code| self.insert(code));
    }
}

impl<'c> FromIterator<&'c ReasonCode> for BuiltIns {
    fn from_iter<I: IntoIterator<Item = &'c ReasonCode>>(codes: I) -> Self {
        let mut found = Self::default();
        found.extend(codes);
        found
    }
}

impl BitOrAssign for BuiltIns {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl FromStr for ReasonCode {
    type Err = NotAReasonCode;

    fn from_str(text: &str) -> Result<Self, NotAReasonCode> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for ReasonCode {
    type Error = NotAReasonCode;

    fn try_from(text: String) -> Result<Self, NotAReasonCode> {
        let inner = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        let first = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_uppercase());
        if first && text.len() <= 40 && text.bytes().all(inner) {
            Ok(Self(Cow::Owned(text)))
        } else {
            Err(NotAReasonCode(excerpt(&text)))
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
