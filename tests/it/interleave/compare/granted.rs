//! The model's side of what is granted to many at once.

use std::collections::BTreeSet;

use super::super::model::Model;
use super::expected::or_none;

pub(super) fn lines(model: &Model, lines: &mut BTreeSet<String>) {
    rounds(model, lines);
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
