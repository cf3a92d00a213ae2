//! Rows of vouchers and payments, compared with the log.

use subsidy_ledger::payment::PayableFilter;
use subsidy_ledger::types::PayableId;

use super::attack::{Table, attack_all};
use crate::kit::scenario::World;
use crate::kit::table::Play;
use crate::payment::{approve, discard, hear, paid, prepare, send};

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

const TABLES: &[Table] = &[
    Table {
        name: "voucher_application",
        key: &["application_id"],
        named: "concat('application_id ', application_id)",
        forged: NOBODY,
        rows: 8,
        unstated: &[],
    },
    Table {
        name: "voucher",
        key: &["voucher_id"],
        named: "concat('voucher_id ', voucher_id)",
        forged: NOBODY,
        rows: 4,
        unstated: &[],
    },
    Table {
        name: "hold",
        key: &["hold_id"],
        named: "concat('hold_id ', hold_id)",
        forged: NOBODY,
        rows: 6,
        unstated: &[],
    },
    Table {
        name: "payable",
        key: &["payable_id"],
        named: "concat('payable_id ', payable_id)",
        forged: NOBODY,
        rows: 4,
        unstated: &[],
    },
    Table {
        name: "payment_batch",
        key: &["batch_id"],
        named: "concat('batch_id ', batch_id)",
        forged: NOBODY,
        rows: 4,
        unstated: &[],
    },
    Table {
        name: "payment_line",
        key: &["end_to_end_id"],
        named: "concat('end_to_end_id ', end_to_end_id)",
        forged: "P9-9",
        rows: 6,
        unstated: &[],
    },
];

/// Applications that wait for a reviewer and for an approver, and that each of them turned down; a voucher in use,
/// one that is suspended, one that was taken back; holds that are open, captured and
/// released; payables that are prepared after a batch that was discarded, rejected and sent again, sent, paid.
async fn everything() -> World {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command    | outcome
        2020-05-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-01 | clerk    | apply b SH g applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-01 | clerk    | apply c SH g applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-02 | reviewer | review a   | recommended 100000.00
        2020-05-02 | reviewer | review b   | recommended 100000.00
        2020-05-02 | reviewer | review c   | recommended 100000.00
        2020-05-03 | manager  | issue a    | issued 100000.00 last_day=2020-12-31
        2020-05-03 | manager  | issue b    | issued 100000.00 last_day=2020-12-31
        2020-05-03 | manager  | issue c    | issued 100000.00 last_day=2020-12-31
        2020-05-04 | f        | hold h a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-04 | f        | hold i a p 40000.00 | held 20000.00 own_share=20000.00
        2020-05-04 | f        | hold j a p 30000.00 | held 15000.00 own_share=15000.00
        2020-05-04 | f        | hold k a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-04 | f        | hold l a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-04 | g        | hold m b p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-05 | p        | redeem h 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00
        2020-05-05 | p        | redeem i 30000.00 | redeemed 15000.00 own_share=15000.00 payee=p returned=5000.00
        2020-05-05 | p        | redeem j 30000.00 | redeemed 15000.00 own_share=15000.00 payee=p returned=0.00
        2020-05-05 | p        | redeem m 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00
        2020-05-05 | f        | release k  | released 10000.00
        2020-05-05 | reviewer | freeze a   | frozen
        2020-05-05 | reviewer | thaw a     | thawed
        2020-05-05 | reviewer | freeze b   | frozen
        2020-05-05 | manager  | cancel c   | cancelled 100000.00
        2020-05-06 | clerk    | apply w SH g applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-06 | clerk    | apply x SH g applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-06 | reviewer | review x   | recommended 100000.00
        2020-05-06 | clerk    | apply y SH f applicant_kind=enterprise service_price=800000.00 | pass 400000.00
        2020-05-06 | clerk    | apply z SH f applicant_kind=enterprise service_price=800000.00 | pass 400000.00
        2020-05-06 | reviewer | review y   | recommended 400000.00
        2020-05-06 | reviewer | review z   | recommended 400000.00
        2020-05-06 | manager  | issue y    | issued 400000.00 last_day=2020-12-31
        2020-05-06 | manager  | issue z    | rejected reasons=CAP_FIRM_YEAR
        2020-05-06 | clerk    | apply v SH f applicant_kind=enterprise service_price=200000.00 | fail 0.00 reasons=CAP_FIRM_YEAR
        2020-05-06 | reviewer | review v   | rejected reasons=CAP_FIRM_YEAR",
    )
    .await;
    let ids = ["h", "i", "j"].map(|name| PayableId(play.hold(name).0));
    let three = PayableFilter::Ids(ids.to_vec());
    approve(&play.world, "finance", three).await.unwrap();
    let first = send(&play.world, "cashier", "2020-05-07").await.unwrap();
    let rejected = format!(
        "{},15000.00,2020-05-08,rejected,,AC04 account closed",
        first.lines[1].end_to_end_id
    );
    let rows = [paid(&first, 0, "2020-05-08"), rejected];
    hear(&play.world, "cashier", "2020-05-09", &rows)
        .await
        .unwrap();
    send(&play.world, "cashier2", "2020-05-10").await.unwrap();
    let last = PayableFilter::Ids(vec![PayableId(play.hold("m").0)]);
    approve(&play.world, "finance", last).await.unwrap();
    let third = prepare(&play.world, "cashier", "2020-05-11").await.unwrap();
    discard(&play.world, "cashier2", "2020-05-11", third.id)
        .await
        .unwrap();
    prepare(&play.world, "cashier", "2020-05-12").await.unwrap();
    play.check(
        "day       | who      | command    | outcome
        2021-01-01 | system   | expire a   | lapsed 50000.00",
    )
    .await;
    play.world
}

#[tokio::test]
async fn every_change_of_a_feature_s_row_is_found_and_named() {
    attack_all(&everything().await, TABLES).await;
}
