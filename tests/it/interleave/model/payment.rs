//! From what is owed to the bank: approved by finance, prepared and released by two cashiers.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use subsidy_ledger::identity::Role::{Cashier, Finance};

use super::super::command::Command;
use super::super::office::Who;
use super::books::of_zone;
use super::{Line, Model, Outcome, Why};

/// What was decided on, if it is decided again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::interleave) enum Basis {
    /// The price of a service, under a programme's rate.
    Service(&'static str),
    /// A claim.
    Claim,
}

/// Something owed to a party, by the name of its hold or claim.
#[derive(Clone)]
pub(in crate::interleave) struct Payable {
    pub(in crate::interleave) payee: &'static str,
    pub(in crate::interleave) line: Line,
    pub(in crate::interleave) amount: i64,
    pub(in crate::interleave) set_off: i64,
    pub(in crate::interleave) state: &'static str,
    /// Whoever submitted, reviewed or approved the case.
    pub(in crate::interleave) hands: BTreeSet<Who>,
    pub(in crate::interleave) approved_by: Option<Who>,
    pub(in crate::interleave) basis: Basis,
}

impl Payable {
    pub(super) fn new(
        payee: &'static str,
        (line, amount): (Line, i64),
        by: Who,
        basis: Basis,
    ) -> Self {
        Self {
            payee,
            line,
            amount,
            set_off: 0,
            state: "owed",
            hands: [by].into(),
            approved_by: None,
            basis,
        }
    }

    /// What is left to pay.
    pub(in crate::interleave) const fn rest(&self) -> i64 {
        self.amount - self.set_off
    }

    /// Whether somebody had a hand in it, up to finance.
    pub(super) fn is_of(&self, who: Who) -> bool {
        self.hands.contains(who) || self.approved_by == Some(who)
    }
}

/// Instructions to the bank.
#[derive(Clone)]
pub(in crate::interleave) struct Batch {
    pub(in crate::interleave) state: &'static str,
    pub(in crate::interleave) by: Who,
    pub(in crate::interleave) sent_on: Option<NaiveDate>,
    pub(in crate::interleave) lines: Vec<Instruction>,
}

#[derive(Clone)]
pub(in crate::interleave) struct Instruction {
    pub(in crate::interleave) payable: String,
    pub(in crate::interleave) amount: i64,
    /// Where it pays to.
    pub(in crate::interleave) account: usize,
    pub(in crate::interleave) state: &'static str,
}

impl Model {
    pub(super) fn of_payment(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::ApprovePayable { payable } => self.approve_payable(who, payable),
            Command::Prepare => self.prepare(who),
            Command::ReleaseBatch { batch } => self.release_batch(who, *batch),
            Command::Discard { batch } => self.discard(who, *batch),
            _ => return None,
        })
    }

    fn approve_payable(&mut self, who: Who, payable: &str) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance]);
        let out = self.out_of(who);
        let Some(one) = self.payables.get_mut(payable) else {
            return why.and("unknown payable");
        };
        why.when(one.state != "owed", "REFUSED_STATE");
        why.when(one.hands.contains(who), "REFUSED_SEGREGATION");
        why.when(out.contains(one.payee), "REFUSED_RECUSED");
        why.check()?;
        (one.state, one.approved_by) = ("approved", Some(who));
        Ok(self.one())
    }

    /// A batch of all that is approved, in which the cashier had no hand, nor stays out of the payee's cases, and whose payee has
    /// an account: its own entry, and one for each line.
    fn prepare(&mut self, who: Who) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        let out = self.out_of(who);
        let approved = self.payables.iter();
        let approved = approved.filter(|(_, one)| one.state == "approved" && !one.is_of(who));
        let approved = approved.filter(|(_, one)| !out.contains(one.payee));
        let instruct = |(name, one): (&String, &Payable)| {
            Some(Instruction {
                payable: name.clone(),
                amount: one.rest(),
                account: self.account_of(one.payee)?,
                state: "prepared",
            })
        };
        let lines: Vec<Instruction> = approved.filter_map(instruct).collect();
        why.when(lines.is_empty(), "nothing ready");
        why.check()?;
        for line in &lines {
            self.payables.get_mut(&line.payable).unwrap().state = "prepared";
        }
        let mut done = self.several(1 + i64::try_from(lines.len()).unwrap());
        done.new = Some(format!("B{}", self.batches.len()));
        self.batches.push(Batch {
            state: "prepared",
            by: who,
            sent_on: None,
            lines,
        });
        Ok(done)
    }

    fn prepared(&self, who: Who, batch: usize) -> Result<(Why, Batch), Why> {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        let Some(found) = self.batches.get(batch) else {
            return why.and("unknown batch");
        };
        why.when(found.state != "prepared", "batch decided");
        Ok((why, found.clone()))
    }

    /// Another cashier sends it, who had no hand in any of its lines, nor stays out of a payee's cases. What would go to an
    /// account that is not in force any more is given back.
    fn release_batch(&mut self, who: Who, batch: usize) -> Outcome {
        let (mut why, found) = self.prepared(who, batch)?;
        why.when(found.by == who, "PREPARED");
        let mut its = found.lines.iter().map(|line| &self.payables[&line.payable]);
        let is_own = |one: &Payable| one.is_of(who) || self.stays_out(who, one.payee);
        why.when(its.any(is_own), "OWN_CASE");
        let in_force = |at: usize| self.accounts[at].state == "confirmed";
        let mut its = found.lines.iter();
        let goes = its.any(|line| in_force(line.account));
        why.when(!goes && found.state == "prepared", "all changed");
        why.check()?;
        let done = self.several(1 + i64::try_from(found.lines.len()).unwrap());
        let today = self.today;
        for line in &mut self.batches[batch].lines {
            let one = self.payables.get_mut(&line.payable).unwrap();
            if self.accounts[line.account].state != "confirmed" {
                (line.state, one.state) = ("withdrawn", "approved");
                continue;
            }
            let owed = one.line.of_party("F2010", one.payee);
            self.books.post(&owed, &of_zone("F1020"), line.amount);
            (line.state, one.state) = ("sent", "sent");
        }
        let found = &mut self.batches[batch];
        (found.state, found.sent_on) = ("released", Some(today));
        Ok(done)
    }

    fn discard(&mut self, who: Who, batch: usize) -> Outcome {
        let (why, found) = self.prepared(who, batch)?;
        why.check()?;
        let done = self.several(1 + i64::try_from(found.lines.len()).unwrap());
        for line in &mut self.batches[batch].lines {
            line.state = "withdrawn";
            self.payables.get_mut(&line.payable).unwrap().state = "approved";
        }
        self.batches[batch].state = "discarded";
        Ok(done)
    }
}
