//! For those who run the service: is it alive, is it ready, what does it measure.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

use super::problem::Problem;
use super::state::{App, ZoneSigner};
use crate::db;
use crate::log::signer::SignerStatus;
use crate::log::{self, LogError};
use crate::types::Zone;

/// `GET /healthz`: the process runs.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: the database answers and has this version's schema, and every zone's log is being
/// signed; 503 otherwise.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    let not_ready = |detail: String| Problem::unavailable("not_ready", detail);
    let current = db::is_current(app.database.pool());
    let current = tokio::time::timeout(app.limits.arrival, current)
        .await
        .map_err(|_| not_ready("the database does not answer".to_owned()))?
        .map_err(|error| not_ready("the database does not answer".to_owned()).because(error))?;
    if !current {
        let detail = "the database has another version's schema: run `subsidy-ledger migrate`";
        return Err(not_ready(detail.to_owned()));
    }
    let now = app.clock.now();
    for zone in app.all_zones().await? {
        let signer = app.signers.get(&zone.id);
        if let Some(detail) = signing_fault(&zone, signer, now, app.limits.signer_lag) {
            return Err(not_ready(detail));
        }
    }
    Ok("ready\n")
}

fn signing_fault(
    zone: &Zone,
    signer: Option<&ZoneSigner>,
    now: DateTime<Utc>,
    most: std::time::Duration,
) -> Option<String> {
    let code = &zone.code;
    let Some(signer) = signer else {
        return Some(format!(
            "the log of zone {code} has no signer: start the service again"
        ));
    };
    match &*signer.status.borrow() {
        SignerStatus::Starting => Some(format!("the signer of zone {code} has not looked yet")),
        SignerStatus::Failing { since, .. } => Some(format!(
            "the log of zone {code} has not been signed since {since}: see the service's log"
        )),
        SignerStatus::Signing { seen_at } => {
            let lag = lag(*seen_at, now);
            let late = lag.to_std().is_ok_and(|lag| lag > most);
            late.then(|| {
                format!(
                    "the signer of zone {code} is {} s behind",
                    lag.num_seconds()
                )
            })
        }
    }
}

fn lag(seen_at: DateTime<Utc>, now: DateTime<Utc>) -> TimeDelta {
    now.signed_duration_since(seen_at).max(TimeDelta::zero())
}

/// `GET /metrics`: in the text format of Prometheus.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Problem> {
    measure_pool(&app);
    let now = app.clock.now();
    // What is measured elsewhere is worth showing even when the database is gone.
    if let Ok(zones) = app.all_zones().await {
        for zone in zones {
            measure_log(&app, zone, now).await;
        }
    }
    let media_type = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media_type)], app.metrics.render()))
}

fn measure_pool(app: &App) {
    let pool = app.database.pool();
    let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
    metrics::gauge!("database_sessions", "state" => "idle").set(idle);
    metrics::gauge!("database_sessions", "state" => "used").set(pool.size().saturating_sub(idle));
}

async fn measure_log(app: &App, zone: Zone, now: DateTime<Utc>) {
    let code = zone.code.to_string();
    if let Some(signer) = app.signers.get(&zone.id)
        && let SignerStatus::Signing { seen_at } = *signer.status.borrow()
    {
        let lag = lag(seen_at, now).to_std().unwrap_or_default();
        metrics::gauge!("log_signer_lag_seconds", "zone" => code.clone()).set(lag);
    }
    let sizes = app
        .database
        .read(zone.id, zone, |conn, zone| Box::pin(log_sizes(conn, zone)))
        .await;
    if let Ok((size, signed)) = sizes {
        metrics::counter!("log_entries_total", "zone" => code.clone()).absolute(size);
        metrics::counter!("log_entries_signed_total", "zone" => code).absolute(signed);
    }
}

async fn log_sizes(conn: &mut PgConnection, zone: &Zone) -> Result<(u64, u64), LogError> {
    let size = log::head(conn, zone.id).await?.frontier().size();
    let signed = log::store::latest_checkpoint(conn, zone.id).await?;
    Ok((size, signed.map_or(0, |checkpoint| checkpoint.size)))
}
