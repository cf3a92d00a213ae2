//! `log` and `receipt`: the log for others to keep and check.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::session::with_session;
use super::verify::read_key;
use super::{Global, output};
use crate::clock::Clock;
use crate::db::Database;
use crate::log::bundle::{Exported, export};
use crate::log::{LogError, Receipt, store};
use crate::types::Zone;
use crate::verify::Outside;

/// The log of a zone.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum LogCommand {
    /// Export the log to a folder, or bring an earlier export up to date
    #[command(after_help = "Example:\n  subsidy-ledger log export ./bundle --zone SH")]
    Export {
        /// A new folder, or one that an earlier export wrote
        folder: PathBuf,
    },
    /// Print the newest checkpoint, for others to keep
    ///
    /// With --json: `note` (the signed text itself), `signed_at` and `size`.
    #[command(
        after_help = "Example:\n  subsidy-ledger log checkpoint --zone SH > today.checkpoint"
    )]
    Checkpoint,
}

/// Get a receipt of an entry, or verify one.
///
/// With --json: `index`, and `receipt` (its text) or the `file` that it was written to. Of a verification:
/// `entry`, `index`, `log` and `size`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  subsidy-ledger receipt 1234 --output 1234.tlog-proof\n  \
        subsidy-ledger receipt verify 1234.tlog-proof --vkey zone.vkey"
)]
pub struct ReceiptArgs {
    /// Verify a receipt instead
    #[command(subcommand)]
    pub command: Option<ReceiptCommand>,
    /// Log index of the entry
    #[arg(required = true)]
    pub index: Option<u64>,
    /// File to write; without it the receipt is printed
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// What else can be done with receipts.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ReceiptCommand {
    /// Check that the log of a key contains a receipt's entry; needs no database
    #[command(
        after_help = "Example:\n  subsidy-ledger receipt verify 1234.tlog-proof --vkey zone.vkey"
    )]
    Verify(VerifyReceiptArgs),
}

/// A receipt to be verified.
#[derive(Clone, Debug, clap::Args)]
pub struct VerifyReceiptArgs {
    /// The receipt (`tlog-proof`)
    pub file: PathBuf,
    /// The log's verifier key, or a file that has it
    #[arg(long, value_name = "KEY|FILE")]
    pub vkey: String,
}

/// Runs a command on the zone that the options choose, signing first what is not signed yet.
pub(super) async fn run(global: &Global, command: LogCommand) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        session.sign(&zone, Clock::System.now()).await;
        let (database, keys) = (&session.database, session.keys());
        let json = global.json;
        run_log(&command, database, &zone, &keys, json, &mut output::Answer).await?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Writes a receipt of the zone that the options choose, or verifies one, which needs no database.
pub(super) async fn run_receipt(global: &Global, args: ReceiptArgs) -> anyhow::Result<ExitCode> {
    if let Some(ReceiptCommand::Verify(args)) = &args.command {
        verify_receipt(args, global.json, &mut output::Answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let index = args.index.context("name the entry: receipt INDEX")?;
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        session.sign(&zone, Clock::System.now()).await;
        let (file, database) = (args.output.as_deref(), &session.database);
        let json = global.json;
        write_receipt(index, file, database, &zone, json, &mut output::Answer).await?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Exports or prints what the zone's log publishes. `keys` is the signer's key folder, `<data>/keys`.
pub async fn run_log(
    command: &LogCommand,
    database: &Database,
    zone: &Zone,
    keys: &Path,
    json: bool,
    out: &mut (impl Write + Send),
) -> anyhow::Result<()> {
    match command {
        LogCommand::Export { folder } => {
            let outside = Outside::of_signer(keys, zone.code.as_str())?;
            let key = outside.map(|outside| outside.key).with_context(|| {
                let code = &zone.code;
                format!(
                    "there is no {code}.vkey in {}: nothing was signed",
                    keys.display()
                )
            })?;
            let mut tx = database.pool().begin().await?;
            crate::db::enter_zone(&mut tx, zone.id).await?;
            let Exported { from, size } =
                export(&mut tx, zone.id, &key, folder, &mut |_| ()).await?;
            tx.commit().await?;
            let (folder, new) = (folder.display(), size - from);
            if json {
                let answer = json!({ "folder": folder.to_string(), "new": new, "size": size });
                writeln!(out, "{answer}")?;
            } else {
                let size = output::counted(size, "entry", "entries");
                writeln!(out, "{folder}: {size}, {new} of them new")?;
            }
        }
        LogCommand::Checkpoint => {
            let published = database
                .read(zone.id, zone.id, |conn, zone| {
                    Box::pin(store::latest_checkpoint(conn, *zone))
                })
                .await?;
            let published = published.context("nothing was signed yet: try again in a second")?;
            if json {
                writeln!(out, "{}", serde_json::to_string(&published)?)?;
            } else {
                write!(out, "{}", published.note)?;
            }
        }
    }
    Ok(())
}

/// Writes the receipt of an entry to a file or to `out`.
pub async fn write_receipt(
    index: u64,
    file: Option<&Path>,
    database: &Database,
    zone: &Zone,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let asked = (zone.id, index);
    let receipt = database
        .read(zone.id, asked, |conn, (zone, index)| {
            Box::pin(store::receipt(conn, *zone, *index))
        })
        .await
        .map_err(|error: LogError| error)?;
    if let Some(file) = file {
        fs::write(file, receipt.to_string())
            .with_context(|| format!("{} can't be written", file.display()))?;
    }
    match file.map(Path::display) {
        Some(file) if json => {
            let answer = json!({ "file": file.to_string(), "index": index });
            writeln!(out, "{answer}")?;
        }
        Some(file) => writeln!(out, "{file}: receipt of entry {index}")?,
        None if json => {
            let answer = json!({ "index": index, "receipt": receipt.to_string() });
            writeln!(out, "{answer}")?;
        }
        None => write!(out, "{receipt}")?,
    }
    Ok(())
}

/// A verified receipt as JSON.
#[derive(Serialize)]
struct Verified<'v> {
    /// The entry, its bytes as they were hashed; text if they are no JSON.
    entry: Entry<'v>,
    index: u64,
    /// Origin line of the log.
    log: &'v str,
    /// Entries of the log that the receipt was made against.
    size: u64,
}

/// An entry is JSON, unless the log is of another program.
#[derive(Serialize)]
#[serde(untagged)]
enum Entry<'v> {
    Json(&'v RawValue),
    Other(String),
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(entry) => entry.fmt(f),
            Self::Other(text) => text.fmt(f),
        }
    }
}

/// Verifies a receipt with nothing but a key, and prints the entry.
pub fn verify_receipt(
    args: &VerifyReceiptArgs,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let text = fs::read_to_string(&args.file)
        .with_context(|| format!("{} can't be read", args.file.display()))?;
    let receipt: Receipt = text.parse()?;
    let checkpoint = receipt.verify(&read_key(&args.vkey)?)?;
    let verified = Verified {
        entry: match serde_json::from_slice(&receipt.body) {
            Ok(entry) => Entry::Json(entry),
            Err(_) => Entry::Other(format!("{:?}", receipt.body)),
        },
        index: receipt.index,
        log: checkpoint.note().lines().next().unwrap_or_default(),
        size: checkpoint.size(),
    };
    if json {
        writeln!(out, "{}", serde_json::to_string(&verified)?)?;
        return Ok(());
    }
    let Verified {
        entry,
        index,
        log,
        size,
    } = verified;
    let size = output::counted(size, "entry", "entries");
    writeln!(out, "entry {index} is in the log {log} of {size}:")?;
    writeln!(out, "{entry}")?;
    Ok(())
}
