//! Scenarios of vouchers as tables: who does what on which day, what comes of it, and the balances then.
//!
//! ```text
//! day        | who      | command                     | outcome                     | B30 B40
//! 2020-03-02 | clerk    | apply a SH f case:V1        | =V1
//! 2020-03-03 | reviewer | review a                    | recommended 150000.00
//! 2020-03-04 | manager  | issue a                     | issued 150000.00 last_day=… | 850000 150000
//! ```
//!
//! Words of commands: `apply VOUCHER PROGRAMME PARTY FACTS`, `review`, `issue`, `expire`, `cancel`,
//! `freeze`, `thaw` of a VOUCHER, `hold HOLD VOUCHER PARTY PRICE FACTS`, `redeem HOLD PRICE`, `release
//! HOLD`, `close YEAR`. Facts are `name=value`, or `case:ID` for those of a case of
//! tests/cases/vouchers.toml; `=ID` is the outcome that the case demands. Balances are in yuan.
//!
//! Every command is given under a key and then repeated: the answer must be the same and the log must not
//! grow, and another command under the key must be a conflict. A refusal must change nothing but the log,
//! and after each row the rules on books and rows must hold; after the table, all that `verify` compares.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use subsidy_ledger::batch::Rejected;
use subsidy_ledger::policy::{Fact, Facts, Raw, Sha256, Source};
use subsidy_ledger::types::{Currency, HoldId, VoucherId};
use subsidy_ledger::voucher::{
    Apply, Cancel, Expire, Freeze, Issue, PlaceHold, Redeem, Release, Review,
};

use super::scenario::{Given, Step, World, day, programme_code};
use crate::policy_cases::{Case, case_file};
use crate::policy_replay;

/// A world in which tables are played, with the names that they have given.
pub(crate) struct Play {
    pub(crate) world: World,
    pub(crate) vouchers: HashMap<String, VoucherId>,
    pub(crate) holds: HashMap<String, HoldId>,
    rows: usize,
}

impl Play {
    pub(crate) async fn new(budget: &[(&str, i16, i64)]) -> Self {
        Self {
            world: World::new(budget).await,
            vouchers: HashMap::new(),
            holds: HashMap::new(),
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
        let (mut expected, mut actual) = (Vec::new(), Vec::new());
        for line in lines {
            let mut row = cells(line);
            let outcome = self.play(&row[0], &row[1], &row[2]).await;
            row[3] = expand(&row[3]);
            expected.push(row.join(" | "));
            row[3] = outcome;
            if row.len() > 4 {
                row[4] = self.balances(&codes).await;
            }
            actual.push(row.join(" | "));
        }
        let wrong = expected
            .iter()
            .zip(&actual)
            .filter(|(expected, actual)| expected != actual);
        let wrong: Vec<_> = wrong
            .map(|(said, was)| format!("said {said}\nwas  {was}"))
            .collect();
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        self.world.check_invariants().await;
        policy_replay::check(&self.world).await;
    }

    async fn balances(&self, codes: &str) -> String {
        let balances = self.world.balances().await;
        let of = |code| balances.get(code).copied().unwrap_or(0);
        let yuan = |fen: i64| match fen % 100 {
            0 => (fen / 100).to_string(),
            rest => format!("{}.{rest:02}", fen / 100),
        };
        codes
            .split_whitespace()
            .map(|code| yuan(of(code)))
            .collect::<Vec<_>>()
            .join(" ")
    }

    async fn play(&mut self, on: &str, who: &str, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        if let ["close", year] = words[..] {
            self.world.close_year(year.parse().unwrap(), on).await;
            return "closed".to_owned();
        }
        self.rows += 1;
        let key = format!("row {}", self.rows);
        let step = self.step(on, &words);
        let (state, size) = (self.world.state().await, self.world.size().await);

        let given = self
            .world
            .give(self.world.caller(who, on, Some(&key)), step.clone())
            .await;
        let outcome = self.outcome(&given);
        if given.is_err() || outcome.starts_with("refused") {
            assert_eq!(self.world.state().await, state, "{command}: {outcome}");
        }
        let grown = i64::from(given.is_ok());
        assert_eq!(
            self.world.size().await,
            size + grown,
            "{command}: {outcome}"
        );

        let again = self
            .world
            .give(self.world.caller(who, on, Some(&key)), step)
            .await;
        assert_eq!(given, again, "{command}, repeated");
        if let Ok((index, _)) = &given {
            let other = Step::Expire(Expire {
                voucher: VoucherId::generate(),
            });
            let other = self
                .world
                .give(self.world.caller(who, on, Some(&key)), other)
                .await;
            assert_eq!(
                other,
                Err(Rejected::KeyConflict(*index)),
                "{command}, then another"
            );
        }
        assert_eq!(self.world.size().await, size + grown, "{command}, repeated");
        self.world.check_rules().await;
        self.remember(&words, &given);
        outcome
    }

    fn step(&self, on: &str, words: &[&str]) -> Step {
        let reason = "for a reason".parse().unwrap();
        match *words {
            ["apply", _, programme, party, ref facts @ ..] => Step::Apply(Apply {
                facts: stated(facts, on),
                party: self.world.parties[party],
                programme: programme_code(programme).parse().unwrap(),
            }),
            ["review", name] => Step::Review(Review {
                application: self.voucher(name),
            }),
            ["issue", name] => Step::Issue(Issue {
                application: self.voucher(name),
            }),
            ["hold", _, name, provider, price, ref facts @ ..] => Step::Hold(PlaceHold {
                facts: stated(facts, on),
                price: price_of(price),
                provider: self.world.parties[provider],
                voucher: self.voucher(name),
            }),
            ["redeem", hold, price] => Step::Redeem(Redeem {
                evidence: vec![Sha256::of(hold.as_bytes()).to_string()],
                hold: self.hold(hold),
                price: price_of(price),
            }),
            ["release", hold] => Step::Release(Release {
                hold: self.hold(hold),
                reason,
            }),
            ["expire", name] => Step::Expire(Expire {
                voucher: self.voucher(name),
            }),
            ["cancel", name] => Step::Cancel(Cancel {
                voucher: self.voucher(name),
                reason,
            }),
            [word @ ("freeze" | "thaw"), name] => Step::Freeze(Freeze {
                frozen: word == "freeze",
                reason,
                voucher: self.voucher(name),
            }),
            _ => panic!("no command: {words:?}"),
        }
    }

    /// The voucher of that name, or one that nobody knows.
    pub(crate) fn voucher(&self, name: &str) -> VoucherId {
        self.vouchers
            .get(name)
            .copied()
            .unwrap_or_else(VoucherId::generate)
    }

    /// The hold of that name, or one that nobody knows.
    pub(crate) fn hold(&self, name: &str) -> HoldId {
        self.holds
            .get(name)
            .copied()
            .unwrap_or_else(HoldId::generate)
    }

    fn remember(&mut self, words: &[&str], given: &Given) {
        let Ok((_, answer)) = given else { return };
        let id = |field: &str| answer.get(field).and_then(Value::as_str);
        match words {
            ["apply", name, ..] => {
                let id = id("application").unwrap().parse().unwrap();
                self.vouchers.insert((*name).to_owned(), id);
            }
            ["hold", name, ..] => {
                if let Some(hold) = id("hold") {
                    self.holds.insert((*name).to_owned(), hold.parse().unwrap());
                }
            }
            _ => {}
        }
    }

    /// An answer in one line, without ids.
    fn outcome(&self, given: &Given) -> String {
        let answer = match given {
            Err(Rejected::Unknown { what, .. }) => return format!("unknown {what}"),
            Err(Rejected::Forbidden(_)) => return "forbidden".to_owned(),
            Err(Rejected::NoPolicy { .. }) => return "no policy".to_owned(),
            Err(other) => return other.to_string(),
            Ok((_, answer)) => answer.as_object().unwrap(),
        };
        let mut fields: BTreeMap<&str, String> = BTreeMap::new();
        for (name, value) in answer {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Array(items) => items
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join(","),
                other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                    other.to_string()
                }
            };
            fields.insert(name, text);
        }
        for id in ["application", "hold", "voucher", "payable"] {
            fields.remove(id);
        }
        if let Some(payee) = fields.get_mut("payee") {
            let mut parties = self.world.parties.iter();
            *payee = parties
                .find(|(_, id)| id.to_string() == *payee)
                .unwrap()
                .0
                .to_string();
        }
        let mut words: Vec<String> = ["outcome", "outlook", "code", "amount"]
            .iter()
            .filter_map(|name| fields.remove(name))
            .collect();
        let rest = fields.into_iter().filter(|(_, text)| !text.is_empty());
        words.extend(rest.map(|(name, text)| format!("{name}={text}")));
        words.join(" ")
    }
}

fn cells(line: &str) -> Vec<String> {
    line.split('|')
        .map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn case(id: &str) -> Case {
    let id = id.replace('_', " ");
    let mut cases = case_file().case.into_iter();
    cases
        .find(|case| case.id == id)
        .unwrap_or_else(|| panic!("no case {id}"))
}

/// The facts of a case with those of its base, but for what the ledger itself knows.
fn facts_of(case: &Case) -> BTreeMap<String, Value> {
    let mut facts = case_file().base[&case.base].facts.clone();
    facts.extend(case.facts.clone());
    facts.retain(|name, _| {
        !["uscc", "uscc_override", "issued_on", "order_date"].contains(&name.as_str())
    });
    facts
}

fn price_of(word: &str) -> String {
    match word.strip_prefix("case:") {
        Some(id) => facts_of(&case(id))["service_price"]
            .as_str()
            .unwrap()
            .to_owned(),
        None => word.to_owned(),
    }
}

fn stated(words: &[&str], on: &str) -> Facts {
    let mut facts = Facts::new(Currency::Cny);
    let mut state = |name: &str, text: &str| {
        let fact = Fact::named(name).unwrap_or_else(|| panic!("no fact {name}"));
        let raw = Raw::typed(fact, text);
        facts.state(fact, raw, Source::Declared, day(on)).unwrap();
    };
    for word in words {
        if let Some(id) = word.strip_prefix("case:") {
            for (name, value) in facts_of(&case(id)) {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                state(&name, &text);
            }
        } else {
            let (name, text) = word.split_once('=').unwrap();
            state(name, text);
        }
    }
    facts
}

/// What a case demands, as an answer says it.
fn expand(outcome: &str) -> String {
    let Some(id) = outcome.strip_prefix('=') else {
        return outcome.to_owned();
    };
    let case = case(id);
    let expect = &case.expect;
    let reasons = expect.reasons.join(",");
    if case_file().base[&case.base].moment == subsidy_ledger::policy::Moment::Grant {
        let reasons = if reasons.is_empty() {
            reasons
        } else {
            format!(" reasons={reasons}")
        };
        let word = serde_json::to_value(expect.outcome).unwrap();
        return format!(
            "{} {}{reasons}",
            word.as_str().unwrap(),
            expect.amount.as_deref().unwrap()
        );
    }
    match &expect.own_share {
        Some(share) => format!(
            "held {} own_share={share}",
            expect.amount.as_deref().unwrap()
        ),
        None if reasons == "EXPIRED" => "refused EXPIRED".to_owned(),
        None => format!("refused POLICY reasons={reasons}"),
    }
}
