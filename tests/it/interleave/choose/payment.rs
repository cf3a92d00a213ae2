//! Payments.

use super::super::command::Command;
use super::super::model::{Model, Payable};
use super::{Choice, Dice, Kind, cases};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![(30, approve), (24, prepare), (34, release), (2, discard)]
}

/// Names of payables in a state, or any.
pub(super) fn payables(model: &Model, dice: &Dice, states: &[&str]) -> Vec<String> {
    let its = model.payables.iter();
    let its = its.filter(|(_, one)| dice.is_wild() || states.contains(&one.state));
    let unknown = dice.is_wild().then(|| "H99".to_owned());
    its.map(|(name, _)| name.clone()).chain(unknown).collect()
}

fn approve(model: &Model, dice: &Dice) -> Vec<Choice> {
    let owed = payables(model, dice, &["owed"]).into_iter();
    let approve = |payable| Command::ApprovePayable { payable };
    owed.map(|name| (vec!["finance", "finance2", "all"], approve(name)))
        .collect()
}

fn prepare(model: &Model, dice: &Dice) -> Vec<Choice> {
    let mut payables = model.payables.values();
    let can_go = |one: &Payable| one.state == "approved" && model.account_of(one.payee).is_some();
    let ready = dice.is_wild() || payables.any(can_go);
    let command = (vec!["cashier", "cashier2", "all"], Command::Prepare);
    ready.then_some(command).into_iter().collect()
}

fn release(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waiting = cases(dice, &model.batches, |one| one.state == "prepared");
    let release = |batch| Command::ReleaseBatch { batch };
    let persons = || vec!["cashier", "cashier2", "all"];
    waiting
        .into_iter()
        .map(|at| (persons(), release(at)))
        .collect()
}

fn discard(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waiting = cases(dice, &model.batches, |one| one.state == "prepared");
    let discard = |batch| Command::Discard { batch };
    waiting
        .into_iter()
        .map(|at| (vec!["cashier", "cashier2"], discard(at)))
        .collect()
}
