//! Money: whole minor units, exact, with one named rounding.

use std::fmt;
use std::iter::Sum;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::{Currency, excerpt};

/// A sum of money in whole minor units (fen for CNY, cents for EUR) of a currency that the context
/// knows: the account, the programme, the zone. It may be negative, as a difference or a balance.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct Money(i64);

/// Why a text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not digits, a full stop and the currency's number of decimals.
    #[error(
        "{text:?} is not an amount in {currency}: write plain digits with {decimals} decimals, \
         such as {example}, without sign, spaces, separators or symbol"
    )]
    Form {
        /// The text as it came.
        text: String,
        /// The currency whose minor units were expected.
        currency: Currency,
        /// How many decimals it has.
        decimals: u32,
        /// An amount in the right form.
        example: &'static str,
    },
    /// More than twelve digits before the decimal point.
    #[error("{0:?} is out of range: an amount has at most 12 digits before the decimal point")]
    Range(String),
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount that can be entered: twelve digits before the point.
    const MAX_WHOLE_DIGITS: usize = 12;

    /// From whole minor units.
    pub const fn from_minor(minor: i64) -> Self {
        Self(minor)
    }

    /// Whole minor units.
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// Reads the one accepted form, `^(0|[1-9][0-9]{0,11})\.[0-9]{2}$` for a currency with two
    /// decimals, in ASCII digits. Never rounds, never guesses.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let form = || MoneyError::Form {
            text: excerpt(text),
            currency,
            decimals: currency.decimals(),
            example: if currency.decimals() == 0 {
                "1200"
            } else {
                "1200.00"
            },
        };
        let decimals = usize::try_from(currency.decimals()).unwrap_or(usize::MAX);
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) if decimals > 0 => (whole, fraction),
            None if decimals == 0 => (text, ""),
            Some(_) | None => return Err(form()),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if whole.is_empty()
            || leading_zero
            || fraction.len() != decimals
            || !digits(whole)
            || !digits(fraction)
        {
            return Err(form());
        }
        if whole.len() > Self::MAX_WHOLE_DIGITS {
            return Err(MoneyError::Range(excerpt(text)));
        }
        let digits = whole.bytes().chain(fraction.bytes());
        let minor = digits
            .map(|digit| i64::from(digit - b'0'))
            .try_fold(0_i64, |minor, digit| {
                minor.checked_mul(10)?.checked_add(digit)
            });
        minor
            .map(Self)
            .ok_or_else(|| MoneyError::Range(text.to_owned()))
    }

    /// The plain decimal text that [`Money::parse`] reads, with a minus sign if negative.
    pub fn to_text(self, currency: Currency) -> String {
        let scale = currency.decimals();
        let unit = 10_u64.pow(scale);
        let sign = if self.0 < 0 { "-" } else { "" };
        let minor = self.0.unsigned_abs();
        let whole = minor / unit;
        if scale == 0 {
            return format!("{sign}{whole}");
        }
        let width = usize::try_from(scale).unwrap_or(0);
        format!("{sign}{whole}.{:0width$}", minor % unit)
    }

    /// For people: thousands separated by commas, such as `1,234,567.80`.
    pub fn to_grouped_text(self, currency: Currency) -> String {
        let plain = self.to_text(currency);
        let (sign, unsigned) = match plain.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", plain.as_str()),
        };
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) => (whole, format!(".{fraction}")),
            None => (unsigned, String::new()),
        };
        let mut grouped = String::with_capacity(plain.len() + 4);
        for (position, digit) in whole.chars().enumerate() {
            if position > 0 && (whole.len() - position).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        format!("{sign}{grouped}{fraction}")
    }

    /// The exact decimal value in major units, for rates and comparisons.
    pub fn to_decimal(self, currency: Currency) -> Decimal {
        Decimal::new(self.0, currency.decimals())
    }

    /// The one rounding of this system: half up (away from zero) to the currency's minor unit.
    /// `None` if the result does not fit.
    pub fn from_decimal_half_up(value: Decimal, currency: Currency) -> Option<Self> {
        let scaled = value.checked_mul(Decimal::from(10_i64.pow(currency.decimals())))?;
        let whole = scaled.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        i64::try_from(whole).ok().map(Self)
    }

    /// The sum, or `None` beyond what 64 bits hold.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` beyond what 64 bits hold.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The difference, or zero where it would be negative.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }
}

impl fmt::Display for Money {
    /// Minor units as they are stored; use [`Money::to_text`] where people read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} minor units", self.0)
    }
}

impl Sum for Money {
    /// Saturates: a total of amounts that were each in range can't reach 64 bits in practice, and
    /// the journal, which may not saturate, adds with [`Money::checked_add`].
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.fold(0, |total, amount| total.saturating_add(amount.0)))
    }
}

/// A sum of money greater than zero: what a transfer moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Money);

/// Money that is zero or less where a positive amount is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the amount must be more than zero")]
pub struct NotPositive;

impl Amount {
    /// The amount, if it is more than zero.
    pub fn new(money: Money) -> Result<Self, NotPositive> {
        if money > Money::ZERO {
            Ok(Self(money))
        } else {
            Err(NotPositive)
        }
    }

    /// As money.
    pub const fn money(self) -> Money {
        self.0
    }

    /// Whole minor units.
    pub const fn minor(self) -> i64 {
        self.0.minor()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_plain_form_is_money() {
        let refused = [
            "NaN",
            "inf",
            "1e5",
            "1e400",
            "-0.00",
            "-1.00",
            "0.001",
            "+1.00",
            "01.00",
            " 1.00",
            "1.00 ",
            "1,000.00",
            "４２.００",
            "٤٢.٠٠",
            "¥1.00",
            "",
            ".",
            ".00",
            "1.",
            "1",
            "1.0",
            "1.000",
            "1.00\n",
            "0x1.00",
        ];
        for text in refused {
            assert!(
                matches!(
                    Money::parse(text, Currency::Cny),
                    Err(MoneyError::Form { .. })
                ),
                "{text:?} was not refused"
            );
        }
        assert_eq!(
            Money::parse("9223372036854775807.00", Currency::Cny),
            Err(MoneyError::Range("9223372036854775807.00".into()))
        );
        assert_eq!(Money::parse("0.00", Currency::Cny), Ok(Money::ZERO));
        assert_eq!(
            Money::parse("999999999999.99", Currency::Eur)
                .unwrap()
                .minor(),
            99_999_999_999_999
        );
        assert_eq!(Money::parse("1200", Currency::Jpy).unwrap().minor(), 1_200);
        assert!(Money::parse("1200.00", Currency::Jpy).is_err());
    }

    #[test]
    fn text_for_people() {
        assert_eq!(
            Money::from_minor(123_456_780).to_grouped_text(Currency::Cny),
            "1,234,567.80"
        );
        assert_eq!(
            Money::from_minor(-5).to_grouped_text(Currency::Cny),
            "-0.05"
        );
        assert_eq!(
            Money::from_minor(100_000).to_grouped_text(Currency::Jpy),
            "100,000"
        );
    }

    #[test]
    fn rounding_is_half_up() {
        let round = |text: &str| {
            Money::from_decimal_half_up(text.parse().unwrap(), Currency::Cny)
                .unwrap()
                .minor()
        };
        assert_eq!(round("0.005"), 1);
        assert_eq!(round("0.0049"), 0);
        assert_eq!(round("2.675"), 268);
        assert_eq!(round("18000"), 1_800_000);
    }

    proptest! {
        #[test]
        fn text_round_trips(minor in 0_i64..100_000_000_000_000) {
            for currency in Currency::ALL {
                let money = Money::from_minor(minor);
                if currency.decimals() == 0 && minor >= 1_000_000_000_000 { continue; }
                prop_assert_eq!(Money::parse(&money.to_text(currency), currency), Ok(money));
                prop_assert_eq!(
                    Money::from_decimal_half_up(money.to_decimal(currency), currency), Some(money)
                );
            }
        }

        #[test]
        fn any_text_is_an_answer(text in "\\PC*") {
            let _ = Money::parse(&text, Currency::Cny);
        }
    }
}
