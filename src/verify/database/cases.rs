//! Vouchers, holds, payables, batches and their lines as the log tells them, compared with the rows of these
//! features. Each statement writes down what the rows should be, and Postgres compares the two sets.
//!
//! The log is asked for what only it knows; what was compared before (transfers, accounts, rows of an earlier
//! check) is taken from there. Amounts in bodies are canonical decimal text, so without the point they are
//! minor units.

use super::cross::CrossCheck;

/// Compares the rows of a table with those that follow from the log: both are queries with the same columns
/// in the same order and types, `$key` names a row, and `$order` says which comes first.
macro_rules! rows_of {
    ($table:literal, key: $key:literal, order: $order:literal, stored: $stored:literal, log: $log:literal) => {
        CrossCheck {
            table: $table,
            sql: concat!(
                "WITH stored AS (",
                $stored,
                "), log AS (",
                $log,
                "), differs AS (
                    SELECT s, w, coalesce(s.",
                $key,
                ", w.",
                $key,
                ") AS key, s.",
                $key,
                " IS NULL AS is_missing, w.",
                $key,
                " IS NULL AS is_extra
                    FROM stored s FULL JOIN log w ON w.",
                $key,
                " = s.",
                $key,
                " WHERE s IS DISTINCT FROM w
                    ORDER BY coalesce(w.",
                $order,
                ", s.",
                $order,
                "), key LIMIT 1)
                SELECT format('",
                $key,
                " %s', key), coalesce(c.name, 'the row'),
                    CASE WHEN is_missing THEN 'missing' WHEN is_extra THEN 'there' ELSE c.stored END,
                    CASE WHEN is_missing THEN 'one' WHEN is_extra THEN 'none' ELSE c.expected END
                FROM differs LEFT JOIN LATERAL (
                    SELECT e.key AS name, row_to_json(s) ->> e.key AS stored, e.value AS expected
                    FROM json_each_text(row_to_json(w)) WITH ORDINALITY e (key, value, position)
                    WHERE NOT is_missing AND NOT is_extra
                        AND row_to_json(s) ->> e.key IS DISTINCT FROM e.value
                    ORDER BY position LIMIT 1) c ON true"
            ),
        }
    };
}

/// A voucher is what its application and its issue say; its parts are what moved on its accounts.
pub(super) const VOUCHERS: CrossCheck = rows_of!(
    "voucher", key: "voucher_id", order: "issued_index",
    stored: "
        SELECT v.voucher_id, v.issued_index, v.party_id,
            concat_ws(' ', p.code, p.version, encode(p.sha256, 'hex')) AS policy_id, v.issued_on, v.last_day,
            v.fiscal_year, v.programme, v.counts_in_year, v.counts_as_held, v.frozen_reason,
            v.face, v.free, v.held, v.redeemed, v.expired, v.cancelled
        FROM ledger.voucher v
        LEFT JOIN ledger.policy p ON p.zone_id = v.zone_id AND p.policy_id = v.policy_id
        WHERE v.zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.effective,
                (d.input ->> 'party')::uuid AS party_id, d.input ->> 'reason' AS reason,
                (d.answer ->> 'last_day')::date AS last_day,
                replace(d.answer ->> 'amount', '.', '')::bigint AS amount,
                concat_ws(' ', d.decision #>> '{policy,code}', d.decision #>> '{policy,version}',
                    d.decision #>> '{policy,sha256}') AS policy
            FROM ledger.entry e
            CROSS JOIN LATERAL json_to_record(convert_from(e.body, 'UTF8')::json -> 'details')
                AS d (answer json, decision json, input json)
            WHERE e.zone_id = $1 AND e.kind IN ('voucher.applied', 'voucher.issued', 'voucher.frozen',
                'voucher.thawed', 'voucher.cancelled')
        ), frozen AS (
            SELECT DISTINCT ON (subject_id) subject_id,
                CASE kind WHEN 'voucher.frozen' THEN reason END AS reason
            FROM told WHERE kind IN ('voucher.frozen', 'voucher.thawed')
            ORDER BY subject_id, log_index DESC
        ), cancelled AS (
            SELECT subject_id, sum(amount)::bigint AS amount
            FROM told WHERE kind = 'voucher.cancelled' GROUP BY subject_id
        ), own AS (
            SELECT item_id, min(programme) AS programme, min(fiscal_year) AS fiscal_year,
                coalesce(sum(credits - debits) FILTER (WHERE code = 'B40'), 0)::bigint AS free,
                coalesce(sum(credits - debits) FILTER (WHERE code = 'B50'), 0)::bigint AS held
            FROM ledger.account WHERE zone_id = $1 AND code IN ('B40', 'B50') AND item_id IS NOT NULL
            GROUP BY item_id
        ), moved AS (
            SELECT d.item_id, coalesce(sum(t.amount) FILTER (WHERE c.code = 'B60'), 0)::bigint AS redeemed,
                coalesce(sum(t.amount) FILTER (WHERE c.code <> 'B60'), 0)::bigint AS taken_back
            FROM ledger.transfer t
            JOIN ledger.account d ON d.zone_id = $1 AND d.account_id = t.debit_account_id
                AND d.code IN ('B40', 'B50') AND d.item_id IS NOT NULL
            JOIN ledger.account c ON c.zone_id = $1 AND c.account_id = t.credit_account_id
                AND c.code IN ('B30', 'B60', 'B80')
            WHERE t.zone_id = $1 GROUP BY d.item_id
        ), quota AS (
            SELECT t.log_index, bool_or(c.code = 'Q30') AS in_year, bool_or(c.code = 'Q31') AS as_held
            FROM ledger.transfer t
            JOIN ledger.account c ON c.zone_id = $1 AND c.account_id = t.credit_account_id
                AND c.code IN ('Q30', 'Q31')
            WHERE t.zone_id = $1 GROUP BY t.log_index
        )
        SELECT i.subject_id AS voucher_id, i.log_index AS issued_index, a.party_id, i.policy AS policy_id,
            i.effective AS issued_on, i.last_day, o.fiscal_year, o.programme,
            coalesce(q.in_year, false) AS counts_in_year, coalesce(q.as_held, false) AS counts_as_held,
            f.reason AS frozen_reason, i.amount AS face, o.free, o.held,
            coalesce(m.redeemed, 0) AS redeemed,
            coalesce(m.taken_back, 0) - coalesce(x.amount, 0) AS expired, coalesce(x.amount, 0) AS cancelled
        FROM told i
        LEFT JOIN told a ON a.subject_id = i.subject_id AND a.kind = 'voucher.applied'
        LEFT JOIN own o ON o.item_id = i.subject_id
        LEFT JOIN moved m ON m.item_id = i.subject_id
        LEFT JOIN quota q ON q.log_index = i.log_index
        LEFT JOIN frozen f ON f.subject_id = i.subject_id
        LEFT JOIN cancelled x ON x.subject_id = i.subject_id
        WHERE i.kind = 'voucher.issued'"
);

/// A hold is what its order says, until an entry ends it.
pub(super) const HOLDS: CrossCheck = rows_of!(
    "hold", key: "hold_id", order: "held_index",
    stored: "
        SELECT hold_id, held_index, voucher_id, provider_id, price, amount, held_by,
            encode(sha256(convert_to(facts, 'UTF8')), 'hex') AS facts, state, redeemed, ended_index
        FROM ledger.hold WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id,
                coalesce(d.answer ->> 'hold', d.input ->> 'hold')::uuid AS hold_id,
                replace(d.answer ->> 'amount', '.', '')::bigint AS amount,
                replace(d.answer ->> 'own_share', '.', '')::bigint AS own_share,
                d.answer ->> 'outcome' AS outcome, (d.input ->> 'provider')::uuid AS provider_id,
                d.decision ->> 'facts_sha256' AS facts
            FROM ledger.entry e
            CROSS JOIN LATERAL json_to_record(convert_from(e.body, 'UTF8')::json -> 'details')
                AS d (answer json, decision json, input json)
            WHERE e.zone_id = $1 AND e.kind IN ('voucher.held', 'voucher.redeemed', 'voucher.released')
        )
        SELECT p.hold_id, p.log_index AS held_index, p.subject_id AS voucher_id, p.provider_id,
            p.amount + p.own_share AS price, p.amount, p.actor_id AS held_by, p.facts,
            CASE e.kind WHEN 'voucher.redeemed' THEN 'captured' WHEN 'voucher.released' THEN e.outcome
                ELSE 'held' END AS state,
            CASE e.kind WHEN 'voucher.redeemed' THEN e.amount ELSE 0 END AS redeemed,
            e.log_index AS ended_index
        FROM told p
        LEFT JOIN told e ON e.hold_id = p.hold_id AND e.kind <> 'voucher.held'
        WHERE p.kind = 'voucher.held'"
);

/// What a captured hold owes, and how far finance, cashier and bank have brought it.
pub(super) const PAYABLES: CrossCheck = rows_of!(
    "payable", key: "payable_id", order: "owed_index",
    stored: "
        SELECT payable_id, owed_index, payee_id, amount, submitted_by, fiscal_year, programme, state,
            approved_by, approved_index
        FROM ledger.payable WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT log_index, kind, subject_id, actor_id FROM ledger.entry
            WHERE zone_id = $1 AND kind IN ('voucher.redeemed', 'payable.approved', 'payment.sent',
                'payment.confirmed', 'payment.rejected')
        ), newest AS (
            SELECT DISTINCT ON (subject_id) subject_id, kind
            FROM told WHERE kind <> 'voucher.redeemed' ORDER BY subject_id, log_index DESC
        )
        SELECT h.hold_id AS payable_id, h.ended_index AS owed_index, f.party_id AS payee_id, t.amount,
            o.actor_id AS submitted_by, f.fiscal_year, f.programme,
            CASE WHEN n.kind IS NULL THEN 'owed' WHEN n.kind = 'payment.sent' THEN 'sent'
                WHEN n.kind = 'payment.confirmed' THEN 'paid' ELSE 'approved' END AS state,
            a.actor_id AS approved_by, a.log_index AS approved_index
        FROM ledger.hold h
        JOIN told o ON o.log_index = h.ended_index AND o.kind = 'voucher.redeemed'
        JOIN ledger.transfer t ON t.zone_id = $1 AND t.log_index = h.ended_index
        JOIN ledger.account f ON f.zone_id = $1 AND f.account_id = t.credit_account_id AND f.code = 'F2010'
        LEFT JOIN told a ON a.subject_id = h.hold_id AND a.kind = 'payable.approved'
        LEFT JOIN newest n ON n.subject_id = h.hold_id
        WHERE h.zone_id = $1 AND h.state = 'captured'"
);

/// What the cashier sent together.
pub(super) const BATCHES: CrossCheck = rows_of!(
    "payment_batch", key: "batch_id", order: "sent_index",
    stored: "
        SELECT batch_id, sent_index, sent_by, sent_on, lines, total
        FROM ledger.payment_batch WHERE zone_id = $1",
    log: "
        SELECT d.batch AS batch_id, e.log_index AS sent_index, e.actor_id AS sent_by,
            e.effective AS sent_on, d.lines, replace(d.total, '.', '')::bigint AS total
        FROM ledger.entry e
        CROSS JOIN LATERAL json_to_record(convert_from(e.body, 'UTF8')::json -> 'details')
            AS d (batch uuid, lines integer, total text)
        WHERE e.zone_id = $1 AND e.kind = 'batch.sent'"
);

/// One instruction, and what a statement of the bank said of it.
pub(super) const LINES: CrossCheck = rows_of!(
    "payment_line", key: "end_to_end_id", order: "end_to_end_id",
    stored: "
        SELECT end_to_end_id, batch_id, payable_id, amount, submitted_by, approved_by, sent_by, state,
            bank_reference, encode(statement_sha256, 'hex') AS statement_sha256, closed_index
        FROM ledger.payment_line WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id, d.batch, d.end_to_end_id,
                d.bank_reference, d.statement_sha256
            FROM ledger.entry e
            CROSS JOIN LATERAL json_to_record(convert_from(e.body, 'UTF8')::json -> 'details')
                AS d (batch uuid, end_to_end_id text, bank_reference text, statement_sha256 text)
            WHERE e.zone_id = $1
                AND e.kind IN ('payment.sent', 'payment.confirmed', 'payment.rejected')
        )
        SELECT s.end_to_end_id, s.batch AS batch_id, s.subject_id AS payable_id, t.amount, p.submitted_by,
            p.approved_by, s.actor_id AS sent_by,
            CASE c.kind WHEN 'payment.confirmed' THEN 'paid' WHEN 'payment.rejected' THEN 'rejected'
                ELSE 'sent' END AS state,
            c.bank_reference, c.statement_sha256, c.log_index AS closed_index
        FROM told s
        JOIN ledger.transfer t ON t.zone_id = $1 AND t.log_index = s.log_index
        LEFT JOIN told c ON c.end_to_end_id = s.end_to_end_id AND c.kind <> 'payment.sent'
        LEFT JOIN ledger.payable p ON p.zone_id = $1 AND p.payable_id = s.subject_id
        WHERE s.kind = 'payment.sent'"
);
