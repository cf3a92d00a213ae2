//! Exact arithmetic of awards: ratios, amounts that know their decimals, and what a rate gives
//! before it is rounded.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::pack::RoundingMode;
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

    /// How `part` of `whole`, which is positive, stands to it: by cross-multiplication, exact.
    pub fn compare(self, part: i64, whole: i64) -> Ordering {
        let left = i128::from(part) * i128::from(self.denom);
        left.cmp(&(i128::from(whole) * i128::from(self.numer)))
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

    /// How many of the digits of its minor units are decimals.
    pub(super) const fn decimals(self) -> u32 {
        self.currency_decimals
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

/// Minor units and parts of one, exact, on the way from base to amount. Never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    numer: i128,
    denom: i128,
}

impl Fraction {
    pub(super) const ZERO: Self = Self { numer: 0, denom: 1 };
    /// The largest amount that has a text form: twelve digits before the point.
    const MOST: i128 = 99_999_999_999_999;

    pub(super) fn whole(minor: i64) -> Self {
        Self {
            numer: i128::from(minor),
            denom: 1,
        }
    }

    /// In lowest terms, so that products stay small. `None` beyond the largest amount.
    fn reduced(numer: i128, denom: i128) -> Option<Self> {
        let (mut a, mut b) = (denom, numer);
        while b != 0 {
            (a, b) = (b, a.checked_rem(b)?);
        }
        let (numer, denom) = (numer.checked_div(a)?, denom.checked_div(a)?);
        (numer / denom <= Self::MOST).then_some(Self { numer, denom })
    }

    pub(super) fn plus(self, other: Self) -> Option<Self> {
        let left = self.numer.checked_mul(other.denom)?;
        let right = other.numer.checked_mul(self.denom)?;
        Self::reduced(
            left.checked_add(right)?,
            self.denom.checked_mul(other.denom)?,
        )
    }

    /// The difference, or zero where it would be negative.
    pub(super) fn minus(self, other: Self) -> Option<Self> {
        let left = self.numer.checked_mul(other.denom)?;
        let right = other.numer.checked_mul(self.denom)?;
        Self::reduced(
            left.checked_sub(right)?.max(0),
            self.denom.checked_mul(other.denom)?,
        )
    }

    /// `numer / denom` of it, neither negative, `denom` not zero.
    pub(super) fn times(self, numer: i64, denom: i64) -> Option<Self> {
        Self::reduced(
            self.numer.checked_mul(i128::from(numer))?,
            self.denom.checked_mul(i128::from(denom))?,
        )
    }

    pub(super) fn exceeds(self, minor: i64) -> bool {
        self.denom
            .checked_mul(i128::from(minor))
            .is_some_and(|most| self.numer > most)
    }

    /// Exact however large the denominators: by whole parts, then by the rests turned upside down.
    pub(super) fn is_more_than(self, other: Self) -> bool {
        let (mut one, mut two) = ((self.numer, self.denom), (other.numer, other.denom));
        loop {
            let (whole, other) = (one.0 / one.1, two.0 / two.1);
            let (rest, other_rest) = (one.0 % one.1, two.0 % two.1);
            if whole != other || rest == 0 || other_rest == 0 {
                return (whole, rest.min(1)) > (other, other_rest.min(1));
            }
            // rest / one.1 > other_rest / two.1 as two.1 / other_rest > one.1 / rest
            (one, two) = ((two.1, other_rest), (one.1, rest));
        }
    }

    /// In whole minor units, rounded up: no award is more than what it is a part of.
    pub(super) fn ceiling(self) -> Option<i64> {
        self.round(RoundingMode::Up, 1)
    }

    pub(super) fn min(self, minor: i64) -> Self {
        if self.exceeds(minor) {
            Self::whole(minor)
        } else {
            self
        }
    }

    /// To whole multiples of `unit` minor units; nothing, if that has no text form.
    pub(super) fn round(self, mode: RoundingMode, unit: i64) -> Option<i64> {
        let denom = self.denom.checked_mul(i128::from(unit))?;
        let (down, rest) = (
            self.numer.checked_div(denom)?,
            self.numer.checked_rem(denom)?,
        );
        let up = match mode {
            RoundingMode::HalfUp => rest.checked_mul(2)? >= denom,
            RoundingMode::Down => false,
            RoundingMode::Up => rest > 0,
        };
        let units = i64::try_from(down).ok()?.checked_add(i64::from(up))?;
        let rounded = units.checked_mul(unit)?;
        (i128::from(rounded) <= Self::MOST).then_some(rounded)
    }

    pub(super) fn shown(self, currency: Currency) -> Exact {
        let whole = i64::try_from(self.numer / self.denom);
        Exact {
            whole: Sum::new(Money::from_minor(whole.unwrap_or(i64::MAX)), currency),
            rest: (self.numer % self.denom, self.denom),
        }
    }
}

/// What a rate gives, exact: whole minor units and the part of one that rounding will settle.
/// Written `33333.33` or, with a third of a fen left, `33333.33+1/3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Exact {
    whole: Sum,
    /// Above and below the line, in lowest terms.
    rest: (i128, i128),
}

impl Exact {
    /// The whole minor units in it.
    pub const fn whole(self) -> Sum {
        self.whole
    }

    /// The part of one minor unit beyond them, such as `1/3`, if any.
    pub fn rest(self) -> Option<String> {
        let (numer, denom) = self.rest;
        (numer != 0).then(|| format!("{numer}/{denom}"))
    }
}

impl TryFrom<String> for Exact {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (whole, rest) = text.split_once('+').unwrap_or((&text, "0/1"));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let rest = rest
            .split_once('/')
            .filter(|(above, below)| digits(above) && digits(below))
            .and_then(|(above, below)| Some((above.parse().ok()?, below.parse().ok()?)))
            .filter(|(above, below): &(i128, i128)| above < below)
            .ok_or_else(|| format!("{text:?} is not an exact amount"))?;
        Ok(Self {
            whole: Sum::try_from(whole.to_owned()).map_err(|error| error.to_string())?,
            rest,
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
    fn rounding_is_to_whole_units() {
        let half = Fraction::whole(250_050).times(1, 2).unwrap(); // 1,250.25
        for (mode, unit, rounded) in [
            (RoundingMode::HalfUp, 1, 125_025),
            (RoundingMode::HalfUp, 100, 125_000),
            (RoundingMode::Up, 100, 125_100),
            (RoundingMode::Down, 500_000, 0),
            (RoundingMode::Up, 500_000, 500_000),
        ] {
            assert_eq!(half.round(mode, unit), Some(rounded), "{mode:?} {unit}");
        }
        assert_eq!(Fraction::whole(i64::MAX).times(i64::MAX, 1), None);
        // Rounded up, the largest amount but one fen would have thirteen digits before the point.
        let most = Fraction::whole(99_999_999_999_998);
        assert_eq!(most.round(RoundingMode::Up, 100), None);
        assert_eq!(
            most.round(RoundingMode::Down, 100),
            Some(99_999_999_999_900)
        );
    }

    #[test]
    fn exact_values_keep_the_part_of_a_fen() {
        let third = Fraction::whole(10_000_000).times(1, 3).unwrap();
        let shown = third.shown(Currency::Cny);
        assert_eq!(shown.to_string(), "33333.33+1/3");
        assert_eq!(Exact::try_from("33333.33+1/3".to_owned()), Ok(shown));
        let three = Fraction::whole(6).times(1, 2).unwrap();
        assert_eq!(three.shown(Currency::Jpy).to_string(), "3");
    }
}
