//! Everything on one case, as rows.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::audit::case::PaymentOf;
use crate::policy::Sha256;
use crate::types::{LogIndex, Money, ZoneId};

/// What belongs to a case, the case itself first: of a voucher its orders, which are also what is owed of it; of a lease its
/// waivers and deferrals; of a claim the waivers that it rests on and the contract whose milestone it is for; of a contract the
/// claims on its milestones; and what was asked back of any of it. An order or what is owed
/// of one is a part of its voucher.
pub(in crate::audit) async fn subjects(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: Uuid,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"WITH root AS (SELECT coalesce((SELECT voucher_id FROM ledger.hold
               WHERE zone_id = $1 AND hold_id = $2), $2) AS id),
           part AS (
             SELECT hold_id AS id, held_index AS log_index FROM ledger.hold
             WHERE zone_id = $1 AND voucher_id = (SELECT id FROM root)
             UNION ALL SELECT waiver_id, declared_index FROM ledger.waiver
             WHERE zone_id = $1 AND lease_id = (SELECT id FROM root)
             UNION ALL SELECT deferral_id, agreed_index FROM ledger.deferral
             WHERE zone_id = $1 AND lease_id = (SELECT id FROM root)
             UNION ALL SELECT w.waiver_id, w.declared_index FROM (SELECT DISTINCT waiver_id FROM ledger.claim_waiver
                 WHERE zone_id = $1 AND claim_id = (SELECT id FROM root)) c
             JOIN ledger.waiver w ON w.zone_id = $1 AND w.waiver_id = c.waiver_id
             UNION ALL SELECT k.contract_id, k.proposed_index FROM ledger.claim c
             JOIN ledger.contract k ON k.zone_id = c.zone_id AND k.contract_id = c.contract_id
             WHERE c.zone_id = $1 AND c.claim_id = (SELECT id FROM root)
             UNION ALL SELECT claim_id, drafted_index FROM ledger.claim
             WHERE zone_id = $1 AND contract_id = (SELECT id FROM root)
             UNION ALL SELECT z.recovery_id, z.proposed_index FROM ledger.recovery z
             WHERE z.zone_id = $1 AND z.payable_id IN (SELECT id FROM root
                 UNION ALL SELECT claim_id FROM ledger.claim WHERE zone_id = $1 AND contract_id = (SELECT id FROM root)
                 UNION ALL SELECT hold_id FROM ledger.hold WHERE zone_id = $1 AND voucher_id = (SELECT id FROM root)))
           SELECT id AS "id!" FROM (SELECT id, -1 AS log_index FROM root UNION ALL SELECT id, log_index FROM part) all_of_it
           ORDER BY log_index"#,
        zone.0,
        id,
    )
    .fetch_all(conn)
    .await
}

/// The entries that a case consists of and rests on, besides those that its decisions name: what is about it or a part of it,
/// its parties' registration, award run, notices, documents, payment batches, accounts paid to, and lines of the bank.
pub(in crate::audit) async fn indices(
    conn: &mut PgConnection,
    zone: ZoneId,
    subjects: &[Uuid],
) -> Result<Vec<LogIndex>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"WITH line AS (SELECT * FROM ledger.payment_line WHERE zone_id = $1 AND payable_id = ANY($2)),
           party AS (
             SELECT party_id FROM ledger.voucher WHERE zone_id = $1 AND voucher_id = ANY($2)
             UNION SELECT party_id FROM ledger.voucher_application WHERE zone_id = $1 AND application_id = ANY($2)
             UNION SELECT provider_id FROM ledger.hold WHERE zone_id = $1 AND hold_id = ANY($2)
             UNION SELECT party_id FROM ledger.claim WHERE zone_id = $1 AND claim_id = ANY($2)
             UNION SELECT provider_id FROM ledger.contract WHERE zone_id = $1 AND contract_id = ANY($2)
           )
           SELECT log_index AS "log_index!" FROM (
             SELECT log_index FROM ledger.entry WHERE zone_id = $1 AND subject_id = ANY($2)
             UNION SELECT log_index FROM ledger.recovery_settlement WHERE zone_id = $1 AND payable_id = ANY($2)
             UNION SELECT file_index FROM ledger.recovery_settlement WHERE zone_id = $1 AND recovery_id = ANY($2)
             UNION SELECT p.log_index FROM ledger.party p JOIN party USING (party_id) WHERE p.zone_id = $1
             UNION SELECT unnest(ARRAY[r.proposed_index, r.approved_index, a.log_index]) FROM ledger.award_result a
               JOIN ledger.award_run r ON r.zone_id = a.zone_id AND r.run_id = a.run_id
               WHERE a.zone_id = $1 AND a.voucher_id = ANY($2)
             UNION SELECT unnest(ARRAY[n.published_index, i.log_index]) FROM ledger.notice_item i
               JOIN ledger.notice n ON n.zone_id = i.zone_id AND n.notice_id = i.notice_id
               WHERE i.zone_id = $1 AND i.claim_id = ANY($2)
             UNION SELECT e.added_index FROM ledger.evidence_use u
               JOIN ledger.evidence e ON e.zone_id = u.zone_id AND e.sha256 = u.sha256
               WHERE u.zone_id = $1 AND u.case_id = ANY($2)
             UNION SELECT unnest(ARRAY[b.prepared_index, b.sent_index, b.discarded_index]) FROM line
               JOIN ledger.payment_batch b ON b.zone_id = $1 AND b.batch_id = line.batch_id
             UNION SELECT unnest(ARRAY[a.proposed_index, a.confirmed_index]) FROM line
               JOIN ledger.bank_account a ON a.zone_id = $1 AND a.account_id = line.account_id
             UNION SELECT unnest(ARRAY[x.file_index, x.matched_index]) FROM line
               JOIN ledger.bank_line x ON x.zone_id = $1
                 AND (x.instruction = line.end_to_end_id OR x.receipt_index = line.returned_index)
           ) found WHERE log_index IS NOT NULL ORDER BY 1"#,
        zone.0,
        subjects,
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(LogIndex).collect())
}

/// An entry with the person who acted.
pub(in crate::audit) struct EntryRow {
    pub(in crate::audit) index: LogIndex,
    pub(in crate::audit) at: DateTime<Utc>,
    pub(in crate::audit) effective: NaiveDate,
    pub(in crate::audit) kind: String,
    pub(in crate::audit) subject: Option<Uuid>,
    pub(in crate::audit) login: String,
    pub(in crate::audit) name: String,
    pub(in crate::audit) leaf_hash: Sha256,
    pub(in crate::audit) body: Vec<u8>,
}

/// Entries in the order of the log.
pub(in crate::audit) async fn entries(
    conn: &mut PgConnection,
    zone: ZoneId,
    indices: &[LogIndex],
) -> Result<Vec<EntryRow>, sqlx::Error> {
    let indices: Vec<i64> = indices.iter().map(|index| index.0).collect();
    let rows = sqlx::query!(
        "SELECT e.log_index, e.recorded_at, e.effective, e.kind, e.subject_id, e.leaf_hash, e.body, p.login, p.name
         FROM ledger.entry e JOIN ledger.person p ON p.zone_id = e.zone_id AND p.person_id = e.actor_id
         WHERE e.zone_id = $1 AND e.log_index = ANY($2) ORDER BY e.log_index",
        zone.0,
        &indices,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(EntryRow {
                index: LogIndex(row.log_index),
                at: row.recorded_at,
                effective: row.effective,
                kind: row.kind,
                subject: row.subject_id,
                login: row.login,
                name: row.name,
                leaf_hash: digest(&row.leaf_hash)?,
                body: row.body,
            })
        })
        .collect()
}

fn digest(bytes: &[u8]) -> Result<Sha256, sqlx::Error> {
    let bytes: [u8; 32] = bytes
        .try_into()
        .map_err(|_| sqlx::Error::Decode("a SHA-256 has 32 bytes".into()))?;
    Ok(Sha256::from_bytes(bytes))
}

/// The documents that these cases rest on, in the order in which they were used.
pub(in crate::audit) async fn digests(
    conn: &mut PgConnection,
    zone: ZoneId,
    cases: &[Uuid],
) -> Result<Vec<Sha256>, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        "SELECT sha256 FROM ledger.evidence_use WHERE zone_id = $1 AND case_id = ANY($2)
         GROUP BY sha256 ORDER BY min(log_index), sha256",
        zone.0,
        cases,
    )
    .fetch_all(conn)
    .await?;
    rows.iter().map(|bytes| digest(bytes)).collect()
}

/// English names of account codes.
pub(in crate::audit) async fn chart(
    conn: &mut PgConnection,
) -> Result<HashMap<String, String>, sqlx::Error> {
    let rows = sqlx::query!("SELECT code, name_en FROM ledger.chart")
        .fetch_all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.code, row.name_en))
        .collect())
}

/// What is owed of these cases and every instruction to pay it, with the bank's line, in the order of the log.
pub(in crate::audit) async fn payments(
    conn: &mut PgConnection,
    zone: ZoneId,
    cases: &[Uuid],
) -> Result<Vec<PaymentOf>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT 'D' || y.owed_index AS "payable!", coalesce(l.amount, y.amount - y.set_off) AS "amount!", y.state, p.name AS payee, l.end_to_end_id AS "instruction?",
             l.state AS "line_state?", 'P' || coalesce(b.prepared_index, b.sent_index) AS "batch?", l.bank_reference,
             a.masked AS "account?", 'S' || x.file_index || '-' || x.number AS "bank_line?", x.booked_on AS "booked_on?"
           FROM ledger.payable y
           JOIN ledger.party p ON p.zone_id = y.zone_id AND p.party_id = y.payee_id
           LEFT JOIN ledger.payment_line l ON l.zone_id = y.zone_id AND l.payable_id = y.payable_id
           LEFT JOIN ledger.payment_batch b ON b.zone_id = l.zone_id AND b.batch_id = l.batch_id
           LEFT JOIN ledger.bank_account a ON a.zone_id = l.zone_id AND a.account_id = l.account_id
           LEFT JOIN ledger.bank_line x ON x.zone_id = l.zone_id AND x.instruction = l.end_to_end_id
           WHERE y.zone_id = $1 AND y.payable_id = ANY($2)
           ORDER BY y.owed_index, coalesce(b.prepared_index, b.sent_index)"#,
        zone.0,
        cases,
    )
    .fetch_all(conn)
    .await?;
    let payments = rows.into_iter().map(|row| PaymentOf {
        account: row.account,
        amount: Money::from_minor(row.amount),
        bank_line: row.bank_line,
        bank_reference: row.bank_reference,
        batch: row.batch,
        booked_on: row.booked_on,
        instruction: row.instruction,
        instruction_state: row.line_state,
        payable: row.payable,
        payee: row.payee,
        state: row.state,
    });
    Ok(payments.collect())
}
