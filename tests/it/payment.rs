//! From a redemption to the bank's word, in a real Postgres.

use sqlx::PgConnection;
use subsidy_ledger::db;
use subsidy_ledger::journal::RecallError;
use subsidy_ledger::payment::ApprovalOutcome::{Approved, RefusedSegregation, RefusedState};
use subsidy_ledger::payment::{
    self, Approval, ApprovalOutcome, Batch, HeldBecause, NotByThisPerson, PayableFilter,
    PayableState, PaymentError, Release, STATEMENT_FIELDS, Selection, StatementReport,
};
use subsidy_ledger::tabular::{Format, Mapping, Table};
use subsidy_ledger::types::{BatchId, Currency, LogIndex, PayableId};

use crate::kit::scenario::{World, fen};
use crate::kit::table::Play;

const HEADER: &str = "end_to_end_id,amount,booked_on,status,bank_reference,reason";

/// Three redemptions of 10,000, 20,000 and 30,000 yuan on 2020-05-05.
pub(crate) async fn three_owed() -> (World, Vec<PayableId>) {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command    | outcome
        2020-05-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-02 | reviewer | review a   | recommended 100000.00
        2020-05-03 | manager  | issue a    | issued 100000.00 last_day=2020-12-31
        2020-05-04 | f        | hold h a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-04 | f        | hold i a p 40000.00 | held 20000.00 own_share=20000.00
        2020-05-04 | f        | hold j a p 60000.00 | held 30000.00 own_share=30000.00
        2020-05-05 | p        | redeem h 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00
        2020-05-05 | p        | redeem i 40000.00 | redeemed 20000.00 own_share=20000.00 payee=p returned=0.00
        2020-05-05 | all      | redeem j 60000.00 | redeemed 30000.00 own_share=30000.00 payee=p returned=0.00",
    )
    .await;
    let ids = ["h", "i", "j"].map(|name| PayableId(play.hold(name).0));
    (play.world, ids.to_vec())
}

pub(crate) async fn approve(
    world: &World,
    who: &str,
    filter: PayableFilter,
) -> Result<Vec<ApprovalOutcome>, PaymentError> {
    let approved = approve_under(None, world, who, filter).await?;
    Ok(approved
        .into_iter()
        .map(|approval| approval.outcome)
        .collect())
}

async fn approve_under(
    key: Option<&str>,
    world: &World,
    who: &str,
    filter: PayableFilter,
) -> Result<Vec<Approval>, PaymentError> {
    let caller = world.caller(who, "2020-05-06", key);
    let approved = world.one(
        caller,
        filter,
        |conn: &mut PgConnection, command, filter| {
            Box::pin(async move { payment::approve(conn, &command, filter).await })
        },
    );
    approved.await
}

pub(crate) async fn approve_all(world: &World) {
    let all = PayableFilter::State(PayableState::Owed, 100);
    approve(world, "finance", all).await.unwrap();
}

/// A batch that one cashier prepared.
pub(crate) async fn prepare(world: &World, who: &str, on: &str) -> Result<Batch, PaymentError> {
    prepare_under(None, world, who, on, &ALL).await
}

pub(crate) const ALL: Selection = Selection {
    limit: 100,
    line_limit: None,
    cut_off: None,
};

async fn prepare_under(
    key: Option<&str>,
    world: &World,
    who: &str,
    on: &str,
    selection: &Selection,
) -> Result<Batch, PaymentError> {
    let caller = world.caller(who, on, key);
    let prepared = world.one(
        caller,
        *selection,
        |conn: &mut PgConnection, command, selection| {
            Box::pin(async move { payment::prepare(conn, &command, selection).await })
        },
    );
    prepared.await
}

pub(crate) async fn release(
    key: Option<&str>,
    world: &World,
    (who, on): (&str, &str),
    batch: BatchId,
) -> Result<Release, PaymentError> {
    let caller = world.caller(who, on, key);
    let released = world.one(caller, batch, |conn: &mut PgConnection, command, batch| {
        Box::pin(async move { payment::release(conn, &command, *batch).await })
    });
    released.await
}

/// Gives the payables of a prepared batch back.
pub(crate) async fn discard(
    world: &World,
    who: &str,
    on: &str,
    batch: BatchId,
) -> Result<LogIndex, PaymentError> {
    let input = (batch, "wrong cut-off".parse().unwrap());
    let caller = world.caller(who, on, None);
    let discarded = world.one(caller, input, |conn: &mut PgConnection, command, input| {
        Box::pin(async move { payment::discard(conn, &command, (input.0, &input.1)).await })
    });
    discarded.await
}

/// Prepares a batch and has another cashier release it.
pub(crate) async fn send(world: &World, who: &str, on: &str) -> Result<Batch, PaymentError> {
    world.enter_accounts().await;
    let batch = prepare(world, who, on).await?;
    let other = if who == "cashier2" {
        "cashier"
    } else {
        "cashier2"
    };
    let released = release(None, world, (other, on), batch.id).await?;
    assert!(matches!(released, Release::Released(_)), "{released:?}");
    Ok(batch)
}

/// Imports a statement with these rows.
pub(crate) async fn hear(
    world: &World,
    who: &str,
    on: &str,
    rows: &[String],
) -> Result<StatementReport, PaymentError> {
    let file = format!("{HEADER}\n{}\n", rows.join("\n"));
    let mapping = Mapping::default();
    let table = Table::read(file.as_bytes(), Format::Csv, &mapping.read_options()).unwrap();
    let bound = mapping.bind(&table, STATEMENT_FIELDS).unwrap();
    let statement = payment::read_statement(file.as_bytes(), &bound, Currency::Cny)
        .map_err(PaymentError::Rows)?;
    let caller = world.caller(who, on, None);
    let heard = world.one(
        caller,
        statement,
        |conn: &mut PgConnection, command, statement| {
            Box::pin(async move { payment::import_statement(conn, &command, statement).await })
        },
    );
    heard.await
}

pub(crate) fn paid(batch: &Batch, line: usize, on: &str) -> String {
    let line = &batch.lines[line];
    let amount = line.amount.to_text(Currency::Cny);
    format!(
        "{},{amount},{on},paid,BANK-{},",
        line.end_to_end_id, line.end_to_end_id
    )
}

#[tokio::test]
async fn what_the_bank_rejects_goes_into_the_next_batch_and_paid_is_what_it_says() {
    let (world, _) = three_owed().await;
    approve_all(&world).await;
    world.check_invariants().await;
    let first = send(&world, "cashier", "2020-05-07").await.unwrap();
    assert_eq!((first.lines.len(), first.total.minor()), (3, fen(60_000)));
    assert_eq!(world.balances().await["F1020"], fen(60_000));
    world.check_invariants().await;

    let rejected = format!(
        "{},20000.00,2020-05-08,rejected,,AC04 account closed",
        first.lines[1].end_to_end_id
    );
    let rows = [
        paid(&first, 0, "2020-05-08"),
        rejected,
        paid(&first, 2, "2020-05-07"),
    ];
    let report = hear(&world, "cashier", "2020-05-09", &rows).await.unwrap();
    assert_eq!((report.paid, report.paid_total.minor()), (2, fen(40_000)));
    assert_eq!(
        (report.rejected, report.rejected_total.minor()),
        (1, fen(20_000))
    );
    let balances = world.balances().await;
    assert_eq!(
        (balances["B70"], balances["B60"]),
        (fen(40_000), fen(20_000))
    );
    assert_eq!((balances["F2010"], balances["F1020"]), (fen(20_000), 0));
    world.check_invariants().await;

    // The same file again, also on a later day, changes nothing and makes no entry.
    let (state, size) = (world.state().await, world.size().await);
    let again = hear(&world, "cashier2", "2020-05-10", &rows).await.unwrap();
    assert_eq!((again.known, again.paid, again.rejected), (3, 0, 0));
    assert_eq!((world.state().await, world.size().await), (state, size));

    // It needs no second approval, and has a new id in its next batch.
    let second = send(&world, "cashier2", "2020-05-11").await.unwrap();
    assert_eq!(second.lines.len(), 1);
    assert_ne!(second.lines[0].end_to_end_id, first.lines[1].end_to_end_id);
    hear(
        &world,
        "cashier2",
        "2020-05-12",
        &[paid(&second, 0, "2020-05-12")],
    )
    .await
    .unwrap();
    let balances = world.balances().await;
    assert_eq!(
        (balances["B70"], balances["B60"], balances["F2010"]),
        (fen(60_000), 0, 0)
    );
    assert_eq!(balances["F1010"], fen(1_000_000) - fen(60_000));
    world.check_invariants().await;
    let nothing = send(&world, "cashier", "2020-05-13").await;
    assert!(matches!(nothing, Err(PaymentError::NothingReady(_))));

    // The bank can't take back what it said of a line.
    let other = paid(&first, 1, "2020-05-08");
    let refused = hear(&world, "cashier", "2020-05-13", &[other]).await;
    assert!(matches!(refused, Err(PaymentError::Rows(_))));
}

#[tokio::test]
async fn a_statement_with_one_wrong_row_changes_nothing() {
    let (world, _) = three_owed().await;
    approve_all(&world).await;
    let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
    let (state, size) = (world.state().await, world.size().await);
    let good = paid(&batch, 0, "2020-05-08");
    let id = &batch.lines[1].end_to_end_id;
    for (row, why) in [
        (
            format!("{id},19999.99,2020-05-08,paid,R,"),
            "the instruction is over 20000.00",
        ),
        (format!("{id},20000.001,2020-05-08,paid,R,"), "amount"),
        (format!("{id},-20000.00,2020-05-08,paid,R,"), "amount"),
        (format!("{id},20000 EUR,2020-05-08,paid,R,"), "amount"),
        (format!("{id},2e4,2020-05-08,paid,R,"), "amount"),
        (
            format!("{id},20000.00,2020-05-10,paid,R,"),
            "is not between",
        ),
        (
            format!("{id},20000.00,2020-05-06,paid,R,"),
            "is not between",
        ),
        (format!("{id},20000.00,08/05/2020,paid,R,"), "booked_on"),
        (
            format!("{id},20000.00,2020-05-08,done,R,"),
            "write paid or rejected",
        ),
        (format!("{id},20000.00,2020-05-08,paid,,"), "bank_reference"),
        (format!("{id},20000.00,2020-05-08,rejected,R,"), "reason"),
        (
            "P999-1,20000.00,2020-05-08,paid,R,".to_owned(),
            "no batch has this instruction",
        ),
        (good.clone(), "stands in row 2 too"),
    ] {
        let refused = hear(
            &world,
            "cashier",
            "2020-05-09",
            &[good.clone(), row.clone()],
        )
        .await;
        let Err(PaymentError::Rows(errors)) = refused else {
            panic!("{row}: {refused:?}");
        };
        let text = errors.to_string();
        assert!(
            text.contains(why) && text.contains("row 3"),
            "{row}: {text}"
        );
    }
    assert_eq!((world.state().await, world.size().await), (state, size));
}

#[tokio::test]
async fn submitter_approver_and_payer_are_three_persons() {
    let (world, ids) = three_owed().await;
    // `all` redeemed the third: another person has to approve it.
    let filter = PayableFilter::Ids(ids.clone());
    let outcomes = approve(&world, "all", filter.clone()).await.unwrap();
    assert_eq!(outcomes, [Approved, Approved, RefusedSegregation]);
    assert_eq!(
        approve(&world, "finance", filter).await.unwrap(),
        [RefusedState, RefusedState, Approved]
    );
    // `all` approved two and submitted one: nothing is left for it to prepare.
    world.enter_accounts().await;
    let state = world.state().await;
    let nothing = prepare(&world, "all", "2020-05-07").await;
    let Err(PaymentError::NothingReady(held_out)) = nothing else {
        panic!("{nothing:?}");
    };
    assert_eq!(held_out, [(HeldBecause::OwnCase, 3)].into());
    assert_eq!(world.state().await, state);
    let batch = prepare(&world, "cashier", "2020-05-07").await.unwrap();
    assert_eq!(batch.lines.len(), 3);
    // Nor can it release them; whoever prepared them can't either. Both are told by an entry.
    for (who, why) in [
        ("all", NotByThisPerson::OwnCase),
        ("cashier", NotByThisPerson::Prepared),
    ] {
        let (state, size) = (world.state().await, world.size().await);
        let refused = release(None, &world, (who, "2020-05-07"), batch.id)
            .await
            .unwrap();
        let Release::Refused { because, .. } = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(because, why);
        assert_eq!((world.state().await, world.size().await), (state, size + 1));
    }
    release(None, &world, ("cashier2", "2020-05-07"), batch.id)
        .await
        .unwrap();
    world.check_invariants().await;

    // Past the commands Postgres refuses it.
    let all = world.people["all"].person.0;
    let third = ids[2].0;
    for (statement, constraint) in [
        (
            "UPDATE ledger.payable SET approved_by = submitted_by WHERE payable_id = $1 AND $2::uuid IS NOT NULL",
            "payable_approver_is_another",
        ),
        (
            "INSERT INTO ledger.payment_line (zone_id, end_to_end_id, batch_id, payable_id, amount,
                 submitted_by, approved_by, sent_by, state)
             SELECT zone_id, 'X', batch_id, payable_id, amount, submitted_by, approved_by, $2, state
             FROM ledger.payment_line WHERE payable_id = $1",
            "payment_line_four_eyes",
        ),
        (
            "INSERT INTO ledger.payment_line (zone_id, end_to_end_id, batch_id, payable_id, amount,
                 submitted_by, approved_by, sent_by, state)
             SELECT zone_id, 'X', batch_id, payable_id, amount, submitted_by, approved_by, sent_by, state
             FROM ledger.payment_line WHERE payable_id = $1 AND $2::uuid IS NOT NULL",
            "payment_line_one_open",
        ),
        (
            "UPDATE ledger.payment_line SET state = 'paid' WHERE payable_id = $1 AND $2::uuid IS NOT NULL",
            "payment_line_paid_by_the_bank",
        ),
    ] {
        let write = world.db.app().write(world.zone.id, (third, all), move |conn, (third, all)| {
            Box::pin(async move {
                sqlx::query(statement).bind(*third).bind(*all).execute(conn).await.map(drop)
            })
        });
        let refused = write.await.unwrap_err();
        assert_eq!(db::violated_constraint(&refused), Some(constraint), "{refused}");
    }
}

#[tokio::test]
async fn payments_need_their_roles_and_known_payables() {
    let (world, ids) = three_owed().await;
    let (state, size) = (world.state().await, world.size().await);
    let is_forbidden = |error: PaymentError| matches!(error, PaymentError::Forbidden(_));
    for who in ["clerk", "manager", "cashier", "auditor", "p"] {
        let refused = approve(&world, who, PayableFilter::Ids(ids.clone())).await;
        assert!(is_forbidden(refused.unwrap_err()), "{who}");
    }
    for who in ["finance", "manager", "auditor", "p"] {
        let refused = prepare(&world, who, "2020-05-07").await;
        assert!(is_forbidden(refused.unwrap_err()), "{who}");
        let refused = release(None, &world, (who, "2020-05-07"), BatchId::generate()).await;
        assert!(is_forbidden(refused.unwrap_err()), "{who}");
        let row = "P1-1,1.00,2020-05-07,paid,R,".to_owned();
        let heard = hear(&world, who, "2020-05-07", &[row]).await;
        assert!(is_forbidden(heard.unwrap_err()), "{who}");
    }
    let unknown = vec![ids[0], PayableId::generate()];
    let refused = approve(&world, "finance", PayableFilter::Ids(unknown)).await;
    assert!(matches!(refused, Err(PaymentError::Unknown(_))));
    assert_eq!((world.state().await, world.size().await), (state, size));
}

#[tokio::test]
async fn a_repeated_approval_has_the_first_answer() {
    let (world, ids) = three_owed().await;
    // `all` redeemed the third, which another person has to approve: that refusal is part of the answer.
    let filter = PayableFilter::Ids(ids.clone());
    let first = approve_under(Some("k"), &world, "all", filter.clone())
        .await
        .unwrap();
    let outcomes: Vec<_> = first.iter().map(|approval| approval.outcome).collect();
    assert_eq!(outcomes, [Approved, Approved, RefusedSegregation]);
    approve(&world, "finance", PayableFilter::Ids(vec![ids[2]]))
        .await
        .unwrap();

    let (state, size) = (world.state().await, world.size().await);
    let again = approve_under(Some("k"), &world, "all", filter.clone())
        .await
        .unwrap();
    assert_eq!(again, first);
    let other = PayableFilter::Ids(vec![ids[0]]);
    let conflict = approve_under(Some("k"), &world, "all", other).await;
    let Err(PaymentError::Recall(RecallError::KeyConflict(index))) = conflict else {
        panic!("{conflict:?}");
    };
    assert_eq!(index, first[0].index);
    assert_eq!((world.state().await, world.size().await), (state, size));
    // Another person has keys of their own.
    let others = approve_under(Some("k"), &world, "finance", filter)
        .await
        .unwrap();
    assert!(others.iter().all(|one| one.outcome == RefusedState));
    assert_eq!(world.size().await, size + 3);
}

#[tokio::test]
async fn a_repeated_batch_has_the_first_answer_whatever_became_of_it() {
    let (world, _) = three_owed().await;
    approve_all(&world).await;
    world.enter_accounts().await;
    let two = Selection { limit: 2, ..ALL };
    let prepare = async |on: &str, selection: &Selection| {
        prepare_under(Some("k"), &world, "cashier", on, selection).await
    };
    let first = prepare("2020-05-07", &two).await.unwrap();
    assert_eq!(first.lines.len(), 2);
    let release = async |on: &str| release(Some("r"), &world, ("cashier2", on), first.id).await;
    let released = release("2020-05-07").await.unwrap();
    let id = &first.lines[0].end_to_end_id;
    let rejected = format!("{id},10000.00,2020-05-08,rejected,,AC04 account closed");
    let rows = [rejected, paid(&first, 1, "2020-05-08")];
    hear(&world, "cashier", "2020-05-09", &rows).await.unwrap();
    send(&world, "cashier", "2020-05-10").await.unwrap();

    let (state, size) = (world.state().await, world.size().await);
    assert_eq!(prepare("2020-05-11", &two).await.unwrap(), first);
    assert_eq!(release("2020-05-11").await.unwrap(), released);
    let conflict = prepare("2020-05-11", &Selection { limit: 3, ..ALL }).await;
    let Err(PaymentError::Recall(RecallError::KeyConflict(index))) = conflict else {
        panic!("{conflict:?}");
    };
    assert_eq!(index, first.index);
    assert_eq!((world.state().await, world.size().await), (state, size));
    world.check_invariants().await;
}

#[tokio::test]
async fn what_a_cashier_may_not_send_does_not_use_up_the_limit() {
    let (world, ids) = three_owed().await;
    // Of `all` the oldest was approved and the newest submitted.
    let of = |ids: &[PayableId]| PayableFilter::Ids(ids.to_vec());
    approve(&world, "all", of(&ids[..1])).await.unwrap();
    approve(&world, "finance", of(&ids[1..])).await.unwrap();
    world.enter_accounts().await;
    let one = Selection { limit: 1, ..ALL };
    let batch = prepare_under(Some("k"), &world, "all", "2020-05-07", &one)
        .await
        .unwrap();
    let prepared: Vec<PayableId> = batch.lines.iter().map(|line| line.payable).collect();
    assert_eq!(prepared, [ids[1]]);
    let own = HeldBecause::OwnCase;
    assert_eq!(batch.held_out.oldest, [(ids[0], own), (ids[2], own)]);
    world.check_invariants().await;

    // The first answer tells of those held out, also once another cashier has sent them.
    let others = send(&world, "cashier", "2020-05-08").await.unwrap();
    assert_eq!((others.lines.len(), others.held_out.total()), (2, 0));
    let again = prepare_under(Some("k"), &world, "all", "2020-05-09", &one).await;
    assert_eq!(again.unwrap(), batch);
}

#[tokio::test]
async fn a_booking_of_the_bank_confirms_one_instruction() {
    let (world, _) = three_owed().await;
    approve_all(&world).await;
    let batch = send(&world, "cashier", "2020-05-07").await.unwrap();
    let paid_by = |line: usize, reference: &str| {
        let line = &batch.lines[line];
        let amount = line.amount.to_text(Currency::Cny);
        format!(
            "{},{amount},2020-05-08,paid,{reference},",
            line.end_to_end_id
        )
    };
    let refusal = async |rows: &[String]| {
        let refused = hear(&world, "cashier", "2020-05-09", rows).await;
        let Err(PaymentError::Rows(errors)) = refused else {
            panic!("{refused:?}");
        };
        errors.to_string()
    };

    let (state, size) = (world.state().await, world.size().await);
    let twice = refusal(&[paid_by(0, "R1"), paid_by(1, "R1")]).await;
    assert!(
        twice.contains("row 3, bank_reference \"R1\": stands in row 2 too; a booking confirms"),
        "{twice}"
    );
    assert_eq!((world.state().await, world.size().await), (state, size));

    hear(&world, "cashier", "2020-05-09", &[paid_by(0, "R1")])
        .await
        .unwrap();
    let (state, size) = (world.state().await, world.size().await);
    let earlier = refusal(&[paid_by(1, "R2"), paid_by(2, "R1")]).await;
    let id = &batch.lines[0].end_to_end_id;
    assert!(
        earlier.contains(&format!(
            "row 3, bank_reference \"R1\": an earlier statement confirmed {id}"
        )),
        "{earlier}"
    );
    assert_eq!((world.state().await, world.size().await), (state, size));

    // Past the commands Postgres refuses it.
    let second = batch.lines[1].end_to_end_id.clone();
    let write = world.db.app().write(world.zone.id, second, |conn, second| {
        Box::pin(async move {
            sqlx::query(
                "UPDATE ledger.payment_line SET state = 'paid', bank_reference = 'R1', closed_index = 1,
                     statement_sha256 = sha256('x') WHERE end_to_end_id = $1",
            )
            .bind(second)
            .execute(conn)
            .await
            .map(drop)
        })
    });
    let refused = write.await.unwrap_err();
    assert_eq!(
        db::violated_constraint(&refused),
        Some("payment_line_bank_reference_key")
    );
}
