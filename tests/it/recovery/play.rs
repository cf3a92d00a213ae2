//! Scenarios of recoveries as tables: who does what on which day, and what comes of it.
//!
//! ```text
//! day        | who     | command                                | outcome
//! 2020-06-01 | finance | propose a i overpaid service_price=…   | proposed 2000.00 …
//! 2020-06-02 | manager | order a                                | ordered 2000.00 due_on=2020-07-02
//! ```
//!
//! Words: `propose NAME PAYABLE CAUSE whole|FACTS`, `order NAME [DAYS]`, `reject`, `void`, `receive NAME LINE`,
//! `offset NAME PAYABLE [AMOUNT]`, `plan NAME DAY=AMOUNT …` or `plan NAME COUNT@DAY`, `write-off NAME`, `approve NAME
//! [ENTRY]` and `deny NAME [ENTRY]` of the write-off. Payables are h, i and j, of 10,000, 20,000 and 30,000 yuan for p; h
//! and i are paid, j is approved. A repeat under the same key has the same answer, a refusal changes nothing but the log,
//! and after each row the rules on books and rows hold; after a table, all that `verify` compares.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use subsidy_ledger::batch::Rejected;
use subsidy_ledger::payment::iso20022::read_statements;
use subsidy_ledger::payment::{self, BankLineId, PayableFilter, StatementFile};
use subsidy_ledger::policy::{Fact, Facts, Raw, Source};
use subsidy_ledger::recovery::{
    self, ApproveWriteOff, Cause, OffsetRecovery, OrderRecovery, PlanRecovery, ProposeRecovery,
    ProposeWriteOff, ReceiveRecovery, RejectRecovery, RejectWriteOff, VoidRecovery,
};
use subsidy_ledger::types::{Currency, DueOn, LogIndex, PayableId, RecoveryId, Schedule};

use crate::kit::scenario::{Given, World, day};
use crate::payment::{approve, send, three_owed};
use crate::payment_bank::statement_file;
use crate::policy_replay;

/// The zone's own account, as statements name it.
const OWN: &str = "31050161360000001234";

/// What the bank brought on 2020-06-10, in yuan: lines 3 and on of the first statement.
const RECEIPTS: [i64; 5] = [2_000, 500, 300, 20_000, 10_000];

/// Recoveries by the names that a table gives them.
pub(crate) struct Recoveries {
    pub(crate) world: World,
    payables: BTreeMap<&'static str, PayableId>,
    names: HashMap<String, RecoveryId>,
    write_offs: HashMap<String, LogIndex>,
    /// The entry that took the last statement in.
    file: LogIndex,
    closing: i64,
    rows: usize,
}

impl Recoveries {
    /// h and i are paid on 2020-05-08, j is approved; the bank has brought some money.
    pub(crate) async fn new() -> Self {
        let (world, ids) = three_owed().await;
        world.propose_account("finance", None, OWN).await.unwrap();
        let paid = PayableFilter::Ids(ids[..2].to_vec());
        approve(&world, "finance", paid).await.unwrap();
        let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
        let rest = PayableFilter::Ids(ids[2..].to_vec());
        approve(&world, "finance", rest).await.unwrap();
        let [h, i, j] = ids[..] else { unreachable!() };
        let mut recoveries = Self {
            world,
            payables: [("h", h), ("i", i), ("j", j)].into(),
            names: HashMap::new(),
            write_offs: HashMap::new(),
            file: LogIndex(0),
            closing: 0,
            rows: 0,
        };
        let instructed = |line: usize| batch.lines[line].end_to_end_id.as_str();
        let mut lines = vec![(-10_000, instructed(0), ""), (-20_000, instructed(1), "")];
        lines.extend(RECEIPTS.map(|yuan| (yuan, "", "")));
        recoveries.take("S1", "2020-06-10", &lines).await;
        recoveries
    }

    /// Takes a statement in, of which lines have numbers from 1.
    pub(crate) async fn take(&mut self, id: &str, on: &str, lines: &[(i64, &str, &str)]) {
        let file = statement_file(id, on, self.closing, lines);
        self.closing += lines.iter().map(|(yuan, ..)| yuan).sum::<i64>();
        let statements = read_statements(file.as_bytes(), Currency::Cny).unwrap();
        let file = StatementFile::new(file.as_bytes(), statements);
        let input = (self.world.vault().await, file);
        let caller = self.world.caller("cashier", on, None);
        let taken = self
            .world
            .one(caller, input, |conn, command, (vault, file)| {
                Box::pin(
                    async move { payment::import_statements(conn, &command, vault, file).await },
                )
            });
        self.file = taken.await.unwrap().file;
    }

    /// Plays a table, and compares what happened with what it says.
    pub(crate) async fn check(&mut self, table: &str) {
        let mut lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
        let header = cells(lines.next().unwrap());
        let codes = header.get(4).cloned().unwrap_or_default();
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
        let texts = codes.split_whitespace().map(|code| yuan(code).to_string());
        texts.collect::<Vec<_>>().join(" ")
    }

    async fn play(&mut self, on: &str, who: &str, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        self.rows += 1;
        let key = format!("recovery, row {}", self.rows);
        let (state, size) = (self.world.state().await, self.world.size().await);
        let given = self.give(on, who, &key, &words).await;
        let outcome = outcome(&given);
        if given.is_err() || outcome.starts_with("refused") {
            assert_eq!(self.world.state().await, state, "{command}: {outcome}");
        }
        let grown = size + i64::from(given.is_ok());
        assert_eq!(self.world.size().await, grown, "{command}: {outcome}");
        let again = self.give(on, who, &key, &words).await;
        assert_eq!(given, again, "{command}, repeated");
        assert_eq!(self.world.size().await, grown, "{command}, repeated");
        self.world.check_rules().await;
        self.remember(&words, &given);
        outcome
    }

    fn remember(&mut self, words: &[&str], given: &Given) {
        let Ok((index, answer)) = given else { return };
        match words {
            ["propose", name, ..] if answer["outcome"] == "proposed" => {
                let id = answer["recovery"].as_str().unwrap().parse().unwrap();
                self.names.insert((*name).to_owned(), id);
            }
            ["write-off", name] if answer["outcome"] == "proposed" => {
                self.write_offs.insert((*name).to_owned(), *index);
            }
            _ => {}
        }
    }

    pub(crate) fn recovery(&self, name: &str) -> RecoveryId {
        let known = self.names.get(name).copied();
        known.unwrap_or(RecoveryId(uuid::Uuid::nil()))
    }

    /// What settled a recovery, oldest first.
    pub(crate) async fn settlements(&self, name: &str) -> Vec<recovery::store::SettlementRow> {
        let zone = self.world.zone.id;
        let input = (zone, self.recovery(name));
        let read = self.world.db.app().read(zone, input, |conn, (zone, id)| {
            Box::pin(recovery::store::settlements(conn, *zone, *id))
        });
        read.await.unwrap()
    }

    pub(crate) fn payable(&self, name: &str) -> PayableId {
        let known = self.payables.get(name).copied();
        known.unwrap_or(PayableId(uuid::Uuid::nil()))
    }

    pub(crate) fn line(&self, number: &str) -> BankLineId {
        format!("S{}-{number}", self.file).parse().unwrap()
    }

    /// Gives one command.
    #[expect(clippy::too_many_lines, reason = "a word of the table after another")]
    pub(crate) async fn give(&self, on: &str, who: &str, key: &str, words: &[&str]) -> Given {
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
        let recovery = self.recovery(words[1]);
        let write_off = |named: &[&str]| match named {
            [entry, ..] => entry.parse().unwrap(),
            [] => *self.write_offs.get(words[1]).unwrap_or(&LogIndex(0)),
        };
        let answers = match *words {
            ["propose", _, payable, cause, ref facts @ ..] => give!(
                ProposeRecovery {
                    cause: Cause::named(cause).unwrap(),
                    facts: (facts != ["whole"]).then(|| stated(facts, on)),
                    payable: self.payable(payable),
                    reason,
                },
                recovery::propose
            ),
            ["order", _, ref days @ ..] => give!(
                OrderRecovery {
                    due_days: days.first().map_or(30, |days| days.parse().unwrap()),
                    recovery,
                },
                recovery::order
            ),
            ["reject", _] => give!(RejectRecovery { reason, recovery }, recovery::reject),
            ["void", _] => give!(VoidRecovery { reason, recovery }, recovery::void),
            ["receive", _, line] => give!(
                ReceiveRecovery {
                    bank_line: self.line(line),
                    recovery
                },
                recovery::receive
            ),
            ["offset", _, payable, ref amount @ ..] => give!(
                OffsetRecovery {
                    amount: amount.first().map(|&amount| amount.to_owned()),
                    payable: self.payable(payable),
                    recovery,
                },
                recovery::offset
            ),
            ["plan", _, ref parts @ ..] => give!(
                PlanRecovery {
                    recovery,
                    schedule: schedule(parts)
                },
                recovery::plan
            ),
            ["write-off", _] => give!(
                ProposeWriteOff { reason, recovery },
                recovery::propose_write_off
            ),
            ["approve", _, ref named @ ..] => give!(
                ApproveWriteOff {
                    proposed_index: write_off(named),
                    recovery
                },
                recovery::approve_write_off
            ),
            ["deny", _, ref named @ ..] => give!(
                RejectWriteOff {
                    proposed_index: write_off(named),
                    reason,
                    recovery
                },
                recovery::reject_write_off
            ),
            _ => panic!("no command: {words:?}"),
        };
        answers.unwrap().pop().unwrap()
    }
}

fn cells(line: &str) -> Vec<String> {
    line.split('|')
        .map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn stated(words: &[&str], on: &str) -> Facts {
    let mut facts = Facts::new(Currency::Cny);
    for word in words {
        let (name, text) = word.split_once('=').unwrap();
        let fact = Fact::named(name).unwrap_or_else(|| panic!("no fact {name}"));
        facts
            .state(fact, Raw::typed(fact, text), Source::Verified, day(on))
            .unwrap();
    }
    facts
}

fn schedule(parts: &[&str]) -> Schedule {
    if let [months] = parts
        && let Some((count, first)) = months.split_once('@')
    {
        return Schedule::Months {
            count: count.parse().unwrap(),
            first: day(first),
        };
    }
    let due = |part: &&str| {
        let (due, amount) = part.split_once('=').unwrap();
        DueOn {
            amount: amount.to_owned(),
            due: day(due),
        }
    };
    Schedule::Days {
        instalments: parts.iter().map(due).collect(),
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
                let part =
                    |item: &Value| format!("{}={}", item["due"], item["amount"]).replace('"', "");
                let items = items
                    .iter()
                    .map(|item| item.as_str().map_or_else(|| part(item), str::to_owned));
                items.collect::<Vec<_>>().join(",")
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => {
                other.to_string()
            }
        };
        fields.insert(name, text);
    }
    for told in ["recovery", "matched_by"] {
        fields.remove(told);
    }
    let mut words: Vec<String> = ["outcome", "code", "amount"]
        .iter()
        .filter_map(|name| fields.remove(name))
        .collect();
    let rest = fields.into_iter().filter(|(_, text)| !text.is_empty());
    words.extend(rest.map(|(name, text)| format!("{name}={text}")));
    words.join(" ")
}
