//! The rows that a batch of commands about rent works on, and what its entries say of them.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::bill::{Bill, Bills, Move, Moved, Part};
use super::deferral::Deferral;
use super::lease::Lease;
use super::month::Month;
use super::refused::RentRefusal;
use super::store::{self, Let};
use super::waiver::{Said, Waiver};
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round};
use crate::identity::Command;
use crate::types::{
    Amount, Currency, DeferralId, LeaseId, LogIndex, Money, PartyId, WaiverId, ZoneId, excerpt,
};

/// What a request is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum About {
    Lease(LeaseId),
    Waiver(WaiverId),
    Deferral(DeferralId),
}

/// A step of a waiver that an entry records.
#[derive(Clone, Copy, Debug)]
pub(super) enum WaiverStep {
    Declared,
    Stated,
    Settled,
    Audited,
    Claimed,
    Released,
    Voided,
}

/// What a command does to rows, besides what it moves.
#[derive(Debug, Default)]
pub(super) struct Effect {
    pub(super) billed: Option<(LeaseId, Month)>,
    /// A lease that got another last day, and whether this ends it.
    pub(super) lease: Option<(LeaseId, bool)>,
    pub(super) moved: Option<Moved>,
    pub(super) waiver: Option<(WaiverId, WaiverStep)>,
    /// A deferral, and whether it is new.
    pub(super) deferral: Option<(DeferralId, bool)>,
}

/// Leases, locked in the order of their ids, with everything that changes only under their locks.
#[derive(Debug, Default)]
pub(super) struct Cases {
    pub(super) leases: HashMap<LeaseId, Lease>,
    pub(super) bills: HashMap<LeaseId, Bills>,
    pub(super) waivers: HashMap<WaiverId, Waiver>,
    pub(super) deferrals: HashMap<DeferralId, Deferral>,
    /// What waivers and deferrals have moved, oldest first.
    pub(super) moves: HashMap<Uuid, Vec<Move>>,
    /// When units are let, where a command asks for more days.
    pub(super) lets: Vec<Let>,
}

impl Cases {
    pub(super) async fn lock(
        conn: &mut PgConnection,
        zone: ZoneId,
        asked: &[About],
    ) -> Result<Self, sqlx::Error> {
        let (mut leases, mut waivers, mut deferrals) = (Vec::new(), Vec::new(), Vec::new());
        for about in asked {
            match about {
                About::Lease(id) => leases.push(*id),
                About::Waiver(id) => waivers.push(*id),
                About::Deferral(id) => deferrals.push(*id),
            }
        }
        let leases = store::lock_leases(conn, zone, &leases, &waivers, &deferrals).await?;
        let ids: Vec<LeaseId> = leases.keys().copied().collect();
        let waivers = store::waivers(conn, zone, &waivers).await?;
        let deferrals = store::deferrals(conn, zone, &deferrals).await?;
        let cases: Vec<Uuid> = waivers
            .values()
            .flat_map(|waiver| [Some(waiver.id.0), waiver.deferral.map(|id| id.0)])
            .flatten()
            .chain(deferrals.keys().map(|id| id.0))
            .collect();
        Ok(Self {
            bills: store::bills_of(conn, zone, &ids).await?,
            moves: store::moves_of(conn, zone, &cases).await?,
            leases,
            waivers,
            deferrals,
            lets: Vec::new(),
        })
    }

    /// A lease and its bills, if the actor acts for its carrier.
    pub(super) fn lease(
        &mut self,
        command: &Command<'_>,
        id: LeaseId,
    ) -> Result<(&mut Lease, &mut Bills), Rejected> {
        let lease = batch::find(&mut self.leases, "lease", &id)?;
        see(command, &[lease.carrier], "lease", &id.to_string())?;
        Ok((lease, self.bills.entry(id).or_default()))
    }

    /// A waiver with its lease and bills, if the actor acts for one of the parties of the lease.
    pub(super) fn waiver(
        &mut self,
        command: &Command<'_>,
        id: WaiverId,
    ) -> Result<(&mut Waiver, &mut Lease, &mut Bills), Rejected> {
        let waiver = batch::find(&mut self.waivers, "waiver", &id)?;
        let lease = batch::find(&mut self.leases, "lease", &waiver.lease)?;
        see(
            command,
            &[lease.carrier, lease.tenant],
            "waiver",
            &id.to_string(),
        )?;
        let bills = self.bills.entry(lease.id).or_default();
        Ok((waiver, lease, bills))
    }

    /// A deferral with its lease and bills, if the actor acts for the carrier.
    pub(super) fn deferral(
        &mut self,
        command: &Command<'_>,
        id: DeferralId,
    ) -> Result<(&mut Deferral, &mut Lease, &mut Bills), Rejected> {
        let deferral = batch::find(&mut self.deferrals, "deferral", &id)?;
        let lease = batch::find(&mut self.leases, "lease", &deferral.lease)?;
        see(command, &[lease.carrier], "deferral", &id.to_string())?;
        let bills = self.bills.entry(lease.id).or_default();
        Ok((deferral, lease, bills))
    }

    /// What a waiver has moved: its own moves, and those that made it of a deferral.
    pub(super) fn moves_of_waiver(&self, id: WaiverId) -> Vec<Move> {
        let of = |case: Uuid| self.moves.get(&case).into_iter().flatten().copied();
        let deferral = self.waivers.get(&id).and_then(|waiver| waiver.deferral);
        let converted = deferral.into_iter().flat_map(|id| of(id.0));
        converted
            .filter(|step| step.to == Part::Waived)
            .chain(of(id.0))
            .collect()
    }

    /// Moves that are decided on, so that later commands of the batch see them.
    pub(super) fn remember(
        &mut self,
        case: Uuid,
        lease: LeaseId,
        moves: Vec<Move>,
    ) -> Option<Moved> {
        if moves.is_empty() {
            return None;
        }
        self.moves.entry(case).or_default().extend(&moves);
        Some(Moved { case, lease, moves })
    }

    /// Writes what commands did, by which entries.
    pub(super) async fn write(
        mut self,
        conn: &mut PgConnection,
        zone: ZoneId,
        effects: Vec<(Effect, LogIndex)>,
    ) -> Result<(), sqlx::Error> {
        for (effect, index) in &effects {
            self.stamp(effect, *index);
        }
        self.write_leases(conn, zone, &effects).await?;
        self.write_deferrals(conn, zone, &effects).await?;
        self.write_waivers(conn, zone, &effects).await
    }

    /// Enters the entry where it belongs.
    fn stamp(&mut self, effect: &Effect, index: LogIndex) {
        if let Some((lease, month)) = effect.billed
            && let Some(bill) = self
                .bills
                .get_mut(&lease)
                .and_then(|bills| bills.by_month.get_mut(&month))
        {
            bill.index = index;
        }
        if let Some((lease, true)) = effect.lease
            && let Some(lease) = self.leases.get_mut(&lease)
        {
            lease.ended_index = Some(index);
        }
        if let Some((deferral, is_new)) = effect.deferral
            && let Some(deferral) = self.deferrals.get_mut(&deferral)
        {
            if is_new {
                deferral.agreed_index = index;
            } else if deferral.ended_index == Some(LogIndex(0)) {
                deferral.ended_index = Some(index);
            }
        }
        if let Some((waiver, step)) = effect.waiver
            && let Some(waiver) = self.waivers.get_mut(&waiver)
        {
            let at = |said: &mut Option<Said>| {
                if let Some(said) = said {
                    said.index = index;
                }
            };
            match step {
                WaiverStep::Declared => waiver.declared_index = index,
                WaiverStep::Stated => at(&mut waiver.stated),
                WaiverStep::Settled => at(&mut waiver.settled),
                WaiverStep::Audited => at(&mut waiver.audited),
                WaiverStep::Claimed => waiver.claimed_index = Some(index),
                WaiverStep::Released => waiver.claimed_index = None,
                WaiverStep::Voided => waiver.voided_index = Some(index),
            }
        }
    }

    async fn write_leases(
        &self,
        conn: &mut PgConnection,
        zone: ZoneId,
        effects: &[(Effect, LogIndex)],
    ) -> Result<(), sqlx::Error> {
        let changed: HashSet<LeaseId> = effects
            .iter()
            .filter_map(|(effect, _)| effect.lease.map(|(id, _)| id))
            .collect();
        let changed: Vec<&Lease> = changed
            .iter()
            .filter_map(|id| self.leases.get(id))
            .collect();
        if !changed.is_empty() {
            store::update_leases(conn, zone, &changed).await?;
        }
        let bill = |(lease, month): &(LeaseId, Month)| {
            let bill = self.bills.get(lease)?.by_month.get(month)?;
            Some((*lease, bill))
        };
        let billed: BTreeSet<_> = effects
            .iter()
            .filter_map(|(effect, _)| effect.billed)
            .collect();
        let billed: Vec<(LeaseId, &Bill)> = billed.iter().filter_map(bill).collect();
        if !billed.is_empty() {
            store::insert_bills(conn, zone, &billed).await?;
        }
        let moved: Vec<(&Moved, LogIndex)> = effects
            .iter()
            .filter_map(|(effect, index)| effect.moved.as_ref().map(|moved| (moved, *index)))
            .collect();
        if moved.is_empty() {
            return Ok(());
        }
        let touched: BTreeSet<(LeaseId, Month)> = moved
            .iter()
            .flat_map(|(moved, _)| moved.moves.iter().map(|step| (moved.lease, step.month)))
            .collect();
        let touched: Vec<(LeaseId, &Bill)> = touched.iter().filter_map(bill).collect();
        store::update_bills(conn, zone, &touched).await?;
        store::insert_moves(conn, zone, &moved).await
    }

    async fn write_deferrals(
        &self,
        conn: &mut PgConnection,
        zone: ZoneId,
        effects: &[(Effect, LogIndex)],
    ) -> Result<(), sqlx::Error> {
        let of = |new: bool| -> Vec<&Deferral> {
            let ids: BTreeSet<DeferralId> = effects
                .iter()
                .filter_map(|(effect, _)| effect.deferral.filter(|(_, is_new)| *is_new == new))
                .map(|(id, _)| id)
                .collect();
            ids.iter().filter_map(|id| self.deferrals.get(id)).collect()
        };
        let (new, changed) = (of(true), of(false));
        if !new.is_empty() {
            store::insert_deferrals(conn, zone, &new).await?;
        }
        if !changed.is_empty() {
            store::update_deferrals(conn, zone, &changed).await?;
        }
        Ok(())
    }

    async fn write_waivers(
        &self,
        conn: &mut PgConnection,
        zone: ZoneId,
        effects: &[(Effect, LogIndex)],
    ) -> Result<(), sqlx::Error> {
        let of = |new: bool| -> Vec<&Waiver> {
            let is_new = |step: WaiverStep| matches!(step, WaiverStep::Declared);
            let ids: BTreeSet<WaiverId> = effects
                .iter()
                .filter_map(|(effect, _)| effect.waiver.filter(|(_, step)| is_new(*step) == new))
                .map(|(id, _)| id)
                .collect();
            ids.iter().filter_map(|id| self.waivers.get(id)).collect()
        };
        let (new, changed) = (of(true), of(false));
        if !new.is_empty() {
            store::insert_waivers(conn, zone, &new).await?;
        }
        if !changed.is_empty() {
            store::update_waivers(conn, zone, &changed).await?;
        }
        Ok(())
    }
}

/// Decides one command on locked cases, and changes them.
pub(super) type Decide<I, A> =
    fn(&Command<'_>, &I, &mut Cases) -> Result<Decided<I, A, Effect>, BatchError>;

/// Answers commands that each are about one case: locks, decides one after another, records, writes rows.
pub(super) async fn answer<I, A>(
    conn: &mut PgConnection,
    name: &'static str,
    requests: &[(Command<'_>, I)],
    about: fn(&I) -> About,
    decide: Decide<I, A>,
) -> Result<Answers<A>, BatchError>
where
    I: Clone + Serialize + Send + Sync + 'static,
    A: Serialize + DeserializeOwned + Send + 'static,
{
    batch::answer(conn, name, requests, move |conn, round| {
        Box::pin(async move {
            let asked: Vec<About> = round
                .requests
                .iter()
                .map(|(_, input)| about(input))
                .collect();
            let cases = Cases::lock(conn, round.zone.id, &asked).await?;
            settle(conn, round, cases, decide).await
        })
    })
    .await
}

/// Decides a round on locked cases, records it, and writes what became of them.
pub(super) async fn settle<I, A>(
    conn: &mut PgConnection,
    round: &Round<'_, I>,
    mut cases: Cases,
    decide: Decide<I, A>,
) -> Result<Answers<A>, BatchError>
where
    I: Clone + Serialize + Send + Sync,
    A: Serialize + Send,
{
    let mut decided = Vec::with_capacity(round.requests.len());
    for (command, input) in &round.requests {
        decided.push(decide(command, input, &mut cases)?);
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    cases.write(conn, round.zone.id, effects).await?;
    Ok(answers)
}

/// Who acts for another party does not even learn that there is such a case.
fn see(
    command: &Command<'_>,
    parties: &[PartyId],
    what: &'static str,
    id: &str,
) -> Result<(), Rejected> {
    let unknown = || Rejected::Unknown {
        what,
        id: id.to_owned(),
    };
    let sees = batch::acts_for(command.actor, parties);
    sees.then_some(()).ok_or_else(unknown)
}

/// A move as entries say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveText {
    /// Decimal text.
    pub amount: String,
    /// The part of the bill that it leaves.
    pub from: Part,
    /// The month that was billed.
    pub month: Month,
    /// The part that it goes to.
    pub to: Part,
}

/// Moves as entries say them.
pub(super) fn texts(moves: &[Move], currency: Currency) -> Vec<MoveText> {
    let text = |step: &Move| MoveText {
        amount: step.amount.money().to_text(currency),
        from: step.from,
        month: step.month,
        to: step.to,
    };
    moves.iter().map(text).collect()
}

/// An amount of more than nothing, or which field is wrong.
pub(super) fn amount(field: &str, text: &str, currency: Currency) -> Result<Amount, Rejected> {
    let wrong = |error: String| Rejected::Input(format!("{field}: {error}"));
    Amount::new(money(field, text, currency)?).map_err(|error| wrong(error.to_string()))
}

/// An amount that may be nothing, or which field is wrong.
pub(super) fn money(field: &str, text: &str, currency: Currency) -> Result<Money, Rejected> {
    Money::parse(text, currency).map_err(|error| Rejected::Input(format!("{field}: {error}")))
}

/// Documents are named by their SHA-256.
pub(super) fn evidence(digests: &[String]) -> Result<(), Rejected> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_digest = |text: &&String| text.len() == 64 && text.bytes().all(is_digit);
    match digests.iter().find(|text| !is_digest(text)) {
        None => Ok(()),
        Some(other) => Err(Rejected::Input(format!(
            "evidence: {:?} is no SHA-256: write the 64 small hexadecimal digits that sha256sum prints",
            excerpt(other)
        ))),
    }
}

/// The months of a case, in order; none is a mistake of whoever asks.
pub(super) fn months_in_order(from: Month, until: Month) -> Result<(), Rejected> {
    if from <= until {
        Ok(())
    } else {
        Err(Rejected::Input(format!(
            "until: {until} is before {from}: name the first month first"
        )))
    }
}

/// What a case of a batch came to: done, or refused for a reason that its entry says.
pub(super) type Outcome<T> = Result<T, RentRefusal>;
