//! Older checkpoints, which a log must extend: those kept elsewhere catch what was rewritten since.

use std::collections::VecDeque;

use crate::log::tree::Frontier;
use crate::log::{Checkpoint, CheckpointError, Hash, LogVerifierKey};

/// A state of the log that somebody has kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    /// Where it was kept, for messages.
    pub source: String,
    /// Entries that it covers.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
}

/// Why a kept checkpoint speaks against the log.
#[derive(Debug, thiserror::Error)]
pub enum PinFault {
    /// The kept text is no checkpoint of this log.
    #[error("{source_name} is not accepted")]
    NotAccepted {
        /// Where it was kept.
        source_name: String,
        /// Why.
        source: CheckpointError,
    },
    /// The log was longer once.
    #[error(
        "the log has {size} entries, but {pinned} were signed ({source_name}): its tail was cut"
    )]
    Cut {
        /// Where the checkpoint was kept.
        source_name: String,
        /// Entries in the log.
        size: u64,
        /// Entries that the checkpoint covers.
        pinned: u64,
    },
    /// The log had another content once.
    #[error(
        "the first {pinned} entries are not those that were signed ({source_name}): history was rewritten"
    )]
    Rewritten {
        /// Where the checkpoint was kept.
        source_name: String,
        /// Entries that it covers.
        pinned: u64,
    },
}

impl Pin {
    /// Reads a signed note that was kept outside, and checks its signature.
    pub fn read(source: String, note: &str, key: &LogVerifierKey) -> Result<Self, PinFault> {
        match Checkpoint::verify(note, key) {
            Ok(checkpoint) => Ok(Self {
                source,
                size: checkpoint.size(),
                root: checkpoint.root(),
            }),
            Err(error) => Err(PinFault::NotAccepted {
                source_name: source,
                source: error,
            }),
        }
    }
}

/// Compares pins with a log whose leaves come in order.
#[derive(Debug, Default)]
pub struct PinCheck {
    pins: VecDeque<Pin>,
    checked: u64,
}

impl PinCheck {
    /// For a log of `size` entries.
    pub fn new(mut pins: Vec<Pin>, size: u64) -> Result<Self, PinFault> {
        pins.sort_by_key(|pin| pin.size);
        match pins.pop_if(|pin| pin.size > size) {
            Some(pin) => Err(PinFault::Cut {
                source_name: pin.source,
                size,
                pinned: pin.size,
            }),
            None => Ok(Self {
                pins: pins.into(),
                checked: 0,
            }),
        }
    }

    /// Takes the leaves that follow the tree `before`.
    pub fn advance(&mut self, before: &Frontier, leaves: &[Hash]) -> Result<(), PinFault> {
        let end = before.size() + u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        if self.pins.front().is_none_or(|pin| pin.size > end) {
            return Ok(());
        }
        let mut tree = before.clone();
        let mut leaves = leaves.iter();
        while let Some(pin) = self.pins.pop_front_if(|pin| pin.size <= end) {
            let missing = usize::try_from(pin.size - tree.size()).unwrap_or(usize::MAX);
            for leaf in leaves.by_ref().take(missing) {
                tree.push(*leaf);
            }
            if tree.root() != pin.root {
                return Err(PinFault::Rewritten {
                    source_name: pin.source,
                    pinned: pin.size,
                });
            }
            self.checked += 1;
        }
        Ok(())
    }

    /// Pins that the log was found to extend.
    pub fn checked(&self) -> u64 {
        self.checked
    }
}
