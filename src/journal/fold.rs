//! The arithmetic of the books, in memory: entries in order over account totals, each accepted whole
//! or refused with its reason. No IO, so that random command sequences can be checked against it.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::address::Address;
use super::chart::{AccountCode, Side};
use super::entry::Transfer;
use crate::types::{LogIndex, Money};

/// Totals of an account since it was opened, in minor units. Both only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountTotals {
    /// Everything debited.
    pub debits: Money,
    /// Everything credited.
    pub credits: Money,
}

impl AccountTotals {
    /// With a posting more, which is in the books already, so that the sums fit.
    #[must_use]
    pub fn with(self, debit: Money, credit: Money) -> Self {
        Self {
            debits: [self.debits, debit].into_iter().sum(),
            credits: [self.credits, credit].into_iter().sum(),
        }
    }

    /// The balance, positive on the account's normal side.
    pub fn balance(self, side: Side) -> Money {
        let (debits, credits) = (self.debits.minor(), self.credits.minor());
        Money::from_minor(match side {
            Side::Debit => debits.saturating_sub(credits),
            Side::Credit => credits.saturating_sub(debits),
        })
    }
}

/// What to do where an account has too little, if that is not plain from its name.
const fn remedy(code: AccountCode) -> &'static str {
    if matches!(code, AccountCode::B70) {
        ": what came back is taken from what stands as paid, so book the other payments of this programme and year first, also \
         those that are owed again (docs/adr/0027)"
    } else {
        ""
    }
}

/// Why an entry is not recorded. Nothing of it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A guarded account would go below zero.
    #[error(
        "{address} has {} {currency}, which is {} too little{}",
        available.to_grouped_text(address.currency),
        short.to_grouped_text(address.currency),
        remedy(address.code),
        currency = address.currency
    )]
    Insufficient {
        /// The account.
        address: Box<Address>,
        /// Its balance before the entry.
        available: Money,
        /// How far below zero the entry would take it.
        short: Money,
    },
    /// The totals of an account would no longer fit 64 bits.
    #[error("the totals of {0} would be out of range")]
    OutOfRange(Box<Address>),
    /// The day falls into a closed period.
    #[error("{0} is in a closed period: date the entry in an open one, or adjust")]
    PeriodClosed(chrono::NaiveDate),
    /// There is no earlier entry of this number to undo.
    #[error("there is no entry {0} to reverse")]
    NothingToReverse(LogIndex),
    /// The entry to undo was undone before.
    #[error("entry {0} has been reversed already")]
    AlreadyReversed(LogIndex),
    /// The same command was recorded before: that is its answer.
    #[error("recorded before, as entry {0}")]
    Repeated(LogIndex),
    /// The same key was used for another command.
    #[error("the idempotency key was used for another command, entry {0}: take a new key")]
    KeyConflict(LogIndex),
    /// The key can't be kept.
    #[error("an idempotency key has 1 to 255 characters, and no control characters")]
    KeyForm,
    /// The entry is larger than a leaf of the log.
    #[error("{0}")]
    Body(String),
}

/// A transfer that the fold has accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostedTransfer {
    /// Position of the debited account in [`Books`].
    pub debit: usize,
    /// Position of the credited account in [`Books`].
    pub credit: usize,
    /// How much.
    pub amount: Money,
    /// Total debits of the debited account after it.
    pub debits_after: Money,
    /// Total credits of the credited account after it.
    pub credits_after: Money,
}

/// An account as the fold sees it.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name.
    pub address: Address,
    /// Its row, if it has one yet.
    pub id: Option<i64>,
    /// Its totals before the fold.
    pub loaded: AccountTotals,
    /// Its totals, with what the fold has accepted so far.
    pub totals: AccountTotals,
    /// Whether the fold has moved anything on it.
    pub touched: bool,
    /// Whether its row was made for what the fold has moved, with the totals after it.
    pub is_new: bool,
}

/// Accounts with their totals, growing as entries are applied.
#[derive(Debug, Default)]
pub struct Books {
    accounts: Vec<Account>,
    /// Addresses come from decisions, never from strangers, so the hash need not resist them.
    positions: HashMap<Address, usize, RandomState>,
}

impl Books {
    /// Every account that transfers name, with totals of zero: to be loaded before anything is applied.
    pub(super) fn naming<'a>(transfers: impl Iterator<Item = &'a Transfer>) -> Self {
        let mut books = Self::default();
        for transfer in transfers {
            books.position(transfer.debit());
            books.position(transfer.credit());
        }
        books
    }

    /// Gives an account the row and the totals that it has in the database.
    pub(super) fn load(&mut self, position: usize, id: i64, totals: AccountTotals) {
        if let Some(account) = self.accounts.get_mut(position) {
            account.id = Some(id);
            account.loaded = totals;
            account.totals = totals;
        }
    }

    /// The accounts, by position.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Gives a newly opened account its row, which has its totals.
    pub(super) fn set_id(&mut self, address: &Address, id: i64) {
        let position = self.position(address);
        if let Some(account) = self.accounts.get_mut(position) {
            account.id = Some(id);
            account.is_new = true;
        }
    }

    /// Applies one entry's transfers: all of them, or none and the reason.
    pub fn apply(&mut self, transfers: &[Transfer]) -> Result<Vec<PostedTransfer>, Refusal> {
        let mut posted = Vec::with_capacity(transfers.len());
        for transfer in transfers {
            match self.post(transfer) {
                Ok(transfer) => posted.push(transfer),
                Err(refusal) => {
                    self.undo(&posted);
                    return Err(refusal);
                }
            }
        }
        // Guards hold at every log index, that is between entries, not between an entry's transfers.
        let shortfall = posted.iter().find_map(|transfer| {
            self.shortfall(transfer.debit)
                .or_else(|| self.shortfall(transfer.credit))
        });
        if let Some((position, short)) = shortfall {
            self.undo(&posted);
            return Err(self.insufficient(position, short));
        }
        for transfer in &posted {
            for position in [transfer.debit, transfer.credit] {
                if let Some(account) = self.accounts.get_mut(position) {
                    account.touched = true;
                }
            }
        }
        Ok(posted)
    }

    fn position(&mut self, address: &Address) -> usize {
        if let Some(position) = self.positions.get(address) {
            return *position;
        }
        let position = self.accounts.len();
        self.positions.insert(address.clone(), position);
        self.accounts.push(Account {
            address: address.clone(),
            id: None,
            loaded: AccountTotals::default(),
            totals: AccountTotals::default(),
            touched: false,
            is_new: false,
        });
        position
    }

    fn post(&mut self, transfer: &Transfer) -> Result<PostedTransfer, Refusal> {
        let amount = transfer.amount().money();
        let debit = self.position(transfer.debit());
        let credit = self.position(transfer.credit());
        let after = |position: usize, total: fn(&AccountTotals) -> Money| {
            let account = self.accounts.get(position);
            account.and_then(|account| total(&account.totals).checked_add(amount))
        };
        let out_of_range = |address: &Address| Refusal::OutOfRange(Box::new(address.clone()));
        let debits_after =
            after(debit, |totals| totals.debits).ok_or_else(|| out_of_range(transfer.debit()))?;
        let credits_after = after(credit, |totals| totals.credits)
            .ok_or_else(|| out_of_range(transfer.credit()))?;
        self.set(debit, |totals| totals.debits = debits_after);
        self.set(credit, |totals| totals.credits = credits_after);
        Ok(PostedTransfer {
            debit,
            credit,
            amount,
            debits_after,
            credits_after,
        })
    }

    fn set(&mut self, position: usize, change: impl FnOnce(&mut AccountTotals)) {
        if let Some(account) = self.accounts.get_mut(position) {
            change(&mut account.totals);
        }
    }

    fn undo(&mut self, posted: &[PostedTransfer]) {
        for transfer in posted.iter().rev() {
            let before = |total: Money| total.saturating_sub(transfer.amount);
            self.set(transfer.debit, |totals| {
                totals.debits = before(totals.debits);
            });
            self.set(transfer.credit, |totals| {
                totals.credits = before(totals.credits);
            });
        }
    }

    /// How far a guarded account is below zero.
    fn shortfall(&self, position: usize) -> Option<(usize, Money)> {
        let account = self.accounts.get(position)?;
        let code = account.address.code;
        let balance = account.totals.balance(code.normal_side());
        let short = Money::ZERO.saturating_sub(balance);
        (code.is_guarded() && short > Money::ZERO).then_some((position, short))
    }

    fn insufficient(&self, position: usize, short: Money) -> Refusal {
        let account = self
            .accounts
            .get(position)
            .expect("BUG: a position that was just posted to");
        let available = account.totals.balance(account.address.code.normal_side());
        Refusal::Insufficient {
            address: Box::new(account.address.clone()),
            available,
            short,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_too_little_stands_as_paid_the_remedy_is_told() {
        let told = |address: &str| {
            let refusal = Refusal::Insufficient {
                address: Box::new(address.parse().unwrap()),
                available: Money::from_minor(123_456),
                short: Money::from_minor(1),
            };
            refusal.to_string()
        };
        assert_eq!(
            told("B30:CNY:SH-VOUCHER:2020"),
            "B30:CNY:SH-VOUCHER:2020 has 1,234.56 CNY, which is 0.01 too little"
        );
        let spent = told("B70:CNY:SH-VOUCHER:2020");
        assert!(
            spent.contains("0.01 too little: what came back is taken from what stands as paid"),
            "{spent}"
        );
    }
}
