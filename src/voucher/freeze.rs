//! Suspending a voucher, with a reason, and ending the suspension (冻结).

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::model::Voucher;
use super::store;
use crate::batch::{self, Answers, BatchError, Decided, Round, Step};
use crate::identity::{Command, Role};
use crate::types::{Reason, VoucherId};

/// Suspends a voucher, or ends its suspension.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Freeze {
    /// Whether it is suspended from now on.
    pub frozen: bool,
    /// Why.
    pub reason: Reason,
    /// The voucher.
    pub voucher: VoucherId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum FreezeAnswer {
    /// Nothing can be ordered or redeemed with it.
    Frozen,
    /// It can be used again.
    Thawed,
    /// Nothing changed.
    Refused(Refused),
}

const NAME: &str = "voucher.freeze";

/// Suspends vouchers or ends their suspension.
pub async fn freeze(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Freeze)],
) -> Result<Answers<FreezeAnswer>, BatchError> {
    batch::answer(conn, NAME, requests, |conn, round| {
        Box::pin(freeze_round(conn, round))
    })
    .await
}

async fn freeze_round(
    conn: &mut PgConnection,
    round: &Round<'_, Freeze>,
) -> Result<Answers<FreezeAnswer>, BatchError> {
    let (zone, new) = (round.zone, &round.requests);
    let ids: Vec<VoucherId> = new.iter().map(|(_, input)| input.voucher).collect();
    let mut vouchers = store::lock_vouchers(conn, zone, &ids).await?;
    let decided = new
        .iter()
        .map(|(command, input)| {
            command
                .actor
                .require(&[Role::Reviewer, Role::Manager, Role::Finance])?;
            Ok(decide(
                input,
                batch::find(&mut vouchers, "voucher", &input.voucher)?,
            ))
        })
        .collect::<Vec<Decided<_, _, ()>>>();
    let (answers, _) = batch::record(conn, round, decided).await?;
    store::update_vouchers(conn, zone.id, &vouchers.values().collect::<Vec<_>>(), &[]).await?;
    Ok(answers)
}

fn decide(input: &Freeze, voucher: &mut Voucher) -> (Step<Freeze, FreezeAnswer>, ()) {
    let (kind, done, outcome) = if input.frozen {
        (
            "voucher.frozen",
            FreezeAnswer::Frozen,
            voucher.freeze(input.reason.clone()),
        )
    } else {
        ("voucher.thawed", FreezeAnswer::Thawed, voucher.unfreeze())
    };
    let (kind, answer) = match outcome {
        Ok(()) => (kind, done),
        Err(refused) => ("freeze.refused", FreezeAnswer::Refused(refused.into())),
    };
    (Step::new(kind, voucher.id, input, answer), ())
}
