//! Drawing a sample, as an entry of the log, and drawing it again from what that entry says.
//!
//! The entry fixes the population (by the log's size, and by a SHA-256) and how many are drawn of each stratum. Unless the
//! auditor gives a seed, it is the root of the log that ends with this very entry: nobody knows it before the population is
//! fixed, and whoever draws once more leaves a second entry (docs/adr/0024).

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::sample::{Bounds, Extent, Item, Pick, Population, Stratum, sha256_of};
use super::{AuditError, DRAWN_BY, store};
use crate::identity::Command;
use crate::journal::{self, AsOf, Body, Entry, Recorded};
use crate::log;
use crate::policy::Sha256;
use crate::types::{Amount, Code, Currency, FiscalYear, LogIndex, Money, Name, Zone, ZoneId};

/// The kind of the entry. `entry_sample_drawn` indexes it.
const KIND: &str = "audit.sample_drawn";

/// A sample to be drawn.
#[derive(Clone, Debug)]
pub struct DrawSample {
    /// Where strata begin.
    pub bounds: Bounds,
    /// How many cases.
    pub extent: Extent,
    /// Only of this programme.
    pub programme: Option<Code>,
    /// The auditor's own seed; without one it is a root of the log that does not exist yet.
    pub seed: Option<Name>,
    /// Of what the first so many entries made owed; all without it.
    pub size: Option<i64>,
    /// Budget year of the cases.
    pub year: FiscalYear,
}

/// What was asked, as its entry writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    bounds: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every_from: Option<String>,
    extent: Extent,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    programme: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size: Option<i64>,
    year: FiscalYear,
}

impl Asked {
    fn new(input: &DrawSample, currency: Currency) -> Self {
        let text = |amount: &Amount| amount.money().to_text(currency);
        Self {
            bounds: input.bounds.amounts().iter().map(text).collect(),
            every_from: input.bounds.every_from().as_ref().map(text),
            extent: input.extent,
            programme: input.programme.clone(),
            seed: input.seed.clone(),
            size: input.size,
            year: input.year,
        }
    }

    /// The bounds again; `None` if the entry has none that can be.
    fn bounds(&self, currency: Currency) -> Option<Bounds> {
        let amount = |text: &String| Amount::new(Money::parse(text, currency).ok()?).ok();
        let bounds: Option<Vec<Amount>> = self.bounds.iter().map(amount).collect();
        let every_from = match &self.every_from {
            None => None,
            Some(text) => Some(amount(text)?),
        };
        Bounds::new(bounds?, every_from).ok()
    }
}

/// What the entry of a draw fixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    asked: Asked,
    /// SHA-256 of the population ([`Population::sha256`]).
    pub population_sha256: Sha256,
    /// The log's size whose payables are the population.
    pub size: i64,
    /// The strata.
    pub strata: Vec<Stratum>,
}

impl Plan {
    /// Budget year of the cases.
    pub fn year(&self) -> FiscalYear {
        self.asked.year
    }

    /// The only programme, if it is one.
    pub fn programme(&self) -> Option<&Code> {
        self.asked.programme.as_ref()
    }

    /// How many cases were asked for.
    pub fn extent(&self) -> Extent {
        self.asked.extent
    }

    /// The seed that the auditor gave.
    pub fn given_seed(&self) -> Option<&Name> {
        self.asked.seed.as_ref()
    }

    /// How many cases it draws.
    pub fn drawn(&self) -> usize {
        self.strata.iter().map(|stratum| stratum.drawn).sum()
    }

    /// How many cases there are.
    pub fn cases(&self) -> usize {
        self.strata.iter().map(|stratum| stratum.cases).sum()
    }
}

/// A draw in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// Its entry, and when it was recorded.
    pub recorded: Recorded,
    /// Who drew, by login.
    pub by: String,
    /// What it fixes.
    pub plan: Plan,
}

/// A case that was picked, for whoever works through the sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// By what it was picked.
    pub pick: Pick,
    /// What to look up: `C…` of a claim, `H…` of a voucher's order.
    pub case: String,
    /// The name of who is paid.
    pub payee: String,
    /// Programme.
    pub programme: Code,
}

/// A sample, drawn again from its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The draw.
    pub draw: Draw,
    /// The text that was hashed with each name.
    pub seed: String,
    /// What differs from the entry when the population is read again: nothing, unless rows were tampered with.
    pub differs: Vec<&'static str>,
    /// The cases, stratum by stratum, in the order of their hashes.
    pub picked: Vec<Picked>,
    /// SHA-256 of their names in this order ([`sha256_of`]).
    pub picks_sha256: Sha256,
}

/// Draws a sample of what is owed of a budget year. The picks follow from the entry: [`sample`] finds them.
pub async fn draw(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &DrawSample,
) -> Result<Recorded, AuditError> {
    command.actor.require(DRAWN_BY)?;
    let (zone, currency) = (command.zone.id, command.zone.currency);
    let asked = Asked::new(input, currency);
    let key = command.idempotency(KIND, &asked);
    let earlier: Option<(Recorded, serde::de::IgnoredAny)> =
        journal::first_answer(conn, zone, command.actor.person, key.as_ref()).await?;
    if let Some((recorded, _)) = earlier {
        return Ok(recorded);
    }
    if let Some(programme) = &input.programme
        && !store::has_programme(conn, zone, programme).await?
    {
        return Err(AuditError::Programme(programme.clone()));
    }
    let now = journal::size_at(conn, zone, AsOf::Now).await?;
    let size = input.size.unwrap_or(now);
    if size > now {
        return Err(AuditError::Beyond {
            asked: size,
            size: now,
        });
    }
    let items = population(conn, zone, &asked, size).await?;
    if items.is_empty() {
        let year = input.year;
        return Err(AuditError::Empty { year, size });
    }
    let population = Population::new(&items, &input.bounds, input.extent, currency)?;
    let plan = Plan {
        population_sha256: population.sha256(currency),
        size,
        strata: population.strata,
        asked,
    };
    let entry = Entry {
        idempotency: key,
        ..command.entry(KIND, &plan)?
    };
    Ok(journal::record_one(conn, command.zone, command.now, entry).await?)
}

async fn population(
    conn: &mut PgConnection,
    zone: ZoneId,
    asked: &Asked,
    size: i64,
) -> Result<Vec<Item>, sqlx::Error> {
    store::population(conn, zone, asked.year, asked.programme.as_ref(), size).await
}

/// The draws of a zone after an entry, oldest first, at most so many.
pub async fn draws(
    conn: &mut PgConnection,
    zone: ZoneId,
    after: Option<LogIndex>,
    limit: i64,
) -> Result<Vec<Draw>, AuditError> {
    let rows = store::draws(conn, zone, after, limit).await?;
    rows.iter().map(draw_of).collect()
}

fn draw_of(row: &store::DrawRow) -> Result<Draw, AuditError> {
    let body: Body<'_, Plan> = serde_json::from_slice(&row.body)
        .map_err(|error| AuditError::Unreadable(row.index, error.to_string()))?;
    Ok(Draw {
        recorded: Recorded {
            index: row.index,
            at: row.at,
        },
        by: row.by.clone(),
        plan: body.details,
    })
}

/// Draws the sample of an entry again: from the payables of then, by the seed that follows from the log.
pub async fn sample(
    conn: &mut PgConnection,
    zone: &Zone,
    index: LogIndex,
) -> Result<Drawn, AuditError> {
    let before = LogIndex(index.0.saturating_sub(1));
    let row = store::draws(conn, zone.id, Some(before), 1).await?.pop();
    let row = row.filter(|row| row.index == index);
    let draw = draw_of(&row.ok_or(AuditError::NoDraw(index))?)?;
    let plan = &draw.plan;
    let unreadable = |what: &str| AuditError::Unreadable(index, what.to_owned());
    let seed = if let Some(seed) = plan.given_seed() {
        seed.to_string()
    } else {
        let size = u64::try_from(index.0).map_err(|_| unreadable("its number"))?;
        log::store::root_at(conn, zone.id, size.saturating_add(1))
            .await?
            .to_string()
    };
    let items = population(conn, zone.id, &plan.asked, plan.size).await?;
    let bounds = plan.asked.bounds(zone.currency);
    let bounds = bounds.ok_or_else(|| unreadable("its bounds are none"))?;
    let population = Population::new(&items, &bounds, plan.asked.extent, zone.currency)?;
    let mut differs = Vec::new();
    if population.sha256(zone.currency) != plan.population_sha256 {
        differs.push("population");
    }
    if population.strata != plan.strata {
        differs.push("strata");
    }
    let picks = population.pick(&seed);
    let picks_sha256 = sha256_of(&picks);
    let picked = store::picked(conn, zone.id, picks).await?;
    Ok(Drawn {
        draw,
        seed,
        differs,
        picked,
        picks_sha256,
    })
}
