//! One entry, checked by itself: its bytes are canonical, and each part says something that the books
//! allow.

use std::ops::Range;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::value::RawValue;

use super::account::{Account, AccountKeys, Addresses};
use super::written::is_as_written;
use crate::journal::canonical::{self, NotCanonical};
use crate::journal::{Body, BodyTransfer};
use crate::types::{Amount, Money};

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// The bytes are not JSON of the form of an entry.
    #[error("it is not an entry: {0}")]
    NotAnEntry(String),
    /// The same content is written otherwise (RFC 8785).
    #[error("its fields are not in canonical form: spaces, their order, or a value's spelling")]
    Fields,
    /// The same details are written otherwise (RFC 8785).
    #[error("its details are not in canonical form: {0}")]
    Details(NotCanonical),
    /// The form has a version that this program does not know.
    #[error("it has version {0} of the form of entries; this program knows version 1")]
    Version(u8),
    /// A field whose text is not of its form.
    #[error("its field {field} is {text:?}, which is not {expected}")]
    Field {
        /// Which.
        field: &'static str,
        /// What it says.
        text: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// A transfer that the books don't allow.
    #[error("transfer {position}: {reason}")]
    Transfer {
        /// Place within the entry, from 0.
        position: usize,
        /// Why.
        reason: String,
    },
    /// An entry of another zone's log.
    #[error("it is of the zone {found}, those before it are of {expected}")]
    Zone {
        /// What it says.
        found: String,
        /// What the entries before say.
        expected: String,
    },
    /// Times of recording never decrease.
    #[error("it was recorded at {found}, before the entry before it ({before})")]
    Time {
        /// What it says.
        found: DateTime<Utc>,
        /// Time of the entry before.
        before: DateTime<Utc>,
    },
    /// A guarded account's balance crosses zero.
    #[error("it takes the account {address} below zero, to {balance}")]
    BelowZero {
        /// The account.
        address: String,
        /// Its balance after the entry, minor units, negative.
        balance: i64,
    },
    /// A total no longer fits 64 bits.
    #[error("the totals of the books are out of range with it")]
    OutOfRange,
    /// It undoes what is not before it.
    #[error("it reverses entry {0}, which is not before it")]
    ReversesLater(i64),
    /// It undoes what was undone before.
    #[error("it reverses entry {0}, which was reversed before")]
    ReversesTwice(u64),
    /// What it undoes was another amount or between other accounts.
    #[error("it reverses entry {0}, but its transfers are not the opposite of that entry's")]
    NotOpposite(u64),
}

/// An entry whose own content is in order.
#[derive(Debug)]
pub struct CheckedEntry<'a> {
    /// All fields.
    pub body: Body<'a, &'a RawValue>,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// The transfers, as numbers, in the order of those in the body.
    pub transfers: Vec<CheckedTransfer>,
}

/// A transfer between two different accounts of one book and one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedTransfer {
    /// The account that is debited.
    pub debit: Account,
    /// The account that is credited.
    pub credit: Account,
    /// How much, minor units.
    pub amount: Amount,
}

/// Checks entries one by one. Each thread has its own.
#[derive(Debug)]
pub(super) struct Checker {
    addresses: Addresses,
}

impl Checker {
    /// With the keys that stand for accounts in this verification.
    pub(super) fn new(keys: AccountKeys) -> Self {
        Self {
            addresses: Addresses::new(keys),
        }
    }

    /// Checks what can be known of an entry from its own bytes.
    pub(super) fn check<'a>(&mut self, bytes: &'a [u8]) -> Result<CheckedEntry<'a>, Wrong> {
        let not_an_entry = |error: &dyn std::fmt::Display| Wrong::NotAnEntry(error.to_string());
        let text = str::from_utf8(bytes).map_err(|error| not_an_entry(&error))?;
        let body: Body<'a, &'a RawValue> =
            serde_json::from_str(text).map_err(|error| not_an_entry(&error))?;
        // What serde_json writes is canonical but for the details, which it passes on as they are.
        if !is_as_written(text, &body) {
            return Err(Wrong::Fields);
        }
        canonical::check(body.details.get()).map_err(Wrong::Details)?;
        if body.v != 1 {
            return Err(Wrong::Version(body.v));
        }
        let at = read_time(&body.at).ok_or_else(|| {
            let expected = "a time in UTC to the microsecond, such as 2020-02-28T01:02:03.000004Z";
            wrong_field("at", &body.at, expected)
        })?;
        check_texts(&body)?;
        let transfers = (0..)
            .zip(&body.transfers)
            .map(|(position, transfer)| {
                check_transfer(transfer, &mut self.addresses)
                    .map_err(|reason| Wrong::Transfer { position, reason })
            })
            .collect::<Result<_, _>>()?;
        Ok(CheckedEntry {
            body,
            at,
            transfers,
        })
    }
}

fn wrong_field(field: &'static str, text: &str, expected: &'static str) -> Wrong {
    Wrong::Field {
        field,
        text: text.chars().take(100).collect(),
        expected,
    }
}

/// Reads exactly what the journal writes: RFC 3339 with `T`, six decimals and `Z`; no leap second.
fn read_time(text: &str) -> Option<DateTime<Utc>> {
    let bytes: &[u8; 27] = text.as_bytes().try_into().ok()?;
    let form = b"dddd-dd-ddTdd:dd:dd.ddddddZ";
    let has_form = bytes.iter().zip(form).all(|(byte, place)| match place {
        b'd' => byte.is_ascii_digit(),
        mark => byte == mark,
    });
    if !has_form {
        return None;
    }
    let number = |place: Range<usize>| text.get(place)?.parse::<u32>().ok();
    let year = text.get(0..4)?.parse().ok()?;
    NaiveDate::from_ymd_opt(year, number(5..7)?, number(8..10)?)?
        .and_hms_micro_opt(
            number(11..13)?,
            number(14..16)?,
            number(17..19)?,
            number(20..26)?,
        )
        .map(|time| time.and_utc())
}

fn check_texts(body: &Body<'_, &RawValue>) -> Result<(), Wrong> {
    let word = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let kind = body.kind.split_once('.');
    if !kind.is_some_and(|(subject, event)| word(subject) && word(event)) {
        let expected = "a kind of entry, such as voucher.redeemed";
        return Err(wrong_field("kind", &body.kind, expected));
    }
    let request = body.request.as_deref();
    let is_sha256 = |text: &str| {
        text.len() == 64
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if body.key.is_some() != request.is_some() || !request.is_none_or(is_sha256) {
        let expected = "the SHA-256 of the request, which an entry with a key has";
        return Err(wrong_field(
            "request",
            request.unwrap_or_default(),
            expected,
        ));
    }
    Ok(())
}

fn check_transfer(
    transfer: &BodyTransfer<'_>,
    addresses: &mut Addresses,
) -> Result<CheckedTransfer, String> {
    let mut account = |text: &str| addresses.read(text).map_err(|error| error.to_string());
    let debit = account(&transfer.debit)?;
    let credit = account(&transfer.credit)?;
    if debit.code.book() != credit.code.book()
        || debit.currency != credit.currency
        || transfer.debit == transfer.credit
    {
        return Err(format!(
            "{} and {} are not two accounts of one book and currency",
            transfer.debit, transfer.credit
        ));
    }
    let money =
        Money::parse(&transfer.amount, debit.currency).map_err(|error| error.to_string())?;
    let amount = Amount::new(money).map_err(|error| error.to_string())?;
    Ok(CheckedTransfer {
        debit,
        credit,
        amount,
    })
}

/// Whether the transfers of two entries are the same with debit and credit exchanged, in any order.
pub fn are_opposite(entry: &CheckedEntry<'_>, undone: &CheckedEntry<'_>) -> bool {
    let mut forth: Vec<[&str; 3]> = undone.body.transfers.iter().map(parts).collect();
    let mut back: Vec<[&str; 3]> = entry
        .body
        .transfers
        .iter()
        .map(|transfer| {
            let [debit, credit, amount] = parts(transfer);
            [credit, debit, amount]
        })
        .collect();
    forth.sort_unstable();
    back.sort_unstable();
    forth == back
}

fn parts<'a>(transfer: &'a BodyTransfer<'_>) -> [&'a str; 3] {
    [&transfer.debit, &transfer.credit, &transfer.amount]
}
