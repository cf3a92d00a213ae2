//! `audit …`: samples, lists of questions, everything on one case.

mod case;
mod exceptions;
mod sample;

pub use case::{Lang, case_text};

use std::process::ExitCode;

use clap::Subcommand;

use super::Global;
use crate::tabular::safe_cell;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Draw a sample of what is owed of a budget year, as an entry of the log; or show one (auditor draws)
    ///
    /// Cases are payables: redemptions and approved claims. They are sorted into strata by amount; of each stratum the cases
    /// are drawn whose names have the lowest SHA-256 together with the seed. Without --seed that is the root of the log with
    /// the draw itself as its last entry: nobody can know it before the population is fixed.
    Sample(sample::SampleArgs),
    /// List the draws
    #[command(after_help = "Example:\n  subsidy-ledger audit samples")]
    Samples(sample::ListArgs),
    /// List cases that raise a question: not findings, each also has innocent causes
    ///
    /// duplicate-documents: one document or one reference of a line under several cases. shared-accounts: one bank account
    /// under several parties. related-parties: orders whose buyer and provider are in one controller group, or have persons of one
    /// name. splits: cases of one party just under a threshold, each near the one before, that reach it
    /// together. round-trips: two parties that buy from each other. conflicting-roles: several duties in one person, and persons
    /// of the office who act on a case with whoever enrolled them.
    #[command(after_help = "Examples:\n  subsidy-ledger audit exceptions\n  \
        subsidy-ledger audit exceptions splits --threshold 100000.00 --percent 5 --days 60\n  \
        subsidy-ledger audit exceptions duplicate-documents --csv > duplicates.csv")]
    Exceptions(exceptions::ExceptionsArgs),
    /// Everything on one case in the order of the log: facts, decisions, persons, documents, transfers, payments
    ///
    /// An order and what is owed of it are told with their voucher. With --proofs each entry's receipt is written, to be
    /// checked anywhere with `receipt verify`.
    #[command(
        after_help = "Examples:\n  subsidy-ledger audit case V373\n  subsidy-ledger audit case C41 --proofs ./C41 --json"
    )]
    Case(case::CaseArgs),
}

pub(super) async fn run(global: &Global, command: AuditCommand) -> anyhow::Result<ExitCode> {
    match command {
        AuditCommand::Sample(args) => sample::run(global, args).await,
        AuditCommand::Samples(args) => sample::list(global, args).await,
        AuditCommand::Case(args) => case::run(global, args).await,
        AuditCommand::Exceptions(args) => exceptions::run(global, args).await,
    }
}

/// Rows as comma-separated values that no spreadsheet takes for a formula.
fn csv_text<const N: usize>(
    heads: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(heads)?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| safe_cell(cell).into_owned()))?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
