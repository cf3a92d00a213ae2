//! A recovery (追回) and its life, without IO.
//!
//! `PROPOSED → OPEN → {RECOVERED | OFFSET | WRITTEN_OFF}`, `PROPOSED → REJECTED`, `OPEN → VOID`. Where an ordered one
//! stands follows from its parts.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::refused::RecoveryRefusal;
use crate::programme::BudgetLine;
use crate::types::{
    Amount, Due, LogIndex, Money, PartyId, PayableId, PersonId, Reason, RecoveryId,
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $word:ident $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $word,)+ }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];

            /// As the database writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }

            /// The one of that word.
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words! {
    /// Why money is asked back.
    Cause {
        /// More was paid than is right.
        Overpaid "overpaid",
        /// The payee was not eligible.
        Ineligible "ineligible",
        /// It was used for something else.
        Misused "misused",
        /// It was got by deceit.
        Defrauded "defrauded",
        /// Something else, which the reason says.
        Other "other",
    }
}

words! {
    /// How the amount was found.
    Basis {
        /// The rules that decided were asked again, with corrected facts.
        Corrected "corrected",
        /// All that was paid.
        Whole "whole",
    }
}

words! {
    /// Where a recovery stands.
    RecoveryState {
        /// Another person has to order it.
        Proposed "proposed",
        /// It was not ordered, and will not be.
        Rejected "rejected",
        /// Something is still to come.
        Open "open",
        /// All of it came, some of it as money.
        Recovered "recovered",
        /// All of it was offset.
        Offset "offset",
        /// The rest was given up.
        WrittenOff "written_off",
        /// The order was taken back before anything came.
        Void "void",
    }
}

/// Who said something, and the entry of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who.
    pub by: PersonId,
    /// The entry.
    pub index: LogIndex,
}

/// What became of what was ordered. The parts always add up to the recovery's amount. Minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Still to come.
    pub open: Money,
    /// Brought by lines of the bank.
    pub received: Money,
    /// Offset against payables of the same party.
    pub set_off: Money,
    /// Given up.
    pub written_off: Money,
}

/// How a part of a recovery is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A line of the bank brought it.
    Cash,
    /// A payable of the same party pays it.
    Offset,
    /// It is given up.
    WriteOff,
}

/// Instalments that what was open is paid by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The entry of the plan.
    pub index: LogIndex,
    /// The parts, in the order of their days.
    pub instalments: Vec<Due>,
}

/// How far a recovery has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It waits for an order.
    Proposed,
    /// It was not ordered.
    Rejected(Said),
    /// It was ordered.
    Ordered {
        /// By whom.
        said: Said,
        /// The last day on which it is paid in time, if no plan says otherwise.
        due_on: NaiveDate,
        /// What became of it.
        parts: Parts,
        /// The plan in force.
        plan: Option<Plan>,
    },
    /// It was ordered, and taken back.
    Void {
        /// The order.
        said: Said,
        /// The day of the order.
        due_on: NaiveDate,
        /// The entry of the plan that was in force.
        planned: Option<LogIndex>,
        /// Who took it back.
        voided: Said,
    },
}

/// That the rest of a recovery should be given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOff {
    /// Who proposed it, and the entry, which names it.
    pub proposed: Said,
    /// Why.
    pub reason: Reason,
    /// What was open then, minor units.
    pub amount: Amount,
}

/// What is asked back of a payable that was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Identity; the item of its account F1210.
    pub id: RecoveryId,
    /// What was paid.
    pub payable: PayableId,
    /// Who pays back: its payee.
    pub party: PartyId,
    /// The budget line that paid, and gets back.
    pub line: BudgetLine,
    /// Why.
    pub cause: Cause,
    /// Why, in words.
    pub reason: Reason,
    /// How the amount was found.
    pub basis: Basis,
    /// How much, minor units.
    pub amount: Amount,
    /// Who had a hand in what was paid: none of them orders its recovery.
    pub hands: Vec<PersonId>,
    /// Who proposed it.
    pub proposed: Said,
    /// How far it has come.
    pub stage: Stage,
    /// A write-off that waits for its approval.
    pub write_off: Option<WriteOff>,
}

type Outcome<T> = Result<T, RecoveryRefusal>;

impl Recovery {
    /// Where it stands.
    pub fn state(&self) -> RecoveryState {
        match &self.stage {
            Stage::Proposed => RecoveryState::Proposed,
            Stage::Rejected(_) => RecoveryState::Rejected,
            Stage::Void { .. } => RecoveryState::Void,
            Stage::Ordered { parts, .. } => {
                if parts.open > Money::ZERO {
                    RecoveryState::Open
                } else if parts.written_off > Money::ZERO {
                    RecoveryState::WrittenOff
                } else if parts.received > Money::ZERO {
                    RecoveryState::Recovered
                } else {
                    RecoveryState::Offset
                }
            }
        }
    }

    /// What is still to come; nothing before it is ordered.
    pub fn open(&self) -> Money {
        match &self.stage {
            Stage::Ordered { parts, .. } => parts.open,
            Stage::Proposed | Stage::Rejected(_) | Stage::Void { .. } => Money::ZERO,
        }
    }

    /// Orders it: all of it is open, and due on a day.
    pub fn order(&mut self, said: Said, due_on: NaiveDate) -> Outcome<()> {
        self.expect(RecoveryState::Proposed)?;
        self.stage = Stage::Ordered {
            said,
            due_on,
            parts: Parts {
                open: self.amount.money(),
                received: Money::ZERO,
                set_off: Money::ZERO,
                written_off: Money::ZERO,
            },
            plan: None,
        };
        Ok(())
    }

    /// Rejects it, or takes it back.
    pub fn reject(&mut self, said: Said) -> Outcome<()> {
        self.expect(RecoveryState::Proposed)?;
        self.stage = Stage::Rejected(said);
        Ok(())
    }

    /// Takes an order back of which nothing was settled.
    pub fn void(&mut self, voided: Said) -> Outcome<()> {
        let Stage::Ordered {
            said,
            due_on,
            parts,
            plan,
        } = &self.stage
        else {
            return Err(RecoveryRefusal::WrongState);
        };
        if parts.open != self.amount.money() {
            return Err(RecoveryRefusal::PartlySettled);
        }
        self.stage = Stage::Void {
            said: *said,
            due_on: *due_on,
            planned: plan.as_ref().map(|plan| plan.index),
            voided,
        };
        Ok(())
    }

    /// Settles a part of what is open.
    pub fn settle(&mut self, way: Way, amount: Amount) -> Outcome<()> {
        self.expect(RecoveryState::Open)?;
        let Stage::Ordered { parts, .. } = &mut self.stage else {
            return Err(RecoveryRefusal::WrongState);
        };
        let left = parts.open.checked_sub(amount.money());
        let left = left.filter(|left| *left >= Money::ZERO);
        parts.open = left.ok_or(RecoveryRefusal::MoreThanOpen)?;
        let part = match way {
            Way::Cash => &mut parts.received,
            Way::Offset => &mut parts.set_off,
            Way::WriteOff => &mut parts.written_off,
        };
        *part = [*part, amount.money()].into_iter().sum();
        Ok(())
    }

    /// Puts a plan in force, in place of the one before. Its parts add up to what is open.
    pub fn plan(&mut self, plan: Plan) -> Outcome<()> {
        self.expect(RecoveryState::Open)?;
        self.put_in_force(plan);
        Ok(())
    }

    /// The plan in force, with the entry of it.
    pub(super) fn put_in_force(&mut self, plan: Plan) {
        if let Stage::Ordered { plan: in_force, .. } = &mut self.stage {
            *in_force = Some(plan);
        }
    }

    /// Enters the entry that brought it where it stands.
    pub fn stamp(&mut self, at: LogIndex) {
        let enter = |index: &mut LogIndex| {
            if *index == LogIndex(0) {
                *index = at;
            }
        };
        enter(&mut self.proposed.index);
        match &mut self.stage {
            Stage::Proposed => {}
            Stage::Rejected(said) | Stage::Ordered { said, .. } => enter(&mut said.index),
            Stage::Void { voided, .. } => enter(&mut voided.index),
        }
        if let Some(write_off) = &mut self.write_off {
            enter(&mut write_off.proposed.index);
        }
    }

    fn expect(&self, state: RecoveryState) -> Outcome<()> {
        if self.state() == state {
            Ok(())
        } else {
            Err(RecoveryRefusal::WrongState)
        }
    }

    /// The instalments of an open recovery, in the order of their days, each with what is still to come of it: what was
    /// settled since the plan went to the earliest first. Without a plan, all is due on one day.
    pub fn instalments(&self) -> Vec<Instalment> {
        let Stage::Ordered {
            due_on,
            parts,
            plan,
            ..
        } = &self.stage
        else {
            return Vec::new();
        };
        let whole = [Due {
            due: *due_on,
            amount: self.amount,
        }];
        let dues = plan.as_ref().map_or(&whole[..], |plan| &plan.instalments);
        let planned: Money = dues.iter().map(|due| due.amount.money()).sum();
        let mut settled = planned.saturating_sub(parts.open);
        let mut instalments = Vec::with_capacity(dues.len());
        for due in dues {
            let gone = settled.min(due.amount.money());
            settled = settled.saturating_sub(gone);
            instalments.push(Instalment {
                due: *due,
                open: due.amount.money().saturating_sub(gone),
            });
        }
        instalments
    }

    /// What is late on a day, and for how many days.
    pub fn overdue(&self, today: NaiveDate) -> Overdue {
        let late: Vec<Instalment> = self
            .instalments()
            .into_iter()
            .filter(|one| one.open > Money::ZERO && one.due.due < today)
            .collect();
        let first = late.first().map(|one| one.due.due);
        Overdue {
            amount: late.iter().map(|one| one.open).sum(),
            days: first.map_or(0, |due| (today - due).num_days()),
        }
    }

    /// The next day on which something is due.
    pub fn next_due(&self) -> Option<NaiveDate> {
        let mut open = self.instalments().into_iter();
        open.find(|one| one.open > Money::ZERO)
            .map(|one| one.due.due)
    }
}

/// A part of a plan, and what is still to come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instalment {
    /// When, and how much.
    pub due: Due,
    /// Still to come, minor units.
    pub open: Money,
}

/// What is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// How much, minor units.
    pub amount: Money,
    /// Days since the earliest was due.
    pub days: i64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::RecoveryState::{Open, Proposed, Recovered, Rejected, Void, WrittenOff};
    use super::*;
    use crate::types::{Currency, FiscalYear};

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn amount(minor: i64) -> Amount {
        Amount::new(Money::from_minor(minor)).unwrap()
    }

    const SAID: Said = Said {
        by: PersonId(Uuid::nil()),
        index: LogIndex(0),
    };

    fn proposed(minor: i64) -> Recovery {
        Recovery {
            id: RecoveryId(Uuid::nil()),
            payable: PayableId(Uuid::nil()),
            party: PartyId(Uuid::nil()),
            line: BudgetLine {
                programme: "SH".parse().unwrap(),
                year: FiscalYear(2020),
                currency: Currency::Cny,
            },
            cause: Cause::Other,
            reason: "for a reason".parse().unwrap(),
            basis: Basis::Whole,
            amount: amount(minor),
            hands: Vec::new(),
            proposed: SAID,
            stage: Stage::Proposed,
            write_off: None,
        }
    }

    fn ordered(minor: i64) -> Recovery {
        let mut recovery = proposed(minor);
        recovery.order(SAID, day("2020-07-31")).unwrap();
        recovery
    }

    fn two(first: i64, second: i64) -> Plan {
        let due = |due: &str, minor| Due {
            due: day(due),
            amount: amount(minor),
        };
        Plan {
            index: LogIndex(9),
            instalments: vec![due("2020-07-31", first), due("2020-09-30", second)],
        }
    }

    /// Every state, and which steps it allows: order, reject, void, settle, plan.
    #[test]
    fn each_state_allows_its_steps_only() {
        let settled = |way| {
            let mut recovery = ordered(100);
            recovery.settle(way, amount(100)).unwrap();
            recovery
        };
        let mut rejected = proposed(100);
        rejected.reject(SAID).unwrap();
        let mut void = ordered(100);
        void.void(SAID).unwrap();
        let none = [false; 5];
        for (recovery, state, allowed) in [
            (proposed(100), Proposed, [true, true, false, false, false]),
            (ordered(100), Open, [false, false, true, true, true]),
            (rejected, Rejected, none),
            (void, Void, none),
            (settled(Way::Cash), Recovered, none),
            (settled(Way::Offset), RecoveryState::Offset, none),
            (settled(Way::WriteOff), WrittenOff, none),
        ] {
            assert_eq!(recovery.state(), state);
            let done = |step: &dyn Fn(&mut Recovery) -> Outcome<()>| {
                let mut changed = recovery.clone();
                let done = step(&mut changed).is_ok();
                assert_eq!(done, changed != recovery, "{state:?}");
                done
            };
            let steps = [
                done(&|one| one.order(SAID, day("2020-07-31"))),
                done(&|one| one.reject(SAID)),
                done(&|one| one.void(SAID)),
                done(&|one| one.settle(Way::Cash, amount(1))),
                done(&|one| one.plan(two(50, 50))),
            ];
            assert_eq!(steps, allowed, "{state:?}");
        }
    }

    #[test]
    fn no_more_than_is_open_is_settled_and_nothing_settled_is_voided() {
        let mut recovery = ordered(100);
        assert_eq!(
            recovery.settle(Way::Cash, amount(101)),
            Err(RecoveryRefusal::MoreThanOpen)
        );
        assert_eq!(recovery.settle(Way::Offset, amount(1)), Ok(()));
        assert_eq!(recovery.void(SAID), Err(RecoveryRefusal::PartlySettled));
        assert_eq!(recovery.settle(Way::Cash, amount(99)), Ok(()));
        assert_eq!(recovery.state(), Recovered);
    }

    #[test]
    fn what_comes_in_goes_to_the_earliest_instalment() {
        let mut recovery = ordered(100);
        let late = |recovery: &Recovery, today| {
            let late = recovery.overdue(day(today));
            (late.amount.minor(), late.days)
        };
        assert_eq!(late(&recovery, "2020-07-31"), (0, 0));
        assert_eq!(late(&recovery, "2020-08-02"), (100, 2));
        recovery.settle(Way::Cash, amount(10)).unwrap();
        assert_eq!(late(&recovery, "2020-08-02"), (90, 2));
        recovery.plan(two(40, 50)).unwrap();
        recovery.settle(Way::Cash, amount(30)).unwrap();
        assert_eq!(late(&recovery, "2020-08-02"), (10, 2));
        assert_eq!(late(&recovery, "2020-10-01"), (60, 62));
        recovery.settle(Way::Offset, amount(10)).unwrap();
        assert_eq!(recovery.next_due(), Some(day("2020-09-30")));
        assert_eq!(late(&recovery, "2020-10-01"), (50, 1));
        recovery.settle(Way::WriteOff, amount(50)).unwrap();
        assert_eq!(late(&recovery, "2020-10-01"), (0, 0));
        assert_eq!(recovery.next_due(), None);
    }

    proptest! {
        /// Whatever settles it, the parts add up to the amount, and the instalments' open sums to what is open.
        #[test]
        fn parts_always_add_up(
            minor in 2_i64..1_000_000,
            steps in proptest::collection::vec((0_u8..4, 1_i64..400_000), 0..30),
        ) {
            let mut recovery = ordered(minor);
            for (step, asked) in steps {
                let open = recovery.open().minor();
                let result = match step {
                    0 => recovery.settle(Way::Cash, amount(asked)),
                    1 => recovery.settle(Way::Offset, amount(asked)),
                    2 => recovery.settle(Way::WriteOff, amount(asked)),
                    _ if open > 1 => recovery.plan(two(1, open - 1)),
                    _ => Ok(()),
                };
                prop_assert_eq!(result.is_err(), step < 3 && asked > open);
                let Stage::Ordered { parts, .. } = &recovery.stage else { unreachable!() };
                let sum: Money = [parts.open, parts.received, parts.set_off, parts.written_off].into_iter().sum();
                prop_assert_eq!(sum, recovery.amount.money());
                let open: Money = recovery.instalments().iter().map(|one| one.open).sum();
                prop_assert_eq!(open, recovery.open());
            }
        }
    }
}
