//! One decision with its full trace, beside `zen-engine` deciding the same rule from JSON: the tech-SME rule
//! (国科发政〔2017〕115号) on the same made-up firms.
//!
//! ```text
//! benches/zen/run                 a thousand firms
//! benches/zen/run --firms 10000   another number
//! ```
//!
//! `tech-sme.json` has the rule as users of `zen-engine` draw it: tables for bands and conditions, expressions for
//! ratios and the verdict. `tech-sme-lean.json` has it in a single node of expressions, which is as quick as it gets, and
//! says less of why. Both are read and compiled before anything is timed. Both engines run on one thread of one process
//! with one allocator, in turns, and the figures are medians of its processor time.
//!
//! This is a package of its own since `zen-engine` brings a JavaScript engine and an HTTP client.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a benchmark stops where something is wrong, and prints its figures"
)]

mod facts;
#[path = "../../firms/mod.rs"]
mod firms;
mod ours;
mod zen;

use std::time::Duration;

use firms::Firm;
use ours::Ours;
use rustix::time::{ClockId, clock_gettime};
use zen::Zen;

const ROUNDS: usize = 15;

fn main() {
    let firms = Firm::first(firms_asked());
    let expected: Vec<bool> = firms.iter().map(Firm::qualifies).collect();
    let passed = expected.iter().filter(|passed| **passed).count();
    println!("{} firms, of which {passed} qualify", firms.len());
    let tables = Zen::new(include_str!("../tech-sme.json"), &firms);
    let lean = Zen::new(include_str!("../tech-sme-lean.json"), &firms);
    let ours = Ours::new(&firms);
    for (name, found) in [
        ("zen-engine with tables", Some(tables.outcomes())),
        ("zen-engine with expressions", Some(lean.outcomes())),
        ("ours", ours.as_ref().map(Ours::outcomes)),
    ] {
        agree(name, &expected, found);
    }
    let mut times = Times::default();
    for _ in 0..ROUNDS {
        times.tables.push(timed(|| tables.decide()));
        times.lean.push(timed(|| lean.decide()));
        times.tables_json.push(timed(|| tables.decide_json()));
        times.lean_json.push(timed(|| lean.decide_json()));
        if let Some(ours) = &ours {
            times.ours.push(timed(|| ours.decide()));
            times.ours_json.push(timed(|| ours.decide_json()));
        }
    }
    times.report(firms.len());
}

fn firms_asked() -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--firms");
    arguments
        .nth(1)
        .map_or(1_000, |number| number.parse().unwrap())
}

/// Stops where an engine finds something else than the rule in plain arithmetic: then its time means nothing.
fn agree(name: &str, expected: &[bool], found: Option<Vec<bool>>) {
    let Some(found) = found else {
        println!("{name}: no pack {} yet, so nothing to compare", ours::PACK);
        return;
    };
    let differing: Vec<u64> = (0..)
        .zip(expected.iter().zip(&found))
        .filter(|(_, (expected, found))| expected != found)
        .map(|(number, _)| number)
        .collect();
    if let Some(first) = differing.first() {
        panic!(
            "{name} decides {} firms differently, first {:?}",
            differing.len(),
            Firm::number(*first)
        );
    }
    println!("{name}: agrees on all");
}

/// What the work takes of a processor, which is what it takes at all where nobody else wants one: it never waits.
fn timed(work: impl FnOnce()) -> Duration {
    let used = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let before = used();
    work();
    used().checked_sub(before).unwrap()
}

/// What each round took.
#[derive(Default)]
struct Times {
    tables: Vec<Duration>,
    lean: Vec<Duration>,
    ours: Vec<Duration>,
    tables_json: Vec<Duration>,
    lean_json: Vec<Duration>,
    ours_json: Vec<Duration>,
}

impl Times {
    fn report(self, firms: usize) {
        let per_decision = |times| median(times).map(|time| time.as_secs_f64() / to_float(firms));
        let ours = per_decision(self.ours);
        let ours_json = per_decision(self.ours_json);
        for (name, ours, reference) in [
            ("decide_traced", ours, self.tables),
            ("decide_traced_lean", ours, self.lean),
            ("decide_json", ours_json, self.tables_json),
            ("decide_json_lean", ours_json, self.lean_json),
        ] {
            report(name, ours, per_decision(reference).unwrap());
        }
    }
}

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

fn to_float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

/// A line as every benchmark ends with, from seconds per decision. The ratio says how many times as fast ours is.
fn report(name: &str, ours: Option<f64>, reference: f64) {
    let micros = |seconds: f64| seconds * 1e6;
    match ours {
        Some(ours) => println!(
            "{name} ours={:.2} reference={:.2} ratio={:.1} unit=µs/decision",
            micros(ours),
            micros(reference),
            reference / ours
        ),
        None => println!("{name} reference={:.2} unit=µs/decision", micros(reference)),
    }
}
