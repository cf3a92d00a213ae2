//! The published checkpoints: each was signed, and the log extends it.

use sqlx::PgConnection;

use super::fault::{RowFault, hex};
use super::{Outside, to_db};
use crate::log::tree::Frontier;
use crate::log::{Checkpoint, Hash, LogVerifierKey, store};
use crate::types::{Zone, ZoneId};
use crate::verify::pins::{Pin, PinCheck, PinFault};
use crate::verify::report::VerifyError;

/// Checks the checkpoints in the order of their sizes.
pub(super) struct Published {
    zone: ZoneId,
    origin: String,
    key: Option<LogVerifierKey>,
    /// Sizes from here on were not read yet.
    from: i64,
    checked: u64,
}

struct Row {
    size: i64,
    root: Vec<u8>,
    note: String,
}

impl Published {
    pub(super) fn new(zone: &Zone, key: Option<LogVerifierKey>) -> Self {
        Self {
            zone: zone.id,
            origin: zone.origin.clone(),
            key,
            from: i64::MIN,
            checked: 0,
        }
    }

    /// Checks those that the leaves which follow the tree `before` complete.
    pub(super) async fn check_until(
        &mut self,
        conn: &mut PgConnection,
        before: &Frontier,
        leaves: &[Hash],
    ) -> Result<(), VerifyError> {
        let end = before.size() + u64::try_from(leaves.len()).unwrap_or(u64::MAX);
        let rows = sqlx::query_as!(
            Row,
            "SELECT size, root, note FROM ledger.log_checkpoint
             WHERE zone_id = $1 AND size >= $2 AND size <= $3 ORDER BY size",
            self.zone.0,
            self.from,
            to_db(end),
        )
        .fetch_all(conn)
        .await?;
        self.from = to_db(end) + 1;
        let mut pins = Vec::with_capacity(rows.len());
        for row in rows {
            pins.push(self.check_row(&row)?);
        }
        let mut pins = PinCheck::new(pins, end)?;
        pins.advance(before, leaves)?;
        self.checked += pins.checked();
        Ok(())
    }

    /// Checks a row by itself.
    fn check_row(&self, row: &Row) -> Result<Pin, VerifyError> {
        let name = format!("size {}", row.size);
        let source = format!("ledger.log_checkpoint, {name}");
        let Some(size) = u64::try_from(row.size).ok() else {
            return Err(RowFault::extra("log_checkpoint", &name).into());
        };
        let root = <[u8; 32]>::try_from(row.root.as_slice()).map(Hash);
        let Ok(root) = root else {
            let stored = hex(&row.root);
            return Err(RowFault::new("log_checkpoint", &name, "root", &stored, "32 bytes").into());
        };
        let stated = format!("{}\n{size}\n{root}\n", self.origin);
        if let Some(key) = &self.key {
            let signed =
                Checkpoint::verify(&row.note, key).map_err(|error| PinFault::NotAccepted {
                    source_name: source.clone(),
                    source: error,
                })?;
            if (signed.size(), signed.root()) != (size, root) {
                let (stored, expected) = (format!("{size} {root}"), signed.note());
                let column = "size, root";
                return Err(
                    RowFault::new("log_checkpoint", &name, column, &stored, expected).into(),
                );
            }
        } else if !row.note.starts_with(&format!("{stated}\n")) {
            return Err(RowFault::new("log_checkpoint", &name, "note", &row.note, &stated).into());
        }
        Ok(Pin { source, size, root })
    }

    /// No checkpoint covers more than the log.
    pub(super) async fn finish(
        &self,
        conn: &mut PgConnection,
        log_size: u64,
    ) -> Result<(), VerifyError> {
        let newest = sqlx::query_scalar!(
            "SELECT max(size) FROM ledger.log_checkpoint WHERE zone_id = $1",
            self.zone.0
        )
        .fetch_one(conn)
        .await?;
        match newest.and_then(|size| u64::try_from(size).ok()) {
            Some(pinned) if pinned > log_size => Err(PinFault::Cut {
                source_name: "ledger.log_checkpoint".to_owned(),
                size: log_size,
                pinned,
            }
            .into()),
            Some(_) | None => Ok(()),
        }
    }

    /// Checkpoints found in order.
    pub(super) fn checked(&self) -> u64 {
        self.checked
    }
}

/// Checkpoints that were kept outside were published, so their rows must be there. What the signer signed
/// last may not be published yet, or never if the signer was interrupted then: that is said, and is no fault.
pub(super) async fn check_kept(
    conn: &mut PgConnection,
    zone: ZoneId,
    outside: &Outside,
) -> Result<Option<String>, VerifyError> {
    for (source, note) in &outside.pinned {
        let Pin { size, .. } = Pin::read(source.clone(), note, &outside.key)?;
        if store::checkpoint_at(conn, zone, size).await?.is_none() {
            let row = format!("size {size} (kept as {source})");
            return Err(RowFault::missing("log_checkpoint", &row).into());
        }
    }
    let Some((source, note)) = &outside.signed_last else {
        return Ok(None);
    };
    let Pin { size, .. } = Pin::read(source.clone(), note, &outside.key)?;
    let row = store::checkpoint_at(conn, zone, size).await?;
    Ok(row.is_none().then(|| {
        format!(
            "ledger.log_checkpoint has no row of size {size}, which was signed last ({source}): \
             it was deleted, or the signer was interrupted before it published it"
        )
    }))
}
