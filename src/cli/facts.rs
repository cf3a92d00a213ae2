//! `facts …`: state, import and look up what is known of parties; determinations by two persons; registers.

mod import;
mod print;
mod recognise;

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::NaiveDate;
use clap::{ArgGroup, Args, Subcommand};
use sqlx::PgConnection;

use super::session::with_session;
use super::{Global, output};
use crate::fact::store::DeterminationFilter;
use crate::fact::{
    self, Corrections, FactsError, NewStatement, Proposal, Register, Values, When, digest,
};
use crate::identity::Command;
use crate::party::{self, Party};
use crate::policy::{Fact, Raw, Sha256, Source, Value};
use crate::types::{Currency, Day, LogIndex, Name, PartyId, Period, Reason, excerpt};

/// What is known of parties, by whom, and for which time.
#[derive(Debug, Subcommand)]
pub(super) enum FactsCommand {
    /// State the facts of a CSV, XLSX or JSON file, all or none
    #[command(after_help = import::HELP)]
    Import(import::ImportArgs),
    /// State facts of one party
    #[command(after_help = "Examples:
  subsidy-ledger facts state 91000000MA00000900 annual_sales=12000000.00 staff=35 --year 2019 --as clerk
  subsidy-ledger facts state 91000000MA00000900 industry=software --from 2019-05-01 --source verified \\
      --evidence $(sha256sum licence.pdf | cut -d' ' -f1) --as reviewer

What is recorded already is not recorded again. A value that contradicts what is recorded from the same source for
the same time needs --correct, and then supersedes it. Names, units and who may state what: `facts list`.")]
    State(StateArgs),
    /// Show what a decision sees of a party
    #[command(after_help = "Example:
  subsidy-ledger facts show 91000000MA00000900 --on 2020-06-30

--all shows every statement that was ever made, also those that were superseded or are over.")]
    Show(ShowArgs),
    /// List every fact that there is: type, unit, period, who states it, what supports it
    #[command(after_help = "Example:\n  subsidy-ledger facts list --markdown > docs/facts.md")]
    List {
        /// As the reference in docs/facts.md
        #[arg(long)]
        markdown: bool,
    },
    /// Propose what only the office may say, of a party or of the whole zone (a reviewer or manager)
    #[command(after_help = "Examples:
  subsidy-ledger facts determine epidemic_grace=true --party 91000000MA00000900 --from 2020-04-01 --until 2020-07-01 \\
      --reason 'closed by order' --evidence $(sha256sum order.pdf | cut -d' ' -f1) --as reviewer
  subsidy-ledger facts determine filing_extended_to=2020-08-31 --whole-zone --from 2020-06-01 \\
      --reason 'extended by notice' --evidence $(sha256sum notice.pdf | cut -d' ' -f1) --as reviewer

Nothing follows from it until another person confirms it: `facts confirm`.")]
    Determine(DetermineArgs),
    /// Confirm a determination or revocation that another person has proposed (a manager)
    #[command(after_help = "Example:\n  subsidy-ledger facts confirm 57 --as manager")]
    Confirm {
        /// The entry of the proposal
        proposal: i64,
    },
    /// Decide whether a party counts as something, by published rules (a reviewer)
    #[command(after_help = recognise::RECOGNISE_HELP)]
    Recognise(recognise::RecogniseArgs),
    /// Register a party whose recognition another person has proposed (a manager)
    #[command(after_help = recognise::CONFIRM_HELP)]
    RecogniseConfirm(recognise::ConfirmArgs),
    /// Propose to revoke a registration (a reviewer or manager)
    #[command(after_help = recognise::REVOKE_HELP)]
    Revoke(recognise::RevokeArgs),
    /// List determinations, recognitions and revocations
    #[command(after_help = "Example:\n  subsidy-ledger facts determinations --open")]
    Determinations(DeterminationsArgs),
    /// List who stands in a register on a day
    #[command(after_help = "Example:
  subsidy-ledger facts register tech_sme --on 2020-06-30 --limit 100

Registers: tech_sme, hnte, size_class, integrity, and whatever `facts import --register` named.")]
    Register(RegisterArgs),
}

/// Facts of one party.
#[derive(Debug, Args)]
pub(super) struct StateArgs {
    /// Code, office number or id
    party: String,
    /// NAME=VALUE, by the names of `facts list`
    #[arg(required = true, value_name = "NAME=VALUE")]
    facts: Vec<String>,
    /// The calendar year that facts about a year are about
    #[arg(long, conflicts_with_all = ["from", "until"])]
    year: Option<i16>,
    /// First day on which other facts hold [default: today]
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// First day on which they no longer hold
    #[arg(long, value_name = "DAY")]
    until: Option<Day>,
    /// declared, or verified against evidence
    #[arg(long, default_value = "declared")]
    source: SourceArg,
    /// Number of the certificate
    #[arg(long)]
    reference: Option<Name>,
    /// SHA-256 of a document that supports them; may be repeated
    #[arg(long, value_name = "SHA256", value_parser = digest)]
    evidence: Vec<Sha256>,
    /// Supersede what is recorded otherwise
    #[arg(long)]
    correct: bool,
}

/// A source by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SourceArg(Source);

impl std::str::FromStr for SourceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        serde_json::from_value(text.into())
            .map(Self)
            .map_err(|_| "write declared, verified or imported".to_owned())
    }
}

/// A party, on a day.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Code, office number or id
    party: String,
    /// The day of the decision [default: today]
    #[arg(long, value_name = "DAY", conflicts_with = "all")]
    on: Option<Day>,
    /// As the ledger knew it before this entry
    #[arg(long, value_name = "ENTRY")]
    before: Option<i64>,
    /// The whole history
    #[arg(long)]
    all: bool,
}

/// A fact that only the office may state.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whose").required(true).args(["party", "whole_zone"])))]
pub(super) struct DetermineArgs {
    /// NAME=VALUE, one of the office's facts
    #[arg(value_name = "NAME=VALUE")]
    fact: String,
    /// Code, office number or id
    #[arg(long)]
    party: Option<String>,
    /// Of every party of the zone
    #[arg(long)]
    whole_zone: bool,
    /// First day on which it holds [default: today]
    #[arg(long, value_name = "DAY")]
    from: Option<Day>,
    /// First day on which it no longer holds
    #[arg(long, value_name = "DAY")]
    until: Option<Day>,
    /// Why
    #[arg(long)]
    reason: Reason,
    /// SHA-256 of a document that supports it; may be repeated
    #[arg(long, value_name = "SHA256", required = true, value_parser = digest)]
    evidence: Vec<Sha256>,
}

/// Determinations to list.
#[derive(Debug, Args)]
pub(super) struct DeterminationsArgs {
    /// Only those that wait for a second person
    #[arg(long)]
    open: bool,
    /// Only those about this party
    #[arg(long)]
    party: Option<String>,
    /// Only those after this proposal: the last of the page before
    #[arg(long, value_name = "ENTRY")]
    after: Option<i64>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
}

/// A register, on a day.
#[derive(Debug, Args)]
pub(super) struct RegisterArgs {
    /// Its name
    register: Register,
    /// The day [default: today]
    #[arg(long, value_name = "DAY")]
    on: Option<Day>,
    /// Only parties after this id: the last of the page before
    #[arg(long, value_name = "ID")]
    after: Option<PartyId>,
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
}

pub(super) async fn run(global: &Global, command: FactsCommand) -> anyhow::Result<ExitCode> {
    match command {
        FactsCommand::Import(args) => import::run(global, args).await?,
        FactsCommand::State(args) => state(global, args).await?,
        FactsCommand::Show(args) => show(global, args).await?,
        FactsCommand::List { markdown } => list(global, markdown)?,
        FactsCommand::Determine(args) => determine(global, args).await?,
        FactsCommand::Confirm { proposal } => confirm(global, LogIndex(proposal)).await?,
        FactsCommand::Recognise(args) => return recognise::recognise(global, args).await,
        FactsCommand::RecogniseConfirm(args) => recognise::confirm(global, args).await?,
        FactsCommand::Revoke(args) => recognise::revoke(global, args).await?,
        FactsCommand::Determinations(args) => determinations(global, args).await?,
        FactsCommand::Register(args) => register(global, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `name=value` as a fact and its value.
fn fact(text: &str, currency: Currency) -> anyhow::Result<(Fact, Value)> {
    let (name, value) = text.split_once('=').with_context(|| {
        format!(
            "{:?} is no fact: write NAME=VALUE, such as staff=35",
            excerpt(text)
        )
    })?;
    let name = name.trim();
    let Some(fact) = Fact::named(name) else {
        bail!("unknown fact {:?}: {}", excerpt(name), Fact::advice(name));
    };
    let value = fact.read(Raw::typed(fact, value.trim()), currency)?;
    Ok((fact, value))
}

fn facts(texts: &[String], currency: Currency) -> anyhow::Result<Values> {
    let mut values = Values::default();
    for text in texts {
        let (fact, value) = fact(text, currency)?;
        if values.insert(fact, value).is_some() {
            bail!("{fact} is stated twice: keep one");
        }
    }
    Ok(values)
}

/// The party that a person names.
async fn find(conn: &mut PgConnection, command: &Command<'_>, named: &str) -> Result<Party, Find> {
    let zone = command.zone.id;
    let id = match named.parse() {
        Ok(id) => Some(id),
        Err(_) => fact::party_named(conn, command, named).await?,
    };
    let found = match id {
        Some(id) => party::store::party(conn, zone, id).await?,
        None => None,
    };
    found.ok_or_else(|| Find::Unknown(named.to_owned()))
}

/// Why a command on facts was not carried out, or a party not found.
#[derive(Debug, thiserror::Error)]
enum Find {
    #[error("there is no party {0} in this zone: `party list --search` finds parties by name")]
    Unknown(String),
    #[error("nothing in this zone comes from a register {name}: there are {}", .known.join(", "))]
    Register { name: String, known: Vec<String> },
    #[error(transparent)]
    Facts(#[from] FactsError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Find {
    /// Of a register from which nothing was stated: which there are.
    fn register(name: &str, others: Vec<String>) -> Self {
        let known = Register::KNOWN.iter();
        let known = known.map(|register| register.as_str().to_owned());
        Self::Register {
            name: name.to_owned(),
            known: known.chain(others).collect(),
        }
    }
}

fn days(from: Option<Day>, until: Option<Day>, today: NaiveDate) -> anyhow::Result<Period> {
    Ok(Period::new(
        from.map_or(today, Day::date),
        until.map(Day::date),
    )?)
}

async fn state(global: &Global, args: StateArgs) -> anyhow::Result<()> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let when = match args.year {
            Some(year) => When::Year(year),
            None => When::Days(days(args.from, args.until, caller.command().today())?),
        };
        let new = NewStatement {
            party: PartyId(uuid::Uuid::nil()),
            source: args.source.0,
            when,
            reference: args.reference,
            evidence: args.evidence,
            facts: facts(&args.facts, caller.zone.currency)?,
            corrections: corrections(args.correct),
        };
        let input = (args.party, new);
        let stated = session
            .command(&caller, input, |conn, command, (named, new)| {
                Box::pin(async move {
                    let party = find(conn, &command, named).await?.id;
                    let new = NewStatement {
                        party,
                        ..new.clone()
                    };
                    Ok::<_, Find>(fact::state(conn, &command, &new).await?)
                })
            })
            .await?;
        if global.json {
            return output::json(&stated);
        }
        output::line(&if stated.is_new {
            format!("Stated, entry {}.", stated.entry)
        } else {
            format!(
                "Entry {} says so already: nothing was recorded.",
                stated.entry
            )
        })?;
        Ok(())
    })
    .await
}

const fn corrections(correct: bool) -> Corrections {
    if correct {
        Corrections::Apply
    } else {
        Corrections::Refuse
    }
}

async fn show(global: &Global, args: ShowArgs) -> anyhow::Result<()> {
    with_session(global, async |session| {
        let caller = session.reader(global).await?;
        let on = args.on.map_or(caller.command().today(), Day::date);
        let before = args.before.map(LogIndex);
        let input = (caller.clone(), args.party, on, before, args.all);
        let read = session.database.read(
            caller.zone.id,
            input,
            |conn, (caller, named, on, before, all)| {
                Box::pin(async move {
                    let party = find(conn, &caller.command(), named).await?;
                    let zone = &caller.zone;
                    let statements = fact::store::statements(conn, zone, party.id, *before).await?;
                    let seen = if *all {
                        None
                    } else {
                        Some(fact::snapshot(conn, zone, &party, *on, *before).await?)
                    };
                    Ok::<_, Find>((party, statements, seen))
                })
            },
        );
        let (party, statements, seen) = read.await?;
        match seen {
            Some(seen) => print::snapshot(global.json, &party, on, &seen, &statements),
            None => print::history(global.json, &party, &statements),
        }
    })
    .await
}

fn list(global: &Global, markdown: bool) -> anyhow::Result<()> {
    if markdown {
        output::line(fact::markdown().trim_end())?;
        return Ok(());
    }
    print::registry(global.json)
}

async fn determine(global: &Global, args: DetermineArgs) -> anyhow::Result<()> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let (fact, value) = fact(&args.fact, caller.zone.currency)?;
        let proposal = Proposal {
            party: None,
            fact,
            value,
            days: days(args.from, args.until, caller.command().today())?,
            evidence: args.evidence,
            reason: args.reason,
        };
        let proposed = session
            .command(
                &caller,
                (args.party, proposal),
                |conn, command, (named, proposal)| {
                    Box::pin(async move {
                        let party = match named {
                            Some(named) => Some(find(conn, &command, named).await?.id),
                            None => None,
                        };
                        let proposal = Proposal {
                            party,
                            ..proposal.clone()
                        };
                        Ok::<_, Find>(fact::propose(conn, &command, &proposal).await?)
                    })
                },
            )
            .await?;
        if global.json {
            return output::json(&serde_json::json!({ "entry": proposed }));
        }
        output::line(&format!(
            "Proposed, entry {proposed}. Another person confirms it: `facts confirm {proposed}`."
        ))?;
        Ok(())
    })
    .await
}

async fn confirm(global: &Global, proposed: LogIndex) -> anyhow::Result<()> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let confirmed = session
            .command(&caller, proposed, |conn, command, proposed| {
                Box::pin(async move { fact::confirm(conn, &command, *proposed).await })
            })
            .await?;
        if global.json {
            return output::json(&serde_json::json!({ "entry": confirmed }));
        }
        output::line(&format!("Confirmed, entry {confirmed}."))?;
        Ok(())
    })
    .await
}

async fn determinations(global: &Global, args: DeterminationsArgs) -> anyhow::Result<()> {
    with_session(global, async |session| {
        let caller = session.reader(global).await?;
        let input = (caller.clone(), args);
        let read = session
            .database
            .read(caller.zone.id, input, |conn, (caller, args)| {
                Box::pin(async move {
                    let party = match &args.party {
                        Some(named) => Some(find(conn, &caller.command(), named).await?.id),
                        None => None,
                    };
                    let filter = DeterminationFilter {
                        open: args.open,
                        party,
                        after: args.after.map(LogIndex),
                        limit: args.limit,
                    };
                    Ok::<_, Find>(fact::store::determinations(conn, &caller.zone, &filter).await?)
                })
            });
        print::determinations(global.json, &read.await?)
    })
    .await
}

async fn register(global: &Global, args: RegisterArgs) -> anyhow::Result<()> {
    with_session(global, async |session| {
        let caller = session.reader(global).await?;
        let on = args.on.map_or(caller.command().today(), Day::date);
        let input = (caller.zone.clone(), args, on);
        let read = session
            .database
            .read(caller.zone.id, input, |conn, (zone, args, on)| {
                Box::pin(async move {
                    let RegisterArgs {
                        register,
                        after,
                        limit,
                        ..
                    } = args;
                    if let Register::Other(name) = register {
                        let others = fact::store::other_registers(conn, zone.id).await?;
                        if !others.contains(name) {
                            return Err(Find::register(name, others));
                        }
                    }
                    let listed =
                        fact::store::register_on(conn, zone, register, *on, *after, *limit).await?;
                    Ok::<_, Find>(listed)
                })
            });
        print::listed(global.json, &read.await?)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_typed_as_name_and_value() {
        let typed = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            facts(&texts, Currency::Cny).map(|values| values.to_text())
        };
        let text = typed(&["staff=35", "annual_sales = 12.00", "state_owned=false"]).unwrap();
        assert_eq!(
            text,
            r#"{"annual_sales":"12.00","staff":35,"state_owned":false}"#
        );
        for (texts, remedy) in [
            (&["staff"][..], "write NAME=VALUE"),
            (&["staf=3"][..], "did you mean staff"),
            (&["staff=3.5"][..], "staff can't be"),
            (&["staff=3", "staff=3"][..], "stated twice"),
        ] {
            let refusal = typed(texts).unwrap_err().to_string();
            assert!(refusal.contains(remedy), "{refusal}");
        }
    }
}
