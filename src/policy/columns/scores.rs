//! Points of whole blocks of rows.

use super::mask::{BLOCK, Mask, WORDS};
use super::{Slice, View, at, by_row};
use crate::policy::measure::{Band, Measure, Score, ScoreRule, Threshold, possible, score_holds};
use crate::policy::predicate::Comparison;
use crate::policy::{Fact, Ratio};

/// The least and the most points that a score can have, row by row.
pub(super) type Points = (Vec<u32>, Vec<u32>);

impl View<'_> {
    /// Of which rows a test of points holds.
    pub(super) fn score(&self, score: usize, comparison: Comparison, points: u32) -> Mask {
        let Some((least, most)) = self.scores.get(score) else {
            return Mask::open();
        };
        if least == most {
            return Mask::compared(least, &[u64::MAX; WORDS], comparison, points);
        }
        Mask::by_row(|row| {
            let (least, most) = (*least.get(row)?, *most.get(row)?);
            score_holds(least, most, comparison, points)
        })
    }

    /// The points of a score, of whose parts the points are known.
    pub(super) fn points(&self, place: usize, score: &Score) -> Points {
        match &score.rule {
            ScoreRule::BestOf(parts) => self.joined(parts, u32::max),
            ScoreRule::Sum(parts) => self.joined(parts, u32::saturating_add),
            ScoreRule::Bands(measure, bands) => {
                if let Some(points) = self.banded_fully(*measure, bands) {
                    return (points.clone(), points);
                }
                let possible = possible(&self.desk.policy.scores, place);
                let points = self.banded(*measure, bands);
                let end = |end: u32| points.iter().map(|points| points.unwrap_or(end)).collect();
                (end(*possible.start()), end(*possible.end()))
            }
        }
    }

    fn joined(&self, parts: &[usize], join: impl Fn(u32, u32) -> u32) -> Points {
        let mut parts = parts.iter().filter_map(|part| self.scores.get(*part));
        let Some((least, most)) = parts.next() else {
            return (vec![0; BLOCK], vec![0; BLOCK]);
        };
        let (mut least, mut most) = (least.clone(), most.clone());
        for (low, high) in parts {
            for (sum, points) in least.iter_mut().zip(low) {
                *sum = join(*sum, *points);
            }
            for (sum, points) in most.iter_mut().zip(high) {
                *sum = join(*sum, *points);
            }
        }
        (least, most)
    }

    /// The points of the bands, row by row, where they can be said.
    fn banded(&self, measure: Measure, bands: &[Band]) -> Vec<Option<u32>> {
        match measure {
            Measure::Fact(fact) => {
                let values = self.fact(fact);
                let bounds: Vec<(i64, u32)> = bands
                    .iter()
                    .map(|band| (lower_bound(band, fact), band.points))
                    .collect();
                by_row(|row| {
                    let value = at(values, row)?;
                    let reached = bounds.iter().find(|(bound, _)| value >= *bound);
                    Some(reached.map_or(0, |(_, points)| *points))
                })
            }
            Measure::Ratio(of, to) => {
                let (of, to) = (self.fact(of), self.fact(to));
                by_row(|row| {
                    let (part, whole) = (at(of, row)?, at(to, row).filter(|whole| *whole != 0)?);
                    let reached = bands.iter().find(|band| match &band.at_least {
                        Some(Threshold::Ratio(ratio)) => ratio.compare(part, whole).is_ge(),
                        Some(Threshold::Value(_)) | None => true,
                    });
                    Some(reached.map_or(0, |band| band.points))
                })
            }
        }
    }

    /// The points of the bands, where every row of the block has what they are on: without branches, since rows lie in
    /// bands at random.
    fn banded_fully(&self, measure: Measure, bands: &[Band]) -> Option<Vec<u32>> {
        match measure {
            Measure::Fact(fact) => {
                let values = full(self.fact(fact))?.iter().copied();
                reached(values, bands, |band| Some(lower_bound(band, fact)))
            }
            Measure::Ratio(of, to) => {
                let denominator = bands.iter().try_fold(1, |common, band| {
                    lcm(common, ratio(band).map_or(1, Ratio::denom))
                })?;
                let parts = in_units(full(self.fact(of))?, full(self.fact(to))?, denominator)?;
                reached(parts, bands, |band| {
                    let bound = ratio(band)?;
                    bound.numer().checked_mul(denominator / bound.denom())
                })
            }
        }
    }
}

/// The points of the highest band whose bound each value reaches. A band gives what it has more than the one below.
/// `None` where a bound does not fit 32 bits, of which every processor compares four at once.
fn reached(
    values: impl Iterator<Item = i64>,
    bands: &[Band],
    bound: impl Fn(&Band) -> Option<i64>,
) -> Option<Vec<u32>> {
    let narrow = |value: i64| {
        let end = if value < 0 { i32::MIN } else { i32::MAX };
        i32::try_from(value).unwrap_or(end)
    };
    let values: Vec<i32> = values.map(narrow).collect();
    let mut points = vec![bands.last()?.points; BLOCK];
    for pair in bands.windows(2) {
        let [upper, lower] = pair else { continue };
        let bound = i32::try_from(bound(upper)?).ok()?;
        let more = upper.points - lower.points;
        for (points, value) in points.iter_mut().zip(&values) {
            *points += u32::from(*value >= bound) * more;
        }
    }
    Some(points)
}

/// What part each is of its whole, in whole units of one by the denominator, rounded down: it reaches a number of such
/// units if and only if the exact ratio does. `None` where a product does not fit or a sign makes rounding the wrong way.
fn in_units<'v>(
    parts: &'v [i64],
    wholes: &'v [i64],
    denominator: i64,
) -> Option<impl Iterator<Item = i64> + use<'v>> {
    let least = |values: &[i64]| values.iter().copied().min();
    let most = parts.iter().copied().max()?;
    most.checked_mul(denominator)?;
    if least(parts)? < 0 || least(wholes)? <= 0 {
        return None;
    }
    let pairs = parts.iter().zip(wholes);
    Some(pairs.map(move |(part, whole)| part * denominator / whole))
}

/// The least common multiple, if it fits.
fn lcm(one: i64, other: i64) -> Option<i64> {
    let (mut divisor, mut rest) = (one, other);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    one.checked_div(divisor)?.checked_mul(other)
}

const fn ratio(band: &Band) -> Option<Ratio> {
    match &band.at_least {
        Some(Threshold::Ratio(ratio)) => Some(*ratio),
        Some(Threshold::Value(_)) | None => None,
    }
}

/// Where a band of a fact begins; the last has no bound.
fn lower_bound(band: &Band, fact: Fact) -> i64 {
    let bound = match &band.at_least {
        Some(Threshold::Value(value)) => value.scalar(fact.kind()),
        Some(Threshold::Ratio(_)) | None => None,
    };
    bound.unwrap_or(i64::MIN)
}

/// The values of a block in which every row is known.
fn full(slice: Option<Slice<'_>>) -> Option<&[i64]> {
    let (values, known) = slice?;
    known.iter().all(|word| *word == u64::MAX).then_some(values)
}
