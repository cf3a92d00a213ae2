//! Deciding for whole columns says of every row what a decision on it says; and a zone in Postgres is screened,
//! simulated and told about alike.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;

use chrono::{Datelike, NaiveDate};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng};
use rand::{Rng, RngExt};
use subsidy_ledger::fact::{self, Corrections, NewStatement, Values, When};
use subsidy_ledger::party::{self, Identity, NewParty, PartyRole};
use subsidy_ledger::policy::{
    Fact, Facts, Kind, Moment, Outcome, Policy, Raw, ReasonCode, Sha256, Source, StatedBy, Table,
    Unit, Usage, decide, screen,
};
use subsidy_ledger::screening::{self, Among, Screened, Wanted};
use subsidy_ledger::types::{Currency, Money, PartyId, Period};

use crate::kit::scenario::{World, day};
use crate::policy_cases::pack_text;

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
                0,
                1,
                100,
                4_999,
                5_000,
                10_000,
                50_000,
                80_000,
                100_000,
                260_000,
                300_000,
                480_000,
                500_000,
                1_000_000,
                2_000_000,
                6_000_000,
                50_000_000,
                200_000_000,
                210_000_000,
            ]);
            format!("{amount}.{:02}", of(&[0, 0, 0, 1, 50, 99]))
        }
        Kind::Count(Unit::Year) => {
            (on.year() - 1 + i32::try_from(of(&[0, 1, 2])).unwrap()).to_string()
        }
        Kind::Count(_) => {
            of(&[0, 1, 2, 3, 4, 5, 9, 10, 12, 20, 24, 50, 100, 300, 500, 501]).to_string()
        }
        Kind::Date => {
            let days =
                i64::try_from(of(&[0, 1, 30, 180, 365, 366, 700, 731, 1_100, 3_000])).unwrap();
            let day = on + chrono::TimeDelta::days(30 - days);
            day.to_string()
        }
        Kind::Bool => (of(&[0, 1]) == 1).to_string(),
        Kind::Text => [
            "91000000MA00000900",
            "91350211M0000XUF46",
            "91000000MAI0000900",
        ][usize::try_from(of(&[0, 0, 1, 2])).unwrap()]
        .to_owned(),
        Kind::OneOf(words) => words
            [usize::try_from(of(&[0, 1, 2, 3, 4, 5, 6, 7])).unwrap() % words.len()]
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
        facts
            .state(fact, Raw::typed(fact, &text), source, on)
            .unwrap();
    }
    facts
}

fn random_usage(random: &mut impl Rng) -> Usage {
    let mut money =
        || Money::from_minor([0, 0, 1, 8_000_000, 42_000_000][random.random_range(0..5)]);
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

/// Columns say of every row what a single decision says: outcome, amount, and which criteria are unmet and open.
fn columns_agree(
    name: &str,
    policy: &Policy,
    moment: Moment,
    facts: &[Facts],
    usage: &[Usage],
    on: NaiveDate,
) -> Result<(), TestCaseError> {
    let mut table = Table::new(policy, moment, facts.len(), on);
    for (row, facts) in facts.iter().enumerate() {
        for (fact, stated) in facts.iter() {
            let column = table.facts().binary_search(&fact).unwrap();
            if stated.as_of <= on && policy.accepts(fact, stated.source) {
                table.set(column, row, &stated.value);
            }
        }
    }
    let found = screen(policy, moment, &table, &|row: usize| usage[row], on);
    let criteria: Vec<_> = policy
        .criteria()
        .iter()
        .filter(|criterion| criterion.at.contains(&moment))
        .collect();
    for (row, (facts, usage)) in facts.iter().zip(usage).enumerate() {
        let decision = decide(policy, moment, facts, usage, on);
        prop_assert_eq!(
            found.outcomes[row],
            decision.outcome,
            "{} {:?} {:?}",
            name,
            moment,
            decision
        );
        prop_assert_eq!(
            found.amounts[row],
            decision.amount.money(),
            "{} {:?}",
            name,
            decision
        );
        if decision.outcome != Outcome::NeedsReview {
            let (own, of_criteria) = (&found.reasons[row], |code: &ReasonCode| {
                criteria.iter().any(|one| one.code == *code) || code.as_str().starts_with("USCC_")
            });
            let told: HashSet<_> = decision
                .reasons
                .iter()
                .filter(|code| !of_criteria(code))
                .collect();
            let own: Vec<_> = own.iter().collect();
            prop_assert_eq!(
                own.iter().collect::<HashSet<_>>(),
                told,
                "{} {:?}",
                name,
                decision
            );
        }
        for (place, criterion) in criteria.iter().enumerate() {
            let seen = decision
                .criteria
                .iter()
                .find(|seen| seen.code == criterion.code)
                .unwrap();
            let bit = 1_u64 << place;
            prop_assert_eq!(found.unmet[row] & bit != 0, seen.outcome == Outcome::Fail);
            prop_assert_eq!(
                found.open[row] & bit != 0,
                seen.outcome == Outcome::NeedsReview
            );
        }
    }
    Ok(())
}

/// Every fact that scores are made of, and no whole that is zero: such rows are looked at by whole blocks.
fn facts_of_scores(policy: &Policy, random: &mut impl Rng, on: NaiveDate) -> Facts {
    let mut facts = Facts::new(policy.currency());
    for &fact in policy.wanted(Moment::Recognition) {
        let mut text = raw_text(fact, random, on);
        let is_whole = matches!(fact, Fact::Staff | Fact::AnnualSales | Fact::TotalCost);
        while is_whole && text.starts_with('0') {
            text = raw_text(fact, random, on);
        }
        let source = match fact.spec().stated_by {
            StatedBy::Office => Source::Verified,
            StatedBy::Applicant | StatedBy::Ledger => Source::Declared,
        };
        if fact != Fact::DecidedOn {
            let raw = Raw::typed(fact, &text);
            facts.state(fact, raw, source, on).unwrap();
        }
    }
    facts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn columns_decide_as_single_decisions_do(seed in any::<[u8; 32]>()) {
        const ROWS: usize = 150;
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        for (name, policy) in packs() {
            for &moment in policy.moments().iter().filter(|moment| **moment != Moment::Redemption) {
                let first = policy.in_force().from();
                let on = first + chrono::TimeDelta::days(random.random_range(-30..300));
                let facts: Vec<_> =
                    (0..ROWS).map(|_| random_facts(&policy, moment, &mut random, on)).collect();
                let usage: Vec<_> = (0..ROWS).map(|_| random_usage(&mut random)).collect();
                columns_agree(&name, &policy, moment, &facts, &usage, on)?;
            }
        }
    }

    /// Scores of rows of which everything is known take a way of their own.
    #[test]
    fn whole_blocks_decide_as_single_decisions_do(seed in any::<[u8; 32]>()) {
        const ROWS: usize = 2_048;
        let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let name = "tech-sme-2017";
        let policy = Policy::parse(&pack_text(name)).unwrap();
        let on = policy.in_force().from() + chrono::TimeDelta::days(100);
        let facts: Vec<_> = (0..ROWS).map(|_| facts_of_scores(&policy, &mut random, on)).collect();
        let usage = vec![Usage::default(); ROWS];
        columns_agree(name, &policy, Moment::Recognition, &facts, &usage, on)?;
    }
}

fn firm_facts(random: &mut impl Rng) -> (Values, Values) {
    let mut pick = |values: &[&str]| values[random.random_range(0..values.len())].to_owned();
    let mut of_year = vec![
        (Fact::Staff, pick(&["50", "500", "501"])),
        (Fact::TechStaff, pick(&["0", "15", "30"])),
        (
            Fact::AnnualSales,
            pick(&["0.00", "10000000.00", "200000000.01"]),
        ),
        (Fact::TotalAssets, pick(&["1000000.00", "200000000.00"])),
        (Fact::TotalCost, pick(&["0.00", "8000000.00"])),
        (Fact::RdExpense, pick(&["0.00", "520000.00", "2000000.00"])),
    ];
    let mut standing = vec![
        (Fact::Class1Ip, pick(&["0", "1"])),
        (Fact::Class2Ip, pick(&["0", "3"])),
        (Fact::ResidentEnterprise, "true".to_owned()),
        (Fact::ProhibitedProducts, pick(&["false", "false", "true"])),
        (Fact::MajorIncident, "false".to_owned()),
        (Fact::NationalAward, pick(&["false", "true"])),
        (Fact::ProvincialRdBody, "false".to_owned()),
        (Fact::StandardLed, "false".to_owned()),
    ];
    for facts in [&mut of_year, &mut standing] {
        facts.retain(|_| random.random_range(0..12) > 0);
    }
    let values = |facts: Vec<(Fact, String)>| {
        let read = |(fact, text): (Fact, String)| {
            (
                fact,
                fact.read(Raw::typed(fact, &text), Currency::Cny).unwrap(),
            )
        };
        facts.into_iter().map(read).collect()
    };
    (values(of_year), values(standing))
}

async fn state(world: &World, party: PartyId, source: Source, when: When, facts: Values) {
    let new = NewStatement {
        party,
        source,
        when,
        reference: None,
        evidence: vec![Sha256::of(b"evidence")],
        facts,
        corrections: Corrections::Apply,
    };
    let caller = world.caller("reviewer", "2020-05-01", None);
    let stated = world.one(caller, new, |conn, command, new| {
        Box::pin(async move { fact::state(conn, &command, new).await })
    });
    stated.await.unwrap();
}

async fn screened(world: &World, pack: &'static str, on: &'static str) -> Screened {
    screened_assuming(world, pack, on, Facts::new(Currency::Cny)).await
}

async fn screened_assuming(
    world: &World,
    pack: &'static str,
    on: &'static str,
    assumed: Facts,
) -> Screened {
    let zone = world.zone.clone();
    world
        .db
        .app()
        .read(zone.id, (zone, assumed), move |conn, (zone, assumed)| {
            Box::pin(async move {
                let policy = Policy::parse(&pack_text(pack)).unwrap();
                let wanted = Wanted::new(&policy, policy.moments()[0]).among(Some(Among::Any));
                screening::screen(conn, zone, wanted, day(on), assumed, &|_, _| {}).await
            })
        })
        .await
        .unwrap()
}

/// Rows of registers that lapse, end and follow one another.
async fn register_some(world: &World, random: &mut TestRng) {
    use crate::fact::complete::import;
    use crate::fact::options;
    let mut hnte = "party,from,valid_until,status\n".to_owned();
    let mut listed = "party,from,until,listed\n".to_owned();
    for number in 0..30 {
        for from in ["2018-06-01", "2020-02-01", "2020-04-01"] {
            let last = ["2020-02-20", "2020-04-15", "2023-01-01"][random.random_range(0..3)];
            let status = ["有效", "有效", "none", "revoked"][random.random_range(0..4)];
            match random.random_range(0..4) {
                0 if last > from => writeln!(hnte, "N-{number},{from},{last},{status}").unwrap(),
                1 => writeln!(listed, "N-{number},{from},,{}", random.random_bool(0.5)).unwrap(),
                2 => writeln!(listed, "N-{number},{from},2020-04-10,true").unwrap(),
                _ => {}
            }
        }
    }
    import(world, &hnte, options(Source::Imported, Some("hnte"))).await;
    import(world, &listed, options(Source::Imported, Some("integrity"))).await;
}

/// Every party of a zone with random histories of statements is screened as a decision on its snapshot decides.
#[tokio::test]
async fn a_zone_is_screened_as_single_decisions_decide() {
    let world = World::new(&[]).await;
    let seed = [7; 32];
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut parties: Vec<PartyId> = world.parties.values().copied().collect();
    for number in 0..30 {
        let new = NewParty {
            identity: Identity::OfficeNumber(format!("N-{number}").parse().unwrap()),
            name: format!("firm {number}").parse().unwrap(),
            roles: [PartyRole::Enterprise].into(),
            group: None,
        };
        parties.push(world.try_register("manager", new).await.unwrap());
    }
    for party in &parties {
        for _ in 0..random.random_range(0..4) {
            let (of_year, standing) = firm_facts(&mut random);
            let source = [Source::Declared, Source::Verified][random.random_range(0..2)];
            let year = [2018, 2019, 2019][random.random_range(0..3)];
            if !of_year.is_empty() {
                state(&world, *party, source, When::Year(year), of_year).await;
            }
            let from = day(["2019-01-01", "2020-01-01", "2020-04-01"][random.random_range(0..3)]);
            let until = [None, None, Some(day("2020-04-15"))][random.random_range(0..3)];
            if !standing.is_empty() {
                let days = When::Days(Period::new(from, until).unwrap());
                state(&world, *party, source, days, standing).await;
            }
        }
    }
    register_some(&world, &mut random).await;
    for on in ["2020-03-01", "2020-04-20", "2020-05-10"] {
        let screened = screened(&world, "tech-sme-2017", on).await;
        assert_eq!(screened.parties.len(), parties.len());
        let policy = Policy::parse(&pack_text("tech-sme-2017")).unwrap();
        let zone = world.zone.clone();
        let snapshots = world.db.app().read(
            zone.id,
            (zone, screened.parties.clone()),
            move |conn, (zone, ids)| {
                Box::pin(async move {
                    let mut facts = Vec::new();
                    for id in ids {
                        let party = party::store::party(conn, zone.id, *id).await?.unwrap();
                        facts.push(fact::snapshot(conn, zone, &party, day(on), None).await?);
                    }
                    Ok::<_, sqlx::Error>(facts)
                })
            },
        );
        let mut outcomes = std::collections::BTreeSet::new();
        for (row, facts) in snapshots.await.unwrap().iter().enumerate() {
            let decision = decide(
                &policy,
                Moment::Recognition,
                facts,
                &Usage::default(),
                day(on),
            );
            assert_eq!(
                screened.screening.outcomes[row], decision.outcome,
                "{on} {decision:?}"
            );
            outcomes.insert(format!("{:?}", decision.outcome));
        }
        assert!(outcomes.len() >= 2, "all came out alike: {outcomes:?}");
    }
}

/// What decides on tech SMEs but for the integrity lists.
const ALL_BUT_LISTS: &str = "resident_enterprise=true staff=50 tech_staff=15 annual_sales=20000000.00 \
    rd_expense=1040000.00 total_cost=18000000.00 total_assets=30000000.00 class1_ip=0 class2_ip=3 \
    prohibited_products=false major_incident=false tech_sme_status=none filed_on=2020-05-10 \
    filing_due_on=2020-09-30";

/// Whoever a whole register does not name is decided on, and not kept waiting for ever.
#[tokio::test]
async fn a_zone_is_screened_by_what_a_whole_register_says_of_those_it_does_not_name() {
    use crate::fact::complete::{import, whole};
    let world = World::new(&[]).await;
    let mut assumed = Facts::new(Currency::Cny);
    for pair in ALL_BUT_LISTS.split_whitespace() {
        let (name, value) = pair.split_once('=').unwrap();
        let fact = Fact::named(name).unwrap();
        assumed
            .state(
                fact,
                Raw::typed(fact, value),
                Source::Verified,
                day("2020-05-01"),
            )
            .unwrap();
    }
    let outcome = async |name: &str, on: &'static str| {
        let found = screened_assuming(&world, "tech-sme-2017", on, assumed.clone()).await;
        let party = world.parties[name];
        let row = found.parties.iter().position(|one| *one == party).unwrap();
        found.screening.outcomes[row]
    };
    assert_eq!(outcome("g", "2020-06-02").await, Outcome::NeedsReview);
    let csv = "party,from\n91000000MA00000900,2019-03-01\n";
    import(&world, csv, whole("integrity", "2020-06-01")).await;
    for (name, on, expected) in [
        ("f", "2020-06-02", Outcome::Fail),
        ("g", "2020-06-02", Outcome::Pass),
        ("g", "2020-05-31", Outcome::NeedsReview),
    ] {
        assert_eq!(outcome(name, on).await, expected, "{name} on {on}");
    }
}

/// A lower limit from next year on is simulated today: who would lose how much, and that nothing is written.
#[tokio::test]
async fn a_draft_is_simulated_against_the_version_in_force() {
    let world = World::new(&[("SH", 2020, 1_000_000)]).await;
    let before = world.size().await;
    let zone = world.zone.clone();
    let simulation = world
        .db
        .app()
        .read(zone.id, zone.clone(), |conn, zone| {
            Box::pin(async move {
                let current = pack_text("shanghai-2020");
                let (rules, _examples) = current.split_once("[[example]]").unwrap();
                let example = current.split("[[example]]").nth(3).unwrap();
                let draft = format!("{rules}[[example]]{example}")
                    .replace("amount = \"500000.00\"", "amount = \"40000.00\"")
                    .replace(
                        "[in_force]\nfrom = 2020-01-01",
                        "[in_force]\nfrom = 2021-01-01",
                    );
                let draft = Policy::parse(&draft)
                    .unwrap_or_else(|report| panic!("{}", report.render("draft")));
                let current = Policy::parse(&current).unwrap();
                let on = day("2020-06-01");
                let mut assumed = Facts::new(Currency::Cny);
                for (fact, text) in [
                    (Fact::ApplicantKind, "enterprise"),
                    (Fact::ServicePrice, "100000.00"),
                ] {
                    assumed
                        .state(fact, Raw::Text(text), Source::Declared, on)
                        .unwrap();
                }
                let wanted = Wanted::new(&draft, Moment::Grant);
                let screened = screening::screen(conn, zone, wanted, on, &assumed, &|_, _| {});
                let reasons = screened.await?.unmet();
                let not_in_force = reasons
                    .iter()
                    .find(|one| one.code == ReasonCode::NOT_IN_FORCE);
                assert_eq!(not_in_force.map(|one| one.unmet), Some(2));
                screening::simulate(conn, zone, wanted, Some(&current), on, &assumed, &|_, _| {})
                    .await
            })
        })
        .await
        .unwrap();
    assert!(simulation.as_if_in_force);
    let limits = simulation.draft.criteria.iter();
    let limits: Vec<_> = limits.filter(|one| one.lowered > 0).collect();
    assert_eq!(limits.len(), 1, "{limits:?}");
    assert_eq!(limits[0].lowered, 2);
    let current = simulation.current.unwrap();
    assert_eq!((current.pass, current.cost.as_str()), (2, "100000.00"));
    assert_eq!(simulation.draft.cost, "80000.00");
    assert_eq!(current.left_after.as_deref(), Some("900000.00"));
    assert!(simulation.gain.is_empty());
    assert_eq!(simulation.lose.len(), 2);
    assert_eq!(simulation.lose[0].amount_after, "40000.00");
    assert_eq!(world.size().await, before);
}
