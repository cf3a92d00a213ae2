//! The same commands on a real Postgres, and what the ledger tells.

mod approval;
mod bank;
mod claim;
mod contract;
mod error;
mod fact;
mod office;
mod pack;
mod payment;
mod recovery;
mod rent;
mod run;
mod voucher;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde_json::Value;
use subsidy_ledger::batch::BatchError;
use subsidy_ledger::identity::Caller;
use subsidy_ledger::types::{Amount, Currency, FiscalYear, Money, Reason};
use uuid::Uuid;

pub(super) use self::contract::purchase;
use self::error::Code as _;
use super::command::{Asked, Command};
use crate::kit::scenario::{Given, World};

/// What the ledger told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The entry that the answer is.
    pub(super) index: Option<i64>,
    /// Why it was refused.
    pub(super) code: Option<String>,
    /// The case that it began.
    pub(super) id: Option<Uuid>,
    /// The ids that the bank knows instructions by, by payable.
    pub(super) instructions: Vec<(Uuid, String)>,
    /// Vouchers that a run gave, in the order of its list.
    pub(super) vouchers: Vec<Uuid>,
}

impl Told {
    fn recorded(index: impl Into<i64>) -> Self {
        Self {
            index: Some(index.into()),
            ..Self::default()
        }
    }

    fn refused(code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            ..Self::default()
        }
    }

    /// Of a command that is told of no entry when it is accepted, and of nothing when it is not.
    fn of<T, E: error::Code>(given: Result<T, E>, done: impl FnOnce(T) -> Self) -> Self {
        match given {
            Ok(answer) => done(answer),
            Err(why) => Self::refused(why.code()),
        }
    }

    /// Of a command of cases: a refusal of which is an entry too.
    fn of_case(given: Result<Vec<Given>, BatchError>) -> Self {
        let given = match given {
            Ok(mut given) => given.pop().unwrap(),
            Err(error) => return Self::refused(error.code()),
        };
        let (index, answer) = match given {
            Ok(given) => given,
            Err(rejected) => return Self::refused(rejected.code()),
        };
        let id = |name: &&str| answer.get(name).and_then(Value::as_str)?.parse().ok();
        let cases = [
            "application",
            "hold",
            "claim",
            "recovery",
            "waiver",
            "deferral",
            "lease",
            "contract",
            "run",
        ];
        let code = answer
            .get("code")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Self {
            index: Some(index.0),
            id: cases.iter().find_map(id),
            code: code.filter(|_| answer["outcome"] == "refused"),
            ..Self::default()
        }
    }
}

/// What the model calls by a name: cases, and what the bank calls instructions.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    ids: HashMap<String, Uuid>,
    cases: HashMap<Uuid, String>,
    instructions: HashMap<String, String>,
}

impl Names {
    pub(super) fn insert(&mut self, name: &str, id: Uuid) {
        self.ids.insert(name.to_owned(), id);
        self.cases.insert(id, name.to_owned());
    }

    /// The id of a case, or one that nobody knows.
    pub(super) fn id(&self, name: &str) -> Uuid {
        self.ids.get(name).copied().unwrap_or_else(Uuid::now_v7)
    }

    pub(super) fn name(&self, id: Uuid) -> Option<&str> {
        self.cases.get(&id).map(String::as_str)
    }

    fn case<T: From<Uuid>>(&self, letter: char, number: usize) -> T {
        self.id(&format!("{letter}{number}")).into()
    }

    pub(super) fn instruct(&mut self, batch: &str, payable: Uuid, id: &str) {
        let payable = self
            .cases
            .get(&payable)
            .expect("the model knows what is owed");
        let name = format!("{batch}/{payable}");
        self.instructions.insert(name, id.to_owned());
    }

    fn instruction(&self, batch: usize, payable: &str) -> String {
        let known = self.instructions.get(&format!("B{batch}/{payable}"));
        known.cloned().unwrap_or_else(|| "P0-0".to_owned())
    }
}

/// A command that is being given: on a day, by the names as they were then.
#[derive(Clone)]
pub(super) struct Giving {
    pub(super) world: Arc<World>,
    pub(super) names: Arc<Names>,
    pub(super) today: NaiveDate,
    pub(super) asked: Asked,
}

impl Giving {
    fn caller(&self) -> Caller {
        let key = self
            .asked
            .command
            .is_keyed()
            .then_some(self.asked.key.as_str());
        self.world
            .caller(self.asked.who, &self.today.to_string(), key)
    }

    /// Asks one room after another, as the model does, which of them knows the command.
    pub(super) async fn give(self) -> Told {
        macro_rules! first {
            ($($room:ident)*) => {
                $(if let Some(told) = self.$room().await {
                    return told;
                })*
            };
        }
        first!(of_office of_budget of_period);
        first!(of_voucher of_hold wind_up expire_due);
        first!(of_claim after_review after_approval);
        first!(of_approval of_contract);
        first!(of_run of_past of_fact of_pack);
        first!(of_payment of_bank of_account of_books);
        first!(of_recovery settlement);
        first!(of_rent of_waiver of_deferral);
        panic!("nobody gives {:?}", self.asked)
    }
}

/// Gives one command of cases, in a transaction of its own.
macro_rules! of_case {
    ($giving:expr, $input:expr, $run:path) => {{
        let caller = $giving.caller();
        let given = $giving
            .world
            .batch(vec![(caller, $input)], |conn, requests| {
                Box::pin($run(conn, requests))
            });
        $crate::interleave::real::Told::of_case(given.await)
    }};
}

/// Gives one command of another kind, in a transaction of its own.
macro_rules! of_one {
    ($giving:expr, $input:expr, $run:expr) => {{
        let caller = $giving.caller();
        $giving.world.one(caller, $input, $run).await
    }};
}

use {of_case, of_one};

fn reason() -> Reason {
    "for a reason".parse().unwrap()
}

/// The day of which facts are stated: always the same, so that a repeat on a later day is the same command.
fn stated_on() -> NaiveDate {
    "2020-05-07".parse().unwrap()
}

fn text(fen: i64) -> String {
    Money::from_minor(fen).to_text(Currency::Cny)
}

fn amount(fen: i64) -> Amount {
    Amount::new(Money::from_minor(fen)).unwrap()
}

fn year(year: i32) -> FiscalYear {
    FiscalYear(i16::try_from(year).unwrap())
}

/// A shipped pack with other texts. Its own examples, which would then be wrong, make way for one in which nothing is known.
fn changed(name: &str, changes: &[(&str, &str)], moment: &str) -> String {
    let pack = crate::policy_cases::changed_pack(name, changes, "2020-05-04");
    pack.replace("moment = \"grant\"", &format!("moment = \"{moment}\""))
}

/// A condition on a fact, at these moments if not at all.
fn condition(code: &str, at: &str, test: &str) -> String {
    let words = r#"{ zh = "条件", en = "condition" }"#;
    format!(
        "[[criterion]]\ncode = \"{code}\"\n{at}clause = {words}\ntitle = {words}\nreason = {words}\ntest = {{ {test} }}\n\n"
    )
}

/// The rules of all programmes.
pub(super) fn packs() -> Vec<(&'static str, String)> {
    [voucher::packs().as_slice(), &claim::packs()].concat()
}
