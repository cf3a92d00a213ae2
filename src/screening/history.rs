//! What a draft would have changed, had it been in force: recorded decisions, made again by it from what they were made on.
//!
//! A case is decided on more than once (an application, its review, its issue), and counts once, by its last decision. So the log
//! is read from its end: the first decision on a case that is met is the last one. Memory holds the identity of each case
//! and the greatest differences, however long the log is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::load::Progress;
use super::whole::ScreeningError;
use crate::db::Database;
use crate::journal::{self, AccountCode, AsOf};
use crate::policy::{
    Decision, Fact, Facts, Moment, Outcome, Policy, ReasonCode, Sha256, Usage, UsageSeen, decide,
};
use crate::types::{Code, Currency, FiscalYear, LogIndex, Money, PartyId, Zone};
use crate::verify::decisions::{RecordedDecision, decisions_in};
use crate::voucher;

/// The days whose decisions are made again.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Span {
    /// The first; without it, from the first decision on.
    pub from: Option<NaiveDate>,
    /// The last; without it, to the last decision.
    pub until: Option<NaiveDate>,
}

impl Span {
    fn contains(self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }
}

/// What a draft would have decided of what was decided.
#[derive(Debug, Serialize)]
pub struct History {
    /// The programme.
    pub programme: Code,
    /// The draft's version.
    pub version: Code,
    /// SHA-256 of its pack.
    pub sha256: Sha256,
    /// The days.
    #[serde(flatten)]
    pub span: Span,
    /// Of all amounts.
    pub currency: Currency,
    /// Decisions that were recorded, several on a case.
    pub decisions: u64,
    /// Decisions that could not be made again, since the record or the facts that they were made on are lost.
    pub lost: u64,
    /// Cases, by what was decided.
    pub moments: Vec<OfMoment>,
    /// The budget, by years.
    pub years: Vec<OfYear>,
}

/// The cases of one moment.
#[derive(Clone, Debug, Serialize)]
pub struct OfMoment {
    /// What was decided.
    pub moment: Moment,
    /// How many cases.
    pub cases: u64,
    /// As it was recorded.
    pub before: Count,
    /// As the draft decides.
    pub after: Count,
    /// Cases that the draft can't decide, for want of facts that nobody was asked for. They are among those that need
    /// review, and neither gain nor lose.
    pub undecided: u64,
    /// Facts that the draft wants and that were not known, with the number of these cases.
    pub missing: BTreeMap<&'static str, u64>,
    /// What the draft's caps count and was not counted then, with the number of cases: taken for nothing.
    pub uncounted: BTreeMap<&'static str, u64>,
    /// How many the draft gives more, or lets in.
    pub gain: u64,
    /// How many it gives less, or keeps out.
    pub lose: u64,
    /// Those with the greatest gain.
    pub gains: Vec<CaseChange>,
    /// Those with the greatest loss.
    pub losses: Vec<CaseChange>,
}

/// How cases came out.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Count {
    /// How many pass.
    pub pass: u64,
    /// How many fail.
    pub fail: u64,
    /// How many need review.
    pub needs_review: u64,
    /// What those who pass are given, decimal text.
    pub amount: String,
    #[serde(skip)]
    sum: Money,
}

/// The budget of a year.
#[derive(Debug, Serialize)]
pub struct OfYear {
    /// The budget year.
    pub year: FiscalYear,
    /// What vouchers and awards of these decisions came to when they were given, decimal text.
    pub given: String,
    /// What the draft would have given to the same cases, and to those that did not pass and pass by the draft.
    pub given_by_draft: String,
    /// Cases that passed and were given nothing: the budget was used up, they were refused otherwise, or they wait.
    pub not_given: u64,
    /// What these would have come to, decimal text.
    pub passed_in_vain: String,
    /// The same by the draft.
    pub passed_in_vain_by_draft: String,
    /// What the programme has left of the year, decimal text.
    pub budget_left: String,
    /// The same less what the draft would have given more; with a minus sign if the budget had not lasted. What lapsed
    /// of vouchers is not taken off.
    pub left_by_draft: String,
}

/// What changes in a case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseChange {
    /// The entry of the decision.
    pub entry: LogIndex,
    /// The day of the decision.
    pub on: NaiveDate,
    /// Whose case it is.
    pub party: Option<PartyId>,
    /// As it was recorded.
    pub before: Outcome,
    /// What was given, decimal text.
    pub amount_before: String,
    /// Reason codes as they were recorded.
    pub reasons_before: Vec<ReasonCode>,
    /// As the draft decides.
    pub after: Outcome,
    /// What it gives, decimal text.
    pub amount_after: String,
    /// Its reason codes.
    pub reasons: Vec<ReasonCode>,
    #[serde(skip)]
    difference: i64,
    #[serde(skip)]
    subject: Option<Uuid>,
}

/// Makes recorded decisions again by a draft, as if it had been in force.
#[derive(Debug)]
pub struct Rerun {
    draft: Policy,
    span: Span,
    moment: Option<Moment>,
    /// How many changes are kept of each kind.
    limit: usize,
    /// How many entries are read at a time.
    page: u16,
    seen: HashSet<Uuid>,
    decisions: u64,
    lost: u64,
    moments: BTreeMap<Moment, OfMoment>,
    years: BTreeMap<FiscalYear, YearSums>,
}

/// Amounts of a year, each as decided and by the draft.
#[derive(Clone, Copy, Debug, Default)]
struct YearSums {
    given: [Money; 2],
    not_given: u64,
    in_vain: [Money; 2],
}

impl YearSums {
    fn add(&mut self, is_given: bool, before: &Decision, after: &Decision) {
        let passed = before.outcome == Outcome::Pass;
        let [was, is] = if passed && !is_given {
            self.not_given += 1;
            &mut self.in_vain
        } else {
            &mut self.given
        };
        add(was, before.amount.money());
        add(is, after.amount.money());
    }

    fn written(&self, year: FiscalYear, left: Money, currency: Currency) -> OfYear {
        let text = |money: Money| money.to_text(currency);
        let ([given, by_draft], [in_vain, in_vain_by_draft]) = (self.given, self.in_vain);
        let back = left.minor().saturating_add(given.minor());
        OfYear {
            year,
            given: text(given),
            given_by_draft: text(by_draft),
            not_given: self.not_given,
            passed_in_vain: text(in_vain),
            passed_in_vain_by_draft: text(in_vain_by_draft),
            budget_left: text(left),
            left_by_draft: text(Money::from_minor(back.saturating_sub(by_draft.minor()))),
        }
    }
}

/// Entries that are read at a time, unless something else is said.
const PAGE: u16 = 500;

/// The number of the first entry of a day, and of the next that will be recorded. Nothing is decided for a day that is still
/// to come.
async fn entries_since(
    conn: &mut PgConnection,
    zone: &Zone,
    from: Option<NaiveDate>,
) -> Result<(i64, i64), sqlx::Error> {
    let begin = match from {
        Some(day) => {
            let before = zone.time.start_of(day) - chrono::TimeDelta::microseconds(1);
            journal::size_at(conn, zone.id, AsOf::Recorded(before)).await?
        }
        None => 0,
    };
    let size = journal::size_at(conn, zone.id, AsOf::Now).await?;
    Ok((begin, size))
}

impl Rerun {
    /// Over the days of `span`, and of one moment if it is given; the report has at most `limit` of those who gain, and
    /// of those who lose.
    pub fn new(
        zone: &Zone,
        draft: &Policy,
        span: Span,
        moment: Option<Moment>,
        limit: usize,
    ) -> Result<Self, ScreeningError> {
        if draft.currency() != zone.currency {
            let (pack, zone) = (draft.currency(), zone.currency);
            return Err(ScreeningError::OtherCurrency { pack, zone });
        }
        if let Some(moment) = moment.filter(|moment| !draft.moments().contains(moment)) {
            return Err(ScreeningError::NotDecided(moment.word()));
        }
        Ok(Self {
            draft: draft.undated(),
            span,
            moment,
            limit,
            page: PAGE,
            seen: HashSet::new(),
            decisions: 0,
            lost: 0,
            moments: BTreeMap::new(),
            years: BTreeMap::new(),
        })
    }

    /// Reads so many entries at a time, at least one; 500 if nothing else is said.
    #[must_use]
    pub fn in_pages_of(mut self, entries: u16) -> Self {
        self.page = entries.max(1);
        self
    }

    /// Makes the decisions again, page by page from the end of the log to the first day, each page in a transaction of its
    /// own.
    pub async fn run(
        mut self,
        database: &Database,
        zone: &Zone,
        progress: Progress<'_>,
    ) -> Result<History, ScreeningError> {
        let input = (zone.clone(), self.span.from);
        let read = database.read(zone.id, input, |conn, (zone, from)| {
            Box::pin(entries_since(conn, zone, *from))
        });
        let (begin, size) = read.await?;
        let mut end = size;
        while end > begin {
            progress(size.abs_diff(end), size.abs_diff(begin));
            let from = (end - i64::from(self.page)).max(begin);
            let limit = u16::try_from(end - from).unwrap_or(self.page);
            let input = (
                zone.clone(),
                self.draft.code().clone(),
                LogIndex(from),
                limit,
            );
            let read = database.read(zone.id, input, |conn, (zone, programme, from, limit)| {
                Box::pin(decisions_in(conn, zone, programme, *from, *limit))
            });
            let (page, unreadable) = read.await?;
            self.take(page, unreadable);
            end = from;
        }
        let input = (self, zone.clone());
        let report = database.read(zone.id, input, |conn, (rerun, zone)| {
            Box::pin(rerun.report(conn, zone))
        });
        report.await
    }

    /// Takes a page of the log with the decisions of the draft's programme, in the order of the log, and how many of the
    /// page can't be read. Pages come from the end of the log to its beginning.
    fn take(&mut self, page: Vec<RecordedDecision>, unreadable: u64) {
        self.lost += unreadable;
        for recorded in page.into_iter().rev() {
            let Decision { on, moment, .. } = recorded.decision;
            let is_asked = self.moment.is_none_or(|asked| asked == moment);
            if !is_asked || !self.span.contains(on) {
                continue;
            }
            self.decisions += 1;
            if recorded.case.is_some_and(|case| !self.seen.insert(case)) {
                continue;
            }
            match &recorded.facts {
                Ok(facts) if facts.sha256() == recorded.decision.facts_sha256 => {
                    self.again(&recorded, facts);
                }
                Ok(_) | Err(_) => self.lost += 1,
            }
        }
    }

    fn again(&mut self, recorded: &RecordedDecision, facts: &Facts) {
        let before = &recorded.decision;
        let moment = before.moment;
        let usage = Usage::from(&before.usage);
        let after = decide(&self.draft, moment, facts, &usage, before.on);
        if matches!(moment, Moment::Grant | Moment::Claim) {
            let is_given = ["voucher.issued", "voucher.awarded"].contains(&recorded.kind.as_str());
            let year = self.years.entry(FiscalYear::of(before.on)).or_default();
            year.add(is_given, before, &after);
        }
        let of = self.moments.entry(moment).or_insert_with(|| OfMoment {
            moment,
            cases: 0,
            before: Count::default(),
            after: Count::default(),
            undecided: 0,
            missing: BTreeMap::new(),
            uncounted: BTreeMap::new(),
            gain: 0,
            lose: 0,
            gains: Vec::new(),
            losses: Vec::new(),
        });
        of.cases += 1;
        of.before.add(before);
        of.after.add(&after);
        for member in self.draft.counted(moment) {
            if !was_counted(&before.usage, member) {
                *of.uncounted.entry(member).or_default() += 1;
            }
        }
        if after.missing.is_empty() {
            of.compare(recorded, &after, self.limit);
        } else {
            of.undecided += 1;
            for name in after.missing.iter().map(|fact: &Fact| fact.name()) {
                *of.missing.entry(name).or_default() += 1;
            }
        }
    }

    /// The report, with parties and the budget as they are now.
    async fn report(
        &self,
        conn: &mut PgConnection,
        zone: &Zone,
    ) -> Result<History, ScreeningError> {
        let currency = zone.currency;
        let mut moments: Vec<OfMoment> = self.moments.values().cloned().collect();
        for of in &mut moments {
            of.before.write(currency);
            of.after.write(currency);
            trim(&mut of.gains, self.limit);
            trim(&mut of.losses, self.limit);
        }
        let changes = || {
            moments
                .iter()
                .flat_map(|of| of.gains.iter().chain(&of.losses))
        };
        let subjects: Vec<Uuid> = changes().filter_map(|change| change.subject).collect();
        let holders = voucher::store::holders(conn, zone.id, &subjects).await?;
        for of in &mut moments {
            for change in of.gains.iter_mut().chain(&mut of.losses) {
                // What is about no voucher is about the party itself.
                change.party = change.subject.map(|subject| {
                    let holder = holders.get(&subject).copied();
                    holder.unwrap_or(PartyId(subject))
                });
            }
        }
        let budgets = journal::control_totals(conn, zone.id).await?;
        let programme = self.draft.code().clone();
        let years = self.years.iter().map(|(year, sums)| {
            let of_line = budgets.iter().find(|total| {
                total.code == AccountCode::B30
                    && total.programme == programme.as_str()
                    && total.year == year.0
            });
            let left = of_line.map_or(Money::ZERO, journal::ControlTotal::balance);
            sums.written(*year, left, currency)
        });
        Ok(History {
            years: years.collect(),
            version: self.draft.version().clone(),
            sha256: self.draft.sha256(),
            programme,
            span: self.span,
            currency,
            decisions: self.decisions,
            lost: self.lost,
            moments,
        })
    }
}

impl OfMoment {
    fn compare(&mut self, recorded: &RecordedDecision, after: &Decision, limit: usize) {
        let before = &recorded.decision;
        let (was, is) = (before.amount.money(), after.amount.money());
        if (before.outcome, was) == (after.outcome, is) {
            return;
        }
        let difference = is.minor().saturating_sub(was.minor());
        let is_gain = difference > 0 || (difference == 0 && after.outcome == Outcome::Pass);
        let currency = before.currency;
        let change = CaseChange {
            entry: recorded.index,
            on: before.on,
            party: None,
            before: before.outcome,
            amount_before: was.to_text(currency),
            reasons_before: before.reasons.clone(),
            after: after.outcome,
            amount_after: is.to_text(currency),
            reasons: after.reasons.clone(),
            difference,
            subject: recorded.subject,
        };
        let (count, list) = if is_gain {
            (&mut self.gain, &mut self.gains)
        } else {
            (&mut self.lose, &mut self.losses)
        };
        *count += 1;
        list.push(change);
        if list.len() > limit.saturating_mul(2).saturating_add(1_000) {
            trim(list, limit);
        }
    }
}

impl Count {
    fn add(&mut self, decision: &Decision) {
        match decision.outcome {
            Outcome::Pass => self.pass += 1,
            Outcome::Fail => self.fail += 1,
            Outcome::NeedsReview => self.needs_review += 1,
        }
        add(&mut self.sum, decision.amount.money());
    }

    fn write(&mut self, currency: Currency) {
        self.amount = self.sum.to_text(currency);
    }
}

fn add(sum: &mut Money, more: Money) {
    *sum = [*sum, more].into_iter().sum();
}

/// The greatest differences first, equal ones in the order of the log.
fn trim(changes: &mut Vec<CaseChange>, limit: usize) {
    changes.sort_by_key(|change| (Reverse(change.difference.saturating_abs()), change.entry));
    changes.truncate(limit);
}

/// Whether the usage that a decision recorded has this member.
const fn was_counted(usage: &UsageSeen, member: &str) -> bool {
    match member.as_bytes() {
        b"used_by_group" => usage.used_by_group.is_some(),
        b"used_by_provider" => usage.used_by_provider.is_some(),
        b"used_in_life" => usage.used_in_life.is_some(),
        b"used_by_programme" => usage.used_by_programme.is_some(),
        b"de_minimis" => usage.de_minimis.is_some(),
        b"awards_this_year" => usage.awards_this_year.is_some(),
        b"awards_in_life" => usage.awards_in_life.is_some(),
        _ => true,
    }
}
