//! One party over all programmes: what it qualifies for, and what is nearest to be met where it does not.

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::whole::{ScreeningError, Standing, first_moment};
use crate::exclusion;
use crate::fact;
use crate::party::Party;
use crate::policy::{self, Decision, Facts, Policy, decide};
use crate::types::Zone;
use crate::voucher;
use std::sync::Arc;

/// What one programme decides for a party.
#[derive(Debug)]
pub struct Qualified {
    /// The version in force.
    pub policy: Arc<Policy>,
    /// The decision, as it would be made by the rules.
    pub decision: Decision,
    /// If the party is excluded on the day, the last day of that: then it gets nothing new, whatever the rules say.
    pub excluded_until: Option<NaiveDate>,
}

/// What every programme in force on a day would decide for a party, by the facts that the ledger knows of it and, of
/// what it does not know, those assumed. In the order of the programmes' codes. Nothing is written.
pub async fn for_party(
    conn: &mut PgConnection,
    zone: &Zone,
    party: &Party,
    on: NaiveDate,
    assumed: &Facts,
) -> Result<Vec<Qualified>, ScreeningError> {
    let known = fact::snapshot(conn, zone, party, on, None).await?;
    let mut facts = assumed.clone();
    facts.extend(&known);
    let mut in_force: Vec<_> = policy::store::all_in_force_on(conn, zone.id, on)
        .await?
        .into_iter()
        .collect();
    in_force.sort();
    let excluded = exclusion::excluded_on(conn, zone.id, on, &[party.id]).await?;
    let excluded_until = excluded.until(party.id);
    let mut qualified = Vec::with_capacity(in_force.len());
    for (_, id) in in_force {
        let policy = policy::store::load(conn, zone.id, id).await?;
        let standing = Standing::of(conn, zone, &policy, on, &[party.id]).await?;
        let usage = standing.usage(party.id);
        let mut facts = facts.clone();
        let asked = std::iter::once((&*policy, party.id));
        let earlier = voucher::Known::read(conn, zone, on, asked).await?;
        earlier.extend(&policy, party.id, &mut facts);
        let decision = decide(&policy, first_moment(&policy), &facts, &usage, on);
        qualified.push(Qualified {
            policy,
            decision,
            excluded_until,
        });
    }
    Ok(qualified)
}
