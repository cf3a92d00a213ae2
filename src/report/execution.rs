//! Budget execution by programme, year and funder: the figures of [`super::budget_execution`], how each is borne, and what is
//! frozen.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chrono::NaiveDate;
use serde::ser::{Serialize, SerializeMap, Serializer};
use sqlx::PgConnection;

use super::figures::{BudgetFigures, BudgetLine};
use super::store;
use crate::policy::{self, Bilingual, Funder, split};
use crate::programme;
use crate::programme::store::Frozen;
use crate::types::{Code, Currency, FiscalYear, Money, PolicyId, Zone};

/// Which lines are asked for; all, if nothing is said.
#[derive(Clone, Debug, Default)]
pub struct ExecutionFilter {
    /// Of this budget year.
    pub year: Option<FiscalYear>,
    /// Of this programme, without the zone's own line.
    pub programme: Option<Code>,
}

/// What became of a budget line, and who bears it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The line with its figures.
    pub line: BudgetLine,
    /// Who bears it.
    pub borne: Borne,
    /// By what it is frozen.
    pub frozen: Option<Frozen>,
}

/// Who bears a budget line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Borne {
    /// Nobody yet: the line is the zone's own.
    Unallocated,
    /// Funders, by the shares of a version.
    ByShares {
        /// The version.
        version: Code,
        /// The day on which it is in force: the last of the year, or today if that has not come.
        on: NaiveDate,
        /// The funders with what each bears.
        funders: Vec<FunderLine>,
    },
    /// Funders who depend on the case: totals don't say which.
    ByCase {
        /// The version.
        version: Code,
        /// The day on which it is in force.
        on: NaiveDate,
    },
    /// No version was in force.
    NoPolicy {
        /// The day.
        on: NaiveDate,
    },
}

/// What a funder bears of a budget line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunderLine {
    /// Its code.
    pub code: Code,
    /// Its name.
    pub name: Bilingual,
    /// Its share, as the pack writes it.
    pub share: String,
    /// Its part of each figure.
    pub figures: BudgetFigures,
}

/// Why the report was not made.
#[derive(Debug, thiserror::Error)]
pub enum ExecutionError {
    /// A version can't be read.
    #[error(transparent)]
    Policy(#[from] policy::store::StoreError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Budget execution of the lines asked for, by year and programme; from control totals, so it costs as little for a million
/// entries as for one.
pub async fn execution(
    conn: &mut PgConnection,
    zone: &Zone,
    today: NaiveDate,
    filter: &ExecutionFilter,
) -> Result<Vec<Execution>, ExecutionError> {
    let frozen = programme::store::all_frozen(conn, zone.id).await?;
    let mut in_force = HashMap::new();
    let mut all = Vec::new();
    for line in store::budget_execution(conn, zone.id).await? {
        let is_asked = filter.year.is_none_or(|year| line.year == Some(year))
            && (filter.programme.is_none() || line.programme == filter.programme);
        if !is_asked {
            continue;
        }
        let borne = borne(conn, zone, today, (&line, &mut in_force)).await?;
        let is_it = |frozen: &&Frozen| {
            line.programme.as_ref() == Some(&frozen.programme) && line.year == Some(frozen.year)
        };
        let frozen = frozen.iter().find(is_it).cloned();
        all.push(Execution {
            line,
            borne,
            frozen,
        });
    }
    Ok(all)
}

/// The versions in force on the days that lines are borne on: as many as there are years, however many programmes.
type InForce = HashMap<NaiveDate, HashMap<Code, PolicyId>>;

/// Who bears a line by the version in force on the last day of its year, or today.
async fn borne(
    conn: &mut PgConnection,
    zone: &Zone,
    today: NaiveDate,
    (line, in_force): (&BudgetLine, &mut InForce),
) -> Result<Borne, ExecutionError> {
    let (Some(programme), Some(year)) = (&line.programme, line.year) else {
        return Ok(Borne::Unallocated);
    };
    let on = day_in(year, today);
    let versions = match in_force.entry(on) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => {
            place.insert(policy::store::all_in_force_on(conn, zone.id, on).await?)
        }
    };
    let Some(policy) = versions.get(programme).copied() else {
        return Ok(Borne::NoPolicy { on });
    };
    let policy = policy::store::load(conn, zone.id, policy).await?;
    let version = policy.version().clone();
    Ok(match policy.funding() {
        [only] if only.when.is_none() => Borne::ByShares {
            version,
            on,
            funders: shares(&line.figures, &only.funders),
        },
        _ => Borne::ByCase { version, on },
    })
}

/// Today, or the day of the year that is nearest to it.
fn day_in(year: FiscalYear, today: NaiveDate) -> NaiveDate {
    let days = year.period();
    let last = days.until().and_then(|next| next.pred_opt());
    today.clamp(days.from(), last.unwrap_or(today).max(days.from()))
}

/// The figures, split by the funders' shares: each figure that an account has is cut to whole minor units for each funder,
/// and what is left goes to the first ([`split`]). Figures that are sums of others are summed for each funder. So every
/// column adds up to the line's, and every row adds up by itself.
fn shares(figures: &BudgetFigures, funders: &[Funder]) -> Vec<FunderLine> {
    let of = |amount: Money| split(funders, amount);
    let parts = [
        of(figures.issued),
        of(figures.outstanding),
        of(figures.reserved),
        of(figures.obligated),
        of(figures.paid),
        of(figures.lapsed),
        of(figures.carried),
        of(figures.free),
    ];
    let line = |(at, funder): (usize, &Funder)| {
        let own = parts.each_ref().map(|parts| parts.get(at).copied());
        let [
            issued,
            outstanding,
            reserved,
            obligated,
            paid,
            lapsed,
            carried,
            free,
        ] = own.map(Option::unwrap_or_default);
        let sum = |parts: &[Money]| parts.iter().copied().sum();
        FunderLine {
            code: funder.code.clone(),
            name: funder.name.clone(),
            share: funder.share.to_string(),
            figures: BudgetFigures {
                appropriated: Money::ZERO,
                unallocated: Money::ZERO,
                allocated: sum(&[
                    outstanding,
                    reserved,
                    obligated,
                    paid,
                    lapsed,
                    carried,
                    free,
                ]),
                issued,
                outstanding,
                reserved,
                used: sum(&[reserved, obligated, paid]),
                redeemed: sum(&[obligated, paid]),
                obligated,
                paid,
                lapsed,
                carried,
                free,
            },
        }
    };
    funders.iter().enumerate().map(line).collect()
}

/// A funder's line as JSON; amounts are decimal text.
struct FunderJson<'a>(&'a FunderLine, Currency);

impl Serialize for FunderJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(line, currency) = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("funder", &line.code)?;
        map.serialize_entry("name_zh", &line.name.zh)?;
        map.serialize_entry("name_en", &line.name.en)?;
        map.serialize_entry("share", &line.share)?;
        for (name, figure) in line.figures.named() {
            map.serialize_entry(name, &figure.to_text(*currency))?;
        }
        map.end()
    }
}

impl Serialize for Execution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.line.serialize_fields(&mut map)?;
        let (split, version, on) = match &self.borne {
            Borne::Unallocated => ("unallocated", None, None),
            Borne::ByShares { version, on, .. } => ("by_shares", Some(version), Some(on)),
            Borne::ByCase { version, on } => ("by_case", Some(version), Some(on)),
            Borne::NoPolicy { on } => ("no_policy", None, Some(on)),
        };
        map.serialize_entry("split", split)?;
        map.serialize_entry("version", &version)?;
        map.serialize_entry("in_force_on", &on)?;
        let currency = self.line.currency;
        let funders = self.funders().iter();
        let funders: Vec<_> = funders.map(|line| FunderJson(line, currency)).collect();
        map.serialize_entry("funders", &funders)?;
        map.serialize_entry("frozen", &self.frozen)?;
        map.end()
    }
}

impl Execution {
    /// The funders, where shares say what each bears.
    pub fn funders(&self) -> &[FunderLine] {
        match &self.borne {
            Borne::ByShares { funders, .. } => funders,
            Borne::Unallocated | Borne::ByCase { .. } | Borne::NoPolicy { .. } => &[],
        }
    }

    /// How the line is split, in words; nothing where there is nothing to say.
    pub fn explained(&self) -> Option<String> {
        let (Some(programme), Some(year)) = (&self.line.programme, self.line.year) else {
            return None;
        };
        let said = match &self.borne {
            Borne::ByShares {
                version,
                on,
                funders,
            } if funders.len() > 1 => format!(
                "split by the shares of version {version}, in force on {on}: each figure cut to whole minor units, the rest \
                 to {}",
                funders.first()?.code
            ),
            Borne::Unallocated | Borne::ByShares { .. } => return None,
            Borne::ByCase { version, on } => format!(
                "not split: by version {version}, in force on {on}, the funders depend on the case"
            ),
            Borne::NoPolicy { on } => format!("not split: no version was in force on {on}"),
        };
        Some(format!("{programme} {year} is {said}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_the_version_lies_in_the_year() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let today = day("2023-06-30");
        for (year, expected) in [
            (2022, "2022-12-31"),
            (2023, "2023-06-30"),
            (2024, "2024-01-01"),
        ] {
            assert_eq!(day_in(FiscalYear(year), today), day(expected));
        }
    }

    /// Shares of a third: every column and every row adds up.
    #[test]
    fn no_minor_unit_is_lost_or_made() {
        let funder = |code: &str, share: &str| Funder {
            code: code.parse().unwrap(),
            name: Bilingual {
                zh: code.to_owned(),
                en: code.to_owned(),
            },
            share: share.parse().unwrap(),
        };
        let funders = [funder("A", "1/3"), funder("B", "1/3"), funder("C", "1/3")];
        let money = Money::from_minor;
        let figures = BudgetFigures {
            allocated: money(100 + 1 + 2 + 10 + 20 + 40 + 5),
            issued: money(1_000),
            outstanding: money(100),
            reserved: money(1),
            used: money(1 + 2 + 10),
            redeemed: money(2 + 10),
            obligated: money(2),
            paid: money(10),
            lapsed: money(20),
            carried: money(40),
            free: money(5),
            ..BudgetFigures::default()
        };
        let lines = shares(&figures, &funders);
        let total: BudgetFigures = lines.iter().map(|line| line.figures).sum();
        assert_eq!(total, figures);
        let rest: Vec<i64> = lines
            .iter()
            .map(|line| line.figures.outstanding.minor())
            .collect();
        assert_eq!(rest, [34, 33, 33]);
    }
}
