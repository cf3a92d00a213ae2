//! One sheet of an Excel workbook, cell by cell, so that a stray cell far away costs nothing.

use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};
use csv::StringRecord;

use super::{MAX_COLUMNS, ReadError, RowError, Rows, Table, header, unpacked};

pub(super) fn read(bytes: &[u8], sheet: Option<&str>) -> Result<Table, ReadError> {
    // The mark of an OLE compound file, which holds .xls and encrypted workbooks.
    if bytes.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Err(ReadError::OldOrEncrypted);
    }
    unpacked::check(bytes)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|error| damaged(&error))?;
    let sheets = book.sheet_names();
    let found = match sheet {
        Some(asked) => sheets.iter().find(|name| *name == asked),
        None => sheets.first(),
    };
    let Some(name) = found.cloned() else {
        return Err(ReadError::NoSheet {
            asked: sheet.unwrap_or_default().to_owned(),
            sheets,
        });
    };
    let mut reader = book
        .worksheet_cells_reader(&name)
        .map_err(|error| damaged(&error))?;
    let mut lines = Lines::default();
    while let Some(cell) = reader.next_cell().map_err(|error| damaged(&error))? {
        let (row, column) = cell.get_position();
        lines.add(row, column, cell.get_value())?;
    }
    lines.end_row()?;
    let Some(columns) = lines.columns else {
        return Err(ReadError::Empty);
    };
    lines.rows.finish(columns, format!("sheet {name:?}"))
}

fn damaged(error: &XlsxError) -> ReadError {
    if matches!(error, XlsxError::Password) {
        return ReadError::OldOrEncrypted;
    }
    ReadError::Damaged {
        format: "XLSX",
        detail: error.to_string(),
    }
}

/// Gathers cells, which come row by row, into records; the first row with text is the header.
#[derive(Default)]
struct Lines {
    columns: Option<Vec<String>>,
    rows: Rows,
    /// The row being gathered, from 0.
    row: u32,
    cells: Vec<String>,
    faulty: bool,
}

impl Lines {
    fn add(&mut self, row: u32, column: u32, value: &DataRef<'_>) -> Result<(), ReadError> {
        if row != self.row {
            self.end_row()?;
            self.row = row;
        }
        let index = usize::try_from(column).unwrap_or(usize::MAX);
        let content = text(value).and_then(short_enough);
        if content.as_ref().is_ok_and(|text| text.trim().is_empty()) {
            return Ok(());
        }
        let width = self.columns.as_ref().map_or(MAX_COLUMNS, Vec::len);
        match content {
            Ok(text) if index < width => {
                if self.cells.len() <= index {
                    self.cells.resize(index + 1, String::new());
                }
                if let Some(cell) = self.cells.get_mut(index) {
                    *cell = text;
                }
            }
            Ok(_) if self.columns.is_none() => return Err(ReadError::TooManyColumns(index + 1)),
            Ok(text) => self.refuse(
                index,
                &text,
                "stands right of the last named column",
                "name the column in the header row or delete the cell",
            ),
            Err(fault) => self.refuse(index, &fault.shown, fault.problem, fault.remedy),
        }
        Ok(())
    }

    fn refuse(&mut self, index: usize, shown: &str, problem: &str, remedy: &str) {
        let name = self.columns.as_ref().and_then(|names| names.get(index));
        let name = name.cloned().unwrap_or_else(|| letters(index));
        let number = u64::from(self.row) + 1;
        self.rows
            .errors
            .push(RowError::of_cell(number, &name, shown, problem, remedy));
        self.faulty = true;
    }

    fn end_row(&mut self) -> Result<(), ReadError> {
        let cells = std::mem::take(&mut self.cells);
        if std::mem::take(&mut self.faulty) || cells.is_empty() {
            return Ok(());
        }
        match &self.columns {
            None => self.columns = Some(header(cells.iter().map(String::as_str))?),
            Some(columns) => {
                let padding = std::iter::repeat_n("", columns.len() - cells.len());
                let record: StringRecord =
                    cells.iter().map(String::as_str).chain(padding).collect();
                self.rows.push(u64::from(self.row) + 1, record)?;
            }
        }
        Ok(())
    }
}

/// A cell whose content is not what its author sees or meant.
struct Fault {
    shown: String,
    problem: &'static str,
    remedy: &'static str,
}

/// Excel keeps 15 digits of a number; from here on a code typed as a number has lost some.
const TOO_LONG: f64 = 1e15;

/// The text of a cell: numbers as their shortest exact decimal, dates as ISO 8601.
fn text(value: &DataRef<'_>) -> Result<String, Fault> {
    match value {
        DataRef::Empty => Ok(String::new()),
        DataRef::String(text) | DataRef::DateTimeIso(text) => Ok(text.clone()),
        DataRef::SharedString(text) => Ok((*text).to_owned()),
        DataRef::Bool(truth) => Ok(truth.to_string()),
        DataRef::Int(number) => Ok(number.to_string()),
        DataRef::Float(number) if number.abs() < TOO_LONG => Ok(number.to_string()),
        DataRef::Float(number) => Err(Fault {
            shown: number.to_string(),
            problem: "is a number with more digits than Excel keeps",
            remedy: "format the column as text and enter the digits again",
        }),
        DataRef::DateTime(moment) => date(moment),
        DataRef::DurationIso(text) => Err(duration(text.clone())),
        DataRef::Error(error) => Err(Fault {
            shown: error.to_string(),
            problem: "is a formula that failed",
            remedy: "mend the formula or enter the value",
        }),
    }
}

/// The most characters that Excel keeps in a cell.
const LONGEST: usize = 32_767;

fn short_enough(text: String) -> Result<String, Fault> {
    if text.len() > LONGEST && text.chars().count() > LONGEST {
        return Err(Fault {
            shown: text.chars().take(LONGEST).collect(),
            problem: "has more than the 32,767 characters that Excel keeps",
            remedy: "shorten it",
        });
    }
    Ok(text)
}

fn date(moment: &ExcelDateTime) -> Result<String, Fault> {
    if moment.is_duration() || moment.as_f64() < 1.0 {
        return Err(duration(moment.as_f64().to_string()));
    }
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let day = format!("{year:04}-{month:02}-{day:02}");
    Ok(if (hour, minute, second, milli) == (0, 0, 0, 0) {
        day
    } else {
        format!("{day}T{hour:02}:{minute:02}:{second:02}")
    })
}

fn duration(shown: String) -> Fault {
    Fault {
        shown,
        problem: "is a time without a day",
        remedy: "enter a date, or format the column as text",
    }
}

/// The name that Excel shows above a column: A, B, … Z, AA, …
fn letters(index: usize) -> String {
    let mut name = String::new();
    let mut rest = index + 1;
    while rest > 0 {
        let digit = u8::try_from((rest - 1) % 26).unwrap_or(0);
        name.insert(0, char::from(b'A' + digit));
        rest = (rest - 1) / 26;
    }
    name
}
