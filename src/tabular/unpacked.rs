//! What a workbook unpacks to, counted before its reader sees it: the reader keeps all texts in memory, and a small file
//! can hold gigabytes of them.

use std::io::{BufReader, Cursor, Read};

use quick_xml::events::Event;
use zip::ZipArchive;

use super::ReadError;

/// The most bytes that all parts of a workbook have together: a sheet of a million rows and ten columns has a third of
/// them.
pub(super) const MAX_UNPACKED: u64 = 1024 * 1024 * 1024;
/// How many times as large as the file its parts may be. Sheets of one repeated number reach 16.
const MAX_RATIO: u64 = 100;
/// What every workbook may unpack to, however small its file.
const ALWAYS: u64 = 64 * 1024 * 1024;
/// The longest text between two tags: more than Excel's 32,767 characters of a cell have when each is written as
/// `_x0000_` or `&quot;`.
pub(super) const MAX_TEXT: usize = 1024 * 1024;
/// The shortest text in the list of texts: `<si/>`.
const SHORTEST: u64 = 5;

/// Refuses a workbook that unpacks to more than a table has. What is no archive, or a damaged one, is for the reader of
/// workbooks to say.
pub(super) fn check(bytes: &[u8]) -> Result<(), ReadError> {
    check_within(bytes, ALWAYS)
}

/// The same, with what every workbook may unpack to.
fn check_within(bytes: &[u8], always: u64) -> Result<(), ReadError> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        return Ok(());
    };
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let most = size.saturating_mul(MAX_RATIO).clamp(always, MAX_UNPACKED);
    let mut total = 0;
    for index in 0..archive.len() {
        let Ok(part) = archive.by_index(index) else {
            continue;
        };
        // The reader finds no part whose name it can't read.
        let name = part.name().unwrap_or_default().to_ascii_lowercase();
        // One byte more than there may be shows that there are more.
        let length = count(part.take(most - total + 1), name.ends_with("xml"))?;
        total += length;
        if total > most {
            return Err(ReadError::Unpacked(most / (1024 * 1024)));
        }
        if name.ends_with("sharedstrings.xml") {
            let part = archive.by_index(index).ok();
            let declared = part.and_then(|part| declared_texts(part.take(length)));
            if declared.is_some_and(|texts| texts > length / SHORTEST) {
                return Err(ReadError::Damaged {
                    format: "XLSX",
                    detail: "it declares more texts than it has".to_owned(),
                });
            }
        }
    }
    Ok(())
}

/// How many bytes a part has; where it is damaged, it ends.
fn count(mut part: impl Read, is_xml: bool) -> Result<u64, ReadError> {
    let mut buffer = vec![0; 64 * 1024];
    let (mut total, mut text) = (0, 0);
    while let Ok(length @ 1..) = part.read(&mut buffer) {
        total += u64::try_from(length).unwrap_or(u64::MAX);
        if is_xml {
            text = longest(text, buffer.get(..length).unwrap_or_default())?;
        }
    }
    Ok(total)
}

/// The length of the text at the end of a piece that goes on after `before` bytes of one. None may be too long.
fn longest(before: usize, piece: &[u8]) -> Result<usize, ReadError> {
    let mut length = before;
    for (place, text) in piece.split(|byte| *byte == b'<').enumerate() {
        length = text.len() + if place == 0 { before } else { 0 };
        if length > MAX_TEXT {
            return Err(ReadError::LongText);
        }
    }
    Ok(length)
}

/// How many texts the list of texts says that it has: its reader makes room for so many at once.
fn declared_texts(part: impl Read) -> Option<u64> {
    let mut xml = quick_xml::Reader::from_reader(BufReader::new(part));
    // As the reader of workbooks is set.
    xml.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = xml.read_event_into(&mut buffer).ok()?;
        if matches!(event, Event::Eof) {
            return None;
        }
        if let Event::Start(tag) | Event::Empty(tag) = event
            && tag.local_name().as_ref() == "sst"
        {
            let mut attributes = tag.attributes();
            let mut attributes = attributes.with_checks(false).flatten();
            let count = attributes.find(|one| one.key.as_ref() == "uniqueCount")?;
            return count.value.parse().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::tabular::{Format, ReadOptions, Table};

    /// A workbook of a header and one text, which its list of texts holds between other bytes.
    fn workbook(texts: &[u8]) -> Vec<u8> {
        let mut book = rust_xlsxwriter::Workbook::new();
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "name").unwrap();
        sheet.write(1, 0, "text").unwrap();
        let made = book.save_to_buffer().unwrap();
        let mut archive = ZipArchive::new(Cursor::new(&made)).unwrap();
        let mut other = ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..archive.len() {
            let part = archive.by_index_raw(index).unwrap();
            if part.name().unwrap() == "xl/sharedStrings.xml" {
                let packed = SimpleFileOptions::default();
                drop(part);
                other.start_file("xl/sharedStrings.xml", packed).unwrap();
                other.write_all(texts).unwrap();
            } else {
                other.raw_copy_file(part).unwrap();
            }
        }
        other.finish().unwrap().into_inner()
    }

    fn read(texts: &[u8]) -> Result<Table, ReadError> {
        Table::read(&workbook(texts), Format::Xlsx, &ReadOptions::default())
    }

    fn list(count: &str, texts: &str) -> String {
        format!("<sst {count}><si><t>name</t></si><si><t>text</t></si>{texts}</sst>")
    }

    #[test]
    fn a_small_file_of_much_is_not_read() {
        assert_eq!(read(list("", "").as_bytes()).unwrap().len(), 1);
        let long = "<si><t>".to_owned() + &"x".repeat(MAX_TEXT) + "</t></si>";
        let refused = read(list("", &long).as_bytes());
        assert!(matches!(refused, Err(ReadError::LongText)), "{refused:?}");
        let many = workbook(list("", &"<si/>".repeat(1024 * 1024 / 5)).as_bytes());
        let refused = check_within(&many, 1024 * 1024);
        assert!(
            matches!(refused, Err(ReadError::Unpacked(1))),
            "{refused:?}"
        );
        assert!(check(&many).is_ok());
        let longest = "<si><t>".to_owned() + &"x".repeat(40_000) + "</t></si>";
        let text = list("", "").replace("<si><t>text</t></si>", &longest);
        let refused = read(text.as_bytes()).unwrap_err().to_string();
        assert!(
            refused.contains("row 2, name \"xxx") && refused.contains("32,767"),
            "{refused}"
        );
    }

    /// To make room for as many as are declared would end the program.
    #[test]
    fn what_a_workbook_declares_is_not_believed() {
        assert_eq!(
            read(list("uniqueCount=\"2\"", "").as_bytes())
                .unwrap()
                .len(),
            1
        );
        for count in [
            "uniqueCount='4000000000000'",
            "a=\"\" uniqueCount = \"099999999999999999\"",
        ] {
            let texts = format!("<!--<sst>--></x>{}", list(count, ""));
            let refused = read(texts.as_bytes());
            assert!(
                matches!(refused, Err(ReadError::Damaged { .. })),
                "{refused:?}"
            );
        }
    }
}
