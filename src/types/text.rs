//! Text that people type, parsed once: names, codes and reasons.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Why a text was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Too many characters.
    #[error("has {length} characters, at most {limit} are allowed")]
    TooLong {
        /// How many it has.
        length: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A character that can't be seen or that changes the order of others.
    #[error("contains the invisible or control character U+{0:04X}: remove it")]
    Invisible(u32),
    /// A code with characters outside its alphabet.
    #[error(
        "{0:?} is not a code: use 1 to 32 capital letters, digits and hyphens, such as SH-2020"
    )]
    Code(String),
}

/// How much of a text a message repeats: more than a SHA-256 has digits.
const LONGEST_EXCERPT: usize = 80;

/// What a message repeats of a text that somebody typed: all of it, or its first 80 characters and `…`.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST_EXCERPT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// A text for a terminal: what neither stands there nor may steer it (control and bidirectional formatting characters) is
/// written as `\u{202e}`. Lines and columns stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    let steers = |character| is_invisible(character) && !matches!(character, '\n' | '\t');
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// A single line for people: trimmed, in Unicode normal form C, without control, zero-width and
/// bidirectional formatting characters.
fn line(text: &str, limit: usize) -> Result<String, TextError> {
    let normal: String = text.trim().nfc().collect();
    if normal.is_empty() {
        return Err(TextError::Empty);
    }
    if let Some(bad) = normal.chars().find(|character| is_invisible(*character)) {
        return Err(TextError::Invisible(u32::from(bad)));
    }
    let length = normal.chars().count();
    if length > limit {
        return Err(TextError::TooLong { length, limit });
    }
    Ok(normal)
}

/// Controls, zero-width characters, byte order mark, bidirectional overrides and isolates.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{180E}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{E0000}'..='\u{E007F}')
}

macro_rules! parsed_text {
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                let parse: fn(&str) -> Result<String, TextError> = $parse;
                parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

parsed_text!(
    /// The name of a party, person, programme or project: one line of 1 to 200 characters.
    Name,
    |text| line(text, 200)
);

/// What names have in common that people read as one: `N1`, `n1`, a full-width `Ｎ１`, and `N1` with more spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Alike(String);

impl Name {
    /// What is compared where two spellings must not pass for two things: compatibility forms (NFKC, Unicode annex 15),
    /// without capitals, spaces collapsed. The function `ledger.alike` of the database does the same for Latin letters.
    pub fn alike(&self) -> Alike {
        let compatible: String = self.0.nfkc().collect();
        // By way of capitals, so that ß is ss, too.
        let folded = compatible.to_uppercase().to_lowercase();
        Alike(folded.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

parsed_text!(
    /// Why somebody did something: one line of 1 to 1,000 characters.
    Reason,
    |text| line(text, 1_000)
);

parsed_text!(
    /// A short code that addresses a zone or a programme: 1 to 32 of `A-Z`, `0-9` and `-`,
    /// beginning and ending with a letter or digit.
    Code,
    |text| {
        let inner = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=32).contains(&text.len())
            && text.bytes().all(inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if fits { Ok(text.to_owned()) } else { Err(TextError::Code(excerpt(text))) }
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_visible_line_in_normal_form() {
        assert_eq!(
            "  上海某某科技有限公司 ".parse::<Name>().unwrap().as_str(),
            "上海某某科技有限公司"
        );
        assert_eq!(
            "Cafe\u{301}".parse::<Name>().unwrap(),
            "Café".parse().unwrap()
        );
        assert_eq!(
            "'; DROP TABLE party; --".parse::<Name>().unwrap().as_str(),
            "'; DROP TABLE party; --"
        );
        for bad in [
            "a\u{0}b",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{200B}b",
            "a\u{FEFF}b",
            "a\nb",
        ] {
            assert!(
                matches!(bad.parse::<Name>(), Err(TextError::Invisible(_))),
                "{bad:?}"
            );
        }
        assert_eq!(" \t".parse::<Name>(), Err(TextError::Empty));
        assert!("名".repeat(200).parse::<Name>().is_ok());
        assert_eq!(
            "名".repeat(201).parse::<Name>(),
            Err(TextError::TooLong {
                length: 201,
                limit: 200
            })
        );
    }

    #[test]
    fn a_message_repeats_so_many_characters_of_a_text() {
        let whole = "名".repeat(80);
        assert_eq!(excerpt(&whole), whole);
        assert_eq!(excerpt(&format!("{whole}x")), format!("{whole}…"));
    }

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(visible("光电\tA\nB"), "光电\tA\nB");
        assert_eq!(visible("a\u{202e}b\u{1b}[2J"), "a\\u{202e}b\\u{1b}[2J");
    }

    #[test]
    fn names_that_people_read_as_one_are_alike() {
        let alike = |text: &str| text.parse::<Name>().unwrap().alike();
        for other in ["n1 b", "Ｎ１ Ｂ", "N1  b", "n1\u{3000}B"] {
            assert_eq!(alike("N1 B"), alike(other), "{other}");
        }
        assert_eq!(alike("Straße ΟΔΟΣ"), alike("STRASSE οδοσ"));
        for other in ["N1B", "N1-B", "N2 B", "ＮI B"] {
            assert_ne!(alike("N1 B"), alike(other), "{other}");
        }
    }

    #[test]
    fn codes_have_one_spelling() {
        assert!("SH-2020".parse::<Code>().is_ok());
        for bad in [
            "",
            "sh-2020",
            "-SH",
            "SH-",
            "SH 2020",
            "ＳＨ",
            &"A".repeat(33),
        ] {
            assert!(
                matches!(bad.parse::<Code>(), Err(TextError::Code(_))),
                "{bad:?}"
            );
        }
    }
}
