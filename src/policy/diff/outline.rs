//! A pack as a list of named items, each part of it in words: all that decides or is shown, nothing else.

use crate::policy::award::{Award, Base, Cap, FactorOf, Limit, Most, Over, Rate, Term};
use crate::policy::measure::{Class, Measure, Score, ScoreRule, Threshold};
use crate::policy::phrase::{Phrases, percent};
use crate::policy::predicate::Comparison;
use crate::policy::{
    Bilingual, Criterion, CriterionKind, Exhaustion, FastTrack, Funder, Locale, Mode, Moment,
    Predicate, Rounding, RoundingMode, Validity,
};
use crate::types::{Money, Period};

/// The part of a pack that an item belongs to, in the order of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Header,
    LegalBasis,
    Readings,
    Documents,
    Funding,
    Accepted,
    Scores,
    Classes,
    Criteria,
    FastTracks,
    Bases(Moment),
    Rates(Moment),
    Caps(Moment),
}

impl Section {
    pub(super) const ALL: &'static [Self] = &[
        Self::Header,
        Self::LegalBasis,
        Self::Readings,
        Self::Documents,
        Self::Funding,
        Self::Accepted,
        Self::Scores,
        Self::Classes,
        Self::Criteria,
        Self::FastTracks,
        Self::Bases(Moment::Grant),
        Self::Rates(Moment::Grant),
        Self::Caps(Moment::Grant),
        Self::Bases(Moment::Redemption),
        Self::Rates(Moment::Redemption),
        Self::Caps(Moment::Redemption),
        Self::Bases(Moment::Claim),
        Self::Rates(Moment::Claim),
        Self::Caps(Moment::Claim),
    ];

    /// Whether another order is another rule: the first that holds is taken, and caps apply one after the other.
    pub(super) const fn ordered(self) -> bool {
        matches!(
            self,
            Self::Funding | Self::Bases(_) | Self::Rates(_) | Self::Caps(_)
        )
    }
}

/// Something in a pack that has a name.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) section: Section,
    /// By which it is found in the other pack.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) parts: Vec<Part>,
}

/// One thing that an item says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) label: &'static str,
    pub(super) text: String,
}

impl Part {
    pub(super) fn told(&self, words: Phrases<'_>) -> String {
        format!("{}{}{}", self.label, words.pick("：", ": "), self.text)
    }
}

pub(super) fn outline(words: Phrases<'_>) -> Vec<Item> {
    let policy = words.policy;
    let mut outline = Outline {
        words,
        items: Vec::new(),
    };
    outline.header();
    outline.sources();
    outline.funding();
    for (fact, sources) in &policy.accept {
        let sources: Vec<_> = sources.iter().map(|one| words.source(*one)).collect();
        let name = words.what(*fact).to_owned();
        let text = sources.join(words.pick("或", " or "));
        let label = words.pick("采信来源", "believed if");
        outline.item(
            Section::Accepted,
            name.clone(),
            name,
            vec![Part { label, text }],
        );
    }
    policy.scores.iter().for_each(|one| outline.score(one));
    policy.classes.iter().for_each(|one| outline.class(one));
    policy
        .criteria
        .iter()
        .for_each(|one| outline.criterion(one));
    policy
        .fast_tracks
        .iter()
        .for_each(|one| outline.fast_track(one));
    for at in &policy.at {
        if let Some(award) = &at.award {
            outline.award(at.moment, award);
        }
    }
    outline.items
}

struct Outline<'p> {
    words: Phrases<'p>,
    items: Vec<Item>,
}

impl Outline<'_> {
    const fn pick(&self, zh: &'static str, en: &'static str) -> &'static str {
        self.words.pick(zh, en)
    }

    fn part(&self, zh: &'static str, en: &'static str, text: impl Into<String>) -> Part {
        Part {
            label: self.pick(zh, en),
            text: text.into(),
        }
    }

    fn shown(&self, zh: &'static str, en: &'static str, text: &Bilingual) -> Part {
        self.part(zh, en, self.words.title(text))
    }

    /// Adds an item; of several with one key, each after the first gets a number.
    fn item(&mut self, section: Section, key: String, name: String, parts: Vec<Part>) {
        let alike =
            |item: &&Item| item.section == section && item.key.split('\u{0}').next() == Some(&*key);
        let before = self.items.iter().filter(alike).count();
        let key = if before == 0 {
            key
        } else {
            format!("{key}\u{0}{before}")
        };
        self.items.push(Item {
            section,
            key,
            name,
            parts,
        });
    }

    fn header(&mut self) {
        let policy = self.words.policy;
        let mut parts = vec![
            self.part("代码", "code", policy.code.as_str()),
            self.part("版本", "version", policy.version.as_str()),
            self.shown("名称", "title", &policy.title),
            self.part("币种", "currency", policy.currency.to_string()),
            self.part("方式", "mode", self.mode(policy.mode)),
            self.part("施行", "in force", self.words.period(policy.in_force)),
            self.part(
                "公示工作日",
                "working days of notice",
                policy.notice_days.to_string(),
            ),
        ];
        if let Some(payee) = policy.payee {
            parts.push(self.part("兑付对象", "payee", self.words.payee(payee)));
        }
        if let Some(validity) = policy.validity {
            parts.push(self.part("有效期", "validity", self.validity(validity)));
        }
        if policy.mode != Mode::Recognition {
            parts.push(self.part("取整", "rounding", self.rounding(policy.rounding)));
            let exhaustion = self.exhaustion(&policy.exhaustion);
            parts.push(self.part("资金用尽时", "when money runs out", exhaustion));
        }
        let name = self.pick("总则", "the pack").to_owned();
        self.item(Section::Header, String::new(), name, parts);
    }

    fn mode(&self, mode: Mode) -> &'static str {
        match mode {
            Mode::ExAnte => self.pick("事前申领", "applied for in advance"),
            Mode::ExPost => self.pick("事后申领", "claimed afterwards"),
            Mode::Recognition => self.pick("资格认定", "a recognition"),
        }
    }

    fn validity(&self, validity: Validity) -> String {
        let zh = self.words.locale == Locale::Zh;
        match validity {
            Validity::Months(months) if zh => format!("{months} 个月"),
            Validity::Months(months) => format!("{months} months"),
            Validity::CalendarYearEnd => self
                .pick("至当年 12 月 31 日", "to the end of the year")
                .to_owned(),
            Validity::NextYear { month, day } if zh => format!("至次年 {month} 月 {day} 日"),
            Validity::NextYear { month, day } => format!("to {month:02}-{day:02} of the next year"),
        }
    }

    fn rounding(&self, rounding: Rounding) -> String {
        let how = match rounding.mode {
            RoundingMode::HalfUp => self.pick("四舍五入", "half up"),
            RoundingMode::Down => self.pick("向下", "down"),
            RoundingMode::Up => self.pick("向上", "up"),
        };
        let unit = self.words.money(rounding.unit);
        format!("{how}{}{unit}", self.pick("，至 ", ", to "))
    }

    fn exhaustion(&self, exhaustion: &Exhaustion) -> String {
        let (number, by, within, ties) = match exhaustion {
            Exhaustion::FirstCome => {
                return self.pick("先到先得", "first come, first served").to_owned();
            }
            Exhaustion::ProRata => {
                return self
                    .pick("按比例核减", "every award is reduced in one proportion")
                    .to_owned();
            }
            Exhaustion::RatioFromDemand => {
                return self
                    .pick("按需求确定比例", "the rate follows from budget and demand")
                    .to_owned();
            }
            Exhaustion::Top {
                number,
                by,
                within,
                ties,
            } => (number, self.words.what(*by), within, ties),
        };
        let ties: Vec<_> = ties
            .iter()
            .map(|fact| self.words.what(*fact).to_owned())
            .collect();
        let ties = self.words.list(&ties);
        let within = within.map(|fact| self.words.what(fact));
        match (self.words.locale, within) {
            (Locale::Zh, within) => {
                let within = within.map_or_else(String::new, |one| format!("，在同一{one}内"));
                format!("按{by}从高到低取前 {number} 名{within}；相同者依次按{ties}从低到高")
            }
            (Locale::En, within) => {
                let within =
                    within.map_or_else(String::new, |one| format!(", within each class of {one}"));
                format!(
                    "the first {number} by {by}, the highest first{within}; equal ones by {ties}, the lowest first"
                )
            }
        }
    }

    fn sources(&mut self) {
        let policy = self.words.policy;
        let (zh, en) = ("“", "\"");
        let quoted = |words: Phrases<'_>, text: &Bilingual| {
            let close = words.pick("”", "\"");
            format!("{}{}{close}", words.pick(zh, en), words.title(text))
        };
        for basis in &policy.legal_basis {
            let title = self.words.title(&basis.title).to_owned();
            let name = format!(
                "{}{}",
                self.pick("依据", "legal basis "),
                quoted(self.words, &basis.title)
            );
            let mut parts = vec![
                self.shown("条款", "clause", &basis.clause),
                self.part("证据等级", "evidence", basis.evidence.letter()),
            ];
            if let Some(note) = &basis.note {
                parts.push(self.shown("说明", "note", note));
            }
            self.item(Section::LegalBasis, title, name, parts);
        }
        for reading in &policy.readings {
            let clause = self.words.title(&reading.clause).to_owned();
            let name = format!(
                "{}{}",
                self.pick("解读", "reading of "),
                quoted(self.words, &reading.clause)
            );
            let parts = vec![self.shown("内容", "text", &reading.text)];
            self.item(Section::Readings, clause, name, parts);
        }
        for document in &policy.documents {
            let title = self.words.title(document).to_owned();
            let name = format!(
                "{}{}",
                self.pick("材料", "document "),
                quoted(self.words, document)
            );
            self.item(Section::Documents, title, name, Vec::new());
        }
    }

    fn funding(&mut self) {
        for funding in &self.words.policy.funding {
            let (key, whom) = self.whom(funding.when.as_ref());
            let funders: Vec<_> = funding.funders.iter().map(|one| self.funder(one)).collect();
            let name = format!("{}{whom}", self.pick("出资", "funders"));
            let parts = vec![self.part("分担", "shares", self.words.list(&funders))];
            self.item(Section::Funding, key, name, parts);
        }
    }

    fn funder(&self, funder: &Funder) -> String {
        let name = self.words.title(&funder.name);
        format!("{name} [{}] {}", funder.code, percent(funder.share))
    }

    /// A condition as key, and as a suffix of a name.
    fn whom(&self, when: Option<&Predicate>) -> (String, String) {
        let Some(when) = when else {
            return (String::new(), String::new());
        };
        let told = self.words.condition(when);
        let name = match self.words.locale {
            Locale::Zh => format!("（{told}）"),
            Locale::En => format!(" where {told}"),
        };
        (told, name)
    }

    fn score(&mut self, score: &Score) {
        let points = |points: u32| format!("{points} {}", self.pick("分", "points"));
        let named = |parts: &[usize]| {
            let names: Vec<_> = parts
                .iter()
                .map(|part| self.words.score_title(*part).to_owned())
                .collect();
            self.words.list(&names)
        };
        let rule = match &score.rule {
            ScoreRule::BestOf(parts) => {
                format!(
                    "{}{}",
                    self.pick("取高者：", "the higher of "),
                    named(parts)
                )
            }
            ScoreRule::Sum(parts) => {
                format!("{}{}", self.pick("合计：", "the sum of "), named(parts))
            }
            ScoreRule::Bands(measure, bands) => {
                let what = match measure {
                    Measure::Fact(fact) => self.words.what(*fact).to_owned(),
                    Measure::Ratio(of, to) => self.words.ratio_of(*of, *to),
                };
                let at_least = self.words.how(Comparison::AtLeast);
                let bands: Vec<_> = bands
                    .iter()
                    .map(|band| {
                        let bound = match (&band.at_least, measure) {
                            (None, _) => self.pick("其余", "else").to_owned(),
                            (Some(Threshold::Ratio(ratio)), _) => {
                                format!("{at_least} {}", percent(*ratio))
                            }
                            (
                                Some(Threshold::Value(value)),
                                Measure::Fact(fact) | Measure::Ratio(fact, _),
                            ) => {
                                format!("{at_least} {}", self.words.value(*fact, value))
                            }
                        };
                        format!("{bound} {}", points(band.points))
                    })
                    .collect();
                format!("{what}{}{}", self.pick("：", ": "), self.words.list(&bands))
            }
        };
        let name = format!("{} [{}]", self.pick("得分项", "score"), score.name);
        let parts = vec![
            self.shown("名称", "title", &score.title),
            self.shown("条款", "clause", &score.clause),
            self.part("计分", "points", rule),
        ];
        self.item(Section::Scores, score.name.clone(), name, parts);
    }

    fn class(&mut self, class: &Class) {
        let mut rows = Vec::new();
        for row in &class.rows {
            let words: Vec<_> = row
                .is
                .iter()
                .map(|word| self.pick(word.zh, word.en))
                .collect();
            let names = class.classes.iter().skip(1);
            let levels = names.zip(&row.levels).map(|(name, level)| {
                let bounds = level.iter().map(|(fact, value)| {
                    format!(
                        "{} ≥ {}",
                        self.words.what(*fact),
                        self.words.value(*fact, value)
                    )
                });
                let bounds: Vec<_> = bounds.collect();
                format!(
                    "{} {}",
                    self.words.class_word(name),
                    self.words.list(&bounds)
                )
            });
            let levels: Vec<_> = levels.collect();
            let words = words.join(self.pick("、", ", "));
            rows.push(format!("{words}{}", levels.join(self.pick("；", "; "))));
        }
        let lowest = class
            .classes
            .first()
            .map_or("", |name| self.words.class_word(name));
        let name = format!("{} [{}]", self.pick("分类", "class"), class.name);
        let mut parts = vec![
            self.shown("名称", "title", &class.title),
            self.shown("条款", "clause", &class.clause),
            self.part("最低", "lowest", lowest),
            self.part("标准", "bounds", rows.join(" | ")),
        ];
        if let Some(by) = class.by {
            parts.push(self.part("依", "by", self.words.what(by)));
        }
        self.item(Section::Classes, class.name.clone(), name, parts);
    }

    fn criterion(&mut self, criterion: &Criterion) {
        let kind = match criterion.kind {
            CriterionKind::Requirement => self.pick("条件", "criterion"),
            CriterionKind::Exclusion => self.pick("排除情形", "exclusion"),
        };
        let moments: Vec<_> = criterion
            .at
            .iter()
            .map(|one| self.words.moment(*one).to_owned())
            .collect();
        let parts = vec![
            self.part("类别", "kind", kind),
            self.part("审查环节", "looked at", self.words.list(&moments)),
            self.shown("名称", "title", &criterion.title),
            self.shown("条款", "clause", &criterion.clause),
            self.shown("理由", "reason", &criterion.reason),
            self.part("判定", "test", self.words.condition(&criterion.test)),
        ];
        let title = self.words.title(&criterion.title);
        let name = match self.words.locale {
            Locale::Zh => format!("{kind}“{title}”[{}]", criterion.code),
            Locale::En => format!("{kind} \"{title}\" [{}]", criterion.code),
        };
        self.item(Section::Criteria, criterion.code.to_string(), name, parts);
    }

    fn fast_track(&mut self, track: &FastTrack) {
        let waives: Vec<_> = track.waives.iter().map(ToString::to_string).collect();
        let parts = vec![
            self.shown("名称", "title", &track.title),
            self.shown("条款", "clause", &track.clause),
            self.part("免予", "waives", self.words.list(&waives)),
            self.part("判定", "test", self.words.condition(&track.test)),
        ];
        let name = format!("{} [{}]", self.pick("直通车", "fast track"), track.code);
        self.item(Section::FastTracks, track.code.to_string(), name, parts);
    }

    fn award(&mut self, moment: Moment, award: &Award) {
        let at = |outline: &Self, zh: &str, en: &str| {
            let moment = outline.words.moment(moment);
            match outline.words.locale {
                Locale::Zh => format!("{moment}{zh}"),
                Locale::En => format!("the {en} of a {moment}"),
            }
        };
        for base in &award.bases {
            let (key, whom) = self.whom(base.when.as_ref());
            let name = format!("{}{whom}", at(self, "基数", "base"));
            let parts = vec![self.part("计算", "made of", self.base(base))];
            self.item(Section::Bases(moment), key, name, parts);
        }
        for rate in &award.rates {
            let (key, whom) = self.whom(rate.when.as_ref());
            let name = format!("{}{whom}", at(self, "比例", "rate"));
            let parts = vec![self.part("标准", "gives", self.rate(&rate.rate))];
            self.item(Section::Rates(moment), key, name, parts);
        }
        for cap in &award.caps {
            self.cap(moment, cap);
        }
    }

    fn cap(&mut self, moment: Moment, cap: &Cap) {
        let (key, whom) = self.whom(cap.when.as_ref());
        let (scope, moment_name) = (self.words.cap(cap.scope), self.words.moment(moment));
        let name = match self.words.locale {
            Locale::Zh => format!("{moment_name}的{scope}{whom}"),
            Locale::En => format!("the {scope} at a {moment_name}{whom}"),
        };
        let most = match &cap.most {
            Most::Amount(amounts) => self.amounts(amounts),
            Most::PerUnit(amounts, fact) => {
                let each = self.pick("，每单位：", " for each of ");
                format!("{}{each}{}", self.amounts(amounts), self.words.what(*fact))
            }
            Most::Count(count) => count.to_string(),
        };
        let over = match cap.over {
            Over::Reduce => self.pick("核减", "the award is reduced"),
            Over::Refuse => self.pick("不予支持", "the award is refused"),
        };
        let parts = vec![
            self.part("额度", "most", most),
            self.part("超出时", "over it", over),
            self.shown("条款", "clause", &cap.clause),
        ];
        let key = format!("{} {key}", cap.scope.code());
        self.item(Section::Caps(moment), key, name, parts);
    }

    fn amounts(&self, amounts: &[(Period, Money)]) -> String {
        match amounts {
            [(_, amount)] => self.words.money(*amount),
            dated => {
                let dated = dated.iter().map(|(period, amount)| {
                    format!(
                        "{} {}",
                        self.words.money(*amount),
                        self.words.period(*period)
                    )
                });
                dated.collect::<Vec<_>>().join(self.pick("；", "; "))
            }
        }
    }

    fn base(&self, base: &Base) -> String {
        let terms: Vec<_> = base.terms.iter().map(|term| self.term(term)).collect();
        let mut text = terms.join(" + ");
        for fact in &base.less {
            text += " − ";
            text += self.words.what(*fact);
        }
        text
    }

    fn term(&self, term: &Term) -> String {
        let mut text = self.words.what(term.fact).to_owned();
        let at_most = |text: &mut String, most: &str| {
            *text += self.pick("（不超过 ", " (at most ");
            *text += most;
            *text += self.pick("）", ")");
        };
        match &term.at_most {
            None => {}
            Some(Limit::Fact(fact)) => at_most(&mut text, self.words.what(*fact)),
            Some(Limit::Value(value)) => at_most(&mut text, &self.words.value(term.fact, value)),
        }
        for factor in &term.times {
            text += " × ";
            match &factor.number {
                FactorOf::Number(number) => text += &number.to_string(),
                FactorOf::Fact(fact, most) => {
                    text += self.words.what(*fact);
                    if let Some(most) = most {
                        at_most(&mut text, &self.words.value(*fact, most));
                    }
                }
            }
            if factor.per != 1 {
                text += " ÷ ";
                text += &factor.per.to_string();
            }
        }
        text
    }

    fn rate(&self, rate: &Rate) -> String {
        let tiers = match rate {
            Rate::Flat(amount) => {
                return format!(
                    "{}{}",
                    self.pick("定额 ", "a fixed "),
                    self.words.money(*amount)
                );
            }
            Rate::Tiers(tiers) => tiers,
        };
        if let [only] = tiers.as_slice() {
            return percent(only.ratio);
        }
        let tiers = tiers.iter().map(|tier| {
            let (rate, over) = (percent(tier.ratio), self.words.money(tier.over));
            match (
                tier.up_to.map(|end| self.words.money(end)),
                self.words.locale,
            ) {
                (Some(end), Locale::Zh) => format!("{over} 至 {end} 部分 {rate}"),
                (Some(end), Locale::En) => format!("{rate} of what is over {over}, up to {end}"),
                (None, Locale::Zh) => format!("超过 {over} 部分 {rate}"),
                (None, Locale::En) => format!("{rate} of what is over {over}"),
            }
        });
        tiers.collect::<Vec<_>>().join(self.pick("；", "; "))
    }
}
