//! A file of past awards as rows that the import understands, with an error for every other row.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use sha2::{Digest, Sha256};

use super::map::{AwardMap, FACTS, FIELDS};
use crate::party::Identity;
use crate::tabular::{Cell, Format, MappingError, ReadError, Record, RowError, RowErrors, Table};
use crate::types::{Code, FiscalYear, Money, Name, hex};

/// A file, read: every row of it is in `rows` or in `errors`.
#[derive(Clone, Debug)]
pub struct AwardFile {
    /// Its name.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: [u8; 32],
    /// How many rows it has.
    pub row_count: usize,
    /// Rows that can be recorded, in the order of the file.
    pub rows: Vec<AwardRow>,
    /// What is wrong with the others.
    pub errors: RowErrors,
}

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Damaged, of an unknown kind, or with rows that are no rows.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Its columns are not those of the map.
    #[error(transparent)]
    Mapping(#[from] MappingError),
}

/// A past award, or a refusal: `granted` is zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwardRow {
    /// Row of the file, as a person finds it.
    pub number: u64,
    /// Whose.
    pub recipient: Recipient,
    /// Under which scheme.
    pub programme: Programme,
    /// On which day; the first of the year if the list gives no day.
    pub day: NaiveDate,
    /// What was asked for, minor units.
    pub requested: Option<Money>,
    /// What was granted, minor units.
    pub granted: Money,
    /// Texts of the list that decide nothing, by field.
    pub facts: BTreeMap<&'static str, String>,
    /// What makes it the same row in another file.
    pub(super) key: RowKey,
    /// SHA-256 of all that the map reads from it.
    pub(super) content: [u8; 32],
}

impl AwardRow {
    /// The budget year.
    pub fn year(&self) -> FiscalYear {
        FiscalYear::of(self.day)
    }
}

/// Whom an award was made to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// A party, by the office's own number or by its name.
    Party(Identity, Name),
    /// A natural person whom the list does not name; two of them are two persons.
    Anonymous,
}

/// A scheme of the other office.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Programme {
    /// Programme code in accounts.
    pub code: Code,
    /// As the other office calls it.
    pub name: Name,
}

/// What tells rows of one list apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum RowKey {
    /// The list's own id.
    Id(String),
    /// The row itself, and how-manieth it is among equal ones, from 0. Equal rows are separate
    /// applications.
    Content([u8; 32], u64),
}

impl AwardFile {
    /// Reads a file by its map.
    pub fn read(name: &str, bytes: &[u8], map: &AwardMap) -> Result<Self, FileError> {
        let format = Format::of(std::path::Path::new(name))?;
        let table = Table::read(bytes, format, &map.mapping.read_options())?;
        let bound = map.mapping.bind(&table, FIELDS)?;
        let mut reader = Reader {
            map,
            programmes: HashMap::new(),
            seen: HashMap::new(),
        };
        let mut errors = RowErrors::default();
        let mut rows = Vec::with_capacity(table.len());
        for record in bound.records() {
            rows.extend(errors.take(reader.row(&record)));
        }
        Ok(Self {
            name: name.to_owned(),
            sha256: Sha256::digest(bytes).into(),
            row_count: table.len(),
            rows,
            errors,
        })
    }
}

/// What must be remembered from row to row.
struct Reader<'a> {
    map: &'a AwardMap,
    /// Names by code, to notice two that would get the same.
    programmes: HashMap<Code, Name>,
    /// How many rows there were with an id or a content.
    seen: HashMap<RowKey, u64>,
}

impl Reader<'_> {
    fn row(&mut self, record: &Record<'_, '_>) -> Result<AwardRow, RowError> {
        let content = content(record);
        let map = self.map;
        let amount = |cell: Cell<'_>, format: &super::AmountFormat| {
            let amount = format.parse(cell.text, map.currency);
            amount.map_err(|error| cell.error(error, "correct the cell, or its format in the map"))
        };
        let requested = record.get("requested");
        Ok(AwardRow {
            number: record.number(),
            recipient: self.recipient(record)?,
            programme: self.programme(record)?,
            day: day(record)?,
            requested: requested
                .map(|cell| amount(cell, &map.requested))
                .transpose()?,
            granted: amount(record.require("granted")?, &map.granted)?,
            facts: facts(record),
            key: self.key(record, content)?,
            content,
        })
    }

    fn recipient(&self, record: &Record<'_, '_>) -> Result<Recipient, RowError> {
        let cell = record.require("recipient")?;
        if self.map.anonymous.iter().any(|text| text == cell.text) {
            return Ok(Recipient::Anonymous);
        }
        let name: Name = cell.parse()?;
        let identity = match record.get("recipient_number") {
            Some(number) => Identity::OfficeNumber(number.parse()?),
            None => Identity::Name(name.clone()),
        };
        Ok(Recipient::Party(identity, name))
    }

    fn programme(&mut self, record: &Record<'_, '_>) -> Result<Programme, RowError> {
        let cell = record.require("programme")?;
        let name: Name = cell.parse()?;
        let code = match self.map.programmes.get(name.as_str()) {
            Some(code) => code.clone(),
            None => derived_code(&name),
        };
        let first = self
            .programmes
            .entry(code.clone())
            .or_insert_with(|| name.clone());
        if *first == name {
            Ok(Programme { code, name })
        } else {
            Err(cell.error(
                format!(
                    "gets the code {code}, which {first:?} has",
                    first = first.as_str()
                ),
                "give it a code of its own under [options.programmes] in the map",
            ))
        }
    }

    fn key(&mut self, record: &Record<'_, '_>, content: [u8; 32]) -> Result<RowKey, RowError> {
        if let Some(cell) = record.get("id") {
            let key = RowKey::Id(cell.text.to_owned());
            if self.seen.insert(key.clone(), 1).is_some() {
                return Err(cell.error(
                    "is the id of an earlier row too",
                    "give each row its own id",
                ));
            }
            return Ok(key);
        }
        let equal = self.seen.entry(RowKey::Content(content, 0)).or_default();
        let key = RowKey::Content(content, *equal);
        *equal += 1;
        Ok(key)
    }
}

/// SHA-256 over every field: its name, its length and its text.
fn content(record: &Record<'_, '_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for field in FIELDS {
        let text = record.get(field.name).map_or("", |cell| cell.text);
        hash.update(format!("{} {}\n", field.name, text.len()));
        hash.update(text);
    }
    hash.finalize().into()
}

fn facts(record: &Record<'_, '_>) -> BTreeMap<&'static str, String> {
    let kept = FACTS.iter().filter_map(|field| {
        let cell = record.get(field)?;
        // Postgres has no NUL in text.
        Some((*field, cell.text.replace('\0', "\u{FFFD}")))
    });
    kept.collect()
}

fn day(record: &Record<'_, '_>) -> Result<NaiveDate, RowError> {
    const REMEDY: &str = "write a day such as 2016-12-31, or a year from 1900 to 9999";
    let in_range = |day: &NaiveDate| (1900..=9999).contains(&chrono::Datelike::year(day));
    if let Some(cell) = record.get("date") {
        let day = cell.text.parse::<NaiveDate>().ok().filter(in_range);
        return day.ok_or_else(|| cell.error("is no day", REMEDY));
    }
    let cell = record.require("year")?;
    let digits = cell.text.len() == 4 && cell.text.bytes().all(|byte| byte.is_ascii_digit());
    let year = cell.text.parse::<i32>().ok().filter(|_| digits);
    let day = year
        .and_then(|year| NaiveDate::from_ymd_opt(year, 1, 1))
        .filter(in_range);
    day.ok_or_else(|| cell.error("is no year", REMEDY))
}

/// How long a code may be, and how much of it tells long names apart.
const CODE_LENGTH: usize = 32;
const DIGEST_LENGTH: usize = 6;

/// The name in capitals, digits and hyphens. If that is too long, or loses letters that are not Latin, it
/// ends in the first digits of the name's SHA-256.
fn derived_code(name: &Name) -> Code {
    use unicode_normalization::UnicodeNormalization;
    let mut slug = String::new();
    let mut loses_letters = false;
    let decomposed = name
        .as_str()
        .nfkd()
        .filter(|character| !is_mark(*character));
    for character in decomposed {
        if character.is_ascii_alphanumeric() {
            slug.push(character.to_ascii_uppercase());
        } else if character.is_alphanumeric() {
            loses_letters = true;
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    if !loses_letters && (1..=CODE_LENGTH).contains(&slug.len()) {
        return slug.parse().expect("BUG: a slug is a code");
    }
    let digest = hex(&Sha256::digest(name.as_str())).to_ascii_uppercase();
    let digest = digest.get(..DIGEST_LENGTH).unwrap_or(&digest);
    let stem: String = slug.chars().take(CODE_LENGTH - DIGEST_LENGTH - 1).collect();
    let stem = stem.trim_end_matches('-');
    let code = if stem.is_empty() {
        digest.to_owned()
    } else {
        format!("{stem}-{digest}")
    };
    code.parse().expect("BUG: a slug with a digest is a code")
}

/// Combining marks, which decomposition splits off.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{0300}'..='\u{036F}')
}

#[cfg(test)]
mod tests;
