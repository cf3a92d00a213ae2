//! Money that comes back: a line of the bank is a receipt of a recovery, or of a part of it.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::cases::{Cases, Done, Effect, Locked};
use super::model::Way;
use super::postings;
use super::refused::{RecoveryRefusal, Refused};
use super::store::{Settled, Settlement};
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::identity::{Command, Role};
use crate::journal::{self, AccountCode};
use crate::log;
use crate::payment::{self, BankLineId, MatchedBy, NotAReceipt, Receipt};
use crate::types::{LogIndex, RecoveryId};

/// A line of the bank's statement that brought money for a recovery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiveRecovery {
    /// The line.
    pub bank_line: BankLineId,
    /// The recovery.
    pub recovery: RecoveryId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ReceiveAnswer {
    /// That much has come in.
    Received {
        /// How much, decimal text.
        amount: String,
        /// How it was found what the line is.
        matched_by: MatchedBy,
        /// What is still open, decimal text.
        open: String,
        /// The account that the spent authority went back to.
        returned_to: AccountCode,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Takes lines of the bank as receipts of recoveries: paid back means that a line of the bank says so. A line is one
/// receipt, so all of it has to be open. It counts for the bank's booking day, or for today if that day is closed.
pub async fn receive(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ReceiveRecovery)],
) -> Result<Answers<ReceiveAnswer>, BatchError> {
    batch::answer(conn, "recovery.receive", requests, |conn, round| {
        Box::pin(receive_round(conn, round))
    })
    .await
}

async fn receive_round(
    conn: &mut PgConnection,
    round: &Round<'_, ReceiveRecovery>,
) -> Result<Answers<ReceiveAnswer>, BatchError> {
    let zone = round.zone.id;
    let locked = Locked::of(conn, round, |input| input.recovery).await?;
    let mut lines = Lines::lock(conn, round).await?;
    let mut cases = locked.with_persons(conn, round).await?;
    let mut decided = Vec::with_capacity(round.requests.len());
    for (command, input) in &round.requests {
        decided.push(decide(command, input, &mut cases, &mut lines)?);
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let taken: Vec<(BankLineId, LogIndex)> = effects
        .iter()
        .filter_map(|((_, line), index)| line.map(|line| (line, *index)))
        .collect();
    payment::mark_receipts(conn, zone, &taken).await?;
    let effects = effects.into_iter();
    let effects = effects.map(|((effect, _), index)| (effect, index));
    cases.write(conn, zone, effects.collect()).await?;
    Ok(answers)
}

/// Lines of the bank, and the days that they count for.
struct Lines {
    found: HashMap<BankLineId, Result<Receipt, NotAReceipt>>,
    closed: BTreeSet<NaiveDate>,
}

impl Lines {
    /// Locks the lines of a round. So that no day is closed before it is recorded, the head of the log is locked then.
    async fn lock(
        conn: &mut PgConnection,
        round: &Round<'_, ReceiveRecovery>,
    ) -> Result<Self, BatchError> {
        let zone = round.zone.id;
        let asked = round.requests.iter().map(|(_, input)| input.bank_line);
        let found = payment::receipts(conn, zone, &asked.collect::<Vec<_>>()).await?;
        log::lock_head(conn, zone)
            .await
            .map_err(journal::RecordError::from)?;
        let booked = found.values().flatten().map(|receipt| receipt.booked_on);
        let mut closed = BTreeSet::new();
        for day in booked.collect::<BTreeSet<_>>() {
            if journal::is_closed(conn, zone, day).await? {
                closed.insert(day);
            }
        }
        Ok(Self { found, closed })
    }
}

type Decision = Decided<ReceiveRecovery, ReceiveAnswer, (Effect, Option<BankLineId>)>;

fn decide(
    command: &Command<'_>,
    input: &ReceiveRecovery,
    cases: &mut Cases,
    lines: &mut Lines,
) -> Result<Decision, BatchError> {
    let (id, currency) = (input.recovery, command.zone.currency);
    let found = cases.find(command, &[Role::Cashier], id).and_then(|found| {
        let line = lines.found.get_mut(&input.bank_line);
        let unknown = || Rejected::Unknown {
            what: "line of a statement",
            id: input.bank_line.to_string(),
        };
        Ok((found, line.ok_or_else(unknown)?))
    });
    let ((recovery, _), line) = match found {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let receipt = (*line).map_err(|why| match why {
        NotAReceipt::NoReceipt => RecoveryRefusal::NoReceipt,
        NotAReceipt::Matched => RecoveryRefusal::LineMatched,
    });
    let receipt = receipt.and_then(|receipt| {
        recovery.settle(Way::Cash, receipt.amount)?;
        Ok(receipt)
    });
    let receipt = match receipt {
        Ok(receipt) => receipt,
        Err(code) => {
            let answer = ReceiveAnswer::Refused(code.into());
            let step = Step::new("recovery.refused", id, input, answer);
            return Ok(Ok((step, (None, None))));
        }
    };
    *line = Err(NotAReceipt::Matched);
    let on = if lines.closed.contains(&receipt.booked_on) {
        command.today()
    } else {
        receipt.booked_on
    };
    let returned_to = postings::returned_to(recovery.line.year, on);
    let answer = ReceiveAnswer::Received {
        amount: receipt.amount.money().to_text(currency),
        matched_by: MatchedBy::Hand,
        open: recovery.open().to_text(currency),
        returned_to,
    };
    let settlement = Settlement {
        recovery: id,
        amount: receipt.amount,
        by: command.actor.person,
        returned_to: Some(returned_to),
        way: Settled::Cash(receipt.line),
    };
    let transfers = postings::cash(recovery, receipt.amount, returned_to)?;
    let step = Step::new("recovery.received", id, input, answer)
        .moving(transfers)
        .on(on);
    let effect = Some(Done::settled(id, settlement));
    Ok(Ok((step, (effect, Some(receipt.line)))))
}
