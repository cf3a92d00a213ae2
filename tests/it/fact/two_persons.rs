//! What only the office may say.

use std::sync::Arc;

use subsidy_ledger::fact::store::DeterminationFilter;
use subsidy_ledger::fact::{self, Determination, FactsError, Proposal};
use subsidy_ledger::policy::{Fact, Raw};
use subsidy_ledger::types::{Currency, LogIndex, PartyId, Period};

use super::{TODAY, entry, evidence, seen, snapshot};
use crate::kit::scenario::{World, day};

fn proposal(party: Option<PartyId>, name: &str, value: &str) -> Proposal {
    let fact = Fact::named(name).unwrap();
    Proposal {
        party,
        fact,
        value: fact.read(Raw::typed(fact, value), Currency::Cny).unwrap(),
        days: Period::new(day("2020-04-01"), Some(day("2020-09-01"))).unwrap(),
        evidence: vec![evidence()],
        reason: "closed by order of the district".parse().unwrap(),
    }
}

async fn try_propose(world: &World, who: &str, new: Proposal) -> Result<LogIndex, FactsError> {
    let caller = world.caller(who, TODAY, None);
    let proposed = world.one(caller, new, |conn, command, new| {
        Box::pin(async move { fact::propose(conn, &command, new).await })
    });
    proposed.await
}

pub(crate) async fn propose(
    world: &World,
    who: &str,
    party: Option<PartyId>,
    name: &str,
    value: &str,
) -> Result<LogIndex, FactsError> {
    try_propose(world, who, proposal(party, name, value)).await
}

async fn confirm(
    world: &World,
    who: &str,
    key: Option<&str>,
    proposed: LogIndex,
) -> Result<LogIndex, FactsError> {
    let caller = world.caller(who, TODAY, key);
    let confirmed = world.one(caller, proposed, |conn, command, proposed| {
        Box::pin(async move { fact::confirm(conn, &command, *proposed).await })
    });
    confirmed.await
}

async fn listed(world: &World, open: bool) -> Vec<Determination> {
    let filter = DeterminationFilter {
        open,
        party: None,
        after: None,
        limit: 10,
    };
    let input = (world.zone.clone(), filter);
    let read = world
        .db
        .app()
        .read(world.zone.id, input, |conn, (zone, filter)| {
            Box::pin(fact::store::determinations(conn, zone, filter))
        });
    read.await.unwrap()
}

#[tokio::test]
async fn a_determination_takes_two_persons_and_is_seen_as_verified() {
    let world = World::new(&[]).await;
    let (party, other) = (world.parties["f"], world.parties["g"]);
    let grace = || propose(&world, "manager", Some(party), "epidemic_grace", "true");
    let proposed = grace().await.unwrap();
    assert_eq!(seen(&world, party, Fact::EpidemicGrace, TODAY).await, None);
    assert_eq!(listed(&world, true).await.len(), 1);

    let alone = confirm(&world, "manager", None, proposed).await;
    assert!(matches!(alone, Err(FactsError::SamePerson(_))), "{alone:?}");
    let junior = confirm(&world, "reviewer", None, proposed).await;
    assert!(
        matches!(junior, Err(FactsError::Forbidden(_))),
        "{junior:?}"
    );
    let nothing = confirm(&world, "manager2", None, LogIndex(0)).await;
    assert!(
        matches!(nothing, Err(FactsError::NoProposal(_))),
        "{nothing:?}"
    );
    let confirmed = confirm(&world, "manager2", Some("k"), proposed)
        .await
        .unwrap();
    let again = confirm(&world, "manager2", Some("k"), proposed)
        .await
        .unwrap();
    assert_eq!(confirmed, again);
    let late = confirm(&world, "all", None, proposed).await;
    assert!(
        matches!(late, Err(FactsError::Confirmed { .. })),
        "{late:?}"
    );

    let (kind, details) = entry(&world, proposed).await;
    assert_eq!(kind, "fact.determination_proposed");
    assert_eq!(details["reason"], "closed by order of the district");
    assert_eq!(details["evidence"][0], evidence().to_string());
    let (kind, details) = entry(&world, confirmed).await;
    assert_eq!(kind, "fact.determined");
    assert_eq!(details["proposed_index"], proposed.0);
    assert!(listed(&world, true).await.is_empty());
    assert_eq!(
        listed(&world, false).await[0].confirmed_index,
        Some(confirmed)
    );

    for (party, on, expected) in [
        (party, "2020-03-31", None),
        (party, "2020-04-01", Some("true Verified")),
        (party, "2020-08-31", Some("true Verified")),
        (party, "2020-09-01", None),
        (other, "2020-06-01", None),
    ] {
        let found = seen(&world, party, Fact::EpidemicGrace, on).await;
        assert_eq!(found.as_deref(), expected, "{on}");
    }
    let facts = snapshot(&world, party, "2020-06-01", None).await;
    assert_eq!(
        facts.get(Fact::EpidemicGrace).unwrap().entry,
        Some(confirmed)
    );
    let before = snapshot(&world, party, "2020-06-01", Some(confirmed)).await;
    assert!(before.get(Fact::EpidemicGrace).is_none());
    world.check_invariants().await;
}

#[tokio::test]
async fn what_the_last_determination_says_is_not_proposed_again() {
    let world = World::new(&[]).await;
    let party = world.parties["f"];
    let rating = |value| propose(&world, "manager", Some(party), "rating", value);
    let first = rating("good").await.unwrap();
    let said = rating("good").await.unwrap_err().to_string();
    let expected = format!("entry {first} proposes the same, and waits for another person");
    assert!(said.starts_with(&expected), "{said}");
    confirm(&world, "manager2", None, first).await.unwrap();
    let said = rating("good").await.unwrap_err().to_string();
    let expected = format!("entry {first} proposes the same, and it is confirmed");
    assert!(said.starts_with(&expected), "{said}");
    // After another word on it the first may be proposed again.
    for value in ["excellent", "good"] {
        let proposed = rating(value).await.unwrap();
        confirm(&world, "manager2", None, proposed).await.unwrap();
    }
    let other = propose(
        &world,
        "manager",
        Some(world.parties["g"]),
        "rating",
        "good",
    )
    .await;
    other.unwrap();
    world.check_invariants().await;
}

#[tokio::test]
async fn what_holds_for_the_whole_zone_yields_to_a_party_s_own() {
    let world = World::new(&[]).await;
    let (party, other) = (world.parties["f"], world.parties["g"]);
    let extended = "filing_extended_to";
    for (who, date) in [(Some(party), "2020-07-31"), (None, "2020-08-31")] {
        let proposed = propose(&world, "reviewer", who, extended, date)
            .await
            .unwrap();
        confirm(&world, "manager", None, proposed).await.unwrap();
    }
    for (party, expected) in [
        (party, "2020-07-31 Verified"),
        (other, "2020-08-31 Verified"),
    ] {
        let found = seen(&world, party, Fact::FilingExtendedTo, "2020-06-01").await;
        assert_eq!(found.as_deref(), Some(expected));
    }
    world.check_invariants().await;
}

#[tokio::test]
async fn the_office_determines_its_own_facts_only() {
    let world = World::new(&[]).await;
    let party = Some(world.parties["f"]);
    let without_evidence = Proposal {
        evidence: Vec::new(),
        ..proposal(party, "rating", "good")
    };
    let to_come = Proposal {
        days: Period::new(day("2020-06-11"), None).unwrap(),
        ..proposal(party, "rating", "good")
    };
    let size = world.size().await;
    for (who, new, refusal) in [
        (
            "clerk",
            proposal(party, "rating", "good"),
            "needs the role reviewer or manager",
        ),
        (
            "reviewer",
            proposal(party, "industry", "retail"),
            "not for the office to determine",
        ),
        (
            "reviewer",
            proposal(party, "hnte_status", "valid"),
            "not for the office to determine",
        ),
        (
            "reviewer",
            proposal(party, "uscc_override", "true"),
            "register of parties",
        ),
        (
            "reviewer",
            proposal(Some(PartyId::generate()), "rating", "good"),
            "there is no party",
        ),
        ("reviewer", without_evidence, "--evidence"),
        ("reviewer", to_come, "a day to come"),
    ] {
        let said = try_propose(&world, who, new).await.unwrap_err().to_string();
        assert!(said.contains(refusal), "{said}\nnot: {refusal}");
    }
    assert_eq!(world.size().await, size);
    // What the office determines of a case, it determines of a party for a time.
    let proposed = propose(&world, "reviewer", party, "innovation_score", "71")
        .await
        .unwrap();
    confirm(&world, "manager", None, proposed).await.unwrap();
    let found = seen(
        &world,
        world.parties["f"],
        Fact::InnovationScore,
        "2020-06-01",
    )
    .await;
    assert_eq!(found.as_deref(), Some("71 Verified"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_is_confirmed_once_however_many_confirm_it_at_once() {
    let world = Arc::new(World::new(&[]).await);
    let party = world.parties["f"];
    let proposed = propose(&world, "reviewer", Some(party), "rating", "good")
        .await
        .unwrap();
    let racers: Vec<_> = (0..8)
        .map(|racer| {
            let who = ["manager", "manager2"][racer % 2];
            let world = world.clone();
            tokio::spawn(async move { confirm(&world, who, None, proposed).await })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        match racer.await.unwrap() {
            Ok(_) => won += 1,
            Err(FactsError::Confirmed { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won, 1);
    assert_eq!(super::statements(&world, party).await.len(), 1);
    world.check_invariants().await;
}
