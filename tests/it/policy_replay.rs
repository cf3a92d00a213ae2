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

/// A grant, an order and its bill; a refusal by the policy at each of them.
async fn played() -> Play {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command                        | outcome
        2020-03-02 | clerk    | apply a SH f case:V1           | =V1
        2020-03-02 | clerk    | apply b SH g applicant_kind=team registered=false in_incubator_or_park=true core_members=2 service_price=300000.00 | fail 0.00 reasons=TEAM_CONDITIONS
        2020-03-02 | clerk    | apply c SH g applicant_kind=team registered=false in_incubator_or_park=true service_price=300000.00 | needs_review 0.00 reasons=MISSING_FACT missing=core_members
        2020-03-03 | reviewer | review a                       | recommended 150000.00
        2020-03-03 | reviewer | review b                       | rejected reasons=TEAM_CONDITIONS
        2020-03-03 | reviewer | review c                       | needs_review reasons=MISSING_FACT missing=core_members
        2020-03-04 | manager  | issue a                        | issued 150000.00 last_day=2020-12-31
        2020-05-01 | clerk    | hold h a p 100000.00 related_party=true | refused POLICY reasons=RELATED_PARTY
        2020-05-01 | clerk    | hold h a p case:V1_redeemed case:V1_redeemed | =V1_redeemed
        2020-06-01 | clerk    | redeem h 200000.00             | redeemed 100000.00 own_share=100000.00 payee=p returned=50000.00",
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
            "voucher.applied",
            "voucher.recommended",
            "voucher.rejected",
            "voucher.review_needed",
            "voucher.issued",
            "hold.refused",
            "voucher.held",
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
        "UPDATE ledger.voucher_application SET facts = replace(facts, '\"300000.00\"', '\"300000.01\"'),
             facts_sha256 = sha256(convert_to(replace(facts, '\"300000.00\"', '\"300000.01\"'), 'UTF8'))",
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
             '\"after\":\"150000.00\",\"before\":\"150000.00\",\"code\":\"CAP_FIRM_YEAR\"',
             '\"after\":\"160000.00\",\"before\":\"150000.00\",\"code\":\"CAP_FIRM_YEAR\"'), 'UTF8')
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
    assert_eq!(recorded.as_deref(), Some("\"160000.00\""));
    assert_eq!(decided.as_deref(), Some("\"150000.00\""));

    // Other rules under the same hash, then under their own.
    for guard in ["policy_sha256_of_body", "policy_sha256_length"] {
        let drop = format!("ALTER TABLE ledger.policy DROP CONSTRAINT IF EXISTS {guard}");
        run(&mut admin, &drop).await;
    }
    for change in [
        "UPDATE ledger.policy SET body = replace(body, '500000.00', '600000.00')",
        "UPDATE ledger.policy SET sha256 = sha256(convert_to(body, 'UTF8'))",
    ] {
        run(&mut admin, change).await;
        let verdict = of_kind(&play.world, "voucher.redeemed").await;
        assert!(matches!(verdict, Verdict::Lost(_)), "{change}: {verdict:?}");
    }
}
