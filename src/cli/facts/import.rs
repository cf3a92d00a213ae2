//! `facts import`.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::{SourceArg, corrections};
use crate::cli::mapping::MappingArgs;
use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::db::Turn;
use crate::fact::{self, FactFile, FileOptions, ImportReport, Next, NotNamed, Register, digest};
use crate::identity::Command;
use crate::policy::{Sha256, Source};
use crate::tabular::{Format, MAX_BYTES, ReadError, Table};
use crate::types::Day;

pub(super) const HELP: &str = "Examples:
  subsidy-ledger facts import sales-2019.xlsx --year 2019 --dry-run --as reviewer
  subsidy-ledger facts import tech-sme.csv --register tech_sme --as reviewer
  subsidy-ledger facts import lists.csv --register integrity --complete --from 2020-06-01 --as reviewer

A row states facts of one party: column party (code or office number), a column for each fact by its name or
Chinese words (`facts list`), year for facts about a year, from and until for the others (until is the first day on
which they no longer hold), reference, evidence. The same file again changes nothing. docs/import.md has it all.

Registers: tech_sme, hnte, size_class, integrity have columns of their own; another office's name, such as tax,
takes the facts that parties state themselves. --complete says of tech_sme, hnte or integrity that nobody else stands
in it from that day on, so that decisions on them need not wait.";

/// A file of facts.
#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// The file: .csv, .xlsx or .json
    file: PathBuf,
    #[command(flatten)]
    mapping: MappingArgs,
    /// declared, verified or imported [default: declared; imported with --register]
    #[arg(long)]
    source: Option<SourceArg>,
    /// The register that the file comes from
    #[arg(long, value_name = "NAME")]
    register: Option<Register>,
    /// SHA-256 of a document that supports all of them; may be repeated
    #[arg(long, value_name = "SHA256", value_parser = digest)]
    evidence: Vec<Sha256>,
    /// The year of rows that don't name one
    #[arg(long)]
    year: Option<i16>,
    /// The first day of rows that don't name one
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// The first day on which they no longer hold, of rows that don't name one
    #[arg(long, value_name = "DAY")]
    until: Option<Day>,
    /// The file is the whole register as of the day --from: whom it does not name does not stand in it
    #[arg(long, requires = "from", requires = "register")]
    complete: bool,
    /// Supersede what is recorded otherwise
    #[arg(long)]
    correct: bool,
    /// Say what would be done and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl ImportArgs {
    fn options(&self) -> FileOptions {
        let unnamed = if self.register.is_some() {
            Source::Imported
        } else {
            Source::Declared
        };
        FileOptions {
            source: self.source.map_or(unnamed, |source| source.0),
            register: self.register.clone(),
            evidence: self.evidence.clone(),
            year: self.year,
            from: self.from.map(Day::date),
            until: self.until.map(Day::date),
            complete: self.complete,
        }
    }

    fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        let size = std::fs::metadata(&self.file)?.len();
        if size > MAX_BYTES {
            return Err(ReadError::TooLarge(size).into());
        }
        Ok(std::fs::read(&self.file)?)
    }
}

pub(super) async fn run(global: &Global, args: ImportArgs) -> anyhow::Result<()> {
    let at = || args.file.display().to_string();
    let mapping = args.mapping.load()?;
    let bytes = args.bytes().with_context(at)?;
    let sha256 = Sha256::of(&bytes);
    let format = Format::of(&args.file).with_context(at)?;
    let table = Table::read(&bytes, format, &mapping.read_options()).with_context(at)?;
    drop(bytes);
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let today = caller.command().today();
        let currency = caller.zone.currency;
        let file = FactFile::read(&table, sha256, &mapping, args.options(), currency, today)
            .with_context(at)?;
        let read_as = table.read_as().to_owned();
        drop(table);
        let bar = output::progress(u64::try_from(file.statements())?);
        let input = (file, args.correct, args.dry_run, bar.clone());
        let report = session
            .command(
                &caller,
                input,
                |conn, command, (file, correct, dry_run, bar)| {
                    Box::pin(async move {
                        let zone = command.zone.id;
                        Turn::Facts
                            .wait_patiently(conn, zone, &output::waiting)
                            .await?;
                        // What a dry run says is no answer that a key would recall.
                        let key = command.key.filter(|_| !*dry_run);
                        let command = Command { key, ..command };
                        let plan = fact::plan(conn, &command, file, corrections(*correct)).await?;
                        if *dry_run {
                            return Ok(plan.report().clone());
                        }
                        bar.set_length(u64::try_from(plan.len()).unwrap_or(0));
                        let heard = |done| bar.set_position(u64::try_from(done).unwrap_or(0));
                        fact::apply(conn, &command, plan, &heard).await
                    })
                },
            )
            .await?;
        bar.finish_and_clear();
        print(global, &report, &read_as, args.dry_run)
    })
    .await
}

fn print(
    global: &Global,
    report: &ImportReport,
    read_as: &str,
    dry_run: bool,
) -> anyhow::Result<()> {
    if global.json {
        return output::json(&serde_json::json!({
            "import": report, "entry": report.entry, "read_as": read_as, "dry_run": dry_run,
        }));
    }
    let ImportReport {
        rows,
        stated,
        corrected,
        unchanged,
        not_named,
        entries,
        entry,
    } = report;
    let rows = output::counted(rows, "row", "rows");
    let stated = output::counted(stated, "statement", "statements");
    let would = if dry_run {
        "to be recorded"
    } else {
        "recorded"
    };
    let superseding = if *corrected > 0 {
        format!("; {corrected} of them supersede another")
    } else {
        String::new()
    };
    let from_to = match (entries, entry) {
        (Some((first, last)), Some(entry)) => {
            format!("; entries {first} to {last}, the import itself {entry}")
        }
        (_, _) => String::new(),
    };
    let rest = not_named.as_ref().map_or_else(String::new, rest);
    let nothing = if dry_run {
        "\nDry run: nothing was recorded."
    } else {
        ""
    };
    let text = format!(
        "read as {read_as}: {rows}; {stated} {would}, {unchanged} unchanged{superseding}{from_to}{rest}{nothing}"
    );
    output::line(&text)?;
    Ok(())
}

/// What a whole register says of those that it does not name.
fn rest(not_named: &NotNamed) -> String {
    let NotNamed {
        from,
        ended,
        is_new,
        next,
        entry,
    } = not_named;
    let ended = output::counted(ended, "party no longer stands", "parties no longer stand");
    let by = match entry {
        Some(entry) => format!(", entry {entry}"),
        None if *is_new => String::new(),
        None => ", as recorded before".to_owned(),
    };
    let next = next.map_or_else(String::new, |Next { from, restated }| {
        let parties = output::counted(restated, "party", "parties");
        format!(
            "\nfrom {from} on the whole register of that day counts, which was imported before: what it says of \
             {parties} is stated again"
        )
    });
    format!("\nthe whole register as of {from}: {ended} in it; nobody else does{by}{next}")
}
