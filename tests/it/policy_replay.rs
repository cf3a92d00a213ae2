//! Recorded decisions, made again: the same bytes, unless rules, facts or record were changed.

use subsidy_ledger::policy::Replayed;
use subsidy_ledger::types::LogIndex;
use subsidy_ledger::verify::decisions::{ReplayedDecision, Verdict, replay_entry, replay_page};

use crate::kit::run;
use crate::kit::scenario::World;
use crate::kit::table::Play;

/// Every decision of the zone, made again.
pub(crate) async fn replayed(world: &World) -> Vec<ReplayedDecision> {
    let mut all = Vec::new();
    let mut from = Some(LogIndex(0));
    while let Some(begin) = from {
        let read = world.db.app().read(
            world.zone.id,
            (world.zone.clone(), begin),
            |conn, (zone, begin)| Box::pin(replay_page(conn, zone, *begin, 7)),
        );
        let page = read.await.unwrap();
        all.extend(page.decisions);
        from = page.next;
    }
    all
}

/// Panics unless every decision comes out the same.
pub(crate) async fn check(world: &World) {
    let wrong: Vec<_> = replayed(world)
        .await
        .into_iter()
        .filter(|one| !one.verdict.is_identical())
        .collect();
    assert_eq!(wrong, []);
}

/// A grant, an order and its bill; refusals at each of them; a case that is open.
pub(crate) async fn played() -> Play {
    let mut play = Play::new(&[("SH", 2020, 1_000_000), ("YH", 2023, 1_000_000)]).await;
    play.check(
        "day       | who      | command                        | outcome
        2020-03-02 | clerk    | apply b SH g applicant_kind=team registered=false in_incubator_or_park=true core_members=2 service_price=300000.00 | fail 0.00 reasons=TEAM_CONDITIONS
        2020-03-02 | clerk    | apply c SH g applicant_kind=team registered=false in_incubator_or_park=true service_price=300000.00 | needs_review 0.00 missing=core_members reasons=MISSING_FACT
        2020-03-03 | reviewer | review b                       | rejected reasons=TEAM_CONDITIONS
        2020-03-03 | reviewer | review c                       | needs_review missing=core_members reasons=MISSING_FACT
        2023-05-02 | clerk    | apply a YH f requested_amount=20000.00 | pass 20000.00
        2023-05-03 | reviewer | review a                       | recommended 20000.00
        2023-05-04 | manager  | issue a                        | issued 20000.00 last_day=2023-08-04
        2023-06-01 | f        | hold h a p 26000.00 related_party=true statutory_testing=false project_funded=false | refused POLICY reasons=RELATED_PARTY
        2023-06-01 | f        | hold h a p 26000.00 related_party=false statutory_testing=false project_funded=false | held 18000.00 own_share=8000.00
        2023-06-02 | reviewer | freeze a                       | frozen
        2023-06-02 | p        | redeem h 20000.00              | refused FROZEN
        2023-06-03 | finance  | thaw a                         | thawed
        2023-06-03 | p        | redeem h 20000.00              | redeemed 15000.00 own_share=5000.00 payee=f returned=3000.00",
    )
    .await;
    play
}

async fn of_kind(world: &World, kind: &str) -> Verdict {
    let found = replayed(world).await;
    let one = found.into_iter().find(|one| one.kind == kind);
    one.unwrap_or_else(|| panic!("no {kind}")).verdict
}

#[tokio::test]
async fn decisions_come_out_the_same() {
    let play = played().await;
    let world = &play.world;
    check(world).await;
    let kinds: Vec<_> = replayed(world)
        .await
        .into_iter()
        .map(|one| one.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            "voucher.applied",
            "voucher.applied",
            "voucher.rejected",
            "voucher.review_needed",
            "voucher.applied",
            "voucher.recommended",
            "voucher.issued",
            "hold.refused",
            "voucher.held",
            "redemption.refused",
            "voucher.redeemed",
        ]
    );
    let one = |index| {
        world.db.app().read(
            world.zone.id,
            (world.zone.clone(), index),
            |conn, (zone, index)| Box::pin(replay_entry(conn, zone, *index)),
        )
    };
    assert_eq!(one(LogIndex(0)).await.unwrap(), None);
    assert_eq!(one(LogIndex(987_654)).await.unwrap(), None);
    let last = LogIndex(world.size().await - 1);
    assert_eq!(
        one(last).await.unwrap().unwrap().verdict,
        Verdict::Identical
    );
}

#[tokio::test]
async fn changed_facts_are_found() {
    let play = played().await;
    let mut admin = play.world.db.superuser().await;
    for change in [
        "ALTER TABLE ledger.voucher_application DISABLE TRIGGER ALL",
        "ALTER TABLE ledger.hold DISABLE TRIGGER ALL",
        "UPDATE ledger.voucher_application SET facts = replace(facts, '\"20000.00\"', '\"20000.01\"'),
             facts_sha256 = sha256(convert_to(replace(facts, '\"20000.00\"', '\"20000.01\"'), 'UTF8'))",
        "UPDATE ledger.hold SET facts = replace(facts, 'false', 'true')",
    ] {
        run(&mut admin, change).await;
    }
    for kind in [
        "voucher.issued",
        "voucher.held",
        "voucher.redeemed",
        "hold.refused",
    ] {
        let verdict = of_kind(&play.world, kind).await;
        assert!(
            matches!(verdict, Verdict::Differs(Replayed::OtherFacts { .. })),
            "{kind}: {verdict:?}"
        );
    }
    run(&mut admin, "UPDATE ledger.hold SET facts = '{}'").await;
    let verdict = of_kind(&play.world, "voucher.redeemed").await;
    assert!(matches!(verdict, Verdict::Lost(_)), "{verdict:?}");
}

#[tokio::test]
async fn changed_rules_and_records_are_found() {
    let play = played().await;
    let mut admin = play.world.db.superuser().await;
    run(&mut admin, "ALTER TABLE ledger.policy DISABLE TRIGGER ALL").await;
    run(&mut admin, "ALTER TABLE ledger.entry DISABLE TRIGGER ALL").await;
    run(
        &mut admin,
        "ALTER TABLE ledger.entry DROP CONSTRAINT IF EXISTS entry_leaf_hash_of_body",
    )
    .await;
    // Another amount than the rules give.
    run(
        &mut admin,
        "UPDATE ledger.entry SET body = convert_to(replace(convert_from(body, 'UTF8'),
             '\"after\":\"20000.00\",\"before\":\"20000.00\",\"code\":\"CAP_FIRM_YEAR\"',
             '\"after\":\"16000.00\",\"before\":\"20000.00\",\"code\":\"CAP_FIRM_YEAR\"'), 'UTF8')
         WHERE kind = 'voucher.issued'",
    )
    .await;
    let verdict = of_kind(&play.world, "voucher.issued").await;
    let Verdict::Differs(Replayed::Differs {
        place,
        recorded,
        decided,
    }) = &verdict
    else {
        panic!("{verdict:?}");
    };
    assert!(
        place.starts_with("steps[") && place.ends_with("].cap.after"),
        "{place}"
    );
    assert_eq!(recorded.as_deref(), Some("\"16000.00\""));
    assert_eq!(decided.as_deref(), Some("\"20000.00\""));

    // Other rules under the same hash, then under their own.
    for guard in ["policy_sha256_of_body", "policy_sha256_length"] {
        let drop = format!("ALTER TABLE ledger.policy DROP CONSTRAINT IF EXISTS {guard}");
        run(&mut admin, &drop).await;
    }
    for change in [
        "UPDATE ledger.policy SET body = replace(body, '100000.00', '600000.00')",
        "UPDATE ledger.policy SET sha256 = sha256(convert_to(body, 'UTF8'))",
    ] {
        run(&mut admin, change).await;
        let verdict = of_kind(&play.world, "voucher.redeemed").await;
        assert!(matches!(verdict, Verdict::Lost(_)), "{change}: {verdict:?}");
    }
}
