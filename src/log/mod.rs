//! The transparency log of a zone: tree, tiles, checkpoints, proofs.
//!
//! One RFC 6962 tree of SHA-256 hashes per zone over the bytes of its entries, published in the
//! formats of the C2SP (`tlog-tiles`, `tlog-checkpoint`, `signed-note`, `tlog-proof`), so that
//! verifiers which this project did not write can check it. In reading order:
//!
//! * [`tree`], [`tile`], [`checkpoint`], [`proof`], [`receipt`]: pure;
//! * [`store`]: the tables, written under the lock of the zone's log head;
//! * [`signer`]: the key and the memory of what it signed, both outside the database;
//! * [`bundle`]: the whole log as a folder of files, written and read back.

pub mod tree;

pub mod tile;

pub mod checkpoint;

pub mod proof;

pub mod receipt;

pub mod store;

pub mod signer;

pub mod bundle;

pub use checkpoint::{Checkpoint, CheckpointError, LogSigningKey, LogVerifierKey};
pub use receipt::Receipt;
pub use store::{Head, LogError, append, head, lock_head, open};
pub use tree::{Hash, leaf_hash};
