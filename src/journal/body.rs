//! The bytes that are hashed: an entry as canonical JSON (RFC 8785).
//!
//! Canonical form here needs no canonicaliser: fields are declared in the order of their names, all
//! keys are ASCII, and numbers are whole and small, so what `serde_json` writes is already RFC 8785. A
//! property test compares with a library that does nothing else.

use std::borrow::Cow;
use std::ops::Range;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::address::Address;
use super::canonical::{self, NotCanonical};
use super::entry::{Effect, Entry, Transfer};
use crate::log::{Hash, leaf_hash};
use crate::types::{LogIndex, PersonId, hex};

/// A leaf of the log is at most what a 16-bit length can say (C2SP tlog-tiles entry bundles).
pub(super) const MAX_BODY: usize = 65_535;

/// A command's input, decision and result, in the canonical subset of JSON: the text itself.
#[derive(Clone, Debug)]
pub struct Details(Box<RawValue>);

/// Why details or a body can't be recorded, or read back.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// A key outside ASCII, or a number that is not whole or too large.
    #[error("details have no canonical form ({0}): use ASCII keys and text for numbers")]
    NotCanonical(#[from] NotCanonical),
    /// The value can't be written as JSON.
    #[error("details can't be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Longer than a log entry can be.
    #[error(
        "the entry has {0} bytes; an entry of the log has at most 65535: refer to evidence by its SHA-256"
    )]
    TooLong(usize),
}

impl Details {
    /// From a command's own types.
    pub fn new(details: &impl Serialize) -> Result<Self, BodyError> {
        let written = to_raw_value(details)?;
        // Most types declare their fields in the order of their names, and need no sorting.
        if canonical::check(written.get()).is_ok() {
            return Ok(Self(written));
        }
        let sorted = canonical::sorted(written.get())?;
        Ok(Self(RawValue::from_string(sorted)?))
    }
}

/// A transfer as the log keeps it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyTransfer<'a> {
    /// Decimal text in the currency's minor units.
    #[serde(borrow)]
    pub amount: Cow<'a, str>,
    /// The account credited.
    #[serde(borrow)]
    pub credit: Cow<'a, str>,
    /// The account debited.
    #[serde(borrow)]
    pub debit: Cow<'a, str>,
}

/// An entry as the log keeps it. Fields stand in the order of their names.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body<'a, D = Value> {
    /// Who acted.
    pub actor: PersonId,
    /// Present and true if the entry may fall into a closed period.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adjusting: bool,
    /// When it was recorded: RFC 3339 in UTC, to the microsecond.
    #[serde(borrow)]
    pub at: Cow<'a, str>,
    /// The command's input, decision and result.
    pub details: D,
    /// The day it counts for, in the zone's time.
    pub effective: NaiveDate,
    /// The actor's key of the command.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Cow<'a, str>>,
    /// What happened.
    #[serde(borrow)]
    pub kind: Cow<'a, str>,
    /// SHA-256 of the command's canonical input, in hexadecimal; with `key`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Cow<'a, str>>,
    /// The entry that this one undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<LogIndex>,
    /// The case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<uuid::Uuid>,
    /// What it moves.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub transfers: Vec<BodyTransfer<'a>>,
    /// Version of this form.
    pub v: u8,
    /// Code of the zone.
    #[serde(borrow)]
    pub zone: Cow<'a, str>,
}

/// How times stand in the log.
pub(super) fn time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// An entry as a leaf of the log: its bytes and their hash. It is made before the log's lock is taken, under
/// which all work makes others wait, with the time that it will most likely be recorded at.
pub(super) struct Leaf {
    pub(super) bytes: Vec<u8>,
    pub(super) hash: Hash,
    time: Range<usize>,
}

impl Leaf {
    /// The same entry recorded at another time, which is [`time_text`].
    pub(super) fn recorded_at(mut self, time: &str) -> Self {
        self.bytes.splice(self.time.clone(), time.bytes());
        self.time.end = self.time.start + time.len();
        self.hash = leaf_hash(&self.bytes);
        self
    }
}

impl BodyTransfer<'_> {
    fn of(transfer: &Transfer) -> Self {
        let text = |address: &Address| Cow::Owned(address.to_string());
        Self {
            amount: transfer
                .amount()
                .money()
                .to_text(transfer.debit().currency)
                .into(),
            credit: text(transfer.credit()),
            debit: text(transfer.debit()),
        }
    }
}

/// Writes an entry of the zone with this code, recorded at a time, which is [`time_text`].
pub(super) fn leaf(entry: &Entry, zone: &str, time: &str) -> Result<Leaf, BodyError> {
    let (adjusting, reverses) = match entry.effect {
        Effect::Ordinary => (false, None),
        Effect::Adjusting => (true, None),
        Effect::Reversing(index) => (false, Some(index)),
    };
    let body = Body {
        actor: entry.actor,
        adjusting,
        at: time.into(),
        details: &entry.details.0,
        effective: entry.effective,
        key: entry
            .idempotency
            .as_ref()
            .map(|command| command.key.as_str().into()),
        kind: entry.kind.0.into(),
        request: entry
            .idempotency
            .as_ref()
            .map(|command| hex(&command.request).into()),
        reverses,
        subject: entry.subject,
        transfers: entry.transfers.iter().map(BodyTransfer::of).collect(),
        v: 1,
        zone: zone.into(),
    };
    let bytes = serde_json::to_vec(&body)?;
    if bytes.len() > MAX_BODY {
        return Err(BodyError::TooLong(bytes.len()));
    }
    // Nothing but the actor's identity and a flag stands before the time.
    let begin = bytes
        .windows(time.len())
        .position(|window| window == time.as_bytes())
        .expect("BUG: the time was just written");
    Ok(Leaf {
        hash: leaf_hash(&bytes),
        bytes,
        time: begin..begin + time.len(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::journal::{AccountCode, EntryKind, Idempotency};
    use crate::types::{Amount, Currency, FiscalYear, Money};

    const TIME: &str = "2020-02-28T01:02:03.000004Z";

    #[test]
    fn a_time_is_rfc_3339_to_the_microsecond() {
        assert_eq!(time_text(TIME.parse().unwrap()), TIME);
    }

    #[test]
    fn another_time_makes_another_leaf() {
        let sample = sample(&json!({"time": TIME}), Some(TIME.into()));
        let other = "2020-02-28T01:02:03.000005Z";
        let moved = leaf(&sample, "SH", TIME).unwrap().recorded_at(other);
        let at_once = leaf(&sample, "SH", other).unwrap();
        assert_eq!(moved.bytes, at_once.bytes);
        assert_eq!(moved.hash, at_once.hash);
        assert_eq!(moved.hash, leaf_hash(&moved.bytes));
    }

    #[derive(Serialize)]
    struct Unsorted {
        b: u8,
        a: u8,
    }

    #[test]
    fn details_are_sorted_where_their_type_is_not() {
        let details = Details::new(&Unsorted { b: 1, a: 2 }).unwrap();
        assert_eq!(details.0.get(), r#"{"a":2,"b":1}"#);
    }

    fn sample(details: &Value, key: Option<String>) -> Entry {
        let account = |code| Address::new(code, Currency::Cny).year(FiscalYear(2020));
        let amount = Amount::new(Money::from_minor(12_345)).unwrap();
        Entry {
            actor: PersonId(uuid::Uuid::from_u128(7)),
            kind: EntryKind("budget.appropriated"),
            effective: "2020-02-28".parse().unwrap(),
            subject: Some(uuid::Uuid::from_u128(8)),
            details: Details::new(details).unwrap(),
            transfers: vec![
                Transfer::new(account(AccountCode::B10), account(AccountCode::B20), amount)
                    .unwrap(),
            ],
            effect: Effect::Reversing(LogIndex(3)),
            idempotency: key.map(|key| Idempotency::new(key, "appropriate", details)),
        }
    }

    fn json_text() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-9_007_199_254_740_991_i64..=9_007_199_254_740_991).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map("[ -~]{0,12}", inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn bodies_are_rfc_8785(details in json_text(), key in proptest::option::of(".{1,40}")) {
            let bytes = leaf(&sample(&details, key), "SH", TIME).unwrap().bytes;
            let read: Value = serde_json::from_slice(&bytes).unwrap();
            let canonical = serde_json_canonicalizer::to_vec(&read).unwrap();
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), String::from_utf8(canonical).unwrap());
        }
    }

    #[test]
    fn what_has_no_canonical_form_is_refused() {
        for bad in [
            json!({"a": 0.5}),
            json!({"金额": 1}),
            json!([9_007_199_254_740_992_u64]),
        ] {
            assert!(
                matches!(Details::new(&bad), Err(BodyError::NotCanonical(_))),
                "{bad}"
            );
        }
        let long = sample(&json!({"text": "x".repeat(70_000)}), None);
        assert!(matches!(
            leaf(&long, "SH", TIME),
            Err(BodyError::TooLong(_))
        ));
    }

    #[test]
    fn a_body_reads_naturally() {
        let sample = sample(&json!({"amount": "123.45"}), Some("k".into()));
        let bytes = leaf(&sample, "SH", TIME).unwrap().bytes;
        insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
    }
}
