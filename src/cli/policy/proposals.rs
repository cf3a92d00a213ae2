//! `policy proposals`, `policy withdraw`: the packs that wait for publication.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;

use crate::cli::session::with_session;
use crate::cli::{Global, output};
use crate::programme::{self, Waiting};
use crate::types::{LogIndex, Reason};

pub(super) async fn run(global: &Global, show: Option<i64>) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let waiting = session
            .database
            .read(zone.id, zone.clone(), |conn, zone| {
                Box::pin(programme::waiting(conn, zone))
            })
            .await?;
        if let Some(entry) = show {
            let mut shown = waiting.iter();
            let shown = shown.find(|one| one.entry.0 == entry).with_context(|| {
                format!("entry {entry} proposed nothing that waits for publication: see `policy proposals`")
            })?;
            output::Answer.write_all(shown.pack.as_bytes())?;
        } else if global.json {
            output::json(&waiting)?;
        } else {
            for one in &waiting {
                output::line(&told(one))?;
            }
            if waiting.is_empty() {
                output::note("nothing waits for publication");
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// Withdraws a proposal.
pub(super) async fn withdraw(
    global: &Global,
    entry: i64,
    reason: Reason,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let input = (LogIndex(entry), reason);
        let recorded = session
            .command(&caller, input, |conn, command, (entry, reason)| {
                Box::pin(async move { programme::withdraw(conn, &command, *entry, reason).await })
            })
            .await?;
        let what = format!("The proposal of entry {entry} is withdrawn");
        output::recorded(global.json, &what, recorded)
    })
    .await
}

fn told(one: &Waiting) -> String {
    let Waiting {
        entry,
        in_force_from,
        programme,
        proposer,
        proposed_on,
        sha256,
        version,
        is_overtaken,
        ..
    } = one;
    let next = if *is_overtaken {
        format!(
            "another pack of this version is published, it can't be: `policy withdraw {entry} --reason WHY`"
        )
    } else {
        format!(
            "another manager publishes it: `policy proposals --show {entry} > pack.toml`, `policy publish pack.toml`"
        )
    };
    format!(
        "{entry}\t{proposed_on}\t{proposer}\t{programme}\t{version}\tfrom {in_force_from}\t{sha256}\t{next}"
    )
}
