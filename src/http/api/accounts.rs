//! Accounts: `GET accounts/{address}` and `GET accounts/{address}/statement`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Datelike, Timelike, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::paging::{Limit, Place};
use crate::http::extract::{Path, Query};
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::journal::{self, Address, AsOf};
use crate::report::{self, At};
use crate::types::{LogIndex, Zone};

/// Which state of the books to answer from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct BalanceQuery {
    /// With the entries up to this one, or with what was recorded by the end of this day or by this instant.
    at: Option<Point>,
    /// With what was recorded up to this instant, RFC 3339.
    recorded: Option<Instant>,
}

impl BalanceQuery {
    fn as_of(&self, zone: &Zone) -> Result<AsOf, Problem> {
        match (&self.at, &self.recorded) {
            (None, None) => Ok(AsOf::Now),
            (Some(Point(at)), None) => Ok(at.as_of(zone)),
            (None, Some(Instant(instant))) => Ok(AsOf::Recorded(*instant)),
            (Some(_), Some(_)) => Err(Problem::invalid(
                "recorded",
                "give either at or recorded, not both",
            )),
        }
    }
}

/// `GET accounts/{address}`: the balance, now or as it was.
pub(in crate::http) async fn balance(
    State(app): State<Arc<App>>,
    Path((zone, address)): Path<(String, String)>,
    Query(query): Query<BalanceQuery>,
) -> Result<Json<Value>, Problem> {
    let address = parse(&address)?;
    let served = app.zone(&zone).await?;
    let (zone, as_of) = (served.zone.id, query.as_of(&served.zone)?);
    let balance = app
        .database
        .read(
            zone,
            (zone, address, as_of),
            |conn, (zone, address, as_of)| {
                Box::pin(journal::account_balance(conn, *zone, address, *as_of))
            },
        )
        .await?;
    match as_of {
        AsOf::Size(asked) if asked > balance.size => {
            let detail = format!("the log has {} entries so far", balance.size);
            Err(Problem::invalid("at", detail))
        }
        AsOf::Now | AsOf::Size(_) | AsOf::Recorded(_) => Ok(Json(report::balance_json(&balance))),
    }
}

/// A page of a statement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct StatementQuery {
    /// The entry to begin with: `next` of the page before.
    from: Option<Place>,
    #[serde(default)]
    limit: Limit,
}

/// `GET accounts/{address}/statement`: postings with the balance after each. A page ends with a
/// whole entry, so it can have a few postings more than asked for.
pub(in crate::http) async fn statement(
    State(app): State<Arc<App>>,
    Path((zone, address)): Path<(String, String)>,
    Query(query): Query<StatementQuery>,
) -> Result<Json<Value>, Problem> {
    let address = parse(&address)?;
    let zone = app.zone(&zone).await?.zone.id;
    let Place(from) = query.from.unwrap_or(Place(LogIndex(0)));
    let input = (zone, address, from, query.limit.get());
    let statement = app
        .database
        .read(zone, input, |conn, (zone, address, from, limit)| {
            Box::pin(journal::statement(conn, *zone, address, *from, *limit))
        })
        .await?;
    Ok(Json(report::statement_json(&statement)))
}

fn parse(address: &str) -> Result<Address, Problem> {
    let parsed: Result<Address, _> = address.parse();
    parsed.map_err(|error| Problem::invalid("address", error.to_string()))
}

/// A point in the history of the books.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Point(At);

impl TryFrom<String> for Point {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        text.parse().map(Self).map_err(|_| report::NO_POINT)
    }
}

/// An instant with its offset, of a year that the books can have.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct Instant(DateTime<Utc>);

impl TryFrom<String> for Instant {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wanted = "is not an instant: write RFC 3339 with its offset, such as \
             2026-03-31T16:00:00Z (in a query, a plus sign is %2B)";
        let instant = DateTime::parse_from_rfc3339(&text).map_err(|_| wanted.to_owned())?;
        // chrono keeps a leap second as more than 10^9 ns.
        if instant.nanosecond() >= 1_000_000_000 || !(1900..=9999).contains(&instant.year()) {
            return Err(wanted.to_owned());
        }
        Ok(Self(instant.to_utc()))
    }
}
