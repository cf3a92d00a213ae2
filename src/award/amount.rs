//! Amounts as people type them, read without ever guessing or rounding.

use serde::Deserialize;

use crate::types::{Currency, Money, MoneyError};

/// How a column writes amounts. Without anything: digits, and no decimals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct AmountFormat {
    symbol: Option<String>,
    thousands: Option<char>,
    decimal: Option<char>,
}

/// The format as a map writes it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    symbol: Option<String>,
    thousands: Option<char>,
    decimal: Option<char>,
}

impl TryFrom<Written> for AmountFormat {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written {
            symbol,
            thousands,
            decimal,
        } = written;
        let separators = [thousands, decimal];
        if thousands.is_some() && thousands == decimal {
            return Err("thousands and decimal must be two different characters".to_owned());
        }
        if separators.iter().flatten().any(char::is_ascii_digit) {
            return Err("a digit can't separate digits".to_owned());
        }
        Ok(Self {
            symbol,
            thousands,
            decimal,
        })
    }
}

/// Why a text is not an amount in a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Something stands where digits must.
    #[error("is not an amount such as {0}")]
    Form(String),
    /// Groups of digits that are not thousands.
    #[error("has separators that do not stand between thousands, as in {0}")]
    Groups(String),
    /// More decimals than the currency has minor units.
    #[error("has more decimals than {0} has; amounts are never rounded")]
    Decimals(Currency),
    /// More than twelve digits before the decimals.
    #[error("has more than 12 digits before the decimals")]
    Range,
}

impl AmountFormat {
    /// Reads an amount. The symbol may be missing, and so may separators and decimals; in the places
    /// where they stand they must be right. `,-` and `,--` for no decimals are read too.
    pub fn parse(&self, text: &str, currency: Currency) -> Result<Money, AmountError> {
        let form = || AmountError::Form(self.example(currency));
        let bare = self.without_symbol(text);
        let (whole, fraction) = match self.decimal.and_then(|decimal| bare.split_once(decimal)) {
            Some((_, "")) => return Err(form()),
            Some((whole, "-" | "--")) => (whole, ""),
            Some((whole, fraction)) => (whole, fraction),
            None => (bare, ""),
        };
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let whole = self.without_thousands(whole, currency)?;
        if whole.is_empty() || !digits(&whole) || !digits(fraction) {
            return Err(form());
        }
        let decimals = usize::try_from(currency.decimals()).unwrap_or(0);
        if fraction.len() > decimals {
            return Err(AmountError::Decimals(currency));
        }
        let plain = match decimals {
            0 => whole,
            _ => format!("{whole}.{fraction:0<decimals$}"),
        };
        Money::parse(&plain, currency).map_err(|error| match error {
            MoneyError::Form { .. } => form(),
            MoneyError::Range(_) => AmountError::Range,
        })
    }

    fn without_symbol<'a>(&self, text: &'a str) -> &'a str {
        let text = text.trim();
        let Some(symbol) = self.symbol.as_deref() else {
            return text;
        };
        let bare = text
            .strip_prefix(symbol)
            .or_else(|| text.strip_suffix(symbol));
        bare.unwrap_or(text).trim()
    }

    /// Thousands are groups of three digits after a first one of one to three.
    fn without_thousands(&self, whole: &str, currency: Currency) -> Result<String, AmountError> {
        let Some(separator) = self
            .thousands
            .filter(|separator| whole.contains(*separator))
        else {
            return Ok(whole.to_owned());
        };
        let mut groups = whole.split(separator);
        let first = groups.next().unwrap_or_default();
        if (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3) {
            Ok(whole.replace(separator, ""))
        } else {
            Err(AmountError::Groups(self.example(currency)))
        }
    }

    /// Twelve hundred thirty-four and 50 minor units, as this format writes it.
    fn example(&self, currency: Currency) -> String {
        let separator = self.thousands.map(String::from).unwrap_or_default();
        let fraction = match self.decimal {
            Some(decimal) if currency.decimals() == 2 => format!("{decimal}50"),
            Some(_) | None => String::new(),
        };
        let symbol = self.symbol.as_deref().map(|symbol| format!("{symbol} "));
        format!("{}1{separator}234{fraction}", symbol.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dutch() -> AmountFormat {
        toml::from_str("symbol = '€'\nthousands = '.'\ndecimal = ','").unwrap()
    }

    fn cents(text: &str) -> Result<i64, AmountError> {
        dutch().parse(text, Currency::Eur).map(Money::minor)
    }

    #[test]
    fn dutch_amounts_are_read_as_the_dutch_write_them() {
        for (text, expected) in [
            ("€ 15.000", 1_500_000),
            ("€ 99", 9_900),
            ("€ 12.345.678", 1_234_567_800),
            ("€\u{a0}1.234,50", 123_450),
            ("15000", 1_500_000),
            ("0,05", 5),
            ("1,5", 150),
            ("€ 7.500,-", 750_000),
            ("7.500,-- €", 750_000),
            ("€ 0", 0),
        ] {
            assert_eq!(cents(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_could_mean_two_things_is_refused() {
        for text in [
            "",
            "€",
            "€ -5",
            "-5",
            "1.5",
            "15.00",
            "1.0000",
            "1.2345.678",
            ".500",
            "1..000",
            "1,",
            "1,2,3",
            "1,234.50",
            "€ 1 000",
            "1e3",
            "１５",
            "NaN",
            "$ 5",
            "€€ 5",
            "01",
            "0x1",
            "+5",
            "1.000.",
        ] {
            assert!(
                cents(text).is_err(),
                "{text:?} was read as {:?}",
                cents(text)
            );
        }
        assert_eq!(cents("1,005"), Err(AmountError::Decimals(Currency::Eur)));
        assert_eq!(cents("1.000.000.000.000"), Err(AmountError::Range));
        assert_eq!(
            cents("15.00"),
            Err(AmountError::Groups("€ 1.234,50".into()))
        );
    }

    #[test]
    fn plain_numbers_are_the_default() {
        let plain: AmountFormat = toml::from_str("decimal = '.'").unwrap();
        let read = |text| plain.parse(text, Currency::Eur).map(Money::minor);
        assert_eq!(read("10358.00"), Ok(1_035_800));
        assert_eq!(read("10358"), Ok(1_035_800));
        assert!(read("10,358.00").is_err());
        let none = AmountFormat::default();
        assert_eq!(
            none.parse("1200", Currency::Jpy),
            Ok(Money::from_minor(1_200))
        );
        assert!(none.parse("1.200", Currency::Jpy).is_err());
    }

    #[test]
    fn a_format_has_two_separators() {
        for bad in [
            "thousands = '.'\ndecimal = '.'",
            "decimal = '1'",
            "comma = ','",
        ] {
            assert!(toml::from_str::<AmountFormat>(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_the_format_writes_it_reads(minor in 0_i64..100_000_000_000_000) {
            let money = Money::from_minor(minor);
            let grouped = money.to_grouped_text(Currency::Eur);
            let text: String = grouped
                .chars()
                .map(|character| match character { ',' => '.', '.' => ',', other => other })
                .collect();
            prop_assert_eq!(dutch().parse(&format!("€ {text}"), Currency::Eur), Ok(money));
        }

        /// Whatever is accepted has exactly the digits of the amount, in their order.
        #[test]
        fn no_digit_is_invented_or_lost(text in "[€ .,0-9-]{0,16}") {
            if let Ok(money) = dutch().parse(&text, Currency::Eur) {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                let decimals = text.split_once(',').map_or(0, |(_, fraction)| {
                    fraction.chars().filter(char::is_ascii_digit).count()
                });
                let expected = format!("{digits}{}", "0".repeat(2 - decimals));
                prop_assert_eq!(money.minor(), expected.parse::<i64>().unwrap());
            }
        }
    }
}
