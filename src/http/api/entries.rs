//! Entries: `GET entries`, `GET entries/{index}`, and `GET receipts/{index}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::paging::{Limit, Place, next};
use crate::http::extract::{Path, Query};
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::journal;
use crate::log::{self, Hash, leaf_hash};
use crate::types::LogIndex;

/// A page of entries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct EntriesQuery {
    /// The entry to begin with: `next` of the page before.
    from: Option<Place>,
    #[serde(default)]
    limit: Limit,
}

/// An entry in a list.
#[derive(Serialize)]
struct Listed {
    index: LogIndex,
    /// The entry itself, as hashed but for being inside another JSON text.
    entry: Box<RawValue>,
}

/// Entries in the order of the log.
#[derive(Serialize)]
pub(in crate::http) struct Entries {
    entries: Vec<Listed>,
    next: Option<LogIndex>,
}

/// `GET entries`.
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    Query(query): Query<EntriesQuery>,
) -> Result<Json<Entries>, Problem> {
    let zone = app.zone(&zone).await?.zone.id;
    let Place(from) = query.from.unwrap_or(Place(LogIndex(0)));
    let rows = app
        .database
        .read(
            zone,
            (zone, from, query.limit.get()),
            |conn, (zone, from, limit)| Box::pin(journal::entry_page(conn, *zone, *from, *limit)),
        )
        .await?;
    let entries: Result<Vec<Listed>, Problem> = rows
        .into_iter()
        .map(|(index, body)| {
            Ok(Listed {
                index,
                entry: as_json(body)?,
            })
        })
        .collect();
    let entries = entries?;
    let next = next(&entries, query.limit, |last| LogIndex(last.index.0 + 1));
    Ok(Json(Entries { entries, next }))
}

/// One entry, with the bytes that are hashed.
#[derive(Serialize)]
pub(in crate::http) struct WholeEntry {
    index: LogIndex,
    entry: Box<RawValue>,
    /// The exact bytes, base64.
    bytes: String,
    /// SHA-256 of a zero byte and the bytes (RFC 6962 §2.1), base64.
    #[serde(serialize_with = "as_text")]
    leaf_hash: Hash,
}

fn as_text<S: serde::Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(hash)
}

/// `GET entries/{index}`.
pub(in crate::http) async fn one(
    State(app): State<Arc<App>>,
    Path((zone, Place(index))): Path<(String, Place)>,
) -> Result<Json<WholeEntry>, Problem> {
    let zone = app.zone(&zone).await?.zone.id;
    let body = app
        .database
        .read(zone, (zone, index), |conn, (zone, index)| {
            Box::pin(journal::entry_body(conn, *zone, *index))
        })
        .await?
        .ok_or_else(|| Problem::not_found("entry"))?;
    Ok(Json(WholeEntry {
        index,
        bytes: BASE64_STANDARD.encode(&body),
        leaf_hash: leaf_hash(&body),
        entry: as_json(body)?,
    }))
}

fn as_json(body: Vec<u8>) -> Result<Box<RawValue>, Problem> {
    let text = String::from_utf8(body).map_err(Problem::internal)?;
    RawValue::from_string(text).map_err(Problem::internal)
}

/// `GET receipts/{index}`: a C2SP `tlog-proof@v1` text, which proves offline that the log has the
/// entry. A second after an entry at most there is a checkpoint that covers it; before, 503.
pub(in crate::http) async fn receipt(
    State(app): State<Arc<App>>,
    Path((zone, Place(index))): Path<(String, Place)>,
) -> Result<Response, Problem> {
    let index = u64::try_from(index.0).map_err(|_| Problem::not_found("entry"))?;
    let zone = app.zone(&zone).await?.zone.id;
    let receipt = app
        .database
        .read(zone, (zone, index), |conn, (zone, index)| {
            Box::pin(log::store::receipt(conn, *zone, *index))
        })
        .await?;
    let media_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((media_type, receipt.to_string()).into_response())
}
