-- Awards of the past, taken over from another office: where each came from and which entry records it.
-- The entry of an award has no words of its row (DESIGN 5.12): those stand here.

CREATE TABLE ledger.award_source (
    zone_id integer NOT NULL CONSTRAINT award_source_zone_fkey REFERENCES ledger.zone,
    source text NOT NULL CONSTRAINT award_source_form CHECK (source ~ '^[A-Z0-9]([A-Z0-9-]{0,30}[A-Z0-9])?$'),
    salt bytea CONSTRAINT award_source_salt_length CHECK (octet_length(salt) = 32),
    created_at timestamptz NOT NULL,
    CONSTRAINT award_source_pkey PRIMARY KEY (zone_id, source)
);
COMMENT ON TABLE ledger.award_source IS 'a list of past awards that another office keeps; each import brings the zone in line with one file of it';
COMMENT ON COLUMN ledger.award_source.zone_id IS 'zone';
COMMENT ON COLUMN ledger.award_source.source IS 'code that the map gives the list';
COMMENT ON COLUMN ledger.award_source.salt IS 'random bytes under every hash of a row; erased, hashes here and in the log say nothing, and the list takes no more files';
COMMENT ON COLUMN ledger.award_source.created_at IS 'when its first file was imported';
CALL ledger.isolate_by_zone('ledger.award_source');
GRANT SELECT, INSERT, UPDATE (salt) ON ledger.award_source TO subsidy_ledger_app;

CREATE TABLE ledger.award_file (
    zone_id integer NOT NULL,
    log_index bigint NOT NULL,
    source text NOT NULL,
    file_name text NOT NULL,
    file_sha256 bytea NOT NULL CONSTRAINT award_file_sha256_length CHECK (octet_length(file_sha256) = 32),
    row_count bigint NOT NULL CONSTRAINT award_file_row_count_not_negative CHECK (row_count >= 0),
    imported_at timestamptz NOT NULL,
    CONSTRAINT award_file_pkey PRIMARY KEY (zone_id, log_index),
    CONSTRAINT award_file_source_fkey FOREIGN KEY (zone_id, source) REFERENCES ledger.award_source,
    CONSTRAINT award_file_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry
);
COMMENT ON TABLE ledger.award_file IS 'a file of past awards that changed something when it was imported';
COMMENT ON COLUMN ledger.award_file.zone_id IS 'zone';
COMMENT ON COLUMN ledger.award_file.log_index IS 'entry of the import';
COMMENT ON COLUMN ledger.award_file.source IS 'list of which it is a file';
COMMENT ON COLUMN ledger.award_file.file_name IS 'name of the file';
COMMENT ON COLUMN ledger.award_file.file_sha256 IS 'SHA-256 of its bytes';
COMMENT ON COLUMN ledger.award_file.row_count IS 'rows that it has';
COMMENT ON COLUMN ledger.award_file.imported_at IS 'when it was imported';
CALL ledger.isolate_by_zone('ledger.award_file');
CALL ledger.make_append_only('ledger.award_file');

CREATE TABLE ledger.imported_programme (
    zone_id integer NOT NULL,
    code text NOT NULL CONSTRAINT imported_programme_code_form
        CHECK (code ~ '^[A-Z0-9]([A-Z0-9-]{0,30}[A-Z0-9])?$'),
    name text NOT NULL CONSTRAINT imported_programme_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    source text NOT NULL,
    CONSTRAINT imported_programme_pkey PRIMARY KEY (zone_id, code),
    CONSTRAINT imported_programme_source_fkey FOREIGN KEY (zone_id, source)
        REFERENCES ledger.award_source
);
COMMENT ON TABLE ledger.imported_programme IS 'schemes of other offices under which past awards were made';
COMMENT ON COLUMN ledger.imported_programme.zone_id IS 'zone';
COMMENT ON COLUMN ledger.imported_programme.code IS 'programme code in accounts, made from the name';
COMMENT ON COLUMN ledger.imported_programme.name IS 'name as the other office writes it';
COMMENT ON COLUMN ledger.imported_programme.source IS 'list that brought it first';
CALL ledger.isolate_by_zone('ledger.imported_programme');
CALL ledger.make_append_only('ledger.imported_programme');

CREATE TABLE ledger.imported_award (
    zone_id integer NOT NULL,
    award_id uuid NOT NULL,
    source text NOT NULL,
    identity bytea NOT NULL CONSTRAINT imported_award_identity_length CHECK (octet_length(identity) = 32),
    content bytea NOT NULL CONSTRAINT imported_award_content_length CHECK (octet_length(content) = 32),
    row_number bigint NOT NULL CONSTRAINT imported_award_row_number_positive CHECK (row_number > 0),
    log_index bigint NOT NULL,
    reversed_by bigint CONSTRAINT imported_award_reversed_later CHECK (reversed_by > log_index),
    programme text NOT NULL,
    fiscal_year smallint NOT NULL,
    party_id uuid,
    requested bigint CONSTRAINT imported_award_requested_not_negative CHECK (requested >= 0),
    granted bigint NOT NULL CONSTRAINT imported_award_granted_not_negative CHECK (granted >= 0),
    outcome text NOT NULL GENERATED ALWAYS AS
        (CASE WHEN granted > 0 THEN 'granted' ELSE 'refused' END) STORED,
    facts jsonb NOT NULL,
    CONSTRAINT imported_award_pkey PRIMARY KEY (zone_id, award_id),
    CONSTRAINT imported_award_log_index_key UNIQUE (zone_id, log_index),
    CONSTRAINT imported_award_source_fkey FOREIGN KEY (zone_id, source) REFERENCES ledger.award_source,
    CONSTRAINT imported_award_programme_fkey FOREIGN KEY (zone_id, programme)
        REFERENCES ledger.imported_programme,
    CONSTRAINT imported_award_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party,
    CONSTRAINT imported_award_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry,
    CONSTRAINT imported_award_reversal_fkey FOREIGN KEY (zone_id, reversed_by) REFERENCES ledger.entry
);
CREATE UNIQUE INDEX imported_award_identity_key ON ledger.imported_award (zone_id, source, identity)
    WHERE reversed_by IS NULL;
CREATE INDEX imported_award_party ON ledger.imported_award (zone_id, party_id) WHERE party_id IS NOT NULL;
COMMENT ON TABLE ledger.imported_award IS 'a past award or refusal, with the row that it came from and the entry that records it';
COMMENT ON COLUMN ledger.imported_award.zone_id IS 'zone';
COMMENT ON COLUMN ledger.imported_award.award_id IS 'subject of its entries';
COMMENT ON COLUMN ledger.imported_award.source IS 'list that it is on';
COMMENT ON COLUMN ledger.imported_award.identity IS 'what makes it the same row in another file: salted SHA-256 of its id, or of the row and how-manieth it is among equal rows';
COMMENT ON COLUMN ledger.imported_award.content IS 'salted SHA-256 of all that was read from the row, as the entry has it; another one under the same identity is a correction';
COMMENT ON COLUMN ledger.imported_award.row_number IS 'row of the file that brought it';
COMMENT ON COLUMN ledger.imported_award.log_index IS 'entry that records it';
COMMENT ON COLUMN ledger.imported_award.reversed_by IS 'entry that took it back; NULL while it stands';
COMMENT ON COLUMN ledger.imported_award.programme IS 'scheme';
COMMENT ON COLUMN ledger.imported_award.fiscal_year IS 'budget year';
COMMENT ON COLUMN ledger.imported_award.party_id IS 'recipient; NULL for a person whom the list does not name';
COMMENT ON COLUMN ledger.imported_award.requested IS 'amount asked for, minor units, where the list has it';
COMMENT ON COLUMN ledger.imported_award.granted IS 'amount granted, minor units; 0 is a refusal';
COMMENT ON COLUMN ledger.imported_award.outcome IS 'granted or refused';
COMMENT ON COLUMN ledger.imported_award.facts IS 'further columns as the other office wrote them, by their names';
CALL ledger.isolate_by_zone('ledger.imported_award');
GRANT SELECT, INSERT, UPDATE (reversed_by) ON ledger.imported_award TO subsidy_ledger_app;

CREATE FUNCTION ledger.imported_award_is_reversed_once() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'an imported award can only be reversed, once'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'imported_award_reversed_once';
END
$$;
CREATE TRIGGER imported_award_reversed_once BEFORE UPDATE ON ledger.imported_award FOR EACH ROW
    WHEN (OLD.reversed_by IS NOT NULL OR NEW.reversed_by IS NULL OR (NEW.zone_id, NEW.award_id,
        NEW.source, NEW.identity, NEW.content, NEW.row_number, NEW.log_index, NEW.programme,
        NEW.fiscal_year, NEW.party_id, NEW.requested, NEW.granted, NEW.facts) IS DISTINCT FROM
        (OLD.zone_id, OLD.award_id, OLD.source, OLD.identity, OLD.content, OLD.row_number,
        OLD.log_index, OLD.programme, OLD.fiscal_year, OLD.party_id, OLD.requested, OLD.granted,
        OLD.facts))
    EXECUTE FUNCTION ledger.imported_award_is_reversed_once();
CREATE TRIGGER imported_award_refuse_delete BEFORE DELETE ON ledger.imported_award
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER imported_award_refuse_truncate BEFORE TRUNCATE ON ledger.imported_award
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.imported_award ENABLE ALWAYS TRIGGER imported_award_reversed_once;
ALTER TABLE ledger.imported_award ENABLE ALWAYS TRIGGER imported_award_refuse_delete;
ALTER TABLE ledger.imported_award ENABLE ALWAYS TRIGGER imported_award_refuse_truncate;
