//! Files that pages refer to: part of the program, named by their content, so kept for ever.

use std::sync::LazyLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::http::extract::Path;
use crate::http::problem::Problem;

/// A file with its name under `/static/`.
pub(super) struct Asset {
    name: String,
    media_type: &'static str,
    text: &'static str,
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, text: &'static str) -> Self {
        let hash = Sha256::digest(text);
        let hash = hash
            .iter()
            .take(6)
            .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        Self {
            name: format!("{stem}-{hash:012x}.{extension}"),
            media_type,
            text,
        }
    }

    /// Where it is served.
    pub(super) fn path(&self) -> String {
        format!("/static/{}", self.name)
    }
}

pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../../../assets/static/ledger.css");
    Asset::new("ledger", "css", "text/css; charset=utf-8", text)
});

pub(super) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("../../../assets/static/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", text)
});

/// `GET /static/{name}`.
pub(in crate::http) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    let asset = [&STYLE, &ICON].into_iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| Problem::not_found("file"))?;
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.text).into_response())
}
