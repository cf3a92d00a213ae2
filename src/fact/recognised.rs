//! What a recognition states in a register, and under which number. Pure.

use chrono::{Datelike, NaiveDate};

use super::register::{Register, number_year};
use super::values::Values;
use crate::policy::{Decision, Fact, Raw, Value};
use crate::types::{Code, Name};

/// Where the value of a fact comes from that a recognition states.
enum Says {
    /// Always this word.
    Word(&'static str),
    /// The calendar year of the decision.
    Year,
    /// The last day on which the decision holds; nothing if it has none.
    LastDay,
    /// The class that this table of the pack puts the party in.
    Class(&'static str),
}

/// The registers that a recognition of this office enters a party in, and what it says there.
const RECOGNITIONS: &[(Register, &[(Fact, Says)])] = &[
    (
        Register::TechSme,
        &[
            (Fact::TechSmeNumberYear, Says::Year),
            (Fact::TechSmeStatus, Says::Word("valid")),
            (Fact::TechSmeValidUntil, Says::LastDay),
        ],
    ),
    (
        Register::Hnte,
        &[
            (Fact::HnteStatus, Says::Word("valid")),
            (Fact::HnteValidUntil, Says::LastDay),
        ],
    ),
    (
        Register::SizeClass,
        &[(Fact::SizeClass, Says::Class("size"))],
    ),
];

/// The register of a programme's recognitions: TECH-SME enters in `tech_sme`. None, if none has its name.
pub fn register_of(programme: &Code) -> Option<Register> {
    let name = programme.as_str().to_ascii_lowercase().replace('-', "_");
    let mut registers = RECOGNITIONS.iter().map(|(register, _)| register);
    registers.find(|one| one.as_str() == name).cloned()
}

/// What a decision that passes states in the register; `None` if it does not say enough for it.
pub(super) fn recognised(register: &Register, decision: &Decision) -> Option<Values> {
    let (_, says) = RECOGNITIONS.iter().find(|(one, _)| one == register)?;
    let mut values = Values::default();
    for (fact, says) in *says {
        let value = match says {
            Says::Word(word) => fact.read(Raw::Text(word), decision.currency).ok()?,
            Says::Year => Value::Count(u32::try_from(decision.on.year()).ok()?),
            Says::LastDay => match decision.last_day {
                Some(day) => Value::Date(day),
                None => continue,
            },
            Says::Class(table) => {
                let class = decision.classes.iter().find(|one| one.name == *table)?;
                fact.read(Raw::Text(&class.class), decision.currency).ok()?
            }
        };
        values.insert(*fact, value);
    }
    Some(values)
}

/// The last day on which what a recognition states holds, if it says so.
pub(super) fn last_day(facts: &Values) -> Option<NaiveDate> {
    let day = |fact| match facts.get(fact) {
        Some(Value::Date(day)) => Some(*day),
        Some(_) | None => None,
    };
    day(Fact::TechSmeValidUntil).or_else(|| day(Fact::HnteValidUntil))
}

/// How a register's numbers are made.
pub(super) enum Numbering {
    /// By the office: this beginning, then six running digits.
    Running(String),
    /// By another office: the number must be given.
    Given,
    /// There are none.
    Without,
}

/// How the number of a recognition is made. Of tech SMEs: year, the six digits of the region in the party's code, six
/// running digits (a reading: the measures of 2017 leave the form to the platform).
pub(super) fn numbering(register: &Register, facts: &Values, region: Option<&str>) -> Numbering {
    match register {
        Register::TechSme => match (facts.get(Fact::TechSmeNumberYear), region) {
            (Some(Value::Count(year)), Some(region)) => {
                Numbering::Running(format!("{year}{region}"))
            }
            (_, _) => Numbering::Given,
        },
        Register::Hnte | Register::Integrity | Register::Other(_) => Numbering::Given,
        Register::SizeClass => Numbering::Without,
    }
}

/// Whether a number begins with another year than the recognition is of.
pub(super) fn is_of_another_year(number: &Name, facts: &Values) -> bool {
    match (number_year(number), facts.get(Fact::TechSmeNumberYear)) {
        (Some(written), Some(Value::Count(year))) => written != *year,
        (_, _) => false,
    }
}
