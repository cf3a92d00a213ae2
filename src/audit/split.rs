//! Cases of one party that stay just under a threshold one by one, and reach it together. Pure.

use chrono::NaiveDate;

use crate::types::Money;

/// A case just under a threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Under<C> {
    pub(super) case: C,
    pub(super) day: NaiveDate,
    pub(super) amount: Money,
}

/// Runs of at least two cases, each at most `days` after the one before, that reach the threshold together. The cases are
/// of one party and near one threshold, in the order of their days.
pub(super) fn runs<C>(cases: Vec<Under<C>>, days: u16, threshold: Money) -> Vec<Vec<Under<C>>> {
    let mut runs: Vec<Vec<Under<C>>> = Vec::new();
    for case in cases {
        let follows = runs.last().and_then(|run| run.last()).is_some_and(|last| {
            case.day.signed_duration_since(last.day).num_days() <= i64::from(days)
        });
        match runs.last_mut().filter(|_| follows) {
            Some(run) => run.push(case),
            None => runs.push(vec![case]),
        }
    }
    runs.retain(|run| {
        let total: Money = run.iter().map(|case| case.amount).sum();
        run.len() > 1 && total >= threshold
    });
    runs
}

/// The lowest amount that is at most so many percent under a threshold, rounded up to a minor unit.
pub(super) fn lowest(threshold: Money, percent: u8) -> Money {
    let kept = 100_u8.saturating_sub(percent);
    let hundredfold = i128::from(threshold.minor()) * i128::from(kept);
    let lowest = (hundredfold + 99) / 100;
    Money::from_minor(i64::try_from(lowest).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(cases: &[(&str, i64)], days: u16, threshold: i64) -> Vec<Vec<usize>> {
        let cases = cases.iter().enumerate().map(|(case, (day, yuan))| Under {
            case,
            day: day.parse().unwrap(),
            amount: Money::from_minor(yuan * 100),
        });
        let runs = runs(cases.collect(), days, Money::from_minor(threshold * 100));
        runs.into_iter()
            .map(|run| run.into_iter().map(|under| under.case).collect())
            .collect()
    }

    #[test]
    fn a_run_is_of_neighbours_that_reach_the_threshold() {
        let none: [Vec<usize>; 0] = [];
        assert_eq!(played(&[], 30, 100), none);
        assert_eq!(played(&[("2020-01-01", 95)], 30, 100), none);
        let two = [("2020-01-01", 95), ("2020-01-31", 91)];
        assert_eq!(played(&two, 30, 100), [[0, 1]]);
        assert_eq!(played(&two, 29, 100), none);
        assert_eq!(played(&two, 30, 186), [[0, 1]]);
        assert_eq!(played(&two, 30, 187), none);
    }

    #[test]
    fn a_run_goes_on_as_long_as_the_next_is_near() {
        let many = [
            ("2020-01-01", 95),
            ("2020-01-26", 95),
            ("2020-02-20", 95),
            ("2020-06-01", 95),
            ("2020-06-01", 99),
            ("2020-12-01", 99),
        ];
        assert_eq!(played(&many, 30, 100), [vec![0, 1, 2], vec![3, 4]]);
    }

    #[test]
    fn the_band_under_a_threshold_begins_at_a_whole_minor_unit() {
        let minor = |threshold, percent| lowest(Money::from_minor(threshold), percent).minor();
        assert_eq!(minor(100_000, 10), 90_000);
        assert_eq!(minor(101, 10), 91);
        assert_eq!(minor(100, 0), 100);
        assert_eq!(minor(i64::MAX, 100), 0);
    }
}
