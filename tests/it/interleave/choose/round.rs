//! Claims that are decided in rounds.

use chrono::Datelike as _;

use super::super::command::{Command, Content};
use super::super::model::{Claim, Model, ranks};
use super::super::office::{HALF, RANKED, SHARED};
use super::claim::own;
use super::{Choice, Dice, Kind};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![(3, draft), (16, rank)]
}

fn draft(_: &Model, dice: &Dice) -> Vec<Choice> {
    let mut options = Vec::new();
    for programme in [SHARED, RANKED] {
        for party in ["f", "g", "p", "c"] {
            let content = Content::Stated(dice.price());
            let command = Command::Draft {
                programme,
                party,
                content,
            };
            options.push((own(party), command));
        }
    }
    options
}

/// Once several wait, most often; at times before all are there, or once more.
fn rank(model: &Model, dice: &Dice) -> Vec<Choice> {
    let of = |programme: &&'static str| {
        let claims = model
            .claims
            .iter()
            .filter(|one| one.programme == *programme);
        let waits = |one: &&Claim| ["recommended", "noticed"].contains(&one.state);
        let on_the_way = |one: &Claim| match one.state {
            "submitted" | "objected" => true,
            "recommended" => *programme == RANKED,
            "noticed" => model.is_shown(one),
            _ => false,
        };
        let year = model.today.year();
        let mut rounds = model.rounds.iter();
        let is_closed = rounds.any(|one| (one.programme, one.year) == (*programme, year));
        let is_early = claims.clone().any(on_the_way) || is_closed;
        let waiting = claims.filter(waits).count();
        let is_time = !is_early || dice.amount.is_multiple_of(8);
        dice.is_wild() || (ranks(programme) && waiting > usize::from(dice.is_even()) && is_time)
    };
    let any = [SHARED, RANKED, HALF].into_iter().filter(of);
    let persons = || vec!["manager", "manager2", "manager", "all"];
    any.map(|programme| (persons(), Command::Rank { programme }))
        .collect()
}
