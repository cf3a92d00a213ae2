-- Banks number their statements anew each year: an id is known within the year that its statement closes in.
ALTER TABLE ledger.bank_statement DROP CONSTRAINT bank_statement_id_key;
CREATE UNIQUE INDEX bank_statement_id_key
    ON ledger.bank_statement (zone_id, statement_id, (extract(year FROM closing_on)));
COMMENT ON COLUMN ledger.bank_statement.statement_id IS 'the bank''s name of it, one in the year of its closing balance; of a page after the first with its number';
