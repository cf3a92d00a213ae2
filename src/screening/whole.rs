//! One policy over all parties.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::exhaustion;
use super::load::{Progress, Roll, Wanted, load};
use crate::exclusion::{self, Excluded};
use crate::journal::{self, AccountCode};
use crate::policy::{self, Facts, Moment, Outcome, Policy, ReasonCode, Screening, Table, Usage};
use crate::programme::BudgetLine;
use crate::types::{Code, FiscalYear, Money, PartyId, Zone};
use crate::voucher;

/// What a policy decides for every party of a zone on a day.
#[derive(Debug)]
pub struct Screened {
    /// Who is in which row.
    pub parties: Vec<PartyId>,
    /// How many of them were registered after the day.
    pub registered_since: usize,
    /// Which of them are excluded on the day and get nothing new, whatever the rules say.
    pub excluded: Excluded,
    /// What became of each.
    pub screening: Screening,
    /// What the programme has left to give in the year of the day, if it has a budget line.
    pub budget_left: Option<Money>,
    /// The codes of the criteria, in the order of the bits of [`Screening::unmet`].
    pub criteria: Vec<ReasonCode>,
}

/// Why a zone could not be screened.
#[derive(Debug, thiserror::Error)]
pub enum ScreeningError {
    /// The policy counts in another currency.
    #[error(
        "the pack counts in {pack}, the zone in {zone}: screen with a pack of the zone's currency"
    )]
    OtherCurrency {
        /// The pack's.
        pack: crate::types::Currency,
        /// The zone's.
        zone: crate::types::Currency,
    },
    /// The pack has no such moment, or it is one of single orders.
    #[error("this pack decides for no party as such at a {0}: leave --moment out")]
    NoSuchMoment(&'static str),
    /// The pack has no such moment.
    #[error("this pack decides nothing at a {0}: leave --moment out")]
    NotDecided(&'static str),
    /// A page begins after nobody.
    #[error("no party {0} in this zone: take the id of the last row of the page before")]
    NoSuchParty(PartyId),
    /// No version decides.
    #[error(
        "programme {code} has no version in force on {on}: `programme list` shows the programmes"
    )]
    NotInForce {
        /// The programme.
        code: Code,
        /// The day.
        on: NaiveDate,
    },
    /// A policy could not be read.
    #[error(transparent)]
    Policy(#[from] policy::store::StoreError),
    /// Recorded decisions could not be read.
    #[error(transparent)]
    Recorded(#[from] crate::batch::BatchError),
    /// Postgres failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Screened {
    /// How many of those who pass are excluded on the day.
    pub fn excluded(&self) -> usize {
        let outcomes = self.screening.outcomes.iter().zip(&self.parties);
        let passing = outcomes.filter(|(outcome, _)| **outcome == Outcome::Pass);
        passing
            .filter(|(_, party)| self.excluded.until(**party).is_some())
            .count()
    }

    /// The sum of what those who pass are given.
    pub fn cost(&self) -> Money {
        self.screening.amounts.iter().copied().sum()
    }

    /// How many do not meet each criterion, and of how many it is open.
    pub fn by_criterion(&self) -> Vec<(ReasonCode, usize, usize)> {
        let with = |bits: &[u64], place: usize| {
            let bit = 1_u64 << place.min(63);
            bits.iter().filter(|bits| **bits & bit != 0).count()
        };
        let criteria = self.criteria.iter().enumerate();
        criteria
            .map(|(place, code)| {
                let unmet = with(&self.screening.unmet, place);
                (code.clone(), unmet, with(&self.screening.open, place))
            })
            .collect()
    }

    /// What else is in the way or makes amounts less: for each reason how many pass, fail and need review with it.
    pub fn by_built_in(&self) -> BTreeMap<ReasonCode, HashMap<Outcome, usize>> {
        let mut found: BTreeMap<_, HashMap<_, _>> = BTreeMap::new();
        let outcomes = self.screening.outcomes.iter();
        for (outcome, reasons) in outcomes.zip(&self.screening.reasons) {
            for code in reasons.iter() {
                *found.entry(code).or_default().entry(*outcome).or_default() += 1;
            }
        }
        found
    }

    /// The codes of the criteria that a row does not meet or, if it needs review, that are open; and what else is in the
    /// way, or makes its amount less.
    pub fn reasons(&self, row: usize) -> Vec<ReasonCode> {
        let bits = match self.screening.outcomes.get(row) {
            Some(Outcome::Fail) => self.screening.unmet.get(row),
            Some(Outcome::NeedsReview) => self.screening.open.get(row),
            Some(Outcome::Pass) | None => None,
        };
        let bits = bits.copied().unwrap_or(0);
        let criteria = self.criteria.iter().enumerate();
        let criteria = criteria
            .filter(|(place, _)| bits & (1_u64 << (*place).min(63)) != 0)
            .map(|(_, code)| code.clone());
        let others = self.screening.reasons.get(row).copied();
        criteria.chain(others.unwrap_or_default().iter()).collect()
    }
}

/// Screens a zone by a policy, published or not. Nothing is written.
///
/// What parties have used of their limits is counted. Where the money is shared, the first look at all parties says what
/// they come to, and a second what each is given.
pub async fn screen(
    conn: &mut PgConnection,
    zone: &Zone,
    wanted: Wanted<'_>,
    on: NaiveDate,
    assumed: &Facts,
    progress: Progress<'_>,
) -> Result<Screened, ScreeningError> {
    check(zone, wanted)?;
    let roll = load(conn, zone, &[wanted], on, assumed, progress).await?;
    let standing = Standing::of(conn, zone, wanted.policy, on, &roll.parties).await?;
    let Some(table) = roll.tables.first() else {
        return Err(ScreeningError::Database(sqlx::Error::RowNotFound));
    };
    let excluded = exclusion::all_excluded_on(conn, zone.id, on).await?;
    Ok(Screened {
        excluded,
        ..standing.screened(wanted, &roll, table, on)
    })
}

/// The version of a programme's rules in force on a day.
pub async fn find_policy(
    conn: &mut PgConnection,
    zone: &Zone,
    code: &Code,
    on: NaiveDate,
) -> Result<Arc<Policy>, ScreeningError> {
    let found = policy::store::in_force_on(conn, zone.id, code, on).await?;
    let published = found.ok_or_else(|| ScreeningError::NotInForce {
        code: code.clone(),
        on,
    })?;
    Ok(Arc::new(published.policy))
}

/// Refuses a pack that can't be applied to the zone at that moment.
pub(super) fn check(zone: &Zone, wanted: Wanted<'_>) -> Result<(), ScreeningError> {
    if wanted.policy.currency() != zone.currency {
        return Err(ScreeningError::OtherCurrency {
            pack: wanted.policy.currency(),
            zone: zone.currency,
        });
    }
    // An order has days of its own, which no party has.
    if wanted.moment == Moment::Redemption || !wanted.policy.moments().contains(&wanted.moment) {
        return Err(ScreeningError::NoSuchMoment(wanted.moment.word()));
    }
    Ok(())
}

/// How a programme stands before a run: what parties have used, and what is left.
pub(super) struct Standing {
    used: HashMap<PartyId, Usage>,
    pub(super) budget_left: Option<Money>,
}

impl Standing {
    pub(super) async fn of(
        conn: &mut PgConnection,
        zone: &Zone,
        policy: &Policy,
        on: NaiveDate,
        parties: &[PartyId],
    ) -> Result<Self, sqlx::Error> {
        let line = BudgetLine {
            programme: policy.code().clone(),
            year: FiscalYear::of(on),
            currency: zone.currency,
        };
        let used = voucher::used_by_party(conn, zone, policy, on, parties).await?;
        let budgets = journal::control_totals(conn, zone.id).await?;
        let of_line = budgets.iter().find(|total| {
            total.code == AccountCode::B30
                && total.programme == policy.code().as_str()
                && total.year == line.year.0
        });
        Ok(Self {
            used,
            budget_left: of_line.map(journal::ControlTotal::balance),
        })
    }

    pub(super) fn usage(&self, party: PartyId) -> Usage {
        self.used.get(&party).copied().unwrap_or_default()
    }

    pub(super) fn screened(
        &self,
        wanted: Wanted<'_>,
        roll: &Roll,
        table: &Table,
        on: NaiveDate,
    ) -> Screened {
        let Wanted { policy, moment, .. } = wanted;
        let usage = |row: usize| {
            let party = roll.parties.get(row);
            party.map_or_else(Usage::default, |party| self.usage(*party))
        };
        let mut screening = policy::screen(policy, moment, table, &usage, on);
        let shared = exhaustion::shared(policy, table, &screening, self.budget_left);
        if let Some(shared) = shared {
            let usage = |row: usize| shared.apply(row, usage(row));
            screening = policy::screen(policy, moment, table, &usage, on);
        }
        let at_moment = |criterion: &&policy::Criterion| criterion.at.contains(&moment);
        let criteria = policy.criteria().iter().filter(at_moment);
        Screened {
            criteria: criteria.map(|criterion| criterion.code.clone()).collect(),
            parties: roll.parties.clone(),
            registered_since: roll.registered_since,
            excluded: Excluded::default(),
            screening,
            budget_left: self.budget_left,
        }
    }
}

/// The first moment at which a policy decides: a grant, a claim or a recognition.
pub(super) fn first_moment(policy: &Policy) -> Moment {
    policy.moments().first().copied().unwrap_or(Moment::Grant)
}
