//! The row that differs.

/// A row that is not what follows from the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ledger.{table}, {row}: {column} is {stored}, but {expected} follows from the log")]
pub struct RowFault {
    /// Table in the schema `ledger`.
    pub table: String,
    /// Its key.
    pub row: String,
    /// The column, or columns; `row` when a row is missing or should not be there.
    pub column: String,
    /// What is stored.
    pub stored: String,
    /// What should be.
    pub expected: String,
}

impl RowFault {
    pub(super) fn new(table: &str, row: &str, column: &str, stored: &str, expected: &str) -> Self {
        Self {
            table: table.to_owned(),
            row: row.to_owned(),
            column: column.to_owned(),
            stored: stored.to_owned(),
            expected: expected.to_owned(),
        }
    }

    /// A row that is missing.
    pub(super) fn missing(table: &str, row: &str) -> Self {
        Self::new(table, row, "the row", "missing", "one")
    }

    /// A row that should not be there.
    pub(super) fn extra(table: &str, row: &str) -> Self {
        Self::new(table, row, "the row", "there", "none")
    }
}

/// Bytes as they are shown.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::from("\\x"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
