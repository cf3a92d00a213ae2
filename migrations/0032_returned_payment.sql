-- A payment that the bank returns after it was booked (退汇): the payable is owed again.
ALTER TABLE ledger.payment_line
    ADD COLUMN returned_index bigint,
    DROP CONSTRAINT payment_line_state_known,
    DROP CONSTRAINT payment_line_paid_by_the_bank,
    ADD CONSTRAINT payment_line_state_known
        CHECK (state IN ('prepared', 'withdrawn', 'sent', 'paid', 'returned', 'rejected')),
    ADD CONSTRAINT payment_line_paid_by_the_bank CHECK (
        (state IN ('prepared', 'sent')) = (closed_index IS NULL)
        AND (state IN ('paid', 'returned', 'rejected')) = (statement_sha256 IS NOT NULL)
        AND (state IN ('paid', 'returned')) <= (bank_reference IS NOT NULL)),
    ADD CONSTRAINT payment_line_returned_by_the_bank CHECK ((state = 'returned') = (returned_index IS NOT NULL)
        AND (returned_index IS NULL OR returned_index > closed_index)),
    ADD CONSTRAINT payment_line_returned_fkey FOREIGN KEY (zone_id, returned_index) REFERENCES ledger.entry;
DROP INDEX ledger.payment_line_one_open;
CREATE UNIQUE INDEX payment_line_one_open ON ledger.payment_line (zone_id, payable_id)
    WHERE state NOT IN ('rejected', 'withdrawn', 'returned');
COMMENT ON COLUMN ledger.payment_line.state IS 'prepared; withdrawn (given back before it was sent); sent; paid or rejected when the bank says so; returned when the bank gave back what it had paid';
COMMENT ON COLUMN ledger.payment_line.returned_index IS 'entry by which a line of the bank gave it back; that line is its receipt';
GRANT UPDATE (returned_index) ON ledger.payment_line TO subsidy_ledger_app;

-- Paid stays paid, unless the bank gave it back and nobody asks it back: locked by whoever asks, too.
CREATE FUNCTION ledger.check_paid_again() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF NEW.state <> 'approved' OR EXISTS (SELECT FROM ledger.payment_line l WHERE l.zone_id = NEW.zone_id
            AND l.payable_id = NEW.payable_id AND l.state = 'paid')
        OR EXISTS (SELECT FROM ledger.recovery r WHERE r.zone_id = NEW.zone_id
            AND r.payable_id = NEW.payable_id AND r.state NOT IN ('rejected', 'void')) THEN
        RAISE EXCEPTION 'what is paid is owed again only when the bank returned it, and nobody asks it back'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION ledger.check_paid_again() IS 'trigger function: a paid payable is owed again when its line was returned';
CREATE TRIGGER payable_paid_until_returned BEFORE UPDATE ON ledger.payable FOR EACH ROW
    WHEN (OLD.state = 'paid' AND NEW.state <> 'paid')
    EXECUTE FUNCTION ledger.check_paid_again();
ALTER TABLE ledger.payable ENABLE ALWAYS TRIGGER payable_paid_until_returned;
