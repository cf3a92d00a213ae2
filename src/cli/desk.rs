//! Where somebody gives commands of a feature: one request of a batch command, and how its answer is printed.

use std::collections::HashMap;
use std::fmt::Display;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::session::Session;
use super::{Global, output};
use crate::batch::{Answers, BatchError, Rejected};
use crate::identity::{Caller, Command};
use crate::party;
use crate::types::{Named, PartyId, ShortNamed, Zone, excerpt};

/// A refusal in English and Chinese.
pub(super) type Sentences = (&'static str, &'static str);

/// What somebody is told who names what there is not, or what is none of their business: the same words.
pub(super) fn not_there<Id: ShortNamed + Display>(named: Named<Id>, zone: &Zone) -> String {
    let list = match Id::WHAT {
        "claim" => ": `claim list` shows them",
        "contract" => ": `contract list` shows them",
        "deferral" => ": `rent deferrals` lists them",
        "lease" => ": `lease list` shows them",
        "payable" => ": `payment list` shows those that wait for approval, --state others",
        "recovery" => ": `recovery list` shows them",
        "voucher" => ", and no application: `voucher list` and `voucher applications` show them",
        "waiver" => ": `rent list` shows them",
        _ => "",
    };
    format!("no {} {named} in zone {}{list}", Id::WHAT, zone.code)
}

fn no_party(text: &str, zone: &Zone) -> String {
    format!("no party {} in zone {}", excerpt(text), zone.code)
}

/// Where somebody acts.
pub(super) struct Desk<'a> {
    pub(super) global: &'a Global,
    pub(super) session: &'a Session,
    pub(super) caller: Caller,
    /// What a refusal's code tells a person.
    pub(super) sentences: fn(Value) -> Option<Sentences>,
    /// Of the ids that names were looked up to, what is said if the command knows none: it speaks of what was typed.
    named: Mutex<HashMap<String, String>>,
}

impl<'a> Desk<'a> {
    /// Where this person acts.
    pub(super) fn new(
        global: &'a Global,
        session: &'a Session,
        caller: Caller,
        sentences: fn(Value) -> Option<Sentences>,
    ) -> Self {
        Self {
            global,
            session,
            caller,
            sentences,
            named: Mutex::default(),
        }
    }
}

impl Desk<'_> {
    /// Looks up what somebody named.
    pub(super) async fn find<Id: ShortNamed + Display>(
        &self,
        named: Named<Id>,
        look_up: impl Future<Output = anyhow::Result<Id>>,
    ) -> anyhow::Result<Id> {
        let id = look_up.await?;
        self.remember(&id, not_there(named, &self.caller.zone));
        Ok(id)
    }

    fn remember(&self, id: &impl Display, not_there: String) {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.insert(id.to_string(), not_there);
    }

    /// The refusal of a command, in terms of what was typed.
    fn refusal(&self, rejected: Rejected) -> anyhow::Error {
        if let Rejected::Unknown { id, .. } = &rejected {
            let named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(not_there) = named.get(id) {
                return anyhow::Error::msg(not_there.clone());
            }
        }
        rejected.into()
    }

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
        let answer = answers.pop().context("BUG: one request has one answer")?;
        let answer = answer.map_err(|rejected| self.refusal(rejected))?;
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
        let zone = &self.caller.zone;
        let party = party_id(self.session, zone, text).await?;
        self.remember(&party, no_party(text, zone));
        Ok(party)
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
        .with_context(|| no_party(text, zone))
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
