//! Whether JSON is written in the one way that RFC 8785 allows, for the subset that entries use: keys in
//! ASCII, whole numbers up to 2^53 - 1. A scan of the text, without building values.

/// Where a JSON text leaves the canonical form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {what}")]
pub struct NotCanonical {
    /// Offset in the text that was scanned.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// Deeper values are refused: no command writes them, and the scan recurses.
const MAX_DEPTH: u32 = 128;

/// 2^53 - 1, the largest whole number that every reader keeps exactly (RFC 8785 §3.2.2.3).
const MAX_SAFE_INTEGER: u64 = 9_007_199_254_740_991;

/// Checks that a text is exactly one canonical value.
pub fn check(json: &str) -> Result<(), NotCanonical> {
    let mut scan = Scan { text: json, at: 0 };
    scan.value(0)?;
    if scan.at == json.len() {
        Ok(())
    } else {
        Err(scan.wrong("more than one value"))
    }
}

/// The canonical form of a text that has everything of it but the order of fields.
pub fn sorted(json: &str) -> Result<String, NotCanonical> {
    let mut scan = Scan { text: json, at: 0 };
    let mut out = String::with_capacity(json.len());
    scan.sort(&mut out, 0)?;
    if scan.at != json.len() {
        return Err(scan.wrong("more than one value"));
    }
    Ok(out)
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn wrong(&self, what: &'static str) -> NotCanonical {
        NotCanonical { at: self.at, what }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), NotCanonical> {
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.wrong(what))
        }
    }

    fn value(&mut self, depth: u32) -> Result<(), NotCanonical> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'{') if depth < MAX_DEPTH => self.object(depth + 1),
            Some(b'[') if depth < MAX_DEPTH => self.array(depth + 1),
            Some(b'{' | b'[') => Err(self.wrong("nested too deeply")),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<(), NotCanonical> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let word = ["true", "false", "null"]
            .into_iter()
            .find(|word| rest.starts_with(word.as_bytes()))
            .ok_or(self.wrong("no value, or a space before it"))?;
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), NotCanonical> {
        let begin = self.at;
        let is_negative = self.peek() == Some(b'-');
        self.at += usize::from(is_negative);
        let digits = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        let text = self.text.get(digits..self.at).unwrap_or_default();
        let is_plain = match text {
            "0" => !is_negative,
            _ => !text.starts_with('0'),
        };
        let is_whole = !self
            .peek()
            .is_some_and(|byte| matches!(byte, b'.' | b'e' | b'E'));
        let magnitude: Option<u64> = text.parse().ok().filter(|_| is_plain && is_whole);
        match magnitude {
            Some(magnitude) if magnitude <= MAX_SAFE_INTEGER => Ok(()),
            Some(_) | None => Err(NotCanonical {
                at: begin,
                what: "a number that is not a plain whole one of at most 2^53 - 1",
            }),
        }
    }

    /// Passes over a value and writes it with the fields of its objects in order.
    fn sort(&mut self, out: &mut String, depth: u32) -> Result<(), NotCanonical> {
        let begin = self.at;
        let Err(wrong) = self.value(depth) else {
            // Most of it is in order as it stands.
            out.push_str(self.text.get(begin..self.at).unwrap_or_default());
            return Ok(());
        };
        self.at = begin;
        match self.peek() {
            Some(b'{') if depth < MAX_DEPTH => self.sort_object(out, depth + 1),
            Some(b'[') if depth < MAX_DEPTH => self.sort_array(out, depth + 1),
            _ => Err(wrong),
        }
    }

    fn sort_array(&mut self, out: &mut String, depth: u32) -> Result<(), NotCanonical> {
        self.at += 1;
        out.push('[');
        while self.peek() != Some(b']') {
            if !out.ends_with('[') {
                self.expect(b',', "no comma or end after an element, or a space")?;
                out.push(',');
            }
            self.sort(out, depth)?;
        }
        self.at += 1;
        out.push(']');
        Ok(())
    }

    fn sort_object(&mut self, out: &mut String, depth: u32) -> Result<(), NotCanonical> {
        self.at += 1;
        let mut fields: Vec<(Key<'a>, String)> = Vec::new();
        while self.peek() != Some(b'}') {
            if !fields.is_empty() {
                self.expect(b',', "no comma or end after a field, or a space")?;
            }
            let (quoted, key) = self.key()?;
            let mut field = format!("{quoted}:");
            self.sort(&mut field, depth)?;
            fields.push((key, field));
        }
        fields.sort_unstable_by(|(one, _), (other, _)| one.0.cmp(&other.0));
        if fields
            .windows(2)
            .any(|pair| matches!(pair, [(one, _), (other, _)] if one.0 == other.0))
        {
            return Err(self.wrong("a key twice in the object before"));
        }
        self.at += 1;
        out.push('{');
        for (place, (_, field)) in fields.iter().enumerate() {
            out.push_str(if place == 0 { "" } else { "," });
            out.push_str(field);
        }
        out.push('}');
        Ok(())
    }

    /// Passes over a key and its colon; returns it with its quotes, and as it sorts.
    fn key(&mut self) -> Result<(&'a str, Key<'a>), NotCanonical> {
        let begin = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.wrong("no key, or a space before it"));
        }
        let quoted = self.string()?;
        let key = Key::new(quoted);
        if !key.0.is_ascii() {
            return Err(NotCanonical {
                at: begin,
                what: "a key outside ASCII",
            });
        }
        self.expect(b':', "no colon after a key, or a space")?;
        Ok((quoted, key))
    }

    fn array(&mut self, depth: u32) -> Result<(), NotCanonical> {
        self.at += 1;
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if self.peek() == Some(b']') {
                self.at += 1;
                return Ok(());
            }
            self.expect(b',', "no comma or end after an element, or a space")?;
        }
    }

    fn object(&mut self, depth: u32) -> Result<(), NotCanonical> {
        self.at += 1;
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let mut before: Option<Key<'a>> = None;
        loop {
            let begin = self.at;
            let (_, key) = self.key()?;
            if before.is_some_and(|before| before.0 >= key.0) {
                return Err(NotCanonical {
                    at: begin,
                    what: "a key twice, or out of order",
                });
            }
            before = Some(key);
            self.value(depth)?;
            if self.peek() == Some(b'}') {
                self.at += 1;
                return Ok(());
            }
            self.expect(b',', "no comma or end after a field, or a space")?;
        }
    }

    /// Passes over a string; returns it with its quotes.
    fn string(&mut self) -> Result<&'a str, NotCanonical> {
        let begin = self.at;
        self.at += 1;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let plain = rest
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F))
                .ok_or(self.wrong("a string without end"))?;
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(self.text.get(begin..self.at).unwrap_or_default());
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(self.wrong("a control character that is not escaped")),
            }
        }
    }

    /// RFC 8785 §3.2.2.2: two-character escapes where JSON has one, `\u00xx` in lower case for other
    /// control characters, and no escape where none is needed.
    fn escape(&mut self) -> Result<(), NotCanonical> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let length = match rest {
            [_, b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [
                _,
                b'u',
                b'0',
                b'0',
                b'0',
                b'0'..=b'7' | b'b' | b'e' | b'f',
                ..,
            ]
            | [_, b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => 6,
            _ => return Err(self.wrong("an escape that is not needed, or not the shortest")),
        };
        self.at += length;
        Ok(())
    }
}

/// A key as it sorts: without its escapes.
struct Key<'a>(std::borrow::Cow<'a, str>);

impl<'a> Key<'a> {
    fn new(quoted: &'a str) -> Self {
        let inner = quoted.get(1..quoted.len() - 1).unwrap_or_default();
        if inner.contains('\\') {
            let text = serde_json::from_str(quoted).expect("BUG: the string was just scanned");
            Self(std::borrow::Cow::Owned(text))
        } else {
            Self(std::borrow::Cow::Borrowed(inner))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn what_is_not_canonical_is_refused() {
        for bad in [
            "",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "-0",
            "01",
            "-",
            "9007199254740992",
            "+1",
            "tru",
            "nul",
            r#""a"#,
            "\"\t\"",
            r#""\/""#,
            r#""\u0041""#,
            r#""\u000a""#,
            r#""\u001F""#,
            r#""\u007f""#,
            "[1 ]",
            "[1,]",
            "[,]",
            "[",
            "{",
            r#"{"a" :1}"#,
            r#"{"a":1,}"#,
            r#"{"b":1,"a":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"é":1}"#,
            r#"{"a":1}{}"#,
            r"{a:1}",
            "NaN",
            "'a'",
        ] {
            assert!(check(bad).is_err(), "{bad:?} was accepted");
        }
        let deep = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(check(&deep(128)), Ok(()));
        assert!(check(&deep(129)).is_err() && check(&deep(100_000)).is_err());
    }

    #[test]
    fn fields_are_put_in_order_at_every_depth() {
        let text = r#"{"b":[{"d":"x]","c":null},[]],"a":{"\"":1,"A":-2}}"#;
        let expected = r#"{"a":{"\"":1,"A":-2},"b":[{"c":null,"d":"x]"},[]]}"#;
        assert_eq!(sorted(text).as_deref(), Ok(expected));
        for bad in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":0.5}"#,
            r#"{"a":1,}"#,
            "[1,]",
            "[1 ]",
            "{} ",
        ] {
            assert!(sorted(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_sort_without_their_escapes() {
        // 0x22 is before 0x41, though the backslash of its escape is after.
        assert_eq!(check(r#"{"\"":1,"A":1}"#), Ok(()));
        assert!(check(r#"{"A":1,"\"":1}"#).is_err());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[\\x00-\\x30\"\\\\/]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map("[\\x00-~]{0,12}", inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// Compact JSON with the fields of every object in the order from last to first.
    fn reversed(value: &Value) -> String {
        match value {
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(reversed).collect();
                format!("[{}]", items.join(","))
            }
            Value::Object(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .rev()
                    .map(|(key, value)| {
                        format!("{}:{}", Value::from(key.as_str()), reversed(value))
                    })
                    .collect();
                format!("{{{}}}", fields.join(","))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
        }
    }

    /// What an independent canonicaliser makes of a text, if it is JSON.
    fn canonical(text: &str) -> Option<String> {
        let value: Value = serde_json::from_str(text).ok()?;
        serde_json_canonicalizer::to_string(&value).ok()
    }

    proptest! {
        #[test]
        fn what_a_canonicaliser_writes_is_accepted(value in json()) {
            let text = serde_json_canonicalizer::to_string(&value).unwrap();
            prop_assert_eq!(check(&text), Ok(()));
        }

        #[test]
        fn sorting_is_what_a_canonicaliser_does(value in json()) {
            let text = reversed(&value);
            let expected = serde_json_canonicalizer::to_string(&value).unwrap();
            prop_assert_eq!(sorted(&text), Ok(expected));
        }

        /// One byte changed, put in or left out: accepted only if it is still canonical.
        #[test]
        fn what_is_accepted_is_canonical(
            value in json(), place in 0.0..1.0_f64, byte in prop_oneof![0_u8..0x80, Just(b' '), Just(b'0')],
            width in 0_usize..2,
        ) {
            let mut bytes = serde_json_canonicalizer::to_vec(&value).unwrap();
            #[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss,
                clippy::cast_precision_loss, clippy::float_arithmetic, reason = "a place in the text")]
            let at = (place * bytes.len() as f64) as usize;
            bytes.splice(at..(at + width).min(bytes.len()), [byte]);
            if let Ok(text) = String::from_utf8(bytes) && check(&text).is_ok() {
                prop_assert_eq!(canonical(&text), Some(text));
            }
        }
    }
}
