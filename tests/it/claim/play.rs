//! Scenarios of claims as tables: who does what on which day, and what comes of it.
//!
//! ```text
//! day        | who      | command                  | outcome                 | B30 B60
//! 2020-09-01 | f        | draft a SHAANXI f …      | drafted version=1
//! 2020-09-05 | reviewer | review a recommend       | recommended 5000.00
//! ```
//!
//! Words: `draft CLAIM PROGRAMME PARTY CONTENT`, `revise CLAIM CONTENT`, `submit`, `withdraw`, `object`,
//! `approve`, `revoke` of a CLAIM, `review CLAIM VERDICT FACTS`, `decline CLAIM down|back`, `notice PROGRAMME`, `rank PROGRAMME`. Content is
//! `name=value`, `name=value@reference` for a line, `doc:N`, `docs` for all six that any pack lists, `waiver:NAME` for a waiver
//! of the rent book, or `days:FIRST..LAST` for all of it within these days, `milestone:NAME-N` for one of a contract (see
//! `contracts.rs` for their words). `v=N` names
//! another version or review than the last. A repeat under the same key has the same answer, a refusal changes nothing
//! but the log, and after each row the rules on books and rows hold; after a table, all that `verify` compares.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;
use sqlx::PgConnection;
use subsidy_ledger::batch::Rejected;
use subsidy_ledger::claim::{
    self, Approve, Content, Decline, Document, Draft, Line, Objection, ReliefAsked, Review, Revise,
    Revoke, Submit, Turn, Verdict, Withdraw,
};
use subsidy_ledger::party::{Identity, NewParty, PartyRole};
use subsidy_ledger::policy::{Fact, Facts, Raw, Sha256, Source};
use subsidy_ledger::types::{ClaimId, ContractId, Currency, LogIndex, WaiverId};

use crate::kit::scenario::{Given, World, day};
use crate::policy_cases::pack_text;
use crate::policy_replay;
use crate::rent::play::RentPlay;

const SHAANXI: &str = "SHAANXI-RENT";

/// Claims by the names that a table gives them.
pub(crate) struct Claims {
    pub(crate) world: Arc<World>,
    names: HashMap<String, ClaimId>,
    reviews: HashMap<String, LogIndex>,
    /// Waivers by the names that a table of the rent book gave them.
    waivers: BTreeMap<String, WaiverId>,
    /// How many waivers each claim rests on.
    relief: HashMap<String, usize>,
    /// Contracts by the names that a table gives them, and the entries that propose to end them.
    pub(super) contracts: HashMap<String, ContractId>,
    pub(super) endings: HashMap<String, LogIndex>,
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
        Self::on(Arc::new(world))
    }

    pub(super) fn on(world: Arc<World>) -> Self {
        Self {
            world,
            names: HashMap::new(),
            reviews: HashMap::new(),
            waivers: BTreeMap::new(),
            relief: HashMap::new(),
            contracts: HashMap::new(),
            endings: HashMap::new(),
            rows: 0,
        }
    }

    /// With a party that has nothing but a number of the office, whom the clerk acts for.
    pub(crate) async fn numbered(budget: i64, name: &'static str, number: &str) -> Self {
        let mut claims = Self::new(budget).await;
        let new = NewParty {
            identity: Identity::OfficeNumber(number.parse().unwrap()),
            name: name.parse().unwrap(),
            roles: [PartyRole::Enterprise].into(),
            group: None,
        };
        let party = claims.world.try_register("manager", new).await.unwrap();
        let world = Arc::get_mut(&mut claims.world).unwrap();
        world.parties.insert(name, party);
        claims
    }

    /// Claims on what a rent book has, with these programmes and packs, each with so many yuan for 2020.
    pub(crate) async fn beside(rent: &RentPlay, packs: &[(&str, &str)], budget: i64) -> Self {
        set_up(&rent.world, packs, 2020, budget).await;
        let mut claims = Self::on(Arc::clone(&rent.world));
        claims.learn(rent);
        claims
    }

    /// Claims under these programmes and packs, each with so many yuan for a year.
    pub(crate) async fn under(packs: &[(&str, &str)], year: i16, budget: i64) -> Self {
        let world = World::new(&[]).await;
        set_up(&world, packs, year, budget).await;
        Self::on(Arc::new(world))
    }

    /// Learns the names of waivers.
    pub(crate) fn learn(&mut self, rent: &RentPlay) {
        self.waivers.clone_from(&rent.waivers);
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
        self.world.check_invariants().await;
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
        let key = format!("claim row {}", self.rows);
        if let ["notice", programme] = words[..] {
            return self.notice(on, who, &key, programme).await;
        }
        if let ["rank", programme] = words[..] {
            return self.rank(on, who, &key, programme).await;
        }
        let (state, size) = (self.world.state().await, self.world.size().await);
        let given = self.give(on, who, &key, &words).await;
        let outcome = outcome(&given);
        if given.is_err() || outcome.starts_with("refused") {
            assert_eq!(self.world.state().await, state, "{command}: {outcome}");
        }
        // An approval also marks each waiver that the claim rests on, and a revocation releases it.
        let waivers = match words[..] {
            ["approve", name, ..] if outcome.starts_with("approved") => self.relief.get(name),
            ["revoke", name] if outcome.starts_with("revoked") => self.relief.get(name),
            _ => None,
        };
        let grown = i64::from(given.is_ok()) + i64::try_from(*waivers.unwrap_or(&0)).unwrap();
        assert_eq!(
            self.world.size().await,
            size + grown,
            "{command}: {outcome}"
        );
        let again = self.give(on, who, &key, &words).await;
        assert_eq!(given, again, "{command}, repeated");
        assert_eq!(self.world.size().await, size + grown, "{command}, repeated");
        self.world.check_rules().await;
        self.remember(&words, &given);
        outcome
    }

    fn remember(&mut self, words: &[&str], given: &Given) {
        let Ok((index, answer)) = given else { return };
        if let ["draft" | "revise", name, ..] = words
            && answer["outcome"] == "drafted"
        {
            let waivers = answer["relief"]["waivers"].as_array().map_or(0, Vec::len);
            self.relief.insert((*name).to_owned(), waivers);
        }
        match words {
            ["draft", name, ..] if answer["outcome"] == "drafted" => {
                let id = answer["claim"].as_str().unwrap().parse().unwrap();
                self.names.insert((*name).to_owned(), id);
            }
            ["contract", name, ..] if answer["outcome"] == "proposed" => {
                let id = answer["contract"].as_str().unwrap().parse().unwrap();
                self.contracts.insert((*name).to_owned(), id);
            }
            ["end", name] if answer["outcome"] == "proposed" => {
                self.endings.insert((*name).to_owned(), *index);
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
        self.world.check_rules().await;
        match first {
            Ok((_, published)) => format!(
                "published {} last_day={} total={}",
                published.claims, published.last_day, published.total
            ),
            Err(error) => error.to_string(),
        }
    }

    async fn rank(&self, on: &str, who: &str, key: &str, programme: &str) -> String {
        let close = async || {
            let code: subsidy_ledger::types::Code = programme.parse().unwrap();
            let caller = self.world.caller(who, on, Some(key));
            self.world
                .one(caller, code, |conn: &mut PgConnection, command, code| {
                    Box::pin(async move { claim::rank(conn, &command, code).await })
                })
                .await
        };
        let size = self.world.size().await;
        let first = close().await;
        if let Ok(first) = &first {
            assert_eq!(&close().await.unwrap(), first, "repeated");
        } else {
            assert_eq!(self.world.size().await, size);
        }
        self.world.check_rules().await;
        match first {
            Ok((_, ranked)) => {
                let shared = ranked.budget.zip(ranked.demand);
                let shared = shared.map(|(budget, demand)| format!(" {budget} for {demand}"));
                let shared = shared.unwrap_or_default();
                format!("ranked {} total={}{shared}", ranked.claims, ranked.total)
            }
            Err(error) => without_indices(&error.to_string()),
        }
    }

    /// So many claims of one party, recommended: what a rank is worked out among.
    pub(super) async fn crowd(
        &self,
        on: &str,
        count: usize,
        (programme, party): (&str, &str),
        (content, verified): (&str, &str),
    ) {
        let words: Vec<&str> = content.split_whitespace().collect();
        let draft = Draft {
            content: content_of(&words, on),
            party: self.world.parties[party],
            programme: programme.parse().unwrap(),
            relief: None,
        };
        let by = |who: &str| self.world.caller(who, on, None);
        let drafts = (0..count).map(|_| (by(party), draft.clone())).collect();
        let drafted = self.world.batch(drafts, |conn, requests| {
            Box::pin(claim::draft(conn, requests))
        });
        let drafted = drafted.await.unwrap().into_iter();
        let claims: Vec<ClaimId> = drafted
            .map(|given| given.unwrap().1["claim"].as_str().unwrap().parse().unwrap())
            .collect();
        let submits = claims
            .iter()
            .map(|claim| (by(party), Submit { claim: *claim }));
        let submitted = self.world.batch(submits.collect(), |conn, requests| {
            Box::pin(claim::submit(conn, requests))
        });
        submitted.await.unwrap();
        let verified: Vec<&str> = verified.split_whitespace().collect();
        let mut reviews = Vec::with_capacity(count);
        for claim in claims {
            let facts = stated_if_any(&verified, on);
            let review = self.review(claim, "recommend", facts, Some(1)).await;
            reviews.push((by("reviewer"), review));
        }
        let reviewed = self.world.batch(reviews, |conn, requests| {
            Box::pin(claim::review(conn, requests))
        });
        for given in reviewed.await.unwrap() {
            assert_eq!(given.unwrap().1["outcome"], "recommended");
        }
    }

    /// Gives one command.
    pub(crate) async fn give(&self, on: &str, who: &str, key: &str, words: &[&str]) -> Given {
        let caller = self.world.caller(who, on, Some(key));
        if let Some(given) = self.give_contract(&caller, words).await {
            return given;
        }
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
                    content: self.content(content, on),
                    party: self.world.parties[party],
                    programme: programme.parse().unwrap(),
                    relief: self.relief_of(content),
                },
                claim::draft
            ),
            ["revise", _, ref content @ ..] => give!(
                Revise {
                    claim,
                    content: self.content(content, on),
                    relief: self.relief_of(content),
                },
                claim::revise
            ),
            ["submit", _] => give!(Submit { claim }, claim::submit),
            ["withdraw", _] => give!(Withdraw { claim, reason }, claim::withdraw),
            ["revoke", _] => give!(Revoke { claim, reason }, claim::revoke),
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

    /// What is claimed, with the milestone that it names.
    fn content(&self, words: &[&str], on: &str) -> Content {
        let named = words
            .iter()
            .find_map(|word| word.strip_prefix("milestone:"));
        let milestone = named.map(|name| self.milestone(name));
        Content {
            milestone,
            ..content_of(words, on)
        }
    }

    /// The relief that a content names.
    fn relief_of(&self, words: &[&str]) -> Option<ReliefAsked> {
        let named = words.iter().filter_map(|word| word.strip_prefix("waiver:"));
        let known = |name| self.waivers.get(name).copied();
        let waivers: Vec<WaiverId> = named
            .map(|name| known(name).unwrap_or_else(WaiverId::generate))
            .collect();
        let days = words.iter().find_map(|word| word.strip_prefix("days:"));
        let days = days.map(|days| days.split_once("..").unwrap());
        match (waivers.is_empty(), days) {
            (true, None) => None,
            (true, Some((from, until))) => Some(ReliefAsked::All {
                from: day(from),
                until: day(until),
            }),
            (false, days) => Some(ReliefAsked::Named {
                from: days.map(|(from, _)| day(from)),
                until: days.map(|(_, until)| day(until)),
                waivers,
            }),
        }
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

    /// A claim as it stands.
    pub(super) async fn stored(&self, name: &str) -> claim::Claim {
        let input = (self.world.zone.id, self.claim(name));
        let read = self
            .world
            .db
            .app()
            .read(input.0, input, |conn, (zone, id)| {
                Box::pin(claim::store::claim(conn, *zone, *id))
            });
        read.await.unwrap().unwrap()
    }

    /// Revisions of one claim in one transaction; the versions that they made.
    pub(super) async fn revise_all(
        &self,
        who: &str,
        on: &str,
        name: &str,
        contents: &[&str],
    ) -> Vec<i32> {
        let revise = |content: &&str| {
            let words: Vec<&str> = content.split_whitespace().collect();
            let input = Revise {
                claim: self.claim(name),
                content: content_of(&words, on),
                relief: self.relief_of(&words),
            };
            (self.world.caller(who, on, None), input)
        };
        let revisions = contents.iter().map(revise).collect();
        let answers = self.world.batch(revisions, |conn, requests| {
            Box::pin(claim::revise(conn, requests))
        });
        let answers = answers.await.unwrap().into_iter();
        let version = |answer: Given| answer.unwrap().1["version"].as_i64().unwrap();
        answers
            .map(|answer| i32::try_from(version(answer)).unwrap())
            .collect()
    }

    /// What the notice that shows a claim shows: numbers and fen.
    pub(super) async fn shown(&self, name: &str) -> Vec<(Option<String>, i64)> {
        let notice = self.stored(name).await.notice.unwrap();
        let input = (self.world.zone.id, notice);
        let read = self
            .world
            .db
            .app()
            .read(input.0, input, |conn, (zone, notice)| {
                Box::pin(claim::store::notice_items(conn, *zone, *notice))
            });
        let items: Result<Vec<claim::store::Item>, sqlx::Error> = read.await;
        let items = items.unwrap().into_iter();
        items.map(|item| (item.code, item.amount.minor())).collect()
    }

    /// Approves what the notice shows that shows this claim; entries and answers.
    pub(super) async fn approve_notice(
        &self,
        who: &str,
        on: &str,
        name: &str,
        key: Option<&str>,
    ) -> Vec<(LogIndex, Value)> {
        let notice = self.stored(name).await.notice.unwrap();
        let approve = self.world.one(
            self.world.caller(who, on, key),
            notice,
            |conn: &mut PgConnection, command, notice| {
                Box::pin(claim::approve_notice(conn, command, *notice))
            },
        );
        let answers = approve.await.unwrap().into_iter().map(Result::unwrap);
        let answers = answers.map(|one| (one.index, serde_json::to_value(&one.answer).unwrap()));
        self.world.check_rules().await;
        answers.collect()
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

async fn set_up(world: &World, packs: &[(&str, &str)], year: i16, budget: i64) {
    for (code, pack) in packs {
        world.publish(code, &pack_text(pack)).await;
        world.fund(code, year, budget).await;
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
        let of_books = ["waiver:", "days:", "milestone:"];
        if of_books.iter().any(|prefix| word.starts_with(prefix)) {
            continue;
        }
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
        milestone: None,
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
        "contract",
        "content_sha256",
        "payable",
        "principal",
        "also_claimed",
        "relief",
        "reused_evidence",
    ] {
        fields.remove(id);
    }
    // Of a proposal that waits, the entry.
    if fields.get("code").map(String::as_str) == Some("END_WAITS") {
        fields.remove("reasons");
    }
    let mut words: Vec<String> = ["outcome", "outlook", "code", "amount"]
        .iter()
        .filter_map(|name| fields.remove(name))
        .collect();
    if let Some(reasons) = fields.get_mut("reasons") {
        *reasons = without_numbers(reasons);
    }
    let rest = fields.into_iter().filter(|(_, text)| !text.is_empty());
    words.extend(rest.map(|(name, text)| format!("{name}={text}")));
    words.join(" ")
}

/// The reasons of a refusal with `W*` for the short names of waivers and so on, which depend on all that was recorded before.
fn without_numbers(reasons: &str) -> String {
    let text = |reason: &str| {
        let letter = ["W", "C", "K"].into_iter().find(|letter| {
            let number = reason.strip_prefix(letter);
            number.is_some_and(|number| number.parse::<i64>().is_ok())
        });
        letter.map_or_else(|| reason.to_owned(), |letter| format!("{letter}*"))
    };
    reasons.split(',').map(text).collect::<Vec<_>>().join(",")
}

/// A message with `*` for numbers of entries.
fn without_indices(message: &str) -> String {
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let word = |word| if is_number(word) { "*" } else { word };
    message.split(' ').map(word).collect::<Vec<_>>().join(" ")
}
