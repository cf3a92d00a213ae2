//! A claimant submits a claim with its documents.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Refused;
use super::content::{Claimed, Content};
use super::desk::{Desk, missing, reasons};
use super::draft::find_own;
use super::grounds::{Grounds, within};
use super::model::{Claim, ClaimRefusal, ClaimState, Submission};
use super::store::{self, Other};
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::evidence::{self, CaseKind, Use};
use crate::identity::Command;
use crate::policy::store::all_in_force_on;
use crate::policy::{Outcome, Policy, Sha256};
use crate::types::{ClaimId, Code, LogIndex, PolicyId, ZoneId};

/// A draft, or a claim that was returned, to be reviewed as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct Submit {
    /// The claim.
    pub claim: ClaimId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum SubmitAnswer {
    /// A reviewer has it. What the policy says of it today is no promise.
    Submitted {
        /// Other claims with a line of the same reference: the reviewer looks at both. A party learns of another's only
        /// that there is one.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        also_claimed: Vec<String>,
        /// Decimal text: what would be given today.
        amount: String,
        /// Facts that are still to be stated, verified or determined.
        missing: Vec<String>,
        /// Pass, fail or needs review.
        outlook: Outcome,
        /// Reason codes.
        reasons: Vec<String>,
        /// Documents that another case rests on, too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reused_evidence: Vec<Sha256>,
        /// The version that was submitted.
        version: i32,
    },
    /// Nothing changed. For missing documents the reasons are their numbers in the policy's list.
    Refused(Refused),
}

/// Submits claims under the policies in force today.
pub async fn submit(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Submit)],
) -> Result<Answers<SubmitAnswer>, BatchError> {
    batch::answer(conn, "claim.submit", requests, |conn, round| {
        Box::pin(submit_round(conn, round))
    })
    .await
}

async fn submit_round(
    conn: &mut PgConnection,
    round: &Round<'_, Submit>,
) -> Result<Answers<SubmitAnswer>, BatchError> {
    let (zone, today, requests) = (round.zone, round.today, &round.requests);
    let ids: Vec<ClaimId> = requests.iter().map(|(_, input)| input.claim).collect();
    let locked = Grounds::lock(conn, zone.id, &ids).await?;
    let mut claims = store::lock(conn, zone, &ids).await?;
    batch::lock_head(conn, round).await?;
    let mut grounds = Grounds::of(conn, zone, &claims, locked).await?;
    let in_force = all_in_force_on(conn, zone.id, today).await?;
    let found = Found {
        also_claimed: store::same_references(conn, zone.id, &ids).await?,
        used: used(conn, zone.id, &claims).await?,
    };
    // As they would be submitted, so that the desk reads what they rest on.
    let mut would_be = HashMap::with_capacity(requests.len());
    for (command, input) in requests {
        if let Some(claim) = claims.get(&input.claim)
            && let Some(policy) = in_force.get(&claim.programme)
        {
            would_be.insert(claim.id, submitted(claim, command, *policy));
        }
    }
    let mut desk = Desk::read(conn, zone, today, &would_be).await?;
    let mut decided = Vec::with_capacity(requests.len());
    for (command, input) in requests {
        let own = find_own(&mut claims, command, input.claim)
            .and_then(|claim| with_policy(command, claim, &in_force));
        decided.push(match own {
            Err(rejected) => Err(rejected),
            Ok((claim, policy)) => {
                let rests_on = (&found, &mut grounds);
                submit_one(&mut desk, command, input, (claim, policy), rests_on)?
            }
        });
    }
    desk.keep(conn, zone).await?;
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let submitted: Vec<Claim> = effects
        .into_iter()
        .filter_map(|(claim, index)| {
            let claim: Claim = claim?;
            let submission = claim.submission.map(|made| Submission { index, ..made });
            Some(Claim {
                submission,
                ..claim
            })
        })
        .collect();
    store::update(conn, zone.id, &submitted).await?;
    store::take_waivers(conn, zone.id, &submitted).await?;
    let uses = submitted.iter().flat_map(uses);
    evidence::note_uses(conn, zone.id, &uses.collect::<Vec<_>>()).await?;
    Ok(answers)
}

/// What other cases have in common with those of a batch.
struct Found {
    also_claimed: HashMap<ClaimId, Vec<Other>>,
    used: HashMap<Sha256, Vec<Uuid>>,
}

/// The documents of a claim as it is now.
fn documents(claim: &Claim) -> Vec<Sha256> {
    let claimed = Claimed::read(&claim.content);
    let documents = claimed.map(|claimed| claimed.content.documents);
    let documents = documents.unwrap_or_default();
    documents.iter().map(|document| document.sha256).collect()
}

/// The cases that rest on the documents of these claims.
async fn used(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &HashMap<ClaimId, Claim>,
) -> Result<HashMap<Sha256, Vec<Uuid>>, sqlx::Error> {
    let named: Vec<Sha256> = claims.values().flat_map(documents).collect();
    let mut cases: HashMap<Sha256, Vec<Uuid>> = HashMap::new();
    for used in evidence::uses(conn, zone, &named).await? {
        cases.entry(used.sha256).or_default().push(used.case_id);
    }
    Ok(cases)
}

/// A submitted claim rests on its documents.
fn uses(claim: &Claim) -> Vec<Use> {
    let (id, submission) = (claim.id.0, claim.submission);
    let index = submission.map_or(claim.drafted_index, |made| made.index);
    let documents = documents(claim).into_iter();
    documents
        .map(|sha256| Use::new(sha256, CaseKind::CLAIM, id, index))
        .collect()
}

fn with_policy<'c>(
    command: &Command<'_>,
    claim: &'c mut Claim,
    in_force: &HashMap<Code, PolicyId>,
) -> Result<(&'c mut Claim, PolicyId), Rejected> {
    match in_force.get(&claim.programme) {
        Some(policy) => Ok((claim, *policy)),
        None => Err(Rejected::NoPolicy {
            programme: claim.programme.to_string(),
            day: command.today(),
        }),
    }
}

/// The claim as it is once it has been submitted: what an earlier version had been through begins again.
fn submitted(claim: &Claim, command: &Command<'_>, policy: PolicyId) -> Claim {
    Claim {
        state: ClaimState::Submitted,
        submission: Some(Submission {
            by: command.actor.person,
            index: LogIndex(0),
            on: command.today(),
            policy,
        }),
        review: None,
        recommended: None,
        notice: None,
        ..claim.clone()
    }
}

/// Other claims by their short names; to a party's person those of others without.
fn named_to<'o>(command: &Command<'_>, others: impl Iterator<Item = &'o Other>) -> Vec<String> {
    let mut named: Vec<String> = others
        .map(|other| {
            if batch::acts_for(command.actor, &[other.party]) {
                format!("C{}", other.index)
            } else {
                "another claim".to_owned()
            }
        })
        .collect();
    named.dedup();
    named
}

/// The numbers of the documents that the policy lists and the claim does not have.
fn documents_missing(policy: &Policy, content: &Content) -> Vec<String> {
    let given: HashSet<u16> = content
        .documents
        .iter()
        .filter_map(|document| document.number)
        .collect();
    let numbers = (1_u16..).zip(policy.documents());
    numbers
        .filter(|(number, _)| !given.contains(number))
        .map(|(number, _)| number.to_string())
        .collect()
}

fn submit_one(
    desk: &mut Desk,
    command: &Command<'_>,
    input: &Submit,
    (claim, policy): (&mut Claim, PolicyId),
    (found, grounds): (&Found, &mut Grounds),
) -> Result<Decided<Submit, SubmitAnswer, Option<Claim>>, BatchError> {
    let id = claim.id;
    let refused = |refused: Refused| {
        let answer = SubmitAnswer::Refused(refused);
        let step = Step::new("claim.submission_refused", id, input, answer);
        Ok(Ok((step, None)))
    };
    if !claim.state.is_open_to_claimant() {
        return refused(ClaimRefusal::WrongState.into());
    }
    if let Some(excluded) = desk.excluded(claim) {
        return refused(excluded);
    }
    let next = submitted(claim, command, policy);
    let ruled = desk.ruled(&next, None)?;
    let lacking = documents_missing(&ruled.policy, &ruled.claimed.content);
    if !lacking.is_empty() {
        return refused(Refused {
            code: ClaimRefusal::DocumentsMissing,
            reasons: lacking,
        });
    }
    let most = match grounds.check(&next, &ruled.claimed, &ruled.policy) {
        Ok(most) => most,
        Err(why) => return refused(why),
    };
    grounds.take(&next, &ruled.claimed);
    let decision = desk.decide(&next, &ruled);
    let same = found.also_claimed.get(&id).into_iter().flatten();
    let by_others = |sha256: &Sha256| {
        let cases = found.used.get(sha256);
        // A contract's own documents may stand in the claims of its milestones.
        let contract = next.milestone.map(|milestone| milestone.contract.0);
        let own = |case: &Uuid| *case == id.0 || Some(*case) == contract;
        cases.is_some_and(|cases| !cases.iter().all(own))
    };
    let mut seen = HashSet::new();
    let mut reused_evidence = documents(&next);
    reused_evidence.retain(|sha256| by_others(sha256) && seen.insert(*sha256));
    let answer = SubmitAnswer::Submitted {
        also_claimed: named_to(command, same),
        amount: within(decision.amount.money(), most)
            .0
            .to_text(command.zone.currency),
        missing: missing(&decision),
        outlook: decision.outcome,
        reasons: reasons(&decision),
        reused_evidence,
        version: next.version,
    };
    *claim = next.clone();
    let step = Step::new("claim.submitted", id, input, answer).decided(decision);
    Ok(Ok((step, Some(next))))
}
