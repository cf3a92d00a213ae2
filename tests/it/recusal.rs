//! Whoever is recused from a party's cases takes no part in them, from the entry of the recusal on.

use std::sync::Arc;

use subsidy_ledger::payment::{
    ApprovalOutcome, NotByThisPerson, PayableFilter, PayableState, Release,
};

use crate::claim::{BUY, Claims, recuse};
use crate::exclusion;
use crate::kit::scenario::World;
use crate::kit::table::Play;
use crate::payment;
use crate::race::behind;
use crate::recovery::Recoveries;

const HALF: &str = "relief_kind=waiver waived_amount=200000.00 tenant_confirmed=200000.00 landlord_relief=0.00 docs";

#[tokio::test]
async fn whoever_is_related_neither_reviews_nor_issues_a_voucher() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    recuse(&play.world, "reviewer", "reviewer", "f")
        .await
        .unwrap();
    recuse(&play.world, "manager", "manager", "f")
        .await
        .unwrap();
    play.check(
        "day       | who      | command  | outcome
        2020-05-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-02 | reviewer | review a | refused RECUSED
        2020-05-02 | all      | review a | recommended 100000.00
        2020-05-03 | manager  | issue a  | refused RECUSED
        2020-05-03 | manager2 | issue a  | issued 100000.00 last_day=2020-12-31",
    )
    .await;
}

/// Declares it of oneself; in the word that `behind` waits for.
async fn declare(world: Arc<World>, who: &'static str, party: &'static str) -> String {
    let declared = recuse(&world, who, who, party).await;
    declared.map_or_else(|why| why, |_| "confirmed".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_declines_or_pays_after_the_own_recusal_in_the_log() {
    let mut claims = Claims::new(1_000_000).await;
    for name in ["a", "b"] {
        claims
            .check(&format!(
                "day       | who      | command    | outcome
                2020-06-01 | f        | draft {name} RENT-HALF f {HALF} | drafted version=1
                2020-06-01 | f        | submit {name} | submitted pass 100000.00 version=1
                2020-06-02 | reviewer | review {name} recommend | recommended 100000.00"
            ))
            .await;
    }
    claims
        .check(
            "day       | who      | command    | outcome
            2020-06-03 | manager  | approve a  | approved 100000.00 level=1 role=manager",
        )
        .await;
    let claims = Arc::new(claims);
    let world = &claims.world;
    let declared = |who| declare(world.clone(), who, "f");
    let claim = claims.clone();
    let decline = async move {
        let words = ["decline", "b", "down"];
        claim.give("2020-06-04", "manager", "key", &words).await
    };
    let (_, answer) = behind(world, declared("manager"), decline).await.unwrap();
    assert_eq!(answer["code"], "RECUSED", "{answer}");

    let owed = PayableFilter::State(PayableState::Owed, 10);
    let (payer, filter) = (world.clone(), owed.clone());
    let approve = async move { payment::approve(&payer, "finance", filter).await };
    let outcomes = behind(world, declared("finance"), approve).await;
    assert_eq!(outcomes.unwrap(), [ApprovalOutcome::RefusedRecused]);

    payment::approve(world, "finance2", owed).await.unwrap();
    world.enter_accounts().await;
    let batch = payment::prepare(world, "cashier", "2020-06-08").await;
    let (payer, batch) = (world.clone(), batch.unwrap().id);
    let release =
        async move { payment::release(None, &payer, ("cashier2", "2020-06-09"), batch).await };
    let released = behind(world, declared("cashier2"), release).await;
    let because = match released.unwrap() {
        Release::Refused { because, .. } => Some(because),
        Release::Released(_) => None,
    };
    assert_eq!(because, Some(NotByThisPerson::OwnCase));
    world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_decides_on_exclusions_and_contracts_after_the_own_recusal_in_the_log() {
    let mut claims = Claims::buying(500_000).await;
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-03-02 | finance  | contract k {BUY} p 100000.00 2020-06-30=100000.00 | proposed 100000.00 milestones=1"
        ))
        .await;
    let claims = Arc::new(claims);
    let world = &claims.world;
    let contract = claims.clone();
    let reject = async move {
        let words = ["reject", "k"];
        contract.give("2020-06-04", "manager", "key", &words).await
    };
    let declared = declare(world.clone(), "manager", "p");
    let (_, answer) = behind(world, declared, reject).await.unwrap();
    assert_eq!(answer["code"], "RECUSED", "{answer}");

    let proposed = exclusion::proposed(world, "p").await;
    let office = world.clone();
    let confirm = async move { exclusion::confirm(&office, "finance", proposed).await };
    let declared = declare(world.clone(), "finance", "p");
    assert_eq!(behind(world, declared, confirm).await, "RECUSED");
    world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_orders_money_back_after_the_own_recusal_in_the_log() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | finance  | propose a h defrauded whole | proposed 10000.00 paid=10000.00",
        )
        .await;
    let recoveries = Arc::new(recoveries);
    let (office, other) = (recoveries.clone(), recoveries.clone());
    let declared = async move {
        let declared = recuse(&office.world, "manager", "manager", "p").await;
        declared.map_or_else(|why| why, |_| "confirmed".to_owned())
    };
    let order = async move {
        let words = ["order", "a"];
        other.give("2020-06-12", "manager", "key", &words).await
    };
    let (_, answer) = behind(&recoveries.world, declared, order).await.unwrap();
    assert_eq!(answer["code"], "RECUSED", "{answer}");
}
