//! A month's bill and where its rent lies, without IO.
//!
//! The rent of a month lies in four parts, and every step moves some of it from one part to another. Each part is an
//! account of the rent book, so what moves in a bill is what moves in the book.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::lease::Charges;
use super::month::Month;
use super::refused::RentRefusal;
use crate::types::{Amount, LeaseId, LogIndex, Money};

/// A part of a month's rent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Due.
    Open,
    /// Waits for instalments.
    Deferred,
    /// Paid by the tenant.
    Paid,
    /// Given up by the carrier.
    Waived,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Open, Self::Deferred, Self::Paid, Self::Waived];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Deferred => "deferred",
            Self::Paid => "paid",
            Self::Waived => "waived",
        }
    }
}

/// What the rent of a month has become. The parts always add up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Parts {
    /// Due.
    pub open: Money,
    /// Waits for instalments.
    pub deferred: Money,
    /// Paid by the tenant.
    pub paid: Money,
    /// Given up by the carrier.
    pub waived: Money,
}

impl Parts {
    /// Of a new bill: all of it is due.
    pub const fn new(rent: Money) -> Self {
        Self {
            open: rent,
            deferred: Money::ZERO,
            paid: Money::ZERO,
            waived: Money::ZERO,
        }
    }

    /// The rent.
    pub fn rent(&self) -> Money {
        Part::ALL.into_iter().map(|part| self.of(part)).sum()
    }

    /// How much lies there.
    pub const fn of(&self, part: Part) -> Money {
        match part {
            Part::Open => self.open,
            Part::Deferred => self.deferred,
            Part::Paid => self.paid,
            Part::Waived => self.waived,
        }
    }

    const fn at(&mut self, part: Part) -> &mut Money {
        match part {
            Part::Open => &mut self.open,
            Part::Deferred => &mut self.deferred,
            Part::Paid => &mut self.paid,
            Part::Waived => &mut self.waived,
        }
    }

    /// Moves rent from one part to another; nothing happens if the one has less.
    fn shift(&mut self, from: Part, to: Part, amount: Amount) -> Option<()> {
        let rest = self.of(from).checked_sub(amount.money())?;
        let grown = self.of(to).checked_add(amount.money())?;
        if rest < Money::ZERO || from == to {
            return None;
        }
        *self.at(from) = rest;
        *self.at(to) = grown;
        Some(())
    }
}

/// What a lease is billed for one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// The month.
    pub month: Month,
    /// Days of it under lease.
    pub days: i64,
    /// Other charges, which are no rent and not in the rent book.
    pub charges: Charges<Money>,
    /// What its rent has become.
    pub parts: Parts,
    /// The entry of the bill.
    pub index: LogIndex,
}

/// Rent of a month that goes from one part of its bill to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// How much, minor units.
    pub amount: Amount,
    /// The part that it leaves.
    pub from: Part,
    /// The month that was billed.
    pub month: Month,
    /// The part that it goes to.
    pub to: Part,
}

/// The bills of one lease.
#[derive(Clone, Debug, Default)]
pub struct Bills {
    /// By month.
    pub by_month: BTreeMap<Month, Bill>,
}

impl Bills {
    /// How much lies in a part of these months together.
    pub fn of(&self, part: Part, months: &[Month]) -> Money {
        let bills = months.iter().filter_map(|month| self.by_month.get(month));
        bills.map(|bill| bill.parts.of(part)).sum()
    }

    /// The months from `first` to `last`, if every one of them is billed.
    pub fn billed(&self, first: Month, last: Month) -> Result<Vec<Month>, RentRefusal> {
        let months: Vec<Month> = first.until(last).collect();
        let all =
            !months.is_empty() && months.iter().all(|month| self.by_month.contains_key(month));
        all.then_some(months).ok_or(RentRefusal::NotBilled)
    }

    /// The moves that take `amount` from a part of these months, the first of them first; `None` if they have less.
    pub fn take(
        &self,
        months: &[Month],
        from: Part,
        to: Part,
        amount: Amount,
    ) -> Option<Vec<Move>> {
        let mut left = amount.money();
        let mut moves = Vec::new();
        for month in months {
            let has = self.by_month.get(month)?.parts.of(from);
            if let Ok(amount) = Amount::new(has.min(left)) {
                left = left.saturating_sub(amount.money());
                moves.push(Move {
                    amount,
                    from,
                    month: *month,
                    to,
                });
            }
        }
        (left == Money::ZERO).then_some(moves)
    }

    /// Carries moves out, all of them or none.
    pub fn apply(&mut self, moves: &[Move]) -> Result<(), RentRefusal> {
        let mut changed = self.by_month.clone();
        for step in moves {
            let bill = changed.get_mut(&step.month).ok_or(RentRefusal::NotBilled)?;
            bill.parts
                .shift(step.from, step.to, step.amount)
                .ok_or(RentRefusal::MovedOn)?;
        }
        self.by_month = changed;
        Ok(())
    }
}

/// A move together with its lease and the case that it belongs to, to be written.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    /// The waiver or deferral, or for a payment the lease.
    pub(super) case: uuid::Uuid,
    pub(super) lease: LeaseId,
    pub(super) moves: Vec<Move>,
}

/// What a case still has where it put it: its moves, less those that took something back, by month and by the part
/// that it came from. Only what it put into `part` counts.
pub fn standing(moves: &[Move], part: Part) -> BTreeMap<(Month, Part), Money> {
    let mut net: BTreeMap<(Month, Part), Money> = BTreeMap::new();
    for step in moves {
        if step.to == part {
            let sum = net.entry((step.month, step.from)).or_default();
            *sum = [*sum, step.amount.money()].into_iter().sum();
        }
    }
    for step in moves.iter().filter(|step| step.from == part) {
        // Taken from what came from the part that it goes to, and then from the rest.
        let mut left = step.amount.money();
        let mut sources = Part::ALL.to_vec();
        sources.sort_by_key(|source| *source != step.to);
        for source in sources {
            if let Some(sum) = net.get_mut(&(step.month, source)) {
                let taken = left.min(*sum);
                *sum = sum.saturating_sub(taken);
                left = left.saturating_sub(taken);
            }
        }
    }
    net.retain(|_, sum| *sum > Money::ZERO);
    net
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn month(number: usize) -> Month {
        let first: Month = "2020-01".parse().unwrap();
        std::iter::successors(Some(first), |month| Some(month.next()))
            .nth(number)
            .unwrap()
    }

    fn amount(minor: i64) -> Amount {
        Amount::new(Money::from_minor(minor)).unwrap()
    }

    fn bills(rents: &[i64]) -> Bills {
        let bill = |(number, rent): (usize, &i64)| {
            let bill = Bill {
                month: month(number),
                days: 30,
                charges: Charges::default(),
                parts: Parts::new(Money::from_minor(*rent)),
                index: LogIndex(0),
            };
            (bill.month, bill)
        };
        Bills {
            by_month: rents.iter().enumerate().map(bill).collect(),
        }
    }

    #[test]
    fn the_first_month_pays_first() {
        let mut bills = bills(&[100, 0, 50]);
        let months = [month(0), month(1), month(2)];
        let moves = bills
            .take(&months, Part::Open, Part::Paid, amount(120))
            .unwrap();
        let sums: Vec<_> = moves
            .iter()
            .map(|step| (step.month, step.amount.minor()))
            .collect();
        assert_eq!(sums, [(month(0), 100), (month(2), 20)]);
        bills.apply(&moves).unwrap();
        assert_eq!(bills.of(Part::Open, &months), Money::from_minor(30));
        assert_eq!(
            bills.take(&months, Part::Open, Part::Paid, amount(31)),
            None
        );
        assert_eq!(
            bills.billed(month(1), month(3)),
            Err(RentRefusal::NotBilled)
        );
    }

    #[test]
    fn moves_are_carried_out_together_or_not_at_all() {
        let mut bills = bills(&[100, 100]);
        let step = |number, minor| Move {
            amount: amount(minor),
            from: Part::Open,
            month: month(number),
            to: Part::Waived,
        };
        assert_eq!(
            bills.apply(&[step(0, 100), step(1, 101)]),
            Err(RentRefusal::MovedOn)
        );
        assert_eq!(bills.of(Part::Waived, &[month(0)]), Money::ZERO);
    }

    #[test]
    fn what_was_taken_back_no_longer_stands() {
        let step = |from, to, minor| Move {
            amount: amount(minor),
            from,
            month: month(0),
            to,
        };
        let moves = [
            step(Part::Open, Part::Waived, 100),
            step(Part::Waived, Part::Open, 30),
        ];
        let standing = standing(&moves, Part::Waived);
        assert_eq!(standing[&(month(0), Part::Open)], Money::from_minor(70));
        let deferred = [
            step(Part::Open, Part::Deferred, 100),
            step(Part::Deferred, Part::Paid, 60),
        ];
        let standing = super::standing(&deferred, Part::Deferred);
        assert_eq!(standing[&(month(0), Part::Open)], Money::from_minor(40));
    }

    proptest! {
        /// Whatever moves, the parts of each month add up to its rent and none is negative.
        #[test]
        fn parts_always_add_up_to_the_rent(
            rents in proptest::collection::vec(0_i64..1_000_000, 1..5),
            steps in proptest::collection::vec((0_usize..4, 0_usize..4, 0_usize..5, 1_i64..1_500_000), 0..60),
        ) {
            let mut bills = bills(&rents);
            let all: Vec<Month> = bills.by_month.keys().copied().collect();
            for (from, to, skip, minor) in steps {
                let (from, to) = (Part::ALL[from], Part::ALL[to]);
                let months: Vec<Month> = all.iter().copied().skip(skip).collect();
                let before = bills.of(from, &months);
                match bills.take(&months, from, to, amount(minor)) {
                    None => prop_assert!(before < Money::from_minor(minor)),
                    Some(moves) => {
                        let applied = bills.apply(&moves);
                        prop_assert_eq!(applied.is_ok(), from != to);
                        let sum: i64 = moves.iter().map(|step| step.amount.minor()).sum();
                        prop_assert_eq!(sum, minor);
                    }
                }
                for (bill, rent) in bills.by_month.values().zip(&rents) {
                    prop_assert_eq!(bill.parts.rent(), Money::from_minor(*rent));
                    prop_assert!(Part::ALL.iter().all(|part| bill.parts.of(*part) >= Money::ZERO));
                }
            }
        }
    }
}
