//! What every party has used of a programme's limits, for runs over a whole zone.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::journal::{self, AccountCode, Address};
use crate::policy::Usage;
use crate::programme::BudgetLine;
use crate::types::{PartyId, ZoneId};

/// The usage of each party that has any, as a grant of that budget year would see it.
pub async fn used_by_party(
    conn: &mut PgConnection,
    zone: ZoneId,
    line: &BudgetLine,
) -> Result<HashMap<PartyId, Usage>, sqlx::Error> {
    let mut usage: HashMap<PartyId, Usage> = HashMap::new();
    let of_year = line.account(AccountCode::Q30);
    for (party, used) in journal::balances_by_party(conn, zone, &of_year).await? {
        usage.entry(party).or_default().used_this_year = used;
    }
    let holding = Address::new(AccountCode::Q31, line.currency).programme(&line.programme);
    for (party, held) in journal::balances_by_party(conn, zone, &holding).await? {
        usage.entry(party).or_default().held_now = held;
    }
    Ok(usage)
}
