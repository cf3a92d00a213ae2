//! Holds as rows.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::positive;
use crate::types::{HoldId, LogIndex, Money, PartyId, PersonId, VoucherId, ZoneId};
use crate::voucher::model::{Hold, HoldState};

/// A hold with the entry that made it.
#[derive(Clone, Debug)]
pub(in crate::voucher) struct NewHold {
    pub(in crate::voucher) hold: Hold,
    pub(in crate::voucher) by: PersonId,
    pub(in crate::voucher) index: LogIndex,
}

pub(in crate::voucher) async fn insert_holds(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[NewHold],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.hold (zone_id, state, hold_id, voucher_id, provider_id, price, amount, held_by,
             held_index, facts)
         SELECT $1, 'held', new.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[],
             $6::bigint[], $7::uuid[], $8::bigint[], $9::text[]) AS new",
        zone.0,
        &new.iter().map(|one| one.hold.id.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.hold.voucher.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.hold.provider.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.hold.price.minor()).collect::<Vec<_>>(),
        &new.iter().map(|one| one.hold.amount.minor()).collect::<Vec<_>>(),
        &new.iter().map(|one| one.by.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.index.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.hold.facts.clone()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Holds by their ids. They need no lock of their own: a hold changes only under the lock of its voucher,
/// which the caller has.
pub(in crate::voucher) async fn read_holds(
    conn: &mut PgConnection,
    zone: ZoneId,
    wanted: &[HoldId],
) -> Result<HashMap<HoldId, Hold>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT hold_id, voucher_id, provider_id, price, amount, redeemed, state, facts
         FROM ledger.hold WHERE zone_id = $1 AND hold_id = ANY($2)",
        zone.0,
        &wanted.iter().map(|hold| hold.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = HoldId(row.hold_id);
            let hold = Hold {
                id,
                voucher: VoucherId(row.voucher_id),
                provider: PartyId(row.provider_id),
                price: positive(row.price)?,
                amount: positive(row.amount)?,
                redeemed: Money::from_minor(row.redeemed),
                state: hold_state(&row.state)?,
                facts: row.facts,
            };
            Ok((id, hold))
        })
        .collect()
}

/// The holds on a voucher, oldest first.
pub async fn holds_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    voucher: VoucherId,
) -> Result<Vec<(Hold, LogIndex)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT hold_id, held_index, provider_id, price, amount, redeemed, state, facts
         FROM ledger.hold WHERE zone_id = $1 AND voucher_id = $2 ORDER BY held_index",
        zone.0,
        voucher.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let hold = Hold {
                id: HoldId(row.hold_id),
                voucher,
                provider: PartyId(row.provider_id),
                price: positive(row.price)?,
                amount: positive(row.amount)?,
                redeemed: Money::from_minor(row.redeemed),
                state: hold_state(&row.state)?,
                facts: row.facts,
            };
            Ok((hold, LogIndex(row.held_index)))
        })
        .collect()
}

fn hold_state(text: &str) -> Result<HoldState, sqlx::Error> {
    [
        HoldState::Held,
        HoldState::Captured,
        HoldState::Released,
        HoldState::Lapsed,
    ]
    .into_iter()
    .find(|state| state.as_str() == text)
    .ok_or_else(|| sqlx::Error::Decode(format!("unknown hold state {text:?}").into()))
}
