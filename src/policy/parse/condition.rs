//! Reads conditions and type-checks them against the registry of facts and the pack's own scores and classes.

use std::ops::Range;

use crate::policy::Fact;
use crate::policy::facts::{Kind, Unit, Value};
use crate::policy::measure::{Class, Score, possible};
use crate::policy::predicate::{Bound, Comparison, Operand, Predicate, comparable};
use crate::policy::problem::Problems;
use crate::types::{Currency, Period, excerpt};

use super::contradiction;
use super::reader::{self, Node, Section};

/// What conditions of a pack are read with.
#[derive(Clone, Copy)]
pub(super) struct Scope<'p> {
    pub(super) currency: Currency,
    /// `None` if they have problems of their own: what names them is then not looked at.
    pub(super) scores: Option<&'p [Score]>,
    pub(super) classes: Option<&'p [Class]>,
}

/// The bounds that are written as `key = value`.
pub(in crate::policy) const BOUNDS: [&str; 7] = [
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
    scope: Scope<'_>,
    problems: &mut Problems<'_>,
) -> Option<Predicate> {
    nested(node, scope, MAX_DEPTH, problems)
}

fn nested(
    node: Node<'_>,
    scope: Scope<'_>,
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
        |node: Node<'_>, problems: &mut Problems<'_>| nested(node, scope, depth, problems);
    let read = if let Some(parts) = section.optional("all") {
        reader::list_of(parts, &mut part, problems).and_then(|parts| {
            contradiction::refuse(&parts, node.span(), problems)?;
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
        comparison(fact, &mut section, scope.currency, problems)
    } else if let Some(day) = section.optional("year_of") {
        year(day, &mut section, problems)
    } else if let Some(day) = section.optional("months_from") {
        months(day, &mut section, problems)
    } else if let Some(node) = section.optional("ratio") {
        let pair = pair(node, problems);
        ratio(pair, &mut section, problems)
    } else if let Some(node) = section.optional("per") {
        let pair = pair_of_two_units(node, problems);
        ratio(pair, &mut section, problems)
    } else if let Some(name) = section.optional("score") {
        score(name, &mut section, scope.scores, problems)
    } else if let Some(name) = section.optional("class") {
        class(name, &mut section, scope.classes, problems)
    } else {
        return problems.note(
            &section.span,
            "a condition says what it tests",
            "begin it with one of: fact, all, any, not, year_of, months_from, ratio, per, score, \
             class, valid_uscc",
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

/// A fact of one type.
pub(super) fn fact_of(
    node: Node<'_>,
    is_kind: impl Fn(Kind) -> bool,
    wanted: &str,
    problems: &mut Problems<'_>,
) -> Option<Fact> {
    let fact = fact(node, problems)?;
    if is_kind(fact.kind()) {
        return Some(fact);
    }
    problems.note(
        &node.span(),
        format!(
            "{fact} is not {wanted}: it is {}",
            fact.kind().how_to_write()
        ),
        format!("name a fact that is {wanted}; docs/facts.md lists all"),
    )
}

pub(super) fn date_fact(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Fact> {
    fact_of(node, |kind| kind == Kind::Date, "a date", problems)
}

/// A fact whose values are words.
pub(super) fn word_fact(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Fact> {
    let has_words = |kind| matches!(kind, Kind::OneOf(_));
    fact_of(node, has_words, "a choice of words", problems)
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
            format!("unknown fact {:?}", excerpt(name)),
            Fact::advice(&excerpt(name)),
        ),
    }
}

/// The one bound of a comparison.
fn one_bound<'t>(
    section: &mut Section<'t>,
    problems: &mut Problems<'_>,
) -> Option<(&'static str, Node<'t>)> {
    let given: Vec<_> = BOUNDS
        .into_iter()
        .filter_map(|key| section.optional(key).map(|node| (key, node)))
        .collect();
    match given.as_slice() {
        [one] => Some(*one),
        _ => problems.note(
            &section.span,
            format!("a comparison has one bound, this has {}", given.len()),
            format!(
                "give one of {}; join two with all = [ … ]",
                BOUNDS.join(", ")
            ),
        ),
    }
}

/// The one bound of a comparison of numbers.
fn number_bound<'t>(
    section: &mut Section<'t>,
    problems: &mut Problems<'_>,
) -> Option<(Comparison, Node<'t>)> {
    let (key, node) = one_bound(section, problems)?;
    match compared_by(key) {
        Some(comparison) => Some((comparison, node)),
        None => problems.note(
            &node.span(),
            format!("`{key}` compares no numbers"),
            "use at_least, more_than, at_most, less_than or is",
        ),
    }
}

fn compared_by(key: &str) -> Option<Comparison> {
    match key {
        "at_least" => Some(Comparison::AtLeast),
        "more_than" => Some(Comparison::MoreThan),
        "at_most" => Some(Comparison::AtMost),
        "less_than" => Some(Comparison::LessThan),
        "is" => Some(Comparison::Is),
        _ => None,
    }
}

fn comparison(
    fact_node: Node<'_>,
    section: &mut Section<'_>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Predicate> {
    let fact = fact(fact_node, problems);
    let bound = one_bound(section, problems);
    let until = section.optional("until");
    let (key, node) = bound?;
    let fact = fact?;
    if let (Some(until), false) = (until, key == "from") {
        return problems.note(
            &until.span(),
            "`until` needs `from`",
            "add `from`, or use less_than",
        );
    }
    if matches!(key, "at_least" | "more_than" | "at_most" | "less_than") && !fact.kind().ordered() {
        return problems.note(
            &fact_node.span(),
            format!("{fact} has no order: it is {}", fact.kind().how_to_write()),
            "compare it with `is` or `one_of`",
        );
    }
    if let (Some(comparison), true) = (compared_by(key), node.get_ref().is_table()) {
        let other = operand(node, fact.kind(), problems)?;
        return Some(Predicate::Against(Operand::Fact(fact), comparison, other));
    }
    let value = |problems: &mut Problems<'_>| value(fact, node, currency, problems);
    let bound = match key {
        "at_least" => Bound::AtLeast(value(problems)?),
        "more_than" => Bound::MoreThan(value(problems)?),
        "at_most" => Bound::AtMost(value(problems)?),
        "less_than" => Bound::LessThan(value(problems)?),
        "is" => Bound::Is(value(problems)?),
        "one_of" => {
            let item =
                |item, problems: &mut Problems<'_>| self::value(fact, item, currency, problems);
            Bound::OneOf(distinct(
                reader::list_of(node, item, problems)?,
                node,
                problems,
            )?)
        }
        _ => Bound::Within(window(fact, fact_node, node, until, problems)?),
    };
    Some(Predicate::Compare(fact, bound))
}

/// `{ fact = "g" }` or `{ year_of = "d" }`, of the kind that it is compared with.
fn operand(node: Node<'_>, wanted: Kind, problems: &mut Problems<'_>) -> Option<Operand> {
    let mut section = Section::of(node, "what it is compared with", problems)?;
    let (found, operand) = if let Some(fact) = section.optional("fact") {
        let fact = self::fact(fact, problems)?;
        (fact.kind(), Operand::Fact(fact))
    } else if let Some(day) = section.optional("year_of") {
        let day = date_fact(day, problems)?;
        (Kind::Count(Unit::Year), Operand::YearOf(day))
    } else {
        return problems.note(
            &section.span,
            "it says nothing to compare with",
            "write a value, { fact = \"…\" } or { year_of = \"…\" }",
        );
    };
    section.finish(problems);
    if matches!(found, Kind::Text) {
        return problems.note(
            &node.span(),
            "texts of two facts are not compared",
            "compare a text with a value by `is` or `one_of`",
        );
    }
    if comparable(wanted, found) {
        return Some(operand);
    }
    problems.note(
        &node.span(),
        format!(
            "these two can't be compared: one is {}, the other {}",
            wanted.described(),
            found.described()
        ),
        "compare facts of one type and unit; docs/facts.md lists them",
    )
}

/// The calendar year of a date.
fn year(
    day: Node<'_>,
    section: &mut Section<'_>,
    problems: &mut Problems<'_>,
) -> Option<Predicate> {
    let day = date_fact(day, problems);
    let (comparison, node) = number_bound(section, problems)?;
    let other = if node.get_ref().is_table() {
        operand(node, Kind::Count(Unit::Year), problems)?
    } else {
        let year = reader::small_number(node, problems)?;
        if !(1900..=9999).contains(&year) {
            return problems.note(
                &node.span(),
                format!("{year} is no calendar year"),
                "write a year from 1900 on, such as 2020",
            );
        }
        Operand::Year(year)
    };
    Some(Predicate::Against(Operand::YearOf(day?), comparison, other))
}

/// The months from one day to another.
fn months(
    from: Node<'_>,
    section: &mut Section<'_>,
    problems: &mut Problems<'_>,
) -> Option<Predicate> {
    let from = date_fact(from, problems);
    let to = section.get_optional("to", date_fact, problems);
    let (comparison, node) = number_bound(section, problems)?;
    let months = reader::small_number(node, problems)?;
    let (from, to) = (from?, to?.unwrap_or(Fact::DecidedOn));
    if from == to {
        return problems.note(
            &section.span,
            format!("this is the time from {from} to itself"),
            "name the later day under `to`",
        );
    }
    Some(Predicate::Months {
        from,
        to,
        comparison,
        months,
    })
}

/// Two facts of one type and unit, one as a part of the other.
pub(super) fn pair(node: Node<'_>, problems: &mut Problems<'_>) -> Option<(Fact, Fact)> {
    let (of, to) = two_facts(node, "ratio", problems)?;
    if of == to || !comparable(of.kind(), to.kind()) {
        return problems.note(
            &node.span(),
            format!("{of} is no part of {to}: they are not two facts of one type and unit"),
            "name two amounts, or two counts of the same things; of two units write per = [ … ]",
        );
    }
    Some((of, to))
}

/// Two numbers of different units, so many of one for each of the other.
fn pair_of_two_units(node: Node<'_>, problems: &mut Problems<'_>) -> Option<(Fact, Fact)> {
    let (of, to) = two_facts(node, "per", problems)?;
    if comparable(of.kind(), to.kind()) {
        return problems.note(
            &node.span(),
            format!("{of} and {to} have one unit"),
            "write ratio = [ … ], which compares a part with its whole",
        );
    }
    if [of, to].iter().any(|fact| fact.kind() == Kind::Money) {
        return problems.note(
            &node.span(),
            format!("{of} for each of {to} is an amount, and no number"),
            "name two numbers, such as firms and square metres",
        );
    }
    Some((of, to))
}

fn two_facts(node: Node<'_>, key: &str, problems: &mut Problems<'_>) -> Option<(Fact, Fact)> {
    let measurable = |kind| matches!(kind, Kind::Money | Kind::Count(_) | Kind::Quantity(_));
    let one = |node: Node<'_>, problems: &mut Problems<'_>| {
        fact_of(node, measurable, "an amount or a number", problems)
    };
    let facts = reader::list_of(node, one, problems)?;
    match facts.as_slice() {
        [of, to] => Some((*of, *to)),
        _ => problems.note(
            &node.span(),
            format!("a ratio has two facts, this has {}", facts.len()),
            format!("write {key} = [\"part\", \"whole\"]"),
        ),
    }
}

fn ratio(
    pair: Option<(Fact, Fact)>,
    section: &mut Section<'_>,
    problems: &mut Problems<'_>,
) -> Option<Predicate> {
    let (comparison, bound) = number_bound(section, problems)?;
    let ratio = reader::ratio(bound, problems)?;
    let (of, to) = pair?;
    if (comparison, ratio.numer()) == (Comparison::AtLeast, 0) {
        return always(bound, "at least nothing", problems);
    }
    Some(Predicate::Ratio {
        of,
        to,
        comparison,
        ratio,
    })
}

fn always<T>(node: Node<'_>, what: &str, problems: &mut Problems<'_>) -> Option<T> {
    problems.note(
        &node.span(),
        format!("{what} always holds"),
        "correct the bound, or remove the condition",
    )
}

/// A score or class of the pack, by its name.
pub(super) fn place(
    node: Node<'_>,
    names: &[&str],
    what: &str,
    problems: &mut Problems<'_>,
) -> Option<usize> {
    let name = reader::text(node, problems)?;
    match names.iter().position(|known| *known == name) {
        Some(place) => Some(place),
        None => problems.note(
            &node.span(),
            format!("there is no {what} {:?} before this", excerpt(name)),
            if names.is_empty() {
                format!("define it under [[{what}]]")
            } else {
                format!("use one of: {}", names.join(", "))
            },
        ),
    }
}

fn score(
    node: Node<'_>,
    section: &mut Section<'_>,
    scores: Option<&[Score]>,
    problems: &mut Problems<'_>,
) -> Option<Predicate> {
    let Some(scores) = scores else {
        section.ask(&BOUNDS);
        return None;
    };
    let names: Vec<_> = scores.iter().map(|score| score.name.as_str()).collect();
    let score = place(node, &names, "score", problems);
    let (comparison, bound) = number_bound(section, problems)?;
    let points = u32::from(reader::small_number(bound, problems)?);
    let score = score?;
    let possible = possible(scores, score);
    let (least, most) = (*possible.start(), *possible.end());
    let holds = |end: u32| comparison.holds(end.cmp(&points));
    let outside = comparison == Comparison::Is && !possible.contains(&points);
    if outside || (comparison != Comparison::Is && !holds(least) && !holds(most)) {
        return problems.note(
            &bound.span(),
            format!("no score is so: it lies between {least} and {most}"),
            "correct the bound or the bands",
        );
    }
    if holds(least) && holds(most) && comparison != Comparison::Is {
        return always(
            bound,
            &format!("of a score between {least} and {most} this"),
            problems,
        );
    }
    Some(Predicate::Score {
        score,
        comparison,
        points,
    })
}

fn class(
    node: Node<'_>,
    section: &mut Section<'_>,
    classes: Option<&[Class]>,
    problems: &mut Problems<'_>,
) -> Option<Predicate> {
    let Some(classes) = classes else {
        section.ask(&BOUNDS);
        return None;
    };
    let names: Vec<_> = classes.iter().map(|class| class.name.as_str()).collect();
    let class = place(node, &names, "class", problems);
    let (key, bound) = one_bound(section, problems)?;
    let class = class?;
    let words: Vec<_> = classes
        .get(class)
        .map(|class| class.classes.iter().map(String::as_str).collect())
        .unwrap_or_default();
    let word = |node: Node<'_>, problems: &mut Problems<'_>| {
        place(node, &words, "class of that name", problems)
    };
    let one_of = match key {
        "is" => vec![word(bound, problems)?],
        "one_of" => distinct(reader::list_of(bound, word, problems)?, bound, problems)?,
        _ => {
            return problems.note(
                &bound.span(),
                "classes have no order here",
                "use `is` or `one_of`",
            );
        }
    };
    if one_of.len() == words.len() {
        return always(bound, "one of all classes", problems);
    }
    Some(Predicate::Class { class, one_of })
}

/// A list in which nothing stands twice.
pub(super) fn distinct<T: PartialEq>(
    items: Vec<T>,
    node: Node<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<T>> {
    let repeated = items
        .iter()
        .enumerate()
        .any(|(index, item)| items.iter().take(index).any(|earlier| earlier == item));
    if repeated {
        return problems.note(
            &node.span(),
            "the same value stands here twice",
            "remove one",
        );
    }
    Some(items)
}

fn window(
    fact: Fact,
    fact_node: Node<'_>,
    from: Node<'_>,
    until: Option<Node<'_>>,
    problems: &mut Problems<'_>,
) -> Option<Period> {
    if fact.kind() != Kind::Date {
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
