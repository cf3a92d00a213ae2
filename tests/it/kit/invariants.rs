//! What must hold of a zone after every command (docs/invariants.md), asked of the database itself.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sqlx::PgConnection;
use subsidy_ledger::types::ZoneId;
use subsidy_ledger::verify::VerifyError;
use subsidy_ledger::verify::database::cross::check_all;

/// Each rule with a query for what breaks it.
const RULES: &[(&str, &str)] = &[
    (
        "a voucher's free and held parts are the balances of its accounts, and all parts its face",
        "SELECT v.voucher_id::text FROM ledger.voucher v
         LEFT JOIN ledger.account b40 ON b40.code = 'B40' AND b40.item_id = v.voucher_id
         LEFT JOIN ledger.account b50 ON b50.code = 'B50' AND b50.item_id = v.voucher_id
         WHERE v.free <> coalesce(b40.credits - b40.debits, 0)
             OR v.held <> coalesce(b50.credits - b50.debits, 0)
             OR v.face <> v.free + v.held + v.redeemed + v.expired + v.cancelled",
    ),
    (
        "a voucher's holds add up to what is held and redeemed of it",
        "SELECT v.voucher_id::text FROM ledger.voucher v
         LEFT JOIN ledger.hold h ON h.voucher_id = v.voucher_id
         GROUP BY v.voucher_id, v.held, v.redeemed
         HAVING v.held <> coalesce(sum(h.amount) FILTER (WHERE h.state = 'held'), 0)
             OR v.redeemed <> coalesce(sum(h.redeemed), 0)",
    ),
    (
        "every book balances",
        "SELECT left(code, 1) FROM ledger.account GROUP BY 1 HAVING sum(debits) <> sum(credits)",
    ),
    (
        "authority is the sum of what became of it",
        "SELECT 'B10' WHERE (SELECT sum(debits - credits) FROM ledger.account WHERE code = 'B10')
             <> (SELECT sum(credits - debits) FROM ledger.account WHERE code LIKE 'B%' AND code <> 'B10')",
    ),
    (
        "control totals are sums over accounts",
        "SELECT code || ' ' || programme FROM ledger.control_total t
         FULL JOIN (SELECT code, coalesce(programme, '') AS programme, coalesce(fiscal_year, 0) AS fiscal_year,
                 sum(debits) AS debits, sum(credits) AS credits
             FROM ledger.account GROUP BY 1, 2, 3) a USING (code, programme, fiscal_year)
         WHERE (t.debits, t.credits) IS DISTINCT FROM (a.debits::bigint, a.credits::bigint)",
    ),
    (
        "what is used of a yearly limit is what the holder was granted and did not give back",
        "SELECT coalesce(a.address, v.party_id::text) FROM
             (SELECT programme, fiscal_year, party_id, sum(used) AS used FROM (
                 SELECT programme, fiscal_year, party_id, face - expired - cancelled AS used
                 FROM ledger.voucher WHERE counts_in_year
                 UNION ALL
                 SELECT c.programme, q.fiscal_year, c.party_id, c.awarded FROM ledger.claim c
                 JOIN ledger.transfer t ON t.log_index = c.decided_index
                 JOIN ledger.account q ON q.account_id = t.credit_account_id AND q.code = 'Q30'
                 WHERE c.state = 'approved') u GROUP BY 1, 2, 3) v
         FULL JOIN (SELECT *, credits - debits AS used FROM ledger.account WHERE code = 'Q30') a
             USING (programme, fiscal_year, party_id)
         WHERE coalesce(a.used, 0) <> coalesce(v.used, 0)",
    ),
    (
        "what is used of a holding limit is what the holder has",
        "SELECT coalesce(a.address, v.party_id::text) FROM
             (SELECT programme, party_id, sum(free + held) AS used
              FROM ledger.voucher WHERE counts_as_held GROUP BY 1, 2) v
         FULL JOIN (SELECT *, credits - debits AS used FROM ledger.account WHERE code = 'Q31') a
             USING (programme, party_id)
         WHERE a.used IS DISTINCT FROM v.used",
    ),
    (
        "what is left and used of limits adds up to the limits",
        "SELECT programme FROM ledger.account WHERE code LIKE 'Q%' GROUP BY 1
         HAVING sum(debits - credits) <> 0",
    ),
    (
        "a payee's account is what is owed to it and not sent",
        "SELECT coalesce(a.address, p.party_id::text) FROM
             (SELECT programme, fiscal_year, party_id, sum(owed) AS owed FROM
                 (SELECT programme, fiscal_year, payee_id AS party_id, amount - set_off AS owed FROM ledger.payable
                  WHERE state IN ('owed', 'approved', 'prepared')
                  UNION ALL SELECT 'of the past', 0, party_id, granted FROM ledger.imported_award
                  WHERE reversed_by IS NULL AND party_id IS NOT NULL) o GROUP BY 1, 2, 3) p
         FULL JOIN (SELECT coalesce(programme, 'of the past') AS programme, coalesce(fiscal_year, 0) AS fiscal_year,
                 party_id, address, credits - debits AS owed
             FROM ledger.account WHERE code = 'F2010' AND party_id IS NOT NULL) a
             USING (programme, fiscal_year, party_id)
         WHERE coalesce(a.owed, 0) <> coalesce(p.owed, 0)",
    ),
    (
        "money in transit is what is sent, obligated authority what is not paid or offset, spent authority what is and did \
         not come back",
        "WITH p AS (SELECT coalesce(sum(amount - set_off) FILTER (WHERE state = 'sent'), 0) AS sent,
                 coalesce(sum(amount - set_off) FILTER (WHERE state NOT IN ('paid', 'revoked')), 0)
                     + (SELECT coalesce(sum(granted), 0) FROM ledger.imported_award WHERE reversed_by IS NULL) AS unpaid,
                 coalesce(sum(amount - set_off) FILTER (WHERE state = 'paid'), 0) AS paid,
                 coalesce(sum(set_off), 0) AS set_off FROM ledger.payable),
             r AS (SELECT coalesce(sum(received), 0) AS received, coalesce(sum(set_off), 0) AS set_off
                 FROM ledger.recovery),
             a AS (SELECT coalesce(sum(credits - debits) FILTER (WHERE code = 'F1020'), 0) AS f1020,
                 coalesce(sum(credits - debits) FILTER (WHERE code = 'B60'), 0) AS b60,
                 coalesce(sum(credits - debits) FILTER (WHERE code = 'B70'), 0) AS b70,
                 coalesce(sum(debits - credits) FILTER (WHERE code = 'F1010'), 0) AS f1010,
                 coalesce(sum(credits - debits) FILTER (WHERE code = 'F3010'), 0) AS appropriated
             FROM ledger.account)
         SELECT row_to_json(a)::text || row_to_json(p)::text || row_to_json(r)::text FROM a, p, r
         WHERE f1020 <> sent OR b60 <> unpaid OR b70 <> paid - received OR p.set_off <> r.set_off
             OR f1010 <> appropriated - paid + received",
    ),
    (
        "a payable is paid when one line says so, and sent when one line waits",
        "SELECT p.payable_id::text FROM ledger.payable p
         LEFT JOIN ledger.payment_line l ON l.payable_id = p.payable_id
         GROUP BY p.payable_id, p.state
         HAVING count(*) FILTER (WHERE l.state = 'paid') <> (p.state = 'paid')::int
             OR count(*) FILTER (WHERE l.state = 'sent') <> (p.state = 'sent')::int
             OR count(*) FILTER (WHERE l.state = 'prepared') <> (p.state = 'prepared')::int",
    ),
    (
        "what a recovery has open is its account, and what is ordered and not given up is income",
        "SELECT coalesce(a.address, r.recovery_id::text) FROM
             (SELECT * FROM ledger.account WHERE code = 'F1210') a
         FULL JOIN ledger.recovery r ON r.recovery_id = a.item_id
         WHERE coalesce(a.debits - a.credits, 0) <> coalesce(r.open, 0)
         UNION ALL
         SELECT 'F5090' WHERE (SELECT coalesce(sum(credits - debits), 0) FROM ledger.account WHERE code = 'F5090')
             <> (SELECT coalesce(sum(open + received + set_off), 0) FROM ledger.recovery)",
    ),
    (
        "what settled a recovery adds up to its parts, and an offset to that of its payable",
        "SELECT r.recovery_id::text FROM ledger.recovery r
         LEFT JOIN ledger.recovery_settlement s USING (recovery_id)
         GROUP BY r.recovery_id, r.received, r.set_off, r.written_off
         HAVING r.received <> coalesce(sum(s.amount) FILTER (WHERE s.way = 'cash'), 0)
             OR r.set_off <> coalesce(sum(s.amount) FILTER (WHERE s.way = 'offset'), 0)
             OR r.written_off <> coalesce(sum(s.amount) FILTER (WHERE s.way = 'write_off'), 0)
         UNION ALL
         SELECT p.payable_id::text FROM ledger.payable p
         LEFT JOIN ledger.recovery_settlement s ON s.payable_id = p.payable_id
         GROUP BY p.payable_id, p.set_off HAVING p.set_off <> coalesce(sum(s.amount), 0)",
    ),
    (
        "a line that pays a payable is what was not offset of it",
        "SELECT l.end_to_end_id FROM ledger.payment_line l JOIN ledger.payable p USING (payable_id)
         WHERE l.state IN ('prepared', 'sent', 'paid') AND l.amount <> p.amount - p.set_off",
    ),
    (
        "a batch is its lines: those prepared while it waits, those sent once it is released",
        "SELECT b.batch_id::text FROM ledger.payment_batch b
         LEFT JOIN ledger.payment_line l ON l.batch_id = b.batch_id
         GROUP BY b.batch_id, b.state, b.lines, b.total
         HAVING b.state <> 'discarded' AND (count(*) FILTER (WHERE l.state <> 'withdrawn') <> b.lines
                 OR sum(l.amount) FILTER (WHERE l.state <> 'withdrawn') <> b.total)
             OR count(*) FILTER (WHERE l.state = 'prepared') > 0 AND b.state <> 'prepared'
             OR count(*) FILTER (WHERE l.state NOT IN ('prepared', 'withdrawn')) > 0 AND b.state <> 'released'",
    ),
    (
        "what is reserved for a contract is its account, and what is accepted of a milestone what its claim was given",
        "SELECT coalesce(c.contract_id::text, '') FROM ledger.contract c
         LEFT JOIN (SELECT contract_id, sum(reserved) AS reserved FROM ledger.contract_milestone GROUP BY 1) m
             USING (contract_id)
         LEFT JOIN ledger.account a ON a.code = 'B50' AND a.item_id = c.contract_id
         WHERE coalesce(m.reserved, 0) <> coalesce(a.credits - a.debits, 0)
         UNION ALL
         SELECT c.claim_id::text FROM ledger.claim c
         FULL JOIN ledger.contract_milestone m ON m.claim_id = c.claim_id
         WHERE (c.state = 'approved' AND c.contract_id IS NOT NULL OR m.claim_id IS NOT NULL)
             AND (c.contract_id, c.milestone, c.awarded, c.state)
                 IS DISTINCT FROM (m.contract_id, m.number, m.accepted, 'approved')",
    ),
    (
        "nothing is owed of a revoked claim, and something of an approved one",
        "SELECT c.claim_id::text FROM ledger.claim c LEFT JOIN ledger.payable p ON p.payable_id = c.claim_id
         WHERE (c.state = 'revoked') <> coalesce(p.state = 'revoked', false)
             OR (c.state IN ('approved', 'revoked')) <> (p.payable_id IS NOT NULL)",
    ),
    (
        "a statement's lines make its closing balance of its opening one, and each begins where the one before ended",
        "SELECT s.statement_id FROM (SELECT *, lag(closing) OVER (ORDER BY file_index, position) AS before
             FROM ledger.bank_statement) s
         LEFT JOIN ledger.bank_line b ON b.file_index = s.file_index AND b.position = s.position
         GROUP BY s.statement_id, s.opening, s.closing, s.before
         HAVING s.opening + coalesce(sum(CASE b.direction WHEN 'credit' THEN b.amount ELSE -b.amount END), 0)
             <> s.closing OR s.before <> s.opening",
    ),
    (
        "a line of the bank that is an instruction has its amount",
        "SELECT l.end_to_end_id FROM ledger.bank_line b
         JOIN ledger.payment_line l ON l.end_to_end_id = b.instruction
         WHERE b.amount <> l.amount OR l.state NOT IN ('paid', 'returned')",
    ),
    (
        "the parts of a lease's bills are the balances of its accounts, and an extension is billed and waived at once",
        "SELECT l.lease_id::text FROM ledger.lease l
         LEFT JOIN (SELECT lease_id, sum(rent) AS rent, sum(open) AS open, sum(deferred) AS deferred, sum(paid) AS paid,
                 sum(waived) AS waived FROM ledger.rent_bill GROUP BY 1) b USING (lease_id)
         LEFT JOIN (SELECT lease_id, sum(coalesce(settled, amount)) AS extended FROM ledger.waiver
             WHERE way = 'extension' AND voided_index IS NULL GROUP BY 1) w USING (lease_id)
         LEFT JOIN (SELECT item_id, sum(debits - credits) FILTER (WHERE code = 'M1010') AS m1010,
                 sum(debits - credits) FILTER (WHERE code = 'M1020') AS m1020,
                 sum(debits - credits) FILTER (WHERE code = 'M1030') AS m1030,
                 sum(credits - debits) FILTER (WHERE code = 'M4010') AS m4010,
                 sum(debits - credits) FILTER (WHERE code = 'M5010') AS m5010
             FROM ledger.account WHERE code LIKE 'M%' GROUP BY 1) a ON a.item_id = l.lease_id
         WHERE coalesce(m1010, 0) <> coalesce(open, 0) OR coalesce(m1020, 0) <> coalesce(deferred, 0)
             OR coalesce(m1030, 0) <> coalesce(paid, 0)
             OR coalesce(m4010, 0) <> coalesce(rent, 0) + coalesce(extended, 0)
             OR coalesce(m5010, 0) <> coalesce(waived, 0) + coalesce(extended, 0)",
    ),
    (
        "what is deferred in a lease's bills is what its deferrals have open",
        "SELECT lease_id::text FROM (SELECT lease_id, sum(deferred) AS deferred FROM ledger.rent_bill GROUP BY 1) b
         FULL JOIN (SELECT lease_id, sum(open) AS open FROM ledger.deferral GROUP BY 1) d USING (lease_id)
         WHERE coalesce(deferred, 0) <> coalesce(open, 0)",
    ),
    (
        "what is waived in a lease's bills is what its waivers come to",
        "SELECT lease_id::text FROM (SELECT lease_id, sum(waived) AS waived FROM ledger.rent_bill GROUP BY 1) b
         FULL JOIN (SELECT lease_id, sum(coalesce(settled, amount)) AS stands FROM ledger.waiver
             WHERE way <> 'extension' AND voided_index IS NULL GROUP BY 1) w USING (lease_id)
         WHERE coalesce(waived, 0) <> coalesce(stands, 0)",
    ),
    (
        "the log has no gaps",
        "SELECT h.size::text FROM ledger.log_head h
         WHERE h.size <> (SELECT count(*) FROM ledger.entry)
             OR h.size <> (SELECT max(log_index) + 1 FROM ledger.entry)",
    ),
];

/// The rules that are broken, with what breaks them.
pub(crate) async fn broken_rules(conn: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    static QUERY: LazyLock<String> = LazyLock::new(|| {
        let queries = RULES.iter().map(|(rule, query)| {
            let rule = rule.replace('\'', "''");
            format!("SELECT '{rule}: ' || coalesce(what, '') FROM ({query}) AS broken (what)")
        });
        queries.collect::<Vec<_>>().join(" UNION ALL ")
    });
    sqlx::query_scalar(QUERY.as_str()).fetch_all(conn).await
}

/// The rules that are broken, and what `verify` would find in the zone's rows, which costs more.
pub(crate) async fn broken(
    conn: &mut PgConnection,
    zone: ZoneId,
) -> Result<Vec<String>, sqlx::Error> {
    let mut broken = broken_rules(conn).await?;
    match check_all(conn, zone).await {
        Ok(()) => {}
        Err(VerifyError::Database(error)) => return Err(error),
        Err(found) => broken.push(found.to_string()),
    }
    Ok(broken)
}

/// Balances by account code, positive on their normal sides, in minor units.
pub(crate) async fn balances(
    conn: &mut PgConnection,
) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT code, sum(CASE normal_side WHEN 'D' THEN debits - credits ELSE credits - debits END)::bigint
         FROM ledger.account GROUP BY code",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// Accounts and rows as text: equal texts mean that nothing has changed but the log.
pub(crate) async fn state(conn: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT address || ' ' || debits || ' ' || credits FROM ledger.account
         UNION ALL SELECT row_to_json(a)::text FROM ledger.voucher_application a
         UNION ALL SELECT row_to_json(v)::text FROM ledger.voucher v
         UNION ALL SELECT row_to_json(h)::text FROM ledger.hold h
         UNION ALL SELECT row_to_json(p)::text FROM ledger.payable p
         UNION ALL SELECT row_to_json(b)::text FROM ledger.payment_batch b
         UNION ALL SELECT row_to_json(l)::text FROM ledger.payment_line l
         UNION ALL SELECT row_to_json(l)::text FROM ledger.lease l
         UNION ALL SELECT row_to_json(b)::text FROM ledger.rent_bill b
         UNION ALL SELECT row_to_json(m)::text FROM ledger.rent_move m
         UNION ALL SELECT row_to_json(w)::text FROM ledger.waiver w
         UNION ALL SELECT row_to_json(d)::text FROM ledger.deferral d
         UNION ALL SELECT row_to_json(i)::text FROM ledger.instalment i
         UNION ALL SELECT row_to_json(a)::text FROM ledger.bank_account a
         UNION ALL SELECT row_to_json(f)::text FROM ledger.bank_file f
         UNION ALL SELECT row_to_json(s)::text FROM ledger.bank_statement s
         UNION ALL SELECT row_to_json(l)::text FROM ledger.bank_line l
         UNION ALL SELECT row_to_json(r)::text FROM ledger.recovery r
         UNION ALL SELECT row_to_json(s)::text FROM ledger.recovery_settlement s
         UNION ALL SELECT row_to_json(i)::text FROM ledger.recovery_instalment i
         UNION ALL SELECT row_to_json(w)::text FROM ledger.recovery_write_off w
         UNION ALL SELECT row_to_json(c)::text FROM ledger.claim c
         UNION ALL SELECT row_to_json(k)::text FROM ledger.contract k
         UNION ALL SELECT row_to_json(m)::text FROM ledger.contract_milestone m
         UNION ALL SELECT row_to_json(e)::text FROM ledger.contract_ending e
         ORDER BY 1",
    )
    .fetch_all(conn)
    .await
}
