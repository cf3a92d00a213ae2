//! A decision in plain sentences, made on demand from the decision and the pack it names.

use super::award::Step;
use super::facts::{Kind, Value};
use super::predicate::{Bound, Outcome, Predicate, check_uscc};
use super::{
    Bilingual, Criterion, CriterionKind, CriterionOutcome, Decision, Exact, Fact, Locale, Moment,
    Payee, Policy, Ratio, ReasonCode, Seen, Sum,
};

/// The sentences of a decision, for reading aloud: the result, each condition with its clause, the
/// facts and the comparison, each step of the amount, and what to bring.
///
/// `policy` must be the version that the decision names; of a criterion that it lacks only the code
/// is given.
pub fn explain(decision: &Decision, policy: &Policy, locale: Locale) -> Vec<String> {
    let teller = Teller {
        decision,
        policy,
        locale,
    };
    let mut sentences = vec![teller.result()];
    sentences.extend(
        decision
            .criteria
            .iter()
            .map(|outcome| teller.criterion(outcome)),
    );
    sentences.extend(decision.steps.iter().filter_map(|step| teller.step(step)));
    sentences.extend(decision.missing.iter().map(|fact| teller.missing(*fact)));
    sentences
}

struct Teller<'d> {
    decision: &'d Decision,
    policy: &'d Policy,
    locale: Locale,
}

impl Teller<'_> {
    fn pick<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        match self.locale {
            Locale::Zh => zh,
            Locale::En => en,
        }
    }

    fn title<'t>(&self, text: &'t Bilingual) -> &'t str {
        text.get(self.locale)
    }

    fn result(&self) -> String {
        let Decision {
            amount,
            currency,
            on,
            ..
        } = self.decision;
        let title = self.title(&self.policy.title);
        let version = &self.decision.policy.version;
        let moment = match self.decision.moment {
            Moment::Grant => self.pick("申请", "grant"),
            Moment::Redemption => self.pick("兑付", "redemption"),
        };
        let outcome = match self.decision.outcome {
            Outcome::Pass => self.pick("通过", "passes"),
            Outcome::Fail => self.pick("不通过", "fails"),
            Outcome::NeedsReview => self.pick("需复核", "needs review"),
        };
        let mut text = match self.locale {
            Locale::Zh => format!("《{title}》{version} 版，{on} {moment}评定：{outcome}"),
            Locale::En => {
                format!("{title}, version {version}, {moment} decided for {on}: {outcome}")
            }
        };
        if self.decision.outcome == Outcome::Pass {
            let (amount, payee) = (amount.to_grouped_text(), self.payee());
            let given = match self.locale {
                Locale::Zh => format!("，金额 {amount} {currency}，兑付对象为{payee}"),
                Locale::En => format!(", {amount} {currency}, payable to the {payee}"),
            };
            text.push_str(&given);
        }
        if let Some(share) = self.decision.own_share {
            let share = share.to_grouped_text();
            let own = match self.locale {
                Locale::Zh => format!("，企业自付 {share} {currency}"),
                Locale::En => format!("; the firm pays {share} {currency}"),
            };
            text.push_str(&own);
        }
        text + &self.codes() + self.pick("。", ".")
    }

    fn payee(&self) -> &'static str {
        match (self.decision.payee, self.locale) {
            (Payee::Provider, Locale::Zh) => "服务机构",
            (Payee::Provider, Locale::En) => "provider",
            (Payee::Firm, Locale::Zh) => "企业",
            (Payee::Firm, Locale::En) => "firm",
        }
    }

    fn codes(&self) -> String {
        let codes: Vec<_> = self
            .decision
            .reasons
            .iter()
            .map(ReasonCode::as_str)
            .collect();
        match (codes.is_empty(), self.locale) {
            (true, _) => String::new(),
            (false, Locale::Zh) => format!("；原因代码：{}", codes.join("、")),
            (false, Locale::En) => format!("; reason codes: {}", codes.join(", ")),
        }
    }

    fn criterion(&self, outcome: &CriterionOutcome) -> String {
        let verdict = match outcome.outcome {
            Outcome::Pass => self.pick("符合", "met"),
            Outcome::Fail => self.pick("不符合", "not met"),
            Outcome::NeedsReview => self.pick("待定", "open"),
        };
        let code = &outcome.code;
        let known = self
            .policy
            .criteria
            .iter()
            .find(|criterion| criterion.code == *code);
        let (title, clause, detail) = match known {
            Some(criterion) => self.pack_criterion(criterion, outcome.outcome),
            None => self.built_in(code),
        };
        match self.locale {
            Locale::Zh => format!("{title}（{clause}）：{verdict}。{detail}[{code}]"),
            Locale::En => format!(
                "{title} ({clause}): {verdict}. {}[{code}]",
                capitalised(&detail)
            ),
        }
    }

    fn pack_criterion<'t>(
        &self,
        criterion: &'t Criterion,
        outcome: Outcome,
    ) -> (&'t str, &'t str, String) {
        let mut comparisons = Vec::new();
        criterion
            .test
            .leaves(&mut |leaf| comparisons.extend(self.comparison(leaf, criterion.kind)));
        let mut detail = comparisons.join(self.pick("；", "; "));
        detail += self.pick("。", ". ");
        if outcome == Outcome::Fail {
            detail += self.title(&criterion.reason);
            detail += self.pick("", " ");
        }
        (
            self.title(&criterion.title),
            self.title(&criterion.clause),
            detail,
        )
    }

    /// The conditions that this program adds to every pack.
    fn built_in(&self, code: &ReasonCode) -> (&'static str, &'static str, String) {
        let zh = self.locale == Locale::Zh;
        let (title, clause) = match (code.as_str(), zh) {
            ("NOT_IN_FORCE", true) => ("政策在有效期内", "施行日期"),
            ("NOT_IN_FORCE", false) => ("Policy in force", "period in force"),
            ("EXPIRED", true) => ("创新券在有效期内", "有效期"),
            ("EXPIRED", false) => ("Voucher valid on the day of the order", "validity"),
            ("CURRENCY", true) => ("币种一致", "币种"),
            ("CURRENCY", false) => ("Facts in the policy's currency", "currency"),
            (_, true) => ("其他条件", "本版本未载明"),
            (_, false) => ("Another condition", "not in this version"),
        };
        (title, clause, self.built_in_detail(code))
    }

    fn built_in_detail(&self, code: &ReasonCode) -> String {
        if *code == ReasonCode::NOT_IN_FORCE {
            let period = self.policy.in_force;
            let (from, until) = (period.from(), period.until());
            return match (until, self.locale) {
                (None, Locale::Zh) => format!("自 {from} 起施行。"),
                (None, Locale::En) => format!("In force from {from}. "),
                (Some(until), Locale::Zh) => format!("自 {from} 起施行，{until} 起失效。"),
                (Some(until), Locale::En) => {
                    format!("In force from {from}, no longer on {until}. ")
                }
            };
        }
        let dates = (
            self.decision.facts.date(Fact::IssuedOn),
            self.decision.facts.date(Fact::OrderDate),
            self.decision.last_day,
        );
        match (dates, self.locale) {
            ((Some(issued), Some(ordered), Some(last)), Locale::Zh) => {
                format!("{issued} 发放，最后可用日 {last}，订单日期 {ordered}。")
            }
            ((Some(issued), Some(ordered), Some(last)), Locale::En) => {
                format!("Issued on {issued}, last usable day {last}, ordered on {ordered}. ")
            }
            _ => String::new(),
        }
    }

    /// What one leaf of a condition compared; nothing of a fact that was not stated and is not
    /// asked for, such as the size of the team of an enterprise.
    fn comparison(&self, leaf: &Predicate, kind: CriterionKind) -> Option<String> {
        let seen = &self.decision.facts;
        match leaf {
            Predicate::ValidUscc => self.uscc(seen),
            Predicate::Compare(fact, bound) => self.compared(*fact, bound, kind),
            Predicate::All(_) | Predicate::Any(_) | Predicate::Not(_) => None,
        }
    }

    fn compared(&self, fact: Fact, bound: &Bound, kind: CriterionKind) -> Option<String> {
        let what = fact.spec().what(self.locale);
        let Some(value) = self.decision.facts.get(fact) else {
            let asked = self.decision.missing.contains(&fact);
            return asked.then(|| format!("{what}{}", self.pick("：未提供", ": not stated")));
        };
        let holds = if bound.admits(value) {
            self.pick("成立", "holds")
        } else {
            self.pick("不成立", "does not hold")
        };
        let label = match kind {
            CriterionKind::Requirement => self.pick("条件", "condition"),
            CriterionKind::Exclusion => self.pick("排除情形", "excluded if"),
        };
        let (stated, bound) = (self.value(fact, value), self.bound(fact, bound));
        Some(match self.locale {
            Locale::Zh => format!("{what}：{stated}（{label}：{bound}，{holds}）"),
            Locale::En => format!("{what}: {stated} ({label}: {bound}, {holds})"),
        })
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

    fn value(&self, fact: Fact, value: &Value) -> String {
        match (value, fact.kind()) {
            (Value::Bool(true), _) => self.pick("是", "yes").to_owned(),
            (Value::Bool(false), _) => self.pick("否", "no").to_owned(),
            (Value::Choice(word), _) => self.pick(word.zh, word.en).to_owned(),
            (_, Kind::Money) => format!("{value} {}", self.decision.currency),
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

    /// A step, unless it is a rounding that changed nothing.
    fn step(&self, step: &Step) -> Option<String> {
        Some(match step {
            Step::Base { fact, value } => {
                let (what, value) = (fact.spec().what(self.locale), value.to_grouped_text());
                match self.locale {
                    Locale::Zh => format!("计算基数为{what}：{value}。"),
                    Locale::En => format!("The base is {what}: {value}."),
                }
            }
            Step::Rate { gives, of, ratio } => {
                let (of, gives) = (of.to_grouped_text(), self.exact(*gives));
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
                before.rest()?;
                let (before, after) = (self.exact(*before), after.to_grouped_text());
                match self.locale {
                    Locale::Zh => format!("四舍五入：{before}，计为 {after}。"),
                    Locale::En => format!("Rounded half up: {before} is {after}."),
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

    fn cap(&self, code: &ReasonCode) -> &'static str {
        let zh = self.locale == Locale::Zh;
        match (code.as_str(), zh) {
            ("CAP_APPLICATION", true) => "单次申请上限",
            ("CAP_APPLICATION", false) => "limit per application",
            ("CAP_HOLDING", true) => "持有上限",
            ("CAP_HOLDING", false) => "limit on what is held",
            ("CAP_FIRM_YEAR", true) => "年度上限",
            ("CAP_FIRM_YEAR", false) => "limit per applicant and year",
            ("CAP_HOLDING_BALANCE", true) => "持有余额",
            ("CAP_HOLDING_BALANCE", false) => "balance held",
            (_, true) => "上限",
            (_, false) => "limit",
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

    fn missing(&self, fact: Fact) -> String {
        let spec = fact.spec();
        let (what, evidence) = (spec.what(self.locale), spec.evidence(self.locale));
        match self.locale {
            Locale::Zh => format!("请补充：{what}（依据：{evidence}）。"),
            Locale::En => format!("To bring: {what}, shown by {evidence}."),
        }
    }
}

/// `50%` where that is exact, else the fraction.
fn percent(ratio: Ratio) -> String {
    let hundredths = ratio.numer() * 100;
    if hundredths % ratio.denom() == 0 {
        format!("{}%", hundredths / ratio.denom())
    } else {
        ratio.to_string()
    }
}

/// With a capital at its beginning.
fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
