//! Files between the office and its bank, in the messages of ISO 20022: pure.
//!
//! `pain.001` carries instructions to the bank, `pain.002` what the bank thinks of them, `camt.053` what it booked.
//! What is written and read, element by element: `docs/payment-files.md`.

mod camt053;
mod error;
mod pain001;
mod pain002;
mod xml;

pub use camt053::{Balance, BankLine, Direction, Statement, read_statements};
pub use error::{FileError, Place};
pub use pain001::{CreditTransfers, Instruction, write_credit_transfers};
pub use pain002::{
    PaymentStatus, Reason, Status, StatusReport, TransactionStatus, read_status_report,
};

use self::xml::namespace;

/// The largest file that is read, in bytes: some 100,000 entries with all their details.
pub const MAX_BYTES: usize = 200 * 1024 * 1024;

/// Which message a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// `CustomerPaymentStatusReport`.
    Pain002,
    /// `BankToCustomerStatement`.
    Camt053,
}

/// Which message a file holds, by the namespace of its root. Other XML is taken for a statement, whose reader says what it
/// is instead. `None` for what is no XML, such as a table.
pub fn sniff(bytes: &[u8]) -> Option<Message> {
    let found = namespace(bytes)?;
    if found.starts_with(pain002::NAMESPACE) {
        Some(Message::Pain002)
    } else {
        Some(Message::Camt053)
    }
}
