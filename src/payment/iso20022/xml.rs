//! XML as the messages of ISO 20022 use it: elements with text, one namespace, no document type.
//!
//! A file is read as it goes: elements that repeat are handed over one by one as they end, and are not kept, so a
//! statement of a year needs no more room than its longest entry.

use std::borrow::Cow;
use std::str;

use encoding_rs::{GB18030, UTF_16BE, UTF_16LE};
use quick_xml::NsReader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;

use super::MAX_BYTES;
use super::error::{FileError, Place};
use crate::types::{Currency, Day, Money, MoneyError};

/// No message nests deeper.
const MAX_DEPTH: usize = 40;
/// No text of a message is longer.
const MAX_TEXT: usize = 20_000;

/// An element of the message's namespace: its text, its children, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) place: Place,
    /// Attribute `Ccy` of an amount.
    pub(super) currency: Option<String>,
    pub(super) children: Vec<Element>,
    /// How many children of each name have ended or begun, those handed over among them.
    counts: Vec<(String, usize)>,
}

impl Element {
    /// The first child of a name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// What is found by going down these names, the first of each.
    pub(super) fn find(&self, path: &[&str]) -> Option<&Self> {
        path.iter()
            .try_fold(self, |element, name| element.child(name))
    }

    /// The text found by going down these names; `None` where there is none, or white space only.
    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.find(path).and_then(Self::filled)
    }

    /// The text without white space around it, if there is any.
    pub(super) fn filled(&self) -> Option<&str> {
        let text = self.text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// A child that must be there.
    pub(super) fn require(&self, name: &'static str) -> Result<&Self, FileError> {
        self.child(name).ok_or_else(|| self.missing(name))
    }

    /// The text of a child that must be there.
    pub(super) fn require_text(&self, name: &'static str) -> Result<&str, FileError> {
        self.require(name)?
            .filled()
            .ok_or_else(|| self.missing(name))
    }

    /// That something is not there.
    pub(super) fn missing(&self, missing: &'static str) -> FileError {
        let place = self.place.clone();
        FileError::Missing { place, missing }
    }

    /// That the text is not what it should be.
    pub(super) fn wrong(&self, problem: impl Into<String>) -> FileError {
        FileError::Text {
            place: self.place.clone(),
            text: self.text.trim().chars().take(40).collect(),
            problem: problem.into(),
        }
    }

    /// That figures contradict each other.
    pub(super) fn sums(&self, problem: impl Into<String>) -> FileError {
        let place = self.place.clone();
        FileError::Sums {
            place,
            problem: problem.into(),
        }
    }

    /// An amount of a currency, which its attribute names.
    pub(super) fn money(&self, currency: Currency) -> Result<Money, FileError> {
        match self.currency.as_deref() {
            Some(code) if code == currency.code() => self.decimal(currency),
            Some(code) => {
                Err(self.wrong(format!("is in {code}, the zone's books are in {currency}")))
            }
            None => Err(self.missing("attribute Ccy")),
        }
    }

    /// A sum, whose currency is that of the account: digits, and no more decimals than the currency has.
    pub(super) fn decimal(&self, currency: Currency) -> Result<Money, FileError> {
        decimal(self.text.trim(), currency).map_err(|problem| self.wrong(problem))
    }

    /// A number of things.
    pub(super) fn whole_number(&self) -> Result<usize, FileError> {
        let text = self.text.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let count = digits.then(|| text.parse().ok()).flatten();
        count.ok_or_else(|| self.wrong("is no number: write digits"))
    }

    /// A day, from an element that holds `Dt` or `DtTm`, or the text itself. Of a time, the day that is written counts:
    /// the bank books in its own time.
    pub(super) fn day(&self) -> Result<chrono::NaiveDate, FileError> {
        let element = self
            .child("Dt")
            .or_else(|| self.child("DtTm"))
            .unwrap_or(self);
        let text = element.text.trim();
        let day = text.split_once('T').map_or(text, |(day, _)| day);
        // A day may carry the offset of its time zone.
        let day = day.get(..10).unwrap_or(day);
        let parsed: Result<Day, _> = day.parse();
        parsed
            .map(Day::date)
            .map_err(|_| element.wrong("is no day: YYYY-MM-DD"))
    }
}

/// A decimal of XML Schema without sign, exact.
fn decimal(text: &str, currency: Currency) -> Result<Money, String> {
    let decimals = usize::try_from(currency.decimals()).unwrap_or(0);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
        return Err("is no amount: digits, with a point before the decimals".to_owned());
    }
    if fraction.len() > decimals {
        return Err(format!(
            "has more decimals than {currency}, which has {decimals}"
        ));
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let text = if decimals == 0 {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction:0<decimals$}")
    };
    Money::parse(&text, currency).map_err(|error: MoneyError| error.to_string())
}

/// Reads a file of a message. `prefix` begins the namespace of its root, `versions` end it; `repeated` are the names of
/// elements that are handed to `take` when they end, with the element around them as far as it was read, and dropped.
/// Returns the root.
pub(super) fn read(
    bytes: &[u8],
    (prefix, versions): (&str, &[&str]),
    repeated: &[&str],
    mut take: impl FnMut(&Element, &Element) -> Result<(), FileError>,
) -> Result<Element, FileError> {
    if bytes.len() > MAX_BYTES {
        return Err(FileError::TooLarge(bytes.len()));
    }
    let text = decode(bytes)?;
    let mut walk = Walk::new(&text);
    loop {
        match walk.next()? {
            Step::Began(found) if walk.open.len() == 1 => {
                check_namespace(&found, prefix, versions)?;
            }
            Step::Ended(element) => match walk.open.last_mut() {
                Some(around) if repeated.contains(&element.name.as_str()) => {
                    take(around, &element)?;
                }
                Some(around) => around.children.push(element),
                None => {
                    walk.finish()?;
                    return Ok(element);
                }
            },
            Step::Began(_) | Step::Other => {}
        }
    }
}

/// The namespace of a file's root: empty if it has none near its beginning. `None` if the file is no XML.
pub(super) fn namespace(bytes: &[u8]) -> Option<String> {
    // An even number of bytes, and a cut in the middle of a character is no damage here.
    let start = bytes.get(..bytes.len().min(4_096)).unwrap_or_default();
    let text = match start {
        [0xFF, 0xFE, rest @ ..] => UTF_16LE.decode_without_bom_handling(rest).0,
        [0xFE, 0xFF, rest @ ..] => UTF_16BE.decode_without_bom_handling(rest).0,
        _ => String::from_utf8_lossy(start),
    };
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    if !text.starts_with('<') {
        return None;
    }
    let mut reader = NsReader::from_str(text);
    loop {
        match reader.read_resolved_event() {
            Ok((ResolveResult::Bound(found), Event::Start(_) | Event::Empty(_))) => {
                return Some(found.as_ref().to_owned());
            }
            Ok((_, Event::Start(_) | Event::Empty(_) | Event::Eof)) | Err(_) => {
                return Some(String::new());
            }
            Ok(_) => {}
        }
    }
}

fn check_namespace(found: &str, prefix: &str, versions: &[&str]) -> Result<(), FileError> {
    let is_read = found
        .strip_prefix(prefix)
        .is_some_and(|version| versions.contains(&version));
    if is_read {
        return Ok(());
    }
    let (first, last) = (
        versions.first().unwrap_or(&""),
        versions.last().unwrap_or(&""),
    );
    Err(FileError::Namespace {
        found: found.chars().take(80).collect(),
        expected: format!("{prefix}{first} to {last}"),
    })
}

/// UTF-8; UTF-16 where a byte order mark says so; GB 18030 (with GBK and GB 2312 in it) where the XML declaration does.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, FileError> {
    for (mark, encoding) in [([0xFF, 0xFE], UTF_16LE), ([0xFE, 0xFF], UTF_16BE)] {
        if let Some(rest) = bytes.strip_prefix(&mark) {
            let text = encoding.decode_without_bom_handling_and_without_replacement(rest);
            return text.ok_or(FileError::Encoding("UTF-16"));
        }
    }
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(200)).unwrap_or_default());
    let declaration = start
        .split_once("?>")
        .map_or("", |(declaration, _)| declaration);
    let declared = declaration
        .split_once("encoding=")
        .map_or_else(String::new, |(_, rest)| {
            let name = rest.chars().skip(1).take_while(|c| *c != '"' && *c != '\'');
            name.collect::<String>().to_ascii_uppercase()
        });
    match declared.as_str() {
        "" | "UTF-8" | "UTF8" | "US-ASCII" => {
            let text = str::from_utf8(bytes).map_err(|_| FileError::Encoding("UTF-8"))?;
            Ok(Cow::Borrowed(text))
        }
        "GB18030" | "GBK" | "GB2312" => {
            let text = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
            text.ok_or(FileError::Encoding("GB18030"))
        }
        _ => Err(FileError::OtherEncoding(declared)),
    }
}

/// What the reader came by.
enum Step {
    /// An element began, of this namespace.
    Began(String),
    /// An element of the message ended.
    Ended(Element),
    /// Text, or what does not matter.
    Other,
}

struct Walk<'a> {
    reader: NsReader<&'a [u8]>,
    text: &'a str,
    /// Elements that have begun and not ended, the root first.
    open: Vec<Element>,
    /// How many elements of another namespace are open: they are passed over.
    foreign: usize,
    /// The namespace of the root.
    namespace: String,
    line: usize,
    counted: usize,
    /// An empty element ends where it begins.
    ends: bool,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            reader: NsReader::from_str(text),
            text,
            open: Vec::new(),
            foreign: 0,
            namespace: String::new(),
            line: 1,
            counted: 0,
            ends: false,
        }
    }

    /// The line that the reader has come to.
    fn line(&mut self) -> usize {
        let here = usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX);
        let passed = self
            .text
            .as_bytes()
            .get(self.counted..here)
            .unwrap_or_default();
        self.line += passed.split(|byte| *byte == b'\n').count() - 1;
        self.counted = here.max(self.counted);
        self.line
    }

    fn here(&mut self) -> Place {
        let line = self.line();
        let path = self
            .open
            .last()
            .map_or("the file", |element| &element.place.path);
        Place {
            path: path.to_owned(),
            line,
        }
    }

    fn next(&mut self) -> Result<Step, FileError> {
        if std::mem::take(&mut self.ends) {
            return Ok(self.end());
        }
        let (resolved, event) = match self.reader.read_resolved_event() {
            Ok((resolved, event)) => (bound(&resolved), event),
            Err(error) => {
                let is_cut = matches!(&error, quick_xml::Error::Syntax(_));
                let here = self.here();
                return Err(if is_cut {
                    FileError::Truncated(here)
                } else {
                    let (line, detail) = (here.line, error.to_string());
                    FileError::Malformed { line, detail }
                });
            }
        };
        match event {
            Event::Start(tag) => self.begin(&tag, resolved),
            Event::Empty(tag) => {
                let began = self.begin(&tag, resolved)?;
                self.ends = true;
                Ok(began)
            }
            Event::End(_) => Ok(self.end()),
            Event::Text(text) => self.add(&text.xml10_content()),
            Event::CData(text) => self.add(&text.xml10_content()),
            Event::GeneralRef(reference) => self.refer(&reference),
            Event::DocType(_) => Err(FileError::DocumentType(self.line())),
            Event::Eof => Err(FileError::Truncated(self.here())),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Ok(Step::Other),
        }
    }

    fn begin(&mut self, tag: &BytesStart<'_>, resolved: String) -> Result<Step, FileError> {
        if self.open.is_empty() {
            self.namespace.clone_from(&resolved);
        }
        if self.foreign > 0 || resolved != self.namespace {
            self.foreign += 1;
            return Ok(Step::Other);
        }
        let name = tag.local_name().as_ref().to_owned();
        let line = self.line();
        let path = match self.open.last_mut() {
            Some(around) => {
                // White space between children, as often as there are children, is no text.
                if around.text.trim().is_empty() {
                    around.text.clear();
                }
                let number = around.number(&name);
                if number == 1 {
                    format!("{}/{name}", around.place.path)
                } else {
                    format!("{}/{name}[{number}]", around.place.path)
                }
            }
            None => name.clone(),
        };
        let place = Place { path, line };
        if self.open.len() == MAX_DEPTH {
            return Err(FileError::Deep(place));
        }
        let currency = currency(tag, &place)?;
        self.open.push(Element {
            name,
            text: String::new(),
            place,
            currency,
            children: Vec::new(),
            counts: Vec::new(),
        });
        Ok(Step::Began(resolved))
    }

    fn end(&mut self) -> Step {
        if self.foreign > 0 {
            self.foreign -= 1;
            return Step::Other;
        }
        self.open.pop().map_or(Step::Other, Step::Ended)
    }

    /// Adds to the text of the element that is open.
    fn add(&mut self, text: &str) -> Result<Step, FileError> {
        if self.foreign > 0 {
            return Ok(Step::Other);
        }
        let before = self.open.last().map_or(0, |element| element.text.len());
        let problem = if self.open.is_empty() && !text.trim().is_empty() {
            Some("text outside of the message")
        } else if before + text.len() > MAX_TEXT {
            Some("a text longer than any message has")
        } else if text.chars().any(is_no_text) {
            Some("a control character")
        } else {
            None
        };
        if let Some(problem) = problem {
            let (line, detail) = (self.line(), problem.to_owned());
            return Err(FileError::Malformed { line, detail });
        }
        if let Some(element) = self.open.last_mut() {
            element.text.push_str(text);
        }
        Ok(Step::Other)
    }

    /// Adds a character that is written as a reference.
    fn refer(&mut self, reference: &BytesRef<'_>) -> Result<Step, FileError> {
        let name = reference.xml10_content().into_owned();
        let character = match name.as_str() {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            _ => reference.resolve_char_ref().ok().flatten(),
        };
        if let Some(character) = character {
            return self.add(character.encode_utf8(&mut [0; 4]));
        }
        let name = name.chars().take(40).collect();
        let place = self.here();
        Err(FileError::Entity { place, name })
    }

    /// Nothing may follow the message.
    fn finish(&mut self) -> Result<(), FileError> {
        loop {
            let line = self.line();
            let extra = || FileError::Malformed {
                line,
                detail: "something follows the message".to_owned(),
            };
            match self.reader.read_event() {
                Ok(Event::Eof) => return Ok(()),
                Ok(Event::Comment(_) | Event::PI(_)) => {}
                Ok(Event::Text(text)) if text.xml10_content().trim().is_empty() => {}
                Ok(_) | Err(_) => return Err(extra()),
            }
        }
    }
}

impl Element {
    /// The number of another child of a name, from 1.
    fn number(&mut self, name: &str) -> usize {
        if let Some((_, count)) = self.counts.iter_mut().find(|(known, _)| known == name) {
            *count += 1;
            return *count;
        }
        self.counts.push((name.to_owned(), 1));
        1
    }
}

/// What XML 1.0 has no place for, even as a reference.
fn is_no_text(character: char) -> bool {
    matches!(character, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}

fn bound(resolved: &ResolveResult<'_>) -> String {
    match resolved {
        ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
        ResolveResult::Unbound | ResolveResult::Unknown(_) => String::new(),
    }
}

/// The attribute `Ccy`; other attributes are not read, but have to be well-formed.
fn currency(tag: &BytesStart<'_>, place: &Place) -> Result<Option<String>, FileError> {
    let malformed = |detail: String| FileError::Malformed {
        line: place.line,
        detail,
    };
    let mut found = None;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|error| malformed(error.to_string()))?;
        if attribute.key.as_ref() == "Ccy" {
            found = Some(attribute.value.into_owned());
        } else if attribute.value.contains('&') {
            let names = attribute
                .value
                .split('&')
                .skip(1)
                .filter_map(|rest| rest.split(';').next());
            let foreign = names.into_iter().find(|name| {
                !matches!(*name, "lt" | "gt" | "amp" | "apos" | "quot") && !name.starts_with('#')
            });
            if let Some(name) = foreign {
                let name = name.chars().take(40).collect();
                let place = place.clone();
                return Err(FileError::Entity { place, name });
            }
        }
    }
    Ok(found)
}
