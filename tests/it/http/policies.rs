//! Policies over HTTP: packs are checked and decide, a draft is simulated, a party is told what it qualifies for.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use subsidy_ledger::identity::Role;
use subsidy_ledger::party::{Identity, NewParty, PartyRole, Roles};

use super::service::{Answer, Service};
use crate::policy_cases::pack_text;

async fn post(service: &Service, route: &str, body: &Value) -> Answer {
    let request = Request::post(format!("/v1/zones/SH/policies/{route}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    service.send(request).await
}

fn case(pack: &str, facts: &Value) -> Value {
    json!({ "pack": pack, "on": "2020-06-01", "facts": facts })
}

fn file() -> Value {
    json!({
        "as_of": "2020-06-01",
        "facts": { "applicant_kind": "enterprise", "uscc": "91000000MA00000900", "service_price": "200000.00" },
        "usage": { "held_now": "0.00", "used_this_year": "0.00" },
    })
}

/// The fields at fault, with what is wrong with each.
fn faults(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.json();
    let errors = body["errors"].as_array().unwrap().iter();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap().to_owned();
    errors
        .map(|error| (text(error, "field"), text(error, "detail")))
        .collect()
}

#[tokio::test]
async fn a_long_pack_is_read_where_packs_are_and_nowhere_else() {
    let service = Service::new().await;
    let long = pack_text("shanghai-2020") + &"# a remark\n".repeat(20_000);
    let checked = post(&service, "check", &json!({ "pack": long })).await;
    assert_eq!(checked.json()["sound"], true, "{}", checked.text());
    let decided = post(&service, "decisions", &case(&long, &file())).await;
    assert_eq!(decided.json()["decision"]["outcome"], "pass");
    assert_eq!(decided.json()["decision"]["amount"], "100000.00");
    let draft = json!({ "pack": long, "on": "2020-06-01" });
    assert_eq!(post(&service, "simulations", &draft).await.status, 200);
    let too_long = json!({ "pack": "#".repeat(1 << 20) });
    let answer = post(&service, "check", &too_long).await;
    assert_eq!(answer.problem(), (413, "body_too_large".to_owned()));
    service.enrol("ann", Role::Manager).await;
    let hold = "00000000-0000-0000-0000-000000000000";
    let request = Request::post(format!("/v1/zones/SH/holds/{hold}/redemptions"))
        .header("content-type", "application/json")
        .header("acting-person", "ann")
        .header("idempotency-key", "k1")
        .body(Body::from(long))
        .unwrap();
    let answer = service.send(request).await;
    assert_eq!(answer.problem(), (413, "body_too_large".to_owned()));
}

#[tokio::test]
async fn every_fault_of_pack_and_facts_is_told() {
    let service = Service::new().await;
    let faulty = pack_text("shanghai-2020")
        .replace("currency = \"CNY\"", "currency = \"cny\"")
        .replace("payee = \"provider\"", "payee = \"nobody\"");
    let answer = post(&service, "decisions", &case(&faulty, &file())).await;
    assert_eq!(answer.problem(), (422, "invalid".to_owned()));
    let told = faults(&answer);
    assert_eq!(told.len(), 2, "{told:?}");
    for (field, detail) in &told {
        assert_eq!(field, "pack");
        let is_placed = detail.starts_with("line ") && detail.contains("; remedy: ");
        assert!(is_placed, "{detail}");
    }
    let facts = json!({ "as_of": "2020-06-01", "facts": { "uscc": 3, "staf": 1 }, "usage": {} });
    let answer = post(
        &service,
        "decisions",
        &case(&pack_text("shanghai-2020"), &facts),
    )
    .await;
    let told = faults(&answer);
    let fields: Vec<&str> = told.iter().map(|(field, _)| field.as_str()).collect();
    let expected = ["facts.usage", "facts.facts.uscc", "facts.facts.staf"];
    let (mut fields, mut expected) = (fields, expected.to_vec());
    fields.sort_unstable();
    expected.sort_unstable();
    assert_eq!(fields, expected, "{told:?}");
}

#[tokio::test]
async fn every_fault_of_a_question_is_told() {
    let service = Service::new().await;
    let pack = pack_text("shanghai-2020");
    let body =
        json!({ "pack": pack, "on": "2020-02-30", "limit": -1, "role": "nobody", "after": "x" });
    let told = faults(&post(&service, "screenings", &body).await);
    let fields: Vec<&str> = told.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["after", "limit", "on", "role"], "{told:?}");
    let assume =
        json!({ "servce_price": "1.00", "service_price": "one", "applicant_kind": "enterprise" });
    let body = json!({ "pack": pack, "on": "2020-06-01", "assume": assume });
    let told = faults(&post(&service, "screenings", &body).await);
    let fields: Vec<&str> = told.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(
        fields,
        ["assume.servce_price", "assume.service_price"],
        "{told:?}"
    );
}

/// Who came later, and what was asked in vain.
#[tokio::test]
async fn a_screening_says_what_is_odd_about_its_question() {
    let service = Service::new().await;
    let new = NewParty {
        identity: Identity::Uscc("91000000MA00000900".parse().unwrap()),
        name: "云川科技有限公司".parse().unwrap(),
        roles: Roles::from([PartyRole::Enterprise]),
        group: None,
    };
    service.register(new).await;
    let assume = json!({
        "uscc": "91000000MA0000277Y", "staff": "3", "earlier_awards": "1", "service_price": "100.00",
        "applicant_kind": "enterprise",
    });
    let pack = pack_text("shanghai-2020");
    for (on, since) in [("2026-02-28", 1), ("2026-03-01", 0)] {
        let body = json!({ "pack": pack, "on": on, "assume": assume });
        for route in ["screenings", "simulations"] {
            let body = post(&service, route, &body).await.json();
            assert_eq!(body["parties"], 1, "{body}");
            assert_eq!(
                body["registered_since"].as_i64().unwrap_or(0),
                since,
                "{route} {on}: {body}"
            );
            let vain = json!(["earlier_awards", "staff", "uscc"]);
            assert_eq!(body["assumed_in_vain"], vain, "{route}");
        }
    }
}

/// What is wrong is told in the words of the request, not of the command line.
#[tokio::test]
async fn refusals_name_fields() {
    let service = Service::new().await;
    let (pack, on) = (pack_text("shanghai-2020"), "2020-06-01");
    for (route, body, field) in [
        (
            "screenings",
            json!({ "pack": pack, "on": on, "moment": "redemption" }),
            "moment",
        ),
        (
            "screenings",
            json!({ "programme": "NONE", "on": on }),
            "programme",
        ),
        ("screenings", json!({ "on": on }), "programme"),
        (
            "screenings",
            json!({ "pack": pack, "on": on, "after": "00000000-0000-0000-0000-000000000000" }),
            "after",
        ),
        (
            "simulations",
            json!({ "pack": pack, "on": on, "moment": "redemption" }),
            "moment",
        ),
        (
            "simulations",
            json!({ "pack": pack, "outcome": "pass" }),
            "",
        ),
        (
            "simulations",
            json!({ "pack": pack, "after": "00000000-0000-0000-0000-000000000000" }),
            "",
        ),
        ("simulations", json!({ "programme": "SH-VOUCHER" }), ""),
    ] {
        let answer = post(&service, route, &body).await;
        assert_eq!(
            answer.problem(),
            (422, "invalid".to_owned()),
            "{route} {body}"
        );
        let said = answer.text();
        let cli = said.contains(" --") || said.contains("`programme list`");
        assert!(!cli, "{said}");
        let given = answer.json();
        let named = given["errors"][0]["field"].as_str().unwrap_or_default();
        assert!(field.is_empty() || named == field, "{said}");
    }
}

#[tokio::test]
async fn a_party_is_named_by_id_or_code() {
    let service = Service::new().await;
    let code = "91000000MA00000900";
    let new = NewParty {
        identity: Identity::Uscc(code.parse().unwrap()),
        name: "云川科技有限公司".parse().unwrap(),
        roles: Roles::from([PartyRole::Enterprise]),
        group: None,
    };
    let id = service.register(new).await;
    for named in [id.to_string(), code.to_owned()] {
        let path = format!("/v1/zones/SH/parties/{named}/eligibility?lang=en");
        let answer = service.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["programmes"], json!([]));
    }
    for unknown in [
        "91000000MA00000000",
        "nobody",
        "00000000-0000-0000-0000-000000000000",
    ] {
        let path = format!("/v1/zones/SH/parties/{unknown}/eligibility");
        let answer = service.get(&path).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()));
    }
}

/// Postgres keeps no such text: that is the client's fault, not the service's.
#[tokio::test]
async fn a_text_with_nul_is_refused() {
    let service = Service::new().await;
    for path in [
        "parties/%00/eligibility",
        "parties/a%00/eligibility",
        "parties?search=%00",
    ] {
        let answer = service.get(&format!("/v1/zones/SH/{path}")).await;
        assert!(
            matches!(answer.status.as_u16(), 404 | 422),
            "{path}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn faults_of_both_packs_are_told() {
    let service = Service::new().await;
    let faulty = json!({ "pack": "x" });
    let body = json!({ "old": faulty, "new": { "published": "NONE" } });
    let told = faults(&post(&service, "differences", &body).await);
    let fields: Vec<&str> = told.iter().map(|(field, _)| field.as_str()).collect();
    assert!(
        fields.contains(&"old.pack") && fields.contains(&"new.published"),
        "{told:?}"
    );
    let told = faults(&post(&service, "differences", &json!({ "old": faulty })).await);
    assert_eq!(told, [("new".to_owned(), "missing field `new`".to_owned())]);
    let assume = json!({ "staff": 5, "uscc": null });
    let body = json!({ "pack": pack_text("shanghai-2020"), "assume": assume });
    let told = faults(&post(&service, "screenings", &body).await);
    let fields: Vec<&str> = told.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["assume.staff", "assume.uscc"], "{told:?}");
}
