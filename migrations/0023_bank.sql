-- The bank side of payments: accounts of payees, batches in two steps, and what the bank says, line by line.

-- Accounts: what they are is encrypted with a key outside of the database (docs/adr/0017); here are enough marks to
-- find one account under several parties, and to match a line of a statement, without opening any.
CREATE TABLE ledger.bank_account (
    zone_id integer NOT NULL CONSTRAINT bank_account_zone_fkey REFERENCES ledger.zone,
    account_id uuid NOT NULL,
    party_id uuid,
    sealed bytea NOT NULL CONSTRAINT bank_account_sealed_length CHECK (octet_length(sealed) BETWEEN 30 AND 4000),
    number_mark bytea NOT NULL CONSTRAINT bank_account_number_mark_length CHECK (octet_length(number_mark) = 32),
    holder_mark bytea NOT NULL CONSTRAINT bank_account_holder_mark_length CHECK (octet_length(holder_mark) = 32),
    masked text NOT NULL CONSTRAINT bank_account_masked_form CHECK (masked ~ '^…[0-9A-Z]{4}$'),
    proposed_by uuid NOT NULL,
    proposed_index bigint NOT NULL,
    confirmed_by uuid,
    confirmed_index bigint,
    superseded_index bigint,
    state text NOT NULL GENERATED ALWAYS AS (CASE WHEN superseded_index IS NOT NULL THEN 'superseded'
        WHEN confirmed_index IS NOT NULL THEN 'confirmed' ELSE 'proposed' END) STORED,
    CONSTRAINT bank_account_pkey PRIMARY KEY (zone_id, account_id),
    CONSTRAINT bank_account_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party,
    CONSTRAINT bank_account_proposer_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT bank_account_confirmer_fkey FOREIGN KEY (zone_id, confirmed_by) REFERENCES ledger.person,
    CONSTRAINT bank_account_proposed_key UNIQUE (zone_id, proposed_index),
    CONSTRAINT bank_account_confirmed_whole CHECK ((confirmed_by IS NULL) = (confirmed_index IS NULL)),
    CONSTRAINT bank_account_two_persons CHECK (confirmed_by IS DISTINCT FROM proposed_by),
    CONSTRAINT bank_account_in_order CHECK (confirmed_index > proposed_index AND superseded_index > confirmed_index
        OR confirmed_index IS NULL AND superseded_index > proposed_index
        OR superseded_index IS NULL AND confirmed_index > proposed_index
        OR confirmed_index IS NULL AND superseded_index IS NULL)
);
CREATE UNIQUE INDEX bank_account_one_in_force ON ledger.bank_account (zone_id, party_id) NULLS NOT DISTINCT
    WHERE confirmed_index IS NOT NULL AND superseded_index IS NULL;
CREATE UNIQUE INDEX bank_account_one_proposed ON ledger.bank_account (zone_id, party_id) NULLS NOT DISTINCT
    WHERE confirmed_index IS NULL AND superseded_index IS NULL;
CREATE INDEX bank_account_number_mark ON ledger.bank_account (zone_id, number_mark);
CREATE INDEX bank_account_holder_mark ON ledger.bank_account (zone_id, holder_mark);
COMMENT ON TABLE ledger.bank_account IS 'bank account of a payee, or the zone''s own, as one person proposed and another confirmed it; changed by a new row';
COMMENT ON COLUMN ledger.bank_account.zone_id IS 'zone';
COMMENT ON COLUMN ledger.bank_account.account_id IS 'named by entries';
COMMENT ON COLUMN ledger.bank_account.party_id IS 'payee; NULL is the zone itself, whose account pays';
COMMENT ON COLUMN ledger.bank_account.sealed IS 'holder, number and bank, with a salt: version, nonce and ciphertext of AES-256-GCM-SIV, bound to zone, party and row';
COMMENT ON COLUMN ledger.bank_account.number_mark IS 'keyed HMAC-SHA-256 of the number: equal where the number is';
COMMENT ON COLUMN ledger.bank_account.holder_mark IS 'keyed HMAC-SHA-256 of the holder''s name without spaces: equal where the name is';
COMMENT ON COLUMN ledger.bank_account.masked IS 'the last four characters of the number, for people';
COMMENT ON COLUMN ledger.bank_account.proposed_by IS 'person who proposed it';
COMMENT ON COLUMN ledger.bank_account.proposed_index IS 'entry of the proposal; B and this number is its short name';
COMMENT ON COLUMN ledger.bank_account.confirmed_by IS 'finance officer; another person';
COMMENT ON COLUMN ledger.bank_account.confirmed_index IS 'entry of the confirmation, from which on it is paid to';
COMMENT ON COLUMN ledger.bank_account.superseded_index IS 'entry that put another account, or another proposal, in its place';
COMMENT ON COLUMN ledger.bank_account.state IS 'proposed, confirmed, superseded';
CALL ledger.isolate_by_zone('ledger.bank_account');
GRANT SELECT, INSERT, UPDATE (confirmed_by, confirmed_index, superseded_index) ON ledger.bank_account TO subsidy_ledger_app;

-- Batches: prepared by one cashier, released by another. Those of earlier versions were sent in one step.
ALTER TABLE ledger.payable DROP CONSTRAINT payable_state_known,
    ADD CONSTRAINT payable_state_known CHECK (state IN ('owed', 'approved', 'prepared', 'sent', 'paid'));
COMMENT ON COLUMN ledger.payable.state IS 'owed, approved, prepared (in a batch that waits for its release), sent to the bank, paid; what is rejected or given back is approved again';

DROP TRIGGER payment_batch_refuse_row_change ON ledger.payment_batch;
CREATE FUNCTION ledger.refuse_batch_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'prepared' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of a batch that was released or discarded is refused', TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'payment_batch_decided_once';
END
$$;
COMMENT ON FUNCTION ledger.refuse_batch_change() IS 'trigger function: a batch is decided once';
CREATE TRIGGER payment_batch_decided_once BEFORE UPDATE OR DELETE ON ledger.payment_batch
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_batch_change();
ALTER TABLE ledger.payment_batch ENABLE ALWAYS TRIGGER payment_batch_decided_once;
ALTER TABLE ledger.payment_batch
    ADD COLUMN state text NOT NULL DEFAULT 'released'
        CONSTRAINT payment_batch_state_known CHECK (state IN ('prepared', 'released', 'discarded')),
    ADD COLUMN prepared_by uuid,
    ADD COLUMN prepared_on date,
    ADD COLUMN prepared_index bigint,
    ADD COLUMN discarded_index bigint,
    ALTER COLUMN sent_by DROP NOT NULL,
    ALTER COLUMN sent_on DROP NOT NULL,
    ALTER COLUMN sent_index DROP NOT NULL,
    ADD CONSTRAINT payment_batch_preparer_fkey FOREIGN KEY (zone_id, prepared_by) REFERENCES ledger.person,
    ADD CONSTRAINT payment_batch_prepared_whole CHECK ((prepared_by IS NULL) = (prepared_index IS NULL)
        AND (prepared_by IS NULL) = (prepared_on IS NULL) AND (state = 'released' OR prepared_by IS NOT NULL)),
    ADD CONSTRAINT payment_batch_sent_when_released CHECK ((state = 'released') = (sent_by IS NOT NULL)
        AND (sent_by IS NULL) = (sent_on IS NULL) AND (sent_by IS NULL) = (sent_index IS NULL)),
    ADD CONSTRAINT payment_batch_discarded_whole CHECK ((state = 'discarded') = (discarded_index IS NOT NULL)),
    ADD CONSTRAINT payment_batch_two_persons CHECK (sent_by IS DISTINCT FROM prepared_by);
COMMENT ON TABLE ledger.payment_batch IS 'instructions prepared by one cashier and sent to the bank together by another (支付批次)';
COMMENT ON COLUMN ledger.payment_batch.state IS 'prepared, released, discarded; decided once';
COMMENT ON COLUMN ledger.payment_batch.prepared_by IS 'cashier who prepared it; NULL in batches that were sent in one step';
COMMENT ON COLUMN ledger.payment_batch.prepared_on IS 'day of that, in the zone''s time';
COMMENT ON COLUMN ledger.payment_batch.prepared_index IS 'entry of the preparation; P and this number is its short name';
COMMENT ON COLUMN ledger.payment_batch.discarded_index IS 'entry that gave its payables back';
COMMENT ON COLUMN ledger.payment_batch.sent_by IS 'cashier who released it; another person';
COMMENT ON COLUMN ledger.payment_batch.sent_on IS 'day of the release, in the zone''s time';
COMMENT ON COLUMN ledger.payment_batch.sent_index IS 'entry of the release; of a batch without preparation, P and this number is its short name';
COMMENT ON COLUMN ledger.payment_batch.lines IS 'number of lines: as prepared, and once released those that were sent';
COMMENT ON COLUMN ledger.payment_batch.total IS 'control sum of these, minor units';
GRANT UPDATE (state, sent_by, sent_on, sent_index, discarded_index, lines, total) ON ledger.payment_batch
    TO subsidy_ledger_app;

ALTER TABLE ledger.payment_line
    ADD COLUMN prepared_by uuid,
    ADD COLUMN account_id uuid,
    ALTER COLUMN sent_by DROP NOT NULL,
    DROP CONSTRAINT payment_line_state_known,
    DROP CONSTRAINT payment_line_paid_by_the_bank,
    DROP CONSTRAINT payment_line_four_eyes,
    ADD CONSTRAINT payment_line_state_known CHECK (state IN ('prepared', 'withdrawn', 'sent', 'paid', 'rejected')),
    ADD CONSTRAINT payment_line_paid_by_the_bank CHECK (
        (state IN ('prepared', 'sent')) = (closed_index IS NULL)
        AND (state IN ('paid', 'rejected')) = (statement_sha256 IS NOT NULL)
        AND (state = 'paid') <= (bank_reference IS NOT NULL)),
    ADD CONSTRAINT payment_line_four_eyes CHECK (submitted_by IS DISTINCT FROM approved_by
        AND sent_by IS DISTINCT FROM approved_by AND sent_by IS DISTINCT FROM submitted_by
        AND prepared_by IS DISTINCT FROM approved_by AND prepared_by IS DISTINCT FROM submitted_by),
    ADD CONSTRAINT payment_line_two_cashiers CHECK (sent_by IS DISTINCT FROM prepared_by),
    ADD CONSTRAINT payment_line_sent_by_somebody CHECK ((state IN ('prepared', 'withdrawn')) = (sent_by IS NULL)),
    ADD CONSTRAINT payment_line_has_account CHECK ((prepared_by IS NULL) = (account_id IS NULL)),
    ADD CONSTRAINT payment_line_account_fkey FOREIGN KEY (zone_id, account_id) REFERENCES ledger.bank_account;
DROP INDEX ledger.payment_line_one_open;
CREATE UNIQUE INDEX payment_line_one_open ON ledger.payment_line (zone_id, payable_id)
    WHERE state NOT IN ('rejected', 'withdrawn');
CREATE INDEX payment_line_batch ON ledger.payment_line (zone_id, batch_id);
CREATE INDEX payment_line_in_transit ON ledger.payment_line (zone_id, account_id, amount) WHERE state = 'sent';
COMMENT ON COLUMN ledger.payment_line.prepared_by IS 'cashier who put it into the batch; NULL in batches that were sent in one step';
COMMENT ON COLUMN ledger.payment_line.account_id IS 'account that it is paid to: the payee''s when the batch was prepared';
COMMENT ON COLUMN ledger.payment_line.sent_by IS 'payer; a third person, and not the one who prepared it';
COMMENT ON COLUMN ledger.payment_line.state IS 'prepared; withdrawn (given back before it was sent); sent; paid or rejected when the bank says so';
COMMENT ON COLUMN ledger.payment_line.bank_reference IS 'the bank''s own reference of the booking; or S, entry and number of the line, where the statement is kept line by line';
COMMENT ON COLUMN ledger.payment_line.statement_sha256 IS 'of the file of the bank that said so';
COMMENT ON COLUMN ledger.payment_line.closed_index IS 'entry of the confirmation, rejection or withdrawal';
GRANT UPDATE (sent_by) ON ledger.payment_line TO subsidy_ledger_app;

-- Files of the bank.
CREATE TABLE ledger.bank_file (
    zone_id integer NOT NULL CONSTRAINT bank_file_zone_fkey REFERENCES ledger.zone,
    sha256 bytea NOT NULL CONSTRAINT bank_file_sha256_length CHECK (octet_length(sha256) = 32),
    message text NOT NULL CONSTRAINT bank_file_message_known CHECK (message IN ('pain.002', 'camt.053')),
    log_index bigint NOT NULL,
    CONSTRAINT bank_file_pkey PRIMARY KEY (zone_id, sha256),
    CONSTRAINT bank_file_log_index_key UNIQUE (zone_id, log_index)
);
COMMENT ON TABLE ledger.bank_file IS 'a file of the bank that was taken in; the same bytes change nothing a second time';
COMMENT ON COLUMN ledger.bank_file.zone_id IS 'zone';
COMMENT ON COLUMN ledger.bank_file.sha256 IS 'SHA-256 of the file';
COMMENT ON COLUMN ledger.bank_file.message IS 'which message of ISO 20022 it holds';
COMMENT ON COLUMN ledger.bank_file.log_index IS 'entry that took it in';
CALL ledger.isolate_by_zone('ledger.bank_file');
CALL ledger.make_append_only('ledger.bank_file');

CREATE TABLE ledger.bank_statement (
    zone_id integer NOT NULL,
    file_index bigint NOT NULL,
    position integer NOT NULL,
    statement_id text NOT NULL
        CONSTRAINT bank_statement_id_length CHECK (char_length(statement_id) BETWEEN 1 AND 60),
    opening bigint NOT NULL,
    opening_on date NOT NULL,
    closing bigint NOT NULL,
    closing_on date NOT NULL,
    lines integer NOT NULL CONSTRAINT bank_statement_lines_not_negative CHECK (lines >= 0),
    lines_sha256 bytea NOT NULL CONSTRAINT bank_statement_lines_sha256_length CHECK (octet_length(lines_sha256) = 32),
    CONSTRAINT bank_statement_pkey PRIMARY KEY (zone_id, file_index, position),
    CONSTRAINT bank_statement_id_key UNIQUE (zone_id, statement_id),
    CONSTRAINT bank_statement_file_fkey FOREIGN KEY (zone_id, file_index) REFERENCES ledger.bank_file (zone_id, log_index)
);
COMMENT ON TABLE ledger.bank_statement IS 'a statement of the zone''s own account; each begins where the one before ended';
COMMENT ON COLUMN ledger.bank_statement.zone_id IS 'zone';
COMMENT ON COLUMN ledger.bank_statement.file_index IS 'entry that took its file in';
COMMENT ON COLUMN ledger.bank_statement.position IS 'its place in the file, from 1';
COMMENT ON COLUMN ledger.bank_statement.statement_id IS 'the bank''s name of it; of a page after the first with its number';
COMMENT ON COLUMN ledger.bank_statement.opening IS 'balance before its lines, minor units';
COMMENT ON COLUMN ledger.bank_statement.opening_on IS 'day of the opening balance';
COMMENT ON COLUMN ledger.bank_statement.closing IS 'balance after its lines, minor units';
COMMENT ON COLUMN ledger.bank_statement.closing_on IS 'day of the closing balance';
COMMENT ON COLUMN ledger.bank_statement.lines IS 'number of its lines';
COMMENT ON COLUMN ledger.bank_statement.lines_sha256 IS 'SHA-256 of its lines as they are kept, which its entry says too';
CALL ledger.isolate_by_zone('ledger.bank_statement');
CALL ledger.make_append_only('ledger.bank_statement');

CREATE TABLE ledger.bank_line (
    zone_id integer NOT NULL,
    file_index bigint NOT NULL,
    number integer NOT NULL CONSTRAINT bank_line_number_positive CHECK (number > 0),
    position integer NOT NULL,
    direction text NOT NULL CONSTRAINT bank_line_direction_known CHECK (direction IN ('credit', 'debit')),
    amount bigint NOT NULL CONSTRAINT bank_line_amount_positive CHECK (amount > 0),
    booked_on date NOT NULL,
    is_return boolean NOT NULL,
    end_to_end_id text,
    reference text,
    number_mark bytea CONSTRAINT bank_line_number_mark_length CHECK (octet_length(number_mark) = 32),
    holder_mark bytea CONSTRAINT bank_line_holder_mark_length CHECK (octet_length(holder_mark) = 32),
    masked text,
    code text,
    instruction text,
    receipt_index bigint,
    matched_by text CONSTRAINT bank_line_matched_by_known CHECK (matched_by IN ('id', 'party', 'known', 'hand')),
    matched_index bigint,
    CONSTRAINT bank_line_pkey PRIMARY KEY (zone_id, file_index, number),
    CONSTRAINT bank_line_statement_fkey FOREIGN KEY (zone_id, file_index, position) REFERENCES ledger.bank_statement,
    CONSTRAINT bank_line_instruction_fkey FOREIGN KEY (zone_id, instruction) REFERENCES ledger.payment_line,
    CONSTRAINT bank_line_matched_whole CHECK ((matched_by IS NULL) = (matched_index IS NULL)
        AND (matched_by IS NULL) = (num_nonnulls(instruction, receipt_index) = 0)),
    CONSTRAINT bank_line_matches_its_direction CHECK ((instruction IS NULL OR direction = 'debit')
        AND (receipt_index IS NULL OR direction = 'credit'))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX bank_line_instruction_key ON ledger.bank_line (zone_id, instruction) WHERE instruction IS NOT NULL;
CREATE UNIQUE INDEX bank_line_receipt_key ON ledger.bank_line (zone_id, receipt_index) WHERE receipt_index IS NOT NULL;
CREATE INDEX bank_line_unmatched ON ledger.bank_line (zone_id, file_index, number) WHERE matched_by IS NULL;
COMMENT ON TABLE ledger.bank_line IS 'one movement of the zone''s bank account, and what of the books it is; unmatched, it is an item of the bank reconciliation';
COMMENT ON COLUMN ledger.bank_line.zone_id IS 'zone';
COMMENT ON COLUMN ledger.bank_line.file_index IS 'entry that took its file in; S, this number, a hyphen and its number is its short name';
COMMENT ON COLUMN ledger.bank_line.number IS 'its place in the file, from 1';
COMMENT ON COLUMN ledger.bank_line.position IS 'place of its statement in the file';
COMMENT ON COLUMN ledger.bank_line.direction IS 'credit (came) or debit (went), seen from the account';
COMMENT ON COLUMN ledger.bank_line.amount IS 'minor units';
COMMENT ON COLUMN ledger.bank_line.booked_on IS 'the bank''s booking day';
COMMENT ON COLUMN ledger.bank_line.is_return IS 'whether it takes back a booking or returns a payment';
COMMENT ON COLUMN ledger.bank_line.end_to_end_id IS 'end-to-end id, if the bank gives one';
COMMENT ON COLUMN ledger.bank_line.reference IS 'the bank''s own reference';
COMMENT ON COLUMN ledger.bank_line.number_mark IS 'keyed HMAC-SHA-256 of the other side''s account number, as in bank_account';
COMMENT ON COLUMN ledger.bank_line.holder_mark IS 'keyed HMAC-SHA-256 of the other side''s name, as in bank_account';
COMMENT ON COLUMN ledger.bank_line.masked IS 'the last four characters of the other side''s account number';
COMMENT ON COLUMN ledger.bank_line.code IS 'what kind of movement the bank says it is';
COMMENT ON COLUMN ledger.bank_line.instruction IS 'end-to-end id of the instruction that it carries out';
COMMENT ON COLUMN ledger.bank_line.receipt_index IS 'entry of the books that this receipt is';
COMMENT ON COLUMN ledger.bank_line.matched_by IS 'how that was found: id, party (amount and other side), known (an earlier file had said it), hand (a person, with a reason)';
COMMENT ON COLUMN ledger.bank_line.matched_index IS 'entry of the match';
CALL ledger.isolate_by_zone('ledger.bank_line');
GRANT SELECT, INSERT, UPDATE (instruction, receipt_index, matched_by, matched_index) ON ledger.bank_line TO subsidy_ledger_app;
