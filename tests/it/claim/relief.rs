//! Claims that rest on the rent book: what it says is what counts, and nothing of it counts twice.
//!
//! In outcomes `W*` stands for the short name of a waiver.

use subsidy_ledger::db;

use crate::rent::play::RentPlay;

use super::persons::set_levels;
use super::play::Claims;

const HALF: &[(&str, &str)] = &[("RENT-HALF", "rent-half-2020")];

/// A waiver of CNY 100,000 by `c` for each name, each of a lease of its own, as far as tenant and audit.
async fn waived(names: &[&str]) -> RentPlay {
    let mut rent = RentPlay::new().await;
    for name in names {
        let unit = name.to_uppercase();
        rent.check(&format!(
            "day       | who      | command | outcome
            2020-01-02 | c        | lease {name} {unit}-1 f 100000.00 2020-01-01 2020-12-31 | added
            2020-05-01 | c        | bill {name} 2020-02 | billed 100000.00 days=29
            2020-05-02 | c        | waive {name} {name} full reduction 2020-02 | declared 100000.00
            2020-05-03 | f        | confirm {name} 100000.00 | confirmed 100000.00
            2020-05-04 | reviewer | audit {name} 100000.00 | audited 100000.00 compensable=true",
        ))
        .await;
    }
    rent
}

/// Worked cases R5, R6 and R17 under Jinan's rules: a mismatch blocks until it is settled, and then the smaller sum counts.
#[tokio::test]
async fn jinan_pays_for_what_tenant_and_audit_prove() {
    let mut rent = RentPlay::new().await;
    rent.check(
        "day       | who       | command | outcome
        2020-01-02 | c         | lease a A-1 f 1000000.00 2020-01-01 2020-12-31 | added
        2020-01-02 | d         | lease b B-1 f 100000.00 2020-01-01 2020-12-31 carrier=d | added
        2020-05-01 | c         | bill a 2020-02 | billed 1000000.00 days=29
        2020-05-01 | c         | bill a 2020-03 | billed 1000000.00 days=31
        2020-05-01 | d         | bill b 2020-02 | billed 100000.00 days=29
        2020-05-02 | c         | waive w a full reduction 2020-02..2020-03 | declared 2000000.00
        2020-05-02 | d         | waive x b full reduction 2020-02 | declared 100000.00
        2020-05-03 | f         | confirm x 80000.00 | mismatched 80000.00",
    )
    .await;
    let packs = [("JINAN-RENT", "jinan-2020")];
    let mut claims = Claims::beside(&rent, &packs, 3_000_000).await;
    claims
        .check(
            "day       | who | command | outcome
            2020-06-01 | c   | draft a JINAN-RENT c days:2020-02-01..2020-04-30 state_owned=false docs | refused RELIEF_WAITS reasons=W*
            2020-06-01 | d   | draft b JINAN-RENT d days:2020-02-01..2020-04-30 state_owned=false docs | refused TENANT_MISMATCH reasons=W*
            2020-06-01 | d   | draft b JINAN-RENT d waiver:x state_owned=false docs | refused TENANT_MISMATCH reasons=W*
            2020-06-01 | d   | draft b JINAN-RENT d waiver:w state_owned=false docs | unknown waiver",
        )
        .await;
    rent.check(
        "day       | who       | command | outcome
        2020-06-02 | f         | confirm w 2000000.00 | confirmed 2000000.00
        2020-06-02 | reviewer  | audit w 2000000.00 | audited 2000000.00 compensable=true
        2020-06-02 | reviewer  | settle x 80000.00 | settled 80000.00
        2020-06-02 | reviewer2 | audit x 80000.00 | audited 80000.00 compensable=true",
    )
    .await;
    claims
        .check(
            "day       | who      | command | outcome | B60 F2010
            2020-06-03 | c        | draft s JINAN-RENT c days:2020-02-01..2020-04-30 state_owned=true docs | drafted version=1 | 0 0
            2020-06-03 | c        | submit s   | submitted fail 0.00 reasons=STATE_OWNED version=1 | 0 0
            2020-06-03 | reviewer | review s recommend | rejected reasons=STATE_OWNED | 0 0
            2020-06-03 | c        | draft a JINAN-RENT c days:2020-02-01..2020-04-30 state_owned=false docs | drafted version=1 | 0 0
            2020-06-03 | d        | draft b JINAN-RENT d waiver:x state_owned=false docs | drafted version=1 | 0 0
            2020-06-03 | c        | submit a   | submitted pass 500000.00 reasons=CAP_FIRM_YEAR version=1 | 0 0
            2020-06-03 | d        | submit b   | submitted pass 24000.00 version=1 | 0 0
            2020-06-04 | reviewer2 | review a recommend audited_waiver=2000000.01 | audited_waiver: the claim rests on the rent book, which says it; leave it out | 0 0
            2020-06-04 | reviewer2 | review a recommend | recommended 500000.00 reasons=CAP_FIRM_YEAR | 0 0
            2020-06-04 | reviewer2 | review b recommend | recommended 24000.00 | 0 0
            2020-06-05 | manager  | approve a  | approved 500000.00 level=1 reasons=CAP_FIRM_YEAR role=manager | 500000 500000
            2020-06-05 | manager  | approve b  | approved 24000.00 level=1 role=manager | 524000 524000
            2020-06-06 | c        | draft z JINAN-RENT c waiver:w state_owned=false docs | refused ALREADY_CLAIMED reasons=W* | 524000 524000
            2020-06-06 | c        | draft z JINAN-RENT c days:2020-02-01..2020-04-30 state_owned=false docs | refused NO_RELIEF | 524000 524000",
        )
        .await;
    rent.check(
        "day       | who | command | outcome
        2020-06-06 | c   | void w | refused CLAIMED",
    )
    .await;
}

/// Worked cases R7, R10, R11 and R12: months, tenths, rent alone, and the landlord's part.
#[tokio::test]
async fn each_policy_asks_the_book_what_it_needs() {
    let mut rent = RentPlay::new().await;
    rent.check(
        "day       | who      | command | outcome
        2020-01-02 | c        | lease a A-1 f 100000.00 2020-01-01 2020-12-31 | added
        2020-05-01 | c        | bill a 2020-02 | billed 100000.00 days=29
        2020-05-01 | c        | bill a 2020-03 | billed 100000.00 days=31
        2020-05-01 | c        | bill a 2020-04 | billed 100000.00 days=30
        2020-05-02 | c        | waive r7a a full reduction 2020-02 | declared 100000.00
        2020-05-02 | c        | waive r7b a half reduction 2020-03..2020-04 | declared 100000.00
        2020-01-02 | c        | lease b B-1 f 1500000.00 2020-01-01 2020-12-31 | added
        2020-05-01 | c        | bill b 2020-06 | billed 1500000.00 days=30
        2020-05-02 | c        | waive r10a b full reduction 2020-06 | declared 1500000.00
        2020-01-02 | d        | lease e E-1 f 2500000.00 2020-01-01 2020-12-31 carrier=d | added
        2020-05-01 | d        | bill e 2020-06 | billed 2500000.00 days=30
        2020-05-02 | d        | waive r10b e full reduction 2020-06 | declared 2500000.00
        2020-01-02 | c        | lease h H-1 f 600000.00 2020-01-01 2020-12-31 sublet=yes | added
        2020-05-01 | c        | bill h 2020-07 | billed 600000.00 days=31
        2020-05-02 | c        | waive r12 h full reduction 2020-07 landlord=250000.00 | declared 600000.00
        2020-05-02 | c        | waive ext h months:1 extension | declared 600000.00
        2020-05-03 | f        | confirm r7a 100000.00 | confirmed 100000.00
        2020-05-03 | f        | confirm r7b 100000.00 | confirmed 100000.00
        2020-05-03 | f        | confirm r10a 1500000.00 | confirmed 1500000.00
        2020-05-03 | f        | confirm r10b 2500000.00 | confirmed 2500000.00
        2020-05-03 | f        | confirm r12 600000.00 | confirmed 600000.00
        2020-05-03 | f        | confirm ext 600000.00 | confirmed 600000.00
        2020-05-04 | reviewer | audit r7a 100000.00 | audited 100000.00 compensable=true
        2020-05-04 | reviewer | audit r7b 100000.00 | audited 100000.00 compensable=true
        2020-05-04 | reviewer | audit r10a 1500000.00 | audited 1500000.00 compensable=true
        2020-05-04 | reviewer | audit r10b 2500000.00 | audited 2500000.00 compensable=true
        2020-05-04 | reviewer | audit r12 600000.00 | audited 600000.00 compensable=true
        2020-05-04 | reviewer | audit ext 600000.00 | audited 600000.00 compensable=true
        2020-05-05 | c        | waive late h months:1 extension | declared 600000.00",
    )
    .await;
    let packs = [
        ("ZHANGZHOU-RENT", "zhangzhou-2020"),
        ("SHAANXI-RENT", "shaanxi-2020"),
        ("RENT-HALF", "rent-half-2020"),
    ];
    let mut claims = Claims::beside(&rent, &packs, 1_000_000).await;
    claims
        .check(
            "day       | who      | command | outcome | B60
            2020-06-10 | c        | draft a ZHANGZHOU-RENT c waiver:r7a waiver:r7b docs | drafted version=1 | 0
            2020-06-10 | c        | submit a   | submitted pass 60000.00 version=1 | 0
            2020-06-10 | c        | draft b SHAANXI-RENT c waiver:r10a docs | drafted version=1 | 0
            2020-06-10 | c        | submit b   | submitted pass 150000.00 version=1 | 0
            2020-06-10 | d        | draft e SHAANXI-RENT d days:2020-01-01..2020-12-31 docs | drafted version=1 | 0
            2020-06-10 | d        | submit e   | submitted pass 200000.00 reasons=CAP_FIRM_YEAR version=1 | 0
            2020-06-10 | c        | draft h RENT-HALF c days:2020-07-01..2021-12-31 docs | drafted version=1 | 0
            2020-06-10 | c        | submit h   | submitted pass 175000.00 version=1 | 0
            2020-06-10 | c        | draft x RENT-HALF c waiver:ext docs | refused NO_RELIEF reasons=W* | 0
            2020-06-10 | c        | draft x RENT-HALF c waiver:r12 days:2020-01-01..2020-07-30 docs | refused NO_RELIEF reasons=W* | 0
            2020-06-11 | reviewer | review a recommend | recommended 60000.00 | 0
            2020-06-11 | reviewer | review b recommend | recommended 150000.00 | 0
            2020-06-11 | reviewer | review e recommend | recommended 200000.00 reasons=CAP_FIRM_YEAR | 0
            2020-06-11 | reviewer | review h recommend | recommended 175000.00 | 0
            2020-06-11 | reviewer | notice SHAANXI-RENT | published 2 last_day=2020-06-18 total=350000.00 | 0
            2020-06-19 | manager  | approve a  | approved 60000.00 level=1 role=manager | 60000
            2020-06-19 | manager  | approve b  | approved 150000.00 level=1 role=manager | 210000
            2020-06-19 | manager  | approve e  | approved 200000.00 level=1 reasons=CAP_FIRM_YEAR role=manager | 410000
            2020-06-19 | manager  | approve h  | approved 175000.00 level=1 role=manager | 585000",
        )
        .await;
}

/// Worked case R11: of a bill of 50,000 the rent of 38,000.
#[tokio::test]
async fn changping_counts_rent_alone() {
    let mut rent = RentPlay::new().await;
    rent.check(
        "day       | who      | command | outcome
        2022-01-02 | c        | lease a A-1 f 38000.00 2022-01-01 2022-12-31 property=7000.00 parking=5000.00 | added
        2022-05-01 | c        | bill a 2022-03 | billed 38000.00 days=31
        2022-05-02 | c        | waive w a full reduction 2022-03 | declared 38000.00
        2022-05-03 | f        | confirm w 38000.00 | confirmed 38000.00
        2022-05-04 | reviewer | audit w 38000.00 | audited 38000.00 compensable=true",
    )
    .await;
    let mut claims =
        Claims::beside(&rent, &[("CHANGPING-RENT", "changping-2022")], 1_000_000).await;
    claims.world.fund("CHANGPING-RENT", 2022, 1_000_000).await;
    claims
        .check(
            "day       | who      | command | outcome
            2022-06-10 | c        | draft a CHANGPING-RENT c waiver:w state_owned_premises=false docs | drafted version=1
            2022-06-10 | c        | submit a   | submitted pass 38000.00 version=1
            2022-06-11 | reviewer | review a recommend | recommended 38000.00
            2022-06-12 | manager  | approve a  | approved 38000.00 level=1 role=manager",
        )
        .await;
}

#[tokio::test]
async fn no_relief_is_claimed_twice() {
    let rent = waived(&["w", "x"]).await;
    let mut claims = Claims::beside(&rent, HALF, 1_000_000).await;
    claims
        .check(
            "day       | who      | command | outcome | B60
            2020-06-01 | c        | draft a RENT-HALF c waiver:w docs | drafted version=1 | 0
            2020-06-01 | c        | draft b RENT-HALF c waiver:w waiver:x docs | drafted version=1 | 0
            2020-06-01 | c        | draft s RENT-HALF c relief_kind=waiver waived_amount=5.00 tenant_confirmed=5.00 landlord_relief=0.00 docs | drafted version=1 | 0
            2020-06-01 | c        | submit s   | refused RELIEF_IN_BOOK | 0
            2020-06-01 | c        | revise s waiver:x waived_amount=5.00@one docs | waived_amount: the claim rests on the rent book, which says it; leave it out | 0
            2020-06-02 | c        | submit a   | submitted pass 50000.00 version=1 | 0
            2020-06-02 | c        | submit b   | refused ALREADY_CLAIMED reasons=W* | 0
            2020-06-02 | reviewer | review a return | returned | 0
            2020-06-02 | c        | submit b   | refused ALREADY_CLAIMED reasons=W* | 0
            2020-06-02 | c        | revise a waiver:x docs | drafted version=2 | 0
            2020-06-02 | c        | submit a   | submitted pass 50000.00 version=2 | 0
            2020-06-02 | c        | submit b   | refused ALREADY_CLAIMED reasons=W* | 0
            2020-06-02 | c        | withdraw a | withdrawn | 0
            2020-06-02 | c        | submit b   | submitted pass 100000.00 version=1 | 0
            2020-06-03 | reviewer | review b recommend | recommended 100000.00 | 0
            2020-06-04 | manager  | approve b  | approved 100000.00 level=1 role=manager | 100000
            2020-06-04 | c        | draft z RENT-HALF c waiver:w docs | refused ALREADY_CLAIMED reasons=W* | 100000",
        )
        .await;
    let mut admin = claims.world.db.superuser().await;
    let twice = "UPDATE ledger.claim_waiver SET taken = true";
    let error = sqlx::query(twice).execute(&mut admin).await.unwrap_err();
    let constraint = db::violated_constraint(&error);
    assert_eq!(constraint, Some("claim_waiver_taken_once"), "{error}");
}

/// The last level may be finance's, and what became of a waiver meanwhile is looked at there too.
#[tokio::test]
async fn a_waiver_that_was_voided_meanwhile_is_not_paid() {
    let mut rent = waived(&["w", "x", "y"]).await;
    let mut claims = Claims::beside(&rent, HALF, 1_000_000).await;
    set_levels(&claims.world, &["0.00=manager,finance"]).await;
    claims
        .check(
            "day       | who      | command | outcome | B60
            2020-06-01 | c        | draft a RENT-HALF c waiver:w docs | drafted version=1 | 0
            2020-06-01 | c        | draft b RENT-HALF c waiver:x docs | drafted version=1 | 0
            2020-06-01 | c        | draft e RENT-HALF c waiver:y docs | drafted version=1 | 0
            2020-06-01 | c        | submit a   | submitted pass 50000.00 version=1 | 0
            2020-06-01 | c        | submit b   | submitted pass 50000.00 version=1 | 0
            2020-06-02 | reviewer | review a recommend | recommended 50000.00 | 0
            2020-06-03 | manager  | approve a  | level_approved level=1 levels=2 next=finance role=manager | 0",
        )
        .await;
    rent.check(
        "day       | who | command | outcome
        2020-06-03 | c   | void w | voided
        2020-06-03 | c   | void x | voided
        2020-06-03 | c   | void y | voided",
    )
    .await;
    claims
        .check(
            "day       | who      | command | outcome | B60
            2020-06-04 | finance  | approve a  | refused RELIEF_CHANGED reasons=W* | 0
            2020-06-04 | finance  | decline a back | returned | 0
            2020-06-04 | reviewer | review b recommend | refused RELIEF_CHANGED reasons=W* | 0
            2020-06-04 | reviewer | review b return | returned | 0
            2020-06-04 | c        | submit e   | refused RELIEF_CHANGED reasons=W* | 0
            2020-06-04 | c        | revise e waiver:y docs | refused NO_RELIEF reasons=W* | 0",
        )
        .await;
    let more = waived(&["z"]).await;
    let mut claims = Claims::beside(&more, HALF, 1_000_000).await;
    set_levels(&claims.world, &["0.00=manager,finance"]).await;
    claims
        .check(
            "day       | who      | command | outcome | B60
            2020-06-01 | c        | draft a RENT-HALF c waiver:z docs | drafted version=1 | 0
            2020-06-01 | c        | submit a   | submitted pass 50000.00 version=1 | 0
            2020-06-02 | reviewer | review a recommend | recommended 50000.00 | 0
            2020-06-03 | manager  | approve a  | level_approved level=1 levels=2 next=finance role=manager | 0
            2020-06-04 | finance  | approve a  | approved 50000.00 level=2 role=finance | 50000",
        )
        .await;
}

/// Two claims that are submitted at once: one of them gets the waiver.
#[tokio::test]
async fn two_submissions_race_for_one_waiver() {
    let rent = waived(&["w"]).await;
    let mut claims = Claims::beside(&rent, HALF, 1_000_000).await;
    claims
        .check(
            "day       | who | command | outcome
            2020-06-01 | c   | draft a RENT-HALF c waiver:w docs | drafted version=1
            2020-06-01 | c   | draft b RENT-HALF c waiver:w docs | drafted version=1",
        )
        .await;
    let submit = async |name| {
        claims
            .give("2020-06-02", "c", name, &["submit", name])
            .await
    };
    let (one, other) = tokio::join!(submit("a"), submit("b"));
    let outcome = |given: crate::kit::scenario::Given| {
        let (_, answer) = given.unwrap();
        let word = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
        (word("outcome"), word("code"))
    };
    let mut outcomes = [outcome(one), outcome(other)];
    outcomes.sort();
    let [refused, submitted] = outcomes;
    assert_eq!(
        refused,
        ("refused".to_owned(), "ALREADY_CLAIMED".to_owned())
    );
    assert_eq!(submitted.0, "submitted");
    claims.world.check_invariants().await;
}
