//! `policy list`: the published versions of a zone.

use std::process::ExitCode;

use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::policy::store;
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
        if global.json {
            output::json(&listed)?;
            return Ok(ExitCode::SUCCESS);
        }
        if listed.is_empty() {
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
        for one in listed {
            table.row([
                one.code.to_string(),
                one.version.to_string(),
                one.in_force_from.to_string(),
                one.decides_until
                    .map_or_else(|| "open".to_owned(), |day| day.to_string()),
                one.sha256.to_string(),
            ]);
        }
        output::line(table.to_string().trim_end())?;
        Ok(ExitCode::SUCCESS)
    })
    .await
}
