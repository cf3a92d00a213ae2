//! `policy screen`, `policy simulate` and `policy eligibility`: a policy over a whole zone, and a party over all policies.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::policy::{LangArg, MomentArg};
use super::session::{Session, with_session};
use super::{Global, output, voucher};
use crate::fact;
use crate::party::{self, Party};
use crate::policy::{self, Facts, Moment, Outcome, Policy, check, explain, nearest};
use crate::screening::{self, Screened, ScreeningError, Side, Simulation, Wanted};
use crate::types::{Code, Money, PartyId, Zone};

/// Which policy, for which day, on what assumptions.
#[derive(Clone, Debug, Args)]
pub(super) struct Question {
    /// A pack's file, or the code of a programme, whose version in force is taken
    #[arg(value_name = "PACK|PROGRAMME")]
    policy: String,
    /// The day of the decisions; today, if left out
    #[arg(long, value_name = "DATE")]
    on: Option<NaiveDate>,
    /// What is decided; the first that the pack decides, if left out
    #[arg(long, value_enum)]
    moment: Option<MomentArg>,
    /// A fact of every party of which nothing else is known, as name=value
    #[arg(long = "assume", value_name = "FACT=VALUE")]
    assumed: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ScreenArgs {
    #[command(flatten)]
    question: Question,
    /// Which parties are listed
    #[arg(long, value_enum, default_value_t = OutcomeArg::Pass)]
    outcome: OutcomeArg,
    /// How many are listed at most
    #[arg(long, default_value_t = 50, value_name = "N")]
    limit: usize,
    /// List those after this party: the last of the page before
    #[arg(long, value_name = "PARTY")]
    after: Option<PartyId>,
    /// Write every listed party to this file, as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
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
    fn takes(self, outcome: Outcome) -> bool {
        match self {
            Self::Pass => outcome == Outcome::Pass,
            Self::Fail => outcome == Outcome::Fail,
            Self::NeedsReview => outcome == Outcome::NeedsReview,
            Self::All => true,
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
    /// How many of those who gain and of those who lose are listed
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: usize,
}

#[derive(Debug, Args)]
pub(super) struct EligibilityArgs {
    /// The party: its code, number or name
    party: String,
    /// The day of the decisions; today, if left out
    #[arg(long, value_name = "DATE")]
    on: Option<NaiveDate>,
    /// A fact of which the ledger knows nothing, as name=value
    #[arg(long = "assume", value_name = "FACT=VALUE")]
    assumed: Vec<String>,
    /// Tell every condition and every step of the amount
    #[arg(long)]
    trace: bool,
    /// The language of the sentences
    #[arg(long, value_enum, default_value_t = LangArg::Zh)]
    lang: LangArg,
}

/// What a run asks, read and ready.
#[derive(Clone, Debug)]
struct Run {
    zone: Zone,
    policy: Arc<Policy>,
    moment: Moment,
    on: NaiveDate,
    assumed: Facts,
    bar: indicatif::ProgressBar,
}

impl Run {
    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            policy: &self.policy,
            moment: self.moment,
        }
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
    let on = question.on.unwrap_or(today);
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
    let file = path.display().to_string();
    let body = fs::read_to_string(path).with_context(|| format!("{file}: can't be read"))?;
    match check(&body) {
        Ok(policy) => Ok(Arc::new(policy)),
        Err(problems) => bail!("{}", problems.render(&file).trim_end()),
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
        let rows = listed(&screened, &args)?;
        let page: Vec<usize> = rows.iter().take(args.limit).copied().collect();
        let parties = named(session, &run.zone, &screened, &page).await?;
        let answer = Answer::of(&run, &screened, &page, &parties, rows.len());
        if global.json {
            output::json(&answer)?;
        } else {
            answer.print()?;
        }
        if let Some(path) = &args.csv {
            write_csv(session, &run, &screened, &rows, path).await?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// The rows to be listed, in the order in which parties were registered.
fn listed(screened: &Screened, args: &ScreenArgs) -> anyhow::Result<Vec<usize>> {
    let first = match args.after {
        None => 0,
        Some(after) => {
            let place = screened.parties.iter().position(|party| *party == after);
            place.with_context(|| {
                format!("no party {after} in this zone: take --after from a list")
            })? + 1
        }
    };
    let outcomes = screened.screening.outcomes.iter().enumerate().skip(first);
    let taken = outcomes.filter(|(_, outcome)| args.outcome.takes(**outcome));
    Ok(taken.map(|(row, _)| row).collect())
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

/// What `policy screen` says.
#[derive(Serialize)]
struct Answer {
    programme: Code,
    version: Code,
    moment: Moment,
    on: NaiveDate,
    parties: usize,
    pass: usize,
    fail: usize,
    needs_review: usize,
    cost: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_left: Option<String>,
    currency: String,
    criteria: Vec<Criterion>,
    rows: Vec<Row>,
    /// How many more there are after the last row.
    more: usize,
}

#[derive(Serialize)]
struct Criterion {
    code: String,
    unmet: usize,
    open: usize,
}

#[derive(Serialize)]
struct Row {
    party: PartyId,
    identifier: String,
    name: String,
    outcome: Outcome,
    amount: String,
    reasons: Vec<String>,
}

impl Row {
    fn of(run: &Run, screened: &Screened, row: usize, parties: &[Party]) -> Option<Self> {
        let id = *screened.parties.get(row)?;
        let party = parties.iter().find(|party| party.id == id)?;
        let reasons = screened.reasons(row);
        let amount = screened.screening.amounts.get(row).copied();
        Some(Self {
            party: id,
            identifier: party.identity.identifier().to_owned(),
            name: party.name.to_string(),
            outcome: *screened.screening.outcomes.get(row)?,
            amount: amount.unwrap_or(Money::ZERO).to_text(run.zone.currency),
            reasons: reasons.iter().map(ToString::to_string).collect(),
        })
    }
}

impl Answer {
    fn of(
        run: &Run,
        screened: &Screened,
        page: &[usize],
        parties: &[Party],
        listed: usize,
    ) -> Self {
        let text = |money: Money| money.to_text(run.zone.currency);
        let criteria = screened.by_criterion().into_iter();
        Self {
            programme: run.policy.code().clone(),
            version: run.policy.version().clone(),
            moment: run.moment,
            on: run.on,
            parties: screened.parties.len(),
            pass: screened.screening.count(Outcome::Pass),
            fail: screened.screening.count(Outcome::Fail),
            needs_review: screened.screening.count(Outcome::NeedsReview),
            cost: text(screened.cost()),
            budget_left: screened.budget_left.map(text),
            currency: run.zone.currency.to_string(),
            criteria: criteria
                .map(|(code, unmet, open)| Criterion {
                    code: code.to_string(),
                    unmet,
                    open,
                })
                .collect(),
            rows: page
                .iter()
                .filter_map(|row| Row::of(run, screened, *row, parties))
                .collect(),
            more: listed.saturating_sub(page.len()),
        }
    }

    fn print(&self) -> anyhow::Result<()> {
        let mut out = output::Answer;
        writeln!(
            out,
            "{} version {}, {} on {}: of {} pass {}, fail {}, need review {}.",
            self.programme,
            self.version,
            self.moment.word(),
            self.on,
            output::counted(self.parties, "party", "parties"),
            self.pass,
            self.fail,
            self.needs_review
        )?;
        let left = match &self.budget_left {
            Some(left) => format!("; the programme has {left} left"),
            None => String::new(),
        };
        writeln!(out, "They come to {} {}{left}.", self.cost, self.currency)?;
        for one in &self.criteria {
            writeln!(
                out,
                "  {}\tnot met by {}, open for {}",
                one.code, one.unmet, one.open
            )?;
        }
        for row in &self.rows {
            writeln!(
                out,
                "{}\t{}\t{}\t{}\t{}",
                row.identifier,
                row.name,
                outcome_word(row.outcome),
                row.amount,
                row.reasons.join(",")
            )?;
        }
        if let (true, Some(last)) = (self.more > 0, self.rows.last()) {
            output::note(&format!(
                "{} more: go on with --after {}, or write all to a file with --csv FILE",
                self.more, last.party
            ));
        }
        Ok(())
    }
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
    path: &std::path::Path,
) -> anyhow::Result<()> {
    let failed = || format!("{} can't be written", path.display());
    let mut file = csv::Writer::from_path(path).with_context(failed)?;
    let header = ["party", "name", "outcome", "amount", "reasons"];
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
            let Some(row) = Row::of(run, screened, *row, one) else {
                continue;
            };
            let cells = [
                crate::tabular::safe_cell(&row.identifier).into_owned(),
                crate::tabular::safe_cell(&row.name).into_owned(),
                outcome_word(row.outcome).to_owned(),
                row.amount,
                row.reasons.join(" "),
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
        let run = read(session, global, &args.question).await?;
        let current = match &args.against {
            Some(path) => Some(read_pack(path)?),
            None => in_force(session, &run.zone, run.policy.code(), run.on).await?,
        };
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
        let shown = |changes: &[screening::Change]| -> Vec<PartyId> {
            changes
                .iter()
                .take(args.limit)
                .map(|change| change.party)
                .collect()
        };
        let ids = [shown(&simulation.gain), shown(&simulation.lose)].concat();
        let parties = parties(session, &run.zone, ids).await?;
        print_simulation(&simulation, &parties, args.limit)?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print_simulation(
    simulation: &Simulation,
    parties: &[Party],
    limit: usize,
) -> anyhow::Result<()> {
    let mut out = output::Answer;
    let counted = output::counted(simulation.parties, "party", "parties");
    writeln!(out, "{counted} on {}. Nothing was written.", simulation.on)?;
    let side = |name: &str, side: &Side| {
        let dash = || "-".to_owned();
        format!(
            "{name}\t{}\t{}\t{}\t{}\t{}\t{}",
            side.version,
            side.pass,
            side.fail,
            side.needs_review,
            side.cost,
            side.left_after.clone().unwrap_or_else(dash)
        )
    };
    writeln!(
        out,
        "\tversion\tpass\tfail\tneeds review\tcost\tbudget left after it"
    )?;
    if let Some(current) = &simulation.current {
        writeln!(out, "{}", side("in force", current))?;
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
            let reasons: Vec<_> = change.reasons.iter().map(ToString::to_string).collect();
            writeln!(
                out,
                "  {name}\t{} {} -> {} {}\t{}",
                outcome_word(change.before),
                change.amount_before,
                outcome_word(change.after),
                change.amount_after,
                reasons.join(",")
            )?;
        }
    }
    Ok(())
}

/// What `policy eligibility` says of one programme.
#[derive(Serialize)]
struct Eligibility {
    programme: Code,
    version: Code,
    title: String,
    outcome: Outcome,
    amount: String,
    reasons: Vec<String>,
    missing: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trace: Vec<String>,
}

pub(super) async fn eligibility(
    global: &Global,
    args: EligibilityArgs,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.reader(global).await?;
        let on = args.on.unwrap_or_else(|| caller.command().today());
        let assumed = voucher::facts(&args.assumed, caller.zone.currency, on)?;
        let input = (caller.clone(), args.party.clone(), on, assumed);
        let found = session
            .database
            .read(
                caller.zone.id,
                input,
                |conn, (caller, name, on, assumed)| {
                    Box::pin(async move {
                        let (command, zone) = (caller.command(), &caller.zone);
                        let named = fact::party_named(conn, &command, name).await?;
                        let party = match named {
                            Some(id) => party::store::party(conn, zone.id, id).await?,
                            None => None,
                        };
                        let Some(party) = party else {
                            return Ok(None);
                        };
                        let found = screening::for_party(conn, zone, &party, *on, assumed).await?;
                        Ok::<_, ScreeningError>(Some((party, found)))
                    })
                },
            )
            .await?;
        let Some((party, found)) = found else {
            bail!(
                "no party {:?} in this zone: `party list` shows them",
                args.party
            );
        };
        let locale = args.lang.locale();
        let answers: Vec<Eligibility> = found
            .iter()
            .map(|one| Eligibility {
                programme: one.policy.code().clone(),
                version: one.policy.version().clone(),
                title: one.policy.title().get(locale).to_owned(),
                outcome: one.decision.outcome,
                amount: one.decision.amount.to_string(),
                reasons: one
                    .decision
                    .reasons
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                missing: one
                    .decision
                    .missing
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                nearest: nearest(&one.decision, &one.policy, locale),
                trace: if args.trace {
                    explain(&one.decision, &one.policy, locale)
                } else {
                    Vec::new()
                },
            })
            .collect();
        if global.json {
            output::json(&answers)?;
            return Ok(ExitCode::SUCCESS);
        }
        if answers.is_empty() {
            output::note("no policy is in force that day: `programme publish` publishes one");
        }
        let mut out = output::Answer;
        writeln!(out, "{} on {on}", party.name)?;
        for answer in &answers {
            writeln!(
                out,
                "{}\t{}\t{}\t{}\t{}",
                answer.programme,
                answer.title,
                outcome_word(answer.outcome),
                answer.amount,
                answer.reasons.join(",")
            )?;
            if let Some(nearest) = &answer.nearest {
                writeln!(out, "  {nearest}")?;
            }
            for sentence in &answer.trace {
                writeln!(out, "  {sentence}")?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
