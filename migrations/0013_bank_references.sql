-- A booking of the bank confirms one instruction: were two lines paid by one reference, the books would show
-- money leaving the bank twice that left it once. A rejection has no booking, and no reference.
CREATE UNIQUE INDEX payment_line_bank_reference_key ON ledger.payment_line (zone_id, bank_reference)
    WHERE bank_reference IS NOT NULL;
