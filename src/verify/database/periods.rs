//! Rules for the end of a year and proposals about periods, compared with the entries that say so.

use super::compare::rows_of;

/// Both comparisons, in one statement, since the entries are read once.
pub(super) const PERIODS: &str = concat!(
    "WITH told AS MATERIALIZED (
        SELECT e.log_index, e.kind, e.actor_id, convert_from(e.body, 'UTF8')::json -> 'details' AS details
        FROM ledger.entry e
        WHERE e.zone_id = $1 AND e.kind IN ('period.year_end_rule_set', 'period.year_end_proposed',
            'period.reopening_proposed', 'period.year_closed', 'period.reopened', 'period.proposal_rejected')
    )
    SELECT * FROM (",
    rows_of!(
        "year_end_rule", key: "log_index", order: "log_index",
        stored: "
            SELECT log_index, programme, free, vouchers, reason, set_by
            FROM ledger.year_end_rule WHERE zone_id = $1",
        log: "
            SELECT log_index, details ->> 'programme' AS programme, details ->> 'free' AS free,
                details ->> 'vouchers' AS vouchers, details ->> 'reason' AS reason, actor_id AS set_by
            FROM told WHERE kind = 'period.year_end_rule_set'"
    ),
    ") year_end_rule UNION ALL SELECT * FROM (",
    rows_of!(
        "period_proposal", key: "proposed_index", order: "proposed_index",
        stored: "
            SELECT proposed_index, fiscal_year, plan, closing_index, reason, proposed_by, outcome, decided_by,
                decided_index
            FROM ledger.period_proposal WHERE zone_id = $1",
        log: "
            SELECT p.log_index AS proposed_index, (p.details ->> 'year')::smallint AS fiscal_year,
                p.details ->> 'plan' AS plan, (p.details ->> 'closing_index')::bigint AS closing_index,
                p.details ->> 'reason' AS reason, p.actor_id AS proposed_by,
                CASE d.kind WHEN 'period.proposal_rejected' THEN 'rejected'
                    WHEN 'period.year_closed' THEN 'confirmed' WHEN 'period.reopened' THEN 'confirmed' END AS outcome,
                d.actor_id AS decided_by, d.log_index AS decided_index
            FROM told p
            LEFT JOIN told d ON d.kind IN ('period.year_closed', 'period.reopened', 'period.proposal_rejected')
                AND (d.details ->> 'proposed_index')::bigint = p.log_index
            WHERE p.kind IN ('period.year_end_proposed', 'period.reopening_proposed')"
    ),
    ") period_proposal LIMIT 1"
);
