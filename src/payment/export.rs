//! The file of a released batch for the bank: `pain.001`, or a table for banks that use their own form.

use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::bank_account::BankAccount;
use super::iso20022::{CreditTransfers, Instruction, write_credit_transfers};
use super::store::{self, BatchLineRow, BatchRow};
use super::vault::Vault;
use super::{BankCode, PaymentError};
use crate::identity::{Command, Role};
use crate::journal::{self, Entry};
use crate::tabular::safe_cell;
use crate::types::{AccountId, BatchId, LogIndex, hex};

/// In which form a bank takes instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ExportFormat {
    /// ISO 20022, pain.001.001.09.
    #[serde(rename = "pain.001")]
    Pain001,
    /// A table, UTF-8.
    #[serde(rename = "csv")]
    Csv,
}

/// A file for the bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its bytes: the same each time, in each form.
    pub bytes: Vec<u8>,
    /// How many instructions it has.
    pub lines: usize,
    /// The entry that says that it was written, with its SHA-256.
    pub index: LogIndex,
}

/// Writes the file of a released batch, with account numbers in the clear: so it is for finance and cashiers, and an entry.
pub async fn export_batch(
    conn: &mut PgConnection,
    command: &Command<'_>,
    vault: &Vault,
    (batch, format): (BatchId, ExportFormat),
) -> Result<Export, PaymentError> {
    #[derive(Serialize)]
    struct Exported {
        batch: BatchId,
        format: ExportFormat,
        lines: usize,
        sha256: String,
    }
    command.actor.require(&[Role::Cashier, Role::Finance])?;
    let zone = command.zone;
    let row = store::batch(conn, zone.id, batch).await?;
    let row = row.ok_or(PaymentError::UnknownBatch(batch))?;
    if row.state != "released" {
        return Err(PaymentError::NotReleased(row.index));
    }
    let lines = store::lines_of_batch(conn, zone.id, batch).await?;
    let lines: Vec<BatchLineRow> = lines
        .into_iter()
        .filter(|line| line.state != "withdrawn")
        .collect();
    let accounts = open_accounts(conn, command, vault, &lines).await?;
    let bytes = match format {
        ExportFormat::Csv => table(command, &lines, &accounts)?,
        ExportFormat::Pain001 => {
            let own = store::lock_own_account(conn, zone.id).await?;
            let own = own.ok_or(PaymentError::NoOwnAccount)?;
            let sealed = store::sealed_accounts(conn, zone.id, &[own]).await?;
            let (seat, sealed) = sealed.first().ok_or(PaymentError::NoOwnAccount)?;
            let debtor = vault.open_sealed(*seat, sealed)?;
            message(command, &row, (&debtor, &lines), &accounts)?
        }
    };
    let details = Exported {
        batch,
        format,
        lines: lines.len(),
        sha256: hex(&Sha256::digest(&bytes)),
    };
    let entry = Entry {
        subject: Some(batch.0),
        ..command.entry("batch.exported", &details)?
    };
    let recorded = journal::record_one(conn, zone, command.now, entry).await?;
    Ok(Export {
        bytes,
        lines: lines.len(),
        index: recorded.index,
    })
}

async fn open_accounts(
    conn: &mut PgConnection,
    command: &Command<'_>,
    vault: &Vault,
    lines: &[BatchLineRow],
) -> Result<HashMap<AccountId, BankAccount>, PaymentError> {
    let ids: Vec<AccountId> = lines.iter().filter_map(|line| line.account).collect();
    let sealed = store::sealed_accounts(conn, command.zone.id, &ids).await?;
    let opened = sealed
        .into_iter()
        .map(|(seat, sealed)| Ok((seat.account, vault.open_sealed(seat, &sealed)?)));
    opened.collect()
}

fn account_of<'a>(
    line: &BatchLineRow,
    accounts: &'a HashMap<AccountId, BankAccount>,
) -> Result<&'a BankAccount, PaymentError> {
    let account = line.account.and_then(|id| accounts.get(&id));
    account.ok_or_else(|| PaymentError::LineWithoutAccount(line.end_to_end_id.clone()))
}

fn message(
    command: &Command<'_>,
    batch: &BatchRow,
    (debtor, lines): (&BankAccount, &[BatchLineRow]),
    accounts: &HashMap<AccountId, BankAccount>,
) -> Result<Vec<u8>, PaymentError> {
    let zone = command.zone;
    let (Some(sent_on), Some(released_at)) = (batch.sent_on, batch.released_at) else {
        return Err(PaymentError::NotReleased(batch.index));
    };
    let mut instructions = Vec::with_capacity(lines.len());
    for line in lines {
        instructions.push(Instruction {
            end_to_end_id: &line.end_to_end_id,
            amount: line.amount,
            creditor: account_of(line, accounts)?,
            remittance: format!("{} {}", line.programme, line.year),
        });
    }
    let written = write_credit_transfers(&CreditTransfers {
        message_id: batch.id.0.simple().to_string(),
        payment_id: format!("P{}", batch.index),
        created: zone.time.local(released_at),
        execute_on: sent_on,
        debtor,
        currency: zone.currency,
        instructions,
    });
    written.map_err(PaymentError::Write)
}

/// What banks with a form of their own are given, or what is copied into it.
fn table(
    command: &Command<'_>,
    lines: &[BatchLineRow],
    accounts: &HashMap<AccountId, BankAccount>,
) -> Result<Vec<u8>, PaymentError> {
    let wrong = |error: csv::Error| PaymentError::Write(std::io::Error::other(error));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = [
        "end_to_end_id",
        "payee",
        "holder",
        "number",
        "bank",
        "bank_name",
        "amount",
        "currency",
        "purpose",
    ];
    writer.write_record(columns).map_err(wrong)?;
    let currency = command.zone.currency;
    for line in lines {
        let account = account_of(line, accounts)?;
        let (BankCode::Cnaps(bank) | BankCode::Bic(bank)) = &account.bank;
        let bank_name = account.bank_name.as_ref().map_or("", |name| name.as_str());
        let (amount, purpose) = (
            line.amount.money().to_text(currency),
            format!("{} {}", line.programme, line.year),
        );
        writer
            .write_record([
                line.end_to_end_id.as_str(),
                safe_cell(&line.payee).as_ref(),
                safe_cell(account.holder.as_str()).as_ref(),
                account.number.as_str(),
                bank.as_str(),
                safe_cell(bank_name).as_ref(),
                amount.as_str(),
                currency.code(),
                purpose.as_str(),
            ])
            .map_err(wrong)?;
    }
    writer
        .into_inner()
        .map_err(|error| PaymentError::Write(error.into_error()))
}
