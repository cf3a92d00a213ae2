//! Jobs: safe to run twice, at once, late, and to be killed; each run is seen.

use subsidy_ledger::identity::Caller;
use subsidy_ledger::job::store::{ReminderFilter, reminders, runs};
use subsidy_ledger::job::{self, Begun, Job, JobError, ReminderKind, Run, RunOutcome};
use subsidy_ledger::types::RunId;

use crate::claim::{Claims, RELIEF};
use crate::kit::scenario::{World, fen};
use crate::kit::table::Play;
use crate::recovery::Recoveries;
use crate::rent::play::RentPlay;

async fn begin(world: &World, caller: Caller, job: Job) -> Result<Begun, JobError> {
    let begun = world.one(caller, job, |conn, command, job| {
        Box::pin(async move { job::begin(conn, &command, *job).await })
    });
    begun.await
}

async fn step(world: &World, caller: Caller, of: (RunId, Job)) -> Result<usize, JobError> {
    let done = world.one(caller, of, |conn, command, of| {
        Box::pin(async move { job::step(conn, &command, *of).await })
    });
    done.await
}

async fn end(world: &World, caller: Caller, run: RunId, failure: Option<&'static str>) {
    let ended = world.one(caller, (run, failure), |conn, command, (run, failure)| {
        Box::pin(async move { job::end(conn, &command, *run, *failure).await })
    });
    ended.await.unwrap();
}

/// A whole run, on a day: how many things it did.
async fn run(world: &World, on: &str, job: Job) -> usize {
    let caller = || world.caller("system", on, None);
    let Begun::Run(run) = begin(world, caller(), job).await.unwrap() else {
        panic!("another run goes on");
    };
    let mut all = 0;
    loop {
        let done = step(world, caller(), (run, job)).await.unwrap();
        if done == 0 {
            break;
        }
        all += done;
    }
    end(world, caller(), run, None).await;
    all
}

async fn seen(world: &World) -> Vec<Run> {
    let read = world
        .db
        .app()
        .read(world.zone.id, world.zone.id, |conn, zone| {
            Box::pin(runs(conn, *zone, None, 100))
        });
    read.await.unwrap()
}

/// Reminders as `kind case due`, in their order.
async fn reminded(world: &World) -> Vec<String> {
    let read = world
        .db
        .app()
        .read(world.zone.id, world.zone.id, |conn, zone| {
            Box::pin(reminders(conn, *zone, ReminderFilter::default(), 100))
        });
    let all = read.await.unwrap();
    let text = all.iter().map(|one| {
        let letter = one.case.get(..1).unwrap_or_default();
        let number = one
            .number
            .map_or_else(String::new, |number| format!(" {number}"));
        format!("{} {letter}{number} {}", one.kind.as_str(), one.due)
    });
    text.collect()
}

#[tokio::test]
async fn vouchers_lapse_and_are_reminded_of_once() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command                        | outcome
        2020-03-02 | clerk    | apply a SH f case:V1           | =V1
        2020-03-03 | reviewer | review a                       | recommended 150000.00
        2020-03-04 | manager  | issue a                        | issued 150000.00 last_day=2020-12-31
        2020-03-05 | clerk    | apply b SH g case:V1           | =V1
        2020-03-06 | reviewer | review b                       | recommended 150000.00
        2020-03-07 | manager  | issue b                        | issued 150000.00 last_day=2020-12-31
        2020-05-01 | clerk    | hold h b p 300000.00           | held 150000.00 own_share=150000.00",
    )
    .await;
    let world = &play.world;
    assert_eq!(run(world, "2020-11-30", Job::Reminders).await, 0);
    assert_eq!(run(world, "2020-12-01", Job::Reminders).await, 1);
    assert_eq!(run(world, "2020-12-01", Job::Reminders).await, 0);
    assert_eq!(run(world, "2020-12-31", Job::VoucherExpiry).await, 0);
    // What is held stays held, and is not reminded of: nothing of that voucher is free.
    assert_eq!(run(world, "2021-01-01", Job::VoucherExpiry).await, 1);
    assert_eq!(run(world, "2021-01-01", Job::VoucherExpiry).await, 0);
    assert_eq!(reminded(world).await, ["voucher_expires V 2020-12-31"]);
    assert_eq!(world.balances().await.get("B50"), Some(&fen(150_000)));
    let runs = seen(world).await;
    assert_eq!(runs.len(), 6);
    assert!(
        runs.iter()
            .all(|run| run.outcome == Some(RunOutcome::Finished))
    );
    assert_eq!(runs.iter().map(|run| run.done).sum::<i64>(), 2);
    world.check_invariants().await;
}

#[tokio::test]
async fn one_run_of_a_job_goes_on_and_a_dead_one_is_interrupted() {
    let world = World::new(&[]).await;
    let at = |seconds| {
        let caller = world.caller("system", "2020-12-01", None);
        Caller {
            now: caller.now + chrono::TimeDelta::seconds(seconds),
            ..caller
        }
    };
    let job = Job::Reminders;
    let (one, other) = tokio::join!(begin(&world, at(0), job), begin(&world, at(0), job));
    let begun = [one.unwrap(), other.unwrap()];
    let first = begun.iter().find_map(|begun| match begun {
        Begun::Run(run) => Some(*run),
        Begun::GoesOn(_) => None,
    });
    let first = first.expect("one of them begins");
    assert!(
        begun
            .iter()
            .any(|begun| matches!(begun, Begun::GoesOn(run) if run.run == first)),
        "the other one is told of it: {begun:?}"
    );
    // Another job is not in its way.
    let Begun::Run(expiry) = begin(&world, at(1), Job::VoucherExpiry).await.unwrap() else {
        panic!("another job goes on");
    };
    end(&world, at(2), expiry, Some("the disk is full")).await;

    // A step shows that it lives; a minute later nothing was heard of it.
    assert_eq!(step(&world, at(30), (first, job)).await.unwrap(), 0);
    let told = begin(&world, at(80), job).await.unwrap();
    assert!(matches!(told, Begun::GoesOn(_)), "{told:?}");
    let Begun::Run(second) = begin(&world, at(90), job).await.unwrap() else {
        panic!("the first one is not taken for dead");
    };
    // It was only slow: its step comes too late.
    let late = step(&world, at(91), (first, job)).await;
    assert!(matches!(late, Err(JobError::Ended)), "{late:?}");
    end(&world, at(92), first, None).await;
    end(&world, at(93), second, None).await;
    let outcomes: Vec<_> = seen(&world)
        .await
        .into_iter()
        .map(|run| (run.job, run.outcome.unwrap(), run.failure))
        .collect();
    let failure = Some("the disk is full".to_owned());
    let expected = [
        (job, RunOutcome::Finished, None),
        (Job::VoucherExpiry, RunOutcome::Failed, failure),
        (job, RunOutcome::Interrupted, None),
    ];
    assert_eq!(outcomes, expected);
    let forbidden = begin(&world, world.caller("finance", "2020-12-01", None), job).await;
    assert!(
        matches!(forbidden, Err(JobError::Forbidden(_))),
        "{forbidden:?}"
    );
}

#[tokio::test]
async fn a_notice_that_is_over_is_reminded_of() {
    let mut claims = Claims::new(1_000_000).await;
    claims
        .check(
            "day       | who      | command | outcome
            2020-09-01 | f        | draft a SHAANXI-RENT f RELIEF waived_amount=48000.00 docs | drafted version=1
            2020-09-02 | f        | submit a   | submitted pass 4800.00 version=1
            2020-09-07 | reviewer | review a silent | recommended 4800.00
            2020-09-28 | reviewer | notice SHAANXI-RENT | published 1 last_day=2020-10-12 total=4800.00"
                .replace("RELIEF", RELIEF)
                .as_str(),
        )
        .await;
    assert_eq!(run(&claims.world, "2020-10-12", Job::Reminders).await, 0);
    assert_eq!(run(&claims.world, "2020-10-13", Job::Reminders).await, 1);
    assert_eq!(run(&claims.world, "2020-10-14", Job::Reminders).await, 0);
    assert_eq!(reminded(&claims.world).await, ["notice_over C 2020-10-12"]);
}

#[tokio::test]
async fn instalments_are_reminded_of_before_and_after_their_day() {
    let mut play = RentPlay::new().await;
    play.check(
        "day       | who | command | outcome
        2020-01-02 | c | lease a A-301 f 38000.00 2020-01-01 2020-12-31 | added
        2020-01-05 | c | bill a 2020-01 | billed 38000.00 days=31
        2020-02-05 | c | defer s a 2020-01..2020-01 count=2 first=2020-06-01 | agreed 38000.00 2020-06-01:19000.00,2020-07-01:19000.00",
    )
    .await;
    let world = &play.world;
    assert_eq!(run(world, "2020-05-24", Job::Reminders).await, 0);
    assert_eq!(run(world, "2020-05-25", Job::Reminders).await, 1);
    assert_eq!(run(world, "2020-06-01", Job::Reminders).await, 0);
    assert_eq!(run(world, "2020-06-02", Job::Reminders).await, 1);
    assert_eq!(run(world, "2020-07-15", Job::Reminders).await, 1);
    assert_eq!(
        reminded(world).await,
        [
            "instalment_overdue S 2 2020-07-01",
            "instalment_overdue S 1 2020-06-01",
            "instalment_due S 1 2020-06-01",
        ]
    );
}

#[tokio::test]
async fn money_back_is_reminded_of_part_by_part() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | reviewer | propose a i overpaid service_price=36000.00 | proposed 2000.00 paid=20000.00 rightful=18000.00
            2020-06-12 | manager  | order a    | ordered 2000.00 due_on=2020-07-12",
        )
        .await;
    assert_eq!(
        run(&recoveries.world, "2020-07-04", Job::Reminders).await,
        0
    );
    assert_eq!(
        run(&recoveries.world, "2020-07-05", Job::Reminders).await,
        1
    );
    // Of two parts the first is settled by what came.
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-07-06 | finance  | plan a 2020-08-01=500.00 2020-09-01=1500.00 | planned 2000.00 instalments=2020-08-01=500.00,2020-09-01=1500.00",
        )
        .await;
    assert_eq!(
        run(&recoveries.world, "2020-07-28", Job::Reminders).await,
        1
    );
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-08-02 | cashier  | receive a 4 | received 500.00 open=1500.00 returned_to=B30",
        )
        .await;
    assert_eq!(
        run(&recoveries.world, "2020-09-02", Job::Reminders).await,
        1
    );
    assert_eq!(
        reminded(&recoveries.world).await,
        [
            "recovery_overdue Z 2 2020-09-01",
            "recovery_due Z 1 2020-08-01",
            "recovery_due Z 2020-07-12",
        ]
    );
}

#[test]
fn kinds_are_named_as_postgres_does() {
    for kind in ReminderKind::ALL {
        assert_eq!(ReminderKind::named(kind.as_str()), Some(kind));
    }
    for job in Job::ALL {
        assert_eq!(Job::named(job.as_str()), Some(job));
    }
}
