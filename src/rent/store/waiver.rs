//! Waivers as rows.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::positive;
use crate::rent::waiver::{Method, Said, Waiver, Way};
use crate::types::{DeferralId, LeaseId, LogIndex, Money, PartyId, PersonId, WaiverId, ZoneId};

struct WaiverRow {
    waiver_id: Uuid,
    lease_id: Uuid,
    deferral_id: Option<Uuid>,
    declared_by: Uuid,
    declared_index: i64,
    declared_on: NaiveDate,
    method: String,
    share: Option<i16>,
    way: String,
    from_day: NaiveDate,
    until_day: NaiveDate,
    amount: i64,
    landlord_relief: i64,
    stated: Option<i64>,
    confirmed_by: Option<Uuid>,
    confirmed_index: Option<i64>,
    settled: Option<i64>,
    settled_by: Option<Uuid>,
    settled_index: Option<i64>,
    audited: Option<i64>,
    compensable: bool,
    audited_by: Option<Uuid>,
    audited_index: Option<i64>,
    claimed_index: Option<i64>,
    voided_index: Option<i64>,
}

fn said(amount: Option<i64>, by: Option<Uuid>, index: Option<i64>) -> Option<Said> {
    Some(Said {
        amount: Money::from_minor(amount?),
        by: PersonId(by?),
        index: LogIndex(index?),
    })
}

impl WaiverRow {
    fn waiver(self) -> Result<Waiver, sqlx::Error> {
        let unknown =
            |what: &str| sqlx::Error::Decode(format!("unknown {what} of a waiver").into());
        let way = Way::ALL.into_iter().find(|way| way.as_str() == self.way);
        Ok(Waiver {
            id: WaiverId(self.waiver_id),
            lease: LeaseId(self.lease_id),
            deferral: self.deferral_id.map(DeferralId),
            declared_by: PersonId(self.declared_by),
            declared_index: LogIndex(self.declared_index),
            declared_on: self.declared_on,
            method: Method::from_row(&self.method, self.share).ok_or_else(|| unknown("method"))?,
            way: way.ok_or_else(|| unknown("way"))?,
            from_day: self.from_day,
            until_day: self.until_day,
            amount: positive(self.amount)?,
            landlord_relief: Money::from_minor(self.landlord_relief),
            stated: said(self.stated, self.confirmed_by, self.confirmed_index),
            settled: said(self.settled, self.settled_by, self.settled_index),
            audited: said(self.audited, self.audited_by, self.audited_index),
            compensable: self.compensable,
            claimed_index: self.claimed_index.map(LogIndex),
            voided_index: self.voided_index.map(LogIndex),
        })
    }
}

/// Waivers by their ids. They need no lock of their own: a waiver changes only under the lock of its lease.
pub(in crate::rent) async fn waivers(
    conn: &mut PgConnection,
    zone: ZoneId,
    wanted: &[WaiverId],
) -> Result<HashMap<WaiverId, Waiver>, sqlx::Error> {
    let rows = sqlx::query_as!(
        WaiverRow,
        "SELECT waiver_id, lease_id, deferral_id, declared_by, declared_index, declared_on, method, share, way,
             from_day, until_day, amount, landlord_relief, stated, confirmed_by, confirmed_index, settled, settled_by,
             settled_index, audited, compensable, audited_by, audited_index, claimed_index, voided_index
         FROM ledger.waiver WHERE zone_id = $1 AND waiver_id = ANY($2)",
        zone.0,
        &wanted.iter().map(|id| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| row.waiver().map(|waiver| (waiver.id, waiver)))
        .collect()
}

/// The waivers of carriers that a claim may rest on or may have to wait for, neither voided nor claimed, and those that
/// are named; in the order of their declarations.
pub(in crate::rent) async fn waivers_of_carriers(
    conn: &mut PgConnection,
    zone: ZoneId,
    carriers: &[PartyId],
    named: &[WaiverId],
) -> Result<Vec<Waiver>, sqlx::Error> {
    let rows = sqlx::query_as!(
        WaiverRow,
        "SELECT w.waiver_id, w.lease_id, w.deferral_id, w.declared_by, w.declared_index, w.declared_on, w.method,
             w.share, w.way, w.from_day, w.until_day, w.amount, w.landlord_relief, w.stated, w.confirmed_by,
             w.confirmed_index, w.settled, w.settled_by, w.settled_index, w.audited, w.compensable, w.audited_by,
             w.audited_index, w.claimed_index, w.voided_index
         FROM ledger.lease l
         JOIN ledger.waiver w ON w.zone_id = l.zone_id AND w.lease_id = l.lease_id
         WHERE l.zone_id = $1 AND l.carrier_id = ANY($2)
             AND ((w.claimed_index IS NULL AND w.voided_index IS NULL) OR w.waiver_id = ANY($3))
         ORDER BY w.declared_index",
        zone.0,
        &carriers.iter().map(|id| id.0).collect::<Vec<_>>(),
        &named.iter().map(|id| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(WaiverRow::waiver).collect()
}

/// Which waivers to list.
#[derive(Clone, Debug, Default)]
pub struct WaiverFilter {
    /// Only of this lease.
    pub lease: Option<LeaseId>,
    /// Only of this carrier.
    pub carrier: Option<PartyId>,
    /// Only this one.
    pub id: Option<WaiverId>,
    /// Only declared after this entry.
    pub after: Option<LogIndex>,
}

/// One page of waivers in the order of their declarations.
pub async fn waivers_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    filter: &WaiverFilter,
    limit: i64,
) -> Result<Vec<Waiver>, sqlx::Error> {
    let rows = sqlx::query_as!(
        WaiverRow,
        "SELECT w.waiver_id, w.lease_id, w.deferral_id, w.declared_by, w.declared_index, w.declared_on, w.method,
             w.share, w.way, w.from_day, w.until_day, w.amount, w.landlord_relief, w.stated, w.confirmed_by,
             w.confirmed_index, w.settled, w.settled_by, w.settled_index, w.audited, w.compensable, w.audited_by,
             w.audited_index, w.claimed_index, w.voided_index
         FROM ledger.waiver w
         JOIN ledger.lease l ON l.zone_id = w.zone_id AND l.lease_id = w.lease_id
         WHERE w.zone_id = $1 AND ($2::uuid IS NULL OR w.lease_id = $2) AND ($3::uuid IS NULL OR l.carrier_id = $3)
             AND ($4::uuid IS NULL OR w.waiver_id = $4) AND ($5::bigint IS NULL OR w.declared_index > $5)
         ORDER BY w.declared_index LIMIT $6",
        zone.0,
        filter.lease.map(|id| id.0),
        filter.carrier.map(|id| id.0),
        filter.id.map(|id| id.0),
        filter.after.map(|index| index.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(WaiverRow::waiver).collect()
}

pub(in crate::rent) async fn insert_waivers(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[&Waiver],
) -> Result<(), sqlx::Error> {
    let deferrals: Vec<Option<Uuid>> = new.iter().map(|one| one.deferral.map(|id| id.0)).collect();
    let methods: Vec<&str> = new.iter().map(|one| one.method.as_str()).collect();
    let shares: Vec<Option<i16>> = new
        .iter()
        .map(|one| match one.method {
            Method::Share(hundredths) => Some(hundredths),
            Method::Full | Method::Half | Method::Amount | Method::Months | Method::Converted => {
                None
            }
        })
        .collect();
    let ways: Vec<&str> = new.iter().map(|one| one.way.as_str()).collect();
    sqlx::query!(
        "INSERT INTO ledger.waiver (zone_id, waiver_id, lease_id, deferral_id, declared_by, declared_index, declared_on,
             method, share, way, from_day, until_day, amount, landlord_relief)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::date[],
             $8::text[], $9::smallint[], $10::text[], $11::date[], $12::date[], $13::bigint[], $14::bigint[]) AS new",
        zone.0,
        &new.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.lease.0).collect::<Vec<_>>(),
        &deferrals as _,
        &new.iter().map(|one| one.declared_by.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.declared_index.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.declared_on).collect::<Vec<_>>(),
        &methods as _,
        &shares as _,
        &ways as _,
        &new.iter().map(|one| one.from_day).collect::<Vec<_>>(),
        &new.iter().map(|one| one.until_day).collect::<Vec<_>>(),
        &new.iter().map(|one| one.amount.minor()).collect::<Vec<_>>(),
        &new.iter().map(|one| one.landlord_relief.minor()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what was said of waivers since their declarations.
pub(in crate::rent) async fn update_waivers(
    conn: &mut PgConnection,
    zone: ZoneId,
    changed: &[&Waiver],
) -> Result<(), sqlx::Error> {
    type Of = fn(&Waiver) -> Option<Said>;
    const STEPS: [Of; 3] = [|one| one.stated, |one| one.settled, |one| one.audited];
    let [stated, settled, audited] = STEPS;
    let sums = |of: Of| {
        let said = changed.iter().map(|one| of(one));
        said.map(|said| said.map(|said| said.amount.minor()))
            .collect::<Vec<Option<i64>>>()
    };
    let persons = |of: Of| {
        let said = changed.iter().map(|one| of(one));
        said.map(|said| said.map(|said| said.by.0))
            .collect::<Vec<Option<Uuid>>>()
    };
    let entries = |of: Of| {
        let said = changed.iter().map(|one| of(one));
        said.map(|said| said.map(|said| said.index.0))
            .collect::<Vec<Option<i64>>>()
    };
    let indices = |of: fn(&Waiver) -> Option<LogIndex>| {
        let indices = changed.iter().map(|one| of(one));
        indices
            .map(|index| index.map(|index| index.0))
            .collect::<Vec<Option<i64>>>()
    };
    sqlx::query!(
        "UPDATE ledger.waiver w SET stated = new.stated, confirmed_by = new.confirmed_by,
             confirmed_index = new.confirmed_index, settled = new.settled, settled_by = new.settled_by,
             settled_index = new.settled_index, audited = new.audited, compensable = new.compensable,
             audited_by = new.audited_by, audited_index = new.audited_index, claimed_index = new.claimed_index,
             voided_index = new.voided_index
         FROM unnest($2::uuid[], $3::bigint[], $4::uuid[], $5::bigint[], $6::bigint[], $7::uuid[], $8::bigint[],
             $9::bigint[], $10::bool[], $11::uuid[], $12::bigint[], $13::bigint[], $14::bigint[])
             AS new (waiver_id, stated, confirmed_by, confirmed_index, settled, settled_by, settled_index, audited,
                 compensable, audited_by, audited_index, claimed_index, voided_index)
         WHERE w.zone_id = $1 AND w.waiver_id = new.waiver_id",
        zone.0,
        &changed.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &sums(stated) as _,
        &persons(stated) as _,
        &entries(stated) as _,
        &sums(settled) as _,
        &persons(settled) as _,
        &entries(settled) as _,
        &sums(audited) as _,
        &changed.iter().map(|one| one.compensable).collect::<Vec<_>>(),
        &persons(audited) as _,
        &entries(audited) as _,
        &indices(|one| one.claimed_index) as _,
        &indices(|one| one.voided_index) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}
