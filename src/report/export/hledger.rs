//! hledger's journal format.

use std::io::{self, Write};

use chrono::NaiveDate;

use super::super::store::{AccountRow, TransferRow};
use super::{Header, debit_balance, name, postings};

/// Payee of the transactions that only assert.
const ASSERTIONS: &str = "balance.asserted";

/// The header, and declarations of commodities and payees.
pub(super) fn begin(out: &mut (dyn Write + Send), header: &Header<'_>) -> io::Result<()> {
    for line in header.lines() {
        writeln!(out, "; {line}")?;
    }
    writeln!(out, "\ndecimal-mark .")?;
    for currency in &header.extent.currencies {
        // A commodity without decimals is declared with a bare decimal mark.
        let sample = match currency.decimals() {
            0 => "1000.".to_owned(),
            decimals => format!(
                "1000.{:0width$}",
                0,
                width = usize::try_from(decimals).unwrap_or(0)
            ),
        };
        writeln!(out, "commodity {sample} {currency}")?;
    }
    for kind in &header.extent.kinds {
        writeln!(out, "payee {kind}")?;
    }
    writeln!(out, "payee {ASSERTIONS}\n")
}

/// Declares accounts.
pub(super) fn declare(out: &mut (dyn Write + Send), page: &[AccountRow]) -> io::Result<()> {
    for account in page {
        writeln!(
            out,
            "account {}  ; {}",
            name::of(&account.address),
            account.address
        )?;
    }
    Ok(())
}

/// An entry: the kind is the payee, the log index the code.
pub(super) fn transaction(out: &mut (dyn Write + Send), entry: &[TransferRow]) -> io::Result<()> {
    let Some(TransferRow {
        index,
        effective,
        kind,
        reverses,
        ..
    }) = entry.first()
    else {
        return Ok(());
    };
    write!(out, "\n{effective} ({index}) {kind} | entry {index}")?;
    match reverses {
        Some(reversed) => writeln!(out, ", reverses entry {reversed}")?,
        None => writeln!(out)?,
    }
    postings(out, entry)
}

/// Asserts balances on the day after the last.
pub(super) fn assert_balances(
    out: &mut (dyn Write + Send),
    page: &[AccountRow],
    last: NaiveDate,
) -> io::Result<()> {
    let day = last.succ_opt().unwrap_or(last);
    writeln!(out, "\n{day} {ASSERTIONS} | our balance of every account")?;
    for account in page {
        let currency = account.address.currency;
        let zero = crate::types::Money::ZERO.to_text(currency);
        writeln!(
            out,
            "    {}  {zero} {currency} = {} {currency}",
            name::of(&account.address),
            debit_balance(account)
        )?;
    }
    Ok(())
}
