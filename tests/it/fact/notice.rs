//! Recognitions under public notice: confirmed one by one or all together, but not before it is over.

use subsidy_ledger::fact::{self, ConfirmedAll, FactsError, When};

use super::recognition::{recognise, register, zone_by};
use super::{days, declared, state_as};
use crate::kit::scenario::{World, day};
use crate::policy_cases::pack_text;

/// Everything that `f` has, of `g` too.
async fn g_is_alike(world: &World) {
    let facts = |name: &str| {
        let party = world.parties[name];
        async move {
            let read = world.db.app().read(
                world.zone.id,
                (world.zone.clone(), party),
                |conn, (zone, party)| Box::pin(fact::store::statements(conn, zone, *party, None)),
            );
            let found: Result<Vec<fact::Statement>, sqlx::Error> = read.await;
            found.unwrap()
        }
    };
    let g = world.parties["g"];
    for one in facts("f").await {
        if one.party.is_none() || one.register.is_some() {
            continue;
        }
        let text = serde_json::to_string(&one.facts).unwrap();
        let when = match one.when {
            When::Year(_) => one.when,
            When::Days(_) => days("2020-01-01", ""),
        };
        let caller = world.caller("g", "2022-01-02", None);
        state_as(world, caller, declared(g, when, &text))
            .await
            .unwrap();
    }
}

async fn confirm_next(world: &World, who: &str, on: &str) -> ConfirmedAll {
    let caller = world.caller(who, on, None);
    let programme: subsidy_ledger::types::Code = "TECH-SME".parse().unwrap();
    let confirmed = world.one(caller, programme, |conn, command, programme| {
        Box::pin(async move { fact::confirm_next(conn, &command, programme, None, 100).await })
    });
    confirmed.await.unwrap()
}

#[tokio::test]
async fn a_recognition_is_confirmed_when_its_notice_is_over() {
    let world = zone_by(&pack_text("tech-sme-2017")).await;
    let proposed = recognise(&world, world.parties["f"], "2020-06-01")
        .await
        .entry;
    let size = world.size().await;
    for on in ["2020-06-01", "2020-06-15"] {
        let caller = world.caller("manager", on, None);
        let refused = world.one(caller, proposed, |conn, command, proposed| {
            Box::pin(
                async move { fact::confirm_recognition(conn, &command, *proposed, None).await },
            )
        });
        let refused = refused.await.unwrap_err();
        assert!(
            matches!(refused, FactsError::InNotice { first, .. } if first == day("2020-06-16")),
            "{refused}"
        );
        assert!(
            refused
                .to_string()
                .ends_with("confirm it from 2020-06-16 on")
        );
    }
    assert_eq!(world.size().await, size);
    register(&world, "2020-06-16", proposed).await;
}

/// Ten working days from Friday 19 June 2020 on: three days of the Dragon Boat Festival don't count, and a Sunday does.
#[tokio::test]
async fn holidays_do_not_count_and_worked_weekend_days_do() {
    let world = zone_by(&pack_text("tech-sme-2017")).await;
    let proposed = recognise(&world, world.parties["f"], "2020-06-19")
        .await
        .entry;
    let caller = world.caller("manager", "2020-07-06", None);
    let refused = world.one(caller, proposed, |conn, command, proposed| {
        Box::pin(async move { fact::confirm_recognition(conn, &command, *proposed, None).await })
    });
    assert_eq!(
        refused.await.unwrap_err().to_string(),
        format!(
            "the recognition of entry {proposed} is under public notice (10 working days, 2020-06-22 to 2020-07-06; \
             not counted: 端午节 Dragon Boat Festival; worked on a weekend: 2020-06-28): confirm it from 2020-07-07 on"
        )
    );
    assert_eq!(
        confirm_next(&world, "manager", "2020-07-06")
            .await
            .in_notice,
        1
    );
    register(&world, "2020-07-07", proposed).await;
}

#[tokio::test]
async fn all_whose_notice_is_over_are_confirmed_together() {
    let world = zone_by(&pack_text("tech-sme-2017")).await;
    g_is_alike(&world).await;
    recognise(&world, world.parties["f"], "2020-06-01").await;
    recognise(&world, world.parties["g"], "2020-06-03").await;

    let none = confirm_next(&world, "manager", "2020-06-15").await;
    assert_eq!((none.registered, none.in_notice), (0, 2));
    let one = confirm_next(&world, "manager", "2020-06-16").await;
    assert_eq!(
        (one.registered, one.in_notice, one.own, one.stale),
        (1, 1, 0, 0)
    );
    let other = confirm_next(&world, "manager2", "2020-06-18").await;
    assert_eq!((other.registered, other.in_notice), (1, 0));
    let nothing = confirm_next(&world, "manager", "2020-06-18").await;
    assert_eq!(nothing, ConfirmedAll::default());

    let mut conn = world.db.superuser().await;
    let numbers: Vec<String> = sqlx::query_scalar(
        "SELECT reference FROM ledger.fact_statement WHERE reference IS NOT NULL ORDER BY log_index",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    assert_eq!(numbers, ["2020000000000001", "2020000000000002"]);
    world.check_invariants().await;
}

/// Who proposed can't confirm among many either; what is over has to be decided again.
#[tokio::test]
async fn what_may_not_be_confirmed_is_counted_and_left() {
    let world = zone_by(&pack_text("tech-sme-2017")).await;
    let caller = world.caller("all", "2020-06-01", None);
    let input = (
        world.parties["f"],
        super::values(r#"{"filed_on":"2020-06-01"}"#),
    );
    let proposed = world.one(caller, input, |conn, command, (party, given)| {
        Box::pin(async move {
            let programme = "TECH-SME".parse().unwrap();
            fact::recognise(conn, &command, &programme, *party, given).await
        })
    });
    proposed.await.unwrap();
    assert_eq!(confirm_next(&world, "all", "2020-07-01").await.own, 1);
    assert_eq!(confirm_next(&world, "manager", "2021-07-01").await.stale, 1);
    assert_eq!(
        confirm_next(&world, "manager", "2020-07-01")
            .await
            .registered,
        1
    );
}
