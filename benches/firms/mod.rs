//! Made-up firms for the benchmarks of policies: the facts that the tech-SME rule (国科发政〔2017〕115号) looks at.
//!
//! A firm follows from its number alone, so that every engine and every run judges the same ones. About half of them
//! qualify, and many lie exactly on a bound or just short of it, where engines would disagree if they read the rule or
//! computed its ratios differently.
//!
//! Amounts are in whole yuan, since `OpenFisca` counts in 32 bits. Staff, sales and costs are never zero: the rule does
//! not say what a ratio to nothing is.

use chrono::NaiveDate;
use subsidy_ledger::policy::{Fact, Raw, Value};
use subsidy_ledger::types::Currency;

/// Fen in a yuan.
const YUAN: i64 = 100;
/// The most yuan of annual sales and of total assets.
const MOST_YUAN: i64 = 200_000_000;

/// The facts of a firm. Each is a whole number as `policy::Value::scalar` gives it: fen, things, 0 or 1, the place of a
/// word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Firm {
    annual_sales: i64,
    class1_ip: i64,
    class2_ip: i64,
    hnte_status: i64,
    integrity_listed: i64,
    major_incident: i64,
    national_award: i64,
    prohibited_products: i64,
    provincial_rd_body: i64,
    rd_expense: i64,
    resident_enterprise: i64,
    staff: i64,
    standard_led: i64,
    tech_staff: i64,
    total_assets: i64,
    total_cost: i64,
}

/// Reads one fact of a firm.
pub(crate) type Read = fn(&Firm) -> i64;

/// Every fact that firms have.
pub(crate) const FACTS: [(Fact, Read); 16] = [
    (Fact::AnnualSales, |firm| firm.annual_sales),
    (Fact::Class1Ip, |firm| firm.class1_ip),
    (Fact::Class2Ip, |firm| firm.class2_ip),
    (Fact::HnteStatus, |firm| firm.hnte_status),
    (Fact::IntegrityListed, |firm| firm.integrity_listed),
    (Fact::MajorIncident, |firm| firm.major_incident),
    (Fact::NationalAward, |firm| firm.national_award),
    (Fact::ProhibitedProducts, |firm| firm.prohibited_products),
    (Fact::ProvincialRdBody, |firm| firm.provincial_rd_body),
    (Fact::RdExpense, |firm| firm.rd_expense),
    (Fact::ResidentEnterprise, |firm| firm.resident_enterprise),
    (Fact::Staff, |firm| firm.staff),
    (Fact::StandardLed, |firm| firm.standard_led),
    (Fact::TechStaff, |firm| firm.tech_staff),
    (Fact::TotalAssets, |firm| firm.total_assets),
    (Fact::TotalCost, |firm| firm.total_cost),
];

/// What the pack asks besides, and is the same of all firms: each filed in time, and no number was ever revoked.
pub(crate) fn more_facts() -> Vec<(Fact, Value)> {
    let texts = [
        (Fact::FiledOn, "2020-03-01"),
        (Fact::FilingDueOn, "2020-09-30"),
        (Fact::TechSmeStatus, "none"),
    ];
    let read = |(fact, text)| {
        (
            fact,
            Fact::read(fact, Raw::typed(fact, text), Currency::Cny).unwrap(),
        )
    };
    texts.into_iter().map(read).collect()
}

/// The day on which all are judged.
pub(crate) fn decision_day() -> NaiveDate {
    "2020-03-02".parse().unwrap()
}

impl Firm {
    /// The firm of that number.
    pub(crate) fn number(number: u64) -> Self {
        let draw = &mut Draw(number);
        let staff = if draw.percent(5) {
            draw.between(499, 503)
        } else {
            draw.between(5, 500)
        };
        let annual_sales = near_limit(draw, 3_000);
        let total_cost = annual_sales * draw.between(50, 150) / 100;
        let rd_expense = if draw.percent(70) {
            part(draw, annual_sales, 8)
        } else {
            part(draw, total_cost, 33)
        };
        Self {
            annual_sales: annual_sales * YUAN,
            class1_ip: i64::from(draw.percent(15)) * draw.between(1, 3),
            class2_ip: draw.between(0, 6),
            hnte_status: hnte_status(draw),
            integrity_listed: i64::from(draw.percent(3)),
            major_incident: i64::from(draw.percent(2)),
            national_award: i64::from(draw.percent(1)),
            prohibited_products: i64::from(draw.percent(2)),
            provincial_rd_body: i64::from(draw.percent(3)),
            rd_expense: rd_expense * YUAN,
            resident_enterprise: i64::from(draw.percent(98)),
            staff,
            standard_led: i64::from(draw.percent(2)),
            tech_staff: staff * draw.between(0, 45) / 100,
            total_assets: near_limit(draw, 2_000) * YUAN,
            total_cost: total_cost * YUAN,
        }
    }

    /// The firms with the first numbers.
    pub(crate) fn first(count: u64) -> Vec<Self> {
        (0..count).map(Self::number).collect()
    }

    /// The rule in plain arithmetic of whole numbers: what every engine must find, and the shortest text of it here.
    pub(crate) fn qualifies(&self) -> bool {
        let staff = points(self.tech_staff, self.staff, [30, 25, 20, 15, 10]) * 4;
        let by_sales = points(self.rd_expense, self.annual_sales, [6, 5, 4, 3, 2]) * 10;
        let by_cost = points(self.rd_expense, self.total_cost, [30, 25, 20, 15, 10]) * 10;
        let rights = if self.class1_ip > 0 {
            30
        } else {
            self.class2_ip.min(4) * 6
        };
        let is_scored = staff != 0 && staff + by_sales.max(by_cost) + rights >= 60;
        let is_within = self.staff <= 500
            && self.annual_sales <= MOST_YUAN * YUAN
            && self.total_assets <= MOST_YUAN * YUAN;
        let kept_out = self.prohibited_products + self.major_incident + self.integrity_listed;
        let routes = [
            i64::from(self.hnte_status == 1),
            self.national_award,
            self.provincial_rd_body,
            self.standard_led,
        ];
        let is_recognised = is_scored || routes.contains(&1);
        self.resident_enterprise == 1 && is_within && kept_out == 0 && is_recognised
    }
}

/// How many of the five bands a ratio reaches, in percent and from the highest.
fn points(part: i64, whole: i64, bands: [i64; 5]) -> i64 {
    let reached = bands.iter().filter(|band| part * 100 >= **band * whole);
    i64::try_from(reached.count()).unwrap()
}

/// Hundreds of yuan up to the limit; of a hundred firms two lie at it, and two just over it.
fn near_limit(draw: &mut Draw, least: i64) -> i64 {
    match draw.below(100) {
        0 | 1 => MOST_YUAN,
        2 | 3 => MOST_YUAN + 100 * draw.between(1, 50_000),
        _ => 100 * draw.between(least, MOST_YUAN / 100),
    }
}

/// A part of the whole: whole percents, where bands begin, or a yuan less, or anything between them.
fn part(draw: &mut Draw, whole: i64, most_percent: i64) -> i64 {
    let begin = whole * draw.between(0, most_percent) / 100;
    match draw.below(4) {
        0 => begin,
        1 => (begin - 1).max(0),
        _ => begin + draw.below(whole / 100),
    }
}

/// None, valid, expired or revoked, in the order of the registry's words.
fn hnte_status(draw: &mut Draw) -> i64 {
    match draw.below(100) {
        0..10 => 1,
        10..15 => 2,
        15..17 => 3,
        _ => 0,
    }
}

/// Numbers that look random and follow from a seed (`SplitMix64`).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to less than `end`.
    fn below(&mut self, end: i64) -> i64 {
        i64::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    /// From `low` to `high`, both included.
    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high - low + 1)
    }

    /// True so many times in a hundred.
    fn percent(&mut self, share: i64) -> bool {
        self.below(100) < share
    }
}
