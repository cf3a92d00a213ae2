//! What every party has used of a programme's limits, for runs over a whole zone.

use std::collections::HashMap;

use sqlx::PgConnection;

use crate::journal::{self, AccountCode, Address};
use crate::policy::Usage;
use crate::programme::BudgetLine;
use crate::types::{Money, PartyId, ZoneId};

fn number(used: Money) -> u32 {
    u32::try_from(used.minor()).unwrap_or(u32::MAX)
}

/// The usage of each party that has any, as a grant of that budget year would see it.
pub async fn used_by_party(
    conn: &mut PgConnection,
    zone: ZoneId,
    line: &BudgetLine,
) -> Result<HashMap<PartyId, Usage>, sqlx::Error> {
    type Member = fn(&mut Usage, Money);
    let of_year = |code| line.account(code);
    let always = |code| Address::new(code, line.currency).programme(&line.programme);
    let accounts: [(Address, Member); 5] = [
        (of_year(AccountCode::Q30), |usage, used| {
            usage.used_this_year = used;
        }),
        (always(AccountCode::Q31), |usage, used| {
            usage.held_now = used;
        }),
        (always(AccountCode::Q34), |usage, used| {
            usage.used_in_life = used;
        }),
        (of_year(AccountCode::Q37), |usage, used| {
            usage.awards_this_year = number(used);
        }),
        (always(AccountCode::Q38), |usage, used| {
            usage.awards_in_life = number(used);
        }),
    ];
    let mut usage: HashMap<PartyId, Usage> = HashMap::new();
    for (account, set) in accounts {
        for (party, used) in journal::balances_by_party(conn, zone, &account).await? {
            set(usage.entry(party).or_default(), used);
        }
    }
    Ok(usage)
}
