-- A payment that comes back although a part of it was paid back already (docs/adr/0027): the payable is owed again, and what
-- its recoveries have open ends by an offset against it, in the same transaction. And a role that nobody is enrolled with.

-- Paid stays paid, unless the bank gave it back. Whoever asks it back voids or rejects that first as long as nothing of it was
-- settled; what was written off of it stays so.
CREATE OR REPLACE FUNCTION ledger.check_paid_again() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.state <> 'approved' OR EXISTS (SELECT FROM ledger.payment_line l WHERE l.zone_id = NEW.zone_id
            AND l.payable_id = NEW.payable_id AND l.state = 'paid')
        OR EXISTS (SELECT FROM ledger.recovery r WHERE r.zone_id = NEW.zone_id
            AND r.payable_id = NEW.payable_id AND r.state NOT IN ('rejected', 'void')
            AND (r.received + r.set_off = 0 OR r.written_off > 0)) THEN
        RAISE EXCEPTION 'what is paid is owed again only when the bank returned it, and nobody asks it back'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION ledger.check_nothing_asked_back() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger.payable p
        JOIN ledger.recovery r ON r.zone_id = p.zone_id AND r.payable_id = p.payable_id
        WHERE p.zone_id = NEW.zone_id AND p.payable_id = NEW.payable_id AND p.state NOT IN ('paid', 'offset')
            AND r.open > 0) THEN
        RAISE EXCEPTION 'nothing is asked back of what is owed again'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.check_nothing_asked_back() IS 'trigger function: what its recoveries have open ends when a payment comes back';
CREATE CONSTRAINT TRIGGER payable_returned_ends_recovery AFTER UPDATE ON ledger.payable
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.state = 'paid' AND NEW.state <> 'paid')
    EXECUTE FUNCTION ledger.check_nothing_asked_back();
ALTER TABLE ledger.payable ENABLE ALWAYS TRIGGER payable_returned_ends_recovery;

-- The role `system` is the service's own: it comes with the zone, and nobody is enrolled with it later.
CREATE FUNCTION ledger.check_system_role() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger.person_role r WHERE r.zone_id = NEW.zone_id AND r.role = 'system') THEN
        RAISE EXCEPTION 'the role system is the service''s own, which every zone has once'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ledger.check_system_role() IS 'trigger function: one person of a zone stands for the service';
CREATE TRIGGER person_role_system_once BEFORE INSERT ON ledger.person_role FOR EACH ROW WHEN (NEW.role = 'system')
    EXECUTE FUNCTION ledger.check_system_role();
ALTER TABLE ledger.person_role ENABLE ALWAYS TRIGGER person_role_system_once;
