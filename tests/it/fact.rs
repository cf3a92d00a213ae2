//! Facts in a real Postgres: who states what, how files are imported, what two persons determine, what a decision of a
//! day sees, and who stands in a register.

pub(crate) mod commands;
pub(crate) mod complete;
mod files;
mod notice;
mod numbers;
pub(crate) mod recognition;
pub(crate) mod two_persons;

use serde_json::{Value, json};
use sqlx::PgConnection;
use subsidy_ledger::db;
use subsidy_ledger::fact::{
    self, Corrections, FactFile, FactsError, FileError, FileOptions, ImportReport, NewStatement,
    Register, Stated, Statement, Values, When,
};
use subsidy_ledger::identity::Caller;
use subsidy_ledger::journal;
use subsidy_ledger::party;
use subsidy_ledger::policy::{Fact, Facts, Sha256, Source};
use subsidy_ledger::tabular::{Format, Mapping, ReadOptions, Table};
use subsidy_ledger::types::{Currency, LogIndex, PartyId, Period};

use crate::kit::scenario::{World, day};

/// The day on which commands are given unless a test says otherwise.
pub(crate) const TODAY: &str = "2020-06-10";

pub(crate) fn values(text: &str) -> Values {
    Values::parse(text, Currency::Cny).unwrap()
}

pub(crate) fn days(from: &str, until: &str) -> When {
    let until = (!until.is_empty()).then(|| day(until));
    When::Days(Period::new(day(from), until).unwrap())
}

pub(crate) fn evidence() -> Sha256 {
    Sha256::of(b"licence")
}

pub(crate) fn declared(party: PartyId, when: When, facts: &str) -> NewStatement {
    NewStatement {
        party,
        source: Source::Declared,
        when,
        reference: None,
        evidence: Vec::new(),
        facts: values(facts),
        corrections: Corrections::Refuse,
    }
}

pub(crate) async fn state_as(
    world: &World,
    caller: Caller,
    new: NewStatement,
) -> Result<Stated, FactsError> {
    let stated = world.one(caller, new, |conn, command, new| {
        Box::pin(async move { fact::state(conn, &command, new).await })
    });
    stated.await
}

pub(crate) async fn state(
    world: &World,
    who: &str,
    new: NewStatement,
) -> Result<Stated, FactsError> {
    state_as(world, world.caller(who, TODAY, None), new).await
}

/// What a decision of a day sees of a party.
pub(crate) async fn snapshot(
    world: &World,
    party: PartyId,
    on: &str,
    before: Option<LogIndex>,
) -> Facts {
    let input = (world.zone.clone(), party, day(on), before);
    let read = world
        .db
        .app()
        .read(world.zone.id, input, |conn, (zone, party, on, before)| {
            Box::pin(async move {
                let party = party::store::party(conn, zone.id, *party).await?.unwrap();
                fact::snapshot(conn, zone, &party, *on, *before).await
            })
        });
    let facts: Result<Facts, sqlx::Error> = read.await;
    facts.unwrap()
}

/// A fact's value and source, as a decision of a day sees it.
pub(crate) async fn seen(world: &World, party: PartyId, fact: Fact, on: &str) -> Option<String> {
    let facts = snapshot(world, party, on, None).await;
    let stated = facts.get(fact)?;
    Some(format!("{} {:?}", stated.value, stated.source))
}

pub(crate) async fn statements(world: &World, party: PartyId) -> Vec<Statement> {
    let input = (world.zone.clone(), party);
    let read = world
        .db
        .app()
        .read(world.zone.id, input, |conn, (zone, party)| {
            Box::pin(fact::store::statements(conn, zone, *party, None))
        });
    read.await.unwrap()
}

/// Kind and details of an entry.
pub(crate) async fn entry(world: &World, index: LogIndex) -> (String, Value) {
    let read = world.db.app().read(
        world.zone.id,
        (world.zone.id, index),
        |conn, (zone, index)| Box::pin(journal::entry_body(conn, *zone, *index)),
    );
    let mut body: Value = serde_json::from_slice(&read.await.unwrap().unwrap()).unwrap();
    let kind = body["kind"].as_str().unwrap().to_owned();
    (kind, body["details"].take())
}

pub(crate) fn options(source: Source, register: Option<&str>) -> FileOptions {
    FileOptions {
        source,
        register: register.map(|name| name.parse().unwrap()),
        evidence: Vec::new(),
        year: None,
        from: None,
        until: None,
        complete: false,
    }
}

pub(crate) fn file(csv: &str, options: FileOptions) -> Result<FactFile, FileError> {
    let table = Table::read(csv.as_bytes(), Format::Csv, &ReadOptions::default()).unwrap();
    let sha256 = Sha256::of(csv.as_bytes());
    let mapping = Mapping::default();
    FactFile::read(&table, sha256, &mapping, options, Currency::Cny, day(TODAY))
}

pub(crate) async fn import_as(
    world: &World,
    caller: Caller,
    file: FactFile,
    corrections: Corrections,
) -> Result<ImportReport, FactsError> {
    let input = (file, corrections);
    let imported = world.one(caller, input, |conn, command, (file, corrections)| {
        Box::pin(async move {
            let plan = fact::plan(conn, &command, file, *corrections).await?;
            fact::apply(conn, &command, plan, &|_| ()).await
        })
    });
    imported.await
}

pub(crate) async fn import(
    world: &World,
    csv: &str,
    options: FileOptions,
) -> Result<ImportReport, FactsError> {
    let caller = world.caller("reviewer", TODAY, None);
    import_as(
        world,
        caller,
        file(csv, options).unwrap(),
        Corrections::Refuse,
    )
    .await
}

#[tokio::test]
async fn a_statement_is_an_entry_and_a_row_and_is_seen_from_its_source_and_time() {
    let world = World::new(&[]).await;
    let party = world.parties["f"];
    let sales = declared(
        party,
        When::Year(2019),
        r#"{"annual_sales":"1200.00","staff":9}"#,
    );
    let first = state(&world, "f", sales.clone()).await.unwrap();
    assert!(first.is_new);
    let (kind, details) = entry(&world, first.entry).await;
    let expected = json!({
        "facts": { "annual_sales": "1200.00", "staff": 9 }, "party": party, "source": "declared",
        "year": 2019,
    });
    assert_eq!((kind.as_str(), details), ("fact.stated", expected));
    let again = state(&world, "f", sales).await.unwrap();
    assert_eq!((again.entry, again.is_new), (first.entry, false));

    let checked = NewStatement {
        source: Source::Verified,
        evidence: vec![evidence()],
        reference: Some("审字〔2020〕7号".parse().unwrap()),
        ..declared(party, When::Year(2019), r#"{"staff":8}"#)
    };
    let checked = state(&world, "reviewer", checked).await.unwrap();
    let (_, details) = entry(&world, checked.entry).await;
    assert_eq!(details["evidence"], json!([evidence()]));
    assert_eq!(details["reference"], "审字〔2020〕7号");
    let standing = declared(
        party,
        days("2020-01-01", "2020-05-01"),
        r#"{"industry":"software"}"#,
    );
    state(&world, "clerk", standing).await.unwrap();

    for (fact, on, expected) in [
        (Fact::AnnualSales, "2020-12-31", Some("1,200.00 Declared")),
        (Fact::AnnualSales, "2021-01-01", None),
        (Fact::Staff, "2020-06-01", Some("8 Verified")),
        (Fact::Industry, "2020-04-30", Some("software Declared")),
        (Fact::Industry, "2020-05-01", None),
        (
            Fact::Uscc,
            "2020-05-01",
            Some("91000000MA00000900 Imported"),
        ),
    ] {
        let found = seen(&world, party, fact, on).await;
        assert_eq!(found.as_deref(), expected, "{fact} {on}");
    }
    let earlier = snapshot(&world, party, "2020-06-01", Some(checked.entry)).await;
    let stated = earlier.get(Fact::Staff).unwrap();
    assert_eq!(
        (stated.entry, stated.source),
        (Some(first.entry), Source::Declared)
    );
    assert_eq!(stated.as_of, day("2019-12-31"));
    let other = snapshot(&world, world.parties["g"], "2020-06-01", None).await;
    assert!(other.get(Fact::Staff).is_none());
    world.check_invariants().await;
}

#[tokio::test]
async fn each_fact_has_those_who_may_state_it() {
    let world = World::new(&[]).await;
    let (own, other) = (world.parties["f"], world.parties["g"]);
    let staff = |party| declared(party, When::Year(2019), r#"{"staff":9}"#);
    let verified = |evidence: Vec<Sha256>| NewStatement {
        source: Source::Verified,
        evidence,
        ..staff(own)
    };
    let imported = NewStatement {
        source: Source::Imported,
        ..staff(own)
    };
    let year = |facts: &str| declared(own, When::Year(2019), facts);
    let from = |facts: &str| declared(own, days("2020-01-01", ""), facts);
    let size = world.size().await;
    for (who, new, refusal) in [
        ("f", staff(other), "there is no party"),
        ("reviewer", staff(PartyId::generate()), "there is no party"),
        (
            "auditor",
            staff(own),
            "needs the role sme or incubator or provider or reviewer",
        ),
        ("f", verified(vec![evidence()]), "needs the role reviewer"),
        ("reviewer", verified(Vec::new()), "--evidence"),
        ("reviewer", imported, "facts import --register"),
        ("f", year("{}"), "no fact is stated"),
        (
            "f",
            from(r#"{"rating":"good"}"#),
            "for the office to determine",
        ),
        (
            "f",
            from(r#"{"hnte_status":"valid"}"#),
            "facts import --register hnte",
        ),
        (
            "f",
            from(r#"{"service_price":"1.00"}"#),
            "state it with the application",
        ),
        (
            "f",
            from(r#"{"claimed_on":"2020-01-01"}"#),
            "state it with the application",
        ),
        (
            "f",
            from(r#"{"uscc":"91000000MA0000277Y"}"#),
            "register of parties",
        ),
        ("f", from(r#"{"staff":9}"#), "about a calendar year"),
        ("f", year(r#"{"industry":"retail"}"#), "from which day"),
        (
            "f",
            declared(own, When::Year(2020), r#"{"staff":9}"#),
            "is not over yet",
        ),
        (
            "f",
            declared(own, days("2020-06-11", ""), r#"{"area":"1.00"}"#),
            "a day to come",
        ),
    ] {
        let said = state(&world, who, new).await.unwrap_err().to_string();
        assert!(said.contains(refusal), "{said}\nnot: {refusal}");
    }
    assert_eq!(world.size().await, size, "a refusal records nothing");
}

#[tokio::test]
async fn what_can_not_be_is_not_stated() {
    let world = World::new(&[]).await;
    let own = world.parties["f"];
    let size = world.size().await;
    for (when, facts, refusal) in [
        (
            When::Year(2019),
            r#"{"staff":9,"tech_staff":10}"#,
            "tech_staff is 10, more than staff with 9",
        ),
        (
            days("2020-01-01", ""),
            r#"{"established_on":"2020-06-11"}"#,
            "established_on is 2020-06-11, a day to come",
        ),
    ] {
        let refused = state(&world, "f", declared(own, when, facts)).await;
        let said = refused.unwrap_err().to_string();
        assert!(said.contains(refusal), "{said}\nnot: {refusal}");
    }
    assert_eq!(world.size().await, size, "a refusal records nothing");
}

#[tokio::test]
async fn what_is_recorded_otherwise_is_superseded_only_if_that_is_meant() {
    let world = World::new(&[]).await;
    let party = world.parties["f"];
    let staff = |count: u32| {
        let facts = format!(r#"{{"staff":{count}}}"#);
        declared(party, When::Year(2019), &facts)
    };
    let first = state(&world, "f", staff(9)).await.unwrap();
    let refused = state(&world, "f", staff(10)).await.unwrap_err();
    let expected = format!(
        "contradicts entry {}: staff is 9 there and 10 here, both declared and year 2019; if that was wrong, \
         repeat with --correct",
        first.entry
    );
    assert_eq!(refused.to_string(), expected);
    let corrected = NewStatement {
        corrections: Corrections::Apply,
        ..staff(10)
    };
    let second = state(&world, "f", corrected).await.unwrap();
    assert_eq!(
        entry(&world, second.entry).await.1["corrects"],
        first.entry.0
    );
    let found = seen(&world, party, Fact::Staff, "2020-06-01").await;
    assert_eq!(found.as_deref(), Some("10 Declared"));
    assert_eq!(
        statements(&world, party).await.len(),
        2,
        "nothing is overwritten"
    );
    let earlier = snapshot(&world, party, "2020-06-01", Some(second.entry)).await;
    assert_eq!(earlier.get(Fact::Staff).unwrap().entry, Some(first.entry));
}

#[tokio::test]
async fn a_repeated_command_has_one_effect_and_its_first_answer() {
    let world = World::new(&[]).await;
    let party = world.parties["f"];
    let staff = |count: u32| {
        let facts = format!(r#"{{"staff":{count}}}"#);
        declared(party, When::Year(2019), &facts)
    };
    let caller = || world.caller("f", TODAY, Some("form-1"));
    let first = state_as(&world, caller(), staff(9)).await.unwrap();
    let size = world.size().await;
    assert_eq!(state_as(&world, caller(), staff(9)).await.unwrap(), first);
    let conflict = state_as(&world, caller(), staff(10)).await.unwrap_err();
    assert!(matches!(conflict, FactsError::Recall(_)), "{conflict}");
    assert_eq!(world.size().await, size);
}

#[tokio::test]
async fn snapshots_are_kept_once_and_found_by_their_hash() {
    let world = World::new(&[]).await;
    let party = world.parties["f"];
    let empty = snapshot(&world, party, "2020-06-01", None).await;
    let staff = declared(party, When::Year(2019), r#"{"staff":9}"#);
    state(&world, "f", staff).await.unwrap();
    let full = snapshot(&world, party, "2020-06-01", None).await;
    let keep = async |snapshots: Vec<Facts>| {
        let caller = world.caller("reviewer", TODAY, None);
        let kept = world.one(caller, snapshots, |conn, command, snapshots| {
            Box::pin(async move {
                let snapshots: Vec<&Facts> = snapshots.iter().collect();
                fact::store::keep_snapshots(conn, command.zone.id, &snapshots).await
            })
        });
        let kept: Result<Vec<Sha256>, sqlx::Error> = kept.await;
        kept.unwrap()
    };
    let kept = keep(vec![full.clone(), empty.clone(), full.clone()]).await;
    assert_eq!(kept, [full.sha256(), empty.sha256(), full.sha256()]);
    assert_eq!(keep(vec![full.clone()]).await, [full.sha256()]);
    for (sha256, expected) in [
        (full.sha256(), Some(full)),
        (empty.sha256(), Some(empty)),
        (evidence(), None),
    ] {
        let input = (world.zone.id, sha256);
        let read = world
            .db
            .app()
            .read(world.zone.id, input, |conn, (zone, sha256)| {
                Box::pin(fact::store::snapshot_by_hash(conn, *zone, *sha256))
            });
        assert_eq!(read.await.unwrap(), expected);
    }
}

/// The constraint that refuses a statement.
#[expect(
    clippy::disallowed_methods,
    reason = "statements past the service, made here"
)]
async fn refusal(conn: &mut PgConnection, sql: &str) -> Option<String> {
    let result = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(conn).await;
    db::violated_constraint(&result.unwrap_err()).map(str::to_owned)
}

/// What no statement's row may be: columns, values, the constraint that refuses it.
const ROWS: &str = "
    source, year | 'verified', 2019 | fact_statement_zone_wide_has_grounds
    source, register, year | 'imported', 'integrity', 2019 | fact_statement_zone_wide_has_grounds
    source, register, from_day | 'imported', 'size_class', '2020-01-01' | fact_statement_zone_wide_has_grounds
    party_id, source, year | {party}, 'heard', 2019 | fact_statement_source_known
    party_id, source | {party}, 'declared' | fact_statement_one_time
    party_id, source, from_day, until_day | {party}, 'declared', '2020-01-01', '2020-01-01' | fact_statement_until_later
    party_id, source, year, register | {party}, 'declared', 2019, 'tax' | fact_statement_imported_from_a_register
    party_id, source, year | {party}, 'imported', 2019 | fact_statement_imported_from_a_register
    party_id, source, from_day, proposed_index | {party}, 'verified', '2020-01-01', {proposed} | fact_statement_determination_fkey
    party_id, source, from_day, proposed_index | {party}, 'declared', '2020-01-01', {proposed} | fact_statement_determined_not_declared
";

/// Other statements, each with the constraint that refuses it.
const CHANGES: &[(&str, &str)] = &[
    (
        "UPDATE ledger.determination SET confirmed_by = proposed_by, confirmed_index = proposed_index + 1",
        "determination_two_persons",
    ),
    (
        "UPDATE ledger.determination SET reason = 'another'",
        "determination_confirmed_once",
    ),
    (
        "UPDATE ledger.determination SET kind = 'recognition', register = 'tech_sme', confirmed_index = proposed_index + 1",
        "determination_confirmed_once",
    ),
    (
        "INSERT INTO ledger.determination SELECT zone_id, 0, 'recognition', party_id, 'tech_sme', NULL, facts, from_day,
             until_day, reason, evidence, proposed_by FROM ledger.determination",
        "determination_recognised_fkey",
    ),
    (
        "INSERT INTO ledger.determination SELECT zone_id, 0, 'revocation', party_id, NULL, NULL, facts, from_day,
             until_day, reason, evidence, proposed_by FROM ledger.determination",
        "determination_register_of_kind",
    ),
    (
        "INSERT INTO ledger.determination SELECT zone_id, 0, 'revocation', NULL, 'tech_sme', NULL, facts, from_day,
             until_day, reason, evidence, proposed_by FROM ledger.determination",
        "determination_party_of_kind",
    ),
    (
        "INSERT INTO ledger.determination SELECT zone_id, 0, 'recognition', party_id, 'tech_sme', '1', facts, from_day,
             until_day, reason, evidence, proposed_by FROM ledger.determination",
        "determination_reference_of_kind",
    ),
    (
        "DELETE FROM ledger.determination",
        "determination_append_only",
    ),
    (
        "UPDATE ledger.fact_statement SET facts = '{}'",
        "fact_statement_append_only",
    ),
    ("TRUNCATE ledger.fact_snapshot CASCADE", "fact_snapshot_append_only"),
    (
        "INSERT INTO ledger.fact_snapshot VALUES (1, sha256('other'), '{}')",
        "fact_snapshot_sha256_of_body",
    ),
];

/// Postgres refuses what the commands can't express, even to a superuser.
#[tokio::test]
async fn the_schema_holds_the_rules_too() {
    let world = World::new(&[]).await;
    let party = world.parties["f"];
    let staff = declared(party, When::Year(2019), r#"{"staff":9}"#);
    state(&world, "f", staff).await.unwrap();
    let proposed = two_persons::propose(&world, "reviewer", Some(party), "rating", "good").await;
    let proposed = proposed.unwrap().to_string();
    let rows = ROWS.trim().lines().map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [columns, values, constraint] = cells[..] else {
            panic!("{line}")
        };
        let values = values
            .replace("{party}", &format!("'{party}'"))
            .replace("{proposed}", &proposed);
        let sql = format!(
            "INSERT INTO ledger.fact_statement (zone_id, log_index, facts, {columns})
             VALUES (1, 0, '{{\"staff\": 1}}', {values})"
        );
        (sql, constraint)
    });
    let changes = CHANGES
        .iter()
        .map(|(sql, constraint)| ((*sql).to_owned(), *constraint));
    let mut conn = world.db.superuser().await;
    for (sql, constraint) in rows.chain(changes) {
        let found = refusal(&mut conn, &sql).await;
        assert_eq!(found.as_deref(), Some(constraint), "{sql}");
    }
}

/// For the officer's own SQL: a fact on a row of its own.
#[tokio::test]
async fn the_view_shows_every_fact() {
    let world = World::new(&[]).await;
    let facts = r#"{"annual_sales":"1200.00","staff":9}"#;
    let stated = declared(world.parties["f"], When::Year(2019), facts);
    state(&world, "f", stated).await.unwrap();
    let read = world.db.app().read(world.zone.id, (), |conn, ()| {
        Box::pin(async move {
            sqlx::query_as("SELECT party, fact, value, source, year FROM ledger.fact ORDER BY fact")
                .fetch_all(conn)
                .await
        })
    });
    let rows: Vec<(String, String, String, String, i16)> = read.await.unwrap();
    let row = |fact: &str, value: &str| {
        let [party, fact, value, source] =
            ["91000000MA00000900", fact, value, "declared"].map(str::to_owned);
        (party, fact, value, source, 2019)
    };
    assert_eq!(rows, [row("annual_sales", "1200.00"), row("staff", "9")]);
}

/// Every register has columns of its own, and no file has two columns for one fact.
#[test]
fn fields_are_told_apart() {
    for register in Register::KNOWN.iter().map(Some).chain([None]) {
        let fields = fact::fields(register);
        let mut names: Vec<&str> = fields
            .iter()
            .flat_map(|field| field.headers.iter().chain([&field.name]))
            .copied()
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{register:?}");
    }
}
