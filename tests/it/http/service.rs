//! The service on a test's own database, asked without a socket.

use std::collections::{BTreeSet, HashMap};
use std::slice;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use subsidy_ledger::clock::Clock;
use subsidy_ledger::db;
use subsidy_ledger::http::{App, Limits, Settings, ZoneSigner, router};
use subsidy_ledger::identity::store::NewZone;
use subsidy_ledger::identity::{Actor, Command, Role};
use subsidy_ledger::journal::{
    self, AccountCode, Address, Details, Effect, Entry, EntryKind, RecordError, Transfer,
};
use subsidy_ledger::log::signer::{Signer, SignerStatus};
use subsidy_ledger::party::{self, NewParty};
use subsidy_ledger::telemetry;
use subsidy_ledger::types::{Amount, Code, Currency, FiscalYear, Money, PartyId, Zone, ZoneTime};
use subsidy_ledger::zone::{self, NewPerson, ZoneError};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::kit::TestDb;

pub(super) fn noon() -> DateTime<Utc> {
    "2026-03-01T04:00:00Z".parse().unwrap()
}

/// One zone, `SH`, with the person `ann`, who provides services.
pub(super) struct Service {
    pub(super) db: TestDb,
    pub(super) app: Arc<App>,
    pub(super) zone: Zone,
    pub(super) signer: Signer,
    pub(super) status: watch::Sender<SignerStatus>,
    system: Actor,
    _keys: tempfile::TempDir,
}

/// What the service answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The status and the problem's code; a failure if the body is no problem.
    pub(super) fn problem(&self) -> (u16, String) {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text()
        );
        let body = self.json();
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(body["request_id"], self.header("x-request-id"));
        let code = body["code"].as_str().unwrap();
        assert_eq!(body["type"], format!("urn:subsidy-ledger:problem:{code}"));
        (self.status.as_u16(), code.to_owned())
    }
}

impl Service {
    pub(super) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        let db = TestDb::new().await;
        let (zone, system) = found_zone(&db, "SH", "上海张江", "Shanghai Zhangjiang").await;
        let keys = tempfile::tempdir().unwrap();
        let mut conn = db.app().pool().begin().await.unwrap();
        db::enter_zone(&mut conn, zone.id).await.unwrap();
        let signer = Signer::open(&mut conn, zone.id, keys.path()).await.unwrap();
        conn.commit().await.unwrap();
        let (status, seen) = watch::channel(SignerStatus::Signing { seen_at: noon() });
        let view = ZoneSigner {
            key: signer.verifier(),
            status: seen,
        };
        let app = App::new(Settings {
            database: db.app().clone(),
            clock: Clock::Fixed(noon()),
            signers: HashMap::from([(zone.id, view)]),
            metrics: telemetry::start_metrics(),
            limits,
        });
        Self {
            db,
            app,
            zone,
            signer,
            status,
            system,
            _keys: keys,
        }
    }

    /// Enrols a person with one role.
    pub(super) async fn enrol(&self, login: &str, role: Role) {
        let input = (
            self.zone.clone(),
            self.system.clone(),
            login.to_owned(),
            role,
        );
        self.db
            .app()
            .write(self.zone.id, input, |conn, (zone, system, login, role)| {
                Box::pin(async move {
                    let command = Command {
                        zone,
                        actor: system,
                        now: noon(),
                        key: None,
                    };
                    let person = NewPerson {
                        login: login.parse().unwrap(),
                        name: "Ann".parse().unwrap(),
                        party: None,
                        roles: BTreeSet::from([*role]),
                    };
                    zone::enrol(conn, &command, person).await?;
                    Ok::<_, ZoneError>(())
                })
            })
            .await
            .unwrap();
    }

    /// Registers a party.
    pub(super) async fn register(&self, new: NewParty) -> PartyId {
        let input = (self.zone.clone(), self.system.clone(), new);
        let registered = self
            .db
            .app()
            .write(self.zone.id, input, |conn, (zone, system, new)| {
                Box::pin(async move {
                    let command = Command {
                        zone,
                        actor: system,
                        now: noon(),
                        key: None,
                    };
                    party::register(conn, &command, slice::from_ref(new)).await
                })
            });
        registered.await.unwrap()[0].party
    }

    /// Records one entry with these transfers of whole yuan.
    pub(super) async fn record(&self, transfers: &[(AccountCode, AccountCode, i64)], line: Line) {
        let address = |code| line.address(code);
        let transfers: Vec<Transfer> = transfers
            .iter()
            .map(|(debit, credit, yuan)| {
                let amount = Amount::new(Money::from_minor(yuan * 100)).unwrap();
                Transfer::new(address(*debit), address(*credit), amount).unwrap()
            })
            .collect();
        let entry = Entry {
            actor: self.system.person,
            kind: EntryKind("test.recorded"),
            effective: NaiveDate::from_ymd_opt(2026, 3, 1).unwrap(),
            subject: None,
            details: Details::new(&"a test").unwrap(),
            transfers,
            effect: Effect::Ordinary,
            idempotency: None,
        };
        self.db
            .app()
            .write(
                self.zone.id,
                (self.zone.clone(), entry),
                |conn, (zone, entry)| {
                    Box::pin(async move {
                        journal::record_one(conn, zone, noon(), entry.clone()).await?;
                        Ok::<_, RecordError>(())
                    })
                },
            )
            .await
            .unwrap();
    }

    /// Signs the log's head.
    pub(super) async fn sign(&self) {
        let mut tx = self.db.app().pool().begin().await.unwrap();
        db::enter_zone(&mut tx, self.zone.id).await.unwrap();
        self.signer.sign_head(&mut tx, noon()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Sends a request as it is, except that it gets a `Host` if it has none.
    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        ask(&self.app, request).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap())
            .await
    }
}

/// Sends a request as it is, except that it gets a `Host` if it has none.
pub(super) async fn ask(app: &Arc<App>, mut request: Request<Body>) -> Answer {
    let localhost = header::HeaderValue::from_static("localhost:8080");
    request
        .headers_mut()
        .entry(header::HOST)
        .or_insert(localhost);
    let response = router(Arc::clone(app)).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

/// A zone of its own, in CNY.
pub(super) async fn found_zone(db: &TestDb, code: &str, zh: &str, en: &str) -> (Zone, Actor) {
    let new = NewZone {
        code: code.parse().unwrap(),
        name_zh: zh.parse().unwrap(),
        name_en: en.parse().unwrap(),
        currency: Currency::Cny,
        time: ZoneTime::default(),
        origin: format!("log.example/{}", code.to_lowercase()),
    };
    db.app()
        .write(None, new, |conn, new| {
            Box::pin(zone::found(conn, noon(), new.clone()))
        })
        .await
        .unwrap()
}

/// Whose accounts a test posts to.
#[derive(Clone, Default)]
pub(super) struct Line(pub(super) Option<(Code, FiscalYear)>);

impl Line {
    pub(super) fn of(programme: &str, year: i16) -> Self {
        Self(Some((programme.parse().unwrap(), FiscalYear(year))))
    }

    fn address(&self, code: AccountCode) -> Address {
        let address = Address::new(code, Currency::Cny);
        match &self.0 {
            // Appropriations and what is not allocated belong to the zone's year, not to a programme.
            Some((_, year)) if matches!(code, AccountCode::B10 | AccountCode::B20) => {
                address.year(*year)
            }
            Some((programme, year)) => address.programme(programme).year(*year),
            None => address,
        }
    }
}
