//! What a decision sees of a party: what is stated of it, with what the register of parties knows.

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::merge::merge;
use super::store;
use crate::party::{Identity, Party};
use crate::policy::{Fact, Facts, Raw, Source};
use crate::types::{Currency, LogIndex, Zone};

/// The facts of a party on a day, as the ledger knew them before an entry if one is given: an old decision sees the
/// register as it was.
pub async fn snapshot(
    conn: &mut PgConnection,
    zone: &Zone,
    party: &Party,
    on: NaiveDate,
    before: Option<LogIndex>,
) -> Result<Facts, sqlx::Error> {
    let statements = store::statements(conn, zone, party.id, before).await?;
    let mut facts = merge(zone.currency, on, &statements);
    facts.extend(&identity_facts(party, zone.currency, on));
    Ok(facts)
}

/// What the register of parties knows of a party, as facts of a day: its code, and whether two persons accepted one
/// that fails its check.
pub fn identity_facts(party: &Party, currency: Currency, on: NaiveDate) -> Facts {
    let mut facts = Facts::new(currency);
    let mut know = |fact, raw: Raw<'_>, source| {
        facts
            .state(fact, raw, source, on)
            .expect("BUG: the ledger's own facts have their types");
    };
    match &party.identity {
        Identity::Uscc(code) => know(Fact::Uscc, Raw::Text(code.as_str()), Source::Imported),
        Identity::UsccOverride(code) => {
            know(Fact::Uscc, Raw::Text(code.as_str()), Source::Imported);
            know(Fact::UsccOverride, Raw::Bool(true), Source::Verified);
        }
        Identity::OfficeNumber(_) | Identity::Name(_) | Identity::Team(_) => {}
    }
    facts
}
