//! Who approves (DOMAIN 6: amounts add approvers, whoever is related stays out): levels by amount, persons who are recused,
//! duties that are delegated for some days (docs/adr/0019).

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use subsidy_ledger::identity::Role::{self, Finance, Manager, RuleAdmin};

use super::super::command::Command;
use super::super::office::{LEVELS, PARTIES, Who, has, party_of};
use super::{Claim, Model, Outcome, Why};

/// A set of levels that was proposed; the one that was confirmed last is in force.
#[derive(Clone)]
pub(in crate::interleave) struct LevelSet {
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) set: usize,
    pub(in crate::interleave) by: Who,
    /// By whom, and by which entry.
    pub(in crate::interleave) confirmed: Option<(Who, i64)>,
}

/// Somebody stays out of a party's cases.
#[derive(Clone)]
pub(in crate::interleave) struct Recusal {
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) person: Who,
    pub(in crate::interleave) party: &'static str,
    pub(in crate::interleave) is_lifted: bool,
}

/// Another does somebody's duty for some days.
#[derive(Clone)]
pub(in crate::interleave) struct Delegation {
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) principal: Who,
    pub(in crate::interleave) delegate: Who,
    pub(in crate::interleave) role: Role,
    pub(in crate::interleave) first: NaiveDate,
    pub(in crate::interleave) last: NaiveDate,
    pub(in crate::interleave) is_revoked: bool,
}

/// A level of a claim: who approved it, on which review.
#[derive(Clone)]
pub(in crate::interleave) struct Approval {
    pub(in crate::interleave) review: i64,
    pub(in crate::interleave) level: usize,
    pub(in crate::interleave) role: Role,
    pub(in crate::interleave) person: Who,
    pub(in crate::interleave) principal: Option<Who>,
}

impl Approval {
    /// Whoever acts for another counts as both.
    pub(super) fn persons(&self) -> impl Iterator<Item = Who> + use<> {
        [Some(self.person), self.principal].into_iter().flatten()
    }
}

/// The next level of a claim, as somebody may take it.
pub(super) struct Level {
    pub(super) approval: Approval,
    pub(super) is_last: bool,
}

impl Model {
    pub(super) fn of_approval(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match *command {
            Command::ProposeLevels { set } => self.propose_levels(who, set),
            Command::ConfirmLevels { entry } => self.confirm_levels(who, entry),
            Command::Recuse { person, party } => self.recuse(who, person, party),
            Command::LiftRecusal { entry } => self.lift_recusal(who, entry),
            Command::Delegate {
                to,
                role,
                first,
                last,
            } => self.delegate(who, to, role, (first, last)),
            Command::RevokeDelegation { entry } => self.revoke_delegation(who, entry),
            _ => return None,
        })
    }

    fn propose_levels(&mut self, who: Who, set: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[RuleAdmin, Manager]);
        why.check()?;
        self.levels.push(LevelSet {
            entry: self.size,
            set,
            by: who,
            confirmed: None,
        });
        Ok(self.one())
    }

    fn confirm_levels(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager]);
        let size = self.size;
        let waits = |one: &&mut LevelSet| one.entry == entry && one.confirmed.is_none();
        let Some(one) = self.levels.iter_mut().find(waits) else {
            return why.and("not found");
        };
        why.when(one.by == who, "same person");
        why.check()?;
        one.confirmed = Some((who, size));
        Ok(self.one())
    }

    /// Anybody declares it of themselves, a manager of others.
    fn recuse(&mut self, who: Who, person: Who, party: &'static str) -> Outcome {
        let mut why = Why::default();
        if person != who {
            why.needs(who, &[Manager]);
        }
        why.unless(PARTIES.contains(&party), "wrong");
        why.when(self.is_recused(person, party), "wrong");
        why.check()?;
        self.recusals.push(Recusal {
            entry: self.size,
            person,
            party,
            is_lifted: false,
        });
        Ok(self.one())
    }

    fn lift_recusal(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager]);
        let holds = |one: &&mut Recusal| one.entry == entry && !one.is_lifted;
        let Some(one) = self.recusals.iter_mut().find(holds) else {
            return why.and("not found");
        };
        why.when(one.person == who, "wrong");
        why.check()?;
        one.is_lifted = true;
        Ok(self.one())
    }

    /// An own duty of an approver, to another of the office, for a year at most.
    fn delegate(
        &mut self,
        who: Who,
        to: Who,
        role: Role,
        (first, last): (NaiveDate, NaiveDate),
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[role]);
        why.unless([Manager, Finance].contains(&role), "wrong");
        why.when(to == who || party_of(to).is_some(), "wrong");
        why.when(last < first || last < self.today, "wrong");
        why.when(last > first + Days::new(366), "wrong");
        why.check()?;
        self.delegations.push(Delegation {
            entry: self.size,
            principal: who,
            delegate: to,
            role,
            first,
            last,
            is_revoked: false,
        });
        Ok(self.one())
    }

    fn revoke_delegation(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        let holds = |one: &&mut Delegation| one.entry == entry && !one.is_revoked;
        let Some(one) = self.delegations.iter_mut().find(holds) else {
            return why.and("not found");
        };
        if one.principal != who {
            why.needs(who, &[Manager]);
        }
        why.check()?;
        one.is_revoked = true;
        Ok(self.one())
    }

    fn is_recused(&self, who: Who, party: &str) -> bool {
        let mut its = self.recusals.iter();
        its.any(|one| one.person == who && one.party == party && !one.is_lifted)
    }

    /// Whether somebody takes no part in a party's cases: recused from them, or acting for it.
    pub(super) fn stays_out(&self, who: Who, party: &str) -> bool {
        party_of(who) == Some(party) || self.is_recused(who, party)
    }

    /// The parties of whose cases somebody stays out.
    pub(super) fn out_of(&self, who: Who) -> BTreeSet<&'static str> {
        let all = PARTIES.iter().copied();
        all.filter(|party| self.stays_out(who, party)).collect()
    }

    /// In whose names somebody may do a duty today: the own one first (nobody else's), then delegations as they were given.
    fn ways(&self, who: Who, role: Role) -> Vec<Option<Who>> {
        let today = self.today;
        let given = self.delegations.iter().filter(|one| {
            let is_it = one.delegate == who && one.role == role;
            is_it && !one.is_revoked && (one.first..=one.last).contains(&today)
        });
        let own = has(who, &[role]).then_some(None);
        own.into_iter()
            .chain(given.map(|one| Some(one.principal)))
            .collect()
    }

    /// Whether somebody approves claims at all.
    pub(super) fn is_approver(&self, who: Who) -> bool {
        let mut duties = [Manager, Finance].into_iter();
        duties.any(|role| !self.ways(who, role).is_empty())
    }

    /// Which duties approve so much, one after the other: one manager, until a set is in force.
    fn duties_for(&self, fen: i64) -> &'static [Role] {
        let confirmed = |one: &LevelSet| Some((one.confirmed?.1, one.set));
        match self.levels.iter().filter_map(confirmed).max() {
            None => &[Manager],
            Some((_, set)) => {
                let mut steps = LEVELS[set].iter().rev();
                let step = steps.find(|(from, _)| *from <= fen);
                step.expect("somebody approves every amount").1
            }
        }
    }

    /// The duty of the level that is next; that of the last one, if levels were lowered since.
    pub(in crate::interleave) fn next_duty(&self, claim: &Claim) -> Role {
        let duties = self.duties_for(claim.recommended.unwrap_or(0));
        duties[claim.approved().count().min(duties.len() - 1)]
    }

    /// Those who could do a duty today in another's name.
    pub(in crate::interleave) fn delegates(&self, role: Role) -> impl Iterator<Item = Who> {
        let given = self.delegations.iter().filter(move |one| one.role == role);
        let today = given.filter(|one| (one.first..=one.last).contains(&self.today));
        today.filter(|one| !one.is_revoked).map(|one| one.delegate)
    }

    /// The next level of a claim, if somebody may take it: each level is another person, none of whom had a hand in the
    /// claim before.
    pub(super) fn next_level(&self, who: Who, claim: &Claim, why: &mut Why) -> Option<Level> {
        let done = claim.approved().count();
        let role = self.next_duty(claim);
        let before: BTreeSet<Who> = claim.hands().collect();
        let persons = |way: Option<Who>| [Some(who), way].into_iter().flatten();
        let is_out = |way: &Option<Who>| persons(*way).any(|one| self.stays_out(one, claim.party));
        let had_a_hand = |way: &Option<Who>| persons(*way).any(|one| before.contains(one));
        let ways = self.ways(who, role);
        let mut free = ways.iter();
        let Some(way) = free.find(|way| !is_out(way) && !had_a_hand(way)) else {
            why.when(ways.is_empty(), "LEVEL_ORDER");
            why.when(ways.iter().any(is_out), "RECUSED");
            why.when(ways.iter().any(had_a_hand), "SEGREGATION");
            return None;
        };
        let duties = self.duties_for(claim.recommended.unwrap_or(0));
        Some(Level {
            approval: Approval {
                review: claim.review?.1,
                level: done + 1,
                role,
                person: who,
                principal: *way,
            },
            is_last: done + 1 >= duties.len(),
        })
    }
}
