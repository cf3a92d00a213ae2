//! C2SP `tlog-checkpoint`: a signed statement of a log's size and root, and its keys.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};
use ed25519_dalek::SigningKey;
use rand::TryRng;
use rand::rngs::SysRng;
use signed_note::{
    Note, NoteError, StandardSigner, StandardVerifier, VerificationError, Verifier, VerifierList,
};

use super::tree::Hash;

/// Why a key or a checkpoint is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// Not the text of a verifier key.
    #[error(
        "{0:?} is not a verifier key: it has the form <origin>+<8 hex digits>+<base64>, as in the file log.vkey"
    )]
    VerifierKey(String),
    /// Not the text of a signing key; the text is not repeated, since it may be one nearly.
    #[error(
        "the signing key is malformed: it has the form PRIVATE+KEY+<origin>+<8 hex digits>+<base64>"
    )]
    SigningKey,
    /// The system gave no random numbers for a new key.
    #[error("no key can be made: the system gives no random numbers")]
    Randomness,
    /// The origin can't name a key.
    #[error(
        "{0:?} can't be the origin of a log: it must not be empty, nor have spaces or plus signs"
    )]
    Origin(String),
    /// Not a signed note (C2SP `signed-note`).
    #[error("the checkpoint is not a signed note: text, an empty line, lines of signatures")]
    Note,
    /// A signed note, but its text is no checkpoint.
    #[error("the signed note is not a checkpoint: origin, size and root, one line each")]
    Text,
    /// A checkpoint of another log.
    #[error("the checkpoint is of the log {found:?}, not of {expected:?}")]
    OtherLog {
        /// The origin in the checkpoint.
        found: String,
        /// The origin of the key.
        expected: String,
    },
    /// The key did not sign it.
    #[error("the checkpoint bears no signature of the key {0}")]
    NotSigned(String),
    /// The signature is wrong: the text was changed after signing, or the signature was.
    #[error("the checkpoint's signature of the key {0} is wrong: it was altered after signing")]
    WrongSignature(String),
}

/// The key that signs a log's checkpoints (Ed25519). It must stay outside the database.
pub struct LogSigningKey {
    origin: String,
    secret: SigningKey,
    signer: StandardSigner,
}

impl LogSigningKey {
    /// A new key for the log of that origin.
    pub fn generate(origin: &str) -> Result<Self, CheckpointError> {
        let mut secret = [0; ed25519_dalek::SECRET_KEY_LENGTH];
        SysRng
            .try_fill_bytes(&mut secret)
            .map_err(|_| CheckpointError::Randomness)?;
        Self::from_secret(origin, SigningKey::from_bytes(&secret))
    }

    fn from_secret(origin: &str, secret: SigningKey) -> Result<Self, CheckpointError> {
        if !signed_note::is_key_name_valid(origin) {
            return Err(CheckpointError::Origin(origin.to_owned()));
        }
        let signer = StandardSigner::new(&signing_key_text(origin, &secret))
            .map_err(|_| CheckpointError::SigningKey)?;
        Ok(Self {
            origin: origin.to_owned(),
            secret,
            signer,
        })
    }

    /// The origin of the log whose checkpoints it signs.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The text to be kept in a file that nobody else can read.
    pub fn to_text(&self) -> String {
        signing_key_text(&self.origin, &self.secret)
    }

    /// The key to be given to everybody.
    pub fn verifier(&self) -> LogVerifierKey {
        signed_note::new_ed25519_verifier_key(&self.origin, &self.secret.verifying_key())
            .parse()
            .expect("BUG: a key gives a well-formed verifier key")
    }
}

/// The form of Go's `sumdb/note`, which [`StandardSigner`] reads and can't write.
fn signing_key_text(origin: &str, secret: &SigningKey) -> String {
    let tagged = |key: &[u8]| [&[ED25519], key].concat();
    let id = signed_note::key_id(origin, &tagged(secret.verifying_key().as_bytes()));
    let secret = BASE64_STANDARD.encode(tagged(secret.as_bytes()));
    format!("PRIVATE+KEY+{origin}+{id:08x}+{secret}")
}

/// Signature type of C2SP `signed-note`.
const ED25519: u8 = 1;

impl FromStr for LogSigningKey {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::SigningKey;
        let mut parts = text.trim_end().splitn(5, '+').skip(2);
        let (Some(origin), Some(_id), Some(secret)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed);
        };
        let tagged = BASE64_STANDARD.decode(secret).ok();
        let secret = tagged.and_then(|bytes| match bytes.split_first() {
            Some((&ED25519, secret)) => SigningKey::try_from(secret).ok(),
            _ => None,
        });
        let key = Self::from_secret(origin, secret.ok_or(CheckpointError::SigningKey)?)?;
        if key.to_text() == text.trim_end() {
            Ok(key)
        } else {
            Err(malformed)
        }
    }
}

/// Without the secret.
impl fmt::Debug for LogSigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogSigningKey({})", self.verifier())
    }
}

/// The key that checks a log's checkpoints. Its text, a C2SP vkey, names the log's origin.
#[derive(Clone)]
pub struct LogVerifierKey {
    text: String,
    verifier: StandardVerifier,
}

impl LogVerifierKey {
    /// The origin of the log.
    pub fn origin(&self) -> &str {
        self.verifier.name()
    }
}

impl FromStr for LogVerifierKey {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let text = text.trim();
        let verifier = StandardVerifier::new(text)
            .map_err(|_| CheckpointError::VerifierKey(text.to_owned()))?;
        Ok(Self {
            text: text.to_owned(),
            verifier,
        })
    }
}

impl PartialEq for LogVerifierKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for LogVerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for LogVerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogVerifierKey({self})")
    }
}

/// A checkpoint whose signature was checked, or just made.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    size: u64,
    root: Hash,
    note: String,
}

impl Checkpoint {
    /// Signs the size and root of the key's log.
    pub fn sign(key: &LogSigningKey, size: u64, root: Hash) -> Self {
        let text = tlog_tiles::Checkpoint::new(key.origin(), size, root, "")
            .expect("BUG: a key's origin is not empty")
            .to_bytes();
        let mut note = Note::new(&text, &[]).expect("BUG: an origin, a number and base64");
        note.add_sigs(&[&key.signer])
            .expect("BUG: signing with Ed25519 can't fail");
        let note = String::from_utf8(note.to_bytes()).expect("BUG: a note is text");
        Self { size, root, note }
    }

    /// Reads a signed note and checks that the key's log signed it. Signatures of other keys, such as
    /// those of witnesses, are left aside, as the standard demands.
    pub fn verify(note: &str, key: &LogVerifierKey) -> Result<Self, CheckpointError> {
        let signed = Note::from_bytes(note.as_bytes()).map_err(|_| CheckpointError::Note)?;
        let text =
            tlog_tiles::Checkpoint::from_bytes(signed.text()).map_err(|_| CheckpointError::Text)?;
        if text.origin() != key.origin() {
            return Err(CheckpointError::OtherLog {
                found: text.origin().to_owned(),
                expected: key.origin().to_owned(),
            });
        }
        let known = VerifierList::new(vec![Box::new(key.verifier.clone())]);
        signed.verify(&known).map_err(|error| match error {
            NoteError::UnverifiedNote
            | NoteError::VerificationError(VerificationError::UnknownKey { .. }) => {
                CheckpointError::NotSigned(key.to_string())
            }
            NoteError::InvalidSignature { .. } | NoteError::SignatureError(_) => {
                CheckpointError::WrongSignature(key.to_string())
            }
            NoteError::MalformedNote
            | NoteError::InvalidSigner
            | NoteError::MismatchedVerifier
            | NoteError::VerificationError(VerificationError::AmbiguousKey { .. }) => {
                CheckpointError::Note
            }
        })?;
        Ok(Self {
            size: text.size(),
            root: *text.hash(),
            note: note.to_owned(),
        })
    }

    /// Entries that it covers.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The RFC 6962 root over them.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// The signed note, byte for byte.
    pub fn note(&self) -> &str {
        &self.note
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::EMPTY_HASH;
    use super::*;

    fn key() -> LogSigningKey {
        LogSigningKey::from_secret("log.example/sh", SigningKey::from_bytes(&[7; 32])).unwrap()
    }

    #[test]
    fn keys_read_back() {
        let key = LogSigningKey::generate("log.example/sh").unwrap();
        let again: LogSigningKey = format!("{}\n", key.to_text()).parse().unwrap();
        assert_eq!(again.verifier(), key.verifier());
        assert_eq!(key.verifier().origin(), "log.example/sh");
        assert!(!format!("{key:?}").contains("PRIVATE"));
    }

    #[test]
    fn bad_keys_are_refused() {
        let good = key().to_text();
        for bad in [
            "",
            "PRIVATE+KEY",
            &good[1..],
            &good[..good.len() - 2],
            &good.replace("sh", "hs"),
        ] {
            assert!(bad.parse::<LogSigningKey>().is_err(), "{bad}");
        }
        let good = key().verifier().to_string();
        for bad in ["", "a+b", &good[1..], &good[..good.len() - 2]] {
            assert!(matches!(
                bad.parse::<LogVerifierKey>(),
                Err(CheckpointError::VerifierKey(_))
            ));
        }
        assert!(matches!(
            LogSigningKey::generate("a b"),
            Err(CheckpointError::Origin(_))
        ));
    }

    #[test]
    fn a_checkpoint_has_the_form_of_the_standard() {
        let checkpoint = Checkpoint::sign(&key(), 12, EMPTY_HASH);
        let lines: Vec<&str> = checkpoint.note().lines().collect();
        assert_eq!(
            lines[..4],
            [
                "log.example/sh",
                "12",
                "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                ""
            ]
        );
        assert!(lines[4].starts_with("— log.example/sh ") && lines.len() == 5);
        let read = Checkpoint::verify(checkpoint.note(), &key().verifier()).unwrap();
        assert_eq!(read, checkpoint);
    }

    #[test]
    fn signatures_of_others_are_left_aside() {
        let witness = LogSigningKey::generate("witness.example").unwrap();
        let signed = Checkpoint::sign(&key(), 1, EMPTY_HASH);
        let mut note = Note::from_bytes(signed.note().as_bytes()).unwrap();
        note.add_sigs(&[&witness.signer]).unwrap();
        let note = String::from_utf8(note.to_bytes()).unwrap();
        assert_eq!(
            Checkpoint::verify(&note, &key().verifier()).unwrap().size(),
            1
        );
    }

    #[test]
    fn what_was_altered_is_named() {
        let note = Checkpoint::sign(&key(), 12, EMPTY_HASH).note().to_owned();
        let verify = |note: &str| Checkpoint::verify(note, &key().verifier()).unwrap_err();
        assert!(matches!(verify(""), CheckpointError::Note));
        assert!(matches!(
            verify(&note[..note.len() - 1]),
            CheckpointError::Note
        ));
        assert!(matches!(
            verify(&note.replace("\n12\n", "\n012\n")),
            CheckpointError::Text
        ));
        assert!(matches!(
            verify(&note.replace("\n12\n", "\n13\n")),
            CheckpointError::WrongSignature(_)
        ));
        let other = LogSigningKey::generate("log.example/sh").unwrap();
        let by_other = Checkpoint::sign(&other, 12, EMPTY_HASH);
        assert!(matches!(
            verify(by_other.note()),
            CheckpointError::NotSigned(_)
        ));
        let elsewhere = LogSigningKey::generate("log.example/bj").unwrap();
        let of_other = Checkpoint::sign(&elsewhere, 12, EMPTY_HASH);
        assert!(matches!(
            verify(of_other.note()),
            CheckpointError::OtherLog { .. }
        ));
    }
}
