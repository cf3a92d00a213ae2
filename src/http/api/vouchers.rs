//! Vouchers: `GET vouchers` and `GET vouchers/{voucher}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::paging::{Id, Limit, Place, next};
use crate::http::extract::{Path, Query};
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::types::{
    Code, Currency, FiscalYear, HoldId, LogIndex, Money, Named, PartyId, PolicyId, Reason,
    VoucherId, Zone,
};
use crate::voucher::store::{self, VoucherFilter};
use crate::voucher::{self, Hold, HoldState, Voucher, VoucherState};

/// Which vouchers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct VouchersQuery {
    /// Only of this programme.
    programme: Option<Code>,
    /// Only of this holder.
    holder: Option<Id<PartyId>>,
    /// The entry of issue of the last one of the page before.
    after: Option<Place>,
    #[serde(default)]
    limit: Limit,
}

/// A voucher. Amounts are decimal text; the parts add up to the face.
#[derive(Serialize)]
struct VoucherView {
    id: VoucherId,
    /// Its short name: `V` and the entry of its issue.
    number: String,
    programme: Code,
    year: FiscalYear,
    holder: PartyId,
    policy: PolicyId,
    issued_on: NaiveDate,
    issued_index: LogIndex,
    last_day: NaiveDate,
    state: VoucherState,
    frozen: Option<Reason>,
    currency: Currency,
    face: String,
    free: String,
    held: String,
    redeemed: String,
    expired: String,
    cancelled: String,
}

impl VoucherView {
    fn new(voucher: Voucher, today: NaiveDate) -> Self {
        let currency = voucher.line.currency;
        let text = |money: Money| money.to_text(currency);
        let (state, parts) = (voucher.state(today), voucher.parts);
        Self {
            id: voucher.id,
            number: format!("V{}", voucher.issued_index),
            programme: voucher.line.programme,
            year: voucher.line.year,
            holder: voucher.holder,
            policy: voucher.policy,
            issued_on: voucher.issued_on,
            issued_index: voucher.issued_index,
            last_day: voucher.last_day,
            state,
            frozen: voucher.frozen,
            currency,
            face: text(parts.face()),
            free: text(parts.free),
            held: text(parts.held),
            redeemed: text(parts.redeemed),
            expired: text(parts.expired),
            cancelled: text(parts.cancelled),
        }
    }
}

/// Vouchers in the order of their issue.
#[derive(Serialize)]
pub(in crate::http) struct Vouchers {
    vouchers: Vec<VoucherView>,
    next: Option<LogIndex>,
}

/// `GET vouchers`.
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    Query(query): Query<VouchersQuery>,
) -> Result<Json<Vouchers>, Problem> {
    let zone = app.zone(&zone).await?.zone.clone();
    let today = zone.time.day(app.clock.now());
    let filter = VoucherFilter {
        programme: query.programme,
        holder: query.holder.map(|Id(party)| party),
        after: query.after.map(|Place(index)| index),
        ..VoucherFilter::default()
    };
    let limit = i64::from(query.limit.get());
    let vouchers = app
        .database
        .read(
            zone.id,
            (zone, filter, limit),
            |conn, (zone, filter, limit)| Box::pin(store::vouchers(conn, zone, filter, *limit)),
        )
        .await?;
    let next = next(&vouchers, query.limit, |last| last.issued_index);
    let vouchers = vouchers
        .into_iter()
        .map(|voucher| VoucherView::new(voucher, today))
        .collect();
    Ok(Json(Vouchers { vouchers, next }))
}

/// A part of a voucher reserved for an order.
#[derive(Serialize)]
struct HoldView {
    id: HoldId,
    /// Its short name.
    number: Named<HoldId>,
    provider: PartyId,
    state: HoldState,
    price: String,
    amount: String,
    redeemed: String,
}

impl HoldView {
    fn new(hold: &Hold, index: LogIndex, currency: Currency) -> Self {
        Self {
            id: hold.id,
            number: Named::Entry(index),
            provider: hold.provider,
            state: hold.state,
            price: hold.price.money().to_text(currency),
            amount: hold.amount.money().to_text(currency),
            redeemed: hold.redeemed.to_text(currency),
        }
    }
}

/// A voucher with its holds, oldest first.
#[derive(Serialize)]
pub(in crate::http) struct WholeVoucher {
    #[serde(flatten)]
    voucher: VoucherView,
    holds: Vec<HoldView>,
}

/// `GET vouchers/{voucher}`, by id or short name.
pub(in crate::http) async fn one(
    State(app): State<Arc<App>>,
    Path((zone, named)): Path<(String, String)>,
) -> Result<Json<WholeVoucher>, Problem> {
    let named: Named<VoucherId> = named.parse().map_err(|_| Problem::not_found("voucher"))?;
    let zone = app.zone(&zone).await?.zone.clone();
    let (currency, today) = (zone.currency, zone.time.day(app.clock.now()));
    let found = app
        .database
        .read(zone.id, (zone, named), |conn, (zone, named)| {
            Box::pin(with_holds(conn, zone, *named))
        })
        .await?;
    let (voucher, holds) = found.ok_or_else(|| Problem::not_found("voucher"))?;
    Ok(Json(WholeVoucher {
        voucher: VoucherView::new(voucher, today),
        holds: holds
            .iter()
            .map(|(hold, index)| HoldView::new(hold, *index, currency))
            .collect(),
    }))
}

async fn with_holds(
    conn: &mut PgConnection,
    zone: &Zone,
    named: Named<VoucherId>,
) -> Result<Option<(Voucher, Vec<(Hold, LogIndex)>)>, sqlx::Error> {
    let Some(id) = voucher::find_voucher(conn, zone.id, named).await? else {
        return Ok(None);
    };
    let only = VoucherFilter {
        id: Some(id),
        ..VoucherFilter::default()
    };
    let Some(voucher) = store::vouchers(conn, zone, &only, 1).await?.pop() else {
        return Ok(None);
    };
    let holds = store::holds_of(conn, zone.id, id).await?;
    Ok(Some((voucher, holds)))
}
