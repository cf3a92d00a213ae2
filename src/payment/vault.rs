//! The key of bank accounts, which is outside of the database: what is sealed with it, only this folder opens
//! ([ADR 17](../../docs/adr/0017-accounts-are-sealed-with-a-key-outside.md)).
//!
//! The key folder (`<data>/keys`) holds `<code>.bank-key` for each zone: 32 random bytes in hexadecimal, readable by
//! their owner only. From it come a key that seals (AES-256-GCM-SIV, RFC 8452) and one that marks (HMAC-SHA-256).

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aes_gcm_siv::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rand::TryRng as _;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

use super::bank_account::BankAccount;
use super::store;
use crate::types::{AccountId, PartyId, Zone, ZoneId, hex};

/// What sealed bytes begin with.
const VERSION: u8 = 1;
/// RFC 8452: 96 bits, drawn anew for each row.
const NONCE: usize = 12;

/// Why the key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key's file can't be read or made.
    #[error("{action} {path} failed")]
    File {
        /// What was done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Accounts were sealed, and the key is not there.
    #[error(
        "the key of the bank accounts of zone {zone} is not in {path}, but accounts were sealed with it: restore the \
         folder from its backup, or run with the data folder that has it"
    )]
    Missing {
        /// The zone's code.
        zone: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// Others can read the key.
    #[error("others can read the key {0}: run chmod 600 on it, and consider it known")]
    Exposed(PathBuf),
    /// The file holds no key.
    #[error("{0} holds no key (64 hexadecimal digits): restore it from its backup")]
    NoKey(PathBuf),
    /// What is in the database was not sealed with it, or was changed.
    #[error(
        "bank account {account} can't be opened with {path}: it was sealed with another key, or its row was changed; \
         restore the folder from its backup, and run `subsidy-ledger verify`"
    )]
    Sealed {
        /// Which account.
        account: AccountId,
        /// The key's file.
        path: PathBuf,
    },
    /// The system gave no random numbers.
    #[error("no key or nonce can be made: the system gives no random numbers")]
    Random,
    /// Postgres failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Whose account it is, in which row: sealed bytes open only there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) account: AccountId,
    /// `None` is the zone itself.
    pub(super) party: Option<PartyId>,
}

/// An account as the database keeps it.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    pub(super) bytes: Vec<u8>,
    pub(super) number_mark: [u8; 32],
    pub(super) holder_mark: [u8; 32],
    pub(super) masked: String,
    /// SHA-256 of what is sealed, a salt among it: what the entry says of the account.
    pub(super) commitment: [u8; 32],
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Plain {
    account: BankAccount,
    salt: String,
}

/// The key of a zone's bank accounts, in use.
#[derive(Clone)]
pub struct Vault {
    zone: ZoneId,
    path: PathBuf,
    seal: Aes256GcmSiv,
    mark: [u8; 32],
}

/// Nothing of the key.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Opens the key of a zone in the key folder. Makes it when the zone has no account yet; after that, a missing key
    /// is an error, and so is another one.
    pub async fn open(
        conn: &mut PgConnection,
        zone: &Zone,
        folder: &Path,
    ) -> Result<Self, VaultError> {
        let path = folder.join(format!("{}.bank-key", zone.code));
        let newest = store::newest_sealed(conn, zone.id).await?;
        let key = match read_key(&path)? {
            Some(key) => key,
            None if newest.is_none() => make_key(folder, &path)?,
            None => {
                let zone = zone.code.to_string();
                return Err(VaultError::Missing { zone, path });
            }
        };
        let vault = Self::new(zone.id, path, &key);
        if let Some((seat, sealed)) = newest {
            vault.open_sealed(seat, &sealed)?;
        }
        Ok(vault)
    }

    fn new(zone: ZoneId, path: PathBuf, key: &[u8; 32]) -> Self {
        let seal = hmac(key, &[b"subsidy-ledger bank account: seal"]);
        Self {
            zone,
            path,
            seal: Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(seal)),
            mark: hmac(key, &[b"subsidy-ledger bank account: mark"]),
        }
    }

    /// Seals an account for its row.
    pub(super) fn seal(&self, seat: Seat, account: &BankAccount) -> Result<Sealed, VaultError> {
        let plain = Plain {
            account: account.clone(),
            salt: hex(&random::<16>()?),
        };
        let plain = serde_json::to_vec(&plain).expect("BUG: an account can be written as JSON");
        let nonce = random::<NONCE>()?;
        let aad = self.bound_to(seat);
        let payload = Payload {
            msg: &plain,
            aad: &aad,
        };
        let sealed = self.seal.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.expect("BUG: an account is shorter than 64 GiB");
        Ok(Sealed {
            bytes: [&[VERSION], nonce.as_slice(), &sealed].concat(),
            number_mark: self.mark_number(account.number.as_str()),
            holder_mark: self.mark_holder(account.holder.as_str()),
            masked: account.number.masked(),
            commitment: Sha256::digest(&plain).into(),
        })
    }

    /// Opens the account of a row.
    pub(super) fn open_sealed(&self, seat: Seat, sealed: &[u8]) -> Result<BankAccount, VaultError> {
        let refused = || VaultError::Sealed {
            account: seat.account,
            path: self.path.clone(),
        };
        let (version, rest) = sealed.split_first().ok_or_else(refused)?;
        let (nonce, msg) = rest.split_at_checked(NONCE).ok_or_else(refused)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| refused())?;
        if *version != VERSION {
            return Err(refused());
        }
        let aad = self.bound_to(seat);
        let plain = self
            .seal
            .decrypt(&Nonce::from(nonce), Payload { msg, aad: &aad });
        let plain = plain.map_err(|_| refused())?;
        let plain: Plain = serde_json::from_slice(&plain).map_err(|_| refused())?;
        Ok(plain.account)
    }

    /// A mark that is equal where the account number is.
    pub(super) fn mark_number(&self, number: &str) -> [u8; 32] {
        hmac(&self.mark, &[b"number", number.as_bytes()])
    }

    /// A mark that is equal where the holder's name is: without spaces, with full-width forms as plain ones.
    pub(super) fn mark_holder(&self, name: &str) -> [u8; 32] {
        let name: String = name.nfkc().filter(|c| !c.is_whitespace()).collect();
        hmac(&self.mark, &[b"holder", name.to_lowercase().as_bytes()])
    }

    /// Zone, table, party and row: bytes that are moved elsewhere don't open.
    fn bound_to(&self, seat: Seat) -> Vec<u8> {
        let party = seat.party.map_or(Uuid::nil(), |party| party.0);
        let (zone, account) = (self.zone, seat.account);
        format!("ledger.bank_account {zone} {party} {account}").into_bytes()
    }
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("BUG: HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
        mac.update(&[0]);
    }
    mac.finalize().into_bytes().into()
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|_| VaultError::Random)?;
    Ok(bytes)
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> VaultError {
    let path = path.to_path_buf();
    move |source| VaultError::File {
        action,
        path,
        source,
    }
}

fn read_key(path: &Path) -> Result<Option<[u8; 32]>, VaultError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(file_error("reading", path)(error)),
    };
    let metadata = fs::metadata(path).map_err(file_error("reading", path))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(VaultError::Exposed(path.to_path_buf()));
    }
    let no_key = || VaultError::NoKey(path.to_path_buf());
    let digits: Vec<char> = text.trim().chars().collect();
    let bytes: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok())
        .collect();
    let key = bytes.ok_or_else(no_key)?.try_into();
    key.map(Some).map_err(|_| no_key())
}

/// Makes the key; when another process has made it meanwhile, takes that one.
fn make_key(folder: &Path, path: &Path) -> Result<[u8; 32], VaultError> {
    fs::create_dir_all(folder).map_err(file_error("making", folder))?;
    let key = random::<32>()?;
    let new = folder.join(format!(".bank-key-{}", Uuid::now_v7()));
    let write = || {
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(format!("{}\n", hex(&key)).as_bytes())?;
        file.sync_all()?;
        // Whole or not at all, and never over another's.
        let linked = fs::hard_link(&new, path);
        fs::remove_file(&new)?;
        fs::File::open(folder)?.sync_all()?;
        linked
    };
    match write() {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read_key(path)?.ok_or_else(|| VaultError::NoKey(path.to_path_buf()))
        }
        Err(error) => Err(file_error("making", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(byte: u8) -> Vault {
        Vault::new(ZoneId(1), PathBuf::from("key"), &[byte; 32])
    }

    fn account() -> BankAccount {
        BankAccount {
            holder: "上海某某科技有限公司".parse().unwrap(),
            number: "6222021001112345".parse().unwrap(),
            bank: "102290000012".parse().unwrap(),
            bank_name: None,
        }
    }

    #[test]
    fn sealed_bytes_open_in_their_row_with_their_key_only() {
        let party = Some(PartyId::generate());
        let seat = Seat {
            account: AccountId::generate(),
            party,
        };
        let sealed = vault(1).seal(seat, &account()).unwrap();
        assert_eq!(
            vault(1).open_sealed(seat, &sealed.bytes).unwrap(),
            account()
        );
        assert_eq!(sealed.masked, "…2345");
        let again = vault(1).seal(seat, &account()).unwrap();
        assert!(again.bytes != sealed.bytes && again.commitment != sealed.commitment);
        assert_eq!(again.number_mark, sealed.number_mark);

        let other = AccountId::generate();
        let elsewhere = [
            Seat {
                account: other,
                party,
            },
            Seat {
                party: None,
                ..seat
            },
        ];
        for seat in elsewhere {
            assert!(vault(1).open_sealed(seat, &sealed.bytes).is_err());
        }
        assert!(vault(2).open_sealed(seat, &sealed.bytes).is_err());
        for at in 0..sealed.bytes.len() {
            let mut changed = sealed.bytes.clone();
            changed[at] ^= 1;
            assert!(vault(1).open_sealed(seat, &changed).is_err(), "byte {at}");
            assert!(
                vault(1).open_sealed(seat, &sealed.bytes[..at]).is_err(),
                "cut at {at}"
            );
        }
    }

    #[test]
    fn marks_are_equal_where_names_and_numbers_are() {
        let vault = vault(1);
        assert_eq!(
            vault.mark_holder("ABC （上海） 公司"),
            vault.mark_holder("abc(上海)公司")
        );
        assert_ne!(vault.mark_holder("甲公司"), vault.mark_holder("乙公司"));
        assert_ne!(vault.mark_number("1"), vault.mark_holder("1"));
        assert_ne!(vault.mark_number("1"), self::vault(2).mark_number("1"));
    }

    #[test]
    fn a_key_is_made_once_and_kept_from_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("TEST.bank-key");
        assert!(read_key(&path).unwrap().is_none());
        let key = make_key(folder.path(), &path).unwrap();
        assert_eq!(read_key(&path).unwrap(), Some(key));
        assert_eq!(make_key(folder.path(), &path).unwrap(), key);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(read_key(&path), Err(VaultError::Exposed(_))));
        fs::remove_file(&path).unwrap();
        for bad in ["", "abc", &"g".repeat(64), &"a".repeat(62)] {
            fs::write(&path, bad).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            assert!(
                matches!(read_key(&path), Err(VaultError::NoKey(_))),
                "{bad}"
            );
        }
    }
}
