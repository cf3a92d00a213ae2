//! Contracts of purchased services, and claims of what was delivered.

use super::super::command::{Command, Content};
use super::super::model::{Contract, Model};
use super::super::office::{BUY, HALF};
use super::{Choice, Dice, Kind, cases};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (1, propose),
        (8, confirm),
        (1, reject),
        (3, end),
        (8, confirm_end),
        (3, reject_end),
        (5, draft),
    ]
}

fn propose(model: &Model, dice: &Dice) -> Vec<Choice> {
    let part = dice.one_of(&[3_000_00, 12_000_00, 20_000_00, 1_234_56]);
    let parts = vec![part; usize::from(dice.amount % 3) + 1];
    let reference = match model.contracts.len() {
        _ if dice.amount.is_multiple_of(4) => "k-0",
        0 => "K-0",
        1 => "K-1",
        2 => "K-2",
        _ => "K-3",
    };
    let parties: [(&'static str, &'static str); 2] = if dice.is_wild() {
        [(HALF, "p"), (BUY, "f")]
    } else {
        [(BUY, "p"), (BUY, "p")]
    };
    let propose = |(programme, provider)| Command::ProposeContract {
        programme,
        provider,
        reference,
        parts: parts.clone(),
    };
    let persons = || vec!["manager", "finance", "manager2", "all"];
    parties
        .into_iter()
        .map(|of| (persons(), propose(of)))
        .collect()
}

fn in_state(model: &Model, dice: &Dice, state: &str) -> Vec<usize> {
    cases(dice, &model.contracts, |one: &Contract| {
        one.state() == state
    })
}

fn confirm(model: &Model, dice: &Dice) -> Vec<Choice> {
    let confirm = |contract| Command::ConfirmContract { contract };
    let persons = || vec!["manager", "finance", "finance2", "all"];
    let waiting = in_state(model, dice, "proposed").into_iter();
    waiting.map(|at| (persons(), confirm(at))).collect()
}

fn reject(model: &Model, dice: &Dice) -> Vec<Choice> {
    let reject = |contract| Command::RejectContract { contract };
    let waiting = in_state(model, dice, "proposed").into_iter();
    waiting
        .map(|at| (vec!["manager", "finance2"], reject(at)))
        .collect()
}

fn end(model: &Model, dice: &Dice) -> Vec<Choice> {
    let end = |contract| Command::EndContract { contract };
    let in_force = in_state(model, dice, "in force").into_iter();
    in_force
        .map(|at| (vec!["manager", "finance", "all"], end(at)))
        .collect()
}

/// Endings that wait, with their entries; or another entry.
fn ending(model: &Model, dice: &Dice) -> Vec<(usize, i64)> {
    let waiting = cases(dice, &model.contracts, |one| one.waiting().is_some());
    let entry = |at: usize| Some(model.contracts.get(at)?.waiting()?.entry);
    let waiting = waiting.into_iter();
    waiting.map(|at| (at, entry(at).unwrap_or(1))).collect()
}

fn confirm_end(model: &Model, dice: &Dice) -> Vec<Choice> {
    let confirm = |(contract, entry)| Command::ConfirmEnd { contract, entry };
    let waiting = ending(model, dice).into_iter();
    waiting
        .map(|one| (vec!["manager2", "finance2", "all"], confirm(one)))
        .collect()
}

fn reject_end(model: &Model, dice: &Dice) -> Vec<Choice> {
    let reject = |(contract, entry)| Command::RejectEnd { contract, entry };
    let waiting = ending(model, dice).into_iter();
    waiting
        .map(|one| (vec!["manager", "finance"], reject(one)))
        .collect()
}

/// What was invoiced: for a milestone, if a contract is in force, most often.
pub(super) fn invoice(model: &Model, dice: &Dice) -> Content {
    let in_force = in_state(model, dice, "in force");
    let named = Dice::pick(dice.amount / 3, &in_force).map(|at| {
        let contract = model.contracts.get(*at);
        let parts = contract.map_or(1, |one| one.milestones.len());
        let most = parts + usize::from(dice.is_wild());
        let number = usize::from(dice.amount / 5) % most + 1;
        (*at, i16::try_from(number).unwrap())
    });
    let forgets = dice.amount.is_multiple_of(8);
    let fen = dice.one_of(&[3_000_00, 20_000_00, 11_000_00, 1_234_57]);
    Content::Invoice(fen, named.filter(|_| !forgets))
}

/// Most often while a contract is in force.
fn draft(model: &Model, dice: &Dice) -> Vec<Choice> {
    if in_state(model, dice, "in force").is_empty() && !dice.amount.is_multiple_of(4) {
        return Vec::new();
    }
    let draft = |party| Command::Draft {
        programme: BUY,
        party,
        content: invoice(model, dice),
    };
    let provider = (vec!["p", "p", "clerk"], draft("p"));
    let other = dice.is_wild().then(|| (vec!["f", "clerk"], draft("f")));
    [provider].into_iter().chain(other).collect()
}
