//! What is stated in the ledger of the parties whose cases a batch decides: their facts of registers, of years, of their
//! own. With it nobody states twice what is known, and no application says otherwise than what was verified.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::{merge, store};
use crate::policy::{Fact, Facts, Moment, Policy, Source, Span, Stated};
use crate::types::{PartyId, Zone};

/// What a decision of a day sees of each party.
#[derive(Debug, Default)]
pub(crate) struct InLedger(HashMap<PartyId, Facts>);

impl InLedger {
    /// Reads what is stated of these parties, where their policies ask at that moment for anything but the case itself.
    pub(crate) async fn read(
        conn: &mut PgConnection,
        zone: &Zone,
        on: NaiveDate,
        moment: Moment,
        asked: impl Iterator<Item = (&Policy, PartyId)>,
    ) -> Result<Self, sqlx::Error> {
        let is_of_party = |fact: &Fact| fact.spec().span != Span::Case;
        let asked = asked.filter(|(policy, _)| policy.wanted(moment).iter().any(is_of_party));
        let parties: BTreeSet<PartyId> = asked.map(|(_, party)| party).collect();
        if parties.is_empty() {
            return Ok(Self::default());
        }
        let parties: Vec<PartyId> = parties.into_iter().collect();
        let statements = store::statements_of(conn, zone, &parties, None).await?;
        let seen = statements
            .into_iter()
            .map(|(party, stated)| (party, merge(zone.currency, on, &stated)));
        Ok(Self(seen.collect()))
    }

    /// Adds what a policy asks for at that moment to the facts of a party's case; whether that changed them. What the
    /// office verified or a register has goes before what the applicant says with the case, which goes before what it
    /// said earlier.
    pub(crate) fn extend(
        &self,
        policy: &Policy,
        moment: Moment,
        party: PartyId,
        facts: &mut Facts,
    ) -> bool {
        let Some(known) = self.0.get(&party) else {
            return false;
        };
        let mut any = false;
        for fact in policy.wanted(moment) {
            let own = facts.get(*fact);
            if let Some(stated) = known.get(*fact)
                && own != Some(stated)
                && own.is_none_or(|own| yields(own, stated))
            {
                facts.insert(*fact, stated.clone());
                any = true;
            }
        }
        any
    }
}

/// Whether what a case has of a fact yields to what the ledger has.
fn yields(own: &Stated, ledger: &Stated) -> bool {
    let was_of_ledger = own.entry.is_some();
    was_of_ledger || (own.source == Source::Declared && ledger.source != Source::Declared)
}
