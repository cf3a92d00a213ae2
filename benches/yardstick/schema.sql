-- The least that a hand-written ledger would do: no hash, no log, no rules. 10,000 accounts.
DROP TABLE IF EXISTS postings, transfers, accounts;
CREATE TABLE accounts (
    id bigint PRIMARY KEY, balance bigint NOT NULL DEFAULT 0, version bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE TABLE transfers (
    id bigserial PRIMARY KEY, idem uuid NOT NULL UNIQUE,
    debit bigint NOT NULL, credit bigint NOT NULL, amount bigint NOT NULL CHECK (amount > 0),
    created_at timestamptz NOT NULL DEFAULT now(), hash bytea);
CREATE TABLE postings (
    id bigserial PRIMARY KEY, transfer_id bigint NOT NULL, account_id bigint NOT NULL, amount bigint NOT NULL);
CREATE INDEX postings_account ON postings (account_id, id);
INSERT INTO accounts (id) SELECT generate_series(1, 10000);
