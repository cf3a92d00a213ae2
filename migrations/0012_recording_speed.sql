-- What recording spent time on and did not have to (docs/benchmarks.md). Every rule stays.

-- Bodies of two to eight kilobytes stay in their row as they are: compressing one takes as long as
-- all the rest of recording it.
ALTER TABLE ledger.entry SET (toast_tuple_target = 8160);

-- Each hold is updated once in its life, and each payable a few times: with room for that in the page
-- no index learns of it.
ALTER TABLE ledger.hold SET (fillfactor = 50);
ALTER TABLE ledger.payable SET (fillfactor = 50);

-- At each posting only the two counters are compared. An update that names another column is refused
-- whatever it says.
DROP TRIGGER account_only_grows ON ledger.account;
CREATE TRIGGER account_only_grows AFTER UPDATE OF debits, credits ON ledger.account FOR EACH ROW
    WHEN (NEW.debits < OLD.debits OR NEW.credits < OLD.credits)
    EXECUTE FUNCTION ledger.refuse_account_change();
CREATE TRIGGER account_never_changes AFTER UPDATE OF zone_id, account_id, fiscal_year, normal_side, guarded,
    currency, code, programme, party_id, item_id ON ledger.account
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_account_change();
ALTER TABLE ledger.account ENABLE ALWAYS TRIGGER account_only_grows;
ALTER TABLE ledger.account ENABLE ALWAYS TRIGGER account_never_changes;

-- As before (0004_journal.sql), but each account is looked up once for a batch, however many transfers
-- move it. A session keeps the plan of its first, small batch: without sequential scans, nested loops
-- and merges the planner is left with look-ups by index and hash joins, which are right for every size.
CREATE OR REPLACE FUNCTION ledger.check_new_transfers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
    SET enable_seqscan = off SET enable_nestloop = off SET enable_mergejoin = off AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM new_rows) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (
        WITH moved AS MATERIALIZED (
            SELECT zone_id, account_id, (SELECT left(a.code, 1) || a.currency FROM ledger.account a
                WHERE a.zone_id = side.zone_id AND a.account_id = side.account_id) AS book
            FROM (SELECT zone_id, debit_account_id AS account_id FROM new_rows
                UNION SELECT zone_id, credit_account_id FROM new_rows) side)
        SELECT FROM new_rows t
        LEFT JOIN moved d ON d.zone_id = t.zone_id AND d.account_id = t.debit_account_id
        LEFT JOIN moved c ON c.zone_id = t.zone_id AND c.account_id = t.credit_account_id
        WHERE (d.book = c.book) IS NOT TRUE)
    THEN
        RAISE EXCEPTION 'a transfer joins two accounts of one zone, book and currency'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'transfer_within_book';
    END IF;
    -- The log has no gaps, so its newest entry tells which entries there are; and the head is moved
    -- last, so what it has not yet reached is being recorded now.
    IF EXISTS (SELECT FROM (SELECT zone_id, min(log_index) AS lowest, max(log_index) AS highest
            FROM new_rows GROUP BY zone_id) t
        WHERE (t.lowest >= (SELECT size FROM ledger.log_head h WHERE h.zone_id = t.zone_id)
            AND t.highest <= (SELECT e.log_index FROM ledger.entry e WHERE e.zone_id = t.zone_id
                ORDER BY e.log_index DESC LIMIT 1)) IS NOT TRUE)
    THEN
        RAISE EXCEPTION 'a transfer is recorded with its entry'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'transfer_of_entry';
    END IF;
    RETURN NULL;
END
$$;

-- Payables come with redemptions, many at a time: their payees and programmes are looked up once for a
-- statement, not once for a row and with a lock each (docs/adr/0005).
ALTER TABLE ledger.payable DROP CONSTRAINT payable_payee_fkey, DROP CONSTRAINT payable_programme_fkey;
CREATE FUNCTION ledger.check_new_payables() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT zone_id, payee_id FROM new_rows) n
        WHERE (SELECT party_id FROM ledger.party p
            WHERE p.zone_id = n.zone_id AND p.party_id = n.payee_id) IS NULL)
    THEN
        RAISE EXCEPTION 'a payee is a party of the zone'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'payable_payee_known';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT zone_id, programme FROM new_rows) n
        WHERE (SELECT code FROM ledger.programme p
            WHERE p.zone_id = n.zone_id AND p.code = n.programme) IS NULL)
    THEN
        RAISE EXCEPTION 'what pays is a programme of the zone'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'payable_programme_known';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER payable_check_new AFTER INSERT ON ledger.payable REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_new_payables();
ALTER TABLE ledger.payable ENABLE ALWAYS TRIGGER payable_check_new;
