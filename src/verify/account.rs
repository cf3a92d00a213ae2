//! Accounts as a replay knows them: read once from their addresses, then recognised.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use crate::journal::{AccountCode, Address, AddressError};
use crate::types::Currency;

/// Stands for an account: two hashes of its address with secret keys, so that nobody can make two
/// accounts that look the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AccountKey {
    pub(super) place: u64,
    pub(super) shard: u64,
}

impl Hash for AccountKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.place);
    }
}

/// The keys of those hashes, chosen anew for every verification.
#[derive(Clone, Debug, Default)]
pub(super) struct AccountKeys(RandomState, RandomState);

impl AccountKeys {
    pub(super) fn key(&self, address: &str) -> AccountKey {
        AccountKey {
            place: self.0.hash_one(address),
            shard: self.1.hash_one(address),
        }
    }
}

/// What an address says, as far as a replay asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The kind of account.
    pub code: AccountCode,
    /// Its currency.
    pub currency: Currency,
    pub(super) key: AccountKey,
}

/// How many addresses are remembered: about 10 MB.
const REMEMBERED: usize = 65_536;

/// Reads addresses. Most entries name accounts that entries before them named, so an address that was
/// read is remembered.
#[derive(Debug)]
pub(super) struct Addresses {
    keys: AccountKeys,
    known: HashMap<Box<str>, Account, foldhash::fast::RandomState>,
}

impl Addresses {
    pub(super) fn new(keys: AccountKeys) -> Self {
        Self {
            keys,
            known: HashMap::default(),
        }
    }

    /// The account of an address.
    pub(super) fn read(&mut self, text: &str) -> Result<Account, AddressError> {
        if let Some(account) = self.known.get(text) {
            return Ok(*account);
        }
        let address: Address = text.parse()?;
        let account = Account {
            code: address.code,
            currency: address.currency,
            key: self.keys.key(text),
        };
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(text.into(), account);
        Ok(account)
    }
}
