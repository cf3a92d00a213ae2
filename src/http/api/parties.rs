//! Parties: `GET parties`, `GET parties/{party}` and `GET parties/{party}/statement`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::paging::{Id, Limit, Place, next};
use crate::http::extract::{Path, Query};
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::party::{self, Filter, Party, PartyRole};
use crate::report::{self, PartyStatementPage};
use crate::types::{Day, LogIndex, Name, PartyId, Zone};

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

/// A page of a party's statement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct StatementQuery {
    /// The first day, of those on which entries were recorded in the zone's time.
    since: Option<Day>,
    /// The last day.
    until: Option<Day>,
    /// The entry to begin with: `next` of the page before.
    from: Option<Place>,
    #[serde(default)]
    limit: Limit,
}

impl StatementQuery {
    fn page(&self) -> Result<PartyStatementPage, Problem> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since > until
        {
            return Err(Problem::invalid("since", "is after until: exchange them"));
        }
        Ok(PartyStatementPage {
            since: self.since.map(Day::date),
            until: self.until.map(Day::date),
            from: self.from.map_or(LogIndex(0), |Place(index)| index),
            limit: self.limit.get(),
        })
    }
}

/// A party, by its id or its unified social credit code.
pub(super) async fn party_named(
    conn: &mut sqlx::PgConnection,
    zone: &Zone,
    named: &str,
) -> Result<Option<Party>, sqlx::Error> {
    match named.parse::<PartyId>() {
        Ok(id) => party::store::party(conn, zone.id, id).await,
        Err(_) => party::store::party_by_uscc(conn, zone.id, named).await,
    }
}

/// `GET parties/{party}/statement`: what stood and moved on every account of the party, and the postings with the balance of
/// their account after each. A page ends with a whole entry, so it can have a few postings more than asked for.
pub(in crate::http) async fn statement(
    State(app): State<Arc<App>>,
    Path((zone, party)): Path<(String, String)>,
    Query(query): Query<StatementQuery>,
) -> Result<Json<Value>, Problem> {
    let page = query.page()?;
    let zone = app.zone(&zone).await?.zone.clone();
    let input = (zone.clone(), party, page);
    let statement = app
        .database
        .read(zone.id, input, |conn, (zone, party, page)| {
            Box::pin(async move {
                let Some(party) = party_named(conn, zone, party).await? else {
                    return Ok::<_, sqlx::Error>(None);
                };
                let statement = report::party_statement(conn, zone, party, *page).await?;
                Ok(Some(report::party_statement_json(&statement)))
            })
        })
        .await?;
    statement
        .map(Json)
        .ok_or_else(|| Problem::not_found("party"))
}
