//! What commands about rent refuse, as entries and answers say it.

use serde::{Deserialize, Serialize};

/// Why a lease, a bill, a waiver or a deferral does not become what somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RentRefusal {
    /// Another tenant has the premises on some of these days.
    PremisesTaken,
    /// The day is not within the tenancy, or a bill covers days after it.
    NotWithinLease,
    /// An extension was given as a waiver.
    Extended,
    /// The month was billed before.
    AlreadyBilled,
    /// A month has no bill.
    NotBilled,
    /// Less is open than asked.
    MoreThanOpen,
    /// Less was paid than asked.
    MoreThanPaid,
    /// Nothing is left of what was asked for.
    NothingLeft,
    /// The carrier has the premises from nobody.
    NotSublet,
    /// The landlord's part is more than the waiver.
    LandlordAbove,
    /// The same person acted before on this case (invariant 9).
    Segregation,
    /// It is not at this step.
    WrongState,
    /// The tenant states another sum, and nobody has settled that.
    TenantMismatch,
    /// More than was confirmed.
    MoreThanConfirmed,
    /// A claim rests on it.
    Claimed,
    /// What it moved has been moved on.
    MovedOn,
    /// No instalment is overdue.
    NotOverdue,
}

impl RentRefusal {
    /// What to tell a person, English and Chinese.
    #[expect(
        clippy::too_many_lines,
        reason = "a sentence for each code, and nothing else"
    )]
    pub const fn sentences(self) -> (&'static str, &'static str) {
        match self {
            Self::PremisesTaken => (
                "Another lease has these premises on some of these days: end that one first, or name other days.",
                "该场地在此期间已出租,请先终止原租约或更改租期。",
            ),
            Self::NotWithinLease => (
                "The day or month is not within the lease, or a bill covers days after it.",
                "日期不在租期内,或其后的日期已出账。",
            ),
            Self::Extended => (
                "The lease was extended as a waiver: void that waiver first.",
                "租约已以顺延方式减免,请先撤销该减免。",
            ),
            Self::AlreadyBilled => (
                "The month was billed before, and is billed once.",
                "该月租金已出账,每月只出账一次。",
            ),
            Self::NotBilled => (
                "A month has no bill yet: bill it first with `rent bill`.",
                "有月份尚未出账,请先出账。",
            ),
            Self::MoreThanOpen => (
                "Less is open than that: `rent statement` shows it for the months of a lease, `rent show` for a deferral. Rent that \
                 was paid is waived with `--way refund` or `--way offset`.",
                "未付金额少于该金额:租约各月见 `rent statement`,缓交见 `rent show`；已付租金的减免请用 `--way refund`（退还）或 \
                 `--way offset`（抵扣）。",
            ),
            Self::MoreThanPaid => (
                "Less rent was paid than that: a refund or an offset gives back what was paid.",
                "已付租金少于该金额,退还或抵扣以已付租金为限。",
            ),
            Self::NothingLeft => (
                "Nothing is left of it: it was paid, waived or deferred before, as `rent statement` shows for each month.",
                "已无余额:此前已缴、已免或已缓,各月见 `rent statement`。",
            ),
            Self::NotSublet => (
                "The lease is not of premises that the carrier rents itself: no landlord can have waived that rent.",
                "该租约场地非载体承租,不存在房东减免。",
            ),
            Self::LandlordAbove => (
                "What the carrier's landlord waived is more than what the carrier waives: name the part of this waiver.",
                "房东减免额超过本次减免额,请填写其中对应的部分。",
            ),
            Self::Segregation => (
                "The same person acted on this case before: another one has to.",
                "同一人不得办理同一事项的多个环节。",
            ),
            Self::WrongState => (
                "It is not at this step: `rent show` says where it stands, and which command goes on from there.",
                "不处于该环节,可用 `rent show` 查看其状态及下一步命令。",
            ),
            Self::TenantMismatch => (
                "The tenant states another sum than was declared: a reviewer has to settle that first.",
                "租户确认金额与申报金额不一致,须先经审核认定。",
            ),
            Self::MoreThanConfirmed => (
                "It is more than carrier and tenant both confirm.",
                "超过载体与租户双方确认的金额。",
            ),
            Self::Claimed => (
                "A claim rests on it: it can't be undone.",
                "已用于申领,不得撤销。",
            ),
            Self::MovedOn => (
                "What it moved has been moved on: undo the later one first.",
                "其后已有变动,请先撤销后一笔。",
            ),
            Self::NotOverdue => (
                "No instalment is overdue: a deferral defaults when one is.",
                "没有逾期的分期,不构成违约。",
            ),
        }
    }
}

/// A refusal, as answers and entries say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What was in the way.
    pub code: RentRefusal,
}

impl From<RentRefusal> for Refused {
    fn from(code: RentRefusal) -> Self {
        Self { code }
    }
}
