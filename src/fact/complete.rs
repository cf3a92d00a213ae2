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
use crate::policy::{Facts, Source};
use crate::tabular::{RowError, RowErrors};
use crate::types::{Currency, LogIndex, PartyId, Period};

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
    /// Parties that this file names and that one does not: they stand in the register until its day.
    pub ended: usize,
}

/// What is still to be recorded of those that a file does not name.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    whole: Whole,
    /// What is said of the zone.
    pub(super) draft: Draft,
    /// What is said of those who stood in the register: until the next whole one, which knows better.
    of_ended: Draft,
    /// They, with the entry that is corrected by saying otherwise of its own day.
    ended: Vec<(PartyId, Option<LogIndex>)>,
    /// What is said from the next one's day on, of those that only this file names.
    of_overtaken: Option<Draft>,
    overtaken: Vec<PartyId>,
    /// Whether nobody has said it of the whole zone for that day.
    pub(super) is_new: bool,
}

impl Rest {
    /// How many statements are to be recorded.
    pub(super) fn len(&self) -> usize {
        self.ended.len() + self.overtaken.len() + usize::from(self.is_new)
    }

    /// Those about one party.
    pub(super) fn planned(&self) -> impl Iterator<Item = Planned<'_>> {
        let ended = self.ended.iter().map(|(party, corrects)| Planned {
            party: *party,
            draft: &self.of_ended,
            corrects: *corrects,
        });
        let overtaken = self.of_overtaken.iter().flat_map(|draft| {
            let of = move |party: &PartyId| Planned {
                party: *party,
                draft,
                corrects: None,
            };
            self.overtaken.iter().map(of)
        });
        ended.chain(overtaken)
    }

    pub(super) fn report(&self) -> NotNamed {
        let next = self.whole.next.map(|from| Next {
            from,
            ended: self.overtaken.len(),
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

/// The same of other days.
fn for_days(draft: &Draft, from: NaiveDate, until: Option<NaiveDate>) -> Option<Draft> {
    Some(Draft {
        when: When::Days(Period::new(from, until).ok()?),
        ..draft.clone()
    })
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
    let of_zone: Vec<Statement> = store::zone_wide(conn, zone).await?;
    let of_register = || {
        let whole = |one: &&Statement| {
            one.register.as_ref() == Some(register) && one.proposed_index.is_none()
        };
        of_zone.iter().filter(whole)
    };
    let days = of_register().filter_map(|one| one.when.from());
    let whole = Whole {
        register: register.clone(),
        from,
        next: days.filter(|day| *day > from).min(),
        currency: zone.currency,
    };
    let mut rest = Rest {
        is_new: !of_register().any(|one| one.when == draft.when),
        of_ended: for_days(&draft, from, whole.next).unwrap_or_else(|| draft.clone()),
        of_overtaken: whole.next.and_then(|next| for_days(&draft, next, None)),
        draft,
        ended: Vec::new(),
        overtaken: Vec::new(),
        whole,
    };
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
    for ids in ids.chunks(BATCH) {
        let recorded = store::from_source(conn, zone, ids, Source::Imported).await?;
        for party in ids {
            let recorded = recorded.get(party).map_or(&[][..], Vec::as_slice);
            let rows = parties.get(party).map_or(&[][..], Vec::as_slice);
            match judge(&rest.whole, recorded, rows) {
                Judged::AsRecorded => {}
                Judged::Unseen(error) => errors.push(error),
                Judged::Ended => {
                    let draft = &rest.of_ended;
                    let corrects = corrected(draft, *party, recorded, corrections, command)?;
                    rest.ended.push((*party, corrects));
                }
                Judged::Overtaken => rest.overtaken.push(*party),
            }
        }
    }
    Ok(Some(rest))
}

/// The entry that says of the same day that the party stands in the register, if it may be superseded.
fn corrected(
    draft: &Draft,
    party: PartyId,
    recorded: &[Statement],
    corrections: Corrections,
    command: &Command<'_>,
) -> Result<Option<LogIndex>, FactsError> {
    match compare(draft, recorded, command.zone.currency) {
        Verdict::New | Verdict::Unchanged(_) => Ok(None),
        Verdict::Contradicts(otherwise) if corrections == Corrections::Apply => {
            Ok(Some(otherwise.entry))
        }
        Verdict::Contradicts(otherwise) => Err(FactsError::NotNamed {
            party,
            entry: otherwise.entry,
        }),
    }
}

/// How a party stands to a whole register.
#[derive(Debug)]
enum Judged {
    /// What is recorded and the file's rows say what the register says.
    AsRecorded,
    /// It stood in the register and no longer does.
    Ended,
    /// It is named, and not by the next whole register, which is recorded.
    Overtaken,
    /// A row that something else is seen instead of.
    Unseen(RowError),
}

/// Compares what is recorded of a party with its rows in a whole register. From the next one's day on nothing changes.
fn judge(whole: &Whole, recorded: &[Statement], rows: &[&FactRow]) -> Judged {
    let Whole {
        register,
        from,
        next,
        currency,
    } = whole;
    let new: Vec<Statement> = rows.iter().map(|row| as_stated(row, *currency)).collect();
    let after_import = |on| merge(*currency, on, recorded.iter().chain(&new));
    let facts = after_import(*from);
    let holding = new
        .iter()
        .zip(rows)
        .filter(|(one, _)| matches!(one.when, When::Days(days) if days.contains(*from)))
        .max_by_key(|(one, _)| one.when.begin());
    let Some((row, written)) = holding else {
        return if register.has(&facts) {
            Judged::Ended
        } else {
            Judged::AsRecorded
        };
    };
    if let Some(error) = unseen(row, written, &facts, *from) {
        return Judged::Unseen(error);
    }
    let is_overtaken = |next: &NaiveDate| {
        register.has(&after_import(*next)) && !register.has(&merge(*currency, *next, recorded))
    };
    if next.as_ref().is_some_and(is_overtaken) {
        Judged::Overtaken
    } else {
        Judged::AsRecorded
    }
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

/// What is wrong with a row that holds on the day, if something else is seen instead.
fn unseen(row: &Statement, written: &FactRow, facts: &Facts, on: NaiveDate) -> Option<RowError> {
    row.facts.iter().find_map(|(fact, value)| {
        let seen = facts.get(fact).filter(|seen| seen.value != *value)?;
        let entry = seen
            .entry
            .map_or_else(String::new, |entry| entry.to_string());
        let problem = format!(
            "is not what is seen on {on}: {fact} of {} is {value} here, and {} since {} by entry {entry}",
            written.party, seen.value, seen.as_of
        );
        let remedy = "write in from the day since when the row holds again; with --correct it may be the entry's";
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

    /// What a file of the list says of the party, or of the zone.
    fn said(
        index: i64,
        is_own: bool,
        from: u32,
        until: Option<NaiveDate>,
        is_listed: bool,
    ) -> Statement {
        let facts = [(Fact::IntegrityListed, crate::policy::Value::Bool(is_listed))];
        Statement {
            index: LogIndex(index),
            party: is_own.then_some(PartyId(uuid::Uuid::nil())),
            source: Source::Imported,
            when: When::Days(Period::new(day(from), until).unwrap()),
            register: Some(Register::Integrity),
            reference: None,
            proposed_index: None,
            facts: facts.into_iter().collect(),
        }
    }

    fn row(from: u32) -> FactRow {
        let said = said(0, true, from, None, true);
        FactRow {
            number: 2,
            party: "P".to_owned(),
            draft: Draft {
                source: said.source,
                when: said.when,
                register: said.register,
                reference: None,
                evidence: Vec::new(),
                facts: said.facts.to_text(),
            },
        }
    }

    /// Imports whole lists in this order, each of its day, and says whether the party stands in the list on each day.
    fn play(files: &[(u32, bool)]) -> Vec<Option<bool>> {
        let mut recorded: Vec<Statement> = Vec::new();
        for (at, (from, is_named)) in files.iter().enumerate() {
            let days = files.iter().take(at).map(|(day, _)| *day);
            let next = days.filter(|day| day > from).min();
            let whole = Whole {
                register: Register::Integrity,
                from: day(*from),
                next: next.map(day),
                currency: Currency::Cny,
            };
            let row = row(*from);
            let rows: &[&FactRow] = if *is_named { &[&row] } else { &[] };
            let own: Vec<Statement> = recorded
                .iter()
                .filter(|one| one.party.is_some())
                .cloned()
                .collect();
            let judged = judge(&whole, &own, rows);
            let mut state = |is_own, from, until, is_listed| {
                let index = i64::try_from(recorded.len()).unwrap();
                recorded.push(said(index, is_own, from, until, is_listed));
            };
            if *is_named {
                state(true, *from, None, true);
            }
            match judged {
                Judged::AsRecorded => {}
                Judged::Ended => state(true, *from, whole.next, false),
                Judged::Overtaken => state(true, next.unwrap(), None, false),
                Judged::Unseen(error) => panic!("{error}"),
            }
            state(false, *from, None, false);
        }
        let listed = |on| {
            let facts = merge(Currency::Cny, day(on), &recorded);
            let stated = facts.get(Fact::IntegrityListed)?;
            Some(stated.value == crate::policy::Value::Bool(true))
        };
        (0..12).map(listed).collect()
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
            let expected: Vec<Option<bool>> = (0..12)
                .map(|on| named.range(..=on).next_back().map(|(_, is_named)| *is_named))
                .collect();
            prop_assert_eq!(play(&files), expected);
        }
    }
}
