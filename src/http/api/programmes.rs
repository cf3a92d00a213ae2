//! Programmes: `GET programmes`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::http::extract::Path;
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::programme::{self, NewProgramme};

/// The programmes of a zone, in the order of their codes.
#[derive(Serialize)]
pub(in crate::http) struct Programmes {
    programmes: Vec<NewProgramme>,
}

/// `GET programmes`.
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
) -> Result<Json<Programmes>, Problem> {
    let zone = app.zone(&zone).await?.zone.id;
    let programmes = app
        .database
        .read(zone, zone, |conn, zone| {
            Box::pin(programme::store::programmes(conn, *zone))
        })
        .await?;
    Ok(Json(Programmes { programmes }))
}
