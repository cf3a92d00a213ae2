//! The one place that words conditions, values and bounds: for the sentences of a decision and for what differs
//! between two packs.

use super::facts::{Kind, Unit, Value};
use super::predicate::{Bound, Comparison, Operand, Predicate};
use super::{Bilingual, Fact, Locale, Moment, Payee, Policy, Ratio, Scope, Source};
use crate::types::{Money, Period};

/// Words of one pack in one language.
#[derive(Clone, Copy)]
pub(super) struct Phrases<'p> {
    pub(super) policy: &'p Policy,
    pub(super) locale: Locale,
}

impl Phrases<'_> {
    pub(super) const fn pick<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        match self.locale {
            Locale::Zh => zh,
            Locale::En => en,
        }
    }

    pub(super) fn title<'t>(&self, text: &'t Bilingual) -> &'t str {
        text.get(self.locale)
    }

    /// What a fact is.
    pub(super) fn what(&self, fact: Fact) -> &'static str {
        fact.spec().what(self.locale)
    }

    /// Several, with a separator of the language.
    pub(super) fn list(&self, parts: &[String]) -> String {
        parts.join(self.pick("，", ", "))
    }

    pub(super) fn money(&self, money: Money) -> String {
        let currency = self.policy.currency;
        format!("{} {currency}", money.to_grouped_text(currency))
    }

    pub(super) fn value(&self, fact: Fact, value: &Value) -> String {
        match (value, fact.kind()) {
            (Value::Bool(true), _) => self.pick("是", "yes").to_owned(),
            (Value::Bool(false), _) => self.pick("否", "no").to_owned(),
            (Value::Choice(word), _) => self.pick(word.zh, word.en).to_owned(),
            (_, Kind::Money) => format!("{value} {}", self.policy.currency),
            (Value::Quantity(_), Kind::Quantity(unit)) => {
                format!("{value} {}", unit.label(self.locale))
            }
            _ => value.to_string(),
        }
    }

    /// As [`Phrases::value`], a count with what it counts where that has a word of its own.
    pub(super) fn measured(&self, fact: Fact, value: &Value) -> String {
        let (Value::Count(number), Kind::Count(unit)) = (value, fact.kind()) else {
            return self.value(fact, value);
        };
        let label = match unit {
            Unit::Items | Unit::Year => return number.to_string(),
            Unit::Persons
            | Unit::Days
            | Unit::Months
            | Unit::Years
            | Unit::Points
            | Unit::SquareMetres
            | Unit::Percent => unit.label(self.locale),
        };
        let label = if *number == 1 {
            label.trim_end_matches('s')
        } else {
            label
        };
        format!("{number} {label}")
    }

    pub(super) const fn how(&self, comparison: Comparison) -> &'static str {
        match comparison {
            Comparison::AtLeast => self.pick("不少于", "at least"),
            Comparison::MoreThan => self.pick("超过", "more than"),
            Comparison::AtMost => self.pick("不超过", "at most"),
            Comparison::LessThan => self.pick("不足", "less than"),
            Comparison::Is => self.pick("为", "exactly"),
        }
    }

    /// Of days one says before and after.
    const fn how_of(&self, fact: Fact, comparison: Comparison) -> &'static str {
        if !matches!(fact.kind(), Kind::Date) {
            return self.how(comparison);
        }
        match comparison {
            Comparison::AtLeast => self.pick("不早于", "not before"),
            Comparison::MoreThan => self.pick("晚于", "after"),
            Comparison::AtMost => self.pick("不晚于", "not after"),
            Comparison::LessThan => self.pick("早于", "before"),
            Comparison::Is => self.pick("为", "on"),
        }
    }

    pub(super) fn bound(&self, fact: Fact, bound: &Bound) -> String {
        let text = |how, value| format!("{} {}", self.how_of(fact, how), self.value(fact, value));
        match bound {
            Bound::AtLeast(value) => text(Comparison::AtLeast, value),
            Bound::MoreThan(value) => text(Comparison::MoreThan, value),
            Bound::AtMost(value) => text(Comparison::AtMost, value),
            Bound::LessThan(value) => text(Comparison::LessThan, value),
            Bound::Is(value) => self.value(fact, value),
            Bound::OneOf(values) => {
                let values: Vec<_> = values.iter().map(|value| self.value(fact, value)).collect();
                values.join(self.pick("或", " or "))
            }
            Bound::Within(period) => self.period(*period),
        }
    }

    pub(super) fn period(&self, period: Period) -> String {
        let from = period.from();
        match (period.until(), self.locale) {
            (None, Locale::Zh) => format!("自 {from} 起"),
            (None, Locale::En) => format!("from {from} on"),
            (Some(until), Locale::Zh) => format!("自 {from} 起，{until} 之前"),
            (Some(until), Locale::En) => format!("from {from}, before {until}"),
        }
    }

    pub(super) fn operand(&self, operand: Operand) -> String {
        match (operand, self.locale) {
            (Operand::Fact(fact), _) => self.what(fact).to_owned(),
            (Operand::YearOf(fact), Locale::Zh) => format!("{}所在年度", self.what(fact)),
            (Operand::YearOf(fact), Locale::En) => format!("the year of {}", self.what(fact)),
            (Operand::Year(year), _) => year.to_string(),
        }
    }

    /// `value` is what the other side is found to be.
    pub(super) fn against(
        &self,
        comparison: Comparison,
        other: Operand,
        value: Option<String>,
    ) -> String {
        let name = self.operand(other);
        let how = match other {
            Operand::Fact(fact) => self.how_of(fact, comparison),
            Operand::YearOf(_) | Operand::Year(_) => self.how(comparison),
        };
        match (other, value) {
            (Operand::Year(_), _) | (_, None) => format!("{how} {name}"),
            (_, Some(value)) => match self.locale {
                Locale::Zh => format!("{how}{name} {value}"),
                Locale::En => format!("{how} {name}, {value}"),
            },
        }
    }

    pub(super) fn span(&self, from: Fact, to: Fact) -> String {
        let (begin, end) = (self.what(from), self.what(to));
        match self.locale {
            Locale::Zh => format!("自{begin}至{end}"),
            Locale::En => format!("from {begin} to {end}"),
        }
    }

    pub(super) fn months(&self, comparison: Comparison, months: u16) -> String {
        let how = self.how(comparison);
        match self.locale {
            Locale::Zh => format!("{how} {months} 个月"),
            Locale::En => format!("{how} {months} months"),
        }
    }

    pub(super) fn ratio_of(&self, of: Fact, to: Fact) -> String {
        let (part, whole) = (self.what(of), self.what(to));
        match self.locale {
            Locale::Zh if of.kind() == to.kind() => format!("{part}占{whole}之比"),
            Locale::Zh => format!("{part}与{whole}之比"),
            Locale::En => format!("{part} to {whole}"),
        }
    }

    /// A percentage of a whole; of something else, the fraction.
    pub(super) fn ratio_bound(
        &self,
        (of, to): (Fact, Fact),
        comparison: Comparison,
        ratio: Ratio,
    ) -> String {
        let bound = if of.kind() == to.kind() {
            percent(ratio)
        } else {
            ratio.to_string()
        };
        format!("{} {bound}", self.how(comparison))
    }

    /// Size classes are told in both languages; other classes by their names.
    pub(super) fn class_word<'t>(&self, name: &'t str) -> &'t str {
        match (name, self.locale) {
            ("micro", Locale::Zh) => "微型",
            ("small", Locale::Zh) => "小型",
            ("medium", Locale::Zh) => "中型",
            ("large", Locale::Zh) => "大型",
            (name, _) => name,
        }
    }

    pub(super) fn score_title(&self, score: usize) -> &str {
        let score = self.policy.scores.get(score);
        score.map_or("", |score| self.title(&score.title))
    }

    pub(super) fn class_title(&self, class: usize) -> &str {
        let class = self.policy.classes.get(class);
        class.map_or("", |class| self.title(&class.title))
    }

    /// The names of some classes of a classification: `small or micro`.
    pub(super) fn classes(&self, class: usize, one_of: &[usize]) -> String {
        let Some(class) = self.policy.classes.get(class) else {
            return String::new();
        };
        let names = one_of.iter().filter_map(|place| class.classes.get(*place));
        let names: Vec<_> = names.map(|name| self.class_word(name)).collect();
        names.join(self.pick("或", " or "))
    }

    /// A condition as such, of no case: `the number of staff: at most 500`.
    pub(super) fn condition(&self, condition: &Predicate) -> String {
        let told = |what: &str, bound: &str| format!("{what}{}{bound}", self.pick("：", ": "));
        match condition {
            Predicate::All(parts) => self.joined("同时满足", "all of", parts),
            Predicate::Any(parts) => self.joined("满足其一", "one of", parts),
            Predicate::Not(part) => {
                let part = self.condition(part);
                match self.locale {
                    Locale::Zh => format!("不满足（{part}）"),
                    Locale::En => format!("not ({part})"),
                }
            }
            Predicate::Compare(fact, bound) => told(self.what(*fact), &self.bound(*fact, bound)),
            Predicate::Against(left, comparison, right) => told(
                &self.operand(*left),
                &self.against(*comparison, *right, None),
            ),
            Predicate::Months {
                from,
                to,
                comparison,
                months,
            } => told(&self.span(*from, *to), &self.months(*comparison, *months)),
            Predicate::Ratio {
                of,
                to,
                comparison,
                ratio,
            } => told(
                &self.ratio_of(*of, *to),
                &self.ratio_bound((*of, *to), *comparison, *ratio),
            ),
            Predicate::Score {
                score,
                comparison,
                points,
            } => told(
                self.score_title(*score),
                &self.points_bound(*comparison, *points),
            ),
            Predicate::Class { class, one_of } => {
                told(self.class_title(*class), &self.classes(*class, one_of))
            }
            Predicate::ValidUscc => told(
                self.what(Fact::Uscc),
                self.pick(
                    "符合 GB 32100-2015 的校验，或经双人核定接受",
                    "passes the check of GB 32100-2015, or two persons accepted it",
                ),
            ),
        }
    }

    pub(super) fn points_bound(&self, comparison: Comparison, points: u32) -> String {
        let unit = self.pick("分", "points");
        format!("{} {points} {unit}", self.how(comparison))
    }

    fn joined(&self, zh: &str, en: &str, parts: &[Predicate]) -> String {
        let told: Vec<_> = parts.iter().map(|part| self.condition(part)).collect();
        match self.locale {
            Locale::Zh => format!("{zh}（{}）", told.join("；")),
            Locale::En => format!("{en} ({})", told.join("; ")),
        }
    }

    pub(super) const fn moment(&self, moment: Moment) -> &'static str {
        match moment {
            Moment::Grant => self.pick("申请", "grant"),
            Moment::Redemption => self.pick("兑付", "redemption"),
            Moment::Claim => self.pick("申领", "claim"),
            Moment::Recognition => self.pick("认定", "recognition"),
        }
    }

    pub(super) const fn payee(&self, payee: Payee) -> &'static str {
        match payee {
            Payee::Provider => self.pick("服务机构", "provider"),
            Payee::Firm => self.pick("企业", "firm"),
            Payee::Carrier => self.pick("载体", "carrier"),
        }
    }

    pub(super) const fn source(&self, source: Source) -> &'static str {
        match source {
            Source::Declared => self.pick("申报", "declared"),
            Source::Verified => self.pick("核实", "verified"),
            Source::Imported => self.pick("导入", "imported"),
        }
    }

    pub(super) const fn cap(&self, scope: Scope) -> &'static str {
        match scope {
            Scope::Application => self.pick("单次申请上限", "limit per application"),
            Scope::Unit => self.pick("单位（人均）上限", "limit for each"),
            Scope::Holding => self.pick("持有上限", "limit on what is held"),
            Scope::FirmYear => self.pick("年度上限", "limit per applicant and year"),
            Scope::GroupYear => self.pick(
                "同一实际控制人年度上限",
                "limit per actual controller and year",
            ),
            Scope::ProviderYear => self.pick("服务机构年度上限", "limit per provider and year"),
            Scope::Lifetime => self.pick("累计上限", "limit of all years"),
            Scope::YearCount => self.pick("年度次数上限", "number of awards a year"),
            Scope::LifetimeCount => self.pick("累计次数上限", "number of awards ever"),
            Scope::DeMinimis => self.pick("最低限度援助三年上限", "ceiling of de minimis aid"),
            Scope::Programme => self.pick("项目总额上限", "limit of the programme"),
        }
    }
}

/// `50%` where that is exact, else the fraction.
pub(super) fn percent(ratio: Ratio) -> String {
    let hundredths = ratio.numer() * 100;
    if hundredths % ratio.denom() == 0 {
        format!("{}%", hundredths / ratio.denom())
    } else {
        ratio.to_string()
    }
}
