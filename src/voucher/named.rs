//! Vouchers, applications and holds by their short names.

use sqlx::PgConnection;

use crate::journal;
use crate::types::{HoldId, Named, RunId, VoucherId, ZoneId};

/// The voucher, or the application that may become one: `V` and the entry of its application or of its
/// issue. `None` if that entry made neither. An id is taken as it is.
pub async fn find_voucher(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<VoucherId>,
) -> Result<Option<VoucherId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let kinds = ["voucher.applied", "voucher.issued", "voucher.awarded"];
    let case = journal::entry_case(conn, zone, index, &kinds).await?;
    Ok(case.map(|(subject, _)| VoucherId(subject)))
}

/// The award run: `R` and the entry that proposed it. `None` if that entry proposed none. An id is taken as it is.
pub async fn find_run(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<RunId>,
) -> Result<Option<RunId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["award_run.proposed"]).await?;
    Ok(case.map(|(subject, _)| RunId(subject)))
}

/// The hold: `H` and the entry that placed it. `None` if that entry placed none. An id is taken as it is.
pub async fn find_hold(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<HoldId>,
) -> Result<Option<HoldId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["voucher.held"]).await?;
    // The subject is the voucher; which of its holds it is stands in the answer.
    case.and_then(|(_, details)| details.pointer("/answer/hold").cloned())
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| sqlx::Error::Decode(error.into()))
}
