//! Leases, bills and what moves in them, as rows. Everything that a batch of commands needs is read and written in one
//! statement of each kind, whatever the size of the batch.

mod deferral;
mod list;
mod waiver;

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

pub use deferral::{DeferralFilter, deferrals_of, overdue};
pub(super) use deferral::{deferrals, insert_deferrals, update_deferrals};
pub use list::{LeaseFilter, MoveLine, leases, leases_to_bill, moves_of_lease};
pub use waiver::{WaiverFilter, waivers_of};
pub(super) use waiver::{insert_waivers, update_waivers, waivers, waivers_of_carriers};

use super::bill::{Bill, Bills, Move, Moved, Part, Parts};
use super::lease::{Area, Charges, Lease};
use super::month::Month;
use crate::types::{
    Amount, Code, DeferralId, LeaseId, LogIndex, Money, PartyId, PersonId, WaiverId, ZoneId,
};

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn positive(minor: i64) -> Result<Amount, sqlx::Error> {
    Amount::new(Money::from_minor(minor)).map_err(decode)
}

fn part(text: &str) -> Result<Part, sqlx::Error> {
    let known = Part::ALL.into_iter().find(|part| part.as_str() == text);
    known.ok_or_else(|| sqlx::Error::Decode(format!("unknown part of a bill {text:?}").into()))
}

struct LeaseRow {
    lease_id: Uuid,
    added_by: Uuid,
    added_index: i64,
    carrier_id: Uuid,
    tenant_id: Uuid,
    premises: String,
    area: i64,
    monthly_rent: i64,
    property_fee: i64,
    parking_fee: i64,
    utilities: i64,
    other_charges: i64,
    sublet: bool,
    first_day: NaiveDate,
    rent_until: NaiveDate,
    last_day: NaiveDate,
    ended_index: Option<i64>,
}

impl LeaseRow {
    fn lease(self) -> Result<Lease, sqlx::Error> {
        Ok(Lease {
            id: LeaseId(self.lease_id),
            added_by: PersonId(self.added_by),
            added_index: LogIndex(self.added_index),
            carrier: PartyId(self.carrier_id),
            tenant: PartyId(self.tenant_id),
            premises: self.premises.parse().map_err(decode)?,
            area: Area::new(self.area).map_err(decode)?,
            monthly_rent: positive(self.monthly_rent)?,
            charges: Charges {
                other: Money::from_minor(self.other_charges),
                parking: Money::from_minor(self.parking_fee),
                property_fee: Money::from_minor(self.property_fee),
                utilities: Money::from_minor(self.utilities),
            },
            sublet: self.sublet,
            first_day: self.first_day,
            rent_until: self.rent_until,
            last_day: self.last_day,
            ended_index: self.ended_index.map(LogIndex),
        })
    }
}

/// Leases, and those of these waivers and deferrals, locked in the order of their ids; unknown ones are missing.
/// Bills, waivers and deferrals change only under the lock of their lease.
pub(super) async fn lock_leases(
    conn: &mut PgConnection,
    zone: ZoneId,
    wanted: &[LeaseId],
    waivers: &[WaiverId],
    deferrals: &[DeferralId],
) -> Result<HashMap<LeaseId, Lease>, sqlx::Error> {
    let rows = sqlx::query_as!(
        LeaseRow,
        "SELECT lease_id, added_by, added_index, carrier_id, tenant_id, premises, area, monthly_rent,
             property_fee, parking_fee, utilities, other_charges, sublet, first_day, rent_until, last_day,
             ended_index
         FROM ledger.lease WHERE zone_id = $1 AND lease_id = ANY (ARRAY(
             SELECT unnest($2::uuid[])
             UNION SELECT lease_id FROM ledger.waiver WHERE zone_id = $1 AND waiver_id = ANY($3)
             UNION SELECT lease_id FROM ledger.deferral WHERE zone_id = $1 AND deferral_id = ANY($4)))
         ORDER BY lease_id FOR UPDATE",
        zone.0,
        &wanted.iter().map(|id| id.0).collect::<Vec<_>>(),
        &waivers.iter().map(|id| id.0).collect::<Vec<_>>(),
        &deferrals.iter().map(|id| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| row.lease().map(|lease| (lease.id, lease)))
        .collect()
}

/// What a claim has to know of a lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rent {
    pub(super) carrier: PartyId,
    /// For a whole month.
    pub(super) monthly: Amount,
}

/// The leases of carriers.
pub(super) async fn rents_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    carriers: &[PartyId],
) -> Result<HashMap<LeaseId, Rent>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT lease_id, carrier_id, monthly_rent FROM ledger.lease WHERE zone_id = $1 AND carrier_id = ANY($2)",
        zone.0,
        &carriers.iter().map(|id| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let rent = Rent {
                carrier: PartyId(row.carrier_id),
                monthly: positive(row.monthly_rent)?,
            };
            Ok((LeaseId(row.lease_id), rent))
        })
        .collect()
}

/// Makes whoever lets premises of these carriers wait until the end of the transaction, in the order of the carriers.
pub(super) async fn lock_premises(
    conn: &mut PgConnection,
    zone: ZoneId,
    carriers: &[PartyId],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended('lease ' || $1 || ' ' || carrier, 0))
         FROM (SELECT DISTINCT unnest($2::uuid[]) AS carrier ORDER BY 1) AS carriers",
        zone.0.to_string(),
        &carriers.iter().map(|id| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    Ok(())
}

/// Days on which a unit of a carrier is let.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Let {
    pub(super) lease: LeaseId,
    pub(super) carrier: PartyId,
    pub(super) premises: Code,
    pub(super) first_day: NaiveDate,
    pub(super) last_day: NaiveDate,
}

impl Let {
    /// What a lease says.
    pub(super) fn of(lease: &Lease) -> Self {
        Self {
            lease: lease.id,
            carrier: lease.carrier,
            premises: lease.premises.clone(),
            first_day: lease.first_day,
            last_day: lease.last_day,
        }
    }

    /// Whether both are of one unit and share a day.
    pub(super) fn collides(&self, other: &Self) -> bool {
        self.lease != other.lease
            && self.carrier == other.carrier
            && self.premises == other.premises
            && self.first_day <= other.last_day
            && other.first_day <= self.last_day
    }
}

/// When these units of these carriers are let: any of the units, of any of the carriers.
pub(super) async fn lets(
    conn: &mut PgConnection,
    zone: ZoneId,
    carriers: &[PartyId],
    premises: &[&Code],
) -> Result<Vec<Let>, sqlx::Error> {
    let premises: Vec<&str> = premises.iter().map(|code| code.as_str()).collect();
    let rows = sqlx::query!(
        "SELECT lease_id, carrier_id, premises, first_day, last_day FROM ledger.lease
         WHERE zone_id = $1 AND carrier_id = ANY($2) AND premises = ANY($3)",
        zone.0,
        &carriers.iter().map(|id| id.0).collect::<Vec<_>>(),
        &premises as _,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Let {
                lease: LeaseId(row.lease_id),
                carrier: PartyId(row.carrier_id),
                premises: row.premises.parse().map_err(decode)?,
                first_day: row.first_day,
                last_day: row.last_day,
            })
        })
        .collect()
}

pub(super) async fn insert_leases(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[&Lease],
) -> Result<(), sqlx::Error> {
    let premises: Vec<&str> = new.iter().map(|one| one.premises.as_str()).collect();
    let charge = |of: fn(&Charges<Money>) -> Money| {
        new.iter()
            .map(|one| of(&one.charges).minor())
            .collect::<Vec<_>>()
    };
    sqlx::query!(
        "INSERT INTO ledger.lease (zone_id, lease_id, added_by, added_index, carrier_id, tenant_id, premises, area,
             monthly_rent, property_fee, parking_fee, utilities, other_charges, sublet, first_day, rent_until, last_day)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::uuid[], $7::text[],
             $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bool[],
             $15::date[], $16::date[], $17::date[]) AS new",
        zone.0,
        &new.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.added_by.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.added_index.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.carrier.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.tenant.0).collect::<Vec<_>>(),
        &premises as _,
        &new.iter().map(|one| one.area.hundredths()).collect::<Vec<_>>(),
        &new.iter().map(|one| one.monthly_rent.minor()).collect::<Vec<_>>(),
        &charge(|charges| charges.property_fee),
        &charge(|charges| charges.parking),
        &charge(|charges| charges.utilities),
        &charge(|charges| charges.other),
        &new.iter().map(|one| one.sublet).collect::<Vec<_>>(),
        &new.iter().map(|one| one.first_day).collect::<Vec<_>>(),
        &new.iter().map(|one| one.rent_until).collect::<Vec<_>>(),
        &new.iter().map(|one| one.last_day).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the days of leases that were ended, extended or shortened.
pub(super) async fn update_leases(
    conn: &mut PgConnection,
    zone: ZoneId,
    changed: &[&Lease],
) -> Result<(), sqlx::Error> {
    let ended: Vec<Option<i64>> = changed
        .iter()
        .map(|one| one.ended_index.map(|index| index.0))
        .collect();
    sqlx::query!(
        "UPDATE ledger.lease l SET rent_until = new.rent_until, last_day = new.last_day, ended_index = new.ended_index
         FROM unnest($2::uuid[], $3::date[], $4::date[], $5::bigint[])
             AS new (lease_id, rent_until, last_day, ended_index)
         WHERE l.zone_id = $1 AND l.lease_id = new.lease_id",
        zone.0,
        &changed.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &changed.iter().map(|one| one.rent_until).collect::<Vec<_>>(),
        &changed.iter().map(|one| one.last_day).collect::<Vec<_>>(),
        &ended as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The bills of leases; a lease without any has none here either.
pub async fn bills_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    leases: &[LeaseId],
) -> Result<HashMap<LeaseId, Bills>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT lease_id, month, billed_index, days, property_fee, parking_fee, utilities, other_charges, open,
             deferred, paid, waived
         FROM ledger.rent_bill WHERE zone_id = $1 AND lease_id = ANY($2)",
        zone.0,
        &leases.iter().map(|id| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    let mut bills: HashMap<LeaseId, Bills> = HashMap::new();
    for row in rows {
        let bill = Bill {
            month: Month::of(row.month),
            days: i64::from(row.days),
            charges: Charges {
                other: Money::from_minor(row.other_charges),
                parking: Money::from_minor(row.parking_fee),
                property_fee: Money::from_minor(row.property_fee),
                utilities: Money::from_minor(row.utilities),
            },
            parts: Parts {
                open: Money::from_minor(row.open),
                deferred: Money::from_minor(row.deferred),
                paid: Money::from_minor(row.paid),
                waived: Money::from_minor(row.waived),
            },
            index: LogIndex(row.billed_index),
        };
        let of_lease = bills.entry(LeaseId(row.lease_id)).or_default();
        of_lease.by_month.insert(bill.month, bill);
    }
    Ok(bills)
}

pub(super) async fn insert_bills(
    conn: &mut PgConnection,
    zone: ZoneId,
    bills: &[(LeaseId, &Bill)],
) -> Result<(), sqlx::Error> {
    let charge = |of: fn(&Charges<Money>) -> Money| {
        let charges = bills.iter().map(|(_, bill)| of(&bill.charges).minor());
        charges.collect::<Vec<_>>()
    };
    let part = |part: Part| {
        let parts = bills.iter().map(|(_, bill)| bill.parts.of(part).minor());
        parts.collect::<Vec<_>>()
    };
    let days: Vec<i16> = bills
        .iter()
        .map(|(_, bill)| i16::try_from(bill.days).unwrap_or(i16::MAX))
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.rent_bill (zone_id, lease_id, month, billed_index, days, rent, property_fee, parking_fee,
             utilities, other_charges, open, deferred, paid, waived)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::date[], $4::bigint[], $5::smallint[], $6::bigint[], $7::bigint[],
             $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[])
             AS new",
        zone.0,
        &bills.iter().map(|(lease, _)| lease.0).collect::<Vec<_>>(),
        &bills.iter().map(|(_, bill)| bill.month.first_day()).collect::<Vec<_>>(),
        &bills.iter().map(|(_, bill)| bill.index.0).collect::<Vec<_>>(),
        &days,
        &bills.iter().map(|(_, bill)| bill.parts.rent().minor()).collect::<Vec<_>>(),
        &charge(|charges| charges.property_fee),
        &charge(|charges| charges.parking),
        &charge(|charges| charges.utilities),
        &charge(|charges| charges.other),
        &part(Part::Open),
        &part(Part::Deferred),
        &part(Part::Paid),
        &part(Part::Waived),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what the rent of bills has become.
pub(super) async fn update_bills(
    conn: &mut PgConnection,
    zone: ZoneId,
    changed: &[(LeaseId, &Bill)],
) -> Result<(), sqlx::Error> {
    let part = |part: Part| {
        let parts = changed.iter().map(|(_, bill)| bill.parts.of(part).minor());
        parts.collect::<Vec<_>>()
    };
    sqlx::query!(
        "UPDATE ledger.rent_bill b SET open = new.open, deferred = new.deferred, paid = new.paid, waived = new.waived
         FROM unnest($2::uuid[], $3::date[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
             AS new (lease_id, month, open, deferred, paid, waived)
         WHERE b.zone_id = $1 AND b.lease_id = new.lease_id AND b.month = new.month",
        zone.0,
        &changed.iter().map(|(lease, _)| lease.0).collect::<Vec<_>>(),
        &changed.iter().map(|(_, bill)| bill.month.first_day()).collect::<Vec<_>>(),
        &part(Part::Open),
        &part(Part::Deferred),
        &part(Part::Paid),
        &part(Part::Waived),
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert_moves(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[(&Moved, LogIndex)],
) -> Result<(), sqlx::Error> {
    let each = || {
        new.iter().flat_map(|(moved, index)| {
            let moves = (0_i16..).zip(&moved.moves);
            moves.map(move |(position, step)| (*moved, *index, position, step))
        })
    };
    let sources: Vec<&str> = each().map(|(.., step)| step.from.as_str()).collect();
    let targets: Vec<&str> = each().map(|(.., step)| step.to.as_str()).collect();
    sqlx::query!(
        "INSERT INTO ledger.rent_move (zone_id, log_index, position, case_id, lease_id, month, source, target, amount)
         SELECT $1, new.* FROM unnest($2::bigint[], $3::smallint[], $4::uuid[], $5::uuid[], $6::date[], $7::text[],
             $8::text[], $9::bigint[]) AS new",
        zone.0,
        &each().map(|(_, index, ..)| index.0).collect::<Vec<_>>(),
        &each().map(|(_, _, position, _)| position).collect::<Vec<_>>(),
        &each().map(|(moved, ..)| moved.case).collect::<Vec<_>>(),
        &each().map(|(moved, ..)| moved.lease.0).collect::<Vec<_>>(),
        &each().map(|(.., step)| step.month.first_day()).collect::<Vec<_>>(),
        &sources as _,
        &targets as _,
        &each().map(|(.., step)| step.amount.minor()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What waivers and deferrals have moved, oldest first.
pub(super) async fn moves_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    cases: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Move>>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT case_id, month, source, target, amount FROM ledger.rent_move
         WHERE zone_id = $1 AND case_id = ANY($2) ORDER BY log_index, position",
        zone.0,
        cases,
    )
    .fetch_all(conn)
    .await?;
    let mut moves: HashMap<Uuid, Vec<Move>> = HashMap::new();
    for row in rows {
        moves.entry(row.case_id).or_default().push(Move {
            amount: positive(row.amount)?,
            from: part(&row.source)?,
            month: Month::of(row.month),
            to: part(&row.target)?,
        });
    }
    Ok(moves)
}
