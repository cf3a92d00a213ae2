//! A zone of firms with facts, a programme with money, and the people who award.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use sqlx::ConnectOptions;
use subsidy_ledger::db::private::PrivatePostgres;
use subsidy_ledger::db::{self, Database, Role};
use subsidy_ledger::fact::{self, Corrections, FactFile, FactsError, FileOptions};
use subsidy_ledger::identity::store::NewZone;
use subsidy_ledger::identity::{self, Actor, Caller};
use subsidy_ledger::party::{self, NewParty, PartyError, PartyRole};
use subsidy_ledger::policy::{Sha256, Source};
use subsidy_ledger::programme::{
    self, Allocate, Appropriate, NewProgramme, ProgrammeError, ProgrammeKind,
};
use subsidy_ledger::tabular::{Format, Mapping, ReadOptions, Table};
use subsidy_ledger::types::{Amount, Currency, FiscalYear, Money, Name, RunId, Zone, ZoneTime};
use subsidy_ledger::voucher::run::{self, Approve, Propose};
use subsidy_ledger::zone::{self, NewPerson, ZoneError};

use crate::yardstick::recreate_database;

const DATABASE: &str = "bench_award";
const PROGRAMME: &str = "BENCH-VOUCHER";
const PEOPLE: [&str; 4] = ["reviewer", "manager", "finance", "rules"];
/// Parties registered in a transaction.
const BATCH: usize = 5_000;

pub(crate) struct Office {
    pub(crate) database: Database,
    zone: Zone,
    people: Vec<Actor>,
    now: DateTime<Utc>,
}

impl Office {
    /// A database of its own, with so many firms that qualify.
    pub(crate) async fn open(server: &PrivatePostgres, firms: usize) -> Self {
        recreate_database(server, DATABASE).await;
        db::migrate(server.superuser_options().database(DATABASE))
            .await
            .unwrap();
        let options = server.connect_options(Role::App).database(DATABASE);
        let database = Database::connect(options, Role::App, 4).await.unwrap();
        let now: DateTime<Utc> = "2020-06-01T02:00:00Z".parse().unwrap();
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
        let office = Self {
            database,
            zone,
            people,
            now,
        };
        office.fund().await;
        office.firms(firms).await;
        // As autovacuum would in a moment: plans that were made for empty tables are made again.
        let admin = server.superuser_options().database(DATABASE);
        let mut admin = admin.connect().await.unwrap();
        sqlx::query("VACUUM ANALYZE")
            .execute(&mut admin)
            .await
            .unwrap();
        office
    }

    pub(crate) fn caller(&self, login: &str) -> Caller {
        let mut people = self.people.iter();
        let actor = people.find(|actor| actor.login.as_str() == login);
        Caller {
            zone: self.zone.clone(),
            actor: actor.unwrap().clone(),
            now: self.now,
            key: None,
        }
    }

    async fn fund(&self) {
        let callers = ["manager", "finance", "rules"].map(|login| self.caller(login));
        let write = self.database.write(self.zone.id, callers, |conn, callers| {
            Box::pin(async move {
                let [manager, finance, rules] = callers;
                let code = PROGRAMME.parse().unwrap();
                let name: Name = "Award without application".parse().unwrap();
                let new = NewProgramme {
                    code: PROGRAMME.parse().unwrap(),
                    kind: ProgrammeKind::Voucher,
                    name_en: name.clone(),
                    name_zh: name,
                };
                programme::create(conn, &manager.command(), &new).await?;
                let amount = Amount::new(Money::from_minor(1_000_000_000_000)).unwrap();
                let year = FiscalYear(2020);
                let input = Appropriate {
                    amount,
                    document: "bench".parse().unwrap(),
                    year,
                };
                programme::appropriate(conn, &finance.command(), &input).await?;
                let input = Allocate {
                    amount,
                    programme: PROGRAMME.parse().unwrap(),
                    year,
                };
                programme::allocate(conn, &finance.command(), &input).await?;
                let pack = include_str!("pack.toml");
                programme::propose(conn, &rules.command(), &code, pack).await?;
                programme::publish(conn, &manager.command(), &code, pack).await?;
                Ok::<_, ProgrammeError>(())
            })
        });
        write.await.unwrap();
    }

    /// Registers firms, and states what the policy asks of each.
    async fn firms(&self, firms: usize) {
        let is_firm = |new: &NewParty| new.roles.iter().any(|role| role == PartyRole::Enterprise);
        let new: Vec<NewParty> = party::generate(1, firms + firms / 5 + 10)
            .into_iter()
            .filter(is_firm)
            .take(firms)
            .collect();
        assert_eq!(new.len(), firms, "so many firms can't be made up");
        let mut csv = "uscc,year,staff,rd_expense,annual_sales\n".to_owned();
        for (number, firm) in new.iter().enumerate() {
            let (staff, sales) = (5 + number % 400, 1_000_000 + 1_000 * (number % 5_000));
            let research = sales / 20;
            writeln!(
                csv,
                "{},2019,{staff},{research}.00,{sales}.00",
                firm.identity.identifier()
            )
            .unwrap();
        }
        for batch in new.chunks(BATCH) {
            let input = (self.caller("manager"), batch.to_vec());
            let registered = self
                .database
                .write(self.zone.id, input, |conn, (caller, parties)| {
                    Box::pin(async move {
                        db::plan_each_time(conn).await?;
                        party::register(conn, &caller.command(), parties).await?;
                        Ok::<_, PartyError>(())
                    })
                });
            registered.await.unwrap();
        }
        let table = Table::read(csv.as_bytes(), Format::Csv, &ReadOptions::default()).unwrap();
        let file = FactFile::read(
            &table,
            Sha256::of(csv.as_bytes()),
            &Mapping::default(),
            FileOptions {
                source: Source::Declared,
                register: None,
                evidence: Vec::new(),
                year: None,
                from: None,
                until: None,
                complete: false,
            },
            Currency::Cny,
            self.now.date_naive(),
        );
        let input = (self.caller("reviewer"), file.unwrap());
        let imported = self
            .database
            .write(self.zone.id, input, |conn, (caller, file)| {
                Box::pin(async move {
                    let command = caller.command();
                    let plan = fact::plan(conn, &command, file, Corrections::Refuse).await?;
                    fact::apply(conn, &command, plan, &|_| ()).await?;
                    Ok::<_, FactsError>(())
                })
            });
        imported.await.unwrap();
    }

    /// Proposes a run; its id, and how many are on the list.
    pub(crate) async fn propose(&self) -> (RunId, u32) {
        let input = Propose {
            amount: Some("5000.00".to_owned()),
            day: self.now.date_naive(),
            programme: PROGRAMME.parse().unwrap(),
        };
        let input = (self.caller("reviewer"), input);
        let proposed = self
            .database
            .write(self.zone.id, input, |conn, (caller, input)| {
                Box::pin(async move {
                    let requests = [(caller.command(), input.clone())];
                    run::propose(conn, &requests).await
                })
            });
        let proposed = proposed.await.unwrap().pop().unwrap().unwrap().answer;
        (proposed.run, proposed.candidates)
    }

    pub(crate) async fn approve(&self, run: RunId) {
        let input = (self.caller("manager"), Approve { run });
        let approved = self
            .database
            .write(self.zone.id, input, |conn, (caller, input)| {
                Box::pin(async move {
                    let requests = [(caller.command(), input.clone())];
                    run::approve(conn, &requests).await
                })
            });
        approved.await.unwrap().pop().unwrap().unwrap();
    }
}

fn new_zone() -> NewZone {
    NewZone {
        code: "BENCH".parse().unwrap(),
        name_zh: "测试".parse().unwrap(),
        name_en: "Bench".parse().unwrap(),
        currency: Currency::Cny,
        time: ZoneTime::default(),
        origin: "log.example/bench".to_owned(),
    }
}

fn person(login: &str) -> NewPerson {
    NewPerson {
        login: login.parse().unwrap(),
        name: login.parse().unwrap(),
        party: None,
        roles: identity::Role::ALL
            .iter()
            .copied()
            .filter(|role| *role != identity::Role::System)
            .collect(),
    }
}
