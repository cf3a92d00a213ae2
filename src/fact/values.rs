//! The facts of one statement as values, and as the canonical text that entry and row keep.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde::{Serialize, Serializer};

use crate::policy::{Fact, Raw, Value};
use crate::types::Currency;

/// Facts with their values, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<Fact, Value>);

impl Values {
    /// Reads what [`Values::to_text`] wrote; amounts are of this currency.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, serde_json::Error> {
        let mut values = Self::default();
        let mut twice = None;
        each(
            text,
            currency,
            |_| true,
            |fact, value| {
                if values.insert(fact, value).is_some() {
                    twice = Some(fact);
                }
            },
        )?;
        match twice {
            None => Ok(values),
            Some(fact) => Err(serde_json::Error::custom(format!("{fact} is stated twice"))),
        }
    }

    /// Canonical JSON (RFC 8785): values as packs' files write them, amounts as text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("BUG: facts have only text keys and serialise to memory")
    }

    /// States a fact; answers what was stated of it before.
    pub fn insert(&mut self, fact: Fact, value: Value) -> Option<Value> {
        self.0.insert(fact, value)
    }

    /// The value of a fact.
    pub fn get(&self, fact: Fact) -> Option<&Value> {
        self.0.get(&fact)
    }

    /// Each fact with its value, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (Fact, &Value)> {
        self.0.iter().map(|(fact, value)| (*fact, value))
    }

    /// Whether nothing is stated.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Fact, Value)> for Values {
    fn from_iter<I: IntoIterator<Item = (Fact, Value)>>(facts: I) -> Self {
        Self(facts.into_iter().collect())
    }
}

impl IntoIterator for Values {
    type Item = (Fact, Value);
    type IntoIter = std::collections::btree_map::IntoIter<Fact, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

/// Reads what [`Values::to_text`] wrote, one fact after another; the value only of those that are wanted.
pub(super) fn each(
    text: &str,
    currency: Currency,
    wanted: impl Fn(Fact) -> bool,
    visit: impl FnMut(Fact, Value),
) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_map(Each {
        currency,
        wanted,
        visit,
    })?;
    reader.end()
}

struct Each<W, V> {
    currency: Currency,
    wanted: W,
    visit: V,
}

impl<'de, W: Fn(Fact) -> bool, V: FnMut(Fact, Value)> Visitor<'de> for Each<W, V> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of facts")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        while let Some(fact) = members.next_key::<Fact>()? {
            if (self.wanted)(fact) {
                let value = members.next_value_seed(ValueOf(fact, self.currency))?;
                (self.visit)(fact, value);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A value is read by the type of its fact.
struct ValueOf(Fact, Currency);

impl ValueOf {
    fn read<E: Error>(&self, raw: Raw<'_>) -> Result<Value, E> {
        self.0.read(raw, self.1).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for ValueOf {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for ValueOf {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of {}", self.0)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value, E> {
        self.read(Raw::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        self.read(Raw::Integer(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        self.read(i64::try_from(number).map_or(Raw::Float, Raw::Integer))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        self.read(Raw::Text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_canonical_and_read_back() {
        let text = r#"{"annual_sales":"1200.00","area":"10.50","established_on":"2018-01-02","industry":"software","staff":12,"state_owned":false,"uscc":"91000000MA00000900"}"#;
        let values = Values::parse(text, Currency::Cny).unwrap();
        assert_eq!(values.to_text(), text);
        assert_eq!(values.get(Fact::Staff), Some(&Value::Count(12)));
        for wrong in [
            r#"{"annual_sales":1200}"#,
            r#"{"staff":1.5}"#,
            r#"{"staff":1,"staff":2}"#,
            r#"{"no_such_fact":1}"#,
            r#"{"staff":null}"#,
            r#"{"staff":[1]}"#,
            r#"{"staff":1} {}"#,
        ] {
            assert!(Values::parse(wrong, Currency::Cny).is_err(), "{wrong}");
        }
    }
}
