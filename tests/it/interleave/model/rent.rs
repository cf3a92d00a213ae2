//! The rent book: memo between a carrier and its tenants, never public money (DOMAIN 7). Bills, payments, waivers, deferrals.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Months, NaiveDate};
use subsidy_ledger::identity::Role::{Incubator, Manager, Provider, Reviewer, Sme};

use super::super::command::{Command, Measure, Month};
use super::super::office::{Who, acts_for, party_of};
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
    pub(in crate::interleave) bills: BTreeMap<Month, Bill>,
}

/// What became of a month's rent: open, deferred, paid or waived.
pub(in crate::interleave) type Bill = BTreeMap<Part, i64>;

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

/// Rent of a month that a carrier gives up, settled between carrier, tenant, reviewer and audit.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is said by another person"
)]
#[derive(Clone)]
pub(in crate::interleave) struct Waiver {
    pub(in crate::interleave) lease: usize,
    pub(in crate::interleave) month: Month,
    /// What the rent was before it was waived.
    pub(in crate::interleave) origin: Part,
    pub(in crate::interleave) amount: i64,
    pub(in crate::interleave) declared_by: Who,
    pub(in crate::interleave) stated: Option<(i64, Who)>,
    pub(in crate::interleave) settled: Option<(i64, Who)>,
    pub(in crate::interleave) audited: Option<(i64, Who)>,
    pub(in crate::interleave) is_compensable: bool,
    pub(in crate::interleave) is_claimed: bool,
    pub(in crate::interleave) is_voided: bool,
    /// It was a deferral.
    pub(in crate::interleave) is_converted: bool,
}

impl Waiver {
    pub(in crate::interleave) fn state(&self) -> &'static str {
        let agreed = self.stated.is_some_and(|(fen, _)| fen == self.amount);
        match self {
            _ if self.is_voided => "voided",
            _ if self.is_claimed => "claimed",
            _ if self.audited.is_some() && self.is_compensable => "compensable",
            _ if self.audited.is_some() => "non_compensable",
            _ if self.settled.is_some() || agreed => "confirmed",
            _ if self.stated.is_some() => "mismatched",
            _ => "declared",
        }
    }

    /// What of it stands: what a reviewer settled it at, if tenant and carrier did not agree.
    pub(super) fn standing(&self) -> i64 {
        if self.is_voided {
            return 0;
        }
        self.settled.map_or(self.amount, |(fen, _)| fen)
    }

    /// Carrier, tenant, reviewer and audit are four persons.
    fn is_of(&self, who: Who) -> bool {
        let said = [self.stated, self.settled, self.audited];
        self.declared_by == who || said.iter().flatten().any(|(_, by)| *by == who)
    }
}

/// Rent of a month that is paid later, in instalments.
#[derive(Clone)]
pub(in crate::interleave) struct Deferral {
    pub(in crate::interleave) lease: usize,
    pub(in crate::interleave) month: Month,
    pub(in crate::interleave) open: i64,
    pub(in crate::interleave) paid: i64,
    pub(in crate::interleave) defaulted: i64,
    pub(in crate::interleave) converted: i64,
    /// The last day of each in time, how much it is, and what of it is paid.
    pub(in crate::interleave) instalments: Vec<(NaiveDate, i64, i64)>,
}

/// The first day of a month, and the first of the next.
fn days((year, month): Month) -> (NaiveDate, NaiveDate) {
    let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
    (first, first + Months::new(1))
}

/// A part of a sum, rounded half up.
const fn portion(fen: i64, part: i64, of: i64) -> i64 {
    (fen * part * 2 + of) / (of * 2)
}

/// Equal parts; what does not divide goes to the first ones, a fen each.
fn parts(fen: i64, count: u8, first: NaiveDate) -> Vec<(NaiveDate, i64, i64)> {
    let count = i64::from(count);
    let due = |at: i64| first + Months::new(u32::try_from(at).unwrap());
    let part = |at: i64| fen / count + i64::from(at < fen % count);
    (0..count).map(|at| (due(at), part(at), 0)).collect()
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
            Command::Bill { lease, month } => self.bill(who, lease, month),
            Command::PayRent { lease, fen } => self.pay_rent(who, lease, fen),
            Command::Waive {
                lease,
                month,
                measure,
                refund,
            } => self.waive(who, (lease, month), measure, refund),
            Command::ConfirmWaiver { waiver, fen } => self.confirm_waiver(who, waiver, fen),
            Command::Settle { waiver, fen } => self.settle(who, waiver, fen),
            Command::Audit {
                waiver,
                fen,
                compensable,
            } => self.audit(who, waiver, fen, compensable),
            Command::VoidWaiver { waiver } => self.void_waiver(who, waiver),
            Command::Defer {
                lease,
                month,
                fen,
                count,
                first,
            } => self.defer(who, (lease, month), fen, (count, first)),
            Command::Instalment { deferral, fen } => self.instalment(who, deferral, fen),
            Command::Default { deferral } => self.make_due(who, deferral),
            Command::Convert { deferral } => self.convert(who, deferral),
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
        let taken = self
            .leases
            .iter()
            .any(|other| other.premises == premises && other.first <= last && first <= other.last);
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
            bills: BTreeMap::new(),
        });
        Ok(done)
    }

    /// The lease of a number, for its carrier.
    fn let_by(&self, who: Who, at: usize) -> Result<(Why, &Lease), Why> {
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

    /// Earlier than was agreed, and not before what is billed.
    fn end_lease(&mut self, who: Who, at: usize, last: NaiveDate) -> Outcome {
        let (mut why, lease) = self.let_by(who, at)?;
        let is_within = lease.first <= last && last < lease.last;
        let billed_until = |month: &Month| days(*month).1.pred_opt().unwrap().min(lease.last);
        let is_billed = lease.bills.keys().map(billed_until).any(|day| day > last);
        why.when(!is_within || is_billed, "NOT_WITHIN_LEASE");
        why.check()?;
        self.leases[at].last = last;
        Ok(self.one())
    }

    /// Rent by days, once a month. A bill counts on the last day of its month, or today.
    fn bill(&mut self, who: Who, at: usize, month: Month) -> Outcome {
        let (mut why, lease) = self.let_by(who, at)?;
        let (first, next) = days(month);
        let let_days =
            (lease.last.succ_opt().unwrap().min(next) - lease.first.max(first)).num_days();
        why.when(lease.bills.contains_key(&month), "ALREADY_BILLED");
        why.when(let_days <= 0, "NOT_WITHIN_LEASE");
        let counts = next.pred_opt().unwrap().min(self.today);
        why.when(self.is_closed(counts.year()), "period closed");
        why.check()?;
        let rent = portion(lease.rent, let_days, (next - first).num_days());
        self.leases[at]
            .bills
            .insert(month, [(Part::Open, rent)].into());
        let (open, billed) = (
            self.rent_account(at, "M1010"),
            self.rent_account(at, "M4010"),
        );
        self.books.post(&open, &billed, rent);
        Ok(self.one())
    }

    fn rent_account(&self, lease: usize, code: &str) -> String {
        let carrier = self.leases[lease].carrier;
        account(
            code,
            (None, None),
            Some(carrier),
            Some(&format!("L{lease}")),
        )
    }

    fn of_month(&self, lease: usize, month: Month, part: Part) -> i64 {
        let bill = self.leases[lease].bills.get(&month);
        bill.and_then(|bill| bill.get(&part)).copied().unwrap_or(0)
    }

    fn move_rent(&mut self, (lease, month): (usize, Month), (from, to): (Part, Part), fen: i64) {
        let bill = self.leases[lease].bills.get_mut(&month).unwrap();
        *bill.entry(from).or_default() -= fen;
        *bill.entry(to).or_default() += fen;
        assert!(bill[&from] >= 0, "more than there is of {month:?}");
        let (debit, credit) = (
            self.rent_account(lease, to.account()),
            self.rent_account(lease, from.account()),
        );
        self.books.post(&debit, &credit, fen);
    }

    /// The oldest rent is paid first.
    fn pay_rent(&mut self, who: Who, at: usize, fen: i64) -> Outcome {
        let (mut why, lease) = self.let_by(who, at)?;
        let months: Vec<Month> = lease.bills.keys().copied().collect();
        let open = |month: &Month| self.of_month(at, *month, Part::Open);
        why.when(months.iter().map(open).sum::<i64>() < fen, "MORE_THAN_OPEN");
        why.check()?;
        let mut left = fen;
        for month in months {
            let part = left.min(self.of_month(at, month, Part::Open));
            self.move_rent((at, month), (Part::Open, Part::Paid), part);
            left -= part;
        }
        Ok(self.one())
    }

    /// Of open rent, or of rent that was paid, which is given back then.
    fn waive(
        &mut self,
        who: Who,
        (at, month): (usize, Month),
        measure: Measure,
        refund: bool,
    ) -> Outcome {
        let (mut why, lease) = self.let_by(who, at)?;
        let Some(bill) = lease.bills.get(&month) else {
            return why.and("NOT_BILLED");
        };
        let rent: i64 = bill.values().sum();
        let fen = match measure {
            Measure::Full => rent,
            Measure::Half => portion(rent, 1, 2),
            Measure::Amount(fen) => fen,
        };
        let (origin, short) = if refund {
            (Part::Paid, "MORE_THAN_PAID")
        } else {
            (Part::Open, "MORE_THAN_OPEN")
        };
        why.when(self.of_month(at, month, origin) < fen, short);
        why.when(fen == 0, "NOTHING_LEFT");
        why.check()?;
        self.move_rent((at, month), (origin, Part::Waived), fen);
        let done = self.begins(format!("W{}", self.waivers.len()));
        self.declare(who, (at, month), origin, fen, false);
        Ok(done)
    }

    fn declare(
        &mut self,
        who: Who,
        (lease, month): (usize, Month),
        origin: Part,
        amount: i64,
        is_converted: bool,
    ) {
        self.waivers.push(Waiver {
            lease,
            month,
            origin,
            amount,
            declared_by: who,
            stated: None,
            settled: None,
            audited: None,
            is_compensable: false,
            is_claimed: false,
            is_voided: false,
            is_converted,
        });
    }

    /// The waiver of a number, for those who may see it: its carrier, its tenant, the office.
    fn waived(&self, who: Who, at: usize) -> Option<(Waiver, &Lease)> {
        let waiver = self.waivers.get(at)?.clone();
        let lease = &self.leases[waiver.lease];
        acts_for(who, &[lease.carrier, lease.tenant]).then_some((waiver, lease))
    }

    fn confirm_waiver(&mut self, who: Who, at: usize, fen: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Sme, Provider, Incubator]);
        let Some((waiver, lease)) = self.waived(who, at) else {
            return why.and("unknown waiver");
        };
        why.when(party_of(who) != Some(lease.tenant), "input");
        let says_so = waiver.stated.is_some_and(|(stated, _)| stated == fen);
        let waits = ["declared", "mismatched", "confirmed"].contains(&waiver.state());
        why.when(!waits || waiver.settled.is_some() || says_so, "WRONG_STATE");
        why.when(waiver.declared_by == who, "SEGREGATION");
        why.check()?;
        self.waivers[at].stated = Some((fen, who));
        Ok(self.one())
    }

    /// A reviewer settles a mismatch at no more than either says; the rest is rent again.
    fn settle(&mut self, who: Who, at: usize, fen: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer]);
        let Some((waiver, _)) = self.waived(who, at) else {
            return why.and("unknown waiver");
        };
        let stated = waiver.stated.map_or(0, |(fen, _)| fen);
        why.when(waiver.state() != "mismatched", "WRONG_STATE");
        why.when(waiver.is_of(who), "SEGREGATION");
        why.when(fen > stated.min(waiver.amount), "MORE_THAN_CONFIRMED");
        why.check()?;
        self.waivers[at].settled = Some((fen, who));
        self.rent_again(&waiver, waiver.amount - fen);
        Ok(self.one())
    }

    /// Rent that is not waived after all is what it was; what was deferred is due.
    fn rent_again(&mut self, waiver: &Waiver, fen: i64) {
        let origin = match waiver.origin {
            Part::Deferred => Part::Open,
            other => other,
        };
        let of = (waiver.lease, waiver.month);
        self.move_rent(of, (Part::Waived, origin), fen);
    }

    fn audit(&mut self, who: Who, at: usize, fen: i64, compensable: bool) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer, Manager]);
        let Some((waiver, _)) = self.waived(who, at) else {
            return why.and("unknown waiver");
        };
        why.when(waiver.state() == "mismatched", "TENANT_MISMATCH");
        why.when(waiver.state() != "confirmed", "WRONG_STATE");
        why.when(waiver.is_of(who), "SEGREGATION");
        why.when(fen > waiver.standing(), "MORE_THAN_CONFIRMED");
        why.check()?;
        let waiver = &mut self.waivers[at];
        waiver.audited = Some((fen, who));
        waiver.is_compensable = compensable && fen > 0;
        Ok(self.one())
    }

    fn void_waiver(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Incubator]);
        let Some((waiver, lease)) = self.waived(who, at) else {
            return why.and("unknown waiver");
        };
        why.unless(acts_for(who, &[lease.carrier]), "input");
        why.when(waiver.state() == "claimed", "CLAIMED");
        why.when(waiver.state() == "voided", "WRONG_STATE");
        why.check()?;
        self.rent_again(&waiver, waiver.standing());
        self.waivers[at].is_voided = true;
        Ok(self.one())
    }

    fn defer(
        &mut self,
        who: Who,
        (at, month): (usize, Month),
        asked: Option<i64>,
        (count, first): (u8, NaiveDate),
    ) -> Outcome {
        let (mut why, lease) = self.let_by(who, at)?;
        why.unless(lease.bills.contains_key(&month), "NOT_BILLED");
        why.check()?;
        let open = self.of_month(at, month, Part::Open);
        let fen = asked.unwrap_or(open);
        why.when(fen == 0, "NOTHING_LEFT");
        why.when(fen > open, "MORE_THAN_OPEN");
        why.when((1..i64::from(count)).contains(&fen), "input");
        why.check()?;
        self.move_rent((at, month), (Part::Open, Part::Deferred), fen);
        let done = self.begins(format!("S{}", self.deferrals.len()));
        self.deferrals.push(Deferral {
            lease: at,
            month,
            open: fen,
            paid: 0,
            defaulted: 0,
            converted: 0,
            instalments: parts(fen, count, first),
        });
        Ok(done)
    }

    fn deferred(&self, who: Who, at: usize) -> Result<(Why, Deferral), Why> {
        let mut why = Why::default();
        why.needs(who, &[Incubator]);
        let found = self.deferrals.get(at);
        let found = found.filter(|one| acts_for(who, &[self.leases[one.lease].carrier]));
        let Some(found) = found else {
            return why.and("unknown deferral");
        };
        why.when(found.open == 0, "WRONG_STATE");
        Ok((why, found.clone()))
    }

    /// Instalments are paid in their order.
    fn instalment(&mut self, who: Who, at: usize, fen: i64) -> Outcome {
        let (mut why, found) = self.deferred(who, at)?;
        why.when(found.open > 0 && fen > found.open, "MORE_THAN_OPEN");
        why.check()?;
        self.move_rent(
            (found.lease, found.month),
            (Part::Deferred, Part::Paid),
            fen,
        );
        let found = &mut self.deferrals[at];
        found.open -= fen;
        found.paid += fen;
        let mut left = fen;
        for (_, amount, paid) in &mut found.instalments {
            let part = left.min(*amount - *paid);
            *paid += part;
            left -= part;
        }
        Ok(self.one())
    }

    /// What is overdue makes all of it due.
    fn make_due(&mut self, who: Who, at: usize) -> Outcome {
        let (mut why, found) = self.deferred(who, at)?;
        let mut its = found.instalments.iter();
        let is_late = its.any(|(due, amount, paid)| paid < amount && *due < self.today);
        why.when(found.open > 0 && !is_late, "NOT_OVERDUE");
        why.check()?;
        self.move_rent(
            (found.lease, found.month),
            (Part::Deferred, Part::Open),
            found.open,
        );
        let one = &mut self.deferrals[at];
        (one.defaulted, one.open) = (found.open, 0);
        Ok(self.one())
    }

    /// What is open of a deferral becomes a waiver, dated today (DOMAIN 5).
    fn convert(&mut self, who: Who, at: usize) -> Outcome {
        let (why, found) = self.deferred(who, at)?;
        why.check()?;
        let of = (found.lease, found.month);
        self.move_rent(of, (Part::Deferred, Part::Waived), found.open);
        let one = &mut self.deferrals[at];
        (one.converted, one.open) = (found.open, 0);
        let done = self.begins(format!("W{}", self.waivers.len()));
        self.declare(who, of, Part::Deferred, found.open, true);
        Ok(done)
    }
}
