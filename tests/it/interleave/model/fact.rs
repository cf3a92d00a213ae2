//! Facts of parties: stated with source and time, never overwritten; and which of them a decision of a day sees.

use chrono::NaiveDate;
use subsidy_ledger::identity::Role::{Incubator, Manager, Provider, Reviewer, Sme, System};

use super::super::command::Command;
use super::super::office::{PARTIES, Who, YH, acts_for};
use super::{Model, Outcome, Why};

/// How a fact is known, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::interleave) enum Source {
    Declared,
    /// By a row of a register.
    Imported,
    Verified,
}

/// The facts that programmes of the play ask for: of a register, of the applicant, of the office.
const LISTED: &str = "integrity_listed";
const INCIDENT: &str = "major_incident";
const LEVEL: &str = "carrier_level";

const fn yes(is_so: bool) -> &'static str {
    if is_so { "true" } else { "false" }
}

/// What is stated of a party, or of every party of the zone.
#[derive(Clone, Debug)]
pub(in crate::interleave) struct Statement {
    pub(in crate::interleave) entry: i64,
    pub(in crate::interleave) party: Option<&'static str>,
    pub(in crate::interleave) source: Source,
    pub(in crate::interleave) fact: &'static str,
    pub(in crate::interleave) value: &'static str,
    pub(in crate::interleave) from: NaiveDate,
    /// The first day on which it no longer holds.
    pub(in crate::interleave) until: Option<NaiveDate>,
}

impl Statement {
    fn holds(&self, on: NaiveDate) -> bool {
        self.from <= on && self.until.is_none_or(|until| on < until)
    }

    /// Whether it is about the same, from the same source, for the same time.
    fn is_beside(&self, other: &Self) -> bool {
        let place = |one: &Self| (one.party, one.source, one.fact, one.from);
        place(self) == place(other)
    }
}

/// What only the office may say, by two persons.
#[derive(Clone)]
pub(in crate::interleave) struct Determination {
    pub(in crate::interleave) statement: Statement,
    pub(in crate::interleave) by: Who,
    pub(in crate::interleave) confirmed: Option<(Who, i64)>,
}

/// What a new statement is beside those that are recorded.
enum Beside {
    New,
    Unchanged(i64),
    Otherwise,
}

impl Model {
    pub(super) fn of_fact(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::Listed {
                rows,
                from,
                correct,
            } => self.list(who, rows, *from, *correct),
            Command::StateIncident {
                party,
                verified,
                incident,
                from,
                until,
                correct,
            } => {
                let source = if *verified {
                    Source::Verified
                } else {
                    Source::Declared
                };
                let stated = Statement {
                    entry: self.size,
                    party: Some(party),
                    source,
                    fact: INCIDENT,
                    value: yes(*incident),
                    from: *from,
                    until: *until,
                };
                self.state(who, party, stated, *correct)
            }
            Command::ProposeLevel {
                party,
                level,
                from,
                until,
            } => {
                let statement = Statement {
                    entry: self.size,
                    party: *party,
                    source: Source::Verified,
                    fact: LEVEL,
                    value: level,
                    from: *from,
                    until: *until,
                };
                self.propose_level(who, statement)
            }
            Command::ConfirmLevel { entry } => self.confirm_level(who, *entry),
            _ => return None,
        })
    }

    /// What is seen of a fact on a day. Of statements about the same time from the same source the newest counts; of all that
    /// hold: what is said of the party before what is said of all, the stronger source, what began later, what was stated later.
    fn seen(&self, party: &str, fact: &str, on: NaiveDate) -> Option<&Statement> {
        let about = |one: &&Statement| one.fact == fact && one.party.is_none_or(|its| its == party);
        let all: Vec<&Statement> = self.statements.iter().filter(about).collect();
        let is_newest = |one: &&&Statement| {
            let mut later = all.iter().filter(|other| other.entry > one.entry);
            !later.any(|other| other.is_beside(one))
        };
        let holding = all.iter().filter(is_newest).filter(|one| one.holds(on));
        let first =
            holding.max_by_key(|one| (one.party.is_some(), one.source, one.from, one.entry));
        first.copied()
    }

    /// Whether a programme grants anything to a party at all, by the facts of a day. An applicant says with its case that
    /// it had no incident: that yields to what was verified, and not to what it said earlier.
    pub(super) fn qualifies(&self, programme: &str, party: &str, on: NaiveDate) -> bool {
        let is = |fact, value| {
            self.seen(party, fact, on)
                .is_some_and(|one| one.value == value)
        };
        if programme == YH {
            return is(LISTED, "false");
        }
        let known = self.seen(party, INCIDENT, on);
        let had_one = known.filter(|one| one.source > Source::Declared && one.value == "true");
        had_one.is_none() && is(LEVEL, "municipal")
    }

    fn beside(&self, new: &Statement) -> Beside {
        let before = self.statements.iter().filter(|one| one.is_beside(new));
        let Some(last) = before.max_by_key(|one| one.entry) else {
            return Beside::New;
        };
        // An end where none was is news.
        match (last.until, new.until) {
            _ if last.value != new.value => Beside::Otherwise,
            (None, Some(_)) => Beside::New,
            (one, other) if one != other => Beside::Otherwise,
            _ => Beside::Unchanged(last.entry),
        }
    }

    /// A file of a register: whole or not at all.
    fn list(
        &mut self,
        who: Who,
        rows: &[(&'static str, bool)],
        from: NaiveDate,
        correct: bool,
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer, Manager, System]);
        why.when(from > self.today, "rows");
        let mut new = Vec::new();
        for (party, listed) in rows {
            let row = Statement {
                entry: 0,
                party: Some(party),
                source: Source::Imported,
                fact: LISTED,
                value: yes(*listed),
                from,
                until: None,
            };
            match self.beside(&row) {
                Beside::Unchanged(_) => {}
                Beside::Otherwise if !correct => why.when(true, "rows"),
                Beside::New | Beside::Otherwise => new.push(row),
            }
        }
        why.check()?;
        if new.is_empty() {
            return Ok(self.several(0));
        }
        let mut done = self.several(1 + i64::try_from(new.len()).unwrap());
        // The entry of the import comes last.
        done.index += done.entries - 1;
        let new = new.into_iter().zip(self.size..);
        let new = new.map(|(row, entry)| Statement { entry, ..row });
        self.statements.extend(new);
        Ok(done)
    }

    fn state(&mut self, who: Who, party: &'static str, new: Statement, correct: bool) -> Outcome {
        let mut why = Why::default();
        if new.source == Source::Verified {
            why.needs(who, &[Reviewer]);
        } else {
            why.needs(who, &[Sme, Incubator, Provider, Reviewer]);
        }
        let known = PARTIES.contains(&party) && acts_for(who, &[party]);
        why.unless(known, "unknown party");
        why.when(new.from > self.today, "wrong time");
        let beside = self.beside(&new);
        why.when(
            matches!(beside, Beside::Otherwise) && !correct,
            "contradiction",
        );
        why.check()?;
        if let Beside::Unchanged(entry) = beside {
            let mut done = self.several(0);
            done.index = entry;
            return Ok(done);
        }
        self.statements.push(new);
        Ok(self.one())
    }

    fn propose_level(&mut self, who: Who, statement: Statement) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer, Manager]);
        why.when(statement.from > self.today, "wrong time");
        let mut before = self.determinations.iter().rev();
        let last = before.find(|one| one.statement.is_beside(&statement));
        let is_same = last.is_some_and(|one| {
            let said = |one: &Statement| (one.value, one.until);
            said(&one.statement) == said(&statement)
        });
        why.when(is_same, "determined");
        why.check()?;
        self.determinations.push(Determination {
            statement,
            by: who,
            confirmed: None,
        });
        Ok(self.one())
    }

    /// A second person; from then on it is stated.
    fn confirm_level(&mut self, who: Who, entry: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager]);
        let mut all = self.determinations.iter();
        let Some(at) = all.position(|one| one.statement.entry == entry) else {
            return why.and("no proposal");
        };
        let one = &self.determinations[at];
        why.when(one.by == who, "same person");
        why.when(one.confirmed.is_some(), "confirmed");
        why.check()?;
        let entry = self.size;
        let stated = Statement {
            entry,
            ..one.statement.clone()
        };
        self.determinations[at].confirmed = Some((who, entry));
        self.statements.push(stated);
        Ok(self.one())
    }
}
