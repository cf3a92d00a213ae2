//! The ledger in memory, as DESIGN and DOMAIN describe it: balances by account, cases by number, and of each command why it must
//! be refused or what it changes. It names *every* reason that applies; the ledger names one of them. Amounts are fen.
//!
//! Written to be read, and from the specification: it shares no decision with the crate.

mod account;
mod approval;
mod bank;
mod books;
mod budget;
mod claim;
mod contract;
mod deferral;
mod fact;
mod pack;
mod past;
mod payment;
mod recovery;
mod reminder;
mod rent;
mod round;
mod run;
mod undo;
mod voucher;
mod waiver;
mod year;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, NaiveDate};
use subsidy_ledger::identity::Role;

use super::command::{Asked, Command};
use super::office::{self, Who};

pub(super) use self::account::Account;
pub(super) use self::approval::{Delegation, LevelSet, Recusal};
pub(super) use self::bank::BankLine;
use self::books::Books;
pub(super) use self::books::Line;
use self::books::account;
pub(super) use self::budget::{Exclusion, Transfer};
pub(super) use self::claim::{Claim, Notice, asks_notice};
pub(super) use self::contract::Contract;
pub(super) use self::deferral::Deferral;
pub(super) use self::fact::{Determination, Source, Statement};
pub(super) use self::pack::Version;
pub(super) use self::past::Standing;
pub(super) use self::payment::{Basis, Batch, Instruction, Payable};
pub(super) use self::recovery::Recovery;
pub(super) use self::reminder::Due;
pub(super) use self::rent::{Lease, Part, days};
pub(super) use self::round::{Placing, Round, ranks};
pub(super) use self::run::Run;
pub(super) use self::undo::Moved;
pub(super) use self::voucher::{Hold, Voucher};
pub(super) use self::waiver::Waiver;
pub(super) use self::year::{Closing, PeriodProposal, Rule, Subject};

/// What a command that is accepted does to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// How many entries it makes.
    pub(super) entries: i64,
    /// Which of them it is known by.
    pub(super) index: i64,
    /// The case that it begins.
    pub(super) new: Option<String>,
}

/// Every reason for which a command must be refused. In capitals: a refusal that a person may contest, which is an entry
/// (DESIGN 3). Otherwise nothing is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Why(pub(super) BTreeSet<&'static str>);

impl Why {
    fn when(&mut self, is_so: bool, reason: &'static str) {
        if is_so {
            self.0.insert(reason);
        }
    }

    fn unless(&mut self, is_so: bool, reason: &'static str) {
        self.when(!is_so, reason);
    }

    fn needs(&mut self, who: Who, one_of: &[Role]) {
        self.unless(office::has(who, one_of), "forbidden");
    }

    /// Stops here if there is any reason.
    fn check(&self) -> Result<(), Self> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.clone())
        }
    }

    fn also(mut self, is_so: bool, reason: &'static str) -> Self {
        self.when(is_so, reason);
        self
    }

    fn and<T>(mut self, reason: &'static str) -> Result<T, Self> {
        self.0.insert(reason);
        Err(self)
    }
}

type Outcome = Result<Done, Why>;

/// What comes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Done(Done),
    Refused(Why),
    /// It was given before under the key: the first answer, of this entry.
    Repeated(i64),
}

/// Whether a refusal is recorded as an entry.
pub(super) fn is_recorded(reason: &str) -> bool {
    reason.starts_with(|letter: char| letter.is_ascii_uppercase())
}

#[derive(Clone)]
pub(super) struct Model {
    pub(super) today: NaiveDate,
    /// How many entries the log has: the index of the next one.
    pub(super) size: i64,
    pub(super) books: Books,
    /// Appropriations and allocations, by their entries.
    pub(super) funded: BTreeMap<i64, Moved>,
    pub(super) transfers: Vec<Transfer>,
    pub(super) frozen: BTreeSet<Line>,
    pub(super) exclusions: Vec<Exclusion>,
    pub(super) vouchers: Vec<Voucher>,
    pub(super) holds: Vec<Hold>,
    pub(super) payables: BTreeMap<String, Payable>,
    pub(super) accounts: Vec<Account>,
    pub(super) batches: Vec<Batch>,
    pub(super) bank_lines: Vec<BankLine>,
    /// What the bank said last that the account has.
    pub(super) at_bank: i64,
    pub(super) claims: Vec<Claim>,
    /// Which claim rests on a waiver.
    pub(super) taken: BTreeMap<usize, usize>,
    pub(super) notices: Vec<Notice>,
    pub(super) levels: Vec<LevelSet>,
    pub(super) recusals: Vec<Recusal>,
    pub(super) delegations: Vec<Delegation>,
    pub(super) contracts: Vec<Contract>,
    pub(super) rounds: Vec<Round>,
    pub(super) placings: Vec<Placing>,
    pub(super) runs: Vec<Run>,
    pub(super) versions: Vec<Version>,
    pub(super) statements: Vec<Statement>,
    pub(super) determinations: Vec<Determination>,
    /// Awards of another office's list, also those that were taken back.
    pub(super) past: Vec<Standing>,
    pub(super) recoveries: Vec<Recovery>,
    /// What was reminded of, whom it concerns, and when it was.
    pub(super) reminders: BTreeMap<Due, (&'static str, NaiveDate)>,
    pub(super) leases: Vec<Lease>,
    pub(super) waivers: Vec<Waiver>,
    pub(super) deferrals: Vec<Deferral>,
    pub(super) rules: BTreeMap<&'static str, Rule>,
    pub(super) closings: Vec<Closing>,
    pub(super) proposals: Vec<PeriodProposal>,
    /// Files of the bank, and the entries that took them in.
    files: BTreeMap<String, i64>,
    /// What was recorded under a key, by whom, and by which entry.
    pub(super) recorded: Vec<(Asked, i64)>,
}

impl Model {
    /// With so many entries of its foundation, which moved nothing.
    pub(super) fn new(today: NaiveDate, size: i64) -> Self {
        Self {
            today,
            size,
            books: Books::default(),
            funded: BTreeMap::new(),
            transfers: Vec::new(),
            frozen: BTreeSet::new(),
            exclusions: Vec::new(),
            vouchers: Vec::new(),
            holds: Vec::new(),
            payables: BTreeMap::new(),
            accounts: Vec::new(),
            batches: Vec::new(),
            bank_lines: Vec::new(),
            at_bank: 0,
            claims: Vec::new(),
            taken: BTreeMap::new(),
            notices: Vec::new(),
            levels: Vec::new(),
            recusals: Vec::new(),
            delegations: Vec::new(),
            contracts: Vec::new(),
            rounds: Vec::new(),
            placings: Vec::new(),
            runs: Vec::new(),
            versions: Vec::new(),
            statements: Vec::new(),
            determinations: Vec::new(),
            past: Vec::new(),
            recoveries: Vec::new(),
            reminders: BTreeMap::new(),
            leases: Vec::new(),
            waivers: Vec::new(),
            deferrals: Vec::new(),
            rules: BTreeMap::new(),
            closings: Vec::new(),
            proposals: Vec::new(),
            files: BTreeMap::new(),
            recorded: Vec::new(),
        }
    }

    /// Decides on a command and, if it is accepted, makes its changes.
    pub(super) fn give(&mut self, asked: &Asked) -> Verdict {
        if asked.command.is_keyed() {
            let mut before = self.recorded.iter();
            let same_key =
                |(one, _): &&(Asked, i64)| (one.who, &one.key) == (asked.who, &asked.key);
            match before.find(same_key) {
                Some((one, entry)) if one == asked => return Verdict::Repeated(*entry),
                Some(_) => return Verdict::Refused(self.conflict(asked)),
                None => {}
            }
        }
        // A file of the bank is known by its bytes, whoever brings it.
        let file = self.files.get(&asked.key).copied();
        if let (Command::Statement { .. }, Some(entry)) = (&asked.command, file) {
            return Verdict::Repeated(entry);
        }
        match self.decide(asked.who, &asked.command) {
            Ok(done) => {
                if matches!(asked.command, Command::Statement { .. }) {
                    self.files.insert(asked.key.clone(), done.index);
                }
                self.size += done.entries;
                // What changes nothing is no entry, and may be given again.
                if done.entries > 0 {
                    self.remember(asked, done.index);
                }
                Verdict::Done(done)
            }
            Err(why) => Verdict::Refused(why),
        }
    }

    /// Another command has the key. It may be told instead why it would not do by itself, unless that is an entry.
    fn conflict(&self, asked: &Asked) -> Why {
        let by_itself = self.clone().decide(asked.who, &asked.command);
        let mut why = by_itself.err().unwrap_or_default();
        why.0.retain(|reason| !is_recorded(reason));
        why.0.insert("key conflict");
        why
    }

    /// The ledger recorded that it refused.
    pub(super) fn refuse(&mut self, asked: &Asked) {
        self.remember(asked, self.size);
        self.size += 1;
    }

    fn remember(&mut self, asked: &Asked, entry: i64) {
        if asked.command.is_keyed() {
            self.recorded.push((asked.clone(), entry));
        }
    }

    fn decide(&mut self, who: Who, command: &Command) -> Outcome {
        if let Some(outcome) = self.of_budget(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_voucher(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_payment(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_bank(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_account(who, command) {
            return outcome;
        }
        if let Command::Reverse { entry } = command {
            return self.reverse(who, *entry);
        }
        if *command == Command::ReminderJob {
            return self.remind(who);
        }
        if let Some(outcome) = self.of_claim(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_approval(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_contract(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_round(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_run(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_pack(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_fact(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_past(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_recovery(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_rent(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_waiver(who, command) {
            return outcome;
        }
        if let Some(outcome) = self.of_deferral(who, command) {
            return outcome;
        }
        let outcome = self.of_year(who, command);
        outcome.unwrap_or_else(|| panic!("nobody decides on {command:?}"))
    }

    /// One entry.
    fn one(&self) -> Done {
        self.several(1)
    }

    /// So many entries, known by the first.
    fn several(&self, entries: i64) -> Done {
        Done {
            entries,
            index: self.size,
            new: None,
        }
    }

    /// One entry that begins a case.
    fn begins(&self, case: String) -> Done {
        Done {
            new: Some(case),
            ..self.one()
        }
    }

    fn year(&self) -> i32 {
        self.today.year()
    }

    /// Authority of a programme that nothing is granted from yet.
    fn free(&self, line: Line) -> i64 {
        self.books.credit(&line.account("B30"))
    }

    /// Where authority goes that is not needed after all: free for others while its budget year is open, lapsed with the year
    /// otherwise (DESIGN 4).
    fn back_to(&self, line: Line) -> String {
        line.account(if self.is_closed(line.year) {
            "B80"
        } else {
            "B30"
        })
    }

    /// What of a line was paid and has not come back.
    pub(super) fn spent(&self, line: Line) -> i64 {
        self.books.credit(&line.account("B70"))
    }

    /// Whether a party is excluded from programmes today.
    fn is_excluded(&self, party: &str) -> bool {
        let mut its = self.exclusions.iter().filter(|one| one.party == party);
        its.any(|one| one.is_confirmed() && (one.first..=one.last).contains(&self.today))
    }

    /// Why nothing is granted from a line, if so.
    fn can_spend(&self, line: Line, fen: i64, why: &mut Why) {
        why.when(self.frozen.contains(&line), "BUDGET_FROZEN");
        why.when(self.free(line) < fen, "BUDGET_EXHAUSTED");
    }

    /// Takes from a limit of a party, which is set when it is first taken from (DESIGN 4: a cap is an account).
    fn take_limit(
        &mut self,
        (left, used): (&str, &str),
        of: (&str, Option<i32>),
        party: &str,
        (limit, fen): (i64, i64),
    ) {
        let name = |code| account(code, (Some(of.0), of.1), Some(party), None);
        let (left, used) = (name(left), name(used));
        let set = self.books.credit(&left) + self.books.credit(&used);
        let all = account("Q10", (Some(of.0), None), None, None);
        self.books.post(&all, &left, limit - set);
        self.books.post(&left, &used, fen);
    }

    /// What a party has used of a limit.
    fn used(&self, code: &str, of: (&str, Option<i32>), party: &str) -> i64 {
        let name = account(code, (Some(of.0), of.1), Some(party), None);
        self.books.credit(&name)
    }

    /// Money that becomes owed to a party, out of what was reserved or free.
    fn owe(&mut self, case: &str, from: &str, expense: &str, payable: Payable) {
        let Payable {
            line,
            payee,
            amount,
            ..
        } = payable;
        self.books.post(from, &line.account("B60"), amount);
        let owed = line.of_party("F2010", payee);
        self.books.post(&line.account(expense), &owed, amount);
        self.payables.insert(case.to_owned(), payable);
    }
}
