//! Who counts as something by published rules, registered by two persons, and revoked by two.

use std::sync::Arc;

use subsidy_ledger::fact::{
    self, FactsError, Kind, Proposal, Recognised, RecognisedAll, Registered, Revocation,
};
use subsidy_ledger::policy::{Fact, Outcome, Raw};
use subsidy_ledger::types::{Currency, LogIndex, Name, PartyId, Period};

use super::complete::{NOBODY, NONE, import, whole};
use super::{
    days, declared, entry, evidence, options, seen, snapshot, state_as, statements, values,
};
use crate::kit::scenario::{World, day};
use crate::policy_cases::pack_text;

/// What decides on tech SMEs but for the filing and the registers.
const OF_YEAR: &str = r#"{"annual_sales":"20000000.00","rd_expense":"1040000.00","staff":50,"tech_staff":15,"total_assets":"30000000.00","total_cost":"18000000.00"}"#;
const STANDING: &str = r#"{"class1_ip":0,"class2_ip":3,"industry":"software","major_incident":false,"prohibited_products":false,"resident_enterprise":true}"#;

/// A zone with the rules of tech SMEs, without notice, and of size classes, whose registers are known as a whole, and a
/// party that counts as a tech SME.
pub(crate) async fn tech_zone() -> World {
    let rules = pack_text("tech-sme-2017");
    zone_by(&rules.replace("notice_days = 10", "notice_days = 0")).await
}

/// The same, by these rules of tech SMEs.
pub(super) async fn zone_by(rules: &str) -> World {
    let world = World::new(&[]).await;
    world.publish("TECH-SME", rules).await;
    world
        .publish("SIZE-CLASS", &pack_text("size-class-2017"))
        .await;
    let party = world.parties["f"];
    for year in [2019_i16, 2020, 2021] {
        let caller = world.caller("f", "2022-01-02", None);
        let facts = declared(party, fact::When::Year(year), OF_YEAR);
        state_as(&world, caller, facts).await.unwrap();
    }
    let standing = declared(party, days("2020-01-01", ""), STANDING);
    super::state(&world, "f", standing).await.unwrap();
    for register in ["integrity", "tech_sme", "hnte"] {
        let file = if register == "integrity" {
            NOBODY
        } else {
            NONE
        };
        import(&world, file, whole(register, "2020-01-01")).await;
    }
    let due = Proposal {
        party: None,
        fact: Fact::FilingDueOn,
        value: Fact::FilingDueOn
            .read(Raw::Text("2029-09-30"), Currency::Cny)
            .unwrap(),
        days: Period::new(day("2020-01-01"), None).unwrap(),
        evidence: vec![evidence()],
        reason: "the call for filings".parse().unwrap(),
    };
    let caller = world.caller("reviewer", "2020-01-02", None);
    let proposed = world.one(caller, due, |conn, command, due| {
        Box::pin(async move { fact::propose(conn, &command, due).await })
    });
    let proposed = proposed.await.unwrap();
    confirm(&world, "manager", proposed).await.unwrap();
    world
}

pub(crate) async fn confirm(
    world: &World,
    who: &str,
    proposed: LogIndex,
) -> Result<LogIndex, FactsError> {
    let caller = world.caller(who, "2020-06-11", None);
    let confirmed = world.one(caller, proposed, |conn, command, proposed| {
        Box::pin(async move { fact::confirm(conn, &command, *proposed).await })
    });
    confirmed.await
}

async fn try_recognise(
    world: &World,
    (who, on, key): (&str, &str, Option<&str>),
    programme: &str,
    party: PartyId,
    filing: &str,
) -> Result<Recognised, FactsError> {
    let caller = world.caller(who, on, key);
    let input = (programme.parse().unwrap(), party, values(filing));
    let recognised = world.one(caller, input, |conn, command, (programme, party, given)| {
        Box::pin(async move { fact::recognise(conn, &command, programme, *party, given).await })
    });
    recognised.await
}

fn filed(on: &str) -> String {
    format!(r#"{{"filed_on":"{on}"}}"#)
}

pub(crate) async fn recognise(world: &World, party: PartyId, on: &str) -> Recognised {
    let by = ("reviewer", on, None);
    try_recognise(world, by, "TECH-SME", party, &filed(on))
        .await
        .unwrap()
}

async fn try_register(
    world: &World,
    (who, on, key): (&str, &str, Option<&str>),
    proposed: LogIndex,
    number: Option<&str>,
) -> Result<Registered, FactsError> {
    let caller = world.caller(who, on, key);
    let number: Option<Name> = number.map(|number| number.parse().unwrap());
    let registered = world.one(
        caller,
        (proposed, number),
        |conn, command, (proposed, number)| {
            Box::pin(async move {
                fact::confirm_recognition(conn, &command, *proposed, number.as_ref()).await
            })
        },
    );
    registered.await
}

pub(crate) async fn register(world: &World, on: &str, proposed: LogIndex) -> Registered {
    try_register(world, ("manager", on, None), proposed, None)
        .await
        .unwrap()
}

async fn try_revoke(
    world: &World,
    who: &str,
    (party, register): (PartyId, &str),
    on: &str,
) -> Result<LogIndex, FactsError> {
    let caller = world.caller(who, "2020-09-01", None);
    let revocation = Revocation {
        party,
        register: register.parse().unwrap(),
        on: day(on),
        evidence: vec![evidence()],
        reason: "false figures".parse().unwrap(),
    };
    let proposed = world.one(caller, revocation, |conn, command, revocation| {
        Box::pin(async move { fact::revoke(conn, &command, revocation).await })
    });
    proposed.await
}

pub(crate) async fn revoke(world: &World, party: PartyId, on: &str) -> LogIndex {
    try_revoke(world, "reviewer", (party, "tech_sme"), on)
        .await
        .unwrap()
}

fn reasons(recognised: &Recognised) -> Vec<String> {
    let reasons = recognised.decision.reasons.iter();
    reasons.map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_recognition_takes_two_persons_and_is_seen_from_the_day_of_its_decision() {
    let world = tech_zone().await;
    let party = world.parties["f"];
    let proposed = recognise(&world, party, "2020-06-01").await;
    assert_eq!(
        proposed.decision.outcome,
        Outcome::Pass,
        "{:?}",
        proposed.decision
    );
    let (kind, details) = entry(&world, proposed.entry).await;
    assert_eq!(kind, "fact.recognition_proposed");
    assert_eq!(details["decision"]["outcome"], "pass");
    assert_eq!(details["reason"], "TECH-SME 2017-1");
    let status = |on: &'static str| {
        let world = &world;
        async move { seen(world, party, Fact::TechSmeStatus, on).await.unwrap() }
    };
    assert_eq!(status("2020-06-01").await, "none Imported");
    let sha256 = proposed.decision.facts_sha256;
    let kept = world.db.app().read(
        world.zone.id,
        (world.zone.id, sha256),
        |conn, (zone, sha256)| Box::pin(fact::store::snapshot_by_hash(conn, *zone, *sha256)),
    );
    assert_eq!(kept.await.unwrap().unwrap().sha256(), sha256);

    let all = only_two_persons_register(&world, party, &proposed).await;
    let done = a_second_person_registers(&world, &proposed, all).await;

    for (fact, on, expected) in [
        (Fact::TechSmeStatus, "2020-05-31", "none Imported"),
        (Fact::TechSmeStatus, "2020-06-01", "valid Imported"),
        (Fact::TechSmeNumberYear, "2020-06-01", "2020 Imported"),
        (Fact::TechSmeValidUntil, "2020-06-01", "2021-03-31 Imported"),
    ] {
        let found = seen(&world, party, fact, on).await;
        assert_eq!(found.as_deref(), Some(expected), "{fact} {on}");
    }
    // An old decision sees the register as it was.
    let before = snapshot(&world, party, "2020-06-20", Some(done.entry)).await;
    assert_eq!(
        before.get(Fact::TechSmeStatus).unwrap().value.to_string(),
        "none"
    );
    let stated = statements(&world, party).await;
    let last = stated.iter().find(|one| one.index == done.entry).unwrap();
    assert_eq!(last.reference, done.number);
    assert_eq!(last.proposed_index, Some(proposed.entry));
    world.check_invariants().await;
}

/// Not who may not, and not who proposed it; the entry of a second proposal, by somebody who may do both.
async fn only_two_persons_register(
    world: &World,
    party: PartyId,
    proposed: &Recognised,
) -> LogIndex {
    let by = |who| (who, "2020-06-15", None);
    for (who, refusal) in [
        ("reviewer", "needs the role manager"),
        ("clerk", "needs the role"),
    ] {
        let said = try_register(world, by(who), proposed.entry, None).await;
        let said = said.unwrap_err().to_string();
        assert!(said.contains(refusal), "{said}");
    }
    let filing = filed("2020-06-02");
    let all = try_recognise(
        world,
        ("all", "2020-06-02", None),
        "TECH-SME",
        party,
        &filing,
    );
    let all = all.await.unwrap().entry;
    let alone = try_register(world, by("all"), all, None).await;
    assert!(matches!(alone, Err(FactsError::SamePerson(_))), "{alone:?}");
    let wrong = confirm(world, "manager", proposed.entry).await;
    assert!(
        matches!(wrong, Err(FactsError::IsRecognition(_))),
        "{wrong:?}"
    );
    all
}

/// Under a key it has one effect; another proposal comes too late.
async fn a_second_person_registers(
    world: &World,
    proposed: &Recognised,
    all: LogIndex,
) -> Registered {
    let key = ("manager", "2020-06-15", Some("k"));
    let done = try_register(world, key, proposed.entry, None)
        .await
        .unwrap();
    assert_eq!(done.number.as_ref().unwrap().as_str(), "2020000000000001");
    let again = try_register(world, key, proposed.entry, None)
        .await
        .unwrap();
    assert_eq!(again, done);
    let late = ("manager2", "2020-06-15", None);
    let late = try_register(world, late, all, None).await;
    assert!(
        matches!(late, Err(FactsError::Overtaken { .. })),
        "{late:?}"
    );
    done
}

/// Measures of 2017: whose number was revoked is not registered again in that year.
#[tokio::test]
async fn who_was_revoked_comes_back_the_next_year_and_not_before() {
    let world = tech_zone().await;
    let party = world.parties["f"];
    let first = recognise(&world, party, "2020-06-01").await;
    register(&world, "2020-06-15", first.entry).await;
    for (who, register, on, refusal) in [
        ("clerk", "tech_sme", "2020-08-20", "needs the role"),
        ("reviewer", "size_class", "2020-08-20", "nothing is revoked"),
        (
            "reviewer",
            "hnte",
            "2020-08-20",
            "does not stand in the register hnte",
        ),
        (
            "reviewer",
            "tech_sme",
            "2020-05-31",
            "does not stand in the register tech_sme",
        ),
        ("reviewer", "tech_sme", "2020-09-02", "a day to come"),
    ] {
        let said = try_revoke(&world, who, (party, register), on).await;
        let said = said.unwrap_err().to_string();
        assert!(said.contains(refusal), "{said}\nnot: {refusal}");
    }
    let proposed = revoke(&world, party, "2020-08-20").await;
    let found = seen(&world, party, Fact::TechSmeStatus, "2020-09-01").await;
    assert_eq!(found.as_deref(), Some("valid Imported"));
    let wrong = try_register(&world, ("manager", "2020-09-01", None), proposed, None).await;
    assert!(
        matches!(wrong, Err(FactsError::NoRecognitionProposed(_))),
        "{wrong:?}"
    );
    let revoked = confirm(&world, "manager", proposed).await.unwrap();
    let (kind, details) = entry(&world, revoked).await;
    assert_eq!(kind, "fact.revoked");
    assert_eq!(details["reference"], "2020000000000001");
    for (fact, on, expected) in [
        (Fact::TechSmeStatus, "2020-08-19", "valid Imported"),
        (Fact::TechSmeStatus, "2020-08-20", "revoked Imported"),
        (Fact::TechSmeRevokedOn, "2020-08-20", "2020-08-20 Imported"),
    ] {
        let found = seen(&world, party, fact, on).await;
        assert_eq!(found.as_deref(), Some(expected), "{fact} {on}");
    }

    let again = recognise(&world, party, "2020-10-15").await;
    assert_eq!(again.decision.outcome, Outcome::Fail);
    assert_eq!(reasons(&again), ["REVOKED_THIS_YEAR"]);
    assert_eq!(
        entry(&world, again.entry).await.0,
        "fact.recognition_refused"
    );
    let nothing = try_register(&world, ("manager", "2020-10-16", None), again.entry, None).await;
    assert!(
        matches!(nothing, Err(FactsError::NoProposal(_))),
        "{nothing:?}"
    );

    let next = recognise(&world, party, "2021-02-01").await;
    assert_eq!(next.decision.outcome, Outcome::Pass, "{:?}", reasons(&next));
    let done = register(&world, "2021-02-20", next.entry).await;
    assert_eq!(done.number.unwrap().as_str(), "2021000000000001");
    let found = seen(&world, party, Fact::TechSmeStatus, "2021-02-01").await;
    assert_eq!(found.as_deref(), Some("valid Imported"));
    world.check_invariants().await;
}

/// A second decision of the same year must not bring back who was revoked after it.
#[tokio::test]
async fn an_older_decision_is_not_confirmed_once_the_register_says_otherwise() {
    let world = tech_zone().await;
    let party = world.parties["f"];
    let first = recognise(&world, party, "2020-06-01").await;
    let second = recognise(&world, party, "2020-06-02").await;
    register(&world, "2020-06-15", first.entry).await;
    let proposed = revoke(&world, party, "2020-08-20").await;
    confirm(&world, "manager", proposed).await.unwrap();
    let tried = try_register(&world, ("manager", "2020-09-02", None), second.entry, None).await;
    assert!(
        matches!(tried, Err(FactsError::Overtaken { .. })),
        "{tried:?}"
    );
    let late = recognise(&world, party, "2021-01-10").await;
    let tried = try_register(&world, ("manager", "2022-04-01", None), late.entry, None).await;
    assert!(
        matches!(tried, Err(FactsError::RecognitionOver { .. })),
        "{tried:?}"
    );
}

#[tokio::test]
async fn a_number_is_given_once() {
    let world = tech_zone().await;
    let f = world.parties["f"];
    let csv = "party,登记编号,from\n91000000MA0000277Y,2020000000000041,2020-05-01\n";
    super::import(
        &world,
        csv,
        options(subsidy_ledger::policy::Source::Imported, Some("tech_sme")),
    )
    .await
    .unwrap();
    let proposed = recognise(&world, f, "2020-06-01").await.entry;
    let by = ("manager", "2020-06-15", None);
    for (number, refusal) in [
        ("2020000000000041", "another party has the number"),
        ("2019000000000001", "begins with another year"),
    ] {
        let said = try_register(&world, by, proposed, Some(number)).await;
        let said = said.unwrap_err().to_string();
        assert!(said.contains(refusal), "{said}");
    }
    let done = try_register(&world, by, proposed, None).await.unwrap();
    assert_eq!(done.number.unwrap().as_str(), "2020000000000042");
    let class = try_recognise(
        &world,
        ("reviewer", "2020-06-01", None),
        "SIZE-CLASS",
        f,
        "{}",
    );
    let class = class.await.unwrap().entry;
    let said = try_register(&world, by, class, Some("1"))
        .await
        .unwrap_err();
    assert!(matches!(said, FactsError::NoNumbers(_)), "{said}");
}

/// A wrong number as high as numbers get does not end the making of numbers.
#[tokio::test]
async fn numbers_go_on_where_they_are_free() {
    let world = tech_zone().await;
    let csv = "party,登记编号,from\n91000000MA0000277Y,2020000000999999,2020-05-01\n\
        914403001922038216,2020000000000001,2020-05-01\n";
    let from_register = || options(subsidy_ledger::policy::Source::Imported, Some("tech_sme"));
    super::import(&world, csv, from_register()).await.unwrap();
    let proposed = recognise(&world, world.parties["f"], "2020-06-01")
        .await
        .entry;
    let done = register(&world, "2020-06-15", proposed).await;
    assert_eq!(done.number.unwrap().as_str(), "2020000000000002");

    // What two persons entered, no import corrects.
    let csv = "party,登记编号,from\n91000000MA00000900,2020000000000077,2020-06-01\n";
    let caller = world.caller("reviewer", "2020-06-20", None);
    let read = super::file(csv, from_register()).unwrap();
    let refused = super::import_as(&world, caller, read, fact::Corrections::Apply).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("was made by two persons"), "{refused}");
}

#[tokio::test]
async fn a_size_class_is_what_the_pack_puts_the_party_in() {
    let world = tech_zone().await;
    let party = world.parties["f"];
    let by = ("reviewer", "2020-06-01", Some("form-7"));
    let proposed = try_recognise(&world, by, "SIZE-CLASS", party, "{}")
        .await
        .unwrap();
    let facts = proposed.facts.clone().unwrap();
    assert_eq!(facts.to_text(), r#"{"size_class":"small"}"#);
    let size = world.size().await;
    let again = try_recognise(&world, by, "SIZE-CLASS", party, "{}")
        .await
        .unwrap();
    assert_eq!(again, proposed);
    let conflict = try_recognise(&world, by, "TECH-SME", party, "{}").await;
    assert!(
        matches!(conflict, Err(FactsError::Recall(_))),
        "{conflict:?}"
    );
    assert_eq!(world.size().await, size);
    let done = register(&world, "2020-06-02", proposed.entry).await;
    assert_eq!(done.number, None);
    let found = seen(&world, party, Fact::SizeClass, "2020-06-01").await;
    assert_eq!(found.as_deref(), Some("small Imported"));
    assert_eq!(
        seen(&world, party, Fact::SizeClass, "2020-05-31").await,
        None
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn what_is_no_recognition_is_refused() {
    let world = tech_zone().await;
    let party = world.parties["f"];
    let size = world.size().await;
    for (who, programme, party, filing, refusal) in [
        (
            "manager",
            "TECH-SME",
            party,
            "{}",
            "needs the role reviewer",
        ),
        ("reviewer", "SH-VOUCHER", party, "{}", "recognises nobody"),
        ("reviewer", "HNTE", party, "{}", "no version in force"),
        (
            "reviewer",
            "TECH-SME",
            PartyId::generate(),
            "{}",
            "there is no party",
        ),
        (
            "reviewer",
            "TECH-SME",
            party,
            r#"{"staff":3}"#,
            "is not said with a filing",
        ),
        (
            "reviewer",
            "TECH-SME",
            party,
            r#"{"tech_sme_status":"none"}"#,
            "is not said with a filing",
        ),
        (
            "reviewer",
            "TECH-SME",
            party,
            r#"{"filed_on":"2020-06-02"}"#,
            "filed_on is 2020-06-02, a day to come",
        ),
    ] {
        let by = (who, "2020-06-01", None);
        let said = try_recognise(&world, by, programme, party, filing).await;
        let said = said.unwrap_err().to_string();
        assert!(said.contains(refusal), "{said}\nnot: {refusal}");
    }
    assert_eq!(world.size().await, size);
}

async fn run(world: &World, on: &str, after: Option<PartyId>, limit: u16) -> RecognisedAll {
    run_since(world, on, None, after, limit).await
}

async fn run_since(
    world: &World,
    on: &str,
    since: Option<&str>,
    after: Option<PartyId>,
    limit: u16,
) -> RecognisedAll {
    let caller = world.caller("reviewer", on, None);
    let programme = "SIZE-CLASS".parse().unwrap();
    let input = (programme, values("{}"), since.map(day), after, limit);
    let done = world.one(
        caller,
        input,
        |conn, command, (programme, given, since, after, limit)| {
            let (since, after, limit) = (*since, *after, *limit);
            Box::pin(async move {
                fact::recognise_next(conn, &command, programme, given, since, after, limit).await
            })
        },
    );
    done.await.unwrap()
}

/// Batches go on where the one before ended, or where an interrupted run did; nobody is decided on twice a day.
#[tokio::test]
async fn every_party_of_a_zone_is_decided_on_once() {
    let world = tech_zone().await;
    let first = run(&world, "2020-06-01", None, 2).await;
    assert_eq!(
        (first.decided, first.proposed, first.needs_review),
        (2, 1, 1)
    );
    // Interrupted here, and begun again.
    let rest = run(&world, "2020-06-01", None, 2).await;
    assert_eq!((rest.decided, rest.needs_review), (1, 1));
    let none = run(&world, "2020-06-01", rest.last, 2).await;
    assert_eq!((none.decided, none.last), (0, None));
    // A run that began yesterday has nobody left; on another day whoever waits for a confirmation is left out.
    let since = Some("2020-06-01");
    let none = run_since(&world, "2020-06-02", since, None, 10).await;
    assert_eq!(none.decided, 0);
    assert_eq!(run(&world, "2020-06-02", None, 10).await.decided, 2);
    world.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_run_on_however_many_confirm_at_once() {
    let world = Arc::new(tech_zone().await);
    let (f, g) = (world.parties["f"], world.parties["g"]);
    state_as(
        &world,
        world.caller("g", "2020-06-01", None),
        declared(g, fact::When::Year(2019), OF_YEAR),
    )
    .await
    .unwrap();
    super::state(&world, "g", declared(g, days("2020-01-01", ""), STANDING))
        .await
        .unwrap();
    let mut racers = Vec::new();
    for party in [f, g] {
        let proposed = recognise(&world, party, "2020-06-01").await.entry;
        for who in ["manager", "manager2"] {
            let world = world.clone();
            racers.push(tokio::spawn(async move {
                try_register(&world, (who, "2020-06-15", None), proposed, None).await
            }));
        }
    }
    let mut numbers = Vec::new();
    for racer in racers {
        match racer.await.unwrap() {
            Ok(done) => numbers.push(done.number.unwrap().to_string()),
            Err(FactsError::Confirmed { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    numbers.sort();
    assert_eq!(numbers, ["2020000000000001", "2020000000000002"]);
    world.check_invariants().await;
}

#[tokio::test]
async fn what_waits_is_listed_with_its_kind() {
    let world = tech_zone().await;
    let party = world.parties["f"];
    let proposed = recognise(&world, party, "2020-06-01").await;
    let filter = fact::store::DeterminationFilter {
        open: true,
        party: Some(party),
        after: None,
        limit: 10,
    };
    let listed = world.db.app().read(
        world.zone.id,
        (world.zone.clone(), filter),
        |conn, (zone, filter)| Box::pin(fact::store::determinations(conn, zone, filter)),
    );
    let listed = listed.await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].kind, Kind::Recognition);
    assert_eq!(listed[0].proposed_index, proposed.entry);
    assert_eq!(listed[0].evidence, [proposed.decision.facts_sha256]);
}
