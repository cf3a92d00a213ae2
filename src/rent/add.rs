//! A carrier enters a lease.

use std::collections::HashSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::cases::{amount, money};
use super::lease::{Area, Charges, Lease};
use super::refused::{Refused, RentRefusal};
use super::store::{self, Let};
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::identity::{Command, Role};
use crate::party::{self, PartyRole};
use crate::types::{Code, LeaseId, LogIndex, PartyId};

/// A lease as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddLease {
    /// Floor area.
    pub area: Area,
    /// Who lets the premises.
    pub carrier: PartyId,
    /// Other charges of a whole month, decimal text in the zone's currency.
    pub charges: Charges<String>,
    /// First day of the tenancy.
    pub first_day: NaiveDate,
    /// Last day of the tenancy.
    pub last_day: NaiveDate,
    /// Rent of a whole month without other charges, decimal text.
    pub monthly_rent: String,
    /// The carrier's own code of the unit.
    pub premises: Code,
    /// Whether the carrier itself rents the premises from a landlord.
    pub sublet: bool,
    /// Who rents them.
    pub tenant: PartyId,
}

/// What became of a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum LeaseAnswer {
    /// It is entered.
    Added {
        /// Identity.
        lease: LeaseId,
    },
    /// It ends earlier than agreed.
    Ended {
        /// Its last day now.
        last_day: NaiveDate,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Enters leases. No unit is let twice on one day.
pub async fn add_lease(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, AddLease)],
) -> Result<Answers<LeaseAnswer>, BatchError> {
    batch::answer(conn, "lease.add", requests, |conn, round| {
        Box::pin(add_round(conn, round))
    })
    .await
}

async fn add_round(
    conn: &mut PgConnection,
    round: &Round<'_, AddLease>,
) -> Result<Answers<LeaseAnswer>, BatchError> {
    let (zone, new) = (round.zone, &round.requests);
    let carriers: Vec<PartyId> = new.iter().map(|(_, input)| input.carrier).collect();
    let premises: Vec<&Code> = new.iter().map(|(_, input)| &input.premises).collect();
    store::lock_premises(conn, zone.id, &carriers).await?;
    let mut desk = Desk {
        let_already: store::lets(conn, zone.id, &carriers, &premises).await?,
        parties: Parties::of(conn, round).await?,
    };
    let mut decided = Vec::with_capacity(new.len());
    for (command, input) in new {
        decided.push(desk.decide(command, input));
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let added: Vec<Lease> = effects
        .into_iter()
        .filter_map(|(lease, index)| {
            lease.map(|lease| Lease {
                added_index: index,
                ..lease
            })
        })
        .collect();
    store::insert_leases(conn, zone.id, &added.iter().collect::<Vec<_>>()).await?;
    Ok(answers)
}

/// Which of the parties that are named there are.
struct Parties {
    carriers: HashSet<PartyId>,
    known: HashSet<PartyId>,
}

impl Parties {
    async fn of(conn: &mut PgConnection, round: &Round<'_, AddLease>) -> Result<Self, sqlx::Error> {
        let inputs = round.requests.iter().map(|(_, input)| input);
        let asked: Vec<PartyId> = inputs
            .flat_map(|input| [input.carrier, input.tenant])
            .collect();
        let found = party::store::parties(conn, round.zone.id, &asked).await?;
        let carriers = found
            .iter()
            .filter(|party| party.roles.iter().any(|role| role == PartyRole::Carrier));
        Ok(Self {
            carriers: carriers.map(|party| party.id).collect(),
            known: found.iter().map(|party| party.id).collect(),
        })
    }
}

/// Everything that decisions of one batch read. Premises are as earlier leases of it have left them.
struct Desk {
    let_already: Vec<Let>,
    parties: Parties,
}

impl Desk {
    fn decide(
        &mut self,
        command: &Command<'_>,
        input: &AddLease,
    ) -> Decided<AddLease, LeaseAnswer, Option<Lease>> {
        let lease = self.lease(command, input)?;
        let own = Let::of(&lease);
        let id = lease.id;
        let (kind, answer, effect) = if self.let_already.iter().any(|other| own.collides(other)) {
            let refused = RentRefusal::PremisesTaken.into();
            ("lease.refused", LeaseAnswer::Refused(refused), None)
        } else {
            self.let_already.push(own);
            ("lease.added", LeaseAnswer::Added { lease: id }, Some(lease))
        };
        Ok((Step::new(kind, id, input, answer), effect))
    }

    fn lease(&self, command: &Command<'_>, input: &AddLease) -> Result<Lease, Rejected> {
        command.actor.require(&[Role::Incubator])?;
        let unknown = |what, id: PartyId| Rejected::Unknown {
            what,
            id: id.to_string(),
        };
        if !self.parties.carriers.contains(&input.carrier)
            || !batch::acts_for(command.actor, &[input.carrier])
        {
            return Err(unknown("carrier", input.carrier));
        }
        if !self.parties.known.contains(&input.tenant) {
            return Err(unknown("tenant", input.tenant));
        }
        let wrong = |text: &str| Err(Rejected::Input(text.to_owned()));
        if input.tenant == input.carrier {
            return wrong(
                "tenant: the carrier can't be its own tenant: name the firm that rents the premises",
            );
        }
        if input.last_day < input.first_day {
            return wrong("until: the last day is before the first: correct one of them");
        }
        let currency = command.zone.currency;
        let charge = |field, text: &str| money(field, text, currency);
        Ok(Lease {
            id: LeaseId::generate(),
            added_by: command.actor.person,
            added_index: LogIndex(0),
            carrier: input.carrier,
            tenant: input.tenant,
            premises: input.premises.clone(),
            area: input.area,
            monthly_rent: amount("rent", &input.monthly_rent, currency)?,
            charges: Charges {
                other: charge("other", &input.charges.other)?,
                parking: charge("parking", &input.charges.parking)?,
                property_fee: charge("property fee", &input.charges.property_fee)?,
                utilities: charge("utilities", &input.charges.utilities)?,
            },
            sublet: input.sublet,
            first_day: input.first_day,
            rent_until: input.last_day,
            last_day: input.last_day,
            ended_index: None,
        })
    }
}
