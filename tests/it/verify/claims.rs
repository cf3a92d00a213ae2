//! Rows of claims and of who approves, compared with the log.

use std::sync::Arc;

use super::attack::{Table, attack_all};
use crate::claim::{Claims, delegate, lift, recuse, revoke, set_levels};
use crate::kit::scenario::World;
use crate::rent::play::RentPlay;

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";
const NO_ENTRY: &str = "999999";

const fn table(name: &'static str, key: &'static [&'static str], rows: usize) -> Table {
    Table {
        name,
        key,
        named: "",
        forged: NO_ENTRY,
        rows,
        unstated: &[],
    }
}

const TABLES: &[Table] = &[
    Table {
        named: "concat('claim_id ', claim_id)",
        forged: NOBODY,
        ..table("claim", &["claim_id"], 8)
    },
    Table {
        named: "concat('claim_line ', concat_ws(' ', claim_id, version, line))",
        forged: "99",
        ..table("claim_line", &["claim_id", "version", "line"], 5)
    },
    Table {
        named: "concat('notice_id ', notice_id)",
        forged: NOBODY,
        ..table("notice", &["notice_id"], 2)
    },
    Table {
        named: "concat('item ', concat_ws(' ', notice_id, claim_id))",
        forged: NOBODY,
        ..table("notice_item", &["notice_id", "claim_id"], 3)
    },
    Table {
        named: "concat('approval ', concat_ws(' ', claim_id, reviewed_index, level))",
        forged: "9",
        ..table(
            "claim_approval",
            &["claim_id", "reviewed_index", "level"],
            4,
        )
    },
    Table {
        named: "concat('proposed_index ', proposed_index)",
        ..table("approval_levels", &["proposed_index"], 1)
    },
    Table {
        named: "concat('declared_index ', declared_index)",
        ..table("recusal", &["declared_index"], 2)
    },
    Table {
        named: "concat('given_index ', given_index)",
        ..table("delegation", &["given_index"], 2)
    },
    Table {
        named: "concat('payable_id ', payable_id)",
        forged: NOBODY,
        ..table("payable", &["payable_id"], 2)
    },
];

/// Claims in every state, one approved at two levels, one by a delegate; a recusal and a delegation that ended.
async fn everything() -> Arc<World> {
    let mut claims = Claims::new(1_000_000).await;
    set_levels(
        &claims.world,
        &["0.00=manager", "100000.00=manager,finance"],
    )
    .await;
    let recused = recuse(&claims.world, "manager", "all", "g").await.unwrap();
    recuse(&claims.world, "reviewer", "reviewer", "p")
        .await
        .unwrap();
    lift(&claims.world, "manager", recused).await.unwrap();
    let days = ("2020-06-01", "2020-12-31");
    let given = delegate(&claims.world, "manager", "cashier2", days)
        .await
        .unwrap();
    delegate(&claims.world, "manager", "auditor", days)
        .await
        .unwrap();
    let half = "relief_kind=waiver waived_amount=200000.00 tenant_confirmed=200000.00 landlord_relief=0.00 docs";
    let relief = "relief_kind=waiver waiver_from=2020-02-01 waiver_until=2020-07-31 docs";
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-09-01 | f        | draft a RENT-HALF f {half} | drafted version=1
            2020-09-01 | f        | submit a   | submitted pass 100000.00 version=1
            2020-09-02 | reviewer | review a recommend | recommended 100000.00
            2020-09-03 | cashier2 | approve a  | level_approved level=1 levels=2 next=finance role=manager
            2020-09-03 | finance  | approve a  | approved 100000.00 level=2 role=finance
            2020-09-01 | f        | draft b SHAANXI-RENT f {relief} waived_amount=1000.00@one waived_amount=2000.00@two | drafted version=1
            2020-09-01 | f        | revise b {relief} waived_amount=1000.00@one waived_amount=3000.00@two | drafted version=2
            2020-09-01 | f        | submit b   | submitted pass 400.00 version=2
            2020-09-02 | reviewer | review b recommend waived_amount=3000.00 | recommended 300.00
            2020-09-01 | g        | draft c SHAANXI-RENT g {relief} waived_amount=5000.00@three | drafted version=1
            2020-09-01 | g        | submit c   | submitted pass 500.00 version=1
            2020-09-02 | reviewer | review c recommend | recommended 500.00
            2020-09-02 | reviewer | notice SHAANXI-RENT | published 2 last_day=2020-09-09 total=800.00
            2020-09-03 | reviewer | object c   | objected
            2020-09-10 | manager  | approve b  | approved 300.00 level=1 role=manager
            2020-09-10 | reviewer | review c recommend | recommended 500.00
            2020-09-10 | reviewer | notice SHAANXI-RENT | published 1 last_day=2020-09-17 total=500.00
            2020-09-10 | f        | draft d RENT-HALF f {half} | drafted version=1
            2020-09-10 | f        | draft e RENT-HALF f {half} | drafted version=1
            2020-09-10 | f        | submit e   | submitted pass 100000.00 version=1
            2020-09-10 | reviewer | review e return | returned
            2020-09-10 | f        | draft g RENT-HALF f {half} | drafted version=1
            2020-09-10 | f        | submit g   | submitted pass 100000.00 version=1
            2020-09-10 | reviewer | review g recommend | recommended 100000.00
            2020-09-10 | manager  | approve g  | level_approved level=1 levels=2 next=finance role=manager
            2020-09-10 | finance  | decline g down | declined
            2020-09-10 | f        | draft h RENT-HALF f {half} | drafted version=1
            2020-09-10 | f        | submit h   | submitted pass 100000.00 version=1
            2020-09-10 | f        | withdraw h | withdrawn
            2020-09-10 | f        | draft i RENT-HALF f {half} | drafted version=1
            2020-09-10 | f        | submit i   | submitted pass 100000.00 version=1
            2020-09-10 | reviewer | review i reject | rejected",
        ))
        .await;
    revoke(&claims.world, "manager", given).await.unwrap();
    claims.world
}

#[tokio::test]
async fn every_change_of_a_round_is_found_and_named() {
    let mut claims = Claims::under(&[("FJ-VOUCHER", "fujian-2022")], 2022, 1_000).await;
    claims
        .check(
            "day       | who      | command    | outcome
            2022-06-01 | f        | draft a FJ-VOUCHER f paid_amount=3000.00 docs | drafted version=1
            2022-06-01 | g        | draft b FJ-VOUCHER g paid_amount=1000.00 docs | drafted version=1
            2022-06-01 | f        | submit a   | submitted pass 1500.00 version=1
            2022-06-01 | g        | submit b   | submitted pass 500.00 version=1
            2022-06-02 | reviewer | review a recommend | recommended 1500.00
            2022-06-02 | reviewer | review b recommend | recommended 500.00
            2022-06-03 | manager  | rank FJ-VOUCHER | ranked 2 total=1000.00 1000.00 for 4000.00",
        )
        .await;
    let tables = [
        Table {
            named: "concat('round_id ', round_id)",
            forged: NOBODY,
            ..table("claim_round", &["round_id"], 1)
        },
        Table {
            named: "concat('claim_place ', concat_ws(' ', round_id, claim_id))",
            forged: NOBODY,
            ..table("claim_place", &["round_id", "claim_id"], 2)
        },
    ];
    attack_all(&claims.world, &tables).await;
}

/// A claim that took a waiver, one that named it in vain, one that was withdrawn and one that is a draft.
#[tokio::test]
async fn every_change_of_what_a_claim_took_of_the_rent_book_is_found_and_named() {
    let mut rent = RentPlay::new().await;
    rent.check(
        "day       | who      | command | outcome
        2020-01-02 | c        | lease a A-1 f 1000.00 2020-01-01 2020-12-31 | added
        2020-05-01 | c        | bill a 2020-02 | billed 1000.00 days=29
        2020-05-01 | c        | bill a 2020-03 | billed 1000.00 days=31
        2020-05-02 | c        | waive w a full reduction 2020-02 | declared 1000.00
        2020-05-02 | c        | waive x a full reduction 2020-03 | declared 1000.00
        2020-05-03 | f        | confirm w 1000.00 | confirmed 1000.00
        2020-05-03 | f        | confirm x 1000.00 | confirmed 1000.00
        2020-05-04 | reviewer | audit w 1000.00 | audited 1000.00 compensable=true
        2020-05-04 | reviewer | audit x 1000.00 | audited 1000.00 compensable=true",
    )
    .await;
    let mut claims = Claims::beside(&rent, &[("RENT-HALF", "rent-half-2020")], 1_000_000).await;
    claims
        .check(
            "day       | who      | command    | outcome
            2020-06-01 | c        | draft a RENT-HALF c waiver:w waiver:x docs | drafted version=1
            2020-06-01 | c        | revise a waiver:w docs | drafted version=2
            2020-06-01 | c        | submit a   | submitted pass 500.00 version=2
            2020-06-01 | c        | draft b RENT-HALF c waiver:w docs | drafted version=1
            2020-06-01 | c        | submit b   | refused ALREADY_CLAIMED reasons=W*
            2020-06-01 | c        | draft d RENT-HALF c waiver:x docs | drafted version=1
            2020-06-01 | c        | submit d   | submitted pass 500.00 version=1
            2020-06-01 | c        | withdraw d | withdrawn
            2020-06-02 | reviewer | review a recommend | recommended 500.00
            2020-06-03 | manager  | approve a  | approved 500.00 level=1 role=manager",
        )
        .await;
    let tables = [Table {
        named: "concat('claim_waiver ', concat_ws(' ', claim_id, version, waiver_id))",
        forged: NOBODY,
        ..table("claim_waiver", &["claim_id", "version", "waiver_id"], 5)
    }];
    attack_all(&claims.world, &tables).await;
}

#[tokio::test]
async fn every_change_of_a_claim_s_row_is_found_and_named() {
    let world = everything().await;
    attack_all(&world, TABLES).await;
}
