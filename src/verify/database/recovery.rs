//! Recoveries, what settled them, their plans and write-offs, and exclusions of parties as the log tells them, compared with
//! their rows.
//!
//! What is offset of payables is taken from here when these are compared.

use super::compare::rows_of;

/// Entries of recoveries, with their details parsed: they are few.
macro_rules! told {
    ($($kind:literal),+) => {
        concat!(
            "SELECT e.log_index, e.kind, e.subject_id, e.actor_id, e.effective,
                convert_from(e.body, 'UTF8')::json -> 'details' AS d
            FROM ledger.entry e WHERE e.zone_id = $1 AND e.kind IN (''",
            $(", '", $kind, "'",)+
            ")"
        )
    };
}

/// What was settled, its entry says; a write-off's is the amount that was proposed.
pub(super) const SETTLEMENTS: &str = rows_of!(
    "recovery_settlement", key: "log_index", order: "log_index",
    stored: "
        SELECT log_index, recovery_id, way, amount, returned_to, settled_by, file_index, line_number, payable_id
        FROM ledger.recovery_settlement WHERE zone_id = $1",
    log: "
        SELECT log_index, subject_id AS recovery_id,
            CASE kind WHEN 'recovery.received' THEN 'cash' WHEN 'recovery.offset' THEN 'offset' ELSE 'write_off' END
                AS way,
            replace(d #>> '{answer,amount}', '.', '')::bigint AS amount, d #>> '{answer,returned_to}' AS returned_to,
            actor_id AS settled_by,
            split_part(substr(d #>> '{input,bank_line}', 2), '-', 1)::bigint AS file_index,
            split_part(d #>> '{input,bank_line}', '-', 2)::integer AS line_number,
            (d #>> '{input,payable}')::uuid AS payable_id
        FROM (", told!("recovery.received", "recovery.offset", "recovery.written_off"), ") t"
);

/// A plan's instalments stand in its entry, in their order.
pub(super) const INSTALMENTS: &str = rows_of!(
    "recovery_instalment", key: "instalment", order: "planned_index",
    stored: "
        SELECT concat(planned_index, ' ', number) AS instalment, planned_index, recovery_id, due, amount
        FROM ledger.recovery_instalment WHERE zone_id = $1",
    log: "
        SELECT concat(t.log_index, ' ', i.number) AS instalment, t.log_index AS planned_index,
            t.subject_id AS recovery_id, (i.one ->> 'due')::date AS due,
            replace(i.one ->> 'amount', '.', '')::bigint AS amount
        FROM (", told!("recovery.planned"), ") t
        CROSS JOIN LATERAL json_array_elements(t.d #> '{answer,instalments}') WITH ORDINALITY i (one, number)"
);

/// A write-off is what finance proposed, until it is decided.
pub(super) const WRITE_OFFS: &str = rows_of!(
    "recovery_write_off", key: "proposed_index", order: "proposed_index",
    stored: "
        SELECT proposed_index, recovery_id, amount, reason, proposed_by, outcome, decided_by, decided_index
        FROM ledger.recovery_write_off WHERE zone_id = $1",
    log: "
        WITH told AS (", told!("recovery.write_off_proposed", "recovery.written_off", "recovery.write_off_rejected"), ")
        SELECT p.log_index AS proposed_index, p.subject_id AS recovery_id,
            replace(p.d #>> '{answer,amount}', '.', '')::bigint AS amount, p.d #>> '{input,reason}' AS reason,
            p.actor_id AS proposed_by,
            CASE c.kind WHEN 'recovery.written_off' THEN 'approved' WHEN 'recovery.write_off_rejected' THEN 'rejected'
                END AS outcome,
            c.actor_id AS decided_by, c.log_index AS decided_index
        FROM told p
        LEFT JOIN told c ON c.kind <> 'recovery.write_off_proposed'
            AND (c.d #>> '{input,proposed_index}')::bigint = p.log_index
        WHERE p.kind = 'recovery.write_off_proposed'"
);

/// A recovery is what was proposed and decided; what became of it follows from its settlements, and who had a hand in what
/// was paid from its payable, which were compared before.
pub(super) const RECOVERIES: &str = rows_of!(
    "recovery", key: "recovery_id", order: "proposed_index",
    stored: "
        SELECT recovery_id, proposed_index, payable_id, cause, reason, basis, amount,
            array_to_string(hands, ' ') AS hands, proposed_by, outcome, decided_by, decided_index, due_on, open, received,
            set_off, written_off, planned_index, voided_by, voided_index
        FROM ledger.recovery WHERE zone_id = $1",
    log: "
        WITH told AS (", told!("recovery.proposed", "recovery.ordered", "recovery.rejected", "recovery.voided",
            "recovery.planned"), "),
        settled AS (
            SELECT recovery_id, coalesce(sum(amount) FILTER (WHERE way = 'cash'), 0)::bigint AS received,
                coalesce(sum(amount) FILTER (WHERE way = 'offset'), 0)::bigint AS set_off,
                coalesce(sum(amount) FILTER (WHERE way = 'write_off'), 0)::bigint AS written_off
            FROM ledger.recovery_settlement WHERE zone_id = $1 GROUP BY recovery_id
        ), proposed AS (
            SELECT log_index, subject_id, actor_id, (d #>> '{input,payable}')::uuid AS payable_id,
                d #>> '{input,cause}' AS cause, d #>> '{input,reason}' AS reason,
                CASE WHEN d #> '{input,facts}' IS NULL THEN 'whole' ELSE 'corrected' END AS basis,
                replace(d #>> '{answer,amount}', '.', '')::bigint AS amount
            FROM told WHERE kind = 'recovery.proposed'
        )
        SELECT p.subject_id AS recovery_id, p.log_index AS proposed_index, p.payable_id, p.cause, p.reason, p.basis,
            p.amount, h.hands, p.actor_id AS proposed_by,
            CASE c.kind WHEN 'recovery.ordered' THEN 'ordered' WHEN 'recovery.rejected' THEN 'rejected' END AS outcome,
            c.actor_id AS decided_by, c.log_index AS decided_index, (c.d #>> '{answer,due_on}')::date AS due_on,
            CASE WHEN c.kind = 'recovery.ordered' AND v.log_index IS NULL
                THEN p.amount - coalesce(s.received + s.set_off + s.written_off, 0) ELSE 0 END AS open,
            coalesce(s.received, 0) AS received, coalesce(s.set_off, 0) AS set_off,
            coalesce(s.written_off, 0) AS written_off, l.planned_index, v.actor_id AS voided_by,
            v.log_index AS voided_index
        FROM proposed p
        LEFT JOIN told c ON c.subject_id = p.subject_id AND c.kind IN ('recovery.ordered', 'recovery.rejected')
        LEFT JOIN told v ON v.subject_id = p.subject_id AND v.kind = 'recovery.voided'
        LEFT JOIN (SELECT subject_id, max(log_index) AS planned_index FROM told WHERE kind = 'recovery.planned'
            GROUP BY subject_id) l ON l.subject_id = p.subject_id
        LEFT JOIN settled s ON s.recovery_id = p.subject_id
        LEFT JOIN LATERAL (SELECT string_agg(DISTINCT hand::text, ' ' ORDER BY hand::text) AS hands
            FROM ledger.payable y
            CROSS JOIN LATERAL unnest(y.handled_by || y.submitted_by || y.approved_by) AS hand
            WHERE y.zone_id = $1 AND y.payable_id = p.payable_id) h ON true"
);

/// An exclusion is what was proposed, until it is decided, and lifted.
pub(super) const EXCLUSIONS: &str = rows_of!(
    "exclusion", key: "proposed_index", order: "proposed_index",
    stored: "
        SELECT proposed_index, party_id, first_day, last_day, reason, proposed_by, outcome, decided_by, decided_index,
            lifted_by, lifted_index
        FROM ledger.exclusion WHERE zone_id = $1",
    log: "
        WITH told AS (", told!("exclusion.proposed", "exclusion.confirmed", "exclusion.rejected", "exclusion.lifted"), ")
        SELECT p.log_index AS proposed_index, (p.d #>> '{input,party}')::uuid AS party_id,
            (p.d #>> '{input,first_day}')::date AS first_day, (p.d #>> '{input,last_day}')::date AS last_day,
            p.d #>> '{input,reason}' AS reason, p.actor_id AS proposed_by,
            CASE c.kind WHEN 'exclusion.confirmed' THEN 'confirmed' WHEN 'exclusion.rejected' THEN 'rejected' END
                AS outcome,
            c.actor_id AS decided_by, c.log_index AS decided_index, l.actor_id AS lifted_by,
            l.log_index AS lifted_index
        FROM told p
        LEFT JOIN told c ON c.kind IN ('exclusion.confirmed', 'exclusion.rejected')
            AND (c.d #>> '{input,proposed_index}')::bigint = p.log_index
        LEFT JOIN told l ON l.kind = 'exclusion.lifted' AND (l.d #>> '{input,proposed_index}')::bigint = p.log_index
        WHERE p.kind = 'exclusion.proposed'"
);
