//! The whole check of a pack: its type check, and its own examples.

use super::pack::Example;
use super::problem::{PackProblems, Problems};
use super::{Decision, Policy, ReasonCode, decide};

/// Reads a pack, type-checks it and runs its examples: what must succeed before it is published.
///
/// # Errors
/// Every problem, with line, column and remedy.
pub fn check(body: &str) -> Result<Policy, PackProblems> {
    let policy = Policy::parse(body)?;
    check_examples(&policy)?;
    Ok(policy)
}

/// Runs the examples of a pack that was read.
///
/// # Errors
/// Every example that comes out otherwise, with its line.
pub fn check_examples(policy: &Policy) -> Result<(), PackProblems> {
    let mut problems = Problems::new(policy.body());
    for example in &policy.examples {
        if let Some((message, remedy)) = outside(policy, example) {
            problems.note::<()>(&example.span, message, remedy);
            continue;
        }
        let decision = decide(
            policy,
            example.moment,
            &example.facts,
            &example.usage,
            example.on,
        );
        for (what, expected, found) in differences(policy, example, &decision) {
            problems.note::<()>(
                &example.span,
                format!(
                    "example \"{}\": expected {what} {expected}, decided {found}",
                    example.title
                ),
                "correct the rule, or the example if the rule is right",
            );
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems.into_report())
    }
}

/// Of an example whose day is none on which the pack decides, that and what to do, unless it expects just that. A copy
/// of a pack for later days has the examples of the earlier one.
fn outside(policy: &Policy, example: &Example) -> Option<(String, String)> {
    let in_force = policy.in_force;
    if in_force.contains(example.on) || example.expected.reasons.contains(&ReasonCode::NOT_IN_FORCE)
    {
        return None;
    }
    let (from, on) = (in_force.from(), example.on);
    let days = match in_force.until() {
        None => format!("from {from} on"),
        Some(until) => format!("from {from}, before {until}"),
    };
    let message = format!(
        "example \"{}\": this pack does not decide on {on}, only {days}",
        example.title
    );
    let remedy = format!(
        "move its `on` to a day on which the pack decides, {days}, and the days in its facts with it"
    );
    Some((message, remedy))
}

/// What the decision says otherwise than the example demands: what, expected, found.
fn differences(
    policy: &Policy,
    example: &Example,
    decision: &Decision,
) -> Vec<(&'static str, String, String)> {
    let expected = &example.expected;
    let list = |codes: &[ReasonCode]| {
        let codes: Vec<_> = codes.iter().map(ReasonCode::as_str).collect();
        format!("[{}]", codes.join(", "))
    };
    let text = |money: crate::types::Money| money.to_text(policy.currency);
    let none = || "none".to_owned();
    let own_share = decision.own_share.map(|sum| sum.to_string());
    let mut compared = vec![
        ("outcome", name(expected.outcome), name(decision.outcome)),
        ("reasons", list(&expected.reasons), list(&decision.reasons)),
    ];
    if let Some(amount) = expected.amount {
        compared.push(("amount", text(amount), decision.amount.to_string()));
    }
    if let Some(share) = expected.own_share {
        compared.push(("own_share", text(share), own_share.unwrap_or_else(none)));
    }
    if let Some(day) = expected.last_day {
        let found = decision.last_day.map_or_else(none, |day| day.to_string());
        compared.push(("last_day", day.to_string(), found));
    }
    if let Some(missing) = &expected.missing {
        let names = |facts: &[super::Fact]| {
            let names: Vec<_> = facts.iter().map(|fact| fact.name()).collect();
            names.join(", ")
        };
        compared.push(("missing", names(missing), names(&decision.missing)));
    }
    for (name, points) in &expected.scores {
        let found = decision.scores.iter().find(|score| score.name == *name);
        let found = found.map_or_else(none, |score| match (score.least, score.most) {
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        });
        compared.push(("score", points.to_string(), found));
    }
    for (name, class) in &expected.classes {
        let found = decision.classes.iter().find(|seen| seen.name == *name);
        let found = found.map_or_else(none, |seen| seen.class.clone());
        compared.push(("class", class.clone(), found));
    }
    for (code, amount) in &expected.funding {
        let found = decision.funding.iter().find(|share| share.funder == *code);
        let found = found.map_or_else(none, |share| share.amount.to_string());
        compared.push(("funding", text(*amount), found));
    }
    compared.retain(|(_, expected, found)| expected != found);
    compared
}

fn name(outcome: super::Outcome) -> String {
    use super::pack::Words;
    let words = super::Outcome::WORDS.iter();
    words
        .filter(|(_, known)| *known == outcome)
        .map(|(word, _)| (*word).to_owned())
        .collect()
}
