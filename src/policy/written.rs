//! Values as canonical JSON (RFC 8785), written without a detour over texts of their own.

use chrono::{Datelike, NaiveDate};

use super::Value;

/// A day, without quotes.
pub(super) fn day(out: &mut Vec<u8>, day: NaiveDate) {
    match u32::try_from(day.year()) {
        Ok(year @ 1000..=9999) => {
            digits(out, u64::from(year), 4);
            out.push(b'-');
            digits(out, u64::from(day.month()), 2);
            out.push(b'-');
            digits(out, u64::from(day.day()), 2);
        }
        Ok(_) | Err(_) => out.extend_from_slice(day.to_string().as_bytes()),
    }
}

/// A number without sign.
pub(super) fn number(out: &mut Vec<u8>, number: u64) {
    let count = number.checked_ilog10().map_or(1, |log| log + 1);
    digits(out, number, count);
}

/// The last so many digits of a number.
fn digits(out: &mut Vec<u8>, number: u64, count: u32) {
    let mut unit = 10_u64.pow(count.saturating_sub(1));
    for _ in 0..count {
        let digit = u8::try_from(number / unit % 10).unwrap_or(0);
        out.push(b'0' + digit);
        unit = (unit / 10).max(1);
    }
}

/// A whole number of the smallest unit, as decimal text without quotes.
fn decimal(out: &mut Vec<u8>, minor: i64, decimals: u32) {
    if minor < 0 {
        out.push(b'-');
    }
    let (minor, unit) = (minor.unsigned_abs(), 10_u64.pow(decimals));
    number(out, minor / unit);
    if decimals > 0 {
        out.push(b'.');
        digits(out, minor % unit, decimals);
    }
}

pub(super) fn value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Money(sum) => {
            out.push(b'"');
            decimal(out, sum.money().minor(), sum.decimals());
            out.push(b'"');
        }
        Value::Count(count) => number(out, u64::from(*count)),
        Value::Quantity(quantity) => {
            out.push(b'"');
            decimal(out, quantity.hundredths(), 2);
            out.push(b'"');
        }
        Value::Date(date) => {
            out.push(b'"');
            day(out, *date);
            out.push(b'"');
        }
        Value::Bool(truth) => out.extend_from_slice(if *truth { b"true" } else { b"false" }),
        Value::Text(text) => {
            serde_json::to_writer(out, text).expect("BUG: a text serialises to memory");
        }
        Value::Choice(word) => {
            out.push(b'"');
            out.extend_from_slice(word.name.as_bytes());
            out.push(b'"');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Fact, Facts, Source, Stated, Sum};
    use super::*;
    use crate::policy::Quantity;
    use crate::types::{Currency, LogIndex, Money};

    proptest! {
        #[test]
        fn facts_are_written_as_serde_writes_them(
            minor in 0_i64..99_999_999_999_999, count in any::<u32>(), days in 0_i32..3_652_059,
            text in "\\PC{0,20}", entry in proptest::option::of(0_i64..i64::MAX), yen in any::<bool>(),
        ) {
            let currency = if yen { Currency::Jpy } else { Currency::Cny };
            let day = NaiveDate::from_num_days_from_ce_opt(days).unwrap_or_default();
            let mut facts = Facts::new(currency);
            let values = [
                (Fact::AnnualSales, Value::Money(Sum::new(Money::from_minor(minor), currency))),
                (Fact::Staff, Value::Count(count)),
                (Fact::Area, Value::Quantity(Quantity::from_hundredths(minor))),
                (Fact::EnteredOn, Value::Date(day)),
                (Fact::StateOwned, Value::Bool(yen)),
                (Fact::Uscc, Value::Text(text)),
            ];
            for (fact, value) in values {
                let stated = Stated { as_of: day, entry: entry.map(LogIndex), source: Source::Verified, value };
                facts.insert(fact, stated);
            }
            prop_assert_eq!(
                String::from_utf8(facts.to_canonical_json()).unwrap(),
                serde_json::to_string(&facts).unwrap()
            );
        }
    }
}
