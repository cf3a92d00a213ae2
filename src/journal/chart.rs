//! The chart of accounts. The table `ledger.chart` says the same, and a test compares.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::types::excerpt;

/// A set of accounts that balances on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Book {
    /// B: budget authority, from appropriation to spent or lapsed.
    Authority,
    /// F: public money.
    Money,
    /// M: rent between carrier and tenant; memo only, never public money.
    Rent,
    /// Q: what caps still allow.
    Quota,
}

impl Book {
    /// Every book, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Authority, Self::Money, Self::Rent, Self::Quota];

    /// The letter that begins its account codes.
    pub const fn letter(self) -> char {
        match self {
            Self::Authority => 'B',
            Self::Money => 'F',
            Self::Rent => 'M',
            Self::Quota => 'Q',
        }
    }

    /// English and Chinese name.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Authority => ("authority", "预算"),
            Self::Money => ("money", "资金"),
            Self::Rent => ("rent", "租金"),
            Self::Quota => ("quota", "限额"),
        }
    }
}

/// The side on which an account's balance is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Assets, expenses, limits set.
    Debit,
    /// Sources, liabilities, authority not yet spent.
    Credit,
}

macro_rules! chart {
    ($($(#[$doc:meta])* $code:ident $side:ident $guard:literal,)+) => {
        /// A code in the chart of accounts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum AccountCode { $($(#[$doc])* $code,)+ }

        impl AccountCode {
            /// Every code, in the order of the chart.
            pub const ALL: &'static [Self] = &[$(Self::$code,)+];

            /// The code as written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => stringify!($code),)+ }
            }

            /// The side on which its balance is positive.
            pub const fn normal_side(self) -> Side {
                match self { $(Self::$code => Side::$side,)+ }
            }

            /// Whether its balance is forbidden to cross zero.
            pub const fn is_guarded(self) -> bool {
                match self { $(Self::$code => $guard,)+ }
            }
        }
    };
}

chart! {
    /// Budget authority: the total of the others in its book.
    B10 Debit true,
    /// Authority not yet allocated to a programme.
    B20 Credit true,
    /// A programme's authority that nothing uses.
    B30 Credit true,
    /// Issued to holders and free to use.
    B40 Credit true,
    /// Reserved for orders and contracts.
    B50 Credit true,
    /// Owed: approved, not yet paid.
    B60 Credit true,
    /// Spent: a bank line says so.
    B70 Credit true,
    /// Lapsed or returned.
    B80 Credit true,
    /// Carried over to the next year.
    B90 Credit true,
    /// Treasury quota or bank.
    F1010 Debit true,
    /// Sent to the bank, not yet confirmed.
    F1020 Credit true,
    /// Recoveries receivable.
    F1210 Debit true,
    /// Owed to payees.
    F2010 Credit true,
    /// Appropriations received.
    F3010 Credit false,
    /// Expense: vouchers.
    F5010 Debit false,
    /// Expense: post-subsidies.
    F5020 Debit false,
    /// Expense: rent-relief compensation.
    F5030 Debit false,
    /// Expense: awards of the past, imported from another office.
    F5040 Debit false,
    /// Expense: awards.
    F5050 Debit false,
    /// Expense: purchased services.
    F5060 Debit false,
    /// Recoveries.
    F5090 Credit false,
    /// Rent receivable by the carrier.
    M1010 Debit true,
    /// Rent deferred.
    M1020 Debit true,
    /// Rent received.
    M1030 Debit true,
    /// Rent billed.
    M4010 Credit false,
    /// Rent waived.
    M5010 Debit false,
    /// Limits set.
    Q10 Debit true,
    /// Numbers of awards allowed; one award is one minor unit.
    Q11 Debit true,
    /// Firm and year: limit left.
    Q20 Credit true,
    /// Holding: limit left.
    Q21 Credit true,
    /// Controller group and year: limit left.
    Q22 Credit true,
    /// Provider and year: limit left.
    Q23 Credit true,
    /// Lifetime: limit left.
    Q24 Credit true,
    /// De minimis aid to a single undertaking: limit left.
    Q25 Credit true,
    /// Programme and year: limit left.
    Q26 Credit true,
    /// Firm and year: awards left; one award is one minor unit.
    Q27 Credit true,
    /// Lifetime: awards left; one award is one minor unit.
    Q28 Credit true,
    /// Firm and year: limit used.
    Q30 Credit true,
    /// Holding: limit used.
    Q31 Credit true,
    /// Controller group and year: limit used, by the firm that used it.
    Q32 Credit true,
    /// Provider and year: limit used.
    Q33 Credit true,
    /// Lifetime: limit used.
    Q34 Credit true,
    /// De minimis aid: granted, by firm and voucher.
    Q35 Credit true,
    /// Programme and year: limit used.
    Q36 Credit true,
    /// Firm and year: awards given; one award is one minor unit.
    Q37 Credit true,
    /// Lifetime: awards given; one award is one minor unit.
    Q38 Credit true,
}

impl AccountCode {
    /// The book that its first letter names.
    pub const fn book(self) -> Book {
        match self.as_str().as_bytes() {
            [b'B', ..] => Book::Authority,
            [b'F', ..] => Book::Money,
            [b'M', ..] => Book::Rent,
            _ => Book::Quota,
        }
    }
}

impl fmt::Display for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no code of the chart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not in the chart of accounts, which has codes such as B30 and F2010")]
pub struct UnknownAccountCode(pub String);

impl FromStr for AccountCode {
    type Err = UnknownAccountCode;

    fn from_str(text: &str) -> Result<Self, UnknownAccountCode> {
        let known = Self::ALL.iter().find(|code| code.as_str() == text);
        known
            .copied()
            .ok_or_else(|| UnknownAccountCode(excerpt(text)))
    }
}
