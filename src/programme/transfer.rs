//! Authority of one programme for another of the same budget year (预算调剂): proposed by finance, approved by a second
//! person.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::budget::{lock_head, require_open};
use super::control::{ControlError, free};
use super::{BudgetLine, ProgrammeError, first_answer, record, store};
use crate::identity::{Command, Role};
use crate::journal::{AccountCode, Recorded, Transfer};
use crate::types::{Amount, Code, Currency, FiscalYear, LogIndex, PersonId, Reason};

/// A transfer to be proposed.
#[derive(Clone, Debug)]
pub struct ProposeTransfer {
    /// How much.
    pub amount: Amount,
    /// The programme that gives.
    pub from: Code,
    /// Why.
    pub reason: Reason,
    /// The programme that gets.
    pub to: Code,
    /// The budget year of both.
    pub year: FiscalYear,
}

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferOutcome {
    /// The amount was moved.
    Approved,
    /// It was not, and will not be.
    Rejected,
}

/// A proposed transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedTransfer {
    /// The entry of the proposal, which names it.
    pub proposed_index: LogIndex,
    /// The budget year.
    pub year: FiscalYear,
    /// The programme that gives.
    pub from: Code,
    /// The programme that gets.
    pub to: Code,
    /// How much, in the zone's currency.
    #[serde(skip)]
    pub amount: Amount,
    /// Why.
    pub reason: Reason,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// What became of it; `None` while it waits.
    pub outcome: Option<TransferOutcome>,
    /// Who decided.
    pub decided_by: Option<PersonId>,
    /// The entry of the decision.
    pub decided_index: Option<LogIndex>,
}

impl ProposedTransfer {
    fn line(&self, programme: &Code, currency: Currency) -> BudgetLine {
        BudgetLine {
            programme: programme.clone(),
            year: self.year,
            currency,
        }
    }
}

/// Why an approval moved nothing, for now: it can be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TransferRefusal {
    /// The same person proposed it.
    Segregation,
    /// The programme that gives is frozen.
    Frozen,
    /// It has less free than that.
    Insufficient,
}

impl TransferRefusal {
    /// What to tell a person.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Segregation => {
                "whoever proposed a transfer can't approve it: a second person has to"
            }
            Self::Frozen => {
                "the programme that gives is frozen: it gives nothing until it is thawed"
            }
            Self::Insufficient => "the programme that gives has less free than that by now",
        }
    }
}

/// What an approval came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// What was in the way; nothing if the amount was moved.
    pub refused: Option<TransferRefusal>,
}

/// Proposes a transfer: at most what is free now, in an open year. Nothing moves until another person approves it.
pub async fn propose_transfer(
    conn: &mut PgConnection,
    command: &Command<'_>,
    input: &ProposeTransfer,
) -> Result<Recorded, ControlError> {
    #[derive(Serialize)]
    struct Said<'a> {
        amount: String,
        from: &'a Code,
        reason: &'a Reason,
        to: &'a Code,
        year: FiscalYear,
    }
    const KIND: &str = "budget.transfer_proposed";
    command
        .actor
        .require(&[Role::Finance])
        .map_err(ProgrammeError::from)?;
    let (zone, currency) = (command.zone.id, command.zone.currency);
    let said = Said {
        amount: input.amount.money().to_text(currency),
        from: &input.from,
        reason: &input.reason,
        to: &input.to,
        year: input.year,
    };
    let first = first_answer::<_, serde::de::IgnoredAny>(conn, command, KIND, &said).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    if input.from == input.to {
        return Err(ControlError::OneProgramme(input.from.clone()));
    }
    for programme in [&input.from, &input.to] {
        if !store::exists(conn, zone, programme).await? {
            return Err(ProgrammeError::Unknown(programme.clone()).into());
        }
    }
    require_open(conn, command, input.year).await?;
    let line = BudgetLine {
        programme: input.from.clone(),
        year: input.year,
        currency,
    };
    let free = free(conn, command, &line).await?;
    if free < input.amount.money() {
        return Err(ControlError::MoreThanFree {
            programme: line.programme,
            year: line.year,
            free: free.to_text(currency),
            amount: said.amount,
        });
    }
    let recorded = record(conn, command, (KIND, &said), &said, Vec::new()).await?;
    store::insert_transfer(conn, zone, input, command.actor.person, recorded.index).await?;
    Ok(recorded)
}

/// Approves a proposed transfer: B30 of the programme that gives, B30 of the one that gets. What can't be is an entry
/// `budget.transfer_refused` with the reason, and the proposal waits on.
pub async fn approve_transfer(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
) -> Result<(Recorded, Approved), ControlError> {
    #[derive(Serialize)]
    struct Said<'a> {
        amount: String,
        from: &'a Code,
        proposed_index: LogIndex,
        #[serde(flatten)]
        approved: Approved,
        to: &'a Code,
        year: FiscalYear,
    }
    const NAME: &str = "budget.approve_transfer";
    command
        .actor
        .require(&[Role::Finance, Role::Manager])
        .map_err(ProgrammeError::from)?;
    if let Some(first) = first_answer::<_, Approved>(conn, command, NAME, &proposed).await? {
        return Ok(first);
    }
    let (zone, currency) = (command.zone.id, command.zone.currency);
    let transfer = waiting(conn, command, proposed).await?;
    require_open(conn, command, transfer.year).await?;
    let from = transfer.line(&transfer.from, currency);
    let refused = if transfer.proposed_by == command.actor.person {
        Some(TransferRefusal::Segregation)
    } else if !store::frozen(conn, zone, std::slice::from_ref(&from))
        .await?
        .is_empty()
    {
        Some(TransferRefusal::Frozen)
    } else if free(conn, command, &from).await? < transfer.amount.money() {
        Some(TransferRefusal::Insufficient)
    } else {
        None
    };
    let said = Said {
        amount: transfer.amount.money().to_text(currency),
        from: &transfer.from,
        proposed_index: proposed,
        approved: Approved { refused },
        to: &transfer.to,
        year: transfer.year,
    };
    let to = transfer.line(&transfer.to, currency);
    let (kind, moved) = if refused.is_some() {
        ("budget.transfer_refused", Vec::new())
    } else {
        let (debit, credit) = (from.account(AccountCode::B30), to.account(AccountCode::B30));
        let moved = Transfer::new(debit, credit, transfer.amount).map_err(ProgrammeError::from)?;
        ("budget.transferred", vec![moved])
    };
    let recorded = record_as(conn, command, (kind, NAME, &proposed), &said, moved).await?;
    if refused.is_none() {
        let decided = (
            TransferOutcome::Approved,
            command.actor.person,
            recorded.index,
        );
        store::decide_transfer(conn, zone, proposed, decided).await?;
    }
    Ok((recorded, said.approved))
}

/// Rejects a proposed transfer, or takes it back.
pub async fn reject_transfer(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
    reason: &Reason,
) -> Result<Recorded, ControlError> {
    #[derive(Serialize)]
    struct Said<'a> {
        proposed_index: LogIndex,
        reason: &'a Reason,
    }
    const KIND: &str = "budget.transfer_rejected";
    command
        .actor
        .require(&[Role::Finance, Role::Manager])
        .map_err(ProgrammeError::from)?;
    let said = Said {
        proposed_index: proposed,
        reason,
    };
    let first = first_answer::<_, serde::de::IgnoredAny>(conn, command, KIND, &said).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    waiting(conn, command, proposed).await?;
    lock_head(conn, command).await?;
    let recorded = record(conn, command, (KIND, &said), &said, Vec::new()).await?;
    let decided = (
        TransferOutcome::Rejected,
        command.actor.person,
        recorded.index,
    );
    store::decide_transfer(conn, command.zone.id, proposed, decided).await?;
    Ok(recorded)
}

/// Locks a proposal that waits.
async fn waiting(
    conn: &mut PgConnection,
    command: &Command<'_>,
    proposed: LogIndex,
) -> Result<ProposedTransfer, ControlError> {
    let transfer = store::lock_transfer(conn, command.zone.id, proposed).await?;
    transfer
        .filter(|transfer| transfer.outcome.is_none())
        .ok_or(ControlError::NotWaiting(proposed))
}

/// Records what a command with a name of its own did, since its entry is of one of several kinds.
async fn record_as(
    conn: &mut PgConnection,
    command: &Command<'_>,
    (kind, name, input): (&'static str, &str, &LogIndex),
    details: &(impl Serialize + Sync),
    transfers: Vec<Transfer>,
) -> Result<Recorded, ProgrammeError> {
    let entry = crate::journal::Entry {
        transfers,
        idempotency: command.idempotency(name, input),
        ..command.entry(kind, details)?
    };
    Ok(crate::journal::record_one(conn, command.zone, command.now, entry).await?)
}
