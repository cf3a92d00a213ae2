//! What a draft would change, against the version in force: who gains, who loses, what it costs.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use super::answer::{Unmet, is_zero};
use super::load::{Among, Progress, Wanted, assumed_in_vain, load};
use super::whole::{Screened, ScreeningError, Standing, check};
use crate::policy::{Fact, Facts, Outcome, Policy, ReasonCode, Sha256};
use crate::types::{Code, Currency, Money, PartyId, Zone};

/// What would be decided on a day by a draft, and by the version in force.
#[derive(Debug, Serialize)]
pub struct Simulation {
    /// The day.
    pub on: NaiveDate,
    /// Which parties were looked at.
    pub among: Among,
    /// How many.
    pub parties: usize,
    /// How many of them were registered after the day.
    #[serde(skip_serializing_if = "is_zero")]
    pub registered_since: usize,
    /// Facts that were assumed in vain: neither pack asks for them, or they are known of every party.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumed_in_vain: Vec<Fact>,
    /// Whether the draft, whose time that day is not in, was taken as if it were.
    pub as_if_in_force: bool,
    /// The draft.
    pub draft: Side,
    /// What it is compared with, if there is one.
    pub current: Option<Side>,
    /// Parties that the draft gives more, or lets in; the greatest difference first.
    pub gain: Vec<Change>,
    /// Parties that it gives less, or keeps out.
    pub lose: Vec<Change>,
}

/// What one version decides for the whole zone.
#[derive(Debug, Serialize)]
pub struct Side {
    /// Its version.
    pub version: Code,
    /// SHA-256 of its pack.
    pub sha256: Sha256,
    /// How many pass.
    pub pass: usize,
    /// How many fail.
    pub fail: usize,
    /// How many need review.
    pub needs_review: usize,
    /// What it gives to all who pass, decimal text.
    pub cost: String,
    /// What the programme has to give, if it has a budget.
    pub budget_left: Option<String>,
    /// What would be left; with a minus sign if the budget does not last.
    pub left_after: Option<String>,
    /// Criteria with how many do not meet them, and how many are open.
    pub criteria: Vec<Unmet>,
    #[serde(skip)]
    amounts: Money,
}

/// What changes for a party.
#[derive(Debug, Serialize)]
pub struct Change {
    /// Who.
    pub party: PartyId,
    /// What the version in force decides.
    pub before: Outcome,
    /// What it gives, decimal text.
    pub amount_before: String,
    /// What the draft decides.
    pub after: Outcome,
    /// What it gives, decimal text.
    pub amount_after: String,
    /// What keeps it out, where it loses.
    pub reasons: Vec<ReasonCode>,
    #[serde(skip)]
    difference: i64,
}

/// Simulates a draft over a zone, against `current` where it is given. Nothing is written.
///
/// A draft that begins on another day decides as if it were in force: facts of its own time may not be known yet, and
/// what it would cost is asked today.
pub async fn simulate(
    conn: &mut PgConnection,
    zone: &Zone,
    draft: Wanted<'_>,
    current: Option<&Policy>,
    on: NaiveDate,
    assumed: &Facts,
    progress: Progress<'_>,
) -> Result<Simulation, ScreeningError> {
    check(zone, draft)?;
    let as_if_in_force = !draft.policy.in_force().contains(on);
    let undated = as_if_in_force.then(|| draft.policy.undated());
    let draft = Wanted {
        policy: undated.as_ref().unwrap_or(draft.policy),
        ..draft
    };
    let current = current.map(|policy| Wanted { policy, ..draft });
    if let Some(current) = current {
        check(zone, current)?;
    }
    let wanted: Vec<Wanted<'_>> = [draft].into_iter().chain(current).collect();
    let roll = load(conn, zone, &wanted, on, assumed, progress).await?;
    let mut sides: Vec<Screened> = Vec::with_capacity(wanted.len());
    for (wanted, table) in wanted.iter().zip(&roll.tables) {
        let standing = Standing::of(conn, zone, wanted.policy, on, &roll.parties).await?;
        sides.push(standing.screened(*wanted, &roll, table, on));
    }
    let mut sides = sides.into_iter();
    let Some(after) = sides.next() else {
        return Err(ScreeningError::Database(sqlx::Error::RowNotFound));
    };
    let before = sides.next();
    let mut changes = before
        .as_ref()
        .map_or_else(Vec::new, |before| changes(before, &after, zone.currency));
    changes.sort_by_key(|change| std::cmp::Reverse(change.difference.saturating_abs()));
    let (gain, lose) = changes.into_iter().partition(Change::is_gain);
    Ok(Simulation {
        on,
        among: draft.among,
        as_if_in_force,
        parties: roll.parties.len(),
        registered_since: roll.registered_since,
        assumed_in_vain: assumed_in_vain(assumed, &wanted),
        draft: Side::of(draft.policy, &after),
        current: before
            .zip(current)
            .map(|(before, current)| Side::of(current.policy, &before)),
        gain,
        lose,
    })
}

impl Change {
    /// Whether the party is better off.
    fn is_gain(&self) -> bool {
        self.difference > 0 || (self.difference == 0 && self.after == Outcome::Pass)
    }
}

impl Side {
    fn of(policy: &Policy, screened: &Screened) -> Self {
        let text = |money: Money| money.to_text(policy.currency());
        let cost = screened.cost();
        let left = |budget: Money| budget.checked_sub(cost).unwrap_or(Money::ZERO);
        Self {
            version: policy.version().clone(),
            sha256: policy.sha256(),
            pass: screened.screening.count(Outcome::Pass),
            fail: screened.screening.count(Outcome::Fail),
            needs_review: screened.screening.count(Outcome::NeedsReview),
            cost: text(cost),
            budget_left: screened.budget_left.map(text),
            left_after: screened.budget_left.map(left).map(text),
            criteria: screened.unmet(),
            amounts: cost,
        }
    }

    /// What it gives to all who pass.
    pub const fn total(&self) -> Money {
        self.amounts
    }
}

/// Parties for whom outcome or amount differ.
fn changes(before: &Screened, after: &Screened, currency: Currency) -> Vec<Change> {
    let row = |screened: &Screened, row: usize| {
        let outcome = screened.screening.outcomes.get(row).copied();
        let amount = screened.screening.amounts.get(row).copied();
        outcome.zip(amount)
    };
    let mut changes = Vec::new();
    for (place, party) in after.parties.iter().enumerate() {
        let (Some(was), Some(is)) = (row(before, place), row(after, place)) else {
            continue;
        };
        if was == is {
            continue;
        }
        changes.push(Change {
            party: *party,
            before: was.0,
            amount_before: was.1.to_text(currency),
            after: is.0,
            amount_after: is.1.to_text(currency),
            reasons: after.reasons(place),
            difference: is.1.minor().saturating_sub(was.1.minor()),
        });
    }
    changes
}
