//! Budget control: transfers between programmes by two persons, frozen budget lines, and budget execution by funder.

use serde_json::Value;
use sqlx::PgConnection;
use subsidy_ledger::cli::report::{ExecutionArgs, ReportCommand, ReportsCommand, run};
use subsidy_ledger::identity::Command;
use subsidy_ledger::programme::{
    self, Approved, ControlError, Freeze, ProgrammeError, ProposeTransfer, TransferRefusal,
};
use subsidy_ledger::types::{FiscalYear, LogIndex, Reason};
use subsidy_ledger::voucher::Issue;

use crate::award_run;
use crate::kit::scenario::{Step, World, fen, yuan};
use crate::kit::table::Play;
use crate::policy_cases::pack_text;

pub(crate) async fn propose(
    world: &World,
    (from, to): (&str, &str),
    year: i16,
    amount: i64,
) -> Result<LogIndex, ControlError> {
    let caller = world.caller("finance", "2020-03-01", None);
    let input = ProposeTransfer {
        amount: yuan(amount),
        from: from.parse().unwrap(),
        reason: "预算调剂".parse().unwrap(),
        to: to.parse().unwrap(),
        year: FiscalYear(year),
    };
    let recorded = world.one(caller, input, |conn, command, input| {
        Box::pin(async move { programme::propose_transfer(conn, &command, input).await })
    });
    recorded.await.map(|recorded| recorded.index)
}

pub(crate) async fn approve(
    world: &World,
    who: &str,
    key: Option<&str>,
    proposed: LogIndex,
) -> Result<(LogIndex, Option<TransferRefusal>), ControlError> {
    let caller = world.caller(who, "2020-03-02", key);
    let approved = world.one(caller, proposed, |conn, command, proposed| {
        Box::pin(async move { programme::approve_transfer(conn, &command, *proposed).await })
    });
    let (recorded, Approved { refused }) = approved.await?;
    Ok((recorded.index, refused))
}

pub(crate) async fn reject(
    world: &World,
    who: &str,
    proposed: LogIndex,
) -> Result<LogIndex, ControlError> {
    let caller = world.caller(who, "2020-03-02", None);
    let rejected = world.one(caller, proposed, |conn, command, proposed| {
        Box::pin(async move {
            let reason: Reason = "无此必要".parse().unwrap();
            programme::reject_transfer(conn, &command, *proposed, &reason).await
        })
    });
    rejected.await.map(|recorded| recorded.index)
}

pub(crate) async fn control(
    world: &World,
    who: &str,
    freezes: bool,
    (code, year): (&str, i16),
) -> Result<LogIndex, ControlError> {
    let caller = world.caller(who, "2020-03-02", None);
    let input = Freeze {
        programme: code.parse().unwrap(),
        reason: "审计期间暂停".parse().unwrap(),
        year: FiscalYear(year),
    };
    let done = world.one(
        caller,
        (input, freezes),
        |conn: &mut PgConnection, command: Command<'_>, (input, freezes)| {
            Box::pin(async move {
                if *freezes {
                    programme::freeze(conn, &command, input).await
                } else {
                    programme::thaw(conn, &command, input).await
                }
            })
        },
    );
    done.await.map(|recorded| recorded.index)
}

/// Balance of B30 of a programme, in fen.
async fn free(world: &World, code: &str) -> i64 {
    let account = format!("B30:CNY:{code}:2020");
    let mut conn = world.db.superuser().await;
    let free: Option<i64> =
        sqlx::query_scalar("SELECT credits - debits FROM ledger.account WHERE address = $1")
            .bind(account)
            .fetch_optional(&mut conn)
            .await
            .unwrap();
    free.unwrap_or(0)
}

const BOTH: (&str, &str) = ("SH-VOUCHER", "YH-VOUCHER");

#[tokio::test]
async fn a_transfer_moves_what_is_free_when_a_second_person_approves() {
    let world = World::new(&[("SH", 2020, 100_000), ("YH", 2020, 10_000)]).await;
    let proposed = propose(&world, BOTH, 2020, 30_000).await.unwrap();
    assert_eq!(free(&world, "SH-VOUCHER").await, fen(100_000));
    let caller = world.caller("reviewer", "2020-03-02", None);
    let forbidden = world.one(caller, proposed, |conn, command, proposed| {
        Box::pin(async move { programme::approve_transfer(conn, &command, *proposed).await })
    });
    let forbidden = forbidden.await.unwrap_err();
    assert!(
        matches!(
            forbidden,
            ControlError::Programme(ProgrammeError::Forbidden(_))
        ),
        "{forbidden}"
    );
    let (_, refused) = approve(&world, "finance", None, proposed).await.unwrap();
    assert_eq!(refused, Some(TransferRefusal::Segregation));

    let first = approve(&world, "manager", Some("k"), proposed)
        .await
        .unwrap();
    assert_eq!(first.1, None);
    assert_eq!(free(&world, "SH-VOUCHER").await, fen(70_000));
    assert_eq!(free(&world, "YH-VOUCHER").await, fen(40_000));
    // Once, whoever repeats it.
    let again = approve(&world, "manager", Some("k"), proposed)
        .await
        .unwrap();
    assert_eq!(again, first);
    for late in [
        approve(&world, "manager2", None, proposed)
            .await
            .map(|_| ()),
        reject(&world, "manager", proposed).await.map(|_| ()),
    ] {
        assert!(matches!(late, Err(ControlError::NotWaiting(index)) if index == proposed));
    }
    assert_eq!(free(&world, "YH-VOUCHER").await, fen(40_000));
    world.check_invariants().await;
}

/// Many approve at once: the amount is moved once.
#[tokio::test]
async fn a_transfer_is_approved_once() {
    let world = World::new(&[("SH", 2020, 100_000)]).await;
    let proposed = propose(&world, BOTH, 2020, 30_000).await.unwrap();
    let all = ["manager", "manager2", "all", "manager", "manager2", "all"];
    let all = all.map(|who| approve(&world, who, None, proposed));
    let done = futures::future::join_all(all).await;
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1);
    assert_eq!(free(&world, "YH-VOUCHER").await, fen(30_000));
    world.check_invariants().await;
}

#[tokio::test]
async fn what_can_not_be_transferred_is_refused_by_name() {
    let world = World::new(&[("SH", 2020, 100_000), ("SH", 2019, 5_000)]).await;
    world.close_year(2019, "2020-02-01").await;
    let size = world.size().await;
    for (both, year, amount, expected) in [
        (
            BOTH,
            2020,
            100_001,
            "SH-VOUCHER has 100000.00 free in 2020, less than 100001.00",
        ),
        (
            ("SH-VOUCHER", "SH-VOUCHER"),
            2020,
            1,
            "can't give to itself",
        ),
        (("SH-VOUCHER", "NONE"), 2020, 1, "no programme NONE"),
        (("NONE", "SH-VOUCHER"), 2020, 1, "no programme NONE"),
        (BOTH, 2019, 1, "budget year 2019 is closed"),
        (BOTH, 2021, 1, "has 0.00 free in 2021"),
    ] {
        let refused = propose(&world, both, year, amount)
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains(expected), "{refused}\nnot: {expected}");
    }
    assert_eq!(world.size().await, size);

    // What was free when it was proposed is not any more.
    let first = propose(&world, BOTH, 2020, 60_000).await.unwrap();
    let second = propose(&world, BOTH, 2020, 60_000).await.unwrap();
    assert_eq!(
        approve(&world, "manager", None, first).await.unwrap().1,
        None
    );
    let (index, refused) = approve(&world, "manager", None, second).await.unwrap();
    assert_eq!(refused, Some(TransferRefusal::Insufficient));
    assert_eq!(index.0, world.size().await - 1);
    // Whoever proposed takes it back.
    reject(&world, "finance", second).await.unwrap();
    let gone = approve(&world, "manager", None, second).await.unwrap_err();
    assert!(matches!(gone, ControlError::NotWaiting(_)), "{gone}");
    assert_eq!(free(&world, "SH-VOUCHER").await, fen(40_000));
    world.check_invariants().await;
}

/// The database refuses by itself what the program does.
#[tokio::test]
async fn the_database_holds_two_persons_and_one_decision() {
    let world = World::new(&[("SH", 2020, 100_000)]).await;
    let proposed = propose(&world, BOTH, 2020, 1).await.unwrap();
    control(&world, "manager", true, ("SH-VOUCHER", 2020))
        .await
        .unwrap();
    let mut conn = world.db.superuser().await;
    let its = format!("WHERE proposed_index = {}", proposed.0);
    for (sql, constraint) in [
        (
            format!("UPDATE ledger.budget_transfer SET outcome = 'approved', decided_by = proposed_by, decided_index = proposed_index + 1 {its}"),
            "budget_transfer_two_persons",
        ),
        (
            format!("UPDATE ledger.budget_transfer SET amount = 2 {its}"),
            "budget_transfer_decided_once",
        ),
        (
            "UPDATE ledger.budget_freeze SET reason = 'another'".to_owned(),
            "budget_freeze_thawed_once",
        ),
        (
            "INSERT INTO ledger.budget_freeze SELECT zone_id, frozen_index - 1, programme, fiscal_year, reason, frozen_by FROM ledger.budget_freeze".to_owned(),
            "budget_freeze_one_open",
        ),
        ("DELETE FROM ledger.budget_freeze".to_owned(), ""),
        ("TRUNCATE ledger.budget_transfer".to_owned(), ""),
    ] {
        #[expect(clippy::disallowed_methods, reason = "the statements are made here")]
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql.clone())).execute(&mut conn).await;
        let refused = refused.expect_err(&sql);
        let named = refused.as_database_error().and_then(|error| error.constraint());
        assert!(constraint.is_empty() || named == Some(constraint), "{sql}: {refused}");
    }
}

#[tokio::test]
async fn nothing_is_issued_or_moved_from_a_frozen_budget() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000), ("YH", 2020, 100_000)]).await;
    play.check(
        "day       | who      | command    | outcome
        2020-03-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-03-01 | reviewer | review a   | recommended 100000.00
        2020-03-01 | manager  | issue a    | issued 100000.00 last_day=2020-12-31
        2020-03-01 | clerk    | apply b SH g applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-03-01 | reviewer | review b   | recommended 100000.00",
    )
    .await;
    let line = ("SH-VOUCHER", 2020);
    let entry = control(&play.world, "finance", true, line).await.unwrap();
    let again = control(&play.world, "manager", true, line)
        .await
        .unwrap_err();
    assert!(
        again
            .to_string()
            .contains(&format!("already, by entry {entry}")),
        "{again}"
    );
    let proposed = propose(&play.world, BOTH, 2020, 1_000).await.unwrap();
    let (_, refused) = approve(&play.world, "manager", None, proposed)
        .await
        .unwrap();
    assert_eq!(refused, Some(TransferRefusal::Frozen));
    // What was issued is used as before; nothing more is issued, and the application waits.
    play.check(
        "day       | who      | command    | outcome
        2020-03-03 | manager  | issue b    | refused BUDGET_FROZEN
        2020-03-04 | f        | hold h a p 20000.00 | held 10000.00 own_share=10000.00
        2020-03-05 | p        | redeem h 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00",
    )
    .await;
    // The other year and the other programme are not frozen.
    for other in [("SH-VOUCHER", 2021), ("YH-VOUCHER", 2020)] {
        let not = control(&play.world, "finance", false, other)
            .await
            .unwrap_err();
        assert!(matches!(not, ControlError::NotFrozen { .. }), "{not}");
    }
    let thawed = control(&play.world, "manager", false, line).await.unwrap();
    assert!(thawed > entry);
    play.check(
        "day       | who      | command    | outcome
        2020-03-06 | manager  | issue b    | issued 100000.00 last_day=2020-12-31",
    )
    .await;
    let (_, refused) = approve(&play.world, "manager", None, proposed)
        .await
        .unwrap();
    assert_eq!(refused, None);
    play.world.check_invariants().await;
}

/// Nobody of the list is refused: the run stops with an entry, and goes on once the budget is thawed.
#[tokio::test]
async fn an_award_run_waits_while_its_budget_is_frozen() {
    let world = award_run::world(&[], 1_000, 2).await;
    let run = award_run::approved(&world, "100.00").await;
    control(&world, "finance", true, ("RUN", 2020))
        .await
        .unwrap();
    let size = world.size().await;
    let refused = award_run::resume(&world, "manager", run, 3)
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("the budget of RUN for 2020 is frozen"),
        "{refused}"
    );
    assert_eq!(world.size().await, size + 1);
    world.check_invariants().await;
    control(&world, "manager", false, ("RUN", 2020))
        .await
        .unwrap();
    let done = award_run::resume(&world, "manager", run, 3).await.unwrap();
    assert_eq!(done.awarded, done.candidates);
    world.check_invariants().await;
}

/// A freeze and an issue at the same moment: whoever is second sees what the first has done.
#[tokio::test]
async fn a_freeze_and_an_issue_do_not_pass_each_other() {
    for _ in 0..4 {
        let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
        play.check(
            "day       | who      | command    | outcome
            2020-03-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
            2020-03-01 | reviewer | review a   | recommended 100000.00",
        )
        .await;
        let application = play.voucher("a");
        let world = &play.world;
        let caller = |who: &str| world.caller(who, "2020-03-02", None);
        let issue = world.give(caller("manager"), Step::Issue(Issue { application }));
        let freeze = control(world, "finance", true, ("SH-VOUCHER", 2020));
        let (issued, frozen) = tokio::join!(issue, freeze);
        let ((issued_index, issued), frozen) = (issued.unwrap(), frozen.unwrap());
        if issued_index < frozen {
            assert_eq!(issued["outcome"], "issued");
        } else {
            assert_eq!(issued["code"], "BUDGET_FROZEN");
        }
        world.check_invariants().await;
    }
}

async fn report(world: &World, args: ExecutionArgs, json: bool) -> String {
    let command = ReportCommand::Report(ReportsCommand::Execution(args));
    let mut out = Vec::new();
    run(world.db.app(), &world.zone, command, json, &mut out)
        .await
        .unwrap();
    String::from_utf8(out).unwrap()
}

/// Shanghai's rules with three funders, one of whom bears what thirds leave.
fn with_three_funders() -> String {
    let alone =
        "code = \"SH-CITY\"\nname = { zh = \"上海市\", en = \"City of Shanghai\" }\nshare = \"1\"";
    let three = ["CITY", "ZONE", "STATE"]
        .map(|code| {
            format!(
                "code = \"{code}\"\nname = {{ zh = \"{code}\", en = \"{code}\" }}\nshare = \"1/3\""
            )
        })
        .join("\n\n[[funder]]\n");
    let pack = pack_text("shanghai-2020");
    assert!(pack.contains(alone));
    pack.replace(alone, &three).replace("SH-VOUCHER", "THIRDS")
}

/// A line that three funders bear, one whose funders depend on the case, and one that is frozen.
async fn borne_by_several() -> World {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.world.publish("THIRDS", &with_three_funders()).await;
    play.world
        .publish("YRD-VOUCHER", &pack_text("yangtze-delta-2019"))
        .await;
    play.world.fund("THIRDS", 2020, 500_000).await;
    play.world.fund("YRD-VOUCHER", 2020, 1_000).await;
    play.check(
        "day       | who      | command    | outcome
        2020-05-01 | clerk    | apply a THIRDS f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-02 | reviewer | review a   | recommended 100000.00
        2020-05-03 | manager  | issue a    | issued 100000.00 last_day=2020-12-31
        2020-05-04 | f        | hold h a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-05 | p        | redeem h 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00",
    )
    .await;
    control(&play.world, "finance", true, ("SH-VOUCHER", 2020))
        .await
        .unwrap();
    play.world
}

#[tokio::test]
async fn execution_tells_who_bears_a_line_and_what_is_frozen() {
    let world = borne_by_several().await;
    let args = ExecutionArgs::default;
    insta::assert_snapshot!(report(&world, args(), false).await);
    let csv = ExecutionArgs {
        csv: true,
        ..args()
    };
    insta::assert_snapshot!(report(&world, csv, false).await);
    let none = ExecutionArgs {
        year: Some(2019),
        ..args()
    };
    assert_eq!(report(&world, none, true).await, "[]\n");
}

/// Every column of the funders adds up to the line, and every row adds up by itself.
#[tokio::test]
async fn shares_of_a_third_lose_no_fen() {
    let world = borne_by_several().await;
    let only = ExecutionArgs {
        year: Some(2020),
        programme: Some("THIRDS".parse().unwrap()),
        csv: false,
    };
    let found: Value = serde_json::from_str(&report(&world, only, true).await).unwrap();
    let [line] = &found.as_array().unwrap()[..] else {
        panic!("{found}");
    };
    assert_eq!(line["split"], "by_shares");
    assert_eq!(line["version"], "2020-1");
    assert_eq!(line["in_force_on"], "2020-12-31");
    let fen_of = |value: &Value| -> i64 {
        let text = value.as_str().unwrap().replace('.', "");
        text.parse().unwrap()
    };
    for name in [
        "allocated",
        "issued",
        "outstanding",
        "reserved",
        "obligated",
        "paid",
        "lapsed",
        "carried",
        "free",
    ] {
        let funders = line["funders"].as_array().unwrap();
        let sum: i64 = funders.iter().map(|funder| fen_of(&funder[name])).sum();
        assert_eq!(sum, fen_of(&line[name]), "{name}");
    }
    for row in line["funders"].as_array().unwrap().iter().chain([line]) {
        let parts = [
            "outstanding",
            "reserved",
            "obligated",
            "paid",
            "lapsed",
            "carried",
            "free",
        ];
        let sum: i64 = parts.iter().map(|name| fen_of(&row[*name])).sum();
        assert_eq!(sum, fen_of(&row["allocated"]), "{row}");
    }
}
