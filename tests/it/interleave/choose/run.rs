//! Awards without application, and awards of the past.

use chrono::{Datelike as _, Days};

use super::super::command::{Command, PastAward};
use super::super::model::Model;
use super::super::office::{NAMED, NOTICED, SH, YH};
use super::{Choice, Dice, Kind, cases};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (1, propose_run),
        (6, approve_run),
        (8, carry_out),
        (1, past_awards),
    ]
}

fn propose_run(model: &Model, dice: &Dice) -> Vec<Choice> {
    let before = model.today - Days::new(u64::from(dice.amount % 3));
    let after = model.today + Days::new(u64::from(dice.amount % 500));
    let (programme, day) = match (dice.is_wild(), dice.is_even()) {
        (true, true) => (SH, before),
        (true, false) => (YH, after),
        (false, _) => (YH, before),
    };
    let fen = dice.price() / 3 + 1;
    let propose = Command::ProposeRun {
        programme,
        fen,
        day,
    };
    let waiting = model.runs.iter().filter(|run| run.approved.is_none());
    let option = (vec!["reviewer", "reviewer2", "all"], propose);
    (waiting.count() < 2)
        .then_some(option)
        .into_iter()
        .collect()
}

fn approve_run(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waiting = cases(dice, &model.runs, |one| one.approved.is_none());
    let persons = || vec!["manager", "manager2", "all"];
    let approve = |run| Command::ApproveRun { run };
    waiting
        .into_iter()
        .map(|at| (persons(), approve(at)))
        .collect()
}

fn carry_out(model: &Model, dice: &Dice) -> Vec<Choice> {
    let open = cases(dice, &model.runs, |one| {
        let is_open = one.results.len() < one.list.len() && one.day.year() == model.today.year();
        is_open && one.approved.is_some()
    });
    let part = 1 + u32::from(dice.amount % 2);
    let carry_out = |run| Command::CarryOut { run, part };
    let persons = || vec!["manager", "manager2", "system", "all"];
    open.into_iter()
        .map(|at| (persons(), carry_out(at)))
        .collect()
}

/// The list as it was, with one row more, or one otherwise, or one gone.
fn past_awards(model: &Model, dice: &Dice) -> Vec<Choice> {
    let stand = model.past.iter().filter(|one| one.reversed.is_none());
    let mut rows: Vec<PastAward> = stand.map(|one| one.row.clone()).collect();
    rows.sort_by_key(|row| row.id);
    let one = usize::from(dice.case).checked_rem(rows.len());
    match (dice.amount % 5, one) {
        (0, Some(at)) => rows[at].yuan = dice.price() / 100,
        (1, Some(at)) => drop(rows.remove(at)),
        (2, Some(at)) => rows[at].party = dice.one_of(NAMED),
        _ => rows.push(PastAward {
            id: 1 + u32::try_from(model.past.len()).unwrap(),
            party: dice.one_of(NAMED),
            programme: dice.one_of(&[SH, NOTICED]),
            year: 2019 + i32::from(dice.is_even()),
            yuan: dice.price() / 100,
        }),
    }
    let correct = !dice.case.is_multiple_of(4);
    let import = Command::PastAwards { rows, correct };
    let is_empty = matches!(&import, Command::PastAwards { rows, .. } if rows.is_empty());
    let option = (vec!["manager", "system", "all"], import);
    (!is_empty).then_some(option).into_iter().collect()
}
