//! Our side: the ledger's own pack of the rule.

use std::fs;
use std::path::Path;
use std::time::Duration;

use subsidy_ledger::policy::{self, Moment, Outcome, Policy, Screening, Table, Usage};

use crate::firms::{FACTS, Firm, decision_day, more_facts};

/// Where the pack is, from the root of the project.
pub(crate) const PACK: &str = "assets/policies/tech-sme-2017.toml";

const MOMENT: Moment = Moment::Recognition;
/// As often as the reference, of which the best counts too.
const ROUNDS: usize = 5;

/// Seconds of the evaluation alone, and one byte for each firm: 1 if it passes, 0 if not, 2 if that is left open.
/// The table is filled before the time begins, as the reference has its vectors.
pub(crate) fn screen(firms: &[Firm]) -> Option<(f64, Vec<u8>)> {
    let body = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PACK)).ok()?;
    let policy =
        Policy::parse(&body).unwrap_or_else(|problems| panic!("{}", problems.render(PACK)));
    let mut table = Table::new(&policy, MOMENT, firms.len(), decision_day());
    let known: Vec<_> = FACTS
        .iter()
        .filter_map(|(fact, read)| Some((table.facts().binary_search(fact).ok()?, read)))
        .collect();
    for (row, firm) in firms.iter().enumerate() {
        for (column, read) in &known {
            table.set_scalar(*column, row, read(firm));
        }
    }
    for (fact, value) in more_facts() {
        table.assume(fact, &value);
    }
    let mut best = Duration::MAX;
    let mut screening = Screening::default();
    for _ in 0..ROUNDS {
        let begun = processor_time();
        screening = policy::screen(
            &policy,
            MOMENT,
            &table,
            &|_| Usage::default(),
            decision_day(),
        );
        best = best.min(processor_time().saturating_sub(begun));
    }
    let outcomes = screening.outcomes.iter().map(|outcome| match outcome {
        Outcome::Pass => 1,
        Outcome::Fail => 0,
        Outcome::NeedsReview => 2,
    });
    Some((best.as_secs_f64(), outcomes.collect()))
}

/// What all threads of this process have used of the processors: a busy machine changes it little, and two threads gain
/// nothing by it. The reference is timed alike.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}
