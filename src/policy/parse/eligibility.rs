//! Reads who is eligible: criteria, exclusions, fast tracks, and which sources of facts are believed.

use crate::policy::pack::{Criterion, CriterionKind, FastTrack, Mode, Moment};
use crate::policy::problem::Problems;
use crate::policy::snapshot::{Accepted, Source};
use crate::policy::{ReasonCode, StatedBy};

use super::condition;
use super::reader::{self, Node, Section, list_of};

/// Who is eligible, and which facts are believed.
pub(super) struct Eligibility {
    pub(super) accept: Accepted,
    pub(super) criteria: Vec<Criterion>,
    pub(super) fast_tracks: Vec<FastTrack>,
}

pub(super) fn eligibility(
    root: &mut Section<'_>,
    mode: Option<Mode>,
    scope: condition::Scope<'_>,
    problems: &mut Problems<'_>,
) -> Option<Eligibility> {
    let mut codes = ReasonCode::BUILT_IN.to_vec();
    let accept = root.get_optional("accept", accepted, problems);
    let context = (mode, scope);
    let criteria = criteria(root, context, &mut codes, problems);
    // Also of criteria with problems of their own, which must not spoil what names them.
    let known: Vec<_> = codes
        .iter()
        .filter(|code| !ReasonCode::BUILT_IN.contains(code))
        .cloned()
        .collect();
    let tracks = root.get_optional(
        "fast_track",
        |node, problems| {
            let mut one = |node: Node<'_>, problems: &mut Problems<'_>| {
                fast_track(node, &known, scope, &mut codes, problems)
            };
            list_of(node, &mut one, problems)
        },
        problems,
    );
    Some(Eligibility {
        accept: accept?.unwrap_or_default(),
        criteria: criteria?,
        fast_tracks: tracks?.unwrap_or_default(),
    })
}

/// `fact = ["verified", "imported"]`
fn accepted(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Accepted> {
    let section = Section::of(node, "[accept]", problems)?;
    let mut accepted = Accepted::new();
    for (name, span, node) in section.keys() {
        let fact = condition::unknown_or(name, span, problems);
        let sources: Option<Vec<Source>> = list_of(node, reader::word, problems);
        let (Some(fact), Some(sources)) = (fact, sources) else {
            continue;
        };
        let determined = fact.spec().stated_by == StatedBy::Office;
        if determined && sources.contains(&Source::Declared) {
            problems.note::<()>(
                &node.span(),
                format!("{fact} is determined by the office: a mere declaration is never enough"),
                "accept \"verified\" or \"imported\"",
            );
        }
        accepted.insert(fact, sources);
    }
    Some(accepted)
}

fn fast_track(
    node: Node<'_>,
    known: &[ReasonCode],
    scope: condition::Scope<'_>,
    codes: &mut Vec<ReasonCode>,
    problems: &mut Problems<'_>,
) -> Option<FastTrack> {
    let mut section = Section::of(node, "a fast track", problems)?;
    let code = section.get("code", |node, p| own_code(node, codes, p), problems);
    let clause = section.get("clause", reader::bilingual, problems);
    let title = section.get("title", reader::bilingual, problems);
    let waived = |node: Node<'_>, problems: &mut Problems<'_>| {
        let code = reader::parsed::<ReasonCode>(node, problems)?;
        if known.contains(&code) {
            return Some(code);
        }
        problems.note(
            &node.span(),
            format!("there is no criterion {code} to waive"),
            "name criteria of this pack by their codes",
        )
    };
    let waived_codes = section.get("waives", |node, p| list_of(node, waived, p), problems);
    let test = section.get(
        "test",
        |node, p| condition::predicate(node, scope, p),
        problems,
    );
    section.finish(problems);
    Some(FastTrack {
        code: code?,
        clause: clause?,
        title: title?,
        waives: waived_codes?,
        test: test?,
    })
}

/// What criteria are read with: the mode says at which moments they may be looked at.
type Context<'p> = (Option<Mode>, condition::Scope<'p>);

/// Requirements first, then exclusions, each in the order of the file.
fn criteria(
    root: &mut Section<'_>,
    context: Context<'_>,
    codes: &mut Vec<ReasonCode>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Criterion>> {
    let mut read = |key, kind, problems: &mut Problems<'_>| {
        let mut one = |node: Node<'_>, problems: &mut Problems<'_>| {
            criterion(node, kind, context, codes, problems)
        };
        root.get_optional(
            key,
            |node, problems| list_of(node, &mut one, problems),
            problems,
        )
    };
    let requirements = read("criterion", CriterionKind::Requirement, problems);
    let exclusions = read("exclusion", CriterionKind::Exclusion, problems);
    Some(
        [
            requirements?.unwrap_or_default(),
            exclusions?.unwrap_or_default(),
        ]
        .concat(),
    )
}

fn criterion(
    node: Node<'_>,
    kind: CriterionKind,
    context: Context<'_>,
    codes: &mut Vec<ReasonCode>,
    problems: &mut Problems<'_>,
) -> Option<Criterion> {
    let name = match kind {
        CriterionKind::Requirement => "a criterion",
        CriterionKind::Exclusion => "an exclusion",
    };
    let mut section = Section::of(node, name, problems)?;
    let code = section.get("code", |node, p| own_code(node, codes, p), problems);
    let (mode, scope) = context;
    let at = section.get_optional("at", |node, p| moments(node, mode, p), problems);
    let clause = section.get("clause", reader::bilingual, problems);
    let title = section.get("title", reader::bilingual, problems);
    let reason = section.get("reason", reader::bilingual, problems);
    let test = section.get(
        "test",
        |node, p| condition::predicate(node, scope, p),
        problems,
    );
    section.finish(problems);
    Some(Criterion {
        code: code?,
        kind,
        at: at?.unwrap_or_else(|| mode.map_or_else(Vec::new, |mode| mode.moments().to_vec())),
        clause: clause?,
        title: title?,
        reason: reason?,
        test: test?,
    })
}

/// Moments of the pack's mode, each once.
fn moments(node: Node<'_>, mode: Option<Mode>, problems: &mut Problems<'_>) -> Option<Vec<Moment>> {
    let one = |node: Node<'_>, problems: &mut Problems<'_>| {
        let moment = reader::word::<Moment>(node, problems)?;
        let of_mode = mode.is_none_or(|mode| mode.moments().contains(&moment));
        if of_mode {
            return Some(moment);
        }
        problems.note(
            &node.span(),
            format!("a pack of this mode decides nothing at a {}", moment.word()),
            "use the moments of its mode; docs/policies.md lists them",
        )
    };
    condition::distinct(list_of(node, one, problems)?, node, problems)
}

/// A code that neither this program nor another criterion uses.
fn own_code(
    node: Node<'_>,
    codes: &mut Vec<ReasonCode>,
    problems: &mut Problems<'_>,
) -> Option<ReasonCode> {
    let code = reader::parsed::<ReasonCode>(node, problems)?;
    if codes.contains(&code) {
        return problems.note(
            &node.span(),
            format!("the code {code} is taken, by another criterion or by the program itself"),
            "give each criterion a code of its own",
        );
    }
    codes.push(code.clone());
    Some(code)
}
