//! The end of the zone's budget year.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx::PgConnection;
use subsidy_ledger::accounting::{
    self, Confirmed, FreeAtEnd, NewRule, PeriodError, Plan, Rule, VouchersAtEnd,
};
use subsidy_ledger::identity::Command;
use subsidy_ledger::journal::Recorded;
use subsidy_ledger::types::{FiscalYear, LogIndex, Reason};
use subsidy_ledger::voucher::{self, WindUp};

use crate::fill::{PROGRAMMES, Size, YEAR, voucher_programme};
use crate::flows::reason;
use crate::measure::Bench;

/// The first working days of the next year.
const AFTER: &str = "2021-01-05";
/// And of the one after that.
const LATER: &str = "2022-01-05";
/// Vouchers of a transaction, as `voucher wind-up` has it.
const PART: i64 = 1_000;

/// One programme's vouchers end with the year and are taken back first; then the year is closed, by two persons.
pub(crate) async fn close(bench: &mut Bench, size: Size, most: Duration) {
    let office = bench.office.clone();
    let last = voucher_programme(PROGRAMMES - 1);
    end_vouchers(bench, &last).await;
    let begun = Instant::now();
    let mut taken_back = 0;
    let mut after = None;
    loop {
        let manager = office.on("manager", AFTER);
        let input = (wind_up(&last), after);
        let wound = office.one(manager, input, |conn, command, (input, after)| {
            Box::pin(async move { voucher::wind_up(conn, &command, (input, *after), PART).await })
        });
        let wound = wound.await.unwrap();
        taken_back += wound.cancelled;
        after = wound.last;
        if after.is_none() {
            break;
        }
    }
    let winding = begun.elapsed();
    println!(
        "{taken_back} vouchers that end with the year taken back in {winding:.1?}: {} a second",
        u128::try_from(taken_back).unwrap() * 1_000 / winding.as_millis().max(1)
    );
    assert_eq!(taken_back, size.firms);

    let begun = Instant::now();
    let asked = (YEAR, reason());
    let proposed = office.one(office.on("finance", AFTER), asked, propose);
    let (proposed, plan) = proposed.await.unwrap();
    let confirmed = office.one(office.on("manager", AFTER), proposed.index, confirm);
    let (_, confirmed) = confirmed.await.unwrap();
    assert_eq!(confirmed.refused, None);
    let lapses = plan.lapses().to_grouped_text(plan.currency);
    println!("{} programmes, {lapses} lapse", plan.lines.len());
    bench.once("year_end_close", begun.elapsed(), most);
    bench.once("year_end_with_vouchers", winding + begun.elapsed(), most);
    explain(bench).await;
}

/// The same of the next year, and of a few vouchers, for the plans alone.
async fn explain(bench: &mut Bench) {
    let office = bench.office.clone();
    let finance = office.on("finance", LATER);
    let asked = (YEAR.next(), reason());
    bench
        .explain("year.propose", finance.clone(), (asked, propose))
        .await;
    let other = voucher_programme(PROGRAMMES - 2);
    end_vouchers(bench, &other).await;
    let manager = office.on("manager", LATER);
    bench
        .explain(
            "year.wind_up",
            manager,
            (wind_up(&other), |conn, command, input| {
                Box::pin(async move { voucher::wind_up(conn, &command, (input, None), PART).await })
            }),
        )
        .await;
}

fn propose<'c>(
    conn: &'c mut PgConnection,
    command: Command<'c>,
    (year, reason): &'c (FiscalYear, Reason),
) -> BoxFuture<'c, Result<(Recorded, Plan), PeriodError>> {
    Box::pin(async move { accounting::propose_year_end(conn, &command, (*year, reason)).await })
}

fn confirm<'c>(
    conn: &'c mut PgConnection,
    command: Command<'c>,
    index: &'c LogIndex,
) -> BoxFuture<'c, Result<(Recorded, Confirmed), PeriodError>> {
    Box::pin(async move { accounting::confirm(conn, &command, *index).await })
}

fn wind_up(programme: &str) -> WindUp {
    WindUp {
        programme: programme.parse().unwrap(),
        year: YEAR,
        reason: reason(),
    }
}

/// From now on the vouchers of a programme end with their year.
async fn end_vouchers(bench: &Bench, programme: &str) {
    let office = &bench.office;
    let rule = NewRule {
        programme: programme.parse().unwrap(),
        reason: reason(),
        rule: Rule {
            free: FreeAtEnd::Lapse,
            vouchers: VouchersAtEnd::End,
        },
    };
    let set = office.one(office.on("finance", AFTER), rule, |conn, command, rule| {
        Box::pin(async move { accounting::set_rule(conn, &command, rule).await })
    });
    set.await.unwrap();
}
