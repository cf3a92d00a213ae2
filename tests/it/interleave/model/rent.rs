//! The rent book: memo between a carrier and its tenants, never public money (DOMAIN 7). Leases, bills, payments.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, Months, NaiveDate};
use subsidy_ledger::identity::Role::Incubator;

use super::super::command::{Command, Month};
use super::super::office::{Who, acts_for};
use super::books::account;
use super::{Model, Outcome, Why};

#[derive(Clone)]
pub(in crate::interleave) struct Lease {
    pub(in crate::interleave) carrier: &'static str,
    pub(in crate::interleave) tenant: &'static str,
    pub(in crate::interleave) premises: &'static str,
    pub(in crate::interleave) rent: i64,
    pub(in crate::interleave) first: NaiveDate,
    pub(in crate::interleave) last: NaiveDate,
    /// Earlier than the last day where it was extended as a waiver: then it is free of rent.
    pub(in crate::interleave) rent_until: NaiveDate,
    pub(in crate::interleave) is_ended: bool,
    pub(in crate::interleave) bills: BTreeMap<Month, Bill>,
}

impl Lease {
    /// Whether a bill covers a day after this one.
    pub(super) fn is_billed_after(&self, day: NaiveDate) -> bool {
        self.bills.values().any(|bill| bill.last > day)
    }

    /// Whether the premises are let to another on some of these days.
    pub(super) fn collides(&self, premises: &str, (first, last): (NaiveDate, NaiveDate)) -> bool {
        self.premises == premises && self.first <= last && first <= self.last
    }
}

/// What became of a month's rent.
#[derive(Clone)]
pub(in crate::interleave) struct Bill {
    /// The last day that it covers.
    last: NaiveDate,
    parts: BTreeMap<Part, i64>,
}

impl Bill {
    pub(in crate::interleave) fn of(&self, part: Part) -> i64 {
        self.parts.get(&part).copied().unwrap_or(0)
    }

    pub(super) fn rent(&self) -> i64 {
        self.parts.values().sum()
    }
}

/// Rent is open, deferred, paid or waived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::interleave) enum Part {
    Open,
    Deferred,
    Paid,
    Waived,
}

impl Part {
    const fn account(self) -> &'static str {
        match self {
            Self::Open => "M1010",
            Self::Deferred => "M1020",
            Self::Paid => "M1030",
            Self::Waived => "M5010",
        }
    }
}

/// The first day of a month, and the first of the next.
pub(in crate::interleave) fn days((year, month): Month) -> (NaiveDate, NaiveDate) {
    let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
    (first, first + Months::new(1))
}

/// From one month to another, both of them.
pub(super) fn run((first, last): (Month, Month)) -> Vec<Month> {
    let next = |(year, month): &Month| {
        let is_last = *month == 12;
        Some(if is_last {
            (year + 1, 1)
        } else {
            (*year, month + 1)
        })
    };
    let months = std::iter::successors(Some(first), next);
    months.take_while(|month| *month <= last).collect()
}

/// A part of a sum, rounded half up.
pub(super) const fn portion(fen: i64, part: i64, of: i64) -> i64 {
    (fen * part * 2 + of) / (of * 2)
}

/// What rent of whole months costs on some days, each month by its days.
pub(super) fn rent_of(monthly: i64, (first, last): (NaiveDate, NaiveDate)) -> i64 {
    let month = |day: NaiveDate| (day.year(), day.month());
    let of = |one: Month| {
        let (begin, next) = days(one);
        let until = next.min(last + Days::new(1));
        let let_days = (until - begin.max(first)).num_days().max(0);
        portion(monthly, let_days, (next - begin).num_days())
    };
    run((month(first), month(last))).into_iter().map(of).sum()
}

/// Takes a sum from what lies in months, the first of these first. Gives what of each.
pub(super) fn take(lies: &mut Vec<(Month, i64)>, fen: i64) -> Vec<(Month, i64)> {
    let mut left = fen;
    let mut taken = Vec::new();
    for (month, has) in lies.iter_mut() {
        let part = left.min(*has);
        *has -= part;
        left -= part;
        taken.push((*month, part));
    }
    lies.retain(|(_, has)| *has > 0);
    taken.retain(|(_, part)| *part > 0);
    taken
}

impl Model {
    pub(super) fn of_rent(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match *command {
            Command::Lease {
                tenant,
                premises,
                rent,
                first,
                last,
            } => self.let_premises(who, (tenant, premises), rent, (first, last)),
            Command::EndLease { lease, last } => self.end_lease(who, lease, last),
            Command::Bill { lease, month, on } => self.bill(who, lease, month, on),
            Command::PayRent { lease, fen } => self.pay_rent(who, lease, fen),
            _ => return None,
        })
    }

    /// A unit is let once at a time.
    fn let_premises(
        &mut self,
        who: Who,
        (tenant, premises): (&'static str, &'static str),
        rent: i64,
        (first, last): (NaiveDate, NaiveDate),
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Incubator]);
        why.unless(acts_for(who, &["c"]), "unknown carrier");
        let mut others = self.leases.iter();
        let taken = others.any(|other| other.collides(premises, (first, last)));
        why.when(taken, "PREMISES_TAKEN");
        why.check()?;
        let done = self.begins(format!("L{}", self.leases.len()));
        self.leases.push(Lease {
            carrier: "c",
            tenant,
            premises,
            rent,
            first,
            last,
            rent_until: last,
            is_ended: false,
            bills: BTreeMap::new(),
        });
        Ok(done)
    }

    /// The lease of a number, for its carrier.
    pub(super) fn let_by(&self, who: Who, at: usize) -> Result<(Why, &Lease), Why> {
        let mut why = Why::default();
        why.needs(who, &[Incubator]);
        match self
            .leases
            .get(at)
            .filter(|lease| acts_for(who, &[lease.carrier]))
        {
            Some(lease) => Ok((why, lease)),
            None => why.and("unknown lease"),
        }
    }

    /// Earlier than was agreed, and not before what is billed; nor one that goes on free of rent.
    fn end_lease(&mut self, who: Who, at: usize, last: NaiveDate) -> Outcome {
        let (mut why, lease) = self.let_by(who, at)?;
        let is_within = lease.first <= last && last < lease.last;
        why.when(
            !is_within || lease.is_billed_after(last),
            "NOT_WITHIN_LEASE",
        );
        why.when(lease.rent_until < lease.last, "EXTENDED");
        why.check()?;
        let lease = &mut self.leases[at];
        (lease.last, lease.rent_until, lease.is_ended) = (last, last, true);
        Ok(self.one())
    }

    /// Rent by days, once a month. A bill counts on the last day of its month, or today; or on a day between them.
    fn bill(&mut self, who: Who, at: usize, month: Month, on: Option<NaiveDate>) -> Outcome {
        let (first, next) = days(month);
        let since = (next - Days::new(1)).min(self.today);
        let counts = on.unwrap_or(since);
        let is_input = !(since..=self.today).contains(&counts);
        let found = self.let_by(who, at);
        let (mut why, lease) = found.map_err(|why| why.also(is_input, "input"))?;
        why.when(is_input, "input");
        let last = lease.last.min(next - Days::new(1));
        why.when(lease.bills.contains_key(&month), "ALREADY_BILLED");
        why.when(last < lease.first.max(first), "NOT_WITHIN_LEASE");
        why.when(self.is_day_closed(counts), "period closed");
        why.check()?;
        let let_days = (lease.first.max(first), last.min(lease.rent_until));
        let rent = rent_of(lease.rent, let_days);
        let bill = Bill {
            last,
            parts: [(Part::Open, rent)].into(),
        };
        self.leases[at].bills.insert(month, bill);
        let (open, billed) = (
            self.rent_account(at, "M1010"),
            self.rent_account(at, "M4010"),
        );
        self.books.post(&open, &billed, rent);
        Ok(self.one())
    }

    pub(super) fn rent_account(&self, lease: usize, code: &str) -> String {
        let carrier = self.leases[lease].carrier;
        account(
            code,
            (None, None),
            Some(carrier),
            Some(&format!("L{lease}")),
        )
    }

    pub(super) fn of_month(&self, lease: usize, month: Month, part: Part) -> i64 {
        let bill = self.leases[lease].bills.get(&month);
        bill.map_or(0, |bill| bill.of(part))
    }

    /// Where rent lies in months of a lease.
    pub(super) fn lies(&self, lease: usize, months: &[Month], part: Part) -> Vec<(Month, i64)> {
        let months = months.iter().copied();
        months
            .map(|month| (month, self.of_month(lease, month, part)))
            .collect()
    }

    pub(super) fn is_billed(&self, lease: usize, months: &[Month]) -> bool {
        let bills = &self.leases[lease].bills;
        !months.is_empty() && months.iter().all(|month| bills.contains_key(month))
    }

    pub(super) fn move_rent(
        &mut self,
        lease: usize,
        (from, to): (Part, Part),
        sums: &[(Month, i64)],
    ) {
        for (month, fen) in sums {
            let bill = self.leases[lease].bills.get_mut(month).unwrap();
            *bill.parts.entry(from).or_default() -= fen;
            *bill.parts.entry(to).or_default() += fen;
            assert!(bill.of(from) >= 0, "more than there is of {month:?}");
        }
        let (debit, credit) = (
            self.rent_account(lease, to.account()),
            self.rent_account(lease, from.account()),
        );
        let fen = sums.iter().map(|(_, fen)| fen).sum();
        self.books.post(&debit, &credit, fen);
    }

    /// The oldest rent is paid first.
    fn pay_rent(&mut self, who: Who, at: usize, fen: i64) -> Outcome {
        let (mut why, lease) = self.let_by(who, at)?;
        let months: Vec<Month> = lease.bills.keys().copied().collect();
        let mut open = self.lies(at, &months, Part::Open);
        why.when(
            open.iter().map(|(_, fen)| fen).sum::<i64>() < fen,
            "MORE_THAN_OPEN",
        );
        why.check()?;
        self.move_rent(at, (Part::Open, Part::Paid), &take(&mut open, fen));
        Ok(self.one())
    }
}
