//! `verify`: the proof, offline on a bundle or online against the database.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::json;

use super::session::Session;
use super::{Global, output};
use crate::db::{Database, Role};
use crate::identity::store;
use crate::log::LogVerifierKey;
use crate::types::Zone;
use crate::verify::{
    BundleOptions, DatabaseOptions, Outside, Report, VerifyError, verify_bundle, verify_database,
};

/// Verify an exported log, or the database in use.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = "Examples:\n  subsidy-ledger verify\n  \
    subsidy-ledger verify ./bundle --vkey zone.vkey --pinned last-year.checkpoint")]
pub struct VerifyArgs {
    /// Folder that `log export` wrote; without it the database is verified
    pub bundle: Option<PathBuf>,
    /// The log's verifier key, or a file that has it, as its owner published it
    #[arg(long, value_name = "KEY|FILE")]
    pub vkey: Option<String>,
    /// A checkpoint that was kept elsewhere, which the log must extend; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub pinned: Vec<PathBuf>,
}

/// The outcome for one log.
type Outcome = Result<Report, VerifyError>;

/// Verifies a bundle, or the database that the options choose.
pub(super) async fn run(global: &Global, args: VerifyArgs) -> anyhow::Result<ExitCode> {
    let is_well = if let Some(bundle) = args.bundle.clone() {
        let json = global.json;
        let work = move || verify_a_bundle(&args, &bundle, json, &mut output::Answer);
        tokio::task::spawn_blocking(work).await??
    } else {
        let session = Session::open_as(global, Role::Auditor).await?;
        let (keys, code) = (session.keys(), global.zone.as_deref());
        let out = &mut output::Answer;
        let verified =
            verify_the_database(&args, &session.database, &keys, code, global.json, out).await;
        session.close().await?;
        verified?
    };
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Verifies the bundle in a folder. `true` when all is well.
pub fn verify_a_bundle(
    args: &VerifyArgs,
    bundle: &Path,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    let options = BundleOptions {
        key: args.vkey.as_deref().map(read_key).transpose()?,
        pinned: read_pinned(&args.pinned)?,
        ..BundleOptions::default()
    };
    let name = bundle.display().to_string();
    let outcome = verify_bundle(bundle, &options, &mut |_, _| ());
    print(&[(name, outcome)], json, out)
}

/// Verifies the zones of a database, or the one asked for, as the auditor. `keys` is the signer's key folder, `<data>/keys`;
/// where it is not on this machine, `--vkey` names the key. `true` when all is well.
pub async fn verify_the_database(
    args: &VerifyArgs,
    database: &Database,
    keys: &Path,
    code: Option<&str>,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    let zones = database
        .read(None, (), |conn, ()| Box::pin(store::zones(conn)))
        .await?;
    let is_asked = |of: &str| code.is_none_or(|code| of == code);
    let gone: Vec<String> = signed_zones(keys)?
        .into_iter()
        .filter(|signed| is_asked(signed) && zones.iter().all(|zone| zone.code.as_str() != signed))
        .collect();
    let zones: Vec<Zone> = zones
        .into_iter()
        .filter(|zone| is_asked(zone.code.as_str()))
        .collect();
    if zones.is_empty() && gone.is_empty() {
        match code {
            Some(code) => bail!("there is no zone {code}"),
            None => bail!("nothing was verified: the database has no zone"),
        }
    }
    if zones.len() > 1 && (args.vkey.is_some() || !args.pinned.is_empty()) {
        bail!("--vkey and --pinned belong to one zone: name it with --zone");
    }
    let mut outcomes: Vec<(String, Outcome)> = gone
        .into_iter()
        .map(|code| (code, Err(VerifyError::ZoneGone)))
        .collect();
    for zone in zones {
        let options = DatabaseOptions {
            outside: outside(args, keys, &zone)?,
            ..DatabaseOptions::default()
        };
        let outcome = verify_database(database, &zone, options, |_, _| ()).await;
        outcomes.push((zone.code.to_string(), outcome));
    }
    print(&outcomes, json, out)
}

/// Codes of the zones whose logs the signer on this machine has keys of.
fn signed_zones(keys: &Path) -> anyhow::Result<Vec<String>> {
    let files = match std::fs::read_dir(keys) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files.with_context(|| format!("{} can't be read", keys.display()))?,
    };
    let mut codes = Vec::new();
    for file in files {
        let name = file?.file_name();
        let code = name.to_str().and_then(|name| name.strip_suffix(".vkey"));
        codes.extend(code.map(str::to_owned));
    }
    codes.sort_unstable();
    Ok(codes)
}

/// The signer's memory, and what the arguments add to it.
fn outside(args: &VerifyArgs, keys: &Path, zone: &Zone) -> anyhow::Result<Option<Outside>> {
    let mut outside = Outside::of_signer(keys, zone.code.as_str())?;
    if let Some(key) = &args.vkey {
        let key = read_key(key)?;
        outside = Some(Outside {
            key,
            signed_last: outside.and_then(|outside| outside.signed_last),
            pinned: Vec::new(),
        });
    }
    let pinned = read_pinned(&args.pinned)?;
    match &mut outside {
        Some(outside) => outside.pinned.extend(pinned),
        None if pinned.is_empty() => {}
        None => bail!("--pinned needs the key that signed it: name it with --vkey"),
    }
    Ok(outside)
}

/// A verifier key, given as itself or by a file.
pub(super) fn read_key(key: &str) -> anyhow::Result<LogVerifierKey> {
    let text = if Path::new(key).exists() {
        std::fs::read_to_string(key).with_context(|| format!("--vkey {key} can't be read"))?
    } else {
        key.to_owned()
    };
    Ok(text.parse()?)
}

fn read_pinned(files: &[PathBuf]) -> anyhow::Result<Vec<(String, String)>> {
    files
        .iter()
        .map(|file| {
            let name = file.display().to_string();
            let note = std::fs::read_to_string(file)
                .with_context(|| format!("--pinned {name} can't be read"))?;
            Ok((name, note))
        })
        .collect()
}

fn print(outcomes: &[(String, Outcome)], json: bool, out: &mut impl Write) -> anyhow::Result<bool> {
    let is_well = outcomes.iter().all(|(_, outcome)| outcome.is_ok());
    if json {
        let answers: Vec<_> = outcomes
            .iter()
            .map(|(name, outcome)| match outcome {
                Ok(report) => json!({"log": name, "ok": true, "report": report}),
                Err(error) => json!({"log": name, "ok": false, "finding": chain(error)}),
            })
            .collect();
        serde_json::to_writer_pretty(&mut *out, &json!({"ok": is_well, "logs": answers}))?;
        writeln!(out)?;
    } else {
        for (name, outcome) in outcomes {
            match outcome {
                Ok(report) => print_report(name, report, out)?,
                Err(error) => writeln!(out, "{name}: WRONG: {}", chain(error))?,
            }
        }
    }
    Ok(is_well)
}

/// An error with its causes, in one line.
fn chain(error: &VerifyError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn print_report(name: &str, report: &Report, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{name}: verified: {}, {}, {}",
        output::counted(report.size, "entry", "entries"),
        output::counted(report.transfers, "transfer", "transfers"),
        output::counted(report.checkpoints, "checkpoint", "checkpoints")
    )?;
    writeln!(out, "  root {}", report.root)?;
    for total in &report.books {
        writeln!(
            out,
            "  {} ({}) {}: debits {} = credits {}",
            total.book.names().0,
            total.book.names().1,
            total.currency,
            total.debits.to_grouped_text(total.currency),
            total.credits.to_grouped_text(total.currency),
        )?;
    }
    for warning in &report.warnings {
        writeln!(out, "  note: {warning}")?;
    }
    Ok(())
}
