//! Contracts by their short names.

use sqlx::PgConnection;

use crate::journal;
use crate::types::{ContractId, Named, ZoneId};

/// The contract: `K` and the entry that proposed it. `None` if that entry proposed none. An id is taken as it is.
pub async fn find_contract(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: Named<ContractId>,
) -> Result<Option<ContractId>, sqlx::Error> {
    let index = match named {
        Named::Id(id) => return Ok(Some(id)),
        Named::Entry(index) => index,
    };
    let case = journal::entry_case(conn, zone, index, &["contract.proposed"]).await?;
    Ok(case.map(|(subject, _)| ContractId(subject)))
}
