//! Which budget years take back what vouchers, contracts and revoked claims leave unused.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::BudgetLine;
use crate::batch::BatchError;
use crate::journal::{self, AccountCode};
use crate::log;
use crate::types::{FiscalYear, Zone};

/// The budget years of a batch whose books are closed: value can't go back to them (docs/adr/0014).
#[derive(Debug, Default)]
pub(crate) struct OpenYears {
    closed: BTreeSet<FiscalYear>,
}

impl OpenYears {
    /// Looks up the years before that of `today`. A year can be closed only when it is over; so that none
    /// is closed before the batch is recorded, the head of the log is locked first.
    pub(crate) async fn of(
        conn: &mut PgConnection,
        zone: &Zone,
        today: NaiveDate,
        years: impl Iterator<Item = FiscalYear>,
    ) -> Result<Self, BatchError> {
        let earlier: BTreeSet<FiscalYear> =
            years.filter(|year| *year < FiscalYear::of(today)).collect();
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

    /// Where authority of a budget line that is not used goes: free again (B30) while its year is open, lapsed (B80) later.
    pub(crate) fn returns_to(&self, line: &BudgetLine) -> AccountCode {
        if self.closed.contains(&line.year) {
            AccountCode::B80
        } else {
            AccountCode::B30
        }
    }
}
