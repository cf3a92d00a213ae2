//! Gives commands one at a time and keeps how long each took, beside a hand-written transfer on the same server.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use rand::RngExt;
use rand::SeedableRng;
use rand::rngs::StdRng;
use sqlx::{ConnectOptions, Connection, PgConnection};
use subsidy_ledger::batch::{Answers, BatchError};
use subsidy_ledger::db::private::PrivatePostgres;
use subsidy_ledger::identity::{Caller, Command};

use crate::office::Office;
use crate::plans::Plans;
use crate::server::recreate_database;

const REFERENCE: &str = "bench_zone_reference";
/// Reference transfers before each kind of command.
const TRANSFERS: usize = 60;
/// Further ones of each kind, whose plans are written down.
const EXPLAINED: usize = 2;

/// What a figure is to stay under.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    /// A command: 20 ms for 99 of a hundred.
    Command,
    /// A report: 50 ms.
    Report,
    /// Nothing was promised.
    None,
}

impl Aim {
    const fn most(self) -> Option<Duration> {
        match self {
            Self::Command => Some(Duration::from_millis(20)),
            Self::Report => Some(Duration::from_millis(50)),
            Self::None => None,
        }
    }
}

struct Line {
    name: &'static str,
    aim: Aim,
    times: Vec<Duration>,
}

pub(crate) struct Bench {
    pub(crate) office: Office,
    each: usize,
    plans: Option<Plans>,
    reference: Reference,
    lines: Vec<Line>,
    /// One time each: what is not measured many times over.
    once: Vec<(&'static str, Duration, Duration)>,
}

impl Bench {
    pub(crate) async fn new(
        server: &PrivatePostgres,
        office: Office,
        plans: Option<Plans>,
        each: usize,
    ) -> Self {
        Self {
            office,
            each,
            plans,
            reference: Reference::new(server).await,
            lines: Vec::new(),
            once: Vec::new(),
        }
    }

    /// How many cases each kind of command needs.
    pub(crate) const fn wanted(&self) -> usize {
        match self.plans {
            Some(_) => self.each + EXPLAINED,
            None => self.each,
        }
    }

    /// Commands of cases, one at a time, each of which has to be recorded; their answers.
    pub(crate) async fn commands<I, A, F>(
        &mut self,
        name: &'static str,
        caller: &Caller,
        inputs: Vec<I>,
        run: F,
    ) -> Vec<A>
    where
        I: Clone + Send + Sync + 'static,
        A: Send + 'static,
        F: for<'c> Fn(
                &'c mut PgConnection,
                &'c [(Command<'c>, I)],
            ) -> BoxFuture<'c, Result<Answers<A>, BatchError>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        self.reference.transfer(TRANSFERS).await;
        let mut answers = Vec::with_capacity(inputs.len());
        let mut times = Vec::with_capacity(inputs.len());
        for (number, input) in inputs.into_iter().enumerate() {
            if number < self.each {
                let begun = Instant::now();
                answers.extend(self.office.batch(caller, vec![input], run).await);
                times.push(begun.elapsed());
            } else if let Some(plans) = &mut self.plans {
                plans.begin();
                let answer = plans.office.batch(caller, vec![input], run).await;
                answers.extend(answer);
                plans.end(name);
            }
        }
        self.keep(name, Aim::Command, times);
        answers
    }

    /// Other commands, one at a time; their answers.
    pub(crate) async fn calls<I, T, E, F>(
        &mut self,
        name: &'static str,
        caller: &Caller,
        inputs: Vec<I>,
        body: F,
    ) -> Vec<T>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: std::error::Error + From<sqlx::Error> + Send + 'static,
        F: for<'c> Fn(&'c mut PgConnection, Command<'c>, &'c I) -> BoxFuture<'c, Result<T, E>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        self.reference.transfer(TRANSFERS).await;
        let mut answers = Vec::with_capacity(inputs.len());
        let mut times = Vec::with_capacity(inputs.len());
        for (number, input) in inputs.into_iter().enumerate() {
            if number < self.each {
                let begun = Instant::now();
                let answer = self.office.one(caller.clone(), input, body).await;
                answers.push(answer.unwrap());
                times.push(begun.elapsed());
            } else if let Some(plans) = &mut self.plans {
                plans.begin();
                let answer = plans.office.one(caller.clone(), input, body).await;
                answers.push(answer.unwrap());
                plans.end(name);
            }
        }
        self.keep(name, Aim::Command, times);
        answers
    }

    /// A command that is given for its plans alone, if they are wanted.
    pub(crate) async fn explain<I, T, E, F>(
        &mut self,
        name: &'static str,
        caller: Caller,
        (input, body): (I, F),
    ) where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: std::error::Error + From<sqlx::Error> + Send + 'static,
        F: for<'c> Fn(&'c mut PgConnection, Command<'c>, &'c I) -> BoxFuture<'c, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        if let Some(plans) = &mut self.plans {
            plans.begin();
            plans.office.one(caller, input, body).await.unwrap();
            plans.end(name);
        }
    }

    /// A report, several times over; what it said last.
    pub(crate) async fn reads<I, T, E, F>(
        &mut self,
        (name, aim, times): (&'static str, Aim, usize),
        input: I,
        body: F,
    ) -> T
    where
        I: Clone + Send + Sync + 'static,
        T: Send + 'static,
        E: std::error::Error + From<sqlx::Error> + Send + 'static,
        F: for<'c> Fn(&'c mut PgConnection, &'c I) -> BoxFuture<'c, Result<T, E>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        self.reference.transfer(TRANSFERS).await;
        let zone = self.office.zone.id;
        let mut taken = Vec::with_capacity(times);
        let mut last = None;
        for _ in 0..times {
            let begun = Instant::now();
            let read = self.office.database.read(zone, input.clone(), body).await;
            last = Some(read.unwrap());
            taken.push(begun.elapsed());
        }
        if let Some(plans) = &mut self.plans {
            plans.begin();
            let read = plans.office.database.read(zone, input, body).await;
            read.unwrap();
            plans.end(name);
        }
        self.keep(name, aim, taken);
        last.unwrap()
    }

    /// What takes long enough to be measured once, beside what it may take.
    pub(crate) fn once(&mut self, name: &'static str, took: Duration, most: Duration) {
        println!("{name:24} {took:.2?}, aim {most:?}");
        self.once.push((name, took, most));
    }

    fn keep(&mut self, name: &'static str, aim: Aim, mut times: Vec<Duration>) {
        if times.is_empty() {
            return;
        }
        times.sort_unstable();
        let line = Line { name, aim, times };
        println!("{}", told(&line));
        self.lines.push(line);
    }

    /// The closing lines: the time that 99 of a hundred stay under, beside the same of the reference.
    pub(crate) fn report(self) {
        let reference = self.reference.times();
        let of = Line {
            name: "reference transfer",
            aim: Aim::None,
            times: reference.clone(),
        };
        println!("{}", told(&of));
        for line in &self.lines {
            let missed = line
                .aim
                .most()
                .is_some_and(|most| at(&line.times, 99) > most);
            if missed {
                println!("missed: {}", told(line));
            }
        }
        for (name, took, most) in &self.once {
            let (ours, most) = (took.as_millis(), most.as_millis());
            println!(
                "{name} ours={ours} reference={most} ratio={} unit=ms",
                ratio(ours, most)
            );
        }
        let plain = at(&reference, 99).as_micros();
        for line in &self.lines {
            let ours = at(&line.times, 99).as_micros();
            let ratio = ratio(ours, plain);
            println!(
                "{} ours={ours} reference={plain} ratio={ratio} unit=µs",
                line.name
            );
        }
        if let Some(plans) = self.plans {
            plans.write();
        }
    }
}

fn told(line: &Line) -> String {
    let [half, most, all] = [50, 99, 100].map(|percent| at(&line.times, percent));
    let count = line.times.len();
    format!(
        "{:24} p50 {:>7} µs  p99 {:>7} µs  max {:>7} µs  of {count}",
        line.name,
        half.as_micros(),
        most.as_micros(),
        all.as_micros()
    )
}

/// The shortest time that so many of a hundred don't exceed.
fn at(sorted: &[Duration], percent: usize) -> Duration {
    let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(place).copied().unwrap_or_default()
}

fn ratio(ours: u128, reference: u128) -> String {
    let hundredths = ours * 100 / reference.max(1);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The least that a hand-written ledger would do for a transfer: `benches/yardstick/transfer.sql`, one at a time.
struct Reference {
    conn: PgConnection,
    random: StdRng,
    times: Vec<Duration>,
}

impl Reference {
    async fn new(server: &PrivatePostgres) -> Self {
        recreate_database(server, REFERENCE).await;
        let options = server.superuser_options().database(REFERENCE);
        let mut conn = options.connect().await.unwrap();
        sqlx::raw_sql(include_str!("../yardstick/schema.sql"))
            .execute(&mut conn)
            .await
            .unwrap();
        let mut reference = Self {
            conn,
            random: StdRng::seed_from_u64(1),
            times: Vec::new(),
        };
        reference.transfer(TRANSFERS).await;
        reference.times.clear();
        reference
    }

    async fn transfer(&mut self, times: usize) {
        for _ in 0..times {
            let low = self.random.random_range(1..10_000_i64);
            let high = self.random.random_range(low + 1..=10_000);
            let amount = self.random.random_range(1..=1_000_i64);
            let begun = Instant::now();
            let mut tx = self.conn.begin().await.unwrap();
            let transfer: i64 = sqlx::query_scalar(
                "INSERT INTO transfers (idem, debit, credit, amount) VALUES (gen_random_uuid(), $1, $2, $3) RETURNING id",
            )
            .bind(low)
            .bind(high)
            .bind(amount)
            .fetch_one(&mut *tx)
            .await
            .unwrap();
            sqlx::query(
                "INSERT INTO postings (transfer_id, account_id, amount) VALUES ($1, $2, 0 - $4), ($1, $3, $4)",
            )
            .bind(transfer)
            .bind(low)
            .bind(high)
            .bind(amount)
            .execute(&mut *tx)
            .await
            .unwrap();
            for (account, by) in [(low, -amount), (high, amount)] {
                sqlx::query(
                    "UPDATE accounts SET balance = balance + $2, version = version + 1 WHERE id = $1",
                )
                .bind(account)
                .bind(by)
                .execute(&mut *tx)
                .await
                .unwrap();
            }
            tx.commit().await.unwrap();
            self.times.push(begun.elapsed());
        }
    }

    fn times(&self) -> Vec<Duration> {
        let mut times = self.times.clone();
        times.sort_unstable();
        times
    }
}
