-- Documents of cases, kept in an object store outside the database and named by their hash; and which case used which.

CREATE TABLE ledger.evidence (
    zone_id integer NOT NULL CONSTRAINT evidence_zone_fkey REFERENCES ledger.zone,
    sha256 bytea NOT NULL CONSTRAINT evidence_sha256_length CHECK (octet_length(sha256) = 32),
    bytes bigint NOT NULL CONSTRAINT evidence_bytes_positive CHECK (bytes > 0),
    media_type text NOT NULL
        CONSTRAINT evidence_media_type_form CHECK (media_type ~ '^[a-z]+/[a-z0-9.+-]{1,100}$'),
    added_index bigint NOT NULL,
    CONSTRAINT evidence_pkey PRIMARY KEY (zone_id, sha256),
    CONSTRAINT evidence_added_key UNIQUE (zone_id, added_index),
    CONSTRAINT evidence_entry_fkey FOREIGN KEY (zone_id, added_index) REFERENCES ledger.entry
);
COMMENT ON TABLE ledger.evidence IS 'a document (证明材料) that is kept outside the database; names of files are personal data at times and not kept';
COMMENT ON COLUMN ledger.evidence.zone_id IS 'zone';
COMMENT ON COLUMN ledger.evidence.sha256 IS 'SHA-256 of its bytes: its name here, in entries and in the object store';
COMMENT ON COLUMN ledger.evidence.bytes IS 'how many bytes it has';
COMMENT ON COLUMN ledger.evidence.media_type IS 'what it is, by its bytes (RFC 6838)';
COMMENT ON COLUMN ledger.evidence.added_index IS 'entry by which it was first added';
CALL ledger.isolate_by_zone('ledger.evidence');
CALL ledger.make_append_only('ledger.evidence');

-- A case names digests whether or not the document is kept here, so none is referred to.
CREATE TABLE ledger.evidence_use (
    zone_id integer NOT NULL CONSTRAINT evidence_use_zone_fkey REFERENCES ledger.zone,
    sha256 bytea NOT NULL CONSTRAINT evidence_use_sha256_length CHECK (octet_length(sha256) = 32),
    case_kind text NOT NULL CONSTRAINT evidence_use_case_kind_form CHECK (case_kind ~ '^[a-z][a-z_]{0,31}$'),
    case_id uuid NOT NULL,
    log_index bigint NOT NULL,
    CONSTRAINT evidence_use_pkey PRIMARY KEY (zone_id, sha256, case_kind, case_id),
    CONSTRAINT evidence_use_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry
);
COMMENT ON TABLE ledger.evidence_use IS 'which case rests on which document: one document of two cases (重复使用) is for somebody to look at';
COMMENT ON COLUMN ledger.evidence_use.zone_id IS 'zone';
COMMENT ON COLUMN ledger.evidence_use.sha256 IS 'SHA-256 of the document''s bytes, as the case names it';
COMMENT ON COLUMN ledger.evidence_use.case_kind IS 'kind of case: redemption or claim';
COMMENT ON COLUMN ledger.evidence_use.case_id IS 'the case: of a redemption, the hold; of a claim, itself';
COMMENT ON COLUMN ledger.evidence_use.log_index IS 'entry by which the case first used it';
CALL ledger.isolate_by_zone('ledger.evidence_use');
CALL ledger.make_append_only('ledger.evidence_use');
