//! An old decision, made again from what it was made on.

use serde_json::Value;

use super::{Decision, Facts, Policy, Sha256, Usage, decide};

/// Whether a recorded decision comes out the same, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The same bytes.
    Identical,
    /// The facts that were kept are not those that the decision names.
    OtherFacts {
        /// The SHA-256 that the decision names.
        named: Sha256,
        /// That of the facts that were kept.
        kept: Sha256,
    },
    /// The rules are not those that the decision names.
    OtherPolicy {
        /// The SHA-256 that the decision names.
        named: Sha256,
        /// That of the rules given.
        given: Sha256,
    },
    /// Decided otherwise. The first difference, in the order of the names.
    Differs {
        /// Where in the decision: `steps[2].cap.left`.
        place: String,
        /// What is recorded there; nothing where only the new one has it.
        recorded: Option<String>,
        /// What is decided now.
        decided: Option<String>,
    },
}

/// Decides again by `policy` on `facts`, for the day, moment and usage that the decision itself names, and compares
/// with its recorded bytes.
///
/// # Errors
/// The bytes are no decision.
pub fn replay(
    recorded: &str,
    policy: &Policy,
    facts: &Facts,
) -> Result<Replayed, serde_json::Error> {
    let old: Decision = serde_json::from_str(recorded)?;
    if old.policy.sha256 != policy.sha256 {
        return Ok(Replayed::OtherPolicy {
            named: old.policy.sha256,
            given: policy.sha256,
        });
    }
    let kept = facts.sha256();
    if old.facts_sha256 != kept {
        return Ok(Replayed::OtherFacts {
            named: old.facts_sha256,
            kept,
        });
    }
    let new = decide(policy, old.moment, facts, &Usage::from(&old.usage), old.on);
    let decided = new.to_canonical_json();
    if decided == recorded.as_bytes() {
        return Ok(Replayed::Identical);
    }
    let (old, new): (Value, Value) = (
        serde_json::from_str(recorded)?,
        serde_json::from_slice(&decided)?,
    );
    let (place, recorded, decided) = first_difference(String::new(), Some(&old), Some(&new))
        // The same values, written in another way.
        .unwrap_or_else(|| {
            (
                String::new(),
                Some(recorded.to_owned()),
                String::from_utf8(decided).ok(),
            )
        });
    Ok(Replayed::Differs {
        place,
        recorded,
        decided,
    })
}

type Difference = (String, Option<String>, Option<String>);

fn first_difference(place: String, old: Option<&Value>, new: Option<&Value>) -> Option<Difference> {
    if old == new {
        return None;
    }
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().find_map(|name| {
                let dot = if place.is_empty() { "" } else { "." };
                first_difference(format!("{place}{dot}{name}"), old.get(name), new.get(name))
            })
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            let places = 0..old.len().max(new.len());
            places
                .into_iter()
                .find_map(|at| first_difference(format!("{place}[{at}]"), old.get(at), new.get(at)))
        }
        (old, new) => Some((place, old.map(Value::to_string), new.map(Value::to_string))),
    }
}
