//! The reference: `zen-engine`, with its trace.

use std::hint::black_box;
use std::sync::Arc;

use serde_json::{Map, Value};
use subsidy_ledger::policy::Kind;
use tokio::runtime::{Builder, Runtime};
use zen_engine::model::DecisionContent;
use zen_engine::{Decision, DecisionEngine, DecisionGraphResponse, EvaluationOptions, Variable};

use crate::firms::{FACTS, Firm};

/// A compiled decision and its inputs.
pub(crate) struct Zen {
    decision: Decision,
    runtime: Runtime,
    json: Vec<Vec<u8>>,
    inputs: Vec<Variable>,
}

impl Zen {
    pub(crate) fn new(model: &str, firms: &[Firm]) -> Self {
        let content: DecisionContent = serde_json::from_str(model).unwrap();
        let mut decision = DecisionEngine::default()
            .create_decision(Arc::new(content))
            .unwrap();
        decision.validate().unwrap();
        decision.compile();
        let json: Vec<Vec<u8>> = firms.iter().map(input).collect();
        Self {
            decision,
            runtime: Builder::new_current_thread().build().unwrap(),
            inputs: json.iter().map(|json| read(json)).collect(),
            json,
        }
    }

    async fn evaluate(&self, input: Variable) -> DecisionGraphResponse {
        let options = EvaluationOptions {
            trace: true,
            ..EvaluationOptions::default()
        };
        self.decision
            .evaluate_with_opts(input, options)
            .await
            .unwrap()
    }

    /// Whether each firm passes; stops where an answer comes without its trace.
    pub(crate) fn outcomes(&self) -> Vec<bool> {
        let outcome = |response: DecisionGraphResponse| {
            let trace = response.trace.unwrap();
            assert!(trace.as_graph().unwrap().contains_key("verdict"));
            response.result.dot("passed").unwrap().as_bool().unwrap()
        };
        self.runtime.block_on(async {
            let mut outcomes = Vec::with_capacity(self.inputs.len());
            for input in &self.inputs {
                outcomes.push(outcome(self.evaluate(input.clone()).await));
            }
            outcomes
        })
    }

    /// Decides on all firms, from facts in memory to an answer with trace in memory.
    pub(crate) fn decide(&self) {
        self.runtime.block_on(async {
            for input in &self.inputs {
                black_box(self.evaluate(black_box(input.clone())).await);
            }
        });
    }

    /// Decides on all firms, from the text of the facts to the text of the answer with its trace.
    pub(crate) fn decide_json(&self) {
        self.runtime.block_on(async {
            for json in &self.json {
                let response = self.evaluate(read(json)).await;
                black_box(serde_json::to_vec(&response).unwrap());
            }
        });
    }
}

fn read(json: &[u8]) -> Variable {
    serde_json::from_slice(json).unwrap()
}

/// The facts as a JSON object of numbers, truths and words; amounts are in yuan.
fn input(firm: &Firm) -> Vec<u8> {
    let value = |kind, value: i64| match kind {
        Kind::Money => Value::from(value / 100),
        Kind::Bool => Value::from(value == 1),
        Kind::OneOf(words) => Value::from(words.get(usize::try_from(value).unwrap()).unwrap().name),
        Kind::Count(_) | Kind::Quantity(_) | Kind::Date | Kind::Text => Value::from(value),
    };
    let facts: Map<String, Value> = FACTS
        .iter()
        .map(|(fact, read)| (fact.name().to_owned(), value(fact.kind(), read(firm))))
        .collect();
    serde_json::to_vec(&facts).unwrap()
}
