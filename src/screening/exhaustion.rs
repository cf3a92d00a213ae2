//! What becomes of many cases when the money does not last for all, as the policy says.

use std::collections::HashMap;

use crate::policy::{Exhaustion, Outcome, Policy, Screening, Table, Usage};
use crate::types::Money;

/// What each row is told besides its own usage, once all rows were looked at; `None` where nothing changes.
pub(super) enum Shared {
    /// The place of each row that passes.
    Ranks(HashMap<usize, u32>),
    /// What there is, and what all come to.
    Proportion {
        /// What there is.
        budget: Money,
        /// What all come to.
        demand: Money,
    },
}

impl Shared {
    pub(super) fn apply(&self, row: usize, usage: Usage) -> Usage {
        match self {
            Self::Ranks(ranks) => Usage {
                rank: ranks.get(&row).copied(),
                ..usage
            },
            Self::Proportion { budget, demand } => Usage {
                budget: Some(*budget),
                demand: Some(*demand),
                ..usage
            },
        }
    }
}

pub(super) fn shared(
    policy: &Policy,
    table: &Table,
    screening: &Screening,
    budget: Option<Money>,
) -> Option<Shared> {
    let sum = |amounts: &[Money]| amounts.iter().copied().sum::<Money>();
    let demand = match policy.exhaustion() {
        Exhaustion::FirstCome => return None,
        Exhaustion::Top { .. } => return Some(Shared::Ranks(ranks(policy, table, screening))),
        Exhaustion::ProRata => sum(&screening.amounts),
        Exhaustion::RatioFromDemand => sum(&screening.bases),
    };
    let budget = budget?;
    (demand > budget).then_some(Shared::Proportion { budget, demand })
}

/// The place of each row that passes, from 1 in each class: the highest first, equal ones by the declared facts, and
/// those equal in these too in the order in which they were registered.
fn ranks(policy: &Policy, table: &Table, screening: &Screening) -> HashMap<usize, u32> {
    let Exhaustion::Top {
        by, within, ties, ..
    } = policy.exhaustion()
    else {
        return HashMap::new();
    };
    let passes = |(row, outcome): (usize, &Outcome)| (*outcome == Outcome::Pass).then_some(row);
    let rows = screening.outcomes.iter().enumerate().filter_map(passes);
    let mut keyed: Vec<_> = rows
        .map(|row| {
            let class = within.and_then(|fact| table.scalar(fact, row));
            let height = std::cmp::Reverse(table.scalar(*by, row));
            let ties: Vec<_> = ties.iter().map(|fact| table.scalar(*fact, row)).collect();
            (class, height, ties, row)
        })
        .collect();
    keyed.sort();
    let mut ranks = HashMap::with_capacity(keyed.len());
    let (mut class_before, mut rank) = (None, 0_u32);
    for (class, _, _, row) in keyed {
        if class_before != Some(class) {
            (class_before, rank) = (Some(class), 0);
        }
        rank += 1;
        ranks.insert(row, rank);
    }
    ranks
}
