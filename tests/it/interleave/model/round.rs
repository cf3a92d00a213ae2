//! Rounds: the recommended claims of a programme are ranked, or share what it has left, once a year; an approval gives at most
//! what the round did.

use std::cmp::Reverse;

use subsidy_ledger::identity::Role::Manager;

use super::super::command::Command;
use super::super::office::{FIRST, RANKED, SHARED, Who};
use super::claim::Claim;
use super::voucher::half;
use super::{Done, Line, Model, Outcome, Why};

/// A round that was closed, by which entry.
#[derive(Clone)]
pub(in crate::interleave) struct Round {
    pub(in crate::interleave) programme: &'static str,
    pub(in crate::interleave) year: i32,
    pub(in crate::interleave) by: Who,
    pub(in crate::interleave) entry: i64,
    /// What there was and what all asked for, where they share.
    pub(in crate::interleave) shared: Option<(i64, i64)>,
}

/// What a round gave a claim, as a review had recommended it.
#[derive(Clone)]
pub(in crate::interleave) struct Placing {
    round: usize,
    pub(in crate::interleave) claim: usize,
    pub(in crate::interleave) review: i64,
    /// None for a claim that does not qualify by itself.
    pub(in crate::interleave) place: Option<usize>,
    pub(in crate::interleave) amount: i64,
    pub(in crate::interleave) entry: i64,
}

/// What a round says of one among all.
#[derive(Clone, Copy, Default)]
pub(super) struct Among {
    place: Option<usize>,
    shared: Option<(i64, i64)>,
}

pub(in crate::interleave) fn ranks(programme: &str) -> bool {
    [SHARED, RANKED].contains(&programme)
}

/// Whether it is among those whom a round takes.
pub(super) fn is_first(among: Among) -> bool {
    among.place.is_none_or(|place| place <= FIRST)
}

/// Half of what was paid; less, if the budget is less than half of what all paid together: then the rate is budget over
/// demand. To the nearest fen.
pub(super) fn share(base: i64, among: Among) -> i64 {
    let Some((budget, demand)) = among.shared else {
        return half(base);
    };
    if i128::from(budget) * 2 >= i128::from(demand) {
        return half(base);
    }
    let (value, of) = (i128::from(base) * i128::from(budget), i128::from(demand));
    let nearest = (value * 2 + of) / (of * 2);
    i64::try_from(nearest).unwrap().min(budget)
}

impl Model {
    pub(super) fn of_round(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        match *command {
            Command::Rank { programme } => Some(self.rank(who, programme)),
            _ => None,
        }
    }

    /// Everybody who waits is ranked together, so none may be on the way still; and once a year.
    fn rank(&mut self, who: Who, programme: &'static str) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager]);
        let is_waiting = |claim: &Claim| ["recommended", "noticed"].contains(&claim.state);
        let is_on_the_way = |claim: &Claim| match claim.state {
            "submitted" | "objected" => true,
            "recommended" => programme == RANKED,
            _ => self.is_shown(claim),
        };
        let all = 0..self.claims.len();
        let takes_part = |at: &usize| {
            let claim = &self.claims[*at];
            let is_reviewed = ["submitted", "objected"].contains(&claim.state);
            claim.programme == programme && (is_reviewed || is_waiting(claim))
        };
        let all: Vec<usize> = all.filter(takes_part).collect();
        let mut claims = all.iter().map(|at| &self.claims[*at]);
        why.unless(claims.clone().any(is_waiting), "nothing to rank");
        why.when(claims.any(is_on_the_way), "not yet");
        why.unless(ranks(programme), "first come");
        let year = self.year();
        let mut rounds = self.rounds.iter();
        let is_closed = rounds.any(|one| (one.programme, one.year) == (programme, year));
        why.when(is_closed, "round closed");
        why.check()?;
        Ok(self.close_round(who, programme, &all))
    }

    fn close_round(&mut self, who: Who, programme: &'static str, all: &[usize]) -> Done {
        let year = self.year();
        let left = self.free(Line { programme, year });
        let qualifies = |at: &usize| self.compensation(&self.claims[*at], Among::default()) > 0;
        let mut order: Vec<usize> = all.iter().copied().filter(qualifies).collect();
        let demand = order.iter().map(|at| self.base(&self.claims[*at])).sum();
        let shared = (programme == SHARED).then_some((left, demand));
        if programme == RANKED {
            // Who waived most, then who claimed first, then whose claim was begun first.
            order.sort_by_key(|at| {
                let claim = &self.claims[*at];
                (Reverse(self.base(claim)), claim.submitted_on, *at)
            });
        }
        let place = |at: usize| order.iter().position(|one| *one == at).map(|at| at + 1);
        let amount = |at: usize| {
            let ranked = place(at).filter(|_| programme == RANKED);
            let among = Among {
                place: ranked,
                shared,
            };
            let claim = &self.claims[at];
            self.compensation(claim, among)
                .min(claim.recommended.unwrap())
        };
        let mut amounts: Vec<i64> = all.iter().map(|at| amount(*at)).collect();
        if programme == SHARED {
            keep_within(&mut amounts, left);
        }
        let (round, entry) = (self.rounds.len(), self.size);
        let placings = all.iter().zip(amounts).zip(1..);
        let placings = placings.map(|((claim, amount), number)| Placing {
            round,
            claim: *claim,
            review: self.claims[*claim].review.unwrap().1,
            place: place(*claim),
            amount,
            entry: entry + number,
        });
        let placings: Vec<Placing> = placings.collect();
        self.placings.extend(placings);
        self.rounds.push(Round {
            programme,
            year,
            by: who,
            entry,
            shared,
        });
        self.several(1 + i64::try_from(all.len()).unwrap())
    }

    /// What the last round gave a claim, if it has not been reviewed again since.
    pub(in crate::interleave) fn placing(&self, claim: usize) -> Option<&Placing> {
        let last = self.placings.iter().rfind(|one| one.claim == claim)?;
        let review = self.claims[claim].review.map(|(_, entry)| entry);
        (Some(last.review) == review).then_some(last)
    }

    pub(super) fn among(&self, placing: &Placing) -> Among {
        let shared = self.rounds[placing.round].shared;
        Among {
            place: placing.place.filter(|_| shared.is_none()),
            shared,
        }
    }
}

/// Each share was rounded by itself, and together they may be some fen too many: the last ones give up one each.
fn keep_within(shares: &mut [i64], budget: i64) {
    while shares.iter().sum::<i64>() > budget {
        let mut over = shares.iter().sum::<i64>() - budget;
        for share in shares.iter_mut().rev().filter(|share| **share > 0) {
            if over > 0 {
                *share -= 1;
                over -= 1;
            }
        }
    }
}
