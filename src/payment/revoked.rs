//! Payables that are owed no more: another feature decides, and moves the money in its own entry.

use sqlx::PgConnection;

use super::PayableState;
use super::store;
use crate::types::{PayableId, ZoneId};

/// Keeps that payables are revoked. They are locked by the caller, who has seen that they are in no batch, and has recorded
/// the entries that take back what is owed.
pub async fn write_revoked(
    conn: &mut PgConnection,
    zone: ZoneId,
    payables: &[PayableId],
) -> Result<(), sqlx::Error> {
    store::set_state(conn, zone, payables, PayableState::Revoked).await
}
