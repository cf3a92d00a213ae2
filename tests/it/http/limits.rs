//! What one client can't do to the others.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures::stream;
use subsidy_ledger::http::Limits;
use subsidy_ledger::journal::AccountCode::{B10, B20};

use super::service::{Line, Service};

/// With a shorter time than the service has.
#[tokio::test]
async fn a_slow_body_is_given_up() {
    let arrival = Duration::from_millis(50);
    let service = Service::with(Limits {
        arrival,
        ..Limits::default()
    })
    .await;
    let trickle = stream::unfold((), |()| async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Some((Ok::<_, std::io::Error>(" "), ()))
    });
    let request =
        Request::post("/v1/zones/SH/holds/01900000-0000-7000-8000-000000000000/redemptions")
            .header("content-type", "application/json")
            .header("acting-person", "ann")
            .header("idempotency-key", "k")
            .body(Body::from_stream(trickle))
            .unwrap();
    assert_eq!(
        service.send(request).await.problem(),
        (408, "slow_body".to_owned())
    );
}

#[tokio::test]
async fn a_slow_answer_is_given_up_and_leaves_nothing_behind() {
    let answer = Duration::from_millis(200);
    let service = Service::with(Limits {
        answer,
        ..Limits::default()
    })
    .await;
    service.get("/v1/zones/SH/entries").await;
    let mut blocker = service.db.superuser().await;
    crate::kit::run(&mut blocker, "BEGIN; LOCK TABLE ledger.entry").await;
    let late = service.get("/v1/zones/SH/entries").await;
    assert_eq!(late.problem(), (503, "timeout".to_owned()));
    assert_eq!(late.header("retry-after"), "1");
    crate::kit::run(&mut blocker, "COMMIT").await;
    assert_eq!(service.get("/v1/zones/SH/entries").await.status, 200);
}

#[tokio::test]
async fn more_requests_than_there_is_room_for_are_turned_away() {
    let service = Service::with(Limits {
        requests: 1,
        ..Limits::default()
    })
    .await;
    service.get("/v1/zones/SH/entries").await;
    let mut blocker = service.db.superuser().await;
    crate::kit::run(&mut blocker, "BEGIN; LOCK TABLE ledger.entry").await;
    let waiting = service.get("/v1/zones/SH/entries");
    let others = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let shed = service.get("/v1/zones/SH/entries").await;
        assert_eq!(shed.problem(), (503, "overloaded".to_owned()));
        assert_eq!(shed.header("retry-after"), "1");
        assert_eq!(
            service.get("/healthz").await.status,
            200,
            "health has room of its own"
        );
        crate::kit::run(&mut blocker, "COMMIT").await;
    };
    let (answer, ()) = tokio::join!(waiting, others);
    assert_eq!(answer.status, 200);
}

/// Clients that go away leave no session inside a transaction.
#[tokio::test]
async fn two_hundred_disconnects_leave_no_open_transaction() {
    let service = Service::new().await;
    service.record(&[(B10, B20, 1)], Line::default()).await;
    for round in 0..200_u64 {
        let request = service.get("/v1/zones/SH/accounts/B10:CNY");
        // From before the first statement to after the last.
        tokio::time::timeout(Duration::from_micros(round * 25), request)
            .await
            .ok();
    }
    let mut watcher = service.db.superuser().await;
    let idle = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let mut left: i64 = 1;
    for _ in 0..50 {
        left = sqlx::query_scalar(idle)
            .fetch_one(&mut watcher)
            .await
            .unwrap();
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(left, 0);
    assert_eq!(
        service.get("/v1/zones/SH/accounts/B10:CNY").await.json()["balance"],
        "1.00"
    );
}
