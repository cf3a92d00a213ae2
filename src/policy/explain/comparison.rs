//! What conditions, scores and classes compared, in sentences.

use super::{Teller, capitalised};
use crate::policy::facts::Value;
use crate::policy::measure::{Band, Measure, Proportion, Score, ScoreRule, Threshold, proportion};
use crate::policy::predicate::{Bound, Comparison, Operand, Outcome, Predicate, Sight, check_uscc};
use crate::policy::{CriterionKind, Fact, Locale, ReasonCode, Seen};

impl Teller<'_> {
    /// What one leaf of a condition compared; nothing of a fact that was not stated and is not
    /// asked for, such as the size of the team of an enterprise.
    pub(super) fn comparison(&self, leaf: &Predicate, kind: CriterionKind) -> Option<String> {
        let seen = &self.decision.facts;
        let (what, found, bound) = match leaf {
            Predicate::ValidUscc => return self.uscc(seen),
            Predicate::Compare(fact, bound) => return self.compared(*fact, bound, kind),
            Predicate::Against(left, comparison, right) => (
                self.words.operand(*left),
                self.operand_value(*left),
                self.words
                    .against(*comparison, *right, self.operand_value(*right)),
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
                self.words.ratio_of(*of, *to),
                self.ratio_value(*of, *to),
                self.words.ratio_bound((*of, *to), *comparison, *ratio),
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

    fn operand_value(&self, operand: Operand) -> Option<String> {
        let seen = &self.decision.facts;
        match operand {
            Operand::Fact(fact) => seen.get(fact).map(|value| self.words.value(fact, value)),
            Operand::YearOf(_) | Operand::Year(_) => {
                operand.scalar(seen).map(|year| year.to_string())
            }
        }
    }

    fn months(
        &self,
        (from, to): (Fact, Fact),
        comparison: Comparison,
        months: u16,
    ) -> (String, Option<String>, String) {
        let seen = &self.decision.facts;
        let days = seen.date(from).zip(seen.date(to));
        let found = days.map(|(from, to)| match self.locale {
            Locale::Zh => format!("{from} 至 {to}"),
            Locale::En => format!("{from} to {to}"),
        });
        let (what, bound) = (
            self.words.span(from, to),
            self.words.months(comparison, months),
        );
        (what, found, bound)
    }

    /// Both figures, and the percentage cut to two decimals; the comparison itself is exact.
    fn ratio_value(&self, of: Fact, to: Fact) -> Option<String> {
        let seen = &self.decision.facts;
        let value = |fact: Fact| seen.get(fact).map(|value| self.words.measured(fact, value));
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
                let exact = i128::from(above) * 10_000 % i128::from(below) == 0;
                let sign = if exact { "=" } else { "≈" };
                format!("{part} ÷ {whole} {sign} {percent}{rest}%")
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
        let bound = self.words.points_bound(comparison, points);
        (
            self.words.score_title(score).to_owned(),
            self.points(score),
            bound,
        )
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
        let name = self
            .policy
            .classes
            .get(class)
            .map(|class| class.name.as_str());
        let seen = self
            .decision
            .classes
            .iter()
            .find(|seen| Some(seen.name.as_str()) == name);
        (
            self.words.class_title(class).to_owned(),
            seen.map(|seen| self.words.class_word(&seen.class).to_owned()),
            self.words.classes(class, one_of),
        )
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
            let (title, clause) = (self.title(&class.title), self.title(&class.clause));
            let stated = self.ended(&self.listed(&facts));
            let found = self.words.class_word(&seen.class);
            sentences.push(match self.locale {
                Locale::Zh => format!("{title}（{clause}）：{found}。{stated}"),
                Locale::En => format!("{title} ({clause}): {found}.{stated}"),
            });
        }
        sentences
    }

    /// As a sentence after another; nothing of nothing.
    fn ended(&self, text: &str) -> String {
        match (text.is_empty(), self.locale) {
            (true, _) => String::new(),
            (false, Locale::Zh) => format!("{text}。"),
            (false, Locale::En) => format!(" {}.", capitalised(text)),
        }
    }

    fn score(&self, place: usize, score: &Score) -> Option<String> {
        let points = self.points(place)?;
        let on = match &score.rule {
            ScoreRule::Bands(measure, bands) => self.banded(*measure, bands),
            ScoreRule::BestOf(parts) => {
                Some(self.parts(parts, self.pick("取高者：", "the higher of ")))
            }
            ScoreRule::Sum(parts) => Some(self.parts(parts, self.pick("合计：", "the sum of "))),
        };
        let on = on.unwrap_or_else(|| self.pick("未提供", "not stated").to_owned());
        let (title, clause, on) = (
            self.title(&score.title),
            self.title(&score.clause),
            self.ended(&on),
        );
        Some(match self.locale {
            Locale::Zh => format!("{title}（{clause}）：{points}。{on}"),
            Locale::En => format!("{title} ({clause}): {points}.{on}"),
        })
    }

    /// What the bands are on, and which of them it reaches.
    fn banded(&self, measure: Measure, bands: &[Band]) -> Option<String> {
        let seen = &self.decision.facts;
        let (what, found) = match measure {
            Measure::Fact(fact) => {
                let found = self.words.measured(fact, seen.get(fact)?);
                (self.words.operand(Operand::Fact(fact)), found)
            }
            Measure::Ratio(of, to) => (self.words.ratio_of(of, to), self.ratio_value(of, to)?),
        };
        let band = measure.reached(bands, seen);
        let band = band.map_or_else(String::new, |place| self.band(measure, bands, place));
        Some(match (band.is_empty(), self.locale) {
            (true, Locale::Zh) => format!("{what}：{found}"),
            (true, Locale::En) => format!("{what}: {found}"),
            (false, Locale::Zh) => format!("{what}：{found}，所在档次：{band}"),
            (false, Locale::En) => format!("{what}: {found}, in the band {band}"),
        })
    }

    /// The bounds of a band: its own, and that of the next higher one.
    fn band(&self, measure: Measure, bands: &[Band], place: usize) -> String {
        let bound = |place: usize, comparison| {
            let threshold = bands.get(place)?.at_least.as_ref()?;
            Some(match (threshold, measure) {
                (Threshold::Value(value), Measure::Fact(fact)) => {
                    let value = self.words.measured(fact, value);
                    format!("{} {value}", self.words.how(comparison))
                }
                (Threshold::Ratio(ratio), Measure::Ratio(of, to)) => {
                    self.words.ratio_bound((of, to), comparison, *ratio)
                }
                (Threshold::Value(_), Measure::Ratio(..))
                | (Threshold::Ratio(_), Measure::Fact(_)) => return None,
            })
        };
        let least = bound(place, Comparison::AtLeast);
        let below = place.checked_sub(1);
        let below = below.and_then(|higher| bound(higher, Comparison::LessThan));
        let bounds: Vec<String> = least.into_iter().chain(below).collect();
        bounds.join(self.pick("、", " and "))
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
        let (stated, bound) = (self.words.value(fact, value), self.words.bound(fact, bound));
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
}
