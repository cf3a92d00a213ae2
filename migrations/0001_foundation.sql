-- Roles, and what every table shares.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'subsidy_ledger_owner') THEN
        CREATE ROLE subsidy_ledger_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'subsidy_ledger_app') THEN
        CREATE ROLE subsidy_ledger_app NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'subsidy_ledger_auditor') THEN
        CREATE ROLE subsidy_ledger_auditor NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- another database of this cluster is being migrated at the same moment
END
$$;

CREATE SCHEMA ledger;
COMMENT ON SCHEMA ledger IS 'subsidy-ledger: journal, log and features of every zone';
GRANT USAGE ON SCHEMA ledger TO subsidy_ledger_app, subsidy_ledger_auditor;

-- The zone of the transaction, set by SET LOCAL app.zone; NULL, which no row matches, when it is not.
CREATE FUNCTION ledger.current_zone() RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.zone', true), '')::integer;
COMMENT ON FUNCTION ledger.current_zone() IS 'zone that row-level security admits; NULL admits none';

-- Refuses UPDATE, DELETE and TRUNCATE of what is kept for ever.
CREATE FUNCTION ledger.refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: it is append-only; correct with a reversing entry',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END
$$;
COMMENT ON FUNCTION ledger.refuse_change() IS 'trigger function of append-only tables';

-- Guards a table as append-only and opens it to the app (INSERT, SELECT) and the auditor (SELECT).
CREATE PROCEDURE ledger.make_append_only(relation regclass)
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    name text := (SELECT relname FROM pg_class WHERE oid = relation);
BEGIN
    EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %s FOR EACH ROW
        EXECUTE FUNCTION ledger.refuse_change()', name || '_refuse_row_change', relation);
    EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %s FOR EACH STATEMENT
        EXECUTE FUNCTION ledger.refuse_change()', name || '_refuse_truncate', relation);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', relation, name || '_refuse_row_change');
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', relation, name || '_refuse_truncate');
    EXECUTE format('GRANT SELECT, INSERT ON %s TO subsidy_ledger_app', relation);
    EXECUTE format('GRANT SELECT ON %s TO subsidy_ledger_auditor', relation);
END
$$;
COMMENT ON PROCEDURE ledger.make_append_only(regclass) IS 'append-only guards and grants for one table';

-- Row-level security by zone for a table that leads its key with zone_id.
CREATE PROCEDURE ledger.isolate_by_zone(relation regclass)
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', relation);
    EXECUTE format('CREATE POLICY by_zone ON %s USING (zone_id = (SELECT ledger.current_zone()))
        WITH CHECK (zone_id = (SELECT ledger.current_zone()))', relation);
    EXECUTE format('GRANT SELECT ON %s TO subsidy_ledger_auditor', relation);
END
$$;
COMMENT ON PROCEDURE ledger.isolate_by_zone(regclass) IS 'row-level security that fails closed, for one table';

CREATE TABLE ledger.zone (
    zone_id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT zone_pkey PRIMARY KEY,
    code text NOT NULL CONSTRAINT zone_code_key UNIQUE
        CONSTRAINT zone_code_form CHECK (code ~ '^[A-Z0-9]([A-Z0-9-]{0,30}[A-Z0-9])?$'),
    name_zh text NOT NULL CONSTRAINT zone_name_zh_length CHECK (char_length(name_zh) BETWEEN 1 AND 200),
    name_en text NOT NULL CONSTRAINT zone_name_en_length CHECK (char_length(name_en) BETWEEN 1 AND 200),
    currency char(3) NOT NULL CONSTRAINT zone_currency_form CHECK (currency ~ '^[A-Z]{3}$'),
    time_zone text NOT NULL,
    origin text NOT NULL CONSTRAINT zone_origin_key UNIQUE
        CONSTRAINT zone_origin_form CHECK (origin ~ '^[a-z0-9.-]+(/[a-z0-9.-]+)*$'),
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE ledger.zone IS 'a high-tech zone (高新区): the tenant with its own books, log and key';
COMMENT ON COLUMN ledger.zone.zone_id IS 'leads every key';
COMMENT ON COLUMN ledger.zone.code IS 'short code that people type';
COMMENT ON COLUMN ledger.zone.name_zh IS 'name in Chinese';
COMMENT ON COLUMN ledger.zone.name_en IS 'name in English';
COMMENT ON COLUMN ledger.zone.currency IS 'ISO 4217 code of the zone''s budget';
COMMENT ON COLUMN ledger.zone.time_zone IS 'IANA name; decides on which day an instant falls';
COMMENT ON COLUMN ledger.zone.origin IS 'origin line of the zone''s checkpoints (C2SP tlog-checkpoint)';
COMMENT ON COLUMN ledger.zone.created_at IS 'when it was set up';
-- The list of zones is not secret: it must be readable before a zone is chosen.
GRANT SELECT, INSERT ON ledger.zone TO subsidy_ledger_app;
GRANT SELECT ON ledger.zone TO subsidy_ledger_auditor;
