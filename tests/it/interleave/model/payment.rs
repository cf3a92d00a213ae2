//! From what is owed to a line of the bank: approved by finance, prepared and released by two cashiers, booked by the bank.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use subsidy_ledger::identity::Role::{Cashier, Finance};

use super::super::command::{Booked, Command};
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
    pub(in crate::interleave) state: &'static str,
}

/// A line of a statement.
#[derive(Clone)]
pub(in crate::interleave) struct BankLine {
    pub(in crate::interleave) file: i64,
    pub(in crate::interleave) number: i32,
    pub(in crate::interleave) booked_on: NaiveDate,
    /// Positive if money came.
    pub(in crate::interleave) amount: i64,
    pub(in crate::interleave) is_matched: bool,
}

impl Model {
    pub(super) fn of_payment(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::ApprovePayable { payable } => self.approve_payable(who, payable),
            Command::Prepare => self.prepare(who),
            Command::ReleaseBatch { batch } => self.release_batch(who, *batch),
            Command::Discard { batch } => self.discard(who, *batch),
            Command::Statement { opening, lines } => self.statement(who, *opening, lines),
            Command::BankRejects { batch, payable, .. } => self.bank_rejects(who, *batch, payable),
            Command::Return {
                batch,
                payable,
                file,
                line,
            } => self.return_payment(who, (*batch, payable), (*file, *line)),
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

    /// A batch of all that is approved and in which the cashier had no hand, nor stays out of the payee's cases: its own entry,
    /// and one for each line.
    fn prepare(&mut self, who: Who) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        let out = self.out_of(who);
        let all = self.payables.iter_mut();
        let ready: Vec<_> = all
            .filter(|(_, one)| one.state == "approved" && !one.is_of(who))
            .filter(|(_, one)| !out.contains(one.payee))
            .collect();
        why.when(ready.is_empty(), "nothing ready");
        why.check()?;
        let mut lines = Vec::new();
        for (name, one) in ready {
            one.state = "prepared";
            lines.push(Instruction {
                payable: name.clone(),
                amount: one.rest(),
                state: "prepared",
            });
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

    /// Another cashier sends it, who had no hand in any of its lines, nor stays out of a payee's cases.
    fn release_batch(&mut self, who: Who, batch: usize) -> Outcome {
        let (mut why, found) = self.prepared(who, batch)?;
        why.when(found.by == who, "PREPARED");
        let mut its = found.lines.iter().map(|line| &self.payables[&line.payable]);
        let is_own = |one: &Payable| one.is_of(who) || self.stays_out(who, one.payee);
        why.when(its.any(is_own), "OWN_CASE");
        why.check()?;
        let done = self.several(1 + i64::try_from(found.lines.len()).unwrap());
        let today = self.today;
        for line in &mut self.batches[batch].lines {
            let one = self.payables.get_mut(&line.payable).unwrap();
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

    /// A file of the bank: its own entry, and one for each instruction that it says is paid (invariant 10).
    fn statement(&mut self, who: Who, opening: i64, lines: &[Booked]) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        // The first one begins where the bank says.
        let follows = self.files.is_empty() || opening == self.at_bank;
        why.unless(follows, "statement gap");
        why.check()?;
        self.at_bank = opening;
        let (file, today, mut paid) = (self.size, self.today, 0);
        for (number, line) in (1..).zip(lines) {
            let (amount, is_matched) = match line {
                Booked::Comes(fen) => (*fen, false),
                Booked::Pays(batch, payable, fen) => {
                    let is_known = self.pay(*batch, payable);
                    paid += i64::from(is_known);
                    (-fen, is_known)
                }
            };
            self.at_bank += amount;
            self.bank_lines.push(BankLine {
                file,
                number,
                booked_on: today,
                amount,
                is_matched,
            });
        }
        Ok(self.several(1 + paid))
    }

    /// Whether the bank's word makes an instruction paid: it was sent, and nothing was heard of it.
    fn pay(&mut self, batch: usize, payable: &str) -> bool {
        let lines = &mut self.batches[batch].lines;
        let line = lines.iter_mut().find(|line| line.payable == payable);
        let line = line.expect("the bank pays what was sent");
        if line.state != "sent" {
            return false;
        }
        let one = self.payables.get_mut(payable).unwrap();
        (line.state, one.state) = ("paid", "paid");
        let (bank, transit) = (of_zone("F1010"), of_zone("F1020"));
        self.books.post(&transit, &bank, line.amount);
        let (obligated, spent) = (one.line.account("B60"), one.line.account("B70"));
        self.books.post(&obligated, &spent, line.amount);
        true
    }

    /// What the bank rejects is owed as before, approved, and goes into another batch.
    fn bank_rejects(&mut self, who: Who, batch: usize, payable: &str) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        let lines = self.batches.get_mut(batch).map(|batch| &mut batch.lines);
        let mut lines = lines.into_iter().flatten();
        let line = lines.find(|line| line.payable == payable);
        let Some(line) = line.filter(|line| ["sent", "paid", "rejected"].contains(&line.state))
        else {
            return why.and("rows");
        };
        why.when(line.state == "paid", "rows");
        why.check()?;
        if line.state == "rejected" {
            return Ok(self.several(0));
        }
        line.state = "rejected";
        let fen = line.amount;
        let one = self.payables.get_mut(payable).unwrap();
        one.state = "approved";
        let owed = one.line.of_party("F2010", one.payee);
        self.books.post(&of_zone("F1020"), &owed, fen);
        Ok(self.one())
    }

    /// A line brings back what an instruction paid, all of it: the payee never had it. So it is owed again; what the payee gave
    /// back of it is its own, and nothing more is asked of it (docs/adr/0027). What can still be voided or rejected is for those
    /// who ask, and what was written off stays so.
    fn return_payment(
        &mut self,
        who: Who,
        (batch, payable): (usize, &str),
        (file, number): (i64, i32),
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        let mut lines = self.bank_lines.iter();
        let Some(at) = lines.position(|line| (line.file, line.number) == (file, number)) else {
            return why.and("unknown line of a statement");
        };
        let found = self.bank_lines[at].clone();
        let released = self.batches.get(batch);
        let released = released.filter(|batch| batch.state == "released");
        let mut lines = released.into_iter().flat_map(|batch| &batch.lines);
        let Some(paid) = lines.find(|line| line.payable == payable).cloned() else {
            return why.and("no match");
        };
        let sent_on = released.and_then(|batch| batch.sent_on);
        let fits = !found.is_matched && paid.state == "paid" && found.amount == paid.amount;
        why.unless(fits && Some(found.booked_on) >= sent_on, "no match");
        let one = self.payables[payable].clone();
        let spent = self.books.credit(&one.line.account("B70"));
        why.when(spent < paid.amount, "no match");
        let (mut ends, mut left) = (Vec::new(), paid.amount);
        for (place, asked) in self.recoveries.iter().enumerate() {
            if asked.payable != payable || ["rejected", "void"].contains(&asked.state()) {
                continue;
            }
            let settled = asked.received + asked.set_off;
            why.when(settled == 0 || asked.written_off > 0, "no match");
            let fen = asked.open.min(left);
            if fen > 0 {
                let had_a_hand = one.is_of(who) || asked.ordered_by == Some(who);
                why.when(had_a_hand || self.stays_out(who, one.payee), "not ended");
                ends.push((place, fen));
                left -= fen;
            }
        }
        why.check()?;
        let done = self.several(1 + i64::try_from(ends.len()).unwrap());
        let owed = one.line.of_party("F2010", one.payee);
        self.books.post(&of_zone("F1010"), &owed, paid.amount);
        let (obligated, spent) = (one.line.account("B60"), one.line.account("B70"));
        self.books.post(&spent, &obligated, paid.amount);
        self.bank_lines[at].is_matched = true;
        let mut lines = self.batches[batch].lines.iter_mut();
        lines.find(|line| line.payable == payable).unwrap().state = "returned";
        self.payables.get_mut(payable).unwrap().state = "approved";
        for (recovery, fen) in ends {
            self.set_off(recovery, payable, fen);
        }
        Ok(done)
    }
}
