//! Names that may be made to be mistaken for another's.

use crate::types::Name;

/// Whether letters that look like those of another script stand among letters of that other script,
/// such as a Cyrillic `а` in a Latin word. Chinese characters with Latin letters and digits are
/// usual, and so is a name wholly in one alphabet. The party is registered; a person looks at it.
pub(super) fn mixes_scripts(name: &Name) -> bool {
    let letters = || {
        name.as_str()
            .chars()
            .filter(|character| character.is_alphabetic())
    };
    let look_alikes = letters().filter(|letter| looks_like_latin(*letter)).count();
    let styled = letters().any(|letter| matches!(letter, '\u{1D400}'..='\u{1D7FF}'));
    styled || (look_alikes > 0 && look_alikes < letters().count())
}

/// Greek, Coptic, Cyrillic, Armenian, Cherokee and Lisu: the scripts with capitals like A, B, E, O.
fn looks_like_latin(letter: char) -> bool {
    matches!(letter,
        '\u{0370}'..='\u{058F}' | '\u{13A0}'..='\u{13FF}' | '\u{1C80}'..='\u{1C8F}'
        | '\u{1F00}'..='\u{1FFF}' | '\u{2C80}'..='\u{2DFF}' | '\u{A4D0}'..='\u{A4FF}'
        | '\u{A640}'..='\u{A69F}' | '\u{AB70}'..='\u{ABBF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_among_other_letters_are_noticed() {
        let mixes = |text: &str| mixes_scripts(&text.parse().unwrap());
        for usual in [
            "上海ABC科技有限公司",
            "Café 21 B.V.",
            "Сбербанк",
            "Ελλάδα 5",
            "123",
            "東京テック",
        ] {
            assert!(!mixes(usual), "{usual}");
        }
        for odd in [
            "Аpple 科技",
            "上海З科技有限公司",
            "Ηuawei",
            "𝐇uawei",
            "PayPаl",
        ] {
            assert!(mixes(odd), "{odd}");
        }
    }
}
