//! What commands on contracts work on: contracts, locked in the order of their ids, and who may act on them.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use super::model::{Contract, Ending};
use super::refused::ContractRefusal;
use super::store::{self, DecidedEnding};
use crate::approval::Hands;
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round};
use crate::identity::{Command, Role};
use crate::types::{ContractId, LogIndex, PartyId, PersonId, ZoneId};

/// Who deals with contracts: the programme's managers, and finance.
pub(super) const DUTIES: [Role; 2] = [Role::Manager, Role::Finance];

/// What a command does to rows; `None` if it was refused.
pub(super) type Effect = Option<Done>;

/// A contract that is another one by now, and what is kept of its ending besides.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) contract: ContractId,
    pub(super) decided: Option<DecidedEnding>,
}

impl Done {
    /// The contract alone.
    pub(super) const fn changed(contract: ContractId) -> Self {
        let decided = None;
        Self { contract, decided }
    }
}

/// Whether the person of a command may act on a provider's contract: not who acted `before`, and not recused.
pub(super) fn may_act(
    hands: &Hands,
    command: &Command<'_>,
    provider: PartyId,
    before: Option<PersonId>,
) -> Result<(), ContractRefusal> {
    if before == Some(command.actor.person) {
        Err(ContractRefusal::Segregation)
    } else if hands.stays_out(command.actor, provider) {
        Err(ContractRefusal::Recused)
    } else {
        Ok(())
    }
}

/// Contracts, and what is known of the persons who act.
pub(super) struct Cases {
    pub(super) contracts: HashMap<ContractId, Contract>,
    pub(super) hands: Hands,
}

impl Cases {
    /// Locks the contracts of a round, then the head of the log: who stays out holds from its entry on.
    pub(super) async fn lock<I: Sync>(
        conn: &mut PgConnection,
        round: &Round<'_, I>,
        of: fn(&I) -> ContractId,
    ) -> Result<Self, BatchError> {
        let ids: Vec<ContractId> = round.requests.iter().map(|(_, input)| of(input)).collect();
        let contracts = store::lock(conn, round.zone.id, &ids).await?;
        batch::lock_head(conn, round).await?;
        Ok(Self {
            contracts,
            hands: Hands::of_round(conn, round).await?,
        })
    }

    /// A contract, if the actor has one of the duties; and what is known of the actor.
    pub(super) fn find(
        &mut self,
        command: &Command<'_>,
        id: ContractId,
    ) -> Result<(&mut Contract, &Hands), Rejected> {
        command.actor.require(&DUTIES)?;
        let contract = batch::find(&mut self.contracts, "contract", &id)?;
        Ok((contract, &self.hands))
    }

    /// Writes what commands did, by which entries.
    pub(super) async fn write(
        mut self,
        conn: &mut PgConnection,
        zone: ZoneId,
        effects: Vec<(Effect, LogIndex)>,
    ) -> Result<(), sqlx::Error> {
        let mut changed = BTreeSet::new();
        let (mut waiting, mut decided): (Vec<(ContractId, Ending)>, _) = (Vec::new(), Vec::new());
        for (effect, index) in effects {
            let Some(done) = effect else { continue };
            let Some(contract) = self.contracts.get_mut(&done.contract) else {
                continue;
            };
            contract.stamp(index);
            changed.insert(contract.id);
            match done.decided {
                Some(ending) => decided.push((ending, index)),
                None => waiting.extend(
                    contract
                        .ending
                        .clone()
                        .filter(|ending| ending.proposed.index == index)
                        .map(|ending| (contract.id, ending)),
                ),
            }
        }
        let changed: Vec<&Contract> = changed
            .iter()
            .filter_map(|id| self.contracts.get(id))
            .collect();
        store::insert_endings(conn, zone, &waiting).await?;
        store::update(conn, zone, &changed).await?;
        store::update_milestones(conn, zone, &changed).await?;
        store::decide_endings(conn, zone, &decided).await
    }
}

/// Decides one command on locked contracts, and changes them.
pub(super) type Decide<I, A> = fn(&Command<'_>, &I, &mut Cases) -> Decided<I, A, Effect>;

/// Answers commands that each rest on one contract alone: locks, decides one after another, records, writes rows.
pub(super) async fn answer<I, A>(
    conn: &mut PgConnection,
    name: &'static str,
    requests: &[(Command<'_>, I)],
    of: fn(&I) -> ContractId,
    decide: Decide<I, A>,
) -> Result<Answers<A>, BatchError>
where
    I: Clone + Serialize + Send + Sync + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
{
    batch::answer(conn, name, requests, move |conn, round| {
        Box::pin(async move {
            let mut cases = Cases::lock(conn, round, of).await?;
            let mut decided = Vec::with_capacity(round.requests.len());
            for (command, input) in &round.requests {
                decided.push(decide(command, input, &mut cases));
            }
            let (answers, effects) = batch::record(conn, round, decided).await?;
            cases.write(conn, round.zone.id, effects).await?;
            Ok(answers)
        })
    })
    .await
}
