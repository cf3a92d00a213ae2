-- A zone as screening reads it: parties, and for each what it declared of a year and what it declared of itself. Written
-- past the service, guards off and without entries, since reading is what is measured: a million parties by commands
-- would take hours.
SET session_replication_role = replica;

INSERT INTO ledger.party (zone_id, party_id, log_index, created_at, name_needs_review, scheme, identifier, name)
SELECT :zone, lpad(to_hex(n), 32, '0')::uuid, n, now(), false, 'office_number', 'N-' || n, 'firm ' || n
FROM generate_series(1, :parties) AS n;

INSERT INTO ledger.fact_statement (zone_id, log_index, party_id, year, source, facts)
SELECT :zone, n, lpad(to_hex(n), 32, '0')::uuid, 2019, 'declared', json_build_object(
        'annual_sales', (100000 + (hashint4(n) & 134217727)) || '.00', 'rd_expense', (hashint4(n + 1) & 8388607) || '.00',
        'staff', 5 + (hashint4(n + 2) & 511), 'tech_staff', hashint4(n + 3) & 127,
        'total_assets', (1000 + (hashint4(n + 4) & 134217727)) || '.00',
        'total_cost', (100000 + (hashint4(n + 5) & 134217727)) || '.00')::text
FROM generate_series(1, :parties) AS n;

INSERT INTO ledger.fact_statement (zone_id, log_index, party_id, from_day, source, facts)
SELECT :zone, :parties + n, lpad(to_hex(n), 32, '0')::uuid, '2020-01-01', 'declared', json_build_object(
        'class1_ip', (hashint4(n + 6) & 7) / 7, 'class2_ip', hashint4(n + 7) & 7, 'filed_on', '2020-03-01',
        'major_incident', false, 'national_award', false, 'prohibited_products', false, 'provincial_rd_body', false,
        'resident_enterprise', true, 'standard_led', false)::text
FROM generate_series(1, :parties) AS n;

INSERT INTO ledger.fact_statement (zone_id, log_index, party_id, from_day, source, register, facts)
SELECT :zone, 2 * :parties + n, lpad(to_hex(n), 32, '0')::uuid, '2020-01-01', 'imported', 'integrity',
    json_build_object('hnte_status', CASE hashint4(n + 8) & 7 WHEN 0 THEN 'valid' ELSE 'none' END,
        'integrity_listed', hashint4(n + 9) & 31 = 0, 'tech_sme_status', 'none')::text
FROM generate_series(1, :parties) AS n;

RESET session_replication_role;
ANALYZE ledger.party, ledger.fact_statement;
