//! Rules for the end of a year, proposals about periods, and closings, as rows.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::proposal::{Closing, Proposal, ProposalOutcome, Subject};
use super::year_end::{FreeAtEnd, NewRule, Rule, VouchersAtEnd};
use crate::types::{Code, FiscalYear, LogIndex, PersonId, ZoneId};

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

/// Inserts a rule whose entry is in the log.
pub(super) async fn insert_rule(
    conn: &mut PgConnection,
    zone: ZoneId,
    new: &NewRule,
    person: PersonId,
    index: LogIndex,
) -> Result<(), sqlx::Error> {
    let free = match new.rule.free {
        FreeAtEnd::Lapse => "lapse",
        FreeAtEnd::Carry => "carry",
    };
    let vouchers = match new.rule.vouchers {
        VouchersAtEnd::Keep => "keep",
        VouchersAtEnd::End => "end",
    };
    sqlx::query!(
        "INSERT INTO ledger.year_end_rule (zone_id, log_index, programme, free, vouchers, reason, set_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        zone.0,
        index.0,
        new.programme.as_str(),
        free,
        vouchers,
        new.reason.as_str(),
        person.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The rule of each programme that has one: the last that was set.
pub async fn rules(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<HashMap<Code, Rule>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (programme) programme, free, vouchers FROM ledger.year_end_rule
         WHERE zone_id = $1 ORDER BY programme, log_index DESC",
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let rule = Rule {
                free: if row.free == "carry" {
                    FreeAtEnd::Carry
                } else {
                    FreeAtEnd::Lapse
                },
                vouchers: if row.vouchers == "end" {
                    VouchersAtEnd::End
                } else {
                    VouchersAtEnd::Keep
                },
            };
            Ok((row.programme.parse().map_err(decode)?, rule))
        })
        .collect()
}

/// Inserts a proposal whose entry is in the log.
pub(super) async fn insert_proposal(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposal: &Proposal,
) -> Result<(), sqlx::Error> {
    let (year, plan, closing) = match &proposal.subject {
        Subject::CloseYear { year, plan } => (Some(year.0), Some(plan.as_str()), None),
        Subject::Reopen { closing } => (None, None, Some(closing.0)),
    };
    sqlx::query!(
        "INSERT INTO ledger.period_proposal (zone_id, proposed_index, fiscal_year, plan, closing_index, reason, proposed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        zone.0,
        proposal.proposed_index.0,
        year,
        plan,
        closing,
        proposal.reason.as_str(),
        proposal.proposed_by.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The proposal to close this year that waits. Whoever decides on it holds the lock of the log's head.
pub(super) async fn waiting_for_year(
    conn: &mut PgConnection,
    zone: ZoneId,
    year: FiscalYear,
) -> Result<Option<LogIndex>, sqlx::Error> {
    let waiting = sqlx::query_scalar!(
        "SELECT proposed_index FROM ledger.period_proposal
         WHERE zone_id = $1 AND fiscal_year = $2 AND outcome IS NULL",
        zone.0,
        year.0,
    );
    Ok(waiting.fetch_optional(conn).await?.map(LogIndex))
}

/// Whether an entry closed days, and its closing was not undone.
pub(super) async fn stands(
    conn: &mut PgConnection,
    zone: ZoneId,
    closing: LogIndex,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM ledger.standing_closing
               WHERE zone_id = $1 AND log_index = $2) AS "exists!""#,
        zone.0,
        closing.0,
    )
    .fetch_one(conn)
    .await
}

/// Says what became of a proposal.
pub(super) async fn decide(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposed: LogIndex,
    (outcome, person, index): (ProposalOutcome, PersonId, LogIndex),
) -> Result<(), sqlx::Error> {
    let outcome = match outcome {
        ProposalOutcome::Confirmed => "confirmed",
        ProposalOutcome::Rejected => "rejected",
    };
    sqlx::query!(
        "UPDATE ledger.period_proposal SET outcome = $3, decided_by = $4, decided_index = $5
         WHERE zone_id = $1 AND proposed_index = $2 AND outcome IS NULL",
        zone.0,
        proposed.0,
        outcome,
        person.0,
        index.0,
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct Row {
    proposed_index: i64,
    fiscal_year: Option<i16>,
    plan: Option<String>,
    closing_index: Option<i64>,
    reason: String,
    proposed_by: uuid::Uuid,
    outcome: Option<String>,
    decided_by: Option<uuid::Uuid>,
    decided_index: Option<i64>,
}

impl Row {
    fn proposal(self) -> Result<Proposal, sqlx::Error> {
        let subject = match (self.fiscal_year, self.plan, self.closing_index) {
            (Some(year), Some(plan), None) => Subject::CloseYear {
                year: FiscalYear(year),
                plan,
            },
            (None, None, Some(closing)) => Subject::Reopen {
                closing: LogIndex(closing),
            },
            _ => return Err(sqlx::Error::Decode("a proposal of nothing".into())),
        };
        let decided = match (self.outcome.as_deref(), self.decided_by, self.decided_index) {
            (Some(outcome), Some(by), Some(index)) => {
                let outcome = if outcome == "confirmed" {
                    ProposalOutcome::Confirmed
                } else {
                    ProposalOutcome::Rejected
                };
                Some((outcome, PersonId(by), LogIndex(index)))
            }
            _ => None,
        };
        Ok(Proposal {
            proposed_index: LogIndex(self.proposed_index),
            subject,
            reason: self.reason.parse().map_err(decode)?,
            proposed_by: PersonId(self.proposed_by),
            decided,
        })
    }
}

/// Locks a proposal.
pub(super) async fn lock_proposal(
    conn: &mut PgConnection,
    zone: ZoneId,
    proposed: LogIndex,
) -> Result<Option<Proposal>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT proposed_index, fiscal_year, plan, closing_index, reason, proposed_by, outcome, decided_by, decided_index
         FROM ledger.period_proposal WHERE zone_id = $1 AND proposed_index = $2 FOR UPDATE",
        zone.0,
        proposed.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::proposal).transpose()
}

/// Every proposal, in the order of the log.
pub async fn proposals(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<Proposal>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT proposed_index, fiscal_year, plan, closing_index, reason, proposed_by, outcome, decided_by, decided_index
         FROM ledger.period_proposal WHERE zone_id = $1 ORDER BY proposed_index",
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::proposal).collect()
}

/// Every closing, in the order of the log, with what opened it again.
pub async fn closings(conn: &mut PgConnection, zone: ZoneId) -> Result<Vec<Closing>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT p.from_day, p.until_day, p.log_index, r.decided_index AS "reopened_index?"
           FROM ledger.closed_period p
           LEFT JOIN ledger.period_proposal r ON r.zone_id = p.zone_id AND r.closing_index = p.log_index
               AND r.outcome = 'confirmed'
           WHERE p.zone_id = $1 ORDER BY p.log_index"#,
        zone.0,
    )
    .fetch_all(conn)
    .await?;
    let closings = rows.into_iter().map(|row| Closing {
        from: row.from_day,
        until: row.until_day,
        closed_index: LogIndex(row.log_index),
        reopened_index: row.reopened_index.map(LogIndex),
    });
    Ok(closings.collect())
}
