//! Statements from somebody's file, row by row, as far as the file itself can tell. Pure.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::Serialize;
use sha2::Digest;

use super::possible::impossible;
use super::register::Register;
use super::statement::{Begin, Draft, NotStatable, When, check_fact};
use super::values::Values;
use super::{cell, complete};
use crate::policy::{Fact, Sha256, Source, Span, Value};
use crate::tabular::{
    Bound, Cell, Field, Mapping, MappingError, Record, RowError, RowErrors, Table,
};
use crate::types::{Currency, Day, Name, Period, excerpt};

const fn field(name: &'static str, headers: &'static [&'static str], required: bool) -> Field {
    Field {
        name,
        headers,
        required,
    }
}

/// Columns beside those of facts.
const COMMON: [Field; 6] = [
    field(
        "party",
        &["uscc", "统一社会信用代码", "编号", "单位编号"],
        true,
    ),
    field("from", &["起始日期", "生效日期"], false),
    field("until", &["截止日期"], false),
    field("year", &["年度"], false),
    field("reference", &["登记编号", "证书编号"], false),
    field("evidence", &["证据"], false),
];

/// What a file of facts may have: who, for which time, and a column for each fact by its name or Chinese words.
static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    // Who a party is, is no fact of a file, and its code is the column that names it.
    let is_identity = |fact: &&Fact| matches!(fact, Fact::Uscc | Fact::UsccOverride);
    let facts = Fact::ALL
        .iter()
        .filter(|fact| !is_identity(fact))
        .map(|fact| {
            let [zh, _] = &fact.spec().what;
            field(fact.name(), std::slice::from_ref(zh), false)
        });
    COMMON.into_iter().chain(facts).collect()
});

/// What a file of a register may have: its own facts have shorter names too.
static REGISTER_FIELDS: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let fields = Register::KNOWN.iter().map(|register| {
        let facts = register
            .facts()
            .iter()
            .map(|fact| field(fact.name(), short_names(*fact), false));
        // A number's year is no year that facts are about.
        let common = COMMON.into_iter().filter(|field| {
            field.name != "year" && !(field.name == "until" && has_last_day(register))
        });
        (register.as_str(), common.chain(facts).collect())
    });
    fields.collect()
});

/// Whether rows say until when they are valid, and then stand until the next row.
const fn has_last_day(register: &Register) -> bool {
    matches!(register, Register::TechSme | Register::Hnte)
}

/// What facts of registers are called in the files of one.
const SHORT_NAMES: &[(Fact, &[&str])] = &[
    (Fact::HnteRecognition, &["recognition", "认定类型"]),
    (Fact::HnteStatus, &["status", "状态"]),
    (Fact::HnteValidUntil, &["valid_until", "有效期至"]),
    (Fact::IntegrityListed, &["listed", "是否列入"]),
    (Fact::SizeClass, &["class", "规模", "规模类型"]),
    (Fact::TechSmeNumberYear, &["number_year", "年度"]),
    (Fact::TechSmeRevokedOn, &["revoked_on", "撤销日期"]),
    (Fact::TechSmeStatus, &["status", "状态"]),
    (Fact::TechSmeValidUntil, &["valid_until", "有效期至"]),
];

fn short_names(fact: Fact) -> &'static [&'static str] {
    let named = SHORT_NAMES.iter().find(|(named, _)| *named == fact);
    named.map_or(&[], |(_, names)| names)
}

/// The fields of a file from this register, or of any other file.
pub fn fields(register: Option<&Register>) -> &'static [Field] {
    register
        .and_then(|register| REGISTER_FIELDS.get(register.as_str()))
        .unwrap_or(&FIELDS)
}

/// How the statements of a file are meant, where its rows don't say it.
#[derive(Clone, Debug, Serialize)]
pub struct FileOptions {
    /// How all of them are known.
    pub source: Source,
    /// The register that the file comes from; with [`Source::Imported`] only.
    pub register: Option<Register>,
    /// Documents that support all of them.
    pub evidence: Vec<Sha256>,
    /// The year that facts about a year are about, in rows without one.
    pub year: Option<i16>,
    /// The day from which the other facts hold, in rows without one.
    pub from: Option<NaiveDate>,
    /// The first day on which they no longer do.
    pub until: Option<NaiveDate>,
    /// Whether the file is the whole register as of the day `from`.
    pub complete: bool,
}

/// Why a file can't be read as facts at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The mapping does not fit.
    #[error(transparent)]
    Mapping(MappingError),
    /// Columns that nothing reads.
    #[error("nothing reads these columns:{}", list(.0))]
    UnknownColumns(Vec<String>),
    /// Columns of facts that no file can state.
    #[error("these columns can't be imported:{}", list(.0))]
    Columns(Vec<NotStatable>),
    /// No column of a fact.
    #[error(
        "no column is a fact: name columns as `facts list` names facts, or map them with --column FACT=HEADER"
    )]
    NoFacts,
    /// A register without the source that it is, or the other way round.
    #[error(
        "imported facts come from a register, and only they do: give both --source imported and --register NAME"
    )]
    Register,
    /// A name that is nearly that of a register of this ledger.
    #[error(
        "--register {given}: did you mean {meant}? Give another office's list a name that is not so much like it"
    )]
    Misspelt {
        /// What was given.
        given: String,
        /// What was meant, most likely.
        meant: &'static str,
    },
    /// The whole of something that has no whole, or as of no day.
    #[error(
        "--complete says that a file is the whole register as of a day: give the day with --from, and --register \
         tech_sme, hnte or integrity; of the others, not to be named says nothing"
    )]
    Complete,
    /// The whole of a register as it will be.
    #[error("--from {0} is a day to come: give the day as of which the file was drawn up")]
    NotYet(NaiveDate),
    /// Checked against nothing.
    #[error(
        "verified facts were checked against documents: give the SHA-256 of each with --evidence"
    )]
    NoEvidence,
}

fn list<T: std::fmt::Display>(lines: &[T]) -> String {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    format!("\n  {}", lines.join("\n  "))
}

/// A row, or that part of one which is about one time.
#[derive(Clone, Debug)]
pub(super) struct FactRow {
    pub(super) number: u64,
    /// What the cell of the party says.
    pub(super) party: String,
    pub(super) draft: Draft,
}

/// A file that was read, with all that is wrong with its rows.
#[derive(Clone, Debug)]
pub struct FactFile {
    pub(super) options: FileOptions,
    /// SHA-256 of its bytes.
    pub(super) sha256: Sha256,
    /// SHA-256 of all that was read from it.
    pub(super) content: Sha256,
    pub(super) row_count: usize,
    /// The column that names the party.
    pub(super) party_column: String,
    pub(super) rows: Vec<FactRow>,
    pub(super) errors: RowErrors,
}

impl FactFile {
    /// Reads a table whose file has this hash. Rows that are wrong are kept as errors for
    /// [`plan`](super::plan), which adds what the ledger knows against others.
    pub fn read(
        table: &Table,
        sha256: Sha256,
        mapping: &Mapping,
        options: FileOptions,
        currency: Currency,
        today: NaiveDate,
    ) -> Result<Self, FileError> {
        /// A file of facts has no further settings.
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct NoOptions {}
        let NoOptions {} = mapping.options().map_err(FileError::Mapping)?;
        if (options.source == Source::Imported) != options.register.is_some() {
            return Err(FileError::Register);
        }
        if let Some(Register::Other(given)) = &options.register
            && let Some(meant) = Register::meant(given)
        {
            let given = given.clone();
            return Err(FileError::Misspelt { given, meant });
        }
        if options.complete && !complete::is_possible(&options) {
            return Err(FileError::Complete);
        }
        let as_of = options.from.filter(|_| options.complete);
        if let Some(to_come) = as_of.filter(|day| *day > today) {
            return Err(FileError::NotYet(to_come));
        }
        let fields = fields(options.register.as_ref());
        let bound = mapping.bind(table, fields).map_err(explain)?;
        if options.source == Source::Verified
            && options.evidence.is_empty()
            && !bound.has("evidence")
        {
            return Err(FileError::NoEvidence);
        }
        let facts = columns(&bound, options.register.as_ref())?;
        let mut file = Self {
            sha256,
            content: Sha256::of(&[]),
            row_count: table.len(),
            party_column: "party".to_owned(),
            rows: Vec::with_capacity(table.len()),
            errors: RowErrors::default(),
            options,
        };
        let mut reader = RowReader {
            facts: &facts,
            currency,
            today,
            options: &file.options,
            errors: &mut file.errors,
        };
        for record in bound.records() {
            if let Some(cell) = record.get("party") {
                cell.column.clone_into(&mut file.party_column);
            }
            file.rows.extend(reader.row(&record).unwrap_or_default());
        }
        check_against_each_other(&file.rows, currency, &mut file.errors);
        file.content = content(&file.rows);
        Ok(file)
    }

    /// How many rows it has.
    pub const fn row_count(&self) -> usize {
        self.row_count
    }

    /// How many statements its rows make.
    pub const fn statements(&self) -> usize {
        self.rows.len()
    }
}

/// Columns of somebody else's file are many; each gets the nearest names.
fn explain(error: MappingError) -> FileError {
    let MappingError::UnknownColumns { columns, .. } = error else {
        return FileError::Mapping(error);
    };
    let lines = columns.into_iter().map(|column| {
        let advice = Fact::advice(&excerpt(&column));
        format!(
            "{column:?}: {advice}; map it with --column FACT={column}, or leave it out with --ignore {column}"
        )
    });
    FileError::UnknownColumns(lines.collect())
}

/// The facts that columns give, each of which must be one that can be stated so.
fn columns(bound: &Bound<'_>, register: Option<&Register>) -> Result<Vec<Fact>, FileError> {
    let facts: Vec<Fact> = Fact::ALL
        .iter()
        .copied()
        .filter(|fact| bound.has(fact.name()))
        .collect();
    let wrong: Vec<NotStatable> = facts
        .iter()
        .filter_map(|fact| check_fact(*fact, register).err())
        .collect();
    if !wrong.is_empty() {
        return Err(FileError::Columns(wrong));
    }
    let needs_no_column = register.is_some_and(|register| !register.facts().is_empty());
    if facts.is_empty() && !needs_no_column {
        return Err(FileError::NoFacts);
    }
    Ok(facts)
}

/// What the rows say, so that a key is not used for two readings of one file.
fn content(rows: &[FactRow]) -> Sha256 {
    let mut hash = sha2::Sha256::new();
    for row in rows {
        let Draft {
            when,
            reference,
            evidence,
            facts,
            ..
        } = &row.draft;
        let reference = reference.as_ref().map(Name::as_str);
        let evidence: String = evidence.iter().map(ToString::to_string).collect();
        hash.update(format!(
            "{} {when} {:?} {evidence} {facts}\n",
            row.party, reference
        ));
    }
    Sha256::from_bytes(hash.finalize().into())
}

struct RowReader<'a> {
    facts: &'a [Fact],
    currency: Currency,
    today: NaiveDate,
    options: &'a FileOptions,
    errors: &'a mut RowErrors,
}

/// The facts of a row: those about a year, and those that stand.
type Split = (Values, Values);

impl RowReader<'_> {
    /// Reads every cell, so that all that is wrong with a row is reported at once.
    fn row(&mut self, record: &Record<'_, '_>) -> Option<Vec<FactRow>> {
        let before = self.errors.total();
        let party = self.errors.take(record.require("party"));
        let facts = self.facts(record);
        let reference: Option<Name> = record
            .get("reference")
            .and_then(|cell| self.errors.take(cell.parse()));
        let evidence = self.evidence(record);
        let (of_year, mut standing) = facts?;
        let registers = self.options.register.as_ref();
        let stands =
            !standing.is_empty() || registers.is_some_and(|register| !register.facts().is_empty());
        let year = self.year(record, !of_year.is_empty());
        let days = self.days(record, stands, &standing);
        if before != self.errors.total() {
            return None;
        }
        if let (Some(register), Some(days)) = (registers, days) {
            let done = register.complete(&mut standing, reference.as_ref(), days.from());
            self.errors.take(
                done.map_err(|remedy| record.error("says too little for the register", remedy)),
            )?;
        }
        let times = [
            (year.map(When::Year), of_year),
            (days.map(When::Days), standing),
        ];
        let draft = |(when, facts): (Option<When>, Values)| {
            let draft = Draft {
                source: self.options.source,
                when: when.filter(|_| !facts.is_empty())?,
                register: self.options.register.clone(),
                reference: reference.clone(),
                evidence: evidence.clone(),
                facts: facts.to_text(),
            };
            Some(FactRow {
                number: record.number(),
                party: party?.text.to_owned(),
                draft,
            })
        };
        let rows: Vec<FactRow> = times.into_iter().filter_map(draft).collect();
        if rows.is_empty() {
            let remedy = "enter a value in a column of a fact, or delete the row";
            self.errors.push(record.error("states no fact", remedy));
        }
        Some(rows)
    }

    fn facts(&mut self, record: &Record<'_, '_>) -> Option<Split> {
        let (mut of_year, mut standing) = (Values::default(), Values::default());
        let mut is_right = true;
        for fact in self.facts.iter().copied() {
            let Some(cell) = record.get(fact.name()) else {
                continue;
            };
            let value = cell::read(fact, cell.text, self.currency);
            let value =
                value.map_err(|remedy| cell.error(format!("is no value of {fact}"), remedy));
            let Some(value) = self.errors.take(value) else {
                is_right = false;
                continue;
            };
            match fact.spec().span {
                Span::Year => of_year.insert(fact, value),
                Span::Standing | Span::Case => standing.insert(fact, value),
            };
        }
        let together = [&of_year, &standing];
        for wrong in together
            .map(|facts| impossible(|fact| facts.get(fact), self.today))
            .concat()
        {
            if let Some(cell) = record.get(wrong.fact.name()) {
                self.errors.push(cell.error(wrong.problem, wrong.remedy));
            }
        }
        is_right.then_some((of_year, standing))
    }

    /// What a cell says, if there is one.
    fn cell<T>(
        &mut self,
        record: &Record<'_, '_>,
        field: &str,
        parse: impl FnOnce(&Cell<'_>) -> Result<T, RowError>,
    ) -> Option<T> {
        let cell = record.get(field)?;
        self.errors.take(parse(&cell))
    }

    fn evidence(&mut self, record: &Record<'_, '_>) -> Vec<Sha256> {
        let mut evidence = self.options.evidence.clone();
        let own = self.cell(record, "evidence", |cell| {
            let digests = cell.text.split([';', '；', ',', ' ']).map(str::trim);
            let digests = digests.filter(|text| !text.is_empty());
            let digests: Result<Vec<Sha256>, _> = digests.map(digest).collect();
            digests.map_err(|remedy| cell.error("is no SHA-256", remedy))
        });
        evidence.extend(own.unwrap_or_default());
        evidence.sort_unstable();
        evidence.dedup();
        if self.options.source == Source::Verified && evidence.is_empty() {
            let remedy =
                "enter the SHA-256 of the document that was looked at in the column evidence";
            self.errors
                .push(record.error("is verified by nothing", remedy));
        }
        evidence
    }

    fn year(&mut self, record: &Record<'_, '_>, is_needed: bool) -> Option<i16> {
        let cell = record.get("year");
        if !is_needed {
            if let Some(cell) = cell {
                let remedy = "leave the year out, or enter a fact that is about a year";
                self.errors
                    .push(cell.error("is the year of no fact of this row", remedy));
            }
            return None;
        }
        let Some(cell) = cell else {
            let Some(year) = self.options.year else {
                let remedy = "enter it in the column year, or give --year";
                let problem = "has facts about a year and does not say which";
                self.errors.push(record.error(problem, remedy));
                return None;
            };
            let checked = When::Year(year).check(self.today);
            let checked = checked.map_err(|error| record.error(error, "give another --year"));
            return self.errors.take(checked).map(|()| year);
        };
        let digits = cell.text.len() == 4 && cell.text.bytes().all(|byte| byte.is_ascii_digit());
        let year = cell.text.parse::<i16>().ok();
        let year = year.filter(|year| digits && (1900..=9998).contains(year));
        let year = year.ok_or_else(|| cell.error("is no year", "write four digits, such as 2019"));
        let year = self.errors.take(year)?;
        let checked = When::Year(year).check(self.today);
        self.errors
            .take(checked.map_err(|error| cell.error(error, "correct the year")))?;
        Some(year)
    }

    fn days(&mut self, record: &Record<'_, '_>, is_needed: bool, facts: &Values) -> Option<Period> {
        let before = self.errors.total();
        let day = |cell: &Cell<'_>| cell.parse::<Day>().map(Day::date);
        let own_from = self.cell(record, "from", day);
        let own_until = self.cell(record, "until", day);
        if before != self.errors.total() {
            return None;
        }
        if !is_needed {
            if own_from.is_some() || own_until.is_some() {
                let remedy = "leave the days out, or enter a fact that holds from a day on";
                self.errors
                    .push(record.error("gives days for no fact of this row", remedy));
            }
            return None;
        }
        let from = own_from.or(revoked_on(facts)).or(self.options.from);
        let Some(from) = from else {
            let remedy = "enter it in the column from, or give --from";
            self.errors
                .push(record.error("does not say from which day its facts hold", remedy));
            return None;
        };
        let until = own_until.or(self.options.until);
        let days = Period::new(from, until);
        let remedy = "until is the first day on which the facts no longer hold: correct the days";
        let days = self
            .errors
            .take(days.map_err(|error| record.error(error, remedy)))?;
        let checked = When::Days(days).check(self.today);
        self.errors
            .take(checked.map_err(|error| record.error(error, "correct the day in from")))?;
        let whole = self.options.from.filter(|_| self.options.complete);
        if let Some(as_of) = whole.filter(|as_of| *as_of < from) {
            let problem = format!("holds from {from}, and the file is the register as of {as_of}");
            let remedy = "correct the day in from, or give the file's day with --from";
            self.errors.push(record.error(problem, remedy));
            return None;
        }
        Some(days)
    }
}

/// A revocation holds from its day on.
fn revoked_on(facts: &Values) -> Option<NaiveDate> {
    match facts.get(Fact::TechSmeRevokedOn) {
        Some(Value::Date(day)) => Some(*day),
        Some(_) | None => None,
    }
}

/// A SHA-256 as `sha256sum` prints it.
pub fn digest(text: &str) -> Result<Sha256, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "write the 64 small hexadecimal digits that sha256sum prints".to_owned())
}

/// Rows of one party that say one thing twice, or two things of one fact.
fn check_against_each_other(rows: &[FactRow], currency: Currency, errors: &mut RowErrors) {
    let mut sorted: Vec<&FactRow> = rows.iter().collect();
    sorted.sort_by(|one, other| one.party.cmp(&other.party));
    for of_party in sorted.chunk_by(|one, other| one.party == other.party) {
        if of_party.len() > 1 {
            check_party(of_party, currency, errors);
        }
    }
}

fn check_party(rows: &[&FactRow], currency: Currency, errors: &mut RowErrors) {
    let mut whole: HashMap<(Begin, &str), u64> = HashMap::new();
    let mut first: HashMap<(Begin, Fact), (Value, Option<NaiveDate>, u64)> = HashMap::new();
    for row in rows {
        let (begin, until) = (row.draft.when.begin(), row.draft.when.until());
        let remedy = "delete one of the rows";
        if let Some(earlier) = whole.insert((begin, &row.draft.facts), row.number) {
            let problem = format!("says of {} what row {earlier} says", row.party);
            errors.push(RowError::of_row(row.number, problem, remedy));
            continue;
        }
        let values = Values::parse(&row.draft.facts, currency).unwrap_or_default();
        for (fact, value) in values {
            let said = (value, until, row.number);
            let Some((value, until, earlier)) = first.get(&(begin, fact)) else {
                first.insert((begin, fact), said);
                continue;
            };
            if (value, until) != (&said.0, &said.1) {
                let problem = format!(
                    "contradicts row {earlier}: {fact} of {} is {} here and {value} there, both {}",
                    row.party, said.0, row.draft.when
                );
                errors.push(RowError::of_row(
                    row.number,
                    problem,
                    "keep the one that is true",
                ));
            }
        }
    }
}
