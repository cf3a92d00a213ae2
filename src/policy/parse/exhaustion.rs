//! Reads what happens when the money runs out.

use crate::policy::Fact;
use crate::policy::pack::{Exhaustion, Words};
use crate::policy::problem::Problems;

use super::condition;
use super::reader::{self, Node, Section};

/// What happens to all cases alike.
#[derive(Clone, Copy)]
pub(in crate::policy) enum Word {
    FirstCome,
    ProRata,
    RatioFromDemand,
}

impl Words for Word {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("fcfs", Self::FirstCome),
        ("pro_rata", Self::ProRata),
        ("ratio_from_demand", Self::RatioFromDemand),
    ];
}

/// A word, or `{ top = 50, by = "waived_amount", within = "carrier_class", ties = ["claimed_on"] }`.
pub(super) fn exhaustion(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Exhaustion> {
    if !node.get_ref().is_table() {
        return Some(match reader::word(node, problems)? {
            Word::FirstCome => Exhaustion::FirstCome,
            Word::ProRata => Exhaustion::ProRata,
            Word::RatioFromDemand => Exhaustion::RatioFromDemand,
        });
    }
    let mut section = Section::of(node, "the exhaustion", problems)?;
    let number = section.get("top", reader::small_number, problems);
    let by = section.get("by", ordered, problems);
    let within = section.get_optional("within", condition::word_fact, problems);
    let ties = section.get(
        "ties",
        |node, problems| reader::list_of(node, condition::fact, problems),
        problems,
    );
    section.finish(problems);
    match number? {
        0 => problems.note(&node.span(), "the first zero are nobody", "write top = 50"),
        number => Some(Exhaustion::Top {
            number: u32::from(number),
            by: by?,
            within: within?,
            ties: ties?,
        }),
    }
}

fn ordered(node: Node<'_>, problems: &mut Problems<'_>) -> Option<Fact> {
    let ordered = crate::policy::Kind::ordered;
    condition::fact_of(node, ordered, "an amount, a number or a date", problems)
}
