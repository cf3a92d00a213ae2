//! Entries that are undone by one the other way (invariant 5): those that moved accounts and nothing else.

use subsidy_ledger::identity::Role::Finance;

use super::super::office::Who;
use super::books::{of_year, of_zone};
use super::{Line, Model, Outcome, Why};

/// What an appropriation or an allocation moved.
#[derive(Clone)]
pub(in crate::interleave) struct Moved {
    /// None of an appropriation.
    pub(in crate::interleave) programme: Option<&'static str>,
    pub(in crate::interleave) year: i32,
    pub(in crate::interleave) fen: i64,
    pub(in crate::interleave) is_reversed: bool,
}

impl Model {
    /// Once, and as far as what it moved is still where it went.
    pub(super) fn reverse(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance]);
        if !(0..self.size).contains(&entry) {
            return why.and("unknown entry");
        }
        let Some(moved) = self.funded.get(&entry).cloned() else {
            return why.and("not by reversal");
        };
        let Moved { year, fen, .. } = moved;
        let unallocated = of_year("B20", year);
        let line = moved.programme.map(|programme| Line { programme, year });
        let went_to = line.map_or_else(|| unallocated.clone(), |line| line.account("B30"));
        why.when(moved.is_reversed, "reversed");
        why.when(self.books.credit(&went_to) < fen, "insufficient");
        why.check()?;
        if line.is_some() {
            self.books.post(&went_to, &unallocated, fen);
        } else {
            self.books.post(&unallocated, &of_year("B10", year), fen);
            let (bank, appropriated) = (of_zone("F1010"), of_year("F3010", year));
            self.books.post(&appropriated, &bank, fen);
        }
        self.funded.get_mut(&entry).unwrap().is_reversed = true;
        Ok(self.one())
    }

    pub(super) fn note_funded(&mut self, programme: Option<&'static str>, year: i32, fen: i64) {
        let moved = Moved {
            programme,
            year,
            fen,
            is_reversed: false,
        };
        self.funded.insert(self.size, moved);
    }
}
