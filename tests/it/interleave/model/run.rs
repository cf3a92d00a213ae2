//! Awards without application: a reviewer proposes a list of everybody who qualifies, a manager approves it, and a second
//! person carries it out, each party decided on once more.

use chrono::{Datelike as _, NaiveDate};
use subsidy_ledger::identity::Role::{Manager, Reviewer, System};

use super::super::command::Command;
use super::super::office::{Who, YH};
use super::voucher::Voucher;
use super::{Line, Model, Outcome, Why};

/// The enterprises of the zone that have a code, in the order of their registration. Those without one don't qualify.
const ENTERPRISES: [&str; 2] = ["f", "g"];

/// A run, and how far it has come.
#[derive(Clone)]
pub(in crate::interleave) struct Run {
    pub(in crate::interleave) programme: &'static str,
    pub(in crate::interleave) day: NaiveDate,
    /// What is requested for each.
    pub(in crate::interleave) fen: i64,
    /// Who is on the list, and for how much.
    pub(in crate::interleave) list: Vec<(&'static str, i64)>,
    pub(in crate::interleave) by: Who,
    pub(in crate::interleave) entry: i64,
    /// By whom, by which entry.
    pub(in crate::interleave) approved: Option<(Who, i64)>,
    /// What became of each, as far as it has come: the entry, and the voucher.
    pub(in crate::interleave) results: Vec<(i64, Option<usize>)>,
}

impl Model {
    pub(super) fn of_run(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match *command {
            Command::ProposeRun {
                programme,
                fen,
                day,
            } => self.propose_run(who, programme, fen, day),
            Command::ApproveRun { run } => self.approve_run(who, run),
            Command::CarryOut { run, .. } => self.carry_out(who, run),
            _ => return None,
        })
    }

    fn propose_run(
        &mut self,
        who: Who,
        programme: &'static str,
        fen: i64,
        day: NaiveDate,
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer]);
        why.when(
            day > self.today || day.year() != self.year(),
            "no past day of the year",
        );
        // No other programme begins with what is requested.
        why.when(programme != YH, "amount");
        let gets = |party: &&'static str| (*party, self.grant(programme, party, fen, day));
        let mut list: Vec<_> = ENTERPRISES.iter().map(gets).collect();
        list.retain(|(party, fen)| *fen > 0 && !self.is_excluded(party));
        why.when(list.is_empty(), "nobody qualifies");
        why.check()?;
        let done = self.begins(format!("R{}", self.runs.len()));
        self.runs.push(Run {
            programme,
            day,
            fen,
            list,
            by: who,
            entry: self.size,
            approved: None,
            results: Vec::new(),
        });
        Ok(done)
    }

    fn approve_run(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager]);
        let Some(run) = self.runs.get(at) else {
            return why.and("unknown award run");
        };
        why.when(run.approved.is_some(), "WRONG_STATE");
        why.when(run.by == who, "SEGREGATION");
        why.check()?;
        self.runs[at].approved = Some((who, self.size));
        Ok(self.one())
    }

    /// From where it stands to its end; an entry for each party, whatever it gets.
    fn carry_out(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager, System]);
        let Some(run) = self.runs.get(at).cloned() else {
            return why.and("unknown award run");
        };
        why.when(run.approved.is_none(), "not approved");
        why.when(run.by == who, "own run");
        why.when(run.day.year() != self.year(), "year over");
        let line = Line {
            programme: run.programme,
            year: self.year(),
        };
        let left = run.list.len() - run.results.len();
        let is_frozen = left > 0 && self.frozen.contains(&line);
        why.when(is_frozen, "BUDGET_FROZEN");
        why.check()?;
        let done = self.several(i64::try_from(left).unwrap());
        for ((party, _), entry) in run.list[run.results.len()..].iter().zip(self.size..) {
            let fen = self.grant(run.programme, party, run.fen, run.day);
            let is_given = fen > 0 && fen <= self.free(line) && !self.is_excluded(party);
            let voucher = is_given.then(|| self.award(&run, party, fen));
            self.runs[at].results.push((entry, voucher));
        }
        Ok(done)
    }

    fn award(&mut self, run: &Run, party: &'static str, fen: i64) -> usize {
        let at = self.vouchers.len();
        self.vouchers.push(Voucher {
            programme: run.programme,
            party,
            asked: run.fen,
            state: "applied",
            applied_by: run.by,
            reviewed_by: None,
            face: None,
            is_of_run: true,
        });
        self.give_voucher(at, fen);
        at
    }
}
