//! Rows of transfers and freezes, compared with the log.

use super::attack::{Table, attack_all};
use crate::budget_control::{approve, control, propose, reject};
use crate::kit::scenario::World;

const TABLES: &[Table] = &[
    Table {
        name: "budget_transfer",
        key: &["proposed_index"],
        named: "concat('proposed_index ', proposed_index)",
        forged: "0",
        rows: 3,
        unstated: &[],
    },
    Table {
        name: "budget_freeze",
        key: &["frozen_index"],
        named: "concat('frozen_index ', frozen_index)",
        forged: "0",
        rows: 2,
        unstated: &[],
    },
];

#[tokio::test]
async fn every_change_of_a_transfer_or_freeze_is_found_and_named() {
    let world = World::new(&[("SH", 2020, 100_000)]).await;
    let both = ("SH-VOUCHER", "YH-VOUCHER");
    let first = propose(&world, both, 2020, 10_000).await.unwrap();
    let second = propose(&world, both, 2020, 20_000).await.unwrap();
    propose(&world, both, 2020, 30_000).await.unwrap();
    approve(&world, "finance", None, first).await.unwrap();
    approve(&world, "manager", None, first).await.unwrap();
    reject(&world, "manager", second).await.unwrap();
    for (who, freezes) in [("finance", true), ("manager", false), ("manager", true)] {
        let line = ("SH-VOUCHER", 2020);
        control(&world, who, freezes, line).await.unwrap();
    }
    attack_all(&world, TABLES).await;
}
