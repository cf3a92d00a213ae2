//! Scenarios of claims as tables: who does what on which day, and what comes of it.
//!
//! ```text
//! day        | who      | command                  | outcome                 | B30 B60
//! 2020-09-01 | f        | draft a SHAANXI f …      | drafted version=1
//! 2020-09-05 | reviewer | review a recommend       | recommended 5000.00
//! ```
//!
//! Words: `draft CLAIM PROGRAMME PARTY CONTENT`, `revise CLAIM CONTENT`, `submit`, `withdraw`, `object`,
//! `approve` of a CLAIM, `review CLAIM VERDICT FACTS`, `decline CLAIM down|back`, `notice PROGRAMME`. Content is
//! `name=value`, `name=value@reference` for a line, `doc:N`, or `docs` for all four that Shaanxi lists. `v=N` names
//! another version or review than the last. A repeat under the same key has the same answer, a refusal changes nothing
//! but the log, and after each row all invariants hold.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sqlx::PgConnection;
use subsidy_ledger::batch::Rejected;
use subsidy_ledger::claim::{
    self, Approve, Content, Decline, Document, Draft, Line, Objection, Review, Revise, Submit,
    Turn, Verdict, Withdraw,
};
use subsidy_ledger::policy::{Fact, Facts, Raw, Sha256, Source};
use subsidy_ledger::types::{ClaimId, Currency, LogIndex};

use crate::kit::scenario::{Given, World, day};
use crate::policy_cases::pack_text;
use crate::policy_replay;

const SHAANXI: &str = "SHAANXI-RENT";

/// Claims by the names that a table gives them.
pub(crate) struct Claims {
    pub(crate) world: World,
    names: HashMap<String, ClaimId>,
    reviews: HashMap<String, LogIndex>,
    rows: usize,
}

impl Claims {
    /// With the pack of Shaanxi, which asks for a notice, and one that does not, each with so many yuan for 2020.
    pub(crate) async fn new(budget: i64) -> Self {
        let world = World::new(&[]).await;
        world.publish(SHAANXI, &pack_text("shaanxi-2020")).await;
        world
            .publish("RENT-HALF", &pack_text("rent-half-2020"))
            .await;
        world.fund(SHAANXI, 2020, budget).await;
        world.fund("RENT-HALF", 2020, budget).await;
        Self {
            world,
            names: HashMap::new(),
            reviews: HashMap::new(),
            rows: 0,
        }
    }

    /// Plays a table, and compares what happened with what it says.
    pub(crate) async fn check(&mut self, table: &str) {
        let mut lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
        let codes = cells(lines.next().unwrap())
            .get(4)
            .cloned()
            .unwrap_or_default();
        let (mut said, mut was) = (Vec::new(), Vec::new());
        for line in lines {
            let mut row = cells(line);
            said.push(row.join(" | "));
            row[3] = self.play(&row[0], &row[1], &row[2]).await;
            if row.len() > 4 {
                row[4] = self.balances(&codes).await;
            }
            was.push(row.join(" | "));
        }
        let wrong: Vec<String> = said
            .iter()
            .zip(&was)
            .filter(|(said, was)| said != was)
            .map(|(said, was)| format!("said {said}\nwas  {was}"))
            .collect();
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        policy_replay::check(&self.world).await;
    }

    async fn balances(&self, codes: &str) -> String {
        let balances = self.world.balances().await;
        let yuan = |code| balances.get(code).copied().unwrap_or(0) / 100;
        let texts: Vec<String> = codes
            .split_whitespace()
            .map(|code| yuan(code).to_string())
            .collect();
        texts.join(" ")
    }

    async fn play(&mut self, on: &str, who: &str, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        self.rows += 1;
        let key = format!("row {}", self.rows);
        if let ["notice", programme] = words[..] {
            return self.notice(on, who, &key, programme).await;
        }
        let (state, size) = (self.world.state().await, self.world.size().await);
        let given = self.give(on, who, &key, &words).await;
        let outcome = outcome(&given);
        if given.is_err() || outcome.starts_with("refused") {
            assert_eq!(self.world.state().await, state, "{command}: {outcome}");
        }
        let grown = i64::from(given.is_ok());
        assert_eq!(
            self.world.size().await,
            size + grown,
            "{command}: {outcome}"
        );
        let again = self.give(on, who, &key, &words).await;
        assert_eq!(given, again, "{command}, repeated");
        assert_eq!(self.world.size().await, size + grown, "{command}, repeated");
        self.world.check_invariants().await;
        self.remember(&words, &given);
        outcome
    }

    fn remember(&mut self, words: &[&str], given: &Given) {
        let Ok((index, answer)) = given else { return };
        match words {
            ["draft", name, ..] => {
                let id = answer["claim"].as_str().unwrap().parse().unwrap();
                self.names.insert((*name).to_owned(), id);
            }
            ["review", name, ..] if answer["outcome"] != "refused" => {
                self.reviews.insert((*name).to_owned(), *index);
            }
            _ => {}
        }
    }

    pub(crate) fn claim(&self, name: &str) -> ClaimId {
        let known = self.names.get(name).copied();
        known.unwrap_or(ClaimId(uuid::Uuid::nil()))
    }

    async fn notice(&self, on: &str, who: &str, key: &str, programme: &str) -> String {
        let publish = async || {
            let code: subsidy_ledger::types::Code = programme.parse().unwrap();
            let caller = self.world.caller(who, on, Some(key));
            self.world
                .one(caller, code, |conn: &mut PgConnection, command, code| {
                    Box::pin(async move { claim::publish_notice(conn, &command, code).await })
                })
                .await
        };
        let first = publish().await;
        if let Ok(first) = &first {
            assert_eq!(&publish().await.unwrap(), first, "repeated");
        }
        self.world.check_invariants().await;
        match first {
            Ok((_, published)) => format!(
                "published {} last_day={} total={}",
                published.claims, published.last_day, published.total
            ),
            Err(error) => error.to_string(),
        }
    }

    /// Gives one command.
    pub(super) async fn give(&self, on: &str, who: &str, key: &str, words: &[&str]) -> Given {
        let caller = self.world.caller(who, on, Some(key));
        macro_rules! give {
            ($input:expr, $run:path) => {
                self.world
                    .batch(vec![(caller, $input)], |conn, requests| {
                        Box::pin($run(conn, requests))
                    })
                    .await
            };
        }
        let reason = "for a reason".parse().unwrap();
        let (words, named) = split_version(words);
        let claim = words.get(1).map(|name| self.claim(name)).unwrap();
        let review = || match named {
            Some(index) => LogIndex(index),
            None => *self.reviews.get(words[1]).unwrap_or(&LogIndex(0)),
        };
        let answers = match words[..] {
            ["draft", _, programme, party, ref content @ ..] => give!(
                Draft {
                    content: content_of(content, on),
                    party: self.world.parties[party],
                    programme: programme.parse().unwrap(),
                },
                claim::draft
            ),
            ["revise", _, ref content @ ..] => give!(
                Revise {
                    claim,
                    content: content_of(content, on)
                },
                claim::revise
            ),
            ["submit", _] => give!(Submit { claim }, claim::submit),
            ["withdraw", _] => give!(Withdraw { claim, reason }, claim::withdraw),
            ["review", _, verdict, ref facts @ ..] => {
                let input = self.review(claim, verdict, stated_if_any(facts, on), named);
                give!(input.await, claim::review)
            }
            ["object", _] => give!(Objection { claim, reason }, claim::object),
            ["approve", _] => {
                let review = review();
                give!(Approve { claim, review }, claim::approve)
            }
            ["decline", _, turn] => {
                let turn = if turn == "back" {
                    Turn::Back
                } else {
                    Turn::Down
                };
                let input = Decline {
                    claim,
                    reason,
                    review: review(),
                    turn,
                };
                give!(input, claim::decline)
            }
            _ => panic!("no command: {words:?}"),
        };
        answers.unwrap().pop().unwrap()
    }

    /// A review by somebody who gives no reason if the verdict is `silent`.
    async fn review(
        &self,
        claim: ClaimId,
        verdict: &str,
        facts: Option<Facts>,
        version: Option<i64>,
    ) -> Review {
        Review {
            claim,
            facts,
            reason: (verdict != "silent").then(|| "for a reason".parse().unwrap()),
            verdict: match verdict {
                "recommend" | "silent" => Verdict::Recommend,
                "return" => Verdict::Return,
                "reject" => Verdict::Reject,
                _ => panic!("no verdict: {verdict}"),
            },
            version: match version {
                Some(version) => i32::try_from(version).unwrap(),
                None => self.version(claim).await,
            },
        }
    }

    async fn version(&self, id: ClaimId) -> i32 {
        let read = self.world.db.app().read(
            self.world.zone.id,
            (self.world.zone.id, id),
            |conn, (zone, id)| Box::pin(claim::store::claim(conn, *zone, *id)),
        );
        read.await.unwrap().map_or(1, |claim| claim.version)
    }
}

fn cells(line: &str) -> Vec<String> {
    line.split('|')
        .map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// The words without `v=N`, and N.
fn split_version<'w>(words: &[&'w str]) -> (Vec<&'w str>, Option<i64>) {
    let is_version = |word: &&str| word.starts_with("v=");
    let named = words.iter().copied().find(is_version);
    let rest = words.iter().copied().filter(|word| !is_version(word));
    (rest.collect(), named.map(|word| word[2..].parse().unwrap()))
}

fn stated(words: &[&str], on: &str, source: Source) -> Facts {
    let mut facts = Facts::new(Currency::Cny);
    for word in words {
        let (name, text) = word.split_once('=').unwrap();
        let fact = Fact::named(name).unwrap_or_else(|| panic!("no fact {name}"));
        let raw = Raw::typed(fact, text);
        facts.state(fact, raw, source, day(on)).unwrap();
    }
    facts
}

/// What a reviewer verified.
fn stated_if_any(words: &[&str], on: &str) -> Option<Facts> {
    (!words.is_empty()).then(|| stated(words, on, Source::Verified))
}

fn content_of(words: &[&str], on: &str) -> Content {
    let (mut facts, mut lines, mut documents) = (Vec::new(), Vec::new(), Vec::new());
    let document = |number: Option<u16>| Document {
        number,
        sha256: Sha256::of(format!("document {number:?}").as_bytes()),
    };
    for word in words {
        if *word == "docs" {
            documents.extend((1..=6).map(|number| document(Some(number))));
        } else if let Some(number) = word.strip_prefix("doc:") {
            documents.push(document(number.parse().ok()));
        } else if let Some((stated, reference)) = word.split_once('@') {
            let (name, value) = stated.split_once('=').unwrap();
            lines.push(Line {
                fact: Fact::named(name).unwrap(),
                reference: reference.parse().unwrap(),
                value: value.to_owned(),
            });
        } else {
            facts.push(*word);
        }
    }
    Content {
        documents,
        facts: stated(&facts, on, Source::Declared),
        lines,
    }
}

/// An answer in one line, without ids.
fn outcome(given: &Given) -> String {
    let answer = match given {
        Err(Rejected::Unknown { what, .. }) => return format!("unknown {what}"),
        Err(Rejected::Forbidden(_)) => return "forbidden".to_owned(),
        Err(other) => return other.to_string(),
        Ok((_, answer)) => answer.as_object().unwrap(),
    };
    let mut fields: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in answer {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let items = items.iter().filter_map(Value::as_str);
                items.collect::<Vec<_>>().join(",")
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        fields.insert(name, text);
    }
    for id in [
        "claim",
        "content_sha256",
        "payable",
        "principal",
        "also_claimed",
        "reused_evidence",
    ] {
        fields.remove(id);
    }
    let mut words: Vec<String> = ["outcome", "outlook", "code", "amount"]
        .iter()
        .filter_map(|name| fields.remove(name))
        .collect();
    let rest = fields.into_iter().filter(|(_, text)| !text.is_empty());
    words.extend(rest.map(|(name, text)| format!("{name}={text}")));
    words.join(" ")
}
