//! What a claim may rest on: relief of a carrier that tenants have confirmed and an audit has proved.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::bill::{Move, Part, standing};
use super::cases::{self, About, Cases, Effect, WaiverStep};
use super::exact::portion;
use super::judge::refuse;
use super::store;
use super::waive::WaiverAnswer;
use super::waiver::{Method, Waiver, WaiverState, Way};
use crate::batch::{Answers, BatchError, Decided, Step};
use crate::identity::{Command, Role};
use crate::types::{LeaseId, LogIndex, Money, PartyId, Period, WaiverId, ZoneId};

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
    /// Whether a reviewer settled a mismatch.
    pub is_settled: bool,
    /// What the audit found for the days asked, minor units.
    pub audited: Money,
    /// What of that the carrier's own landlord waived, minor units.
    pub landlord_relief: Money,
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
    let waivers = store::waivers_of_carrier(conn, zone, carrier).await?;
    let cases: Vec<_> = waivers.iter().map(|waiver| waiver.id.0).collect();
    let moves = store::moves_of(conn, zone, &cases).await?;
    let mut found = ReliefForClaim::default();
    for waiver in &waivers {
        let moves = moves
            .get(&waiver.id.0)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let Some(share) = share_within(waiver, moves, *window) else {
            continue;
        };
        match (waiver.state(), relief(waiver, share)) {
            (WaiverState::Compensable, Some(relief)) => found.reliefs.push(relief),
            (
                state @ (WaiverState::Declared | WaiverState::Mismatched | WaiverState::Confirmed),
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
    Ok(found)
}

/// What of a waiver falls into the window, of what is audited (or, before that, declared): its first months first. `None`
/// if nothing does.
fn share_within(waiver: &Waiver, moves: &[Move], window: Period) -> Option<Money> {
    let whole = waiver
        .audited
        .map_or(waiver.amount.money(), |said| said.amount);
    if matches!(waiver.method, Method::Months | Method::Converted) {
        return window.contains(waiver.from_day).then_some(whole);
    }
    let (mut left, mut within) = (whole, None);
    for ((month, _), sum) in standing(moves, Part::Waived) {
        let counted = sum.min(left);
        left = left.saturating_sub(counted);
        if window.contains(month.first_day()) && window.contains(month.last_day()) {
            within = Some([within.unwrap_or_default(), counted].into_iter().sum());
        }
    }
    within
}

/// As a claim sees it. The landlord's part is split like the relief: by what of it falls into the window.
fn relief(waiver: &Waiver, audited: Money) -> Option<Relief> {
    let (stated, whole) = (waiver.stated?, waiver.audited?.amount);
    Some(Relief {
        waiver: waiver.id,
        number: waiver.declared_index,
        lease: waiver.lease,
        way: waiver.way,
        from_day: waiver.from_day,
        until_day: waiver.until_day,
        declared: waiver.amount.money(),
        stated: stated.amount,
        is_settled: waiver.settled.is_some(),
        audited,
        landlord_relief: portion(waiver.landlord_relief, audited.minor(), whole.minor()),
    })
}

/// A claim takes a waiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimWaiver {
    /// The claim, by its id.
    pub claim: uuid::Uuid,
    /// The waiver.
    pub waiver: WaiverId,
}

/// Marks waivers as claimed, each by an entry of its own, so that no relief is compensated twice. Called by the feature
/// that approves claims, in its transaction and with its actor, before it takes other locks.
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

fn decide(
    command: &Command<'_>,
    input: &ClaimWaiver,
    cases: &mut Cases,
) -> Decided<ClaimWaiver, WaiverAnswer, Effect> {
    command.actor.require(&[Role::Manager, Role::Reviewer])?;
    let (waiver, ..) = cases.waiver(command, input.waiver)?;
    if let Err(refused) = waiver.claim() {
        return Ok(refuse(input.waiver, input, refused));
    }
    let audited = waiver.audited.map_or(Money::ZERO, |said| said.amount);
    let base = audited.saturating_sub(waiver.landlord_relief);
    let answer = WaiverAnswer::Claimed {
        base: base.to_text(command.zone.currency),
    };
    let effect = Effect {
        waiver: Some((input.waiver, WaiverStep::Claimed)),
        ..Effect::default()
    };
    let step = Step::new("waiver.claimed", input.waiver, input, answer);
    Ok((step, effect))
}
