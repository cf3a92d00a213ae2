//! The bank, and the accounts of parties.

use chrono::{Days, NaiveDate};

use super::super::command::{Booked, Command, Matched};
use super::super::model::Model;
use super::super::office::{NUMBERS, PARTIES, Who};
use super::{Choice, Dice, Kind, cases};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (34, statement),
        (3, rejects),
        (4, status),
        (34, by_hand),
        (1, receipt),
        (20, returns),
        (30, brings_back),
        (30, returns_in_part),
        (3, first_account),
        (4, change_account),
        (1, other_account),
        (8, confirm_account),
        (1, reminder_job),
    ]
}

/// Those of which it has no line that waits over the same amount.
fn unsaid(model: &Model) -> Vec<(usize, String, i64)> {
    let is_said = |fen: i64| {
        let mut lines = model.bank_lines.iter();
        lines.any(|line| line.amount == -fen && !line.is_matched)
    };
    let mut sent = sent(model);
    sent.retain(|(.., fen)| !is_said(*fen));
    sent
}

/// Instructions of which the bank has said nothing: batch, payable, amount.
fn sent(model: &Model) -> Vec<(usize, String, i64)> {
    let batches = model.batches.iter().enumerate();
    let lines = batches.flat_map(|(at, batch)| batch.lines.iter().map(move |line| (at, line)));
    let sent = lines.filter(|(_, line)| line.state == "sent");
    sent.map(|(at, line)| (at, line.payable.clone(), line.amount))
        .collect()
}

/// Instructions that the bank has paid: batch, payable, amount. Of those of which a part was paid back, if there are such that
/// can be returned: enough stands as spent besides.
fn paid(model: &Model) -> Vec<(usize, String, i64)> {
    let batches = model.batches.iter().enumerate();
    let lines = batches.flat_map(|(at, batch)| batch.lines.iter().map(move |line| (at, line)));
    let paid = lines.filter(|(_, line)| line.state == "paid");
    let mut paid: Vec<_> = paid
        .map(|(at, line)| (at, line.payable.clone(), line.amount))
        .collect();
    let in_part =
        |(_, payable, fen): &(usize, String, i64)| comes_back_in_part(model, payable, *fen);
    if paid.iter().any(in_part) {
        paid.retain(in_part);
    }
    paid
}

/// Whether a part of a payment was paid back, the rest is asked back, and it may be returned.
fn comes_back_in_part(model: &Model, payable: &str, fen: i64) -> bool {
    let asked = model.recoveries.iter().filter(|one| one.payable == payable);
    let mut asked = asked.filter(|one| !["rejected", "void"].contains(&one.state()));
    let is_open = asked.clone().any(|one| one.open > 0);
    let is_free = asked.all(|one| one.received + one.set_off > 0 && one.written_off == 0);
    is_open && is_free && model.spent(model.payables[payable].line) >= fen
}

/// Some of what was sent is booked, and not always with its id; and some money comes: for a recovery, an appropriation, or a
/// payment as a whole.
fn statement(model: &Model, dice: &Dice) -> Vec<Choice> {
    let sent = unsaid(model);
    let pays = |(at, payable, fen): &(usize, String, i64)| Booked::Pays(*at, payable.clone(), *fen);
    let mut lines: Vec<Booked> = sent.iter().map(pays).collect();
    if dice.amount.is_multiple_of(3) {
        lines.truncate(1);
    }
    if let Some((batch, payable, fen)) = sent.first() {
        let its = model.batches[*batch].lines.iter();
        let its = its.filter(|line| line.payable == *payable);
        let number = its.map(|line| model.accounts[line.account].number).next();
        match dice.who % 6 {
            0 | 1 => lines[0] = Booked::Goes(*fen, None),
            2 | 3 => lines[0] = Booked::Goes(*fen, number),
            _ => {}
        }
    }
    let waits = |most: i64| {
        let mut lines = model.bank_lines.iter();
        lines.any(|line| (1..=most).contains(&line.amount) && !line.is_matched)
    };
    let open = model.recoveries.iter().map(|one| one.open);
    if let Some(open) = open.filter(|open| *open > 0 && !waits(*open)).min() {
        let parts = [1, open / 3, open / 2, open, open + 1];
        lines.push(Booked::Comes(dice.one_of(&parts).max(1)));
    }
    if dice.amount.is_multiple_of(3) {
        let paid = paid(model);
        let back = Dice::pick(dice.amount / 3, &paid).map(|(.., fen)| *fen);
        lines.extend(back.filter(|fen| !waits(*fen)).map(Booked::Comes));
    }
    let receipts: Vec<i64> = receipts(model).into_iter().map(|(_, fen)| fen).collect();
    if (dice.who / 6).is_multiple_of(if lines.is_empty() { 16 } else { 3 }) {
        lines.extend(Dice::pick(dice.case, &receipts).map(|fen| Booked::Comes(*fen)));
    }
    if lines.is_empty() {
        return Vec::new();
    }
    vec![told(model, dice, lines)]
}

/// A file of the bank. Now and then its lines were booked on a day of before, which may be closed.
fn told(model: &Model, dice: &Dice, lines: Vec<Booked>) -> Choice {
    let since = sent_on(model).min().unwrap_or(model.today);
    let mut days = since.iter_days().take_while(|day| *day < model.today);
    let closed = days.find(|day| model.is_day_closed(*day));
    let booked_on = match (dice.case % 4, closed) {
        (0, _) => model.today - Days::new(u64::from(dice.case / 4 % 4)),
        (1 | 2, Some(day)) => day,
        _ => model.today,
    };
    let command = Command::Statement {
        opening: model.at_bank + i64::from(dice.is_wild()),
        booked_on,
        lines,
    };
    (vec!["cashier", "cashier2"], command)
}

/// The days on which instructions were sent of which the bank has said nothing.
pub(super) fn sent_on(model: &Model) -> impl Iterator<Item = NaiveDate> {
    let batches = model.batches.iter();
    let waiting = batches.filter(|one| one.lines.iter().any(|line| line.state == "sent"));
    waiting.filter_map(|one| one.sent_on)
}

/// Payments of which a part was paid back.
fn in_part(model: &Model) -> Vec<(usize, String, i64)> {
    let mut paid = paid(model);
    paid.retain(|(_, payable, fen)| comes_back_in_part(model, payable, *fen));
    paid
}

/// The bank brings one of these, if no line waits that does.
fn brings_back(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waits = |fen: i64| {
        let mut lines = model.bank_lines.iter();
        lines.any(|line| line.amount == fen && !line.is_matched)
    };
    let paid = in_part(model).into_iter().filter(|(.., fen)| !waits(*fen));
    paid.map(|(.., fen)| told(model, dice, vec![Booked::Comes(fen)]))
        .collect()
}

fn returns_in_part(model: &Model, dice: &Dice) -> Vec<Choice> {
    if in_part(model).is_empty() {
        return Vec::new();
    }
    returns(model, dice)
}

/// Appropriations that no line of the bank is: entry and amount.
fn receipts(model: &Model) -> Vec<(i64, i64)> {
    let funded = model.funded.iter();
    let came = funded.filter(|(_, one)| one.programme.is_none());
    let is_taken = |entry: i64| {
        let mut lines = model.bank_lines.iter();
        lines.any(|line| line.receipt == Some(entry))
    };
    came.filter(|(entry, _)| !is_taken(**entry))
        .map(|(entry, one)| (*entry, one.fen))
        .collect()
}

/// A line that waits, and an instruction over the same amount; or any two.
fn by_hand(model: &Model, dice: &Dice) -> Vec<Choice> {
    let sent = sent(model);
    let sent = sent.iter().map(|(batch, payable, fen)| {
        let with = Matched::Instruction(*batch, payable.clone());
        (with, -fen)
    });
    with_lines(model, dice, &sent.collect::<Vec<_>>())
}

/// The same of appropriations.
fn receipt(model: &Model, dice: &Dice) -> Vec<Choice> {
    let came = receipts(model).into_iter();
    let came = came.map(|(entry, fen)| (Matched::Receipt(entry), fen));
    with_lines(model, dice, &came.collect::<Vec<_>>())
}

fn with_lines(model: &Model, dice: &Dice, all: &[(Matched, i64)]) -> Vec<Choice> {
    let mut options = Vec::new();
    for one in &model.bank_lines {
        let fits = |fen: i64| dice.is_wild() || (!one.is_matched && one.amount == fen);
        let fitting = all.iter().filter(|(_, fen)| fits(*fen));
        options.extend(fitting.map(|(with, _)| {
            let command = Command::Match {
                file: one.file,
                line: one.number,
                with: with.clone(),
            };
            (vec!["cashier", "cashier2", "all"], command)
        }));
    }
    options
}

/// A status report rejects an instruction, or a batch.
fn status(model: &Model, dice: &Dice) -> Vec<Choice> {
    let batches = model.batches.iter().enumerate();
    let all = batches.flat_map(|(at, batch)| batch.lines.iter().map(move |line| (at, line)));
    let its = all.filter(|(_, line)| dice.is_wild() || line.state == "sent");
    let status = |batch, payable: &String| Command::BankStatus {
        batch,
        payable: dice.is_even().then(|| payable.clone()),
    };
    its.map(|(batch, line)| (vec!["cashier"], status(batch, &line.payable)))
        .collect()
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

fn reminder_job(_: &Model, dice: &Dice) -> Vec<Choice> {
    let job = (vec!["system", "manager"], Command::ReminderJob);
    dice.is_even().then_some(job).into_iter().collect()
}

fn own(party: &str) -> Vec<Who> {
    match party {
        "f" => vec!["finance", "f", "finance2", "f2"],
        "g" => vec!["finance", "g", "all"],
        "p" => vec!["finance", "p", "finance2"],
        _ => vec!["finance", "c", "all"],
    }
}

/// A party that has no account gets one.
fn first_account(model: &Model, dice: &Dice) -> Vec<Choice> {
    let has = |party: &str| {
        let mut accounts = model.accounts.iter();
        accounts.any(|one| one.party == party && one.state != "superseded")
    };
    let without = PARTIES.iter().filter(|party| !has(party));
    account_of(without, dice)
}

/// A party for which a batch is prepared gets another one: the batch is not released to the old one then.
fn change_account(model: &Model, dice: &Dice) -> Vec<Choice> {
    let batches = model.batches.iter().filter(|one| one.state == "prepared");
    let lines = batches.flat_map(|one| &one.lines);
    let paid: Vec<_> = lines
        .map(|line| model.accounts[line.account].party)
        .collect();
    let waits = |party: &str| {
        let mut accounts = model.accounts.iter();
        accounts.any(|one| one.party == party && one.state == "proposed")
    };
    let its = PARTIES
        .iter()
        .filter(|party| paid.contains(party) && !waits(party));
    account_of(its, dice)
}

fn other_account(_: &Model, dice: &Dice) -> Vec<Choice> {
    if dice.amount.is_multiple_of(3) {
        account_of(PARTIES.iter(), dice)
    } else {
        Vec::new()
    }
}

fn account_of<'p>(parties: impl Iterator<Item = &'p &'static str>, dice: &Dice) -> Vec<Choice> {
    let propose = |party: &&'static str| Command::ProposeAccount {
        party,
        number: dice.one_of(&NUMBERS),
    };
    parties.map(|party| (own(party), propose(party))).collect()
}

fn confirm_account(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waiting = cases(dice, &model.accounts, |one| one.state == "proposed").into_iter();
    let confirm = |account| Command::ConfirmAccount { account };
    waiting
        .map(|at| (vec!["finance", "finance2", "all", "finance2"], confirm(at)))
        .collect()
}
