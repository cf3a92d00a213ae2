//! What takes two persons: the end of a budget year, and opening a closed period again. Proposed by finance, confirmed or
//! rejected by another.

use chrono::NaiveDate;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::store;
use super::year_end::{self, CloseYear, Plan};
use crate::identity::{Command, Forbidden, Role};
use crate::journal::{
    self, BodyError, Effect, Entry, RecallError, RecordError, Recorded, Transfer, TransferError,
};
use crate::log;
use crate::types::{Code, FiscalYear, LogIndex, NotPositive, PersonId, Reason};

/// Why a command about periods changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum PeriodError {
    /// There is no such programme.
    #[error("no programme {0} in this zone: `programme list` shows them")]
    UnknownProgramme(Code),
    /// The year goes on.
    #[error("budget year {0} is not over: it can be closed from the first day of the next")]
    YearNotOver(FiscalYear),
    /// The year was closed, and has nothing left to move.
    #[error("budget year {year} is closed already, by entry {closing}, and has nothing free")]
    YearClosed {
        /// The year.
        year: FiscalYear,
        /// The entry that closed it.
        closing: LogIndex,
    },
    /// Nothing can be carried over.
    #[error(
        "budget year {next} is closed, by entry {closing}, and {year} can't hand anything over to it: open it again \
         first with `period reopen {closing}`"
    )]
    NextYearClosed {
        /// The year to be closed.
        year: FiscalYear,
        /// The next one.
        next: FiscalYear,
        /// The entry that closed that.
        closing: LogIndex,
    },
    /// A frozen programme has something free.
    #[error(
        "{programme} is frozen in {year}: thaw it with `programme thaw` before the year is closed"
    )]
    Frozen {
        /// The programme.
        programme: Code,
        /// The year.
        year: FiscalYear,
    },
    /// Vouchers or contracts that end with the year have not.
    #[error(
        "vouchers and contracts of {programme} end with {year}, and {outstanding} is still on vouchers, {reserved} held or \
         reserved: `voucher wind-up {programme} {year}` takes vouchers back, `contract end` ends a contract"
    )]
    VouchersLeft {
        /// The programme.
        programme: Code,
        /// The year.
        year: FiscalYear,
        /// Free on vouchers, decimal text.
        outstanding: String,
        /// Held for orders or reserved for contracts, decimal text.
        reserved: String,
    },
    /// A closing of the same year waits.
    #[error(
        "entry {0} proposed to close that year and waits: confirm it with `period confirm {0}`, or reject it first"
    )]
    Waits(LogIndex),
    /// No such closing stands.
    #[error(
        "entry {0} closed no period, or its closing was undone: `period list` shows what is closed"
    )]
    NotClosed(LogIndex),
    /// No such proposal, or it is decided.
    #[error(
        "entry {0} proposed nothing that waits: `period list` shows the proposals and what became of them"
    )]
    NotWaiting(LogIndex),
    /// The actor may not do this.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// An amount of zero.
    #[error(transparent)]
    NotPositive(#[from] NotPositive),
    /// Two accounts can't be joined.
    #[error(transparent)]
    Transfer(#[from] TransferError),
    /// The first answer of a command can't be given again.
    #[error(transparent)]
    Recall(#[from] RecallError),
    /// The entries were not recorded.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The details have no canonical form.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Postgres refused or failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// What is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// To close a budget year by this plan.
    CloseYear {
        /// The year.
        year: FiscalYear,
        /// What was seen to lapse and to be carried over ([`Plan::text`]).
        plan: String,
    },
    /// To open what an entry closed.
    Reopen {
        /// That entry.
        closing: LogIndex,
    },
}

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalOutcome {
    /// It was carried out.
    Confirmed,
    /// It was not, and will not be.
    Rejected,
}

/// A proposal as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its entry, which names it.
    pub proposed_index: LogIndex,
    /// What is proposed.
    pub subject: Subject,
    /// Why.
    pub reason: Reason,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// What became of it, by whom and by which entry; `None` while it waits.
    pub decided: Option<(ProposalOutcome, PersonId, LogIndex)>,
}

/// A closing, and whether it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Closing {
    /// The first closed day.
    pub from: NaiveDate,
    /// The first day that is open again.
    pub until: NaiveDate,
    /// The entry that closed it.
    pub closed_index: LogIndex,
    /// The entry that opened it again.
    pub reopened_index: Option<LogIndex>,
}

/// Why a confirmation carried nothing out, for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConfirmRefusal {
    /// The same person proposed it (invariant 9).
    Segregation,
    /// What would lapse or be carried over is not what was proposed.
    Changed,
}

impl ConfirmRefusal {
    /// What to tell a person.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Segregation => "whoever proposed it can't confirm it: a second person has to",
            Self::Changed => {
                "the figures have changed since it was proposed: reject it, look at `period year-end`, and propose again"
            }
        }
    }
}

/// What a confirmation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// What was in the way; nothing if it was carried out.
    pub refused: Option<ConfirmRefusal>,
}

/// Proposes to close a budget year by the plan of now (finance). Nothing moves until another person confirms it.
pub async fn propose_year_end(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (year, reason): (FiscalYear, &Reason),
) -> Result<(Recorded, Plan), PeriodError> {
    #[derive(Serialize)]
    struct Asked<'a> {
        reason: &'a Reason,
        year: FiscalYear,
    }
    #[derive(Serialize)]
    struct Said<'a> {
        plan: &'a serde_json::value::RawValue,
        reason: &'a Reason,
        year: FiscalYear,
    }
    const KIND: &str = "period.year_end_proposed";
    command.actor.require(&[Role::Finance])?;
    let asked = Asked { reason, year };
    if let Some((recorded, _)) = first_answer::<_, IgnoredAny>(conn, command, KIND, &asked).await? {
        return Ok((recorded, Plan::read(conn, command.zone, year).await?));
    }
    lock_head(conn, command).await?;
    if let Some(waiting) = store::waiting_for_year(conn, command.zone.id, year).await? {
        return Err(PeriodError::Waits(waiting));
    }
    let plan = year_end::propose(conn, command, year).await?;
    let text = plan.text();
    let said = Said {
        plan: serde_json::from_str(&text).expect("BUG: a plan is JSON"),
        reason,
        year,
    };
    let recorded = record(conn, command, (KIND, KIND, &asked), &said, Vec::new()).await?;
    let subject = Subject::CloseYear { year, plan: text };
    insert(conn, command, subject, reason, recorded.index).await?;
    Ok((recorded, plan))
}

/// Proposes to open what an entry closed (finance), such as for a document that came late and can't wait. Nothing is open
/// until another person confirms it; the days can be closed again at any time.
pub async fn propose_reopening(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (closing, reason): (LogIndex, &Reason),
) -> Result<Recorded, PeriodError> {
    #[derive(Serialize)]
    struct Said<'a> {
        closing_index: LogIndex,
        reason: &'a Reason,
    }
    const KIND: &str = "period.reopening_proposed";
    command.actor.require(&[Role::Finance])?;
    let said = Said {
        closing_index: closing,
        reason,
    };
    if let Some((recorded, _)) = first_answer::<_, IgnoredAny>(conn, command, KIND, &said).await? {
        return Ok(recorded);
    }
    lock_head(conn, command).await?;
    if !store::stands(conn, command.zone.id, closing).await? {
        return Err(PeriodError::NotClosed(closing));
    }
    let recorded = record(conn, command, (KIND, KIND, &said), &said, Vec::new()).await?;
    insert(
        conn,
        command,
        Subject::Reopen { closing },
        reason,
        recorded.index,
    )
    .await?;
    Ok(recorded)
}

async fn insert(
    conn: &mut PgConnection,
    command: &Command<'_>,
    subject: Subject,
    reason: &Reason,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    let proposal = Proposal {
        proposed_index: index,
        subject,
        reason: reason.clone(),
        proposed_by: command.actor.person,
        decided: None,
    };
    store::insert_proposal(conn, command.zone.id, &proposal).await
}

/// Confirms a proposal and carries it out (finance or a manager, another person). What can't be is an entry
/// `period.confirmation_refused` with the reason, and the proposal waits on.
pub async fn confirm(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
) -> Result<(Recorded, Confirmed), PeriodError> {
    const NAME: &str = "period.confirm";
    command.actor.require(&[Role::Finance, Role::Manager])?;
    if let Some(first) = first_answer::<_, Confirmed>(conn, command, NAME, &proposed).await? {
        return Ok(first);
    }
    let proposal = waiting(conn, command, proposed).await?;
    lock_head(conn, command).await?;
    if proposal.proposed_by == command.actor.person {
        return refuse(conn, command, proposed, ConfirmRefusal::Segregation).await;
    }
    let recorded = match &proposal.subject {
        Subject::CloseYear { year, plan } => {
            let now = year_end::propose(conn, command, *year).await?;
            if now.text() != *plan {
                return refuse(conn, command, proposed, ConfirmRefusal::Changed).await;
            }
            close_year(conn, command, &now, proposed).await?
        }
        Subject::Reopen { closing } => reopen(conn, command, *closing, proposed).await?,
    };
    let decided = (
        ProposalOutcome::Confirmed,
        command.actor.person,
        recorded.index,
    );
    store::decide(conn, command.zone.id, proposed, decided).await?;
    Ok((recorded, Confirmed { refused: None }))
}

async fn close_year(
    conn: &mut PgConnection,
    command: &Command<'_>,
    plan: &Plan,
    proposed: LogIndex,
) -> Result<Recorded, PeriodError> {
    #[derive(Serialize)]
    struct Said {
        carried: String,
        from: NaiveDate,
        lapsed: String,
        proposed_index: LogIndex,
        refused: Option<ConfirmRefusal>,
        until: Option<NaiveDate>,
        year: FiscalYear,
    }
    let period = plan.year.period();
    let said = Said {
        carried: plan.carries().to_text(plan.currency),
        from: period.from(),
        lapsed: plan.lapses().to_text(plan.currency),
        proposed_index: proposed,
        refused: None,
        until: period.until(),
        year: plan.year,
    };
    let last = Entry {
        effect: Effect::Adjusting,
        idempotency: command.idempotency("period.confirm", &proposed),
        ..command.entry("period.year_closed", &said)?
    };
    let close = CloseYear {
        year: plan.year,
        proposed,
    };
    year_end::close(conn, command, plan, close, last).await
}

async fn reopen(
    conn: &mut PgConnection,
    command: &Command<'_>,
    closing: LogIndex,
    proposed: LogIndex,
) -> Result<Recorded, PeriodError> {
    #[derive(Serialize)]
    struct Said {
        closing_index: LogIndex,
        proposed_index: LogIndex,
        refused: Option<ConfirmRefusal>,
    }
    if !store::stands(conn, command.zone.id, closing).await? {
        return Err(PeriodError::NotClosed(closing));
    }
    let said = Said {
        closing_index: closing,
        proposed_index: proposed,
        refused: None,
    };
    let named = ("period.reopened", "period.confirm", &proposed);
    record(conn, command, named, &said, Vec::new()).await
}

async fn refuse(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
    refused: ConfirmRefusal,
) -> Result<(Recorded, Confirmed), PeriodError> {
    #[derive(Serialize)]
    struct Said {
        proposed_index: LogIndex,
        #[serde(flatten)]
        confirmed: Confirmed,
    }
    let confirmed = Confirmed {
        refused: Some(refused),
    };
    let said = Said {
        proposed_index: proposed,
        confirmed,
    };
    let named = ("period.confirmation_refused", "period.confirm", &proposed);
    let recorded = record(conn, command, named, &said, Vec::new()).await?;
    Ok((recorded, confirmed))
}

/// Rejects a proposal, or takes it back (finance or a manager).
pub async fn reject(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (proposed, reason): (LogIndex, &Reason),
) -> Result<Recorded, PeriodError> {
    #[derive(Serialize)]
    struct Said<'a> {
        proposed_index: LogIndex,
        reason: &'a Reason,
    }
    const KIND: &str = "period.proposal_rejected";
    command.actor.require(&[Role::Finance, Role::Manager])?;
    let said = Said {
        proposed_index: proposed,
        reason,
    };
    if let Some((recorded, _)) = first_answer::<_, IgnoredAny>(conn, command, KIND, &said).await? {
        return Ok(recorded);
    }
    waiting(conn, command, proposed).await?;
    let recorded = record(conn, command, (KIND, KIND, &said), &said, Vec::new()).await?;
    let decided = (
        ProposalOutcome::Rejected,
        command.actor.person,
        recorded.index,
    );
    store::decide(conn, command.zone.id, proposed, decided).await?;
    Ok(recorded)
}

/// Locks a proposal that waits.
async fn waiting(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
) -> Result<Proposal, PeriodError> {
    let proposal = store::lock_proposal(conn, command.zone.id, proposed).await?;
    proposal
        .filter(|proposal| proposal.decided.is_none())
        .ok_or(PeriodError::NotWaiting(proposed))
}

async fn lock_head(conn: &mut PgConnection, command: &Command<'_>) -> Result<(), PeriodError> {
    log::lock_head(conn, command.zone.id)
        .await
        .map_err(RecordError::from)?;
    Ok(())
}

/// The entry of a command that was given before under the same key, with its details.
pub(super) async fn first_answer<I: Serialize + Sync, D: DeserializeOwned>(
    conn: &mut PgConnection,
    command: &Command<'_>,
    name: &str,
    input: &I,
) -> Result<Option<(Recorded, D)>, PeriodError> {
    let key = command.idempotency(name, input);
    let (zone, actor) = (command.zone.id, command.actor.person);
    Ok(journal::first_answer(conn, zone, actor, key.as_ref()).await?)
}

/// Records an entry of a kind, of a command with a name and an input that its key stands for.
pub(super) async fn record<I: Serialize + Sync>(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (kind, name, input): (&'static str, &str, &I),
    details: &(impl Serialize + Sync),
    transfers: Vec<Transfer>,
) -> Result<Recorded, PeriodError> {
    let entry = Entry {
        transfers,
        idempotency: command.idempotency(name, input),
        ..command.entry(kind, details)?
    };
    Ok(journal::record_one(conn, command.zone, command.now, entry).await?)
}
