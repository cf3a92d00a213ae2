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
pub(super) fn not_there<Id: ShortNamed + Display>(named: &Named<Id>, zone: &Zone) -> String {
    let what = match Id::WHAT {
        "voucher" => "voucher or application",
        other => other,
    };
    let list = match Id::WHAT {
        "claim" => ": `claim list` shows them",
        "contract" => ": `contract list` shows them",
        "deferral" => ": `rent deferrals` lists them",
        "lease" => ": `lease list` shows them",
        "payable" => ": `payment list` shows those that wait for approval, --state others",
        "recovery" => ": `recovery list` shows them",
        "voucher" => ": `voucher list` and `voucher applications` show them",
        "waiver" => ": `rent list` shows them",
        _ => "",
    };
    format!("no {what} {named} in zone {}{list}", zone.code)
}

fn no_party(text: &str, zone: &Zone) -> String {
    format!(
        "no party {} in zone {}: `party list --search` finds parties by name",
        excerpt(text),
        zone.code
    )
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
        self.remember(&id, not_there(&named, &self.caller.zone));
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

    /// A party that should be a provider.
    pub(super) async fn provider(&self, text: &str) -> anyhow::Result<PartyId> {
        let zone = &self.caller.zone;
        let party = party_id(self.session, zone, text).await?;
        let no_provider = format!(
            "{} is no provider of zone {}: `party list --role provider` shows them",
            excerpt(text),
            zone.code
        );
        self.remember(&party, no_provider);
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
        print_field(name, value, width)?;
    }
    let refusal = fields.get("code").cloned().and_then(sentences);
    if let Some((english, chinese)) = refusal {
        output::line(&format!("{english} {chinese}"))?;
    }
    Ok(())
}

/// A field on a line of its own; each thing of a list on one, and those of a list inside a field under its name.
fn print_field(name: &str, value: &Value, width: usize) -> std::io::Result<()> {
    if let Some(items) = things(value) {
        for item in items {
            print_field(name, item, width)?;
        }
        return Ok(());
    }
    let lists = value.as_object().into_iter().flatten();
    let lists = lists.filter(|(_, inner)| things(inner).is_some());
    let own = plain(name, value);
    if !own.is_empty() {
        output::line(&format!("{name:>width$}: {own}"))?;
    }
    for (inner, list) in lists {
        print_field(inner, list, width)?;
    }
    Ok(())
}

/// The objects of a list.
fn things(value: &Value) -> Option<&Vec<Value>> {
    value
        .as_array()
        .filter(|items| items.iter().all(Value::is_object))
}

/// Fields that hold what somebody called something: digits and a full stop in them are no amount.
const NAMES: [&str; 3] = ["name", "premises", "reference"];

/// A value on one line: texts without quotes, amounts in groups of digits, and the fields of an object one after another,
/// less the lists in it.
fn plain(name: &str, value: &Value) -> String {
    match value {
        Value::String(text) if is_amount(text) && !NAMES.contains(&name) => output::grouped(text),
        Value::String(text) => text.clone(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, inner)| things(inner).is_none())
            .map(|(name, inner)| format!("{name} {}", plain(name, inner)))
            .collect::<Vec<_>>()
            .join(", "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
    }
}

/// Whether a text is written as amounts of a currency with decimals are.
fn is_amount(text: &str) -> bool {
    let parts = text.strip_prefix('-').unwrap_or(text).split_once('.');
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    parts.is_some_and(|(whole, decimals)| {
        !whole.is_empty() && decimals.len() == 2 && digits(whole) && digits(decimals)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_for_people() {
        let relief = json!({ "from": "2020-02-01", "waivers": [{ "audited": "38000.00" }] });
        for (name, value, expected) in [
            ("amount", json!("38000.00"), "38,000.00"),
            ("premises", json!("1001.01"), "1001.01"),
            ("day", json!("2020-02-01"), "2020-02-01"),
            ("relief", relief, "from 2020-02-01"),
            (
                "moved",
                json!({ "amount": "1000.00", "to": "open" }),
                "amount 1,000.00, to open",
            ),
        ] {
            assert_eq!(plain(name, &value), expected);
        }
    }
}
