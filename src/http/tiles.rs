//! The log as files in the layout of C2SP `tlog-tiles`, under `/logs/{zone}`.
//!
//! Nothing is served that the newest signed checkpoint does not cover: what is not signed could still
//! be lost with the database.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sqlx::PgConnection;

use super::extract::Path;
use super::problem::Problem;
use super::state::App;
use crate::log::LogError;
use crate::log::store;
use crate::log::tile::{LogFile, TILE_WIDTH, TileId};
use crate::types::ZoneId;

const TEXT: &str = "text/plain; charset=utf-8";
/// A new checkpoint comes once a second.
const BRIEFLY: &str = "public, max-age=2";
/// What is signed never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// A partial tile never changes either, but gives way to a fuller one.
const FOR_AN_HOUR: &str = "public, max-age=3600";

/// `GET /logs/{zone}/checkpoint`: the newest signed one (C2SP `tlog-checkpoint`).
pub(super) async fn checkpoint(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
) -> Result<Response, Problem> {
    let zone = app.zone(&zone).await?.zone.id;
    let newest = app
        .database
        .read(zone, zone, |conn, zone| {
            Box::pin(store::latest_checkpoint(conn, *zone))
        })
        .await?
        .ok_or_else(|| Problem::not_found("checkpoint yet"))?;
    Ok(file_response(TEXT, BRIEFLY, newest.note))
}

/// `GET /logs/{zone}/vkey`: the key that checks checkpoints. Compare it with one got another way.
pub(super) async fn verifier_key(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
) -> Result<Response, Problem> {
    let zone = app.zone(&zone).await?.zone.id;
    let signer = app
        .signers
        .get(&zone)
        .ok_or_else(|| Problem::not_found("key"))?;
    Ok(file_response(
        TEXT,
        FOR_AN_HOUR,
        format!("{}\n", signer.key),
    ))
}

/// `GET /logs/{zone}/tile/…`: hashes or entries.
pub(super) async fn file(
    State(app): State<Arc<App>>,
    Path((zone, path)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("file of the log");
    let file = LogFile::parse(&format!("tile/{path}")).ok_or_else(missing)?;
    let zone = app.zone(&zone).await?.zone.id;
    let bytes = app
        .database
        .read(zone, (zone, file), |conn, (zone, file)| {
            Box::pin(signed_file(conn, *zone, *file))
        })
        .await?
        .ok_or_else(missing)?;
    let (LogFile::Tile(TileId { width, .. }) | LogFile::Entries { width, .. }) = file;
    let cache = if width == TILE_WIDTH {
        FOR_EVER
    } else {
        FOR_AN_HOUR
    };
    Ok(file_response("application/octet-stream", cache, bytes))
}

/// The bytes of a file of the log, if the newest checkpoint covers all of them.
async fn signed_file(
    conn: &mut PgConnection,
    zone: ZoneId,
    file: LogFile,
) -> Result<Option<Vec<u8>>, LogError> {
    let (level, number, width) = match file {
        LogFile::Tile(TileId {
            level,
            number,
            width,
        }) => (level, number, width),
        LogFile::Entries { number, width } => (0, number, width),
    };
    let signed = store::latest_checkpoint(conn, zone)
        .await?
        .map_or(0, |newest| newest.size);
    if TileId::at_size(level, number, signed).is_none_or(|tile| tile.width < width) {
        return Ok(None);
    }
    match file {
        LogFile::Tile(tile) => store::read_tile(conn, zone, tile).await,
        LogFile::Entries { number, width } => {
            store::read_entry_bundle(conn, zone, number, width).await
        }
    }
}

fn file_response(
    media_type: &'static str,
    cache: &'static str,
    body: impl IntoResponse,
) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, cache),
    ];
    (headers, body).into_response()
}
