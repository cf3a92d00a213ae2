//! Debits and credits book by book: what must be equal.

use std::collections::BTreeMap;

use crate::journal::Book;
use crate::report::TrialBalanceRow;
use crate::types::{Currency, Money};

/// The totals of a book in one currency, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BookTotals {
    pub(super) debits: Money,
    pub(super) credits: Money,
}

impl BookTotals {
    pub(super) fn balances(self) -> bool {
        self.debits == self.credits
    }
}

/// The totals of every book that has any.
pub(super) fn book_totals(rows: &[TrialBalanceRow]) -> BTreeMap<(Book, Currency), BookTotals> {
    let mut books: BTreeMap<_, BookTotals> = BTreeMap::new();
    for row in rows {
        let book = books.entry((row.book(), row.currency)).or_default();
        book.debits = [book.debits, row.debits].into_iter().sum();
        book.credits = [book.credits, row.credits].into_iter().sum();
    }
    books
}
