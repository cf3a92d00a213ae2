-- What takes two persons: closing a budget year, and opening a closed period again. And what becomes of a programme's
-- authority at the end of a year.

-- The same days may be closed again after they were opened: a closing is its entry. The version before names the
-- constraint when it inserts, and never inserts the same entry twice.
ALTER TABLE ledger.closed_period DROP CONSTRAINT closed_period_pkey;
ALTER TABLE ledger.closed_period ADD CONSTRAINT closed_period_pkey PRIMARY KEY (zone_id, log_index);

CREATE TABLE ledger.year_end_rule (
    zone_id integer NOT NULL CONSTRAINT year_end_rule_zone_fkey REFERENCES ledger.zone,
    log_index bigint NOT NULL,
    programme text NOT NULL,
    free text NOT NULL CONSTRAINT year_end_rule_free_known CHECK (free IN ('lapse', 'carry')),
    vouchers text NOT NULL CONSTRAINT year_end_rule_vouchers_known CHECK (vouchers IN ('keep', 'end')),
    reason text NOT NULL CONSTRAINT year_end_rule_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    set_by uuid NOT NULL,
    CONSTRAINT year_end_rule_pkey PRIMARY KEY (zone_id, log_index),
    CONSTRAINT year_end_rule_programme_fkey FOREIGN KEY (zone_id, programme) REFERENCES ledger.programme,
    CONSTRAINT year_end_rule_person_fkey FOREIGN KEY (zone_id, set_by) REFERENCES ledger.person,
    CONSTRAINT year_end_rule_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry
);
COMMENT ON TABLE ledger.year_end_rule IS 'what becomes of a programme''s authority at the end of a budget year; the last one counts';
COMMENT ON COLUMN ledger.year_end_rule.zone_id IS 'zone';
COMMENT ON COLUMN ledger.year_end_rule.log_index IS 'entry that set it';
COMMENT ON COLUMN ledger.year_end_rule.programme IS 'programme';
COMMENT ON COLUMN ledger.year_end_rule.free IS 'what nothing uses: lapses, or is carried over to the same programme of the next year';
COMMENT ON COLUMN ledger.year_end_rule.vouchers IS 'vouchers of the year: kept until their last day, or ended with their holds before the year is closed';
COMMENT ON COLUMN ledger.year_end_rule.reason IS 'the regulation or decision that it follows';
COMMENT ON COLUMN ledger.year_end_rule.set_by IS 'person who set it';
CALL ledger.isolate_by_zone('ledger.year_end_rule');
CALL ledger.make_append_only('ledger.year_end_rule');

CREATE TABLE ledger.period_proposal (
    zone_id integer NOT NULL CONSTRAINT period_proposal_zone_fkey REFERENCES ledger.zone,
    proposed_index bigint NOT NULL,
    fiscal_year smallint,
    plan text,
    closing_index bigint,
    reason text NOT NULL CONSTRAINT period_proposal_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    proposed_by uuid NOT NULL,
    outcome text CONSTRAINT period_proposal_outcome_known CHECK (outcome IN ('confirmed', 'rejected')),
    decided_by uuid,
    decided_index bigint,
    CONSTRAINT period_proposal_pkey PRIMARY KEY (zone_id, proposed_index),
    CONSTRAINT period_proposal_one_subject CHECK (num_nonnulls(fiscal_year, closing_index) = 1),
    CONSTRAINT period_proposal_year_has_plan CHECK ((fiscal_year IS NULL) = (plan IS NULL)),
    CONSTRAINT period_proposal_decided_whole CHECK ((outcome IS NULL) = (decided_by IS NULL)
        AND (outcome IS NULL) = (decided_index IS NULL)),
    CONSTRAINT period_proposal_decided_later CHECK (decided_index > proposed_index),
    -- Whoever proposed may take it back, but not confirm it.
    CONSTRAINT period_proposal_two_persons CHECK (outcome IS DISTINCT FROM 'confirmed'
        OR decided_by IS DISTINCT FROM proposed_by),
    CONSTRAINT period_proposal_closing_fkey FOREIGN KEY (zone_id, closing_index) REFERENCES ledger.closed_period,
    CONSTRAINT period_proposal_proposer_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT period_proposal_decider_fkey FOREIGN KEY (zone_id, decided_by) REFERENCES ledger.person,
    CONSTRAINT period_proposal_proposed_fkey FOREIGN KEY (zone_id, proposed_index) REFERENCES ledger.entry,
    CONSTRAINT period_proposal_decided_fkey FOREIGN KEY (zone_id, decided_index) REFERENCES ledger.entry
);
CREATE UNIQUE INDEX period_proposal_reopened_once ON ledger.period_proposal (zone_id, closing_index)
    WHERE outcome = 'confirmed';
CREATE UNIQUE INDEX period_proposal_one_waits_for_year ON ledger.period_proposal (zone_id, fiscal_year)
    WHERE outcome IS NULL;
COMMENT ON TABLE ledger.period_proposal IS 'the end of a budget year, or the opening of a closed period: proposed by one person, confirmed by a second';
COMMENT ON COLUMN ledger.period_proposal.zone_id IS 'zone';
COMMENT ON COLUMN ledger.period_proposal.proposed_index IS 'entry of the proposal, which names it';
COMMENT ON COLUMN ledger.period_proposal.fiscal_year IS 'budget year to be closed; NULL if a period is to be opened';
COMMENT ON COLUMN ledger.period_proposal.plan IS 'what is to lapse and to be carried over, canonical JSON; it is confirmed as it was seen';
COMMENT ON COLUMN ledger.period_proposal.closing_index IS 'entry whose closing is to be undone; NULL if a year is to be closed';
COMMENT ON COLUMN ledger.period_proposal.reason IS 'why';
COMMENT ON COLUMN ledger.period_proposal.proposed_by IS 'person who proposed it';
COMMENT ON COLUMN ledger.period_proposal.outcome IS 'confirmed or rejected; NULL while it waits';
COMMENT ON COLUMN ledger.period_proposal.decided_by IS 'person who confirmed or rejected it; NULL is nobody';
COMMENT ON COLUMN ledger.period_proposal.decided_index IS 'entry of the confirmation or rejection';
CALL ledger.isolate_by_zone('ledger.period_proposal');
GRANT SELECT, INSERT, UPDATE (outcome, decided_by, decided_index) ON ledger.period_proposal TO subsidy_ledger_app;

CREATE FUNCTION ledger.refuse_period_proposal_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'a proposal is decided once; nothing else of it changes'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END
$$;
COMMENT ON FUNCTION ledger.refuse_period_proposal_change() IS 'refuses every change of a proposal but its decision';
CREATE TRIGGER period_proposal_decided_once BEFORE UPDATE ON ledger.period_proposal FOR EACH ROW
    WHEN (OLD.decided_index IS NOT NULL OR NEW.decided_index IS NULL OR (NEW.zone_id, NEW.proposed_index,
        NEW.fiscal_year, NEW.plan, NEW.closing_index, NEW.reason, NEW.proposed_by)
        IS DISTINCT FROM (OLD.zone_id, OLD.proposed_index, OLD.fiscal_year, OLD.plan, OLD.closing_index, OLD.reason,
        OLD.proposed_by))
    EXECUTE FUNCTION ledger.refuse_period_proposal_change();
CREATE TRIGGER period_proposal_refuse_delete BEFORE DELETE ON ledger.period_proposal
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER period_proposal_refuse_truncate BEFORE TRUNCATE ON ledger.period_proposal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.period_proposal ENABLE ALWAYS TRIGGER period_proposal_decided_once;
ALTER TABLE ledger.period_proposal ENABLE ALWAYS TRIGGER period_proposal_refuse_delete;
ALTER TABLE ledger.period_proposal ENABLE ALWAYS TRIGGER period_proposal_refuse_truncate;

-- The days that take adjusting entries only, said in one place.
CREATE VIEW ledger.standing_closing WITH (security_invoker = true, security_barrier = true) AS
    SELECT p.zone_id, p.from_day, p.until_day, p.log_index
    FROM ledger.closed_period p
    WHERE NOT EXISTS (SELECT FROM ledger.period_proposal r
        WHERE r.zone_id = p.zone_id AND r.closing_index = p.log_index AND r.outcome = 'confirmed');
COMMENT ON VIEW ledger.standing_closing IS 'closings that were not undone: their days take adjusting entries only';
COMMENT ON COLUMN ledger.standing_closing.zone_id IS 'zone';
COMMENT ON COLUMN ledger.standing_closing.from_day IS 'first closed day';
COMMENT ON COLUMN ledger.standing_closing.until_day IS 'first day that is open again';
COMMENT ON COLUMN ledger.standing_closing.log_index IS 'entry that closed it';
GRANT SELECT ON ledger.standing_closing TO subsidy_ledger_app, subsidy_ledger_auditor;

CREATE OR REPLACE FUNCTION ledger.lock_books(zone integer, addresses text[],
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
    FROM ledger.standing_closing p WHERE p.zone_id = lock_books.zone;
    SELECT coalesce(array_agg(asked.position), '{}'), coalesce(array_agg(a.account_id), '{}'),
            coalesce(array_agg(a.debits), '{}'), coalesce(array_agg(a.credits), '{}')
        INTO lock_books.positions, lock_books.account_ids, lock_books.debits, lock_books.credits
    FROM unnest(lock_books.addresses) WITH ORDINALITY AS asked (address, position)
    CROSS JOIN LATERAL (SELECT a.account_id, a.debits, a.credits FROM ledger.account a
        WHERE a.zone_id = lock_books.zone AND a.address = asked.address OFFSET 0) a;
END
$$;

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
        WHEN EXISTS (SELECT FROM sorts n JOIN ledger.standing_closing p ON NOT n.adjusting
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

-- What the zone never allocated lapses at the end of the year, and was not allocated by that.
CREATE OR REPLACE VIEW ledger.budget_execution WITH (security_invoker = true, security_barrier = true) AS
SELECT b.zone_id, b.programme, b.fiscal_year, b.currency,
    coalesce(p.name, g.name_zh || ' ' || g.name_en) AS programme_name,
    ledger.major_units(b.appropriated, b.currency) AS appropriated,
    ledger.major_units(b.unallocated, b.currency) AS unallocated,
    ledger.major_units(CASE WHEN b.programme = '' THEN 0 ELSE b.free + b.outstanding + b.reserved + b.obligated
        + b.paid + b.lapsed + b.carried END, b.currency) AS allocated,
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
