//! Tables that people send: CSV, XLSX and JSON files read as text cells that know their position.
//!
//! Nothing here guesses what a cell means. Numbers keep the digits that the file has, dates become
//! ISO 8601, and whoever imports parses each cell and reports what is wrong as a [`RowError`].

mod csv;
mod encoding;
mod error;
mod formula;
mod json;
mod mapping;
mod unpacked;
mod xlsx;

use std::collections::HashSet;
use std::path::Path;

use ::csv::StringRecord;
use serde::Deserialize;

pub use encoding::Encoding;
pub use error::{ReadError, RowError, RowErrors};
pub use formula::safe_cell;
pub use mapping::{Bound, Cell, Field, Mapping, MappingError, Record};

/// The most rows that one file may have.
pub const MAX_ROWS: usize = 1_000_000;
/// The most columns that one file may have.
pub const MAX_COLUMNS: usize = 500;
/// The most bytes that one file may have: 100 MiB.
pub const MAX_BYTES: u64 = 100 * 1024 * 1024;

/// How a file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated text (RFC 4180) under one header line; semicolons and tabs also separate if
    /// the header has no comma.
    Csv,
    /// An Excel workbook (ISO/IEC 29500), one sheet of it.
    Xlsx,
    /// An array of flat JSON objects.
    Json,
}

impl Format {
    /// By the ending of the file's name.
    pub fn of(path: &Path) -> Result<Self, ReadError> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("xlsx") => Ok(Self::Xlsx),
            Some("json") => Ok(Self::Json),
            Some(_) | None => Err(ReadError::Format),
        }
    }
}

/// What cannot be seen from the file itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ReadOptions {
    /// How characters are encoded, if it is known; only CSV files differ in it.
    pub encoding: Option<Encoding>,
    /// The sheet of a workbook; its first one otherwise.
    pub sheet: Option<String>,
}

/// The rows of a file under their column names.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Row>,
    read_as: String,
}

/// A row, with as many cells as the table has columns.
#[derive(Clone, Debug)]
struct Row {
    /// Where a person finds it: the line of a CSV file, the row of a sheet, the how-manieth object.
    number: u64,
    cells: StringRecord,
}

impl Table {
    /// Reads the bytes of a file. All rows that can't be read are reported together.
    pub fn read(bytes: &[u8], format: Format, options: &ReadOptions) -> Result<Self, ReadError> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if size > MAX_BYTES {
            return Err(ReadError::TooLarge(size));
        }
        if bytes.is_empty() {
            return Err(ReadError::Empty);
        }
        let table = match format {
            Format::Csv => csv::read(bytes, options.encoding)?,
            Format::Xlsx => xlsx::read(bytes, options.sheet.as_deref())?,
            Format::Json => json::read(bytes)?,
        };
        if table.rows.is_empty() {
            return Err(ReadError::NoRows);
        }
        Ok(table)
    }

    /// Reads a file, refusing one that is too large before it is in memory.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, ReadError> {
        let format = Format::of(path)?;
        let size = std::fs::metadata(path)?.len();
        if size > MAX_BYTES {
            return Err(ReadError::TooLarge(size));
        }
        Self::read(&std::fs::read(path)?, format, options)
    }

    /// Names of the columns, in the order of the file.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// How many rows it has; rows without any text are not counted.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has no rows; a table that was read has some.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What was assumed in reading, for the person who sent the file: encoding or sheet.
    pub fn read_as(&self) -> &str {
        &self.read_as
    }

    /// The name of a column, however far to the right.
    fn column(&self, index: usize) -> &str {
        self.columns.get(index).map_or("", String::as_str)
    }
}

/// Rows as they come out of a file, with what is wrong with them.
#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    errors: RowErrors,
}

impl Rows {
    /// Keeps a row unless it has no text at all.
    fn push(&mut self, number: u64, cells: StringRecord) -> Result<(), ReadError> {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        if self.rows.len() == MAX_ROWS {
            return Err(ReadError::TooManyRows);
        }
        self.rows.push(Row { number, cells });
        Ok(())
    }

    fn finish(self, columns: Vec<String>, read_as: String) -> Result<Table, ReadError> {
        self.errors.check()?;
        Ok(Table {
            columns,
            rows: self.rows,
            read_as,
        })
    }
}

/// Column names of a header row: trimmed, none empty but at the right end, none twice.
fn header<'a>(cells: impl Iterator<Item = &'a str>) -> Result<Vec<String>, ReadError> {
    let mut columns: Vec<String> = cells.map(|cell| cell.trim().to_owned()).collect();
    while columns.last().is_some_and(String::is_empty) {
        columns.pop();
    }
    if columns.is_empty() {
        return Err(ReadError::Empty);
    }
    if columns.len() > MAX_COLUMNS {
        return Err(ReadError::TooManyColumns(columns.len()));
    }
    let mut seen = HashSet::new();
    for (position, name) in (1_usize..).zip(&columns) {
        if name.is_empty() {
            return Err(ReadError::BlankHeader(position));
        }
        if !seen.insert(name) {
            return Err(ReadError::DuplicateHeader(name.clone()));
        }
    }
    Ok(columns)
}

#[cfg(test)]
mod tests;
