-- From what is owed to a line of the bank's statement.

CREATE TABLE ledger.payable (
    zone_id integer NOT NULL,
    payable_id uuid NOT NULL,
    payee_id uuid NOT NULL,
    amount bigint NOT NULL CONSTRAINT payable_amount_positive CHECK (amount > 0),
    owed_index bigint NOT NULL,
    approved_index bigint,
    submitted_by uuid NOT NULL,
    approved_by uuid,
    fiscal_year smallint NOT NULL,
    programme text NOT NULL,
    state text NOT NULL CONSTRAINT payable_state_known CHECK (state IN ('owed', 'approved', 'sent', 'paid')),
    CONSTRAINT payable_pkey PRIMARY KEY (zone_id, payable_id),
    CONSTRAINT payable_payee_fkey FOREIGN KEY (zone_id, payee_id) REFERENCES ledger.party,
    CONSTRAINT payable_programme_fkey FOREIGN KEY (zone_id, programme) REFERENCES ledger.programme,
    CONSTRAINT payable_approved CHECK ((state = 'owed') = (approved_by IS NULL)
        AND (approved_by IS NULL) = (approved_index IS NULL)),
    CONSTRAINT payable_approver_is_another CHECK (approved_by IS DISTINCT FROM submitted_by)
) WITH (fillfactor = 80);
CREATE INDEX payable_open ON ledger.payable (zone_id, state, payable_id) WHERE state <> 'paid';
CREATE INDEX payable_payee ON ledger.payable (zone_id, payee_id);
COMMENT ON TABLE ledger.payable IS 'owed to a payee (应付); its money stands in F2010 of the payee';
COMMENT ON COLUMN ledger.payable.zone_id IS 'zone';
COMMENT ON COLUMN ledger.payable.payable_id IS 'identity; of a redemption, that of its hold';
COMMENT ON COLUMN ledger.payable.payee_id IS 'who is paid';
COMMENT ON COLUMN ledger.payable.amount IS 'minor units';
COMMENT ON COLUMN ledger.payable.owed_index IS 'entry that made it owed';
COMMENT ON COLUMN ledger.payable.approved_index IS 'entry of the approval';
COMMENT ON COLUMN ledger.payable.submitted_by IS 'person who redeemed or claimed';
COMMENT ON COLUMN ledger.payable.approved_by IS 'finance officer; another person';
COMMENT ON COLUMN ledger.payable.fiscal_year IS 'budget year that pays';
COMMENT ON COLUMN ledger.payable.programme IS 'programme that pays';
COMMENT ON COLUMN ledger.payable.state IS 'owed, approved, sent to the bank, paid; a rejected one is approved again';
CALL ledger.isolate_by_zone('ledger.payable');
GRANT SELECT, INSERT, UPDATE (state, approved_by, approved_index) ON ledger.payable TO subsidy_ledger_app;

CREATE TABLE ledger.payment_batch (
    zone_id integer NOT NULL CONSTRAINT payment_batch_zone_fkey REFERENCES ledger.zone,
    batch_id uuid NOT NULL,
    sent_by uuid NOT NULL,
    sent_on date NOT NULL,
    sent_index bigint NOT NULL,
    lines integer NOT NULL CONSTRAINT payment_batch_lines_positive CHECK (lines > 0),
    total bigint NOT NULL CONSTRAINT payment_batch_total_positive CHECK (total > 0),
    CONSTRAINT payment_batch_pkey PRIMARY KEY (zone_id, batch_id),
    CONSTRAINT payment_batch_sender_fkey FOREIGN KEY (zone_id, sent_by) REFERENCES ledger.person
);
COMMENT ON TABLE ledger.payment_batch IS 'instructions sent to the bank together (支付批次)';
COMMENT ON COLUMN ledger.payment_batch.zone_id IS 'zone';
COMMENT ON COLUMN ledger.payment_batch.batch_id IS 'identity';
COMMENT ON COLUMN ledger.payment_batch.sent_by IS 'cashier';
COMMENT ON COLUMN ledger.payment_batch.sent_on IS 'day, in the zone''s time';
COMMENT ON COLUMN ledger.payment_batch.sent_index IS 'entry of the batch; P and this number is its short name';
COMMENT ON COLUMN ledger.payment_batch.lines IS 'number of lines';
COMMENT ON COLUMN ledger.payment_batch.total IS 'control sum, minor units';
CALL ledger.isolate_by_zone('ledger.payment_batch');
CALL ledger.make_append_only('ledger.payment_batch');

CREATE TABLE ledger.payment_line (
    zone_id integer NOT NULL,
    end_to_end_id text NOT NULL
        CONSTRAINT payment_line_end_to_end_id_form CHECK (end_to_end_id ~ '^[A-Z0-9-]{1,35}$'),
    batch_id uuid NOT NULL,
    payable_id uuid NOT NULL,
    amount bigint NOT NULL CONSTRAINT payment_line_amount_positive CHECK (amount > 0),
    submitted_by uuid NOT NULL,
    approved_by uuid NOT NULL,
    sent_by uuid NOT NULL,
    state text NOT NULL CONSTRAINT payment_line_state_known CHECK (state IN ('sent', 'paid', 'rejected')),
    bank_reference text,
    statement_sha256 bytea CONSTRAINT payment_line_statement_sha256_length CHECK (octet_length(statement_sha256) = 32),
    closed_index bigint,
    CONSTRAINT payment_line_pkey PRIMARY KEY (zone_id, end_to_end_id),
    CONSTRAINT payment_line_batch_fkey FOREIGN KEY (zone_id, batch_id) REFERENCES ledger.payment_batch,
    CONSTRAINT payment_line_payable_fkey FOREIGN KEY (zone_id, payable_id) REFERENCES ledger.payable,
    CONSTRAINT payment_line_paid_by_the_bank CHECK ((state = 'sent') = (closed_index IS NULL)
        AND (state = 'sent') = (statement_sha256 IS NULL) AND (state = 'paid') <= (bank_reference IS NOT NULL)),
    CONSTRAINT payment_line_four_eyes CHECK (submitted_by IS DISTINCT FROM approved_by
        AND sent_by IS DISTINCT FROM approved_by AND sent_by IS DISTINCT FROM submitted_by)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX payment_line_one_open ON ledger.payment_line (zone_id, payable_id) WHERE state <> 'rejected';
COMMENT ON TABLE ledger.payment_line IS 'one payment instruction of a batch, and what the bank said of it';
COMMENT ON COLUMN ledger.payment_line.zone_id IS 'zone';
COMMENT ON COLUMN ledger.payment_line.end_to_end_id IS 'the bank returns it on its statement';
COMMENT ON COLUMN ledger.payment_line.batch_id IS 'batch';
COMMENT ON COLUMN ledger.payment_line.payable_id IS 'what it pays';
COMMENT ON COLUMN ledger.payment_line.amount IS 'minor units';
COMMENT ON COLUMN ledger.payment_line.submitted_by IS 'submitter of the case';
COMMENT ON COLUMN ledger.payment_line.approved_by IS 'approver of the payable';
COMMENT ON COLUMN ledger.payment_line.sent_by IS 'payer; a third person';
COMMENT ON COLUMN ledger.payment_line.state IS 'sent; paid or rejected when a statement line says so';
COMMENT ON COLUMN ledger.payment_line.bank_reference IS 'the bank''s own reference of the statement line';
COMMENT ON COLUMN ledger.payment_line.statement_sha256 IS 'of the statement file that said so';
COMMENT ON COLUMN ledger.payment_line.closed_index IS 'entry of the confirmation or rejection';
CALL ledger.isolate_by_zone('ledger.payment_line');
GRANT SELECT, INSERT, UPDATE (state, bank_reference, statement_sha256, closed_index)
    ON ledger.payment_line TO subsidy_ledger_app;
