//! A decision in plain sentences, made on demand from the decision and the pack it names.

mod amount;
mod base;
mod comparison;

use std::collections::HashSet;

use super::measure::Measures;
use super::pack::Words as _;
use super::phrase::Phrases;
use super::predicate::{Outcome, Sight};
use super::{
    Bilingual, Criterion, CriterionOutcome, Decision, Fact, Facts, Locale, Moment, Policy,
    ReasonCode, Source, StatedBy,
};

/// The sentences of a decision, for reading aloud: the result, each condition with its clause, the
/// facts and the comparison, each step of the amount, and what to bring.
///
/// `policy` must be the version that the decision names; of a criterion that it lacks only the code
/// is given.
pub fn explain(decision: &Decision, policy: &Policy, locale: Locale) -> Vec<String> {
    told(decision, policy, None, locale)
}

/// As [`explain`], with the facts that the decision was given: of what is to be brought it also says why what was
/// stated does not count.
pub fn explain_on(
    decision: &Decision,
    policy: &Policy,
    facts: &Facts,
    locale: Locale,
) -> Vec<String> {
    told(decision, policy, Some(facts), locale)
}

fn told(
    decision: &Decision,
    policy: &Policy,
    given: Option<&Facts>,
    locale: Locale,
) -> Vec<String> {
    let measures = policy.measures(&decision.facts);
    let teller = Teller {
        decision,
        policy,
        measures: &measures,
        locale,
        words: Phrases { policy, locale },
        given,
    };
    let mut sentences = vec![teller.result()];
    sentences.extend(teller.measures());
    let criteria = decision.criteria.iter();
    sentences.extend(criteria.map(|outcome| teller.criterion(outcome)));
    sentences.extend(teller.steps());
    sentences.extend(teller.no_rate());
    sentences.extend(teller.funding());
    sentences.extend(teller.entries());
    sentences.extend(decision.missing.iter().map(|fact| teller.missing(*fact)));
    sentences
}

/// One criterion of a decision, with its clause, what was seen and what is asked.
pub(super) fn criterion_sentence(
    decision: &Decision,
    policy: &Policy,
    outcome: &CriterionOutcome,
    locale: Locale,
) -> String {
    let measures = policy.measures(&decision.facts);
    let teller = Teller {
        decision,
        policy,
        measures: &measures,
        locale,
        words: Phrases { policy, locale },
        given: None,
    };
    teller.criterion(outcome)
}

struct Teller<'d> {
    decision: &'d Decision,
    policy: &'d Policy,
    measures: &'d Measures,
    locale: Locale,
    words: Phrases<'d>,
    given: Option<&'d Facts>,
}

impl Teller<'_> {
    const fn pick<'t>(&self, zh: &'t str, en: &'t str) -> &'t str {
        self.words.pick(zh, en)
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
        let moment = self.words.moment(self.decision.moment);
        let outcome = match self.decision.outcome {
            Outcome::Pass => "passes",
            Outcome::Fail => "fails",
            Outcome::NeedsReview => "needs review",
        };
        let outcome = self.pick(self.decision.outcome.zh(), outcome);
        let mut text = match self.locale {
            Locale::Zh => format!("《{title}》{version} 版，{on} {moment}评定：{outcome}"),
            Locale::En => {
                format!("{title}, version {version}, {moment} decided for {on}: {outcome}")
            }
        };
        if let (Outcome::Pass, Some(payee)) = (self.decision.outcome, self.payee()) {
            let amount = amount.to_grouped_text();
            let given = match self.locale {
                Locale::Zh => format!("，金额 {amount} {currency}，兑付对象为{payee}"),
                Locale::En => format!(", {amount} {currency}, payable to the {payee}"),
            };
            text.push_str(&given);
        }
        if let (Moment::Recognition, Some(day)) = (self.decision.moment, self.decision.last_day) {
            let valid = match self.locale {
                Locale::Zh => format!("，有效期至 {day}"),
                Locale::En => format!(", valid to {day}"),
            };
            text.push_str(&valid);
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

    fn payee(&self) -> Option<&'static str> {
        self.decision.payee.map(|payee| self.words.payee(payee))
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
            Some(criterion) => self.pack_criterion(criterion, outcome),
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
        outcome: &CriterionOutcome,
    ) -> (&'t str, &'t str, String) {
        let mut comparisons = Vec::new();
        criterion
            .test
            .leaves(&mut |leaf| comparisons.extend(self.comparison(leaf, criterion.kind)));
        let mut said = HashSet::new();
        comparisons.retain(|one| said.insert(one.clone()));
        let mut detail = comparisons.join(self.pick("；", "; "));
        if !detail.is_empty() {
            detail += self.pick("。", ". ");
        }
        if outcome.outcome == Outcome::Fail {
            detail += self.title(&criterion.reason);
            detail += self.pick("", " ");
        }
        if let Some(waiver) = outcome
            .waived_by
            .as_ref()
            .and_then(|code| self.waiver(code))
        {
            detail += &waiver;
        }
        (
            self.title(&criterion.title),
            self.title(&criterion.clause),
            detail,
        )
    }

    /// Which fast track waived a criterion, and on what.
    fn waiver(&self, code: &ReasonCode) -> Option<String> {
        let mut tracks = self.policy.fast_tracks.iter();
        let track = tracks.find(|track| track.code == *code)?;
        let (title, clause) = (self.title(&track.title), self.title(&track.clause));
        let mut comparisons = Vec::new();
        track.test.leaves(&mut |leaf| {
            comparisons.extend(self.comparison(leaf, super::CriterionKind::Requirement));
        });
        let on = comparisons.join(self.pick("；", "; "));
        Some(match self.locale {
            Locale::Zh => format!("因{title}（{clause}）免予此项：{on}。[{code}]"),
            Locale::En => format!("Waived by {title} ({clause}): {on}. [{code}] "),
        })
    }

    /// The conditions that this program adds to every pack.
    fn built_in(&self, code: &ReasonCode) -> (&'static str, &'static str, String) {
        let zh = self.locale == Locale::Zh;
        let (title, clause) = match (code.as_str(), zh) {
            ("NOT_IN_FORCE", true) => ("政策在有效期内", "施行日期"),
            ("NOT_IN_FORCE", false) => ("Policy in force", "period in force"),
            ("EXPIRED", true) => ("创新券在有效期内", "有效期"),
            ("EXPIRED", false) => ("Voucher valid on the day of the order", "validity"),
            ("RANK", true) => ("排名在支持名额内", "名额"),
            ("RANK", false) => ("Rank within those awarded", "number of awards"),
            ("MOMENT", true) => ("政策适用于此环节", "适用环节"),
            ("MOMENT", false) => ("The policy decides at this moment", "mode"),
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
        if *code == ReasonCode::RANK {
            return self.rank();
        }
        if *code == ReasonCode::MOMENT {
            return self.moments();
        }
        if *code != ReasonCode::EXPIRED {
            return String::new();
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

    /// At which moments the pack decides, where it was asked at another.
    fn moments(&self) -> String {
        let asked = self.words.moment(self.decision.moment);
        let moments = self.policy.moments().iter();
        let moments: Vec<_> = moments.map(|moment| self.words.moment(*moment)).collect();
        let moments = moments.join(self.pick("、", " and "));
        match self.locale {
            Locale::Zh => format!("本政策在{moments}环节评定，不在{asked}环节评定。"),
            Locale::En => format!("This policy decides at {moments}, not at {asked}. "),
        }
    }

    fn rank(&self) -> String {
        let super::Exhaustion::Top { number, .. } = self.policy.exhaustion else {
            return String::new();
        };
        let rank = self.decision.usage.rank.unwrap_or_default();
        match self.locale {
            Locale::Zh => format!("排名第 {rank}，支持前 {number} 名。"),
            Locale::En => format!("Ranked {rank}, the first {number} are awarded. "),
        }
    }

    /// Of these facts those that are known, each with its value.
    fn listed(&self, facts: &[Fact]) -> String {
        let known = facts.iter().filter_map(|fact| {
            let value = self.words.value(*fact, self.decision.facts.get(*fact)?);
            let what = fact.spec().what(self.locale);
            Some(format!("{what}{}{value}", self.pick("：", ": ")))
        });
        known.collect::<Vec<_>>().join(self.pick("，", ", "))
    }

    /// Where no rate is for the case: what it was, and for what there are rates.
    fn no_rate(&self) -> Option<String> {
        if !self.decision.reasons.contains(&ReasonCode::NO_RATE) {
            return None;
        }
        let award = self.policy.award(self.decision.moment)?;
        let conditions = || award.rates.iter().filter_map(|rate| rate.when.as_ref());
        let mut facts = Vec::new();
        conditions().for_each(|when| when.facts(&mut facts));
        facts.sort_unstable();
        facts.dedup();
        let rates: Vec<_> = conditions()
            .map(|when| self.words.condition(when))
            .collect();
        let seen = self.listed(&facts);
        let rates = rates.join(self.pick("；", "; "));
        Some(match self.locale {
            Locale::Zh => format!("没有适用的标准（{seen}）；各项标准适用于：{rates}。[NO_RATE]"),
            Locale::En => {
                format!(
                    "No rate is for this case ({seen}); there are rates for: {rates}. [NO_RATE]"
                )
            }
        })
    }

    /// Who bears the amount, where it is more than one.
    fn funding(&self) -> Option<String> {
        let shares = &self.decision.funding;
        if shares.len() < 2 || self.decision.outcome != Outcome::Pass {
            return None;
        }
        let sight = Sight {
            seen: &self.decision.facts,
            measures: self.measures,
        };
        let funders = self.policy.funders(sight)?;
        let parts: Vec<_> = shares
            .iter()
            .map(|share| {
                let funder = funders.iter().find(|funder| funder.code == share.funder);
                let name = funder.map_or(share.funder.as_str(), |one| self.title(&one.name));
                format!("{name} {}", share.amount.to_grouped_text())
            })
            .collect();
        Some(match self.locale {
            Locale::Zh => format!("资金承担：{}。", parts.join("，")),
            Locale::En => format!("Borne by {}.", parts.join(", ")),
        })
    }

    /// Which entries of the ledger stated facts.
    fn entries(&self) -> Option<String> {
        if self.decision.entries.is_empty() {
            return None;
        }
        let entries: Vec<_> = self
            .decision
            .entries
            .iter()
            .map(|(fact, entry)| match self.locale {
                Locale::Zh => format!("{}（第 {entry} 号分录）", fact.spec().what(self.locale)),
                Locale::En => format!("{} (entry {entry})", fact.spec().what(self.locale)),
            })
            .collect();
        Some(match self.locale {
            Locale::Zh => format!("台账所载事实：{}。", entries.join("、")),
            Locale::En => format!("Stated in the ledger: {}.", entries.join(", ")),
        })
    }

    fn missing(&self, fact: Fact) -> String {
        let spec = fact.spec();
        let (what, evidence) = (spec.what(self.locale), spec.evidence(self.locale));
        let unseen = self.unseen(fact);
        let is_ledgers = spec.stated_by == StatedBy::Ledger;
        match (self.policy.is_for_office(fact), is_ledgers, self.locale) {
            (true, _, Locale::Zh) => format!(
                "待主管部门认定，无须申请人补充：{what}（依据：{evidence}；一人提议、另一人确认：{}）{unseen}。",
                commands(fact).join("、")
            ),
            (true, _, Locale::En) => format!(
                "For the office to determine, not for the applicant to bring: {what}, on {evidence} (one person proposes, \
                 another confirms: {}){unseen}.",
                commands(fact).join(", ")
            ),
            (false, true, Locale::Zh) => {
                format!("台账尚无记载，无须申请人补充：{what}（来源：{evidence}）{unseen}。")
            }
            (false, true, Locale::En) => format!(
                "Not in the ledger, and not for the applicant to bring: {what}, which comes from {evidence}{unseen}."
            ),
            (false, false, Locale::Zh) => format!("请补充：{what}（依据：{evidence}）{unseen}。"),
            (false, false, Locale::En) => {
                format!("To bring: {what}, shown by {evidence}{unseen}.")
            }
        }
    }

    /// Why what was stated of a fact does not count.
    fn unseen(&self, fact: Fact) -> String {
        let Some(stated) = self.given.and_then(|facts| facts.get(fact)) else {
            return String::new();
        };
        let day = stated.as_of;
        if day > self.decision.on {
            return match self.locale {
                Locale::Zh => format!("；所报为 {day} 的情况，在评定日之后"),
                Locale::En => format!("; stated for {day}, after the decision"),
            };
        }
        if self.policy.accepts(fact, stated.source) {
            return String::new();
        }
        let believed = Source::WORDS.iter().map(|(_, source)| *source);
        let accepted: Vec<_> = believed
            .filter(|source| self.policy.accepts(fact, *source))
            .map(|source| self.words.source(source))
            .collect();
        let (found, accepted) = (
            self.words.source(stated.source),
            accepted.join(self.pick("或", " or ")),
        );
        match self.locale {
            Locale::Zh => format!("；目前仅为{found}，须经{accepted}"),
            Locale::En => format!("; {found} only, it must be {accepted}"),
        }
    }
}

/// How the office determines a fact, by two persons.
fn commands(fact: Fact) -> [&'static str; 2] {
    if fact == Fact::UsccOverride {
        ["party propose-override", "party confirm-override"]
    } else {
        ["facts determine", "facts confirm"]
    }
}

/// With a capital at its beginning.
fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
