//! `party`: import, generate, look up; groups; codes that fail their check.
//!
//! [`generate`] needs no database. The other subcommands are parsed, files included, by
//! [`LedgerCommand::prepare`], carried out in one transaction by [`perform`], and printed as a
//! [`PartyAnswer`].

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::mapping::MappingArgs;
use super::session::with_session;
use super::{Global, output};
use crate::db::Turn;
use crate::identity::Command;
use crate::party::{
    self, ContestedUscc, Filter, ImportError, ImportReport, ImportRow, Party, PartyRole,
    ProposedOverride, store,
};
use crate::tabular::Table;
use crate::types::{LogIndex, Name, PartyId, Reason, ZoneId};

/// Enterprises, carriers and providers.
#[derive(Debug, Args)]
pub struct PartyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PartyCommand,
}

/// What can be done with parties.
#[derive(Debug, Subcommand)]
pub enum PartyCommand {
    /// Writes a CSV file of plausible parties, with valid codes of region 000000.
    #[command(after_help = "Example:
  subsidy-ledger party generate --count 10000 --seed 1 --output parties.csv")]
    Generate(GenerateArgs),
    /// What needs the database.
    #[command(flatten)]
    Ledger(LedgerCommand),
}

/// What is done in a zone's ledger.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Registers the parties of a CSV, XLSX or JSON file, all or none.
    #[command(after_help = "Example:
  subsidy-ledger party import firms.xlsx --column name=公司名称 --ignore 备注 --dry-run

Fields: name (名称), uscc (统一社会信用代码), office_number (编号), kind (主体类型: 法人 or 团队),
roles (角色: 企业;载体;服务机构), group (实际控制人). Only name is required. A row with a code is known
by it, one without by its office number; if the file has neither column, by its name.")]
    Import(ImportArgs),
    /// Lists parties in the order in which they were registered.
    #[command(after_help = "Example:
  subsidy-ledger party list --search 光电 --role provider --limit 20")]
    List(ListArgs),
    /// Shows one party.
    #[command(after_help = "Example:
  subsidy-ledger party show 91000000MA00000900")]
    Show {
        /// Its id or its unified social credit code.
        party: String,
    },
    /// Proposes to accept a code that fails its check.
    #[command(after_help = "Example:
  subsidy-ledger party propose-override 91350211M0000XUF46 --evidence licence.pdf \\
      --reason 'code as printed on the licence' --as li.na")]
    ProposeOverride {
        /// The code as the licence has it.
        code: ContestedUscc,
        /// The licence, of which the SHA-256 is recorded; keep the file.
        #[arg(long, value_name = "FILE")]
        evidence: PathBuf,
        /// Why the code is believed.
        #[arg(long)]
        reason: Reason,
    },
    /// Confirms what another person has proposed.
    #[command(after_help = "Example:
  subsidy-ledger party confirm-override 91350211M0000XUF46 --as wang.wei")]
    ConfirmOverride {
        /// The code.
        code: ContestedUscc,
    },
    /// Puts a party into the group of its actual controller, or takes it out.
    #[command(after_help = "Example:
  subsidy-ledger party group 91000000MA00000900 恒源控股集团")]
    Group {
        /// Its id or its unified social credit code.
        party: String,
        /// Name of the group; without it, the party is taken out of its group.
        group: Option<Name>,
    },
}

/// A file to import.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file: .csv, .xlsx or .json.
    file: PathBuf,
    #[command(flatten)]
    mapping: MappingArgs,
    /// Says what would be done and does nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Parties to make up.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// How many.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    count: u32,
    /// The same seed makes the same parties.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The CSV file to write.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

/// Parties to list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// A part of the name, or the whole of the code or number.
    #[arg(long)]
    search: Option<String>,
    /// enterprise, carrier or provider.
    #[arg(long)]
    role: Option<PartyRole>,
    /// Only parties after this id: the last of the page before.
    #[arg(long)]
    after: Option<PartyId>,
    /// How many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
}

/// Writes made-up parties to a file.
pub fn generate(args: &GenerateArgs, as_json: bool) -> anyhow::Result<()> {
    let count = usize::try_from(args.count)?;
    let path = args.output.display();
    let file = File::create_new(&args.output).with_context(|| {
        if args.output.exists() {
            format!("{path} is there already: remove it, or name another file with --output")
        } else {
            format!("can't write {path}")
        }
    })?;
    let parties = party::generate(args.seed, count);
    party::write_csv(&parties, std::io::BufWriter::new(file))
        .with_context(|| format!("can't write {path}"))?;
    if as_json {
        return output::json(&serde_json::json!({ "file": path.to_string(), "parties": count }));
    }
    let parties = output::counted(count, "party", "parties");
    output::line(&format!("{parties} written to {path}"))?;
    Ok(())
}

/// A subcommand whose files are read and parsed.
#[derive(Debug)]
pub enum PartyTask {
    /// To import or, in a dry run, only to plan.
    Import {
        /// The rows.
        rows: Vec<ImportRow>,
        /// How the file was read: its encoding or sheet.
        read_as: String,
        /// Whether to stop after the plan.
        dry_run: bool,
    },
    /// To list.
    List(Filter),
    /// To show one.
    Show(Named),
    /// To propose an override.
    Propose(ProposedOverride),
    /// To confirm one.
    Confirm(ContestedUscc),
    /// To put into a group, or out of one.
    Group(Named, Option<Name>),
}

/// A party as a person names it.
#[derive(Clone, Debug)]
pub enum Named {
    /// By id.
    Id(PartyId),
    /// By anything else, which is taken for its code.
    Uscc(String),
}

impl From<String> for Named {
    fn from(text: String) -> Self {
        text.parse().map_or(Self::Uscc(text), Self::Id)
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Uscc(code) => f.write_str(code),
        }
    }
}

impl LedgerCommand {
    /// Reads and parses the files that the subcommand names, before anything is asked of a database.
    pub fn prepare(self) -> anyhow::Result<PartyTask> {
        Ok(match self {
            Self::Import(args) => {
                let mapping = args.mapping.load()?;
                let file = || format!("{}", args.file.display());
                let table = Table::open(&args.file, &mapping.read_options()).with_context(file)?;
                PartyTask::Import {
                    rows: party::read(&table, &mapping).with_context(file)?,
                    read_as: table.read_as().to_owned(),
                    dry_run: args.dry_run,
                }
            }
            Self::List(args) => PartyTask::List(Filter {
                search: args.search,
                role: args.role,
                after: args.after,
                limit: args.limit,
            }),
            Self::Show { party } => PartyTask::Show(party.into()),
            Self::ProposeOverride {
                code,
                evidence,
                reason,
            } => PartyTask::Propose(ProposedOverride {
                code,
                evidence_sha256: sha256_of(&evidence)
                    .with_context(|| format!("can't read {}", evidence.display()))?,
                reason,
            }),
            Self::ConfirmOverride { code } => PartyTask::Confirm(code),
            Self::Group { party, group } => PartyTask::Group(party.into(), group),
        })
    }
}

/// Runs a subcommand. Reading needs nobody to act.
pub(super) async fn run(global: &Global, args: PartyArgs) -> anyhow::Result<ExitCode> {
    let command = match args.command {
        PartyCommand::Generate(args) => {
            generate(&args, global.json)?;
            return Ok(ExitCode::SUCCESS);
        }
        PartyCommand::Ledger(command) => command,
    };
    let task = command.prepare()?;
    with_session(global, async |session| {
        let reads = matches!(task, PartyTask::List(_) | PartyTask::Show(_));
        let caller = if reads {
            session.reader(global).await?
        } else {
            session.caller(global).await?
        };
        let rows = if let PartyTask::Import { rows, .. } = &task {
            u64::try_from(rows.len())?
        } else {
            0
        };
        let limit = if let PartyTask::List(filter) = &task {
            Some(filter.limit)
        } else {
            None
        };
        let bar = output::progress(rows);
        let answer = session
            .command(
                &caller,
                (task, bar.clone()),
                |conn, command, (task, bar)| {
                    Box::pin(async move {
                        let heard = |done| bar.set_position(u64::try_from(done).unwrap_or(0));
                        perform(conn, &command, task, &heard).await
                    })
                },
            )
            .await?;
        bar.finish_and_clear();
        if let (Some(limit), PartyAnswer::List(parties)) = (limit, &answer) {
            output::at_limit(parties.len(), limit.into());
        }
        if global.json {
            output::json(&answer)?;
        } else {
            output::line(&answer.to_string())?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn sha256_of(path: &std::path::Path) -> std::io::Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            return Ok(hash.finalize().into());
        }
        hash.update(buffer.get(..length).unwrap_or_default());
    }
}

/// Why a subcommand was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum PartyTaskError {
    /// No party has the id or code.
    #[error("there is no party {0} in this zone: `party list --search` finds parties by name")]
    Unknown(Named),
    /// The import or another command was refused.
    #[error(transparent)]
    Refused(#[from] ImportError),
}

impl From<sqlx::Error> for PartyTaskError {
    fn from(error: sqlx::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<party::PartyError> for PartyTaskError {
    fn from(error: party::PartyError) -> Self {
        Self::Refused(error.into())
    }
}

/// Carries a task out in the caller's transaction; `progress` hears how many parties of an import
/// are recorded.
pub async fn perform(
    conn: &mut PgConnection,
    command: &Command<'_>,
    task: &PartyTask,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<PartyAnswer, PartyTaskError> {
    let zone = command.zone.id;
    Ok(match task {
        PartyTask::Import {
            rows,
            read_as,
            dry_run,
        } => {
            Turn::Parties
                .wait_patiently(conn, zone, &output::waiting)
                .await?;
            let plan = party::plan(conn, command, rows).await?;
            let report = if *dry_run {
                plan.report().clone()
            } else {
                party::apply(conn, command, plan, progress).await?
            };
            PartyAnswer::Import {
                report,
                read_as: read_as.clone(),
                dry_run: *dry_run,
            }
        }
        PartyTask::List(filter) => PartyAnswer::List(store::list(conn, zone, filter).await?),
        PartyTask::Show(named) => {
            let party = find(conn, command, named).await?;
            PartyAnswer::Show(Box::new(party))
        }
        PartyTask::Propose(proposed) => PartyAnswer::Recorded {
            entry: party::propose_override(conn, command, proposed).await?,
        },
        PartyTask::Confirm(code) => PartyAnswer::Recorded {
            entry: party::confirm_override(conn, command, code).await?,
        },
        PartyTask::Group(named, group) => {
            let party = find(conn, command, named).await?;
            let group = group.as_ref();
            PartyAnswer::Recorded {
                entry: party::assign_group(conn, command, party.id, group).await?,
            }
        }
    })
}

async fn find(
    conn: &mut PgConnection,
    command: &Command<'_>,
    named: &Named,
) -> Result<Party, PartyTaskError> {
    let found = self::named(conn, command.zone.id, named).await?;
    found.ok_or_else(|| PartyTaskError::Unknown(named.clone()))
}

/// The party that a person names, if there is one.
pub(super) async fn named(
    conn: &mut PgConnection,
    zone: ZoneId,
    named: &Named,
) -> Result<Option<Party>, sqlx::Error> {
    match named {
        Named::Id(id) => store::party(conn, zone, *id).await,
        Named::Uscc(code) => store::party_by_uscc(conn, zone, code).await,
    }
}

/// What a subcommand answers: text for people by `Display`, or JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum PartyAnswer {
    /// What an import did or would do.
    Import {
        /// Counts.
        #[serde(flatten)]
        report: ImportReport,
        /// How the file was read.
        read_as: String,
        /// Whether nothing was done.
        dry_run: bool,
    },
    /// A page of parties.
    List(Vec<Party>),
    /// One party.
    Show(Box<Party>),
    /// A command was recorded.
    Recorded {
        /// Its entry.
        entry: LogIndex,
    },
}

impl fmt::Display for PartyAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Import {
                report,
                read_as,
                dry_run,
            } => {
                let would = if *dry_run {
                    "to be registered"
                } else {
                    "registered"
                };
                let ImportReport {
                    rows, new, known, ..
                } = report;
                let rows = output::counted(rows, "row", "rows");
                write!(
                    f,
                    "read as {read_as}: {rows}; {new} {would}, {known} already known"
                )?;
                if let Some((first, last)) = report.entries {
                    write!(f, "; entries {first} to {last}")?;
                }
                for name in &report.names_to_review {
                    write!(
                        f,
                        "\nlook at the name {name}: mixed scripts, or another party's name"
                    )?;
                }
                if *dry_run {
                    f.write_str("\nDry run: nothing was recorded.")?;
                }
                Ok(())
            }
            Self::List(parties) if parties.is_empty() => f.write_str("no party fits"),
            Self::List(parties) => {
                for (number, party) in parties.iter().enumerate() {
                    let end = if number == 0 { "" } else { "\n" };
                    let Party {
                        id,
                        name,
                        identity,
                        roles,
                        ..
                    } = party;
                    write!(f, "{end}{id}  {identity}  {name}  {roles}")?;
                }
                Ok(())
            }
            Self::Show(party) => {
                writeln!(f, "party       {}", party.id)?;
                writeln!(f, "identity    {}", party.identity)?;
                writeln!(f, "name        {}", party.name)?;
                if party.name_needs_review {
                    writeln!(
                        f,
                        "            to be looked at: mixed scripts, or another party's name"
                    )?;
                }
                writeln!(f, "roles       {}", party.roles)?;
                if let Some(group) = &party.group {
                    writeln!(f, "group       {}", group.name)?;
                }
                if let Some(region) = &party.region {
                    writeln!(f, "region      {region}")?;
                }
                let created_at = party.created_at.to_rfc3339();
                write!(f, "registered  {created_at}, entry {}", party.log_index)
            }
            Self::Recorded { entry } => write!(f, "recorded as entry {entry}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: PartyArgs,
    }

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn parties_are_named_by_id_or_code() {
        let id = PartyId::generate();
        assert!(matches!(Named::from(id.to_string()), Named::Id(named) if named == id));
        let code = Named::from("91000000MA00000900".to_owned());
        assert!(matches!(code, Named::Uscc(_)));
    }

    #[test]
    fn generated_parties_are_ready_to_import() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("parties.csv");
        let parse = |line: &str| {
            let words = ["party"]
                .into_iter()
                .chain(line.split(' '))
                .map(str::to_owned);
            let file = [file.to_str().unwrap().to_owned()];
            Cli::try_parse_from(words.chain(file)).map(|cli| cli.args.command)
        };
        let made = parse("generate --count 20 --seed 5 --output").unwrap();
        let PartyCommand::Generate(args) = made else {
            panic!("{made:?}");
        };
        generate(&args, false).unwrap();
        let refused = generate(&args, true).unwrap_err().to_string();
        assert!(
            refused.contains("is there already: remove it, or name another"),
            "{refused}"
        );
        let command = parse("import --dry-run").unwrap();
        let PartyCommand::Ledger(command) = command else {
            panic!("{command:?}");
        };
        let task = command.prepare().unwrap();
        assert!(matches!(task, PartyTask::Import { rows, dry_run: true, .. } if rows.len() == 20));
        assert!(parse("generate --count 0 --output").is_err());
    }
}
