//! The bank reconciliation: the balance of the bank's last statement is that of the books (F1010) and listed items.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use super::PaymentError;
use super::store::{self, Sum};
use crate::types::{LogIndex, Money, Zone};

/// How many items of the books are listed one by one.
const LISTED: usize = 1_000;

/// What stands between the books and the bank. Amounts are minor units of the zone's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciliation {
    /// The bank's name of its last statement.
    pub statement: String,
    /// The day that it closes.
    pub closing_on: NaiveDate,
    /// Its closing balance.
    pub closing: Money,
    /// The balance of the books: F1010.
    pub books: Money,
    /// The balance before the first statement that was taken in, and the day of it.
    pub opening: (Money, NaiveDate),
    /// Receipts on statements that are nothing of the books yet: number and sum.
    pub unmatched_credits: (i64, Money),
    /// Payments on statements that are nothing of the books yet: number and sum.
    pub unmatched_debits: (i64, Money),
    /// What moved F1010 and stands on no statement that was taken in, oldest first; at most a thousand.
    pub book_only: Vec<BookItem>,
    /// How many of these there are, and their sum.
    pub book_only_total: (i64, Money),
    /// Instructions that the bank has and has not booked: number and sum. They are in F1020, not in F1010.
    pub in_transit: (i64, Money),
    /// F1020, which must be their sum.
    pub in_transit_account: Money,
}

/// An entry that moved F1010 and stands on no statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BookItem {
    /// The entry.
    pub index: LogIndex,
    /// What it is.
    pub kind: String,
    /// The day it counts for.
    pub day: NaiveDate,
    /// What it moved, minor units; negative where money went.
    #[serde(skip)]
    pub amount: Money,
}

impl Reconciliation {
    /// What the bank's balance should be by the books and the items.
    pub fn expected(&self) -> Money {
        let items = self.opening.0.minor() + self.unmatched_credits.1.minor()
            - self.unmatched_debits.1.minor()
            - self.book_only_total.1.minor();
        Money::from_minor(self.books.minor() + items)
    }

    /// What is left unexplained: must be zero.
    pub fn difference(&self) -> Money {
        Money::from_minor(self.closing.minor() - self.expected().minor())
    }

    /// Whether bank and books agree, and the account in transit with its instructions.
    pub fn agrees(&self) -> bool {
        self.difference() == Money::ZERO && self.in_transit_account == self.in_transit.1
    }
}

/// Reconciles books and bank as they stand now; needs one snapshot.
pub async fn reconcile(
    conn: &mut PgConnection,
    zone: &Zone,
) -> Result<Reconciliation, PaymentError> {
    let kept = store::statements(conn, zone.id).await?;
    let (Some(first), Some(last)) = (kept.first(), kept.last()) else {
        return Err(PaymentError::NothingToDo(
            "no statement was taken in: `payment statement FILE` takes one in",
        ));
    };
    let sums = store::sums(conn, zone.id).await?;
    let items = store::book_only(conn, zone.id).await?;
    let total = items.iter().map(|(.., moved)| moved).sum();
    let sum = |sum: Sum| (sum.number, Money::from_minor(sum.total));
    Ok(Reconciliation {
        statement: last.id.clone(),
        closing_on: last.closing_on,
        closing: last.closing,
        books: Money::from_minor(sums.bank),
        opening: (first.opening, first.opening_on),
        unmatched_credits: sum(sums.unmatched_credits),
        unmatched_debits: sum(sums.unmatched_debits),
        book_only_total: (
            i64::try_from(items.len()).unwrap_or(i64::MAX),
            Money::from_minor(total),
        ),
        book_only: items
            .into_iter()
            .take(LISTED)
            .map(|(index, kind, day, moved)| BookItem {
                index,
                kind,
                day,
                amount: Money::from_minor(moved),
            })
            .collect(),
        in_transit: sum(sums.sent),
        in_transit_account: Money::from_minor(sums.in_transit),
    })
}
