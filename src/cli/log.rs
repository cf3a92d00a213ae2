//! `log` and `receipt`: the log for others to keep and check.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::value::RawValue;

use super::Global;
use super::session::with_session;
use super::verify::read_key;
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
    #[command(
        after_help = "Example:\n  subsidy-ledger log checkpoint --zone SH > today.checkpoint"
    )]
    Checkpoint,
}

/// Get a receipt of an entry, or verify one.
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
        run_log(&command, database, &zone, &keys, &mut io::stdout()).await?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Writes a receipt of the zone that the options choose, or verifies one, which needs no database.
pub(super) async fn run_receipt(global: &Global, args: ReceiptArgs) -> anyhow::Result<ExitCode> {
    if let Some(ReceiptCommand::Verify(args)) = &args.command {
        verify_receipt(args, &mut io::stdout())?;
        return Ok(ExitCode::SUCCESS);
    }
    let index = args.index.context("name the entry: receipt INDEX")?;
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        session.sign(&zone, Clock::System.now()).await;
        let (output, database) = (args.output.as_deref(), &session.database);
        write_receipt(index, output, database, &zone, &mut io::stdout()).await?;
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
            writeln!(
                out,
                "{}: {size} entries, {} of them new",
                folder.display(),
                size - from
            )?;
        }
        LogCommand::Checkpoint => {
            let published = database
                .read(zone.id, zone.id, |conn, zone| {
                    Box::pin(store::latest_checkpoint(conn, *zone))
                })
                .await?;
            let published = published.context("nothing was signed yet: try again in a second")?;
            write!(out, "{}", published.note)?;
        }
    }
    Ok(())
}

/// Writes the receipt of an entry.
pub async fn write_receipt(
    index: u64,
    output: Option<&Path>,
    database: &Database,
    zone: &Zone,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let asked = (zone.id, index);
    let receipt = database
        .read(zone.id, asked, |conn, (zone, index)| {
            Box::pin(store::receipt(conn, *zone, *index))
        })
        .await
        .map_err(|error: LogError| error)?;
    match output {
        Some(file) => {
            fs::write(file, receipt.to_string())
                .with_context(|| format!("{} can't be written", file.display()))?;
            writeln!(out, "{}: receipt of entry {index}", file.display())?;
        }
        None => write!(out, "{receipt}")?,
    }
    Ok(())
}

/// Verifies a receipt with nothing but a key, and prints the entry.
pub fn verify_receipt(args: &VerifyReceiptArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let text = fs::read_to_string(&args.file)
        .with_context(|| format!("{} can't be read", args.file.display()))?;
    let receipt: Receipt = text.parse()?;
    let checkpoint = receipt.verify(&read_key(&args.vkey)?)?;
    writeln!(
        out,
        "entry {} is in the log {} of {} entries:",
        receipt.index,
        checkpoint.note().lines().next().unwrap_or_default(),
        checkpoint.size()
    )?;
    // The bytes as they were hashed; they are JSON, unless the log is of another program.
    match serde_json::from_slice::<&RawValue>(&receipt.body) {
        Ok(entry) => writeln!(out, "{entry}")?,
        Err(_) => writeln!(out, "{:?}", receipt.body)?,
    }
    Ok(())
}
