//! The number of a registration is one party's.

use subsidy_ledger::fact::{Corrections, FactsError, ImportReport};
use subsidy_ledger::policy::Source;

use super::{TODAY, file, import_as, options};
use crate::kit::scenario::World;

const F: &str = "91000000MA00000900";
const G: &str = "91000000MA0000277Y";
const P: &str = "914403001922038216";

async fn try_import(
    world: &World,
    register: &str,
    rows: &str,
    corrections: Corrections,
) -> Result<ImportReport, FactsError> {
    let csv = format!("party,reference,from,{rows}");
    let caller = world.caller("reviewer", TODAY, None);
    let read = file(&csv, options(Source::Imported, Some(register))).unwrap();
    import_as(world, caller, read, corrections).await
}

/// What is wrong with each row.
async fn refused(world: &World, register: &str, rows: &str, corrections: Corrections) -> String {
    let size = world.size().await;
    let error = try_import(world, register, rows, corrections)
        .await
        .unwrap_err();
    assert_eq!(world.size().await, size);
    let FactsError::Rows(errors) = error else {
        panic!("{error}")
    };
    let lines: Vec<String> = errors.kept().iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[tokio::test]
async fn two_firms_never_have_one_number() {
    let world = World::new(&[]).await;
    let twice =
        format!("status\n{F},201931011500001234,2019-06-10,\n{G},201931011500001234,2019-06-11,\n");
    let said = refused(&world, "tech_sme", &twice, Corrections::Refuse).await;
    assert!(
        said.starts_with(
            "row 3, reference \"201931011500001234\": row 2 gives the number to another party;"
        ),
        "{said}"
    );
    let of_f = format!("status\n{F},201931011500001234,2019-06-10,\n");
    let first = try_import(&world, "tech_sme", &of_f, Corrections::Refuse)
        .await
        .unwrap();
    let of_g = format!("status\n{G},201931011500001234,2019-06-11,\n");
    for corrections in [Corrections::Refuse, Corrections::Apply] {
        let said = refused(&world, "tech_sme", &of_g, corrections).await;
        let entry = first.entries.unwrap().0;
        assert!(
            said.contains(&format!("entry {entry} gives the number to {F}; a number")),
            "{said}"
        );
    }
    // Another register has numbers of its own, and the same firm may be named again with its number.
    let certificate = format!("valid_until\n{G},201931011500001234,2019-06-11,2022-06-10\n");
    try_import(&world, "hnte", &certificate, Corrections::Refuse)
        .await
        .unwrap();
    let revoked = format!("status\n{F},201931011500001234,2019-10-01,已撤销\n");
    try_import(&world, "tech_sme", &revoked, Corrections::Refuse)
        .await
        .unwrap();
    // Another office's references are any documents.
    let letter = format!(
        "area\n{F},沪税函〔2019〕7号,2019-06-11,1.00\n{G},沪税函〔2019〕7号,2019-06-11,2.00\n"
    );
    try_import(&world, "tax", &letter, Corrections::Refuse)
        .await
        .unwrap();
    world.check_invariants().await;
}

/// The number was written beside the wrong firm: it stood in nothing, or had another number.
#[tokio::test]
async fn a_number_that_is_corrected_away_is_free() {
    let world = World::new(&[]).await;
    let wrong =
        format!("status\n{F},201931011500001234,2019-06-10,\n{P},201931011500007777,2019-06-10,\n");
    try_import(&world, "tech_sme", &wrong, Corrections::Refuse)
        .await
        .unwrap();
    let right = format!(
        "status\n{G},201931011500001234,2019-06-10,\n{F},201931011500007777,2019-06-10,\n{P},,2019-06-10,none\n"
    );
    let said = refused(&world, "tech_sme", &right, Corrections::Refuse).await;
    assert!(
        said.contains("contradicts entry") && !said.contains("one party's"),
        "{said}"
    );
    let report = try_import(&world, "tech_sme", &right, Corrections::Apply)
        .await
        .unwrap();
    assert_eq!((report.stated, report.corrected), (3, 2));
    // What the corrections gave up is free for good, and what they gave is taken.
    let said = refused(&world, "tech_sme", &wrong, Corrections::Apply).await;
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains(&format!("gives the number to {G}")), "{said}");
    world.check_invariants().await;
}
