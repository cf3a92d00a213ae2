//! Documents of any case: kept outside the database and named by their hash, with what each is and which cases rest on it.
//!
//! Bytes are in an object store, before there is a row of them; an entry has the digest, so a document that was altered or
//! lost is told ([`condition`]). Names of files are not kept: they are personal data at times, and lead out of folders.

mod add;
mod check;
mod kind;
mod objects;
pub mod store;

pub use add::{ADDED_BY, Added, EvidenceError, add};
pub use check::{Condition, Finding, condition, copy};
pub use kind::{DEFAULT_LIMIT, Document, MAX_PIXELS, MediaType, Unfit, inspect};
pub use objects::{Objects, ObjectsError};
pub use store::{Kept, Use, known, note_uses, uses};

/// What kind of case a document is used for, such as `redemption`: what its id is the id of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CaseKind(pub &'static str);

impl CaseKind {
    /// A voucher's redemption; its id is that of the hold.
    pub const REDEMPTION: Self = Self("redemption");
    /// A claim: its id is the case.
    pub const CLAIM: Self = Self("claim");
    /// A contract: its id is the case.
    pub const CONTRACT: Self = Self("contract");
}
