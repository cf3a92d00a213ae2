//! Recoveries, from a proposal to the last fen: every step and every refusal, in a real Postgres.

pub(crate) mod commands;
mod play;
mod returned;

use subsidy_ledger::payment::{PayableState, PaymentError};
use subsidy_ledger::recovery::{self, OffsetRecovery};

use crate::claim::recuse;
use crate::kit::scenario::fen;
use crate::payment::{discard, hear, paid, prepare, release, send};

pub(crate) use self::play::Recoveries;

#[tokio::test]
async fn what_was_overpaid_comes_back_by_bank_lines_in_the_year_that_paid() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome | B30 B60 B70 B80 F1010 F1210 F5090
            2020-06-11 | reviewer | propose a i overpaid service_price=36000.00 | proposed 2000.00 paid=20000.00 rightful=18000.00 | 900000 30000 30000 0 970000 0 0
            2020-06-12 | manager  | order a    | ordered 2000.00 due_on=2020-07-12 | 900000 30000 30000 0 970000 2000 2000
            2020-06-13 | cashier  | receive a 4 | received 500.00 open=1500.00 returned_to=B30 | 900500 30000 29500 0 970500 1500 2000
            2020-06-13 | cashier  | receive a 3 | refused MORE_THAN_OPEN
            2020-06-13 | cashier  | receive a 4 | refused LINE_MATCHED
            2020-06-13 | cashier  | receive a 1 | refused LINE_MATCHED
            2020-06-13 | cashier  | receive a 99 | unknown line of a statement
            2020-06-13 | finance  | receive a 5 | forbidden
            2020-06-13 | cashier  | receive a 5 | received 300.00 open=1200.00 returned_to=B30 | 900800 30000 29200 0 970800 1200 2000",
        )
        .await;
    recoveries
        .take("S2", "2020-07-01", &[(1_200, "", ""), (-5, "", "")])
        .await;
    recoveries
        .check(
            "day       | who      | command    | outcome | B30 B60 B70 B80 F1010 F1210 F5090
            2020-07-02 | cashier  | receive a 2 | refused NO_RECEIPT
            2020-07-02 | cashier  | receive a 1 | received 1200.00 open=0.00 returned_to=B30 | 902000 30000 28000 0 972000 0 2000
            2020-07-02 | reviewer | propose b i overpaid service_price=36000.00 | refused NOTHING_TO_RECOVER
            2020-07-02 | reviewer | propose b i overpaid service_price=50000.00 | refused NOTHING_TO_RECOVER
            2020-07-02 | reviewer | propose b i misused whole | proposed 18000.00 paid=20000.00
            2020-07-02 | reviewer | propose c i misused whole | refused NOTHING_TO_RECOVER",
        )
        .await;
}

#[tokio::test]
async fn what_comes_back_in_a_later_year_is_returned() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | finance  | propose a h defrauded whole | proposed 10000.00 paid=10000.00
            2020-06-12 | manager  | order a 365 | ordered 10000.00 due_on=2021-06-12",
        )
        .await;
    recoveries
        .take("S2", "2020-12-31", &[(1_000, "", ""), (2_000, "", "")])
        .await;
    recoveries
        .check(
            "day       | who      | command    | outcome | B30 B70 B80
            2021-01-04 | cashier  | receive a 1 | received 1000.00 open=9000.00 returned_to=B30 | 901000 29000 0",
        )
        .await;
    recoveries.world.close_year(2020, "2021-01-05").await;
    recoveries
        .check(
            "day       | who      | command    | outcome | B30 B70 B80
            2021-01-06 | cashier  | receive a 2 | received 2000.00 open=7000.00 returned_to=B80 | 901000 27000 2000
            2021-01-06 | finance2 | offset a j 7000.00 | offset 7000.00 open=0.00 rest=23000.00 returned_to=B80 | 901000 27000 9000",
        )
        .await;
}

/// Every step that a state does not allow, and every person who may not take one.
#[tokio::test]
async fn what_is_not_at_its_step_is_refused() {
    let mut recoveries = Recoveries::new().await;
    recuse(&recoveries.world, "manager", "manager2", "p")
        .await
        .unwrap();
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | reviewer | propose a x misused whole | unknown payable
            2020-06-11 | cashier  | propose a h misused whole | forbidden
            2020-06-11 | p        | propose a h misused whole | forbidden
            2020-06-11 | manager2 | propose a h misused whole | refused RECUSED
            2020-06-11 | reviewer | propose a j misused whole | refused NOT_PAID
            2020-06-11 | reviewer | propose a h overpaid whole | facts: of what was overpaid a part is right: state the facts as they were
            2020-06-11 | manager  | order a    | unknown recovery
            2020-06-11 | manager  | propose a h misused whole | proposed 10000.00 paid=10000.00
            2020-06-11 | manager  | order a    | refused SEGREGATION
            2020-06-11 | finance  | order a    | refused SEGREGATION
            2020-06-11 | manager2 | order a    | refused RECUSED
            2020-06-11 | reviewer | order a    | forbidden
            2020-06-11 | finance2 | order a 0  | due days: name 1 to 3650
            2020-06-11 | finance2 | void a     | refused WRONG_STATE
            2020-06-11 | cashier  | receive a 3 | refused WRONG_STATE
            2020-06-11 | finance2 | offset a j | refused WRONG_STATE
            2020-06-11 | finance  | plan a 2@2020-07-31 | refused WRONG_STATE
            2020-06-11 | finance2 | write-off a | refused WRONG_STATE
            2020-06-11 | finance  | write-off a | refused SEGREGATION
            2020-06-11 | manager  | approve a  | refused STALE
            2020-06-11 | cashier  | reject a   | forbidden
            2020-06-11 | finance  | reject a   | refused SEGREGATION
            2020-06-11 | manager  | reject a   | rejected
            2020-06-11 | finance2 | order a    | refused WRONG_STATE
            2020-06-11 | manager  | reject a   | refused WRONG_STATE
            2020-06-11 | finance2 | void a     | refused WRONG_STATE
            2020-06-11 | reviewer | propose b h misused whole | proposed 10000.00 paid=10000.00
            2020-06-12 | finance2 | order b    | ordered 10000.00 due_on=2020-07-12
            2020-06-12 | manager  | order b    | refused WRONG_STATE
            2020-06-12 | manager  | reject b   | refused WRONG_STATE
            2020-06-12 | finance2 | void b     | refused SEGREGATION
            2020-06-12 | finance  | void b     | refused SEGREGATION
            2020-06-12 | manager2 | void b     | refused RECUSED
            2020-06-12 | manager  | void b     | voided 10000.00
            2020-06-12 | manager  | void b     | refused WRONG_STATE
            2020-06-12 | cashier  | receive b 3 | refused WRONG_STATE
            2020-06-12 | cashier  | offset b j | refused WRONG_STATE
            2020-06-12 | finance  | plan b 2@2020-07-31 | refused WRONG_STATE
            2020-06-12 | finance2 | write-off b | refused WRONG_STATE
            2020-06-12 | reviewer | propose c h misused whole | proposed 10000.00 paid=10000.00
            2020-06-12 | manager  | order c    | ordered 10000.00 due_on=2020-07-12
            2020-06-12 | cashier  | receive c 7 | received 10000.00 open=0.00 returned_to=B30
            2020-06-12 | finance2 | void c     | refused PARTLY_SETTLED
            2020-06-12 | cashier  | receive c 3 | refused WRONG_STATE
            2020-06-12 | cashier  | offset c j | refused WRONG_STATE
            2020-06-12 | finance  | plan c 2@2020-07-31 | refused WRONG_STATE
            2020-06-12 | finance2 | write-off c | refused WRONG_STATE
            2020-06-12 | reviewer | propose d i misused applicant_kind=carrier | proposed 20000.00 paid=20000.00 reasons=APPLICANT_IDENTITY rightful=0.00",
        )
        .await;
}

#[tokio::test]
async fn an_offset_pays_a_part_of_a_payable_and_the_bank_the_rest() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome | B30 B60 B70 F1010 F1210 F2010 F5090
            2020-06-11 | reviewer | propose a h ineligible whole | proposed 10000.00 paid=10000.00
            2020-06-12 | finance2 | order a    | ordered 10000.00 due_on=2020-07-12 | 900000 30000 30000 970000 10000 30000 10000
            2020-06-12 | reviewer | offset a j | forbidden
            2020-06-12 | finance  | offset a j | refused SEGREGATION
            2020-06-12 | finance2 | offset a j | refused SEGREGATION
            2020-06-12 | all      | offset a j | refused SEGREGATION
            2020-06-12 | cashier  | offset a x | unknown payable
            2020-06-12 | cashier  | offset a h | refused NOT_READY
            2020-06-12 | cashier  | offset a j 0.00 | amount: the amount must be more than zero
            2020-06-12 | cashier  | offset a j 10000.01 | refused MORE_THAN_OPEN
            2020-06-12 | cashier  | offset a j 30000.01 | refused MORE_THAN_OWED
            2020-06-12 | cashier  | offset a j 4000.00 | offset 4000.00 open=6000.00 rest=26000.00 returned_to=B30 | 904000 26000 30000 970000 6000 26000 10000",
        )
        .await;
    let world = &recoveries.world;
    // What is in a batch is not offset; what is given back is.
    let batch = prepare(world, "cashier", "2020-06-13").await.unwrap();
    assert_eq!(batch.total.minor(), fen(26_000));
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-13 | cashier2 | offset a j | refused NOT_READY",
        )
        .await;
    discard(&recoveries.world, "cashier", "2020-06-13", batch.id)
        .await
        .unwrap();
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-14 | cashier2 | offset a j 1000.00 | offset 1000.00 open=5000.00 rest=25000.00 returned_to=B30",
        )
        .await;
    let world = &recoveries.world;
    let batch = send(world, "cashier", "2020-06-15").await.unwrap();
    let rows = [paid(&batch, 0, "2020-06-16")];
    hear(world, "cashier", "2020-06-16", &rows).await.unwrap();
    world.check_invariants().await;
    let balances = world.balances().await;
    assert_eq!((balances["F2010"], balances["B60"]), (0, 0));
    assert_eq!(balances["B70"], fen(60_000 - 5_000));
    // People know what was offset by its short name.
    let owed = world.payables(PayableState::Paid).await;
    let j = recoveries.payable("j");
    let settled = recoveries.settlements("a").await;
    let number = owed.iter().find(|one| one.id == j).unwrap().owed_index;
    assert_eq!(
        settled.iter().map(|one| one.payable).collect::<Vec<_>>(),
        [Some((j, number)); 2]
    );
    // All of it was paid, by the bank and by the offset, and all of it can be asked back.
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-17 | reviewer | propose b j misused whole | proposed 30000.00 paid=30000.00",
        )
        .await;
}

#[tokio::test]
async fn a_payable_that_is_offset_as_a_whole_goes_to_no_bank() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome | B60 B70 F1210 F2010
            2020-06-11 | reviewer | propose a h defrauded whole | proposed 10000.00 paid=10000.00
            2020-06-11 | reviewer | propose b i defrauded whole | proposed 20000.00 paid=20000.00
            2020-06-12 | manager  | order a    | ordered 10000.00 due_on=2020-07-12
            2020-06-12 | manager  | order b    | ordered 20000.00 due_on=2020-07-12
            2020-06-12 | cashier  | offset a j | offset 10000.00 open=0.00 rest=20000.00 returned_to=B30 | 20000 30000 20000 20000
            2020-06-12 | cashier  | offset b j | offset 20000.00 open=0.00 rest=0.00 returned_to=B30 | 0 30000 0 0
            2020-06-12 | cashier  | offset b j | refused NOT_READY
            2020-06-13 | reviewer | propose c j misused whole | proposed 30000.00 paid=30000.00",
        )
        .await;
    let world = &recoveries.world;
    assert_eq!(world.payables(PayableState::Offset).await.len(), 1);
    let nothing = prepare(world, "cashier", "2020-06-13").await;
    assert!(matches!(nothing, Err(PaymentError::NothingReady(_))));
}

#[tokio::test]
async fn instalments_are_what_is_open_and_a_write_off_is_what_was_proposed() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome | B70 F1210 F5090
            2020-06-11 | reviewer | propose a h other whole | proposed 10000.00 paid=10000.00
            2020-06-12 | manager  | order a    | ordered 10000.00 due_on=2020-07-12
            2020-06-12 | manager  | plan a 3@2020-07-31 | forbidden
            2020-06-12 | finance  | plan a 3@2020-06-11 | due: 2020-06-11 is past: name today or a later day
            2020-06-12 | finance  | plan a 2020-07-31=9999.99 | due: the instalments add up to 9999.99, but 10000.00 is to be paid: correct an amount
            2020-06-12 | finance  | plan a 2020-08-31=5000.00 2020-07-31=5000.00 | due: the days of instalments come one after another: put them in order
            2020-06-12 | finance  | plan a 3@2020-07-31 | planned 10000.00 instalments=2020-07-31=3333.34,2020-08-31=3333.33,2020-09-30=3333.33
            2020-06-13 | cashier  | receive a 3 | received 2000.00 open=8000.00 returned_to=B30
            2020-06-13 | finance  | plan a 2020-07-31=3000.00 2020-12-31=5000.00 | planned 8000.00 instalments=2020-07-31=3000.00,2020-12-31=5000.00
            2020-06-14 | manager  | write-off a | forbidden
            2020-06-14 | finance2 | write-off a | proposed 8000.00
            2020-06-14 | finance2 | write-off a | refused WRONG_STATE
            2020-06-14 | finance2 | approve a  | forbidden
            2020-06-14 | manager  | approve a 1 | refused STALE
            2020-06-14 | cashier  | receive a 4 | received 500.00 open=7500.00 returned_to=B30
            2020-06-15 | manager  | approve a  | refused STALE
            2020-06-15 | manager  | deny a 1   | refused STALE
            2020-06-15 | manager  | deny a     | rejected
            2020-06-15 | manager  | deny a     | refused STALE
            2020-06-15 | all      | write-off a | proposed 7500.00
            2020-06-15 | all      | approve a  | refused SEGREGATION
            2020-06-15 | manager  | approve a  | written_off 7500.00 | 27500 0 2500
            2020-06-15 | manager  | approve a  | refused STALE
            2020-06-15 | cashier  | receive a 5 | refused WRONG_STATE",
        )
        .await;
}

/// Two offsets and the release of the batch that holds the payable: each order of them ends with the payable paid once.
#[tokio::test]
async fn offsets_and_a_batch_at_once_pay_a_payable_once() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | reviewer | propose a h defrauded whole | proposed 10000.00 paid=10000.00
            2020-06-11 | reviewer | propose b i defrauded whole | proposed 20000.00 paid=20000.00
            2020-06-12 | manager  | order a    | ordered 10000.00 due_on=2020-07-12
            2020-06-12 | manager  | order b    | ordered 20000.00 due_on=2020-07-12",
        )
        .await;
    let world = &recoveries.world;
    let offset = async |name: &str, who: &str| {
        let input = OffsetRecovery {
            amount: None,
            payable: recoveries.payable("j"),
            recovery: recoveries.recovery(name),
        };
        let caller = world.caller(who, "2020-06-13", None);
        let given = world.batch(vec![(caller, input)], |conn, requests| {
            Box::pin(recovery::offset(conn, requests))
        });
        let (_, answer) = given.await.unwrap().pop().unwrap().unwrap();
        answer["outcome"].as_str().unwrap().to_owned()
    };
    let (a, b, batch) = tokio::join!(
        offset("a", "cashier"),
        offset("b", "finance2"),
        prepare(world, "cashier2", "2020-06-13"),
    );
    world.check_invariants().await;
    // Whatever came first: the batch has what was left, or there was nothing left for it.
    let left = 30_000 - 10_000 * i64::from(a == "offset") - 20_000 * i64::from(b == "offset");
    match batch {
        Ok(batch) => {
            assert_eq!(batch.total.minor(), fen(left));
            let who = ("cashier", "2020-06-13");
            let (released, a, b) = tokio::join!(
                release(None, world, who, batch.id),
                offset("a", "cashier"),
                offset("b", "finance2"),
            );
            released.unwrap();
            assert_eq!((a.as_str(), b.as_str()), ("refused", "refused"));
        }
        Err(PaymentError::NothingReady(_)) => assert_eq!(left, 0),
        Err(other) => panic!("{other}"),
    }
    world.check_invariants().await;
}

/// Two proposals at once don't ask back more than was paid.
#[tokio::test]
async fn proposals_at_once_ask_back_what_was_paid_once() {
    let recoveries = Recoveries::new().await;
    let words = ["propose", "a", "h", "misused", "whole"];
    let (one, other) = tokio::join!(
        recoveries.give("2020-06-11", "reviewer", "one", &words),
        recoveries.give("2020-06-11", "manager", "two", &words),
    );
    let mut outcomes = [one, other].map(|given| {
        let (_, answer) = given.unwrap();
        answer["outcome"].as_str().unwrap().to_owned()
    });
    outcomes.sort();
    assert_eq!(outcomes, ["proposed", "refused"]);
    recoveries.world.check_invariants().await;
}
