//! Rules as if they had always been in force.

use chrono::NaiveDate;

use super::award::Most;
use super::{Award, Policy};
use crate::types::{Money, Period};

impl Policy {
    /// The same rules, on any day: what a draft that begins later would have decided before. Before the first of its dated
    /// limits that one holds, after the last the last.
    #[must_use]
    pub fn undated(&self) -> Self {
        let mut undated = self.clone();
        undated.in_force = always(self.in_force, true, true);
        for award in undated.at.iter_mut().filter_map(|at| at.award.as_mut()) {
            stretch(award);
        }
        undated
    }
}

fn stretch(award: &mut Award) {
    for cap in &mut award.caps {
        match &mut cap.most {
            Most::Amount(amounts) | Most::PerUnit(amounts, _) => widen(amounts),
            Most::Count(_) => {}
        }
    }
}

/// The amounts have no gap between them, and stand in the order of their days.
fn widen(amounts: &mut [(Period, Money)]) {
    let last = amounts.len().saturating_sub(1);
    for (place, (period, _)) in amounts.iter_mut().enumerate() {
        *period = always(*period, place == 0, place == last);
    }
}

fn always(period: Period, is_first: bool, is_last: bool) -> Period {
    let from = if is_first {
        NaiveDate::MIN
    } else {
        period.from()
    };
    let until = period.until().filter(|_| !is_last);
    Period::new(from, until).unwrap_or(period)
}
