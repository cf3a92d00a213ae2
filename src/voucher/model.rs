//! A voucher and its life, without IO.
//!
//! `ISSUED → PART_USED → EXHAUSTED`, `⇄ FROZEN`, `→ EXPIRED`, `→ CANCELLED` are not stored:
//! they follow from the parts of the face, the last day, and whether it is frozen.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::caps::Quotas;
use crate::programme::BudgetLine;
use crate::types::{Amount, HoldId, LogIndex, Money, PartyId, PolicyId, Reason, VoucherId, ZoneId};

/// What a voucher's face has become. The parts always add up to the face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// An order may take it.
    pub free: Money,
    /// Reserved for orders.
    pub held: Money,
    /// Used.
    pub redeemed: Money,
    /// Lapsed unused.
    pub expired: Money,
    /// Taken back.
    pub cancelled: Money,
}

impl Parts {
    /// Of a new voucher: all of it is free.
    pub const fn new(face: Amount) -> Self {
        Self {
            free: face.money(),
            held: Money::ZERO,
            redeemed: Money::ZERO,
            expired: Money::ZERO,
            cancelled: Money::ZERO,
        }
    }

    /// The face.
    pub fn face(&self) -> Money {
        [
            self.free,
            self.held,
            self.redeemed,
            self.expired,
            self.cancelled,
        ]
        .into_iter()
        .sum()
    }
}

/// An innovation voucher (创新券).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Identity.
    pub id: VoucherId,
    /// Its zone.
    pub zone: ZoneId,
    /// Programme and year that fund it.
    pub line: BudgetLine,
    /// Who holds it.
    pub holder: PartyId,
    /// What it was issued under, and is redeemed under.
    pub policy: PolicyId,
    /// The entry of its issue; `V` and this number is its short name.
    pub issued_index: LogIndex,
    /// The day of issue.
    pub issued_on: NaiveDate,
    /// The last day on which an order can be placed.
    pub last_day: NaiveDate,
    /// What has become of the face.
    pub parts: Parts,
    /// Why it is suspended, if it is.
    pub frozen: Option<Reason>,
    /// The limits of its holder that it is counted against.
    pub quotas: Quotas,
}

/// Where a voucher stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VoucherState {
    /// Nothing of it is used.
    Issued,
    /// Some of it is used or held.
    PartUsed,
    /// All of it is used.
    Exhausted,
    /// Suspended, with a reason.
    Frozen,
    /// Its last day has passed.
    Expired,
    /// It was taken back.
    Cancelled,
}

/// Why a voucher does not do what it is asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VoucherRefusal {
    /// The last day has passed.
    Expired,
    /// It is suspended.
    Frozen,
    /// There is not so much free on it.
    InsufficientBalance,
    /// The provider is the holder.
    OwnProvider,
    /// More than was held.
    AboveHold,
    /// The hold has ended.
    HoldEnded,
    /// The last day has not passed.
    NotExpired,
    /// There is nothing free on it.
    NothingFree,
    /// It is not suspended.
    NotFrozen,
    /// The policy does not allow it: the decision says why.
    Policy,
    /// The programme's budget is used up.
    BudgetExhausted,
    /// The programme's budget is frozen.
    BudgetFrozen,
    /// The same person acted before on this case (invariant 9).
    Segregation,
    /// The person has to stay out of the party's cases.
    Recused,
    /// The application or run is not at this step.
    WrongState,
    /// The party is excluded from programmes; the reason is the last day of it.
    Excluded,
    /// The provider is excluded from programmes; the reason is the last day of it.
    ProviderExcluded,
}

impl VoucherRefusal {
    /// What to tell a person, English and Chinese.
    pub const fn sentences(self) -> (&'static str, &'static str) {
        match self {
            Self::Expired => ("The voucher's last day has passed.", "创新券已过有效期。"),
            Self::Frozen => ("The voucher is suspended.", "创新券已被冻结。"),
            Self::InsufficientBalance => (
                "The voucher has less free than the order needs.",
                "创新券可用余额不足。",
            ),
            Self::OwnProvider => (
                "The provider is the holder itself: a voucher pays for services of others.",
                "服务机构就是持券单位自身，创新券只能用于购买他人的服务。",
            ),
            Self::AboveHold => (
                "The redemption is more than was reserved for the order.",
                "兑付金额超过锁定金额。",
            ),
            Self::HoldEnded => (
                "The reservation was used or released before.",
                "该锁定已兑付或已释放。",
            ),
            Self::NotExpired => ("The voucher can still be used.", "创新券尚在有效期内。"),
            Self::NothingFree => ("Nothing on the voucher is free.", "创新券没有可用余额。"),
            Self::NotFrozen => ("The voucher is not suspended.", "创新券未被冻结。"),
            Self::Policy => ("The policy does not allow it.", "不符合政策条件。"),
            Self::BudgetExhausted => ("The programme's budget is used up.", "项目预算已用完。"),
            Self::Excluded => (
                "The party is excluded from programmes until that day: `exclusion list` says why.",
                "该主体在该日之前被取消申报资格，可用 `exclusion list` 查看。",
            ),
            Self::ProviderExcluded => (
                "The provider is excluded from programmes until that day: order from another one.",
                "该服务机构在该日之前被取消申报资格，请选择其他机构。",
            ),
            Self::BudgetFrozen => (
                "The programme's budget is frozen: nothing is granted from it for now.",
                "项目预算已冻结，暂停发放。",
            ),
            Self::Segregation => (
                "The same person acted on this case before: another one has to.",
                "同一人不得办理同一事项的多个环节。",
            ),
            Self::Recused => (
                "The person is recused from this party's cases, or acts for it: another one has to.",
                "该人员应当回避该主体的事项，须由他人办理。",
            ),
            Self::WrongState => (
                "The application or run is not at this step.",
                "申请或批次不处于该环节。",
            ),
        }
    }
}

impl Voucher {
    /// Where it stands on a day.
    pub fn state(&self, today: NaiveDate) -> VoucherState {
        let Parts {
            free,
            held,
            redeemed,
            cancelled,
            ..
        } = self.parts;
        let open = free > Money::ZERO || held > Money::ZERO;
        if self.frozen.is_some() {
            VoucherState::Frozen
        } else if !open && redeemed == self.parts.face() {
            VoucherState::Exhausted
        } else if !open && cancelled > Money::ZERO {
            VoucherState::Cancelled
        } else if today > self.last_day {
            VoucherState::Expired
        } else if redeemed > Money::ZERO || held > Money::ZERO {
            VoucherState::PartUsed
        } else {
            VoucherState::Issued
        }
    }

    /// Reserves value for an order placed on `today`.
    pub fn hold(&mut self, amount: Amount, today: NaiveDate) -> Result<(), VoucherRefusal> {
        if self.frozen.is_some() {
            return Err(VoucherRefusal::Frozen);
        }
        if today > self.last_day {
            return Err(VoucherRefusal::Expired);
        }
        let rest = self
            .parts
            .free
            .checked_sub(amount.money())
            .filter(|rest| *rest >= Money::ZERO);
        self.parts.free = rest.ok_or(VoucherRefusal::InsufficientBalance)?;
        self.parts.held = plus(self.parts.held, amount.money());
        Ok(())
    }

    /// Uses `used` of a hold; the rest of it becomes free again, or lapses after the last day.
    /// A hold outlives the voucher's last day.
    pub fn redeem(
        &mut self,
        hold: &mut Hold,
        used: Amount,
        today: NaiveDate,
    ) -> Result<Ended, VoucherRefusal> {
        if hold.state != HoldState::Held {
            return Err(VoucherRefusal::HoldEnded);
        }
        if self.frozen.is_some() {
            return Err(VoucherRefusal::Frozen);
        }
        if used > hold.amount {
            return Err(VoucherRefusal::AboveHold);
        }
        let rest = hold.amount.money().saturating_sub(used.money());
        self.parts.held = self.parts.held.saturating_sub(hold.amount.money());
        self.parts.redeemed = plus(self.parts.redeemed, used.money());
        hold.state = HoldState::Captured;
        hold.redeemed = used.money();
        Ok(self.give_back(rest, today))
    }

    /// Ends a hold without using it.
    pub fn release(&mut self, hold: &mut Hold, today: NaiveDate) -> Result<Ended, VoucherRefusal> {
        if hold.state != HoldState::Held {
            return Err(VoucherRefusal::HoldEnded);
        }
        self.parts.held = self.parts.held.saturating_sub(hold.amount.money());
        let ended = self.give_back(hold.amount.money(), today);
        hold.state = match ended {
            Ended::Free(_) => HoldState::Released,
            Ended::Lapsed(_) => HoldState::Lapsed,
        };
        Ok(ended)
    }

    fn give_back(&mut self, rest: Money, today: NaiveDate) -> Ended {
        if today > self.last_day {
            self.parts.expired = plus(self.parts.expired, rest);
            Ended::Lapsed(rest)
        } else {
            self.parts.free = plus(self.parts.free, rest);
            Ended::Free(rest)
        }
    }

    /// Lapses what is free after the last day.
    pub fn expire(&mut self, today: NaiveDate) -> Result<Amount, VoucherRefusal> {
        if today <= self.last_day {
            return Err(VoucherRefusal::NotExpired);
        }
        let lapsed = Amount::new(self.parts.free).map_err(|_| VoucherRefusal::NothingFree)?;
        self.parts.expired = plus(self.parts.expired, lapsed.money());
        self.parts.free = Money::ZERO;
        Ok(lapsed)
    }

    /// Takes back what is free.
    pub fn cancel(&mut self) -> Result<Amount, VoucherRefusal> {
        let taken = Amount::new(self.parts.free).map_err(|_| VoucherRefusal::NothingFree)?;
        self.parts.cancelled = plus(self.parts.cancelled, taken.money());
        self.parts.free = Money::ZERO;
        Ok(taken)
    }

    /// Suspends it, as long as something of it can still be used.
    pub fn freeze(&mut self, reason: Reason) -> Result<(), VoucherRefusal> {
        if self.frozen.is_some() {
            return Err(VoucherRefusal::Frozen);
        }
        if self.parts.free == Money::ZERO && self.parts.held == Money::ZERO {
            return Err(VoucherRefusal::NothingFree);
        }
        self.frozen = Some(reason);
        Ok(())
    }

    /// Ends the suspension.
    pub fn unfreeze(&mut self) -> Result<(), VoucherRefusal> {
        self.frozen
            .take()
            .map(|_| ())
            .ok_or(VoucherRefusal::NotFrozen)
    }
}

/// Sums of parts of one face can't leave its range.
fn plus(a: Money, b: Money) -> Money {
    [a, b].into_iter().sum()
}

/// What the unused part of a hold became.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Free again.
    Free(Money),
    /// Lapsed, since the voucher's last day has passed.
    Lapsed(Money),
}

/// Where a hold stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    /// Reserved.
    Held,
    /// Used by a redemption.
    Captured,
    /// Given back.
    Released,
    /// Given back after the voucher's last day.
    Lapsed,
}

impl HoldState {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Captured => "captured",
            Self::Released => "released",
            Self::Lapsed => "lapsed",
        }
    }
}

/// A part of a voucher reserved for one order (锁定).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Identity.
    pub id: HoldId,
    /// The voucher.
    pub voucher: VoucherId,
    /// The provider of the ordered service.
    pub provider: PartyId,
    /// Price of the order, minor units.
    pub price: Amount,
    /// How much is reserved, minor units.
    pub amount: Amount,
    /// How much of it was used, minor units.
    pub redeemed: Money,
    /// Where it stands.
    pub state: HoldState,
    /// Facts of the order, canonical JSON.
    pub facts: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::types::{Currency, FiscalYear};

    fn day(offset: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2024, 11, 30).unwrap() + chrono::Days::new(offset)
    }

    fn voucher(face: i64) -> Voucher {
        Voucher {
            id: VoucherId(uuid::Uuid::nil()),
            zone: ZoneId(1),
            line: BudgetLine {
                programme: "YH".parse().unwrap(),
                year: FiscalYear(2024),
                currency: Currency::Cny,
            },
            holder: PartyId(uuid::Uuid::nil()),
            policy: PolicyId(uuid::Uuid::nil()),
            issued_index: LogIndex(1),
            issued_on: day(0),
            last_day: day(90),
            parts: Parts {
                free: Money::from_minor(face),
                held: Money::ZERO,
                redeemed: Money::ZERO,
                expired: Money::ZERO,
                cancelled: Money::ZERO,
            },
            frozen: None,
            quotas: Quotas::default(),
        }
    }

    fn hold(amount: Amount) -> Hold {
        Hold {
            id: HoldId(uuid::Uuid::nil()),
            voucher: VoucherId(uuid::Uuid::nil()),
            provider: PartyId(uuid::Uuid::nil()),
            price: amount,
            amount,
            redeemed: Money::ZERO,
            state: HoldState::Held,
            facts: String::new(),
        }
    }

    fn amount(minor: i64) -> Amount {
        Amount::new(Money::from_minor(minor)).unwrap()
    }

    /// Worked case V7.
    #[test]
    fn the_last_day_is_usable_and_the_next_is_not() {
        let mut voucher = voucher(100);
        assert_eq!(voucher.hold(amount(10), day(90)), Ok(()));
        assert_eq!(
            voucher.hold(amount(10), day(91)),
            Err(VoucherRefusal::Expired)
        );
        assert_eq!(voucher.expire(day(90)), Err(VoucherRefusal::NotExpired));
        assert_eq!(voucher.expire(day(91)), Ok(amount(90)));
        assert_eq!(voucher.state(day(91)), VoucherState::Expired);
    }

    #[test]
    fn a_hold_outlives_expiry_and_its_rest_lapses() {
        let mut voucher = voucher(100);
        voucher.hold(amount(60), day(90)).unwrap();
        let mut hold = hold(amount(60));
        let ended = voucher.redeem(&mut hold, amount(50), day(95)).unwrap();
        assert_eq!(ended, Ended::Lapsed(Money::from_minor(10)));
        assert_eq!(voucher.parts.expired, Money::from_minor(10));
        assert_eq!(
            voucher.redeem(&mut hold, amount(1), day(95)),
            Err(VoucherRefusal::HoldEnded)
        );
    }

    #[test]
    fn a_frozen_voucher_does_nothing_until_it_thaws() {
        let mut voucher = voucher(100);
        voucher.hold(amount(10), day(1)).unwrap();
        let mut hold = hold(amount(10));
        voucher
            .freeze("evidence in doubt".parse().unwrap())
            .unwrap();
        assert_eq!(voucher.hold(amount(1), day(1)), Err(VoucherRefusal::Frozen));
        assert_eq!(
            voucher.redeem(&mut hold, amount(10), day(1)),
            Err(VoucherRefusal::Frozen)
        );
        assert_eq!(voucher.state(day(1)), VoucherState::Frozen);
        voucher.unfreeze().unwrap();
        assert!(voucher.redeem(&mut hold, amount(10), day(1)).is_ok());
        assert_eq!(voucher.unfreeze(), Err(VoucherRefusal::NotFrozen));
    }

    proptest! {
        /// Invariant 4, under any sequence of steps.
        #[test]
        fn parts_always_add_up_to_the_face(
            face in 1_i64..1_000_000,
            steps in proptest::collection::vec((0_u8..6, 1_i64..600_000, 0_u64..120), 0..40),
        ) {
            let mut voucher = voucher(face);
            let mut holds: Vec<Hold> = Vec::new();
            for (step, minor, offset) in steps {
                let asked = amount(minor);
                let last = holds.last_mut();
                match (step, last) {
                    (0, _) => {
                        let held = voucher.hold(asked, day(offset));
                        holds.extend(held.is_ok().then(|| hold(asked)));
                    }
                    (1, Some(hold)) => drop(voucher.redeem(hold, asked, day(offset))),
                    (2, Some(hold)) => drop(voucher.release(hold, day(offset))),
                    (3, _) => drop(voucher.expire(day(offset))),
                    (4, _) => drop(voucher.cancel()),
                    _ => {}
                }
                prop_assert_eq!(voucher.parts.face(), Money::from_minor(face));
                let Parts { free, held, redeemed, expired, cancelled } = voucher.parts;
                for part in [free, held, redeemed, expired, cancelled] {
                    prop_assert!(part >= Money::ZERO);
                }
                let open: Money = holds.iter().filter(|hold| hold.state == HoldState::Held)
                    .map(|hold| hold.amount.money()).sum();
                prop_assert_eq!(held, open);
            }
        }
    }
}
