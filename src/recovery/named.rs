//! Recoveries by their short names.

use sqlx::PgConnection;

use crate::journal;
use crate::types::{Named, RecoveryId, ZoneId};

/// The recovery: `Z` and the entry that proposed it. `None` if that entry proposed none. An id is taken as it is.
pub async fn find_recovery(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<RecoveryId>,
) -> Result<Option<RecoveryId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["recovery.proposed"]).await?;
    Ok(case.map(|(subject, _)| RecoveryId(subject)))
}
