//! Drawing samples and showing them.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::csv_text;
use crate::audit::{self, Bounds, Draw, DrawSample, Drawn, Extent, Share, Stratum};
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output, programme};
use crate::policy::Sha256;
use crate::report::{Align, Table};
use crate::types::{Amount, Code, Currency, FiscalYear, LogIndex, Money, Name, Zone};

/// Where strata begin unless `--bound` says it, and from where on every case is taken; in whole units of the currency.
const BOUNDS: [i64; 2] = [50_000, 200_000];
const EVERY_FROM: i64 = 1_000_000;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  subsidy-ledger audit sample --year 2023 --as auditor\n  \
        subsidy-ledger audit sample --year 2023 --programme SH-VOUCHER --share 10 --bound 20000.00 --bound 100000.00 \
        --every-from 300000.00 --as auditor\n  \
        subsidy-ledger audit sample show 2864 --csv > sample.csv"
)]
pub(in crate::cli) struct SampleArgs {
    #[command(subcommand)]
    command: Option<SampleCommand>,
    #[command(flatten)]
    draw: DrawArgs,
}

#[derive(Debug, Subcommand)]
enum SampleCommand {
    /// Draw the sample of an entry again, and say whether the population is that of then
    ///
    /// Exits with 1 if it is not.
    #[command(after_help = "Example:\n  subsidy-ledger audit sample show 2864 --csv > sample.csv")]
    Show {
        /// The entry of the draw
        entry: LogIndex,
        /// Print comma-separated values, unless --json: a row for each case
        #[arg(long)]
        csv: bool,
    },
}

#[derive(Debug, Args)]
struct DrawArgs {
    /// Budget year of the cases
    #[arg(long, value_parser = clap::value_parser!(i16).range(1900..=9998), required = true)]
    year: Option<i16>,
    /// Only of this programme
    #[arg(long)]
    programme: Option<Code>,
    /// Percent of the cases of each stratum, rounded up [default: 5]
    #[arg(long, conflicts_with = "number")]
    share: Option<Share>,
    /// So many cases in all, besides those that are all taken: one of each stratum, and more where there are more
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    number: Option<u32>,
    /// Where a stratum begins; may be repeated [default: 50000 and 200000 in the zone's currency]
    #[arg(long = "bound", value_name = "AMOUNT")]
    bounds: Vec<String>,
    /// From this amount on every case is taken [default: 1000000, unless --bound is given]
    #[arg(long, value_name = "AMOUNT")]
    every_from: Option<String>,
    /// A text instead of the root of the log: whoever chooses it chooses the sample
    #[arg(long, value_name = "TEXT")]
    seed: Option<Name>,
    /// Of what the first so many entries of the log made owed [default: all]
    #[arg(long, value_name = "ENTRIES", value_parser = clap::value_parser!(i64).range(0..))]
    size: Option<i64>,
    /// Print comma-separated values, unless --json: a row for each case
    #[arg(long)]
    csv: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Only those after this entry
    #[arg(long, value_name = "ENTRY")]
    after: Option<LogIndex>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

pub(in crate::cli) async fn run(global: &Global, args: SampleArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| match args.command {
        Some(SampleCommand::Show { entry, csv }) => {
            let zone = session.zone(global).await?;
            show(global, session, &zone, entry, csv).await
        }
        None => draw(global, session, args.draw).await,
    })
    .await
}

async fn draw(global: &Global, session: &Session, args: DrawArgs) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let number = args.number.map(Extent::Number);
    let share = args.share.unwrap_or(Share::FIVE_PERCENT);
    let input = DrawSample {
        bounds: bounds(&args, caller.zone.currency)?,
        extent: number.unwrap_or(Extent::Share(share)),
        programme: args.programme,
        seed: args.seed,
        size: args.size,
        year: FiscalYear(args.year.unwrap_or_default()),
    };
    let drawn = session
        .command(&caller, input, |conn, command, input| {
            Box::pin(async move { audit::draw(conn, &command, input).await })
        })
        .await?;
    show(global, session, &caller.zone, drawn.index, args.csv).await
}

fn bounds(args: &DrawArgs, currency: Currency) -> anyhow::Result<Bounds> {
    let unit = 10_i64.saturating_pow(currency.decimals());
    let whole = |units: i64| Amount::new(Money::from_minor(units.saturating_mul(unit)));
    let mut amounts = Vec::new();
    let mut every_from = None;
    for text in &args.bounds {
        amounts.push(programme::amount(text, currency)?);
    }
    if let Some(text) = &args.every_from {
        every_from = Some(programme::amount(text, currency)?);
    }
    if args.bounds.is_empty() {
        let last = every_from.map_or_else(|| whole(EVERY_FROM), Ok)?;
        for bound in BOUNDS {
            amounts.extend(Some(whole(bound)?).filter(|bound| *bound < last));
        }
        every_from = Some(last);
    }
    Ok(Bounds::new(amounts, every_from)?)
}

#[derive(Serialize)]
struct PickShown {
    amount: String,
    case: String,
    payable: String,
    payee: String,
    programme: Code,
    sha256: Sha256,
    stratum: usize,
}

#[derive(Serialize)]
struct SampleShown<'d> {
    agrees: bool,
    at: String,
    by: &'d str,
    differs: &'d [&'static str],
    entry: LogIndex,
    extent: String,
    picks: Vec<PickShown>,
    picks_sha256: Sha256,
    population_sha256: Sha256,
    programme: Option<&'d Code>,
    seed: &'d str,
    seed_from: String,
    size: i64,
    strata: &'d [Stratum],
    year: FiscalYear,
}

fn extent_text(extent: Extent) -> String {
    match extent {
        Extent::Share(share) => share.to_string(),
        Extent::Number(number) => output::counted(number, "case", "cases"),
    }
}

fn seed_from(draw: &Draw) -> String {
    match draw.plan.given_seed() {
        Some(_) => "given by the auditor".to_owned(),
        None => format!("root of the log of {} entries", draw.recorded.index.0 + 1),
    }
}

impl<'d> SampleShown<'d> {
    fn of(drawn: &'d Drawn, zone: &Zone) -> Self {
        let plan = &drawn.draw.plan;
        let picks = drawn.picked.iter().map(|one| PickShown {
            amount: one.pick.item.amount.to_text(zone.currency),
            case: one.case.clone(),
            payable: one.pick.item.name(),
            payee: one.payee.clone(),
            programme: one.programme.clone(),
            sha256: one.pick.rank,
            stratum: one.pick.stratum,
        });
        Self {
            agrees: drawn.differs.is_empty(),
            at: zone.time.local(drawn.draw.recorded.at).to_rfc3339(),
            by: &drawn.draw.by,
            differs: &drawn.differs,
            entry: drawn.draw.recorded.index,
            extent: extent_text(plan.extent()),
            picks: picks.collect(),
            picks_sha256: drawn.picks_sha256,
            population_sha256: plan.population_sha256,
            programme: plan.programme(),
            seed: &drawn.seed,
            seed_from: seed_from(&drawn.draw),
            size: plan.size,
            strata: &plan.strata,
            year: plan.year(),
        }
    }
}

async fn show(
    global: &Global,
    session: &Session,
    zone: &Zone,
    entry: LogIndex,
    csv: bool,
) -> anyhow::Result<ExitCode> {
    let drawn = session
        .database
        .read(zone.id, (zone.clone(), entry), |conn, (zone, entry)| {
            Box::pin(audit::sample(conn, zone, *entry))
        })
        .await?;
    let shown = SampleShown::of(&drawn, zone);
    if global.json {
        output::json(&shown)?;
    } else if csv {
        let heads = [
            "stratum",
            "payable",
            "case",
            "amount",
            "programme",
            "payee",
            "sha256",
        ];
        let rows = shown.picks.iter().map(|pick| {
            [
                pick.stratum.to_string(),
                pick.payable.clone(),
                pick.case.clone(),
                pick.amount.clone(),
                pick.programme.to_string(),
                pick.payee.clone(),
                pick.sha256.to_string(),
            ]
        });
        output::line(csv_text(heads, rows)?.trim_end())?;
    } else {
        print(&shown)?;
    }
    Ok(if shown.agrees {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(shown: &SampleShown<'_>) -> std::io::Result<()> {
    let programme = shown.programme.map(|code| format!(", {code}"));
    output::line(&format!(
        "entry {}: {} of budget year {}{}, drawn by {} at {}",
        shown.entry,
        shown.extent,
        shown.year,
        programme.unwrap_or_default(),
        shown.by,
        shown.at
    ))?;
    output::line(&format!(
        "population: what the first {} entries made owed, SHA-256 {}",
        shown.size, shown.population_sha256
    ))?;
    output::line(&format!("seed: {} ({})", shown.seed, shown.seed_from))?;
    output::line(strata_table(shown.strata).to_string().trim_end())?;
    let mut table = Table::new([
        ("stratum", Align::Right),
        ("payable", Align::Left),
        ("case", Align::Left),
        ("amount", Align::Right),
        ("programme", Align::Left),
        ("SHA-256", Align::Left),
        ("payee", Align::Left),
    ]);
    for pick in &shown.picks {
        table.row([
            pick.stratum.to_string(),
            pick.payable.clone(),
            pick.case.clone(),
            output::grouped(&pick.amount),
            pick.programme.to_string(),
            pick.sha256.to_string().chars().take(12).collect(),
            pick.payee.clone(),
        ]);
    }
    output::line(table.to_string().trim_end())?;
    let picks = output::counted(shown.picks.len(), "case", "cases");
    output::line(&format!("{picks}, SHA-256 {}", shown.picks_sha256))?;
    let verdict = if shown.agrees {
        "drawn again from the log: agrees with its entry".to_owned()
    } else {
        format!(
            "DIFFERS from its entry: {}; run `subsidy-ledger verify`",
            shown.differs.join(", ")
        )
    };
    output::line(&verdict)
}

fn strata_table(strata: &[Stratum]) -> Table {
    let mut table = Table::new([
        ("stratum", Align::Right),
        ("from", Align::Right),
        ("until under", Align::Right),
        ("cases", Align::Right),
        ("total", Align::Right),
        ("drawn", Align::Right),
    ]);
    for (number, stratum) in (1..).zip(strata) {
        let until = stratum.until.as_deref().map(output::grouped);
        let number: i32 = number;
        table.row([
            number.to_string(),
            output::grouped(&stratum.from),
            until.unwrap_or_default(),
            stratum.cases.to_string(),
            output::grouped(&stratum.total),
            stratum.drawn.to_string(),
        ]);
    }
    table
}

#[derive(Serialize)]
struct DrawLine<'d> {
    at: String,
    by: &'d str,
    cases: usize,
    drawn: usize,
    entry: LogIndex,
    extent: String,
    programme: Option<&'d Code>,
    seed: String,
    size: i64,
    year: FiscalYear,
}

pub(in crate::cli) async fn list(global: &Global, args: ListArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let input = (zone.id, args.after, args.limit);
        let draws = session
            .database
            .read(zone.id, input, |conn, (zone, after, limit)| {
                Box::pin(audit::draws(conn, *zone, *after, *limit))
            })
            .await?;
        output::at_limit(draws.len(), args.limit);
        let lines: Vec<DrawLine<'_>> = draws.iter().map(|draw| draw_line(draw, &zone)).collect();
        if global.json {
            output::json(&lines)?;
        } else if lines.is_empty() {
            output::line("No sample was drawn: `audit sample` draws one.")?;
        } else {
            output::line(draws_table(&lines).to_string().trim_end())?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn draw_line<'d>(draw: &'d Draw, zone: &Zone) -> DrawLine<'d> {
    DrawLine {
        at: zone.time.local(draw.recorded.at).to_rfc3339(),
        by: &draw.by,
        cases: draw.plan.cases(),
        drawn: draw.plan.drawn(),
        entry: draw.recorded.index,
        extent: extent_text(draw.plan.extent()),
        programme: draw.plan.programme(),
        seed: seed_from(draw),
        size: draw.plan.size,
        year: draw.plan.year(),
    }
}

fn draws_table(lines: &[DrawLine<'_>]) -> Table {
    let mut table = Table::new([
        ("entry", Align::Right),
        ("at", Align::Left),
        ("by", Align::Left),
        ("year", Align::Left),
        ("programme", Align::Left),
        ("cases", Align::Right),
        ("drawn", Align::Right),
        ("asked", Align::Right),
        ("seed", Align::Left),
    ]);
    for line in lines {
        table.row([
            line.entry.to_string(),
            line.at.clone(),
            line.by.to_owned(),
            line.year.to_string(),
            line.programme.map(ToString::to_string).unwrap_or_default(),
            line.cases.to_string(),
            line.drawn.to_string(),
            line.extent.clone(),
            line.seed.clone(),
        ]);
    }
    table
}
