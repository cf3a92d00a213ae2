//! A registration is taken away: one person proposes it with reason and evidence, another confirms it.

use chrono::NaiveDate;
use serde::Serialize;
use serde::de::IgnoredAny;
use sqlx::PgConnection;

use super::confirm::{Kind, Proposed};
use super::error::FactsError;
use super::merge::merge;
use super::register::Register;
use super::statement::{Statement, When};
use super::store;
use super::values::Values;
use crate::db::Turn;
use crate::identity::{Command, Role};
use crate::journal::{self, Entry};
use crate::policy::Sha256;
use crate::types::{LogIndex, Name, PartyId, Period, Reason};

/// Which registration somebody proposes to revoke.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// Whose.
    pub party: PartyId,
    /// In which register.
    pub register: Register,
    /// The day of the revocation: since then it does not stand in the register.
    pub on: NaiveDate,
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
    party: PartyId,
    reason: &'a Reason,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a Name>,
    register: &'a Register,
}

/// Proposes a revocation; the entry is `fact.revocation_proposed`. Nothing follows from it until another person confirms
/// it with [`confirm`](super::confirm()).
pub async fn revoke(
    conn: &mut PgConnection,
    command: &Command<'_>,
    revocation: &Revocation,
) -> Result<LogIndex, FactsError> {
    command.actor.require(&[Role::Reviewer, Role::Manager])?;
    let Revocation {
        party,
        register,
        on,
        evidence,
        reason,
    } = revocation;
    let input = (party, register, on, evidence, reason);
    let idempotency = command.idempotency("fact.revoke", &input);
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first =
        journal::first_answer::<IgnoredAny>(conn, zone, actor, idempotency.as_ref()).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded.index);
    }
    let facts = register
        .revocation(*on)
        .ok_or_else(|| FactsError::NotRevocable(register.clone()))?;
    if evidence.is_empty() {
        return Err(FactsError::NoEvidence);
    }
    When::Days(Period::new(*on, None).map_err(|_| FactsError::Nothing)?).check(command.today())?;
    Turn::Facts.wait(conn, zone).await?;
    let statements = store::statements(conn, command.zone, *party, None).await?;
    let Some(by) = standing(register, command, &statements, *on) else {
        return Err(FactsError::NotRegistered {
            party: *party,
            register: register.clone(),
            on: *on,
        });
    };
    let said = Said {
        evidence,
        facts: &facts,
        from: *on,
        party: *party,
        reason,
        reference: by.reference.as_ref(),
        register,
    };
    let entry = Entry {
        subject: Some(party.0),
        idempotency,
        ..command.entry("fact.revocation_proposed", &said)?
    };
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    let proposed = Proposed {
        kind: Kind::Revocation,
        entry: recorded.index,
        party: Some(*party),
        register: Some(register.clone()),
        reference: by.reference.clone(),
        facts,
        from: *on,
        until: None,
        reason: reason.as_str().to_owned(),
        evidence: evidence.clone(),
    };
    store::insert_proposed(conn, zone, actor, &[proposed]).await?;
    Ok(recorded.index)
}

/// The statement by which the party stands in the register on a day.
fn standing<'a>(
    register: &Register,
    command: &Command<'_>,
    statements: &'a [Statement],
    on: NaiveDate,
) -> Option<&'a Statement> {
    let facts = merge(command.zone.currency, on, statements);
    if !register.has(&facts) {
        return None;
    }
    let entry = facts.get(register.status()?)?.entry;
    statements.iter().find(|one| Some(one.index) == entry)
}
