//! The only writer of the books.
//!
//! The head of the zone's log is locked first, which makes this the zone's only writer until commit;
//! account rows need no locks of their own (docs/adr/0004). Callers have locked their own rows before.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::PgConnection;

use super::body::{self, Leaf};
use super::entry::{Effect, Entry, Idempotency};
use super::fold::{Books, PostedTransfer, Refusal};
use super::period::ClosedPeriod;
use super::rows::{self, Locked};
use crate::db::Overtaken;
use crate::log;
use crate::types::{LogIndex, PersonId, Zone, ZoneId};

/// An entry that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its identity.
    pub index: LogIndex,
    /// When it was recorded: the given time, or that of the entry before if that was later.
    pub at: DateTime<Utc>,
}

/// What became of one entry.
pub type Outcome = Result<Recorded, Refusal>;

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The one entry was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The log refused or failed.
    #[error(transparent)]
    Log(#[from] log::LogError),
    /// Another transaction recorded a command of the same actor and key at the same moment. Begun
    /// again, this one finds its answer in the log.
    #[error("a command with the same idempotency key was recorded at the same moment: repeat")]
    Overtaken(#[source] Overtaken),
    /// The totals over all accounts of a code would no longer fit 64 bits.
    #[error("the totals of {0} would be out of range: record fewer or smaller amounts")]
    TotalsOutOfRange(String),
}

/// Records one entry.
pub async fn record_one(
    conn: &mut PgConnection,
    zone: &Zone,
    now: DateTime<Utc>,
    entry: Entry,
) -> Result<Recorded, RecordError> {
    let mut outcomes = record(conn, zone, now, &[entry]).await?;
    Ok(outcomes.pop().expect("BUG: one entry has one outcome")?)
}

/// Records entries in order, each whole or not at all; the outcomes are in the same order. An error
/// means that nothing was recorded, and the transaction must be rolled back.
///
/// A command with a key has looked for its first answer before, by
/// [`first_answer`](super::first_answer) or [`earlier`](super::earlier), in this transaction. What was
/// recorded since is [`RecordError::Overtaken`].
pub async fn record(
    conn: &mut PgConnection,
    zone: &Zone,
    now: DateTime<Utc>,
    entries: &[Entry],
) -> Result<Vec<Outcome>, RecordError> {
    // What does not rest on others' entries is done before the lock that makes others wait.
    let code = zone.code.as_str();
    let now = now.trunc_subsecs(6); // Postgres keeps microseconds.
    let time = body::time_text(now);
    let leaves: Vec<_> = entries
        .iter()
        .map(|entry| body::leaf(entry, code, &time))
        .collect();
    let mut books = Books::naming(entries.iter().flat_map(|entry| &entry.transfers));
    let addresses = rows::addresses(&books);

    let Locked { head, closed } = rows::lock_books(conn, zone.id, &mut books, &addresses).await?;
    let at = now.max(head.recorded_at());
    let later = (at > now).then(|| body::time_text(at));
    let guard = Guard::load(conn, zone.id, closed, entries).await?;

    let mut batch = Batch::after(head.size());
    let mut outcomes = Vec::with_capacity(entries.len());
    for (entry, leaf) in entries.iter().zip(leaves) {
        let accepted = guard.check(entry, &batch).and_then(|()| {
            let leaf = leaf.map_err(|error| Refusal::Body(error.to_string()))?;
            let posted = books.apply(&entry.transfers)?;
            Ok((leaf, posted))
        });
        outcomes.push(accepted.map(|(leaf, posted)| {
            let leaf = match &later {
                Some(time) => leaf.recorded_at(time),
                None => leaf,
            };
            let index = batch.add(entry, leaf, posted);
            Recorded { index, at }
        }));
    }

    if !batch.accepted.is_empty() {
        rows::open_accounts(conn, zone.id, &mut books).await?;
        let head = log::append(conn, zone.id, head, &batch.leaf_hashes, at).await?;
        rows::write_batch(conn, zone.id, &head, &batch, &books).await?;
    }
    Ok(outcomes)
}

/// What the database knows that can refuse an entry before the fold.
struct Guard {
    closed: Vec<ClosedPeriod>,
    reversed: Vec<LogIndex>,
}

impl Guard {
    async fn load(
        conn: &mut PgConnection,
        zone: ZoneId,
        closed: Vec<ClosedPeriod>,
        entries: &[Entry],
    ) -> Result<Self, sqlx::Error> {
        let undone: Vec<i64> = entries
            .iter()
            .filter_map(|entry| match entry.effect {
                Effect::Reversing(index) => Some(index.0),
                Effect::Ordinary | Effect::Adjusting => None,
            })
            .collect();
        let reversed = if undone.is_empty() {
            Vec::new()
        } else {
            sqlx::query_scalar!(
                r#"SELECT reverses AS "reverses!" FROM ledger.entry
                   WHERE zone_id = $1 AND reverses = ANY($2)"#,
                zone.0,
                &undone
            )
            .fetch_all(conn)
            .await?
        };
        Ok(Self {
            closed,
            reversed: reversed.into_iter().map(LogIndex).collect(),
        })
    }

    /// Whether an entry may follow those that the batch has accepted. What an entry is refused for
    /// does not depend on where one batch ends and the next begins.
    fn check(&self, entry: &Entry, batch: &Batch<'_>) -> Result<(), Refusal> {
        if let Some(command) = &entry.idempotency {
            if !command.has_well_formed_key() {
                return Err(Refusal::KeyForm);
            }
            if let Some(refusal) = batch.repeats(entry.actor, command) {
                return Err(refusal);
            }
        }
        let day = entry.effective;
        let is_closed = self
            .closed
            .iter()
            .any(|(from, until)| *from <= day && day < *until);
        if is_closed && entry.effect != Effect::Adjusting {
            return Err(Refusal::PeriodClosed(day));
        }
        match entry.effect {
            Effect::Reversing(index) if !(0..batch.next).contains(&index.0) => {
                Err(Refusal::NothingToReverse(index))
            }
            Effect::Reversing(index)
                if self.reversed.contains(&index) || batch.reversed.contains(&index) =>
            {
                Err(Refusal::AlreadyReversed(index))
            }
            Effect::Ordinary | Effect::Adjusting | Effect::Reversing(_) => Ok(()),
        }
    }
}

/// An entry that the fold has accepted.
pub(super) struct Accepted<'a> {
    pub(super) index: LogIndex,
    pub(super) entry: &'a Entry,
    pub(super) body: Vec<u8>,
    pub(super) posted: Vec<PostedTransfer>,
}

/// What is about to be written: entries with contiguous indices.
pub(super) struct Batch<'a> {
    next: i64,
    pub(super) accepted: Vec<Accepted<'a>>,
    pub(super) leaf_hashes: Vec<log::Hash>,
    commands: HashMap<(PersonId, &'a str), ([u8; 32], LogIndex)>,
    reversed: HashSet<LogIndex>,
}

impl<'a> Batch<'a> {
    fn after(size: i64) -> Self {
        Self {
            next: size,
            accepted: Vec::new(),
            leaf_hashes: Vec::new(),
            commands: HashMap::new(),
            reversed: HashSet::new(),
        }
    }

    /// The refusal of a command whose key an accepted entry has used.
    fn repeats(&self, actor: PersonId, command: &Idempotency) -> Option<Refusal> {
        let (request, index) = self.commands.get(&(actor, command.key.as_str()))?;
        Some(if *request == command.request {
            Refusal::Repeated(*index)
        } else {
            Refusal::KeyConflict(*index)
        })
    }

    fn add(&mut self, entry: &'a Entry, leaf: Leaf, posted: Vec<PostedTransfer>) -> LogIndex {
        let index = LogIndex(self.next);
        self.next += 1;
        if let Effect::Reversing(undone) = entry.effect {
            self.reversed.insert(undone);
        }
        if let Some(command) = &entry.idempotency {
            self.commands.insert(
                (entry.actor, command.key.as_str()),
                (command.request, index),
            );
        }
        self.leaf_hashes.push(leaf.hash);
        self.accepted.push(Accepted {
            index,
            entry,
            body: leaf.bytes,
            posted,
        });
        index
    }
}
