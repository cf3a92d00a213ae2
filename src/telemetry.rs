//! What the service says about itself while it runs: log lines on standard error, and metrics.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, for programs that collect logs.
    Json,
}

/// What is logged unless `SUBSIDY_LEDGER_LOG` says otherwise: warnings, and from the service itself
/// what it does. sqlx would log every slow statement with its text.
const DEFAULT_FILTER: &str = "warn,subsidy_ledger=info,sqlx=error";

/// Begins to write log lines to standard error. Later calls do nothing.
pub fn start_logging(format: LogFormat) {
    let filter = EnvFilter::try_from_env("SUBSIDY_LEDGER_LOG")
        .unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let lines = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would be told on standard error too, and that panics when standard error is closed.
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    drop(started); // there can be one logger per process, and it is there
}

/// Upper bounds of the buckets of a request's duration, seconds.
const DURATIONS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];
/// Upper bounds of the buckets of a batch's size.
const BATCHES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Begins to collect metrics, once per process, and gives access to what was collected.
pub fn start_metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(install_recorder).clone()
}

fn install_recorder() -> PrometheusHandle {
    let buckets = |builder: PrometheusBuilder, name: &str, bounds: &[f64]| {
        builder
            .set_buckets_for_metric(Matcher::Full(name.to_owned()), bounds)
            .expect("BUG: there are buckets")
    };
    let builder = PrometheusBuilder::new();
    let builder = buckets(builder, "http_request_duration_seconds", &DURATIONS);
    let builder = buckets(builder, "coalescer_batch_size", &BATCHES);
    let handle = builder
        .install_recorder()
        .expect("BUG: the only recorder of the process");
    describe();
    handle
}

fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_histogram!(
        "http_request_duration_seconds",
        Unit::Seconds,
        "time from a request's headers to its answer, by route and status"
    );
    describe_histogram!("coalescer_batch_size", "commands put into one transaction");
    describe_gauge!(
        "coalescer_waiting",
        "commands left waiting when a batch began"
    );
    describe_gauge!("database_sessions", "sessions of the pool, idle or used");
    describe_counter!("log_entries_total", "entries in a zone's log");
    describe_counter!(
        "log_entries_signed_total",
        "entries that the newest checkpoint covers"
    );
    describe_gauge!(
        "log_signer_lag_seconds",
        Unit::Seconds,
        "time since the signer of a zone last saw everything signed"
    );
}
