-- A batch of commands holds the lock of the log's head while it records, so each way to the database and
-- back in that time makes all others wait (docs/adr/0015). Every rule stays.

-- What a recording has to know when the lock is its own. A statement inside a function sees what was
-- committed when it began, not when the function was called: so these read after the wait. A session keeps its plans,
-- also those that it made when a zone had three accounts; OFFSET leaves it nothing but to look up one after the other.
CREATE FUNCTION ledger.lock_books(zone integer, addresses text[],
    OUT size bigint, OUT frontier bytea, OUT recorded_at timestamptz,
    OUT closed_from date[], OUT closed_until date[],
    OUT positions bigint[], OUT account_ids bigint[], OUT debits bigint[], OUT credits bigint[])
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog AS $$
#variable_conflict use_column
BEGIN
    SELECT h.size, h.frontier, h.recorded_at INTO lock_books.size, lock_books.frontier, lock_books.recorded_at
    FROM ledger.log_head h WHERE h.zone_id = lock_books.zone FOR UPDATE;
    SELECT coalesce(array_agg(p.from_day), '{}'), coalesce(array_agg(p.until_day), '{}')
        INTO lock_books.closed_from, lock_books.closed_until
    FROM ledger.closed_period p WHERE p.zone_id = lock_books.zone;
    SELECT coalesce(array_agg(asked.position), '{}'), coalesce(array_agg(a.account_id), '{}'),
            coalesce(array_agg(a.debits), '{}'), coalesce(array_agg(a.credits), '{}')
        INTO lock_books.positions, lock_books.account_ids, lock_books.debits, lock_books.credits
    FROM unnest(lock_books.addresses) WITH ORDINALITY AS asked (address, position)
    CROSS JOIN LATERAL (SELECT a.account_id, a.debits, a.credits FROM ledger.account a
        WHERE a.zone_id = lock_books.zone AND a.address = asked.address OFFSET 0) a;
END
$$;
COMMENT ON FUNCTION ledger.lock_books(integer, text[]) IS
    'locks the head of a zone''s log until the transaction ends; gives it, the closed periods, and the totals of accounts by the place (from 1) of their address';

-- The head moves in the statement that adds its entries (or after them, as the version before does it): entries end
-- where the head stands, or begin there, each after another. What a transfer is recorded with is an entry of its own
-- transaction; nobody records in savepoints, and a transfer in another one than its entry is refused.
CREATE OR REPLACE FUNCTION ledger.check_new_entries() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog SET enable_seqscan = off AS $$
DECLARE
    broken text;
BEGIN
    WITH sorts AS MATERIALIZED (
        SELECT zone_id, actor_id, effective, adjusting, min(log_index) AS lowest,
            max(log_index) AS highest, count(*) AS entries
        FROM new_rows GROUP BY zone_id, actor_id, effective, adjusting)
    SELECT CASE
        WHEN EXISTS (SELECT FROM sorts n
            WHERE (SELECT person_id FROM ledger.person p
                WHERE p.zone_id = n.zone_id AND p.person_id = n.actor_id) IS NULL)
        THEN 'entry_actor_known'
        WHEN EXISTS (SELECT FROM sorts n JOIN ledger.closed_period p ON NOT n.adjusting
            AND p.zone_id = n.zone_id AND n.effective >= p.from_day AND n.effective < p.until_day)
        THEN 'entry_period_open'
        WHEN EXISTS (SELECT FROM (SELECT zone_id, min(lowest) AS lowest, max(highest) AS highest,
                sum(entries) AS entries FROM sorts GROUP BY zone_id) n
            WHERE n.highest - n.lowest + 1 <> n.entries
                OR ((SELECT size FROM ledger.log_head h WHERE h.zone_id = n.zone_id)
                    IN (n.lowest, n.highest + 1)) IS NOT TRUE
                OR n.lowest > 0 AND (SELECT e.log_index FROM ledger.entry e
                    WHERE e.zone_id = n.zone_id AND e.log_index = n.lowest - 1) IS NULL)
        THEN 'entry_extends_log'
    END INTO broken;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION '%', CASE broken
            WHEN 'entry_actor_known' THEN 'the actor of an entry is a person of its zone'
            WHEN 'entry_period_open' THEN 'the period is closed: only adjusting entries'
            ELSE 'entries must extend the log without a gap'
        END USING CONSTRAINT = broken, ERRCODE = CASE broken
            WHEN 'entry_actor_known' THEN 'foreign_key_violation' ELSE 'check_violation' END;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION ledger.check_new_transfers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog
    SET enable_seqscan = off SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE
    broken text;
BEGIN
    WITH moved AS MATERIALIZED (
        SELECT zone_id, account_id, (SELECT left(a.code, 1) || a.currency FROM ledger.account a
            WHERE a.zone_id = side.zone_id AND a.account_id = side.account_id) AS book
        FROM (SELECT zone_id, debit_account_id AS account_id FROM new_rows
            UNION SELECT zone_id, credit_account_id FROM new_rows) side)
    SELECT CASE
        WHEN EXISTS (SELECT FROM new_rows t
            LEFT JOIN moved d ON d.zone_id = t.zone_id AND d.account_id = t.debit_account_id
            LEFT JOIN moved c ON c.zone_id = t.zone_id AND c.account_id = t.credit_account_id
            WHERE (d.book = c.book) IS NOT TRUE)
        THEN 'transfer_within_book'
        -- The log has no gaps, so what lies between two entries of this transaction is of it too.
        WHEN EXISTS (SELECT FROM (SELECT zone_id, min(log_index) AS lowest, max(log_index) AS highest
                FROM new_rows GROUP BY zone_id) t
            WHERE ((SELECT e.xmin = pg_current_xact_id()::xid FROM ledger.entry e
                    WHERE e.zone_id = t.zone_id AND e.log_index = t.lowest)
                AND (SELECT e.xmin = pg_current_xact_id()::xid FROM ledger.entry e
                    WHERE e.zone_id = t.zone_id AND e.log_index = t.highest)) IS NOT TRUE)
        THEN 'transfer_of_entry'
    END INTO broken;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION '%', CASE broken
            WHEN 'transfer_of_entry' THEN 'a transfer is recorded with its entry'
            ELSE 'a transfer joins two accounts of one zone, book and currency'
        END USING CONSTRAINT = broken, ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION ledger.check_new_payables() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog SET enable_seqscan = off AS $$
DECLARE
    broken text;
BEGIN
    WITH sorts AS MATERIALIZED (SELECT DISTINCT zone_id, payee_id, programme FROM new_rows)
    SELECT CASE
        WHEN EXISTS (SELECT FROM sorts n
            WHERE (SELECT party_id FROM ledger.party p
                WHERE p.zone_id = n.zone_id AND p.party_id = n.payee_id) IS NULL)
        THEN 'payable_payee_known'
        WHEN EXISTS (SELECT FROM sorts n
            WHERE (SELECT code FROM ledger.programme p
                WHERE p.zone_id = n.zone_id AND p.code = n.programme) IS NULL)
        THEN 'payable_programme_known'
    END INTO broken;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION '%', CASE broken
            WHEN 'payable_payee_known' THEN 'a payee is a party of the zone'
            ELSE 'what pays is a programme of the zone'
        END USING CONSTRAINT = broken, ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$$;

-- An index with `free` in its condition learns of every change of `free`, and with it every other index of the
-- table. This one learns of the change from something to nothing.
ALTER TABLE ledger.voucher ADD COLUMN has_free boolean NOT NULL GENERATED ALWAYS AS (free > 0) STORED;
COMMENT ON COLUMN ledger.voucher.has_free IS 'whether an order may take something of it';
DROP INDEX ledger.voucher_to_expire;
CREATE INDEX voucher_to_expire ON ledger.voucher (zone_id, last_day) WHERE has_free;

-- A regular expression takes as long as the hash of the body. The same words: lower case and underscores, a full stop
-- between.
ALTER TABLE ledger.entry DROP CONSTRAINT entry_kind_form;
ALTER TABLE ledger.entry ADD CONSTRAINT entry_kind_form CHECK (
    translate(kind, 'abcdefghijklmnopqrstuvwxyz_', '') = '.' AND left(kind, 1) <> '.' AND right(kind, 1) <> '.')
    NOT VALID;
