//! `policy list`: the published versions of a zone.

use std::process::ExitCode;

use chrono::NaiveDate;
use serde_json::json;

use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::policy::store::{self, Listed};
use crate::report::{Align, Table};

pub(super) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let listed = session
            .database
            .read(zone.id, zone.id, |conn, zone| {
                Box::pin(store::list(conn, *zone))
            })
            .await?;
        let rows: Vec<_> = listed
            .iter()
            .enumerate()
            .map(|(place, one)| (one, until(one, listed.get(place + 1))))
            .collect();
        if global.json {
            let rows: Vec<_> = rows.iter().map(|(one, until)| row(one, *until)).collect();
            output::json(&rows)?;
            return Ok(ExitCode::SUCCESS);
        }
        if rows.is_empty() {
            output::line("no version is published: `policy propose` proposes one")?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = Table::new([
            ("programme", Align::Left),
            ("version", Align::Left),
            ("decides from", Align::Left),
            ("until", Align::Left),
            ("SHA-256", Align::Left),
        ]);
        for (one, until) in rows {
            table.row([
                one.code.to_string(),
                one.version.to_string(),
                one.in_force_from.to_string(),
                until.map_or_else(|| "open".to_owned(), |day| day.to_string()),
                one.sha256.to_string(),
            ]);
        }
        output::line(table.to_string().trim_end())?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// The first day on which a version no longer decides: its own end, or the first day of the next one.
fn until(one: &Listed, next: Option<&Listed>) -> Option<NaiveDate> {
    let next = next.filter(|next| next.code == one.code);
    let ends = [one.in_force_until, next.map(|next| next.in_force_from)];
    ends.into_iter().flatten().min()
}

fn row(one: &Listed, until: Option<NaiveDate>) -> serde_json::Value {
    json!({
        "code": one.code,
        "in_force_from": one.in_force_from,
        "in_force_until": until,
        "policy": one.id,
        "published_at": one.published_at,
        "sha256": one.sha256,
        "version": one.version,
    })
}
