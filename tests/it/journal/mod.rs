//! The journal against a real Postgres: a plain model of it, guards, plans, time, concurrency.

mod concurrency;
mod guards;
mod model;
mod plans;
mod schema;
mod time;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use subsidy_ledger::db::Database;
use subsidy_ledger::identity::store::NewZone;
use subsidy_ledger::journal::{
    self, AccountCode, Address, Details, Earlier, Effect, Entry, EntryKind, Outcome, RecordError,
    Refusal, Transfer,
};
use subsidy_ledger::types::{Amount, Currency, FiscalYear, Money, PersonId, Zone, ZoneTime};
use subsidy_ledger::zone::{self, ZoneError};

/// A zone in a database, and the person who acts.
#[derive(Clone, Debug)]
struct Office {
    app: Database,
    zone: Zone,
    actor: PersonId,
}

fn noon() -> DateTime<Utc> {
    "2020-06-01T04:00:00Z".parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn account(code: AccountCode) -> Address {
    Address::new(code, Currency::Cny).year(FiscalYear(2020))
}

fn transfer(debit: &Address, credit: &Address, minor: i64) -> Transfer {
    let amount = Amount::new(Money::from_minor(minor)).unwrap();
    Transfer::new(debit.clone(), credit.clone(), amount).unwrap()
}

/// Authority that comes from nowhere, as an appropriation's does.
fn appropriate(minor: i64) -> Transfer {
    transfer(
        &account(AccountCode::B10),
        &account(AccountCode::B20),
        minor,
    )
}

impl Office {
    async fn new(app: &Database, code: &str) -> Self {
        let new = NewZone {
            code: code.parse().unwrap(),
            name_zh: "高新区".parse().unwrap(),
            name_en: "Zone".parse().unwrap(),
            currency: Currency::Cny,
            time: ZoneTime(chrono_tz::Asia::Shanghai),
            origin: format!("log.example/{}", code.to_lowercase()),
        };
        let founded: Result<_, ZoneError> = app
            .write(None, new, |tx, new| {
                Box::pin(zone::found(tx, noon(), new.clone()))
            })
            .await;
        let (zone, system) = founded.unwrap();
        Self {
            app: app.clone(),
            zone,
            actor: system.person,
        }
    }

    fn entry(&self, transfers: Vec<Transfer>) -> Entry {
        Entry {
            actor: self.actor,
            kind: EntryKind("test.recorded"),
            effective: day("2020-06-01"),
            subject: None,
            details: Details::new(&"test").unwrap(),
            transfers,
            effect: Effect::Ordinary,
            idempotency: None,
        }
    }

    /// As every caller of `record` does: looks for the first answers, and records what is new.
    async fn record(
        &self,
        now: DateTime<Utc>,
        entries: Vec<Entry>,
    ) -> Result<Vec<Outcome>, RecordError> {
        let input = (self.zone.clone(), now, entries);
        self.app
            .write(self.zone.id, input, |tx, (zone, now, entries)| {
                Box::pin(record_new(tx, zone, *now, entries))
            })
            .await
    }

    /// Records entries of which none is refused.
    async fn accept(&self, entries: Vec<Entry>) {
        for outcome in self.record(noon(), entries).await.unwrap() {
            outcome.unwrap();
        }
    }

    /// A session in a read-only transaction of the zone.
    async fn reader(&self) -> sqlx::Transaction<'static, sqlx::Postgres> {
        let mut tx = self.app.pool().begin().await.unwrap();
        subsidy_ledger::db::enter_zone(&mut tx, self.zone.id)
            .await
            .unwrap();
        tx
    }
}

async fn record_new(
    conn: &mut PgConnection,
    zone: &Zone,
    now: DateTime<Utc>,
    entries: &[Entry],
) -> Result<Vec<Outcome>, RecordError> {
    let commands: Vec<_> = entries
        .iter()
        .map(|entry| (entry.actor, entry.idempotency.as_ref()))
        .collect();
    let known = journal::earlier(conn, zone.id, &commands).await?;
    let new: Vec<Entry> = entries
        .iter()
        .zip(&known)
        .filter(|(_, earlier)| **earlier == Earlier::Never)
        .map(|(entry, _)| entry.clone())
        .collect();
    let mut recorded = journal::record(conn, zone, now, &new).await?.into_iter();
    let outcomes = known.into_iter().map(|earlier| match earlier {
        Earlier::Recorded(index) => Err(Refusal::Repeated(index)),
        Earlier::Conflict(index) => Err(Refusal::KeyConflict(index)),
        Earlier::Never => recorded.next().expect("each new entry has an outcome"),
    });
    Ok(outcomes.collect())
}
