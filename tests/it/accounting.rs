//! Reversing entries and closing periods: who may, what, and what a repeat answers.

use subsidy_ledger::accounting::{self, AccountingError, ClosePeriod, Reverse};
use subsidy_ledger::journal::{
    ClosePeriodError, RecallError, RecordError, Recorded, Refusal, ReverseError,
};
use subsidy_ledger::programme::{self, Allocate, Appropriate, ProgrammeError};
use subsidy_ledger::types::{FiscalYear, LogIndex, Period};

use crate::kit::scenario::{World, day, fen, yuan};
use crate::kit::table::Play;

const DAY: &str = "2020-02-03";

/// The entries of an appropriation of 1,000 yuan and the allocation of 600 of it.
async fn fund(world: &World) -> (LogIndex, LogIndex) {
    let year = FiscalYear(2020);
    let appropriate = Appropriate {
        amount: yuan(1_000),
        document: "budget".parse().unwrap(),
        year,
    };
    let allocate = Allocate {
        amount: yuan(600),
        programme: "SH-VOUCHER".parse().unwrap(),
        year,
    };
    let caller = world.caller("finance", DAY, None);
    let funded: Result<_, ProgrammeError> = world
        .one(
            caller,
            (appropriate, allocate),
            |conn, command, (first, second)| {
                Box::pin(async move {
                    let appropriated = programme::appropriate(conn, &command, first).await?;
                    let allocated = programme::allocate(conn, &command, second).await?;
                    Ok((appropriated.index, allocated.index))
                })
            },
        )
        .await;
    funded.unwrap()
}

async fn reverse(
    world: &World,
    who: &str,
    key: Option<&str>,
    index: LogIndex,
) -> Result<Recorded, AccountingError> {
    let input = Reverse {
        index,
        reason: "entered twice".parse().unwrap(),
    };
    let caller = world.caller(who, DAY, key);
    let reversed = world.one(caller, input, |conn, command, input| {
        Box::pin(async move { accounting::reverse(conn, &command, input).await })
    });
    reversed.await
}

async fn close(
    world: &World,
    who: &str,
    key: Option<&str>,
    (from, until): (&str, &str),
) -> Result<Recorded, AccountingError> {
    let input = ClosePeriod {
        period: Period::new(day(from), Some(day(until))).unwrap(),
        reason: "the month is over".parse().unwrap(),
    };
    let caller = world.caller(who, DAY, key);
    let closed = world.one(caller, input, |conn, command, input| {
        Box::pin(async move { accounting::close_period(conn, &command, input).await })
    });
    closed.await
}

fn refusal(error: AccountingError) -> Refusal {
    let AccountingError::Reverse(ReverseError::Record(RecordError::Refused(refusal))) = error
    else {
        panic!("{error:?}");
    };
    refusal
}

#[tokio::test]
async fn money_that_was_not_used_is_taken_back_once() {
    let world = World::new(&[]).await;
    let (appropriated, allocated) = fund(&world).await;
    let (state, size) = (world.state().await, world.size().await);
    for who in ["manager", "cashier", "auditor", "rules"] {
        let refused = reverse(&world, who, None, allocated).await;
        assert!(
            matches!(refused, Err(AccountingError::Forbidden(_))),
            "{who}: {refused:?}"
        );
    }
    // 600 of it are with the programme.
    let used = reverse(&world, "finance", None, appropriated).await;
    let used = refusal(used.unwrap_err());
    assert!(matches!(used, Refusal::Insufficient { .. }), "{used}");
    let unknown = reverse(&world, "finance", None, LogIndex(size)).await;
    assert!(matches!(
        unknown,
        Err(AccountingError::Reverse(ReverseError::Unknown(_)))
    ));
    assert_eq!((world.state().await, world.size().await), (state, size));

    let first = reverse(&world, "finance", Some("k"), allocated)
        .await
        .unwrap();
    assert_eq!(first.index, LogIndex(size));
    let balances = world.balances().await;
    assert_eq!((balances["B30"], balances["B20"]), (0, fen(1_000)));
    world.check_invariants().await;

    let again = reverse(&world, "finance", Some("k"), allocated).await;
    assert_eq!(again.unwrap(), first);
    let conflict = reverse(&world, "finance", Some("k"), appropriated).await;
    assert!(matches!(
        conflict,
        Err(AccountingError::Reverse(ReverseError::Recall(
            RecallError::KeyConflict(_)
        )))
    ));
    let twice = reverse(&world, "finance", None, allocated).await;
    assert_eq!(
        refusal(twice.unwrap_err()),
        Refusal::AlreadyReversed(allocated)
    );
    assert_eq!(world.size().await, size + 1);

    reverse(&world, "finance", None, appropriated)
        .await
        .unwrap();
    let balances = world.balances().await;
    assert_eq!((balances["B10"], balances["F1010"]), (0, 0));
    world.check_invariants().await;
}

#[tokio::test]
async fn an_entry_with_rows_beside_it_is_undone_by_its_own_command() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command    | outcome
        2020-02-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-02-02 | reviewer | review a   | recommended 100000.00
        2020-02-03 | manager  | issue a    | issued 100000.00 last_day=2020-12-31",
    )
    .await;
    let world = play.world;
    let (state, size) = (world.state().await, world.size().await);
    let issued = LogIndex(size - 1);
    let refused = reverse(&world, "finance", None, issued).await.unwrap_err();
    let text = format!(
        "entry {issued} is voucher.issued, which a reversing entry does not undo: `voucher cancel` takes \
         back what is free on the voucher"
    );
    assert_eq!(refused.to_string(), text);
    assert_eq!((world.state().await, world.size().await), (state, size));
}

#[tokio::test]
async fn a_period_is_closed_by_finance_when_it_is_over() {
    let world = World::new(&[]).await;
    let size = world.size().await;
    let january = ("2020-01-01", "2020-02-01");
    for who in ["manager", "cashier", "auditor", "rules"] {
        let refused = close(&world, who, None, january).await;
        assert!(
            matches!(refused, Err(AccountingError::Forbidden(_))),
            "{who}: {refused:?}"
        );
    }
    let early = close(&world, "finance", None, ("2020-02-01", "2020-03-01")).await;
    assert!(
        matches!(
            early,
            Err(AccountingError::Close(ClosePeriodError::NotOver(_)))
        ),
        "{early:?}"
    );
    assert_eq!(world.size().await, size);

    let first = close(&world, "finance", Some("k"), january).await.unwrap();
    let again = close(&world, "finance", Some("k"), january).await.unwrap();
    assert_eq!((again, first.index), (first, LogIndex(size)));
    let conflict = close(&world, "finance", Some("k"), ("2020-01-01", "2020-01-15")).await;
    assert!(
        matches!(
            conflict,
            Err(AccountingError::Close(ClosePeriodError::Recall(
                RecallError::KeyConflict(_)
            )))
        ),
        "{conflict:?}"
    );
    assert_eq!(world.size().await, size + 1);

    // An ordinary entry falls into it no more.
    let late = Appropriate {
        amount: yuan(1),
        document: "budget".parse().unwrap(),
        year: FiscalYear(2020),
    };
    let caller = world.caller("finance", "2020-01-31", None);
    let refused = world.one(caller, late, |conn, command, late| {
        Box::pin(async move { programme::appropriate(conn, &command, late).await })
    });
    let refused = refused.await.unwrap_err();
    assert!(
        matches!(
            refused,
            ProgrammeError::Record(RecordError::Refused(Refusal::PeriodClosed(_)))
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn a_closed_period_is_not_closed_again() {
    let world = World::new(&[]).await;
    let (january, all) = (("2020-01-01", "2020-02-01"), ("2019-12-01", "2020-02-01"));
    let first = close(&world, "finance", Some("k"), january).await.unwrap();
    let size = world.size().await;
    for (days, last) in [
        (january, "2020-01-31"),
        (("2020-01-10", "2020-01-12"), "2020-01-11"),
    ] {
        for key in [None, Some("other")] {
            let again = close(&world, "finance", key, days).await.unwrap_err();
            let said = format!(
                "the days from {} to {last} are closed already, by entry {}: nothing is left to close",
                days.0, first.index
            );
            assert_eq!(again.to_string(), said);
        }
    }
    assert_eq!(world.size().await, size);
    let repeat = close(&world, "finance", Some("k"), january).await;
    assert_eq!(repeat.unwrap(), first);

    // What is open of a longer period is closed with it; then nothing of it is left.
    let second = close(&world, "finance", None, all).await.unwrap();
    let again = close(&world, "finance", None, all).await.unwrap_err();
    let by = format!("by entries {}, {}: ", first.index, second.index);
    assert!(again.to_string().contains(&by), "{again}");
    assert_eq!(world.size().await, size + 1);
    world.check_invariants().await;
}

#[tokio::test]
async fn two_who_close_a_period_at_once_close_it_once() {
    let world = World::new(&[]).await;
    let size = world.size().await;
    let january = ("2020-01-01", "2020-02-01");
    let (one, other) = tokio::join!(
        close(&world, "finance", None, january),
        close(&world, "all", None, january)
    );
    assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
    assert_eq!(world.size().await, size + 1);
}
