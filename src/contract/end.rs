//! A contract is ended early by two persons: what is reserved for it goes back.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::cases::{self, Cases, Done, Effect, may_act};
use super::model::Said;
use super::postings;
use super::refused::{ContractRefusal, Refused};
use super::store::{self, DecidedEnding};
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::identity::Command;
use crate::journal::AccountCode;
use crate::programme::OpenYears;
use crate::types::{ClaimId, ContractId, LogIndex, Named, Reason};

/// A contract that should be ended early.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndContract {
    /// The contract.
    pub contract: ContractId,
    /// Why.
    pub reason: Reason,
}

/// An ending to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmEnd {
    /// The contract.
    pub contract: ContractId,
    /// The entry of the proposal that was looked at.
    pub proposed_index: LogIndex,
}

/// An ending that is not confirmed, or that whoever proposed takes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectEnd {
    /// The contract.
    pub contract: ContractId,
    /// The entry of the proposal.
    pub proposed_index: LogIndex,
    /// Why.
    pub reason: Reason,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum EndAnswer {
    /// Another person has to confirm it.
    Proposed {
        /// What is reserved now and would go back, decimal text.
        amount: String,
    },
    /// It is over.
    Ended {
        /// What went back, decimal text.
        amount: String,
        /// The account that it went back to.
        returned_to: AccountCode,
    },
    /// It goes on.
    Rejected,
    /// Nothing changed.
    Refused(Refused),
}

fn said(command: &Command<'_>) -> Said {
    Said {
        by: command.actor.person,
        index: LogIndex(0),
    }
}

fn refused<I: Clone>(id: ContractId, input: &I, why: Refused) -> (Step<I, EndAnswer>, Effect) {
    let answer = EndAnswer::Refused(why);
    (Step::new("contract.refused", id, input, answer), None)
}

/// Proposes to end contracts of which something is reserved.
pub async fn end(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, EndContract)],
) -> Result<Answers<EndAnswer>, BatchError> {
    let of = |input: &EndContract| input.contract;
    cases::answer(conn, "contract.end", requests, of, decide_end).await
}

fn decide_end(
    command: &Command<'_>,
    input: &EndContract,
    cases: &mut Cases,
) -> Decided<EndContract, EndAnswer, Effect> {
    let id = input.contract;
    let (contract, hands) = cases.find(command, id)?;
    let proposed = may_act(hands, command, contract.provider, None)
        .and_then(|()| contract.propose_end(said(command), input.reason.clone()));
    if let Err(code) = proposed {
        let waiting = contract.ending.as_ref();
        let waiting = waiting.filter(|_| code == ContractRefusal::EndWaits);
        let reasons = waiting.map(|ending| ending.proposed.index.to_string());
        let why = Refused {
            code,
            reasons: reasons.into_iter().collect(),
        };
        return Ok(refused(id, input, why));
    }
    let answer = EndAnswer::Proposed {
        amount: contract.reserved().to_text(command.zone.currency),
    };
    let step = Step::new("contract.end_proposed", id, input, answer);
    Ok((step, Some(Done::changed(id))))
}

/// Confirms endings: another person than who proposed, while no milestone is claimed. What is reserved goes back.
pub async fn confirm_end(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ConfirmEnd)],
) -> Result<Answers<EndAnswer>, BatchError> {
    batch::answer(conn, "contract.confirm_end", requests, |conn, round| {
        Box::pin(confirm_round(conn, round))
    })
    .await
}

async fn confirm_round(
    conn: &mut PgConnection,
    round: &Round<'_, ConfirmEnd>,
) -> Result<Answers<EndAnswer>, BatchError> {
    let zone = round.zone;
    let mut cases = Cases::lock(conn, round, |input| input.contract).await?;
    let ids: Vec<ContractId> = cases.contracts.keys().copied().collect();
    let lines = cases.contracts.values();
    let years = lines.filter_map(|contract| Some(contract.line(zone.currency)?.year));
    let years = OpenYears::of(conn, zone, round.today, years).await?;
    let mut claims: HashMap<ContractId, Vec<LogIndex>> = HashMap::new();
    for held in store::claimed(conn, zone.id, &ids).await? {
        if !held.is_approved {
            let of_contract = claims.entry(held.milestone.contract).or_default();
            of_contract.push(held.drafted_index);
        }
    }
    let mut decided = Vec::with_capacity(round.requests.len());
    for (command, input) in &round.requests {
        let claimed = claims.get(&input.contract);
        let claimed = claimed.map(Vec::as_slice).unwrap_or_default();
        decided.push(decide_confirm(
            command,
            input,
            &mut cases,
            (&years, claimed),
        )?);
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    cases.write(conn, zone.id, effects).await?;
    Ok(answers)
}

type Confirmation = Result<Decided<ConfirmEnd, EndAnswer, Effect>, BatchError>;

fn decide_confirm(
    command: &Command<'_>,
    input: &ConfirmEnd,
    cases: &mut Cases,
    (years, claimed): (&OpenYears, &[LogIndex]),
) -> Confirmation {
    let (id, currency) = (input.contract, command.zone.currency);
    let (contract, hands) = match cases.find(command, id) {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let proposed = contract
        .waiting(input.proposed_index)
        .map(|one| one.proposed.by);
    let may = proposed.and_then(|by| may_act(hands, command, contract.provider, Some(by)));
    let unclaimed = if claimed.is_empty() {
        Ok(())
    } else {
        let claim = |index: &LogIndex| Named::<ClaimId>::Entry(*index).to_string();
        Err(Refused {
            code: ContractRefusal::MilestoneClaimed,
            reasons: claimed.iter().map(claim).collect(),
        })
    };
    let line = contract.line(currency);
    let ended = may
        .map_err(Refused::from)
        .and(unclaimed)
        .and_then(|()| Ok((contract.end(input.proposed_index)?, line)));
    let (amount, line) = match ended {
        Ok((amount, Some(line))) => (amount, line),
        Ok((_, None)) => return Ok(Ok(refused(id, input, ContractRefusal::WrongState.into()))),
        Err(why) => return Ok(Ok(refused(id, input, why))),
    };
    let answer = EndAnswer::Ended {
        amount: amount.money().to_text(currency),
        returned_to: years.returns_to(&line),
    };
    let transfers = vec![postings::release(&line, id, amount, years)?];
    let step = Step::new("contract.ended", id, input, answer).moving(transfers);
    let decided = DecidedEnding::new(input.proposed_index, "confirmed", command.actor.person);
    let done = Done {
        contract: id,
        decided: Some(decided),
    };
    Ok(Ok((step, Some(done))))
}

/// Rejects endings that wait, or takes them back.
pub async fn reject_end(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, RejectEnd)],
) -> Result<Answers<EndAnswer>, BatchError> {
    let of = |input: &RejectEnd| input.contract;
    cases::answer(conn, "contract.reject_end", requests, of, decide_reject).await
}

fn decide_reject(
    command: &Command<'_>,
    input: &RejectEnd,
    cases: &mut Cases,
) -> Result<(Step<RejectEnd, EndAnswer>, Effect), Rejected> {
    let id = input.contract;
    let (contract, hands) = cases.find(command, id)?;
    let kept = may_act(hands, command, contract.provider, None)
        .and_then(|()| contract.keep(input.proposed_index));
    if let Err(code) = kept {
        return Ok(refused(id, input, code.into()));
    }
    let step = Step::new("contract.end_rejected", id, input, EndAnswer::Rejected);
    let decided = DecidedEnding::new(input.proposed_index, "rejected", command.actor.person);
    let done = Done {
        contract: id,
        decided: Some(decided),
    };
    Ok((step, Some(done)))
}
