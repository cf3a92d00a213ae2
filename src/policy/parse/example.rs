//! Reads the worked cases of a pack.

use chrono::NaiveDate;

use crate::policy::pack::{Example, Expected, Mode, Words};
use crate::policy::predicate::Outcome;
use crate::policy::problem::Problems;
use crate::policy::snapshot::{Facts, Source};
use crate::policy::usage::Usage;
use crate::types::Currency;

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
    mode: Option<Mode>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Example> {
    let mut section = Section::of(node, "an example", problems)?;
    let title = section.get("title", reader::line, problems);
    let moment = match mode.map(Mode::moments) {
        // A pack with one moment needs no word for it.
        Some([only]) => section
            .get_optional("moment", reader::word, problems)
            .map(|moment| moment.unwrap_or(*only)),
        Some(_) | None => section.get("moment", reader::word, problems),
    };
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
    let mut amount = |key| section.get_optional(key, reader::money(currency), &mut *problems);
    let held_now = amount("held_now");
    let used_this_year = amount("used_this_year");
    let used_by_group = amount("used_by_group");
    let used_by_provider = amount("used_by_provider");
    let used_in_life = amount("used_in_life");
    let used_by_programme = amount("used_by_programme");
    let de_minimis = amount("de_minimis");
    let budget = amount("budget");
    let demand = amount("demand");
    let mut number = |key| {
        let number = section.get_optional(key, reader::small_number, &mut *problems);
        number.map(|number| number.map(u32::from))
    };
    let awards_this_year = number("awards_this_year");
    let awards_in_life = number("awards_in_life");
    let rank = number("rank");
    section.finish(problems);
    Some(Usage {
        held_now: held_now?.unwrap_or_default(),
        used_this_year: used_this_year?.unwrap_or_default(),
        used_by_group: used_by_group?.unwrap_or_default(),
        used_by_provider: used_by_provider?.unwrap_or_default(),
        used_in_life: used_in_life?.unwrap_or_default(),
        used_by_programme: used_by_programme?.unwrap_or_default(),
        de_minimis: de_minimis?.unwrap_or_default(),
        awards_this_year: awards_this_year?.unwrap_or(0),
        awards_in_life: awards_in_life?.unwrap_or(0),
        rank: rank?,
        budget: budget?,
        demand: demand?,
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
    let missing = section.get_optional(
        "missing",
        |node, problems| reader::list_of(node, condition::fact, problems),
        problems,
    );
    let points = |node: Node<'_>, problems: &mut Problems<'_>| {
        reader::small_number(node, problems).map(u32::from)
    };
    let scores = section.get_optional("scores", |node, p| named(node, points, p), problems);
    let class = |node: Node<'_>, problems: &mut Problems<'_>| {
        reader::text(node, problems).map(str::to_owned)
    };
    let classes = section.get_optional("classes", |node, p| named(node, class, p), problems);
    let funding = section.get_optional(
        "funding",
        |node, problems| {
            let named = named(node, reader::money(currency), problems)?;
            let shares = named.into_iter();
            let mut read = Vec::new();
            for (code, amount) in shares {
                match code.parse() {
                    Ok(code) => read.push((code, amount)),
                    Err(_) => {
                        return problems.note(
                            &node.span(),
                            format!("{code:?} is no funder's code"),
                            "name funders by the codes that the pack gives them",
                        );
                    }
                }
            }
            Some(read)
        },
        problems,
    );
    section.finish(problems);
    Some(Expected {
        outcome: outcome?,
        reasons: reasons?.unwrap_or_default(),
        amount: amount?,
        own_share: own_share?,
        last_day: last_day?,
        missing: missing?,
        scores: scores?.unwrap_or_default(),
        classes: classes?.unwrap_or_default(),
        funding: funding?.unwrap_or_default(),
    })
}

/// A table of values by names that the pack has given.
fn named<T>(
    node: Node<'_>,
    read: impl Fn(Node<'_>, &mut Problems<'_>) -> Option<T>,
    problems: &mut Problems<'_>,
) -> Option<Vec<(String, T)>> {
    let section = Section::of(node, "what is expected by name", problems)?;
    let read: Vec<_> = section
        .keys()
        .map(|(name, _, node)| Some((name.to_owned(), read(node, problems)?)))
        .collect();
    read.into_iter().collect()
}
