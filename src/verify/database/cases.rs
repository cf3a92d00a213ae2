//! Applications, vouchers, holds, payables, batches and their lines as the log tells them, compared with the rows of
//! these features.
//!
//! What was compared before (transfers, accounts, rows of an earlier check) is not asked of the bodies again.
//!
//! `journal::reverse` puts back accounts only: who reverses an entry of a voucher finds its row here.

use super::compare::{amount, cut, policy, rows_of};

/// An application is what its first entry says; a reviewer and an approver bring it further. Which version decided
/// then is told by its code, SHA-256 and version, as for a voucher.
pub(super) const APPLICATIONS: &str = rows_of!(
    "voucher_application", key: "application_id", order: "applied_index",
    stored: "
        SELECT a.application_id, a.applied_index, a.programme, a.party_id,
            format('\"code\":\"%s\",\"sha256\":\"%s\",\"version\":\"%s\"', p.code, encode(p.sha256, 'hex'),
                p.version) AS policy_id,
            encode(sha256(convert_to(a.facts, 'UTF8')), 'hex') AS facts,
            encode(a.facts_sha256, 'hex') AS facts_sha256, a.state, a.applied_by, a.reviewed_by,
            a.reviewed_index, a.decided_by, a.decided_index
        FROM ledger.voucher_application a
        LEFT JOIN ledger.policy p ON p.zone_id = a.zone_id AND p.policy_id = a.policy_id
        WHERE a.zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id,
                ", cut!("programme", 32, of "voucher.applied"), " AS programme,
                (", cut!("party", 36, of "voucher.applied"), ")::uuid AS party_id,
                ", policy!(of "voucher.applied"), " AS policy_id,
                ", cut!("facts_sha256", 64, of "voucher.applied"), " AS facts
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('voucher.applied', 'voucher.recommended', 'voucher.rejected',
                'voucher.issued', 'voucher.refused')
        )
        SELECT a.subject_id AS application_id, a.log_index AS applied_index, a.programme, a.party_id,
            a.policy_id, a.facts, a.facts AS facts_sha256,
            CASE WHEN d.kind = 'voucher.issued' THEN 'issued'
                WHEN d.kind = 'voucher.refused' OR r.kind = 'voucher.rejected' THEN 'rejected'
                WHEN r.kind = 'voucher.recommended' THEN 'recommended' ELSE 'applied' END AS state,
            a.actor_id AS applied_by, r.actor_id AS reviewed_by, r.log_index AS reviewed_index,
            d.actor_id AS decided_by, d.log_index AS decided_index
        FROM told a
        LEFT JOIN told r ON r.subject_id = a.subject_id
            AND r.kind IN ('voucher.recommended', 'voucher.rejected')
        LEFT JOIN told d ON d.subject_id = a.subject_id AND d.kind IN ('voucher.issued', 'voucher.refused')
        WHERE a.kind = 'voucher.applied'"
);

/// A voucher is what its application and its issue say, or the award run that issued it without one. Its parts follow from the totals of its two accounts:
/// B40 is credited when it is issued and when a hold gives back, debited when it is held or taken back; B50 is
/// credited when it is held, debited when it is redeemed or given back.
pub(super) const VOUCHERS: &str = rows_of!(
    "voucher", key: "voucher_id", order: "issued_index",
    stored: "
        SELECT v.voucher_id, v.issued_index, v.party_id,
            format('\"code\":\"%s\",\"sha256\":\"%s\",\"version\":\"%s\"', p.code, encode(p.sha256, 'hex'),
                p.version) AS policy_id,
            v.issued_on, v.last_day, v.fiscal_year, v.programme, v.counts_in_year, v.counts_as_held,
            (SELECT string_agg(scope, ' ' ORDER BY scope COLLATE \"C\") FROM unnest(v.counts_in) scope)
                AS counts_in, v.undertaking, v.run_id, v.frozen_reason, v.face, v.free, v.held, v.redeemed, v.expired, v.cancelled
        FROM ledger.voucher v
        LEFT JOIN ledger.policy p ON p.zone_id = v.zone_id AND p.policy_id = v.policy_id
        WHERE v.zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.effective,
                ", amount!("amount", 20), " AS amount,
                (", cut!("last_day", 10), ")::date AS last_day,
                coalesce(", policy!(of "voucher.issued"), ", ", policy!(of "voucher.awarded"), ") AS policy_id,
                CASE e.kind WHEN 'voucher.frozen'
                    THEN convert_from(e.body, 'UTF8')::json #>> '{details,input,reason}' END AS reason
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('voucher.issued', 'voucher.awarded', 'voucher.frozen', 'voucher.thawed',
                'voucher.cancelled')
        ), frozen AS (
            SELECT DISTINCT ON (subject_id) subject_id, reason
            FROM told WHERE kind IN ('voucher.frozen', 'voucher.thawed')
            ORDER BY subject_id, log_index DESC
        ), cancelled AS (
            SELECT subject_id, sum(amount)::bigint AS amount
            FROM told WHERE kind = 'voucher.cancelled' GROUP BY subject_id
        ), own AS (
            SELECT item_id, min(programme) AS programme, min(fiscal_year) AS fiscal_year,
                coalesce(sum(credits) FILTER (WHERE code = 'B40'), 0)::bigint AS issued_or_returned,
                coalesce(sum(debits) FILTER (WHERE code = 'B40'), 0)::bigint AS held_or_taken,
                coalesce(sum(credits) FILTER (WHERE code = 'B50'), 0)::bigint AS held,
                coalesce(sum(debits) FILTER (WHERE code = 'B50'), 0)::bigint AS redeemed_or_returned
            FROM ledger.account WHERE zone_id = $1 AND code IN ('B40', 'B50') AND item_id IS NOT NULL
            GROUP BY item_id
        ), quota AS (
            SELECT t.log_index, bool_or(c.code = 'Q30') AS in_year, bool_or(c.code = 'Q31') AS as_held,
                string_agg(k.scope, ' ' ORDER BY k.scope COLLATE \"C\") AS counts_in,
                (array_agg(d.item_id) FILTER (WHERE c.code IN ('Q32', 'Q35')))[1] AS undertaking
            FROM ledger.transfer t
            JOIN ledger.account c ON c.zone_id = $1 AND c.account_id = t.credit_account_id
                AND c.code IN ('Q30', 'Q31', 'Q32', 'Q34', 'Q35', 'Q36', 'Q37', 'Q38')
            JOIN ledger.account d ON d.zone_id = $1 AND d.account_id = t.debit_account_id
            LEFT JOIN (VALUES ('Q32', 'group_year'), ('Q34', 'lifetime'), ('Q35', 'de_minimis'),
                ('Q36', 'programme'), ('Q37', 'year_count'), ('Q38', 'lifetime_count')) k (code, scope)
                ON k.code = c.code
            WHERE t.zone_id = $1 GROUP BY t.log_index
        )
        SELECT i.subject_id AS voucher_id, i.log_index AS issued_index,
            coalesce(a.party_id, r.party_id) AS party_id, i.policy_id,
            i.effective AS issued_on, i.last_day, o.fiscal_year, o.programme,
            coalesce(q.in_year, false) AS counts_in_year, coalesce(q.as_held, false) AS counts_as_held,
            q.counts_in, q.undertaking, r.run_id,
            f.reason AS frozen_reason, i.amount AS face, o.issued_or_returned - o.held_or_taken AS free,
            o.held - o.redeemed_or_returned AS held,
            o.redeemed_or_returned - (o.issued_or_returned - i.amount) AS redeemed,
            o.held_or_taken - o.held - coalesce(c.amount, 0) AS expired, coalesce(c.amount, 0) AS cancelled
        FROM told i
        LEFT JOIN ledger.voucher_application a ON a.zone_id = $1 AND a.application_id = i.subject_id
        LEFT JOIN ledger.award_result r ON r.zone_id = $1 AND r.voucher_id = i.subject_id
        LEFT JOIN own o ON o.item_id = i.subject_id
        LEFT JOIN cancelled c ON c.subject_id = i.subject_id
        LEFT JOIN quota q ON q.log_index = i.log_index
        LEFT JOIN frozen f ON f.subject_id = i.subject_id
        WHERE i.kind IN ('voucher.issued', 'voucher.awarded')"
);

/// A hold is what its order says, until an entry ends it: a redemption makes it a payable of the same id.
pub(super) const HOLDS: &str = rows_of!(
    "hold", key: "hold_id", order: "held_index",
    stored: "
        SELECT hold_id, held_index, voucher_id, provider_id, price, amount, held_by,
            encode(sha256(convert_to(facts, 'UTF8')), 'hex') AS facts, state, redeemed, ended_index
        FROM ledger.hold WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id,
                coalesce(", cut!("payable", 36, of "voucher.redeemed"), ", ", cut!("hold", 36), ")::uuid
                    AS hold_id,
                ", amount!("amount", 20), " AS amount,
                ", amount!("own_share", 20, of "voucher.held"), " AS own_share,
                ", cut!("outcome", 10, of "voucher.released"), " AS outcome,
                (", cut!("provider", 36, of "voucher.held"), ")::uuid AS provider_id,
                ", cut!("facts_sha256", 64, of "voucher.held"), " AS facts
            FROM ledger.entry e
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

/// What a redemption or the approval of a claim made owed, how far finance, cashier and bank have brought it, and what was
/// offset of it, as the settlements of recoveries say, which were compared before.
pub(super) const PAYABLES: &str = rows_of!(
    "payable", key: "payable_id", order: "owed_index",
    stored: "
        SELECT payable_id, owed_index, payee_id, amount, set_off, submitted_by, array_to_string(handled_by, ' ') AS handled_by,
            fiscal_year, programme, state, approved_by, approved_index
        FROM ledger.payable WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id,
                (", cut!("payable", 36, of "voucher.redeemed"), ")::uuid AS payable_id,
                (", cut!("payee", 36, of "voucher.redeemed"), ")::uuid AS payee_id,
                ", amount!("amount", 20, of "voucher.redeemed"), " AS amount
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('voucher.redeemed', 'payable.approved', 'payment.prepared',
                'payment.withdrawn', 'payment.sent', 'payment.confirmed', 'payment.rejected', 'payment.returned')
        ), steps AS (
            SELECT subject_id, max(log_index) FILTER (WHERE kind = 'payable.approved') AS approved_index,
                (array_agg(actor_id) FILTER (WHERE kind = 'payable.approved'))[1] AS approved_by,
                (array_agg(kind ORDER BY log_index DESC))[1] AS last
            FROM told WHERE kind <> 'voucher.redeemed' GROUP BY subject_id
        ), owed AS (
            SELECT o.payable_id, o.log_index AS owed_index, o.payee_id, o.amount, o.actor_id AS submitted_by,
                '' AS handled_by, v.fiscal_year, v.programme, false AS is_revoked
            FROM told o
            LEFT JOIN ledger.voucher v ON v.zone_id = $1 AND v.voucher_id = o.subject_id
            WHERE o.kind = 'voucher.redeemed'
            UNION ALL
            SELECT c.claim_id, c.decided_index, c.party_id, c.awarded, c.submitted_by, h.persons, y.fiscal_year,
                c.programme, c.state = 'revoked'
            FROM ledger.claim c
            CROSS JOIN LATERAL (SELECT string_agg(DISTINCT person::text, ' ' ORDER BY person::text) AS persons
                FROM (SELECT c.reviewed_by UNION ALL SELECT unnest(ARRAY[a.person_id, a.principal_id])
                    FROM ledger.claim_approval a WHERE a.zone_id = $1 AND a.claim_id = c.claim_id
                        AND a.reviewed_index = c.reviewed_index) p (person)) h
            LEFT JOIN LATERAL (SELECT b.fiscal_year FROM ledger.transfer t
                JOIN ledger.account b ON b.zone_id = $1 AND b.account_id = t.credit_account_id AND b.code = 'B60'
                WHERE t.zone_id = $1 AND t.log_index = c.decided_index) y ON true
            WHERE c.zone_id = $1 AND c.state IN ('approved', 'revoked')
        )
        SELECT o.payable_id, o.owed_index, o.payee_id, o.amount, coalesce(f.set_off, 0) AS set_off, o.submitted_by,
            o.handled_by, o.fiscal_year,
            o.programme,
            CASE WHEN o.is_revoked THEN 'revoked' WHEN f.set_off = o.amount THEN 'offset' ELSE CASE s.last WHEN 'payment.confirmed' THEN 'paid' WHEN 'payment.sent' THEN 'sent'
                WHEN 'payment.prepared' THEN 'prepared' ELSE CASE WHEN s.last IS NULL THEN 'owed' ELSE 'approved' END
                END END AS state,
            s.approved_by, s.approved_index
        FROM owed o
        LEFT JOIN steps s ON s.subject_id = o.payable_id
        LEFT JOIN (SELECT payable_id, sum(amount)::bigint AS set_off FROM ledger.recovery_settlement
            WHERE zone_id = $1 AND way = 'offset' GROUP BY payable_id) f ON f.payable_id = o.payable_id"
);

/// One instruction as it was prepared, sent or given back, and what the bank said of it. Those of before batches were
/// prepared begin with being sent.
pub(super) const LINES: &str = rows_of!(
    "payment_line", key: "end_to_end_id", order: "end_to_end_id",
    stored: "
        SELECT end_to_end_id, batch_id, payable_id, amount, account_id, submitted_by, approved_by, prepared_by, sent_by,
            state, bank_reference, encode(statement_sha256, 'hex') AS statement_sha256, closed_index, returned_index
        FROM ledger.payment_line WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id, ", cut!("batch", 36), "::uuid AS batch_id,
                ", cut!("end_to_end_id", 35), " AS end_to_end_id,
                ", amount!("amount", 20), " AS amount,
                (", cut!("account", 36, of "payment.prepared"), ")::uuid AS account_id,
                ", cut!("statement_sha256", 64), " AS statement_sha256,
                CASE e.kind WHEN 'payment.confirmed'
                    THEN convert_from(e.body, 'UTF8')::json #>> '{details,bank_reference}' END
                    AS bank_reference
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('payment.prepared', 'payment.withdrawn', 'payment.sent',
                'payment.confirmed', 'payment.rejected', 'payment.returned')
        ), begun AS (
            SELECT DISTINCT ON (end_to_end_id) * FROM told WHERE kind IN ('payment.prepared', 'payment.sent')
            ORDER BY end_to_end_id, log_index
        )
        SELECT b.end_to_end_id, b.batch_id, b.subject_id AS payable_id, b.amount, b.account_id, p.submitted_by,
            p.approved_by, CASE b.kind WHEN 'payment.prepared' THEN b.actor_id END AS prepared_by,
            s.actor_id AS sent_by,
            CASE coalesce(r.kind, c.kind, s.kind) WHEN 'payment.returned' THEN 'returned'
                WHEN 'payment.confirmed' THEN 'paid' WHEN 'payment.rejected' THEN 'rejected'
                WHEN 'payment.withdrawn' THEN 'withdrawn' WHEN 'payment.sent' THEN 'sent' ELSE 'prepared' END AS state,
            c.bank_reference, c.statement_sha256, c.log_index AS closed_index, r.log_index AS returned_index
        FROM begun b
        LEFT JOIN told s ON s.end_to_end_id = b.end_to_end_id AND s.kind = 'payment.sent'
        LEFT JOIN told c ON c.end_to_end_id = b.end_to_end_id
            AND c.kind IN ('payment.withdrawn', 'payment.confirmed', 'payment.rejected')
        LEFT JOIN told r ON r.end_to_end_id = b.end_to_end_id AND r.kind = 'payment.returned'
        LEFT JOIN ledger.payable p ON p.zone_id = $1 AND p.payable_id = b.subject_id"
);

/// What one cashier prepared and another released or discarded. The ids of its lines begin with the index of the entry
/// that prepared it, or sent it when that was one step.
pub(super) const BATCHES: &str = rows_of!(
    "payment_batch", key: "batch_id", order: "first_index",
    stored: "
        SELECT batch_id, state, prepared_index, prepared_by, prepared_on, sent_index, sent_by, sent_on, discarded_index,
            lines, total, coalesce(prepared_index, sent_index) AS first_index
        FROM ledger.payment_batch WHERE zone_id = $1",
    log: "
        SELECT d.batch AS batch_id,
            CASE WHEN r.kind = 'batch.discarded' THEN 'discarded'
                WHEN r.kind IS NULL AND e.kind = 'batch.prepared' THEN 'prepared' ELSE 'released' END AS state,
            CASE e.kind WHEN 'batch.prepared' THEN e.log_index END AS prepared_index,
            CASE e.kind WHEN 'batch.prepared' THEN e.actor_id END AS prepared_by,
            CASE e.kind WHEN 'batch.prepared' THEN e.effective END AS prepared_on,
            CASE WHEN e.kind = 'batch.sent' THEN e.log_index WHEN r.kind = 'batch.released' THEN r.log_index END
                AS sent_index,
            CASE WHEN e.kind = 'batch.sent' THEN e.actor_id WHEN r.kind = 'batch.released' THEN r.actor_id END
                AS sent_by,
            CASE WHEN e.kind = 'batch.sent' THEN e.effective WHEN r.kind = 'batch.released' THEN r.effective END
                AS sent_on,
            CASE r.kind WHEN 'batch.discarded' THEN r.log_index END AS discarded_index,
            CASE r.kind WHEN 'batch.released' THEN s.lines ELSE d.lines END AS lines,
            replace(CASE r.kind WHEN 'batch.released' THEN s.total ELSE d.total END, '.', '')::bigint AS total,
            e.log_index AS first_index
        FROM (SELECT DISTINCT split_part(substr(end_to_end_id, 2), '-', 1)::bigint AS log_index
            FROM ledger.payment_line WHERE zone_id = $1) l
        CROSS JOIN LATERAL (SELECT * FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.log_index = l.log_index OFFSET 0) e
        CROSS JOIN LATERAL json_to_record(convert_from(e.body, 'UTF8')::json -> 'details')
            AS d (batch uuid, lines integer, total text)
        LEFT JOIN LATERAL (SELECT * FROM ledger.entry r
            WHERE r.zone_id = $1 AND r.subject_id = d.batch AND r.kind IN ('batch.released', 'batch.discarded')
            OFFSET 0) r ON true
        LEFT JOIN LATERAL json_to_record(convert_from(r.body, 'UTF8')::json -> 'details')
            AS s (lines integer, total text) ON true"
);
