//! What commands ask the journal to record.

use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use chrono::NaiveDate;

use super::address::Address;
use super::body::Details;
use crate::types::{Amount, LogIndex, PersonId};

/// An amount to be moved between two accounts of one book and one currency, so it can't be
/// unbalanced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    debit: Address,
    credit: Address,
    amount: Amount,
}

/// Why two accounts can't be joined by a transfer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{debit} and {credit} can't be joined by a transfer: two accounts of one book and currency can"
)]
pub struct TransferError {
    debit: Box<Address>,
    credit: Box<Address>,
}

impl Transfer {
    /// Debits one account and credits the other.
    pub fn new(debit: Address, credit: Address, amount: Amount) -> Result<Self, TransferError> {
        if debit.code.book() == credit.code.book()
            && debit.currency == credit.currency
            && debit != credit
        {
            Ok(Self {
                debit,
                credit,
                amount,
            })
        } else {
            Err(TransferError {
                debit: debit.into(),
                credit: credit.into(),
            })
        }
    }

    /// The account debited.
    pub const fn debit(&self) -> &Address {
        &self.debit
    }

    /// The account credited.
    pub const fn credit(&self) -> &Address {
        &self.credit
    }

    /// How much, in minor units of their currency.
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// The same amount the other way.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            debit: self.credit,
            credit: self.debit,
            amount: self.amount,
        }
    }
}

/// What happened, as `subject.past_participle`: `voucher.redeemed`, `claim.refused`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKind(pub &'static str);

/// An actor's own name for a command, so that a repeat has one effect and the first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The key, 1 to 255 characters; each actor has keys of their own.
    pub key: String,
    /// SHA-256 of the command's canonical input.
    pub request: [u8; 32],
}

impl Idempotency {
    /// A key for a command with this input.
    pub fn new(key: impl Into<String>, command: &str, input: &impl serde::Serialize) -> Self {
        let input: Value =
            serde_json::to_value(input).expect("BUG: a command's input can be written as JSON");
        let mut hash = Sha256::new();
        hash.update(command.as_bytes());
        hash.update([0]);
        hash.update(input.to_string().as_bytes());
        Self {
            key: key.into(),
            request: hash.finalize().into(),
        }
    }

    /// Whether the key is one that the database keeps.
    pub(super) fn has_well_formed_key(&self) -> bool {
        (1..=255).contains(&self.key.chars().count()) && !self.key.contains(char::is_control)
    }
}

/// Whether an entry may fall into a closed period, and whether it undoes another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// An ordinary entry.
    #[default]
    Ordinary,
    /// An entry that adjusts a period that may be closed.
    Adjusting,
    /// An entry that undoes an earlier one, which only one entry may do.
    Reversing(LogIndex),
}

/// One thing to be recorded: who did what on which day, why, and what it moves.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who acted.
    pub actor: PersonId,
    /// What happened.
    pub kind: EntryKind,
    /// The day it counts for, in the zone's time.
    pub effective: NaiveDate,
    /// The case it belongs to: a voucher, a batch, a party.
    pub subject: Option<Uuid>,
    /// The command's input, decision and result, as the log keeps them.
    pub details: Details,
    /// What it moves; nothing for a refusal or a statement of fact.
    pub transfers: Vec<Transfer>,
    /// Whether it adjusts or reverses.
    pub effect: Effect,
    /// The command's key, if the actor gave one.
    pub idempotency: Option<Idempotency>,
}
