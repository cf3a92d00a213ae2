//! Claims, their lines, notices and approvals as the log tells them, and who approves: compared with the rows of these
//! features.

use super::compare::{amount, cut, policy, rows_of};

/// A claim is what its drafts and revisions say; submission, reviews, notices, objections and decisions bring it
/// further. A submission begins anew what came after an earlier one, and a review what came after an earlier review.
pub(super) const CLAIMS: &str = rows_of!(
    "claim", key: "claim_id", order: "drafted_index",
    stored: "
        SELECT c.claim_id, c.drafted_index, c.programme, c.party_id, c.drafted_by, c.version,
            encode(sha256(convert_to(c.content, 'UTF8')), 'hex') AS content,
            encode(c.content_sha256, 'hex') AS content_sha256,
            CASE WHEN c.policy_id IS NOT NULL THEN format('\"code\":\"%s\",\"sha256\":\"%s\",\"version\":\"%s\"', p.code,
                encode(p.sha256, 'hex'), p.version) END AS policy_id,
            c.submitted_by, c.submitted_index, c.submitted_on, c.reviewed_by, c.reviewed_index, c.verified,
            c.recommended, c.notice_id, c.decided_by, c.decided_index, c.awarded, c.contract_id, c.milestone,
            c.revoked_by, c.revoked_index, c.state
        FROM ledger.claim c
        LEFT JOIN ledger.policy p ON p.zone_id = c.zone_id AND p.policy_id = c.policy_id
        WHERE c.zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id, e.effective,
                ", cut!("programme", 32, of "claim.drafted"), " AS programme,
                (", cut!("party", 36, of "claim.drafted"), ")::uuid AS party_id,
                ", cut!("content_sha256", 64), " AS content,
                ", policy!(of "claim.submitted"), " AS policy_id,
                (", cut!("notice", 36, of "claim.noticed"), ")::uuid AS notice_id,
                CASE WHEN e.kind IN ('claim.recommended', 'claim.approved') THEN ", amount!("amount", 20), " END
                    AS amount,
                CASE WHEN e.kind IN ('claim.recommended', 'claim.returned', 'claim.rejected')
                    THEN (convert_from(e.body, 'UTF8')::json #> '{details,input,facts}')::text END AS verified,
                CASE WHEN e.kind IN ('claim.drafted', 'claim.revised')
                    THEN convert_from(e.body, 'UTF8')::json #> '{details,input,milestone}' END AS milestone
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('claim.drafted', 'claim.revised', 'claim.submitted', 'claim.withdrawn',
                'claim.recommended', 'claim.returned', 'claim.rejected', 'claim.noticed', 'claim.objected',
                'claim.approved', 'claim.declined', 'claim.sent_back', 'claim.excluded', 'claim.revoked')
        ), content AS (
            SELECT subject_id, count(*)::integer AS version,
                (array_agg(content ORDER BY log_index DESC))[1] AS content,
                (array_agg(milestone ORDER BY log_index DESC))[1] AS milestone
            FROM told WHERE kind IN ('claim.drafted', 'claim.revised') GROUP BY subject_id
        ), submitted AS (
            SELECT DISTINCT ON (subject_id) * FROM told WHERE kind = 'claim.submitted'
            ORDER BY subject_id, log_index DESC
        ), reviewed AS (
            SELECT DISTINCT ON (t.subject_id) t.* FROM told t JOIN submitted s USING (subject_id)
            WHERE t.kind IN ('claim.recommended', 'claim.returned', 'claim.rejected') AND t.log_index > s.log_index
            ORDER BY t.subject_id, t.log_index DESC
        ), noticed AS (
            SELECT DISTINCT ON (t.subject_id) t.* FROM told t JOIN reviewed r USING (subject_id)
            WHERE t.kind = 'claim.noticed' AND t.log_index > r.log_index
            ORDER BY t.subject_id, t.log_index DESC
        ), decided AS (
            SELECT DISTINCT ON (subject_id) * FROM told
            WHERE kind IN ('claim.approved', 'claim.declined', 'claim.excluded')
            ORDER BY subject_id, log_index DESC
        ), last AS (
            SELECT DISTINCT ON (subject_id) * FROM told WHERE kind <> 'claim.revised'
            ORDER BY subject_id, log_index DESC
        )
        SELECT d.subject_id AS claim_id, d.log_index AS drafted_index, d.programme, d.party_id,
            d.actor_id AS drafted_by, c.version, c.content, c.content AS content_sha256, s.policy_id,
            s.actor_id AS submitted_by, s.log_index AS submitted_index, s.effective AS submitted_on,
            r.actor_id AS reviewed_by, r.log_index AS reviewed_index, r.verified, r.amount AS recommended,
            n.notice_id, e.actor_id AS decided_by, e.log_index AS decided_index, e.amount AS awarded,
            (c.milestone ->> 'contract')::uuid AS contract_id, (c.milestone ->> 'number')::smallint AS milestone,
            v.actor_id AS revoked_by, v.log_index AS revoked_index,
            CASE l.kind WHEN 'claim.drafted' THEN 'draft' WHEN 'claim.sent_back' THEN 'returned'
                WHEN 'claim.declined' THEN 'rejected' WHEN 'claim.excluded' THEN 'rejected'
                ELSE split_part(l.kind, '.', 2) END AS state
        FROM told d
        JOIN content c USING (subject_id)
        JOIN last l USING (subject_id)
        LEFT JOIN submitted s USING (subject_id)
        LEFT JOIN reviewed r USING (subject_id)
        LEFT JOIN noticed n USING (subject_id)
        LEFT JOIN decided e USING (subject_id)
        LEFT JOIN told v ON v.subject_id = d.subject_id AND v.kind = 'claim.revoked'
        WHERE d.kind = 'claim.drafted'"
);

/// The lines of each version of a claim.
pub(super) const LINES: &str = rows_of!(
    "claim_line", key: "claim_line", order: "claim_line",
    stored: "
        SELECT concat_ws(' ', claim_id, version, line) AS claim_line, claim_id, version, line, fact, value, reference
        FROM ledger.claim_line WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.subject_id, (row_number() OVER (PARTITION BY e.subject_id ORDER BY e.log_index))::integer
                AS version, convert_from(e.body, 'UTF8')::json #> '{details,input,lines}' AS lines
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('claim.drafted', 'claim.revised')
        )
        SELECT concat_ws(' ', t.subject_id, t.version, l.line) AS claim_line, t.subject_id AS claim_id, t.version,
            l.line::smallint AS line, l.value ->> 'fact' AS fact, l.value ->> 'value' AS value,
            l.value ->> 'reference' AS reference
        FROM told t CROSS JOIN LATERAL json_array_elements(t.lines) WITH ORDINALITY l (value, line)"
);

/// The waivers that each version names, as the rent book said them. The version that was submitted last keeps its waivers
/// from other claims, until the claim is turned down, withdrawn or revoked.
pub(super) const WAIVERS: &str = rows_of!(
    "claim_waiver", key: "claim_waiver", order: "claim_waiver",
    stored: "
        SELECT concat_ws(' ', claim_id, version, waiver_id) AS claim_waiver, claim_id, version, waiver_id, taken
        FROM ledger.claim_waiver WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.subject_id, e.log_index, (row_number() OVER (PARTITION BY e.subject_id ORDER BY e.log_index))::integer
                AS version, convert_from(e.body, 'UTF8')::json #> '{details,answer,relief,waivers}' AS waivers
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('claim.drafted', 'claim.revised')
        ), became AS (
            SELECT e.subject_id, max(e.log_index) FILTER (WHERE e.kind = 'claim.submitted') AS submitted_index,
                bool_or(e.kind <> 'claim.submitted') AS is_over
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('claim.submitted', 'claim.rejected', 'claim.declined', 'claim.excluded',
                'claim.withdrawn', 'claim.revoked')
            GROUP BY e.subject_id
        ), submitted AS (
            SELECT b.subject_id, max(t.version) AS version, bool_or(b.is_over) AS is_over
            FROM became b JOIN told t ON t.subject_id = b.subject_id AND t.log_index < b.submitted_index
            GROUP BY b.subject_id
        )
        SELECT concat_ws(' ', t.subject_id, t.version, w.one ->> 'waiver') AS claim_waiver, t.subject_id AS claim_id,
            t.version, (w.one ->> 'waiver')::uuid AS waiver_id,
            coalesce(s.version = t.version AND NOT s.is_over, false) AS taken
        FROM told t
        CROSS JOIN LATERAL json_array_elements(t.waivers) w (one)
        LEFT JOIN submitted s USING (subject_id)"
);

/// Notices, as they were published.
pub(super) const NOTICES: &str = rows_of!(
    "notice", key: "notice_id", order: "published_index",
    stored: "
        SELECT notice_id, published_index, programme, published_by, published_on, working_days::integer AS working_days,
            last_day
        FROM ledger.notice WHERE zone_id = $1",
    log: "
        SELECT e.subject_id AS notice_id, e.log_index AS published_index, d.programme, e.actor_id AS published_by,
            e.effective AS published_on, d.working_days, d.last_day
        FROM ledger.entry e
        CROSS JOIN LATERAL json_to_record(convert_from(e.body, 'UTF8')::json -> 'details')
            AS d (programme text, working_days integer, last_day date)
        WHERE e.zone_id = $1 AND e.kind = 'notice.published'"
);

/// What each notice shows.
pub(super) const ITEMS: &str = rows_of!(
    "notice_item", key: "item", order: "log_index",
    stored: "
        SELECT concat_ws(' ', notice_id, claim_id) AS item, log_index, notice_id, claim_id, amount FROM ledger.notice_item WHERE zone_id = $1",
    log: "
        SELECT concat_ws(' ', ", cut!("notice", 36), ", e.subject_id) AS item, e.log_index,
            ", cut!("notice", 36), "::uuid AS notice_id, e.subject_id AS claim_id,
            ", amount!("amount", 20), " AS amount
        FROM ledger.entry e WHERE e.zone_id = $1 AND e.kind = 'claim.noticed'"
);

/// Rounds, as they were closed.
pub(super) const ROUNDS: &str = rows_of!(
    "claim_round", key: "round_id", order: "closed_index",
    stored: "
        SELECT r.round_id, r.closed_index, r.programme, encode(p.sha256, 'hex') AS policy_id, r.fiscal_year, r.closed_by,
            r.budget, r.demand
        FROM ledger.claim_round r
        LEFT JOIN ledger.policy p ON p.zone_id = r.zone_id AND p.policy_id = r.policy_id
        WHERE r.zone_id = $1",
    log: "
        SELECT e.subject_id AS round_id, e.log_index AS closed_index, d.programme, d.policy_sha256 AS policy_id,
            extract(year FROM e.effective)::smallint AS fiscal_year, e.actor_id AS closed_by,
            replace(d.budget, '.', '')::bigint AS budget, replace(d.demand, '.', '')::bigint AS demand
        FROM ledger.entry e
        CROSS JOIN LATERAL json_to_record(convert_from(e.body, 'UTF8')::json -> 'details')
            AS d (programme text, policy_sha256 text, budget text, demand text)
        WHERE e.zone_id = $1 AND e.kind = 'claim_round.closed'"
);

/// What each round gave each claim.
pub(super) const PLACES: &str = rows_of!(
    "claim_place", key: "claim_place", order: "log_index",
    stored: "
        SELECT concat_ws(' ', round_id, claim_id) AS claim_place, log_index, round_id, claim_id, reviewed_index, class,
            place, amount
        FROM ledger.claim_place WHERE zone_id = $1",
    log: "
        SELECT concat_ws(' ', d.input ->> 'round', e.subject_id) AS claim_place, e.log_index,
            (d.input ->> 'round')::uuid AS round_id, e.subject_id AS claim_id,
            (d.answer ->> 'review')::bigint AS reviewed_index, d.answer ->> 'class' AS class,
            (d.answer ->> 'place')::integer AS place, replace(d.answer ->> 'amount', '.', '')::bigint AS amount
        FROM ledger.entry e
        CROSS JOIN LATERAL json_to_record(convert_from(e.body, 'UTF8')::json -> 'details')
            AS d (answer json, input json)
        WHERE e.zone_id = $1 AND e.kind = 'claim.ranked'"
);

/// Approvals at each level: whose review they rest on, and which version that review saw.
pub(super) const APPROVALS: &str = rows_of!(
    "claim_approval", key: "approval", order: "log_index",
    stored: "
        SELECT concat_ws(' ', claim_id, reviewed_index, level) AS approval, log_index, claim_id, version, reviewed_index, level::integer AS level, role, person_id, principal_id,
            submitted_by, reviewed_by
        FROM ledger.claim_approval WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('claim.drafted', 'claim.revised', 'claim.submitted', 'claim.approved',
                'claim.level_approved')
        ), approved AS (
            SELECT e.log_index, e.subject_id, e.actor_id, d.answer, (d.input ->> 'review')::bigint AS reviewed_index
            FROM ledger.entry e
            CROSS JOIN LATERAL json_to_record(convert_from(e.body, 'UTF8')::json -> 'details')
                AS d (answer json, input json)
            WHERE e.zone_id = $1 AND e.kind IN ('claim.approved', 'claim.level_approved')
        )
        SELECT concat_ws(' ', a.subject_id, a.reviewed_index, a.answer ->> 'level') AS approval, a.log_index,
            a.subject_id AS claim_id,
            (SELECT count(*)::integer FROM told t WHERE t.subject_id = a.subject_id AND t.log_index < a.log_index
                AND t.kind IN ('claim.drafted', 'claim.revised')) AS version,
            a.reviewed_index, (a.answer ->> 'level')::integer AS level, a.answer ->> 'role' AS role,
            a.actor_id AS person_id, (a.answer ->> 'principal')::uuid AS principal_id,
            (SELECT t.actor_id FROM told t WHERE t.subject_id = a.subject_id AND t.log_index < a.log_index
                AND t.kind = 'claim.submitted' ORDER BY t.log_index DESC LIMIT 1) AS submitted_by,
            (SELECT r.actor_id FROM ledger.entry r WHERE r.zone_id = $1 AND r.log_index = a.reviewed_index)
                AS reviewed_by
        FROM approved a"
);

/// Sets of levels: proposed by one person, confirmed by another.
pub(super) const LEVELS: &str = rows_of!(
    "approval_levels", key: "proposed_index", order: "proposed_index",
    stored: "
        SELECT proposed_index, levels, proposed_by, confirmed_by, confirmed_index
        FROM ledger.approval_levels WHERE zone_id = $1",
    log: "
        WITH confirmed AS (
            SELECT e.log_index, e.actor_id,
                (convert_from(e.body, 'UTF8')::json #>> '{details,proposed}')::bigint AS proposed
            FROM ledger.entry e WHERE e.zone_id = $1 AND e.kind = 'approval_levels.confirmed'
        )
        SELECT p.log_index AS proposed_index, convert_from(p.body, 'UTF8')::json #>> '{details,levels}' AS levels,
            p.actor_id AS proposed_by, c.actor_id AS confirmed_by, c.log_index AS confirmed_index
        FROM ledger.entry p
        LEFT JOIN confirmed c ON c.proposed = p.log_index
        WHERE p.zone_id = $1 AND p.kind = 'approval_levels.proposed'"
);

/// Recusals, until they are lifted.
pub(super) const RECUSALS: &str = rows_of!(
    "recusal", key: "declared_index", order: "declared_index",
    stored: "
        SELECT declared_index, person_id, party_id, lifted_index FROM ledger.recusal WHERE zone_id = $1",
    log: "
        WITH lifted AS (
            SELECT e.log_index, (convert_from(e.body, 'UTF8')::json #>> '{details,declared}')::bigint AS declared
            FROM ledger.entry e WHERE e.zone_id = $1 AND e.kind = 'recusal.lifted'
        )
        SELECT r.log_index AS declared_index, d.person AS person_id, d.party AS party_id,
            l.log_index AS lifted_index
        FROM ledger.entry r
        CROSS JOIN LATERAL json_to_record(convert_from(r.body, 'UTF8')::json -> 'details')
            AS d (person uuid, party uuid)
        LEFT JOIN lifted l ON l.declared = r.log_index
        WHERE r.zone_id = $1 AND r.kind = 'recusal.declared'"
);

/// Delegations, until they are revoked.
pub(super) const DELEGATIONS: &str = rows_of!(
    "delegation", key: "given_index", order: "given_index",
    stored: "
        SELECT given_index, principal_id, delegate_id, role, first_day, last_day, revoked_index
        FROM ledger.delegation WHERE zone_id = $1",
    log: "
        WITH revoked AS (
            SELECT e.log_index, (convert_from(e.body, 'UTF8')::json #>> '{details,given}')::bigint AS given
            FROM ledger.entry e WHERE e.zone_id = $1 AND e.kind = 'delegation.revoked'
        )
        SELECT g.log_index AS given_index, g.actor_id AS principal_id, d.delegate AS delegate_id, d.role,
            d.first_day, d.last_day, r.log_index AS revoked_index
        FROM ledger.entry g
        CROSS JOIN LATERAL json_to_record(convert_from(g.body, 'UTF8')::json -> 'details')
            AS d (delegate uuid, role text, first_day date, last_day date)
        LEFT JOIN revoked r ON r.given = g.log_index
        WHERE g.zone_id = $1 AND g.kind = 'delegation.given'"
);
