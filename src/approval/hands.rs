//! In whose name a person may act on a case, and who has to stay out.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::store;
use crate::batch::Round;
use crate::identity::{Actor, Role};
use crate::types::{PartyId, PersonId, ZoneId};

/// A person who acts in a duty: the own one, or that of somebody who delegated it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acting {
    /// Who acts.
    pub person: PersonId,
    /// For whom, if not in the own duty.
    pub principal: Option<PersonId>,
}

impl Acting {
    /// Everybody who has had a hand in it: the person, and whom the person acts for.
    pub fn persons(self) -> impl Iterator<Item = PersonId> {
        std::iter::once(self.person).chain(self.principal)
    }
}

/// What is known of some persons on a day: delegations to them, and whose cases they, and those who delegated to them,
/// stay out of.
#[derive(Clone, Debug, Default)]
pub struct Hands {
    delegated: HashMap<(PersonId, Role), Vec<PersonId>>,
    recused: HashSet<(PersonId, PartyId)>,
}

impl Hands {
    /// Reads what is known of whoever acts in a round, on its day.
    pub(crate) async fn of_round<I: Sync>(
        conn: &mut PgConnection,
        round: &Round<'_, I>,
    ) -> Result<Self, sqlx::Error> {
        let actors = round.requests.iter();
        let actors: Vec<PersonId> = actors.map(|(command, _)| command.actor.person).collect();
        Self::read(conn, round.zone.id, round.today, &actors).await
    }

    /// Reads what is in force on a day. A delegation counts only as long as the principal has the duty.
    pub async fn read(
        conn: &mut PgConnection,
        zone: ZoneId,
        today: NaiveDate,
        persons: &[PersonId],
    ) -> Result<Self, sqlx::Error> {
        let mut delegated: HashMap<_, Vec<PersonId>> = HashMap::new();
        let mut all: Vec<PersonId> = persons.to_vec();
        for (delegate, role, principal) in store::delegated_to(conn, zone, today, persons).await? {
            delegated
                .entry((delegate, role))
                .or_default()
                .push(principal);
            all.push(principal);
        }
        let recused = store::recused(conn, zone, &all).await?;
        Ok(Self { delegated, recused })
    }

    /// The ways in which somebody may act in a duty: the own duty first, then delegations as they were given. None, if the
    /// person has the duty from nobody.
    pub fn acting(&self, actor: &Actor, role: Role) -> Vec<Acting> {
        let person = actor.person;
        let own = actor.roles.contains(&role).then_some(Acting {
            person,
            principal: None,
        });
        let given = self.delegated.get(&(person, role));
        let given = given.into_iter().flatten().map(|principal| Acting {
            person,
            principal: Some(*principal),
        });
        own.into_iter().chain(given).collect()
    }

    /// Whether one who acts in the own duty has to stay out of a party's cases.
    pub fn stays_out(&self, actor: &Actor, party: PartyId) -> bool {
        let acting = Acting {
            person: actor.person,
            principal: None,
        };
        self.stays_out_as(actor, acting, party)
    }

    /// Whether one who acts has to stay out of a party's cases: recused, as the person or as the principal, or acting for
    /// the party itself.
    pub fn stays_out_as(&self, actor: &Actor, acting: Acting, party: PartyId) -> bool {
        actor.party == Some(party)
            || acting
                .persons()
                .any(|person| self.recused.contains(&(person, party)))
    }
}
