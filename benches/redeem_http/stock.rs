//! Holds to be redeemed: one programme, some hundred vouchers, many orders on each.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use sqlx::ConnectOptions;
use subsidy_ledger::batch::BatchError;
use subsidy_ledger::db::private::PrivatePostgres;
use subsidy_ledger::db::{self, Database, Role};
use subsidy_ledger::identity::store::NewZone;
use subsidy_ledger::identity::{self, Actor, Caller};
use subsidy_ledger::party::{self, Party, PartyError, PartyRole};
use subsidy_ledger::policy::{Fact, Facts, Raw, Source};
use subsidy_ledger::programme::{
    self, Allocate, Appropriate, NewProgramme, ProgrammeError, ProgrammeKind,
};
use subsidy_ledger::types::{
    Amount, Currency, FiscalYear, HoldId, Money, PartyId, VoucherId, Zone, ZoneTime,
};
use subsidy_ledger::voucher::{self, Apply, HoldAnswer, Issue, IssueAnswer, PlaceHold, Review};
use subsidy_ledger::zone::{self, NewPerson, ZoneError};

use crate::yardstick::recreate_database;

const DATABASE: &str = "bench_redeem";
const PROGRAMME: &str = "SH-VOUCHER";
/// As many as a busy programme has: orders of one batch are seldom on the same voucher.
const VOUCHERS: usize = 5_000;
const BATCH: usize = 500;

pub(crate) struct Stock {
    pub(crate) database: Database,
    pub(crate) now: DateTime<Utc>,
    holds: Vec<HoldId>,
}

/// Everybody of the office, and the clerk who acts for firms and providers.
const PEOPLE: [&str; 6] = [
    "clerk", "reviewer", "manager", "finance", "rules", "cashier",
];

impl Stock {
    /// A database of its own with `count` holds, made by the real commands.
    pub(crate) async fn prepare(server: &PrivatePostgres, count: usize) -> Self {
        recreate_database(server, DATABASE).await;
        db::migrate(server.superuser_options().database(DATABASE))
            .await
            .unwrap();
        let options = server.connect_options(Role::App).database(DATABASE);
        let database = Database::connect(options, Role::App, 8).await.unwrap();
        let now: DateTime<Utc> = "2020-06-01T02:00:00Z".parse().unwrap();
        let office = Office::open(&database, now).await;
        office.fund().await;
        let parties = office.parties().await;
        let vouchers = office.vouchers(&parties).await;
        let holds = office.holds(&vouchers, &parties, count).await;
        // As autovacuum would in a moment: plans that were made for empty tables are made again.
        let mut admin = server
            .superuser_options()
            .database(DATABASE)
            .connect()
            .await
            .unwrap();
        sqlx::query("VACUUM ANALYZE")
            .execute(&mut admin)
            .await
            .unwrap();
        Self {
            database,
            now,
            holds,
        }
    }

    /// One redemption each, ready to be sent.
    pub(crate) fn requests(&self, address: SocketAddr) -> Vec<Vec<u8>> {
        let body = r#"{"price":"2.00"}"#;
        let length = body.len();
        let request = |(number, hold): (usize, &HoldId)| {
            format!(
                "POST /v1/zones/BENCH/holds/{hold}/redemptions HTTP/1.1\r\nhost: {address}\r\n\
                 content-type: application/json\r\nidempotency-key: invoice-{number}\r\n\
                 acting-person: clerk\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .into_bytes()
        };
        self.holds.iter().enumerate().map(request).collect()
    }
}

/// A founded zone with its people.
struct Office {
    database: Database,
    zone: Zone,
    people: Vec<Actor>,
    now: DateTime<Utc>,
}

impl Office {
    async fn open(database: &Database, now: DateTime<Utc>) -> Self {
        let found = database.write(None, now, |conn, now| {
            Box::pin(async move {
                let (zone, system) = zone::found(conn, *now, new_zone()).await?;
                let command = identity::Command {
                    zone: &zone,
                    actor: &system,
                    now: *now,
                    key: None,
                };
                let mut people = Vec::new();
                for login in PEOPLE {
                    people.push(zone::enrol(conn, &command, person(login)).await?.0);
                }
                Ok::<_, ZoneError>((zone, people))
            })
        });
        let (zone, people) = found.await.unwrap();
        Self {
            database: database.clone(),
            zone,
            people,
            now,
        }
    }

    fn caller(&self, login: &str) -> Caller {
        let actor = self
            .people
            .iter()
            .find(|actor| actor.login.as_str() == login)
            .unwrap()
            .clone();
        Caller {
            zone: self.zone.clone(),
            actor,
            now: self.now,
            key: None,
        }
    }

    async fn fund(&self) {
        let callers = ["manager", "finance", "rules"].map(|login| self.caller(login));
        let funded =
            self.database
                .write(self.zone.id, callers, |conn, [manager, finance, rules]| {
                    Box::pin(async move {
                        let pack = include_str!("../../assets/policies/shanghai-2020.toml");
                        let code = PROGRAMME.parse().unwrap();
                        let name: subsidy_ledger::types::Name =
                            "Innovation vouchers".parse().unwrap();
                        let new = NewProgramme {
                            code: PROGRAMME.parse().unwrap(),
                            kind: ProgrammeKind::Voucher,
                            name_en: name.clone(),
                            name_zh: name,
                        };
                        programme::create(conn, &manager.command(), &new).await?;
                        let amount = Amount::new(Money::from_minor(10_000_000_000)).unwrap();
                        let year = FiscalYear(2020);
                        let document = "bench".parse().unwrap();
                        let input = Appropriate {
                            amount,
                            document,
                            year,
                        };
                        programme::appropriate(conn, &finance.command(), &input).await?;
                        let input = Allocate {
                            amount,
                            programme: PROGRAMME.parse().unwrap(),
                            year,
                        };
                        programme::allocate(conn, &finance.command(), &input).await?;
                        programme::propose(conn, &rules.command(), &code, pack).await?;
                        programme::publish(conn, &manager.command(), &code, pack).await?;
                        Ok::<_, ProgrammeError>(())
                    })
                });
        funded.await.unwrap();
    }

    async fn parties(&self) -> Vec<Party> {
        let input = (self.caller("manager"), party::generate(1, VOUCHERS + 40));
        let registered = self
            .database
            .write(self.zone.id, input, |conn, (caller, parties)| {
                Box::pin(async move {
                    party::register(conn, &caller.command(), parties).await?;
                    Ok::<_, PartyError>(party::store::all(conn, caller.zone.id).await?)
                })
            });
        registered.await.unwrap()
    }

    async fn vouchers(&self, parties: &[Party]) -> Vec<VoucherId> {
        let holders: Vec<PartyId> = parties
            .iter()
            .take(VOUCHERS)
            .map(|party| party.id)
            .collect();
        let callers = ["clerk", "reviewer", "manager"].map(|login| self.caller(login));
        let issued = self.database.write(
            self.zone.id,
            (callers, holders),
            |conn, (callers, holders)| {
                Box::pin(async move {
                    let [clerk, reviewer, manager] = callers;
                    let mut facts = Facts::new(Currency::Cny);
                    let day = clerk.command().today();
                    for (fact, text) in [
                        (Fact::ApplicantKind, "enterprise"),
                        (Fact::ServicePrice, "4000.00"),
                    ] {
                        facts
                            .state(fact, Raw::Text(text), Source::Declared, day)
                            .unwrap();
                    }
                    let apply = |holder: &PartyId| {
                        let programme = PROGRAMME.parse().unwrap();
                        (
                            clerk.command(),
                            Apply {
                                facts: facts.clone(),
                                party: *holder,
                                programme,
                            },
                        )
                    };
                    let requests: Vec<_> = holders.iter().map(apply).collect();
                    let ids: Vec<VoucherId> = voucher::apply(conn, &requests)
                        .await?
                        .into_iter()
                        .map(|answer| answer.unwrap().answer.application)
                        .collect();
                    let review = |id: &VoucherId| (reviewer.command(), Review { application: *id });
                    voucher::review(conn, &ids.iter().map(review).collect::<Vec<_>>()).await?;
                    let issue = |id: &VoucherId| (manager.command(), Issue { application: *id });
                    let issued =
                        voucher::issue(conn, &ids.iter().map(issue).collect::<Vec<_>>()).await?;
                    assert!(issued.iter().all(|answer| {
                        matches!(answer.as_ref().unwrap().answer, IssueAnswer::Issued { .. })
                    }));
                    Ok::<_, BatchError>(ids)
                })
            },
        );
        issued.await.unwrap()
    }

    async fn holds(&self, vouchers: &[VoucherId], parties: &[Party], count: usize) -> Vec<HoldId> {
        let is_provider =
            |party: &&Party| party.roles.iter().any(|role| role == PartyRole::Provider);
        let provider = parties.iter().find(is_provider).unwrap().id;
        let mut holds = Vec::with_capacity(count);
        let orders: Vec<VoucherId> = vouchers.iter().copied().cycle().take(count).collect();
        for chunk in orders.chunks(BATCH) {
            let input = (self.caller("clerk"), chunk.to_vec());
            let placed = self
                .database
                .write(self.zone.id, input, move |conn, (clerk, chunk)| {
                    Box::pin(async move {
                        let order = |voucher: &VoucherId| {
                            let facts = Facts::new(Currency::Cny);
                            let price = "2.00".to_owned();
                            (
                                clerk.command(),
                                PlaceHold {
                                    facts,
                                    price,
                                    provider,
                                    voucher: *voucher,
                                },
                            )
                        };
                        voucher::hold(conn, &chunk.iter().map(order).collect::<Vec<_>>()).await
                    })
                });
            let answers: Result<_, BatchError> = placed.await;
            holds.extend(
                answers
                    .unwrap()
                    .into_iter()
                    .map(|answer| match answer.unwrap().answer {
                        HoldAnswer::Held { hold, .. } => hold,
                        HoldAnswer::Refused(refused) => panic!("{refused:?}"),
                    }),
            );
        }
        holds
    }
}

fn new_zone() -> NewZone {
    NewZone {
        code: "BENCH".parse().unwrap(),
        name_zh: "基准".parse().unwrap(),
        name_en: "Benchmark".parse().unwrap(),
        currency: Currency::Cny,
        time: ZoneTime::default(),
        origin: "subsidy-ledger.invalid/bench".to_owned(),
    }
}

fn person(login: &str) -> NewPerson {
    use identity::Role;
    let role = match login {
        "clerk" => BTreeSet::from([Role::Sme, Role::Provider]),
        "reviewer" => BTreeSet::from([Role::Reviewer]),
        "manager" => BTreeSet::from([Role::Manager]),
        "finance" => BTreeSet::from([Role::Finance]),
        "rules" => BTreeSet::from([Role::RuleAdmin]),
        _ => BTreeSet::from([Role::Cashier]),
    };
    NewPerson {
        login: login.parse().unwrap(),
        name: login.parse().unwrap(),
        party: None,
        roles: role,
    }
}
