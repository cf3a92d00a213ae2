//! Contracts of purchased services as the log tells them, compared with their rows. Few entries are about them: their bodies
//! are parsed.

use super::compare::rows_of;

/// A contract is what its proposal says; a second person decides on it, and two may end it.
pub(super) const CONTRACTS: &str = rows_of!(
    "contract", key: "contract_id", order: "proposed_index",
    stored: "
        SELECT contract_id, proposed_index, programme, provider_id, service, reference, signed_on, amount, proposed_by,
            outcome, decided_by, decided_index, fiscal_year, ended_index
        FROM ledger.contract WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id, e.effective,
                convert_from(e.body, 'UTF8')::json -> 'details' AS d
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('contract.proposed', 'contract.confirmed', 'contract.rejected',
                'contract.ended')
        )
        SELECT p.subject_id AS contract_id, p.log_index AS proposed_index, p.d #>> '{input,programme}' AS programme,
            (p.d #>> '{input,provider}')::uuid AS provider_id, p.d #>> '{input,service}' AS service,
            p.d #>> '{input,reference}' AS reference, (p.d #>> '{input,signed_on}')::date AS signed_on,
            replace(p.d #>> '{answer,amount}', '.', '')::bigint AS amount, p.actor_id AS proposed_by,
            split_part(c.kind, '.', 2) AS outcome, c.actor_id AS decided_by, c.log_index AS decided_index,
            CASE c.kind WHEN 'contract.confirmed' THEN extract(year FROM c.effective)::smallint END AS fiscal_year,
            e.log_index AS ended_index
        FROM told p
        LEFT JOIN told c ON c.subject_id = p.subject_id AND c.kind IN ('contract.confirmed', 'contract.rejected')
        LEFT JOIN told e ON e.subject_id = p.subject_id AND e.kind = 'contract.ended'
        WHERE p.kind = 'contract.proposed'"
);

/// Milestones are what the proposal lists. What is reserved and accepted of one follows from its contract, which was compared
/// before, and from the claims on it, which were too: of one whose approval was revoked, what had been accepted is reserved.
pub(super) const MILESTONES: &str = rows_of!(
    "contract_milestone", key: "milestone", order: "milestone",
    stored: "
        SELECT concat(contract_id, ' ', number) AS milestone, due, amount, reserved, accepted, claim_id
        FROM ledger.contract_milestone WHERE zone_id = $1",
    log: "
        SELECT concat(e.subject_id, ' ', m.number) AS milestone, (m.one ->> 'due')::date AS due, a.amount,
            CASE WHEN c.outcome IS DISTINCT FROM 'confirmed' OR c.ended_index IS NOT NULL
                    OR k.state IS NOT DISTINCT FROM 'approved' THEN 0
                ELSE coalesce(k.awarded, a.amount) END AS reserved,
            CASE k.state WHEN 'approved' THEN k.awarded ELSE 0 END AS accepted,
            CASE k.state WHEN 'approved' THEN k.claim_id END AS claim_id
        FROM ledger.entry e
        CROSS JOIN LATERAL json_array_elements(convert_from(e.body, 'UTF8')::json #> '{details,input,milestones}')
            WITH ORDINALITY m (one, number)
        CROSS JOIN LATERAL (SELECT replace(m.one ->> 'amount', '.', '')::bigint AS amount) a
        LEFT JOIN ledger.contract c ON c.zone_id = $1 AND c.contract_id = e.subject_id
        LEFT JOIN LATERAL (SELECT k.state, k.awarded, k.claim_id FROM ledger.claim k
            WHERE k.zone_id = $1 AND k.contract_id = e.subject_id AND k.milestone = m.number
                AND k.state IN ('approved', 'revoked')
            ORDER BY k.decided_index DESC LIMIT 1) k ON true
        WHERE e.zone_id = $1 AND e.kind = 'contract.proposed'"
);

/// Proposals to end contracts, and what became of them.
pub(super) const ENDINGS: &str = rows_of!(
    "contract_ending", key: "proposed_index", order: "proposed_index",
    stored: "
        SELECT proposed_index, contract_id, reason, proposed_by, outcome, decided_by, decided_index
        FROM ledger.contract_ending WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id, convert_from(e.body, 'UTF8')::json -> 'details' AS d
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('contract.end_proposed', 'contract.ended', 'contract.end_rejected')
        )
        SELECT p.log_index AS proposed_index, p.subject_id AS contract_id, p.d #>> '{input,reason}' AS reason,
            p.actor_id AS proposed_by, CASE c.kind WHEN 'contract.ended' THEN 'confirmed'
                WHEN 'contract.end_rejected' THEN 'rejected' END AS outcome,
            c.actor_id AS decided_by, c.log_index AS decided_index
        FROM told p
        LEFT JOIN told c ON c.kind <> 'contract.end_proposed'
            AND (c.d #>> '{input,proposed_index}')::bigint = p.log_index
        WHERE p.kind = 'contract.end_proposed'"
);
