//! What only the office may say: one person proposes it with reason and evidence, another confirms it.

use chrono::NaiveDate;
use serde::Serialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use super::error::FactsError;
use super::statement::{NotStatable, When};
use super::store;
use super::values::Values;
use crate::identity::{Command, Role};
use crate::journal::{self, Entry, Idempotency};
use crate::party;
use crate::policy::{Fact, Sha256, Span, StatedBy, Value};
use crate::types::{LogIndex, PartyId, Period, PersonId, Reason};

/// What somebody proposes to determine.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Whom it is about; `None` for every party of the zone.
    pub party: Option<PartyId>,
    /// One of the office's facts.
    pub fact: Fact,
    /// Its value.
    pub value: Value,
    /// The days on which it holds.
    pub days: Period,
    /// Documents that support it, which the office keeps.
    pub evidence: Vec<Sha256>,
    /// Why.
    pub reason: Reason,
}

/// A proposal, confirmed or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Determination {
    /// The entry of the proposal, which names it.
    pub proposed_index: LogIndex,
    /// Whom it is about; `None` for every party of the zone.
    pub party: Option<PartyId>,
    /// The fact and its value.
    pub facts: Values,
    /// First day on which it holds.
    pub from: NaiveDate,
    /// First day on which it no longer does.
    pub until: Option<NaiveDate>,
    /// Why.
    pub reason: Reason,
    /// Documents that support it.
    pub evidence: Vec<Sha256>,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// Who confirmed it.
    pub confirmed_by: Option<PersonId>,
    /// The entry of the confirmation: since then it is in force.
    pub confirmed_index: Option<LogIndex>,
}

/// What both entries of a determination say of it.
#[derive(Serialize)]
struct Said<'a> {
    #[serde(skip_serializing_if = "<[Sha256]>::is_empty")]
    evidence: &'a [Sha256],
    facts: &'a Values,
    from: NaiveDate,
    party: Option<PartyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proposed_index: Option<LogIndex>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a Reason>,
    until: Option<NaiveDate>,
}

/// Proposes a determination; the entry is `fact.determination_proposed`. Nothing follows from it until another person
/// confirms it.
pub async fn propose(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposal: &Proposal,
) -> Result<LogIndex, FactsError> {
    command.actor.require(&[Role::Reviewer, Role::Manager])?;
    let facts: Values = [(proposal.fact, proposal.value.clone())]
        .into_iter()
        .collect();
    let said = Said {
        evidence: &proposal.evidence,
        facts: &facts,
        from: proposal.days.from(),
        party: proposal.party,
        proposed_index: None,
        reason: Some(&proposal.reason),
        until: proposal.days.until(),
    };
    let idempotency = command.idempotency("fact.propose", &said);
    if let Some(index) = first_answer(conn, command, idempotency.as_ref()).await? {
        return Ok(index);
    }
    check(proposal)?;
    When::Days(proposal.days).check(command.today())?;
    let zone = command.zone.id;
    if let Some(party) = proposal.party
        && party::store::party(conn, zone, party).await?.is_none()
    {
        return Err(FactsError::UnknownParty(party));
    }
    let entry = Entry {
        subject: proposal.party.map(|party| party.0),
        idempotency,
        ..command.entry("fact.determination_proposed", &said)?
    };
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    let person = command.actor.person;
    store::insert_proposal(conn, zone, proposal, &facts, person, recorded.index).await?;
    Ok(recorded.index)
}

fn check(proposal: &Proposal) -> Result<(), FactsError> {
    let fact = proposal.fact;
    if fact == Fact::UsccOverride {
        return Err(NotStatable::Identity(fact).into());
    }
    if fact.spec().stated_by != StatedBy::Office {
        return Err(FactsError::NotOffices(fact));
    }
    if fact.spec().span == Span::Year {
        return Err(NotStatable::NeedsYear(fact).into());
    }
    if proposal.evidence.is_empty() {
        return Err(FactsError::NoEvidence);
    }
    Ok(())
}

/// Confirms what another person has proposed; the entry `fact.determined` states the fact, as verified.
pub async fn confirm(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
) -> Result<LogIndex, FactsError> {
    command.actor.require(&[Role::Manager])?;
    let idempotency = command.idempotency("fact.confirm", &proposed);
    if let Some(index) = first_answer(conn, command, idempotency.as_ref()).await? {
        return Ok(index);
    }
    store::lock(conn, command.zone.id).await?;
    let proposal = store::lock_determination(conn, command.zone, proposed)
        .await?
        .ok_or(FactsError::NoProposal(proposed))?;
    if let Some(confirmed) = proposal.confirmed_index {
        return Err(FactsError::Confirmed {
            proposed,
            confirmed,
        });
    }
    let person = command.actor.person;
    if proposal.proposed_by == person {
        return Err(FactsError::SamePerson(proposed));
    }
    let said = Said {
        evidence: &[],
        facts: &proposal.facts,
        from: proposal.from,
        party: proposal.party,
        proposed_index: Some(proposed),
        reason: None,
        until: proposal.until,
    };
    let entry = Entry {
        subject: proposal.party.map(|party| party.0),
        idempotency,
        ..command.entry("fact.determined", &said)?
    };
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    store::confirm_determination(conn, command.zone.id, &proposal, person, recorded.index).await?;
    Ok(recorded.index)
}

async fn first_answer(
    conn: &mut PgConnection,
    command: &Command<'_>,
    idempotency: Option<&Idempotency>,
) -> Result<Option<LogIndex>, FactsError> {
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first = journal::first_answer::<IgnoredAny>(conn, zone, actor, idempotency).await?;
    Ok(first.map(|(recorded, _)| recorded.index))
}
