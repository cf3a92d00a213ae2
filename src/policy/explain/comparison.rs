//! What conditions, scores and classes compared, in sentences.

use super::Teller;
use crate::policy::facts::{Kind, Value};
use crate::policy::measure::{Measure, Proportion, Score, ScoreRule, proportion};
use crate::policy::predicate::{Bound, Comparison, Operand, Outcome, Predicate, Sight, check_uscc};
use crate::policy::{CriterionKind, Fact, Locale, Ratio, ReasonCode, Seen};

impl Teller<'_> {
    /// What one leaf of a condition compared; nothing of a fact that was not stated and is not
    /// asked for, such as the size of the team of an enterprise.
    pub(super) fn comparison(&self, leaf: &Predicate, kind: CriterionKind) -> Option<String> {
        let seen = &self.decision.facts;
        let (what, found, bound) = match leaf {
            Predicate::ValidUscc => return self.uscc(seen),
            Predicate::Compare(fact, bound) => return self.compared(*fact, bound, kind),
            Predicate::Against(left, comparison, right) => (
                self.operand_name(*left),
                self.operand_value(*left),
                self.against(*comparison, *right),
            ),
            Predicate::Months {
                from,
                to,
                comparison,
                months,
            } => self.months((*from, *to), *comparison, *months),
            Predicate::Ratio {
                of,
                to,
                comparison,
                ratio,
            } => (
                self.ratio_name(*of, *to),
                self.ratio_value(*of, *to),
                format!("{} {}", self.how(*comparison), part(*of, *to, *ratio)),
            ),
            Predicate::Score {
                score,
                comparison,
                points,
            } => self.score_test(*score, *comparison, *points),
            Predicate::Class { class, one_of } => self.class_test(*class, one_of),
            Predicate::All(_) | Predicate::Any(_) | Predicate::Not(_) => return None,
        };
        let sight = Sight {
            seen,
            measures: self.measures,
        };
        self.sentence(&what, found, &bound, leaf.evaluate(sight), kind)
    }

    /// `what: found (condition: bound, holds)`; nothing of what was not stated and is not asked for.
    fn sentence(
        &self,
        what: &str,
        found: Option<String>,
        bound: &str,
        outcome: Outcome,
        kind: CriterionKind,
    ) -> Option<String> {
        let Some(found) = found else {
            let asked = self.decision.outcome == Outcome::NeedsReview;
            return asked.then(|| format!("{what}{}", self.pick("：未提供", ": not stated")));
        };
        let holds = match outcome {
            Outcome::Pass => self.pick("成立", "holds"),
            Outcome::Fail => self.pick("不成立", "does not hold"),
            Outcome::NeedsReview => self.pick("待定", "is open"),
        };
        let label = self.label(kind);
        Some(match self.locale {
            Locale::Zh => format!("{what}：{found}（{label}：{bound}，{holds}）"),
            Locale::En => format!("{what}: {found} ({label}: {bound}, {holds})"),
        })
    }

    const fn label(&self, kind: CriterionKind) -> &'static str {
        match kind {
            CriterionKind::Requirement => self.pick("条件", "condition"),
            CriterionKind::Exclusion => self.pick("排除情形", "excluded if"),
        }
    }

    const fn how(&self, comparison: Comparison) -> &'static str {
        match comparison {
            Comparison::AtLeast => self.pick("不少于", "at least"),
            Comparison::MoreThan => self.pick("超过", "more than"),
            Comparison::AtMost => self.pick("不超过", "at most"),
            Comparison::LessThan => self.pick("不足", "less than"),
            Comparison::Is => self.pick("为", "exactly"),
        }
    }

    fn operand_name(&self, operand: Operand) -> String {
        let what = |fact: Fact| fact.spec().what(self.locale);
        match (operand, self.locale) {
            (Operand::Fact(fact), _) => what(fact).to_owned(),
            (Operand::YearOf(fact), Locale::Zh) => format!("{}所在年度", what(fact)),
            (Operand::YearOf(fact), Locale::En) => format!("the year of {}", what(fact)),
            (Operand::Year(year), _) => year.to_string(),
        }
    }

    fn operand_value(&self, operand: Operand) -> Option<String> {
        let seen = &self.decision.facts;
        match operand {
            Operand::Fact(fact) => seen.get(fact).map(|value| self.value(fact, value)),
            Operand::YearOf(_) | Operand::Year(_) => {
                operand.scalar(seen).map(|year| year.to_string())
            }
        }
    }

    fn against(&self, comparison: Comparison, other: Operand) -> String {
        let (how, name) = (self.how(comparison), self.operand_name(other));
        match (other, self.operand_value(other)) {
            (Operand::Year(_), _) | (_, None) => format!("{how} {name}"),
            (_, Some(value)) => match self.locale {
                Locale::Zh => format!("{how}{name} {value}"),
                Locale::En => format!("{how} {name}, {value}"),
            },
        }
    }

    fn months(
        &self,
        (from, to): (Fact, Fact),
        comparison: Comparison,
        months: u16,
    ) -> (String, Option<String>, String) {
        let seen = &self.decision.facts;
        let (begin, end) = (from.spec().what(self.locale), to.spec().what(self.locale));
        let what = match self.locale {
            Locale::Zh => format!("自{begin}至{end}"),
            Locale::En => format!("from {begin} to {end}"),
        };
        let days = seen.date(from).zip(seen.date(to));
        let found = days.map(|(from, to)| match self.locale {
            Locale::Zh => format!("{from} 至 {to}"),
            Locale::En => format!("{from} to {to}"),
        });
        let how = self.how(comparison);
        let bound = match self.locale {
            Locale::Zh => format!("{how} {months} 个月"),
            Locale::En => format!("{how} {months} months"),
        };
        (what, found, bound)
    }

    fn ratio_name(&self, of: Fact, to: Fact) -> String {
        let (part, whole) = (of.spec().what(self.locale), to.spec().what(self.locale));
        match self.locale {
            Locale::Zh if of.kind() == to.kind() => format!("{part}占{whole}之比"),
            Locale::Zh => format!("{part}与{whole}之比"),
            Locale::En => format!("{part} to {whole}"),
        }
    }

    /// Both figures, and the percentage cut to two decimals; the comparison itself is exact.
    fn ratio_value(&self, of: Fact, to: Fact) -> Option<String> {
        let seen = &self.decision.facts;
        let value = |fact: Fact| seen.get(fact).map(|value| self.value(fact, value));
        let (part, whole) = (value(of)?, value(to)?);
        Some(match proportion(of, to, seen) {
            Proportion::Of(..) if of.kind() != to.kind() => format!("{part} ÷ {whole}"),
            Proportion::Of(above, below) => {
                let hundredths = i128::from(above) * 10_000 / i128::from(below);
                let (percent, rest) = (hundredths / 100, hundredths % 100);
                let rest = if rest == 0 {
                    String::new()
                } else {
                    format!(".{rest:02}")
                };
                format!("{part} ÷ {whole} ≈ {percent}{rest}%")
            }
            Proportion::OfNothing | Proportion::Unknown => match self.locale {
                Locale::Zh => format!("{part} ÷ {whole}，分母为零，无法计算"),
                Locale::En => format!("{part} ÷ {whole}, which can't be said of zero"),
            },
        })
    }

    fn score_test(
        &self,
        score: usize,
        comparison: Comparison,
        points: u32,
    ) -> (String, Option<String>, String) {
        let known = self.policy.scores.get(score);
        let title = known.map_or("", |score| self.title(&score.title));
        let bound = format!("{} {points}", self.how(comparison));
        (title.to_owned(), self.points(score), bound)
    }

    fn points(&self, score: usize) -> Option<String> {
        let seen = self.decision.scores.get(score)?;
        let unit = self.pick("分", "points");
        Some(if seen.least == seen.most {
            format!("{} {unit}", seen.least)
        } else {
            match self.locale {
                Locale::Zh => format!("{} 至 {} {unit}", seen.least, seen.most),
                Locale::En => format!("{} to {} {unit}", seen.least, seen.most),
            }
        })
    }

    fn class_test(&self, class: usize, one_of: &[usize]) -> (String, Option<String>, String) {
        let Some(class) = self.policy.classes.get(class) else {
            return (String::new(), None, String::new());
        };
        let seen = self
            .decision
            .classes
            .iter()
            .find(|seen| seen.name == class.name);
        let names = one_of.iter().filter_map(|place| class.classes.get(*place));
        let names: Vec<_> = names.map(|name| self.class_word(name)).collect();
        (
            self.title(&class.title).to_owned(),
            seen.map(|seen| self.class_word(&seen.class).to_owned()),
            names.join(self.pick("或", " or ")),
        )
    }

    /// Size classes are told in both languages; other classes by their names.
    fn class_word<'t>(&self, name: &'t str) -> &'t str {
        match (name, self.locale) {
            ("micro", Locale::Zh) => "微型",
            ("small", Locale::Zh) => "小型",
            ("medium", Locale::Zh) => "中型",
            ("large", Locale::Zh) => "大型",
            (name, _) => name,
        }
    }

    /// Each score with how its points come about, and each class with the bounds of its row.
    pub(super) fn measures(&self) -> Vec<String> {
        let scores = self.policy.scores.iter().enumerate();
        let mut sentences: Vec<_> = scores
            .filter_map(|(place, score)| self.score(place, score))
            .collect();
        for class in &self.policy.classes {
            let seen = self
                .decision
                .classes
                .iter()
                .find(|seen| seen.name == class.name);
            let Some(seen) = seen else { continue };
            let mut facts = class.facts();
            facts.sort_unstable();
            facts.dedup();
            let stated: Vec<_> = facts
                .iter()
                .filter_map(|fact| {
                    let value = self.decision.facts.get(*fact)?;
                    let (what, value) = (fact.spec().what(self.locale), self.value(*fact, value));
                    Some(format!("{what}{}{value}", self.pick("：", ": ")))
                })
                .collect();
            let (title, clause) = (self.title(&class.title), self.title(&class.clause));
            let stated = stated.join(self.pick("，", ", "));
            let found = self.class_word(&seen.class);
            sentences.push(match self.locale {
                Locale::Zh => format!("{title}（{clause}）：{found}。{stated}。"),
                Locale::En => format!("{title} ({clause}): {found}. {stated}."),
            });
        }
        sentences
    }

    fn score(&self, place: usize, score: &Score) -> Option<String> {
        let points = self.points(place)?;
        let on = match &score.rule {
            ScoreRule::Bands(Measure::Fact(fact), _) => self.operand_value(Operand::Fact(*fact)),
            ScoreRule::Bands(Measure::Ratio(of, to), _) => self.ratio_value(*of, *to),
            ScoreRule::BestOf(parts) => {
                Some(self.parts(parts, self.pick("取高者：", "the higher of ")))
            }
            ScoreRule::Sum(parts) => Some(self.parts(parts, self.pick("合计：", "the sum of "))),
        };
        let on = on.unwrap_or_else(|| self.pick("未提供", "not stated").to_owned());
        let (title, clause) = (self.title(&score.title), self.title(&score.clause));
        Some(match self.locale {
            Locale::Zh => format!("{title}（{clause}）：{points}。{on}。"),
            Locale::En => format!("{title} ({clause}): {points}. {on}."),
        })
    }

    fn parts(&self, parts: &[usize], how: &str) -> String {
        let named = parts.iter().filter_map(|part| {
            let score = self.policy.scores.get(*part)?;
            Some(format!(
                "{} {}",
                self.title(&score.title),
                self.points(*part)?
            ))
        });
        let named: Vec<_> = named.collect();
        format!("{how}{}", named.join(self.pick("，", ", ")))
    }

    fn compared(&self, fact: Fact, bound: &Bound, kind: CriterionKind) -> Option<String> {
        let what = fact.spec().what(self.locale);
        let Some(value) = self.decision.facts.get(fact) else {
            let asked = self.decision.missing.contains(&fact);
            return asked.then(|| format!("{what}{}", self.pick("：未提供", ": not stated")));
        };
        let outcome = Outcome::of(bound.admits(value));
        let (stated, bound) = (self.value(fact, value), self.bound(fact, bound));
        self.sentence(what, Some(stated), &bound, outcome, kind)
    }

    fn uscc(&self, seen: &Seen) -> Option<String> {
        let what = Fact::Uscc.spec().what(self.locale);
        let Some(code) = seen.text(Fact::Uscc) else {
            let asked = self.decision.missing.contains(&Fact::Uscc);
            return asked.then(|| format!("{what}{}", self.pick("：未提供", ": not stated")));
        };
        let overridden = seen.get(Fact::UsccOverride) == Some(&Value::Bool(true));
        let (outcome, reason) = check_uscc(code, seen);
        let result = match (reason.as_ref().map(ReasonCode::as_str), outcome) {
            (None, _) if overridden => self.pick("经双人核定接受", "accepted, or overridden by two persons"),
            (None, _) => self.pick("校验通过", "passes the check of GB 32100-2015"),
            (Some("USCC_BAD_CHECK"), _) => self.pick(
                "校验位不符：请核对，或由两人凭营业执照核定",
                "the check character is wrong: correct it, or let two persons override it on the licence",
            ),
            (Some("USCC_BAD_ALPHABET"), _) => self.pick(
                "含有标准以外的字符：只能是数字和除 I、O、S、V、Z 以外的大写字母",
                "a character outside the standard: only digits and capitals without I, O, S, V, Z",
            ),
            (Some("USCC_LOWER_CASE"), _) => self.pick("请用大写字母", "write it in capitals"),
            (Some(_), _) => self.pick("应为 18 位", "it must have 18 characters"),
        };
        Some(match self.locale {
            Locale::Zh => format!("{what} {code}：{result}"),
            Locale::En => format!("{what} {code}: {result}"),
        })
    }

    pub(super) fn value(&self, fact: Fact, value: &Value) -> String {
        match (value, fact.kind()) {
            (Value::Bool(true), _) => self.pick("是", "yes").to_owned(),
            (Value::Bool(false), _) => self.pick("否", "no").to_owned(),
            (Value::Choice(word), _) => self.pick(word.zh, word.en).to_owned(),
            (_, Kind::Money) => format!("{value} {}", self.decision.currency),
            (Value::Quantity(_), Kind::Quantity(unit)) => {
                format!("{value} {}", unit.label(self.locale))
            }
            _ => value.to_string(),
        }
    }

    fn bound(&self, fact: Fact, bound: &Bound) -> String {
        let text = |zh, en, value| format!("{} {}", self.pick(zh, en), self.value(fact, value));
        match bound {
            Bound::AtLeast(value) => text("不少于", "at least", value),
            Bound::MoreThan(value) => text("超过", "more than", value),
            Bound::AtMost(value) => text("不超过", "at most", value),
            Bound::LessThan(value) => text("不足", "less than", value),
            Bound::Is(value) => self.value(fact, value),
            Bound::OneOf(values) => {
                let values: Vec<_> = values.iter().map(|value| self.value(fact, value)).collect();
                values.join(self.pick("或", " or "))
            }
            Bound::Within(period) => match (period.until(), self.locale) {
                (None, Locale::Zh) => format!("自 {} 起", period.from()),
                (None, Locale::En) => format!("from {} on", period.from()),
                (Some(until), Locale::Zh) => format!("自 {} 起，{until} 之前", period.from()),
                (Some(until), Locale::En) => format!("from {}, before {until}", period.from()),
            },
        }
    }
}

/// A percentage of a whole; of something else, the fraction.
fn part(of: Fact, to: Fact, ratio: Ratio) -> String {
    if of.kind() == to.kind() {
        percent(ratio)
    } else {
        ratio.to_string()
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
