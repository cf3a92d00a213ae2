//! Batches by their short names.

use sqlx::PgConnection;

use crate::journal;
use crate::types::{BatchId, Named, ZoneId};

/// The batch: `P` and the entry that sent it. `None` if that entry sent none. An id is taken as it is.
pub async fn find_batch(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<BatchId>,
) -> Result<Option<BatchId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["batch.sent"]).await?;
    Ok(case.map(|(subject, _)| BatchId(subject)))
}
