//! What a document is, by its bytes: which kinds are kept, and why another is not. Nothing is unpacked but the list of
//! contents of an office document. Pure but for the reader.

use std::fmt;
use std::io::{self, BufReader, Read, Seek};
use std::str::FromStr;

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use serde::{Deserialize, Serialize};
use sha2::Digest;

use crate::policy::Sha256;

/// The most bytes that a document may have unless the office sets another limit: 20 MiB.
pub const DEFAULT_LIMIT: u64 = 20 * 1024 * 1024;
/// The most pixels that an image may have (of a TIFF, its first page): an A3 page scanned at 600 dpi has 70 million. What a
/// viewer makes of more may take all memory of a reviewer's machine.
pub const MAX_PIXELS: u64 = 100_000_000;
/// How much of a document is looked at for its first bytes.
const HEAD: u64 = 8 * 1024;
/// The most bytes of an office document's list of content types.
const MAX_CONTENT_TYPES: u64 = 1024 * 1024;

macro_rules! media_types {
    ($($(#[$doc:meta])* $kind:ident $text:literal,)+) => {
        /// A kind of document that is kept.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum MediaType { $($(#[$doc])* #[serde(rename = $text)] $kind,)+ }

        impl MediaType {
            /// Every kind.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$kind),+];

            /// As it is written (RFC 6838).
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $text,)+ }
            }
        }
    };
}

media_types! {
    /// PDF (ISO 32000).
    Pdf "application/pdf",
    /// JPEG.
    Jpeg "image/jpeg",
    /// PNG.
    Png "image/png",
    /// TIFF.
    Tiff "image/tiff",
    /// OFD (GB/T 33190), the layout of electronic invoices.
    Ofd "application/ofd",
    /// A text document of an office program (OOXML), without macros.
    Docx "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    /// A workbook (OOXML), without macros.
    Xlsx "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    /// Plain XML, such as an electronic invoice.
    Xml "application/xml",
}

impl MediaType {
    /// By how it is written.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A text that names no kind of document that is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{named:?} is no kind of document that is kept: {}", MediaType::ALL.map(MediaType::as_str).join(", "))]
pub struct NotAMediaType {
    named: String,
}

impl FromStr for MediaType {
    type Err = NotAMediaType;

    fn from_str(text: &str) -> Result<Self, NotAMediaType> {
        Self::named(text).ok_or_else(|| NotAMediaType {
            named: text.chars().take(80).collect(),
        })
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A document that may be kept, by what its bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// How many bytes it has.
    pub bytes: u64,
    /// What it is.
    pub media_type: MediaType,
    /// Its name: the SHA-256 of its bytes.
    pub sha256: Sha256,
}

impl Document {
    /// Refuses a document that is not what was said of it.
    pub fn require(
        &self,
        media_type: Option<MediaType>,
        sha256: Option<Sha256>,
    ) -> Result<(), Unfit> {
        if let Some(declared) = media_type.filter(|declared| *declared != self.media_type) {
            let found = self.media_type;
            return Err(Unfit::Declared { declared, found });
        }
        if let Some(declared) = sha256.filter(|declared| *declared != self.sha256) {
            let found = self.sha256;
            return Err(Unfit::Digest { declared, found });
        }
        Ok(())
    }
}

/// Why a document is not kept.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It has no bytes.
    #[error("the document is empty: add the document itself")]
    Empty,
    /// It has too many bytes.
    #[error(
        "the document has more than {0} bytes, the most that one may have: scan it with fewer dots, or have the office set \
         another limit (SUBSIDY_LEDGER_EVIDENCE_LIMIT)"
    )]
    TooLarge(u64),
    /// It is of a kind that is not kept.
    #[error(
        "the document is {0}, whatever its name says: PDF, JPEG, PNG, TIFF, OFD, DOCX, XLSX and plain XML are kept; save it \
         as one of them"
    )]
    Kind(String),
    /// It is not what it begins like.
    #[error("the document begins like {kind}, but is damaged: {why}")]
    Damaged {
        /// What it begins like.
        kind: MediaType,
        /// What is wrong.
        why: String,
    },
    /// An image with too many pixels.
    #[error(
        "the image has {width} by {height} pixels, more than {MAX_PIXELS} together: scan it with fewer dots"
    )]
    Pixels {
        /// Across.
        width: usize,
        /// Down.
        height: usize,
    },
    /// It is something else than was said.
    #[error(
        "the document was said to be {declared}, and is {found}: say --media-type {found}, or bring the right one"
    )]
    Declared {
        /// What it was said to be.
        declared: MediaType,
        /// What it is.
        found: MediaType,
    },
    /// Its bytes are others than was said.
    #[error(
        "the document was said to have the SHA-256 {declared}, and has {found}: bring the one that was meant"
    )]
    Digest {
        /// What was said.
        declared: Sha256,
        /// What it has.
        found: Sha256,
    },
    /// It can't be read.
    #[error("the document can't be read")]
    Io(#[from] io::Error),
}

/// Reads a document once for its hash and length, and as far as needed for what it is.
pub fn inspect(document: &mut (impl Read + Seek), limit: u64) -> Result<Document, Unfit> {
    let (bytes, sha256) = digest(&mut document.by_ref().take(limit.saturating_add(1)))?;
    if bytes == 0 {
        return Err(Unfit::Empty);
    }
    if bytes > limit {
        return Err(Unfit::TooLarge(limit));
    }
    document.rewind()?;
    let mut head = Vec::new();
    document.by_ref().take(HEAD).read_to_end(&mut head)?;
    document.rewind()?;
    Ok(Document {
        bytes,
        media_type: kind(document, &head)?,
        sha256,
    })
}

/// The length and the hash of what a reader gives.
fn digest(reader: &mut impl Read) -> io::Result<(u64, Sha256)> {
    struct Hash(sha2::Sha256);
    impl io::Write for Hash {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hash = Hash(sha2::Sha256::new());
    let bytes = io::copy(reader, &mut hash)?;
    Ok((bytes, Sha256::from_bytes(hash.0.finalize().into())))
}

fn kind(document: &mut (impl Read + Seek), head: &[u8]) -> Result<MediaType, Unfit> {
    const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";
    let text = head
        .strip_prefix(UTF8_MARK)
        .unwrap_or(head)
        .trim_ascii_start();
    if head.starts_with(b"%PDF-") {
        Ok(MediaType::Pdf)
    } else if head.starts_with(b"\xFF\xD8\xFF") {
        image(document, MediaType::Jpeg)
    } else if head.starts_with(b"\x89PNG\r\n\x1A\n") {
        image(document, MediaType::Png)
    } else if head.starts_with(b"II*\0") || head.starts_with(b"MM\0*") {
        image(document, MediaType::Tiff)
    } else if head.starts_with(b"PK\x03\x04") {
        archive(document)
    } else if text.starts_with(b"<") {
        xml(document)
    } else {
        Err(Unfit::Kind(looks_like(head)))
    }
}

/// What other bytes look like, in words.
fn looks_like(head: &[u8]) -> String {
    match infer::get(head) {
        Some(kind) => format!("of the type {}", kind.mime_type()),
        None => "of no known type".to_owned(),
    }
}

fn image(document: &mut (impl Read + Seek), kind: MediaType) -> Result<MediaType, Unfit> {
    let size =
        imagesize::reader_size(BufReader::new(document)).map_err(|error| Unfit::Damaged {
            kind,
            why: error.to_string(),
        })?;
    let (width, height) = (size.width, size.height);
    let pixels = u64::try_from(width.saturating_mul(height)).unwrap_or(u64::MAX);
    if pixels > MAX_PIXELS {
        return Err(Unfit::Pixels { width, height });
    }
    Ok(kind)
}

/// An office document is an archive with a list of what its parts are; an OFD is one with `OFD.xml`.
fn archive(document: &mut (impl Read + Seek)) -> Result<MediaType, Unfit> {
    let unfit = |what: &str| Unfit::Kind(what.to_owned());
    let mut archive = zip::ZipArchive::new(document).map_err(|_| unfit("a damaged ZIP archive"))?;
    // A name that can't be read is none of those that are looked for.
    let has_macros = archive
        .file_names()
        .flatten()
        .any(|name| name.to_lowercase().ends_with("vbaproject.bin"));
    if has_macros {
        return Err(unfit("an office document with macros"));
    }
    if archive.index_for_name("OFD.xml").is_some() {
        return Ok(MediaType::Ofd);
    }
    let Ok(list) = archive.by_name("[Content_Types].xml") else {
        return Err(unfit("a ZIP archive"));
    };
    let mut types = Vec::new();
    list.take(MAX_CONTENT_TYPES).read_to_end(&mut types)?;
    let types = String::from_utf8_lossy(&types).to_lowercase();
    if types.contains("macroenabled") || types.contains("vbaproject") {
        Err(unfit("an office document with macros"))
    } else if types.contains("wordprocessingml.document.main+xml") {
        Ok(MediaType::Docx)
    } else if types.contains("spreadsheetml.sheet.main+xml") {
        Ok(MediaType::Xlsx)
    } else {
        Err(unfit("an office document of another kind"))
    }
}

/// XML that is data only: well-formed, and nothing that a browser or an office program would show or run.
fn xml(document: &mut (impl Read + Seek)) -> Result<MediaType, Unfit> {
    let mut reader = NsReader::from_reader(BufReader::new(document));
    let mut buffer = Vec::new();
    let (mut depth, mut is_rooted) = (0_usize, false);
    loop {
        buffer.clear();
        let event = reader
            .read_event_into(&mut buffer)
            .map_err(|error| damaged(&error.to_string()))?;
        match event {
            Event::DocType(_) => {
                return Err(Unfit::Kind(
                    "XML or HTML with a document type declaration".to_owned(),
                ));
            }
            Event::PI(instruction)
                if ["xml-stylesheet", "mso-application"].contains(&instruction.target()) =>
            {
                return Err(Unfit::Kind("XML for another program to show".to_owned()));
            }
            Event::Start(element) | Event::Empty(element) if depth == 0 && is_rooted => {
                let name = element.name();
                let name = name.as_ref();
                return Err(damaged(&format!("{name} follows its end")));
            }
            Event::Start(element) => {
                data_only(&reader, &element)?;
                (depth, is_rooted) = (depth.saturating_add(1), true);
            }
            Event::Empty(element) => {
                data_only(&reader, &element)?;
                is_rooted = true;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth == 0 && is_rooted => return Ok(MediaType::Xml),
            Event::Eof => return Err(damaged("it ends before its elements do")),
            Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

fn damaged(why: &str) -> Unfit {
    Unfit::Damaged {
        kind: MediaType::Xml,
        why: why.to_owned(),
    }
}

/// Refuses an element of a page or a picture, wherever it stands.
fn data_only<R>(reader: &NsReader<R>, element: &BytesStart<'_>) -> Result<(), Unfit> {
    let (space, name) = reader.resolver().resolve_element(element.name());
    let is_in =
        |wanted: &str| matches!(space, ResolveResult::Bound(found) if found.as_ref() == wanted);
    let is_named = |wanted: &str| name.as_ref().eq_ignore_ascii_case(wanted);
    if is_in("http://www.w3.org/2000/svg") || is_named("svg") {
        Err(Unfit::Kind("an SVG image, or has one".to_owned()))
    } else if is_in("http://www.w3.org/1999/xhtml") || is_named("html") || is_named("script") {
        Err(Unfit::Kind("an HTML page, or has one".to_owned()))
    } else {
        Ok(())
    }
}
