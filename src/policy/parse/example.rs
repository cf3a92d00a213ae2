//! Reads the worked cases of a pack.

use chrono::NaiveDate;

use crate::policy::pack::{Example, Expected, Words};
use crate::policy::predicate::Outcome;
use crate::policy::problem::Problems;
use crate::policy::snapshot::{Facts, Source, Usage};
use crate::types::{Currency, Money};

use super::condition;
use super::reader::{self, Node, Section};

impl Words for Outcome {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("pass", Self::Pass),
        ("fail", Self::Fail),
        ("needs_review", Self::NeedsReview),
    ];
}

impl Words for Source {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("declared", Self::Declared),
        ("verified", Self::Verified),
        ("imported", Self::Imported),
    ];
}

pub(super) fn example(
    node: Node<'_>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Example> {
    let mut section = Section::of(node, "an example", problems)?;
    let title = section.get("title", reader::line, problems);
    let moment = section.get("moment", reader::word, problems);
    let on = section.get("on", reader::date, problems);
    let facts = section.get("facts", |node, p| facts(node, on, currency, p), problems);
    let usage = section.get_optional("usage", |node, p| usage(node, currency, p), problems);
    let expected = section.get("expect", |node, p| expected(node, currency, p), problems);
    section.finish(problems);
    Some(Example {
        title: title?,
        moment: moment?,
        on: on?,
        facts: facts?,
        usage: usage?.unwrap_or_default(),
        expected: expected?,
        span: node.span(),
    })
}

/// Facts by name; a bare value is declared on the day of the example.
fn facts(
    node: Node<'_>,
    on: Option<NaiveDate>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Facts> {
    let section = Section::of(node, "the facts of an example", problems)?;
    let mut facts = Facts::new(currency);
    for (name, span, node) in section.keys() {
        let Some(fact) = condition::unknown_or(name, span, problems) else {
            continue;
        };
        let stated = if node.get_ref().is_table() {
            stated(node, problems)
        } else {
            Some((node, Source::Declared))
        };
        let (Some((value, source)), Some(on)) = (stated, on) else {
            continue;
        };
        if let Err(error) = facts.state(fact, reader::raw(value), source, on) {
            problems.note::<()>(
                &value.span(),
                format!("{fact} can't be {}", error.found),
                error.why,
            );
        }
    }
    Some(facts)
}

fn stated<'t>(node: Node<'t>, problems: &mut Problems<'_>) -> Option<(Node<'t>, Source)> {
    let mut section = Section::of(node, "a stated fact", problems)?;
    let value = section.required("value", problems);
    let source = section.get("source", reader::word, problems);
    section.finish(problems);
    Some((value?, source?))
}

fn usage(node: Node<'_>, currency: Currency, problems: &mut Problems<'_>) -> Option<Usage> {
    let mut section = Section::of(node, "the usage of an example", problems)?;
    let held_now = section.get_optional("held_now", reader::money(currency), problems);
    let used_this_year = section.get_optional("used_this_year", reader::money(currency), problems);
    section.finish(problems);
    Some(Usage {
        held_now: held_now?.unwrap_or(Money::ZERO),
        used_this_year: used_this_year?.unwrap_or(Money::ZERO),
    })
}

fn expected(node: Node<'_>, currency: Currency, problems: &mut Problems<'_>) -> Option<Expected> {
    let mut section = Section::of(node, "the expected decision", problems)?;
    let outcome = section.get("outcome", reader::word, problems);
    let reasons = section.get_optional(
        "reasons",
        |node, problems| reader::list_of(node, reader::parsed, problems),
        problems,
    );
    let amount = section.get_optional("amount", reader::money(currency), problems);
    let own_share = section.get_optional("own_share", reader::money(currency), problems);
    let last_day = section.get_optional("last_day", reader::date, problems);
    section.finish(problems);
    Some(Expected {
        outcome: outcome?,
        reasons: reasons?.unwrap_or_default(),
        amount: amount?,
        own_share: own_share?,
        last_day: last_day?,
    })
}
