//! Rounds: claims are ranked, or share a budget, and approvals are bound to that.

use super::play::Claims;
use crate::fact::complete::{NOBODY, import, whole};
use crate::rent::play::RentPlay;

const SHENZHEN: &str = "SHENZHEN-RENT";

/// Worked cases R2, whose relief is in the rent book, and R3: of equal rules, the first fifty of a class get their half.
#[tokio::test]
async fn the_fifty_of_each_class_that_waived_most() {
    let mut rent = RentPlay::new().await;
    rent.check(
        "day       | who      | command | outcome
        2020-01-02 | c        | lease a A-1 f 900000.00 2020-01-01 2020-12-31 | added
        2020-05-01 | c        | bill a 2020-02 | billed 900000.00 days=29
        2020-05-02 | c        | waive w a full reduction 2020-02 | declared 900000.00
        2020-05-03 | f        | confirm w 900000.00 | confirmed 900000.00
        2020-05-04 | reviewer | audit w 900000.00 | audited 900000.00 compensable=true",
    )
    .await;
    let packs = [(SHENZHEN, "shenzhen-rent-2020")];
    let mut claims = Claims::beside(&rent, &packs, 10_000_000).await;
    let relief =
        "relief_kind=waiver waiver_from=2020-02-01 waiver_until=2020-07-31 landlord_relief=0.00";
    // Nobody of them is on the integrity list.
    import(&rent.world, NOBODY, whole("integrity", "2020-01-01")).await;
    let own = "state_owned=false docs";
    let makerspace = "carrier_class=makerspace carrier_level=municipal";
    let many = format!("{relief} {own} waived_amount=400000.00");
    claims
        .crowd("2020-09-01", 49, (SHENZHEN, "f"), (&many, makerspace))
        .await;
    claims
        .check(&format!(
            "day       | who      | command | outcome | B30 B60
            2020-09-01 | g        | draft a {SHENZHEN} g {relief} {own} waived_amount=320000.00 | drafted version=1 | 10000000 0
            2020-09-01 | g        | draft b {SHENZHEN} g {relief} {own} waived_amount=319999.99 | drafted version=1 | 10000000 0
            2020-09-01 | c        | draft i {SHENZHEN} c waiver:w {own} | drafted version=1 | 10000000 0
            2020-09-01 | g        | submit a | submitted needs_review 0.00 missing=carrier_class,carrier_level reasons=MISSING_FACT version=1 | 10000000 0
            2020-09-01 | g        | submit b | submitted needs_review 0.00 missing=carrier_class,carrier_level reasons=MISSING_FACT version=1 | 10000000 0
            2020-09-01 | c        | submit i | submitted needs_review 0.00 missing=carrier_class,carrier_level reasons=MISSING_FACT version=1 | 10000000 0
            2020-09-02 | reviewer | review a recommend {makerspace} | recommended 160000.00 | 10000000 0
            2020-09-02 | manager  | rank {SHENZHEN} | claims of {SHENZHEN} are still with a reviewer or in a notice (52): all are ranked together, so wait for them | 10000000 0
            2020-09-02 | reviewer | review b recommend {makerspace} | recommended 160000.00 | 10000000 0
            2020-09-02 | reviewer | review i recommend carrier_class=incubator carrier_level=municipal | recommended 300000.00 reasons=CAP_FIRM_YEAR | 10000000 0
            2020-09-02 | reviewer | notice {SHENZHEN} | published 52 last_day=2020-09-09 total=10420000.00 | 10000000 0
            2020-09-09 | manager  | rank {SHENZHEN} | claims of {SHENZHEN} are still with a reviewer or in a notice (52): all are ranked together, so wait for them | 10000000 0
            2020-09-10 | manager  | approve a | refused RANKED | 10000000 0
            2020-09-10 | reviewer | rank {SHENZHEN} | reviewer may not do this: it needs the role manager | 10000000 0
            2020-09-10 | manager  | rank {SHENZHEN} | ranked 52 total=10260000.00 | 10000000 0
            2020-09-10 | manager  | rank {SHENZHEN} | entry * closed the year's round of this policy: later claims wait for the next year's | 10000000 0
            2020-09-10 | manager  | approve i | approved 300000.00 level=1 reasons=CAP_FIRM_YEAR role=manager | 9700000 300000
            2020-09-10 | manager  | approve a | approved 160000.00 level=1 role=manager | 9540000 460000
            2020-09-10 | manager  | approve b | rejected reasons=RANK | 9540000 460000",
        ))
        .await;
}

const FUJIAN: &[(&str, &str)] = &[("FJ-VOUCHER", "fujian-2022")];

/// The rate follows from budget and demand; each share is rounded by itself, and together they are the budget.
#[tokio::test]
async fn shares_of_a_budget_never_exceed_it() {
    let mut claims = Claims::under(FUJIAN, 2022, 1).await;
    let names = ["a", "b", "c", "d", "e", "h"];
    for (at, name) in names.iter().enumerate() {
        let party = if at < 3 { "f" } else { "g" };
        claims
            .check(&format!(
                "day       | who      | command | outcome
                2022-06-01 | {party}  | draft {name} FJ-VOUCHER {party} paid_amount=1.00 docs | drafted version=1
                2022-06-01 | {party}  | submit {name} | submitted pass 0.50 version=1
                2022-06-02 | reviewer | review {name} recommend | recommended 0.50",
            ))
            .await;
    }
    claims
        .check(
            "day       | who      | command | outcome
            2022-06-03 | manager  | approve a | refused RANKED
            2022-06-03 | manager  | rank FJ-VOUCHER | ranked 6 total=1.00 1.00 for 6.00",
        )
        .await;
    for (name, amount) in names
        .iter()
        .zip(["0.17", "0.17", "0.17", "0.17", "0.16", "0.16"])
    {
        claims
            .check(&format!(
                "day       | who      | command | outcome
                2022-06-03 | manager  | approve {name} | approved {amount} level=1 reasons=BUDGET_SHARE role=manager",
            ))
            .await;
    }
    let balances = claims.world.balances().await;
    assert_eq!((balances["B30"], balances["B60"]), (0, 1_00));
}

/// A round rests on a review: whoever is reviewed again was not in it.
#[tokio::test]
async fn a_round_is_bound_to_the_reviews_that_it_saw() {
    let packs = [FUJIAN[0], ("RENT-HALF", "rent-half-2020")];
    let mut claims = Claims::under(&packs, 2022, 10_000).await;
    let half =
        "relief_kind=waiver waived_amount=200.00 tenant_confirmed=200.00 landlord_relief=0.00 docs";
    claims
        .check(&format!(
            "day       | who      | command | outcome
            2022-06-01 | manager  | rank FJ-VOUCHER | no recommended claim of FJ-VOUCHER waits for a round: `claim list --programme FJ-VOUCHER` shows where its claims stand
            2022-06-01 | f        | draft x RENT-HALF f {half} | drafted version=1
            2022-06-01 | f        | submit x | submitted pass 100.00 version=1
            2022-06-01 | reviewer | review x recommend | recommended 100.00
            2022-06-01 | manager  | rank RENT-HALF | RENT-HALF pays claims first come, first served: there is nothing to rank, so approve them (`claim approve`)
            2022-06-01 | f        | draft a FJ-VOUCHER f paid_amount=30000.00 docs | drafted version=1
            2022-06-01 | g        | draft b FJ-VOUCHER g paid_amount=10000.00 docs | drafted version=1
            2022-06-01 | f        | submit a | submitted pass 15000.00 version=1
            2022-06-01 | g        | submit b | submitted pass 5000.00 version=1
            2022-06-01 | reviewer | review a recommend | recommended 15000.00
            2022-06-01 | reviewer | review b recommend | recommended 5000.00
            2022-06-02 | manager  | rank FJ-VOUCHER | ranked 2 total=10000.00 10000.00 for 40000.00
            2022-06-02 | manager  | decline b back | returned
            2022-06-02 | g        | submit b | submitted pass 5000.00 version=1
            2022-06-02 | reviewer | review b recommend | recommended 5000.00
            2022-06-02 | manager  | approve b | refused RANKED
            2022-06-02 | manager  | approve a | approved 7500.00 level=1 reasons=BUDGET_SHARE role=manager",
        ))
        .await;
}
