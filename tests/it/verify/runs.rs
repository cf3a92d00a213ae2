//! Rows of award runs, compared with the log.

use super::attack::{Table, attack, attack_all};
use crate::award_run::{approved, resume, world};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

const TABLES: &[Table] = &[
    Table {
        name: "award_run",
        key: &["run_id"],
        named: "concat('run_id ', run_id)",
        forged: NOBODY,
        rows: 2,
        unstated: &[],
    },
    Table {
        name: "award_result",
        key: &["run_id", "party_id"],
        named: "concat('result ', run_id, ' ', party_id)",
        forged: NOBODY,
        rows: 4,
        unstated: &[],
    },
    Table {
        name: "voucher",
        key: &["voucher_id"],
        named: "concat('voucher_id ', voucher_id)",
        forged: NOBODY,
        rows: 3,
        unstated: &[],
    },
];

#[tokio::test]
async fn every_change_of_a_run_is_found_and_named() {
    let caps = ["firm_year=500.00", "group_year=500.00", "lifetime_count=3"];
    let world = world(&caps, 1_000, 2).await;
    let run = approved(&world, "300.00").await;
    approved(&world, "100.00").await;
    let done = resume(&world, "manager", run, 3).await.unwrap();
    assert_eq!((done.decided, done.awarded), (4, 3));
    attack_all(&world, TABLES).await;

    // A list is compared as a whole, with the hash of the proposal.
    let mut conn = world.db.superuser().await;
    let of_run = format!("run_id = '{run}'");
    for sql in [
        format!(
            "UPDATE ledger.award_candidate SET amount = amount + 1 WHERE {of_run} AND position = 2"
        ),
        format!(
            "UPDATE ledger.award_candidate SET position = position + 1 WHERE {of_run} AND position = 4"
        ),
        format!(
            "UPDATE ledger.award_candidate SET party_id = gen_random_uuid() WHERE {of_run} AND position = 1"
        ),
        format!("DELETE FROM ledger.award_candidate WHERE {of_run} AND position = 4"),
    ] {
        let finding = format!("ledger.award_candidate, run_id {run}: ");
        attack(&world, &mut conn, "award_candidate", &sql, &finding).await;
    }
}
