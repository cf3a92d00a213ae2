//! `claim rank`: a round is closed.

use std::process::ExitCode;

use serde::Serialize;

use super::show::claim_number;
use crate::claim::store::{self, PlaceRow};
use crate::claim::{self, Ranked};
use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::types::{Code, LogIndex, Zone};

/// A claim in a round.
#[derive(Serialize)]
struct PlaceLine {
    amount: String,
    claim: String,
    class: String,
    party: String,
    place: Option<i32>,
}

impl PlaceLine {
    fn of(row: PlaceRow, zone: &Zone) -> Self {
        Self {
            amount: row.amount.to_text(zone.currency),
            claim: claim_number(row.claim),
            class: row.class,
            party: row.party_name,
            place: row.place,
        }
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    entry: LogIndex,
    places: Vec<PlaceLine>,
    #[serde(flatten)]
    ranked: &'a Ranked,
}

pub(super) async fn run(global: &Global, programme: Code) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let closed = session.command(&caller, programme, |conn, command, programme| {
            Box::pin(async move { claim::rank(conn, &command, programme).await })
        });
        let (entry, ranked) = closed.await?;
        let zone = &caller.zone;
        let rows = session
            .database
            .read(zone.id, (zone.id, ranked.round), |conn, (zone, round)| {
                Box::pin(store::places(conn, *zone, *round))
            })
            .await?;
        let places = rows.into_iter().map(|row| PlaceLine::of(row, zone));
        let shown = Shown {
            entry,
            places: places.collect(),
            ranked: &ranked,
        };
        if global.json {
            output::json(&shown)?;
        } else {
            print(&shown)?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

fn print(shown: &Shown<'_>) -> std::io::Result<()> {
    let ranked = shown.ranked;
    let claims = output::counted(ranked.claims, "claim", "claims");
    let total = output::grouped(&ranked.total);
    output::line(&format!(
        "Round of {}, entry {}: {claims}, together at most {total}.",
        ranked.programme, shown.entry
    ))?;
    if let Some((budget, demand)) = ranked.budget.as_deref().zip(ranked.demand.as_deref()) {
        let (budget, demand) = (output::grouped(budget), output::grouped(demand));
        output::line(&format!("{budget} are there, {demand} were asked for."))?;
    }
    for one in &shown.places {
        let place = one
            .place
            .map_or_else(|| "-".to_owned(), |place| place.to_string());
        output::line(&format!(
            "{:<16} {place:>5}  {:<8} {:>16}  {}",
            one.class,
            one.claim,
            output::grouped(&one.amount),
            one.party
        ))?;
    }
    Ok(())
}
