-- Budget control: authority moved between programmes by two persons, and budget lines that are frozen.

CREATE TABLE ledger.budget_transfer (
    zone_id integer NOT NULL CONSTRAINT budget_transfer_zone_fkey REFERENCES ledger.zone,
    proposed_index bigint NOT NULL,
    fiscal_year smallint NOT NULL,
    from_programme text NOT NULL,
    to_programme text NOT NULL,
    amount bigint NOT NULL CONSTRAINT budget_transfer_amount_positive CHECK (amount > 0),
    reason text NOT NULL CONSTRAINT budget_transfer_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    proposed_by uuid NOT NULL,
    outcome text CONSTRAINT budget_transfer_outcome_known CHECK (outcome IN ('approved', 'rejected')),
    decided_by uuid,
    decided_index bigint,
    CONSTRAINT budget_transfer_pkey PRIMARY KEY (zone_id, proposed_index),
    CONSTRAINT budget_transfer_between_two CHECK (from_programme <> to_programme),
    CONSTRAINT budget_transfer_decided_whole CHECK ((outcome IS NULL) = (decided_by IS NULL)
        AND (outcome IS NULL) = (decided_index IS NULL)),
    CONSTRAINT budget_transfer_decided_later CHECK (decided_index > proposed_index),
    -- Whoever proposed may take it back, but not approve it.
    CONSTRAINT budget_transfer_two_persons CHECK (outcome IS DISTINCT FROM 'approved'
        OR decided_by IS DISTINCT FROM proposed_by),
    CONSTRAINT budget_transfer_from_fkey FOREIGN KEY (zone_id, from_programme) REFERENCES ledger.programme,
    CONSTRAINT budget_transfer_to_fkey FOREIGN KEY (zone_id, to_programme) REFERENCES ledger.programme,
    CONSTRAINT budget_transfer_proposer_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT budget_transfer_decider_fkey FOREIGN KEY (zone_id, decided_by) REFERENCES ledger.person,
    CONSTRAINT budget_transfer_proposed_fkey FOREIGN KEY (zone_id, proposed_index) REFERENCES ledger.entry,
    CONSTRAINT budget_transfer_decided_fkey FOREIGN KEY (zone_id, decided_index) REFERENCES ledger.entry
);
COMMENT ON TABLE ledger.budget_transfer IS 'authority of one programme for another of the same year (预算调剂): proposed by one person, approved by a second';
COMMENT ON COLUMN ledger.budget_transfer.zone_id IS 'zone';
COMMENT ON COLUMN ledger.budget_transfer.proposed_index IS 'entry of the proposal, which names it';
COMMENT ON COLUMN ledger.budget_transfer.fiscal_year IS 'budget year of both';
COMMENT ON COLUMN ledger.budget_transfer.from_programme IS 'programme that gives';
COMMENT ON COLUMN ledger.budget_transfer.to_programme IS 'programme that gets';
COMMENT ON COLUMN ledger.budget_transfer.amount IS 'minor units';
COMMENT ON COLUMN ledger.budget_transfer.reason IS 'why';
COMMENT ON COLUMN ledger.budget_transfer.proposed_by IS 'person who proposed it';
COMMENT ON COLUMN ledger.budget_transfer.outcome IS 'approved or rejected; NULL while it waits';
COMMENT ON COLUMN ledger.budget_transfer.decided_by IS 'person who approved or rejected it; NULL is nobody';
COMMENT ON COLUMN ledger.budget_transfer.decided_index IS 'entry of the approval, which moved the amount, or of the rejection';
CALL ledger.isolate_by_zone('ledger.budget_transfer');
GRANT SELECT, INSERT, UPDATE (outcome, decided_by, decided_index) ON ledger.budget_transfer TO subsidy_ledger_app;

CREATE TABLE ledger.budget_freeze (
    zone_id integer NOT NULL CONSTRAINT budget_freeze_zone_fkey REFERENCES ledger.zone,
    frozen_index bigint NOT NULL,
    programme text NOT NULL,
    fiscal_year smallint NOT NULL,
    reason text NOT NULL CONSTRAINT budget_freeze_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    frozen_by uuid NOT NULL,
    thawed_by uuid,
    thawed_index bigint,
    CONSTRAINT budget_freeze_pkey PRIMARY KEY (zone_id, frozen_index),
    CONSTRAINT budget_freeze_thawed_whole CHECK ((thawed_by IS NULL) = (thawed_index IS NULL)),
    CONSTRAINT budget_freeze_thawed_later CHECK (thawed_index > frozen_index),
    CONSTRAINT budget_freeze_programme_fkey FOREIGN KEY (zone_id, programme) REFERENCES ledger.programme,
    CONSTRAINT budget_freeze_freezer_fkey FOREIGN KEY (zone_id, frozen_by) REFERENCES ledger.person,
    CONSTRAINT budget_freeze_thawer_fkey FOREIGN KEY (zone_id, thawed_by) REFERENCES ledger.person,
    CONSTRAINT budget_freeze_frozen_fkey FOREIGN KEY (zone_id, frozen_index) REFERENCES ledger.entry,
    CONSTRAINT budget_freeze_thawed_fkey FOREIGN KEY (zone_id, thawed_index) REFERENCES ledger.entry
);
CREATE UNIQUE INDEX budget_freeze_one_open ON ledger.budget_freeze (zone_id, programme, fiscal_year)
    WHERE thawed_index IS NULL;
COMMENT ON TABLE ledger.budget_freeze IS 'a budget line that is frozen (冻结): of it nothing is issued, awarded, claimed or moved, until it is thawed';
COMMENT ON COLUMN ledger.budget_freeze.zone_id IS 'zone';
COMMENT ON COLUMN ledger.budget_freeze.frozen_index IS 'entry that froze it';
COMMENT ON COLUMN ledger.budget_freeze.programme IS 'programme';
COMMENT ON COLUMN ledger.budget_freeze.fiscal_year IS 'budget year';
COMMENT ON COLUMN ledger.budget_freeze.reason IS 'why';
COMMENT ON COLUMN ledger.budget_freeze.frozen_by IS 'person who froze it';
COMMENT ON COLUMN ledger.budget_freeze.thawed_by IS 'person who thawed it; NULL is nobody';
COMMENT ON COLUMN ledger.budget_freeze.thawed_index IS 'entry that thawed it; NULL while it is frozen';
CALL ledger.isolate_by_zone('ledger.budget_freeze');
GRANT SELECT, INSERT, UPDATE (thawed_by, thawed_index) ON ledger.budget_freeze TO subsidy_ledger_app;

-- Each is ended once, and nothing else of it changes.
CREATE FUNCTION ledger.budget_control_ends_once() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'a transfer is decided once, and a freeze ended once; nothing else of them changes'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END
$$;
COMMENT ON FUNCTION ledger.budget_control_ends_once() IS 'refuses every change of a transfer but its decision, and of a freeze but its end';
CREATE TRIGGER budget_transfer_decided_once BEFORE UPDATE ON ledger.budget_transfer FOR EACH ROW
    WHEN (OLD.decided_index IS NOT NULL OR NEW.decided_index IS NULL OR (NEW.zone_id, NEW.proposed_index,
        NEW.fiscal_year, NEW.from_programme, NEW.to_programme, NEW.amount, NEW.reason, NEW.proposed_by)
        IS DISTINCT FROM (OLD.zone_id, OLD.proposed_index, OLD.fiscal_year, OLD.from_programme, OLD.to_programme,
        OLD.amount, OLD.reason, OLD.proposed_by))
    EXECUTE FUNCTION ledger.budget_control_ends_once();
CREATE TRIGGER budget_transfer_refuse_delete BEFORE DELETE ON ledger.budget_transfer
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER budget_transfer_refuse_truncate BEFORE TRUNCATE ON ledger.budget_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.budget_transfer ENABLE ALWAYS TRIGGER budget_transfer_decided_once;
ALTER TABLE ledger.budget_transfer ENABLE ALWAYS TRIGGER budget_transfer_refuse_delete;
ALTER TABLE ledger.budget_transfer ENABLE ALWAYS TRIGGER budget_transfer_refuse_truncate;
CREATE TRIGGER budget_freeze_thawed_once BEFORE UPDATE ON ledger.budget_freeze FOR EACH ROW
    WHEN (OLD.thawed_index IS NOT NULL OR NEW.thawed_index IS NULL OR (NEW.zone_id, NEW.frozen_index,
        NEW.programme, NEW.fiscal_year, NEW.reason, NEW.frozen_by)
        IS DISTINCT FROM (OLD.zone_id, OLD.frozen_index, OLD.programme, OLD.fiscal_year, OLD.reason, OLD.frozen_by))
    EXECUTE FUNCTION ledger.budget_control_ends_once();
CREATE TRIGGER budget_freeze_refuse_delete BEFORE DELETE ON ledger.budget_freeze
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER budget_freeze_refuse_truncate BEFORE TRUNCATE ON ledger.budget_freeze
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.budget_freeze ENABLE ALWAYS TRIGGER budget_freeze_thawed_once;
ALTER TABLE ledger.budget_freeze ENABLE ALWAYS TRIGGER budget_freeze_refuse_delete;
ALTER TABLE ledger.budget_freeze ENABLE ALWAYS TRIGGER budget_freeze_refuse_truncate;
