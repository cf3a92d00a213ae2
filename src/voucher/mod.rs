//! Innovation vouchers: applied for, issued, held for an order, redeemed, expired.
//!
//! [`model`] is a voucher's life without IO, and `postings` what each step of it moves in the books. Each
//! command takes many requests and answers each on its own, in one transaction ([`crate::batch`]).

mod apply;
mod documents;
mod earlier;
mod end;
mod freeze;
mod hold;
mod issue;
pub mod model;
mod named;
mod postings;
mod quota;
mod redeem;
mod replay;
mod review;
mod rules;
pub mod run;
pub mod store;
mod usage;
mod wind_up;

pub use apply::{Applied, Apply, apply};
pub use earlier::{Earlier, Known, earlier_by_party};
pub use end::{Cancel, EndAnswer, Expire, Release, cancel, expire, expire_due, release};
pub use freeze::{Freeze, FreezeAnswer, freeze};
pub use hold::{HoldAnswer, PlaceHold, hold};
pub use issue::{Issue, IssueAnswer, issue};
pub use model::{Hold, HoldState, Parts, Voucher, VoucherRefusal, VoucherState};
pub use named::{find_hold, find_run, find_voucher};
pub use redeem::{Redeem, RedeemAnswer, redeem};

/// A refusal of a voucher command.
pub type Refused = crate::batch::Refused<VoucherRefusal>;
pub use replay::{DecidedEntry, KeptFacts, facts_of_decisions};
pub use review::{Review, ReviewAnswer, review};
pub use usage::used_by_party;
pub use wind_up::{WindUp, WindUpError, WoundUp, wind_up};
