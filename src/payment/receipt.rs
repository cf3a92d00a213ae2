//! Lines of the bank that brought money, for features that say what they are.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::bank::{BankLineId, MatchedBy};
use super::iso20022::Direction;
use super::store::{self, MatchedLine};
use crate::types::{Amount, LogIndex, ZoneId};

/// Money that a line of the bank brought, and that is nothing of the books yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The line.
    pub line: BankLineId,
    /// How much, minor units.
    pub amount: Amount,
    /// The bank's booking day.
    pub booked_on: NaiveDate,
}

/// Why a line is not money that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAReceipt {
    /// Money went with it, or it takes back a booking or returns a payment.
    NoReceipt,
    /// It is something of the books already.
    Matched,
}

/// Locks lines of the bank, in their order, and says of each whether it is money that came in; unknown ones are missing.
pub async fn receipts(
    conn: &mut PgConnection,
    zone: ZoneId,
    lines: &[BankLineId],
) -> Result<HashMap<BankLineId, Result<Receipt, NotAReceipt>>, sqlx::Error> {
    let found = store::lock_bank_lines(conn, zone, lines).await?;
    let receipt = found.into_iter().map(|row| {
        let amount = Amount::new(row.amount);
        let came = row.direction == Direction::Credit && !row.is_return;
        let receipt = match amount {
            _ if row.is_matched => Err(NotAReceipt::Matched),
            Ok(amount) if came => Ok(Receipt {
                line: row.line,
                amount,
                booked_on: row.booked_on,
            }),
            Ok(_) | Err(_) => Err(NotAReceipt::NoReceipt),
        };
        (row.line, receipt)
    });
    Ok(receipt.collect())
}

/// Keeps which entries receipts are. The lines were locked by [`receipts`], and a person said what they are.
pub async fn mark_receipts(
    conn: &mut PgConnection,
    zone: ZoneId,
    receipts: &[(BankLineId, LogIndex)],
) -> Result<(), sqlx::Error> {
    let matched: Vec<MatchedLine<'_>> = receipts
        .iter()
        .map(|(line, index)| MatchedLine {
            line: *line,
            instruction: None,
            receipt: Some(*index),
            index: *index,
        })
        .collect();
    store::mark_matched(conn, zone, MatchedBy::Hand, &matched).await
}
