//! A whole register says who is not in it.

use serde_json::json;
use subsidy_ledger::fact::{Corrections, FactFile, FactsError, FileOptions, ImportReport};
use subsidy_ledger::policy::{Fact, Source};

use super::{TODAY, entry, file, import_as, options, seen, statements};
use crate::kit::scenario::{World, day};

pub(crate) fn whole(register: &str, from: &str) -> FileOptions {
    FileOptions {
        from: Some(day(from)),
        complete: true,
        ..options(Source::Imported, Some(register))
    }
}

async fn try_import(
    world: &World,
    csv: &str,
    options: FileOptions,
    corrections: Corrections,
) -> Result<ImportReport, FactsError> {
    let caller = world.caller("reviewer", TODAY, None);
    let read: FactFile = file(csv, options).unwrap();
    import_as(world, caller, read, corrections).await
}

pub(crate) async fn import(world: &World, csv: &str, options: FileOptions) -> ImportReport {
    try_import(world, csv, options, Corrections::Refuse)
        .await
        .unwrap()
}

const F: &str = "91000000MA00000900";
const G: &str = "91000000MA0000277Y";

/// A file has a row at least; this one names only the provider, who does not stand in the register.
pub(crate) const NOBODY: &str = "party,listed\n914403001922038216,false\n";
/// The same of a register with a status.
pub(crate) const NONE: &str = "party,status\n914403001922038216,none\n";

#[track_caller]
fn expect(found: Option<&str>, expected: &str, what: &str) {
    assert_eq!(found.unwrap_or("unknown"), expected, "{what}");
}

/// A party that was listed and is no longer named, one that is named, and one that never was: each on both sides of the
/// days of two whole files.
#[tokio::test]
async fn who_is_not_named_in_a_whole_register_does_not_stand_in_it_from_its_day() {
    let world = World::new(&[]).await;
    let size = world.size().await;
    let listed = format!("party,from\n{F},2019-03-01\n");
    import(
        &world,
        &listed,
        options(Source::Imported, Some("integrity")),
    )
    .await;
    let first = format!("party,from\n{F},2019-03-01\n{G},2019-12-01\n");
    let report = import(&world, &first, whole("integrity", "2020-01-01")).await;
    let said = report.not_named.clone().unwrap();
    assert_eq!((report.stated, report.unchanged, said.ended), (1, 1, 0));
    let (kind, details) = entry(&world, said.entry.unwrap()).await;
    assert_eq!(kind, "fact.register_completed");
    let expected = json!({
        "facts": { "integrity_listed": false }, "file": details["file"], "from": "2020-01-01", "party": null,
        "register": "integrity", "source": "imported",
    });
    assert_eq!(details, expected);
    let hash = subsidy_ledger::policy::Sha256::of(first.as_bytes());
    assert_eq!(details["file"], hash.to_string());

    let second = format!("party,from\n{G},2019-12-01\n");
    let report = import(&world, &second, whole("integrity", "2020-06-01")).await;
    let said = report.not_named.clone().unwrap();
    assert_eq!((report.stated, report.unchanged, said.ended), (0, 1, 1));
    let (kind, details) = entry(&world, report.entries.unwrap().0).await;
    assert_eq!(
        (kind.as_str(), &details["from"]),
        ("fact.stated", &json!("2020-06-01"))
    );

    for (name, on, expected) in [
        ("f", "2019-02-28", "unknown"),
        ("f", "2019-03-01", "true Imported"),
        ("f", "2020-05-31", "true Imported"),
        ("f", "2020-06-01", "false Imported"),
        ("g", "2019-11-30", "unknown"),
        ("g", "2019-12-01", "true Imported"),
        ("g", "2020-06-05", "true Imported"),
        ("p", "2019-12-31", "unknown"),
        ("p", "2020-01-01", "false Imported"),
        ("p", "2021-01-01", "false Imported"),
    ] {
        let found = seen(&world, world.parties[name], Fact::IntegrityListed, on).await;
        expect(found.as_deref(), expected, &format!("{name} on {on}"));
    }

    let before = world.size().await;
    for (csv, from) in [(&second, "2020-06-01"), (&first, "2020-01-01")] {
        let again = import(&world, csv, whole("integrity", from)).await;
        let said = again.not_named.unwrap();
        assert_eq!(
            (again.stated, said.ended, said.is_new),
            (0, 0, false),
            "{from}"
        );
    }
    assert_eq!(world.size().await, before);
    assert!(before > size);
    world.check_invariants().await;
}

/// Listed until a day, then listed again: a row's own end, and a party whose row no longer holds on the file's day.
#[tokio::test]
async fn a_row_that_is_over_on_the_day_names_nobody() {
    let world = World::new(&[]).await;
    let listed = format!("party,from\n{F},2019-03-01\n{G},2019-03-01\n");
    import(
        &world,
        &listed,
        options(Source::Imported, Some("integrity")),
    )
    .await;
    // F's row ends, G's only row is of an earlier time.
    let csv = format!("party,from,until\n{F},2019-03-01,2020-02-01\n{G},2018-01-01,2018-06-01\n");
    let report = import(&world, &csv, whole("integrity", "2020-06-01")).await;
    assert_eq!((report.stated, report.not_named.unwrap().ended), (2, 1));
    for (name, on, expected) in [
        ("f", "2020-01-31", "true Imported"),
        ("f", "2020-02-01", "unknown"),
        ("f", "2020-06-01", "false Imported"),
        ("g", "2018-05-31", "true Imported"),
        ("g", "2020-05-31", "true Imported"),
        ("g", "2020-06-01", "false Imported"),
    ] {
        let found = seen(&world, world.parties[name], Fact::IntegrityListed, on).await;
        expect(found.as_deref(), expected, &format!("{name} on {on}"));
    }
}

#[tokio::test]
async fn each_register_says_it_in_its_own_facts_and_a_revocation_stays_one() {
    let world = World::new(&[]).await;
    let tech = format!(
        "party,登记编号,from,status,revoked_on\n{F},202031011500001234,2020-01-10,,\n\
         {G},201931011500005678,,已撤销,2019-09-01\n"
    );
    import(&world, &tech, options(Source::Imported, Some("tech_sme"))).await;
    let report = import(&world, NONE, whole("tech_sme", "2020-06-01")).await;
    assert_eq!(report.not_named.unwrap().ended, 1);
    import(&world, NONE, whole("hnte", "2020-06-01")).await;
    for (name, fact, on, expected) in [
        ("f", Fact::TechSmeStatus, "2020-05-31", "valid Imported"),
        ("f", Fact::TechSmeStatus, "2020-06-01", "none Imported"),
        ("g", Fact::TechSmeStatus, "2020-06-01", "revoked Imported"),
        ("p", Fact::TechSmeStatus, "2020-06-01", "none Imported"),
        ("g", Fact::HnteStatus, "2020-05-31", "unknown"),
        ("g", Fact::HnteStatus, "2020-06-01", "none Imported"),
        ("p", Fact::IntegrityListed, "2020-06-01", "unknown"),
    ] {
        let found = seen(&world, world.parties[name], fact, on).await;
        expect(
            found.as_deref(),
            expected,
            &format!("{name} {fact} on {on}"),
        );
    }
    world.check_invariants().await;
}

#[tokio::test]
async fn files_that_contradict_each_other_are_refused() {
    let world = World::new(&[]).await;
    let named = format!("party,from\n{F},2019-03-01\n");
    import(&world, &named, whole("integrity", "2020-01-01")).await;
    import(&world, NOBODY, whole("integrity", "2020-03-01")).await;
    let size = world.size().await;
    let refused = |csv: String, from: &'static str, corrections| {
        let world = &world;
        async move {
            let tried = try_import(world, &csv, whole("integrity", from), corrections).await;
            tried.unwrap_err().to_string()
        }
    };
    // A later file has F since 2019, and the one of March did not name it.
    let said = refused(named.clone(), "2020-06-01", Corrections::Apply).await;
    assert!(
        said.contains("is not what is seen on 2020-06-01")
            && said.contains("false since 2020-03-01"),
        "{said}"
    );
    let later = format!("party,from\n{F},2020-04-01\n");
    let said = refused(later.clone(), "2020-03-15", Corrections::Refuse).await;
    assert!(said.contains("holds from 2020-04-01"), "{said}");
    import(&world, &later, whole("integrity", "2020-06-01")).await;
    // Named from that very day, and now not named as of it.
    let said = refused(NOBODY.to_owned(), "2020-04-01", Corrections::Refuse).await;
    assert!(
        said.contains("does not name parties") && said.contains(F),
        "{said}"
    );
    let corrected = whole("integrity", "2020-04-01");
    let report = try_import(&world, NOBODY, corrected, Corrections::Apply).await;
    let report = report.unwrap();
    assert_eq!((report.not_named.unwrap().ended, report.corrected), (1, 1));
    let f = world.parties["f"];
    for (on, expected) in [
        ("2020-02-28", "true Imported"),
        ("2020-03-01", "false Imported"),
        ("2020-05-31", "false Imported"),
        // The register of that day names it, whatever is corrected of the time before.
        ("2020-06-01", "true Imported"),
    ] {
        let found = seen(&world, f, Fact::IntegrityListed, on).await;
        expect(found.as_deref(), expected, on);
    }
    assert!(world.size().await > size);
    world.check_invariants().await;
}

/// F is named by both files, G by the older one only, P by none: the newer file was imported first.
#[tokio::test]
async fn an_older_whole_register_says_nothing_from_the_newer_ones_day_on() {
    let world = World::new(&[]).await;
    let newer = format!("party,from\n{F},2019-03-01\n");
    import(&world, &newer, whole("integrity", "2020-06-01")).await;
    let older = format!("party,from\n{G},2019-12-01\n");
    let report = import(&world, &older, whole("integrity", "2020-01-01")).await;
    let said = report.not_named.clone().unwrap();
    let next = said.next.unwrap();
    assert_eq!((report.stated, said.ended), (1, 1));
    assert_eq!((next.from, next.restated), (day("2020-06-01"), 2));
    let days = async || {
        for (name, on, expected) in [
            ("f", "2019-12-31", "true Imported"),
            ("f", "2020-01-01", "false Imported"),
            ("f", "2020-05-31", "false Imported"),
            ("f", "2020-06-01", "true Imported"),
            ("g", "2019-12-01", "true Imported"),
            ("g", "2020-05-31", "true Imported"),
            ("g", "2020-06-01", "false Imported"),
            ("g", "2021-01-01", "false Imported"),
            ("p", "2020-01-01", "false Imported"),
        ] {
            let found = seen(&world, world.parties[name], Fact::IntegrityListed, on).await;
            expect(found.as_deref(), expected, &format!("{name} on {on}"));
        }
    };
    days().await;
    let before = world.size().await;
    for (csv, from) in [(&newer, "2020-06-01"), (&older, "2020-01-01")] {
        let options = FileOptions {
            evidence: vec![subsidy_ledger::policy::Sha256::of(
                b"the same list, from another desk",
            )],
            ..whole("integrity", from)
        };
        let again = import(&world, csv, options).await;
        let said = again.not_named.clone().unwrap();
        let next = said.next.map_or(0, |next| next.restated);
        assert_eq!(
            (again.stated, said.ended, next, said.is_new),
            (0, 0, 0, false),
            "{from}"
        );
        assert_eq!(again.entries, None);
    }
    assert_eq!(world.size().await, before);
    days().await;
    world.check_invariants().await;
}

/// An older file revokes what a newer one has as valid, has another certificate, and does not know of an end.
#[tokio::test]
async fn an_older_whole_register_changes_no_value_either() {
    let world = World::new(&[]).await;
    let newer =
        format!("party,from,valid_until,reference,status\n{F},2019-01-01,2022-01-01,GR2,\n");
    import(&world, &newer, whole("hnte", "2020-05-01")).await;
    let older = format!("party,from,valid_until,reference,status\n{F},2019-06-01,,GR1,已撤销\n");
    let report = import(&world, &older, whole("hnte", "2020-01-01")).await;
    assert_eq!(report.not_named.unwrap().next.unwrap().restated, 1);
    let f = world.parties["f"];
    for (fact, on, expected) in [
        (Fact::HnteStatus, "2019-05-31", "valid Imported"),
        (Fact::HnteStatus, "2019-06-01", "revoked Imported"),
        (Fact::HnteValidUntil, "2020-04-30", "unknown"),
        (Fact::HnteStatus, "2020-05-01", "valid Imported"),
        (Fact::HnteValidUntil, "2020-05-01", "2022-01-01 Imported"),
        (Fact::HnteStatus, "2022-01-01", "valid Imported"),
        (Fact::HnteStatus, "2022-01-02", "expired Imported"),
    ] {
        let found = seen(&world, f, fact, on).await;
        expect(found.as_deref(), expected, &format!("{fact} on {on}"));
    }

    let newer = format!("party,from,until\n{G},2019-01-01,2020-06-01\n");
    import(&world, &newer, whole("integrity", "2020-05-01")).await;
    let older = format!("party,from\n{G},2019-06-01\n");
    import(&world, &older, whole("integrity", "2020-01-01")).await;
    for (on, expected) in [
        ("2020-05-31", "true Imported"),
        ("2020-06-01", "false Imported"),
    ] {
        let found = seen(&world, world.parties["g"], Fact::IntegrityListed, on).await;
        expect(found.as_deref(), expected, on);
    }
    world.check_invariants().await;
}

/// What an earlier row said is not known from it once the next one has begun, nor after that one's end.
#[tokio::test]
async fn a_row_holds_until_the_next_one_of_its_party() {
    let world = World::new(&[]).await;
    let rows = format!(
        "party,from,valid_until,recognition\n{F},2017-01-01,2019-12-31,first\n{F},2020-02-01,2022-12-31,\n"
    );
    import(&world, &rows, options(Source::Imported, Some("hnte"))).await;
    let listed = format!("party,from,until\n{G},2019-01-01,\n{G},2020-02-01,2020-04-01\n");
    import(
        &world,
        &listed,
        options(Source::Imported, Some("integrity")),
    )
    .await;
    for (name, fact, on, expected) in [
        ("f", Fact::HnteRecognition, "2019-12-31", "first Imported"),
        ("f", Fact::HnteStatus, "2020-01-31", "expired Imported"),
        ("f", Fact::HnteStatus, "2020-02-01", "valid Imported"),
        ("f", Fact::HnteRecognition, "2020-02-01", "unknown"),
        ("g", Fact::IntegrityListed, "2020-03-31", "true Imported"),
        ("g", Fact::IntegrityListed, "2020-04-01", "unknown"),
    ] {
        let found = seen(&world, world.parties[name], fact, on).await;
        expect(
            found.as_deref(),
            expected,
            &format!("{name} {fact} on {on}"),
        );
    }
}

#[test]
fn only_a_register_of_a_day_can_be_whole() {
    let read = |options: FileOptions| file("party,class\n1,small\n", options);
    for wrong in [
        whole("size_class", "2020-01-01"),
        FileOptions {
            from: None,
            ..whole("size_class", "2020-01-01")
        },
    ] {
        let said = read(wrong).unwrap_err().to_string();
        assert!(
            said.contains("--complete says that a file is the whole"),
            "{said}"
        );
    }
}

#[test]
fn no_register_is_whole_as_of_a_day_to_come() {
    let (today, tomorrow) = (day(TODAY), day(TODAY).succ_opt().unwrap());
    file(NOBODY, whole("integrity", &today.to_string())).unwrap();
    let refused = file(NOBODY, whole("integrity", &tomorrow.to_string())).unwrap_err();
    let expected = format!("--from {tomorrow} is a day to come");
    assert!(refused.to_string().starts_with(&expected), "{refused}");
}

#[tokio::test]
async fn a_dry_run_says_who_would_no_longer_stand_in_it() {
    let world = World::new(&[]).await;
    let named = format!("party,from\n{F},2019-03-01\n");
    import(&world, &named, whole("integrity", "2020-01-01")).await;
    let size = world.size().await;
    let caller = world.caller("reviewer", TODAY, None);
    let read = file(NOBODY, whole("integrity", "2020-06-01")).unwrap();
    let planned = world.one(caller, read, |conn, command, read| {
        Box::pin(async move {
            let plan =
                subsidy_ledger::fact::plan(conn, &command, read, Corrections::Refuse).await?;
            Ok::<_, FactsError>((plan.len(), plan.report().clone()))
        })
    });
    let (count, report) = planned.await.unwrap();
    assert_eq!((count, report.not_named.unwrap().ended), (3, 1));
    assert_eq!(world.size().await, size);
    assert_eq!(statements(&world, world.parties["f"]).await.len(), 2);
}
