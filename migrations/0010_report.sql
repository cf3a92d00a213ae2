-- What people read with their own SQL: views with NUMERIC amounts in the currency's major unit.
--
-- Every view runs with the rights and the row-level security of whoever reads it (security_invoker),
-- and lets no function of the reader see rows before the view's own conditions do (security_barrier).

-- Exact: minor units have as many decimals as ISO 4217 gives the currency, and nothing is rounded.
CREATE FUNCTION ledger.major_units(minor numeric, currency text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE currency WHEN 'JPY' THEN minor ELSE minor * 0.01 END;
COMMENT ON FUNCTION ledger.major_units(numeric, text) IS 'minor units (fen, cents) as yuan, euros and so on, exactly';

CREATE VIEW ledger.journal_line WITH (security_invoker = true, security_barrier = true) AS
SELECT t.zone_id, t.log_index, t.position, e.recorded_at, e.effective, e.kind, e.actor_id,
    e.subject_id, e.reverses, left(d.code, 1) AS book, d.address AS debit_account,
    c.address AS credit_account, d.currency::text AS currency,
    ledger.major_units(t.amount, d.currency) AS amount
FROM ledger.transfer t
JOIN ledger.entry e ON e.zone_id = t.zone_id AND e.log_index = t.log_index
JOIN ledger.account d ON d.zone_id = t.zone_id AND d.account_id = t.debit_account_id
JOIN ledger.account c ON c.zone_id = t.zone_id AND c.account_id = t.credit_account_id;
COMMENT ON VIEW ledger.journal_line IS 'the journal: one row for each transfer, with its entry and both accounts';
COMMENT ON COLUMN ledger.journal_line.zone_id IS 'zone';
COMMENT ON COLUMN ledger.journal_line.log_index IS 'entry';
COMMENT ON COLUMN ledger.journal_line.position IS 'place of the transfer within the entry, from 0';
COMMENT ON COLUMN ledger.journal_line.recorded_at IS 'when the entry was recorded';
COMMENT ON COLUMN ledger.journal_line.effective IS 'day the entry counts for, in the zone''s time';
COMMENT ON COLUMN ledger.journal_line.kind IS 'what happened, such as voucher.redeemed';
COMMENT ON COLUMN ledger.journal_line.actor_id IS 'person who acted';
COMMENT ON COLUMN ledger.journal_line.subject_id IS 'the case: voucher, batch, party, award';
COMMENT ON COLUMN ledger.journal_line.reverses IS 'entry that this one undoes';
COMMENT ON COLUMN ledger.journal_line.book IS 'B budget authority, F money, M rent (memo), Q quota';
COMMENT ON COLUMN ledger.journal_line.debit_account IS 'address of the account debited';
COMMENT ON COLUMN ledger.journal_line.credit_account IS 'address of the account credited';
COMMENT ON COLUMN ledger.journal_line.currency IS 'ISO 4217 code';
COMMENT ON COLUMN ledger.journal_line.amount IS 'amount in major units';

CREATE VIEW ledger.account_balance WITH (security_invoker = true, security_barrier = true) AS
SELECT a.zone_id, a.address, left(a.code, 1) AS book, a.code, k.name_zh, k.name_en,
    a.currency::text AS currency, a.programme, a.fiscal_year, a.party_id, a.item_id,
    ledger.major_units(a.debits, a.currency) AS debits,
    ledger.major_units(a.credits, a.currency) AS credits,
    ledger.major_units(CASE a.normal_side WHEN 'D' THEN a.debits - a.credits
        ELSE a.credits - a.debits END, a.currency) AS balance
FROM ledger.account a JOIN ledger.chart k ON k.code = a.code;
COMMENT ON VIEW ledger.account_balance IS 'every account with its name and its balance now';
COMMENT ON COLUMN ledger.account_balance.zone_id IS 'zone';
COMMENT ON COLUMN ledger.account_balance.address IS 'code:currency:programme:year:party:item, as entries name it';
COMMENT ON COLUMN ledger.account_balance.book IS 'B budget authority, F money, M rent (memo), Q quota';
COMMENT ON COLUMN ledger.account_balance.code IS 'code in the chart of accounts';
COMMENT ON COLUMN ledger.account_balance.name_zh IS 'name of the code in Chinese';
COMMENT ON COLUMN ledger.account_balance.name_en IS 'name of the code in English';
COMMENT ON COLUMN ledger.account_balance.currency IS 'ISO 4217 code';
COMMENT ON COLUMN ledger.account_balance.programme IS 'programme, where the account has one';
COMMENT ON COLUMN ledger.account_balance.fiscal_year IS 'budget year, where the account has one';
COMMENT ON COLUMN ledger.account_balance.party_id IS 'party, where the account has one';
COMMENT ON COLUMN ledger.account_balance.item_id IS 'voucher, claim, lease or award, where the account is about one';
COMMENT ON COLUMN ledger.account_balance.debits IS 'total debited, major units';
COMMENT ON COLUMN ledger.account_balance.credits IS 'total credited, major units';
COMMENT ON COLUMN ledger.account_balance.balance IS 'debits less credits, or the reverse, positive on the code''s normal side, major units';

CREATE VIEW ledger.trial_balance WITH (security_invoker = true, security_barrier = true) AS
SELECT t.zone_id, k.book, t.code, k.name_zh, k.name_en, t.currency::text AS currency,
    ledger.major_units(sum(t.debits), t.currency) AS debits,
    ledger.major_units(sum(t.credits), t.currency) AS credits,
    ledger.major_units(CASE k.normal_side WHEN 'D' THEN sum(t.debits) - sum(t.credits)
        ELSE sum(t.credits) - sum(t.debits) END, t.currency) AS balance
FROM ledger.control_total t JOIN ledger.chart k ON k.code = t.code
GROUP BY t.zone_id, k.book, t.code, k.name_zh, k.name_en, k.normal_side, t.currency;
COMMENT ON VIEW ledger.trial_balance IS 'debits and credits of each account code; in every book and currency their sums are equal';
COMMENT ON COLUMN ledger.trial_balance.zone_id IS 'zone';
COMMENT ON COLUMN ledger.trial_balance.book IS 'B budget authority, F money, M rent (memo), Q quota';
COMMENT ON COLUMN ledger.trial_balance.code IS 'code in the chart of accounts';
COMMENT ON COLUMN ledger.trial_balance.name_zh IS 'name in Chinese';
COMMENT ON COLUMN ledger.trial_balance.name_en IS 'name in English';
COMMENT ON COLUMN ledger.trial_balance.currency IS 'ISO 4217 code';
COMMENT ON COLUMN ledger.trial_balance.debits IS 'total debited, major units';
COMMENT ON COLUMN ledger.trial_balance.credits IS 'total credited, major units';
COMMENT ON COLUMN ledger.trial_balance.balance IS 'positive on the code''s normal side, major units';

-- Budget execution, from control totals alone: as many rows as there are programmes and years.
--
-- All but "issued" are balances, so reversals leave no trace in them, and
--     allocated = free + outstanding + reserved + obligated + paid + lapsed + carried.
-- "issued" is everything ever issued, with what expired or was cancelled since, so that issued, used
-- and redeemed can be compared (DOMAIN 2). B40 is credited by issues and by releases; B50 is debited
-- by releases and by redemptions; every redemption debits F5010. So issues are
-- B40 credits - (B50 debits - F5010 debits).
CREATE VIEW ledger.budget_execution WITH (security_invoker = true, security_barrier = true) AS
SELECT b.zone_id, b.programme, b.fiscal_year, b.currency,
    coalesce(p.name, g.name_zh || ' ' || g.name_en) AS programme_name,
    ledger.major_units(b.appropriated, b.currency) AS appropriated,
    ledger.major_units(b.unallocated, b.currency) AS unallocated,
    ledger.major_units(b.free + b.outstanding + b.reserved + b.obligated + b.paid + b.lapsed
        + b.carried, b.currency) AS allocated,
    ledger.major_units(b.issued, b.currency) AS issued,
    ledger.major_units(b.outstanding, b.currency) AS outstanding,
    ledger.major_units(b.reserved, b.currency) AS reserved,
    ledger.major_units(b.reserved + b.obligated + b.paid, b.currency) AS used,
    ledger.major_units(b.obligated + b.paid, b.currency) AS redeemed,
    ledger.major_units(b.obligated, b.currency) AS obligated,
    ledger.major_units(b.paid, b.currency) AS paid,
    ledger.major_units(b.lapsed, b.currency) AS lapsed,
    ledger.major_units(b.carried, b.currency) AS carried,
    ledger.major_units(b.free, b.currency) AS free
FROM (
    SELECT t.zone_id, t.programme, t.fiscal_year, t.currency::text AS currency,
        coalesce(sum(t.debits - t.credits) FILTER (WHERE t.code = 'B10'), 0) AS appropriated,
        coalesce(sum(t.credits - t.debits) FILTER (WHERE t.code = 'B20'), 0) AS unallocated,
        coalesce(sum(t.credits - t.debits) FILTER (WHERE t.code = 'B30'), 0) AS free,
        coalesce(sum(t.credits - t.debits) FILTER (WHERE t.code = 'B40'), 0) AS outstanding,
        coalesce(sum(t.credits - t.debits) FILTER (WHERE t.code = 'B50'), 0) AS reserved,
        coalesce(sum(t.credits - t.debits) FILTER (WHERE t.code = 'B60'), 0) AS obligated,
        coalesce(sum(t.credits - t.debits) FILTER (WHERE t.code = 'B70'), 0) AS paid,
        coalesce(sum(t.credits - t.debits) FILTER (WHERE t.code = 'B80'), 0) AS lapsed,
        coalesce(sum(t.credits - t.debits) FILTER (WHERE t.code = 'B90'), 0) AS carried,
        coalesce(sum(CASE t.code WHEN 'B40' THEN t.credits WHEN 'B50' THEN -t.debits
            WHEN 'F5010' THEN t.debits END), 0) AS issued
    FROM ledger.control_total t
    WHERE t.code LIKE 'B%' OR t.code = 'F5010'
    GROUP BY t.zone_id, t.programme, t.fiscal_year, t.currency
) b
LEFT JOIN ledger.imported_programme p ON p.zone_id = b.zone_id AND p.code = b.programme
LEFT JOIN ledger.programme g ON g.zone_id = b.zone_id AND g.code = b.programme;
COMMENT ON VIEW ledger.budget_execution IS 'what became of the budget, by programme and year; the row without a programme is the zone''s own: appropriated and not yet allocated';
COMMENT ON COLUMN ledger.budget_execution.zone_id IS 'zone';
COMMENT ON COLUMN ledger.budget_execution.programme IS 'programme code; empty for the zone''s own row';
COMMENT ON COLUMN ledger.budget_execution.fiscal_year IS 'budget year; 0 if the accounts have none';
COMMENT ON COLUMN ledger.budget_execution.currency IS 'ISO 4217 code';
COMMENT ON COLUMN ledger.budget_execution.programme_name IS 'name of the programme';
COMMENT ON COLUMN ledger.budget_execution.appropriated IS 'authority received: balance of B10 (on the zone''s own row, unless it was appropriated to a programme)';
COMMENT ON COLUMN ledger.budget_execution.unallocated IS 'authority that no programme has: balance of B20';
COMMENT ON COLUMN ledger.budget_execution.allocated IS 'authority given to the programme: balances of B30 to B90 together';
COMMENT ON COLUMN ledger.budget_execution.issued IS 'vouchers issued in total, with those that expired or were cancelled since';
COMMENT ON COLUMN ledger.budget_execution.outstanding IS 'in holders'' hands and free to use: balance of B40';
COMMENT ON COLUMN ledger.budget_execution.reserved IS 'held for orders: balance of B50';
COMMENT ON COLUMN ledger.budget_execution.used IS 'reserved or redeemed: balances of B50, B60 and B70';
COMMENT ON COLUMN ledger.budget_execution.redeemed IS 'approved for payment in total, as redemption, claim or past award: balances of B60 and B70';
COMMENT ON COLUMN ledger.budget_execution.obligated IS 'approved and not yet paid: balance of B60';
COMMENT ON COLUMN ledger.budget_execution.paid IS 'paid, as a bank line says, less what was recovered: balance of B70';
COMMENT ON COLUMN ledger.budget_execution.lapsed IS 'lapsed or returned: balance of B80';
COMMENT ON COLUMN ledger.budget_execution.carried IS 'carried over to the next year: balance of B90';
COMMENT ON COLUMN ledger.budget_execution.free IS 'allocated and used by nothing: balance of B30';

GRANT SELECT ON ledger.journal_line, ledger.account_balance, ledger.trial_balance,
    ledger.budget_execution TO subsidy_ledger_app, subsidy_ledger_auditor;
