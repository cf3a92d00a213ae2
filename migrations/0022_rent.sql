-- Rent between carriers and tenants: leases, bills, waivers (减免) and deferrals (缓征). Memo only: what is public money
-- begins with a claim (docs/adr/0020).

CREATE TABLE ledger.lease (
    zone_id integer NOT NULL,
    lease_id uuid NOT NULL,
    added_by uuid NOT NULL,
    added_index bigint NOT NULL,
    carrier_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    premises text NOT NULL
        CONSTRAINT lease_premises_form CHECK (premises ~ '^[A-Z0-9]([A-Z0-9-]{0,30}[A-Z0-9])?$'),
    area bigint NOT NULL CONSTRAINT lease_area_positive CHECK (area > 0),
    monthly_rent bigint NOT NULL CONSTRAINT lease_monthly_rent_positive CHECK (monthly_rent > 0),
    property_fee bigint NOT NULL CONSTRAINT lease_property_fee_not_negative CHECK (property_fee >= 0),
    parking_fee bigint NOT NULL CONSTRAINT lease_parking_fee_not_negative CHECK (parking_fee >= 0),
    utilities bigint NOT NULL CONSTRAINT lease_utilities_not_negative CHECK (utilities >= 0),
    other_charges bigint NOT NULL CONSTRAINT lease_other_charges_not_negative CHECK (other_charges >= 0),
    sublet boolean NOT NULL,
    first_day date NOT NULL,
    rent_until date NOT NULL,
    last_day date NOT NULL,
    ended_index bigint,
    CONSTRAINT lease_pkey PRIMARY KEY (zone_id, lease_id),
    CONSTRAINT lease_number_key UNIQUE (zone_id, added_index),
    CONSTRAINT lease_carrier_fkey FOREIGN KEY (zone_id, carrier_id) REFERENCES ledger.party,
    CONSTRAINT lease_tenant_fkey FOREIGN KEY (zone_id, tenant_id) REFERENCES ledger.party,
    CONSTRAINT lease_tenant_is_another CHECK (tenant_id <> carrier_id),
    CONSTRAINT lease_days_in_order CHECK (first_day <= rent_until AND rent_until <= last_day)
);
CREATE INDEX lease_premises ON ledger.lease (zone_id, carrier_id, premises);
CREATE INDEX lease_tenant ON ledger.lease (zone_id, tenant_id);
COMMENT ON TABLE ledger.lease IS 'a tenancy in a carrier''s premises (租约)';
COMMENT ON COLUMN ledger.lease.zone_id IS 'zone';
COMMENT ON COLUMN ledger.lease.lease_id IS 'identity; item of its accounts M1010 to M5010';
COMMENT ON COLUMN ledger.lease.added_by IS 'person who entered it';
COMMENT ON COLUMN ledger.lease.added_index IS 'entry of it; L and this number is the lease''s short name';
COMMENT ON COLUMN ledger.lease.carrier_id IS 'carrier that lets the premises';
COMMENT ON COLUMN ledger.lease.tenant_id IS 'tenant';
COMMENT ON COLUMN ledger.lease.premises IS 'the carrier''s own code of the unit';
COMMENT ON COLUMN ledger.lease.area IS 'hundredths of a square metre';
COMMENT ON COLUMN ledger.lease.monthly_rent IS 'rent of a whole month without other charges, minor units';
COMMENT ON COLUMN ledger.lease.property_fee IS 'property fee of a whole month, minor units';
COMMENT ON COLUMN ledger.lease.parking_fee IS 'parking fee of a whole month, minor units';
COMMENT ON COLUMN ledger.lease.utilities IS 'water, power and heating of a whole month as agreed, minor units';
COMMENT ON COLUMN ledger.lease.other_charges IS 'other charges of a whole month, minor units';
COMMENT ON COLUMN ledger.lease.sublet IS 'whether the carrier itself rents the premises from a landlord';
COMMENT ON COLUMN ledger.lease.first_day IS 'first day of the tenancy';
COMMENT ON COLUMN ledger.lease.rent_until IS 'last day for which rent is owed';
COMMENT ON COLUMN ledger.lease.last_day IS 'last day of the tenancy; later than rent_until where an extension was given as a waiver';
COMMENT ON COLUMN ledger.lease.ended_index IS 'entry that ended it before its time';
CALL ledger.isolate_by_zone('ledger.lease');
GRANT SELECT, INSERT, UPDATE (rent_until, last_day, ended_index) ON ledger.lease TO subsidy_ledger_app;

-- Two tenants at once in one unit of a carrier. Rows are written under the head of the log, so none is overlooked.
CREATE FUNCTION ledger.check_premises_free() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger.lease l WHERE l.zone_id = NEW.zone_id AND l.carrier_id = NEW.carrier_id
        AND l.premises = NEW.premises AND l.lease_id <> NEW.lease_id
        AND l.first_day <= NEW.last_day AND l.last_day >= NEW.first_day)
    THEN
        RAISE EXCEPTION 'the premises are let to another on some of these days'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'lease_premises_free';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.check_premises_free() IS 'trigger function of leases: no unit is let twice at once';
CREATE TRIGGER lease_premises_free_when_added AFTER INSERT ON ledger.lease
    FOR EACH ROW EXECUTE FUNCTION ledger.check_premises_free();
CREATE TRIGGER lease_premises_free_when_moved AFTER UPDATE ON ledger.lease
    FOR EACH ROW WHEN (NEW.last_day > OLD.last_day) EXECUTE FUNCTION ledger.check_premises_free();
ALTER TABLE ledger.lease ENABLE ALWAYS TRIGGER lease_premises_free_when_added;
ALTER TABLE ledger.lease ENABLE ALWAYS TRIGGER lease_premises_free_when_moved;

CREATE TABLE ledger.rent_bill (
    zone_id integer NOT NULL,
    lease_id uuid NOT NULL,
    month date NOT NULL CONSTRAINT rent_bill_month_begins CHECK (extract(day FROM month) = 1),
    billed_index bigint NOT NULL,
    days smallint NOT NULL CONSTRAINT rent_bill_days_of_a_month CHECK (days BETWEEN 1 AND 31),
    rent bigint NOT NULL CONSTRAINT rent_bill_rent_not_negative CHECK (rent >= 0),
    property_fee bigint NOT NULL CONSTRAINT rent_bill_property_fee_not_negative CHECK (property_fee >= 0),
    parking_fee bigint NOT NULL CONSTRAINT rent_bill_parking_fee_not_negative CHECK (parking_fee >= 0),
    utilities bigint NOT NULL CONSTRAINT rent_bill_utilities_not_negative CHECK (utilities >= 0),
    other_charges bigint NOT NULL CONSTRAINT rent_bill_other_charges_not_negative CHECK (other_charges >= 0),
    open bigint NOT NULL CONSTRAINT rent_bill_open_not_negative CHECK (open >= 0),
    deferred bigint NOT NULL CONSTRAINT rent_bill_deferred_not_negative CHECK (deferred >= 0),
    paid bigint NOT NULL CONSTRAINT rent_bill_paid_not_negative CHECK (paid >= 0),
    waived bigint NOT NULL CONSTRAINT rent_bill_waived_not_negative CHECK (waived >= 0),
    CONSTRAINT rent_bill_pkey PRIMARY KEY (zone_id, lease_id, month),
    CONSTRAINT rent_bill_lease_fkey FOREIGN KEY (zone_id, lease_id) REFERENCES ledger.lease,
    CONSTRAINT rent_bill_parts_are_rent CHECK (rent = open + deferred + paid + waived)
);
COMMENT ON TABLE ledger.rent_bill IS 'what a lease is billed for one month, once';
COMMENT ON COLUMN ledger.rent_bill.zone_id IS 'zone';
COMMENT ON COLUMN ledger.rent_bill.lease_id IS 'lease';
COMMENT ON COLUMN ledger.rent_bill.month IS 'first day of the month';
COMMENT ON COLUMN ledger.rent_bill.billed_index IS 'entry of the bill';
COMMENT ON COLUMN ledger.rent_bill.days IS 'days of the month under lease';
COMMENT ON COLUMN ledger.rent_bill.rent IS 'rent alone, minor units; zero where an extension is free of rent';
COMMENT ON COLUMN ledger.rent_bill.property_fee IS 'property fee, minor units; not in the rent book';
COMMENT ON COLUMN ledger.rent_bill.parking_fee IS 'parking fee, minor units; not in the rent book';
COMMENT ON COLUMN ledger.rent_bill.utilities IS 'utilities, minor units; not in the rent book';
COMMENT ON COLUMN ledger.rent_bill.other_charges IS 'other charges, minor units; not in the rent book';
COMMENT ON COLUMN ledger.rent_bill.open IS 'minor units of the rent that are due; of M1010';
COMMENT ON COLUMN ledger.rent_bill.deferred IS 'minor units of the rent that wait for instalments; of M1020';
COMMENT ON COLUMN ledger.rent_bill.paid IS 'minor units of the rent that were paid; of M1030';
COMMENT ON COLUMN ledger.rent_bill.waived IS 'minor units of the rent that were waived; of M5010';
CALL ledger.isolate_by_zone('ledger.rent_bill');
GRANT SELECT, INSERT, UPDATE (open, deferred, paid, waived) ON ledger.rent_bill TO subsidy_ledger_app;

CREATE TABLE ledger.rent_move (
    zone_id integer NOT NULL,
    log_index bigint NOT NULL,
    position smallint NOT NULL CONSTRAINT rent_move_position_not_negative CHECK (position >= 0),
    case_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    month date NOT NULL,
    source text NOT NULL
        CONSTRAINT rent_move_source_known CHECK (source IN ('open', 'deferred', 'paid', 'waived')),
    target text NOT NULL
        CONSTRAINT rent_move_target_known CHECK (target IN ('open', 'deferred', 'paid', 'waived')),
    amount bigint NOT NULL CONSTRAINT rent_move_amount_positive CHECK (amount > 0),
    CONSTRAINT rent_move_pkey PRIMARY KEY (zone_id, log_index, position),
    CONSTRAINT rent_move_bill_fkey FOREIGN KEY (zone_id, lease_id, month) REFERENCES ledger.rent_bill,
    CONSTRAINT rent_move_somewhere_else CHECK (source <> target)
);
CREATE INDEX rent_move_case ON ledger.rent_move (zone_id, case_id, log_index);
CREATE INDEX rent_move_lease ON ledger.rent_move (zone_id, lease_id, log_index);
COMMENT ON TABLE ledger.rent_move IS 'rent of a month that went from one part of its bill to another';
COMMENT ON COLUMN ledger.rent_move.zone_id IS 'zone';
COMMENT ON COLUMN ledger.rent_move.log_index IS 'entry that moved it';
COMMENT ON COLUMN ledger.rent_move.position IS 'place within the entry, from 0';
COMMENT ON COLUMN ledger.rent_move.case_id IS 'the waiver, the deferral, or for a payment the lease: the subject of the entry';
COMMENT ON COLUMN ledger.rent_move.lease_id IS 'lease';
COMMENT ON COLUMN ledger.rent_move.month IS 'first day of the month that was billed';
COMMENT ON COLUMN ledger.rent_move.source IS 'part that it left';
COMMENT ON COLUMN ledger.rent_move.target IS 'part that it went to';
COMMENT ON COLUMN ledger.rent_move.amount IS 'minor units';
CALL ledger.isolate_by_zone('ledger.rent_move');
CALL ledger.make_append_only('ledger.rent_move');

CREATE TABLE ledger.deferral (
    zone_id integer NOT NULL,
    deferral_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    agreed_by uuid NOT NULL,
    agreed_index bigint NOT NULL,
    from_month date NOT NULL,
    until_month date NOT NULL,
    amount bigint NOT NULL CONSTRAINT deferral_amount_positive CHECK (amount > 0),
    open bigint NOT NULL CONSTRAINT deferral_open_not_negative CHECK (open >= 0),
    paid bigint NOT NULL CONSTRAINT deferral_paid_not_negative CHECK (paid >= 0),
    defaulted bigint NOT NULL CONSTRAINT deferral_defaulted_not_negative CHECK (defaulted >= 0),
    converted bigint NOT NULL CONSTRAINT deferral_converted_not_negative CHECK (converted >= 0),
    ended_index bigint,
    CONSTRAINT deferral_pkey PRIMARY KEY (zone_id, deferral_id),
    CONSTRAINT deferral_number_key UNIQUE (zone_id, agreed_index),
    CONSTRAINT deferral_lease_fkey FOREIGN KEY (zone_id, lease_id) REFERENCES ledger.lease,
    CONSTRAINT deferral_months_in_order CHECK (from_month <= until_month),
    CONSTRAINT deferral_parts_are_amount CHECK (amount = open + paid + defaulted + converted),
    CONSTRAINT deferral_ends_one_way CHECK (defaulted = 0 OR converted = 0),
    CONSTRAINT deferral_ended CHECK ((open = 0) = (ended_index IS NOT NULL))
);
CREATE INDEX deferral_lease ON ledger.deferral (zone_id, lease_id);
COMMENT ON TABLE ledger.deferral IS 'billed rent that a tenant pays later, in instalments (缓征); never a base of compensation';
COMMENT ON COLUMN ledger.deferral.zone_id IS 'zone';
COMMENT ON COLUMN ledger.deferral.deferral_id IS 'identity';
COMMENT ON COLUMN ledger.deferral.lease_id IS 'lease';
COMMENT ON COLUMN ledger.deferral.agreed_by IS 'person who entered the agreement';
COMMENT ON COLUMN ledger.deferral.agreed_index IS 'entry of the agreement; S and this number is the deferral''s short name';
COMMENT ON COLUMN ledger.deferral.from_month IS 'first month whose rent is deferred, its first day';
COMMENT ON COLUMN ledger.deferral.until_month IS 'last month whose rent is deferred, its first day';
COMMENT ON COLUMN ledger.deferral.amount IS 'minor units deferred: the sum of the instalments';
COMMENT ON COLUMN ledger.deferral.open IS 'minor units still to be paid in instalments';
COMMENT ON COLUMN ledger.deferral.paid IS 'minor units paid in instalments';
COMMENT ON COLUMN ledger.deferral.defaulted IS 'minor units that became due at once';
COMMENT ON COLUMN ledger.deferral.converted IS 'minor units that became a waiver';
COMMENT ON COLUMN ledger.deferral.ended_index IS 'entry that settled, defaulted or converted it';
CALL ledger.isolate_by_zone('ledger.deferral');
GRANT SELECT, INSERT, UPDATE (open, paid, defaulted, converted, ended_index) ON ledger.deferral TO subsidy_ledger_app;

CREATE TABLE ledger.instalment (
    zone_id integer NOT NULL,
    deferral_id uuid NOT NULL,
    number smallint NOT NULL CONSTRAINT instalment_number_from_one CHECK (number > 0),
    due date NOT NULL,
    amount bigint NOT NULL CONSTRAINT instalment_amount_positive CHECK (amount > 0),
    paid bigint NOT NULL CONSTRAINT instalment_paid_within CHECK (paid BETWEEN 0 AND amount),
    CONSTRAINT instalment_pkey PRIMARY KEY (zone_id, deferral_id, number),
    CONSTRAINT instalment_deferral_fkey FOREIGN KEY (zone_id, deferral_id) REFERENCES ledger.deferral
);
CREATE INDEX instalment_due ON ledger.instalment (zone_id, due) WHERE paid < amount;
COMMENT ON TABLE ledger.instalment IS 'one payment of a deferral''s schedule';
COMMENT ON COLUMN ledger.instalment.zone_id IS 'zone';
COMMENT ON COLUMN ledger.instalment.deferral_id IS 'deferral';
COMMENT ON COLUMN ledger.instalment.number IS 'place in the schedule, from 1';
COMMENT ON COLUMN ledger.instalment.due IS 'last day on which it is paid in time';
COMMENT ON COLUMN ledger.instalment.amount IS 'minor units';
COMMENT ON COLUMN ledger.instalment.paid IS 'minor units paid of it';
CALL ledger.isolate_by_zone('ledger.instalment');
GRANT SELECT, INSERT, UPDATE (paid) ON ledger.instalment TO subsidy_ledger_app;

-- A schedule is the deferral cut in pieces: amounts and payments add up, whichever statement writes them.
CREATE FUNCTION ledger.check_instalments() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT zone_id, deferral_id FROM new_rows) n
        JOIN ledger.deferral d ON d.zone_id = n.zone_id AND d.deferral_id = n.deferral_id
        CROSS JOIN LATERAL (SELECT sum(i.amount) AS amount, sum(i.paid) AS paid FROM ledger.instalment i
            WHERE i.zone_id = n.zone_id AND i.deferral_id = n.deferral_id) i
        WHERE i.amount <> d.amount OR i.paid <> d.paid)
    THEN
        RAISE EXCEPTION 'the instalments of a deferral add up to it, and their payments to what is paid of it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'instalment_parts_are_deferral';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.check_instalments() IS 'trigger function of instalments: they add up to their deferral';
CREATE TRIGGER instalment_check_new AFTER INSERT ON ledger.instalment REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_instalments();
CREATE TRIGGER instalment_check_paid AFTER UPDATE ON ledger.instalment REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_instalments();
ALTER TABLE ledger.instalment ENABLE ALWAYS TRIGGER instalment_check_new;
ALTER TABLE ledger.instalment ENABLE ALWAYS TRIGGER instalment_check_paid;

CREATE TABLE ledger.waiver (
    zone_id integer NOT NULL,
    waiver_id uuid NOT NULL,
    lease_id uuid NOT NULL,
    deferral_id uuid,
    declared_by uuid NOT NULL,
    declared_index bigint NOT NULL,
    declared_on date NOT NULL,
    method text NOT NULL CONSTRAINT waiver_method_known
        CHECK (method IN ('full', 'half', 'share', 'amount', 'months', 'converted')),
    share smallint CONSTRAINT waiver_share_within CHECK (share BETWEEN 1 AND 10000),
    way text NOT NULL CONSTRAINT waiver_way_known
        CHECK (way IN ('reduction', 'refund', 'offset', 'extension')),
    from_day date NOT NULL,
    until_day date NOT NULL,
    amount bigint NOT NULL CONSTRAINT waiver_amount_positive CHECK (amount > 0),
    landlord_relief bigint NOT NULL,
    stated bigint CONSTRAINT waiver_stated_not_negative CHECK (stated >= 0),
    confirmed_by uuid,
    confirmed_index bigint,
    settled bigint CONSTRAINT waiver_settled_not_negative CHECK (settled >= 0),
    settled_by uuid,
    settled_index bigint,
    audited bigint CONSTRAINT waiver_audited_not_negative CHECK (audited >= 0),
    compensable boolean NOT NULL DEFAULT false,
    audited_by uuid,
    audited_index bigint,
    claimed_index bigint,
    voided_index bigint,
    CONSTRAINT waiver_pkey PRIMARY KEY (zone_id, waiver_id),
    CONSTRAINT waiver_number_key UNIQUE (zone_id, declared_index),
    CONSTRAINT waiver_lease_fkey FOREIGN KEY (zone_id, lease_id) REFERENCES ledger.lease,
    CONSTRAINT waiver_deferral_fkey FOREIGN KEY (zone_id, deferral_id) REFERENCES ledger.deferral,
    CONSTRAINT waiver_days_in_order CHECK (from_day <= until_day),
    CONSTRAINT waiver_share_where_one CHECK ((method = 'share') = (share IS NOT NULL)),
    CONSTRAINT waiver_converted_from_deferral CHECK ((method = 'converted') = (deferral_id IS NOT NULL)),
    CONSTRAINT waiver_months_where_extended CHECK ((method = 'months') = (way = 'extension')),
    CONSTRAINT waiver_landlord_relief_within CHECK (landlord_relief BETWEEN 0 AND amount),
    CONSTRAINT waiver_confirmed_whole CHECK ((stated IS NULL) = (confirmed_by IS NULL)
        AND (stated IS NULL) = (confirmed_index IS NULL)),
    CONSTRAINT waiver_settled_whole CHECK ((settled IS NULL) = (settled_by IS NULL)
        AND (settled IS NULL) = (settled_index IS NULL)),
    CONSTRAINT waiver_settled_where_mismatched CHECK (settled IS NULL
        OR (stated IS NOT NULL AND stated <> amount AND settled <= least(stated, amount))),
    CONSTRAINT waiver_audited_whole CHECK ((audited IS NULL) = (audited_by IS NULL)
        AND (audited IS NULL) = (audited_index IS NULL)),
    CONSTRAINT waiver_compensable_when_audited CHECK (NOT compensable OR coalesce(audited, 0) > 0),
    CONSTRAINT waiver_audited_within CHECK (audited IS NULL
        OR (stated IS NOT NULL AND (stated = amount OR settled IS NOT NULL)
            AND audited <= coalesce(settled, amount))),
    CONSTRAINT waiver_confirmer_is_another CHECK (confirmed_by IS DISTINCT FROM declared_by),
    CONSTRAINT waiver_settler_is_another CHECK (settled_by IS NULL
        OR (settled_by <> declared_by AND settled_by IS DISTINCT FROM confirmed_by)),
    CONSTRAINT waiver_auditor_is_another CHECK (audited_by IS NULL OR (audited_by <> declared_by
        AND audited_by IS DISTINCT FROM confirmed_by AND audited_by IS DISTINCT FROM settled_by)),
    CONSTRAINT waiver_claimed_when_compensable CHECK (claimed_index IS NULL OR compensable),
    CONSTRAINT waiver_claimed_or_voided CHECK (claimed_index IS NULL OR voided_index IS NULL)
);
CREATE INDEX waiver_lease ON ledger.waiver (zone_id, lease_id);
CREATE UNIQUE INDEX waiver_deferral_key ON ledger.waiver (zone_id, deferral_id) WHERE deferral_id IS NOT NULL;
COMMENT ON TABLE ledger.waiver IS 'rent that a carrier gives up (减免), from declaration to claim';
COMMENT ON COLUMN ledger.waiver.zone_id IS 'zone';
COMMENT ON COLUMN ledger.waiver.waiver_id IS 'identity';
COMMENT ON COLUMN ledger.waiver.lease_id IS 'lease';
COMMENT ON COLUMN ledger.waiver.deferral_id IS 'the deferral whose rest became this waiver, if one did';
COMMENT ON COLUMN ledger.waiver.declared_by IS 'person of the carrier who declared it';
COMMENT ON COLUMN ledger.waiver.declared_index IS 'entry of the declaration; W and this number is the waiver''s short name';
COMMENT ON COLUMN ledger.waiver.declared_on IS 'day of the declaration, in the zone''s time';
COMMENT ON COLUMN ledger.waiver.method IS 'how it is measured: full, half or a share of each month''s rent, an amount, whole months of an extension, or the rest of a deferral';
COMMENT ON COLUMN ledger.waiver.share IS 'hundredths of a per cent of each month''s rent, where it is a share';
COMMENT ON COLUMN ledger.waiver.way IS 'how it is carried out: reduction, refund, offset or extension of the lease';
COMMENT ON COLUMN ledger.waiver.from_day IS 'first day of the relief; for a converted deferral the day of the conversion';
COMMENT ON COLUMN ledger.waiver.until_day IS 'last day of the relief';
COMMENT ON COLUMN ledger.waiver.amount IS 'rent waived as declared, minor units';
COMMENT ON COLUMN ledger.waiver.landlord_relief IS 'part of it that the carrier''s own landlord waived to the carrier, minor units';
COMMENT ON COLUMN ledger.waiver.stated IS 'what the tenant states that was waived, minor units';
COMMENT ON COLUMN ledger.waiver.confirmed_by IS 'person of the tenant who stated it';
COMMENT ON COLUMN ledger.waiver.confirmed_index IS 'entry of the tenant''s statement';
COMMENT ON COLUMN ledger.waiver.settled IS 'what a reviewer settled where the two differ: at most the smaller, minor units';
COMMENT ON COLUMN ledger.waiver.settled_by IS 'reviewer; a third person';
COMMENT ON COLUMN ledger.waiver.settled_index IS 'entry of the settlement';
COMMENT ON COLUMN ledger.waiver.audited IS 'what the audit found, at most what is confirmed, minor units';
COMMENT ON COLUMN ledger.waiver.compensable IS 'whether a claim may rest on it';
COMMENT ON COLUMN ledger.waiver.audited_by IS 'who audited; another person than all before';
COMMENT ON COLUMN ledger.waiver.audited_index IS 'entry of the audit';
COMMENT ON COLUMN ledger.waiver.claimed_index IS 'entry by which a claim took it, once';
COMMENT ON COLUMN ledger.waiver.voided_index IS 'entry that undid it';
CALL ledger.isolate_by_zone('ledger.waiver');
GRANT SELECT, INSERT, UPDATE (stated, confirmed_by, confirmed_index, settled, settled_by, settled_index, audited,
    compensable, audited_by, audited_index, claimed_index, voided_index) ON ledger.waiver TO subsidy_ledger_app;
