//! Rent as tables: who does what on which day, what comes of it, and the rent book then.
//!
//! Words of commands: `lease LEASE PREMISES TENANT RENT FIRST LAST`, `end LEASE DAY`, `bill LEASE MONTH`, `pay LEASE AMOUNT
//! [MONTH]`, `waive WAIVER LEASE MEASURE WAY [FROM..UNTIL]`, `confirm`, `settle`, `audit` of a WAIVER with an AMOUNT, `void
//! WAIVER`, `claim WAIVER`, `defer DEFERRAL LEASE FROM..UNTIL`, `instalment DEFERRAL AMOUNT`, `default DEFERRAL`,
//! `convert DEFERRAL WAIVER`; options are `name=value`.
//!
//! Every command is given under a key and then repeated: the answer must be the same and the log must not grow. A refusal
//! must change nothing but the log; after each row the rules on books and rows must hold, and after a table all that `verify`
//! compares.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use subsidy_ledger::batch::{BatchError, Rejected};
use subsidy_ledger::identity::{Caller, Role};
use subsidy_ledger::party::PartyRole;
use subsidy_ledger::rent::{
    self, AddLease, AuditWaiver, BillRent, Charges, ClaimWaiver, ConfirmWaiver, ConvertDeferral,
    DefaultDeferral, DeferRent, EndLease, Measure, Month, PayInstalment, PayRent, SettleWaiver,
    VoidWaiver, Waive, Way,
};
use subsidy_ledger::types::{DeferralId, DueOn, LeaseId, PartyId, Reason, Schedule, WaiverId};

use crate::kit::scenario::{Given, World, day};

/// One command about rent.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Lease(AddLease),
    End(EndLease),
    Bill(BillRent),
    Pay(PayRent),
    Waive(Waive),
    Confirm(ConfirmWaiver),
    Settle(SettleWaiver),
    Audit(AuditWaiver),
    Void(VoidWaiver),
    Claim(ClaimWaiver),
    Defer(DeferRent),
    Instalment(PayInstalment),
    Default(DefaultDeferral),
    Convert(ConvertDeferral),
}

/// Commands of the first one's kind, in one transaction.
pub(crate) async fn give_all(
    world: &World,
    asks: Vec<(Caller, Ask)>,
) -> Result<Vec<Given>, BatchError> {
    macro_rules! batch {
        ($($kind:ident $run:ident,)+) => {
            match asks[0].1 {
                $(Ask::$kind(_) => {
                    let inputs = asks.into_iter().map(|(caller, ask)| match ask {
                        Ask::$kind(input) => (caller, input),
                        other => panic!("{other:?} among others"),
                    });
                    world
                        .batch(inputs.collect(), |conn, requests| Box::pin(rent::$run(conn, requests)))
                        .await
                })+
            }
        };
    }
    batch! {
        Lease add_lease, End end_lease, Bill bill_rent, Pay pay_rent, Waive waive, Confirm confirm_waiver,
        Settle settle_waiver, Audit audit_waiver, Void void_waiver, Claim mark_claimed, Defer defer_rent,
        Instalment pay_instalment, Default default_deferral, Convert convert_deferral,
    }
}

/// A world with two carriers, `c` and `d`, and the names that its tables have given.
pub(crate) struct RentPlay {
    pub(crate) world: Arc<World>,
    pub(crate) leases: BTreeMap<String, LeaseId>,
    pub(crate) waivers: BTreeMap<String, WaiverId>,
    pub(crate) deferrals: BTreeMap<String, DeferralId>,
    rows: usize,
}

impl RentPlay {
    pub(crate) async fn new() -> Self {
        let mut world = World::new(&[]).await;
        for (login, code) in [("c", "91350100M000100Y43"), ("d", "9144030071526726XG")] {
            let party = world.register(login, code, PartyRole::Carrier).await;
            world.parties.insert(login, party);
            world.enrol(login, &[Role::Incubator], Some(party)).await;
        }
        // A second person of each, who stands for the others in nothing but the party.
        let (carrier, tenant) = (world.parties["c"], world.parties["f"]);
        world
            .enrol("c2", &[Role::Incubator, Role::Sme], Some(carrier))
            .await;
        world.enrol("f2", &[Role::Sme], Some(tenant)).await;
        world.enrol("reviewer2", &[Role::Reviewer], None).await;
        Self {
            world: Arc::new(world),
            leases: BTreeMap::new(),
            waivers: BTreeMap::new(),
            deferrals: BTreeMap::new(),
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
            expected.push(row.join(" | "));
            row[3] = self
                .play(&row[0].clone(), &row[1].clone(), &row[2].clone())
                .await;
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
    }

    async fn balances(&self, codes: &str) -> String {
        let balances = self.world.balances().await;
        let yuan = |code: &str| match balances.get(code).copied().unwrap_or(0) {
            fen if fen % 100 == 0 => (fen / 100).to_string(),
            fen => format!("{}.{:02}", fen / 100, fen % 100),
        };
        codes
            .split_whitespace()
            .map(yuan)
            .collect::<Vec<_>>()
            .join(" ")
    }

    async fn play(&mut self, on: &str, who: &str, command: &str) -> String {
        let words: Vec<&str> = command.split_whitespace().collect();
        self.rows += 1;
        let key = format!("row {}", self.rows);
        let ask = self.ask(&words);
        let (state, size) = (self.world.state().await, self.world.size().await);
        let caller = || self.world.caller(who, on, Some(&key));
        let given = give(&self.world, caller(), ask.clone()).await;
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
        if given.is_ok() {
            assert_eq!(
                give(&self.world, caller(), ask).await,
                given,
                "{command}: repeated"
            );
            let other = Ask::Bill(BillRent {
                lease: LeaseId::generate(),
                month: month("1999-01"),
                on: None,
            });
            let other = give(&self.world, caller(), other).await;
            assert!(
                matches!(other, Err(Rejected::KeyConflict(_))),
                "{command}: {other:?}"
            );
            assert_eq!(self.world.size().await, size + grown, "{command}: repeated");
        }
        self.name(&words, &given);
        self.world.check_rules().await;
        outcome
    }

    /// Keeps the names that a command gave.
    fn name(&mut self, words: &[&str], given: &Given) {
        let Ok((_, answer)) = given else { return };
        let id = |field: &str| answer.get(field).and_then(Value::as_str);
        match words {
            ["lease", name, ..] => {
                let id = id("lease").map(|id| id.parse().unwrap());
                self.leases.extend(id.map(|id| ((*name).to_owned(), id)));
            }
            ["waive", name, ..] | ["convert", _, name, ..] => {
                let id = id("waiver").map(|id| id.parse().unwrap());
                self.waivers.extend(id.map(|id| ((*name).to_owned(), id)));
            }
            ["defer", name, ..] => {
                let id = id("deferral").map(|id| id.parse().unwrap());
                self.deferrals.extend(id.map(|id| ((*name).to_owned(), id)));
            }
            _ => {}
        }
    }

    pub(crate) fn ask(&self, words: &[&str]) -> Ask {
        let (words, options): (Vec<&str>, Vec<&str>) =
            words.iter().partition(|word| !word.contains('='));
        let options = options.iter().map(|word| word.split_once('=').unwrap());
        let options = Options(options.collect());
        match words[0] {
            "lease" | "end" | "bill" | "pay" => self.of_lease(&words, &options),
            "defer" | "instalment" | "default" | "convert" => self.of_deferral(&words, &options),
            _ => self.of_waiver(&words, &options),
        }
    }

    fn of_lease(&self, words: &[&str], options: &Options<'_>) -> Ask {
        let option = |name| options.get(name);
        match words[..] {
            ["lease", _, premises, tenant, rent, first, last] => Ask::Lease(AddLease {
                area: option("area")
                    .unwrap_or_else(|| "120.00".to_owned())
                    .parse()
                    .unwrap(),
                carrier: self.party(&option("carrier").unwrap_or_else(|| "c".to_owned())),
                charges: Charges {
                    other: option("other").unwrap_or_else(|| "0.00".to_owned()),
                    parking: option("parking").unwrap_or_else(|| "0.00".to_owned()),
                    property_fee: option("property").unwrap_or_else(|| "0.00".to_owned()),
                    utilities: option("utilities").unwrap_or_else(|| "0.00".to_owned()),
                },
                first_day: day(first),
                last_day: day(last),
                monthly_rent: rent.to_owned(),
                premises: premises.parse().unwrap(),
                sublet: option("sublet").is_some(),
                tenant: self.party(tenant),
            }),
            ["end", name, last] => Ask::End(EndLease {
                last_day: day(last),
                lease: self.lease(name),
                reason: reason(),
            }),
            ["bill", name, text] => Ask::Bill(BillRent {
                lease: self.lease(name),
                month: month(text),
                on: None,
            }),
            ["pay", name, amount, ref rest @ ..] => Ask::Pay(PayRent {
                amount: amount.to_owned(),
                lease: self.lease(name),
                month: rest.first().map(|text| month(text)),
            }),
            _ => panic!("{words:?} is no command"),
        }
    }

    fn of_waiver(&self, words: &[&str], options: &Options<'_>) -> Ask {
        let option = |name| options.get(name);
        let waiver = |name: &str| {
            self.waivers
                .get(name)
                .copied()
                .unwrap_or_else(WaiverId::generate)
        };
        match words[..] {
            ["waive", _, name, measure, way, ref rest @ ..] => {
                let months = rest.first().map(|text| range(text));
                Ask::Waive(Waive {
                    against: option("against")
                        .map(|text| text.split(',').map(month).collect())
                        .unwrap_or_default(),
                    evidence: option("evidence").into_iter().collect(),
                    from: months.map(|(from, _)| from),
                    landlord_relief: option("landlord"),
                    lease: self.lease(name),
                    measure: read_measure(measure),
                    until: months.map(|(_, until)| until),
                    way: Way::ALL
                        .into_iter()
                        .find(|known| known.as_str() == way)
                        .unwrap(),
                })
            }
            ["confirm", name, stated] => Ask::Confirm(ConfirmWaiver {
                evidence: option("evidence").into_iter().collect(),
                stated: stated.to_owned(),
                waiver: waiver(name),
            }),
            ["settle", name, amount] => Ask::Settle(SettleWaiver {
                amount: amount.to_owned(),
                reason: reason(),
                waiver: waiver(name),
            }),
            ["audit", name, amount] => Ask::Audit(AuditWaiver {
                amount: amount.to_owned(),
                compensable: option("compensable").is_none(),
                evidence: option("evidence").into_iter().collect(),
                reason: reason(),
                waiver: waiver(name),
            }),
            ["void", name] => Ask::Void(VoidWaiver {
                reason: reason(),
                waiver: waiver(name),
            }),
            ["claim", name] => Ask::Claim(ClaimWaiver {
                claim: uuid::Uuid::nil(),
                waiver: waiver(name),
            }),
            _ => panic!("{words:?} is no command"),
        }
    }

    fn of_deferral(&self, words: &[&str], options: &Options<'_>) -> Ask {
        let option = |name| options.get(name);
        let deferral = |name: &str| {
            let known = self.deferrals.get(name).copied();
            known.unwrap_or_else(DeferralId::generate)
        };
        match words[..] {
            ["defer", _, name, months] => Ask::Defer(DeferRent {
                amount: option("amount"),
                evidence: Vec::new(),
                from: range(months).0,
                lease: self.lease(name),
                schedule: read_schedule(option("due"), option("count"), option("first")),
                until: range(months).1,
            }),
            ["instalment", name, amount] => Ask::Instalment(PayInstalment {
                amount: amount.to_owned(),
                deferral: deferral(name),
            }),
            ["default", name] => Ask::Default(DefaultDeferral {
                deferral: deferral(name),
                reason: reason(),
            }),
            ["convert", name, _] => Ask::Convert(ConvertDeferral {
                deferral: deferral(name),
                landlord_relief: option("landlord"),
                reason: reason(),
            }),
            _ => panic!("{words:?} is no command"),
        }
    }

    fn lease(&self, name: &str) -> LeaseId {
        self.leases
            .get(name)
            .copied()
            .unwrap_or_else(LeaseId::generate)
    }

    fn party(&self, name: &str) -> PartyId {
        self.world
            .parties
            .get(name)
            .copied()
            .unwrap_or_else(PartyId::generate)
    }
}

/// What a command says besides its words.
struct Options<'a>(BTreeMap<&'a str, &'a str>);

impl Options<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|text| (*text).to_owned())
    }
}

fn reason() -> Reason {
    "as agreed".parse().unwrap()
}

fn cells(line: &str) -> Vec<String> {
    let cell = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.split('|').map(cell).collect()
}

pub(crate) fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn range(text: &str) -> (Month, Month) {
    let (from, until) = text.split_once("..").unwrap_or((text, text));
    (month(from), month(until))
}

fn read_measure(text: &str) -> Measure {
    match text.split_once(':').unwrap_or((text, "")) {
        ("full", _) => Measure::Full,
        ("half", _) => Measure::Half,
        ("share", share) => Measure::Share {
            hundredths: share.parse().unwrap(),
        },
        ("amount", amount) => Measure::Amount {
            amount: amount.to_owned(),
        },
        ("months", months) => Measure::Months {
            months: months.parse().unwrap(),
        },
        _ => panic!("{text} is no measure"),
    }
}

fn read_schedule(due: Option<String>, count: Option<String>, first: Option<String>) -> Schedule {
    match due {
        Some(due) => Schedule::Days {
            instalments: due
                .split(',')
                .map(|one| one.split_once(':').unwrap())
                .map(|(due, amount)| DueOn {
                    amount: amount.to_owned(),
                    due: day(due),
                })
                .collect(),
        },
        None => Schedule::Months {
            count: count.unwrap().parse().unwrap(),
            first: day(&first.unwrap()),
        },
    }
}

/// One command in a transaction of its own.
pub(crate) async fn give(world: &World, caller: Caller, ask: Ask) -> Given {
    give_all(world, vec![(caller, ask)])
        .await
        .unwrap()
        .pop()
        .unwrap()
}

/// What came of a command, in words: outcome and sums, without ids.
pub(crate) fn outcome(given: &Given) -> String {
    let answer = match given {
        Err(Rejected::Unknown { what, .. }) => return format!("unknown {what}"),
        Err(Rejected::Forbidden(_)) => return "forbidden".to_owned(),
        Err(Rejected::Input(why)) => return format!("wrong {}", why.split(':').next().unwrap()),
        Err(other) => return other.to_string(),
        Ok((_, answer)) => answer,
    };
    let mut words = vec![answer["outcome"].as_str().unwrap().to_owned()];
    for field in [
        "code",
        "amount",
        "rent",
        "days",
        "stated",
        "settled",
        "audited",
        "compensable",
        "base",
        "open",
    ] {
        match &answer[field] {
            Value::Null => {}
            Value::String(text) if field == "open" => words.push(format!("open={text}")),
            Value::String(text) => words.push(text.clone()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                words.push(format!("{field}={}", answer[field]));
            }
        }
    }
    if let Some(instalments) = answer["instalments"].as_array() {
        let text = |one: &Value| {
            let sum = one["amount"].as_str().unwrap();
            let number = &one["number"];
            one["due"]
                .as_str()
                .map_or_else(|| format!("{number}:{sum}"), |due| format!("{due}:{sum}"))
        };
        words.push(instalments.iter().map(text).collect::<Vec<_>>().join(","));
    }
    words.join(" ")
}
