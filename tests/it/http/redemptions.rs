//! The one write: what it refuses before anything is recorded.

use axum::body::Body;
use axum::http::Request;
use axum::http::request::Builder;
use subsidy_ledger::identity::Role;

use super::service::{Answer, Service};

const HOLD: &str = "00000000-0000-0000-0000-000000000000";

fn redemption() -> Builder {
    Request::post(format!("/v1/zones/SH/holds/{HOLD}/redemptions"))
        .header("content-type", "application/json")
        .header("acting-person", "ann")
        .header("idempotency-key", "k1")
}

async fn post(service: &Service, request: Builder, body: impl Into<Body>) -> Answer {
    service.send(request.body(body.into()).unwrap()).await
}

/// Items 1 to 10, 12 and 13, with the amount in the field `price`.
#[tokio::test]
async fn amounts_have_one_form() {
    let service = Service::new().await;
    for body in [
        r#"{"price":NaN}"#,
        r#"{"price":Infinity}"#,
        r#"{"price":1e400}"#,
        r#"{"price":"1.00""#,
        r#"{"price":"1.00"} {}"#,
        r"price=1.00",
        "",
    ] {
        let answer = post(&service, redemption(), body).await;
        assert_eq!(answer.problem(), (400, "not_json".to_owned()), "{body}");
    }
    for price in [
        "\"NaN\"",
        "\"inf\"",
        "\"1e5\"",
        "1e4",
        "100.5",
        "\"-0.00\"",
        "\"-1.00\"",
        "\"0.00\"",
        "\"0.001\"",
        "\"+1.00\"",
        "\"01.00\"",
        "\" 1.00\"",
        "\"1,000.00\"",
        "\"４２.００\"",
        "\"٤٢.٠٠\"",
        "\"9223372036854775807.00\"",
        "\"¥1.00\"",
        "\"1.00 CNY\"",
        "null",
        "[]",
        "true",
        "\"\\u0000\"",
        "{}",
    ] {
        let answer = post(&service, redemption(), format!(r#"{{"price":{price}}}"#)).await;
        assert_eq!(
            answer.problem(),
            (422, "invalid".to_owned()),
            "{price}: {}",
            answer.text()
        );
        assert_eq!(answer.json()["field"], "price", "{price}");
    }
}

/// Items 26, 36 to 38, and fields of the wrong kind.
#[tokio::test]
async fn bodies_are_read_strictly() {
    let service = Service::new().await;
    let deep = format!(r#"{{"price":{}}}"#, "[".repeat(10_000));
    for body in [
        r#"{"price":"1.00","price":"2.00"}"#.as_bytes(),
        r#"{"price":"\ud800"}"#.as_bytes(),
        b"{\"price\":\"\xff\"}",
        deep.as_bytes(),
    ] {
        let answer = post(&service, redemption(), body.to_vec()).await;
        assert_eq!(answer.problem(), (400, "not_json".to_owned()));
    }
    for (body, field) in [
        (r#"{"price":"1.00","approved_by":"me"}"#, "approved_by"),
        (r#"{"price":"1.00","evidence":["abc"]}"#, "evidence"),
        (r#"{"price":"1.00","evidence":[1]}"#, "evidence[0]"),
        (r#"{"price":"1.00","evidence":"x"}"#, "evidence"),
    ] {
        let answer = post(&service, redemption(), body).await;
        assert_eq!(answer.problem(), (422, "invalid".to_owned()), "{body}");
        assert_eq!(
            answer.json()["errors"][0]["field"],
            field,
            "{}",
            answer.text()
        );
    }
    let missing = post(&service, redemption(), "{}").await;
    assert_eq!(missing.problem(), (422, "invalid".to_owned()));
    assert!(missing.json()["detail"].as_str().unwrap().contains("price"));
}

/// Items 39 and 41.
#[tokio::test]
async fn bodies_have_a_size_and_a_media_type() {
    let service = Service::new().await;
    let large = format!(r#"{{"price":"{}"}}"#, "1".repeat(64 * 1024));
    let chunks = large
        .clone()
        .into_bytes()
        .chunks(1_000)
        .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
        .collect::<Vec<_>>();
    let chunked = Body::from_stream(futures::stream::iter(chunks));
    for body in [Body::from(large), chunked] {
        let answer = post(&service, redemption(), body).await;
        assert_eq!(answer.problem(), (413, "body_too_large".to_owned()));
    }
    let bare = || {
        Request::post(format!("/v1/zones/SH/holds/{HOLD}/redemptions"))
            .header("acting-person", "ann")
            .header("idempotency-key", "k1")
    };
    for request in [
        bare(),
        bare().header("content-type", "text/plain"),
        bare().header("content-type", "application/json; charset=gbk"),
        bare().header("content-type", "application/x-www-form-urlencoded"),
        bare()
            .header("content-type", "application/json")
            .header("content-encoding", "gzip"),
    ] {
        let answer = post(&service, request, r#"{"price":"1.00"}"#).await;
        assert_eq!(answer.problem(), (415, "unsupported_media_type".to_owned()));
    }
}

/// Items 47 and 52, and the header that stands in for sign-in.
#[tokio::test]
async fn a_key_and_a_person_are_required() {
    let service = Service::new().await;
    service.enrol("ann", Role::Provider).await;
    let bare = || {
        Request::post(format!("/v1/zones/SH/holds/{HOLD}/redemptions"))
            .header("content-type", "application/json")
    };
    let as_ann = || bare().header("acting-person", "ann");
    let longest = "k".repeat(255);
    for (request, status, code) in [
        (as_ann(), 400, "idempotency_key_missing"),
        (
            as_ann().header("idempotency-key", ""),
            400,
            "idempotency_key_length",
        ),
        (
            as_ann().header("idempotency-key", "k".repeat(256)),
            400,
            "idempotency_key_length",
        ),
        (
            as_ann()
                .header("idempotency-key", "a")
                .header("idempotency-key", "b"),
            400,
            "idempotency_key_missing",
        ),
        (
            as_ann().header("idempotency-key", "é"),
            400,
            "idempotency_key_missing",
        ),
        (
            bare().header("idempotency-key", "k"),
            400,
            "acting_person_missing",
        ),
        (
            bare()
                .header("idempotency-key", "k")
                .header("acting-person", "Ann!"),
            400,
            "acting_person",
        ),
        (
            bare()
                .header("idempotency-key", "k")
                .header("acting-person", "bob"),
            403,
            "unknown_person",
        ),
        // Everything is in order, but there is no such hold: items 65 and, for the key, 52.
        (
            as_ann().header("idempotency-key", &longest),
            404,
            "not_found",
        ),
    ] {
        let answer = post(&service, request, r#"{"price":"1.00"}"#).await;
        assert_eq!(
            answer.problem(),
            (status, code.to_owned()),
            "{}",
            answer.text()
        );
    }
}
