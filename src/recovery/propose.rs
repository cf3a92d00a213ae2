//! Somebody proposes to ask money back, of what was paid.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::cases::may_act;
use super::model::{Basis, Cause, Recovery, Said, Stage};
use super::refused::{RecoveryRefusal, Refused};
use super::rightful::{Grounds, Redecided};
use super::store;
use crate::approval::Hands;
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::fact;
use crate::identity::{Command, Role};
use crate::payment::{self, Lock, Payable, PayableFilter, PayableState};
use crate::policy::Facts;
use crate::types::{Amount, LogIndex, Money, PayableId, Reason, RecoveryId};

/// A proposal to ask money back.
#[derive(Clone, Debug, Serialize)]
pub struct ProposeRecovery {
    /// Why, as a kind.
    pub cause: Cause,
    /// The facts that were otherwise than the decision saw: what is right by them stays with the payee. Left out, all that
    /// was paid is asked back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// What was paid.
    pub payable: PayableId,
    /// Why, in words.
    pub reason: Reason,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ProposeAnswer {
    /// Another person has to order it.
    Proposed {
        /// What is asked back, decimal text.
        amount: String,
        /// What was paid, decimal text.
        paid: String,
        /// Reason codes of the new decision.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reasons: Vec<String>,
        /// Identity.
        recovery: RecoveryId,
        /// What is right by the corrected facts, decimal text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rightful: Option<String>,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Proposes recoveries of what was paid, by a bank line or by offset: at most what was paid, less what is asked back
/// already. With corrected facts, the very rules that decided are asked again, for the same day and with the same usage of
/// caps, and what is asked back is what was paid beyond that.
pub async fn propose(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ProposeRecovery)],
) -> Result<Answers<ProposeAnswer>, BatchError> {
    batch::answer(conn, "recovery.propose", requests, |conn, round| {
        Box::pin(propose_round(conn, round))
    })
    .await
}

async fn propose_round(
    conn: &mut PgConnection,
    round: &Round<'_, ProposeRecovery>,
) -> Result<Answers<ProposeAnswer>, BatchError> {
    let zone = round.zone;
    let ids: Vec<PayableId> = round
        .requests
        .iter()
        .map(|(_, input)| input.payable)
        .collect();
    let filter = PayableFilter::Ids(ids.clone());
    let found = payment::payables(conn, zone.id, zone.currency, &filter, Lock::ForUpdate).await?;
    batch::lock_head(conn, round).await?;
    let corrected = |payable: &&Payable| {
        let mut inputs = round.requests.iter().map(|(_, input)| input);
        inputs.any(|input| input.payable == payable.id && input.facts.is_some())
    };
    let decided_by = found.iter().filter(corrected).map(|one| one.owed_index);
    let mut cases = Cases {
        grounds: Grounds::read(conn, zone, &decided_by.collect::<Vec<_>>()).await?,
        asked_back: store::asked_back(conn, zone.id, &ids).await?,
        payables: found.into_iter().map(|one| (one.id, one)).collect(),
        hands: Hands::of_round(conn, round).await?,
        kept: Vec::new(),
    };
    let mut decided = Vec::with_capacity(round.requests.len());
    for (command, input) in &round.requests {
        decided.push(cases.decide(command, input)?);
    }
    let kept: Vec<&Facts> = cases.kept.iter().collect();
    fact::store::keep_snapshots(conn, zone.id, &kept).await?;
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let proposed: Vec<Recovery> = effects
        .into_iter()
        .filter_map(|(recovery, index)| {
            let mut recovery = recovery?;
            recovery.stamp(index);
            Some(recovery)
        })
        .collect();
    store::insert(conn, zone.id, &proposed).await?;
    Ok(answers)
}

/// Payables, locked, and what decided on them.
struct Cases {
    payables: HashMap<PayableId, Payable>,
    asked_back: HashMap<PayableId, Money>,
    grounds: Grounds,
    hands: Hands,
    /// Facts that were decided on: decisions name them by their hash.
    kept: Vec<Facts>,
}

type Decision = Decided<ProposeRecovery, ProposeAnswer, Option<Recovery>>;

impl Cases {
    fn decide(
        &mut self,
        command: &Command<'_>,
        input: &ProposeRecovery,
    ) -> Result<Decision, BatchError> {
        let payable = match self.find(command, input) {
            Ok(payable) => payable,
            Err(rejected) => return Ok(Err(rejected)),
        };
        let may = may_act(&self.hands, command, payable.payee, &[]);
        let paid = matches!(payable.state, PayableState::Paid | PayableState::Offset);
        let paid = paid.then_some(()).ok_or(RecoveryRefusal::NotPaid);
        if let Err(code) = may.and(paid) {
            return Ok(Ok(refused(input, code.into())));
        }
        let redecided = match &input.facts {
            None => None,
            Some(corrected) => Some(self.grounds.redecide(payable.owed_index, corrected)?),
        };
        let rightful = redecided
            .as_ref()
            .map(|redecided| redecided.rightful(&payable));
        let outcome = match rightful {
            Some(Err(refused)) => Err(refused),
            Some(Ok(rightful)) => self.ask(&payable, rightful),
            None => self.ask(&payable, Money::ZERO),
        };
        let step = match outcome {
            Err(refusal) => refused(input, refusal),
            Ok(amount) => proposed(command, input, &payable, amount, redecided.as_ref()),
        };
        let (mut step, recovery) = step;
        if let Some(Redecided { decision, facts }) = redecided {
            self.kept.push(facts);
            step = step.decided(decision);
        }
        Ok(Ok((step, recovery)))
    }

    /// The payable, if the proposal says what a proposal has to say.
    fn find(&self, command: &Command<'_>, input: &ProposeRecovery) -> Result<Payable, Rejected> {
        let duties = [Role::Reviewer, Role::Manager, Role::Finance];
        command.actor.require(&duties)?;
        let unknown = || Rejected::Unknown {
            what: "payable",
            id: input.payable.to_string(),
        };
        let payable = self.payables.get(&input.payable).ok_or_else(unknown)?;
        if let Some(facts) = &input.facts {
            let value = |fact| facts.get(fact).map(|stated| &stated.value);
            let wrong = fact::impossible(value, command.today()).into_iter().next();
            wrong.map_or(Ok(()), |wrong| Err(Rejected::Facts(wrong.to_string())))?;
        } else if input.cause == Cause::Overpaid {
            let wrong = "facts: of what was overpaid a part is right: state the facts as they were";
            return Err(Rejected::Facts(wrong.to_owned()));
        }
        Ok(payable.clone())
    }

    /// What was paid, less what is right and what is asked back already; it counts as asked back from now on.
    fn ask(&mut self, payable: &Payable, rightful: Money) -> Result<Amount, Refused> {
        let asked = self.asked_back.entry(payable.id).or_default();
        let beyond = payable.amount.money().saturating_sub(rightful);
        let amount = Amount::new(beyond.saturating_sub(*asked));
        let amount = amount.map_err(|_| RecoveryRefusal::NothingToRecover)?;
        *asked = [*asked, amount.money()].into_iter().sum();
        Ok(amount)
    }
}

type Proposed = (Step<ProposeRecovery, ProposeAnswer>, Option<Recovery>);

fn refused(input: &ProposeRecovery, refused: Refused) -> Proposed {
    let answer = ProposeAnswer::Refused(refused);
    let step = Step::new("recovery.refused", input.payable, input, answer);
    (step, None)
}

fn proposed(
    command: &Command<'_>,
    input: &ProposeRecovery,
    payable: &Payable,
    amount: Amount,
    redecided: Option<&Redecided>,
) -> Proposed {
    let text = |money: Money| money.to_text(command.zone.currency);
    let recovery = Recovery {
        id: RecoveryId::generate(),
        payable: payable.id,
        party: payable.payee,
        line: payable.line.clone(),
        cause: input.cause,
        reason: input.reason.clone(),
        basis: match input.facts {
            Some(_) => Basis::Corrected,
            None => Basis::Whole,
        },
        amount,
        hands: payable.hands(),
        proposed: Said {
            by: command.actor.person,
            index: LogIndex(0),
        },
        stage: Stage::Proposed,
        write_off: None,
    };
    let rightful = redecided.and_then(|redecided| redecided.rightful(payable).ok());
    let answer = ProposeAnswer::Proposed {
        amount: text(amount.money()),
        paid: text(payable.amount.money()),
        reasons: redecided.map(Redecided::reasons).unwrap_or_default(),
        recovery: recovery.id,
        rightful: rightful.map(text),
    };
    let step = Step::new("recovery.proposed", recovery.id, input, answer);
    (step, Some(recovery))
}
