//! A waiver of rent (减免) from declaration to claim, without IO.
//!
//! `DECLARED → CONFIRMED → COMPENSABLE → CLAIMED`, `→ MISMATCHED ⇄ CONFIRMED`, `→ NON_COMPENSABLE` and `→ VOIDED` are
//! not stored: they follow from who has said what.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::bill::{Bills, Move, Part, standing};
use super::exact::portion;
use super::month::Month;
use super::refused::RentRefusal;
use crate::types::{Amount, DeferralId, LeaseId, LogIndex, Money, PersonId, WaiverId};

/// How a waiver is carried out. It is kept, since a longer lease is no cash waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Rent that is due is not asked for.
    Reduction,
    /// Rent that was paid is given back.
    Refund,
    /// Rent that was paid counts as paid for later months.
    Offset,
    /// The lease goes on, free of rent.
    Extension,
}

impl Way {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Reduction, Self::Refund, Self::Offset, Self::Extension];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reduction => "reduction",
            Self::Refund => "refund",
            Self::Offset => "offset",
            Self::Extension => "extension",
        }
    }
}

/// How much is waived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Measure {
    /// The whole rent of each month.
    Full,
    /// Half the rent of each month.
    Half,
    /// A share of the rent of each month.
    Share {
        /// Hundredths of a per cent, 1 to 10,000.
        hundredths: u16,
    },
    /// An amount, of the first months first.
    Amount {
        /// Decimal text.
        amount: String,
    },
    /// Months added to the lease, free of rent.
    Months {
        /// How many.
        months: u8,
    },
}

/// How a recorded waiver was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The whole rent.
    Full,
    /// Half of it.
    Half,
    /// Hundredths of a per cent of it.
    Share(i16),
    /// An amount.
    Amount,
    /// Months added to the lease.
    Months,
    /// What was left of a deferral.
    Converted,
}

impl Method {
    /// As the database writes it, but for the share itself.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Half => "half",
            Self::Share(_) => "share",
            Self::Amount => "amount",
            Self::Months => "months",
            Self::Converted => "converted",
        }
    }

    /// Read back from a row.
    pub(super) fn from_row(word: &str, share: Option<i16>) -> Option<Self> {
        Some(match (word, share) {
            ("full", None) => Self::Full,
            ("half", None) => Self::Half,
            ("share", Some(share)) => Self::Share(share),
            ("amount", None) => Self::Amount,
            ("months", None) => Self::Months,
            ("converted", None) => Self::Converted,
            (_, _) => return None,
        })
    }
}

impl From<&Measure> for Method {
    fn from(measure: &Measure) -> Self {
        match measure {
            Measure::Full => Self::Full,
            Measure::Half => Self::Half,
            Measure::Share { hundredths } => {
                Self::Share(i16::try_from(*hundredths).unwrap_or(i16::MAX))
            }
            Measure::Amount { .. } => Self::Amount,
            Measure::Months { .. } => Self::Months,
        }
    }
}

/// Where a waiver stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaiverState {
    /// Waits for the tenant.
    Declared,
    /// The tenant states another sum: waits for a reviewer.
    Mismatched,
    /// Carrier and tenant agree, or a reviewer has settled it: waits for an audit.
    Confirmed,
    /// A claim may rest on it.
    Compensable,
    /// No claim may.
    NonCompensable,
    /// A claim does.
    Claimed,
    /// It was undone.
    Voided,
}

impl WaiverState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Declared,
        Self::Mismatched,
        Self::Confirmed,
        Self::Compensable,
        Self::NonCompensable,
        Self::Claimed,
        Self::Voided,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Mismatched => "mismatched",
            Self::Confirmed => "confirmed",
            Self::Compensable => "compensable",
            Self::NonCompensable => "non_compensable",
            Self::Claimed => "claimed",
            Self::Voided => "voided",
        }
    }

    /// The command that goes on from here, for people.
    pub const fn goes_on(self) -> &'static str {
        match self {
            Self::Declared => "`rent confirm`, by the tenant",
            Self::Mismatched => {
                "`rent settle`, by a reviewer, or `rent confirm` again, by the tenant"
            }
            Self::Confirmed => "`rent audit`, by a reviewer or manager",
            Self::Compensable => "`claim draft --waiver`, by the carrier",
            Self::NonCompensable => "nothing: no claim may rest on it; `rent void` undoes it",
            Self::Claimed => "the claim that rests on it",
            Self::Voided => "nothing: `rent waive` declares another waiver",
        }
    }
}

/// What somebody said of a waiver: how much, who, in which entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Minor units.
    pub amount: Money,
    /// Who.
    pub by: PersonId,
    /// The entry.
    pub index: LogIndex,
}

/// Rent that a carrier gives up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// Identity.
    pub id: WaiverId,
    /// The lease.
    pub lease: LeaseId,
    /// The deferral whose rest it is, if it is one.
    pub deferral: Option<DeferralId>,
    /// Who declared it.
    pub declared_by: PersonId,
    /// The entry of it; `W` and this number is its short name.
    pub declared_index: LogIndex,
    /// The day of the declaration.
    pub declared_on: NaiveDate,
    /// How it is measured.
    pub method: Method,
    /// How it is carried out.
    pub way: Way,
    /// First day of the relief; of a converted deferral, the day of the conversion.
    pub from_day: NaiveDate,
    /// Last day of the relief.
    pub until_day: NaiveDate,
    /// Rent waived as declared.
    pub amount: Amount,
    /// The part of it that the carrier's own landlord waived (worked case R12).
    pub landlord_relief: Money,
    /// What the tenant states.
    pub stated: Option<Said>,
    /// What a reviewer settled.
    pub settled: Option<Said>,
    /// What an audit found.
    pub audited: Option<Said>,
    /// Whether a claim may rest on it, once it is audited.
    pub compensable: bool,
    /// The entry by which a claim took it.
    pub claimed_index: Option<LogIndex>,
    /// The entry that undid it.
    pub voided_index: Option<LogIndex>,
}

impl Waiver {
    /// Where it stands.
    pub fn state(&self) -> WaiverState {
        if self.voided_index.is_some() {
            WaiverState::Voided
        } else if self.claimed_index.is_some() {
            WaiverState::Claimed
        } else if self.audited.is_some() {
            if self.compensable {
                WaiverState::Compensable
            } else {
                WaiverState::NonCompensable
            }
        } else if self.confirmed().is_some() {
            WaiverState::Confirmed
        } else if self.stated.is_some() {
            WaiverState::Mismatched
        } else {
            WaiverState::Declared
        }
    }

    /// What carrier and tenant both confirm, or a reviewer has settled.
    pub fn confirmed(&self) -> Option<Money> {
        let agreed = self.stated.map(|said| said.amount);
        let agreed = agreed.filter(|stated| *stated == self.amount.money());
        self.settled.map(|said| said.amount).or(agreed)
    }

    /// The tenant states what was waived, or states it again until it is settled or audited. True if it is what was declared.
    pub fn confirm(&mut self, stated: Money, by: PersonId) -> Result<bool, RentRefusal> {
        self.expect(&[
            WaiverState::Declared,
            WaiverState::Mismatched,
            WaiverState::Confirmed,
        ])?;
        let is_new = self.stated.is_none_or(|said| said.amount != stated);
        if self.settled.is_some() || !is_new {
            return Err(RentRefusal::WrongState);
        }
        // Of the tenant's own persons each may correct the other.
        if by == self.declared_by {
            return Err(RentRefusal::Segregation);
        }
        self.stated = Some(said(stated, by));
        Ok(stated == self.amount.money())
    }

    /// A reviewer settles a mismatch, at most at the smaller sum (worked case R17). Gives what was declared beyond it.
    pub fn settle(&mut self, amount: Money, by: PersonId) -> Result<Money, RentRefusal> {
        self.expect(&[WaiverState::Mismatched])?;
        self.expect_another(by)?;
        let stated = self.stated.map_or(Money::ZERO, |said| said.amount);
        if amount > stated.min(self.amount.money()) {
            return Err(RentRefusal::MoreThanConfirmed);
        }
        self.settled = Some(said(amount, by));
        Ok(self.amount.money().saturating_sub(amount))
    }

    /// An audit finds at most what is confirmed, and says whether a claim may rest on it.
    pub fn audit(
        &mut self,
        amount: Money,
        compensable: bool,
        by: PersonId,
    ) -> Result<(), RentRefusal> {
        if self.state() == WaiverState::Mismatched {
            return Err(RentRefusal::TenantMismatch);
        }
        self.expect(&[WaiverState::Confirmed])?;
        self.expect_another(by)?;
        if self.confirmed().is_none_or(|confirmed| amount > confirmed) {
            return Err(RentRefusal::MoreThanConfirmed);
        }
        self.audited = Some(said(amount, by));
        self.compensable = compensable && amount > Money::ZERO;
        Ok(())
    }

    /// Undoes it, unless a claim rests on it. Gives what of it still stands.
    pub fn void(&mut self) -> Result<Money, RentRefusal> {
        match self.state() {
            WaiverState::Claimed => Err(RentRefusal::Claimed),
            WaiverState::Voided => Err(RentRefusal::WrongState),
            WaiverState::Declared
            | WaiverState::Mismatched
            | WaiverState::Confirmed
            | WaiverState::Compensable
            | WaiverState::NonCompensable => {
                self.voided_index = Some(LogIndex(0));
                let settled = self.settled.map(|said| said.amount);
                Ok(settled.unwrap_or(self.amount.money()))
            }
        }
    }

    /// A claim takes it, once.
    pub fn claim(&mut self) -> Result<(), RentRefusal> {
        match self.state() {
            WaiverState::Claimed => return Err(RentRefusal::Claimed),
            WaiverState::Mismatched => return Err(RentRefusal::TenantMismatch),
            WaiverState::Declared
            | WaiverState::Confirmed
            | WaiverState::Compensable
            | WaiverState::NonCompensable
            | WaiverState::Voided => self.expect(&[WaiverState::Compensable])?,
        }
        self.claimed_index = Some(LogIndex(0));
        Ok(())
    }

    /// The claim that took it was revoked: another may.
    pub fn release(&mut self) -> Result<(), RentRefusal> {
        self.expect(&[WaiverState::Claimed])?;
        self.claimed_index = None;
        Ok(())
    }

    fn expect(&self, one_of: &[WaiverState]) -> Result<(), RentRefusal> {
        let is_there = one_of.contains(&self.state());
        is_there.then_some(()).ok_or(RentRefusal::WrongState)
    }

    /// Whoever acts is another person than all before (invariant 9).
    fn expect_another(&self, by: PersonId) -> Result<(), RentRefusal> {
        let before = [self.stated, self.settled, self.audited];
        let acted = before.into_iter().flatten().any(|said| said.by == by);
        let is_another = !acted && by != self.declared_by;
        is_another.then_some(()).ok_or(RentRefusal::Segregation)
    }
}

const fn said(amount: Money, by: PersonId) -> Said {
    Said {
        amount,
        by,
        index: LogIndex(0),
    }
}

/// What a waiver of billed months moves, and what that comes to. `amount` is the amount of [`Measure::Amount`]. An offset
/// counts as payment `against` later months, the first of them first.
pub fn plan(
    bills: &Bills,
    months: &[Month],
    method: Method,
    amount: Option<Amount>,
    way: Way,
    against: &[Month],
) -> Result<(Amount, Vec<Move>), RentRefusal> {
    let (from, short) = match way {
        Way::Reduction | Way::Extension => (Part::Open, RentRefusal::MoreThanOpen),
        Way::Refund | Way::Offset => (Part::Paid, RentRefusal::MoreThanPaid),
    };
    let mut moves = Vec::new();
    if let Some(amount) = amount {
        let taken = bills.take(months, from, Part::Waived, amount);
        moves = taken.ok_or(short)?;
    } else {
        for month in months {
            let bill = bills.by_month.get(month).ok_or(RentRefusal::NotBilled)?;
            let share = share_of(bill.parts.rent(), method);
            if let Ok(share) = Amount::new(share) {
                let one = bills.take(&[*month], from, Part::Waived, share);
                moves.extend(one.ok_or(short)?);
            }
        }
    }
    let waived: Money = moves.iter().map(|step| step.amount.money()).sum();
    let waived = Amount::new(waived).map_err(|_| RentRefusal::NothingLeft)?;
    if way == Way::Offset {
        let later = bills.take(against, Part::Open, Part::Paid, waived);
        moves.extend(later.ok_or(RentRefusal::MoreThanOpen)?);
    }
    Ok((waived, moves))
}

fn share_of(rent: Money, method: Method) -> Money {
    match method {
        Method::Half => portion(rent, 1, 2),
        Method::Share(hundredths) => portion(rent, i64::from(hundredths), 10_000),
        Method::Full | Method::Amount | Method::Months | Method::Converted => rent,
    }
}

/// The moves that take back so much of what a waiver moved, the last month first. What an offset had paid is open again;
/// what had been deferred before it was waived is due at once.
pub fn take_back(moves: &[Move], amount: Money) -> Vec<Move> {
    let mut back = Vec::new();
    let waived = standing(moves, Part::Waived).into_iter().rev();
    let waived = waived.map(|((month, from), sum)| {
        let to = if from == Part::Deferred {
            Part::Open
        } else {
            from
        };
        (month, Part::Waived, to, sum)
    });
    back.extend(up_to(amount, waived));
    let offset = standing(moves, Part::Paid).into_iter().rev();
    let offset = offset
        .filter(|((_, from), _)| *from == Part::Open)
        .map(|((month, from), sum)| (month, Part::Paid, from, sum));
    back.extend(up_to(amount, offset));
    back
}

fn up_to(amount: Money, sums: impl Iterator<Item = (Month, Part, Part, Money)>) -> Vec<Move> {
    let mut left = amount;
    let mut moves = Vec::new();
    for (month, from, to, sum) in sums {
        if let Ok(amount) = Amount::new(sum.min(left)) {
            left = left.saturating_sub(amount.money());
            moves.push(Move {
                amount,
                from,
                month,
                to,
            });
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rent::bill::{Bill, Parts};
    use crate::rent::lease::Charges;

    fn person(number: u128) -> PersonId {
        PersonId(uuid::Uuid::from_u128(number))
    }

    fn yuan(yuan: i64) -> Money {
        Money::from_minor(yuan * 100)
    }

    fn waiver() -> Waiver {
        let day: NaiveDate = "2020-02-01".parse().unwrap();
        Waiver {
            id: WaiverId(uuid::Uuid::nil()),
            lease: LeaseId(uuid::Uuid::nil()),
            deferral: None,
            declared_by: person(1),
            declared_index: LogIndex(1),
            declared_on: day,
            method: Method::Full,
            way: Way::Reduction,
            from_day: day,
            until_day: day,
            amount: Amount::new(yuan(100_000)).unwrap(),
            landlord_relief: Money::ZERO,
            stated: None,
            settled: None,
            audited: None,
            compensable: false,
            claimed_index: None,
            voided_index: None,
        }
    }

    #[test]
    fn a_waiver_goes_from_hand_to_hand() {
        let mut waiver = waiver();
        assert_eq!(
            waiver.audit(yuan(1), true, person(3)),
            Err(RentRefusal::WrongState)
        );
        assert_eq!(waiver.claim(), Err(RentRefusal::WrongState));
        assert_eq!(
            waiver.confirm(yuan(100_000), person(1)),
            Err(RentRefusal::Segregation)
        );
        assert_eq!(waiver.confirm(yuan(100_000), person(2)), Ok(true));
        assert_eq!(waiver.state(), WaiverState::Confirmed);
        assert_eq!(
            waiver.settle(yuan(1), person(3)),
            Err(RentRefusal::WrongState)
        );
        for before in [1, 2] {
            let audited = waiver.audit(yuan(90_000), true, person(before));
            assert_eq!(audited, Err(RentRefusal::Segregation));
        }
        let more = waiver.audit(yuan(100_001), true, person(3));
        assert_eq!(more, Err(RentRefusal::MoreThanConfirmed));
        waiver.audit(yuan(90_000), true, person(3)).unwrap();
        assert_eq!(waiver.state(), WaiverState::Compensable);
        waiver.claim().unwrap();
        assert_eq!(waiver.claim(), Err(RentRefusal::Claimed));
        assert_eq!(waiver.void(), Err(RentRefusal::Claimed));
    }

    /// Worked case R17, and a tenant that states more.
    #[test]
    fn a_mismatch_is_settled_at_most_at_the_smaller_sum() {
        for (stated, most) in [(80_000, 80_000), (120_000, 100_000)] {
            let mut waiver = waiver();
            assert_eq!(waiver.confirm(yuan(stated), person(2)), Ok(false));
            assert_eq!(waiver.state(), WaiverState::Mismatched);
            assert_eq!(
                waiver.audit(yuan(1), true, person(4)),
                Err(RentRefusal::TenantMismatch)
            );
            assert_eq!(waiver.claim(), Err(RentRefusal::TenantMismatch));
            let more = waiver.settle(yuan(most + 1), person(3));
            assert_eq!(more, Err(RentRefusal::MoreThanConfirmed));
            assert_eq!(
                waiver.settle(yuan(most), person(2)),
                Err(RentRefusal::Segregation)
            );
            assert_eq!(
                waiver.settle(yuan(most), person(3)),
                Ok(yuan(100_000 - most))
            );
            assert_eq!(
                waiver.audit(yuan(most), true, person(3)),
                Err(RentRefusal::Segregation)
            );
            waiver.audit(yuan(most), false, person(4)).unwrap();
            assert_eq!(waiver.state(), WaiverState::NonCompensable);
            assert_eq!(waiver.void(), Ok(yuan(most)));
            assert_eq!(waiver.void(), Err(RentRefusal::WrongState));
        }
    }

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn bills(rents: &[(&str, i64)]) -> Bills {
        let bill = |(text, rent): &(&str, i64)| {
            let bill = Bill {
                month: month(text),
                days: 30,
                charges: Charges::default(),
                parts: Parts::new(yuan(*rent)),
                index: LogIndex(0),
            };
            (bill.month, bill)
        };
        Bills {
            by_month: rents.iter().map(bill).collect(),
        }
    }

    /// Worked case R7: February free, March and April half.
    #[test]
    fn full_and_half_months() {
        let bills = bills(&[
            ("2020-02", 100_000),
            ("2020-03", 100_000),
            ("2020-04", 100_000),
        ]);
        let waive = |months: &[Month], method| {
            plan(&bills, months, method, None, Way::Reduction, &[])
                .unwrap()
                .0
        };
        let (feb, mar, apr) = (month("2020-02"), month("2020-03"), month("2020-04"));
        assert_eq!(waive(&[feb], Method::Full).money(), yuan(100_000));
        assert_eq!(waive(&[mar, apr], Method::Half).money(), yuan(100_000));
        assert_eq!(waive(&[mar], Method::Share(3_000)).money(), yuan(30_000));
    }

    #[test]
    fn an_offset_pays_a_later_month_and_comes_back_whole() {
        let mut bills = bills(&[("2020-02", 100), ("2020-05", 60), ("2020-06", 60)]);
        let (feb, may, june) = (month("2020-02"), month("2020-05"), month("2020-06"));
        let offset =
            |bills: &Bills| plan(bills, &[feb], Method::Full, None, Way::Offset, &[may, june]);
        assert_eq!(offset(&bills), Err(RentRefusal::MoreThanPaid));
        let paid = bills.take(
            &[feb],
            Part::Open,
            Part::Paid,
            Amount::new(yuan(100)).unwrap(),
        );
        bills.apply(&paid.unwrap()).unwrap();
        let before = bills.by_month.clone();
        let (amount, mut moves) = offset(&bills).unwrap();
        assert_eq!(amount.money(), yuan(100));
        bills.apply(&moves).unwrap();
        assert_eq!(bills.of(Part::Open, &[may, june]), yuan(20));
        // A part of it comes back, from the last month on, and then the rest.
        let some = take_back(&moves, yuan(30));
        bills.apply(&some).unwrap();
        assert_eq!(bills.of(Part::Open, &[june]), yuan(50));
        assert_eq!(bills.of(Part::Waived, &[feb]), yuan(70));
        moves.extend(some);
        bills.apply(&take_back(&moves, yuan(70))).unwrap();
        assert_eq!(bills.by_month, before);
    }
}
