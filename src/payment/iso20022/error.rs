//! What is wrong with a file of the bank, and where.

use std::fmt;

use super::MAX_BYTES;

/// An element of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Names from the root on, with the number of each among its likes where it may be repeated.
    pub path: String,
    /// The line where it begins, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, {}", self.line, self.path)
    }
}

/// Why a file of the bank was not read. Nothing of it is taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// More bytes than are read.
    #[error(
        "the file has {0} bytes, at most {MAX_BYTES} are read: ask the bank for one file a day"
    )]
    TooLarge(usize),
    /// Bytes that the encoding does not have.
    #[error(
        "the file is not valid {0}: it is damaged, or its XML declaration names another encoding than its own"
    )]
    Encoding(&'static str),
    /// An encoding that is not read.
    #[error(
        "the XML declaration says that the file is in {0}: UTF-8, UTF-16, GB18030, GBK and GB2312 are read"
    )]
    OtherEncoding(String),
    /// The end came too early.
    #[error("the file ends inside {0}: it is cut off; fetch it from the bank again")]
    Truncated(Place),
    /// No XML.
    #[error(
        "line {line} is not well-formed XML ({detail}): the file is damaged; fetch it from the bank again"
    )]
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What the reader says.
        detail: String,
    },
    /// A document type, which no message has.
    #[error(
        "line {0} has a document type (DOCTYPE): no message of ISO 20022 has one; the file is refused unread"
    )]
    DocumentType(usize),
    /// An entity that XML does not have of itself.
    #[error("{place} has the entity &{name};: only &lt; &gt; &amp; &apos; and &quot; are read")]
    Entity {
        /// Where.
        place: Place,
        /// Which.
        name: String,
    },
    /// Elements within elements beyond what any message has.
    #[error("{0} is nested too deeply for a message of ISO 20022")]
    Deep(Place),
    /// Another message, or a version of it that is not read.
    #[error("the file is {found:?}: {expected} is read here")]
    Namespace {
        /// The namespace of its root.
        found: String,
        /// What would be read.
        expected: String,
    },
    /// An element that must be there is not.
    #[error("{place} has no {missing}: the bank has to say it")]
    Missing {
        /// The element that should have it.
        place: Place,
        /// What is missing.
        missing: &'static str,
    },
    /// A text that is not what its element holds.
    #[error("{place} is {text:?}: {problem}")]
    Text {
        /// Where.
        place: Place,
        /// The text as it came.
        text: String,
        /// What it should be.
        problem: String,
    },
    /// Figures that contradict each other.
    #[error("{place}: {problem}; the file is damaged or was changed: fetch it from the bank again")]
    Sums {
        /// Where.
        place: Place,
        /// Which figures.
        problem: String,
    },
}
