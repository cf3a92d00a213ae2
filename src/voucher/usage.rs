//! What every party has used of a programme's limits, for runs over a whole zone.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use crate::caps::{Asked, Usages, rests_on_others};
use crate::journal::{self, AccountCode, Address};
use crate::policy::{Moment, Policy, Usage};
use crate::programme::BudgetLine;
use crate::types::{FiscalYear, Money, PartyId, Zone, ZoneId};

fn number(used: Money) -> u32 {
    u32::try_from(used.minor()).unwrap_or(u32::MAX)
}

/// Parties whose usage is looked up at a time.
const AT_ONCE: usize = 10_000;

/// The usage of each of these parties that has any, as a grant of that day would see it.
pub async fn used_by_party(
    conn: &mut PgConnection,
    zone: &Zone,
    policy: &Policy,
    on: NaiveDate,
    parties: &[PartyId],
) -> Result<HashMap<PartyId, Usage>, sqlx::Error> {
    // For a single party the accounts of the whole programme are too many to read.
    if parties.len() != 1 && !rests_on_others(policy, Moment::Grant) {
        let line = BudgetLine {
            programme: policy.code().clone(),
            year: FiscalYear::of(on),
            currency: zone.currency,
        };
        return own_usage(conn, zone.id, &line).await;
    }
    let mut found = HashMap::with_capacity(parties.len());
    for parties in parties.chunks(AT_ONCE) {
        let asked: Vec<Asked<'_>> = parties
            .iter()
            .map(|party| Asked::grant(policy, *party))
            .collect();
        let usages = Usages::read(conn, zone, on, &asked).await?;
        found.extend(asked.into_iter().map(|one| (one.holder, usages.of(one))));
    }
    Ok(found)
}

/// What is counted for a party alone: whole accounts of the programme at a time.
async fn own_usage(
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
