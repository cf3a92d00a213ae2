//! Reads conditions and type-checks them against the registry of facts.

use std::ops::Range;

use crate::policy::Fact;
use crate::policy::facts::Value;
use crate::policy::predicate::{Bound, Predicate};
use crate::policy::problem::Problems;
use crate::types::{Currency, Period};

use super::reader::{self, Node, Section};

/// The bounds that are written as `key = value`.
const BOUNDS: [&str; 7] = [
    "at_least",
    "more_than",
    "at_most",
    "less_than",
    "is",
    "one_of",
    "from",
];

/// How deep conditions may be nested: far beyond what people can read.
const MAX_DEPTH: usize = 16;

pub(super) fn predicate(
    node: Node<'_>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Predicate> {
    nested(node, currency, MAX_DEPTH, problems)
}

fn nested(
    node: Node<'_>,
    currency: Currency,
    depth: usize,
    problems: &mut Problems<'_>,
) -> Option<Predicate> {
    let Some(depth) = depth.checked_sub(1) else {
        return problems.note(
            &node.span(),
            "conditions are nested too deeply",
            "split the criterion",
        );
    };
    let mut section = Section::of(node, "a condition", problems)?;
    let mut part =
        |node: Node<'_>, problems: &mut Problems<'_>| nested(node, currency, depth, problems);
    let read = if let Some(parts) = section.optional("all") {
        reader::list_of(parts, &mut part, problems).and_then(|parts| {
            refuse_contradiction(&parts, node.span(), problems)?;
            refuse_repeated(&parts, node.span(), problems).map(Predicate::All)
        })
    } else if let Some(parts) = section.optional("any") {
        reader::list_of(parts, &mut part, problems)
            .and_then(|parts| refuse_repeated(&parts, node.span(), problems).map(Predicate::Any))
    } else if let Some(negated) = section.optional("not") {
        part(negated, problems).map(|part| Predicate::Not(Box::new(part)))
    } else if let Some(code) = section.optional("valid_uscc") {
        valid_uscc(code, problems)
    } else if let Some(fact) = section.optional("fact") {
        comparison(fact, &mut section, currency, problems)
    } else {
        return problems.note(
            &section.span,
            "a condition says what it tests",
            "begin it with one of: fact, all, any, not, valid_uscc",
        );
    };
    section.finish(problems);
    read
}

fn valid_uscc(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Predicate> {
    let fact = fact(node, problems)?;
    if fact == Fact::Uscc {
        return Some(Predicate::ValidUscc);
    }
    problems.note(
        &node.span(),
        format!("{fact} is not a unified social credit code"),
        "write valid_uscc = \"uscc\"",
    )
}

/// The name of a fact in the registry.
pub(super) fn fact(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Fact> {
    let name = reader::text(node, problems)?;
    unknown_or(name, node.span(), problems)
}

/// The fact of that name, or the problem that there is none.
pub(super) fn unknown_or(
    name: &str,
    span: Range<usize>,
    problems: &mut Problems<'_>,
) -> Option<Fact> {
    match Fact::named(name) {
        Some(fact) => Some(fact),
        None => problems.note(
            &span,
            format!(
                "unknown fact {:?}",
                name.chars().take(60).collect::<String>()
            ),
            Fact::advice(&name.chars().take(60).collect::<String>()),
        ),
    }
}

fn comparison(
    fact_node: Node<'_>,
    section: &mut Section<'_>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Predicate> {
    let fact = fact(fact_node, problems);
    let given: Vec<_> = BOUNDS
        .into_iter()
        .filter_map(|key| section.optional(key).map(|node| (key, node)))
        .collect();
    let until = section.optional("until");
    let [(key, node)] = given.as_slice() else {
        return problems.note(
            &section.span,
            format!("a comparison has one bound, this has {}", given.len()),
            format!(
                "give one of {}; join two with all = [ … ]",
                BOUNDS.join(", ")
            ),
        );
    };
    let fact = fact?;
    if let (Some(until), false) = (until, *key == "from") {
        return problems.note(
            &until.span(),
            "`until` needs `from`",
            "add `from`, or use less_than",
        );
    }
    let value = |problems: &mut Problems<'_>| value(fact, node, currency, problems);
    if matches!(*key, "at_least" | "more_than" | "at_most" | "less_than") && !fact.kind().ordered()
    {
        return problems.note(
            &fact_node.span(),
            format!("{fact} has no order: it is {}", fact.kind().how_to_write()),
            "compare it with `is` or `one_of`",
        );
    }
    let bound = match *key {
        "at_least" => Bound::AtLeast(value(problems)?),
        "more_than" => Bound::MoreThan(value(problems)?),
        "at_most" => Bound::AtMost(value(problems)?),
        "less_than" => Bound::LessThan(value(problems)?),
        "is" => Bound::Is(value(problems)?),
        "one_of" => {
            let item =
                |item, problems: &mut Problems<'_>| self::value(fact, item, currency, problems);
            Bound::OneOf(reader::list_of(node, item, problems)?)
        }
        _ => Bound::Within(window(fact, fact_node, node, until, problems)?),
    };
    Some(Predicate::Compare(fact, bound))
}

fn window(
    fact: Fact,
    fact_node: Node<'_>,
    from: Node<'_>,
    until: Option<Node<'_>>,
    problems: &mut Problems<'_>,
) -> Option<Period> {
    if fact.kind() != crate::policy::Kind::Date {
        return problems.note(
            &fact_node.span(),
            format!("{fact} is not a date, so it can't be within a window"),
            "name a fact that is a date, or use at_least and at_most",
        );
    }
    let first = reader::date(from, problems);
    let until = match until {
        None => None,
        Some(node) => Some((node, reader::date(node, problems)?)),
    };
    period(first?, from, until, problems)
}

/// A period, or the problem that it holds no day.
pub(super) fn period(
    first: chrono::NaiveDate,
    first_node: Node<'_>,
    until: Option<(Node<'_>, chrono::NaiveDate)>,
    problems: &mut Problems<'_>,
) -> Option<Period> {
    match Period::new(first, until.map(|(_, day)| day)) {
        Ok(period) => Some(period),
        Err(_) => problems.note(
            &until.map_or(first_node.span(), |(node, _)| node.span()),
            "this window never opens: it ends before its first day",
            "`until` is the first day that is no longer in it, and comes after `from`",
        ),
    }
}

/// A value of the fact's own type.
pub(super) fn value(
    fact: Fact,
    node: Node<'_>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Value> {
    match fact.read(reader::raw(node), currency) {
        Ok(value) => Some(value),
        Err(error) => problems.note(
            &node.span(),
            format!("{fact} can't be {}", error.found),
            error.why,
        ),
    }
}

fn refuse_repeated(
    parts: &[Predicate],
    span: Range<usize>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Predicate>> {
    let repeated = parts
        .iter()
        .enumerate()
        .any(|(index, part)| parts.iter().take(index).any(|earlier| earlier == part));
    if repeated {
        problems.note(
            &span,
            "the same condition stands here twice: the second is never reached",
            "remove one",
        )
    } else {
        Some(parts.to_vec())
    }
}

/// Two bounds on one fact that no value can keep.
fn refuse_contradiction(
    parts: &[Predicate],
    span: Range<usize>,
    problems: &mut Problems<'_>,
) -> Option<()> {
    let bounds: Vec<_> = parts
        .iter()
        .filter_map(|part| match part {
            Predicate::Compare(fact, bound) => Some((*fact, bound)),
            Predicate::All(_) | Predicate::Any(_) | Predicate::Not(_) | Predicate::ValidUscc => {
                None
            }
        })
        .collect();
    let pairs = bounds.iter().enumerate().flat_map(|(index, first)| {
        bounds
            .iter()
            .skip(index + 1)
            .map(move |second| (first, second))
    });
    for ((fact, first), (other, second)) in pairs {
        if fact == other && contradict(first, second) {
            return problems.note(
                &span,
                format!("no {fact} can keep both of these bounds: this can never hold"),
                "correct a bound, or use any = [ … ]",
            );
        }
    }
    Some(())
}

fn contradict(first: &Bound, second: &Bound) -> bool {
    let excludes = |bound: &Bound, other: &Bound| match bound {
        Bound::Is(value) => !other.admits(value),
        Bound::OneOf(values) => !values.iter().any(|value| other.admits(value)),
        Bound::AtLeast(low) => {
            matches!(other, Bound::AtMost(_) | Bound::LessThan(_)) && !other.admits(low)
        }
        Bound::MoreThan(low) => match other {
            Bound::AtMost(high) | Bound::LessThan(high) => high <= low,
            Bound::AtLeast(_)
            | Bound::MoreThan(_)
            | Bound::Is(_)
            | Bound::OneOf(_)
            | Bound::Within(_) => false,
        },
        Bound::Within(period) => {
            matches!(other, Bound::Within(window) if !window.overlaps(period))
        }
        Bound::AtMost(_) | Bound::LessThan(_) => false,
    };
    excludes(first, second) || excludes(second, first)
}
