//! The answer of a command that was given before under its key: its entries follow one another in the log, since they
//! were recorded together.

use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use crate::journal::{self, Body, RecallError};
use crate::types::{LogIndex, ZoneId};

/// How many entries are read at a time.
const PAGE: u16 = 1_000;

/// The details of `count` entries from `first` on.
pub(super) async fn entries<D: DeserializeOwned>(
    conn: &mut PgConnection,
    zone: ZoneId,
    first: LogIndex,
    count: usize,
) -> Result<Vec<(LogIndex, D)>, RecallError> {
    let mut found = Vec::with_capacity(count);
    let mut next = first;
    while found.len() < count {
        let page = journal::entry_page(conn, zone, next, PAGE).await?;
        let missing = count - found.len();
        let unreadable = |index, reason: String| RecallError::Unreadable { index, reason };
        if page.is_empty() {
            return Err(unreadable(
                next,
                format!("{missing} entries from here on are missing"),
            ));
        }
        for (index, body) in page.into_iter().take(missing) {
            let body: Body<'_, D> = serde_json::from_slice(&body)
                .map_err(|error| unreadable(index, error.to_string()))?;
            found.push((index, body.details));
            next = LogIndex(index.0 + 1);
        }
    }
    Ok(found)
}
