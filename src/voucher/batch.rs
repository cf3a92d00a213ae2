//! What all voucher commands share: many in one transaction, each with its own answer.
//!
//! A command's answer is inside its entry. So a repeat under the same key reads its first answer from the
//! log, and nothing else has to be kept for it.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::VoucherRefusal;
use crate::identity::{Actor, Command, Forbidden};
use crate::journal::{
    self, Body, BodyError, Details, Earlier, Effect, Entry, EntryKind, RecordError, Refusal,
    Transfer, TransferError,
};
use crate::policy::Decision;
use crate::types::{LogIndex, PartyId, VoucherId};

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
        day: chrono::NaiveDate,
    },
    /// The stated facts are not facts.
    #[error("{0}")]
    Facts(String),
}

/// Why a whole batch was undone.
#[derive(Debug, thiserror::Error)]
pub enum VoucherError {
    /// The journal refused an entry that the voucher allowed: a period is closed, or another process
    /// recorded the same command first. Repeating the command gives its answer.
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

/// What stands in the details of every voucher entry.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Recordable<I, A> {
    pub(super) answer: A,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) decision: Option<Decision>,
    pub(super) input: I,
}

/// The answers of commands that were recorded before; `None` for new ones.
pub(super) async fn recall<I: Serialize + Sync, A: DeserializeOwned + Send>(
    conn: &mut PgConnection,
    name: &str,
    requests: &[(Command<'_>, I)],
) -> Result<Vec<Option<Result<Answered<A>, Rejected>>>, VoucherError> {
    let Some((first, _)) = requests.first() else {
        return Ok(Vec::new());
    };
    let zone = first.zone.id;
    let keys: Vec<_> = requests
        .iter()
        .map(|(command, input)| command.idempotency(name, input))
        .collect();
    let asked: Vec<_> = requests
        .iter()
        .zip(&keys)
        .map(|((command, _), key)| (command.actor.person, key.as_ref()))
        .collect();
    let mut answers = Vec::with_capacity(requests.len());
    for earlier in journal::earlier(conn, zone, &asked).await? {
        answers.push(match earlier {
            Earlier::Never => None,
            Earlier::Conflict(index) => Some(Err(Rejected::KeyConflict(index))),
            Earlier::Recorded(index) => {
                let bytes = journal::entry_body(conn, zone, index)
                    .await?
                    .unwrap_or_default();
                Some(Ok(Answered {
                    index,
                    answer: read_answer(index, &bytes)?,
                }))
            }
        });
    }
    Ok(answers)
}

fn read_answer<A: DeserializeOwned>(index: LogIndex, body: &[u8]) -> Result<A, VoucherError> {
    let unreadable = |error: serde_json::Error| VoucherError::Unreadable(index, error.to_string());
    let body: Body<'_, Recordable<Value, A>> = serde_json::from_slice(body).map_err(unreadable)?;
    Ok(body.details.answer)
}

/// What a command wants recorded.
pub(super) struct Step<I, A> {
    pub(super) kind: &'static str,
    pub(super) subject: Uuid,
    pub(super) content: Recordable<I, A>,
    pub(super) transfers: Vec<Transfer>,
}

impl<I: Clone, A> Step<I, A> {
    /// A step that moves nothing and asked no policy.
    pub(super) fn new(kind: &'static str, subject: VoucherId, input: &I, answer: A) -> Self {
        Self {
            kind,
            subject: subject.0,
            content: Recordable {
                answer,
                decision: None,
                input: input.clone(),
            },
            transfers: Vec::new(),
        }
    }

    /// With what the policy decided.
    pub(super) fn decided(mut self, decision: Decision) -> Self {
        self.content.decision = Some(decision);
        self
    }

    /// With what it moves.
    pub(super) fn moving(mut self, transfers: Vec<Transfer>) -> Self {
        self.transfers = transfers;
        self
    }
}

impl<I: Serialize, A: Serialize> Step<I, A> {
    /// As an entry of the command with this name.
    pub(super) fn entry(&self, name: &str, command: &Command<'_>) -> Result<Entry, VoucherError> {
        Ok(Entry {
            actor: command.actor.person,
            kind: EntryKind(self.kind),
            effective: command.today(),
            subject: Some(self.subject),
            details: Details::new(&self.content)?,
            transfers: self.transfers.clone(),
            effect: Effect::Ordinary,
            idempotency: command.idempotency(name, &self.content.input),
        })
    }
}

/// One command of a batch, decided: what to record and what its rows become, or why not even that.
pub(super) type Decided<I, A, E> = Result<(Step<I, A>, E), Rejected>;

/// The commands that have no answer yet.
pub(super) fn unanswered<'r, 'c, I, A>(
    requests: &'r [(Command<'c>, I)],
    recalled: &[Option<A>],
) -> Vec<&'r (Command<'c>, I)> {
    let open = requests
        .iter()
        .zip(recalled)
        .filter(|(_, known)| known.is_none());
    open.map(|(request, _)| request).collect()
}

/// Records what was decided. Gives the answers, and for the caller's rows each effect with its entry.
pub(super) async fn record<I: Serialize + Send + Sync, A: Serialize + Send, E: Send>(
    conn: &mut PgConnection,
    name: &str,
    new: &[&(Command<'_>, I)],
    decided: Vec<Decided<I, A, E>>,
) -> Result<(Answers<A>, Vec<(E, LogIndex)>), VoucherError> {
    let Some((first, _)) = new.first() else {
        return Ok((Vec::new(), Vec::new()));
    };
    let mut entries = Vec::with_capacity(new.len());
    for ((command, _), decided) in new.iter().zip(&decided) {
        if let Ok((step, _)) = decided {
            entries.push(step.entry(name, command)?);
        }
    }
    let mut outcomes = journal::record(conn, first.zone, first.now, &entries)
        .await?
        .into_iter();
    let mut answers = Vec::with_capacity(new.len());
    let mut effects = Vec::with_capacity(new.len());
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

/// Puts new answers into the places that `recall` left open.
pub(super) fn merge<A>(
    recalled: Vec<Option<Result<Answered<A>, Rejected>>>,
    new: Answers<A>,
) -> Answers<A> {
    let mut new = new.into_iter();
    recalled
        .into_iter()
        .map(|answer| {
            answer.unwrap_or_else(|| new.next().expect("BUG: every new command has an answer"))
        })
        .collect()
}

/// A person who acts for a party sees only what is that party's; the office's staff see all.
pub(super) fn acts_for(actor: &Actor, one_of: &[PartyId]) -> bool {
    actor.party.is_none_or(|party| one_of.contains(&party))
}

/// A refusal, as answers and entries say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What was in the way.
    pub code: VoucherRefusal,
    /// The policy's own reason codes, such as `CAP_FIRM_YEAR`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

impl From<VoucherRefusal> for Refused {
    fn from(code: VoucherRefusal) -> Self {
        Self {
            code,
            reasons: Vec::new(),
        }
    }
}

/// Finds what a batch locked, by identity.
pub(super) fn find<'a, K: std::hash::Hash + Eq + std::fmt::Display, V>(
    found: &'a mut HashMap<K, V>,
    what: &'static str,
    id: &K,
) -> Result<&'a mut V, Rejected> {
    found.get_mut(id).ok_or_else(|| Rejected::Unknown {
        what,
        id: id.to_string(),
    })
}
