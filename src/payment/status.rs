//! Takes in a status report of the bank (`pain.002`): what it rejects is owed again at once; what it accepts stays in
//! transit, since paid is only what a statement says (invariant 10).

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;

use super::iso20022::{Reason, Status, StatusReport, TransactionStatus};
use super::settle::{Settlement, settle};
use super::store::{self, BatchLineRow, BatchRow, SentLine};
use super::{BankVerdict, PaymentError};
use crate::identity::{Command, Role};
use crate::journal::{self, Entry};
use crate::tabular::{RowError, RowErrors};
use crate::types::{BatchId, LogIndex, Money, hex};

/// What a status report changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusAnswer {
    /// The batch that it is about: `P` and this number is its short name.
    pub batch_index: LogIndex,
    /// Instructions that the bank rejected: their payables are approved again, ready for another batch.
    pub rejected: usize,
    /// Sum of these, in the zone's currency.
    pub rejected_total: String,
    /// Instructions that an earlier file had rejected.
    pub known: usize,
    /// Instructions that stay in transit: accepted, pending, or not spoken of.
    pub in_transit: usize,
}

/// A file with a status report.
#[derive(Clone, Debug)]
pub struct StatusFile {
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// What it says.
    pub report: StatusReport,
}

impl StatusFile {
    /// A report with the bytes that it was read from.
    pub fn new(bytes: &[u8], report: StatusReport) -> Self {
        Self {
            sha256: Sha256::digest(bytes).into(),
            report,
        }
    }
}

/// What the entry of a file says.
#[derive(Serialize, Deserialize)]
struct Imported {
    answer: StatusAnswer,
    batch: BatchId,
    message: String,
    message_id: String,
    sha256: String,
}

/// Takes in a status report, all of it or nothing. The same file again changes nothing and has the same answer.
pub async fn import_status(
    conn: &mut PgConnection,
    command: &Command<'_>,
    file: &StatusFile,
) -> Result<StatusAnswer, PaymentError> {
    command.actor.require(&[Role::Cashier])?;
    let (zone, report) = (command.zone, &file.report);
    if let Some(index) = store::bank_file(conn, zone.id, &file.sha256).await? {
        return known(conn, command, index).await;
    }
    let (batch, lines) = batch_of(conn, command, report).await?;
    let told = verdicts(report, &batch, &lines)?;
    let ids: Vec<&str> = told.iter().map(|one| one.id).collect();
    let sent = store::lock_lines(conn, zone.id, zone.currency, &ids).await?;
    let of_batch: HashSet<&str> = lines
        .iter()
        .map(|line| line.end_to_end_id.as_str())
        .collect();
    let sent: HashMap<&str, &SentLine> = sent
        .iter()
        .map(|line| (line.end_to_end_id.as_str(), line))
        .filter(|(id, _)| of_batch.contains(id))
        .collect();
    let (rejected, known) = decide(&told, &sent)?;
    let total: Money = rejected.iter().map(|(_, line)| line.amount.money()).sum();
    let verdicts: Vec<BankVerdict> = rejected
        .iter()
        .map(|(told, _)| BankVerdict::Rejected(text(told.reason)))
        .collect();
    let settlements: Vec<Settlement<'_>> = rejected
        .iter()
        .zip(&verdicts)
        .map(|((_, instruction), verdict)| Settlement {
            instruction,
            booked_on: command.today(),
            verdict,
            line: None,
            reason: None,
        })
        .collect();
    settle(conn, command, &file.sha256, &settlements, None).await?;
    let waiting = lines.iter().filter(|line| line.state == "sent").count();
    let answer = StatusAnswer {
        batch_index: batch.index,
        rejected: settlements.len(),
        rejected_total: total.to_text(zone.currency),
        known,
        in_transit: waiting - settlements.len(),
    };
    record(conn, command, file, (batch.id, answer)).await
}

async fn known(
    conn: &mut PgConnection,
    command: &Command<'_>,
    index: LogIndex,
) -> Result<StatusAnswer, PaymentError> {
    let case = journal::entry_case(conn, command.zone.id, index, &["bank_file.status"]).await?;
    let (_, details) = case.ok_or(PaymentError::OtherMessage(index))?;
    let told: Imported = serde_json::from_value(details).map_err(|error| {
        let reason = error.to_string();
        journal::RecallError::Unreadable { index, reason }
    })?;
    Ok(told.answer)
}

async fn record(
    conn: &mut PgConnection,
    command: &Command<'_>,
    file: &StatusFile,
    (batch, answer): (BatchId, StatusAnswer),
) -> Result<StatusAnswer, PaymentError> {
    let details = Imported {
        answer,
        batch,
        message: "pain.002".to_owned(),
        message_id: file.report.message_id.chars().take(35).collect(),
        sha256: hex(&file.sha256),
    };
    let entry = Entry {
        subject: Some(batch.0),
        ..command.entry("bank_file.status", &details)?
    };
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    let sha256 = (&file.sha256, "pain.002");
    store::insert_file(conn, command.zone.id, sha256, recorded.index).await?;
    Ok(details.answer)
}

/// The batch that a report is about; the report must know it as it is.
async fn batch_of(
    conn: &mut PgConnection,
    command: &Command<'_>,
    report: &StatusReport,
) -> Result<(BatchRow, Vec<BatchLineRow>), PaymentError> {
    let zone = command.zone;
    let refused = |problem: String| PaymentError::Status(problem);
    let original = &report.original;
    let id = uuid::Uuid::try_parse(original).ok().map(BatchId);
    let unknown = || {
        let original: String = original.chars().take(40).collect();
        refused(format!(
            "it answers the file {original:?}, which no batch of this zone was: nothing was changed"
        ))
    };
    let batch = store::batch(conn, zone.id, id.ok_or_else(unknown)?).await?;
    let batch = batch
        .filter(|batch| batch.state == "released")
        .ok_or_else(unknown)?;
    let lines = store::lines_of_batch(conn, zone.id, batch.id).await?;
    let lines: Vec<BatchLineRow> = lines
        .into_iter()
        .filter(|line| line.state != "withdrawn")
        .collect();
    if let Some(said) = report.instructions.filter(|said| *said != lines.len()) {
        return Err(refused(format!(
            "it says that the file of batch P{} had {said} instructions (OrgnlNbOfTxs), it had {}",
            batch.index,
            lines.len()
        )));
    }
    if let Some(said) = report.total.filter(|said| *said != batch.total) {
        let (said, total) = (
            said.to_text(zone.currency),
            batch.total.to_text(zone.currency),
        );
        return Err(refused(format!(
            "it says that the file of batch P{} came to {said} (OrgnlCtrlSum), it came to {total}",
            batch.index
        )));
    }
    Ok((batch, lines))
}

/// What a report says of one instruction.
struct Verdict<'a> {
    line: usize,
    id: &'a str,
    status: Status,
    reason: &'a Reason,
    amount: Option<Money>,
}

/// Pure: what the report says of each instruction that it speaks of, by itself or with its batch.
fn verdicts<'a>(
    report: &'a StatusReport,
    batch: &BatchRow,
    lines: &'a [BatchLineRow],
) -> Result<Vec<Verdict<'a>>, PaymentError> {
    let name = format!("P{}", batch.index);
    let whole = |reason: &'a Reason| -> Vec<Verdict<'a>> {
        let all = lines.iter().map(|line| Verdict {
            line: 1,
            id: &line.end_to_end_id,
            status: Status::Rejected,
            reason,
            amount: None,
        });
        all.collect()
    };
    let listed: Vec<&TransactionStatus> = report
        .payments
        .iter()
        .flat_map(|payment| &payment.transactions)
        .collect();
    if let Some(payment) = report
        .payments
        .iter()
        .find(|payment| payment.id.as_ref().is_some_and(|id| *id != name))
    {
        let id = payment.id.as_deref().unwrap_or_default();
        let id: String = id.chars().take(40).collect();
        let problem = format!("it answers the batch {id:?} (OrgnlPmtInfId), the file had {name}");
        return Err(PaymentError::Status(problem));
    }
    let statuses = report
        .group
        .iter()
        .chain(report.payments.iter().filter_map(|one| one.status.as_ref()));
    let rejected = statuses
        .into_iter()
        .find(|(status, _)| *status == Status::Rejected);
    if let Some((_, reason)) = rejected {
        if let Some(other) = listed.iter().find(|one| one.status != Status::Rejected) {
            let id = &other.end_to_end_id;
            return Err(PaymentError::Status(format!(
                "it rejects the whole batch, but not {id} (line {}): ask the bank which is right",
                other.line
            )));
        }
        let reasons: HashMap<&str, &Reason> = listed
            .iter()
            .map(|one| (one.end_to_end_id.as_str(), &one.reason))
            .collect();
        let mut all = whole(reason);
        for one in &mut all {
            one.reason = reasons.get(one.id).copied().unwrap_or(reason);
        }
        return Ok(all);
    }
    let verdict = listed.into_iter().map(|one| Verdict {
        line: one.line,
        id: &one.end_to_end_id,
        status: one.status,
        reason: &one.reason,
        amount: one.amount,
    });
    Ok(verdict.collect())
}

/// What is rejected, and the instruction.
type Rejected<'a> = (&'a Verdict<'a>, &'a SentLine);

/// Pure: what is rejected now, and how many were rejected before; or everything that does not fit the batch.
fn decide<'a>(
    told: &'a [Verdict<'a>],
    sent: &HashMap<&str, &'a SentLine>,
) -> Result<(Vec<Rejected<'a>>, usize), PaymentError> {
    let mut errors = RowErrors::default();
    let (mut rejected, mut known) = (Vec::new(), 0);
    for one in told {
        let problem = |problem: String, remedy: &str| {
            let row = u64::try_from(one.line).unwrap_or(u64::MAX);
            RowError::of_cell(row, "OrgnlEndToEndId", one.id, problem, remedy)
        };
        let Some(instruction) = sent.get(one.id) else {
            let remedy = "ask the bank which instruction is meant";
            errors.push(problem(
                "the batch has no such instruction".to_owned(),
                remedy,
            ));
            continue;
        };
        let amount = instruction.amount.money();
        if let Some(said) = one.amount.filter(|said| *said != amount) {
            let currency = instruction.line.currency;
            let (said, amount) = (said.to_text(currency), amount.to_text(currency));
            let remedy = "ask the bank which instruction is meant";
            errors.push(problem(
                format!("is over {amount}, the report has {said}"),
                remedy,
            ));
            continue;
        }
        match (one.status, instruction.state.as_str()) {
            (Status::Rejected, "sent") => rejected.push((one, *instruction)),
            (Status::Rejected, "rejected") => known += 1,
            (Status::Rejected, _) => errors.push(problem(
                "a statement said that it was paid".to_owned(),
                "a line is told once: find out which file is right",
            )),
            // A later statement says what became of it.
            (Status::Underway | Status::Partly, _) => {}
        }
    }
    errors.check().map_err(PaymentError::Rows)?;
    Ok((rejected, known))
}

/// The bank's reason, as the entry has it.
fn text(reason: &Reason) -> String {
    let parts = [reason.code.as_deref(), reason.text.as_deref()];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        "rejected without a reason".to_owned()
    } else {
        text.chars().take(500).collect()
    }
}
