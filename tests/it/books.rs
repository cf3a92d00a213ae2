//! A small zone with something in each of the four books, written through the journal.

use chrono::{DateTime, Utc};
use subsidy_ledger::identity::Actor;
use subsidy_ledger::identity::store::NewZone;
use subsidy_ledger::journal::{
    self, Address, Details, Effect, Entry, EntryKind, RecordError, Transfer,
};
use subsidy_ledger::types::{Amount, Currency, LogIndex, Money, Zone};
use subsidy_ledger::zone::{self, ZoneError};

use crate::kit::TestDb;

pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Founds a zone in a currency.
pub(crate) async fn found(db: &TestDb, code: &str, currency: Currency) -> (Zone, Actor) {
    let new = NewZone {
        code: code.parse().unwrap(),
        name_zh: "示范高新区".parse().unwrap(),
        name_en: "Demonstration \"zone\"".parse().unwrap(),
        currency,
        time: subsidy_ledger::types::ZoneTime::default(),
        origin: format!("example.org/{}", code.to_lowercase()),
    };
    let founded: Result<_, ZoneError> = db
        .app()
        .write(None, new, |tx, new| {
            Box::pin(zone::found(
                tx,
                instant("2020-01-01T00:00:00Z"),
                new.clone(),
            ))
        })
        .await;
    founded.unwrap()
}

const PARTY: &str = "0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11";
const VOUCHER: &str = "0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e12";

/// Debit, credit, amount.
type Moved = (&'static str, &'static str, &'static str);

/// A year of one voucher: day, kind, and what moves. `P` is the party, `V` the voucher.
const YEAR: &[(&str, &str, &[Moved])] = &[
    (
        "2020-01-02",
        "budget.appropriated",
        &[
            ("B10:CNY::2020", "B20:CNY::2020", "1000000.00"),
            ("F1010:CNY", "F3010:CNY", "1000000.00"),
        ],
    ),
    (
        "2020-01-02",
        "budget.allocated",
        &[("B20:CNY::2020", "B30:CNY:SH-2020:2020", "600000.00")],
    ),
    (
        "2020-02-28",
        "voucher.issued",
        &[
            (
                "B30:CNY:SH-2020:2020",
                "B40:CNY:SH-2020:2020::V",
                "150000.00",
            ),
            ("Q10:CNY::2020:P", "Q20:CNY::2020:P", "500000.00"),
            ("Q20:CNY::2020:P", "Q30:CNY::2020:P", "150000.00"),
        ],
    ),
    (
        "2020-03-01",
        "voucher.held",
        &[(
            "B40:CNY:SH-2020:2020::V",
            "B50:CNY:SH-2020:2020::V",
            "100000.00",
        )],
    ),
    (
        "2020-03-05",
        "voucher.released",
        &[(
            "B50:CNY:SH-2020:2020::V",
            "B40:CNY:SH-2020:2020::V",
            "10000.00",
        )],
    ),
    (
        "2020-03-05",
        "voucher.redeemed",
        &[
            (
                "B50:CNY:SH-2020:2020::V",
                "B60:CNY:SH-2020:2020",
                "80000.01",
            ),
            ("F5010:CNY:SH-2020:2020", "F2010:CNY:::P", "80000.01"),
            (
                "B50:CNY:SH-2020:2020::V",
                "B40:CNY:SH-2020:2020::V",
                "9999.99",
            ),
        ],
    ),
    (
        "2020-03-31",
        "rent.billed",
        &[("M1010:CNY:::P", "M4010:CNY:::P", "38000.00")],
    ),
    (
        "2020-03-31",
        "rent.waived",
        &[("M5010:CNY:::P", "M1010:CNY:::P", "38000.00")],
    ),
    (
        "2020-04-01",
        "batch.sent",
        &[("F2010:CNY:::P", "F1020:CNY", "80000.01")],
    ),
    (
        "2020-04-02",
        "payment.confirmed",
        &[
            ("F1020:CNY", "F1010:CNY", "80000.01"),
            ("B60:CNY:SH-2020:2020", "B70:CNY:SH-2020:2020", "80000.01"),
        ],
    ),
    (
        "2020-12-31",
        "voucher.expired",
        &[(
            "B40:CNY:SH-2020:2020::V",
            "B30:CNY:SH-2020:2020",
            "69999.99",
        )],
    ),
    (
        "2020-12-31",
        "budget.lapsed",
        &[("B30:CNY:SH-2020:2020", "B80:CNY:SH-2020:2020", "500000.00")],
    ),
];

fn transfer((debit, credit, amount): &Moved) -> Transfer {
    let address = |text: &str| -> Address {
        text.replace('P', PARTY)
            .replace('V', VOUCHER)
            .parse()
            .unwrap()
    };
    let amount = Money::parse(amount, Currency::Cny).unwrap();
    Transfer::new(
        address(debit),
        address(credit),
        Amount::new(amount).unwrap(),
    )
    .unwrap()
}

/// Plays [`YEAR`], with a mistake that is reversed on the same day.
pub(crate) async fn play_year(db: &TestDb, zone: &Zone, actor: &Actor) {
    let entry = |day: &str, kind, transfers, effect| Entry {
        actor: actor.person,
        kind: EntryKind(kind),
        effective: day.parse().unwrap(),
        subject: None,
        details: Details::new(&serde_json::json!({"note": "quote \" and = sign"})).unwrap(),
        transfers,
        effect,
        idempotency: None,
    };
    let mut entries: Vec<Entry> = YEAR
        .iter()
        .map(|(day, kind, moved)| {
            entry(
                day,
                kind,
                moved.iter().map(transfer).collect(),
                Effect::Ordinary,
            )
        })
        .collect();
    let mistake = transfer(&("B20:CNY::2020", "B30:CNY:SH-2020:2020", "7.00"));
    // The zone's founding is entry 0.
    let next = LogIndex(i64::try_from(entries.len()).unwrap() + 1);
    entries.push(entry(
        "2020-12-31",
        "budget.allocated",
        vec![mistake.clone()],
        Effect::Ordinary,
    ));
    let back = vec![mistake.reversed()];
    entries.push(entry(
        "2020-12-31",
        "entry.reversed",
        back,
        Effect::Reversing(next),
    ));
    let recorded: Result<Vec<_>, RecordError> = db
        .app()
        .write(zone.id, (zone.clone(), entries), |tx, (zone, entries)| {
            let now = instant("2021-01-05T00:00:00Z");
            Box::pin(journal::record(tx, zone, now, entries))
        })
        .await;
    for outcome in recorded.unwrap() {
        outcome.unwrap();
    }
}
