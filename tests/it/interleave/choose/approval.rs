//! Levels, recusals, delegations.

use chrono::Days;
use subsidy_ledger::identity::Role::{self, Finance, Manager, Reviewer};

use super::super::command::Command;
use super::super::model::Model;
use super::super::office::{LEVELS, PARTIES, Who};
use super::{Choice, Dice, Kind, entries};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (1, propose_levels),
        (8, confirm_levels),
        (1, recuse),
        (3, lift),
        (2, delegate),
        (1, revoke),
    ]
}

/// Sets other than the one that was confirmed last, so that levels change while claims are between two.
fn propose_levels(model: &Model, dice: &Dice) -> Vec<Choice> {
    let sets = 0..LEVELS.len();
    let waits = |set: &usize| {
        let mut waiting = model.levels.iter();
        waiting.any(|one| one.set == *set && one.confirmed.is_none())
    };
    let persons = || vec!["rules", "manager", "manager2", "all"];
    sets.filter(|set| dice.is_wild() || !waits(set))
        .map(|set| (persons(), Command::ProposeLevels { set }))
        .collect()
}

fn confirm_levels(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waiting = entries(
        dice,
        &model.levels,
        |one| one.entry,
        |one| one.confirmed.is_none(),
    );
    let persons = || vec!["manager", "manager2", "all"];
    let confirm = |entry| Command::ConfirmLevels { entry };
    waiting
        .into_iter()
        .map(|entry| (persons(), confirm(entry)))
        .collect()
}

/// Those whose absence is felt, but never everybody of a duty.
fn recuse(_: &Model, dice: &Dice) -> Vec<Choice> {
    let person = dice.one_of(&["manager", "reviewer", "finance", "cashier", "manager2"]);
    let recuse = |party: &&'static str| Command::Recuse { person, party };
    PARTIES
        .iter()
        .map(|party| (vec![person, person, "manager"], recuse(party)))
        .collect()
}

fn lift(model: &Model, dice: &Dice) -> Vec<Choice> {
    let hold = entries(dice, &model.recusals, |one| one.entry, |one| !one.is_lifted);
    let lift = |entry| Command::LiftRecusal { entry };
    hold.into_iter()
        .map(|entry| (vec!["manager", "manager2", "all"], lift(entry)))
        .collect()
}

/// To somebody without the duty, or with it; from yesterday or tomorrow on, for some days.
fn delegate(model: &Model, dice: &Dice) -> Vec<Choice> {
    let first = model.today + Days::new(u64::from(dice.amount % 3)) - Days::new(1);
    let last = first + Days::new(u64::from(dice.amount % 90));
    let to = |role: Role| -> Vec<Who> {
        match role {
            _ if dice.is_wild() => vec!["f", "manager", "all"],
            Manager => vec!["cashier2", "finance", "reviewer2"],
            _ => vec!["manager2", "cashier", "reviewer2"],
        }
    };
    let persons = |role: Role| match role {
        Manager => vec!["manager", "manager2", "manager"],
        Finance => vec!["finance", "finance2", "all"],
        _ => vec!["reviewer"],
    };
    let duties = if dice.is_wild() {
        vec![Manager, Reviewer]
    } else {
        vec![Manager, Finance]
    };
    let delegate = |role: Role| {
        let to = dice.one_of(&to(role));
        Command::Delegate {
            to,
            role,
            first,
            last,
        }
    };
    duties
        .into_iter()
        .map(|role| (persons(role), delegate(role)))
        .collect()
}

fn revoke(model: &Model, dice: &Dice) -> Vec<Choice> {
    let hold = entries(
        dice,
        &model.delegations,
        |one| one.entry,
        |one| !one.is_revoked && one.last >= model.today,
    );
    let revoke = |entry| Command::RevokeDelegation { entry };
    hold.into_iter()
        .map(|entry| (vec!["manager", "finance", "manager2"], revoke(entry)))
        .collect()
}

/// Who may take the next level of a claim, by its duty, most often without a hand in it before, and some who may not.
pub(super) fn approvers(model: &Model, dice: &Dice, claim: usize) -> Vec<Who> {
    let claim = model.claims.get(claim);
    let duty = claim.map_or(Manager, |one| model.next_duty(one));
    let mut persons = match duty {
        Finance => vec!["finance", "finance2", "all"],
        _ => vec!["manager", "manager2", "all"],
    };
    let delegates: Vec<Who> = model.delegates(duty).collect();
    persons.extend(delegates.repeat(3));
    if let Some(claim) = claim.filter(|_| !dice.amount.is_multiple_of(4)) {
        let hands: Vec<Who> = claim.hands().collect();
        persons.retain(|person| !hands.contains(person));
    }
    if dice.amount.is_multiple_of(4) || persons.is_empty() {
        persons.extend(["manager", "finance"]);
        // Among them those to whom it was delegated, but is not today.
        let ever = model.delegations.iter().filter(|one| one.role == duty);
        persons.extend(ever.map(|one| one.delegate));
    }
    persons
}
