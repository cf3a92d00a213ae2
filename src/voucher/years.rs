//! Which budget years take back what their vouchers leave unused.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::model::Voucher;
use crate::batch::BatchError;
use crate::journal;
use crate::log;
use crate::types::{FiscalYear, Zone};

/// The budget years of a batch's vouchers whose books are closed: value can't go back to them.
#[derive(Debug, Default)]
pub(super) struct OpenYears {
    closed: BTreeSet<FiscalYear>,
}

impl OpenYears {
    /// Looks up the years before that of `today`. A year can be closed only when it is over; so that none
    /// is closed before the batch is recorded, the head of the log is locked first.
    pub(super) async fn of(
        conn: &mut PgConnection,
        zone: &Zone,
        today: NaiveDate,
        vouchers: impl Iterator<Item = &Voucher>,
    ) -> Result<Self, BatchError> {
        let earlier: BTreeSet<FiscalYear> = vouchers
            .map(|voucher| voucher.line.year)
            .filter(|year| *year < FiscalYear::of(today))
            .collect();
        let mut years = Self::default();
        if earlier.is_empty() {
            return Ok(years);
        }
        log::lock_head(conn, zone.id)
            .await
            .map_err(journal::RecordError::from)?;
        for year in earlier {
            let closing = journal::year_closed_by(conn, zone.id, year).await?;
            years.closed.extend(closing.map(|_| year));
        }
        Ok(years)
    }

    pub(super) fn is_open(&self, year: FiscalYear) -> bool {
        !self.closed.contains(&year)
    }
}
