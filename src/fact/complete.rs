//! The whole file of a register: what it says of those that it does not name.
//!
//! From the file's day on, nobody whom it does not name stands in the register. That is said once, of every party of the
//! zone; only a party that stood in it before needs a statement of its own, since its own go before what is said of all.
//! A whole register of a later day may be recorded already: from its day on it counts, whatever is imported after it.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::error::FactsError;
use super::file::{FactFile, FactRow, FileOptions};
use super::import::{Corrections, Planned};
use super::merge::merge;
use super::recorded::{Verdict, compare};
use super::register::Register;
use super::statement::{Draft, Statement, When};
use super::store;
use super::values::Values;
use crate::identity::Command;
use crate::party;
use crate::policy::{Facts, Source};
use crate::tabular::{RowError, RowErrors};
use crate::types::{Currency, LogIndex, Name, PartyId, Period};

/// How many parties are compared by one call.
const BATCH: usize = 5_000;

/// What an import of a whole register said, or would say, of those that it does not name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotNamed {
    /// The day as of which the file is the whole register.
    pub from: NaiveDate,
    /// Parties that stood in it before, and no longer do.
    pub ended: usize,
    /// Whether what it says of all other parties is new.
    pub is_new: bool,
    /// The next whole register that is recorded, from whose day on this one says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
    /// The entry that says it, once it is recorded.
    pub entry: Option<LogIndex>,
}

/// A whole register of a later day that was recorded before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// Its day.
    pub from: NaiveDate,
    /// Parties of which this file says something else: from that day on they stand again as they did.
    pub restated: usize,
}

/// What is still to be recorded of those that a file does not name.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    whole: Whole,
    /// What is said of the zone.
    pub(super) draft: Draft,
    /// Who stood in the register, with the entry that is corrected by saying otherwise of its own day.
    ended: Vec<(PartyId, Option<LogIndex>)>,
    /// What is said again as of the next one's day, since rows of this file begin later than what counts then.
    restated: Vec<(PartyId, Draft)>,
    /// Whether nobody has said it of the whole zone for that day.
    pub(super) is_new: bool,
}

impl Rest {
    /// With nobody in it yet; what is stated of the whole zone has the other days as of which the register is known.
    fn of(
        register: &Register,
        from: NaiveDate,
        draft: Draft,
        of_zone: &[Statement],
        currency: Currency,
    ) -> Self {
        let of_register = || {
            let whole = |one: &&Statement| {
                one.register.as_ref() == Some(register) && one.proposed_index.is_none()
            };
            of_zone.iter().filter(whole)
        };
        let days = of_register().filter_map(|one| one.when.from());
        Self {
            whole: Whole {
                register: register.clone(),
                from,
                next: days.filter(|day| *day > from).min(),
                currency,
            },
            is_new: !of_register().any(|one| one.when == draft.when),
            draft,
            ended: Vec::new(),
            restated: Vec::new(),
        }
    }

    /// How many statements are to be recorded.
    pub(super) fn len(&self) -> usize {
        self.ended.len() + self.restated.len() + usize::from(self.is_new)
    }

    /// How many of them supersede what was recorded.
    pub(super) fn corrected(&self) -> usize {
        let corrects = |(_, corrects): &&(PartyId, Option<LogIndex>)| corrects.is_some();
        self.ended.iter().filter(corrects).count()
    }

    /// Those about one party.
    pub(super) fn planned(&self) -> impl Iterator<Item = Planned<'_>> {
        let ended = self.ended.iter().map(|(party, corrects)| Planned {
            party: *party,
            draft: &self.draft,
            corrects: *corrects,
        });
        let restated = self.restated.iter().map(|(party, draft)| Planned {
            party: *party,
            draft,
            corrects: None,
        });
        ended.chain(restated)
    }

    pub(super) fn report(&self) -> NotNamed {
        let next = self.whole.next.map(|from| Next {
            from,
            restated: self.restated.len(),
        });
        NotNamed {
            from: self.whole.from,
            ended: self.ended.len(),
            is_new: self.is_new,
            next,
            entry: None,
        }
    }
}

/// A register that is known as a whole, as of a day.
#[derive(Clone, Debug)]
struct Whole {
    register: Register,
    from: NaiveDate,
    /// The next day as of which it is.
    next: Option<NaiveDate>,
    currency: Currency,
}

/// What a file of a whole register says from its day on of whoever it does not name; `None` if not being named says
/// nothing.
fn draft(options: &FileOptions) -> Option<(&Register, NaiveDate, Draft)> {
    let register = options.register.as_ref()?;
    let from = options.from?;
    let draft = Draft {
        source: Source::Imported,
        when: When::Days(Period::new(from, None).ok()?),
        register: Some(register.clone()),
        reference: None,
        evidence: options.evidence.clone(),
        facts: register.absence()?.to_text(),
    };
    Some((register, from, draft))
}

/// Whether a file with these options can be the whole of a register.
pub(super) fn is_possible(options: &FileOptions) -> bool {
    draft(options).is_some()
}

/// Compares a whole register with what is recorded from it. Rows that would not be seen, since a later statement says
/// otherwise, are errors.
pub(super) async fn plan(
    conn: &mut PgConnection,
    command: &Command<'_>,
    file: &FactFile,
    named: &HashMap<&str, PartyId>,
    corrections: Corrections,
    errors: &mut RowErrors,
) -> Result<Option<Rest>, FactsError> {
    let described = draft(&file.options).filter(|_| file.options.complete);
    let Some((register, from, draft)) = described else {
        return Ok(None);
    };
    let zone = command.zone;
    let of_zone = store::zone_wide(conn, zone).await?;
    let mut rest = Rest::of(register, from, draft, &of_zone, zone.currency);
    let mut parties: HashMap<PartyId, Vec<&FactRow>> = HashMap::new();
    for party in store::named_by(conn, zone.id, register, from).await? {
        parties.insert(party, Vec::new());
    }
    for row in &file.rows {
        if let Some(party) = named.get(row.party.as_str()) {
            parties.entry(*party).or_default().push(row);
        }
    }
    let mut ids: Vec<PartyId> = parties.keys().copied().collect();
    ids.sort_unstable();
    let mut not_named = Vec::new();
    for ids in ids.chunks(BATCH) {
        let recorded = store::from_source(conn, zone, ids, Source::Imported).await?;
        for party in ids {
            let recorded = recorded.get(party).map_or(&[][..], Vec::as_slice);
            let rows = parties.get(party).map_or(&[][..], Vec::as_slice);
            let judged = match judge(&rest.whole, recorded, rows) {
                Ok(judged) => judged,
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            };
            if judged.is_ended {
                match corrected(&rest.draft, recorded, corrections, zone.currency) {
                    Ok(corrects) => rest.ended.push((*party, corrects)),
                    Err(entry) => not_named.push((*party, entry)),
                }
            }
            if let Some(row) = judged.restated {
                rest.restated.push((*party, row.draft(&rest.draft)));
            }
        }
    }
    if not_named.is_empty() || errors.total() > 0 {
        return Ok(Some(rest));
    }
    let ids: Vec<PartyId> = not_named.iter().map(|(party, _)| *party).collect();
    let parties = party::store::parties(conn, zone.id, &ids).await?;
    let named = not_named.into_iter().filter_map(|(id, entry)| {
        let party = parties.iter().find(|party| party.id == id)?;
        Some((party.identity.identifier().to_owned(), entry))
    });
    Err(FactsError::NotNamed(named.collect()))
}

/// The entry that says of the same day that the party stands in the register, if there is one that may be superseded; an
/// error is one that may not.
fn corrected(
    draft: &Draft,
    recorded: &[Statement],
    corrections: Corrections,
    currency: Currency,
) -> Result<Option<LogIndex>, LogIndex> {
    match compare(draft, recorded, currency) {
        Verdict::New | Verdict::Unchanged(_) => Ok(None),
        Verdict::Contradicts(otherwise)
            if corrections == Corrections::Apply && otherwise.by_two.is_none() =>
        {
            Ok(Some(otherwise.entry))
        }
        Verdict::Contradicts(otherwise) => Err(otherwise.by_two.unwrap_or(otherwise.entry)),
    }
}

/// How a party stands to a whole register, beside its rows there.
#[derive(Debug)]
struct Judged {
    /// It stood in the register, and is not named.
    is_ended: bool,
    /// What counts as of the next whole register's day, if what is new would count instead.
    restated: Option<Restated>,
}

/// What is stated again as of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Restated {
    days: Period,
    reference: Option<Name>,
    /// `None` if the party does not stand in the register.
    facts: Option<Values>,
}

impl Restated {
    /// As a statement of the register; `absent` says what is stated of those who do not stand in it.
    fn draft(self, absent: &Draft) -> Draft {
        Draft {
            when: When::Days(self.days),
            reference: self.reference,
            facts: self
                .facts
                .map_or_else(|| absent.facts.clone(), |facts| facts.to_text()),
            ..absent.clone()
        }
    }
}

/// Compares what is recorded of a party with its rows in a whole register; an error is a row that something else would be
/// seen instead of.
fn judge(whole: &Whole, recorded: &[Statement], rows: &[&FactRow]) -> Result<Judged, RowError> {
    let Whole {
        register,
        from,
        currency,
        ..
    } = whole;
    let new: Vec<Statement> = rows.iter().map(|row| as_stated(row, *currency)).collect();
    let facts = merge(*currency, *from, recorded.iter().chain(&new));
    let holding = new
        .iter()
        .zip(rows)
        .filter(|(one, _)| matches!(one.when, When::Days(days) if days.contains(*from)))
        .max_by_key(|(one, _)| one.when.begin());
    if let Some((row, written)) = holding {
        let alone = merge(*currency, *from, [row]);
        if let Some(error) = unseen(&alone, written, &facts, *from) {
            return Err(error);
        }
    }
    let is_ended = holding.is_none() && register.has(&facts);
    let is_known = |row: &&&FactRow| {
        matches!(
            compare(&row.draft, recorded, *currency),
            Verdict::Unchanged(_)
        )
    };
    let unknown = rows.iter().filter(|row| !is_known(row));
    let begins = unknown.filter_map(|row| row.draft.when.from());
    let last_new = begins.chain(is_ended.then_some(*from)).max();
    Ok(Judged {
        is_ended,
        restated: last_new.and_then(|last_new| restated(whole, recorded, last_new)),
    })
}

/// What counts of the register's rows as of the next whole one's day, where a new row that begins on `last_new` would
/// count instead. So from that day on nothing changes.
fn restated(whole: &Whole, recorded: &[Statement], last_new: NaiveDate) -> Option<Restated> {
    let next = whole.next?;
    let rows = || {
        let of_register = |one: &&Statement| one.register.as_ref() == Some(&whole.register);
        recorded.iter().filter(of_register)
    };
    let begins = rows().filter_map(|one| one.when.from());
    let last = begins.filter(|begin| *begin <= next).max();
    if last.is_some_and(|last| last_new < last) {
        return None;
    }
    let mut counting: Vec<&Statement> = rows().filter(|one| one.when.from() == last).collect();
    counting.sort_by_key(|one| one.index);
    let until = counting.last().and_then(|newest| newest.when.until());
    let holds = last.is_some() && until.is_none_or(|until| next < until);
    let mut facts = Values::default();
    for (fact, value) in counting.iter().flat_map(|one| one.facts.iter()) {
        facts.insert(fact, value.clone());
    }
    let reference = counting.iter().rev().find_map(|one| one.reference.clone());
    Some(Restated {
        days: Period::new(next, until.filter(|_| holds)).ok()?,
        reference: reference.filter(|_| holds),
        facts: holds.then_some(facts),
    })
}

/// A row as the newest statement of its party.
fn as_stated(row: &FactRow, currency: Currency) -> Statement {
    Statement {
        index: LogIndex(i64::MAX),
        party: Some(PartyId(uuid::Uuid::nil())),
        source: row.draft.source,
        when: row.draft.when,
        register: row.draft.register.clone(),
        reference: None,
        proposed_index: None,
        facts: Values::parse(&row.draft.facts, currency).unwrap_or_default(),
    }
}

/// What is wrong with a row that holds on the day and says `alone`, if something else is seen instead.
fn unseen(alone: &Facts, written: &FactRow, facts: &Facts, on: NaiveDate) -> Option<RowError> {
    let remedy = "write in from the day since when the row holds again; with --correct it may be the entry's";
    alone.iter().find_map(|(fact, said)| {
        let value = &said.value;
        let instead = match facts.get(fact) {
            Some(seen) if seen.value == *value => return None,
            Some(seen) => {
                let by = seen
                    .entry
                    .map_or_else(String::new, |entry| format!(" by entry {entry}"));
                format!("and {} since {}{by}", seen.value, seen.as_of)
            }
            None => "and a recorded row that began later is over".to_owned(),
        };
        let party = &written.party;
        let problem =
            format!("is not what is seen on {on}: {fact} of {party} is {value} here, {instead}");
        Some(RowError::of_row(written.number, problem, remedy))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::Fact;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2020, 1, 1 + number).unwrap()
    }

    /// A row of the list: from a day, until another if it ends, listed or not.
    type Row = (u32, Option<u32>, bool);

    fn said(index: i64, is_own: bool, (from, until, is_listed): Row) -> Statement {
        let facts = [(Fact::IntegrityListed, crate::policy::Value::Bool(is_listed))];
        Statement {
            index: LogIndex(index),
            party: is_own.then_some(PartyId(uuid::Uuid::nil())),
            source: Source::Imported,
            when: When::Days(Period::new(day(from), until.map(day)).unwrap()),
            register: Some(Register::Integrity),
            reference: None,
            proposed_index: None,
            facts: facts.into_iter().collect(),
        }
    }

    fn written(row: Row) -> FactRow {
        let said = said(0, true, row);
        FactRow {
            number: 2,
            party: "P".to_owned(),
            draft: draft_of(said),
        }
    }

    fn draft_of(said: Statement) -> Draft {
        Draft {
            source: said.source,
            when: said.when,
            register: said.register,
            reference: said.reference,
            evidence: Vec::new(),
            facts: said.facts.to_text(),
        }
    }

    /// Whole lists with at most one row of the one party, imported one after the other.
    #[derive(Default)]
    struct Imported {
        recorded: Vec<Statement>,
        days: Vec<u32>,
    }

    impl Imported {
        /// `false` if the list is refused.
        fn import(&mut self, from: u32, row: Option<Row>) -> bool {
            let next = self.days.iter().copied().filter(|day| *day > from).min();
            let whole = Whole {
                register: Register::Integrity,
                from: day(from),
                next: next.map(day),
                currency: Currency::Cny,
            };
            let row = row.map(written);
            let rows: Vec<&FactRow> = row.iter().collect();
            let own = self.recorded.iter().filter(|one| one.party.is_some());
            let own: Vec<Statement> = own.cloned().collect();
            let contradicts = |row: &FactRow| {
                matches!(
                    compare(&row.draft, &own, Currency::Cny),
                    Verdict::Contradicts(_)
                )
            };
            let judged = judge(&whole, &own, &rows);
            let (Ok(judged), false) = (judged, row.as_ref().is_some_and(contradicts)) else {
                return false;
            };
            let absent = draft_of(said(0, false, (from, None, false)));
            let ended = judged.is_ended.then(|| absent.clone());
            let restated = judged.restated.map(|row| row.draft(&absent));
            let new = row.into_iter().map(|row| row.draft);
            for draft in new.chain(ended).chain(restated) {
                self.state(draft, true);
            }
            self.state(absent, false);
            self.days.push(from);
            true
        }

        fn state(&mut self, draft: Draft, is_own: bool) {
            self.recorded.push(Statement {
                index: LogIndex(i64::try_from(self.recorded.len()).unwrap()),
                party: is_own.then_some(PartyId(uuid::Uuid::nil())),
                source: draft.source,
                when: draft.when,
                register: draft.register,
                reference: draft.reference,
                proposed_index: None,
                facts: Values::parse(&draft.facts, Currency::Cny).unwrap(),
            });
        }

        /// Whether the party is seen to stand in the list, on each day.
        fn seen(&self) -> Vec<Option<bool>> {
            let listed = |on| {
                let facts = merge(Currency::Cny, day(on), &self.recorded);
                let stated = facts.get(Fact::IntegrityListed)?;
                Some(stated.value == crate::policy::Value::Bool(true))
            };
            (0..25).map(listed).collect()
        }
    }

    fn row(from: u32) -> impl Strategy<Value = Row> {
        let until = prop::option::of(1_u32..12);
        (0..=from, until, prop::bool::weighted(0.8)).prop_map(|(from, length, is_listed)| {
            (from, length.map(|length| from + length), is_listed)
        })
    }

    proptest! {
        /// On each day the party stands in the list if the last whole one before it names the party, in whatever order
        /// they were imported.
        #[test]
        fn whole_registers_may_be_imported_in_any_order(
            named in prop::collection::btree_map(0_u32..10, any::<bool>(), 1..7),
            keys in prop::collection::vec(any::<u32>(), 10),
        ) {
            let mut files: Vec<(u32, bool)> = named.iter().map(|(day, is_named)| (*day, *is_named)).collect();
            files.sort_by_key(|(day, _)| keys[usize::try_from(*day).unwrap()]);
            let mut imported = Imported::default();
            for (from, is_named) in files {
                prop_assert!(imported.import(from, is_named.then_some((from, None, true))));
            }
            let expected: Vec<Option<bool>> = (0..25)
                .map(|on| named.range(..=on).next_back().map(|(_, is_named)| *is_named))
                .collect();
            prop_assert_eq!(imported.seen(), expected);
        }

        /// From the next whole list's day on an older one changes nothing, whatever its rows say.
        #[test]
        fn an_older_whole_register_changes_nothing_from_the_next_ones_day_on(
            files in prop::collection::vec((0_u32..12).prop_flat_map(|day| (Just(day), prop::option::of(row(day)))), 2..7),
        ) {
            let mut imported = Imported::default();
            for (from, row) in files {
                if imported.days.contains(&from) {
                    continue;
                }
                let (before, days) = (imported.seen(), imported.days.clone());
                if !imported.import(from, row) {
                    continue;
                }
                let after = imported.seen();
                if let Some(next) = days.into_iter().filter(|day| *day > from).min() {
                    let next = usize::try_from(next).unwrap();
                    prop_assert_eq!(&before[next..], &after[next..]);
                }
                // What the list says of its own day is seen on it.
                let is_listed = row.is_some_and(|(_, until, is_listed)| {
                    is_listed && until.is_none_or(|until| from < until)
                });
                prop_assert_eq!(after[usize::try_from(from).unwrap()], Some(is_listed));
            }
        }
    }
}
