//! Money back (DOMAIN 5, 7): proposed on a decision made again, ordered, received, offset, written off.

use std::collections::BTreeSet;

use chrono::{Datelike as _, Days, NaiveDate};
use subsidy_ledger::identity::Role::{Cashier, Finance, Manager, Reviewer};

use super::super::command::Command;
use super::super::office::Who;
use super::books::{account, of_zone};
use super::deferral::parts;
use super::payment::Basis;
use super::voucher::paid_of;
use super::{Line, Model, Outcome, Payable, Why};

/// How long who owes money back has after the order: what the plays ask for.
pub(in crate::interleave) const DUE_DAYS: u64 = 30;

#[derive(Clone)]
pub(in crate::interleave) struct Recovery {
    pub(in crate::interleave) payable: String,
    pub(in crate::interleave) party: &'static str,
    pub(in crate::interleave) line: Line,
    pub(in crate::interleave) amount: i64,
    /// Whoever had a hand in what was paid.
    pub(in crate::interleave) hands: BTreeSet<Who>,
    pub(in crate::interleave) proposed_by: Who,
    pub(in crate::interleave) stage: &'static str,
    pub(in crate::interleave) ordered_by: Option<Who>,
    pub(in crate::interleave) open: i64,
    pub(in crate::interleave) received: i64,
    pub(in crate::interleave) set_off: i64,
    pub(in crate::interleave) written_off: i64,
    /// When it is to be paid: numbers, days and sums.
    pub(super) parts: Vec<(usize, NaiveDate, i64)>,
    /// A write-off that waits: its entry, by whom, over how much.
    pub(in crate::interleave) write_off: Option<(i64, Who, i64)>,
}

impl Recovery {
    pub(in crate::interleave) fn state(&self) -> &'static str {
        match self.stage {
            "ordered" if self.open > 0 => "open",
            "ordered" if self.written_off > 0 => "written_off",
            "ordered" if self.received > 0 => "recovered",
            "ordered" => "offset",
            other => other,
        }
    }
}

/// The account of a recovery.
fn receivable(at: usize, recovery: &Recovery) -> String {
    let line = (Some(recovery.line.programme), Some(recovery.line.year));
    account("F1210", line, Some(recovery.party), Some(&format!("Z{at}")))
}

impl Model {
    pub(super) fn of_recovery(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::ProposeRecovery { payable, corrected } => {
                self.propose_recovery(who, payable, *corrected)
            }
            Command::Order { recovery } => self.order(who, *recovery),
            Command::RejectRecovery { recovery } => self.reject_recovery(who, *recovery),
            Command::Void { recovery } => self.void(who, *recovery),
            Command::Receive {
                recovery,
                file,
                line,
            } => self.receive(who, *recovery, (*file, *line)),
            Command::Offset {
                recovery,
                payable,
                fen,
            } => self.offset(who, *recovery, payable, *fen),
            Command::Plan {
                recovery,
                count,
                first,
            } => self.plan(who, *recovery, *count, *first),
            Command::ProposeWriteOff { recovery } => self.propose_write_off(who, *recovery),
            Command::ApproveWriteOff { recovery, entry } => {
                self.approve_write_off(who, *recovery, *entry)
            }
            Command::RejectWriteOff { recovery, entry } => {
                self.reject_write_off(who, *recovery, *entry)
            }
            _ => return None,
        })
    }

    /// What is beyond what would have been right, and is not asked back yet: the decision is made again on the facts as they
    /// were, or all of it is asked back.
    fn propose_recovery(&mut self, who: Who, payable: &str, corrected: Option<i64>) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer, Manager, Finance]);
        let Some(one) = self.payables.get(payable).cloned() else {
            return why.and("unknown payable");
        };
        why.when(self.stays_out(who, one.payee), "RECUSED");
        why.unless(["paid", "offset"].contains(&one.state), "NOT_PAID");
        let right = corrected.map_or(0, |fact| match one.basis {
            Basis::Service(programme) => paid_of(programme, fact),
            Basis::Claim => panic!("only the price of a service is corrected here"),
        });
        let asked = self.recoveries.iter().filter(|other| {
            other.payable == payable && !["rejected", "void"].contains(&other.state())
        });
        let asked: i64 = asked.map(|other| other.amount).sum();
        let amount = one.amount - right.min(one.amount) - asked;
        why.when(amount <= 0, "NOTHING_TO_RECOVER");
        why.check()?;
        let done = self.begins(format!("Z{}", self.recoveries.len()));
        let mut hands = one.hands.clone();
        hands.extend(one.approved_by);
        self.recoveries.push(Recovery {
            payable: payable.to_owned(),
            party: one.payee,
            line: one.line,
            amount,
            hands,
            proposed_by: who,
            stage: "proposed",
            ordered_by: None,
            open: 0,
            received: 0,
            set_off: 0,
            written_off: 0,
            parts: Vec::new(),
            write_off: None,
        });
        Ok(done)
    }

    fn order(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager, Finance]);
        let out = self.out_of(who);
        let Some(one) = self.recoveries.get_mut(at) else {
            return why.and("unknown recovery");
        };
        why.when(out.contains(one.party), "RECUSED");
        let had_a_hand = one.hands.contains(who) || one.proposed_by == who;
        why.when(had_a_hand, "SEGREGATION");
        why.when(one.stage != "proposed", "WRONG_STATE");
        why.check()?;
        (one.stage, one.ordered_by, one.open) = ("ordered", Some(who), one.amount);
        one.parts = vec![(0, self.today + Days::new(DUE_DAYS), one.amount)];
        let (debit, credit) = (receivable(at, one), one.line.account("F5090"));
        self.books.post(&debit, &credit, one.amount);
        Ok(self.one())
    }

    /// Whoever proposed it takes it back, or somebody without a hand in it refuses it.
    fn reject_recovery(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer, Manager, Finance]);
        let out = self.out_of(who);
        let Some(one) = self.recoveries.get_mut(at) else {
            return why.and("unknown recovery");
        };
        why.when(out.contains(one.party), "RECUSED");
        let had_a_hand = one.hands.contains(who) && one.proposed_by != who;
        why.when(had_a_hand, "SEGREGATION");
        why.when(one.stage != "proposed", "WRONG_STATE");
        why.check()?;
        one.stage = "rejected";
        Ok(self.one())
    }

    /// An order is undone by another than who gave it, as long as nothing came of it.
    fn void(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager, Finance]);
        let out = self.out_of(who);
        let Some(one) = self.recoveries.get_mut(at) else {
            return why.and("unknown recovery");
        };
        why.when(out.contains(one.party), "RECUSED");
        let had_a_hand = one.hands.contains(who) || one.ordered_by == Some(who);
        why.when(had_a_hand, "SEGREGATION");
        why.when(one.stage != "ordered", "WRONG_STATE");
        why.when(
            one.stage == "ordered" && one.open != one.amount,
            "PARTLY_SETTLED",
        );
        why.check()?;
        (one.stage, one.open) = ("void", 0);
        let (debit, credit) = (one.line.account("F5090"), receivable(at, one));
        self.books.post(&debit, &credit, one.amount);
        Ok(self.one())
    }

    /// A line of the bank is one receipt. The programme may spend it again in the budget year that paid; otherwise it lapses
    /// (DOMAIN 7). What was booked in a period that is closed counts today.
    fn receive(&mut self, who: Who, at: usize, (file, number): (i64, i32)) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Cashier]);
        let Some(one) = self.recoveries.get(at).cloned() else {
            return why.and("unknown recovery");
        };
        let mut lines = self.bank_lines.iter();
        let Some(line) = lines.position(|line| (line.file, line.number) == (file, number)) else {
            return why.and("unknown line of a statement");
        };
        let found = self.bank_lines[line].clone();
        why.when(found.amount < 0 && !found.is_matched, "NO_RECEIPT");
        why.when(found.is_matched, "LINE_MATCHED");
        why.when(one.state() != "open", "WRONG_STATE");
        why.when(
            one.state() == "open" && found.amount > one.open,
            "MORE_THAN_OPEN",
        );
        // After a payment that was partly paid back came back whole, too little may stand as spent (docs/adr/0027).
        why.when(self.spent(one.line) < found.amount, "insufficient");
        why.check()?;
        let fen = found.amount;
        self.bank_lines[line].is_matched = true;
        self.books
            .post(&of_zone("F1010"), &receivable(at, &one), fen);
        let counts = if self.is_day_closed(found.booked_on) {
            self.year()
        } else {
            found.booked_on.year()
        };
        self.comes_back(&one, counts, fen);
        let one = &mut self.recoveries[at];
        one.open -= fen;
        one.received += fen;
        Ok(self.one())
    }

    fn comes_back(&mut self, recovery: &Recovery, year: i32, fen: i64) {
        let line = recovery.line;
        let to = if year == line.year { "B30" } else { "B80" };
        self.books
            .post(&line.account("B70"), &line.account(to), fen);
    }

    /// Against something else that the party is owed, which is approved and in no batch.
    fn offset(&mut self, who: Who, at: usize, payable: &str, asked: Option<i64>) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance, Cashier]);
        let Some(one) = self.recoveries.get(at).cloned() else {
            return why.and("unknown recovery");
        };
        let Some(against) = self.payables.get(payable).cloned() else {
            return why.and("unknown payable");
        };
        why.when(self.stays_out(who, one.party), "RECUSED");
        let had_a_hand = against.is_of(who) || one.ordered_by == Some(who);
        why.when(had_a_hand, "SEGREGATION");
        why.when(against.payee != one.party, "OTHER_PARTY");
        why.when(against.state != "approved", "NOT_READY");
        why.when(one.state() != "open", "WRONG_STATE");
        let fen = asked.unwrap_or_else(|| one.open.min(against.rest()));
        why.when(fen > against.rest(), "MORE_THAN_OWED");
        why.when(one.state() == "open" && fen > one.open, "MORE_THAN_OPEN");
        let is_elsewhere = against.line != one.line;
        why.when(is_elsewhere && self.spent(one.line) < fen, "insufficient");
        why.check()?;
        self.set_off(at, payable, fen);
        Ok(self.one())
    }

    /// Less is owed to the party, and less is asked of it.
    pub(super) fn set_off(&mut self, at: usize, payable: &str, fen: i64) {
        let (one, against) = (self.recoveries[at].clone(), self.payables[payable].clone());
        let owed = against.line.of_party("F2010", against.payee);
        self.books.post(&owed, &receivable(at, &one), fen);
        let Payable { line, .. } = against;
        self.books
            .post(&line.account("B60"), &line.account("B70"), fen);
        self.comes_back(&one, self.year(), fen);
        let against = self.payables.get_mut(payable).unwrap();
        against.set_off += fen;
        if against.rest() == 0 {
            against.state = "offset";
        }
        let one = &mut self.recoveries[at];
        one.open -= fen;
        one.set_off += fen;
    }

    /// A plan moves nothing. It takes the place of the day of the order, and of an earlier plan.
    fn plan(&mut self, who: Who, at: usize, count: u8, first: NaiveDate) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance]);
        let Some(one) = self.recoveries.get(at) else {
            return why.and("unknown recovery");
        };
        why.when(self.stays_out(who, one.party), "RECUSED");
        why.when(one.state() != "open", "WRONG_STATE");
        let is_split = one.open >= i64::from(count);
        why.when(one.state() == "open" && !is_split, "input");
        why.when(first < self.today, "input");
        why.check()?;
        let parts = (1..).zip(parts(one.open, count, first));
        let parts = parts.map(|(number, (day, fen, _))| (number, day, fen));
        self.recoveries[at].parts = parts.collect();
        Ok(self.one())
    }

    fn propose_write_off(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        let size = self.size;
        why.needs(who, &[Finance]);
        let out = self.out_of(who);
        let Some(one) = self.recoveries.get_mut(at) else {
            return why.and("unknown recovery");
        };
        why.when(out.contains(one.party), "RECUSED");
        why.when(one.hands.contains(who), "SEGREGATION");
        why.when(one.open == 0 || one.write_off.is_some(), "WRONG_STATE");
        why.check()?;
        one.write_off = Some((size, who, one.open));
        Ok(self.one())
    }

    /// A manager approves what was proposed, if nothing was settled since.
    fn approve_write_off(&mut self, who: Who, at: usize, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager]);
        let out = self.out_of(who);
        let Some(one) = self.recoveries.get_mut(at) else {
            return why.and("unknown recovery");
        };
        why.when(out.contains(one.party), "RECUSED");
        let waits = one.write_off.filter(|(proposed, ..)| *proposed == entry);
        why.when(waits.is_none(), "STALE");
        let by = waits.map(|(_, by, _)| by);
        why.when(one.hands.contains(who) || by == Some(who), "SEGREGATION");
        why.when(one.state() != "open", "WRONG_STATE");
        why.when(waits.is_some_and(|(.., fen)| fen != one.open), "STALE");
        why.check()?;
        let fen = one.open;
        (one.open, one.written_off, one.write_off) = (0, fen, None);
        let (debit, credit) = (one.line.account("F5090"), receivable(at, one));
        self.books.post(&debit, &credit, fen);
        Ok(self.one())
    }

    fn reject_write_off(&mut self, who: Who, at: usize, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager, Finance]);
        let out = self.out_of(who);
        let Some(one) = self.recoveries.get_mut(at) else {
            return why.and("unknown recovery");
        };
        why.when(out.contains(one.party), "RECUSED");
        let waits = one
            .write_off
            .is_some_and(|(proposed, ..)| proposed == entry);
        why.unless(waits, "STALE");
        why.check()?;
        one.write_off = None;
        Ok(self.one())
    }
}
