//! Files of facts, and of registers.

use std::fmt::Write as _;
use std::sync::Arc;

use subsidy_ledger::fact::store::Listed;
use subsidy_ledger::fact::{self, Corrections, FactsError, FileOptions, ImportReport};
use subsidy_ledger::party::{self, Identity, NewParty, PartyRole};
use subsidy_ledger::policy::{Fact, Source};
use subsidy_ledger::types::LogIndex;

use super::{TODAY, entry, evidence, file, import, import_as, options, seen, snapshot, statements};
use crate::kit::scenario::{World, day};

fn declared() -> FileOptions {
    options(Source::Declared, None)
}

fn errors(result: Result<ImportReport, FactsError>) -> Vec<String> {
    match result {
        Err(FactsError::Rows(errors)) => errors.kept().iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

const FILE: &str = "统一社会信用代码,年度,年销售收入,职工总数,from,所属行业\n\
    91000000MA00000900,2019,1200000,9,2019-05-01,软件和信息技术服务业\n\
    91000000MA00000900,2018,900000.5,8,,\n\
    91000000MA0000277Y,,,,2018-01-01,retail\n";

#[tokio::test]
async fn a_row_states_facts_of_a_year_and_facts_that_stand() {
    let world = World::new(&[]).await;
    let report = import(&world, FILE, declared()).await.unwrap();
    let counts = (
        report.rows,
        report.stated,
        report.corrected,
        report.unchanged,
    );
    assert_eq!(counts, (3, 4, 0, 0));
    let (first, last) = report.entries.unwrap();
    assert_eq!(
        (last.0 - first.0, report.entry),
        (3, Some(LogIndex(last.0 + 1)))
    );
    let (kind, details) = entry(&world, report.entry.unwrap()).await;
    assert_eq!(
        (kind.as_str(), &details["report"]["stated"]),
        ("fact.file_imported", &4.into())
    );
    let party = world.parties["f"];
    for (fact, on, expected) in [
        (Fact::AnnualSales, "2020-06-01", "1,200,000.00 Declared"),
        (Fact::AnnualSales, "2019-06-01", "900,000.50 Declared"),
        (Fact::Staff, "2020-06-01", "9 Declared"),
        (Fact::Industry, "2020-06-01", "software Declared"),
    ] {
        let found = seen(&world, party, fact, on).await;
        assert_eq!(found.as_deref(), Some(expected), "{fact} {on}");
    }
    let size = world.size().await;
    let again = import(&world, FILE, declared()).await.unwrap();
    assert_eq!((again.stated, again.unchanged, again.entry), (0, 4, None));
    assert_eq!(
        world.size().await,
        size,
        "the same file again changes nothing"
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once_and_nothing_is_imported() {
    let world = World::new(&[]).await;
    let known = "party,year,staff\n91000000MA00000900,2019,9\n";
    let known = import(&world, known, declared()).await.unwrap();
    let size = world.size().await;
    let csv = "party,year,staff,annual_sales,from,until,industry\n\
        91000000MA00000900,2018,9,1.00,,,\n\
        91000000MA00000900,2019,10,,,,\n\
        91000000MA0000277Y,2018,-1,12 万,,,\n\
        91000000MA0000277Y,,9,,,,\n\
        91000000MA0000277Y,2020,9,,,,\n\
        91000000MA0000277Y,19,9,,,,\n\
        91000000MA0000277Y,,,,,,retail\n\
        91000000MA0000277Y,,,,2020-07-01,,retail\n\
        91000000MA0000277Y,,,,2020-01-01,2020-01-01,retail\n\
        91000000MA0000277Y,,,,2020-02-30,,IT\n\
        91000000MA0000277Y,2018,,,2020-01-01,,retail\n\
        91000000MA0000277Y,2017,9,,2020-01-01,,\n\
        91000000MA0000277Y,2016,9,,,,\n\
        91000000MA0000277Y,2016,8,,,,\n\
        91000000MA0000277Y,2016,9,,,,\n\
        91000000ma0000277y,2015,9,,,,\n\
        no such number,2015,9,,,,\n\
        ,2015,9,,,,\n\
        91000000MA0000277Y,,,,,,\n";
    let found = errors(import(&world, csv, declared()).await);
    let expected = [
        "row 4, annual_sales \"12 万\": is no value of annual_sales; \"12 万\" is not an amount in CNY",
        "row 4, staff \"-1\": is no value of staff; write a whole number from 0 (persons), such as 3",
        "row 5: has facts about a year and does not say which; enter it in the column year, or give --year",
        "row 6, year \"2020\": the year 2020 is not over yet",
        "row 7, year \"19\": is no year",
        "row 8: does not say from which day its facts hold; enter it in the column from, or give --from",
        "row 9: 2020-07-01 is a day to come",
        "row 10: the period from 2020-01-01 has no day before 2020-01-01",
        "row 11, industry \"IT\": is no value of industry; write one of industry (工业)",
        "row 12, year \"2018\": is the year of no fact of this row",
        "row 13: gives days for no fact of this row",
        "row 19, party \"\": is empty; enter the party",
        "row 20: states no fact",
        "row 15: contradicts row 14: staff of 91000000MA0000277Y is 8 here and 9 there, both year 2016",
        "row 16: says of 91000000MA0000277Y what row 14 says; delete one of the rows",
        &format!(
            "row 3: contradicts entry {}: staff of 91000000MA00000900 is 9 there and 10 here, both declared and year 2019; \
             correct the row, or repeat with --correct",
            known.entries.unwrap().0
        ),
        "row 17, party \"91000000ma0000277y\": is no party of this zone: a unified social credit code is written in capitals",
        "row 18, party \"no such number\": is the code or office number of no party of this zone; correct it, or register",
    ];
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\nnot: {expected}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    assert_eq!(world.size().await, size);
    assert_eq!(statements(&world, world.parties["g"]).await.len(), 0);
}

#[tokio::test]
async fn a_row_that_says_what_can_not_be_is_refused_at_its_cell() {
    let world = World::new(&[]).await;
    let csv = "party,year,staff,tech_staff,from,local_shareholding,established_on\n\
        91000000MA00000900,2019,9,9,2020-01-01,100,2020-01-01\n\
        91000000MA0000277Y,2019,9,10,2020-01-01,150,2020-06-11\n";
    assert_eq!(
        errors(import(&world, csv, declared()).await),
        [
            "row 3, tech_staff \"10\": is 10, more than staff with 9, of which it is a part; correct one of them",
            "row 3, local_shareholding \"150\": is 150.00 %; a share is at most 100.00 %",
            "row 3, established_on \"2020-06-11\": is 2020-06-11, a day to come; state it once it has come",
        ]
    );
    assert_eq!(statements(&world, world.parties["f"]).await.len(), 0);
}

#[test]
fn columns_that_no_file_can_have_are_named_before_any_row() {
    for (header, options, refusal) in [
        ("party,staf", declared(), "\"staf\": did you mean staff"),
        ("party,year", declared(), "no column is a fact"),
        ("staff,year", declared(), "no column gives party"),
        (
            "party,service_price",
            declared(),
            "state it with the application",
        ),
        ("party,rating", declared(), "facts determine"),
        ("party,hnte_status", declared(), "--register hnte"),
        ("party,uscc", declared(), "both give party"),
        ("party,staff,职工总数", declared(), "both give staff"),
        (
            "party,staff",
            options(Source::Imported, None),
            "--register NAME",
        ),
        (
            "party,staff",
            options(Source::Declared, Some("tax")),
            "--source imported",
        ),
        ("party,staff", options(Source::Verified, None), "--evidence"),
        (
            "party,staff",
            options(Source::Imported, Some("hnte")),
            "\"staff\"",
        ),
        (
            "party,hnte_status",
            options(Source::Imported, Some("tax")),
            "--register hnte",
        ),
        (
            "party,staff",
            options(Source::Imported, Some("htne")),
            "did you mean hnte",
        ),
    ] {
        let row = "1,".repeat(header.matches(',').count());
        let said = file(&format!("{header}\n{row}1\n"), options)
            .unwrap_err()
            .to_string();
        assert!(said.contains(refusal), "{header}: {said}\nnot: {refusal}");
    }
}

#[tokio::test]
async fn a_correction_supersedes_and_what_is_wrong_is_still_visible() {
    let world = World::new(&[]).await;
    import(&world, FILE, declared()).await.unwrap();
    let corrected = FILE.replace("1200000", "1300000");
    let refused = errors(import(&world, &corrected, declared()).await);
    assert!(
        refused[0].contains("annual_sales of 91000000MA00000900 is 1,200,000.00 there"),
        "{refused:?}"
    );
    let caller = || world.caller("reviewer", TODAY, Some("file-2"));
    let read = || file(&corrected, declared()).unwrap();
    let report = import_as(&world, caller(), read(), Corrections::Apply)
        .await
        .unwrap();
    assert_eq!(
        (report.stated, report.corrected, report.unchanged),
        (1, 1, 3)
    );
    let party = world.parties["f"];
    let found = seen(&world, party, Fact::AnnualSales, "2020-06-01").await;
    assert_eq!(found.as_deref(), Some("1,300,000.00 Declared"));
    let before = snapshot(
        &world,
        party,
        "2020-06-01",
        report.entries.map(|(first, _)| first),
    )
    .await;
    let before = before.get(Fact::AnnualSales).unwrap();
    assert_eq!(before.value.to_string(), "1,200,000.00");
    assert_eq!(statements(&world, party).await.len(), 4);

    // The key: the first answer, or a conflict.
    let size = world.size().await;
    let again = import_as(&world, caller(), read(), Corrections::Apply)
        .await
        .unwrap();
    assert_eq!(again, report);
    let other = file(FILE, declared()).unwrap();
    let conflict = import_as(&world, caller(), other, Corrections::Apply)
        .await
        .unwrap_err();
    assert!(matches!(conflict, FactsError::Recall(_)), "{conflict}");
    assert_eq!(world.size().await, size);
    world.check_invariants().await;
}

#[tokio::test]
async fn a_person_of_a_party_imports_its_facts_only() {
    let world = World::new(&[]).await;
    let two = "party,year,staff\n91000000MA00000900,2019,9\n91000000MA0000277Y,2019,9\n";
    let caller = || world.caller("f", TODAY, None);
    let read = |csv: &str| file(csv, declared()).unwrap();
    let refused = import_as(&world, caller(), read(two), Corrections::Refuse).await;
    assert_eq!(
        errors(refused),
        [
            "row 3, party \"91000000MA0000277Y\": is not the party that you act for; state facts of the party that \
          you act for"
        ]
    );
    let own = "party,year,staff\n91000000MA00000900,2019,9\n";
    import_as(&world, caller(), read(own), Corrections::Refuse)
        .await
        .unwrap();
    let verified = FileOptions {
        source: Source::Verified,
        evidence: vec![evidence()],
        ..declared()
    };
    let verified = file(own, verified).unwrap();
    let refused = import_as(&world, caller(), verified, Corrections::Refuse).await;
    assert!(matches!(refused, Err(FactsError::Forbidden(_))));
}

#[tokio::test]
async fn verified_rows_name_what_was_looked_at() {
    let world = World::new(&[]).await;
    let csv = format!(
        "party,year,staff,evidence\n91000000MA00000900,2019,9,{}\n91000000MA0000277Y,2019,9,\n\
         91000000MA0000277Y,2018,9,{}\n",
        evidence(),
        evidence().to_string().to_uppercase()
    );
    let verified = options(Source::Verified, None);
    let found = errors(import(&world, &csv, verified.clone()).await);
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(found[0].contains("is verified by nothing"), "{}", found[0]);
    assert!(found[1].contains("is no SHA-256"), "{}", found[1]);
    let right: Vec<&str> = csv.lines().take(2).collect();
    let right = right.join("\n");
    let report = import(&world, &right, verified).await.unwrap();
    let (_, details) = entry(&world, report.entries.unwrap().0).await;
    assert_eq!(details["evidence"][0], evidence().to_string());
}

/// More rows than are compared or recorded by one call.
const MANY: usize = 2_500;

async fn many_parties(world: &World) {
    let new: Vec<NewParty> = (0..MANY)
        .map(|number| NewParty {
            identity: Identity::OfficeNumber(format!("N{number}").parse().unwrap()),
            name: format!("firm {number}").parse().unwrap(),
            roles: [PartyRole::Enterprise].into(),
            group: None,
        })
        .collect();
    let caller = world.caller("manager", "2020-01-01", None);
    let registered = world.one(caller, new, |conn, command, new| {
        Box::pin(async move { party::register(conn, &command, new).await })
    });
    registered.await.unwrap();
}

fn many_rows() -> String {
    let mut csv = String::from("party,year,staff,annual_sales\n");
    for number in 0..MANY {
        writeln!(csv, "N{number},2019,{number},{number}.00").unwrap();
    }
    csv
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_row_of_many_stops_all_and_two_who_import_the_same_file_at_once_state_it_once() {
    let world = Arc::new(World::new(&[]).await);
    many_parties(&world).await;
    let size = world.size().await;
    let csv = many_rows();
    let bad = csv.replace("N2499,2019,2499,", "N2499,2019,all,");
    let found = errors(import(&world, &bad, declared()).await);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("row 2501, staff \"all\": is no value of staff"),
        "{}",
        found[0]
    );
    assert_eq!(world.size().await, size);

    let racers: Vec<_> = (0..2)
        .map(|_| {
            let (world, csv) = (world.clone(), csv.clone());
            tokio::spawn(async move { import(&world, &csv, declared()).await.unwrap() })
        })
        .collect();
    let mut stated = Vec::new();
    for racer in racers {
        let report = racer.await.unwrap();
        assert_eq!(report.stated + report.unchanged, MANY);
        stated.push(report.stated);
    }
    stated.sort_unstable();
    assert_eq!(stated, [0, MANY]);
    assert_eq!(world.size().await, size + i64::try_from(MANY).unwrap() + 1);
    world.check_invariants().await;
}

async fn register_on(world: &World, name: &str, on: &str) -> Vec<Listed> {
    let input = (world.zone.clone(), name.parse().unwrap(), day(on));
    let read = world
        .db
        .app()
        .read(world.zone.id, input, |conn, (zone, register, on)| {
            Box::pin(fact::store::register_on(
                conn, zone, register, *on, None, 10,
            ))
        });
    read.await.unwrap()
}

async fn numbers(world: &World, name: &str, on: &str) -> Vec<String> {
    let listed = register_on(world, name, on).await;
    let numbers = listed.into_iter().map(|listed| {
        listed
            .reference
            .map_or(listed.identifier, |number| number.to_string())
    });
    numbers.collect()
}

#[tokio::test]
async fn the_register_of_tech_smes_is_seen_as_it_was_on_the_day() {
    let world = World::new(&[]).await;
    let tech = || options(Source::Imported, Some("tech_sme"));
    let csv = "party,登记编号,from,status,revoked_on\n\
        91000000MA00000900,201931011500001234,2019-06-10,,\n\
        91000000MA0000277Y,201931011500005678,2019-06-10,有效,\n";
    let report = import(&world, csv, tech()).await.unwrap();
    let (_, details) = entry(&world, report.entries.unwrap().0).await;
    assert_eq!(details["register"], "tech_sme");
    let later = "party,登记编号,from,status,revoked_on\n\
        91000000MA00000900,202031011500004321,2020-05-20,valid,\n\
        91000000MA0000277Y,201931011500005678,,revoked,2019-09-01\n";
    import(&world, later, tech()).await.unwrap();
    let (first, second) = ("201931011500001234", "201931011500005678");
    for (on, expected) in [
        ("2019-06-09", &[][..]),
        ("2019-06-10", &[first, second][..]),
        ("2019-08-31", &[first, second][..]),
        ("2019-09-01", &[first][..]),
        ("2020-03-31", &[first][..]),
        ("2020-04-01", &[][..]),
        ("2020-05-20", &["202031011500004321"][..]),
        ("2021-03-31", &["202031011500004321"][..]),
        ("2021-04-01", &[][..]),
    ] {
        assert_eq!(numbers(&world, "tech_sme", on).await, expected, "{on}");
    }
    let revoked = snapshot(&world, world.parties["g"], "2019-12-01", None).await;
    let value = |fact| revoked.get(fact).map(|stated| stated.value.to_string());
    assert_eq!(value(Fact::TechSmeStatus).as_deref(), Some("revoked"));
    assert_eq!(value(Fact::TechSmeRevokedOn).as_deref(), Some("2019-09-01"));
    assert_eq!(value(Fact::TechSmeNumberYear).as_deref(), Some("2019"));
    let again = import(&world, later, tech()).await.unwrap();
    assert_eq!((again.stated, again.unchanged), (0, 2));
    world.check_invariants().await;
}

#[tokio::test]
async fn other_registers_have_columns_of_their_own() {
    let world = World::new(&[]).await;
    let from = |name| options(Source::Imported, Some(name));
    let hnte = "party,证书编号,from,有效期至,认定类型\n91000000MA00000900,GR201931000001,2019-10-08,2022-10-07,first\n";
    import(&world, hnte, from("hnte")).await.unwrap();
    let size = "party,from,class\n91000000MA00000900,2019-01-01,小型\n91000000MA00000900,2020-01-01,medium\n";
    import(&world, size, from("size_class")).await.unwrap();
    let listed = "party,from\n91000000MA0000277Y,2020-01-10\n";
    import(&world, listed, from("integrity")).await.unwrap();
    // Taken off the list: the row with its end.
    let ended = "party,from,until\n91000000MA0000277Y,2020-01-10,2020-05-01\n";
    let report = import(&world, ended, from("integrity")).await.unwrap();
    assert_eq!((report.stated, report.corrected), (1, 0));
    let tax = "party,year,annual_sales\n91000000MA00000900,2019,5.00\n";
    import(&world, tax, from("tax")).await.unwrap();

    let (f, g) = (world.parties["f"], world.parties["g"]);
    for (party, fact, on, expected) in [
        (f, Fact::HnteStatus, "2020-06-01", Some("valid Imported")),
        (
            f,
            Fact::HnteRecognition,
            "2020-06-01",
            Some("first Imported"),
        ),
        (
            f,
            Fact::HnteValidUntil,
            "2022-10-08",
            Some("2022-10-07 Imported"),
        ),
        (f, Fact::SizeClass, "2019-12-31", Some("small Imported")),
        (f, Fact::SizeClass, "2020-01-01", Some("medium Imported")),
        (
            g,
            Fact::IntegrityListed,
            "2020-04-30",
            Some("true Imported"),
        ),
        (g, Fact::IntegrityListed, "2020-05-01", None),
        (f, Fact::AnnualSales, "2020-06-01", Some("5.00 Imported")),
    ] {
        let found = seen(&world, party, fact, on).await;
        assert_eq!(found.as_deref(), expected, "{fact} {on}");
    }
    for (name, on, count) in [
        ("hnte", "2022-10-07", 1),
        ("hnte", "2022-10-08", 0),
        ("size_class", "2019-06-01", 1),
        ("integrity", "2020-04-30", 1),
        ("integrity", "2020-05-01", 0),
    ] {
        assert_eq!(
            register_on(&world, name, on).await.len(),
            count,
            "{name} {on}"
        );
    }
    let incomplete = "party,from,status\n91000000MA00000900,2020-02-01,valid\n";
    let found = errors(import(&world, incomplete, from("tech_sme")).await);
    assert!(
        found[0].contains("enter the registration number"),
        "{found:?}"
    );
    let clerk = world.caller("clerk", TODAY, None);
    let read = file(hnte, from("hnte")).unwrap();
    let refused = import_as(&world, clerk, read, Corrections::Refuse).await;
    assert!(matches!(refused, Err(FactsError::Forbidden(_))));
    world.check_invariants().await;
}
