//! Versions that begin in the past, proposals that are made again, and award runs whose rules change under them.

use subsidy_ledger::batch::Rejected;
use subsidy_ledger::db::violated_constraint;
use subsidy_ledger::identity::Caller;
use subsidy_ledger::journal::Recorded;
use subsidy_ledger::programme::{self, ProgrammeError, Published, Waiting};
use subsidy_ledger::types::{LogIndex, RunId};
use subsidy_ledger::voucher::run::ResumeError;

use crate::award_run;
use crate::caps::pack;
use crate::kit::scenario::{World, day};
use crate::kit::table::Play;
use crate::policy_cases::{changed_pack, pack_text};

async fn propose(world: &World, caller: Caller, pack: &str) -> Result<Recorded, ProgrammeError> {
    let proposed = world.one(caller, pack.to_owned(), |conn, command, pack| {
        Box::pin(async move {
            let code = code_of(pack).parse().unwrap();
            programme::propose(conn, &command, &code, pack).await
        })
    });
    proposed.await
}

fn code_of(pack: &str) -> &str {
    let (_, rest) = pack.split_once("code = \"").unwrap();
    rest.split_once('"').unwrap().0
}

async fn publish(
    world: &World,
    on: &str,
    pack: &str,
    reason: Option<&str>,
) -> Result<(Published, Recorded), ProgrammeError> {
    let input = (
        pack.to_owned(),
        reason.map(|reason| reason.parse().unwrap()),
    );
    let caller = world.caller("manager", on, None);
    let published = world.one(caller, input, |conn, command, (pack, reason)| {
        Box::pin(async move {
            let code = code_of(pack).parse().unwrap();
            match reason {
                None => programme::publish(conn, &command, &code, pack).await,
                Some(reason) => {
                    programme::publish_retroactively(conn, &command, &code, pack, reason).await
                }
            }
        })
    });
    published.await
}

async fn waiting(world: &World) -> Vec<Waiting> {
    let zone = world.zone.clone();
    let read = world.db.app().read(zone.id, zone, |conn, zone| {
        Box::pin(programme::waiting(conn, zone))
    });
    read.await.unwrap()
}

/// The pack of Shanghai as another version, from another day.
fn version(version: &str, from: &str) -> String {
    let changes = [
        ("version = \"2020-1\"", format!("version = \"{version}\"")),
        (
            "[in_force]\nfrom = 2020-01-01",
            format!("[in_force]\nfrom = {from}"),
        ),
    ];
    let changes: Vec<_> = changes
        .iter()
        .map(|(old, new)| (*old, new.as_str()))
        .collect();
    changed_pack("shanghai-2020", &changes, from)
}

#[tokio::test]
async fn a_pack_is_proposed_once_and_listed_until_it_is_published() {
    let world = World::new(&[]).await;
    let pack = version("2021-1", "2021-01-01");
    let by = |who: &str, on: &str| world.caller(who, on, None);
    let first = propose(&world, by("rules", "2020-05-04"), &pack)
        .await
        .unwrap();
    let size = world.size().await;
    for (who, on) in [("rules", "2020-05-05"), ("all", "2020-05-06")] {
        assert_eq!(propose(&world, by(who, on), &pack).await.unwrap(), first);
    }
    assert_eq!(world.size().await, size);
    let listed = waiting(&world).await;
    assert_eq!(listed.len(), 1);
    let one = &listed[0];
    assert_eq!((one.entry, one.proposer.as_str()), (first.index, "rules"));
    assert_eq!(
        (one.proposed_on, one.in_force_from),
        (day("2020-05-04"), day("2021-01-01"))
    );
    assert_eq!(one.pack, pack);
    assert!(!one.is_overtaken);

    let other = format!("{pack}# a comment more\n");
    propose(&world, by("rules", "2020-05-06"), &other)
        .await
        .unwrap();
    publish(&world, "2020-05-07", &pack, None).await.unwrap();
    let listed = waiting(&world).await;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].is_overtaken && listed[0].pack == other);
    let again = propose(&world, by("rules", "2020-05-08"), &pack)
        .await
        .unwrap_err();
    assert!(again.to_string().contains("published already"), "{again}");
}

async fn withdraw(
    world: &World,
    caller: Caller,
    proposed: LogIndex,
) -> Result<Recorded, ProgrammeError> {
    let input = (proposed, "比例有误".parse().unwrap());
    let withdrawn = world.one(caller, input, |conn, command, (proposed, reason)| {
        Box::pin(async move { programme::withdraw(conn, &command, *proposed, reason).await })
    });
    withdrawn.await
}

#[tokio::test]
async fn a_proposal_that_is_withdrawn_is_never_published() {
    let world = World::new(&[]).await;
    let by = |who: &str| world.caller(who, "2020-05-04", None);
    let pack = version("2021-1", "2021-01-01");
    let proposed = propose(&world, by("rules"), &pack).await.unwrap().index;
    let size = world.size().await;
    let refused = withdraw(&world, by("reviewer"), proposed)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, ProgrammeError::Forbidden(_)),
        "{refused:?}"
    );
    let refused = withdraw(&world, by("rules"), LogIndex(0))
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("policy proposals"),
        "{refused}"
    );
    assert_eq!(world.size().await, size);

    let withdrawn = withdraw(&world, by("manager"), proposed)
        .await
        .unwrap()
        .index;
    let mut conn = world.db.superuser().await;
    let body: Vec<u8> = sqlx::query_scalar("SELECT body FROM ledger.entry WHERE log_index = $1")
        .bind(withdrawn.0)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["kind"], "policy.withdrawn");
    assert_eq!(body["details"]["proposed_index"], proposed.0);
    assert_eq!(body["details"]["programme"], "SH-VOUCHER");
    assert!(waiting(&world).await.is_empty());
    for refused in [
        publish(&world, "2020-05-05", &pack, None)
            .await
            .unwrap_err(),
        propose(&world, by("rules"), &pack).await.unwrap_err(),
    ] {
        assert!(
            matches!(refused, ProgrammeError::Withdrawn(entry) if entry == withdrawn),
            "{refused:?}"
        );
    }
    let again = withdraw(&world, by("rules"), proposed).await.unwrap_err();
    assert!(matches!(again, ProgrammeError::NotWaiting(_)), "{again:?}");
    // Postgres refuses it too, and what is published can't be withdrawn.
    let sql = "INSERT INTO ledger.policy SELECT zone_id, gen_random_uuid(), programme, '2021-1', sha256, body,
        '2021-01-01', NULL, now(), log_index FROM ledger.policy_proposal WHERE log_index = $1";
    let refused = sqlx::query(sql)
        .bind(proposed.0)
        .execute(&mut conn)
        .await
        .unwrap_err();
    assert_eq!(violated_constraint(&refused), Some("policy_not_withdrawn"));
    let other = format!("{pack}# the rate was right\n");
    let proposed = propose(&world, by("rules"), &other).await.unwrap().index;
    publish(&world, "2020-05-05", &other, None).await.unwrap();
    let refused = withdraw(&world, by("rules"), proposed).await.unwrap_err();
    assert!(
        matches!(refused, ProgrammeError::NotWaiting(_)),
        "{refused:?}"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn a_version_that_takes_past_days_needs_a_reason_and_open_days() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day | who | command | outcome
        2020-03-02 | clerk | apply a SH f applicant_kind=enterprise service_price=1000.00 | pass 500.00
        2020-03-09 | clerk | apply b SH g applicant_kind=enterprise service_price=1000.00 | pass 500.00",
    )
    .await;
    let world = &play.world;
    let rules = |on: &str| world.caller("rules", on, None);
    let past = version("2020-2", "2020-03-05");
    propose(world, rules("2020-03-10"), &past).await.unwrap();
    let size = world.size().await;
    let refused = publish(world, "2020-03-10", &past, None).await.unwrap_err();
    let ProgrammeError::Retroactive {
        decisions,
        version: ref loser,
        ..
    } = refused
    else {
        panic!("{refused:?}");
    };
    assert_eq!((decisions, loser.as_str()), (1, "2020-1"));
    assert_eq!(world.size().await, size);
    publish(world, "2020-03-10", &past, Some("裁定"))
        .await
        .unwrap();
    let mut conn = world.db.superuser().await;
    let body: Vec<u8> =
        sqlx::query_scalar("SELECT body FROM ledger.entry ORDER BY log_index DESC LIMIT 1")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["details"]["retroactive"], "裁定");
    assert_eq!(body["details"]["decided_before"], 1);

    // A version that begins today takes nothing as long as nothing was decided today; one of later days never does.
    for (number, from) in [("2020-3", "2020-03-11"), ("2020-4", "2020-12-01")] {
        let next = version(number, from);
        propose(world, rules("2020-03-11"), &next).await.unwrap();
        publish(world, "2020-03-11", &next, Some("not needed"))
            .await
            .unwrap();
    }

    let closed = version("2020-5", "2020-06-01");
    propose(world, rules("2020-12-30"), &closed).await.unwrap();
    world.close_year(2020, "2021-01-15").await;
    let published = publish(world, "2021-01-16", &closed, Some("late")).await;
    let another = version("2020-6", "2020-06-02");
    let proposed = propose(world, rules("2021-01-16"), &another).await;
    for refused in [published.unwrap_err(), proposed.unwrap_err()] {
        assert!(
            matches!(refused, ProgrammeError::InForceOnClosed { open, .. } if open == day("2021-01-01")),
            "{refused:?}"
        );
    }
}

/// One that begins in open days and would go on through a closed year; one that ends before it; one that is taken already.
#[tokio::test]
async fn no_version_takes_closed_days_from_another() {
    let world = World::new(&[]).await;
    world.close_year(2021, "2022-01-15").await;
    let rules = || world.caller("rules", "2022-01-16", None);
    let through = version("2020-2", "2020-06-01");
    let refused = propose(&world, rules(), &through).await.unwrap_err();
    assert!(
        matches!(refused, ProgrammeError::InForceOnClosed { open, .. } if open == day("2022-01-01")),
        "{refused:?}"
    );
    let before = through.replace("from = 2020-06-01", "from = 2020-06-01\nuntil = 2021-01-01");
    propose(&world, rules(), &before).await.unwrap();
    let same_day = version("2020-3", "2020-01-01");
    let refused = propose(&world, rules(), &same_day).await.unwrap_err();
    assert!(refused.to_string().contains("on another day"), "{refused}");
    let taken = pack_text("shanghai-2020");
    for reason in [None, Some("again")] {
        let refused = publish(&world, "2022-01-16", &taken, reason)
            .await
            .unwrap_err();
        assert!(
            refused.to_string().contains("is published already"),
            "{refused}"
        );
    }
    let long = format!(
        "{}# {}\n",
        version("2023-1", "2023-01-01"),
        "x".repeat(70_000)
    );
    let refused = propose(&world, rules(), &long).await.unwrap_err();
    assert!(
        refused.to_string().contains("too long to be proposed"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_run_does_not_begin_by_rules_that_another_version_has_replaced() {
    let world = award_run::world(&["firm_year=500.00"], 100_000, 2).await;
    let fresh = award_run::proposed(&world, "300.00").await;
    let approved = award_run::approved(&world, "300.00").await;
    let begun = award_run::approved(&world, "300.00").await;
    award_run::one_part(&world, begun, 1).await;

    let next = pack("RUN", &["firm_year=100.00"], &[])
        .replace("version = \"1\"", "version = \"2\"")
        .replace("from = 2020-01-01", "from = 2020-05-01");
    propose(&world, world.caller("rules", "2020-05-04", None), &next)
        .await
        .unwrap();
    publish(&world, "2020-05-04", &next, Some("ruling"))
        .await
        .unwrap();

    let said = |why: &str| {
        assert!(
            why.contains("proposed by version 1 of RUN, and version 2 is in force"),
            "{why}"
        );
    };
    said(
        &award_run::try_approve(&world, "manager", fresh)
            .await
            .unwrap_err()
            .to_string(),
    );
    let resumed = async |run: RunId| award_run::resume(&world, "manager", run, 2).await;
    let Err(ResumeError::Rejected(Rejected::Run(why))) = resumed(approved).await else {
        panic!("it went on");
    };
    said(&why);
    let done = resumed(begun).await.unwrap();
    assert!(done.is_done());
}
