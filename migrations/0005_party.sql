-- Parties, their roles, and the groups of them under one actual controller.

-- GB 32100-2015: 18 of 31 characters; weights 3^(i-1) mod 31; check value (31 - sum mod 31) mod 31.
CREATE FUNCTION ledger.uscc_check_character(code text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog
    RETURN (
        SELECT substr('0123456789ABCDEFGHJKLMNPQRTUWXY', ((31 - sum(
                (strpos('0123456789ABCDEFGHJKLMNPQRTUWXY', substr(code, place, 1)) - 1)
                * (ARRAY[1,3,9,27,19,26,16,17,20,29,25,13,8,24,10,30,28])[place]) % 31) % 31 + 1)::integer, 1)
        FROM generate_series(1, 17) AS place);
COMMENT ON FUNCTION ledger.uscc_check_character(text) IS
    'check character that the first 17 characters of a unified social credit code demand (GB 32100-2015)';

CREATE TABLE ledger.controller_group (
    zone_id integer NOT NULL CONSTRAINT controller_group_zone_fkey REFERENCES ledger.zone,
    group_id uuid NOT NULL,
    log_index bigint NOT NULL,
    created_at timestamptz NOT NULL,
    name text NOT NULL CONSTRAINT controller_group_name_length CHECK (char_length(name) BETWEEN 1 AND 200)
        CONSTRAINT controller_group_name_nfc CHECK (name IS NFC NORMALIZED),
    CONSTRAINT controller_group_pkey PRIMARY KEY (zone_id, group_id),
    CONSTRAINT controller_group_name_key UNIQUE (zone_id, name),
    CONSTRAINT controller_group_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry
);
COMMENT ON TABLE ledger.controller_group IS 'parties under one actual controller (实际控制人): some caps hold for all of them together';
COMMENT ON COLUMN ledger.controller_group.zone_id IS 'zone';
COMMENT ON COLUMN ledger.controller_group.group_id IS 'named by entries';
COMMENT ON COLUMN ledger.controller_group.log_index IS 'entry that named it first';
COMMENT ON COLUMN ledger.controller_group.created_at IS 'when that entry was recorded';
COMMENT ON COLUMN ledger.controller_group.name IS 'for pages, in Unicode normal form C; never in the log, since a controller may be a natural person';
CALL ledger.isolate_by_zone('ledger.controller_group');
GRANT SELECT, INSERT ON ledger.controller_group TO subsidy_ledger_app;

-- Codes in real use that fail their check (CASES E11).
CREATE TABLE ledger.uscc_override (
    zone_id integer NOT NULL CONSTRAINT uscc_override_zone_fkey REFERENCES ledger.zone,
    code text NOT NULL
        CONSTRAINT uscc_override_form CHECK (code ~ '^[0-9A-HJ-NPQRTUWXY]{18}$')
        CONSTRAINT uscc_override_fails_its_check CHECK (right(code, 1) <> ledger.uscc_check_character(code)),
    evidence_sha256 bytea NOT NULL
        CONSTRAINT uscc_override_evidence_length CHECK (octet_length(evidence_sha256) = 32),
    reason text NOT NULL CONSTRAINT uscc_override_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    proposed_by uuid NOT NULL,
    proposed_index bigint NOT NULL,
    confirmed_by uuid,
    confirmed_index bigint,
    confirmed boolean NOT NULL GENERATED ALWAYS AS (confirmed_index IS NOT NULL) STORED,
    CONSTRAINT uscc_override_pkey PRIMARY KEY (zone_id, code),
    CONSTRAINT uscc_override_confirmed_key UNIQUE (zone_id, code, confirmed),
    CONSTRAINT uscc_override_confirmed_whole CHECK ((confirmed_by IS NULL) = (confirmed_index IS NULL)),
    CONSTRAINT uscc_override_two_persons CHECK (confirmed_by IS DISTINCT FROM proposed_by),
    CONSTRAINT uscc_override_proposer_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT uscc_override_confirmer_fkey FOREIGN KEY (zone_id, confirmed_by) REFERENCES ledger.person,
    CONSTRAINT uscc_override_proposed_fkey FOREIGN KEY (zone_id, proposed_index) REFERENCES ledger.entry,
    CONSTRAINT uscc_override_confirmed_fkey FOREIGN KEY (zone_id, confirmed_index) REFERENCES ledger.entry
);
COMMENT ON TABLE ledger.uscc_override IS 'unified social credit code that fails its check and is accepted all the same, by two persons, on evidence';
COMMENT ON COLUMN ledger.uscc_override.zone_id IS 'zone';
COMMENT ON COLUMN ledger.uscc_override.code IS 'the code as the licence has it';
COMMENT ON COLUMN ledger.uscc_override.evidence_sha256 IS 'SHA-256 of the licence that shows it';
COMMENT ON COLUMN ledger.uscc_override.reason IS 'why it is believed';
COMMENT ON COLUMN ledger.uscc_override.proposed_by IS 'person who proposed it';
COMMENT ON COLUMN ledger.uscc_override.proposed_index IS 'entry of the proposal';
COMMENT ON COLUMN ledger.uscc_override.confirmed_by IS 'another person who confirmed it; NULL is nobody';
COMMENT ON COLUMN ledger.uscc_override.confirmed_index IS 'entry of the confirmation';
COMMENT ON COLUMN ledger.uscc_override.confirmed IS 'whether it is in force: parties refer to (code, true)';
CALL ledger.isolate_by_zone('ledger.uscc_override');
GRANT SELECT, INSERT, UPDATE (confirmed_by, confirmed_index) ON ledger.uscc_override TO subsidy_ledger_app;

CREATE TABLE ledger.party (
    zone_id integer NOT NULL CONSTRAINT party_zone_fkey REFERENCES ledger.zone,
    party_id uuid NOT NULL,
    log_index bigint NOT NULL,
    created_at timestamptz NOT NULL,
    controller_group_id uuid,
    name_needs_review boolean NOT NULL,
    scheme text NOT NULL CONSTRAINT party_scheme_known
        CHECK (scheme IN ('uscc', 'uscc_override', 'office_number', 'name', 'team')),
    identifier text NOT NULL
        CONSTRAINT party_identifier_length CHECK (char_length(identifier) BETWEEN 1 AND 200),
    name text NOT NULL CONSTRAINT party_name_length CHECK (char_length(name) BETWEEN 1 AND 200)
        CONSTRAINT party_name_nfc CHECK (name IS NFC NORMALIZED),
    name_salt bytea CONSTRAINT party_name_salt_length CHECK (octet_length(name_salt) = 32),
    uscc text GENERATED ALWAYS AS
        (CASE WHEN scheme IN ('uscc', 'uscc_override') THEN identifier END) STORED,
    region text GENERATED ALWAYS AS
        (CASE WHEN scheme IN ('uscc', 'uscc_override') THEN substr(identifier, 3, 6) END) STORED,
    overridden_code text GENERATED ALWAYS AS
        (CASE WHEN scheme = 'uscc_override' THEN identifier END) STORED,
    override_confirmed boolean GENERATED ALWAYS AS
        (CASE WHEN scheme = 'uscc_override' THEN true END) STORED,
    CONSTRAINT party_pkey PRIMARY KEY (zone_id, party_id),
    CONSTRAINT party_identifier_key UNIQUE (zone_id, scheme, identifier),
    CONSTRAINT party_uscc_key UNIQUE (zone_id, uscc),
    CONSTRAINT party_uscc_form CHECK (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'),
    CONSTRAINT party_uscc_check CHECK
        (scheme <> 'uscc' OR right(identifier, 1) = ledger.uscc_check_character(identifier)),
    CONSTRAINT party_named_by_name CHECK (scheme <> 'name' OR identifier = name),
    CONSTRAINT party_salt_of_team CHECK (scheme = 'team' OR name_salt IS NULL),
    CONSTRAINT party_override_fkey FOREIGN KEY (zone_id, overridden_code, override_confirmed)
        REFERENCES ledger.uscc_override (zone_id, code, confirmed),
    CONSTRAINT party_controller_group_fkey FOREIGN KEY (zone_id, controller_group_id)
        REFERENCES ledger.controller_group,
    CONSTRAINT party_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry
);
CREATE INDEX party_name ON ledger.party (zone_id, name);
CREATE INDEX party_log_index ON ledger.party (zone_id, log_index);
CREATE INDEX party_controller_group ON ledger.party (zone_id, controller_group_id)
    WHERE controller_group_id IS NOT NULL;
COMMENT ON TABLE ledger.party IS 'a legal person, or a team, that support goes to or comes through';
COMMENT ON COLUMN ledger.party.zone_id IS 'zone';
COMMENT ON COLUMN ledger.party.party_id IS 'named by entries and accounts';
COMMENT ON COLUMN ledger.party.log_index IS 'entry that registered it';
COMMENT ON COLUMN ledger.party.created_at IS 'when that entry was recorded';
COMMENT ON COLUMN ledger.party.controller_group_id IS 'group under one actual controller, if known';
COMMENT ON COLUMN ledger.party.name_needs_review IS 'letters of scripts that look alike are mixed in the name, or another party has the same one';
COMMENT ON COLUMN ledger.party.scheme IS 'what the identifier is: uscc, uscc_override (fails its check, accepted by two persons), office_number (the office''s own), name, team (an unregistered team, by the office''s number)';
COMMENT ON COLUMN ledger.party.identifier IS 'code, number or name that tells it from others of its scheme';
COMMENT ON COLUMN ledger.party.name IS 'in Unicode normal form C, so that every spelling of a name is found';
COMMENT ON COLUMN ledger.party.name_salt IS 'of a team''s name, which stands in the log as SHA-256(salt, name) only; erasing it erases the link';
COMMENT ON COLUMN ledger.party.uscc IS 'unified social credit code (GB 32100-2015), if it has one';
COMMENT ON COLUMN ledger.party.region IS 'administrative region where it is registered: characters 3 to 8 of the code';
COMMENT ON COLUMN ledger.party.overridden_code IS 'with override_confirmed, refers to a confirmed override';
COMMENT ON COLUMN ledger.party.override_confirmed IS 'true where overridden_code is set';
CALL ledger.isolate_by_zone('ledger.party');
GRANT SELECT, INSERT, UPDATE (controller_group_id, name_salt) ON ledger.party TO subsidy_ledger_app;

CREATE TABLE ledger.party_role (
    zone_id integer NOT NULL,
    party_id uuid NOT NULL,
    role text NOT NULL CONSTRAINT party_role_known CHECK (role IN ('enterprise', 'carrier', 'provider')),
    CONSTRAINT party_role_pkey PRIMARY KEY (zone_id, party_id, role),
    CONSTRAINT party_role_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party
);
COMMENT ON TABLE ledger.party_role IS 'what a party is: one party may hold several roles';
COMMENT ON COLUMN ledger.party_role.zone_id IS 'zone';
COMMENT ON COLUMN ledger.party_role.party_id IS 'party';
COMMENT ON COLUMN ledger.party_role.role IS 'enterprise (企业), carrier (载体: incubator, maker space, park, platform) or provider (服务机构)';
CALL ledger.isolate_by_zone('ledger.party_role');
GRANT SELECT, INSERT ON ledger.party_role TO subsidy_ledger_app;
