//! Payables that are paid by offset: another feature decides, and moves the money in its own entry.

use sqlx::PgConnection;

use super::Payable;
use super::store;
use crate::types::ZoneId;

/// Keeps what has been offset of payables. They are locked by the caller, who has recorded the entries that move it: of
/// F2010 of the payee, and B60 to B70 of the line that pays.
pub async fn write_set_off(
    conn: &mut PgConnection,
    zone: ZoneId,
    payables: &[&Payable],
) -> Result<(), sqlx::Error> {
    store::set_off(conn, zone, payables).await
}
