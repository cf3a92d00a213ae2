//! Versions of rules.

use chrono::Days;

use super::super::command::{Command, Pack};
use super::super::model::{Model, Version};
use super::{Choice, Dice, Kind, entries};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![(1, propose), (5, publish), (1, withdraw)]
}

const fn waits(one: &Version) -> bool {
    one.published.is_none() && one.withdrawn.is_none()
}

/// Most begin on a day to come, some on a past one; now and then one is proposed again.
fn propose(model: &Model, dice: &Dice) -> Vec<Choice> {
    let days = Days::new(u64::from(1 + dice.amount % 9));
    let from = match dice.amount % 3 {
        0 => model.today - days,
        _ => model.today + days,
    };
    let new = Pack {
        version: model.versions.len() + 2,
        from,
        one_in: dice.one_of(&[3, 4, 5]),
    };
    let again = Dice::pick(dice.case, &model.versions).filter(|_| dice.amount.is_multiple_of(4));
    let pack = again.map_or(new, |one| one.pack.clone());
    let option = (vec!["rules", "all"], Command::ProposePack { pack });
    let waiting = model.versions.iter().filter(|one| waits(one));
    (waiting.count() < 2 || dice.is_wild())
        .then_some(option)
        .into_iter()
        .collect()
}

fn publish(model: &Model, dice: &Dice) -> Vec<Choice> {
    let versions = model.versions.iter();
    let its = versions.filter(|one| dice.is_wild() || waits(one));
    let publish = |one: &Version| {
        let is_forgotten = one.pack.from < model.today && dice.amount.is_multiple_of(4);
        Command::PublishPack {
            pack: one.pack.clone(),
            retroactive: one.pack.from <= model.today && !is_forgotten,
        }
    };
    its.map(|one| (vec!["manager", "manager2", "all"], publish(one)))
        .collect()
}

fn withdraw(model: &Model, dice: &Dice) -> Vec<Choice> {
    let its = entries(dice, &model.versions, |one| one.entry, waits);
    let withdraw = |entry| Command::WithdrawPack { entry };
    its.into_iter()
        .map(|entry| (vec!["rules", "manager", "all"], withdraw(entry)))
        .collect()
}
