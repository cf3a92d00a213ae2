-- Numbers of contracts that people read as one are one: `N1`, `n1`, a full-width `Ｎ１` and `N1` with more spaces.

-- What is compared of a text, so far as it needs no knowledge of languages: the program also folds letters that are not Latin.
CREATE FUNCTION ledger.alike(text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog AS $$
    SELECT btrim(regexp_replace(lower(normalize($1, NFKC) COLLATE "C"), '[[:space:]]+', ' ', 'g'))
$$;
COMMENT ON FUNCTION ledger.alike(text) IS 'what two texts have in common that people read as one: compatibility forms (NFKC), capitals and spaces count for nothing';
GRANT EXECUTE ON FUNCTION ledger.alike(text) TO PUBLIC;

-- Of new contracts only: two that stand already under alike numbers stay as they were recorded. contract_reference_key, which
-- compares letter by letter, holds between transactions that don't see each other.
CREATE FUNCTION ledger.check_contract_reference() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger.contract c WHERE c.zone_id = NEW.zone_id AND c.programme = NEW.programme
        AND c.contract_id <> NEW.contract_id AND c.outcome IS DISTINCT FROM 'rejected'
        AND ledger.alike(c.reference) = ledger.alike(NEW.reference))
    THEN
        RAISE EXCEPTION 'the programme has a contract under this number, written otherwise'
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'contract_reference_alike';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION ledger.check_contract_reference() IS 'trigger function of contracts: no two of a programme have alike numbers';
CREATE TRIGGER contract_reference_alike AFTER INSERT ON ledger.contract
    FOR EACH ROW EXECUTE FUNCTION ledger.check_contract_reference();
ALTER TABLE ledger.contract ENABLE ALWAYS TRIGGER contract_reference_alike;
