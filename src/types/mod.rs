//! Words that every room shares: money, codes, ids, periods and parsed text. Pure: no IO.
//!
//! A value of one of these types has been checked once, at the edge, and is trusted after that.

mod currency;
mod hex;
mod ids;
mod log_index;
mod money;
mod named;
mod period;
mod schedule;
mod text;
mod uscc;
mod zone;

pub use currency::{Currency, UnknownCurrency};
pub use hex::hex;
pub use ids::{
    AccountId, BatchId, ClaimId, ContractId, ControllerGroupId, DeferralId, HoldId, ItemId,
    LeaseId, NoticeId, PartyId, PayableId, PersonId, PolicyId, RecoveryId, RoundId, RunId,
    VoucherId, WaiverId, ZoneId,
};
pub use log_index::{LogIndex, NotAnIndex};
pub use money::{Amount, Money, MoneyError, NotPositive};
pub use named::{Named, NotNamed, ShortNamed};
pub use period::{Day, DayError, EmptyPeriod, FiscalYear, Period, ZoneTime, add_months_clamped};
pub use schedule::{Due, DueOn, MOST_INSTALMENTS, Schedule};
pub use text::{Alike, Code, Name, Reason, TextError, excerpt, visible};
pub use uscc::{Uscc, UsccError};
pub use zone::Zone;
