//! Who approves claims: levels by amount, recusals, delegations.

use sqlx::PgConnection;
use subsidy_ledger::approval::{self, ApprovalError, Delegate, Levels, Recuse};
use subsidy_ledger::claim::{self};
use subsidy_ledger::identity::Role;
use subsidy_ledger::journal::Recorded;
use subsidy_ledger::payment::{ApprovalOutcome, PayableFilter, PayableState};
use subsidy_ledger::types::{Currency, LogIndex};

use crate::kit::scenario::{World, day};
use crate::payment::approve as approve_payables;

use super::play::Claims;

/// One command of the room of approvals.
pub(crate) async fn office<I: Clone + Send + Sync + 'static>(
    world: &World,
    (who, on): (&str, &str),
    input: I,
    body: impl for<'c> Fn(
        &'c mut PgConnection,
        subsidy_ledger::identity::Command<'c>,
        &'c I,
    ) -> futures::future::BoxFuture<'c, Result<Recorded, ApprovalError>>
    + Send
    + Sync
    + 'static,
) -> Result<LogIndex, String> {
    let done = world.one(world.caller(who, on, None), input, body).await;
    world.check_invariants().await;
    done.map(|recorded| recorded.index)
        .map_err(|error| error.to_string())
}

pub(crate) async fn set_levels(world: &World, steps: &[&str]) -> LogIndex {
    let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
    let levels = Levels::parse(&steps, Currency::Cny).unwrap();
    let proposed = office(
        world,
        ("manager", "2020-05-01"),
        levels,
        |conn, command, levels| {
            Box::pin(async move { approval::propose_levels(conn, &command, levels).await })
        },
    );
    let proposed = proposed.await.unwrap();
    let confirm = async |who| {
        office(
            world,
            (who, "2020-05-02"),
            proposed,
            |conn, command, index| {
                Box::pin(async move { approval::confirm_levels(conn, &command, *index).await })
            },
        )
        .await
    };
    let same = confirm("manager").await.unwrap_err();
    assert!(same.contains("a second person"), "{same}");
    confirm("manager2").await.unwrap();
    let again = confirm("manager2").await.unwrap_err();
    assert!(again.contains("proposed no levels that wait"), "{again}");
    proposed
}

pub(crate) async fn delegate(
    world: &World,
    who: &str,
    to: &str,
    days: (&str, &str),
) -> Result<LogIndex, String> {
    let input = (
        world.people[to].clone(),
        Delegate {
            delegate: world.people[to].person,
            first_day: day(days.0),
            last_day: day(days.1),
            role: Role::Manager,
        },
    );
    office(
        world,
        (who, "2020-06-01"),
        input,
        |conn, command, (to, input)| {
            Box::pin(async move { approval::delegate(conn, &command, to, input).await })
        },
    )
    .await
}

pub(crate) async fn recuse(
    world: &World,
    who: &str,
    person: &str,
    party: &str,
) -> Result<LogIndex, String> {
    let input = Recuse {
        party: world.parties[party],
        person: world.people[person].person,
        reason: "a relative works there".parse().unwrap(),
    };
    office(world, (who, "2020-05-01"), input, |conn, command, input| {
        Box::pin(async move { approval::recuse(conn, &command, input).await })
    })
    .await
}

pub(crate) async fn lift(world: &World, who: &str, recused: LogIndex) -> Result<LogIndex, String> {
    let input = (recused, "moved away".parse().unwrap());
    office(
        world,
        (who, "2020-06-03"),
        input,
        |conn, command, (index, reason)| {
            Box::pin(async move { approval::lift(conn, &command, *index, reason).await })
        },
    )
    .await
}

pub(crate) async fn revoke(world: &World, who: &str, given: LogIndex) -> Result<LogIndex, String> {
    office(world, (who, "2020-06-05"), given, |conn, command, index| {
        Box::pin(async move { approval::revoke(conn, &command, *index).await })
    })
    .await
}

#[tokio::test]
async fn larger_amounts_take_more_approvers_in_their_order() {
    let mut claims = Claims::new(1_000_000).await;
    let steps = [
        "0.00=manager",
        "100000.00=manager,finance",
        "200000.00=manager,manager,finance",
    ];
    set_levels(&claims.world, &steps).await;
    let half = |amount: &str| {
        format!(
            "relief_kind=waiver waived_amount={amount} tenant_confirmed={amount} landlord_relief=0.00 docs"
        )
    };
    let (small, middle, large) = (half("199999.98"), half("200000.00"), half("400000.00"));
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B60
            2020-06-01 | f        | draft a RENT-HALF f {small} | drafted version=1
            2020-06-01 | f        | draft b RENT-HALF f {middle} | drafted version=1
            2020-06-01 | f        | draft c RENT-HALF f {large} | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 99999.99 version=1
            2020-06-01 | f        | submit b   | submitted pass 100000.00 version=1
            2020-06-01 | f        | submit c   | submitted pass 200000.00 version=1
            2020-06-02 | reviewer | review a recommend | recommended 99999.99
            2020-06-02 | reviewer | review b recommend | recommended 100000.00
            2020-06-02 | reviewer | review c recommend | recommended 200000.00
            2020-06-03 | manager  | approve a  | approved 99999.99 level=1 role=manager | 1900000 99999
            2020-06-03 | finance  | approve b  | refused LEVEL_ORDER
            2020-06-03 | manager  | approve b  | level_approved level=1 levels=2 next=finance role=manager | 1900000 99999
            2020-06-03 | manager2 | approve b  | refused LEVEL_ORDER
            2020-06-03 | finance  | approve b  | approved 100000.00 level=2 role=finance | 1800000 199999
            2020-06-03 | manager  | approve c  | level_approved level=1 levels=3 next=manager role=manager
            2020-06-03 | manager  | approve c  | refused SEGREGATION
            2020-06-03 | finance  | approve c  | refused LEVEL_ORDER
            2020-06-03 | manager2 | decline c back | returned
            2020-06-04 | f        | submit c   | submitted pass 200000.00 version=1
            2020-06-04 | reviewer | review c recommend | recommended 200000.00
            2020-06-04 | manager2 | approve c  | level_approved level=1 levels=3 next=manager role=manager
            2020-06-04 | manager  | approve c  | level_approved level=2 levels=3 next=finance role=manager
            2020-06-04 | finance  | approve c  | approved 200000.00 level=3 role=finance | 1600000 399999",
        ))
        .await;
    // Finance approved the awards of b and c, so somebody else approves their payment.
    let owed = PayableFilter::State(PayableState::Owed, 10);
    let outcomes = approve_payables(&claims.world, "finance", owed)
        .await
        .unwrap();
    let refused = outcomes
        .iter()
        .filter(|one| **one == ApprovalOutcome::RefusedSegregation)
        .count();
    let approved = outcomes
        .iter()
        .filter(|one| **one == ApprovalOutcome::Approved)
        .count();
    assert_eq!((approved, refused), (1, 2));
    claims.world.check_invariants().await;
}

/// A hundred thousand yuan, without notice.
const HALF: &str = "relief_kind=waiver waived_amount=200000.00 tenant_confirmed=200000.00 landlord_relief=0.00 docs";

#[tokio::test]
async fn whoever_is_related_stays_out() {
    let mut claims = Claims::new(1_000_000).await;
    let world = &claims.world;
    let forbidden = recuse(world, "cashier", "reviewer", "f").await.unwrap_err();
    assert!(forbidden.contains("needs the role manager"), "{forbidden}");
    let declared = recuse(world, "reviewer", "reviewer", "f").await.unwrap();
    recuse(world, "manager", "manager2", "f").await.unwrap();
    recuse(world, "finance", "finance", "f").await.unwrap();
    let twice = recuse(world, "manager", "manager2", "f").await.unwrap_err();
    let why = "recused from the party's cases already";
    assert!(twice.contains(why), "{twice}");
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-06-01 | f        | draft a RENT-HALF f {HALF} | drafted version=1
            2020-06-01 | all      | draft c RENT-HALF f {HALF} | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 100000.00 version=1
            2020-06-01 | f        | submit c   | submitted pass 100000.00 version=1
            2020-06-02 | reviewer | review a recommend | refused RECUSED
            2020-06-02 | all      | review c recommend | refused SEGREGATION
            2020-06-02 | all      | review a recommend | recommended 100000.00
            2020-06-03 | manager2 | approve a  | refused RECUSED
            2020-06-03 | all      | approve a  | refused SEGREGATION
            2020-06-03 | cashier2 | approve a  | forbidden
            2020-06-03 | manager  | approve a  | approved 100000.00 level=1 role=manager",
        ))
        .await;
    let world = &claims.world;
    let owed = PayableFilter::State(PayableState::Owed, 10);
    let outcomes = approve_payables(world, "finance", owed).await.unwrap();
    assert_eq!(outcomes, [ApprovalOutcome::RefusedRecused]);
    lift(world, "manager", declared).await.unwrap();
    let again = lift(world, "manager", declared).await.unwrap_err();
    assert!(again.contains("declared no recusal that holds"), "{again}");
    claims
        .check(
            "day       | who      | command    | outcome
            2020-06-04 | reviewer | review c recommend | recommended 100000.00",
        )
        .await;
}

#[tokio::test]
async fn a_duty_goes_on_only_from_whoever_has_it_for_days_that_are_named() {
    let claims = Claims::new(1_000_000).await;
    let days = ("2020-06-04", "2020-06-05");
    for (who, to, days, expected) in [
        ("cashier", "auditor", days, "needs the role manager"),
        ("manager", "manager", days, "another person"),
        ("manager", "f", days, "acts for a party"),
        (
            "manager",
            "cashier",
            ("2020-06-05", "2020-06-04"),
            "not before the first",
        ),
        (
            "manager",
            "cashier",
            ("2020-06-04", "2021-06-06"),
            "a year at most",
        ),
    ] {
        let refusal = delegate(&claims.world, who, to, days).await.unwrap_err();
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[tokio::test]
async fn a_delegate_counts_as_both() {
    let mut claims = Claims::new(1_000_000).await;
    let days = ("2020-06-04", "2020-06-05");
    let given = delegate(&claims.world, "manager", "cashier2", days).await;
    let given = given.unwrap();
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-06-01 | clerk    | draft a RENT-HALF f {HALF} | drafted version=1
            2020-06-01 | f        | draft b RENT-HALF f {HALF} | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 100000.00 version=1
            2020-06-01 | f        | submit b   | submitted pass 100000.00 version=1
            2020-06-04 | reviewer | review a recommend | recommended 100000.00
            2020-06-04 | reviewer | review b recommend | recommended 100000.00
            2020-06-03 | cashier2 | approve a  | forbidden
            2020-06-06 | cashier2 | approve a  | forbidden
            2020-06-05 | cashier2 | approve a  | approved 100000.00 level=1 role=manager",
        ))
        .await;
    let (zone, a) = (claims.world.zone.id, claims.claim("a"));
    let app = claims.world.db.app();
    let around = app.read(zone, (zone, a), |conn, (zone, id)| {
        Box::pin(claim::store::around(conn, *zone, *id))
    });
    let around: claim::store::Around = around.await.unwrap();
    let approval = &around.approvals[0];
    let persons = (approval.person.as_str(), approval.principal.as_deref());
    assert_eq!(persons, ("cashier2", Some("manager")));
    // Neither of the two goes on with the payment.
    let payable = &claims.world.payables(PayableState::Owed).await[0];
    for person in ["cashier2", "manager", "reviewer"] {
        let person = claims.world.people[person].person;
        assert!(payable.handled_by.contains(&person));
    }
    let forbidden = revoke(&claims.world, "finance", given).await.unwrap_err();
    assert!(forbidden.contains("needs the role manager"), "{forbidden}");
    revoke(&claims.world, "manager", given).await.unwrap();
    let again = revoke(&claims.world, "manager", given).await.unwrap_err();
    assert!(again.contains("gave no delegation"), "{again}");
    claims
        .check(
            "day       | who      | command    | outcome
            2020-06-05 | cashier2 | approve b  | forbidden",
        )
        .await;
}
