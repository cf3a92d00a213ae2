//! Registers that other offices keep and packs rely on: what their files have, and what follows from it.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use super::values::Values;
use crate::policy::{Fact, Facts, Kind, Value, Word};
use crate::types::{Name, excerpt};

/// Where imported facts come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// 科技型中小企业: the evaluation of tech SMEs (国科发政〔2017〕115号).
    TechSme,
    /// 高新技术企业: certificates of high-tech enterprises.
    Hnte,
    /// 企业规模: size classes by the statistics table of 2017.
    SizeClass,
    /// 经营异常和严重违法失信名单: lists of abnormal operation and serious violation.
    Integrity,
    /// Another office's, such as `tax`, for facts that applicants state themselves.
    Other(String),
}

/// A text that names no register.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no register: write tech_sme, hnte, size_class, integrity, or a word of small letters, digits \
     and underscores for another office's, such as tax"
)]
pub struct NotARegister(pub String);

impl Register {
    /// Those with facts of their own.
    pub const KNOWN: &'static [Self] =
        &[Self::TechSme, Self::Hnte, Self::SizeClass, Self::Integrity];

    /// Its place among the known ones, which have rows; `None` of another office's list.
    pub(super) const fn place(&self) -> Option<usize> {
        match self {
            Self::TechSme => Some(0),
            Self::Hnte => Some(1),
            Self::SizeClass => Some(2),
            Self::Integrity => Some(3),
            Self::Other(_) => None,
        }
    }

    /// The same of a name.
    pub(super) fn place_of(name: &str) -> Option<usize> {
        Self::KNOWN.iter().position(|known| known.as_str() == name)
    }

    /// The known register that a name was most likely meant to be, a letter or two wrong.
    pub(super) fn meant(name: &str) -> Option<&'static str> {
        let known = Self::KNOWN.iter().map(Self::as_str);
        let mut near = known.filter(|known| {
            let distance = strsim::damerau_levenshtein(known, name);
            distance > 0 && distance <= known.len() / 4
        });
        near.next()
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::TechSme => "tech_sme",
            Self::Hnte => "hnte",
            Self::SizeClass => "size_class",
            Self::Integrity => "integrity",
            Self::Other(name) => name,
        }
    }

    /// Whether each party in it has a number of its own. What other registers call a reference may be any document.
    pub(super) const fn has_numbers(&self) -> bool {
        matches!(self, Self::TechSme | Self::Hnte)
    }

    /// The facts that only this register states; none of another office's.
    pub const fn facts(&self) -> &'static [Fact] {
        match self {
            Self::TechSme => &[
                Fact::TechSmeNumberYear,
                Fact::TechSmeRevokedOn,
                Fact::TechSmeStatus,
                Fact::TechSmeValidUntil,
            ],
            Self::Hnte => &[
                Fact::HnteRecognition,
                Fact::HnteStatus,
                Fact::HnteValidUntil,
            ],
            Self::SizeClass => &[Fact::SizeClass],
            Self::Integrity => &[Fact::IntegrityListed],
            Self::Other(_) => &[],
        }
    }

    /// What a whole file of this register says of a party that it does not name; `None` if it says nothing.
    pub(super) fn absence(&self) -> Option<Values> {
        let (fact, value) = match self {
            Self::TechSme => (Fact::TechSmeStatus, choice(Fact::TechSmeStatus, "none")?),
            Self::Hnte => (Fact::HnteStatus, choice(Fact::HnteStatus, "none")?),
            Self::Integrity => (Fact::IntegrityListed, Value::Bool(false)),
            Self::SizeClass | Self::Other(_) => return None,
        };
        Some([(fact, value)].into_iter().collect())
    }

    /// Whether a party of which this is known stands in it. Who was revoked does not, and stays revoked.
    pub(super) fn has(&self, facts: &Facts) -> bool {
        let value = |fact| facts.get(fact).map(|stated| &stated.value);
        let is_valid =
            |fact| matches!(value(fact), Some(Value::Choice(word)) if word.name == "valid");
        match self {
            Self::TechSme => is_valid(Fact::TechSmeStatus),
            Self::Hnte => is_valid(Fact::HnteStatus),
            Self::Integrity => value(Fact::IntegrityListed) == Some(&Value::Bool(true)),
            Self::SizeClass => value(Fact::SizeClass).is_some(),
            Self::Other(_) => false,
        }
    }

    /// The fact that says how a party stands in it.
    pub(super) const fn status(&self) -> Option<Fact> {
        match self {
            Self::TechSme => Some(Fact::TechSmeStatus),
            Self::Hnte => Some(Fact::HnteStatus),
            Self::SizeClass => Some(Fact::SizeClass),
            Self::Integrity => Some(Fact::IntegrityListed),
            Self::Other(_) => None,
        }
    }

    /// What it says of a party whose registration was revoked on a day; `None` where nothing is revoked.
    pub(super) fn revocation(&self, on: NaiveDate) -> Option<Values> {
        let status = self.status()?;
        let mut values: Values = [(status, choice(status, "revoked")?)].into_iter().collect();
        if *self == Self::TechSme {
            values.insert(Fact::TechSmeRevokedOn, Value::Date(on));
        }
        Some(values)
    }

    /// The register that states a fact.
    pub(super) fn of_fact(fact: Fact) -> Option<&'static str> {
        let home = Self::KNOWN
            .iter()
            .find(|register| register.facts().contains(&fact))?;
        Some(home.as_str())
    }

    /// Fills in what a row of the register says without writing it. What a person has to add, if anything.
    pub(super) fn complete(
        &self,
        facts: &mut Values,
        reference: Option<&Name>,
        from: NaiveDate,
    ) -> Result<(), &'static str> {
        self.fill_in(facts, reference, from)?;
        let is_over = |(status, last_day): &(Fact, Fact)| {
            is(facts, *status, "valid")
                && matches!(facts.get(*last_day), Some(Value::Date(last)) if *last < from)
        };
        if LASTING.iter().any(is_over) {
            return Err(
                "its last day is before its first: correct from, valid_until or the number's year",
            );
        }
        Ok(())
    }

    fn fill_in(
        &self,
        facts: &mut Values,
        reference: Option<&Name>,
        from: NaiveDate,
    ) -> Result<(), &'static str> {
        match self {
            Self::TechSme => complete_tech_sme(facts, reference, from),
            Self::Hnte => {
                default(facts, Fact::HnteStatus, || {
                    choice(Fact::HnteStatus, "valid")
                });
                if is(facts, Fact::HnteStatus, "valid") && facts.get(Fact::HnteValidUntil).is_none()
                {
                    return Err("enter the last day of the certificate in the column valid_until");
                }
                Ok(())
            }
            Self::Integrity => {
                default(facts, Fact::IntegrityListed, || Some(Value::Bool(true)));
                Ok(())
            }
            Self::SizeClass if facts.is_empty() => Err("enter the size class"),
            Self::SizeClass | Self::Other(_) => Ok(()),
        }
    }
}

/// Standings that have a last day, and the facts that say which.
pub const LASTING: [(Fact, Fact); 2] = [
    (Fact::HnteStatus, Fact::HnteValidUntil),
    (Fact::TechSmeStatus, Fact::TechSmeValidUntil),
];

/// What became by `on` of a standing that was valid until its last day; `None` if it is as it was.
pub fn expired(
    status: Fact,
    stated: Option<&Value>,
    last_day: Option<&Value>,
    on: NaiveDate,
) -> Option<Value> {
    match (stated, last_day) {
        (Some(Value::Choice(word)), Some(Value::Date(last)))
            if word.name == "valid" && *last < on =>
        {
            choice(status, "expired")
        }
        _ => None,
    }
}

/// A number is valid until 31 March of the year after its own, unless it was revoked.
fn complete_tech_sme(
    facts: &mut Values,
    reference: Option<&Name>,
    from: NaiveDate,
) -> Result<(), &'static str> {
    default(facts, Fact::TechSmeStatus, || {
        choice(Fact::TechSmeStatus, "valid")
    });
    default(facts, Fact::TechSmeNumberYear, || {
        reference.and_then(number_year).map(Value::Count)
    });
    if is(facts, Fact::TechSmeStatus, "revoked") {
        default(facts, Fact::TechSmeRevokedOn, || Some(Value::Date(from)));
        return Ok(());
    }
    if facts.get(Fact::TechSmeRevokedOn).is_some() {
        return Err("write revoked (已撤销) as its status, or delete the day of revocation");
    }
    default_valid_until(facts);
    if is(facts, Fact::TechSmeStatus, "valid") && facts.get(Fact::TechSmeValidUntil).is_none() {
        return Err("enter the registration number, its year, or the last day of its validity");
    }
    Ok(())
}

fn default_valid_until(facts: &mut Values) {
    let year = match facts.get(Fact::TechSmeNumberYear) {
        Some(Value::Count(year)) => i32::try_from(*year).ok(),
        Some(_) | None => None,
    };
    default(facts, Fact::TechSmeValidUntil, || {
        NaiveDate::from_ymd_opt(year?.checked_add(1)?, 3, 31).map(Value::Date)
    });
}

/// The year with which a registration number of a tech SME begins.
pub(super) fn number_year(reference: &Name) -> Option<u32> {
    let digits = reference.as_str().get(..4)?;
    let is_year = digits.bytes().all(|byte| byte.is_ascii_digit());
    let year = digits.parse().ok().filter(|_| is_year)?;
    (2017..=2099).contains(&year).then_some(year)
}

fn default(facts: &mut Values, fact: Fact, value: impl FnOnce() -> Option<Value>) {
    if facts.get(fact).is_none()
        && let Some(value) = value()
    {
        facts.insert(fact, value);
    }
}

fn is(facts: &Values, fact: Fact, word: &str) -> bool {
    matches!(facts.get(fact), Some(Value::Choice(chosen)) if chosen.name == word)
}

fn choice(fact: Fact, name: &str) -> Option<Value> {
    let words: &'static [Word] = match fact.kind() {
        Kind::OneOf(words) => words,
        Kind::Money | Kind::Count(_) | Kind::Quantity(_) | Kind::Date | Kind::Bool | Kind::Text => {
            &[]
        }
    };
    let word = words.iter().find(|word| word.name == name);
    word.map(Value::Choice)
}

impl FromStr for Register {
    type Err = NotARegister;

    fn from_str(text: &str) -> Result<Self, NotARegister> {
        if let Some(known) = Self::KNOWN.iter().find(|known| known.as_str() == text) {
            return Ok(known.clone());
        }
        let begins = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase());
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if begins && text.len() <= 31 && text.bytes().all(inner) {
            Ok(Self::Other(text.to_owned()))
        } else {
            Err(NotARegister(excerpt(text)))
        }
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Register {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Currency;

    #[test]
    fn a_number_says_until_when_it_is_valid() {
        let complete = |facts: &str, reference: Option<&str>| {
            let mut facts = Values::parse(facts, Currency::Cny).unwrap();
            let reference: Option<Name> = reference.map(|number| number.parse().unwrap());
            let from = "2019-06-10".parse().unwrap();
            let done = Register::TechSme.complete(&mut facts, reference.as_ref(), from);
            done.map(|()| facts.to_text())
        };
        let valid = r#"{"tech_sme_number_year":2019,"tech_sme_status":"valid","tech_sme_valid_until":"2020-03-31"}"#;
        assert_eq!(complete("{}", Some("201933010600001234")).unwrap(), valid);
        let given = r#"{"tech_sme_number_year":2019}"#;
        assert_eq!(complete(given, Some("浙-1")).unwrap(), valid);
        let revoked = r#"{"tech_sme_number_year":2019,"tech_sme_revoked_on":"2019-06-10","tech_sme_status":"revoked"}"#;
        let given = r#"{"tech_sme_status":"revoked"}"#;
        assert_eq!(
            complete(given, Some("201933010600001234")).unwrap(),
            revoked
        );
        assert!(complete("{}", None).is_err());
        assert!(complete(r#"{"tech_sme_revoked_on":"2019-06-10"}"#, Some("2019")).is_err());
    }

    #[test]
    fn a_row_does_not_end_before_it_begins() {
        let complete = |register: Register, facts: &str, reference: Option<&str>, from: &str| {
            let mut facts = Values::parse(facts, Currency::Cny).unwrap();
            let reference: Option<Name> = reference.map(|number| number.parse().unwrap());
            register.complete(&mut facts, reference.as_ref(), from.parse().unwrap())
        };
        let until = r#"{"hnte_valid_until":"2020-01-01"}"#;
        assert!(complete(Register::Hnte, until, None, "2020-01-01").is_ok());
        assert!(complete(Register::Hnte, until, None, "2020-01-02").is_err());
        let number = Some("201900000000000001");
        assert!(complete(Register::TechSme, "{}", number, "2020-03-31").is_ok());
        assert!(complete(Register::TechSme, "{}", number, "2020-04-01").is_err());
        let revoked = r#"{"tech_sme_status":"revoked"}"#;
        assert!(complete(Register::TechSme, revoked, number, "2020-04-01").is_ok());
    }

    #[test]
    fn places_are_those_of_the_list() {
        for (place, register) in Register::KNOWN.iter().enumerate() {
            assert_eq!(register.place(), Some(place));
            assert_eq!(Register::place_of(register.as_str()), Some(place));
        }
    }

    #[test]
    fn a_name_a_letter_off_is_not_another_offices() {
        for (name, meant) in [
            ("integrety", Some("integrity")),
            ("techsme", Some("tech_sme")),
            ("size_clas", Some("size_class")),
            ("htne", Some("hnte")),
            ("hnte", None),
            ("tax", None),
            ("tax_sme", None),
            ("fine", None),
        ] {
            assert_eq!(Register::meant(name), meant, "{name}");
        }
    }

    #[test]
    fn registers_have_one_spelling() {
        for name in ["tech_sme", "hnte", "size_class", "integrity", "tax", "x1_"] {
            assert_eq!(name.parse::<Register>().unwrap().to_string(), name);
        }
        for bad in ["", "Tax", "1x", "税务", "a b", &"a".repeat(32)] {
            assert!(bad.parse::<Register>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_fact_that_stands_in_a_register_has_one() {
        use crate::policy::{Span, StatedBy};
        for fact in Fact::ALL {
            let of_register =
                fact.spec().stated_by == StatedBy::Ledger && fact.spec().span != Span::Case;
            assert_eq!(Register::of_fact(*fact).is_some(), of_register, "{fact}");
        }
    }
}
