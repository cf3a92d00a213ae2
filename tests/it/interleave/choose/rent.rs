//! The rent book.

use chrono::{Days, Months, NaiveDate};

use super::super::command::{Command, Measure, Month};
use super::super::model::{Model, Part};
use super::super::office::Who;
use super::{Choice, Dice, Kind, cases};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (2, lease),
        (1, end),
        (4, bill),
        (4, pay),
        (6, waive),
        (12, confirm),
        (6, settle),
        (14, audit),
        (2, void),
        (4, defer),
        (4, instalment),
        (3, default),
        (2, convert),
    ]
}

fn carrier() -> Vec<Who> {
    vec!["c", "c2", "clerk"]
}

fn lease(model: &Model, dice: &Dice) -> Vec<Choice> {
    let first =
        NaiveDate::from_ymd_opt(2020, 1, 1).unwrap() + Days::new(u64::from(dice.amount % 20));
    let last = model.today + Months::new(u32::from(dice.amount % 9));
    let mut options = Vec::new();
    for tenant in ["f", "g"] {
        for premises in ["A-1", "A-2"] {
            let is_free = !model.leases.iter().any(|one| one.premises == premises);
            if is_free || dice.is_wild() {
                let rent = dice.one_of(&[38_000_00, 9_999_99, 3]);
                let command = Command::Lease {
                    tenant,
                    premises,
                    rent,
                    first,
                    last,
                };
                options.push((carrier(), command));
            }
        }
    }
    options
}

/// Within the lease most often, and now and then before what is billed.
fn end(model: &Model, dice: &Dice) -> Vec<Choice> {
    let days = Days::new(u64::from(dice.amount % 40));
    let end = |lease: usize| {
        let last = model.leases.get(lease).map_or(model.today, |one| one.last);
        Command::EndLease {
            lease,
            last: last - days,
        }
    };
    let leases = cases(dice, &model.leases, |_| true).into_iter();
    leases.map(|at| (carrier(), end(at))).collect()
}

fn bill(model: &Model, dice: &Dice) -> Vec<Choice> {
    let bill = |lease: usize| {
        let months = i32::from(dice.amount % 14);
        let month = (2020 + months / 12, u32::try_from(months % 12).unwrap() + 1);
        Command::Bill { lease, month }
    };
    let leases = cases(dice, &model.leases, |_| true).into_iter();
    leases.map(|at| (carrier(), bill(at))).collect()
}

fn pay(model: &Model, dice: &Dice) -> Vec<Choice> {
    let open = |at: usize| -> i64 {
        let bills = model.leases.get(at).map(|one| &one.bills);
        let bills = bills.into_iter().flat_map(|bills| bills.values());
        bills
            .map(|bill| bill.get(&Part::Open).copied().unwrap_or(0))
            .sum()
    };
    let leases = cases(dice, &model.leases, |_| true).into_iter();
    let leases = leases.filter(|at| dice.is_wild() || open(*at) > 0);
    let pay = |lease| Command::PayRent {
        lease,
        fen: dice.part_of(open(lease)),
    };
    leases.map(|at| (carrier(), pay(at))).collect()
}

/// Months of leases in whose bills something is open, or paid; any month if the dice are wild.
fn billed(model: &Model, dice: &Dice, part: Part) -> Vec<(usize, Month, i64)> {
    let mut months = Vec::new();
    for (at, lease) in model.leases.iter().enumerate() {
        for (month, bill) in &lease.bills {
            let fen = bill.get(&part).copied().unwrap_or(0);
            if fen > 0 || dice.is_wild() {
                months.push((at, *month, fen));
            }
        }
    }
    if dice.is_wild() {
        months.push((0, (2021, 7), 1));
    }
    months
}

fn waive(model: &Model, dice: &Dice) -> Vec<Choice> {
    let refund = dice.who.is_multiple_of(3);
    let from = if refund { Part::Paid } else { Part::Open };
    let waive = |(lease, month, fen): (usize, Month, i64)| {
        let part = Measure::Amount(dice.part_of(fen));
        Command::Waive {
            lease,
            month,
            measure: dice.one_of(&[Measure::Full, Measure::Half, part]),
            refund,
        }
    };
    let billed = billed(model, dice, from).into_iter();
    billed.map(|one| (carrier(), waive(one))).collect()
}

/// What a waiver is over.
fn over(model: &Model, at: usize) -> i64 {
    model.waivers.get(at).map_or(1, |one| one.amount)
}

fn confirm(model: &Model, dice: &Dice) -> Vec<Choice> {
    let declared = cases(dice, &model.waivers, |one| one.state() == "declared").into_iter();
    let confirm = |waiver| Command::ConfirmWaiver {
        waiver,
        fen: dice.part_of(over(model, waiver)),
    };
    let tenant = |at: usize| {
        let lease = model.waivers.get(at).map(|one| &model.leases[one.lease]);
        match lease.map(|one| one.tenant) {
            Some("g") => vec!["g"],
            _ => vec!["f", "f2"],
        }
    };
    declared.map(|at| (tenant(at), confirm(at))).collect()
}

fn settle(model: &Model, dice: &Dice) -> Vec<Choice> {
    let mismatched = cases(dice, &model.waivers, |one| one.state() == "mismatched").into_iter();
    let settle = |waiver: usize| {
        let stated = model.waivers.get(waiver).and_then(|one| one.stated);
        let most = stated.map_or(1, |(fen, _)| fen.min(over(model, waiver)));
        let fen = dice.part_of(most);
        Command::Settle { waiver, fen }
    };
    mismatched
        .map(|at| (vec!["reviewer", "reviewer2", "all"], settle(at)))
        .collect()
}

fn audit(model: &Model, dice: &Dice) -> Vec<Choice> {
    let confirmed = cases(dice, &model.waivers, |one| one.state() == "confirmed").into_iter();
    let audit = |waiver: usize| {
        let settled = model.waivers.get(waiver).and_then(|one| one.settled);
        let most = settled.map_or_else(|| over(model, waiver), |(fen, _)| fen);
        Command::Audit {
            waiver,
            fen: dice.part_of(most),
            compensable: !dice.amount.is_multiple_of(5),
        }
    };
    let persons = || vec!["reviewer", "reviewer2", "manager", "all"];
    confirmed.map(|at| (persons(), audit(at))).collect()
}

fn void(model: &Model, dice: &Dice) -> Vec<Choice> {
    let standing = cases(dice, &model.waivers, |one| {
        !["claimed", "voided"].contains(&one.state())
    });
    let void = |waiver| Command::VoidWaiver { waiver };
    standing
        .into_iter()
        .map(|at| (carrier(), void(at)))
        .collect()
}

fn defer(model: &Model, dice: &Dice) -> Vec<Choice> {
    let defer = |(lease, month, fen): (usize, Month, i64)| Command::Defer {
        lease,
        month,
        fen: dice.is_even().then(|| dice.part_of(fen)),
        count: dice.one_of(&[1, 2, 3]),
        first: model.today + Days::new(u64::from(dice.amount % 60)),
    };
    let open = billed(model, dice, Part::Open).into_iter();
    open.map(|one| (carrier(), defer(one))).collect()
}

fn deferrals(model: &Model, dice: &Dice) -> Vec<usize> {
    cases(dice, &model.deferrals, |one| one.open > 0)
}

fn instalment(model: &Model, dice: &Dice) -> Vec<Choice> {
    let open = |at: usize| model.deferrals.get(at).map_or(1, |one| one.open);
    let pay = |deferral| Command::Instalment {
        deferral,
        fen: dice.part_of(open(deferral)),
    };
    let deferrals = deferrals(model, dice).into_iter();
    deferrals.map(|at| (carrier(), pay(at))).collect()
}

fn default(model: &Model, dice: &Dice) -> Vec<Choice> {
    let default = |deferral| Command::Default { deferral };
    let deferrals = deferrals(model, dice).into_iter();
    deferrals.map(|at| (carrier(), default(at))).collect()
}

fn convert(model: &Model, dice: &Dice) -> Vec<Choice> {
    let convert = |deferral| Command::Convert { deferral };
    let deferrals = deferrals(model, dice).into_iter();
    deferrals.map(|at| (carrier(), convert(at))).collect()
}
