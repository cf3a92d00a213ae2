//! Audit work: samples drawn again from their entries, lists with a hit and a near miss each, and everything on one case.

use std::path::Path;

use subsidy_ledger::audit::{
    self, AuditError, Bounds, CaseName, DrawSample, Drawn, Exception, ExceptionKind, Extent, Page,
    Settings, Share,
};
use subsidy_ledger::cli::audit::{Lang, case_text};
use subsidy_ledger::identity::Role;
use subsidy_ledger::party::{Identity, NewParty, PartyRole};
use subsidy_ledger::payment::{PayableFilter, PayableState};
use subsidy_ledger::policy::Sha256;
use subsidy_ledger::types::{FiscalYear, LogIndex, Money, PartyId};
use subsidy_ledger::zone::{self, NewPerson, ZoneError};
use subsidy_ledger::{db, log};

use crate::claim::{Claims, set_levels};
use crate::kit::command::{json, refusal, text};
use crate::kit::scenario::{World, yuan};
use crate::kit::table::Play;
use crate::payment::{approve, approve_all, hear, paid, send, three_owed};
use crate::recovery::Recoveries;

/// Of 2020, with strata from 15,000 and, all of it, from 25,000 yuan.
fn asked() -> DrawSample {
    DrawSample {
        bounds: Bounds::new(vec![yuan(15_000)], Some(yuan(25_000))).unwrap(),
        extent: Extent::Share(Share::FIVE_PERCENT),
        programme: None,
        seed: None,
        size: None,
        year: FiscalYear(2020),
    }
}

async fn draw(
    world: &World,
    who: &str,
    key: Option<&str>,
    input: DrawSample,
) -> Result<LogIndex, AuditError> {
    let caller = world.caller(who, "2020-12-01", key);
    let drawn = world.one(caller, input, |conn, command, input| {
        Box::pin(async move { audit::draw(conn, &command, input).await })
    });
    Ok(drawn.await?.index)
}

async fn sample(world: &World, index: LogIndex) -> Result<Drawn, AuditError> {
    let zone = &world.zone;
    let read = world
        .db
        .app()
        .read(zone.id, (zone.clone(), index), |conn, (zone, index)| {
            Box::pin(audit::sample(conn, zone, *index))
        });
    read.await
}

fn names(drawn: &Drawn) -> Vec<String> {
    let picked = drawn.picked.iter();
    picked.map(|one| one.pick.item.name()).collect()
}

#[tokio::test]
async fn a_sample_is_drawn_again_from_its_entry() {
    let (world, _) = three_owed().await;
    let size = world.size().await;
    let index = draw(&world, "auditor", Some("k"), asked()).await.unwrap();
    assert_eq!(index.0, size);
    assert_eq!(
        draw(&world, "auditor", Some("k"), asked()).await.unwrap(),
        index
    );
    assert_eq!(world.size().await, size + 1);

    let drawn = sample(&world, index).await.unwrap();
    let plan = &drawn.draw.plan;
    assert_eq!((plan.size, plan.cases(), plan.drawn()), (size, 3, 3));
    assert_eq!(drawn.differs, Vec::<&str>::new());
    let strata: Vec<(usize, usize, bool)> = plan
        .strata
        .iter()
        .map(|stratum| (stratum.cases, stratum.drawn, stratum.every))
        .collect();
    assert_eq!(strata, [(1, 1, false), (1, 1, false), (1, 1, true)]);
    let found: Vec<&str> = drawn.picked.iter().map(|one| one.case.as_str()).collect();
    assert!(found.iter().all(|case| case.starts_with('H')), "{found:?}");

    // The seed is the root of the log that ends with the draw, and stays it.
    let zone = world.zone.id;
    let root = async |size: i64| {
        let size = u64::try_from(size).unwrap();
        let read = world
            .db
            .app()
            .read(zone, (zone, size), |conn, (zone, size)| {
                Box::pin(log::store::root_at(conn, *zone, *size))
            });
        read.await.unwrap().to_string()
    };
    assert_eq!(drawn.seed, root(size + 1).await);
    let again = draw(&world, "auditor", None, asked()).await.unwrap();
    assert_eq!(sample(&world, index).await.unwrap(), drawn);
    let other = sample(&world, again).await.unwrap();
    assert_ne!(other.seed, drawn.seed);
    assert_eq!(
        other.draw.plan.population_sha256,
        drawn.draw.plan.population_sha256
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn what_can_not_be_drawn_is_refused() {
    let (world, ids) = three_owed().await;
    for who in ["manager", "finance", "f", "system"] {
        let refused = draw(&world, who, None, asked()).await.unwrap_err();
        assert!(matches!(refused, AuditError::Forbidden(_)), "{refused}");
    }
    let year = DrawSample {
        year: FiscalYear(2019),
        ..asked()
    };
    let refused = draw(&world, "auditor", None, year).await.unwrap_err();
    assert!(matches!(refused, AuditError::Empty { .. }), "{refused}");
    let programme = DrawSample {
        programme: Some("NONE".parse().unwrap()),
        ..asked()
    };
    let refused = draw(&world, "auditor", None, programme).await.unwrap_err();
    assert!(matches!(refused, AuditError::Programme(_)), "{refused}");
    let size = DrawSample {
        size: Some(world.size().await + 1),
        ..asked()
    };
    let refused = draw(&world, "auditor", None, size).await.unwrap_err();
    assert!(matches!(refused, AuditError::Beyond { .. }), "{refused}");
    let one = DrawSample {
        extent: Extent::Number(1),
        ..asked()
    };
    let refused = draw(&world, "auditor", None, one).await.unwrap_err();
    assert!(matches!(refused, AuditError::TooFew(_)), "{refused}");
    let none = sample(&world, LogIndex(0)).await.unwrap_err();
    assert!(matches!(none, AuditError::NoDraw(_)), "{none}");

    // Of the past: when only the first two were owed.
    let payables = world.payables(PayableState::Owed).await;
    let last = payables.iter().find(|one| one.id == ids[2]).unwrap();
    let past = DrawSample {
        seed: Some("a text".parse().unwrap()),
        size: Some(last.owed_index.0),
        ..asked()
    };
    let past = draw(&world, "auditor", None, past).await.unwrap();
    let drawn = sample(&world, past).await.unwrap();
    assert_eq!((drawn.seed.as_str(), names(&drawn).len()), ("a text", 2));

    // A row that was tampered with is no longer the population of then.
    let mut superuser = world.db.superuser().await;
    for statement in [
        "ALTER TABLE ledger.payable DISABLE TRIGGER USER",
        "UPDATE ledger.payable SET amount = amount + 1",
    ] {
        crate::kit::run(&mut superuser, statement).await;
    }
    let differs = sample(&world, past).await.unwrap().differs;
    assert_eq!(differs, ["population", "strata"]);
}

/// A list, each item as what its cases have in common and their names.
async fn list(
    world: &World,
    kind: ExceptionKind,
    settings: Settings,
    page: Page,
) -> Vec<(String, Vec<String>)> {
    let input = (world.zone.clone(), settings, page);
    let read = world
        .db
        .app()
        .read(world.zone.id, input, move |conn, (zone, settings, page)| {
            Box::pin(audit::exceptions(conn, zone, kind, *settings, *page))
        });
    let items: Result<Vec<Exception>, sqlx::Error> = read.await;
    let items = items.unwrap();
    items
        .into_iter()
        .map(|item| {
            let cases = item.cases.into_iter();
            (item.what, cases.map(|case| case.name).collect())
        })
        .collect()
}

const fn settings(days: u16, threshold: Option<Money>) -> Settings {
    Settings {
        days,
        percent: 10,
        threshold,
    }
}

const ALL: Page = Page {
    after: None,
    limit: 100,
};

async fn found(world: &World, kind: ExceptionKind) -> Vec<(String, Vec<String>)> {
    list(world, kind, settings(30, None), ALL).await
}

/// Short names of the orders of a play.
async fn orders(play: &Play, names: &[&str]) -> Vec<String> {
    let mut superuser = play.world.db.superuser().await;
    let mut orders = Vec::new();
    for name in names {
        let index: i64 =
            sqlx::query_scalar("SELECT held_index FROM ledger.hold WHERE hold_id = $1")
                .bind(play.hold(name).0)
                .fetch_one(&mut superuser)
                .await
                .unwrap();
        orders.push(format!("H{index}"));
    }
    orders
}

const GRANTED: &str = "day       | who      | command    | outcome
    2020-05-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
    2020-05-02 | reviewer | review a   | recommended 100000.00
    2020-05-03 | manager  | issue a    | issued 100000.00 last_day=2020-12-31
    2020-05-04 | f        | hold h a p 20000.00 | held 10000.00 own_share=10000.00
    2020-05-04 | f        | hold i a p 40000.00 | held 20000.00 own_share=20000.00
    2020-05-04 | f        | hold j a p 20000.00 | held 10000.00 own_share=10000.00";

#[tokio::test]
async fn one_document_under_two_cases_is_listed() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(GRANTED).await;
    for (name, price, documents) in [
        ("h", "20000.00", [&b"invoice"[..], b"one"]),
        ("i", "40000.00", [b"invoice", b"two"]),
        ("j", "20000.00", [b"other", b"three"]),
    ] {
        let step = crate::evidence::redeem(play.hold(name), price, &documents);
        let caller = play.world.caller("p", "2020-05-05", None);
        play.world.give(caller, step).await.unwrap();
    }
    let what = format!("document {}", Sha256::of(b"invoice"));
    let listed = found(&play.world, ExceptionKind::DuplicateDocuments).await;
    assert_eq!(listed, [(what, orders(&play, &["h", "i"]).await)]);
    let at_once = Page {
        after: Some(LogIndex(play.world.size().await)),
        limit: 1,
    };
    let kind = ExceptionKind::DuplicateDocuments;
    assert!(
        list(&play.world, kind, settings(30, None), at_once)
            .await
            .is_empty()
    );
}

/// What a claim of 100,000 yuan, or another sum, of rent that was waived says; half of it is given.
fn waived(amount: &str, reference: &str) -> String {
    format!(
        "relief_kind=waiver waived_amount={amount}@{reference} tenant_confirmed={amount} landlord_relief=0.00"
    )
}

#[tokio::test]
async fn one_reference_in_two_claims_is_listed() {
    let mut claims = Claims::new(1_000_000).await;
    let (one, two) = (waived("1000.00", "lease-1"), waived("1000.00", "lease-2"));
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-06-01 | f        | draft a RENT-HALF f {one} docs | drafted version=1
            2020-06-01 | g        | draft b RENT-HALF g {one} docs | drafted version=1
            2020-06-01 | g        | draft c RENT-HALF g {two} docs | drafted version=1
            2020-06-01 | f        | draft d RENT-HALF f {two} docs | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 500.00 version=1
            2020-06-01 | g        | submit b   | submitted pass 500.00 version=1
            2020-06-01 | g        | submit c   | submitted pass 500.00 version=1",
        ))
        .await;
    // Claim d is a draft, so lease-2 is claimed once. Their documents are the same too.
    let listed = found(&claims.world, ExceptionKind::DuplicateDocuments).await;
    let listed: Vec<(&str, usize)> = listed
        .iter()
        .filter(|(what, _)| what.starts_with("reference "))
        .map(|(what, cases)| (what.as_str(), cases.len()))
        .collect();
    assert_eq!(listed, [("reference lease-1 of waived_amount", 2)]);
}

#[tokio::test]
async fn one_account_under_two_parties_is_listed() {
    let world = World::new(&[]).await;
    for (party, number) in [
        ("f", "6222021001100001"),
        ("g", "6222021001100001"),
        ("p", "6222021001100002"),
    ] {
        let party = Some(world.parties[party]);
        world
            .propose_account("finance", party, number)
            .await
            .unwrap();
    }
    // Proposed again for the same party, it is still under one.
    let party = Some(world.parties["p"]);
    world
        .propose_account("finance", party, "6222021001100002")
        .await
        .unwrap();
    let listed = found(&world, ExceptionKind::SharedAccounts).await;
    let [(what, accounts)] = &listed[..] else {
        panic!("{listed:?}");
    };
    assert_eq!((what.as_str(), accounts.len()), ("account …0001", 2));
    // The zone's own counts as one more.
    world
        .propose_account("finance", None, "6222021001100002")
        .await
        .unwrap();
    let listed = found(&world, ExceptionKind::SharedAccounts).await;
    assert_eq!(listed.len(), 2);
    let first = Page {
        after: None,
        limit: 1,
    };
    let kind = ExceptionKind::SharedAccounts;
    let page = list(&world, kind, settings(30, None), first).await;
    assert_eq!(page, listed[..1]);
}

#[tokio::test]
async fn buyer_and_provider_that_belong_together_are_listed() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    let other = play
        .world
        .register("Other", "91350100M000100Y43", PartyRole::Provider)
        .await;
    play.world.parties.insert("q", other);
    play.check(GRANTED).await;
    play.check(
        "day       | who      | command    | outcome
        2020-05-04 | f        | hold k a q 20000.00 | held 10000.00 own_share=10000.00
        2020-05-05 | f        | release i | released 20000.00",
    )
    .await;
    let kind = ExceptionKind::RelatedParties;
    assert!(found(&play.world, kind).await.is_empty());
    // In one group, but only one of the two.
    play.world.group("f", Some("Holding"), "2020-05-06").await;
    play.world.group("g", Some("Holding"), "2020-05-06").await;
    assert!(found(&play.world, kind).await.is_empty());
    play.world.group("p", Some("Holding"), "2020-05-06").await;
    let group = "one controller group: Holding".to_owned();
    let told = |what: &str, order: &str| (what.to_owned(), vec![order.to_owned()]);
    let names = orders(&play, &["h", "j", "k"]).await;
    let expected = [told(&group, &names[0]), told(&group, &names[1])];
    assert_eq!(found(&play.world, kind).await, expected);
    // A person of the firm and one of the other provider have one name.
    play.world.enrol("q", &[Role::Provider], Some(other)).await;
    let mut superuser = play.world.db.superuser().await;
    crate::kit::run(
        &mut superuser,
        "UPDATE ledger.person SET name = 'f' WHERE login = 'q'",
    )
    .await;
    let listed = found(&play.world, kind).await;
    assert_eq!(
        listed[2],
        told("persons of one name: f and q", &names[2]),
        "{listed:?}"
    );
    assert_eq!(listed.len(), 3);
}

#[tokio::test]
async fn claims_just_under_a_level_of_approval_are_listed() {
    let mut claims = Claims::new(1_000_000).await;
    set_levels(&claims.world, &["0.00=manager", "10000.00=manager,finance"]).await;
    let draft = |name: &str, on: &str, who: &str, amount: &str, half: &str| {
        format!(
            "{on} | {who} | draft {name} RENT-HALF {who} {} docs | drafted version=1
            {on} | {who} | submit {name} | submitted pass {half} version=1
            {on} | reviewer | review {name} recommend | recommended {half}
            ",
            waived(amount, name)
        )
    };
    let rows = [
        draft("a", "2020-06-01", "f", "19000.00", "9500.00"),
        draft("b", "2020-06-20", "f", "18000.00", "9000.00"),
        // Too far under, too late, of another, and not under.
        draft("c", "2020-06-21", "f", "17999.98", "8999.99"),
        draft("d", "2020-07-21", "f", "19000.00", "9500.00"),
        draft("e", "2020-07-21", "g", "19000.00", "9500.00"),
        draft("h", "2020-07-22", "g", "20000.00", "10000.00"),
    ];
    let table = format!("day | who | command | outcome\n{}", rows.concat());
    claims.check(&table).await;
    let listed = found(&claims.world, ExceptionKind::Splits).await;
    let [(what, cases)] = &listed[..] else {
        panic!("{listed:?}");
    };
    assert_eq!(what, "each just under 10,000.00, together more");
    assert_eq!(cases.len(), 2, "{cases:?}");
    let longer = list(
        &claims.world,
        ExceptionKind::Splits,
        settings(31, None),
        ALL,
    );
    assert_eq!(longer.await[0].1.len(), 3);
    // Under another threshold the two of g are near each other.
    let threshold = Some(yuan(10_500).money());
    let other = list(
        &claims.world,
        ExceptionKind::Splits,
        settings(3, threshold),
        ALL,
    );
    let other = other.await;
    assert_eq!(other.len(), 1, "{other:?}");
}

#[tokio::test]
async fn two_parties_that_buy_from_each_other_are_listed() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    for (login, code) in [("x", "91350100M000100Y43"), ("y", "91000000MA0000300P")] {
        let both = NewParty {
            identity: Identity::Uscc(code.parse().unwrap()),
            name: login.parse().unwrap(),
            roles: [PartyRole::Enterprise, PartyRole::Provider].into(),
            group: None,
        };
        let party = play.world.try_register("manager", both).await.unwrap();
        play.world.parties.insert(login, party);
        play.world
            .enrol(login, &[Role::Sme, Role::Provider], Some(party))
            .await;
    }
    let granted = |name: &str, party: &str| {
        format!(
            "2020-05-01 | clerk    | apply {name} SH {party} applicant_kind=enterprise service_price=200000.00 | pass 100000.00
            2020-05-02 | reviewer | review {name} | recommended 100000.00
            2020-05-03 | manager  | issue {name} | issued 100000.00 last_day=2020-12-31
            "
        )
    };
    let bought = |hold: &str, voucher: &str, buyer: &str, provider: &str, on: &str| {
        format!(
            "{on} | {buyer} | hold {hold} {voucher} {provider} 20000.00 | held 10000.00 own_share=10000.00
            {on} | {provider} | redeem {hold} 20000.00 | redeemed 10000.00 own_share=10000.00 payee={provider} returned=0.00
            "
        )
    };
    let rows = [
        granted("a", "x"),
        granted("b", "y"),
        bought("h", "a", "x", "y", "2020-06-01"),
        bought("i", "a", "x", "p", "2020-06-02"),
        bought("j", "b", "y", "x", "2020-07-01"),
        bought("k", "b", "y", "x", "2020-07-02"),
    ];
    play.check(&format!("day | who | command | outcome\n{}", rows.concat()))
        .await;
    let listed = found(&play.world, ExceptionKind::RoundTrips).await;
    let what = "two parties buy from each other".to_owned();
    assert_eq!(listed, [(what.clone(), orders(&play, &["h", "j"]).await)]);
    let kind = ExceptionKind::RoundTrips;
    let longer = list(&play.world, kind, settings(31, None), ALL).await;
    let later = (what, orders(&play, &["h", "k"]).await);
    assert_eq!((longer.len(), &longer[1]), (2, &later));
}

/// Enrols a person by another than the service.
async fn enrol_by(
    world: &mut World,
    who: &str,
    login: &'static str,
    (roles, party): (&[Role], Option<PartyId>),
) -> Result<(), ZoneError> {
    let new = NewPerson {
        login: login.parse().unwrap(),
        name: login.parse().unwrap(),
        party,
        roles: roles.iter().copied().collect(),
    };
    let caller = world.caller(who, "2020-01-02", None);
    let enrolled = world.one(caller, new, |conn, command, new| {
        Box::pin(async move { zone::enrol(conn, &command, new.clone()).await })
    });
    let (actor, _) = enrolled.await?;
    world.people.insert(login, actor);
    Ok(())
}

#[tokio::test]
async fn several_duties_in_one_hand_and_persons_of_ones_own_are_listed() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    let firm = play.world.parties["f"];
    for (login, role, party) in [
        ("aide", Role::Reviewer, None),
        ("payer", Role::Finance, None),
        ("f2", Role::Sme, Some(firm)),
    ] {
        enrol_by(&mut play.world, "manager", login, (&[role], party))
            .await
            .unwrap();
    }
    let row = |name: &str, applicant: &str, reviewer: &str, approver: &str| {
        format!(
            "2020-05-01 | {applicant} | apply {name} SH f applicant_kind=enterprise service_price=20000.00 | pass 10000.00
            2020-05-02 | {reviewer} | review {name} | recommended 10000.00
            2020-05-03 | {approver} | issue {name} | issued 10000.00 last_day=2020-12-31
            "
        )
    };
    // Reviewed and issued by two who know each other, then by others; a party's own person applies.
    let rows = [
        row("a", "clerk", "aide", "manager"),
        row("b", "clerk", "aide", "manager2"),
        row("c", "f2", "reviewer", "manager"),
        "2020-05-04 | f | hold h a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-05 | p | redeem h 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00"
            .to_owned(),
    ];
    play.check(&format!("day | who | command | outcome\n{}", rows.concat()))
        .await;
    let kind = ExceptionKind::ConflictingRoles;
    let mut superuser = play.world.db.superuser().await;
    let voucher: String = sqlx::query_scalar(
        "SELECT 'V' || issued_index FROM ledger.voucher ORDER BY issued_index LIMIT 1",
    )
    .fetch_one(&mut superuser)
    .await
    .unwrap();
    let item = |what: &str, case: &str| (what.to_owned(), vec![case.to_owned()]);
    let all =
        "duties in one hand: auditor, cashier, finance, manager, of a party, reviewer, rule_admin";
    let expected = [
        item(all, "all"),
        item("manager enrolled aide, and both acted", &voucher),
    ];
    assert_eq!(found(&play.world, kind).await, expected);
    // What is done with the payment is done with the voucher.
    let owed = PayableFilter::State(PayableState::Owed, 10);
    approve(&play.world, "payer", owed).await.unwrap();
    let listed = found(&play.world, kind).await;
    assert_eq!(listed[..2], expected);
    assert_eq!(
        listed[2..],
        [item("manager enrolled payer, and both acted", &voucher)]
    );
    let first = Page {
        after: None,
        limit: 1,
    };
    let page = list(&play.world, kind, settings(30, None), first).await;
    assert_eq!(page, expected[..1]);
}

/// Nobody acts as the service itself: neither by the program, nor by a row.
#[tokio::test]
async fn nobody_is_enrolled_as_the_service() {
    let mut play = Play::new(&[]).await;
    let size = play.world.size().await;
    for roles in [&[Role::System][..], &[Role::Manager, Role::System]] {
        let refused = enrol_by(&mut play.world, "manager", "ghost", (roles, None)).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, ZoneError::SystemRole), "{refused}");
    }
    assert_eq!(play.world.size().await, size);
    let mut superuser = play.world.db.superuser().await;
    let row = sqlx::query(
        "INSERT INTO ledger.person_role (zone_id, person_id, role, granted_at)
         SELECT zone_id, person_id, 'system', now() FROM ledger.person WHERE login = 'manager'",
    );
    let error = row.execute(&mut superuser).await.unwrap_err();
    assert_eq!(
        db::violated_constraint(&error),
        Some("person_role_system_once")
    );
}

/// The text of a case, with what is another in each run by its kind.
async fn told(world: &World, name: CaseName) -> String {
    let input = (world.zone.clone(), name);
    let read = world
        .db
        .app()
        .read(world.zone.id, input, |conn, (zone, name)| {
            Box::pin(audit::case(conn, zone, *name))
        });
    let found: Result<_, AuditError> = read.await;
    let case = found.unwrap().expect("the case is known");
    without_chance(&case_text(&case, &world.zone, Lang::En))
}

/// Ids and hashes by what they are.
fn without_chance(text: &str) -> String {
    let mut clean = String::new();
    let is_inside = |character: char| character.is_ascii_hexdigit() || character == '-';
    for piece in text.split_inclusive(|character| !is_inside(character)) {
        let word = piece.trim_end_matches(|character| !is_inside(character));
        let kind = match (word.len(), word.matches('-').count()) {
            (36, 4) => "<id>",
            (64, 0) => "<sha256>",
            _ => word,
        };
        clean.push_str(kind);
        clean.push_str(&piece[word.len()..]);
    }
    clean
}

#[tokio::test]
async fn everything_on_a_voucher_is_told() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(GRANTED).await;
    let step = crate::evidence::redeem(play.hold("h"), "20000.00", &[b"invoice"]);
    let caller = play.world.caller("p", "2020-05-05", None);
    play.world.give(caller, step).await.unwrap();
    let step = crate::evidence::redeem(play.hold("i"), "40000.00", &[b"invoice"]);
    let caller = play.world.caller("p", "2020-05-06", None);
    play.world.give(caller, step).await.unwrap();
    approve_all(&play.world).await;
    let batch = send(&play.world, "cashier", "2020-05-07").await.unwrap();
    let rows = [paid(&batch, 0, "2020-05-08")];
    hear(&play.world, "cashier", "2020-05-09", &rows)
        .await
        .unwrap();
    let order = orders(&play, &["h"]).await.remove(0);
    let text = told(&play.world, order.parse().unwrap()).await;
    insta::assert_snapshot!(text);
}

/// What was asked back of a payment stands with its case, by whatever name it is called; so does what was set off against it.
#[tokio::test]
async fn money_back_is_told_with_the_case_that_was_paid() {
    let mut recoveries = Recoveries::new().await;
    recoveries
        .check(
            "day       | who      | command    | outcome
            2020-06-11 | reviewer | propose a i overpaid service_price=36000.00 | proposed 2000.00 paid=20000.00 rightful=18000.00
            2020-06-12 | manager  | order a    | ordered 2000.00 due_on=2020-07-12
            2020-06-13 | cashier  | receive a 4 | received 500.00 open=1500.00 returned_to=B30
            2020-06-14 | finance2 | offset a j 1500.00 | offset 1500.00 open=0.00 rest=28500.00 returned_to=B30",
        )
        .await;
    let world = &recoveries.world;
    let mut superuser = world.db.superuser().await;
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT 'Z' || proposed_index FROM ledger.recovery
         UNION ALL SELECT 'D' || owed_index FROM ledger.payable WHERE amount IN (2000000, 3000000) ORDER BY 1 DESC",
    )
    .fetch_all(&mut superuser)
    .await
    .unwrap();
    assert_eq!(names.len(), 3);
    let mut cases = Vec::new();
    for name in &names {
        cases.push(told(world, name.parse().unwrap()).await);
    }
    // What is paid of one voucher is one case.
    let kinds = ["proposed", "ordered", "received", "offset"];
    for (name, text) in names.iter().zip(&cases) {
        for kind in kinds {
            assert!(
                text.contains(&format!("recovery {kind}")),
                "{name}: {kind}\n{text}"
            );
        }
    }
}

#[tokio::test]
async fn everything_on_a_claim_is_told() {
    let mut claims = Claims::new(1_000_000).await;
    let relief = "relief_kind=waiver waiver_from=2020-02-01 waiver_until=2020-07-31";
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-09-01 | f        | draft a SHAANXI-RENT f {relief} waived_amount=38000.00@lease-1 docs | drafted version=1
            2020-09-02 | f        | submit a   | submitted pass 3800.00 version=1
            2020-09-07 | reviewer | review a silent | recommended 3800.00
            2020-09-07 | manager  | approve a  | refused NOTICE_REQUIRED
            2020-09-28 | reviewer | notice SHAANXI-RENT | published 1 last_day=2020-10-12 total=3800.00
            2020-10-13 | manager  | approve a  | approved 3800.00 level=1 role=manager",
        ))
        .await;
    let mut superuser = claims.world.db.superuser().await;
    let name: String = sqlx::query_scalar("SELECT 'C' || drafted_index FROM ledger.claim")
        .fetch_one(&mut superuser)
        .await
        .unwrap();
    let text = told(&claims.world, name.parse().unwrap()).await;
    insta::assert_snapshot!(text);
}

/// On the demonstration's books, by the program itself.
pub(crate) fn commands(data: &Path) {
    let drawn = json(
        data,
        &["audit", "sample", "--year", "2020", "--as", "auditor"],
    );
    assert_eq!(drawn["agrees"], true);
    let entry = drawn["entry"].to_string();
    assert_eq!(json(data, &["audit", "sample", "show", &entry]), drawn);
    let picks = drawn["picks"].as_array().unwrap();
    let table = text(data, &["audit", "sample", "show", &entry, "--csv"]);
    assert_eq!(table.lines().count(), picks.len() + 1);
    let listed = json(data, &["audit", "samples"]);
    let last = listed.as_array().unwrap().last().unwrap();
    assert_eq!(last["entry"], drawn["entry"]);
    let (_, refused) = refusal(
        data,
        &["audit", "sample", "--year", "2020", "--as", "manager"],
    );
    assert!(refused.contains("needs the role auditor"), "{refused}");

    let lists = json(data, &["audit", "exceptions"]);
    assert_eq!(lists.as_object().unwrap().len(), 6);
    let csv = text(data, &["audit", "exceptions", "splits", "--csv"]);
    assert!(csv.starts_with("list,entry,what,case"), "{csv}");

    let case = picks[0]["case"].as_str().unwrap();
    let folder = data.join("proofs");
    let folder = folder.to_str().unwrap();
    let told = json(data, &["audit", "case", case, "--proofs", folder]);
    let entries = told["case"]["entries"].as_array().unwrap();
    assert_eq!(told["proofs"], entries.len());
    let vkey = data.join("keys/DEMO.vkey");
    let index = &entries[0]["index"];
    let proof = format!("{folder}/{index}.tlog-proof");
    let verified = json(
        data,
        &[
            "receipt",
            "verify",
            &proof,
            "--vkey",
            vkey.to_str().unwrap(),
        ],
    );
    assert_eq!(&verified["index"], index);
    assert!(text(data, &["verify"]).contains("verified"));
}
