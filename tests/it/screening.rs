//! Deciding for whole columns says of every row what a decision on it says; and a zone in Postgres is screened,
//! simulated and told about alike.

use std::fs;

use chrono::{Datelike, NaiveDate};
use proptest::prelude::*;
use proptest::test_runner::TestRng;
use rand::{Rng, RngExt};
use subsidy_ledger::policy::{
    Fact, Facts, Kind, Moment, Outcome, Policy, Raw, Source, StatedBy, Table, Unit, Usage, decide,
    screen,
};
use subsidy_ledger::types::Money;

fn packs() -> Vec<(String, Policy)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/policies");
    let mut packs: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let body = fs::read_to_string(&path).unwrap();
            let policy = Policy::parse(&body)
                .unwrap_or_else(|report| panic!("{}", report.render(&path.display().to_string())));
            (path.display().to_string(), policy)
        })
        .collect();
    packs.sort_by(|(one, _), (other, _)| one.cmp(other));
    packs
}

/// A value near the bounds that packs have, in the words of a file.
fn raw_text(fact: Fact, random: &mut impl Rng, on: NaiveDate) -> String {
    let mut of = |values: &[u64]| values[random.random_range(0..values.len())];
    match fact.kind() {
        Kind::Money | Kind::Quantity(_) => {
            let amount = of(&[
                0, 1, 100, 4_999, 5_000, 10_000, 50_000, 80_000, 100_000, 260_000, 300_000, 480_000,
                500_000, 1_000_000, 2_000_000, 6_000_000, 50_000_000, 200_000_000, 210_000_000,
            ]);
            format!("{amount}.{:02}", of(&[0, 0, 0, 1, 50, 99]))
        }
        Kind::Count(Unit::Year) => (on.year() - 1 + i32::try_from(of(&[0, 1, 2])).unwrap()).to_string(),
        Kind::Count(_) => of(&[0, 1, 2, 3, 4, 5, 9, 10, 12, 20, 24, 50, 100, 300, 500, 501]).to_string(),
        Kind::Date => {
            let days = i64::try_from(of(&[0, 1, 30, 180, 365, 366, 700, 731, 1_100, 3_000])).unwrap();
            let day = on + chrono::TimeDelta::days(30 - days);
            day.to_string()
        }
        Kind::Bool => (of(&[0, 1]) == 1).to_string(),
        Kind::Text => ["91000000MA00000900", "91350211M0000XUF46", "91000000MAI0000900"]
            [usize::try_from(of(&[0, 0, 1, 2])).unwrap()]
        .to_owned(),
        Kind::OneOf(words) => words[usize::try_from(of(&[0, 1, 2, 3, 4, 5, 6, 7])).unwrap() % words.len()]
            .name
            .to_owned(),
    }
}

fn random_facts(policy: &Policy, moment: Moment, random: &mut impl Rng, on: NaiveDate) -> Facts {
    let known = random.random_range(50..=100);
    let mut facts = Facts::new(policy.currency());
    for &fact in policy.wanted(moment) {
        if fact == Fact::DecidedOn || random.random_range(0..100) >= known {
            continue;
        }
        let mut text = raw_text(fact, random, on);
        if fact.kind() == Kind::Money && policy.currency().decimals() == 0 {
            text.truncate(text.len() - 3);
        }
        let sources = [Source::Declared, Source::Verified, Source::Imported];
        let source = if fact.spec().stated_by == StatedBy::Office && random.random_range(0..4) > 0 {
            Source::Verified
        } else {
            sources[random.random_range(0..3)]
        };
        facts.state(fact, Raw::typed(fact, &text), source, on).unwrap();
    }
    facts
}

fn random_usage(random: &mut impl Rng) -> Usage {
    let mut money = || Money::from_minor([0, 0, 1, 8_000_000, 42_000_000][random.random_range(0..5)]);
    Usage {
        held_now: money(),
        used_this_year: money(),
        used_by_group: money(),
        used_by_provider: money(),
        used_in_life: money(),
        used_by_programme: money(),
        de_minimis: money(),
        awards_this_year: u32::try_from(money().minor() % 7).unwrap(),
        awards_in_life: u32::try_from(money().minor() % 5).unwrap(),
        ..Usage::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// For every shipped pack, at every moment: outcome, amount, and which criteria are unmet and open.
    #[test]
    fn columns_decide_as_single_decisions_do(seed in any::<[u8; 32]>()) {
        const ROWS: usize = 150;
        let mut random = TestRng::from_seed(prop::test_runner::RngAlgorithm::ChaCha, &seed);
        for (name, policy) in packs() {
            for &moment in policy.moments() {
                let first = policy.in_force().from();
                let on = first + chrono::TimeDelta::days(random.random_range(0..300));
                let facts: Vec<_> =
                    (0..ROWS).map(|_| random_facts(&policy, moment, &mut random, on)).collect();
                let usage: Vec<_> = (0..ROWS).map(|_| random_usage(&mut random)).collect();
                let mut table = Table::new(&policy, moment, ROWS, on);
                for (row, facts) in facts.iter().enumerate() {
                    for (fact, stated) in facts.iter() {
                        let column = table.facts().binary_search(&fact).unwrap();
                        if stated.as_of <= on && policy.accepts(fact, stated.source) {
                            table.set(column, row, &stated.value);
                        }
                    }
                }
                let found = screen(&policy, moment, &table, &|row: usize| usage[row], on);
                let criteria: Vec<_> = policy
                    .criteria()
                    .iter()
                    .filter(|criterion| criterion.at.contains(&moment))
                    .collect();
                for row in 0..ROWS {
                    let decision = decide(&policy, moment, &facts[row], &usage[row], on);
                    // An order's days are the ledger's own; a screening of orders has no rows without them.
                    if decision.criteria.iter().any(|one| one.code.as_str() == "EXPIRED") {
                        continue;
                    }
                    prop_assert_eq!(found.outcomes[row], decision.outcome, "{} {:?} {:?}", name, moment, decision);
                    prop_assert_eq!(found.amounts[row], decision.amount.money(), "{} {:?}", name, decision);
                    for (place, criterion) in criteria.iter().enumerate() {
                        let seen = decision.criteria.iter().find(|seen| seen.code == criterion.code).unwrap();
                        let bit = 1_u64 << place;
                        prop_assert_eq!(found.unmet[row] & bit != 0, seen.outcome == Outcome::Fail);
                        prop_assert_eq!(found.open[row] & bit != 0, seen.outcome == Outcome::NeedsReview);
                    }
                }
            }
        }
    }
}
