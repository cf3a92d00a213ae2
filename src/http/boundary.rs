//! What every request passes on its way in and out: is it allowed here, is there room, how long may
//! it take; its id, its line in the log, its metrics, the security headers, the body of a problem.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;
use uuid::Uuid;

use super::origin;
use super::problem::Problem;
use super::state::App;

/// What no page of ours needs is forbidden: no scripts at all, styles and images of our own only.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps every route, and the answers to what is no route.
pub(super) async fn boundary(
    State(app): State<Arc<App>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = Uuid::now_v7().hyphenated().to_string();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("(none)", MatchedPath::as_str);
    let span =
        tracing::info_span!("request", request.id = id, http.method = %method, http.route = route);
    let response = answer(&app, route, request, next)
        .instrument(span.clone())
        .await;
    let _entered = span.enter();
    leave(response, &id, &method, route, started.elapsed())
}

async fn answer(app: &App, route: &str, request: Request, next: Next) -> Response {
    if let Err(problem) = origin::check(&request) {
        return problem.into_response();
    }
    // What tells how the service fares must answer when it fares badly.
    let _place = if matches!(route, "/healthz" | "/readyz" | "/metrics") {
        None
    } else {
        let Ok(place) = app.room.try_acquire() else {
            let detail = "the service has more requests than it can answer";
            return Problem::unavailable("overloaded", detail).into_response();
        };
        Some(place)
    };
    let answer = tokio::time::timeout(app.limits.answer, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let detail = "the answer took too long: repeat the request, with the same idempotency key";
        Problem::unavailable("timeout", detail).into_response()
    })
}

fn leave(
    mut response: Response,
    id: &str,
    method: &Method,
    route: &str,
    took: Duration,
) -> Response {
    let problem = response.extensions_mut().remove::<Arc<Problem>>();
    if let Some(problem) = &problem {
        *response.body_mut() = Body::from(problem.body(id));
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
    }
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    log(response.status(), problem.as_deref(), took);
    measure(response.status(), method, route, took);
    response
}

/// The one line that a request leaves: where its problem came from, never what was in it.
fn log(status: StatusCode, problem: Option<&Problem>, took: Duration) {
    let status_code = status.as_u16();
    let code = problem.map_or("", |problem| &problem.code);
    let cause = problem.and_then(|problem| problem.cause.as_deref());
    if status == StatusCode::SERVICE_UNAVAILABLE && cause.is_none() {
        tracing::warn!(http.status = status_code, code, ?took, "not now");
    } else if status.is_server_error() {
        let cause = cause.unwrap_or_default();
        tracing::error!(http.status = status_code, code, cause, ?took, "failed");
    } else {
        tracing::debug!(http.status = status_code, code, ?took, "answered");
    }
}

fn measure(status: StatusCode, method: &Method, route: &str, took: Duration) {
    // Of methods and paths that we don't know there are too many for labels.
    let method = match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    };
    let labels = [
        ("method", method.to_owned()),
        ("route", route.to_owned()),
        ("status", status.as_str().to_owned()),
    ];
    metrics::histogram!("http_request_duration_seconds", &labels).record(took);
}
