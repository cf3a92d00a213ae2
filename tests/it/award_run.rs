//! Awards without application: proposed, approved, carried out in parts, stopped and gone on with.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use subsidy_ledger::batch::{BatchError, Rejected};
use subsidy_ledger::identity::Caller;
use subsidy_ledger::policy::Facts;
use subsidy_ledger::types::{Currency, HoldId, RunId, VoucherId};
use subsidy_ledger::voucher::run::{self, Approve, Progress, Propose, ResumeError, Run};
use subsidy_ledger::voucher::{Issue, PlaceHold, Redeem};
use subsidy_ledger::{party, voucher};

use crate::caps::pack;
use crate::kit::scenario::{Step, World, fen, yuan};
use crate::payment::{approve as approve_payables, hear, paid, send};

const DAY: &str = "2020-05-04";

/// A programme `RUN` with these caps and this much money, and so many firms beside `f` and `g`.
pub(crate) async fn world(caps: &[&str], budget: i64, firms: usize) -> World {
    let world = World::new(&[]).await;
    world.publish("RUN", &pack("RUN", caps, &[])).await;
    world.fund("RUN", 2020, budget).await;
    let firms: Vec<_> = party::generate(3, firms * 2)
        .into_iter()
        .filter(|new| {
            new.roles
                .iter()
                .any(|role| role == party::PartyRole::Enterprise)
        })
        .take(firms)
        .collect();
    let caller = world.caller("manager", "2020-01-02", None);
    world
        .one(caller, firms, |conn, command, firms| {
            Box::pin(async move { party::register(conn, &command, firms).await })
        })
        .await
        .unwrap();
    world
}

fn proposal(amount: Option<&str>) -> Propose {
    Propose {
        amount: amount.map(str::to_owned),
        day: DAY.parse().unwrap(),
        programme: "RUN".parse().unwrap(),
    }
}

async fn propose(world: &World, caller: Caller, input: Propose) -> Result<Value, Rejected> {
    let answers = world.one(caller, input, |conn, command, input| {
        let requests = [(command, input.clone())];
        Box::pin(async move { run::propose(conn, &requests).await })
    });
    let answer = answers.await.unwrap().pop().unwrap()?;
    Ok(serde_json::to_value(answer).unwrap())
}

async fn approve(world: &World, who: &str, run: RunId) -> Value {
    try_approve(world, who, run).await.unwrap()
}

pub(crate) async fn try_approve(world: &World, who: &str, run: RunId) -> Result<Value, Rejected> {
    let caller = world.caller(who, DAY, Some(&format!("{who} {run}")));
    let answers = world.one(caller, Approve { run }, |conn, command, input| {
        let requests = [(command, input.clone())];
        Box::pin(async move { run::approve(conn, &requests).await })
    });
    let answer = answers.await.unwrap().pop().unwrap()?;
    Ok(serde_json::to_value(answer).unwrap())
}

/// A run over `amount` each that was proposed.
pub(crate) async fn proposed(world: &World, amount: &str) -> RunId {
    let caller = world.caller("reviewer", DAY, None);
    let proposed = propose(world, caller, proposal(Some(amount)))
        .await
        .unwrap();
    proposed["run"].as_str().unwrap().parse().unwrap()
}

/// A run over `amount` each that was proposed and approved.
pub(crate) async fn approved(world: &World, amount: &str) -> RunId {
    let run = proposed(world, amount).await;
    assert_eq!(approve(world, "manager", run).await["outcome"], "approved");
    run
}

pub(crate) async fn resume(
    world: &World,
    who: &str,
    run: RunId,
    part: u32,
) -> Result<Progress, ResumeError> {
    let caller = world.caller(who, DAY, None);
    run::resume(world.db.app(), &caller, run, part, |_| ()).await
}

/// Carries out one part, and no more.
pub(crate) async fn one_part(world: &World, id: RunId, part: u32) -> Progress {
    let caller = world.caller("manager", DAY, None);
    let awarded = world.one(caller, (id, part), |conn, command, (id, part)| {
        Box::pin(async move {
            let run = run::store::run(conn, command.zone, *id).await?.unwrap();
            let part = run::prepare(conn, command.zone, &run, run.progress.decided, *part).await?;
            run::award(conn, &command, &part).await
        })
    });
    let awarded: Result<_, BatchError> = awarded.await;
    awarded.unwrap().unwrap()
}

async fn stored(world: &World, id: RunId) -> Run {
    let input = (world.zone.clone(), id);
    let run: Result<_, sqlx::Error> = world
        .db
        .app()
        .read(world.zone.id, input, |conn, (zone, id)| {
            Box::pin(run::store::run(conn, zone, *id))
        })
        .await;
    run.unwrap().unwrap()
}

/// The details of every entry of a kind, in the order of the log.
async fn details(world: &World, kind: &str) -> Vec<Value> {
    let mut conn = world.db.superuser().await;
    let bodies: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT body FROM ledger.entry WHERE kind = $1 ORDER BY log_index")
            .bind(kind)
            .fetch_all(&mut conn)
            .await
            .unwrap();
    let read = |body: Vec<u8>| serde_json::from_slice::<Value>(&body).unwrap()["details"].take();
    bodies.into_iter().map(read).collect()
}

async fn balance(world: &World, code: &str) -> i64 {
    world.balances().await.get(code).copied().unwrap_or(0)
}

/// How many vouchers each party holds.
async fn held(world: &World) -> BTreeMap<String, i64> {
    let mut conn = world.db.superuser().await;
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT party_id::text, count(*) FROM ledger.voucher GROUP BY party_id")
            .fetch_all(&mut conn)
            .await
            .unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn everybody_who_qualifies_gets_a_voucher_with_its_decision_and_four_persons_act() {
    let world = world(&["firm_year=500.00"], 100_000, 18).await;
    let key = |who| world.caller(who, DAY, Some("run"));
    let first = propose(&world, key("reviewer"), proposal(Some("300.00")))
        .await
        .unwrap();
    assert_eq!(
        (&first["candidates"], &first["total"], &first["budget_left"]),
        (&json!(20), &json!("6000.00"), &json!("100000.00"))
    );
    // Given again, it is the same run.
    let again = propose(&world, key("reviewer"), proposal(Some("300.00")))
        .await
        .unwrap();
    assert_eq!(first, again);
    let id: RunId = first["run"].as_str().unwrap().parse().unwrap();

    // Not before it is approved, not by who proposed it, not by who may not.
    let refused = |result: Result<Progress, ResumeError>| result.unwrap_err().to_string();
    assert!(refused(resume(&world, "manager", id, 5).await).contains("waits for approval"));
    let own = propose(&world, key("all"), proposal(Some("300.00")))
        .await
        .unwrap();
    let own: RunId = own["run"].as_str().unwrap().parse().unwrap();
    let refusal = approve(&world, "all", own).await;
    assert_eq!(refusal["code"], "SEGREGATION");
    assert_eq!(approve(&world, "manager", own).await["outcome"], "approved");
    assert!(refused(resume(&world, "all", own, 5).await).contains("a second person"));
    assert_eq!(
        approve(&world, "manager", id).await["list_sha256"],
        first["list_sha256"]
    );
    assert_eq!(approve(&world, "manager2", id).await["code"], "WRONG_STATE");
    assert!(matches!(
        resume(&world, "clerk", id, 5).await,
        Err(ResumeError::Rejected(Rejected::Forbidden(_)))
    ));

    let awards = everybody_is_awarded(&world, id, &first).await;
    a_voucher_of_the_run_is_used_and_paid(&world, &awards).await;
}

/// Twenty awards, each with its decision; once more, and nothing happens.
async fn everybody_is_awarded(world: &World, id: RunId, first: &Value) -> Vec<Value> {
    let done = resume(world, "manager", id, 7).await.unwrap();
    assert_eq!(
        (done.decided, done.awarded, done.given.minor()),
        (20, 20, fen(6_000))
    );
    let awards = details(world, "voucher.awarded").await;
    assert_eq!(awards.len(), 20);
    for award in &awards {
        assert_eq!(award["answer"]["amount"], "300.00");
        assert_eq!(award["decision"]["outcome"], "pass");
        assert_eq!(award["decision"]["facts"]["requested_amount"], "300.00");
        assert_eq!(award["input"]["run"], first["run"]);
    }
    assert_eq!(balance(world, "B40").await, fen(6_000));
    assert_eq!(balance(world, "Q30").await, fen(6_000));
    world.check_invariants().await;
    let size = world.size().await;
    assert_eq!(resume(world, "manager", id, 7).await.unwrap(), done);
    assert_eq!(world.size().await, size);
    awards
}

/// A voucher of the run is used like any other, and paid by a fourth and a fifth person.
async fn a_voucher_of_the_run_is_used_and_paid(world: &World, awards: &[Value]) {
    let f = world.parties["f"].to_string();
    let of_f = awards
        .iter()
        .find(|award| award["input"]["party"] == f.as_str())
        .unwrap();
    let voucher: VoucherId = of_f["answer"]["voucher"].as_str().unwrap().parse().unwrap();
    let hold = Step::Hold(PlaceHold {
        facts: Facts::new(Currency::Cny),
        price: "100.00".to_owned(),
        provider: world.parties["p"],
        voucher,
    });
    let given = world
        .give(world.caller("f", DAY, None), hold)
        .await
        .unwrap();
    let hold: HoldId = given.1["hold"].as_str().unwrap().parse().unwrap();
    let redeem = Step::Redeem(Redeem {
        evidence: Vec::new(),
        hold,
        price: "100.00".to_owned(),
    });
    let given = world
        .give(world.caller("f", DAY, None), redeem)
        .await
        .unwrap();
    assert_eq!(given.1["amount"], "100.00");
    let filter = subsidy_ledger::payment::PayableFilter::State(
        subsidy_ledger::payment::PayableState::Owed,
        10,
    );
    approve_payables(world, "finance", filter).await.unwrap();
    let batch = send(world, "cashier", "2020-05-05").await.unwrap();
    hear(
        world,
        "cashier",
        "2020-05-06",
        &[paid(&batch, 0, "2020-05-06")],
    )
    .await
    .unwrap();
    assert_eq!(balance(world, "B70").await, fen(100));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_second_run_awards_nobody_twice_under_a_yearly_cap() {
    let world = world(&["year_count=1"], 100_000, 8).await;
    let first = approved(&world, "300.00").await;
    let second = approved(&world, "300.00").await;
    resume(&world, "manager", first, 4).await.unwrap();
    let done = resume(&world, "manager", second, 4).await.unwrap();
    assert_eq!((done.decided, done.awarded), (10, 0));
    let refusals = details(&world, "voucher.award_refused").await;
    assert_eq!(refusals.len(), 10);
    assert!(refusals.iter().all(|refusal| {
        refusal["answer"]["code"] == "POLICY"
            && refusal["answer"]["reasons"] == json!(["CAP_YEAR_COUNT"])
    }));
    // A third has nobody on its list.
    let caller = world.caller("reviewer", DAY, None);
    let none = propose(&world, caller, proposal(Some("300.00")))
        .await
        .unwrap_err();
    assert!(none.to_string().contains("none qualifies"), "{none}");
    world.check_invariants().await;
}

#[tokio::test]
async fn the_budget_may_run_out_on_the_way() {
    let world = world(&["firm_year=500.00"], 2_000, 8).await;
    let run = approved(&world, "300.00").await;
    let done = resume(&world, "manager", run, 4).await.unwrap();
    assert_eq!((done.awarded, done.given.minor()), (6, fen(1_800)));
    let refusals = details(&world, "voucher.award_refused").await;
    assert_eq!(refusals.len(), 4);
    for refusal in refusals {
        assert_eq!(refusal["answer"]["code"], "BUDGET_EXHAUSTED");
        assert_eq!(refusal["decision"]["outcome"], "pass");
    }
    assert_eq!(balance(&world, "B30").await, fen(200));
    world.check_invariants().await;
}

#[tokio::test]
async fn a_run_that_was_stopped_goes_on_where_it_was() {
    let world = world(&["firm_year=500.00"], 100_000, 18).await;
    let id = approved(&world, "300.00").await;
    assert_eq!(one_part(&world, id, 7).await.decided, 7);
    // Nobody is decided on before it is its turn, whatever the program does.
    let out_of_turn = "INSERT INTO ledger.award_result
        SELECT c.zone_id, c.run_id, c.party_id, r.log_index, r.facts_sha256, NULL
        FROM ledger.award_candidate c
        CROSS JOIN LATERAL (SELECT * FROM ledger.award_result LIMIT 1) r WHERE c.position = 9";
    let mut admin = world.db.superuser().await;
    let refused = sqlx::raw_sql(out_of_turn).execute(&mut admin).await;
    let refused = refused.unwrap_err();
    let constraint = refused
        .as_database_error()
        .and_then(|error| error.constraint());
    assert_eq!(constraint, Some("award_result_candidate_known"));
    // A part that is undone when everything of it is written: as if the process had been killed before the commit.
    let size = world.size().await;
    let caller = world.caller("manager", DAY, None);
    let killed: Result<(), BatchError> = world
        .one(caller, id, |conn, command, id| {
            Box::pin(async move {
                let run = run::store::run(conn, command.zone, *id).await?.unwrap();
                let part = run::prepare(conn, command.zone, &run, 7, 7).await?;
                run::award(conn, &command, &part).await?.unwrap();
                Err(BatchError::Database(sqlx::Error::PoolClosed))
            })
        })
        .await;
    killed.unwrap_err();
    assert_eq!(
        (
            world.size().await,
            stored(&world, id).await.progress.decided
        ),
        (size, 7)
    );
    // A part that was prepared and is late does nothing.
    let caller = world.caller("manager", DAY, None);
    let late: Result<_, BatchError> = world
        .one(caller, id, |conn, command, id| {
            Box::pin(async move {
                let run = run::store::run(conn, command.zone, *id).await?.unwrap();
                let part = run::prepare(conn, command.zone, &run, 0, 7).await?;
                run::award(conn, &command, &part).await
            })
        })
        .await;
    assert_eq!(late.unwrap().unwrap().decided, 7);
    assert_eq!(world.size().await, size);

    let done = resume(&world, "manager2", id, 7).await.unwrap();
    assert_eq!((done.decided, done.awarded), (20, 20));
    assert!(held(&world).await.values().all(|vouchers| *vouchers == 1));
    world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_carry_out_one_run_award_each_party_once() {
    let world = Arc::new(world(&["firm_year=500.00"], 100_000, 58).await);
    let id = approved(&world, "300.00").await;
    let racers: Vec<_> = ["manager", "manager2", "system"]
        .into_iter()
        .map(|who| {
            let world = world.clone();
            tokio::spawn(async move { resume(&world, who, id, 5).await.unwrap() })
        })
        .collect();
    for racer in racers {
        let done = racer.await.unwrap();
        assert_eq!((done.decided, done.awarded), (60, 60));
    }
    let held = held(&world).await;
    assert!(held.len() == 60 && held.values().all(|vouchers| *vouchers == 1));
    world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_and_an_issue_never_pass_a_cap_together() {
    for (cap, code, most) in [
        ("firm_year=450.00", "Q30", 60 * fen(450)),
        ("programme=5000.00", "Q36", fen(5_000)),
        ("lifetime_count=1", "Q38", 60),
        ("de_minimis=450.00", "Q35", 60 * fen(450)),
    ] {
        let world = world(&[cap], 100_000, 58).await;
        let runs = [
            approved(&world, "300.00").await,
            approved(&world, "300.00").await,
        ];
        let application = recommended(&world).await;
        let world = Arc::new(world);
        let mut racers: Vec<_> = runs
            .into_iter()
            .map(|id| {
                let world = world.clone();
                tokio::spawn(async move {
                    resume(&world, "manager", id, 9).await.unwrap();
                })
            })
            .collect();
        let issuer = world.clone();
        racers.push(tokio::spawn(async move {
            let caller = issuer.caller("manager", DAY, None);
            let issue = Step::Issue(Issue { application });
            issuer.give(caller, issue).await.unwrap();
        }));
        for racer in racers {
            racer.await.unwrap();
        }
        assert_eq!(balance(&world, code).await, most, "{cap}");
        world.check_invariants().await;
    }
}

/// An application of `f` over 300 yuan that waits for its issue.
async fn recommended(world: &World) -> VoucherId {
    let mut facts = Facts::new(Currency::Cny);
    let requested = subsidy_ledger::policy::Fact::RequestedAmount;
    let declared = subsidy_ledger::policy::Source::Declared;
    facts
        .state_money(requested, yuan(300).money(), declared, DAY.parse().unwrap())
        .unwrap();
    let apply = voucher::Apply {
        facts,
        party: world.parties["f"],
        programme: "RUN".parse().unwrap(),
    };
    let caller = world.caller("clerk", DAY, None);
    let applied = world.give(caller, Step::Apply(apply)).await.unwrap().1;
    let application: VoucherId = applied["application"].as_str().unwrap().parse().unwrap();
    let review = Step::Review(voucher::Review { application });
    world
        .give(world.caller("reviewer", DAY, None), review)
        .await
        .unwrap();
    application
}

#[tokio::test]
async fn what_can_not_be_run_is_said() {
    let world = world(&[], 100_000, 2).await;
    for (who, input, says) in [
        ("clerk", proposal(Some("1.00")), "may not"),
        ("reviewer", proposal(None), "say with --amount"),
        ("reviewer", proposal(Some("0.00")), "amount: "),
        (
            "reviewer",
            Propose {
                day: "2020-05-05".parse().unwrap(),
                ..proposal(Some("1.00"))
            },
            "is not a past day of the budget year 2020",
        ),
        (
            "reviewer",
            Propose {
                programme: "NOBODY".parse().unwrap(),
                ..proposal(Some("1.00"))
            },
            "no policy of programme NOBODY is in force",
        ),
    ] {
        let refusal = propose(&world, world.caller(who, DAY, None), input).await;
        let refusal = refusal.unwrap_err().to_string();
        assert!(refusal.contains(says) || who == "clerk", "{refusal}");
    }
    // A run does not pay from a year that is over.
    let run = approved(&world, "1.00").await;
    let caller = world.caller("manager", "2021-01-04", None);
    let over = run::resume(world.db.app(), &caller, run, 5, |_| ()).await;
    assert!(over.unwrap_err().to_string().contains("which is over"));
    let unknown = resume(&world, "manager", RunId::generate(), 5).await;
    assert!(unknown.unwrap_err().to_string().contains("no award run"));
}

#[tokio::test]
async fn an_excluded_firm_is_not_on_the_list() {
    let world = world(&[], 1_000_000, 1).await;
    let excluded = crate::exclusion::proposed(&world, "f").await;
    let confirmed = crate::exclusion::confirm(&world, "manager", excluded).await;
    assert_eq!(confirmed, "confirmed");
    let on = "2020-06-02";
    let input = Propose {
        day: on.parse().unwrap(),
        ..proposal(Some("5000.00"))
    };
    let caller = world.caller("reviewer", on, None);
    let proposed = propose(&world, caller, input).await.unwrap();
    let looked_at = proposed["looked_at"].as_u64().unwrap();
    assert_eq!(proposed["candidates"], looked_at - 1);
}
