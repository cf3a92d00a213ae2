//! Contracts of purchased services (政府购买服务): what a programme has promised to pay for, milestone by milestone.
//!
//! `PROPOSED → IN_FORCE → COMPLETED`, `PROPOSED → REJECTED`, `IN_FORCE → ENDED`. A second person's confirmation reserves the
//! amount (B50), so that nothing else can use it. The provider claims milestones: the approval of a claim turns what is
//! reserved into what is owed, and what is accepted for less, or not delivered before two persons end the contract, goes
//! back. The feature that approves claims works on contracts by [`Contract::accept`] and [`Contract::reopen`] and keeps
//! what came of it by [`write_milestones`].
//!
//! [`model`] is a contract's life without IO.

mod cases;
mod confirm;
mod end;
mod milestone;
pub mod model;
mod named;
mod postings;
mod propose;
mod refused;
pub mod store;

pub use confirm::{ConfirmContract, DecideAnswer, RejectContract, confirm, reject};
pub use end::{ConfirmEnd, EndAnswer, EndContract, RejectEnd, confirm_end, end, reject_end};
pub use milestone::{MilestoneId, MilestoneName, NotAMilestone, write_milestones};
pub use model::{Contract, ContractState, Milestone};
pub use named::find_contract;
pub(crate) use postings::{accepted, reopened};
pub use propose::{ProposeAnswer, ProposeContract, propose};
pub use refused::{ContractRefusal, Refused};
