//! One statement, as a person types it.

use chrono::NaiveDate;
use serde::Serialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use super::error::FactsError;
use super::import::{Corrections, Planned, record};
use super::parties::acts_for;
use super::possible::impossible;
use super::recorded::{Contradiction, Verdict, compare};
use super::statement::{Draft, When, check_fact, check_time, require};
use super::store;
use super::values::Values;
use crate::db::Turn;
use crate::identity::Command;
use crate::journal;
use crate::party;
use crate::policy::{Sha256, Source};
use crate::types::{LogIndex, Name, PartyId};

/// What somebody says of a party.
#[derive(Clone, Debug)]
pub struct NewStatement {
    /// Whom it is about.
    pub party: PartyId,
    /// Declared, or verified; imported facts come by a register's file.
    pub source: Source,
    /// For which time.
    pub when: When,
    /// Number of a certificate.
    pub reference: Option<Name>,
    /// Documents that support it.
    pub evidence: Vec<Sha256>,
    /// The facts.
    pub facts: Values,
    /// Whether it may say otherwise than what is recorded.
    pub corrections: Corrections,
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stated {
    /// The entry that says it.
    pub entry: LogIndex,
    /// Whether this command recorded it, now or when it was given first; not if another entry says the same already.
    pub is_new: bool,
}

/// What tells a command from another one under the same key.
#[derive(Serialize)]
struct Input<'a> {
    corrections: Corrections,
    evidence: &'a [Sha256],
    facts: &'a Values,
    from: Option<NaiveDate>,
    party: PartyId,
    reference: Option<&'a Name>,
    source: &'static str,
    until: Option<NaiveDate>,
    year: Option<i16>,
}

impl<'a> Input<'a> {
    fn of(new: &'a NewStatement) -> Self {
        Self {
            corrections: new.corrections,
            evidence: &new.evidence,
            facts: &new.facts,
            from: new.when.from(),
            party: new.party,
            reference: new.reference.as_ref(),
            source: new.source.word(),
            until: new.when.until(),
            year: new.when.year(),
        }
    }
}

/// States facts of one party; the entry is `fact.stated`. What is recorded already is not recorded again.
pub async fn state(
    conn: &mut PgConnection,
    command: &Command<'_>,
    new: &NewStatement,
) -> Result<Stated, FactsError> {
    require(command.actor, new.source)?;
    let (zone, actor) = (command.zone.id, command.actor.person);
    let idempotency = command.idempotency("fact.state", &Input::of(new));
    Turn::Facts.wait(conn, zone).await?;
    let first =
        journal::first_answer::<IgnoredAny>(conn, zone, actor, idempotency.as_ref()).await?;
    if let Some((recorded, _)) = first {
        let (entry, is_new) = (recorded.index, true);
        return Ok(Stated { entry, is_new });
    }
    check(command, new)?;
    let known = party::store::party(conn, zone, new.party).await?;
    if known.is_none() || !acts_for(command.actor, new.party) {
        return Err(FactsError::UnknownParty(new.party));
    }
    let draft = Draft {
        source: new.source,
        when: new.when,
        register: None,
        reference: new.reference.clone(),
        evidence: new.evidence.clone(),
        facts: new.facts.to_text(),
    };
    let recorded = store::from_source(conn, command.zone, &[new.party], new.source).await?;
    let recorded = recorded.get(&new.party).map_or(&[][..], Vec::as_slice);
    let corrects = match compare(&draft, recorded, command.zone.currency) {
        Verdict::New => None,
        Verdict::Unchanged(entry) => {
            let is_new = false;
            return Ok(Stated { entry, is_new });
        }
        Verdict::Contradicts(otherwise) if new.corrections == Corrections::Apply => {
            Some(otherwise.entry)
        }
        Verdict::Contradicts(otherwise) => return Err(contradiction(new, otherwise)),
    };
    let planned = Planned {
        party: new.party,
        draft: &draft,
        corrects,
    };
    let recorded = record(conn, command, &[planned], idempotency).await?;
    let recorded = recorded.first().expect("BUG: one entry has one outcome");
    Ok(Stated {
        entry: recorded.index,
        is_new: true,
    })
}

fn check(command: &Command<'_>, new: &NewStatement) -> Result<(), FactsError> {
    if new.facts.is_empty() {
        return Err(FactsError::Nothing);
    }
    match new.source {
        Source::Verified if new.evidence.is_empty() => return Err(FactsError::NoEvidence),
        Source::Imported => return Err(FactsError::NoRegister),
        Source::Verified | Source::Declared => {}
    }
    for (fact, _) in new.facts.iter() {
        check_fact(fact, None)?;
        check_time(fact, new.when)?;
    }
    if let Some(first) = impossible(|fact| new.facts.get(fact), command.today())
        .into_iter()
        .next()
    {
        return Err(first.into());
    }
    Ok(new.when.check(command.today())?)
}

fn contradiction(new: &NewStatement, otherwise: Contradiction) -> FactsError {
    FactsError::Contradiction {
        entry: otherwise.entry,
        fact: otherwise.what,
        recorded: otherwise.recorded,
        stated: otherwise.stated,
        source_text: new.source.word(),
        when: new.when.to_string(),
    }
}
