//! A claimant takes a claim back.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::draft::find_own;
use super::model::{Claim, ClaimRefusal, ClaimState};
use super::store;
use crate::batch::{self, Answers, BatchError, Round, Step};
use crate::identity::Command;
use crate::types::{ClaimId, Reason};

/// A claim to be taken back.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    /// The claim.
    pub claim: ClaimId,
    /// Why.
    pub reason: Reason,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum WithdrawAnswer {
    /// It is over.
    Withdrawn,
    /// Nothing changed.
    Refused(Refused),
}

/// Takes claims back, as long as they are neither approved nor turned down.
pub async fn withdraw(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Withdraw)],
) -> Result<Answers<WithdrawAnswer>, BatchError> {
    batch::answer(conn, "claim.withdraw", requests, |conn, round| {
        Box::pin(withdraw_round(conn, round))
    })
    .await
}

async fn withdraw_round(
    conn: &mut PgConnection,
    round: &Round<'_, Withdraw>,
) -> Result<Answers<WithdrawAnswer>, BatchError> {
    let (zone, requests) = (round.zone, &round.requests);
    let ids: Vec<ClaimId> = requests.iter().map(|(_, input)| input.claim).collect();
    let mut claims = store::lock(conn, zone, &ids).await?;
    let mut decided = Vec::with_capacity(requests.len());
    for (command, input) in requests {
        let found = find_own(&mut claims, command, input.claim);
        decided.push(found.map(|claim| withdraw_one(claim, input)));
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let withdrawn: Vec<Claim> = effects.into_iter().filter_map(|(claim, _)| claim).collect();
    store::update(conn, zone.id, &withdrawn).await?;
    Ok(answers)
}

fn withdraw_one(
    claim: &mut Claim,
    input: &Withdraw,
) -> (Step<Withdraw, WithdrawAnswer>, Option<Claim>) {
    if claim.state.is_over() {
        let answer = WithdrawAnswer::Refused(ClaimRefusal::WrongState.into());
        let step = Step::new("claim.withdrawal_refused", claim.id, input, answer);
        return (step, None);
    }
    claim.state = ClaimState::Withdrawn;
    let answer = WithdrawAnswer::Withdrawn;
    let step = Step::new("claim.withdrawn", claim.id, input, answer);
    (step, Some(claim.clone()))
}
