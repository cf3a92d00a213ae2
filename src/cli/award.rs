//! `import awards` and `award reconcile`: awards that another office made in the past.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;
use indicatif::ProgressBar;

use super::session::with_session;
use super::{Global, output};
use crate::award::{
    self, AwardFile, AwardMap, BadRows, Corrections, FileError, ImportError, ImportReport,
    MapError, Reconciliation, Stage, Totals,
};
use crate::db::{Database, Turn};
use crate::identity::{Actor, Command};
use crate::report::{Align, Table};
use crate::tabular::MAX_BYTES;
use crate::types::Zone;

/// `import awards FILE --map MAP.toml`
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Example:\n  subsidy-ledger import awards awards.json --map assets/maps/amsterdam-2016.toml \
                  --zone AMS --dry-run\n\nThe file is the whole list: the same file again changes \
                  nothing. docs/history-import.md explains maps and what is posted."
)]
pub struct ImportAwardsArgs {
    /// File and map.
    #[command(flatten)]
    pub list: ListArgs,
    /// Record the rows that are right and report the others; otherwise one bad row refuses the file.
    #[arg(long)]
    pub skip_bad_rows: bool,
    /// Reverse recorded awards that the file has otherwise or not at all.
    #[arg(long)]
    pub correct: bool,
    /// Do everything and keep nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `award reconcile FILE --map MAP.toml`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  subsidy-ledger award reconcile awards.json \
                  --map assets/maps/amsterdam-2016.toml --zone AMS\n\nExits with an error unless file \
                  and ledger agree row by row and to the cent.")]
pub struct ReconcileArgs {
    /// File and map.
    #[command(flatten)]
    pub list: ListArgs,
}

/// A list of past awards.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// The list: .json, .csv or .xlsx.
    pub file: PathBuf,
    /// How it is laid out (TOML).
    #[arg(long, value_name = "MAP.toml")]
    pub map: PathBuf,
}

/// Why a list was not imported or reconciled.
#[derive(Debug, thiserror::Error)]
pub enum AwardCliError {
    /// A file could not be opened.
    #[error("{path}: {error}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The map is wrong.
    #[error("{path}: {error}")]
    Map {
        /// The map.
        path: PathBuf,
        /// What is wrong.
        error: Box<MapError>,
    },
    /// The file could not be read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Box<FileError>,
    },
    /// Nothing was imported.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// File and ledger say different things.
    #[error("the ledger does not have what the file says")]
    Differs,
    /// Writing to the terminal failed.
    #[error("the report could not be written: {0}")]
    Io(#[from] io::Error),
    /// The report has no JSON form.
    #[error("the report could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl ListArgs {
    fn read(&self) -> Result<(AwardMap, AwardFile), AwardCliError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| AwardCliError::Open { path, error }
        };
        let map = std::fs::read_to_string(&self.map).map_err(at(&self.map))?;
        let map: AwardMap = map.parse().map_err(|error| AwardCliError::Map {
            path: self.map.clone(),
            error: Box::new(error),
        })?;
        let of_file = |error: FileError| AwardCliError::File {
            path: self.file.clone(),
            error: Box::new(error),
        };
        let size = std::fs::metadata(&self.file).map_err(at(&self.file))?.len();
        if size > MAX_BYTES {
            return Err(of_file(crate::tabular::ReadError::TooLarge(size).into()));
        }
        let bytes = std::fs::read(&self.file).map_err(at(&self.file))?;
        let name = self.file.file_name().unwrap_or(self.file.as_os_str());
        let file = AwardFile::read(&name.to_string_lossy(), &bytes, &map).map_err(of_file)?;
        Ok((map, file))
    }
}

/// What an import is given besides its arguments.
struct Import {
    zone: Zone,
    actor: Actor,
    now: DateTime<Utc>,
    map: AwardMap,
    file: AwardFile,
    args: ImportAwardsArgs,
    progress: ProgressBar,
}

/// How an import's transaction ends without a commit.
#[derive(Debug, thiserror::Error)]
enum NotKept {
    /// A dry run went well.
    #[error("dry run")]
    DryRun(Box<ImportReport>),
    #[error(transparent)]
    Failed(#[from] ImportError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Imports a list and writes what was done to `out`, as JSON if asked.
pub async fn import(
    database: &Database,
    zone: &Zone,
    actor: &Actor,
    now: DateTime<Utc>,
    args: ImportAwardsArgs,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<(), AwardCliError> {
    let (map, file) = args.list.read()?;
    let dry_run = args.dry_run;
    let input = Import {
        zone: zone.clone(),
        actor: actor.clone(),
        now,
        map,
        file,
        args,
        progress: ProgressBar::new_spinner(),
    };
    let kept = database
        .write(zone.id, input, |conn, input| {
            Box::pin(async move {
                let report = input.carry_out(conn).await?;
                if input.args.dry_run {
                    Err(NotKept::DryRun(Box::new(report)))
                } else {
                    Ok(report)
                }
            })
        })
        .await;
    let report = match kept {
        Ok(report) => report,
        Err(NotKept::DryRun(report)) => *report,
        Err(NotKept::Failed(error)) => return Err(error.into()),
        Err(NotKept::Database(error)) => return Err(error.into()),
    };
    if json {
        let report = serde_json::json!({"dry_run": dry_run, "import": report});
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        write_report(out, &report, dry_run)?;
    }
    Ok(out.flush()?)
}

impl Import {
    async fn carry_out(&self, conn: &mut sqlx::PgConnection) -> Result<ImportReport, ImportError> {
        let command = Command {
            zone: &self.zone,
            actor: &self.actor,
            now: self.now,
            key: None,
        };
        let corrections = if self.args.correct {
            Corrections::Apply
        } else {
            Corrections::Refuse
        };
        let bad_rows = if self.args.skip_bad_rows {
            BadRows::Skip
        } else {
            BadRows::Refuse
        };
        let progress = |stage: Stage| {
            self.progress.set_message(match stage {
                Stage::Parties(count) => format!("registering {count} recipients"),
                Stage::Entries(count) => format!("recording {count} entries"),
            });
            self.progress.tick();
        };
        Turn::Awards
            .wait_patiently(conn, self.zone.id, &output::waiting)
            .await?;
        let report = award::import(
            conn,
            &command,
            &self.map,
            &self.file,
            corrections,
            bad_rows,
            &progress,
        );
        let report = report.await;
        self.progress.finish_and_clear();
        report
    }
}

fn write_report(out: &mut dyn Write, report: &ImportReport, dry_run: bool) -> io::Result<()> {
    let ImportReport {
        source,
        rows,
        recorded,
        refused,
        unchanged,
        corrected,
        withdrawn,
        unrecorded,
        granted,
        parties,
        programmes,
        entry,
    } = report;
    if dry_run {
        writeln!(out, "dry run: nothing was kept")?;
    }
    writeln!(
        out,
        "list {source}: {}",
        output::counted(rows, "row", "rows")
    )?;
    let recorded = output::counted(recorded, "award", "awards");
    let granted = output::grouped(granted);
    writeln!(out, "  {recorded} recorded, {granted} granted in all")?;
    let refused = output::counted(refused, "refusal", "refusals");
    writeln!(out, "  {refused} recorded")?;
    writeln!(out, "  {unchanged} recorded before")?;
    writeln!(out, "  {} not recorded", unrecorded.total())?;
    if corrected + withdrawn > 0 {
        writeln!(
            out,
            "reversed: {corrected} that the file has otherwise, {withdrawn} not in it"
        )?;
    }
    writeln!(out, "new: {parties} recipients, {programmes} programmes")?;
    if let Some(entry) = entry.filter(|_| !dry_run) {
        writeln!(out, "recorded as entry {entry}")?;
    }
    for error in unrecorded.kept() {
        writeln!(out, "not recorded: {error}")?;
    }
    Ok(())
}

/// Imports a list into the zone that the options choose, as the person that they name.
pub(super) async fn run_import(
    global: &Global,
    args: ImportAwardsArgs,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let (zone, actor) = (&caller.zone, &caller.actor);
        let out = &mut output::Answer;
        import(
            &session.database,
            zone,
            actor,
            caller.now,
            args,
            global.json,
            out,
        )
        .await?;
        session.sign(zone, caller.now).await;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Reconciles a list with the zone that the options choose.
pub(super) async fn run_reconcile(
    global: &Global,
    args: ReconcileArgs,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        reconcile(
            &session.database,
            &zone,
            &args,
            global.json,
            &mut output::Answer,
        )
        .await?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Compares a list with the ledger and writes both to `out`; an error unless they agree.
pub async fn reconcile(
    database: &Database,
    zone: &Zone,
    args: &ReconcileArgs,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<(), AwardCliError> {
    let (map, file) = args.list.read()?;
    let unreadable = file.errors.clone();
    let input = (zone.clone(), map, file);
    let compared: Result<Reconciliation, sqlx::Error> = database
        .read(zone.id, input, |conn, (zone, map, file)| {
            Box::pin(award::reconcile(conn, zone, map, file))
        })
        .await;
    let compared = compared?;
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&compared)?)?;
    } else {
        write!(out, "{}", reconciliation_text(&compared))?;
        for error in unreadable.kept() {
            writeln!(out, "not read: {error}")?;
        }
    }
    out.flush()?;
    if compared.agrees() {
        Ok(())
    } else {
        Err(AwardCliError::Differs)
    }
}

fn reconciliation_text(compared: &Reconciliation) -> String {
    let mut table = Table::new([
        ("", Align::Left),
        ("", Align::Left),
        ("rows", Align::Right),
        ("refused", Align::Right),
        ("requested", Align::Right),
        ("granted", Align::Right),
    ]);
    let mut line = |about: &str, side: &str, totals: &Totals| {
        table.row([
            about.to_owned(),
            side.to_owned(),
            totals.rows.to_string(),
            totals.refused.to_string(),
            totals.requested.to_grouped_text(compared.currency),
            totals.granted.to_grouped_text(compared.currency),
        ]);
    };
    for difference in &compared.differences {
        line(difference.programme.as_str(), "file", &difference.file);
        line("", "ledger", &difference.ledger);
    }
    line("all programmes", "file", &compared.file);
    line("", "ledger", &compared.ledger);
    let verdict = if compared.agrees() {
        "file and ledger agree, row by row and to the cent".to_owned()
    } else {
        format!(
            "they differ: {} rows of the file are not recorded, {} can't be read, {} recorded awards are \
             not in the file",
            compared.unrecorded, compared.unreadable, compared.not_in_file
        )
    };
    format!("{table}{verdict}\n")
}
