//! What a decision is made on: a snapshot of stated facts, and what the applicant used before.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::facts::{FactError, Kind, Raw, StatedBy, Value, parse_day};
use super::json::Json;
use super::{Fact, Sha256, Sum};
use crate::types::{Currency, LogIndex, Money, MoneyError};

/// How a fact came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The applicant said so.
    Declared,
    /// The office checked it against evidence, or determined it.
    Verified,
    /// It came from another register or from this ledger.
    Imported,
}

impl Source {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "declared" => Some(Self::Declared),
            "verified" => Some(Self::Verified),
            "imported" => Some(Self::Imported),
            _ => None,
        }
    }
}

/// A fact's value, how it is known and on which day it held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stated {
    /// The day for which it was stated; a decision does not see facts of later days.
    pub as_of: NaiveDate,
    /// The entry of the ledger that stated or determined it, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<LogIndex>,
    /// How it is known.
    pub source: Source,
    /// The value.
    pub value: Value,
}

/// A snapshot of facts about one application or order: the input of a decision, named by its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Facts {
    currency: Currency,
    facts: BTreeMap<Fact, Stated>,
}

impl Facts {
    /// No facts yet; amounts will be in `currency`.
    pub const fn new(currency: Currency) -> Self {
        Self {
            currency,
            facts: BTreeMap::new(),
        }
    }

    /// The currency of its amounts.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// States a fact, in place of what was stated before. Reads `raw` by the fact's type and unit.
    pub fn state(
        &mut self,
        fact: Fact,
        raw: Raw<'_>,
        source: Source,
        as_of: NaiveDate,
    ) -> Result<(), FactError> {
        let value = fact.read(raw, self.currency)?;
        self.facts.insert(
            fact,
            Stated {
                as_of,
                entry: None,
                source,
                value,
            },
        );
        Ok(())
    }

    /// Takes over a fact that was read before, in place of what was stated before.
    pub fn insert(&mut self, fact: Fact, stated: Stated) {
        self.facts.insert(fact, stated);
    }

    /// States an amount of money; refused where the fact is none.
    pub fn state_money(
        &mut self,
        fact: Fact,
        money: Money,
        source: Source,
        as_of: NaiveDate,
    ) -> Result<(), FactError> {
        let text = money.to_text(self.currency);
        self.state(fact, Raw::Text(&text), source, as_of)
    }

    /// What is stated of a fact.
    pub fn get(&self, fact: Fact) -> Option<&Stated> {
        self.facts.get(&fact)
    }

    /// Takes over what another snapshot states, in place of what was stated before.
    pub fn extend(&mut self, other: &Self) {
        let stated = other
            .facts
            .iter()
            .map(|(fact, stated)| (*fact, stated.clone()));
        self.facts.extend(stated);
    }

    /// Forgets the facts that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(Fact) -> bool) {
        self.facts.retain(|fact, _| keep(*fact));
    }

    /// Reads the bytes of [`Facts::to_canonical_json`] back.
    ///
    /// # Errors
    /// Whatever such bytes never hold.
    pub fn from_canonical_json(bytes: &[u8]) -> Result<Self, FactsFileError> {
        let unreadable = |why: String| FactsFileError(vec![why]);
        let json: Json =
            serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
        let members = match &json {
            Json::Object(members) => members.as_slice(),
            Json::Text(_)
            | Json::Integer(_)
            | Json::Bool(_)
            | Json::Float
            | Json::Null
            | Json::List => &[],
        };
        let currency = match get(members, "currency") {
            Some(Json::Text(code)) => code.parse().ok(),
            Some(_) | None => None,
        };
        let (Some(currency), Some(facts)) = (currency, get(members, "facts")) else {
            return Err(unreadable("not a snapshot of facts".to_owned()));
        };
        let mut reader = FileReader {
            currency,
            problems: Vec::new(),
        };
        match reader.facts(facts, NaiveDate::MIN) {
            Some(facts) if reader.problems.is_empty() => Ok(facts),
            Some(_) | None => Err(FactsFileError(reader.problems)),
        }
    }

    /// The canonical bytes (RFC 8785): keys in order, amounts as text.
    pub fn to_canonical_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("BUG: facts have only text keys and serialise to memory")
    }

    /// The SHA-256 of [`Facts::to_canonical_json`].
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.to_canonical_json())
    }

    /// What a decision of that day may rely on: nothing of a later day, and of what only the office
    /// can determine, nothing that was merely declared.
    pub(super) fn seen(&self, wanted: &[Fact], on: NaiveDate) -> Seen {
        let visible = |fact: &&Fact| {
            self.facts.get(fact).filter(|stated| {
                let by_office = fact.spec().stated_by == StatedBy::Office;
                stated.as_of <= on && (!by_office || stated.source == Source::Verified)
            })
        };
        let value = |fact: &Fact| visible(&fact).map(|stated| (*fact, stated.value.clone()));
        Seen(wanted.iter().filter_map(value).collect())
    }
}

/// What the applicant had used and held before the decision: from the quota accounts, not declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The value of the vouchers it holds now: at a grant what counts against the holding limit, at
    /// a redemption what there is to redeem from.
    pub held_now: Money,
    /// What counts against the limit per applicant and year, in the year of the decision.
    pub used_this_year: Money,
}

/// The facts that a decision saw, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(Vec<(Fact, Value)>);

impl Seen {
    /// The value of a fact, if it was seen.
    pub fn get(&self, fact: Fact) -> Option<&Value> {
        self.0
            .iter()
            .find(|(seen, _)| *seen == fact)
            .map(|(_, value)| value)
    }

    /// An amount of money.
    pub(super) fn money(&self, fact: Fact) -> Option<Money> {
        match self.get(fact)? {
            Value::Money(sum) => Some(sum.money()),
            Value::Count(_)
            | Value::Quantity(_)
            | Value::Date(_)
            | Value::Bool(_)
            | Value::Text(_)
            | Value::Choice(_) => None,
        }
    }

    /// A day.
    pub(super) fn date(&self, fact: Fact) -> Option<NaiveDate> {
        match self.get(fact)? {
            Value::Date(day) => Some(*day),
            Value::Money(_)
            | Value::Count(_)
            | Value::Quantity(_)
            | Value::Bool(_)
            | Value::Text(_)
            | Value::Choice(_) => None,
        }
    }

    /// A text.
    pub(super) fn text(&self, fact: Fact) -> Option<&str> {
        match self.get(fact)? {
            Value::Text(text) => Some(text),
            Value::Money(_)
            | Value::Count(_)
            | Value::Quantity(_)
            | Value::Date(_)
            | Value::Bool(_)
            | Value::Choice(_) => None,
        }
    }
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(fact, value)| (fact.name(), value)))
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SeenVisitor)
    }
}

struct SeenVisitor;

impl<'de> Visitor<'de> for SeenVisitor {
    type Value = Seen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of facts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Seen, A::Error> {
        let mut seen = Vec::new();
        while let Some(fact) = members.next_key::<Fact>()? {
            let value = if fact.kind() == Kind::Money {
                Value::Money(members.next_value::<Sum>()?)
            } else {
                let json = members.next_value::<Json>()?;
                // No fact of another kind depends on the currency.
                fact.read(raw(&json), Currency::Cny)
                    .map_err(A::Error::custom)?
            };
            seen.push((fact, value));
        }
        Ok(Seen(seen))
    }
}

fn raw(json: &Json) -> Raw<'_> {
    match json {
        Json::Text(text) => Raw::Text(text),
        Json::Integer(number) => Raw::Integer(*number),
        Json::Bool(truth) => Raw::Bool(*truth),
        Json::Float => Raw::Float,
        Json::Null | Json::List | Json::Object(_) => Raw::Other,
    }
}

/// Why a facts file was not accepted: everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct FactsFileError(pub Vec<String>);

/// Reads a facts file: the facts, stated in `currency`, and the usage.
///
/// ```json
/// {
///   "as_of": "2020-03-02",
///   "facts": {
///     "applicant_kind": "enterprise",
///     "uscc": { "value": "91000000MA00000900", "source": "verified", "as_of": "2020-03-01" }
///   },
///   "usage": { "held_now": "0.00", "used_this_year": "0.00" }
/// }
/// ```
///
/// A fact written as a bare value is declared, on the file's `as_of`.
///
/// # Errors
/// Unknown and repeated keys, unknown facts, wrong types and units, amounts that are not text; each
/// named by its place in the file.
pub fn read_facts_file(bytes: &[u8], currency: Currency) -> Result<(Facts, Usage), FactsFileError> {
    let json: Json = serde_json::from_slice(bytes)
        .map_err(|error| FactsFileError(vec![format!("not a facts file: {error}")]))?;
    let mut reader = FileReader {
        currency,
        problems: Vec::new(),
    };
    let result = reader.file(&json);
    match result {
        Some(read) if reader.problems.is_empty() => Ok(read),
        Some(_) | None => Err(FactsFileError(reader.problems)),
    }
}

/// Where a fact stands in a facts file; written out only when something is wrong there.
#[derive(Clone, Copy)]
struct Place<'a>(&'a str);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "facts.{}", self.0)
    }
}

/// A fact as a file holds it.
struct Written<'j> {
    value: &'j Json,
    source: Source,
    as_of: NaiveDate,
    entry: Option<LogIndex>,
}

struct FileReader {
    currency: Currency,
    problems: Vec<String>,
}

impl FileReader {
    fn refuse<T>(&mut self, place: impl fmt::Display, why: impl fmt::Display) -> Option<T> {
        self.problems.push(format!("{place}: {why}"));
        None
    }

    fn object<'j>(
        &mut self,
        place: impl fmt::Display + Copy,
        json: &'j Json,
        keys: &[&str],
    ) -> Option<&'j [(String, Json)]> {
        let Json::Object(members) = json else {
            return self.refuse(place, "must be an object in braces");
        };
        for (key, _) in members
            .iter()
            .filter(|(key, _)| !keys.contains(&key.as_str()))
        {
            self.refuse::<()>(
                place,
                format_args!("unknown key {key:?}: use {}", keys.join(", ")),
            );
        }
        Some(members)
    }

    fn file(&mut self, json: &Json) -> Option<(Facts, Usage)> {
        let members = self.object("the file", json, &["as_of", "facts", "usage"])?;
        let as_of = self.day("as_of", get(members, "as_of"));
        let usage = match get(members, "usage") {
            Some(usage) => self.usage(usage),
            None => self.refuse("usage", "is missing: give held_now and used_this_year"),
        };
        let facts = match (get(members, "facts"), as_of) {
            (Some(facts), Some(as_of)) => self.facts(facts, as_of),
            (Some(_), None) => None,
            (None, _) => self.refuse("facts", "is missing: give an object of facts"),
        };
        Some((facts?, usage?))
    }

    fn facts(&mut self, json: &Json, as_of: NaiveDate) -> Option<Facts> {
        let Json::Object(members) = json else {
            return self.refuse("facts", "must be an object in braces");
        };
        let mut facts = Facts::new(self.currency);
        for (name, json) in members {
            let place = Place(name);
            let Some(fact) = Fact::named(name) else {
                let advice = Fact::advice(&name.chars().take(60).collect::<String>());
                self.refuse::<()>(place, format_args!("unknown fact: {advice}"));
                continue;
            };
            let Some(written) = self.stated(place, json, as_of) else {
                continue;
            };
            match fact.read(raw(written.value), self.currency) {
                Ok(value) => facts.insert(
                    fact,
                    Stated {
                        as_of: written.as_of,
                        entry: written.entry,
                        source: written.source,
                        value,
                    },
                ),
                Err(error) => {
                    self.refuse::<()>(place, error);
                }
            }
        }
        Some(facts)
    }

    /// A bare value, or an object of value, source, `as_of` and entry.
    fn stated<'j>(
        &mut self,
        place: Place<'_>,
        json: &'j Json,
        as_of: NaiveDate,
    ) -> Option<Written<'j>> {
        if !matches!(json, Json::Object(_)) {
            return Some(Written {
                value: json,
                source: Source::Declared,
                as_of,
                entry: None,
            });
        }
        let members = self.object(place, json, &["value", "source", "as_of", "entry"])?;
        let entry = match get(members, "entry") {
            None => None,
            Some(Json::Integer(index)) if *index >= 0 => Some(LogIndex(*index)),
            Some(_) => {
                return self.refuse(
                    format_args!("{place}.entry"),
                    "must be the log index of an entry, such as 12",
                );
            }
        };
        let source = match get(members, "source") {
            None => Some(Source::Declared),
            Some(Json::Text(name)) => Source::named(name),
            Some(_) => None,
        };
        let as_of = match get(members, "as_of") {
            None => Some(as_of),
            given => self.day(format_args!("{place}.as_of"), given),
        };
        let Some(source) = source else {
            return self.refuse(
                format_args!("{place}.source"),
                "must be \"declared\", \"verified\" or \"imported\"",
            );
        };
        match get(members, "value") {
            Some(value) => Some(Written {
                value,
                source,
                as_of: as_of?,
                entry,
            }),
            None => self.refuse(place, "has no \"value\""),
        }
    }

    fn usage(&mut self, json: &Json) -> Option<Usage> {
        let members = self.object("usage", json, &["held_now", "used_this_year"])?;
        let held_now = self.money("usage.held_now", get(members, "held_now"));
        let used_this_year = self.money("usage.used_this_year", get(members, "used_this_year"));
        Some(Usage {
            held_now: held_now?,
            used_this_year: used_this_year?,
        })
    }

    fn money(&mut self, place: &str, json: Option<&Json>) -> Option<Money> {
        let Some(Json::Text(text)) = json else {
            let how = Kind::Money.how_to_write();
            return self.refuse(place, format_args!("must be {how}"));
        };
        match Money::parse(text, self.currency) {
            Ok(money) => Some(money),
            Err(error @ (MoneyError::Form { .. } | MoneyError::Range(_))) => {
                self.refuse(place, error)
            }
        }
    }

    fn day(&mut self, place: impl fmt::Display, json: Option<&Json>) -> Option<NaiveDate> {
        let day = match json {
            Some(Json::Text(text)) => parse_day(text),
            Some(_) | None => None,
        };
        match day {
            Some(day) => Some(day),
            None => self.refuse(place, "must be a date as text, such as \"2020-02-28\""),
        }
    }
}

fn get<'j>(members: &'j [(String, Json)], key: &str) -> Option<&'j Json> {
    members
        .iter()
        .find(|(name, _)| name == key)
        .map(|(_, json)| json)
}
