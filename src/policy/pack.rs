//! A policy pack, checked: identity, sources, criteria, awards and validity of a programme's rules.

use std::ops::Range;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::assess::counts;
use super::award::{Award, Scope};
use super::measure::{Class, Measures, Score};
use super::predicate::{Outcome, Predicate, Sight};
use super::registry::Fact;
use super::snapshot::{Accepted, Source, is_accepted};
use super::usage::Usage;
use super::{Bilingual, Facts, Ratio, ReasonCode, Seen, Sha256, StatedBy};
use crate::types::{Code, Currency, Money, PartyId, Period, add_months_clamped};

/// One immutable version of a programme's rules.
///
/// Made only by [`Policy::parse`], so it is free of every problem that the type check finds.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) code: Code,
    pub(super) version: Code,
    pub(super) title: Bilingual,
    pub(super) currency: Currency,
    pub(super) mode: Mode,
    pub(super) payee: Option<Payee>,
    pub(super) exhaustion: Exhaustion,
    pub(super) rounding: Rounding,
    pub(super) notice_days: u16,
    pub(super) in_force: Period,
    pub(super) validity: Option<Validity>,
    pub(super) on_expiry: OnExpiry,
    pub(super) documents: Vec<Bilingual>,
    pub(super) legal_basis: Vec<LegalBasis>,
    pub(super) readings: Vec<Reading>,
    pub(super) funding: Vec<Funding>,
    pub(super) accept: Accepted,
    pub(super) scores: Vec<Score>,
    pub(super) classes: Vec<Class>,
    pub(super) criteria: Vec<Criterion>,
    pub(super) fast_tracks: Vec<FastTrack>,
    pub(super) at: Vec<AtMoment>,
    pub(super) examples: Vec<Example>,
    pub(super) body: String,
    pub(super) sha256: Sha256,
}

/// What a pack says of one moment.
#[derive(Clone, Debug)]
pub(super) struct AtMoment {
    pub(super) moment: Moment,
    /// How much is given; nothing at a recognition.
    pub(super) award: Option<Award>,
    /// The facts that a decision may look at, in the order of their names.
    pub(super) wanted: Vec<Fact>,
}

/// What is being decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// An application for a voucher: is it granted, and with what face value?
    Grant,
    /// An order or its bill: how much of the price does the voucher pay?
    Redemption,
    /// A claim for what was done: how much is given?
    Claim,
    /// Whether somebody counts as something; no amount.
    Recognition,
}

impl Moment {
    /// As packs and files write it.
    pub fn word(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(_, moment)| *moment == self);
        word.map_or("", |(word, _)| word)
    }
}

/// A word of the pack language that stands for one of a few choices.
pub(super) trait Words: Sized + Copy + 'static {
    /// The words and what they stand for.
    const WORDS: &'static [(&'static str, Self)];
}

macro_rules! words {
    ($($name:ident { $($word:literal => $variant:ident),+ $(,)? })+) => {$(
        impl Words for $name {
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
        }
    )+};
}

words! {
    Moment { "grant" => Grant, "redemption" => Redemption, "claim" => Claim, "recognition" => Recognition }
    Mode { "ex_ante" => ExAnte, "ex_post" => ExPost, "recognition" => Recognition }
    Payee { "provider" => Provider, "firm" => Firm, "carrier" => Carrier }
    RoundingMode { "half_up" => HalfUp, "down" => Down, "up" => Up }
    OnExpiry { "reclaim" => Reclaim }
    Grade { "A" => Official, "B" => SecondaryCopy, "K" => GeneralKnowledge }
}

/// When support is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Applied for before the service is bought, then held and used.
    ExAnte,
    /// Claimed for what was done.
    ExPost,
    /// Nothing is given: it says who counts as something.
    Recognition,
}

impl Mode {
    /// As packs write it.
    pub fn word(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(_, mode)| *mode == self);
        word.map_or("", |(word, _)| word)
    }

    /// The moments at which a pack of this mode decides.
    pub const fn moments(self) -> &'static [Moment] {
        match self {
            Self::ExAnte => &[Moment::Grant, Moment::Redemption],
            Self::ExPost => &[Moment::Claim],
            Self::Recognition => &[Moment::Recognition],
        }
    }
}

/// Who is paid when a voucher is redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payee {
    /// The provider of the service redeems; the firm pays only its own share.
    Provider,
    /// The firm pays the whole price and claims.
    Firm,
    /// The incubator or platform claims.
    Carrier,
}

/// What happens when the budget runs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exhaustion {
    /// First come, first served: later applications are refused.
    FirstCome,
    /// Every award is reduced in one proportion.
    ProRata,
    /// The rate is lowered to what the budget is of the demand.
    RatioFromDemand,
    /// The first so many by a fact, the highest first.
    Top {
        /// So many.
        number: u32,
        /// By which fact.
        by: Fact,
        /// Within each class of this one.
        within: Option<Fact>,
        /// What tells equal ones apart, the lowest first.
        ties: Vec<Fact>,
    },
}

/// The one rounding at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounding {
    /// Which way.
    pub mode: RoundingMode,
    /// To whole multiples of this.
    pub unit: Money,
}

/// Which way is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundingMode {
    /// To the nearest; a half goes up.
    HalfUp,
    /// Down.
    Down,
    /// Up.
    Up,
}

/// What happens to the value of an expired voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnExpiry {
    /// It goes back to the programme.
    Reclaim,
}

/// How well a source is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Read on an official page.
    Official,
    /// Read in a secondary copy or notice.
    SecondaryCopy,
    /// General knowledge, not read.
    GeneralKnowledge,
}

impl Grade {
    /// The letter in packs: A, B or K.
    pub fn letter(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(_, grade)| *grade == self);
        word.map_or("", |(letter, _)| letter)
    }
}

/// A legal text that the rules rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegalBasis {
    /// Its title.
    pub title: Bilingual,
    /// Which of its clauses.
    pub clause: Bilingual,
    /// How well it is known.
    pub evidence: Grade,
    /// What to know before relying on it.
    pub note: Option<Bilingual>,
}

/// Where the source leaves something open: which reading this pack takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Which clause is read.
    pub clause: Bilingual,
    /// How.
    pub text: Bilingual,
}

/// Who bears a share of every award.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funder {
    /// Short code.
    pub code: Code,
    /// Name.
    pub name: Bilingual,
    /// Its share; all shares of a pack are exactly one together.
    pub share: Ratio,
}

/// The funders of awards for whom a condition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funding {
    /// For whom; for everybody, if there is no condition.
    pub when: Option<Predicate>,
    /// Who pays.
    pub funders: Vec<Funder>,
}

/// A way in that waives some criteria.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FastTrack {
    /// Its code.
    pub code: ReasonCode,
    /// Where the source says so.
    pub clause: Bilingual,
    /// What it is called.
    pub title: Bilingual,
    /// The criteria that it waives.
    pub waives: Vec<ReasonCode>,
    /// For whom.
    pub test: Predicate,
}

/// Whether a condition lets in or keeps out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CriterionKind {
    /// The test must hold.
    Requirement,
    /// The test must not hold.
    Exclusion,
}

/// One condition of eligibility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criterion {
    /// The reason code when it is not met.
    pub code: ReasonCode,
    /// Whether the test lets in or keeps out.
    pub kind: CriterionKind,
    /// When it is looked at.
    pub at: Vec<Moment>,
    /// Where the source says so.
    pub clause: Bilingual,
    /// What it is called.
    pub title: Bilingual,
    /// What is said when it is not met.
    pub reason: Bilingual,
    /// The condition.
    pub test: Predicate,
}

impl Criterion {
    /// How it comes out: of an exclusion, whether the applicant is *not* excluded.
    pub(super) fn evaluate(&self, sight: Sight<'_>) -> Outcome {
        match self.kind {
            CriterionKind::Requirement => self.test.evaluate(sight),
            CriterionKind::Exclusion => self.test.evaluate(sight).negate(),
        }
    }
}

/// How long a voucher can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Calendar months; where the month is shorter, to the last day of it.
    Months(u16),
    /// To 31 December of the year of issue.
    CalendarYearEnd,
    /// To this month and day of the next year.
    NextYear {
        /// From 1.
        month: u32,
        /// From 1.
        day: u32,
    },
}

impl Validity {
    /// The last day on which a voucher issued that day can be used (worked case V7).
    pub fn last_day(self, issued_on: NaiveDate) -> NaiveDate {
        match self {
            Self::Months(months) => add_months_clamped(issued_on, u32::from(months)),
            Self::CalendarYearEnd => {
                NaiveDate::from_ymd_opt(issued_on.year(), 12, 31).unwrap_or(NaiveDate::MAX)
            }
            Self::NextYear { month, day } => {
                NaiveDate::from_ymd_opt(issued_on.year() + 1, month, day).unwrap_or(NaiveDate::MAX)
            }
        }
    }
}

/// A worked case in the pack itself: facts and the decision that they must give.
#[derive(Clone, Debug)]
pub struct Example {
    /// What it shows.
    pub title: String,
    pub(super) moment: Moment,
    pub(super) on: NaiveDate,
    pub(super) facts: Facts,
    pub(super) usage: Usage,
    pub(super) expected: Expected,
    /// Where it stands in the pack, in bytes.
    pub(super) span: Range<usize>,
}

/// What an example demands of the decision. What it does not name is not compared.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) outcome: Outcome,
    pub(super) reasons: Vec<ReasonCode>,
    pub(super) amount: Option<Money>,
    pub(super) own_share: Option<Money>,
    pub(super) last_day: Option<NaiveDate>,
    pub(super) missing: Option<Vec<Fact>>,
    pub(super) scores: Vec<(String, u32)>,
    pub(super) classes: Vec<(String, String)>,
    pub(super) funding: Vec<(Code, Money)>,
}

impl Policy {
    /// The programme's code.
    pub const fn code(&self) -> &Code {
        &self.code
    }

    /// The version of its rules.
    pub const fn version(&self) -> &Code {
        &self.version
    }

    /// The title.
    pub const fn title(&self) -> &Bilingual {
        &self.title
    }

    /// The currency of every amount in it.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The days on which it decides, unless a newer version has come into force.
    pub const fn in_force(&self) -> Period {
        self.in_force
    }

    /// When support is promised.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Who is paid; nobody by a recognition.
    pub const fn payee(&self) -> Option<Payee> {
        self.payee
    }

    /// What happens when the budget runs out.
    pub const fn exhaustion(&self) -> &Exhaustion {
        &self.exhaustion
    }

    /// How amounts are rounded.
    pub const fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// Days of public disclosure before payment.
    pub const fn notice_days(&self) -> u16 {
        self.notice_days
    }

    /// Who is paid when a voucher of `holder` is redeemed at `provider`.
    pub const fn payee_of(&self, holder: PartyId, provider: PartyId) -> PartyId {
        match self.payee {
            Some(Payee::Provider) => provider,
            Some(Payee::Firm | Payee::Carrier) | None => holder,
        }
    }

    /// How long a voucher can be used, or a recognition holds; `None` if without end.
    pub const fn validity(&self) -> Option<Validity> {
        self.validity
    }

    /// The last day of what is given or recognised that day; the last of the calendar if it has no end.
    pub fn last_day(&self, day: NaiveDate) -> NaiveDate {
        self.validity
            .map_or(NaiveDate::MAX, |validity| validity.last_day(day))
    }

    /// What happens to the value of an expired voucher.
    pub const fn on_expiry(&self) -> OnExpiry {
        self.on_expiry
    }

    /// The documents that an application must bring.
    pub fn documents(&self) -> &[Bilingual] {
        &self.documents
    }

    /// The legal texts behind it.
    pub fn legal_basis(&self) -> &[LegalBasis] {
        &self.legal_basis
    }

    /// The readings that it takes where the source leaves something open.
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// Who bears the awards, for whom.
    pub fn funding(&self) -> &[Funding] {
        &self.funding
    }

    /// The points that it gives.
    pub fn scores(&self) -> &[Score] {
        &self.scores
    }

    /// The classes that it tells apart.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The ways in that waive criteria.
    pub fn fast_tracks(&self) -> &[FastTrack] {
        &self.fast_tracks
    }

    /// The conditions of eligibility.
    pub fn criteria(&self) -> &[Criterion] {
        &self.criteria
    }

    /// Whether its decisions believe a fact from that source.
    pub fn accepts(&self, fact: Fact, source: Source) -> bool {
        is_accepted(&self.accept, fact, source)
    }

    /// Whether a fact is for the office to determine, and no applicant can bring it.
    pub fn is_for_office(&self, fact: Fact) -> bool {
        fact.spec().stated_by == StatedBy::Office && !self.accepts(fact, Source::Declared)
    }

    /// The moments at which it decides.
    pub const fn moments(&self) -> &'static [Moment] {
        self.mode.moments()
    }

    /// How much is given at that moment; nothing at one that is not the pack's, or at a recognition.
    pub fn award(&self, moment: Moment) -> Option<&Award> {
        self.at_moment(moment)?.award.as_ref()
    }

    /// The facts that a decision of that moment may look at, in the order of their names.
    pub fn wanted(&self, moment: Moment) -> &[Fact] {
        self.at_moment(moment).map_or(&[], |at| &at.wanted)
    }

    fn at_moment(&self, moment: Moment) -> Option<&AtMoment> {
        self.at.iter().find(|at| at.moment == moment)
    }

    /// The members of a usage that a decision of that moment counts, as files name them.
    pub fn counted(&self, moment: Moment) -> Vec<&'static str> {
        const MEMBERS: [(&str, Scope); 9] = [
            ("held_now", Scope::Holding),
            ("used_this_year", Scope::FirmYear),
            ("used_by_group", Scope::GroupYear),
            ("used_by_provider", Scope::ProviderYear),
            ("used_in_life", Scope::Lifetime),
            ("used_by_programme", Scope::Programme),
            ("de_minimis", Scope::DeMinimis),
            ("awards_this_year", Scope::YearCount),
            ("awards_in_life", Scope::LifetimeCount),
        ];
        let award = self.award(moment);
        let counted = |(_, scope): &(&str, Scope)| {
            let held = (moment, *scope) == (Moment::Redemption, Scope::Holding);
            held || counts(award, *scope)
        };
        let members = MEMBERS.into_iter().filter(counted);
        members.map(|(name, _)| name).collect()
    }

    /// The scores and classes that follow from facts.
    pub(super) fn measures(&self, seen: &Seen) -> Measures {
        Measures::of(&self.scores, &self.classes, seen)
    }

    /// The pack, byte for byte.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The SHA-256 of [`Policy::body`]: what decisions name.
    pub const fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// The funders of a case: the first whose condition holds. `None` while an earlier one is open.
    pub(super) fn funders(&self, sight: Sight<'_>) -> Option<&[Funder]> {
        for funding in &self.funding {
            let holds = |when: &Predicate| when.evaluate(sight);
            match funding.when.as_ref().map_or(Outcome::Pass, holds) {
                Outcome::Pass => return Some(&funding.funders),
                Outcome::Fail => {}
                Outcome::NeedsReview => return None,
            }
        }
        Some(&[])
    }
}

/// Splits an amount by the funders' shares. Each part is rounded down and what is left goes to
/// the first funder, so the parts are exactly the amount together.
pub fn split(funders: &[Funder], amount: Money) -> Vec<Money> {
    let part = |funder: &Funder| {
        let share = i128::from(amount.minor()) * i128::from(funder.share.numer())
            / i128::from(funder.share.denom());
        i64::try_from(share).expect("BUG: a share of at most one is no more than the amount")
    };
    let mut parts: Vec<i64> = funders.iter().map(part).collect();
    let left = amount.minor() - parts.iter().sum::<i64>();
    if let Some(first) = parts.first_mut() {
        *first += left;
    }
    parts.into_iter().map(Money::from_minor).collect()
}
