//! Recorded decisions with what they were made on, and decisions made again: the rules by their SHA-256, the facts as
//! rows keep them, the usage that the decision names.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::batch::BatchError;
use crate::fact;
use crate::journal::{self, Body};
use crate::policy::store::{Listed, StoreError};
use crate::policy::{self, Decision, Facts, Policy, Replayed, Sha256};
use crate::types::{Code, LogIndex, Zone};
use crate::voucher::{self, DecidedEntry, KeptFacts};

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

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        match self {
            Self::Identical | Self::Differs(Replayed::Identical) => {
                f.write_str("decided again, the same byte for byte")
            }
            Self::Lost(why) => f.write_str(why),
            Self::Differs(Replayed::OtherFacts { named, kept }) => write!(
                f,
                "its facts were changed: the decision names the SHA-256 {named}, kept is {kept}"
            ),
            Self::Differs(Replayed::OtherPolicy { named, given }) => write!(
                f,
                "its rules were changed: the decision names the SHA-256 {named}, found is {given}"
            ),
            Self::Differs(Replayed::Differs {
                place,
                recorded,
                decided,
            }) => write!(
                f,
                "comes out otherwise, first at {place}: recorded {}, decided now {}",
                shown(recorded),
                shown(decided)
            ),
        }
    }
}

impl Serialize for ReplayedDecision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            entry: LogIndex,
            identical: bool,
            kind: &'a str,
            why: Option<String>,
        }
        let identical = self.verdict.is_identical();
        let written = Written {
            entry: self.index,
            identical,
            kind: &self.kind,
            why: (!identical).then(|| self.verdict.to_string()),
        };
        written.serialize(serializer)
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

/// A decision as it was recorded, with the facts that it was made on.
#[derive(Clone, Debug)]
pub struct RecordedDecision {
    /// The entry that it stands in.
    pub index: LogIndex,
    /// The entry's kind.
    pub kind: String,
    /// What the entry is about.
    pub subject: Option<Uuid>,
    /// What tells this case from others: of an order and its bill the hold, of an application with its review and its
    /// issue the application. `None` if no other decision is on the same case.
    pub case: Option<Uuid>,
    /// What was decided.
    pub decision: Decision,
    /// The facts, or why they are lost.
    pub facts: Result<Facts, String>,
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
        let lost = |kind: &str, error: &dyn fmt::Display| ReplayedDecision {
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

    /// With the facts that it was made on.
    fn with(self, facts: Result<Facts, String>) -> RecordedDecision {
        RecordedDecision {
            index: self.index,
            kind: self.body.kind.to_string(),
            subject: self.body.subject,
            case: self.case(),
            decision: self.read,
            facts,
        }
    }

    /// The case that it is a decision on.
    fn case(&self) -> Option<Uuid> {
        let Details { answer, input, .. } = &self.body.details;
        let hold = |said: &Value| said.get("hold")?.as_str()?.parse().ok();
        match &*self.body.kind {
            "voucher.held" => hold(answer),
            "voucher.redeemed" | "redemption.refused" => hold(input),
            // The party may have placed another order, been refused by another run or decided on at another time.
            "hold.refused" | "voucher.award_refused" => None,
            kind if kind.starts_with("fact.") => None,
            _ => self.body.subject,
        }
    }
}

/// Makes the decisions of at most `limit` entries from `from` on again.
pub async fn replay_page(
    conn: &mut PgConnection,
    zone: &Zone,
    from: LogIndex,
    limit: u16,
) -> Result<ReplayedPage, BatchError> {
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
) -> Result<Option<ReplayedDecision>, BatchError> {
    let body = journal::entry_body(conn, zone.id, index).await?;
    let entries: Vec<_> = body.into_iter().map(|body| (index, body)).collect();
    Ok(replay_entries(conn, zone, &entries).await?.pop())
}

async fn replay_entries(
    conn: &mut PgConnection,
    zone: &Zone,
    entries: &[(LogIndex, Vec<u8>)],
) -> Result<Vec<ReplayedDecision>, BatchError> {
    let (recorded, mut replayed) = read_all(entries);
    let facts = facts_of(conn, zone, &recorded).await?;
    let mut rules = Rules {
        listed: policy::store::list(conn, zone.id).await?,
        read: HashMap::new(),
    };
    for (one, facts) in recorded.iter().zip(facts) {
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

/// The entries that have a decision, and those whose decision can't be read.
fn read_all(entries: &[(LogIndex, Vec<u8>)]) -> (Vec<Recorded<'_>>, Vec<ReplayedDecision>) {
    let (mut recorded, mut lost) = (Vec::new(), Vec::new());
    for (index, bytes) in entries {
        match Recorded::read(*index, bytes) {
            None => {}
            Some(Ok(one)) => recorded.push(one),
            Some(Err(one)) => lost.push(one),
        }
    }
    (recorded, lost)
}

/// The decisions of a programme in at most `limit` entries from `from` on, with the facts that they were made on; and how
/// many can't be read.
pub async fn decisions_in(
    conn: &mut PgConnection,
    zone: &Zone,
    programme: &Code,
    from: LogIndex,
    limit: u16,
) -> Result<(Vec<RecordedDecision>, u64), BatchError> {
    let page = journal::entry_page(conn, zone.id, from, limit).await?;
    let (mut recorded, lost) = read_all(&page);
    // A recovery decides again on a case that was decided, and gives nothing.
    let gives = |kind: &str| !kind.starts_with("recovery.");
    recorded.retain(|one| one.read.policy.code == *programme && gives(&one.body.kind));
    let facts = facts_of(conn, zone, &recorded).await?;
    let found = recorded.into_iter().zip(facts);
    let found = found.map(|(one, facts)| one.with(facts));
    Ok((found.collect(), u64::try_from(lost.len()).unwrap_or(0)))
}

/// A recorded decision, and the rules that it names, or why these are lost.
#[derive(Clone, Debug)]
pub struct DecidedBy {
    /// The decision, with its facts.
    pub recorded: RecordedDecision,
    /// The rules.
    pub policy: Result<Policy, String>,
}

/// The decisions of entries, by entry, with what they were made on; entries without a decision, or with one that can't be
/// read, are missing.
pub async fn decided_by(
    conn: &mut PgConnection,
    zone: &Zone,
    indices: &[LogIndex],
) -> Result<HashMap<LogIndex, DecidedBy>, BatchError> {
    let bodies = journal::entry_bodies(conn, zone.id, indices).await?;
    let entries: Vec<_> = bodies.into_iter().collect();
    let (recorded, _) = read_all(&entries);
    let facts = facts_of(conn, zone, &recorded).await?;
    let mut rules = Rules {
        listed: policy::store::list(conn, zone.id).await?,
        read: HashMap::new(),
    };
    let mut decided = HashMap::with_capacity(recorded.len());
    for (one, facts) in recorded.into_iter().zip(facts) {
        let policy = rules.get(conn, zone, one.read.policy.sha256).await?;
        let policy = policy.clone();
        let recorded = one.with(facts);
        decided.insert(recorded.index, DecidedBy { recorded, policy });
    }
    Ok(decided)
}

/// The facts of each decision, as rows keep them or, where these are not what the decision names, as a snapshot was kept
/// under the hash that it names.
async fn facts_of(
    conn: &mut PgConnection,
    zone: &Zone,
    recorded: &[Recorded<'_>],
) -> Result<Vec<Result<Facts, String>>, BatchError> {
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
    let kept = voucher::facts_of_decisions(conn, zone, &asked).await?;
    let is_kept = |kept: &KeptFacts, named: Sha256| match kept {
        KeptFacts::Facts(facts) => facts.sha256() == named,
        KeptFacts::Lost(_) | KeptFacts::Elsewhere => false,
    };
    let named = || recorded.iter().map(|one| one.read.facts_sha256);
    let wanted = kept.iter().zip(named());
    let wanted: Vec<Sha256> = wanted
        .filter(|(kept, named)| !is_kept(kept, *named))
        .map(|(_, named)| named)
        .collect();
    let snapshots = fact::store::snapshots_by_hash(conn, zone.id, &wanted).await?;
    let facts =
        kept.into_iter()
            .zip(named())
            .map(|(kept, named)| match (snapshots.get(&named), kept) {
                (None, KeptFacts::Facts(facts)) => Ok(facts),
                (None, KeptFacts::Lost(why)) => Err(format!("its facts are lost: {why}")),
                (None, KeptFacts::Elsewhere) => Err("its facts were not kept".to_owned()),
                (Some(Ok(facts)), _) => Ok(facts.clone()),
                (Some(Err(why)), _) => Err(format!("its facts are lost: {why}")),
            });
    Ok(facts.collect())
}

fn verdict(
    recorded: &Recorded<'_>,
    policy: &Result<Policy, String>,
    facts: Result<Facts, String>,
) -> Verdict {
    let facts = match facts {
        Ok(facts) => facts,
        Err(why) => return Verdict::Lost(why),
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
    ) -> Result<&Result<Policy, String>, BatchError> {
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
