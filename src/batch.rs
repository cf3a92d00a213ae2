//! What the commands of cases share: many in one transaction, each with its own answer.
//!
//! A command's answer is inside its entry. So a repeat under the same key reads its first answer from the
//! log, and nothing else has to be kept for it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::identity::{Actor, Command, Forbidden};
use crate::journal::{
    self, Body, BodyError, Earlier, Entry, RecordError, Refusal, Transfer, TransferError,
};
use crate::log;
use crate::policy::Decision;
use crate::types::{LogIndex, PartyId, Zone, ZoneId};

/// A command's answer, and the entry that it stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answered<A> {
    /// The entry.
    pub index: LogIndex,
    /// Done, or refused with reasons.
    #[serde(flatten)]
    pub answer: A,
}

/// Why one command of a batch was not even recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// There is no such thing in the zone, or it is none of the actor's business.
    #[error("no {what} {id} in this zone")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// Its identity, as asked.
        id: String,
    },
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The key names another command.
    #[error(
        "the idempotency key was used for another command, entry {0}: take a new key for a new command"
    )]
    KeyConflict(LogIndex),
    /// No policy of the programme is in force on the day.
    #[error("no policy of programme {programme} is in force on {day}: publish one first")]
    NoPolicy {
        /// The programme.
        programme: String,
        /// The day.
        day: NaiveDate,
    },
    /// An award run can't be proposed so, or can't go on: why, and what to do.
    #[error("{0}")]
    Run(String),
    /// The stated facts are not facts.
    #[error("{0}")]
    Facts(String),
    /// What was given can't be so: which field, why, and what to write.
    #[error("{0}")]
    Input(String),
}

/// Why a whole batch was undone.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The journal refused an entry that the case allowed: a period is closed, for one.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The entries were not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Two accounts can't be joined.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// A stored entry can't be read.
    #[error("entry {0} can't be read: {1}; run `subsidy-ledger verify`")]
    Unreadable(LogIndex, String),
    /// A stored policy can't be read.
    #[error(transparent)]
    Policy(#[from] crate::policy::store::StoreError),
    /// Payables could not be written.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The answer to each command, in order.
pub type Answers<A> = Vec<Result<Answered<A>, Rejected>>;

/// What stands in the details of every entry of a case.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Recordable<I, A> {
    pub(crate) answer: A,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) decision: Option<Decision>,
    pub(crate) input: I,
}

/// Commands that are decided together: no key stands twice among them, and none has an answer yet.
pub(crate) struct Round<'r, I> {
    name: &'static str,
    now: DateTime<Utc>,
    pub(crate) zone: &'r Zone,
    pub(crate) today: NaiveDate,
    pub(crate) requests: Vec<&'r (Command<'r>, I)>,
}

/// Answers every command: from the log if it was recorded before, else by `decide`.
///
/// A key that stands twice in a batch waits for the round after that of its first command, and finds
/// its answer in the log.
pub(crate) async fn answer<I, A, F>(
    conn: &mut PgConnection,
    name: &'static str,
    requests: &[(Command<'_>, I)],
    decide: F,
) -> Result<Answers<A>, BatchError>
where
    I: Serialize + Sync,
    A: DeserializeOwned + Send,
    F: Send
        + Sync
        + for<'r> Fn(
            &'r mut PgConnection,
            &'r Round<'r, I>,
        ) -> BoxFuture<'r, Result<Answers<A>, BatchError>>,
{
    let mut answers = Vec::with_capacity(requests.len());
    let mut open: Vec<(usize, &(Command<'_>, I))> = requests.iter().enumerate().collect();
    while let Some((_, (first, _))) = open.first() {
        let (zone, now, today) = (first.zone, first.now, first.today());
        let mut keys = HashSet::new();
        let (asked, later) = open.into_iter().partition(|(_, (command, _))| {
            command
                .key
                .is_none_or(|key| keys.insert((command.actor.person, key)))
        });
        let (known, new) = recall(conn, name, zone.id, asked).await?;
        answers.extend(known);
        let (places, requests): (Vec<usize>, Vec<_>) = new.into_iter().unzip();
        if !requests.is_empty() {
            let round = Round {
                name,
                now,
                zone,
                today,
                requests,
            };
            answers.extend(places.into_iter().zip(decide(conn, &round).await?));
        }
        open = later;
    }
    answers.sort_unstable_by_key(|(place, _)| *place);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

type Placed<T> = Vec<(usize, T)>;

/// Commands that were recorded before, with their answers, and the others.
async fn recall<'r, 'c, I: Serialize + Sync, A: DeserializeOwned + Send>(
    conn: &mut PgConnection,
    name: &str,
    zone: ZoneId,
    asked: Placed<&'r (Command<'c>, I)>,
) -> Result<
    (
        Placed<Result<Answered<A>, Rejected>>,
        Placed<&'r (Command<'c>, I)>,
    ),
    BatchError,
> {
    let keys: Vec<_> = asked
        .iter()
        .map(|(_, (command, input))| (command.actor.person, command.idempotency(name, input)))
        .collect();
    let keys: Vec<_> = keys
        .iter()
        .map(|(actor, key)| (*actor, key.as_ref()))
        .collect();
    let earlier = journal::earlier(conn, zone, &keys).await?;
    let recorded: Vec<LogIndex> = earlier
        .iter()
        .filter_map(|earlier| match earlier {
            Earlier::Recorded(index) => Some(*index),
            Earlier::Never | Earlier::Conflict(_) => None,
        })
        .collect();
    let bodies = journal::entry_bodies(conn, zone, &recorded).await?;
    let (mut known, mut new) = (Vec::new(), Vec::new());
    for ((place, request), earlier) in asked.into_iter().zip(earlier) {
        match earlier {
            Earlier::Never => new.push((place, request)),
            Earlier::Conflict(index) => known.push((place, Err(Rejected::KeyConflict(index)))),
            Earlier::Recorded(index) => {
                let body = bodies.get(&index).map(Vec::as_slice).unwrap_or_default();
                let answer = read_answer(index, body)?;
                known.push((place, Ok(Answered { index, answer })));
            }
        }
    }
    Ok((known, new))
}

fn read_answer<A: DeserializeOwned>(index: LogIndex, body: &[u8]) -> Result<A, BatchError> {
    let unreadable = |error: serde_json::Error| BatchError::Unreadable(index, error.to_string());
    let body: Body<'_, Recordable<Value, A>> = serde_json::from_slice(body).map_err(unreadable)?;
    Ok(body.details.answer)
}

/// What a command wants recorded.
pub(crate) struct Step<I, A> {
    pub(crate) kind: &'static str,
    pub(crate) subject: Uuid,
    pub(crate) content: Recordable<I, A>,
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) effective: Option<NaiveDate>,
}

impl<I: Clone, A> Step<I, A> {
    /// A step that moves nothing and asked no policy.
    pub(crate) fn new(kind: &'static str, subject: impl Into<Uuid>, input: &I, answer: A) -> Self {
        Self {
            kind,
            subject: subject.into(),
            content: Recordable {
                answer,
                decision: None,
                input: input.clone(),
            },
            transfers: Vec::new(),
            effective: None,
        }
    }

    /// With what the policy decided.
    pub(crate) fn decided(mut self, decision: Decision) -> Self {
        self.content.decision = Some(decision);
        self
    }

    /// With what it moves.
    pub(crate) fn moving(mut self, transfers: Vec<Transfer>) -> Self {
        self.transfers = transfers;
        self
    }

    /// Counting for another day than that of the command.
    pub(crate) fn on(mut self, day: NaiveDate) -> Self {
        self.effective = Some(day);
        self
    }
}

impl<I: Serialize, A: Serialize> Step<I, A> {
    /// As an entry of the command with this name.
    pub(crate) fn entry(&self, name: &str, command: &Command<'_>) -> Result<Entry, BatchError> {
        let entry = command.entry(self.kind, &self.content)?;
        Ok(Entry {
            subject: Some(self.subject),
            transfers: self.transfers.clone(),
            idempotency: command.idempotency(name, &self.content.input),
            effective: self.effective.unwrap_or(entry.effective),
            ..entry
        })
    }
}

/// One command of a batch, decided: what to record and what its rows become, or why not even that.
pub(crate) type Decided<I, A, E> = Result<(Step<I, A>, E), Rejected>;

/// Takes the head of the zone's log, for whoever decides on more than the rows that it has locked: caps, budgets, exclusions,
/// stated facts, the rent book. What is read from here on is what the entries before this one have left, so the decision is
/// right at its place in the log.
pub(crate) async fn lock_head<I: Sync>(
    conn: &mut PgConnection,
    round: &Round<'_, I>,
) -> Result<(), RecordError> {
    log::lock_head(conn, round.zone.id).await?;
    Ok(())
}

/// Records what was decided. Gives the answers, and for the caller's rows each effect with its entry.
pub(crate) async fn record<I: Serialize + Send + Sync, A: Serialize + Send, E: Send>(
    conn: &mut PgConnection,
    round: &Round<'_, I>,
    decided: Vec<Decided<I, A, E>>,
) -> Result<(Answers<A>, Vec<(E, LogIndex)>), BatchError> {
    let mut entries = Vec::with_capacity(decided.len());
    for ((command, _), decided) in round.requests.iter().zip(&decided) {
        if let Ok((step, _)) = decided {
            entries.push(step.entry(round.name, command)?);
        }
    }
    let mut outcomes = journal::record(conn, round.zone, round.now, &entries)
        .await?
        .into_iter();
    let mut answers = Vec::with_capacity(decided.len());
    let mut effects = Vec::with_capacity(decided.len());
    for decided in decided {
        answers.push(match decided {
            Err(rejected) => Err(rejected),
            Ok((step, effect)) => {
                let index = outcomes
                    .next()
                    .expect("BUG: an outcome for every entry")?
                    .index;
                effects.push((effect, index));
                Ok(Answered {
                    index,
                    answer: step.content.answer,
                })
            }
        });
    }
    Ok((answers, effects))
}

/// A person who acts for a party sees only what is that party's; the office's staff see all.
pub(crate) fn acts_for(actor: &Actor, one_of: &[PartyId]) -> bool {
    actor.party.is_none_or(|party| one_of.contains(&party))
}

/// A refusal that a person may contest, as answers and entries say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused<C> {
    /// What was in the way.
    pub code: C,
    /// Reason codes, such as the policy's own `CAP_FIRM_YEAR`.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

impl<C> From<C> for Refused<C> {
    fn from(code: C) -> Self {
        Self {
            code,
            reasons: Vec::new(),
        }
    }
}

/// Finds what a batch locked, by identity.
pub(crate) fn find<'a, K: std::hash::Hash + Eq + std::fmt::Display, V>(
    found: &'a mut HashMap<K, V>,
    what: &'static str,
    id: &K,
) -> Result<&'a mut V, Rejected> {
    found.get_mut(id).ok_or_else(|| Rejected::Unknown {
        what,
        id: id.to_string(),
    })
}
