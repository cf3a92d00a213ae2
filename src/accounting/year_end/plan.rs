//! What the end of a budget year does with its authority.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::PgConnection;

use super::rule::{FreeAtEnd, Rule, VouchersAtEnd};
use crate::accounting::store;
use crate::journal::{self, AccountCode, ControlTotal};
use crate::programme;
use crate::types::{Code, Currency, FiscalYear, Money, Zone};

/// A programme's authority of the year, minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The programme.
    pub programme: Code,
    /// Its rule.
    pub rule: Rule,
    /// Whether it is frozen: then nothing is moved out of it.
    pub is_frozen: bool,
    /// What the year before carried over to it.
    pub brought_forward: Money,
    /// Used by nothing (B30).
    pub free: Money,
    /// Vouchers in holders' hands (B40).
    pub outstanding: Money,
    /// Held for orders or contracts (B50).
    pub reserved: Money,
    /// Owed and not yet paid (B60).
    pub obligated: Money,
    /// Paid (B70).
    pub paid: Money,
}

impl Line {
    const fn new(programme: Code) -> Self {
        Self {
            programme,
            rule: Rule {
                free: FreeAtEnd::Lapse,
                vouchers: VouchersAtEnd::Keep,
            },
            is_frozen: false,
            brought_forward: Money::ZERO,
            free: Money::ZERO,
            outstanding: Money::ZERO,
            reserved: Money::ZERO,
            obligated: Money::ZERO,
            paid: Money::ZERO,
        }
    }

    /// What lapses. What was brought forward counts as used first; what is left even of that has been unused for two
    /// years, and lapses under every rule.
    pub fn lapses(&self) -> Money {
        match self.rule.free {
            FreeAtEnd::Lapse => self.free,
            FreeAtEnd::Carry => {
                let used = [self.outstanding, self.reserved, self.obligated, self.paid];
                let used = used.into_iter().sum();
                self.brought_forward
                    .saturating_sub(used)
                    .max(Money::ZERO)
                    .min(self.free)
            }
        }
    }

    /// What is carried over.
    pub fn carries(&self) -> Money {
        self.free.saturating_sub(self.lapses())
    }

    /// Why the year can't be closed yet, as far as this programme goes.
    pub fn blocked(&self) -> Option<Blocked> {
        let ends = self.rule.vouchers == VouchersAtEnd::End;
        if self.is_frozen && self.free > Money::ZERO {
            Some(Blocked::Frozen)
        } else if ends && (self.outstanding > Money::ZERO || self.reserved > Money::ZERO) {
            Some(Blocked::Vouchers)
        } else {
            None
        }
    }
}

/// What has to be done about a programme first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocked {
    /// It is frozen.
    Frozen,
    /// Its vouchers and contracts end with the year, and some have not.
    Vouchers,
}

/// What the end of a year does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The year.
    pub year: FiscalYear,
    /// The zone's currency.
    pub currency: Currency,
    /// What no programme was given (B20): it lapses.
    pub unallocated: Money,
    /// The programmes that have authority of the year, in the order of their codes.
    pub lines: Vec<Line>,
}

/// As proposals and entries say it; amounts are decimal text.
#[derive(Serialize)]
struct Said<'a> {
    carries: String,
    lapses: String,
    programme: &'a Code,
}

impl Plan {
    /// The plan by the totals of now. Whoever moves by it locks the log's head before.
    pub async fn read(
        conn: &mut PgConnection,
        zone: &Zone,
        year: FiscalYear,
    ) -> Result<Self, sqlx::Error> {
        let totals = journal::control_totals(conn, zone.id).await?;
        let rules = store::rules(conn, zone.id).await?;
        let frozen = programme::store::all_frozen(conn, zone.id).await?;
        let mut plan = Self::of(&totals, year, zone.currency)
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        for line in &mut plan.lines {
            line.rule = rules.get(&line.programme).copied().unwrap_or_default();
            line.is_frozen = frozen
                .iter()
                .any(|one| one.programme == line.programme && one.year == year);
        }
        Ok(plan)
    }

    /// Pure: by control totals, without rules.
    fn of(
        totals: &[ControlTotal],
        year: FiscalYear,
        currency: Currency,
    ) -> Result<Self, <Code as std::str::FromStr>::Err> {
        let mut unallocated = Money::ZERO;
        let mut lines: BTreeMap<Code, Line> = BTreeMap::new();
        let mut carried: BTreeMap<Code, Money> = BTreeMap::new();
        for total in totals.iter().filter(|total| total.currency == currency) {
            let balance = total.balance();
            if total.programme.is_empty() {
                if total.code == AccountCode::B20 && total.year == year.0 {
                    unallocated = balance;
                }
                continue;
            }
            let programme: Code = total.programme.parse()?;
            if total.code == AccountCode::B90 && FiscalYear(total.year).next() == year {
                carried.insert(programme, balance);
                continue;
            }
            if total.year != year.0 {
                continue;
            }
            let line = lines
                .entry(programme.clone())
                .or_insert_with(|| Line::new(programme));
            let mut figures = [
                (AccountCode::B30, &mut line.free),
                (AccountCode::B40, &mut line.outstanding),
                (AccountCode::B50, &mut line.reserved),
                (AccountCode::B60, &mut line.obligated),
                (AccountCode::B70, &mut line.paid),
            ];
            let figure = figures.iter_mut().find(|(code, _)| *code == total.code);
            if let Some((_, figure)) = figure {
                **figure = balance;
            }
        }
        for (programme, amount) in carried {
            if let Some(line) = lines.get_mut(&programme) {
                line.brought_forward = amount;
            }
        }
        Ok(Self {
            year,
            currency,
            unallocated,
            lines: lines.into_values().collect(),
        })
    }

    /// What lapses in all.
    pub fn lapses(&self) -> Money {
        let lines = self.lines.iter().map(Line::lapses);
        lines.chain([self.unallocated]).sum()
    }

    /// What is carried over in all.
    pub fn carries(&self) -> Money {
        self.lines.iter().map(Line::carries).sum()
    }

    /// Whether nothing would be moved.
    pub fn is_empty(&self) -> bool {
        self.lapses() == Money::ZERO && self.carries() == Money::ZERO
    }

    /// What is proposed and confirmed: what lapses and is carried over of each line that moves, and of the zone's own.
    /// JSON with keys in their order.
    pub fn text(&self) -> String {
        #[derive(Serialize)]
        struct Whole<'a> {
            lines: Vec<Said<'a>>,
            unallocated: String,
        }
        let text = |amount: Money| amount.to_text(self.currency);
        let moving = self.lines.iter().filter(|line| line.free > Money::ZERO);
        let lines = moving.map(|line| Said {
            carries: text(line.carries()),
            lapses: text(line.lapses()),
            programme: &line.programme,
        });
        let whole = Whole {
            lines: lines.collect(),
            unallocated: text(self.unallocated),
        };
        serde_json::to_string(&whole).expect("BUG: a plan can be written as JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::AccountTotals;

    fn line(rule: FreeAtEnd, brought_forward: i64, free: i64, used: i64) -> Line {
        Line {
            rule: Rule {
                free: rule,
                vouchers: VouchersAtEnd::Keep,
            },
            brought_forward: Money::from_minor(brought_forward),
            free: Money::from_minor(free),
            paid: Money::from_minor(used),
            ..Line::new("P".parse().unwrap())
        }
    }

    #[test]
    fn free_authority_lapses_or_is_carried_over_and_never_for_a_third_year() {
        for (rule, brought_forward, free, used, lapses, carries) in [
            (FreeAtEnd::Lapse, 0, 100, 50, 100, 0),
            (FreeAtEnd::Lapse, 30, 100, 0, 100, 0),
            (FreeAtEnd::Carry, 0, 100, 50, 0, 100),
            // What was brought forward is used first.
            (FreeAtEnd::Carry, 30, 100, 50, 0, 100),
            (FreeAtEnd::Carry, 30, 100, 30, 0, 100),
            (FreeAtEnd::Carry, 30, 100, 10, 20, 80),
            (FreeAtEnd::Carry, 30, 100, 0, 30, 70),
            (FreeAtEnd::Carry, 100, 100, 0, 100, 0),
            // Of what was brought forward some was moved to another programme.
            (FreeAtEnd::Carry, 100, 60, 0, 60, 0),
            (FreeAtEnd::Carry, 0, 0, 100, 0, 0),
        ] {
            let line = line(rule, brought_forward, free, used);
            let got = (line.lapses().minor(), line.carries().minor());
            assert_eq!(got, (lapses, carries), "{line:?}");
        }
    }

    #[test]
    fn a_frozen_programme_and_vouchers_that_end_stand_in_the_way() {
        let free = line(FreeAtEnd::Lapse, 0, 1, 0);
        let ends = Rule {
            free: FreeAtEnd::Lapse,
            vouchers: VouchersAtEnd::End,
        };
        let held = Line {
            rule: ends,
            reserved: Money::from_minor(1),
            ..free.clone()
        };
        let outstanding = Line {
            rule: ends,
            outstanding: Money::from_minor(1),
            ..free.clone()
        };
        let kept = Line {
            rule: Rule::default(),
            ..held.clone()
        };
        let frozen = Line {
            is_frozen: true,
            ..free.clone()
        };
        let nothing_free = Line {
            is_frozen: true,
            ..line(FreeAtEnd::Lapse, 0, 0, 7)
        };
        for (line, blocked) in [
            (&free, None),
            (&held, Some(Blocked::Vouchers)),
            (&outstanding, Some(Blocked::Vouchers)),
            (&kept, None),
            (&frozen, Some(Blocked::Frozen)),
            (&nothing_free, None),
        ] {
            assert_eq!(line.blocked(), blocked, "{line:?}");
        }
    }

    #[test]
    fn totals_of_other_years_and_currencies_are_left_out() {
        let total =
            |code: AccountCode, currency: Currency, programme: &str, year, balance| ControlTotal {
                code,
                currency,
                programme: programme.to_owned(),
                year,
                totals: AccountTotals {
                    debits: Money::ZERO,
                    credits: Money::from_minor(balance),
                },
            };
        let cny = Currency::Cny;
        let totals = [
            total(AccountCode::B20, cny, "", 2020, 5),
            total(AccountCode::B20, cny, "", 2021, 6),
            total(AccountCode::B30, cny, "A", 2020, 70),
            total(AccountCode::B30, cny, "A", 2021, 1),
            total(AccountCode::B30, Currency::Eur, "A", 2020, 9),
            total(AccountCode::B90, cny, "A", 2019, 20),
            total(AccountCode::B90, cny, "C", 2019, 20),
            total(AccountCode::B60, cny, "B", 2020, 8),
            total(AccountCode::B80, cny, "B", 2020, 3),
        ];
        let plan = Plan::of(&totals, FiscalYear(2020), cny).unwrap();
        let expected = [
            Line {
                free: Money::from_minor(70),
                brought_forward: Money::from_minor(20),
                ..Line::new("A".parse().unwrap())
            },
            Line {
                obligated: Money::from_minor(8),
                ..Line::new("B".parse().unwrap())
            },
        ];
        assert_eq!(plan.lines, expected);
        assert_eq!(
            plan.text(),
            r#"{"lines":[{"carries":"0.00","lapses":"0.70","programme":"A"}],"unallocated":"0.05"}"#
        );
    }
}
