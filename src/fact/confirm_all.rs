//! Many recognitions, confirmed by one person at once: those whose notice is over.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use sqlx::PgConnection;

use super::confirm::{Determination, confirmation};
use super::error::FactsError;
use super::recognised::{Numbering, last_day, numbering, register_of};
use super::register::Register;
use super::store;
use crate::calendar::Calendar;
use crate::db::Turn;
use crate::identity::{Command, Role};
use crate::journal;
use crate::party;
use crate::policy;
use crate::types::{Code, LogIndex, Name, PartyId};

/// What a batch of confirmations came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConfirmedAll {
    /// Parties that were registered.
    pub registered: u64,
    /// Proposals whose notice still runs.
    pub in_notice: u64,
    /// Proposals of the same person: another one confirms them.
    pub own: u64,
    /// Proposals of which the register has said something since, or that held until a day that is past: decide again.
    pub stale: u64,
    /// Proposals that need a number of another office: confirm each with its number.
    pub without_number: u64,
    /// The proposal with which the next batch goes on; `None` once there are no more.
    #[serde(skip)]
    pub last: Option<LogIndex>,
}

/// Confirms the next proposals of a programme's recognitions, in the order of the log: those that this person may confirm
/// today. Each gets an entry `fact.recognised` of its own, and the next number where the office makes them. The others are
/// counted and left as they are.
pub async fn confirm_next(
    conn: &mut PgConnection,
    command: &Command<'_>,
    programme: &Code,
    after: Option<LogIndex>,
    limit: u16,
) -> Result<ConfirmedAll, FactsError> {
    command.actor.require(&[Role::Manager])?;
    Turn::Facts.wait(conn, command.zone.id).await?;
    let register =
        register_of(programme).ok_or_else(|| FactsError::NoRecognition(programme.clone()))?;
    let waiting = store::lock_waiting(conn, command.zone, &register, after, limit).await?;
    let mut answer = ConfirmedAll {
        last: waiting.last().map(|one| one.proposed_index),
        ..ConfirmedAll::default()
    };
    let due = due(conn, command, waiting, &mut answer).await?;
    let numbered = number(conn, command, due, &mut answer).await?;
    let entries: Result<Vec<_>, _> = numbered
        .iter()
        .map(|(proposal, number)| confirmation(command, proposal, number.as_ref(), None))
        .collect();
    let outcomes = journal::record(conn, command.zone, command.now, &entries?).await?;
    let (zone, person) = (command.zone.id, command.actor.person);
    for ((proposal, number), outcome) in numbered.iter().zip(outcomes) {
        let index = outcome.map_err(journal::RecordError::Refused)?.index;
        store::confirm_determination(conn, zone, proposal, number.as_ref(), person, index).await?;
        answer.registered += 1;
    }
    Ok(answer)
}

/// The proposals that this person may confirm today.
async fn due(
    conn: &mut PgConnection,
    command: &Command<'_>,
    waiting: Vec<Determination>,
    answer: &mut ConfirmedAll,
) -> Result<Vec<Determination>, FactsError> {
    let (zone, today) = (command.zone.id, command.today());
    let indices: Vec<LogIndex> = waiting.iter().map(|one| one.proposed_index).collect();
    let rules = store::rules_of(conn, zone, &indices).await?;
    let overtaken = store::overtaken(conn, zone, &indices).await?;
    let mut due = Vec::with_capacity(waiting.len());
    for proposal in waiting {
        let index = proposal.proposed_index;
        let first = match rules.get(&index) {
            Some((policy, proposed_on)) => {
                let policy = policy::store::load(conn, zone, *policy).await?;
                let notice = Calendar::china().notice(*proposed_on, policy.notice_days());
                notice.over_from
            }
            None => return Err(FactsError::NoRecognitionProposed(index)),
        };
        let is_over = last_day(&proposal.facts).is_some_and(|last| last < today);
        if overtaken.contains(&index) || is_over {
            answer.stale += 1;
        } else if proposal.proposed_by == command.actor.person {
            answer.own += 1;
        } else if today < first {
            answer.in_notice += 1;
        } else {
            due.push(proposal);
        }
    }
    Ok(due)
}

/// Each with its number, where the register has numbers.
async fn number(
    conn: &mut PgConnection,
    command: &Command<'_>,
    due: Vec<Determination>,
    answer: &mut ConfirmedAll,
) -> Result<Vec<(Determination, Option<Name>)>, FactsError> {
    let zone = command.zone.id;
    let ids: Vec<PartyId> = due.iter().filter_map(|one| one.party).collect();
    let parties = party::store::parties(conn, zone, &ids).await?;
    let regions: HashMap<PartyId, Option<String>> = parties
        .into_iter()
        .map(|party| (party.id, party.region))
        .collect();
    let region = |proposal: &Determination| {
        let region = proposal.party.and_then(|party| regions.get(&party));
        region.and_then(Option::as_deref)
    };
    let mut numberings = Vec::with_capacity(due.len());
    let mut wanted: HashMap<(Register, String), usize> = HashMap::new();
    for proposal in due {
        let Some(register) = proposal.register.clone() else {
            continue;
        };
        let numbering = numbering(&register, &proposal.facts, region(&proposal));
        if let Numbering::Running(prefix) = &numbering {
            *wanted
                .entry((register.clone(), prefix.clone()))
                .or_default() += 1;
        }
        numberings.push((proposal, register, numbering));
    }
    let mut free: HashMap<String, VecDeque<u32>> = HashMap::new();
    for ((register, prefix), count) in wanted {
        let numbers = store::free_numbers(conn, zone, &register, &prefix, count).await?;
        free.insert(prefix, numbers.into());
    }
    let mut numbered = Vec::with_capacity(numberings.len());
    for (proposal, register, numbering) in numberings {
        let number = match numbering {
            Numbering::Without => None,
            Numbering::Given => {
                answer.without_number += 1;
                continue;
            }
            Numbering::Running(prefix) => {
                let next = free.get_mut(&prefix).and_then(VecDeque::pop_front);
                let number =
                    next.and_then(|next| format!("{prefix}{next:06}").parse::<Name>().ok());
                Some(number.ok_or(FactsError::NumberNeeded(register))?)
            }
        };
        numbered.push((proposal, number));
    }
    Ok(numbered)
}
