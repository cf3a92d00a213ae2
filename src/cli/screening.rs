//! `policy screen` and `policy simulate`: a policy over a whole zone; beside it `policy eligibility`: a party over all
//! policies.

mod eligibility;
mod history;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use chrono::NaiveDate;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

pub(super) use eligibility::{EligibilityArgs, eligibility};

use super::policy::MomentArg;
use super::session::{Session, with_session};
use super::{Global, output, voucher};
use crate::party::{self, Party};
use crate::policy::{self, Fact, Facts, Moment, Outcome, Policy, ReasonCode, check};
use crate::screening::{self, Among, Listing, Row, Screened, Side, Simulation, Wanted};
use crate::types::{Code, Day, PartyId, Zone};

/// Which policy, for which day, on what assumptions.
#[derive(Clone, Debug, Args)]
pub(super) struct Question {
    /// A pack's file, or the code of a programme, whose version in force is taken
    #[arg(value_name = "PACK|PROGRAMME")]
    policy: String,
    /// The day of the decisions, by that day's facts and the usage of now; today, if left out
    #[arg(long, value_name = "DATE")]
    on: Option<Day>,
    /// What is decided; the first that the pack decides, if left out
    #[arg(long, value_enum)]
    moment: Option<MomentArg>,
    /// Which parties are looked at; those whom the pack concerns, if left out
    #[arg(long, value_enum)]
    role: Option<Among>,
    /// A fact of every party of which nothing else is known, as name=value
    #[arg(long = "assume", value_name = "FACT=VALUE")]
    assumed: Vec<String>,
}

impl ValueEnum for Among {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Enterprise, Self::Carrier, Self::Provider, Self::Any]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (word, help) = match self {
            Self::Enterprise => ("enterprise", "Enterprises: they hold vouchers"),
            Self::Carrier => ("carrier", "Incubators and other carriers"),
            Self::Provider => ("provider", "Providers of services"),
            Self::Any => ("any", "All of them"),
        };
        Some(PossibleValue::new(word).help(help))
    }
}

#[derive(Debug, Args)]
pub(super) struct ScreenArgs {
    #[command(flatten)]
    question: Question,
    /// Which parties are listed
    #[arg(long, value_enum, default_value_t = OutcomeArg::Pass)]
    outcome: OutcomeArg,
    /// How many are listed at most
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// List those after this party: the last of the page before
    #[arg(long, value_name = "PARTY")]
    after: Option<PartyId>,
    /// Write every listed party to this new file, as CSV, instead of the list
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "csv")]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OutcomeArg {
    /// Who qualifies
    Pass,
    /// Who does not
    Fail,
    /// Of whom a fact is missing
    NeedsReview,
    /// Everybody
    All,
}

impl OutcomeArg {
    const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Pass => Some(Outcome::Pass),
            Self::Fail => Some(Outcome::Fail),
            Self::NeedsReview => Some(Outcome::NeedsReview),
            Self::All => None,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    #[command(flatten)]
    question: Question,
    /// What the draft is compared with: a pack's file; the version in force on the day, if left out
    #[arg(long, value_name = "PACK")]
    against: Option<PathBuf>,
    /// Make every recorded decision of the programme again by the draft, as if it had been in force
    #[arg(long, conflicts_with_all = ["against", "on", "assumed"])]
    history: bool,
    /// With --history: decisions of this day and later
    #[arg(long, value_name = "DAY", requires = "history")]
    from: Option<Day>,
    /// With --history: decisions up to this day
    #[arg(long, value_name = "DAY", requires = "history")]
    until: Option<Day>,
    /// How many of those who gain and of those who lose are listed
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

impl SimulateArgs {
    /// A span is one of the history.
    fn check(&self) -> anyhow::Result<()> {
        if !self.history && (self.from.is_some() || self.until.is_some()) {
            bail!(
                "--from and --until belong to --history: give it too, or --on for the day of a simulation"
            );
        }
        Ok(())
    }
}

/// What a run asks, read and ready.
#[derive(Clone, Debug)]
struct Run {
    zone: Zone,
    policy: Arc<Policy>,
    moment: Moment,
    among: Option<Among>,
    on: NaiveDate,
    assumed: Facts,
    bar: indicatif::ProgressBar,
}

impl Run {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::new(&self.policy, self.moment).among(self.among)
    }

    fn told(&self) -> impl Fn(u64, u64) + Send + Sync + '_ {
        |done, total| {
            self.bar.set_length(total);
            self.bar.set_position(done);
        }
    }
}

async fn read(session: &Session, global: &Global, question: &Question) -> anyhow::Result<Run> {
    let caller = session.reader(global).await?;
    let today = caller.command().today();
    let zone = caller.zone;
    let on = question.on.map_or(today, Day::date);
    let policy = find(session, &zone, &question.policy, on).await?;
    let first = policy.moments().first().copied();
    let moment = question.moment.map(MomentArg::moment).or(first);
    let bar = output::progress(0);
    bar.set_message("parties");
    Ok(Run {
        assumed: voucher::facts(&question.assumed, zone.currency, on)?,
        zone,
        policy,
        moment: moment.unwrap_or(Moment::Grant),
        among: question.role,
        on,
        bar,
    })
}

/// A pack by its file, or the version of a programme in force.
async fn find(
    session: &Session,
    zone: &Zone,
    named: &str,
    on: NaiveDate,
) -> anyhow::Result<Arc<Policy>> {
    let path = PathBuf::from(named);
    if path.is_file() {
        return read_pack(&path);
    }
    let Ok(code) = named.parse::<Code>() else {
        bail!("{named}: there is no such file, and it is no code of a programme");
    };
    in_force(session, zone, &code, on).await?.with_context(|| {
        format!(
            "{named}: there is no such file, and no programme of that code has a version in force on {on}: \
             `programme list` shows the programmes"
        )
    })
}

fn read_pack(path: &std::path::Path) -> anyhow::Result<Arc<Policy>> {
    match super::policy::read_pack(path, check) {
        Ok(policy) => Ok(Arc::new(policy)),
        Err(faults) => bail!("{}", faults.report.trim_end()),
    }
}

async fn in_force(
    session: &Session,
    zone: &Zone,
    code: &Code,
    on: NaiveDate,
) -> anyhow::Result<Option<Arc<Policy>>> {
    let input = (zone.id, code.clone(), on);
    let published = session
        .database
        .read(zone.id, input, |conn, (zone, code, on)| {
            Box::pin(policy::store::in_force_on(conn, *zone, code, *on))
        })
        .await?;
    Ok(published.map(|published| Arc::new(published.policy)))
}

pub(super) async fn screen(global: &Global, args: ScreenArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let run = read(session, global, &args.question).await?;
        let screened = session
            .database
            .read(run.zone.id, run.clone(), |conn, run| {
                Box::pin(async move {
                    let told = run.told();
                    screening::screen(conn, &run.zone, run.wanted(), run.on, &run.assumed, &told)
                        .await
                })
            })
            .await?;
        run.bar.finish_and_clear();
        let period = run.policy.in_force();
        if !period.contains(run.on) {
            let until = period
                .until()
                .and_then(|until| until.pred_opt())
                .map_or_else(String::new, |last| format!(" to {last}"));
            output::note(&format!(
                "{} is in force from {}{until}, not on {}, so nobody passes: give a day of its time with --on",
                args.question.policy,
                period.from(),
                run.on
            ));
        }
        let outcome = args.outcome.outcome();
        let rows = screened.rows(outcome, args.after)?;
        let limit = usize::try_from(args.limit)?;
        let shown = if args.csv.is_some() { 0 } else { limit };
        let page: Vec<usize> = rows.iter().take(shown).copied().collect();
        let parties = named(session, &run.zone, &screened, &page).await?;
        let wanted = run.wanted();
        let answer = Listing::of(
            wanted,
            run.on,
            &run.assumed,
            &screened,
            &page,
            &parties,
            rows.len(),
        );
        if global.json {
            output::json(&answer)?;
        } else {
            print(&answer)?;
        }
        if let Some(path) = &args.csv {
            write_csv(session, &run, &screened, &rows, (path, args.force)).await?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn named(
    session: &Session,
    zone: &Zone,
    screened: &Screened,
    rows: &[usize],
) -> anyhow::Result<Vec<Party>> {
    let ids = rows.iter().filter_map(|row| screened.parties.get(*row));
    let ids: Vec<PartyId> = ids.copied().collect();
    parties(session, zone, ids).await
}

async fn parties(session: &Session, zone: &Zone, ids: Vec<PartyId>) -> anyhow::Result<Vec<Party>> {
    let found = session
        .database
        .read(zone.id, (zone.id, ids), |conn, (zone, ids)| {
            Box::pin(party::store::parties(conn, *zone, ids))
        })
        .await?;
    Ok(found)
}

/// What a person should know of the question that was asked.
fn note_question(on: NaiveDate, registered_since: usize, assumed_in_vain: &[Fact]) {
    if registered_since > 0 {
        let parties = output::counted(registered_since, "of them was", "of them were");
        output::note(&format!("{parties} registered in this ledger after {on}"));
    }
    for fact in assumed_in_vain {
        output::note(&format!(
            "--assume {fact} changes nothing: the pack does not ask for it, or it is known of every party"
        ));
    }
}

fn print(answer: &Listing) -> anyhow::Result<()> {
    let mut out = output::Answer;
    note_question(answer.on, answer.registered_since, &answer.assumed_in_vain);
    writeln!(
        out,
        "{} version {}, {} on {}: of {} pass {}, fail {}, need review {}.",
        answer.programme,
        answer.version,
        answer.moment.word(),
        answer.on,
        among(answer.among, answer.parties),
        answer.pass,
        answer.fail,
        answer.needs_review
    )?;
    if answer.excluded > 0 {
        let excluded = output::counted(
            answer.excluded,
            "of those who pass is",
            "of those who pass are",
        );
        output::note(&format!(
            "{excluded} excluded on {}, and would be refused: the sum has their amounts in it",
            answer.on
        ));
    }
    // Who counts as something costs nothing.
    let costs = answer.moment != Moment::Recognition;
    if costs {
        let left = match &answer.budget_left {
            Some(left) => format!("; the programme has {} left", output::grouped(left)),
            None => String::new(),
        };
        let cost = output::grouped(&answer.cost);
        writeln!(out, "They come to {cost} {}{left}.", answer.currency)?;
    }
    for one in &answer.criteria {
        let lowered = match one.lowered {
            0 => String::new(),
            some => format!(", gives less to {some}"),
        };
        writeln!(
            out,
            "  {}\tnot met by {}, open for {}{lowered}",
            one.code, one.unmet, one.open
        )?;
    }
    for row in &answer.rows {
        writeln!(
            out,
            "{}\t{}\t{}\t{}\t{}",
            row.identifier,
            row.name,
            outcome_word(row.outcome),
            amount_or_dash(costs, &row.amount),
            all_reasons(row)
        )?;
    }
    if let (true, Some(last)) = (answer.more > 0, answer.rows.last()) {
        output::note(&format!(
            "{} more: go on with --after {}, or write all to a file with --csv FILE",
            answer.more, last.party
        ));
    }
    Ok(())
}

/// So many of them.
fn among(among: Among, parties: usize) -> String {
    let (one, many) = match among {
        Among::Enterprise => ("enterprise", "enterprises"),
        Among::Carrier => ("carrier", "carriers"),
        Among::Provider => ("provider", "providers"),
        Among::Any => ("party", "parties"),
    };
    output::counted(parties, one, many)
}

/// An amount for people; a dash where there is none to be given.
fn amount_or_dash(costs: bool, amount: &str) -> String {
    if costs {
        output::grouped(amount)
    } else {
        "-".to_owned()
    }
}

fn joined(codes: &[ReasonCode], between: &str) -> String {
    let codes: Vec<_> = codes.iter().map(ReasonCode::as_str).collect();
    codes.join(between)
}

/// What the rules say of it, and that it is excluded.
fn all_reasons(row: &Row) -> String {
    let mut reasons: Vec<String> = row.reasons.iter().map(ToString::to_string).collect();
    let excluded = row.excluded_until;
    reasons.extend(excluded.map(|last| format!("excluded until {last}")));
    reasons.join(",")
}

const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::NeedsReview => "needs_review",
    }
}

/// Parties whose names are read at a time.
const NAMED_AT_ONCE: usize = 5_000;

async fn write_csv(
    session: &Session,
    run: &Run,
    screened: &Screened,
    rows: &[usize],
    (path, force): (&std::path::Path, bool),
) -> anyhow::Result<()> {
    if !force && path.exists() {
        bail!(
            "{} exists: name a new file, or replace it with --force",
            path.display()
        );
    }
    let failed = || format!("{} can't be written", path.display());
    let mut file = csv::Writer::from_path(path).with_context(failed)?;
    let header = [
        "party",
        "name",
        "outcome",
        "amount",
        "reasons",
        "excluded_until",
    ];
    file.write_record(header).with_context(failed)?;
    for page in rows.chunks(NAMED_AT_ONCE) {
        let mut parties = named(session, &run.zone, screened, page).await?;
        parties.sort_by_key(|party| party.id);
        for row in page {
            let id = screened.parties.get(*row).copied();
            let place = id.and_then(|id| parties.binary_search_by_key(&id, |party| party.id).ok());
            let one = place
                .and_then(|place| parties.get(place..=place))
                .unwrap_or(&[]);
            let Some(row) = Row::of(screened, *row, one, run.zone.currency) else {
                continue;
            };
            let cells = [
                crate::tabular::safe_cell(&row.identifier).into_owned(),
                crate::tabular::safe_cell(&row.name).into_owned(),
                outcome_word(row.outcome).to_owned(),
                row.amount,
                joined(&row.reasons, " "),
                row.excluded_until
                    .map_or_else(String::new, |last| last.to_string()),
            ];
            file.write_record(cells).with_context(failed)?;
        }
    }
    file.flush().with_context(failed)?;
    output::note(&format!("{} rows in {}", rows.len(), path.display()));
    Ok(())
}

pub(super) async fn simulate(global: &Global, args: SimulateArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        args.check()?;
        let run = read(session, global, &args.question).await?;
        if args.history {
            return history::simulate(session, global, run, &args).await;
        }
        let current = match &args.against {
            Some(path) => Some(read_pack(path)?),
            None => in_force(session, &run.zone, run.policy.code(), run.on).await?,
        };
        let itself = |current: &Arc<Policy>| current.sha256() == run.policy.sha256();
        if current.as_ref().is_some_and(itself) {
            bail!(
                "{} is version {} of {}, with which it would be compared: give the file of a draft that differs, or \
                 another pack with --against",
                args.question.policy,
                run.policy.version(),
                run.policy.code()
            );
        }
        let simulation = session
            .database
            .read(
                run.zone.id,
                (run.clone(), current),
                |conn, (run, current)| {
                    Box::pin(async move {
                        let told = run.told();
                        let current = current.as_deref();
                        let assumed = &run.assumed;
                        screening::simulate(
                            conn,
                            &run.zone,
                            run.wanted(),
                            current,
                            run.on,
                            assumed,
                            &told,
                        )
                        .await
                    })
                },
            )
            .await?;
        run.bar.finish_and_clear();
        if global.json {
            output::json(&simulation)?;
            return Ok(ExitCode::SUCCESS);
        }
        let limit = usize::try_from(args.limit)?;
        let shown = |changes: &[screening::Change]| -> Vec<PartyId> {
            changes
                .iter()
                .take(limit)
                .map(|change| change.party)
                .collect()
        };
        let ids = [shown(&simulation.gain), shown(&simulation.lose)].concat();
        let parties = parties(session, &run.zone, ids).await?;
        let beside = match &args.against {
            Some(_) => "against",
            None => "in force",
        };
        print_simulation(&simulation, beside, &parties, limit)?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_simulation(
    simulation: &Simulation,
    beside: &str,
    parties: &[Party],
    limit: usize,
) -> anyhow::Result<()> {
    let mut out = output::Answer;
    note_question(
        simulation.on,
        simulation.registered_since,
        &simulation.assumed_in_vain,
    );
    let counted = among(simulation.among, simulation.parties);
    writeln!(out, "{counted} on {}. Nothing was written.", simulation.on)?;
    if simulation.as_if_in_force {
        writeln!(
            out,
            "The draft is not in force that day, and decides as if it were."
        )?;
    }
    let side = |name: &str, side: &Side| {
        let dash = || "-".to_owned();
        format!(
            "{name}\t{}\t{}\t{}\t{}\t{}\t{}",
            side.version,
            side.pass,
            side.fail,
            side.needs_review,
            output::grouped(&side.cost),
            side.left_after
                .as_deref()
                .map_or_else(dash, output::grouped)
        )
    };
    writeln!(
        out,
        "\tversion\tpass\tfail\tneeds review\tcost\tbudget left after it"
    )?;
    if let Some(current) = &simulation.current {
        writeln!(out, "{}", side(beside, current))?;
    }
    writeln!(out, "{}", side("draft", &simulation.draft))?;
    if simulation.current.is_none() {
        writeln!(
            out,
            "No version is in force that day: there is nothing to compare with."
        )?;
        return Ok(());
    }
    for (title, changes) in [("gain", &simulation.gain), ("lose", &simulation.lose)] {
        let many = output::counted(changes.len(), "party", "parties");
        writeln!(out, "{many} would {title}:")?;
        for change in changes.iter().take(limit) {
            let party = parties.iter().find(|party| party.id == change.party);
            let name = party.map_or_else(String::new, |party| party.name.to_string());
            writeln!(
                out,
                "  {name}\t{} {} -> {} {}\t{}",
                outcome_word(change.before),
                output::grouped(&change.amount_before),
                outcome_word(change.after),
                output::grouped(&change.amount_after),
                joined(&change.reasons, ",")
            )?;
        }
    }
    Ok(())
}
