//! Statements of the bank, line by line, in a real Postgres.

use subsidy_ledger::payment::{
    self, Batch, MatchWith, PaymentError, StatementsAnswer, WhyUnmatched,
};
use subsidy_ledger::types::{LogIndex, Money};

use crate::kit::scenario::{World, day, fen};
use crate::payment::{hear, paid, send, three_owed};
use crate::payment_bank::{
    Moved, OWN, match_line, reconcile, report, statement, statement_file, status, three_approved,
};

#[tokio::test]
async fn statements_pay_by_id_then_by_amount_and_party_and_the_rest_waits_for_a_person() {
    let (world, _) = three_approved().await;
    let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
    let id = |line: usize| batch.lines[line].end_to_end_id.as_str();
    // The payee's account, as `enter_accounts` numbers them: the third of f, g, p.
    let account = "6222021001100003";
    let lines: [Moved<'_>; 5] = [
        (1_000_000, "", ""),
        (-10_000, id(0), ""),
        (-20_000, "", account),
        // Another's account, over the third's amount.
        (-30_000, "", "6222021001100001"),
        (-5, "NOTPROVIDED", ""),
    ];
    let first = statement_file("S1", "2020-05-08", 0, &lines);
    let answer = statement(&world, &first).await.unwrap();
    assert_eq!((answer.paid, answer.paid_total.as_str()), (2, "30000.00"));
    assert_eq!((answer.unmatched_credits, answer.unmatched_debits), (1, 2));
    assert_eq!(answer.closing, "939995.00");
    let balances = world.balances().await;
    assert_eq!(
        (balances["F1020"], balances["F1010"]),
        (fen(30_000), fen(970_000))
    );
    let elsewhere = WhyUnmatched::Elsewhere(id(2).to_owned());
    assert_eq!(why_unmatched(&world).await, [elsewhere]);
    world.check_invariants().await;
    let found = reconcile(&world).await;
    assert!(found.agrees(), "{found:?}");
    // The appropriation stands on both sides, until somebody says so.
    assert_eq!(
        (found.book_only.len(), found.unmatched_credits),
        (1, (1, found.book_only[0].amount))
    );

    // The same bytes, and a copy of the statement in another file.
    let (state, size) = (world.state().await, world.size().await);
    assert_eq!(statement(&world, &first).await.unwrap(), answer);
    assert_eq!(
        statement(&world, &first.replace("<MsgId>B<", "<MsgId>COPY<"))
            .await
            .unwrap(),
        answer
    );
    assert_eq!((world.state().await, world.size().await), (state, size));

    a_person_says_what_the_rest_is(&world, &batch, &answer).await;
    // The answer of the file stays what it was.
    assert_eq!(statement(&world, &first).await.unwrap(), answer);
}

/// Where amounts agree.
async fn a_person_says_what_the_rest_is(world: &World, batch: &Batch, answer: &StatementsAnswer) {
    let id = |line: usize| batch.lines[line].end_to_end_id.as_str();
    let found = reconcile(world).await;
    let line = |number: i32| format!("S{}-{number}", answer.file);
    let instruction = |line: usize| MatchWith::Instruction(id(line).to_owned());
    let receipt = MatchWith::Receipt(found.book_only[0].index);
    for (number, with, why) in [
        (4, instruction(0), "is over 30000.00"),
        (5, instruction(2), "it is over 5.00"),
        (
            4,
            MatchWith::Instruction("P0-1".to_owned()),
            "no batch that was released has",
        ),
        (1, instruction(2), "money came with it"),
        (4, receipt.clone(), "money went with it"),
        (
            1,
            MatchWith::Receipt(LogIndex(0)),
            "no entry 0 moved money of the bank account",
        ),
        (2, instruction(2), "matched already"),
        (9, instruction(2), "no line S"),
    ] {
        let refused = match_line(world, &line(number), with)
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    match_line(world, &line(4), instruction(2)).await.unwrap();
    match_line(world, &line(1), receipt).await.unwrap();
    assert_eq!(world.balances().await["F1020"], 0);
    world.check_invariants().await;
    let found = reconcile(world).await;
    assert!(found.agrees(), "{found:?}");
    assert_eq!(
        (
            found.book_only.len(),
            found.unmatched_debits.0,
            found.unmatched_credits.0
        ),
        (0, 1, 0)
    );
}

#[tokio::test]
async fn two_that_fit_alike_are_left_to_a_person() {
    let (world, _) = three_approved().await;
    let first = send(&world, "cashier", "2020-05-07").await.unwrap();
    // The third is rejected and sent again, over the same amount to the same account, beside a twin that waits.
    status(&world, &report(&first, &[(2, "RJCT")]))
        .await
        .unwrap();
    let second = send(&world, "cashier", "2020-05-09").await.unwrap();
    let account = "6222021001100003";
    // Two bookings fit the one instruction over 30,000 that is in transit; an id that is ours is not second-guessed.
    let lines: [Moved<'_>; 4] = [
        (-30_000, "", account),
        (-30_000, "", account),
        (-20_000, first.lines[0].end_to_end_id.as_str(), account),
        (-30_000, first.lines[2].end_to_end_id.as_str(), account),
    ];
    let answer = statement(
        &world,
        &statement_file("S1", "2020-05-10", 2_000_000, &lines),
    )
    .await
    .unwrap();
    assert_eq!((answer.paid, answer.unmatched_debits), (0, 4));
    let (old, new) = (&first.lines, &second.lines[0].end_to_end_id);
    assert_eq!(
        why_unmatched(&world).await,
        [
            WhyUnmatched::NotThen(new.clone()),
            WhyUnmatched::NotThen(new.clone()),
            WhyUnmatched::OtherAmount(old[0].end_to_end_id.clone(), Money::from_minor(1_000_000)),
            WhyUnmatched::Rejected(old[2].end_to_end_id.clone()),
        ]
    );
    // What the bank had rejected is not paid by hand either.
    let line = format!("S{}-1", answer.file);
    let rejected = MatchWith::Instruction(first.lines[2].end_to_end_id.clone());
    let refused = match_line(&world, &line, rejected)
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("the bank rejected"), "{refused}");
    let right = MatchWith::Instruction(second.lines[0].end_to_end_id.clone());
    match_line(&world, &line, right.clone()).await.unwrap();
    let twice = match_line(&world, &format!("S{}-2", answer.file), right)
        .await
        .unwrap_err()
        .to_string();
    assert!(twice.contains(" already"), "{twice}");
    world.check_invariants().await;
    assert!(reconcile(&world).await.agrees());
}

/// A booking of before an instruction was sent is not that instruction's, whatever it names, and says so.
#[tokio::test]
async fn a_line_from_before_it_was_sent_says_so() {
    let (world, _) = three_approved().await;
    let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
    let ids = batch.lines.iter().map(|line| line.end_to_end_id.clone());
    let ids: Vec<String> = ids.collect();
    let early: [Moved<'_>; 4] = [
        (-10_000, &ids[0], ""),
        (-30_000, "", "6222021001100003"),
        (-12, "", "6222021001100003"),
        (-12, "X-7", ""),
    ];
    let file = statement_file("S1", "2020-05-06", 2_000_000, &early);
    assert_eq!(statement(&world, &file).await.unwrap().paid, 0);
    let sent_on = day("2020-05-07");
    assert_eq!(
        why_unmatched(&world).await,
        [
            WhyUnmatched::Early(ids[0].clone(), sent_on),
            WhyUnmatched::Early(ids[2].clone(), sent_on),
            WhyUnmatched::NotOurs("X-7".to_owned()),
        ]
    );
    // Lines that name what another line has carried out: one spends it again, the other brings it back.
    let again: [Moved<'_>; 3] = [
        (-10_000, &ids[0], ""),
        (-10_000, &ids[0], ""),
        (10_000, &ids[0], ""),
    ];
    let file = statement_file("S2", "2020-05-08", 1_959_976, &again);
    let answer = statement(&world, &file).await.unwrap();
    assert_eq!((answer.paid, answer.unmatched_debits), (1, 1));
    let first = format!("S{}-1", answer.file).parse().unwrap();
    let taken = WhyUnmatched::Taken(ids[0].clone(), first);
    let back = WhyUnmatched::Back(ids[0].clone(), Money::from_minor(1_000_000));
    assert_eq!(why_unmatched(&world).await[3..], [taken, back]);
}

/// Why the lines that wait do, oldest first; those without a reason are left out.
async fn why_unmatched(world: &World) -> Vec<WhyUnmatched> {
    let read = world
        .db
        .app()
        .read(world.zone.id, world.zone.id, |conn, zone| {
            Box::pin(async move {
                let lines = payment::unmatched_lines(conn, *zone, 100).await?;
                payment::why_unmatched(conn, *zone, &lines).await
            })
        });
    read.await.unwrap().into_values().collect()
}

#[tokio::test]
async fn what_a_table_said_before_is_known_and_not_paid_twice() {
    let (world, _) = three_approved().await;
    let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
    hear(
        &world,
        "cashier",
        "2020-05-09",
        &[paid(&batch, 0, "2020-05-08")],
    )
    .await
    .unwrap();
    let id = batch.lines[0].end_to_end_id.as_str();
    let file = statement_file(
        "S1",
        "2020-05-08",
        1_000_000,
        &[(-10_000, id, ""), (-10_000, id, "")],
    );
    let answer = statement(&world, &file).await.unwrap();
    assert_eq!(
        (answer.paid, answer.known, answer.unmatched_debits),
        (0, 1, 1)
    );
    assert_eq!(world.balances().await["F1010"], fen(990_000));
    world.check_invariants().await;
    assert!(reconcile(&world).await.agrees());
}

#[tokio::test]
async fn a_booking_of_a_statement_confirms_no_other_instruction_by_a_table() {
    let (world, _) = three_approved().await;
    let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
    let id = |line: usize| batch.lines[line].end_to_end_id.as_str();
    let file = statement_file("S1", "2020-05-08", 1_000_000, &[(-10_000, id(0), "")]);
    let file = file.replace("<EndToEndId>", "<AcctSvcrRef>R7</AcctSvcrRef><EndToEndId>");
    assert_eq!(statement(&world, &file).await.unwrap().paid, 1);
    let row = paid(&batch, 1, "2020-05-08").replace(&format!("BANK-{}", id(1)), "R7");
    let refused = hear(&world, "cashier", "2020-05-09", &[row]).await;
    let refused = refused.unwrap_err().to_string();
    let why = format!("an earlier statement confirmed {} by it", id(0));
    assert!(refused.contains(&why), "{refused}");
}

#[tokio::test]
async fn statements_follow_one_another_and_are_the_zone_s_own() {
    let (world, _) = three_owed().await;
    let good = statement_file("S1", "2020-05-08", 100, &[(-5, "", "")]);
    assert!(matches!(
        statement(&world, &good).await,
        Err(PaymentError::NoOwnAccount)
    ));
    world.propose_account("finance", None, OWN).await.unwrap();
    world.enter_accounts().await;
    statement(&world, &good).await.unwrap();
    let (state, size) = (world.state().await, world.size().await);
    for (bad, why) in [
        (
            statement_file("S3", "2020-05-10", 90, &[]),
            "begins with 90.00, but S1 ended with 95.00 on 2020-05-08",
        ),
        (
            statement_file("S0", "2020-05-07", 95, &[]),
            "take statements in by their order",
        ),
        (
            statement_file("S1", "2020-05-08", 100, &[(-6, "", "")]),
            "was taken in before in 2020 with other balances or lines",
        ),
        (
            statement_file("S2", "2020-05-21", 95, &[]),
            "has the day 2020-05-21, and today is 2020-05-20",
        ),
        (
            statement_file("S2", "2020-05-09", 95, &[]).replace(OWN, "6222021001112345"),
            "is of the account …2345, the zone's own is …1234",
        ),
    ] {
        let refused = statement(&world, &bad).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{why}: {refused}");
    }
    assert_eq!((world.state().await, world.size().await), (state, size));
    statement(&world, &statement_file("S2", "2020-05-09", 95, &[]))
        .await
        .unwrap();
    world.check_invariants().await;
}

/// A bank begins with number 1 every year. Within a year a number is one statement.
#[tokio::test]
async fn banks_number_their_statements_anew_each_year() {
    let (world, _) = three_owed().await;
    world.propose_account("finance", None, OWN).await.unwrap();
    world.enter_accounts().await;
    let last = statement_file("1", "2019-12-30", 100, &[(-5, "", "")]);
    let first = statement_file("1", "2020-01-03", 95, &[(-5, "", "")]);
    let old = statement(&world, &last).await.unwrap();
    let new = statement(&world, &first).await.unwrap();
    assert!(new.file > old.file);
    assert_eq!(
        statement(&world, &first.replace("<MsgId>B<", "<MsgId>COPY<"))
            .await
            .unwrap(),
        new
    );
    let again = statement_file("1", "2020-01-04", 90, &[]);
    let refused = statement(&world, &again).await.unwrap_err().to_string();
    let why = "statement 1 was taken in before in 2020 with other balances or lines";
    assert!(refused.contains(why), "{refused}");
    world.check_invariants().await;
}
