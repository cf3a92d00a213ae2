//! The end of the zone's budget year.

use std::time::{Duration, Instant};

use subsidy_ledger::accounting::{self, FreeAtEnd, NewRule, Rule, VouchersAtEnd};
use subsidy_ledger::types::VoucherId;
use subsidy_ledger::voucher::{self, WindUp};

use crate::fill::{PROGRAMMES, Size, YEAR, voucher_programme};
use crate::flows::reason;
use crate::measure::Bench;

/// The first working days of the next year.
const AFTER: &str = "2021-01-05";
/// Vouchers of a transaction, as `voucher wind-up` has it.
const PART: i64 = 1_000;

/// One programme's vouchers end with the year and are taken back first; then the year is closed, by two persons.
pub(crate) async fn close(bench: &mut Bench, size: Size, most: Duration) {
    let office = bench.office.clone();
    let last = voucher_programme(PROGRAMMES - 1);
    let begun = Instant::now();
    let taken_back = wind_up(bench, &last).await;
    let winding = begun.elapsed();
    println!(
        "{taken_back} vouchers that end with the year taken back in {winding:.1?}: {} a second",
        u128::try_from(taken_back).unwrap() * 1_000 / winding.as_millis().max(1)
    );
    assert_eq!(taken_back, size.firms);

    let begun = Instant::now();
    let finance = office.on("finance", AFTER);
    let proposed = office.one(
        finance,
        (YEAR, reason()),
        |conn, command, (year, reason)| {
            Box::pin(
                async move { accounting::propose_year_end(conn, &command, (*year, reason)).await },
            )
        },
    );
    let (proposed, plan) = proposed.await.unwrap();
    let manager = office.on("manager", AFTER);
    let confirmed = office.one(manager, proposed.index, |conn, command, index| {
        Box::pin(async move { accounting::confirm(conn, &command, *index).await })
    });
    let (_, confirmed) = confirmed.await.unwrap();
    assert_eq!(confirmed.refused, None);
    println!(
        "{} programmes: {} lapses",
        plan.lines.len(),
        plan.lapses().to_grouped_text(plan.currency)
    );
    bench.once("year_end_close", begun.elapsed(), most);
    bench.once("year_end_with_vouchers", winding + begun.elapsed(), most);
}

/// Takes the vouchers of a programme back, as many commands as that takes.
async fn wind_up(bench: &Bench, programme: &str) -> usize {
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
    let mut taken_back = 0;
    let mut after: Option<VoucherId> = None;
    loop {
        let input = WindUp {
            programme: programme.parse().unwrap(),
            year: YEAR,
            reason: reason(),
        };
        let manager = office.on("manager", AFTER);
        let wound = office.one(manager, (input, after), |conn, command, (input, after)| {
            Box::pin(async move { voucher::wind_up(conn, &command, (input, *after), PART).await })
        });
        let wound = wound.await.unwrap();
        taken_back += wound.cancelled;
        after = wound.last;
        if after.is_none() {
            return taken_back;
        }
    }
}
