//! Documents and their uses, compared with the entries that say so. That the documents themselves are whole is for
//! `evidence check`: they are not in the database.

use super::compare::rows_of;

/// Both comparisons. A document is what the first entry says that added it. A case used it first by the entry that names
/// it: a redemption, by those of its command; a claim, by its first submission with it; a contract, by its proposal.
pub(super) const EVIDENCE: &str = concat!(
    "SELECT * FROM (",
    rows_of!(
        "evidence", key: "sha256", order: "added_index",
        stored: "
            SELECT encode(sha256, 'hex') AS sha256, added_index, bytes, media_type
            FROM ledger.evidence WHERE zone_id = $1",
        log: "
            SELECT DISTINCT ON (d.sha256) d.sha256, e.log_index AS added_index, d.bytes, d.media_type
            FROM ledger.entry e
            CROSS JOIN LATERAL json_to_record(convert_from(e.body, 'UTF8')::json -> 'details')
                AS d (sha256 text, bytes bigint, media_type text)
            WHERE e.zone_id = $1 AND e.kind = 'evidence.added'
            ORDER BY d.sha256, e.log_index"
    ),
    ") evidence UNION ALL SELECT * FROM (",
    rows_of!(
        "evidence_use", key: "use", order: "log_index",
        stored: "
            SELECT concat(encode(sha256, 'hex'), ' ', case_kind, ' ', case_id) AS use, log_index
            FROM ledger.evidence_use WHERE zone_id = $1",
        log: "
            SELECT concat(d.digest, ' redemption ', c.details #>> '{input,hold}') AS use,
                min(e.log_index) AS log_index
            FROM ledger.entry e
            CROSS JOIN LATERAL (SELECT convert_from(e.body, 'UTF8')::json -> 'details') c (details)
            CROSS JOIN LATERAL json_array_elements_text(c.details #> '{input,evidence}') d (digest)
            WHERE e.zone_id = $1 AND e.kind = 'voucher.redeemed'
                AND position('\"evidence\":[\"'::bytea IN e.body) > 0
            GROUP BY 1
            UNION ALL
            SELECT concat(d.document ->> 'sha256', ' claim ', s.subject_id), min(s.log_index)
            FROM ledger.entry s
            CROSS JOIN LATERAL (SELECT w.body FROM ledger.entry w WHERE w.zone_id = $1 AND w.subject_id = s.subject_id
                AND w.kind IN ('claim.drafted', 'claim.revised') AND w.log_index < s.log_index
                ORDER BY w.log_index DESC LIMIT 1) w
            CROSS JOIN LATERAL json_array_elements(
                convert_from(w.body, 'UTF8')::json #> '{details,input,documents}') d (document)
            WHERE s.zone_id = $1 AND s.kind = 'claim.submitted'
            GROUP BY 1
            UNION ALL
            SELECT concat(d.digest, ' contract ', e.subject_id), min(e.log_index)
            FROM ledger.entry e
            CROSS JOIN LATERAL json_array_elements_text(
                convert_from(e.body, 'UTF8')::json #> '{details,input,documents}') d (digest)
            WHERE e.zone_id = $1 AND e.kind = 'contract.proposed'
            GROUP BY 1"
    ),
    ") evidence_use LIMIT 1"
);
