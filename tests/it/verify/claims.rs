//! Rows of claims and of who approves, compared with the log.

use super::attack::{Table, attack_all};
use crate::claim::{Claims, delegate, lift, recuse, revoke, set_levels};
use crate::kit::scenario::World;

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
async fn everything() -> World {
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
async fn every_change_of_a_claim_s_row_is_found_and_named() {
    attack_all(&everything().await, TABLES).await;
}
