//! Parties: `GET parties` and `GET parties/{party}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::paging::{Id, Limit, next};
use crate::http::extract::{Path, Query};
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::party::{self, Filter, Party, PartyRole};
use crate::types::{Name, PartyId};

/// Which parties.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PartiesQuery {
    /// A part of the name, or the whole code or number. `%` and `_` stand for themselves.
    search: Option<Name>,
    /// Only those with this role.
    role: Option<PartyRole>,
    /// The last of the page before.
    after: Option<Id<PartyId>>,
    #[serde(default)]
    limit: Limit,
}

/// Parties in the order in which they were registered.
#[derive(Serialize)]
pub(in crate::http) struct Parties {
    parties: Vec<Party>,
    next: Option<PartyId>,
}

/// `GET parties`.
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    Query(query): Query<PartiesQuery>,
) -> Result<Json<Parties>, Problem> {
    let zone = app.zone(&zone).await?.zone.id;
    let filter = Filter {
        search: query.search.map(String::from),
        role: query.role,
        after: query.after.map(|Id(party)| party),
        limit: query.limit.get(),
    };
    let parties = app
        .database
        .read(zone, (zone, filter), |conn, (zone, filter)| {
            Box::pin(party::store::list(conn, *zone, filter))
        })
        .await?;
    let next = next(&parties, query.limit, |last| last.id);
    Ok(Json(Parties { parties, next }))
}

/// `GET parties/{party}`.
pub(in crate::http) async fn one(
    State(app): State<Arc<App>>,
    Path((zone, party)): Path<(String, PartyId)>,
) -> Result<Json<Party>, Problem> {
    let zone = app.zone(&zone).await?.zone.id;
    let found = app
        .database
        .read(zone, (zone, party), |conn, (zone, party)| {
            Box::pin(party::store::party(conn, *zone, *party))
        })
        .await?;
    found.map(Json).ok_or_else(|| Problem::not_found("party"))
}
