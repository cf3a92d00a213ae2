//! What one person has proposed to state, confirmed by another: determinations of the office, recognitions and
//! revocations.

use chrono::NaiveDate;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::error::FactsError;
use super::recognised::{Numbering, is_of_another_year, last_day, numbering};
use super::register::Register;
use super::store;
use super::values::Values;
use crate::calendar::Calendar;
use crate::db::Turn;
use crate::identity::{Command, Role};
use crate::journal::{self, BodyError, Entry, Idempotency};
use crate::party;
use crate::policy::{self, Sha256, Source};
use crate::types::{LogIndex, Name, PartyId, PersonId, Reason};

/// What is proposed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A fact that only the office may say.
    Determination,
    /// That a party stands in a register, by a decision that passes.
    Recognition,
    /// That it no longer does.
    Revocation,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Determination, Self::Recognition, Self::Revocation];

    /// As rows have it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Determination => "determination",
            Self::Recognition => "recognition",
            Self::Revocation => "revocation",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind of the entry that confirms it.
    const fn entry_kind(self) -> &'static str {
        match self {
            Self::Determination => "fact.determined",
            Self::Recognition => "fact.recognised",
            Self::Revocation => "fact.revoked",
        }
    }

    /// How the statement that follows is known.
    pub(super) const fn source(self) -> Source {
        match self {
            Self::Determination => Source::Verified,
            Self::Recognition | Self::Revocation => Source::Imported,
        }
    }
}

/// A proposal that is to be recorded.
#[derive(Clone, Debug)]
pub(super) struct Proposed {
    pub(super) kind: Kind,
    /// Its entry.
    pub(super) entry: LogIndex,
    pub(super) party: Option<PartyId>,
    pub(super) register: Option<Register>,
    /// The number, if it is known already.
    pub(super) reference: Option<Name>,
    pub(super) facts: Values,
    pub(super) from: NaiveDate,
    pub(super) until: Option<NaiveDate>,
    pub(super) reason: String,
    pub(super) evidence: Vec<Sha256>,
}

/// A proposal, confirmed or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Determination {
    /// What is proposed.
    pub kind: Kind,
    /// The entry of the proposal, which names it.
    pub proposed_index: LogIndex,
    /// Whom it is about; `None` for every party of the zone.
    pub party: Option<PartyId>,
    /// The register that it changes; none is changed by a determination.
    pub register: Option<Register>,
    /// The number in the register.
    pub reference: Option<Name>,
    /// What is stated once it is confirmed.
    pub facts: Values,
    /// First day on which it holds.
    pub from: NaiveDate,
    /// First day on which it no longer does.
    pub until: Option<NaiveDate>,
    /// Why; of a recognition, the rules.
    pub reason: Reason,
    /// Documents that support it; of a recognition, the snapshot of facts that was decided on.
    pub evidence: Vec<Sha256>,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// Who confirmed it.
    pub confirmed_by: Option<PersonId>,
    /// The entry of the confirmation: since then it is in force.
    pub confirmed_index: Option<LogIndex>,
}

/// What the entry of a confirmation says.
#[derive(Serialize)]
struct Said<'a> {
    facts: &'a Values,
    from: NaiveDate,
    party: Option<PartyId>,
    proposed_index: LogIndex,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    register: Option<&'a Register>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    until: Option<NaiveDate>,
}

/// A party that was registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// The entry of the confirmation.
    pub entry: LogIndex,
    /// Its number, where the register has numbers.
    pub number: Option<Name>,
}

/// Confirms a determination or a revocation that another person has proposed; the entry, `fact.determined` or
/// `fact.revoked`, states it.
pub async fn confirm(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
) -> Result<LogIndex, FactsError> {
    command.actor.require(&[Role::Manager])?;
    let idempotency = command.idempotency("fact.confirm", &proposed);
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first =
        journal::first_answer::<IgnoredAny>(conn, zone, actor, idempotency.as_ref()).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded.index);
    }
    let proposal = open(conn, command, proposed).await?;
    if proposal.kind == Kind::Recognition {
        return Err(FactsError::IsRecognition(proposed));
    }
    let number = proposal.reference.clone();
    close(conn, command, &proposal, number.as_ref(), idempotency).await
}

/// Confirms a recognition that another person has proposed; the entry `fact.recognised` states it in its register, under
/// the number given or, where the office makes them, the next one.
pub async fn confirm_recognition(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
    number: Option<&Name>,
) -> Result<Registered, FactsError> {
    #[derive(Deserialize)]
    struct First {
        reference: Option<Name>,
    }
    command.actor.require(&[Role::Manager])?;
    let idempotency = command.idempotency("fact.confirm_recognition", &(proposed, number));
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first = journal::first_answer::<First>(conn, zone, actor, idempotency.as_ref()).await?;
    if let Some((recorded, First { reference })) = first {
        return Ok(Registered {
            entry: recorded.index,
            number: reference,
        });
    }
    let proposal = open(conn, command, proposed).await?;
    if proposal.kind != Kind::Recognition {
        return Err(FactsError::NoRecognitionProposed(proposed));
    }
    in_notice(conn, command, proposed).await?;
    let over = last_day(&proposal.facts).filter(|last| *last < command.today());
    if let Some(last) = over {
        return Err(FactsError::RecognitionOver { proposed, last });
    }
    let number = choose_number(conn, command, &proposal, number).await?;
    let entry = close(conn, command, &proposal, number.as_ref(), idempotency).await?;
    Ok(Registered { entry, number })
}

/// Refuses a confirmation before the notice that the rules ask for is over.
async fn in_notice(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
) -> Result<(), FactsError> {
    let zone = command.zone.id;
    let rules = store::rules_of(conn, zone, &[proposed]).await?;
    let (policy, proposed_on) = *rules
        .get(&proposed)
        .ok_or(FactsError::NoRecognitionProposed(proposed))?;
    let days = policy::store::load(conn, zone, policy).await?.notice_days();
    let notice = Calendar::china().notice(proposed_on, days);
    if command.today() < notice.over_from {
        return Err(FactsError::InNotice {
            proposed,
            first: notice.over_from,
            notice: notice.to_string(),
        });
    }
    Ok(())
}

/// Locks a proposal that this person may confirm.
async fn open(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
) -> Result<Determination, FactsError> {
    Turn::Facts.wait(conn, command.zone.id).await?;
    let proposal = store::lock_determination(conn, command.zone, proposed)
        .await?
        .ok_or(FactsError::NoProposal(proposed))?;
    if let Some(confirmed) = proposal.confirmed_index {
        return Err(FactsError::Confirmed {
            proposed,
            confirmed,
        });
    }
    if proposal.proposed_by == command.actor.person {
        return Err(FactsError::SamePerson(proposed));
    }
    // What the register says since then was not known to who proposed: a party that was revoked meanwhile must not come
    // back by an older decision.
    if let (Some(party), Some(register)) = (proposal.party, &proposal.register)
        && let Some(since) =
            store::later_statement(conn, command.zone.id, party, register, proposed).await?
    {
        return Err(FactsError::Overtaken { proposed, since });
    }
    Ok(proposal)
}

/// The number of a recognition: the one given, if nobody else has it, or the next one.
async fn choose_number(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposal: &Determination,
    given: Option<&Name>,
) -> Result<Option<Name>, FactsError> {
    let (Some(register), Some(id)) = (&proposal.register, proposal.party) else {
        return Ok(None);
    };
    let zone = command.zone.id;
    let party = party::store::party(conn, zone, id).await?;
    let region = party.and_then(|party| party.region);
    let numbering = numbering(register, &proposal.facts, region.as_deref());
    match (numbering, given) {
        (Numbering::Without, None) => Ok(None),
        (Numbering::Without, Some(_)) => Err(FactsError::NoNumbers(register.clone())),
        (Numbering::Given | Numbering::Running(_), Some(number)) => {
            if is_of_another_year(number, &proposal.facts) {
                return Err(FactsError::NumberOfAnotherYear(number.clone()));
            }
            let holders = store::holders(conn, zone, register, &[number.as_str()]).await?;
            if holders.iter().any(|holder| holder.party != id) {
                return Err(FactsError::NumberTaken(number.clone()));
            }
            Ok(Some(number.clone()))
        }
        (Numbering::Given, None) => Err(FactsError::NumberNeeded(register.clone())),
        (Numbering::Running(prefix), None) => {
            let free = store::free_numbers(conn, zone, register, &prefix, 1).await?;
            let next = free.first();
            let number = next.and_then(|next| format!("{prefix}{next:06}").parse::<Name>().ok());
            let number = number.ok_or_else(|| FactsError::NumberNeeded(register.clone()))?;
            Ok(Some(number))
        }
    }
}

/// The entry that confirms a proposal, and states what it says.
pub(super) fn confirmation(
    command: &Command<'_>,
    proposal: &Determination,
    number: Option<&Name>,
    idempotency: Option<Idempotency>,
) -> Result<Entry, BodyError> {
    let of_register = proposal.register.is_some();
    let said = Said {
        facts: &proposal.facts,
        from: proposal.from,
        party: proposal.party,
        proposed_index: proposal.proposed_index,
        reference: number,
        register: proposal.register.as_ref(),
        source: of_register.then_some(proposal.kind.source().word()),
        until: proposal.until,
    };
    Ok(Entry {
        subject: proposal.party.map(|party| party.0),
        idempotency,
        ..command.entry(proposal.kind.entry_kind(), &said)?
    })
}

/// Records the confirmation, and what it states.
async fn close(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposal: &Determination,
    number: Option<&Name>,
    idempotency: Option<Idempotency>,
) -> Result<LogIndex, FactsError> {
    let entry = confirmation(command, proposal, number, idempotency)?;
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    let (zone, person) = (command.zone.id, command.actor.person);
    store::confirm_determination(conn, zone, proposal, number, person, recorded.index).await?;
    Ok(recorded.index)
}
