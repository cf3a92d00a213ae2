//! Bank accounts, and what the bank said, as the log tells them, compared with their rows.

use super::compare::{cut, rows_of};

/// An account is what its proposal says, by digests: the log has neither number nor mark. It is superseded by the next
/// confirmation for the same party, or, while it is only proposed, by the next proposal.
pub(super) const ACCOUNTS: &str = rows_of!(
    "bank_account", key: "account_id", order: "proposed_index",
    stored: "
        SELECT account_id, proposed_index, party_id, encode(sha256(sealed), 'hex') AS sealed,
            encode(sha256(uuid_send(account_id) || number_mark), 'hex') AS number_mark,
            encode(sha256(uuid_send(account_id) || holder_mark), 'hex') AS holder_mark,
            encode(sha256(uuid_send(account_id) || convert_to(masked, 'UTF8') || number_mark), 'hex') AS masked,
            proposed_by, confirmed_by, confirmed_index, superseded_index
        FROM ledger.bank_account WHERE zone_id = $1",
    log: "
        WITH told AS (
            SELECT e.log_index, e.kind, e.subject_id, e.actor_id, (", cut!("party", 36), ")::uuid AS party_id,
                ", cut!("sealed_sha256", 64), " AS sealed, ", cut!("number_mark_sha256", 64), " AS number_mark,
                ", cut!("holder_mark_sha256", 64), " AS holder_mark, ", cut!("masked_sha256", 64), " AS masked
            FROM ledger.entry e
            WHERE e.zone_id = $1 AND e.kind IN ('bank_account.proposed', 'bank_account.confirmed')
        ), followed AS (
            SELECT *, lead(log_index) OVER (PARTITION BY kind, party_id ORDER BY log_index) AS next FROM told
        )
        SELECT p.subject_id AS account_id, p.log_index AS proposed_index, p.party_id, p.sealed, p.number_mark,
            p.holder_mark, p.masked, p.actor_id AS proposed_by, c.actor_id AS confirmed_by,
            c.log_index AS confirmed_index,
            CASE WHEN c.log_index IS NULL THEN p.next ELSE c.next END AS superseded_index
        FROM followed p
        LEFT JOIN followed c ON c.subject_id = p.subject_id AND c.kind = 'bank_account.confirmed'
        WHERE p.kind = 'bank_account.proposed'"
);

/// A file is what its entry says.
pub(super) const FILES: &str = rows_of!(
    "bank_file", key: "sha256", order: "log_index",
    stored: "
        SELECT encode(sha256, 'hex') AS sha256, log_index, message FROM ledger.bank_file WHERE zone_id = $1",
    log: "
        SELECT ", cut!("sha256", 64), " AS sha256, e.log_index, ", cut!("message", 8), " AS message
        FROM ledger.entry e WHERE e.zone_id = $1 AND e.kind IN ('bank_file.status', 'bank_file.statement')"
);

/// Statements stand in the entry of their file, and their lines as a digest, which the rows must have.
pub(super) const STATEMENTS: &str = rows_of!(
    "bank_statement", key: "statement", order: "file_index",
    stored: "
        SELECT concat(s.file_index, ', position ', s.position) AS statement, s.file_index, s.statement_id, s.opening,
            s.opening_on, s.closing, s.closing_on, s.lines, encode(s.lines_sha256, 'hex') AS lines_sha256
        FROM ledger.bank_statement s WHERE s.zone_id = $1",
    log: "
        SELECT concat(e.log_index, ', position ', s.position) AS statement, e.log_index AS file_index, s.statement_id,
            s.opening, s.opening_on, s.closing, s.closing_on, s.lines, s.lines_sha256
        FROM ledger.entry e
        CROSS JOIN LATERAL json_to_recordset(convert_from(e.body, 'UTF8')::json #> '{details,statements}')
            AS s (closing bigint, closing_on date, lines integer, lines_sha256 text, opening bigint, opening_on date,
                position integer, statement_id text)
        WHERE e.zone_id = $1 AND e.kind = 'bank_file.statement'"
);

/// The lines of a statement have the digest that its entry says, which was compared with its row before.
pub(super) const LINES: &str = rows_of!(
    "bank_line", key: "statement", order: "statement",
    stored: "
        SELECT concat(file_index, ', position ', position) AS statement, count(*)::integer AS lines,
            encode(sha256(convert_to(string_agg(concat_ws(chr(31), place, direction, amount, booked_on, is_return::text,
                coalesce(end_to_end_id, ''), coalesce(reference, ''), coalesce(encode(number_mark, 'hex'), ''),
                coalesce(encode(holder_mark, 'hex'), ''), coalesce(masked, ''), coalesce(code, '')) || chr(10), ''
                ORDER BY place), 'UTF8')), 'hex') AS lines_sha256
        FROM (SELECT *, row_number() OVER (PARTITION BY file_index, position ORDER BY number) AS place
            FROM ledger.bank_line WHERE zone_id = $1) b
        GROUP BY file_index, position",
    log: "
        SELECT concat(file_index, ', position ', position) AS statement, lines, encode(lines_sha256, 'hex') AS lines_sha256
        FROM ledger.bank_statement WHERE zone_id = $1 AND lines > 0"
);

/// What a line is, an entry says that names it.
pub(super) const MATCHES: &str = rows_of!(
    "bank_line", key: "line", order: "line",
    stored: "
        SELECT concat('S', file_index, '-', number) AS line, instruction, receipt_index, matched_by, matched_index
        FROM ledger.bank_line
        WHERE zone_id = $1 AND num_nonnulls(instruction, receipt_index, matched_by, matched_index) > 0",
    log: "
        SELECT ", cut!("bank_line", 40), " AS line,
            CASE WHEN e.kind <> 'payment.returned' THEN ", cut!("end_to_end_id", 35), " END AS instruction,
            CASE e.kind WHEN 'bank_line.matched'
                THEN (convert_from(e.body, 'UTF8')::json #>> '{details,receipt_index}')::bigint
                WHEN 'recovery.received' THEN e.log_index WHEN 'payment.returned' THEN e.log_index END
                AS receipt_index,
            ", cut!("matched_by", 8), " AS matched_by, e.log_index AS matched_index
        FROM ledger.entry e
        WHERE e.zone_id = $1 AND e.kind IN ('payment.confirmed', 'payment.returned', 'bank_line.matched',
                'recovery.received')
            AND position('\"bank_line\":\"'::bytea IN e.body) > 0"
);
