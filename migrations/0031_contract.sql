-- Contracts of purchased services (政府购买服务), whose milestones are claimed, and approved claims that are revoked.

CREATE TABLE ledger.contract (
    zone_id integer NOT NULL CONSTRAINT contract_zone_fkey REFERENCES ledger.zone,
    contract_id uuid NOT NULL,
    proposed_index bigint NOT NULL,
    programme text NOT NULL,
    provider_id uuid NOT NULL,
    service text NOT NULL CONSTRAINT contract_service_length CHECK (char_length(service) BETWEEN 1 AND 1000),
    reference text NOT NULL CONSTRAINT contract_reference_length CHECK (char_length(reference) BETWEEN 1 AND 200),
    signed_on date NOT NULL,
    amount bigint NOT NULL CONSTRAINT contract_amount_positive CHECK (amount > 0),
    proposed_by uuid NOT NULL,
    outcome text CONSTRAINT contract_outcome_known CHECK (outcome IN ('confirmed', 'rejected')),
    decided_by uuid,
    decided_index bigint,
    fiscal_year smallint,
    ended_index bigint,
    CONSTRAINT contract_pkey PRIMARY KEY (zone_id, contract_id),
    CONSTRAINT contract_proposed_key UNIQUE (zone_id, proposed_index),
    CONSTRAINT contract_programme_fkey FOREIGN KEY (zone_id, programme) REFERENCES ledger.programme,
    CONSTRAINT contract_provider_fkey FOREIGN KEY (zone_id, provider_id) REFERENCES ledger.party,
    CONSTRAINT contract_proposer_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT contract_decider_fkey FOREIGN KEY (zone_id, decided_by) REFERENCES ledger.person,
    CONSTRAINT contract_proposed_fkey FOREIGN KEY (zone_id, proposed_index) REFERENCES ledger.entry,
    CONSTRAINT contract_decided_fkey FOREIGN KEY (zone_id, decided_index) REFERENCES ledger.entry,
    CONSTRAINT contract_ended_fkey FOREIGN KEY (zone_id, ended_index) REFERENCES ledger.entry,
    CONSTRAINT contract_decided_whole CHECK ((outcome IS NULL) = (decided_by IS NULL)
        AND (outcome IS NULL) = (decided_index IS NULL)),
    CONSTRAINT contract_year_when_confirmed CHECK (
        (fiscal_year IS NOT NULL) = (outcome IS NOT DISTINCT FROM 'confirmed')),
    CONSTRAINT contract_ended_when_confirmed CHECK (ended_index IS NULL OR outcome IS NOT DISTINCT FROM 'confirmed'),
    CONSTRAINT contract_in_order CHECK ((decided_index IS NULL OR decided_index > proposed_index)
        AND (ended_index IS NULL OR ended_index > decided_index)),
    -- Whoever proposed may take it back, but not confirm it.
    CONSTRAINT contract_two_persons CHECK (outcome IS DISTINCT FROM 'confirmed'
        OR decided_by IS DISTINCT FROM proposed_by)
);
-- One contract reserves once.
CREATE UNIQUE INDEX contract_reference_key ON ledger.contract (zone_id, programme, reference)
    WHERE outcome IS DISTINCT FROM 'rejected';
CREATE INDEX contract_provider ON ledger.contract (zone_id, provider_id);
COMMENT ON TABLE ledger.contract IS 'a contract of purchased services (政府购买服务合同): proposed by one person, confirmed by another, from when on what is not accepted of it is reserved (B50)';
COMMENT ON COLUMN ledger.contract.zone_id IS 'zone';
COMMENT ON COLUMN ledger.contract.contract_id IS 'identity; the item of its account B50';
COMMENT ON COLUMN ledger.contract.proposed_index IS 'entry of the proposal; K and this number is its short name';
COMMENT ON COLUMN ledger.contract.programme IS 'programme that pays, of kind purchase';
COMMENT ON COLUMN ledger.contract.provider_id IS 'party that delivers, claims and is paid';
COMMENT ON COLUMN ledger.contract.service IS 'what is bought';
COMMENT ON COLUMN ledger.contract.reference IS 'number of the contract, once in a programme';
COMMENT ON COLUMN ledger.contract.signed_on IS 'day on which it was signed';
COMMENT ON COLUMN ledger.contract.amount IS 'minor units; the sum of its milestones';
COMMENT ON COLUMN ledger.contract.proposed_by IS 'person who proposed it';
COMMENT ON COLUMN ledger.contract.outcome IS 'confirmed or rejected; NULL while it waits';
COMMENT ON COLUMN ledger.contract.decided_by IS 'person who confirmed or rejected it; NULL is nobody';
COMMENT ON COLUMN ledger.contract.decided_index IS 'entry of the confirmation, which reserves the amount, or of the rejection';
COMMENT ON COLUMN ledger.contract.fiscal_year IS 'budget year that it was reserved in, and that pays; NULL before it is confirmed';
COMMENT ON COLUMN ledger.contract.ended_index IS 'entry that ended it early: what was reserved then went back';
CALL ledger.isolate_by_zone('ledger.contract');
GRANT SELECT, INSERT, UPDATE (outcome, decided_by, decided_index, fiscal_year, ended_index) ON ledger.contract
    TO subsidy_ledger_app;

CREATE TABLE ledger.contract_milestone (
    zone_id integer NOT NULL,
    contract_id uuid NOT NULL,
    number smallint NOT NULL CONSTRAINT contract_milestone_number_positive CHECK (number > 0),
    due date NOT NULL,
    amount bigint NOT NULL CONSTRAINT contract_milestone_amount_positive CHECK (amount > 0),
    reserved bigint NOT NULL DEFAULT 0,
    accepted bigint NOT NULL DEFAULT 0,
    claim_id uuid,
    CONSTRAINT contract_milestone_pkey PRIMARY KEY (zone_id, contract_id, number),
    CONSTRAINT contract_milestone_contract_fkey FOREIGN KEY (zone_id, contract_id) REFERENCES ledger.contract,
    CONSTRAINT contract_milestone_claim_fkey FOREIGN KEY (zone_id, claim_id) REFERENCES ledger.claim,
    CONSTRAINT contract_milestone_parts_within CHECK (reserved >= 0 AND accepted >= 0
        AND reserved + accepted <= amount AND (reserved = 0 OR accepted = 0)),
    CONSTRAINT contract_milestone_accepted_of_claim CHECK ((accepted > 0) = (claim_id IS NOT NULL))
);
CREATE UNIQUE INDEX contract_milestone_claim_key ON ledger.contract_milestone (zone_id, claim_id)
    WHERE claim_id IS NOT NULL;
COMMENT ON TABLE ledger.contract_milestone IS 'a part of a contract that is delivered, claimed and paid by itself (履约节点)';
COMMENT ON COLUMN ledger.contract_milestone.zone_id IS 'zone';
COMMENT ON COLUMN ledger.contract_milestone.contract_id IS 'contract';
COMMENT ON COLUMN ledger.contract_milestone.number IS 'from 1; its short name is that of the contract, a hyphen and this';
COMMENT ON COLUMN ledger.contract_milestone.due IS 'last day on which it is delivered in time';
COMMENT ON COLUMN ledger.contract_milestone.amount IS 'minor units, by the contract';
COMMENT ON COLUMN ledger.contract_milestone.reserved IS 'what is reserved for it now, minor units';
COMMENT ON COLUMN ledger.contract_milestone.accepted IS 'what an approved claim was given of it, minor units; the rest of what was reserved went back';
COMMENT ON COLUMN ledger.contract_milestone.claim_id IS 'that claim; NULL while none is approved';
CALL ledger.isolate_by_zone('ledger.contract_milestone');
GRANT SELECT, INSERT, UPDATE (reserved, accepted, claim_id) ON ledger.contract_milestone TO subsidy_ledger_app;

CREATE TABLE ledger.contract_ending (
    zone_id integer NOT NULL,
    proposed_index bigint NOT NULL,
    contract_id uuid NOT NULL,
    reason text NOT NULL CONSTRAINT contract_ending_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    proposed_by uuid NOT NULL,
    outcome text CONSTRAINT contract_ending_outcome_known CHECK (outcome IN ('confirmed', 'rejected')),
    decided_by uuid,
    decided_index bigint,
    CONSTRAINT contract_ending_pkey PRIMARY KEY (zone_id, proposed_index),
    CONSTRAINT contract_ending_contract_fkey FOREIGN KEY (zone_id, contract_id) REFERENCES ledger.contract,
    CONSTRAINT contract_ending_proposer_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT contract_ending_decider_fkey FOREIGN KEY (zone_id, decided_by) REFERENCES ledger.person,
    CONSTRAINT contract_ending_proposed_fkey FOREIGN KEY (zone_id, proposed_index) REFERENCES ledger.entry,
    CONSTRAINT contract_ending_decided_fkey FOREIGN KEY (zone_id, decided_index) REFERENCES ledger.entry,
    CONSTRAINT contract_ending_decided_whole CHECK ((outcome IS NULL) = (decided_by IS NULL)
        AND (outcome IS NULL) = (decided_index IS NULL)),
    CONSTRAINT contract_ending_decided_later CHECK (decided_index > proposed_index),
    CONSTRAINT contract_ending_two_persons CHECK (outcome IS DISTINCT FROM 'confirmed'
        OR decided_by IS DISTINCT FROM proposed_by)
);
CREATE UNIQUE INDEX contract_ending_one_waits ON ledger.contract_ending (zone_id, contract_id) WHERE outcome IS NULL;
COMMENT ON TABLE ledger.contract_ending IS 'that a contract be ended early: proposed by one person, confirmed by another';
COMMENT ON COLUMN ledger.contract_ending.zone_id IS 'zone';
COMMENT ON COLUMN ledger.contract_ending.proposed_index IS 'entry of the proposal, which names it';
COMMENT ON COLUMN ledger.contract_ending.contract_id IS 'contract';
COMMENT ON COLUMN ledger.contract_ending.reason IS 'why';
COMMENT ON COLUMN ledger.contract_ending.proposed_by IS 'person who proposed it';
COMMENT ON COLUMN ledger.contract_ending.outcome IS 'confirmed or rejected; NULL while it waits';
COMMENT ON COLUMN ledger.contract_ending.decided_by IS 'person who confirmed or rejected it; NULL is nobody';
COMMENT ON COLUMN ledger.contract_ending.decided_index IS 'entry of that';
CALL ledger.isolate_by_zone('ledger.contract_ending');
GRANT SELECT, INSERT, UPDATE (outcome, decided_by, decided_index) ON ledger.contract_ending TO subsidy_ledger_app;

CREATE FUNCTION ledger.refuse_contract_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'a contract is decided once and ended once; what it says does not change'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END
$$;
COMMENT ON FUNCTION ledger.refuse_contract_change() IS 'trigger function: contracts, their milestones and endings go forward only';
CREATE TRIGGER contract_goes_forward BEFORE UPDATE ON ledger.contract FOR EACH ROW
    WHEN ((NEW.zone_id, NEW.contract_id, NEW.proposed_index, NEW.programme, NEW.provider_id, NEW.service, NEW.reference,
        NEW.signed_on, NEW.amount, NEW.proposed_by) IS DISTINCT FROM (OLD.zone_id, OLD.contract_id, OLD.proposed_index,
        OLD.programme, OLD.provider_id, OLD.service, OLD.reference, OLD.signed_on, OLD.amount, OLD.proposed_by)
        OR OLD.outcome IS NOT NULL AND (NEW.outcome, NEW.decided_by, NEW.decided_index, NEW.fiscal_year)
            IS DISTINCT FROM (OLD.outcome, OLD.decided_by, OLD.decided_index, OLD.fiscal_year)
        OR OLD.ended_index IS NOT NULL)
    EXECUTE FUNCTION ledger.refuse_contract_change();
CREATE TRIGGER contract_milestone_stays_as_agreed BEFORE UPDATE ON ledger.contract_milestone FOR EACH ROW
    WHEN ((NEW.zone_id, NEW.contract_id, NEW.number, NEW.due, NEW.amount)
        IS DISTINCT FROM (OLD.zone_id, OLD.contract_id, OLD.number, OLD.due, OLD.amount))
    EXECUTE FUNCTION ledger.refuse_contract_change();
CREATE TRIGGER contract_ending_decided_once BEFORE UPDATE ON ledger.contract_ending FOR EACH ROW
    WHEN (OLD.decided_index IS NOT NULL OR (NEW.zone_id, NEW.proposed_index, NEW.contract_id, NEW.reason,
        NEW.proposed_by) IS DISTINCT FROM (OLD.zone_id, OLD.proposed_index, OLD.contract_id, OLD.reason,
        OLD.proposed_by))
    EXECUTE FUNCTION ledger.refuse_contract_change();
ALTER TABLE ledger.contract ENABLE ALWAYS TRIGGER contract_goes_forward;
ALTER TABLE ledger.contract_milestone ENABLE ALWAYS TRIGGER contract_milestone_stays_as_agreed;
ALTER TABLE ledger.contract_ending ENABLE ALWAYS TRIGGER contract_ending_decided_once;

-- Looked at when the transaction commits, since a contract's row and those of its milestones are written one after another.
CREATE FUNCTION ledger.check_contract() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    found record;
BEGIN
    SELECT c.amount, c.outcome IS NOT DISTINCT FROM 'confirmed' AS confirmed, c.ended_index IS NULL AS stands,
        coalesce(sum(m.amount), 0) AS parts, coalesce(sum(m.reserved), 0) AS reserved,
        coalesce(sum(m.accepted), 0) AS accepted
    INTO found
    FROM ledger.contract c
    LEFT JOIN ledger.contract_milestone m ON m.zone_id = c.zone_id AND m.contract_id = c.contract_id
    WHERE c.zone_id = NEW.zone_id AND c.contract_id = NEW.contract_id
    GROUP BY c.amount, c.outcome, c.ended_index;
    IF found.parts <> found.amount THEN
        RAISE EXCEPTION 'the milestones of a contract add up to it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_is_its_milestones';
    END IF;
    IF found.reserved > 0 AND NOT (found.confirmed AND found.stands) OR found.accepted > 0 AND NOT found.confirmed THEN
        RAISE EXCEPTION 'something is reserved only for a contract that is confirmed and not ended'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_reserves_while_in_force';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.check_contract() IS 'trigger function: milestones add up to their contract, and are reserved only while it is in force';
CREATE CONSTRAINT TRIGGER contract_checked AFTER INSERT OR UPDATE ON ledger.contract
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.check_contract();
CREATE CONSTRAINT TRIGGER contract_milestone_checked AFTER INSERT OR UPDATE ON ledger.contract_milestone
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger.check_contract();
ALTER TABLE ledger.contract ENABLE ALWAYS TRIGGER contract_checked;
ALTER TABLE ledger.contract_milestone ENABLE ALWAYS TRIGGER contract_milestone_checked;

CREATE TRIGGER contract_refuse_delete BEFORE DELETE ON ledger.contract
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER contract_refuse_truncate BEFORE TRUNCATE ON ledger.contract
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER contract_milestone_refuse_delete BEFORE DELETE ON ledger.contract_milestone
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER contract_milestone_refuse_truncate BEFORE TRUNCATE ON ledger.contract_milestone
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER contract_ending_refuse_delete BEFORE DELETE ON ledger.contract_ending
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER contract_ending_refuse_truncate BEFORE TRUNCATE ON ledger.contract_ending
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.contract ENABLE ALWAYS TRIGGER contract_refuse_delete;
ALTER TABLE ledger.contract ENABLE ALWAYS TRIGGER contract_refuse_truncate;
ALTER TABLE ledger.contract_milestone ENABLE ALWAYS TRIGGER contract_milestone_refuse_delete;
ALTER TABLE ledger.contract_milestone ENABLE ALWAYS TRIGGER contract_milestone_refuse_truncate;
ALTER TABLE ledger.contract_ending ENABLE ALWAYS TRIGGER contract_ending_refuse_delete;
ALTER TABLE ledger.contract_ending ENABLE ALWAYS TRIGGER contract_ending_refuse_truncate;

-- A claim may name a milestone, and one that was approved may be revoked before it is paid.
ALTER TABLE ledger.claim
    ADD COLUMN contract_id uuid,
    ADD COLUMN milestone smallint,
    ADD COLUMN revoked_by uuid,
    ADD COLUMN revoked_index bigint,
    DROP CONSTRAINT claim_state_known,
    DROP CONSTRAINT claim_reviewed_first,
    DROP CONSTRAINT claim_recommended_first,
    DROP CONSTRAINT claim_decided_whole,
    ADD CONSTRAINT claim_state_known CHECK (state IN ('draft', 'submitted', 'returned', 'recommended', 'noticed',
        'objected', 'approved', 'revoked', 'rejected', 'withdrawn')),
    ADD CONSTRAINT claim_reviewed_first CHECK (state NOT IN ('returned', 'recommended', 'noticed', 'objected',
        'approved', 'revoked') OR reviewed_by IS NOT NULL),
    ADD CONSTRAINT claim_recommended_first CHECK (state NOT IN ('recommended', 'noticed', 'objected', 'approved',
        'revoked') OR recommended IS NOT NULL),
    ADD CONSTRAINT claim_decided_whole CHECK ((decided_by IS NULL) = (decided_index IS NULL)
        AND (state IN ('approved', 'revoked')) <= (decided_by IS NOT NULL)
        AND (state IN ('approved', 'revoked')) = (awarded IS NOT NULL)),
    ADD CONSTRAINT claim_milestone_whole CHECK ((contract_id IS NULL) = (milestone IS NULL)),
    ADD CONSTRAINT claim_milestone_fkey FOREIGN KEY (zone_id, contract_id, milestone)
        REFERENCES ledger.contract_milestone,
    ADD CONSTRAINT claim_revoked_whole CHECK ((revoked_by IS NULL) = (revoked_index IS NULL)
        AND (state = 'revoked') = (revoked_by IS NOT NULL)),
    ADD CONSTRAINT claim_revoker_is_another CHECK (revoked_by IS NULL OR revoked_by IS DISTINCT FROM drafted_by
        AND revoked_by IS DISTINCT FROM submitted_by AND revoked_by IS DISTINCT FROM reviewed_by
        AND revoked_by IS DISTINCT FROM decided_by);
-- No milestone is paid twice.
CREATE UNIQUE INDEX claim_milestone_once ON ledger.claim (zone_id, contract_id, milestone)
    WHERE contract_id IS NOT NULL AND state IN ('submitted', 'recommended', 'noticed', 'objected', 'approved');
COMMENT ON COLUMN ledger.claim.contract_id IS 'contract whose milestone is claimed, if one is';
COMMENT ON COLUMN ledger.claim.milestone IS 'number of the milestone';
COMMENT ON COLUMN ledger.claim.revoked_by IS 'person who revoked the approval: none of those who acted on the claim before';
COMMENT ON COLUMN ledger.claim.revoked_index IS 'entry of that';
GRANT UPDATE (contract_id, milestone, revoked_by, revoked_index) ON ledger.claim TO subsidy_ledger_app;
CREATE FUNCTION ledger.refuse_revocation() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'what is approved is only revoked, what is revoked stays so, and what is in a batch, paid or offset is neither'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END
$$;
COMMENT ON FUNCTION ledger.refuse_revocation() IS 'trigger function: an approved claim is revoked once, before its payable is in a batch';
CREATE TRIGGER claim_revoked_once_approved BEFORE UPDATE ON ledger.claim FOR EACH ROW
    WHEN (OLD.state = 'revoked' OR OLD.state = 'approved' AND NEW.state NOT IN ('approved', 'revoked')
        OR NEW.state = 'revoked' AND OLD.state <> 'approved')
    EXECUTE FUNCTION ledger.refuse_revocation();
ALTER TABLE ledger.claim ENABLE ALWAYS TRIGGER claim_revoked_once_approved;

ALTER TABLE ledger.payable
    DROP CONSTRAINT payable_state_known,
    DROP CONSTRAINT payable_approved,
    ADD CONSTRAINT payable_state_known
        CHECK (state IN ('owed', 'approved', 'prepared', 'sent', 'paid', 'offset', 'revoked')),
    ADD CONSTRAINT payable_approved CHECK ((state = 'owed') <= (approved_by IS NULL)
        AND (state IN ('owed', 'revoked') OR approved_by IS NOT NULL)
        AND (approved_by IS NULL) = (approved_index IS NULL));
COMMENT ON COLUMN ledger.payable.state IS 'owed, approved, prepared (in a batch that waits for its release), sent to the bank, paid, offset (all of it against recoveries), revoked (its claim was, and nothing is owed); what is rejected or given back is approved again';
CREATE TRIGGER payable_revoked_before_batch BEFORE UPDATE ON ledger.payable FOR EACH ROW
    WHEN (OLD.state = 'revoked'
        OR NEW.state = 'revoked' AND (OLD.state NOT IN ('owed', 'approved') OR OLD.set_off > 0))
    EXECUTE FUNCTION ledger.refuse_revocation();
ALTER TABLE ledger.payable ENABLE ALWAYS TRIGGER payable_revoked_before_batch;

-- What contracts release and what is accepted of them debits B50 too, and was never issued.
CREATE OR REPLACE VIEW ledger.budget_execution WITH (security_invoker = true, security_barrier = true) AS
SELECT b.zone_id, b.programme, b.fiscal_year, b.currency,
    coalesce(p.name, g.name_zh || ' ' || g.name_en) AS programme_name,
    ledger.major_units(b.appropriated, b.currency) AS appropriated,
    ledger.major_units(b.unallocated, b.currency) AS unallocated,
    ledger.major_units(CASE WHEN b.programme = '' THEN 0 ELSE b.free + b.outstanding + b.reserved + b.obligated
        + b.paid + b.lapsed + b.carried END, b.currency) AS allocated,
    ledger.major_units(CASE WHEN g.kind = 'purchase' THEN 0 ELSE b.issued END, b.currency) AS issued,
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
COMMENT ON COLUMN ledger.budget_execution.issued IS 'vouchers issued in total, with those that expired or were cancelled since; none of a programme of purchases';
COMMENT ON COLUMN ledger.budget_execution.reserved IS 'held for orders, or reserved for contracts: balance of B50';
COMMENT ON COLUMN ledger.year_end_rule.vouchers IS 'vouchers and contracts of the year: kept until their end, or ended with their holds before the year is closed';
COMMENT ON COLUMN ledger.evidence_use.case_kind IS 'kind of case: redemption, claim or contract';
COMMENT ON COLUMN ledger.evidence_use.case_id IS 'the case: of a redemption, the hold; of a claim or contract, itself';
