//! Commands of many clients in one transaction.
//!
//! One worker per zone takes whatever is waiting, so that a busy zone pays for one commit where it
//! would pay for hundreds, and an idle one waits for nobody. While a batch is with the database the next
//! one begins when it has half of the commands that there are at once. A command that is in the queue is
//! carried out whether or not its client is still there, and its answer is given after the commit.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Mutex;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

/// Why a command has no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Failure<E> {
    /// Too many are waiting: nothing was done.
    Full,
    /// The worker has stopped: nothing was done.
    Stopped,
    /// The database could not be reached: whether anything was recorded is not known.
    Outage,
    /// Carrying it out panicked.
    Panicked,
    /// It failed on its own.
    Failed(E),
}

/// How much one worker takes on.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Commands that may wait.
    pub queue: usize,
    /// Commands in one transaction at most.
    pub batch: usize,
    /// Transactions at the same time at most. More than two gain nothing where they wait for one lock.
    pub at_once: usize,
}

/// How commands are carried out: all in one transaction, one answer for each, in order; or an error,
/// and then nothing of any of them has happened.
pub struct Executor<C, A, E> {
    /// Carries out commands.
    pub run: Run<C, A, E>,
    /// Whether an error is nobody's fault, so that trying each command alone would fail as well.
    pub is_outage: fn(&E) -> bool,
}

/// Carries out a batch.
pub type Run<C, A, E> = Box<dyn Fn(Arc<Vec<C>>) -> Running<A, E> + Send + Sync>;
/// A batch that is being carried out.
pub type Running<A, E> = BoxFuture<'static, Result<Vec<A>, E>>;

struct Job<C, A, E> {
    command: C,
    reply: oneshot::Sender<Result<A, Failure<E>>>,
}

/// The entrance to a worker's queue.
pub struct Coalescer<C, A, E> {
    queue: mpsc::Sender<Job<C, A, E>>,
    stop: Arc<Notify>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl<C, A, E> Coalescer<C, A, E>
where
    C: Clone + Send + Sync + 'static,
    A: Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    /// Starts a worker. `name` labels its metrics.
    pub fn start(name: &'static str, size: Size, executor: Executor<C, A, E>) -> Self {
        let (queue, waiting) = mpsc::channel(size.queue);
        let stop = Arc::new(Notify::new());
        let worker = Worker {
            size,
            waiting,
            jobs: Vec::with_capacity(size.batch),
            stop: Arc::clone(&stop),
            runner: Arc::new(Runner { name, executor }),
            running: JoinSet::new(),
            in_flight: 0,
            busy: 0,
        };
        Self {
            queue,
            stop,
            worker: Mutex::new(Some(tokio::spawn(worker.work()))),
        }
    }

    /// Has a command carried out and waits for its answer. A caller that stops waiting does not
    /// cancel its command.
    pub async fn submit(&self, command: C) -> Result<A, Failure<E>> {
        let (reply, answer) = oneshot::channel();
        let job = Job { command, reply };
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Failure::Full,
            mpsc::error::TrySendError::Closed(_) => Failure::Stopped,
        })?;
        answer.await.unwrap_or(Err(Failure::Stopped))
    }

    /// Takes no more commands, and waits until those in the queue are carried out.
    pub async fn stop(&self) {
        self.stop.notify_one();
        let worker = self.worker.lock().ok().and_then(|mut worker| worker.take());
        if let Some(worker) = worker {
            worker.await.ok(); // it doesn't panic: what it runs is caught
        }
    }
}

/// Makes batches of jobs.
struct Worker<C, A, E> {
    size: Size,
    waiting: mpsc::Receiver<Job<C, A, E>>,
    /// The next batch, as far as it has come.
    jobs: Vec<Job<C, A, E>>,
    stop: Arc<Notify>,
    runner: Arc<Runner<C, A, E>>,
    /// Batches that have begun; each ends with the number of its commands.
    running: JoinSet<usize>,
    /// Commands in those.
    in_flight: usize,
    /// How many commands were waiting or in flight at once, lately.
    busy: usize,
}

impl<C, A, E> Worker<C, A, E>
where
    C: Clone + Send + Sync + 'static,
    A: Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    async fn work(mut self) {
        let mut is_open = true;
        while is_open || !self.jobs.is_empty() || !self.running.is_empty() {
            let room = self.size.batch.saturating_sub(self.jobs.len());
            tokio::select! {
                taken = self.waiting.recv_many(&mut self.jobs, room), if is_open && room > 0 => {
                    is_open = taken > 0;
                }
                Some(ended) = self.running.join_next() => {
                    // It doesn't panic: what it runs is caught.
                    self.in_flight = self.in_flight.saturating_sub(ended.unwrap_or_default());
                    self.busy -= self.busy / 8;
                }
                () = self.stop.notified() => self.waiting.close(),
            }
            self.busy = self.busy.max(self.jobs.len() + self.in_flight);
            if self.may_begin() {
                self.begin().await;
            }
        }
    }

    /// An idle zone waits for nobody. Beside a batch that is with the database, another waits until it has
    /// its share of the commands that a busy zone has at once: small ones would pay for a commit each, and
    /// wait for one another.
    fn may_begin(&self) -> bool {
        let share = self.busy.div_ceil(self.size.at_once.max(1));
        let is_large = self.jobs.len() >= share.min(self.size.batch);
        !self.jobs.is_empty()
            && (self.running.is_empty() || self.running.len() < self.size.at_once && is_large)
    }

    async fn begin(&mut self) {
        // The answers of the last batch have just woken its clients: those whose next command is on its
        // way get in, instead of waiting for a commit with one command.
        tokio::task::yield_now().await;
        while self.jobs.len() < self.size.batch
            && let Ok(job) = self.waiting.try_recv()
        {
            self.jobs.push(job);
        }
        let jobs = std::mem::replace(&mut self.jobs, Vec::with_capacity(self.size.batch));
        let commands = jobs.len();
        let name = self.runner.name;
        metrics::histogram!("coalescer_batch_size", "queue" => name).record(count(commands));
        metrics::gauge!("coalescer_waiting", "queue" => name).set(count(self.waiting.len()));
        self.in_flight += commands;
        let runner = Arc::clone(&self.runner);
        self.running.spawn(async move {
            runner.answer(jobs).await;
            commands
        });
    }
}

/// Carries batches out.
struct Runner<C, A, E> {
    name: &'static str,
    executor: Executor<C, A, E>,
}

impl<C, A, E> Runner<C, A, E>
where
    C: Clone + Send + Sync + 'static,
    A: Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    async fn answer(&self, jobs: Vec<Job<C, A, E>>) {
        let (commands, replies): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.command, job.reply)).unzip();
        let commands = Arc::new(commands);
        match self.run(Arc::clone(&commands)).await {
            Ok(answers) => {
                for (reply, answer) in replies.into_iter().zip(answers) {
                    reply.send(Ok(answer)).ok(); // the client may be gone
                }
            }
            Err(Failure::Outage) => {
                for reply in replies {
                    reply.send(Err(Failure::Outage)).ok();
                }
            }
            // One of them is to blame: alone, each gets its own answer.
            Err(_) => {
                for (command, reply) in commands.iter().zip(replies) {
                    let alone = self.run(Arc::new(vec![command.clone()])).await;
                    let answer = alone.map(|mut answers| answers.pop());
                    reply
                        .send(answer.and_then(|one| one.ok_or(Failure::Stopped)))
                        .ok();
                }
            }
        }
    }

    async fn run(&self, commands: Arc<Vec<C>>) -> Result<Vec<A>, Failure<E>> {
        let count = commands.len();
        let attempt = async { (self.executor.run)(commands).await };
        match AssertUnwindSafe(attempt).catch_unwind().await {
            Ok(Ok(answers)) => Ok(answers),
            Ok(Err(error)) if (self.executor.is_outage)(&error) => {
                tracing::error!(queue = self.name, commands = count, %error, "no database");
                Err(Failure::Outage)
            }
            Ok(Err(error)) => {
                tracing::info!(queue = self.name, commands = count, %error, "batch undone");
                Err(Failure::Failed(error))
            }
            Err(_) => {
                tracing::error!(queue = self.name, commands = count, "batch panicked");
                Err(Failure::Panicked)
            }
        }
    }
}

fn count(length: usize) -> f64 {
    u32::try_from(length).map_or(f64::INFINITY, f64::from)
}
