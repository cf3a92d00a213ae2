//! Decisions made again: the rules by their SHA-256, the facts as rows keep them, the usage that the decision names.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::PgConnection;

use crate::fact;
use crate::journal::{self, Body};
use crate::policy::store::{Listed, StoreError};
use crate::policy::{self, Decision, Policy, Replayed, Sha256};
use crate::types::{LogIndex, Zone};
use crate::voucher::{self, DecidedEntry, KeptFacts, VoucherError};

/// A decision that was made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayedDecision {
    /// The entry that it stands in.
    pub index: LogIndex,
    /// The entry's kind.
    pub kind: String,
    /// How it came out.
    pub verdict: Verdict,
}

/// How a decision comes out when it is made again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same bytes.
    Identical,
    /// Something it rests on is gone, or what is recorded can't be read.
    Lost(String),
    /// It comes out otherwise, or rests on something else than it names.
    Differs(Replayed),
}

impl Verdict {
    /// Whether the bytes are the same.
    pub const fn is_identical(&self) -> bool {
        matches!(self, Self::Identical)
    }
}

/// The decisions of one page of the log.
#[derive(Clone, Debug)]
pub struct ReplayedPage {
    /// The decisions in it.
    pub decisions: Vec<ReplayedDecision>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<LogIndex>,
}

/// What an entry with a decision says.
#[derive(Deserialize)]
struct Details<'a> {
    #[serde(default)]
    answer: Value,
    #[serde(borrow, default)]
    decision: Option<&'a RawValue>,
    #[serde(default)]
    input: Value,
}

/// An entry with a decision, taken apart.
struct Recorded<'b> {
    index: LogIndex,
    body: Body<'b, Details<'b>>,
    decision: &'b str,
    read: Decision,
}

impl<'b> Recorded<'b> {
    /// `None` if the entry has no decision.
    fn read(index: LogIndex, bytes: &'b [u8]) -> Option<Result<Self, ReplayedDecision>> {
        const MARK: &[u8] = b"\"decision\":{";
        if !bytes.windows(MARK.len()).any(|part| part == MARK) {
            return None;
        }
        let lost = |kind: &str, error: &dyn std::fmt::Display| ReplayedDecision {
            index,
            kind: kind.to_owned(),
            verdict: Verdict::Lost(format!("the recorded decision can't be read: {error}")),
        };
        let body: Body<'b, Details<'b>> = match serde_json::from_slice(bytes) {
            Ok(body) => body,
            Err(error) => return Some(Err(lost("", &error))),
        };
        let decision = body.details.decision?.get();
        Some(match serde_json::from_str(decision) {
            Ok(read) => Ok(Self {
                index,
                body,
                decision,
                read,
            }),
            Err(error) => Err(lost(&body.kind, &error)),
        })
    }
}

/// Makes the decisions of at most `limit` entries from `from` on again.
pub async fn replay_page(
    conn: &mut PgConnection,
    zone: &Zone,
    from: LogIndex,
    limit: u16,
) -> Result<ReplayedPage, VoucherError> {
    let page = journal::entry_page(conn, zone.id, from, limit).await?;
    let full = page.len() >= usize::from(limit);
    let next = page
        .last()
        .filter(|_| full)
        .map(|(last, _)| LogIndex(last.0 + 1));
    let decisions = replay_entries(conn, zone, &page).await?;
    Ok(ReplayedPage { decisions, next })
}

/// Makes the decision of an entry again; `None` if there is no such entry, or no decision in it.
pub async fn replay_entry(
    conn: &mut PgConnection,
    zone: &Zone,
    index: LogIndex,
) -> Result<Option<ReplayedDecision>, VoucherError> {
    let body = journal::entry_body(conn, zone.id, index).await?;
    let entries: Vec<_> = body.into_iter().map(|body| (index, body)).collect();
    Ok(replay_entries(conn, zone, &entries).await?.pop())
}

async fn replay_entries(
    conn: &mut PgConnection,
    zone: &Zone,
    entries: &[(LogIndex, Vec<u8>)],
) -> Result<Vec<ReplayedDecision>, VoucherError> {
    let (mut recorded, mut replayed) = (Vec::new(), Vec::new());
    for (index, bytes) in entries {
        match Recorded::read(*index, bytes) {
            None => {}
            Some(Ok(one)) => recorded.push(one),
            Some(Err(lost)) => replayed.push(lost),
        }
    }
    let asked: Vec<_> = recorded
        .iter()
        .map(|one| DecidedEntry {
            index: one.index,
            kind: &one.body.kind,
            subject: one.body.subject,
            on: one.read.on,
            input: &one.body.details.input,
            answer: &one.body.details.answer,
        })
        .collect();
    let facts = voucher::facts_of_decisions(conn, zone, &asked).await?;
    let mut rules = Rules {
        listed: policy::store::list(conn, zone.id).await?,
        read: HashMap::new(),
    };
    for (one, facts) in recorded.iter().zip(facts) {
        let facts = match facts {
            KeptFacts::Elsewhere => snapshot(conn, zone, one.read.facts_sha256).await?,
            kept @ (KeptFacts::Facts(_) | KeptFacts::Lost(_)) => kept,
        };
        let policy = rules.get(conn, zone, one.read.policy.sha256).await?;
        replayed.push(ReplayedDecision {
            index: one.index,
            kind: one.body.kind.to_string(),
            verdict: verdict(one, policy, facts),
        });
    }
    replayed.sort_by_key(|one| one.index);
    Ok(replayed)
}

/// The facts that are kept under the hash that a decision names.
async fn snapshot(
    conn: &mut PgConnection,
    zone: &Zone,
    sha256: Sha256,
) -> Result<KeptFacts, sqlx::Error> {
    match fact::store::snapshot_by_hash(conn, zone.id, sha256).await {
        Ok(Some(facts)) => Ok(KeptFacts::Facts(facts)),
        Ok(None) => Ok(KeptFacts::Elsewhere),
        Err(sqlx::Error::Decode(error)) => Ok(KeptFacts::Lost(error.to_string())),
        Err(error) => Err(error),
    }
}

fn verdict(recorded: &Recorded<'_>, policy: &Result<Policy, String>, facts: KeptFacts) -> Verdict {
    let facts = match facts {
        KeptFacts::Facts(facts) => facts,
        KeptFacts::Lost(why) => return Verdict::Lost(format!("its facts are lost: {why}")),
        KeptFacts::Elsewhere => {
            return Verdict::Lost("its facts were not kept".to_owned());
        }
    };
    let policy = match policy {
        Ok(policy) => policy,
        Err(why) => return Verdict::Lost(why.clone()),
    };
    match policy::replay(recorded.decision, policy, &facts) {
        Ok(Replayed::Identical) => Verdict::Identical,
        Ok(differs) => Verdict::Differs(differs),
        Err(error) => Verdict::Lost(format!("the recorded decision can't be read: {error}")),
    }
}

/// The published rules by their SHA-256, each read and checked once for a page. What this process has read before
/// does not count: the rows may have been changed since.
struct Rules {
    listed: Vec<Listed>,
    read: HashMap<Sha256, Result<Policy, String>>,
}

impl Rules {
    async fn get(
        &mut self,
        conn: &mut PgConnection,
        zone: &Zone,
        sha256: Sha256,
    ) -> Result<&Result<Policy, String>, VoucherError> {
        if !self.read.contains_key(&sha256) {
            let listed = self.listed.iter().find(|one| one.sha256 == sha256);
            let found = match listed {
                None => Ok(None),
                Some(listed) => policy::store::get(conn, zone.id, listed.id).await,
            };
            let read = match found {
                Ok(Some(published)) => Ok(published.policy),
                Ok(None) => Err(format!("no published rules have the SHA-256 {sha256}")),
                Err(error @ StoreError::Corrupt { .. }) => Err(error.to_string()),
                Err(error) => return Err(error.into()),
            };
            self.read.insert(sha256, read);
        }
        let read = self.read.get(&sha256);
        Ok(read.expect("BUG: it was read just now"))
    }
}
