//! What the books have around lines of the bank that nothing was found for.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use crate::payment::bank::{BankLineId, BankLineRow};
use crate::payment::unmatched::{Around, Named, WhyUnmatched, why};
use crate::types::{LogIndex, Money, ZoneId};

/// Why each of these lines was left to a person; lines that have nothing to do with an instruction are missing.
pub async fn why_unmatched(
    conn: &mut PgConnection,
    zone: ZoneId,
    lines: &[BankLineRow],
) -> Result<BTreeMap<BankLineId, WhyUnmatched>, sqlx::Error> {
    let files: Vec<i64> = lines.iter().map(|line| line.line.file.0).collect();
    let numbers: Vec<i32> = lines.iter().map(|line| line.line.number).collect();
    let rows = sqlx::query!(
        r#"SELECT b.file_index, b.number, l.end_to_end_id AS "named?", l.amount AS "named_amount?", l.state AS "named_state?",
               p.sent_on AS "named_sent_on?", o.file_index AS "other_file?", o.number AS "other_number?", f.fitting, f.later,
               f.later_on, e.elsewhere
           FROM unnest($2::bigint[], $3::integer[]) asked (file_index, number)
           JOIN ledger.bank_line b ON b.zone_id = $1 AND b.file_index = asked.file_index AND b.number = asked.number
           LEFT JOIN ledger.payment_line l ON l.zone_id = b.zone_id AND l.end_to_end_id = b.end_to_end_id
           LEFT JOIN ledger.payment_batch p ON p.zone_id = l.zone_id AND p.batch_id = l.batch_id
           LEFT JOIN ledger.bank_line o ON o.zone_id = l.zone_id AND o.instruction = l.end_to_end_id
           CROSS JOIN LATERAL (
               SELECT (array_agg(t.end_to_end_id ORDER BY t.end_to_end_id) FILTER (WHERE t.sent_on <= b.booked_on))[:10]
                       AS fitting,
                   (array_agg(t.end_to_end_id ORDER BY t.sent_on, t.end_to_end_id)
                       FILTER (WHERE t.sent_on > b.booked_on))[1] AS later,
                   min(t.sent_on) FILTER (WHERE t.sent_on > b.booked_on) AS later_on
               FROM (
                   SELECT t.end_to_end_id, p.sent_on
                   FROM ledger.bank_account a
                   JOIN ledger.payment_line t ON t.zone_id = a.zone_id AND t.account_id = a.account_id
                       AND t.amount = b.amount AND t.state = 'sent'
                   JOIN ledger.payment_batch p ON p.zone_id = t.zone_id AND p.batch_id = t.batch_id
                   WHERE a.zone_id = b.zone_id AND l.end_to_end_id IS NULL AND b.direction = 'debit' AND NOT b.is_return
                       AND (a.number_mark = b.number_mark OR b.number_mark IS NULL AND a.holder_mark = b.holder_mark)) t) f
           LEFT JOIN (
               SELECT t.amount, min(t.end_to_end_id) AS elsewhere
               FROM ledger.payment_line t WHERE t.zone_id = $1 AND t.state = 'sent' GROUP BY t.amount) e
               ON e.amount = b.amount AND l.end_to_end_id IS NULL AND b.direction = 'debit' AND NOT b.is_return"#,
        zone.0,
        &files,
        &numbers,
    )
    .fetch_all(conn)
    .await?;
    let told: BTreeMap<BankLineId, &BankLineRow> =
        lines.iter().map(|line| (line.line, line)).collect();
    let mut found = BTreeMap::new();
    for row in rows {
        let line = BankLineId {
            file: LogIndex(row.file_index),
            number: row.number,
        };
        let other = row.other_file.zip(row.other_number);
        let named = row.named.zip(row.named_amount).zip(row.named_state);
        let around = Around {
            named: named.map(|((id, amount), state)| Named {
                id,
                amount: Money::from_minor(amount),
                state,
                sent_on: row.named_sent_on,
                line: other.map(|(file, number)| BankLineId {
                    file: LogIndex(file),
                    number,
                }),
            }),
            fitting: row.fitting.unwrap_or_default(),
            later: row.later.zip(row.later_on),
            elsewhere: row.elsewhere,
        };
        let reason = told.get(&line).and_then(|told| why(told, around));
        found.extend(reason.map(|reason| (line, reason)));
    }
    Ok(found)
}
