//! Appropriation, allocation, transfers and freezes of budgets, and parties that are excluded.

use chrono::NaiveDate;
use subsidy_ledger::identity::Role::{Finance, Manager, Reviewer};

use super::super::command::Command;
use super::super::office::{PARTIES, PROGRAMMES, Who};
use super::books::{of_year, of_zone};
use super::{Line, Model, Outcome, Why};

/// A transfer between programmes that was proposed.
#[derive(Clone)]
pub(in crate::interleave) struct Transfer {
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) from: &'static str,
    pub(in crate::interleave) to: &'static str,
    pub(in crate::interleave) year: i32,
    pub(in crate::interleave) fen: i64,
    pub(in crate::interleave) by: Who,
    /// What became of it.
    pub(in crate::interleave) outcome: Option<&'static str>,
}

/// A party that gets nothing new for some days, by two persons.
#[derive(Clone)]
pub(in crate::interleave) struct Exclusion {
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) party: &'static str,
    pub(in crate::interleave) first: NaiveDate,
    pub(in crate::interleave) last: NaiveDate,
    pub(in crate::interleave) by: Who,
    pub(in crate::interleave) decided: Option<(&'static str, Who)>,
    pub(in crate::interleave) is_lifted: bool,
}

impl Exclusion {
    pub(super) fn is_confirmed(&self) -> bool {
        matches!(self.decided, Some(("confirmed", _))) && !self.is_lifted
    }
}

impl Model {
    pub(super) fn of_budget(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match *command {
            Command::Appropriate { year, fen } => self.appropriate(who, year, fen),
            Command::Allocate {
                programme,
                year,
                fen,
            } => self.allocate(who, Line { programme, year }, fen),
            Command::ProposeTransfer {
                from,
                to,
                year,
                fen,
            } => self.propose_transfer(who, (from, to), year, fen),
            Command::ApproveTransfer { entry } => self.approve_transfer(who, entry),
            Command::RejectTransfer { entry } => self.reject_transfer(who, entry),
            Command::FreezeBudget { programme, year } => {
                self.freeze_line(who, Line { programme, year }, true)
            }
            Command::ThawBudget { programme, year } => {
                self.freeze_line(who, Line { programme, year }, false)
            }
            Command::Exclude { party, first, last } => self.exclude(who, party, (first, last)),
            Command::ConfirmExclusion { entry } => self.decide_exclusion(who, entry, "confirmed"),
            Command::RejectExclusion { entry } => self.decide_exclusion(who, entry, "rejected"),
            Command::LiftExclusion { entry } => self.lift_exclusion(who, entry),
            _ => return None,
        })
    }

    fn appropriate(&mut self, who: Who, year: i32, fen: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance]);
        why.when(self.is_closed(year), "year closed");
        why.check()?;
        self.books
            .post(&of_year("B10", year), &of_year("B20", year), fen);
        self.books
            .post(&of_zone("F1010"), &of_year("F3010", year), fen);
        self.note_funded(None, year, fen);
        Ok(self.one())
    }

    fn allocate(&mut self, who: Who, line: Line, fen: i64) -> Outcome {
        let mut why = Why::default();
        let unallocated = of_year("B20", line.year);
        why.needs(who, &[Finance]);
        why.unless(PROGRAMMES.contains(&line.programme), "unknown programme");
        why.when(self.is_closed(line.year), "year closed");
        why.when(self.books.credit(&unallocated) < fen, "insufficient");
        why.check()?;
        self.books.post(&unallocated, &line.account("B30"), fen);
        self.note_funded(Some(line.programme), line.year, fen);
        Ok(self.one())
    }

    fn propose_transfer(
        &mut self,
        who: Who,
        (from, to): (&'static str, &'static str),
        year: i32,
        fen: i64,
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance]);
        why.when(from == to, "one programme");
        let known = PROGRAMMES.contains(&from) && PROGRAMMES.contains(&to);
        why.unless(known, "unknown programme");
        why.when(self.is_closed(year), "year closed");
        let line = Line {
            programme: from,
            year,
        };
        why.when(self.free(line) < fen, "more than free");
        why.check()?;
        self.transfers.push(Transfer {
            entry: self.size,
            from,
            to,
            year,
            fen,
            by: who,
            outcome: None,
        });
        Ok(self.one())
    }

    fn waiting_transfer(&self, entry: i64) -> Option<usize> {
        let waits = |one: &Transfer| one.entry == entry && one.outcome.is_none();
        self.transfers.iter().position(waits)
    }

    /// A second person approves; what is free is looked at again.
    fn approve_transfer(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance, Manager]);
        let Some(at) = self.waiting_transfer(entry) else {
            return why.and("not waiting");
        };
        let Transfer {
            from,
            to,
            year,
            fen,
            by,
            ..
        } = self.transfers[at];
        let line = |programme| Line { programme, year };
        why.when(self.is_closed(year), "year closed");
        why.when(by == who, "SEGREGATION");
        why.when(self.frozen.contains(&line(from)), "FROZEN");
        why.when(self.free(line(from)) < fen, "INSUFFICIENT");
        why.check()?;
        let (debit, credit) = (line(from).account("B30"), line(to).account("B30"));
        self.books.post(&debit, &credit, fen);
        self.transfers[at].outcome = Some("approved");
        Ok(self.one())
    }

    fn reject_transfer(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance, Manager]);
        let Some(at) = self.waiting_transfer(entry) else {
            return why.and("not waiting");
        };
        why.check()?;
        self.transfers[at].outcome = Some("rejected");
        Ok(self.one())
    }

    fn freeze_line(&mut self, who: Who, line: Line, freeze: bool) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance, Manager]);
        if freeze {
            why.unless(PROGRAMMES.contains(&line.programme), "unknown programme");
            why.when(self.frozen.contains(&line), "frozen");
        } else {
            why.unless(self.frozen.contains(&line), "not frozen");
        }
        why.check()?;
        if freeze {
            self.frozen.insert(line);
        } else {
            self.frozen.remove(&line);
        }
        Ok(self.one())
    }

    fn exclude(
        &mut self,
        who: Who,
        party: &'static str,
        (first, last): (NaiveDate, NaiveDate),
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer, Manager, Finance]);
        why.unless(PARTIES.contains(&party), "unknown party");
        why.when(self.stays_out(who, party), "RECUSED");
        why.when(last < first, "input");
        why.check()?;
        self.exclusions.push(Exclusion {
            entry: self.size,
            party,
            first,
            last,
            by: who,
            decided: None,
            is_lifted: false,
        });
        Ok(self.one())
    }

    /// Whoever proposed it may take it back, but not confirm it.
    fn decide_exclusion(&mut self, who: Who, entry: i64, outcome: &'static str) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager, Finance]);
        let Some(one) = self.exclusions.iter().position(|one| one.entry == entry) else {
            return why.and("unknown exclusion proposed by entry");
        };
        let out = self.out_of(who);
        let one = &mut self.exclusions[one];
        why.when(out.contains(one.party), "RECUSED");
        why.when(one.decided.is_some(), "WRONG_STATE");
        why.when(one.by == who && outcome == "confirmed", "SEGREGATION");
        why.check()?;
        one.decided = Some((outcome, who));
        Ok(self.one())
    }

    fn lift_exclusion(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager, Finance]);
        let Some(one) = self.exclusions.iter().position(|one| one.entry == entry) else {
            return why.and("unknown exclusion proposed by entry");
        };
        let out = self.out_of(who);
        let one = &mut self.exclusions[one];
        why.when(out.contains(one.party), "RECUSED");
        why.unless(one.is_confirmed(), "WRONG_STATE");
        why.when(one.decided.is_some_and(|(_, by)| by == who), "SEGREGATION");
        why.check()?;
        one.is_lifted = true;
        Ok(self.one())
    }
}
