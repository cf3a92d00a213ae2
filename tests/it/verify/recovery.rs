//! Rows of recoveries, compared with the log.

use super::attack::{Table, attack_all};
use crate::exclusion::{confirm, lift, proposed, reject};
use crate::kit::scenario::World;
use crate::recovery::Recoveries;

const TABLES: &[Table] = &[
    Table {
        name: "recovery",
        key: &["recovery_id"],
        named: "concat('recovery_id ', recovery_id)",
        forged: "00000000-0000-7000-8000-000000000000",
        rows: 5,
        unstated: &[],
    },
    Table {
        name: "recovery_settlement",
        key: &["log_index"],
        named: "concat('log_index ', log_index)",
        forged: "0",
        rows: 3,
        unstated: &[],
    },
    Table {
        name: "recovery_instalment",
        key: &["planned_index", "number"],
        named: "concat('instalment ', planned_index, ' ', number)",
        forged: "9",
        rows: 5,
        unstated: &[],
    },
    Table {
        name: "recovery_write_off",
        key: &["proposed_index"],
        named: "concat('proposed_index ', proposed_index)",
        forged: "0",
        rows: 2,
        unstated: &[],
    },
];

#[tokio::test]
async fn every_change_of_an_exclusion_is_found_and_named() {
    let world = World::new(&[]).await;
    let first = proposed(&world, "f").await;
    confirm(&world, "manager", first).await;
    lift(&world, "manager2", first).await;
    let second = proposed(&world, "g").await;
    reject(&world, "manager", second).await;
    proposed(&world, "g").await;
    let table = Table {
        name: "exclusion",
        key: &["proposed_index"],
        named: "concat('proposed_index ', proposed_index)",
        forged: "0",
        rows: 3,
        unstated: &[],
    };
    attack_all(&world, &[table]).await;
}

#[tokio::test]
async fn every_change_of_a_recovery_is_found_and_named() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | reviewer | propose a i overpaid service_price=36000.00 | proposed 2000.00 paid=20000.00 rightful=18000.00
            2020-06-12 | manager  | order a    | ordered 2000.00 due_on=2020-07-12
            2020-06-12 | finance  | plan a 2@2020-07-31 | planned 2000.00 instalments=2020-07-31=1000.00,2020-08-31=1000.00
            2020-06-12 | finance  | plan a 3@2020-07-31 | planned 2000.00 instalments=2020-07-31=666.67,2020-08-31=666.67,2020-09-30=666.66
            2020-06-13 | cashier  | receive a 4 | received 500.00 open=1500.00 returned_to=B30
            2020-06-13 | cashier  | offset a j 600.00 | offset 600.00 open=900.00 rest=29400.00 returned_to=B30
            2020-06-14 | finance2 | write-off a | proposed 900.00
            2020-06-14 | manager  | deny a     | rejected
            2020-06-15 | finance2 | write-off a | proposed 900.00
            2020-06-15 | manager  | approve a  | written_off 900.00
            2020-06-15 | reviewer | propose b h misused whole | proposed 10000.00 paid=10000.00
            2020-06-15 | reviewer | reject b   | rejected
            2020-06-15 | reviewer | propose c h misused whole | proposed 10000.00 paid=10000.00
            2020-06-15 | manager  | order c    | ordered 10000.00 due_on=2020-07-15
            2020-06-15 | finance2 | void c     | voided 10000.00
            2020-06-15 | reviewer | propose d h misused whole | proposed 10000.00 paid=10000.00
            2020-06-15 | reviewer | propose e i defrauded whole | proposed 18000.00 paid=20000.00",
        )
        .await;
    attack_all(&recoveries.world, TABLES).await;
}
