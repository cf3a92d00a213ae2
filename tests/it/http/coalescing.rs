//! The coalescer, with batches that fail, hang or panic on purpose.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use subsidy_ledger::http::coalescer::{Coalescer, Executor, Failure, Size};
use tokio::sync::Semaphore;

const SIZE: Size = Size {
    queue: 64,
    batch: 16,
    at_once: 1,
};

/// Doubles numbers; 13 fails its batch, 99 panics, while `down` nothing can be reached.
struct Doubler {
    coalescer: Coalescer<u32, u32, String>,
    batches: Arc<Mutex<Vec<usize>>>,
    gate: Arc<Semaphore>,
    down: Arc<AtomicBool>,
}

impl Doubler {
    fn new(size: Size) -> Self {
        let batches = Arc::new(Mutex::new(Vec::new()));
        let gate = Arc::new(Semaphore::new(0));
        let down = Arc::new(AtomicBool::new(false));
        let (seen, passage, outage) = (Arc::clone(&batches), Arc::clone(&gate), Arc::clone(&down));
        let run = move |batch: Arc<Vec<u32>>| {
            let (seen, passage, outage) =
                (Arc::clone(&seen), Arc::clone(&passage), Arc::clone(&outage));
            async move {
                seen.lock().unwrap().push(batch.len());
                passage.acquire().await.unwrap().forget();
                assert!(!batch.contains(&99), "on purpose");
                if outage.load(Ordering::Relaxed) {
                    return Err("outage".to_owned());
                }
                if batch.contains(&13) {
                    return Err("13".to_owned());
                }
                Ok(batch.iter().map(|number| number * 2).collect())
            }
            .boxed()
        };
        let executor = Executor {
            run: Box::new(run),
            is_outage: |error| error == "outage",
        };
        Self {
            coalescer: Coalescer::start("test", size, executor),
            batches,
            gate,
            down,
        }
    }

    fn open(&self) {
        self.gate.add_permits(1_000);
    }

    fn batches(&self) -> Vec<usize> {
        self.batches.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn what_waits_goes_together_and_each_gets_its_own_answer() {
    let doubler = Doubler::new(SIZE);
    doubler.open();
    let answers = join_all((100..140).map(|number| doubler.coalescer.submit(number))).await;
    for (number, answer) in (100..).zip(answers) {
        assert_eq!(answer, Ok(number * 2));
    }
    let batches = doubler.batches();
    assert_eq!(batches.iter().sum::<usize>(), 40);
    assert!(
        batches.iter().all(|batch| *batch <= 16) && batches.len() < 10,
        "{batches:?}"
    );
}

#[tokio::test]
async fn one_bad_command_does_not_spoil_the_others() {
    let doubler = Doubler::new(SIZE);
    doubler.open();
    let answers = join_all([1, 13, 3, 99, 5].map(|number| doubler.coalescer.submit(number))).await;
    assert_eq!(answers[0], Ok(2));
    assert_eq!(answers[1], Err(Failure::Failed("13".to_owned())));
    assert_eq!(answers[2], Ok(6));
    assert_eq!(answers[3], Err(Failure::Panicked));
    assert_eq!(answers[4], Ok(10));
    assert_eq!(
        doubler.coalescer.submit(6).await,
        Ok(12),
        "the worker goes on"
    );
}

#[tokio::test]
async fn an_outage_is_not_tried_once_for_each() {
    let doubler = Doubler::new(SIZE);
    doubler.open();
    doubler.down.store(true, Ordering::Relaxed);
    let answers = join_all((0..5).map(|number| doubler.coalescer.submit(number))).await;
    assert!(
        answers.iter().all(|answer| *answer == Err(Failure::Outage)),
        "{answers:?}"
    );
    assert_eq!(doubler.batches(), [5]);
    doubler.down.store(false, Ordering::Relaxed);
    assert_eq!(doubler.coalescer.submit(1).await, Ok(2));
}

#[tokio::test]
async fn a_full_queue_says_so_at_once() {
    let doubler = Doubler::new(Size {
        queue: 1,
        batch: 1,
        at_once: 1,
    });
    let submit = async |number: u32| {
        tokio::time::sleep(Duration::from_millis(u64::from(number) * 20)).await;
        let answer = doubler.coalescer.submit(number).await;
        if number == 4 {
            doubler.open();
        }
        answer
    };
    // 1 is being carried out, 2 is the next batch, 3 is in the queue: there is no place for 4.
    let answers = tokio::join!(submit(1), submit(2), submit(3), submit(4));
    assert_eq!(answers, (Ok(2), Ok(4), Ok(6), Err(Failure::Full)));
}

#[tokio::test]
async fn a_second_batch_begins_when_it_has_half_of_what_is_there() {
    let doubler = Arc::new(Doubler::new(Size { at_once: 2, ..SIZE }));
    let mut clients = Vec::new();
    let mut send = async |count: u32| {
        for number in 0..count {
            let doubler = Arc::clone(&doubler);
            clients.push(tokio::spawn(async move {
                doubler.coalescer.submit(number).await.unwrap();
            }));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        doubler.batches()
    };
    assert_eq!(send(4).await, [4]);
    assert_eq!(send(3).await, [4], "three wait for a fourth");
    assert_eq!(send(1).await, [4, 4]);
    assert_eq!(send(9).await, [4, 4], "there are two already");
    doubler.open();
    join_all(clients).await;
    assert_eq!(doubler.batches(), [4, 4, 9]);
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_cancel_its_command() {
    let doubler = Doubler::new(SIZE);
    let gone = tokio::time::timeout(Duration::from_millis(20), doubler.coalescer.submit(7)).await;
    assert!(gone.is_err());
    doubler.open();
    doubler.coalescer.stop().await;
    assert_eq!(doubler.batches(), [1]);
}

#[tokio::test]
async fn a_stop_carries_out_what_waits_and_takes_no_more() {
    let doubler = Arc::new(Doubler::new(SIZE));
    let finished = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (100..130)
        .map(|number| {
            let (doubler, finished) = (Arc::clone(&doubler), Arc::clone(&finished));
            tokio::spawn(async move {
                let answer = doubler.coalescer.submit(number).await;
                finished.fetch_add(1, Ordering::Relaxed);
                answer
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(finished.load(Ordering::Relaxed), 0);
    doubler.open();
    doubler.coalescer.stop().await;
    assert_eq!(doubler.coalescer.submit(1).await, Err(Failure::Stopped));
    for (number, client) in (100..).zip(clients) {
        assert_eq!(client.await.unwrap(), Ok(number * 2));
    }
}
