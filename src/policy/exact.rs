//! Exact arithmetic of awards: ratios, amounts that know their decimals, and what a rate gives
//! before it is rounded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::types::{Currency, Money};

/// A ratio from 0 to 1, exact: `1/2`, `2/3`. In lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ratio {
    numer: i64,
    denom: i64,
}

/// Why a text is no ratio.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RatioError {
    /// Neither a fraction nor a plain decimal.
    #[error("{0:?} is not a ratio: write a fraction such as \"2/3\" or a decimal such as \"0.5\"")]
    Form(String),
    /// Less than 0 or more than 1.
    #[error(
        "{0:?} is not between 0 and 1: a subsidy pays at most the whole; write \"0.5\" for 50%"
    )]
    Range(String),
}

impl Ratio {
    /// The whole.
    pub const ONE: Self = Self { numer: 1, denom: 1 };
    /// Larger denominators are no policy anyone has written, and would let products overflow.
    const MAX_DENOMINATOR: i64 = 1_000_000;

    /// The number above the line.
    pub const fn numer(self) -> i64 {
        self.numer
    }

    /// The number below the line.
    pub const fn denom(self) -> i64 {
        self.denom
    }
}

/// Greatest common divisor of two positive numbers.
pub(super) const fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// ASCII digits only: `str::parse` would also take a sign.
fn whole_number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

impl FromStr for Ratio {
    type Err = RatioError;

    fn from_str(text: &str) -> Result<Self, RatioError> {
        let shown = || text.chars().take(40).collect::<String>();
        let form = || RatioError::Form(shown());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (numer, denom) = if let Some((above, below)) = unsigned.split_once('/') {
            (whole_number(above), whole_number(below))
        } else if let Some((whole, fraction)) = unsigned.split_once('.') {
            if whole_number(whole).is_none() || fraction.len() > 6 {
                return Err(form());
            }
            let scale = u32::try_from(fraction.len())
                .ok()
                .and_then(|digits| 10_i64.checked_pow(digits));
            (
                whole_number(&format!("{whole}{fraction}")).filter(|_| !fraction.is_empty()),
                scale,
            )
        } else {
            (whole_number(unsigned), Some(1))
        };
        let (Some(numer), Some(denom)) = (numer, denom) else {
            return Err(form());
        };
        if denom == 0 || denom > Self::MAX_DENOMINATOR {
            return Err(form());
        }
        if numer > denom || unsigned.len() != text.len() {
            return Err(RatioError::Range(shown()));
        }
        let divisor = gcd(denom, numer);
        Ok(Self {
            numer: numer / divisor,
            denom: denom / divisor,
        })
    }
}

impl TryFrom<String> for Ratio {
    type Error = RatioError;

    fn try_from(text: String) -> Result<Self, RatioError> {
        text.parse()
    }
}

impl From<Ratio> for String {
    fn from(ratio: Ratio) -> Self {
        ratio.to_string()
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denom == 1 {
            write!(f, "{}", self.numer)
        } else {
            write!(f, "{}/{}", self.numer, self.denom)
        }
    }
}

/// Money that can write itself: whole minor units and how many of their digits are decimals.
/// In JSON a text such as `"150000.00"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sum {
    money: Money,
    currency_decimals: u32,
}

/// A text that is no sum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an amount: write plain digits such as \"1200.00\"")]
pub struct NotASum(String);

impl Sum {
    /// An amount of a currency.
    pub const fn new(money: Money, currency: Currency) -> Self {
        Self {
            money,
            currency_decimals: currency.decimals(),
        }
    }

    /// As money, without the decimals.
    pub const fn money(self) -> Money {
        self.money
    }

    /// Any currency with these decimals: they alone decide how an amount is written.
    const fn like(decimals: u32) -> Currency {
        if decimals == 0 {
            Currency::Jpy
        } else {
            Currency::Cny
        }
    }

    /// For people: thousands separated by commas.
    pub fn to_grouped_text(self) -> String {
        self.money
            .to_grouped_text(Self::like(self.currency_decimals))
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.money.to_text(Self::like(self.currency_decimals)))
    }
}

impl TryFrom<String> for Sum {
    type Error = NotASum;

    fn try_from(text: String) -> Result<Self, NotASum> {
        let currency = Self::like(if text.contains('.') { 2 } else { 0 });
        match Money::parse(&text, currency) {
            Ok(money) => Ok(Self::new(money, currency)),
            Err(_) => Err(NotASum(text)),
        }
    }
}

impl From<Sum> for String {
    fn from(sum: Sum) -> Self {
        sum.to_string()
    }
}

/// What a rate gives, exact: whole minor units and the part of one that rounding will settle.
/// Written `33333.33` or, with a third of a fen left, `33333.33+1/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Exact {
    whole: Sum,
    rest: Ratio,
}

impl Exact {
    /// `numer / denom` minor units, neither negative. `None` if it does not fit.
    pub(super) fn new(numer: i128, denom: i64, currency: Currency) -> Option<Self> {
        let wide = i128::from(denom);
        let whole = i64::try_from(numer.checked_div(wide)?).ok()?;
        let rest = i64::try_from(numer.checked_rem(wide)?).ok()?;
        let divisor = gcd(denom, rest);
        Some(Self {
            whole: Sum::new(Money::from_minor(whole), currency),
            rest: Ratio {
                numer: rest / divisor,
                denom: denom / divisor,
            },
        })
    }

    /// The whole minor units in it.
    pub const fn whole(self) -> Sum {
        self.whole
    }

    /// The part of one minor unit beyond them, if any.
    pub fn rest(self) -> Option<Ratio> {
        (self.rest.numer != 0).then_some(self.rest)
    }
}

impl TryFrom<String> for Exact {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (whole, rest) = text.split_once('+').unwrap_or((&text, "0"));
        Ok(Self {
            whole: Sum::try_from(whole.to_owned()).map_err(|error| error.to_string())?,
            rest: rest
                .parse()
                .map_err(|error: RatioError| error.to_string())?,
        })
    }
}

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rest() {
            None => self.whole.fmt(f),
            Some(rest) => write!(f, "{}+{rest}", self.whole),
        }
    }
}

impl From<Exact> for String {
    fn from(exact: Exact) -> Self {
        exact.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_exact_and_within_the_whole() {
        let ratio = |text: &str| text.parse::<Ratio>().unwrap().to_string();
        assert_eq!(ratio("2/3"), "2/3");
        assert_eq!(ratio("0.5"), "1/2");
        assert_eq!(ratio("50/100"), "1/2");
        assert_eq!(ratio("1"), "1");
        assert_eq!(ratio("0"), "0");
        for text in [
            "",
            "1/",
            "/2",
            "50%",
            "1/0",
            "+1/2",
            "0.",
            ".5",
            "１/２",
            "1/2000000",
            "0.1234567",
        ] {
            assert!(
                matches!(text.parse::<Ratio>(), Err(RatioError::Form(_))),
                "{text:?}"
            );
        }
        for text in ["3/2", "-1/2", "1.01", "-0"] {
            assert!(
                matches!(text.parse::<Ratio>(), Err(RatioError::Range(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn exact_values_keep_the_part_of_a_fen() {
        let third = Exact::new(10_000_000, 3, Currency::Cny).unwrap();
        assert_eq!(third.to_string(), "33333.33+1/3");
        assert_eq!(Exact::try_from("33333.33+1/3".to_owned()), Ok(third));
        assert_eq!(Exact::new(6, 2, Currency::Jpy).unwrap().to_string(), "3");
    }
}
