//! Beancount's input language, as versions 2 and 3 read it.

use std::io::{self, Write};

use chrono::NaiveDate;

use super::super::store::{AccountRow, TransferRow};
use super::{Header, debit_balance, name, postings};

/// The header, options and commodities.
pub(super) fn begin(out: &mut (dyn Write + Send), header: &Header<'_>) -> io::Result<()> {
    for line in header.lines() {
        writeln!(out, ";; {line}")?;
    }
    let title = format!("{} {}", header.zone.code, header.zone.name_en);
    writeln!(out, "\noption \"title\" \"{}\"", escape(&title))?;
    for currency in &header.extent.currencies {
        writeln!(out, "option \"operating_currency\" \"{currency}\"")?;
    }
    if let Some((first, _)) = header.extent.days {
        for currency in &header.extent.currencies {
            writeln!(out, "{first} commodity {currency}")?;
        }
    }
    writeln!(out)
}

/// Opens accounts on the first day; on one day, beancount opens before it posts.
pub(super) fn open(
    out: &mut (dyn Write + Send),
    page: &[AccountRow],
    first: NaiveDate,
) -> io::Result<()> {
    for account in page {
        let currency = account.address.currency;
        writeln!(
            out,
            "{first} open {} {currency}",
            name::of(&account.address)
        )?;
    }
    Ok(())
}

/// An entry: the kind is the payee.
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
    let narration = match reverses {
        Some(reversed) => format!("entry {index}, reverses entry {reversed}"),
        None => format!("entry {index}"),
    };
    let (kind, narration) = (escape(kind), escape(&narration));
    writeln!(out, "\n{effective} * \"{kind}\" \"{narration}\"")?;
    postings(out, entry)
}

/// Asserts balances on the day after the last, since beancount checks them before that day's postings.
/// Without `~ 0` it would let a difference of one minor unit pass.
pub(super) fn assert_balances(
    out: &mut (dyn Write + Send),
    page: &[AccountRow],
    last: NaiveDate,
) -> io::Result<()> {
    let day = last.succ_opt().unwrap_or(last);
    writeln!(out)?;
    for account in page {
        let currency = account.address.currency;
        let (name, balance) = (name::of(&account.address), debit_balance(account));
        writeln!(out, "{day} balance {name}  {balance} ~ 0 {currency}")?;
    }
    Ok(())
}

/// Inside quotes, a quote and a backslash stand behind a backslash.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_do_not_end_a_text() {
        assert_eq!(escape(r#"a "b" \c"#), r#"a \"b\" \\c"#);
    }
}
