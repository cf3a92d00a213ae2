//! Currencies, by ISO 4217 code and number of minor units.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A currency that accounts can be kept in. Minor units are those of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// Renminbi yuan; the minor unit is the fen.
    Cny,
    /// Euro; the minor unit is the cent.
    Eur,
    /// Pound sterling; the minor unit is the penny.
    Gbp,
    /// Yen, which has no minor unit.
    Jpy,
    /// Singapore dollar; the minor unit is the cent.
    Sgd,
    /// United States dollar; the minor unit is the cent.
    Usd,
}

impl Currency {
    /// Every currency, in the order of its code.
    pub const ALL: [Self; 6] = [
        Self::Cny,
        Self::Eur,
        Self::Gbp,
        Self::Jpy,
        Self::Sgd,
        Self::Usd,
    ];

    /// The ISO 4217 code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cny => "CNY",
            Self::Eur => "EUR",
            Self::Gbp => "GBP",
            Self::Jpy => "JPY",
            Self::Sgd => "SGD",
            Self::Usd => "USD",
        }
    }

    /// How many decimal digits an amount has.
    pub const fn decimals(self) -> u32 {
        match self {
            Self::Jpy => 0,
            Self::Cny | Self::Eur | Self::Gbp | Self::Sgd | Self::Usd => 2,
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A text that is no known currency code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency {0:?}: use one of CNY, EUR, GBP, JPY, SGD, USD, in capitals")]
pub struct UnknownCurrency(pub String);

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        Self::ALL
            .into_iter()
            .find(|currency| currency.code() == text)
            .ok_or_else(|| UnknownCurrency(text.to_owned()))
    }
}
