//! Recording order and clock time, and what a caller may ask for at the edges.

use chrono::Duration;
use subsidy_ledger::journal::{
    AccountCode, AsOf, Idempotency, RecordError, Refusal, account_balance, size_at, statement,
};
use subsidy_ledger::types::{FiscalYear, LogIndex, Money};

use super::{Office, account, appropriate, noon, transfer};
use crate::kit::TestDb;

#[tokio::test]
async fn recorded_time_never_goes_back_though_the_clock_does() {
    let db = TestDb::new().await;
    let office = Office::new(db.app(), "CLOCK").await;
    let mut recorded = Vec::new();
    for seconds in [10, 5, 20, -400 * 86_400, 20] {
        let now = noon() + Duration::seconds(seconds) + Duration::nanoseconds(1_500);
        let outcomes = office
            .record(now, vec![office.entry(vec![appropriate(1)])])
            .await;
        recorded.extend(
            outcomes
                .unwrap()
                .into_iter()
                .map(|outcome| outcome.unwrap().at),
        );
    }
    let microsecond = Duration::microseconds(1);
    let expected = [10, 10, 20, 20, 20].map(|at| noon() + Duration::seconds(at) + microsecond);
    assert_eq!(recorded, expected);

    // Entries of one instant are all in, or none: index 0 founded the zone.
    let mut tx = office.reader().await;
    for (instant, size) in [
        (noon() - microsecond, 0),
        (noon(), 1),
        (expected[0] - microsecond, 1),
        (expected[0], 3),
        (expected[2] - microsecond, 3),
        (expected[2], 6),
        (expected[2] + Duration::days(9_999), 6),
    ] {
        let as_of = AsOf::Recorded(instant);
        assert_eq!(
            size_at(&mut tx, office.zone.id, as_of).await.unwrap(),
            size,
            "{instant}"
        );
        let b20 = account(AccountCode::B20);
        let balance = account_balance(&mut tx, office.zone.id, &b20, as_of)
            .await
            .unwrap();
        assert_eq!(
            balance.balance,
            Money::from_minor((size - 1).max(0)),
            "{instant}"
        );
    }
    for (asked, size) in [(-1, 0), (0, 0), (4, 4), (i64::MAX, 6)] {
        let as_of = AsOf::Size(asked);
        assert_eq!(size_at(&mut tx, office.zone.id, as_of).await.unwrap(), size);
    }
}

#[tokio::test]
async fn the_year_ends_at_midnight_of_the_zone() {
    let db = TestDb::new().await;
    let office = Office::new(db.app(), "YEAR").await;
    let day = |text: &str| office.zone.time.day(text.parse().unwrap());
    let (last, first) = (
        day("2020-12-31T15:59:59.999999Z"),
        day("2020-12-31T16:00:00Z"),
    );
    assert_eq!(FiscalYear::of(last), FiscalYear(2020));
    assert_eq!(FiscalYear::of(first), FiscalYear(2021));
}

#[tokio::test]
async fn pages_of_a_statement_hold_whole_entries_and_end_where_it_ends() {
    let db = TestDb::new().await;
    let office = Office::new(db.app(), "PAGES").await;
    let (b10, b20, b30) = (
        account(AccountCode::B10),
        account(AccountCode::B20),
        account(AccountCode::B30),
    );
    // Both sides of one account within one entry, more often than a page has lines.
    let both = || {
        office.entry(vec![
            transfer(&b10, &b20, 10),
            transfer(&b20, &b30, 4),
            transfer(&b30, &b20, 1),
            transfer(&b20, &b30, 7),
        ])
    };
    office.accept(vec![both(), both()]).await;
    let mut tx = office.reader().await;
    for limit in [0, 1, 3, 4] {
        let zone = office.zone.id;
        let first = statement(&mut tx, zone, &b20, LogIndex(0), limit)
            .await
            .unwrap();
        let balances: Vec<i64> = first
            .lines
            .iter()
            .map(|line| line.balance.minor())
            .collect();
        assert_eq!(balances, [10, 6, 7, 0], "limit {limit}");
        assert_eq!(first.next, Some(LogIndex(2)));
        let second = statement(&mut tx, zone, &b20, LogIndex(2), limit)
            .await
            .unwrap();
        assert_eq!((second.lines.len(), second.next), (4, None));
    }
    let all = statement(&mut tx, office.zone.id, &b20, LogIndex(0), 8)
        .await
        .unwrap();
    assert_eq!((all.lines.len(), all.next), (8, None));
    let beyond = statement(&mut tx, office.zone.id, &b20, LogIndex(3), 8)
        .await
        .unwrap();
    assert_eq!((beyond.lines.len(), beyond.next), (0, None));
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name() {
    let db = TestDb::new().await;
    let office = Office::new(db.app(), "FIT").await;
    let (b10, b20, b30) = (
        account(AccountCode::B10),
        account(AccountCode::B20),
        account(AccountCode::B30),
    );
    let with_key = |key: String| {
        let mut entry = office.entry(vec![appropriate(1)]);
        entry.idempotency = Some(Idempotency::new(key, "test", &()));
        entry
    };
    let refusals = office
        .record(
            noon(),
            vec![
                // More transfers than `position` counts are more bytes than a leaf has.
                office.entry(vec![appropriate(1); 32_769]),
                office.entry(vec![appropriate(i64::MAX), appropriate(1)]),
                with_key(String::new()),
                with_key("键".repeat(256)),
                with_key("a\0b".into()),
            ],
        )
        .await
        .unwrap();
    let refusals: Vec<Refusal> = refusals.into_iter().map(Result::unwrap_err).collect();
    assert!(matches!(refusals[0], Refusal::Body(_)));
    assert_eq!(refusals[1], Refusal::OutOfRange(Box::new(b10.clone())));
    assert_eq!(
        refusals[2..],
        [Refusal::KeyForm, Refusal::KeyForm, Refusal::KeyForm]
    );
    office.accept(vec![with_key("键".repeat(255))]).await;

    // Two accounts of one code, each in range, whose total is not: within a batch, and over two.
    let other = b20
        .clone()
        .party(subsidy_ledger::types::PartyId::generate());
    let other_b10 = b10.party(subsidy_ledger::types::PartyId::generate());
    let half = i64::MAX / 2 + 1;
    let halves = vec![
        office.entry(vec![appropriate(half)]),
        office.entry(vec![transfer(&other_b10, &other, half)]),
    ];
    let within = office.record(noon(), halves.clone()).await;
    assert!(
        matches!(within, Err(RecordError::TotalsOutOfRange(_))),
        "{within:?}"
    );
    office.accept(vec![halves[0].clone()]).await;
    let over_two = office.record(noon(), vec![halves[1].clone()]).await;
    assert!(
        matches!(over_two, Err(RecordError::TotalsOutOfRange(_))),
        "{over_two:?}"
    );
    let after = office.entry(vec![transfer(&b20, &b30, half)]);
    office.accept(vec![after]).await;
}
