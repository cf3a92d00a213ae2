//! What the office has set up, compared with the entries that say so: persons and their roles, parties with theirs,
//! their groups and accepted codes, programmes, proposed, withdrawn and published rules.
//!
//! These entries are few beside those of vouchers, and short but for packs. So one statement reads them all, once, and
//! compares one table after the other.
//!
//! What no entry states is not compared: a person's login and name (ADR 13), the name of a group, and of a team when
//! its salt was erased; whether a name needs review, which follows from other names; and when a person, a role or a
//! policy was written down, which is before its entry was recorded, by as much as clocks differ.

use futures::TryStreamExt;
use sqlx::PgConnection;

use super::compare::rows_of;
use super::fault::RowFault;
use crate::policy::Policy;
use crate::types::ZoneId;
use crate::verify::report::VerifyError;

/// The group that an entry of `told` puts its party into; NULL is none.
macro_rules! group {
    () => {
        "(CASE kind WHEN 'party.registered' THEN details ->> 'group' ELSE details ->> 'to' END)::uuid"
    };
}

/// All comparisons, in the order in which damage is worst.
///
/// Rows of two columns' keys are named by both, in the first one. A zone is founded by the person `system`, with that
/// role. A text as long as a pack is compared by its SHA-256; the pack of a proposal stands in its entry.
pub(super) const REGISTER: &str = concat!(
    "WITH told AS MATERIALIZED (
        SELECT e.log_index, e.kind, e.actor_id, e.recorded_at,
            convert_from(e.body, 'UTF8')::jsonb -> 'details' AS details
        FROM ledger.entry e
        WHERE e.zone_id = $1 AND e.kind IN ('zone.founded', 'person.enrolled', 'party.registered',
            'party.group_assigned', 'party.uscc_override_proposed', 'party.uscc_override_confirmed',
            'programme.created', 'policy.proposed', 'policy.withdrawn', 'policy.published')
    )
    SELECT * FROM (",
    rows_of!(
        "person_role", key: "person_id", order: "person_id",
        stored: "
            SELECT concat(person_id, ', role ', role) AS person_id
            FROM ledger.person_role WHERE zone_id = $1",
        log: "
            SELECT concat(coalesce(details ->> 'person', actor_id::text), ', role ', r.role) AS person_id
            FROM told
            CROSS JOIN LATERAL jsonb_array_elements_text(
                CASE kind WHEN 'zone.founded' THEN '[\"system\"]' ELSE details -> 'roles' END) r (role)
            WHERE kind IN ('zone.founded', 'person.enrolled')"
    ),
    ") person_role UNION ALL SELECT * FROM (",
    rows_of!(
        "person", key: "person_id", order: "person_id",
        stored: "SELECT person_id, party_id FROM ledger.person WHERE zone_id = $1",
        log: "
            SELECT coalesce((details ->> 'person')::uuid, actor_id) AS person_id,
                (details ->> 'party')::uuid AS party_id
            FROM told WHERE kind IN ('zone.founded', 'person.enrolled')"
    ),
    ") person UNION ALL SELECT * FROM (",
    rows_of!(
        "policy", key: "policy_id", order: "entry_index",
        stored: "
            SELECT policy_id, entry_index, code, version, encode(sha256, 'hex') AS sha256,
                encode(sha256(convert_to(body, 'UTF8')), 'hex') AS body, in_force_from
            FROM ledger.policy WHERE zone_id = $1",
        log: "
            SELECT (details ->> 'policy')::uuid AS policy_id, log_index AS entry_index,
                details ->> 'programme' AS code, details ->> 'version' AS version,
                details ->> 'sha256' AS sha256, details ->> 'sha256' AS body,
                (details ->> 'in_force_from')::date AS in_force_from
            FROM told WHERE kind = 'policy.published'"
    ),
    ") policy UNION ALL SELECT * FROM (",
    // Whoever proposes the same bytes again is not their proposer.
    rows_of!(
        "policy_proposal", key: "programme", order: "log_index",
        stored: "
            SELECT concat(programme, ', sha256 ', encode(sha256, 'hex')) AS programme, log_index,
                encode(sha256(convert_to(body, 'UTF8')), 'hex') AS body, proposed_by
            FROM ledger.policy_proposal WHERE zone_id = $1",
        log: "
            SELECT DISTINCT ON (programme)
                concat(details ->> 'programme', ', sha256 ', details ->> 'sha256') AS programme, log_index,
                encode(sha256(convert_to(details ->> 'pack', 'UTF8')), 'hex') AS body,
                actor_id AS proposed_by
            FROM told WHERE kind = 'policy.proposed' ORDER BY programme, log_index"
    ),
    ") policy_proposal UNION ALL SELECT * FROM (",
    rows_of!(
        "policy_withdrawal", key: "programme", order: "log_index",
        stored: "
            SELECT concat(programme, ', sha256 ', encode(sha256, 'hex')) AS programme, log_index, reason, withdrawn_by
            FROM ledger.policy_withdrawal WHERE zone_id = $1",
        log: "
            SELECT concat(details ->> 'programme', ', sha256 ', details ->> 'sha256') AS programme, log_index,
                details ->> 'reason' AS reason, actor_id AS withdrawn_by
            FROM told WHERE kind = 'policy.withdrawn'"
    ),
    ") policy_withdrawal UNION ALL SELECT * FROM (",
    rows_of!(
        "programme", key: "code", order: "log_index",
        stored: "SELECT code, log_index, kind, name_zh, name_en FROM ledger.programme WHERE zone_id = $1",
        log: "
            SELECT details ->> 'code' AS code, log_index, details ->> 'kind' AS kind,
                details ->> 'name_zh' AS name_zh, details ->> 'name_en' AS name_en
            FROM told WHERE kind = 'programme.created'"
    ),
    ") programme UNION ALL SELECT * FROM (",
    // Of a team's name the log has a commitment only, which says nothing without the salt.
    rows_of!(
        "party", key: "party_id", order: "log_index",
        stored: "
            SELECT party_id, log_index, created_at, scheme, identifier,
                CASE scheme WHEN 'team' THEN encode(sha256(name_salt || convert_to(name, 'UTF8')), 'hex')
                    ELSE name END AS name, controller_group_id
            FROM ledger.party WHERE zone_id = $1",
        log: "
            WITH grouped AS (
                SELECT DISTINCT ON (party_id) (details ->> 'party')::uuid AS party_id,
                    ", group!(), " AS group_id
                FROM told WHERE kind IN ('party.registered', 'party.group_assigned')
                ORDER BY party_id, log_index DESC
            )
            SELECT g.party_id, r.log_index, r.recorded_at AS created_at, r.details ->> 'scheme' AS scheme,
                r.details ->> 'identifier' AS identifier,
                CASE WHEN r.details ->> 'scheme' <> 'team' THEN r.details ->> 'name'
                    WHEN p.name_salt IS NOT NULL THEN r.details ->> 'name_commitment' END AS name,
                g.group_id AS controller_group_id
            FROM told r
            JOIN grouped g ON g.party_id = (r.details ->> 'party')::uuid
            LEFT JOIN ledger.party p ON p.zone_id = $1 AND p.party_id = g.party_id
            WHERE r.kind = 'party.registered'"
    ),
    ") party UNION ALL SELECT * FROM (",
    rows_of!(
        "party_role", key: "party_id", order: "party_id",
        stored: "
            SELECT concat(party_id, ', role ', role) AS party_id FROM ledger.party_role WHERE zone_id = $1",
        log: "
            SELECT concat(details ->> 'party', ', role ', r.role) AS party_id
            FROM told CROSS JOIN LATERAL jsonb_array_elements_text(details -> 'roles') r (role)
            WHERE kind = 'party.registered'"
    ),
    ") party_role UNION ALL SELECT * FROM (",
    // A group is made by the entry that names it first.
    rows_of!(
        "controller_group", key: "group_id", order: "log_index",
        stored: "SELECT group_id, log_index, created_at FROM ledger.controller_group WHERE zone_id = $1",
        log: "
            SELECT ", group!(), " AS group_id, min(log_index) AS log_index, min(recorded_at) AS created_at
            FROM told WHERE kind IN ('party.registered', 'party.group_assigned')
                AND ", group!(), " IS NOT NULL
            GROUP BY 1"
    ),
    ") controller_group UNION ALL SELECT * FROM (",
    rows_of!(
        "uscc_override", key: "code", order: "proposed_index",
        stored: "
            SELECT code, proposed_index, encode(evidence_sha256, 'hex') AS evidence_sha256, reason,
                proposed_by, confirmed_by, confirmed_index
            FROM ledger.uscc_override WHERE zone_id = $1",
        log: "
            SELECT p.details ->> 'code' AS code, p.log_index AS proposed_index,
                p.details ->> 'evidence_sha256' AS evidence_sha256, p.details ->> 'reason' AS reason,
                p.actor_id AS proposed_by, c.actor_id AS confirmed_by, c.log_index AS confirmed_index
            FROM told p
            LEFT JOIN told c ON c.kind = 'party.uscc_override_confirmed'
                AND c.details ->> 'code' = p.details ->> 'code'
            WHERE p.kind = 'party.uscc_override_proposed'"
    ),
    ") uscc_override LIMIT 1"
);

/// The day on which a policy ends stands in its pack only, which was compared with the log before. One pack at a time:
/// a ledger has few. A pack that can't be read decides nothing, and says so wherever it is asked.
pub(super) async fn check_ends(conn: &mut PgConnection, zone: ZoneId) -> Result<(), VerifyError> {
    let mut rows = sqlx::query!(
        "SELECT policy_id, body, in_force_until FROM ledger.policy WHERE zone_id = $1 ORDER BY entry_index",
        zone.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await? {
        let Ok(policy) = Policy::parse(&row.body) else {
            continue;
        };
        let until = policy.in_force().until();
        if row.in_force_until != until {
            let text = |day: Option<chrono::NaiveDate>| {
                day.map_or_else(|| "NULL".to_owned(), |day| day.to_string())
            };
            let key = format!("policy_id {}", row.policy_id);
            let (stored, expected) = (text(row.in_force_until), text(until));
            return Err(RowFault::new("policy", &key, "in_force_until", &stored, &expected).into());
        }
    }
    Ok(())
}
