//! Eligibility of many at once: facts in columns, conditions by whole blocks of rows. It says of each row what
//! [`super::decide`] says, without the trace; a property test holds the two together.

mod mask;
mod scores;

use std::iter;
use std::thread;

use chrono::{Datelike, NaiveDate};

use self::mask::{BLOCK, Mask};
use super::assess::Terms;
use super::facts::{Kind, Quantity, Value};
use super::measure::{Class, scales};
use super::predicate::{Bound, Comparison, Operand, Predicate, Sight, check_uscc, within_months};
use super::usage::Usage;
use super::{
    BuiltIns, Criterion, CriterionKind, Exhaustion, Fact, Moment, Outcome, Policy, Ratio,
    ReasonCode, Seen, Step, Sum,
};
use crate::types::{Currency, Money};

/// Facts of many parties, a column for each fact. Values are whole numbers of the smallest unit, as
/// [`Value::scalar`] gives them; of a unified social credit code only how its check came out is kept.
#[derive(Clone, Debug)]
pub struct Table {
    facts: Vec<Fact>,
    columns: Vec<Column>,
    rows: usize,
}

#[derive(Clone, Debug)]
struct Column {
    values: Vec<i64>,
    /// A bit for each row whose value is known.
    known: Vec<u64>,
}

/// How the check of a code came out, as it stands in a column.
const CODE_VALID: i64 = 0;
const CODE_OPEN: i64 = 1;
const CODE_REFUSED: i64 = 2;

impl Table {
    /// Columns for the facts that a policy looks at. Only the day of the decision is known yet.
    pub fn new(policy: &Policy, moment: Moment, rows: usize, on: NaiveDate) -> Self {
        let facts = policy.wanted(moment).to_vec();
        let blocks = rows.div_ceil(BLOCK);
        let column = |fact: &Fact| {
            let (value, known) = if *fact == Fact::DecidedOn {
                (i64::from(on.num_days_from_ce()), u64::MAX)
            } else {
                (0, 0)
            };
            Column {
                values: vec![value; blocks * BLOCK],
                known: vec![known; blocks * (BLOCK / 64)],
            }
        };
        Self {
            columns: facts.iter().map(column).collect(),
            facts,
            rows,
        }
    }

    /// The facts, in the order of the columns, which is that of their names.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// How many rows.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// States a fact of a row by the place of its column. Out of the table, nothing happens.
    pub fn set(&mut self, column: usize, row: usize, value: &Value) {
        let Some(fact) = self.facts.get(column) else {
            return;
        };
        let scalar = match value {
            Value::Text(code) => Some(match check_uscc(code, &Seen::default()).0 {
                Outcome::Pass => CODE_VALID,
                Outcome::NeedsReview => CODE_OPEN,
                Outcome::Fail => CODE_REFUSED,
            }),
            Value::Money(_)
            | Value::Count(_)
            | Value::Quantity(_)
            | Value::Date(_)
            | Value::Bool(_)
            | Value::Choice(_) => value.scalar(fact.kind()),
        };
        if let Some(scalar) = scalar {
            self.set_scalar(column, row, scalar);
        }
    }

    /// States a fact of a row in its smallest unit.
    pub fn set_scalar(&mut self, column: usize, row: usize, scalar: i64) {
        let Some(column) = self.columns.get_mut(column) else {
            return;
        };
        if let Some(value) = column.values.get_mut(row) {
            *value = scalar;
        }
        if let Some(known) = column.known.get_mut(row / 64) {
            *known |= 1 << (row % 64);
        }
    }

    /// States a fact of every row of which it is not known.
    pub fn assume(&mut self, fact: Fact, value: &Value) {
        let Ok(column) = self.facts.binary_search(&fact) else {
            return;
        };
        for row in 0..self.rows {
            if self.value(column, row).is_none() {
                self.set(column, row, value);
            }
        }
    }

    /// What is known of a fact in a row, in its smallest unit.
    pub fn scalar(&self, fact: Fact, row: usize) -> Option<i64> {
        self.value(self.facts.binary_search(&fact).ok()?, row)
    }

    fn value(&self, column: usize, row: usize) -> Option<i64> {
        let column = self.columns.get(column)?;
        let known = column.known.get(row / 64)? >> (row % 64) & 1 == 1;
        known.then(|| column.values.get(row).copied()).flatten()
    }

    /// The facts of a row as a decision sees them; a code, of which only the check is kept, is left out.
    fn seen(&self, row: usize, currency: Currency) -> Seen {
        self.seen_of(&self.facts, row, currency)
    }

    /// Of these facts, in the order of their names, what is known in a row.
    fn seen_of(&self, facts: &[Fact], row: usize, currency: Currency) -> Seen {
        facts
            .iter()
            .filter_map(|fact| {
                let column = self.facts.binary_search(fact).ok()?;
                let scalar = self.value(column, row)?;
                Some((*fact, unscaled(fact.kind(), scalar, currency)?))
            })
            .collect()
    }
}

/// The value that [`Value::scalar`] made a number of.
fn unscaled(kind: Kind, scalar: i64, currency: Currency) -> Option<Value> {
    match kind {
        Kind::Money => Some(Value::Money(Sum::new(Money::from_minor(scalar), currency))),
        Kind::Count(_) => u32::try_from(scalar).ok().map(Value::Count),
        Kind::Quantity(_) => Some(Value::Quantity(Quantity::from_hundredths(scalar))),
        Kind::Date => {
            let day = NaiveDate::from_num_days_from_ce_opt(i32::try_from(scalar).ok()?);
            day.map(Value::Date)
        }
        Kind::Bool => Some(Value::Bool(scalar == 1)),
        Kind::OneOf(words) => words.get(usize::try_from(scalar).ok()?).map(Value::Choice),
        Kind::Text => None,
    }
}

/// What became of every row.
#[derive(Clone, Debug, Default)]
pub struct Screening {
    /// Each row's outcome.
    pub outcomes: Vec<Outcome>,
    /// What each would be given; zero unless it passes.
    pub amounts: Vec<Money>,
    /// The criteria that a row does not meet: a bit for each, in the order of the pack.
    pub unmet: Vec<u64>,
    /// The criteria that are open.
    pub open: Vec<u64>,
    /// What else is in the way, or makes the amount less: days, ranks, rates, caps.
    pub reasons: Vec<BuiltIns>,
    /// What the award is a part of, where the rate follows from the sum of these; else empty.
    pub bases: Vec<Money>,
}

impl Screening {
    /// How many rows came out so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.outcomes.iter().filter(|one| **one == outcome).count()
    }
}

/// The part of a screening that one thread writes.
struct Part<'s> {
    outcomes: &'s mut [Outcome],
    amounts: &'s mut [Money],
    unmet: &'s mut [u64],
    open: &'s mut [u64],
    reasons: &'s mut [BuiltIns],
    bases: &'s mut [Money],
}

/// Decides for every row. `usage` says what a row's party had used before.
///
/// Rows are shared among as many threads as the machine runs at once.
pub fn screen(
    policy: &Policy,
    moment: Moment,
    table: &Table,
    usage: &(impl Fn(usize) -> Usage + Sync),
    on: NaiveDate,
) -> Screening {
    let desk = Desk {
        policy,
        moment,
        table,
        criteria: policy
            .criteria
            .iter()
            .filter(|criterion| criterion.at.contains(&moment))
            .collect(),
        on,
    };
    let shares_budget = policy.exhaustion == Exhaustion::RatioFromDemand;
    let mut screening = Screening {
        outcomes: vec![Outcome::Pass; table.rows],
        amounts: vec![Money::ZERO; table.rows],
        unmet: vec![0; table.rows],
        open: vec![0; table.rows],
        reasons: vec![desk.of_all(); table.rows],
        bases: vec![Money::ZERO; if shares_budget { table.rows } else { 0 }],
    };
    let blocks = table.rows.div_ceil(BLOCK);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = blocks.div_ceil(threads).max(1);
    let rows = share * BLOCK;
    let parts = (screening.outcomes.chunks_mut(rows))
        .zip(screening.amounts.chunks_mut(rows))
        .zip(screening.unmet.chunks_mut(rows))
        .zip(screening.open.chunks_mut(rows))
        .zip(screening.reasons.chunks_mut(rows))
        .zip(
            screening
                .bases
                .chunks_mut(rows)
                .chain(iter::repeat_with(Default::default)),
        );
    thread::scope(|scope| {
        for (place, (((((outcomes, amounts), unmet), open), reasons), bases)) in parts.enumerate() {
            let desk = &desk;
            scope.spawn(move || {
                let mut part = Part {
                    outcomes,
                    amounts,
                    unmet,
                    open,
                    reasons,
                    bases,
                };
                desk.part(place * share, &mut part, usage);
            });
        }
    });
    screening
}

/// Changes what a slice has of a row; the last block has fewer rows than bits.
fn mark<T>(rows: &mut [T], row: usize, change: impl FnOnce(&mut T)) {
    if let Some(found) = rows.get_mut(row) {
        change(found);
    }
}

struct Desk<'p> {
    policy: &'p Policy,
    moment: Moment,
    table: &'p Table,
    criteria: Vec<&'p Criterion>,
    on: NaiveDate,
}

impl Desk<'_> {
    /// What keeps every row out.
    fn of_all(&self) -> BuiltIns {
        let mut reasons = BuiltIns::default();
        if !self.policy.in_force.contains(self.on) {
            reasons.insert(&ReasonCode::NOT_IN_FORCE);
        }
        if !self.policy.moments().contains(&self.moment) {
            reasons.insert(&ReasonCode::MOMENT);
        }
        reasons
    }

    /// The rows from a block on, as many as the part has.
    fn part(&self, first: usize, part: &mut Part<'_>, usage: &impl Fn(usize) -> Usage) {
        let blocks = (part.outcomes.chunks_mut(BLOCK))
            .zip(part.amounts.chunks_mut(BLOCK))
            .zip(part.unmet.chunks_mut(BLOCK))
            .zip(part.open.chunks_mut(BLOCK))
            .zip(part.reasons.chunks_mut(BLOCK))
            .zip(
                part.bases
                    .chunks_mut(BLOCK)
                    .chain(iter::repeat_with(Default::default)),
            );
        for (place, (((((outcomes, amounts), unmet), open), reasons), bases)) in blocks.enumerate()
        {
            let mut part = Part {
                outcomes,
                amounts,
                unmet,
                open,
                reasons,
                bases,
            };
            self.block(first + place, &mut part, usage);
        }
    }

    fn block(&self, block: usize, part: &mut Part<'_>, usage: &impl Fn(usize) -> Usage) {
        let view = View::of(self, block);
        let mut all = Mask::all(self.of_all() == BuiltIns::default());
        for (place, criterion) in self.criteria.iter().enumerate() {
            let mask = view.criterion(criterion);
            all = all.and(&mask);
            let bit = 1_u64 << place.min(63);
            mask.each_failing(|row| mark(part.unmet, row, |bits| *bits |= bit));
            mask.each_open(|row| mark(part.open, row, |bits| *bits |= bit));
        }
        all.each_failing(|row| mark(part.outcomes, row, |found| *found = Outcome::Fail));
        all.each_open(|row| mark(part.outcomes, row, |found| *found = Outcome::NeedsReview));
        if self.policy.award(self.moment).is_none() {
            return;
        }
        let rows = part.outcomes.iter_mut().zip(part.amounts.iter_mut());
        for (row, (outcome, amount)) in rows.enumerate() {
            let awarded = self.awarded(*outcome, block * BLOCK + row, usage);
            (*outcome, *amount) = (awarded.outcome, awarded.amount);
            mark(part.bases, row, |base| *base = awarded.base);
            mark(part.reasons, row, |reasons| *reasons |= awarded.reasons);
        }
    }

    /// What a row that is eligible is given. One that is open has no amount; one that is not, neither.
    fn awarded(&self, eligible: Outcome, row: usize, usage: &impl Fn(usize) -> Usage) -> Awarded {
        let nothing = |outcome, reasons| Awarded {
            outcome,
            amount: Money::ZERO,
            reasons,
            base: Money::ZERO,
        };
        let Some(award) = self.policy.award(self.moment) else {
            return nothing(eligible, BuiltIns::default());
        };
        if eligible == Outcome::Fail {
            return nothing(eligible, BuiltIns::default());
        }
        let (policy, usage) = (self.policy, usage(row));
        if let (Exhaustion::Top { number, .. }, Some(rank)) = (&policy.exhaustion, usage.rank)
            && rank > *number
        {
            let rank = [&ReasonCode::RANK];
            return nothing(Outcome::Fail, rank.into_iter().collect());
        }
        let seen = self.table.seen(row, policy.currency);
        let measures = policy.measures(&seen);
        let sight = Sight {
            seen: &seen,
            measures: &measures,
        };
        let assessment = award.assess(Terms {
            moment: self.moment,
            sight,
            usage: &usage,
            on: self.on,
            currency: policy.currency,
            rounding: policy.rounding,
            exhaustion: &policy.exhaustion,
        });
        let mut outcome = eligible.and(assessment.outcome);
        let mut reasons = BuiltIns::default();
        if outcome == assessment.outcome {
            reasons.extend(&assessment.reasons);
        }
        if outcome == Outcome::Pass && policy.funders(sight).is_none() {
            outcome = Outcome::NeedsReview;
            reasons = [&ReasonCode::MISSING_FACT].into_iter().collect();
        }
        let base = match assessment.steps.first() {
            Some(Step::Base { value, .. }) => value.money(),
            Some(Step::Basis { value, .. }) => value.whole().money(),
            Some(_) | None => Money::ZERO,
        };
        match outcome {
            Outcome::Pass => Awarded {
                outcome,
                amount: assessment.amount,
                reasons,
                base,
            },
            Outcome::Fail | Outcome::NeedsReview => nothing(outcome, reasons),
        }
    }
}

struct Awarded {
    outcome: Outcome,
    amount: Money,
    reasons: BuiltIns,
    base: Money,
}

/// One block of rows, with the scores and classes that follow from its facts.
struct View<'t> {
    desk: &'t Desk<'t>,
    block: usize,
    /// The least and the most points of each score, row by row.
    scores: Vec<(Vec<u32>, Vec<u32>)>,
    /// The place of the class, row by row, where it can be said.
    classes: Vec<Vec<Option<usize>>>,
}

/// The values of a fact in a block, and which of them are known.
type Slice<'t> = (&'t [i64], &'t [u64]);

impl<'t> View<'t> {
    fn of(desk: &'t Desk<'t>, block: usize) -> Self {
        let mut view = Self {
            desk,
            block,
            scores: Vec::new(),
            classes: Vec::new(),
        };
        let policy = desk.policy;
        for (place, score) in policy.scores.iter().enumerate() {
            let points = view.points(place, score);
            view.scores.push(points);
        }
        for class in &policy.classes {
            let found = view.class(class);
            view.classes.push(found);
        }
        view
    }

    /// A fact's values; `None` if nothing is known of it.
    fn fact(&self, fact: Fact) -> Option<Slice<'t>> {
        let table = self.desk.table;
        let place = table.facts.binary_search(&fact).ok()?;
        let column = table.columns.get(place)?;
        let values = column.values.chunks_exact(BLOCK).nth(self.block)?;
        let known = column.known.chunks_exact(BLOCK / 64).nth(self.block)?;
        Some((values, known))
    }

    fn criterion(&self, criterion: &Criterion) -> Mask {
        let own = self.mask(&criterion.test);
        let own = match criterion.kind {
            CriterionKind::Requirement => own,
            CriterionKind::Exclusion => own.negate(),
        };
        let tracks = self.desk.policy.fast_tracks.iter();
        let waiving = tracks.filter(|track| track.waives.contains(&criterion.code));
        waiving.fold(own, |mask, track| mask.or(&self.mask(&track.test)))
    }

    fn mask(&self, predicate: &Predicate) -> Mask {
        match predicate {
            Predicate::All(parts) => {
                let mut all = Mask::all(true);
                for part in parts {
                    if all.fails_everywhere() {
                        break; // whatever the others say
                    }
                    all = all.and(&self.mask(part));
                }
                all
            }
            Predicate::Any(parts) => {
                let mut any = Mask::all(false);
                for part in parts {
                    if any.passes_everywhere() {
                        break;
                    }
                    any = any.or(&self.mask(part));
                }
                any
            }
            Predicate::Not(part) => self.mask(part).negate(),
            Predicate::Compare(fact, bound) => self.compare(*fact, bound),
            Predicate::Against(left, comparison, right) => {
                let (left, right) = (self.operand(*left), self.operand(*right));
                Mask::by_row(|row| {
                    let (left, right) = (left.at(row)?, right.at(row)?);
                    Some(comparison.holds(left.cmp(&right)))
                })
            }
            Predicate::Months {
                from,
                to,
                comparison,
                months,
            } => {
                let (from, to) = (self.fact(*from), self.fact(*to));
                Mask::by_row(|row| {
                    let (from, to) = (day(at(from, row)?)?, day(at(to, row)?)?);
                    Some(within_months(from, to, *comparison, *months))
                })
            }
            Predicate::Ratio {
                of,
                to,
                comparison,
                ratio,
            } => self.ratio(*of, *to, *comparison, *ratio),
            Predicate::Score {
                score,
                comparison,
                points,
            } => self.score(*score, *comparison, *points),
            Predicate::Class { class, one_of } => {
                let found = self.classes.get(*class);
                Mask::by_row(|row| {
                    let place = (*found?.get(row)?)?;
                    Some(one_of.contains(&place))
                })
            }
            Predicate::ValidUscc => self.code(),
        }
    }

    fn compare(&self, fact: Fact, bound: &Bound) -> Mask {
        let Some((values, known)) = self.fact(fact) else {
            return Mask::open();
        };
        let scalar = |value: &Value| value.scalar(fact.kind());
        let by = |comparison, value: &Value| match scalar(value) {
            Some(bound) => Mask::compared(values, known, comparison, bound),
            None => Mask::open(),
        };
        match bound {
            Bound::AtLeast(value) => by(Comparison::AtLeast, value),
            Bound::MoreThan(value) => by(Comparison::MoreThan, value),
            Bound::AtMost(value) => by(Comparison::AtMost, value),
            Bound::LessThan(value) => by(Comparison::LessThan, value),
            Bound::Is(value) => by(Comparison::Is, value),
            Bound::OneOf(words) => {
                let bounds: Vec<i64> = words.iter().filter_map(scalar).collect();
                Mask::by_value(values, known, |value| bounds.contains(&value))
            }
            Bound::Within(period) => {
                let day = |day: NaiveDate| i64::from(day.num_days_from_ce());
                let (from, until) = (day(period.from()), period.until().map(day));
                Mask::by_value(values, known, |value| {
                    value >= from && until.is_none_or(|until| value < until)
                })
            }
        }
    }

    fn operand(&self, operand: Operand) -> Found<'t> {
        match operand {
            Operand::Fact(fact) => Found::Value(self.fact(fact)),
            Operand::YearOf(fact) => Found::Year(self.fact(fact)),
            Operand::Year(year) => Found::Constant(i64::from(year)),
        }
    }

    fn ratio(&self, of: Fact, to: Fact, comparison: Comparison, ratio: Ratio) -> Mask {
        let (above, below) = scales(of, to);
        let (of, to) = (self.fact(of), self.fact(to));
        Mask::by_row(|row| {
            let part = at(of, row)?.checked_mul(above)?;
            let whole = at(to, row)
                .filter(|whole| *whole != 0)?
                .checked_mul(below)?;
            Some(comparison.holds(ratio.compare(part, whole)))
        })
    }

    /// How the check of a code came out, or what two persons determined on it.
    fn code(&self) -> Mask {
        let (code, accepted) = (self.fact(Fact::Uscc), self.fact(Fact::UsccOverride));
        Mask::by_row(|row| match at(code, row)? {
            CODE_VALID => Some(true),
            CODE_OPEN => (at(accepted, row) == Some(1)).then_some(true),
            _ => Some(false),
        })
    }

    fn class(&self, class: &Class) -> Vec<Option<usize>> {
        let mut facts = class.facts();
        facts.sort_unstable();
        facts.dedup();
        let table = self.desk.table;
        let first = self.block * BLOCK;
        by_row(|row| {
            // Few packs have classes: their rows are looked at one by one, as a decision does.
            let seen = table.seen_of(&facts, first + row, self.desk.policy.currency);
            class.of(&seen).0
        })
    }
}

/// Where the values of an operand are.
enum Found<'t> {
    Value(Option<Slice<'t>>),
    Year(Option<Slice<'t>>),
    Constant(i64),
}

impl Found<'_> {
    fn at(&self, row: usize) -> Option<i64> {
        match self {
            Self::Value(slice) => at(*slice, row),
            Self::Year(slice) => day(at(*slice, row)?).map(|day| i64::from(day.year())),
            Self::Constant(value) => Some(*value),
        }
    }
}

fn by_row<T>(mut value: impl FnMut(usize) -> Option<T>) -> Vec<Option<T>> {
    (0..BLOCK).map(&mut value).collect()
}

/// A row's value in a slice, if it is known.
fn at(slice: Option<Slice<'_>>, row: usize) -> Option<i64> {
    let (values, known) = slice?;
    let word = known.get(row / 64)?;
    (word >> (row % 64) & 1 == 1)
        .then(|| values.get(row).copied())
        .flatten()
}

fn day(scalar: i64) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(i32::try_from(scalar).ok()?)
}
