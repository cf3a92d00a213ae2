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
            'fact.recognised', 'fact.revoked', 'fact.determination_proposed', 'fact.recognition_proposed',
            'fact.recognition_refused', 'fact.revocation_proposed')
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
                coalesce(details ->> 'source', 'verified') AS source,
                details ->> 'register' AS register, details ->> 'reference' AS reference,
                (details -> 'facts')::text AS facts
            FROM told WHERE kind IN ('fact.stated', 'fact.register_completed', 'fact.determined', 'fact.recognised',
                'fact.revoked')"
    ),
    ") fact_statement UNION ALL SELECT * FROM (",
    rows_of!(
        "determination", key: "proposed_index", order: "proposed_index",
        stored: "
            SELECT proposed_index, kind, party_id, register, reference, facts, from_day, until_day, reason,
                evidence, proposed_by, confirmed_by, confirmed_index
            FROM ledger.determination WHERE zone_id = $1",
        log: "
            SELECT p.log_index AS proposed_index, substring(p.kind, 'fact.(.*)_proposed') AS kind,
                (p.details ->> 'party')::uuid AS party_id, p.details ->> 'register' AS register,
                coalesce(p.details ->> 'reference', c.details ->> 'reference') AS reference,
                (p.details -> 'facts')::text AS facts, (p.details ->> 'from')::date AS from_day,
                (p.details ->> 'until')::date AS until_day, p.details ->> 'reason' AS reason,
                (SELECT string_agg(digest, ' ' ORDER BY place)
                 FROM json_array_elements_text(p.details -> 'evidence') WITH ORDINALITY d (digest, place))
                    AS evidence,
                p.actor_id AS proposed_by, c.actor_id AS confirmed_by, c.log_index AS confirmed_index
            FROM told p
            LEFT JOIN told c ON c.kind IN ('fact.determined', 'fact.recognised', 'fact.revoked')
                AND (c.details ->> 'proposed_index')::bigint = p.log_index
            WHERE p.kind IN ('fact.determination_proposed', 'fact.recognition_proposed',
                'fact.revocation_proposed')"
    ),
    ") determination UNION ALL SELECT * FROM (",
    rows_of!(
        "recognition", key: "log_index", order: "log_index",
        stored: "
            SELECT log_index, party_id, programme, policy_id, encode(facts_sha256, 'hex') AS facts_sha256,
                decided_on, outcome
            FROM ledger.recognition WHERE zone_id = $1",
        log: "
            SELECT log_index, (details ->> 'party')::uuid AS party_id, details ->> 'programme' AS programme,
                (details ->> 'policy')::uuid AS policy_id,
                details -> 'decision' ->> 'facts_sha256' AS facts_sha256,
                (details -> 'decision' ->> 'on')::date AS decided_on,
                details -> 'decision' ->> 'outcome' AS outcome
            FROM told WHERE kind IN ('fact.recognition_proposed', 'fact.recognition_refused')"
    ),
    ") recognition UNION ALL SELECT * FROM (",
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
