//! What holds for every pack and all facts: packs are generated, and so are the facts that they decide on.

use std::fmt::Write;

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use subsidy_ledger::policy::{
    Decision, Fact, Facts, Moment, Outcome, Policy, Raw, ReasonCode, Replayed, Source, Step, Usage,
    check, decide, explain, explain_on, replay,
};
use subsidy_ledger::policy::{Locale, diff};
use subsidy_ledger::types::{Currency, Money};

/// The largest amount that can be written: twelve digits of yuan.
const MOST: i64 = 99_999_999_999_999;

fn yuan(minor: i64) -> String {
    Money::from_minor(minor).to_text(Currency::Cny)
}

/// Amounts of all sizes, the extremes among them.
fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(MOST),
        Just(MOST - 1),
        1_i64..1_000,
        1_i64..100_000_000,
        0_i64..=MOST,
    ]
}

fn ratio() -> impl Strategy<Value = (u32, u32)> {
    prop_oneof![
        Just((0, 1)),
        Just((1, 1)),
        Just((1, 3)),
        Just((999_982, 999_983)),
        Just((1, 1_000_000)),
        (0_u32..=100).prop_map(|numer| (numer, 100)),
    ]
}

#[derive(Clone, Debug)]
struct Cap {
    scope: &'static str,
    amount: i64,
    refuses: bool,
    conditional: bool,
}

fn cap() -> impl Strategy<Value = Cap> {
    const SCOPES: &[&str] = &[
        "application",
        "unit",
        "firm_year",
        "group_year",
        "provider_year",
        "lifetime",
        "de_minimis",
        "programme",
        "year_count",
        "lifetime_count",
    ];
    (
        prop::sample::select(SCOPES),
        amount(),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.3),
    )
        .prop_map(|(scope, amount, refuses, conditional)| Cap {
            scope,
            amount,
            refuses,
            conditional,
        })
}

/// A generated pack that claims: thresholds, tiers, caps, rounding, funders, and what happens when money runs out.
#[derive(Clone, Debug)]
struct Pack {
    staff_at_most: u32,
    part_at_least: (u32, u32),
    score_at_least: u32,
    top_points: u32,
    base: usize,
    tiers: Vec<(i64, (u32, u32))>,
    caps: Vec<Cap>,
    rounding: (&'static str, i64),
    exhaustion: &'static str,
    weights: Vec<u32>,
}

fn pack() -> impl Strategy<Value = Pack> {
    let rules = (1_u32..1_000, ratio(), 1_u32..40, 40_u32..60);
    let tiers = prop::collection::vec((1_i64..MOST / 8, ratio()), 1..5);
    let rounding = (
        prop::sample::select(&["half_up", "down", "up"][..]),
        prop::sample::select(&[1_i64, 100, 500_000, 33][..]),
    );
    let exhaustion = prop::sample::select(&["fcfs", "pro_rata", "ratio_from_demand"][..]);
    let weights = prop::collection::vec(1_u32..40, 1..5);
    let award = (0_usize..5, tiers, prop::collection::vec(cap(), 0..6));
    (rules, award, rounding, exhaustion, weights).prop_map(
        |(
            (staff_at_most, part_at_least, score_at_least, top_points),
            (base, tiers, mut caps),
            rounding,
            exhaustion,
            weights,
        )| {
            let mut seen = Vec::new();
            caps.retain(|cap| {
                let new = !seen.contains(&(cap.scope, cap.conditional));
                seen.push((cap.scope, cap.conditional));
                new
            });
            Pack {
                staff_at_most,
                part_at_least,
                score_at_least,
                top_points,
                base,
                tiers,
                caps,
                rounding,
                exhaustion,
                weights,
            }
        },
    )
}

const BASES: [&str; 5] = [
    "\"paid_amount\"",
    "{ fact = \"paid_amount\", less = [\"vat_amount\"] }",
    "{ fact = \"paid_amount\", at_most = { fact = \"invoiced_amount\" } }",
    "{ fact = \"paid_amount\", times = [{ fact = \"lease_days\", at_most = 365, per = 365 }, { fact = \"area\", per = 7 }] }",
    "{ sum = [{ fact = \"paid_amount\" }, { fact = \"invoiced_amount\", times = [{ number = 65535, per = 65534 }] }] }",
];

impl Pack {
    fn text(&self) -> String {
        let Self {
            base,
            exhaustion,
            rounding: (mode, unit),
            ..
        } = self;
        let both = |text: &str| format!("{{ zh = \"{text}\", en = \"{text}\" }}");
        let (a, unit) = (both("A"), yuan(*unit));
        let base = BASES[*base];
        let (tiers, caps, funders) = (self.tiers(), self.caps(&a), self.funders(&a));
        let rules = self.rules(&a);
        format!(
            r#"
code = "GENERATED"
version = "1"
title = {a}
currency = "CNY"
mode = "ex_post"
payee = "firm"
exhaustion = "{exhaustion}"
rounding = {{ mode = "{mode}", unit = "{unit}" }}
notice_days = 0
documents = [{a}]
[in_force]
from = 2020-01-01
[[legal_basis]]
title = {a}
clause = {a}
evidence = "K"
{funders}
{rules}[claim]
base = {base}
tiers = [
{tiers}]
{caps}
[[example]]
title = "nothing is known"
on = 2020-01-01
facts = {{}}
expect = {{ outcome = "needs_review", reasons = ["MISSING_FACT"] }}
"#
        )
    }

    /// Scores, criteria and a fast track.
    fn rules(&self, a: &str) -> String {
        let Self {
            staff_at_most,
            part_at_least: (numer, denom),
            score_at_least,
            top_points,
            ..
        } = self;
        let shown = format!("clause = {a}\ntitle = {a}");
        // At least no part always holds, and is refused.
        let part = if *numer == 0 { "more_than" } else { "at_least" };
        format!(
            r#"[[score]]
name = "ip"
{shown}
fact = "class2_ip"
bands = [{{ at_least = 10, points = {top_points} }}, {{ at_least = 5, points = 20 }}, {{ points = 0 }}]
[[score]]
name = "rd"
{shown}
ratio = ["rd_expense", "annual_sales"]
bands = [{{ at_least = "1/2", points = 30 }}, {{ points = 0 }}]
[[score]]
name = "best"
{shown}
best_of = ["ip", "rd"]
[[criterion]]
code = "STAFF"
{shown}
reason = {a}
test = {{ fact = "staff", at_most = {staff_at_most} }}
[[criterion]]
code = "PART"
{shown}
reason = {a}
test = {{ ratio = ["tech_staff", "staff"], {part} = "{numer}/{denom}" }}
[[criterion]]
code = "SCORE"
{shown}
reason = {a}
test = {{ score = "best", at_least = {score_at_least} }}
[[fast_track]]
code = "HNTE"
{shown}
waives = ["SCORE"]
test = {{ fact = "hnte_status", is = "valid" }}
"#
        )
    }

    fn tiers(&self) -> String {
        let mut text = String::new();
        let mut over = 0;
        for (place, (width, (numer, denom))) in self.tiers.iter().enumerate() {
            let end = over + width;
            let up_to = if place + 1 == self.tiers.len() {
                String::new()
            } else {
                format!("up_to = \"{}\", ", yuan(end))
            };
            let from = yuan(over);
            writeln!(
                text,
                "{{ over = \"{from}\", {up_to}rate = \"{numer}/{denom}\" }},"
            )
            .unwrap();
            over = end;
        }
        text
    }

    fn caps(&self, clause: &str) -> String {
        let mut text = String::new();
        for cap in &self.caps {
            let Cap { scope, amount, .. } = cap;
            writeln!(
                text,
                "[[claim.cap]]\nscope = \"{scope}\"\nclause = {clause}"
            )
            .unwrap();
            if scope.ends_with("count") {
                writeln!(text, "count = {}", amount % 5 + 1).unwrap();
            } else {
                writeln!(text, "amount = \"{}\"", yuan(*amount)).unwrap();
            }
            if *scope == "unit" {
                text += "per = \"heads\"\n";
            }
            if cap.refuses {
                text += "over = \"refuse\"\n";
            }
            if cap.conditional {
                text += "when = { fact = \"local_supplier\", is = true }\n";
            }
        }
        text
    }

    fn funders(&self, name: &str) -> String {
        let total: u32 = self.weights.iter().sum();
        let mut text = String::new();
        for (place, weight) in self.weights.iter().enumerate() {
            writeln!(
                text,
                "[[funder]]\ncode = \"F{place}\"\nname = {name}\nshare = \"{weight}/{total}\""
            )
            .unwrap();
        }
        text
    }

    fn policy(&self) -> Policy {
        let text = self.text();
        check(&text).unwrap_or_else(|report| panic!("{}\n{text}", report.render("generated")))
    }
}

fn day() -> NaiveDate {
    "2022-06-01".parse().unwrap()
}

const AMOUNTS: [Fact; 5] = [
    Fact::PaidAmount,
    Fact::VatAmount,
    Fact::InvoicedAmount,
    Fact::RdExpense,
    Fact::AnnualSales,
];
const NUMBERS: [Fact; 5] = [
    Fact::Staff,
    Fact::TechStaff,
    Fact::Class2Ip,
    Fact::Heads,
    Fact::LeaseDays,
];

/// Facts, each stated or not, of this day or a later one.
fn facts() -> impl Strategy<Value = Facts> {
    let money = prop::collection::vec(prop::option::weighted(0.95, amount()), 5);
    let counts = prop::collection::vec(
        prop::option::weighted(0.95, prop_oneof![0_u32..30, 0_u32..1_200, Just(u32::MAX)]),
        5,
    );
    let rest = (
        prop::option::weighted(0.9, amount()),
        prop::option::weighted(0.9, any::<bool>()),
        prop::option::weighted(0.9, any::<bool>()),
        prop::bool::weighted(0.05),
    );
    (money, counts, rest).prop_map(|(money, counts, (area, local, valid, later))| {
        let mut facts = Facts::new(Currency::Cny);
        let on = if later { day() + Days::new(1) } else { day() };
        let mut state = |fact, raw: Raw<'_>| facts.state(fact, raw, Source::Imported, on).unwrap();
        for (fact, minor) in AMOUNTS.into_iter().zip(money) {
            if let Some(minor) = minor {
                state(fact, Raw::Text(&yuan(minor)));
            }
        }
        for (fact, number) in NUMBERS.into_iter().zip(counts) {
            if let Some(number) = number {
                state(fact, Raw::Integer(i64::from(number)));
            }
        }
        if let Some(area) = area {
            state(Fact::Area, Raw::Text(&yuan(area)));
        }
        if let Some(local) = local {
            state(Fact::LocalSupplier, Raw::Bool(local));
        }
        if let Some(valid) = valid {
            state(
                Fact::HnteStatus,
                Raw::Text(if valid { "valid" } else { "none" }),
            );
        }
        facts
    })
}

fn usage() -> impl Strategy<Value = Usage> {
    let amounts = prop::collection::vec(prop_oneof![3 => Just(0), 1 => amount()], 6);
    let shares = (prop::option::of(amount()), prop::option::of(amount()));
    (amounts, shares, 0_u32..6, 0_u32..6).prop_map(|(amounts, (budget, demand), year, life)| {
        let of = |place: usize| Money::from_minor(amounts[place]);
        Usage {
            used_this_year: of(0),
            used_by_group: of(1),
            used_by_provider: of(2),
            used_in_life: of(3),
            used_by_programme: of(4),
            de_minimis: of(5),
            awards_this_year: year,
            awards_in_life: life,
            budget: budget.map(Money::from_minor),
            demand: demand.map(Money::from_minor),
            ..Usage::default()
        }
    })
}

/// What the cap leaves, if it concerns the case.
fn left(cap: &Cap, facts: &Facts, usage: &Usage) -> Option<i128> {
    let number = |fact| {
        facts
            .get(fact)?
            .value
            .scalar(subsidy_ledger::policy::Kind::Bool)
    };
    if cap.conditional && number(Fact::LocalSupplier) != Some(1) {
        return None;
    }
    let used = match cap.scope {
        "application" => Money::ZERO,
        "unit" => {
            let heads = number(Fact::Heads)?;
            return Some(i128::from(cap.amount) * i128::from(heads));
        }
        "firm_year" => usage.used_this_year,
        "group_year" => usage.used_by_group,
        "provider_year" => usage.used_by_provider,
        "lifetime" => usage.used_in_life,
        "de_minimis" => usage.de_minimis,
        "programme" => usage.used_by_programme,
        "year_count" | "lifetime_count" => {
            let used = if cap.scope == "year_count" {
                usage.awards_this_year
            } else {
                usage.awards_in_life
            };
            let open = i64::from(used) < cap.amount % 5 + 1;
            return Some(if open { i128::MAX } else { 0 });
        }
        other => panic!("{other}"),
    };
    Some((i128::from(cap.amount) - i128::from(used.minor())).max(0))
}

fn decided(pack: &Pack, facts: &Facts, usage: &Usage) -> (Policy, Decision) {
    let policy = pack.policy();
    let decision = decide(&policy, Moment::Claim, facts, usage, day());
    (policy, decision)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn an_award_is_within_every_cap_and_its_shares_are_exactly_it(pack in pack(), facts in facts(), usage in usage()) {
        let (_, decision) = decided(&pack, &facts, &usage);
        let amount = i128::from(decision.amount.money().minor());
        prop_assert_eq!(decision.outcome == Outcome::Pass, amount > 0, "{:?}", decision);
        if amount > 0 {
            for cap in &pack.caps {
                if let Some(left) = left(cap, &facts, &usage) {
                    prop_assert!(amount <= left, "{} over {:?}", amount, cap);
                }
            }
            if let (true, Some(budget), Some(demand)) = (pack.exhaustion != "fcfs", usage.budget, usage.demand)
                && budget < demand
            {
                // Where all cases share a budget, none has more than there is, but for the one rounding.
                prop_assert!(amount <= i128::from(budget.minor()) + 1, "{:?}", decision);
            }
            prop_assert_eq!(amount % i128::from(pack.rounding.1), 0);
        }
        let shares: Vec<i128> = decision.funding.iter().map(|one| i128::from(one.amount.money().minor())).collect();
        prop_assert!(shares.iter().all(|share| *share >= 0));
        if decision.outcome == Outcome::Pass {
            prop_assert_eq!(shares.iter().sum::<i128>(), amount);
        }
        // Never more than the base comes to.
        let base = decision.steps.iter().find_map(|step| match step {
            Step::Base { value, .. } => Some(i128::from(value.money().minor())),
            Step::Basis { value, .. } => Some(i128::from(value.whole().money().minor()) + 1),
            Step::Flat { .. } | Step::Rate { .. } | Step::Cap { .. } | Step::Count { .. }
            | Step::Proportion { .. } | Step::Rounding { .. } => None,
        });
        prop_assert!(base.is_none_or(|base| amount <= base), "{:?}", decision);
    }

    #[test]
    fn decisions_are_canonical_read_back_and_replay_byte_for_byte(pack in pack(), facts in facts(), usage in usage()) {
        let (policy, decision) = decided(&pack, &facts, &usage);
        let bytes = decision.to_canonical_json();
        prop_assert_eq!(&bytes, &serde_json_canonicalizer::to_vec(&decision).unwrap());
        prop_assert_eq!(&serde_json::from_slice::<Decision>(&bytes).unwrap(), &decision);
        // What was kept of the facts, and of the usage only what the decision names.
        let kept = Facts::from_canonical_json(&facts.to_canonical_json()).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        prop_assert_eq!(replay(&text, &policy, &kept).unwrap(), Replayed::Identical);
        for locale in [Locale::Zh, Locale::En] {
            prop_assert!(!explain(&decision, &policy, locale).is_empty());
            prop_assert!(!explain_on(&decision, &policy, &facts, locale).is_empty());
        }
    }

    #[test]
    fn tightening_a_bound_never_adds_a_winner(
        pack in pack(), facts in facts(), usage in usage(), which in 0_usize..3, by in 1_u32..30,
    ) {
        let mut tight = pack.clone();
        match which {
            0 => tight.staff_at_most = pack.staff_at_most.saturating_sub(by),
            1 => {
                let (numer, denom) = pack.part_at_least;
                tight.part_at_least = if numer < denom { (numer + 1, denom) } else { (numer, denom) };
            }
            _ => tight.score_at_least = (pack.score_at_least + by).min(39),
        }
        let (_, before) = decided(&pack, &facts, &usage);
        let (_, after) = decided(&tight, &facts, &usage);
        if before.outcome == Outcome::Fail && !before.reasons.iter().any(|code| code.as_str().starts_with("CAP_")) {
            prop_assert_ne!(after.outcome, Outcome::Pass);
        }
        if after.outcome == Outcome::Pass {
            prop_assert_eq!(before.outcome, Outcome::Pass);
            prop_assert_eq!(after.amount, before.amount);
        }
    }

    #[test]
    fn a_lower_cap_never_gives_more(pack in pack(), facts in facts(), usage in usage(), which in any::<prop::sample::Index>(), by in amount()) {
        prop_assume!(!pack.caps.is_empty());
        let mut tight = pack.clone();
        let cap = which.index(pack.caps.len());
        prop_assume!(!pack.caps[cap].scope.ends_with("count"));
        tight.caps[cap].amount = (pack.caps[cap].amount - by).max(0);
        let (_, before) = decided(&pack, &facts, &usage);
        let (_, after) = decided(&tight, &facts, &usage);
        prop_assert!(after.amount <= before.amount, "{:?}\n{:?}", before, after);
    }

    #[test]
    fn what_can_not_be_said_is_open(pack in pack(), facts in facts(), usage in usage()) {
        let (_, decision) = decided(&pack, &facts, &usage);
        let zero = |fact| facts.get(fact).is_some_and(|stated| stated.value.scalar(Fact::Staff.kind()) == Some(0) && stated.as_of <= day());
        if decision.reasons.contains(&ReasonCode::ZERO_DENOMINATOR) {
            prop_assert_eq!(decision.outcome, Outcome::NeedsReview);
            prop_assert!(zero(Fact::Staff) || zero(Fact::AnnualSales));
        }
        prop_assert_eq!(decision.outcome != Outcome::Pass, decision.amount.money() == Money::ZERO);
        if !decision.missing.is_empty() {
            prop_assert_eq!(decision.outcome, Outcome::NeedsReview);
        }
        for fact in &decision.missing {
            let seen = facts.get(*fact).is_some_and(|stated| stated.as_of <= day());
            prop_assert!(!seen, "{} was stated", fact);
        }
    }

    #[test]
    fn other_rules_differ_and_the_same_do_not(one in pack(), other in pack()) {
        let (old, new) = (one.policy(), other.policy());
        prop_assert_eq!(diff(&old, &old), []);
        if old.body() != new.body() {
            let differences = diff(&old, &new);
            let back = diff(&new, &old);
            prop_assert_eq!(differences.is_empty(), back.is_empty());
        }
    }
}
