//! From an approved payable to a line of the bank's statement.
//!
//! Owed → approved by finance → sent by the cashier → paid, when a statement line says so. What the bank
//! rejects is approved again, and goes into the next batch without a new approval.

mod approve;
mod named;
mod send;
mod statement;
mod store;

use serde::{Deserialize, Serialize};

pub use approve::{Approval, ApprovalOutcome, approve};
pub use named::{find_batch, find_payable};
pub use send::{Batch, BatchLine, HeldOut, send, sent_before};
pub use statement::{
    BankStatement, BankVerdict, STATEMENT_FIELDS, StatementLine, StatementReport, import_statement,
    read_statement,
};
pub use store::{Lock, Payable, PayableFilter, insert_owed, lines_of_batch, payables};

use crate::db;
use crate::identity::Forbidden;
use crate::journal::{BodyError, RecallError, RecordError, Refusal, TransferError};
use crate::tabular::RowErrors;

/// Where a payable is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayableState {
    /// Somebody has to approve it.
    Owed,
    /// It can be sent.
    Approved,
    /// The bank has it.
    Sent,
    /// A statement line says that it was paid.
    Paid,
}

impl PayableState {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Approved => "approved",
            Self::Sent => "sent",
            Self::Paid => "paid",
        }
    }
}

/// Why a payment command changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    /// Nothing is in the state that the command needs.
    #[error("{0}")]
    NothingToDo(&'static str),
    /// Some of the named payables do not exist here.
    #[error("no payable {0} in this zone")]
    Unknown(crate::types::PayableId),
    /// The statement file can't be read.
    #[error("the statement: {0}")]
    File(String),
    /// Rows of the statement are wrong; the whole file was refused.
    #[error("{0}")]
    Rows(RowErrors),
    /// Another statement used one of the bank's references at the same moment.
    #[error("another statement has just used one of the bank's references: repeat")]
    Overtaken(#[source] db::Overtaken),
    /// The journal refused one of the entries.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Two accounts can't be joined.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The first answer of a command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The entries were not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}
