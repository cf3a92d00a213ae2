//! Values as people write them in the cells of a table, which are all text.

use crate::policy::{Fact, Kind, Locale, Raw, Unit, Value};
use crate::types::Currency;

/// Reads a cell by the type of its fact. An amount may leave out decimals that are zero, as workbooks do; words may be
/// Chinese. What to write instead, if it is no value.
pub(super) fn read(fact: Fact, text: &str, currency: Currency) -> Result<Value, String> {
    let padded;
    let raw = match fact.kind() {
        Kind::Money => {
            padded = pad(text, currency.decimals());
            Raw::Text(&padded)
        }
        Kind::Quantity(_) => {
            padded = pad(text, 2);
            Raw::Text(&padded)
        }
        Kind::Count(_) => whole(text).map_or(Raw::Text(text), Raw::Integer),
        Kind::Bool => truth(text).map_or(Raw::Text(text), Raw::Bool),
        Kind::OneOf(words) => {
            let word = words.iter().find(|word| word.zh == text);
            Raw::Text(word.map_or(text, |word| word.name))
        }
        Kind::Date | Kind::Text => Raw::Text(text),
    };
    fact.read(raw, currency).map_err(|error| {
        if fact.kind() == Kind::Money {
            error.why
        } else {
            format!("write {}", how_to_write(fact.kind()))
        }
    })
}

/// How a value of this type is written in a cell, for remedies and the reference.
pub(super) fn how_to_write(kind: Kind) -> String {
    match kind {
        Kind::Money => "an amount in plain digits, such as 1200.00".to_owned(),
        Kind::Count(Unit::Year) => "a calendar year, such as 2020".to_owned(),
        Kind::Count(unit) => format!(
            "a whole number from 0 ({}), such as 3",
            unit.label(Locale::En)
        ),
        Kind::Quantity(unit) => format!(
            "a number with at most two decimals ({}), such as 12.50",
            unit.label(Locale::En)
        ),
        Kind::Date => "a day, such as 2020-02-28".to_owned(),
        Kind::Bool => "true (是) or false (否)".to_owned(),
        Kind::Text => "one line of 1 to 200 visible characters".to_owned(),
        Kind::OneOf(words) => {
            let words: Vec<_> = words
                .iter()
                .map(|word| format!("{} ({})", word.name, word.zh))
                .collect();
            format!("one of {}", words.join(", "))
        }
    }
}

/// Plain digits with fewer decimals than the unit has, filled up with zeros; anything else as it is.
fn pad(text: &str, decimals: u32) -> String {
    let decimals = usize::try_from(decimals).unwrap_or(0);
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = fraction.len() < decimals && !(text.ends_with('.') || digits.is_empty());
    if decimals > 0 && is_short && plain(digits) && plain(fraction) {
        format!("{digits}.{fraction:0<decimals$}")
    } else {
        text.to_owned()
    }
}

fn whole(text: &str) -> Option<i64> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "TRUE" | "True" | "是" => Some(true),
        "false" | "FALSE" | "False" | "否" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_by_type_and_unit() {
        let read = |fact, text: &str| read(fact, text, Currency::Cny);
        for (fact, text, expected) in [
            (Fact::AnnualSales, "1200000", "1,200,000.00"),
            (Fact::AnnualSales, "12.5", "12.50"),
            (Fact::Area, "80", "80.00"),
            (Fact::Staff, "12", "12"),
            (Fact::StateOwned, "否", "false"),
            (Fact::StateOwned, "TRUE", "true"),
            (Fact::Industry, "工业", "industry"),
            (Fact::EstablishedOn, "2018-02-28", "2018-02-28"),
        ] {
            assert_eq!(
                read(fact, text).unwrap().to_string(),
                expected,
                "{fact} {text}"
            );
        }
        for (fact, text) in [
            (Fact::AnnualSales, "1,200.00"),
            (Fact::AnnualSales, "12.345"),
            (Fact::AnnualSales, "-1"),
            (Fact::AnnualSales, ".5"),
            (Fact::AnnualSales, "5."),
            (Fact::AnnualSales, "1e5"),
            (Fact::AnnualSales, "１２"),
            (Fact::AnnualSales, "120 万"),
            (Fact::AnnualSales, "9223372036854775807"),
            (Fact::Area, "80.123"),
            (Fact::Staff, "12.0"),
            (Fact::Staff, "012"),
            (Fact::Staff, "-1"),
            (Fact::Staff, "99999999999"),
            (Fact::StateOwned, "yes"),
            (Fact::Industry, "IT"),
            (Fact::EstablishedOn, "2018-02-30"),
            (Fact::EstablishedOn, "2018-02-28T10:00:00"),
            (Fact::EstablishedOn, "today"),
            (Fact::TechSmeNumberYear, "20"),
        ] {
            assert!(read(fact, text).is_err(), "{fact} {text}");
        }
    }
}
