-- Programmes, and proposals of their rules. Money and authority are in the books, not here.

CREATE TABLE ledger.programme (
    zone_id integer NOT NULL CONSTRAINT programme_zone_fkey REFERENCES ledger.zone,
    code text NOT NULL CONSTRAINT programme_code_form CHECK (code ~ '^[A-Z0-9]([A-Z0-9-]{0,30}[A-Z0-9])?$'),
    kind text NOT NULL CONSTRAINT programme_kind_known CHECK (kind IN ('voucher', 'imported')),
    name_zh text NOT NULL CONSTRAINT programme_name_zh_length CHECK (char_length(name_zh) BETWEEN 1 AND 200),
    name_en text NOT NULL CONSTRAINT programme_name_en_length CHECK (char_length(name_en) BETWEEN 1 AND 200),
    log_index bigint NOT NULL,
    CONSTRAINT programme_pkey PRIMARY KEY (zone_id, code),
    CONSTRAINT programme_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry
);
COMMENT ON TABLE ledger.programme IS 'a funded line (项目) of a zone';
COMMENT ON COLUMN ledger.programme.zone_id IS 'zone';
COMMENT ON COLUMN ledger.programme.code IS 'short code; part of account addresses';
COMMENT ON COLUMN ledger.programme.kind IS 'instrument: voucher, or imported history of another office';
COMMENT ON COLUMN ledger.programme.name_zh IS 'name in Chinese';
COMMENT ON COLUMN ledger.programme.name_en IS 'name in English';
COMMENT ON COLUMN ledger.programme.log_index IS 'entry that created it';
CALL ledger.isolate_by_zone('ledger.programme');
CALL ledger.make_append_only('ledger.programme');

CREATE TABLE ledger.policy_proposal (
    zone_id integer NOT NULL,
    programme text NOT NULL,
    sha256 bytea NOT NULL CONSTRAINT policy_proposal_sha256_length CHECK (octet_length(sha256) = 32),
    body text NOT NULL,
    proposed_by uuid NOT NULL,
    log_index bigint NOT NULL,
    CONSTRAINT policy_proposal_pkey PRIMARY KEY (zone_id, programme, sha256),
    CONSTRAINT policy_proposal_programme_fkey FOREIGN KEY (zone_id, programme) REFERENCES ledger.programme,
    CONSTRAINT policy_proposal_person_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT policy_proposal_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry
);
COMMENT ON TABLE ledger.policy_proposal IS 'a checked policy pack that a second person may publish';
COMMENT ON COLUMN ledger.policy_proposal.zone_id IS 'zone';
COMMENT ON COLUMN ledger.policy_proposal.programme IS 'programme that it is for';
COMMENT ON COLUMN ledger.policy_proposal.sha256 IS 'of the pack''s exact bytes: what the publisher agrees to';
COMMENT ON COLUMN ledger.policy_proposal.body IS 'the pack, TOML';
COMMENT ON COLUMN ledger.policy_proposal.proposed_by IS 'person; another one publishes';
COMMENT ON COLUMN ledger.policy_proposal.log_index IS 'entry of the proposal';
CALL ledger.isolate_by_zone('ledger.policy_proposal');
CALL ledger.make_append_only('ledger.policy_proposal');
