//! Where somebody acts on a case: one request of a batch command, and how its answer is printed.

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use futures::future::BoxFuture;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use sqlx::PgConnection;

use super::session::Session;
use super::{Global, output};
use crate::batch::{Answers, BatchError};
use crate::claim::ClaimRefusal;
use crate::identity::{Caller, Command};
use crate::party;
use crate::policy::{Fact, Facts, Raw, Source};
use crate::types::{Currency, PartyId, Zone};
use crate::voucher::VoucherRefusal;

/// Where somebody acts.
pub(super) struct Desk<'a> {
    pub(super) global: &'a Global,
    pub(super) session: &'a Session,
    pub(super) caller: Caller,
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
            print_answer(&value)?;
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
        .with_context(|| format!("no party {text} in zone {}", zone.code))
}

/// An answer as lines of field and value; a refusal with its sentence.
pub(super) fn print_answer(value: &Value) -> std::io::Result<()> {
    let Some(fields) = value.as_object() else {
        return Ok(());
    };
    for (name, value) in fields {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(items) if items.is_empty() => continue,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => value.to_string(),
        };
        output::line(&format!("{name:>12}: {text}"))?;
    }
    if let Some((english, chinese)) = fields.get("code").and_then(sentences) {
        output::line(&format!("{english} {chinese}"))?;
    }
    Ok(())
}

/// What a refusal's code says, of whichever kind of case it is.
fn sentences(code: &Value) -> Option<(&'static str, &'static str)> {
    let of_claim = || Some(ClaimRefusal::deserialize(code).ok()?.sentences());
    let of_voucher = || Some(VoucherRefusal::deserialize(code).ok()?.sentences());
    of_voucher().or_else(of_claim)
}

/// Facts from `name=value` options, declared for a day.
pub(super) fn facts(
    options: &[String],
    currency: Currency,
    day: NaiveDate,
) -> anyhow::Result<Facts> {
    let mut facts = Facts::new(currency);
    for option in options {
        let (name, value) = option
            .split_once('=')
            .with_context(|| format!("{option:?} is no fact: write name=value"))?;
        let fact = Fact::named(name)
            .with_context(|| format!("unknown fact {name}: {}", Fact::advice(name)))?;
        if facts.get(fact).is_some() {
            anyhow::bail!("the fact {name} is stated twice: state it once");
        }
        facts.state(fact, Raw::typed(fact, value), Source::Declared, day)?;
    }
    Ok(facts)
}
