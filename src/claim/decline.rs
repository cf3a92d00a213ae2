//! Whoever would approve a claim turns it down, or gives it back.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::ladder::{Ladder, Level};
use super::model::{Claim, ClaimRefusal, ClaimState};
use super::store;
use crate::batch::{self, Answers, BatchError, Round, Step};
use crate::identity::Command;
use crate::types::{ClaimId, LogIndex, PersonId, Reason};

/// What an approver wants instead of approving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// It gets nothing.
    Down,
    /// The claimant has to correct it, and it is reviewed again.
    Back,
}

/// A recommended claim that is not approved.
#[derive(Clone, Debug, Serialize)]
pub struct Decline {
    /// The claim.
    pub claim: ClaimId,
    /// Why.
    pub reason: Reason,
    /// The entry of the review that was looked at.
    pub review: LogIndex,
    /// Down or back.
    pub turn: Turn,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DeclineAnswer {
    /// It is over.
    Declined,
    /// The claimant has it again.
    Returned,
    /// Nothing changed.
    Refused(Refused),
}

/// Turns claims down, or back, in the place of the next approver, before the notice is over too.
pub async fn decline(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Decline)],
) -> Result<Answers<DeclineAnswer>, BatchError> {
    batch::answer(conn, "claim.decline", requests, |conn, round| {
        Box::pin(decline_round(conn, round))
    })
    .await
}

async fn decline_round(
    conn: &mut PgConnection,
    round: &Round<'_, Decline>,
) -> Result<Answers<DeclineAnswer>, BatchError> {
    let (zone, requests) = (round.zone, &round.requests);
    let ids: Vec<ClaimId> = requests.iter().map(|(_, input)| input.claim).collect();
    let mut claims = store::lock(conn, zone, &ids).await?;
    batch::lock_head(conn, round).await?;
    let actors: Vec<PersonId> = requests
        .iter()
        .map(|(command, _)| command.actor.person)
        .collect();
    let ladder = Ladder::read(conn, zone, round.today, &claims, &actors).await?;
    let mut decided = Vec::with_capacity(requests.len());
    for (command, input) in requests {
        let found = ladder
            .office(command)
            .and_then(|()| batch::find(&mut claims, "claim", &input.claim));
        decided.push(found.map(|claim| decline_one(&ladder, command, input, claim)));
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let declined: Vec<Claim> = effects
        .into_iter()
        .filter_map(|(claim, index)| {
            let claim: Claim = claim?;
            let decided = claim.decided.map(|(person, _)| (person, index));
            Some(Claim { decided, ..claim })
        })
        .collect();
    store::update(conn, zone.id, &declined).await?;
    Ok(answers)
}

fn decline_one(
    ladder: &Ladder,
    command: &Command<'_>,
    input: &Decline,
    claim: &mut Claim,
) -> (Step<Decline, DeclineAnswer>, Option<Claim>) {
    let refused = |code: ClaimRefusal| {
        let answer = DeclineAnswer::Refused(code.into());
        let step = Step::new("claim.decline_refused", input.claim, input, answer);
        (step, None)
    };
    if !matches!(claim.state, ClaimState::Recommended | ClaimState::Noticed) {
        return refused(ClaimRefusal::WrongState);
    }
    if let Err(code) = ladder.next(command, claim, input.review).map(|_: Level| ()) {
        return refused(code);
    }
    let (kind, answer) = match input.turn {
        Turn::Down => {
            claim.state = ClaimState::Rejected;
            claim.decided = Some((command.actor.person, LogIndex(0)));
            ("claim.declined", DeclineAnswer::Declined)
        }
        Turn::Back => {
            claim.state = ClaimState::Returned;
            ("claim.sent_back", DeclineAnswer::Returned)
        }
    };
    let step = Step::new(kind, input.claim, input, answer);
    (step, Some(claim.clone()))
}
