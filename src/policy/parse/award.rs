//! Reads what is given at a moment: base, rate or tiers, caps.

use std::ops::Range;

use crate::policy::Moment;
use crate::policy::Ratio;
use crate::policy::award::{Award, Base, Cap, Over, Rate, Scope, Tier};
use crate::policy::problem::Problems;
use crate::types::{Currency, Money, Period};

use super::condition;
use super::reader::{self, Node, Section};

/// What every amount of a pack is read with.
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub(super) currency: Currency,
    /// `None` if the window itself is wrong: dated caps are then not compared with it.
    pub(super) in_force: Option<Period>,
}

pub(super) fn award(
    node: Node<'_>,
    moment: Moment,
    context: Context,
    problems: &mut Problems<'_>,
) -> Option<Award> {
    let name = match moment {
        Moment::Grant => "[grant]",
        Moment::Redemption => "[redemption]",
    };
    let mut section = Section::of(node, name, problems)?;
    let base = base(&mut section, moment, problems);
    let rate = rate(&mut section, context.currency, problems);
    let caps = section.get_optional(
        "cap",
        |node, problems| {
            reader::list_of(
                node,
                |cap, problems| self::cap(cap, moment, context, problems),
                problems,
            )
        },
        problems,
    );
    if let Some(Some(caps)) = &caps {
        refuse_double_caps(caps, &section.span, problems);
    }
    section.finish(problems);
    Some(Award {
        base: base?,
        rate: rate?,
        caps: caps?.unwrap_or_default(),
    })
}

fn base(section: &mut Section<'_>, moment: Moment, problems: &mut Problems<'_>) -> Option<Base> {
    let node = section.required("base", problems)?;
    let base = reader::word(node, problems)?;
    if (moment, base) == (Moment::Redemption, Base::RequestedAmount) {
        return problems.note(
            &node.span(),
            "a redemption pays part of a price, not of an amount applied for",
            "write base = \"service_price\"",
        );
    }
    Some(base)
}

fn rate(
    section: &mut Section<'_>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Rate> {
    let flat = section.optional("rate");
    let tiers = section.optional("tiers");
    let (node, tiers) = match (flat, tiers) {
        (Some(node), None) => {
            let ratio = reader::ratio(node, problems)?;
            (
                node,
                vec![Tier {
                    over: Money::ZERO,
                    up_to: None,
                    ratio,
                }],
            )
        }
        (None, Some(node)) => {
            let tier = |node, problems: &mut Problems<'_>| tier(node, currency, problems);
            let tiers = reader::list_of(node, tier, problems)?;
            (node, connected(tiers, node.span(), currency, problems)?)
        }
        (Some(_), Some(node)) => {
            return problems.note(
                &node.span(),
                "both `rate` and `tiers` are given",
                "keep one of them",
            );
        }
        (None, None) => {
            return problems.note(
                &section.span,
                "no `rate` and no `tiers`",
                "add rate = \"1/2\", or tiers = [ … ]; docs/policies.md shows how",
            );
        }
    };
    match Rate::new(tiers) {
        Some(rate) => Some(rate),
        None => problems.note(
            &node.span(),
            "these ratios have no common denominator below 1,000,000,000,000",
            "write them with simpler fractions",
        ),
    }
}

/// A tier and where it stands.
type PlacedTier = (Money, Option<Money>, Ratio, Range<usize>);

fn tier(node: Node<'_>, currency: Currency, problems: &mut Problems<'_>) -> Option<PlacedTier> {
    let mut section = Section::of(node, "a tier", problems)?;
    let over = section.get("over", reader::money(currency), problems);
    let up_to = section.get_optional("up_to", reader::money(currency), problems);
    let ratio = section.get("rate", reader::ratio, problems);
    section.finish(problems);
    let (over, up_to) = (over?, up_to?);
    if up_to.is_some_and(|up_to| up_to <= over) {
        return problems.note(
            &node.span(),
            "this tier ends before it begins",
            "`up_to` is larger than `over`; tiers stand in ascending order",
        );
    }
    Some((over, up_to, ratio?, node.span()))
}

/// Tiers that begin at zero, meet without gap or overlap, and end open.
fn connected(
    placed: Vec<PlacedTier>,
    list: Range<usize>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Vec<Tier>> {
    let mut expected = Some(Money::ZERO);
    let mut sound = true;
    let mut tiers = Vec::with_capacity(placed.len());
    for (over, up_to, ratio, span) in placed {
        let shown = over.to_text(currency);
        let problem = match expected {
            None => Some((
                "is never reached: the tier before it has no end".to_owned(),
                "give that one an `up_to`".to_owned(),
            )),
            Some(end) if over > end => {
                let end = end.to_text(currency);
                Some((
                    format!("leaves a gap from {end} to {shown}"),
                    format!("begin it with over = \"{end}\""),
                ))
            }
            Some(end) if over < end => {
                let end = end.to_text(currency);
                Some((
                    format!("overlaps the tier before it, which ends at {end}"),
                    format!("begin it with over = \"{end}\""),
                ))
            }
            Some(_) => None,
        };
        if let Some((wrong, remedy)) = problem {
            problems.note::<()>(&span, format!("the tier over {shown} {wrong}"), remedy);
            sound = false;
        }
        expected = up_to;
        tiers.push(Tier { over, up_to, ratio });
    }
    if let (Some(end), true) = (expected, sound) {
        let end = end.to_text(currency);
        return problems.note(
            &list,
            format!("the tiers say nothing above {end}"),
            format!("add a last tier without `up_to`: {{ over = \"{end}\", rate = \"0\" }}"),
        );
    }
    sound.then_some(tiers)
}

fn cap(
    node: Node<'_>,
    moment: Moment,
    context: Context,
    problems: &mut Problems<'_>,
) -> Option<Cap> {
    let mut section = Section::of(node, "a cap", problems)?;
    let scope = section.required("scope", problems).and_then(|node| {
        let scope = reader::word(node, problems)?;
        if (moment, scope) == (Moment::Redemption, Scope::Holding) {
            return problems.note(
                &node.span(),
                "a redemption adds nothing to what is held",
                "put the holding cap under [[grant.cap]]",
            );
        }
        Some(scope)
    });
    let amounts = amounts(&mut section, context, problems);
    let when = section.get_optional(
        "when",
        |node, problems| condition::predicate(node, context.currency, problems),
        problems,
    );
    let over = section.get_optional("over", reader::word, problems);
    let clause = section.get("clause", reader::bilingual, problems);
    section.finish(problems);
    Some(Cap {
        scope: scope?,
        amounts: amounts?,
        when: when?,
        over: over?.unwrap_or(Over::Reduce),
        clause: clause?,
    })
}

/// One amount for the whole window, or dated ones that cover it.
fn amounts(
    section: &mut Section<'_>,
    context: Context,
    problems: &mut Problems<'_>,
) -> Option<Vec<(Period, Money)>> {
    let single = section.optional("amount");
    let dated = section.optional("amounts");
    match (single, dated) {
        (Some(node), None) => {
            let amount = reader::money(context.currency)(node, problems)?;
            Some(vec![(context.in_force?, amount)])
        }
        (None, Some(node)) => {
            let one = |node, problems: &mut Problems<'_>| dated_amount(node, context, problems);
            let amounts = reader::list_of(node, one, problems)?;
            covering(amounts, node.span(), context.in_force?, problems)
        }
        (Some(_), Some(node)) => problems.note(
            &node.span(),
            "both `amount` and `amounts` are given",
            "keep one of them",
        ),
        (None, None) => problems.note(
            &section.span,
            "a cap has no amount",
            "add amount = \"20000.00\", or dated amounts = [ … ]",
        ),
    }
}

fn dated_amount(
    node: Node<'_>,
    context: Context,
    problems: &mut Problems<'_>,
) -> Option<(Period, Money, Range<usize>)> {
    let mut section = Section::of(node, "a dated amount", problems)?;
    let period = period(&mut section, problems);
    let amount = section.get("amount", reader::money(context.currency), problems);
    section.finish(problems);
    Some((period?, amount?, node.span()))
}

/// `from = 2020-01-01` and perhaps `until = 2021-01-01`.
pub(super) fn period(section: &mut Section<'_>, problems: &mut Problems<'_>) -> Option<Period> {
    let from = section.required("from", problems)?;
    let first = reader::date(from, problems);
    let until = section.get_optional(
        "until",
        |node, problems| reader::date(node, problems).map(|day| (node, day)),
        problems,
    );
    condition::period(first?, from, until?, problems)
}

/// Dated amounts must follow each other without gap or overlap, and cover the pack's window.
fn covering(
    amounts: Vec<(Period, Money, Range<usize>)>,
    list: Range<usize>,
    in_force: Period,
    problems: &mut Problems<'_>,
) -> Option<Vec<(Period, Money)>> {
    let mut next = Some(in_force.from());
    let mut sound = true;
    for (index, (period, _, span)) in amounts.iter().enumerate() {
        let day = period.from();
        let wrong = match next {
            None => Some("comes after an amount without end, so it is never reached".to_owned()),
            Some(next) if day > next => Some(format!("leaves a gap from {next} to {day}")),
            Some(next) if day < next && index > 0 => Some(format!(
                "overlaps the one before it, which lasts until {next}"
            )),
            Some(_) => None,
        };
        if let Some(wrong) = wrong {
            problems.note::<()>(
                span,
                format!("the amount from {day} {wrong}"),
                "let each begin on the day that the one before names as its `until`",
            );
            sound = false;
        }
        next = period.until();
    }
    let covered = match (next, in_force.until()) {
        (None, _) => true,
        (Some(end), Some(until)) => end >= until,
        (Some(_), None) => false,
    };
    if let (Some(end), true, false) = (next, sound, covered) {
        return problems.note(
            &list,
            format!("the amounts end on {end}, the policy is in force after that"),
            format!("add an amount from {end} on"),
        );
    }
    sound.then(|| {
        amounts
            .into_iter()
            .map(|(period, amount, _)| (period, amount))
            .collect()
    })
}

/// Of two caps of one scope for the same applicants only the smaller would ever bind.
fn refuse_double_caps(caps: &[Cap], span: &Range<usize>, problems: &mut Problems<'_>) {
    for (index, cap) in caps.iter().enumerate() {
        let mut earlier = caps.iter().take(index);
        if earlier.any(|other| other.scope == cap.scope && other.when == cap.when) {
            problems.note::<()>(
                span,
                format!(
                    "two caps are both {} for the same applicants",
                    cap.scope.code()
                ),
                "keep the smaller, or tell them apart with `when`",
            );
        }
    }
}
