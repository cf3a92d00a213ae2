//! Claims.

use super::super::command::{Command, Content, Verdict};
use super::super::model::{Claim, Model, asks_notice, ranks};
use super::super::office::{HALF, NOTICED, RANKED, SH, Who};
use super::approval::approvers;
use super::contract::invoice;
use super::{Choice, Dice, Kind, cases};

pub(super) fn kinds() -> Vec<(u16, Kind)> {
    vec![
        (3, draft),
        (5, draft_on_waivers),
        (2, revise),
        (14, submit),
        (1, withdraw),
        (16, review),
        (10, notice),
        (2, object),
        (20, approve),
        (60, approve_between),
        (8, approve_notice),
        (1, decline),
        (3, revoke),
    ]
}

pub(super) fn own(party: &str) -> Vec<Who> {
    match party {
        "f" => vec!["f", "f2", "clerk"],
        "g" => vec!["g", "clerk"],
        "p" => vec!["p", "clerk", "all"],
        _ => vec!["c", "c2", "clerk"],
    }
}

fn draft(_: &Model, dice: &Dice) -> Vec<Choice> {
    let programmes = if dice.is_wild() {
        vec![SH, HALF]
    } else {
        vec![HALF, NOTICED]
    };
    let mut options = Vec::new();
    for programme in programmes {
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

/// Waivers that a claim may rest on.
fn relief(model: &Model, dice: &Dice) -> Vec<usize> {
    cases(dice, &model.waivers, |one| {
        one.state() == "compensable" || (dice.is_even() && one.state() != "voided")
    })
}

fn draft_on_waivers(model: &Model, dice: &Dice) -> Vec<Choice> {
    let all = relief(model, dice);
    let draft = |waivers| Command::Draft {
        programme: dice.one_of(&[HALF, HALF, NOTICED]),
        party: "c",
        content: Content::Waivers(waivers),
    };
    let pairs = all.windows(2).map(<[usize]>::to_vec);
    let each = all.iter().map(|one| vec![*one]);
    each.chain(pairs)
        .map(|waivers| (own("c"), draft(waivers)))
        .collect()
}

fn revise(model: &Model, dice: &Dice) -> Vec<Choice> {
    let open = cases(dice, &model.claims, |one| {
        ["draft", "returned"].contains(&one.state)
    });
    let waivers = relief(model, dice);
    let content = |claim: usize| match model.claims.get(claim).map(|one| &one.content) {
        Some(Content::Waivers(_)) if !waivers.is_empty() => Content::Waivers(vec![waivers[0]]),
        Some(Content::Invoice(..)) => invoice(model, dice),
        _ => Content::Stated(dice.price()),
    };
    let revise = |claim| Command::Revise {
        claim,
        content: content(claim),
    };
    open.into_iter()
        .map(|at| (claimants(model, at), revise(at)))
        .collect()
}

fn claimants(model: &Model, at: usize) -> Vec<Who> {
    own(model.claims.get(at).map_or("f", |one| one.party))
}

fn submit(model: &Model, dice: &Dice) -> Vec<Choice> {
    let open = cases(dice, &model.claims, |one| {
        ["draft", "returned"].contains(&one.state)
    });
    let submit = |claim| Command::Submit { claim };
    open.into_iter()
        .map(|at| (claimants(model, at), submit(at)))
        .collect()
}

fn withdraw(model: &Model, dice: &Dice) -> Vec<Choice> {
    let open = cases(dice, &model.claims, |one| !one.is_over());
    let withdraw = |claim| Command::Withdraw { claim };
    open.into_iter()
        .map(|at| (claimants(model, at), withdraw(at)))
        .collect()
}

fn review(model: &Model, dice: &Dice) -> Vec<Choice> {
    let open = cases(dice, &model.claims, |one| {
        ["submitted", "objected"].contains(&one.state)
    });
    let recommend = Verdict::Recommend;
    let verdicts = [
        recommend,
        recommend,
        recommend,
        recommend,
        Verdict::Return,
        Verdict::Reject,
    ];
    let review = |claim: usize| Command::ReviewClaim {
        claim,
        verdict: dice.one_of(&verdicts),
        version: model.claims.get(claim).map_or(1, |one| one.version) - i32::from(dice.is_wild()),
    };
    let persons = || vec!["reviewer", "reviewer2", "reviewer", "all"];
    open.into_iter().map(|at| (persons(), review(at))).collect()
}

fn notice(model: &Model, dice: &Dice) -> Vec<Choice> {
    let is_any = |programme: &&'static str| {
        let waits = |one: &Claim| one.programme == *programme && one.state == "recommended";
        dice.is_wild() || (*programme != HALF && model.claims.iter().any(waits))
    };
    let any = [NOTICED, RANKED, HALF].into_iter().filter(is_any);
    any.map(|programme| (vec!["reviewer", "manager"], Command::Notice { programme }))
        .collect()
}

fn object(model: &Model, dice: &Dice) -> Vec<Choice> {
    let shown = cases(dice, &model.claims, |one| one.state == "noticed");
    let object = |claim| Command::Object { claim };
    shown
        .into_iter()
        .map(|at| (vec!["reviewer", "auditor"], object(at)))
        .collect()
}

/// Claims that wait for approval, with the entry of their last review: now and then before a notice is over, else those whose
/// time has come.
fn recommended(model: &Model, dice: &Dice) -> Vec<(usize, i64)> {
    let mut waiting = cases(dice, &model.claims, |one| {
        ["recommended", "noticed"].contains(&one.state)
    });
    let is_early = |at: usize| {
        let Some(claim) = model.claims.get(at) else {
            return false;
        };
        let is_unseen = asks_notice(claim.programme) && claim.state == "recommended";
        let is_unplaced = ranks(claim.programme) && model.placing(at).is_none();
        is_unseen || is_unplaced || model.is_shown(claim)
    };
    waiting.retain(|at| dice.amount.is_multiple_of(6) || !is_early(*at));
    let review = |at: usize| model.claims.get(at).and_then(|one| one.review);
    let stale = i64::from(dice.is_wild() && dice.is_even());
    let seen = waiting
        .into_iter()
        .map(|at| (at, review(at).map_or(0, |(_, entry)| entry) - stale));
    seen.collect()
}

fn approve(model: &Model, dice: &Dice) -> Vec<Choice> {
    let approve = |(claim, review)| Command::ApproveClaim { claim, review };
    let waiting = recommended(model, dice).into_iter();
    waiting
        .map(|one| (approvers(model, dice, one.0), approve(one)))
        .collect()
}

/// A claim that is between two levels: there are few, so it is the most then.
fn approve_between(model: &Model, dice: &Dice) -> Vec<Choice> {
    let mut options = approve(model, dice);
    let is_between = |at: usize| {
        let claim = model.claims.get(at);
        claim.is_some_and(|one| one.approved().next().is_some())
    };
    options.retain(
        |(_, command)| matches!(command, Command::ApproveClaim { claim, .. } if is_between(*claim)),
    );
    options
}

/// A notice of which something waits, over or not; now and then one that is done with, or that nobody knows.
fn approve_notice(model: &Model, dice: &Dice) -> Vec<Choice> {
    let waits = |notice: &usize| {
        let claims = model.claims.iter().enumerate();
        let mut its = claims.filter(|(_, one)| one.notice == Some(*notice));
        its.find(|(_, one)| one.state == "noticed")
            .map(|(at, _)| at)
    };
    let all = 0..model.notices.len() + usize::from(dice.is_wild());
    let option = |notice: usize| {
        let claim = waits(&notice).filter(|_| !dice.is_wild());
        let persons = claim.map(|at| approvers(model, dice, at));
        let command = Command::ApproveNotice { notice };
        (dice.is_wild() || claim.is_some()).then(|| {
            (
                persons.unwrap_or_else(|| vec!["manager", "finance"]),
                command,
            )
        })
    };
    all.filter_map(option).collect()
}

/// What was approved and is not sent yet; now and then what is.
fn revoke(model: &Model, dice: &Dice) -> Vec<Choice> {
    let revocable = |at: &usize| {
        let owed = model.payables.get(&format!("C{at}"));
        owed.is_some_and(|one| dice.is_even() || ["owed", "approved"].contains(&one.state))
    };
    let approved = cases(dice, &model.claims, |one| one.state == "approved");
    let its = approved
        .into_iter()
        .filter(|at| dice.is_wild() || revocable(at));
    let persons = || vec!["manager2", "finance2", "finance", "manager", "all"];
    its.map(|claim| (persons(), Command::RevokeClaim { claim }))
        .collect()
}

fn decline(model: &Model, dice: &Dice) -> Vec<Choice> {
    let decline = |(claim, review)| Command::Decline {
        claim,
        review,
        back: dice.is_even(),
    };
    let waiting = recommended(model, dice).into_iter();
    waiting
        .map(|one| (approvers(model, dice, one.0), decline(one)))
        .collect()
}
