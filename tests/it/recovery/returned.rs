//! The bank returns a payment that is asked back: the payee is owed what it gave back, and the rest of the recovery ends.

use sqlx::Connection;
use subsidy_ledger::db;
use subsidy_ledger::payment::{PayableState, ReturnedPayment};
use subsidy_ledger::recovery::ReturnError;

use super::Recoveries;
use crate::claim::recuse;
use crate::kit::scenario::fen;
use crate::payment::{hear, paid, send};
use crate::payment_bank::reconcile;
use crate::payment_returned::give_back;

/// The instruction by which the bank paid a payable.
async fn instruction(recoveries: &Recoveries, payable: &str) -> String {
    let mut conn = recoveries.world.db.superuser().await;
    sqlx::query_scalar(
        "SELECT end_to_end_id FROM ledger.payment_line WHERE payable_id = $1 AND state = 'paid'",
    )
    .bind(recoveries.payable(payable).0)
    .fetch_one(&mut conn)
    .await
    .unwrap()
}

async fn returned(
    recoveries: &Recoveries,
    by: (&str, &str, Option<&str>),
    (line, payable): (&str, &str),
) -> Result<ReturnedPayment, ReturnError> {
    let id = instruction(recoveries, payable).await;
    let line = recoveries.line(line).to_string();
    give_back(&recoveries.world, by, &line, &id).await
}

fn amounts(returned: &ReturnedPayment) -> Vec<&str> {
    let ended = returned.ended.iter();
    ended.map(|ended| ended.amount.as_str()).collect()
}

/// Of 10,000 yuan that were asked back the payee paid 2,500, and then the bank brings all 10,000: the payee never had them, so
/// it is owed its 2,500, and nothing is asked of it any more.
#[tokio::test]
async fn what_the_payee_paid_back_is_owed_to_it_when_its_payment_comes_back() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome | B30 B60 B70 F1010 F1210 F2010 F5090
            2020-06-11 | reviewer | propose a h misused whole | proposed 10000.00 paid=10000.00
            2020-06-12 | manager  | order a    | ordered 10000.00 due_on=2020-07-12
            2020-06-12 | finance  | plan a 2@2020-07-31 | planned 10000.00 instalments=2020-07-31=5000.00,2020-08-31=5000.00
            2020-06-13 | cashier  | receive a 3 | received 2000.00 open=8000.00 returned_to=B30
            2020-06-13 | cashier  | receive a 4 | received 500.00 open=7500.00 returned_to=B30 | 902500 30000 27500 972500 7500 30000 10000",
        )
        .await;
    let before = reconcile(&recoveries.world).await;
    let by = ("cashier", "2020-06-14", Some("back"));
    let id = instruction(&recoveries, "h").await;
    let line = recoveries.line("7").to_string();
    let back = give_back(&recoveries.world, by, &line, &id).await.unwrap();
    assert_eq!(
        (back.amount.as_str(), amounts(&back)),
        ("10000.00", vec!["7500.00"])
    );
    let size = recoveries.world.size().await;
    let again = give_back(&recoveries.world, by, &line, &id).await.unwrap();
    assert_eq!((again, recoveries.world.size().await), (back, size));
    let after = reconcile(&recoveries.world).await;
    assert!(after.agrees(), "{after:?}");
    assert_eq!(
        before.unmatched_credits.1.minor() - after.unmatched_credits.1.minor(),
        fen(10_000)
    );
    recoveries
        .check(
            "day       | who      | command    | outcome | B30 B60 B70 F1010 F1210 F2010 F5090
            2020-06-14 | cashier  | receive a 5 | refused WRONG_STATE | 910000 32500 17500 982500 0 32500 10000
            2020-06-14 | finance2 | void a     | refused PARTLY_SETTLED
            2020-06-14 | reviewer | propose b h misused whole | refused NOT_PAID",
        )
        .await;

    // What is left of it goes to the bank with the next batch, and is not asked back a second time.
    let world = &recoveries.world;
    let batch = send(world, "cashier", "2020-06-15").await.unwrap();
    assert_eq!(batch.total.minor(), fen(32_500));
    let rows = [0, 1].map(|line| paid(&batch, line, "2020-06-16"));
    hear(world, "cashier", "2020-06-16", &rows).await.unwrap();
    recoveries
        .check(
            "day       | who      | command    | outcome | B30 B60 B70 F1010 F1210 F2010 F5090
            2020-06-17 | reviewer | propose b h misused whole | refused NOTHING_TO_RECOVER | 910000 0 50000 950000 0 0 10000",
        )
        .await;
}

/// What was settled by offset was another payable's money.
#[tokio::test]
async fn what_was_offset_is_owed_again_too() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome | B60 B70 F1210 F2010
            2020-06-11 | reviewer | propose a i ineligible whole | proposed 20000.00 paid=20000.00
            2020-06-12 | manager  | order a    | ordered 20000.00 due_on=2020-07-12
            2020-06-13 | cashier  | offset a j 12000.00 | offset 12000.00 open=8000.00 rest=18000.00 returned_to=B30
            2020-06-13 | cashier  | offset a j 8000.00 | offset 8000.00 open=0.00 rest=10000.00 returned_to=B30 | 10000 30000 0 10000",
        )
        .await;
    let by = ("cashier2", "2020-06-14", None);
    let back = returned(&recoveries, by, ("6", "i")).await.unwrap();
    assert_eq!(amounts(&back), Vec::<&str>::new());
    recoveries
        .check(
            "day       | who      | command    | outcome | B60 B70 F1210 F2010
            2020-06-14 | cashier  | offset a j | refused WRONG_STATE | 30000 10000 0 30000",
        )
        .await;
}

/// A payable that was paid partly by offset and partly by the bank: more may be open than comes back.
#[tokio::test]
async fn no_more_ends_than_comes_back() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | reviewer | propose a h misused whole | proposed 10000.00 paid=10000.00
            2020-06-12 | manager  | order a    | ordered 10000.00 due_on=2020-07-12
            2020-06-12 | cashier  | offset a j 4000.00 | offset 4000.00 open=6000.00 rest=26000.00 returned_to=B30",
        )
        .await;
    let batch = send(&recoveries.world, "cashier", "2020-06-13")
        .await
        .unwrap();
    let id = batch.lines[0].end_to_end_id.as_str();
    let lines = [(-26_000, id, ""), (26_000, "", ""), (300, "", "")];
    recoveries.take("S2", "2020-06-14", &lines).await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-15 | reviewer | propose b j misused whole | proposed 30000.00 paid=30000.00
            2020-06-16 | manager  | order b    | ordered 30000.00 due_on=2020-07-16
            2020-06-16 | cashier  | receive b 3 | received 300.00 open=29700.00 returned_to=B30",
        )
        .await;
    let by = ("cashier", "2020-06-17", None);
    let back = returned(&recoveries, by, ("2", "j")).await.unwrap();
    assert_eq!(amounts(&back), ["26000.00"]);
    let offset = recoveries.world.payables(PayableState::Offset).await;
    assert_eq!(
        offset.len(),
        1,
        "all of it is offset, and the bank has nothing to pay"
    );
    recoveries
        .check(
            "day       | who      | command    | outcome | F1210 F2010
            2020-06-18 | manager2 | void b     | refused PARTLY_SETTLED | 9700 0",
        )
        .await;
}

/// Each refusal says what to do, and changes nothing.
#[tokio::test]
async fn what_can_be_voided_is_voided_first_and_what_was_written_off_stays_so() {
    let mut recoveries = Recoveries::new().await;
    let by = ("cashier", "2020-06-14", None);
    let refused = async |recoveries: &Recoveries, by, what| {
        let world = &recoveries.world;
        let (state, size) = (world.state().await, world.size().await);
        let error = returned(recoveries, by, what).await.unwrap_err();
        assert_eq!((world.state().await, world.size().await), (state, size));
        error.to_string()
    };
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | reviewer | propose a h misused whole | proposed 10000.00 paid=10000.00",
        )
        .await;
    let waits = refused(&recoveries, by, ("7", "h")).await;
    assert!(
        waits.contains("reject that first (`recovery reject`)"),
        "{waits}"
    );
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-12 | all      | order a    | ordered 10000.00 due_on=2020-07-12",
        )
        .await;
    let ordered = refused(&recoveries, by, ("7", "h")).await;
    assert!(
        ordered.contains("void that first (`recovery void`)"),
        "{ordered}"
    );
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-12 | cashier  | receive a 3 | received 2000.00 open=8000.00 returned_to=B30",
        )
        .await;
    // Whoever ordered it does not end it; nor does somebody who stays out of the party's cases.
    let own = refused(&recoveries, ("all", "2020-06-14", None), ("7", "h")).await;
    assert!(
        own.contains("The same person acted on this case before"),
        "{own}"
    );
    recuse(&recoveries.world, "manager", "cashier2", "p")
        .await
        .unwrap();
    let related = refused(&recoveries, ("cashier2", "2020-06-14", None), ("7", "h")).await;
    assert!(related.contains("recused"), "{related}");
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-13 | finance2 | write-off a | proposed 8000.00
            2020-06-13 | manager  | approve a  | written_off 8000.00",
        )
        .await;
    let given_up = refused(&recoveries, by, ("7", "h")).await;
    assert!(given_up.contains("something was written off"), "{given_up}");
}

/// What was paid back is free again since, so the books can't take more off what is spent than stands there.
#[tokio::test]
async fn a_return_waits_until_enough_stands_as_spent() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome | B30 B70
            2020-06-11 | reviewer | propose a h misused whole | proposed 10000.00 paid=10000.00
            2020-06-11 | reviewer | propose b i misused whole | proposed 20000.00 paid=20000.00
            2020-06-12 | manager  | order a    | ordered 10000.00 due_on=2020-07-12
            2020-06-12 | manager  | order b    | ordered 20000.00 due_on=2020-07-12
            2020-06-13 | cashier  | receive a 7 | received 10000.00 open=0.00 returned_to=B30
            2020-06-13 | cashier  | receive b 4 | received 500.00 open=19500.00 returned_to=B30 | 910500 19500",
        )
        .await;
    let by = ("cashier", "2020-06-14", None);
    let short = returned(&recoveries, by, ("6", "i"))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        short.contains("B70:CNY:SH-VOUCHER:2020 is 500.00 short"),
        "{short}"
    );
    let file = recoveries.line("6").to_string();
    let id = instruction(&recoveries, "i").await;
    // Once another payment of the programme is booked, there is enough.
    let batch = send(&recoveries.world, "cashier", "2020-06-15")
        .await
        .unwrap();
    let next = batch.lines[0].end_to_end_id.clone();
    recoveries
        .take("S2", "2020-06-16", &[(-30_000, &next, "")])
        .await;
    let back = give_back(
        &recoveries.world,
        ("cashier", "2020-06-17", None),
        &file,
        &id,
    )
    .await;
    assert_eq!(amounts(&back.unwrap()), ["19500.00"]);
    recoveries.world.check_invariants().await;
}

/// Whatever comes first, a receipt or the return: what is owed again is what was paid back.
#[tokio::test]
async fn a_receipt_and_a_return_at_once_have_one_outcome() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | reviewer | propose a h misused whole | proposed 10000.00 paid=10000.00
            2020-06-12 | manager  | order a    | ordered 10000.00 due_on=2020-07-12
            2020-06-12 | cashier  | receive a 3 | received 2000.00 open=8000.00 returned_to=B30",
        )
        .await;
    let id = instruction(&recoveries, "h").await;
    let line = recoveries.line("7").to_string();
    let world = &recoveries.world;
    let words = ["receive", "a", "4"];
    let (back, other, received) = tokio::join!(
        give_back(world, ("cashier", "2020-06-13", None), &line, &id),
        give_back(world, ("cashier2", "2020-06-13", None), &line, &id),
        recoveries.give("2020-06-13", "cashier2", "one", &words),
    );
    let ended: Vec<String> = [&back, &other]
        .iter()
        .filter_map(|back| back.as_ref().ok())
        .flat_map(|back| amounts(back))
        .map(str::to_owned)
        .collect();
    let (_, answer) = received.unwrap();
    let left = if answer["outcome"] == "received" {
        "7500.00"
    } else {
        "8000.00"
    };
    assert_eq!(ended, [left], "{back:?} {other:?} {answer}");
    world.check_invariants().await;
}

/// What a superuser might write, Postgres refuses by name.
#[tokio::test]
async fn postgres_lets_nothing_be_asked_back_of_what_is_owed_again() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | reviewer | propose a h misused whole | proposed 10000.00 paid=10000.00
            2020-06-12 | manager  | order a    | ordered 10000.00 due_on=2020-07-12",
        )
        .await;
    let mut admin = recoveries.world.db.superuser().await;
    let id = instruction(&recoveries, "h").await;
    let put_back = async |admin: &mut sqlx::PgConnection| {
        let mut tx = admin.begin().await.unwrap();
        sqlx::query(
            "UPDATE ledger.payment_line SET state = 'returned', returned_index = closed_index + 1
             WHERE end_to_end_id = $1",
        )
        .bind(&id)
        .execute(&mut *tx)
        .await
        .unwrap();
        sqlx::query("UPDATE ledger.payable SET state = 'approved' WHERE payable_id = $1")
            .bind(recoveries.payable("h").0)
            .execute(&mut *tx)
            .await?;
        sqlx::query("SET CONSTRAINTS ALL IMMEDIATE")
            .execute(&mut *tx)
            .await
    };
    let violated = |error: &sqlx::Error| db::violated_constraint(error).map(str::to_owned);
    let unsettled = put_back(&mut admin).await.unwrap_err();
    assert_eq!(
        violated(&unsettled).as_deref(),
        Some("payable_paid_until_returned")
    );
    let words = ["receive", "a", "3"];
    recoveries
        .give("2020-06-13", "cashier", "one", &words)
        .await
        .unwrap();
    let open = put_back(&mut admin).await.unwrap_err();
    assert_eq!(
        violated(&open).as_deref(),
        Some("payable_returned_ends_recovery")
    );
}
