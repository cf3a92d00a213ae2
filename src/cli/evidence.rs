//! `evidence …`: documents of cases, kept by their hash.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Seek};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::session::{Session, with_session};
use super::{Global, output};
use crate::config::EvidenceTarget;
use crate::evidence::{
    self, Added, Condition, DEFAULT_LIMIT, Document, Finding, Kept, MediaType, Objects, Use,
};
use crate::fact::digest;
use crate::policy::Sha256;
use crate::report::{Align, Table};
use crate::types::{LogIndex, Zone};

/// How many rows are read at a time.
const PAGE: u16 = 1_000;

/// Documents, and where they are kept.
#[derive(Debug, Args)]
pub(super) struct EvidenceArgs {
    /// Where documents are kept: a folder, or a bucket whose `AWS_…` variables are read [default: the folder
    /// `evidence` in the data folder]
    #[arg(
        long,
        global = true,
        value_name = "DIR|s3://BUCKET/PREFIX",
        env = "SUBSIDY_LEDGER_EVIDENCE"
    )]
    store: Option<EvidenceTarget>,
    #[command(subcommand)]
    command: EvidenceCommand,
}

#[derive(Debug, Subcommand)]
enum EvidenceCommand {
    /// Keep a document: PDF, JPEG, PNG, TIFF, OFD, DOCX, XLSX or XML, by what its bytes are
    ///
    /// Prints its SHA-256, by which cases name it (`voucher redeem --evidence`). Its file's name is not kept. One that is
    /// kept already is stored again, which mends one that was lost; whether cases rest on it is said.
    #[command(after_help = "Example:\n  subsidy-ledger evidence add invoice-4711.pdf --as p1")]
    Add(AddArgs),
    /// Print a document's bytes, once they are found to be those that were added
    #[command(
        after_help = "Example:\n  subsidy-ledger evidence get 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 \
        > invoice.pdf"
    )]
    Get {
        /// SHA-256 of the document
        #[arg(value_parser = digest)]
        sha256: Sha256,
    },
    /// List the documents, or those that several cases rest on
    #[command(after_help = "Example:\n  subsidy-ledger evidence list --reused")]
    List {
        /// Documents that more than one case rests on, kept here or not, with the cases
        #[arg(long)]
        reused: bool,
    },
    /// Hash every document again, and name what is missing or altered
    ///
    /// Exits with 1 if something is.
    #[command(after_help = "Example:\n  subsidy-ledger evidence check --json")]
    Check,
}

#[derive(Debug, Args)]
struct AddArgs {
    /// The document
    file: PathBuf,
    /// What it is said to be; refused if its bytes are something else
    #[arg(long, value_name = "TYPE")]
    media_type: Option<MediaType>,
    /// The SHA-256 that it is said to have; refused if it has another
    #[arg(long, value_name = "SHA256", value_parser = digest)]
    sha256: Option<Sha256>,
    /// The most bytes that it may have
    #[arg(
        long,
        value_name = "BYTES",
        env = "SUBSIDY_LEDGER_EVIDENCE_LIMIT",
        default_value_t = DEFAULT_LIMIT
    )]
    limit: u64,
}

pub(super) async fn run(global: &Global, args: EvidenceArgs) -> anyhow::Result<ExitCode> {
    let store = args.store;
    let open = |session: &Session| {
        let target = store.unwrap_or_else(|| EvidenceTarget::Folder(session.data.join("evidence")));
        Objects::open(&target)
    };
    match args.command {
        EvidenceCommand::Add(args) => {
            let (file, document) = inspect(&args).await?;
            with_session(global, async |session| {
                add(global, session, || open(session), (file, document)).await
            })
            .await
        }
        EvidenceCommand::Get { sha256 } => {
            with_session(global, async |session| {
                get(global, session, &open(session)?, sha256).await
            })
            .await
        }
        EvidenceCommand::List { reused } => {
            with_session(global, async |session| {
                if reused {
                    list_reused(global, session).await
                } else {
                    list(global, session).await
                }
            })
            .await
        }
        EvidenceCommand::Check => {
            with_session(global, async |session| {
                check(global, session, &open(session)?).await
            })
            .await
        }
    }
}

/// Opens a file and says what it is, before anything else is asked.
async fn inspect(args: &AddArgs) -> anyhow::Result<(File, Document)> {
    let path = args.file.clone();
    let (limit, media_type, sha256) = (args.limit, args.media_type, args.sha256);
    let read = move || {
        let mut file = open_file(&path)?;
        let document = evidence::inspect(&mut file, limit)?;
        document.require(media_type, sha256)?;
        file.rewind()?;
        anyhow::Ok((file, document))
    };
    let read = tokio::task::spawn_blocking(read).await?;
    // The name as Rust writes a text, so that none can write to the terminal what it likes.
    read.with_context(|| format!("{:?} was not added", args.file.to_string_lossy()))
}

fn open_file(path: &Path) -> anyhow::Result<File> {
    // Not opened to be asked: to open a pipe waits for its writer.
    if !fs::metadata(path).context("can't be read")?.is_file() {
        bail!("not a file: name the document itself");
    }
    File::open(path).context("can't be read")
}

async fn add(
    global: &Global,
    session: &Session,
    open: impl FnOnce() -> Result<Objects, evidence::ObjectsError>,
    (file, document): (File, Document),
) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    caller.actor.require(evidence::ADDED_BY)?;
    let objects = open()?;
    let bytes = tokio::fs::File::from_std(file);
    objects.put(&caller.zone, &document, bytes).await?;
    let added = session
        .command(&caller, document, |conn, command, document| {
            Box::pin(async move { evidence::add(conn, &command, document).await })
        })
        .await?;
    let uses = uses(session, &caller.zone, document.sha256).await?;
    if global.json {
        let mut answer = serde_json::to_value(added)?;
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("uses".to_owned(), serde_json::to_value(uses)?);
        }
        output::json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Added { entry, is_new, .. } = added;
    let Document {
        bytes, media_type, ..
    } = document;
    output::line(&document.sha256.to_string())?;
    let what = if is_new { "kept" } else { "known since before" };
    let bytes = output::counted(output::grouped(&bytes.to_string()), "byte", "bytes");
    output::line(&format!("{what}, {bytes}, {media_type}, entry {entry}"))?;
    for one in uses {
        output::line(&format!("used by {}", case(&one)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A case that rests on a document, in words.
fn case(one: &Use) -> String {
    format!("{} {}, entry {}", one.case_kind, one.case_id, one.log_index)
}

async fn uses(session: &Session, zone: &Zone, sha256: Sha256) -> anyhow::Result<Vec<Use>> {
    let read = session
        .database
        .read(zone.id, (zone.id, sha256), |conn, (zone, sha256)| {
            Box::pin(async move { evidence::uses(conn, *zone, &[*sha256]).await })
        });
    Ok(read.await?)
}

async fn get(
    global: &Global,
    session: &Session,
    objects: &Objects,
    sha256: Sha256,
) -> anyhow::Result<ExitCode> {
    if io::stdout().is_terminal() {
        bail!("a document is no text for a terminal: write it to a file with `> FILE`");
    }
    let zone = session.zone(global).await?;
    let kept = session
        .database
        .read(zone.id, (zone.id, sha256), |conn, (zone, sha256)| {
            Box::pin(evidence::store::kept(conn, *zone, *sha256))
        })
        .await?;
    let kept = kept.with_context(|| {
        format!(
            "no document {sha256} in zone {}: `evidence list` shows what is kept",
            zone.code
        )
    })?;
    let whole = |condition| match told(condition) {
        None => Ok(()),
        Some(how) => bail!("document {sha256} is {how} in {}", objects.place()),
    };
    whole(evidence::condition(objects, &zone, &kept).await?)?;
    let condition = evidence::copy(objects, &zone, &kept, &mut tokio::io::stdout()).await?;
    whole(condition)?;
    Ok(ExitCode::SUCCESS)
}

/// How a document is, unless it is whole.
fn told(condition: Condition) -> Option<String> {
    match condition {
        Condition::Whole => None,
        Condition::Missing => Some("missing".to_owned()),
        Condition::Altered {
            found_sha256,
            found_bytes,
        } => Some(format!(
            "altered ({found_bytes} bytes with the SHA-256 {found_sha256})"
        )),
    }
}

/// A page of the documents of a zone.
async fn page(
    session: &Session,
    zone: &Zone,
    after: Option<LogIndex>,
) -> anyhow::Result<Vec<Kept>> {
    let read = session
        .database
        .read(zone.id, (zone.id, after), |conn, (zone, after)| {
            Box::pin(evidence::store::list(conn, *zone, *after, PAGE))
        });
    Ok(read.await?)
}

async fn list(global: &Global, session: &Session) -> anyhow::Result<ExitCode> {
    let zone = session.zone(global).await?;
    let mut all = Vec::new();
    loop {
        let next = page(
            session,
            &zone,
            all.last().map(|last: &Kept| last.added_index),
        )
        .await?;
        if next.is_empty() {
            break;
        }
        all.extend(next);
    }
    if global.json {
        output::json(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new([
        ("SHA-256", Align::Left),
        ("bytes", Align::Right),
        ("type", Align::Left),
        ("entry", Align::Right),
    ]);
    for one in &all {
        table.row([
            one.sha256.to_string(),
            output::grouped(&one.bytes.to_string()),
            one.media_type.to_string(),
            one.added_index.to_string(),
        ]);
    }
    output::line(table.to_string().trim_end())?;
    Ok(ExitCode::SUCCESS)
}

async fn list_reused(global: &Global, session: &Session) -> anyhow::Result<ExitCode> {
    let zone = session.zone(global).await?;
    let reused = session
        .database
        .read(zone.id, zone.id, |conn, zone| {
            Box::pin(evidence::store::reused(conn, *zone))
        })
        .await?;
    if global.json {
        output::json(&reused)?;
        return Ok(ExitCode::SUCCESS);
    }
    if reused.is_empty() {
        output::line("no document is used by more than one case")?;
    }
    let mut last = None;
    for one in &reused {
        if last != Some(one.sha256) {
            output::line(&one.sha256.to_string())?;
            last = Some(one.sha256);
        }
        output::line(&format!("  {}", case(one)))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(global: &Global, session: &Session, objects: &Objects) -> anyhow::Result<ExitCode> {
    let zone = session.zone(global).await?;
    let count = session
        .database
        .read(zone.id, zone.id, |conn, zone| {
            Box::pin(evidence::store::count(conn, *zone))
        })
        .await?;
    let bar = output::progress(u64::try_from(count).unwrap_or(0));
    let (mut checked, mut after, mut findings) = (0_u64, None, Vec::new());
    loop {
        let next = page(session, &zone, after).await?;
        let Some(last) = next.last() else { break };
        after = Some(last.added_index);
        for kept in next {
            let condition = evidence::condition(objects, &zone, &kept).await?;
            checked += 1;
            bar.inc(1);
            if condition != Condition::Whole {
                findings.push(Finding { kept, condition });
            }
        }
    }
    bar.finish_and_clear();
    if global.json {
        output::json(&serde_json::json!({ "checked": checked, "findings": findings }))?;
    } else {
        for Finding { kept, condition } in &findings {
            let how = told(*condition).unwrap_or_default();
            let (sha256, entry) = (kept.sha256, kept.added_index);
            output::line(&format!("{sha256}, entry {entry}: {how}"))?;
        }
        let documents = output::counted(checked, "document", "documents");
        output::line(&format!(
            "{documents} hashed in {}: {} missing or altered",
            objects.place(),
            findings.len()
        ))?;
    }
    Ok(if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
