//! What a decision is made on: a snapshot of stated facts; and files that hold one.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::facts::{FactError, Kind, Raw, StatedBy, Value, parse_day};
use super::json::Json;
use super::usage::Usage;
use super::written;
use super::{Fact, Moment, Policy, Sha256, Sum};
use crate::types::{Currency, LogIndex, Money, MoneyError, excerpt};

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
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Declared, Self::Verified, Self::Imported];

    /// As files and rows write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Verified => "verified",
            Self::Imported => "imported",
        }
    }

    /// The source of that word.
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "declared" => Some(Self::Declared),
            "verified" => Some(Self::Verified),
            "imported" => Some(Self::Imported),
            _ => None,
        }
    }
}

/// The sources that a pack demands of facts.
pub(super) type Accepted = BTreeMap<Fact, Vec<Source>>;

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

    /// Each fact and what is stated of it, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (Fact, &Stated)> {
        self.facts.iter().map(|(fact, stated)| (*fact, stated))
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
            needed: Vec::new(),
            problems: Vec::new(),
        };
        match reader.facts(facts, NaiveDate::MIN) {
            Some(facts) if reader.problems.is_empty() => Ok(facts),
            Some(_) | None => Err(FactsFileError(reader.problems)),
        }
    }

    /// The canonical bytes (RFC 8785): keys in order, amounts as text.
    ///
    /// Written here and not by serde: every decision hashes them, and a general writer took longer than the decision.
    /// A test holds them to what serde writes.
    pub fn to_canonical_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 112 * self.facts.len());
        out.extend_from_slice(b"{\"currency\":\"");
        out.extend_from_slice(self.currency.code().as_bytes());
        out.extend_from_slice(b"\",\"facts\":{");
        for (place, (fact, stated)) in self.facts.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            out.push(b'"');
            out.extend_from_slice(fact.name().as_bytes());
            out.extend_from_slice(b"\":{\"as_of\":\"");
            written::day(&mut out, stated.as_of);
            out.push(b'"');
            if let Some(LogIndex(entry)) = stated.entry {
                out.extend_from_slice(b",\"entry\":");
                written::number(&mut out, entry.unsigned_abs());
            }
            out.extend_from_slice(b",\"source\":\"");
            out.extend_from_slice(stated.source.word().as_bytes());
            out.extend_from_slice(b"\",\"value\":");
            written::value(&mut out, &stated.value);
            out.push(b'}');
        }
        out.extend_from_slice(b"}}");
        out
    }

    /// The SHA-256 of [`Facts::to_canonical_json`].
    pub fn sha256(&self) -> Sha256 {
        Sha256::of(&self.to_canonical_json())
    }

    /// What a decision of that day may rely on: nothing of a later day; of what only the office can determine,
    /// nothing that was merely declared; and only from the sources that `accepted` names for a fact. The day
    /// itself is always known.
    pub(super) fn seen(&self, wanted: &[Fact], accepted: &Accepted, on: NaiveDate) -> Seen {
        let value = |fact: &Fact| {
            if *fact == Fact::DecidedOn {
                return Some((*fact, Value::Date(on)));
            }
            let stated = self.visible(*fact, accepted, on)?;
            Some((*fact, stated.value.clone()))
        };
        Seen(wanted.iter().filter_map(value).collect())
    }

    fn visible(&self, fact: Fact, accepted: &Accepted, on: NaiveDate) -> Option<&Stated> {
        self.facts
            .get(&fact)
            .filter(|stated| stated.as_of <= on && is_accepted(accepted, fact, stated.source))
    }

    /// Of the facts seen, the ledger's entries that stated or determined them.
    pub(super) fn entries(&self, seen: &Seen) -> BTreeMap<Fact, LogIndex> {
        let entry = |(fact, _): &(Fact, Value)| Some((*fact, self.facts.get(fact)?.entry?));
        seen.0.iter().filter_map(entry).collect()
    }
}

/// Whether a fact from that source is believed: what only the office can determine, only verified.
pub(super) fn is_accepted(accepted: &Accepted, fact: Fact, source: Source) -> bool {
    match accepted.get(&fact) {
        Some(sources) => sources.contains(&source),
        None => fact.spec().stated_by != StatedBy::Office || source == Source::Verified,
    }
}

/// The facts that a decision saw, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(Vec<(Fact, Value)>);

impl Seen {
    /// The value of a fact, if it was seen.
    pub fn get(&self, fact: Fact) -> Option<&Value> {
        let place = self.0.binary_search_by_key(&fact, |(seen, _)| *seen).ok()?;
        self.0.get(place).map(|(_, value)| value)
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

impl FromIterator<(Fact, Value)> for Seen {
    /// Of facts in the order of their names.
    fn from_iter<I: IntoIterator<Item = (Fact, Value)>>(facts: I) -> Self {
        Self(facts.into_iter().collect())
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
        seen.sort_by_key(|(fact, _)| *fact);
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

/// Reads a facts file for a decision by `policy`: the facts, in its currency, and the usage that its caps count.
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
pub fn read_facts_file(
    bytes: &[u8],
    policy: &Policy,
    moment: Moment,
) -> Result<(Facts, Usage), FactsFileError> {
    let json: Json = serde_json::from_slice(bytes)
        .map_err(|error| FactsFileError(vec![format!("not a facts file: {error}")]))?;
    let mut reader = FileReader {
        currency: policy.currency(),
        needed: policy.counted(moment),
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
    /// The members of `usage` that must be there.
    needed: Vec<&'static str>,
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
            None if self.needed.is_empty() => Some(Usage::default()),
            None => {
                let needed = self.needed.join(" and ");
                self.refuse("usage", format_args!("is missing: give {needed}"))
            }
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
                let advice = Fact::advice(&excerpt(name));
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
        let keys = [Usage::AMOUNTS.as_slice(), &Usage::NUMBERS].concat();
        let members = self.object("usage", json, &keys)?;
        let needed: Vec<&str> = self.needed.clone();
        for key in needed.iter().filter(|key| get(members, key).is_none()) {
            self.refuse::<()>(
                "usage",
                format_args!(
                    "has no {key}, which a cap of this pack counts: give it, if only as zero"
                ),
            );
        }
        let mut amount = |key: &str| match get(members, key) {
            None => Some(None),
            given => self.money(&format!("usage.{key}"), given).map(Some),
        };
        let [
            held,
            year,
            group,
            provider,
            life,
            programme,
            de_minimis,
            budget,
            demand,
        ] = Usage::AMOUNTS.map(&mut amount);
        let mut number = |key: &str| match get(members, key) {
            None => Some(None),
            Some(Json::Integer(number)) if u32::try_from(*number).is_ok() => {
                Some(u32::try_from(*number).ok())
            }
            Some(_) => {
                let place = format!("usage.{key}");
                self.refuse(
                    place,
                    "must be a whole number from 0, such as 3, without quotes",
                )
            }
        };
        let [awards_this_year, awards_in_life, rank] = Usage::NUMBERS.map(&mut number);
        Some(Usage {
            held_now: held?.unwrap_or_default(),
            used_this_year: year?.unwrap_or_default(),
            used_by_group: group?.unwrap_or_default(),
            used_by_provider: provider?.unwrap_or_default(),
            used_in_life: life?.unwrap_or_default(),
            used_by_programme: programme?.unwrap_or_default(),
            de_minimis: de_minimis?.unwrap_or_default(),
            awards_this_year: awards_this_year?.unwrap_or(0),
            awards_in_life: awards_in_life?.unwrap_or(0),
            rank: rank?,
            budget: budget?,
            demand: demand?,
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
