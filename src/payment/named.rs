//! Payables, batches and bank accounts by their short names.

use sqlx::PgConnection;

use crate::journal;
use crate::types::{AccountId, BatchId, Named, PayableId, ZoneId};

/// The payable: `D` and the entry that made it owed. `None` if that entry made none. An id is taken as it is.
pub async fn find_payable(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<PayableId>,
) -> Result<Option<PayableId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case =
        journal::entry_case(conn, zone, index, &["voucher.redeemed", "claim.approved"]).await?;
    // The subject is the voucher or claim; what is owed of it stands in the answer.
    case.and_then(|(_, details)| details.pointer("/answer/payable").cloned())
        .map(serde_json::from_value)
        .transpose()
        .map_err(|error| sqlx::Error::Decode(error.into()))
}

/// The batch: `P` and the entry that prepared it (or sent it, when that was one step). `None` if that entry did neither.
/// An id is taken as it is.
pub async fn find_batch(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<BatchId>,
) -> Result<Option<BatchId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["batch.prepared", "batch.sent"]).await?;
    Ok(case.map(|(subject, _)| BatchId(subject)))
}

/// The bank account: `B` and the entry that proposed it. `None` if that entry proposed none. An id is taken as it is.
pub async fn find_account(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<AccountId>,
) -> Result<Option<AccountId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["bank_account.proposed"]).await?;
    Ok(case.map(|(subject, _)| AccountId(subject)))
}
