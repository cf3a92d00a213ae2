//! What holds of a party on a day, out of all that was ever stated. Pure.

use std::cmp::Ordering;

use chrono::{Datelike, NaiveDate};

use super::register::{LASTING, Register, expired};
use super::statement::{Begin, Statement, When};
use crate::policy::{Fact, Facts, Source, Stated, Value};
use crate::types::{Currency, LogIndex};

/// When and by whom something is stated, without what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The entry that states it.
    pub index: LogIndex,
    /// Whether it is about the party itself, and not about every party of the zone.
    pub is_own: bool,
    /// How it is known.
    pub source: Source,
    /// For which time.
    pub when: When,
    /// Of a row of a register: the register's place in [`Register::KNOWN`].
    pub register: Option<usize>,
}

impl Head {
    /// What a statement supersedes: those of the same source about the same time.
    fn place(&self) -> (bool, Source, Begin) {
        (self.is_own, self.source, self.when.begin())
    }

    fn holds(&self, on: NaiveDate) -> bool {
        match self.when {
            When::Year(year) => i32::from(year) == on.year() - 1,
            When::Days(days) => days.contains(on),
        }
    }

    /// Of two, the one that counts is the first: what is said of the party itself before what is said of the whole
    /// zone, the stronger source, what began later, what was stated later.
    pub fn before(&self, other: &Self) -> Ordering {
        let key = |head: &Self| {
            let begin = head.when.begin();
            (head.is_own, strength(head.source), begin, head.index)
        };
        key(other).cmp(&key(self))
    }

    /// The day for which it was stated.
    pub fn as_of(&self) -> NaiveDate {
        let day = match self.when {
            When::Year(year) => NaiveDate::from_ymd_opt(i32::from(year), 12, 31),
            When::Days(days) => Some(days.from()),
        };
        day.unwrap_or(NaiveDate::MIN)
    }
}

const fn strength(source: Source) -> u8 {
    match source {
        Source::Declared => 0,
        Source::Imported => 1,
        Source::Verified => 2,
    }
}

/// Which facts of a party are settled, while its statements are gone through in the order of [`Head::before`].
#[derive(Clone, Debug)]
pub struct Settled {
    on: NaiveDate,
    /// For each register, by its place: since when the party's last row is that has begun.
    rows: [Option<NaiveDate>; Register::KNOWN.len()],
    /// For each fact, by its place in the registry.
    facts: Vec<Progress>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    is_settled: bool,
    /// Of the statement that stated it last: what it supersedes comes right after it.
    place: Option<(bool, Source, Begin)>,
}

impl Settled {
    /// Nothing is settled yet, for a decision of that day.
    pub fn on(on: NaiveDate) -> Self {
        Self {
            on,
            rows: [None; Register::KNOWN.len()],
            facts: vec![Progress::default(); Fact::ALL.len()],
        }
    }

    /// Forgets everything, for the next party.
    pub fn clear(&mut self) {
        self.facts.fill(Progress::default());
        self.rows = [None; Register::KNOWN.len()];
    }

    /// Whether a statement can count at all; asked of each before its facts. A row of a register holds until the register's
    /// next row of the party: what it does not say is not known from an earlier row, and nothing is once it has ended.
    pub fn admits(&mut self, head: &Head) -> bool {
        let (true, Some(register), When::Days(days)) = (head.is_own, head.register, head.when)
        else {
            return true;
        };
        let Some(last) = self.rows.get_mut(register) else {
            return true;
        };
        days.from() <= self.on && *last.get_or_insert(days.from()) == days.from()
    }

    /// Whether what this statement says of a fact is what counts of it.
    pub fn takes(&mut self, head: &Head, fact: Fact) -> bool {
        let Some(progress) = self.facts.get_mut(fact.place()) else {
            return false;
        };
        let place = Some(head.place());
        if progress.is_settled || progress.place == place {
            return false;
        }
        progress.place = place;
        progress.is_settled = head.holds(self.on);
        progress.is_settled
    }
}

/// What a decision of that day sees, out of the statements on one party and those on every party of its zone, in any
/// order.
///
/// A newer statement of the same source about the same time supersedes an older one, its end too. A fact about a year is
/// seen in the year after; any other from its first day until its last. What was determined for the whole zone yields
/// to what is stated of the party; of that, what was verified goes before what was imported, and that before what was
/// declared; then what began later. Of a register's rows of the party only the last that has begun counts, and a standing
/// whose last day is over is expired.
pub fn merge<'a>(
    currency: Currency,
    on: NaiveDate,
    statements: impl IntoIterator<Item = &'a Statement>,
) -> Facts {
    let mut ordered: Vec<(Head, &Statement)> = statements
        .into_iter()
        .map(|statement| (statement.head(), statement))
        .collect();
    ordered.sort_by(|(one, _), (other, _)| one.before(other));
    let mut settled = Settled::on(on);
    let mut facts = Facts::new(currency);
    for (head, statement) in ordered {
        if !settled.admits(&head) {
            continue;
        }
        for (fact, value) in statement.facts.iter() {
            if settled.takes(&head, fact) {
                let stated = Stated {
                    as_of: head.as_of(),
                    entry: Some(head.index),
                    source: head.source,
                    value: value.clone(),
                };
                facts.insert(fact, stated);
            }
        }
    }
    lapse(&mut facts, on);
    facts
}

/// Standings whose last day is over on the day have expired since the day after.
fn lapse(facts: &mut Facts, on: NaiveDate) {
    for (status, last_day) in LASTING {
        let value = |fact| facts.get(fact).map(|stated| &stated.value);
        let Some(expired) = expired(status, value(status), value(last_day), on) else {
            continue;
        };
        let (Some(stated), Some(Value::Date(last))) = (facts.get(status), value(last_day)) else {
            continue;
        };
        let stated = Stated {
            as_of: last.succ_opt().unwrap_or(*last),
            value: expired,
            ..stated.clone()
        };
        facts.insert(status, stated);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;
    use crate::fact::values::Values;
    use crate::types::{PartyId, Period};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn source(text: &str) -> Source {
        match text {
            "declared" => Source::Declared,
            "imported" => Source::Imported,
            "verified" => Source::Verified,
            other => panic!("{other}"),
        }
    }

    /// `who | source | time | facts`, in the order of the log.
    fn statements(table: &str) -> Vec<Statement> {
        let party = PartyId::generate();
        let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
        (0..)
            .zip(lines)
            .map(|(index, line)| {
                let cells: Vec<&str> = line.split('|').map(str::trim).collect();
                let [who, from, time, facts] = cells[..] else {
                    panic!("{line}")
                };
                let when = match time.split_once("..") {
                    None => When::Year(time.parse().unwrap()),
                    Some((from, until)) => {
                        let until = (!until.is_empty()).then(|| day(until));
                        When::Days(Period::new(day(from), until).unwrap())
                    }
                };
                Statement {
                    index: LogIndex(index),
                    party: (who == "party").then_some(party),
                    source: source(from),
                    when,
                    register: None,
                    reference: None,
                    proposed_index: None,
                    facts: Values::parse(facts, Currency::Cny).unwrap(),
                }
            })
            .collect()
    }

    /// What is seen on a day: value and entry.
    fn seen(statements: &[Statement], fact: Fact, on: &str) -> Option<(String, i64)> {
        let facts = merge(Currency::Cny, day(on), statements);
        let stated = facts.get(fact)?;
        Some((stated.value.to_string(), stated.entry.unwrap().0))
    }

    #[track_caller]
    fn check(table: &str, fact: Fact, expected: &[(&str, Option<(&str, i64)>)]) {
        let statements = statements(table);
        for (on, expected) in expected {
            let expected = expected.map(|(value, index)| (value.to_owned(), index));
            assert_eq!(seen(&statements, fact, on), expected, "{on}");
        }
    }

    #[test]
    fn days_are_half_open_and_the_latest_beginning_counts() {
        check(
            r#"party | declared | 2020-01-01..           | {"industry":"software"}
               party | declared | 2021-01-01..2021-07-01 | {"industry":"retail"}
               party | declared | 2019-01-01..           | {"industry":"other"}"#,
            Fact::Industry,
            &[
                ("2018-12-31", None),
                ("2019-01-01", Some(("other", 2))),
                ("2020-12-31", Some(("software", 0))),
                ("2021-01-01", Some(("retail", 1))),
                ("2021-06-30", Some(("retail", 1))),
                ("2021-07-01", Some(("software", 0))),
            ],
        );
    }

    #[test]
    fn the_stronger_source_counts_while_it_holds() {
        check(
            r#"party | verified | 2020-01-01..2020-06-01 | {"industry":"software"}
               party | imported | 2020-02-01..2020-07-01 | {"industry":"retail"}
               party | declared | 2020-03-01..           | {"industry":"other"}"#,
            Fact::Industry,
            &[
                ("2020-03-01", Some(("software", 0))),
                ("2020-06-01", Some(("retail", 1))),
                ("2020-07-01", Some(("other", 2))),
            ],
        );
    }

    #[test]
    fn a_newer_statement_of_the_same_time_supersedes_the_older_with_its_end() {
        check(
            r#"party | imported | 2020-01-01..           | {"integrity_listed":true}
               party | imported | 2020-01-01..2020-06-01 | {"integrity_listed":true}"#,
            Fact::IntegrityListed,
            &[("2020-05-31", Some(("true", 1))), ("2020-06-01", None)],
        );
        check(
            r#"party | declared | 2020-01-01.. | {"industry":"retail","area":"1.00"}
               party | declared | 2020-01-01.. | {"industry":"other"}"#,
            Fact::Industry,
            &[("2020-01-01", Some(("other", 1)))],
        );
        check(
            r#"party | declared | 2020-01-01.. | {"industry":"retail","area":"1.00"}
               party | declared | 2020-01-01.. | {"industry":"other"}"#,
            Fact::Area,
            &[("2020-01-01", Some(("1.00", 0)))],
        );
    }

    #[test]
    fn a_year_is_seen_in_the_next() {
        check(
            r#"party | declared | 2018 | {"staff":8}
               party | declared | 2019 | {"staff":9}
               party | verified | 2019 | {"staff":10}
               party | declared | 2019 | {"staff":11}"#,
            Fact::Staff,
            &[
                ("2018-06-01", None),
                ("2019-12-31", Some(("8", 0))),
                ("2020-01-01", Some(("10", 2))),
                ("2021-01-01", None),
            ],
        );
        let facts = merge(
            Currency::Cny,
            day("2020-05-01"),
            &statements(r#"party | declared | 2019 | {"staff":9}"#),
        );
        assert_eq!(facts.get(Fact::Staff).unwrap().as_of, day("2019-12-31"));
    }

    #[test]
    fn what_is_determined_for_the_zone_yields_to_the_party_s_own() {
        check(
            r#"zone  | verified | 2020-01-01..           | {"filing_due_on":"2020-04-30"}
               party | verified | 2020-02-01..2020-06-01 | {"filing_due_on":"2020-05-31"}
               zone  | verified | 2020-03-01..           | {"filing_due_on":"2020-06-30"}"#,
            Fact::FilingDueOn,
            &[
                ("2020-01-31", Some(("2020-04-30", 0))),
                ("2020-04-01", Some(("2020-05-31", 1))),
                ("2020-06-01", Some(("2020-06-30", 2))),
            ],
        );
    }

    fn any_statement() -> impl Strategy<Value = Statement> {
        let party = PartyId::generate();
        let days = (0_i64..40, proptest::option::of(1_i64..30));
        let staff = (select(vec![2018_i16, 2019]), 0_u32..4);
        (
            any::<bool>(),
            select(vec!["declared", "imported", "verified"]),
            days,
            staff,
            any::<bool>(),
        )
            .prop_map(
                move |(is_own, from, (first, length), (year, count), is_year)| {
                    let first = day("2019-12-20") + chrono::TimeDelta::days(first);
                    let until = length.map(|length| first + chrono::TimeDelta::days(length));
                    let (when, facts) = if is_year {
                        (When::Year(year), format!(r#"{{"staff":{count}}}"#))
                    } else {
                        let facts = format!(r#"{{"area":"{count}.00","mentors":{count}}}"#);
                        (When::Days(Period::new(first, until).unwrap()), facts)
                    };
                    Statement {
                        index: LogIndex(0),
                        party: is_own.then_some(party),
                        source: source(from),
                        when,
                        register: None,
                        reference: None,
                        proposed_index: None,
                        facts: Values::parse(&facts, Currency::Cny).unwrap(),
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn the_order_in_which_statements_are_read_does_not_matter(
            mut statements in prop::collection::vec(any_statement(), 0..12),
            swaps in prop::collection::vec((any::<Index>(), any::<Index>()), 0..24),
            after in 0_i64..60,
        ) {
            for (index, statement) in (0..).zip(&mut statements) {
                statement.index = LogIndex(index);
            }
            let on = day("2019-12-15") + chrono::TimeDelta::days(after);
            let first = merge(Currency::Cny, on, &statements);
            if !statements.is_empty() {
                for (one, other) in swaps {
                    let length = statements.len();
                    statements.swap(one.index(length), other.index(length));
                }
            }
            prop_assert_eq!(&first, &merge(Currency::Cny, on, &statements));
        }

        /// What is seen on a day was stated, holds on the day, and was superseded by nothing.
        #[test]
        fn what_is_seen_was_stated_and_holds(
            mut statements in prop::collection::vec(any_statement(), 0..12),
            after in 0_i64..60,
        ) {
            for (index, statement) in (0..).zip(&mut statements) {
                statement.index = LogIndex(index);
            }
            let on = day("2019-12-15") + chrono::TimeDelta::days(after);
            let facts = merge(Currency::Cny, on, &statements);
            for fact in [Fact::Area, Fact::Mentors, Fact::Staff] {
                if let Some(stated) = facts.get(fact) {
                    let statement = statements
                        .iter()
                        .find(|statement| Some(statement.index) == stated.entry)
                        .unwrap();
                    prop_assert_eq!(statement.facts.get(fact), Some(&stated.value));
                    prop_assert!(stated.as_of <= on);
                    prop_assert!(statement.when.until().is_none_or(|until| on < until));
                }
            }
        }
    }
}
