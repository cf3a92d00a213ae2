//! Comma-separated values (RFC 4180) that a spreadsheet may open without running anything.

use std::io::{self, Write};

use chrono::SecondsFormat;
use csv::WriterBuilder;

use super::super::store::{AccountRow, TransferRow};
use super::{debit_balance, name};
use crate::tabular::safe_cell;
use crate::types::Zone;

/// Column names of the transfers.
pub(super) fn begin_transfers(out: &mut (dyn Write + Send)) -> io::Result<()> {
    writeln!(
        out,
        "zone,log_index,position,recorded_at,effective,kind,reverses,actor,subject,book,\
         debit_account,credit_account,currency,amount"
    )
}

/// The transfers of an entry.
pub(super) fn transfers(
    out: &mut (dyn Write + Send),
    zone: &Zone,
    entry: &[TransferRow],
) -> io::Result<()> {
    let mut rows = WriterBuilder::new().from_writer(out);
    for transfer in entry {
        let currency = transfer.debit.currency;
        let optional = |value: Option<String>| value.unwrap_or_default();
        rows.write_record([
            safe_cell(zone.code.as_str()).as_ref(),
            &transfer.index.to_string(),
            &transfer.position.to_string(),
            &transfer
                .recorded_at
                .to_rfc3339_opts(SecondsFormat::Micros, true),
            &transfer.effective.to_string(),
            &safe_cell(&transfer.kind),
            &optional(transfer.reverses.map(|index| index.to_string())),
            &transfer.actor.to_string(),
            &optional(transfer.subject.map(|subject| subject.to_string())),
            transfer.debit.code.book().names().0,
            &safe_cell(&transfer.debit.to_string()),
            &safe_cell(&transfer.credit.to_string()),
            currency.code(),
            &transfer.amount.to_text(currency),
        ])
        .map_err(io::Error::other)?;
    }
    rows.flush()
}

/// Column names of the balances. `exported_as` is the name in the other formats, `debit_balance` is
/// debits less credits.
pub(super) fn begin_balances(out: &mut (dyn Write + Send)) -> io::Result<()> {
    writeln!(
        out,
        "account,exported_as,currency,debits,credits,debit_balance"
    )
}

/// Balances of accounts.
pub(super) fn balances(out: &mut (dyn Write + Send), page: &[AccountRow]) -> io::Result<()> {
    let mut rows = WriterBuilder::new().from_writer(out);
    for account in page {
        let currency = account.address.currency;
        rows.write_record([
            safe_cell(&account.address.to_string()).as_ref(),
            &name::of(&account.address),
            currency.code(),
            &account.debits.to_text(currency),
            &account.credits.to_text(currency),
            &debit_balance(account),
        ])
        .map_err(io::Error::other)?;
    }
    rows.flush()
}
