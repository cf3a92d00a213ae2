//! A firm's facts as a decision is given them.

use subsidy_ledger::policy::{Fact, Facts, Kind, Raw, Source, Span, Stated, StatedBy};
use subsidy_ledger::types::{Currency, Money};

use crate::firms::{FACTS, Firm, decision_day, more_facts};

/// The facts as the ledger has them: figures of the year before, and of each the source that may state it.
pub(crate) fn facts(firm: &Firm) -> Facts {
    let (day, year_end) = (decision_day(), "2019-12-31".parse().unwrap());
    let mut facts = Facts::new(Currency::Cny);
    for (fact, read) in FACTS {
        let value = read(firm);
        let source = source_of(fact);
        let as_of = match fact.spec().span {
            Span::Year => year_end,
            Span::Standing | Span::Case => day,
        };
        let stated = match fact.kind() {
            Kind::Money => facts.state_money(fact, Money::from_minor(value), source, as_of),
            Kind::Bool => facts.state(fact, Raw::Bool(value == 1), source, as_of),
            Kind::OneOf(words) => {
                let word = words.get(usize::try_from(value).unwrap()).unwrap();
                facts.state(fact, Raw::Text(word.name), source, as_of)
            }
            Kind::Count(_) | Kind::Quantity(_) | Kind::Date | Kind::Text => {
                facts.state(fact, Raw::Integer(value), source, as_of)
            }
        };
        stated.unwrap();
    }
    for (fact, value) in more_facts() {
        let stated = Stated {
            as_of: day,
            entry: None,
            source: source_of(fact),
            value,
        };
        facts.insert(fact, stated);
    }
    facts
}

const fn source_of(fact: Fact) -> Source {
    match fact.spec().stated_by {
        StatedBy::Applicant => Source::Declared,
        StatedBy::Office => Source::Verified,
        StatedBy::Ledger => Source::Imported,
    }
}
