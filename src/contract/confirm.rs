//! A second person confirms a contract, which reserves its amount, or rejects it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::cases::{self, Cases, Done, Effect, may_act};
use super::model::{Contract, Said};
use super::postings;
use super::refused::{ContractRefusal, Refused};
use crate::batch::{self, Answers, BatchError, Decided, Round, Step};
use crate::exclusion::{self, Excluded};
use crate::identity::Command;
use crate::journal::{self, AccountCode};
use crate::programme::store::Frozen;
use crate::programme::{self, BudgetLine};
use crate::types::{ContractId, FiscalYear, LogIndex, Money, PartyId, Reason};

/// A contract to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmContract {
    /// The contract.
    pub contract: ContractId,
}

/// A proposal that is not confirmed, or that whoever proposed takes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectContract {
    /// The contract.
    pub contract: ContractId,
    /// Why.
    pub reason: Reason,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DecideAnswer {
    /// Its amount is reserved.
    Confirmed {
        /// How much, decimal text.
        amount: String,
        /// The budget year that it is reserved in.
        year: FiscalYear,
    },
    /// It is over before it began.
    Rejected,
    /// Nothing changed.
    Refused(Refused),
}

/// Confirms contracts: another person than who proposed. The amount is reserved in the budget year of the day, if the
/// programme has it; so the head of the log is locked before that is read, and stays so until commit.
pub async fn confirm(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ConfirmContract)],
) -> Result<Answers<DecideAnswer>, BatchError> {
    batch::answer(conn, "contract.confirm", requests, |conn, round| {
        Box::pin(confirm_round(conn, round))
    })
    .await
}

async fn confirm_round(
    conn: &mut PgConnection,
    round: &Round<'_, ConfirmContract>,
) -> Result<Answers<DecideAnswer>, BatchError> {
    let mut cases = Cases::lock(conn, round, |input| input.contract).await?;
    let mut budget = Budget::read(conn, round, &cases).await?;
    let mut decided = Vec::with_capacity(round.requests.len());
    for (command, input) in &round.requests {
        decided.push(decide_confirm(command, input, &mut cases, &mut budget)?);
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    cases.write(conn, round.zone.id, effects).await?;
    Ok(answers)
}

/// What programmes have available this year.
struct Budget {
    year: FiscalYear,
    free: HashMap<BudgetLine, Money>,
    frozen: Vec<Frozen>,
    excluded: Excluded,
}

impl Budget {
    async fn read(
        conn: &mut PgConnection,
        round: &Round<'_, ConfirmContract>,
        cases: &Cases,
    ) -> Result<Self, sqlx::Error> {
        let (zone, year) = (round.zone, FiscalYear::of(round.today));
        let contracts = || cases.contracts.values();
        let mut lines: Vec<BudgetLine> = contracts()
            .map(|contract| BudgetLine {
                programme: contract.programme.clone(),
                year,
                currency: zone.currency,
            })
            .collect();
        lines.sort_unstable_by(|one, other| one.programme.cmp(&other.programme));
        lines.dedup();
        let addresses: Vec<_> = lines
            .iter()
            .map(|line| line.account(AccountCode::B30))
            .collect();
        let free = journal::balances(conn, zone.id, &addresses).await?;
        let providers: Vec<PartyId> = contracts().map(|contract| contract.provider).collect();
        Ok(Self {
            year,
            frozen: programme::store::frozen(conn, zone.id, &lines).await?,
            free: lines.into_iter().zip(free).collect(),
            excluded: exclusion::excluded_on(conn, zone.id, round.today, &providers).await?,
        })
    }

    /// The line that reserves a contract, if it has what the contract needs.
    fn reserve(
        &mut self,
        command: &Command<'_>,
        contract: &Contract,
    ) -> Result<BudgetLine, Refused> {
        if let Some(until) = self.excluded.until(contract.provider) {
            return Err(Refused {
                code: ContractRefusal::Excluded,
                reasons: vec![until.to_string()],
            });
        }
        let line = BudgetLine {
            programme: contract.programme.clone(),
            year: self.year,
            currency: command.zone.currency,
        };
        if self.frozen.iter().any(|frozen| frozen.is(&line)) {
            return Err(ContractRefusal::BudgetFrozen.into());
        }
        let free = self.free.entry(line.clone()).or_default();
        let amount = contract.amount.money();
        if *free < amount {
            return Err(Refused {
                code: ContractRefusal::BudgetExhausted,
                reasons: vec![free.to_text(command.zone.currency)],
            });
        }
        *free = free.saturating_sub(amount);
        Ok(line)
    }
}

fn said(command: &Command<'_>) -> Said {
    Said {
        by: command.actor.person,
        index: LogIndex(0),
    }
}

fn refused<I: Clone>(
    id: ContractId,
    input: &I,
    refused: Refused,
) -> (Step<I, DecideAnswer>, Effect) {
    let answer = DecideAnswer::Refused(refused);
    (Step::new("contract.refused", id, input, answer), None)
}

type Decision<I> = Decided<I, DecideAnswer, Effect>;

fn decide_confirm(
    command: &Command<'_>,
    input: &ConfirmContract,
    cases: &mut Cases,
    budget: &mut Budget,
) -> Result<Decision<ConfirmContract>, BatchError> {
    let id = input.contract;
    let (contract, hands) = match cases.find(command, id) {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let before = Some(contract.proposed.by);
    let year = budget.year;
    let mut confirmed = contract.clone();
    let line = may_act(hands, command, contract.provider, before)
        .and_then(|()| confirmed.confirm(said(command), year))
        .map_err(Refused::from)
        .and_then(|()| budget.reserve(command, contract));
    let line = match line {
        Ok(line) => line,
        Err(why) => return Ok(Ok(refused(id, input, why))),
    };
    *contract = confirmed;
    let answer = DecideAnswer::Confirmed {
        amount: contract.amount.money().to_text(command.zone.currency),
        year,
    };
    let transfers = postings::reserve(&line, contract)?;
    let step = Step::new("contract.confirmed", id, input, answer).moving(transfers);
    Ok(Ok((step, Some(Done::changed(id)))))
}

/// Rejects contracts that wait, or takes them back.
pub async fn reject(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, RejectContract)],
) -> Result<Answers<DecideAnswer>, BatchError> {
    let of = |input: &RejectContract| input.contract;
    cases::answer(conn, "contract.reject", requests, of, decide_reject).await
}

fn decide_reject(
    command: &Command<'_>,
    input: &RejectContract,
    cases: &mut Cases,
) -> Decision<RejectContract> {
    let id = input.contract;
    let (contract, hands) = cases.find(command, id)?;
    let rejected = may_act(hands, command, contract.provider, None)
        .and_then(|()| contract.reject(said(command)));
    if let Err(code) = rejected {
        return Ok(refused(id, input, code.into()));
    }
    let step = Step::new("contract.rejected", id, input, DecideAnswer::Rejected);
    Ok((step, Some(Done::changed(id))))
}
