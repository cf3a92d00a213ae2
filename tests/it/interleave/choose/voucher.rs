//! Vouchers.

use super::super::command::Command;
use super::super::model::{Model, Voucher};
use super::super::office::{HALF, SH, YH};
use super::{Choice, Dice, Kind, cases};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (6, apply),
        (10, review),
        (14, issue),
        (18, hold),
        (22, redeem),
        (4, release),
        (3, expire),
        (2, cancel),
        (1, freeze),
        (3, thaw),
        (1, expiry_job),
    ]
}

fn apply(_: &Model, dice: &Dice) -> Vec<Choice> {
    let programmes = if dice.is_wild() {
        vec![HALF]
    } else {
        vec![SH, YH]
    };
    let mut options = Vec::new();
    for programme in programmes {
        for (party, persons) in [
            ("f", vec!["f", "f2", "clerk", "all"]),
            ("g", vec!["g", "clerk"]),
            ("p", vec!["clerk", "manager"]),
        ] {
            let fen = dice.price();
            let command = Command::Apply {
                programme,
                party,
                fen,
            };
            options.push((persons, command));
        }
    }
    options
}

fn review(model: &Model, dice: &Dice) -> Vec<Choice> {
    let applied = cases(dice, &model.vouchers, |one| one.state == "applied");
    let review = |voucher| Command::ReviewVoucher { voucher };
    let persons = || vec!["reviewer", "reviewer2", "reviewer", "all"];
    applied
        .into_iter()
        .map(|at| (persons(), review(at)))
        .collect()
}

fn issue(model: &Model, dice: &Dice) -> Vec<Choice> {
    let recommended = cases(dice, &model.vouchers, |one| one.state == "recommended");
    let issue = |voucher| Command::Issue { voucher };
    let persons = || vec!["manager", "manager2", "all"];
    recommended
        .into_iter()
        .map(|at| (persons(), issue(at)))
        .collect()
}

/// Issued vouchers with something free, or held as well.
fn with_value(model: &Model, dice: &Dice, also_held: bool) -> Vec<usize> {
    cases(dice, &model.vouchers, |one: &Voucher| {
        let face = one.face.as_ref();
        face.is_some_and(|face| face.free > 0 || (also_held && face.held > 0))
    })
}

fn hold(model: &Model, dice: &Dice) -> Vec<Choice> {
    let hold = |voucher| Command::Hold {
        voucher,
        provider: if dice.odd().eq(&super::Odd::AnyCase) && dice.is_even() {
            "f"
        } else {
            "p"
        },
        price: dice.price(),
    };
    let persons = |at: usize| match model.vouchers.get(at).map(|one| one.party) {
        Some("g") => vec!["g", "clerk"],
        _ => vec!["f", "f2", "clerk", "manager"],
    };
    let free = with_value(model, dice, false).into_iter();
    free.map(|at| (persons(at), hold(at))).collect()
}

fn redeem(model: &Model, dice: &Dice) -> Vec<Choice> {
    let held = cases(dice, &model.holds, |one| one.state == "held");
    let redeem = |hold| {
        let price = dice.price();
        Command::Redeem { hold, price }
    };
    held.into_iter()
        .map(|at| (vec!["p", "clerk", "p", "all"], redeem(at)))
        .collect()
}

fn release(model: &Model, dice: &Dice) -> Vec<Choice> {
    let held = cases(dice, &model.holds, |one| one.state == "held");
    let release = |hold| Command::Release { hold };
    held.into_iter()
        .map(|at| (vec!["p", "clerk", "f", "manager"], release(at)))
        .collect()
}

fn expire(model: &Model, dice: &Dice) -> Vec<Choice> {
    let over = cases(dice, &model.vouchers, |one| {
        let face = one.face.as_ref();
        face.is_some_and(|face| face.free > 0 && face.last_day < model.today)
    });
    let expire = |voucher| Command::Expire { voucher };
    over.into_iter()
        .map(|at| (vec!["system", "manager"], expire(at)))
        .collect()
}

fn cancel(model: &Model, dice: &Dice) -> Vec<Choice> {
    let cancel = |voucher| Command::Cancel { voucher };
    let free = with_value(model, dice, false).into_iter();
    free.map(|at| (vec!["manager", "manager2"], cancel(at)))
        .collect()
}

fn freeze(model: &Model, dice: &Dice) -> Vec<Choice> {
    let freeze = |voucher| Command::Freeze { voucher };
    let open = with_value(model, dice, true).into_iter();
    open.map(|at| (vec!["reviewer", "manager", "finance"], freeze(at)))
        .collect()
}

fn thaw(model: &Model, dice: &Dice) -> Vec<Choice> {
    let frozen = cases(dice, &model.vouchers, |one| {
        one.face.as_ref().is_some_and(|face| face.is_frozen)
    });
    let thaw = |voucher| Command::Thaw { voucher };
    frozen
        .into_iter()
        .map(|at| (vec!["reviewer", "manager"], thaw(at)))
        .collect()
}

fn expiry_job(_: &Model, _: &Dice) -> Vec<Choice> {
    vec![(vec!["system"], Command::ExpiryJob)]
}
