//! Payments and the bank.

use super::super::command::{Booked, Command};
use super::super::model::Model;
use super::{Choice, Dice, Kind, cases};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (30, approve),
        (24, prepare),
        (34, release),
        (2, discard),
        (34, statement),
        (3, rejects),
        (30, returns),
    ]
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
    let ready = dice.is_wild() || model.payables.values().any(|one| one.state == "approved");
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

/// Instructions of which the bank has said nothing: batch, payable, amount.
fn sent(model: &Model) -> Vec<(usize, String, i64)> {
    let batches = model.batches.iter().enumerate();
    let lines = batches.flat_map(|(at, batch)| batch.lines.iter().map(move |line| (at, line)));
    let sent = lines.filter(|(_, line)| line.state == "sent");
    sent.map(|(at, line)| (at, line.payable.clone(), line.amount))
        .collect()
}

/// Instructions that the bank has paid: batch, payable, amount. Of those of which a part was paid back, if there are such: a
/// return is the most then.
fn paid(model: &Model) -> Vec<(usize, String, i64)> {
    let batches = model.batches.iter().enumerate();
    let lines = batches.flat_map(|(at, batch)| batch.lines.iter().map(move |line| (at, line)));
    let paid = lines.filter(|(_, line)| line.state == "paid");
    let mut paid: Vec<_> = paid
        .map(|(at, line)| (at, line.payable.clone(), line.amount))
        .collect();
    let in_part = |payable: &str| {
        let mut asked = model.recoveries.iter();
        asked.any(|one| one.payable == payable && one.open > 0 && one.received + one.set_off > 0)
    };
    if paid.iter().any(|(_, payable, _)| in_part(payable)) {
        paid.retain(|(_, payable, _)| in_part(payable));
    }
    paid
}

/// Some of what was sent is booked, and some money comes: for a recovery, or a payment as a whole.
fn statement(model: &Model, dice: &Dice) -> Vec<Choice> {
    let sent = sent(model).into_iter();
    let mut lines: Vec<Booked> = sent
        .map(|(at, payable, fen)| Booked::Pays(at, payable, fen))
        .collect();
    if dice.amount.is_multiple_of(3) {
        lines.truncate(1);
    }
    let open = model.recoveries.iter().map(|one| one.open);
    if let Some(open) = open.filter(|open| *open > 0).min() {
        lines.push(Booked::Comes(dice.part_of(open)));
    }
    if dice.amount.is_multiple_of(3) {
        let paid = paid(model);
        let back = Dice::pick(dice.amount / 3, &paid).map(|(.., fen)| Booked::Comes(*fen));
        lines.extend(back);
    }
    if lines.is_empty() {
        return Vec::new();
    }
    let opening = model.at_bank + i64::from(dice.is_wild());
    vec![(
        vec!["cashier", "cashier2"],
        Command::Statement { opening, lines },
    )]
}

fn rejects(model: &Model, dice: &Dice) -> Vec<Choice> {
    let batches = model.batches.iter().enumerate();
    let all = batches.flat_map(|(at, batch)| batch.lines.iter().map(move |line| (at, line)));
    let its = all.filter(|(_, line)| dice.is_wild() || line.state == "sent");
    let rejects =
        |(batch, line): (usize, &super::super::model::Instruction)| Command::BankRejects {
            batch,
            payable: line.payable.clone(),
            fen: line.amount,
        };
    its.map(|line| (vec!["cashier"], rejects(line))).collect()
}

/// A credit that is as much as an instruction that was paid; or any two.
fn returns(model: &Model, dice: &Dice) -> Vec<Choice> {
    let mut options = Vec::new();
    for one in &model.bank_lines {
        for (batch, payable, fen) in paid(model) {
            let fits = one.amount == fen && !one.is_matched;
            if fits || dice.is_wild() {
                let command = Command::Return {
                    batch,
                    payable,
                    file: one.file,
                    line: one.number,
                };
                options.push((vec!["cashier", "cashier2", "all"], command));
            }
        }
    }
    options
}
