//! The approval of a claim is taken back, before anything of it is paid.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::grounds::Grounds;
use super::milestone::returned_to;
use super::model::{Claim, ClaimRefusal, ClaimState};
use super::{postings, store};
use crate::approval::Hands;
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::caps;
use crate::identity::{Command, Role};
use crate::journal::{self, AccountCode, Transfer};
use crate::log;
use crate::payment::{self, Lock, Payable, PayableFilter, PayableState};
use crate::programme::OpenYears;
use crate::rent::{self, ClaimWaiver, WaiverAnswer};
use crate::types::{Amount, ClaimId, LogIndex, PayableId, Reason, WaiverId};

/// An approval to be taken back.
#[derive(Clone, Debug, Serialize)]
pub struct Revoke {
    /// The claim.
    pub claim: ClaimId,
    /// Why.
    pub reason: Reason,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RevokeAnswer {
    /// Nothing is owed any more.
    Revoked {
        /// What was, decimal text.
        amount: String,
        /// The account that its authority went back to.
        returned_to: AccountCode,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Takes approvals back, while what is owed is in no batch, by a manager or finance who had no hand in the case before. The
/// authority goes back where it came from, limits are given back, and other claims may rest on what this one took: waivers,
/// and its milestone. What was paid is asked back instead (`recovery`).
pub async fn revoke(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Revoke)],
) -> Result<Answers<RevokeAnswer>, BatchError> {
    batch::answer(conn, "claim.revoke", requests, |conn, round| {
        Box::pin(revoke_round(conn, round))
    })
    .await
}

async fn revoke_round(
    conn: &mut PgConnection,
    round: &Round<'_, Revoke>,
) -> Result<Answers<RevokeAnswer>, BatchError> {
    let (zone, requests) = (round.zone, &round.requests);
    let ids: Vec<ClaimId> = requests.iter().map(|(_, input)| input.claim).collect();
    let locked = Grounds::lock(conn, zone.id, &ids).await?;
    let claims = store::lock(conn, zone, &ids).await?;
    let owed: Vec<PayableId> = ids.iter().map(|id| PayableId(id.0)).collect();
    let filter = PayableFilter::Ids(owed);
    let payables =
        payment::payables(conn, zone.id, zone.currency, &filter, Lock::ForUpdate).await?;
    log::lock_head(conn, zone.id)
        .await
        .map_err(journal::RecordError::from)?;
    let years = payables.iter().map(|payable| payable.line.year);
    let mut counter = Counter {
        hands: Hands::of_round(conn, round).await?,
        years: OpenYears::of(conn, zone, round.today, years).await?,
        moved: moved_by(conn, round, &claims).await?,
        grounds: Grounds::of(conn, zone, &claims, locked).await?,
        payables: payables.into_iter().map(|one| (one.id, one)).collect(),
        claims,
    };
    let mut decided = Vec::with_capacity(requests.len());
    for (command, input) in requests {
        decided.push(counter.decide(command, input)?);
    }
    let taken = store::taken_by(conn, zone.id, &ids).await?;
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let revoked: Vec<Claim> = effects
        .into_iter()
        .filter_map(|(claim, index)| {
            let claim: Claim = claim?;
            let revoked = claim.revoked.map(|(person, _)| (person, index));
            Some(Claim { revoked, ..claim })
        })
        .collect();
    store::update(conn, zone.id, &revoked).await?;
    counter.grounds.contracts.write(conn, zone.id).await?;
    let gone: Vec<PayableId> = revoked.iter().map(|claim| PayableId(claim.id.0)).collect();
    payment::write_revoked(conn, zone.id, &gone).await?;
    release_waivers(conn, requests, &revoked, taken).await?;
    Ok(answers)
}

/// What the approvals of these claims moved, by their entries.
async fn moved_by(
    conn: &mut PgConnection,
    round: &Round<'_, Revoke>,
    claims: &HashMap<ClaimId, Claim>,
) -> Result<HashMap<LogIndex, Vec<Transfer>>, BatchError> {
    let approved = claims.values().filter_map(|claim| claim.decided);
    let entries: Vec<LogIndex> = approved.map(|(_, index)| index).collect();
    let bodies = journal::entry_bodies(conn, round.zone.id, &entries).await?;
    let moved = bodies.into_iter().map(|(index, body)| {
        let transfers = journal::posted(&body);
        let transfers = transfers.map_err(|why| BatchError::Unreadable(index, why));
        Ok((index, transfers?))
    });
    moved.collect()
}

/// Other claims may rest on the waivers of revoked ones; each waiver is given back by whoever revoked its claim.
async fn release_waivers(
    conn: &mut PgConnection,
    requests: &[&(Command<'_>, Revoke)],
    revoked: &[Claim],
    taken: Vec<(ClaimId, WaiverId)>,
) -> Result<(), BatchError> {
    let mut marks = Vec::new();
    for (claim, waiver) in taken {
        let of_revoked = revoked.iter().any(|one| one.id == claim);
        let request = requests.iter().find(|(_, input)| input.claim == claim);
        if let Some((command, _)) = request.filter(|_| of_revoked) {
            let command = Command {
                key: None,
                ..*command
            };
            let claim = claim.0;
            marks.push((command, ClaimWaiver { claim, waiver }));
        }
    }
    for marked in rent::release_claimed(conn, &marks).await? {
        let done = marked.map(|marked| matches!(marked.answer, WaiverAnswer::Released { .. }));
        if done != Ok(true) {
            // It was looked at under the lock of its lease.
            return Err(sqlx::Error::Protocol("a waiver could not be released".to_owned()).into());
        }
    }
    Ok(())
}

/// Where approvals are taken back: everything that this reads, as earlier ones of the batch have left it.
struct Counter {
    claims: HashMap<ClaimId, Claim>,
    payables: HashMap<PayableId, Payable>,
    grounds: Grounds,
    hands: Hands,
    years: OpenYears,
    moved: HashMap<LogIndex, Vec<Transfer>>,
}

impl Counter {
    fn decide(
        &mut self,
        command: &Command<'_>,
        input: &Revoke,
    ) -> Result<Decided<Revoke, RevokeAnswer, Option<Claim>>, BatchError> {
        let found = command
            .actor
            .require(&[Role::Manager, Role::Finance])
            .map_err(Rejected::from)
            .and_then(|()| Ok(batch::find(&mut self.claims, "claim", &input.claim)?.clone()));
        let claim = match found {
            Ok(claim) => claim,
            Err(rejected) => return Ok(Err(rejected)),
        };
        let (payable, amount) = match self.revocable(command, &claim) {
            Ok(found) => found,
            Err(code) => {
                let answer = RevokeAnswer::Refused(code.into());
                let step = Step::new("claim.revocation_refused", claim.id, input, answer);
                return Ok(Ok((step, None)));
            }
        };
        let moved = claim.decided.and_then(|(_, index)| self.moved.get(&index));
        let moved = moved.map(Vec::as_slice).unwrap_or_default();
        let reserved = match claim.milestone {
            Some(milestone) => {
                let contracts = &mut self.grounds.contracts;
                contracts.reopen(&claim, milestone, (&payable.line, amount))?
            }
            None => None,
        };
        let back = match reserved {
            Some(reserved) => reserved,
            None => postings::release(&payable.line, amount, &self.years)?,
        };
        let answer = RevokeAnswer::Revoked {
            amount: amount.money().to_text(command.zone.currency),
            returned_to: returned_to(&back),
        };
        let mut transfers = vec![back];
        // The expense is none, and nothing is owed.
        let owed = payable.line.payable(payable.payee);
        let owing = moved.iter().filter(|one| *one.credit() == owed);
        transfers.extend(owing.cloned().map(Transfer::reversed));
        transfers.extend(caps::given_back(moved));
        let revoked = Claim {
            state: ClaimState::Revoked,
            revoked: Some((command.actor.person, LogIndex(0))),
            ..claim
        };
        self.claims.insert(revoked.id, revoked.clone());
        let step = Step::new("claim.revoked", revoked.id, input, answer).moving(transfers);
        Ok(Ok((step, Some(revoked))))
    }

    /// What is owed of the claim, if the person may take that back.
    fn revocable(
        &self,
        command: &Command<'_>,
        claim: &Claim,
    ) -> Result<(Payable, Amount), ClaimRefusal> {
        let payable = self.payables.get(&PayableId(claim.id.0));
        let payable = payable.filter(|_| claim.state == ClaimState::Approved);
        let payable = payable.ok_or(ClaimRefusal::WrongState)?;
        let person = command.actor.person;
        if claim.drafted_by == person || payable.hands().contains(&person) {
            return Err(ClaimRefusal::Segregation);
        }
        if self.hands.stays_out(command.actor, claim.party) {
            return Err(ClaimRefusal::Recused);
        }
        match payable.state {
            PayableState::Owed | PayableState::Approved
                if payable.rest() == payable.amount.money() =>
            {
                Ok((payable.clone(), payable.amount))
            }
            PayableState::Owed
            | PayableState::Approved
            | PayableState::Paid
            | PayableState::Offset => Err(ClaimRefusal::Paid),
            PayableState::Prepared | PayableState::Sent => Err(ClaimRefusal::InBatch),
            PayableState::Revoked => Err(ClaimRefusal::WrongState),
        }
    }
}
