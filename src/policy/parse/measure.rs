//! Reads scores and classes: bands without gap or overlap, levels that rise.

use std::ops::Range;

use crate::policy::facts::{Kind, Value, Word};
use crate::policy::measure::{
    Band, Class, ClassRow, Measure, Score, ScoreRule, Threshold, is_name,
};
use crate::policy::problem::Problems;
use crate::policy::{Bilingual, Fact};
use crate::types::Currency;

use super::condition;
use super::reader::{self, Node, Section};

/// Name, title and clause of a score or class.
struct Heading {
    name: String,
    title: Bilingual,
    clause: Bilingual,
}

fn heading<'n>(
    section: &mut Section<'_>,
    mut taken: impl Iterator<Item = &'n str>,
    problems: &mut Problems<'_>,
) -> Option<Heading> {
    let name = section.required("name", problems).and_then(|node| {
        let name = reader::text(node, problems)?;
        if !is_name(name) {
            return problems.note(
                &node.span(),
                "this is no name",
                "use 1 to 40 small letters, digits and underscores, beginning with a letter",
            );
        }
        if taken.any(|other| other == name) {
            return problems.note(
                &node.span(),
                format!("the name {name} is taken"),
                "give each its own name",
            );
        }
        Some(name.to_owned())
    });
    let title = section.get("title", reader::bilingual, problems);
    let clause = section.get("clause", reader::bilingual, problems);
    Some(Heading {
        name: name?,
        title: title?,
        clause: clause?,
    })
}

/// Scores in the order of the file: each may name those before it.
pub(super) fn scores(
    node: Node<'_>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Vec<Score>> {
    let mut scores: Vec<Score> = Vec::new();
    let mut sound = true;
    for item in reader::list(node, problems)? {
        match score(item, &scores, sound, currency, problems) {
            Some(score) => scores.push(score),
            None => sound = false,
        }
    }
    sound.then_some(scores)
}

fn score(
    node: Node<'_>,
    before: &[Score],
    all_before: bool,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Score> {
    let mut section = Section::of(node, "a score", problems)?;
    let heading = heading(
        &mut section,
        before.iter().map(|score| score.name.as_str()),
        problems,
    );
    let names: Vec<_> = before.iter().map(|score| score.name.as_str()).collect();
    let parts = |node: Node<'_>, problems: &mut Problems<'_>| {
        let part = |node: Node<'_>, problems: &mut Problems<'_>| {
            // It may be one that has a problem of its own.
            if !all_before && !names.contains(&reader::text(node, problems)?) {
                return None;
            }
            condition::place(node, &names, "score", problems)
        };
        condition::distinct(reader::list_of(node, part, problems)?, node, problems)
    };
    let rule = if let Some(node) = section.optional("best_of") {
        parts(node, problems).map(ScoreRule::BestOf)
    } else if let Some(node) = section.optional("sum") {
        parts(node, problems).map(ScoreRule::Sum)
    } else if section.optional("ratio").is_some() || section.optional("fact").is_some() {
        let measure = measure(&mut section, problems)?;
        let bands = section.get(
            "bands",
            |node, problems| bands(node, measure, currency, problems),
            problems,
        );
        bands.map(|bands| ScoreRule::Bands(measure, bands))
    } else {
        return problems.note(
            &section.span,
            "a score says what it is on",
            "give fact or ratio with bands, or best_of, or sum",
        );
    };
    section.finish(problems);
    let Heading {
        name,
        title,
        clause,
    } = heading?;
    Some(Score {
        name,
        title,
        clause,
        rule: rule?,
    })
}

fn measure(section: &mut Section<'_>, problems: &mut Problems<'_>) -> Option<Measure> {
    if let Some(node) = section.optional("ratio") {
        let (of, to) = condition::pair(node, problems)?;
        return Some(Measure::Ratio(of, to));
    }
    let node = section.optional("fact")?;
    let fact = condition::fact_of(
        node,
        Kind::ordered,
        "an amount, a number or a date",
        problems,
    )?;
    Some(Measure::Fact(fact))
}

fn bands(
    node: Node<'_>,
    measure: Measure,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Vec<Band>> {
    let one = |node: Node<'_>, problems: &mut Problems<'_>| {
        let mut section = Section::of(node, "a band", problems)?;
        let at_least = section.get_optional(
            "at_least",
            |node, problems| match measure {
                Measure::Ratio(..) => reader::ratio(node, problems).map(Threshold::Ratio),
                Measure::Fact(fact) => {
                    condition::value(fact, node, currency, problems).map(Threshold::Value)
                }
            },
            problems,
        );
        let points = section.get("points", reader::small_number, problems);
        section.finish(problems);
        let band = Band {
            at_least: at_least?,
            points: u32::from(points?),
        };
        Some((band, node.span()))
    };
    let placed = reader::list_of(node, one, problems)?;
    falling(placed, &node.span(), problems)
}

/// Bands that fall, in bound and in points, down to one without bound.
fn falling(
    placed: Vec<(Band, Range<usize>)>,
    list: &Range<usize>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Band>> {
    let mut bands: Vec<Band> = Vec::with_capacity(placed.len());
    let mut sound = true;
    for (band, span) in placed {
        let wrong = match bands.last() {
            Some(Band { at_least: None, .. }) => {
                Some("is never reached: the one before it has no bound")
            }
            Some(above) if !below(&band, above) => {
                Some("overlaps the one before it: it does not begin lower")
            }
            Some(above) if band.points > above.points => {
                Some("gives more points than a higher one")
            }
            Some(_) | None => None,
        };
        if let Some(wrong) = wrong {
            problems.note::<()>(
                &span,
                format!("this band {wrong}"),
                "let bands stand from the highest down, the last without at_least",
            );
            sound = false;
        }
        bands.push(band);
    }
    if sound && bands.last().is_some_and(|band| band.at_least.is_some()) {
        return problems.note(
            list,
            "the bands leave a gap below the last",
            "add a last band without at_least: { points = 0 }",
        );
    }
    sound.then_some(bands)
}

fn below(lower: &Band, upper: &Band) -> bool {
    match (&lower.at_least, &upper.at_least) {
        (None, _) => true,
        (Some(Threshold::Value(low)), Some(Threshold::Value(high))) => low < high,
        (Some(Threshold::Ratio(low)), Some(Threshold::Ratio(high))) => {
            high.compare(low.numer(), low.denom()).is_lt()
        }
        (Some(_), _) => false,
    }
}

pub(super) fn classes(
    node: Node<'_>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Vec<Class>> {
    let mut classes: Vec<Class> = Vec::new();
    let mut sound = true;
    for item in reader::list(node, problems)? {
        match class(item, &classes, currency, problems) {
            Some(class) => classes.push(class),
            None => sound = false,
        }
    }
    sound.then_some(classes)
}

fn class(
    node: Node<'_>,
    before: &[Class],
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Class> {
    let mut section = Section::of(node, "a class", problems)?;
    let heading = heading(
        &mut section,
        before.iter().map(|class| class.name.as_str()),
        problems,
    );
    let by = section.get_optional("by", condition::word_fact, problems);
    let lowest = section.get("lowest", class_name, problems);
    let span = section.span.clone();
    let rows = section.get(
        "row",
        |node, problems| {
            let one = |node: Node<'_>, problems: &mut Problems<'_>| {
                row(node, by.flatten(), currency, problems)
            };
            reader::list_of(node, one, problems)
        },
        problems,
    );
    section.finish(problems);
    let (heading, by, lowest, rows) = (heading?, by?, lowest?, rows?);
    let names = alike(&rows, &span, problems)?;
    every_word_once(by, &rows, &span, problems)?;
    Some(Class {
        name: heading.name,
        title: heading.title,
        clause: heading.clause,
        by,
        classes: std::iter::once(lowest).chain(names).collect(),
        rows: rows.into_iter().map(|(row, _)| row).collect(),
    })
}

fn class_name(node: Node<'_>, problems: &mut Problems<'_>) -> Option<String> {
    let name = reader::text(node, problems)?;
    if is_name(name) {
        return Some(name.to_owned());
    }
    problems.note(
        &node.span(),
        "this is no name of a class",
        "use small letters, digits and underscores, beginning with a letter, such as \"small\"",
    )
}

/// A row and the names of its classes, without the lowest.
type NamedRow = (ClassRow, Vec<String>);

fn row(
    node: Node<'_>,
    by: Option<Fact>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<NamedRow> {
    let mut section = Section::of(node, "a row of a class", problems)?;
    let is = match by {
        None => Some(Vec::new()),
        Some(by) => section.get(
            "is",
            |node, problems| {
                let word = |node: Node<'_>, problems: &mut Problems<'_>| match condition::value(
                    by, node, currency, problems,
                )? {
                    Value::Choice(word) => Some(word),
                    Value::Money(_)
                    | Value::Count(_)
                    | Value::Quantity(_)
                    | Value::Date(_)
                    | Value::Bool(_)
                    | Value::Text(_) => None,
                };
                reader::list_of(node, word, problems)
            },
            problems,
        ),
    };
    let levels = section.get(
        "levels",
        |node, problems| {
            let one = |node: Node<'_>, problems: &mut Problems<'_>| level(node, currency, problems);
            let levels = reader::list_of(node, one, problems)?;
            rising(&levels, &node.span(), problems).map(|()| levels)
        },
        problems,
    );
    section.finish(problems);
    let (names, levels) = levels?.into_iter().unzip();
    Some((ClassRow { is: is?, levels }, names))
}

/// The name of a level and what it asks.
type Level = (String, Vec<(Fact, Value)>);

fn level(node: Node<'_>, currency: Currency, problems: &mut Problems<'_>) -> Option<Level> {
    let mut section = Section::of(node, "a level", problems)?;
    let class = section.get("class", class_name, problems);
    let mut bounds = Vec::new();
    let mut sound = true;
    for (name, span, node) in section.keys().filter(|(name, ..)| *name != "class") {
        let fact = condition::unknown_or(name, span.clone(), problems);
        let Some(fact) = fact else {
            sound = false;
            continue;
        };
        if !fact.kind().ordered() {
            problems.note::<()>(
                &span,
                format!("{fact} has no order, so it can't be a lower bound"),
                "name an amount, a number or a date",
            );
            sound = false;
        }
        match condition::value(fact, node, currency, problems) {
            Some(value) => bounds.push((fact, value)),
            None => sound = false,
        }
    }
    if sound && bounds.is_empty() {
        return problems.note(
            &node.span(),
            "this level asks nothing, so every class below it is never reached",
            "give it a lower bound, such as staff = 10",
        );
    }
    bounds.sort_by_key(|(fact, _)| *fact);
    Some((class?, bounds)).filter(|_| sound)
}

/// Each level asks, of the same facts, at least what the one below it asks, and of one of them more.
fn rising(levels: &[Level], span: &Range<usize>, problems: &mut Problems<'_>) -> Option<()> {
    for pair in levels.windows(2) {
        let [(lower_name, lower), (upper_name, upper)] = pair else {
            continue;
        };
        let facts =
            |level: &[(Fact, Value)]| level.iter().map(|(fact, _)| *fact).collect::<Vec<_>>();
        let bounds = || lower.iter().zip(upper);
        let no_less = bounds().all(|((_, low), (_, high))| high >= low);
        let is_more = bounds().any(|((_, low), (_, high))| high > low);
        if facts(lower) != facts(upper) || !no_less || !is_more {
            return problems.note(
                span,
                format!("the level {upper_name} does not ask more than {lower_name}"),
                "let levels rise, on the same facts, from the lowest",
            );
        }
    }
    Some(())
}

/// The names of the classes, which are the same in every row.
fn alike(
    rows: &[NamedRow],
    span: &Range<usize>,
    problems: &mut Problems<'_>,
) -> Option<Vec<String>> {
    let (_, first) = rows.first()?;
    if rows.iter().all(|(_, names)| names == first) {
        return Some(first.clone());
    }
    problems.note(
        span,
        "the rows of this class have different levels",
        "give every row the same classes in the same order",
    )
}

fn every_word_once(
    by: Option<Fact>,
    rows: &[NamedRow],
    span: &Range<usize>,
    problems: &mut Problems<'_>,
) -> Option<()> {
    let Some(Kind::OneOf(words)) = by.map(Fact::kind) else {
        return if rows.len() == 1 {
            Some(())
        } else {
            problems.note(
                span,
                "several rows, and nothing to choose one by",
                "name a fact under `by`, or keep one row",
            )
        };
    };
    let rows_of = |word: &&'static Word| {
        let words = rows.iter().flat_map(|(row, _)| &row.is);
        words.filter(|other| *other == word).count()
    };
    for word in words {
        match rows_of(&word) {
            1 => {}
            0 => {
                return problems.note(
                    span,
                    format!("there is no row for {}", word.name),
                    "put every word of the fact into a row",
                );
            }
            _ => {
                return problems.note(
                    span,
                    format!("there are two rows for {}", word.name),
                    "put every word of the fact into one row",
                );
            }
        }
    }
    Some(())
}
