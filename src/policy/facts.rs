//! The registry of facts: what a policy may ask, of what type, who may state it, on what evidence.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize, Serializer};

use super::{Locale, Sum};
use crate::types::{Currency, Money, Name};

/// A fact that the registry knows. In alphabetical order of the names, so that collections keyed by
/// it are in canonical order (RFC 8785) as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// `applicant_kind`
    ApplicantKind,
    /// `core_members`
    CoreMembers,
    /// `in_incubator_or_park`
    InIncubatorOrPark,
    /// `issued_on`
    IssuedOn,
    /// `order_date`
    OrderDate,
    /// `project_funded`
    ProjectFunded,
    /// `registered`
    Registered,
    /// `related_party`
    RelatedParty,
    /// `requested_amount`
    RequestedAmount,
    /// `service_price`
    ServicePrice,
    /// `statutory_testing`
    StatutoryTesting,
    /// `uscc`
    Uscc,
    /// `uscc_override`
    UsccOverride,
}

/// The type of a fact, with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An amount of money in the policy's currency.
    Money,
    /// A number of persons or things.
    Count,
    /// A day.
    Date,
    /// Yes or no.
    Bool,
    /// A text.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Kind {
    /// How a value of this type is written, for remedies.
    pub fn how_to_write(self) -> String {
        match self {
            Self::Money => "an amount as text, such as \"1200.00\"".to_owned(),
            Self::Count => "a whole number from 0, such as 3, without quotes".to_owned(),
            Self::Date => "a date, such as 2020-02-28".to_owned(),
            Self::Bool => "true or false, without quotes".to_owned(),
            Self::Text => "a text of 1 to 200 visible characters, in quotes".to_owned(),
            Self::OneOf(words) => format!("one of \"{}\"", words.join("\", \"")),
        }
    }
}

/// Who may state a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatedBy {
    /// The applicant, who answers for it.
    Applicant,
    /// The office, by a recorded determination: a mere declaration of the applicant is not seen.
    Office,
    /// This ledger, from what it has recorded.
    Ledger,
}

/// What the registry says about a fact.
#[derive(Clone, Copy, Debug)]
pub struct FactSpec {
    /// The name in packs and files.
    pub name: &'static str,
    /// Type and unit.
    pub kind: Kind,
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

fn pick([zh, en]: [&'static str; 2], locale: Locale) -> &'static str {
    match locale {
        Locale::Zh => zh,
        Locale::En => en,
    }
}

macro_rules! spec {
    ($name:literal, $kind:expr, $by:ident, $zh:literal, $en:literal, $proof_zh:literal, $proof_en:literal) => {
        FactSpec {
            name: $name,
            kind: $kind,
            stated_by: StatedBy::$by,
            what: [$zh, $en],
            evidence: [$proof_zh, $proof_en],
        }
    };
}

impl Fact {
    /// Every fact, by name.
    pub const ALL: [Self; 13] = [
        Self::ApplicantKind,
        Self::CoreMembers,
        Self::InIncubatorOrPark,
        Self::IssuedOn,
        Self::OrderDate,
        Self::ProjectFunded,
        Self::Registered,
        Self::RelatedParty,
        Self::RequestedAmount,
        Self::ServicePrice,
        Self::StatutoryTesting,
        Self::Uscc,
        Self::UsccOverride,
    ];

    /// The fact of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fact| fact.name() == name)
    }

    /// The name in packs and files.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// Type and unit.
    pub const fn kind(self) -> Kind {
        self.spec().kind
    }

    /// What the registry says about it.
    #[rustfmt::skip] // a table: one fact on two lines, what it is and what supports it
    pub const fn spec(self) -> FactSpec {
        match self {
            Self::ApplicantKind => spec!("applicant_kind", Kind::OneOf(&["enterprise", "team"]), Applicant,
                "申请主体类型", "the kind of applicant", "申请表", "the application form"),
            Self::CoreMembers => spec!("core_members", Kind::Count, Applicant,
                "团队核心成员人数", "the number of core members of the team", "团队成员名单", "the list of team members"),
            Self::InIncubatorOrPark => spec!("in_incubator_or_park", Kind::Bool, Applicant,
                "是否入驻孵化器或科技园", "being in an incubator or science park", "入驻证明", "the carrier's confirmation"),
            Self::IssuedOn => spec!("issued_on", Kind::Date, Ledger,
                "创新券发放日期", "the day on which the voucher was issued", "台账记录", "the ledger's own entry"),
            Self::OrderDate => spec!("order_date", Kind::Date, Ledger,
                "服务订单日期", "the day of the order", "订单记录", "the recorded order"),
            Self::ProjectFunded => spec!("project_funded", Kind::Bool, Applicant,
                "项目是否已列入市级科技计划", "the project being on the city science plan already", "项目声明", "the declaration on the project"),
            Self::Registered => spec!("registered", Kind::Bool, Applicant,
                "是否已办理工商登记", "being registered as a business", "营业执照或承诺书", "the business licence, or a commitment that there is none"),
            Self::RelatedParty => spec!("related_party", Kind::Bool, Applicant,
                "服务双方是否存在关联关系", "applicant and provider being related", "非关联承诺书", "the signed statement of no relation"),
            Self::RequestedAmount => spec!("requested_amount", Kind::Money, Applicant,
                "申请的创新券面额", "the voucher value applied for", "申请表", "the application form"),
            Self::ServicePrice => spec!("service_price", Kind::Money, Applicant,
                "服务合同金额", "the price of the service in its contract", "服务合同", "the service contract"),
            Self::StatutoryTesting => spec!("statutory_testing", Kind::Bool, Applicant,
                "服务是否属于法定检测", "the service being testing that the law demands", "服务合同", "the service contract"),
            Self::Uscc => spec!("uscc", Kind::Text, Applicant,
                "统一社会信用代码", "the unified social credit code", "营业执照", "the business licence"),
            Self::UsccOverride => spec!("uscc_override", Kind::Bool, Office,
                "双人核定的代码例外", "the override of the code by two persons", "营业执照及双人核定记录", "the business licence and a determination by two persons"),
        }
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
            (Kind::Count, Raw::Integer(number)) => u32::try_from(number)
                .map(Value::Count)
                .map_err(|_| refused()),
            (Kind::Date, Raw::Date(day)) => Ok(Value::Date(day)),
            (Kind::Date, Raw::Text(text)) => parse_day(text).map(Value::Date).ok_or_else(refused),
            (Kind::Bool, Raw::Bool(truth)) => Ok(Value::Bool(truth)),
            (Kind::Text, Raw::Text(text)) if visible(text) => Ok(Value::Text(text.to_owned())),
            (Kind::OneOf(words), Raw::Text(text)) => {
                let word = words.iter().find(|word| **word == text);
                word.map(|word| Value::Choice(word)).ok_or_else(refused)
            }
            (
                Kind::Money | Kind::Count | Kind::Date | Kind::Bool | Kind::Text | Kind::OneOf(_),
                _,
            ) => Err(refused()),
        }
    }
}

/// `YYYY-MM-DD` with a year from 1900: chrono alone would also take other lengths and signs.
pub(super) fn parse_day(text: &str) -> Option<NaiveDate> {
    let is_in_form = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    let is_day = text.len() == 10 && text.bytes().enumerate().all(is_in_form) && text >= "1900";
    text.parse().ok().filter(|_| is_day)
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
            Kind::Count => text.parse().map_or(Self::Text(text), Self::Integer),
            Kind::Bool => text.parse().map_or(Self::Text(text), Self::Bool),
            Kind::Money | Kind::Date | Kind::Text | Kind::OneOf(_) => Self::Text(text),
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
    /// A number of persons or things.
    Count(u32),
    /// A day.
    Date(NaiveDate),
    /// Yes or no.
    Bool(bool),
    /// A text.
    Text(String),
    /// One of the words of the fact's kind.
    Choice(&'static str),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Money(sum) => sum.serialize(serializer),
            Self::Count(number) => serializer.serialize_u32(*number),
            Self::Date(day) => serializer.collect_str(day),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Choice(word) => serializer.serialize_str(word),
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
            Self::Choice(word) => f.write_str(word),
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
        for fact in Fact::ALL {
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
