//! A recovery is paid in instalments.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::cases::{self, Cases, Done, Effect, may_act};
use super::model::{Plan, RecoveryState};
use super::refused::{RecoveryRefusal, Refused};
use crate::batch::{Answers, BatchError, Decided, Rejected, Step};
use crate::identity::{Command, Role};
use crate::types::{Amount, DueOn, LogIndex, RecoveryId, Schedule};

/// A plan for what is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRecovery {
    /// The recovery.
    pub recovery: RecoveryId,
    /// When it is paid.
    pub schedule: Schedule,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum PlanAnswer {
    /// The plan is in force.
    Planned {
        /// What is open, decimal text: the sum of the instalments.
        amount: String,
        /// The instalments, in the order of their days.
        instalments: Vec<DueOn>,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Puts plans in force, in place of those before. Instalments add up to what is open, and none is due in the past.
pub async fn plan(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, PlanRecovery)],
) -> Result<Answers<PlanAnswer>, BatchError> {
    let of = |input: &PlanRecovery| input.recovery;
    cases::answer(
        conn,
        "recovery.plan",
        requests,
        of,
        |command, input, cases| Ok(decide(command, input, cases)),
    )
    .await
}

fn decide(
    command: &Command<'_>,
    input: &PlanRecovery,
    cases: &mut Cases,
) -> Decided<PlanRecovery, PlanAnswer, Effect> {
    let (id, currency) = (input.recovery, command.zone.currency);
    let refused = |code: RecoveryRefusal| {
        let answer = PlanAnswer::Refused(code.into());
        (Step::new("recovery.refused", id, input, answer), None)
    };
    let (recovery, hands) = cases.find(command, &[Role::Finance], id)?;
    if let Err(code) = may_act(hands, command, recovery.party, &[]) {
        return Ok(refused(code));
    }
    let (RecoveryState::Open, Ok(open)) = (recovery.state(), Amount::new(recovery.open())) else {
        return Ok(refused(RecoveryRefusal::WrongState));
    };
    let instalments = input.schedule.parts(open, currency, "instalments");
    let instalments = instalments.map_err(Rejected::Input)?;
    let today = command.today();
    if let Some(past) = instalments.iter().find(|one| one.due < today) {
        let wrong = format!("due: {} is past: name today or a later day", past.due);
        return Err(Rejected::Input(wrong));
    }
    let answer = PlanAnswer::Planned {
        amount: open.money().to_text(currency),
        instalments: instalments
            .iter()
            .map(|one| DueOn {
                amount: one.amount.money().to_text(currency),
                due: one.due,
            })
            .collect(),
    };
    let index = LogIndex(0);
    let plan = Plan {
        index,
        instalments: instalments.clone(),
    };
    if let Err(code) = recovery.plan(plan) {
        return Ok(refused(code));
    }
    let step = Step::new("recovery.planned", id, input, answer);
    Ok((step, Some(Done::planned(id, instalments))))
}
