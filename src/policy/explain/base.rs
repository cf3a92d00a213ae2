//! How a base comes about, in a sentence: each fact with the limit and the factors that the pack puts on it.

use super::Teller;
use crate::policy::assess::chosen;
use crate::policy::award::{Base, Factor, FactorOf, Limit, Term};
use crate::policy::facts::Value;
use crate::policy::{Exact, Fact, Locale};

impl Teller<'_> {
    /// The base as the pack makes it; only its facts, should the pack have no such base.
    pub(super) fn basis(&self, of: &[Fact], value: Exact) -> String {
        let base = self.base_of(of);
        let made = base.map_or_else(|| self.named(of), |base| self.made(base));
        let whom = base.and_then(|base| base.when.as_ref());
        let whom = whom.map_or_else(String::new, |when| {
            let concerns = self.concerns(when);
            match self.locale {
                Locale::Zh => format!("（{concerns}）"),
                Locale::En => format!(" ({concerns})"),
            }
        });
        let value = self.exact(value);
        match self.locale {
            Locale::Zh => format!("计算基数{whom}为 {value}：{made}。"),
            Locale::En => format!("The base{whom} is {value}: {made}."),
        }
    }

    /// The base that was taken, which is made of these facts.
    fn base_of(&self, of: &[Fact]) -> Option<&Base> {
        let base = chosen(
            &self.award()?.bases,
            |base| base.when.as_ref(),
            self.sight(),
            &mut Vec::new(),
        )?;
        let mut facts = Vec::new();
        base.facts(&mut facts);
        (facts == of).then_some(base)
    }

    fn named(&self, of: &[Fact]) -> String {
        let facts: Vec<_> = of.iter().filter_map(|fact| self.stated(*fact)).collect();
        self.words.list(&facts)
    }

    /// A fact with its value.
    fn stated(&self, fact: Fact) -> Option<String> {
        let value = self.decision.facts.get(fact)?;
        let (what, value) = (
            fact.spec().what(self.locale),
            self.words.measured(fact, value),
        );
        Some(format!("{what} {value}"))
    }

    fn made(&self, base: &Base) -> String {
        let mut parts: Vec<String> = match base.terms.as_slice() {
            [only] => vec![self.term(only)],
            terms => {
                let terms: Vec<_> = terms.iter().map(|term| self.summand(term)).collect();
                vec![terms.join(self.pick("；加上", "; plus "))]
            }
        };
        let less = base.less.iter().filter_map(|fact| self.stated(*fact));
        parts.extend(less.map(|fact| match self.locale {
            Locale::Zh => format!("减去{fact}"),
            Locale::En => format!("less {fact}"),
        }));
        self.words.list(&parts)
    }

    /// A term of several, with what it comes to.
    fn summand(&self, term: &Term) -> String {
        let value = term.value(self.sight());
        let value = value.map(|value| self.exact(value.shown(self.policy.currency)));
        let term = self.term(term);
        match (value, self.locale) {
            (None, _) => term,
            (Some(value), Locale::Zh) => format!("{term}，计 {value}"),
            (Some(value), Locale::En) => format!("{term}, which is {value}"),
        }
    }

    /// The amount, its limit, what it is multiplied by.
    fn term(&self, term: &Term) -> String {
        let mut text = self.stated(term.fact).unwrap_or_default();
        let found = self.decision.facts.get(term.fact);
        text += &match (&term.at_most, found) {
            (Some(Limit::Value(most)), Some(found)) => self.limited(term.fact, found, most),
            (Some(Limit::Fact(other)), Some(found)) => self.limited_by(found, *other),
            (_, _) => String::new(),
        };
        for factor in &term.times {
            text += &self.factor(factor);
        }
        text
    }

    /// That no more than a limit counts.
    fn limited(&self, fact: Fact, found: &Value, most: &Value) -> String {
        let limit = self.words.measured(fact, most);
        match (found > most, self.locale) {
            (true, Locale::Zh) => format!("（最多计 {limit}）"),
            (true, Locale::En) => format!(" (of which {limit} at most counts)"),
            (false, Locale::Zh) => format!("（未超过上限 {limit}）"),
            (false, Locale::En) => format!(" (within the limit of {limit})"),
        }
    }

    /// That the smaller of two counts.
    fn limited_by(&self, found: &Value, other: Fact) -> String {
        let Some(most) = self.decision.facts.get(other) else {
            return String::new();
        };
        let limit = self.stated(other).unwrap_or_default();
        match (found > most, self.locale) {
            (true, Locale::Zh) => format!("，大于{limit}，按较小者计"),
            (true, Locale::En) => format!(" is more than {limit}, and the smaller counts"),
            (false, Locale::Zh) => format!("，不大于{limit}，按较小者计"),
            (false, Locale::En) => format!(" is not more than {limit}, and the smaller counts"),
        }
    }

    fn factor(&self, factor: &Factor) -> String {
        let number = match &factor.number {
            FactorOf::Number(number) => number.to_string(),
            FactorOf::Fact(fact, most) => {
                let mut text = self.stated(*fact).unwrap_or_default();
                if let (Some(most), Some(found)) = (most, self.decision.facts.get(*fact)) {
                    text += &self.limited(*fact, found, most);
                }
                text
            }
        };
        match (factor.per, self.locale) {
            (1, Locale::Zh) => format!("，乘以{}", spaced(&number)),
            (1, Locale::En) => format!(", times {number}"),
            (per, Locale::Zh) => format!("，乘以{}，除以 {per}", spaced(&number)),
            (per, Locale::En) => format!(", times {number}, divided by {per}"),
        }
    }
}

/// Numbers stand apart from Chinese characters, words don't.
fn spaced(text: &str) -> String {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        format!(" {text}")
    } else {
        text.to_owned()
    }
}
