//! Rent that a carrier gives up (DOMAIN 5): declared, confirmed by the tenant, settled by a reviewer, audited, voided.

use chrono::{Days, Months, NaiveDate};
use subsidy_ledger::identity::Role::{Incubator, Manager, Provider, Reviewer, Sme};

use super::super::command::{Command, Measure, Month, Way};
use super::super::office::{Who, acts_for, party_of};
use super::rent::{Lease, Part, days, portion, rent_of, run, take};
use super::{Model, Outcome, Why};

/// What a waiver gave up, and where it stands in the bills, less what was taken back.
#[derive(Clone)]
pub(in crate::interleave) enum Relief {
    /// Rent of months. It was open, paid or deferred; of a waiver by offset, it counts as paid for later months.
    Months {
        origin: Part,
        waived: Vec<(Month, i64)>,
        against: Vec<(Month, i64)>,
    },
    /// A longer lease: in no bill.
    Longer,
}

/// A waiver, settled between carrier, tenant, reviewer and audit.
#[derive(Clone)]
pub(in crate::interleave) struct Waiver {
    pub(in crate::interleave) lease: usize,
    /// The days of which rent was waived, or the day on which a deferral was converted.
    pub(in crate::interleave) days: (NaiveDate, NaiveDate),
    pub(in crate::interleave) relief: Relief,
    pub(in crate::interleave) amount: i64,
    pub(in crate::interleave) declared_by: Who,
    pub(in crate::interleave) stated: Option<(i64, Who)>,
    pub(in crate::interleave) settled: Option<(i64, Who)>,
    pub(in crate::interleave) audited: Option<(i64, Who)>,
    pub(in crate::interleave) is_compensable: bool,
    pub(in crate::interleave) is_claimed: bool,
    pub(in crate::interleave) is_voided: bool,
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
    fn standing(&self) -> i64 {
        if self.is_voided {
            return 0;
        }
        self.settled.map_or(self.amount, |(fen, _)| fen)
    }

    /// Whether anything of it may count in a claim: a longer lease is no cash waiver (DOMAIN 3).
    pub(super) fn counts(&self) -> bool {
        match &self.relief {
            // What was deferred counts on the day when it was converted, whatever is left of it.
            Relief::Months { origin, waived, .. } => {
                *origin == Part::Deferred || !waived.is_empty()
            }
            Relief::Longer => false,
        }
    }

    /// The days that a claim is for: of the months of which something is still waived.
    pub(super) fn claimed_days(&self) -> (NaiveDate, NaiveDate) {
        match &self.relief {
            Relief::Months { origin, waived, .. } if *origin != Part::Deferred => {
                let first = waived
                    .first()
                    .map_or(self.days.0, |(month, _)| days(*month).0);
                let last = waived
                    .last()
                    .map(|(month, _)| days(*month).1 - Days::new(1));
                (first, last.unwrap_or(self.days.1))
            }
            Relief::Months { .. } | Relief::Longer => self.days,
        }
    }

    /// Carrier, tenant, reviewer and audit are four persons.
    fn is_of(&self, who: Who) -> bool {
        let said = [self.stated, self.settled, self.audited];
        self.declared_by == who || said.iter().flatten().any(|(_, by)| *by == who)
    }
}

/// The same from the last month on.
fn take_last(lies: &mut Vec<(Month, i64)>, fen: i64) -> Vec<(Month, i64)> {
    lies.reverse();
    let taken = take(lies, fen);
    lies.reverse();
    taken
}

impl Model {
    pub(super) fn of_waiver(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match *command {
            Command::Waive {
                lease,
                months,
                measure,
                way,
            } => self.waive(who, (lease, months), measure, way),
            Command::Extend { lease, months } => self.extend_lease(who, lease, months),
            Command::ConfirmWaiver { waiver, fen } => self.confirm_waiver(who, waiver, fen),
            Command::Settle { waiver, fen } => self.settle(who, waiver, fen),
            Command::Audit {
                waiver,
                fen,
                compensable,
            } => self.audit(who, waiver, fen, compensable),
            Command::VoidWaiver { waiver } => self.void_waiver(who, waiver),
            _ => return None,
        })
    }

    /// Of open rent, or of rent that was paid: that is given back then, or counts as paid for later months. A share is one of
    /// each month; an amount is of the first months first.
    fn waive(
        &mut self,
        who: Who,
        (at, (first, last)): (usize, (Month, Month)),
        measure: Measure,
        way: Way,
    ) -> Outcome {
        let (months, later) = (run((first, last)), against(way));
        let is_input = match (way, later.first()) {
            (Way::Offset(..), None) => true,
            (Way::Offset(..), Some(later)) => *later <= last,
            (Way::Reduction | Way::Refund, _) => false,
        };
        let is_input = is_input || last < first;
        let found = self.let_by(who, at);
        let (mut why, lease) = found.map_err(|why| why.also(is_input, "input"))?;
        why.when(is_input, "input");
        if !self.is_billed(at, &months) {
            return why.and("NOT_BILLED");
        }
        let rent = |month: &Month| lease.bills[month].rent();
        let (origin, short) = match way {
            Way::Reduction => (Part::Open, "MORE_THAN_OPEN"),
            Way::Refund | Way::Offset(..) => (Part::Paid, "MORE_THAN_PAID"),
        };
        let mut lies = self.lies(at, &months, origin);
        let has: i64 = lies.iter().map(|(_, fen)| fen).sum();
        let each = |part: i64, of: i64| -> Vec<(Month, i64)> {
            let of = |month: &Month| (*month, portion(rent(month), part, of));
            months.iter().map(of).collect()
        };
        let waived = match measure {
            Measure::Full => each(1, 1),
            Measure::Half => each(1, 2),
            Measure::Amount(fen) => {
                why.when(has < fen, short);
                take(&mut lies, fen)
            }
        };
        let is_short = |(month, fen): &(Month, i64)| self.of_month(at, *month, origin) < *fen;
        why.when(waived.iter().any(is_short), short);
        let waived: Vec<_> = waived.into_iter().filter(|(_, fen)| *fen > 0).collect();
        let fen: i64 = waived.iter().map(|(_, fen)| fen).sum();
        let is_share = !matches!(measure, Measure::Amount(_));
        why.when(is_share && fen == 0, "NOTHING_LEFT");
        let mut open = self.lies(at, &later, Part::Open);
        if matches!(way, Way::Offset(..)) {
            let has: i64 = open.iter().map(|(_, fen)| fen).sum();
            let fits = self.is_billed(at, &later) && fen <= has;
            why.unless(fits, "MORE_THAN_OPEN");
        }
        why.check()?;
        let against = take(&mut open, if later.is_empty() { 0 } else { fen });
        self.move_rent(at, (origin, Part::Waived), &waived);
        self.move_rent(at, (Part::Open, Part::Paid), &against);
        let of_days = (days(first).0, days(last).1 - Days::new(1));
        let relief = Relief::Months {
            origin,
            waived,
            against,
        };
        Ok(self.declare(who, at, of_days, relief, fen))
    }

    /// The lease goes on for whole months, and they are free of rent: what they would cost is billed and waived at once.
    fn extend_lease(&mut self, who: Who, at: usize, months: u8) -> Outcome {
        let (mut why, lease) = self.let_by(who, at)?;
        why.when(lease.is_ended || months == 0, "NOT_WITHIN_LEASE");
        let from = lease.last + Days::new(1);
        let until = from + Months::new(u32::from(months)) - Days::new(1);
        let fen = if months == 0 {
            0
        } else {
            rent_of(lease.rent, (from, until))
        };
        let mut others = self.leases.iter().enumerate();
        let of_days = (lease.first, until);
        let taken = others.any(|(other, one)| other != at && one.collides(lease.premises, of_days));
        why.when(taken, "PREMISES_TAKEN");
        why.when(fen == 0, "NOTHING_LEFT");
        why.check()?;
        self.leases[at].last = until;
        let (waived, billed) = (
            self.rent_account(at, "M5010"),
            self.rent_account(at, "M4010"),
        );
        self.books.post(&waived, &billed, fen);
        Ok(self.declare(who, at, (from, until), Relief::Longer, fen))
    }

    pub(super) fn declare(
        &mut self,
        who: Who,
        lease: usize,
        of_days: (NaiveDate, NaiveDate),
        relief: Relief,
        amount: i64,
    ) -> super::Done {
        let done = self.begins(format!("W{}", self.waivers.len()));
        self.waivers.push(Waiver {
            lease,
            days: of_days,
            relief,
            amount,
            declared_by: who,
            stated: None,
            settled: None,
            audited: None,
            is_compensable: false,
            is_claimed: false,
            is_voided: false,
        });
        done
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
        let rest = (waiver.amount - fen).max(0);
        why.when(self.is_moved_on(&waiver, rest), "MOVED_ON");
        why.check()?;
        self.waivers[at].settled = Some((fen, who));
        self.rent_again(at, rest);
        Ok(self.one())
    }

    /// Whether what counted as paid by an offset is not there any more to be open again: it was waived too.
    fn is_moved_on(&self, waiver: &Waiver, fen: i64) -> bool {
        let Relief::Months { against, .. } = &waiver.relief else {
            return false;
        };
        let back = take_last(&mut against.clone(), fen);
        let mut back = back.into_iter();
        back.any(|(month, fen)| self.of_month(waiver.lease, month, Part::Paid) < fen)
    }

    /// Rent that is not waived after all is what it was, the last month first; what was deferred is due, and what counted as
    /// paid is open.
    fn rent_again(&mut self, at: usize, fen: i64) {
        let lease = self.waivers[at].lease;
        match &mut self.waivers[at].relief {
            Relief::Months {
                origin,
                waived,
                against,
            } => {
                let to = match origin {
                    Part::Deferred => Part::Open,
                    other => *other,
                };
                let (waived, against) = (take_last(waived, fen), take_last(against, fen));
                self.move_rent(lease, (Part::Waived, to), &waived);
                self.move_rent(lease, (Part::Paid, Part::Open), &against);
            }
            Relief::Longer => {
                let (waived, billed) = (
                    self.rent_account(lease, "M5010"),
                    self.rent_account(lease, "M4010"),
                );
                self.books.post(&billed, &waived, fen);
            }
        }
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

    /// An extension is taken back only as long as the lease ends with it and no day of it is billed.
    fn void_waiver(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Incubator]);
        let Some((waiver, lease)) = self.waived(who, at) else {
            return why.and("unknown waiver");
        };
        why.unless(acts_for(who, &[lease.carrier]), "input");
        why.when(waiver.state() == "claimed", "CLAIMED");
        why.when(waiver.state() == "voided", "WRONG_STATE");
        let (from, until) = waiver.days;
        let before = from - Days::new(1);
        let is_longer = matches!(waiver.relief, Relief::Longer);
        let is_last = lease.last == until && !lease.is_billed_after(before);
        why.when(is_longer && !is_last, "MOVED_ON");
        why.when(self.is_moved_on(&waiver, waiver.standing()), "MOVED_ON");
        why.check()?;
        self.rent_again(at, waiver.standing());
        self.waivers[at].is_voided = true;
        if is_longer {
            self.leases[waiver.lease].last = before;
        }
        Ok(self.one())
    }
}

/// The later months that an offset pays.
fn against(way: Way) -> Vec<Month> {
    match way {
        Way::Offset(first, last) => run((first, last)),
        Way::Reduction | Way::Refund => Vec::new(),
    }
}
