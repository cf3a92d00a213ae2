//! Rent that is paid later (DOMAIN 5): agreed, paid in instalments, made due at once, or waived after all.

use chrono::{Months, NaiveDate};
use subsidy_ledger::identity::Role::Incubator;

use super::super::command::{Command, Month};
use super::super::office::{Who, acts_for};
use super::rent::{Part, run, take};
use super::waiver::Relief;
use super::{Model, Outcome, Why};

/// Rent of months that is paid later, in instalments.
#[derive(Clone)]
pub(in crate::interleave) struct Deferral {
    pub(in crate::interleave) lease: usize,
    pub(in crate::interleave) months: (Month, Month),
    /// What is still deferred, by month.
    lies: Vec<(Month, i64)>,
    pub(in crate::interleave) open: i64,
    pub(in crate::interleave) paid: i64,
    pub(in crate::interleave) defaulted: i64,
    pub(in crate::interleave) converted: i64,
    /// The last day of each in time, how much it is, and what of it is paid.
    pub(in crate::interleave) instalments: Vec<(NaiveDate, i64, i64)>,
}

/// Equal parts; what does not divide goes to the first ones, a fen each.
pub(super) fn parts(fen: i64, count: u8, first: NaiveDate) -> Vec<(NaiveDate, i64, i64)> {
    let count = i64::from(count);
    let due = |at: i64| first + Months::new(u32::try_from(at).unwrap());
    let part = |at: i64| fen / count + i64::from(at < fen % count);
    (0..count).map(|at| (due(at), part(at), 0)).collect()
}

impl Model {
    pub(super) fn of_deferral(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match *command {
            Command::Defer {
                lease,
                months,
                fen,
                count,
                first,
            } => self.defer(who, (lease, months), fen, (count, first)),
            Command::Instalment { deferral, fen } => self.instalment(who, deferral, fen),
            Command::Default { deferral } => self.make_due(who, deferral),
            Command::Convert { deferral } => self.convert(who, deferral),
            _ => return None,
        })
    }

    /// All that is open of the months, or so much of it, of the first months first.
    fn defer(
        &mut self,
        who: Who,
        (at, of): (usize, (Month, Month)),
        asked: Option<i64>,
        (count, first): (u8, NaiveDate),
    ) -> Outcome {
        let is_input = of.1 < of.0;
        let found = self.let_by(who, at);
        let (mut why, _) = found.map_err(|why| why.also(is_input, "input"))?;
        why.when(is_input, "input");
        let months = run(of);
        why.unless(self.is_billed(at, &months), "NOT_BILLED");
        why.check()?;
        let mut lies = self.lies(at, &months, Part::Open);
        let open = lies.iter().map(|(_, fen)| fen).sum();
        let fen = asked.unwrap_or(open);
        why.when(fen == 0, "NOTHING_LEFT");
        why.when(fen > open, "MORE_THAN_OPEN");
        why.when((1..i64::from(count)).contains(&fen), "input");
        why.check()?;
        let lies = take(&mut lies, fen);
        self.move_rent(at, (Part::Open, Part::Deferred), &lies);
        let done = self.begins(format!("S{}", self.deferrals.len()));
        self.deferrals.push(Deferral {
            lease: at,
            months: of,
            lies,
            open: fen,
            paid: 0,
            defaulted: 0,
            converted: 0,
            instalments: parts(fen, count, first),
        });
        Ok(done)
    }

    fn deferred(&self, who: Who, at: usize) -> Result<(Why, Deferral), Why> {
        let mut why = Why::default();
        why.needs(who, &[Incubator]);
        let found = self.deferrals.get(at);
        let found = found.filter(|one| acts_for(who, &[self.leases[one.lease].carrier]));
        let Some(found) = found else {
            return why.and("unknown deferral");
        };
        why.when(found.open == 0, "WRONG_STATE");
        Ok((why, found.clone()))
    }

    /// What of a deferral is deferred no more, of the first months first.
    fn leave(&mut self, at: usize, to: Part, fen: i64) -> Vec<(Month, i64)> {
        let one = &mut self.deferrals[at];
        one.open -= fen;
        let (lease, sums) = (one.lease, take(&mut one.lies, fen));
        self.move_rent(lease, (Part::Deferred, to), &sums);
        sums
    }

    /// Instalments are paid in their order.
    fn instalment(&mut self, who: Who, at: usize, fen: i64) -> Outcome {
        let (mut why, found) = self.deferred(who, at)?;
        why.when(found.open > 0 && fen > found.open, "MORE_THAN_OPEN");
        why.check()?;
        self.leave(at, Part::Paid, fen);
        let found = &mut self.deferrals[at];
        found.paid += fen;
        let mut left = fen;
        for (_, amount, paid) in &mut found.instalments {
            let part = left.min(*amount - *paid);
            *paid += part;
            left -= part;
        }
        Ok(self.one())
    }

    /// What is overdue makes all of it due.
    fn make_due(&mut self, who: Who, at: usize) -> Outcome {
        let (mut why, found) = self.deferred(who, at)?;
        let mut its = found.instalments.iter();
        let is_late = its.any(|(due, amount, paid)| paid < amount && *due < self.today);
        why.when(found.open > 0 && !is_late, "NOT_OVERDUE");
        why.check()?;
        self.leave(at, Part::Open, found.open);
        self.deferrals[at].defaulted = found.open;
        Ok(self.one())
    }

    /// What is open of a deferral becomes a waiver, dated today (DOMAIN 5).
    fn convert(&mut self, who: Who, at: usize) -> Outcome {
        let (why, found) = self.deferred(who, at)?;
        why.check()?;
        let waived = self.leave(at, Part::Waived, found.open);
        self.deferrals[at].converted = found.open;
        let relief = Relief::Months {
            origin: Part::Deferred,
            waived,
            against: Vec::new(),
        };
        let today = (self.today, self.today);
        Ok(self.declare(who, found.lease, today, relief, found.open))
    }
}
