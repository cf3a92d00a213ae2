//! A deferral of rent (缓征) and its instalments, without IO.
//!
//! `AGREED → ACTIVE → SETTLED`, `→ DEFAULTED`, `→ CONVERTED`, and of an instalment `DUE → PART → PAID`, `→ OVERDUE` are
//! not stored: they follow from the sums and the day.

use chrono::NaiveDate;
use serde::Serialize;

use super::month::Month;
use super::refused::RentRefusal;
use crate::types::{
    Amount, Currency, DeferralId, Due, LeaseId, LogIndex, Money, PersonId, Schedule,
};

/// The instalments that a schedule makes of an amount, of which nothing is paid; otherwise what is wrong, and the remedy.
pub fn instalments(
    schedule: &Schedule,
    amount: Amount,
    currency: Currency,
) -> Result<Vec<Instalment>, String> {
    let parts = schedule.parts(amount, currency, "instalments")?;
    let instalment = |(number, part): (i16, Due)| Instalment {
        number,
        due: part.due,
        amount: part.amount,
        paid: Money::ZERO,
    };
    Ok((1..).zip(parts).map(instalment).collect())
}

/// One payment of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instalment {
    /// Its place, from 1.
    pub number: i16,
    /// The last day on which it is paid in time.
    pub due: NaiveDate,
    /// How much.
    pub amount: Amount,
    /// How much of it is paid.
    pub paid: Money,
}

/// Where an instalment stands on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InstalmentState {
    /// Nothing of it is paid, and it is not late.
    Due,
    /// Some of it is paid, and it is not late.
    Part,
    /// All of it is paid.
    Paid,
    /// It is late.
    Overdue,
    /// The deferral ended before it was paid.
    Lapsed,
}

impl Instalment {
    /// What is still to be paid of it.
    pub fn open(&self) -> Money {
        self.amount.money().saturating_sub(self.paid)
    }

    /// Where it stands, in a deferral that goes on.
    pub fn state(&self, today: NaiveDate) -> InstalmentState {
        if self.open() == Money::ZERO {
            InstalmentState::Paid
        } else if today > self.due {
            InstalmentState::Overdue
        } else if self.paid > Money::ZERO {
            InstalmentState::Part
        } else {
            InstalmentState::Due
        }
    }
}

/// Where a deferral stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeferralState {
    /// Nothing is paid, and the first instalment's day has not come.
    Agreed,
    /// It is being paid.
    Active,
    /// All of it is paid.
    Settled,
    /// The rest became due at once.
    Defaulted,
    /// The rest became a waiver.
    Converted,
}

impl DeferralState {
    /// The command that goes on from here, for people.
    pub const fn goes_on(self) -> &'static str {
        match self {
            Self::Agreed | Self::Active => {
                "`rent instalment`; `rent default` once one is late, or `rent convert`"
            }
            Self::Settled => "nothing: all of it is paid",
            Self::Defaulted => {
                "`rent pay`: what was left became open rent of its months (`rent statement` shows whether it still is)"
            }
            Self::Converted => "`rent confirm` of the waiver that it became",
        }
    }
}

/// Billed rent that is paid later. What became of it always adds up to its amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deferral {
    /// Identity.
    pub id: DeferralId,
    /// The lease.
    pub lease: LeaseId,
    /// Who entered the agreement.
    pub agreed_by: PersonId,
    /// The entry of it; `S` and this number is its short name.
    pub agreed_index: LogIndex,
    /// First month whose rent is deferred.
    pub from_month: Month,
    /// Last month whose rent is deferred.
    pub until_month: Month,
    /// Still to be paid.
    pub open: Money,
    /// Paid.
    pub paid: Money,
    /// Due at once.
    pub defaulted: Money,
    /// Waived.
    pub converted: Money,
    /// In the order of their days.
    pub instalments: Vec<Instalment>,
    /// The entry that ended it.
    pub ended_index: Option<LogIndex>,
}

impl Deferral {
    /// What was deferred.
    pub fn amount(&self) -> Money {
        [self.open, self.paid, self.defaulted, self.converted]
            .into_iter()
            .sum()
    }

    /// Where it stands on a day.
    pub fn state(&self, today: NaiveDate) -> DeferralState {
        let has_begun = self
            .instalments
            .first()
            .is_some_and(|first| first.due <= today);
        if self.open > Money::ZERO {
            if has_begun || self.paid > Money::ZERO {
                DeferralState::Active
            } else {
                DeferralState::Agreed
            }
        } else if self.defaulted > Money::ZERO {
            DeferralState::Defaulted
        } else if self.converted > Money::ZERO {
            DeferralState::Converted
        } else {
            DeferralState::Settled
        }
    }

    /// Where one of its instalments stands on a day.
    pub fn state_of(&self, instalment: &Instalment, today: NaiveDate) -> InstalmentState {
        let state = instalment.state(today);
        if state != InstalmentState::Paid && self.open == Money::ZERO {
            InstalmentState::Lapsed
        } else {
            state
        }
    }

    /// What is late on a day.
    pub fn overdue(&self, today: NaiveDate) -> Money {
        let late = self.instalments.iter();
        late.filter(|one| self.state_of(one, today) == InstalmentState::Overdue)
            .map(Instalment::open)
            .sum()
    }

    /// Takes a payment, the earliest instalments first. Gives what went to which of them.
    pub fn pay(&mut self, amount: Amount) -> Result<Vec<(i16, Amount)>, RentRefusal> {
        if self.open == Money::ZERO {
            return Err(RentRefusal::WrongState);
        }
        if amount.money() > self.open {
            return Err(RentRefusal::MoreThanOpen);
        }
        let mut left = amount.money();
        let mut paid = Vec::new();
        for instalment in &mut self.instalments {
            if let Ok(part) = Amount::new(instalment.open().min(left)) {
                instalment.paid = [instalment.paid, part.money()].into_iter().sum();
                left = left.saturating_sub(part.money());
                paid.push((instalment.number, part));
            }
        }
        self.open = self.open.saturating_sub(amount.money());
        self.paid = [self.paid, amount.money()].into_iter().sum();
        self.end_if_nothing_is_open();
        Ok(paid)
    }

    /// Makes the rest due at once, when an instalment is late.
    pub fn make_due(&mut self, today: NaiveDate) -> Result<Amount, RentRefusal> {
        let rest = Amount::new(self.open).map_err(|_| RentRefusal::WrongState)?;
        if self.overdue(today) == Money::ZERO {
            return Err(RentRefusal::NotOverdue);
        }
        self.defaulted = rest.money();
        self.open = Money::ZERO;
        self.end_if_nothing_is_open();
        Ok(rest)
    }

    /// Gives up the rest.
    pub fn convert(&mut self) -> Result<Amount, RentRefusal> {
        let rest = Amount::new(self.open).map_err(|_| RentRefusal::WrongState)?;
        self.converted = rest.money();
        self.open = Money::ZERO;
        self.end_if_nothing_is_open();
        Ok(rest)
    }

    fn end_if_nothing_is_open(&mut self) {
        if self.open == Money::ZERO {
            self.ended_index = Some(LogIndex(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::InstalmentState::{Due, Lapsed, Overdue, Paid, Part};
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn amount(minor: i64) -> Amount {
        Amount::new(Money::from_minor(minor)).unwrap()
    }

    fn schedule(count: u8) -> Schedule {
        let first = day("2020-08-31");
        Schedule::Months { count, first }
    }

    fn deferral(minor: i64, count: u8) -> Deferral {
        let instalments = instalments(&schedule(count), amount(minor), Currency::Cny);
        Deferral {
            id: DeferralId(uuid::Uuid::nil()),
            lease: LeaseId(uuid::Uuid::nil()),
            agreed_by: PersonId(uuid::Uuid::nil()),
            agreed_index: LogIndex(1),
            from_month: "2020-02".parse().unwrap(),
            until_month: "2020-04".parse().unwrap(),
            open: Money::from_minor(minor),
            paid: Money::ZERO,
            defaulted: Money::ZERO,
            converted: Money::ZERO,
            instalments: instalments.unwrap(),
            ended_index: None,
        }
    }

    #[test]
    fn instalments_are_due_part_paid_or_late() {
        let mut deferral = deferral(100, 3);
        assert_eq!(deferral.state(day("2020-08-30")), DeferralState::Agreed);
        assert_eq!(deferral.state(day("2020-08-31")), DeferralState::Active);
        assert_eq!(
            deferral.pay(amount(40)).unwrap(),
            [(1, amount(34)), (2, amount(6))]
        );
        let states = |deferral: &Deferral, today| -> Vec<_> {
            let of = |one| deferral.state_of(one, day(today));
            deferral.instalments.iter().map(of).collect()
        };
        assert_eq!(states(&deferral, "2020-09-30"), [Paid, Part, Due]);
        assert_eq!(states(&deferral, "2020-10-01"), [Paid, Overdue, Due]);
        assert_eq!(deferral.overdue(day("2020-10-01")).minor(), 27);
        assert_eq!(
            deferral.make_due(day("2020-09-30")),
            Err(RentRefusal::NotOverdue)
        );
        assert_eq!(deferral.make_due(day("2020-10-01")), Ok(amount(60)));
        assert_eq!(states(&deferral, "2020-10-01"), [Paid, Lapsed, Lapsed]);
        assert_eq!(deferral.state(day("2020-10-01")), DeferralState::Defaulted);
        assert_eq!(deferral.pay(amount(1)), Err(RentRefusal::WrongState));
        assert_eq!(deferral.convert(), Err(RentRefusal::WrongState));
    }

    #[test]
    fn the_rest_can_be_waived() {
        let mut deferral = deferral(100, 3);
        deferral.pay(amount(34)).unwrap();
        assert_eq!(deferral.pay(amount(67)), Err(RentRefusal::MoreThanOpen));
        assert_eq!(deferral.convert(), Ok(amount(66)));
        assert_eq!(deferral.state(day("2020-09-01")), DeferralState::Converted);
    }

    proptest! {
        /// Whatever happens, its parts add up to the amount, and the payments of instalments to what is paid.
        #[test]
        fn parts_always_add_up(
            minor in 120_i64..10_000_000, count in 1_u8..=120,
            steps in proptest::collection::vec((0_u8..12, 1_i64..3_000_000, 0_u64..2_000), 0..40),
        ) {
            let mut deferral = deferral(minor, count);
            for (step, asked, offset) in steps {
                let today = day("2020-08-31") + chrono::Days::new(offset);
                match step {
                    0 => drop(deferral.make_due(today)),
                    1 => drop(deferral.convert()),
                    _ => drop(deferral.pay(amount(asked))),
                }
                prop_assert_eq!(deferral.amount(), Money::from_minor(minor));
                let paid: Money = deferral.instalments.iter().map(|one| one.paid).sum();
                let face: Money = deferral.instalments.iter().map(|one| one.amount.money()).sum();
                prop_assert_eq!((paid, face), (deferral.paid, Money::from_minor(minor)));
                prop_assert_eq!(deferral.ended_index.is_some(), deferral.open == Money::ZERO);
            }
        }
    }
}
