//! Commands that meet: 50 at once on one voucher, one budget, one key; and two, of which one waits behind the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use subsidy_ledger::batch::Rejected;
use subsidy_ledger::payment::{
    self, BankStatement, BankVerdict, MatchWith, PayableFilter, PayableState, PaymentError,
    Release, StatementLine,
};
use subsidy_ledger::policy::Facts;
use subsidy_ledger::programme::{self, Freeze};
use subsidy_ledger::types::{Currency, FiscalYear};
use subsidy_ledger::voucher::{Issue, PlaceHold, Redeem, Review};

use crate::claim::Claims;
use crate::exclusion;
use crate::kit::scenario::{Given, Step, World, fen};
use crate::kit::table::Play;
use crate::payment as payment_tests;
use crate::payment_bank::{match_line, reconcile, statement, statement_file, three_approved};

const RACERS: usize = 50;
const DAY: &str = "2020-05-04";

/// Gives one command per racer at once, each in a transaction and on a session of its own. The racer's
/// number is part of its key unless they share one.
async fn race(play: &Arc<Play>, who: &'static str, key: Option<&str>, step: &Step) -> Vec<Given> {
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let key = key.map_or_else(|| format!("racer {racer}"), str::to_owned);
            let (play, step) = (play.clone(), step.clone());
            tokio::spawn(async move {
                let caller = play.world.caller(who, DAY, Some(&key));
                play.world.give(caller, step).await
            })
        })
        .collect();
    let mut given = Vec::with_capacity(RACERS);
    for racer in racers {
        given.push(racer.await.unwrap());
    }
    given
}

fn outcomes<'a>(given: &'a [Given], outcome: &str) -> Vec<&'a Value> {
    let answers = given.iter().map(|given| &given.as_ref().unwrap().1);
    answers
        .filter(|answer| answer["outcome"] == outcome)
        .collect()
}

/// A voucher `a` over 100,000 yuan.
async fn with_voucher() -> Play {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command  | outcome
        2020-05-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-02 | reviewer | review a | recommended 100000.00
        2020-05-03 | manager  | issue a  | issued 100000.00 last_day=2020-12-31",
    )
    .await;
    play
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_holds_never_reserve_more_than_the_voucher_has() {
    let play = Arc::new(with_voucher().await);
    // Each order would take 3,000 of 100,000: 33 get that, one the rest.
    let step = Step::Hold(PlaceHold {
        facts: Facts::new(Currency::Cny),
        price: "6000.00".to_owned(),
        provider: play.world.parties["p"],
        voucher: play.voucher("a"),
    });
    let given = race(&play, "f", None, &step).await;
    let held = outcomes(&given, "held");
    assert_eq!((held.len(), outcomes(&given, "refused").len()), (34, 16));
    let rest = held
        .iter()
        .filter(|answer| answer["amount"] == "1000.00")
        .count();
    assert_eq!(rest, 1);
    let balances = play.world.balances().await;
    assert_eq!((balances["B40"], balances["B50"]), (0, fen(100_000)));
    play.world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_redemptions_of_one_voucher_never_exceed_its_face() {
    let mut play = with_voucher().await;
    // Four holds of 25,000; the racers share them.
    for hold in ["h", "i", "j", "k"] {
        play.check(&format!(
            "day       | who | command               | outcome
            2020-05-04 | f   | hold {hold} a p 50000.00 | held 25000.00 own_share=25000.00",
        ))
        .await;
    }
    let holds = ["h", "i", "j", "k"].map(|name| play.hold(name));
    let play = Arc::new(play);
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let play = play.clone();
            let hold = holds[racer % holds.len()];
            tokio::spawn(async move {
                let price = "50000.00".to_owned();
                let step = Step::Redeem(Redeem {
                    evidence: Vec::new(),
                    hold,
                    price,
                });
                let caller = play.world.caller("p", DAY, Some(&format!("racer {racer}")));
                play.world.give(caller, step).await
            })
        })
        .collect();
    let mut given = Vec::new();
    for racer in racers {
        given.push(racer.await.unwrap());
    }
    assert_eq!(outcomes(&given, "redeemed").len(), 4);
    let refused = outcomes(&given, "refused");
    assert!(refused.iter().all(|answer| answer["code"] == "HOLD_ENDED"));
    let indices: BTreeSet<_> = given
        .iter()
        .map(|given| given.as_ref().unwrap().0)
        .collect();
    assert_eq!(indices.len(), RACERS, "each refusal is an entry of its own");
    let balances = play.world.balances().await;
    assert_eq!(
        (balances["B50"], balances["B60"], balances["F2010"]),
        (0, fen(100_000), fen(100_000))
    );
    play.world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_has_one_effect_and_one_answer_for_all() {
    let play = Arc::new(with_voucher().await);
    let size = play.world.size().await;
    let step = Step::Hold(PlaceHold {
        facts: Facts::new(Currency::Cny),
        price: "6000.00".to_owned(),
        provider: play.world.parties["p"],
        voucher: play.voucher("a"),
    });
    let given = race(&play, "f", Some("one"), &step).await;
    assert_eq!(play.world.size().await, size + 1);
    assert!(
        given
            .iter()
            .all(|answer| *answer == given[0] && answer.is_ok())
    );
    // The key is the actor's own: for another one it is new.
    let other = play
        .world
        .give(play.world.caller("clerk", DAY, Some("one")), step)
        .await;
    assert_ne!(other.unwrap().0, given[0].as_ref().unwrap().0);
    play.world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_issues_never_overspend_the_budget_and_each_refusal_is_recorded() {
    // Two firms ask for 80,000 each and may hold 50,000 each; the budget ends before that.
    let mut play = Play::new(&[("YH", 2023, 70_000)]).await;
    let firms = ["f", "g"];
    for number in 0..8 {
        let firm = firms[number % 2];
        play.check(&format!(
            "day       | who      | command        | outcome
            2023-05-01 | clerk    | apply v{number} YH {firm} requested_amount=20000.00 | pass 20000.00
            2023-05-02 | reviewer | review v{number} | recommended 20000.00",
        ))
        .await;
    }
    let applications: Vec<_> = (0..8)
        .map(|number| play.voucher(&format!("v{number}")))
        .collect();
    let play = Arc::new(play);
    let racers: Vec<_> = applications
        .into_iter()
        .map(|application| {
            let play = play.clone();
            tokio::spawn(async move {
                let caller = play.world.caller("manager", "2023-05-03", None);
                play.world
                    .give(caller, Step::Issue(Issue { application }))
                    .await
            })
        })
        .collect();
    let mut given = Vec::new();
    for racer in racers {
        given.push(racer.await.unwrap());
    }
    let issued: Vec<_> = outcomes(&given, "issued");
    let total: i64 = issued.iter().map(|answer| minor(&answer["amount"])).sum();
    let balances = play.world.balances().await;
    assert_eq!(balances["B40"], total);
    assert_eq!(balances["B30"], fen(70_000) - total);
    assert!(
        total <= fen(70_000) && balances["B30"] < fen(20_000),
        "{given:?}"
    );
    let exhausted = outcomes(&given, "refused");
    assert!(!exhausted.is_empty());
    assert!(
        exhausted
            .iter()
            .all(|answer| answer["code"] == "BUDGET_EXHAUSTED")
    );
    play.world.check_invariants().await;
}

fn minor(amount: &Value) -> i64 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_inside_one_batch_are_answered_once() {
    let play = with_voucher().await;
    let hold = |price: &str| {
        Step::Hold(PlaceHold {
            facts: Facts::new(Currency::Cny),
            price: price.to_owned(),
            provider: play.world.parties["p"],
            voucher: play.voucher("a"),
        })
    };
    let caller = |key: &str| play.world.caller("f", DAY, Some(key));
    let size = play.world.size().await;
    let batch = vec![
        (caller("one"), hold("6000.00")),
        (caller("two"), hold("8000.00")),
        (caller("one"), hold("6000.00")),
        (caller("one"), hold("7000.00")),
        (caller("bad"), hold("no price")),
        (caller("bad"), hold("2000.00")),
        (caller("bad"), hold("2000.00")),
    ];
    let given = play.world.try_give(batch).await.unwrap();
    let first = given[0].as_ref().unwrap().0;
    assert_eq!(given[2], given[0]);
    assert_eq!(given[3], Err(Rejected::KeyConflict(first)));
    // Nothing was recorded for the price that is none, so the key was still free.
    assert!(matches!(given[4], Err(Rejected::Facts(_))));
    assert_eq!(given[5].as_ref().unwrap().1["amount"], "1000.00");
    assert_eq!(given[6], given[5]);
    assert_eq!(play.world.size().await, size + 3);
    play.world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_approvals_and_batches_have_one_effect() {
    let mut play = with_voucher().await;
    play.check(
        "day       | who | command           | outcome
        2020-05-04 | f   | hold h a p 80000.00 | held 40000.00 own_share=40000.00
        2020-05-05 | p   | redeem h 80000.00 | redeemed 40000.00 own_share=40000.00 payee=p returned=0.00",
    )
    .await;
    let payable = play.world.payables(PayableState::Owed).await[0].id;
    let play = Arc::new(play);
    let approve = |play: Arc<Play>, filter: PayableFilter| async move {
        let caller = play.world.caller("finance", DAY, None);
        let approved = play.world.one(caller, filter, |conn, command, filter| {
            Box::pin(async move { payment::approve(conn, &command, filter).await })
        });
        approved.await
    };
    let ids = PayableFilter::Ids(vec![payable]);
    let (one, two) = tokio::join!(
        tokio::spawn(approve(play.clone(), ids.clone())),
        tokio::spawn(approve(play.clone(), ids)),
    );
    let outcomes: Vec<_> = [one, two]
        .map(|racer| racer.unwrap().unwrap()[0].outcome)
        .into();
    assert_eq!(
        outcomes
            .iter()
            .filter(|one| **one == payment::ApprovalOutcome::Approved)
            .count(),
        1,
        "{outcomes:?}"
    );
    play.world.enter_accounts().await;
    let batch_by = |play: Arc<Play>, who: &'static str| async move {
        payment_tests::prepare(&play.world, who, DAY).await
    };
    let (one, two) = tokio::join!(
        tokio::spawn(batch_by(play.clone(), "cashier")),
        tokio::spawn(batch_by(play.clone(), "cashier2")),
    );
    let batches = [one.unwrap(), two.unwrap()];
    assert_eq!(
        batches.iter().filter(|one| one.is_ok()).count(),
        1,
        "{batches:?}"
    );
    let lost = |one: &Result<_, PaymentError>| matches!(one, Err(PaymentError::NothingReady(_)));
    assert_eq!(batches.iter().filter(|one| lost(one)).count(), 1);
    play.world.check_invariants().await;

    // Two release it at once: one does, and the other is told that it was decided.
    let batch = batches.iter().flatten().next().unwrap().clone();
    let by = if batches[0].is_ok() {
        "cashier2"
    } else {
        "cashier"
    };
    let release_by = |play: Arc<Play>| async move {
        payment_tests::release(None, &play.world, (by, DAY), batch.id).await
    };
    let (one, two) = tokio::join!(
        tokio::spawn(release_by(play.clone())),
        tokio::spawn(release_by(play.clone())),
    );
    let released = [one.unwrap(), two.unwrap()];
    let won = |one: &Result<_, PaymentError>| matches!(one, Ok(Release::Released(_)));
    let late = |one: &Result<_, PaymentError>| matches!(one, Err(PaymentError::BatchDecided(_)));
    let count = |is: fn(&Result<Release, PaymentError>) -> bool| {
        released.iter().filter(|one| is(one)).count()
    };
    assert_eq!((count(won), count(late)), (1, 1), "{released:?}");
    play.world.check_invariants().await;
}

/// Two approvals and then two batches under one key each, at the same moment: one effect, and both racers
/// are told of it.
#[tokio::test(flavor = "multi_thread")]
async fn racing_repeats_of_payments_have_one_answer() {
    let mut play = with_voucher().await;
    play.check(
        "day       | who | command           | outcome
        2020-05-04 | f   | hold h a p 80000.00 | held 40000.00 own_share=40000.00
        2020-05-05 | p   | redeem h 80000.00 | redeemed 40000.00 own_share=40000.00 payee=p returned=0.00",
    )
    .await;
    let play = Arc::new(play);
    let approve = |play: Arc<Play>| async move {
        let caller = play.world.caller("finance", DAY, Some("approve"));
        let owed = PayableFilter::State(PayableState::Owed, 100);
        let approved = play.world.one(caller, owed, |conn, command, filter| {
            Box::pin(async move { payment::approve(conn, &command, filter).await })
        });
        approved.await.unwrap()
    };
    let (one, two) = tokio::join!(
        tokio::spawn(approve(play.clone())),
        tokio::spawn(approve(play.clone())),
    );
    assert_eq!(one.unwrap(), two.unwrap());
    play.world.enter_accounts().await;
    let size = play.world.size().await;
    let send = |play: Arc<Play>| async move {
        let caller = play.world.caller("cashier", DAY, Some("send"));
        let batch = play.world.one(caller, (), |conn, command, ()| {
            Box::pin(async move { payment::prepare(conn, &command, &payment_tests::ALL).await })
        });
        batch.await.unwrap()
    };
    let (one, two) = tokio::join!(
        tokio::spawn(send(play.clone())),
        tokio::spawn(send(play.clone())),
    );
    assert_eq!(one.unwrap(), two.unwrap());
    // The batch and its line.
    assert_eq!(play.world.size().await, size + 2);
    play.world.check_invariants().await;
}

/// Two statements that confirm different lines by one booking, at the same moment: the slower one is refused
/// by row, as if it had come later.
#[tokio::test(flavor = "multi_thread")]
async fn racing_statements_use_a_booking_once() {
    let mut play = with_voucher().await;
    play.check(
        "day       | who | command           | outcome
        2020-05-04 | f   | hold h a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-04 | f   | hold i a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-05 | p   | redeem h 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00
        2020-05-05 | p   | redeem i 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00",
    )
    .await;
    let world = &play.world;
    let owed = PayableFilter::State(PayableState::Owed, 100);
    let caller = world.caller("finance", DAY, None);
    let approved = world.one(caller, owed, |conn, command, filter| {
        Box::pin(async move { payment::approve(conn, &command, filter).await })
    });
    approved.await.unwrap();
    let batch = payment_tests::send(world, "cashier", DAY).await.unwrap();
    let hear = |at: usize| {
        let line = &batch.lines[at];
        let statement = BankStatement {
            sha256: [u8::try_from(at).unwrap(); 32],
            lines: vec![StatementLine {
                row: 2,
                end_to_end_id: line.end_to_end_id.clone(),
                amount: line.amount,
                booked_on: DAY.parse().unwrap(),
                verdict: BankVerdict::Paid("R1".to_owned()),
            }],
        };
        let caller = world.caller("cashier", DAY, None);
        world.one(caller, statement, |conn, command, statement| {
            Box::pin(async move { payment::import_statement(conn, &command, statement).await })
        })
    };
    let heard: [Result<_, PaymentError>; 2] = tokio::join!(hear(0), hear(1)).into();
    let told = |one: &&Result<_, PaymentError>| matches!(one, Err(PaymentError::Rows(_)));
    assert_eq!(
        heard.iter().filter(|one| one.is_ok()).count(),
        1,
        "{heard:?}"
    );
    assert_eq!(heard.iter().filter(told).count(), 1, "{heard:?}");
    world.check_invariants().await;
}

/// Gives a command while another one, which was first, waits for the log's head: the second one is decided when the first is
/// recorded.
pub(crate) async fn behind<T: Send + 'static>(
    world: &World,
    first: impl Future<Output = String> + Send + 'static,
    second: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut head = world.db.superuser().await;
    crate::kit::run(&mut head, "BEGIN; SELECT FROM ledger.log_head FOR UPDATE").await;
    let waits = Duration::from_millis(300);
    let first = tokio::spawn(first);
    tokio::time::sleep(waits).await;
    let second = tokio::spawn(second);
    tokio::time::sleep(waits).await;
    crate::kit::run(&mut head, "COMMIT").await;
    assert_eq!(first.await.unwrap(), "confirmed");
    second.await.unwrap()
}

/// Two lines over the amount of one entry are said to be its receipt at the same moment: the second one is told of the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_one_line_of_the_bank() {
    let (world, _) = three_approved().await;
    let world = Arc::new(world);
    let lines = [(1_000_000, "", ""), (1_000_000, "", "")];
    let file = statement_file("S1", "2020-05-08", 0, &lines);
    let answer = statement(&world, &file).await.unwrap();
    let entry = reconcile(&world).await.book_only[0].index;
    let say = |number: i32| {
        let (world, line) = (world.clone(), format!("S{}-{number}", answer.file));
        async move { match_line(&world, &line, MatchWith::Receipt(entry)).await }
    };
    let (one, other) = (say(1), say(2));
    let one = async {
        one.await
            .map_or_else(|why| why.to_string(), |_| "confirmed".to_owned())
    };
    let refused = behind(&world, one, other).await.unwrap_err().to_string();
    let expected = format!("entry {entry} is S{}-1 already", answer.file);
    assert!(refused.contains(&expected), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_order_passes_an_exclusion_that_is_before_it_in_the_log() {
    let play = Arc::new(with_voucher().await);
    let proposed = exclusion::proposed(&play.world, "f").await;
    let (office, firm) = (play.clone(), play.clone());
    let confirm = async move { exclusion::confirm(&office.world, "manager", proposed).await };
    let order = async move {
        let step = Step::Hold(PlaceHold {
            facts: Facts::new(Currency::Cny),
            price: "6000.00".to_owned(),
            provider: firm.world.parties["p"],
            voucher: firm.voucher("a"),
        });
        firm.world
            .give(firm.world.caller("f", "2020-06-01", None), step)
            .await
    };
    let (_, answer) = behind(&play.world, confirm, order).await.unwrap();
    assert_eq!(answer["code"], "EXCLUDED", "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_claim_passes_an_exclusion_that_is_before_it_in_the_log() {
    const ON: &str = "2020-06-01";
    const HALF: &str = "relief_kind=waiver waived_amount=200000.00 tenant_confirmed=200000.00 landlord_relief=0.00 docs";
    for (who, words) in [
        ("f", vec!["submit", "a"]),
        ("reviewer", vec!["review", "b", "recommend"]),
    ] {
        let mut claims = Claims::new(1_000_000).await;
        claims
            .check(&format!(
                "day       | who | command                    | outcome
                2020-05-01 | f   | draft a RENT-HALF f {HALF} | drafted version=1
                2020-05-01 | f   | draft b RENT-HALF f {HALF} | drafted version=1
                2020-05-01 | f   | submit b                   | submitted pass 100000.00 version=1"
            ))
            .await;
        let claims = Arc::new(claims);
        let proposed = exclusion::proposed(&claims.world, "f").await;
        let (office, claim) = (claims.clone(), claims.clone());
        let confirm = async move { exclusion::confirm(&office.world, "manager", proposed).await };
        let ask = async move { claim.give(ON, who, "key", &words).await };
        let (_, answer) = behind(&claims.world, confirm, ask).await.unwrap();
        assert_eq!(answer["code"], "EXCLUDED", "{who}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_counts_what_was_issued_before_it_in_the_log() {
    let mut play = Play::new(&[("YH", 2023, 100_000)]).await;
    for name in ["a", "b", "c", "d"] {
        play.check(&format!(
            "day       | who      | command                             | outcome
            2023-05-01 | clerk    | apply {name} YH f requested_amount=20000.00 | pass 20000.00"
        ))
        .await;
    }
    // Of the 50,000 that a firm may hold, the third voucher takes what is left.
    play.check(
        "day       | who      | command  | outcome
        2023-05-02 | reviewer | review a | recommended 20000.00
        2023-05-02 | reviewer | review b | recommended 20000.00
        2023-05-02 | reviewer | review c | recommended 20000.00
        2023-05-03 | manager  | issue a  | issued 20000.00 last_day=2023-08-03
        2023-05-03 | manager  | issue b  | issued 20000.00 last_day=2023-08-03",
    )
    .await;
    let play = Arc::new(play);
    let give = |who: &'static str, step: Step| {
        let play = play.clone();
        async move {
            let caller = play.world.caller(who, "2023-05-03", None);
            play.world.give(caller, step).await.unwrap().1
        }
    };
    let application = play.voucher("c");
    let issue = give("manager", Step::Issue(Issue { application }));
    let application = play.voucher("d");
    let review = give("reviewer", Step::Review(Review { application }));
    let issued = async move {
        assert_eq!(issue.await["amount"], "10000.00");
        "confirmed".to_owned()
    };
    let answer = behind(&play.world, issued, review).await;
    assert_eq!(answer["outcome"], "rejected", "{answer}");
}

/// Of two repeats at the same moment one freezes the budget, and the other is told of that, not that it is frozen already.
#[tokio::test(flavor = "multi_thread")]
async fn racing_repeats_that_exclude_each_other_have_one_answer() {
    let world = Arc::new(World::new(&[("SH", 2020, 100_000)]).await);
    let freeze = || {
        let world = world.clone();
        async move {
            let input = Freeze {
                programme: "SH-VOUCHER".parse().unwrap(),
                reason: "audit".parse().unwrap(),
                year: FiscalYear(2020),
            };
            let caller = world.caller("finance", DAY, Some("freeze"));
            let frozen = world.one(caller, input, |conn, command, input| {
                Box::pin(async move { programme::freeze(conn, &command, input).await })
            });
            frozen.await.map(|recorded| recorded.index)
        }
    };
    let size = world.size().await;
    let first = freeze();
    let first = async move {
        first
            .await
            .map_or_else(|error| error.to_string(), |_| "confirmed".to_owned())
    };
    let again = behind(&world, first, freeze()).await.unwrap();
    assert_eq!((again.0, world.size().await), (size, size + 1));
}
