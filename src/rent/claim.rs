//! What a claim may rest on: relief of a carrier that tenants have confirmed and an audit has proved.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::bill::{Move, Part, standing};
use super::cases::{self, About, Cases, Effect, WaiverStep};
use super::exact::portion;
use super::judge::refuse;
use super::month::Month;
use super::store::{self, Rent};
use super::waive::WaiverAnswer;
use super::waiver::{Method, Waiver, WaiverState, Way};
use crate::batch::{Answers, BatchError, Decided, Step};
use crate::identity::{Command, Forbidden, Role};
use crate::types::{Amount, LeaseId, LogIndex, Money, PartyId, Period, WaiverId, ZoneId};

/// One waiver that a claim may rest on: rent only, without other charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relief {
    /// The waiver.
    pub waiver: WaiverId,
    /// The entry of its declaration; `W` and this number is its short name.
    pub number: LogIndex,
    /// The lease.
    pub lease: LeaseId,
    /// How it was carried out: a longer lease is no cash waiver, and many policies leave it out.
    pub way: Way,
    /// First day of the relief; of a converted deferral, the day of the conversion.
    pub from_day: chrono::NaiveDate,
    /// Last day of the relief.
    pub until_day: chrono::NaiveDate,
    /// What the carrier declared, minor units.
    pub declared: Money,
    /// What the tenant stated, minor units.
    pub stated: Money,
    /// What of that goes with what is audited of the days asked: never less than it, minor units.
    pub confirmed: Money,
    /// Whether a reviewer settled a mismatch.
    pub is_settled: bool,
    /// What the audit found for the days asked, minor units.
    pub audited: Money,
    /// What of that the carrier's own landlord waived, minor units.
    pub landlord_relief: Money,
    /// The billed months that count; none of an extension or a converted deferral.
    pub months: BTreeSet<Month>,
    /// What each of these months was waived by, as far as an audit found nothing less.
    pub measure: MonthMeasure,
    /// The rent of the lease for a whole month, minor units.
    pub monthly_rent: Amount,
}

/// What of a month's rent a waiver gives up, where policies count months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MonthMeasure {
    /// All of it.
    Full,
    /// Half of it.
    Half,
    /// Another sum.
    Other,
}

impl Relief {
    /// What compensation is worked out on: what is audited, less the landlord's part (worked case R12).
    pub fn base(&self) -> Money {
        self.audited.saturating_sub(self.landlord_relief)
    }
}

/// A waiver that no claim may rest on yet, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The waiver.
    pub waiver: WaiverId,
    /// The entry of its declaration.
    pub number: LogIndex,
    /// `Mismatched` is what policies call `TENANT_MISMATCH` (worked case R17).
    pub state: WaiverState,
}

/// What there is for a claim of a carrier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReliefForClaim {
    /// In the order of the declarations.
    pub reliefs: Vec<Relief>,
    /// Waivers of these days that wait for a tenant, a reviewer or an audit.
    pub waiting: Vec<Waiting>,
}

impl ReliefForClaim {
    /// The base of all of it together, minor units.
    pub fn base(&self) -> Money {
        self.reliefs.iter().map(Relief::base).sum()
    }
}

/// The waivers of a carrier that a claim may rest on, as far as they fall into a programme's window: months that lie in it
/// whole, extensions that begin in it, and deferrals that were converted in it. A deferral itself is never among them.
///
/// Takes no locks: [`mark_claimed`] finds out under the lease's lock whether a waiver can still be claimed.
pub async fn relief_for_claim(
    conn: &mut PgConnection,
    zone: ZoneId,
    carrier: PartyId,
    window: &Period,
) -> Result<ReliefForClaim, sqlx::Error> {
    let book = ReliefBook::read(conn, zone, &[carrier], &[]).await?;
    Ok(book.of(carrier, window))
}

/// What the rent book says of the waivers of some carriers.
#[derive(Debug, Default)]
pub struct ReliefBook {
    rents: HashMap<LeaseId, Rent>,
    /// In the order of the declarations.
    waivers: Vec<Waiver>,
    moves: HashMap<Uuid, Vec<Move>>,
}

impl ReliefBook {
    /// The waivers of these carriers that are neither claimed nor voided, and those that are named, whatever became of
    /// them. Takes no locks.
    pub async fn read(
        conn: &mut PgConnection,
        zone: ZoneId,
        carriers: &[PartyId],
        named: &[WaiverId],
    ) -> Result<Self, sqlx::Error> {
        if carriers.is_empty() {
            return Ok(Self::default());
        }
        let rents = store::rents_of(conn, zone, carriers).await?;
        let waivers = store::waivers_of_carriers(conn, zone, carriers, named).await?;
        let cases: Vec<_> = waivers.iter().map(|waiver| waiver.id.0).collect();
        Ok(Self {
            moves: store::moves_of(conn, zone, &cases).await?,
            rents,
            waivers,
        })
    }

    /// Whether the carrier keeps leases here.
    pub fn has_leases_of(&self, carrier: PartyId) -> bool {
        self.rents.values().any(|rent| rent.carrier == carrier)
    }

    /// A waiver of the carrier.
    pub fn waiver(&self, carrier: PartyId, id: WaiverId) -> Option<&Waiver> {
        self.waivers_of(carrier)
            .map(|(waiver, _)| waiver)
            .find(|waiver| waiver.id == id)
    }

    /// What there is for a claim of the carrier, of these days.
    pub fn of(&self, carrier: PartyId, window: &Period) -> ReliefForClaim {
        let mut found = ReliefForClaim::default();
        for (waiver, rent) in self.waivers_of(carrier) {
            let moves = self.moves.get(&waiver.id.0);
            let moves = moves.map(Vec::as_slice).unwrap_or_default();
            let Some(share) = share_within(waiver, moves, *window) else {
                continue;
            };
            match (waiver.state(), relief(waiver, share, rent)) {
                (WaiverState::Compensable, Some(relief)) => found.reliefs.push(relief),
                (
                    state @ (WaiverState::Declared
                    | WaiverState::Mismatched
                    | WaiverState::Confirmed),
                    _,
                ) => {
                    found.waiting.push(Waiting {
                        waiver: waiver.id,
                        number: waiver.declared_index,
                        state,
                    });
                }
                (
                    WaiverState::Compensable
                    | WaiverState::NonCompensable
                    | WaiverState::Claimed
                    | WaiverState::Voided,
                    _,
                ) => {}
            }
        }
        found
    }

    fn waivers_of<'s>(&'s self, carrier: PartyId) -> impl Iterator<Item = (&'s Waiver, &'s Rent)> {
        let with_rent = |waiver: &'s Waiver| Some((waiver, self.rents.get(&waiver.lease)?));
        let all = self.waivers.iter().filter_map(with_rent);
        all.filter(move |(_, rent)| rent.carrier == carrier)
    }
}

/// Locks the leases of waivers, in the order of the leases: until the end of the transaction none of the waivers changes.
/// Taken before any other lock.
pub async fn lock_waivers(
    conn: &mut PgConnection,
    zone: ZoneId,
    waivers: &[WaiverId],
) -> Result<(), sqlx::Error> {
    if !waivers.is_empty() {
        store::lock_leases(conn, zone, &[], waivers, &[]).await?;
    }
    Ok(())
}

/// What of a waiver falls into a window.
struct Share {
    /// Minor units of what is audited or, before that, declared.
    amount: Money,
    /// The billed months.
    months: BTreeSet<Month>,
}

/// What of a waiver falls into the window: its first months first. `None` if nothing does.
fn share_within(waiver: &Waiver, moves: &[Move], window: Period) -> Option<Share> {
    let whole = waiver
        .audited
        .map_or(waiver.amount.money(), |said| said.amount);
    if matches!(waiver.method, Method::Months | Method::Converted) {
        return window.contains(waiver.from_day).then_some(Share {
            amount: whole,
            months: BTreeSet::new(),
        });
    }
    let (mut left, mut amount, mut months) = (whole, Money::ZERO, BTreeSet::new());
    for ((month, _), sum) in standing(moves, Part::Waived) {
        let counted = sum.min(left);
        left = left.saturating_sub(counted);
        if window.contains(month.first_day()) && window.contains(month.last_day()) {
            amount = [amount, counted].into_iter().sum();
            months.insert(month);
        }
    }
    (!months.is_empty()).then_some(Share { amount, months })
}

/// As a claim sees it. The landlord's and the tenant's sums are split like the relief: by what of it falls into the window.
fn relief(waiver: &Waiver, share: Share, rent: &Rent) -> Option<Relief> {
    let (stated, whole) = (waiver.stated?, waiver.audited?.amount);
    let part = |sum: Money| portion(sum, share.amount.minor(), whole.minor());
    let is_whole = waiver.amount.money() == whole;
    let first = share.months.first().map(|month| month.first_day());
    let last = share.months.last().map(|month| month.last_day());
    Some(Relief {
        waiver: waiver.id,
        number: waiver.declared_index,
        lease: waiver.lease,
        way: waiver.way,
        from_day: first.map_or(waiver.from_day, |day| day.max(waiver.from_day)),
        until_day: last.map_or(waiver.until_day, |day| day.min(waiver.until_day)),
        declared: waiver.amount.money(),
        stated: stated.amount,
        confirmed: part(stated.amount),
        is_settled: waiver.settled.is_some(),
        landlord_relief: part(waiver.landlord_relief),
        audited: share.amount,
        measure: match waiver.method {
            Method::Full if is_whole => MonthMeasure::Full,
            Method::Half if is_whole => MonthMeasure::Half,
            Method::Full
            | Method::Half
            | Method::Share(_)
            | Method::Amount
            | Method::Months
            | Method::Converted => MonthMeasure::Other,
        },
        months: share.months,
        monthly_rent: rent.monthly,
    })
}

/// A claim takes a waiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimWaiver {
    /// The claim, by its id.
    pub claim: Uuid,
    /// The waiver.
    pub waiver: WaiverId,
}

/// Marks waivers as claimed, each by an entry of its own, so that no relief is compensated twice. Called by the feature
/// that approves claims, in its transaction and with its actor, whose duty it has looked at: the last level may be finance's,
/// or delegated. It has locked the leases before its own rows ([`lock_waivers`]).
pub async fn mark_claimed(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ClaimWaiver)],
) -> Result<Answers<WaiverAnswer>, BatchError> {
    let about = |input: &ClaimWaiver| About::Waiver(input.waiver);
    cases::answer(
        conn,
        "rent.claim",
        requests,
        about,
        |command, input, cases| Ok(decide(command, input, cases)),
    )
    .await
}

/// Lets other claims rest on the waivers of claims that were revoked, each by an entry of its own. Called by the feature
/// that revokes claims, as [`mark_claimed`] is by the one that approves them.
pub async fn release_claimed(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ClaimWaiver)],
) -> Result<Answers<WaiverAnswer>, BatchError> {
    let about = |input: &ClaimWaiver| About::Waiver(input.waiver);
    cases::answer(
        conn,
        "rent.release_claimed",
        requests,
        about,
        |command, input, cases| Ok(decide_release(command, input, cases)),
    )
    .await
}

fn decide_release(
    command: &Command<'_>,
    input: &ClaimWaiver,
    cases: &mut Cases,
) -> Decided<ClaimWaiver, WaiverAnswer, Effect> {
    expect_office(command)?;
    let (waiver, ..) = cases.waiver(command, input.waiver)?;
    if let Err(refused) = waiver.release() {
        return Ok(refuse(input.waiver, input, refused));
    }
    let answer = WaiverAnswer::Released {
        base: base(waiver).to_text(command.zone.currency),
    };
    let effect = Effect {
        waiver: Some((input.waiver, WaiverStep::Released)),
        ..Effect::default()
    };
    let step = Step::new("waiver.released", input.waiver, input, answer);
    Ok((step, effect))
}

/// What compensation of a whole waiver is worked out on.
fn base(waiver: &Waiver) -> Money {
    let audited = waiver.audited.map_or(Money::ZERO, |said| said.amount);
    audited.saturating_sub(waiver.landlord_relief)
}

fn expect_office(command: &Command<'_>) -> Result<(), Forbidden> {
    if command.actor.party.is_none() {
        return Ok(());
    }
    let (login, needs) = (
        command.actor.login.clone(),
        vec![Role::Manager, Role::Finance],
    );
    Err(Forbidden { login, needs })
}

fn decide(
    command: &Command<'_>,
    input: &ClaimWaiver,
    cases: &mut Cases,
) -> Decided<ClaimWaiver, WaiverAnswer, Effect> {
    expect_office(command)?;
    let (waiver, ..) = cases.waiver(command, input.waiver)?;
    if let Err(refused) = waiver.claim() {
        return Ok(refuse(input.waiver, input, refused));
    }
    let answer = WaiverAnswer::Claimed {
        base: base(waiver).to_text(command.zone.currency),
    };
    let effect = Effect {
        waiver: Some((input.waiver, WaiverStep::Claimed)),
        ..Effect::default()
    };
    let step = Step::new("waiver.claimed", input.waiver, input, answer);
    Ok((step, effect))
}
