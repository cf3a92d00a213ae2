//! Applications, vouchers and holds as rows. Everything that a batch of commands needs is read and
//! written in one statement of each kind, whatever the size of the batch.

mod application;
mod earlier;
mod hold;

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

pub use application::{
    Application, ApplicationFilter, ApplicationRow, ApplicationState, applications_in,
};
pub(super) use application::{
    ApplicationStep, decide_applications, facts_of_applications, insert_applications,
    lock_applications, review_applications,
};
pub(super) use earlier::{earlier_of, earlier_of_all, earlier_types};
pub use hold::holds_of;
pub(super) use hold::{NewHold, insert_holds, read_holds};

use super::model::{Hold, Parts, Voucher};
use crate::caps::Quotas;
use crate::policy::Scope;
use crate::programme::BudgetLine;
use crate::types::{
    Amount, Code, Currency, FiscalYear, HoldId, ItemId, LogIndex, Money, PartyId, PolicyId, Reason,
    RunId, VoucherId, Zone, ZoneId,
};

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn positive(minor: i64) -> Result<Amount, sqlx::Error> {
    Amount::new(Money::from_minor(minor)).map_err(decode)
}

fn ids(vouchers: &[VoucherId]) -> Vec<Uuid> {
    vouchers.iter().map(|voucher| voucher.0).collect()
}

/// Whose applications and vouchers these are, as far as they are such.
pub async fn holders(
    conn: &mut PgConnection,
    zone: ZoneId,
    asked: &[Uuid],
) -> Result<HashMap<Uuid, PartyId>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT voucher_id AS "id!", party_id AS "party_id!" FROM ledger.voucher
           WHERE zone_id = $1 AND voucher_id = ANY($2)
           UNION SELECT application_id, party_id FROM ledger.voucher_application
           WHERE zone_id = $1 AND application_id = ANY($2)"#,
        zone.0,
        asked,
    )
    .fetch_all(conn)
    .await?;
    let holders = rows.into_iter();
    Ok(holders.map(|row| (row.id, PartyId(row.party_id))).collect())
}

/// Vouchers of applications, or of one award run.
pub(super) async fn insert_vouchers(
    conn: &mut PgConnection,
    zone: ZoneId,
    run: Option<RunId>,
    new: &[Voucher],
) -> Result<(), sqlx::Error> {
    let programmes: Vec<&str> = new
        .iter()
        .map(|voucher| voucher.line.programme.as_str())
        .collect();
    let counts = |scope| {
        new.iter()
            .map(|voucher| voucher.quotas.counts(scope))
            .collect::<Vec<_>>()
    };
    let quotas = || new.iter().map(|voucher| &voucher.quotas);
    let undertakings: Vec<Option<Uuid>> = quotas()
        .map(|quotas| quotas.undertaking.map(|item| item.0))
        .collect();
    let scopes: Vec<String> = quotas().map(others).collect();
    sqlx::query!(
        "INSERT INTO ledger.voucher (zone_id, held, redeemed, expired, cancelled, voucher_id, face, free,
             issued_index, party_id, policy_id, issued_on, last_day, fiscal_year, programme,
             counts_in_year, counts_as_held, undertaking, counts_in, run_id)
         SELECT $1, 0, 0, 0, 0, new.voucher_id, new.face, new.face, new.issued_index, new.party_id,
             new.policy_id, new.issued_on, new.last_day, new.fiscal_year, new.programme, new.in_year, new.as_held,
             new.undertaking, string_to_array(new.scopes, ' '), $15
         FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::uuid[], $6::uuid[], $7::date[], $8::date[],
             $9::smallint[], $10::text[], $11::bool[], $12::bool[], $13::uuid[], $14::text[])
             AS new (voucher_id, face, issued_index, party_id, policy_id, issued_on, last_day, fiscal_year,
                 programme, in_year, as_held, undertaking, scopes)",
        zone.0,
        &new.iter().map(|voucher| voucher.id.0).collect::<Vec<_>>(),
        &new.iter().map(|voucher| voucher.parts.free.minor()).collect::<Vec<_>>(),
        &new.iter().map(|voucher| voucher.issued_index.0).collect::<Vec<_>>(),
        &new.iter().map(|voucher| voucher.holder.0).collect::<Vec<_>>(),
        &new.iter().map(|voucher| voucher.policy.0).collect::<Vec<_>>(),
        &new.iter().map(|voucher| voucher.issued_on).collect::<Vec<_>>(),
        &new.iter().map(|voucher| voucher.last_day).collect::<Vec<_>>(),
        &new.iter().map(|voucher| voucher.line.year.0).collect::<Vec<_>>(),
        &programmes as _,
        &counts(Scope::FirmYear),
        &counts(Scope::Holding),
        &undertakings as _,
        &scopes,
        run.map(|run| run.0),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Scopes with a column of their own.
const COLUMNS: [Scope; 2] = [Scope::FirmYear, Scope::Holding];

/// The other scopes, as words.
fn others(quotas: &Quotas) -> String {
    let others = quotas
        .scopes
        .iter()
        .filter(|scope| !COLUMNS.contains(scope));
    let words: Vec<&str> = others.map(|scope| scope.word()).collect();
    words.join(" ")
}

struct VoucherRow {
    voucher_id: Uuid,
    free: i64,
    held: i64,
    redeemed: i64,
    expired: i64,
    cancelled: i64,
    issued_index: i64,
    party_id: Uuid,
    policy_id: Uuid,
    issued_on: chrono::NaiveDate,
    last_day: chrono::NaiveDate,
    fiscal_year: i16,
    programme: String,
    frozen_reason: Option<String>,
    counts_in_year: bool,
    counts_as_held: bool,
    counts_in: Vec<String>,
    undertaking: Option<Uuid>,
}

impl VoucherRow {
    fn voucher(self, zone: ZoneId, currency: Currency) -> Result<Voucher, sqlx::Error> {
        let own = [self.counts_in_year, self.counts_as_held];
        let own = COLUMNS.into_iter().zip(own).filter(|(_, counts)| *counts);
        let mut scopes: Vec<Scope> = own.map(|(scope, _)| scope).collect();
        for word in &self.counts_in {
            let unknown = || sqlx::Error::Decode(format!("unknown scope {word:?}").into());
            scopes.push(Scope::named(word).ok_or_else(unknown)?);
        }
        let undertaking = self.undertaking.map(ItemId);
        Ok(Voucher {
            id: VoucherId(self.voucher_id),
            zone,
            line: BudgetLine {
                programme: self.programme.parse().map_err(decode)?,
                year: FiscalYear(self.fiscal_year),
                currency,
            },
            holder: PartyId(self.party_id),
            policy: PolicyId(self.policy_id),
            issued_index: LogIndex(self.issued_index),
            issued_on: self.issued_on,
            last_day: self.last_day,
            parts: Parts {
                free: Money::from_minor(self.free),
                held: Money::from_minor(self.held),
                redeemed: Money::from_minor(self.redeemed),
                expired: Money::from_minor(self.expired),
                cancelled: Money::from_minor(self.cancelled),
            },
            frozen: self
                .frozen_reason
                .map(|text| text.parse::<Reason>())
                .transpose()
                .map_err(decode)?,
            quotas: Quotas {
                scopes,
                undertaking,
            },
        })
    }
}

/// Vouchers, locked in the order of their ids; unknown ones are missing.
pub(super) async fn lock_vouchers(
    conn: &mut PgConnection,
    zone: &Zone,
    wanted: &[VoucherId],
) -> Result<HashMap<VoucherId, Voucher>, sqlx::Error> {
    let rows = sqlx::query_as!(
        VoucherRow,
        "SELECT v.voucher_id, v.free, v.held, v.redeemed, v.expired, v.cancelled, v.issued_index,
             v.party_id, v.policy_id, v.issued_on, v.last_day, v.fiscal_year, v.programme,
             v.frozen_reason, v.counts_in_year, v.counts_as_held, v.counts_in, v.undertaking
         FROM ledger.voucher v
         WHERE v.zone_id = $1 AND v.voucher_id = ANY($2) ORDER BY v.voucher_id FOR UPDATE",
        zone.id.0,
        &ids(wanted),
    )
    .fetch_all(conn)
    .await?;
    by_id(rows, zone)
}

/// The vouchers of holds, locked in the order of their ids, before the holds are. A hold's voucher never
/// changes.
pub(super) async fn lock_vouchers_of_holds(
    conn: &mut PgConnection,
    zone: &Zone,
    holds: &[HoldId],
) -> Result<HashMap<VoucherId, Voucher>, sqlx::Error> {
    let rows = sqlx::query_as!(
        VoucherRow,
        "SELECT v.voucher_id, v.free, v.held, v.redeemed, v.expired, v.cancelled, v.issued_index,
             v.party_id, v.policy_id, v.issued_on, v.last_day, v.fiscal_year, v.programme,
             v.frozen_reason, v.counts_in_year, v.counts_as_held, v.counts_in, v.undertaking
         FROM ledger.voucher v
         WHERE v.zone_id = $1 AND v.voucher_id = ANY(ARRAY(
             SELECT h.voucher_id FROM ledger.hold h WHERE h.zone_id = $1 AND h.hold_id = ANY($2)))
         ORDER BY v.voucher_id FOR UPDATE",
        zone.id.0,
        &holds.iter().map(|hold| hold.0).collect::<Vec<_>>(),
    )
    .fetch_all(conn)
    .await?;
    by_id(rows, zone)
}

fn by_id(rows: Vec<VoucherRow>, zone: &Zone) -> Result<HashMap<VoucherId, Voucher>, sqlx::Error> {
    rows.into_iter()
        .map(|row| {
            row.voucher(zone.id, zone.currency)
                .map(|voucher| (voucher.id, voucher))
        })
        .collect()
}

/// One page of vouchers in the order of their issue.
#[derive(Clone, Debug, Default)]
pub struct VoucherFilter {
    /// Only of this programme.
    pub programme: Option<Code>,
    /// Only of this holder.
    pub holder: Option<PartyId>,
    /// Only this voucher.
    pub id: Option<VoucherId>,
    /// Only issued by this entry.
    pub number: Option<LogIndex>,
    /// Only issued after this entry.
    pub after: Option<LogIndex>,
}

/// Reads vouchers without locking them.
pub async fn vouchers(
    conn: &mut PgConnection,
    zone: &Zone,
    filter: &VoucherFilter,
    limit: i64,
) -> Result<Vec<Voucher>, sqlx::Error> {
    let rows = sqlx::query_as!(
        VoucherRow,
        "SELECT v.voucher_id, v.free, v.held, v.redeemed, v.expired, v.cancelled, v.issued_index,
             v.party_id, v.policy_id, v.issued_on, v.last_day, v.fiscal_year, v.programme,
             v.frozen_reason, v.counts_in_year, v.counts_as_held, v.counts_in, v.undertaking
         FROM ledger.voucher v
         WHERE v.zone_id = $1 AND ($2::text IS NULL OR v.programme = $2)
             AND ($3::uuid IS NULL OR v.party_id = $3) AND ($4::uuid IS NULL OR v.voucher_id = $4)
             AND ($5::bigint IS NULL OR v.issued_index = $5)
             AND ($6::bigint IS NULL OR v.issued_index > $6)
         ORDER BY v.issued_index LIMIT $7",
        zone.id.0,
        filter.programme.as_ref().map(Code::as_str),
        filter.holder.map(|holder| holder.0),
        filter.id.map(|id| id.0),
        filter.number.map(|number| number.0),
        filter.after.map(|after| after.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| row.voucher(zone.id, zone.currency))
        .collect()
}

/// Vouchers with something free whose last day is before `today`, oldest first.
pub(super) async fn vouchers_to_expire(
    conn: &mut PgConnection,
    zone: ZoneId,
    today: chrono::NaiveDate,
    limit: i64,
) -> Result<Vec<VoucherId>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        "SELECT voucher_id FROM ledger.voucher
         WHERE zone_id = $1 AND has_free AND last_day < $2 ORDER BY last_day, voucher_id LIMIT $3",
        zone.0,
        today,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(VoucherId).collect())
}

/// At most so many vouchers of a programme and budget year, after this one in the order of ids, on which something is free
/// or held.
pub(super) async fn vouchers_with_value(
    conn: &mut PgConnection,
    zone: ZoneId,
    (programme, year): (&Code, FiscalYear),
    after: Option<VoucherId>,
    limit: i64,
) -> Result<Vec<VoucherId>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        "SELECT voucher_id FROM ledger.voucher
         WHERE zone_id = $1 AND voucher_id > $2 AND programme = $3 AND fiscal_year = $4 AND (free > 0 OR held > 0)
         ORDER BY voucher_id LIMIT $5",
        zone.0,
        after.map_or(Uuid::nil(), |after| after.0),
        programme.as_str(),
        year.0,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(VoucherId).collect())
}

/// What is held of these vouchers, in the order of the orders.
pub(super) async fn held_of(
    conn: &mut PgConnection,
    zone: ZoneId,
    vouchers: &[VoucherId],
) -> Result<Vec<HoldId>, sqlx::Error> {
    let vouchers: Vec<Uuid> = vouchers.iter().map(|voucher| voucher.0).collect();
    let rows = sqlx::query_scalar!(
        "SELECT hold_id FROM ledger.hold
         WHERE zone_id = $1 AND voucher_id = ANY ($2) AND state = 'held' ORDER BY held_index",
        zone.0,
        &vouchers,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(HoldId).collect())
}

/// Writes what has become of vouchers, and which of their holds have ended, by which entry.
pub(super) async fn update_vouchers(
    conn: &mut PgConnection,
    zone: ZoneId,
    changed: &[&Voucher],
    ended: &[(&Hold, LogIndex)],
) -> Result<(), sqlx::Error> {
    let column = |part: fn(&Parts) -> Money| {
        changed
            .iter()
            .map(|one| part(&one.parts).minor())
            .collect::<Vec<_>>()
    };
    let frozen: Vec<Option<&str>> = changed
        .iter()
        .map(|voucher| voucher.frozen.as_ref().map(Reason::as_str))
        .collect();
    let states: Vec<&str> = ended.iter().map(|(hold, _)| hold.state.as_str()).collect();
    sqlx::query!(
        "WITH ended AS (
             UPDATE ledger.hold h SET state = new.state, redeemed = new.redeemed, ended_index = new.log_index
             FROM unnest($9::uuid[], $10::text[], $11::bigint[], $12::bigint[])
                 AS new (hold_id, state, redeemed, log_index)
             WHERE h.zone_id = $1 AND h.hold_id = new.hold_id AND h.state = 'held'
         )
         UPDATE ledger.voucher v SET free = new.free, held = new.held, redeemed = new.redeemed,
             expired = new.expired, cancelled = new.cancelled, frozen_reason = new.frozen_reason
         FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
             $8::text[]) AS new (voucher_id, free, held, redeemed, expired, cancelled, frozen_reason)
         WHERE v.zone_id = $1 AND v.voucher_id = new.voucher_id",
        zone.0,
        &changed.iter().map(|voucher| voucher.id.0).collect::<Vec<_>>(),
        &column(|parts| parts.free),
        &column(|parts| parts.held),
        &column(|parts| parts.redeemed),
        &column(|parts| parts.expired),
        &column(|parts| parts.cancelled),
        &frozen as _,
        &ended.iter().map(|(hold, _)| hold.id.0).collect::<Vec<_>>(),
        &states as _,
        &ended.iter().map(|(hold, _)| hold.redeemed.minor()).collect::<Vec<_>>(),
        &ended.iter().map(|(_, index)| index.0).collect::<Vec<_>>(),
    )
    .execute(conn)
    .await?;
    Ok(())
}
