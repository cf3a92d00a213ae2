//! Where somebody gives commands of a feature: one request of a batch command, and how its answer is printed.

use std::process::ExitCode;

use anyhow::Context as _;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::session::Session;
use super::{Global, output};
use crate::batch::{Answers, BatchError};
use crate::identity::{Caller, Command};
use crate::party;
use crate::types::{PartyId, Zone, excerpt};

/// A refusal in English and Chinese.
pub(super) type Sentences = (&'static str, &'static str);

/// Where somebody acts.
pub(super) struct Desk<'a> {
    pub(super) global: &'a Global,
    pub(super) session: &'a Session,
    pub(super) caller: Caller,
    /// What a refusal's code tells a person.
    pub(super) sentences: fn(Value) -> Option<Sentences>,
}

impl Desk<'_> {
    /// Runs one request of a batch command, and prints its answer. A refusal was recorded, and is a
    /// failure.
    pub(super) async fn one<I, A, F>(&self, input: I, run: F) -> anyhow::Result<ExitCode>
    where
        I: Clone + Send + Sync + 'static,
        A: Serialize + Send + 'static,
        F: for<'c> Fn(
                &'c mut PgConnection,
                &'c [(Command<'c>, I)],
            ) -> BoxFuture<'c, Result<Answers<A>, BatchError>>
            + Send
            + Sync
            + Copy
            + 'static,
    {
        let mut answers = self
            .session
            .command(&self.caller, input, move |conn, command, input: &I| {
                let requests = [(command, input.clone())];
                Box::pin(async move { run(conn, &requests).await })
            })
            .await?;
        let answer = answers.pop().context("BUG: one request has one answer")??;
        let value = serde_json::to_value(&answer)?;
        let refused = value.get("outcome").and_then(Value::as_str) == Some("refused");
        if self.global.json {
            output::json(&answer)?;
        } else {
            print_answer(&value, self.sentences)?;
        }
        Ok(if refused {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }

    /// A party by its unified social credit code or its id.
    pub(super) async fn party(&self, text: &str) -> anyhow::Result<PartyId> {
        party_id(self.session, &self.caller.zone, text).await
    }
}

/// A party by its unified social credit code or its id.
pub(super) async fn party_id(
    session: &Session,
    zone: &Zone,
    text: &str,
) -> anyhow::Result<PartyId> {
    if let Ok(id) = text.parse::<PartyId>() {
        return Ok(id);
    }
    let found = session
        .database
        .read(zone.id, (zone.id, text.to_owned()), |conn, (zone, code)| {
            Box::pin(party::store::party_by_uscc(conn, *zone, code))
        })
        .await?;
    found
        .map(|party| party.id)
        .with_context(|| format!("no party {} in zone {}", excerpt(text), zone.code))
}

/// An answer as lines of field and value; a refusal with its sentence.
pub(super) fn print_answer(
    value: &Value,
    sentences: fn(Value) -> Option<Sentences>,
) -> std::io::Result<()> {
    let Some(fields) = value.as_object() else {
        return Ok(());
    };
    let longest = fields.keys().map(String::len).max().unwrap_or_default();
    let width = longest.max(12);
    for (name, value) in fields {
        match value {
            Value::Array(items) if items.iter().all(Value::is_object) => {
                for item in items {
                    output::line(&format!("{name:>width$}: {}", plain(item)))?;
                }
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => output::line(&format!("{name:>width$}: {}", plain(value)))?,
        }
    }
    let refusal = fields.get("code").cloned().and_then(sentences);
    if let Some((english, chinese)) = refusal {
        output::line(&format!("{english} {chinese}"))?;
    }
    Ok(())
}

/// A value on one line: texts without quotes, and the fields of an object one after another.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{name} {}", plain(value)))
            .collect::<Vec<_>>()
            .join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
    }
}
