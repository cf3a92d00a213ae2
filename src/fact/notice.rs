//! The public notice between a recognition's proposal and its confirmation (公示). Pure.

use chrono::{Datelike, NaiveDate, Weekday};

/// The first day after a notice of so many working days: the day after the last of them. Those are counted from the day
/// after the proposal, Monday to Friday; public holidays are not known here. Without notice, the day of the proposal.
pub(super) fn first_day(proposed_on: NaiveDate, working_days: u16) -> NaiveDate {
    if working_days == 0 {
        return proposed_on;
    }
    let is_working = |day: &NaiveDate| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let after = proposed_on.iter_days().skip(1).filter(is_working);
    let last = after.take(usize::from(working_days)).last();
    let next = last.and_then(|last| last.succ_opt());
    next.unwrap_or(NaiveDate::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_ends_after_its_last_working_day() {
        for (proposed_on, days, expected) in [
            ("2020-06-01", 0, "2020-06-01"), // a Monday
            ("2020-06-01", 1, "2020-06-03"),
            ("2020-06-01", 5, "2020-06-09"),
            ("2020-06-01", 10, "2020-06-16"),
            ("2020-06-05", 1, "2020-06-09"), // a Friday
            ("2020-06-05", 5, "2020-06-13"),
            ("2020-06-06", 1, "2020-06-09"), // a Saturday
        ] {
            let found = first_day(proposed_on.parse().unwrap(), days);
            assert_eq!(found, expected.parse().unwrap(), "{proposed_on} {days}");
        }
    }
}
