//! The model's side of what is granted to many at once.

use std::collections::BTreeSet;

use super::super::model::{Model, Source, Statement};
use super::super::office::HALF;
use super::expected::or_none;

pub(super) fn lines(model: &Model, lines: &mut BTreeSet<String>) {
    rounds(model, lines);
    runs(model, lines);
    facts(model, lines);
    packs(model, lines);
    for one in &model.past {
        lines.insert(format!(
            "past {} {} {} {} {} {}",
            one.row.party,
            one.row.programme,
            one.row.year,
            one.row.yuan * 100,
            one.entry,
            or_none(one.reversed)
        ));
    }
}

fn packs(model: &Model, lines: &mut BTreeSet<String>) {
    for one in &model.versions {
        lines.insert(format!(
            "pack {} {} {} {} {}",
            one.entry,
            one.by,
            or_none(one.published),
            or_none(one.withdrawn.map(|(by, _)| by)),
            or_none(one.withdrawn.map(|(_, entry)| entry))
        ));
    }
    for (at, one) in model.claims.iter().enumerate() {
        if one.programme == HALF && one.submitted_by.is_some() {
            lines.insert(format!("rules C{at} 2020-{}", one.version_of_rules));
        }
    }
}

fn facts(model: &Model, lines: &mut BTreeSet<String>) {
    let said = |one: &Statement| {
        let is_word = !["true", "false"].contains(&one.value);
        let quote = if is_word { "\"" } else { "" };
        format!("{{\"{}\":{quote}{}{quote}}}", one.fact, one.value)
    };
    for one in &model.statements {
        let source = match one.source {
            Source::Declared => "declared",
            Source::Imported => "imported",
            Source::Verified => "verified",
        };
        lines.insert(format!(
            "fact {} {} {source} {} {} {}",
            one.entry,
            or_none(one.party),
            one.from,
            or_none(one.until),
            said(one)
        ));
    }
    for one in &model.determinations {
        lines.insert(format!(
            "determination {} {} {} {} {} {} {} {}",
            one.statement.entry,
            or_none(one.statement.party),
            one.statement.from,
            or_none(one.statement.until),
            said(&one.statement),
            one.by,
            or_none(one.confirmed.map(|(by, _)| by)),
            or_none(one.confirmed.map(|(_, entry)| entry))
        ));
    }
}

fn runs(model: &Model, lines: &mut BTreeSet<String>) {
    for (at, one) in model.runs.iter().enumerate() {
        let total: i64 = one.list.iter().map(|(_, fen)| fen).sum();
        let given = one.results.iter().filter_map(|(_, voucher)| *voucher);
        let faces = given.map(|voucher| model.vouchers[voucher].face.as_ref().unwrap().whole());
        let faces: Vec<i64> = faces.collect();
        lines.insert(format!(
            "run R{at} {} {} {} {} {total} {} {} {} {} {} {} {}",
            one.programme,
            one.day,
            one.fen,
            one.list.len(),
            one.by,
            one.entry,
            or_none(one.approved.map(|(by, _)| by)),
            or_none(one.approved.map(|(_, entry)| entry)),
            one.results.len(),
            faces.len(),
            faces.iter().sum::<i64>()
        ));
        for ((party, _), (entry, voucher)) in one.list.iter().zip(&one.results) {
            let voucher = voucher.map(|at| format!("V{at}"));
            lines.insert(format!("result R{at} {party} {entry} {}", or_none(voucher)));
        }
    }
}

fn rounds(model: &Model, lines: &mut BTreeSet<String>) {
    for one in &model.rounds {
        lines.insert(format!(
            "round {} {} {} {} {} {}",
            one.programme,
            one.year,
            one.by,
            one.entry,
            or_none(one.shared.map(|(budget, _)| budget)),
            or_none(one.shared.map(|(_, demand)| demand))
        ));
    }
    for one in &model.placings {
        lines.insert(format!(
            "place C{} {} {} {} {}",
            one.claim,
            one.review,
            or_none(one.place),
            one.amount,
            one.entry
        ));
    }
}
