//! Replaying a log: every balance recomputed from the bytes of the entries.
//!
//! Two steps, so that the first can be done by several threads: [`Preparer`] checks entries one by one
//! and turns their transfers into postings; [`Replay`] takes these in the order of the log.
//!
//! Memory stays bounded whatever the log's size. Of accounts only those are remembered that are guarded
//! and whose balance is not zero now, as a 16-byte hash and the balance. When these, with the entries
//! that were reversed, become more than the limit, the replay forgets the half of them whose hashes end in
//! another bit, and is repeated for that half: each repetition is a [`Shard`], and may split again. What is
//! not about single accounts is checked in each of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use chrono::{DateTime, Utc};

use super::account::{AccountKey, AccountKeys};
use super::entry::{CheckedEntry, Checker, Wrong, are_opposite};
use crate::journal::{AccountCode, AccountTotals, Book, Side};
use crate::types::{Currency, Money};

/// An entry that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {index}: {wrong}")]
pub struct EntryFault {
    /// Log index.
    pub index: u64,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// Books that don't balance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BooksFault {
    /// Debits and credits differ.
    #[error("book {} in {currency}: debits are {debits}, credits {credits}", book.letter())]
    Unbalanced {
        /// The book.
        book: Book,
        /// Currency.
        currency: Currency,
        /// All its debits.
        debits: Money,
        /// All its credits.
        credits: Money,
    },
    /// Budget authority differs from what became of it (invariant 3).
    #[error("B10 in {currency} is {authority}, the other accounts of its book sum to {others}")]
    Authority {
        /// Currency.
        currency: Currency,
        /// Balance of B10, minor units.
        authority: i64,
        /// Balance of the others, minor units.
        others: i64,
    },
}

/// Debits and credits by account code and currency.
pub type Totals = BTreeMap<(AccountCode, Currency), AccountTotals>;

/// How many guarded balances and reversed entries are remembered at once: about 100 MB.
pub const DEFAULT_LIMIT: usize = 2_000_000;

/// Takes what is a hash already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// What a transfer does to a guarded account: `change` is positive where it adds to the balance.
#[derive(Clone, Copy, Debug)]
struct Posting {
    account: AccountKey,
    change: i64,
}

#[derive(Debug)]
struct PreparedEntry {
    at: DateTime<Utc>,
    reverses: Option<u64>,
    postings: usize,
}

/// Consecutive entries, each in order by itself; up to the first that is not.
#[derive(Debug, Default)]
pub struct Prepared {
    first: u64,
    zone: String,
    entries: Vec<PreparedEntry>,
    postings: Vec<Posting>,
    totals: Totals,
    transfers: u64,
    fault: Option<EntryFault>,
}

impl Prepared {
    /// The entries that reverse others, with those: to be compared by [`check_reversal`].
    pub fn reversals(&self) -> impl Iterator<Item = (u64, u64)> {
        (self.first..)
            .zip(&self.entries)
            .filter_map(|(index, entry)| Some((index, entry.reverses?)))
    }

    /// Whether one of the entries is wrong by itself.
    pub fn has_fault(&self) -> bool {
        self.fault.is_some()
    }

    /// Marks an entry as wrong.
    pub fn fail(&mut self, fault: EntryFault) {
        let known = self.fault.as_ref();
        if known.is_none_or(|known| fault.index < known.index) {
            self.fault = Some(fault);
        }
    }
}

/// Checks entries one by one. Each thread has its own.
#[derive(Debug)]
pub struct Preparer {
    checker: Checker,
}

impl Preparer {
    /// For a replay of this shard, or of one that was split from it.
    pub fn new(shard: &Shard) -> Self {
        Self {
            checker: Checker::new(shard.keys.clone()),
        }
    }

    /// Checks consecutive entries, given with their log indices. `visit` sees each that is in order.
    pub fn prepare<'a>(
        &mut self,
        entries: impl Iterator<Item = (u64, &'a [u8])>,
        mut visit: impl FnMut(u64, &CheckedEntry<'a>),
    ) -> Prepared {
        let mut prepared = Prepared::default();
        for (position, (index, bytes)) in entries.enumerate() {
            if position == 0 {
                prepared.first = index;
            }
            let added = self.checker.check(bytes).and_then(|entry| {
                visit(index, &entry);
                prepared.add(index, &entry)
            });
            if let Err(wrong) = added {
                prepared.fault = Some(EntryFault { index, wrong });
                break;
            }
        }
        prepared
    }
}

/// Compares an entry that reverses another with that one.
pub fn check_reversal(bytes: &[u8], undone: u64, undone_bytes: &[u8]) -> Result<(), Wrong> {
    let mut checker = Checker::new(AccountKeys::default());
    let entry = checker.check(bytes)?;
    // A wrong entry before is reported as itself.
    match checker.check(undone_bytes) {
        Ok(undone_entry) if !are_opposite(&entry, &undone_entry) => Err(Wrong::NotOpposite(undone)),
        Ok(_) | Err(_) => Ok(()),
    }
}

impl Prepared {
    fn add(&mut self, index: u64, entry: &CheckedEntry<'_>) -> Result<(), Wrong> {
        let zone: &str = &entry.body.zone;
        if self.entries.is_empty() {
            zone.clone_into(&mut self.zone);
        } else if self.zone != zone {
            return Err(Wrong::Zone {
                found: zone.to_owned(),
                expected: self.zone.clone(),
            });
        }
        let reverses = match entry.body.reverses {
            None => None,
            Some(reverses) => match u64::try_from(reverses.0) {
                Ok(reverses) if reverses < index => Some(reverses),
                Ok(_) | Err(_) => return Err(Wrong::ReversesLater(reverses.0)),
            },
        };
        let before = self.postings.len();
        for transfer in &entry.transfers {
            let amount = transfer.amount.money();
            for (account, side) in [
                (transfer.debit, Side::Debit),
                (transfer.credit, Side::Credit),
            ] {
                let code = account.code;
                let totals = self.totals.entry((code, account.currency)).or_default();
                add_to(totals, side, amount)?;
                if code.is_guarded() {
                    let is_more = code.normal_side() == side;
                    let change = if is_more {
                        amount.minor()
                    } else {
                        -amount.minor()
                    };
                    self.postings.push(Posting {
                        account: account.key,
                        change,
                    });
                }
            }
        }
        self.transfers += u64::try_from(entry.transfers.len()).unwrap_or(u64::MAX);
        self.entries.push(PreparedEntry {
            at: entry.at,
            reverses,
            postings: self.postings.len() - before,
        });
        Ok(())
    }
}

/// Adds without wrapping.
fn add_to(totals: &mut AccountTotals, side: Side, amount: Money) -> Result<(), Wrong> {
    let total = match side {
        Side::Debit => &mut totals.debits,
        Side::Credit => &mut totals.credits,
    };
    *total = total.checked_add(amount).ok_or(Wrong::OutOfRange)?;
    Ok(())
}

/// The accounts that one replay is about: those whose hash, with these keys, ends in `ending`, of `bits`
/// bits.
#[derive(Clone, Debug)]
pub struct Shard {
    keys: AccountKeys,
    bits: u32,
    ending: u64,
}

impl Shard {
    /// All accounts.
    pub fn all() -> Self {
        Self {
            keys: AccountKeys::default(),
            bits: 0,
            ending: 0,
        }
    }

    fn has(&self, hash: u64) -> bool {
        hash & ((1 << self.bits) - 1) == self.ending
    }

    /// Keeps one half, and returns the other.
    fn split(&mut self) -> Self {
        let other = Self {
            keys: self.keys.clone(),
            bits: self.bits + 1,
            ending: self.ending | 1 << self.bits,
        };
        self.bits += 1;
        other
    }
}

/// The state of the books while entries are replayed in order.
#[derive(Debug)]
pub struct Replay {
    limit: usize,
    shard: Shard,
    left: Vec<Shard>,
    zone: Option<String>,
    at: DateTime<Utc>,
    balances: HashMap<AccountKey, i64, BuildHasherDefault<AsItIs>>,
    reversed: HashSet<u64>,
    totals: Totals,
    transfers: u64,
}

/// What a replay found, when all was in order.
#[derive(Debug)]
pub struct Replayed {
    /// Code of the zone; `None` for an empty log.
    pub zone: Option<String>,
    /// Number of transfers.
    pub transfers: u64,
    /// Guarded accounts of the shard whose balance is not zero.
    pub accounts: u64,
    /// Debits and credits.
    pub totals: Totals,
    /// What the replay must be repeated for.
    pub left: Vec<Shard>,
}

impl Replay {
    /// A replay about the accounts of one shard. `limit` is what it may remember at once.
    pub fn new(shard: Shard, limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            shard,
            left: Vec::new(),
            zone: None,
            at: DateTime::<Utc>::MIN_UTC,
            balances: HashMap::default(),
            reversed: HashSet::new(),
            totals: Totals::new(),
            transfers: 0,
        }
    }

    /// Demands that the log is of this zone.
    #[must_use]
    pub fn of_zone(self, code: &str) -> Self {
        Self {
            zone: Some(code.to_owned()),
            ..self
        }
    }

    /// Takes the next entries. `body` gives the bytes of one of them, for naming an account.
    pub fn fold<'a>(
        &mut self,
        prepared: &Prepared,
        body: impl Fn(u64) -> &'a [u8],
    ) -> Result<(), EntryFault> {
        let first = prepared.first;
        if !prepared.entries.is_empty() {
            let zone = self.zone.get_or_insert_with(|| prepared.zone.clone());
            if *zone != prepared.zone {
                let (found, expected) = (prepared.zone.clone(), zone.clone());
                let wrong = Wrong::Zone { found, expected };
                return Err(EntryFault {
                    index: first,
                    wrong,
                });
            }
        }
        let end = prepared
            .fault
            .as_ref()
            .map_or(u64::MAX, |fault| fault.index);
        let mut postings = prepared.postings.as_slice();
        for (index, entry) in (first..end).zip(&prepared.entries) {
            let (own, rest) = postings.split_at(entry.postings);
            postings = rest;
            self.fold_entry(entry, own, || body(index))
                .map_err(|wrong| EntryFault { index, wrong })?;
        }
        if let Some(fault) = &prepared.fault {
            return Err(fault.clone());
        }
        let index = first;
        for (account, more) in &prepared.totals {
            let totals = self.totals.entry(*account).or_default();
            add_to(totals, Side::Debit, more.debits)
                .and_then(|()| add_to(totals, Side::Credit, more.credits))
                .map_err(|wrong| EntryFault { index, wrong })?;
        }
        self.transfers += prepared.transfers;
        Ok(())
    }

    fn fold_entry<'a>(
        &mut self,
        entry: &PreparedEntry,
        postings: &[Posting],
        body: impl Fn() -> &'a [u8],
    ) -> Result<(), Wrong> {
        if entry.at < self.at {
            return Err(Wrong::Time {
                found: entry.at,
                before: self.at,
            });
        }
        self.at = entry.at;
        if let Some(undone) = entry.reverses
            && self.shard.has(undone)
            && !self.reversed.insert(undone)
        {
            return Err(Wrong::ReversesTwice(undone));
        }
        let mut below = false;
        for posting in postings {
            if self.shard.has(posting.account.shard) {
                below |= self.post(posting).ok_or(Wrong::OutOfRange)? < 0;
            }
        }
        // Guards hold between entries: an account may cross zero and come back within one.
        if below {
            self.check_guards(postings, body())?;
        }
        if self.balances.len() + self.reversed.len() > self.limit {
            self.split();
        }
        Ok(())
    }

    /// The balance after a posting; `None` if it is out of range.
    fn post(&mut self, posting: &Posting) -> Option<i64> {
        use std::collections::hash_map::Entry;
        match self.balances.entry(posting.account) {
            Entry::Vacant(balance) => Some(*balance.insert(posting.change)),
            Entry::Occupied(mut balance) => {
                let after = balance.get().checked_add(posting.change)?;
                if after == 0 {
                    balance.remove();
                } else {
                    balance.insert(after);
                }
                Some(after)
            }
        }
    }

    fn check_guards(&self, postings: &[Posting], body: &[u8]) -> Result<(), Wrong> {
        let balance = |account: AccountKey| self.balances.get(&account).copied().unwrap_or(0);
        let Some(posting) = postings.iter().find(|posting| balance(posting.account) < 0) else {
            return Ok(());
        };
        let entry = Checker::new(self.shard.keys.clone()).check(body)?;
        let address = entry
            .transfers
            .iter()
            .zip(&entry.body.transfers)
            .flat_map(|(transfer, named)| {
                [
                    (transfer.debit, &named.debit),
                    (transfer.credit, &named.credit),
                ]
            })
            .find_map(|(account, named)| (account.key == posting.account).then_some(named))
            .expect("BUG: the posting was made from this entry");
        Err(Wrong::BelowZero {
            address: address.to_string(),
            balance: balance(posting.account),
        })
    }

    /// Goes on with one half of the accounts, and leaves the other for later.
    fn split(&mut self) {
        self.left.push(self.shard.split());
        self.balances
            .retain(|account, _| self.shard.has(account.shard));
        self.reversed.retain(|undone| self.shard.has(*undone));
    }

    /// Time of the newest entry.
    pub fn recorded_at(&self) -> DateTime<Utc> {
        self.at
    }

    /// Checks the books as a whole, when all entries were taken.
    pub fn finish(self) -> Result<Replayed, BooksFault> {
        check_books(&self.totals)?;
        Ok(Replayed {
            zone: self.zone,
            transfers: self.transfers,
            accounts: u64::try_from(self.balances.len()).unwrap_or(u64::MAX),
            totals: self.totals,
            left: self.left,
        })
    }
}

/// Debits and credits of each book in each currency.
pub fn by_book(totals: &Totals) -> BTreeMap<(Book, Currency), AccountTotals> {
    let mut books: BTreeMap<(Book, Currency), AccountTotals> = BTreeMap::new();
    for ((code, currency), more) in totals {
        let book = books.entry((code.book(), *currency)).or_default();
        book.debits = [book.debits, more.debits].into_iter().sum();
        book.credits = [book.credits, more.credits].into_iter().sum();
    }
    books
}

/// Transfers can't break these; a mistake in this program could.
fn check_books(totals: &Totals) -> Result<(), BooksFault> {
    for ((book, currency), AccountTotals { debits, credits }) in by_book(totals) {
        if debits != credits {
            return Err(BooksFault::Unbalanced {
                book,
                currency,
                debits,
                credits,
            });
        }
    }
    for currency in Currency::ALL {
        let balance = |code: AccountCode| {
            let totals = totals.get(&(code, currency)).copied().unwrap_or_default();
            totals.balance(code.normal_side()).minor()
        };
        let authority = balance(AccountCode::B10);
        let others = AccountCode::ALL
            .iter()
            .filter(|code| code.book() == Book::Authority && **code != AccountCode::B10)
            .map(|code| balance(*code))
            .sum();
        if authority != others {
            return Err(BooksFault::Authority {
                currency,
                authority,
                others,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
