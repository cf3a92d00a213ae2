//! Rows of rules for the end of a year and of proposals about periods, compared with the log.

use subsidy_ledger::accounting::{FreeAtEnd, VouchersAtEnd};

use super::attack::{Table, attack_all};
use crate::kit::scenario::World;
use crate::year_end::{confirm, propose_close, propose_reopening, reject, set_rule};

const TABLES: &[Table] = &[
    Table {
        name: "period_proposal",
        key: &["proposed_index"],
        named: "concat('proposed_index ', proposed_index)",
        forged: "0",
        rows: 3,
        unstated: &[],
    },
    Table {
        name: "year_end_rule",
        key: &["log_index"],
        named: "concat('log_index ', log_index)",
        forged: "0",
        rows: 2,
        unstated: &[],
    },
];

#[tokio::test]
async fn every_change_of_a_rule_or_proposal_is_found_and_named() {
    let world = World::new(&[("SH", 2020, 100_000)]).await;
    for free in [FreeAtEnd::Lapse, FreeAtEnd::Carry] {
        set_rule(&world, "SH-VOUCHER", free, VouchersAtEnd::Keep).await;
    }
    let on = "2021-01-05";
    let first = propose_close(&world, "finance", on, 2020).await.unwrap();
    reject(&world, "manager", first).await.unwrap();
    let second = propose_close(&world, "finance", on, 2020).await.unwrap();
    let (closing, _) = confirm(&world, ("manager", on, None), second)
        .await
        .unwrap();
    let third = propose_reopening(&world, "finance", closing).await.unwrap();
    confirm(&world, ("manager", on, None), third).await.unwrap();
    attack_all(&world, TABLES).await;
}
