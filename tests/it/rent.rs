//! Leases, bills, waivers and deferrals against a real Postgres: every step of their lives, and what is refused.

mod commands;
pub(crate) mod play;

use std::sync::Arc;

use subsidy_ledger::rent::store::{self, DeferralFilter};
use subsidy_ledger::rent::{self, RentAnswer, WaiverState, Way};
use subsidy_ledger::types::{Money, Period};

use self::play::{RentPlay, give, give_all, month, outcome};
use crate::kit::scenario::{day, fen};

/// A lease `a` of 38,000 a month with other charges, billed from January to April.
async fn billed() -> RentPlay {
    let mut play = RentPlay::new().await;
    play.check(
        "day       | who | command | outcome | M1010 M1020 M1030 M4010 M5010
        2020-01-02 | c | lease a A-301 f 38000.00 2020-01-01 2020-12-31 property=7000.00 parking=5000.00 | added | 0 0 0 0 0
        2020-01-05 | c | bill a 2020-01 | billed 38000.00 days=31 | 38000 0 0 38000 0
        2020-02-05 | c | bill a 2020-02 | billed 38000.00 days=29 | 76000 0 0 76000 0
        2020-04-05 | c | bill a 2020-03 | billed 38000.00 days=31 | 114000 0 0 114000 0
        2020-04-05 | c | bill a 2020-04 | billed 38000.00 days=30 | 152000 0 0 152000 0",
    )
    .await;
    play
}

#[tokio::test]
async fn a_lease_is_let_billed_and_paid_month_by_month() {
    let mut play = billed().await;
    play.check(
        "day       | who      | command | outcome | M1010 M1030 M4010
        2020-04-06 | c        | bill a 2020-04 | refused ALREADY_BILLED | 152000 0 152000
        2020-04-06 | c        | bill a 2019-12 | refused NOT_WITHIN_LEASE | 152000 0 152000
        2020-04-06 | c        | bill a 2021-01 | refused NOT_WITHIN_LEASE | 152000 0 152000
        2020-04-06 | c        | pay a 0.00 | wrong amount | 152000 0 152000
        2020-04-06 | c        | pay a 50000 | wrong amount | 152000 0 152000
        2020-04-06 | c        | pay a 50000.00 | paid 50000.00 open=102000.00 | 102000 50000 152000
        2020-04-06 | c2       | pay a 38000.00 2020-04 | paid 38000.00 open=64000.00 | 64000 88000 152000
        2020-04-06 | c        | pay a 0.01 2020-04 | refused MORE_THAN_OPEN | 64000 88000 152000
        2020-04-06 | c        | pay a 0.01 2020-05 | refused NOT_BILLED | 64000 88000 152000
        2020-04-06 | c        | pay a 64000.01 | refused MORE_THAN_OPEN | 64000 88000 152000
        2020-04-06 | clerk    | pay a 64000.00 | paid 64000.00 open=0.00 | 0 152000 152000
        2020-04-06 | reviewer | pay a 1.00 | forbidden | 0 152000 152000",
    )
    .await;
}

#[tokio::test]
async fn leases_are_of_known_parties_and_no_unit_is_let_twice() {
    let mut play = RentPlay::new().await;
    play.check(
        "day       | who      | command | outcome
        2020-01-02 | c        | lease a A-301 f 100.00 2020-01-16 2020-06-30 | added
        2020-01-02 | c        | lease b A-301 g 100.00 2020-06-30 2020-12-31 | refused PREMISES_TAKEN
        2020-01-02 | c        | lease b A-301 g 100.00 2019-01-01 2020-01-16 | refused PREMISES_TAKEN
        2020-01-02 | c        | lease b A-301 g 100.00 2020-07-01 2020-12-31 | added
        2020-01-02 | c        | lease e A-301 g 100.00 2020-01-01 2020-01-15 | added
        2020-01-02 | d        | lease o A-301 g 100.00 2020-07-01 2020-12-31 carrier=d | added
        2020-01-02 | d        | lease x A-302 g 100.00 2020-07-01 2020-12-31 | unknown carrier
        2020-01-02 | c        | lease x A-302 nobody 100.00 2020-07-01 2020-12-31 | unknown tenant
        2020-01-02 | clerk    | lease x A-302 g 100.00 2020-07-01 2020-12-31 carrier=f | unknown carrier
        2020-01-02 | c        | lease x A-302 c 100.00 2020-07-01 2020-12-31 | wrong tenant
        2020-01-02 | c        | lease x A-302 g 100.00 2020-07-01 2020-06-30 | wrong until
        2020-01-02 | c        | lease x A-302 g 0.00 2020-07-01 2020-12-31 | wrong rent
        2020-01-02 | c        | lease x A-302 g 1.00 2020-07-01 2020-12-31 parking=5 | wrong parking
        2020-01-02 | manager  | lease x A-302 g 1.00 2020-07-01 2020-12-31 | forbidden
        2020-01-02 | f        | lease x A-302 g 1.00 2020-07-01 2020-12-31 | forbidden
        2020-02-01 | c        | bill a 2020-01 | billed 51.61 days=16
        2020-02-01 | c        | end a 2020-01-30 | refused NOT_WITHIN_LEASE
        2020-02-01 | c        | end a 2020-07-01 | refused NOT_WITHIN_LEASE
        2020-02-01 | d        | end a 2020-03-15 | unknown lease
        2020-02-01 | c        | end a 2020-03-15 | ended
        2020-02-01 | c        | lease z A-301 g 100.00 2020-03-16 2020-06-30 | added
        2020-04-01 | c        | bill a 2020-03 | billed 48.39 days=15
        2020-04-01 | c        | bill a 2020-04 | refused NOT_WITHIN_LEASE",
    )
    .await;
}

/// Worked case R11: the base is the rent alone.
#[tokio::test]
async fn a_waiver_goes_from_the_carrier_to_tenant_audit_and_claim() {
    let mut play = billed().await;
    play.check(
        "day       | who       | command | outcome | M1010 M1030 M5010
        2020-04-10 | c         | waive w a full reduction 2020-02 | declared 38000.00 | 114000 0 38000
        2020-04-10 | reviewer  | claim w | refused WRONG_STATE | 114000 0 38000
        2020-04-10 | reviewer  | audit w 38000.00 | refused WRONG_STATE | 114000 0 38000
        2020-04-10 | reviewer  | settle w 38000.00 | refused WRONG_STATE | 114000 0 38000
        2020-04-11 | g         | confirm w 38000.00 | unknown waiver | 114000 0 38000
        2020-04-11 | clerk     | confirm w 38000.00 | wrong --as | 114000 0 38000
        2020-04-11 | c2        | confirm w 38000.00 | wrong --as | 114000 0 38000
        2020-04-11 | reviewer  | confirm w 38000.00 | forbidden | 114000 0 38000
        2020-04-11 | f         | confirm w 38000.00 evidence=nothing | wrong evidence | 114000 0 38000
        2020-04-11 | f         | confirm w 38000.00 | confirmed 38000.00 | 114000 0 38000
        2020-04-11 | f2        | confirm w 38000.00 | refused WRONG_STATE | 114000 0 38000
        2020-04-12 | c         | audit w 38000.00 | forbidden | 114000 0 38000
        2020-04-12 | reviewer  | audit w 38000.01 | refused MORE_THAN_CONFIRMED | 114000 0 38000
        2020-04-12 | reviewer  | audit w 38000.00 | audited 38000.00 compensable=true | 114000 0 38000
        2020-04-12 | reviewer2 | audit w 38000.00 | refused WRONG_STATE | 114000 0 38000
        2020-04-13 | c         | claim w | forbidden | 114000 0 38000
        2020-04-13 | manager   | claim w | claimed 38000.00 | 114000 0 38000
        2020-04-13 | manager   | claim w | refused CLAIMED | 114000 0 38000
        2020-04-13 | c         | void w | refused CLAIMED | 114000 0 38000",
    )
    .await;
    // Nothing of it is public money.
    let balances = play.world.balances().await;
    assert!(
        balances.keys().all(|code| code.starts_with('M')),
        "{balances:?}"
    );
}

/// Worked case R7: February free, March and April half, and the base that a claim finds.
#[tokio::test]
async fn full_and_half_months_and_other_measures() {
    let mut play = RentPlay::new().await;
    play.check(
        "day       | who      | command | outcome | M1010 M1030 M5010
        2020-01-02 | c        | lease a A-301 f 100000.00 2020-01-01 2020-12-31 | added | 0 0 0
        2020-05-01 | c        | waive w a full reduction 2020-02 | refused NOT_BILLED | 0 0 0
        2020-05-01 | c        | bill a 2020-02 | billed 100000.00 days=29 | 100000 0 0
        2020-05-01 | c        | bill a 2020-03 | billed 100000.00 days=31 | 200000 0 0
        2020-05-01 | c        | bill a 2020-04 | billed 100000.00 days=30 | 300000 0 0
        2020-05-02 | c        | waive w a full reduction 2020-02 | declared 100000.00 | 200000 0 100000
        2020-05-02 | c        | waive h a half reduction 2020-03..2020-04 | declared 100000.00 | 100000 0 200000
        2020-05-02 | c        | waive x a share:10001 reduction 2020-03 | wrong share | 100000 0 200000
        2020-05-02 | c        | waive x a share:3333 reduction 2020-03 | declared 33330.00 | 66670 0 233330
        2020-05-02 | c        | void x | voided | 100000 0 200000
        2020-05-02 | c        | void x | refused WRONG_STATE | 100000 0 200000
        2020-05-02 | c        | waive x a full reduction 2020-03 | refused MORE_THAN_OPEN | 100000 0 200000
        2020-05-02 | c        | waive x a amount:60000.00 reduction 2020-03..2020-04 | declared 60000.00 | 40000 0 260000
        2020-05-02 | c        | void x | voided | 100000 0 200000
        2020-05-02 | c        | waive x a amount:100000.01 reduction 2020-03..2020-04 | refused MORE_THAN_OPEN | 100000 0 200000
        2020-05-02 | c        | waive x a half reduction 2020-04..2020-03 | wrong until | 100000 0 200000
        2020-05-02 | d        | waive x a half reduction 2020-03 | unknown lease | 100000 0 200000
        2020-05-02 | c        | waive x a half reduction 2020-03 landlord=1.00 | refused NOT_SUBLET | 100000 0 200000
        2020-05-02 | c        | waive x a months:1 reduction 2020-03 | wrong way | 100000 0 200000
        2020-05-02 | c        | waive x a half reduction 2020-03 against=2020-04 | wrong against | 100000 0 200000
        2020-05-02 | c        | waive x a half offset 2020-03 | wrong against | 100000 0 200000
        2020-05-02 | c        | waive x a half offset 2020-03 against=2020-03 | wrong against | 100000 0 200000
        2020-05-03 | f        | confirm w 100000.00 | confirmed 100000.00 | 100000 0 200000
        2020-05-03 | f        | confirm h 100000.00 | confirmed 100000.00 | 100000 0 200000
        2020-05-04 | reviewer | audit w 100000.00 | audited 100000.00 compensable=true | 100000 0 200000
        2020-05-04 | reviewer | audit h 100000.00 | audited 100000.00 compensable=true | 100000 0 200000",
    )
    .await;
    for (from, until, base) in [
        ("2020-02-01", "2020-05-01", 200_000),
        ("2020-02-01", "2020-04-30", 150_000),
        ("2020-02-02", "2020-05-01", 100_000),
        ("2021-01-01", "2021-05-01", 0),
    ] {
        let found = relief(&play, "c", from, until).await;
        assert_eq!(
            found.base(),
            Money::from_minor(fen(base)),
            "{from} {until}: {found:?}"
        );
    }
    assert_eq!(
        relief(&play, "d", "2020-01-01", "2021-01-01").await,
        rent::ReliefForClaim::default()
    );
}

async fn relief(play: &RentPlay, carrier: &str, from: &str, until: &str) -> rent::ReliefForClaim {
    let window = Period::new(day(from), Some(day(until))).unwrap();
    let input = (play.world.zone.id, play.world.parties[carrier], window);
    let found = play
        .world
        .db
        .app()
        .read(input.0, input, |conn, (zone, carrier, window)| {
            Box::pin(rent::relief_for_claim(conn, *zone, *carrier, window))
        });
    let found: Result<_, sqlx::Error> = found.await;
    found.unwrap()
}

/// Worked case R12: relief that the carrier's own landlord gave does not count.
#[tokio::test]
async fn the_landlord_s_part_is_not_counted_twice() {
    let mut play = RentPlay::new().await;
    play.check(
        "day       | who      | command | outcome
        2020-01-02 | c        | lease a A-1 f 600000.00 2020-01-01 2020-12-31 sublet=yes | added
        2020-03-01 | c        | bill a 2020-02 | billed 600000.00 days=29
        2020-03-02 | c        | waive w a full reduction 2020-02 landlord=600000.01 | refused LANDLORD_ABOVE
        2020-03-02 | c        | waive w a full reduction 2020-02 landlord=250000.00 | declared 600000.00
        2020-03-03 | f        | confirm w 600000.00 | confirmed 600000.00
        2020-03-04 | reviewer | audit w 600000.00 | audited 600000.00 compensable=true",
    )
    .await;
    let found = relief(&play, "c", "2020-02-01", "2020-03-01").await;
    assert_eq!(found.base(), Money::from_minor(fen(350_000)));
    play.check(
        "day       | who     | command | outcome
        2020-03-05 | manager | claim w | claimed 350000.00",
    )
    .await;
    assert_eq!(
        relief(&play, "c", "2020-02-01", "2020-03-01").await.reliefs,
        []
    );
}

/// Worked case R17, in both directions.
#[tokio::test]
async fn a_mismatch_blocks_until_a_reviewer_settles_it() {
    let mut play = RentPlay::new().await;
    play.check(
        "day       | who       | command | outcome | M1010 M5010
        2020-01-02 | c         | lease a A-1 f 50000.00 2020-01-01 2020-12-31 | added | 0 0
        2020-03-01 | c         | bill a 2020-02 | billed 50000.00 days=29 | 50000 0
        2020-03-01 | c         | bill a 2020-03 | billed 50000.00 days=31 | 100000 0
        2020-03-02 | c         | waive w a full reduction 2020-02..2020-03 | declared 100000.00 | 0 100000
        2020-03-03 | f         | confirm w 80000.00 | mismatched 80000.00 | 0 100000
        2020-03-04 | reviewer  | audit w 80000.00 | refused TENANT_MISMATCH | 0 100000
        2020-03-04 | manager   | claim w | refused TENANT_MISMATCH | 0 100000",
    )
    .await;
    let found = relief(&play, "c", "2020-02-01", "2020-04-01").await;
    assert_eq!(found.reliefs, []);
    assert_eq!(found.waiting[0].state, WaiverState::Mismatched);
    play.check(
        "day       | who       | command | outcome | M1010 M5010
        2020-03-04 | reviewer  | settle w 80000.01 | refused MORE_THAN_CONFIRMED | 0 100000
        2020-03-04 | manager   | settle w 80000.00 | forbidden | 0 100000
        2020-03-04 | reviewer  | settle w 80000.00 | settled 80000.00 | 20000 80000
        2020-03-04 | reviewer  | settle w 80000.00 | refused WRONG_STATE | 20000 80000
        2020-03-05 | reviewer  | audit w 80000.00 | refused SEGREGATION | 20000 80000
        2020-03-05 | manager   | audit w 70000.00 | audited 70000.00 compensable=true | 20000 80000",
    )
    .await;
    // What was settled and audited away is the end of March.
    let february = relief(&play, "c", "2020-02-01", "2020-03-01").await;
    assert_eq!(february.base(), Money::from_minor(fen(50_000)));
    let both = relief(&play, "c", "2020-02-01", "2020-04-01").await;
    assert_eq!(both.base(), Money::from_minor(fen(70_000)));
    assert!(both.reliefs[0].is_settled);
    // A tenant that states more gets no more.
    play.check(
        "day       | who       | command | outcome | M1010 M5010
        2020-03-06 | c         | void w | voided | 100000 0
        2020-03-06 | c         | waive v a full reduction 2020-02 | declared 50000.00 | 50000 50000
        2020-03-06 | f         | confirm v 60000.00 | mismatched 60000.00 | 50000 50000
        2020-03-06 | reviewer  | settle v 50000.00 | settled 50000.00 | 50000 50000
        2020-03-06 | manager   | audit v 50000.00 compensable=no | audited 50000.00 compensable=false | 50000 50000
        2020-03-06 | manager   | claim v | refused WRONG_STATE | 50000 50000
        2020-03-06 | d         | void v | unknown waiver | 50000 50000
        2020-03-06 | f         | void v | forbidden | 50000 50000
        2020-03-06 | c2        | void v | voided | 100000 0",
    )
    .await;
}

/// What a tenant mistyped is stated again, by either of its persons, until somebody rests on it; every statement is an entry.
#[tokio::test]
async fn a_tenant_corrects_what_it_stated() {
    let mut play = RentPlay::new().await;
    play.check(
        "day       | who       | command | outcome | M1010 M5010
        2020-01-02 | c         | lease a A-1 f 50000.00 2020-01-01 2020-12-31 | added | 0 0
        2020-03-01 | c         | bill a 2020-02 | billed 50000.00 days=29 | 50000 0
        2020-03-01 | c         | bill a 2020-03 | billed 50000.00 days=31 | 100000 0
        2020-03-02 | c         | waive w a full reduction 2020-02 | declared 50000.00 | 50000 50000
        2020-03-03 | f         | confirm w 5000.00 | mismatched 5000.00 | 50000 50000
        2020-03-03 | f         | confirm w 5000.00 | refused WRONG_STATE | 50000 50000
        2020-03-03 | f2        | confirm w 500.00 | mismatched 500.00 | 50000 50000
        2020-03-04 | f         | confirm w 50000.00 | confirmed 50000.00 | 50000 50000
        2020-03-04 | reviewer  | settle w 5000.00 | refused WRONG_STATE | 50000 50000
        2020-03-04 | f         | confirm w 49000.00 | mismatched 49000.00 | 50000 50000
        2020-03-05 | f         | confirm w 50000.00 | confirmed 50000.00 | 50000 50000
        2020-03-06 | reviewer  | audit w 50000.00 | audited 50000.00 compensable=true | 50000 50000
        2020-03-07 | f         | confirm w 49000.00 | refused WRONG_STATE | 50000 50000
        2020-03-08 | c         | waive v a full reduction 2020-03 | declared 50000.00 | 0 100000
        2020-03-08 | f         | confirm v 4000.00 | mismatched 4000.00 | 0 100000
        2020-03-09 | reviewer  | settle v 4000.00 | settled 4000.00 | 46000 54000
        2020-03-09 | f         | confirm v 50000.00 | refused WRONG_STATE | 46000 54000",
    )
    .await;
}

/// Who declared can't confirm, settle or audit, with any roles.
#[tokio::test]
async fn four_eyes_on_every_waiver() {
    let mut play = RentPlay::new().await;
    let tenant = play.world.parties["f"];
    Arc::get_mut(&mut play.world)
        .unwrap()
        .enrol("both", crate::kit::scenario::EVERY_DUTY, Some(tenant))
        .await;
    play.check(
        "day       | who       | command | outcome
        2020-01-02 | all       | lease a A-1 f 100.00 2020-01-01 2020-12-31 | added
        2020-03-01 | all       | bill a 2020-02 | billed 100.00 days=29
        2020-03-02 | all       | waive w a full reduction 2020-02 | declared 100.00
        2020-03-03 | all       | confirm w 90.00 | wrong --as
        2020-03-03 | both      | confirm w 90.00 | mismatched 90.00
        2020-03-03 | all       | settle w 90.00 | refused SEGREGATION
        2020-03-03 | both      | settle w 90.00 | wrong --as
        2020-03-03 | reviewer  | settle w 90.00 | settled 90.00
        2020-03-03 | all       | audit w 90.00 | refused SEGREGATION
        2020-03-03 | both      | audit w 90.00 | wrong --as
        2020-03-03 | both      | void w | wrong --as
        2020-03-03 | reviewer2 | audit w 90.00 | audited 90.00 compensable=true",
    )
    .await;
}

#[tokio::test]
async fn refunds_and_offsets_give_back_what_was_paid() {
    let mut play = billed().await;
    play.check(
        "day       | who | command | outcome | M1010 M1030 M5010
        2020-04-10 | c | waive r a full refund 2020-01 | refused MORE_THAN_PAID | 152000 0 0
        2020-04-10 | c | pay a 76000.00 | paid 76000.00 open=76000.00 | 76000 76000 0
        2020-04-10 | c | waive r a half refund 2020-01 | declared 19000.00 | 76000 57000 19000
        2020-04-10 | c | waive o a full offset 2020-02 against=2020-03,2020-04 | declared 38000.00 | 38000 57000 57000
        2020-04-10 | c | waive p a half offset 2020-03 against=2020-04 | declared 19000.00 | 19000 57000 76000
        2020-04-10 | c | void o | refused MOVED_ON | 19000 57000 76000
        2020-04-10 | c | void p | voided | 38000 57000 57000
        2020-04-10 | c | void o | voided | 76000 57000 19000
        2020-04-11 | f | confirm r 10000.00 | mismatched 10000.00 | 76000 57000 19000
        2020-04-12 | reviewer | settle r 10000.00 | settled 10000.00 | 76000 66000 10000
        2020-04-12 | c | void r | voided | 76000 76000 0",
    )
    .await;
}

#[tokio::test]
async fn an_extension_makes_the_lease_longer_and_free_of_rent() {
    let mut play = RentPlay::new().await;
    play.check(
        "day       | who | command | outcome | M1010 M4010 M5010
        2020-01-02 | c | lease a A-1 f 100.00 2020-01-01 2020-06-30 property=10.00 | added | 0 0 0
        2020-01-02 | c | lease b A-1 g 100.00 2020-09-01 2020-12-31 | added | 0 0 0
        2020-03-02 | c | waive w a months:3 extension | refused PREMISES_TAKEN | 0 0 0
        2020-03-02 | c | waive w a months:2 extension 2020-03 | wrong from | 0 0 0
        2020-03-02 | c | waive w a months:2 extension | declared 200.00 | 0 200 200
        2020-03-02 | c | lease x A-1 g 100.00 2020-08-31 2020-08-31 | refused PREMISES_TAKEN | 0 200 200
        2020-03-02 | c | end a 2020-05-31 | refused EXTENDED | 0 200 200
        2020-03-02 | f | confirm w 150.00 | mismatched 150.00 | 0 200 200
        2020-03-02 | reviewer | settle w 150.00 | settled 150.00 | 0 150 150
        2020-07-01 | c | bill a 2020-07 | billed 0.00 days=31 | 0 150 150
        2020-07-01 | c | bill a 2020-09 | refused NOT_WITHIN_LEASE | 0 150 150
        2020-07-01 | c | void w | refused MOVED_ON | 0 150 150
        2020-07-01 | c | waive v b months:1 extension | declared 100.00 | 0 250 250
        2020-07-01 | c | void v | voided | 0 150 150
        2020-07-01 | manager | audit w 150.00 | audited 150.00 compensable=true | 0 150 150",
    )
    .await;
    let found = relief(&play, "c", "2020-07-01", "2020-08-01").await;
    assert_eq!(
        (found.reliefs[0].way, found.base()),
        (Way::Extension, Money::from_minor(fen(150)))
    );
}

#[tokio::test]
async fn a_deferral_is_paid_in_instalments_that_add_up() {
    let mut play = billed().await;
    play.check(
        "day       | who | command | outcome | M1010 M1020 M1030
        2020-04-10 | c | defer s a 2020-02..2020-05 count=6 first=2020-09-01 | refused NOT_BILLED | 152000 0 0
        2020-04-10 | c | defer s a 2020-02..2020-03 amount=76000.01 count=6 first=2020-09-01 | refused MORE_THAN_OPEN | 152000 0 0
        2020-04-10 | c | defer s a 2020-02..2020-03 count=0 first=2020-09-01 | wrong instalments | 152000 0 0
        2020-04-10 | c | defer s a 2020-02..2020-03 due=2020-09-01:1.00 | wrong due | 152000 0 0
        2020-04-10 | d | defer s a 2020-02..2020-03 count=3 first=2020-09-01 | unknown lease | 152000 0 0
        2020-04-10 | c | defer s a 2020-02..2020-03 amount=70000.00 count=3 first=2020-09-01 | agreed 70000.00 2020-09-01:23333.34,2020-10-01:23333.33,2020-11-01:23333.33 | 82000 70000 0
        2020-09-01 | c | instalment s 0.00 | wrong amount | 82000 70000 0
        2020-09-01 | d | instalment s 1.00 | unknown deferral | 82000 70000 0
        2020-09-01 | f | instalment s 1.00 | forbidden | 82000 70000 0
        2020-09-01 | c | instalment s 30000.00 | paid 30000.00 open=40000.00 1:23333.34,2:6666.66 | 82000 40000 30000
        2020-10-01 | c | default s | refused NOT_OVERDUE | 82000 40000 30000
        2020-10-01 | c | instalment s 40000.01 | refused MORE_THAN_OPEN | 82000 40000 30000
        2020-10-02 | c | instalment s 40000.00 | paid 40000.00 open=0.00 2:16666.67,3:23333.33 | 82000 0 70000
        2020-10-02 | c | instalment s 0.01 | refused WRONG_STATE | 82000 0 70000
        2020-12-02 | c | default s | refused WRONG_STATE | 82000 0 70000
        2020-12-02 | c | convert s w | refused WRONG_STATE | 82000 0 70000
        2020-12-02 | c | defer t a 2020-02..2020-02 count=3 first=2021-01-01 | refused NOTHING_LEFT | 82000 0 70000",
    )
    .await;
    let whole_year = relief(&play, "c", "2020-01-01", "2022-01-01").await;
    assert_eq!(whole_year, rent::ReliefForClaim::default());
}

#[tokio::test]
async fn a_deferral_defaults_when_an_instalment_is_late() {
    let mut play = billed().await;
    play.check(
        "day       | who | command | outcome | M1010 M1020 M1030
        2020-04-10 | c | defer s a 2020-02 due=2020-09-01:20000.00,2020-12-01:18000.00 | agreed 38000.00 2020-09-01:20000.00,2020-12-01:18000.00 | 114000 38000 0
        2020-08-01 | c | instalment s 5000.00 | paid 5000.00 open=33000.00 1:5000.00 | 114000 33000 5000
        2020-09-01 | c | default s | refused NOT_OVERDUE | 114000 33000 5000",
    )
    .await;
    let world = Arc::clone(&play.world);
    let overdue = async |today: &str| {
        let input = (world.zone.id, day(today));
        let found = world.db.app().read(input.0, input, |conn, (zone, today)| {
            Box::pin(store::overdue(conn, *zone, None, *today, 10))
        });
        let found: Result<Vec<_>, sqlx::Error> = found.await;
        let sums: Vec<i64> = found
            .unwrap()
            .iter()
            .map(|one| one.amount(day(today)).minor())
            .collect();
        sums
    };
    assert_eq!(overdue("2020-09-01").await, [0_i64; 0]);
    assert_eq!(overdue("2020-09-02").await, [fen(15_000)]);
    assert_eq!(overdue("2020-12-02").await, [fen(33_000)]);
    play.check(
        "day       | who | command | outcome | M1010 M1020 M1030
        2020-09-02 | d | default s | unknown deferral | 114000 33000 5000
        2020-09-02 | c | default s | defaulted 33000.00 | 147000 0 5000
        2020-09-02 | c | default s | refused WRONG_STATE | 147000 0 5000
        2020-09-02 | c | pay a 3000.00 2020-02 | paid 3000.00 open=144000.00 | 144000 0 8000",
    )
    .await;
    // Open rent of its month again, and late until that is paid.
    assert_eq!(overdue("2020-12-02").await, [fen(30_000)]);
    play.check(
        "day       | who | command | outcome | M1010 M1020 M1030
        2020-09-03 | c | pay a 30000.00 2020-02 | paid 30000.00 open=114000.00 | 114000 0 38000",
    )
    .await;
    assert_eq!(overdue("2020-12-02").await, [0_i64; 0]);
}

/// The waiver that a deferral becomes is one of the day of the conversion, and goes the way of every other.
#[tokio::test]
async fn the_rest_of_a_deferral_becomes_a_waiver_dated_then() {
    let mut play = billed().await;
    play.check(
        "day       | who      | command | outcome | M1010 M1020 M1030 M5010
        2020-04-10 | c        | defer s a 2020-02..2020-03 count=2 first=2020-09-01 | agreed 76000.00 2020-09-01:38000.00,2020-10-01:38000.00 | 76000 76000 0 0
        2020-09-01 | c        | instalment s 40000.00 | paid 40000.00 open=36000.00 1:38000.00,2:2000.00 | 76000 36000 40000 0
        2020-11-11 | c        | convert s w landlord=1.00 | refused NOT_SUBLET | 76000 36000 40000 0
        2020-11-11 | d        | convert s w | unknown deferral | 76000 36000 40000 0
        2020-11-11 | c        | convert s w | converted 36000.00 | 76000 0 40000 36000
        2020-11-11 | c        | convert s x | refused WRONG_STATE | 76000 0 40000 36000
        2020-11-12 | f        | confirm w 35000.00 | mismatched 35000.00 | 76000 0 40000 36000
        2020-11-13 | reviewer | settle w 35000.00 | settled 35000.00 | 77000 0 40000 35000
        2020-11-13 | manager  | audit w 35000.00 | audited 35000.00 compensable=true | 77000 0 40000 35000",
    )
    .await;
    assert_eq!(
        relief(&play, "c", "2020-02-01", "2020-10-01").await.reliefs,
        []
    );
    let then = relief(&play, "c", "2020-11-01", "2020-12-01").await;
    assert_eq!(then.base(), Money::from_minor(fen(35_000)));
    assert_eq!(then.reliefs[0].from_day, day("2020-11-11"));
    play.check(
        "day       | who | command | outcome | M1010 M1020 M1030 M5010
        2020-11-14 | c   | void w  | voided  | 112000 0 40000 0",
    )
    .await;
}

/// A backdated bill counts for the last day of its month, which must be open.
#[tokio::test]
async fn a_closed_period_takes_no_bill() {
    let play = billed().await;
    play.world.close_year(2020, "2021-01-05").await;
    let bill = play.ask(&["bill", "a", "2020-12"]);
    let caller = play.world.caller("c", "2021-01-06", None);
    let refused = give_all(&play.world, vec![(caller, bill)])
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("2020-12-31"), "{refused}");
    play.world.check_invariants().await;
}

/// A whole month of a carrier, in parts, and again.
#[tokio::test]
async fn a_carrier_bills_a_month_once() {
    let mut play = RentPlay::new().await;
    play.check(
        "day       | who | command | outcome
        2020-01-02 | c | lease a A-1 f 100.00 2020-01-01 2020-12-31 | added
        2020-01-02 | c | lease b A-2 g 200.00 2020-01-01 2020-03-31 | added
        2020-01-02 | c | lease e A-3 g 300.00 2020-04-01 2020-12-31 | added
        2020-01-02 | d | lease o A-1 g 400.00 2020-01-01 2020-12-31 carrier=d | added
        2020-03-02 | c | bill a 2020-03 | billed 100.00 days=31",
    )
    .await;
    let bill_month = async |who: &str, limit: i64| {
        let caller = play.world.caller(who, "2020-03-31", Some("march"));
        let input = (play.world.parties["c"], limit);
        let billed = play
            .world
            .one(caller, input, |conn, command, (carrier, limit)| {
                Box::pin(async move {
                    rent::bill_month(conn, &command, *carrier, (month("2020-03"), None), *limit)
                        .await
                })
            });
        billed.await.unwrap()
    };
    let others = bill_month("d", 10).await;
    assert!(others[0].is_err() && others.len() == 1, "{others:?}");
    let billed = bill_month("c", 10).await;
    let answers: Vec<_> = billed
        .iter()
        .map(|answer| &answer.as_ref().unwrap().answer)
        .collect();
    assert!(
        matches!(answers[..], [RentAnswer::Billed { rent, .. }] if rent == "200.00"),
        "{answers:?}"
    );
    assert_eq!(bill_month("c", 10).await, []);
    play.world.check_invariants().await;
}

/// Several commands on one lease in one transaction see one another.
#[tokio::test]
async fn a_batch_decides_one_after_another() {
    let play = billed().await;
    let caller = |key| play.world.caller("c", "2020-04-10", Some(key));
    let payment = || play.ask(&["pay", "a", "100000.00"]);
    let given = give_all(
        &play.world,
        vec![(caller("1"), payment()), (caller("2"), payment())],
    )
    .await;
    let outcomes: Vec<_> = given.unwrap().iter().map(outcome).collect();
    assert_eq!(
        outcomes,
        ["paid 100000.00 open=52000.00", "refused MORE_THAN_OPEN"]
    );
    let waive =
        |name, months| play.ask(&["waive", name, "a", "amount:40000.00", "reduction", months]);
    let both = vec![
        (caller("3"), waive("v", "2020-01..2020-04")),
        (caller("4"), waive("w", "2020-01..2020-04")),
    ];
    let outcomes: Vec<_> = give_all(&play.world, both)
        .await
        .unwrap()
        .iter()
        .map(outcome)
        .collect();
    assert_eq!(outcomes, ["declared 40000.00", "refused MORE_THAN_OPEN"]);
    play.world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_payments_and_waivers_never_take_more_than_is_open() {
    let play = Arc::new(billed().await);
    let racers: Vec<_> = (0..24)
        .map(|racer| {
            let play = play.clone();
            tokio::spawn(async move {
                let words = if racer % 2 == 0 {
                    "pay a 19000.00"
                } else {
                    "waive w a amount:19000.00 reduction 2020-01..2020-04"
                };
                let ask = play.ask(&words.split(' ').collect::<Vec<_>>());
                let caller = play
                    .world
                    .caller("c", "2020-05-01", Some(&format!("racer {racer}")));
                outcome(&give(&play.world, caller, ask).await)
            })
        })
        .collect();
    let mut outcomes = Vec::new();
    for racer in racers {
        outcomes.push(racer.await.unwrap());
    }
    let refused = outcomes
        .iter()
        .filter(|outcome| *outcome == "refused MORE_THAN_OPEN");
    assert_eq!(refused.count(), 16, "{outcomes:?}");
    let balances = play.world.balances().await;
    assert_eq!(balances["M1010"], 0);
    assert_eq!(
        balances.get("M1030").unwrap_or(&0) + balances.get("M5010").unwrap_or(&0),
        fen(152_000)
    );
    play.world.check_invariants().await;
}

/// Two carriers' clerks at once, one unit: one gets it, and the other is told why not.
#[tokio::test(flavor = "multi_thread")]
async fn racing_leases_of_one_unit() {
    let play = Arc::new(RentPlay::new().await);
    let racers: Vec<_> = (0..8)
        .map(|_| {
            let play = play.clone();
            tokio::spawn(async move {
                let words = "lease a A-1 f 100.00 2020-01-01 2020-12-31";
                let ask = play.ask(&words.split(' ').collect::<Vec<_>>());
                let caller = play.world.caller("c", "2020-01-02", None);
                outcome(&give(&play.world, caller, ask).await)
            })
        })
        .collect();
    let mut added = 0;
    for racer in racers {
        match racer.await.unwrap().as_str() {
            "added" => added += 1,
            other => assert_eq!(other, "refused PREMISES_TAKEN"),
        }
    }
    assert_eq!(added, 1);
}

/// What Postgres itself refuses, whoever asks.
#[tokio::test]
async fn constraints_refuse_by_name() {
    let mut play = billed().await;
    play.check(
        "day       | who | command | outcome
        2020-04-10 | c | defer s a 2020-02..2020-03 count=2 first=2020-09-01 | agreed 76000.00 2020-09-01:38000.00,2020-10-01:38000.00
        2020-04-10 | c | waive w a half reduction 2020-01 | declared 19000.00",
    )
    .await;
    let mut conn = play.world.db.superuser().await;
    for (sql, constraint) in [
        (
            "UPDATE ledger.rent_bill SET open = open + 1",
            "rent_bill_parts_are_rent",
        ),
        (
            "UPDATE ledger.rent_bill SET open = -1, paid = rent + 1, deferred = 0, waived = 0",
            "rent_bill_open_not_negative",
        ),
        (
            "UPDATE ledger.deferral SET paid = 1",
            "deferral_parts_are_amount",
        ),
        (
            "UPDATE ledger.deferral SET open = 0, defaulted = 1, converted = amount - 1, ended_index = 1",
            "deferral_ends_one_way",
        ),
        (
            "UPDATE ledger.instalment SET paid = 1",
            "instalment_parts_are_deferral",
        ),
        (
            "UPDATE ledger.instalment SET paid = amount + 1",
            "instalment_paid_within",
        ),
        (
            "INSERT INTO ledger.instalment SELECT zone_id, deferral_id, 3, due, 1, 0 FROM ledger.instalment LIMIT 1",
            "instalment_parts_are_deferral",
        ),
        (
            "UPDATE ledger.waiver SET stated = amount, confirmed_by = declared_by, confirmed_index = 9",
            "waiver_confirmer_is_another",
        ),
        (
            "UPDATE ledger.waiver SET claimed_index = 9",
            "waiver_claimed_when_compensable",
        ),
        (
            "UPDATE ledger.waiver SET audited = 1, audited_by = gen_random_uuid(), audited_index = 9, compensable = true",
            "waiver_audited_within",
        ),
        (
            "UPDATE ledger.rent_move SET amount = amount + 1",
            "rent_move_append_only",
        ),
        (
            "INSERT INTO ledger.lease SELECT zone_id, gen_random_uuid(), added_by, 9999, carrier_id, tenant_id, premises, area, monthly_rent, property_fee, parking_fee, utilities, other_charges, sublet, first_day, rent_until, last_day FROM ledger.lease",
            "lease_premises_free",
        ),
    ] {
        let refused = sqlx::raw_sql(sql).execute(&mut conn).await.unwrap_err();
        let named = refused
            .as_database_error()
            .and_then(|error| error.constraint());
        assert_eq!(named, Some(constraint), "{sql}: {refused}");
    }
}

/// Reading by filter: each deferral with its instalments, in the order of their agreements.
#[tokio::test]
async fn deferrals_are_listed_with_their_instalments() {
    let mut play = billed().await;
    play.check(
        "day       | who | command | outcome
        2020-04-10 | c | defer s a 2020-02 count=2 first=2020-09-01 | agreed 38000.00 2020-09-01:19000.00,2020-10-01:19000.00
        2020-04-10 | c | defer t a 2020-03 count=3 first=2020-09-01 | agreed 38000.00 2020-09-01:12666.67,2020-10-01:12666.67,2020-11-01:12666.66",
    )
    .await;
    let filter = DeferralFilter {
        carrier: Some(play.world.parties["c"]),
        ..DeferralFilter::default()
    };
    let input = (play.world.zone.id, filter);
    let found = play
        .world
        .db
        .app()
        .read(input.0, input, |conn, (zone, filter)| {
            Box::pin(store::deferrals_of(conn, *zone, filter, 10))
        });
    let found: Result<Vec<_>, sqlx::Error> = found.await;
    let counts: Vec<usize> = found
        .unwrap()
        .iter()
        .map(|one| one.instalments.len())
        .collect();
    assert_eq!(counts, [2, 3]);
}
