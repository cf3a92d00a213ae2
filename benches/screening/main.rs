//! How fast many parties are screened by the tech-SME rule (国科发政〔2017〕115号), the evaluation alone, beside
//! `OpenFisca` doing the same with vectors of the same facts in memory.
//!
//! ```text
//! cargo bench --bench screening                     a million firms
//! cargo bench --bench screening -- --firms 100000   another number
//! ```
//!
//! Needs Python 3.11 or newer; `benches/openfisca/run` installs `OpenFisca` under `target/` the first time. Both must find
//! what the rule in plain arithmetic finds, for every firm. Seconds are those of processors, of all threads together: a busy
//! machine changes them little, and that we have two threads where `OpenFisca` has one does not flatter us.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a benchmark stops where something is wrong, and prints its figures"
)]

#[path = "../firms/mod.rs"]
mod firms;

mod columns;
mod ours;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use firms::Firm;

fn main() {
    let firms = Firm::first(firms_asked());
    let expected: Vec<u8> = firms.iter().map(|firm| firm.qualifies().into()).collect();
    let passed = firms.iter().filter(|firm| firm.qualifies()).count();
    println!("{} firms, of which {passed} qualify", firms.len());
    let folder = tempfile::tempdir().unwrap();
    let (reference, found) = openfisca(folder.path(), &firms);
    agree("OpenFisca", &expected, &found);
    let ours = ours::screen(&firms).map(|(seconds, found)| {
        agree("ours", &expected, &found);
        seconds
    });
    if ours.is_none() {
        println!("no pack {} yet, so nothing to compare", ours::PACK);
    }
    report("screening", ours, reference.seconds);
    report("screening_lean", ours, reference.lean_seconds);
}

fn firms_asked() -> u64 {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--firms");
    arguments
        .nth(1)
        .map_or(1_000_000, |number| number.parse().unwrap())
}

/// A line as every benchmark ends with. The ratio says how many times as fast ours is.
fn report(name: &str, ours: Option<f64>, reference: f64) {
    match ours {
        Some(ours) => println!(
            "{name} ours={ours:.4} reference={reference:.4} ratio={:.2} unit=s",
            reference / ours
        ),
        None => println!("{name} reference={reference:.4} unit=s"),
    }
}

/// Stops where the outcomes, one byte for each firm, are others than they must be: then the time means nothing.
fn agree(name: &str, expected: &[u8], found: &[u8]) {
    assert_eq!(found.len(), expected.len(), "{name} left firms out");
    let differs = |number: &usize| expected.get(*number) != found.get(*number);
    let differing: Vec<usize> = (0..expected.len()).filter(differs).collect();
    if let Some(first) = differing.first() {
        let firm = Firm::number(u64::try_from(*first).unwrap());
        panic!(
            "{name} decides {} firms differently, first {firm:?}",
            differing.len()
        );
    }
}

/// What `measure.py` prints: seconds of the best of its rounds.
#[derive(Deserialize)]
struct Measured {
    /// The rule as users of `OpenFisca` write it.
    seconds: f64,
    /// The same with sums of comparisons in place of scales.
    lean_seconds: f64,
}

/// Measures `OpenFisca`; also gives its outcomes, a byte for each firm.
fn openfisca(folder: &Path, firms: &[Firm]) -> (Measured, Vec<u8>) {
    let (facts, outcomes) = (folder.join("facts"), folder.join("outcomes"));
    columns::write(&facts, firms);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/openfisca/run");
    let output = Command::new(script)
        .arg("measure")
        .arg(&facts)
        .arg("--outcomes")
        .arg(&outcomes)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "OpenFisca did not run");
    let measured = serde_json::from_slice(&output.stdout).unwrap();
    (measured, fs::read(outcomes).unwrap())
}
