//! The whole file of a register: what it says of those that it does not name.
//!
//! From the file's day on, nobody whom it does not name stands in the register. That is said once, of every party of the
//! zone; only a party that stood in it before needs a statement of its own, since its own go before what is said of all.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::error::FactsError;
use super::file::{FactFile, FactRow, FileOptions};
use super::import::Corrections;
use super::merge::merge;
use super::recorded::{Verdict, compare};
use super::register::Register;
use super::statement::{Draft, Statement, When};
use super::store;
use super::values::Values;
use crate::identity::Command;
use crate::policy::Source;
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
    /// The entry that says it, once it is recorded.
    pub entry: Option<LogIndex>,
}

/// What is still to be recorded of those that a file does not name.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    pub(super) from: NaiveDate,
    /// What is said of each of them.
    pub(super) draft: Draft,
    /// Who stood in the register, with the entry that is corrected by saying otherwise of its own day.
    pub(super) ended: Vec<(PartyId, Option<LogIndex>)>,
    /// Whether nobody has said it of the whole zone for that day.
    pub(super) is_new: bool,
}

impl Rest {
    /// How many statements are to be recorded.
    pub(super) fn len(&self) -> usize {
        self.ended.len() + usize::from(self.is_new)
    }

    pub(super) fn report(&self) -> NotNamed {
        NotNamed {
            from: self.from,
            ended: self.ended.len(),
            is_new: self.is_new,
            entry: None,
        }
    }
}

/// The statement of a file of this register about whoever it does not name; `None` if not being named says nothing.
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
    let mut ended = Vec::new();
    for ids in ids.chunks(BATCH) {
        let recorded = store::from_source(conn, zone, ids, Source::Imported).await?;
        for party in ids {
            let recorded = recorded.get(party).map_or(&[][..], Vec::as_slice);
            let rows = parties.get(party).map_or(&[][..], Vec::as_slice);
            match judge(register, from, zone.currency, recorded, rows) {
                Judged::AsRecorded => {}
                Judged::Unseen(error) => errors.push(error),
                Judged::Ended => {
                    let corrects = corrected(&draft, *party, recorded, corrections, command)?;
                    ended.push((*party, corrects));
                }
            }
        }
    }
    let of_zone = store::zone_wide(conn, zone).await?;
    let says_so = |one: &Statement| {
        one.register.as_ref() == Some(register)
            && one.when == draft.when
            && one.facts.to_text() == draft.facts
    };
    Ok(Some(Rest {
        from,
        is_new: !of_zone.iter().any(says_so),
        draft,
        ended,
    }))
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
enum Judged {
    /// What is recorded and the file's rows say what the register says.
    AsRecorded,
    /// It stood in the register and no longer does.
    Ended,
    /// A row that something else is seen instead of.
    Unseen(RowError),
}

fn judge(
    register: &Register,
    from: NaiveDate,
    currency: Currency,
    recorded: &[Statement],
    rows: &[&FactRow],
) -> Judged {
    let new: Vec<Statement> = rows
        .iter()
        .map(|row| Statement {
            index: LogIndex(i64::MAX),
            party: Some(PartyId(uuid::Uuid::nil())),
            source: row.draft.source,
            when: row.draft.when,
            register: row.draft.register.clone(),
            reference: None,
            proposed_index: None,
            facts: Values::parse(&row.draft.facts, currency).unwrap_or_default(),
        })
        .collect();
    let facts = merge(currency, from, recorded.iter().chain(&new));
    let holding = new
        .iter()
        .zip(rows)
        .filter(|(one, _)| matches!(one.when, When::Days(days) if days.contains(from)))
        .max_by_key(|(one, _)| one.when.begin());
    let Some((row, written)) = holding else {
        return if register.has(&facts) {
            Judged::Ended
        } else {
            Judged::AsRecorded
        };
    };
    for (fact, value) in row.facts.iter() {
        if let Some(seen) = facts.get(fact).filter(|seen| seen.value != *value) {
            let entry = seen
                .entry
                .map_or_else(String::new, |entry| entry.to_string());
            let problem = format!(
                "is not what is seen on {from}: {fact} of {} is {value} here, and {} since {} by entry {entry}",
                written.party, seen.value, seen.as_of
            );
            let remedy = "write in from the day since when the row holds again; with --correct it may be the entry's";
            return Judged::Unseen(RowError::of_row(written.number, problem, remedy));
        }
    }
    Judged::AsRecorded
}
