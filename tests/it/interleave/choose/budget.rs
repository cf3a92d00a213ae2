//! Budgets, exclusions, the end of a year.

use chrono::{Datelike as _, Days, Months, NaiveDate};

use super::super::command::Command;
use super::super::model::{Model, Subject};
use super::super::office::{PARTIES, PROGRAMMES};
use super::bank::sent_on;
use super::{Choice, Dice, Kind, entries};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (2, appropriate),
        (3, allocate),
        (1, transfer),
        (3, decide_transfer),
        // Rare beside all else, and to last: a claim is to meet one.
        (2, freeze),
        (2, thaw),
        (1, exclude),
        (3, decide_exclusion),
        (1, lift),
        (1, set_rule),
        (8, propose_close),
        (16, decide_period),
        (2, reopen),
        (1, close_days),
        (1, reverse),
        (6, wind_up),
    ]
}

fn appropriate(model: &Model, dice: &Dice) -> Vec<Choice> {
    let year = model.today.year() - i32::from(dice.is_wild());
    let fen = dice.price();
    vec![(
        vec!["finance", "finance2"],
        Command::Appropriate { year, fen },
    )]
}

fn allocate(model: &Model, dice: &Dice) -> Vec<Choice> {
    let year = model.today.year() - i32::from(dice.is_wild());
    let (programme, fen) = (dice.one_of(&PROGRAMMES), dice.price() / 2 + 1);
    let command = Command::Allocate {
        programme,
        year,
        fen,
    };
    vec![(vec!["finance"], command)]
}

fn transfer(model: &Model, dice: &Dice) -> Vec<Choice> {
    let year = model.today.year();
    let both = PROGRAMMES
        .iter()
        .flat_map(|from| PROGRAMMES.map(|to| (*from, to)));
    let both = both.filter(|(from, to)| dice.is_wild() || from != to);
    let propose = |(from, to)| Command::ProposeTransfer {
        from,
        to,
        year,
        fen: dice.price() / 3 + 1,
    };
    both.map(|both| (vec!["finance", "finance2", "all"], propose(both)))
        .collect()
}

fn decide_transfer(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waiting = entries(
        dice,
        &model.transfers,
        |one| one.entry,
        |one| one.outcome.is_none(),
    );
    let decide = |entry| {
        if dice.amount.is_multiple_of(5) {
            Command::RejectTransfer { entry }
        } else {
            Command::ApproveTransfer { entry }
        }
    };
    let persons = || vec!["manager", "finance", "finance2", "all"];
    waiting
        .into_iter()
        .map(|entry| (persons(), decide(entry)))
        .collect()
}

fn freeze(model: &Model, dice: &Dice) -> Vec<Choice> {
    let command = Command::FreezeBudget {
        programme: dice.one_of(&PROGRAMMES),
        year: model.today.year(),
    };
    vec![(vec!["finance", "manager"], command)]
}

fn thaw(model: &Model, dice: &Dice) -> Vec<Choice> {
    let frozen = model.frozen.iter().map(|line| (line.programme, line.year));
    let any = dice
        .is_wild()
        .then_some((PROGRAMMES[0], model.today.year()));
    let thaw = |(programme, year)| Command::ThawBudget { programme, year };
    let all = frozen.chain(any);
    all.map(|line| (vec!["finance", "manager"], thaw(line)))
        .collect()
}

fn exclude(model: &Model, dice: &Dice) -> Vec<Choice> {
    let first = model.today - Days::new(u64::from(dice.amount % 3));
    let last = first + Days::new(u64::from(dice.amount % 40));
    let exclude = |party: &&'static str| Command::Exclude { party, first, last };
    let persons = || vec!["reviewer", "manager", "finance", "all"];
    PARTIES
        .iter()
        .map(|party| (persons(), exclude(party)))
        .collect()
}

fn decide_exclusion(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waiting = entries(
        dice,
        &model.exclusions,
        |one| one.entry,
        |one| one.decided.is_none(),
    );
    let decide = |entry| {
        if dice.amount.is_multiple_of(4) {
            Command::RejectExclusion { entry }
        } else {
            Command::ConfirmExclusion { entry }
        }
    };
    let persons = || vec!["manager", "manager2", "finance", "all"];
    waiting
        .into_iter()
        .map(|entry| (persons(), decide(entry)))
        .collect()
}

fn lift(model: &Model, dice: &Dice) -> Vec<Choice> {
    let stands = entries(
        dice,
        &model.exclusions,
        |one| one.entry,
        |one| one.decided.is_some() && !one.is_lifted,
    );
    let persons = || vec!["manager", "manager2", "finance", "all"];
    let lift = |entry| Command::LiftExclusion { entry };
    stands
        .into_iter()
        .map(|entry| (persons(), lift(entry)))
        .collect()
}

fn set_rule(_: &Model, dice: &Dice) -> Vec<Choice> {
    let command = Command::SetRule {
        programme: dice.one_of(&PROGRAMMES),
        carry: dice.is_even(),
        end: dice.amount.is_multiple_of(3),
    };
    vec![(vec!["finance", "manager"], command)]
}

fn propose_close(model: &Model, dice: &Dice) -> Vec<Choice> {
    let year = model.today.year();
    let first = 2020 - i32::from(dice.is_wild());
    let last = year - i32::from(!dice.is_wild());
    let open = (first..=last).filter(|year| dice.is_wild() || !model.is_closed(*year));
    let propose = |year| Command::ProposeClose { year };
    open.map(|year| (vec!["finance", "all"], propose(year)))
        .collect()
}

fn decide_period(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waiting = entries(
        dice,
        &model.proposals,
        |one| one.entry,
        |one| one.outcome.is_none(),
    );
    let decide = |entry| {
        if dice.amount.is_multiple_of(4) {
            Command::RejectPeriod { entry }
        } else {
            Command::ConfirmPeriod { entry }
        }
    };
    let persons = || vec!["manager", "finance2", "all", "finance"];
    waiting
        .into_iter()
        .map(|entry| (persons(), decide(entry)))
        .collect()
}

fn reopen(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waits = |closing: i64| {
        let mut proposals = model.proposals.iter();
        proposals.any(|one| {
            one.outcome.is_none() && matches!(one.subject, Subject::Reopen(its) if its == closing)
        })
    };
    let closed = entries(
        dice,
        &model.closings,
        |one| one.entry,
        |one| one.stands && !waits(one.entry),
    );
    let reopen = |closing| Command::ProposeReopening { closing };
    closed
        .into_iter()
        .map(|entry| (vec!["finance", "all"], reopen(entry)))
        .collect()
}

fn wind_up(model: &Model, dice: &Dice) -> Vec<Choice> {
    let year = model.today.year() - i32::from(!dice.is_wild());
    let ends = PROGRAMMES.iter().filter(|programme| {
        let rule = model.rules.get(*programme).copied().unwrap_or_default();
        dice.is_wild() || (rule.end && year >= 2020)
    });
    let wind_up = |programme: &&'static str| Command::WindUp { programme, year };
    ends.map(|programme| (vec!["manager"], wind_up(programme)))
        .collect()
}

/// Days that are over: last days of months, and days since something was sent to the bank. What is booked on them comes late
/// then.
fn close_days(model: &Model, dice: &Dice) -> Vec<Choice> {
    let today = model.today;
    let first_of_month = today - Days::new(u64::from(today.day0()));
    let months = (0..5).map(|months| first_of_month - Months::new(months));
    let sent = sent_on(model).filter(|day| *day < today);
    let sent: Vec<NaiveDate> = sent.map(|day| day + Days::new(1)).collect();
    if sent.is_empty() && !dice.is_wild() && !dice.who.is_multiple_of(3) {
        return Vec::new();
    }
    let yesterday = today - Days::new(u64::from(dice.amount % 3));
    let until = months.chain([yesterday]).chain(sent.repeat(4));
    let wild = Days::new(u64::from(dice.is_wild()));
    let close = |until: NaiveDate| Command::ClosePeriod {
        from: until - Days::new(dice.one_of(&[1, 1, 2, 35])),
        until: until + wild,
    };
    until
        .map(|until| (vec!["finance", "finance2"], close(until)))
        .collect()
}

/// What was given at first is spent most often; what was undone is not undone again.
fn reverse(model: &Model, dice: &Dice) -> Vec<Choice> {
    let later = model.funded.iter().skip(if dice.is_wild() { 0 } else { 5 });
    let stands = later.filter(|(_, one)| !one.is_reversed || dice.amount.is_multiple_of(3));
    let any = dice
        .is_wild()
        .then_some(i64::from(dice.amount) % (model.size + 3));
    let reverse = |entry| Command::Reverse { entry };
    let entries = stands.map(|(entry, _)| *entry).chain(any);
    entries
        .map(|entry| (vec!["finance", "finance2"], reverse(entry)))
        .collect()
}
