//! Bytes to characters. UTF-8 is the rule; GB18030 is what Excel writes on a Chinese desktop.

use std::borrow::Cow;

use serde::Deserialize;

use super::ReadError;

/// How characters are written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// GB 18030, which contains GBK and GB 2312.
    #[serde(rename = "gb18030", alias = "gbk", alias = "gb2312")]
    Gb18030,
}

impl std::str::FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Ok(Self::Utf8),
            "gb18030" | "gbk" | "gb2312" => Ok(Self::Gb18030),
            _ => Err(format!("unknown encoding {text:?}: use utf-8 or gb18030")),
        }
    }
}

/// Decodes without ever replacing a character, and says what it assumed.
pub(super) fn decode(
    bytes: &[u8],
    declared: Option<Encoding>,
) -> Result<(Cow<'_, str>, &'static str), ReadError> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(ReadError::Utf16);
    }
    if bytes.contains(&0) {
        return Err(ReadError::Binary);
    }
    let (bytes, marked) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    if declared == Some(Encoding::Gb18030) {
        let text = gb18030(bytes).ok_or_else(|| ReadError::Encoding {
            encoding: "GB18030",
            line: first_bad_line(bytes),
        })?;
        return Ok((text, "GB18030, as declared"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((Cow::Borrowed(text), "UTF-8")),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            if marked || declared.is_some() || has_chinese(valid) {
                return Err(ReadError::Encoding {
                    encoding: "UTF-8",
                    line: lines(valid),
                });
            }
            let assumed = "GB18030, assumed because it is not valid UTF-8";
            let text = gb18030(bytes).ok_or_else(|| ReadError::NeitherEncoding {
                utf8_line: lines(valid),
                gb18030_line: first_bad_line(bytes),
            })?;
            Ok((text, assumed))
        }
    }
}

/// Whether text before the first bad byte is Chinese in UTF-8: then the file is damaged UTF-8, not
/// another encoding, in which those bytes would hardly ever form ideographs.
fn has_chinese(valid: &[u8]) -> bool {
    std::str::from_utf8(valid).is_ok_and(|text| {
        text.chars()
            .any(|character| matches!(character, '\u{4E00}'..='\u{9FFF}'))
    })
}

fn gb18030(bytes: &[u8]) -> Option<Cow<'_, str>> {
    encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes)
}

/// A line feed is never part of a longer character in GB18030, so lines can be tried one by one.
fn first_bad_line(bytes: &[u8]) -> usize {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let bad = lines.position(|line| gb18030(line).is_none());
    bad.map_or(1, |index| index + 1)
}

/// The number of the line on which these bytes end.
fn lines(bytes: &[u8]) -> usize {
    bytes.split(|byte| *byte == b'\n').count()
}
