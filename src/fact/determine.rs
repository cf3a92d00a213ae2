//! What only the office may say: one person proposes it with reason and evidence, another confirms it.

use chrono::NaiveDate;
use serde::Serialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use super::confirm::{Kind, Proposed};
use super::error::FactsError;
use super::statement::{NotStatable, When};
use super::store;
use super::values::Values;
use crate::db::Turn;
use crate::identity::{Command, Role};
use crate::journal::{self, Entry, Idempotency};
use crate::party;
use crate::policy::{Fact, Sha256, Span, StatedBy, Value};
use crate::types::{LogIndex, PartyId, Period, Reason};

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

/// What the entry of a proposal says.
#[derive(Serialize)]
struct Said<'a> {
    evidence: &'a [Sha256],
    facts: &'a Values,
    from: NaiveDate,
    party: Option<PartyId>,
    reason: &'a Reason,
    until: Option<NaiveDate>,
}

/// Proposes a determination; the entry is `fact.determination_proposed`. Nothing follows from it until another person
/// confirms it. What the last one about the same fact and first day says is not proposed again.
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
        reason: &proposal.reason,
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
    Turn::Facts.wait(conn, zone).await?;
    if let Some(last) = store::last_determination(conn, command.zone, proposal).await?
        && last.facts == facts
        && last.until == proposal.days.until()
    {
        return Err(FactsError::Determined {
            proposed: last.proposed_index,
            is_confirmed: last.confirmed_index.is_some(),
        });
    }
    let entry = Entry {
        subject: proposal.party.map(|party| party.0),
        idempotency,
        ..command.entry("fact.determination_proposed", &said)?
    };
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    let person = command.actor.person;
    let proposed = Proposed {
        kind: Kind::Determination,
        entry: recorded.index,
        party: proposal.party,
        register: None,
        reference: None,
        facts: facts.clone(),
        from: proposal.days.from(),
        until: proposal.days.until(),
        reason: proposal.reason.as_str().to_owned(),
        evidence: proposal.evidence.clone(),
    };
    store::insert_proposed(conn, zone, person, &[proposed]).await?;
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

async fn first_answer(
    conn: &mut PgConnection,
    command: &Command<'_>,
    idempotency: Option<&Idempotency>,
) -> Result<Option<LogIndex>, FactsError> {
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first = journal::first_answer::<IgnoredAny>(conn, zone, actor, idempotency).await?;
    Ok(first.map(|(recorded, _)| recorded.index))
}
