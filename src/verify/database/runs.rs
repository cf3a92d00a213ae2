//! Award runs as the log tells them, compared with their rows: proposal, approval, list and results.

use super::compare::{amount, cut, rows_of};

/// A run is what its proposal and its approval say; how far it has come is told by the entries of its awards.
pub(super) const RUNS: &str = rows_of!(
    "award_run", key: "run_id", order: "proposed_index",
    stored: "
        SELECT r.run_id, r.proposed_index, r.programme, encode(p.sha256, 'hex') AS policy_id, r.day, r.requested,
            r.candidates, r.total, encode(r.list_sha256, 'hex') AS list_sha256, r.proposed_by, r.approved_by,
            r.approved_index, r.decided, r.awarded, r.given
        FROM ledger.award_run r
        LEFT JOIN ledger.policy p ON p.zone_id = r.zone_id AND p.policy_id = r.policy_id
        WHERE r.zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id,
                CASE e.kind WHEN 'award_run.proposed' THEN convert_from(e.body, 'UTF8')::json -> 'details' END
                    AS details,
                (", cut!("run", 36), ")::uuid AS run_id, ", amount!("amount", 20), " AS amount
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('award_run.proposed', 'award_run.approved', 'voucher.awarded',
                'voucher.award_refused')
        ), awards AS (
            SELECT run_id, count(*)::integer AS decided,
                (count(*) FILTER (WHERE kind = 'voucher.awarded'))::integer AS awarded,
                coalesce(sum(amount) FILTER (WHERE kind = 'voucher.awarded'), 0)::bigint AS given
            FROM told WHERE kind IN ('voucher.awarded', 'voucher.award_refused') GROUP BY run_id
        )
        SELECT p.subject_id AS run_id, p.log_index AS proposed_index,
            p.details #>> '{input,programme}' AS programme, p.details #>> '{answer,policy_sha256}' AS policy_id,
            (p.details #>> '{input,day}')::date AS day,
            replace(p.details #>> '{input,amount}', '.', '')::bigint AS requested,
            (p.details #>> '{answer,candidates}')::integer AS candidates,
            replace(p.details #>> '{answer,total}', '.', '')::bigint AS total,
            p.details #>> '{answer,list_sha256}' AS list_sha256, p.actor_id AS proposed_by,
            a.actor_id AS approved_by, a.log_index AS approved_index, coalesce(w.decided, 0) AS decided,
            coalesce(w.awarded, 0) AS awarded, coalesce(w.given, 0)::bigint AS given
        FROM told p
        LEFT JOIN told a ON a.subject_id = p.subject_id AND a.kind = 'award_run.approved'
        LEFT JOIN awards w ON w.run_id = p.subject_id
        WHERE p.kind = 'award_run.proposed'"
);

/// The rows of a list have the SHA-256 that the run's proposal says, which was compared with its row before.
pub(super) const LISTS: &str = rows_of!(
    "award_candidate", key: "run_id", order: "run_id",
    stored: "
        SELECT run_id, count(*)::integer AS candidates, count(DISTINCT position)::integer AS positions,
            min(position) AS first, max(position) AS last, sum(amount)::bigint AS total,
            encode(sha256(convert_to(string_agg(party_id || ' ' || amount || chr(10), '' ORDER BY position),
                'UTF8')), 'hex') AS list_sha256
        FROM ledger.award_candidate WHERE zone_id = $1 GROUP BY run_id",
    log: "
        SELECT run_id, candidates, candidates AS positions, 1 AS first, candidates AS last, total, encode(list_sha256, 'hex') AS list_sha256
        FROM ledger.award_run WHERE zone_id = $1"
);

/// What an award's entry says: to whom, by which run, on which facts, and the voucher.
pub(super) const RESULTS: &str = rows_of!(
    "award_result", key: "result", order: "log_index",
    stored: "
        SELECT concat(run_id, ' ', party_id) AS result, log_index, encode(facts_sha256, 'hex') AS facts_sha256,
            voucher_id
        FROM ledger.award_result WHERE zone_id = $1",
    log: "
        SELECT concat(", cut!("run", 36), ", ' ', ", cut!("party", 36), ") AS result, e.log_index,
            ", cut!("facts_sha256", 64), " AS facts_sha256,
            CASE e.kind WHEN 'voucher.awarded' THEN e.subject_id END AS voucher_id
        FROM ledger.entry e
        WHERE e.zone_id = $1 AND e.kind IN ('voucher.awarded', 'voucher.award_refused')"
);
