//! Which of the two languages a page is in.

use axum::http::{HeaderMap, header};
use serde::Deserialize;

/// A page's language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Language {
    /// Chinese, the default.
    Zh,
    /// English.
    En,
}

impl Language {
    /// As `lang` attributes and `Content-Language` have it (BCP 47).
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// As the query has it.
    pub(super) const fn parameter(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// The one asked for, or else the first that `Accept-Language` wants, or else Chinese.
    pub(super) fn choose(asked: Option<Self>, headers: &HeaderMap) -> Self {
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        asked.or_else(|| wanted(accepted)).unwrap_or(Self::Zh)
    }
}

/// The language of ours with the highest quality value (RFC 9110 §12.5.4); the first of equals.
fn wanted(accepted: &str) -> Option<Language> {
    let mut best: Option<(u16, Language)> = None;
    for range in accepted.split(',') {
        let (tag, parameter) = range.split_once(';').unwrap_or((range, "q=1"));
        let language = match tag.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("zh") => Language::Zh,
            Some("en") => Language::En,
            _ => continue,
        };
        let quality = thousandths(parameter.trim().strip_prefix("q=").unwrap_or("0"));
        if quality > best.map_or(0, |(quality, _)| quality) {
            best = Some((quality, language));
        }
    }
    best.map(|(_, language)| language)
}

/// A quality value, 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{fraction:0<3}");
    match (
        whole,
        digits
            .get(..3)
            .and_then(|digits| digits.parse::<u16>().ok()),
    ) {
        ("1", _) => 1_000,
        ("0", Some(thousandths)) => thousandths,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_wanted_language_wins_and_chinese_is_the_default() {
        for (accepted, expected) in [
            ("", None),
            ("de-DE,fr;q=0.9", None),
            ("en-GB,en;q=0.9", Some(Language::En)),
            ("zh-CN,zh;q=0.9,en;q=0.8", Some(Language::Zh)),
            ("de,en;q=0.3,zh-TW;q=0.35", Some(Language::Zh)),
            ("en;q=0,zh;q=0.1", Some(Language::Zh)),
            ("*;q=0.5, EN ;q=1.0", Some(Language::En)),
            ("中文;;q=,,", None),
        ] {
            assert_eq!(wanted(accepted), expected, "{accepted}");
        }
        let none = HeaderMap::new();
        assert_eq!(Language::choose(None, &none), Language::Zh);
        assert_eq!(Language::choose(Some(Language::En), &none), Language::En);
    }
}
