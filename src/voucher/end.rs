//! How value leaves a voucher unused: a released hold, expiry, cancellation.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::model::{Ended, Voucher, VoucherRefusal};
use super::redeem::{Case, Cases};
use super::{postings, store};
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::identity::{Command, Role};
use crate::journal::Transfer;
use crate::programme::OpenYears;
use crate::types::{Amount, HoldId, Reason, VoucherId};

/// Gives a hold back without using it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Release {
    /// The hold.
    pub hold: HoldId,
    /// Why the order came to nothing.
    pub reason: Reason,
}

/// What became of value that leaves a voucher unused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum EndAnswer {
    /// Free on the voucher again.
    Released {
        /// How much, decimal text.
        amount: String,
    },
    /// Lapsed, and back with the programme.
    Lapsed {
        /// How much, decimal text.
        amount: String,
    },
    /// Taken back by the office.
    Cancelled {
        /// How much, decimal text.
        amount: String,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Releases holds. After the voucher's last day what was held lapses.
pub async fn release(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Release)],
) -> Result<Answers<EndAnswer>, BatchError> {
    batch::answer(conn, "voucher.release", requests, |conn, round| {
        Box::pin(release_round(conn, round))
    })
    .await
}

async fn release_round(
    conn: &mut PgConnection,
    round: &Round<'_, Release>,
) -> Result<Answers<EndAnswer>, BatchError> {
    let (zone, new) = (round.zone, &round.requests);
    let ids: Vec<HoldId> = new.iter().map(|(_, input)| input.hold).collect();
    let mut cases = Cases::lock(conn, zone, round.today, &ids).await?;
    let mut decided = Vec::with_capacity(new.len());
    for (command, input) in new {
        decided.push(decide_release(command, input, &mut cases)?);
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let ended: Vec<_> = effects
        .into_iter()
        .filter_map(|(hold, index)| hold.map(|hold| (hold, index)))
        .collect();
    cases.write(conn, zone.id, &ended).await?;
    Ok(answers)
}

fn decide_release(
    command: &Command<'_>,
    input: &Release,
    cases: &mut Cases,
) -> Result<Decided<Release, EndAnswer, Option<HoldId>>, BatchError> {
    if let Err(forbidden) =
        command
            .actor
            .require(&[Role::Sme, Role::Provider, Role::Incubator, Role::Manager])
    {
        return Ok(Err(forbidden.into()));
    }
    let Case {
        hold,
        voucher,
        years,
        ..
    } = match cases.find(command, input.hold) {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let today = command.today();
    let amount = hold.amount.money().to_text(voucher.line.currency);
    let (kind, answer, transfers, effect) = match voucher.release(hold, today) {
        Err(refused) => (
            "release.refused",
            EndAnswer::Refused(refused.into()),
            Vec::new(),
            None,
        ),
        Ok(ended) => {
            let transfers = postings::release(voucher, ended, years)?;
            let answer = match ended {
                Ended::Free(_) => EndAnswer::Released { amount },
                Ended::Lapsed(_) => EndAnswer::Lapsed { amount },
            };
            ("voucher.released", answer, transfers, Some(input.hold))
        }
    };
    let step = Step::new(kind, voucher.id, input, answer).moving(transfers);
    Ok(Ok((step, effect)))
}

/// Lapses what is free on a voucher after its last day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Expire {
    /// The voucher.
    pub voucher: VoucherId,
}

/// Takes back what is free on a voucher.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Cancel {
    /// Why.
    pub reason: Reason,
    /// The voucher.
    pub voucher: VoucherId,
}

/// Lapses the free part of vouchers whose last day has passed. Safe to run twice or late.
pub async fn expire(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Expire)],
) -> Result<Answers<EndAnswer>, BatchError> {
    let step = |command: &Command<'_>, voucher: &mut Voucher| -> Result<TakenBack, Rejected> {
        command.actor.require(&[Role::System, Role::Manager])?;
        let lapsed = voucher.expire(command.today());
        Ok(("voucher.expired", "expiry.refused", lapsed, |amount| {
            EndAnswer::Lapsed { amount }
        }))
    };
    batch::answer(conn, "voucher.expire", requests, |conn, round| {
        Box::pin(take_back(conn, round, |input| input.voucher, step))
    })
    .await
}

/// Takes back the free part of vouchers. What is held stays held.
pub async fn cancel(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Cancel)],
) -> Result<Answers<EndAnswer>, BatchError> {
    let step = |command: &Command<'_>, voucher: &mut Voucher| -> Result<TakenBack, Rejected> {
        command.actor.require(&[Role::Manager])?;
        let taken = voucher.cancel();
        Ok((
            "voucher.cancelled",
            "cancellation.refused",
            taken,
            |amount| EndAnswer::Cancelled { amount },
        ))
    };
    batch::answer(conn, "voucher.cancel", requests, |conn, round| {
        Box::pin(take_back(conn, round, |input| input.voucher, step))
    })
    .await
}

/// Kind if done, kind if refused, what happened, and how the answer says it.
type TakenBack = (
    &'static str,
    &'static str,
    Result<Amount, VoucherRefusal>,
    fn(String) -> EndAnswer,
);

async fn take_back<I: Clone + Serialize + Send + Sync>(
    conn: &mut PgConnection,
    round: &Round<'_, I>,
    of: fn(&I) -> VoucherId,
    step: fn(&Command<'_>, &mut Voucher) -> Result<TakenBack, Rejected>,
) -> Result<Answers<EndAnswer>, BatchError> {
    let (zone, new) = (round.zone, &round.requests);
    let ids: Vec<VoucherId> = new.iter().map(|(_, input)| of(input)).collect();
    let mut vouchers = store::lock_vouchers(conn, zone, &ids).await?;
    let funded = vouchers.values().map(|voucher| voucher.line.year);
    let years = OpenYears::of(conn, zone, round.today, funded).await?;
    let mut decided: Vec<Decided<I, EndAnswer, Option<VoucherId>>> = Vec::with_capacity(new.len());
    for (command, input) in new {
        let found = batch::find(&mut vouchers, "voucher", &of(input))
            .and_then(|voucher| Ok((step(command, voucher)?, voucher)));
        decided.push(match found {
            Err(rejected) => Err(rejected),
            Ok((taken, voucher)) => Ok(taken_back(input, taken, voucher, &years)?),
        });
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let mut changed: HashMap<VoucherId, &Voucher> = HashMap::new();
    for voucher in effects
        .iter()
        .filter_map(|(effect, _)| effect.and_then(|id| vouchers.get(&id)))
    {
        changed.insert(voucher.id, voucher);
    }
    store::update_vouchers(
        conn,
        zone.id,
        &changed.into_values().collect::<Vec<_>>(),
        &[],
    )
    .await?;
    Ok(answers)
}

fn taken_back<I: Clone>(
    input: &I,
    (done, refused, taken, say): TakenBack,
    voucher: &Voucher,
    years: &OpenYears,
) -> Result<(Step<I, EndAnswer>, Option<VoucherId>), BatchError> {
    let (kind, answer, transfers, effect) = match taken {
        Err(code) => (
            refused,
            EndAnswer::Refused(code.into()),
            Vec::<Transfer>::new(),
            None,
        ),
        Ok(amount) => {
            let transfers = postings::take_back(voucher, amount, years)?;
            let text = amount.money().to_text(voucher.line.currency);
            (done, say(text), transfers, Some(voucher.id))
        }
    };
    let step = Step::new(kind, voucher.id, input, answer).moving(transfers);
    Ok((step, effect))
}

/// Lapses the free part of at most `limit` vouchers whose last day has passed, oldest first, and says how
/// many lapsed. Safe to run twice, or late: it finds only what still has to lapse.
pub async fn expire_due(
    conn: &mut PgConnection,
    command: &Command<'_>,
    limit: i64,
) -> Result<usize, BatchError> {
    let due = store::vouchers_to_expire(conn, command.zone.id, command.today(), limit).await?;
    let unkeyed = Command {
        key: None,
        ..*command
    };
    let requests: Vec<_> = due
        .into_iter()
        .map(|voucher| (unkeyed, Expire { voucher }))
        .collect();
    let answers = expire(conn, &requests).await?;
    let lapsed = |answer: &Result<batch::Answered<EndAnswer>, Rejected>| matches!(answer, Ok(answered) if matches!(answered.answer, EndAnswer::Lapsed { .. }));
    Ok(answers.iter().filter(|answer| lapsed(answer)).count())
}
