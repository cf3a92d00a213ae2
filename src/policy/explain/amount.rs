//! The steps from base to amount, in sentences.

use super::Teller;
use crate::policy::pack::Words;
use crate::policy::phrase::percent;
use crate::policy::{Exact, Fact, Locale, ReasonCode, RoundingMode, Scope, Step, Sum};

impl Teller<'_> {
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
        let effect = if after == before {
            self.pick("不影响金额", "does not reduce the amount")
                .to_owned()
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
        let limit = limit.to_grouped_text();
        match self.locale {
            Locale::Zh => format!("{name} {limit}{rest}：{effect}。[{code}]"),
            Locale::En => format!("The {name} of {limit}{rest} {effect}. [{code}]"),
        }
    }

    /// What the base is made of: each fact with its value.
    fn basis(&self, of: &[Fact], value: Exact) -> String {
        let facts: Vec<_> = of
            .iter()
            .filter_map(|fact| {
                let stated = self.decision.facts.get(*fact)?;
                let (what, stated) = (
                    fact.spec().what(self.locale),
                    self.words.value(*fact, stated),
                );
                Some(format!("{what} {stated}"))
            })
            .collect();
        let (facts, value) = (facts.join(self.pick("，", ", ")), self.exact(value));
        match self.locale {
            Locale::Zh => format!("计算基数为 {value}，依据：{facts}。"),
            Locale::En => format!("The base is {value}, from {facts}."),
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

    fn exact(&self, exact: Exact) -> String {
        let whole = exact.whole().to_grouped_text();
        match (exact.rest(), self.locale) {
            (None, _) => whole,
            (Some(rest), Locale::Zh) => format!("{whole} 又 {rest} 最小货币单位"),
            (Some(rest), Locale::En) => format!("{whole} and {rest} of a minor unit"),
        }
    }
}
