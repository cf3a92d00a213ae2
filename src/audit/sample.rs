//! Which cases a sample has. Pure: the same seed and population give the same picks on any machine.
//!
//! A case is ranked by the SHA-256 of the seed, a line feed and the case's name (`D431`), in UTF-8 and with nothing after
//! it. Of each stratum the cases with the lowest hashes are picked. Whoever has the list of cases and the seed finds the
//! same ones with `sha256sum` (docs/adr/0024).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::policy::Sha256;
use crate::types::{Amount, Currency, LogIndex, Money, excerpt};

/// One case of a population: something owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The entry that made it owed; `D` and this number is the name that is hashed.
    pub owed: LogIndex,
    /// What is owed.
    pub amount: Money,
}

impl Item {
    /// The name that is hashed.
    pub fn name(&self) -> String {
        format!("D{}", self.owed)
    }
}

/// Where one stratum ends and the next begins, by amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    bounds: Vec<Amount>,
    certainty: Option<Amount>,
}

/// Why bounds are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoundsError {
    /// Not in their order.
    #[error("--bound: the amounts have to grow, each larger than the one before it")]
    Order,
    /// The stratum of which every case is taken would not be the last.
    #[error("--every-from: it has to be larger than the last --bound")]
    Certainty,
    /// More than anybody needs.
    #[error("--bound: at most {MOST_BOUNDS}")]
    TooMany,
}

/// More strata than this nobody reads.
pub const MOST_BOUNDS: usize = 20;

impl Bounds {
    /// From growing amounts, and the amount from which on every case is taken.
    pub fn new(bounds: Vec<Amount>, certainty: Option<Amount>) -> Result<Self, BoundsError> {
        if bounds.len() > MOST_BOUNDS {
            return Err(BoundsError::TooMany);
        }
        if !bounds.is_sorted_by(|one, next| one < next) {
            return Err(BoundsError::Order);
        }
        match (bounds.last(), certainty) {
            (Some(last), Some(certainty)) if certainty <= *last => Err(BoundsError::Certainty),
            _ => Ok(Self { bounds, certainty }),
        }
    }

    /// Where strata begin, above zero and below the one that is taken whole.
    pub fn amounts(&self) -> &[Amount] {
        &self.bounds
    }

    /// From which amount on every case is taken.
    pub fn every_from(&self) -> Option<Amount> {
        self.certainty
    }

    /// The strata without their cases, from the lowest amounts up: from where, to where, and whether every case is taken.
    fn strata(&self) -> Vec<(Money, Option<Money>, bool)> {
        let starts = std::iter::once(Money::ZERO).chain(self.bounds.iter().map(|one| one.money()));
        let mut strata: Vec<_> = starts.map(|from| (from, None, false)).collect();
        strata.extend(self.certainty.map(|from| (from.money(), None, true)));
        let ends: Vec<Money> = strata.iter().skip(1).map(|(from, ..)| *from).collect();
        for (stratum, end) in strata.iter_mut().zip(ends) {
            stratum.1 = Some(end);
        }
        strata
    }
}

/// A part of a population in hundredths of a percent: 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(u16);

/// A text that is no share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no share: write percent with at most two decimals, over 0 and up to 100, such as 5 or 7.5"
)]
pub struct ShareError(String);

impl Share {
    /// A twentieth: what Yuhuan has to look at each year (DOMAIN section 8).
    pub const FIVE_PERCENT: Self = Self(500);
    const WHOLE: usize = 10_000;

    /// So much of a number of cases, rounded up, so that no stratum with cases is left out.
    fn of(self, cases: usize) -> usize {
        cases
            .saturating_mul(usize::from(self.0))
            .div_ceil(Self::WHOLE)
    }
}

impl FromStr for Share {
    type Err = ShareError;

    fn from_str(text: &str) -> Result<Self, ShareError> {
        let error = || ShareError(excerpt(text));
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "00"));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(decimals) || decimals.len() > 2 {
            return Err(error());
        }
        let hundredths: u32 = format!("{whole}{decimals:0<2}")
            .parse()
            .map_err(|_| error())?;
        match u16::try_from(hundredths) {
            Ok(share) if (1..=10_000).contains(&share) => Ok(Self(share)),
            Ok(_) | Err(_) => Err(error()),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} %", self.0 / 100, self.0 % 100)
    }
}

/// How many cases are drawn from the strata that are not taken whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// This share of each stratum, rounded up.
    Share(Share),
    /// So many in all: one of each stratum, and each further one from where there are most cases for each one drawn.
    Number(u32),
}

/// Too few for one of each stratum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "--number: {strata} strata have cases, and one is drawn of each: ask for {strata} at least, or for fewer strata"
)]
pub struct TooFew {
    /// How many strata have cases.
    pub strata: usize,
}

impl Extent {
    /// How many are drawn of strata with these numbers of cases.
    fn numbers(self, cases: &[usize]) -> Result<Vec<usize>, TooFew> {
        let number = match self {
            Self::Share(share) => return Ok(cases.iter().map(|cases| share.of(*cases)).collect()),
            Self::Number(number) => usize::try_from(number).unwrap_or(usize::MAX),
        };
        let mut drawn: Vec<usize> = cases.iter().map(|cases| usize::from(*cases > 0)).collect();
        let strata: usize = drawn.iter().sum();
        if number < strata {
            return Err(TooFew { strata });
        }
        let whole: usize = cases.iter().sum();
        for _ in strata..number.min(whole) {
            let mut next: Option<(usize, &mut usize)> = None;
            for (cases, drawn) in cases.iter().zip(&mut drawn) {
                // The larger quotient cases/drawn, compared without dividing.
                let is_more = next.as_ref().is_none_or(|(most, of)| {
                    cases.saturating_mul(**of) > most.saturating_mul(*drawn)
                });
                if *drawn < *cases && is_more {
                    next = Some((*cases, drawn));
                }
            }
            if let Some((_, drawn)) = next {
                *drawn += 1;
            }
        }
        Ok(drawn)
    }
}

/// A stratum of a population, as the entry of a draw states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stratum {
    /// How many cases it has.
    pub cases: usize,
    /// How many of them are drawn.
    pub drawn: usize,
    /// Whether every case is taken.
    pub every: bool,
    /// Its lowest amount, decimal text.
    pub from: String,
    /// What all its cases are together, decimal text.
    pub total: String,
    /// The amount that it ends before, decimal text; the last has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// A case that was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    /// The case.
    pub item: Item,
    /// Number of its stratum, from 1.
    pub stratum: usize,
    /// By which it was picked.
    pub rank: Sha256,
}

/// A population in its strata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Population {
    /// The strata, from the lowest amounts up.
    pub strata: Vec<Stratum>,
    items: Vec<Vec<Item>>,
}

impl Population {
    /// Sorts cases into strata and says how many are drawn of each.
    pub fn new(
        items: &[Item],
        bounds: &Bounds,
        extent: Extent,
        currency: Currency,
    ) -> Result<Self, TooFew> {
        let edges = bounds.strata();
        let mut sorted: Vec<Vec<Item>> = vec![Vec::new(); edges.len()];
        for item in items {
            let place = edges.partition_point(|(from, ..)| *from <= item.amount);
            if let Some(stratum) = place.checked_sub(1).and_then(|place| sorted.get_mut(place)) {
                stratum.push(*item);
            }
        }
        let open = edges.iter().zip(&sorted);
        let cases: Vec<usize> = open
            .map(|((_, _, every), items)| if *every { 0 } else { items.len() })
            .collect();
        let drawn = extent.numbers(&cases)?;
        let strata = edges.into_iter().zip(&sorted).zip(drawn);
        let strata = strata.map(|(((from, until, every), items), drawn)| Stratum {
            cases: items.len(),
            drawn: if every { items.len() } else { drawn },
            every,
            from: from.to_text(currency),
            total: items
                .iter()
                .map(|item| item.amount)
                .sum::<Money>()
                .to_text(currency),
            until: until.map(|until| until.to_text(currency)),
        });
        Ok(Self {
            strata: strata.collect(),
            items: sorted,
        })
    }

    /// What says that a population is the same: the SHA-256 of a line for each case, its name, a space and its amount, in
    /// the order of the log, each ended by a line feed.
    pub fn sha256(&self, currency: Currency) -> Sha256 {
        let mut items: Vec<&Item> = self.items.iter().flatten().collect();
        items.sort_unstable_by_key(|item| item.owed);
        let lines = items
            .into_iter()
            .map(|item| format!("{} {}\n", item.name(), item.amount.to_text(currency)));
        Sha256::of(lines.collect::<String>().as_bytes())
    }

    /// The cases that a seed picks: stratum by stratum, in the order of their hashes.
    pub fn pick(&self, seed: &str) -> Vec<Pick> {
        let mut picks = Vec::new();
        for ((number, stratum), items) in (1..).zip(&self.strata).zip(&self.items) {
            let mut ranked: Vec<Pick> = items
                .iter()
                .map(|item| Pick {
                    item: *item,
                    stratum: number,
                    rank: rank(seed, *item),
                })
                .collect();
            ranked.sort_unstable_by_key(|pick| (pick.rank, pick.item.owed));
            ranked.truncate(stratum.drawn);
            picks.append(&mut ranked);
        }
        picks
    }
}

/// By what cases are put in order: the seed, a line feed, the name.
fn rank(seed: &str, item: Item) -> Sha256 {
    Sha256::of(format!("{seed}\n{}", item.name()).as_bytes())
}

/// What says that two samples are the same: the SHA-256 of the names of the picks in their order, each ended by a line feed.
pub fn sha256_of(picks: &[Pick]) -> Sha256 {
    let names = picks.iter().map(|pick| format!("{}\n", pick.item.name()));
    Sha256::of(names.collect::<String>().as_bytes())
}

#[cfg(test)]
mod tests;
