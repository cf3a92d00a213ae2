//! The demonstration zone with its people, and how commands are given in it.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde::Serialize;
use sqlx::PgConnection;

use super::{YEAR, ZONE};
use crate::batch::{Answered, Answers, BatchError, Rejected};
use crate::db::Database;
use crate::identity::store::{self, NewZone};
use crate::identity::{Actor, Caller, Command, Role};
use crate::journal::{self, AsOf};
use crate::log::signer::{SignerError, sign_now};
use crate::types::{Currency, LogIndex, Zone, ZoneTime};
use crate::zone::{self, NewPerson, ZoneError};

/// Commands that one transaction carries.
const BATCH: usize = 500;

/// Why the demonstration stopped.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A zone with the demonstration's code is something else.
    #[error(
        "zone {ZONE} has no person {0}: it was not made by the demonstration; choose another --data"
    )]
    NotADemo(String),
    /// The database is in use for something else.
    #[error(
        "the database has the zone {0}, and the demonstration would add its own for good: choose another --data"
    )]
    InUse(String),
    /// Setting up failed.
    #[error(transparent)]
    Zone(#[from] ZoneError),
    /// Importing parties failed.
    #[error(transparent)]
    Import(#[from] crate::party::ImportError),
    /// The import file could not be made or read.
    #[error("the parties' file: {0}")]
    File(String),
    /// A voucher command failed.
    #[error(transparent)]
    Voucher(#[from] BatchError),
    /// One of many voucher commands was not accepted.
    #[error("{name}: {rejected}")]
    Rejected {
        /// The command.
        name: &'static str,
        /// Why.
        rejected: Rejected,
    },
    /// A payment command failed.
    #[error(transparent)]
    Payment(#[from] crate::payment::PaymentError),
    /// A file of the demonstration's bank was not understood.
    #[error(transparent)]
    BankFile(#[from] crate::payment::iso20022::FileError),
    /// What is played between the months failed.
    #[error("{0}")]
    Between(Box<dyn std::error::Error + Send + Sync>),
    /// The log was not signed.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// The people of the zone's office, and one clerk who acts for firms and providers.
#[derive(Clone, Debug)]
pub(super) struct People {
    pub(super) system: Actor,
    pub(super) clerk: Actor,
    pub(super) reviewer: Actor,
    pub(super) manager: Actor,
    pub(super) finance: Actor,
    pub(super) finance2: Actor,
    pub(super) cashier: Actor,
    pub(super) cashier2: Actor,
}

/// Login, name and roles of everybody. The clerk stands for the portal, which comes later.
const PEOPLE: [(&str, &str, &[Role]); 9] = [
    (
        "clerk",
        "陈晓 Chen Xiao",
        &[Role::Sme, Role::Provider, Role::Incubator],
    ),
    ("reviewer", "李敏 Li Min", &[Role::Reviewer]),
    ("manager", "王建国 Wang Jianguo", &[Role::Manager]),
    ("finance", "赵丽 Zhao Li", &[Role::Finance]),
    ("finance2", "郑洁 Zheng Jie", &[Role::Finance]),
    ("cashier", "孙伟 Sun Wei", &[Role::Cashier]),
    ("cashier2", "钱芳 Qian Fang", &[Role::Cashier]),
    ("rules", "周婷 Zhou Ting", &[Role::RuleAdmin]),
    ("auditor", "吴刚 Wu Gang", &[Role::Auditor]),
];

/// The demonstration zone, ready for commands.
#[derive(Clone, Debug)]
pub struct Stage {
    pub(super) database: Database,
    pub(super) keys: PathBuf,
    /// The zone.
    pub zone: Zone,
    pub(super) people: People,
}

impl Stage {
    /// Finds the demonstration zone, or sets it up on the first day of its year.
    pub async fn open(database: Database, keys: PathBuf) -> Result<Self, DemoError> {
        let zone = demo_zone(&database).await?;
        let persons = database
            .read(zone.id, zone.id, |conn, zone| {
                Box::pin(store::persons(conn, *zone))
            })
            .await?;
        let person = |login: &str| {
            let found = persons
                .iter()
                .find(|(actor, _)| actor.login.as_str() == login);
            found
                .map(|(actor, _)| actor.clone())
                .ok_or_else(|| DemoError::NotADemo(login.to_owned()))
        };
        let people = People {
            system: person(zone::SYSTEM_LOGIN)?,
            clerk: person("clerk")?,
            reviewer: person("reviewer")?,
            manager: person("manager")?,
            finance: person("finance")?,
            finance2: person("finance2")?,
            cashier: person("cashier")?,
            cashier2: person("cashier2")?,
        };
        Ok(Self {
            database,
            keys,
            zone,
            people,
        })
    }

    /// How many entries the log has.
    pub async fn size(&self) -> Result<i64, DemoError> {
        let size = self
            .database
            .read(self.zone.id, self.zone.id, |conn, zone| {
                Box::pin(journal::size_at(conn, *zone, AsOf::Now))
            });
        Ok(size.await?)
    }

    /// The first entry that was recorded at just this moment, if one was: moments tell what is played already.
    pub async fn recorded_at(&self, moment: DateTime<Utc>) -> Result<Option<LogIndex>, DemoError> {
        let input = (self.zone.id, moment);
        let sizes = self
            .database
            .read(self.zone.id, input, |conn, (zone, moment)| {
                Box::pin(async move {
                    let before = AsOf::Recorded(*moment - TimeDelta::microseconds(1));
                    let before = journal::size_at(conn, *zone, before).await?;
                    let after = journal::size_at(conn, *zone, AsOf::Recorded(*moment)).await?;
                    Ok::<_, sqlx::Error>((before, after))
                })
            });
        let (before, after) = sizes.await?;
        Ok((before < after).then_some(LogIndex(before)))
    }

    /// Ten in the morning of a day.
    pub fn morning(&self, day: NaiveDate) -> DateTime<Utc> {
        self.zone.time.start_of(day) + TimeDelta::hours(10)
    }

    /// Who gives a command at ten in the morning of a day, under a key of the demonstration.
    pub(super) fn caller(&self, actor: &Actor, day: NaiveDate, key: Option<String>) -> Caller {
        Caller {
            zone: self.zone.clone(),
            actor: actor.clone(),
            now: self.morning(day),
            key,
        }
    }

    /// Gives one command in a transaction of its own.
    pub(super) async fn one<I, T, E, F>(&self, caller: Caller, input: I, body: F) -> Result<T, E>
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
        self.database
            .write(zone, (caller, input), move |conn, (caller, input)| {
                body(conn, caller.command(), input)
            })
            .await
    }

    /// Gives many voucher commands of one kind on one day, some hundred to a transaction, keyed by the
    /// day and their place. `done` hears how many are recorded.
    pub(super) async fn many<I, A, F>(
        &self,
        (actor, day, name): (&Actor, NaiveDate, &'static str),
        inputs: Vec<I>,
        done: &mut (dyn FnMut(u64) + Send),
        run: F,
    ) -> Result<Vec<Answered<A>>, DemoError>
    where
        I: Clone + Serialize + Send + Sync + 'static,
        A: Send + 'static,
        F: for<'c> Fn(
                &'c mut PgConnection,
                &'c [(Command<'c>, I)],
            ) -> BoxFuture<'c, Result<Answers<A>, BatchError>>
            + Send
            + Sync
            + Copy
            + 'static,
    {
        let mut answers = Vec::with_capacity(inputs.len());
        for (number, chunk) in inputs.chunks(BATCH).enumerate() {
            let callers: Vec<(Caller, I)> = chunk
                .iter()
                .enumerate()
                .map(|(place, input)| {
                    let key = format!("demo {day} {name} {}", number * BATCH + place);
                    (self.caller(actor, day, Some(key)), input.clone())
                })
                .collect();
            let chunk_answers = self
                .database
                .write(self.zone.id, callers, move |conn, callers| {
                    let requests: Vec<(Command<'_>, I)> = callers
                        .iter()
                        .map(|(caller, input)| (caller.command(), input.clone()))
                        .collect();
                    Box::pin(async move { run(conn, &requests).await })
                })
                .await?;
            for answer in chunk_answers {
                answers.push(answer.map_err(|rejected| DemoError::Rejected { name, rejected })?);
            }
            done(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        }
        Ok(answers)
    }

    /// Signs the head of the log.
    pub(super) async fn sign(&self, now: DateTime<Utc>) -> Result<(), DemoError> {
        sign_now(&self.database, self.zone.id, &self.keys, now).await?;
        Ok(())
    }
}

pub(super) fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(i32::from(YEAR), 1, 3).unwrap_or_default()
}

/// The demonstration's zone: found, or set up in a database that has no other.
async fn demo_zone(database: &Database) -> Result<Zone, DemoError> {
    let zones = database
        .read(None, (), |conn, ()| Box::pin(store::zones(conn)))
        .await?;
    let others = zones.first().map(|zone| zone.code.to_string());
    if let Some(zone) = zones.into_iter().find(|zone| zone.code.as_str() == ZONE) {
        return Ok(zone);
    }
    if let Some(other) = others {
        return Err(DemoError::InUse(other));
    }
    let first = ZoneTime::default().start_of(first_day()) + TimeDelta::hours(9);
    database
        .write(None, first, |conn, now| Box::pin(set_up(conn, *now)))
        .await
}

/// The zone and its people, in one transaction.
async fn set_up(conn: &mut PgConnection, now: DateTime<Utc>) -> Result<Zone, DemoError> {
    let text = "BUG: the constant has its form";
    let new = NewZone {
        code: ZONE.parse().expect(text),
        name_zh: "云川高新区(演示)".parse().expect(text),
        name_en: "Yunchuan High-tech Zone (demonstration)"
            .parse()
            .expect(text),
        currency: Currency::Cny,
        time: ZoneTime::default(),
        origin: "subsidy-ledger.invalid/demo".to_owned(),
    };
    let (zone, system) = zone::found(conn, now, new).await?;
    for (login, name, roles) in PEOPLE {
        let person = NewPerson {
            login: login.parse().expect(text),
            name: name.parse().expect(text),
            party: None,
            roles: roles.iter().copied().collect(),
        };
        let command = Command {
            zone: &zone,
            actor: &system,
            now,
            key: None,
        };
        zone::enrol(conn, &command, person).await?;
    }
    Ok(zone)
}
