//! Rows of documents and their uses, compared with the log.

use super::attack::{Table, attack_all};
use crate::evidence::{PDF, add, inspect, redeem, redeemed_twice};

const TABLES: &[Table] = &[
    Table {
        name: "evidence",
        key: &["sha256"],
        named: "concat('sha256 ', encode(sha256, 'hex'))",
        forged: "\\x00",
        rows: 2,
        unstated: &[],
    },
    Table {
        name: "evidence_use",
        key: &["sha256", "case_kind", "case_id"],
        named: "concat('use ', encode(sha256, 'hex'), ' ', case_kind, ' ', case_id)",
        forged: "00000000-0000-4000-8000-000000000000",
        rows: 3,
        unstated: &[],
    },
];

#[tokio::test]
async fn every_change_of_a_document_s_row_is_found_and_named() {
    let (world, [h, i, j]) = redeemed_twice().await;
    for bytes in [PDF, b"<invoice/>"] {
        let document = inspect(bytes).unwrap();
        add(&world, "p", document, None).await.unwrap();
        add(&world, "f", document, None).await.unwrap();
    }
    for (hold, price, documents) in [
        (h, "20000.00", &[PDF][..]),
        (i, "40000.00", &[PDF, b"<invoice/>"]),
        (j, "20000.00", &[]),
    ] {
        let caller = world.caller("p", "2020-05-05", None);
        world
            .give(caller, redeem(hold, price, documents))
            .await
            .unwrap();
    }
    attack_all(&world, TABLES).await;
}
