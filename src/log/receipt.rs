//! Receipts: C2SP `tlog-proof@v1` texts that prove offline that an entry is in the log.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine};

use super::checkpoint::{Checkpoint, CheckpointError, LogVerifierKey};
use super::proof::{ProofError, check_inclusion};
use super::tree::{Hash, leaf_hash};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Why a receipt proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReceiptError {
    /// A line that is not as the standard says.
    #[error("line {line} of the receipt is not {expected}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// The checkpoint in it is not accepted.
    #[error("the receipt's checkpoint is not accepted")]
    Checkpoint(#[from] CheckpointError),
    /// The entry is not in the log of the checkpoint.
    #[error("the receipt's entry is not in the log that its checkpoint states")]
    Proof(#[from] ProofError),
}

/// An entry with the proof that it is in the log. It says all by itself: the entry's bytes are in
/// the line `extra`, from which a verifier computes the leaf hash again, so they need no trust.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// Log index of the entry.
    pub index: u64,
    /// The entry's bytes.
    pub body: Vec<u8>,
    /// Inclusion proof in the checkpoint's tree, the leaf's sibling first.
    pub proof: Vec<Hash>,
    /// The signed checkpoint, byte for byte.
    pub checkpoint: String,
}

impl Receipt {
    /// Checks that the log of that key contains the entry; returns the checkpoint that says so.
    pub fn verify(&self, key: &LogVerifierKey) -> Result<Checkpoint, ReceiptError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, key)?;
        let leaf = leaf_hash(&self.body);
        check_inclusion(
            &self.proof,
            self.index,
            leaf,
            checkpoint.size(),
            checkpoint.root(),
        )?;
        Ok(checkpoint)
    }
}

/// The text to be kept in a file with the extension `.tlog-proof`.
impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        writeln!(f, "extra {}", BASE64_STANDARD.encode(&self.body))?;
        writeln!(f, "index {}", self.index)?;
        for hash in &self.proof {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Receipt {
    type Err = ReceiptError;

    fn from_str(text: &str) -> Result<Self, ReceiptError> {
        let bad = |line, expected| ReceiptError::Line { line, expected };
        let separated = "followed by an empty line and a checkpoint";
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(bad(1, separated))?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(bad(1, HEADER));
        }
        let body = lines
            .next()
            .and_then(|line| BASE64_STANDARD.decode(line.strip_prefix("extra ")?).ok())
            .ok_or(bad(2, "`extra` and the entry in base64"))?;
        let index = lines
            .next()
            .and_then(|line| canonical_number(line.strip_prefix("index ")?))
            .ok_or(bad(3, "`index` and a number"))?;
        let proof = (4..)
            .zip(lines)
            .map(|(line, text)| {
                Hash::parse_hash(text).map_err(|_| bad(line, "a hash of 32 bytes in base64"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            index,
            body,
            proof,
            checkpoint: checkpoint.to_owned(),
        })
    }
}

/// A decimal without sign or leading zeros.
fn canonical_number(text: &str) -> Option<u64> {
    text.parse()
        .ok()
        .filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::super::checkpoint::LogSigningKey;
    use super::super::tree::node_hash;
    use super::*;

    fn receipt(key: &LogSigningKey) -> Receipt {
        let sibling = leaf_hash(b"first");
        let root = node_hash(sibling, leaf_hash(b"second"));
        Receipt {
            index: 1,
            body: b"second".to_vec(),
            proof: vec![sibling],
            checkpoint: Checkpoint::sign(key, 2, root).note().to_owned(),
        }
    }

    #[test]
    fn reads_back_and_verifies() {
        let key = LogSigningKey::generate("log.example/sh").unwrap();
        let text = receipt(&key).to_string();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra c2Vjb25k\nindex 1\n"));
        let read: Receipt = text.parse().unwrap();
        assert_eq!(read, receipt(&key));
        assert_eq!(read.verify(&key.verifier()).unwrap().size(), 2);
    }

    #[test]
    fn what_was_altered_is_refused() {
        let key = LogSigningKey::generate("log.example/sh").unwrap();
        let good = receipt(&key);
        let verify = |receipt: Receipt| receipt.verify(&key.verifier()).unwrap_err();
        let body = b"other".to_vec();
        assert!(matches!(
            verify(Receipt {
                body,
                ..good.clone()
            }),
            ReceiptError::Proof(_)
        ));
        assert!(matches!(
            verify(Receipt {
                index: 0,
                ..good.clone()
            }),
            ReceiptError::Proof(_)
        ));
        assert!(matches!(
            verify(Receipt {
                index: 2,
                ..good.clone()
            }),
            ReceiptError::Proof(_)
        ));
        assert!(matches!(
            verify(Receipt {
                proof: vec![],
                ..good.clone()
            }),
            ReceiptError::Proof(_)
        ));
        let checkpoint = good.checkpoint.replace("\n2\n", "\n3\n");
        assert!(matches!(
            verify(Receipt { checkpoint, ..good }),
            ReceiptError::Checkpoint(_)
        ));
    }

    #[test]
    fn the_first_bad_line_is_named() {
        let key = LogSigningKey::generate("log.example/sh").unwrap();
        let good = receipt(&key).to_string();
        let line = |text: String| match text.parse::<Receipt>() {
            Err(ReceiptError::Line { line, .. }) => line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line(String::new()), 1);
        assert_eq!(line(good.replace("@v1", "@v2")), 1);
        assert_eq!(line(good.replace("extra c", "extra !")), 2);
        assert_eq!(line(good.replace("index 1", "index 01")), 3);
        assert_eq!(line(good.replace("=\n\n", "\n\n")), 4);
    }
}
