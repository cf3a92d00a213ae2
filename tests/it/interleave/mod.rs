//! Random commands of many people, one after another and at the same moment, against a plain model of the ledger: every
//! answer, every balance and every state must be the model's.
//!
//! `PROPTEST_CASES=500 cargo test --test it interleave` plays longer. A failure prints everything that was asked and told.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a room has its commands, and passes the others on; an error that none expects says what it is"
)]

mod choose;
mod command;
mod compare;
mod model;
mod office;
mod play;
mod real;

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngSeed, TestCaseError, TestError, TestRunner,
};

use self::play::{Play, Step, Way};
use crate::kit::TestDb;

/// How many zones each test plays: few enough to be played at every change of the code.
const CASES: u32 = 12;

fn step(at_once: u32) -> impl Strategy<Value = Step> {
    prop_oneof![
        48 => choose::dice().prop_map(Step::Alone),
        2 * at_once => choose::group().prop_map(Step::AtOnce),
        4 => (1..4_u8).prop_map(Step::Days),
        2 => (20..120_u8).prop_map(Step::Days),
        3 => prop::sample::select(&Way::ALL[..]).prop_map(Step::Way),
    ]
}

fn config(seeds: &'static str) -> Config {
    let cases = std::env::var("PROPTEST_CASES").ok();
    // The same zones at every change of the code, so that what fails is the change's; who plays longer gets new ones.
    let rng_seed = match cases {
        None => RngSeed::Fixed(20_200_228),
        Some(_) => RngSeed::Random,
    };
    Config {
        rng_seed,
        cases: cases.map_or(CASES, |cases| cases.parse().unwrap()),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(seeds))),
        // A step takes milliseconds of Postgres: enough to get rid of most of them.
        max_shrink_iters: 150,
        ..Config::default()
    }
}

/// Plays all cases in one database, each in a zone of its own.
fn play(config: Config, steps: impl Strategy<Value = Vec<Step>>) {
    let plays = (choose::taste(), steps);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let db = Arc::new(runtime.block_on(TestDb::new()));
    let played = TestRunner::new(config).run(&plays, |(taste, steps)| {
        let played = runtime.block_on(async {
            let mut play = Play::new(&db, taste).await;
            for step in &steps {
                play.step(step).await?;
            }
            play.end().await
        });
        played.map_err(TestCaseError::fail)
    });
    match played {
        Ok(()) => {}
        // What was asked and told says more than the dice that it came from.
        Err(TestError::Fail(why, _)) => panic!("{why}"),
        Err(TestError::Abort(why)) => panic!("given up: {why}"),
    }
}

#[test]
fn commands_one_after_another_are_the_model() {
    let steps = prop::collection::vec(step(0), 40..110);
    play(config("tests/proptest-regressions/interleave.txt"), steps);
}

#[test]
fn commands_at_once_are_the_model_in_the_order_of_the_log() {
    let steps = prop::collection::vec(step(14), 30..80);
    play(
        config("tests/proptest-regressions/interleave_at_once.txt"),
        steps,
    );
}
