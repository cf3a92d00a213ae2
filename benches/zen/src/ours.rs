//! Our side: the ledger's own pack of the rule.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use subsidy_ledger::policy::{Decision, Facts, Moment, Outcome, Policy, Usage, decide};

use crate::facts::facts;
use crate::firms::{Firm, decision_day};

/// Where the pack is, from the root of the project.
pub(crate) const PACK: &str = "assets/policies/tech-sme-2017.toml";

const MOMENT: Moment = Moment::Recognition;

/// The pack and its inputs.
pub(crate) struct Ours {
    policy: Policy,
    json: Vec<Vec<u8>>,
    facts: Vec<Facts>,
}

impl Ours {
    /// `None` while there is no such pack.
    pub(crate) fn new(firms: &[Firm]) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let body = fs::read_to_string(root.join(PACK)).ok()?;
        let policy =
            Policy::parse(&body).unwrap_or_else(|problems| panic!("{}", problems.render(PACK)));
        let facts: Vec<Facts> = firms.iter().map(facts).collect();
        Some(Self {
            policy,
            json: facts.iter().map(Facts::to_canonical_json).collect(),
            facts,
        })
    }

    /// OURS, the decision that is measured: everything a decision has, its trace included.
    fn decide_on(&self, facts: &Facts) -> Decision {
        decide(
            &self.policy,
            MOMENT,
            facts,
            &Usage::default(),
            decision_day(),
        )
    }

    /// Whether each firm passes; stops where that is left open, since all facts are stated.
    pub(crate) fn outcomes(&self) -> Vec<bool> {
        let outcome = |facts| {
            let decision = self.decide_on(facts);
            match decision.outcome {
                Outcome::Pass => true,
                Outcome::Fail => false,
                Outcome::NeedsReview => panic!("left open: {:?}", decision.missing),
            }
        };
        self.facts.iter().map(outcome).collect()
    }

    /// Decides on all firms, from facts in memory to a decision with trace in memory.
    pub(crate) fn decide(&self) {
        for facts in &self.facts {
            black_box(self.decide_on(black_box(facts)));
        }
    }

    /// Decides on all firms, from the text of the facts to the text of the decision with its trace.
    pub(crate) fn decide_json(&self) {
        for json in &self.json {
            let facts = Facts::from_canonical_json(json).unwrap();
            black_box(self.decide_on(&facts).to_canonical_json());
        }
    }
}
