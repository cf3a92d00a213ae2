//! The facts of one application, order or claim.

use chrono::NaiveDate;

use super::snapshot::identity_facts;
use crate::party::Party;
use crate::policy::{Fact, Facts, StatedBy};

/// What an applicant can state with a case. Who the party is, what the office determines and
/// what the ledger knows are no statements.
pub(crate) fn said_by_applicant(stated: &Facts) -> Facts {
    let mut facts = stated.clone();
    facts.retain(|fact| fact != Fact::Uscc && fact.spec().stated_by == StatedBy::Applicant);
    facts
}

/// The stated facts with what the ledger knows of the party itself, which no statement overrides.
pub(crate) fn with_identity(stated: &Facts, party: &Party, today: NaiveDate) -> Facts {
    let mut facts = said_by_applicant(stated);
    facts.extend(&identity_facts(party, stated.currency(), today));
    facts
}
