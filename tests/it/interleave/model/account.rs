//! Bank accounts of parties: one person proposes, another confirms (DESIGN 5, invariant 9), and batches pay to what is in force.

use subsidy_ledger::identity::Role::{Finance, Incubator, Provider, Sme};

use super::super::command::Command;
use super::super::office::{Who, party_of};
use super::{Model, Outcome, Why};

#[derive(Clone)]
pub(in crate::interleave) struct Account {
    pub(in crate::interleave) party: &'static str,
    pub(in crate::interleave) number: &'static str,
    pub(in crate::interleave) state: &'static str,
    pub(in crate::interleave) by: Who,
}

impl Model {
    pub(super) fn of_account(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match *command {
            Command::ProposeAccount { party, number } => self.propose_account(who, party, number),
            Command::ConfirmAccount { account } => self.confirm_account(who, account),
            _ => return None,
        })
    }

    /// One takes the place of another of the party.
    fn supersede(&mut self, party: &str, state: &str) {
        let its = self.accounts.iter_mut();
        for one in its.filter(|one| one.party == party && one.state == state) {
            one.state = "superseded";
        }
    }

    /// Finance for every party, and a party's own people for it. The one in force stays; one that was proposed does not.
    fn propose_account(&mut self, who: Who, party: &'static str, number: &'static str) -> Outcome {
        let mut why = Why::default();
        if party_of(who) == Some(party) {
            why.needs(who, &[Sme, Provider, Incubator]);
        } else {
            why.needs(who, &[Finance]);
        }
        why.check()?;
        self.supersede(party, "proposed");
        let done = self.begins(format!("A{}", self.accounts.len()));
        self.accounts.push(Account {
            party,
            number,
            state: "proposed",
            by: who,
        });
        Ok(done)
    }

    fn confirm_account(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Finance]);
        let Some(one) = self.accounts.get(at).cloned() else {
            return why.and("unknown account");
        };
        why.when(one.state != "proposed", "REFUSED_STATE");
        let is_own = one.by == who || party_of(who) == Some(one.party);
        why.when(is_own, "REFUSED_SEGREGATION");
        why.check()?;
        self.supersede(one.party, "confirmed");
        self.accounts[at].state = "confirmed";
        Ok(self.one())
    }

    /// The account that a party is paid to now.
    pub(in crate::interleave) fn account_of(&self, party: &str) -> Option<usize> {
        let mut its = self.accounts.iter();
        its.position(|one| one.party == party && one.state == "confirmed")
    }
}
