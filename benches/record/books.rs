//! Our side: zones that have 10,000 accounts together, and entries such as a bulk run records.

use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDate, Utc};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;
use subsidy_ledger::db::private::PrivatePostgres;
use subsidy_ledger::db::{self, Database, Role};
use subsidy_ledger::identity::store::NewZone;
use subsidy_ledger::journal::{
    AccountCode, Address, Details, Effect, Entry, EntryKind, Idempotency, RecordError, Transfer,
    record,
};
use subsidy_ledger::types::{
    Amount, Currency, FiscalYear, ItemId, Money, PersonId, Zone, ZoneTime,
};
use subsidy_ledger::zone::{self, ZoneError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::yardstick::recreate_database;

/// As many as the reference has, in all zones together.
const ACCOUNTS: usize = 10_000;
/// Transfers of an entry: a redemption moves authority, and expense to payable, and releases the rest.
pub(crate) const TRANSFERS: usize = 3;

/// Whether every transfer touches one account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hot {
    Yes,
    No,
}

/// A database with zones that record at the same time, each by one writer.
pub(crate) struct Books {
    app: Database,
    zones: Vec<ZoneBooks>,
}

/// One zone's books, and the one who writes them.
#[derive(Clone)]
pub(crate) struct ZoneBooks {
    app: Database,
    zone: Zone,
    actor: PersonId,
    accounts: Vec<Address>,
    hot: Option<Address>,
}

fn start() -> DateTime<Utc> {
    "2020-06-01T01:00:00Z".parse().unwrap()
}

fn day() -> NaiveDate {
    "2020-06-01".parse().unwrap()
}

impl Books {
    /// A database of its own, with every account funded.
    pub(crate) async fn open(
        server: &PrivatePostgres,
        database: &str,
        hot: Hot,
        zones: usize,
    ) -> Self {
        recreate_database(server, database).await;
        db::migrate(server.superuser_options().database(database))
            .await
            .unwrap();
        let options = server.connect_options(Role::App).database(database);
        let app = Database::connect(options, Role::App, 4).await.unwrap();
        let mut founded = Vec::with_capacity(zones);
        for number in 1..=zones {
            founded.push(ZoneBooks::found(&app, number, hot, ACCOUNTS / zones).await);
        }
        Self {
            app,
            zones: founded,
        }
    }

    /// The first zone.
    pub(crate) fn first(&self) -> &ZoneBooks {
        self.zones.first().unwrap()
    }

    pub(crate) async fn close(self) {
        self.app.close().await;
    }

    /// Records for this long in every zone, and answers with transfers per second.
    pub(crate) async fn record_for(&self, time: Duration, batch: usize) -> u64 {
        let begin = Instant::now();
        let mut writers = JoinSet::new();
        for zone in self.zones.clone() {
            writers
                .spawn(async move { zone.record_while(batch, |_| begin.elapsed() < time).await });
        }
        let transfers = writers.join_all().await.into_iter().sum();
        per_second(transfers, begin.elapsed())
    }
}

impl ZoneBooks {
    async fn found(app: &Database, number: usize, hot: Hot, accounts: usize) -> Self {
        let (zone, system) = app
            .write(None, number, |tx, number| {
                Box::pin(async move {
                    let founded: Result<_, ZoneError> =
                        zone::found(tx, start(), zone(*number)).await;
                    founded
                })
            })
            .await
            .unwrap();
        let programme = "SH-2020".parse().unwrap();
        let account = |code| {
            Address::new(code, Currency::Cny)
                .programme(&programme)
                .year(FiscalYear(2020))
        };
        let codes = [AccountCode::B40, AccountCode::B50, AccountCode::B60];
        let accounts = (0_u128..)
            .zip(codes.into_iter().cycle())
            .map(|(number, code)| {
                account(code).item(ItemId(uuid::Uuid::from_u128(number << 64 | number)))
            })
            .take(accounts)
            .collect();
        let books = Self {
            app: app.clone(),
            zone,
            actor: system.person,
            accounts,
            hot: (hot == Hot::Yes).then(|| account(AccountCode::B30)),
        };
        books.fund().await;
        books
    }

    pub(crate) fn app(&self) -> &Database {
        &self.app
    }

    pub(crate) fn zone(&self) -> &Zone {
        &self.zone
    }

    pub(crate) fn accounts(&self) -> &[Address] {
        &self.accounts
    }

    async fn fund(&self) {
        let authority = Address::new(AccountCode::B10, Currency::Cny).year(FiscalYear(2020));
        let million = Amount::new(Money::from_minor(100_000_000_000)).unwrap();
        let accounts = self.accounts.iter().chain(&self.hot);
        let transfers: Vec<Transfer> = accounts
            .map(|account| Transfer::new(authority.clone(), account.clone(), million).unwrap())
            .collect();
        let entries = transfers.chunks(100).map(|transfers| Entry {
            actor: self.actor,
            kind: EntryKind("budget.allocated"),
            effective: day(),
            subject: None,
            details: Details::new(&"opening").unwrap(),
            transfers: transfers.to_vec(),
            effect: Effect::Ordinary,
            idempotency: None,
        });
        self.write(entries.collect()).await;
    }

    /// Records batches as long as `more`, which is told how many transfers were recorded so far.
    /// Entries are made meanwhile, as a bulk command would make them.
    pub(crate) async fn record_while(&self, batch: usize, more: impl Fn(u64) -> bool) -> u64 {
        let (sender, mut batches) = mpsc::channel(2);
        let mut maker = EntryMaker {
            random: StdRng::seed_from_u64(rand::random()),
            actor: self.actor,
            accounts: self.accounts.clone(),
            hot: self.hot.clone(),
        };
        let making = std::thread::spawn(move || {
            while sender
                .blocking_send((0..batch).map(|_| maker.entry()).collect())
                .is_ok()
            {}
        });
        let mut transfers = 0;
        while more(transfers) {
            let entries: Vec<Entry> = batches.recv().await.unwrap();
            transfers += u64::try_from(entries.len() * TRANSFERS).unwrap();
            self.write(entries).await;
        }
        drop(batches);
        making.join().unwrap();
        transfers
    }

    async fn write(&self, entries: Vec<Entry>) {
        let input = (self.zone.clone(), entries);
        let outcomes = self
            .app
            .write(self.zone.id, input, |tx, (zone, entries)| {
                Box::pin(async move {
                    let outcomes: Result<_, RecordError> = record(tx, zone, start(), entries).await;
                    outcomes
                })
            })
            .await
            .unwrap();
        let refused = outcomes.into_iter().find_map(Result::err);
        assert_eq!(refused, None, "nothing may be refused here");
    }
}

pub(crate) fn per_second(count: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(count) * 1_000_000 / time.as_micros().max(1)).unwrap()
}

fn zone(number: usize) -> NewZone {
    NewZone {
        code: format!("BENCH-{number}").parse().unwrap(),
        name_zh: "基准".parse().unwrap(),
        name_en: "Benchmark".parse().unwrap(),
        currency: Currency::Cny,
        time: ZoneTime(chrono_tz::Asia::Shanghai),
        origin: format!("log.example/bench-{number}"),
    }
}

struct EntryMaker {
    random: StdRng,
    actor: PersonId,
    accounts: Vec<Address>,
    hot: Option<Address>,
}

/// What a redemption's entry keeps: its input, the decision and what it rests on.
#[derive(Serialize)]
struct Redemption {
    decision: Decision,
    evidence: Vec<String>,
    order: uuid::Uuid,
    provider: uuid::Uuid,
    remark: &'static str,
}

#[derive(Serialize)]
struct Decision {
    amount: String,
    outcome: &'static str,
    policy: uuid::Uuid,
    trace: Vec<(&'static str, bool)>,
}

impl EntryMaker {
    fn entry(&mut self) -> Entry {
        let amount: u32 = self.random.random_range(1..=1_000);
        let order = self.uuid();
        let details = Redemption {
            decision: Decision {
                amount: amount.to_string(),
                outcome: "granted",
                policy: uuid::Uuid::from_u128(7),
                trace: vec![
                    ("registered", true),
                    ("within_window", true),
                    ("within_cap", true),
                ],
            },
            evidence: vec![format!("{:064x}", order.as_u128())],
            order,
            provider: self.uuid(),
            remark: "检测服务",
        };
        Entry {
            actor: self.actor,
            kind: EntryKind("voucher.redeemed"),
            effective: day(),
            subject: Some(self.uuid()),
            idempotency: Some(Idempotency::new(
                order.to_string(),
                "redeem",
                &details.order,
            )),
            details: Details::new(&details).unwrap(),
            transfers: (0..TRANSFERS).map(|_| self.transfer(amount)).collect(),
            effect: Effect::Ordinary,
        }
    }

    fn transfer(&mut self, amount: u32) -> Transfer {
        let amount = Amount::new(Money::from_minor(i64::from(amount))).unwrap();
        let mut account = || {
            let position = self.random.random_range(0..self.accounts.len());
            self.accounts.get(position).unwrap().clone()
        };
        let debit = self.hot.clone().unwrap_or_else(&mut account);
        loop {
            if let Ok(transfer) = Transfer::new(debit.clone(), account(), amount) {
                return transfer;
            }
        }
    }

    fn uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.random.random()).into_uuid()
    }
}
