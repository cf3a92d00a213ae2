//! Awards that another office made in the past: a file is its whole list, and the ledger is brought in line with it. They are
//! owed, under authority of their own, and never paid here; they count in no limit.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use subsidy_ledger::identity::Role::{Manager, System};

use super::super::command::{Command, PastAward};
use super::super::office::Who;
use super::books::{account, of_year};
use super::{Done, Line, Model, Outcome, Why};

/// An award of the list, by which entry; and the entry that took it back.
#[derive(Clone)]
pub(in crate::interleave) struct Standing {
    pub(in crate::interleave) row: PastAward,
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) reversed: Option<i64>,
}

impl PastAward {
    const fn fen(&self) -> i64 {
        self.yuan * 100
    }

    const fn line(&self) -> Line {
        Line {
            programme: self.programme,
            year: self.year,
        }
    }
}

impl Model {
    pub(super) fn of_past(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        match command {
            Command::PastAwards { rows, correct } => Some(self.take_over(who, rows, *correct)),
            _ => None,
        }
    }

    /// New rows are recorded; rows that are otherwise or gone are taken back, if that is asked for.
    fn take_over(&mut self, who: Who, rows: &[PastAward], correct: bool) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager, System]);
        let stands = |row: &&PastAward| {
            let mut past = self.past.iter();
            past.any(|one| one.reversed.is_none() && one.row == **row)
        };
        let new: Vec<PastAward> = rows.iter().filter(|row| !stands(row)).cloned().collect();
        let is_gone = |one: &Standing| one.reversed.is_none() && !rows.contains(&one.row);
        let all = 0..self.past.len();
        let gone: Vec<usize> = all.filter(|at| is_gone(&self.past[*at])).collect();
        why.when(!gone.is_empty() && !correct, "would reverse");
        // An award counts from the first day of its year.
        let first_day = |row: &PastAward| NaiveDate::from_ymd_opt(row.year, 1, 1).unwrap();
        let is_late = new.iter().any(|row| self.is_day_closed(first_day(row)));
        why.when(is_late, "period closed");
        why.check()?;
        Ok(self.bring_in_line(&gone, new))
    }

    /// First what is taken back, then the authority of each line, then what is new; known by the entry of the import, the last.
    fn bring_in_line(&mut self, gone: &[usize], new: Vec<PastAward>) -> Done {
        if gone.is_empty() && new.is_empty() {
            return self.several(0);
        }
        let mut entry = self.size;
        let mut changes: BTreeMap<Line, i64> = BTreeMap::new();
        // Rows that are otherwise come before those that are gone.
        let is_otherwise = |at: usize| new.iter().any(|row| row.id == self.past[at].row.id);
        let (otherwise, missing): (Vec<usize>, Vec<usize>) =
            gone.iter().partition(|at| is_otherwise(**at));
        for at in in_order_of(&new, otherwise, &self.past)
            .into_iter()
            .chain(missing)
        {
            let row = self.past[at].row.clone();
            *changes.entry(row.line()).or_default() -= row.fen();
            self.past[at].reversed = Some(entry);
            entry += 1;
            self.owe_past(&row, true);
        }
        for row in &new {
            *changes.entry(row.line()).or_default() += row.fen();
        }
        for (line, change) in changes.into_iter().filter(|(_, change)| *change != 0) {
            let appropriated = (of_year("B10", line.year), of_year("B20", line.year));
            let allocated = (appropriated.1.clone(), line.account("B30"));
            for (debit, credit) in [appropriated, allocated] {
                self.move_either_way(&debit, &credit, change);
            }
            entry += 1;
        }
        for row in new {
            self.owe_past(&row, false);
            self.past.push(Standing {
                row,
                entry,
                reversed: None,
            });
            entry += 1;
        }
        Done {
            entries: entry + 1 - self.size,
            index: entry,
            new: None,
        }
    }

    /// Obligated and owed, or neither any more. Nothing is no award.
    fn owe_past(&mut self, row: &PastAward, back: bool) {
        let line = row.line();
        let owed = account("F2010", (None, None), Some(row.party), None);
        let fen = if back { -row.fen() } else { row.fen() };
        self.move_either_way(&line.account("B30"), &line.account("B60"), fen);
        self.move_either_way(&line.account("F5040"), &owed, fen);
    }

    fn move_either_way(&mut self, debit: &str, credit: &str, fen: i64) {
        if fen > 0 {
            self.books.post(debit, credit, fen);
        } else {
            self.books.post(credit, debit, -fen);
        }
    }
}

/// Awards that are otherwise, in the order of the rows that say so.
fn in_order_of(rows: &[PastAward], mut awards: Vec<usize>, past: &[Standing]) -> Vec<usize> {
    awards.sort_by_key(|at| rows.iter().position(|row| row.id == past[*at].row.id));
    awards
}
