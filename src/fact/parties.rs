//! Which parties a file means.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::file::FactRow;
use crate::identity::{Actor, Command};
use crate::party::{self, Identity};
use crate::types::{PartyId, Uscc};

/// How many texts are looked up by one statement.
const BATCH: usize = 20_000;

/// The parties that rows name: by code, or by the office's number. Those that the actor does not act for are left out, as
/// if they were not there.
pub(super) async fn named<'a>(
    conn: &mut PgConnection,
    command: &Command<'_>,
    rows: &'a [FactRow],
) -> Result<HashMap<&'a str, PartyId>, sqlx::Error> {
    let mut texts: Vec<&str> = rows.iter().map(|row| row.party.as_str()).collect();
    texts.sort_unstable();
    texts.dedup();
    let mut found = HashMap::with_capacity(texts.len());
    for texts in texts.chunks(BATCH) {
        let (mut asked, mut identities) = (Vec::new(), Vec::new());
        for text in texts {
            for identity in identities_of(text) {
                asked.push(*text);
                identities.push(identity);
            }
        }
        let identities: Vec<&Identity> = identities.iter().collect();
        let known = party::store::known(conn, command.zone.id, &identities).await?;
        for (text, id) in asked.into_iter().zip(known) {
            let id = id.filter(|id| acts_for(command.actor, *id));
            if let Some(id) = id {
                found.entry(text).or_insert(id);
            }
        }
    }
    Ok(found)
}

/// The party that a text names: by code, or by the office's number.
pub async fn party_named(
    conn: &mut PgConnection,
    command: &Command<'_>,
    text: &str,
) -> Result<Option<PartyId>, sqlx::Error> {
    let identities = identities_of(text);
    let identities: Vec<&Identity> = identities.iter().collect();
    let known = party::store::known(conn, command.zone.id, &identities).await?;
    Ok(known.into_iter().flatten().next())
}

/// A person who acts for a party knows that one only; the office's staff know all.
pub(super) fn acts_for(actor: &Actor, party: PartyId) -> bool {
    actor.party.is_none_or(|own| own == party)
}

/// What a text may be, the likeliest first.
fn identities_of(text: &str) -> Vec<Identity> {
    if let Ok(code) = text.parse::<Uscc>() {
        return vec![Identity::Uscc(code)];
    }
    let contested = text.parse().ok().map(Identity::UsccOverride);
    let number = text.parse().ok().map(Identity::OfficeNumber);
    let team = text.parse().ok().map(Identity::Team);
    [contested, number, team].into_iter().flatten().collect()
}

/// What is wrong with a text that names no party, and what to do.
pub(super) fn unknown(actor: &Actor, text: &str) -> (String, &'static str) {
    if actor.party.is_some() {
        let remedy = "state facts of the party that you act for";
        return ("is not the party that you act for".to_owned(), remedy);
    }
    let as_code = (text.chars().count() == 18).then(|| text.parse::<Uscc>().err());
    let problem = match as_code.flatten() {
        Some(error) => format!("is no party of this zone: {error}"),
        None => "is the code or office number of no party of this zone".to_owned(),
    };
    (
        problem,
        "correct it, or register the party with `party import` first",
    )
}
