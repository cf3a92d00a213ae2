//! Award without application (免申即享): vouchers for everybody who qualifies, in one run.
//!
//! A reviewer proposes a run: its list, with what each party would get, is hashed into the entry. A manager approves
//! exactly that list, and then it is carried out in parts, each in one transaction, in which everything is decided again
//! by what has been used until then. How far it has come stands in its row: [`resume`] goes on from there, after
//! whatever stopped it, and two who do so at once take turns.

mod approve;
mod award;
mod facts;
mod propose;
mod resume;
pub mod store;

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::PgConnection;

use crate::batch::{BatchError, Rejected};
use crate::policy;
use crate::types::{Amount, Code, LogIndex, Money, PartyId, PersonId, PolicyId, RunId, ZoneId};

pub use approve::{Approve, ApproveAnswer, approve};
pub use award::{AwardAnswer, AwardOutcome, Awarding, Part, award, prepare};
pub use propose::{Propose, Proposed, propose};
pub use resume::{ResumeError, resume};

/// A run, as its row has it.
#[derive(Clone, Debug)]
pub struct Run {
    /// Identity.
    pub id: RunId,
    /// Programme.
    pub programme: Code,
    /// Policy in force on the day.
    pub policy: PolicyId,
    /// The day for which it is decided.
    pub day: NaiveDate,
    /// What is requested for each, where the policy starts from a request.
    pub requested: Option<Amount>,
    /// How many are on the list.
    pub candidates: u32,
    /// What the list comes to.
    pub total: Money,
    /// SHA-256 of the list.
    pub list_sha256: policy::Sha256,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// The entry of the proposal.
    pub proposed_index: LogIndex,
    /// Who approved it.
    pub approved_by: Option<PersonId>,
    /// How far it has come.
    pub progress: Progress,
}

/// Why a run may not begin: the rules that it was proposed by are no longer those of its day. A run that has begun goes on
/// by the rules that it began with, so that all on its list are treated alike.
async fn outdated(
    conn: &mut PgConnection,
    zone: ZoneId,
    run: &Run,
) -> Result<Option<Rejected>, BatchError> {
    if run.progress.decided > 0 {
        return Ok(None);
    }
    let in_force = policy::store::in_force_on(conn, zone, &run.programme, run.day).await?;
    let now = match in_force {
        Some(published) if published.id == run.policy => return Ok(None),
        Some(published) => format!("version {} is", published.policy.version()),
        None => "no version is".to_owned(),
    };
    let proposed = policy::store::load(conn, zone, run.policy).await?;
    Ok(Some(Rejected::Run(format!(
        "the run was proposed by version {} of {}, and {now} in force on its day {} by now: propose a new run, by the rules \
         of the day",
        proposed.version(),
        run.programme,
        run.day
    ))))
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// How many of the list are decided on.
    pub decided: u32,
    /// How many of them got a voucher.
    pub awarded: u32,
    /// What these come to.
    #[serde(skip)]
    pub given: Money,
    /// How many are on the list.
    pub candidates: u32,
}

impl Progress {
    /// Whether everybody on the list is decided on.
    pub const fn is_done(&self) -> bool {
        self.decided == self.candidates
    }
}

/// A party on the list, with what it would get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The party.
    pub party: PartyId,
    /// What it would get, as was known when the list was made.
    pub amount: Amount,
}
