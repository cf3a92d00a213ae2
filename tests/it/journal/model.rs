//! The journal against a plain model of it: a list of entries, summed whenever a figure is wanted.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Duration, NaiveDate, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use subsidy_ledger::journal::{
    AccountCode, Address, AsOf, Books, ClosePeriodError, Effect, Entry, Idempotency, Recorded,
    Refusal, Side, Transfer, account_balance, balances, close_period, control_totals, statement,
    trial_balance,
};
use subsidy_ledger::types::{Currency, FiscalYear, ItemId, LogIndex, Money, PartyId, Period};

use super::{Office, day, noon, transfer};
use crate::kit::TestDb;

/// A handful of accounts of every book.
fn books() -> [Vec<Address>; 4] {
    use AccountCode::{
        B10, B20, B30, B40, F1010, F2010, F3010, F5010, M1010, M4010, M5010, Q10, Q20, Q30,
    };
    let plain = |code| Address::new(code, Currency::Cny).year(FiscalYear(2020));
    let programme = "SH-2020".parse().unwrap();
    let party = PartyId(uuid::Uuid::from_u128(1));
    let item = |number| ItemId(uuid::Uuid::from_u128(number));
    let of_programme = |code| plain(code).programme(&programme);
    [
        vec![
            plain(B10),
            plain(B20),
            of_programme(B30),
            of_programme(B40).item(item(1)),
            of_programme(B40).item(item(2)),
        ],
        vec![
            plain(F1010),
            plain(F3010),
            of_programme(F5010),
            plain(F2010).party(party),
        ],
        vec![
            plain(M1010).party(party),
            plain(M4010).party(party),
            plain(M5010),
        ],
        vec![plain(Q10), plain(Q20).party(party), plain(Q30).party(party)],
    ]
}

/// A command as random numbers choose it.
#[derive(Clone, Debug)]
enum Step {
    Record(Draft),
    Close { from: u8, days: u8 },
}

#[derive(Clone, Debug)]
struct Draft {
    day: u8,
    adjusting: bool,
    reversing: Option<i8>,
    key: Option<(u8, u8)>,
    transfers: Vec<(u8, u8, u8, i64)>,
}

fn draft() -> impl Strategy<Value = Draft> {
    let transfer = (0..4_u8, 0..8_u8, 0..8_u8, 1..60_i64);
    (
        0..30_u8,
        prop::bool::weighted(0.2),
        prop::option::weighted(0.2, -1..30_i8),
        prop::option::weighted(0.5, (0..5_u8, 0..2_u8)),
        prop::collection::vec(transfer, 0..5),
    )
        .prop_map(|(day, adjusting, reversing, key, transfers)| Draft {
            day,
            adjusting,
            reversing,
            key,
            transfers,
        })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => draft().prop_map(Step::Record),
        1 => (0..30_u8, 1..4_u8).prop_map(|(from, days)| Step::Close { from, days }),
    ]
}

fn first_day() -> NaiveDate {
    day("2020-01-01")
}

impl Draft {
    fn transfers(&self) -> Vec<Transfer> {
        let books = books();
        let pick = |(book, debit, credit, amount): &(u8, u8, u8, i64)| {
            let accounts = &books[usize::from(*book)];
            let debit = usize::from(*debit) % accounts.len();
            // Most often from the first to another, as value enters a book.
            let credit = usize::from(*credit) % accounts.len();
            let credit = if credit == debit {
                (debit + 1) % accounts.len()
            } else {
                credit
            };
            transfer(&accounts[debit], &accounts[credit], *amount)
        };
        self.transfers.iter().map(pick).collect()
    }

    fn entry(&self, office: &Office) -> Entry {
        let mut entry = office.entry(self.transfers());
        entry.effective = first_day() + Duration::days(i64::from(self.day));
        entry.effect = match self.reversing {
            Some(index) => Effect::Reversing(LogIndex(i64::from(index))),
            None if self.adjusting => Effect::Adjusting,
            None => Effect::Ordinary,
        };
        entry.idempotency = self
            .key
            .map(|(key, request)| Idempotency::new(format!("key {key}"), "test", &request));
        entry
    }
}

/// What the journal must be: nothing but what was recorded, in order.
#[derive(Default)]
struct Model {
    log: Vec<(DateTime<Utc>, Vec<Transfer>)>,
    keys: HashMap<String, ([u8; 32], LogIndex)>,
    closed: Vec<(NaiveDate, NaiveDate)>,
    reversed: HashSet<LogIndex>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Totals {
    debits: i64,
    credits: i64,
}

impl Totals {
    fn balance(self, code: AccountCode) -> i64 {
        match code.normal_side() {
            Side::Debit => self.debits - self.credits,
            Side::Credit => self.credits - self.debits,
        }
    }
}

fn totals<'a>(transfers: impl IntoIterator<Item = &'a Transfer>, account: &Address) -> Totals {
    let mut totals = Totals::default();
    for transfer in transfers {
        if transfer.debit() == account {
            totals.debits += transfer.amount().minor();
        }
        if transfer.credit() == account {
            totals.credits += transfer.amount().minor();
        }
    }
    totals
}

impl Model {
    fn next(&self) -> LogIndex {
        LogIndex(i64::try_from(self.log.len()).unwrap())
    }

    fn is_closed(&self, day: NaiveDate) -> bool {
        self.closed
            .iter()
            .any(|(from, until)| *from <= day && day < *until)
    }

    fn transfers(&self, size: usize) -> impl Iterator<Item = &Transfer> {
        self.log
            .iter()
            .take(size)
            .flat_map(|(_, transfers)| transfers)
    }

    fn record(&mut self, at: DateTime<Utc>, entry: &Entry) -> Result<LogIndex, Refusal> {
        if let Some(command) = &entry.idempotency
            && let Some((request, index)) = self.keys.get(&command.key)
        {
            return Err(if *request == command.request {
                Refusal::Repeated(*index)
            } else {
                Refusal::KeyConflict(*index)
            });
        }
        let day = entry.effective;
        if self.is_closed(day) && entry.effect != Effect::Adjusting {
            return Err(Refusal::PeriodClosed(day));
        }
        if let Effect::Reversing(index) = entry.effect {
            if index.0 < 0 || index >= self.next() {
                return Err(Refusal::NothingToReverse(index));
            }
            if self.reversed.contains(&index) {
                return Err(Refusal::AlreadyReversed(index));
            }
        }
        self.afford(&entry.transfers)?;
        let index = self.next();
        let at = self.log.last().map_or(at, |(last, _)| at.max(*last));
        self.log.push((at, entry.transfers.clone()));
        if let Some(command) = &entry.idempotency {
            self.keys
                .insert(command.key.clone(), (command.request, index));
        }
        if let Effect::Reversing(undone) = entry.effect {
            self.reversed.insert(undone);
        }
        Ok(index)
    }

    fn afford(&self, transfers: &[Transfer]) -> Result<(), Refusal> {
        for account in transfers
            .iter()
            .flat_map(|moved| [moved.debit(), moved.credit()])
        {
            let before = totals(self.transfers(usize::MAX), account).balance(account.code);
            let after =
                totals(self.transfers(usize::MAX).chain(transfers), account).balance(account.code);
            if account.code.is_guarded() && after < 0 {
                return Err(Refusal::Insufficient {
                    address: Box::new(account.clone()),
                    available: Money::from_minor(before),
                    short: Money::from_minor(-after),
                });
            }
        }
        Ok(())
    }
}

fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

/// The fold alone, many times: the same acceptances, and the same totals after each.
#[test]
fn the_fold_is_the_model() {
    let commands = prop::collection::vec(draft(), 1..60);
    TestRunner::new(config(500))
        .run(&commands, |drafts| {
            let (mut books_, mut model) = (Books::default(), Model::default());
            for draft in drafts {
                let transfers = draft.transfers();
                let expected = model.afford(&transfers);
                let posted = books_.apply(&transfers);
                prop_assert_eq!(posted.as_ref().map(|_| ()).map_err(Clone::clone), expected);
                if posted.is_ok() {
                    model.log.push((noon(), transfers));
                }
                for account in books_.accounts() {
                    let kept = (
                        account.totals.debits.minor(),
                        account.totals.credits.minor(),
                    );
                    let summed = totals(model.transfers(usize::MAX), &account.address);
                    prop_assert_eq!(kept, (summed.debits, summed.credits));
                }
            }
            Ok(())
        })
        .unwrap();
}

/// Steps in batches: how many to a batch, and by how many seconds the clock moves before each.
type Run = (Vec<Step>, Vec<(usize, i64)>);

#[test]
fn record_is_the_model() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let db = runtime.block_on(TestDb::new());
    let runs = (
        prop::collection::vec(step(), 1..45),
        prop::collection::vec((1..9_usize, -3..6_i64), 1..9),
    );
    let count = std::cell::Cell::new(0);
    TestRunner::new(config(30))
        .run(&runs, |run| {
            count.set(count.get() + 1);
            let code = format!("MODEL-{}", count.get());
            runtime.block_on(async {
                let office = Office::new(db.app(), &code).await;
                let model = play(&office, run).await;
                compare(&office, &model).await;
            });
            Ok(())
        })
        .unwrap();
}

/// Gives the same commands to both, and compares each answer.
async fn play(office: &Office, (steps, batches): Run) -> Model {
    let mut model = Model::default();
    model.log.push((noon(), Vec::new())); // the zone was founded
    let mut now = noon();
    let mut batches = batches.into_iter().cycle();
    let mut steps = steps.into_iter().peekable();
    while steps.peek().is_some() {
        let (size, seconds) = batches.next().unwrap();
        now += Duration::seconds(seconds);
        let mut drafts = Vec::new();
        while drafts.len() < size
            && let Some(Step::Record(draft)) = steps.next_if(|step| matches!(step, Step::Record(_)))
        {
            drafts.push(draft.entry(office));
        }
        let outcomes = office.record(now, drafts.clone()).await.unwrap();
        assert_eq!(outcomes.len(), drafts.len());
        for (entry, outcome) in drafts.iter().zip(outcomes) {
            let expected = model.record(now, entry);
            assert_eq!(
                outcome.clone().map(|recorded| recorded.index),
                expected,
                "{entry:?}"
            );
            if let Ok(recorded) = outcome {
                assert_eq!(recorded.at, model.log.last().unwrap().0);
            }
        }
        if let Some(Step::Close { from, days }) =
            steps.next_if(|step| matches!(step, Step::Close { .. }))
        {
            let from = first_day() + Duration::days(i64::from(from));
            let until = from + Duration::days(i64::from(days));
            let closed = close(office, now, Period::new(from, Some(until)).unwrap()).await;
            if from
                .iter_days()
                .take_while(|day| *day < until)
                .all(|day| model.is_closed(day))
            {
                assert!(
                    matches!(closed, Err(ClosePeriodError::AlreadyClosed { .. })),
                    "{closed:?}"
                );
                continue;
            }
            closed.unwrap();
            model.closed.push((from, until));
            let at = model.log.last().unwrap().0.max(now);
            model.log.push((at, Vec::new()));
        }
    }
    model
}

async fn close(
    office: &Office,
    now: DateTime<Utc>,
    period: Period,
) -> Result<Recorded, ClosePeriodError> {
    let input = (office.zone.clone(), office.actor, period);
    office
        .app
        .write(office.zone.id, input, move |tx, (zone, actor, period)| {
            Box::pin(async move {
                let reason = "the month is over".parse().expect("BUG: it is a reason");
                close_period(tx, zone, now, *actor, *period, &reason, None).await
            })
        })
        .await
}

/// Every figure that can be read.
async fn compare(office: &Office, model: &Model) {
    let zone = office.zone.id;
    let mut tx = office.reader().await;
    let accounts: Vec<Address> = books().into_iter().flatten().collect();
    let size = model.log.len();

    let now = balances(&mut tx, zone, &accounts).await.unwrap();
    for (account, now) in accounts.iter().zip(now) {
        let expected = totals(model.transfers(size), account);
        assert_eq!(now.minor(), expected.balance(account.code), "{account}");
        for covered in 0..=size {
            let as_of = AsOf::Size(i64::try_from(covered).unwrap());
            let read = account_balance(&mut tx, zone, account, as_of)
                .await
                .unwrap();
            let expected = totals(model.transfers(covered), account);
            assert_eq!(
                (read.debits.minor(), read.credits.minor()),
                (expected.debits, expected.credits)
            );
            assert_eq!(read.balance.minor(), expected.balance(account.code));
        }
        compare_statement(&mut tx, office, model, account).await;
    }
    let instants: HashSet<DateTime<Utc>> = model.log.iter().map(|(at, _)| *at).collect();
    for instant in instants {
        let covered = model.log.iter().filter(|(at, _)| *at <= instant).count();
        let account = &accounts[1];
        let as_of = AsOf::Recorded(instant);
        let read = account_balance(&mut tx, zone, account, as_of)
            .await
            .unwrap();
        assert_eq!(read.size, i64::try_from(covered).unwrap());
        assert_eq!(
            read.balance.minor(),
            totals(model.transfers(covered), account).balance(account.code)
        );
    }
    compare_totals(&mut tx, office, model, &accounts).await;
}

/// A posting as a statement shows it: index, position, debit, credit, balance after.
type Line = (i64, i16, Option<i64>, Option<i64>, i64);

async fn compare_statement(
    conn: &mut sqlx::PgConnection,
    office: &Office,
    model: &Model,
    account: &Address,
) {
    let mut expected: Vec<Line> = Vec::new();
    let mut running = Totals::default();
    for (index, (_, transfers)) in (0..).zip(&model.log) {
        for (position, moved) in (0..).zip(transfers) {
            let amount = moved.amount().minor();
            let debit = (moved.debit() == account).then_some(amount);
            let credit = (moved.credit() == account).then_some(amount);
            if debit.or(credit).is_some() {
                running.debits += debit.unwrap_or(0);
                running.credits += credit.unwrap_or(0);
                expected.push((
                    index,
                    position,
                    debit,
                    credit,
                    running.balance(account.code),
                ));
            }
        }
    }
    for limit in [1, 3, 1_000] {
        let mut lines: Vec<Line> = Vec::new();
        let mut from = Some(LogIndex(0));
        while let Some(begin) = from {
            let page = statement(conn, office.zone.id, account, begin, limit)
                .await
                .unwrap();
            assert_eq!(page.opening.minor(), lines.last().map_or(0, |line| line.4));
            assert!(page.next.is_none() || !page.lines.is_empty());
            lines.extend(page.lines.iter().map(|line| {
                let minor = |money: Option<Money>| money.map(Money::minor);
                (
                    line.index.0,
                    line.position,
                    minor(line.debit),
                    minor(line.credit),
                    line.balance.minor(),
                )
            }));
            from = page.next;
        }
        assert_eq!(lines, expected, "{account}, {limit} a page");
    }
}

async fn compare_totals(
    conn: &mut sqlx::PgConnection,
    office: &Office,
    model: &Model,
    accounts: &[Address],
) {
    let mut by_code: BTreeMap<AccountCode, Totals> = BTreeMap::new();
    let mut by_group: BTreeMap<(AccountCode, String, i16), Totals> = BTreeMap::new();
    for account in accounts {
        let own = totals(model.transfers(usize::MAX), account);
        if own == Totals::default() {
            continue;
        }
        let programme = account
            .programme
            .clone()
            .map_or_else(String::new, String::from);
        let year = account.year.map_or(0, |year| year.0);
        for sum in [
            by_code.entry(account.code).or_default(),
            by_group.entry((account.code, programme, year)).or_default(),
        ] {
            sum.debits += own.debits;
            sum.credits += own.credits;
        }
    }
    let lines = trial_balance(conn, office.zone.id).await.unwrap();
    let read: BTreeMap<_, _> = lines
        .iter()
        .map(|line| {
            (
                line.code,
                Totals {
                    debits: line.debits.minor(),
                    credits: line.credits.minor(),
                },
            )
        })
        .collect();
    assert_eq!((read, lines.len()), (by_code.clone(), by_code.len()));
    let groups: BTreeMap<_, _> = control_totals(conn, office.zone.id)
        .await
        .unwrap()
        .into_iter()
        .map(|total| {
            let sums = Totals {
                debits: total.totals.debits.minor(),
                credits: total.totals.credits.minor(),
            };
            ((total.code, total.programme, total.year), sums)
        })
        .collect();
    assert_eq!(groups, by_group);
    for book in subsidy_ledger::journal::Book::ALL {
        let of_book = lines.iter().filter(|line| line.book == book);
        let (debits, credits) = of_book.fold((0, 0), |(debits, credits), line| {
            (debits + line.debits.minor(), credits + line.credits.minor())
        });
        assert_eq!(debits, credits, "{book:?}");
    }
}
