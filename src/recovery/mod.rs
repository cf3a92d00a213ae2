//! Money back (追回): what was paid and should not have been, from a proposal to the last fen.
//!
//! Proposed with a cause → ordered by a second person → paid back by lines of the bank, in instalments if finance plans
//! them, or offset against what the party is owed; the rest may be written off. What is asked back is all that was paid,
//! or what was paid beyond the amount that the very rules which decided give on corrected facts. [`model`] is its life,
//! [`fine`] a range that the law provides, as information; both without IO.

mod cases;
mod decide;
pub mod fine;
pub mod model;
mod named;
mod offset;
mod plan;
mod postings;
mod propose;
mod receive;
mod refused;
mod returned;
mod rightful;
pub mod store;
mod write_off;

pub use decide::{
    DUE_DAYS, DecideAnswer, MOST_DUE_DAYS, OrderRecovery, RejectRecovery, VoidRecovery, order,
    reject, void,
};
pub use model::{Basis, Cause, Recovery, RecoveryState};
pub use named::find_recovery;
pub use offset::{OffsetAnswer, OffsetRecovery, offset};
pub use plan::{PlanAnswer, PlanRecovery, plan};
pub use propose::{ProposeAnswer, ProposeRecovery, propose};
pub use receive::{ReceiveAnswer, ReceiveRecovery, receive};
pub use refused::{RecoveryRefusal, Refused};
pub use returned::{ReturnError, return_payment};
pub use write_off::{
    ApproveWriteOff, ProposeWriteOff, RejectWriteOff, WriteOffAnswer, approve_write_off,
    propose_write_off, reject_write_off,
};
