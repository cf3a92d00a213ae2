//! Deferrals and their instalments as rows.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;
use uuid::Uuid;

use super::positive;
use crate::rent::deferral::{Deferral, Instalment};
use crate::rent::month::Month;
use crate::types::{DeferralId, LeaseId, LogIndex, Money, PartyId, PersonId, ZoneId};

struct DeferralRow {
    deferral_id: Uuid,
    lease_id: Uuid,
    agreed_by: Uuid,
    agreed_index: i64,
    from_month: NaiveDate,
    until_month: NaiveDate,
    open: i64,
    paid: i64,
    defaulted: i64,
    converted: i64,
    ended_index: Option<i64>,
}

impl DeferralRow {
    fn deferral(self) -> Deferral {
        Deferral {
            id: DeferralId(self.deferral_id),
            lease: LeaseId(self.lease_id),
            agreed_by: PersonId(self.agreed_by),
            agreed_index: LogIndex(self.agreed_index),
            from_month: Month::of(self.from_month),
            until_month: Month::of(self.until_month),
            open: Money::from_minor(self.open),
            paid: Money::from_minor(self.paid),
            defaulted: Money::from_minor(self.defaulted),
            converted: Money::from_minor(self.converted),
            instalments: Vec::new(),
            ended_index: self.ended_index.map(LogIndex),
        }
    }
}

/// Gives deferrals their instalments, in the order of their days.
async fn with_instalments(
    conn: &mut PgConnection,
    zone: ZoneId,
    rows: Vec<DeferralRow>,
) -> Result<Vec<Deferral>, sqlx::Error> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.deferral_id).collect();
    let instalments = sqlx::query!(
        "SELECT deferral_id, number, due, amount, paid FROM ledger.instalment
         WHERE zone_id = $1 AND deferral_id = ANY($2) ORDER BY deferral_id, number",
        zone.0,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let mut of: HashMap<Uuid, Vec<Instalment>> = HashMap::new();
    for row in instalments {
        of.entry(row.deferral_id).or_default().push(Instalment {
            number: row.number,
            due: row.due,
            amount: positive(row.amount)?,
            paid: Money::from_minor(row.paid),
        });
    }
    let mut deferrals: Vec<Deferral> = rows.into_iter().map(DeferralRow::deferral).collect();
    for deferral in &mut deferrals {
        deferral.instalments = of.remove(&deferral.id.0).unwrap_or_default();
    }
    Ok(deferrals)
}

/// Deferrals by their ids. They need no lock of their own: a deferral changes only under the lock of its lease.
pub(in crate::rent) async fn deferrals(
    conn: &mut PgConnection,
    zone: ZoneId,
    wanted: &[DeferralId],
) -> Result<HashMap<DeferralId, Deferral>, sqlx::Error> {
    let rows = sqlx::query_as!(
        DeferralRow,
        "SELECT deferral_id, lease_id, agreed_by, agreed_index, from_month, until_month, open, paid, defaulted,
             converted, ended_index
         FROM ledger.deferral WHERE zone_id = $1 AND deferral_id = ANY($2)",
        zone.0,
        &wanted.iter().map(|id| id.0).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *conn)
    .await?;
    let found = with_instalments(conn, zone, rows).await?;
    Ok(found
        .into_iter()
        .map(|deferral| (deferral.id, deferral))
        .collect())
}

/// Which deferrals to list.
#[derive(Clone, Debug, Default)]
pub struct DeferralFilter {
    /// Only of this lease.
    pub lease: Option<LeaseId>,
    /// Only of this carrier.
    pub carrier: Option<PartyId>,
    /// Only this one.
    pub id: Option<DeferralId>,
    /// Only agreed after this entry.
    pub after: Option<LogIndex>,
}

/// One page of deferrals in the order of their agreements.
pub async fn deferrals_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    filter: &DeferralFilter,
    limit: i64,
) -> Result<Vec<Deferral>, sqlx::Error> {
    let rows = sqlx::query_as!(
        DeferralRow,
        "SELECT d.deferral_id, d.lease_id, d.agreed_by, d.agreed_index, d.from_month, d.until_month, d.open, d.paid,
             d.defaulted, d.converted, d.ended_index
         FROM ledger.deferral d
         JOIN ledger.lease l ON l.zone_id = d.zone_id AND l.lease_id = d.lease_id
         WHERE d.zone_id = $1 AND ($2::uuid IS NULL OR d.lease_id = $2) AND ($3::uuid IS NULL OR l.carrier_id = $3)
             AND ($4::uuid IS NULL OR d.deferral_id = $4) AND ($5::bigint IS NULL OR d.agreed_index > $5)
         ORDER BY d.agreed_index LIMIT $6",
        zone.0,
        filter.lease.map(|id| id.0),
        filter.carrier.map(|id| id.0),
        filter.id.map(|id| id.0),
        filter.after.map(|index| index.0),
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    with_instalments(conn, zone, rows).await
}

/// Something late: a deferral, and what of it was made due at once and is still open rent of its months.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overdue {
    /// The deferral.
    pub deferral: Deferral,
    /// Minor units. What is open of these months counts for every deferral of them, up to what was made due of each.
    pub due_at_once: Money,
}

impl Overdue {
    /// What is late on a day, minor units.
    pub fn amount(&self, today: NaiveDate) -> Money {
        let late = self.deferral.overdue(today);
        [late, self.due_at_once].into_iter().sum()
    }
}

/// Deferrals with an instalment that was not paid by its day, seen on a day, also where the rest was made due at once and
/// is not paid; those that are late longest first.
pub async fn overdue(
    conn: &mut PgConnection,
    zone: ZoneId,
    carrier: Option<PartyId>,
    today: NaiveDate,
    limit: i64,
) -> Result<Vec<Overdue>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT d.deferral_id, d.lease_id, d.agreed_by, d.agreed_index, d.from_month, d.until_month, d.open, d.paid,
               d.defaulted, d.converted, d.ended_index, least(d.defaulted, b.open) AS "due_at_once!"
           FROM (SELECT deferral_id, min(due) AS due FROM ledger.instalment
               WHERE zone_id = $1 AND paid < amount AND due < $3 GROUP BY deferral_id) i
           JOIN ledger.deferral d ON d.zone_id = $1 AND d.deferral_id = i.deferral_id
           JOIN ledger.lease l ON l.zone_id = $1 AND l.lease_id = d.lease_id
           CROSS JOIN LATERAL (SELECT coalesce(sum(b.open), 0)::bigint AS open FROM ledger.rent_bill b
               WHERE b.zone_id = $1 AND b.lease_id = d.lease_id AND b.month BETWEEN d.from_month AND d.until_month) b
           WHERE ($2::uuid IS NULL OR l.carrier_id = $2) AND (d.open > 0 OR d.defaulted > 0 AND b.open > 0)
           ORDER BY i.due, d.agreed_index LIMIT $4"#,
        zone.0,
        carrier.map(|id| id.0),
        today,
        limit,
    )
    .fetch_all(&mut *conn)
    .await?;
    let due_at_once: Vec<Money> = rows
        .iter()
        .map(|row| Money::from_minor(row.due_at_once))
        .collect();
    let rows = rows.into_iter().map(|row| DeferralRow {
        deferral_id: row.deferral_id,
        lease_id: row.lease_id,
        agreed_by: row.agreed_by,
        agreed_index: row.agreed_index,
        from_month: row.from_month,
        until_month: row.until_month,
        open: row.open,
        paid: row.paid,
        defaulted: row.defaulted,
        converted: row.converted,
        ended_index: row.ended_index,
    });
    let deferrals = with_instalments(conn, zone, rows.collect()).await?;
    Ok(deferrals
        .into_iter()
        .zip(due_at_once)
        .map(|(deferral, due_at_once)| Overdue {
            deferral,
            due_at_once,
        })
        .collect())
}

pub(in crate::rent) async fn insert_deferrals(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[&Deferral],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO ledger.deferral (zone_id, paid, defaulted, converted, deferral_id, lease_id, agreed_by,
             agreed_index, from_month, until_month, amount, open)
         SELECT $1, 0, 0, 0, new.deferral_id, new.lease_id, new.agreed_by, new.agreed_index, new.from_month,
             new.until_month, new.amount, new.amount
         FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::date[], $7::date[], $8::bigint[])
             AS new (deferral_id, lease_id, agreed_by, agreed_index, from_month, until_month, amount)",
        zone.0,
        &new.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.lease.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.agreed_by.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.agreed_index.0).collect::<Vec<_>>(),
        &new.iter().map(|one| one.from_month.first_day()).collect::<Vec<_>>(),
        &new.iter().map(|one| one.until_month.first_day()).collect::<Vec<_>>(),
        &new.iter().map(|one| one.amount().minor()).collect::<Vec<_>>(),
    )
    .execute(&mut *conn)
    .await?;
    let each = || {
        new.iter().flat_map(|one| {
            one.instalments
                .iter()
                .map(|instalment| (one.id, instalment))
        })
    };
    sqlx::query!(
        "INSERT INTO ledger.instalment (zone_id, paid, deferral_id, number, due, amount)
         SELECT $1, 0, new.* FROM unnest($2::uuid[], $3::smallint[], $4::date[], $5::bigint[]) AS new",
        zone.0,
        &each().map(|(id, _)| id.0).collect::<Vec<_>>(),
        &each().map(|(_, one)| one.number).collect::<Vec<_>>(),
        &each().map(|(_, one)| one.due).collect::<Vec<_>>(),
        &each().map(|(_, one)| one.amount.minor()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what has become of deferrals, and what is paid of their instalments.
pub(in crate::rent) async fn update_deferrals(
    conn: &mut PgConnection,
    zone: ZoneId,
    changed: &[&Deferral],
) -> Result<(), sqlx::Error> {
    let column = |of: fn(&Deferral) -> Money| {
        changed
            .iter()
            .map(|one| of(one).minor())
            .collect::<Vec<_>>()
    };
    let ended: Vec<Option<i64>> = changed
        .iter()
        .map(|one| one.ended_index.map(|index| index.0))
        .collect();
    sqlx::query!(
        "UPDATE ledger.deferral d SET open = new.open, paid = new.paid, defaulted = new.defaulted,
             converted = new.converted, ended_index = new.ended_index
         FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
             AS new (deferral_id, open, paid, defaulted, converted, ended_index)
         WHERE d.zone_id = $1 AND d.deferral_id = new.deferral_id",
        zone.0,
        &changed.iter().map(|one| one.id.0).collect::<Vec<_>>(),
        &column(|one| one.open),
        &column(|one| one.paid),
        &column(|one| one.defaulted),
        &column(|one| one.converted),
        &ended as _,
    )
    .execute(&mut *conn)
    .await?;
    let each = || {
        changed.iter().flat_map(|one| {
            one.instalments
                .iter()
                .map(|instalment| (one.id, instalment))
        })
    };
    sqlx::query!(
        "UPDATE ledger.instalment i SET paid = new.paid
         FROM unnest($2::uuid[], $3::smallint[], $4::bigint[]) AS new (deferral_id, number, paid)
         WHERE i.zone_id = $1 AND i.deferral_id = new.deferral_id AND i.number = new.number AND i.paid <> new.paid",
        zone.0,
        &each().map(|(id, _)| id.0).collect::<Vec<_>>(),
        &each().map(|(_, one)| one.number).collect::<Vec<_>>(),
        &each().map(|(_, one)| one.paid.minor()).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
