//! The journal as files that independent bookkeepers read, page by page with bounded memory.
//!
//! hledger and beancount files end with assertions of every account's balance as the service keeps it
//! in its account rows, so the tools themselves compare the sum of all transfers with our balances.

mod beancount;
mod csv;
mod hledger;
mod name;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use serde::Serialize;
use sqlx::PgConnection;

use super::store::{self, AccountRow, Extent, TransferRow};
use crate::log::{self, Head, LogError};
use crate::types::{LogIndex, Zone, excerpt};

/// Rows that are in memory at a time.
const PAGE: i64 = 5_000;

/// What kind of file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A journal for hledger (1.25 or later); `hledger check --strict` accepts it.
    Hledger,
    /// A ledger for beancount (version 2 or 3); `bean-check` accepts it.
    Beancount,
    /// One row for each transfer, RFC 4180 in UTF-8.
    Csv,
    /// One row for each account with its balance, RFC 4180 in UTF-8.
    Balances,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Hledger, Self::Beancount, Self::Csv, Self::Balances];

    /// As it is typed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hledger => "hledger",
            Self::Beancount => "beancount",
            Self::Csv => "csv",
            Self::Balances => "balances",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown format {0:?}: use hledger, beancount, csv or balances")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let mut all = Self::ALL.into_iter();
        all.find(|format| format.as_str() == text)
            .ok_or_else(|| UnknownFormat(excerpt(text)))
    }
}

/// How far an export has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Entries of the log that are written.
    pub entries: i64,
    /// Entries of the log.
    pub size: i64,
}

/// What an export covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// What was written.
    pub format: Format,
    /// Entries of the log that it covers; those that move nothing are not in it.
    pub log_size: i64,
    /// Transfers in it.
    pub transfers: u64,
    /// Accounts in it.
    pub accounts: u64,
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file could not be written.
    #[error("the export could not be written: {0}")]
    Write(#[from] io::Error),
    /// The head of the log could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Writes a zone's journal, under a header with the size and the root of its log.
///
/// Run it in a transaction that sees one snapshot (`Database::read`): transfers and balances are read
/// by several statements and must be of the same moment.
pub async fn export(
    conn: &mut PgConnection,
    zone: &Zone,
    format: Format,
    out: &mut (dyn Write + Send),
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Exported, ExportError> {
    let head = log::head(conn, zone.id).await?;
    let extent = store::extent(conn, zone.id).await?;
    let header = Header { zone, head, extent };
    let mut exported = Exported {
        format,
        log_size: header.head.size(),
        transfers: 0,
        accounts: 0,
    };
    match format {
        Format::Hledger => hledger::begin(out, &header)?,
        Format::Beancount => beancount::begin(out, &header)?,
        Format::Csv => csv::begin_transfers(out)?,
        Format::Balances => csv::begin_balances(out)?,
    }
    if format != Format::Csv {
        exported.accounts = write_accounts(conn, &header, format, Moment::Opening, out).await?;
    }
    if format != Format::Balances {
        exported.transfers = write_transfers(conn, &header, format, out, progress).await?;
    }
    if matches!(format, Format::Hledger | Format::Beancount) {
        write_accounts(conn, &header, format, Moment::Closing, out).await?;
    }
    out.flush()?;
    Ok(exported)
}

/// What the first lines of a file say.
struct Header<'a> {
    zone: &'a Zone,
    head: Head,
    extent: Extent,
}

impl Header<'_> {
    /// Lines of explanation, without comment signs.
    fn lines(&self) -> Vec<String> {
        let Zone {
            code,
            name_en,
            name_zh,
            origin,
            ..
        } = self.zone;
        vec![
            format!("Journal of zone {code}, {name_en} {name_zh}, written by subsidy-ledger"),
            format!("Log {origin}: {} entries", self.head.size()),
            format!("Root of the log: {}", self.head.frontier().root()),
            "Entries that move nothing, such as refusals, are in the log and not in this file."
                .to_owned(),
            "Authority (B), rent (M) and quota (Q) accounts are memoranda: only Money (F) is money."
                .to_owned(),
            "The file ends with our own balance of every account, as assertions.".to_owned(),
        ]
    }
}

/// Which lines about an account are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// That there is such an account.
    Opening,
    /// What its balance is after everything.
    Closing,
}

async fn write_accounts(
    conn: &mut PgConnection,
    header: &Header<'_>,
    format: Format,
    moment: Moment,
    out: &mut (dyn Write + Send),
) -> Result<u64, ExportError> {
    let Some((first, last)) = header.extent.days else {
        return Ok(0);
    };
    let mut after = 0;
    let mut written = 0;
    loop {
        let page = store::accounts(conn, header.zone.id, after, PAGE).await?;
        let Some(end) = page.last() else {
            return Ok(written);
        };
        after = end.id;
        match (format, moment) {
            (Format::Hledger, Moment::Opening) => hledger::declare(out, &page)?,
            (Format::Hledger, Moment::Closing) => hledger::assert_balances(out, &page, last)?,
            (Format::Beancount, Moment::Opening) => beancount::open(out, &page, first)?,
            (Format::Beancount, Moment::Closing) => beancount::assert_balances(out, &page, last)?,
            (Format::Csv | Format::Balances, _) => csv::balances(out, &page)?,
        }
        written += u64::try_from(page.len()).unwrap_or(0);
    }
}

async fn write_transfers(
    conn: &mut PgConnection,
    header: &Header<'_>,
    format: Format,
    out: &mut (dyn Write + Send),
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<u64, ExportError> {
    let size = header.head.size();
    let mut from = LogIndex(0);
    let mut written = 0;
    loop {
        let page = store::transfers(conn, header.zone.id, from, PAGE).await?;
        let Some(end) = page.last() else {
            let entries = size;
            progress(Progress { entries, size });
            return Ok(written);
        };
        from = LogIndex(end.index.0 + 1);
        for entry in page.chunk_by(|one, next| one.index == next.index) {
            match format {
                Format::Hledger => hledger::transaction(out, entry)?,
                Format::Beancount => beancount::transaction(out, entry)?,
                Format::Csv | Format::Balances => csv::transfers(out, header.zone, entry)?,
            }
        }
        written += u64::try_from(page.len()).unwrap_or(0);
        progress(Progress {
            entries: from.0,
            size,
        });
    }
}

/// Both postings of every transfer of an entry, indented.
fn postings(out: &mut (dyn Write + Send), entry: &[TransferRow]) -> io::Result<()> {
    for transfer in entry {
        let currency = transfer.debit.currency;
        let amount = transfer.amount.to_text(currency);
        let debit = name::of(&transfer.debit);
        let credit = name::of(&transfer.credit);
        writeln!(out, "    {debit}  {amount} {currency}")?;
        writeln!(out, "    {credit}  -{amount} {currency}")?;
    }
    Ok(())
}

/// Debits less credits, as both tools count, whatever the account's normal side.
fn debit_balance(account: &AccountRow) -> String {
    let balance = account.debits.minor() - account.credits.minor();
    crate::types::Money::from_minor(balance).to_text(account.address.currency)
}
