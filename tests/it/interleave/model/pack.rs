//! Versions of rules: proposed by one person, published by another, or withdrawn; each decides on what is submitted on its days.

use chrono::NaiveDate;
use subsidy_ledger::identity::Role::{Manager, RuleAdmin};

use super::super::command::{Command, Pack};
use super::super::office::Who;
use super::{Closing, Model, Outcome, Why};

/// The first version, which is published before the play.
const FIRST: (usize, i64) = (1, 2);

/// A version that was proposed.
#[derive(Clone)]
pub(in crate::interleave) struct Version {
    pub(in crate::interleave) pack: Pack,
    pub(in crate::interleave) by: Who,
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) published: Option<i64>,
    /// By whom, by which entry.
    pub(in crate::interleave) withdrawn: Option<(Who, i64)>,
}

impl Model {
    pub(super) fn of_pack(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::ProposePack { pack } => self.propose_pack(who, pack),
            Command::PublishPack { pack, retroactive } => self.publish(who, pack, *retroactive),
            Command::WithdrawPack { entry } => self.withdraw_pack(who, *entry),
            _ => return None,
        })
    }

    /// The number of the version that is in force on a day: of those that have begun the newest.
    pub(super) fn in_force(&self, on: NaiveDate) -> usize {
        let published = self.versions.iter().filter(|one| one.published.is_some());
        let begun = published.filter(|one| one.pack.from <= on);
        let newest = begun.max_by_key(|one| one.pack.from);
        newest.map_or(FIRST.0, |one| one.pack.version)
    }

    /// One in how many a published version compensates.
    pub(super) fn one_in(&self, version: usize) -> i64 {
        let mut published = self.versions.iter().filter(|one| one.published.is_some());
        let its = published.find(|one| one.pack.version == version);
        its.map_or(FIRST.1, |one| one.pack.one_in)
    }

    /// Why a version can't be published, or proposed anew.
    fn check_pack(&self, pack: &Pack, why: &mut Why) {
        let published = self.versions.iter().filter(|one| one.published.is_some());
        let is_taken = |one: &Version| one.pack.from == pack.from;
        why.when(published.clone().any(is_taken), "same day");
        // It takes the days up to the next version.
        let later = published.filter(|one| one.pack.from > pack.from);
        let until = later.map(|one| one.pack.from).min();
        let takes = |closing: &Closing| {
            let is_before = until.is_none_or(|until| closing.from < until);
            closing.stands && pack.from < closing.until && is_before
        };
        why.when(self.closings.iter().any(takes), "in closed");
    }

    /// A version is published once.
    fn check_new(&self, pack: &Pack, why: &mut Why) {
        let mut published = self.versions.iter().filter(|one| one.published.is_some());
        let is_published = published.any(|one| one.pack.version == pack.version);
        why.when(is_published, "version exists");
    }

    /// The same bytes are proposed once, whoever proposes them again.
    fn propose_pack(&mut self, who: Who, pack: &Pack) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[RuleAdmin]);
        self.check_new(pack, &mut why);
        let before = self.versions.iter().find(|one| one.pack == *pack);
        if let Some(before) = before {
            why.when(before.withdrawn.is_some(), "withdrawn");
            why.check()?;
            let mut done = self.several(0);
            done.index = before.entry;
            return Ok(done);
        }
        self.check_pack(pack, &mut why);
        why.check()?;
        self.versions.push(Version {
            pack: pack.clone(),
            by: who,
            entry: self.size,
            published: None,
            withdrawn: None,
        });
        Ok(self.one())
    }

    /// A second person; what takes past days from another version only if that is said.
    fn publish(&mut self, who: Who, pack: &Pack, retroactive: bool) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager]);
        self.check_new(pack, &mut why);
        let Some(at) = self.versions.iter().position(|one| one.pack == *pack) else {
            return why.and("not proposed");
        };
        let version = &self.versions[at];
        why.when(version.by == who, "same person");
        why.when(version.withdrawn.is_some(), "withdrawn");
        why.when(pack.from < self.today && !retroactive, "retroactive");
        self.check_pack(pack, &mut why);
        why.check()?;
        self.versions[at].published = Some(self.size);
        Ok(self.one())
    }

    fn withdraw_pack(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[RuleAdmin, Manager]);
        let waits = |one: &Version| {
            one.entry == entry && one.published.is_none() && one.withdrawn.is_none()
        };
        let Some(at) = self.versions.iter().position(waits) else {
            return why.and("not waiting");
        };
        why.check()?;
        self.versions[at].withdrawn = Some((who, self.size));
        Ok(self.one())
    }
}
