//! The command line: one file per subcommand. Parses, calls a feature's command, prints.

mod approval;
pub mod audit;
pub mod award;
mod calendar;
mod claim;
mod contract;
mod db;
mod demo;
mod desk;
mod entry;
mod evidence;
mod exclusion;
mod facts;
mod job;
mod lease;
pub mod log;
pub mod mapping;
mod output;
pub mod party;
mod payment;
mod period;
mod person;
pub mod policy;
mod programme;
mod recovery;
mod rent;
pub mod report;
mod screening;
pub mod serve;
mod session;
pub mod verify;
mod voucher;
mod zone;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, Parser, Subcommand};

use self::session::Session;
use crate::clock::Clock;
use crate::config::DatabaseUrl;
use crate::db::private;
use crate::identity::Login;
use crate::types::{excerpt, visible};

/// An audited ledger of public subsidies: innovation vouchers from appropriation to bank line, rent that carriers waive or
/// defer, and past awards taken over from other offices
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = EXAMPLES, mut_subcommands = with_negative_numbers)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Takes a negative number for a value, not for an option, so that whoever reads values says what is wrong with it.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
            let takes_values = argument.get_action().takes_values();
            argument.allow_negative_numbers(takes_values)
        })
        .mut_subcommands(with_negative_numbers)
}

const EXAMPLES: &str = "\
Examples:
  subsidy-ledger demo                        play a demonstration year, then serve it
  subsidy-ledger demo --exit                 the same, ending after the verification
  subsidy-ledger trial-balance --json        debits and credits of every book
  subsidy-ledger verify                      rebuild the log and replay every transfer

Exit status: 0 on success only; 1 when the answer is no or something failed; 2 for wrong usage.";

/// Options that every command takes.
#[derive(Clone, Debug, Args)]
struct Global {
    /// Folder of the private Postgres and of the signing keys [default: the user's state folder]
    #[arg(long, global = true, value_name = "DIR", env = "SUBSIDY_LEDGER_DATA")]
    data: Option<PathBuf>,
    /// Use this Postgres instead of a private one
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "SUBSIDY_LEDGER_DATABASE_URL",
        hide_env_values = true
    )]
    database: Option<DatabaseUrl>,
    /// Zone by its code; needed only where there are several
    #[arg(long, global = true, value_name = "CODE")]
    zone: Option<String>,
    /// Person who acts, by login
    #[arg(long = "as", global = true, value_name = "LOGIN")]
    acting: Option<Login>,
    /// The actor's own key of this command: a repeat with it has one effect and the first answer
    #[arg(long, global = true, value_name = "KEY")]
    key: Option<String>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
    /// Set where a line of a script is run
    #[arg(skip)]
    scripted: Option<Scripted>,
}

/// What surrounds a line of a script: a session that is open already, and a time of its own.
#[derive(Clone, Debug)]
struct Scripted {
    session: Arc<Session>,
    now: DateTime<Utc>,
}

impl Global {
    /// The time of the command: the machine's, or that at which a script says that it is given.
    fn clock(&self) -> Clock {
        match &self.scripted {
            Some(scripted) => Clock::Fixed(scripted.now),
            None => Clock::System,
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play a demonstration zone's year, verify it, and serve it
    Demo(demo::DemoArgs),
    /// Serve the ledger on this machine
    Serve(serve::ServeArgs),
    /// Bring the database to this version's schema
    #[command(
        after_help = "Example:\n  subsidy-ledger migrate --database postgres://ledger@db/ledger"
    )]
    Migrate,
    /// Set up a zone, or list them
    #[command(subcommand)]
    Zone(zone::ZoneCommand),
    /// Enrol a person, or list them
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Enterprises, carriers and providers
    Party(party::PartyArgs),
    /// Facts of parties: state, import, determine; who stands in a register
    #[command(subcommand)]
    Facts(facts::FactsCommand),
    /// Programmes: create, fund, publish rules
    #[command(subcommand)]
    Programme(programme::ProgrammeCommand),
    /// Policy packs: check, compare and publish them, and see what they decide
    Policy(policy::PolicyArgs),
    /// Claims for what was done, from draft and review to notice and approval
    #[command(subcommand)]
    Claim(claim::ClaimCommand),
    /// Contracts of purchased services: what is reserved for them, milestone by milestone
    #[command(subcommand)]
    Contract(contract::ContractCommand),
    /// Who approves which amounts, who stays out, who acts for whom
    #[command(subcommand)]
    Approval(approval::ApprovalCommand),
    /// Vouchers, from application to redemption or expiry
    #[command(subcommand)]
    Voucher(voucher::VoucherCommand),
    /// Leases of a carrier's premises
    #[command(subcommand)]
    Lease(lease::LeaseCommand),
    /// Rent: bills, payments, waivers and deferrals. Memo only, no public money
    #[command(subcommand)]
    Rent(rent::RentCommand),
    /// Documents of cases: keep, get, list and check them
    Evidence(evidence::EvidenceArgs),
    /// Payables, batches and the bank's statement
    #[command(subcommand)]
    Payment(payment::PaymentCommand),
    /// Money back: ask back what was paid, and settle it
    #[command(subcommand)]
    Recovery(recovery::RecoveryCommand),
    /// Parties that get nothing new of any programme for some days
    #[command(subcommand)]
    Exclusion(exclusion::ExclusionCommand),
    /// Audit work: samples, lists of cases that raise a question, everything on one case
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Undo an entry that moved accounts only
    #[command(subcommand)]
    Entry(entry::EntryCommand),
    /// Working days, and how those of a public notice are counted
    #[command(subcommand)]
    Calendar(calendar::CalendarCommand),
    /// Close periods of the books, open them again, and the end of a budget year
    #[command(subcommand)]
    Period(period::PeriodCommand),
    /// What lapses by itself, and reminders of what is due
    #[command(subcommand)]
    Job(job::JobCommand),
    /// Take in what another office recorded
    #[command(subcommand)]
    Import(ImportCommand),
    /// Awards that were taken in
    #[command(subcommand)]
    Award(AwardCommand),
    #[command(flatten)]
    Report(report::ReportCommand),
    /// Prove that the record is what was recorded
    Verify(verify::VerifyArgs),
    /// The transparency log of a zone
    #[command(subcommand)]
    Log(log::LogCommand),
    /// A receipt that proves an entry offline
    Receipt(log::ReceiptArgs),
    /// The database itself
    #[command(subcommand)]
    Db(db::DbCommand),
    /// Watches a private Postgres; started by the program itself
    #[command(name = private::GUARD_SUBCOMMAND, hide = true)]
    GuardPrivatePostgres {
        /// The data folder
        data: PathBuf,
    },
}

/// What can be imported besides parties and bank statements.
#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// Take in the awards that another office made in the past
    Awards(award::ImportAwardsArgs),
}

/// What can be done with imported awards.
#[derive(Debug, Subcommand)]
enum AwardCommand {
    /// Compare a list of awards with the ledger, row by row and to the cent
    Reconcile(award::ReconcileArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| shortened(error).exit());
    if let Command::GuardPrivatePostgres { data } = &cli.command {
        return finish(
            private::guard(data)
                .map_err(anyhow::Error::from)
                .map(|()| ExitCode::SUCCESS),
        );
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return finish(Err(error.into())),
    };
    finish(runtime.block_on(dispatch(cli)))
}

/// A refusal of the command line that repeats long texts only as far as anybody reads them.
fn shortened(mut error: clap::Error) -> clap::Error {
    let long: Vec<(ContextKind, String)> = error
        .context()
        .filter_map(|(kind, value)| {
            let ContextValue::String(text) = value else {
                return None;
            };
            Some((kind, visible(&excerpt(text)).into_owned()))
        })
        .collect();
    for (kind, text) in long {
        error.insert(kind, ContextValue::String(text));
    }
    error
}

fn finish(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        output::fail(&error);
        ExitCode::FAILURE
    })
}

async fn dispatch(Cli { global, command }: Cli) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo(args) => demo::run(&global, args).await,
        Command::Serve(args) => serve::run(&global, args).await,
        Command::Migrate => db::migrate(&global).await,
        Command::Zone(command) => zone::run(&global, command).await,
        Command::Person(command) => person::run(&global, command).await,
        Command::Party(args) => party::run(&global, args).await,
        Command::Facts(command) => facts::run(&global, command).await,
        Command::Programme(command) => programme::run(&global, command).await,
        Command::Policy(args) => policy::run(&global, args).await,
        Command::Voucher(command) => voucher::run(&global, command).await,
        Command::Claim(command) => claim::run(&global, command).await,
        Command::Contract(command) => contract::run(&global, command).await,
        Command::Approval(command) => approval::run(&global, command).await,
        Command::Lease(command) => lease::run(&global, command).await,
        Command::Rent(command) => rent::run(&global, command).await,
        Command::Evidence(args) => evidence::run(&global, args).await,
        Command::Payment(command) => payment::run(&global, command).await,
        Command::Recovery(command) => recovery::run(&global, command).await,
        Command::Exclusion(command) => exclusion::run(&global, command).await,
        Command::Audit(command) => audit::run(&global, command).await,
        Command::Entry(command) => entry::run(&global, command).await,
        Command::Calendar(command) => calendar::run(&global, &command),
        Command::Period(command) => period::run(&global, command).await,
        Command::Job(command) => job::run(&global, command).await,
        Command::Import(ImportCommand::Awards(args)) => award::run_import(&global, args).await,
        Command::Award(AwardCommand::Reconcile(args)) => award::run_reconcile(&global, args).await,
        Command::Report(command) => report::run_on(&global, command).await,
        Command::Verify(args) => verify::run(&global, args).await,
        Command::Log(command) => log::run(&global, command).await,
        Command::Receipt(args) => log::run_receipt(&global, args).await,
        Command::Db(command) => db::run(&global, command).await,
        Command::GuardPrivatePostgres { .. } => Ok(ExitCode::SUCCESS),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::Cli;

    /// Others than these are not built.
    #[test]
    fn the_help_names_what_there_is() {
        let about = Cli::command().get_about().map(ToString::to_string).unwrap();
        assert_eq!(about, env!("CARGO_PKG_DESCRIPTION"));
        assert!(
            about.contains("innovation vouchers") && !about.contains("recovery"),
            "{about}"
        );
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Every command shows how it is used.
    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let leaf = command.get_subcommands().next().is_none();
            if leaf && !command.is_hide_set() && command.get_name() != "help" {
                let help = command
                    .get_after_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(
                    help.contains("Example"),
                    "{path} has no example in its help"
                );
            }
            command
                .get_subcommands()
                .for_each(|inner| check(inner, &path));
        }
        check(&Cli::command(), "");
    }

    /// What is shown is taken: options that exclude each other, or are asked for, are so in no example.
    #[test]
    fn every_example_is_understood() {
        /// With a hash where a shell puts what `$(sha256sum …)` prints.
        fn hashed(help: &str) -> String {
            let mut pieces = help.split("$(");
            let first = pieces.next().unwrap_or_default().to_owned();
            pieces.fold(first, |before, piece| {
                let (_, after) = piece.split_once(')').expect("it ends");
                before + &"0".repeat(64) + after
            })
        }
        fn check(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string);
            let help = hashed(&help.unwrap_or_default());
            let help: Vec<&str> = help.split("\\\n").map(str::trim).collect();
            let help = help.join(" ");
            let examples = help.lines().map(str::trim);
            for example in examples.filter(|line| line.starts_with("subsidy-ledger ")) {
                // What a shell does with the answer, and what is said of it.
                let ends = [" > ", " | ", " && ", "   "];
                let ends = ends.iter().filter_map(|end| example.find(end));
                let end = ends.min().unwrap_or(example.len());
                let words = shlex::split(&example[..end]).expect("quotes end");
                let parsed = Cli::try_parse_from(words);
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
