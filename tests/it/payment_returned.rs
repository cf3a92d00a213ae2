//! A payment that the bank returns after it was booked: owed again, and paid by another instruction.

use sqlx::{Connection, PgConnection};
use subsidy_ledger::db;
use subsidy_ledger::payment::{Batch, PayableState, PaymentError, ReturnedPayment};
use subsidy_ledger::recovery::{self, Cause, ProposeRecovery, ReturnError};
use subsidy_ledger::types::Money;

use crate::kit::scenario::{World, fen};
use crate::payment::send;
use crate::payment_bank::{reconcile, statement, statement_file, three_approved};

pub(crate) async fn give_back(
    world: &World,
    (who, on, key): (&str, &str, Option<&str>),
    line: &str,
    instruction: &str,
) -> Result<ReturnedPayment, ReturnError> {
    let input = (
        line.parse().unwrap(),
        instruction.to_owned(),
        "the account was closed".parse().unwrap(),
    );
    let caller = world.caller(who, on, key);
    let returned = world.one(caller, input, |conn, command, (line, id, reason)| {
        Box::pin(async move { recovery::return_payment(conn, &command, (*line, id, reason)).await })
    });
    returned.await
}

/// Three payments of 10,000, 20,000 and 30,000 yuan, of which the bank booked the first two on 2020-05-10, and then brought
/// these amounts; the short name of the file's lines.
pub(crate) async fn paid_and_brought(brought: &[i64]) -> (World, Batch, String) {
    let (world, _) = three_approved().await;
    let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
    let id = |line: usize| batch.lines[line].end_to_end_id.as_str();
    let mut lines = vec![(-10_000, id(0), ""), (-20_000, id(1), "")];
    lines.extend(brought.iter().map(|yuan| (*yuan, "", "")));
    let file = statement_file("S1", "2020-05-10", 100_000, &lines);
    let file = statement(&world, &file).await.unwrap().file;
    (world, batch, format!("S{file}"))
}

#[tokio::test]
async fn a_returned_payment_is_owed_again_and_paid_by_the_next_batch() {
    let (world, batch, file) = paid_and_brought(&[20_000, 20_000]).await;
    let id = batch.lines[1].end_to_end_id.as_str();
    let before = reconcile(&world).await;
    assert_eq!(
        before.unmatched_credits,
        (2, Money::from_minor(fen(40_000)))
    );
    let key = ("cashier", "2020-05-21", Some("back"));
    let line = format!("{file}-3");
    let returned = give_back(&world, key, &line, id).await.unwrap();
    assert_eq!(returned.amount, "20000.00");
    assert_eq!(returned.payable, batch.lines[1].payable);
    let balances = world.balances().await;
    let of = |code: &str| balances.get(code).copied().unwrap_or(0);
    let expected = [50_000, 10_000, 20_000, 30_000].map(fen);
    assert_eq!([of("B60"), of("B70"), of("F2010"), of("F1020")], expected);
    world.check_invariants().await;
    let after = reconcile(&world).await;
    assert!(after.agrees(), "{after:?}");
    assert_eq!(after.unmatched_credits.0, 1);

    // A repeat has the first answer; the payment is not returned a second time, nor by the same line.
    let size = world.size().await;
    assert_eq!(give_back(&world, key, &line, id).await.unwrap(), returned);
    assert_eq!(world.size().await, size);
    let by = ("cashier2", "2020-05-21", None);
    let twice = give_back(&world, by, &format!("{file}-4"), id)
        .await
        .unwrap_err();
    assert!(twice.to_string().contains("was returned before"), "{twice}");
    let first = batch.lines[0].end_to_end_id.as_str();
    let taken = give_back(&world, by, &line, first).await.unwrap_err();
    assert!(
        taken.to_string().contains("it is matched already"),
        "{taken}"
    );

    // It goes into the next batch without a new approval, and is paid.
    let approved = world.payables(PayableState::Approved).await;
    assert_eq!(approved.len(), 1);
    let next = send(&world, "cashier", "2020-05-22").await.unwrap();
    assert_eq!(
        (next.lines.len(), next.lines[0].payable),
        (1, returned.payable)
    );
    world.check_invariants().await;
}

/// Whatever does not fit is refused with what is expected, and changes nothing.
#[tokio::test]
async fn what_does_not_bring_a_payment_back_is_refused() {
    let (world, batch, file) = paid_and_brought(&[10_000, 19_999]).await;
    let (state, size) = (world.state().await, world.size().await);
    let line = |number: i32| format!("{file}-{number}");
    let [first, second, third] = [0, 1, 2].map(|at: usize| batch.lines[at].end_to_end_id.as_str());
    for (line, id, why) in [
        (line(4), second, "it is over 19999.00, "),
        (line(4), second, "so 20000.00 is expected"),
        (line(3), second, "so 20000.00 is expected"),
        (line(3), third, "was not paid: it is sent"),
        (
            line(3),
            "P0-1",
            "no batch that was released has the instruction",
        ),
        (line(1), first, "it is matched already"),
        (line(9), first, "no line"),
    ] {
        let refused = give_back(&world, ("cashier", "2020-05-21", None), &line, id).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    for who in ["finance", "manager", "p"] {
        let refused = give_back(&world, (who, "2020-05-21", None), &line(3), first).await;
        assert!(
            matches!(
                refused,
                Err(ReturnError::Payment(PaymentError::Forbidden(_)))
            ),
            "{who}"
        );
    }
    assert_eq!((world.state().await, world.size().await), (state, size));
}

/// While a recovery stands, the money that comes back is the recovery's.
#[tokio::test]
async fn a_payment_that_is_asked_back_is_not_owed_again() {
    let (world, batch, file) = paid_and_brought(&[10_000]).await;
    let proposed = world.batch(
        vec![(
            world.caller("reviewer", "2020-05-20", None),
            ProposeRecovery {
                cause: Cause::Misused,
                facts: None,
                payable: batch.lines[0].payable,
                reason: "misused".parse().unwrap(),
            },
        )],
        |conn, requests| Box::pin(recovery::propose(conn, requests)),
    );
    let index = proposed.await.unwrap().remove(0).unwrap().0;
    let id = batch.lines[0].end_to_end_id.as_str();
    let by = ("cashier", "2020-05-21", None);
    let refused = give_back(&world, by, &format!("{file}-3"), id)
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains(&format!("asked back by Z{index}")),
        "{refused}"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn of_two_cashiers_at_the_same_moment_one_gives_back() {
    let (world, batch, file) = paid_and_brought(&[10_000, 10_000]).await;
    let id = batch.lines[0].end_to_end_id.as_str();
    let (third, fourth) = (format!("{file}-3"), format!("{file}-4"));
    let (one, other) = tokio::join!(
        give_back(&world, ("cashier", "2020-05-21", None), &third, id),
        give_back(&world, ("cashier2", "2020-05-21", None), &fourth, id),
    );
    assert_eq!(
        [one.is_ok(), other.is_ok()]
            .iter()
            .filter(|ok| **ok)
            .count(),
        1
    );
    assert_eq!(world.balances().await["B70"], fen(20_000));
    world.check_invariants().await;
}

/// A booking day whose period is closed: it counts for the day of the command.
#[tokio::test]
async fn a_return_counts_for_an_open_day() {
    let (world, batch, file) = paid_and_brought(&[10_000]).await;
    world.close_year(2020, "2021-01-05").await;
    let id = batch.lines[0].end_to_end_id.as_str();
    let by = ("cashier", "2021-01-06", None);
    let returned = give_back(&world, by, &format!("{file}-3"), id)
        .await
        .unwrap();
    let mut conn = world.db.superuser().await;
    let day: chrono::NaiveDate =
        sqlx::query_scalar("SELECT effective FROM ledger.entry WHERE log_index = $1")
            .bind(returned.index.0)
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert_eq!(day.to_string(), "2021-01-06");
    world.check_invariants().await;
}

/// What a superuser might write, Postgres refuses by name.
#[tokio::test]
async fn postgres_refuses_what_the_bank_did_not_return() {
    let (world, _, _) = paid_and_brought(&[10_000]).await;
    let mut admin = world.db.superuser().await;
    for (statement, constraint) in [
        (
            "UPDATE ledger.payable SET state = 'approved' WHERE state = 'paid'",
            "payable_paid_until_returned",
        ),
        (
            "UPDATE ledger.payable SET state = 'sent' WHERE state = 'paid'",
            "payable_paid_until_returned",
        ),
        (
            "UPDATE ledger.payment_line SET state = 'returned' WHERE state = 'paid'",
            "payment_line_returned_by_the_bank",
        ),
        (
            "UPDATE ledger.payment_line SET returned_index = closed_index + 1 WHERE state = 'paid'",
            "payment_line_returned_by_the_bank",
        ),
    ] {
        refused(&mut admin, statement, constraint).await;
    }
}

async fn refused(conn: &mut PgConnection, statement: &'static str, constraint: &str) {
    let mut tx = conn.begin().await.unwrap();
    let done = sqlx::query(statement).execute(&mut *tx).await;
    let error = done.expect_err(statement);
    assert_eq!(db::violated_constraint(&error), Some(constraint), "{error}");
}
