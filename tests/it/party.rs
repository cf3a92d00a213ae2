//! The register of parties in a real Postgres: what is recorded, what is refused, who may.

use std::collections::BTreeSet;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use serde_json::Value;
use sqlx::{PgConnection, Postgres, Transaction};
use subsidy_ledger::db;
use subsidy_ledger::identity::store::NewZone;
use subsidy_ledger::identity::{Actor, Command, Role};
use subsidy_ledger::journal::{self, RecallError};
use subsidy_ledger::party::{
    self, ContestedUscc, Filter, Identity, ImportError, ImportReport, ImportRow, NewParty, Party,
    PartyError, PartyRole, ProposedOverride, Registered, store,
};
use subsidy_ledger::tabular::{Format, Mapping, ReadOptions, Table};
use subsidy_ledger::types::{Currency, LogIndex, Name, Zone, ZoneTime};
use subsidy_ledger::zone::{self, NewPerson};

use crate::kit::{TestDb, run};

/// A zone with a reviewer, two managers and an auditor.
struct Office {
    db: TestDb,
    zone: Zone,
    reviewer: Actor,
    manager: Actor,
    second_manager: Actor,
    auditor: Actor,
}

fn now() -> DateTime<Utc> {
    "2026-03-02T01:00:00Z".parse().unwrap()
}

impl Office {
    async fn new() -> Self {
        let db = TestDb::new().await;
        let mut tx = db.app().pool().begin().await.unwrap();
        let new = NewZone {
            code: "TEST".parse().unwrap(),
            name_zh: "测试高新区".parse().unwrap(),
            name_en: "Test zone".parse().unwrap(),
            currency: Currency::Cny,
            time: ZoneTime::default(),
            origin: "test.example/zone".to_owned(),
        };
        let (zone, system) = zone::found(&mut tx, now(), new).await.unwrap();
        let enrol = async |tx: &mut PgConnection, login: &str, role| {
            let new = NewPerson {
                login: login.parse().unwrap(),
                name: login.parse().unwrap(),
                party: None,
                roles: BTreeSet::from([role]),
            };
            let command = command(&zone, &system);
            zone::enrol(tx, &command, new).await.unwrap().0
        };
        let reviewer = enrol(&mut tx, "reviewer", Role::Reviewer).await;
        let manager = enrol(&mut tx, "manager", Role::Manager).await;
        let second_manager = enrol(&mut tx, "second", Role::Manager).await;
        let auditor = enrol(&mut tx, "auditor", Role::Auditor).await;
        tx.commit().await.unwrap();
        Self {
            db,
            zone,
            reviewer,
            manager,
            second_manager,
            auditor,
        }
    }

    async fn begin(&self) -> Transaction<'static, Postgres> {
        let mut tx = self.db.app().pool().begin().await.unwrap();
        db::enter_zone(&mut tx, self.zone.id).await.unwrap();
        tx
    }

    fn by<'a>(&'a self, actor: &'a Actor) -> Command<'a> {
        command(&self.zone, actor)
    }

    /// Registers as the reviewer and commits if that succeeds.
    async fn register(&self, new: &[NewParty]) -> Result<Vec<Registered>, PartyError> {
        let mut tx = self.begin().await;
        let registered = party::register(&mut tx, &self.by(&self.reviewer), new).await?;
        tx.commit().await.unwrap();
        Ok(registered)
    }

    async fn import(&self, rows: &[ImportRow]) -> Result<ImportReport, ImportError> {
        let mut tx = self.begin().await;
        let command = self.by(&self.reviewer);
        let plan = party::plan(&mut tx, &command, rows).await?;
        let report = party::apply(&mut tx, &command, plan, &|_| ()).await?;
        tx.commit().await.unwrap();
        Ok(report)
    }

    async fn propose(&self, actor: &Actor) -> Result<LogIndex, PartyError> {
        let mut tx = self.begin().await;
        let proposed = ProposedOverride {
            code: contested(),
            evidence_sha256: [7; 32],
            reason: "code as printed on the licence".parse().unwrap(),
        };
        let index = party::propose_override(&mut tx, &self.by(actor), &proposed).await?;
        tx.commit().await.unwrap();
        Ok(index)
    }

    async fn confirm(&self, actor: &Actor) -> Result<LogIndex, PartyError> {
        let mut tx = self.begin().await;
        let index = party::confirm_override(&mut tx, &self.by(actor), &contested()).await?;
        tx.commit().await.unwrap();
        Ok(index)
    }

    /// Names found, in the order of the list.
    async fn search(&self, filter: Filter) -> Vec<String> {
        let mut tx = self.begin().await;
        let found = store::list(&mut tx, self.zone.id, &filter).await.unwrap();
        found.iter().map(|party| party.name.to_string()).collect()
    }

    async fn party(&self, registered: Registered) -> Party {
        let mut tx = self.begin().await;
        let found = store::party(&mut tx, self.zone.id, registered.party).await;
        found.unwrap().unwrap()
    }

    /// Kind and details of an entry.
    async fn entry(&self, index: LogIndex) -> (String, Value) {
        let mut tx = self.begin().await;
        let body = journal::entry_body(&mut tx, self.zone.id, index).await;
        let mut body: Value = serde_json::from_slice(&body.unwrap().unwrap()).unwrap();
        (
            body["kind"].as_str().unwrap().to_owned(),
            body["details"].take(),
        )
    }
}

fn command<'a>(zone: &'a Zone, actor: &'a Actor) -> Command<'a> {
    Command {
        zone,
        actor,
        now: now(),
        key: None,
    }
}

/// Worked case E11.
fn contested() -> ContestedUscc {
    "91350211M0000XUF46".parse().unwrap()
}

fn enterprise(identity: Identity, name: &str) -> NewParty {
    NewParty {
        identity,
        name: name.parse().unwrap(),
        roles: [PartyRole::Enterprise].into(),
        group: None,
    }
}

fn coded(code: &str, name: &str) -> NewParty {
    enterprise(Identity::Uscc(code.parse().unwrap()), name)
}

fn named(name: &str) -> NewParty {
    enterprise(Identity::Name(name.parse().unwrap()), name)
}

fn rows(csv: &str) -> Vec<ImportRow> {
    let table = Table::read(csv.as_bytes(), Format::Csv, &ReadOptions::default()).unwrap();
    party::read(&table, &Mapping::default()).unwrap()
}

fn row_errors(result: Result<ImportReport, ImportError>) -> Vec<String> {
    match result {
        Err(ImportError::Rows(errors)) => errors.kept().iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_party_is_an_entry_and_a_row() {
    let office = Office::new().await;
    let mut new = coded(
        "91310115710939629R",
        "'; DROP TABLE party; --<script>{{7*7}}",
    );
    new.roles = [PartyRole::Carrier, PartyRole::Provider].into();
    new.group = Some("恒源控股集团".parse().unwrap());
    let registered = office.register(&[new.clone()]).await.unwrap()[0];
    let party = office.party(registered).await;
    assert_eq!((&party.name, &party.roles), (&new.name, &new.roles));
    assert_eq!(party.identity, new.identity);
    assert_eq!(party.region.as_deref(), Some("310115"));
    assert!(!party.name_needs_review);
    let group = party.group.unwrap();
    assert_eq!(Some(group.name), new.group);
    let (kind, details) = office.entry(registered.index).await;
    let expected = serde_json::json!({
        "group": group.id, "identifier": "91310115710939629R", "name": new.name,
        "name_commitment": null, "party": registered.party, "roles": ["carrier", "provider"],
        "scheme": "uscc",
    });
    assert_eq!((kind.as_str(), details), ("party.registered", expected));
    let mut tx = office.begin().await;
    let by_code = store::party_by_uscc(&mut tx, office.zone.id, "91310115710939629R").await;
    assert_eq!(by_code.unwrap().unwrap().id, registered.party);
}

/// Invariant 12: a team is natural persons, so the log has a commitment that dies with its salt.
#[tokio::test]
async fn a_teams_name_is_not_in_the_log() {
    let office = Office::new().await;
    let team = enterprise(Identity::Team("T-1".parse().unwrap()), "王小明团队");
    let registered = office.register(&[team]).await.unwrap()[0];
    let (_, details) = office.entry(registered.index).await;
    assert_eq!(details["name"], Value::Null);
    let mut tx = office.begin().await;
    let commitment: String = sqlx::query_scalar(
        "SELECT encode(sha256(name_salt || convert_to(name, 'UTF8')), 'hex') FROM ledger.party",
    )
    .fetch_one(&mut *tx)
    .await
    .unwrap();
    assert_eq!(details["name_commitment"], commitment);
    sqlx::query("UPDATE ledger.party SET name_salt = NULL")
        .execute(&mut *tx)
        .await
        .unwrap();
}

#[tokio::test]
async fn names_that_look_alike_are_noticed_and_one_name_is_one_party() {
    let office = Office::new().await;
    office.register(&[named("Café 科技")]).await.unwrap();
    let again = office.register(&[named("Cafe\u{301} 科技")]).await;
    assert!(matches!(
        again,
        Err(PartyError::AlreadyRegistered(Identity::Name(_)))
    ));
    let odd = [
        coded("91000000MA00000900", "PayPаl 科技"),
        coded("91000000MA0000277Y", "Café 科技"),
    ];
    for registered in office.register(&odd).await.unwrap() {
        assert!(office.party(registered).await.name_needs_review);
    }
}

#[tokio::test]
async fn a_code_is_registered_once_whoever_comes_first() {
    let office = Office::new().await;
    let one = || [coded("91000000MA00000900", "甲公司")];
    let twice = [one(), one()].concat();
    let refused = office.register(&twice).await;
    assert!(matches!(refused, Err(PartyError::AlreadyRegistered(_))));
    let (first, second) = (one(), one());
    let racing = tokio::join!(office.register(&first), office.register(&second));
    let (winner, loser) = match racing {
        (Ok(winner), Err(loser)) | (Err(loser), Ok(winner)) => (winner, loser),
        other => panic!("{other:?}"),
    };
    assert!(
        matches!(
            loser,
            PartyError::AlreadyRegistered(_) | PartyError::Overtaken { .. }
        ),
        "{loser:?}"
    );
    assert_eq!(office.party(winner[0]).await.name.as_str(), "甲公司");
    let mut tx = office.begin().await;
    assert_eq!(
        store::count(&mut tx, office.zone.id, None).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn a_repeated_command_gets_its_first_answer() {
    let office = Office::new().await;
    let command = Command {
        key: Some("form-1"),
        ..office.by(&office.reviewer)
    };
    let new = [coded("91000000MA00000900", "甲公司"), named("乙")];
    let mut tx = office.begin().await;
    let first = party::register(&mut tx, &command, &new).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = office.begin().await;
    let second = party::register(&mut tx, &command, &new).await.unwrap();
    assert_eq!((first.len(), &first), (2, &second));
    let other = party::register(&mut tx, &command, &new[..1]).await;
    assert!(matches!(
        other,
        Err(PartyError::Recall(RecallError::KeyConflict(_)))
    ));
}

#[tokio::test]
async fn only_the_office_keeps_the_register() {
    let office = Office::new().await;
    let mut tx = office.begin().await;
    let command = office.by(&office.auditor);
    let refused = party::register(&mut tx, &command, &[named("甲")]).await;
    assert!(matches!(refused, Err(PartyError::Forbidden(_))));
}

/// Worked case E11; invariant 9.
#[tokio::test]
async fn a_code_that_fails_its_check_needs_two_persons() {
    let office = Office::new().await;
    let new = [enterprise(
        Identity::UsccOverride(contested()),
        "厦门某公司",
    )];
    let file = rows("uscc,name\n91350211M0000XUF46,厦门某公司\n");
    let not_overridden = |result: Result<Vec<Registered>, PartyError>| {
        assert!(
            matches!(result, Err(PartyError::NotOverridden(_))),
            "{result:?}"
        );
    };
    not_overridden(office.register(&new).await);
    assert_eq!(
        row_errors(office.import(&file).await),
        [
            "row 2, uscc \"91350211M0000XUF46\": the check character is 6, computed R: a digit is \
             mistyped, or the code needs a recorded override by two persons with the licence as evidence"
        ]
    );
    let early = office.confirm(&office.manager).await;
    assert!(matches!(early, Err(PartyError::NoOverride(_))));
    let proposed = office.propose(&office.manager).await.unwrap();
    not_overridden(office.register(&new).await);
    let again = office.propose(&office.reviewer).await;
    assert!(matches!(again, Err(PartyError::OverrideExists(_))));
    let alone = office.confirm(&office.manager).await;
    assert!(matches!(alone, Err(PartyError::SamePerson(_))));
    let junior = office.confirm(&office.reviewer).await;
    assert!(matches!(junior, Err(PartyError::Forbidden(_))));
    let confirmed = office.confirm(&office.second_manager).await.unwrap();
    let late = office.confirm(&office.second_manager).await;
    assert!(matches!(late, Err(PartyError::OverrideConfirmed(_))));

    let (kind, details) = office.entry(proposed).await;
    assert_eq!(kind, "party.uscc_override_proposed");
    assert_eq!(details["evidence_sha256"], "07".repeat(32));
    let (kind, details) = office.entry(confirmed).await;
    assert_eq!(kind, "party.uscc_override_confirmed");
    assert_eq!(details["proposed_index"], proposed.0);
    let report = office.import(&file).await.unwrap();
    assert_eq!((report.new, report.known), (1, 0));
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

/// Postgres refuses what the commands can't express, even to a superuser.
#[tokio::test]
async fn the_schema_holds_the_rules_too() {
    let office = Office::new().await;
    let proposed = office.propose(&office.manager).await.unwrap();
    office.register(&[named("甲")]).await.unwrap();
    let mut conn = office.db.superuser().await;
    let party = |scheme: &str, identifier: &str, name: &str| {
        format!(
            "INSERT INTO ledger.party (zone_id, party_id, log_index, created_at, name_needs_review,
                 scheme, identifier, name)
             VALUES (1, gen_random_uuid(), 0, now(), false, '{scheme}', '{identifier}', '{name}')"
        )
    };
    let confirm = |person: &str| {
        format!(
            "UPDATE ledger.uscc_override SET confirmed_by = {person}, confirmed_index = {proposed}"
        )
    };
    let refused = [
        (party("uscc", "914403001922038217", "x"), "party_uscc_check"),
        (party("uscc", "9144030019220382166", "x"), "party_uscc_form"),
        (
            party("uscc_override", "91350211M0000XUF46", "x"),
            "party_override_fkey",
        ),
        (
            party("uscc_override", "914403001922038216", "x"),
            "party_override_fkey",
        ),
        (party("name", "x", "y"), "party_named_by_name"),
        (party("name", "甲", "甲"), "party_identifier_key"),
        (
            party("name", "Cafe\u{301}", "Cafe\u{301}"),
            "party_name_nfc",
        ),
        (party("bank", "x", "x"), "party_scheme_known"),
        (confirm("proposed_by"), "uscc_override_two_persons"),
        (confirm("NULL"), "uscc_override_confirmed_whole"),
        (
            "UPDATE ledger.uscc_override SET code = '914403001922038216'".to_owned(),
            "uscc_override_fails_its_check",
        ),
    ];
    for (sql, constraint) in refused {
        assert_eq!(
            refusal(&mut conn, &sql).await.as_deref(),
            Some(constraint),
            "{sql}"
        );
    }
    run(&mut conn, &party("uscc", "914403001922038216", "x")).await;
    let mut outside = office.db.app().pool().acquire().await.unwrap();
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger.party")
        .fetch_one(&mut *outside)
        .await
        .unwrap();
    assert_eq!(seen, 0, "row-level security fails closed");
}

#[tokio::test]
async fn a_party_changes_its_group() {
    let office = Office::new().await;
    let registered = office.register(&[named("甲")]).await.unwrap()[0];
    let assign = async |group: Option<&str>| {
        let group: Option<Name> = group.map(|name| name.parse().unwrap());
        let mut tx = office.begin().await;
        let command = office.by(&office.reviewer);
        let index = party::assign_group(&mut tx, &command, registered.party, group.as_ref()).await;
        tx.commit().await.unwrap();
        let group = office.party(registered).await.group;
        (index.unwrap(), group)
    };
    let (index, group) = assign(Some("张三")).await;
    let group = group.unwrap();
    let (kind, details) = office.entry(index).await;
    assert_eq!(kind, "party.group_assigned");
    let expected = serde_json::json!({"from": null, "party": registered.party, "to": group.id});
    assert_eq!(details, expected, "a controller's name is not in the log");
    assert_eq!(assign(Some("张三")).await.1, Some(group.clone()));
    assert_ne!(assign(Some("李四")).await.1, Some(group));
    assert_eq!(assign(None).await.1, None);
    let mut tx = office.begin().await;
    let command = office.by(&office.reviewer);
    let unknown = subsidy_ledger::types::PartyId::generate();
    let refused = party::assign_group(&mut tx, &command, unknown, None).await;
    assert!(matches!(refused, Err(PartyError::UnknownParty(_))));
}

/// Pages by key, too.
#[tokio::test]
async fn a_search_takes_every_character_for_itself() {
    let office = Office::new().await;
    let mut provider = coded("91000000MA00000900", "100% Service_Co");
    provider.roles = [PartyRole::Provider].into();
    office
        .register(&[
            named("甲一公司"),
            provider,
            named("甲二公司"),
            named("Café"),
        ])
        .await
        .unwrap();
    let search = |text: &str| Filter {
        search: Some(text.to_owned()),
        limit: 10,
        ..Filter::default()
    };
    assert_eq!(office.search(search("%")).await, ["100% Service_Co"]);
    assert_eq!(office.search(search("e_c")).await, ["100% Service_Co"]);
    assert_eq!(
        office.search(search("91000000MA00000900")).await,
        ["100% Service_Co"]
    );
    assert_eq!(
        office.search(search("公司")).await,
        ["甲一公司", "甲二公司"]
    );
    assert_eq!(office.search(search("cafe\u{301}")).await, ["Café"]);
    let providers = Filter {
        role: Some(PartyRole::Provider),
        limit: 10,
        ..Filter::default()
    };
    assert_eq!(office.search(providers).await, ["100% Service_Co"]);
    let mut tx = office.begin().await;
    let page = |after| Filter {
        after,
        limit: 3,
        ..Filter::default()
    };
    let first = store::list(&mut tx, office.zone.id, &page(None))
        .await
        .unwrap();
    assert_eq!(first.len(), 3);
    let rest = office
        .search(page(first.last().map(|party| party.id)))
        .await;
    assert_eq!(rest, ["Café"]);
}

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let office = Office::new().await;
    let parties = party::generate(11, 2_500);
    let mut csv = Vec::new();
    party::write_csv(&parties, &mut csv).unwrap();
    let file = rows(std::str::from_utf8(&csv).unwrap());
    let mut tx = office.begin().await;
    let command = office.by(&office.reviewer);
    let dry = party::plan(&mut tx, &command, &file).await.unwrap();
    assert_eq!((dry.report().new, dry.report().entries), (2_500, None));
    assert_eq!(
        store::count(&mut tx, office.zone.id, None).await.unwrap(),
        0
    );
    let steps = Mutex::new(Vec::new());
    let progress = |done| steps.lock().unwrap().push(done);
    let report = party::apply(&mut tx, &command, dry, &progress)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(steps.into_inner().unwrap(), [1_000, 2_000, 2_500]);
    let (first, last) = report.entries.unwrap();
    assert_eq!(last.0 - first.0, 2_499);

    let again = office.import(&file).await.unwrap();
    assert_eq!((again.new, again.known, again.entries), (0, 2_500, None));
    let mut tx = office.begin().await;
    assert_eq!(
        store::count(&mut tx, office.zone.id, None).await.unwrap(),
        2_500
    );
}

#[tokio::test]
async fn a_file_that_contradicts_what_is_known_is_refused_whole() {
    let office = Office::new().await;
    let known = rows(
        "uscc,name,roles,group\n91000000MA00000900,甲公司,provider,张三\n\
         91000000MA0000277Y,Café,,\n914403001922038216,丙公司,,\n",
    );
    office.import(&known).await.unwrap();
    let file = rows(
        "uscc,name,roles,group\n91000000MA00000900,甲公司,provider,\n\
         91000000MA0000277Y,Cafe\u{301},carrier,\n914403001922038216,丁公司,,\n\
         91350100M000100Y43,新公司,,\n",
    );
    assert_eq!(
        row_errors(office.import(&file).await),
        [
            "row 3, uscc \"91000000MA0000277Y\": is known with the roles \"enterprise\", the file has \
             \"carrier\"; correct the row: an import does not change parties",
            "row 4, uscc \"914403001922038216\": is known with the name \"丙公司\", the file has \
             \"丁公司\"; correct the row: an import does not change parties",
        ]
    );
    let mut tx = office.begin().await;
    assert_eq!(
        store::count(&mut tx, office.zone.id, None).await.unwrap(),
        3
    );
}

/// Whoever was overtaken begins again, and finds nothing left to do.
#[tokio::test(flavor = "multi_thread")]
async fn racing_imports_of_one_file_register_its_parties_once() {
    let office = Office::new().await;
    let file = rows("uscc,name\n91000000MA00000900,甲公司\n91000000MA0000103M,乙公司\n");
    let imports = (0..6).map(|_| {
        let input = (office.zone.clone(), office.reviewer.clone(), file.clone());
        office
            .db
            .app()
            .write(office.zone.id, input, |tx, (zone, actor, rows)| {
                Box::pin(async move {
                    let command = command(zone, actor);
                    let plan = party::plan(tx, &command, rows).await?;
                    party::apply(tx, &command, plan, &|_| ()).await
                })
            })
    });
    let reports: Vec<Result<ImportReport, ImportError>> = join_all(imports).await;
    let entries = reports
        .into_iter()
        .filter_map(|report| report.unwrap().entries)
        .count();
    assert_eq!(entries, 1, "one of them registered the parties");
    let all = Filter {
        limit: 10,
        ..Filter::default()
    };
    assert_eq!(office.search(all).await, ["甲公司", "乙公司"]);
}
