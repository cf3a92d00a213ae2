//! The unified social credit code of legal persons in China, GB 32100-2015.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The 31 characters of the standard: digits and capitals without I, O, S, V and Z.
const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// A unified social credit code of 18 characters whose check character is right.
///
/// Some codes in real use fail the check (worked case E11). Those are never of this type: a party gets
/// one only through an override that two persons record with evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Uscc(String);

/// Why a text is no unified social credit code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsccError {
    /// Not 18 characters.
    #[error("a unified social credit code has 18 characters, this has {0}")]
    Length(usize),
    /// Small letters; the standard has capitals only.
    #[error("a unified social credit code is written in capitals: use {0}")]
    LowerCase(String),
    /// A character outside the standard's 31.
    #[error(
        "{character:?} at position {position} can't be in a unified social credit code: \
         only digits and capital letters without I, O, S, V, Z"
    )]
    Alphabet {
        /// The character.
        character: char,
        /// Where it stands, counted from 1.
        position: usize,
    },
    /// The last character does not follow from the others.
    #[error(
        "the check character is {found}, computed {expected}: a digit is mistyped, or the code needs \
         a recorded override by two persons with the licence as evidence"
    )]
    Check {
        /// What the standard's formula gives.
        expected: char,
        /// What the text has.
        found: char,
    },
}

impl Uscc {
    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Completes the first 17 characters with their check character.
    pub fn with_check(first_17: &str) -> Result<Self, UsccError> {
        let values = values(first_17, 17)?;
        Ok(Self(format!("{first_17}{}", check_character(&values))))
    }
}

/// Alphabet positions of `text`, which must have `length` characters.
fn values(text: &str, length: usize) -> Result<Vec<u8>, UsccError> {
    let count = text.chars().count();
    if count != length {
        return Err(UsccError::Length(count));
    }
    let value = |character: char| {
        ALPHABET
            .iter()
            .zip(0_u8..)
            .find(|(letter, _)| char::from(**letter) == character)
    };
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        let capitals = text.to_ascii_uppercase();
        if capitals.chars().all(|character| value(character).is_some()) {
            return Err(UsccError::LowerCase(capitals));
        }
    }
    text.chars()
        .enumerate()
        .map(|(index, character)| {
            let position = index + 1;
            let found = value(character).map(|(_, value)| value);
            found.ok_or(UsccError::Alphabet {
                character,
                position,
            })
        })
        .collect()
}

/// GB 32100-2015: weights 3^(i-1) mod 31, check value (31 - sum mod 31) mod 31.
fn check_character(first_17: &[u8]) -> char {
    let mut weight = 1_u32;
    let mut sum = 0_u32;
    for value in first_17.iter().take(17) {
        sum += u32::from(*value) * weight;
        weight = weight * 3 % 31;
    }
    let check = (31 - sum % 31) % 31;
    let letter = usize::try_from(check)
        .ok()
        .and_then(|index| ALPHABET.get(index));
    char::from(*letter.expect("BUG: a number modulo 31 indexes 31 characters"))
}

impl FromStr for Uscc {
    type Err = UsccError;

    fn from_str(text: &str) -> Result<Self, UsccError> {
        let values = values(text, 18)?;
        let expected = check_character(&values);
        let found = text.chars().last().unwrap_or(' ');
        if found == expected {
            Ok(Self(text.to_owned()))
        } else {
            Err(UsccError::Check { expected, found })
        }
    }
}

impl TryFrom<String> for Uscc {
    type Error = UsccError;

    fn try_from(text: String) -> Result<Self, UsccError> {
        text.parse()
    }
}

impl From<Uscc> for String {
    fn from(code: Uscc) -> Self {
        code.0
    }
}

impl fmt::Display for Uscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Worked case E10.
    #[test]
    fn valid_codes() {
        let valid = [
            "91350100M000100Y43",
            "914403001922038216",
            "9144030071526726XG",
            "91100000100003962T",
            "9144030010001686XA",
            "91440300192317458F",
            "91440400192548256N",
            "91310115710939629R",
            "9144030027939873X7",
            "91330000733796106P",
            "91000000MA00000900",
            "91000000MA0000277Y",
        ];
        for code in valid {
            assert_eq!(code.parse::<Uscc>().unwrap().as_str(), code);
        }
    }

    #[test]
    fn refused_codes_say_what_is_wrong() {
        let refusal = |text: &str| text.parse::<Uscc>().unwrap_err();
        assert_eq!(
            refusal("914403001922038217"),
            UsccError::Check {
                expected: '6',
                found: '7'
            }
        );
        assert_eq!(
            refusal("914403001922o38216"),
            UsccError::Alphabet {
                character: 'o',
                position: 13
            }
        );
        assert_eq!(
            refusal("914403001922O38216"),
            UsccError::Alphabet {
                character: 'O',
                position: 13
            }
        );
        assert_eq!(
            refusal("9144030071526726xg"),
            UsccError::LowerCase("9144030071526726XG".into())
        );
        assert_eq!(
            refusal("91350211M0000XUF46"),
            UsccError::Check {
                expected: 'R',
                found: '6'
            }
        );
        assert_eq!(refusal("91440300192203821"), UsccError::Length(17));
        assert_eq!(refusal("914403001922038216\n"), UsccError::Length(19));
        assert!(matches!(
            refusal("９１４４０３００１９２２０３８２１６"),
            UsccError::Alphabet { .. }
        ));
        assert!(matches!(
            refusal("91440300192203З216"),
            UsccError::Alphabet {
                character: 'З', ..
            }
        ));
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_found(
            stem in "[0-9A-HJ-NP-RT-UW-Y]{17}", at in 0_usize..18, other in "[0-9A-HJ-NP-RT-UW-Y]"
        ) {
            let code = Uscc::with_check(&stem).unwrap();
            let mut text: Vec<char> = code.as_str().chars().collect();
            let other = other.chars().next().unwrap();
            prop_assume!(text[at] != other);
            text[at] = other;
            prop_assert!(text.into_iter().collect::<String>().parse::<Uscc>().is_err());
        }

        #[test]
        fn any_text_is_an_answer(text in "\\PC*") {
            let _ = text.parse::<Uscc>();
        }
    }
}
