//! Rules over HTTP: two persons publish a version; packs are compared; decisions are made again.

use serde_json::{Value, json};

use super::office::Office;
use super::service::Answer;
use crate::kit::scenario::World;
use crate::policy_cases::{changed_pack, pack_text};
use crate::policy_replay::played;

/// The rules of Yuhuan with another rate, from 2024 on.
fn draft() -> String {
    let changes = [
        ("version = \"2023-1\"", "version = \"2024-1\""),
        ("from = 2023-01-01", "from = 2024-01-01"),
    ];
    changed_pack("yuhuan-2023", &changes, "2024-01-01")
}

async fn give(office: &Office, path: &str, by: (&str, &str), body: Value) -> Answer {
    let body = body.to_string();
    office
        .command(path, by, ("application/json", body.as_bytes()))
        .await
}

#[tokio::test]
async fn two_persons_publish_a_version() {
    let office = Office::on(World::new(&[]).await, "2023-12-01");
    let pack = draft();
    let body = || json!({ "pack": pack });
    for (who, problem) in [
        ("manager", (403, "forbidden")),
        ("nobody", (403, "unknown_person")),
        ("No One", (400, "acting_person")),
    ] {
        let refused = give(&office, "policies/proposals", (who, "k1"), body()).await;
        assert_eq!(
            refused.problem(),
            (problem.0, problem.1.to_owned()),
            "{who}"
        );
    }
    let early = give(&office, "policies/publications", ("manager", "k1"), body()).await;
    assert_eq!(early.problem(), (409, "not_proposed".to_owned()));
    let size = office.world.size().await;
    let proposed = give(&office, "policies/proposals", ("rules", "k1"), body()).await;
    let entry = proposed.json()["entry"].clone();
    assert_eq!(entry, size, "{}", proposed.text());
    // The same key has the same answer, and another command under it is a conflict.
    let again = give(&office, "policies/proposals", ("rules", "k1"), body()).await;
    assert_eq!(again.json()["entry"], entry);
    let other = json!({ "pack": format!("{pack}# a remark\n") });
    let conflict = give(
        &office,
        "policies/proposals",
        ("rules", "k1"),
        other.clone(),
    )
    .await;
    assert_eq!(
        conflict.problem(),
        (422, "idempotency_key_reused".to_owned())
    );
    let waiting = office.get("policies/proposals").await.json();
    assert_eq!(waiting["proposals"][0]["entry"], entry);
    assert_eq!(waiting["proposals"][0]["proposer"], "rules");
    let shown = office
        .get(&format!("policies/proposals/{entry}"))
        .await
        .json();
    assert_eq!(
        (shown["pack"].as_str(), &shown["version"]),
        (Some(&*pack), &json!("2024-1"))
    );

    let published = give(&office, "policies/publications", ("manager", "k2"), body())
        .await
        .json();
    assert_eq!(published["in_force_from"], "2024-01-01", "{published}");
    let listed = office.get("policies").await.json();
    let of_yuhuan: Vec<(&str, &Value)> = listed["policies"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["code"] == "YH-VOUCHER")
        .map(|one| (one["version"].as_str().unwrap(), &one["in_force_until"]))
        .collect();
    assert_eq!(
        of_yuhuan,
        [("2023-1", &json!("2024-01-01")), ("2024-1", &Value::Null)]
    );
    let late = give(&office, "policies/proposals", ("rules", "k3"), other).await;
    assert_eq!(late.problem(), (409, "version_exists".to_owned()));
    assert_eq!(
        office.get("policies/proposals").await.json()["proposals"],
        json!([])
    );
    assert_eq!(office.get("policies/proposals/0").await.problem().0, 404);
    office.world.check_invariants().await;
}

#[tokio::test]
async fn a_proposal_is_withdrawn_and_faults_of_a_pack_are_told() {
    let office = Office::on(World::new(&[]).await, "2023-12-01");
    let faulty = draft().replace("currency = \"CNY\"", "currency = \"cny\"");
    let refused = give(
        &office,
        "policies/proposals",
        ("rules", "k0"),
        json!({ "pack": faulty }),
    )
    .await;
    assert_eq!(refused.problem(), (422, "invalid".to_owned()));
    assert!(refused.text().contains("; remedy: "), "{}", refused.text());
    let body = json!({ "pack": draft() });
    let proposed = give(&office, "policies/proposals", ("rules", "k1"), body.clone())
        .await
        .json();
    let path = format!("policies/proposals/{}/withdrawal", proposed["entry"]);
    let unsaid = give(&office, &path, ("manager", "k1"), json!({ "reason": "" })).await;
    assert_eq!(unsaid.json()["field"], "reason", "{}", unsaid.text());
    let reason = || json!({ "reason": "比例有误" });
    let withdrawn = give(&office, &path, ("manager", "k1"), reason()).await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.text());
    let again = give(&office, &path, ("manager", "k2"), reason()).await;
    assert_eq!(again.problem(), (404, "not_found".to_owned()));
    let refused = give(&office, "policies/publications", ("manager", "k3"), body).await;
    assert_eq!(refused.problem(), (409, "withdrawn".to_owned()));
    office.world.check_invariants().await;
}

#[tokio::test]
async fn packs_are_compared_and_have_a_schema() {
    let office = Office::on(World::new(&[]).await, "2023-12-01");
    let new = pack_text("yuhuan-2023").replace("version = \"2023-1\"", "version = \"2024-1\"");
    for old in ["YH-VOUCHER@2023-1", "YH-VOUCHER@2023-06-01"] {
        let pair = json!({ "old": { "published": old }, "new": { "pack": new } });
        let compared = office.ask("policies/differences", &pair).await.json();
        assert_eq!(compared["old"]["version"], "2023-1", "{compared}");
        let differences = compared["differences"].as_array().unwrap();
        assert_eq!(differences.len(), 1, "{compared}");
        assert!(
            differences[0]["zh"].as_str().unwrap().contains("2024-1"),
            "{compared}"
        );
    }
    for (pair, field) in [
        (json!({ "old": {}, "new": { "pack": new } }), "old"),
        (
            json!({ "old": { "published": "YH-VOUCHER@2022-01-01" }, "new": { "pack": new } }),
            "old.published",
        ),
        (
            json!({ "old": { "published": "YH-VOUCHER" }, "new": { "pack": new } }),
            "old.published",
        ),
        (
            json!({ "old": { "pack": "" }, "new": { "pack": new } }),
            "old.pack",
        ),
    ] {
        let refused = office.ask("policies/differences", &pair).await;
        assert_eq!(
            refused.json()["errors"][0]["field"],
            field,
            "{}",
            refused.text()
        );
    }
    let schema = office.get("policies/schema").await.json();
    assert_eq!(schema, subsidy_ledger::policy::pack_schema());
}

#[tokio::test]
async fn decisions_are_made_again_one_by_one_and_by_a_draft() {
    let office = Office::on(played().await.world, "2023-12-01");
    let decided = crate::policy_replay::replayed(&office.world).await;
    let index = decided[0].index;
    let replayed = office
        .get(&format!("decisions/{index}/replay"))
        .await
        .json();
    let expected =
        json!({ "entry": index, "identical": true, "kind": decided[0].kind, "why": null });
    assert_eq!(replayed, expected);
    assert_eq!(office.get("decisions/0/replay").await.problem().0, 404);
    let size = office.world.size().await;
    let draft = json!({ "pack": draft(), "from": "2023-05-01", "limit": 5 });
    let history = office.ask("policies/histories", &draft).await.json();
    assert_eq!(history["programme"], "YH-VOUCHER", "{history}");
    assert!(history["decisions"].as_u64().unwrap() >= 4, "{history}");
    let wrong =
        json!({ "pack": pack_text("yuhuan-2023"), "from": "2023-05-01", "until": "2023-04-30" });
    let refused = office.ask("policies/histories", &wrong).await;
    assert_eq!(refused.json()["field"], "until", "{}", refused.text());
    assert_eq!(office.world.size().await, size);
}
