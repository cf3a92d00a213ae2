//! Reads who bears awards: funders whose shares are exactly one together, for everybody or by condition.

use crate::policy::pack::{Funder, Funding, Mode};
use crate::policy::problem::Problems;
use crate::types::Code;

use super::award::{self, Context};
use super::reader::{self, Node, Section, list_of};

/// `[[funder]]`, or `[[funding]]` with conditions; none at a recognition.
pub(super) fn funding(
    root: &mut Section<'_>,
    mode: Option<Mode>,
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Funding>> {
    if mode == Some(Mode::Recognition) {
        return Some(Vec::new());
    }
    let Some(node) = root.optional("funding") else {
        let funders = root.get("funder", funders, problems)?;
        return Some(vec![Funding {
            when: None,
            funders,
        }]);
    };
    if root.optional("funder").is_some() {
        return problems.note(
            &node.span(),
            "both `funder` and `funding` are given",
            "keep one of them",
        );
    }
    let one = |node: Node<'_>, problems: &mut Problems<'_>| {
        let mut section = Section::of(node, "a funding", problems)?;
        let when = award::when(&mut section, context, problems);
        let funders = section.get("funder", funders, problems);
        section.finish(problems);
        let (when, funders) = (when?, funders?);
        Some((Funding { when, funders }, node.span()))
    };
    let placed = list_of(node, one, problems)?;
    award::refuse_unreachable(
        placed
            .iter()
            .map(|(funding, span)| (funding.when.as_ref(), span.clone())),
        "funding",
        problems,
    );
    if placed.iter().all(|(funding, _)| funding.when.is_some()) {
        return problems.note(
            &node.span(),
            "nobody pays for those whom no condition names",
            "add a last [[funding]] without `when`",
        );
    }
    Some(placed.into_iter().map(|(funding, _)| funding).collect())
}

fn funders(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Vec<Funder>> {
    let funders = list_of(node, funder, problems)?;
    for (index, funder) in funders.iter().enumerate() {
        if funders
            .iter()
            .take(index)
            .any(|earlier| earlier.code == funder.code)
        {
            problems.note::<()>(
                &node.span(),
                format!("two funders have the code {}", funder.code),
                "give each its own code, or add their shares up",
            );
        }
    }
    // Cross-multiplied over one denominator: exact, and checked, as a pack may hold anything.
    let total = funders
        .iter()
        .try_fold((0_i128, 1_i128), |(numer, denom), funder| {
            let (above, below) = (
                i128::from(funder.share.numer()),
                i128::from(funder.share.denom()),
            );
            let sum = numer
                .checked_mul(below)?
                .checked_add(above.checked_mul(denom)?)?;
            Some((sum, denom.checked_mul(below)?))
        });
    if total.is_some_and(|(numer, denom)| numer == denom) {
        return Some(funders);
    }
    let shares: Vec<_> = funders
        .iter()
        .map(|funder| funder.share.to_string())
        .collect();
    problems.note(
        &node.span(),
        format!(
            "the funders' shares {} are not exactly one together",
            shares.join(" + ")
        ),
        "correct the shares; thirds are written \"1/3\" and \"2/3\"",
    )
}

fn funder(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Funder> {
    let mut section = Section::of(node, "a funder", problems)?;
    let code = section.get("code", reader::parsed::<Code>, problems);
    let name = section.get("name", reader::bilingual, problems);
    let share = section.get("share", reader::ratio, problems);
    section.finish(problems);
    Some(Funder {
        code: code?,
        name: name?,
        share: share?,
    })
}
