//! Rows about rent, compared with the log.

use super::attack::{Table, attack_all};
use crate::rent::play::RentPlay;

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

const TABLES: &[Table] = &[
    Table {
        name: "lease",
        key: &["lease_id"],
        named: "concat('lease_id ', lease_id)",
        forged: NOBODY,
        rows: 2,
        unstated: &[],
    },
    Table {
        name: "rent_bill",
        key: &["lease_id", "month"],
        named: "concat('bill ', lease_id, ' ', month)",
        forged: "2019-01-01",
        rows: 5,
        unstated: &[],
    },
    Table {
        name: "rent_move",
        key: &["log_index", "position"],
        named: "concat('move ', log_index, ' ', position)",
        forged: "99",
        rows: 16,
        unstated: &[],
    },
    Table {
        name: "waiver",
        key: &["waiver_id"],
        named: "concat('waiver_id ', waiver_id)",
        forged: NOBODY,
        rows: 7,
        unstated: &[],
    },
    Table {
        name: "deferral",
        key: &["deferral_id"],
        named: "concat('deferral_id ', deferral_id)",
        forged: NOBODY,
        rows: 3,
        unstated: &[],
    },
    Table {
        name: "instalment",
        key: &["deferral_id", "number"],
        named: "concat('instalment ', deferral_id, ' ', number)",
        forged: "99",
        rows: 6,
        unstated: &[],
    },
];

/// A lease that was extended and one that was ended; waivers of every way and at every step; deferrals that are paid in
/// part, that defaulted and that became a waiver.
#[tokio::test]
async fn every_change_of_a_row_about_rent_is_found_and_named() {
    let mut play = RentPlay::new().await;
    play.check(
        "day       | who      | command | outcome
        2020-01-02 | c        | lease a A-1 f 100.00 2020-01-01 2020-06-30 property=10.00 parking=5.00 utilities=2.00 other=1.00 sublet=yes | added
        2020-01-02 | c        | lease b A-2 g 300.00 2020-01-01 2020-12-31 | added
        2020-02-01 | c        | bill a 2020-01 | billed 100.00 days=31
        2020-02-01 | c        | bill a 2020-02 | billed 100.00 days=29
        2020-02-01 | c        | bill a 2020-03 | billed 100.00 days=31
        2020-02-01 | c        | bill a 2020-04 | billed 100.00 days=30
        2020-02-01 | c        | bill b 2020-01 | billed 300.00 days=31
        2020-02-02 | c        | end b 2020-06-30 | ended
        2020-02-02 | c        | pay a 150.00 | paid 150.00 open=250.00
        2020-02-03 | c        | waive r a half refund 2020-01 landlord=20.00 | declared 50.00
        2020-02-03 | c        | waive o a share:2500 offset 2020-02 against=2020-03 | declared 25.00
        2020-02-03 | c        | waive x a amount:10.00 reduction 2020-04 | declared 10.00
        2020-02-03 | c        | waive e a months:1 extension | declared 100.00
        2020-02-03 | c        | waive v a months:1 extension | declared 100.00
        2020-02-03 | c        | waive y a amount:10.00 reduction 2020-04 | declared 10.00
        2020-02-04 | f        | confirm r 50.00 | confirmed 50.00
        2020-02-04 | f        | confirm o 20.00 | mismatched 20.00
        2020-02-05 | reviewer | settle o 20.00 | settled 20.00
        2020-02-05 | manager  | audit o 15.00 compensable=no | audited 15.00 compensable=false
        2020-02-05 | manager  | audit r 45.00 | audited 45.00 compensable=true
        2020-02-05 | manager  | claim r | claimed 25.00
        2020-02-06 | c        | void x | voided
        2020-02-06 | c        | void v | voided
        2020-02-07 | c        | defer s b 2020-01 amount=100.00 count=2 first=2020-03-01 | agreed 100.00 2020-03-01:50.00,2020-04-01:50.00
        2020-02-07 | c        | defer t b 2020-01 amount=100.00 count=2 first=2020-03-01 | agreed 100.00 2020-03-01:50.00,2020-04-01:50.00
        2020-02-07 | c        | defer u b 2020-01 amount=100.00 count=2 first=2020-03-01 | agreed 100.00 2020-03-01:50.00,2020-04-01:50.00
        2020-03-01 | c        | instalment s 60.00 | paid 60.00 open=40.00 1:50.00,2:10.00
        2020-03-02 | c        | default t | defaulted 100.00
        2020-03-02 | c        | convert u w | converted 100.00",
    )
    .await;
    attack_all(&play.world, TABLES).await;
}
