//! What a statement is: facts of one party, from one source, for one time; and who may state which facts.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::{Serialize, Serializer};

use super::merge::Head;
use super::register::Register;
use super::values::Values;
use crate::identity::{Actor, Forbidden, Role};
use crate::policy::{Fact, Sha256, Source, Span, StatedBy};
use crate::types::{LogIndex, Name, PartyId, Period};

/// For which time a statement is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A calendar year.
    Year(i16),
    /// Days from one on, to an end if there is one.
    Days(Period),
}

/// What makes two statements be about the same time: the year, or the first day. The end may be stated later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Begin {
    Year(i16),
    Day(NaiveDate),
}

impl When {
    pub(super) const fn begin(self) -> Begin {
        match self {
            Self::Year(year) => Begin::Year(year),
            Self::Days(days) => Begin::Day(days.from()),
        }
    }

    /// The first day that is no longer in it, if days end.
    pub const fn until(self) -> Option<NaiveDate> {
        match self {
            Self::Year(_) => None,
            Self::Days(days) => days.until(),
        }
    }

    /// The calendar year, if it is one.
    pub const fn year(self) -> Option<i16> {
        match self {
            Self::Year(year) => Some(year),
            Self::Days(_) => None,
        }
    }

    /// The first day, unless it is a year.
    pub const fn from(self) -> Option<NaiveDate> {
        match self {
            Self::Year(_) => None,
            Self::Days(days) => Some(days.from()),
        }
    }

    /// From what a row has; `None` if no statement is written so.
    pub(super) fn of(
        year: Option<i16>,
        from: Option<NaiveDate>,
        until: Option<NaiveDate>,
    ) -> Option<Self> {
        match (year, from) {
            (Some(year), None) => Some(Self::Year(year)),
            (None, Some(from)) => Period::new(from, until).ok().map(Self::Days),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }

    /// Nothing is stated before its time: a year must be over, and days must have begun.
    pub(super) fn check(self, today: NaiveDate) -> Result<(), WrongTime> {
        match self {
            Self::Year(year) if year < FIRST_YEAR => Err(WrongTime::TooEarly(year)),
            Self::Year(year) if i32::from(year) >= today.year() => Err(WrongTime::Year(year)),
            Self::Days(days) if days.from() > today => Err(WrongTime::Day(days.from())),
            Self::Year(_) | Self::Days(_) => Ok(()),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year(year) => write!(f, "year {year}"),
            Self::Days(days) => match days.until() {
                Some(until) => write!(f, "{} until {until}", days.from()),
                None => write!(f, "from {}", days.from()),
            },
        }
    }
}

/// The first year that facts may be about, as Postgres holds it (`fact_statement_year_range`).
const FIRST_YEAR: i16 = 1900;

/// A time for which nothing can be stated: most often one that has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongTime {
    /// A year that goes on.
    #[error("the year {0} is not over yet: facts about a year are stated after its end")]
    Year(i16),
    /// A year long gone, which is a slip.
    #[error("{0} is no year that facts are about: give one from 1900 on")]
    TooEarly(i16),
    /// A day to come.
    #[error("{0} is a day to come: facts are stated when they hold")]
    Day(NaiveDate),
}

/// What is recorded of a party, or of every party of the zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The entry that states it.
    pub index: LogIndex,
    /// Whom it is about; `None` for every party of the zone.
    pub party: Option<PartyId>,
    /// How it is known.
    pub source: Source,
    /// For which time.
    pub when: When,
    /// The register that it was imported from.
    pub register: Option<Register>,
    /// Number of the certificate or registration.
    pub reference: Option<Name>,
    /// The entry of the proposal, if the office determined it.
    pub proposed_index: Option<LogIndex>,
    /// The facts.
    pub facts: Values,
}

impl Statement {
    /// When and by whom it is stated.
    pub const fn head(&self) -> Head {
        Head {
            index: self.index,
            is_own: self.party.is_some(),
            source: self.source,
            when: self.when,
            register: match &self.register {
                Some(register) => register.place(),
                None => None,
            },
        }
    }
}

impl Serialize for Statement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            entry: LogIndex,
            facts: &'a Values,
            from: Option<NaiveDate>,
            party: Option<PartyId>,
            proposed_index: Option<LogIndex>,
            reference: Option<&'a Name>,
            register: Option<&'a Register>,
            source: Source,
            until: Option<NaiveDate>,
            year: Option<i16>,
        }
        let written = Written {
            entry: self.index,
            facts: &self.facts,
            from: self.when.from(),
            party: self.party,
            proposed_index: self.proposed_index,
            reference: self.reference.as_ref(),
            register: self.register.as_ref(),
            source: self.source,
            until: self.when.until(),
            year: self.when.year(),
        };
        written.serialize(serializer)
    }
}

/// A statement that is still to be recorded, but for its party. The facts are their canonical text: a file has a
/// million of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) source: Source,
    pub(super) when: When,
    pub(super) register: Option<Register>,
    pub(super) reference: Option<Name>,
    pub(super) evidence: Vec<Sha256>,
    pub(super) facts: String,
}

/// Who may state what is known in this way. A person who acts for a party declares for that party only.
pub(super) fn require(actor: &Actor, source: Source) -> Result<(), Forbidden> {
    actor.require(match source {
        Source::Declared => &[Role::Sme, Role::Incubator, Role::Provider, Role::Reviewer],
        Source::Verified => &[Role::Reviewer],
        Source::Imported => &[Role::Reviewer, Role::Manager, Role::System],
    })
}

/// Why a fact can't be stated in this way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStatable {
    /// Who a party is.
    #[error("{0} is known from the register of parties: no statement changes it")]
    Identity(Fact),
    /// About a party, where something of one filing is asked.
    #[error(
        "{0} is not said with a filing: state it of the party with `facts state`, or import it"
    )]
    NotOfAFiling(Fact),
    /// About one case.
    #[error(
        "{0} is about one application, order or claim: state it with the application, not of the party"
    )]
    Case(Fact),
    /// The office's.
    #[error("{0} is for the office to determine, by two persons: see `facts determine`")]
    Office(Fact),
    /// Of a register that is imported.
    #[error("{fact} comes from a register: import it with `facts import --register {register}`")]
    Register {
        /// Which fact.
        fact: Fact,
        /// The register that has it.
        register: &'static str,
    },
    /// Not of this register.
    #[error("{fact} is none of the facts of the register {register}: it has {}", .known.join(", "))]
    OtherRegister {
        /// Which fact.
        fact: Fact,
        /// The register.
        register: String,
        /// Those it has.
        known: Vec<&'static str>,
    },
    /// For another kind of time.
    #[error("{0} is about a calendar year: say which with the year, not with a first day")]
    NeedsYear(Fact),
    /// For another kind of time.
    #[error("{0} holds from a day on: say from which day, not a year")]
    NeedsDay(Fact),
}

/// Whether a fact can be stated at all of a party, from this register if from one.
pub(super) fn check_fact(fact: Fact, register: Option<&Register>) -> Result<(), NotStatable> {
    if matches!(fact, Fact::Uscc | Fact::UsccOverride) {
        return Err(NotStatable::Identity(fact));
    }
    let spec = fact.spec();
    if spec.stated_by == StatedBy::Office {
        return Err(NotStatable::Office(fact));
    }
    if spec.span == Span::Case {
        return Err(NotStatable::Case(fact));
    }
    let own = register.map_or(&[][..], Register::facts);
    if own.contains(&fact) || (own.is_empty() && spec.stated_by == StatedBy::Applicant) {
        return Ok(());
    }
    match (register, Register::of_fact(fact)) {
        (Some(register), _) if !own.is_empty() => Err(NotStatable::OtherRegister {
            fact,
            register: register.as_str().to_owned(),
            known: own.iter().map(|fact| fact.name()).collect(),
        }),
        (_, Some(home)) => Err(NotStatable::Register {
            fact,
            register: home,
        }),
        (_, None) => Err(NotStatable::Case(fact)),
    }
}

/// Whether a fact fits the time that it is stated for.
pub(super) fn check_time(fact: Fact, when: When) -> Result<(), NotStatable> {
    match (fact.spec().span, when) {
        (Span::Year, When::Days(_)) => Err(NotStatable::NeedsYear(fact)),
        (Span::Standing | Span::Case, When::Year(_)) => Err(NotStatable::NeedsDay(fact)),
        (Span::Year, When::Year(_)) | (Span::Standing | Span::Case, When::Days(_)) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_states_a_fact_follows_from_the_registry() {
        let tech = Register::TechSme;
        let other: Register = "tax".parse().unwrap();
        for (fact, register, expected) in [
            (Fact::AnnualSales, None, true),
            (Fact::AnnualSales, Some(&other), true),
            (Fact::AnnualSales, Some(&tech), false),
            (Fact::TechSmeStatus, Some(&tech), true),
            (Fact::TechSmeStatus, None, false),
            (Fact::TechSmeStatus, Some(&other), false),
            (Fact::Rating, None, false),
            (Fact::ServicePrice, None, false),
            (Fact::DecidedOn, None, false),
            (Fact::Uscc, None, false),
            (Fact::UsccOverride, None, false),
        ] {
            let checked = check_fact(fact, register);
            assert_eq!(
                checked.is_ok(),
                expected,
                "{fact} {register:?}: {checked:?}"
            );
        }
        let said = check_fact(Fact::HnteStatus, None).unwrap_err().to_string();
        assert!(said.contains("--register hnte"), "{said}");
    }

    #[test]
    fn nothing_is_stated_before_its_time() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let days =
            |from, until: Option<&str>| When::Days(Period::new(day(from), until.map(day)).unwrap());
        let today = day("2024-05-06");
        assert!(When::Year(2023).check(today).is_ok());
        assert!(When::Year(2024).check(today).is_err());
        assert!(When::Year(1900).check(today).is_ok());
        assert!(When::Year(1899).check(today).is_err());
        assert!(days("2024-05-06", Some("2030-01-01")).check(today).is_ok());
        assert!(days("2024-05-07", None).check(today).is_err());
    }
}
