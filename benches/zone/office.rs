//! The zone that is measured: its people, and how commands are given in it.

use std::path::PathBuf;
use std::slice;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::future::BoxFuture;
use sqlx::{ConnectOptions, PgConnection};
use subsidy_ledger::batch::{Answered, Answers, BatchError};
use subsidy_ledger::db::private::PrivatePostgres;
use subsidy_ledger::db::{self, Database, Role};
use subsidy_ledger::identity::store::{NewZone, persons, zone_by_code};
use subsidy_ledger::identity::{self, Actor, Caller, Command};
use subsidy_ledger::payment::Vault;
use subsidy_ledger::types::{Currency, PartyId, Zone, ZoneTime};
use subsidy_ledger::zone::{self, NewPerson, ZoneError};

/// The day on which everything is done, unless another one is named.
pub(crate) const DAY: &str = "2020-06-01";
const CODE: &str = "BENCH";
const SESSIONS: u32 = 4;

/// The office's people, each with one duty; the clerk acts for firms, providers and carriers.
const PEOPLE: &[(&str, &[identity::Role])] = {
    use identity::Role;
    &[
        ("auditor", &[Role::Auditor]),
        ("cashier", &[Role::Cashier]),
        ("cashier2", &[Role::Cashier]),
        ("clerk", &[Role::Sme, Role::Provider, Role::Incubator]),
        ("finance", &[Role::Finance]),
        ("finance2", &[Role::Finance]),
        ("manager", &[Role::Manager]),
        ("reviewer", &[Role::Reviewer]),
        ("rules", &[Role::RuleAdmin]),
    ]
};

#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) database: Database,
    pub(crate) zone: Zone,
    people: Vec<Actor>,
    /// Where the key of the zone's bank accounts is.
    keys: PathBuf,
}

impl Office {
    /// The zone of a database, founded if it has none yet.
    pub(crate) async fn open(server: &PrivatePostgres, name: &str) -> Self {
        let admin = server.superuser_options().database(name);
        db::migrate(admin).await.unwrap();
        let options = server.connect_options(Role::App).database(name);
        let database = Database::connect(options, Role::App, SESSIONS)
            .await
            .unwrap();
        let known: Result<_, sqlx::Error> = database
            .read(None, (), |conn, ()| Box::pin(zone_by_code(conn, CODE)))
            .await;
        let zone = match known.unwrap() {
            Some(zone) => zone,
            None => found(&database).await,
        };
        let people: Result<_, sqlx::Error> = database
            .read(zone.id, zone.id, |conn, zone| {
                Box::pin(persons(conn, *zone))
            })
            .await;
        let people = people.unwrap().into_iter().map(|(actor, _)| actor);
        Self {
            database,
            zone,
            people: people.collect(),
            keys: server.password_file().with_file_name("bench-keys"),
        }
    }

    pub(crate) fn by(&self, login: &str) -> Caller {
        self.on(login, DAY)
    }

    /// That person at ten in the morning of a day.
    pub(crate) fn on(&self, login: &str, day: &str) -> Caller {
        let mut people = self.people.iter();
        let actor = people.find(|actor| actor.login.as_str() == login).unwrap();
        Caller {
            zone: self.zone.clone(),
            actor: actor.clone(),
            now: morning(&self.zone, day),
            key: None,
        }
    }

    /// A person who acts for a party alone; enrolled if there is none of the name yet.
    pub(crate) async fn enrol_for(&mut self, login: &'static str, party: PartyId) {
        if self
            .people
            .iter()
            .any(|actor| actor.login.as_str() == login)
        {
            return;
        }
        let new = person(login, &[identity::Role::Sme], Some(party));
        let enrolled = self.one(self.by("manager"), new, |conn, command, new| {
            Box::pin(async move { zone::enrol(conn, &command, new.clone()).await })
        });
        self.people.push(enrolled.await.unwrap().0);
    }

    /// One command of any room, in a transaction of its own.
    pub(crate) async fn one<I, T, E, F>(&self, caller: Caller, input: I, body: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: std::error::Error + From<sqlx::Error> + Send + 'static,
        F: for<'c> Fn(&'c mut PgConnection, Command<'c>, &'c I) -> BoxFuture<'c, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        let zone = caller.zone.id;
        let write = self
            .database
            .write(zone, (caller, input), move |conn, (caller, input)| {
                body(conn, caller.command(), input)
            });
        write.await
    }

    /// Commands of cases in one transaction; every one has to be recorded.
    pub(crate) async fn batch<I, A, F>(&self, caller: &Caller, inputs: Vec<I>, run: F) -> Vec<A>
    where
        I: Clone + Send + Sync + 'static,
        A: Send + 'static,
        F: for<'c> Fn(
                &'c mut PgConnection,
                &'c [(Command<'c>, I)],
            ) -> BoxFuture<'c, Result<Answers<A>, BatchError>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        let input = (caller.clone(), inputs);
        let write = self
            .database
            .write(self.zone.id, input, move |conn, (caller, inputs)| {
                Box::pin(async move {
                    if inputs.len() > 1 {
                        db::plan_each_time(conn).await?;
                    }
                    let requests: Vec<_> = inputs
                        .iter()
                        .map(|input| (caller.command(), input.clone()))
                        .collect();
                    run(conn, &requests).await
                })
            });
        let answers = write.await.unwrap().into_iter();
        let answer = |answer: Result<Answered<A>, _>| answer.unwrap().answer;
        answers.map(answer).collect()
    }

    /// The key of the zone's bank accounts.
    pub(crate) async fn vault(&self) -> Vault {
        std::fs::create_dir_all(&self.keys).unwrap();
        let input = (self.zone.clone(), self.keys.clone());
        let opened = self
            .database
            .read(self.zone.id, input, |conn, (zone, keys)| {
                Box::pin(Vault::open(conn, zone, keys))
            });
        opened.await.unwrap()
    }
}

fn morning(zone: &Zone, day: &str) -> DateTime<Utc> {
    let day: NaiveDate = day.parse().unwrap();
    zone.time.start_of(day) + TimeDelta::hours(10)
}

async fn found(database: &Database) -> Zone {
    let founded = database.write(None, (), |conn, ()| {
        Box::pin(async move {
            let new = new_zone();
            let time = new.time;
            let now = time.start_of("2020-01-01".parse().unwrap()) + TimeDelta::hours(10);
            let (zone, system) = zone::found(conn, now, new).await?;
            let command = Command {
                zone: &zone,
                actor: &system,
                now,
                key: None,
            };
            for (login, roles) in PEOPLE {
                zone::enrol(conn, &command, person(login, roles, None)).await?;
            }
            Ok::<_, ZoneError>(zone)
        })
    });
    founded.await.unwrap()
}

fn new_zone() -> NewZone {
    NewZone {
        code: CODE.parse().unwrap(),
        name_zh: "基准".parse().unwrap(),
        name_en: "Benchmark".parse().unwrap(),
        currency: Currency::Cny,
        time: ZoneTime::default(),
        origin: "subsidy-ledger.invalid/bench".to_owned(),
    }
}

fn person(login: &str, roles: &[identity::Role], party: Option<PartyId>) -> NewPerson {
    NewPerson {
        login: login.parse().unwrap(),
        name: login.parse().unwrap(),
        party,
        roles: roles.iter().copied().collect(),
    }
}

/// A session past row-level security, to look for cases that commands can be given on.
pub(crate) async fn look(server: &PrivatePostgres, name: &str) -> PgConnection {
    let options = server.superuser_options().database(name);
    options.connect().await.unwrap()
}

/// One of something, as commands take many.
pub(crate) fn only<T>(one: &T) -> &[T] {
    slice::from_ref(one)
}
