//! Registering parties: one, or thousands by the same few statements.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::identity::{ContestedUscc, Identity, Roles};
use super::{name, store};
use crate::db;
use crate::identity::{Command, Forbidden, Role};
use crate::journal::{
    self, BodyError, Entry, Idempotency, RecallError, RecordError, Recorded, Refusal,
};
use crate::types::{ControllerGroupId, LogIndex, Name, PartyId, ZoneId, hex};

/// A party to be registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewParty {
    /// What tells it from others.
    pub identity: Identity,
    /// Its name, which need not be unique.
    pub name: Name,
    /// What it is.
    pub roles: Roles,
    /// Name of the group under one actual controller, if known; made when it is new.
    pub group: Option<Name>,
}

/// A party that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Registered {
    /// Its id.
    pub party: PartyId,
    /// The entry.
    pub index: LogIndex,
}

/// Why a command on parties was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum PartyError {
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Another party has the identity, in the zone or earlier in the same command.
    #[error("a party with the {0} is registered already: look it up, or correct the code")]
    AlreadyRegistered(Identity),
    /// Another command registered one of the parties, or undid an override, at the same moment.
    #[error(
        "another command has just changed the same party ({constraint}): look it up and repeat"
    )]
    Overtaken {
        /// Constraint that was violated.
        constraint: String,
        /// So that the command is begun again, and sees what the other one did.
        #[source]
        cause: db::Overtaken,
    },
    /// A code that fails its check and that two persons have not accepted.
    #[error(
        "the USCC {0} fails its check: correct it, or have an override proposed and confirmed by two \
         persons with the licence as evidence"
    )]
    NotOverridden(ContestedUscc),
    /// No party has the id.
    #[error("there is no party {0} in this zone")]
    UnknownParty(PartyId),
    /// There is an override of the code already.
    #[error(
        "an override of {0} has been proposed already: it can be confirmed, not proposed again"
    )]
    OverrideExists(ContestedUscc),
    /// There is no proposal to confirm.
    #[error("no override of {0} has been proposed: propose it first")]
    NoOverride(ContestedUscc),
    /// The proposal was confirmed before.
    #[error("the override of {0} is confirmed already")]
    OverrideConfirmed(ContestedUscc),
    /// One person alone.
    #[error("the override of {0} must be confirmed by another person than proposed it")]
    SamePerson(ContestedUscc),
    /// The first answer of a command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The entry was not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for PartyError {
    fn from(error: sqlx::Error) -> Self {
        let constraint = error
            .as_database_error()
            .and_then(|refusal| refusal.constraint());
        match constraint {
            Some(
                "party_uscc_key"
                | "party_identifier_key"
                | "controller_group_name_key"
                | "uscc_override_pkey"
                | "party_override_fkey",
            ) => Self::Overtaken {
                constraint: constraint.unwrap_or_default().to_owned(),
                cause: db::Overtaken,
            },
            Some(_) | None => Self::Database(error),
        }
    }
}

/// Who may keep the register of parties.
pub(super) const KEEPERS: &[Role] = &[Role::Reviewer, Role::Manager, Role::System];

/// Registers parties, all or none, each by an entry `party.registered`. The answers are in the order
/// of the parties. The caller's transaction must be rolled back on an error.
pub async fn register(
    conn: &mut PgConnection,
    command: &Command<'_>,
    new: &[NewParty],
) -> Result<Vec<Registered>, PartyError> {
    command.actor.require(KEEPERS)?;
    let idempotency = command.idempotency("party.register", &repeatable(new));
    if let Some(first) = first_answer(conn, command, idempotency.as_ref()).await? {
        return Ok(store::registered_from(conn, command.zone.id, first, new.len()).await?);
    }
    refuse_known(conn, command.zone.id, new).await?;
    let reviews = names_to_review(conn, command.zone.id, new).await?;
    let groups = Groups::of(conn, command.zone.id, new).await?;
    let parties: Vec<store::NewRow<'_>> = new
        .iter()
        .zip(reviews)
        .map(|(party, name_needs_review)| store::NewRow {
            id: PartyId::generate(),
            party,
            group: party.group.as_ref().and_then(|name| groups.id(name)),
            name_needs_review,
            name_salt: matches!(party.identity, Identity::Team(_)).then(rand::random),
        })
        .collect();
    let mut entries = Vec::with_capacity(parties.len());
    for party in &parties {
        entries.push(entry(command, party)?);
    }
    if let Some(first) = entries.first_mut() {
        first.idempotency = idempotency;
    }
    let outcomes = journal::record(conn, command.zone, command.now, &entries).await?;
    let recorded = outcomes
        .into_iter()
        .collect::<Result<Vec<_>, Refusal>>()
        .map_err(RecordError::Refused)?;
    store::insert_groups(conn, command.zone.id, &groups.made(&parties, &recorded)).await?;
    store::insert_parties(conn, command.zone.id, &parties, &recorded).await?;
    let ids = parties.iter().map(|party| party.id);
    Ok(ids
        .zip(recorded)
        .map(|(party, recorded)| Registered {
            party,
            index: recorded.index,
        })
        .collect())
}

/// What tells a command from another one under the same key. Its hash is in the log, so the names of teams,
/// which are those of natural persons, are not part of it.
fn repeatable(new: &[NewParty]) -> Vec<impl Serialize> {
    new.iter()
        .map(|party| {
            let is_team = matches!(party.identity, Identity::Team(_));
            let name = (!is_team).then_some(&party.name);
            (&party.identity, name, &party.roles, &party.group)
        })
        .collect()
}

/// The entry of one party. A team's name is that of natural persons, so the log has only a
/// commitment to it: SHA-256 of the salt and the name in UTF-8.
fn entry(command: &Command<'_>, row: &store::NewRow<'_>) -> Result<Entry, BodyError> {
    #[derive(Serialize)]
    struct RegisteredDetails<'a> {
        group: Option<ControllerGroupId>,
        identifier: &'a str,
        name: Option<&'a Name>,
        name_commitment: Option<String>,
        party: PartyId,
        roles: &'a Roles,
        scheme: &'a str,
    }
    let NewParty {
        identity,
        name,
        roles,
        ..
    } = row.party;
    let name_commitment = row.name_salt.map(|salt| {
        let mut hash = Sha256::new();
        hash.update(salt);
        hash.update(name.as_str());
        hex(&hash.finalize())
    });
    let details = RegisteredDetails {
        group: row.group,
        identifier: identity.identifier(),
        name: name_commitment.is_none().then_some(name),
        name_commitment,
        party: row.id,
        roles,
        scheme: identity.scheme(),
    };
    Ok(Entry {
        subject: Some(row.id.0),
        ..command.entry("party.registered", &details)?
    })
}

/// The entry that answered the same command before, if one did.
pub(super) async fn first_answer(
    conn: &mut PgConnection,
    command: &Command<'_>,
    idempotency: Option<&Idempotency>,
) -> Result<Option<LogIndex>, PartyError> {
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first = journal::first_answer::<IgnoredAny>(conn, zone, actor, idempotency).await?;
    Ok(first.map(|(recorded, _)| recorded.index))
}

async fn refuse_known(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[NewParty],
) -> Result<(), PartyError> {
    let identities: Vec<&Identity> = new.iter().map(|party| &party.identity).collect();
    let known = store::known(conn, zone, &identities).await?;
    let mut seen = HashSet::new();
    for (identity, known) in identities.iter().zip(known) {
        if known.is_some() || !seen.insert(*identity) {
            return Err(PartyError::AlreadyRegistered((*identity).clone()));
        }
    }
    let contested: Vec<&ContestedUscc> = identities
        .iter()
        .filter_map(|identity| identity.contested())
        .collect();
    let confirmed = store::confirmed_overrides(conn, zone, &contested).await?;
    let open = contested
        .into_iter()
        .find(|code| !confirmed.contains(code.as_str()));
    open.map_or(Ok(()), |code| Err(PartyError::NotOverridden(code.clone())))
}

/// Which names a person should look at: scripts mixed in them, or the name of another party.
pub(super) async fn names_to_review(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &[NewParty],
) -> Result<Vec<bool>, sqlx::Error> {
    let names: Vec<&Name> = new.iter().map(|party| &party.name).collect();
    let taken = store::names_taken(conn, zone, &names).await?;
    let mut seen = HashSet::new();
    Ok(names
        .into_iter()
        .map(|name| {
            let same = !seen.insert(name) || taken.contains(name.as_str());
            same || name::mixes_scripts(name)
        })
        .collect())
}

/// The groups that a command names, found or to be made.
struct Groups<'a> {
    found: HashMap<String, ControllerGroupId>,
    new: HashMap<&'a Name, ControllerGroupId>,
}

impl<'a> Groups<'a> {
    async fn of(
        conn: &mut PgConnection,
        zone: ZoneId,
        parties: &'a [NewParty],
    ) -> Result<Self, sqlx::Error> {
        let names: HashSet<&Name> = parties
            .iter()
            .filter_map(|new| new.group.as_ref())
            .collect();
        let names: Vec<&Name> = names.into_iter().collect();
        let found = store::groups_by_name(conn, zone, &names).await?;
        let new = names
            .into_iter()
            .filter(|name| !found.contains_key(name.as_str()))
            .map(|name| (name, ControllerGroupId::generate()))
            .collect();
        Ok(Self { found, new })
    }

    fn id(&self, name: &Name) -> Option<ControllerGroupId> {
        self.new
            .get(name)
            .or_else(|| self.found.get(name.as_str()))
            .copied()
    }

    /// The new ones, each with the first entry that names it.
    fn made(&self, rows: &[store::NewRow<'a>], recorded: &[Recorded]) -> Vec<store::NewGroup<'a>> {
        let mut waiting: HashMap<&Name, ControllerGroupId> = self.new.clone();
        rows.iter()
            .zip(recorded)
            .filter_map(|(row, recorded)| {
                let name = row.party.group.as_ref()?;
                let id = waiting.remove(name)?;
                Some(store::NewGroup {
                    id,
                    name,
                    recorded: *recorded,
                })
            })
            .collect()
    }
}
