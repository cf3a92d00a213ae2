-- Lets the owner role make the schema `ledger`, and sqlx's list of applied migrations in `public`.
-- Repeatable, and needs no rights when it has been done.
DO $$
BEGIN
    IF NOT has_database_privilege('subsidy_ledger_owner', current_database(), 'CREATE') THEN
        EXECUTE format('GRANT CREATE ON DATABASE %I TO subsidy_ledger_owner', current_database());
    END IF;
    IF NOT has_schema_privilege('subsidy_ledger_owner', 'public', 'CREATE') THEN
        GRANT USAGE, CREATE ON SCHEMA public TO subsidy_ledger_owner;
    END IF;
END
$$;
