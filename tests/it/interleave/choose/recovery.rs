//! Money back.

use chrono::Days;

use super::super::command::Command;
use super::super::model::{Basis, Model, Recovery};
use super::payment::payables;
use super::{Choice, Dice, Kind, cases};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (16, propose),
        (26, order),
        (1, reject),
        (2, void),
        (34, receive),
        (26, offset),
        (2, plan),
        (6, propose_write_off),
        (12, approve_write_off),
        (1, reject_write_off),
    ]
}

/// Of a service now and then only what a lower price does not pay; of other things all. Most often of what is not asked back.
fn propose(model: &Model, dice: &Dice) -> Vec<Choice> {
    let propose = |payable: String| {
        let found = model.payables.get(&payable);
        let is_service = found.is_some_and(|one| matches!(one.basis, Basis::Service(_)));
        let is_part = is_service && !dice.amount.is_multiple_of(3);
        let corrected = is_part.then(|| dice.price() / dice.one_of(&[1, 3, 9]) + 1);
        Command::ProposeRecovery { payable, corrected }
    };
    let is_asked = |payable: &String| {
        let mut asked = model.recoveries.iter();
        asked.any(|one| one.payable == *payable && !["rejected", "void"].contains(&one.state()))
    };
    let persons = || vec!["reviewer", "manager", "finance", "all"];
    let paid = payables(model, dice, &["paid", "offset"]).into_iter();
    let paid = paid.filter(|name| !is_asked(name) || dice.amount.is_multiple_of(4));
    paid.map(|name| (persons(), propose(name))).collect()
}

fn in_state(model: &Model, dice: &Dice, state: &str) -> Vec<usize> {
    cases(dice, &model.recoveries, |one: &Recovery| {
        one.state() == state
    })
}

fn order(model: &Model, dice: &Dice) -> Vec<Choice> {
    let order = |recovery| Command::Order { recovery };
    let persons = || vec!["manager", "manager2", "finance2", "all"];
    let proposed = in_state(model, dice, "proposed").into_iter();
    proposed.map(|at| (persons(), order(at))).collect()
}

fn reject(model: &Model, dice: &Dice) -> Vec<Choice> {
    let reject = |recovery| Command::RejectRecovery { recovery };
    let proposed = in_state(model, dice, "proposed").into_iter();
    proposed
        .map(|at| (vec!["reviewer", "manager", "finance"], reject(at)))
        .collect()
}

fn void(model: &Model, dice: &Dice) -> Vec<Choice> {
    let void = |recovery| Command::Void { recovery };
    let open = in_state(model, dice, "open").into_iter();
    open.map(|at| (vec!["manager", "manager2", "finance2"], void(at)))
        .collect()
}

fn receive(model: &Model, dice: &Dice) -> Vec<Choice> {
    let lines = model.bank_lines.iter();
    let lines = lines.filter(|line| dice.is_wild() || (line.amount > 0 && !line.is_matched));
    let lines: Vec<_> = lines.collect();
    let receive = |(recovery, (file, line))| Command::Receive {
        recovery,
        file,
        line,
    };
    let open = in_state(model, dice, "open").into_iter();
    // A line is one receipt, so more than is open is tried now and then only.
    let most = |at: usize| {
        let one = model.recoveries.get(at);
        one.filter(|_| !dice.amount.is_multiple_of(5))
            .map_or(i64::MAX, |one| one.open)
    };
    let both = open.flat_map(|at| {
        let fitting = lines.iter().filter(move |line| line.amount <= most(at));
        fitting.map(move |line| (at, (line.file, line.number)))
    });
    both.map(|both| (vec!["cashier", "cashier2"], receive(both)))
        .collect()
}

fn offset(model: &Model, dice: &Dice) -> Vec<Choice> {
    let approved = payables(model, dice, &["approved"]);
    let mut options = Vec::new();
    for recovery in in_state(model, dice, "open") {
        for payable in &approved {
            let of = |name: &String| model.payables.get(name).map(|one| (one.payee, one.rest()));
            let party = model.recoveries.get(recovery).map(|one| one.party);
            let (payee, rest) = of(payable).unzip();
            if !dice.is_wild() && payee != party {
                continue;
            }
            let fen = dice.is_even().then(|| dice.part_of(rest.unwrap_or(1)));
            let payable = payable.clone();
            let command = Command::Offset {
                recovery,
                payable,
                fen,
            };
            options.push((vec!["finance", "finance2", "cashier"], command));
        }
    }
    options
}

fn plan(model: &Model, dice: &Dice) -> Vec<Choice> {
    let plan = |recovery| Command::Plan {
        recovery,
        count: dice.one_of(&[1, 2, 3]),
        first: model.today + Days::new(10) - Days::new(11 * u64::from(dice.is_wild())),
    };
    let open = in_state(model, dice, "open").into_iter();
    open.map(|at| (vec!["finance", "finance2"], plan(at)))
        .collect()
}

fn propose_write_off(model: &Model, dice: &Dice) -> Vec<Choice> {
    let propose = |recovery| Command::ProposeWriteOff { recovery };
    let open = in_state(model, dice, "open").into_iter();
    open.map(|at| (vec!["finance", "finance2", "all"], propose(at)))
        .collect()
}

/// Write-offs that wait, with their entries; or another entry.
fn waiting(model: &Model, dice: &Dice) -> Vec<(usize, i64)> {
    let waiting = cases(dice, &model.recoveries, |one| one.write_off.is_some());
    let write_off = |at: usize| model.recoveries.get(at).and_then(|one| one.write_off);
    let waiting = waiting.into_iter();
    waiting
        .map(|at| (at, write_off(at).map_or(1, |(entry, ..)| entry)))
        .collect()
}

fn approve_write_off(model: &Model, dice: &Dice) -> Vec<Choice> {
    let approve = |(recovery, entry)| Command::ApproveWriteOff { recovery, entry };
    let waiting = waiting(model, dice).into_iter();
    waiting
        .map(|one| (vec!["manager", "manager2", "all"], approve(one)))
        .collect()
}

fn reject_write_off(model: &Model, dice: &Dice) -> Vec<Choice> {
    let reject = |(recovery, entry)| Command::RejectWriteOff { recovery, entry };
    let waiting = waiting(model, dice).into_iter();
    waiting
        .map(|one| (vec!["manager", "finance"], reject(one)))
        .collect()
}
