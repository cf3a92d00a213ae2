//! A file of statements, recorded whole or not at all.
//!
//! [`FactFile::read`] parses the rows, [`plan`] compares them with parties and statements of the zone, [`apply`] records
//! what is new. A dry run stops after the plan. The same file again plans nothing.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx::PgConnection;

use super::complete::{self, NotNamed, Rest};
use super::error::FactsError;
use super::file::{FactFile, FactRow, FileOptions};
use super::recorded::{Contradiction, Verdict, compare};
use super::register::Register;
use super::statement::{Begin, Draft, Statement, require};
use super::store;
use super::{numbers, parties};
use crate::db::{self, Turn};
use crate::identity::{Actor, Command};
use crate::journal::{self, BodyError, Entry, Idempotency, RecordError, Recorded, Refusal};
use crate::policy::Sha256;
use crate::tabular::{RowError, RowErrors};
use crate::types::{LogIndex, Name, PartyId};

/// How many entries are recorded, and how many rows compared, by one call.
const BATCH: usize = 5_000;

/// What may be done where a file says otherwise than what is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Corrections {
    /// Nothing: the file is refused.
    Refuse,
    /// The file's statement supersedes the recorded one, which stays visible in the history.
    Apply,
}

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Rows of the file.
    pub rows: usize,
    /// Statements that are new.
    pub stated: usize,
    /// New ones that supersede what was recorded otherwise.
    pub corrected: usize,
    /// Statements that were recorded before, as they are.
    pub unchanged: usize,
    /// Of a whole register, what it says of those that it does not name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_named: Option<NotNamed>,
    /// The entries of the first and the last new statement about one party, once they are recorded.
    pub entries: Option<(LogIndex, LogIndex)>,
    /// The entry of the import itself; `None` as long as there is nothing to record.
    #[serde(skip)]
    pub entry: Option<LogIndex>,
}

/// The statements of a file, compared with what the zone knows.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    file: &'a FactFile,
    idempotency: Option<Idempotency>,
    new: Vec<Planned<'a>>,
    rest: Option<Rest>,
    report: ImportReport,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Planned<'a> {
    pub(super) party: PartyId,
    pub(super) draft: &'a Draft,
    /// The entry that says otherwise.
    pub(super) corrects: Option<LogIndex>,
}

impl Plan<'_> {
    /// What applying it would do: the result of a dry run.
    pub const fn report(&self) -> &ImportReport {
        &self.report
    }

    /// How many statements would be recorded.
    pub fn len(&self) -> usize {
        self.new.len() + self.rest.as_ref().map_or(0, Rest::len)
    }

    /// Whether there is nothing to record.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Compares the rows of a file with the zone; all that is wrong with them is one error. From here to the end of the
/// transaction no other command states facts in the zone.
pub async fn plan<'a>(
    conn: &mut PgConnection,
    command: &Command<'_>,
    file: &'a FactFile,
    corrections: Corrections,
) -> Result<Plan<'a>, FactsError> {
    require(command.actor, file.options.source)?;
    db::plan_each_time(conn).await?;
    Turn::Facts.wait(conn, command.zone.id).await?;
    let input = (file.sha256, file.content, &file.options, corrections);
    let idempotency = command.idempotency("fact.import", &input);
    if let Some(report) = first_report(conn, command, idempotency.as_ref()).await? {
        return Ok(Plan {
            file,
            idempotency: None,
            new: Vec::new(),
            rest: None,
            report,
        });
    }
    let parties = parties::named(conn, command, &file.rows).await?;
    let verdicts = verdicts(conn, command, file, &parties).await?;
    let mut comparing = Comparing {
        actor: command.actor,
        corrections,
        unknown: HashSet::new(),
        party_column: &file.party_column,
        errors: file.errors.clone(),
        new: Vec::new(),
        corrected: 0,
        unchanged: 0,
    };
    for (row, verdict) in file.rows.iter().zip(verdicts) {
        comparing.row(row, parties.get(row.party.as_str()).copied(), verdict);
    }
    let errors = &mut comparing.errors;
    numbers::check(conn, command, file, &parties, errors).await?;
    let rest = complete::plan(conn, command, file, &parties, corrections, errors).await?;
    comparing.errors.check().map_err(FactsError::Rows)?;
    let report = ImportReport {
        rows: file.row_count,
        stated: comparing.new.len(),
        corrected: comparing.corrected + rest.as_ref().map_or(0, Rest::corrected),
        unchanged: comparing.unchanged,
        not_named: rest.as_ref().map(Rest::report),
        entries: None,
        entry: None,
    };
    Ok(Plan {
        file,
        idempotency,
        new: comparing.new,
        rest,
        report,
    })
}

/// What each row is, beside what is recorded of its party; new if the party is unknown. Rows of one party are compared
/// together, so that its statements are read once.
async fn verdicts(
    conn: &mut PgConnection,
    command: &Command<'_>,
    file: &FactFile,
    parties: &HashMap<&str, PartyId>,
) -> Result<Vec<Verdict>, sqlx::Error> {
    let rows = file.rows.iter().enumerate();
    let mut known: Vec<(PartyId, usize, &FactRow)> = rows
        .filter_map(|(at, row)| Some((*parties.get(row.party.as_str())?, at, row)))
        .collect();
    known.sort_unstable_by_key(|(party, at, _)| (*party, *at));
    let mut verdicts = vec![Verdict::New; file.rows.len()];
    let zone = command.zone;
    for rows in known.chunks(BATCH) {
        let mut ids: Vec<PartyId> = rows.iter().map(|(party, ..)| *party).collect();
        ids.dedup();
        let recorded = store::from_source(conn, zone, &ids, file.options.source).await?;
        let recorded = by_time(recorded);
        for (party, at, row) in rows {
            let same_time = recorded.get(&(*party, row.draft.when.begin()));
            let same_time = same_time.map_or(&[][..], Vec::as_slice);
            if let Some(verdict) = verdicts.get_mut(*at) {
                *verdict = compare(&row.draft, same_time, zone.currency);
            }
        }
    }
    Ok(verdicts)
}

/// A party may have a statement for each day of years.
fn by_time(
    recorded: HashMap<PartyId, Vec<Statement>>,
) -> HashMap<(PartyId, Begin), Vec<Statement>> {
    let mut found: HashMap<(PartyId, Begin), Vec<Statement>> = HashMap::new();
    for (party, statements) in recorded {
        for statement in statements {
            let time = (party, statement.when.begin());
            found.entry(time).or_default().push(statement);
        }
    }
    found
}

struct Comparing<'a, 'c> {
    actor: &'c Actor,
    corrections: Corrections,
    /// Parties that were reported.
    unknown: HashSet<&'a str>,
    party_column: &'a str,
    errors: RowErrors,
    new: Vec<Planned<'a>>,
    corrected: usize,
    unchanged: usize,
}

impl<'a> Comparing<'a, '_> {
    fn row(&mut self, row: &'a FactRow, party: Option<PartyId>, verdict: Verdict) {
        let Some(party) = party else {
            if self.unknown.insert(&row.party) {
                let (problem, remedy) = parties::unknown(self.actor, &row.party);
                let error =
                    RowError::of_cell(row.number, self.party_column, &row.party, problem, remedy);
                self.errors.push(error);
            }
            return;
        };
        let corrects = match verdict {
            Verdict::New => None,
            Verdict::Unchanged(_) => {
                self.unchanged += 1;
                return;
            }
            Verdict::Contradicts(otherwise)
                if self.corrections == Corrections::Apply && otherwise.by_two.is_none() =>
            {
                self.corrected += 1;
                Some(otherwise.entry)
            }
            Verdict::Contradicts(otherwise) => {
                self.errors.push(contradiction(row, &otherwise));
                return;
            }
        };
        self.new.push(Planned {
            party,
            draft: &row.draft,
            corrects,
        });
    }
}

fn contradiction(row: &FactRow, otherwise: &Contradiction) -> RowError {
    let Contradiction {
        entry,
        what,
        recorded,
        stated,
        by_two,
    } = otherwise;
    let (source, when) = (row.draft.source.word(), row.draft.when);
    let mut problem = format!(
        "contradicts entry {entry}: {what} of {} is {recorded} there and {stated} here, both {source} and {when}",
        row.party
    );
    let remedy = match by_two {
        Some(by_two) => {
            problem =
                format!("{problem}; entry {by_two} about the same time was made by two persons");
            "no import corrects what two persons made: give the row a later day, or revoke the registration by two persons"
        }
        None => "correct the row, or repeat with --correct if the entry is wrong",
    };
    RowError::of_row(row.number, problem, remedy)
}

/// Records what is new, in the caller's transaction; calls `progress` with how many statements are done. The last entry
/// is that of the import itself, which has the key.
pub async fn apply(
    conn: &mut PgConnection,
    command: &Command<'_>,
    plan: Plan<'_>,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<ImportReport, FactsError> {
    if plan.is_empty() {
        return Ok(plan.report);
    }
    let Plan {
        file,
        idempotency,
        mut new,
        rest,
        mut report,
    } = plan;
    if let Some(rest) = &rest {
        new.extend(rest.planned());
    }
    let mut done = 0;
    for batch in new.chunks(BATCH) {
        let recorded = record(conn, command, batch, None).await?;
        if let (Some(first), Some(last)) = (recorded.first(), recorded.last()) {
            let begin = report.entries.map_or(first.index, |(begin, _)| begin);
            report.entries = Some((begin, last.index));
        }
        done += batch.len();
        progress(done);
    }
    if let (Some(rest), Some(said)) = (&rest, &mut report.not_named)
        && rest.is_new
    {
        said.entry = Some(record_rest(conn, command, file.sha256, rest).await?);
        progress(done + 1);
    }
    let entry = Entry {
        idempotency,
        ..command.entry("fact.file_imported", &Imported::of(file, &report))?
    };
    let closing = journal::record_one(conn, command.zone, command.now, entry).await?;
    report.entry = Some(closing.index);
    Ok(report)
}

/// Records what a whole register says of every party that it does not name.
async fn record_rest(
    conn: &mut PgConnection,
    command: &Command<'_>,
    file: Sha256,
    rest: &Rest,
) -> Result<LogIndex, FactsError> {
    let Draft {
        source,
        when,
        register,
        evidence,
        facts,
        ..
    } = &rest.draft;
    let details = Stated {
        corrects: None,
        evidence,
        facts: serde_json::from_str(facts).map_err(BodyError::from)?,
        file: Some(file),
        from: when.from(),
        party: None,
        reference: None,
        register: register.as_ref(),
        source: source.word(),
        until: None,
        year: None,
    };
    let entry = command.entry("fact.register_completed", &details)?;
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    store::insert_of_zone(conn, command.zone.id, &rest.draft, recorded.index).await?;
    Ok(recorded.index)
}

/// Records statements, each as an entry `fact.stated` with its row. The first gets the key.
pub(super) async fn record(
    conn: &mut PgConnection,
    command: &Command<'_>,
    planned: &[Planned<'_>],
    idempotency: Option<Idempotency>,
) -> Result<Vec<Recorded>, FactsError> {
    let entries: Result<Vec<Entry>, BodyError> = planned
        .iter()
        .map(|planned| entry(command, planned))
        .collect();
    let mut entries = entries?;
    if let Some(first) = entries.first_mut() {
        first.idempotency = idempotency;
    }
    let outcomes = journal::record(conn, command.zone, command.now, &entries).await?;
    let recorded = outcomes
        .into_iter()
        .collect::<Result<Vec<_>, Refusal>>()
        .map_err(RecordError::Refused)?;
    store::insert(conn, command.zone.id, planned, &recorded).await?;
    Ok(recorded)
}

/// What the entry of a statement says: all of it, and by which documents it is supported.
#[derive(Serialize)]
struct Stated<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    corrects: Option<LogIndex>,
    #[serde(skip_serializing_if = "<[Sha256]>::is_empty")]
    evidence: &'a [Sha256],
    facts: &'a RawValue,
    /// The whole register from which it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<Sha256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<chrono::NaiveDate>,
    party: Option<PartyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    register: Option<&'a Register>,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<chrono::NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    year: Option<i16>,
}

fn entry(command: &Command<'_>, planned: &Planned<'_>) -> Result<Entry, BodyError> {
    let Draft {
        source,
        when,
        register,
        reference,
        evidence,
        facts,
    } = planned.draft;
    let details = Stated {
        corrects: planned.corrects,
        evidence,
        facts: serde_json::from_str(facts)?,
        file: None,
        from: when.from(),
        party: Some(planned.party),
        reference: reference.as_ref(),
        register: register.as_ref(),
        source: source.word(),
        until: when.until(),
        year: when.year(),
    };
    Ok(Entry {
        subject: Some(planned.party.0),
        ..command.entry("fact.stated", &details)?
    })
}

/// What the entry of an import says.
#[derive(Serialize)]
struct Imported<'a> {
    file: Sha256,
    options: &'a FileOptions,
    report: &'a ImportReport,
}

impl<'a> Imported<'a> {
    const fn of(file: &'a FactFile, report: &'a ImportReport) -> Self {
        Self {
            file: file.sha256,
            options: &file.options,
            report,
        }
    }
}

/// The report of the same command if it was carried out before.
async fn first_report(
    conn: &mut PgConnection,
    command: &Command<'_>,
    idempotency: Option<&Idempotency>,
) -> Result<Option<ImportReport>, FactsError> {
    #[derive(Deserialize)]
    struct Said {
        report: ImportReport,
    }
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first = journal::first_answer::<Said>(conn, zone, actor, idempotency).await?;
    Ok(first.map(|(recorded, said)| ImportReport {
        entry: Some(recorded.index),
        ..said.report
    }))
}
