//! What is wrong with a file, and with its rows.

use std::fmt;

use serde::Serialize;

use super::unpacked::MAX_TEXT;
use super::{MAX_COLUMNS, MAX_ROWS};
use crate::types::excerpt;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not one of the endings that are known.
    #[error("the file's name must end in .csv, .xlsx or .json: save it as one of these")]
    Format,
    /// Too many bytes.
    #[error("the file has {0} bytes, at most 104857600 (100 MiB) are read: split it")]
    TooLarge(u64),
    /// Too many rows.
    #[error("the file has more than {MAX_ROWS} rows: split it")]
    TooManyRows,
    /// Too many columns.
    #[error("the file has {0} columns, at most {MAX_COLUMNS} are read: remove those not needed")]
    TooManyColumns(usize),
    /// Nothing in it.
    #[error("the file is empty: its first row must name the columns")]
    Empty,
    /// An array without objects, or with none that has a field.
    #[error(
        "the array is empty, or its objects are: write one for each row, with the columns as its keys"
    )]
    NoObjects,
    /// A header and nothing below.
    #[error("the file names columns but has no rows below them")]
    NoRows,
    /// Two bytes per character.
    #[error("the file is UTF-16 (\"Unicode text\"): save it as \"CSV UTF-8\" or as .xlsx")]
    Utf16,
    /// Bytes that are no text, such as another kind of file under the name of a CSV file.
    #[error("the file is not text: if it is a workbook, its name must end in .xlsx")]
    Binary,
    /// Bytes that the encoding does not have.
    #[error(
        "line {line} is not valid {encoding}: the file is damaged or cut off, or in another \
         encoding; save it as \"CSV UTF-8\", or name its encoding"
    )]
    Encoding {
        /// Which encoding was declared or assumed.
        encoding: &'static str,
        /// The first line with such bytes, from 1.
        line: usize,
    },
    /// Bytes of which nobody said what they are, and that neither encoding has.
    #[error(
        "line {utf8_line} is not valid UTF-8, and line {gb18030_line} is not valid GB18030: the file is damaged or cut \
         off, or in another encoding; save it as \"CSV UTF-8\""
    )]
    NeitherEncoding {
        /// The first line that is not UTF-8, from 1.
        utf8_line: usize,
        /// The first line that is not GB18030, from 1.
        gb18030_line: usize,
    },
    /// A quoted cell that goes on to the end of the file.
    #[error(
        "the quote that is opened in the row at line {0} is never closed: the file is cut off, or a \
         quote inside a cell is not doubled (\"\")"
    )]
    OpenQuote(u64),
    /// The file ends too early, or is no file of its kind.
    #[error("the file is damaged, cut off, or no {format} file ({detail}): save or send it again")]
    Damaged {
        /// What it should be.
        format: &'static str,
        /// What its reader says.
        detail: String,
    },
    /// An old or encrypted workbook.
    #[error(
        "the workbook is in the old .xls format or has a password: save it as .xlsx without one"
    )]
    OldOrEncrypted,
    /// A small file that holds much, or a large one that holds more than a table has.
    #[error(
        "the workbook unpacks to more than {0} MiB, which its rows don't need: copy them into a new workbook, or save \
         the sheet as \"CSV UTF-8\""
    )]
    Unpacked(u64),
    /// More in one piece than a cell can have.
    #[error(
        "the workbook has a text of more than {MAX_TEXT} bytes, and Excel's cells have 32,767 characters at most: \
         shorten it, or delete what is no cell"
    )]
    LongText,
    /// The workbook has no such sheet.
    #[error("the workbook has no sheet {asked:?}: it has {}", .sheets.join(", "))]
    NoSheet {
        /// The sheet asked for.
        asked: String,
        /// Those that there are.
        sheets: Vec<String>,
    },
    /// A column without a name between others.
    #[error("column {0} has no name in the header row: give it one, or delete the column")]
    BlankHeader(usize),
    /// A column name that occurs twice.
    #[error("two columns are named {0:?}: rename one of them")]
    DuplicateHeader(String),
    /// Rows that can't be read.
    #[error(transparent)]
    Rows(#[from] RowErrors),
    /// The file could not be opened.
    #[error("the file could not be read: {0}")]
    Io(#[from] std::io::Error),
}

/// What is wrong with one row, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// Line of a CSV file, row of a sheet, or how-manieth object of a JSON file; from 1.
    pub row: u64,
    /// Name of the column, unless the row as a whole is wrong.
    pub column: Option<String>,
    /// What the cell has, shortened.
    pub value: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl RowError {
    /// About a row as a whole.
    pub fn of_row(row: u64, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            row,
            column: None,
            value: None,
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }

    /// About one cell.
    pub fn of_cell(
        row: u64,
        column: &str,
        value: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            row,
            column: Some(column.to_owned()),
            value: Some(excerpt(value)),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if let Some(column) = &self.column {
            write!(f, ", {column}")?;
        }
        if let Some(value) = &self.value {
            write!(f, " {value:?}")?;
        }
        write!(f, ": {}", self.problem)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

/// How many errors are kept; the others are only counted.
const KEPT: usize = 1_000;
/// How many errors are listed for a person.
const LISTED: usize = 50;

/// Everything that is wrong with the rows of a file: the first thousand, and how many in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowErrors {
    total: usize,
    errors: Vec<RowError>,
}

impl RowErrors {
    /// Adds one.
    pub fn push(&mut self, error: RowError) {
        self.total += 1;
        if self.errors.len() < KEPT {
            self.errors.push(error);
        }
    }

    /// Keeps what went right and adds what did not.
    pub fn take<T>(&mut self, result: Result<T, RowError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.push(error);
                None
            }
        }
    }

    /// How many there are, kept or not.
    pub const fn total(&self) -> usize {
        self.total
    }

    /// Those that are kept, in the order in which they were found.
    pub fn kept(&self) -> &[RowError] {
        &self.errors
    }

    /// Itself as an error, unless there are none.
    pub fn check(self) -> Result<(), Self> {
        if self.total == 0 { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for RowErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.total == 1 { "error" } else { "errors" };
        write!(f, "{} {noun} in the rows:", self.total)?;
        for error in self.errors.iter().take(LISTED) {
            write!(f, "\n  {error}")?;
        }
        if self.total > LISTED {
            write!(f, "\n  and {} more", self.total - LISTED)?;
        }
        Ok(())
    }
}

impl std::error::Error for RowErrors {}
