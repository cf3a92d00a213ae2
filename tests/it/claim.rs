//! Claims, from draft to what is owed: every step and every refusal, as tables, in a real Postgres.
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
use subsidy_ledger::approval::{self, ApprovalError, Delegate, Levels, Recuse};
use subsidy_ledger::batch::Rejected;
use subsidy_ledger::claim::{
    self, Approve, Content, Decline, Document, Draft, Line, Objection, Review, Revise, Submit,
    Turn, Verdict, Withdraw,
};
use subsidy_ledger::db;
use subsidy_ledger::identity::Role;
use subsidy_ledger::journal::Recorded;
use subsidy_ledger::payment::{ApprovalOutcome, PayableFilter, PayableState};
use subsidy_ledger::policy::{Fact, Facts, Raw, Sha256, Source};
use subsidy_ledger::types::{ClaimId, Currency, LogIndex};

use crate::kit::scenario::{Given, World, day};
use crate::payment::{approve as approve_payables, hear, paid, send};
use crate::policy_cases::pack_text;
use crate::policy_replay;

const SHAANXI: &str = "SHAANXI-RENT";
const RELIEF: &str = "relief_kind=waiver waiver_from=2020-02-01 waiver_until=2020-07-31";

/// Claims by the names that a table gives them.
pub(crate) struct Claims {
    pub(crate) world: World,
    claims: HashMap<String, ClaimId>,
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
            claims: HashMap::new(),
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
                self.claims.insert((*name).to_owned(), id);
            }
            ["review", name, ..] if answer["outcome"] != "refused" => {
                self.reviews.insert((*name).to_owned(), *index);
            }
            _ => {}
        }
    }

    pub(crate) fn claim(&self, name: &str) -> ClaimId {
        let known = self.claims.get(name).copied();
        known.unwrap_or_else(ClaimId::generate)
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
    async fn give(&self, on: &str, who: &str, key: &str, words: &[&str]) -> Given {
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
            ["review", _, verdict, ref facts @ ..] => give!(
                Review {
                    claim,
                    facts: (!facts.is_empty()).then(|| stated(facts, on, Source::Verified)),
                    reason: (verdict != "silent").then_some(reason),
                    verdict: match verdict {
                        "recommend" | "silent" => Verdict::Recommend,
                        "return" => Verdict::Return,
                        "reject" => Verdict::Reject,
                        _ => panic!("no verdict: {verdict}"),
                    },
                    version: match named {
                        Some(version) => i32::try_from(version).unwrap(),
                        None => self.version(claim).await,
                    },
                },
                claim::review
            ),
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

#[tokio::test]
async fn a_claim_goes_from_draft_to_the_bank() {
    let mut claims = Claims::new(1_000_000).await;
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B60 F5020 F2010
            2020-09-01 | f        | draft a {SHAANXI} f {RELIEF} waived_amount=38000.00@lease-1 waived_amount=12000.00@lease-2 doc:1 | drafted version=1 | 2000000 0 0 0
            2020-09-01 | f        | submit a   | refused DOCUMENTS_MISSING reasons=2,3,4
            2020-09-01 | f        | revise a {RELIEF} waived_amount=38000.00@lease-1 waived_amount=12000.00@lease-2 docs | drafted version=2
            2020-09-02 | f        | submit a   | submitted pass 5000.00 version=2
            2020-09-03 | reviewer | review a return | returned
            2020-09-04 | f        | revise a {RELIEF} waived_amount=38000.00@lease-1 waived_amount=10000.00@lease-2 docs | drafted version=3
            2020-09-04 | f        | submit a   | submitted pass 4800.00 version=3
            2020-09-07 | reviewer | review a silent | recommended 4800.00
            2020-09-07 | manager  | approve a  | refused NOTICE_REQUIRED
            2020-09-24 | reviewer | notice {SHAANXI} | published 1 last_day=2020-10-09 total=4800.00
            2020-10-09 | manager  | approve a  | refused NOTICE_RUNNING
            2020-10-10 | manager  | approve a  | approved 4800.00 level=1 role=manager | 1995200 4800 4800 4800",
        ))
        .await;
    let world = &claims.world;
    // Whoever reviewed or approved the claim has no part in its payment.
    let owed = || PayableFilter::State(PayableState::Owed, 10);
    let refused = approve_payables(world, "all", owed()).await.unwrap();
    assert_eq!(refused, [ApprovalOutcome::Approved]);
    let batch = send(world, "cashier", "2020-10-12").await.unwrap();
    let rows = [paid(&batch, 0, "2020-10-13")];
    hear(world, "cashier", "2020-10-14", &rows).await.unwrap();
    world.check_invariants().await;
    let balances = world.balances().await;
    assert_eq!((balances["B70"], balances["F2010"]), (4_800_00, 0));
}

#[tokio::test]
async fn an_objection_opens_the_review_again_and_blocks_approval() {
    let mut claims = Claims::new(1_000_000).await;
    let content = format!("{RELIEF} waived_amount=50000.00 docs");
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-09-01 | f        | draft a {SHAANXI} f {content} | drafted version=1
            2020-09-01 | g        | draft b {SHAANXI} g {content} | drafted version=1
            2020-09-01 | f        | submit a   | submitted pass 5000.00 version=1
            2020-09-01 | g        | submit b   | submitted pass 5000.00 version=1
            2020-09-02 | reviewer | object a   | refused WRONG_STATE
            2020-09-02 | reviewer | review a recommend | recommended 5000.00
            2020-09-02 | reviewer | review b recommend | recommended 5000.00
            2020-09-02 | reviewer | object a   | refused WRONG_STATE
            2020-09-02 | clerk    | notice {SHAANXI} | clerk may not do this: it needs the role reviewer or manager
            2020-09-02 | manager  | notice {SHAANXI} | published 2 last_day=2020-09-09 total=10000.00
            2020-09-02 | manager  | notice {SHAANXI} | no recommended claim of {SHAANXI} waits for a notice: `claim list --programme {SHAANXI}` shows where its claims stand
            2020-09-09 | f        | object b   | forbidden
            2020-09-09 | auditor  | object a   | objected
            2020-09-09 | auditor  | object a   | refused WRONG_STATE
            2020-09-10 | manager  | object b   | refused NOTICE_OVER
            2020-09-10 | manager  | approve a  | refused WRONG_STATE
            2020-09-10 | manager  | decline a down | refused WRONG_STATE
            2020-09-10 | f        | revise a {content} | refused WRONG_STATE
            2020-09-10 | f        | submit a   | refused WRONG_STATE
            2020-09-10 | manager  | approve b  | approved 5000.00 level=1 role=manager
            2020-09-10 | reviewer | review a silent | reason: say why it is returned, rejected, or recommended despite an objection
            2020-09-10 | reviewer | review a recommend waived_amount=40000.00 | recommended 4000.00
            2020-09-10 | manager  | approve a  | refused NOTICE_REQUIRED
            2020-09-10 | reviewer | notice {SHAANXI} | published 1 last_day=2020-09-17 total=4000.00
            2020-09-18 | manager  | approve a v=9 | refused STALE
            2020-09-18 | manager  | approve a  | approved 4000.00 level=1 role=manager",
        ))
        .await;
}

#[tokio::test]
async fn what_is_not_at_its_step_is_refused() {
    let mut claims = Claims::new(1_000_000).await;
    let half = "relief_kind=waiver waived_amount=600000.00 tenant_confirmed=600000.00 landlord_relief=250000.00 docs";
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B60
            2020-06-01 | f        | draft a RENT-HALF f {half} | drafted version=1 | 2000000 0
            2020-06-01 | f        | draft x RENT-HALF g {half} | unknown party
            2020-06-01 | f        | draft x NO-SUCH f {half} | unknown programme
            2020-06-01 | f        | draft x SH-VOUCHER f {half} | programme SH-VOUCHER is of kind voucher, of which nothing is claimed: name a programme of kind post_subsidy, award, purchase or rent_compensation
            2020-06-01 | reviewer | draft x RENT-HALF f {half} | forbidden
            2020-06-01 | f        | draft x RENT-HALF f waiver_reviewed=true | waiver_reviewed: the office or the ledger itself says it; leave it out
            2020-06-01 | g        | submit a   | unknown claim
            2020-06-01 | f        | submit x   | unknown claim
            2020-06-01 | reviewer | review a recommend | refused WRONG_STATE
            2020-06-01 | manager  | approve a  | refused WRONG_STATE
            2020-06-01 | manager  | decline a down | refused WRONG_STATE
            2020-06-01 | reviewer | object a   | refused WRONG_STATE
            2020-06-02 | f        | submit a   | submitted pass 175000.00 version=1
            2020-06-02 | f        | revise a {half} | refused WRONG_STATE
            2020-06-02 | f        | submit a   | refused WRONG_STATE
            2020-06-03 | clerk    | review a recommend | forbidden
            2020-06-03 | reviewer | review a recommend v=2 | refused STALE
            2020-06-03 | reviewer | review a recommend claimed_on=2020-01-01 | claimed_on: the ledger itself knows it; leave it out
            2020-06-03 | reviewer | review a recommend tenant_confirmed=400000.00 | needs_review missing=waiver_reviewed reasons=TENANT_MISMATCH
            2020-06-03 | reviewer | review a recommend tenant_confirmed=400000.00 waiver_reviewed=true | recommended 75000.00
            2020-06-03 | reviewer | review a recommend | refused WRONG_STATE
            2020-06-04 | reviewer | approve a  | forbidden
            2020-06-04 | finance  | approve a  | refused LEVEL_ORDER
            2020-06-04 | manager  | decline a back | returned
            2020-06-04 | manager  | approve a  | refused WRONG_STATE
            2020-06-04 | f        | submit a   | submitted pass 175000.00 version=1
            2020-06-05 | reviewer | review a recommend | recommended 175000.00
            2020-06-05 | manager  | approve a  | approved 175000.00 level=1 role=manager | 1825000 175000
            2020-06-05 | manager2 | approve a  | refused WRONG_STATE
            2020-06-05 | f        | withdraw a | refused WRONG_STATE
            2020-06-05 | manager  | decline a down | refused WRONG_STATE
            2020-06-08 | f        | draft b RENT-HALF f {half} | drafted version=1
            2020-06-08 | g        | withdraw b | unknown claim
            2020-06-08 | f        | withdraw b | withdrawn
            2020-06-08 | f        | withdraw b | refused WRONG_STATE
            2020-06-08 | f        | submit b   | refused WRONG_STATE
            2020-06-08 | f        | draft c RENT-HALF f {half} | drafted version=1
            2020-06-08 | f        | submit c   | submitted pass 175000.00 version=1
            2020-06-08 | reviewer | review c reject | rejected
            2020-06-08 | f        | revise c {half} | refused WRONG_STATE
            2020-06-08 | f        | draft d RENT-HALF f relief_kind=deferral waived_amount=100.00 tenant_confirmed=100.00 landlord_relief=0.00 docs | drafted version=1
            2020-06-08 | f        | submit d   | submitted fail 0.00 reasons=DEFERRAL version=1
            2020-06-08 | reviewer | review d recommend | rejected reasons=DEFERRAL
            2020-06-08 | f        | draft e RENT-HALF f {half} | drafted version=1
            2020-06-08 | f        | submit e   | submitted pass 175000.00 version=1
            2020-06-08 | reviewer | review e recommend | recommended 175000.00
            2020-06-08 | manager  | decline e down | declined
            2020-06-08 | f        | submit e   | refused WRONG_STATE | 1825000 175000",
        ))
        .await;
}

#[tokio::test]
async fn caps_and_the_budget_decide_when_the_last_level_approves() {
    let mut claims = Claims::new(300_000).await;
    let half = |amount: &str| {
        format!(
            "relief_kind=waiver waived_amount={amount} tenant_confirmed={amount} landlord_relief=0.00 docs"
        )
    };
    let relief = |amount: &str| format!("{RELIEF} waived_amount={amount} docs");
    let (large, small) = (half("400000.00"), half("300000.00"));
    let (first, second) = (relief("1500000.00"), relief("800000.00"));
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B60
            2020-06-01 | f        | draft a RENT-HALF f {large} | drafted version=1
            2020-06-01 | g        | draft b RENT-HALF g {small} | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 200000.00 version=1
            2020-06-01 | g        | submit b   | submitted pass 150000.00 version=1
            2020-06-02 | reviewer | review a recommend | recommended 200000.00
            2020-06-02 | reviewer | review b recommend | recommended 150000.00
            2020-06-03 | manager  | approve a  | approved 200000.00 level=1 role=manager | 400000 200000
            2020-06-03 | manager  | approve b  | refused BUDGET_EXHAUSTED | 400000 200000
            2020-06-01 | f        | draft c {SHAANXI} f {first} | drafted version=1
            2020-06-01 | f        | draft d {SHAANXI} f {second} | drafted version=1
            2020-06-01 | f        | submit c   | submitted pass 150000.00 version=1
            2020-06-01 | f        | submit d   | submitted pass 80000.00 version=1
            2020-06-02 | reviewer | review c recommend | recommended 150000.00
            2020-06-02 | reviewer | review d recommend | recommended 80000.00
            2020-06-02 | reviewer | notice {SHAANXI} | published 2 last_day=2020-06-09 total=230000.00
            2020-06-10 | manager  | approve c  | approved 150000.00 level=1 role=manager | 250000 350000
            2020-06-10 | manager  | approve d  | approved 50000.00 level=1 reasons=CAP_FIRM_YEAR role=manager | 200000 400000",
        ))
        .await;
}

/// One command of the room of approvals.
pub(crate) async fn office<I: Clone + Send + Sync + 'static>(
    world: &World,
    (who, on): (&str, &str),
    input: I,
    body: impl for<'c> Fn(
        &'c mut PgConnection,
        subsidy_ledger::identity::Command<'c>,
        &'c I,
    ) -> futures::future::BoxFuture<'c, Result<Recorded, ApprovalError>>
    + Send
    + Sync
    + 'static,
) -> Result<LogIndex, String> {
    let done = world.one(world.caller(who, on, None), input, body).await;
    world.check_invariants().await;
    done.map(|recorded| recorded.index)
        .map_err(|error| error.to_string())
}

pub(crate) async fn set_levels(world: &World, steps: &[&str]) -> LogIndex {
    let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
    let levels = Levels::parse(&steps, Currency::Cny).unwrap();
    let proposed = office(
        world,
        ("manager", "2020-05-01"),
        levels,
        |conn, command, levels| {
            Box::pin(async move { approval::propose_levels(conn, &command, levels).await })
        },
    );
    let proposed = proposed.await.unwrap();
    let confirm = async |who| {
        office(
            world,
            (who, "2020-05-02"),
            proposed,
            |conn, command, index| {
                Box::pin(async move { approval::confirm_levels(conn, &command, *index).await })
            },
        )
        .await
    };
    let same = confirm("manager").await.unwrap_err();
    assert!(same.contains("a second person"), "{same}");
    confirm("manager2").await.unwrap();
    let again = confirm("manager2").await.unwrap_err();
    assert!(again.contains("proposed no levels that wait"), "{again}");
    proposed
}

pub(crate) async fn delegate(
    world: &World,
    who: &str,
    to: &str,
    days: (&str, &str),
) -> Result<LogIndex, String> {
    let input = (
        world.people[to].clone(),
        Delegate {
            delegate: world.people[to].person,
            first_day: day(days.0),
            last_day: day(days.1),
            role: Role::Manager,
        },
    );
    office(
        world,
        (who, "2020-06-01"),
        input,
        |conn, command, (to, input)| {
            Box::pin(async move { approval::delegate(conn, &command, to, input).await })
        },
    )
    .await
}

pub(crate) async fn recuse(
    world: &World,
    who: &str,
    person: &str,
    party: &str,
) -> Result<LogIndex, String> {
    let input = Recuse {
        party: world.parties[party],
        person: world.people[person].person,
        reason: "a relative works there".parse().unwrap(),
    };
    office(world, (who, "2020-05-01"), input, |conn, command, input| {
        Box::pin(async move { approval::recuse(conn, &command, input).await })
    })
    .await
}

pub(crate) async fn lift(world: &World, who: &str, recused: LogIndex) -> Result<LogIndex, String> {
    let input = (recused, "moved away".parse().unwrap());
    office(
        world,
        (who, "2020-06-03"),
        input,
        |conn, command, (index, reason)| {
            Box::pin(async move { approval::lift(conn, &command, *index, reason).await })
        },
    )
    .await
}

pub(crate) async fn revoke(world: &World, who: &str, given: LogIndex) -> Result<LogIndex, String> {
    office(world, (who, "2020-06-05"), given, |conn, command, index| {
        Box::pin(async move { approval::revoke(conn, &command, *index).await })
    })
    .await
}

#[tokio::test]
async fn larger_amounts_take_more_approvers_in_their_order() {
    let mut claims = Claims::new(1_000_000).await;
    let steps = [
        "0.00=manager",
        "100000.00=manager,finance",
        "200000.00=manager,manager,finance",
    ];
    set_levels(&claims.world, &steps).await;
    let half = |amount: &str| {
        format!(
            "relief_kind=waiver waived_amount={amount} tenant_confirmed={amount} landlord_relief=0.00 docs"
        )
    };
    let (small, middle, large) = (half("199999.98"), half("200000.00"), half("400000.00"));
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B60
            2020-06-01 | f        | draft a RENT-HALF f {small} | drafted version=1
            2020-06-01 | f        | draft b RENT-HALF f {middle} | drafted version=1
            2020-06-01 | f        | draft c RENT-HALF f {large} | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 99999.99 version=1
            2020-06-01 | f        | submit b   | submitted pass 100000.00 version=1
            2020-06-01 | f        | submit c   | submitted pass 200000.00 version=1
            2020-06-02 | reviewer | review a recommend | recommended 99999.99
            2020-06-02 | reviewer | review b recommend | recommended 100000.00
            2020-06-02 | reviewer | review c recommend | recommended 200000.00
            2020-06-03 | manager  | approve a  | approved 99999.99 level=1 role=manager | 1900000 99999
            2020-06-03 | finance  | approve b  | refused LEVEL_ORDER
            2020-06-03 | manager  | approve b  | level_approved level=1 levels=2 next=finance role=manager | 1900000 99999
            2020-06-03 | manager2 | approve b  | refused LEVEL_ORDER
            2020-06-03 | finance  | approve b  | approved 100000.00 level=2 role=finance | 1800000 199999
            2020-06-03 | manager  | approve c  | level_approved level=1 levels=3 next=manager role=manager
            2020-06-03 | manager  | approve c  | refused SEGREGATION
            2020-06-03 | finance  | approve c  | refused LEVEL_ORDER
            2020-06-03 | manager2 | decline c back | returned
            2020-06-04 | f        | submit c   | submitted pass 200000.00 version=1
            2020-06-04 | reviewer | review c recommend | recommended 200000.00
            2020-06-04 | manager2 | approve c  | level_approved level=1 levels=3 next=manager role=manager
            2020-06-04 | manager  | approve c  | level_approved level=2 levels=3 next=finance role=manager
            2020-06-04 | finance  | approve c  | approved 200000.00 level=3 role=finance | 1600000 399999",
        ))
        .await;
    // Finance approved the awards of b and c, so somebody else approves their payment.
    let owed = PayableFilter::State(PayableState::Owed, 10);
    let outcomes = approve_payables(&claims.world, "finance", owed)
        .await
        .unwrap();
    use ApprovalOutcome::{Approved, RefusedSegregation};
    let refused = outcomes
        .iter()
        .filter(|one| **one == RefusedSegregation)
        .count();
    let approved = outcomes.iter().filter(|one| **one == Approved).count();
    assert_eq!((approved, refused), (1, 2));
    claims.world.check_invariants().await;
}

#[tokio::test]
async fn whoever_is_related_stays_out_and_a_delegate_counts_as_both() {
    let mut claims = Claims::new(1_000_000).await;
    let half = "relief_kind=waiver waived_amount=200000.00 tenant_confirmed=200000.00 landlord_relief=0.00 docs";
    let world = &claims.world;
    let forbidden = recuse(world, "cashier", "reviewer", "f").await.unwrap_err();
    assert!(forbidden.contains("needs the role manager"), "{forbidden}");
    let recused = recuse(world, "reviewer", "reviewer", "f").await.unwrap();
    recuse(world, "manager", "manager2", "f").await.unwrap();
    let twice = recuse(world, "manager", "manager2", "f").await.unwrap_err();
    assert!(
        twice.contains("recused from the party's cases already"),
        "{twice}"
    );
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-06-01 | f        | draft a RENT-HALF f {half} | drafted version=1
            2020-06-01 | clerk    | draft b RENT-HALF f {half} | drafted version=1
            2020-06-01 | all      | draft c RENT-HALF f {half} | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 100000.00 version=1
            2020-06-01 | f        | submit b   | submitted pass 100000.00 version=1
            2020-06-01 | f        | submit c   | submitted pass 100000.00 version=1
            2020-06-02 | reviewer | review a recommend | refused RECUSED
            2020-06-02 | all      | review c recommend | refused SEGREGATION
            2020-06-02 | all      | review a recommend | recommended 100000.00
            2020-06-03 | manager2 | approve a  | refused RECUSED
            2020-06-03 | all      | approve a  | refused SEGREGATION
            2020-06-03 | cashier2 | approve a  | forbidden",
        ))
        .await;
    let world = &claims.world;
    lift(world, "manager", recused).await.unwrap();
    assert!(
        lift(world, "manager", recused)
            .await
            .unwrap_err()
            .contains("declared no recusal that holds")
    );

    // A duty goes on only from whoever has it, for days that are named.
    let given = delegate(world, "manager", "cashier2", ("2020-06-04", "2020-06-05"))
        .await
        .unwrap();
    for (who, to, days, expected) in [
        (
            "cashier",
            "auditor",
            ("2020-06-04", "2020-06-05"),
            "needs the role manager",
        ),
        (
            "manager",
            "manager",
            ("2020-06-04", "2020-06-05"),
            "another person",
        ),
        (
            "manager",
            "f",
            ("2020-06-04", "2020-06-05"),
            "acts for a party",
        ),
        (
            "manager",
            "cashier",
            ("2020-06-05", "2020-06-04"),
            "not before the first",
        ),
        (
            "manager",
            "cashier",
            ("2020-06-04", "2021-06-06"),
            "a year at most",
        ),
    ] {
        let refused = delegate(world, who, to, days).await.unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    }
    claims
        .check(
            "day       | who      | command    | outcome
            2020-06-03 | cashier2 | approve a  | forbidden
            2020-06-04 | reviewer | review b recommend | recommended 100000.00
            2020-06-06 | cashier2 | approve b  | forbidden
            2020-06-05 | cashier2 | approve b  | approved 100000.00 level=1 role=manager",
        )
        .await;
    let (zone, b) = (claims.world.zone.id, claims.claim("b"));
    let around = claims
        .world
        .db
        .app()
        .read(zone, (zone, b), |conn, (zone, id)| {
            Box::pin(claim::store::around(conn, *zone, *id))
        });
    let around: claim::store::Around = around.await.unwrap();
    let approval = &around.approvals[0];
    assert_eq!(
        (approval.person.as_str(), approval.principal.as_deref()),
        ("cashier2", Some("manager"))
    );
    // Neither of the two goes on with the payment.
    let payable = &claims.world.payables(PayableState::Owed).await[0];
    for person in ["cashier2", "manager", "reviewer"] {
        assert!(
            payable
                .handled_by
                .contains(&claims.world.people[person].person)
        );
    }
    assert!(
        revoke(&claims.world, "finance", given)
            .await
            .unwrap_err()
            .contains("needs the role manager")
    );
    revoke(&claims.world, "manager", given).await.unwrap();
    assert!(
        revoke(&claims.world, "manager", given)
            .await
            .unwrap_err()
            .contains("gave no delegation")
    );
    claims
        .check(
            "day       | who      | command    | outcome
            2020-06-05 | cashier2 | approve a  | forbidden",
        )
        .await;
}

#[tokio::test]
async fn one_invoice_in_two_claims_is_flagged() {
    let mut claims = Claims::new(1_000_000).await;
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-09-01 | f        | draft a {SHAANXI} f {RELIEF} waived_amount=38000.00@lease-1 docs | drafted version=1
            2020-09-01 | g        | draft b {SHAANXI} g {RELIEF} waived_amount=38000.00@lease-1 docs | drafted version=1
            2020-09-01 | f        | draft x {SHAANXI} f {RELIEF} waived_amount=1.00@one waived_amount=1.00@one | line one: it stands twice among the lines of waived_amount; one thing is claimed once
            2020-09-01 | f        | submit a   | submitted pass 3800.00 version=1",
        ))
        .await;
    let given = claims
        .give("2020-09-02", "g", "flagged", &["submit", "b"])
        .await;
    let (_, answer) = given.unwrap();
    let (zone, a) = (claims.world.zone.id, claims.claim("a"));
    let first = claims
        .world
        .db
        .app()
        .read(zone, (zone, a), |conn, (zone, id)| {
            Box::pin(claim::store::claim(conn, *zone, *id))
        });
    let first = first.await.unwrap().unwrap().drafted_index;
    assert_eq!(
        answer["also_claimed"],
        serde_json::json!([format!("C{first}")])
    );
    // Its documents are those of the other claim, all of them.
    assert_eq!(answer["reused_evidence"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn postgres_itself_refuses_what_claims_must_not_be() {
    let mut claims = Claims::new(1_000_000).await;
    let half = "relief_kind=waiver waived_amount=200000.00 tenant_confirmed=200000.00 landlord_relief=0.00 docs";
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-06-01 | f        | draft a RENT-HALF f {half} | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 100000.00 version=1
            2020-06-02 | reviewer | review a recommend | recommended 100000.00
            2020-06-03 | manager  | approve a  | approved 100000.00 level=1 role=manager",
        ))
        .await;
    let mut admin = claims.world.db.superuser().await;
    for (statement, constraint) in [
        (
            "UPDATE ledger.claim SET reviewed_by = submitted_by",
            "claim_reviewer_is_another",
        ),
        (
            "UPDATE ledger.claim SET decided_by = reviewed_by",
            "claim_approver_is_another",
        ),
        (
            "UPDATE ledger.claim SET awarded = recommended + 1",
            "claim_awarded_within",
        ),
        (
            "UPDATE ledger.claim SET awarded = NULL",
            "claim_decided_whole",
        ),
        (
            "UPDATE ledger.claim SET content = content || ' '",
            "claim_content_sha256_of_content",
        ),
        (
            "UPDATE ledger.payable SET state = 'approved', approved_index = 1, approved_by = handled_by[1]",
            "payable_approver_is_no_handler",
        ),
        (
            "INSERT INTO ledger.claim_approval SELECT zone_id, claim_id, version, reviewed_index, 2, role, reviewed_by,
                 NULL, submitted_by, reviewed_by, log_index FROM ledger.claim_approval",
            "claim_approval_by_another",
        ),
        (
            "INSERT INTO ledger.claim_approval SELECT zone_id, claim_id, version, reviewed_index, 2, role, person_id,
                 NULL, submitted_by, reviewed_by, log_index FROM ledger.claim_approval",
            "claim_approval_one_level_each",
        ),
        (
            "DELETE FROM ledger.claim_approval",
            "claim_approval_append_only",
        ),
    ] {
        let refused = sqlx::query(statement).execute(&mut admin).await;
        let error = refused.unwrap_err();
        assert_eq!(db::violated_constraint(&error), Some(constraint), "{error}");
    }
}
