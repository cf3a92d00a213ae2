//! Stated and determined facts, compared with the entries that say so; kept snapshots, with their hashes.
//!
//! The facts of an entry are compared as the text that they are there, so a row says them byte for byte. No entry of
//! these says which snapshots are kept: what decisions name must have its hash, and one that no decision names harms
//! nobody.

use super::compare::rows_of;

/// All comparisons, in one statement, since the entries are read once.
pub(super) const FACTS: &str = concat!(
    "WITH told AS MATERIALIZED (
        SELECT e.log_index, e.kind, e.actor_id, convert_from(e.body, 'UTF8')::json -> 'details' AS details
        FROM ledger.entry e
        WHERE e.zone_id = $1 AND e.kind IN ('fact.stated', 'fact.register_completed', 'fact.determined',
            'fact.determination_proposed')
    )
    SELECT * FROM (",
    rows_of!(
        "fact_statement", key: "log_index", order: "log_index",
        stored: "
            SELECT log_index, party_id, proposed_index, from_day, until_day, year, source, register, reference,
                facts
            FROM ledger.fact_statement WHERE zone_id = $1",
        log: "
            SELECT log_index, (details ->> 'party')::uuid AS party_id,
                (details ->> 'proposed_index')::bigint AS proposed_index, (details ->> 'from')::date AS from_day,
                (details ->> 'until')::date AS until_day, (details ->> 'year')::smallint AS year,
                CASE kind WHEN 'fact.determined' THEN 'verified' ELSE details ->> 'source' END AS source,
                details ->> 'register' AS register, details ->> 'reference' AS reference,
                (details -> 'facts')::text AS facts
            FROM told WHERE kind IN ('fact.stated', 'fact.register_completed', 'fact.determined')"
    ),
    ") fact_statement UNION ALL SELECT * FROM (",
    rows_of!(
        "determination", key: "proposed_index", order: "proposed_index",
        stored: "
            SELECT proposed_index, party_id, facts, from_day, until_day, reason, evidence, proposed_by,
                confirmed_by, confirmed_index
            FROM ledger.determination WHERE zone_id = $1",
        log: "
            SELECT p.log_index AS proposed_index, (p.details ->> 'party')::uuid AS party_id,
                (p.details -> 'facts')::text AS facts, (p.details ->> 'from')::date AS from_day,
                (p.details ->> 'until')::date AS until_day, p.details ->> 'reason' AS reason,
                (SELECT string_agg(digest, ' ' ORDER BY place)
                 FROM json_array_elements_text(p.details -> 'evidence') WITH ORDINALITY d (digest, place))
                    AS evidence,
                p.actor_id AS proposed_by, c.actor_id AS confirmed_by, c.log_index AS confirmed_index
            FROM told p
            LEFT JOIN told c ON c.kind = 'fact.determined'
                AND (c.details ->> 'proposed_index')::bigint = p.log_index
            WHERE p.kind = 'fact.determination_proposed'"
    ),
    ") determination UNION ALL SELECT * FROM (",
    rows_of!(
        "fact_snapshot", key: "sha256", order: "sha256",
        stored: "
            SELECT encode(sha256, 'hex') AS sha256, encode(sha256(convert_to(body, 'UTF8')), 'hex') AS body
            FROM ledger.fact_snapshot WHERE zone_id = $1",
        log: "
            SELECT encode(sha256, 'hex') AS sha256, encode(sha256, 'hex') AS body
            FROM ledger.fact_snapshot WHERE zone_id = $1"
    ),
    ") fact_snapshot LIMIT 1"
);
