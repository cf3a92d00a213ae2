//! What every command of a feature is given besides its input.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::actor::Actor;
use crate::journal::{BodyError, Details, Effect, Entry, EntryKind, Idempotency};
use crate::types::Zone;

/// Who gives a command, in which zone, when, and under which key.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// The zone whose books it changes.
    pub zone: &'a Zone,
    /// Who gives it.
    pub actor: &'a Actor,
    /// When; commands never read a clock.
    pub now: DateTime<Utc>,
    /// The actor's own key, so that a repeat has one effect.
    pub key: Option<&'a str>,
}

impl Command<'_> {
    /// The day, in the zone's time.
    pub fn today(&self) -> NaiveDate {
        self.zone.time.day(self.now)
    }

    /// The key with this command's name and input, for the journal.
    pub fn idempotency(&self, name: &str, input: &impl Serialize) -> Option<Idempotency> {
        self.key.map(|key| Idempotency::new(key, name, input))
    }

    /// An entry of today, by this actor, about no case, that moves nothing and has no key: what else
    /// it is, the caller fills in.
    pub fn entry(&self, kind: &'static str, details: &impl Serialize) -> Result<Entry, BodyError> {
        Ok(Entry {
            actor: self.actor.person,
            kind: EntryKind(kind),
            effective: self.today(),
            subject: None,
            details: Details::new(details)?,
            transfers: Vec::new(),
            effect: Effect::Ordinary,
            idempotency: None,
        })
    }
}

/// A command's surroundings, owned, so that a transaction's task can keep them.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The zone.
    pub zone: Zone,
    /// Who acts.
    pub actor: Actor,
    /// When.
    pub now: DateTime<Utc>,
    /// The actor's key.
    pub key: Option<String>,
}

impl Caller {
    /// As a command sees it.
    pub fn command(&self) -> Command<'_> {
        Command {
            zone: &self.zone,
            actor: &self.actor,
            now: self.now,
            key: self.key.as_deref(),
        }
    }
}
