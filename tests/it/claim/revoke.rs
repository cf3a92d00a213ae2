//! An approval is taken back before anything of it is paid.

use subsidy_ledger::payment::{ApprovalOutcome, PayableFilter, PayableState};

use crate::kit::scenario::fen;
use crate::payment::{approve as approve_payables, discard, hear, paid, prepare, release};
use crate::rent::play::RentPlay;

use super::contracts::{BUY, refused};
use super::persons::{recuse, set_levels};
use super::play::Claims;

const HALF: &str = "relief_kind=waiver waived_amount=200000.00 tenant_confirmed=200000.00 landlord_relief=0.00 docs";

/// Claims that were approved for 100,000 yuan each, by their names.
async fn approved(names: &[&str]) -> Claims {
    let mut claims = Claims::new(1_000_000).await;
    for name in names {
        claims
            .check(&format!(
                "day       | who      | command    | outcome
                2020-06-01 | f        | draft {name} RENT-HALF f {HALF} | drafted version=1
                2020-06-01 | f        | submit {name} | submitted pass 100000.00 version=1
                2020-06-02 | reviewer | review {name} recommend | recommended 100000.00
                2020-06-03 | manager  | approve {name} | approved 100000.00 level=1 role=manager"
            ))
            .await;
    }
    claims
}

/// Nobody with a hand in the case revokes it, and nothing is left of what was owed.
#[tokio::test]
async fn an_approval_is_revoked_by_another_person() {
    let mut claims = approved(&["a"]).await;
    recuse(&claims.world, "manager2", "manager2", "f")
        .await
        .unwrap();
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B60 F5020 F2010
            2020-06-04 | f        | draft b RENT-HALF f {HALF} | drafted version=1 | 1900000 100000 100000 100000
            2020-06-04 | finance  | revoke b   | refused WRONG_STATE
            2020-06-04 | finance  | revoke x   | unknown claim
            2020-06-04 | f        | revoke a   | forbidden
            2020-06-04 | reviewer | revoke a   | forbidden
            2020-06-04 | manager  | revoke a   | refused SEGREGATION
            2020-06-04 | manager2 | revoke a   | refused RECUSED | 1900000 100000 100000 100000
            2020-06-05 | finance  | revoke a   | revoked 100000.00 returned_to=B30 | 2000000 0 0 0
            2020-06-05 | finance2 | revoke a   | refused WRONG_STATE
            2020-06-05 | f        | revise a {HALF} | refused WRONG_STATE
            2020-06-05 | f        | withdraw a | refused WRONG_STATE
            2020-06-05 | reviewer | review a recommend | refused WRONG_STATE
            2020-06-05 | manager  | approve a  | refused WRONG_STATE | 2000000 0 0 0"
        ))
        .await;
    let none = claims.world.payables(PayableState::Owed).await;
    assert!(none.is_empty(), "{none:?}");
    let gone = claims.world.payables(PayableState::Revoked).await;
    let approval = approve_payables(
        &claims.world,
        "finance2",
        PayableFilter::Ids(vec![gone[0].id]),
    );
    assert_eq!(approval.await.unwrap(), [ApprovalOutcome::RefusedState]);
    claims.world.check_invariants().await;
}

/// At two levels, each of those who approved has had a hand in it.
#[tokio::test]
async fn whoever_approved_at_any_level_does_not_revoke() {
    let mut claims = Claims::new(1_000_000).await;
    set_levels(
        &claims.world,
        &["0.00=manager", "100000.00=manager,finance"],
    )
    .await;
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-06-01 | f        | draft a RENT-HALF f {HALF} | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 100000.00 version=1
            2020-06-02 | reviewer | review a recommend | recommended 100000.00
            2020-06-03 | manager  | approve a  | level_approved level=1 levels=2 next=finance role=manager
            2020-06-03 | finance2 | revoke a   | refused WRONG_STATE
            2020-06-03 | finance  | approve a  | approved 100000.00 level=2 role=finance
            2020-06-04 | manager  | revoke a   | refused SEGREGATION
            2020-06-04 | finance  | revoke a   | refused SEGREGATION
            2020-06-04 | manager2 | revoke a   | revoked 100000.00 returned_to=B30"
        ))
        .await;
}

/// What finance approved can be revoked while it is in no batch; after that, only the bank or a recovery undoes it.
#[tokio::test]
async fn what_is_in_a_batch_or_paid_is_not_revoked() {
    let mut claims = approved(&["a", "b", "c"]).await;
    let world = &claims.world;
    let owed = PayableFilter::State(PayableState::Owed, 10);
    let done = approve_payables(world, "finance", owed).await.unwrap();
    assert_eq!(done, [ApprovalOutcome::Approved; 3]);
    claims
        .check(
            "day       | who      | command    | outcome | B60 F2010
            2020-06-05 | finance  | revoke a   | refused SEGREGATION | 300000 300000
            2020-06-05 | finance2 | revoke a   | revoked 100000.00 returned_to=B30 | 200000 200000",
        )
        .await;
    let world = &claims.world;
    world.enter_accounts().await;
    let batch = prepare(world, "cashier", "2020-06-08").await.unwrap();
    assert_eq!(batch.lines.len(), 2);
    claims
        .check(
            "day       | who      | command    | outcome
            2020-06-08 | finance2 | revoke b   | refused IN_BATCH",
        )
        .await;
    discard(&claims.world, "cashier", "2020-06-08", batch.id)
        .await
        .unwrap();
    claims
        .check(
            "day       | who      | command    | outcome | B60 F2010
            2020-06-08 | finance2 | revoke b   | revoked 100000.00 returned_to=B30 | 100000 100000",
        )
        .await;
    let world = &claims.world;
    let batch = prepare(world, "cashier", "2020-06-09").await.unwrap();
    assert_eq!(batch.lines.len(), 1);
    release(None, world, ("cashier2", "2020-06-09"), batch.id)
        .await
        .unwrap();
    claims
        .check(
            "day       | who      | command    | outcome
            2020-06-09 | finance2 | revoke c   | refused IN_BATCH",
        )
        .await;
    let rows = [paid(&batch, 0, "2020-06-10")];
    hear(&claims.world, "cashier", "2020-06-10", &rows)
        .await
        .unwrap();
    claims
        .check(
            "day       | who      | command    | outcome | B60 B70
            2020-06-10 | finance2 | revoke c   | refused PAID | 0 100000",
        )
        .await;
}

/// Limits that an approval used are given back to the fen, however they were changed since, and so is a milestone; what was
/// accepted for less than was reserved stays where it went.
#[tokio::test]
async fn limits_and_milestones_are_given_back() {
    let mut claims = Claims::buying(2_000_000).await;
    let done = |amount: &str| format!("service_complete=true invoiced_amount={amount} docs");
    let (first, second) = (done("900000.00"), done("500000.00"));
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B50 B60 Q30
            2020-03-02 | manager  | contract k {BUY} p 1500000.00 2020-06-30=1000000.00 2020-09-30=500000.00 | proposed 1500000.00 milestones=2
            2020-03-03 | finance  | confirm k  | confirmed 1500000.00 year=2020 | 500000 1500000 0 0
            2020-06-30 | p        | draft a {BUY} p milestone:k-1 {first} | drafted version=1
            2020-06-30 | p        | submit a   | submitted pass 900000.00 version=1
            2020-07-01 | reviewer | review a recommend | recommended 900000.00
            2020-07-02 | manager  | approve a  | approved 900000.00 level=1 role=manager | 600000 500000 900000 900000
            2020-09-30 | p        | draft b {BUY} p milestone:k-2 {second} | drafted version=1
            2020-09-30 | p        | submit b   | submitted pass 100000.00 reasons=CAP_FIRM_YEAR version=1
            2020-10-01 | reviewer | review b recommend | recommended 100000.00 reasons=CAP_FIRM_YEAR
            2020-10-02 | manager  | approve b  | approved 100000.00 level=1 reasons=CAP_FIRM_YEAR role=manager | 1000000 0 1000000 1000000
            2020-10-03 | finance  | revoke a   | revoked 900000.00 returned_to=B50 | 1000000 900000 100000 100000
            2020-10-04 | p        | draft c {BUY} p milestone:k-1 {first} | drafted version=1
            2020-10-04 | p        | submit c   | submitted pass 900000.00 version=1
            2020-10-05 | reviewer | review c recommend | recommended 900000.00
            2020-10-06 | manager  | approve c  | approved 900000.00 level=1 role=manager | 1000000 0 1000000 1000000
            2020-10-07 | finance2 | revoke c   | revoked 900000.00 returned_to=B50 | 1000000 900000 100000 100000"
        ))
        .await;
}

/// Other claims may rest on the waivers of a revoked one, and only then.
#[tokio::test]
async fn waivers_of_a_revoked_claim_are_claimed_again() {
    let mut rent = RentPlay::new().await;
    rent.check(
        "day       | who      | command | outcome
        2020-01-02 | c        | lease a A-1 f 1000.00 2020-01-01 2020-12-31 | added
        2020-05-01 | c        | bill a 2020-02 | billed 1000.00 days=29
        2020-05-02 | c        | waive w a full reduction 2020-02 | declared 1000.00
        2020-05-03 | f        | confirm w 1000.00 | confirmed 1000.00
        2020-05-04 | reviewer | audit w 1000.00 | audited 1000.00 compensable=true",
    )
    .await;
    let mut claims = Claims::beside(&rent, &[("RENT-HALF", "rent-half-2020")], 1_000_000).await;
    let again = |name: &str| {
        format!(
            "day       | who      | command    | outcome | B60
            2020-06-01 | c        | draft {name} RENT-HALF c waiver:w docs | drafted version=1
            2020-06-01 | c        | submit {name} | submitted pass 500.00 version=1
            2020-06-02 | reviewer | review {name} recommend | recommended 500.00
            2020-06-03 | manager  | approve {name} | approved 500.00 level=1 role=manager | 500
            2020-06-04 | c        | draft x RENT-HALF c waiver:w docs | refused ALREADY_CLAIMED reasons=W*
            2020-06-05 | finance  | revoke {name} | revoked 500.00 returned_to=B30 | 0"
        )
    };
    claims.check(&again("a")).await;
    claims.check(&again("b")).await;
    rent.check(
        "day       | who | command | outcome
        2020-06-06 | c   | void w | voided",
    )
    .await;
}

/// After its year is closed, authority that is not owed any more lapses there.
#[tokio::test]
async fn what_is_revoked_after_the_year_lapses() {
    let mut claims = approved(&["a"]).await;
    claims.world.close_year(2020, "2021-01-05").await;
    claims
        .check(
            "day       | who      | command    | outcome | B60 B80 F2010
            2021-01-06 | finance  | revoke a   | revoked 100000.00 returned_to=B80 | 0 100000 0",
        )
        .await;
}

/// Two persons at the same moment: one revokes.
#[tokio::test]
async fn a_claim_is_revoked_once_whoever_races() {
    let claims = approved(&["a"]).await;
    let revoke = async |who: &str| {
        let (key, words) = (format!("race {who}"), ["revoke", "a"]);
        let given = claims.give("2020-06-05", who, &key, &words);
        given.await.unwrap().1["outcome"].clone()
    };
    let (one, other) = tokio::join!(revoke("finance"), revoke("finance2"));
    let mut outcomes = [one, other].map(|outcome| outcome.as_str().unwrap().to_owned());
    outcomes.sort();
    assert_eq!(outcomes, ["refused", "revoked"]);
    claims.world.check_invariants().await;
    assert_eq!(claims.world.balances().await["B30"], fen(2_000_000));
}

#[tokio::test]
async fn postgres_refuses_revocations_that_can_t_be() {
    let mut claims = approved(&["a", "b"]).await;
    claims
        .check(
            "day       | who      | command    | outcome
            2020-06-05 | finance  | revoke a   | revoked 100000.00 returned_to=B30",
        )
        .await;
    let mut admin = claims.world.db.superuser().await;
    for (statement, constraint) in [
        (
            "UPDATE ledger.claim SET state = 'approved', revoked_by = NULL, revoked_index = NULL WHERE state = 'revoked'",
            "claim_revoked_once_approved",
        ),
        (
            "UPDATE ledger.claim SET state = 'rejected', awarded = NULL WHERE state = 'approved'",
            "claim_revoked_once_approved",
        ),
        (
            "UPDATE ledger.claim SET state = 'revoked', revoked_index = 999, revoked_by = decided_by WHERE state = 'approved'",
            "claim_revoker_is_another",
        ),
        (
            "UPDATE ledger.claim SET state = 'revoked' WHERE state = 'approved'",
            "claim_revoked_whole",
        ),
        (
            "UPDATE ledger.payable SET state = 'owed' WHERE state = 'revoked'",
            "payable_revoked_before_batch",
        ),
        (
            "UPDATE ledger.payable SET state = 'prepared' WHERE state = 'owed'",
            "payable_approved",
        ),
    ] {
        refused(&mut admin, statement, constraint).await;
    }
}
