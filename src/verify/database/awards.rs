//! Past awards of other offices, compared with the entries of their import.
//!
//! What no entry states is not compared: what makes a row the same in another file (`identity`), the list's words
//! (`facts`, of which the entry has only a salted hash, with all else of the row), a list's salt, and a file's name.
//! Files that add nothing leave no entry and no row.

use super::compare::rows_of;

/// All comparisons, in one statement, since the entries are read once.
///
/// A scheme is there since the first award under it; its name is said where its authority changes, so not of one that
/// only refused.
pub(super) const AWARDS: &str = concat!(
    "WITH told AS MATERIALIZED (
        SELECT e.log_index, e.kind, e.subject_id, e.recorded_at,
            convert_from(e.body, 'UTF8')::jsonb -> 'details' AS details
        FROM ledger.entry e
        WHERE e.zone_id = $1 AND e.kind IN ('award.imported', 'award.refused', 'award.withdrawn',
            'award.budget_set', 'award.file_imported')
    )
    SELECT * FROM (",
    rows_of!(
        "imported_award", key: "award_id", order: "log_index",
        stored: "
            SELECT award_id, log_index, source, encode(content, 'hex') AS content, row_number, reversed_by,
                programme, fiscal_year, party_id, requested, granted
            FROM ledger.imported_award WHERE zone_id = $1",
        log: "
            SELECT a.subject_id AS award_id, a.log_index, a.details ->> 'source' AS source,
                a.details ->> 'commitment' AS content, (a.details ->> 'row')::bigint AS row_number,
                w.log_index AS reversed_by, a.details ->> 'programme' AS programme,
                (a.details ->> 'year')::smallint AS fiscal_year, (a.details ->> 'party')::uuid AS party_id,
                replace(a.details ->> 'requested', '.', '')::bigint AS requested,
                replace(a.details ->> 'granted', '.', '')::bigint AS granted
            FROM told a
            LEFT JOIN told w ON w.kind = 'award.withdrawn' AND w.subject_id = a.subject_id
            WHERE a.kind IN ('award.imported', 'award.refused')"
    ),
    ") imported_award UNION ALL SELECT * FROM (",
    rows_of!(
        "imported_programme", key: "code", order: "code",
        stored: "SELECT code, source, name FROM ledger.imported_programme WHERE zone_id = $1",
        log: "
            WITH first AS (
                SELECT DISTINCT ON (code) details ->> 'programme' AS code, details ->> 'source' AS source
                FROM told WHERE kind IN ('award.imported', 'award.refused') ORDER BY code, log_index
            ), named AS (
                SELECT DISTINCT ON (code) details ->> 'programme' AS code, details ->> 'name' AS name
                FROM told WHERE kind = 'award.budget_set' AND details ->> 'name' IS NOT NULL
                ORDER BY code, log_index
            )
            SELECT f.code, f.source, coalesce(n.name, p.name) AS name
            FROM first f
            LEFT JOIN named n ON n.code = f.code
            LEFT JOIN ledger.imported_programme p ON p.zone_id = $1 AND p.code = f.code"
    ),
    ") imported_programme UNION ALL SELECT * FROM (",
    rows_of!(
        "award_file", key: "log_index", order: "log_index",
        stored: "
            SELECT log_index, source, encode(file_sha256, 'hex') AS file_sha256, row_count, imported_at
            FROM ledger.award_file WHERE zone_id = $1",
        log: "
            SELECT log_index, details ->> 'source' AS source, details ->> 'file' AS file_sha256,
                (details ->> 'rows')::bigint AS row_count, recorded_at AS imported_at
            FROM told WHERE kind = 'award.file_imported'"
    ),
    ") award_file LIMIT 1"
);
