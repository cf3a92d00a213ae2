//! Enterprises, carriers and providers, and the groups of them under one controller.
//!
//! A party is registered once, by one entry, under an identity that tells it from all others:
//! its unified social credit code, or, where it has none, what the office knows it by.

mod generate;
mod group;
mod identity;
mod import;
mod name;
mod register;
pub mod store;
mod uscc_override;

pub use generate::{MOST_GENERATED, generate, write_csv};
pub use group::assign_group;
pub use identity::{
    ContestedUscc, Identity, NotContested, OfficeNumber, PartyRole, Roles, UnknownPartyRole,
};
pub use import::{FIELDS, ImportError, ImportReport, ImportRow, Plan, apply, plan, read};
pub use register::{NewParty, PartyError, Registered, register};
pub use store::{ControllerGroup, Filter, Party, Undertaking};
pub use uscc_override::{ProposedOverride, confirm_override, propose_override};
