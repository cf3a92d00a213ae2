//! The service over HTTP: JSON, pages, the log's files, health.
//!
//! In reading order: the routes below; `state`, what handlers are given; `boundary`, what every
//! request passes; `extract`, how requests are read; `problem` and `refusals`, how they are
//! refused; `coalescer`, how commands of many clients become one transaction; then `api`, `tiles`,
//! `web` and `health`, what is answered.
//!
//! Until sign-in exists the service listens on loopback only, and a command says who acts in the
//! header `Acting-Person`.

mod books;
mod boundary;
mod caller;
mod extract;
mod origin;
mod problem;
mod refusals;
mod serve;
mod state;
mod strict_json;

pub mod coalescer;

mod api;
mod health;
mod tiles;
mod web;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

pub use problem::{FieldError, Problem};
pub use serve::{ServeError, listen, serve};
pub use state::{App, Limits, Settings, ZoneSigner};

/// Every route of the service.
pub fn router(app: Arc<App>) -> Router {
    let zone = Router::new()
        .route("/accounts/{address}", get(api::accounts::balance))
        .route(
            "/accounts/{address}/statement",
            get(api::accounts::statement),
        )
        .route("/budget-execution", get(api::reports::budget_execution))
        .route("/decisions/{entry}/replay", get(api::versions::replay))
        .route("/entries", get(api::entries::list))
        .route("/entries/{index}", get(api::entries::one))
        .route("/facts/imports", post(api::facts::import))
        .route("/holds/{hold}/redemptions", post(api::redemptions::create))
        .route("/parties", get(api::parties::list))
        .route("/parties/{party}", get(api::parties::one))
        .route(
            "/parties/{party}/eligibility",
            get(api::policies::eligibility),
        )
        .route("/parties/{party}/statement", get(api::parties::statement))
        .route("/policies", get(api::versions::list))
        .route("/policies/check", post(api::policies::check_pack))
        .route("/policies/decisions", post(api::policies::decide_case))
        .route("/policies/differences", post(api::versions::differences))
        .route("/policies/histories", post(api::versions::history))
        .route(
            "/policies/proposals",
            get(api::versions::proposals).post(api::versions::propose),
        )
        .route("/policies/proposals/{entry}", get(api::versions::proposal))
        .route(
            "/policies/proposals/{entry}/withdrawal",
            post(api::versions::withdraw),
        )
        .route("/policies/publications", post(api::versions::publish))
        .route("/policies/schema", get(api::versions::schema))
        .route("/policies/screenings", post(api::policies::screen))
        .route("/policies/simulations", post(api::policies::simulate))
        .route("/programmes", get(api::programmes::list))
        .route("/receipts/{index}", get(api::entries::receipt))
        .route("/trial-balance", get(api::reports::trial_balance))
        .route("/vouchers", get(api::vouchers::list))
        .route("/vouchers/{voucher}", get(api::vouchers::one));
    Router::new()
        .route("/", get(web::home::page))
        .route("/static/{name}", get(web::assets::file))
        .nest("/v1/zones/{zone}", zone)
        .route("/logs/{zone}/checkpoint", get(tiles::checkpoint))
        .route("/logs/{zone}/vkey", get(tiles::verifier_key))
        .route("/logs/{zone}/tile/{*path}", get(tiles::file))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(|| async { Problem::not_found("page") })
        .method_not_allowed_fallback(|| async {
            let detail = "the method is not allowed here: see the header Allow";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        })
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&app), boundary::boundary))
        .with_state(app)
}

/// The panic hook has logged where; the client is told nothing of it.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}
