//! What a new statement says against those that are recorded of its party, from the same source. Pure.

use chrono::NaiveDate;

use super::statement::{Draft, Statement};
use super::values::Values;
use crate::types::{Currency, LogIndex};

/// What a statement is, beside those that are recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It says something that no other of its source says of its time.
    New,
    /// All of it is recorded already; the newest entry that says so.
    Unchanged(LogIndex),
    /// It says something otherwise.
    Contradicts(Contradiction),
}

/// A recorded statement of the same source and time that says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contradiction {
    pub(super) entry: LogIndex,
    /// A fact, its end, or the reference.
    pub(super) what: &'static str,
    pub(super) recorded: String,
    pub(super) stated: String,
    /// The newest statement about the same time that two persons made.
    pub(super) by_two: Option<LogIndex>,
}

/// Compares a statement with what is recorded of its party. For each fact the newest statement of the same source and
/// time counts. An end where none was is news, not a contradiction.
pub(super) fn compare(draft: &Draft, recorded: &[Statement], currency: Currency) -> Verdict {
    let begin = draft.when.begin();
    let mut same: Vec<&Statement> = recorded
        .iter()
        .filter(|one| one.source == draft.source && one.when.begin() == begin)
        .collect();
    if same.is_empty() {
        return Verdict::New;
    }
    same.sort_by_key(|one| std::cmp::Reverse(one.index));
    let values = Values::parse(&draft.facts, currency).unwrap_or_default();
    let by_two = same.iter().find(|one| one.proposed_index.is_some());
    let by_two = by_two.map(|one| one.index);
    let mut unchanged = None;
    let mut is_new = false;
    for (fact, value) in values.iter() {
        let Some((one, known)) = same
            .iter()
            .find_map(|one| one.facts.get(fact).map(|known| (one, known)))
        else {
            is_new = true;
            continue;
        };
        let otherwise = |what, recorded: String, stated: String| {
            Verdict::Contradicts(Contradiction {
                entry: one.index,
                what,
                recorded,
                stated,
                by_two,
            })
        };
        if known != value {
            return otherwise(fact.name(), known.to_string(), value.to_string());
        }
        match (one.when.until(), draft.when.until()) {
            (None, Some(_)) => is_new = true,
            (recorded, stated) if recorded != stated => {
                return otherwise("the end", text(recorded), text(stated));
            }
            _ => {}
        }
        match (&one.reference, &draft.reference) {
            (Some(recorded), Some(stated)) if recorded != stated => {
                return otherwise("the reference", recorded.to_string(), stated.to_string());
            }
            (None, Some(_)) => is_new = true,
            _ => {}
        }
        unchanged = unchanged.max(Some(one.index));
    }
    match unchanged {
        Some(entry) if !is_new => Verdict::Unchanged(entry),
        Some(_) | None => Verdict::New,
    }
}

fn text(day: Option<NaiveDate>) -> String {
    day.map_or_else(|| "none".to_owned(), |day| day.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::statement::When;
    use crate::policy::Source;
    use crate::types::{PartyId, Period};

    fn days(from: &str, until: &str) -> When {
        let until = (!until.is_empty()).then(|| until.parse().unwrap());
        When::Days(Period::new(from.parse().unwrap(), until).unwrap())
    }

    fn recorded(index: i64, when: When, facts: &str) -> Statement {
        Statement {
            index: LogIndex(index),
            party: Some(PartyId::generate()),
            source: Source::Declared,
            when,
            register: None,
            reference: Some("R 1".parse().unwrap()),
            proposed_index: None,
            facts: Values::parse(facts, Currency::Cny).unwrap(),
        }
    }

    /// `source | time | reference | facts | verdict`, against what the test has recorded.
    const CASES: &str = r#"
        declared | 2019 | | {"staff":6} | as 4
        declared | 2019 | | {"staff":5} | staff 6 5 4
        declared | 2019 | | {"annual_sales":"1.00","staff":6} | as 4
        declared | 2019 | | {"staff":6,"tech_staff":1} | new
        declared | 2019 | R 1 | {"staff":6} | as 4
        declared | 2019 | R 2 | {"staff":6} | the reference R 1 R 2 4
        declared | 2018 | | {"staff":5} | new
        verified | 2019 | | {"staff":5} | new
        declared | 2020-01-01.. | | {"area":"1.00"} | as 5
        declared | 2020-01-01..2022-01-01 | | {"area":"1.00"} | new
        declared | 2020-02-01.. | | {"area":"1.00"} | the end 2021-01-01 none 6
        declared | 2020-03-01.. | | {"area":"2.00"} | new
    "#;

    fn verdict(draft: &Draft, known: &[Statement]) -> String {
        match compare(draft, known, Currency::Cny) {
            Verdict::New => "new".to_owned(),
            Verdict::Unchanged(entry) => format!("as {entry}"),
            Verdict::Contradicts(Contradiction {
                entry,
                what,
                recorded,
                stated,
                ..
            }) => format!("{what} {recorded} {stated} {entry}"),
        }
    }

    #[test]
    fn a_statement_is_new_or_known_or_says_otherwise() {
        let known = [
            recorded(3, When::Year(2019), r#"{"annual_sales":"1.00","staff":5}"#),
            recorded(4, When::Year(2019), r#"{"staff":6}"#),
            recorded(5, days("2020-01-01", ""), r#"{"area":"1.00"}"#),
            recorded(6, days("2020-02-01", "2021-01-01"), r#"{"area":"1.00"}"#),
        ];
        for line in CASES.trim().lines() {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [source, time, reference, facts, expected] = cells[..] else {
                panic!("{line}")
            };
            let draft = Draft {
                source: match source {
                    "declared" => Source::Declared,
                    _ => Source::Verified,
                },
                when: match time.split_once("..") {
                    None => When::Year(time.parse().unwrap()),
                    Some((from, until)) => days(from, until),
                },
                register: None,
                reference: (!reference.is_empty()).then(|| reference.parse().unwrap()),
                evidence: Vec::new(),
                facts: facts.to_owned(),
            };
            assert_eq!(verdict(&draft, &known), expected, "{line}");
        }
    }
}
