//! The end of a budget year: what lapses and what is carried over, by two persons; and a year that is opened again.

use chrono::NaiveDate;
use subsidy_ledger::identity::Role::{Finance, Manager};

use super::super::command::Command;
use super::super::office::{PROGRAMMES, Who};
use super::books::of_year;
use super::{Done, Line, Model, Outcome, Why};

/// What a programme does with what is left at the end of a year: lapses, and keeps its vouchers, unless it says otherwise.
#[derive(Clone, Copy, Default)]
pub(in crate::interleave) struct Rule {
    pub(in crate::interleave) carry: bool,
    pub(in crate::interleave) end: bool,
}

/// Days that are closed, from the first to the day before the second, by which entry.
#[derive(Clone)]
pub(in crate::interleave) struct Closing {
    pub(in crate::interleave) from: NaiveDate,
    pub(in crate::interleave) until: NaiveDate,
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) stands: bool,
}

/// What lapses and what is carried over, by programme, and what was never allocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::interleave) struct Plan {
    lines: Vec<(&'static str, i64, i64)>,
    unallocated: i64,
}

#[derive(Clone)]
pub(in crate::interleave) enum Subject {
    Close(i32, Plan),
    /// The entry that closed it.
    Reopen(i64),
}

#[derive(Clone)]
pub(in crate::interleave) struct PeriodProposal {
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) subject: Subject,
    pub(in crate::interleave) by: Who,
    pub(in crate::interleave) outcome: Option<&'static str>,
}

impl Model {
    pub(super) fn of_year(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match *command {
            Command::SetRule {
                programme,
                carry,
                end,
            } => self.set_rule(who, programme, Rule { carry, end }),
            Command::ClosePeriod { from, until } => self.close_period(who, from, until),
            Command::ProposeClose { year } => self.propose_close(who, year),
            Command::ProposeReopening { closing } => self.propose_reopening(who, closing),
            Command::ConfirmPeriod { entry } => self.confirm_period(who, entry),
            Command::RejectPeriod { entry } => self.reject_period(who, entry),
            _ => return None,
        })
    }

    pub(in crate::interleave) fn is_day_closed(&self, day: NaiveDate) -> bool {
        let mut closings = self.closings.iter();
        closings.any(|closing| closing.stands && closing.from <= day && day < closing.until)
    }

    /// A year is closed when its last day is (docs/adr/0014).
    pub(in crate::interleave) fn is_closed(&self, year: i32) -> bool {
        self.is_day_closed(NaiveDate::from_ymd_opt(year, 12, 31).unwrap())
    }

    /// Days that are over, and of which one is open at least.
    fn close_period(&mut self, who: Who, from: NaiveDate, until: NaiveDate) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance]);
        why.when(self.today < until, "not over");
        let mut days = from.iter_days().take_while(|day| *day < until);
        why.when(days.all(|day| self.is_day_closed(day)), "already closed");
        why.check()?;
        self.closings.push(Closing {
            from,
            until,
            entry: self.size,
            stands: true,
        });
        Ok(self.one())
    }

    pub(super) fn rule(&self, programme: &str) -> Rule {
        self.rules.get(programme).copied().unwrap_or_default()
    }

    fn set_rule(&mut self, who: Who, programme: &'static str, rule: Rule) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance, Manager]);
        why.unless(PROGRAMMES.contains(&programme), "unknown programme");
        why.check()?;
        self.rules.insert(programme, rule);
        Ok(self.one())
    }

    /// What was carried over once and is still unused is taken back (DOMAIN 8: two years running); the year's own money is
    /// carried over if the programme's rule says so.
    fn plan_of(&self, year: i32) -> Plan {
        let mut programmes = PROGRAMMES;
        programmes.sort_unstable();
        let line = |programme| {
            let line = Line { programme, year };
            let free = self.free(line);
            let used: i64 = ["B40", "B50", "B60", "B70"]
                .iter()
                .map(|code| self.books.credit_of_line(code, line))
                .sum();
            let before = Line {
                programme,
                year: year - 1,
            };
            let brought = self.books.credit(&before.account("B90"));
            let lapses = if self.rule(programme).carry {
                (brought - used).clamp(0, free)
            } else {
                free
            };
            (programme, lapses, free - lapses)
        };
        let lines = programmes.into_iter().map(line);
        Plan {
            lines: lines
                .filter(|(_, lapses, carries)| lapses + carries > 0)
                .collect(),
            unallocated: self.books.credit(&of_year("B20", year)),
        }
    }

    /// Why a year can't be closed.
    fn check_close(&self, year: i32, why: &mut Why) -> Plan {
        let plan = self.plan_of(year);
        why.when(self.year() <= year, "year not over");
        let carries = plan.lines.iter().any(|(.., carries)| *carries > 0);
        why.when(carries && self.is_closed(year + 1), "next year closed");
        let is_empty = plan.lines.is_empty() && plan.unallocated == 0;
        why.when(is_empty && self.is_closed(year), "year closed");
        for programme in PROGRAMMES {
            let line = Line { programme, year };
            why.when(self.frozen.contains(&line) && self.free(line) > 0, "frozen");
            let on_vouchers = ["B40", "B50"].map(|code| self.books.credit_of_line(code, line));
            let ends = self.rule(programme).end;
            why.when(ends && on_vouchers.iter().sum::<i64>() > 0, "vouchers left");
        }
        plan
    }

    fn propose_close(&mut self, who: Who, year: i32) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance]);
        let waits = |one: &PeriodProposal| {
            one.outcome.is_none() && matches!(one.subject, Subject::Close(its, _) if its == year)
        };
        why.when(self.proposals.iter().any(waits), "waits");
        let plan = self.check_close(year, &mut why);
        why.check()?;
        Ok(self.propose_period(who, Subject::Close(year, plan)))
    }

    fn propose_period(&mut self, who: Who, subject: Subject) -> Done {
        self.proposals.push(PeriodProposal {
            entry: self.size,
            subject,
            by: who,
            outcome: None,
        });
        self.one()
    }

    fn stands(&self, closing: i64) -> bool {
        let mut closings = self.closings.iter();
        closings.any(|one| one.entry == closing && one.stands)
    }

    fn propose_reopening(&mut self, who: Who, closing: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance]);
        why.unless(self.stands(closing), "not closed");
        why.check()?;
        Ok(self.propose_period(who, Subject::Reopen(closing)))
    }

    fn waiting_period(&self, entry: i64) -> Option<usize> {
        let waits = |one: &PeriodProposal| one.entry == entry && one.outcome.is_none();
        self.proposals.iter().position(waits)
    }

    /// A second person, by the plan that was seen.
    fn confirm_period(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance, Manager]);
        let Some(at) = self.waiting_period(entry) else {
            return why.and("not waiting");
        };
        let proposal = self.proposals[at].clone();
        why.when(proposal.by == who, "SEGREGATION");
        let done = match proposal.subject {
            Subject::Close(year, seen) => {
                let plan = self.check_close(year, &mut why);
                why.when(plan != seen, "CHANGED");
                why.check()?;
                self.close(year, &plan)
            }
            Subject::Reopen(closing) => {
                why.unless(self.stands(closing), "not closed");
                why.check()?;
                let mut closings = self.closings.iter_mut();
                closings.find(|one| one.entry == closing).unwrap().stands = false;
                self.one()
            }
        };
        self.proposals[at].outcome = Some("confirmed");
        Ok(done)
    }

    /// An entry for each programme and for what was never allocated, and the closing itself last, by which it is known.
    fn close(&mut self, year: i32, plan: &Plan) -> Done {
        for (programme, lapses, carries) in &plan.lines {
            let of = |year| Line { programme, year };
            let free = of(year).account("B30");
            self.books.post(&free, &of(year).account("B80"), *lapses);
            self.books.post(&free, &of(year).account("B90"), *carries);
            let (authority, unallocated) = (of_year("B10", year + 1), of_year("B20", year + 1));
            self.books.post(&authority, &unallocated, *carries);
            self.books
                .post(&unallocated, &of(year + 1).account("B30"), *carries);
        }
        let (unallocated, lapsed) = (of_year("B20", year), of_year("B80", year));
        self.books.post(&unallocated, &lapsed, plan.unallocated);
        let others = plan.lines.len() + usize::from(plan.unallocated > 0);
        let others = i64::try_from(others).unwrap();
        let entry = self.size + others;
        let first = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
        self.closings.push(Closing {
            from: first(year),
            until: first(year + 1),
            entry,
            stands: true,
        });
        Done {
            entries: others + 1,
            index: entry,
            new: None,
        }
    }

    fn reject_period(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance, Manager]);
        let Some(at) = self.waiting_period(entry) else {
            return why.and("not waiting");
        };
        why.check()?;
        self.proposals[at].outcome = Some("rejected");
        Ok(self.one())
    }
}
