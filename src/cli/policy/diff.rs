//! `policy diff`: what differs between two packs, which are files or published versions.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::{LangArg, read_pack};
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::policy::store::{self, Published};
use crate::policy::{Policy, diff};
use crate::types::Code;

/// Prints what is otherwise in the second pack.
pub(super) async fn run(
    global: &Global,
    [old, new]: [String; 2],
    lang: LangArg,
) -> anyhow::Result<ExitCode> {
    let (old, new) = (file(&old)?.ok_or(old), file(&new)?.ok_or(new));
    let (old, new) = match (old, new) {
        (Ok(old), Ok(new)) => (old, new),
        (old, new) => {
            with_session(global, async |session| {
                let old = published(session, global, old).await?;
                Ok((old, published(session, global, new).await?))
            })
            .await?
        }
    };
    print(global.json, &old, &new, lang)
}

fn print(as_json: bool, old: &Policy, new: &Policy, lang: LangArg) -> anyhow::Result<ExitCode> {
    let differences = diff(old, new);
    let named = |policy: &Policy| {
        json!({
            "code": policy.code(),
            "sha256": policy.sha256(),
            "version": policy.version(),
        })
    };
    if as_json {
        let (old, new) = (named(old), named(new));
        output::json(&json!({ "old": old, "new": new, "differences": differences }))?;
        return Ok(ExitCode::SUCCESS);
    }
    for difference in &differences {
        output::line(difference.get(lang.locale()))?;
    }
    if differences.is_empty() {
        output::line(match (old.sha256() == new.sha256(), lang) {
            (true, LangArg::Zh) => "两份政策包逐字节相同。",
            (true, LangArg::En) => "The two packs are the same, byte for byte.",
            (false, LangArg::Zh) => "规则没有差别：不同之处只在示例、注释或排版。",
            (false, LangArg::En) => {
                "No difference in rules: only examples, comments or layout differ."
            }
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The pack in a file; `None` if there is no such file and the text can name a published version.
fn file(text: &str) -> anyhow::Result<Option<Policy>> {
    let path = Path::new(text);
    if !path.exists() && text.contains('@') {
        return Ok(None);
    }
    match read_pack(path, Policy::parse) {
        Ok(policy) => Ok(Some(policy)),
        Err(faults) => bail!("{}", faults.report),
    }
}

/// A pack that was read already, or the published version that a text names.
async fn published(
    session: &Session,
    global: &Global,
    pack: Result<Policy, String>,
) -> anyhow::Result<Policy> {
    let text = match pack {
        Ok(policy) => return Ok(policy),
        Err(text) => text,
    };
    let (code, at) = text.split_once('@').context("BUG: it has an @")?;
    let code: Code = code.parse()?;
    let zone = session.zone(global).await?;
    let input = (zone.id, code, at.to_owned());
    let found: Option<Published> = session
        .database
        .read(zone.id, input, |conn, (zone, code, at)| {
            Box::pin(store::version_at(conn, *zone, code, at))
        })
        .await?;
    let found = found.with_context(|| {
        format!("{text} names no file, no published version and no day with rules in force: see `policy list`")
    })?;
    Ok(found.policy)
}
