//! `balance`, `statement`, `trial-balance`, `budget` and `export`: reading the books.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{ArgGroup, Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use sqlx::PgConnection;

use super::session::with_session;
use super::{Global, output};
use crate::clock::Clock;
use crate::db::Database;
use crate::journal::{self, Address, AsOf};
use crate::programme;
use crate::report::{self, At, ExportError, Exported, Format, PartyStatementPage};
use crate::types::{Code, Day, FiscalYear, LogIndex, Zone};

/// Commands that read the books of a zone.
#[derive(Clone, Debug, Subcommand)]
pub enum ReportCommand {
    /// The balance of an account, now or in the past.
    #[command(
        after_help = "Example:\n  subsidy-ledger balance B30:CNY:SH-2020:2020 --at 2020-12-31"
    )]
    Balance(BalanceArgs),
    /// The postings of an account, or of all accounts of a party, with the balance after each
    ///
    /// Of a party: sums by account code, each account with what stood before and after the days and what was debited and
    /// credited on them, and the postings. Its accounts are those that name it, and those of its vouchers and of its contracts
    /// as a provider. Rent is in its carrier's statement; `rent statement` tells it lease by lease.
    #[command(
        after_help = "Examples:\n  subsidy-ledger statement F1010:CNY --from 1000 --limit 50\n  \
                      subsidy-ledger statement --party 91000000MA00000900 --since 2020-01-01 --until 2020-12-31"
    )]
    Statement(StatementArgs),
    /// Debits and credits of every account code; in every book they are equal.
    #[command(after_help = "Example:\n  subsidy-ledger trial-balance --json")]
    TrialBalance,
    /// What became of the budget, by programme and year.
    #[command(after_help = "Example:\n  subsidy-ledger budget --zone DEMO")]
    Budget,
    /// Reports that explain their figures.
    #[command(subcommand)]
    Report(ReportsCommand),
    /// The journal as a file for hledger, beancount or a spreadsheet.
    #[command(
        after_help = "Example:\n  subsidy-ledger export --format hledger --output books.journal\n  \
                      hledger -f books.journal check --strict"
    )]
    Export(ExportArgs),
}

/// Reports that explain their figures.
#[derive(Clone, Debug, Subcommand)]
pub enum ReportsCommand {
    /// Budget execution by programme, year and funder: what was allocated, issued, obligated, paid and is free
    ///
    /// From the same totals as `budget`. A line is split by the funders' shares of the version in force on the last day of
    /// its year, or today; where they depend on the case it is not, and the report says so. It names what is frozen.
    #[command(
        after_help = "Examples:\n  subsidy-ledger report execution --year 2023\n  \
                      subsidy-ledger report execution --programme SH-VOUCHER --csv > execution.csv"
    )]
    Execution(ExecutionArgs),
}

/// Which budget lines, and how.
#[derive(Clone, Debug, Default, Args)]
pub struct ExecutionArgs {
    /// Only this budget year.
    #[arg(long, value_parser = clap::value_parser!(i16).range(1900..=9998))]
    pub year: Option<i16>,
    /// Only this programme.
    #[arg(long, value_name = "CODE")]
    pub programme: Option<Code>,
    /// Print comma-separated values, unless --json: a row for each line, and one for each funder of it.
    #[arg(long)]
    pub csv: bool,
}

/// Which balance.
#[derive(Clone, Debug, Args)]
pub struct BalanceArgs {
    /// code:currency:programme:year:party:item, without what the account has not.
    pub address: Address,
    /// With this entry of the log (a number), or as recorded by the end of a day (2020-12-31) or at an
    /// instant (2020-12-31T16:00:00Z).
    #[arg(long, value_name = "INDEX|TIME")]
    pub at: Option<At>,
}

/// Which part of a statement.
#[derive(Clone, Debug, Args)]
#[command(group(ArgGroup::new("whose").required(true).args(["address", "party"])))]
pub struct StatementArgs {
    /// code:currency:programme:year:party:item, without what the account has not.
    pub address: Option<Address>,
    /// All accounts of this party: its unified social credit code or its id.
    #[arg(long, value_name = "PARTY")]
    pub party: Option<super::party::Named>,
    /// Of a party: with what was recorded from this day on, in the zone's time [default: the beginning].
    #[arg(long, value_name = "DAY", conflicts_with = "address")]
    pub since: Option<Day>,
    /// Of a party: with what was recorded by the end of this day [default: now].
    #[arg(long, value_name = "DAY", conflicts_with = "address")]
    pub until: Option<Day>,
    /// First entry of the postings.
    #[arg(long, value_name = "INDEX", default_value_t = 0,
        value_parser = clap::value_parser!(i64).range(0..))]
    pub from: i64,
    /// How many postings, and how many accounts.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub limit: u16,
}

impl StatementArgs {
    /// Which part of a party's statement.
    fn page(&self) -> Result<PartyStatementPage, ReportError> {
        let (since, until) = (self.since.map(Day::date), self.until.map(Day::date));
        if let (Some(since), Some(until)) = (since, until)
            && since > until
        {
            return Err(ReportError::Days { since, until });
        }
        Ok(PartyStatementPage {
            since,
            until,
            from: LogIndex(self.from),
            limit: self.limit,
        })
    }
}

/// What to export, and where to.
#[derive(Clone, Debug, Args)]
pub struct ExportArgs {
    /// hledger, beancount, csv (one row for each transfer) or balances (one for each account).
    #[arg(long)]
    pub format: Format,
    /// The file to write. It appears when it is complete.
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace the file if it is there.
    #[arg(long)]
    pub force: bool,
}

/// Why a report was not given.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is no such entry yet: the newest balance would pass for one of a place that the log has not reached.
    #[error(
        "--at {asked} is beyond the log, which has {size} entries (0 to {}): without --at the balance is the newest",
        size - 1
    )]
    Beyond {
        /// The entry asked for.
        asked: LogIndex,
        /// How many entries the log has.
        size: i64,
    },
    /// Nothing says whose statement.
    #[error("name an account, such as F1010:CNY, or --party")]
    NeitherAccountNorParty,
    /// No programme has the code.
    #[error("there is no programme {0} in this zone: `programme list` shows them")]
    UnknownProgramme(Code),
    /// No party has the id or code.
    #[error("there is no party {0} in this zone: `party list --search` finds parties by name")]
    UnknownParty(super::party::Named),
    /// The days are in the wrong order.
    #[error("--since {since} is after --until {until}: exchange them")]
    Days {
        /// The first day.
        since: NaiveDate,
        /// The last.
        until: NaiveDate,
    },
    /// The export would replace a file.
    #[error("{0} is there already: give another name, or --force to replace it")]
    Exists(PathBuf),
    /// The output is no place for a file.
    #[error("{path}: {error}")]
    Output {
        /// The file to be written.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Budget execution could not be read.
    #[error(transparent)]
    Execution(#[from] report::ExecutionError),
    /// A report has no form of comma-separated values.
    #[error("the report could not be written as comma-separated values: {0}")]
    Csv(#[from] csv::Error),
    /// The export ended early.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Writing to the terminal failed.
    #[error("the report could not be written: {0}")]
    Io(#[from] io::Error),
    /// A report has no JSON form.
    #[error("the report could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Runs a command on the zone that the options choose.
pub(super) async fn run_on(global: &Global, command: ReportCommand) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        run(
            &session.database,
            &zone,
            command,
            global.json,
            &mut output::Answer,
        )
        .await?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Reads in one snapshot and writes the report to `out`, as JSON if asked.
pub async fn run(
    database: &Database,
    zone: &Zone,
    command: ReportCommand,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<(), ReportError> {
    let input = (zone.clone(), command, json);
    let text = database
        .read(zone.id, input, |conn, (zone, command, json)| {
            Box::pin(report(conn, zone, command, *json))
        })
        .await?;
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

async fn report(
    conn: &mut PgConnection,
    zone: &Zone,
    command: &ReportCommand,
    json: bool,
) -> Result<String, ReportError> {
    match command {
        ReportCommand::Balance(BalanceArgs { address, at }) => {
            let as_of = at.map_or(AsOf::Now, |at| at.as_of(zone));
            let balance = journal::account_balance(conn, zone.id, address, as_of).await?;
            if let Some(At::Entry(asked)) = *at
                && asked.0 >= balance.size
            {
                let size = balance.size;
                return Err(ReportError::Beyond { asked, size });
            }
            if json {
                return to_json(&report::balance_json(&balance));
            }
            Ok(report::balance_text(&balance))
        }
        ReportCommand::Statement(args) => statement(conn, zone, args, json).await,
        ReportCommand::TrialBalance => {
            let rows = report::trial_balance(conn, zone.id).await?;
            if json {
                return to_json(&rows);
            }
            Ok(report::trial_balance_text(&rows))
        }
        ReportCommand::Budget => {
            let lines = report::budget_execution(conn, zone.id).await?;
            if json {
                return to_json(&lines);
            }
            Ok(report::budget_text(&lines))
        }
        ReportCommand::Report(ReportsCommand::Execution(args)) => {
            execution(conn, zone, args, json).await
        }
        ReportCommand::Export(args) => {
            let exported = export_file(conn, zone, args).await?;
            if json {
                return to_json(&exported);
            }
            Ok(export_text(&exported, &args.output))
        }
    }
}

async fn statement(
    conn: &mut PgConnection,
    zone: &Zone,
    args: &StatementArgs,
    json: bool,
) -> Result<String, ReportError> {
    let from = LogIndex(args.from);
    match (&args.address, &args.party) {
        (Some(address), _) => {
            let statement = journal::statement(conn, zone.id, address, from, args.limit).await?;
            if json {
                return to_json(&report::statement_json(&statement));
            }
            Ok(report::statement_text(&statement))
        }
        (None, Some(named)) => {
            let page = args.page()?;
            let party = super::party::named(conn, zone.id, named).await?;
            let party = party.ok_or_else(|| ReportError::UnknownParty(named.clone()))?;
            let statement = report::party_statement(conn, zone, party, page).await?;
            if json {
                return to_json(&report::party_statement_json(&statement));
            }
            Ok(report::party_statement_text(&statement))
        }
        (None, None) => Err(ReportError::NeitherAccountNorParty),
    }
}

async fn execution(
    conn: &mut PgConnection,
    zone: &Zone,
    args: &ExecutionArgs,
    json: bool,
) -> Result<String, ReportError> {
    if let Some(code) = &args.programme
        && !programme::store::exists(conn, zone.id, code).await?
    {
        return Err(ReportError::UnknownProgramme(code.clone()));
    }
    let filter = report::ExecutionFilter {
        year: args.year.map(FiscalYear),
        programme: args.programme.clone(),
    };
    let today = zone.time.day(Clock::System.now());
    let lines = report::execution(conn, zone, today, &filter).await?;
    if json {
        to_json(&lines)
    } else if args.csv {
        Ok(report::execution_csv(zone, &lines)?)
    } else {
        Ok(report::execution_text(&lines))
    }
}

fn to_json(report: &impl serde::Serialize) -> Result<String, ReportError> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

fn export_text(exported: &Exported, output: &Path) -> String {
    let covered = match exported.format {
        Format::Balances => output::counted(exported.accounts, "account", "accounts"),
        Format::Hledger | Format::Beancount | Format::Csv => {
            output::counted(exported.transfers, "transfer", "transfers")
        }
    };
    let size = output::counted(exported.log_size, "entry", "entries");
    format!("{}: {covered}, {size} of the log\n", output.display())
}

/// Writes beside the file and renames when all is there and on disk, so that no half-written export is
/// ever taken for a whole one.
async fn export_file(
    conn: &mut PgConnection,
    zone: &Zone,
    args: &ExportArgs,
) -> Result<Exported, ReportError> {
    let path = &args.output;
    let at_path = |error| ReportError::Output {
        path: path.clone(),
        error,
    };
    if !args.force && path.exists() {
        return Err(ReportError::Exists(path.clone()));
    }
    let name = path
        .file_name()
        .ok_or_else(|| at_path(io::ErrorKind::InvalidFilename.into()))?;
    let mut partial = name.to_owned();
    partial.push(format!(".partial-{}", std::process::id()));
    let partial = path.with_file_name(partial);
    let written = write_export(conn, zone, args.format, &partial).await;
    let written = written.and_then(|exported| {
        if !args.force && path.exists() {
            return Err(ReportError::Exists(path.clone()));
        }
        std::fs::rename(&partial, path).map_err(at_path)?;
        Ok(exported)
    });
    if written.is_err() {
        // What is left of it must not stay; that it can't be removed is not what went wrong.
        drop(std::fs::remove_file(&partial));
    }
    written
}

async fn write_export(
    conn: &mut PgConnection,
    zone: &Zone,
    format: Format,
    partial: &Path,
) -> Result<Exported, ReportError> {
    let at_path = |error| ReportError::Output {
        path: partial.to_owned(),
        error,
    };
    let mut file = BufWriter::new(File::create(partial).map_err(at_path)?);
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("exporting {wide_bar} {pos}/{len} entries, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut progress = |at: report::Progress| {
        bar.set_length(u64::try_from(at.size).unwrap_or(0));
        bar.set_position(u64::try_from(at.entries).unwrap_or(0));
    };
    let exported = report::export(conn, zone, format, &mut file, &mut progress).await?;
    bar.finish_and_clear();
    let file = file
        .into_inner()
        .map_err(|error| at_path(error.into_error()))?;
    file.sync_all().map_err(at_path)?;
    Ok(exported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        #[derive(clap::Parser)]
        struct Cli {
            #[command(subcommand)]
            _command: ReportCommand,
        }
        Cli::command().debug_assert();
    }
}
