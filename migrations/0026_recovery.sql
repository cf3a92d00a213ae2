-- Money back: recoveries of what was paid, how they are settled, and what is offset against other payables.

-- A payable may be paid by offset, wholly or in part: the bank pays the rest.
ALTER TABLE ledger.payable
    ADD COLUMN set_off bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT payable_state_known,
    ADD CONSTRAINT payable_state_known
        CHECK (state IN ('owed', 'approved', 'prepared', 'sent', 'paid', 'offset')),
    ADD CONSTRAINT payable_set_off_within CHECK (set_off BETWEEN 0 AND amount),
    ADD CONSTRAINT payable_offset_when_whole CHECK ((state = 'offset') = (set_off = amount));
COMMENT ON COLUMN ledger.payable.set_off IS 'what was offset against recoveries from the payee, minor units; a bank line pays the rest';
COMMENT ON COLUMN ledger.payable.state IS 'owed, approved, prepared (in a batch that waits for its release), sent to the bank, paid, offset (all of it against recoveries); what is rejected or given back is approved again';
GRANT UPDATE (set_off) ON ledger.payable TO subsidy_ledger_app;
CREATE FUNCTION ledger.refuse_set_off() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'only a payable that is approved and in no batch is offset, and nothing of that is taken back'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END
$$;
COMMENT ON FUNCTION ledger.refuse_set_off() IS 'trigger function: a payable is offset while it is approved';
CREATE TRIGGER payable_set_off_while_approved BEFORE UPDATE ON ledger.payable FOR EACH ROW
    WHEN (NEW.set_off < OLD.set_off OR NEW.set_off > OLD.set_off AND OLD.state <> 'approved')
    EXECUTE FUNCTION ledger.refuse_set_off();
ALTER TABLE ledger.payable ENABLE ALWAYS TRIGGER payable_set_off_while_approved;

CREATE TABLE ledger.recovery (
    zone_id integer NOT NULL CONSTRAINT recovery_zone_fkey REFERENCES ledger.zone,
    recovery_id uuid NOT NULL,
    proposed_index bigint NOT NULL,
    payable_id uuid NOT NULL,
    cause text NOT NULL
        CONSTRAINT recovery_cause_known CHECK (cause IN ('overpaid', 'ineligible', 'misused', 'defrauded', 'other')),
    reason text NOT NULL CONSTRAINT recovery_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    basis text NOT NULL CONSTRAINT recovery_basis_known CHECK (basis IN ('corrected', 'whole')),
    amount bigint NOT NULL CONSTRAINT recovery_amount_positive CHECK (amount > 0),
    hands uuid[] NOT NULL,
    proposed_by uuid NOT NULL,
    outcome text CONSTRAINT recovery_outcome_known CHECK (outcome IN ('ordered', 'rejected')),
    decided_by uuid,
    decided_index bigint,
    due_on date,
    open bigint NOT NULL DEFAULT 0,
    received bigint NOT NULL DEFAULT 0,
    set_off bigint NOT NULL DEFAULT 0,
    written_off bigint NOT NULL DEFAULT 0,
    planned_index bigint,
    voided_by uuid,
    voided_index bigint,
    state text NOT NULL GENERATED ALWAYS AS (CASE
        WHEN outcome IS NULL THEN 'proposed'
        WHEN outcome = 'rejected' THEN 'rejected'
        WHEN voided_index IS NOT NULL THEN 'void'
        WHEN open > 0 THEN 'open'
        WHEN written_off > 0 THEN 'written_off'
        WHEN received > 0 THEN 'recovered'
        ELSE 'offset' END) STORED,
    CONSTRAINT recovery_pkey PRIMARY KEY (zone_id, recovery_id),
    CONSTRAINT recovery_proposed_key UNIQUE (zone_id, proposed_index),
    CONSTRAINT recovery_payable_fkey FOREIGN KEY (zone_id, payable_id) REFERENCES ledger.payable,
    CONSTRAINT recovery_proposer_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT recovery_decider_fkey FOREIGN KEY (zone_id, decided_by) REFERENCES ledger.person,
    CONSTRAINT recovery_voider_fkey FOREIGN KEY (zone_id, voided_by) REFERENCES ledger.person,
    CONSTRAINT recovery_proposed_fkey FOREIGN KEY (zone_id, proposed_index) REFERENCES ledger.entry,
    CONSTRAINT recovery_decided_fkey FOREIGN KEY (zone_id, decided_index) REFERENCES ledger.entry,
    CONSTRAINT recovery_voided_fkey FOREIGN KEY (zone_id, voided_index) REFERENCES ledger.entry,
    CONSTRAINT recovery_decided_whole CHECK ((outcome IS NULL) = (decided_by IS NULL)
        AND (outcome IS NULL) = (decided_index IS NULL) AND (outcome = 'ordered' AND due_on IS NOT NULL
            OR outcome IS DISTINCT FROM 'ordered' AND due_on IS NULL)),
    CONSTRAINT recovery_voided_whole CHECK ((voided_by IS NULL) = (voided_index IS NULL)
        AND (voided_by IS NULL OR outcome IS NOT DISTINCT FROM 'ordered')),
    CONSTRAINT recovery_in_order CHECK ((decided_index IS NULL OR decided_index > proposed_index)
        AND (voided_index IS NULL OR voided_index > decided_index)),
    -- Whoever proposed may take it back, but not order it; nor may anybody who had a hand in the case.
    CONSTRAINT recovery_two_persons CHECK (outcome IS DISTINCT FROM 'ordered'
        OR decided_by IS DISTINCT FROM proposed_by AND decided_by <> ALL (hands)),
    CONSTRAINT recovery_voided_by_another CHECK (voided_by IS NULL
        OR voided_by IS DISTINCT FROM decided_by AND voided_by <> ALL (hands)),
    CONSTRAINT recovery_planned_when_ordered CHECK (planned_index IS NULL OR planned_index > decided_index),
    CONSTRAINT recovery_parts_not_negative CHECK (open >= 0 AND received >= 0 AND set_off >= 0 AND written_off >= 0),
    CONSTRAINT recovery_parts_are_amount CHECK (open + received + set_off + written_off
        = CASE WHEN outcome = 'ordered' AND voided_index IS NULL THEN amount ELSE 0 END)
);
CREATE INDEX recovery_payable ON ledger.recovery (zone_id, payable_id);
CREATE INDEX recovery_open ON ledger.recovery (zone_id, proposed_index) WHERE open > 0;
COMMENT ON TABLE ledger.recovery IS 'what is asked back of a payable that was paid (追回): proposed by one person, ordered by another; what is open of it stands in F1210';
COMMENT ON COLUMN ledger.recovery.zone_id IS 'zone';
COMMENT ON COLUMN ledger.recovery.recovery_id IS 'identity; the item of its account F1210';
COMMENT ON COLUMN ledger.recovery.proposed_index IS 'entry of the proposal; Z and this number is its short name';
COMMENT ON COLUMN ledger.recovery.payable_id IS 'what was paid; its payee pays back, its budget line gets back';
COMMENT ON COLUMN ledger.recovery.cause IS 'overpaid, ineligible, misused, defrauded, other';
COMMENT ON COLUMN ledger.recovery.reason IS 'why';
COMMENT ON COLUMN ledger.recovery.basis IS 'corrected (the same rules decided again on corrected facts, in the entry), whole (all that was paid)';
COMMENT ON COLUMN ledger.recovery.amount IS 'what is asked back, minor units';
COMMENT ON COLUMN ledger.recovery.hands IS 'who submitted, handled or approved what was paid: none of them orders its recovery';
COMMENT ON COLUMN ledger.recovery.proposed_by IS 'person who proposed it';
COMMENT ON COLUMN ledger.recovery.outcome IS 'ordered or rejected; NULL while it waits';
COMMENT ON COLUMN ledger.recovery.decided_by IS 'person who ordered or rejected it; NULL is nobody';
COMMENT ON COLUMN ledger.recovery.decided_index IS 'entry of the order, from which on the amount is receivable, or of the rejection';
COMMENT ON COLUMN ledger.recovery.due_on IS 'last day on which it is paid in time, if no plan says otherwise';
COMMENT ON COLUMN ledger.recovery.open IS 'still to come, minor units';
COMMENT ON COLUMN ledger.recovery.received IS 'what lines of the bank brought, minor units';
COMMENT ON COLUMN ledger.recovery.set_off IS 'what was offset against payables of the same party, minor units';
COMMENT ON COLUMN ledger.recovery.written_off IS 'what was given up, minor units';
COMMENT ON COLUMN ledger.recovery.planned_index IS 'entry of the plan of instalments in force';
COMMENT ON COLUMN ledger.recovery.voided_by IS 'person who voided it, another than who ordered it';
COMMENT ON COLUMN ledger.recovery.voided_index IS 'entry that voided it';
COMMENT ON COLUMN ledger.recovery.state IS 'proposed, rejected, open, recovered, offset (all of it), written_off, void';
CALL ledger.isolate_by_zone('ledger.recovery');
GRANT SELECT, INSERT, UPDATE (outcome, decided_by, decided_index, due_on, open, received, set_off, written_off,
    planned_index, voided_by, voided_index) ON ledger.recovery TO subsidy_ledger_app;

CREATE FUNCTION ledger.refuse_recovery_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'it is decided once, and nothing of it changes back'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END
$$;
COMMENT ON FUNCTION ledger.refuse_recovery_change() IS 'trigger function: recoveries, write-offs and exclusions go forward only';
CREATE TRIGGER recovery_goes_forward BEFORE UPDATE ON ledger.recovery FOR EACH ROW
    WHEN ((NEW.zone_id, NEW.recovery_id, NEW.proposed_index, NEW.payable_id, NEW.cause, NEW.reason, NEW.basis,
        NEW.amount, NEW.hands, NEW.proposed_by) IS DISTINCT FROM (OLD.zone_id, OLD.recovery_id, OLD.proposed_index,
        OLD.payable_id, OLD.cause, OLD.reason, OLD.basis, OLD.amount, OLD.hands, OLD.proposed_by)
        OR OLD.outcome IS NOT NULL AND (NEW.outcome, NEW.decided_by, NEW.decided_index, NEW.due_on)
            IS DISTINCT FROM (OLD.outcome, OLD.decided_by, OLD.decided_index, OLD.due_on)
        OR OLD.voided_index IS NOT NULL OR NEW.received < OLD.received OR NEW.set_off < OLD.set_off
        OR NEW.written_off < OLD.written_off)
    EXECUTE FUNCTION ledger.refuse_recovery_change();
CREATE TRIGGER recovery_refuse_delete BEFORE DELETE ON ledger.recovery
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER recovery_refuse_truncate BEFORE TRUNCATE ON ledger.recovery
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.recovery ENABLE ALWAYS TRIGGER recovery_goes_forward;
ALTER TABLE ledger.recovery ENABLE ALWAYS TRIGGER recovery_refuse_delete;
ALTER TABLE ledger.recovery ENABLE ALWAYS TRIGGER recovery_refuse_truncate;

-- The payable's row is locked by whoever proposes, so two proposals don't miss each other.
CREATE FUNCTION ledger.check_new_recovery() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    paid bigint;
    asked bigint;
BEGIN
    SELECT p.amount INTO paid FROM ledger.payable p
    WHERE p.zone_id = NEW.zone_id AND p.payable_id = NEW.payable_id AND p.state IN ('paid', 'offset');
    SELECT sum(r.amount) INTO asked FROM ledger.recovery r
    WHERE r.zone_id = NEW.zone_id AND r.payable_id = NEW.payable_id AND r.state NOT IN ('rejected', 'void');
    IF paid IS NULL OR asked > paid THEN
        RAISE EXCEPTION 'of a payable at most what was paid is recovered'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recovery_within_paid';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.check_new_recovery() IS 'trigger function: recoveries of a payable are at most what was paid';
CREATE TRIGGER recovery_within_paid AFTER INSERT ON ledger.recovery
    FOR EACH ROW EXECUTE FUNCTION ledger.check_new_recovery();
ALTER TABLE ledger.recovery ENABLE ALWAYS TRIGGER recovery_within_paid;

CREATE TABLE ledger.recovery_settlement (
    zone_id integer NOT NULL,
    log_index bigint NOT NULL,
    recovery_id uuid NOT NULL,
    way text NOT NULL CONSTRAINT recovery_settlement_way_known CHECK (way IN ('cash', 'offset', 'write_off')),
    amount bigint NOT NULL CONSTRAINT recovery_settlement_amount_positive CHECK (amount > 0),
    returned_to text CONSTRAINT recovery_settlement_returned_to_known CHECK (returned_to IN ('B30', 'B80')),
    settled_by uuid NOT NULL,
    file_index bigint,
    line_number integer,
    payable_id uuid,
    CONSTRAINT recovery_settlement_pkey PRIMARY KEY (zone_id, log_index),
    CONSTRAINT recovery_settlement_recovery_fkey FOREIGN KEY (zone_id, recovery_id) REFERENCES ledger.recovery,
    CONSTRAINT recovery_settlement_person_fkey FOREIGN KEY (zone_id, settled_by) REFERENCES ledger.person,
    CONSTRAINT recovery_settlement_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry,
    CONSTRAINT recovery_settlement_payable_fkey FOREIGN KEY (zone_id, payable_id) REFERENCES ledger.payable,
    CONSTRAINT recovery_settlement_bank_line_fkey FOREIGN KEY (zone_id, file_index, line_number)
        REFERENCES ledger.bank_line,
    CONSTRAINT recovery_settlement_bank_line_key UNIQUE (zone_id, file_index, line_number),
    -- Cash is a line of the bank, an offset a payable; what is written off gives the budget nothing back.
    CONSTRAINT recovery_settlement_by_its_way CHECK ((way = 'cash') = (file_index IS NOT NULL)
        AND (file_index IS NULL) = (line_number IS NULL) AND (way = 'offset') = (payable_id IS NOT NULL)
        AND (way = 'write_off') = (returned_to IS NULL))
);
CREATE INDEX recovery_settlement_recovery ON ledger.recovery_settlement (zone_id, recovery_id, log_index);
CREATE INDEX recovery_settlement_payable ON ledger.recovery_settlement (zone_id, payable_id)
    WHERE payable_id IS NOT NULL;
COMMENT ON TABLE ledger.recovery_settlement IS 'a part of a recovery that came in, was offset or was written off';
COMMENT ON COLUMN ledger.recovery_settlement.zone_id IS 'zone';
COMMENT ON COLUMN ledger.recovery_settlement.log_index IS 'entry that says so';
COMMENT ON COLUMN ledger.recovery_settlement.recovery_id IS 'recovery';
COMMENT ON COLUMN ledger.recovery_settlement.way IS 'cash, offset, write_off';
COMMENT ON COLUMN ledger.recovery_settlement.amount IS 'minor units';
COMMENT ON COLUMN ledger.recovery_settlement.returned_to IS 'account that the spent authority went back to: B30 (free again) in the year that paid, B80 (returned) later';
COMMENT ON COLUMN ledger.recovery_settlement.settled_by IS 'person who said so';
COMMENT ON COLUMN ledger.recovery_settlement.file_index IS 'of cash, the entry that took the file of its bank line in';
COMMENT ON COLUMN ledger.recovery_settlement.line_number IS 'of cash, the number of its line in that file';
COMMENT ON COLUMN ledger.recovery_settlement.payable_id IS 'of an offset, the payable that it was taken from';
CALL ledger.isolate_by_zone('ledger.recovery_settlement');
CALL ledger.make_append_only('ledger.recovery_settlement');

CREATE FUNCTION ledger.check_new_offset() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger.recovery r
        JOIN ledger.payable was ON was.zone_id = r.zone_id AND was.payable_id = r.payable_id
        JOIN ledger.payable p ON p.zone_id = r.zone_id AND p.payable_id = NEW.payable_id
        WHERE r.zone_id = NEW.zone_id AND r.recovery_id = NEW.recovery_id AND p.payee_id = was.payee_id
            AND NEW.settled_by NOT IN (r.decided_by, p.submitted_by, p.approved_by)
            AND NEW.settled_by <> ALL (p.handled_by)) THEN
        RAISE EXCEPTION 'a recovery is offset against what its own party is owed, by a person of no other step'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recovery_offset_by_another';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.check_new_offset() IS 'trigger function: whose payable is offset, and by whom';
CREATE TRIGGER recovery_offset_by_another AFTER INSERT ON ledger.recovery_settlement FOR EACH ROW
    WHEN (NEW.way = 'offset') EXECUTE FUNCTION ledger.check_new_offset();
ALTER TABLE ledger.recovery_settlement ENABLE ALWAYS TRIGGER recovery_offset_by_another;

CREATE TABLE ledger.recovery_instalment (
    zone_id integer NOT NULL,
    planned_index bigint NOT NULL,
    number smallint NOT NULL CONSTRAINT recovery_instalment_number_positive CHECK (number > 0),
    recovery_id uuid NOT NULL,
    due date NOT NULL,
    amount bigint NOT NULL CONSTRAINT recovery_instalment_amount_positive CHECK (amount > 0),
    CONSTRAINT recovery_instalment_pkey PRIMARY KEY (zone_id, planned_index, number),
    CONSTRAINT recovery_instalment_due_key UNIQUE (zone_id, planned_index, due),
    CONSTRAINT recovery_instalment_recovery_fkey FOREIGN KEY (zone_id, recovery_id) REFERENCES ledger.recovery,
    CONSTRAINT recovery_instalment_entry_fkey FOREIGN KEY (zone_id, planned_index) REFERENCES ledger.entry
);
CREATE INDEX recovery_instalment_recovery ON ledger.recovery_instalment (zone_id, recovery_id);
COMMENT ON TABLE ledger.recovery_instalment IS 'a part of a plan by which a recovery is paid; what is settled goes to the earliest first, and a later plan takes the place of an earlier one';
COMMENT ON COLUMN ledger.recovery_instalment.zone_id IS 'zone';
COMMENT ON COLUMN ledger.recovery_instalment.planned_index IS 'entry of the plan';
COMMENT ON COLUMN ledger.recovery_instalment.number IS 'its place in the plan, from 1';
COMMENT ON COLUMN ledger.recovery_instalment.recovery_id IS 'recovery';
COMMENT ON COLUMN ledger.recovery_instalment.due IS 'last day on which it is paid in time';
COMMENT ON COLUMN ledger.recovery_instalment.amount IS 'minor units';
CALL ledger.isolate_by_zone('ledger.recovery_instalment');
CALL ledger.make_append_only('ledger.recovery_instalment');

-- A plan is what was open when it was made.
CREATE FUNCTION ledger.check_new_plan() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT zone_id, recovery_id, planned_index, sum(amount) AS planned FROM new_rows
            GROUP BY 1, 2, 3) n
        JOIN ledger.recovery r ON r.zone_id = n.zone_id AND r.recovery_id = n.recovery_id
        WHERE r.open <> n.planned) THEN
        RAISE EXCEPTION 'the instalments of a plan add up to what is open'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'recovery_plan_is_what_is_open';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.check_new_plan() IS 'trigger function: a plan adds up to what is open';
CREATE TRIGGER recovery_plan_is_what_is_open AFTER INSERT ON ledger.recovery_instalment
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_new_plan();
ALTER TABLE ledger.recovery_instalment ENABLE ALWAYS TRIGGER recovery_plan_is_what_is_open;

CREATE TABLE ledger.recovery_write_off (
    zone_id integer NOT NULL,
    proposed_index bigint NOT NULL,
    recovery_id uuid NOT NULL,
    amount bigint NOT NULL CONSTRAINT recovery_write_off_amount_positive CHECK (amount > 0),
    reason text NOT NULL CONSTRAINT recovery_write_off_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    proposed_by uuid NOT NULL,
    outcome text CONSTRAINT recovery_write_off_outcome_known CHECK (outcome IN ('approved', 'rejected')),
    decided_by uuid,
    decided_index bigint,
    CONSTRAINT recovery_write_off_pkey PRIMARY KEY (zone_id, proposed_index),
    CONSTRAINT recovery_write_off_recovery_fkey FOREIGN KEY (zone_id, recovery_id) REFERENCES ledger.recovery,
    CONSTRAINT recovery_write_off_proposer_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT recovery_write_off_decider_fkey FOREIGN KEY (zone_id, decided_by) REFERENCES ledger.person,
    CONSTRAINT recovery_write_off_proposed_fkey FOREIGN KEY (zone_id, proposed_index) REFERENCES ledger.entry,
    CONSTRAINT recovery_write_off_decided_fkey FOREIGN KEY (zone_id, decided_index) REFERENCES ledger.entry,
    CONSTRAINT recovery_write_off_decided_whole CHECK ((outcome IS NULL) = (decided_by IS NULL)
        AND (outcome IS NULL) = (decided_index IS NULL)),
    CONSTRAINT recovery_write_off_decided_later CHECK (decided_index > proposed_index),
    CONSTRAINT recovery_write_off_two_persons CHECK (outcome IS DISTINCT FROM 'approved'
        OR decided_by IS DISTINCT FROM proposed_by)
);
CREATE UNIQUE INDEX recovery_write_off_one_waits ON ledger.recovery_write_off (zone_id, recovery_id)
    WHERE outcome IS NULL;
COMMENT ON TABLE ledger.recovery_write_off IS 'that what is open of a recovery is given up (核销): proposed by finance, approved by a manager';
COMMENT ON COLUMN ledger.recovery_write_off.zone_id IS 'zone';
COMMENT ON COLUMN ledger.recovery_write_off.proposed_index IS 'entry of the proposal, which names it';
COMMENT ON COLUMN ledger.recovery_write_off.recovery_id IS 'recovery';
COMMENT ON COLUMN ledger.recovery_write_off.amount IS 'what was open when it was proposed, and is to be given up; minor units';
COMMENT ON COLUMN ledger.recovery_write_off.reason IS 'why';
COMMENT ON COLUMN ledger.recovery_write_off.proposed_by IS 'person who proposed it';
COMMENT ON COLUMN ledger.recovery_write_off.outcome IS 'approved or rejected; NULL while it waits';
COMMENT ON COLUMN ledger.recovery_write_off.decided_by IS 'person who approved or rejected it; NULL is nobody';
COMMENT ON COLUMN ledger.recovery_write_off.decided_index IS 'entry of the approval or rejection';
CALL ledger.isolate_by_zone('ledger.recovery_write_off');
GRANT SELECT, INSERT, UPDATE (outcome, decided_by, decided_index) ON ledger.recovery_write_off TO subsidy_ledger_app;
CREATE TRIGGER recovery_write_off_decided_once BEFORE UPDATE ON ledger.recovery_write_off FOR EACH ROW
    WHEN (OLD.outcome IS NOT NULL OR NEW.outcome IS NULL OR (NEW.zone_id, NEW.proposed_index, NEW.recovery_id,
        NEW.amount, NEW.reason, NEW.proposed_by) IS DISTINCT FROM (OLD.zone_id, OLD.proposed_index, OLD.recovery_id,
        OLD.amount, OLD.reason, OLD.proposed_by))
    EXECUTE FUNCTION ledger.refuse_recovery_change();
CREATE TRIGGER recovery_write_off_refuse_delete BEFORE DELETE ON ledger.recovery_write_off
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER recovery_write_off_refuse_truncate BEFORE TRUNCATE ON ledger.recovery_write_off
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.recovery_write_off ENABLE ALWAYS TRIGGER recovery_write_off_decided_once;
ALTER TABLE ledger.recovery_write_off ENABLE ALWAYS TRIGGER recovery_write_off_refuse_delete;
ALTER TABLE ledger.recovery_write_off ENABLE ALWAYS TRIGGER recovery_write_off_refuse_truncate;

CREATE TABLE ledger.exclusion (
    zone_id integer NOT NULL CONSTRAINT exclusion_zone_fkey REFERENCES ledger.zone,
    proposed_index bigint NOT NULL,
    party_id uuid NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    reason text NOT NULL CONSTRAINT exclusion_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    proposed_by uuid NOT NULL,
    outcome text CONSTRAINT exclusion_outcome_known CHECK (outcome IN ('confirmed', 'rejected')),
    decided_by uuid,
    decided_index bigint,
    lifted_by uuid,
    lifted_index bigint,
    CONSTRAINT exclusion_pkey PRIMARY KEY (zone_id, proposed_index),
    CONSTRAINT exclusion_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party,
    CONSTRAINT exclusion_proposer_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT exclusion_decider_fkey FOREIGN KEY (zone_id, decided_by) REFERENCES ledger.person,
    CONSTRAINT exclusion_lifter_fkey FOREIGN KEY (zone_id, lifted_by) REFERENCES ledger.person,
    CONSTRAINT exclusion_proposed_fkey FOREIGN KEY (zone_id, proposed_index) REFERENCES ledger.entry,
    CONSTRAINT exclusion_decided_fkey FOREIGN KEY (zone_id, decided_index) REFERENCES ledger.entry,
    CONSTRAINT exclusion_lifted_fkey FOREIGN KEY (zone_id, lifted_index) REFERENCES ledger.entry,
    CONSTRAINT exclusion_days_in_order CHECK (first_day <= last_day),
    CONSTRAINT exclusion_decided_whole CHECK ((outcome IS NULL) = (decided_by IS NULL)
        AND (outcome IS NULL) = (decided_index IS NULL)),
    CONSTRAINT exclusion_lifted_whole CHECK ((lifted_by IS NULL) = (lifted_index IS NULL)
        AND (lifted_by IS NULL OR outcome IS NOT DISTINCT FROM 'confirmed')),
    CONSTRAINT exclusion_in_order CHECK ((decided_index IS NULL OR decided_index > proposed_index)
        AND (lifted_index IS NULL OR lifted_index > decided_index)),
    -- Whoever proposed may take it back, but not confirm it.
    CONSTRAINT exclusion_two_persons CHECK (outcome IS DISTINCT FROM 'confirmed'
        OR decided_by IS DISTINCT FROM proposed_by)
);
CREATE INDEX exclusion_party ON ledger.exclusion (zone_id, party_id) WHERE outcome = 'confirmed' AND lifted_index IS NULL;
COMMENT ON TABLE ledger.exclusion IS 'a party that gets nothing new of any programme for some days (取消申报资格): proposed by one person, confirmed by another';
COMMENT ON COLUMN ledger.exclusion.zone_id IS 'zone';
COMMENT ON COLUMN ledger.exclusion.proposed_index IS 'entry of the proposal, which names it';
COMMENT ON COLUMN ledger.exclusion.party_id IS 'party';
COMMENT ON COLUMN ledger.exclusion.first_day IS 'first day, in the zone''s time';
COMMENT ON COLUMN ledger.exclusion.last_day IS 'last day';
COMMENT ON COLUMN ledger.exclusion.reason IS 'why';
COMMENT ON COLUMN ledger.exclusion.proposed_by IS 'person who proposed it';
COMMENT ON COLUMN ledger.exclusion.outcome IS 'confirmed or rejected; NULL while it waits';
COMMENT ON COLUMN ledger.exclusion.decided_by IS 'person who confirmed or rejected it; NULL is nobody';
COMMENT ON COLUMN ledger.exclusion.decided_index IS 'entry of that';
COMMENT ON COLUMN ledger.exclusion.lifted_by IS 'person who ended it before its last day';
COMMENT ON COLUMN ledger.exclusion.lifted_index IS 'entry of that';
CALL ledger.isolate_by_zone('ledger.exclusion');
GRANT SELECT, INSERT, UPDATE (outcome, decided_by, decided_index, lifted_by, lifted_index) ON ledger.exclusion
    TO subsidy_ledger_app;
CREATE TRIGGER exclusion_decided_once BEFORE UPDATE ON ledger.exclusion FOR EACH ROW
    WHEN ((NEW.zone_id, NEW.proposed_index, NEW.party_id, NEW.first_day, NEW.last_day, NEW.reason, NEW.proposed_by)
        IS DISTINCT FROM (OLD.zone_id, OLD.proposed_index, OLD.party_id, OLD.first_day, OLD.last_day, OLD.reason,
            OLD.proposed_by)
        OR OLD.outcome IS NOT NULL AND (NEW.outcome, NEW.decided_by, NEW.decided_index)
            IS DISTINCT FROM (OLD.outcome, OLD.decided_by, OLD.decided_index)
        OR OLD.lifted_index IS NOT NULL)
    EXECUTE FUNCTION ledger.refuse_recovery_change();
CREATE TRIGGER exclusion_refuse_delete BEFORE DELETE ON ledger.exclusion
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER exclusion_refuse_truncate BEFORE TRUNCATE ON ledger.exclusion
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.exclusion ENABLE ALWAYS TRIGGER exclusion_decided_once;
ALTER TABLE ledger.exclusion ENABLE ALWAYS TRIGGER exclusion_refuse_delete;
ALTER TABLE ledger.exclusion ENABLE ALWAYS TRIGGER exclusion_refuse_truncate;
