//! Budget execution and trial balance as values, with their JSON forms: amounts are decimal text.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::journal::{AccountCode, Book};
use crate::types::{Code, Currency, FiscalYear, Money};

macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// What became of budget authority, in minor units. The view `ledger.budget_execution` defines
        /// each figure by account codes.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct BudgetFigures { $($(#[$doc])* pub $name: Money,)+ }

        impl BudgetFigures {
            /// Every figure with its name, in the order in which they are shown.
            pub const fn named(&self) -> [(&'static str, Money); [$(stringify!($name)),+].len()] {
                [$((stringify!($name), self.$name)),+]
            }
        }

        impl std::iter::Sum for BudgetFigures {
            /// Adds figure by figure; only figures of one currency can be added.
            fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
                all.fold(Self::default(), |total, next| Self {
                    $($name: [total.$name, next.$name].into_iter().sum(),)+
                })
            }
        }
    };
}

figures! {
    /// Authority received (B10).
    appropriated,
    /// Authority that no programme has (B20).
    unallocated,
    /// Authority given to the programme (B30 to B90).
    allocated,
    /// Vouchers issued in total, with those that expired or were cancelled since.
    issued,
    /// In holders' hands and free to use (B40).
    outstanding,
    /// Held for orders or reserved for contracts (B50).
    reserved,
    /// Reserved or redeemed (B50, B60, B70).
    used,
    /// Approved for payment in total, as redemption, claim or past award (B60, B70).
    redeemed,
    /// Approved and not yet paid (B60).
    obligated,
    /// Paid, as a bank line says, less what was recovered (B70).
    paid,
    /// Lapsed or returned (B80).
    lapsed,
    /// Carried over to the next year (B90).
    carried,
    /// Allocated and used by nothing (B30).
    free,
}

impl BudgetFigures {
    /// The figures of several years as one: what was carried over stands once, in the year that has it now.
    pub fn of_years(years: impl Iterator<Item = Self>) -> Self {
        let all: Self = years.sum();
        Self {
            appropriated: all.appropriated.saturating_sub(all.carried),
            allocated: all.allocated.saturating_sub(all.carried),
            carried: Money::ZERO,
            ..all
        }
    }
}

/// A programme's name as it is given: in both languages, or once if they are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgrammeName {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

impl fmt::Display for ProgrammeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.zh)?;
        if self.en != self.zh {
            write!(f, " {}", self.en)?;
        }
        Ok(())
    }
}

/// Budget execution of one programme and year, or of what no programme has yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetLine {
    /// The programme; `None` for the zone's own line.
    pub programme: Option<Code>,
    /// Its name, where it is known.
    pub programme_name: Option<ProgrammeName>,
    /// The budget year.
    pub year: Option<FiscalYear>,
    /// What the figures are counted in.
    pub currency: Currency,
    /// The figures.
    pub figures: BudgetFigures,
}

impl BudgetLine {
    /// Its fields, for a report that says more of it.
    pub(super) fn serialize_fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("programme", &self.programme)?;
        let name = self.programme_name.as_ref().map(ToString::to_string);
        map.serialize_entry("programme_name", &name)?;
        map.serialize_entry("year", &self.year)?;
        map.serialize_entry("currency", &self.currency)?;
        for (name, figure) in self.figures.named() {
            map.serialize_entry(name, &figure.to_text(self.currency))?;
        }
        Ok(())
    }
}

impl Serialize for BudgetLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.serialize_fields(&mut map)?;
        map.end()
    }
}

/// One account code of the trial balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrialBalanceRow {
    /// The code.
    pub code: AccountCode,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
    /// What it is counted in.
    pub currency: Currency,
    /// Total debits, minor units.
    pub debits: Money,
    /// Total credits, minor units.
    pub credits: Money,
    /// Balance, positive on the code's normal side, minor units.
    pub balance: Money,
}

impl TrialBalanceRow {
    /// The book that the code belongs to.
    pub const fn book(&self) -> Book {
        self.code.book()
    }
}

impl Serialize for TrialBalanceRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("book", &self.book())?;
        map.serialize_entry("code", &self.code)?;
        map.serialize_entry("name_zh", &self.name_zh)?;
        map.serialize_entry("name_en", &self.name_en)?;
        map.serialize_entry("currency", &self.currency)?;
        map.serialize_entry("debits", &self.debits.to_text(self.currency))?;
        map.serialize_entry("credits", &self.credits.to_text(self.currency))?;
        map.serialize_entry("balance", &self.balance.to_text(self.currency))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_carried_over_counts_once_over_the_years() {
        let figures = |appropriated, carried, free| BudgetFigures {
            appropriated: Money::from_minor(appropriated),
            allocated: Money::from_minor(appropriated),
            carried: Money::from_minor(carried),
            free: Money::from_minor(free),
            ..BudgetFigures::default()
        };
        let years = [
            figures(1_000, 200, 0),
            figures(200, 150, 0),
            figures(450, 0, 450),
        ];
        let all = BudgetFigures::of_years(years.into_iter());
        // 1,000 came in the first year and 300 in the third; 50 of the second were used by then.
        assert_eq!(all, figures(1_300, 0, 450));
    }
}
