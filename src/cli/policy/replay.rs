//! `policy replay`: recorded decisions, made again from their recorded inputs.

use std::process::ExitCode;

use anyhow::bail;
use serde_json::json;

use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::journal::{self, AsOf};
use crate::types::{LogIndex, Zone};
use crate::verify::decisions::{ReplayedDecision, replay_entry, replay_page};

/// Entries that are read at a time.
const PAGE: u16 = 500;

/// Makes the decision of an entry again, or those of the whole log.
pub(super) async fn run(global: &Global, entry: Option<i64>) -> anyhow::Result<ExitCode> {
    let identical = with_session(global, async |session| {
        let zone = session.zone(global).await?;
        match entry {
            Some(index) => one(session, &zone, LogIndex(index), global.json).await,
            None => all(session, &zone, global.json).await,
        }
    })
    .await?;
    Ok(if identical {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn one(
    session: &Session,
    zone: &Zone,
    index: LogIndex,
    as_json: bool,
) -> anyhow::Result<bool> {
    let read = session
        .database
        .read(zone.id, (zone.clone(), index), |conn, (zone, index)| {
            Box::pin(replay_entry(conn, zone, *index))
        });
    let Some(replayed) = read.await? else {
        bail!("entry {index} of zone {} has no decision", zone.code);
    };
    if as_json {
        output::json(&replayed)?;
    } else {
        output::line(&told(&replayed))?;
    }
    Ok(replayed.verdict.is_identical())
}

async fn all(session: &Session, zone: &Zone, as_json: bool) -> anyhow::Result<bool> {
    let size = session
        .database
        .read(zone.id, zone.id, |conn, zone| {
            Box::pin(journal::size_at(conn, *zone, AsOf::Now))
        })
        .await?;
    let bar = output::progress(size.unsigned_abs());
    bar.set_message("replaying decisions");
    let (mut count, mut wrong) = (0_u64, Vec::new());
    let mut from = Some(LogIndex(0));
    while let Some(begin) = from {
        let page = session
            .database
            .read(zone.id, (zone.clone(), begin), |conn, (zone, begin)| {
                Box::pin(replay_page(conn, zone, *begin, PAGE))
            })
            .await?;
        for replayed in page.decisions {
            count += 1;
            if !replayed.verdict.is_identical() {
                wrong.push(replayed);
            }
        }
        from = page.next;
        bar.set_position(from.map_or(size, |next| next.0).unsigned_abs());
    }
    bar.finish_and_clear();
    if as_json {
        output::json(&json!({ "decisions": count, "different": wrong }))?;
    } else {
        for replayed in &wrong {
            output::line(&told(replayed))?;
        }
        let decisions = output::counted(count, "decision", "decisions");
        output::line(&match wrong.len() {
            0 => format!("{decisions} replayed: all come out the same, byte for byte."),
            other => format!("{decisions} replayed: {other} don't come out as recorded."),
        })?;
    }
    Ok(wrong.is_empty())
}

fn told(replayed: &ReplayedDecision) -> String {
    let ReplayedDecision {
        index,
        kind,
        verdict,
    } = replayed;
    format!("entry {index}, {kind}: {verdict}")
}
