//! What people are reminded of: each thing once for its day, however often the job runs. Rows beside the log.

use chrono::{Days, NaiveDate};
use subsidy_ledger::identity::Role::{Manager, System};

use super::super::office::Who;
use super::{Model, Outcome, Why};

/// What is due: its kind, its case, the day, and the number of the instalment, if it is one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::interleave) struct Due {
    pub(in crate::interleave) kind: &'static str,
    pub(in crate::interleave) case: String,
    pub(in crate::interleave) day: NaiveDate,
    pub(in crate::interleave) number: usize,
}

impl Model {
    pub(super) fn remind(&mut self, who: Who) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[System, Manager]);
        why.check()?;
        let due = [
            self.vouchers_that_expire(),
            self.notices_that_are_over(),
            self.instalments_due(),
            self.recoveries_due(),
        ];
        for (due, party) in due.concat() {
            let made = (party, self.today);
            self.reminders.entry(due).or_insert(made);
        }
        Ok(self.several(0))
    }

    /// Vouchers with something free whose last day is within thirty days.
    fn vouchers_that_expire(&self) -> Vec<(Due, &'static str)> {
        let until = self.today + Days::new(30);
        let mut due = Vec::new();
        for (at, voucher) in self.vouchers.iter().enumerate() {
            let face = voucher.face.as_ref().filter(|face| face.free > 0);
            let soon = face.filter(|face| (self.today..=until).contains(&face.last_day));
            due.extend(soon.map(|face| {
                let due = Due {
                    kind: "voucher_expires",
                    case: format!("V{at}"),
                    day: face.last_day,
                    number: 0,
                };
                (due, voucher.party)
            }));
        }
        due
    }

    /// Claims in a notice whose last day has passed.
    fn notices_that_are_over(&self) -> Vec<(Due, &'static str)> {
        let mut due = Vec::new();
        for (at, claim) in self.claims.iter().enumerate() {
            let shown = claim.notice.filter(|_| claim.state == "noticed");
            let last_day = shown.map(|notice| self.notices[notice].last_day);
            due.extend(last_day.filter(|day| *day < self.today).map(|day| {
                let due = Due {
                    kind: "notice_over",
                    case: format!("C{at}"),
                    day,
                    number: 0,
                };
                (due, claim.party)
            }));
        }
        due
    }

    /// Due within seven days, or overdue.
    fn when_due(&self, day: NaiveDate, kinds: [&'static str; 2]) -> Option<&'static str> {
        let [soon, over] = kinds;
        if day < self.today {
            Some(over)
        } else {
            (day <= self.today + Days::new(7)).then_some(soon)
        }
    }

    /// Instalments of deferrals that go on, as far as they are not paid.
    fn instalments_due(&self) -> Vec<(Due, &'static str)> {
        let mut due = Vec::new();
        for (at, one) in self.deferrals.iter().enumerate() {
            let tenant = self.leases[one.lease].tenant;
            let parts = (1..).zip(&one.instalments);
            for (number, (day, amount, paid)) in parts {
                let kind = self.when_due(*day, ["instalment_due", "instalment_overdue"]);
                if let Some(kind) = kind.filter(|_| one.open > 0 && paid < amount) {
                    let case = format!("S{at}");
                    let day = *day;
                    due.push((
                        Due {
                            kind,
                            case,
                            day,
                            number,
                        },
                        tenant,
                    ));
                }
            }
        }
        due
    }

    /// Parts of what is asked back and open. What came back settled the earliest parts first: one is open as long as more is
    /// than the later ones come to.
    fn recoveries_due(&self) -> Vec<(Due, &'static str)> {
        let mut due = Vec::new();
        for (at, one) in self.recoveries.iter().enumerate() {
            let later = |number: usize| -> i64 {
                let later = one.parts.iter().filter(|(other, ..)| *other > number);
                later.map(|(.., fen)| fen).sum()
            };
            for (number, day, _) in &one.parts {
                let kind = self.when_due(*day, ["recovery_due", "recovery_overdue"]);
                if let Some(kind) = kind.filter(|_| later(*number) < one.open) {
                    let (case, day, number) = (format!("Z{at}"), *day, *number);
                    due.push((
                        Due {
                            kind,
                            case,
                            day,
                            number,
                        },
                        one.party,
                    ));
                }
            }
        }
        due
    }
}
