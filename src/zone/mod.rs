//! Setting up a zone: its books, its log, and the persons who act in it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::identity::store::{self, NewZone};
use crate::identity::{Actor, Command, Forbidden, Login, Role};
use crate::journal::{self, BodyError, Entry, RecallError, RecordError, Recorded};
use crate::types::{Name, PartyId, PersonId, Zone};

/// Why a zone was not set up, or a person not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// Another zone has the code or the origin.
    #[error("there is a zone {0} already, or one with its log's origin: choose another code")]
    ZoneExists(String),
    /// Another person has the login.
    #[error("the login {0} is taken: choose another")]
    LoginTaken(Login),
    /// A person without a role could do nothing.
    #[error("a person needs at least one role")]
    NoRole,
    /// The service acts under its own role, on rules alone: a person with it would act without any duty.
    #[error(
        "role: system is the service's own, which acts as {SYSTEM_LOGIN} in every zone: give the person a duty instead"
    )]
    SystemRole,
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
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
    Database(#[from] sqlx::Error),
}

/// The login of the person that stands for the service itself.
pub const SYSTEM_LOGIN: &str = "system";

/// Sets up a zone with empty books, an empty log and the person `system`; the first entry of its log
/// says so. `app.zone` of the transaction is set to the new zone.
pub async fn found(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    new: NewZone,
) -> Result<(Zone, Actor), ZoneError> {
    #[derive(Serialize)]
    struct Founded<'a> {
        currency: &'a str,
        name_en: &'a str,
        name_zh: &'a str,
        origin: &'a str,
        time_zone: &'a str,
    }
    let code = new.code.to_string();
    let zone = store::insert_zone(conn, new, now)
        .await?
        .ok_or(ZoneError::ZoneExists(code))?;
    crate::db::enter_zone(conn, zone.id).await?;
    crate::log::open(conn, zone.id, now).await?;
    let system = Actor {
        person: PersonId::generate(),
        login: SYSTEM_LOGIN.parse().expect("BUG: the constant is a login"),
        party: None,
        roles: BTreeSet::from([Role::System]),
    };
    let name: Name = "系统 System".parse().expect("BUG: the constant is a name");
    store::insert_person(conn, zone.id, &system, &name, now).await?;
    let command = Command {
        zone: &zone,
        actor: &system,
        now,
        key: None,
    };
    let founded = Founded {
        currency: zone.currency.code(),
        name_en: zone.name_en.as_str(),
        name_zh: zone.name_zh.as_str(),
        origin: &zone.origin,
        time_zone: zone.time.0.name(),
    };
    let entry = command.entry("zone.founded", &founded)?;
    journal::record_one(conn, &zone, now, entry).await?;
    Ok((zone, system))
}

/// A person to be enrolled.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// What `--as` will name.
    pub login: Login,
    /// For pages; never in the log.
    pub name: Name,
    /// The party that the person acts for, if any.
    pub party: Option<PartyId>,
    /// Duties, at least one.
    pub roles: BTreeSet<Role>,
}

/// What the entry of an enrolment says of the person: nothing that a stranger could tell them by.
#[derive(Serialize, Deserialize)]
struct Enrolled {
    party: Option<PartyId>,
    person: PersonId,
    roles: BTreeSet<Role>,
}

/// Enrols a person. The entry names the id and the roles, never name or login. Several duties in one person are allowed, since
/// four eyes are looked at case by case; `audit exceptions conflicting-roles` lists who has them.
pub async fn enrol(
    conn: &mut PgConnection,
    command: &Command<'_>,
    new: NewPerson,
) -> Result<(Actor, Recorded), ZoneError> {
    command.actor.require(&[Role::System, Role::Manager])?;
    if new.roles.is_empty() {
        return Err(ZoneError::NoRole);
    }
    if new.roles.contains(&Role::System) {
        return Err(ZoneError::SystemRole);
    }
    let idempotency = command.idempotency("person.enrol", &(new.party, &new.roles));
    let (zone, actor) = (command.zone.id, command.actor.person);
    let first = journal::first_answer::<Enrolled>(conn, zone, actor, idempotency.as_ref()).await?;
    if let Some((recorded, enrolled)) = first {
        let person = store::actor_by_login(conn, zone, &new.login).await?;
        return person
            .filter(|person| person.person == enrolled.person)
            .map(|person| (person, recorded))
            .ok_or(RecallError::KeyConflict(recorded.index).into());
    }
    let person = Actor {
        person: PersonId::generate(),
        login: new.login,
        party: new.party,
        roles: new.roles,
    };
    if !store::insert_person(conn, command.zone.id, &person, &new.name, command.now).await? {
        return Err(ZoneError::LoginTaken(person.login));
    }
    let enrolled = Enrolled {
        party: person.party,
        person: person.person,
        roles: person.roles.clone(),
    };
    let entry = Entry {
        subject: Some(person.person.0),
        idempotency,
        ..command.entry("person.enrolled", &enrolled)?
    };
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    Ok((person, recorded))
}
