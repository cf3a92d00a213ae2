//! `programme …`: create, fund, publish rules.

mod control;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};

use super::session::with_session;
use super::{Global, output};
use crate::policy;
use crate::programme::{self, Allocate, Appropriate, NewProgramme, ProgrammeKind};
use crate::types::{Amount, Code, Currency, FiscalYear, Money, Name, Reason};

/// Programmes.
#[derive(Debug, Subcommand)]
pub(super) enum ProgrammeCommand {
    /// Set up a programme, without rules or money
    #[command(after_help = "Example:\n  subsidy-ledger programme create SH-VOUCHER \
        --name-zh 科技创新券 --name-en 'Innovation vouchers' --as manager")]
    Create(CreateArgs),
    /// List programmes
    #[command(after_help = "Example:\n  subsidy-ledger programme list --json")]
    List,
    /// Enter an appropriation of the treasury for a year
    #[command(
        after_help = "Example:\n  subsidy-ledger programme appropriate 2023 5000000.00 \
        --document '财预〔2023〕1号' --as finance"
    )]
    Appropriate(AppropriateArgs),
    /// Allocate appropriated authority to a programme
    #[command(
        after_help = "Example:\n  subsidy-ledger programme allocate SH-VOUCHER 2023 \
        2000000.00 --as finance"
    )]
    Allocate(AllocateArgs),
    /// Propose to move free authority to another programme of the same year (finance)
    ///
    /// At most what is free, in an open year. Nothing moves until another person approves it. An appropriation that is
    /// supplemented is one more `programme appropriate`, with its own document.
    #[command(
        after_help = "Example:\n  subsidy-ledger programme transfer SH-VOUCHER SH-RENT 2023 \
        200000.00 --reason '预算调剂' --as finance"
    )]
    Transfer(control::TransferArgs),
    /// Approve a proposed transfer (a manager or finance, another person)
    #[command(after_help = "Example:\n  subsidy-ledger programme transfer-approve 57 --as manager")]
    TransferApprove {
        /// Entry of the proposal
        #[arg(value_name = "ENTRY", value_parser = clap::value_parser!(i64).range(0..))]
        entry: i64,
    },
    /// Reject a proposed transfer, or take it back (a manager or finance)
    #[command(
        after_help = "Example:\n  subsidy-ledger programme transfer-reject 57 --reason '无此必要' --as manager"
    )]
    TransferReject(control::RejectArgs),
    /// List transfers, those that wait and those that were decided
    #[command(after_help = "Example:\n  subsidy-ledger programme transfers --json")]
    Transfers,
    /// Freeze a programme's budget of a year (a manager or finance)
    ///
    /// Of it nothing is issued, awarded, claimed or moved until it is thawed. Vouchers that are issued are used and paid as
    /// before.
    #[command(
        after_help = "Example:\n  subsidy-ledger programme freeze SH-VOUCHER 2023 \
        --reason '审计期间暂停' --as finance"
    )]
    Freeze(control::FreezeArgs),
    /// End the freeze of a programme's budget (a manager or finance)
    #[command(
        after_help = "Example:\n  subsidy-ledger programme thaw SH-VOUCHER 2023 --reason '审计完毕' --as finance"
    )]
    Thaw(control::FreezeArgs),
    /// Propose a policy pack (a rule administrator); the same as `policy propose`
    #[command(
        after_help = "Example:\n  subsidy-ledger programme propose SH-VOUCHER \
        assets/policies/shanghai-2020.toml --as rules"
    )]
    Propose(PackArgs),
    /// Publish a proposed policy pack (a manager, another person); the same as `policy publish`
    #[command(
        after_help = "Example:\n  subsidy-ledger programme publish SH-VOUCHER \
        assets/policies/shanghai-2020.toml --as manager"
    )]
    Publish(PublishArgs),
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Short code: capitals, digits and hyphens
    code: Code,
    /// The instrument: it says which packs decide
    #[arg(long, value_enum, default_value_t = KindArg::Voucher)]
    kind: KindArg,
    /// Name in Chinese
    #[arg(long, value_name = "NAME")]
    name_zh: Name,
    /// Name in English
    #[arg(long, value_name = "NAME")]
    name_en: Name,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindArg {
    /// Innovation vouchers, applied for in advance
    Voucher,
    /// A part of what was spent, claimed afterwards
    PostSubsidy,
    /// A prize or bonus for what was reached
    Award,
    /// Services that the office itself buys
    Purchase,
    /// What carriers are given for rent that they waived
    RentCompensation,
    /// Who counts as something; no money
    Recognition,
}

impl KindArg {
    const fn kind(self) -> ProgrammeKind {
        match self {
            Self::Voucher => ProgrammeKind::Voucher,
            Self::PostSubsidy => ProgrammeKind::PostSubsidy,
            Self::Award => ProgrammeKind::Award,
            Self::Purchase => ProgrammeKind::Purchase,
            Self::RentCompensation => ProgrammeKind::RentCompensation,
            Self::Recognition => ProgrammeKind::Recognition,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct AppropriateArgs {
    /// Budget year
    #[arg(value_parser = clap::value_parser!(i16).range(1900..=9998))]
    year: i16,
    /// Amount in the zone's currency, such as 5000000.00
    amount: String,
    /// Budget document
    #[arg(long)]
    document: Reason,
}

#[derive(Debug, Args)]
pub(super) struct AllocateArgs {
    /// Programme
    code: Code,
    /// Budget year
    #[arg(value_parser = clap::value_parser!(i16).range(1900..=9998))]
    year: i16,
    /// Amount in the zone's currency, such as 2000000.00
    amount: String,
}

#[derive(Debug, Args)]
pub(super) struct PackArgs {
    /// Programme
    code: Code,
    /// Policy pack, TOML
    pack: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct PublishArgs {
    /// Programme
    code: Code,
    #[command(flatten)]
    published: PublishedArgs,
}

/// What is published, and whether it may begin in the past.
#[derive(Debug, Args)]
pub(super) struct PublishedArgs {
    /// The policy pack, byte for byte as it was proposed
    pack: PathBuf,
    /// Publish it although it takes past days from another version, and why; decisions of these days stay as they are
    #[arg(long, value_name = "REASON")]
    retroactive: Option<Reason>,
}

/// An amount that a person typed.
pub(super) fn amount(text: &str, currency: Currency) -> anyhow::Result<Amount> {
    Ok(Amount::new(Money::parse(text, currency)?)?)
}

pub(super) async fn run(global: &Global, command: ProgrammeCommand) -> anyhow::Result<ExitCode> {
    match command {
        ProgrammeCommand::Create(args) => create(global, args).await,
        ProgrammeCommand::List => list(global).await,
        ProgrammeCommand::Appropriate(args) => appropriate(global, args).await,
        ProgrammeCommand::Allocate(args) => allocate(global, args).await,
        ProgrammeCommand::Transfer(args) => control::propose(global, args).await,
        ProgrammeCommand::TransferApprove { entry } => control::approve(global, entry).await,
        ProgrammeCommand::TransferReject(args) => control::reject(global, args).await,
        ProgrammeCommand::Transfers => control::list(global).await,
        ProgrammeCommand::Freeze(args) => control::freeze(global, args).await,
        ProgrammeCommand::Thaw(args) => control::thaw(global, args).await,
        ProgrammeCommand::Propose(args) => propose(global, Some(args.code), &args.pack).await,
        ProgrammeCommand::Publish(args) => publish(global, Some(args.code), args.published).await,
    }
}

async fn create(global: &Global, args: CreateArgs) -> anyhow::Result<ExitCode> {
    let new = NewProgramme {
        code: args.code,
        kind: args.kind.kind(),
        name_en: args.name_en,
        name_zh: args.name_zh,
    };
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let what = format!("Programme {} is set up", new.code);
        let recorded = session
            .command(&caller, new, |conn, command, new| {
                Box::pin(async move { programme::create(conn, &command, new).await })
            })
            .await?;
        output::recorded(global.json, &what, recorded)
    })
    .await
}

async fn list(global: &Global) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let programmes = session
            .database
            .read(zone.id, zone.id, |conn, zone| {
                Box::pin(programme::store::programmes(conn, *zone))
            })
            .await?;
        if global.json {
            output::json(&programmes)?;
        } else {
            for one in &programmes {
                output::line(&format!(
                    "{}\t{}\t{}\t{}",
                    one.code,
                    one.kind.as_str(),
                    one.name_zh,
                    one.name_en
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn appropriate(global: &Global, args: AppropriateArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let input = Appropriate {
            amount: amount(&args.amount, caller.zone.currency)?,
            document: args.document,
            year: FiscalYear(args.year),
        };
        let recorded = session
            .command(&caller, input, |conn, command, input| {
                Box::pin(async move { programme::appropriate(conn, &command, input).await })
            })
            .await?;
        output::recorded(
            global.json,
            &format!(
                "{} {} appropriated for {}",
                output::grouped(&args.amount),
                caller.zone.currency,
                args.year
            ),
            recorded,
        )
    })
    .await
}

async fn allocate(global: &Global, args: AllocateArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let what = format!(
            "{} {} allocated to {}",
            output::grouped(&args.amount),
            caller.zone.currency,
            args.code
        );
        let input = Allocate {
            amount: amount(&args.amount, caller.zone.currency)?,
            programme: args.code,
            year: FiscalYear(args.year),
        };
        let recorded = session
            .command(&caller, input, |conn, command, input| {
                Box::pin(async move { programme::allocate(conn, &command, input).await })
            })
            .await?;
        output::recorded(global.json, &what, recorded)
    })
    .await
}

/// A pack and the programme that it is for: the one asked for, or the one that the pack names.
fn read_pack(code: Option<Code>, path: &Path) -> anyhow::Result<(Code, String)> {
    // With every problem and its place, where the database is not needed to say so.
    let policy = match super::policy::read_pack(path, policy::check) {
        Ok(policy) => policy,
        Err(faults) => bail!("{}", faults.report.trim_end()),
    };
    let pack = policy.body().to_owned();
    Ok((code.unwrap_or_else(|| policy.code().clone()), pack))
}

/// Proposes a pack for a programme, or for that which the pack names.
pub(super) async fn propose(
    global: &Global,
    code: Option<Code>,
    pack: &Path,
) -> anyhow::Result<ExitCode> {
    let (code, pack) = read_pack(code, pack)?;
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let what = format!("The pack is proposed for {code}; another person publishes it");
        let recorded = session
            .command(&caller, (code, pack), |conn, command, (code, pack)| {
                Box::pin(async move { programme::propose(conn, &command, code, pack).await })
            })
            .await?;
        output::recorded(global.json, &what, recorded)
    })
    .await
}

/// Publishes a proposed pack of a programme, or of that which the pack names.
pub(super) async fn publish(
    global: &Global,
    code: Option<Code>,
    args: PublishedArgs,
) -> anyhow::Result<ExitCode> {
    let (code, pack) = read_pack(code, &args.pack)?;
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let (published, recorded) = session
            .command(
                &caller,
                (code.clone(), pack, args.retroactive),
                |conn, command, (code, pack, retroactive)| {
                    Box::pin(async move {
                        let Some(reason) = retroactive else {
                            return programme::publish(conn, &command, code, pack).await;
                        };
                        programme::publish_retroactively(conn, &command, code, pack, reason).await
                    })
                },
            )
            .await?;
        if global.json {
            output::json(&published)?;
            return Ok(ExitCode::SUCCESS);
        }
        let what = format!(
            "Version {} of {code} is published, in force from {}, SHA-256 {}",
            published.version, published.in_force_from, published.sha256
        );
        output::recorded(global.json, &what, recorded)
    })
    .await
}
