//! Accounts as sums of what was debited less what was credited, in fen, by their names.

use std::collections::BTreeMap;

/// Programme and budget year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::interleave) struct Line {
    pub(in crate::interleave) programme: &'static str,
    pub(in crate::interleave) year: i32,
}

/// An account: code, programme, year, party and case, with `-` for what it does not have.
pub(in crate::interleave) fn account(
    code: &str,
    line: (Option<&str>, Option<i32>),
    party: Option<&str>,
    case: Option<&str>,
) -> String {
    let year = line
        .1
        .map_or_else(|| "-".to_owned(), |year| year.to_string());
    let or_none = |name: Option<&str>| name.unwrap_or("-").to_owned();
    format!(
        "{code} {} {year} {} {}",
        or_none(line.0),
        or_none(party),
        or_none(case)
    )
}

pub(in crate::interleave) fn of_zone(code: &str) -> String {
    account(code, (None, None), None, None)
}

pub(in crate::interleave) fn of_year(code: &str, year: i32) -> String {
    account(code, (None, Some(year)), None, None)
}

impl Line {
    pub(in crate::interleave) fn account(self, code: &str) -> String {
        account(code, (Some(self.programme), Some(self.year)), None, None)
    }

    pub(in crate::interleave) fn of_party(self, code: &str, party: &str) -> String {
        let line = (Some(self.programme), Some(self.year));
        account(code, line, Some(party), None)
    }

    pub(in crate::interleave) fn of_case(self, code: &str, case: &str) -> String {
        let line = (Some(self.programme), Some(self.year));
        account(code, line, None, Some(case))
    }
}

/// All four books. A posting can't be unbalanced: it is one amount on two accounts (DESIGN 4).
#[derive(Clone, Default)]
pub(in crate::interleave) struct Books(BTreeMap<String, i64>);

impl Books {
    /// Debit, credit, amount. Nothing is no posting.
    pub(in crate::interleave) fn post(&mut self, debit: &str, credit: &str, amount: i64) {
        assert!(
            amount >= 0 && debit != credit,
            "{debit} / {credit} {amount}"
        );
        *self.0.entry(debit.to_owned()).or_default() += amount;
        *self.0.entry(credit.to_owned()).or_default() -= amount;
    }

    /// The balance of an account whose normal side is credit.
    pub(in crate::interleave) fn credit(&self, account: &str) -> i64 {
        -self.0.get(account).copied().unwrap_or(0)
    }

    /// The same over all cases of a budget line.
    pub(in crate::interleave) fn credit_of_line(&self, code: &str, line: Line) -> i64 {
        let begin = format!("{code} {} {} ", line.programme, line.year);
        let its = self.0.iter().filter(|(name, _)| name.starts_with(&begin));
        its.map(|(_, sum)| -sum).sum()
    }

    /// Every account that has a balance.
    pub(in crate::interleave) fn all(&self) -> impl Iterator<Item = (&String, i64)> {
        let all = self.0.iter().map(|(name, sum)| (name, *sum));
        all.filter(|(_, sum)| *sum != 0)
    }
}
