//! Facts of parties: stated with source and time, never overwritten, and merged into what a decision sees.
//!
//! A *statement* is one entry about one party: facts from one source ([`Source`](crate::policy::Source)) for one time
//! ([`When`]). Declared, verified and imported values stand beside each other; [`merge`] says which of them count on a
//! day, and [`snapshot`] adds what the register of parties knows. What only the office may say is proposed by one person
//! and confirmed by another ([`propose`], [`confirm`]), and can be said of every party of the zone at once. The facts of
//! registers come by their files ([`Register`]), or by published rules and two persons ([`recognise`], [`revoke()`]).
//!
//! Whoever states facts of a zone holds one lock from the comparison with what is recorded until commit, so that two who
//! say the same at once don't both record it.

mod case;
mod cell;
mod complete;
mod confirm;
mod confirm_all;
mod determine;
mod error;
mod file;
mod import;
mod ledger;
mod merge;
mod numbers;
mod parties;
mod possible;
mod recognise;
mod recognised;
mod recorded;
mod reference;
mod register;
mod revoke;
mod snapshot;
mod state;
mod statement;
pub mod store;
mod values;

pub(crate) use case::{said_by_applicant, with_identity};
pub use complete::{Next, NotNamed};
pub use confirm::{Determination, Kind, Registered, confirm, confirm_recognition};
pub use confirm_all::{ConfirmedAll, confirm_next};
pub use determine::{Proposal, propose};
pub use error::FactsError;
pub use file::{FactFile, FileError, FileOptions, digest, fields};
pub use import::{Corrections, ImportReport, Plan, apply, plan};
pub(crate) use ledger::InLedger;
pub use merge::{Head, Settled, merge};
pub use parties::party_named;
pub use possible::{Impossible, impossible};
pub use recognise::{Recognised, RecognisedAll, recognise, recognise_next};
pub use recognised::register_of;
pub use reference::{markdown, rows};
pub use register::{LASTING, NotARegister, Register, expired};
pub use revoke::{Revocation, revoke};
pub use snapshot::{identity_facts, snapshot};
pub use state::{NewStatement, Stated, state};
pub use statement::{NotStatable, Statement, When, WrongTime};
pub use values::Values;
