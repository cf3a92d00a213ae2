//! Routes, methods, hosts, and what is wrong with requests.

use axum::body::Body;
use axum::http::Request;
use insta::assert_json_snapshot;
use subsidy_ledger::journal::AccountCode::{B10, B20, B30, F1010, F3010};
use subsidy_ledger::log::signer::SignerStatus;
use uuid::Uuid;

use super::office::Office;
use super::service::{Line, Service, noon};
use crate::recovery::Recoveries;

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let service = Service::new().await;
    let missing = Uuid::now_v7();
    for path in [
        "/nothing",
        "/v1/zones/SH/nothing",
        "/v1/zones/XX/entries",
        "/v1/zones/sh/entries",
        "/v1/zones/SH/entries/999",
        "/v1/zones/SH/entries/-1",
        "/v1/zones/SH/receipts/999",
        "/v1/zones/SH/vouchers/no-uuid",
        "/static/ledger-000000000000.css",
        "/static/..%2f..%2fCargo.toml",
        "/?zone=XX",
        &format!("/v1/zones/SH/vouchers/{missing}"),
        &format!("/v1/zones/SH/parties/{missing}"),
    ] {
        let answer = service.get(path).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_problem_reads_so() {
    let service = Service::new().await;
    let answer = service.get("/v1/zones/SH/entries?limit=1000000000").await;
    assert_json_snapshot!(answer.json(), { ".request_id" => "[id]" });
    let answer = service.get("/v1/zones/XX/entries").await;
    assert_json_snapshot!(answer.json(), { ".request_id" => "[id]" });
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let service = Service::new().await;
    for (method, path, allow) in [
        ("TRACE", "/v1/zones/SH/entries", "GET,HEAD"),
        ("DELETE", "/v1/zones/SH/entries/1", "GET,HEAD"),
        ("POST", "/healthz", "GET,HEAD"),
        ("BREW", "/", "GET,HEAD"),
        (
            "GET",
            "/v1/zones/SH/holds/01900000-0000-7000-8000-000000000000/redemptions",
            "POST",
        ),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        let answer = service.send(request).await;
        assert_eq!(
            answer.problem(),
            (405, "method_not_allowed".to_owned()),
            "{method} {path}"
        );
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
}

/// Unknown parameters, too.
#[tokio::test]
async fn queries_are_read_strictly() {
    let service = Service::new().await;
    for (query, status, code) in [
        ("entries?limit=1000000000", 422, "invalid"),
        ("entries?limit=0", 422, "invalid"),
        ("entries?limit=-1", 422, "invalid"),
        ("entries?limit=5e1", 422, "invalid"),
        ("entries?from=18446744073709551615", 422, "invalid"),
        ("entries?from=x%00", 422, "invalid"),
        ("entries?limit=1&limit=1", 400, "duplicate_parameter"),
        ("entries?order=desc", 422, "invalid"),
        ("parties?after=tampered", 422, "invalid"),
        ("parties?search=%00", 422, "invalid"),
        ("parties?search=a%E2%80%AEb", 422, "invalid"),
        ("parties?role=boss", 422, "invalid"),
        ("accounts/B10:CNY?at=99", 422, "invalid"),
        (
            "accounts/B10:CNY?at=0&recorded=2026-03-01T00:00:00Z",
            422,
            "invalid",
        ),
        (
            "accounts/B10:CNY?recorded=2026-03-01T00:00:00",
            422,
            "invalid",
        ),
        (
            "accounts/B10:CNY?recorded=2026-02-30T00:00:00Z",
            422,
            "invalid",
        ),
        (
            "accounts/B10:CNY?recorded=2026-12-31T23:59:60Z",
            422,
            "invalid",
        ),
        (
            "accounts/B10:CNY?recorded=0000-01-01T00:00:00Z",
            422,
            "invalid",
        ),
        ("accounts/B10:CNY?recorded=infinity", 422, "invalid"),
        ("accounts/B99:CNY", 422, "invalid"),
        ("accounts/B10:cny", 422, "invalid"),
    ] {
        let answer = service.get(&format!("/v1/zones/SH/{query}")).await;
        assert_eq!(answer.problem(), (status, code.to_owned()), "{query}");
    }
    // A plus sign that was not encoded arrives as a space: the answer says what to write.
    let answer = service
        .get("/v1/zones/SH/accounts/B10:CNY?recorded=2026-03-01T00:00:00+08:00")
        .await;
    assert!(answer.json()["detail"].as_str().unwrap().contains("%2B"));
}

/// The parameter, what belongs there and what was given, in our words.
#[tokio::test]
async fn a_wrong_number_in_a_query_is_named() {
    let service = Service::new().await;
    let limit = "must be a whole number from 1 to 500";
    let entry = "must be the number of an entry: a whole number from 0, such as 41";
    let id = "must be an id, such as 0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11";
    let long = "9".repeat(100);
    for (query, field, wanted, given) in [
        ("entries?limit=0", "limit", limit, "0"),
        ("entries?limit=501", "limit", limit, "501"),
        ("entries?limit=-1", "limit", limit, "-1"),
        ("entries?limit=%2B1", "limit", limit, "+1"),
        ("vouchers?limit=", "limit", limit, ""),
        (
            &format!("parties?limit={long}"),
            "limit",
            limit,
            &format!("{}…", &long[..80]),
        ),
        ("entries?from=1.5", "from", entry, "1.5"),
        ("vouchers?after=V41", "after", entry, "V41"),
        (
            "accounts/B10:CNY?at=V41",
            "at",
            "is no entry, day or instant: write 1234, 2020-12-31 or 2020-12-31T16:00:00Z (with offset)",
            "V41",
        ),
        ("accounts/B10:CNY/statement?from=x", "from", entry, "x"),
        ("parties?after=41", "after", id, "41"),
        ("vouchers?holder=me", "holder", id, "me"),
    ] {
        let answer = service.get(&format!("/v1/zones/SH/{query}")).await;
        assert_eq!(answer.problem(), (422, "invalid".to_owned()), "{query}");
        let (answer, detail) = (answer.json(), format!("{wanted} (given: {given:?})"));
        assert_eq!(answer["field"], field, "{query}: {answer}");
        assert_eq!(answer["errors"][0]["detail"], detail, "{query}");
        assert_eq!(answer["detail"], format!("{field}: {detail}"), "{query}");
    }
}

/// DNS rebinding, too.
#[tokio::test]
async fn only_this_machine_and_no_other_page_is_answered() {
    let service = Service::new().await;
    let post =
        || Request::post("/v1/zones/SH/holds/01900000-0000-7000-8000-000000000000/redemptions");
    let ask = async |request: axum::http::request::Builder| {
        service.send(request.body(Body::empty()).unwrap()).await
    };
    let rebound = ask(Request::get("/healthz").header("host", "evil.example:8080")).await;
    assert_eq!(rebound.problem(), (421, "host_not_loopback".to_owned()));
    let forwarded = ask(Request::get("/healthz")
        .header("host", "evil.example")
        .header("x-forwarded-host", "localhost")
        .header("x-forwarded-for", "127.0.0.1"));
    assert_eq!(forwarded.await.status, 421);
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "http://evil.example"),
        ("origin", "http://localhost:9999"),
        ("origin", "null"),
    ] {
        let answer = ask(post().header(name, value)).await;
        assert_eq!(
            answer.problem(),
            (403, "cross_site".to_owned()),
            "{name}: {value}"
        );
    }
    let own = ask(post()
        .header("sec-fetch-site", "same-origin")
        .header("origin", "http://localhost:8080"));
    assert_eq!(
        own.await.problem(),
        (400, "acting_person_missing".to_owned()),
        "the origin is ours: the next check refuses"
    );
    let link = ask(Request::get("/").header("sec-fetch-site", "cross-site")).await;
    assert_eq!(link.status, 200, "a link from elsewhere may be followed");
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let service = Service::new().await;
    for path in [
        "/",
        "/healthz",
        "/nothing",
        "/v1/zones/SH/entries",
        "/logs/SH/vkey",
    ] {
        let answer = service.get(path).await;
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'none'"),
            "{path}"
        );
        assert!(!answer.header("content-security-policy").contains("unsafe"));
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(!answer.header("cache-control").is_empty(), "{path}");
        answer.header("x-request-id").parse::<Uuid>().unwrap();
    }
}

#[tokio::test]
async fn accounts_are_shown_now_and_as_they_were() {
    let service = Service::new().await;
    service
        .record(&[(B10, B20, 1_000), (F1010, F3010, 1_000)], Line::default())
        .await; // entry 1
    service.record(&[(B10, B20, 500)], Line::default()).await; // entry 2
    let balance = async |query: &str| {
        let answer = service
            .get(&format!("/v1/zones/SH/accounts/B10:CNY{query}"))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["balance"].as_str().unwrap().to_owned()
    };
    assert_eq!(balance("").await, "1500.00");
    assert_eq!(balance("?at=2").await, "1500.00");
    assert_eq!(balance("?at=1").await, "1000.00");
    assert_eq!(balance("?at=0").await, "0.00");
    assert_eq!(balance("?at=2026-03-01").await, "1500.00");
    assert_eq!(balance("?at=2026-02-28").await, "0.00");
    assert_eq!(
        balance("?recorded=2026-03-01T12:00:00%2B08:00").await,
        "1500.00"
    );
    assert_eq!(balance("?recorded=2026-02-28T16:00:00Z").await, "0.00");

    let page = service
        .get("/v1/zones/SH/accounts/B20:CNY/statement?limit=1")
        .await
        .json();
    assert_eq!(page["lines"][0]["credit"], "1000.00");
    assert_eq!(page["lines"].as_array().unwrap().len(), 1);
    let next = page["next"].as_i64().unwrap();
    let page = service
        .get(&format!(
            "/v1/zones/SH/accounts/B20:CNY/statement?from={next}"
        ))
        .await
        .json();
    assert_eq!(page["opening"], "1000.00");
    assert_eq!(page["lines"][0]["balance"], "1500.00");
    assert_eq!(page["next"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_party_has_a_statement_over_all_its_accounts() {
    let world = Recoveries::new().await.world;
    let party = world.parties["p"];
    let office = Office::on(world, "2020-06-30");
    let get = async |query: &str| {
        office
            .get(&format!("parties/{party}/statement{query}"))
            .await
    };
    let answer = get("?since=2020-05-05&until=2020-05-05&limit=2").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let page = answer.json();
    let account = format!("F2010:CNY:SH-VOUCHER:2020:{party}");
    assert_eq!(page["party"]["id"], party.to_string());
    assert_eq!(page["codes"][0]["name_zh"], "应付补助");
    assert_eq!(page["accounts"][0]["account"], account);
    for place in ["codes", "accounts"] {
        let figures = &page[place][0];
        let figures = ["opening", "debits", "credits", "closing"].map(|name| &figures[name]);
        assert_eq!(figures, ["0.00", "0.00", "60000.00", "60000.00"], "{place}");
    }
    assert_eq!(page["lines"].as_array().unwrap().len(), 2);
    let next = page["next"].as_i64().unwrap();
    let rest = get(&format!("?until=2020-05-05&from={next}")).await.json();
    assert_eq!(rest["lines"][0]["account"], account);
    assert_eq!(rest["lines"][0]["balance"], "60000.00");
    assert_eq!(rest["next"], serde_json::Value::Null);

    let turned = get("?since=2020-05-06&until=2020-05-05").await;
    assert_eq!(turned.problem(), (422, "invalid".to_owned()));
    for wrong in ["?since=2020-02-30", "?at=5", "?limit=0"] {
        let answer = get(wrong).await;
        assert_eq!(answer.problem(), (422, "invalid".to_owned()), "{wrong}");
    }
    // By its code too.
    let code = "914403001922038216";
    let named = office.get(&format!("parties/{code}/statement")).await;
    assert_eq!(named.json(), get("").await.json());

    let nobody = Uuid::now_v7();
    let unknown = office.get(&format!("parties/{nobody}/statement")).await;
    assert_eq!(unknown.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn reports_are_decimal_text_with_their_currency() {
    let service = Service::new().await;
    service
        .record(
            &[(B10, B20, 1_000), (F1010, F3010, 1_000)],
            Line::of("SH-2026", 2026),
        )
        .await;
    service
        .record(&[(B20, B30, 400)], Line::of("SH-2026", 2026))
        .await;
    let budget = service.get("/v1/zones/SH/budget-execution").await.json();
    let line = &budget["lines"][1];
    assert_eq!(
        (&line["programme"], &line["currency"]),
        (&"SH-2026".into(), &"CNY".into())
    );
    assert_eq!(
        (&line["allocated"], &line["free"]),
        (&"400.00".into(), &"400.00".into())
    );
    let books = service.get("/v1/zones/SH/trial-balance").await.json();
    assert_eq!(books["books"].as_array().unwrap().len(), 2);
    for book in books["books"].as_array().unwrap() {
        assert_eq!(book["balances"], true);
        assert_eq!(book["debits"], book["credits"]);
    }
}

#[tokio::test]
async fn entries_are_listed_page_by_page() {
    let service = Service::new().await;
    for _ in 0..4 {
        service.record(&[(B10, B20, 1)], Line::default()).await;
    }
    let mut seen = Vec::new();
    let mut from = Some(0);
    while let Some(index) = from {
        let page = service
            .get(&format!("/v1/zones/SH/entries?limit=2&from={index}"))
            .await
            .json();
        for entry in page["entries"].as_array().unwrap() {
            seen.push(entry["index"].as_i64().unwrap());
            assert_eq!(entry["entry"]["zone"], "SH");
        }
        from = page["next"].as_i64();
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn parties_programmes_and_vouchers_of_an_empty_zone_are_empty_lists() {
    let service = Service::new().await;
    for (path, list) in [
        ("parties?search=%25_&role=provider&limit=5", "parties"),
        ("programmes", "programmes"),
        ("vouchers?programme=SH-2026", "vouchers"),
    ] {
        let answer = service.get(&format!("/v1/zones/SH/{path}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.json()[list].as_array().unwrap().is_empty());
    }
}

#[tokio::test]
async fn readiness_follows_the_signer_and_the_database() {
    let service = Service::new().await;
    assert_eq!(service.get("/healthz").await.text(), "alive\n");
    let set = |status| service.status.send_replace(status);
    set(SignerStatus::Starting);
    assert_eq!(
        service.get("/readyz").await.problem(),
        (503, "not_ready".to_owned())
    );
    set(SignerStatus::Signing {
        seen_at: noon() - chrono::TimeDelta::seconds(11),
    });
    let late = service.get("/readyz").await;
    assert_eq!(late.problem().0, 503);
    assert_eq!(late.header("retry-after"), "1");
    assert!(
        late.json()["detail"]
            .as_str()
            .unwrap()
            .contains("11 s behind")
    );
    set(SignerStatus::Failing {
        since: noon(),
        reason: "secret path".to_owned(),
    });
    assert!(!service.get("/readyz").await.text().contains("secret"));
    set(SignerStatus::Signing { seen_at: noon() });
    assert_eq!(service.get("/readyz").await.text(), "ready\n");
    service.db.app().close().await;
    assert_eq!(service.get("/readyz").await.problem().0, 503);
    let entries = service.get("/v1/zones/SH/entries").await;
    assert_eq!(entries.problem(), (503, "database_unavailable".to_owned()));
    assert_eq!(entries.header("retry-after"), "1");
    assert_eq!(service.get("/healthz").await.status, 200);
    assert_eq!(service.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn a_defect_shows_nothing_of_itself() {
    let service = Service::new().await;
    crate::kit::run(
        &mut service.db.superuser().await,
        "ALTER TABLE ledger.entry RENAME TO lost",
    )
    .await;
    let answer = service.get("/v1/zones/SH/entries").await;
    assert_eq!(answer.problem(), (500, "internal".to_owned()));
    assert!(!answer.text().contains("ledger.entry"), "{}", answer.text());
}

#[tokio::test]
async fn metrics_are_by_route_and_status() {
    let service = Service::new().await;
    service.get("/v1/zones/SH/entries?limit=7").await;
    service.get("/wp-login.php").await;
    let answer = service.get("/metrics").await;
    let text = answer.text();
    assert!(
        text.contains(r#"route="/v1/zones/{zone}/entries",status="200""#),
        "{text}"
    );
    assert!(text.contains(r#"route="(none)",status="404""#));
    assert!(text.contains("log_entries_total{zone=\"SH\"}"));
    assert!(text.contains("database_sessions{state=\"idle\"}"));
    assert!(!text.contains("wp-login"));
}
