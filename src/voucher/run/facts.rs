//! What a run sees of parties.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::fact;
use crate::party::Party;
use crate::policy::{Fact, Facts, Source};
use crate::types::{Amount, PartyId, Zone};

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

/// Parties by id.
pub(super) fn by_id(parties: Vec<Party>) -> HashMap<PartyId, Party> {
    parties.into_iter().map(|party| (party.id, party)).collect()
}
