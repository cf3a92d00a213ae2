//! The life of vouchers through their commands, in a real Postgres: the worked cases, the state
//! machine, roles and the separation of duties.

use sqlx::PgConnection;
use subsidy_ledger::party::{Identity, NewParty, PartyError, PartyRole, ProposedOverride};
use subsidy_ledger::types::{LogIndex, Named, ZoneId};
use subsidy_ledger::{db, party, voucher};

use crate::kit::scenario::World;
use crate::kit::table::Play;
use crate::policy_cases::pack_text;

const ORDER: &str = "related_party=false statutory_testing=false project_funded=false";

/// Facts of an order under the Yuhuan policy stand for `ORDER` in tables.
fn orders(table: &str) -> String {
    table.replace("ORDER", ORDER)
}

#[tokio::test]
async fn v1_half_of_the_contract_and_the_provider_is_paid() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command                        | outcome | B30 B40 B50 B60 F2010
        2020-03-02 | clerk    | apply a SH f case:V1           | =V1
        2020-03-03 | reviewer | review a                       | recommended 150000.00
        2020-03-04 | manager  | issue a                        | issued 150000.00 last_day=2020-12-31 | 850000 150000 0 0 0
        2020-05-01 | clerk    | hold h a p case:V1_redeemed case:V1_redeemed | =V1_redeemed | 850000 0 150000 0 0
        2020-06-01 | clerk    | redeem h case:V1_redeemed      | redeemed 150000.00 own_share=150000.00 payee=p returned=0.00 | 850000 0 0 150000 150000",
    )
    .await;
}

#[tokio::test]
async fn a_programme_whose_money_is_claimed_gives_no_vouchers() {
    let mut play = Play::new(&[]).await;
    let half = pack_text("rent-half-2020");
    play.world.publish("RENT-HALF", &half).await;
    play.check(
        "day       | who   | command             | outcome
        2020-03-02 | clerk | apply a RENT-HALF f | programme RENT-HALF gives no vouchers: name one of kind voucher (`programme list`), or claim with `claim draft`",
    )
    .await;
}

#[tokio::test]
async fn v2_the_yearly_limit_cuts_a_grant() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command                        | outcome | B30 B40 Q20 Q30
        2020-03-02 | clerk    | apply a SH f applicant_kind=enterprise service_price=840000.00 | pass 420000.00
        2020-03-03 | reviewer | review a                       | recommended 420000.00
        2020-03-04 | manager  | issue a                        | issued 420000.00 last_day=2020-12-31 | 580000 420000 80000 420000
        2020-03-05 | clerk    | apply b SH f case:V2           | =V2
        2020-03-06 | reviewer | review b                       | recommended 80000.00
        2020-03-07 | manager  | issue b                        | issued 80000.00 last_day=2020-12-31 reasons=CAP_FIRM_YEAR | 500000 500000 0 500000
        2020-05-01 | clerk    | hold h b p case:V2_redeemed case:V2_redeemed | =V2_redeemed
        2020-05-02 | clerk    | apply c SH f case:V2           | fail 0.00 reasons=CAP_FIRM_YEAR
        2020-05-03 | reviewer | review c                       | rejected reasons=CAP_FIRM_YEAR
        2020-05-04 | manager  | cancel a                       | cancelled 420000.00 | 920000 0 420000 80000
        2020-05-05 | clerk    | apply d SH f case:V2           | pass 100000.00",
    )
    .await;
}

#[tokio::test]
async fn v4_tiers_with_enough_on_the_voucher() {
    for id in ["V4a", "V4b", "V4c", "V4d"] {
        let mut play = Play::new(&[("YH", 2023, 100_000)]).await;
        play.check(&format!(
            "day       | who      | command                                  | outcome
            2023-05-02 | clerk    | apply a YH f requested_amount=20000.00   | pass 20000.00
            2023-05-03 | reviewer | review a                                 | recommended 20000.00
            2023-05-04 | manager  | issue a                                  | issued 20000.00 last_day=2023-08-04
            2023-06-01 | f        | hold h a p case:{id} case:{id}           | ={id}",
        ))
        .await;
    }
}

#[tokio::test]
async fn v5_never_more_than_the_voucher_has() {
    let mut play = Play::new(&[("YH", 2023, 100_000)]).await;
    play.check(
        "day       | who      | command                                | outcome | B30 B40 B50 B60 F2010
        2023-05-02 | clerk    | apply a YH f requested_amount=20000.00 | pass 20000.00
        2023-05-03 | reviewer | review a                               | recommended 20000.00
        2023-05-04 | manager  | issue a                                | issued 20000.00 last_day=2023-08-04 | 80000 20000 0 0 0
        2023-06-01 | f        | hold h a p case:V5 case:V5             | =V5 | 80000 0 20000 0 0
        2023-06-02 | p        | redeem h case:V5                       | redeemed 20000.00 own_share=60000.00 payee=f returned=0.00 | 80000 0 0 20000 20000
        2023-06-03 | f        | hold i a p case:V5 case:V5             | refused POLICY reasons=CAP_HOLDING_BALANCE",
    )
    .await;
}

#[tokio::test]
async fn v6_the_holding_limit_grants_in_part() {
    let mut play = Play::new(&[("YH", 2023, 100_000)]).await;
    play.check(&orders(
        "day       | who      | command                                | outcome | B30 B40 Q21 Q31 Q20 Q30
        2023-06-01 | clerk    | apply a YH f requested_amount=20000.00 | pass 20000.00
        2023-06-01 | clerk    | apply b YH f requested_amount=20000.00 | pass 20000.00
        2023-06-01 | reviewer | review a                               | recommended 20000.00
        2023-06-01 | reviewer | review b                               | recommended 20000.00
        2023-06-01 | manager  | issue a                                | issued 20000.00 last_day=2023-09-01 | 80000 20000 30000 20000 80000 20000
        2023-06-01 | manager  | issue b                                | issued 20000.00 last_day=2023-09-01 | 60000 40000 10000 40000 60000 40000
        2023-06-01 | clerk    | apply c YH f case:V6                   | =V6
        2023-06-01 | clerk    | apply d YH f case:V6                   | =V6
        2023-06-01 | reviewer | review c                               | recommended 10000.00
        2023-06-01 | reviewer | review d                               | recommended 10000.00
        2023-06-01 | manager  | issue c                                | issued 10000.00 last_day=2023-09-01 reasons=CAP_HOLDING | 50000 50000 0 50000 50000 50000
        2023-06-01 | manager  | issue d                                | rejected reasons=CAP_HOLDING
        2023-06-02 | f        | hold h a p 8000.00 ORDER               | held 8000.00 own_share=0.00 | 50000 42000 0 50000 50000 50000
        2023-06-03 | p        | redeem h 8000.00                       | redeemed 8000.00 own_share=0.00 payee=f returned=0.00 | 50000 42000 8000 42000 50000 50000
        2023-06-04 | manager  | cancel a                               | cancelled 12000.00 | 62000 30000 20000 30000 62000 38000",
    ))
    .await;
}

/// The programme has unused value back while the budget year is open.
#[tokio::test]
async fn v7_the_last_day_is_clamped_to_the_month_and_the_programme_has_the_value_back() {
    let mut play = Play::new(&[("YH", 2024, 100_000)]).await;
    play.check(&orders(
        "day       | who      | command                                | outcome | B30 B40 B50 B80
        2024-11-30 | clerk    | apply a YH f requested_amount=20000.00 | pass 20000.00
        2024-11-30 | reviewer | review a                               | recommended 20000.00
        2024-11-30 | manager  | issue a                                | issued 20000.00 last_day=2025-02-28 | 80000 20000 0 0
        2025-02-28 | system   | expire a                               | refused NOT_EXPIRED
        2025-02-28 | f        | hold h a p 5000.00 ORDER               | held 5000.00 own_share=0.00 | 80000 15000 5000 0
        2025-03-01 | f        | hold i a p case:V7 case:V7             | =V7
        2025-03-01 | system   | expire a                               | lapsed 15000.00 | 95000 0 5000 0
        2025-03-01 | system   | expire a                               | refused NOTHING_FREE
        2025-03-02 | f        | release h                              | lapsed 5000.00 | 100000 0 0 0",
    ))
    .await;
}

#[tokio::test]
async fn v7_value_that_a_closed_year_funded_lapses() {
    let mut play = Play::new(&[("YH", 2024, 100_000)]).await;
    play.check(&orders(
        "day       | who      | command                                | outcome | B30 B40 B50 B60 B80 Q21 Q31 Q20 Q30
        2024-11-30 | clerk    | apply a YH f requested_amount=20000.00 | pass 20000.00
        2024-11-30 | reviewer | review a                               | recommended 20000.00
        2024-11-30 | manager  | issue a                                | issued 20000.00 last_day=2025-02-28
        2025-01-02 | f        | hold h a p 5000.00 ORDER               | held 5000.00 own_share=0.00
        2025-01-02 | f        | hold i a p 6000.00 ORDER               | held 6000.00 own_share=0.00
        2025-02-01 | finance  | close 2024                             | closed
        2025-02-02 | f        | release h                              | released 5000.00 | 80000 14000 6000 0 0 30000 20000 80000 20000
        2025-03-01 | system   | expire a                               | lapsed 14000.00 | 80000 0 6000 0 14000 44000 6000 94000 6000
        2025-03-05 | p        | redeem i 4000.00                       | redeemed 4000.00 own_share=0.00 payee=f returned=2000.00 | 80000 0 0 4000 16000 50000 0 96000 4000",
    ))
    .await;
}

/// Every step that the state machine allows, and every step that it does not, from each state.
#[tokio::test]
async fn voucher_states_allow_their_steps_and_no_others() {
    let mut play = Play::new(&[("YH", 2023, 1_000_000)]).await;
    play.check(&orders(
        "day       | who      | command                                | outcome | B30 B40 B50 B60
        2023-06-01 | clerk    | apply a YH f requested_amount=20000.00 | pass 20000.00
        2023-06-01 | manager  | issue a                                | refused WRONG_STATE
        2023-06-01 | f        | hold h a p 100.00 ORDER                | unknown voucher
        2023-06-01 | reviewer | freeze a                               | unknown voucher
        2023-06-01 | manager  | cancel a                               | unknown voucher
        2023-06-01 | reviewer | review a                               | recommended 20000.00
        2023-06-01 | reviewer | review a                               | refused WRONG_STATE
        2023-06-01 | manager  | issue a                                | issued 20000.00 last_day=2023-09-01
        2023-06-01 | manager  | issue a                                | refused WRONG_STATE
        2023-06-01 | reviewer | review a                               | refused WRONG_STATE
        2023-06-02 | manager  | expire a                               | refused NOT_EXPIRED
        2023-06-02 | reviewer | thaw a                                 | refused NOT_FROZEN
        2023-06-02 | f        | hold h a p 9000.00 ORDER               | held 9000.00 own_share=0.00 | 980000 11000 9000 0
        2023-06-02 | f        | hold i a p 1000.00 ORDER               | held 1000.00 own_share=0.00
        2023-06-03 | reviewer | freeze a                               | frozen
        2023-06-03 | reviewer | freeze a                               | refused FROZEN
        2023-06-03 | f        | hold j a p 1000.00 ORDER               | refused FROZEN
        2023-06-03 | p        | redeem h 9000.00                       | refused FROZEN
        2023-06-03 | f        | release i                              | released 1000.00 | 980000 11000 9000 0
        2023-06-03 | f        | release i                              | refused HOLD_ENDED
        2023-06-03 | p        | redeem i 1000.00                       | refused HOLD_ENDED
        2023-06-04 | finance  | thaw a                                 | thawed
        2023-06-05 | p        | redeem h 8000.00                       | redeemed 8000.00 own_share=0.00 payee=f returned=1000.00 | 980000 12000 0 8000
        2023-06-05 | p        | redeem h 8000.00                       | refused HOLD_ENDED
        2023-06-05 | f        | release h                              | refused HOLD_ENDED
        2023-06-06 | f        | hold k a p 14000.00 ORDER              | held 12000.00 own_share=2000.00
        2023-06-06 | manager  | cancel a                               | refused NOTHING_FREE
        2023-06-07 | p        | redeem k 14000.00                      | redeemed 12000.00 own_share=2000.00 payee=f returned=0.00 | 980000 0 0 20000
        2023-06-08 | reviewer | freeze a                               | refused NOTHING_FREE
        2023-06-08 | f        | hold l a p 100.00 ORDER                | refused POLICY reasons=CAP_HOLDING_BALANCE
        2023-06-08 | manager  | cancel a                               | refused NOTHING_FREE
        2023-10-08 | manager  | expire a                               | refused NOTHING_FREE",
    ))
    .await;
}

#[tokio::test]
async fn rejected_cancelled_and_expired_vouchers_stay_so() {
    let mut play = Play::new(&[("YH", 2023, 1_000_000)]).await;
    play.check(&orders(
        "day       | who      | command                                | outcome | B30 B40 B50
        2023-06-01 | clerk    | apply r YH f requested_amount=0.00     | fail 0.00 reasons=NOTHING_TO_FUND
        2023-06-01 | reviewer | review r                               | rejected reasons=NOTHING_TO_FUND
        2023-06-01 | reviewer | review r                               | refused WRONG_STATE
        2023-06-01 | manager  | issue r                                | refused WRONG_STATE
        2023-06-01 | clerk    | apply n YH f                           | needs_review 0.00 missing=requested_amount reasons=MISSING_FACT
        2023-06-01 | reviewer | review n                               | needs_review missing=requested_amount reasons=MISSING_FACT
        2023-06-01 | manager  | issue n                                | refused WRONG_STATE
        2023-06-01 | clerk    | apply c YH f requested_amount=10000.00 | pass 10000.00
        2023-06-01 | reviewer | review c                               | recommended 10000.00
        2023-06-01 | manager  | issue c                                | issued 10000.00 last_day=2023-09-01 | 990000 10000 0
        2023-06-02 | f        | hold h c p 4000.00 ORDER               | held 4000.00 own_share=0.00
        2023-06-03 | manager  | cancel c                               | cancelled 6000.00 | 996000 0 4000
        2023-06-03 | f        | hold i c p 100.00 ORDER                | refused POLICY reasons=CAP_HOLDING_BALANCE
        2023-06-04 | f        | release h                              | released 4000.00 | 996000 4000 0
        2023-06-04 | manager  | cancel c                               | cancelled 4000.00 | 1000000 0 0
        2023-06-05 | clerk    | apply e YH g requested_amount=10000.00 | pass 10000.00
        2023-06-05 | reviewer | review e                               | recommended 10000.00
        2023-06-05 | manager  | issue e                                | issued 10000.00 last_day=2023-09-05
        2023-09-05 | g        | hold k e p 3000.00 ORDER               | held 3000.00 own_share=0.00
        2023-09-05 | g        | hold l e p 2000.00 ORDER               | held 2000.00 own_share=0.00
        2023-09-06 | system   | expire e                               | lapsed 5000.00 | 995000 0 5000
        2023-09-07 | g        | hold m e p 100.00 ORDER                | refused EXPIRED
        2023-09-08 | p        | redeem k 2500.00                       | redeemed 2500.00 own_share=0.00 payee=g returned=500.00 | 995500 0 2000
        2023-09-09 | g        | release l                              | lapsed 2000.00 | 997500 0 0
        2023-09-09 | g        | release l                              | refused HOLD_ENDED
        2023-09-10 | manager  | expire e                               | refused NOTHING_FREE",
    ))
    .await;
}

#[tokio::test]
async fn a_command_needs_its_role_and_another_partys_voucher_is_unknown() {
    let mut play = Play::new(&[("YH", 2023, 1_000_000)]).await;
    play.check(&orders(
        "day       | who      | command                                | outcome
        2023-06-01 | auditor  | apply a YH f requested_amount=20000.00 | forbidden
        2023-06-01 | reviewer | apply a YH f requested_amount=20000.00 | forbidden
        2023-06-01 | g        | apply a YH f requested_amount=20000.00 | unknown party
        2023-06-01 | f        | apply a YH f requested_amount=20000.00 | pass 20000.00
        2023-06-01 | f        | review a                               | forbidden
        2023-06-01 | manager  | review a                               | forbidden
        2023-06-01 | reviewer | review nothing                         | unknown application
        2023-06-01 | reviewer | review a                               | recommended 20000.00
        2023-06-01 | reviewer | issue a                                | forbidden
        2023-06-01 | finance  | issue a                                | forbidden
        2023-06-01 | manager  | issue nothing                          | unknown application
        2023-06-01 | manager  | issue a                                | issued 20000.00 last_day=2023-09-01
        2023-06-02 | p        | hold h a p 5000.00 ORDER               | forbidden
        2023-06-02 | g        | hold h a p 5000.00 ORDER               | unknown voucher
        2023-06-02 | f        | hold h a g 5000.00 ORDER               | unknown provider
        2023-06-02 | f        | hold h nothing p 5000.00 ORDER         | unknown voucher
        2023-06-02 | f        | hold h a p 5000.00 ORDER               | held 5000.00 own_share=0.00
        2023-06-03 | g        | redeem h 5000.00                       | unknown hold
        2023-06-03 | g        | release h                              | unknown hold
        2023-06-03 | auditor  | redeem h 5000.00                       | forbidden
        2023-06-03 | cashier  | release h                              | forbidden
        2023-06-03 | f        | freeze a                               | forbidden
        2023-06-03 | reviewer | cancel a                               | forbidden
        2023-06-03 | f        | expire a                               | forbidden
        2023-06-03 | reviewer | freeze nothing                         | unknown voucher
        2023-06-03 | p        | redeem h 5000.00                       | redeemed 5000.00 own_share=0.00 payee=f returned=0.00",
    ))
    .await;
}

#[tokio::test]
async fn one_person_can_not_submit_review_and_approve() {
    let mut play = Play::new(&[("YH", 2023, 1_000_000)]).await;
    play.check(
        "day       | who      | command                                | outcome
        2023-06-01 | all      | apply a YH f requested_amount=20000.00 | pass 20000.00
        2023-06-01 | all      | review a                               | refused SEGREGATION
        2023-06-01 | reviewer | review a                               | recommended 20000.00
        2023-06-01 | all      | issue a                                | refused SEGREGATION
        2023-06-01 | clerk    | apply b YH g requested_amount=20000.00 | pass 20000.00
        2023-06-01 | all      | review b                               | recommended 20000.00
        2023-06-01 | all      | issue b                                | refused SEGREGATION",
    )
    .await;
    // Postgres refuses the same when the service's own role tries it past the commands.
    let (a, b) = (play.voucher("a"), play.voucher("b"));
    let all = play.world.people["all"].person;
    for (update, id, constraint) in [
        (
            "UPDATE ledger.voucher_application SET reviewed_by = $2 WHERE application_id = $1",
            a,
            "voucher_application_reviewer_is_another",
        ),
        (
            "UPDATE ledger.voucher_application SET state = 'issued', decided_by = $2, decided_index = 1
             WHERE application_id = $1",
            a,
            "voucher_application_approver_is_another",
        ),
        (
            "UPDATE ledger.voucher_application SET state = 'issued', decided_by = $2, decided_index = 1
             WHERE application_id = $1",
            b,
            "voucher_application_approver_is_another",
        ),
    ] {
        let input = (id.0, all.0);
        let write = play.world.db.app().write(play.world.zone.id, input, move |conn, (id, all)| {
            Box::pin(async move {
                sqlx::query(update).bind(*id).bind(*all).execute(conn).await.map(drop)
            })
        });
        let refused = write.await.unwrap_err();
        assert_eq!(db::violated_constraint(&refused), Some(constraint));
    }
}

#[tokio::test]
async fn facts_that_the_ledger_knows_can_not_be_stated() {
    let mut play = Play::new(&[("YH", 2023, 1_000_000)]).await;
    // Neither with the application nor with the order: the code is that of the party.
    play.check(&orders(
        "day       | who      | command                                | outcome
        2023-06-01 | f        | apply a YH f requested_amount=9000.00 uscc=914403001922038217 | pass 9000.00
        2023-06-01 | reviewer | review a                               | recommended 9000.00
        2023-06-01 | manager  | issue a                                | issued 9000.00 last_day=2023-09-01
        2023-06-02 | f        | hold h a p 100.00 ORDER uscc=914403001922038217 issued_on=2020-01-01 | held 100.00 own_share=0.00
        2023-06-02 | f        | hold i a p 100.00 related_party=true statutory_testing=false project_funded=false | refused POLICY reasons=RELATED_PARTY
        2023-06-02 | f        | hold i a p 0.00 ORDER                  | price: the amount must be more than zero",
    ))
    .await;
    let numbered = NewParty {
        identity: Identity::OfficeNumber("NR 7".parse().unwrap()),
        name: "Without a code".parse().unwrap(),
        roles: [PartyRole::Enterprise].into(),
        group: None,
    };
    let party = play.world.try_register("manager", numbered).await.unwrap();
    play.world.parties.insert("numbered", party);
    play.check(
        "day       | who      | command                                | outcome
        2023-06-01 | clerk    | apply n YH numbered requested_amount=9000.00 uscc=91000000MA00000900 | needs_review 0.00 missing=uscc reasons=MISSING_FACT",
    )
    .await;
}

#[tokio::test]
async fn e10_and_e11_codes_decide_at_the_register_and_an_override_takes_two_persons() {
    let mut play = Play::new(&[("YH", 2023, 1_000_000)]).await;
    let registering = |code: &str| NewParty {
        identity: Identity::UsccOverride(code.parse().unwrap()),
        name: "Contested".parse().unwrap(),
        roles: [PartyRole::Enterprise].into(),
        group: None,
    };
    // E10: `f`, `g` and `p` have the three valid codes; the others are no codes, or need an override.
    let alphabet = "914403001922o38216".parse::<subsidy_ledger::types::Uscc>();
    assert!(alphabet.unwrap_err().to_string().contains('o'));
    for code in ["914403001922038217", "91350211M0000XUF46"] {
        assert!(code.parse::<subsidy_ledger::types::Uscc>().is_err());
        let refused = play.world.try_register("manager", registering(code)).await;
        assert!(
            matches!(refused, Err(PartyError::NotOverridden(_))),
            "{refused:?}"
        );
    }
    let (e11, world) = ("91350211M0000XUF46", &play.world);
    propose(world, "manager", e11).await.unwrap();
    let alone = confirm(world, "manager", e11).await;
    assert!(matches!(alone, Err(PartyError::SamePerson(_))), "{alone:?}");
    let unconfirmed = world.try_register("manager", registering(e11)).await;
    assert!(matches!(unconfirmed, Err(PartyError::NotOverridden(_))));
    assert!(matches!(
        confirm(world, "reviewer", e11).await,
        Err(PartyError::Forbidden(_))
    ));
    confirm(world, "manager2", e11).await.unwrap();
    let party = world
        .try_register("manager", registering(e11))
        .await
        .unwrap();
    play.world.parties.insert("contested", party);
    play.check(
        "day       | who      | command                                 | outcome
        2023-06-01 | clerk    | apply a YH contested case:E11_with_the_override | =E11_with_the_override
        2023-06-01 | clerk    | apply f YH f case:E10_check_digit_0     | =E10_check_digit_0
        2023-06-01 | clerk    | apply g YH g case:E10_check_digit_Y     | =E10_check_digit_Y
        2023-06-01 | clerk    | apply p YH p case:E10_Huawei            | =E10_Huawei
        2023-06-01 | reviewer | review a                                | recommended 1000.00
        2023-06-01 | manager  | issue a                                 | issued 1000.00 last_day=2023-09-01",
    )
    .await;
}

async fn propose(world: &World, who: &str, code: &str) -> Result<(), PartyError> {
    let proposed = ProposedOverride {
        code: code.parse().unwrap(),
        evidence_sha256: [7; 32],
        reason: "the licence shows it".parse().unwrap(),
    };
    let caller = world.caller(who, "2020-01-01", None);
    let proposed = world.one(
        caller,
        proposed,
        |conn: &mut PgConnection, command, proposed| {
            Box::pin(async move { party::propose_override(conn, &command, proposed).await })
        },
    );
    proposed.await.map(drop)
}

async fn confirm(world: &World, who: &str, code: &str) -> Result<(), PartyError> {
    let code: party::ContestedUscc = code.parse().unwrap();
    let caller = world.caller(who, "2020-01-01", None);
    let confirmed = world.one(caller, code, |conn: &mut PgConnection, command, code| {
        Box::pin(async move { party::confirm_override(conn, &command, code).await })
    });
    confirmed.await.map(drop)
}

/// The entry of the application and that of the issue name the voucher, that of the hold the hold; no
/// other entry, and none of another zone, names anything.
#[tokio::test]
async fn short_names_are_looked_up_by_their_entry() {
    let mut play = Play::new(&[("YH", 2023, 1_000_000)]).await;
    play.check(&orders(
        "day       | who      | command                                | outcome
        2023-06-01 | clerk    | apply a YH f requested_amount=20000.00 | pass 20000.00
        2023-06-01 | reviewer | review a                               | recommended 20000.00
        2023-06-01 | manager  | issue a                                | issued 20000.00 last_day=2023-09-01
        2023-06-02 | f        | hold h a p 9000.00 ORDER               | held 9000.00 own_share=0.00",
    ))
    .await;
    let world = &play.world;
    let size = world.size().await;
    let (zone, mut conn) = (world.zone.id, world.db.superuser().await);
    let (mut vouchers, mut holds) = (Vec::new(), Vec::new());
    for index in 0..=size {
        let named = Named::Entry(LogIndex(index));
        let found = voucher::find_voucher(&mut conn, zone, named).await.unwrap();
        vouchers.extend(found.map(|id| (size - index, id)));
        let named = Named::Entry(LogIndex(index));
        let found = voucher::find_hold(&mut conn, zone, named).await.unwrap();
        holds.extend(found.map(|id| (size - index, id)));
    }
    let (id, hold) = (play.vouchers["a"], play.holds["h"]);
    assert_eq!(vouchers, [(4, id), (2, id)]);
    assert_eq!(holds, [(1, hold)]);
    let elsewhere = ZoneId(zone.0 + 1);
    let named = Named::Entry(LogIndex(size - 4));
    let found = voucher::find_voucher(&mut conn, elsewhere, named).await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn an_order_is_with_another_and_of_the_case_that_was_granted() {
    let mut play = Play::new(&[("YH", 2023, 1_000_000)]).await;
    let both = NewParty {
        identity: Identity::Uscc("91000000MA0000300P".parse().unwrap()),
        name: "Firm and provider".parse().unwrap(),
        roles: [PartyRole::Enterprise, PartyRole::Provider].into(),
        group: None,
    };
    let party = play.world.try_register("manager", both).await.unwrap();
    play.world.parties.insert("both", party);
    play.check(&orders(
        "day       | who      | command                                     | outcome
        2023-06-01 | clerk    | apply a YH both requested_amount=9000.00    | pass 9000.00
        2023-06-01 | reviewer | review a                                    | recommended 9000.00
        2023-06-01 | manager  | issue a                                     | issued 9000.00 last_day=2023-09-01
        2023-06-02 | clerk    | apply b YH both requested_amount=1.00 contract_signed_on=2023-06-03 | contract_signed_on is 2023-06-03, a day to come: state it once it has come
        2023-06-02 | clerk    | hold h a both 100.00 ORDER                  | refused OWN_PROVIDER
        2023-06-02 | clerk    | hold i a p 100.00 ORDER invoiced_on=2023-06-03 | invoiced_on is 2023-06-03, a day to come: state it once it has come
        2023-06-02 | clerk    | hold i a p 100.00 ORDER requested_amount=1.00 | requested_amount: 9,000.00 was stated with the application, and the voucher was granted on it: an order can't say 1.00
        2023-06-02 | clerk    | hold i a p 100.00 ORDER requested_amount=9000.00 | held 100.00 own_share=0.00",
    ))
    .await;
}
