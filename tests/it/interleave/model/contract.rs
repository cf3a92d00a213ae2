//! Contracts of purchased services (docs/adr/0025): what a programme has promised is reserved by two persons, claimed milestone
//! by milestone, and what is left goes back when two persons end it.

use subsidy_ledger::identity::Role::{self, Finance, Manager};

use super::super::command::Command;
use super::super::office::{BUY, PARTIES, PROGRAMMES, Who};
use super::{Line, Model, Outcome, Why};

/// Who deals with contracts.
const DUTIES: &[Role] = &[Manager, Finance];

#[derive(Clone)]
pub(in crate::interleave) struct Contract {
    pub(in crate::interleave) programme: &'static str,
    pub(in crate::interleave) provider: &'static str,
    pub(in crate::interleave) reference: &'static str,
    pub(in crate::interleave) milestones: Vec<Milestone>,
    pub(in crate::interleave) by: Who,
    /// Whether it was confirmed, and by whom.
    pub(in crate::interleave) decided: Option<(bool, Who)>,
    /// The budget year that it is reserved in.
    pub(in crate::interleave) year: Option<i32>,
    pub(in crate::interleave) is_ended: bool,
    pub(in crate::interleave) endings: Vec<Ending>,
}

/// A part that is delivered, claimed and paid by itself.
#[derive(Clone)]
pub(in crate::interleave) struct Milestone {
    pub(in crate::interleave) amount: i64,
    pub(in crate::interleave) reserved: i64,
    /// What was given of it, and to which claim.
    pub(in crate::interleave) accepted: Option<(i64, usize)>,
}

/// That a contract be ended early.
#[derive(Clone)]
pub(in crate::interleave) struct Ending {
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) by: Who,
    pub(in crate::interleave) decided: Option<(&'static str, Who)>,
}

impl Contract {
    pub(in crate::interleave) fn amount(&self) -> i64 {
        self.milestones.iter().map(|one| one.amount).sum()
    }

    fn reserved(&self) -> i64 {
        self.milestones.iter().map(|one| one.reserved).sum()
    }

    pub(in crate::interleave) fn state(&self) -> &'static str {
        match self.decided {
            None => "proposed",
            Some((false, _)) => "rejected",
            Some((true, _)) if self.is_ended => "ended",
            Some((true, _)) if self.reserved() > 0 => "in force",
            Some((true, _)) => "completed",
        }
    }

    /// The ending that waits.
    pub(in crate::interleave) fn waiting(&self) -> Option<&Ending> {
        self.endings.iter().find(|one| one.decided.is_none())
    }

    fn decide_ending(&mut self, outcome: &'static str, who: Who) {
        let mut endings = self.endings.iter_mut();
        let waiting = endings.find(|one| one.decided.is_none());
        waiting.unwrap().decided = Some((outcome, who));
    }

    fn milestone(&mut self, number: i16) -> &mut Milestone {
        &mut self.milestones[usize::try_from(number - 1).unwrap()]
    }

    /// What is reserved of it, as an account.
    fn account(&self, at: usize) -> String {
        self.line().of_case("B50", &format!("K{at}"))
    }

    fn line(&self) -> Line {
        Line {
            programme: self.programme,
            year: self.year.expect("it was confirmed"),
        }
    }
}

impl Model {
    pub(super) fn of_contract(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::ProposeContract {
                programme,
                provider,
                reference,
                parts,
            } => self.propose_contract(who, programme, provider, (reference, parts)),
            Command::ConfirmContract { contract } => self.confirm_contract(who, *contract),
            Command::RejectContract { contract } => self.reject_contract(who, *contract),
            Command::EndContract { contract } => self.end_contract(who, *contract),
            Command::ConfirmEnd { contract, entry } => self.confirm_end(who, *contract, *entry),
            Command::RejectEnd { contract, entry } => self.reject_end(who, *contract, *entry),
            _ => return None,
        })
    }

    /// A contract with a provider, under a number that no other of the programme has, however it is spelt.
    fn propose_contract(
        &mut self,
        who: Who,
        programme: &'static str,
        provider: &'static str,
        (reference, parts): (&'static str, &[i64]),
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, DUTIES);
        why.unless(PROGRAMMES.contains(&programme), "unknown programme");
        why.unless(PARTIES.contains(&provider), "unknown party");
        // The one programme that buys, and the one party that is a provider.
        why.unless(programme == BUY && provider == "p", "input");
        why.when(self.stays_out(who, provider), "RECUSED");
        why.when(self.is_excluded(provider), "EXCLUDED");
        let is_alike = |one: &Contract| {
            let same = one.reference.eq_ignore_ascii_case(reference);
            same && one.programme == programme && one.state() != "rejected"
        };
        why.when(self.contracts.iter().any(is_alike), "DUPLICATE");
        why.check()?;
        let done = self.begins(format!("K{}", self.contracts.len()));
        let milestone = |amount: &i64| Milestone {
            amount: *amount,
            reserved: 0,
            accepted: None,
        };
        self.contracts.push(Contract {
            programme,
            provider,
            reference,
            milestones: parts.iter().map(milestone).collect(),
            by: who,
            decided: None,
            year: None,
            is_ended: false,
            endings: Vec::new(),
        });
        Ok(done)
    }

    /// A contract, for who may act on it.
    fn contract(&self, who: Who, at: usize) -> Result<(Why, Contract), Why> {
        let mut why = Why::default();
        why.needs(who, DUTIES);
        let Some(contract) = self.contracts.get(at).cloned() else {
            return why.and("unknown contract");
        };
        why.when(self.stays_out(who, contract.provider), "RECUSED");
        Ok((why, contract))
    }

    /// A second person reserves all of it, in the budget year of the day.
    fn confirm_contract(&mut self, who: Who, at: usize) -> Outcome {
        let (mut why, contract) = self.contract(who, at)?;
        why.when(contract.by == who, "SEGREGATION");
        why.when(contract.decided.is_some(), "WRONG_STATE");
        why.when(self.is_excluded(contract.provider), "EXCLUDED");
        let (programme, year) = (contract.programme, self.year());
        let line = Line { programme, year };
        self.can_spend(line, contract.amount(), &mut why);
        why.check()?;
        let one = &mut self.contracts[at];
        (one.decided, one.year) = (Some((true, who)), Some(year));
        for milestone in &mut one.milestones {
            milestone.reserved = milestone.amount;
        }
        let reserved = one.account(at);
        self.books
            .post(&line.account("B30"), &reserved, contract.amount());
        Ok(self.one())
    }

    /// Whoever proposed it may take it back.
    fn reject_contract(&mut self, who: Who, at: usize) -> Outcome {
        let (mut why, contract) = self.contract(who, at)?;
        why.when(contract.decided.is_some(), "WRONG_STATE");
        why.check()?;
        self.contracts[at].decided = Some((false, who));
        Ok(self.one())
    }

    fn end_contract(&mut self, who: Who, at: usize) -> Outcome {
        let (mut why, contract) = self.contract(who, at)?;
        why.when(contract.state() != "in force", "WRONG_STATE");
        why.when(contract.waiting().is_some(), "END_WAITS");
        why.check()?;
        let entry = self.size;
        self.contracts[at].endings.push(Ending {
            entry,
            by: who,
            decided: None,
        });
        Ok(self.one())
    }

    /// A second person ends it, while no milestone is with the office: what is reserved goes back.
    fn confirm_end(&mut self, who: Who, at: usize, seen: i64) -> Outcome {
        let (mut why, contract) = self.contract(who, at)?;
        let waiting = contract.waiting().filter(|ending| ending.entry == seen);
        why.when(waiting.is_none(), "STALE");
        why.when(
            waiting.is_some_and(|ending| ending.by == who),
            "SEGREGATION",
        );
        let mut claims = self.claims.iter();
        let is_claimed = claims.any(|claim| {
            let names = claim.milestone().is_some_and(|(named, _)| named == at);
            names && claim.is_with_the_office() && claim.state != "approved"
        });
        why.when(is_claimed, "MILESTONE_CLAIMED");
        why.when(contract.state() != "in force", "WRONG_STATE");
        why.check()?;
        let (line, fen) = (contract.line(), contract.reserved());
        self.books
            .post(&contract.account(at), &self.back_to(line), fen);
        let one = &mut self.contracts[at];
        one.decide_ending("confirmed", who);
        one.is_ended = true;
        for milestone in &mut one.milestones {
            milestone.reserved = 0;
        }
        Ok(self.one())
    }

    fn reject_end(&mut self, who: Who, at: usize, seen: i64) -> Outcome {
        let (mut why, contract) = self.contract(who, at)?;
        let waiting = contract.waiting().filter(|ending| ending.entry == seen);
        why.when(waiting.is_none(), "STALE");
        why.check()?;
        self.contracts[at].decide_ending("rejected", who);
        Ok(self.one())
    }

    /// A claim names a milestone of a contract of its party.
    pub(super) fn check_named(&self, party: &str, milestone: Option<(usize, i16)>, why: &mut Why) {
        let Some((at, number)) = milestone else {
            return;
        };
        match self.contracts.get(at).filter(|one| one.provider == party) {
            None => why.when(true, "unknown contract"),
            Some(contract) => {
                let number = usize::try_from(number).unwrap();
                why.unless((1..=contract.milestones.len()).contains(&number), "input");
            }
        }
    }

    /// What is reserved for a milestone.
    pub(super) fn reserved(&self, (at, number): (usize, i16)) -> i64 {
        let number = usize::try_from(number).unwrap();
        self.contracts[at].milestones[number - 1].reserved
    }

    /// The year of a contract's budget line; that of today, if it has none.
    pub(super) fn reserved_in(&self, at: usize) -> i32 {
        self.contracts[at].year.unwrap_or(self.year())
    }

    /// A milestone is one claim's, and something is reserved for it; a provider with a contract in force names one.
    pub(super) fn check_milestone(&self, claim: usize, why: &mut Why) {
        let own = &self.claims[claim];
        let Some(milestone) = own.milestone() else {
            let mut its = self.contracts.iter();
            let has_one = its.any(|one| {
                let of = (one.provider, one.programme) == (own.party, own.programme);
                of && one.reserved() > 0
            });
            return why.when(has_one, "MILESTONE_NOT_NAMED");
        };
        let mut others = self.claims.iter().enumerate();
        let by_another = others.any(|(at, other)| {
            at != claim && other.milestone() == Some(milestone) && other.is_with_the_office()
        });
        why.when(by_another, "MILESTONE_CLAIMED");
        why.when(self.reserved(milestone) == 0, "CONTRACT_NOT_IN_FORCE");
    }

    /// A claim is given so much of a milestone: what is reserved beyond that goes back. Gives the account that pays.
    pub(super) fn accept(&mut self, (at, number): (usize, i16), claim: usize, fen: i64) -> String {
        let rest = self.reserved((at, number)) - fen;
        let contract = &mut self.contracts[at];
        let milestone = contract.milestone(number);
        (milestone.reserved, milestone.accepted) = (0, Some((fen, claim)));
        let (account, line) = (contract.account(at), contract.line());
        self.books.post(&account, &self.back_to(line), rest);
        account
    }

    /// What a claim was given is reserved again, and on which account; of a contract that was ended it is not.
    pub(super) fn reopen(&mut self, (at, number): (usize, i16), fen: i64) -> Option<String> {
        let contract = &mut self.contracts[at];
        let stands = !contract.is_ended;
        let milestone = contract.milestone(number);
        milestone.accepted = None;
        if stands {
            milestone.reserved = fen;
        }
        stands.then(|| contract.account(at))
    }
}
