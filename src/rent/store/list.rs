//! Leases and what moved in them, for reading.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use super::{LeaseRow, part};
use crate::rent::bill::Part;
use crate::rent::lease::Lease;
use crate::rent::month::Month;
use crate::types::{LeaseId, LogIndex, Money, PartyId, ZoneId};

/// Which leases to list.
#[derive(Clone, Debug, Default)]
pub struct LeaseFilter {
    /// Only of this carrier.
    pub carrier: Option<PartyId>,
    /// Only of this tenant.
    pub tenant: Option<PartyId>,
    /// Only this one.
    pub id: Option<LeaseId>,
    /// Only with this day in their term.
    pub on: Option<NaiveDate>,
    /// Only added after this entry.
    pub after: Option<LogIndex>,
}

/// One page of leases in the order in which they were added.
pub async fn leases(
    conn: &mut PgConnection,
    zone: ZoneId,
    filter: &LeaseFilter,
    limit: i64,
) -> Result<Vec<Lease>, sqlx::Error> {
    let rows = sqlx::query_as!(
        LeaseRow,
        "SELECT lease_id, added_by, added_index, carrier_id, tenant_id, premises, area, monthly_rent,
             property_fee, parking_fee, utilities, other_charges, sublet, first_day, rent_until, last_day,
             ended_index
         FROM ledger.lease WHERE zone_id = $1 AND ($2::uuid IS NULL OR carrier_id = $2)
             AND ($3::uuid IS NULL OR tenant_id = $3) AND ($4::uuid IS NULL OR lease_id = $4)
             AND ($5::date IS NULL OR $5 BETWEEN first_day AND last_day)
             AND ($6::bigint IS NULL OR added_index > $6)
         ORDER BY added_index LIMIT $7",
        zone.0,
        filter.carrier.map(|id| id.0),
        filter.tenant.map(|id| id.0),
        filter.id.map(|id| id.0),
        filter.on,
        filter.after.map(|index| index.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(LeaseRow::lease).collect()
}

/// Leases of a carrier that have days in a month and no bill for it, in the order in which they were added.
pub async fn leases_to_bill(
    conn: &mut PgConnection,
    zone: ZoneId,
    carrier: PartyId,
    month: Month,
    limit: i64,
) -> Result<Vec<LeaseId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT l.lease_id FROM ledger.lease l
         WHERE l.zone_id = $1 AND l.carrier_id = $2 AND l.first_day <= $4 AND l.last_day >= $3
             AND NOT EXISTS (SELECT FROM ledger.rent_bill b
                 WHERE b.zone_id = $1 AND b.lease_id = l.lease_id AND b.month = $3)
         ORDER BY l.added_index LIMIT $5",
        zone.0,
        carrier.0,
        month.first_day(),
        month.last_day(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(LeaseId).collect())
}

/// Rent that moved from one part of a bill to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MoveLine {
    /// How much, minor units.
    pub amount: Money,
    /// The entry.
    pub entry: LogIndex,
    /// The part that it left.
    pub from: Part,
    /// The month that was billed.
    pub month: Month,
    /// The part that it went to.
    pub to: Part,
}

/// What moved in the bills of a lease, oldest first.
pub async fn moves_of_lease(
    conn: &mut PgConnection,
    zone: ZoneId,
    lease: LeaseId,
) -> Result<Vec<MoveLine>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT log_index, month, source, target, amount FROM ledger.rent_move
         WHERE zone_id = $1 AND lease_id = $2 ORDER BY log_index, position",
        zone.0,
        lease.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(MoveLine {
                amount: Money::from_minor(row.amount),
                entry: LogIndex(row.log_index),
                from: part(&row.source)?,
                month: Month::of(row.month),
                to: part(&row.target)?,
            })
        })
        .collect()
}
