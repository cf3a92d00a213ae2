//! The end of a budget year: what lapses and is carried over, by two persons, and closed periods that are opened again.

use sqlx::PgConnection;
use subsidy_ledger::accounting::{
    self, ConfirmRefusal, Confirmed, FreeAtEnd, NewRule, PeriodError, Plan, Rule, VouchersAtEnd,
};
use subsidy_ledger::journal;
use subsidy_ledger::programme::{self, Appropriate, ProgrammeError};
use subsidy_ledger::report;
use subsidy_ledger::types::{FiscalYear, LogIndex, Money, Reason, VoucherId};
use subsidy_ledger::voucher::{self, WindUp, WindUpError, WoundUp};

use crate::budget_control::control;
use crate::kit::scenario::{World, day, fen, yuan};
use crate::kit::table::Play;

const AFTER: &str = "2021-01-05";

fn reason() -> Reason {
    "年度结账".parse().unwrap()
}

pub(crate) async fn set_rule(world: &World, code: &str, free: FreeAtEnd, vouchers: VouchersAtEnd) {
    let input = NewRule {
        programme: code.parse().unwrap(),
        reason: "结转资金管理办法".parse().unwrap(),
        rule: Rule { free, vouchers },
    };
    let caller = world.caller("finance", "2020-02-01", None);
    let set = world.one(caller, input, |conn, command, input| {
        Box::pin(async move { accounting::set_rule(conn, &command, input).await })
    });
    set.await.unwrap();
}

pub(crate) async fn propose_close(
    world: &World,
    who: &str,
    on: &str,
    year: i16,
) -> Result<LogIndex, PeriodError> {
    let caller = world.caller(who, on, None);
    let proposed = world.one(caller, FiscalYear(year), |conn, command, year| {
        Box::pin(
            async move { accounting::propose_year_end(conn, &command, (*year, &reason())).await },
        )
    });
    proposed.await.map(|(recorded, _)| recorded.index)
}

pub(crate) async fn propose_reopening(
    world: &World,
    who: &str,
    closing: LogIndex,
) -> Result<LogIndex, PeriodError> {
    let caller = world.caller(who, AFTER, None);
    let proposed = world.one(caller, closing, |conn, command, closing| {
        Box::pin(async move {
            accounting::propose_reopening(conn, &command, (*closing, &reason())).await
        })
    });
    proposed.await.map(|recorded| recorded.index)
}

pub(crate) async fn confirm(
    world: &World,
    (who, on, key): (&str, &str, Option<&str>),
    proposed: LogIndex,
) -> Result<(LogIndex, Option<ConfirmRefusal>), PeriodError> {
    let caller = world.caller(who, on, key);
    let confirmed = world.one(caller, proposed, |conn, command, proposed| {
        Box::pin(async move { accounting::confirm(conn, &command, *proposed).await })
    });
    let (recorded, Confirmed { refused }) = confirmed.await?;
    Ok((recorded.index, refused))
}

pub(crate) async fn reject(
    world: &World,
    who: &str,
    proposed: LogIndex,
) -> Result<LogIndex, PeriodError> {
    let caller = world.caller(who, AFTER, None);
    let rejected = world.one(caller, proposed, |conn, command, proposed| {
        Box::pin(async move { accounting::reject(conn, &command, (*proposed, &reason())).await })
    });
    rejected.await.map(|recorded| recorded.index)
}

async fn appropriate(world: &World, year: i16, amount: i64) -> Result<(), ProgrammeError> {
    let input = Appropriate {
        amount: yuan(amount),
        document: "budget".parse().unwrap(),
        year: FiscalYear(year),
    };
    let caller = world.caller("finance", AFTER, None);
    let given = world.one(caller, input, |conn, command, input| {
        Box::pin(async move { programme::appropriate(conn, &command, input).await })
    });
    given.await.map(|_| ())
}

async fn is_closed(world: &World, on: &str) -> bool {
    let input = (world.zone.id, day(on));
    let read = world
        .db
        .app()
        .read(world.zone.id, input, |conn, (zone, day)| {
            Box::pin(journal::is_closed(conn, *zone, *day))
        });
    read.await.unwrap()
}

/// The balance of an account's code, programme and year, in fen.
async fn balance(world: &World, account: &str) -> i64 {
    let mut conn = world.db.superuser().await;
    let balance: Option<i64> = sqlx::query_scalar(
        "SELECT (credits - debits) * CASE normal_side WHEN 'C' THEN 1 ELSE -1 END FROM ledger.account WHERE address = $1",
    )
    .bind(account)
    .fetch_optional(&mut conn)
    .await
    .unwrap();
    balance.unwrap_or(0)
}

async fn balances<const N: usize>(world: &World, accounts: [&str; N]) -> [i64; N] {
    let mut all = [0; N];
    for (at, account) in accounts.into_iter().enumerate() {
        all[at] = balance(world, account).await;
    }
    all
}

/// What the zone's row of budget execution says of a year: appropriated, unallocated, allocated, lapsed, in fen.
async fn of_no_programme(world: &World, year: i16) -> [i64; 4] {
    let read = world
        .db
        .app()
        .read(world.zone.id, world.zone.id, |conn, zone| {
            Box::pin(report::budget_execution(conn, *zone))
        });
    let lines = read.await.unwrap();
    let line = lines
        .iter()
        .find(|line| line.programme.is_none() && line.year == Some(FiscalYear(year)));
    let figures = &line.unwrap().figures;
    [
        figures.appropriated,
        figures.unallocated,
        figures.allocated,
        figures.lapsed,
    ]
    .map(Money::minor)
}

async fn wind_up(world: &World, who: &str, on: &str, code: &str) -> Result<WoundUp, WindUpError> {
    let input = WindUp {
        programme: code.parse().unwrap(),
        year: FiscalYear(2020),
        reason: "当年有效".parse().unwrap(),
    };
    let caller = world.caller(who, on, None);
    let done = world.one(caller, input, |conn, command, input| {
        Box::pin(async move {
            // One voucher at a time, so that every call has to go on after the last one.
            let (mut all, mut after) = (WoundUp::default(), None::<VoucherId>);
            loop {
                let done = voucher::wind_up(conn, &command, (input, after), 1).await?;
                all.released += done.released;
                all.cancelled += done.cancelled;
                after = done.last;
                if after.is_none() {
                    return Ok::<_, WindUpError>(all);
                }
            }
        })
    });
    done.await
}

#[tokio::test]
#[expect(
    clippy::too_many_lines,
    reason = "one step after another, as people take them"
)]
async fn a_second_person_closes_a_year_by_the_plan_that_was_seen() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000), ("YH", 2020, 50_000)]).await;
    set_rule(
        &play.world,
        "SH-VOUCHER",
        FreeAtEnd::Carry,
        VouchersAtEnd::Keep,
    )
    .await;
    play.check(
        "day       | who      | command                        | outcome
        2020-03-02 | clerk    | apply a SH f case:V1           | =V1
        2020-03-03 | reviewer | review a                       | recommended 150000.00
        2020-03-04 | manager  | issue a                        | issued 150000.00 last_day=2020-12-31
        2020-05-01 | clerk    | hold h a p 100000.00 | held 50000.00 own_share=50000.00",
    )
    .await;
    let world = &play.world;
    appropriate(world, 2020, 7_000).await.unwrap();

    let early = propose_close(world, "finance", "2020-12-31", 2020).await;
    assert!(
        matches!(early, Err(PeriodError::YearNotOver(FiscalYear(2020)))),
        "{early:?}"
    );
    let forbidden = propose_close(world, "manager", AFTER, 2020).await;
    assert!(
        matches!(forbidden, Err(PeriodError::Forbidden(_))),
        "{forbidden:?}"
    );
    let first = propose_close(world, "finance", AFTER, 2020).await.unwrap();
    let waits = propose_close(world, "finance2", AFTER, 2020).await;
    assert!(
        matches!(waits, Err(PeriodError::Waits(entry)) if entry == first),
        "{waits:?}"
    );

    // Whoever proposed is refused, and so is a plan that is no longer true. Nothing moved.
    let own = confirm(world, ("finance", AFTER, None), first)
        .await
        .unwrap();
    assert_eq!(own.1, Some(ConfirmRefusal::Segregation));
    appropriate(world, 2020, 1_000).await.unwrap();
    let changed = confirm(world, ("manager", AFTER, None), first)
        .await
        .unwrap();
    assert_eq!(changed.1, Some(ConfirmRefusal::Changed));
    assert!(!is_closed(world, "2020-12-31").await);
    reject(world, "manager", first).await.unwrap();
    let over = confirm(world, ("manager", AFTER, None), first).await;
    assert!(matches!(over, Err(PeriodError::NotWaiting(_))), "{over:?}");

    let second = propose_close(world, "finance", AFTER, 2020).await.unwrap();
    let key = ("manager", AFTER, Some("close"));
    let (closing, refused) = confirm(world, key, second).await.unwrap();
    assert_eq!(refused, None);
    let size = world.size().await;
    assert_eq!(confirm(world, key, second).await.unwrap(), (closing, None));
    assert_eq!(world.size().await, size, "a repeat records nothing");
    let accounts = [
        "B30:CNY:SH-VOUCHER:2020",
        "B90:CNY:SH-VOUCHER:2020",
        "B80:CNY:SH-VOUCHER:2020",
        "B30:CNY:SH-VOUCHER:2021",
        "B10:CNY::2021",
        "B20:CNY::2021",
        "B30:CNY:YH-VOUCHER:2020",
        "B80:CNY:YH-VOUCHER:2020",
        "B30:CNY:YH-VOUCHER:2021",
        "B20:CNY::2020",
        "B80:CNY::2020",
    ];
    let yuan = [0, 850_000, 0, 850_000, 850_000, 0, 0, 50_000, 0, 0, 8_000];
    assert_eq!(balances(world, accounts).await, yuan.map(fen));
    // What no programme was given lapses on the zone's row, and counts as allocated nowhere.
    assert_eq!(
        of_no_programme(world, 2020).await,
        [1_058_000, 0, 0, 8_000].map(fen)
    );
    assert!(is_closed(world, "2020-12-31").await && is_closed(world, "2020-01-01").await);
    assert!(!is_closed(world, "2021-01-01").await);
    world.check_invariants().await;

    let again = propose_close(world, "finance", AFTER, 2020).await;
    assert!(
        matches!(again, Err(PeriodError::YearClosed { .. })),
        "{again:?}"
    );
    // What was held at the turn of the year is used out of the old one, and what is left of it lapses there.
    play.check(
        "day       | who   | command           | outcome
        2021-01-06 | p     | redeem h 60000.00 | redeemed 30000.00 own_share=30000.00 payee=p returned=20000.00",
    )
    .await;
    let held = [
        "B80:CNY:SH-VOUCHER:2020",
        "B60:CNY:SH-VOUCHER:2020",
        "B30:CNY:SH-VOUCHER:2020",
    ];
    assert_eq!(
        balances(&play.world, held).await,
        [20_000, 30_000, 0].map(fen)
    );
}

#[tokio::test]
async fn what_is_carried_over_keeps_its_purpose_for_one_more_year() {
    let world = World::new(&[
        ("SH", 2020, 100_000),
        ("YH", 2020, 10_000),
        ("SH", 2021, 40_000),
    ])
    .await;
    set_rule(&world, "SH-VOUCHER", FreeAtEnd::Carry, VouchersAtEnd::Keep).await;
    set_rule(&world, "YH-VOUCHER", FreeAtEnd::Lapse, VouchersAtEnd::Keep).await;
    set_rule(&world, "YH-VOUCHER", FreeAtEnd::Carry, VouchersAtEnd::Keep).await;
    for (year, on) in [(2020, AFTER), (2021, "2022-01-05")] {
        let proposed = propose_close(&world, "finance", on, year).await.unwrap();
        let (_, refused) = confirm(&world, ("finance2", on, None), proposed)
            .await
            .unwrap();
        assert_eq!(refused, None);
    }
    let accounts = [
        "B30:CNY:SH-VOUCHER:2021",
        "B80:CNY:SH-VOUCHER:2021",
        "B90:CNY:SH-VOUCHER:2021",
        "B30:CNY:SH-VOUCHER:2022",
        "B80:CNY:YH-VOUCHER:2021",
        "B30:CNY:YH-VOUCHER:2022",
    ];
    let yuan = [0, 100_000, 40_000, 40_000, 10_000, 0];
    assert_eq!(balances(&world, accounts).await, yuan.map(fen));
    world.check_invariants().await;
}

#[tokio::test]
async fn nothing_is_handed_over_to_a_year_that_is_closed() {
    let world = World::new(&[("SH", 2020, 100_000), ("SH", 2021, 10_000)]).await;
    let on = "2022-01-05";
    let later = propose_close(&world, "finance", on, 2021).await.unwrap();
    confirm(&world, ("manager", on, None), later).await.unwrap();
    set_rule(&world, "SH-VOUCHER", FreeAtEnd::Carry, VouchersAtEnd::Keep).await;
    let closed = propose_close(&world, "finance", on, 2020).await;
    assert!(
        matches!(closed, Err(PeriodError::NextYearClosed { .. })),
        "{closed:?}"
    );
    // What only lapses needs no year after it.
    set_rule(&world, "SH-VOUCHER", FreeAtEnd::Lapse, VouchersAtEnd::Keep).await;
    let proposed = propose_close(&world, "finance", on, 2020).await.unwrap();
    let (_, refused) = confirm(&world, ("manager", on, None), proposed)
        .await
        .unwrap();
    assert_eq!(refused, None);
    assert_eq!(
        balance(&world, "B80:CNY:SH-VOUCHER:2020").await,
        fen(100_000)
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn what_stands_in_the_way_is_named() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000), ("YH", 2020, 10_000)]).await;
    play.check(
        "day       | who      | command                        | outcome
        2020-03-02 | clerk    | apply a SH f case:V1           | =V1
        2020-03-03 | reviewer | review a                       | recommended 150000.00
        2020-03-04 | manager  | issue a                        | issued 150000.00 last_day=2020-12-31
        2020-03-05 | clerk    | apply b SH g case:V1           | =V1
        2020-03-06 | reviewer | review b                       | recommended 150000.00
        2020-03-07 | manager  | issue b                        | issued 150000.00 last_day=2020-12-31
        2020-05-01 | clerk    | hold h a p 100000.00 | held 50000.00 own_share=50000.00",
    )
    .await;
    let world = &play.world;
    control(world, "finance", true, ("YH-VOUCHER", 2020))
        .await
        .unwrap();
    let frozen = propose_close(world, "finance", AFTER, 2020).await;
    assert!(
        matches!(frozen, Err(PeriodError::Frozen { .. })),
        "{frozen:?}"
    );
    control(world, "finance", false, ("YH-VOUCHER", 2020))
        .await
        .unwrap();

    let kept = wind_up(world, "manager", AFTER, "SH-VOUCHER").await;
    assert!(matches!(kept, Err(WindUpError::Kept(_))), "{kept:?}");
    set_rule(world, "SH-VOUCHER", FreeAtEnd::Lapse, VouchersAtEnd::End).await;
    let left = propose_close(world, "finance", AFTER, 2020)
        .await
        .unwrap_err();
    assert_eq!(
        left.to_string(),
        "vouchers and contracts of SH-VOUCHER end with 2020, and 250000.00 is still on vouchers, 50000.00 held or reserved: \
         `voucher wind-up SH-VOUCHER 2020` takes vouchers back, `contract end` ends a contract"
    );
    let early = wind_up(world, "manager", "2020-12-31", "SH-VOUCHER").await;
    assert!(
        matches!(early, Err(WindUpError::YearNotOver(_))),
        "{early:?}"
    );
    let forbidden = wind_up(world, "finance", AFTER, "SH-VOUCHER").await;
    assert!(
        matches!(forbidden, Err(WindUpError::Forbidden(_))),
        "{forbidden:?}"
    );
    let done = wind_up(world, "manager", AFTER, "SH-VOUCHER")
        .await
        .unwrap();
    assert_eq!((done.released, done.cancelled), (1, 2));
    let again = wind_up(world, "manager", AFTER, "SH-VOUCHER")
        .await
        .unwrap();
    assert_eq!((again.released, again.cancelled), (0, 0));

    let proposed = propose_close(world, "finance", AFTER, 2020).await.unwrap();
    let (one, other) = tokio::join!(
        confirm(world, ("manager", AFTER, None), proposed),
        confirm(world, ("manager2", AFTER, None), proposed),
    );
    assert_eq!(
        usize::from(one.is_ok()) + usize::from(other.is_ok()),
        1,
        "{one:?} {other:?}"
    );
    assert_eq!(
        balance(world, "B80:CNY:SH-VOUCHER:2020").await,
        fen(1_000_000)
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn a_closed_year_is_opened_again_by_two_persons_and_closed_once_more() {
    let world = World::new(&[("SH", 2020, 100_000)]).await;
    let proposed = propose_close(&world, "finance", AFTER, 2020).await.unwrap();
    let (closing, _) = confirm(&world, ("manager", AFTER, None), proposed)
        .await
        .unwrap();
    let closed = appropriate(&world, 2020, 5_000).await.unwrap_err();
    assert!(
        matches!(closed, ProgrammeError::YearClosed { .. }),
        "{closed}"
    );

    let forbidden = propose_reopening(&world, "manager", closing).await;
    assert!(
        matches!(forbidden, Err(PeriodError::Forbidden(_))),
        "{forbidden:?}"
    );
    let unknown = propose_reopening(&world, "finance", proposed).await;
    assert!(
        matches!(unknown, Err(PeriodError::NotClosed(_))),
        "{unknown:?}"
    );
    let reopening = propose_reopening(&world, "finance", closing).await.unwrap();
    let other = propose_reopening(&world, "finance2", closing)
        .await
        .unwrap();
    let own = confirm(&world, ("finance", AFTER, None), reopening)
        .await
        .unwrap();
    assert_eq!(own.1, Some(ConfirmRefusal::Segregation));
    assert!(is_closed(&world, "2020-12-31").await);
    let (_, refused) = confirm(&world, ("manager", AFTER, None), reopening)
        .await
        .unwrap();
    assert_eq!(refused, None);
    assert!(!is_closed(&world, "2020-12-31").await);
    let twice = confirm(&world, ("manager", AFTER, None), other).await;
    assert!(matches!(twice, Err(PeriodError::NotClosed(_))), "{twice:?}");

    // What came late is entered, and lapses when the year is closed once more, by days that were closed before.
    appropriate(&world, 2020, 5_000).await.unwrap();
    let proposed = propose_close(&world, "finance", AFTER, 2020).await.unwrap();
    confirm(&world, ("manager", AFTER, None), proposed)
        .await
        .unwrap();
    assert!(is_closed(&world, "2020-12-31").await);
    let accounts = ["B80:CNY:SH-VOUCHER:2020", "B80:CNY::2020"];
    assert_eq!(balances(&world, accounts).await, [100_000, 5_000].map(fen));
    let input = (world.zone.clone(), FiscalYear(2020));
    let plan = world
        .db
        .app()
        .read(world.zone.id, input, |conn, (zone, year)| {
            Box::pin(Plan::read(conn, zone, *year))
        });
    assert!(plan.await.unwrap().is_empty());
    world.check_invariants().await;
}

/// What no command does, Postgres refuses whoever asks.
#[tokio::test]
async fn postgres_refuses_what_no_command_does() {
    let world = World::new(&[("SH", 2020, 100_000)]).await;
    set_rule(&world, "SH-VOUCHER", FreeAtEnd::Lapse, VouchersAtEnd::Keep).await;
    let proposed = propose_close(&world, "finance", AFTER, 2020).await.unwrap();
    let mut conn = world.db.superuser().await;
    for (sql, constraint) in [
        (
            "UPDATE ledger.period_proposal SET outcome = 'confirmed', decided_by = proposed_by, decided_index = proposed_index + 1",
            "period_proposal_two_persons",
        ),
        (
            "UPDATE ledger.period_proposal SET plan = '{}'",
            "period_proposal_decided_once",
        ),
        (
            "INSERT INTO ledger.period_proposal SELECT zone_id, proposed_index - 1, fiscal_year, plan, closing_index, reason, proposed_by FROM ledger.period_proposal",
            "period_proposal_one_waits_for_year",
        ),
        (
            "INSERT INTO ledger.period_proposal SELECT zone_id, proposed_index - 1, NULL, NULL, NULL, reason, proposed_by FROM ledger.period_proposal",
            "period_proposal_one_subject",
        ),
        ("DELETE FROM ledger.period_proposal", ""),
        ("UPDATE ledger.year_end_rule SET free = 'carry'", ""),
        ("TRUNCATE ledger.year_end_rule", ""),
    ] {
        refused(&mut conn, sql, constraint).await;
    }
    confirm(&world, ("manager", AFTER, None), proposed)
        .await
        .unwrap();
    refused(
        &mut conn,
        "UPDATE ledger.period_proposal SET reason = 'another'",
        "period_proposal_decided_once",
    )
    .await;
}

async fn refused(conn: &mut PgConnection, sql: &'static str, constraint: &str) {
    let refused = sqlx::query(sql).execute(conn).await.expect_err(sql);
    let named = refused
        .as_database_error()
        .and_then(|error| error.constraint());
    assert!(
        constraint.is_empty() || named == Some(constraint),
        "{sql}: {refused}"
    );
}
