//! What follows from facts by a pack's own tables: points of scores, and classes. Their names are 1 to 40 of
//! `a-z`, `0-9` and `_`, beginning with a letter.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::facts::{Kind, Value, Word};
use super::predicate::{Comparison, Outcome};
use super::registry::Fact;
use super::{Bilingual, Ratio, Seen};

/// Points for how high something is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// By which tests name it.
    pub name: String,
    /// What it is called.
    pub title: Bilingual,
    /// Where the source says so.
    pub clause: Bilingual,
    /// How the points are found.
    pub rule: ScoreRule,
}

/// How the points of a score are found. Parts are named by their places, all before this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScoreRule {
    /// By the band in which something lies.
    Bands(Measure, Vec<Band>),
    /// The higher of these: the applicant chooses.
    BestOf(Vec<usize>),
    /// All of these together.
    Sum(Vec<usize>),
}

/// What a band is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The value of a fact.
    Fact(Fact),
    /// The first as a part of the second.
    Ratio(Fact, Fact),
}

/// Points from a bound upwards, bound included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Where it begins; the lowest has no bound.
    pub at_least: Option<Threshold>,
    /// What it gives.
    pub points: u32,
}

/// The bound of a band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Threshold {
    /// Of a fact, in its own type.
    Value(Value),
    /// Of a ratio.
    Ratio(Ratio),
}

/// A classification by bounds that must all be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// By which tests name it.
    pub name: String,
    /// What it is called.
    pub title: Bilingual,
    /// Where the source says so.
    pub clause: Bilingual,
    /// The fact that chooses the row; `None` if there is one row for all.
    pub by: Option<Fact>,
    /// The classes, the lowest first.
    pub classes: Vec<String>,
    /// Each word of `by` is in exactly one.
    pub rows: Vec<ClassRow>,
}

/// The bounds for some words of the choosing fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassRow {
    /// For these words.
    pub is: Vec<&'static Word>,
    /// What each class but the lowest asks at least, in their order.
    pub levels: Vec<Vec<(Fact, Value)>>,
}

/// One fact as a part of another, or for each of another.
pub(super) enum Proportion {
    /// Both figures on one scale.
    Of(i64, i64),
    /// One of them was not stated.
    Unknown,
    /// The whole is zero.
    OfNothing,
}

pub(super) fn proportion(of: Fact, to: Fact, seen: &Seen) -> Proportion {
    let (above, below) = scales(of, to);
    let scalar = |fact: Fact, scale| seen.get(fact)?.scalar(fact.kind())?.checked_mul(scale);
    match (scalar(of, above), scalar(to, below)) {
        (_, Some(0)) => Proportion::OfNothing,
        (Some(part), Some(whole)) => Proportion::Of(part, whole),
        (_, _) => Proportion::Unknown,
    }
}

/// What to multiply the scalars of two facts by, so that they are on one scale: a count against a number with
/// two decimals is in hundredths, too.
pub(super) fn scales(of: Fact, to: Fact) -> (i64, i64) {
    let is_quantity = |fact: Fact| matches!(fact.kind(), Kind::Quantity(_));
    match (is_quantity(of), is_quantity(to)) {
        (true, false) => (1, 100),
        (false, true) => (100, 1),
        (true, true) | (false, false) => (1, 1),
    }
}

impl Measure {
    pub(super) fn facts(self) -> impl Iterator<Item = Fact> {
        let (first, second) = match self {
            Self::Fact(fact) => (fact, None),
            Self::Ratio(of, to) => (of, Some(to)),
        };
        std::iter::once(first).chain(second)
    }

    /// The points that the bands give, if what they are on is known.
    fn points(self, bands: &[Band], seen: &Seen) -> Option<u32> {
        let reached = self.reached(bands, seen)?;
        Some(bands.get(reached).map_or(0, |band| band.points))
    }

    /// The place of the band that is reached, if what they are on is known; that of none where the last has a bound.
    pub(super) fn reached(self, bands: &[Band], seen: &Seen) -> Option<usize> {
        let value = match self {
            Self::Fact(fact) => seen.get(fact),
            Self::Ratio(..) => None,
        };
        let part = match self {
            Self::Ratio(of, to) => match proportion(of, to, seen) {
                Proportion::Of(part, whole) => Some((part, whole)),
                Proportion::Unknown | Proportion::OfNothing => return None,
            },
            Self::Fact(_) => None,
        };
        if value.is_none() && part.is_none() {
            return None;
        }
        let reached = |band: &Band| match &band.at_least {
            None => true,
            Some(Threshold::Value(bound)) => value.is_some_and(|value| value >= bound),
            Some(Threshold::Ratio(ratio)) => {
                part.is_some_and(|(part, whole)| ratio.compare(part, whole).is_ge())
            }
        };
        Some(bands.iter().position(reached).unwrap_or(bands.len()))
    }
}

/// The least and the most points that any facts can give. Each score is looked at once, as parts come before what
/// they are part of.
pub(super) fn possible(scores: &[Score], score: usize) -> RangeInclusive<u32> {
    let mut found: Vec<(u32, u32)> = Vec::with_capacity(scores.len());
    for one in scores.iter().take(score.saturating_add(1)) {
        let joined = |parts: &[usize], join: fn(u32, u32) -> u32| {
            let parts = parts.iter().filter_map(|part| found.get(*part)).copied();
            parts.reduce(|one, other| (join(one.0, other.0), join(one.1, other.1)))
        };
        let range = match &one.rule {
            ScoreRule::Bands(_, bands) => {
                let points = || bands.iter().map(|band| band.points);
                points().min().zip(points().max())
            }
            ScoreRule::BestOf(of) => joined(of, u32::max),
            ScoreRule::Sum(of) => joined(of, u32::saturating_add),
        };
        found.push(range.unwrap_or_default());
    }
    let (least, most) = found.get(score).copied().unwrap_or_default();
    least..=most
}

/// The points of a score as far as facts settle them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreSeen {
    /// At least so many.
    pub least: u32,
    /// At most so many; the same where all facts were stated.
    pub most: u32,
    /// Which.
    pub name: String,
}

/// The class that facts put something in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassSeen {
    /// The class.
    pub class: String,
    /// Of which classification.
    pub name: String,
}

/// Whether a test holds of points that lie between these; `None` if that depends on what they are.
pub(super) fn score_holds(
    least: u32,
    most: u32,
    comparison: Comparison,
    points: u32,
) -> Option<bool> {
    let holds = |end: u32| comparison.holds(end.cmp(&points));
    let between = least < points && points < most;
    let open = holds(least) != holds(most) || (comparison == Comparison::Is && between);
    (!open).then(|| holds(least))
}

/// All scores and classes of a pack for the facts of one decision.
#[derive(Clone, Debug, Default)]
pub(super) struct Measures {
    scores: Vec<Points>,
    classes: Vec<Option<usize>>,
    class_missing: Vec<Vec<Fact>>,
}

#[derive(Clone, Debug, Default)]
struct Points {
    least: u32,
    most: u32,
    missing: Vec<Fact>,
    divides_by_zero: bool,
}

impl Measures {
    pub(super) fn of(scores: &[Score], classes: &[Class], seen: &Seen) -> Self {
        let mut measures = Self::default();
        for (place, score) in scores.iter().enumerate() {
            let points = measures.points(scores, place, score, seen);
            measures.scores.push(points);
        }
        for class in classes {
            let (found, missing) = class.of(seen);
            measures.classes.push(found);
            measures.class_missing.push(missing);
        }
        measures
    }

    fn points(&self, scores: &[Score], place: usize, score: &Score, seen: &Seen) -> Points {
        let (measure, bands) = match &score.rule {
            ScoreRule::Bands(measure, bands) => (measure, bands),
            ScoreRule::BestOf(parts) => {
                return self.joined(parts, u32::max);
            }
            ScoreRule::Sum(parts) => return self.joined(parts, u32::saturating_add),
        };
        if let Some(points) = measure.points(bands, seen) {
            return Points {
                least: points,
                most: points,
                ..Points::default()
            };
        }
        let possible = possible(scores, place);
        Points {
            least: *possible.start(),
            most: *possible.end(),
            missing: measure
                .facts()
                .filter(|fact| seen.get(*fact).is_none())
                .collect(),
            divides_by_zero: match measure {
                Measure::Ratio(of, to) => {
                    matches!(proportion(*of, *to, seen), Proportion::OfNothing)
                }
                Measure::Fact(_) => false,
            },
        }
    }

    /// Of parts that came before. Settled points need nothing more, even if a part is open.
    fn joined(&self, parts: &[usize], join: impl Fn(u32, u32) -> u32) -> Points {
        let parts = || parts.iter().filter_map(|part| self.scores.get(*part));
        let least = parts().map(|part| part.least).reduce(&join).unwrap_or(0);
        let most = parts().map(|part| part.most).reduce(&join).unwrap_or(0);
        if least == most {
            return Points {
                least,
                most,
                ..Points::default()
            };
        }
        Points {
            least,
            most,
            missing: parts().flat_map(|part| part.missing.clone()).collect(),
            divides_by_zero: parts().any(|part| part.divides_by_zero),
        }
    }

    /// Whether the test holds at both ends of what the points can be.
    pub(super) fn score_holds(&self, score: usize, comparison: Comparison, points: u32) -> Outcome {
        let Some(found) = self.scores.get(score) else {
            return Outcome::NeedsReview;
        };
        let holds = score_holds(found.least, found.most, comparison, points);
        holds.map_or(Outcome::NeedsReview, Outcome::of)
    }

    /// The most points that the facts leave possible.
    pub(super) fn most(&self, score: usize) -> u32 {
        self.scores.get(score).map_or(0, |found| found.most)
    }

    pub(super) fn score_missing(&self, score: usize) -> Vec<Fact> {
        let found = self.scores.get(score);
        found.map_or_else(Vec::new, |found| found.missing.clone())
    }

    pub(super) fn score_divides_by_zero(&self, score: usize) -> bool {
        self.scores
            .get(score)
            .is_some_and(|found| found.divides_by_zero)
    }

    /// The class by its place, if it can be said.
    pub(super) fn class(&self, class: usize) -> Option<usize> {
        self.classes.get(class).copied().flatten()
    }

    pub(super) fn class_missing(&self, class: usize) -> Vec<Fact> {
        self.class_missing.get(class).cloned().unwrap_or_default()
    }

    pub(super) fn scores_seen(&self, scores: &[Score]) -> Vec<ScoreSeen> {
        let pairs = scores.iter().zip(&self.scores);
        pairs
            .map(|(score, points)| ScoreSeen {
                least: points.least,
                most: points.most,
                name: score.name.clone(),
            })
            .collect()
    }

    pub(super) fn classes_seen(&self, classes: &[Class]) -> Vec<ClassSeen> {
        let pairs = classes.iter().zip(&self.classes);
        let known = pairs.filter_map(|(class, found)| {
            Some(ClassSeen {
                class: class.classes.get((*found)?)?.clone(),
                name: class.name.clone(),
            })
        });
        known.collect()
    }
}

impl Score {
    pub(super) fn facts(&self) -> Vec<Fact> {
        match &self.rule {
            ScoreRule::Bands(measure, _) => measure.facts().collect(),
            ScoreRule::BestOf(_) | ScoreRule::Sum(_) => Vec::new(),
        }
    }
}

impl Class {
    pub(super) fn facts(&self) -> Vec<Fact> {
        let bounds = self.rows.iter().flat_map(|row| row.levels.iter().flatten());
        let facts = bounds.map(|(fact, _)| *fact);
        self.by.into_iter().chain(facts).collect()
    }

    /// The row for the facts seen; `None` if the choosing fact was not stated.
    pub(super) fn row(&self, seen: &Seen) -> Option<&ClassRow> {
        let Some(by) = self.by else {
            return self.rows.first();
        };
        let Some(Value::Choice(word)) = seen.get(by) else {
            return None;
        };
        self.rows.iter().find(|row| row.is.contains(word))
    }

    /// The highest class whose bounds are all reached, or the facts that keep it open.
    pub(super) fn of(&self, seen: &Seen) -> (Option<usize>, Vec<Fact>) {
        let Some(row) = self.row(seen) else {
            return (None, self.by.into_iter().collect());
        };
        for (place, level) in row.levels.iter().enumerate().rev() {
            let bound = |(fact, bound): &(Fact, Value)| match seen.get(*fact) {
                Some(value) => Outcome::of(value >= bound),
                None => Outcome::NeedsReview,
            };
            match level.iter().map(bound).fold(Outcome::Pass, Outcome::and) {
                Outcome::Pass => return (Some(place + 1), Vec::new()),
                Outcome::Fail => {}
                Outcome::NeedsReview => {
                    let missing = level.iter().map(|(fact, _)| *fact);
                    let missing = missing.filter(|fact| seen.get(*fact).is_none()).collect();
                    return (None, missing);
                }
            }
        }
        (Some(0), Vec::new())
    }
}

/// Whether a text can name a score or a class.
pub(super) fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let first = text
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_lowercase());
    first && text.len() <= 40 && text.bytes().all(inner)
}
