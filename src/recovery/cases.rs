//! What commands on recoveries work on: recoveries, locked in the order of their ids, and who may act on them.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use super::model::{Plan, Recovery};
use super::refused::RecoveryRefusal;
use super::store::{self, DecidedWriteOff, Settlement};
use crate::approval::Hands;
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round};
use crate::identity::{Command, Role};
use crate::types::{Amount, Currency, Due, LogIndex, Money, PartyId, PersonId, RecoveryId, ZoneId};

/// What a command does to rows; `None` if it was refused.
pub(super) type Effect = Option<Done>;

/// A recovery that is another one by now, and what is kept of that besides.
#[derive(Debug)]
pub(super) struct Done {
    recovery: RecoveryId,
    besides: Besides,
}

/// Rows beside that of the recovery.
#[derive(Debug)]
enum Besides {
    Nothing,
    Settlement(Settlement),
    Plan(Vec<Due>),
    WriteOff,
    WriteOffDecided(DecidedWriteOff, Option<Settlement>),
}

impl Done {
    /// The recovery alone.
    pub(super) const fn changed(recovery: RecoveryId) -> Self {
        let besides = Besides::Nothing;
        Self { recovery, besides }
    }

    /// A part of it was settled.
    pub(super) const fn settled(recovery: RecoveryId, settlement: Settlement) -> Self {
        let besides = Besides::Settlement(settlement);
        Self { recovery, besides }
    }

    /// A plan is in force.
    pub(super) const fn planned(recovery: RecoveryId, instalments: Vec<Due>) -> Self {
        let besides = Besides::Plan(instalments);
        Self { recovery, besides }
    }

    /// That it be written off is proposed.
    pub(super) const fn write_off_proposed(recovery: RecoveryId) -> Self {
        let besides = Besides::WriteOff;
        Self { recovery, besides }
    }

    /// Whether it is written off is decided.
    pub(super) const fn write_off_decided(
        recovery: RecoveryId,
        decided: DecidedWriteOff,
        settlement: Option<Settlement>,
    ) -> Self {
        let besides = Besides::WriteOffDecided(decided, settlement);
        Self { recovery, besides }
    }
}

/// Whether the person of a command may act in a party's case: not one of those `before`, and not recused.
pub(super) fn may_act(
    hands: &Hands,
    command: &Command<'_>,
    party: PartyId,
    before: &[PersonId],
) -> Result<(), RecoveryRefusal> {
    if before.contains(&command.actor.person) {
        Err(RecoveryRefusal::Segregation)
    } else if hands.stays_out(command.actor, party) {
        Err(RecoveryRefusal::Recused)
    } else {
        Ok(())
    }
}

/// Recoveries that are locked, and not yet what is known of the persons who act.
pub(super) struct Locked(HashMap<RecoveryId, Recovery>);

impl Locked {
    /// Locks the recoveries of a round.
    pub(super) async fn of<I: Sync>(
        conn: &mut PgConnection,
        round: &Round<'_, I>,
        of: fn(&I) -> RecoveryId,
    ) -> Result<Self, sqlx::Error> {
        let ids: Vec<RecoveryId> = round.requests.iter().map(|(_, input)| of(input)).collect();
        Ok(Self(store::lock(conn, round.zone, &ids).await?))
    }

    /// Once all rows are locked: who stays out holds from its entry on, so the head of the log is locked before that is read.
    pub(super) async fn with_persons<I: Sync>(
        self,
        conn: &mut PgConnection,
        round: &Round<'_, I>,
    ) -> Result<Cases, BatchError> {
        batch::lock_head(conn, round).await?;
        Ok(Cases {
            recoveries: self.0,
            hands: Hands::of_round(conn, round).await?,
        })
    }
}

/// Recoveries, and what is known of the persons who act.
pub(super) struct Cases {
    recoveries: HashMap<RecoveryId, Recovery>,
    hands: Hands,
}

impl Cases {
    /// A recovery, if the actor has one of the duties; and what is known of the actor.
    pub(super) fn find(
        &mut self,
        command: &Command<'_>,
        duties: &[Role],
        id: RecoveryId,
    ) -> Result<(&mut Recovery, &Hands), Rejected> {
        command.actor.require(duties)?;
        let recovery = batch::find(&mut self.recoveries, "recovery", &id)?;
        Ok((recovery, &self.hands))
    }

    /// Writes what commands did, by which entries.
    pub(super) async fn write(
        mut self,
        conn: &mut PgConnection,
        zone: ZoneId,
        effects: Vec<(Effect, LogIndex)>,
    ) -> Result<(), sqlx::Error> {
        let mut changed = BTreeSet::new();
        let (mut settlements, mut decided) = (Vec::new(), Vec::new());
        let (mut planned, mut proposed) = (Vec::new(), Vec::new());
        for (effect, index) in effects {
            let Some(Done { recovery, besides }) = effect else {
                continue;
            };
            let Some(recovery) = self.recoveries.get_mut(&recovery) else {
                continue;
            };
            recovery.stamp(index);
            changed.insert(recovery.id);
            match besides {
                Besides::Nothing => {}
                Besides::Settlement(settlement) => settlements.push((settlement, index)),
                Besides::Plan(instalments) => {
                    let plan = Plan { index, instalments };
                    recovery.put_in_force(plan.clone());
                    planned.push((recovery.id, plan));
                }
                Besides::WriteOff => {
                    let write_off = recovery.write_off.clone();
                    proposed.extend(write_off.map(|write_off| (recovery.id, write_off)));
                }
                Besides::WriteOffDecided(write_off, settlement) => {
                    decided.push((write_off, index));
                    settlements.extend(settlement.map(|settlement| (settlement, index)));
                }
            }
        }
        let changed: Vec<&Recovery> = changed
            .iter()
            .filter_map(|id| self.recoveries.get(id))
            .collect();
        store::insert_plans(conn, zone, &planned).await?;
        store::update(conn, zone, &changed).await?;
        store::insert_settlements(conn, zone, &settlements).await?;
        store::insert_write_offs(conn, zone, &proposed).await?;
        store::decide_write_offs(conn, zone, &decided).await
    }
}

/// Decides one command on locked recoveries, and changes them.
pub(super) type Decide<I, A> =
    fn(&Command<'_>, &I, &mut Cases) -> Result<Decided<I, A, Effect>, BatchError>;

/// Answers commands that each rest on one recovery alone: locks, decides one after another, records, writes rows.
pub(super) async fn answer<I, A>(
    conn: &mut PgConnection,
    name: &'static str,
    requests: &[(Command<'_>, I)],
    of: fn(&I) -> RecoveryId,
    decide: Decide<I, A>,
) -> Result<Answers<A>, BatchError>
where
    I: Clone + Serialize + Send + Sync + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
{
    batch::answer(conn, name, requests, move |conn, round| {
        Box::pin(async move {
            let locked = Locked::of(conn, round, of).await?;
            let mut cases = locked.with_persons(conn, round).await?;
            let mut decided = Vec::with_capacity(round.requests.len());
            for (command, input) in &round.requests {
                decided.push(decide(command, input, &mut cases)?);
            }
            let (answers, effects) = batch::record(conn, round, decided).await?;
            cases.write(conn, round.zone.id, effects).await?;
            Ok(answers)
        })
    })
    .await
}

/// An amount of more than nothing, or which field is wrong.
pub(super) fn amount(field: &str, text: &str, currency: Currency) -> Result<Amount, Rejected> {
    let wrong = |error: String| Rejected::Input(format!("{field}: {error}"));
    let money = Money::parse(text, currency).map_err(|error| wrong(error.to_string()))?;
    Amount::new(money).map_err(|error| wrong(error.to_string()))
}
