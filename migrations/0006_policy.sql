-- Published policies: each row is one immutable version of a programme's rules, as its exact bytes.

CREATE TABLE ledger.policy (
    zone_id integer NOT NULL CONSTRAINT policy_zone_fkey REFERENCES ledger.zone,
    policy_id uuid NOT NULL,
    code text NOT NULL
        CONSTRAINT policy_code_form CHECK (code ~ '^[A-Z0-9]([A-Z0-9-]{0,30}[A-Z0-9])?$'),
    version text NOT NULL
        CONSTRAINT policy_version_form CHECK (version ~ '^[A-Z0-9]([A-Z0-9-]{0,30}[A-Z0-9])?$'),
    sha256 bytea NOT NULL,
    body text NOT NULL,
    in_force_from date NOT NULL,
    in_force_until date,
    published_at timestamptz NOT NULL,
    entry_index bigint NOT NULL
        CONSTRAINT policy_entry_index_not_negative CHECK (entry_index >= 0),
    CONSTRAINT policy_pkey PRIMARY KEY (zone_id, policy_id),
    CONSTRAINT policy_version_key UNIQUE (zone_id, code, version),
    -- The newest version in force decides, so two can't come into force on one day.
    CONSTRAINT policy_in_force_from_key UNIQUE (zone_id, code, in_force_from),
    CONSTRAINT policy_in_force_not_empty CHECK (in_force_until > in_force_from),
    CONSTRAINT policy_body_size CHECK (octet_length(body) BETWEEN 1 AND 1048576),
    -- Decisions name the hash: the kept bytes must be the ones that it names.
    CONSTRAINT policy_sha256_of_body CHECK (sha256 = sha256(convert_to(body, 'UTF8')))
);
COMMENT ON TABLE ledger.policy IS 'a published policy (政策): one immutable version of a programme''s rules';
COMMENT ON COLUMN ledger.policy.zone_id IS 'zone';
COMMENT ON COLUMN ledger.policy.policy_id IS 'identity of the version';
COMMENT ON COLUMN ledger.policy.code IS 'code of the programme';
COMMENT ON COLUMN ledger.policy.version IS 'version of its rules';
COMMENT ON COLUMN ledger.policy.sha256 IS 'SHA-256 of the body: what decisions name';
COMMENT ON COLUMN ledger.policy.body IS 'the pack (TOML), byte for byte';
COMMENT ON COLUMN ledger.policy.in_force_from IS 'first day on which it decides';
COMMENT ON COLUMN ledger.policy.in_force_until IS 'first day on which it no longer does; NULL without end';
COMMENT ON COLUMN ledger.policy.published_at IS 'when it was published';
COMMENT ON COLUMN ledger.policy.entry_index IS 'log index of the entry that published it';
CALL ledger.isolate_by_zone('ledger.policy');
CALL ledger.make_append_only('ledger.policy');
