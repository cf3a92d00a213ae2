//! What the bank says: lines of statements (invariant 10), what it rejects, what comes back; and what a person says of a line.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use subsidy_ledger::identity::Role::Cashier;

use super::super::command::{Booked, Command, Matched};
use super::super::office::Who;
use super::books::of_zone;
use super::{Model, Outcome, Why};

/// A line of a statement.
#[derive(Clone)]
pub(in crate::interleave) struct BankLine {
    pub(in crate::interleave) file: i64,
    pub(in crate::interleave) number: i32,
    pub(in crate::interleave) booked_on: NaiveDate,
    /// Positive if money came.
    pub(in crate::interleave) amount: i64,
    pub(in crate::interleave) is_matched: bool,
    /// The entry that brought what came, if a person said so.
    pub(in crate::interleave) receipt: Option<i64>,
}

/// An instruction: batch and payable.
type Instructed = (usize, String);

impl Model {
    pub(super) fn of_bank(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::Statement {
                opening,
                booked_on,
                lines,
            } => self.statement(who, (*opening, *booked_on), lines),
            Command::BankRejects { batch, payable, .. } => self.bank_rejects(who, *batch, payable),
            Command::BankStatus { batch, payable } => {
                self.bank_status(who, *batch, payable.as_deref())
            }
            Command::Match { file, line, with } => self.match_line(who, (*file, *line), with),
            Command::Return {
                batch,
                payable,
                file,
                line,
            } => self.return_payment(who, (*batch, payable), (*file, *line)),
            _ => return None,
        })
    }

    /// A file of the bank: its own entry, and one for each instruction that it says is paid (invariant 10). A booking counts for
    /// the bank's day, which must be open.
    fn statement(
        &mut self,
        who: Who,
        (opening, booked_on): (i64, NaiveDate),
        lines: &[Booked],
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        // The first one begins where the bank says.
        let follows = self.files.is_empty() || opening == self.at_bank;
        why.unless(follows, "statement gap");
        let paid = self.paid_by(booked_on, lines);
        let is_late = !paid.is_empty() && self.is_day_closed(booked_on);
        why.when(is_late, "period closed");
        why.check()?;
        self.at_bank = opening;
        for (batch, payable) in paid.values() {
            self.pay(*batch, payable);
        }
        for (number, line) in (1..).zip(lines) {
            let amount = match line {
                Booked::Comes(fen) => *fen,
                Booked::Pays(.., fen) | Booked::Goes(fen, _) => -fen,
            };
            self.at_bank += amount;
            self.bank_lines.push(BankLine {
                file: self.size,
                number,
                booked_on,
                amount,
                is_matched: paid.contains_key(&number),
                receipt: None,
            });
        }
        Ok(self.several(1 + i64::try_from(paid.len()).unwrap()))
    }

    /// Which instructions the lines of a file pay, by their numbers: those that they name; and of those that are left in
    /// transit the only one over the amount to the account, if no other line fits it.
    fn paid_by(&self, booked_on: NaiveDate, lines: &[Booked]) -> BTreeMap<i32, Instructed> {
        let mut paid: BTreeMap<i32, Instructed> = BTreeMap::new();
        for (number, line) in (1..).zip(lines) {
            if let Booked::Pays(batch, payable, _) = line
                && self.is_in_transit(*batch, payable, booked_on)
            {
                paid.insert(number, (*batch, payable.clone()));
            }
        }
        let fits = |line: &Booked| -> Vec<Instructed> {
            let Booked::Goes(fen, Some(to)) = line else {
                return Vec::new();
            };
            let batches = self.batches.iter().enumerate();
            let all = batches.flat_map(|(at, batch)| batch.lines.iter().map(move |one| (at, one)));
            let fit = all.filter(|(at, one)| {
                let is_left = !paid
                    .values()
                    .any(|(batch, name)| (batch, name) == (at, &one.payable));
                let is_to = self.accounts[one.account].number == *to;
                is_left
                    && is_to
                    && one.amount == *fen
                    && self.is_in_transit(*at, &one.payable, booked_on)
            });
            fit.map(|(at, one)| (at, one.payable.clone())).collect()
        };
        let fitting: Vec<Vec<Instructed>> = lines.iter().map(fits).collect();
        let mut by_party = BTreeMap::new();
        for (number, its) in (1..).zip(&fitting) {
            if let [only] = &its[..] {
                let lines = fitting.iter().filter(|other| other.contains(only));
                if lines.count() == 1 {
                    by_party.insert(number, only.clone());
                }
            }
        }
        paid.extend(by_party);
        paid
    }

    /// Whether an instruction was sent by a day, and nothing was heard of it.
    fn is_in_transit(&self, batch: usize, payable: &str, on: NaiveDate) -> bool {
        let batch = &self.batches[batch];
        let mut lines = batch.lines.iter();
        let is_sent = lines.any(|line| line.payable == payable && line.state == "sent");
        is_sent && batch.sent_on.is_some_and(|sent| sent <= on)
    }

    fn pay(&mut self, batch: usize, payable: &str) {
        let mut lines = self.batches[batch].lines.iter_mut();
        let line = lines.find(|line| line.payable == payable).unwrap();
        let one = self.payables.get_mut(payable).unwrap();
        (line.state, one.state) = ("paid", "paid");
        let (bank, transit) = (of_zone("F1010"), of_zone("F1020"));
        self.books.post(&transit, &bank, line.amount);
        let (obligated, spent) = (one.line.account("B60"), one.line.account("B70"));
        self.books.post(&obligated, &spent, line.amount);
    }

    /// A person says that a line which waits is an instruction in transit, or the receipt that an entry has; to the fen, and
    /// each once.
    fn match_line(&mut self, who: Who, (file, number): (i64, i32), with: &Matched) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        let mut lines = self.bank_lines.iter();
        let Some(at) = lines.position(|line| (line.file, line.number) == (file, number)) else {
            return why.and("unknown line of a statement");
        };
        let found = self.bank_lines[at].clone();
        why.when(found.is_matched, "no match");
        match with {
            Matched::Instruction(batch, payable) => {
                let batches = self.batches.get(*batch);
                let mut lines = batches.into_iter().flat_map(|batch| &batch.lines);
                let is_it =
                    lines.any(|line| line.payable == *payable && line.amount == -found.amount);
                let is_sent = is_it && self.is_in_transit(*batch, payable, found.booked_on);
                why.unless(is_sent, "no match");
                why.when(
                    is_sent && self.is_day_closed(found.booked_on),
                    "period closed",
                );
                why.check()?;
                self.pay(*batch, payable);
            }
            Matched::Receipt(entry) => {
                let funded = self.funded.get(entry);
                let brought = funded.filter(|one| one.programme.is_none());
                let is_it = brought.is_some_and(|one| one.fen == found.amount);
                let mut others = self.bank_lines.iter();
                let is_taken = others.any(|other| other.receipt == Some(*entry));
                why.when(!is_it || is_taken, "no match");
                why.check()?;
                self.bank_lines[at].receipt = Some(*entry);
            }
        }
        self.bank_lines[at].is_matched = true;
        Ok(self.one())
    }

    /// A status report is its own entry, and one for each instruction that it rejects. What a statement said is paid it can't
    /// reject.
    fn bank_status(&mut self, who: Who, batch: usize, payable: Option<&str>) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        let found = self.batches.get(batch);
        let Some(found) = found.filter(|batch| batch.state == "released") else {
            return why.and("status");
        };
        let went = found.lines.iter().filter(|line| line.state != "withdrawn");
        let meant = went.filter(|line| payable.is_none_or(|payable| line.payable == payable));
        let meant: Vec<_> = meant
            .map(|line| (line.payable.clone(), line.state))
            .collect();
        why.when(meant.is_empty(), "rows");
        let other = |(_, state): &(String, &str)| !["sent", "rejected"].contains(state);
        why.when(meant.iter().any(other), "rows");
        why.check()?;
        let sent = meant.iter().filter(|(_, state)| *state == "sent");
        let mut entries = 1;
        for (payable, _) in sent {
            self.owed_again(batch, payable);
            entries += 1;
        }
        Ok(self.several(entries))
    }

    /// An instruction that was sent is rejected.
    fn owed_again(&mut self, batch: usize, payable: &str) {
        let mut lines = self.batches[batch].lines.iter_mut();
        let line = lines.find(|line| line.payable == payable).unwrap();
        let one = self.payables.get_mut(payable).unwrap();
        (line.state, one.state) = ("rejected", "approved");
        let owed = one.line.of_party("F2010", one.payee);
        self.books.post(&of_zone("F1020"), &owed, line.amount);
    }

    /// What the bank rejects is owed as before, approved, and goes into another batch.
    fn bank_rejects(&mut self, who: Who, batch: usize, payable: &str) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        let lines = self.batches.get(batch).map(|batch| &batch.lines);
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
        self.owed_again(batch, payable);
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
        let spent = self.spent(one.line);
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
