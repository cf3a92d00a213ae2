//! Rows of bank accounts, files, statements and their lines, compared with the log.

use super::attack::{Table, attack, attack_all};
use crate::kit::scenario::World;
use crate::payment::send;
use crate::payment_bank::{match_line, report, statement, statement_file, status, three_approved};
use crate::payment_returned::{give_back, paid_and_brought};
use subsidy_ledger::payment::{AccountFilter, MatchWith};
use subsidy_ledger::types::LogIndex;

const TABLES: &[Table] = &[
    Table {
        name: "bank_account",
        key: &["account_id"],
        named: "concat('account_id ', account_id)",
        forged: "00000000-0000-4000-8000-000000000000",
        rows: 6,
        unstated: &[],
    },
    Table {
        name: "bank_file",
        key: &["sha256"],
        named: "concat('sha256 ', encode(sha256, 'hex'))",
        forged: r"\x0000000000000000000000000000000000000000000000000000000000000000",
        rows: 2,
        unstated: &[],
    },
    Table {
        name: "bank_statement",
        key: &["file_index", "position"],
        named: "concat('statement ', file_index, ', position ', position)",
        forged: "9",
        rows: 1,
        unstated: &[],
    },
];

#[tokio::test]
async fn every_change_of_what_the_bank_said_is_found_and_named() {
    let (world, _) = three_approved().await;
    let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
    // An account that was superseded, and one that is only proposed.
    let party = Some(world.parties["p"]);
    let new = world
        .propose_account("finance", party, "6222021001117777")
        .await
        .unwrap();
    let confirmed = AccountFilter::Ids(vec![new.account]);
    world.confirm_accounts("finance2", confirmed).await.unwrap();
    world
        .propose_account("finance", party, "6222021001118888")
        .await
        .unwrap();
    status(&world, &report(&batch, &[(1, "RJCT")]))
        .await
        .unwrap();
    let id = |line: usize| batch.lines[line].end_to_end_id.clone();
    let lines = [
        (1_000_000, "", ""),
        (-10_000, &*id(0), ""),
        (-30_000, "", "6222021001100001"),
        (-5, "", ""),
    ];
    let file = statement_file("S1", "2020-05-08", 0, &lines);
    let taken = statement(&world, &file).await.unwrap();
    assert_eq!(taken.paid, 1);
    let named = |number: i32| format!("S{}-{number}", taken.file);
    let third = MatchWith::Instruction(id(2));
    match_line(&world, &named(3), third).await.unwrap();
    let appropriation = receipt(&world).await;
    match_line(&world, &named(1), MatchWith::Receipt(appropriation))
        .await
        .unwrap();
    attack_all(&world, TABLES).await;
    lines_are_compared_too(&world, taken.file).await;
}

/// What came back, owed again, and the line that brought it.
#[tokio::test]
async fn every_change_of_a_returned_payment_is_found_and_named() {
    let (world, batch, file) = paid_and_brought(&[10_000]).await;
    let by = ("cashier", "2020-05-21", None);
    let id = batch.lines[0].end_to_end_id.as_str();
    give_back(&world, by, &format!("{file}-3"), id)
        .await
        .unwrap();
    let nobody = "00000000-0000-4000-8000-000000000000";
    let line = Table {
        name: "payment_line",
        key: &["end_to_end_id"],
        named: "concat('end_to_end_id ', end_to_end_id)",
        forged: "P9-9",
        rows: 3,
        unstated: &[],
    };
    let payable = Table {
        name: "payable",
        key: &["payable_id"],
        named: "concat('payable_id ', payable_id)",
        forged: nobody,
        rows: 3,
        unstated: &[],
    };
    attack_all(&world, &[line, payable]).await;
    let mut conn = world.db.superuser().await;
    let sql = "UPDATE ledger.bank_line SET receipt_index = 0 WHERE number = 3";
    let finding = format!("ledger.bank_line, line {file}-3: receipt_index");
    attack(&world, &mut conn, "bank_line", sql, &finding).await;
}

/// As a whole by their digest, and each with the entry that says what it is.
async fn lines_are_compared_too(world: &World, file: LogIndex) {
    let named = |number: i32| format!("S{file}-{number}");
    let mut conn = world.db.superuser().await;
    let whole = format!("ledger.bank_line, statement {file}, position 1: ");
    for change in [
        "amount = amount + 1",
        "direction = 'credit'",
        "booked_on = booked_on + 1",
        "is_return = NOT is_return",
        "end_to_end_id = 'X'",
        "reference = 'X'",
        "number_mark = sha256('x')",
        "holder_mark = sha256('x')",
        "masked = 'X'",
        "code = 'X'",
    ] {
        let sql = format!("UPDATE ledger.bank_line SET {change} WHERE number = 2");
        attack(world, &mut conn, "bank_line", &sql, &whole).await;
    }
    for sql in [
        "UPDATE ledger.bank_line SET position = 2 WHERE number = 2",
        "DELETE FROM ledger.bank_line WHERE number = 4",
    ] {
        attack(
            world,
            &mut conn,
            "bank_line",
            sql,
            "ledger.bank_line, statement ",
        )
        .await;
    }
    for (number, change, column) in [
        (2, "instruction = 'X'", "instruction"),
        (1, "receipt_index = 0", "receipt_index"),
        (3, "matched_by = 'id'", "matched_by"),
        (3, "matched_index = 0", "matched_index"),
    ] {
        let sql = format!("UPDATE ledger.bank_line SET {change} WHERE number = {number}");
        let finding = format!("ledger.bank_line, line {}: {column}", named(number));
        attack(world, &mut conn, "bank_line", &sql, &finding).await;
    }
    let forged = "UPDATE ledger.bank_line SET instruction = 'X', matched_by = 'hand', matched_index = 0 WHERE number = 4";
    let finding = format!(
        "ledger.bank_line, line {}: the row is there, but none follows",
        named(4)
    );
    attack(world, &mut conn, "bank_line", forged, &finding).await;
}

/// The entry that appropriated.
async fn receipt(world: &World) -> LogIndex {
    let mut conn = world.db.superuser().await;
    let index =
        sqlx::query_scalar("SELECT log_index FROM ledger.entry WHERE kind = 'budget.appropriated'");
    LogIndex(index.fetch_one(&mut conn).await.unwrap())
}
