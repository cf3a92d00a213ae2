//! From an approved payable to a line of the bank's statement.
//!
//! Owed → approved by finance → prepared in a batch by a cashier → sent, when another cashier releases it → paid, when a
//! statement line says so. What the bank rejects, or returns after it was booked, is approved again, and goes into the next
//! batch without a new approval.
//! Money goes to bank accounts that two persons have entered.

mod account;
mod approve;
mod bank;
mod bank_account;
mod bank_statement;
mod export;
pub mod iso20022;
mod match_line;
mod named;
mod prepare;
mod recall;
mod receipt;
mod reconcile;
mod release;
mod returned;
mod revoked;
mod set_off;
mod settle;
mod statement;
mod status;
mod store;
mod unmatched;
mod vault;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use account::{
    AccountFilter, AccountRow, AccountState, Confirmation, ConfirmationOutcome, NewAccount,
    ProposedAccount, confirm_accounts, propose_accounts, reveal_account,
};
pub use approve::{Approval, ApprovalOutcome, approve};
pub use bank::{BankLineId, BankLineRow, MatchedBy, NotABankLine};
pub use bank_account::{AccountNumber, AccountNumberError, BankAccount, BankCode, BankCodeError};
pub use bank_statement::{StatementFile, StatementsAnswer, import_statements};
pub use export::{Export, ExportFormat, export_batch};
pub use match_line::{MatchWith, match_line};
pub use named::{find_account, find_batch, find_payable};
pub use prepare::{Batch, BatchLine, HeldBecause, HeldOut, Selection, prepare};
pub use receipt::{NotAReceipt, Receipt, mark_receipts, receipts};
pub use reconcile::{BookItem, Reconciliation, reconcile};
pub use release::{NotByThisPerson, Release, Released, discard, release};
pub use returned::{EndedRecovery, ReturnedPayment};
pub(crate) use returned::{Returning, StillOpen, return_payment};
pub use revoked::write_revoked;
pub use set_off::write_set_off;
pub use statement::{
    BankStatement, BankVerdict, STATEMENT_FIELDS, StatementLine, StatementReport, import_statement,
    read_statement,
};
pub use status::{StatusAnswer, StatusFile, import_status};
pub use store::{
    BatchLineRow, BatchRow, Lock, Payable, PayableFilter, accounts, batch, batches, insert_owed,
    lines_of_batch, payables, unmatched_lines, why_unmatched,
};
pub use unmatched::WhyUnmatched;
pub use vault::{Vault, VaultError};

use self::iso20022::FileError;
use crate::db;
use crate::identity::Forbidden;
use crate::journal::{
    AccountCode, Address, BodyError, RecallError, RecordError, Refusal, TransferError,
};
use crate::tabular::RowErrors;
use crate::types::{AccountId, BatchId, Currency, LogIndex, PayableId};

/// Money that has left the books of payables and not yet the bank.
fn in_transit(currency: Currency) -> Address {
    Address::new(AccountCode::F1020, currency)
}

/// Where a payable is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayableState {
    /// Somebody has to approve it.
    Owed,
    /// It can go into a batch.
    Approved,
    /// It is in a batch that waits for its release.
    Prepared,
    /// The bank has it.
    Sent,
    /// A statement line says that it was paid, but for what was offset.
    Paid,
    /// All of it was offset against recoveries from the payee: the bank has nothing to pay.
    Offset,
    /// Its claim's approval was taken back: nothing is owed.
    Revoked,
}

impl PayableState {
    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owed => "owed",
            Self::Approved => "approved",
            Self::Prepared => "prepared",
            Self::Sent => "sent",
            Self::Paid => "paid",
            Self::Offset => "offset",
            Self::Revoked => "revoked",
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
    Unknown(PayableId),
    /// No approved payable can go into a batch.
    #[error("no approved payable can go into a batch now{}", told(.0))]
    NothingReady(BTreeMap<HeldBecause, usize>),
    /// No such batch, or one that was sent in one step.
    #[error("no batch {0} in this zone that was prepared")]
    UnknownBatch(BatchId),
    /// The batch was released or discarded before.
    #[error("batch P{0} was released or discarded before: `payment show P{0}` says which")]
    BatchDecided(LogIndex),
    /// The batch was not released.
    #[error("batch P{0} was not released: only what was released goes to the bank")]
    NotReleased(LogIndex),
    /// Nothing of a batch could be released.
    #[error(
        "every payee of batch P{0} has another bank account than when it was prepared: discard it, and prepare another"
    )]
    AllChanged(LogIndex),
    /// A line of a batch of before accounts were kept.
    #[error("instruction {0} has no bank account: its batch was sent before accounts were kept")]
    LineWithoutAccount(String),
    /// A file for the bank can't be written.
    #[error("the file for the bank can't be written")]
    Write(#[source] std::io::Error),
    /// No such bank account.
    #[error("no bank account {0} in this zone")]
    UnknownAccount(AccountId),
    /// Two accounts for one party in one command, or somebody else has proposed one at the same moment.
    #[error("one party can have one proposed bank account: name each party once, and repeat")]
    TwoAccounts,
    /// The zone has no account in force.
    #[error(
        "the zone has no confirmed bank account of its own: `payment own-account` proposes one, another person confirms it"
    )]
    NoOwnAccount,
    /// The key of bank accounts can't be used.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A file of the bank can't be read.
    #[error("the bank's file: {0}")]
    BankFile(#[from] FileError),
    /// A status report that does not fit.
    #[error("the status report: {0}")]
    Status(String),
    /// The file was taken in as something else.
    #[error("entry {0} took this file in as another message")]
    OtherMessage(LogIndex),
    /// Another command took the same file in at the same moment.
    #[error("the same file was taken in at the same moment: repeat")]
    FileOvertaken(#[source] db::Overtaken),
    /// A statement of somebody else's account.
    #[error(
        "statement {statement} is of the account {masked}, the zone's own is {own}: nothing was taken in"
    )]
    OtherAccount {
        /// The bank's name of the statement.
        statement: String,
        /// Its account, masked.
        masked: String,
        /// The zone's accounts, masked.
        own: String,
    },
    /// A statement whose name is known in the year of its closing balance, and which is another one.
    #[error(
        "statement {id} was taken in before in {year} with other balances or lines, or is in the file twice: ask the bank which \
         is right"
    )]
    OtherStatement {
        /// The bank's name of it.
        id: String,
        /// The year of its closing balance.
        year: i32,
    },
    /// A statement that does not follow the last one.
    #[error(
        "statement {id} begins with {opening}, but {earlier} ended with {closing} on {day}: take statements in by their \
         order; one between them is missing"
    )]
    StatementGap {
        /// The bank's name of the statement.
        id: String,
        /// Its opening balance.
        opening: String,
        /// The statement before it.
        earlier: String,
        /// The balance that one ended with.
        closing: String,
        /// The day of that.
        day: NaiveDate,
    },
    /// A statement of days to come.
    #[error(
        "statement {id} has the day {day}, and today is {today}: the file or the clock is wrong"
    )]
    StatementAhead {
        /// The bank's name of the statement.
        id: String,
        /// The last day that it has.
        day: NaiveDate,
        /// Today, in the zone's time.
        today: NaiveDate,
    },
    /// No such line of a statement.
    #[error("no line {0} of a statement in this zone: `payment unmatched` lists those that wait")]
    UnknownBankLine(BankLineId),
    /// A line is not what somebody says.
    #[error("line {line}: {problem}")]
    NoMatch {
        /// The line.
        line: BankLineId,
        /// Why not.
        problem: String,
    },
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

/// What is held out, by reason.
fn told(held_out: &BTreeMap<HeldBecause, usize>) -> String {
    let parts: Vec<String> = held_out
        .iter()
        .map(|(because, number)| format!("{number} {because}"))
        .collect();
    if parts.is_empty() {
        ": `payment list --state owed` shows what waits for approval".to_owned()
    } else {
        format!(": {}", parts.join("; "))
    }
}
