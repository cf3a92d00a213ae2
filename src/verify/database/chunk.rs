//! Consecutive entries with their transfers, as rows, compared with the bytes that were hashed.

use std::collections::{HashMap, HashSet};
use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::fault::{RowFault, hex};
use crate::log::{Hash, leaf_hash};
use crate::types::ZoneId;
use crate::verify::entry::CheckedEntry;
use crate::verify::replay::{Prepared, Preparer};

/// Entries that are read at once; a multiple of 256, so that chunks begin where tiles do.
const ENTRIES: u16 = 4_096;

/// A row of `ledger.entry`.
#[derive(Debug)]
pub(super) struct EntryRow {
    pub(super) log_index: i64,
    recorded_at: DateTime<Utc>,
    reverses: Option<i64>,
    actor_id: Uuid,
    subject_id: Option<Uuid>,
    effective: NaiveDate,
    adjusting: bool,
    kind: String,
    idempotency_key: Option<String>,
    request_sha256: Option<Vec<u8>>,
    leaf_hash: Vec<u8>,
    pub(super) body: Vec<u8>,
}

impl EntryRow {
    /// The next rows, from an index on.
    pub(super) async fn read(
        conn: &mut PgConnection,
        zone: ZoneId,
        from: i64,
    ) -> Result<Vec<Self>, sqlx::Error> {
        sqlx::query_as!(
            Self,
            "SELECT log_index, recorded_at, reverses, actor_id, subject_id, effective, adjusting, kind,
                 idempotency_key, request_sha256, leaf_hash, body
             FROM ledger.entry WHERE zone_id = $1 AND log_index >= $2 ORDER BY log_index LIMIT $3",
            zone.0,
            from,
            i64::from(ENTRIES),
        )
        .fetch_all(conn)
        .await
    }

    fn name(index: impl std::fmt::Display) -> String {
        format!("log_index {index}")
    }

    /// Compares the columns with the body.
    fn check(&self, entry: &CheckedEntry<'_>) -> Result<(), RowFault> {
        let body = &entry.body;
        let request = self
            .request_sha256
            .as_ref()
            .map(|request| hex(request).split_off(2));
        let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
        let is_equal = [
            ("recorded_at", self.recorded_at == entry.at),
            (
                "reverses",
                self.reverses == body.reverses.map(|index| index.0),
            ),
            ("actor_id", self.actor_id == body.actor.0),
            ("subject_id", self.subject_id == body.subject),
            ("effective", self.effective == body.effective),
            ("adjusting", self.adjusting == body.adjusting),
            ("kind", self.kind == body.kind),
            (
                "idempotency_key",
                self.idempotency_key.as_deref() == body.key.as_deref(),
            ),
            (
                "request_sha256",
                request.as_deref() == body.request.as_deref(),
            ),
        ];
        let Some((column, _)) = is_equal.into_iter().find(|(_, is_equal)| !is_equal) else {
            return Ok(());
        };
        let (stored, expected) = match column {
            "recorded_at" => (self.recorded_at.to_string(), entry.at.to_string()),
            "reverses" => (text(&self.reverses), text(&body.reverses)),
            "actor_id" => (self.actor_id.to_string(), body.actor.to_string()),
            "subject_id" => (text(&self.subject_id), text(&body.subject)),
            "effective" => (self.effective.to_string(), body.effective.to_string()),
            "adjusting" => (self.adjusting.to_string(), body.adjusting.to_string()),
            "kind" => (self.kind.clone(), body.kind.to_string()),
            "idempotency_key" => (text(&self.idempotency_key), text(&body.key)),
            _ => (text(&request), text(&body.request)),
        };
        let row = Self::name(self.log_index);
        Err(RowFault::new("entry", &row, column, &stored, &expected))
    }
}

/// A row of `ledger.transfer`, with the addresses of its accounts; `None` where there is no such account.
#[derive(Debug)]
pub(super) struct TransferRow {
    log_index: i64,
    position: i16,
    amount: i64,
    debit: Option<Arc<str>>,
    credit: Option<Arc<str>>,
}

impl TransferRow {
    /// Those of a range of entries, `last` included.
    ///
    /// Two statements instead of a join, for which Postgres would read all accounts for every chunk.
    pub(super) async fn read(
        conn: &mut PgConnection,
        zone: ZoneId,
        from: i64,
        last: i64,
    ) -> Result<Vec<Self>, sqlx::Error> {
        let rows = sqlx::query!(
            "SELECT log_index, position, amount, debit_account_id, credit_account_id
             FROM ledger.transfer WHERE zone_id = $1 AND log_index >= $2 AND log_index <= $3
             ORDER BY log_index, position",
            zone.0,
            from,
            last,
        )
        .fetch_all(&mut *conn)
        .await?;
        let named: HashSet<i64> = rows
            .iter()
            .flat_map(|row| [row.debit_account_id, row.credit_account_id])
            .collect();
        let named: Vec<i64> = named.into_iter().collect();
        let addresses: HashMap<i64, Arc<str>> = sqlx::query!(
            "SELECT account_id, address FROM ledger.account
             WHERE zone_id = $1 AND account_id = ANY($2)",
            zone.0,
            &named,
        )
        .fetch_all(conn)
        .await?
        .into_iter()
        .map(|row| (row.account_id, row.address.into()))
        .collect();
        Ok(rows
            .into_iter()
            .map(|row| Self {
                log_index: row.log_index,
                position: row.position,
                amount: row.amount,
                debit: addresses.get(&row.debit_account_id).cloned(),
                credit: addresses.get(&row.credit_account_id).cloned(),
            })
            .collect())
    }

    fn name(index: impl std::fmt::Display, position: impl std::fmt::Display) -> String {
        format!("log_index {index}, position {position}")
    }

    fn extra(&self) -> RowFault {
        RowFault::extra("transfer", &Self::name(self.log_index, self.position))
    }
}

/// Entries without a gap, whose bytes have the hashes that are stored beside them.
#[derive(Debug)]
pub(super) struct Chunk {
    first: u64,
    rows: Vec<EntryRow>,
    leaves: Vec<Hash>,
}

impl Chunk {
    /// Rows that should begin with the entry `first`, of a log of `size` entries.
    pub(super) fn new(rows: Vec<EntryRow>, first: u64, size: u64) -> Result<Self, RowFault> {
        let mut leaves = Vec::with_capacity(rows.len());
        for (index, row) in (first..).zip(&rows) {
            let found = u64::try_from(row.log_index)
                .ok()
                .filter(|found| *found < size);
            match found {
                Some(found) if found == index => {}
                Some(found) if found > index => {
                    return Err(RowFault::missing("entry", &EntryRow::name(index)));
                }
                Some(_) | None => {
                    return Err(RowFault::extra("entry", &EntryRow::name(row.log_index)));
                }
            }
            let hash = leaf_hash(&row.body);
            if row.leaf_hash != hash.0 {
                let row_name = EntryRow::name(index);
                let (stored, computed) = (hex(&row.leaf_hash), hex(&hash.0));
                return Err(RowFault::new(
                    "entry",
                    &row_name,
                    "leaf_hash",
                    &stored,
                    &computed,
                ));
            }
            leaves.push(hash);
        }
        let chunk = Self {
            first,
            rows,
            leaves,
        };
        let end = chunk.end();
        if chunk.is_last() && end < size {
            return Err(RowFault::missing("entry", &EntryRow::name(end)));
        }
        Ok(chunk)
    }

    /// No more entries follow.
    pub(super) fn is_last(&self) -> bool {
        self.rows.len() < usize::from(ENTRIES)
    }

    /// Index after the last entry.
    pub(super) fn end(&self) -> u64 {
        self.first + u64::try_from(self.rows.len()).unwrap_or(u64::MAX)
    }

    /// The last index that a row of this chunk may have: any at all in the last chunk.
    pub(super) fn last_index(&self) -> i64 {
        if self.is_last() {
            i64::MAX
        } else {
            super::to_db(self.end()) - 1
        }
    }

    /// The leaf hashes, as computed.
    pub(super) fn leaves(&self) -> &[Hash] {
        &self.leaves
    }

    /// The bytes of an entry.
    pub(super) fn body(&self, index: u64) -> &[u8] {
        let position = index.checked_sub(self.first).map(usize::try_from);
        let row = match position {
            Some(Ok(position)) => self.rows.get(position),
            Some(Err(_)) | None => None,
        };
        row.map(|row| row.body.as_slice()).unwrap_or_default()
    }

    /// Compares the rows with the bodies, and prepares the bodies for the replay.
    pub(super) fn prepare(
        &self,
        preparer: &mut Preparer,
        transfers: Vec<TransferRow>,
    ) -> Result<Prepared, RowFault> {
        let mut transfers = transfers.into_iter().peekable();
        let mut checked = Ok(());
        let mut rows = self.rows.iter();
        let entries = (self.first..).zip(self.rows.iter().map(|row| row.body.as_slice()));
        let ready = preparer.prepare(entries, |index, entry| {
            let row = rows.next();
            if checked.is_ok()
                && let Some(row) = row
            {
                checked = row
                    .check(entry)
                    .and_then(|()| check_transfers(index, entry, &mut transfers));
            }
        });
        checked?;
        match transfers.next() {
            // After an entry that can't be read its transfers can't be compared.
            Some(transfer) if !ready.has_fault() => Err(transfer.extra()),
            Some(_) | None => Ok(ready),
        }
    }
}

/// Takes the rows of one entry, and compares them with its body.
fn check_transfers(
    index: u64,
    entry: &CheckedEntry<'_>,
    rows: &mut Peekable<IntoIter<TransferRow>>,
) -> Result<(), RowFault> {
    let index = super::to_db(index);
    if let Some(orphan) = rows.next_if(|row| row.log_index < index) {
        return Err(orphan.extra());
    }
    let transfers = entry.body.transfers.iter().zip(&entry.transfers);
    for (position, (named, transfer)) in (0_i16..).zip(transfers) {
        let name = TransferRow::name(index, position);
        let differs = |column, stored: &str, expected: &str| {
            Err(RowFault::new("transfer", &name, column, stored, expected))
        };
        let Some(row) = rows.next_if(|row| row.log_index == index && row.position <= position)
        else {
            return Err(RowFault::missing("transfer", &name));
        };
        if row.position < position {
            return Err(row.extra());
        }
        let sides = [
            ("debit_account_id", &row.debit, &named.debit),
            ("credit_account_id", &row.credit, &named.credit),
        ];
        for (column, stored, expected) in sides {
            if stored.as_deref() != Some(expected) {
                let stored = stored.as_deref().unwrap_or("no account");
                return differs(column, stored, expected);
            }
        }
        let amount = transfer.amount.minor();
        if row.amount != amount {
            return differs("amount", &row.amount.to_string(), &amount.to_string());
        }
    }
    match rows.next_if(|row| row.log_index == index) {
        Some(extra) => Err(extra.extra()),
        None => Ok(()),
    }
}
