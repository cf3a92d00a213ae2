\set a random(1, 10000)
\set b random(1, 9999)
\set b :b + (case when :b >= :a then 1 else 0 end)
\set low least(:a, :b)
\set high greatest(:a, :b)
\set amount random(1, 1000)
BEGIN;
INSERT INTO transfers (idem, debit, credit, amount) VALUES (gen_random_uuid(), :low, :high, :amount) RETURNING id AS transfer \gset
INSERT INTO postings (transfer_id, account_id, amount) VALUES (:transfer, :low, (0 - :amount::bigint)), (:transfer, :high, :amount);
UPDATE accounts SET balance = balance - :amount, version = version + 1 WHERE id = :low;
UPDATE accounts SET balance = balance + :amount, version = version + 1 WHERE id = :high;
COMMIT;
