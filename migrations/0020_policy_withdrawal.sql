-- A proposal of rules that is withdrawn, by whoever finds it wrong before it is published.

CREATE TABLE ledger.policy_withdrawal (
    zone_id integer NOT NULL,
    programme text NOT NULL,
    sha256 bytea NOT NULL,
    reason text NOT NULL
        CONSTRAINT policy_withdrawal_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    withdrawn_by uuid NOT NULL,
    log_index bigint NOT NULL,
    CONSTRAINT policy_withdrawal_pkey PRIMARY KEY (zone_id, programme, sha256),
    CONSTRAINT policy_withdrawal_proposal_fkey FOREIGN KEY (zone_id, programme, sha256)
        REFERENCES ledger.policy_proposal,
    CONSTRAINT policy_withdrawal_person_fkey FOREIGN KEY (zone_id, withdrawn_by) REFERENCES ledger.person,
    CONSTRAINT policy_withdrawal_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry
);
COMMENT ON TABLE ledger.policy_withdrawal IS 'a proposal of rules that nobody may publish any more';
COMMENT ON COLUMN ledger.policy_withdrawal.zone_id IS 'zone';
COMMENT ON COLUMN ledger.policy_withdrawal.programme IS 'programme that it is for';
COMMENT ON COLUMN ledger.policy_withdrawal.sha256 IS 'of the proposed pack''s bytes';
COMMENT ON COLUMN ledger.policy_withdrawal.reason IS 'why';
COMMENT ON COLUMN ledger.policy_withdrawal.withdrawn_by IS 'person';
COMMENT ON COLUMN ledger.policy_withdrawal.log_index IS 'entry of the withdrawal';
CALL ledger.isolate_by_zone('ledger.policy_withdrawal');
CALL ledger.make_append_only('ledger.policy_withdrawal');

CREATE FUNCTION ledger.refuse_withdrawn_policy() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger.policy_withdrawal w
        WHERE w.zone_id = NEW.zone_id AND w.programme = NEW.code AND w.sha256 = NEW.sha256)
    THEN
        RAISE EXCEPTION 'a pack that was withdrawn is not published'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'policy_not_withdrawn';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ledger.refuse_withdrawn_policy() IS 'refuses to publish a pack whose proposal was withdrawn';
CREATE TRIGGER policy_not_withdrawn BEFORE INSERT ON ledger.policy
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_withdrawn_policy();
ALTER TABLE ledger.policy ENABLE ALWAYS TRIGGER policy_not_withdrawn;
