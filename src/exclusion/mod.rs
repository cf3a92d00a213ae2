//! Parties that get nothing new of any programme for some days (取消申报资格): proposed by one person, confirmed by another.
//!
//! An exclusion is the ledger's own, beside what facts say of penalties and registers. The one place that says whether a
//! party is excluded is [`Excluded`]; what was granted before stays, and is redeemed and paid.

mod exclude;
mod model;
mod store;

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::types::{PartyId, ZoneId};

pub use exclude::{
    ConfirmExclusion, Exclude, ExclusionAnswer, ExclusionRefusal, LiftExclusion, Refused,
    RejectExclusion, confirm, exclude, lift, reject,
};
pub use store::{ExclusionFilter, ExclusionRow, exclusions};

/// The parties that are excluded on a day, each with the last day of it.
#[derive(Clone, Debug, Default)]
pub struct Excluded(HashMap<PartyId, NaiveDate>);

impl Excluded {
    /// Until when a party is excluded, as refusals name it; `None` if it is not.
    pub fn until(&self, party: PartyId) -> Option<NaiveDate> {
        self.0.get(&party).copied()
    }
}

/// Which of these parties are excluded on a day: confirmed, not lifted, and the day is one of its days.
pub async fn excluded_on(
    conn: &mut PgConnection,
    zone: ZoneId,
    day: NaiveDate,
    parties: &[PartyId],
) -> Result<Excluded, sqlx::Error> {
    Ok(Excluded(
        store::last_days(conn, zone, day, Some(parties)).await?,
    ))
}

/// All parties that are excluded on a day.
pub async fn all_excluded_on(
    conn: &mut PgConnection,
    zone: ZoneId,
    day: NaiveDate,
) -> Result<Excluded, sqlx::Error> {
    Ok(Excluded(store::last_days(conn, zone, day, None).await?))
}
