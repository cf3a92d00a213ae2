//! Facts of parties.

use chrono::Days;

use super::super::command::Command;
use super::super::model::{Model, Statement};
use super::super::office::{PARTIES, Who};
use super::claim::own;
use super::{Choice, Dice, Kind, entries};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (1, listed),
        (1, state_incident),
        (1, propose_level),
        (5, confirm_level),
    ]
}

/// Of the past days; now and then one to come.
fn from(model: &Model, dice: &Dice) -> chrono::NaiveDate {
    let days = Days::new(u64::from(dice.amount % 11));
    let stated: Vec<&Statement> = model.statements.iter().collect();
    match Dice::pick(dice.case, &stated) {
        _ if dice.is_wild() => model.today + days,
        Some(one) if dice.amount.is_multiple_of(3) => one.from,
        _ => model.today - days,
    }
}

fn until(model: &Model, dice: &Dice) -> Option<chrono::NaiveDate> {
    let last = model.today + Days::new(u64::from(1 + dice.amount % 40));
    dice.is_even()
        .then_some(last.max(from(model, dice) + Days::new(1)))
}

fn correct(dice: &Dice) -> bool {
    dice.case.is_multiple_of(2)
}

/// Rows of firms, whose vouchers depend on it; most of them clear them.
fn listed(model: &Model, dice: &Dice) -> Vec<Choice> {
    let listed = dice.case.is_multiple_of(3);
    let rows = match dice.amount % 3 {
        0 => vec![("f", listed)],
        1 => vec![("g", listed)],
        _ => vec![("f", listed), ("g", false)],
    };
    let command = Command::Listed {
        rows,
        from: from(model, dice),
        correct: correct(dice),
    };
    vec![(vec!["reviewer", "manager", "system", "all"], command)]
}

fn state_incident(model: &Model, dice: &Dice) -> Vec<Choice> {
    let state = |party: &'static str, verified| Command::StateIncident {
        party,
        verified,
        incident: dice.case.is_multiple_of(3),
        from: from(model, dice),
        until: until(model, dice),
        correct: correct(dice),
    };
    let office: Vec<Who> = vec!["reviewer", "reviewer2", "all"];
    let verified = PARTIES
        .iter()
        .map(|party| (office.clone(), state(party, true)));
    let declared = PARTIES
        .iter()
        .map(|party| (own(party), state(party, false)));
    verified.chain(declared).collect()
}

fn propose_level(model: &Model, dice: &Dice) -> Vec<Choice> {
    let propose = |party: &&'static str| Command::ProposeLevel {
        party: Some(party),
        level: dice.one_of(&["municipal", "district", "municipal"]),
        from: from(model, dice),
        until: until(model, dice),
    };
    let persons = || vec!["reviewer", "manager", "reviewer2", "all"];
    PARTIES
        .iter()
        .map(|party| (persons(), propose(party)))
        .collect()
}

fn confirm_level(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waiting = entries(
        dice,
        &model.determinations,
        |one| one.statement.entry,
        |one| one.confirmed.is_none(),
    );
    let persons = || vec!["manager", "manager2", "all"];
    waiting
        .into_iter()
        .map(|entry| (persons(), Command::ConfirmLevel { entry }))
        .collect()
}
