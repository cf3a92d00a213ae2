//! Rows of contracts, and of claims that were revoked, compared with the log.

use super::attack::{Table, attack_all};
use crate::claim::{BUY, Claims};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

const TABLES: &[Table] = &[
    Table {
        name: "contract",
        key: &["contract_id"],
        named: "concat('contract_id ', contract_id)",
        forged: NOBODY,
        rows: 4,
        unstated: &[],
    },
    Table {
        name: "contract_milestone",
        key: &["contract_id", "number"],
        named: "concat('milestone ', contract_id, ' ', number)",
        forged: "99",
        rows: 7,
        unstated: &[],
    },
    Table {
        name: "contract_ending",
        key: &["proposed_index"],
        named: "concat('proposed_index ', proposed_index)",
        forged: "0",
        rows: 3,
        unstated: &[],
    },
    Table {
        name: "claim",
        key: &["claim_id"],
        named: "concat('claim_id ', claim_id)",
        forged: NOBODY,
        rows: 2,
        unstated: &[],
    },
    Table {
        name: "payable",
        key: &["payable_id"],
        named: "concat('payable_id ', payable_id)",
        forged: NOBODY,
        rows: 2,
        unstated: &[],
    },
    Table {
        name: "evidence_use",
        key: &["sha256", "case_kind", "case_id"],
        named: "concat('use ', encode(sha256, 'hex'), ' ', case_kind, ' ', case_id)",
        forged: NOBODY,
        rows: 16,
        unstated: &[],
    },
];

/// Contracts in every state: one that waits, one that was rejected, one with a milestone that is paid for and one that was
/// revoked, one that was ended.
#[tokio::test]
async fn every_change_of_a_contract_is_found_and_named() {
    let done = "service_complete=true invoiced_amount=100000.00 docs";
    let parts = "2020-06-30=100000.00 2020-11-30=200000.00";
    let mut claims = Claims::buying(1_000_000).await;
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-03-02 | manager  | contract k {BUY} p 300000.00 {parts} | proposed 300000.00 milestones=2
            2020-03-02 | manager  | contract l {BUY} p 300000.00 {parts} | proposed 300000.00 milestones=2
            2020-03-02 | manager  | contract m {BUY} p 300000.00 {parts} | proposed 300000.00 milestones=2
            2020-03-02 | manager  | contract n {BUY} p 100000.00 2020-06-30=100000.00 | proposed 100000.00 milestones=1
            2020-03-03 | finance  | confirm k  | confirmed 300000.00 year=2020
            2020-03-03 | finance  | confirm l  | confirmed 300000.00 year=2020
            2020-03-03 | finance  | reject m   | rejected
            2020-03-04 | finance  | end k      | proposed 300000.00
            2020-03-04 | manager  | reject-end k | rejected
            2020-03-04 | finance  | end l      | proposed 300000.00
            2020-03-04 | manager  | confirm-end l | ended 300000.00 returned_to=B30
            2020-03-04 | finance  | end k      | proposed 300000.00
            2020-07-01 | p        | draft a {BUY} p milestone:k-1 {done} | drafted version=1
            2020-07-01 | p        | submit a   | submitted pass 100000.00 version=1
            2020-07-02 | reviewer | review a recommend | recommended 100000.00
            2020-07-03 | manager  | approve a  | approved 100000.00 level=1 role=manager
            2020-07-01 | p        | draft b {BUY} p milestone:k-2 {done} | drafted version=1
            2020-07-01 | p        | submit b   | submitted pass 100000.00 version=1
            2020-07-02 | reviewer | review b recommend | recommended 100000.00
            2020-07-03 | manager  | approve b  | approved 100000.00 level=1 role=manager
            2020-07-04 | finance  | revoke b   | revoked 100000.00 returned_to=B50"
        ))
        .await;
    attack_all(&claims.world, TABLES).await;
}
