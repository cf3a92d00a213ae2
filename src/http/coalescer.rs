//! Commands of many clients in one transaction.
//!
//! One worker per zone takes whatever is waiting, so that a busy zone pays for one commit where it
//! would pay for hundreds, and an idle one waits for nobody. A command that is in the queue is
//! carried out whether or not its client is still there, and its answer is given after the commit.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Mutex;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

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
            name,
            most: size.batch,
            waiting,
            stop: Arc::clone(&stop),
            executor,
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

struct Worker<C, A, E> {
    name: &'static str,
    most: usize,
    waiting: mpsc::Receiver<Job<C, A, E>>,
    stop: Arc<Notify>,
    executor: Executor<C, A, E>,
}

impl<C, A, E> Worker<C, A, E>
where
    C: Clone + Send + Sync + 'static,
    A: Send + 'static,
    E: std::fmt::Display + Send + 'static,
{
    async fn work(mut self) {
        let batch_size = metrics::histogram!("coalescer_batch_size", "queue" => self.name);
        let waiting = metrics::gauge!("coalescer_waiting", "queue" => self.name);
        let mut jobs = Vec::with_capacity(self.most);
        loop {
            let taken = tokio::select! {
                taken = self.waiting.recv_many(&mut jobs, self.most) => taken,
                () = self.stop.notified() => {
                    self.waiting.close();
                    continue;
                }
            };
            if taken == 0 {
                return;
            }
            // The answers of the last batch have just woken its clients: those whose next command is
            // on its way get in, instead of waiting for a commit with one command.
            tokio::task::yield_now().await;
            while jobs.len() < self.most
                && let Ok(job) = self.waiting.try_recv()
            {
                jobs.push(job);
            }
            batch_size.record(count(jobs.len()));
            waiting.set(count(self.waiting.len()));
            self.answer(jobs.drain(..)).await;
        }
    }

    async fn answer(&self, jobs: impl Iterator<Item = Job<C, A, E>>) {
        let (commands, replies): (Vec<_>, Vec<_>) =
            jobs.map(|job| (job.command, job.reply)).unzip();
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
