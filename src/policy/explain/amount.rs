//! The steps from base to amount, in sentences. What a step does not hold is told from the pack: by what limits and
//! factors a base comes about, whom a rate or a cap is for.

use super::Teller;
use crate::policy::assess::chosen;
use crate::policy::award::{Award, Cap, Most, Over, amount_on};
use crate::policy::pack::Words;
use crate::policy::phrase::percent;
use crate::policy::predicate::{Outcome, Predicate, Sight};
use crate::policy::{Exact, Locale, ReasonCode, RoundingMode, Scope, Step, Sum};

impl Teller<'_> {
    /// Every step, and before the first part of the rate whom that rate is for.
    pub(super) fn steps(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut rate = self.chosen_rate();
        for step in &self.decision.steps {
            if matches!(step, Step::Rate { .. } | Step::Flat { .. }) {
                sentences.extend(rate.take());
            }
            sentences.extend(self.step(step));
        }
        sentences
    }

    pub(super) const fn sight(&self) -> Sight<'_> {
        Sight {
            seen: &self.decision.facts,
            measures: self.measures,
        }
    }

    pub(super) fn award(&self) -> Option<&Award> {
        self.policy.award(self.decision.moment)
    }

    /// Whom the rate is for, where the pack has others for others.
    fn chosen_rate(&self) -> Option<String> {
        let rates = &self.award()?.rates;
        let rate = chosen(
            rates,
            |rate| rate.when.as_ref(),
            self.sight(),
            &mut Vec::new(),
        )?;
        Some(match (&rate.when, self.locale) {
            (Some(when), Locale::Zh) => format!("适用标准：{}。", self.words.condition(when)),
            (Some(when), Locale::En) => {
                format!("The rate is that for: {}.", self.words.condition(when))
            }
            (None, _) if rates.len() == 1 => return None,
            (None, _) => self
                .pick("适用标准：其他情形。", "The rate is that for all others.")
                .to_owned(),
        })
    }

    /// A step, unless it is a rounding that changed nothing.
    pub(super) fn step(&self, step: &Step) -> Option<String> {
        Some(match step {
            Step::Base { fact, value } => {
                let (what, value) = (fact.spec().what(self.locale), value.to_grouped_text());
                match self.locale {
                    Locale::Zh => format!("计算基数为{what}：{value}。"),
                    Locale::En => format!("The base is {what}: {value}."),
                }
            }
            Step::Basis { of, value } => self.basis(of, *value),
            Step::Flat { amount } => {
                let amount = amount.to_grouped_text();
                match self.locale {
                    Locale::Zh => format!("定额 {amount}。"),
                    Locale::En => format!("A fixed amount of {amount}."),
                }
            }
            Step::Count { code, limit, used } => self.count_step(code, *limit, *used),
            Step::Proportion {
                after,
                before,
                budget,
                demand,
            } => {
                let (budget, demand) = (budget.to_grouped_text(), demand.to_grouped_text());
                let (before, after) = (self.exact(*before), self.exact(*after));
                match self.locale {
                    Locale::Zh => {
                        format!("预算 {budget}，需求 {demand}，按比例由 {before} 计为 {after}。")
                    }
                    Locale::En => format!(
                        "A budget of {budget} for a demand of {demand}: {before} becomes {after}."
                    ),
                }
            }
            Step::Rate { gives, of, ratio } => {
                let (of, gives) = (self.exact(*of), self.exact(*gives));
                match self.locale {
                    Locale::Zh => format!("其中 {of} 按 {} 计：{gives}。", percent(*ratio)),
                    Locale::En => format!("{} of {of}: {gives}.", percent(*ratio)),
                }
            }
            Step::Cap {
                after,
                before,
                code,
                left,
                limit,
            } => self.cap_step((*before, *after), code, *left, *limit),
            Step::Rounding { after, before } => {
                if before.rest().is_none() && before.whole() == *after {
                    return None;
                }
                let (before, after) = (self.exact(*before), after.to_grouped_text());
                let how = match self.policy.rounding.mode {
                    RoundingMode::HalfUp => self.pick("四舍五入", "Rounded half up"),
                    RoundingMode::Down => self.pick("向下取整", "Rounded down"),
                    RoundingMode::Up => self.pick("向上取整", "Rounded up"),
                };
                match self.locale {
                    Locale::Zh => format!("{how}：{before}，计为 {after}。"),
                    Locale::En => format!("{how}: {before} is {after}."),
                }
            }
        })
    }

    fn cap_step(
        &self,
        (before, after): (Exact, Exact),
        code: &ReasonCode,
        left: Sum,
        limit: Sum,
    ) -> String {
        let name = self.cap(code);
        let from = self.cap_of_pack(code, limit);
        let effect = if after == before {
            self.pick("不影响金额", "does not reduce the amount")
                .to_owned()
        } else if from.is_some_and(|cap| cap.over == Over::Refuse) {
            let before = self.exact(before);
            match self.locale {
                Locale::Zh => format!("不足 {before}，整笔不予支持"),
                Locale::En => format!("does not allow {before}: refused as a whole"),
            }
        } else {
            let (before, after) = (self.exact(before), self.exact(after));
            match self.locale {
                Locale::Zh => format!("金额由 {before} 减至 {after}"),
                Locale::En => format!("reduces {before} to {after}"),
            }
        };
        let rest = match (left == limit, self.locale) {
            (true, _) => String::new(),
            (false, Locale::Zh) => format!("，尚余 {}", left.to_grouped_text()),
            (false, Locale::En) => format!(", of which {} is left,", left.to_grouped_text()),
        };
        let from = from.map_or_else(String::new, |cap| self.cap_terms(cap));
        let limit = limit.to_grouped_text();
        match self.locale {
            Locale::Zh => format!("{name} {limit}{from}{rest}：{effect}。[{code}]"),
            Locale::En => format!("The {name} of {limit}{from}{rest} {effect}. [{code}]"),
        }
    }

    /// The cap that a step applied.
    fn cap_of_pack(&self, code: &ReasonCode, limit: Sum) -> Option<&Cap> {
        let (sight, on) = (self.sight(), self.decision.on);
        self.award()?.caps.iter().find(|cap| {
            cap.scope.code() == *code
                && cap.concerned(sight) == Outcome::Pass
                && cap.limit(sight, on) == Some(limit.money())
        })
    }

    /// What a limit is made of, and whom it concerns, in brackets.
    fn cap_terms(&self, cap: &Cap) -> String {
        let mut terms = Vec::new();
        if let Most::PerUnit(amounts, fact) = &cap.most
            && let Some(each) = amount_on(amounts, self.decision.on)
            && let Some(units) = self.decision.facts.get(*fact)
        {
            let (what, units, each) = (
                fact.spec().what(self.locale),
                self.words.measured(*fact, units),
                self.words.money(each),
            );
            terms.push(match self.locale {
                Locale::Zh => format!("每单位 {each}，{what} {units}"),
                Locale::En => format!("{each} for each of {what}: {units}"),
            });
        }
        terms.extend(cap.when.as_ref().map(|when| self.concerns(when)));
        match (terms.is_empty(), self.locale) {
            (true, _) => String::new(),
            (false, Locale::Zh) => format!("（{}）", terms.join("；")),
            (false, Locale::En) => format!(" ({})", terms.join("; ")),
        }
    }

    pub(super) fn concerns(&self, when: &Predicate) -> String {
        let condition = self.words.condition(when);
        match self.locale {
            Locale::Zh => format!("适用于：{condition}"),
            Locale::En => format!("for: {condition}"),
        }
    }

    fn count_step(&self, code: &ReasonCode, limit: u32, used: u32) -> String {
        let name = self.cap(code);
        match self.locale {
            Locale::Zh => format!("{name} {limit} 次，已有 {used} 次。[{code}]"),
            Locale::En => format!("The {name} is {limit}, {used} given before. [{code}]"),
        }
    }

    fn cap(&self, code: &ReasonCode) -> &'static str {
        let scopes = Scope::WORDS.iter().map(|(_, scope)| *scope);
        let known = scopes.into_iter().find(|scope| scope.code() == *code);
        match known {
            Some(scope) => self.words.cap(scope),
            None if *code == ReasonCode::CAP_HOLDING_BALANCE => {
                self.pick("持有余额", "balance held")
            }
            None => self.pick("上限", "limit"),
        }
    }

    pub(super) fn exact(&self, exact: Exact) -> String {
        let whole = exact.whole().to_grouped_text();
        match (exact.rest(), self.locale) {
            (None, _) => whole,
            (Some(rest), Locale::Zh) => format!("{whole} 又 {rest} 最小货币单位"),
            (Some(rest), Locale::En) => format!("{whole} and {rest} of a minor unit"),
        }
    }
}
