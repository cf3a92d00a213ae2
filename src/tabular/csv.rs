//! Comma-separated values, RFC 4180.

use std::io::Read;

use csv::StringRecord;

use super::encoding::{self, Encoding};
use super::{ReadError, RowError, Rows, Table, header};

/// A last record that no file has. If it does not come back by itself, a quote before it is open.
const END: &str = "\u{0}end";

pub(super) fn read(bytes: &[u8], declared: Option<Encoding>) -> Result<Table, ReadError> {
    let (text, assumed) = encoding::decode(bytes, declared)?;
    let text = text.as_ref();
    let mut records = Records::of(text);
    let Some((_, first)) = records.next()? else {
        return Err(ReadError::Empty);
    };
    let columns = header(first.iter())?;
    let mut rows = Rows::default();
    while let Some((line, record)) = records.next()? {
        if record.len() == first.len() {
            let beyond = record.iter().skip(columns.len());
            if let Some(stray) = beyond.into_iter().find(|cell| !cell.trim().is_empty()) {
                rows.errors.push(RowError::of_cell(
                    line,
                    "",
                    stray,
                    "stands right of the last named column",
                    "name the column in the header row or delete the cell",
                ));
                continue;
            }
            rows.push(line, record.iter().take(columns.len()).collect())?;
        } else {
            rows.errors.push(RowError::of_row(
                line,
                format!("has {} cells, the header has {}", record.len(), first.len()),
                "quote cells that contain separators, and write empty cells too",
            ));
        }
    }
    rows.finish(columns, assumed.to_owned())
}

/// Records with the lines on which they begin.
struct Records<'a> {
    text: &'a str,
    reader: csv::Reader<Box<dyn Read + 'a>>,
    /// The line that `counted` bytes lead to.
    line: u64,
    counted: usize,
}

impl<'a> Records<'a> {
    fn of(text: &'a str) -> Self {
        let end = format!("\n{END}\n");
        let source: Box<dyn Read + 'a> = Box::new(
            text.as_bytes()
                .chain(std::io::Cursor::new(end.into_bytes())),
        );
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(separator(text))
            .from_reader(source);
        Self {
            text,
            reader,
            line: 1,
            counted: 0,
        }
    }

    fn next(&mut self) -> Result<Option<(u64, StringRecord)>, ReadError> {
        let mut record = StringRecord::new();
        let damaged = |error: csv::Error| ReadError::Damaged {
            format: "CSV",
            detail: error.to_string(),
        };
        self.reader.read_record(&mut record).map_err(damaged)?;
        if record.len() == 1 && record.get(0) == Some(END) {
            return Ok(None);
        }
        let begin = record.position().map_or(0, csv::Position::byte);
        let line = self.line_at(usize::try_from(begin).unwrap_or(usize::MAX));
        if record
            .iter()
            .next_back()
            .is_some_and(|cell| cell.ends_with(&format!("{END}\n")))
        {
            return Err(ReadError::OpenQuote(line));
        }
        Ok(Some((line, record)))
    }

    /// The line of the first text at or after a byte. The reader's own count stops before the line
    /// ends and blank lines that it skips.
    fn line_at(&mut self, begin: usize) -> u64 {
        let rest = self.text.get(begin..).unwrap_or_default();
        let begin = self.text.len() - rest.trim_start_matches(['\r', '\n']).len();
        let passed = self.text.get(self.counted..begin).unwrap_or_default();
        let feeds = passed.bytes().filter(|byte| *byte == b'\n').count();
        self.line += u64::try_from(feeds).unwrap_or(0);
        self.counted = begin;
        self.line
    }
}

/// A comma; in a file whose header has none, a semicolon or a tab.
fn separator(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.is_empty()).unwrap_or("");
    [b',', b';', b'\t']
        .into_iter()
        .find(|separator| first.bytes().any(|byte| byte == *separator))
        .unwrap_or(b',')
}
