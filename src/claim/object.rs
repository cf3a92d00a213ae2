//! Somebody objects to a claim during its public notice.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::model::{Claim, ClaimRefusal, ClaimState};
use super::store::{self, Notice};
use crate::batch::{self, Answers, BatchError, Rejected, Round, Step};
use crate::identity::{Command, Role};
use crate::types::{ClaimId, NoticeId, Reason};

/// An objection, as an officer takes it down. Who objected is not said here: names are no part of the log.
#[derive(Clone, Debug, Serialize)]
pub struct Objection {
    /// The claim.
    pub claim: ClaimId,
    /// What is objected.
    pub reason: Reason,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ObjectAnswer {
    /// The review is open again, and nothing is approved before it is done.
    Objected,
    /// Nothing changed.
    Refused(Refused),
}

/// Takes down objections to claims whose notice runs.
pub async fn object(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Objection)],
) -> Result<Answers<ObjectAnswer>, BatchError> {
    batch::answer(conn, "claim.object", requests, |conn, round| {
        Box::pin(object_round(conn, round))
    })
    .await
}

async fn object_round(
    conn: &mut PgConnection,
    round: &Round<'_, Objection>,
) -> Result<Answers<ObjectAnswer>, BatchError> {
    let (zone, requests) = (round.zone, &round.requests);
    let ids: Vec<ClaimId> = requests.iter().map(|(_, input)| input.claim).collect();
    let mut claims = store::lock(conn, zone, &ids).await?;
    let notices: Vec<NoticeId> = claims.values().filter_map(|claim| claim.notice).collect();
    let notices = store::notices_by_id(conn, zone.id, &notices).await?;
    let mut decided = Vec::with_capacity(requests.len());
    for (command, input) in requests {
        let found = command
            .actor
            .require(&[Role::Reviewer, Role::Manager, Role::Auditor])
            .map_err(Rejected::from)
            .and_then(|()| batch::find(&mut claims, "claim", &input.claim));
        decided.push(found.map(|claim| object_one(command, input, claim, &notices)));
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let objected: Vec<Claim> = effects.into_iter().filter_map(|(claim, _)| claim).collect();
    store::update(conn, zone.id, &objected).await?;
    Ok(answers)
}

fn object_one(
    command: &Command<'_>,
    input: &Objection,
    claim: &mut Claim,
    notices: &HashMap<NoticeId, Notice>,
) -> (Step<Objection, ObjectAnswer>, Option<Claim>) {
    let refused = |code: ClaimRefusal| {
        let answer = ObjectAnswer::Refused(code.into());
        let step = Step::new("claim.objection_refused", input.claim, input, answer);
        (step, None)
    };
    if claim.state != ClaimState::Noticed {
        return refused(ClaimRefusal::WrongState);
    }
    let notice = claim.notice.and_then(|id| notices.get(&id));
    if notice.is_none_or(|notice| notice.last_day < command.today()) {
        return refused(ClaimRefusal::NoticeOver);
    }
    claim.state = ClaimState::Objected;
    let answer = ObjectAnswer::Objected;
    let step = Step::new("claim.objected", input.claim, input, answer);
    (step, Some(claim.clone()))
}
