//! Transfers between budget lines and freezes of them, compared with the entries that say so.

use super::compare::rows_of;

/// Both comparisons, in one statement, since the entries are read once.
pub(super) const BUDGET: &str = concat!(
    "WITH told AS MATERIALIZED (
        SELECT e.log_index, e.kind, e.actor_id, convert_from(e.body, 'UTF8')::json -> 'details' AS details
        FROM ledger.entry e
        WHERE e.zone_id = $1 AND e.kind IN ('budget.transfer_proposed', 'budget.transferred',
            'budget.transfer_rejected', 'budget.frozen', 'budget.thawed')
    )
    SELECT * FROM (",
    rows_of!(
        "budget_transfer", key: "proposed_index", order: "proposed_index",
        stored: "
            SELECT proposed_index, fiscal_year, from_programme, to_programme, amount, reason, proposed_by, outcome,
                decided_by, decided_index
            FROM ledger.budget_transfer WHERE zone_id = $1",
        log: "
            SELECT p.log_index AS proposed_index, (p.details ->> 'year')::smallint AS fiscal_year,
                p.details ->> 'from' AS from_programme, p.details ->> 'to' AS to_programme,
                replace(p.details ->> 'amount', '.', '')::bigint AS amount, p.details ->> 'reason' AS reason,
                p.actor_id AS proposed_by,
                CASE d.kind WHEN 'budget.transferred' THEN 'approved'
                    WHEN 'budget.transfer_rejected' THEN 'rejected' END AS outcome,
                d.actor_id AS decided_by, d.log_index AS decided_index
            FROM told p
            LEFT JOIN told d ON d.kind IN ('budget.transferred', 'budget.transfer_rejected')
                AND (d.details ->> 'proposed_index')::bigint = p.log_index
            WHERE p.kind = 'budget.transfer_proposed'"
    ),
    ") budget_transfer UNION ALL SELECT * FROM (",
    rows_of!(
        "budget_freeze", key: "frozen_index", order: "frozen_index",
        stored: "
            SELECT frozen_index, programme, fiscal_year, reason, frozen_by, thawed_by, thawed_index
            FROM ledger.budget_freeze WHERE zone_id = $1",
        log: "
            SELECT f.log_index AS frozen_index, f.details ->> 'programme' AS programme,
                (f.details ->> 'year')::smallint AS fiscal_year, f.details ->> 'reason' AS reason,
                f.actor_id AS frozen_by, t.actor_id AS thawed_by, t.log_index AS thawed_index
            FROM told f
            LEFT JOIN told t ON t.kind = 'budget.thawed'
                AND (t.details ->> 'frozen_index')::bigint = f.log_index
            WHERE f.kind = 'budget.frozen'"
    ),
    ") budget_freeze LIMIT 1"
);
