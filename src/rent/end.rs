//! A lease ends before its time.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::add::LeaseAnswer;
use super::cases::{self, About, Cases, Effect};
use crate::batch::{Answers, BatchError, Decided, Step};
use crate::identity::{Command, Role};
use crate::types::{LeaseId, Reason};

/// Ends a lease with an earlier last day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndLease {
    /// The last day of the tenancy.
    pub last_day: NaiveDate,
    /// The lease.
    pub lease: LeaseId,
    /// Why.
    pub reason: Reason,
}

/// Ends leases before their time. Days that are billed stay in the lease.
pub async fn end_lease(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, EndLease)],
) -> Result<Answers<LeaseAnswer>, BatchError> {
    let about = |input: &EndLease| About::Lease(input.lease);
    cases::answer(
        conn,
        "lease.end",
        requests,
        about,
        |command, input, cases| Ok(decide(command, input, cases)),
    )
    .await
}

fn decide(
    command: &Command<'_>,
    input: &EndLease,
    cases: &mut Cases,
) -> Decided<EndLease, LeaseAnswer, Effect> {
    command.actor.require(&[Role::Incubator])?;
    let (lease, bills) = cases.lease(command, input.lease)?;
    if let Err(refused) = lease.end(input.last_day, bills) {
        let answer = LeaseAnswer::Refused(refused.into());
        let step = Step::new("lease.refused", input.lease, input, answer);
        return Ok((step, Effect::default()));
    }
    let last_day = input.last_day;
    let answer = LeaseAnswer::Ended { last_day };
    let effect = Effect {
        lease: Some((input.lease, true)),
        ..Effect::default()
    };
    Ok((Step::new("lease.ended", input.lease, input, answer), effect))
}
