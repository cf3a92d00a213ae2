//! Reads what is given at a moment: bases, rates or tiers, caps.

use std::ops::Range;

use crate::policy::award::{
    Award, Base, Cap, ConditionalRate, Factor, FactorOf, Limit, Most, Over, Rate, Scope, Term, Tier,
};
use crate::policy::facts::Kind;
use crate::policy::predicate::Predicate;
use crate::policy::problem::Problems;
use crate::policy::{Fact, Moment, Ratio};
use crate::types::{Currency, Money, Period};

use super::reader::{self, Node, Section};
use super::{condition, contradiction};

/// What every amount of a pack is read with.
#[derive(Clone, Copy)]
pub(super) struct Context<'p> {
    pub(super) conditions: condition::Scope<'p>,
    /// `None` if the window itself is wrong: dated caps are then not compared with it.
    pub(super) in_force: Option<Period>,
}

impl Context<'_> {
    pub(super) const fn currency(self) -> Currency {
        self.conditions.currency
    }
}

pub(super) fn award(
    node: Node<'_>,
    moment: Moment,
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Award> {
    let name = format!("[{}]", moment.word());
    let mut section = Section::of(node, &name, problems)?;
    let base = section.optional("base");
    let bases = match base {
        None => Some(Vec::new()),
        Some(node) => bases(node, moment, context, problems),
    };
    let rates = rates(&mut section, context, problems);
    if let Some(rates) = &rates {
        let wants_base = rates.iter().any(|rate| matches!(rate.rate, Rate::Tiers(_)));
        match (wants_base, base) {
            (true, None) => {
                problems.note::<()>(
                    &section.span,
                    format!("{name} has a rate, and no `base` that it applies to"),
                    "add base = \"service_price\", or another fact that is money",
                );
            }
            (false, Some(base)) => {
                problems.note::<()>(
                    &base.span(),
                    "a fixed amount has no base",
                    "remove `base`, or give a rate",
                );
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
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
        bases: bases?,
        rates: rates?,
        caps: caps?.unwrap_or_default(),
    })
}

/// Of items with conditions, notes those that come after one for everybody, or after one with the same condition.
pub(super) fn refuse_unreachable<'p>(
    items: impl Iterator<Item = (Option<&'p Predicate>, Range<usize>)>,
    what: &str,
    problems: &mut Problems<'_>,
) {
    let mut before: Vec<Option<&Predicate>> = Vec::new();
    for (when, span) in items {
        let is_taken = |earlier: Option<&Predicate>| match (earlier, when) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(earlier), Some(when)) => contradiction::covers(earlier, when),
        };
        if before.iter().copied().any(is_taken) {
            problems.note::<()>(
                &span,
                format!(
                    "this {what} is never reached: one before it is for the same or for everybody"
                ),
                "order them from the narrowest `when`, the one without it last",
            );
        }
        before.push(when);
    }
}

/// A fact, a table, or a list of tables of which the first that holds is taken.
fn bases(
    node: Node<'_>,
    moment: Moment,
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<Base>> {
    if node.get_ref().is_str() {
        let fact = base_fact(node, moment, true, problems)?;
        return Some(vec![Base {
            when: None,
            terms: vec![plain(fact)],
            less: Vec::new(),
        }]);
    }
    if node.get_ref().is_table() {
        return Some(vec![base(node, moment, context, problems)?]);
    }
    let placed = reader::list_of(
        node,
        |node, problems| Some((base(node, moment, context, problems)?, node.span())),
        problems,
    )?;
    refuse_unreachable(
        placed
            .iter()
            .map(|(base, span)| (base.when.as_ref(), span.clone())),
        "base",
        problems,
    );
    Some(placed.into_iter().map(|(base, _)| base).collect())
}

const fn plain(fact: Fact) -> Term {
    Term {
        fact,
        at_most: None,
        times: Vec::new(),
    }
}

fn base(
    node: Node<'_>,
    moment: Moment,
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Base> {
    let mut section = Section::of(node, "a base", problems)?;
    let when = when(&mut section, context, problems);
    let terms = if let Some(sum) = section.optional("sum") {
        let mut first = true;
        let one = |node: Node<'_>, problems: &mut Problems<'_>| {
            let mut section = Section::of(node, "a term", problems)?;
            let term = term(&mut section, moment, first, context, problems);
            first = false;
            section.finish(problems);
            term
        };
        reader::list_of(sum, one, problems)
    } else {
        term(&mut section, moment, true, context, problems).map(|term| vec![term])
    };
    let less = section.get_optional(
        "less",
        |node, problems| {
            reader::list_of(
                node,
                |node, problems| base_fact(node, moment, false, problems),
                problems,
            )
        },
        problems,
    );
    section.finish(problems);
    Some(Base {
        when: when?,
        terms: terms?,
        less: less?.unwrap_or_default(),
    })
}

#[expect(clippy::option_option, reason = "absent and wrong are two answers")]
pub(super) fn when(
    section: &mut Section<'_>,
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Option<Predicate>> {
    section.get_optional(
        "when",
        |node, problems| condition::predicate(node, context.conditions, problems),
        problems,
    )
}

fn term(
    section: &mut Section<'_>,
    moment: Moment,
    first: bool,
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Term> {
    let fact = section.get(
        "fact",
        |node, problems| base_fact(node, moment, first, problems),
        problems,
    );
    let at_most = section.get_optional(
        "at_most",
        |node, problems| {
            if node.get_ref().is_table() {
                let mut section = Section::of(node, "a limit", problems)?;
                let fact = section.get(
                    "fact",
                    |node, p| base_fact(node, moment, false, p),
                    problems,
                );
                section.finish(problems);
                fact.map(Limit::Fact)
            } else {
                condition::value(fact?, node, context.currency(), problems).map(Limit::Value)
            }
        },
        problems,
    );
    let times = section.get_optional(
        "times",
        |node, problems| reader::list_of(node, |node, p| factor(node, context, p), problems),
        problems,
    );
    Some(Term {
        fact: fact?,
        at_most: at_most?,
        times: times?.unwrap_or_default(),
    })
}

fn factor(node: Node<'_>, context: Context<'_>, problems: &mut Problems<'_>) -> Option<Factor> {
    let mut section = Section::of(node, "a factor", problems)?;
    let number = section.get_optional("number", positive, problems);
    let numeric = |kind| matches!(kind, Kind::Count(_) | Kind::Quantity(_));
    let fact = section.get_optional(
        "fact",
        |node, problems| condition::fact_of(node, numeric, "a number", problems),
        problems,
    );
    let at_most = section.get_optional(
        "at_most",
        |node, problems| {
            let fact = fact.flatten()?;
            condition::value(fact, node, context.currency(), problems)
        },
        problems,
    );
    let per = section.get_optional("per", positive, problems);
    section.finish(problems);
    let number = match (number?, fact?) {
        (Some(number), None) => FactorOf::Number(number),
        (None, Some(fact)) => FactorOf::Fact(fact, at_most?),
        (_, _) => {
            return problems.note(
                &node.span(),
                "a factor is either a number or a fact",
                "write { number = 12 }, or { fact = \"area\" }",
            );
        }
    };
    Some(Factor {
        number,
        per: per?.unwrap_or(1),
    })
}

fn positive(node: Node<'_>, problems: &mut Problems<'_>) -> Option<u32> {
    match reader::small_number(node, problems)? {
        0 => problems.note(&node.span(), "zero", "write a whole number from 1"),
        number => Some(u32::from(number)),
    }
}

/// A fact that is money. The first of a voucher's base is what the voucher is asked or used for.
fn base_fact(
    node: Node<'_>,
    moment: Moment,
    first: bool,
    problems: &mut Problems<'_>,
) -> Option<Fact> {
    let fact = condition::fact_of(
        node,
        |kind| kind == Kind::Money,
        "an amount of money",
        problems,
    )?;
    let wrong = match (moment, fact) {
        _ if !first => None,
        (Moment::Redemption, Fact::ServicePrice)
        | (Moment::Grant, Fact::ServicePrice | Fact::RequestedAmount)
        | (Moment::Claim | Moment::Recognition, _) => None,
        (Moment::Redemption, _) => Some((
            "a redemption pays part of a price, not of another amount",
            "begin the base with \"service_price\"",
        )),
        (Moment::Grant, _) => Some((
            "a voucher is granted for a price or for an amount applied for",
            "begin the base with \"service_price\" or \"requested_amount\"",
        )),
    };
    match wrong {
        None => Some(fact),
        Some((wrong, remedy)) => problems.note(&node.span(), wrong, remedy),
    }
}

/// `rate`, `tiers`, `flat`, or a list of them with conditions under `rates`.
fn rates(
    section: &mut Section<'_>,
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<ConditionalRate>> {
    let Some(node) = section.optional("rates") else {
        let rate = rate(section, context.currency(), problems)?;
        return Some(vec![ConditionalRate { when: None, rate }]);
    };
    if rate_nodes(section).iter().any(Option::is_some) {
        return problems.note(
            &node.span(),
            "`rates` and another rate are given",
            "keep one of them",
        );
    }
    let one = |node: Node<'_>, problems: &mut Problems<'_>| {
        let mut section = Section::of(node, "a rate", problems)?;
        let when = when(&mut section, context, problems);
        let rate = rate(&mut section, context.currency(), problems);
        section.finish(problems);
        let (when, rate) = (when?, rate?);
        Some((ConditionalRate { when, rate }, node.span()))
    };
    let placed = reader::list_of(node, one, problems)?;
    refuse_unreachable(
        placed
            .iter()
            .map(|(rate, span)| (rate.when.as_ref(), span.clone())),
        "rate",
        problems,
    );
    Some(placed.into_iter().map(|(rate, _)| rate).collect())
}

fn rate_nodes<'t>(section: &mut Section<'t>) -> [Option<Node<'t>>; 3] {
    ["rate", "tiers", "flat"].map(|key| section.optional(key))
}

fn rate(
    section: &mut Section<'_>,
    currency: Currency,
    problems: &mut Problems<'_>,
) -> Option<Rate> {
    match rate_nodes(section) {
        [Some(node), None, None] => Some(Rate::Tiers(vec![Tier {
            over: Money::ZERO,
            up_to: None,
            ratio: reader::ratio(node, problems)?,
        }])),
        [None, Some(node), None] => {
            let tier = |node, problems: &mut Problems<'_>| tier(node, currency, problems);
            let tiers = reader::list_of(node, tier, problems)?;
            connected(tiers, node.span(), currency, problems).map(Rate::Tiers)
        }
        [None, None, Some(node)] => {
            let amount = reader::money(currency)(node, problems)?;
            if amount == Money::ZERO {
                return problems.note(&node.span(), "nothing is given", "give an amount");
            }
            Some(Rate::Flat(amount))
        }
        [None, None, None] => problems.note(
            &section.span,
            "no `rate`, `tiers`, `flat` or `rates`",
            "add rate = \"1/2\", or tiers = [ … ]; docs/policies.md shows how",
        ),
        nodes => {
            let span = nodes.iter().flatten().last().map(|node| node.span());
            problems.note(
                &span.unwrap_or(section.span.clone()),
                "more than one of `rate`, `tiers` and `flat` is given",
                "keep one of them",
            )
        }
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
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Cap> {
    let mut section = Section::of(node, "a cap", problems)?;
    let scope = section.required("scope", problems).and_then(|node| {
        let scope = reader::word(node, problems)?;
        if scope == Scope::Holding && moment != Moment::Grant {
            return problems.note(
                &node.span(),
                "only a grant adds to what is held",
                "put the holding cap under [[grant.cap]]",
            );
        }
        Some(scope)
    });
    let most = match scope {
        None => None,
        Some(scope) if scope.counts() => section.get("count", positive, problems).map(Most::Count),
        Some(Scope::Unit) => {
            let amounts = amounts(&mut section, context, problems);
            let counts = |kind| matches!(kind, Kind::Count(_));
            let per = section.get(
                "per",
                |node, problems| condition::fact_of(node, counts, "a count", problems),
                problems,
            );
            amounts
                .zip(per)
                .map(|(amounts, per)| Most::PerUnit(amounts, per))
        }
        Some(_) => amounts(&mut section, context, problems).map(Most::Amount),
    };
    let when = when(&mut section, context, problems);
    let over = section.get_optional("over", reader::word, problems);
    let clause = section.get("clause", reader::bilingual, problems);
    let scope = scope?; // without it, which keys belong to the cap is not known
    section.finish(problems);
    Some(Cap {
        scope,
        most: most?,
        when: when?,
        over: over?.unwrap_or(Over::Reduce),
        clause: clause?,
    })
}

/// One amount for the whole window, or dated ones that cover it.
fn amounts(
    section: &mut Section<'_>,
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<Vec<(Period, Money)>> {
    let single = section.optional("amount");
    let dated = section.optional("amounts");
    match (single, dated) {
        (Some(node), None) => {
            let amount = reader::money(context.currency())(node, problems)?;
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
    context: Context<'_>,
    problems: &mut Problems<'_>,
) -> Option<(Period, Money, Range<usize>)> {
    let mut section = Section::of(node, "a dated amount", problems)?;
    let period = period(&mut section, problems);
    let amount = section.get("amount", reader::money(context.currency()), problems);
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
