-- The transparency log: one RFC 6962 tree per zone. Leaves are the entries (0004_journal.sql).

CREATE TABLE ledger.log_head (
    zone_id integer NOT NULL CONSTRAINT log_head_pkey PRIMARY KEY
        CONSTRAINT log_head_zone_fkey REFERENCES ledger.zone,
    size bigint NOT NULL DEFAULT 0 CONSTRAINT log_head_size_not_negative CHECK (size >= 0),
    frontier bytea NOT NULL DEFAULT '' CONSTRAINT log_head_frontier_matches_size
        CHECK (octet_length(frontier) = 32 * length(replace(size::bit(64)::text, '0', ''))),
    recorded_at timestamptz NOT NULL
);
COMMENT ON TABLE ledger.log_head IS 'the growing end of a zone''s log; locked by whoever writes entries';
COMMENT ON COLUMN ledger.log_head.zone_id IS 'zone';
COMMENT ON COLUMN ledger.log_head.size IS 'number of entries, and the index of the next one';
COMMENT ON COLUMN ledger.log_head.frontier IS 'roots of the complete subtrees, largest first, 32 bytes each';
COMMENT ON COLUMN ledger.log_head.recorded_at IS 'time of the newest entry; later ones are not earlier';
CALL ledger.isolate_by_zone('ledger.log_head');
GRANT SELECT, INSERT, UPDATE (size, frontier, recorded_at) ON ledger.log_head TO subsidy_ledger_app;

CREATE FUNCTION ledger.log_head_only_grows() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP IN ('DELETE', 'TRUNCATE') OR NEW.zone_id <> OLD.zone_id OR NEW.size < OLD.size
        OR NEW.recorded_at < OLD.recorded_at
    THEN
        RAISE EXCEPTION 'the log of a zone only grows'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'log_head_only_grows';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER log_head_only_grows BEFORE UPDATE OR DELETE ON ledger.log_head
    FOR EACH ROW EXECUTE FUNCTION ledger.log_head_only_grows();
CREATE TRIGGER log_head_refuse_truncate BEFORE TRUNCATE ON ledger.log_head
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.log_head ENABLE ALWAYS TRIGGER log_head_only_grows;
ALTER TABLE ledger.log_head ENABLE ALWAYS TRIGGER log_head_refuse_truncate;

CREATE TABLE ledger.log_tile (
    zone_id integer NOT NULL,
    level smallint NOT NULL CONSTRAINT log_tile_level_range CHECK (level BETWEEN 0 AND 7),
    number bigint NOT NULL CONSTRAINT log_tile_number_not_negative CHECK (number >= 0),
    hashes bytea NOT NULL CONSTRAINT log_tile_full CHECK (octet_length(hashes) = 8192),
    root bytea NOT NULL CONSTRAINT log_tile_root_length CHECK (octet_length(root) = 32),
    CONSTRAINT log_tile_pkey PRIMARY KEY (zone_id, level, number),
    CONSTRAINT log_tile_head_fkey FOREIGN KEY (zone_id) REFERENCES ledger.log_head
);
ALTER TABLE ledger.log_tile ALTER COLUMN hashes SET STORAGE EXTERNAL; -- hashes do not compress
COMMENT ON TABLE ledger.log_tile IS 'full tiles of 256 hashes (C2SP tlog-tiles), kept as they fill';
COMMENT ON COLUMN ledger.log_tile.zone_id IS 'zone';
COMMENT ON COLUMN ledger.log_tile.level IS '0 holds leaf hashes; level n + 1 holds the roots of tiles of level n';
COMMENT ON COLUMN ledger.log_tile.number IS 'position within the level';
COMMENT ON COLUMN ledger.log_tile.hashes IS '256 hashes of 32 bytes';
COMMENT ON COLUMN ledger.log_tile.root IS 'RFC 6962 hash over the tile: its hash in the level above';
CALL ledger.isolate_by_zone('ledger.log_tile');
CALL ledger.make_append_only('ledger.log_tile');

CREATE TABLE ledger.log_checkpoint (
    zone_id integer NOT NULL,
    size bigint NOT NULL CONSTRAINT log_checkpoint_size_not_negative CHECK (size >= 0),
    root bytea NOT NULL CONSTRAINT log_checkpoint_root_length CHECK (octet_length(root) = 32),
    note text NOT NULL,
    signed_at timestamptz NOT NULL,
    CONSTRAINT log_checkpoint_pkey PRIMARY KEY (zone_id, size),
    CONSTRAINT log_checkpoint_head_fkey FOREIGN KEY (zone_id) REFERENCES ledger.log_head
);
COMMENT ON TABLE ledger.log_checkpoint IS 'signed tree heads as published (C2SP tlog-checkpoint)';
COMMENT ON COLUMN ledger.log_checkpoint.zone_id IS 'zone';
COMMENT ON COLUMN ledger.log_checkpoint.size IS 'entries that it covers';
COMMENT ON COLUMN ledger.log_checkpoint.root IS 'RFC 6962 root at that size';
COMMENT ON COLUMN ledger.log_checkpoint.note IS 'the signed note, byte for byte';
COMMENT ON COLUMN ledger.log_checkpoint.signed_at IS 'when the signer signed';
CALL ledger.isolate_by_zone('ledger.log_checkpoint');
CALL ledger.make_append_only('ledger.log_checkpoint');
