//! Our side: the ledger's own pack of the rule.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use subsidy_ledger::policy::{Facts, Moment, Outcome, Policy, Usage, decide};

use crate::firms::{Firm, decision_day};

/// Where the pack is, from the root of the project.
pub(crate) const PACK: &str = "assets/policies/tech-sme-2017.toml";

/// PLACEHOLDER: becomes `Moment::Recognition`, when packs can have that moment.
const MOMENT: Moment = Moment::Grant;

/// So many firms' facts are in memory at a time.
const CHUNK: usize = 10_000;

/// Seconds of the evaluation alone, and one byte for each firm: 1 if it passes, 0 if not, 2 if that is left open.
/// `None` while there is no such pack.
///
/// PLACEHOLDER: decides on one firm after another; the evaluation that screens many at once goes here.
pub(crate) fn screen(firms: &[Firm]) -> Option<(f64, Vec<u8>)> {
    let body = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PACK)).ok()?;
    let policy =
        Policy::parse(&body).unwrap_or_else(|problems| panic!("{}", problems.render(PACK)));
    let mut outcomes = Vec::with_capacity(firms.len());
    let mut spent = Duration::ZERO;
    for chunk in firms.chunks(CHUNK) {
        let facts: Vec<Facts> = chunk.iter().map(Firm::facts).collect();
        let begun = Instant::now();
        outcomes.extend(facts.iter().map(|facts| outcome(&policy, facts)));
        spent += begun.elapsed();
    }
    Some((spent.as_secs_f64(), outcomes))
}

fn outcome(policy: &Policy, facts: &Facts) -> u8 {
    let decision = decide(policy, MOMENT, facts, &Usage::default(), decision_day());
    match decision.outcome {
        Outcome::Pass => 1,
        Outcome::Fail => 0,
        Outcome::NeedsReview => 2,
    }
}
