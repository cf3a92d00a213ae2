//! Claims (申领): post-subsidies, awards, purchased services and compensation for rent, asked for what was done.
//!
//! `DRAFT → SUBMITTED → RECOMMENDED → NOTICED → APPROVED`; a review may return a claim, whose next version is then
//! submitted, or reject it; an objection during the public notice opens the review again. What becomes of the payment
//! stands with what is owed ([`crate::payment`]); before a cashier has it in a batch, the approval may be revoked. A claim
//! for a purchased service names a milestone of its contract ([`crate::contract`]). Relief is not stated but taken from the rent book (`relief`), and where the
//! policy ranks claims or shares its budget, a round comes before approval (`rank`).
//!
//! [`model`] is a claim's life without IO, and `postings` what its approval moves. Each command takes many requests and
//! answers each on its own, in one transaction ([`crate::batch`]).

mod approve;
mod approve_notice;
mod content;
mod decline;
mod desk;
mod draft;
mod grounds;
mod ladder;
mod merit;
mod milestone;
pub mod model;
mod named;
mod notice;
mod object;
mod postings;
mod rank;
mod relief;
mod review;
mod revoke;
pub mod store;
mod submit;
mod withdraw;

pub use approve::{Approve, ApproveAnswer, approve};
pub use approve_notice::approve_notice;
pub use content::{Claimed, Content, Document, Line};
pub use decline::{Decline, DeclineAnswer, Turn, decline};
pub use draft::{Draft, DraftAnswer, Drafted, Revise, draft, revise};
pub use model::{Claim, ClaimRefusal, ClaimState};
pub use named::{find_claim, find_notice};
pub use notice::{NoticeError, Published, publish_notice};
pub use object::{ObjectAnswer, Objection, object};
pub use rank::{PlaceAnswer, RankError, Ranked, rank};
pub use relief::{Drawn, OfLease, ReliefAsked, Taken};
pub use review::{Review, ReviewAnswer, Verdict, review};
pub use revoke::{Revoke, RevokeAnswer, revoke};
pub use submit::{Submit, SubmitAnswer, submit};
pub use withdraw::{Withdraw, WithdrawAnswer, withdraw};

/// A refusal of a claim command.
pub type Refused = crate::batch::Refused<ClaimRefusal>;
