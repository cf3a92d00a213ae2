//! Whether an entry is written as the journal writes it. Its text is compared piece by piece with what
//! was read from it: to write every entry again takes a quarter of all the time of a verification.

use std::borrow::Cow;

use serde_json::value::RawValue;
use uuid::Uuid;

use crate::journal::{Body, BodyTransfer};

/// Whether `text` is what `serde_json` writes of the body that was read from it. Of the details, which
/// are passed on as they are, it says nothing.
pub(super) fn is_as_written(text: &str, body: &Body<'_, &RawValue>) -> bool {
    let mut rest = Rest {
        text: text.as_bytes(),
        fits: true,
    };
    rest.skip("{\"actor\":");
    rest.uuid(body.actor.0);
    if body.adjusting {
        rest.skip(",\"adjusting\":true");
    }
    rest.skip(",\"at\":");
    rest.string(&body.at);
    rest.skip(",\"details\":");
    rest.skip(body.details.get());
    rest.skip(",\"effective\":");
    rest.day();
    rest.optional(",\"key\":", body.key.as_ref());
    rest.skip(",\"kind\":");
    rest.string(&body.kind);
    rest.optional(",\"request\":", body.request.as_ref());
    if let Some(reversed) = body.reverses {
        rest.skip(",\"reverses\":");
        rest.skip(&reversed.0.to_string());
    }
    if let Some(subject) = body.subject {
        rest.skip(",\"subject\":");
        rest.uuid(subject);
    }
    rest.transfers(&body.transfers);
    rest.skip(",\"v\":");
    rest.skip(&body.v.to_string());
    rest.skip(",\"zone\":");
    rest.string(&body.zone);
    rest.skip("}");
    rest.fits && rest.text.is_empty()
}

/// What is left of a text, and whether all before it was as it has to be.
struct Rest<'t> {
    text: &'t [u8],
    fits: bool,
}

impl Rest<'_> {
    fn skip(&mut self, piece: &str) {
        match self.text.strip_prefix(piece.as_bytes()) {
            Some(rest) => self.text = rest,
            None => self.fits = false,
        }
    }

    /// A string that was borrowed from the text has no escapes in it, and needs none.
    #[expect(clippy::ptr_arg, reason = "it matters whether it is borrowed")]
    fn string(&mut self, value: &Cow<'_, str>) {
        match value {
            Cow::Borrowed(plain) => {
                self.skip("\"");
                self.skip(plain);
                self.skip("\"");
            }
            Cow::Owned(value) => match serde_json::to_string(value) {
                Ok(escaped) => self.skip(&escaped),
                Err(_) => self.fits = false,
            },
        }
    }

    fn optional(&mut self, name: &str, value: Option<&Cow<'_, str>>) {
        if let Some(value) = value {
            self.skip(name);
            self.string(value);
        }
    }

    fn uuid(&mut self, id: Uuid) {
        self.skip("\"");
        self.skip(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
        self.skip("\"");
    }

    /// A day was read from here, so only its form is open: `"YYYY-MM-DD"`.
    fn day(&mut self) {
        let Some((day, rest)) = self.text.split_first_chunk::<12>() else {
            self.fits = false;
            return;
        };
        self.fits &= day.iter().enumerate().all(|(place, byte)| match place {
            0 | 11 => *byte == b'"',
            5 | 8 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        self.text = rest;
    }

    fn transfers(&mut self, transfers: &[BodyTransfer<'_>]) {
        for (position, transfer) in transfers.iter().enumerate() {
            self.skip(if position == 0 {
                ",\"transfers\":[{\"amount\":"
            } else {
                ",{\"amount\":"
            });
            self.string(&transfer.amount);
            self.skip(",\"credit\":");
            self.string(&transfer.credit);
            self.skip(",\"debit\":");
            self.string(&transfer.debit);
            self.skip("}");
        }
        if !transfers.is_empty() {
            self.skip("]");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WRITTEN: &str = concat!(
        r#"{"actor":"0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11","adjusting":true,"#,
        r#""at":"2020-02-28T01:02:03.000004Z","details":{"a":1},"effective":"2020-02-28","#,
        r#""key":"k\n","kind":"budget.appropriated","request":"00","reverses":3,"#,
        r#""subject":"0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e12","#,
        r#""transfers":[{"amount":"5.00","credit":"B20:CNY::2020","debit":"B10:CNY::2020"},"#,
        r#"{"amount":"6.00","credit":"b","debit":"é"}],"v":1,"zone":"SH"}"#
    );

    fn check(text: &str) -> Option<(bool, bool)> {
        let body: Body<'_, &RawValue> = serde_json::from_str(text).ok()?;
        let written = serde_json::to_string(&body).unwrap();
        Some((is_as_written(text, &body), written == text))
    }

    #[test]
    fn only_the_journal_s_own_way_of_writing_is_accepted() {
        assert_eq!(check(WRITTEN), Some((true, true)));
        for (from, to) in [
            (r#","adjusting":true"#, ""),
            (r#","key":"k\n""#, ""),
            (r#","reverses":3"#, ""),
            (r#","request":"00""#, ""),
            (r#","key":"k\n""#, r#","key":"k""#),
        ] {
            let other = WRITTEN.replace(from, to);
            assert_eq!(check(&other), Some((true, true)), "{other}");
        }
        for (from, to) in [
            (r#""adjusting":true"#, r#""adjusting":false"#),
            (r#""key":"k\n""#, r#""key":null"#),
            (r#""key":"k\n""#, r#""key":"k\u000a""#),
            (r#""kind":"b"#, r#""kind":"\u0062"#),
            (r#""reverses":3"#, r#""reverses":null"#),
            ("2e11", "2E11"),
            (
                "0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e12",
                "0190a5e27a3c7c3e9d516b1f0c8a2e12",
            ),
            (r#""effective":"2020-02-28""#, r#""effective":"2020-2-28""#),
            (
                r#""effective":"2020-02-28""#,
                r#""effective":"+2020-02-28""#,
            ),
            (r#""v":1"#, r#""v": 1"#),
            (r#""v":1,"zone":"SH""#, r#""zone":"SH","v":1"#),
            (r#"SH"}"#, "SH\"}\n"),
            (r#""debit":"é"}]"#, r#""debit":"é"} ]"#),
        ] {
            let other = WRITTEN.replace(from, to);
            assert_eq!(check(&other), Some((false, false)), "{other}");
        }
        let start = WRITTEN.find(r#","transfers""#).unwrap();
        let end = WRITTEN.find(r#","v""#).unwrap();
        for (transfers, is_written) in [("", true), (r#","transfers":[]"#, false)] {
            let other = format!("{}{transfers}{}", &WRITTEN[..start], &WRITTEN[end..]);
            assert_eq!(check(&other), Some((is_written, is_written)), "{other}");
        }
    }

    proptest! {
        /// Whatever is changed in an entry, if it still reads, we say what writing it again would say.
        #[test]
        fn it_is_the_same_as_writing_it_again(place in 0..WRITTEN.len(), cut in 0_usize..3, put in "[ -~]{0,3}") {
            let end = (place + cut).min(WRITTEN.len());
            prop_assume!(WRITTEN.is_char_boundary(place) && WRITTEN.is_char_boundary(end));
            let text = format!("{}{put}{}", &WRITTEN[..place], &WRITTEN[end..]);
            if let Some((ours, written)) = check(&text) {
                prop_assert_eq!(ours, written);
            }
        }
    }
}
