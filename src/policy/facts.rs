//! What a fact is: its type and unit, who may state it, on what evidence, and how its values are read and written.

use std::cmp::Ordering;
use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::{Serialize, Serializer};

use super::{Fact, Locale, Sum};
use crate::types::{Currency, Money, Name};

/// The type of a fact, with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An amount of money in the policy's currency.
    Money,
    /// A whole number of these.
    Count(Unit),
    /// A number of these with two decimals, kept as whole hundredths.
    Quantity(Unit),
    /// A day.
    Date,
    /// Yes or no.
    Bool,
    /// A text.
    Text,
    /// One of these words.
    OneOf(&'static [Word]),
}

/// What a number counts or measures. Numbers of different units are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Persons.
    Persons,
    /// Things, firms, cases.
    Items,
    /// Days.
    Days,
    /// Months.
    Months,
    /// Years, as a length of time or an ordinal.
    Years,
    /// A calendar year, such as 2020.
    Year,
    /// Points of a score.
    Points,
    /// Square metres.
    SquareMetres,
    /// Hundredths of a whole.
    Percent,
}

impl Unit {
    /// After a number, for people.
    pub const fn label(self, locale: Locale) -> &'static str {
        let label = match self {
            Self::Persons => ["人", "persons"],
            Self::Items => ["项", "items"],
            Self::Days => ["天", "days"],
            Self::Months => ["个月", "months"],
            Self::Years => ["年", "years"],
            Self::Year => ["年度", "calendar year"],
            Self::Points => ["分", "points"],
            Self::SquareMetres => ["平方米", "m²"],
            Self::Percent => ["%", "%"],
        };
        pick(label, locale)
    }
}

/// A word that a fact may have as its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// In packs and files.
    pub name: &'static str,
    /// 中文.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
}

impl Kind {
    /// How a value of this type is written, for remedies.
    pub fn how_to_write(self) -> String {
        match self {
            Self::Money => "an amount as text, such as \"1200.00\"".to_owned(),
            Self::Count(Unit::Year) => "a calendar year, such as 2020, without quotes".to_owned(),
            Self::Count(_) => "a whole number from 0, such as 3, without quotes".to_owned(),
            Self::Quantity(unit) => format!(
                "a number of {} with two decimals as text, such as \"12.50\"",
                unit.label(Locale::En)
            ),
            Self::Date => "a date, such as 2020-02-28".to_owned(),
            Self::Bool => "true or false, without quotes".to_owned(),
            Self::Text => "a text of 1 to 200 visible characters, in quotes".to_owned(),
            Self::OneOf(words) => {
                let names: Vec<_> = words.iter().map(|word| word.name).collect();
                format!("one of \"{}\"", names.join("\", \""))
            }
        }
    }

    /// What it is, for people who compare two of them.
    pub fn described(self) -> String {
        match self {
            Self::Money => "an amount of money".to_owned(),
            Self::Count(unit) => format!("a count of {}", unit.label(Locale::En)),
            Self::Quantity(unit) => format!("a number of {}", unit.label(Locale::En)),
            Self::Date => "a date".to_owned(),
            Self::Bool => "yes or no".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::OneOf(_) => self.how_to_write(),
        }
    }

    /// Whether one value of it can be more than another.
    pub const fn ordered(self) -> bool {
        match self {
            Self::Money | Self::Count(_) | Self::Quantity(_) | Self::Date => true,
            Self::Bool | Self::Text | Self::OneOf(_) => false,
        }
    }
}

/// What a fact is about, and so how long it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// About a party: holds from its day on, until another is stated or the time given with it is over.
    Standing,
    /// About a party in one calendar year: a decision sees that of the year before its own.
    Year,
    /// About one application, order or claim, with which it is stated.
    Case,
}

/// Who may state a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatedBy {
    /// The applicant, who answers for it.
    Applicant,
    /// The office, by a recorded determination: a mere declaration of the applicant is not seen.
    Office,
    /// This ledger, from what it has recorded or imported from another register.
    Ledger,
}

/// What the registry says about a fact.
#[derive(Clone, Copy, Debug)]
pub struct FactSpec {
    /// The name in packs and files.
    pub name: &'static str,
    /// Type and unit.
    pub kind: Kind,
    /// What it is about.
    pub span: Span,
    /// Who may state it.
    pub stated_by: StatedBy,
    /// What it is: 中文, English.
    pub what: [&'static str; 2],
    /// What supports it: 中文, English.
    pub evidence: [&'static str; 2],
}

impl FactSpec {
    /// What the fact is, as a noun phrase.
    pub fn what(&self, locale: Locale) -> &'static str {
        pick(self.what, locale)
    }

    /// The document or record that supports it.
    pub fn evidence(&self, locale: Locale) -> &'static str {
        pick(self.evidence, locale)
    }
}

const fn pick([zh, en]: [&'static str; 2], locale: Locale) -> &'static str {
    match locale {
        Locale::Zh => zh,
        Locale::En => en,
    }
}

impl Fact {
    /// The fact of that name.
    pub fn named(name: &str) -> Option<Self> {
        let place = Self::ALL.binary_search_by(|fact| fact.name().cmp(name));
        place.ok().and_then(|place| Self::ALL.get(place)).copied()
    }

    /// For whoever wrote a name that is not in the registry: the names nearest to it, and where all stand.
    pub fn advice(unknown: &str) -> String {
        let distance = |fact: &Self| strsim::damerau_levenshtein(fact.name(), unknown);
        let mut near: Vec<Self> = Self::ALL.to_vec();
        near.sort_by_cached_key(distance);
        let near = near.iter().take(3);
        let near = near.filter(|fact| distance(fact) <= unknown.chars().count() / 2);
        let names: Vec<_> = near.map(|fact| fact.name()).collect();
        if names.is_empty() {
            return "docs/facts.md lists all facts".to_owned();
        }
        format!("did you mean {}? docs/facts.md lists all", names.join(", "))
    }

    /// Where it stands among [`Fact::ALL`].
    pub fn place(self) -> usize {
        Self::ALL
            .binary_search(&self)
            .expect("BUG: every fact is among all, in their order")
    }

    /// The name in packs and files.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// Type and unit.
    pub const fn kind(self) -> Kind {
        self.spec().kind
    }

    /// Reads a value that came from a file, strictly by type and unit.
    pub fn read(self, raw: Raw<'_>, currency: Currency) -> Result<Value, FactError> {
        let refused = || FactError {
            fact: self,
            found: raw.to_string(),
            why: format!("write {}", self.kind().how_to_write()),
        };
        match (self.kind(), raw) {
            (Kind::Money, Raw::Text(text)) => match Money::parse(text, currency) {
                Ok(money) => Ok(Value::Money(Sum::new(money, currency))),
                Err(error) => Err(FactError {
                    why: error.to_string(),
                    ..refused()
                }),
            },
            (Kind::Count(unit), Raw::Integer(number)) => u32::try_from(number)
                .ok()
                .filter(|number| unit != Unit::Year || (1900..=9999).contains(number))
                .map(Value::Count)
                .ok_or_else(refused),
            (Kind::Quantity(_), Raw::Text(text)) => Quantity::parse(text)
                .map(Value::Quantity)
                .ok_or_else(refused),
            (Kind::Date, Raw::Date(day)) => Ok(Value::Date(day)),
            (Kind::Date, Raw::Text(text)) => parse_day(text).map(Value::Date).ok_or_else(refused),
            (Kind::Bool, Raw::Bool(truth)) => Ok(Value::Bool(truth)),
            (Kind::Text, Raw::Text(text)) if visible(text) => Ok(Value::Text(text.to_owned())),
            (Kind::OneOf(words), Raw::Text(text)) => {
                let word = words.iter().find(|word| word.name == text);
                word.map(Value::Choice).ok_or_else(refused)
            }
            (
                Kind::Money
                | Kind::Count(_)
                | Kind::Quantity(_)
                | Kind::Date
                | Kind::Bool
                | Kind::Text
                | Kind::OneOf(_),
                _,
            ) => Err(refused()),
        }
    }
}

/// `YYYY-MM-DD` with a year from 1900: chrono alone would also take other lengths and signs.
pub(super) fn parse_day(text: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_u16, |number, digit| {
            let digit = char::from(*digit).to_digit(10)?;
            Some(number * 10 + u16::try_from(digit).ok()?)
        })
    };
    let year = number(&[y1, y2, y3, y4]).filter(|year| *year >= 1900)?;
    let (month, day) = (number(&[m1, m2])?, number(&[d1, d2])?);
    NaiveDate::from_ymd_opt(i32::from(year), u32::from(month), u32::from(day))
}

/// One visible line that needs no trimming or normalising.
fn visible(text: &str) -> bool {
    text.parse::<Name>().is_ok_and(|name| name.as_str() == text)
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value as a file holds it, before its type is known.
#[derive(Clone, Copy, Debug)]
pub enum Raw<'a> {
    /// A text.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
    /// A number with decimals or out of range: never accepted.
    Float,
    /// Yes or no.
    Bool(bool),
    /// A day.
    Date(NaiveDate),
    /// A list, an object, a date with time, or null.
    Other,
}

impl<'a> Raw<'a> {
    /// A value typed on a command line, where everything is text: numbers and truths are told by the
    /// fact's type.
    pub fn typed(fact: Fact, text: &'a str) -> Self {
        match fact.kind() {
            Kind::Count(_) => text.parse().map_or(Self::Text(text), Self::Integer),
            Kind::Bool => text.parse().map_or(Self::Text(text), Self::Bool),
            Kind::Money | Kind::Quantity(_) | Kind::Date | Kind::Text | Kind::OneOf(_) => {
                Self::Text(text)
            }
        }
    }
}

impl fmt::Display for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{:?}", text.chars().take(40).collect::<String>()),
            Self::Integer(number) => write!(f, "the number {number}"),
            Self::Float => f.write_str("a number with decimals"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Date(day) => write!(f, "the date {day}"),
            Self::Other => f.write_str("a list, object, time or null"),
        }
    }
}

/// A value of the wrong type or form for its fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fact} can't be {found}: {why}")]
pub struct FactError {
    /// Which fact.
    pub fact: Fact,
    /// What stood there.
    pub found: String,
    /// What to write instead.
    pub why: String,
}

/// The value of a fact. Values of one fact are always of one variant, so they compare as numbers do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// An amount of money.
    Money(Sum),
    /// A whole number.
    Count(u32),
    /// A number with two decimals.
    Quantity(Quantity),
    /// A day.
    Date(NaiveDate),
    /// Yes or no.
    Bool(bool),
    /// A text.
    Text(String),
    /// One of the words of the fact's kind.
    Choice(&'static Word),
}

impl Value {
    /// The value as a whole number of its smallest unit: what comparisons and ratios rest on. A text has none.
    ///
    /// Fen or cents, whole things, hundredths, days of the common era, 0 or 1, the place of a word.
    pub fn scalar(&self, kind: Kind) -> Option<i64> {
        match self {
            Self::Money(sum) => Some(sum.money().minor()),
            Self::Count(number) => Some(i64::from(*number)),
            Self::Quantity(quantity) => Some(quantity.hundredths()),
            Self::Date(day) => Some(i64::from(day.num_days_from_ce())),
            Self::Bool(truth) => Some(i64::from(*truth)),
            Self::Choice(word) => match kind {
                Kind::OneOf(words) => {
                    let place = words.iter().position(|known| known == *word)?;
                    i64::try_from(place).ok()
                }
                Kind::Money
                | Kind::Count(_)
                | Kind::Quantity(_)
                | Kind::Date
                | Kind::Bool
                | Kind::Text => None,
            },
            Self::Text(_) => None,
        }
    }
}

/// A number with two decimals that is not money, such as square metres; whole hundredths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(i64);

impl Quantity {
    /// Reads `1200.00`: plain digits and two decimals. Amounts of yuan are written alike.
    pub fn parse(text: &str) -> Option<Self> {
        let parsed = Money::parse(text, Currency::Cny).ok()?;
        Some(Self(parsed.minor()))
    }

    /// From whole hundredths.
    pub const fn from_hundredths(hundredths: i64) -> Self {
        Self(hundredths)
    }

    /// How many hundredths.
    pub const fn hundredths(self) -> i64 {
        self.0
    }

    /// For people: thousands separated by commas.
    pub fn to_grouped_text(self) -> String {
        Money::from_minor(self.0).to_grouped_text(Currency::Cny)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Money::from_minor(self.0).to_text(Currency::Cny))
    }
}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Word {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Money(sum) => sum.serialize(serializer),
            Self::Count(number) => serializer.serialize_u32(*number),
            Self::Date(day) => serializer.collect_str(day),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Quantity(quantity) => serializer.collect_str(quantity),
            Self::Choice(word) => serializer.serialize_str(word.name),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Money(sum) => f.write_str(&sum.to_grouped_text()),
            Self::Count(number) => number.fmt(f),
            Self::Date(day) => day.fmt(f),
            Self::Bool(truth) => truth.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Quantity(quantity) => f.write_str(&quantity.to_grouped_text()),
            Self::Choice(word) => f.write_str(word.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_in_canonical_order_and_named_alike() {
        assert!(Fact::ALL.is_sorted());
        assert!(Fact::ALL.is_sorted_by_key(|fact| fact.name()));
        for &fact in Fact::ALL {
            assert_eq!(serde_json::to_value(fact).unwrap(), fact.name());
            assert_eq!(Fact::named(fact.name()), Some(fact));
        }
    }

    #[test]
    fn values_are_read_strictly() {
        let read = |fact: Fact, raw| fact.read(raw, Currency::Cny);
        assert!(read(Fact::ServicePrice, Raw::Text("1200.00")).is_ok());
        for raw in [
            Raw::Text("1200"),
            Raw::Text("-1.00"),
            Raw::Integer(1200),
            Raw::Float,
            Raw::Other,
        ] {
            assert!(read(Fact::ServicePrice, raw).is_err(), "{raw:?}");
        }
        assert!(read(Fact::CoreMembers, Raw::Integer(-1)).is_err());
        assert!(read(Fact::CoreMembers, Raw::Text("3")).is_err());
        assert!(read(Fact::OrderDate, Raw::Text("2020-02-29")).is_ok());
        for text in [
            "2020-02-30",
            "2020-2-3",
            "today",
            "+2020-01-01",
            "10000-01-01",
            "0000-01-01",
            "2020-01-01 ",
        ] {
            assert!(read(Fact::OrderDate, Raw::Text(text)).is_err(), "{text:?}");
        }
        assert!(read(Fact::ApplicantKind, Raw::Text("Team")).is_err());
        assert!(read(Fact::RelatedParty, Raw::Text("true")).is_err());
        assert_eq!(
            read(Fact::CoreMembers, Raw::Text("three"))
                .unwrap_err()
                .to_string(),
            "core_members can't be \"three\": write a whole number from 0, such as 3, without quotes"
        );
    }
}
