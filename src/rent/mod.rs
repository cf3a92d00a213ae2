//! Rent between carriers and their tenants: leases, bills, waivers (减免) and deferrals (缓征).
//!
//! Memo only: no command here touches public money. A claim takes what a [`ReliefBook`] says, and [`mark_claimed`]
//! keeps it from being taken twice. [`bill`] is where a month's rent lies, [`waiver`] and [`deferral`] are their lives,
//! all without IO. Each command takes many requests and answers each on its own, in one transaction ([`crate::batch`]).

mod add;
pub mod bill;
mod cases;
mod charge;
mod claim;
mod defer;
pub mod deferral;
mod end;
mod exact;
mod judge;
pub mod lease;
mod month;
mod named;
mod postings;
mod refused;
pub mod store;
mod waive;
pub mod waiver;

pub use add::{AddLease, LeaseAnswer, add_lease};
pub use cases::MoveText;
pub use charge::{BillRent, PayRent, RentAnswer, bill_month, bill_rent, pay_rent};
pub use claim::{
    ClaimWaiver, MonthMeasure, Relief, ReliefBook, ReliefForClaim, Waiting, lock_waivers,
    mark_claimed, release_claimed, relief_for_claim,
};
pub use defer::{
    ConvertDeferral, DefaultDeferral, DeferRent, DeferralAnswer, InstalmentText, PaidText,
    PayInstalment, convert_deferral, default_deferral, defer_rent, pay_instalment,
};
pub use deferral::Deferral;
pub use end::{EndLease, end_lease};
pub use judge::{
    AuditWaiver, ConfirmWaiver, SettleWaiver, VoidWaiver, audit_waiver, confirm_waiver,
    settle_waiver, void_waiver,
};
pub use lease::{Area, AreaError, Charges, Lease};
pub use month::{Month, MonthError};
pub use named::{find_deferral, find_lease, find_waiver};
pub use refused::{Refused, RentRefusal};
pub use waive::{Waive, WaiverAnswer, waive};
pub use waiver::{Measure, Waiver, WaiverState, Way};
