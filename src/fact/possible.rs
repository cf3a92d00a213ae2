//! Values that can't be, although their types allow them. Asked when facts are stated: what is recorded stays readable.

use chrono::NaiveDate;

use crate::policy::{Fact, Kind, Quantity, Unit, Value};

/// Counts and areas, each with what it is a part of. Only facts of one span, which stand in one statement.
const PARTS: &[(Fact, Fact)] = &[
    (Fact::FundedIncubatees, Fact::Incubatees),
    (Fact::IncubateeArea, Fact::Area),
    (Fact::IpApplicants, Fact::Incubatees),
    (Fact::IpHolders, Fact::Incubatees),
    (Fact::ProfessionalStaff, Fact::CarrierStaff),
    (Fact::SameIndustryIncubatees, Fact::Incubatees),
    (Fact::TechStaff, Fact::Staff),
];

/// Days of what has happened when it is stated.
const PAST: &[Fact] = &[
    Fact::CompletedOn,
    Fact::ContractSignedOn,
    Fact::EnteredOn,
    Fact::EstablishedOn,
    Fact::FiledOn,
    Fact::InvoicedOn,
    Fact::OperatedSince,
    Fact::PaidOn,
];

/// The whole, in hundredths of a percent.
const WHOLE: Quantity = Quantity::from_hundredths(100_00);

/// A value that can't be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fact} {problem}: {remedy}")]
pub struct Impossible {
    /// What is wrong.
    pub fact: Fact,
    /// Why.
    pub problem: String,
    /// What to do.
    pub remedy: &'static str,
}

/// What can't be among facts that are stated together today; `value` says what is stated of a fact.
pub fn impossible<'v>(
    value: impl Fn(Fact) -> Option<&'v Value>,
    today: NaiveDate,
) -> Vec<Impossible> {
    let facts = Fact::ALL.iter();
    let shares = facts.filter_map(|fact| {
        let Value::Quantity(share) = value(*fact)? else {
            return None;
        };
        (is_share(*fact) && *share > WHOLE).then(|| Impossible {
            fact: *fact,
            problem: format!("is {share} %"),
            remedy: "a share is at most 100.00 %",
        })
    });
    let to_come = PAST.iter().filter_map(|fact| {
        let Value::Date(day) = value(*fact)? else {
            return None;
        };
        (*day > today).then(|| Impossible {
            fact: *fact,
            problem: format!("is {day}, a day to come"),
            remedy: "state it once it has come",
        })
    });
    let parts = PARTS.iter();
    let parts = parts.filter_map(|(part, whole)| more_than_whole(&value, *part, *whole));
    shares.chain(to_come).chain(parts).collect()
}

fn is_share(fact: Fact) -> bool {
    fact.spec().kind == Kind::Quantity(Unit::Percent)
}

fn more_than_whole<'v>(
    value: impl Fn(Fact) -> Option<&'v Value>,
    part: Fact,
    whole: Fact,
) -> Option<Impossible> {
    let (value, limit) = (value(part)?, value(whole)?);
    let scalar = |fact: Fact, value: &Value| value.scalar(fact.spec().kind);
    (scalar(part, value)? > scalar(whole, limit)?).then(|| Impossible {
        fact: part,
        problem: format!("is {value}, more than {whole} with {limit}, of which it is a part"),
        remedy: "correct one of them",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Values;
    use crate::types::Currency;

    #[test]
    fn a_part_has_the_unit_of_its_whole_and_is_stated_with_it() {
        for (part, whole) in PARTS {
            assert_eq!(part.spec().kind, whole.spec().kind, "{part}");
            assert_eq!(part.spec().span, whole.spec().span, "{part}");
        }
        for fact in PAST {
            assert_eq!(fact.spec().kind, Kind::Date, "{fact}");
        }
    }

    #[test]
    fn what_can_not_be_is_told_and_the_bounds_can_be() {
        let today = "2024-05-06".parse().unwrap();
        let told = |text: &str| -> Vec<String> {
            let facts = Values::parse(text, Currency::Cny).unwrap();
            let found = impossible(|fact| facts.get(fact), today);
            found.iter().map(ToString::to_string).collect()
        };
        for possible in [
            r#"{"staff":12,"tech_staff":12}"#,
            r#"{"tech_staff":12}"#,
            r#"{"local_shareholding":"100.00"}"#,
            r#"{"established_on":"2024-05-06"}"#,
            r#"{"hnte_valid_until":"2027-05-06"}"#,
        ] {
            assert_eq!(told(possible), Vec::<String>::new(), "{possible}");
        }
        let facts = r#"{"area":"10.00","established_on":"2024-05-07","incubatee_area":"10.01","local_shareholding":"100.01","staff":12,"tech_staff":13}"#;
        assert_eq!(
            told(facts),
            [
                "local_shareholding is 100.01 %: a share is at most 100.00 %",
                "established_on is 2024-05-07, a day to come: state it once it has come",
                "incubatee_area is 10.01, more than area with 10.00, of which it is a part: correct one of them",
                "tech_staff is 13, more than staff with 12, of which it is a part: correct one of them",
            ]
        );
    }
}
