-- The books: accounts, entries, transfers, control totals. journal::record is their only writer.

CREATE TABLE ledger.chart (
    code text NOT NULL CONSTRAINT chart_pkey PRIMARY KEY
        CONSTRAINT chart_code_form CHECK (code ~ '^[BFMQ][0-9]{2,4}$'),
    book text NOT NULL GENERATED ALWAYS AS (left(code, 1)) STORED,
    normal_side char(1) NOT NULL CONSTRAINT chart_normal_side_known CHECK (normal_side IN ('D', 'C')),
    guarded boolean NOT NULL,
    name_zh text NOT NULL,
    name_en text NOT NULL,
    CONSTRAINT chart_code_guard_key UNIQUE (code, normal_side, guarded)
);
COMMENT ON TABLE ledger.chart IS 'chart of accounts, the same for every zone';
COMMENT ON COLUMN ledger.chart.code IS 'account code; its first letter is the book';
COMMENT ON COLUMN ledger.chart.book IS 'B budget authority, F money, M rent (memo), Q quota';
COMMENT ON COLUMN ledger.chart.normal_side IS 'side on which the balance is positive: D debit, C credit';
COMMENT ON COLUMN ledger.chart.guarded IS 'whether the balance is forbidden to cross zero';
COMMENT ON COLUMN ledger.chart.name_zh IS 'name in Chinese';
COMMENT ON COLUMN ledger.chart.name_en IS 'name in English';
GRANT SELECT ON ledger.chart TO subsidy_ledger_app, subsidy_ledger_auditor;

INSERT INTO ledger.chart (code, normal_side, guarded, name_zh, name_en) VALUES
    ('B10', 'D', true, '预算授权', 'Budget authority'),
    ('B20', 'C', true, '未分配额度', 'Unallocated'),
    ('B30', 'C', true, '项目可用额度', 'Programme, free'),
    ('B40', 'C', true, '已发放(可用)', 'Issued, free to the holder'),
    ('B50', 'C', true, '已锁定', 'Reserved'),
    ('B60', 'C', true, '已承付', 'Obligated'),
    ('B70', 'C', true, '已支出', 'Spent'),
    ('B80', 'C', true, '失效或收回', 'Lapsed or returned'),
    ('B90', 'C', true, '结转', 'Carried over'),
    ('F1010', 'D', true, '国库额度或银行存款', 'Treasury quota or bank'),
    ('F1020', 'C', true, '在途资金', 'In transit'),
    ('F1210', 'D', true, '应收追回款', 'Recovery receivable'),
    ('F2010', 'C', true, '应付补助', 'Subsidy payable'),
    ('F3010', 'C', false, '财政拨款', 'Appropriation'),
    ('F5010', 'D', false, '创新券支出', 'Voucher expense'),
    ('F5020', 'D', false, '后补助支出', 'Post-subsidy expense'),
    ('F5030', 'D', false, '租金补偿支出', 'Rent-relief compensation expense'),
    ('F5040', 'D', false, '以往奖补支出(导入)', 'Past awards (imported) expense'),
    ('F5090', 'C', false, '追回收入', 'Recoveries'),
    ('M1010', 'D', true, '应收租金', 'Rent receivable'),
    ('M1020', 'D', true, '缓征租金', 'Deferred rent'),
    ('M1030', 'D', true, '已收租金', 'Rent received'),
    ('M4010', 'C', false, '已开租金', 'Rent billed'),
    ('M5010', 'D', false, '已减免租金', 'Rent waived'),
    ('Q10', 'D', true, '已设限额', 'Limits set'),
    ('Q20', 'C', true, '企业年度可用限额', 'Firm and year: limit left'),
    ('Q30', 'C', true, '企业年度已用限额', 'Firm and year: limit used'),
    ('Q21', 'C', true, '持有可用限额', 'Holding: limit left'),
    ('Q31', 'C', true, '持有已用限额', 'Holding: limit used');

CREATE TABLE ledger.account (
    zone_id integer NOT NULL CONSTRAINT account_zone_fkey REFERENCES ledger.zone,
    account_id bigint GENERATED ALWAYS AS IDENTITY,
    debits bigint NOT NULL DEFAULT 0 CONSTRAINT account_debits_not_negative CHECK (debits >= 0),
    credits bigint NOT NULL DEFAULT 0 CONSTRAINT account_credits_not_negative CHECK (credits >= 0),
    fiscal_year smallint CONSTRAINT account_fiscal_year_range CHECK (fiscal_year BETWEEN 1900 AND 9998),
    normal_side char(1) NOT NULL,
    guarded boolean NOT NULL,
    currency char(3) NOT NULL CONSTRAINT account_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
    code text NOT NULL,
    programme text,
    party_id uuid,
    item_id uuid,
    address text COLLATE "C" NOT NULL GENERATED ALWAYS AS (rtrim(
        code || ':' || currency || ':' || coalesce(programme, '') || ':'
        || coalesce(fiscal_year::text, '') || ':' || coalesce(party_id::text, '') || ':'
        || coalesce(item_id::text, ''), ':')) STORED,
    CONSTRAINT account_pkey PRIMARY KEY (zone_id, account_id),
    CONSTRAINT account_address_key UNIQUE (zone_id, address),
    CONSTRAINT account_chart_fkey FOREIGN KEY (code, normal_side, guarded)
        REFERENCES ledger.chart (code, normal_side, guarded),
    CONSTRAINT account_balance_not_negative CHECK (
        NOT guarded OR CASE normal_side WHEN 'D' THEN debits >= credits ELSE credits >= debits END)
) WITH (fillfactor = 60);
COMMENT ON TABLE ledger.account IS 'an account of a book; its balance is debits less credits, or the reverse, by its normal side';
COMMENT ON COLUMN ledger.account.zone_id IS 'zone';
COMMENT ON COLUMN ledger.account.account_id IS 'number within the database';
COMMENT ON COLUMN ledger.account.debits IS 'total debited, minor units; only grows';
COMMENT ON COLUMN ledger.account.credits IS 'total credited, minor units; only grows';
COMMENT ON COLUMN ledger.account.fiscal_year IS 'budget year, where the account has one';
COMMENT ON COLUMN ledger.account.normal_side IS 'from the chart';
COMMENT ON COLUMN ledger.account.guarded IS 'from the chart';
COMMENT ON COLUMN ledger.account.currency IS 'ISO 4217 code';
COMMENT ON COLUMN ledger.account.code IS 'code in the chart';
COMMENT ON COLUMN ledger.account.programme IS 'programme code, where the account has one';
COMMENT ON COLUMN ledger.account.party_id IS 'party, where the account has one';
COMMENT ON COLUMN ledger.account.item_id IS 'voucher, claim or lease, where the account is about one';
COMMENT ON COLUMN ledger.account.address IS 'code:currency:programme:year:party:item, as entries name it';
CALL ledger.isolate_by_zone('ledger.account');
GRANT SELECT, INSERT, UPDATE (debits, credits) ON ledger.account TO subsidy_ledger_app;

CREATE FUNCTION ledger.refuse_account_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'an account''s totals only grow, and its address never changes'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'account_only_grows';
END
$$;
-- AFTER: a BEFORE trigger would lock each row a second time and compute its address again.
CREATE TRIGGER account_only_grows AFTER UPDATE ON ledger.account FOR EACH ROW
    WHEN (NEW.debits < OLD.debits OR NEW.credits < OLD.credits OR NEW.zone_id <> OLD.zone_id
        OR NEW.account_id <> OLD.account_id OR NEW.address <> OLD.address
        OR NEW.normal_side <> OLD.normal_side OR NEW.guarded <> OLD.guarded)
    EXECUTE FUNCTION ledger.refuse_account_change();
CREATE TRIGGER account_refuse_delete BEFORE DELETE ON ledger.account
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER account_refuse_truncate BEFORE TRUNCATE ON ledger.account
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.account ENABLE ALWAYS TRIGGER account_only_grows;
ALTER TABLE ledger.account ENABLE ALWAYS TRIGGER account_refuse_delete;
ALTER TABLE ledger.account ENABLE ALWAYS TRIGGER account_refuse_truncate;

CREATE TABLE ledger.closed_period (
    zone_id integer NOT NULL CONSTRAINT closed_period_zone_fkey REFERENCES ledger.zone,
    from_day date NOT NULL,
    until_day date NOT NULL,
    log_index bigint NOT NULL,
    CONSTRAINT closed_period_pkey PRIMARY KEY (zone_id, from_day, until_day),
    CONSTRAINT closed_period_not_empty CHECK (from_day < until_day)
);
COMMENT ON TABLE ledger.closed_period IS 'days that take adjusting entries only';
COMMENT ON COLUMN ledger.closed_period.zone_id IS 'zone';
COMMENT ON COLUMN ledger.closed_period.from_day IS 'first closed day';
COMMENT ON COLUMN ledger.closed_period.until_day IS 'first day that is open again';
COMMENT ON COLUMN ledger.closed_period.log_index IS 'entry that closed it';
CALL ledger.isolate_by_zone('ledger.closed_period');
CALL ledger.make_append_only('ledger.closed_period');

CREATE TABLE ledger.entry (
    zone_id integer NOT NULL,
    log_index bigint NOT NULL CONSTRAINT entry_log_index_not_negative CHECK (log_index >= 0),
    recorded_at timestamptz NOT NULL,
    reverses bigint CONSTRAINT entry_reverses_earlier CHECK (reverses >= 0 AND reverses < log_index),
    actor_id uuid NOT NULL,
    subject_id uuid,
    effective date NOT NULL,
    adjusting boolean NOT NULL,
    kind text NOT NULL CONSTRAINT entry_kind_form CHECK (kind ~ '^[a-z_]+\.[a-z_]+$'),
    idempotency_key text
        CONSTRAINT entry_idempotency_key_length CHECK (char_length(idempotency_key) BETWEEN 1 AND 255),
    request_sha256 bytea CONSTRAINT entry_request_sha256_length CHECK (octet_length(request_sha256) = 32),
    leaf_hash bytea NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT entry_pkey PRIMARY KEY (zone_id, log_index),
    CONSTRAINT entry_leaf_hash_of_body CHECK (leaf_hash = sha256('\x00'::bytea || body)),
    CONSTRAINT entry_body_fits_a_bundle CHECK (octet_length(body) BETWEEN 1 AND 65535),
    CONSTRAINT entry_key_with_request CHECK ((idempotency_key IS NULL) = (request_sha256 IS NULL))
);
CREATE UNIQUE INDEX entry_idempotency_key ON ledger.entry (zone_id, actor_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX entry_reverses_key ON ledger.entry (zone_id, reverses) WHERE reverses IS NOT NULL;
CREATE INDEX entry_subject ON ledger.entry (zone_id, subject_id, log_index) WHERE subject_id IS NOT NULL;
COMMENT ON TABLE ledger.entry IS 'one recorded fact of the ledger, and one leaf of the zone''s log';
COMMENT ON COLUMN ledger.entry.zone_id IS 'zone';
COMMENT ON COLUMN ledger.entry.log_index IS 'identity of the entry and its position in the log, without gaps';
COMMENT ON COLUMN ledger.entry.recorded_at IS 'when it was recorded; never earlier than the entry before';
COMMENT ON COLUMN ledger.entry.reverses IS 'entry that this one undoes';
COMMENT ON COLUMN ledger.entry.actor_id IS 'person who acted';
COMMENT ON COLUMN ledger.entry.subject_id IS 'the case: voucher, batch, party, policy';
COMMENT ON COLUMN ledger.entry.effective IS 'day it counts for, in the zone''s time';
COMMENT ON COLUMN ledger.entry.adjusting IS 'whether it may fall into a closed period';
COMMENT ON COLUMN ledger.entry.kind IS 'what happened, such as voucher.redeemed';
COMMENT ON COLUMN ledger.entry.idempotency_key IS 'the actor''s own key of the command; a second use gets the first answer';
COMMENT ON COLUMN ledger.entry.request_sha256 IS 'of the command''s canonical input; another input under the same key is a conflict';
COMMENT ON COLUMN ledger.entry.leaf_hash IS 'RFC 6962: SHA-256 of 0x00 and the body';
COMMENT ON COLUMN ledger.entry.body IS 'canonical JSON (RFC 8785): what was hashed, byte for byte';
CALL ledger.isolate_by_zone('ledger.entry');
CALL ledger.make_append_only('ledger.entry');

-- A whole batch is checked at once, for a row-by-row check of foreign keys takes a third as long again
-- as all the rest (docs/adr/0005): entries extend the log of their zone without a gap, so what they
-- reverse exists too; their actors are persons of the zone; and none falls into a closed period
-- unless it adjusts.
CREATE FUNCTION ledger.check_new_entries() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT zone_id, min(log_index) AS lowest, max(log_index) AS highest,
            count(*) AS entries FROM new_rows GROUP BY zone_id) n
        WHERE n.highest - n.lowest + 1 <> n.entries
            OR n.lowest IS DISTINCT FROM (SELECT size FROM ledger.log_head h WHERE h.zone_id = n.zone_id))
    THEN
        RAISE EXCEPTION 'entries must extend the log without a gap'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_extends_log';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT zone_id, actor_id FROM new_rows) n
        WHERE (SELECT person_id FROM ledger.person p
            WHERE p.zone_id = n.zone_id AND p.person_id = n.actor_id) IS NULL)
    THEN
        RAISE EXCEPTION 'the actor of an entry is a person of its zone'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'entry_actor_known';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT zone_id, effective FROM new_rows WHERE NOT adjusting) n
        JOIN ledger.closed_period p
            ON p.zone_id = n.zone_id AND n.effective >= p.from_day AND n.effective < p.until_day)
    THEN
        RAISE EXCEPTION 'the period is closed: only adjusting entries'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entry_period_open';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER entry_check_new AFTER INSERT ON ledger.entry REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_new_entries();
ALTER TABLE ledger.entry ENABLE ALWAYS TRIGGER entry_check_new;

CREATE TABLE ledger.transfer (
    log_index bigint NOT NULL,
    debit_account_id bigint NOT NULL,
    credit_account_id bigint NOT NULL,
    amount bigint NOT NULL CONSTRAINT transfer_amount_positive CHECK (amount > 0),
    debits_after bigint NOT NULL CONSTRAINT transfer_debits_after_covers CHECK (debits_after >= amount),
    credits_after bigint NOT NULL CONSTRAINT transfer_credits_after_covers CHECK (credits_after >= amount),
    zone_id integer NOT NULL,
    position smallint NOT NULL CONSTRAINT transfer_position_not_negative CHECK (position >= 0),
    CONSTRAINT transfer_pkey PRIMARY KEY (zone_id, log_index, position),
    CONSTRAINT transfer_between_two CHECK (debit_account_id <> credit_account_id)
);
CREATE INDEX transfer_debit ON ledger.transfer (zone_id, debit_account_id, log_index);
CREATE INDEX transfer_credit ON ledger.transfer (zone_id, credit_account_id, log_index);
COMMENT ON TABLE ledger.transfer IS 'an amount moved from the credit to the debit of two accounts of one book';
COMMENT ON COLUMN ledger.transfer.log_index IS 'entry that it is part of';
COMMENT ON COLUMN ledger.transfer.debit_account_id IS 'account debited';
COMMENT ON COLUMN ledger.transfer.credit_account_id IS 'account credited';
COMMENT ON COLUMN ledger.transfer.amount IS 'minor units, more than zero';
COMMENT ON COLUMN ledger.transfer.debits_after IS 'total debits of the debited account after this transfer';
COMMENT ON COLUMN ledger.transfer.credits_after IS 'total credits of the credited account after this transfer';
COMMENT ON COLUMN ledger.transfer.zone_id IS 'zone';
COMMENT ON COLUMN ledger.transfer.position IS 'place within the entry, from 0';
CALL ledger.isolate_by_zone('ledger.transfer');
CALL ledger.make_append_only('ledger.transfer');

-- Foreign keys of a whole batch at once; a row-by-row check would take longer than all the rest
-- (docs/adr/0005). Also: both accounts are of one book and one currency, so every book balances.
--
-- A session keeps the plans that it made for its first batch. Scalar subqueries and no sequential
-- scans leave the planner nothing but one index look-up per account, which is right for batches and
-- tables of every size; a join once planned for few rows would cost the square of many.
CREATE FUNCTION ledger.check_new_transfers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows t CROSS JOIN LATERAL (SELECT
            (SELECT left(a.code, 1) || a.currency FROM ledger.account a
                WHERE a.zone_id = t.zone_id AND a.account_id = t.debit_account_id) AS debited,
            (SELECT left(a.code, 1) || a.currency FROM ledger.account a
                WHERE a.zone_id = t.zone_id AND a.account_id = t.credit_account_id) AS credited) book
        WHERE (debited = credited) IS NOT TRUE)
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
CREATE TRIGGER transfer_check_new AFTER INSERT ON ledger.transfer REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_new_transfers();
ALTER TABLE ledger.transfer ENABLE ALWAYS TRIGGER transfer_check_new;

CREATE TABLE ledger.control_total (
    zone_id integer NOT NULL CONSTRAINT control_total_zone_fkey REFERENCES ledger.zone,
    code text NOT NULL CONSTRAINT control_total_chart_fkey REFERENCES ledger.chart (code),
    currency char(3) NOT NULL,
    programme text NOT NULL,
    fiscal_year smallint NOT NULL,
    debits bigint NOT NULL CONSTRAINT control_total_debits_not_negative CHECK (debits >= 0),
    credits bigint NOT NULL CONSTRAINT control_total_credits_not_negative CHECK (credits >= 0),
    CONSTRAINT control_total_pkey PRIMARY KEY (zone_id, code, currency, programme, fiscal_year)
) WITH (fillfactor = 50);
COMMENT ON TABLE ledger.control_total IS 'totals over the accounts of one code, programme and year, kept with the postings';
COMMENT ON COLUMN ledger.control_total.zone_id IS 'zone';
COMMENT ON COLUMN ledger.control_total.code IS 'code in the chart';
COMMENT ON COLUMN ledger.control_total.currency IS 'ISO 4217 code';
COMMENT ON COLUMN ledger.control_total.programme IS 'programme code; empty for accounts without one';
COMMENT ON COLUMN ledger.control_total.fiscal_year IS 'budget year; 0 for accounts without one';
COMMENT ON COLUMN ledger.control_total.debits IS 'sum of the accounts'' debits, minor units';
COMMENT ON COLUMN ledger.control_total.credits IS 'sum of the accounts'' credits, minor units';
CALL ledger.isolate_by_zone('ledger.control_total');
GRANT SELECT, INSERT, UPDATE (debits, credits) ON ledger.control_total TO subsidy_ledger_app;
CREATE TRIGGER control_total_only_grows AFTER UPDATE ON ledger.control_total FOR EACH ROW
    WHEN (NEW.debits < OLD.debits OR NEW.credits < OLD.credits)
    EXECUTE FUNCTION ledger.refuse_account_change();
CREATE TRIGGER control_total_refuse_delete BEFORE DELETE ON ledger.control_total
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER control_total_refuse_truncate BEFORE TRUNCATE ON ledger.control_total
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.control_total ENABLE ALWAYS TRIGGER control_total_only_grows;
ALTER TABLE ledger.control_total ENABLE ALWAYS TRIGGER control_total_refuse_delete;
ALTER TABLE ledger.control_total ENABLE ALWAYS TRIGGER control_total_refuse_truncate;

-- How many entries were recorded at or before a time: a binary search, since times never decrease.
CREATE FUNCTION ledger.log_size_at(zone integer, instant timestamptz) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog AS $$
DECLARE
    low bigint := 0; -- entries below are in
    high bigint := coalesce((SELECT size FROM ledger.log_head WHERE zone_id = zone), 0);
    middle bigint;
BEGIN
    WHILE low < high LOOP
        middle := (low + high) / 2;
        IF (SELECT recorded_at FROM ledger.entry WHERE zone_id = zone AND log_index = middle) <= instant
        THEN low := middle + 1;
        ELSE high := middle;
        END IF;
    END LOOP;
    RETURN low;
END
$$;
COMMENT ON FUNCTION ledger.log_size_at(integer, timestamptz) IS 'size of a zone''s log at a time, in O(log n)';
