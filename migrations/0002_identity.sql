-- Persons and their roles. The log names a person's id only; the name stays here and can be erased.

CREATE TABLE ledger.person (
    zone_id integer NOT NULL CONSTRAINT person_zone_fkey REFERENCES ledger.zone,
    person_id uuid NOT NULL,
    login text NOT NULL CONSTRAINT person_login_form CHECK (login ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    name text NOT NULL CONSTRAINT person_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    party_id uuid,
    created_at timestamptz NOT NULL,
    CONSTRAINT person_pkey PRIMARY KEY (zone_id, person_id),
    CONSTRAINT person_login_key UNIQUE (zone_id, login)
);
COMMENT ON TABLE ledger.person IS 'a natural person who acts in a zone';
COMMENT ON COLUMN ledger.person.zone_id IS 'zone';
COMMENT ON COLUMN ledger.person.person_id IS 'named by entries as their actor';
COMMENT ON COLUMN ledger.person.login IS 'what --as names';
COMMENT ON COLUMN ledger.person.name IS 'for pages; never in the log';
COMMENT ON COLUMN ledger.person.party_id IS 'party whose member the person is; NULL for the office''s own staff';
COMMENT ON COLUMN ledger.person.created_at IS 'when it was entered';
CALL ledger.isolate_by_zone('ledger.person');
GRANT SELECT, INSERT ON ledger.person TO subsidy_ledger_app;

CREATE TABLE ledger.person_role (
    zone_id integer NOT NULL,
    person_id uuid NOT NULL,
    role text NOT NULL CONSTRAINT person_role_known CHECK (role IN (
        'sme', 'provider', 'incubator', 'reviewer', 'manager', 'finance', 'cashier', 'auditor',
        'rule_admin', 'system')),
    granted_at timestamptz NOT NULL,
    CONSTRAINT person_role_pkey PRIMARY KEY (zone_id, person_id, role),
    CONSTRAINT person_role_person_fkey FOREIGN KEY (zone_id, person_id) REFERENCES ledger.person
);
COMMENT ON TABLE ledger.person_role IS 'roles of a person (DOMAIN 6)';
COMMENT ON COLUMN ledger.person_role.zone_id IS 'zone';
COMMENT ON COLUMN ledger.person_role.person_id IS 'person';
COMMENT ON COLUMN ledger.person_role.role IS 'duty; system is the service acting by itself, on a rule';
COMMENT ON COLUMN ledger.person_role.granted_at IS 'since when';
CALL ledger.isolate_by_zone('ledger.person_role');
GRANT SELECT, INSERT ON ledger.person_role TO subsidy_ledger_app;
