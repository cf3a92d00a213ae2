//! The rent book.

use chrono::{Days, Months, NaiveDate};

use super::super::command::{Command, Measure, Month, Way};
use super::super::model::{Model, Part};
use super::super::office::Who;
use super::{Choice, Dice, Kind, cases};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (2, lease),
        (1, end),
        (6, bill),
        (4, pay),
        (6, waive),
        (4, offset),
        (1, extend),
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
        let bills = model.leases.get(lease).map(|one| one.bills.keys());
        let last = bills.and_then(Iterator::last);
        let next = last.map_or(0, |(year, month)| {
            (year - 2020) * 12 + i32::try_from(*month).unwrap()
        });
        // Most often the month after those that are billed, so that some follow one another.
        let months = if dice.amount.is_multiple_of(4) {
            i32::from(dice.amount % 14)
        } else {
            next
        };
        let month = (2020 + months / 12, u32::try_from(months % 12).unwrap() + 1);
        let (_, next) = crate::interleave::model::days(month);
        let counts = (next - Days::new(1)).min(model.today);
        let is_late = model.is_day_closed(counts) && !dice.case.is_multiple_of(3);
        let on = (is_late || dice.is_wild())
            .then_some(model.today - Days::new(u64::from(dice.amount % 2)));
        Command::Bill { lease, month, on }
    };
    let leases = cases(dice, &model.leases, |_| true).into_iter();
    leases.map(|at| (carrier(), bill(at))).collect()
}

fn pay(model: &Model, dice: &Dice) -> Vec<Choice> {
    let open = |at: usize| -> i64 {
        let bills = model.leases.get(at).map(|one| &one.bills);
        let bills = bills.into_iter().flat_map(|bills| bills.values());
        bills.map(|bill| bill.of(Part::Open)).sum()
    };
    let leases = cases(dice, &model.leases, |_| true).into_iter();
    let leases = leases.filter(|at| dice.is_wild() || open(*at) > 0);
    let pay = |lease| Command::PayRent {
        lease,
        fen: dice.part_of(open(lease)),
    };
    leases.map(|at| (carrier(), pay(at))).collect()
}

/// Months of leases, one or two after one another, in whose bills something is open, or paid, and how much; any month if the
/// dice are wild.
fn billed(model: &Model, dice: &Dice, part: Part) -> Vec<(usize, (Month, Month), i64)> {
    let mut months = Vec::new();
    for (at, lease) in model.leases.iter().enumerate() {
        let lies: Vec<_> = lease
            .bills
            .iter()
            .map(|(month, bill)| (*month, bill.of(part)))
            .collect();
        let each = lies.iter().map(|(month, fen)| ((*month, *month), *fen));
        let pair = |two: &[(Month, i64)]| ((two[0].0, two[1].0), two[0].1 + two[1].1);
        let pairs: Vec<_> = lies.windows(2).map(pair).collect();
        let lie = |(_, fen): &(_, i64)| *fen > 0 || dice.is_wild();
        let all = each.chain(pairs.repeat(3)).filter(lie);
        months.extend(all.map(|(of, fen)| (at, of, fen)));
    }
    if dice.is_wild() {
        months.push((0, ((2021, 7), (2021, 7)), 1));
        months.push((0, ((2020, 3), (2020, 2)), 1));
    }
    months
}

fn waive(model: &Model, dice: &Dice) -> Vec<Choice> {
    let (way, from) = if dice.who.is_multiple_of(3) {
        (Way::Refund, Part::Paid)
    } else {
        (Way::Reduction, Part::Open)
    };
    let waive = |(lease, months, fen): (usize, (Month, Month), i64)| {
        let part = Measure::Amount(dice.part_of(fen));
        Command::Waive {
            lease,
            months,
            measure: dice.one_of(&[Measure::Full, Measure::Half, part]),
            way,
        }
    };
    let billed = billed(model, dice, from).into_iter();
    billed.map(|one| (carrier(), waive(one))).collect()
}

/// Rent that was paid, for months that are later and open; or earlier ones, if the dice are wild.
fn offset(model: &Model, dice: &Dice) -> Vec<Choice> {
    let paid = billed(model, dice, Part::Paid);
    let mut options = Vec::new();
    for (lease, months, paid) in &paid {
        let later = billed(model, dice, Part::Open).into_iter();
        for (_, against, open) in later.filter(|(other, ..)| other == lease) {
            if against.0 <= months.1 && !dice.is_wild() {
                continue;
            }
            let part = Measure::Amount(dice.part_of(open.min(*paid)));
            let command = Command::Waive {
                lease: *lease,
                months: *months,
                measure: dice.one_of(&[part, Measure::Half, part]),
                way: Way::Offset(against.0, against.1),
            };
            options.push((carrier(), command));
        }
    }
    options
}

fn extend(model: &Model, dice: &Dice) -> Vec<Choice> {
    let extend = |lease| Command::Extend {
        lease,
        months: dice.one_of(&[1, 2, 3]) - u8::from(dice.is_wild()),
    };
    let leases = cases(dice, &model.leases, |one| !one.is_ended).into_iter();
    leases.map(|at| (carrier(), extend(at))).collect()
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
    let defer = |(lease, months, fen): (usize, (Month, Month), i64)| Command::Defer {
        lease,
        months,
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
