//! What a run sees of parties.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::fact;
use crate::party::Party;
use crate::policy::{Fact, Facts, Policy, Source};
use crate::types::{Amount, PartyId, Zone};
use crate::voucher::earlier::Known;

/// The facts of parties on a day, as the ledger knows them now, and what the run requests for each; in the order of the
/// parties.
pub(super) async fn facts_of(
    conn: &mut PgConnection,
    zone: &Zone,
    parties: &[Party],
    day: NaiveDate,
    requested: Option<Amount>,
) -> Result<Vec<Facts>, sqlx::Error> {
    let ids: Vec<PartyId> = parties.iter().map(|party| party.id).collect();
    let statements = fact::store::statements_of(conn, zone, &ids, None).await?;
    let none = Vec::new();
    let facts = parties.iter().map(|party| {
        let own = statements.get(&party.id).unwrap_or(&none);
        let mut facts = fact::merge(zone.currency, day, own);
        facts.extend(&fact::identity_facts(party, zone.currency, day));
        if let Some(requested) = requested {
            facts
                .state_money(
                    Fact::RequestedAmount,
                    requested.money(),
                    Source::Verified,
                    day,
                )
                .expect("BUG: what is requested is money");
        }
        facts
    });
    Ok(facts.collect())
}

/// Adds what these parties were granted before, if the policy asks for it: to the facts of each, in the order of the
/// parties.
pub(super) async fn add_earlier(
    conn: &mut PgConnection,
    zone: &Zone,
    policy: &Policy,
    day: NaiveDate,
    parties: &[PartyId],
    facts: &mut [Facts],
) -> Result<(), sqlx::Error> {
    let asked = parties.iter().map(|party| (policy, *party));
    let earlier = Known::read(conn, zone, day, asked).await?;
    for (party, facts) in parties.iter().zip(facts) {
        earlier.extend(policy, *party, facts);
    }
    Ok(())
}

/// Parties by id.
pub(super) fn by_id(parties: Vec<Party>) -> HashMap<PartyId, Party> {
    parties.into_iter().map(|party| (party.id, party)).collect()
}
