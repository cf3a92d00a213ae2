//! A policy pack, checked: identity, sources, criteria, awards and validity of a programme's rules.

use std::ops::Range;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::award::Award;
use super::predicate::{Outcome, Predicate};
use super::registry::Fact;
use super::{Bilingual, Facts, Ratio, ReasonCode, Sha256, Usage};
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
    pub(super) payee: Payee,
    pub(super) exhaustion: Exhaustion,
    pub(super) rounding: Rounding,
    pub(super) notice_days: u16,
    pub(super) in_force: Period,
    pub(super) validity: Validity,
    pub(super) on_expiry: OnExpiry,
    pub(super) documents: Vec<Bilingual>,
    pub(super) legal_basis: Vec<LegalBasis>,
    pub(super) readings: Vec<Reading>,
    pub(super) funders: Vec<Funder>,
    pub(super) criteria: Vec<Criterion>,
    pub(super) grant: Award,
    pub(super) redemption: Award,
    pub(super) examples: Vec<Example>,
    /// The facts that a grant and a redemption may look at, each in the order of their names.
    pub(super) wanted: [Vec<Fact>; 2],
    pub(super) body: String,
    pub(super) sha256: Sha256,
}

/// What is being decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// An application for a voucher: is it granted, and with what face value?
    Grant,
    /// An order or its bill: how much of the price does the voucher pay?
    Redemption,
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
    Moment { "grant" => Grant, "redemption" => Redemption }
    Mode { "ex_ante" => ExAnte }
    Payee { "provider" => Provider, "firm" => Firm }
    Exhaustion { "fcfs" => FirstCome }
    Rounding { "half_up" => HalfUp }
    OnExpiry { "reclaim" => Reclaim }
    Grade { "A" => Official, "B" => SecondaryCopy, "K" => GeneralKnowledge }
}

/// When support is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Applied for before the service is bought, then held and used.
    ExAnte,
}

/// Who is paid when a voucher is redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payee {
    /// The provider of the service redeems; the firm pays only its own share.
    Provider,
    /// The firm pays the whole price and claims.
    Firm,
}

/// What happens when the budget runs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhaustion {
    /// First come, first served: later applications are refused.
    FirstCome,
}

/// The one rounding at the end, to the currency's minor unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// A half goes up.
    HalfUp,
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
    pub fn evaluate(&self, seen: &super::Seen) -> Outcome {
        match self.kind {
            CriterionKind::Requirement => self.test.evaluate(seen),
            CriterionKind::Exclusion => self.test.evaluate(seen).negate(),
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
}

impl Validity {
    /// The last day on which a voucher issued that day can be used (worked case V7).
    pub fn last_day(self, issued_on: NaiveDate) -> NaiveDate {
        match self {
            Self::Months(months) => add_months_clamped(issued_on, u32::from(months)),
            Self::CalendarYearEnd => {
                NaiveDate::from_ymd_opt(issued_on.year(), 12, 31).unwrap_or(NaiveDate::MAX)
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

    /// Who is paid.
    pub const fn payee(&self) -> Payee {
        self.payee
    }

    /// What happens when the budget runs out.
    pub const fn exhaustion(&self) -> Exhaustion {
        self.exhaustion
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
            Payee::Firm => holder,
            Payee::Provider => provider,
        }
    }

    /// How long a voucher can be used.
    pub const fn validity(&self) -> Validity {
        self.validity
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

    /// Who bears the awards.
    pub fn funders(&self) -> &[Funder] {
        &self.funders
    }

    /// The conditions of eligibility.
    pub fn criteria(&self) -> &[Criterion] {
        &self.criteria
    }

    /// How much is given at that moment.
    pub const fn award(&self, moment: Moment) -> &Award {
        match moment {
            Moment::Grant => &self.grant,
            Moment::Redemption => &self.redemption,
        }
    }

    /// The facts that a decision of that moment may look at, in the order of their names.
    pub fn wanted(&self, moment: Moment) -> &[Fact] {
        let [grant, redemption] = &self.wanted;
        match moment {
            Moment::Grant => grant,
            Moment::Redemption => redemption,
        }
    }

    /// The pack, byte for byte.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The SHA-256 of [`Policy::body`]: what decisions name.
    pub const fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Splits an amount by the funders' shares. Each part is rounded down and what is left goes to
    /// the first funder, so the parts are exactly the amount together.
    pub fn split(&self, amount: Money) -> Vec<Money> {
        let part = |funder: &Funder| {
            let share = i128::from(amount.minor()) * i128::from(funder.share.numer())
                / i128::from(funder.share.denom());
            i64::try_from(share).expect("BUG: a share of at most one is no more than the amount")
        };
        let mut parts: Vec<i64> = self.funders.iter().map(part).collect();
        let left = amount.minor() - parts.iter().sum::<i64>();
        if let Some(first) = parts.first_mut() {
            *first += left;
        }
        parts.into_iter().map(Money::from_minor).collect()
    }
}
