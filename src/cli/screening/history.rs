//! `policy simulate --history`: recorded decisions, made again by a draft.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;

use super::{Run, SimulateArgs, joined, outcome_word, parties};
use crate::cli::policy::MomentArg;
use crate::cli::session::Session;
use crate::cli::{Global, output};
use crate::party::Party;
use crate::screening::{CaseChange, Count, History, OfMoment, OfYear, Rerun, Span};
use crate::types::{Day, PartyId};

pub(super) async fn simulate(
    session: &Session,
    global: &Global,
    run: Run,
    args: &SimulateArgs,
) -> anyhow::Result<ExitCode> {
    let span = Span {
        from: args.from.map(Day::date),
        until: args.until.map(Day::date),
    };
    if let (Some(from), Some(until)) = (span.from, span.until)
        && until < from
    {
        bail!("--from {from} is after --until {until}: no day is in between");
    }
    let zone = run.zone.clone();
    let moment = args.question.moment.map(MomentArg::moment);
    run.bar.set_message("decisions made again");
    let limit = usize::try_from(args.limit)?;
    let rerun = Rerun::new(&zone, &run.policy, span, moment, limit)?;
    let history = rerun.run(&session.database, &zone, &run.told()).await?;
    run.bar.finish_and_clear();
    if global.json {
        output::json(&history)?;
        return Ok(ExitCode::SUCCESS);
    }
    let changes = history.moments.iter();
    let changes = changes.flat_map(|of| of.gains.iter().chain(&of.losses));
    let mut ids: Vec<PartyId> = changes.filter_map(|change| change.party).collect();
    ids.sort_unstable();
    ids.dedup();
    let parties = parties(session, &zone, ids).await?;
    print(&history, &parties)?;
    Ok(ExitCode::SUCCESS)
}

fn print(history: &History, parties: &[Party]) -> anyhow::Result<()> {
    let mut out = output::Answer;
    let day = |day: Option<chrono::NaiveDate>, none: &str| {
        day.map_or_else(|| none.to_owned(), |day| day.to_string())
    };
    writeln!(
        out,
        "{} of {}, from {} to {}, made again by version {}. Nothing was written.",
        output::counted(history.decisions, "decision", "decisions"),
        history.programme,
        day(history.span.from, "the first"),
        day(history.span.until, "the last"),
        history.version
    )?;
    if history.lost > 0 {
        let lost = output::counted(history.lost, "decision", "decisions");
        writeln!(
            out,
            "{lost} can't be made again: `policy replay --all` says why."
        )?;
    }
    writeln!(out, "\t\tcases\tpass\tfail\tneeds review\tamount")?;
    let line = |name: &str, moment: &str, cases: u64, count: &Count| {
        format!(
            "{moment}\t{name}\t{cases}\t{}\t{}\t{}\t{}",
            count.pass,
            count.fail,
            count.needs_review,
            output::grouped(&count.amount)
        )
    };
    for of in &history.moments {
        let moment = of.moment.word();
        writeln!(out, "{}", line("as decided", moment, of.cases, &of.before))?;
        writeln!(out, "{}", line("by the draft", moment, of.cases, &of.after))?;
    }
    for year in &history.years {
        print_year(&mut out, year)?;
    }
    for of in &history.moments {
        print_moment(&mut out, of, parties)?;
    }
    Ok(())
}

fn print_year(out: &mut impl Write, year: &OfYear) -> anyhow::Result<()> {
    let [given, by_draft] =
        [&year.given, &year.given_by_draft].map(|amount| output::grouped(amount));
    let [left, left_by_draft] =
        [&year.budget_left, &year.left_by_draft].map(|amount| output::grouped(amount));
    writeln!(
        out,
        "{}: given {given}, by the draft {by_draft}; left {left}, by the draft {left_by_draft}",
        year.year
    )?;
    if year.not_given > 0 {
        let cases = output::counted(year.not_given, "case", "cases");
        let [was, is] = [&year.passed_in_vain, &year.passed_in_vain_by_draft]
            .map(|amount| output::grouped(amount));
        writeln!(
            out,
            "{}: {cases} passed and were given nothing, since the budget was used up, for another reason or not yet: \
             {was}, by the draft {is}",
            year.year
        )?;
    }
    Ok(())
}

fn print_moment(out: &mut impl Write, of: &OfMoment, parties: &[Party]) -> anyhow::Result<()> {
    let moment = of.moment.word();
    if of.undecided > 0 {
        let cases = output::counted(of.undecided, "case", "cases");
        let facts = of.missing.iter();
        let facts: Vec<_> = facts
            .map(|(fact, cases)| format!("{fact} ({cases})"))
            .collect();
        writeln!(
            out,
            "{moment}: {cases} can't be decided by the draft, for want of {}",
            facts.join(", ")
        )?;
    }
    for (member, cases) in &of.uncounted {
        let cases = output::counted(cases, "case", "cases");
        writeln!(
            out,
            "{moment}: {member} was not counted in {cases}, and is taken for nothing"
        )?;
    }
    let kinds = [("gain", of.gain, &of.gains), ("lose", of.lose, &of.losses)];
    for (word, count, changes) in kinds {
        let cases = output::counted(count, "case", "cases");
        writeln!(out, "{moment}: {cases} would {word}")?;
        for change in changes {
            writeln!(out, "  {}", told(change, parties))?;
        }
    }
    Ok(())
}

fn told(change: &CaseChange, parties: &[Party]) -> String {
    let party = parties.iter().find(|party| Some(party.id) == change.party);
    let name = party.map_or_else(String::new, |party| party.name.to_string());
    format!(
        "entry {}\t{}\t{name}\t{} {} {}\t-> {} {} {}",
        change.entry,
        change.on,
        outcome_word(change.before),
        output::grouped(&change.amount_before),
        joined(&change.reasons_before, ","),
        outcome_word(change.after),
        output::grouped(&change.amount_after),
        joined(&change.reasons, ",")
    )
}
